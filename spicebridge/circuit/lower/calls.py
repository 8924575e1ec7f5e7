"""How a device record calls its subcircuit in ``models/``: name, parameters, and what stands outside it.

Every subcircuit of a memristor has the pins p, n, state, drift, and then one pin per table of the law. The
window acts outside, between drift and state; a table is a source outside, because it is data of the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.expressions.tree import Binary, Call, Conditional, Expression, NodeVoltage, Number
from spicebridge.laws import Group, LinearMemristor
from spicebridge.laws.base import parameter_names


@dataclass(frozen=True)
class SpiceTable:
    """A tabulated function of the state at the subcircuit's `pin`: straight lines through `points`.

    Constant before the first and after the last point, but zero beyond the end `zero`, "low" or "high".
    """

    pin: str
    points: tuple[tuple[float, float], ...]
    zero: str

    def expression(self, state: str) -> Expression:
        """Its value as a function of the voltage of node `state`."""
        s: Expression = NodeVoltage(state)
        first, last = Number(self.points[0][0]), Number(self.points[-1][0])
        numbers = tuple(Number(value) for point in self.points for value in point)
        beyond = Binary(">", s, last) if self.zero == "high" else Binary("<", s, first)
        return Conditional(beyond, Number(0.0), Call("table", (s, *numbers)))


@dataclass(frozen=True)
class SubcircuitCall:
    """`names` are its subcircuits, one for all edges of the group or one per edge; `signs` those of P and J
    that it knows; `decay` the coefficient a in 1/s (one or per edge) of the linear part of the rate, which no
    window changes."""

    names: tuple[str, ...]
    signs: tuple[str, ...]
    decay: ArrayLike = 0.0
    tables: tuple[SpiceTable, ...] = ()

    def name(self, position: int) -> str:
        """The subcircuit of one edge."""
        return self.names[position if len(self.names) > 1 else 0]

    def parameters(self, group: Group, position: int, P: float, J: float) -> tuple[tuple[str, float], ...]:
        """The parameters of one edge: the record's own names, then the signs the model knows."""
        device = group.device
        out = [
            (name, float(np.broadcast_to(getattr(device, name), group.edges.shape)[position]))
            for name in parameter_names(device)
        ]
        signs = {"active": P, "polarity": J}
        return (*out, *((name, signs[name]) for name in self.signs))


def subcircuit_call(device: Any) -> SubcircuitCall:
    """Return the call for a device. Other laws than the affine one name their subcircuit in `spice_model`,
    one name or one per edge."""
    if isinstance(device, LinearMemristor):
        return SubcircuitCall((f"{device.law}_{device.control}",), ("active", "polarity"), device.a)
    signs = ("active", "polarity") if device.ohmic else ("polarity",)
    tables = tuple(SpiceTable(*table) for table in getattr(device, "spice_tables", ()))
    model = device.spice_model
    return SubcircuitCall((model,) if isinstance(model, str) else model, signs, tables=tables)
