"""Chord sources, scaling, E96 values and the limits of the bench."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spicebridge.drives import DC, PWL, Pulse, Sine
from spicebridge.lab.design.equipment import Equipment, LabError
from spicebridge.lab.design.parts import e96, e96_pair
from spicebridge.lab.design.plan import make_plan
from spicebridge.lab.design.scaling import Scaling
from spicebridge.lab.design.sources import choose_gauge
from spicebridge.laws import Resistor
from spicebridge.network import Network
from spicebridge.theory import integrate
from tests.lab.networks import NAMES, case, memristor, plan

DRIVES = (DC(0.3), Sine(0.5, 0.7, 0.1, 0.4), Pulse(0.0, 0.4, 0.2, 0.1, 0.1, 0.3), PWL((0.0, 1.0), (0.2, -0.3)))


@st.composite
def driven_networks(draw: st.DrawFn) -> Network:
    n = draw(st.integers(3, 6))
    pairs = list(combinations(range(n), 2))
    extra = draw(st.lists(st.sampled_from(pairs), max_size=4))
    edges = [(k, k + 1) for k in range(n - 1)] + extra
    edges = [pair if draw(st.booleans()) else pair[::-1] for pair in edges]
    drive = [draw(st.sampled_from((None, *DRIVES))) for _ in edges]
    return Network.from_edges(edges, device=memristor(beta=10.0), drive=drive, initial_state=0.4)


@settings(max_examples=25, deadline=None)
@given(driven_networks())
def test_chord_sources_drive_the_same_currents(network: Network) -> None:
    gauge = choose_gauge(network, 2.0)
    assert len(gauge.driven) <= network.n_edges - network.n_nodes + 1
    assert set(gauge.driven) <= set(gauge.chords)
    assert all(gauge.network.drives[k] is None for k in gauge.tree)
    t = np.linspace(0.0, 2.0, 21)
    given_, moved = integrate(network, t), integrate(gauge.network, t)
    np.testing.assert_allclose(moved.current, given_.current, atol=1e-12)
    np.testing.assert_allclose(moved.state, given_.state, atol=1e-9)


def test_the_tree_has_the_fewest_sources_of_all_trees() -> None:
    # Sources +1, -1 cancel around the first triangle: one chord suffices, a breadth-first tree needs more.
    edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 0)]
    network = Network.from_edges(edges, device=memristor(), drive=[1.0, -1.0, None, 0.5, None], initial_state=0.4)
    gauge = choose_gauge(network, 1.0)
    S = network.bank(0.0)
    counts = []
    for tree in combinations(range(5), 3):
        graph = nx.Graph([edges[k] for k in tree])
        if len(graph) == 4 and nx.is_tree(graph):
            B = np.zeros((4, 5))
            for k, (a, b) in enumerate(edges):
                B[a, k], B[b, k] = -1, 1
            p = np.linalg.solve(B[1:, list(tree)].T, -S[list(tree)])
            counts.append(int((np.abs(S + B[1:].T @ p) > 1e-12).sum()))
    assert len(gauge.driven) == min(counts) == 1
    assert max(counts) > 1
    assert gauge.isolated == ()


def test_pieces_and_loop_matrices_are_refused() -> None:
    apart = Network.from_edges([(0, 1), (1, 0), (2, 3), (3, 2)], device=memristor(), drive=0.1)
    with pytest.raises(LabError, match="2 separate pieces"):
        choose_gauge(apart, 1.0)
    with pytest.raises(LabError, match="no wires"):
        choose_gauge(Network.from_loop_matrix([[1.0, 1.0]], device=memristor(), drive=0.1), 1.0)


@settings(max_examples=15, deadline=None)
@given(driven_networks(), *(st.floats(0.1, 20.0) for _ in range(3)))
def test_scaling_keeps_states_and_can_be_undone(network: Network, z: float, a: float, c: float) -> None:
    scaling = Scaling(z, a, c)
    t = np.linspace(0.0, 2.0, 11)
    expected = scaling.waveforms(integrate(network, t))
    found = integrate(scaling.network(network), t * c)
    np.testing.assert_allclose(found.state, expected.state, atol=1e-8)
    np.testing.assert_allclose(found.current, expected.current, atol=1e-8 * scaling.current, rtol=1e-7)
    np.testing.assert_allclose(found.voltage, expected.voltage, atol=1e-7 * a, rtol=1e-7)
    back = scaling.inverse.network(scaling.network(network))
    np.testing.assert_allclose(back.bank(t), network.bank(t), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(integrate(back, t).state, integrate(network, t).state, atol=1e-9)
    for old, new in zip(network.devices(), back.devices(), strict=True):
        assert new.beta == pytest.approx(old.beta, rel=1e-12)
        assert new.alpha == pytest.approx(old.alpha, rel=1e-12)


def test_e96_values_are_those_of_the_standard() -> None:
    assert [e96(x) for x in (1.0, 1.021, 4.69, 4.99, 9.77, 976.0, 3.3e3, 82.4)] == [
        1.0, 1.02, 4.64 if abs(4.64 / 4.69 - 1) < abs(4.75 / 4.69 - 1) else 4.75, 4.99, 9.76, 976.0, 3320.0, 82.5,
    ]  # fmt: skip
    assert len({e96(10 ** (k / 960)) for k in range(960)}) == 97  # 96 and the next decade's first


@given(st.floats(1.0, 1e7))
def test_pairs_come_closer_than_single_values(value: float) -> None:
    assert abs(e96(value) / value - 1) < 0.0145
    assert abs(sum(e96_pair(value)) / value - 1) <= max(abs(e96(value) / value - 1) * 0.999, 0.1 / value, 1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_every_limit_is_kept_and_one_is_used_up(name: str) -> None:
    limits = plan(name).limits
    assert all(limit.use <= 1.0 + 1e-9 for limit in limits)
    assert max(limit.use for limit in limits if limit.unit in ("V", "A")) == pytest.approx(1.0)


def test_impossible_demands_name_part_and_amount() -> None:
    with pytest.raises(LabError, match=r"generator of edge .*voltage .* allowed 8 V \(\d.* % too much\)"):
        make_plan(case("k4"), Equipment(amplitude=200.0))
    chosen = plan("two_loops")
    with pytest.raises(LabError, match=r"of edge b-c: output .*too much"):
        make_plan(case("two_loops"), Equipment(supply=4.0, amplitude=chosen.scaling.amplitude))
    with pytest.raises(LabError, match=r"AD5293-20 of edge 0-1: resistance .*too much"):
        make_plan(case("k4"), Equipment(impedance=400.0))
    with pytest.raises(LabError, match="updates needed"):
        make_plan(case("k4"), Equipment(time=1e-3))
    # Four times the current of the plan is too much for its op-amps once the potentiometers stand it.
    strong = Equipment(drive_opamp="TL072", potentiometer="AD5293-20", impedance=0.25, amplitude=2.0, headroom=1.0)
    with pytest.raises(
        LabError, match=r"TL072 driving edge 0-1: current 0\.0\d+ A, allowed 0\.01 A \(\d.* % too much\)"
    ):
        make_plan(case("k4"), strong)
    plain = Network.from_edges([(0, 1), (1, 0)], device=[Resistor(330.0), Resistor(1e3)], drive={0: DC(0.1)})
    with pytest.raises(
        LabError, match=r"resistor of edge 0-1: value 3\.3e\+07 ohm, allowed 1e\+07 ohm \(230 % too much\)"
    ):
        make_plan(replace(case("k4"), network=plain), Equipment(impedance=1e5))
    with pytest.raises(
        LabError, match=r"resistor of edge 0-1: purchasable minimum against its value 1 ohm, allowed 0\.33 ohm"
    ):
        make_plan(replace(case("k4"), network=plain), Equipment(impedance=1e-3))
    with pytest.raises(LabError, match=r"generator: sample rate needed .* allowed 10 1/s"):
        make_plan(case("k4"), Equipment(generator_rate=10.0, time=1.0))
    with pytest.raises(LabError, match=r"TL072: rails 20 V rail, allowed 18"):
        make_plan(case("k4"), Equipment(drive_opamp="TL072", supply=20.0))
    with pytest.raises(
        LabError, match=r"AD5293-20: least rails against those given 9 V rail, allowed 5 V rail \(80 % too much\)"
    ):
        make_plan(case("k4"), Equipment(supply=5.0))


def test_bench_refuses_nonsense() -> None:
    with pytest.raises(LabError, match="supply"):
        Equipment(supply=-1.0)
    with pytest.raises(LabError, match="headroom"):
        Equipment(headroom=1.5)


def test_forty_random_graphs_have_a_tree_for_the_channels_or_are_refused_with_the_count() -> None:
    refused = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(4, 7))
        graph = nx.gnm_random_graph(n, int(rng.integers(n, n + 4)), seed=seed)
        if not nx.is_connected(graph):
            graph = nx.compose(nx.path_graph(n), graph)
        level = rng.uniform(-0.2, 0.2, graph.number_of_edges())
        network = Network.from_graph(graph, device=memristor(), drive=[DC(float(x)) for x in level], initial_state=0.5)
        free = choose_gauge(network, 1.0)
        # Every chord needs a source at general levels, whatever the tree: their number is that of the loops.
        loops = network.n_edges - network.n_nodes + 1
        assert len(free.driven) == loops
        held = choose_gauge(network, 1.0, Equipment(channels=loops, isolated=len(free.isolated)))
        assert held.tree == free.tree
        with pytest.raises(LabError, match=f"needs {loops} generator channels, "):
            choose_gauge(network, 1.0, Equipment(channels=loops - 1))
        few = Equipment(channels=loops, isolated=1)
        try:
            assert len(choose_gauge(network, 1.0, few).isolated) <= 1
        except LabError as error:
            refused += 1
            assert f"{len(free.isolated)} of them isolated; the bench has {loops} channels, 1 isolated" in str(error)
            assert len(free.isolated) > 1
    assert 0 < refused < 40
    with pytest.raises(LabError, match=r"channels = 1\.5 must be a whole number"):
        Equipment(channels=1.5)  # type: ignore[arg-type]
