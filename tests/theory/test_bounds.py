"""Hard bounds against exact solutions and against an independent brute-force integrator."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from spicebridge.theory import integrate, solve
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results import closed_forms as exact
from spicebridge.theory.time.crossing import first_crossing
from spicebridge.theory.time.dense_output import NODES, lagrange, monomials

from .networks import caravelli, graph_edges, random_network

ACCURATE = 1e-9


def hard(**changes) -> sb.LinearMemristor:
    return caravelli(window=sb.Hard(), **changes)


def single(amplitude: float, s0: float, **law) -> sb.Network:
    return sb.Network.from_edges(
        [(0, 0)], device=hard(alpha=0.0, **law), drive=sb.Sine(amplitude, 0.5), initial_state=s0
    )


@pytest.mark.parametrize(("amplitude", "s0"), [(3.0, 0.5), (12.0, 0.5), (-12.0, 0.3), (5.0, 0.0), (-9.0, 1.0)])
def test_clipped_single_memristor_is_exact_over_three_periods(amplitude, s0):
    t = np.linspace(0, 6, 601)
    reference = exact.clipped_sine_loop(t, s0, kappa=9.0, g=-1.0, amplitude=amplitude, frequency=0.5)
    state = integrate(single(amplitude, s0), t).state[:, 0]
    assert np.abs(state - reference).max() < ACCURATE
    assert state.min() >= 0.0
    assert state.max() <= 1.0


@pytest.mark.parametrize("wall", [1, 0])
@pytest.mark.parametrize("amplitude", [10.0, 30.0, 46.0013])
def test_a_state_that_comes_back_to_its_wall_only_touches_it(amplitude, wall):
    """Held once, w = 1 - (A/omega beta)(1 + cos omega t) touches 1 in every period, where rounding decides on a hit."""
    beta, t = 15.0 * amplitude / 46.0, np.linspace(0.5, 6.0, 221)
    device = hard(alpha=0.0, beta=beta, control="voltage")
    drive = sb.Sine(amplitude if wall == 0 else -amplitude, 1.0)
    network = sb.Network.from_edges([(0, 0)], device=device, drive=drive, initial_state=0.7 if wall else 0.3)
    away = amplitude / (2 * np.pi * beta) * (1.0 + np.cos(2 * np.pi * t))
    for rtol in 10.0 ** np.arange(-13.0, -7.4, 0.25):
        state = integrate(network, t, rtol=rtol, atol=rtol / 100).state[:, 0]
        assert np.abs(state - (1.0 - away if wall else away)).max() < max(30.0 * rtol, 1e-11), rtol


def test_hits_and_releases_fall_where_the_flux_says():
    trajectory = solve(single(3.0, 0.5), 4.0)
    # c = w + 4.5 w^2 falls by (A/omega)(1 - cos omega t) and is released when the sine changes sign.
    hit = np.arccos(1.0 - np.pi * (0.5 + 4.5 * 0.25) / 3.0) / np.pi
    assert [e.kind for e in trajectory.events][:2] == ["reaches 0", "leaves 0"]
    assert trajectory.events[0].t == pytest.approx(hit, abs=1e-10)
    assert trajectory.events[1].t == pytest.approx(1.0, abs=1e-10)
    held = trajectory(np.linspace(hit, 1.0, 50)[1:-1])
    assert (held == 0.0).all()


def test_the_upper_bound_is_held_and_left():
    trajectory = solve(single(-12.0, 0.5), 2.0)
    kinds = [e.kind for e in trajectory.events]
    assert kinds[:2] == ["reaches 1", "leaves 1"]
    assert trajectory.events[1].t == pytest.approx(1.0, abs=1e-10)
    between = 0.5 * (trajectory.events[0].t + 1.0)
    assert trajectory(between)[0] == 1.0


@pytest.mark.parametrize("n", [2, 5, 30])
def test_edges_in_series_are_released_together(n):
    """The trap: at the sign change f is rounding noise on every edge of the loop."""
    rng = np.random.default_rng(n)
    device = hard(alpha=0.0, r_on=1.0 + rng.random(n), r_off=20.0 + rng.random(n))
    ring = sb.Network.from_edges(
        [(k, (k + 1) % n) for k in range(n)],
        device=device,
        drive={0: sb.Sine(40.0 * n, 0.5)},
        initial_state=0.2 + 0.6 * rng.random(n),
    )
    trajectory = solve(ring, 6.0)
    assert trajectory.complete
    left = [e for e in trajectory.events if e.kind.startswith("leaves")]
    assert len(left) >= 5 * n
    for number in range(1, 6):
        now = [e.t for e in left if abs(e.t - number) < 0.1]
        assert len(now) == n
        assert np.ptp(now) < 1e-12
        assert now[0] == pytest.approx(number, abs=1e-9)
    # Every release follows one hit; at the end each edge may have hit once more.
    assert len(left) <= len(trajectory.events) - len(left) <= len(left) + n


def test_states_that_start_on_a_bound_stay_or_leave_as_the_field_says():
    network = sb.Network.from_edges(
        [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)],
        device=hard(alpha=0.0),
        drive=[1.0, -1.0, 1.0, -1.0, None],
        initial_state=[0.0, 0.0, 1.0, 1.0, 1.0],
    )
    t = np.linspace(0, 1, 11)
    state = integrate(network, t).state
    assert (state[:, 0] == 0.0).all()
    assert (state[:, 3] == 1.0).all()
    assert (state[:, 4] == 1.0).all()
    np.testing.assert_allclose(state[:, 1], exact.equal_loop(-t, 0.0, kappa=9.0, g=-1.0), atol=ACCURATE)
    np.testing.assert_allclose(state[:, 2], exact.equal_loop(t, 1.0, kappa=9.0, g=-1.0), atol=ACCURATE)


def test_a_touch_between_two_samples_of_one_step_is_found():
    """Double crossings: a parabola above its level only on a ten-thousandth of the step."""
    centre, half = 0.4371, 0.5e-4
    values = (half**2 - (NODES - centre) ** 2)[:, None]
    place = first_crossing(monomials(values), np.zeros(1))
    assert place[0] == pytest.approx(centre - half, abs=1e-9)
    assert first_crossing(monomials(values - 2 * half**2), np.zeros(1))[0] == np.inf


def test_step_polynomials_are_exact_to_degree_seven():
    rng = np.random.default_rng(0)
    polynomial = np.polynomial.Polynomial(rng.normal(size=8))
    x = rng.random(50)
    np.testing.assert_allclose(lagrange(x) @ polynomial(NODES), polynomial(x), atol=1e-13)


def test_grazing_a_bound_is_integrated_through():
    """The flux turns exactly where the state touches zero."""
    s0 = 0.5
    c = s0 + 4.5 * s0**2
    amplitude = c * np.pi / 2.0
    t = np.linspace(0, 4, 401)
    for factor in (1 - 1e-9, 1.0, 1 + 1e-9):
        state = integrate(single(factor * amplitude, s0), t).state[:, 0]
        reference = exact.clipped_sine_loop(t, s0, kappa=9.0, g=-1.0, amplitude=factor * amplitude, frequency=0.5)
        assert np.abs(state - reference).max() < 1e-8


def brute_force(network: sb.Network, t: np.ndarray, substeps: int) -> np.ndarray:
    """Fixed-step RK4 of the projected field with clipping; mesh equations assembled from scratch."""
    A = Topology.of(network).A.toarray()
    device = network.groups[0].device
    xi, r_on, alpha, beta = device.xi, device.r_on, device.alpha, device.beta

    def field(w, time):
        w = np.clip(w, 0.0, 1.0)
        S = np.array([0.0 if d is None else float(d.value(time)) for d in network.drives])
        i = A.T @ np.linalg.solve((A * (network.P * r_on * (1 + xi * w))) @ A.T, A @ S)
        f = alpha * w - network.J * r_on / beta * i
        return np.where(((w >= 1) & (f > 0)) | ((w <= 0) & (f < 0)), 0.0, f)

    w, out = network.initial_state.copy(), [network.initial_state]
    for a, b in pairwise(t):
        h = (b - a) / substeps
        for k in range(substeps):
            x = a + k * h
            k1 = field(w, x)
            k2 = field(w + h / 2 * k1, x + h / 2)
            k3 = field(w + h / 2 * k2, x + h / 2)
            k4 = field(w + h * k3, x + h)
            w = np.clip(w + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), 0.0, 1.0)
        out.append(w)
    return np.array(out)


@pytest.mark.parametrize(("seed", "alpha"), [(0, 0.0), (1, 0.4), (2, -0.5), (3, 0.1)])
def test_networks_with_walls_follow_brute_force(seed, alpha):
    edges = graph_edges("complete_graph", 4)
    network = random_network(edges, seed, device=hard(alpha=alpha, beta=0.02))
    t = np.linspace(0, 4, 21)
    trajectory = solve(network, 4.0)
    assert trajectory.complete
    kinds = {e.kind.split()[0] for e in trajectory.events}
    assert kinds == {"reaches", "leaves"}
    errors = [np.abs(brute_force(network, t, n) - trajectory(t)).max() for n in (20, 80)]
    # Clipping makes the reference about first order at events: it converges to the trajectory.
    assert errors[1] < 3e-4
    assert errors[1] < 0.5 * errors[0]
    unbounded = solve(network.with_device(caravelli(alpha=alpha, beta=0.02)), 4.0)
    assert not unbounded.complete or np.abs(unbounded(t) - trajectory(t)).max() > 0.05


def test_wall_runs_converge_with_the_tolerance():
    network = random_network(graph_edges("grid_2d_graph", 4, 4), 7, device=hard(beta=0.05, alpha=0.2))
    t = np.linspace(0, 3, 301)
    loose, usual, tight = (solve(network, 3.0, rtol=r, atol=r / 100) for r in (1e-7, 1e-10, 1e-12))
    assert len(tight.events) >= 20
    assert [(e.edge, e.kind) for e in usual.events] == [(e.edge, e.kind) for e in tight.events]
    np.testing.assert_allclose([e.t for e in usual.events], [e.t for e in tight.events], atol=1e-7)
    assert np.abs(usual(t) - tight(t)).max() < 1e-8
    assert np.abs(loose(t) - tight(t)).max() < 1e-5


@pytest.mark.parametrize("method", ["projector", "nodal", "loop"])
def test_walls_do_not_depend_on_the_form(method):
    network = random_network(graph_edges("complete_graph", 4), 2, device=hard(alpha=0.0, beta=0.05))
    t = np.linspace(0, 3, 61)
    np.testing.assert_allclose(integrate(network, t, method=method).state, integrate(network, t).state, atol=1e-8)


def test_a_balanced_bridge_at_its_bound_does_not_chatter():
    """No current but rounding noise flows through the middle of a balanced Wheatstone bridge."""
    edges = [(0, 1), (0, 2), (1, 3), (2, 3), (1, 2), (3, 0)]
    laws = [sb.Resistor(r) for r in (1.0, 3.0, 2.0, 6.0)] + [hard(alpha=0.0), sb.Resistor(0.7)]
    for wall in (0.0, 1.0):
        network = sb.Network.from_edges(edges, device=laws, drive={5: sb.Sine(1.0, 1.0)}, initial_state={4: wall})
        for method in ("nodal", "loop"):
            trajectory = solve(network, 5.0, method=method)
            assert trajectory.complete
            assert trajectory.events == ()
            assert np.abs(trajectory(np.linspace(0, 5, 101))[:, 4] - wall).max() < 1e-13


def test_growth_pins_every_state_at_one():
    network = random_network(graph_edges("complete_graph", 5), 0, device=hard(alpha=2.0))
    trajectory = solve(network, 20.0)
    assert trajectory.complete
    assert (trajectory(20.0) == 1.0).all()


def mixture() -> sb.Network:
    """Hard, smooth and no windows, an active edge, polarities, resistors and a pulse with corners."""
    rng = np.random.default_rng(8)
    windows = (sb.Hard(), sb.Joglekar(1), sb.Hard())
    devices: list[object] = [caravelli(window=windows[k % 3]) for k in range(13)]
    drives = [sb.Sine(3.0 * a, 0.4, phase=p) for a, p in zip(rng.normal(size=15), rng.random(15) * 6, strict=True)]
    drives[4] = sb.Pulse(0.0, 4.0, 0.5, 0.1, 0.1, 1.0)
    return sb.Network.from_graph(
        nx.complete_graph(6),
        device=[*devices, sb.Resistor(2.0), sb.Resistor(60.0)],
        drive=drives,
        initial_state=rng.uniform(0.3, 0.7, 15),
        polarity=rng.choice([-1, 1], 15),
        active=[14],
    )


def test_a_stepper_with_hard_bounds_converges_past_many_events():
    t = np.linspace(0.0, 5.0, 51)
    network = mixture()
    sharp = solve(network, 5.0, rtol=1e-11, atol=1e-13)
    assert len(sharp.events) >= 4
    for rtol in (1e-5, 1e-7):
        found = solve(network, 5.0, rtol=rtol, atol=1e-2 * rtol)
        assert np.abs(found(t) - sharp(t)).max() < 10.0 * rtol
        assert [event.kind for event in found.events] == [event.kind for event in sharp.events]


def test_a_vanishing_resistance_next_to_hard_edges_is_named():
    devices = [caravelli(window=sb.Hard()), caravelli()]
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=devices, drive={0: 8.0}, initial_state=0.3)
    found = solve(network, 10.0)
    assert not found.complete
    assert "edge 1-0" in found.reason
