"""Many small symmetric systems that share their vectors and differ in their weights.

    Q^t diag(d_k) Q y_k = b_k,     Q (n_e, m) orthonormal,     k = 1 … runs

The eigenvalues lie between the smallest and the largest weight. With positive weights conjugate gradients on
all systems at once are therefore a known number of products with Q, which is the same for all: in paper 2 the
condition is at most 1/(1 - chi). A problem is left alone once its own residual is small, so that its result does not
depend on the company it is solved in. What conjugate gradients do not solve is factorised.
"""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array, BoolArray

DIRECT_UNKNOWNS = 24
"""Up to so many unknowns factorising all systems costs less than iterating: measured crossover."""
STEPS_PER_UNKNOWN = 0.75
"""Steps of conjugate gradients, as a multiple of the unknowns, that cost as much as a factorisation."""
CROWD = 0.75
"""Go on without the solved systems once fewer than this part is left."""


class SharedBasis:
    """The systems of one basis `Q` (n_e, m); ``steps`` counts the steps of conjugate gradients of single systems."""

    def __init__(self, Q: Array) -> None:
        self.Q = np.ascontiguousarray(Q)
        self.Q_t = np.ascontiguousarray(Q.T)
        self.most_steps = int(STEPS_PER_UNKNOWN * Q.shape[1])
        self.steps = 0

    def solve(self, weight: Array, b: Array, start: Array, tolerance: float) -> Array:
        """Return y (runs, m) for weights (runs, n_e) and right-hand sides `b` (runs, m).

        `start` (runs, m) is a guess; `tolerance` bounds the residual of every problem in units of its b. A problem
        that has no unique solution, or whose weights are not finite, comes back as NaN.
        """
        if self.Q.shape[1] == 0:
            return np.zeros_like(b)
        if self.Q.shape[1] <= DIRECT_UNKNOWNS:
            return self._direct(weight, b)
        out = np.full(b.shape, np.nan)
        fair = (weight > 0.0).all(axis=1) & np.isfinite(weight).all(axis=1)
        if fair.all():
            solved = self._conjugate_gradients(weight, b, start, tolerance, out)
        else:
            solved = np.zeros(fair.size, dtype=bool)
            rows = np.flatnonzero(fair)
            part = np.full((rows.size, b.shape[1]), np.nan)
            solved[rows] = self._conjugate_gradients(weight[rows], b[rows], start[rows], tolerance, part)
            out[rows] = part
        if not solved.all():
            left = np.flatnonzero(~solved)
            out[left] = self._direct(weight[left], b[left])
        return out

    def _conjugate_gradients(self, weight: Array, b: Array, start: Array, tolerance: float, out: Array) -> BoolArray:
        """Put the solutions into `out`; True where there is one."""
        solved = np.zeros(b.shape[0], dtype=bool)
        rows = np.arange(b.shape[0])
        limit = tolerance**2 * np.einsum("ij,ij->i", b, b)
        y = np.where(np.isfinite(start), start, 0.0)
        r = b - self._apply(weight, y)
        p = r.copy()
        rho = np.einsum("ij,ij->i", r, r)
        for _ in range(self.most_steps + 1):
            busy = rho > limit
            n_busy = int(np.count_nonzero(busy))
            if n_busy == 0:
                break
            if n_busy < CROWD * busy.size:
                done = ~busy
                out[rows[done]], solved[rows[done]] = y[done], rho[done] <= limit[done]
                rows, weight, limit = rows[busy], weight[busy], limit[busy]
                y, r, p, rho, busy = y[busy], r[busy], p[busy], rho[busy], busy[busy]
            image = self._apply(weight, p)
            self.steps += n_busy
            curvature = np.einsum("ij,ij->i", p, image)
            # A solved problem moves no further; without curvature there is no step to take.
            length = np.where(busy & (curvature > 0.0), rho, 0.0) / np.where(curvature > 0.0, curvature, 1.0)
            y += length[:, None] * p
            image *= length[:, None]
            r -= image
            before, rho = rho, np.where(busy, np.einsum("ij,ij->i", r, r), rho)
            p *= (rho / np.where(before > 0.0, before, 1.0))[:, None]
            p += r
        out[rows], solved[rows] = y, rho <= limit
        return solved

    def _apply(self, weight: Array, y: Array) -> Array:
        spread = y @ self.Q_t
        spread *= weight
        return np.asarray(spread @ self.Q)

    def _direct(self, weight: Array, b: Array) -> Array:
        matrix = np.matmul(self.Q_t * weight[:, None, :], self.Q)
        try:
            return np.asarray(np.linalg.solve(matrix, b[:, :, None])[:, :, 0])
        except np.linalg.LinAlgError:
            return np.stack([_one(matrix[k], b[k]) for k in range(b.shape[0])])


def _one(matrix: Array, b: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(matrix, b))
    except np.linalg.LinAlgError:
        return np.full_like(b, np.nan)
