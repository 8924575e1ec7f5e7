"""Overlapping pieces of a graph.

A patch is all edges that touch its *inner* nodes; the nodes behind them are its border. Where the inner nodes of the
patches are a partition of all nodes, every node's current law and every edge's law is tested in some patch.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import IntArray
from spicebridge.network import Network

INNER = 30
"""Inner nodes of a patch of a complete cover."""
AROUND = 2
"""Levels of nodes around the edge in the middle of a sampled patch that are inner ones, …"""
MOST_AROUND = 40
"""… as long as they are not more than this."""
SEED = 0
"""Of the edges that are drawn."""


@dataclass(frozen=True, eq=False)
class Patch:
    """`inner` nodes and all `edges` that touch them (indexes, ascending); `counted` are the edges it speaks for."""

    number: int
    inner: IntArray
    edges: IntArray
    counted: IntArray


def complete_cover(network: Network) -> list[Patch]:
    """Patches whose inner nodes, about `INNER` in each, are a partition of the nodes; all their edges count."""
    neighbours, incident = _tables(network)
    owner = np.full(network.n_nodes, -1, dtype=np.intp)
    parts: list[list[int]] = []
    # Breadth first from one part to the next, so that what is left over stays in one piece.
    waiting = deque(range(network.n_nodes))
    starts: deque[int] = deque()
    while starts or waiting:
        start = starts.popleft() if starts else waiting.popleft()
        if owner[start] >= 0:
            continue
        part, front = [start], deque([start])
        owner[start] = len(parts)
        while front and len(part) < INNER:
            for node in neighbours[front.popleft()]:
                if owner[node] < 0 and len(part) < INNER:
                    owner[node] = len(parts)
                    part.append(node)
                    front.append(node)
        starts.extend(n for node in part for n in neighbours[node] if owner[n] < 0)
        parts.append(part)
    return [_patch(number, part, incident, None) for number, part in enumerate(_merged(parts, neighbours, owner))]


def _merged(parts: list[list[int]], neighbours: list[list[int]], owner: IntArray) -> list[list[int]]:
    """Crumbs, which growing parts left between them, go to the smallest part beside them."""
    for number, part in enumerate(parts):
        if not part or 3 * len(part) >= INNER:
            continue
        beside = {int(owner[n]) for node in part for n in neighbours[node]} - {number}
        if beside:
            home = min(beside, key=lambda k: (len(parts[k]), k))
            owner[part] = home
            parts[home] += part
            parts[number] = []
    return [part for part in parts if part]


def sampled_cover(network: Network, count: int) -> list[Patch]:
    """Patches around `count` edges, drawn uniformly without repetition; only the middle edge counts."""
    neighbours, incident = _tables(network)
    rng = np.random.default_rng(SEED)
    centres = np.sort(rng.choice(network.n_edges, min(count, network.n_edges), replace=False))
    out = []
    for number, k in enumerate(centres.tolist()):
        inner = {int(network.tail[k]), int(network.head[k])}
        level = set(inner)
        for _ in range(AROUND):
            level = {n for node in level for n in neighbours[node]} - inner
            if len(inner) + len(level) > MOST_AROUND:
                break
            inner |= level
        out.append(_patch(number, sorted(inner), incident, k))
    return out


def _patch(number: int, inner: list[int], incident: list[list[int]], centre: int | None) -> Patch:
    edges = np.unique([k for node in inner for k in incident[node]]).astype(np.intp)
    counted = edges if centre is None else np.array([centre], dtype=np.intp)
    return Patch(number, np.array(sorted(inner), dtype=np.intp), edges, counted)


def _tables(network: Network) -> tuple[list[list[int]], list[list[int]]]:
    """Neighbours and edges of every node."""
    n, k = network.n_nodes, np.arange(network.n_edges)
    ends = np.concatenate([network.tail, network.head]), np.concatenate([network.head, network.tail])
    order = np.argsort(ends[0], kind="stable")
    cuts = np.searchsorted(ends[0][order], np.arange(1, n))
    other = [part.tolist() for part in np.split(ends[1][order], cuts)]
    edges = [part.tolist() for part in np.split(np.tile(k, 2)[order], cuts)]
    return other, edges
