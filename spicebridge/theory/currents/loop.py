"""Loop (mesh) form: exact for graphs and for real loop matrices.

    i = A^t (A diag(q) A^t)^-1 A S,     q = P R(s)          (paper 1, Eq. 3, with aiding S)

Kirchhoff's current law holds to the last bit; bridges carry exactly zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.linalg import get_lapack_funcs

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.currents.branch import Operator
from spicebridge.theory.currents.topology import Topology

DENSE_LOOPS = 400
"""Up to this many loops (or for a loop matrix) A diag(q) A^t is formed and factorised densely."""

FEW_EDGES = 64
"""Up to so many edges the map from sources to currents is formed as one matrix."""


class LoopSolver:
    """Mesh equations; Cholesky while all q > 0, else LU with pivoting."""

    form = "loop"

    def __init__(self, topology: Topology) -> None:
        self.n_loops = topology.n_loops
        self.dense = self.n_loops <= DENSE_LOOPS or not topology.is_graph
        self.A: Any = topology.A.toarray() if self.dense else topology.A
        self.A_t = np.ascontiguousarray(self.A.T) if self.dense else sp.csr_array(self.A.T)
        lapack: Any = get_lapack_funcs(("potrf", "potrs", "getrf", "getrs"), dtype=np.float64)
        self._potrf, self._potrs, self._getrf, self._getrs = lapack

    def solve(self, resistance: Array, S: Array) -> Array:
        return self.factor(resistance)(S)

    def factor(self, resistance: Array) -> Callable[[Array], Array]:
        A, A_t = self.A, self.A_t
        if self.n_loops == 0:
            return np.zeros_like
        if resistance.size <= FEW_EDGES and self.dense:
            return Operator(A_t @ self._dense(resistance)(A))
        solve = self._dense(resistance) if self.dense else self._sparse(resistance)
        return lambda S: np.asarray(A_t @ solve(A @ S))

    def _dense(self, resistance: Array) -> Callable[[Array], Array]:
        mesh = (self.A * resistance) @ self.A_t
        if (resistance > 0).all():
            triangle, info = self._potrf(mesh, overwrite_a=False)
            if info == 0:
                return lambda emf: np.asarray(self._potrs(triangle, emf)[0])
        both, pivots, info = self._getrf(mesh)
        if info != 0:
            raise _undetermined()
        return lambda emf: np.asarray(self._getrs(both, pivots, emf)[0])

    def _sparse(self, resistance: Array) -> Callable[[Array], Array]:
        from scipy.sparse.linalg import splu

        try:
            solve: Callable[[Array], Array] = splu(sp.csc_array((self.A * resistance) @ self.A_t)).solve
            return solve
        except RuntimeError:
            raise _undetermined() from None


def _undetermined() -> SingularNetwork:
    return SingularNetwork("A P R A^t is singular: the loop currents are not determined")
