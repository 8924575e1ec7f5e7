"""Coefficients of the Radau IIA collocation with s = 7 stages: order 13, L-stable.

    x(t0 + c_i h) = x0 + Z_i,   (A^-1 Z)_i = h F(x0 + Z_i),   c the roots of P_s - P_(s-1) on [0, 1], c_s = 1
    A^-1 = T diag(lambda) T^-1         one real and three pairs of complex eigenvalues

The collocation polynomial has degree 7 through x0 and the seven stages: the dense output. Its error, of order
h^8, is what is controlled, by an embedded formula with weight g0 = 1 / lambda_real on F(x0) (Hairer, Wanner,
Solving ODEs II, IV.8). Everything is computed here from Legendre polynomials.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre

from spicebridge.arrays import Array, ComplexArray
from spicebridge.theory.time.dense_output import barycentric

STAGES = 7


def _nodes() -> Array:
    top, below = np.zeros(STAGES + 1), np.zeros(STAGES + 1)
    top[STAGES], below[STAGES - 1] = 1.0, 1.0
    poly = top - below
    x = np.sort(legendre.legroots(poly).real)
    slope = legendre.legder(poly)
    for _ in range(3):
        x = x - legendre.legval(x, poly) / legendre.legval(x, slope)
    x[-1] = 1.0
    return np.asarray(0.5 * (x + 1.0))


def _powers(x: Array, n: int) -> Array:
    """(n_x, n) Legendre polynomials on [0, 1]."""
    return np.asarray(legendre.legvander(2.0 * x - 1.0, n - 1))


def _integrals(x: Array, n: int) -> Array:
    """(n_x, n) their integrals from 0 to x."""
    columns = [legendre.legval(2.0 * x - 1.0, legendre.legint(row, lbnd=-1)) * 0.5 for row in np.eye(n)]
    return np.stack(columns, axis=1)


C = _nodes()
A = np.linalg.solve(_powers(C, STAGES).T, _integrals(C, STAGES).T).T
A_INVERSE: Array = np.linalg.inv(A)


def _eigen() -> tuple[ComplexArray, ComplexArray, ComplexArray, Array]:
    """(lambda, T, T^-1, weight) of one eigenvalue of each pair; weight 1 for the real one, 2 for a pair."""
    values, vectors = np.linalg.eig(A_INVERSE)
    inverse = np.linalg.inv(vectors)
    keep = np.flatnonzero(values.imag > -1e-9)
    keep = keep[np.argsort(np.abs(values[keep].imag))]
    weight = np.where(np.abs(values[keep].imag) < 1e-9, 1.0, 2.0)
    return values[keep], vectors[:, keep], inverse[keep], weight


LAMBDA, T, T_INVERSE, WEIGHT = _eigen()
LAMBDA_REAL = float(LAMBDA[0].real)


def _error_weights() -> Array:
    """e (s,): the embedded solution minus the solution is g0 h F(x0) + sum e_i Z_i."""
    moments = 1.0 / np.arange(1, STAGES + 1)
    matrix = np.vander(C, STAGES, increasing=True).T
    load = moments.copy()
    load[0] -= 1.0 / LAMBDA_REAL
    weights = np.linalg.solve(matrix, load)
    return np.asarray((weights - A[-1]) @ A_INVERSE)


ERROR = _error_weights()
POINTS = np.concatenate([[0.0], C])
_BARYCENTRIC = np.array([1.0 / np.prod(POINTS[k] - np.delete(POINTS, k)) for k in range(STAGES + 1)])


def through_stages(x: Array) -> Array:
    """(n_x, 8): values at 0 and the stages -> values at x, in and beyond [0, 1]."""
    return barycentric(x, POINTS, _BARYCENTRIC)
