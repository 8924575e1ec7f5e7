"""One accepted step as a polynomial, and the first place where such polynomials cross a level.

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
SAMPLES = np.linspace(0.0, 1.0, 17)
BISECTIONS = 54
POLISH = 4
"""Newton steps that locate a maximum between two samples."""


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
_AT_SAMPLES = lagrange(SAMPLES)


class StatePiece(Protocol):
    """The solution on [start, stop], in s."""

    @property
    def start(self) -> float: ...

    @property
    def stop(self) -> float: ...

    def __call__(self, t: Array) -> Array:
        """State (n_t, n_e) for t (n_t,) within the piece."""
        ...


@dataclass(frozen=True, eq=False)
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


def first_crossing(values: Array, level: Array) -> Array:
    """First x in [0, 1] where each polynomial (columns of `values`, (8, m)) rises above `level` (m,).

    Returns (m,), infinite where it never does. A column is taken to start at or below its level.
    Excursions between two samples are found from the local maxima, so a double crossing counts.
    """
    g = values - level
    sample = _AT_SAMPLES @ g
    out = np.full(g.shape[1], np.inf)
    above = sample[1:] > 0.0
    hit = np.asarray(above.any(axis=0))
    first = np.where(hit, above.argmax(axis=0) + 1, SAMPLES.size)
    left = SAMPLES[np.minimum(first, SAMPLES.size - 1) - 1]
    right = SAMPLES[np.minimum(first, SAMPLES.size - 1)]
    grazing, before, top = _hidden_maxima(g, sample, first)
    hit[grazing], left[grazing], right[grazing] = True, before, top
    columns = np.flatnonzero(hit)
    if columns.size:
        out[columns] = _bisect(g[:, columns], left[columns], right[columns])
    return out


def _hidden_maxima(g: Array, sample: Array, first: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array, Array]:
    """Columns with a maximum above zero between samples that are not, before sample `first`."""
    low, mid, high = sample[:-2], sample[1:-1], sample[2:]
    slope, bend = 0.5 * (high - low), 0.5 * (high + low) - mid
    peak = (mid >= low) & (mid >= high) & (bend < 0.0)
    # Twice the parabola's rise above the middle sample covers the higher derivatives.
    rise = np.where(peak, -(slope**2) / np.where(bend < 0.0, bend, -1.0), 0.0)
    row = np.arange(1, SAMPLES.size - 1)[:, None]
    candidate = peak & (mid <= 0.0) & (mid + 0.5 * rise > 0.0) & (row < first)
    columns = np.flatnonzero(candidate.any(axis=0))
    if columns.size == 0:
        return columns, np.zeros(0), np.zeros(0)
    j = candidate[:, columns].argmax(axis=0) + 1
    poly = g[:, columns]
    first_derivative = DERIVATIVE @ poly
    second_derivative = DERIVATIVE @ first_derivative
    x = SAMPLES[j].copy()
    for _ in range(POLISH):
        row_of = lagrange(x)
        d1 = np.einsum("ij,ji->i", row_of, first_derivative)
        d2 = np.einsum("ij,ji->i", row_of, second_derivative)
        move = np.where(d2 < 0.0, -d1 / np.where(d2 < 0.0, d2, -1.0), 0.0)
        x = np.clip(x + move, SAMPLES[j - 1], SAMPLES[j + 1])
    outside = np.einsum("ij,ji->i", lagrange(x), poly) > 0.0
    return columns[outside], SAMPLES[j - 1][outside], x[outside]


def _bisect(g: Array, left: Array, right: Array) -> Array:
    """Roots of the columns of g (8, m), not above zero at `left`, above at `right`."""
    left, right = left.copy(), right.copy()
    for _ in range(BISECTIONS):
        middle = 0.5 * (left + right)
        above = np.einsum("ij,ji->i", lagrange(middle), g) > 0.0
        right = np.where(above, middle, right)
        left = np.where(above, left, middle)
    return right
