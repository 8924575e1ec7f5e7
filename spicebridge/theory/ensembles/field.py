"""ds/dt of all trajectories of a batch, each at its own time.

ds/dt = F(s, v, i),     (i, v) = Kirchhoff(s, S(t)),     as in ``theory.dynamics``
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.theory.edge_laws import EdgeLaws
from spicebridge.theory.ensembles.active_runs import ActiveRuns
from spicebridge.theory.ensembles.batched_currents import BatchCurrents
from spicebridge.theory.ensembles.members import FlatLaws, Members
from spicebridge.theory.time.walls import RATE_ROUNDING

DOUBT = 10.0
"""A rate counts as zero below this multiple of the residual of Kirchhoff's equations, in parts of the rate that the
largest voltage would cause on that edge alone; `RATE_ROUNDING` is the least such part."""
SIGNAL_RESIDUAL = 1e-13
"""Relative residual of Kirchhoff's equations in currents that are returned."""


class Field:
    """Rates of `members` with Kirchhoff's equations solved to the relative residual `tolerance`."""

    def __init__(self, members: Members, currents: BatchCurrents, tolerance: float) -> None:
        self.members, self.currents, self.tolerance = members, currents, tolerance
        self.hard = EdgeLaws.of(members.network).hard
        self.free_resistance = members.network.stateful & ~self.hard

    def __call__(
        self, active: ActiveRuns, y: Array, t: Array, guess: Array, laws: EdgeLaws | FlatLaws | None = None
    ) -> tuple[Array, Array]:
        """(bulk rates in 1/s, solution of Kirchhoff's equations) at unknowns y (runs, n_e) and times t (runs,) in s.

        Rows of NaN where there is no unique solution.
        """
        laws = laws or self.members.laws(active.row)
        state = np.where(active.mode != 0, active.mode > 0, y) if active.mode.any() else y
        voltage = laws.resistance(state)
        S = self.members.source(active.row, t)
        current, solution = self.currents.solve(voltage, S, guess, self.tolerance)
        voltage *= current
        if self.hard.any():
            active.loudest = np.fmax(active.loudest, np.abs(voltage).max(axis=1))
        active.count += 1
        return laws.rate(state, current, voltage), solution

    def rounding(self, active: ActiveRuns) -> Array:
        """(runs, n_e) in 1/s: rates below are rounding of the currents."""
        laws = self.members.laws(active.row)
        alone = np.repeat(active.loudest[:, None], active.y.shape[1], axis=1)
        rate = laws.rate(active.y, alone / np.abs(laws.resistance(active.y)), alone)
        return np.asarray(max(RATE_ROUNDING, DOUBT * self.tolerance) * np.abs(rate))

    def resolve(self, active: ActiveRuns, probe: Array, turned: NDArray[np.bool_]) -> None:
        """Decide from the bulk rates which edges are held from now on, as ``theory.bounds`` does.

        At a wall an edge is held while f points outward, now and `probe` (runs,) s ahead; the second look is for
        edges in series, which are released at one instant. `turned` (runs, n_e) marks edges whose release was located
        now. Sets ``y`` (put into [0, 1]), ``f``, ``guess``, ``mode`` and ``loudest``.
        """
        hard = self.hard
        active.y[:, hard] = np.clip(active.y[:, hard], 0.0, 1.0)
        active.mode[:] = 0
        active.f, active.guess = self(active, active.y, active.t, active.guess)
        at_wall = hard & ((active.y == 0.0) | (active.y == 1.0))
        if not at_wall.any():
            return
        rounding = self.rounding(active)
        outward = active.f * np.where(active.y == 1.0, 1.0, -1.0)
        held = at_wall & (outward >= -rounding) & ~(turned & (outward < rounding))
        rows = np.flatnonzero((held & (outward <= rounding)).any(axis=1))
        if rows.size:
            ahead = active.take(rows)
            moving = np.where(at_wall[rows] & (outward[rows] >= 0.0), 0.0, ahead.f)
            t = ahead.t + probe[rows]
            f = self(ahead, ahead.y + probe[rows, None] * moving, t, ahead.guess)[0]
            held[rows] &= f * np.where(active.y[rows] == 1.0, 1.0, -1.0) >= -rounding[rows]
            active.count[rows] += 1
        active.mode[held] = np.where(active.y[held] == 1.0, 1, -1)

    def signals(self, times: Array, state: Array, batch: int) -> tuple[Array, Array]:
        """Currents and drops (count, n_t, n_e) that belong to states at `times` (n_t,); NaN where these are."""
        current, voltage = np.full(state.shape, np.nan), np.full(state.shape, np.nan)
        for begin in range(0, state.shape[0], batch):
            rows = np.arange(begin, min(begin + batch, state.shape[0]))
            laws, guess = self.members.laws(rows), np.zeros((rows.size, self.currents.unknowns))
            for j, time in enumerate(times.tolist()):
                resistance = laws.resistance(state[rows, j])
                S = self.members.source(rows, np.full(rows.size, time))
                current[rows, j], guess = self.currents.solve(resistance, S, guess, SIGNAL_RESIDUAL)
                voltage[rows, j] = resistance * current[rows, j]
        return current, voltage
