"""Many trajectories of one network marched side by side, each with its own time, step and events.

A stage is one evaluation for all trajectories of the batch: a few matrix products. Nothing else is shared, so that the
numbers of a trajectory do not depend on its company, beyond the rounding of products of different size. Hits and
releases of hard bounds are located on the dense output and the trajectory goes on from there; in place of a held state
the stages integrate its bulk rate f, whose sign tells when it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array, BoolArray, IntArray
from spicebridge.errors import ScreenError
from spicebridge.theory.edge_laws import EdgeLaws
from spicebridge.theory.ensembles.active_runs import ActiveRuns, EnsembleRecord
from spicebridge.theory.ensembles.batched_currents import BatchCurrents
from spicebridge.theory.ensembles.field import Field
from spicebridge.theory.ensembles.members import FlatLaws, Members
from spicebridge.theory.ensembles.tableaux import Tableau
from spicebridge.theory.ensembles.wall_events import Search, vanishing
from spicebridge.theory.results.stability import require_regular
from spicebridge.theory.time import problem as single
from spicebridge.theory.time.dynamics import Dynamics, network_branch
from spicebridge.theory.time.runge_kutta import FIRST_PROBE
from spicebridge.theory.time.walls import PROBE

SAFETY, SHRINKAGE, GROWTH = 0.9, 0.2, 5.0
FIRST_STEP = 0.05
"""First step: the time in which the fastest edge moves by this part of its scale."""
SOLVED = 0.01
"""Residual of Kirchhoff's equations, relative, in units of rtol, …"""
SHARPEST = 1e-14
"""… and the smallest that can be asked for."""
OVERSHOOT = 1.5
"""Steps end at the latest at this multiple of the time in which the next hard bound would be reached at the present
rate."""
REFILL = 0.75
"""Take waiting trajectories in when fewer than this part of the batch is left."""
SPACING = 10 * float(np.finfo(float).eps)
"""Steps below this part of the time reached cannot be told from none."""


@dataclass(eq=False)
class Attempt:
    """One step of every trajectory: length `h` (runs,) in s, whether it ends at `barrier` (runs,), stages `K` and
    `solutions` of Kirchhoff's equations at them, and the state at its `end`."""

    h: Array
    last: BoolArray
    barrier: Array
    K: Array
    solutions: Array
    end: Array


