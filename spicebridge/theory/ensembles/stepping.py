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
from spicebridge.theory.ensembles.active_runs import Front, Record
from spicebridge.theory.ensembles.currents import BatchCurrents
from spicebridge.theory.ensembles.events import Search, vanishing
from spicebridge.theory.ensembles.field import Field
from spicebridge.theory.ensembles.laws import Laws
from spicebridge.theory.ensembles.members import Members
from spicebridge.theory.ensembles.tableaux import Tableau
from spicebridge.theory.time import stepping as single
from spicebridge.theory.time.dynamics import Dynamics, network_branch
from spicebridge.theory.time.events import CHATTER_EVENTS, CHATTER_SPAN, FIRST_PROBE
from spicebridge.theory.time.walls import PROBE

SAFETY, SHRINKAGE, GROWTH = 0.9, 0.2, 5.0
FIRST_STEP = 0.05
"""First step: the time in which the fastest edge moves by this part of its scale."""
SOLVED = 0.01
"""Residual of Kirchhoff's equations, relative, in units of rtol, …"""
SHARPEST = 1e-14
"""… and the smallest that can be asked for."""
OVERSHOOT = 1.5
"""Steps end at the latest at this multiple of the time in which the next hard bound would be reached at the present rate."""
REFILL = 0.75
"""Take waiting trajectories in when fewer than this part of the batch is left."""
SPACING = 10 * float(np.finfo(float).eps)
"""Steps below this part of the time reached cannot be told from none."""


@dataclass(eq=False)
class Attempt:
    """One step of every trajectory: length `h` (runs,) in s, whether it ends at `barrier` (runs,), stages `K` and

    `solutions` of Kirchhoff's equations at them, and the state at its `end`.
    """

    h: Array
    last: BoolArray
    barrier: Array
    K: Array
    solutions: Array
    end: Array


