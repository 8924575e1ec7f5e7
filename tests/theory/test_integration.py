"""Integration against closed forms, invariances and itself at other tolerances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from spicebridge.errors import NetworkError, RunFailed, ScreenError, SpiceBridgeError
from spicebridge.theory import integrate, solve
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results import closed_forms as exact

from .networks import caravelli, edge_lists, graph_edges, random_network

ACCURATE = 1e-9
"""Error allowed at the default rtol = 1e-10, dense output included."""


def ring(n: int, **changes) -> sb.Network:
    values = dict(device=caravelli(alpha=0.0), drive={0: sb.Sine(1.0, 0.5)}, initial_state=0.5)
    values.update(changes)
    return sb.Network.from_edges([(k, (k + 1) % n) for k in range(n)], **values)


def error_of(network: sb.Network, t: np.ndarray, reference: np.ndarray) -> float:
    return float(np.abs(integrate(network, t).state - reference).max())


def test_equal_loop_follows_eq_7():
    t = np.linspace(0, 6, 301)
    network = ring(5, drive={0: sb.Sine(1.0, 0.5), 3: 0.05})
    flux = network.bank.integral(t).sum(axis=1)
    reference = exact.equal_loop(flux, 0.5, kappa=9.0, g=-1.0, n=5)
    assert error_of(network, t, reference[:, None]) < ACCURATE
    assert error_of(network.with_polarity(-1), t, reference[:, None]) > 1e-2


def test_unequal_loop_with_polarities_has_a_closed_form():
    t = np.linspace(0, 6, 301)
    J, w0 = np.array([1, -1, 1, 1, -1.0]), np.array([0.3, 0.7, 0.55, 0.4, 0.25])
    network = ring(5, polarity=J, initial_state=w0)
    reference = exact.unequal_loop(network.bank.integral(t).sum(axis=1), w0, J, kappa=9.0, g=-1.0)
    assert error_of(network, t, reference) < ACCURATE
    assert np.abs(reference - w0).max() > 0.01


@pytest.mark.parametrize(("alpha", "volt"), [(0.3, 1.2), (-0.4, -1.0), (0.3, -0.5), (-0.4, 0.6)])
def test_equal_loop_with_memory_loss_inverts_the_implicit_time(alpha, volt):
    t = np.linspace(0, 0.8, 41)
    network = ring(3, device=caravelli(alpha=alpha), drive={0: volt})
    reference = exact.equal_loop_dc(t, 0.5, kappa=9.0, a=alpha, drift=-volt / 3)
    assert error_of(network, t, reference[:, None]) < ACCURATE
    assert np.abs(reference - 0.5).max() > 0.05


@pytest.mark.parametrize("s", [0.15, 0.25])
def test_tunnelling_law_settles_where_the_potential_says(s):
    chi = 0.9
    known = {0.15: (0.178759, 0.932352), 0.25: (0.379873, 0.731238)}[s]
    assert exact.tunneling_fixed_points(s, chi) == pytest.approx(known, abs=5e-7)
    device = sb.LinearMemristor.tunneling(1.0, 10.0, 1.0, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=[device, device], drive={0: 2 * s})
    t = np.linspace(0, 60, 61)
    # x starts at 0 in a loop of two: s per memristor.
    state = integrate(network, t).state
    reference = exact.equal_loop_dc(t[:8], 0.0, kappa=-chi, a=-1.0, drift=s)
    assert np.abs(state[:8] - reference[:, None]).max() < ACCURATE
    assert state[-1] == pytest.approx(known[0], abs=5e-7)


def test_reach_time_of_pure_drift_is_the_time_of_the_hit():
    network = ring(4, device=caravelli(alpha=0.0, window=sb.Hard()), drive={1: 1.3})
    expected = exact.reach_time(0.0, 0.5, kappa=9.0, drift=-1.3 / 4)
    trajectory = solve(network, 1.5 * expected)
    assert [e.kind for e in trajectory.events] == ["reaches 0"] * 4
    assert [e.t for e in trajectory.events] == pytest.approx([expected] * 4, rel=1e-9)
    assert (trajectory(1.2 * expected) == 0.0).all()


@pytest.mark.parametrize("method", ["projector", "nodal", "loop"])
def test_methods_integrate_alike(method):
    network = random_network(graph_edges("complete_graph", 5), 3)
    t = np.linspace(0, 3, 61)
    first, second = integrate(network, t, method=method), integrate(network, t)
    for name in ("state", "current", "voltage"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), atol=1e-10)


@given(edge_lists(max_nodes=6, max_edges=10), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_reversing_edges_sources_and_polarities_together_is_the_same_physics(edges, seed):
    """(A, S, J) -> (A D, D S, J D); with J unchanged the physics changes."""
    network = random_network(edges, seed)
    D = np.random.default_rng(seed).choice([-1.0, 1.0], len(edges))
    turned = sb.Network.from_edges(
        [(a, b) if d > 0 else (b, a) for (a, b), d in zip(edges, D, strict=True)],
        device=network.devices(),
        drive=[s.scaled(d) for s, d in zip(network.drives, D, strict=True)],
        initial_state=network.initial_state,
        polarity=network.J * D,
    )
    t = np.linspace(0, 1.5, 7)
    first, second = integrate(network, t), integrate(turned, t)
    np.testing.assert_allclose(second.state, first.state, atol=1e-10)
    np.testing.assert_allclose(second.current, D * first.current, atol=1e-10)


def test_flipping_polarity_alone_is_different_physics():
    network = random_network(graph_edges("complete_graph", 4), 1)
    t = np.linspace(0, 1.5, 7)
    flipped = integrate(network.with_polarity(-network.J), t).state
    assert np.abs(flipped - integrate(network, t).state).max() > 1e-3


@pytest.mark.parametrize("mixed", [False, True])
def test_time_reversal(mixed):
    """S'(t) = -S(T - t) and alpha -> -alpha lead back to the start, whatever the signs."""
    edges = graph_edges("complete_graph", 4)
    stop = 0.5
    base = random_network(edges, 2, mixed=mixed)
    there = solve(base, stop)
    assert there.complete
    mirrored = [
        sb.Sine(-d.amplitude, d.frequency, phase=np.pi - 2 * np.pi * d.frequency * stop - d.phase) for d in base.drives
    ]
    t = np.linspace(0, stop, 31)
    for k in range(3):
        np.testing.assert_allclose(mirrored[k].value(t), -base.drives[k].value(stop - t), atol=1e-12)
    r_on, r_off = base.groups[0].device.r_on, base.groups[0].device.r_off
    back = base.with_drive(mirrored).with_initial_state(there(stop))
    back = back.with_device(caravelli(r_on=r_on, r_off=r_off, alpha=-0.1))
    returned = integrate(back, t).state
    np.testing.assert_allclose(returned, there(stop - t), atol=ACCURATE)
    unreversed = integrate(back.with_device(caravelli(r_on=r_on, r_off=r_off)), t).state
    assert np.abs(unreversed - there(stop - t)).max() > 1e-3


