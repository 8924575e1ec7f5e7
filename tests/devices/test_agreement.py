"""Every law as a subcircuit in the simulator against the record in the theory, and mutants of the subcircuits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from devices.laws import AFFINE, EXAMPLES, WINDOWS
from spicebridge.circuit.reader import read_subcircuits
from spicebridge.verify.events import switching

TOLERANCE = 1e-4
MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("polarity", [1, -1])
@pytest.mark.parametrize("name", EXAMPLES)
def test_one_device(name, polarity):
    example = EXAMPLES[name]
    verdict = sb.validate(example.network(polarity=polarity), [example.stop], tolerance=TOLERANCE)
    assert verdict.agrees, verdict
    moved = verdict.spice.state.max() - verdict.spice.state.min()
    assert moved > 0.05, "the example must make its device work"
    assert verdict.invariants.device < 1e-6
    seen = switching(verdict.spice, verdict.theory)
    assert seen.unmatched == 0
    assert seen.extrema < 10 * TOLERANCE


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_one_device_in_every_window(window):
    """One subcircuit serves all windows: they act between its pins drift and state."""
    network = EXAMPLES["hp"].with_device(window=window).network()
    verdict = sb.validate(network, [1.0], tolerance=TOLERANCE)
    assert verdict.agrees, verdict
    other = EXAMPLES["hp"].with_device(window=sb.Zha(2.0) if window == sb.Joglekar(1) else sb.Joglekar(1)).network()
    assert sb.validate(network, [1.0], tolerance=TOLERANCE, circuit=other).outcome is sb.Outcome.DISAGREES


@pytest.mark.parametrize("form", ["fast", "readable"])
@pytest.mark.parametrize("name", ["hp", "ideal", "caravelli2017", "tunneling"])
def test_a_fast_device_starts_where_it_is_told(name, form):
    """Rates of 1e8/s at t = 0: a state that .ic holds by a large conductance would start 1e-2 off."""
    device = {
        "hp": sb.HPMemristor(100.0, 1.6e4, 1e13),
        "ideal": sb.IdealMemristor(100.0, 1.6e4, 1e13),
        "caravelli2017": sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.0, 1e-9),
        "tunneling": sb.LinearMemristor.tunneling(100.0, 1600.0, 0.0, 1e-9),
    }[name]
    sign = -1.0 if name == "caravelli2017" else 1.0
    network = sb.Network.from_edges([(0, 0)], device=device, drive=sign * 0.5, initial_state=0.2)
    verdict = sb.validate(network, [1e-10], tolerance=TOLERANCE, form=form)
    assert verdict.agrees, verdict
    assert verdict.spice.state[0, 0] == pytest.approx(0.2, abs=1e-12)


def test_an_active_device_of_the_library():
    """P = -1 on an ohmic law: a negative resistance whose state still follows the true current and drop."""
    device = replace(EXAMPLES["hp"].device, k=np.array(500.0))
    network = sb.Network.from_edges(
        [(0, 1), (1, 0), (0, 1)],
        device=[device, sb.Resistor(2e3), EXAMPLES["vteam_linear"].device],
        drive={0: sb.Sine(1.0, 1.0), 2: sb.Sine(0.7, 2.0)},
        initial_state=0.3,
        active=[0],
        polarity=[1, 1, -1],
    )
    verdict = sb.validate(network, [1.0], tolerance=TOLERANCE)
    assert verdict.agrees, verdict


def mixed_grid(rows: int) -> sb.Network:
    """Every law somewhere on a grid, driven at four places, with mixed polarity."""
    graph = nx.grid_2d_graph(rows, rows)
    n = graph.number_of_edges()
    weak = dict(i_on=-2e-4, i_off=2e-4, k_on=-200.0, k_off=200.0)
    fitting = {
        "threshold": sb.ThresholdMemristor(100.0, 1e3, 0.2, 5e5),
        "threshold_smooth": sb.ThresholdMemristor(100.0, 1e3, 0.2, 5e5, b=0.02),
        "hp": sb.HPMemristor(100.0, 1e3, 1e5, sb.Zha(2.0)),
        "team_linear": replace(EXAMPLES["team_linear"].device, **weak),
        "team_exponential": replace(EXAMPLES["team_exponential"].device, **weak),
        "vteam_linear": replace(EXAMPLES["vteam_linear"].device, v_on=-0.15, v_off=0.1),
        "vteam_exponential": replace(EXAMPLES["vteam_exponential"].device, v_on=-0.15, v_off=0.1),
    }
    laws = [fitting.get(name, example.device) for name, example in EXAMPLES.items()] + [sb.Resistor(300.0)]
    rng = np.random.default_rng(5)
    return sb.Network.from_graph(
        graph,
        device=[laws[k % len(laws)] for k in range(n)],
        drive={k: sb.Sine(1.5, 200.0, phase=0.3 * k) for k in range(0, n, max(1, n // 6))},
        initial_state=rng.uniform(0.3, 0.7, n),
        polarity=rng.choice([1, -1], n),
    )


def test_a_grid_of_all_laws():
    network = mixed_grid(3)
    verdict = sb.validate(network, [5e-3], tolerance=TOLERANCE)
    assert verdict.agrees, verdict
    assert verdict.provenance["theory_method"] == "newton"
    assert verdict.invariants.kcl < 1e-9
    travelled = np.ptp(verdict.spice.state, axis=0)[network.stateful]
    assert (travelled > 1e-3).sum() >= 6, "most devices must move"


MUTANTS = {
    "hp": [
        ("sign", "{polarity*k}", "{-polarity*k}"),
        ("bound", "({r_off})-(({r_off})-({r_on}))", "({r_off})-({r_off})"),
        ("exponent", "{polarity*k}", "{polarity*k*k/2100}"),
    ],
    "ideal": [
        ("sign", "{polarity*k}", "{-polarity*k}"),
        ("bound", "(({r_on})-({r_off}))", "(2*({r_on})-({r_off}))"),
        ("exponent", "tanh(2*V(y))", "tanh(2.02*V(y))"),
    ],
    "threshold": [
        ("sign", "-max(-V(turn)-({v_t}),0)", "+max(-V(turn)-({v_t}),0)"),
        ("bound", "max(V(turn)-({v_t}),0)", "max(V(turn)-1.02*({v_t}),0)"),
        ("exponent", "({alpha})*V(turn)", "({alpha})*V(turn)*abs(V(turn))"),
    ],
    "threshold_smooth": [
        ("sign", "0.5*(V(turn)-({v_t}))*(1+tanh", "0.5*(V(turn)-({v_t}))*(1-tanh"),
        ("bound", "tanh(0.5*(V(turn)-({v_t}))/({b}))", "tanh(0.25*(V(turn)-({v_t}))/({b}))"),
        ("exponent", "V(up,down)", "V(up,down)*V(up,down)"),
    ],
    "yakopcic": [
        ("sign", "({eta})*V(turn)>0 ? V(ahead) : V(back)", "({eta})*V(turn)<0 ? V(ahead) : V(back)"),
        ("bound", "max(V(x)-({x_p}),0)/(1-({x_p}))", "max(V(x)-({x_p}),0)/(1.05-({x_p}))"),
        ("exponent", "exp(-({alpha_n})", "exp(-1.02*({alpha_n})"),
        ("side", "V(turn)>=0 ? ({a_1}) : ({a_2})", "V(turn)>=0 ? ({a_2}) : ({a_1})"),
    ],
    "team_linear": [
        ("sign", "(({a_on})-V(s))", "(V(s)-({a_on}))"),
        ("bound", "(V(s)-({a_off}))", "(V(s)-1.05*({a_off}))"),
        ("exponent", "({alpha_off}))*V(foff)", "1+({alpha_off}))*V(foff)"),
    ],
    "team_exponential": [
        ("sign", "exp(log(({r_off})/({r_on}))*V(s))", "exp(-log(({r_off})/({r_on}))*V(s))"),
        ("bound", "I(Vsense)/({i_off})-1", "I(Vsense)/({i_off})-1.05"),
        ("exponent", "({alpha_off}))*V(foff)", "1+({alpha_off}))*V(foff)"),
    ],
    "vteam_linear": [
        ("sign", "+({k_on})*pow", "-({k_on})*pow"),
        ("bound", "V(p,n)/({v_on})-1", "V(p,n)/({v_on})-1.02"),
        ("exponent", "({alpha_on}))", "1+({alpha_on}))"),
    ],
    "vteam_exponential": [
        ("sign", "I=({k_off})*", "I=-({k_off})*"),
        ("bound", "V(p,n)/({v_off})-1", "V(p,n)/({v_off})-0.98"),
        ("exponent", "exp(log(({r_off})/({r_on}))*V(s))", "exp(2*log(({r_off})/({r_on}))*V(s))"),
    ],
    "piecewise": [
        ("sign", "exp(min(-V(turn)/({v_2})", "exp(min(V(turn)/({v_2})"),
        ("bound", "V(turn)>=({v_p})", "V(turn)>=1.1*({v_p})"),
        ("exponent", "exp(min(({d_1})*", "exp(min(1.01*({d_1})*"),
        ("side", "V(turn)>=0 ? V(up) : V(down)", "V(turn)>=0 ? V(down) : V(up)"),
    ],
}
STOPS = {name: example.stop for name, example in EXAMPLES.items()} | dict.fromkeys(AFFINE, 0.2)
"""The affine laws have no bounds here: before the resistance of one of them reaches zero."""
for affine in AFFINE:
    state = "w" if affine.startswith("caravelli") else "x"
    MUTANTS[affine] = [
        ("sign", "polarity", "-polarity"),
        ("bound", "(({r_off})-({r_on}))", "(({r_off})-1.05*({r_on}))"),
        ("exponent", f"*V({state}))'", f"*V({state})*V({state}))'"),
    ]


@pytest.mark.parametrize(("name", "kind", "old", "new"), [(n, *m) for n, mutants in MUTANTS.items() for m in mutants])
def test_a_mutant_of_the_subcircuit_is_caught(name, kind, old, new):
    """A sign, a bound, an exponent: the deck gets the changed model, the theory keeps the law."""
    example = (EXAMPLES | AFFINE)[name]
    file = MODELS / f"{name.split('_')[0]}.sub"
    text = file.read_text(encoding="utf-8")
    start = text.index(f".subckt {name} ")
    end = text.index(".ends", start)
    assert old in text[text.index("\n", start) : end], "the mutant must change the model"
    body = text.index("\n", start)
    mutated = text[:body] + text[body:end].replace(old, new) + text[end:]
    model = next(sub for sub in read_subcircuits(mutated, name=file.name) if sub.name == name)
    # A resistor in series lets a wrong resistance act on the state, as it does in a network.
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)],
        device=[example.device, sb.Resistor(100.0)],
        drive={0: example.drive},
        initial_state=example.state,
        polarity=1,
    )
    verdict = sb.validate(
        network,
        [STOPS[name]],
        tolerance=TOLERANCE,
        transform=lambda deck: replace(deck, subcircuits=(model,)),
        max_steps=100_000,
        form="readable",
    )
    assert verdict.outcome is sb.Outcome.DISAGREES, verdict


@pytest.mark.parametrize("name", MUTANTS)
def test_the_same_circuit_unchanged_agrees(name):
    """What the mutants are held against."""
    example = (EXAMPLES | AFFINE)[name]
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)],
        device=[example.device, sb.Resistor(100.0)],
        drive={0: example.drive},
        initial_state=example.state,
    )
    verdict = sb.validate(network, [STOPS[name]], tolerance=TOLERANCE)
    assert verdict.agrees, verdict