class EnsembleMarch:
    """Marches all `members` to the last of the output `times` (n_t,) in s, `batch` of them at a time."""

    def __init__(
        self,
        members: Members,
        currents: BatchCurrents,
        tableau: Tableau,
        times: Array,
        demand: single.Demand,
        batch: int,
    ) -> None:
        self.members, self.tableau = members, tableau
        self.field = Field(members, currents, max(SOLVED * demand.rtol, SHARPEST))
        self.demand, self.batch, self.stop = demand, batch, float(times[-1])
        # No trajectory waits for an output after the last one.
        self.times = np.append(times, np.inf)
        self.corners = np.array(members.corners(self.stop))
        periods = members.periods()
        self.ceiling = periods / single.STEPS_PER_PERIOD
        self.budget = np.array([demand.budget(period) for period in periods.tolist()])
        self.chatter_limit = CHATTER_EVENTS + 4 * int(self.field.hard.sum())
        state = np.full((members.count, times.size, members.network.n_edges), np.nan)
        nothing = np.zeros(members.count, dtype=np.intp)
        self.record = Record(state, np.zeros(members.count), [""] * members.count, nothing)

    def march(self) -> Record:
        """Integrate every trajectory; numerical trouble of one ends that one, with its reason."""
        waiting = np.arange(self.members.count)
        front = self._enter(waiting[:0])
        with np.errstate(all="ignore"):
            while front.size or waiting.size:
                if waiting.size and front.size < REFILL * self.batch:
                    room = self.batch - front.size
                    front, waiting = front.joined(self._enter(waiting[:room])), waiting[room:]
                if front.size:
                    front = self._step(front)
        return self.record

    def _enter(self, rows: IntArray) -> Front:
        """Put trajectories at the start; those that cannot start are recorded and left out."""
        rows = np.array([k for k in rows.tolist() if not self._refused(k)], dtype=np.intp)
        front = Front.start(rows, self.members.initial[rows], self.field.currents.unknowns)
        if self.times[0] == 0.0:
            self.record.state[rows, 0] = front.y
            front.output += 1
        if self.stop == 0.0 or rows.size == 0:
            return front.take(slice(0, 0))
        self.field.resolve(front, self._first_probe(rows), np.zeros(front.y.shape, dtype=bool))
        scale = self.demand.atol + self.demand.rtol * np.abs(front.y)
        pace = np.abs(np.where(front.mode != 0, 0.0, front.f) / scale).max(axis=1)
        reach = np.maximum(np.abs(front.y) / scale, 1.0).max(axis=1)
        front.h = np.minimum(np.where(pace > 0.0, FIRST_STEP * reach / pace, np.inf), self.stop)
        lost = np.flatnonzero(~np.isfinite(front.f).all(axis=1)).tolist()
        return self._retired(front, {k: "the currents at t = 0 are not finite" for k in lost})

    def _first_probe(self, rows: IntArray) -> Array:
        periods = single.STEPS_PER_PERIOD * self.ceiling[rows]
        return np.asarray(FIRST_PROBE * np.minimum(self.stop, periods))

    def _refused(self, k: int) -> bool:
        """Whether an active network has no unique currents at the start; says so in the record."""
        if (self.members.network.P > 0.0).all():
            return False
        from spicebridge.theory.results.stability import require_regular

        member = self.members.member(k)
        try:
            require_regular(member, member.initial_state)
        except ScreenError as error:
            self.record.reasons[k] = str(error)
            return True
        return False

    def _step(self, front: Front) -> Front:
        """One step of every trajectory; those that end are recorded and left out."""
        attempt = self._attempted(front)
        scale = self.demand.atol + self.demand.rtol * np.maximum(np.abs(front.y), np.abs(attempt.end))
        scale += np.where(front.mode != 0, self.demand.rtol, 0.0)
        error = self.tableau.error(attempt.K, attempt.h, scale)
        accepted = (error <= 1.0) & np.isfinite(attempt.K[self.tableau.regular - 1]).all(axis=1)
        self._set_steps(front, attempt, accepted, error)
        tiny = front.h <= SPACING * np.maximum(front.t, attempt.h)
        reasons = {k: self._stuck(front, k) for k in np.flatnonzero(~accepted & tiny).tolist()}
        self._advance(front, attempt, accepted, scale, reasons)
        for k in np.flatnonzero(front.count > self.budget[front.row]).tolist():
            reasons.setdefault(k, single.stiff(int(front.count[k]), float(front.t[k]), float(front.h[k])))
        return self._retired(front, reasons)

    def _attempted(self, front: Front) -> Attempt:
        tableau, laws = self.tableau, self.field.laws(front.row)
        barrier = self.corners[front.corner]
        h = np.minimum(np.minimum(front.h, self.ceiling[front.row]), self._reach(front))
        last = front.t + h >= barrier
        h = np.where(last, barrier - front.t, h)
        K = np.empty((tableau.c.size, *front.y.shape))
        solutions = np.empty((tableau.c.size, *front.guess.shape))
        K[0], solutions[0] = front.f, front.guess
        attempt = Attempt(h, last, barrier, K, solutions, front.y)
        for s in range(1, tableau.regular):
            attempt.end = self._stage(front, attempt, s, laws)
        return attempt

    def _reach(self, front: Front) -> Array:
        """(runs,) in s: steps longer than this would pass far beyond the next hard bound."""
        distance = np.where(front.f > 0.0, 1.0 - front.y, front.y)
        free = self.field.hard & (front.mode == 0) & (front.f != 0.0)
        time = np.where(free, distance, np.inf) / np.abs(front.f)
        return np.asarray(OVERSHOOT * np.where(time > 0.0, time, np.inf).min(axis=1))

    def _stage(self, front: Front, attempt: Attempt, s: int, laws: Laws) -> Array:
        """Compute stage s; return the unknowns it was taken at."""
        K, solutions, tableau = attempt.K, attempt.solutions, self.tableau
        y = (tableau.A[s, :s] @ K[:s].reshape(s, -1)).reshape(front.y.shape)
        y *= attempt.h[:, None]
        y += front.y
        guess = (tableau.guess[s, :s] @ solutions[:s].reshape(s, -1)).reshape(front.guess.shape)
        K[s], solutions[s] = self.field(front, y, front.t + tableau.c[s] * attempt.h, guess, laws)
        return np.asarray(y)

    def _set_steps(self, front: Front, attempt: Attempt, accepted: BoolArray, error: Array) -> None:
        factor = np.where(error > 0.0, SAFETY * error ** (-1.0 / self.tableau.order), GROWTH)
        factor = np.clip(np.where(np.isfinite(factor), factor, SHRINKAGE), SHRINKAGE, GROWTH)
        following = attempt.h * np.minimum(factor, np.where(accepted, front.grow, SAFETY))
        # A step cut short by a corner says little about the steps behind it.
        cut = accepted & attempt.last & (factor >= 1.0)
        front.h = np.where(cut, np.maximum(front.h, following), following)
        front.grow = np.where(accepted, GROWTH, 1.0)

    def _advance(
        self, front: Front, attempt: Attempt, accepted: BoolArray, tolerance: Array, reasons: dict[int, str]
    ) -> None:
        """Move the trajectories whose step was accepted, each up to its first event."""
        field, regular = self.field, self.tableau.regular
        search = Search(self.tableau, front.y, attempt.end, attempt.h, attempt.K)
        suspects = search.suspects(field.hard & accepted[:, None], front.mode)
        suspicious = (suspects[0] | suspects[1] | suspects[2]).any(axis=1)
        doubtful = accepted & self._doubtful(front, search)
        stop = np.where(attempt.last, attempt.barrier, front.t + attempt.h)
        inside = accepted & (self.times[front.output] < stop)
        self._finish(front, attempt, np.flatnonzero(suspicious | doubtful | inside))
        place = np.full(front.size, np.inf)
        turned = np.zeros(front.y.shape, dtype=bool)
        if suspicious.any():
            found = search.first(suspects, front.mode, tolerance, field.rounding(front))
            place = found.place
            stop = np.where(np.isfinite(place), np.minimum(front.t + place * attempt.h, stop), stop)
            turned[found.turned] = True
        for k in np.flatnonzero(doubtful).tolist():
            stop[k] = self._vanished(front, search, k, place[k], stop[k], reasons)
        rows = np.flatnonzero(accepted & np.isfinite(place))
        if rows.size:
            attempt.end = attempt.end.copy()
            attempt.end[rows] = search.at(rows, np.minimum(place[rows], 1.0))
            attempt.end[found.hit] = found.wall
        self._sample(front, search, accepted, stop)
        moved = accepted[:, None]
        front.y = np.where(moved, self._bounded(attempt.end, front.mode), front.y)
        front.f = np.where(moved, attempt.K[regular - 1], front.f)
        front.guess = np.where(moved, attempt.solutions[regular - 1], front.guess)
        front.t = np.where(accepted, stop, front.t)
        front.corner = front.corner + (accepted & (stop >= attempt.barrier))
        rows = np.array([k for k in rows.tolist() if k not in reasons and front.t[k] < self.stop], dtype=np.intp)
        if rows.size:
            self._after_events(front, rows, attempt.h[rows], turned[rows], reasons)

    def _after_events(self, front: Front, rows: IntArray, h: Array, turned: BoolArray, reasons: dict[int, str]) -> None:
        there = front.take(rows)
        self.field.resolve(there, PROBE * h, turned)
        span = CHATTER_SPAN * self.stop
        again = there.t - there.event <= span
        there.chatter = np.where(again, there.chatter + 1, 1)
        there.event = np.where(again, there.event, there.t)
        front.put(rows, there)
        for k in rows[~np.isfinite(there.f).all(axis=1)].tolist():
            reasons[k] = self._stuck(front, k)
        for k in rows[there.chatter > self.chatter_limit].tolist():
            reasons[k] = (
                f"{front.chatter[k]} bound events within {span:.3g} s before t = {front.t[k]:.6g} s: "
                "states chatter at their bounds; use a smooth window"
            )

    def _finish(self, front: Front, attempt: Attempt, rows: IntArray) -> None:
        """Compute the stages that only the dense output of `rows` needs."""
        regular, n = self.tableau.regular, self.tableau.c.size
        if n == regular or rows.size == 0:
            return
        there = front.take(rows)
        part = replace(attempt, h=attempt.h[rows], K=attempt.K[:, rows], solutions=attempt.solutions[:, rows])
        laws = self.field.laws(there.row)
        for s in range(regular, n):
            self._stage(there, part, s, laws)
        attempt.K[regular:, rows] = part.K[regular:]
        front.count[rows] = there.count

    def _doubtful(self, front: Front, search: Search) -> BoolArray:
        """(runs,) whether a resistance may have reached zero inside the step."""
        if not self.field.free_resistance.any():
            return np.zeros(front.size, dtype=bool)
        laws, sign = self.field.laws(front.row), self.members.network.P
        around = search.range()
        least = np.minimum(*(sign * laws.resistance(edge) for edge in around))
        return np.asarray((~(least > 0.0) & self.field.free_resistance).any(axis=1))

    def _vanished(
        self, front: Front, search: Search, k: int, place: float, stop: float, reasons: dict[int, str]
    ) -> float:
        """The time in s up to which trajectory k is valid; says why if a resistance vanishes before `stop`."""
        laws = self.field.laws(front.row[[k]])
        gone = vanishing(search, k, self.field.free_resistance, lambda s: self.members.network.P * laws.resistance(s))
        if gone is None or gone[1] > place:
            return stop
        edge, x = gone
        end = float(front.t[k] + x * search.h[k])
        state = float(search.at(np.array([k]), np.array([x]))[0, edge])
        reasons[k] = single.vanished(self._system(int(front.row[k])), edge, end, state)
        return end

    def _bounded(self, y: Array, mode: NDArray[np.int8]) -> Array:
        """States (runs, n_e) from unknowns."""
        hard = self.field.hard
        if not hard.any():
            return y
        inside = np.clip(y, 0.0, 1.0) if hard.all() else np.where(hard, np.clip(y, 0.0, 1.0), y)
        return np.asarray(np.where(mode != 0, mode > 0, inside))

    def _sample(self, front: Front, search: Search, accepted: BoolArray, stop: Array) -> None:
        """Record the states at the output times that the steps up to `stop` (runs,) pass."""
        while True:
            times = self.times[front.output]
            rows = np.flatnonzero(accepted & (times <= stop))
            if rows.size == 0:
                return
            x = np.clip((times[rows] - front.t[rows]) / search.h[rows], 0.0, 1.0)
            state = search.at(rows, x)
            whole = x == 1.0
            state[whole] = search.end[rows[whole]]
            self.record.state[front.row[rows], front.output[rows]] = self._bounded(state, front.mode[rows])
            front.output[rows] += 1

    def _retired(self, front: Front, reasons: dict[int, str]) -> Front:
        """Record the trajectories that have ended; return the others."""
        for k, reason in reasons.items():
            self.record.reasons[front.row[k]] = reason
        over = front.t >= self.stop
        over[list(reasons)] = True
        rows = front.row[over]
        self.record.stop[rows], self.record.count[rows] = front.t[over], front.count[over]
        return front.take(~over) if over.any() else front

    def _stuck(self, front: Front, k: int) -> str:
        return single.stuck(self._system(int(front.row[k])), front.y[k], float(front.t[k]), "")

    def _system(self, k: int) -> single.System:
        """Trajectory k alone, for messages."""
        network = self.members.member(k)
        branch, form = network_branch(network)
        return single.System(network, branch, Dynamics(network, branch), form)
