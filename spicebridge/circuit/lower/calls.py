"""How a device calls its subcircuit: name, parameters, signs.

Every subcircuit of a memristor has the pins p, n, state, drift. The window acts outside, between drift and state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.circuit.deck.elements import Subcircuit
from spicebridge.circuit.lower.circuit_formulas import circuit_formula
from spicebridge.circuit.lower.models import law_subcircuit
from spicebridge.errors import DeckError
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.tree import Binary, Expression, NodeVoltage, Number, Parameter, rebuild
from spicebridge.laws import Group, LawDevice, RecordLaw, law_of
from spicebridge.laws.base import Device, parameter_names


@dataclass(frozen=True)
class SubcircuitCall:
    """`models` are its subcircuits, one for all edges of the group or one per edge; `signs` those of P and J
    that it knows; `names` those of parameters that are called otherwise in the subcircuit. One without a sign for J is
    `turned`: connected the other way round."""

    models: tuple[Subcircuit, ...]
    signs: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    turned: bool = False

    def name(self, position: int) -> str:
        """The subcircuit of one edge."""
        return self.models[position if len(self.models) > 1 else 0].name

    def parameters(self, group: Group, position: int, P: float, J: float) -> tuple[tuple[str, float], ...]:
        """The parameters of one edge: the record's own names, then the signs the model knows."""
        device = group.device
        out = [
            (self.names.get(name, name), float(np.broadcast_to(getattr(device, name), group.edges.shape)[position]))
            for name in parameter_names(device)
        ]
        signs = {"active": P, "polarity": J}
        return (*out, *((name, signs[name]) for name in self.signs))


def subcircuit_call(device: Device) -> SubcircuitCall:
    """Return the call for a device of a law text or of a registered class. Raises `DeckError` for others."""
    if isinstance(device, LawDevice):
        return _of_text(device)
    law = law_of(device)
    if not isinstance(law, RecordLaw) or not law.subcircuit:
        raise DeckError(f"a {device.kind} has no subcircuit; give it one with register_law")
    from spicebridge.circuit.reader import read_subcircuits

    found = read_subcircuits(law.subcircuit, name=device.kind)
    if len(found) != 1:
        raise DeckError(f"the model of {device.kind} must be one subcircuit, not {len(found)}")
    known = {name.lower() for name, _ in found[0].parameters}
    missing = [name for name in parameter_names(device) if name.lower() not in known]
    if missing:
        raise DeckError(f"subcircuit {found[0].name!r} of {device.kind} lacks the parameter {missing[0]!r}")
    if len(found[0].pins) != 4:
        raise DeckError(f"subcircuit {found[0].name!r} of {device.kind} must have the pins p, n, state, drift")
    return SubcircuitCall(found, tuple(sign for sign in ("active", "polarity") if sign in known))


def _of_text(device: LawDevice) -> SubcircuitCall:
    law = device.definition
    values = {name.lower(): value for name, value in device.parameters.items()}
    truths = {name: _holds(np.asarray(evaluate(c, Environment({}, {}, values)))) for name, c in law.variants.items()}
    n = max((truth.size for truth in truths.values()), default=1)
    rows = [tuple((name, bool(np.broadcast_to(t, (n,))[k])) for name, t in truths.items()) for k in range(n)]
    choice, tables = tuple(device.choice.items()), tuple((name, getattr(device, name)) for name in law.tables)
    models = tuple(law_subcircuit(law, choice, row, tables) for row in rows)
    if law.module is not None:
        return SubcircuitCall(models, (), law.module.parameters, turned=True)
    return SubcircuitCall(models, ("active", "polarity") if device.ohmic else ("polarity",))


def decay_at(group: Group, position: int, state: str) -> Expression | None:
    """What the subcircuit of one edge sends into the node `state` beside its drift, in A; None for nothing."""
    device = group.single(position)
    linear = device.linear_rate(np.ones(()), np.ones(()))
    if linear is not None:
        return Binary("*", Number(float(linear[0])), NodeVoltage(state)) if linear[0] else None
    if not isinstance(device, LawDevice) or device.equations.decay is None:
        return None
    return _in_circuit(device, device.equations.decay, state, 1.0)


def rate_at(group: Group, position: int, P: float) -> tuple[Expression, Expression | None]:
    """Drift and decay of one edge over the nodes state, turn (J v) and flow (J i), its numbers put in."""
    device = group.single(position)
    assert isinstance(device, LawDevice)
    drift, decay = device.equations.drift, device.equations.decay
    return _in_circuit(device, drift, "state", P), None if decay is None else _in_circuit(device, decay, "state", P)


def _in_circuit(device: LawDevice, tree: Expression, state: str, P: float) -> Expression:
    """A formula with the numbers of a device of one edge put in."""
    numbers = {name.lower(): Number(float(value)) for name, value in device.parameters.items()}
    numbers["active"] = Number(P)
    settled = rebuild(tree, lambda e: numbers.get(e.name.lower()) if isinstance(e, Parameter) else None)
    return circuit_formula(device.definition, simplify(settled), state)


def _holds(value: Array) -> NDArray[np.bool_]:
    return np.abs(np.atleast_1d(value)) > 0.5
