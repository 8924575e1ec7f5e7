"""Explicit Runge-Kutta pairs with dense output, as matrices that act on the stages of many trajectories.

    k_s = f(t + c_s h, y + h sum_j a_sj k_j),     y(t + x h) = y + h sum_s w_s(x) k_s

The pairs are those of Dormand and Prince, order 5(4) and 8(5, 3) (Hairer, Norsett, Wanner, Solving ODEs I, II.5 and
II.6), with SciPy's coefficients. The last regular stage is the rate at the end of the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations

import numpy as np
from numpy.polynomial import Polynomial

from spicebridge.arrays import Array

POINTS = 3
"""Stages from which the solution of Kirchhoff's equations at the next one is guessed, …"""
AMPLIFICATION = 8.0
"""… by weights whose absolute values add up to no more than this."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Tableau:
    """``A`` (n, n), ``c`` (n,): all stages with those that only the dense output needs at the end.

    ``regular`` is the number of the others, the last of which is the rate at the end; its row of ``A`` gives
    the end of the step. ``errors`` (n_estimates, regular); ``order`` the exponent of the step in the error;
    ``weights`` (n, degree + 1) the coefficients of w_s(x), ascending. ``guess`` (n, n) extrapolates a smooth function
    of the place from earlier stages to each.
    """

    A: Array
    c: Array
    regular: int
    errors: Array
    order: int
    weights: Array

    @cached_property
    def guess(self) -> Array:
        return extrapolation(self.c)

    def dense(self, x: Array) -> Array:
        """w_s(x): (n_x, n) for places x (n_x,) in [0, 1]."""
        return np.asarray(np.vander(x, self.weights.shape[1], increasing=True) @ self.weights.T)

    def error(self, K: Array, h: Array, scale: Array) -> Array:
        """Largest scaled error over the edges, (runs,), for stages K (n, runs, n_e) and steps h (runs,)."""
        flat = K[: self.regular].reshape(self.regular, -1)
        first = np.abs((self.errors[0] @ flat).reshape(scale.shape)) / scale
        if len(self.errors) == 1:
            return np.asarray(h * first.max(axis=1))
        # Hairer's blend of two estimates, edge by edge.
        second = np.abs((self.errors[1] @ flat).reshape(scale.shape)) / scale
        root = np.sqrt(first**2 + 0.01 * second**2)
        blend = np.divide(first**2, root, out=np.where(np.isnan(root), np.nan, 0.0), where=root > 0.0)
        return np.asarray(h * blend.max(axis=1))


def extrapolation(c: Array) -> Array:
    """(n, n): row s gives the value at c_s from those at earlier places, by the parabola (at most) nearest to them."""
    out = np.zeros((c.size, c.size))
    for s in range(1, c.size):
        chosen, least = np.eye(s)[s - 1], np.inf
        for size in range(1, min(s, POINTS) + 1):
            for nodes in combinations(range(s), size):
                places = c[list(nodes)]
                weights = _lagrange(places, c[s])
                distance = float(np.abs(c[s] - places).prod())
                if np.abs(weights).sum() <= AMPLIFICATION and distance <= least:
                    least = distance
                    chosen = np.zeros(s)
                    chosen[list(nodes)] = weights
        out[s, :s] = chosen
    return out


def _lagrange(places: Array, x: float) -> Array:
    gaps = places[:, None] - places
    if np.count_nonzero(gaps) < gaps.size - places.size:
        return np.full(places.size, np.inf)
    np.fill_diagonal(gaps, 1.0)
    steps = np.where(np.eye(places.size, dtype=bool), 1.0, x - places)
    return np.asarray((steps / gaps).prod(axis=1))


@cache
def fifth_order() -> Tableau:
    from scipy.integrate import RK45

    n = 7
    A = np.zeros((n, n))
    A[:6, :5] = RK45.A
    A[6, :6] = RK45.B
    weights = np.hstack([np.zeros((n, 1)), RK45.P])
    return Tableau(A=A, c=np.append(RK45.C, 1.0), regular=n, errors=np.asarray(RK45.E)[None], order=5, weights=weights)


@cache
def eighth_order() -> Tableau:
    from scipy.integrate import DOP853

    pair = DOP853
    n, regular = 16, 13
    A = np.zeros((n, n))
    A[:12, :12] = pair.A
    A[12, :12] = pair.B
    A[13:, :] = pair.A_EXTRA
    c = np.concatenate([pair.C, [1.0], pair.C_EXTRA])
    # Rows of the dense output in Hairer's form: y + F0 x + F1 x (1-x) + F2 x^2 (1-x) + …
    rows = np.zeros((7, n))
    rows[0, :12] = pair.B
    rows[1] = -rows[0]
    rows[1, 0] += 1.0
    rows[2] = 2.0 * rows[0]
    rows[2, [0, 12]] -= 1.0
    rows[3:] = pair.D
    x, shape = Polynomial([0.0, 1.0]), Polynomial([1.0])
    weights = np.zeros((n, 8))
    for k, row in enumerate(rows):
        shape = shape * (x if k % 2 == 0 else 1.0 - x)
        weights[:, : shape.coef.size] += row[:, None] * np.asarray(shape.coef, float)
    return Tableau(A=A, c=c, regular=regular, errors=np.stack([pair.E5, pair.E3]), order=8, weights=weights)
