"""The nodes of a deck: between which ones every edge stands, which are ground, and what hangs together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.circuit.deck.elements import Element, VoltageControlledCurrent
from spicebridge.network import Network

SHOWN = 8
"""At most so many grounds are named."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Wiring:
    """Deck nodes `tails` and `heads` of all edges, and the `rows` of elements that carry a loop matrix.

    `remark` says which nodes a deck has beside those of edges.
    """

    network: Network
    tails: list[str]
    heads: list[str]
    rows: tuple[Element, ...]
    remark: str

    @cached_property
    def part(self) -> IntArray:
        """See `connected_parts`."""
        return connected_parts(self.network)


def wire(network: Network) -> Wiring:
    """One node of every connected component is ground. A loop-matrix network has a node e<k> for every edge k."""
    A = network.loop_matrix
    if A is not None:
        return Wiring(
            network=network,
            tails=[f"e{k}" for k in range(network.n_edges)],
            heads=["0"] * network.n_edges,
            rows=tuple(_loop_rows(A)),
            remark="node e<k> holds R i - S of edge k; node j<c> is the current of loop c, 1 V for 1 A",
        )
    names = node_names(network)
    ground = [str(n) for n, name in zip(network.nodes, names, strict=True) if name == "0"]
    return Wiring(
        network=network,
        tails=[names[a] for a in network.tail.tolist()],
        heads=[names[b] for b in network.head.tolist()],
        rows=(),
        remark=f"ground 0 is node {', '.join(ground[:SHOWN])}" + (", …" if len(ground) > SHOWN else ""),
    )


def _loop_rows(A: Array) -> Iterator[Element]:
    """The gyrator network that imposes i = A^t j and A (R i - S) = 0 (physics of paper 2, any real A)."""
    for c, k in zip(*(index.tolist() for index in np.nonzero(A)), strict=True):
        value = float(A[c, k])
        yield VoltageControlledCurrent(f"GA{c}_{k}", "0", f"e{k}", f"j{c}", "0", value)
        yield VoltageControlledCurrent(f"GB{c}_{k}", f"j{c}", "0", f"e{k}", "0", value)


def node_names(network: Network) -> list[str]:
    """Deck names of the nodes: n0, n1, …, with the first node of every component as ground "0"."""
    label = component_labels(network.n_nodes, network.tail, network.head)
    roots = (label == np.arange(network.n_nodes)).tolist()
    return ["0" if is_root else f"n{k}" for k, is_root in enumerate(roots)]


def connected_parts(network: Network) -> IntArray:
    """Part of every edge, (n_e,), counted from 0: edges of different parts carry no current for each other.

    Self loops are parts of their own. In a loop-matrix network edges hang together through common loops.
    """
    if network.is_graph:
        label = component_labels(network.n_nodes, network.tail, network.head)[network.tail]
        alone = np.flatnonzero(network.tail == network.head)
        label = label.astype(np.intp)
        label[alone] = network.n_nodes + np.arange(alone.size)
    else:
        loops, edges = np.nonzero(np.asarray(network.loop_matrix))
        label = component_labels(network.n_edges + int(loops.max(initial=-1)) + 1, edges, network.n_edges + loops)
        label = label[: network.n_edges]
    return np.unique(label, return_inverse=True)[1].astype(np.intp).ravel()


def component_labels(n: int, tail: IntArray, head: IntArray) -> IntArray:
    """Lowest vertex of the component of each of `n` vertices, (n,), joined by edges tail - head."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(tail.size), (tail, head)), shape=(n, n))
    label = connected_components(edges, directed=False)[1]
    return np.unique(label, return_index=True)[1][label]