def test_error_follows_the_tolerance():
    network = random_network(graph_edges("complete_graph", 6), 11)
    t = np.linspace(0, 5, 400)
    reference = solve(network, 5.0, rtol=1e-13, atol=1e-15)(t)
    tolerances = np.array([1e-5, 1e-7, 1e-9, 1e-11])
    errors = [np.abs(solve(network, 5.0, rtol=r, atol=r / 100)(t) - reference).max() for r in tolerances]
    slope = np.polyfit(np.log(tolerances), np.log(errors), 1)[0]
    assert 0.75 < slope < 1.15, errors
    assert (errors < 10 * tolerances).all()


@pytest.mark.parametrize("seed", range(4))
def test_dense_output_is_as_accurate_as_the_steps(seed):
    edges = graph_edges("complete_graph", 5)
    device = caravelli(r_off=[20.0, 100.0, 3.0, 10.0][seed], alpha=[0.0, 0.5, -1.0, 0.1][seed])
    network = random_network(edges, seed, device=device)
    reference = solve(network, 4.0, rtol=1e-13, atol=1e-15)
    usual = solve(network, 4.0)
    t = np.linspace(0, 4.0, 3001)
    assert np.abs(usual(t) - reference(t)).max() < ACCURATE


def test_one_fast_edge_in_a_large_network_is_as_accurate_as_alone():
    """The error estimate is a maximum over edges; a mean square hides one loop among 4000 idle edges."""
    idle = [(k, k + 1) for k in range(2, 4002)]
    device = caravelli(alpha=0.0)
    drive = {0: sb.Sine(1.0, 0.5)}
    t = np.linspace(0, 4, 201)
    alone = sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive=drive, initial_state=0.5)
    crowd = sb.Network.from_edges([(0, 1), (1, 0), *idle], device=device, drive=drive, initial_state=0.5)
    reference = exact.equal_loop(alone.bank.integral(t).sum(axis=1), 0.5, kappa=9.0, g=-1.0, n=2)
    errors = []
    for network in (alone, crowd):
        state = solve(network, 4.0, rtol=1e-6, atol=1e-8)(t)[:, 0]
        errors.append(np.abs(state - reference).max())
    assert errors[1] < 2.0 * errors[0] < 1e-4


