"""The weighted Laplacian of a graph without ever assembling it.

    (B G B^t) p = B G S,     v = S - B^t p             G = diag(g), one node per component grounded

The entries of B G B^t and of B G S are linear in (g, g S): one constant sparse matrix maps the two edge
vectors to all of them. Only the upper triangle is kept.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array, IntArray
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.keeping import kept


class GroundedLaplacian:
    """Pattern and maps of B G B^t over the free nodes.

    ``upper`` (n, n) is the upper triangle by columns; its data belong to the last `assemble` that was
    stored there. ``n`` free nodes, ``n_edges`` edges.
    """

    def __init__(self, topology: Topology) -> None:
        self.n_edges = topology.n_edges
        self.n = topology.n_free
        self.B = topology.cuts
        self._tail, self._head = _places(topology)
        self._extended = np.zeros(self.n + 1)
        self._weights = np.empty(2 * self.n_edges)
        pattern, self._map = _pattern(topology)
        # What all share is never written to; the data belong to this one.
        self.upper = sp.csc_array((np.zeros(pattern.nnz), pattern.indices, pattern.indptr), shape=pattern.shape)

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


def _places(topology: Topology) -> tuple[IntArray, IntArray]:
    """(n_e,) tail and head of every edge among the free nodes; the grounded ones share a last place that holds 0 V."""
    place = np.full(topology.n_nodes, topology.n_free, dtype=np.intp)
    place[topology.free] = np.arange(topology.n_free)
    return place[topology.tail], place[topology.head]


@kept
def _pattern(topology: Topology) -> tuple[sp.csc_array, sp.csr_array]:
    """The upper triangle, and the matrix from (g, g S) to its data and to B G S."""
    n, n_e, (tail, head) = topology.n_free, topology.n_edges, _places(topology)
    proper = tail != head
    at_tail = np.flatnonzero(proper & (tail < n))
    at_head = np.flatnonzero(proper & (head < n))
    between = np.flatnonzero(proper & (tail < n) & (head < n))
    low = np.minimum(tail[between], head[between])
    high = np.maximum(tail[between], head[between])
    diagonal = np.arange(n) * (n + 1)
    keys, slot = np.unique(np.concatenate([diagonal, high * n + low]), return_inverse=True)
    slot = slot.ravel()
    nodes = tail[at_tail], head[at_head]
    row = [slot[n:], slot[nodes[0]], slot[nodes[1]], keys.size + nodes[0], keys.size + nodes[1]]
    column = [between, at_tail, at_head, n_e + at_tail, n_e + at_head]
    value = np.repeat([-1.0, 1.0, 1.0, -1.0, 1.0], [part.size for part in row])
    place = np.concatenate(row), np.concatenate(column)
    indptr = np.searchsorted(keys, np.arange(n + 1) * n)
    upper = sp.csc_array((np.zeros(keys.size), keys % max(n, 1), indptr), shape=(n, n))
    return upper, sp.csr_array((value, place), shape=(keys.size + n, 2 * n_e))
