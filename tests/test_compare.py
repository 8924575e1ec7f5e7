"""The sentence in each case file is true: measured on the theory branch."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spicebridge.case.case import SUFFIX, find_cases, load_case
from spicebridge.circuit.circuit_run import run_lowered
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.laws import CurrentSource
from spicebridge.theory import integrate, solve

FOLDER = Path(__file__).parent.parent / "compare"
NAMES = [path.name.removesuffix(SUFFIX) for path in find_cases(FOLDER)]
WALLS = {"hard_bounds", "paper2_s025", "paper2_ensemble", "relaxation_oscillator", "neuron"}
LEAK = {"window_tanh", "muthuswamy_chua"}
FROZEN = {"rc_frozen", "rl_frozen"}


@cache
def solved(name):
    case = load_case(FOLDER / f"{name}{SUFFIX}")
    return case, integrate(case.network, case.t)


def incidence(network):
    edges = np.arange(network.n_edges)
    B = np.zeros((network.n_nodes, network.n_edges))
    np.add.at(B, (network.tail, edges), -1.0)
    np.add.at(B, (network.head, edges), 1.0)
    return B


@pytest.mark.parametrize("name", NAMES)
def test_states_stay_in_range_and_resistances_positive(name):
    case, waves = solved(name)
    memristive = case.network.stateful & (np.array(waves.units) == "1")
    state = waves.state[:, memristive]
    for group in case.network.groups:
        if group.device.ohmic and name != "muthuswamy_chua":
            assert (group.device.resistance(waves.state[:, group.edges]) > 0.0).all()
    assert name in FROZEN or np.ptp(state, axis=0).max() > 0.01, "nothing happens"
    assert ((state >= 0.0) & (state <= 1.0)).all() == (name not in LEAK)
    assert ((state == 0.0) | (state == 1.0)).any() == (name in WALLS)


def test_triangle_conserves_differences():
    _, waves = solved("triangle")
    # growth alpha = 0.1 instead of 0 would move them by 0.1
    np.testing.assert_allclose(np.diff(waves.state), 0.1, atol=1e-12)


def test_series_loop_follows_the_implicit_closed_form():
    case, waves = solved("series_loop")
    sigma, xi, alpha = 0.8 / 8, 15.0, 0.1
    D = np.sqrt(alpha**2 + 4 * alpha * xi * sigma)
    w = waves.state[:, 3]
    q = alpha * xi * w**2 + alpha * w - sigma
    ratio = (2 * alpha * xi * w + alpha - D) / (2 * alpha * xi * w + alpha + D)
    clock = np.log(np.abs(q)) / (2 * alpha) + np.log(np.abs(ratio)) / (2 * D)
    np.testing.assert_allclose(clock - clock[0], case.t, atol=1e-7)


def test_bridges_grow_exponentially_and_nothing_else_does():
    case, waves = solved("bridges")
    pure = waves.state[0] * np.exp(0.1 * case.t)[:, None]
    alone = np.abs(waves.state - pure).max(axis=0) < 1e-9
    assert np.flatnonzero(alone).tolist() == [3, 11]


def test_voltage_control_conserves_logarithms():
    case, waves = solved("voltage_control")
    nodal = np.log1p(9.0 * waves.state) @ incidence(case.network).T
    np.testing.assert_allclose(nodal - nodal[0], 0.0, atol=1e-8)


def test_pinched_loops_close_after_every_period():
    _, waves = solved("ac_pinched")
    np.testing.assert_allclose(waves.state[200:], waves.state[:201], atol=1e-9)
    # equal voltage on the way up and down, different current: a loop with area
    half = waves.current[:101], waves.current[100::-1]
    assert np.abs(half[0] - half[1]).max() > 0.1 * np.abs(half[0]).max()


def test_active_mixture_decays_at_the_stated_rates():
    case, waves = solved("active_decay")
    fixed = np.array([0.2, 0.3, 0.5])
    distance = np.abs(waves.state - fixed).max(axis=1)
    slow = np.log(distance[-1] / distance[-51]) / (case.t[-1] - case.t[-51])
    assert slow == pytest.approx(-0.5, abs=0.02)


def test_prism_rings():
    case, waves = solved("prism_ringing")
    deviation = waves.state[:, 7] - 0.88
    inner = deviation[1:-1]
    peaks = 1 + np.flatnonzero((inner > deviation[:-2]) & (inner >= deviation[2:]))
    assert np.diff(case.t[peaks]) == pytest.approx(7.383, abs=0.06)
    assert deviation[peaks[1:]] / deviation[peaks[:-1]] == pytest.approx(0.510, abs=0.02)


def test_paper_2_below_and_above_the_threshold():
    chi = 0.9
    for name, s in (("paper2_s015", 0.15), ("paper2_s025", 0.25)):
        case, waves = solved(name)
        np.testing.assert_array_equal(incidence(case.network).sum(axis=1), 0.0)
        lower, barrier = (1 - np.sqrt(1 - 4 * s * chi)) / (2 * chi), (1 + np.sqrt(1 - 4 * s * chi)) / (2 * chi)
        assert lower < waves.state[0].mean() < barrier
        np.testing.assert_allclose(waves.state[-1], lower if s == 0.15 else 1.0, atol=3e-5)


def test_tanh_window_overshoots_by_a_logarithm():
    case, waves = solved("window_tanh")
    over = max(waves.state.max() - 1.0, -waves.state.min())
    # the pushing rates are of order 1/s: between 0.2 and 5
    assert np.log1p(200 * 0.2 * case.stop) / 200 < over < np.log1p(200 * 5 * case.stop) / 200


def test_joglekar_crowds_at_the_wall_and_biolek_comes_back():
    _, joglekar = solved("window_joglekar")
    _, biolek = solved("window_biolek")
    assert 0.95 < joglekar.state.max() < 1.0
    assert biolek.state.min() < 0.01
    low = int(np.argmin(biolek.state.min(axis=0)))
    after = biolek.state[int(np.argmin(biolek.state[:, low])) :, low]
    assert after.max() > 0.5


def test_printed_and_true_drop_differ_on_the_active_edge():
    case, waves = solved("voltage_eq61")
    law = case.network.device(0)
    true = integrate(case.network.with_device(type(law).caravelli2017(100, 1000, 0.1, 1, "voltage")), case.t)
    assert np.abs(true.state - waves.state).max() > 0.01


def test_frozen_memristors_leave_the_closed_forms_of_rc_and_rl():
    """tau x' + x = a sin(w t): the response to a sine and what the start adds, x in V or A."""
    for name, tau_of, gain_of in (
        ("rc_frozen", lambda R: R * 10e-6, lambda R: 1.0),
        ("rl_frozen", lambda R: 2.0 / R, lambda R: 1.0 / R),
    ):
        _, waves = solved(name)
        R = 100.0 + 1500.0 * 0.3
        tau, gain, w, t = tau_of(R), gain_of(R), 2 * np.pi * 50, waves.t
        forced = gain * (np.sin(w * t) - w * tau * np.cos(w * t)) / (1 + (w * tau) ** 2)
        x = forced + (waves.state[0, 1] - forced[0]) * np.exp(-t / tau)
        assert waves.units[1] == ("V" if name == "rc_frozen" else "A")
        np.testing.assert_allclose(waves.state[:, 1], x, atol=2e-4 * np.abs(x).max())


