"""Pictures: what is drawn when, and the geometry behind them."""

from __future__ import annotations

import importlib
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pytest
from conftest import ring, signals
from hypothesis import given
from hypothesis import strategies as st

from spicebridge.drives import DC
from spicebridge.laws import LinearMemristor, Resistor
from spicebridge.network import Network
from spicebridge.report.plots import draw
from spicebridge.report.plots.graph_layout import STRESS_NODES, edge_paths, node_positions
from spicebridge.report.plots.loops import _alternates, _chosen
from spicebridge.report.plots.states import _bundles
from spicebridge.report.plots.style import Drawn, new_figure, power_of_ten, spread, state_symbol, times_ten
from spicebridge.report.plots.vector import format_svg

DEVICE = LinearMemristor.caravelli2017(100.0, 1000.0, 0.1, 1.0)


def drawn(report):
    return {plot.name: plot for plot in draw(report)}


def made(name, report):
    """One picture, not rendered."""
    return importlib.import_module(f"spicebridge.report.plots.{name}").figure(report)


def test_every_picture_is_drawn_and_has_its_size(make_report):
    found = drawn(make_report())
    assert list(found) == ["states", "ladder", "network", "loops"]
    for plot in found.values():
        tree = ElementTree.fromstring(plot.svg)
        assert tree.get("viewBox")
        assert len(plot.svg) < 120_000
        assert "var(--c0)" in plot.svg or "var(--t0)" in plot.svg
        ElementTree.fromstring(plot.file)
        assert plot.caption


def test_lines_say_their_names(make_report):
    states = drawn(make_report())["states"]
    titles = [title.text for title in ElementTree.fromstring(states.svg).iter("{http://www.w3.org/2000/svg}title")]
    assert titles


def test_numbers_beside_an_axis_keep_their_digits():
    figure = new_figure(4.0, 3.0)
    figure.add_subplot().set(yticks=[0.0, 0.00025], ylim=(0.0, 0.0005), xlabel="0.123456 V")
    text = format_svg(Drawn(name="x", title="x", caption="", figure=figure))
    assert ">0.00025<" in text
    assert ">0.123456 V<" in text


def test_pictures_are_the_same_twice(make_report):
    report = make_report()
    assert [plot.svg for plot in draw(report)] == [plot.svg for plot in draw(report)]


def test_without_waveforms_only_the_network_is_drawn(make_report):
    assert list(drawn(make_report("unresolved", waves=False))) == ["network"]


def test_spice_alone_is_drawn_without_a_difference(make_report):
    assert "no theory" in made("states", make_report(theory=None)).caption
    assert "no circuit run" in made("states", make_report(spice=None)).caption


def test_a_norm_that_forgives_shifts_is_explained(make_report):
    assert "shifts in time" in made("states", make_report(provenance={"norm": "events"})).caption
    assert "shifts in time" not in made("states", make_report(provenance={"norm": "pointwise"})).caption


def test_the_time_up_to_which_a_run_agrees_is_drawn(make_report):
    """At its place in both frames; not where it is the whole span, or nothing."""
    report = make_report()
    span = report.verdict.spice.t[-1]
    for until, lines in ((0.25 * span, 2), (span, 0), (0.0, 0), (None, 0)):
        drawn = made("states", replace(report, verdict=replace(report.verdict, agrees_until=until)))
        found = [line for axes in drawn.figure.axes for line in axes.lines if list(line.get_xdata()) == [until, until]]
        assert len(found) == lines
        assert ("Dashed" in drawn.caption) == bool(lines)


def test_pictures_take_the_signal_that_they_show(make_report):
    """A verdict that a current decides has a larger U than its states, whose difference is drawn beside theirs."""
    report = make_report(error=1e-6, U=3e-6)
    state = report.verdict.signals["state"]
    current = replace(state, name="current", error=2e-6, uncertainty=9e-6)
    both = replace(report.verdict, signals={"state": state, "current": current}, deciding="current")
    assert (both.deciding, both.uncertainty) == ("current", 9e-6)
    shown = replace(report, verdict=both)
    below = made("states", shown).figure.axes[1]
    unit = 1e-6
    assert any(np.allclose(line.get_ydata(), 3e-6 / unit) for line in below.lines)
    assert not any(np.allclose(line.get_ydata(), 9e-6 / unit) for line in below.lines)
    assert made("ladder", shown).figure.axes[0].get_ylabel() == "largest difference of the currents"
    assert made("ladder", report).figure.axes[0].get_ylabel() == "largest difference of the states"


@pytest.mark.parametrize("changes", [{"error": 0.0}, {"U": 0.5}, {"error": 0.3}, {"U": 1e-15}, {"tolerance": 1e-12}])
def test_extreme_numbers_can_be_drawn(make_report, changes):
    assert "states" in drawn(make_report(**changes))


def test_a_crowd_is_drawn_as_a_selection_and_says_so(make_report):
    crowd = make_report(n_edges=30)
    assert "of 30 edges" in made("states", crowd).caption
    assert "of 30 edges" in made("loops", crowd).caption
    assert "of 3 edges" not in made("states", make_report(n_edges=3)).caption
    assert "states" in drawn(crowd)


def test_a_loop_matrix_is_a_heat_map(make_report):
    A = np.array([[1.0, -0.5, 0.3], [0.0, 2.0, 1.0]])
    network = Network.from_loop_matrix(A, device=DEVICE, drive=DC(0.1), initial_state=0.4)
    assert made("network_graph", make_report(network=network)).title == "The loop matrix"


def test_memoryless_networks_have_no_states(make_report):
    network = Network.from_edges([(0, 1), (1, 0)], device=Resistor(10.0), drive=DC(1.0))
    assert made("states", make_report(network=network)) is None


