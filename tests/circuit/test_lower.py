"""Network -> Deck -> ngspice: both forms are the same circuit, and that circuit obeys Kirchhoff."""

from __future__ import annotations

import re

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from strategies import networks

import spicebridge as sb
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.lower.bounds import BIAS, CLAMP_ON
from spicebridge.circuit.lower.deck_nodes import node_names
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.errors import DeckError, NetworkError, RunFailed
from spicebridge.theory.results.closed_forms import equal_loop
from spicebridge.verify.trial import SOLVER_FLOOR

SOLVER_NOISE = 1e-9
"""Newton noise of ngspice in a state of order one at reltol 1e-9."""


def device(**changes: object) -> sb.LinearMemristor:
    settings_ = {"r_on": 100.0, "r_off": 1000.0, "alpha": 0.1, "beta": 1.0} | changes
    return sb.LinearMemristor.caravelli2017(**settings_)  # type: ignore[arg-type]


def drives(rng: np.random.Generator, m: int) -> list[object]:
    kinds = [
        sb.DC(0.05) + sb.Sine(0.1, 0.7, phase=0.4, delay=0.3),
        sb.Pulse(0.0, 0.1, delay=0.2, rise=0.1, fall=0.2, width=0.5, period=1.5),
        sb.Pulse(0.0, 0.1, delay=0.2, rise=0.1, fall=0.2, width=0.0),
        sb.PWL((0.5, 1.0, 1.7), (0.1, -0.1, 0.05)),
        None,
        0.07,
    ]
    return [kinds[int(k)] for k in rng.integers(0, len(kinds), m)]


@pytest.mark.parametrize("window", [None, sb.Hard(), sb.Tanh(50.0), sb.Joglekar(2), sb.Biolek(2)])
@pytest.mark.parametrize("control", ["current", "voltage", "voltage_eq61"])
@pytest.mark.parametrize("law", ["caravelli2017", "tunneling"])
def test_both_forms_are_one_circuit(window: object, control: str, law: str) -> None:
    rng = np.random.default_rng(4)
    make = getattr(sb.LinearMemristor, law)
    edges = [(0, 1), (1, 2), (2, 0), (0, 1), (1, 1), (2, 3)]
    laws = [
        make(100.0, 1000.0, alpha=0.1, beta=1.0, control=control, window=window),
        make(100.0, 700.0, alpha=0.0, beta=0.7, control=control, window=window),
        sb.Resistor(220.0),
    ]
    network = sb.Network.from_edges(
        edges,
        device=[laws[k % 3] for k in range(6)],
        drive=drives(rng, 6),
        initial_state=rng.uniform(0.2, 0.8, 6),
        polarity=[1, -1, 1, -1, 1, 1],
        active=[4],
    )
    fast, readable = (sb.simulate(network, np.linspace(0, 2, 21), step=0.01, form=f) for f in ("fast", "readable"))
    assert np.abs(fast.state - readable.state).max() < SOLVER_NOISE
    assert np.abs(fast.current - readable.current).max() < SOLVER_NOISE
    assert np.abs(fast.voltage - readable.voltage).max() < SOLVER_NOISE * 100


def test_signs_source_pushes_from_tail_to_head() -> None:
    network = sb.Network.from_edges([("a", "b"), ("b", "a")], device=sb.Resistor(50.0), drive={0: 1.0})
    for form in ("fast", "readable"):
        waves = sb.simulate(network, [0.0, 1.0], step=0.1, form=form)
        assert waves.current[0] == pytest.approx([0.01, 0.01], rel=1e-9)
        assert waves.voltage[0] == pytest.approx([0.5, 0.5], rel=1e-9)


def test_a_repeated_pulse_without_a_top_keeps_its_average() -> None:
    pulse = sb.Pulse(0.0, 1.0, delay=0.15, rise=0.1, fall=0.2, width=0.0, period=0.5)
    network = sb.Network.from_edges([("a", "a")], device=sb.Resistor(1.0), drive=pulse)
    waves = sb.simulate(network, [0.0, 2.0], step=0.005).run
    found = waves.vector("v(y0)")
    assert np.abs(found - pulse.value(waves.time)).max() < 1e-9


def test_polarity_and_activity_turn_the_drift() -> None:
    law = device(alpha=0.0)
    ring = [(0, 1), (1, 0)]
    up = sb.Network.from_edges(ring, device=law, drive={0: -0.2}, initial_state=0.4)
    down = up.with_polarity(-1)
    rise = sb.simulate(up, [0.0, 1.0], step=0.01).state[-1] - 0.4
    fall = sb.simulate(down, [0.0, 1.0], step=0.01).state[-1] - 0.4
    assert (rise > 0.005).all()
    assert (fall < -0.005).all()
    both = up.with_active([0, 1]).with_drive({0: 0.2})
    assert sb.simulate(both, [0.0, 1.0], step=0.01).state[-1] - 0.4 == pytest.approx(rise, abs=1e-9)


