"""Switch models: what a deck asks for, and the nearest thing a simulator can do.

A deck's switch is abrupt: resistance `ron` where the control exceeds vt + vh, `roff` below vt - vh.
Simulators whose switch is smooth get a transition of `WIDTH` volts that begins at vt, so that nothing changes
below the threshold; those that warn of wide ranges get `ron` and `roff` drawn together about their geometric
mean. A state held by such a switch overshoots by at most WIDTH + ron |rate| and leaks by its distance from
the wall over roff: `WIDTH`, ron and roff are the floor of hard bounds there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from spicebridge.circuit import deck as ir
from spicebridge.circuit.expressions import Number
from spicebridge.errors import DeckError

WIDTH = 1e-6
"""V: width of the transition of a smooth switch."""
WIDEST = 1e12
"""Largest roff/ron that Xyce and PSpice recommend."""


@dataclass(frozen=True)
class SwitchModel:
    """Threshold and hysteresis in V, resistances in ohm."""

    vt: float
    vh: float
    ron: float
    roff: float

    @property
    def on(self) -> float:
        """Where a smooth switch is fully on, in V."""
        return self.vt + WIDTH

    @property
    def off(self) -> float:
        """Where a smooth switch begins to turn on, in V."""
        return self.vt

    def within(self, ratio: float) -> SwitchModel:
        """The same switch with roff/ron at most `ratio`."""
        excess = self.roff / self.ron / ratio
        if excess <= 1.0:
            return self
        pull = math.sqrt(excess)
        return replace(self, ron=self.ron * pull, roff=self.roff / pull)

    def without_hysteresis(self, simulator: str, name: str) -> SwitchModel:
        """The switch itself; raises `DeckError` if it has hysteresis."""
        if self.vh != 0.0:
            raise DeckError(f"model {name!r}: switches of {simulator} have no hysteresis; give vh = 0")
        return self


def switch_model(model: ir.Model) -> SwitchModel:
    """Return what a ``sw`` model says, defaults filled in as SPICE does; raises `DeckError` naming it."""
    if model.kind.lower() != "sw":
        raise DeckError(f"model {model.name!r}: kind {model.kind!r} has no element here; only sw is written")
    known = {"vt": 0.0, "vh": 0.0, "ron": 1.0, "roff": 1e12}
    for name, value in model.parameters:
        if name.lower() not in known:
            raise DeckError(f"model {model.name!r}: parameter {name!r} is none of {', '.join(known)}")
        if isinstance(value, Number):
            value = value.value
        if not isinstance(value, (int, float)):
            raise DeckError(f"model {model.name!r}: {name} must be a number here; flatten the deck first")
        known[name.lower()] = float(value)
    made = SwitchModel(**known)
    if made.ron <= 0.0 or made.roff <= 0.0:
        raise DeckError(f"model {model.name!r}: ron and roff must be positive")
    if made.vh < 0.0:
        raise DeckError(f"model {model.name!r}: vh must not be negative, simulators differ on what it means")
    return made
