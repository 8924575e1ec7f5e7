"""One expansion of the network's motion in powers of x = (t - t0) / H.

    sum_(j<=k) q_j i_(k-j) = S_k - B^t p_k,    B i_k = 0,    (k+1) s_(k+1) = H (a s_k + (u d)_k),    d = b i + c v

q_0 = level + slope s_0 and q_j = slope s_j, so that every order is one solve with the matrix of the start: that of a
network of resistors q_0 with sources E_k = S_k - slope sum_(1<=j<=k) s_j i_(k-j). Held edges have s_k = 0 for k > 0.
The same solves carry a small change d of the start along (the equations are bilinear):

    q_0 di_k = -slope (sum_(j<=k) d_j i_(k-j) + sum_(1<=j<=k) s_j di_(k-j)) - B^t dp_k
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array, IntArray
from spicebridge.theory.time.taylor.affine_law import AffineLaw
from spicebridge.theory.time.taylor.source_series import SourceSeries
from spicebridge.theory.time.taylor.window_series import WindowSeries, cauchy

Solve = Callable[[Array], Array]
TERM = 0.1
"""Size of the last terms of an accepted step, in units of the tolerance."""
LAST = 3
"""So many last terms are looked at: odd or even ones alone may vanish."""
TANGENT_ORDER = 6
"""Order to which a change of the start is carried over a step: within the radius that the main series uses, a part
of 1e-3 or less of the change is lost, …"""
LOST = 1e-3
"""… or as many fewer as lose no more."""
EPSILON = float(np.finfo(float).eps)


class Room:
    """Where one expansion of `n` edges up to `order` after another is put."""

    def __init__(self, n: int, order: int) -> None:
        self.s, self.i = np.empty((order + 1, n)), np.empty((order, n))
        self.emf, self.drift, self.f = np.empty((3, n))


class Expansion:
    """Coefficients of states and currents, one order after another, in `room`, which the next expansion overwrites.

    ``s`` (order + 1, n_e) and ``i`` (order, n_e, in A) are known so far.
    """

    def __init__(
        self,
        law: AffineLaw,
        sources: SourceSeries,
        solve: Solve,
        resistance: Array,
        start: Array,
        length: float,
        room: Room,
    ) -> None:
        self.law, self.sources, self.solve, self.resistance, self.length = law, sources, solve, resistance, length
        self.room, self._s, self._i = room, room.s, room.i
        self._s[0] = start
        self.order = 0
        self._free: Array | None = None
        self.noise: Array | None = None
        self._windows = [WindowSeries(p, edges, len(self._i)) for p, edges in law.windows]
        self._tangent = self._s[:1]

    @property
    def s(self) -> Array:
        return self._s[: self.order + 1]

    @property
    def i(self) -> Array:
        return self._i[: self.order]

    def hold(self, held: NDArray[np.bool_] | IntArray) -> None:
        """Take the edges `held`, marked (n_e,) or numbered, as resting at their start."""
        free = np.ones(self.resistance.size)
        free[held] = 0.0
        self._free = None if free.all() else free
        if self._free is not None and self.order:
            self._s[1 : self.order + 1] *= self._free

    def rate(self) -> Array:
        """Solve for the next order; return H f_k with f the bulk rate, (n_e,), and make it the next coefficient."""
        return self._next() * self.length

    def _next(self) -> Array:
        """f_k of the next order; the one after it overwrites it.

        ``noise`` is what rounding leaves of it: beyond the radius of the currents' series a drop that a source imposes
        is a difference of large terms, and may come out as nothing at all.
        """
        k, law, room = self.order, self.law, self.room
        S, emf, drift, f = self.sources.coefficient(k), room.emf, room.drift, room.f
        product = np.einsum("jn,jn->n", self._s[1 : k + 1], self._i[:k][::-1], out=f)
        product *= law.slope
        np.subtract(0.0 if S is None else S, product, out=emf)
        current = self._i[k] = self.solve(emf)
        np.multiply(law.b, current, out=drift)
        if law.c is not None:
            drift += law.c * (self.resistance * current + product)
            self.noise = EPSILON * np.abs(law.c * product)
        for window in self._windows:
            drift[window.edges] = window.windowed(k, self._s[k, window.edges], drift[window.edges])
        np.multiply(law.a, self._s[k], out=f)
        f += drift
        coefficient = np.multiply(f, self.length / (k + 1), out=self._s[k + 1])
        if self._free is not None:
            coefficient *= self._free
        self.order = k + 1
        return f

    def fill(self, tolerance: Array) -> list[float]:
        """Orders until the last terms are small enough or there is no more room; sizes of the last terms in units of
        `tolerance` (n_e,), those of held edges as if they were free: they tell the release.
        """
        sizes = [math.inf] * LAST
        while self.order < len(self._i) and not max(sizes) <= TERM:
            f = self._next()
            size = max(largest(f, tolerance), largest(self.noise, tolerance))
            sizes = [*sizes[1:], size * self.length / self.order]
        return sizes

    def held_rates(self, edges: IntArray, orders: int | None = None) -> Array:
        """H f of held edges, (order, n), or of the first `orders`: they keep their resistance, so that v = q_0 i."""
        f: Array = self.i[:orders, edges] * self._gain(edges)
        f[0] += self.length * self.law.a[edges] * self._s[0, edges]
        return f

    def _gain(self, edges: IntArray) -> Array:
        law = self.law
        gain: Array = law.b[edges] * self.length
        if law.c is not None:
            gain += law.c[edges] * self.resistance[edges] * self.length
        return gain

    def may_turn(self, held: IntArray, mode: NDArray[np.int8], x: float, rounding: Array) -> NDArray[np.bool_]:
        """Which of the `held` edges may have rates that point inwards by more than `rounding` before x."""
        spread = np.power(x, np.arange(1.0, self.order)) @ np.abs(self.i[1:])
        outward = mode[held] * self.held_rates(held, 1)[0]
        return np.asarray(np.abs(self._gain(held)) * spread[held] > outward + rounding)

    def tangent(self, change: Array, x: float) -> float:
        """Expand where a small `change` (n_e,) of the start goes; return up to which place <= x that holds.

        A state that has come to rest allows steps of any length, a change of it does not: it decays.
        """
        law, order = self.law, min(TANGENT_ORDER, self.order)
        d, di = np.empty((order + 1, change.size)), np.empty((order, change.size))
        d[0] = change if self._free is None else change * self._free
        lost = LOST * float(np.abs(d[0]).max())
        slopes = [window.slope(order) for window in self._windows]
        drifts = [np.zeros((order, window.edges.size)) for window in self._windows]
        for k in range(order):
            product = np.einsum("jn,jn->n", d[: k + 1], self._i[: k + 1][::-1])
            if k:
                product += np.einsum("jn,jn->n", self._s[1 : k + 1], di[:k][::-1])
            product *= law.slope
            di[k] = self.solve(-product)
            drift = law.b * di[k]
            if law.c is not None:
                drift += law.c * (self.resistance * di[k] + product)
            for window, slope, moved in zip(self._windows, slopes, drifts, strict=True):
                moved[k] = drift[window.edges]
                bent = np.stack([cauchy(slope, d[:, window.edges], j) for j in range(k + 1)])
                drift[window.edges] = cauchy(window.u, moved, k) + cauchy(bent, window.drift, k)
            d[k + 1] = (law.a * d[k] + drift) * (self.length / (k + 1))
            if self._free is not None:
                d[k + 1] *= self._free
            last = float(np.abs(d[k + 1]).max())
            if x ** (k + 1) * last <= lost:
                self._tangent = d[: k + 2]
                return x
        self._tangent = d
        return min(x, float((lost / last) ** (1.0 / order)))

    def carried(self, x: float) -> Array:
        """Where the change of ``tangent`` has gone at x."""
        return np.asarray(x ** np.arange(len(self._tangent)) @ self._tangent)


def largest(values: Array | None, unit: Array | None = None) -> float:
    """Largest |value|, in units of `unit`; not a number where one value is none."""
    if values is None:
        return 0.0
    size = np.abs(values)
    if unit is not None:
        size /= unit
    return float(size.max(initial=0.0))
