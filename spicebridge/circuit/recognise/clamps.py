"""Switches at a state node as the range that they hold the state in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.equations import CURRENT, EdgeEquations, NotLocal, put
from spicebridge.circuit.recognise.potentials import ONE, expression_of
from spicebridge.circuit.recognise.refusals import Refusal
from spicebridge.circuit.recognise.sampling import Formula
from spicebridge.circuit.recognise.source_clusters import low as folded

if TYPE_CHECKING:
    from spicebridge.circuit.recognise.law_of_edge import Characteristic

TRIED = 64
"""States and drops at which the control of a clamp is tried."""
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


def clamped_range(equations: EdgeEquations, law: Characteristic, drop: float) -> Range | None:
    """The range in which switches hold the state, None without switches; raises `Refusal` for others.

    A control may be the state alone, or the state while its rate points outward: then it is tried at drops up to
    `drop` in V.
    """
    body, state = equations.body, equations.state
    assert state is not None
    clamps = body.clamps[state]
    if not clamps:
        return None
    walls = dict(_wall(equations, switch, law, drop) for switch in clamps)
    if set(walls) != {-1, 1}:
        raise Refusal(clamps[0].name, "bounds the state on one side; bound both, or none")
    if not walls[-1] < walls[1]:
        raise Refusal(clamps[0].name, f"bounds the state from {walls[-1]:g} to {walls[1]:g}, which is no range")
    return Range(walls[-1], walls[1])


def _wall(equations: EdgeEquations, switch: ir.Switch, law: Characteristic, drop: float) -> tuple[int, float]:
    """(-1 for the lower wall, 1 for the upper one, its level)."""
    found = [m for m in equations.body.deck.models if m.name.lower() == switch.model.lower()]
    numbers = {key.lower(): value for key, value in found[0].parameters} if found else {}
    vt, ron, roff = (float(numbers.get(key, d)) for key, d in (("vt", 0.0), ("ron", 1.0), ("roff", 1e12)))  # type: ignore[arg-type]
    try:
        control = equations.at(expression_of(equations.difference(switch.control_plus, switch.control_minus)))
        plus, minus = folded(switch.plus), folded(switch.minus)
        level = equations.potential(minus if plus == equations.state else plus)
    except NotLocal as error:
        raise Refusal(switch.name, f"bounds a state by {error}; bounds are constant levels") from None
    wall = level.get(ONE, 0.0)
    if set(level) <= {ONE} and roff >= CLAMP_RATIO * ron:
        for side in (1, -1):
            if _closes(Formula(put(control, CURRENT, law.current), "v"), law, side, wall, vt, drop):
                return side, wall
    raise Refusal(
        switch.name,
        "is no clamp of a state: it has to close exactly where the state passes its wall, to a level that is the wall, "
        f"with roff at least {CLAMP_RATIO:g} ron",
    )


def _closes(control: Formula, law: Characteristic, side: int, wall: float, vt: float, drop: float) -> bool:
    """Whether the control passes vt with the state at the wall, where the rate points outward or rests."""
    random = np.random.default_rng(3)
    s = wall + random.uniform(-1.0, 1.0, TRIED)
    v = drop * np.concatenate([np.zeros(TRIED // 2), random.uniform(-1.0, 1.0, TRIED - TRIED // 2)])
    with np.errstate(all="ignore"):
        outward = side * law.ds_dt(s, v) >= 0.0
        found = control(s, v) - vt
    if not outward.any():
        s, v, outward = s[:1], v[:1], np.ones(1, bool)
        found = control(s, v) - vt
    return bool((np.abs(found - side * (s - wall)) <= 1e-12)[outward].all())
