"""How edges hang together: a graph, or a real loop matrix without a graph (paper 2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from spicebridge.arrays import Array, IntArray


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
    def keys(self) -> list[Any]:
        """What names an edge beside its index: (tail, head)."""
        return [(self.nodes[a], self.nodes[b]) for a, b in zip(self.tail.tolist(), self.head.tolist(), strict=True)]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """'tail-head', all different: with '#' and the edge index behind it where several edges read alike."""
        plain = [f"{a}-{b}" for a, b in self.keys]
        counts = Counter(plain)
        return tuple(f"{label}#{k}" if counts[label] > 1 else label for k, label in enumerate(plain))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """'edge tail-head' for messages, and the index where parallel edges need it."""
        _, which, count = np.unique(self.tail * len(self.nodes) + self.head, return_inverse=True, return_counts=True)
        shared = count[which.ravel()] > 1
        return tuple(
            f"edge {a}-{b} (index {k})" if shared[k] else f"edge {a}-{b}" for k, (a, b) in enumerate(self.keys)
        )

    def same(self, other: Graph | LoopMatrix) -> bool:
        """Whether the edges are the same, in order; names of nodes and places do not matter."""
        if not isinstance(other, Graph):
            return False
        return np.array_equal(self.tail, other.tail) and np.array_equal(self.head, other.head)


@dataclass(frozen=True, eq=False, kw_only=True)
class LoopMatrix:
    """A real `matrix` A (n_loops, n_e) of full row rank: A (v - S) = 0 and i in range A^t."""

    matrix: Array

    def __post_init__(self) -> None:
        _freeze(self, "matrix")

    @property
    def n_edges(self) -> int:
        return int(self.matrix.shape[1])

    @property
    def keys(self) -> list[Any]:
        """What names an edge: its index."""
        return list(range(self.n_edges))

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


def _freeze(record: object, *names: str) -> None:
    for name in names:
        value = getattr(record, name)
        if value is not None:
            value = np.array(value)
            value.setflags(write=False)
            object.__setattr__(record, name, value)
