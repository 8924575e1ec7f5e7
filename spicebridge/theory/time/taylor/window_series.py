"""Power series of Joglekar's window on the drift: y = u(s) d,   u = 1 - m^(2p),   m = 2s - 1,   d = b i + c v.

    u = (1 - m^2) (1 + z (1 + z (...))),  z = m^2         p - 1 products, as the window itself is evaluated
    du = -4p m z^(p-1) ds                                 for small changes

A product of two series costs one sum an order (Cauchy).
"""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array, IntArray


def cauchy(x: Array, y: Array, k: int) -> Array:
    """Coefficient k of the product of two series, from coefficients (k + 1 or more, n) of each."""
    return np.asarray(np.einsum("jn,jn->n", x[: k + 1], y[: k + 1][::-1]))


class WindowSeries:
    """The windows of order `p` on `edges` (indexes), expanded up to `order` with the states s (order + 1, n_e)."""

    def __init__(self, p: int, edges: IntArray, order: int) -> None:
        self.p, self.edges = p, edges
        shape = (order + 1, edges.size)
        self.m, self.square, self.u, self.drift = (np.zeros(shape) for _ in range(4))
        self._nested = [np.zeros(shape) for _ in range(p - 1)]
        self._hump = np.zeros(shape)

    def windowed(self, k: int, s: Array, drift: Array) -> Array:
        """Coefficient k of u d, (n,), from that of the states s (n,) and of the drift (n,) on these edges."""
        self.m[k] = 2.0 * s if k else 2.0 * s - 1.0
        self.square[k] = cauchy(self.m, self.m, k)
        # 4 s (1 - s) loses no digits next to a bound
        self._hump[k] = -self.square[k] if k else 4.0 * s * (1.0 - s)
        series: Array | None = None
        for table in self._nested:
            table[k] = (1.0 if k == 0 else 0.0) + (self.square[k] if series is None else cauchy(self.square, series, k))
            series = table
        self.u[k] = self._hump[k] if series is None else cauchy(self._hump, series, k)
        self.drift[k] = drift
        return cauchy(self.u, self.drift, k)

    def slope(self, order: int) -> Array:
        """du/ds as a series, (order, n)."""
        out = self.m[:order].copy()
        for _ in range(self.p - 1):
            out = np.stack([cauchy(out, self.square, k) for k in range(order)])
        return -4.0 * self.p * out