def test_pulses_are_never_stepped_across():
    pulse = sb.Pulse(0.0, 5.0, delay=3.0, rise=1e-4, fall=1e-4, width=1e-3)
    network = ring(3, drive={0: pulse})
    t = np.linspace(0, 6, 25)
    reference = exact.equal_loop(pulse.integral(t), 0.5, kappa=9.0, g=-1.0, n=3)
    assert error_of(network, t, reference[:, None]) < ACCURATE
    assert reference[0] - reference[-1] > 2e-4


def test_trees_components_self_loops_and_resistors():
    laws = [caravelli(), caravelli(), caravelli(), sb.Resistor(2.0), caravelli(alpha=0.0)]
    network = sb.Network.from_edges([(0, 1), (1, 2), (3, 4), (4, 3), (5, 5)], device=laws, drive=0.3, initial_state=0.4)
    t = np.linspace(0, 2, 9)
    waves = integrate(network, t)
    assert (waves.current[:, :2] == 0.0).all()
    np.testing.assert_allclose(waves.state[:, :2], 0.4 * np.exp(0.1 * t)[:, None] * np.ones(2), rtol=1e-9)
    assert (waves.state[:, 3] == 0.0).all()
    np.testing.assert_allclose(waves.current[:, 2], waves.current[:, 3], rtol=1e-12)
    np.testing.assert_allclose(waves.state[:, 4], exact.equal_loop(0.3 * t, 0.4, kappa=9.0, g=-1.0), atol=ACCURATE)


def test_networks_without_memory_integrate_to_ohms_law():
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=sb.Resistor(2.0), drive={0: sb.Sine(1.0, 1.0)})
    t = np.linspace(0, 1, 11)
    waves = integrate(network, t)
    np.testing.assert_allclose(waves.current[:, 0], np.sin(2 * np.pi * t) / 4.0, atol=1e-15)
    np.testing.assert_allclose(waves.voltage[:, 1], np.sin(2 * np.pi * t) / 2.0, atol=1e-15)


def test_initial_row_and_single_times():
    network = ring(3)
    assert (integrate(network, [0.0]).state == 0.5).all()
    late = integrate(network, [0.7])
    np.testing.assert_allclose(late.state, integrate(network, [0.0, 0.3, 0.7]).state[-1:], atol=1e-14)
    assert late.source == "theory (loop)"


@pytest.mark.parametrize("window", [sb.Tanh(p=60.0), sb.Joglekar(p=2), sb.Biolek(p=1), sb.NoWindow()])
def test_windows_follow_an_independent_integrator(window):
    """Field written out from the mesh equations, integrated by an implicit method."""
    from scipy.integrate import solve_ivp

    network = random_network(graph_edges("complete_graph", 4), 5, device=caravelli(window=window, beta=0.5, alpha=-0.2))
    A = Topology.of(network).A.toarray()

    def field(time, w):
        i = A.T @ np.linalg.solve((A * (1.0 + 9.0 * w)) @ A.T, A @ network.bank(time))
        return window.rate(w, -0.2 * w, -network.J / 0.5 * i)

    t = np.linspace(0, 3, 13)
    reference = solve_ivp(field, (0, 3), network.initial_state, "Radau", t, rtol=1e-9, atol=1e-11).y.T
    np.testing.assert_allclose(integrate(network, t).state, reference, atol=2e-7)


