"""One accepted step as a polynomial.

A step of length h from t0 is stored by its values at eight Chebyshev points of [t0, t0 + h], which
determine the stepper's seventh-degree dense output exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array

DEGREE = 7
NODES = 0.5 * (1.0 - np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE))
_WEIGHTS = np.where(np.arange(DEGREE + 1) % 2, -1.0, 1.0)
_WEIGHTS[[0, -1]] *= 0.5


def lagrange(x: Array) -> Array:
    """(n_x, 8): values at the nodes -> values at x in [0, 1] (barycentric formula)."""
    difference = np.asarray(x, float)[:, None] - NODES
    exact: NDArray[np.bool_] = np.equal(difference, 0.0)
    weight = _WEIGHTS / np.where(exact, 1.0, difference)
    matrix: Array = weight / weight.sum(axis=1, keepdims=True)
    at_node = exact.any(axis=1)
    matrix[at_node, :] = exact[at_node, :]
    return np.asarray(matrix)


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


class StatePiece(Protocol):
    """The solution on [start, stop], in s."""

    @property
    def start(self) -> float: ...

    @property
    def stop(self) -> float: ...

    def __call__(self, t: Array) -> Array:
        """State (n_t, n_e) for t (n_t,) within the piece."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Piece:
    """The solution on [start, stop]: `values` (8, n_e) at the nodes of [start, start + length].

    `held` (n_e,) is 0 where the edge is free, +1 at the bound 1, -1 at the bound 0, or None when
    no edge is held; `values` of a held edge are not its state. `hard` marks edges with hard bounds.
    """

    start: float
    stop: float
    length: float
    values: Array
    held: NDArray[np.int8] | None
    hard: NDArray[np.bool_] | None

    def __call__(self, t: Array) -> Array:
        """State (n_t, n_e) for t (n_t,) within the piece."""
        state = lagrange((np.asarray(t, float) - self.start) / self.length) @ self.values
        return self.bounded(state)

    def bounded(self, raw: Array) -> Array:
        if self.hard is not None:
            raw[:, self.hard] = np.clip(raw[:, self.hard], 0.0, 1.0)
        if self.held is not None:
            raw[:, self.held > 0] = 1.0
            raw[:, self.held < 0] = 0.0
        return raw