@pytest.mark.parametrize("form", ["fast", "readable"])
def test_equal_loop_converges_to_its_closed_form_at_second_order(form: str) -> None:
    sine = sb.Sine(0.6, 0.5)
    network = sb.Network.from_edges(
        [(0, 1), (1, 2), (2, 0)], device=device(alpha=0.0), drive={0: sine}, initial_state=0.5
    )
    errors = []
    for step in (0.04, 0.02, 0.01):
        lowered = lower(network, 3.0, step, form=form)
        record = sb.simulate(network, [0.0, 3.0], step=step, form=form).run
        waves = lowered.signals.waveforms(record.time, record.data, "ngspice")
        exact = equal_loop(sine.integral(waves.t), 0.5, kappa=9.0, g=-1.0, n=3)
        errors.append(float(np.abs(waves.state - exact[:, None]).max()))
    order = np.polyfit(np.log([0.04, 0.02, 0.01]), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < 2e-5


def test_hard_bounds_hold_to_the_clamps_own_overshoot() -> None:
    law = device(window=sb.Hard())
    network = sb.Network.from_edges([(0, 0)], device=law, drive=sb.Sine(8.0, 0.5), initial_state=0.5)
    state = sb.simulate(network, np.linspace(0, 4, 401), step=0.005).run.data[:, 0]
    # A clamp is made BIAS decades below the estimated rate, which is rounded to a power of ten.
    overshoot = CLAMP_ON * 10.0 ** (BIAS + 0.5)
    assert overshoot < SOLVER_FLOOR, "below what a verdict resolves"
    assert state.max() - 1.0 < overshoot
    assert -state.min() < overshoot
    assert state.max() > 0.999999
    assert state.min() < 1e-6


def test_output_of_a_held_state_does_not_ring() -> None:
    law = device(window=sb.Hard())
    network = sb.Network.from_edges([(0, 0)], device=law, drive=sb.Sine(8.0, 0.5), initial_state=0.5)
    waves = sb.simulate(network, np.linspace(0, 4, 4001), step=0.02)
    assert waves.state.max() - 1.0 < 1e-9
    assert waves.resample(waves.t) is waves


def test_initial_states_are_the_first_row() -> None:
    rng = np.random.default_rng(1)
    s0 = rng.uniform(0, 1, 6)
    network = sb.Network.from_graph(nx.complete_graph(4), device=device(window=sb.Hard()), drive=0.1, initial_state=s0)
    waves = sb.simulate(network, [0.0, 1.0], step=0.05)
    assert np.abs(waves.state[0] - s0).max() < 1e-11


def test_every_component_has_one_ground() -> None:
    graph = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(4))
    network = sb.Network.from_graph(graph, device=device(), drive=0.1, initial_state=0.4)
    names = node_names(network)
    assert names.count("0") == 2
    assert names[0] == names[3] == "0"
    assert sb.simulate(network, [0.0, 1.0], step=0.05).run.complete


@settings(max_examples=40)
@given(networks())
def test_text_is_deterministic_and_names_are_unique(network: sb.Network) -> None:
    for form in ("fast", "readable"):
        text = sb.netlist(network, [0.0, 1.0], form=form, step=0.01)
        assert text == sb.netlist(network, [0.0, 1.0], form=form, step=0.01)
        outside = re.sub(r"(?ms)^\.subckt.*?^\.ends", "", text)
        names = [line.split()[0].lower() for line in outside.splitlines() if re.match(r"[A-Za-z]", line)]
        assert len(set(names)) == len(names)


def test_every_edge_has_one_commented_line() -> None:
    network = sb.Network.from_graph(
        nx.karate_club_graph(), device=device(), drive=0.1, ignore=["weight"], initial_state=0.4
    )
    for form in ("fast", "readable"):
        text = sb.netlist(network, [0.0, 1.0], form=form)
        assert len(re.findall(r"; edge \d+-\d+: \S+ -> \S+, state w\d+", text)) == 78


def test_a_title_cannot_smuggle_lines_into_the_deck() -> None:
    network = sb.Network.from_edges(
        [("x\n.control\nshell", "b"), ("b", "x\n.control\nshell")], device=device(), title="a\n.exec rm"
    )
    text = sb.netlist(network, [0.0, 1.0])
    assert not [line for line in text.splitlines() if line.lower().startswith((".control", ".exec", "shell"))]


def test_misuse_names_the_remedy() -> None:
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device())
    with pytest.raises(DeckError, match="did you mean 'readable'"):
        sb.netlist(network, [0.0, 1.0], form="readible")
    with pytest.raises(DeckError, match="ngspice"):
        sb.netlist(network, [0.0, 1.0], dialect="ngspcie")
    with pytest.raises(NetworkError, match="step"):
        sb.simulate(network, [0.0, 1.0], step=2.0)
    with pytest.raises(sb.SpiceBridgeError, match="ngspice"):
        sb.simulate(network, [0.0, 1.0], engine="ngspcie")


def test_a_run_without_end_raises_with_its_evidence() -> None:
    network = sb.Network.from_edges([(0, 0)], device=device(), drive=-3.0, initial_state=0.5)
    hopeless = network.with_drive(5.0)
    with pytest.raises(RunFailed) as caught:
        sb.simulate(hopeless, [0.0, 5.0], step=0.05)
    assert ".tran" in caught.value.deck


def test_step_none_meets_the_tolerance() -> None:
    network = sb.Network.from_graph(nx.complete_graph(4), device=device(), drive=0.3, initial_state=0.4)
    t = np.linspace(0, 5, 11)
    exact = sb.integrate(network, t)
    for tolerance in (1e-4, 1e-6, 1e-8):
        assert np.abs(sb.simulate(network, t, tolerance=tolerance).state - exact.state).max() < tolerance


def test_dialect_names_reach_the_registry() -> None:
    assert get_dialect("ngspice").name == "ngspice"
