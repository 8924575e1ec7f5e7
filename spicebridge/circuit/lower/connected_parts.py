"""Connected parts of a network, each with a ground: edges of different parts carry no current for each other."""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import IntArray
from spicebridge.network import Network


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


def node_names(network: Network) -> list[str]:
    """Deck names of the nodes: n0, n1, …, with the first node of every component as ground "0"."""
    label = component_labels(network.n_nodes, network.tail, network.head)
    roots = (label == np.arange(network.n_nodes)).tolist()
    return ["0" if is_root else f"n{k}" for k, is_root in enumerate(roots)]


def component_labels(n: int, tail: IntArray, head: IntArray) -> IntArray:
    """Lowest vertex of the component of each of `n` vertices, (n,), joined by edges tail - head."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(tail.size), (tail, head)), shape=(n, n))
    label = connected_components(edges, directed=False)[1]
    return np.unique(label, return_index=True)[1][label]
