"""How edges hang together: a graph, or a real loop matrix without a graph (paper 2).

Both answer the same questions; a loop matrix has no nodes and no ends, and what would need them raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.errors import NetworkError

EdgeKey = int | tuple[Hashable, Hashable]
"""What names an edge: its index, or its (tail, head)."""
NONE: IntArray = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, eq=False, kw_only=True)
class Graph:
    """Edge k leaves ``nodes[tail[k]]`` and enters ``nodes[head[k]]``; `positions` (n, 2) for drawings, or None."""

    nodes: tuple[Hashable, ...]
    tail: IntArray
    head: IntArray
    positions: Array | None = None

    def __post_init__(self) -> None:
        _freeze(self, "tail", "head", "positions")

    @property
    def n_edges(self) -> int:
        return int(self.tail.size)

    @property
    def matrix(self) -> None:
        """A graph has no loop matrix of its own."""

    @property
    def pairs(self) -> list[tuple[Hashable, Hashable]]:
        """(tail, head) of every edge."""
        return [(self.nodes[a], self.nodes[b]) for a, b in zip(self.tail.tolist(), self.head.tolist(), strict=True)]

    @property
    def keys(self) -> list[EdgeKey]:
        """What names an edge beside its index: (tail, head)."""
        return [*self.pairs]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """'tail-head', all different: with '#' and the edge index behind it where several edges read alike."""
        plain = [f"{a}-{b}" for a, b in self.pairs]
        counts = Counter(plain)
        return tuple(f"{label}#{k}" if counts[label] > 1 else label for k, label in enumerate(plain))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """'edge tail-head' for messages, and the index where parallel edges need it."""
        _, which, count = np.unique(self.tail * len(self.nodes) + self.head, return_inverse=True, return_counts=True)
        shared = count[which.ravel()] > 1
        return tuple(
            f"edge {a}-{b} (index {k})" if shared[k] else f"edge {a}-{b}" for k, (a, b) in enumerate(self.pairs)
        )

    def same(self, other: Graph | LoopMatrix) -> bool:
        """Whether the edges are the same, in order; names of nodes and places do not matter."""
        if not isinstance(other, Graph):
            return False
        return np.array_equal(self.tail, other.tail) and np.array_equal(self.head, other.head)

    def between(self, tail: IntArray, head: IntArray) -> Graph:
        """The same edges between other nodes."""
        return replace(self, tail=tail, head=head)

    def kept(self, edges: IntArray) -> Graph:
        """These edges alone."""
        return replace(self, tail=self.tail[edges], head=self.head[edges])


@dataclass(frozen=True, eq=False, kw_only=True)
class LoopMatrix:
    """A real `matrix` A (n_loops, n_e) of full row rank: A (v - S) = 0 and i in range A^t."""

    matrix: Array

    def __post_init__(self) -> None:
        _freeze(self, "matrix")

    @classmethod
    def of(cls, A: object) -> LoopMatrix:
        """The structure of a numpy or scipy.sparse matrix. Raises `NetworkError` unless its rows are independent."""
        try:
            matrix = np.array(A.toarray() if hasattr(A, "toarray") else A, dtype=float)
        except (TypeError, ValueError):
            raise NetworkError("loop matrix: entries must be real numbers") from None
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise NetworkError(f"loop matrix: shape {matrix.shape} must be (n_loops, n_edges)")
        if not np.isfinite(matrix).all():
            row, column = np.argwhere(~np.isfinite(matrix))[0]
            raise NetworkError(f"loop matrix: entry ({row}, {column}) must be finite")
        rank = int(np.linalg.matrix_rank(matrix))
        if rank < matrix.shape[0]:
            raise NetworkError(
                f"loop matrix: rank {rank} is below its {matrix.shape[0]} rows; "
                "remove the loops that others already imply"
            )
        return cls(matrix=matrix)

    @property
    def n_edges(self) -> int:
        return int(self.matrix.shape[1])

    @property
    def nodes(self) -> tuple[Hashable, ...]:
        """None: there is no graph."""
        return ()

    @property
    def tail(self) -> IntArray:
        """Empty."""
        return NONE

    @property
    def head(self) -> IntArray:
        """Empty."""
        return NONE

    @property
    def keys(self) -> list[EdgeKey]:
        """What names an edge: its index."""
        return [*range(self.n_edges)]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The index of each edge as text."""
        return tuple(str(k) for k in range(self.n_edges))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """'edge 3' for messages."""
        return tuple(f"edge {k}" for k in range(self.n_edges))

    def same(self, other: Graph | LoopMatrix) -> bool:
        """Whether the matrices are equal."""
        return isinstance(other, LoopMatrix) and np.array_equal(self.matrix, other.matrix)

    def between(self, tail: IntArray, head: IntArray) -> LoopMatrix:
        """Raises `NetworkError`."""
        raise NetworkError("a loop matrix has no ends of edges; build another matrix")

    def kept(self, edges: IntArray) -> LoopMatrix:
        """Raises `NetworkError`."""
        raise NetworkError("a loop matrix has no edges to leave out; build another matrix")


Structure = Graph | LoopMatrix


def _freeze(record: object, *names: str) -> None:
    for name in names:
        value = getattr(record, name)
        if value is not None:
            value = np.array(value)
            value.setflags(write=False)
            object.__setattr__(record, name, value)
