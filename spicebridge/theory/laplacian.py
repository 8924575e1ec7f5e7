"""The weighted Laplacian of a graph without ever assembling it.

    (B G B^t) p = B G S,     v = S - B^t p             G = diag(g), one node per component grounded

The entries of B G B^t and of B G S are linear in (g, g S): one constant sparse matrix maps the two edge
vectors to all of them. Only the upper triangle is kept.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spicebridge.theory.topology import Topology

Array = NDArray[np.float64]
IntArray = NDArray[np.intp]


class GroundedLaplacian:
    """Pattern and maps of B G B^t over the free nodes.

    ``upper`` (n, n) is the upper triangle by columns; its data belong to the last `assemble` that was
    stored there. ``n`` free nodes, ``n_edges`` edges.
    """

    def __init__(self, topology: Topology) -> None:
        self.n_edges = topology.n_edges
        free = np.delete(np.arange(topology.n_nodes), topology.roots)
        self.n = free.size
        slot = np.full(topology.n_nodes, self.n, dtype=np.intp)
        slot[free] = np.arange(self.n)
        # Grounded nodes share one last place that always holds 0 V.
        self._tail, self._head = slot[topology.tail], slot[topology.head]
        self._extended = np.zeros(self.n + 1)
        self._weights = np.empty(2 * self.n_edges)
        self.B = sp.csr_array(topology.B[free])
        self.upper, to_data = laplacian_map(self.B)
        self._map = sp.csr_array(sp.block_diag([to_data, self.B]))

    def assemble(self, G: Array, S: Array) -> tuple[Array, Array]:
        """(data of the upper triangle in S, B G S in A) for conductances and sources (n_e,)."""
        n_e = self.n_edges
        self._weights[:n_e] = G
        np.multiply(G, S, out=self._weights[n_e:])
        both = self._map @ self._weights
        return both[: -self.n], both[-self.n :]

    def drop(self, potential: Array, S: Array) -> Array:
        """v = S - B^t p in V, (n_e,), for potentials (n,)."""
        extended = self._extended
        extended[:-1] = potential
        v = extended.take(self._tail)
        v -= extended.take(self._head)
        v += S
        return v

    def store(self, data: Array) -> sp.csc_array:
        """Put `data` into ``upper`` and return it."""
        self.upper.data[:] = data
        return self.upper

    def full(self, data: Array) -> sp.csr_array:
        """Both triangles, (n, n), for `data` of the upper one; the next call changes the matrix."""
        matrix, place = self._both_triangles
        data.take(place, out=matrix.data)
        return matrix

    @cached_property
    def _both_triangles(self) -> tuple[sp.csr_array, IntArray]:
        """A matrix with the full pattern, and where its data stand among those of the upper triangle."""
        upper = self.upper
        numbered = sp.csc_array((np.arange(1.0, upper.nnz + 1.0), upper.indices, upper.indptr), shape=upper.shape)
        matrix = sp.csr_array(numbered + sp.triu(numbered, k=1).T)
        matrix.sort_indices()
        return matrix, np.asarray(matrix.data - 1.0, dtype=np.intp)

    def dense(self, data: Array) -> Array:
        """Both triangles, (n, n), as an array."""
        column = np.repeat(np.arange(self.n), np.diff(self.upper.indptr))
        matrix = np.zeros((self.n, self.n))
        matrix[self.upper.indices, column] = data
        matrix[column, self.upper.indices] = data
        return matrix

    def stand_in(self) -> Array:
        """Data of a diagonally dominant matrix with this pattern, for orderings and symbolic analysis."""
        data = self.assemble(np.ones(self.n_edges), np.zeros(self.n_edges))[0]
        # In an upper triangle by columns the diagonal is the last entry of every column.
        data[self.upper.indptr[1:] - 1] += 1.0
        return data


def laplacian_map(B: sp.csr_array) -> tuple[sp.csc_array, sp.csr_array]:
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
