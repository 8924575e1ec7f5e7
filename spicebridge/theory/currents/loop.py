"""Loop (mesh) form: exact for graphs and for real loop matrices.

    i = A^t (A diag(q) A^t)^-1 A S,     q = P R(s)          (paper 1, Eq. 3, with aiding S)

Kirchhoff's current law holds to the last bit; bridges carry exactly zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.linalg import get_lapack_funcs

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.currents.topology import Topology

DENSE_LOOPS = 400
"""Up to this many loops (or for a loop matrix) A diag(q) A^t is formed and factorised densely."""


class LoopSolver:
    """Mesh equations; Cholesky while all q > 0, else LU with pivoting."""

    form = "loop"

    def __init__(self, topology: Topology) -> None:
        self.n_loops = topology.n_loops
        self.dense = self.n_loops <= DENSE_LOOPS or not topology.is_graph
        self.A: Any = topology.A.toarray() if self.dense else topology.A
        self.A_t = np.ascontiguousarray(self.A.T) if self.dense else sp.csr_array(self.A.T)
        lapack: Any = get_lapack_funcs(("posv", "gesv"), dtype=np.float64)
        self._posv, self._gesv = lapack

    def solve(self, resistance: Array, S: Array) -> Array:
        if self.n_loops == 0:
            return np.zeros(S.shape)
        if self.dense:
            loop_current = self._solve_dense(resistance, self.A @ S)
        else:
            loop_current = self._solve_sparse(resistance, self.A @ S)
        return np.asarray(self.A_t @ loop_current)

    def _solve_dense(self, resistance: Array, emf: Array) -> Array:
        mesh = (self.A * resistance) @ self.A_t
        if (resistance > 0).all():
            *_, loop_current, info = self._posv(mesh, emf)
            if info == 0:
                return np.asarray(loop_current)
        *_, loop_current, info = self._gesv(mesh, emf)
        if info != 0:
            raise SingularNetwork("A P R A^t is singular: the loop currents are not determined")
        return np.asarray(loop_current)

    def _solve_sparse(self, resistance: Array, emf: Array) -> Array:
        from scipy.sparse.linalg import splu

        mesh = sp.csc_array((self.A * resistance) @ self.A_t)
        try:
            return np.asarray(splu(mesh).solve(emf))
        except RuntimeError:
            raise SingularNetwork("A P R A^t is singular: the loop currents are not determined") from None
