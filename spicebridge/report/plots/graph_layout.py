"""Where nodes go on paper, and the curves of edges between them."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Graph, Network

STRESS_NODES = 150
"""Nodes of a component up to which its layout minimises stress (Kamada and Kawai); beyond, distances are
scaled into the plane and a few steps of forces (Fruchterman and Reingold) pull coinciding nodes apart."""
FORCE_STEPS = 8
SEED = 7
"""Of the forces, so that a report looks the same twice."""
POINTS = 41
"""Points on the curve of an edge."""
GAP = 1.0
"""Room between components."""
BEND = 0.22
"""Sideways shift between parallel edges, in units of their length."""


def node_positions(network: Network) -> Array:
    """Places (n, 2) of the nodes: their own where the graph came with some, else one component beside the other."""
    import networkx as nx

    structure = network.structure
    if isinstance(structure, Graph) and structure.positions is not None:
        places = structure.positions - structure.positions.min(axis=0)
        return np.asarray(places * (math.sqrt(network.n_nodes) / (float(places.max()) or 1.0)))

    graph = nx.Graph()
    graph.add_nodes_from(range(network.n_nodes))
    graph.add_edges_from(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    parts = sorted(nx.connected_components(graph), key=lambda nodes: (-len(nodes), min(nodes)))
    members = [sorted(part) for part in parts]
    boxes = []
    for nodes in members:
        places = _upright(_component(graph.subgraph(nodes), nodes)) * math.sqrt(len(nodes))
        boxes.append(places - places.min(axis=0))
    out = np.zeros((network.n_nodes, 2))
    for nodes, places, corner in zip(members, boxes, _shelves(boxes), strict=True):
        out[nodes] = places + corner
    return out


def _shelves(boxes: list[Array]) -> list[Array]:
    """Lower left corners that put boxes in rows, so that the whole is about as high as wide."""
    sizes = [np.ptp(places, axis=0) + GAP for places in boxes]
    limit = max(1.2 * math.sqrt(sum(w * h for w, h in sizes)), max(w for w, _ in sizes))
    corners = []
    left = low = row = 0.0
    for w, h in sizes:
        if left > 0.0 and left + w > limit * (1.0 + 1e-9):
            left, low, row = 0.0, low - row, 0.0
        corners.append(np.array([left, low - h]))
        left, row = left + w, max(row, h)
    return corners


def _component(graph: object, nodes: list[int]) -> Array:
    """Places of one connected component within the unit circle."""
    import networkx as nx

    if len(nodes) == 1:
        return np.zeros((1, 2))
    # the order of nodes decides the start of the layout, so it is fixed here
    ordered = nx.Graph()
    ordered.add_nodes_from(nodes)
    ordered.add_edges_from(sorted((min(e), max(e)) for e in graph.edges))  # type: ignore[attr-defined]
    ordered.remove_edges_from(list(nx.selfloop_edges(ordered)))
    if len(nodes) <= STRESS_NODES:
        found = nx.kamada_kawai_layout(ordered, weight=None)
    else:
        start = dict(zip(nodes, _scaled_distances(ordered, nodes), strict=True))
        found = nx.spring_layout(ordered, pos=start, seed=SEED, iterations=FORCE_STEPS)
    places = np.array([found[node] for node in nodes], dtype=float)
    places -= places.mean(axis=0)
    return np.asarray(places / (np.hypot(*places.T).max() or 1.0))


def _scaled_distances(graph: object, nodes: list[int]) -> Array:
    """Classical multidimensional scaling of the distances in the graph (Torgerson): forces alone tangle."""
    import networkx as nx
    from scipy.sparse.csgraph import shortest_path
    from scipy.sparse.linalg import eigsh

    D = shortest_path(nx.to_scipy_sparse_array(graph, nodelist=nodes), unweighted=True, directed=False)
    gram = -0.5 * D**2
    gram -= gram.mean(axis=0)
    gram -= gram.mean(axis=1, keepdims=True)
    values, vectors = eigsh(gram, k=2, which="LA", v0=np.linspace(-1.0, 2.0, len(nodes)))
    places = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(places / (np.abs(places).max() or 1.0))


def _upright(places: Array) -> Array:
    """Turned so that the longest extent is horizontal; leaves round and square layouts alone."""
    values, vectors = np.linalg.eigh(np.cov(places.T)) if len(places) > 2 else (np.ones(2), np.eye(2))
    if values[1] < 1.3 * values[0]:
        return places
    turned = places @ vectors[:, ::-1]
    return np.asarray(turned)


def bends(network: Network) -> list[float]:
    """How far the middle of every edge is drawn to the left of the way from tail to head, in units of its length."""
    together: dict[tuple[int, int], list[int]] = {}
    for k, (a, b) in enumerate(zip(network.tail.tolist(), network.head.tolist(), strict=True)):
        together.setdefault((min(a, b), max(a, b)), []).append(k)
    out = [0.0] * network.n_edges
    for (low, _), edges in together.items():
        for j, k in enumerate(edges):
            out[k] = 2.0 * BEND * (j - (len(edges) - 1) / 2.0) * (1.0 if network.tail[k] == low else -1.0)
    return out


def edge_paths(network: Network, places: Array) -> list[Array]:
    """One curve (POINTS, 2) per edge from tail to head; parallel edges bend apart, self loops are circles."""
    size = float(np.ptp(places, axis=0).max()) or 1.0
    s = np.linspace(0.0, 1.0, POINTS)[:, None]
    out: list[Array] = []
    loops: Counter[int] = Counter()
    for a, b, bend in zip(network.tail.tolist(), network.head.tolist(), bends(network), strict=True):
        if a == b:
            out.append(_circle(places[a], places.mean(axis=0), size * 0.07 * (1.0 + 0.5 * loops[a])))
            loops[a] += 1
            continue
        start, stop = places[a], places[b]
        chord = stop - start
        middle = (start + stop) / 2.0 + bend * np.array([-chord[1], chord[0]])
        out.append((1 - s) ** 2 * start + 2 * s * (1 - s) * middle + s**2 * stop)
    return out


def _circle(node: Array, centre: Array, radius: float) -> Array:
    """A circle through `node` on the side away from `centre`."""
    outward = node - centre
    length = float(np.hypot(*outward))
    outward = outward / length if length > 0 else np.array([0.0, 1.0])
    angle = math.atan2(-outward[1], -outward[0]) + np.linspace(0.0, 2.0 * math.pi, POINTS)
    return np.asarray(node + outward * radius + radius * np.column_stack([np.cos(angle), np.sin(angle)]))
