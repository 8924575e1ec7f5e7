"""The solution within an accepted step of the march by reflection.

Rates have kinks wherever an edge meets or leaves a wall, which no polynomial through the Gauss points of a
step shows: its integral over the step is exact to third order, its inner values are not. The state at a time is
therefore computed by a shorter step from the start of the half, at four right-hand sides a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.theory.time.reflection.step import GAUSS, ReflectedStep

SWEEPS = 2


@dataclass(frozen=True, eq=False)
class ReflectedPiece:
    """The solution on [start, stop], in s, whose halves are the steps `left` and `right`.

    `rate` gives f (n_e,) at a state and a time; `hard` (n_e,) marks bounded edges, None stands for all.
    """

    start: float
    stop: float
    left: ReflectedStep = field(repr=False)
    right: ReflectedStep = field(repr=False)
    rate: Callable[[Array, float], Array] = field(repr=False)
    hard: BoolArray | None = field(repr=False)

    def __call__(self, t: Array) -> Array:
        """State (n_t, n_e) for t (n_t,) within the piece."""
        return np.stack([self._at(time) for time in np.asarray(t, float).tolist()])

    def _at(self, time: float) -> Array:
        if time >= self.stop:
            return self.right.end
        middle = 0.5 * (self.start + self.stop)
        begin, half = (self.start, self.left) if time < middle else (middle, self.right)
        h = time - begin
        if h <= 0.0:
            return half.start
        path = ReflectedStep(half.start, np.stack([half.rate(c * h / half.h) for c in GAUSS]), h, self.hard)
        for _ in range(SWEEPS):
            states = path.moments()
            rates = np.stack([self.rate(states[k], begin + GAUSS[k] * h) for k in (0, 1)])
            path = ReflectedStep(half.start, rates, h, self.hard)
        return path.end