def test_the_state_of_a_memristor_in_series_is_the_charge_of_the_capacitor():
    _, waves = solved("resonance_series")
    w, v = waves.state[:, 0], waves.state[:, 2]
    np.testing.assert_allclose(w - w[0], -(2.0 / 0.002) * 25.3e-6 * (v - v[0]), atol=1e-9)
    assert np.abs(v[waves.t > 0.03]).max() > 1.5 * np.abs(v[waves.t < 0.01]).max()


def test_the_tank_shows_the_drop_of_its_capacitor():
    _, waves = solved("resonance_parallel")
    for k in (0, 1):
        np.testing.assert_allclose(waves.voltage[:, k], waves.state[:, 2], atol=1e-12)
    np.testing.assert_allclose(waves.current[:, 3], 2e-3 * np.sin(2 * np.pi * 100 * waves.t), atol=1e-15)


def test_the_ideal_memristor_is_the_limit_of_small_parasitics():
    """The distance falls in proportion to the parasitic times."""
    case, _ = solved("parasitics")
    laws = case.network.devices()
    ideal = type(case.network).from_edges(
        [(0, 1), (1, 0)], device=[laws[0], laws[2]], drive={0: case.network.drives[0]}, initial_state=[0.0, 0.4]
    )
    reference = integrate(ideal, case.t).state[:, 1]
    distance = []
    for scale in (0.1, 0.01, 0.001):
        device = [laws[0], type(laws[1])(0.02 * scale), laws[2], type(laws[3])(0.5e-6 * scale)]
        state = integrate(case.network.with_device(device), case.t).state[:, 2]
        distance.append(np.abs(state - reference).max())
    np.testing.assert_allclose(np.array(distance[1:]) / distance[:-1], 0.1, rtol=0.15)


