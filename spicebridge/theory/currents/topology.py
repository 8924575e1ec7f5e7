"""The graph of a network as linear algebra: incidence, cycles, bridges, projectors.

    B  (n x n_e)   B[tail_k, k] = -1, B[head_k, k] = +1, self loops 0      B i = 0
    A  (L x n_e)   fundamental cycles: one row per chord, +1 on its chord    A B^t = 0
    L = n_e - n + c,   Gamma = L / n_e  (effective memory, paper 1, Eq. 20)
    Omega = A^t (A A^t)^-1 A          orthogonal projector on cycle space (paper 1, Eq. 4)
    Ob    = A^t (A Q A^t)^-1 A Q      oblique projector, Q = diag of signed reference resistances

Omega does not depend on the spanning forest (paper 1, section 3.1 suggests that it does).
For a network given by a loop matrix, A is that matrix and there is no B.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order, connected_components

from spicebridge.arrays import Array, IntArray
from spicebridge.errors import NetworkError, ProjectorSingular
from spicebridge.network import Network
from spicebridge.theory.keeping import kept

SINGULAR_CONDITION = 1e13
"""A P A^t with a condition number above this counts as singular."""


@dataclass(frozen=True, kw_only=True)
class Forest:
    """A breadth-first spanning forest.

    ``order`` (n,) nodes from the roots outward; ``parent`` (n,) and ``parent_edge`` (n,) are -1 at
    roots; ``depth`` (n,); ``tree`` and ``chords`` are edge indexes, ascending.
    """

    order: IntArray
    parent: IntArray
    parent_edge: IntArray
    depth: IntArray
    tree: IntArray
    chords: IntArray


@dataclass(frozen=True, eq=False)
class Topology:
    """Linear algebra of one graph (``tail``, ``head``) or one ``loop_matrix``; parts on demand."""

    n_nodes: int
    tail: IntArray
    head: IntArray
    loop_matrix: Array | None = None

    @staticmethod
    @kept
    def of(network: Network) -> Topology:
        """The topology of a network; kept with what has been computed of it while the network lives."""
        return Topology(network.n_nodes, network.tail, network.head, network.loop_matrix)

    @property
    def is_graph(self) -> bool:
        return self.loop_matrix is None

    @property
    def n_edges(self) -> int:
        return int(self.tail.size) if self.loop_matrix is None else int(self.loop_matrix.shape[1])

    @property
    def n_loops(self) -> int:
        """L, the number of independent loops."""
        if self.loop_matrix is not None:
            return int(self.loop_matrix.shape[0])
        return self.n_edges - self.n_nodes + self.n_components

    @property
    def effective_memory(self) -> float:
        """Gamma = L / n_e (paper 1, Eq. 20)."""
        return self.n_loops / self.n_edges

    @cached_property
    def B(self) -> sp.csr_array:
        """Incidence matrix, sparse (n, n_e). Raises `NetworkError` without a graph."""
        self._need_graph("incidence matrix")
        edges = np.flatnonzero(self.tail != self.head)
        rows = np.concatenate([self.tail[edges], self.head[edges]])
        signs = np.repeat([-1.0, 1.0], edges.size)
        shape = (self.n_nodes, self.n_edges)
        return sp.csr_array((signs, (rows, np.tile(edges, 2))), shape=shape)

    @cached_property
    def component(self) -> IntArray:
        """(n,) number of the connected component of every node."""
        self._need_graph("components")
        ones = np.ones(self.tail.size)
        graph = sp.csr_array((ones, (self.tail, self.head)), shape=(self.n_nodes, self.n_nodes))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)

    @cached_property
    def n_components(self) -> int:
        return int(self.component.max()) + 1

    @cached_property
    def roots(self) -> IntArray:
        """The first node of every component; the nodal form grounds it."""
        return np.asarray(np.unique(self.component, return_index=True)[1], dtype=np.intp)

    @cached_property
    def free(self) -> IntArray:
        """The nodes whose potentials are unknown: all but the roots."""
        return np.delete(np.arange(self.n_nodes), self.roots)

    @property
    def n_free(self) -> int:
        """Number of independent cuts: nodes but one of every component."""
        return self.n_nodes - self.n_components

    @cached_property
    def cuts(self) -> sp.csr_array:
        """B of the free nodes, sparse (n_free, n_e)."""
        return sp.csr_array(self.B[self.free])

    @cached_property
    def forest(self) -> Forest:
        """Breadth-first spanning forest, one search from a node that touches every root."""
        n, extra = self.n_nodes, self.n_nodes
        low, high = np.minimum(self.tail, self.head), np.maximum(self.tail, self.head)
        proper = np.flatnonzero(low != high)
        keys, first = np.unique(low[proper] * n + high[proper], return_index=True)
        rows = np.concatenate([keys // n, np.full(self.roots.size, extra)])
        columns = np.concatenate([keys % n, self.roots])
        graph = sp.csr_array((np.ones(rows.size), (rows, columns)), shape=(n + 1, n + 1))
        found, before = breadth_first_order(graph, extra, directed=False)
        order: IntArray = np.asarray(found[1:], dtype=np.intp)
        parent: IntArray = np.asarray(before[:n], dtype=np.intp)
        parent[parent == extra] = -1
        child = np.flatnonzero(parent >= 0)
        up = parent[child]
        at = np.searchsorted(keys, np.minimum(child, up) * n + np.maximum(child, up))
        parent_edge = np.full(n, -1, dtype=np.intp)
        parent_edge[child] = proper[first[at]]
        depth = np.zeros(n, dtype=np.intp)
        parents = parent.tolist()
        depths = [0] * n
        for node in order.tolist():
            if parents[node] >= 0:
                depths[node] = depths[parents[node]] + 1
        depth[:] = depths
        tree = np.sort(parent_edge[child])
        chords = np.setdiff1d(np.arange(self.n_edges), tree, assume_unique=True)
        return Forest(order=order, parent=parent, parent_edge=parent_edge, depth=depth, tree=tree, chords=chords)

    @cached_property
    def A(self) -> sp.csr_array:
        """Cycle matrix, sparse (L, n_e)."""
        if self.loop_matrix is not None:
            return sp.csr_array(self.loop_matrix)
        forest = self.forest
        loop = np.arange(forest.chords.size)
        rows, columns, values = [loop], [forest.chords], [np.ones(loop.size)]
        # From both ends of every chord climb to the common ancestor, the deeper end first.
        at_head, at_tail = self.head[forest.chords], self.tail[forest.chords]
        while True:
            apart = at_head != at_tail
            if not apart.any():
                break
            loop, at_head, at_tail = loop[apart], at_head[apart], at_tail[apart]
            climb_head = forest.depth[at_head] >= forest.depth[at_tail]
            node = np.where(climb_head, at_head, at_tail)
            edge = forest.parent_edge[node]
            along = np.where(climb_head, self.tail[edge] == node, self.head[edge] == node)
            rows.append(loop)
            columns.append(edge)
            values.append(np.where(along, 1.0, -1.0))
            at_head = np.where(climb_head, forest.parent[node], at_head)
            at_tail = np.where(climb_head, at_tail, forest.parent[node])
        index = (np.concatenate(rows), np.concatenate(columns))
        shape = (forest.chords.size, self.n_edges)
        return sp.csr_array((np.concatenate(values), index), shape=shape)

    @cached_property
    def bridges(self) -> IntArray:
        """Edges in no cycle, ascending: they carry no current, Omega_kk = 0."""
        if self.loop_matrix is not None:
            return np.flatnonzero(~self.loop_matrix.any(axis=0))
        forest = self.forest
        # Merge the tree along every chord's cycle; a tree edge that is never merged is a bridge.
        parent, edge, depth = (x.tolist() for x in (forest.parent, forest.parent_edge, forest.depth))
        top = list(range(self.n_nodes))
        covered = bytearray(self.n_edges)

        def find(node: int) -> int:
            root = node
            while top[root] != root:
                root = top[root]
            while top[node] != root:
                top[node], node = root, top[node]
            return root

        for u, v in zip(self.tail[forest.chords].tolist(), self.head[forest.chords].tolist(), strict=True):
            u, v = find(u), find(v)
            while u != v:
                if depth[u] < depth[v]:
                    u, v = v, u
                covered[edge[u]] = 1
                top[u] = parent[u]
                u = find(u)
        bare = np.frombuffer(bytes(covered), dtype=np.uint8)[forest.tree] == 0
        return np.asarray(forest.tree[bare], dtype=np.intp)

    @cached_property
    def Omega(self) -> Array:
        """Orthogonal projector on the range of A^t, dense (n_e, n_e), from a QR factorisation."""
        basis = np.linalg.qr(self.A.toarray().T)[0]
        return np.asarray(basis @ basis.T)

    def oblique(self, reference: Array) -> Array:
        """Ob = A^t (A Q A^t)^-1 A Q, dense (n_e, n_e); `reference` (n_e,) is the diagonal of Q in ohm.

        Raises `ProjectorSingular` when A Q A^t is singular, which the circuit itself need not be:
        30 of the 64 sign patterns of K4 are such cases.
        """
        A = self.A.toarray()
        scaled = A * (reference / np.abs(reference).max())
        mesh = scaled @ A.T
        if mesh.size and np.linalg.cond(mesh) > SINGULAR_CONDITION:
            raise ProjectorSingular(
                "A P A^t is singular for these active edges: the projector form of paper 1 does not exist, "
                "although the circuit may be fine; use method='nodal', 'loop' or 'auto'"
            )
        return np.asarray(A.T @ np.linalg.solve(mesh, scaled))

    def _need_graph(self, what: str) -> None:
        if not self.is_graph:
            raise NetworkError(f"a loop matrix has no graph, hence no {what}; use the loop form")