def test_trajectory_and_integrate_are_the_same_curve():
    network = random_network(graph_edges("grid_2d_graph", 4, 4), 0, device=caravelli(window=sb.Hard()))
    t = np.linspace(0, 3, 100)
    trajectory = solve(network, 3.0)
    waves = integrate(network, t)
    np.testing.assert_allclose(trajectory(t), waves.state, atol=1e-15)
    np.testing.assert_allclose(trajectory.waveforms(t).current, waves.current, atol=1e-14)
    shuffled = np.random.default_rng(0).permutation(t)
    np.testing.assert_allclose(trajectory(shuffled)[np.argsort(shuffled)], waves.state, atol=1e-15)
    assert trajectory(1.0).shape == (network.n_edges,)
    with pytest.raises(SpiceBridgeError, match="leave the span"):
        trajectory(3.5)


def test_a_state_that_leaves_the_law_ends_the_run_with_a_reason():
    network = ring(3, drive={0: 6.0})
    stop = exact.reach_time(-1 / 9.0, 0.5, kappa=9.0, drift=-6.0 / 3)
    trajectory = solve(network, 3 * stop)
    assert not trajectory.complete
    assert "resistance of edge" in trajectory.reason
    assert trajectory.stop == pytest.approx(stop, rel=1e-8)
    with pytest.raises(RunFailed, match="vanishes"):
        integrate(network, [0.0, 3 * stop])


def test_a_resistance_that_passes_through_zero_is_located():
    """With a resistor in the loop the current stays finite and R crosses zero at a regular point."""
    laws = [caravelli(alpha=0.0), sb.Resistor(20.0)]
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=laws, drive={0: 10.0}, initial_state=0.5)
    # (21 + 9 w) dw/dt = -10 from w = 0.5 to -1/9.
    expected = (21 * (0.5 + 1 / 9) + 4.5 * (0.25 - 1 / 81)) / 10
    trajectory = solve(network, 3.0)
    assert not trajectory.complete
    assert "edge 0-1: the resistance reaches zero" in trajectory.reason
    assert trajectory.stop == pytest.approx(expected, rel=1e-9)
    assert trajectory(trajectory.stop)[0] == pytest.approx(-1 / 9, abs=1e-9)


def test_currents_that_diverge_end_the_run_with_a_reason():
    """Active against passive: R1 - R2 reaches zero while both stay positive."""
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)],
        device=caravelli(alpha=[0.0, 0.5]),
        initial_state=[0.6, 0.3],
        active=[1],
        drive={0: 1e-3},
    )
    trajectory = solve(network, 20.0)
    assert not trajectory.complete
    assert "step size" in trajectory.reason
    assert 0.0 < trajectory.stop < 20.0
    assert np.isfinite(trajectory(np.linspace(0, trajectory.stop, 50))).all()


def test_misuse_is_refused_with_the_remedy():
    network = ring(3)
    with pytest.raises(NetworkError, match="must increase"):
        integrate(network, [1.0, 0.5])
    with pytest.raises(NetworkError, match="0 s or later"):
        integrate(network, [-1.0, 0.5])
    with pytest.raises(NetworkError, match="list of finite times"):
        integrate(network, "soon")
    with pytest.raises(NetworkError, match="rtol"):
        solve(network, 1.0, rtol=0.0)
    with pytest.raises(NetworkError, match="atol = 'small'"):
        solve(network, 1.0, atol="small")
    with pytest.raises(NetworkError, match="max_evaluations"):
        solve(network, 1.0, max_evaluations=-1)
    with pytest.raises(NetworkError, match="max_step"):
        solve(network, 1.0, max_step=0.0)
    pair = sb.Network.from_edges([(0, 1), (1, 0)], device=caravelli(), active=[1], initial_state=0.5)
    with pytest.raises(ScreenError, match="edge 0-1"):
        solve(pair, 1.0)