class AdaptiveSteps:
    """Takes all `members` to the last of the output `times` (n_t,) in s, `batch` of them at a time."""

    def __init__(
        self,
        members: Members,
        currents: BatchCurrents,
        tableau: Tableau,
        times: Array,
        settings: single.Settings,
        batch: int,
    ) -> None:
        self.members, self.tableau = members, tableau
        self.field = Field(members, currents, max(SOLVED * settings.rtol, SHARPEST))
        self.settings, self.batch, self.stop = settings, batch, float(times[-1])
        # No trajectory waits for an output after the last one.
        self.times = np.append(times, np.inf)
        self.corners = np.array(members.corners(self.stop))
        periods = members.periods()
        self.ceiling = periods / single.STEPS_PER_PERIOD
        self.budget = np.array([settings.budget(period) for period in periods.tolist()])
        self.chatter = single.Chatter(int(self.field.hard.sum()), self.stop)
        self.record = EnsembleRecord.empty(members.count, times.size, members.network.n_edges)

    def run(self) -> EnsembleRecord:
        """Integrate every trajectory; numerical trouble of one ends that one, with its reason."""
        waiting = np.arange(self.members.count)
        active = self._enter(waiting[:0])
        with np.errstate(all="ignore"):
            while active.size or waiting.size:
                if waiting.size and active.size < REFILL * self.batch:
                    room = self.batch - active.size
                    active, waiting = active.joined(self._enter(waiting[:room])), waiting[room:]
                if active.size:
                    active = self._step(active)
        return self.record

    def _enter(self, rows: IntArray) -> ActiveRuns:
        """Put trajectories at the start; those that cannot start are recorded and left out."""
        rows = np.array([k for k in rows.tolist() if not self._refused(k)], dtype=np.intp)
        active = ActiveRuns.start(rows, self.members.initial[rows], self.field.currents.unknowns)
        if self.times[0] == 0.0:
            self.record.state[rows, 0] = active.y
            active.output += 1
        if self.stop == 0.0 or rows.size == 0:
            return active.take(slice(0, 0))
        probe = FIRST_PROBE * np.minimum(self.stop, single.STEPS_PER_PERIOD * self.ceiling[rows])
        self.field.resolve(active, probe, np.zeros(active.y.shape, dtype=bool))
        scale = self.settings.atol + self.settings.rtol * np.abs(active.y)
        pace = np.abs(np.where(active.mode != 0, 0.0, active.f) / scale).max(axis=1)
        reach = np.maximum(np.abs(active.y) / scale, 1.0).max(axis=1)
        active.h = np.minimum(np.where(pace > 0.0, FIRST_STEP * reach / pace, np.inf), self.stop)
        lost = np.flatnonzero(~np.isfinite(active.f).all(axis=1)).tolist()
        return self._retired(active, {k: "the currents at t = 0 are not finite" for k in lost})

    def _refused(self, k: int) -> bool:
        """Whether an active network has no unique currents at the start; says so in the record."""
        if (self.members.network.P > 0.0).all():
            return False
        member = self.members.member(k)
        try:
            require_regular(member, member.initial_state)
        except ScreenError as error:
            self.record.reasons[k] = str(error)
            return True
        return False

    def _step(self, active: ActiveRuns) -> ActiveRuns:
        """One step of every trajectory; those that end are recorded and left out."""
        attempt = self._attempted(active)
        scale = self.settings.atol + self.settings.rtol * np.maximum(np.abs(active.y), np.abs(attempt.end))
        scale += np.where(active.mode != 0, self.settings.rtol, 0.0)
        error = self.tableau.error(attempt.K, attempt.h, scale)
        accepted = (error <= 1.0) & np.isfinite(attempt.K[self.tableau.regular - 1]).all(axis=1)
        self._set_steps(active, attempt, accepted, error)
        tiny = active.h <= SPACING * np.maximum(active.t, attempt.h)
        reasons = {k: self._stuck(active, k) for k in np.flatnonzero(~accepted & tiny).tolist()}
        self._advance(active, attempt, accepted, scale, reasons)
        for k in np.flatnonzero(active.count > self.budget[active.row]).tolist():
            reasons.setdefault(k, single.stiff(int(active.count[k]), float(active.t[k]), float(active.h[k])))
        return self._retired(active, reasons)

    def _attempted(self, active: ActiveRuns) -> Attempt:
        tableau, laws = self.tableau, self.members.laws(active.row)
        barrier = self.corners[active.corner]
        h = np.minimum(np.minimum(active.h, self.ceiling[active.row]), self._reach(active))
        last = active.t + h >= barrier
        h = np.where(last, barrier - active.t, h)
        K = np.empty((tableau.c.size, *active.y.shape))
        solutions = np.empty((tableau.c.size, *active.guess.shape))
        K[0], solutions[0] = active.f, active.guess
        attempt = Attempt(h, last, barrier, K, solutions, active.y)
        for s in range(1, tableau.regular):
            attempt.end = self._stage(active, attempt, s, laws)
        return attempt

    def _reach(self, active: ActiveRuns) -> Array:
        """(runs,) in s: steps longer than this would pass far beyond the next hard bound."""
        distance = np.where(active.f > 0.0, 1.0 - active.y, active.y)
        free = self.field.hard & (active.mode == 0) & (active.f != 0.0)
        time = np.where(free, distance, np.inf) / np.abs(active.f)
        return np.asarray(OVERSHOOT * np.where(time > 0.0, time, np.inf).min(axis=1))

    def _stage(self, active: ActiveRuns, attempt: Attempt, s: int, laws: EdgeLaws | FlatLaws) -> Array:
        """Compute stage s; return the unknowns it was taken at."""
        K, solutions, tableau = attempt.K, attempt.solutions, self.tableau
        y = (tableau.A[s, :s] @ K[:s].reshape(s, -1)).reshape(active.y.shape)
        y *= attempt.h[:, None]
        y += active.y
        guess = (tableau.guess[s, :s] @ solutions[:s].reshape(s, -1)).reshape(active.guess.shape)
        K[s], solutions[s] = self.field(active, y, active.t + tableau.c[s] * attempt.h, guess, laws)
        return np.asarray(y)

    def _set_steps(self, active: ActiveRuns, attempt: Attempt, accepted: BoolArray, error: Array) -> None:
        factor = np.where(error > 0.0, SAFETY * error ** (-1.0 / self.tableau.order), GROWTH)
        factor = np.clip(np.where(np.isfinite(factor), factor, SHRINKAGE), SHRINKAGE, GROWTH)
        following = attempt.h * np.minimum(factor, np.where(accepted, active.grow, SAFETY))
        # A step cut short by a corner says little about the steps behind it.
        cut = accepted & attempt.last & (factor >= 1.0)
        active.h = np.where(cut, np.maximum(active.h, following), following)
        active.grow = np.where(accepted, GROWTH, 1.0)

    def _advance(
        self, active: ActiveRuns, attempt: Attempt, accepted: BoolArray, tolerance: Array, reasons: dict[int, str]
    ) -> None:
        """Move the trajectories whose step was accepted, each up to its first event."""
        field, regular = self.field, self.tableau.regular
        search = Search(self.tableau, active.y, attempt.end, attempt.h, attempt.K)
        suspects = search.suspects(field.hard & accepted[:, None], active.mode)
        suspicious = (suspects[0] | suspects[1] | suspects[2]).any(axis=1)
        doubtful = accepted & self._doubtful(active, search)
        stop = np.where(attempt.last, attempt.barrier, active.t + attempt.h)
        inside = accepted & (self.times[active.output] < stop)
        self._finish(active, attempt, np.flatnonzero(suspicious | doubtful | inside))
        place = np.full(active.size, np.inf)
        turned = np.zeros(active.y.shape, dtype=bool)
        if suspicious.any():
            found = search.first(suspects, active.mode, tolerance, field.rounding(active))
            place = found.place
            stop = np.where(np.isfinite(place), np.minimum(active.t + place * attempt.h, stop), stop)
            turned[found.turned] = True
        for k in np.flatnonzero(doubtful).tolist():
            stop[k] = self._vanished(active, search, k, place[k], stop[k], reasons)
        rows = np.flatnonzero(accepted & np.isfinite(place))
        if rows.size:
            attempt.end = attempt.end.copy()
            attempt.end[rows] = search.at(rows, np.minimum(place[rows], 1.0))
            attempt.end[found.hit] = found.wall
        self._sample(active, search, accepted, stop)
        moved = accepted[:, None]
        active.y = np.where(moved, self._bounded(attempt.end, active.mode), active.y)
        active.f = np.where(moved, attempt.K[regular - 1], active.f)
        active.guess = np.where(moved, attempt.solutions[regular - 1], active.guess)
        active.t = np.where(accepted, stop, active.t)
        active.corner = active.corner + (accepted & (stop >= attempt.barrier))
        rows = np.array([k for k in rows.tolist() if k not in reasons and active.t[k] < self.stop], dtype=np.intp)
        if rows.size:
            self._after_events(active, rows, attempt.h[rows], turned[rows], reasons)

    def _after_events(
        self, active: ActiveRuns, rows: IntArray, h: Array, turned: BoolArray, reasons: dict[int, str]
    ) -> None:
        there = active.take(rows)
        self.field.resolve(there, PROBE * h, turned)
        again = there.t - there.event <= self.chatter.span
        there.chatter = np.where(again, there.chatter + 1, 1)
        there.event = np.where(again, there.event, there.t)
        active.put(rows, there)
        for k in rows[~np.isfinite(there.f).all(axis=1)].tolist():
            reasons[k] = self._stuck(active, k)
        for k in rows[there.chatter > self.chatter.most].tolist():
            reasons[k] = self.chatter.reason(int(active.chatter[k]), float(active.t[k]))

    def _finish(self, active: ActiveRuns, attempt: Attempt, rows: IntArray) -> None:
        """Compute the stages that only the dense output of `rows` needs."""
        regular, n = self.tableau.regular, self.tableau.c.size
        if n == regular or rows.size == 0:
            return
        there = active.take(rows)
        part = replace(attempt, h=attempt.h[rows], K=attempt.K[:, rows], solutions=attempt.solutions[:, rows])
        laws = self.members.laws(there.row)
        for s in range(regular, n):
            self._stage(there, part, s, laws)
        attempt.K[regular:, rows] = part.K[regular:]
        active.count[rows] = there.count

    def _doubtful(self, active: ActiveRuns, search: Search) -> BoolArray:
        """(runs,) whether a resistance may have reached zero inside the step."""
        if not self.field.free_resistance.any():
            return np.zeros(active.size, dtype=bool)
        laws, sign = self.members.laws(active.row), self.members.network.P
        around = search.range()
        least = np.minimum(*(sign * laws.resistance(edge) for edge in around))
        return np.asarray((~(least > 0.0) & self.field.free_resistance).any(axis=1))

    def _vanished(
        self, active: ActiveRuns, search: Search, k: int, place: float, stop: float, reasons: dict[int, str]
    ) -> float:
        """The time in s up to which trajectory k is valid; says why if a resistance vanishes before `stop`."""
        laws = self.members.laws(active.row[[k]])
        gone = vanishing(search, k, self.field.free_resistance, lambda s: self.members.network.P * laws.resistance(s))
        if gone is None or gone[1] > place:
            return stop
        edge, x = gone
        end = float(active.t[k] + x * search.h[k])
        state = float(search.at(np.array([k]), np.array([x]))[0, edge])
        reasons[k] = single.vanished(self._system(int(active.row[k])), edge, end, state)
        return end

    def _bounded(self, y: Array, mode: NDArray[np.int8]) -> Array:
        """States (runs, n_e) from unknowns."""
        hard = self.field.hard
        if not hard.any():
            return y
        inside = np.clip(y, 0.0, 1.0) if hard.all() else np.where(hard, np.clip(y, 0.0, 1.0), y)
        return np.asarray(np.where(mode != 0, mode > 0, inside))

    def _sample(self, active: ActiveRuns, search: Search, accepted: BoolArray, stop: Array) -> None:
        """Record the states at the output times that the steps up to `stop` (runs,) pass."""
        while True:
            times = self.times[active.output]
            rows = np.flatnonzero(accepted & (times <= stop))
            if rows.size == 0:
                return
            x = np.clip((times[rows] - active.t[rows]) / search.h[rows], 0.0, 1.0)
            state = search.at(rows, x)
            whole = x == 1.0
            state[whole] = search.end[rows[whole]]
            self.record.state[active.row[rows], active.output[rows]] = self._bounded(state, active.mode[rows])
            active.output[rows] += 1

    def _retired(self, active: ActiveRuns, reasons: dict[int, str]) -> ActiveRuns:
        """Record the trajectories that have ended; return the others."""
        for k, reason in reasons.items():
            self.record.reasons[active.row[k]] = reason
        over = active.t >= self.stop
        over[list(reasons)] = True
        rows = active.row[over]
        self.record.stop[rows], self.record.count[rows] = active.t[over], active.count[over]
        return active.take(~over) if over.any() else active

    def _stuck(self, active: ActiveRuns, k: int) -> str:
        return single.stuck(self._system(int(active.row[k])), active.y[k], float(active.t[k]), "")

    def _system(self, k: int) -> single.Problem:
        """Trajectory k alone, for messages."""
        network = self.members.member(k)
        branch, form = network_branch(network)
        return single.Problem(network=network, branch=branch, dynamics=Dynamics(network, branch), form=form)
