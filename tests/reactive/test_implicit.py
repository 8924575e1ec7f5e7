"""Implicit integration: coefficients by their definition, stiff circuits by closed forms, and the explicit method."""

from __future__ import annotations

import numpy as np
import pytest

import spicebridge as sb
from bench.reactive import STOP, random_network
from spicebridge.errors import NetworkError
from spicebridge.theory import solve
from spicebridge.theory.currents.linearised import AdmittancePattern, Linearised
from spicebridge.theory.time.dynamics import Dynamics, network_branch
from spicebridge.theory.time.implicit import collocation as c

T = np.linspace(0.0, STOP, 203)


def test_radau_nodes_and_weights_have_order_thirteen() -> None:
    """The last row of A integrates polynomials up to degree 2 s - 2, every row up to degree s - 1."""
    for k in range(2 * c.STAGES - 1):
        assert c.A[-1] @ c.C**k == pytest.approx(1.0 / (k + 1), abs=1e-14)
    for k in range(c.STAGES):
        np.testing.assert_allclose(c.A @ c.C**k, c.C ** (k + 1) / (k + 1), atol=1e-14)
    np.testing.assert_allclose(((c.T * c.WEIGHT * c.LAMBDA) @ c.T_INVERSE).real, c.A_INVERSE, atol=1e-11)


@pytest.mark.parametrize("z", [0.25, 1.0, 4.0, 16.0, 1j, 4j, 8j])
def test_the_error_estimate_covers_the_dense_output(z: complex) -> None:
    """y' = -z y in one step: the whole polynomial is within the filtered estimate, which is not 100 times too large."""
    x = np.linspace(0.0, 1.0, 401)
    Z = np.linalg.solve(c.A_INVERSE + z * np.eye(c.STAGES), -z * np.ones(c.STAGES))
    dense = np.abs(c.through_stages(x) @ np.concatenate([[1.0], 1.0 + Z]) - np.exp(-z * x)).max()
    estimate = abs((-z / c.LAMBDA_REAL + c.ERROR @ Z) / (1.0 + z / c.LAMBDA_REAL))
    assert dense <= estimate <= 100.0 * dense


@pytest.mark.parametrize("tau", [1e-9, 1e-4])
def test_a_stiff_rc_follows_its_closed_form(tau: float) -> None:
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)], device=[sb.Resistor(1e3), sb.Capacitor(tau / 1e3)], drive={0: sb.Sine(1.0, 1.0)}
    )
    t = np.linspace(0.0, 1.0, 1001)
    waves = sb.integrate(network, t)
    assert waves.source.endswith("implicit)")
    w = 2.0 * np.pi
    exact = (np.sin(w * t) - w * tau * np.cos(w * t) + w * tau * np.exp(-t / tau)) / (1.0 + (w * tau) ** 2)
    np.testing.assert_allclose(waves.state[:, 1], exact, atol=2e-10)


@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("seed", range(30, 34))
def test_implicit_and_explicit_solve_the_same_equations(seed: int, reduced: bool) -> None:
    network = random_network(seed, reduced=reduced)
    explicit, implicit = (solve(network, STOP, stepping=how) for how in ("explicit", "implicit"))
    assert (explicit.method + ", implicit") == implicit.method
    np.testing.assert_allclose(implicit(T), explicit(T), atol=1e-9)


def test_implicit_takes_networks_without_reactive_edges_too() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 0.1)
    network = sb.Network.from_generator("complete_graph", 4, device=device, drive=sb.Sine(1.0, 2.0), initial_state=0.4)
    a, b = (sb.integrate(network, T, stepping=how) for how in ("explicit", "implicit"))
    np.testing.assert_allclose(a.state, b.state, atol=1e-9)
    assert sb.integrate(network, [1.0]).source == "theory (loop)"


def test_walls_are_events_of_the_implicit_method() -> None:
    """Two walls behind a parasitic capacitor whose time is 1e-4 of the span: the events of the ideal network, shifted."""
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.0, 0.002, window=sb.Hard())
    edges = [(0, 1), (1, 2), (2, 0), (1, 0)]
    drive = {0: sb.Sine(1.0, 2.0)}
    devices = [device, device, sb.Resistor(100.0)]
    fast = sb.Network.from_edges(
        edges, device=[*devices, sb.Capacitor(1e-7)], drive=drive, initial_state={0: 0.4, 1: 0.5}
    )
    ideal = sb.Network.from_edges(edges[:3], device=devices, drive=drive, initial_state={0: 0.4, 1: 0.5})
    run, reference = solve(fast, 0.9), solve(ideal, 0.9)
    assert run.method.endswith("implicit")
    assert run.complete
    assert [(e.edge, e.kind) for e in run.events] == [(e.edge, e.kind) for e in reference.events]
    np.testing.assert_allclose([e.t for e in run.events], [e.t for e in reference.events], atol=2e-4)


def test_the_linear_systems_invert_the_jacobian() -> None:
    """(sigma - J) d = r with J by central differences of the right-hand side, memristors of polarity -1 included."""
    network = random_network(2)
    branch, _ = network_branch(network)
    dynamics = Dynamics(network, branch)
    x = network.initial_state
    moving = np.flatnonzero(network.stateful)
    J = np.zeros((moving.size, moving.size))
    for column, k in enumerate(moving):
        step = np.zeros(x.size)
        step[k] = 1e-5
        J[:, column] = ((dynamics(x + step, 0.3) - dynamics(x - step, 0.3)) / 2e-5)[moving]
    current, voltage = branch(x, 0.3)
    linear = Linearised(network, AdmittancePattern(network), x, current, voltage)
    r = np.where(network.stateful, np.linspace(-1.0, 1.0, x.size), 0.0)
    for sigma in (3.0, 2.0 - 5.0j):
        expected = np.linalg.solve(sigma * np.eye(moving.size) - J, r[moving])
        np.testing.assert_allclose(linear.at(sigma).solve(r)[moving], expected, rtol=1e-8, atol=1e-9)


def test_an_unknown_way_of_stepping_is_refused() -> None:
    with pytest.raises(NetworkError, match=r"stepping 'implict' must be one of.*implicit"):
        sb.integrate(random_network(0), [1.0], stepping="implict")