def test_active_reversed_and_grey_edges_are_explained(make_report):
    network = Network.from_edges(
        [(0, 1), (1, 2), (2, 0), (2, 2), (0, 1), (3, 4)], device=[DEVICE] * 5 + [Resistor(1.0)], drive=DC(0.1),
        initial_state=0.4, active=[1], polarity=[1, 1, -1, 1, 1, 1],
    )  # fmt: skip
    caption = drawn(make_report(network=network))["network"].caption
    for word in ("hollow", "active", "no memory"):
        assert word in caption
    assert "hollow" not in made("network_graph", make_report()).caption


def test_direct_current_promises_no_loops(make_report):
    network = ring(3).with_drive(DC(1.0))
    assert not _alternates(network, np.linspace(0.0, 1.0, 50))
    assert _alternates(ring(3), np.linspace(0.0, 1.0, 50))
    assert made("loops", make_report(network=network)).title == "Current against voltage"
    assert made("loops", make_report()).title == "Pinched hysteresis loops"


def test_equal_loops_are_drawn_once(make_report):
    network = ring(4)
    t = np.linspace(0.0, 2.0, 50)
    waves = signals(network, t, 0.0, "ngspice")
    for name in ("state", "current", "voltage"):
        getattr(waves, name)[:, 2] = getattr(waves, name)[:, 0]
    waves.voltage[:, 3], waves.current[:, 3] = -waves.voltage[:, 1], -waves.current[:, 1]
    chosen = _chosen(make_report(network=network), waves, 6)
    assert len(chosen) == 2
    assert {k % 2 for k in chosen} == {0, 1}


def test_edges_that_differ_in_one_branch_only_keep_their_own_curves():
    network, t = ring(3), np.linspace(0.0, 2.0, 50)
    spice, theory = (signals(network, t, 0.0, name) for name in ("ngspice", "theory"))
    spice.state[:, 1] = spice.state[:, 0]
    theory.state[:, 1] = theory.state[:, 0]
    assert _bundles([spice, theory], [0, 1, 2]) == [[0, 1], [2]]
    theory.state[:, 1] += 0.05
    assert _bundles([spice, theory], [0, 1, 2]) == [[0], [1], [2]]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=15).map(sorted), st.floats(0.01, 0.2))
def test_labels_keep_order_and_distance_and_move_no_further_than_needed(wanted, gap):
    places = spread(wanted, gap)
    assert all(b - a >= gap * (1 - 1e-9) for a, b in pairwise(places))
    assert sum(places) == pytest.approx(sum(wanted), abs=1e-9)
    if all(b - a >= gap for a, b in pairwise(wanted)):
        assert places == pytest.approx(wanted)


@given(st.floats(1e-14, 1e12))
def test_axis_units_leave_numbers_between_one_and_a_thousand(largest):
    assert 1.0 <= largest / 10.0 ** power_of_ten(largest) * (1 + 1e-12) < 1000.0 * (1 + 1e-9)


def test_powers_of_ten_are_superscript():
    assert [times_ten(k) for k in (-6, 0, 12)] == ["10⁻⁶", "1", "10¹²"]


def test_symbols_follow_the_papers():
    tunneling = LinearMemristor.tunneling(100.0, 1000.0, 1.0, 1.0)
    assert state_symbol(ring(3)) == "w"
    assert state_symbol(ring(3).with_device(tunneling)) == "x"
    assert state_symbol(ring(2).with_device([tunneling, DEVICE])) == "s"


def graph(nx_graph, **options):
    return Network.from_graph(nx_graph, device=DEVICE, initial_state=0.4, **options)


def test_edges_run_from_tail_to_head_and_parallels_part():
    network = Network.from_edges([(0, 1), (1, 0), (0, 1), (1, 1), (1, 1)], device=DEVICE)
    places = node_positions(network)
    paths = edge_paths(network, places)
    for k, path in enumerate(paths):
        assert path[0] == pytest.approx(places[network.tail[k]])
        assert path[-1] == pytest.approx(places[network.head[k]])
    middles = [path[len(path) // 2] for path in paths]
    for j in range(5):
        for k in range(j):
            assert np.hypot(*(middles[j] - middles[k])) > 0.02 * np.ptp(places, axis=0).max()


def test_components_stand_apart():
    network = graph(
        nx.disjoint_union_all([nx.complete_graph(4), nx.path_graph(5), nx.cycle_graph(3), nx.path_graph(2)])
    )
    places = node_positions(network)
    boxes = [
        places[list(part)]
        for part in nx.connected_components(nx.Graph(list(zip(network.tail, network.head, strict=True))))
    ]
    for j, one in enumerate(boxes):
        for other in boxes[:j]:
            apart = (one.min(axis=0) > other.max(axis=0)) | (other.min(axis=0) > one.max(axis=0))
            assert apart.any()


@pytest.mark.parametrize("grid", [nx.grid_2d_graph(5, 5), nx.grid_2d_graph(13, 13)])
def test_a_grid_is_not_tangled(grid):
    """Distances on paper follow distances in the graph, for both kinds of layout."""
    assert (len(grid) > STRESS_NODES) == (len(grid) == 169)
    network = graph(grid)
    places = node_positions(network)
    far = dict(nx.all_pairs_shortest_path_length(grid))
    nodes = list(grid)
    steps = np.array([[far[a][b] for b in nodes] for a in nodes], dtype=float)
    paper = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    upper = np.triu_indices(len(nodes), 1)
    assert np.corrcoef(steps[upper], paper[upper])[0, 1] > 0.9
    assert paper[upper].min() > 0.005 * paper.max()
