"""Decks of many edges: written from templates in the bytes of the ordinary way, saved and read back as asked."""

from __future__ import annotations

import itertools
import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spicebridge as sb
from bench.networks import grid
from spicebridge.circuit.dialects import get_dialect, repeated
from spicebridge.circuit.dialects.dialect import wrapped
from spicebridge.circuit.engines.deckguard import saved_names, silent_trap
from spicebridge.circuit.lower.deck_nodes import node_names
from spicebridge.circuit.lower.forms import FastAffine
from spicebridge.circuit.lower.lowered_network import lower

NGSPICE = get_dialect("ngspice")
WINDOWS = (None, sb.Hard(), sb.Joglekar(2), sb.Biolek(1), sb.Tanh(50.0))


def any_network(seed: int) -> sb.Network:
    """Laws, controls, windows, signs, sources and ground nodes of every kind; some numbers zero or negative."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 12)), int(rng.integers(4, 50))
    pairs = rng.integers(0, n, (m, 2))
    law = (sb.LinearMemristor.caravelli2017, sb.LinearMemristor.tunneling)[int(rng.integers(2))]
    control = ("current", "voltage", "voltage_eq61")[int(rng.integers(3))]
    window = WINDOWS[int(rng.integers(len(WINDOWS)))]
    alpha = rng.choice([0.0, 0.1, -0.2, 1.0, 0.25], m)
    devices: list[object] = [
        law(1.0, float(rng.choice([2.0, 10.0, 7.3])), float(a), 1.0, control=control, window=window) for a in alpha
    ]
    for k in rng.integers(0, m, m // 4):
        devices[k] = sb.Resistor(float(rng.choice([1.0, 2.5])))
    for k in rng.integers(0, m, m // 4):
        devices[k] = [
            sb.VTEAM(50, 1000, -1, float(rng.choice([1.0, 2.0])), 3, 3, -0.2, 0.2, window=window),
            sb.TEAM(50, 1000, -1, 1, 3, 3, -1e-5, 1e-5),
            sb.ThresholdMemristor(1e3, 1e4, 0.3, 2e4, float(rng.choice([0.0, 1e3])), float(rng.choice([0.0, 0.01]))),
        ][int(rng.integers(3))]
    choices = [
        None,
        sb.DC(0.5),
        sb.DC(-1.0),
        sb.Sine(1.0, 2.0, phase=0.3),
        sb.Sine(-0.3, 0.5) + sb.DC(0.25),
        sb.PWL((0.0, 1.0), (0.0, 2.0)),
        sb.Pulse(0.0, 1.0, 0.1, 0.1, 0.1, 0.5, 1.0),
    ]
    return sb.Network.from_edges(
        [tuple(p) for p in pairs.tolist()],
        device=devices,
        drive=[choices[int(c)] for c in rng.integers(0, len(choices), m)],
        initial_state=rng.choice([0.0, 0.5, 0.25, 1.0 / 3.0], m),
        polarity=rng.choice([-1, 1], m),
        active=np.flatnonzero(rng.random(m) < 0.2).tolist(),
    )


@given(st.integers(0, 10**6), st.sampled_from(["fast", "readable"]))
def test_templates_write_the_bytes_of_the_elements(seed, form):
    lowered = lower(any_network(seed), 1.0, 0.01, form=form)
    assert lowered.format(NGSPICE) == NGSPICE.format_deck(lowered.deck)
    finer = lowered.with_step(0.001)
    assert finer.format(NGSPICE) == NGSPICE.format_deck(finer.deck)


def test_templates_are_used(monkeypatch):
    """…for all but a few edges of a large network, so that the test above does not compare the way with itself."""
    plain = []
    original = repeated._plain
    monkeypatch.setattr(repeated, "_plain", lambda *a: plain.append(a[-1]) or original(*a))
    lower(grid(12, window=sb.Hard()), 1.0, 0.01).format(NGSPICE)
    assert 0 < len(plain) <= 4


def test_a_shape_that_depends_on_its_numbers_falls_back(monkeypatch):
    """A writer that breaks its promise (drops a term where kappa is 9) is found by the first edge."""
    original = FastAffine.shaped

    def shaped(self, shape, numbers, k, tail, head, title):
        elements = original(self, shape, numbers, k, tail, head, title)
        return elements[:-1] if numbers[0] == 4.0 else elements

    monkeypatch.setattr(FastAffine, "shaped", shaped)
    network = sb.Network.from_edges(
        [(k, k + 1) for k in range(8)] + [(8, 0)],
        device=sb.LinearMemristor.caravelli2017(1.0, [5.0, *np.linspace(2, 4, 8)], 0.1, 1.0),
        drive=1.0,
    )
    lowered = lower(network, 1.0, 0.01)
    assert lowered.format(NGSPICE) == NGSPICE.format_deck(lowered.deck)


@given(st.integers(0, 10**6))
def test_a_generated_deck_holds_no_silent_trap_and_saves_its_vectors(seed):
    lowered = lower(any_network(seed), 1.0, 0.01)
    text = lowered.format(NGSPICE)
    assert silent_trap(text) is None
    assert saved_names(text) == lowered.signals.vectors()


def test_a_long_title_is_found_in_generated_decks_too():
    text = lower(grid(3), 1.0, 0.01, title="x" * 500).format(NGSPICE)
    assert silent_trap(text, generated=True) is not None


def test_names_of_nodes_cannot_become_cards():
    nasty = ["a\n.control", "b;\n.shell rm", "c*ng_script"]
    network = sb.Network.from_edges(
        [(nasty[k % 3], nasty[(k + 1) % 3]) for k in range(9)],
        device=sb.LinearMemristor.caravelli2017(1.0, 2.0, 0.1, 1.0),
        drive=1.0,
    )
    text = lower(network, 1.0, 0.01).format(NGSPICE)
    lines = text.splitlines()
    assert not any(line.lstrip().lower().startswith((".control", ".shell")) for line in lines)
    assert text == NGSPICE.format_deck(lower(network, 1.0, 0.01).deck)


@given(st.lists(st.text("x", min_size=1, max_size=130), max_size=30), st.integers(1, 120))
def test_wrapping_is_greedy(items, length):
    """As many items a line as fit into 100 columns, at least one, and none lost."""
    head = "h" * length
    lines = wrapped(head, items)
    assert " ".join(lines).split() == " ".join([head, *items]).replace(" ", " ").split() or "+" in " ".join(lines)
    assert [w for line in lines for w in line.split(" ")[1:]] == items
    assert all(len(line) <= 100 or len(line.split(" ")) <= 2 for line in lines)
    for line, after in itertools.pairwise(lines):
        assert len(line) + 1 + len(after.split(" ")[1]) > 100


@given(st.integers(0, 10**6))
def test_ground_is_the_first_node_of_every_component(seed):
    network = any_network(seed)
    names = node_names(network)
    graph = nx.Graph()
    graph.add_nodes_from(range(network.n_nodes))
    graph.add_edges_from(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    grounds = {min(component) for component in nx.connected_components(graph)}
    assert {k for k, name in enumerate(names) if name == "0"} == grounds
    assert all(name == f"n{k}" for k, name in enumerate(names) if k not in grounds)


def test_a_long_chain_has_one_ground_after_few_sweeps():
    order = np.random.default_rng(1).permutation(20_000)
    network = sb.Network.from_edges(
        list(zip(order[:-1].tolist(), order[1:].tolist(), strict=True)),
        device=sb.Resistor(1.0),
        nodes=range(20_000),
    )
    assert node_names(network).count("0") == 1


def test_the_command_line_answers_before_anything_heavy_is_imported():
    code = (
        "import sys; from spicebridge.cli import main; main(['--help']); "
        "print([m for m in ('numpy', 'scipy', 'networkx', 'lark', 'matplotlib', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("wanted", [("state",), ("state", "current"), ("voltage",)])
def test_only_signals_asked_for_are_saved(wanted):
    network = grid(4)
    full = sb.simulate(network, [0.0, 0.5, 1.0], step=0.01)
    part = sb.simulate(network, [0.0, 0.5, 1.0], step=0.01, signals=wanted)
    assert part.run.data.shape[1] < full.run.data.shape[1]
    for name in ("state", "current", "voltage"):
        values = getattr(part, name)
        if name in ("state", *wanted):
            np.testing.assert_array_equal(values, getattr(full, name))
        else:
            assert np.isnan(values).all()
