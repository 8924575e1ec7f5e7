"""Where nodes and labels of a drawn network stand.

Planar graphs are drawn after Tutte: the longest face on a circle, every other node at the mean of its neighbours, so
that no edges cross; others as in reports. Labels take, of several places along their edge, the one farthest from all
that is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.report.plots.graph_layout import node_positions

PLACES = (0.5, 0.4, 0.6, 0.3, 0.7)
"""Fractions of an edge at which its label may stand, the best liked first."""
LIKING = 0.02
"""Distance, in units of the drawing, that a less liked place must gain."""


def node_places(network: Network) -> Array:
    """(n, 2)."""
    import networkx as nx

    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(network.n_nodes))
    graph.add_edges_from((int(a), int(b)) for a, b in zip(network.tail, network.head, strict=True))
    planar, embedding = nx.check_planarity(graph)
    face = _longest_face(embedding) if planar else []
    if len(face) < 3 or len(set(face)) < len(face):
        return node_positions(network)
    angle = np.pi / 2 + 2 * np.pi * np.arange(len(face)) / len(face)
    place = np.zeros((network.n_nodes, 2))
    place[face] = np.column_stack([np.cos(angle), np.sin(angle)])
    free = [node for node in graph if node not in face]
    if free:
        L = nx.laplacian_matrix(graph, nodelist=range(network.n_nodes)).toarray().astype(float)
        place[free] = np.linalg.solve(L[np.ix_(free, free)], -L[np.ix_(free, face)] @ place[face])
    return place


def _longest_face(embedding: object) -> list[int]:
    seen: set[tuple[int, int]] = set()
    best: list[int] = []
    for a, b in embedding.edges():  # type: ignore[attr-defined]
        if (a, b) not in seen:
            face = embedding.traverse_face(a, b, mark_half_edges=seen)  # type: ignore[attr-defined]
            best = face if len(face) > len(best) else best
    return best


def label_places(curves: Sequence[Array], nodes: Array) -> list[Array]:
    """A place for one label on every curve."""
    out: list[Array] = []
    for k, own in enumerate(curves):
        others = np.vstack([nodes, *(c for j, c in enumerate(curves) if j != k), *(x[None] for x in out)])
        spots = [own[round(x * (len(own) - 1))] for x in PLACES]
        room = [float(np.hypot(*(others - spot).T).min()) - LIKING * j for j, spot in enumerate(spots)]
        # Labels already placed count twice: letters are wider than lines.
        if out:
            room = [
                min(r, 0.5 * float(np.hypot(*(np.array(out) - s).T).min())) for r, s in zip(room, spots, strict=True)
            ]
        out.append(spots[int(np.argmax(room))])
    return out
