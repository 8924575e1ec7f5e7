"""Integration by Taylor series: one factorisation a step, one solve an order.

The order follows from the tolerance, the step from the last coefficients: terms of the order of the tolerance end
the series. Dense output is the polynomial. A hit is a root of s or s - 1, a release a root of the bulk rate of a held
edge; both restart the series, and which edges are then held or free is told by the first two coefficients of their
rates (edges in series are released together: their rates are then zero, and only the next coefficient tells).
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array, IntArray
from spicebridge.errors import SingularNetwork
from spicebridge.theory.currents.solver import BranchSolver, Operator
from spicebridge.theory.time.crossing import SIMULTANEOUS, first_crossing
from spicebridge.theory.time.dense_output import Piece
from spicebridge.theory.time.problem import (
    Chatter,
    Ending,
    Output,
    Problem,
    Settings,
    breakpoints,
    forgotten,
    shortest_period,
    stiff,
    stuck,
    vanished,
)
from spicebridge.theory.time.taylor.affine_law import AffineLaw
from spicebridge.theory.time.taylor.dense_expansion import MOST_EDGES, DenseExpansion, DenseRoom
from spicebridge.theory.time.taylor.expansion import LAST, TERM, Expansion, Room, Solve, largest
from spicebridge.theory.time.taylor.source_series import SourceSeries
from spicebridge.theory.time.trajectory import Event
from spicebridge.theory.time.walls import PROBE, RATE_ROUNDING, STATE_ROUNDING, changes

Hits = tuple[NDArray[np.intp], NDArray[np.intp]]

ORDERS_PER_DIGIT = 2.4
"""Orders for every decimal digit of the tolerance, …"""
LEAST_ORDER, MOST_ORDER = 8, 30
"""… within these."""
REACH = 3.0
"""Longest step expanded for, in units of the last one."""
GAPS = 4.0
"""Longest step expanded for, in units of the usual time between events: one that an event cuts wastes its orders, …"""
STEADY = 0.7
"""… the usual time being a mean that keeps this part of itself at every event."""
TOO_FAST = 1e-12
"""Coefficients that leave the range of numbers shorten the unit of time by this."""
SPACING = 4 * float(np.finfo(float).eps)
ROUNDING = 16 * float(np.finfo(float).eps)
"""What every step may add to the error of a state beside its truncation."""
WINDOW_ROUNDING = 4 * float(np.finfo(float).eps)
"""A state so near to the zero of its window has lost how far it is: it would stay there whatever the drift."""


def order_for(rtol: float) -> int:
    """Highest order of a step at the relative tolerance `rtol`."""
    return int(np.clip(math.ceil(-ORDERS_PER_DIGIT * math.log10(rtol)), LEAST_ORDER, MOST_ORDER))


class TaylorIntegrator:
    """One integration from 0 to `settings.stop`, handing accepted steps to `output`."""

    def __init__(
        self,
        problem: Problem,
        solver: BranchSolver,
        law: AffineLaw,
        sources: SourceSeries,
        settings: Settings,
        output: Output,
    ) -> None:
        self.problem, self.solver, self.law, self.sources = problem, solver, law, sources
        self.settings, self.output = settings, output
        n = law.level.size
        self.order = order_for(settings.rtol)
        self.room: Room | None = None
        self.mode: NDArray[np.int8] = np.zeros(n, dtype=np.int8)
        self.walled = bool(law.hard.any())
        self.open = np.flatnonzero(law.stateful & ~law.hard & (law.slope != 0.0))
        self.events: list[Event] = []
        self.chatter = Chatter(int(law.hard.sum()), settings.stop)
        self.solves = 0
        self.voltage = 0.0
        self.change = np.zeros(n) if settings.estimate else None
        self.held: IntArray = np.zeros(0, dtype=np.intp)
        self.rounding = np.zeros(0)
        self.sizes: list[float] = []
        self.ends, self.errors = [0.0], [np.zeros(n)]

    def run(self) -> Ending:
        problem, settings = self.problem, self.settings
        budget = settings.budget(shortest_period(problem.network))
        t, state = 0.0, problem.network.initial_state.copy()
        reach, self.gap = math.inf, math.inf
        with np.errstate(all="ignore"):
            for barrier in breakpoints(problem.network, settings.stop):
                while t < barrier:
                    try:
                        ahead = min(barrier - t, REACH * reach, GAPS * self.gap, settings.max_step)
                        series = self._expand(t, barrier, ahead, state)
                    except SingularNetwork as error:
                        if t == 0.0:
                            raise
                        return self._outcome(t, stuck(problem, state, t, str(error)))
                    x = self._extent(series)
                    step = x * series.length
                    if not step > SPACING * t:
                        return self._outcome(t, stuck(problem, state, t, ""))
                    if self.solves > budget:
                        return self._outcome(t, stiff(self.solves, t, step))
                    if x < 1.0 or not step < reach:
                        reach = step
                    before = t
                    t, state, reason = self._accept(t, barrier, series, x)
                    self._pace(t - before, cut=t < min(before + step, barrier))
                    if reason:
                        return self._outcome(t, reason)
        return self._outcome(t, "")

    def _pace(self, length: float, *, cut: bool) -> None:
        """Learn from the length of a step how far apart events are."""
        if cut:
            self.gap = length if math.isinf(self.gap) else STEADY * self.gap + (1.0 - STEADY) * length
        else:
            self.gap *= GAPS

    def _outcome(self, t: float, reason: str) -> Ending:
        carried = (np.array(self.ends), np.array(self.errors)) if self.settings.estimate else None
        return Ending(stop=t, reason=reason, rhs_count=self.solves, events=self.events, carried=carried)

    def _expand(self, t: float, barrier: float, length: float, state: Array) -> Expansion:
        """The series at t, until its terms are small enough at `length` or its order is reached."""
        law = self.law
        resistance = law.level + law.slope * state
        solve = self.solver.factor(resistance)
        while True:
            self.sources.expand(t, barrier, length, self.order)
            series = self._begin(solve, resistance, state, length)
            if self.walled:
                self._settle(t, series, series.rate())
            tolerance = self.settings.rtol * np.abs(state)
            tolerance += self.settings.atol
            self.sizes = series.fill(tolerance)
            self.solves += series.order
            if np.isfinite(self.sizes).all():
                return series
            if not np.isfinite(series.s[1]).all() or length < SPACING * t:
                raise SingularNetwork("the currents are not finite; check resistances and sources")
            length *= TOO_FAST

    def _begin(self, solve: Solve, resistance: Array, state: Array, length: float) -> Expansion:
        law, n = self.law, state.size
        if isinstance(solve, Operator) and n <= MOST_EDGES and not law.windows:
            rows = self.room if isinstance(self.room, DenseRoom) else DenseRoom(n, self.order)
            self.room = rows
            return DenseExpansion(law, self.sources, solve, resistance, state, length, rows)
        self.room = self.room or Room(n, self.order)
        return Expansion(law, self.sources, solve, resistance, state, length, self.room)

    def _extent(self, series: Expansion) -> float:
        """The largest x <= 1 at which the last terms are small enough, and up to which an error can be carried."""
        orders = range(series.order, 0, -1)
        ends = ((TERM / size) ** (1.0 / k) for k, size in zip(orders, self.sizes[::-1], strict=False) if size > TERM)
        x = float(min(1.0, *ends, 1.0))
        return x if self.change is None or not self.change.any() else series.tangent(self.change, x)

    def _settle(self, t: float, series: Expansion, f: Array) -> None:
        """Decide which edges at a wall are held, from the first two coefficients of their rates."""
        law, state = self.law, series.s[0]
        mode = np.zeros_like(self.mode)
        wall = np.flatnonzero(law.hard & ((state == 0.0) | (state == 1.0)))
        if wall.size:
            side = np.where(state[wall] == 1.0, 1.0, -1.0)
            first = f[wall] * side
            series.hold(wall[first >= 0.0])
            second = series.rate()
            self._see(series)
            rounding = self._rounding(series, wall)
            held = (first >= -rounding) & (first + PROBE * second[wall] * side >= -rounding)
            self.held, self.rounding = wall[held], rounding[held]
            mode[self.held] = side[held].astype(np.int8)
            series.hold(self.held)
            np.multiply(second, 0.5, out=series.s[2])
            series.s[2, self.held] = 0.0
            # A state that only touches its wall comes to it a little early, still outward: it turns within the probe.
            late = (first > 0.0) & ~held
            series.s[1, wall[late]] = f[wall[late]]
            series.s[0, wall[late]] += 0.5 * first[late] ** 2 / second[wall[late]]
        else:
            self._see(series)
            self.held, self.rounding = wall, np.zeros(0)
        if t > 0.0:
            self.events += changes(t, self.mode, mode)
        self.mode = mode

    def _see(self, series: Expansion) -> None:
        """Raise the largest voltage met so far; it tells which rates are rounding (see ``walls``)."""
        # A source that begins at zero shows in its second coefficient.
        for k, current in enumerate(series.i[:2]):
            drop, source = largest(series.resistance * current), largest(self.sources.coefficient(k))
            self.voltage = max(self.voltage, drop, source)

    def _rounding(self, series: Expansion, edges: IntArray) -> Array:
        """Rates H f of `edges` that are none, (n,)."""
        law = self.law
        alone = np.abs(law.b[edges] / series.resistance[edges]) + (0.0 if law.c is None else np.abs(law.c[edges]))
        own = np.abs(law.a[edges] * series.s[0, edges])
        return np.asarray(RATE_ROUNDING * series.length * (own + alone * self.voltage))

    def _accept(self, t: float, barrier: float, series: Expansion, x: float) -> tuple[float, Array, str]:
        """Cut the step at its first event and hand it over; return (end, state there, why the integration ends)."""
        c, hard = series.s, self.law.hard
        place, hits, ended = self._first(series, x)
        cut = place <= 1.0
        end = t + min(place, 1.0) * x * series.length
        if not cut and (end > barrier or (x == 1.0 and series.length == barrier - t)):
            end = barrier
        powers = np.power(min(place, 1.0) * x, np.arange(len(c), dtype=float))
        after: Array = powers @ c
        if self.walled:
            after[hard] = np.clip(after[hard], 0.0, 1.0)
            after[hits[0]] = 1.0
            after[hits[1]] = 0.0
        if self.change is not None:
            self._follow(series, powers)
            self.change[np.concatenate(hits)] = 0.0
            self.ends.append(end)
            self.errors.append(self.change.copy())
        if end > t:
            if self.output.wants(t, end):
                basis = partial(np.vander, N=len(c), increasing=True)
                walls = hard if self.walled else None
                self.output.keep(Piece(start=t, stop=end, length=series.length, c=c.copy(), basis=basis, hard=walls))
            else:
                self.output.reach(end, after)
        lost = self._lost(after)
        if lost is not None:
            return end, after, forgotten(self.problem, lost, end, float(after[lost]))
        if ended is not None:
            return end, after, vanished(self.problem, ended, end, float(after[ended]))
        if cut:
            return end, after, self.chatter.seen(end)
        return end, after, ""

    def _lost(self, state: Array) -> int | None:
        """An edge that has come to the zero of its window up to rounding, by nothing but its drift."""
        start = self.problem.network.initial_state
        for _, edges in self.law.windows:
            near = np.minimum(np.abs(state[edges]), np.abs(1.0 - state[edges])) <= WINDOW_ROUNDING
            moved = (start[edges] != 0.0) & (start[edges] != 1.0) & (self.law.a[edges] == 0.0)
            if (near & moved).any():
                return int(edges[np.argmax(near & moved)])
        return None

    def _first(self, series: Expansion, x: float) -> tuple[float, Hits, int | None]:
        """(place of the first event in units of x, edges that hit 1 and 0 there, edge whose resistance vanishes)."""
        nothing = np.zeros(0, dtype=np.intp)
        if not (self.walled or self.open.size):
            return math.inf, (nothing, nothing), None
        c, law = series.s, self.law
        powers = np.power(x, np.arange(len(c), dtype=float))[:, None]
        radius: Array = powers[1:, 0] @ np.abs(c[1:])
        place, hits, ended = math.inf, (nothing, nothing), None
        if self.walled:
            free = law.hard & (self.mode == 0)
            up = np.flatnonzero(free & (c[0] + radius > 1.0 + STATE_ROUNDING))
            down = np.flatnonzero(free & (c[0] - radius < -STATE_ROUNDING))
            rising, falling = c[:, up] * powers, -c[:, down] * powers
            rising[0] -= 1.0
            level = np.full(up.size + down.size, STATE_ROUNDING)
            bounds = first_crossing(np.hstack([rising, falling]), level)
            turning = series.may_turn(self.held, self.mode, x, self.rounding)
            inward = -self.mode[self.held[turning]] * series.held_rates(self.held[turning]) * powers[:-1]
            release = first_crossing(inward, self.rounding[turning])
            place = min(float(bounds.min(initial=np.inf)), float(release.min(initial=np.inf)))
            now = bounds <= place + SIMULTANEOUS if math.isfinite(place) else np.zeros(bounds.size, dtype=bool)
            hits = up[now[: up.size]], down[now[up.size :]]
        q = series.resistance
        near = self.open[np.abs(q[self.open]) <= np.abs(law.slope[self.open]) * radius[self.open]]
        if near.size:
            towards = -np.sign(q[near]) * law.slope[near] * c[:, near] * powers
            towards[0] = -np.abs(q[near])
            gone = first_crossing(towards, np.zeros(near.size))
            if gone.min() < min(place, 2.0):
                place, hits, ended = float(gone.min()), (nothing, nothing), int(near[gone.argmin()])
        return place, hits, ended

    def _follow(self, series: Expansion, powers: Array) -> None:
        """Carry the error of the states over the step and add what the step leaves out."""
        assert self.change is not None
        if self.change.any():
            self.change = series.carried(float(powers[1]))
        c = series.s
        last = np.abs(c[-LAST:] * powers[-LAST:, None]).max(axis=0)
        self.change += np.where(c[-1] < 0.0, -1.0, 1.0) * (last + ROUNDING * np.abs(c[0]))