def test_the_undriven_row_of_the_crossbar_sees_less():
    _, waves = solved("crossbar_lines")
    moved = np.ptp(waves.state[:, :9], axis=0).reshape(3, 3)
    assert moved[2].max() < moved[:2].min()


def upward(t, v, level):
    """Times at which v rises through `level`, by straight lines."""
    k = np.flatnonzero((v[1:] > level) & (v[:-1] <= level))
    return t[k] + (level - v[k]) / (v[k + 1] - v[k]) * (t[k + 1] - t[k])


def test_both_branches_give_the_period_of_the_relaxation_oscillator():
    case, _ = solved("relaxation_oscillator")
    path = solve(case.network, case.stop)
    t = np.linspace(0.0, case.stop, 300_001)
    theory = np.diff(upward(t, path(t)[:, 2], 1.2))
    run = run_lowered(lower(case.network, case.stop, case.stop / 6000), engine=get_engine("ngspice")).waveforms
    circuit = np.diff(upward(run.t, run.state[:, 2], 1.2))
    assert theory.size == circuit.size >= 2
    assert theory[0] == pytest.approx(1.845156e-8, rel=1e-6)
    np.testing.assert_allclose(circuit, theory, rtol=1e-4)


def test_the_neuron_has_a_threshold():
    case, waves = solved("neuron")
    assert upward(waves.t, waves.state[:, 1], 0.5).size >= 1
    weak = CurrentSource(case.network.forcing[0].scaled(0.5))
    half = case.network.with_device([weak, *case.network.devices()[1:]])
    assert integrate(half, case.t).state[:, 1].max() < 0.05


def test_the_chaotic_circuit_follows_its_three_equations():
    """x' = y, y' = -(x + b (z^2 - 1) y) / 3, z' = -y - a z + y z, by another integrator; R changes sign on the way."""
    case, waves = solved("muthuswamy_chua")
    z = waves.state[:, 2]
    assert z.min() < -1.0 < z.max()

    def field(t, u):
        return [u[1], -(u[0] + 1.5 * (u[2] ** 2 - 1) * u[1]) / 3, -u[1] - 0.6 * u[2] + u[1] * u[2]]

    exact = solve_ivp(field, (0, case.stop), [0, 0.1, 0.1], t_eval=case.t, rtol=1e-12, atol=1e-13, method="DOP853").y
    np.testing.assert_allclose(waves.state[:, [1, 0, 2]], exact.T, atol=1e-8)
