"""Switches at a state node as the range that they hold the state in."""

from __future__ import annotations

from dataclasses import dataclass

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.equations import STATE, EdgeEquations, NotLocal
from spicebridge.circuit.recognise.potentials import ONE, Terms
from spicebridge.circuit.recognise.refusals import Refusal
from spicebridge.circuit.recognise.source_clusters import low as folded

CLAMP_RATIO = 1e9
"""Least ratio of a clamp's open to its closed resistance; below, a clamp is a leak and no bound."""


@dataclass(frozen=True)
class Range:
    """Walls of a state, in its own unit."""

    low: float
    high: float

    @property
    def unit(self) -> bool:
        """Whether it is [0, 1]."""
        return (self.low, self.high) == (0.0, 1.0)

    @property
    def span(self) -> float:
        return self.high - self.low

    def reduced(self, s: Array) -> Array:
        """The state as a number from 0 to 1."""
        return (s - self.low) / self.span


def clamped_range(equations: EdgeEquations) -> Range | None:
    """The range in which switches hold the state, None without switches; raises `Refusal` for others."""
    body, state = equations.body, equations.state
    assert state is not None
    clamps = body.clamps[state]
    if not clamps:
        return None
    walls = dict(_wall(equations, switch) for switch in clamps)
    if set(walls) != {-1, 1}:
        raise Refusal(clamps[0].name, "bounds the state on one side; bound both, or none")
    if not walls[-1] < walls[1]:
        raise Refusal(clamps[0].name, f"bounds the state from {walls[-1]:g} to {walls[1]:g}, which is no range")
    return Range(walls[-1], walls[1])


def _wall(equations: EdgeEquations, switch: ir.Switch) -> tuple[int, float]:
    """(-1 for the lower wall, 1 for the upper one, its level)."""
    found = [m for m in equations.body.deck.models if m.name.lower() == switch.model.lower()]
    numbers = {key.lower(): value for key, value in found[0].parameters} if found else {}
    vt, ron, roff = (float(numbers.get(key, d)) for key, d in (("vt", 0.0), ("ron", 1.0), ("roff", 1e12)))  # type: ignore[arg-type]
    try:
        control = equations.difference(switch.control_plus, switch.control_minus)
        plus, minus = folded(switch.plus), folded(switch.minus)
        level = equations.potential(minus if plus == equations.state else plus)
    except NotLocal as error:
        raise Refusal(switch.name, f"bounds a state by {error}; bounds are constant levels") from None
    slope, constant = control.get(STATE, 0.0), control.get(ONE, 0.0) - vt
    fixed = _only(control, STATE, ONE) and _only(level, ONE)
    wall = level.get(ONE, 0.0)
    if fixed and abs(slope) == 1.0 and slope * wall + constant == 0.0 and roff >= CLAMP_RATIO * ron:
        return int(slope), wall
    raise Refusal(
        switch.name,
        "is no clamp of a state: it has to close exactly where the state passes its wall, to a level that is the wall, "
        f"with roff at least {CLAMP_RATIO:g} ron",
    )


def _only(terms: Terms, *names: object) -> bool:
    return set(terms) <= set(names)
