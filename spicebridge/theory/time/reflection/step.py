"""One step of a state between hard walls, as the reflection of a parabola.

    y(x) = s + h (a x + b x^2/2),     x in [0, 1]                 unbounded: the rate is linear in time
    w(x) = y(x) - max(0, max_{u <= x} y(u) - 1)                   held below the wall 1; mirrored at 0

w is the solution of the projected equation for the rate a + b x (Skorokhod's reflection): it follows y,
rests on the wall from the time tau of the hit to the time rho at which the rate turns inward, and leaves
with the rate. All of it is closed form, so that a step may hold any number of hits and releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spicebridge.arrays import Array, BoolArray, IntArray

ROOT3 = float(np.sqrt(3.0))
GAUSS = (0.5 - ROOT3 / 6.0, 0.5 + ROOT3 / 6.0)
"""The two Gauss points of [0, 1]."""


class ReflectedStep:
    """Steps of length `h` (s; one, or one per run as (runs, 1)) from states `start` with linear rates.

    `start` (…, n_e); `rates` (2, …, n_e) in 1/s at the Gauss points; `hard` (n_e,) marks bounded edges, None
    stands for all. ``end`` is the state at x = 1. ``resting`` are the flat indexes of the edges that stay at their
    wall, ``place`` those of the others that touch one within the step, ``upper`` at which wall, ``hit`` and
    ``release`` where (tau and rho, release = 1 if none).
    ``crossed`` marks, flat, edges that may have met both walls: their step is too long.
    """

    def __init__(self, start: Array, rates: Sequence[Array] | Array, h: Any, hard: BoolArray | None = None) -> None:
        self.start, self.h = start, h
        self.b: Array = ROOT3 * (rates[1] - rates[0])
        self.a = rates[0] - GAUSS[0] * self.b
        self.end: Array = start + (0.5 * h) * (rates[0] + rates[1])
        bulge = (0.125 * h) * np.abs(self.b)
        above = np.maximum(start, self.end) + bulge
        below = np.minimum(start, self.end) - bulge
        at_upper, at_lower = (above > 1.0) | (start >= 1.0), (below < 0.0) | (start <= 0.0)
        if hard is not None:
            at_upper &= hard
            at_lower &= hard
        self.crossed: BoolArray = (at_upper & at_lower).ravel()
        self._touch((at_upper | at_lower).ravel(), at_upper.ravel())

    def _touch(self, near: BoolArray, at_upper: BoolArray) -> None:
        place = np.flatnonzero(near)
        upper, start = at_upper[place], self.start.ravel()[place]
        sign = np.where(upper, 1.0, -1.0)
        A, B = sign * self.a.ravel()[place], sign * self.b.ravel()[place]
        distance = np.where(upper, 1.0 - start, start)
        end = self.end.ravel()
        rests = (distance == 0.0) & (A >= 0.0) & (A + B >= 0.0)
        self.resting = place[rests]
        end[self.resting] = start[rests]
        moves = np.flatnonzero(~rests)
        place, upper, sign, A, B = place[moves], upper[moves], sign[moves], A[moves], B[moves]
        h = self._length(place)
        D = distance[moves] / h
        hit = _first_root(A, B, D)
        met = np.flatnonzero(hit <= 1.0)
        self.place, self.upper, self.hit = place[met], upper[met], hit[met]
        self._A, self._B, self._D = A[met], B[met], D[met]
        self._push = sign[met] * (h if np.ndim(h) == 0 else h[met])
        # From the hit on the rate points outward; it turns where it is falling and reaches zero.
        falling = self._B < 0.0
        turn = np.where(falling, -self._A / np.where(falling, self._B, -1.0), 1.0)
        self.release = np.minimum(np.maximum(turn, self.hit), 1.0)
        self._after = self._D - self.release * (self._A + 0.5 * self._B * self.release)
        wall = np.where(self.upper, 1.0, 0.0)
        end[self.place] = np.where(self.release < 1.0, end[self.place] + self._push * self._after, wall)
        self.end = end.reshape(self.start.shape)

    def _length(self, place: IntArray) -> Any:
        if np.ndim(self.h) == 0:
            return self.h
        return np.broadcast_to(self.h, self.start.shape).ravel()[place]

    def rate(self, x: float) -> Array:
        """The unbounded rate a + b x in 1/s."""
        return np.asarray(self.a + x * self.b)

    def arrivals(self, left: ReflectedStep, right: ReflectedStep) -> tuple[IntArray, Array]:
        """The edges that come to a wall, flat, and by how much the halves of the step have them elsewhere then.

        At the end of the step they may rest at the wall whatever came before; a hit at another time shows only here.
        """
        came = self._D > 0.0
        place, x, wall = self.place[came], self.hit[came], np.where(self.upper[came], 1.0, 0.0)
        first = x < 0.5
        place_of = np.where(first, left._free(place, 2.0 * x), right._free(place, 2.0 * x - 1.0))
        return place, np.abs(place_of - wall)

    def _free(self, place: IntArray, x: Array) -> Array:
        """The unbounded y of the edges `place` at their `x`."""
        slope = self.a.ravel()[place] + (0.5 * x) * self.b.ravel()[place]
        return np.asarray(self.start.ravel()[place] + self._length(place) * x * slope)

    def moments(self) -> Array:
        """(2, …, n_e): the values at the Gauss points of the straight line nearest to w in the mean square.

        For an edge that touches no wall these are w itself. The line has the mean and the first moment of w: a
        rate of change that depends smoothly on w is integrated through kinks of w with an error of third
        order. Where the line would leave [0, 1] its slope is lowered, its mean kept.
        """
        out = np.empty((2, *self.start.shape))
        straight, bend = self.h * self.a, (0.5 * self.h) * self.b
        for row, c in zip(out, GAUSS, strict=True):
            np.multiply(c, straight, out=row)
            row += (c * c) * bend
            row += self.start
        flat = out.reshape(2, -1)
        flat[:, self.resting] = self.start.ravel()[self.resting]
        if self.place.size:
            A, B, D, t, r, after = self._A, self._B, self._D, self.hit, self.release, self._after
            t2, r2 = t * t, r * r
            t3, r3 = t2 * t, r2 * r
            # The deviation from the parabola: D - A x - B x^2/2 on [t, r], constant on [r, 1]; times h.
            zeroth = D * (r - t) - 0.5 * A * (r2 - t2) - (B / 6.0) * (r3 - t3) + after * (1.0 - r)
            first = 0.5 * D * (r2 - t2) - (A / 3.0) * (r3 - t3) - (B / 8.0) * (r3 * r - t3 * t)
            first += 0.5 * after * (1.0 - r2)
            slope = ROOT3 * (2.0 * first - zeroth)
            low = flat[0, self.place] + self._push * (zeroth - slope)
            high = flat[1, self.place] + self._push * (zeroth + slope)
            mean = np.minimum(np.maximum(0.5 * (low + high), 0.0), 1.0)
            room = np.minimum(mean, 1.0 - mean)
            half = np.minimum(np.maximum(0.5 * (high - low), -room), room)
            flat[0, self.place], flat[1, self.place] = mean - half, mean + half
        return out


def _first_root(A: Array, B: Array, D: Array) -> Array:
    """Smallest x >= 0 with A x + B x^2/2 = D >= 0 from below, infinite if there is none.

    At D = 0 an outward rate gives 0; an inward one the return to the wall, if it returns.
    """
    square = A * A + 2.0 * B * D
    root = np.sqrt(np.maximum(square, 0.0))
    outward = A >= 0.0
    below = np.where(outward, A + root, 1.0)
    first = np.where(below > 0.0, 2.0 * D / np.where(below > 0.0, below, 1.0), np.where(D > 0.0, np.inf, 0.0))
    returns = np.where(B > 0.0, (root - A) / np.where(B > 0.0, B, 1.0), np.inf)
    found = np.where(outward, first, returns)
    resting = (A == 0.0) & (D == 0.0) & (B <= 0.0)
    return np.where((square < 0.0) | resting, np.inf, found)
