"""Every law as a subcircuit in the simulator against the record in the theory, and mutants of the subcircuits."""

from __future__ import annotations

from dataclasses import fields, replace

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from devices.laws import AFFINE, EXAMPLES, WINDOWS
from devices.switching import switching
from spicebridge.modelcheck.typical_devices import examples

TOLERANCE = 1e-4


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
    "hp": ['rate = "k*i"|rate = "-k*i"', "r_off - (r_off - r_on)*x|r_off - 1.02*(r_off - r_on)*x", "(r_off - r_on)*x|(r_off - r_on)*x^2"],
    "ideal": ['rate = "k*i"|rate = "-k*i"', "(r_on - r_off)/(1|(1.05*r_on - r_off)/(1", "exp(-4*y)|exp(-4.04*y)"],
    "threshold": ["- excess(-v|+ excess(-v", "excess(v - v_t)|excess(v - 1.02*v_t)", "(r_off - r_on)*s|(r_off - r_on)*s^2"],
    "yakopcic": ["eta*v > 0 ? ahead : back|eta*v < 0 ? ahead : back", "/(1 - x_p)|/(1.05 - x_p)", "-alpha_n*to_start|-1.02*alpha_n*to_start"],
    "team_linear": ["(a_on - s)|(s - a_on)", "(s - a_off)|(s - 1.05*a_off)", "^alpha_off|^(alpha_off + 1)"],
    "team_exponential": ["exp(ln(r_off|exp(-ln(r_off", "i/i_off - 1|i/i_off - 1.05", "^alpha_off|^(alpha_off + 1)"],
    "vteam_linear": [" + k_on*max| - k_on*max", "v/v_on - 1|v/v_on - 1.02", "^alpha_on|^(alpha_on + 1)"],
    "vteam_exponential": ['rate = "k_off*|rate = "-k_off*', "v/v_off - 1|v/v_off - 0.98", "exp(ln(|exp(2*ln("],
    "piecewise": ["limexp(-v/v_2|limexp(v/v_2", "v >= v_p ?|v >= 1.1*v_p ?", "limexp(d_1*|limexp(1.01*d_1*"],
    "caravelli2017_current": ['current = "-r_on|current = "r_on', "(r_off - r_on)*w|(r_off - 1.05*r_on)*w", "(r_off - r_on)*w|(r_off - r_on)*w^2"],
    "caravelli2017_voltage": ['voltage = "-v|voltage = "v', "(r_off - r_on)*w|(r_off - 1.05*r_on)*w", "(r_off - r_on)*w|(r_off - r_on)*w^2"],
    "tunneling_current": ['current = "r_off|current = "-r_off', "(r_off - r_on)*x|(r_off - 1.05*r_on)*x", "(r_off - r_on)*x|(r_off - r_on)*x^2"],
    "tunneling_voltage": ['voltage = "v|voltage = "-v', "(r_off - r_on)*x|(r_off - 1.05*r_on)*x", "(r_off - r_on)*x|(r_off - r_on)*x^2"],
    # of the literature
    "stanford": ['rate = "-nu_0|rate = "nu_0', "exp(-g/g_0)|exp(-1.01*g/g_0)", "(g/g_1)^3|(g/g_1)^2"],
    "jart": ['rate = "-hop|rate = "hop', "g_disc*c|1.02*g_disc*c", "(n_min/c)^10|(n_min/c)"],
    "miranda": ["- k_d*exp|+ k_d*exp", "g_max*g)|1.01*g_max*g)", "-eta_d*abs(v)|eta_d*abs(v)"],
    "critical_flux": ["- max(-v|+ max(-v", "v - v_set|v - 1.1*v_set", "1 - abs(lambda)|1 - 1.05*abs(lambda)"],
    "diffusive": ["+ mu*v/gap|- mu*v/gap", "(x - x_0)|(x - 1.01*x_0)", "r_t*cosh|1.05*r_t*cosh"],
    "mott": ["- loss|- 1.05*loss", "1.5 W|1.52 W", "- 1)*u^2|- 1)*u"],
    "pickett": ["f_off*limsinh|-f_off*limsinh", "(w - a_off)|(w - 1.01*a_off)", "exp(-w/w_t)|exp(-1.01*w/w_t)"],
    "strukov": ['rate = "mu|rate = "-mu', "(r_off - r_on)*x|(r_off - 1.05*r_on)*x", "sinh(r_on|sinh(1.02*r_on"],
}  # fmt: skip
"""Law -> "old|new" in its text: a sign, a bound or factor, an exponent or side."""
STOPS = {name: example.stop for name, example in EXAMPLES.items()} | dict.fromkeys(AFFINE, 0.2)
"""The affine laws have no bounds here: before the resistance of one of them reaches zero."""


def subject(name):
    """The law's device behind a resistor, that lets a wrong resistance act on the state, as it does in a network."""
    if name in EXAMPLES | AFFINE:
        example = (EXAMPLES | AFFINE)[name]
        device, drive, state, stop = example.device, example.drive, example.state, STOPS[name]
    else:
        ((device, amplitude, frequency, state),) = examples(sb.laws.LAWS[name]).values()
        drive, stop = sb.Sine(amplitude, frequency), 1.0 / frequency
    ohm = 100.0 if name in EXAMPLES | AFFINE else 0.1 * float(np.median(_ohms(device, drive)))
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)], device=[device, sb.Resistor(ohm)], drive={0: drive}, initial_state=state, polarity=1
    )
    return network, stop


def _ohms(device, drive):
    s = np.linspace(0.1, 0.9, 9)
    return device.resistance(s) if device.ohmic else drive.amplitude / device.current(drive.amplitude * np.ones(9), s)


@pytest.mark.parametrize(("name", "change"), [(n, m) for n, mutants in MUTANTS.items() for m in mutants])
def test_a_mutant_of_the_text_is_caught(name, change):
    """The circuit is written from the changed text, the theory keeps the law."""
    network, stop = subject(name)
    device = network.device(0)
    old, new = change.split("|")
    text = device.definition.text
    assert old in text, "the mutant must change the law"
    mutant = sb.Law.from_text(text.replace(old, new), device.definition.name).device
    values = {f.name: getattr(device, f.name) for f in fields(device) if change not in ("1.5 W|1.52 W",)}
    changed = network.with_device([mutant(**values), network.device(1)])
    verdict = sb.validate(network, [stop], tolerance=TOLERANCE, circuit=changed, max_steps=100_000)
    assert verdict.outcome is sb.Outcome.DISAGREES, verdict


@pytest.mark.parametrize("name", MUTANTS)
def test_the_same_circuit_unchanged_agrees(name):
    """What the mutants are held against."""
    network, stop = subject(name)
    verdict = sb.validate(network, [stop], tolerance=TOLERANCE)
    assert verdict.agrees, verdict
