"""Random networks and the oscillating prism, shared by the tests of the theory branch."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import strategies as st

import spicebridge as sb


@st.composite
def edge_lists(draw: st.DrawFn, max_nodes: int = 9, max_edges: int = 18) -> list[tuple[int, int]]:
    """Multigraphs: several components, bridges, parallel edges and self loops included."""
    n = draw(st.integers(2, max_nodes))
    node = st.integers(0, n - 1)
    return draw(st.lists(st.tuples(node, node), min_size=1, max_size=max_edges))


def caravelli(**changes: object) -> sb.LinearMemristor:
    values: dict = dict(r_on=1.0, r_off=10.0, alpha=0.1, beta=1.0)
    values.update(changes)
    return sb.LinearMemristor.caravelli2017(**values)


def random_network(
    edges: list[tuple[int, int]], seed: int, *, device: object = None, mixed: bool = False, ac: bool = True
) -> sb.Network:
    """Random polarity, sources and states on given edges; a third of them active when `mixed`."""
    rng = np.random.default_rng(seed)
    m = len(edges)
    drives = [
        sb.Sine(amplitude=a, frequency=0.3 + f, phase=p) if ac else sb.DC(a)
        for a, f, p in zip(rng.normal(0, 0.2, m), rng.random(m), rng.random(m) * 6, strict=True)
    ]
    return sb.Network.from_edges(
        edges,
        device=device or caravelli(r_on=1.0 + rng.random(m), r_off=5.0 + 5.0 * rng.random(m)),
        drive=drives,
        initial_state=0.2 + 0.6 * rng.random(m),
        polarity=rng.choice([-1, 1], m),
        active=np.flatnonzero(rng.random(m) < 0.33).tolist() if mixed else (),
    )


def graph_edges(name: str, *args: int, seed: int | None = None) -> list[tuple[int, int]]:
    graph = getattr(nx, name)(*args, **({} if seed is None else {"seed": seed}))
    return list(nx.convert_node_labels_to_integers(graph).edges)


PRISM_EDGES = [(1, 0), (1, 2), (2, 0), (3, 4), (5, 4), (3, 5), (0, 3), (4, 1), (2, 5)]
PRISM_P = np.array([1, 1, -1, 1, 1, -1, 1, -1, 1.0])
PRISM_W = np.array([0.46, 0.42, 0.18, 0.54, 0.34, 0.10, 0.64, 0.88, 0.24])
PRISM_XI, PRISM_ALPHA = 1.2, -1.0


def prism(initial_state: object = None) -> sb.Network:
    """Paper 1's oscillations: a fixed point w* with the complex pair -0.091236 +- 0.851067 i."""
    S = PRISM_P * PRISM_ALPHA * (PRISM_W + PRISM_XI * PRISM_W**2)
    return sb.Network.from_edges(
        PRISM_EDGES,
        device=caravelli(r_on=1.0, r_off=1.0 + PRISM_XI, alpha=PRISM_ALPHA),
        drive=S.tolist(),
        initial_state=PRISM_W if initial_state is None else initial_state,
        active=np.flatnonzero(PRISM_P < 0).tolist(),
        nodes=range(6),
    )
