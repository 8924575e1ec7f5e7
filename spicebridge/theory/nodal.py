"""Nodal form: the currents by one weighted Laplacian solve.

    (B G B^t) p = B G S,    i = G (S - B^t p),    G = (P R)^-1

p are node potentials, one node of every component grounded. The map from conductances to the
entries of the Laplacian is a constant sparse matrix, so that a solve assembles nothing; the
ordering and the symbolic factorisation are computed once. Bridges get exactly zero current.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs

from spicebridge.theory.branch import SingularNetwork
from spicebridge.theory.topology import Topology

Array = NDArray[np.float64]

DENSE_FILL = 0.5
"""Factor densely when the sparse factor would hold more than this part of a full triangle:
measured crossover, K40 to K320 gain 1.3 to 5 times, random 4-regular graphs lose 2 to 5 times."""
DENSE_NODES = 2000
"""Never factor densely above this number of unknowns."""
SMALL = 1500
"""Up to so many entries of the incidence matrix everything is dense: measured 8 instead of 15
microseconds a solve at 10 edges, equal at 1500 entries."""
PIVOTED_NODES = 64
"""Networks with active edges and at most this many unknowns use dense LU with pivoting."""
RESIDUAL_LIMIT = 1e-11
"""Largest |sum of currents at a node| / max |i| accepted from a factorisation without pivoting."""


class NodalSolver:
    """Weighted Laplacian; dense Cholesky or LU, sparse LDL^t (qdldl) or SuperLU, by size, fill and sign."""

    form = "nodal"

    def __init__(self, topology: Topology, *, passive: bool = True) -> None:
        self.passive = passive
        self.bridges = topology.bridges
        n_free = topology.n_nodes - topology.n_components
        self.n_free = n_free
        free = np.delete(np.arange(topology.n_nodes), topology.roots)
        sparse = sp.csr_array(topology.B[free])
        small = n_free * topology.n_edges <= SMALL
        self.B: Any = sparse.toarray() if small else sparse
        self.B_t: Any = np.ascontiguousarray(self.B.T) if small else sp.csr_array(sparse.T)
        self._upper, self._to_data = _laplacian_map(sparse)
        self._entries = _full_positions(self._upper)
        lapack: Any = get_lapack_funcs(("posv", "gesv"), dtype=np.float64)
        self._posv, self._gesv = lapack
        self._ldl: Any = None
        self._plan = "none" if n_free == 0 else "small" if small else self._choose()

    def _choose(self) -> str:
        if not self.passive and self.n_free <= PIVOTED_NODES:
            return "dense"
        try:
            import qdldl
        except ImportError:
            return "dense" if self.n_free <= PIVOTED_NODES else "superlu"
        # A diagonally dominant stand-in with the same pattern fixes ordering and symbolic analysis.
        self._upper.data[:] = self._to_data @ np.ones(self.B.shape[1])
        rows = self._upper.indices
        self._upper.data[rows == np.repeat(np.arange(self.n_free), np.diff(self._upper.indptr))] += 1.0
        self._ldl = qdldl.Solver(self._upper, upper=True)
        if self.n_free <= DENSE_NODES:
            fill = self._ldl.factors()[0].nnz / max(1.0, 0.5 * self.n_free * (self.n_free - 1))
            if fill > DENSE_FILL:
                return "dense"
        return "ldl"

    def solve(self, resistance: Array, S: Array) -> Array:
        G = 1.0 / resistance
        if self._plan == "none":
            current = G * S
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                current = self._currents(G, S)
        current[self.bridges] = 0.0
        return current

    def _currents(self, G: Array, S: Array) -> Array:
        load = self.B @ (G * S)
        if self._plan == "small":
            return np.asarray(G * (S - self.B_t @ self._factor_dense((self.B * G) @ self.B_t, load)))
        data = self._to_data @ G
        if self._plan == "dense":
            return np.asarray(G * (S - self.B_t @ self._solve_dense(data, load)))
        if self._plan == "ldl":
            self._upper.data[:] = data
            self._ldl.update(self._upper, upper=True)
            current: Array = G * (S - self.B_t @ self._ldl.solve(load))
            if self.passive:
                return current
            # LDL^t without pivoting may lose digits on an indefinite matrix: refine once, then verify.
            correction = self._ldl.solve(self.B @ current)
            current -= G * (self.B_t @ correction)
            if np.abs(self.B @ current).max() <= RESIDUAL_LIMIT * np.abs(current).max():
                return current
        return np.asarray(G * (S - self.B_t @ self._solve_superlu(data, load)))

    def _solve_dense(self, data: Array, load: Array) -> Array:
        matrix = np.zeros((self.n_free, self.n_free))
        matrix[self._entries[0], self._entries[1]] = data
        matrix[self._entries[1], self._entries[0]] = data
        return self._factor_dense(matrix, load)

    def _factor_dense(self, matrix: Array, load: Array) -> Array:
        if self.passive:
            *_, potential, info = self._posv(matrix, load)
            if info == 0:
                return np.asarray(potential)
        *_, potential, info = self._gesv(matrix, load)
        if info != 0:
            raise SingularNetwork("B G B^t is singular: the node potentials are not determined")
        return np.asarray(potential)

    def _solve_superlu(self, data: Array, load: Array) -> Array:
        from scipy.sparse.linalg import splu

        self._upper.data[:] = data
        lower = sp.triu(self._upper, k=1).T
        try:
            factor = splu(
                sp.csc_array(self._upper + lower), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}
            )
        except RuntimeError:
            raise SingularNetwork("B G B^t is singular: the node potentials are not determined") from None
        return np.asarray(factor.solve(load))


def _laplacian_map(B: sp.csr_array) -> tuple[sp.csc_array, sp.csr_array]:
    """Pattern of the upper triangle of B G B^t, and the matrix that maps G to its data."""
    n, n_e = B.shape
    by_edge = sp.csc_array(B)
    edge = np.repeat(np.arange(n_e), np.diff(by_edge.indptr))
    node = by_edge.indices.astype(np.intp)
    diagonal = np.arange(n)
    # An edge between two ungrounded nodes has two entries; its off-diagonal place is (low, high).
    pairs = np.flatnonzero(np.diff(by_edge.indptr) == 2)
    first = by_edge.indptr[pairs]
    low = np.minimum(node[first], node[first + 1])
    high = np.maximum(node[first], node[first + 1])
    keys, slot = np.unique(
        np.concatenate([diagonal * n + diagonal, node * n + node, high * n + low]), return_inverse=True
    )
    slot = slot.ravel()[n:]
    column = np.concatenate([edge, pairs])
    value = np.concatenate([np.ones(edge.size), -np.ones(pairs.size)])
    to_data = sp.csr_array((value, (slot, column)), shape=(keys.size, n_e))
    indptr = np.searchsorted(keys, np.arange(n + 1) * n)
    upper = sp.csc_array((np.zeros(keys.size), keys % n if n else keys, indptr), shape=(n, n))
    return upper, to_data


def _full_positions(upper: sp.csc_array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    column = np.repeat(np.arange(upper.shape[1]), np.diff(upper.indptr))
    return np.asarray(upper.indices, dtype=np.intp), column
