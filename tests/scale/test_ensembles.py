"""Ensembles: every trajectory is what it would be alone, whatever its company and whatever becomes of that."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from bench.networks import grid
from bench.population import random_network
from spicebridge.errors import NetworkError, RunFailed
from spicebridge.theory import solve
from spicebridge.theory.ensembles import adaptive_steps, batched_cg, tableaux
from spicebridge.theory.ensembles import batched_currents as currents
from spicebridge.theory.results import closed_forms as exact

RTOL = 1e-7
CLOSE = 10 * RTOL
"""Error over a whole run, where a step is allowed `RTOL`."""
SAME = 1e-3 * RTOL
"""What may depend on the company: the residual of Kirchhoff's equations is 1e-2 rtol, and most of it is the same."""
CURRENTS = 1e-11
"""Kirchhoff's laws in the currents that are returned, in units of the largest."""


def paper2(N: int, s: float, seed: int = 0) -> sb.Network:
    """Paper 2's ensemble: uniform loop matrix with N/2 loops, chi = 0.9, clipping."""
    A = np.random.default_rng(seed).random((N // 2, N))
    device = sb.LinearMemristor.tunneling(0.1, 1.0, alpha=1.0, beta=1.0, window=sb.Hard())
    return sb.Network.from_loop_matrix(A, device=device, drive=s)


def starts(count: int, n_edges: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((count, n_edges))


def run(network: sb.Network, t, **given) -> sb.EnsembleWaveforms:
    return sb.integrate_ensemble(network, t, **{"rtol": RTOL, "atol": 1e-2 * RTOL, **given})


def worst(ensemble: sb.EnsembleWaveforms, members) -> float:
    """Largest difference of the states from single integrations of `members`."""
    return max(
        float(np.abs(ensemble.state[k] - solve(member, ensemble.t[-1])(ensemble.t)).max())
        for k, member in enumerate(members)
    )


@pytest.mark.parametrize("N", [20, 80])
def test_paper_2_trajectories_are_those_of_single_integrations(N):
    """20 edges are factorised, 80 iterated."""
    network, x0 = paper2(N, 0.2), starts(4, N)
    found = run(network, np.linspace(0.0, 6.0, 13), initial_states=x0)
    assert found.form == "loop"
    assert worst(found, [network.with_initial_state(x) for x in x0]) < CLOSE
    assert (found.state == 1.0).any(), "no wall was met"
    assert found.complete.all()


def test_unsolved_currents_show(monkeypatch):
    monkeypatch.setattr(adaptive_steps, "SOLVED", 1e5)
    with pytest.raises(AssertionError):
        test_paper_2_trajectories_are_those_of_single_integrations(80)


def test_errors_that_are_not_estimated_show(monkeypatch):
    monkeypatch.setattr(tableaux.Tableau, "error", lambda self, K, h, scale: 1e-8 * h)
    with pytest.raises(AssertionError):
        test_paper_2_trajectories_are_those_of_single_integrations(20)


@pytest.mark.parametrize("batch", [1, 5, 64])
@pytest.mark.parametrize("N", [20, 80])
def test_results_do_not_depend_on_the_batch(N, batch):
    network, x0, t = paper2(N, 0.15), starts(24, N), [0.0, 2.5, 10.0]
    whole = run(network, t, initial_states=x0, batch=24)
    parts = run(network, t, initial_states=x0, batch=batch)
    assert np.abs(whole.state - parts.state).max() < SAME
    if N == 20 or batch >= 24:
        np.testing.assert_array_equal(whole.rhs_count, parts.rhs_count)


def test_a_step_shared_by_the_batch_shows(monkeypatch):
    original = adaptive_steps.AdaptiveSteps._set_steps

    def shared(self, front, attempt, accepted, error):
        original(self, front, attempt, accepted, error)
        front.h[:] = front.h.min()

    monkeypatch.setattr(adaptive_steps.AdaptiveSteps, "_set_steps", shared)
    with pytest.raises(AssertionError):
        test_results_do_not_depend_on_the_batch(20, 5)


@pytest.mark.parametrize("kind", ["bulk", "walls", "active", "voltage"])
def test_random_networks_of_every_kind(kind):
    for seed in range(3):
        network = random_network(kind, seed).network
        rng = np.random.default_rng(seed)
        x0 = np.clip(network.initial_state + rng.uniform(-0.1, 0.1, (3, network.n_edges)), 0.0, 1.0)
        if kind == "walls":
            x0[1] = rng.integers(0, 2, network.n_edges)
        found = run(network, np.linspace(0.0, 3.0, 7), initial_states=x0, max_evaluations=20_000)
        members = [network.with_initial_state(x) for x in x0]
        for k, member in enumerate(members):
            alone = solve(member, 3.0, max_evaluations=20_000)
            assert alone.complete == bool(found.complete[k])
            if alone.complete:
                assert np.abs(found.state[k] - alone(found.t)).max() < CLOSE


def everything() -> sb.Network:
    """Hard, smooth and no windows, polarities, resistors, sines, parallel edges, a self loop and a bridge."""
    rng = np.random.default_rng(8)
    edges = [*nx.complete_graph(5).edges, (0, 1), (2, 2), (4, 5)]
    windows = (sb.Hard(), sb.Joglekar(1), None)
    devices: list[object] = [
        sb.LinearMemristor.caravelli2017(1.0, 8.0, 0.1, 4.0, window=windows[k % 3]) for k in range(11)
    ]
    return sb.Network.from_edges(
        edges,
        device=[*devices, sb.Resistor(3.0), sb.Resistor(1.0)],
        drive=[sb.Sine(float(a), 0.4) for a in rng.normal(size=13)],
        initial_state=0.5,
        polarity=rng.choice([-1.0, 1.0], 13),
    )


def test_states_sources_and_parameters_vary_at_once():
    network, rng = everything(), np.random.default_rng(2)
    x0 = rng.uniform(0.4, 0.6, (4, 13))
    drives = [sb.Sine(0.7, 0.5), 0.3, {2: 1.0, 5: sb.Pulse(0.0, 2.0, 0.5, 0.1, 0.1, 0.5)}, None]
    r_off, alpha = rng.uniform(6.0, 12.0, (4, 13)), np.array([0.0, 0.1, -0.1, 0.2])
    found = run(
        network,
        np.linspace(0.0, 3.0, 13),
        initial_states=x0,
        sources=drives,
        parameters={"r_off": r_off, "alpha": alpha},
        signals=("current", "voltage"),
    )
    assert found.complete.all()
    for k in range(4):
        devices = []
        for edge, law in enumerate(network.devices()):
            memristive = isinstance(law, sb.LinearMemristor)
            build = sb.LinearMemristor.caravelli2017
            devices.append(build(1.0, r_off[k, edge], alpha[k], 4.0, window=law.window) if memristive else law)
        alone = network.with_device(devices).with_drive(drives[k]).with_initial_state(x0[k])
        waves = sb.integrate(alone, found.t)
        one = found[k]
        for name in ("state", "current", "voltage"):
            assert np.abs(getattr(one, name) - getattr(waves, name)).max() < CLOSE * 10, name
        assert one.labels == waves.labels


def test_levels_of_sources_are_an_array_too():
    network = grid(3)
    levels = np.random.default_rng(0).uniform(-0.1, 0.1, (3, network.n_edges))
    found = run(network, [0.0, 2.0], sources=levels)
    assert worst(found, [network.with_drive(level) for level in levels]) < CLOSE
    equal = run(network, [0.0, 2.0], sources=np.array([0.05, -0.05]))
    assert worst(equal, [network.with_drive(0.05), network.with_drive(-0.05)]) < CLOSE


@pytest.mark.parametrize("graph", [nx.cycle_graph(40), nx.complete_graph(32), nx.grid_2d_graph(7, 7)])
def test_loops_and_cuts_give_the_currents_of_the_laplacian(graph):
    """One loop; 31 cuts, iterated; 36 loops, iterated. The returned currents obey Kirchhoff's laws."""
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.1, 1.0)
    network = sb.Network.from_graph(graph, device=device, drive={0: 1.0, 5: -0.5}, initial_state=0.3)
    x0 = np.random.default_rng(0).uniform(0.3, 0.5, (3, network.n_edges))
    found = run(network, [0.0, 1.0], initial_states=x0, signals=("current", "voltage"))
    topology = sb.theory.Topology.of(network)
    assert worst(found, [network.with_initial_state(x) for x in x0]) < CLOSE
    for k in range(3):
        i, v = found.current[k, -1], found.voltage[k, -1]
        assert np.abs(topology.B @ i).max() < CURRENTS * np.abs(i).max()
        assert np.abs(topology.A @ (v - network.bank(0.0))).max() < CURRENTS


def test_a_loose_residual_shows_in_the_currents(monkeypatch):
    from spicebridge.theory.ensembles import field

    monkeypatch.setattr(field, "SIGNAL_RESIDUAL", 1e-6)
    with pytest.raises(AssertionError):
        test_loops_and_cuts_give_the_currents_of_the_laplacian(nx.complete_graph(32))


@given(st.integers(0, 10**6), st.integers(25, 40), st.floats(0.0, 3.0))
@settings(max_examples=20, deadline=None)
def test_systems_of_every_condition(seed, m, decades):
    """Conjugate gradients, and a factorisation where they would take too long, against `numpy.linalg.solve`."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(2 * m, m)))[0]
    weight = 10.0 ** rng.uniform(-decades, 0.0, (5, 2 * m))
    weight[4] = rng.choice([-1.0, 1.0], 2 * m) * weight[4]
    b = rng.normal(size=(5, m))
    y = batched_cg.SharedBasis(Q).solve(weight, b, rng.normal(size=(5, m)), 1e-13)
    for k in range(5):
        matrix = (Q.T * weight[k]) @ Q
        expected = np.linalg.solve(matrix, b[k])
        assert np.abs(y[k] - expected).max() <= 1e-12 * np.linalg.cond(matrix) * np.abs(expected).max()


def test_a_singular_system_is_named_and_spares_the_others():
    Q = np.eye(4)[:, :2]
    weight = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0], [np.nan, 1.0, 1.0, 1.0]])
    y = batched_cg.SharedBasis(Q).solve(weight, np.ones((3, 2)), np.zeros((3, 2)), 1e-12)
    assert y[0] == pytest.approx([1.0, 1.0])
    assert np.isnan(y[1:]).all()


def test_closed_forms_of_a_loop_over_many_parameters():
    ring = [(k, (k + 1) % 5) for k in range(5)]
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.0, 1.0)
    s0 = np.array([0.2, 0.3, 0.4, 0.5, 0.6])
    network = sb.Network.from_edges(ring, device=device, initial_state=s0)
    sines = [sb.Sine(float(a), 0.5, phase=float(p)) for a, p in np.random.default_rng(0).uniform(0.5, 2.0, (6, 2))]
    t = np.linspace(0.0, 3.0, 31)
    found = run(network, t, sources=[{0: sine} for sine in sines])
    for k, sine in enumerate(sines):
        reference = exact.unequal_loop(sine.integral(t), s0, np.ones(5), kappa=9.0, g=-1.0)
        assert np.abs(found.state[k] - reference).max() < CLOSE


def test_closed_form_of_one_clipped_memristor():
    """Hits and releases at both walls, from many states."""
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.0, 1.0, window=sb.Hard())
    network = sb.Network.from_edges([(0, 0)], device=device, drive=sb.Sine(12.0, 0.5))
    s0, t = np.linspace(0.0, 1.0, 11), np.linspace(0.0, 6.0, 61)
    found = run(network, t, initial_states=s0)
    for k, start in enumerate(s0):
        reference = exact.clipped_sine_loop(t, float(start), kappa=9.0, g=-1.0, amplitude=12.0, frequency=0.5)
        assert np.abs(found.state[k, :, 0] - reference).max() < CLOSE
    assert found.state.min() == 0.0
    assert found.state.max() == 1.0


def test_edges_in_series_are_released_together():
    rng = np.random.default_rng(5)
    device = sb.LinearMemristor.caravelli2017(1.0 + rng.random(5), 20.0, 0.0, 1.0, window=sb.Hard())
    ring = [(k, (k + 1) % 5) for k in range(5)]
    network = sb.Network.from_edges(ring, device=device, drive={0: sb.Sine(200.0, 0.5)})
    x0 = rng.uniform(0.2, 0.8, (4, 5))
    found = run(network, np.linspace(0.0, 4.0, 41), initial_states=x0)
    assert worst(found, [network.with_initial_state(x) for x in x0]) < CLOSE


def test_a_tree_carries_no_current():
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, -0.5, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 2)], device=device, drive=1.0)
    found = run(network, [0.0, 2.0], initial_states=[0.4, 0.8], signals="current")
    assert found.state[:, -1] == pytest.approx(np.exp(-1.0) * np.array([[0.4, 0.4], [0.8, 0.8]]), abs=CLOSE)
    assert not found.current.any()


def test_one_failure_is_named_and_does_not_touch_the_others():
    """The second memristor runs into R = 0; alone or in company the others are the same."""
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.0, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=[device, sb.Resistor(5.0)], initial_state=0.3)
    t = np.linspace(0.0, 5.0, 11)
    found = run(network, t, sources=[{0: 0.1}, {0: 4.0}, {0: -0.1}])
    alone = solve(network.with_drive({0: 4.0}), 5.0)
    assert list(found.failed) == [1]
    assert "the resistance reaches zero" in found.failed[1]
    assert "edge 0-1" in found.failed[1]
    assert found.stop[1] == pytest.approx(alone.stop, rel=1e-6)
    reached = t <= found.stop[1]
    assert np.isfinite(found.state[1, reached]).all()
    assert np.isnan(found.state[1, ~reached]).all()
    with pytest.raises(RunFailed, match=r"trajectory 1: .*resistance reaches zero"):
        found[1]
    others = run(network, t, sources=[{0: 0.1}, {0: -0.1}])
    np.testing.assert_allclose(found.state[[0, 2]], others.state, atol=SAME)


def test_a_singular_start_is_a_reason_and_no_error():
    """R1 and -R2 in a loop: singular where both are equal."""
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.0, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive={0: 0.01}, active=[1])
    found = run(network, [0.0, 0.1], initial_states=[[0.5, 0.5], [0.5, 0.2]])
    assert list(found.failed) == [0]
    assert found.stop[0] == 0.0
    assert found.complete[1]


def test_a_budget_ends_only_those_who_spend_it():
    network = paper2(20, 0.25)
    x0 = np.stack([np.ones(20), starts(1, 20)[0]])
    found = run(network, [0.0, 20.0], initial_states=x0, max_evaluations=40)
    assert "stiff" in found.failed[1]
    assert found.rhs_count[1] <= 60


def test_laws_that_gain_nothing_from_company_are_integrated_one_by_one():
    device = sb.ThresholdMemristor(100.0, 1000.0, 0.2, beta=50.0)
    network = sb.Network.from_graph(nx.complete_graph(4), device=device, drive={0: sb.Sine(2.0, 0.5)})
    found = run(network, [0.0, 1.0, 2.0], initial_states=[0.3, 0.6], parameters={"beta": [50.0, 40.0]})
    assert found.form == "one by one"
    other = network.with_device(sb.ThresholdMemristor(100.0, 1000.0, 0.2, beta=40.0))
    assert worst(found, [network.with_initial_state(0.3), other.with_initial_state(0.6)]) < CLOSE


def test_large_sparse_networks_are_integrated_one_by_one(monkeypatch):
    network = grid(4)
    x0 = np.random.default_rng(0).uniform(0.2, 0.4, (2, network.n_edges))
    together = run(network, [0.0, 1.0, 2.0], initial_states=x0, signals="current")
    monkeypatch.setattr(currents, "LARGEST_BASIS", 10)
    alone = run(network, [0.0, 1.0, 2.0], initial_states=x0, signals="current")
    assert (together.form, alone.form) == ("loop", "one by one")
    np.testing.assert_allclose(alone.state, together.state, atol=CLOSE)
    np.testing.assert_allclose(alone.current, together.current, atol=CLOSE)
    assert alone.complete.all()


@pytest.mark.parametrize("tableau", [tableaux.fifth_order(), tableaux.eighth_order()])
def test_tableaux_are_consistent(tableau):
    np.testing.assert_allclose(tableau.A.sum(axis=1), tableau.c, atol=1e-14)
    x = np.linspace(0.0, 1.0, 7)
    np.testing.assert_allclose(tableau.dense(x).sum(axis=1), x, atol=1e-13)
    np.testing.assert_allclose(tableau.dense(np.ones(1))[0], tableau.A[tableau.regular - 1], atol=1e-14)
    # Quadratures of polynomials below the order are exact, the extrapolations are for parabolas.
    for power in range(tableau.order):
        end = tableau.A[tableau.regular - 1]
        assert end @ tableau.c**power == pytest.approx(1.0 / (power + 1), abs=1e-14)
    np.testing.assert_allclose(tableau.guess[1:].sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize(("order", "rtols"), [(5, (1e-4, 1e-5, 1e-6)), (8, (1e-6, 1e-8, 1e-10))])
def test_the_error_follows_the_tolerance(monkeypatch, order, rtols):

    from spicebridge.theory.ensembles import ensemble

    pair = tableaux.fifth_order if order == 5 else tableaux.eighth_order
    monkeypatch.setattr(ensemble, "_tableau", lambda network, rtol: pair())
    network, x0 = paper2(20, 0.15), starts(1, 20)
    reference = solve(network.with_initial_state(x0[0]), 4.0, rtol=1e-13, atol=1e-14)(4.0)
    errors = []
    for rtol in rtols:
        found = sb.integrate_ensemble(network, [4.0], initial_states=x0, rtol=rtol, atol=rtol)
        errors.append(float(np.abs(found.state[0, 0] - reference).max()))
        assert errors[-1] < 10 * rtol
    assert errors[0] > errors[1] > errors[2]


MISUSE = [
    ({}, "needs initial_states, sources or parameters"),
    ({"initial_states": np.zeros((2, 3))}, r"initial_states: shape \(2, 3\) must be"),
    ({"initial_states": [[np.nan] * 24]}, "trajectory 0, edge .* must be finite"),
    ({"initial_states": [0.2, -3.0]}, "trajectory 1: .*initial state -3"),
    ({"initial_states": [0.2], "sources": [0.1, 0.2]}, "sources has 2 trajectories, initial_states has 1"),
    ({"sources": 0.1}, "sources: give levels"),
    ({"sources": ["x"]}, "sources: "),
    ({"parameters": {"alfa": [0.1]}}, "'alfa' .did you mean 'alpha'"),
    ({"parameters": {"r_off": [900.0, 50.0]}}, "trajectory 1: .*r_off"),
    ({"initial_states": [0.2], "signals": "power"}, "signals: 'power' must be one of"),
    ({"initial_states": [0.2], "batch": 0}, "batch = 0"),
    ({"initial_states": [0.2], "rtol": 0.0}, "rtol = 0.0 must be positive"),
    ({"initial_states": [0.2], "rtol": None}, "rtol = None must be positive"),
    ({"initial_states": [0.2j]}, "initial_states: entries must be numbers"),
    ({"sources": [0.1, np.nan]}, "sources: trajectory 1: .*finite"),
    ({"parameters": [0.1]}, "parameters: give"),
    ({"parameters": {1: [0.1]}}, "no device of the network has a 1"),
    ({"initial_states": [0.2], "signals": None}, "signals = None must be a list"),
    ({"initial_states": [0.2], "batch": np.nan}, "batch = nan"),
    ({"initial_states": [0.2], "max_evaluations": 0}, "max_evaluations = 0 must be a whole number"),
]


@pytest.mark.parametrize(("given", "message"), MISUSE)
def test_misuse_names_the_thing_and_the_trajectory(given, message):
    with pytest.raises(NetworkError, match=message):
        sb.integrate_ensemble(grid(4), [0.0, 1.0], **given)
