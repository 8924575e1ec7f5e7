"""Loop (mesh) form: exact for graphs and for real loop matrices.

    i = A^t (A diag(q) A^t)^-1 A S,     q = P R(s)          (paper 1, Eq. 3, with aiding S)

Kirchhoff's current law holds to the last bit; bridges carry exactly zero.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.currents.factorisation import factored_densely
from spicebridge.theory.currents.solver import Operator
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
        self._loops = topology.A
        if self.dense:
            self._A = topology.A.toarray()
            self._A_t = np.ascontiguousarray(self._A.T)

    def solve(self, resistance: Array, S: Array) -> Array:
        return self.factor(resistance)(S)

    def factor(self, resistance: Array) -> Callable[[Array], Array]:
        if self.n_loops == 0:
            return np.zeros_like
        try:
            return self._densely(resistance) if self.dense else self._sparsely(resistance)
        except (np.linalg.LinAlgError, RuntimeError):
            raise SingularNetwork("A P R A^t is singular: the loop currents are not determined") from None

    def _densely(self, resistance: Array) -> Callable[[Array], Array]:
        A, A_t = self._A, self._A_t
        solve = factored_densely((A * resistance) @ A_t, positive=bool((resistance > 0).all()))
        return Operator(A_t @ solve(A)) if resistance.size <= FEW_EDGES else lambda S: np.asarray(A_t @ solve(A @ S))

    def _sparsely(self, resistance: Array) -> Callable[[Array], Array]:
        from scipy.sparse.linalg import splu

        A = self._loops
        solve = splu(sp.csc_array((A * resistance) @ A.T)).solve
        return lambda S: np.asarray(A.T @ solve(A @ S))
