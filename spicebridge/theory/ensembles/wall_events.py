"""Hits and releases of hard bounds, and vanishing resistances, inside one step of many trajectories.

Only edges that may change sides within the step are looked at; for these the dense output is put on the nodes of
``dense_output`` and the first crossing is found as it is for a single trajectory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array, BoolArray, IntArray
from spicebridge.theory.ensembles.tableaux import Tableau
from spicebridge.theory.time.crossing import SIMULTANEOUS, first_crossing, first_zero
from spicebridge.theory.time.dense_output import DERIVATIVE, NODES, monomials
from spicebridge.theory.time.runge_kutta import EXCURSION

BULGE = 0.25
"""A state is taken to stay within this part of (step x spread of its rates) of both ends of the step, a rate within
this part of its spread of the stages' values: twice what a parabola does."""
BEYOND = 0.1
"""A state beyond its bound by no more than this part of the tolerance has not left it: so much may the dense output be
wrong about an edge that has just been released."""


@dataclass(frozen=True, eq=False)
class Found:
    """First events: ``place`` (runs,) in [0, 1] or infinite; pairs (run, edge) that hit, with the wall, or turn."""

    place: Array
    hit: tuple[IntArray, IntArray]
    wall: Array
    turned: tuple[IntArray, IntArray]


class Search:
    """One step of `runs` trajectories from `y` to `end` (runs, n_e), of length `h` (runs,), stages `K`."""

    def __init__(self, tableau: Tableau, y: Array, end: Array, h: Array, K: Array) -> None:
        self.tableau = tableau
        self.y, self.end, self.h, self.K = y, end, h, K
        self.lowest, self.highest = K[: tableau.regular].min(axis=0), K[: tableau.regular].max(axis=0)

    def suspects(self, hard: BoolArray, mode: NDArray[np.int8]) -> tuple[BoolArray, BoolArray, BoolArray]:
        """(runs, n_e) each: may pass the upper wall, the lower one; held and may turn inward."""
        spread = BULGE * (self.highest - self.lowest)
        bulge = spread * self.h[:, None]
        free = hard & (mode == 0)
        upper = free & (np.maximum(self.y, self.end) + bulge > 1.0)
        lower = free & (np.minimum(self.y, self.end) - bulge < 0.0)
        outward = np.where(mode > 0, self.lowest, -self.highest)
        return upper, lower, (mode != 0) & (outward <= spread)

    def first(
        self,
        suspects: tuple[BoolArray, BoolArray, BoolArray],
        mode: NDArray[np.int8],
        tolerance: Array,
        rounding: Array,
    ) -> Found:
        """The first events among the suspects.

        `tolerance` (runs, n_e) of the states, `rounding` (runs, n_e) of the rates of held edges in 1/s.
        """
        pairs = [np.nonzero(mask) for mask in suspects]
        (up, down, held), sizes = pairs, [pair[0].size for pair in pairs]
        above, below, path = (self.values(*pair) for pair in pairs)
        slope = DERIVATIVE @ path / self.h[held[0]]
        slope[0], slope[-1] = self.K[0][held], self.K[self.tableau.regular - 1][held]
        inward = -slope * mode[held]
        level = np.concatenate([BEYOND * tolerance[up], BEYOND * tolerance[down], rounding[held]])
        runs = np.concatenate([pair[0] for pair in pairs])
        place = first_crossing(monomials(np.hstack([above - 1.0, -below, inward])), level, runs)
        first = np.full(self.h.size, np.inf)
        np.minimum.at(first, runs, place)
        parts = np.split(place, np.cumsum(sizes)[:2])
        now = [part <= first[pair[0]] + SIMULTANEOUS for part, pair in zip(parts, pairs, strict=True)]
        now = [chosen & np.isfinite(part) for chosen, part in zip(now, parts, strict=True)]
        hit = tuple(np.concatenate([up[axis][now[0]], down[axis][now[1]]]) for axis in (0, 1))
        wall = np.repeat([1.0, 0.0], [np.count_nonzero(now[0]), np.count_nonzero(now[1])])
        return Found(first, (hit[0], hit[1]), wall, (held[0][now[2]], held[1][now[2]]))

    def values(self, runs: IntArray, edges: IntArray) -> Array:
        """Dense output (8, pairs) at the nodes of ``dense_output``."""
        moved = self.tableau.dense(NODES) @ self.K[:, runs, edges]
        return np.asarray(self.y[runs, edges] + self.h[runs] * moved)

    def range(self) -> tuple[Array, Array]:
        """States (runs, n_e) below and above all that the step may pass through."""
        radius = EXCURSION * self.h[:, None] * np.maximum(self.highest, -self.lowest)
        return self.y - radius, self.y + radius

    def at(self, runs: IntArray, x: Array) -> Array:
        """Dense output (n, n_e) of `runs` (n,) at their places x (n,)."""
        weights = self.h[runs, None] * self.tableau.dense(x)
        out = self.y[runs]
        for stage in range(self.K.shape[0]):
            out += weights[:, stage, None] * self.K[stage, runs]
        return out


def vanishing(
    search: Search, run: int, edges: BoolArray, resistance: Callable[[Array], Array]
) -> tuple[int, float] | None:
    """First of the marked `edges` (n_e,) whose resistance reaches zero within the step of one run, and where."""
    places = np.asarray(NODES)
    states = search.at(np.full(places.size, run), places)
    R = np.stack([resistance(state[None])[0] for state in states])[:, edges]
    if (R > 0.0).all():
        return None
    k, x = first_zero(R)
    return (int(np.flatnonzero(edges)[k]), x) if np.isfinite(x) else None
