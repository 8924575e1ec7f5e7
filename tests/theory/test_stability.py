"""Signs of the mesh and nodal matrices, and the oscillating prism."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from spicebridge.errors import ScreenError
from spicebridge.theory import screen, solve
from spicebridge.theory.currents.branch import branch_solver
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results import closed_forms as exact
from spicebridge.theory.results import stability
from spicebridge.theory.time.dynamics import Dynamics, OhmicBranch

from .networks import (
    PRISM_ALPHA,
    PRISM_P,
    PRISM_W,
    PRISM_XI,
    caravelli,
    edge_lists,
    graph_edges,
    prism,
    random_network,
)


@given(edge_lists(), st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_inertia_identity(edges, seed):
    """n_-(A P R A^t) + n_-(B (P R)^-1 B^t) + nullity = n_-(P)."""
    network = random_network(edges, seed, mixed=True)
    report = screen(network)
    assert report.negative_mesh + report.negative_nodal + report.nullity == report.n_active
    topology = Topology.of(network)
    A = topology.A.toarray()
    q = network.P * network.resistance(network.initial_state)
    values = np.linalg.eigvalsh((A * q) @ A.T) if A.size else np.zeros(0)
    assert report.negative_mesh == (values < -1e-12).sum()


@pytest.mark.parametrize("name", [("grid_2d_graph", 12, 12), ("complete_graph", 20), ("cycle_graph", 40)])
def test_sparse_signs_agree_with_eigenvalues(name, monkeypatch):
    network = random_network(graph_edges(*name), 4, mixed=True)
    dense = screen(network)
    monkeypatch.setattr(stability, "DENSE_SCREEN", 0)
    assert screen(network) == dense
    assert dense.negative_mesh + dense.negative_nodal == dense.n_active > 0


def test_passive_networks_are_cheap_and_stable():
    report = screen(random_network(graph_edges("complete_graph", 5), 0))
    assert report.stable_against_series_inductance
    assert report.stable_against_node_capacitance
    assert "passive" in str(report)


def test_one_active_edge_in_a_loop_is_stable_one_way_only():
    """Series: R1 - R2 > 0 is stable against inductance; then 1/R1 - 1/R2 < 0 is not against capacitance."""
    laws = [sb.Resistor(3.0), sb.Resistor(2.0)]
    report = screen(sb.Network.from_edges([(0, 1), (1, 0)], device=laws, active=[1]))
    assert (report.stable_against_series_inductance, report.stable_against_node_capacitance) == (True, False)
    other = screen(sb.Network.from_edges([(0, 1), (1, 0)], device=laws[::-1], active=[1]))
    assert (other.stable_against_series_inductance, other.stable_against_node_capacitance) == (False, True)
    assert "UNSTABLE against parasitic series inductance" in other.summary


def test_a_singular_network_names_the_edges_of_its_loop():
    laws = [sb.Resistor(2.0), sb.Resistor(2.0), sb.Resistor(1.0), sb.Resistor(1.0)]
    network = sb.Network.from_edges([("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")], device=laws, active=[1])
    report = screen(network)
    assert report.singular
    assert report.nullity == 1
    assert set(report.singular_edges) == {"edge a-b", "edge b-a"}
    with pytest.raises(ScreenError, match="edge a-b"):
        report.require_solvable()


def test_a_missing_projector_is_reported_though_the_circuit_is_fine():
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=caravelli(), active=[1], initial_state=[0.2, 0.7])
    report = screen(network)
    assert report.projector_singular
    assert not report.singular
    assert "projector form does not exist" in report.summary
    assert solve(network, 0.1).complete


def test_screening_a_given_state():
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=caravelli(), active=[1], initial_state=[0.2, 0.7])
    assert screen(network).negative_mesh == 1
    assert screen(network, [0.7, 0.2]).negative_mesh == 0
    assert screen(network, [0.5, 0.5]).singular


def test_loop_matrix_networks_are_screened():
    A = np.random.default_rng(0).random((4, 9))
    network = sb.Network.from_loop_matrix(A, device=caravelli(), initial_state=0.5, active=[2, 5])
    report = screen(network)
    values = np.linalg.eigvalsh((A * (network.P * network.resistance(network.initial_state))) @ A.T)
    assert report.negative_mesh == (values < 0).sum()


def numerical_jacobian(network: sb.Network, state: np.ndarray, step: float = 1e-6) -> np.ndarray:
    field = Dynamics(network, OhmicBranch(network, branch_solver(network)))
    columns = []
    for e in np.eye(state.size) * step:
        columns.append((field(state + e, 0.0) - field(state - e, 0.0)) / (2 * step))
    return np.array(columns).T


def test_prism_rests_at_its_fixed_point_with_the_known_spectrum():
    network = prism()
    field = Dynamics(network, OhmicBranch(network, branch_solver(network)))
    assert np.abs(field(PRISM_W, 0.0)).max() < 1e-13
    A = Topology.of(network).A.toarray()
    spectrum = np.sort_complex(exact.fixed_point_spectrum(A, PRISM_P, PRISM_W, xi=PRISM_XI, alpha=PRISM_ALPHA))
    numeric = np.linalg.eigvals(numerical_jacobian(network, PRISM_W))
    for value in spectrum:
        assert np.abs(numeric - value).min() < 1e-6
    pair = spectrum[spectrum.imag > 0.1]
    assert pair == pytest.approx([-0.091236 + 0.851067j], abs=1e-6)
    real = np.sort(spectrum[abs(spectrum.imag) < 1e-6].real)
    np.testing.assert_allclose(real, [-1.4715, -1.3631, -1, -1, -1, -1, -1], atol=5e-5)


@pytest.mark.parametrize(("start", "period", "ratio"), [(0.01, 7.384, 0.510), (0.08, 7.395, 0.536)])
def test_prism_rings(start, period, ratio):
    jacobian = numerical_jacobian(prism(), PRISM_W)
    values, vectors = np.linalg.eig(jacobian)
    mode = vectors[:, int(values.imag.argmax())]
    mode = mode / mode[np.abs(mode).argmax()]
    trajectory = solve(prism(PRISM_W + start * mode.real), 30.0)
    assert trajectory.complete
    k = int(np.abs(mode).argmax())
    t = np.linspace(0, 30, 30001)
    away = trajectory(t)[:, k] - PRISM_W[k]
    turns = 1 + np.flatnonzero(np.diff(np.sign(np.diff(away))) != 0)
    swing = np.abs(np.diff(away[turns]))
    half = np.diff(t[turns])
    # Maxima and minima are shifted in opposite ways by the second order: average the two.
    assert half[0] / 2 + half[1] + half[2] / 2 == pytest.approx(period, abs=0.004)
    assert np.mean(swing[2:4] / swing[:2]) == pytest.approx(ratio, abs=0.012)
    states = trajectory(t)
    assert states.min() > 0.06
    assert states.max() < 0.9605


def test_theta_graph_has_the_analytic_complex_pair():
    w1, w2, xi, alpha = 0.3, 0.6, 3.0, -1.0
    A = np.array([[1.0, -1.0, 0.0], [0.0, -1.0, 1.0]])
    spectrum = exact.fixed_point_spectrum(A, [1, -1, 1], [w1, w2, w1 + w2], xi=xi, alpha=alpha)
    pair = exact.theta_eigenvalues(w1, w2, xi=xi, alpha=alpha)
    assert abs(pair[0].imag) > 0.05
    for value in pair:
        assert np.abs(spectrum - value).min() < 1e-12
    passive = exact.fixed_point_spectrum(A, [1, 1, 1], [w1, w2, w1 + w2], xi=xi, alpha=alpha)
    assert np.abs(passive.imag).max() < 1e-12
