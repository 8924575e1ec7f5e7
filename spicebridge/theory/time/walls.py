"""Hard bounds as a switched problem: every hard edge is free, held at 0 or held at 1.

    held at 1 while f > 0, held at 0 while f < 0; free otherwise    (physics: projected dynamics)

f is the bulk rate. While an edge is held the integrator accumulates u with du/dt = f in its place, so
that the release is the first sign change of u' and costs no further solve. Edges in series are
released at the same instant under AC: at that instant f is zero up to rounding on all of them, and
only f just after it tells which are free. That f is well defined whatever the modes, because an edge
with f = 0 does not move either way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.theory.time.crossing import SIMULTANEOUS, first_crossing
from spicebridge.theory.time.dense_output import DERIVATIVE, lagrange, monomials
from spicebridge.theory.time.dynamics import Dynamics
from spicebridge.theory.time.trajectory import Event

Modes = NDArray[np.int8]

STATE_ROUNDING = 64 * np.finfo(float).eps
"""A state beyond its bound by no more than this has not left it."""
RATE_ROUNDING = 1e-12
"""A rate is rounding of the branch solve below this part of the rate that the largest voltage of the
network, met so far, would cause on that edge alone. (A release found late by dt costs f' dt^2 / 2 only.)"""
PROBE = 1e-6
"""Time at which f "just after" is taken, in units of the last step."""
RELEASED = 2.0
"""A held edge with a kinked law is free where f points inward by this many roundings."""
RELEASE_BISECTIONS = 50


class Bounds:
    """Modes of the hard edges and the search for their changes.

    ``mode`` (n_e,) is 0 free, +1 held at 1, -1 held at 0.
    """

    def __init__(self, dynamics: Dynamics) -> None:
        self.dynamics = dynamics
        self.hard = dynamics.hard
        self.edges = np.flatnonzero(self.hard)
        self.mode: Modes = np.zeros(self.hard.size, dtype=np.int8)
        self.wall = np.zeros(self.hard.size)
        self.voltage_scale = 0.0
        self.rounding = np.zeros(self.hard.size)
        self.events: list[Event] = []

    @property
    def any_held(self) -> bool:
        return bool(self.mode.any())

    def state(self, raw: Array) -> Array:
        """The true state (n_e,) behind the integrator's variables."""
        return np.where(self.mode != 0, self.wall, raw)

    def unknowns(self, state: Array) -> Array:
        """The integrator's variables (n_e,) at the start of a segment."""
        return np.where(self.mode != 0, 0.0, state)

    def see(self, state: Array, t: float) -> Array:
        """Return f (n_e,) at (state, t); raise ``rounding`` (n_e,), below which a rate counts as zero."""
        dynamics = self.dynamics
        current, voltage = dynamics.branch(state, t)
        largest = max(float(np.abs(voltage).max()), float(np.abs(dynamics.emf(t)).max()))
        self.voltage_scale = max(self.voltage_scale, largest)
        alone = np.full(state.shape, self.voltage_scale)
        rate = np.abs(dynamics.rate(state, alone * dynamics.conductance(state, voltage), alone))
        self.rounding = np.maximum(self.rounding, RATE_ROUNDING * rate)
        return dynamics.rate(state, current, voltage)

    def resolve(self, t: float, state: Array, probe: float, *, record: bool) -> Array:
        """Decide the modes from `t` on; return the state with hard edges put into [0, 1].

        `probe` in s is the distance at which f just after t is taken.
        """
        state = state.copy()
        state[self.hard] = np.clip(state[self.hard], 0.0, 1.0)
        at_wall = self.hard & ((state == 0.0) | (state == 1.0))
        mode: Modes = np.zeros_like(self.mode)
        if at_wall.any():
            side = np.where(state == 1.0, 1.0, -1.0)
            rate = self.see(state, t)
            moving = np.where(at_wall & (rate * side >= 0.0), 0.0, rate)
            ahead = self.see(state + probe * moving, t + probe)
            held = at_wall & (rate * side >= -self.rounding) & (ahead * side >= -self.rounding)
            mode[held] = side[held].astype(np.int8)
        if record:
            self.events += changes(t, self.mode, mode)
        self.mode = mode
        self.wall = np.where(mode > 0, 1.0, 0.0)
        return state

    def first_event(self, values: Array, start: float, length: float, rate: tuple[Array, Array]) -> tuple[float, Array]:
        """Search one step from `start` (s): `values` (8, n_e) at its nodes, `rate` = f at both ends.

        Returns (x, hit): x in [0, 1] or infinite, and (n_e,) +1 or -1 for edges that hit a bound there.
        """
        if not self.edges.size:
            return np.inf, np.zeros(self.mode.size)
        free = self.edges[self.mode[self.edges] == 0]
        held = self.edges[self.mode[self.edges] != 0]
        slope = DERIVATIVE @ values[:, held] / length
        slope[0], slope[-1] = rate[0][held], rate[1][held]
        inward = -slope * self.mode[held]
        if held.size:
            self.see(self.state(values[-1]), start + length)
        level = np.concatenate([np.full(2 * free.size, STATE_ROUNDING), self.rounding[held]])
        place = first_crossing(monomials(np.hstack([values[:, free] - 1.0, -values[:, free], inward])), level)
        if self.dynamics.kinked and held.size:
            place[2 * free.size :] = self._release(values, start, length, rate[1])
        hit = np.zeros(self.mode.size)
        if place.size == 0 or not np.isfinite(place.min()):
            return np.inf, hit
        x = float(place.min())
        now = place[: 2 * free.size] <= x + SIMULTANEOUS
        hit[free[now[: free.size]]] = 1.0
        hit[free[now[free.size :]]] = -1.0
        return x, hit

    def _release(self, values: Array, start: float, length: float, last: Array) -> float:
        """Place of the first release in a step, by the field itself; `last` is f at its end.

        A polynomial through a kink of f swings to the wrong side before it, and shows releases that are none.
        """

        def turned(rate: Array) -> bool:
            return bool((rate * self.mode < -RELEASED * self.rounding).any())

        if not turned(last):
            return np.inf
        low, high = 0.0, 1.0
        for _ in range(RELEASE_BISECTIONS):
            middle = 0.5 * (low + high)
            state = self.state((lagrange(np.array([middle])) @ values)[0])
            if turned(self.dynamics(state, start + middle * length)):
                high = middle
            else:
                low = middle
        return high


def changes(t: float, before: Modes, after: Modes) -> list[Event]:
    """Events at time t (s) between two modes (n_e,)."""
    found = []
    for k in np.flatnonzero(before != after).tolist():
        if before[k]:
            found.append(Event(t, k, f"leaves {int(before[k] > 0)}"))
        if after[k]:
            found.append(Event(t, k, f"reaches {int(after[k] > 0)}"))
    return found
