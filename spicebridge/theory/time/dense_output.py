"""One accepted step as a polynomial.

A step of length h from t0 by a stepper is stored by its values at eight Chebyshev points of [t0, t0 + h], which
determine the seventh-degree dense output exactly; one by a power series by its coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array, BoolArray

DEGREE = 7
NODES = 0.5 * (1.0 - np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE))
_WEIGHTS = np.where(np.arange(DEGREE + 1) % 2, -1.0, 1.0)
_WEIGHTS[[0, -1]] *= 0.5


def barycentric(x: Array, nodes: Array, weights: Array) -> Array:
    """(n_x, n): values at `nodes` (n,) -> values at x, by the formula with barycentric `weights` (n,)."""
    difference = np.asarray(x, float)[:, None] - nodes
    exact: BoolArray = np.equal(difference, 0.0)
    weight = weights / np.where(exact, 1.0, difference)
    matrix: Array = weight / weight.sum(axis=1, keepdims=True)
    at_node = exact.any(axis=1)
    matrix[at_node] = exact[at_node]
    return matrix


def lagrange(x: Array) -> Array:
    """(n_x, 8): values at the nodes -> values at x in [0, 1]."""
    return barycentric(x, NODES, _WEIGHTS)


def _differentiation() -> Array:
    """(8, 8): values at the nodes -> derivative with respect to x at the nodes."""
    difference = NODES[:, None] - NODES
    np.fill_diagonal(difference, 1.0)
    matrix = (_WEIGHTS / _WEIGHTS[:, None]) / difference
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return np.asarray(matrix)


DERIVATIVE = _differentiation()
_MONOMIALS = np.linalg.inv(np.vander(NODES, increasing=True))


def monomials(values: Array) -> Array:
    """Coefficients c_k of sum_k c_k x^k, (8, m), from values at the nodes (8, m)."""
    return np.asarray(_MONOMIALS @ values)


@dataclass(frozen=True, eq=False, kw_only=True)
class Piece:
    """The solution on [start, stop], in s: basis((t - start) / length) @ c, `c` (n, n_e).

    `basis` is `lagrange` for values at the nodes of [start, start + length], or powers. `held` (n_e,) is 0 where the
    edge is free, +1 at the bound 1, -1 at the bound 0, or None when `c` shows the states of all edges. `hard` (n_e,)
    marks edges that rounding must not carry over their bounds, or is None.
    """

    start: float
    stop: float
    length: float
    c: Array
    basis: Callable[[Array], Array]
    held: NDArray[np.int8] | None = None
    hard: BoolArray | None = None

    def __call__(self, t: Array) -> Array:
        """State (n_t, n_e) for t (n_t,) within the piece."""
        state = self.basis((np.asarray(t, float) - self.start) / self.length) @ self.c
        if self.hard is not None:
            state[:, self.hard] = np.clip(state[:, self.hard], 0.0, 1.0)
        if self.held is not None:
            state[:, self.held > 0] = 1.0
            state[:, self.held < 0] = 0.0
        return state

    def at(self, t: float) -> Array:
        """State (n_e,) at one time."""
        state: Array = self(np.array([t]))[0]
        return state
