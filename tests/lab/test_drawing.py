"""The drawing can be read, and the protocol says where everything is."""

from __future__ import annotations

import re
from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from spicebridge.lab.design.wiring import node_net, wire
from spicebridge.lab.kit.layout import label_places, node_places
from spicebridge.lab.kit.schematic import NETWORK_LABELS, _chain, draw_schematic, schematic
from spicebridge.laws import Resistor
from spicebridge.network import Network
from spicebridge.report.plots.graph_layout import edge_paths
from tests.lab.networks import NAMES, plan


@pytest.mark.parametrize("name", NAMES)
def test_no_label_covers_another(name: str) -> None:
    figure = schematic(plan(name))
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    figure.draw(renderer)
    texts = [t for t in figure.axes[0].texts if t.get_gid() == NETWORK_LABELS]
    assert len(texts) == plan(name).network.n_edges + plan(name).network.n_nodes
    for a, b in combinations(texts, 2):
        one, two = a.get_window_extent(renderer), b.get_window_extent(renderer)
        assert not one.overlaps(two), (a.get_text(), b.get_text())
    below = [t for t in figure.axes[1].texts if t.get_text()]
    for a, b in combinations(below, 2):
        one, two = a.get_window_extent(renderer), b.get_window_extent(renderer)
        assert not one.overlaps(two), (a.get_text(), b.get_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_strip_leads_from_tail_to_head_through_all_its_parts(name: str) -> None:
    planned, parts = plan(name), wire(plan(name))
    for k in range(planned.network.n_edges):
        tail, head = (node_net(planned, int(n[k])) for n in (planned.network.tail, planned.network.head))
        own = [x for x in parts if x.edge == k]
        chain = _chain(tail, head, own)
        assert chain[-1][1] == head
        drawn = {part.reference for part, _ in chain}
        silent = {x.reference for x in own if x.kind == "controller" or x.reference[:2] in ("RF", "RG", "UA")}
        assert drawn == {x.reference for x in own} - silent


@pytest.mark.parametrize(
    "graph", [nx.complete_graph(4), nx.circular_ladder_graph(3), nx.grid_2d_graph(3, 3), nx.cycle_graph(3)]
)
def test_planar_networks_are_drawn_without_crossings(graph: nx.Graph) -> None:
    graph = nx.convert_node_labels_to_integers(graph)
    network = Network.from_graph(graph, device=Resistor(1.0), drive={0: 1.0})
    place = node_places(network)
    ends = list(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    for (a, b), (c, d) in combinations(ends, 2):
        if len({a, b, c, d}) == 4:
            assert not _cross(*(place[n] for n in (a, b, c, d)))


def _cross(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> bool:
    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def test_what_cannot_be_planar_is_drawn_too() -> None:
    network = Network.from_graph(nx.complete_graph(6), device=Resistor(1.0), drive={0: 1.0})
    place = node_places(network)
    assert np.isfinite(place).all()
    spots = np.array(label_places(edge_paths(network, place), place))
    gaps = [float(np.hypot(*(a - b))) for a, b in combinations(spots, 2)]
    assert min(gaps) > 0.03 * np.abs(place - place.mean(axis=0)).max()


def test_the_drawing_is_the_same_every_time() -> None:
    first = draw_schematic(plan("two_loops"))
    assert first == draw_schematic(plan("two_loops"))
    assert re.search(rb"<svg[^>]*>", first)
