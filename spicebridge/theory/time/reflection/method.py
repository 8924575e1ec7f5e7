"""Marching past any number of hits and releases of hard bounds, without stopping at them.

    ds/dt = projection of f(s, t),     f by two Gauss points a step,     s by reflection (``reflected``)

A step of length H is computed twice: once as a whole (by sweeps that evaluate f on the reflected path and
reflect the new path), once as two halves that start from its rates. A hit or release within the step leaves an
error of third order in H (the mean and the first moment of the path are exact, so that only the curvature of f
sees the kink), a smooth stretch one of fifth order. The difference of both results therefore exceeds the
error of the halves about sevenfold. Added up over the steps for every edge, plus the largest difference at a hit (an
edge that rests at a wall when the step ends shows none there) by how much of the step is hidden so, it is the error
that the march states: a sum of local errors, which an unstable stretch can amplify. Measured against located events and closed forms the
true error is smaller by 5 to 100 (0.4 at worst, in a grazing hit at rtol = 1e-5); a pulse that drives 10 of 12 edges
to their walls within a step was seen to cost 8 times what is stated at rtol = 1e-5, and a hundredth of it at 1e-6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.time.reflection.dense_output import ReflectedPiece
from spicebridge.theory.time.reflection.step import GAUSS, ReflectedStep
from spicebridge.theory.time.stepping import (
    Demand,
    Keeper,
    Outcome,
    System,
    breakpoints,
    longest_step,
    not_a_number,
    shortest_period,
    stiff,
    stuck,
    vanished,
)
from spicebridge.theory.time.trajectory import Event

CONTROLLED = 0.25
"""Part of the difference between whole and halves that is kept below the tolerance; all of it is stated."""
SWEEPS = 2
"""Sweeps of the whole step and of each half, …"""
FIRST_SWEEPS = 4
"""… and of a whole step that has no rates to start from."""
FIRST_STEP = 0.02
"""First step in parts of the span."""
GROWTH, SHRINKAGE, SAFETY = 1.4, 0.2, 0.85
ORDER = 3
"""Order of the error of a step with hits."""
PER_PERIOD = 4.0
"""Steps in the shortest period of a sine, as a multiple of what the eighth-order stepper takes."""
SPACING = 16 * float(np.finfo(float).eps)
"""Steps below this part of the time reached cannot be told from none."""


def march_by_reflection(system: System, demand: Demand, keeper: Keeper) -> Outcome:
    """Advance a network with hard bounds from 0 to `demand.stop`, handing every accepted step to `keeper`."""
    return _Reflection(system, demand, keeper).march()


class _Reflection:
    def __init__(self, system: System, demand: Demand, keeper: Keeper) -> None:
        self.system, self.demand, self.keeper = system, demand, keeper
        hard = system.dynamics.hard
        self.hard = None if hard.all() else hard
        self.period = shortest_period(system.network)
        self.ceiling = longest_step(system, demand, self.period) / PER_PERIOD
        self.count, self.trouble = 0, ""
        self.error, self.passing = np.zeros(system.network.n_edges), 0.0
        self.events: list[Event] = []

    def field(self, state: Array, t: float) -> Array:
        self.count += 1
        try:
            return self.system.dynamics(state, t)
        except SingularNetwork as error:
            self.trouble = str(error)
            return np.asarray(not_a_number(state))

    def march(self) -> Outcome:
        demand, network = self.demand, self.system.network
        t, state = 0.0, network.initial_state.copy()
        H = FIRST_STEP * demand.stop
        budget = demand.budget(self.period)
        with np.errstate(all="ignore"):
            for barrier in breakpoints(network, demand.stop):
                self.system.dynamics.enter(t, barrier)
                rate, slope = self.field(state, t), np.zeros_like(state)
                sweeps = FIRST_SWEEPS
                while t < barrier:
                    H = min(H, self.ceiling)
                    last = t + H >= barrier
                    length = barrier - t if last else H
                    if length <= SPACING * barrier and not last:
                        return self._ended(t, stuck(self.system, state, t, self.trouble))
                    rates = np.stack([rate + (c * length) * slope for c in GAUSS])
                    step = self._step(t, state, rates, length, sweeps)
                    if step is None:
                        H, sweeps = length * SHRINKAGE, FIRST_SWEEPS
                    elif step.factor < SAFETY:
                        # The rates of the longer step are a good start for the shorter one.
                        rate, slope = step.whole.a, step.whole.b / length
                        H, sweeps = length * step.factor, 1
                    else:
                        ending = self._accept(t, barrier if last else t + length, step)
                        if ending is not None:
                            return ending
                        t, state = barrier if last else t + length, step.right.end
                        rate, slope = step.right.rate(1.0), step.right.b / (0.5 * length)
                        H, sweeps = max(H, length) * step.factor, SWEEPS
                    if self.count > budget:
                        return self._ended(t, stiff(self.count, t, H))
        return self._ended(t, "")

    def _ended(self, t: float, reason: str) -> Outcome:
        return Outcome(t, reason, self.count, self.events, float(self.error.max()) + self.passing)

    def _step(self, t: float, state: Array, rates: Array, H: float, sweeps: int) -> _Step | None:
        """One whole step and its halves; None if the step is far too long."""
        whole = self._sweep(t, ReflectedStep(state, rates, H, self.hard), sweeps)
        if whole is None:
            return None
        h = 0.5 * H
        left = self._sweep(t, ReflectedStep(state, _rates(whole, 0.0), h, self.hard), SWEEPS)
        if left is None:
            return None
        # What the first half learned about the rates holds for the second.
        learned = left.rate(0.5) - whole.rate(0.25)
        right = self._sweep(t + h, ReflectedStep(left.end, _rates(whole, 0.5) + learned, h, self.hard), SWEEPS)
        if right is None:
            return None
        difference = np.abs(right.end - whole.end)
        passing = np.zeros_like(difference)
        place, distance = whole.arrivals(left, right)
        # Of the step its end does not show what happened to edges that came to rest at a wall: where these are all
        # that move it shows nothing, where they are few the others are the sharper measure of the whole.
        hidden = place.size / max(1, int(np.count_nonzero(right.end != state)))
        passing[place] = min(1.0, hidden) ** 2 * distance
        scale = self.demand.atol * self.system.scale + self.demand.rtol * np.maximum(np.abs(state), np.abs(right.end))
        ratio = CONTROLLED * float((np.maximum(difference, passing) / scale).max())
        if not np.isfinite(ratio):
            return None
        factor = SAFETY * ratio ** (-1.0 / ORDER) if ratio > 0.0 else GROWTH
        return _Step(whole, left, right, difference, float(passing.max()), float(np.clip(factor, SHRINKAGE, GROWTH)))

    def _sweep(self, t: float, path: ReflectedStep, times: int) -> ReflectedStep | None:
        for _ in range(times):
            if path.crossed.any():
                return None
            states = path.moments()
            rates = [self.field(states[k], t + GAUSS[k] * path.h) for k in (0, 1)]
            path = ReflectedStep(path.start, rates, path.h, self.hard)
        return None if path.crossed.any() or not np.isfinite(path.end).all() else path

    def _accept(self, t: float, end: float, step: _Step) -> Outcome | None:
        """Keep the step; an outcome when a resistance has reached zero within it."""
        self.error += step.error
        self.passing = max(self.passing, step.passing)
        self._record(t, step.left)
        self._record(t + 0.5 * (end - t), step.right)
        if self.keeper.wants(t, end):
            self.keeper.keep(ReflectedPiece(t, end, step.left, step.right, self.system.dynamics, self.hard))
        else:
            self.keeper.reach(end, step.right.end)
        edges, R = self.system.dynamics.unbounded_resistance(step.right.end[None])
        if edges.size and not (R > 0.0).all():
            k = int(edges[int((R > 0.0).argmin())])
            return self._ended(end, vanished(self.system, k, end, float(step.right.end[k])))
        return None

    def _record(self, t: float, half: ReflectedStep) -> None:
        reaches = (half.hit > 0.0) | (half.start[half.place] != np.where(half.upper, 1.0, 0.0))
        leaves = half.release < 1.0
        found = [(half.hit[i], i, "reaches") for i in np.flatnonzero(reaches)]
        found += [(half.release[i], i, "leaves") for i in np.flatnonzero(leaves)]
        for x, i, what in sorted(found):
            self.events.append(Event(float(t + x * half.h), int(half.place[i]), f"{what} {int(half.upper[i])}"))


@dataclass(frozen=True, eq=False)
class _Step:
    """A whole step and its halves; their difference at the end (n_e,), and the largest one that a wall wipes out before;
    by what the next step may be longer."""

    whole: ReflectedStep
    left: ReflectedStep
    right: ReflectedStep
    error: Array
    passing: float
    factor: float


def _rates(whole: ReflectedStep, begin: float) -> Array:
    """Rates of the whole step at the Gauss points of the half that begins at place `begin`."""
    return np.stack([whole.rate(begin + 0.5 * c) for c in GAUSS])
