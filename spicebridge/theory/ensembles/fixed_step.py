"""Statistics of many trajectories by equal steps: fast, with a measured bias.

Classical Runge-Kutta steps of one length for all trajectories; states with hard bounds are clipped at every stage, and
Kirchhoff's equations are solved to the accuracy of the step only, from the stage before. Errors of a step at a wall are
of second order, so that a trajectory is right to some 1e-3 and not to 1e-6. What that does to a statistic is
measured, not guessed: some of the trajectories run again with half the step, and the differences are in the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.theory.edge_laws import EdgeLaws
from spicebridge.theory.ensembles.active_runs import EnsembleRecord
from spicebridge.theory.ensembles.batched_currents import BatchCurrents
from spicebridge.theory.ensembles.members import Members

RESIDUAL = 1e-4
"""Relative residual of Kirchhoff's equations: by a hundredth of the error of steps of 0.05 to 0.2 of the
shortest time, measured on the networks of paper 2."""
SHARPER = 0.1
"""The same of the pilots, in parts, so that what it costs is in the bias too."""
PILOTS = 64
"""Trajectories that run again with half the step."""


class FixedSteps:
    """Steps of at most `step` s between output times and breakpoints of the sources."""

    def __init__(self, members: Members, currents: BatchCurrents, times: Array, step: float, batch: int) -> None:
        self.members, self.currents, self.times, self.step, self.batch = members, currents, times, step, batch

    def run(self) -> EnsembleRecord:
        """States and what became of each trajectory, with the differences of the pilots to half the step."""
        count = self.members.count
        record = EnsembleRecord.empty(count, self.times.size, self.members.network.n_edges)
        for begin in range(0, count, self.batch):
            rows = np.arange(begin, min(begin + self.batch, count))
            record.state[rows], record.count[rows] = self._run(rows, self.step, RESIDUAL)
        pilots = np.arange(min(PILOTS, count))
        record.half_step = record.state[pilots] - self._run(pilots, 0.5 * self.step, SHARPER * RESIDUAL)[0]
        lost = ~np.isfinite(record.state).all(axis=(1, 2))
        record.stop = np.where(lost, 0.0, self.times[-1])
        for k in np.flatnonzero(lost).tolist():
            record.reasons[k] = "the states leave the range of numbers; take a shorter step"
        return record

    def _run(self, rows: IntArray, step: float, residual: float) -> tuple[Array, int]:
        """States (runs, n_t, n_e) of some trajectories, and the right-hand sides that each cost."""
        laws = self.members.laws(rows)
        y = self.members.initial[rows].copy()
        guess = np.zeros((rows.size, self.currents.unknowns))
        hard = EdgeLaws.of(self.members.network).hard
        bounded = bool(hard.any())

        def rate(s: Array, t: float) -> Array:
            nonlocal guess
            resistance = laws.resistance(s)
            source = self.members.source(rows, np.full(rows.size, t))
            current, guess = self.currents.solve(resistance, source, guess, residual)
            return laws.rate(s, current, resistance * current)

        def clipped(s: Array) -> Array:
            if bounded:
                s[:, hard] = np.clip(s[:, hard], 0.0, 1.0)
            return s

        out = np.full((rows.size, self.times.size, y.shape[1]), np.nan)
        out[:, self.times == 0.0] = y[:, None]
        solves = 0
        with np.errstate(all="ignore"):
            for t, h, row in _grid(self.times, self.members.corners(float(self.times[-1])), step):
                k1 = rate(y, t)
                k2 = rate(clipped(y + 0.5 * h * k1), t + 0.5 * h)
                k3 = rate(clipped(y + 0.5 * h * k2), t + 0.5 * h)
                k4 = rate(clipped(y + h * k3), t + h)
                y = clipped(y + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4))
                solves += 4
                if row is not None:
                    out[:, row] = y
        return out, solves


def _grid(times: Array, corners: list[float], step: float) -> Iterator[tuple[float, float, int | None]]:
    """(start, length, row of the output time at its end or None) of every step, in s."""
    ends = np.union1d(times, corners)
    ends = ends[ends > 0.0]
    for start, stop in pairwise([0.0, *ends.tolist()]):
        parts = max(1, math.ceil((stop - start) / step * (1.0 - 1e-12)))
        h = (stop - start) / parts
        for k in range(parts):
            row = int(np.searchsorted(times, stop)) if k == parts - 1 and stop in times else None
            yield start + k * h, h, row
