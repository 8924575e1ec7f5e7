"""What a network is: the quantities of the papers against their definitions, their reference numbers and each other."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from bench.analysis import random_network, stable_points
from spicebridge.analysis import lyapunov, mean_field
from spicebridge.analysis.confirm import rests
from spicebridge.analysis.flow import Flow
from spicebridge.analysis.memory import projection_gap
from spicebridge.atlas.circuits import Standard, prism
from spicebridge.atlas.claims.force import UNIFORM
from spicebridge.errors import NetworkError
from spicebridge.theory import solve
from spicebridge.theory.results.closed_forms import fixed_point_spectrum
from tests.devices.laws import EXAMPLES

TUNNEL = sb.LinearMemristor.tunneling(0.1, 1.0, 1.0, 1.0)


def k4(device: object, **more: object) -> sb.Network:
    return sb.Network.from_graph(nx.complete_graph(4), device=device, **{"initial_state": 0.4, "drive": 0.2} | more)


@pytest.mark.parametrize(
    ("graph", "memory"), [(nx.cycle_graph(3), 1 / 3), (nx.complete_graph(4), 1 / 2), (nx.grid_2d_graph(4, 4), 3 / 8)]
)
def test_matrices_restate_their_definitions(graph: nx.Graph, memory: float) -> None:
    found = sb.analyse(sb.Network.from_graph(graph, device=TUNNEL))
    A, B, Omega = found.cycles, found.incidence, found.Omega
    assert found.effective_memory == memory
    assert not (A @ B.T).any()
    np.testing.assert_allclose(Omega @ Omega, Omega, atol=1e-13)
    np.testing.assert_allclose(Omega @ A.T, A.T, atol=1e-13)
    assert np.trace(Omega) == pytest.approx(found.n_loops)
    np.testing.assert_allclose(found.Omega_bar, Omega, atol=1e-13)


@pytest.mark.parametrize(
    ("control", "alpha", "dimension"), [("current", 0.0, 3), ("voltage", 0.0, 3), ("voltage", 0.3, 6)]
)
def test_reachable_dimension_is_the_number_of_loops_where_charges_are_kept(
    control: str, alpha: float, dimension: int
) -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha, 1.0, control=control)
    assert sb.analyse(k4(device, initial_state=[0.4, 0.42, 0.5, 0.3, 0.35, 0.6])).reachable_dimension == dimension


def laws() -> dict[str, sb.Network]:
    """Laws of every make on a triangle with a parallel edge: affine, nonlinear in the state or the drop, with signs."""
    found = {
        "mixed signs": Standard(mixed=True, polarity=True).circuit("random 8 nodes 14 edges (seed 5)").network,
        "with resistors": k4([TUNNEL] * 4 + [sb.Resistor(2.0)] * 2),
    }
    for name, example in EXAMPLES.items():
        amplitude = example.drive.amplitude
        found[name] = sb.Network.from_edges(
            [(0, 1), (1, 2), (2, 0), (0, 1)],
            device=example.device,
            drive=amplitude * np.array([0.9, 0.4, -0.3, 0.2]),
            initial_state=example.state,
            polarity=[1, -1, 1, 1],
        )
    return found


@pytest.mark.parametrize("name", laws())
def test_jacobian_and_source_matrix_are_the_derivatives_of_the_rate(name: str) -> None:
    network = laws()[name]
    found, flow = sb.analyse(network), Flow(network)
    w, h = network.initial_state, 1e-6
    eye = np.eye(network.n_edges) * network.stateful
    differences = np.array([(found.rate(w + h * e) - found.rate(w - h * e)) / (2 * h) for e in eye]).T
    np.testing.assert_allclose(found.jacobian(), differences, atol=1e-7 * max(1.0, np.abs(differences).max()))
    S = network.bank(0.0)
    columns = []
    for k in range(network.n_edges):
        level = np.tile(S, (2, 1))
        level[0, k] += 1e-6
        level[1, k] -= 1e-6
        up, down = (Flow(network.with_drive(row)).rate(w) for row in level)
        columns.append((up - down) / 2e-6)
    by_source = flow.by_source(flow.at(w))
    np.testing.assert_allclose(by_source, np.array(columns).T, atol=1e-7 * np.abs(by_source).max())


def test_the_spectrum_of_the_oscillating_prism() -> None:
    found = sb.analyse(prism().network)
    spectrum = found.spectrum()
    pair = spectrum[0]
    assert pair.real == pytest.approx(-0.091236, abs=5e-7)
    assert abs(pair.imag) == pytest.approx(0.851067, abs=5e-7)
    np.testing.assert_allclose(np.sort(spectrum.real)[:2], [-1.4715, -1.3631], atol=5e-5)
    rest = found.fixed_points(starts=8)
    (point,) = [p for p in rest if p.state.min() >= 0.0 and p.state.max() <= 1.0]
    # those outside the cube are of the same equation: alpha w = J i r0/beta at R > 0
    for other in rest:
        assert np.abs(found.rate(other.state)).max() < 1e-9
        assert found.network.resistance(other.state).min() > 0.0
    np.testing.assert_allclose(point.state, prism().network.initial_state, atol=1e-10)
    n = found.network
    known = fixed_point_spectrum(found.cycles, n.P, point.state, xi=1.2, alpha=-1.0)
    np.testing.assert_allclose(np.sort_complex(point.spectrum), np.sort_complex(known), atol=1e-8)
    assert point.stable


def test_states_without_bounds_rest_outside_the_cube_too() -> None:
    """Two edges of opposite polarity in one loop: R1 + R2 = 2 Ron at w = +-S/(2 alpha beta), whatever Roff is."""
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0)
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)], device=device, drive={0: 0.01}, polarity=[1, -1], initial_state=0.5
    )
    (point,) = sb.analyse(network).fixed_points(starts=16)
    np.testing.assert_allclose(point.state, [0.05, -0.05], atol=1e-10)
    assert point.kind == "unstable"


def test_every_stable_point_that_runs_reach_is_in_the_list() -> None:
    for row in stable_points(6, starts=200):
        assert row["rested"] == 200
        assert row["missed"] == 0
        assert row["spectrum"] < 1e-6


def test_circuits_rest_at_the_stable_points() -> None:
    network = random_network(8)
    found = sb.analyse(network).fixed_points(confirm=True)
    assert len(found.stable) == 2
    assert all(point.confirmed for point in found.stable)
    # a mutant: the circuit of other sources rests elsewhere
    other = rests(network.with_drive(network.bank(0.0) * 1.02), found.stable[0])
    assert other.outcome is not sb.Outcome.AGREES


def test_confirmed_numbers_agree_on_a_circuit() -> None:
    found = sb.analyse(prism().network, confirm=True).confirm()
    assert [c.what.split()[0] for c in found] == ["Omega", "Omega_bar", "growth", "rest"]
    assert all(c.agrees for c in found), found
    assert found[0].U < 1e-9


def test_fixed_points_need_constant_sources_and_motion() -> None:
    with pytest.raises(NetworkError, match=r"constant sources.*with_drive"):
        sb.analyse(k4(TUNNEL, drive=sb.Sine(1.0, 1.0))).fixed_points()
    still = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.0, 1.0)
    with pytest.raises(NetworkError, match="every state is a fixed point"):
        sb.analyse(k4(still, drive=None)).fixed_points()


def test_the_mean_field_of_paper_2() -> None:
    found = sb.analyse(k4(TUNNEL))
    assert found.potential().s_crit == pytest.approx(0.2061060431, abs=1e-10)
    barriers = [found.potential(s).barrier for s in (0.22, 0.24, 0.25)]
    np.testing.assert_allclose(barriers, [0.040826, 0.021236, 0.013286], atol=5e-7)
    assert found.potential(0.15).minima[0] == pytest.approx(0.178759, abs=5e-7)
    assert found.potential(0.25).maxima == pytest.approx((0.731238,), abs=5e-7)
    assert found.potential(0.05).minima == pytest.approx((0.0526,), abs=1e-3)
    V = found.potential(0.2)
    x = np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(V.slope(x), (V(x + 1e-6) - V(x - 1e-6)) / 2e-6, atol=1e-8)


def test_the_force_moves_the_centre_and_has_its_bounds() -> None:
    edges = dict(UNIFORM)["ring of 10 with strides 1, 3"]
    network = sb.Network.from_edges(edges, device=TUNNEL, drive=0.15)
    found = sb.analyse(network)
    x = np.random.default_rng(3).uniform(0.05, 0.75, (4, network.n_edges))
    Omega, chi = found.Omega, 0.9
    flow = [np.linalg.solve(np.eye(20) - chi * Omega * row, Omega @ np.full(20, 0.15)).mean() for row in x]
    np.testing.assert_allclose(found.force(x), np.array(flow) - 0.15 / (1 - chi * found.x_cg(x)), atol=1e-14)
    centre_rate = np.array([found.x_cg(found.rate(row)) for row in x])
    np.testing.assert_allclose(centre_rate, found.force(x) - found.potential().slope(found.x_cg(x)), atol=1e-14)
    spread = 0.15 * ((1 / (1 - chi * x)).mean(axis=1) - 1 / (1 - chi * x.mean(axis=1)))
    assert ((found.force(x) >= 0) & (found.force(x) <= spread)).all()
    with pytest.raises(NetworkError, match="passive edges only"):
        sb.analyse(network.with_active([0])).force(x)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), signs=st.booleans())
def test_the_lyapunov_function_falls_for_any_parameters(seed: int, signs: bool) -> None:
    rng = np.random.default_rng(seed)
    n = 6
    make = sb.LinearMemristor.caravelli2017 if rng.random() < 0.5 else sb.LinearMemristor.tunneling
    r_on = rng.uniform(0.5, 2.0, n)
    device = make(r_on, r_on * rng.uniform(2, 20, n), rng.uniform(-1, 1), rng.uniform(0.5, 2.0, n))
    network = k4(device, drive=rng.normal(size=n), polarity=rng.choice([-1, 1], n), active=[1, 4] if signs else ())
    w = rng.uniform(0.01, 0.99, n)
    try:
        L = lyapunov.LyapunovFunction.of(network)
    except sb.SpiceBridgeError:
        return
    v = Flow(network).rate(w)
    loss = float(L.loss(w, v))
    assert float(L.gradient(w) @ v) == pytest.approx(
        -loss, rel=1e-7, abs=1e-7 * float(np.abs(L.gradient(w)) @ np.abs(v))
    )
    slope = (L(w + 1e-6 * v / np.abs(v).max()) - L(w - 1e-6 * v / np.abs(v).max())) / 2e-6
    assert slope * np.abs(v).max() == pytest.approx(float(L.gradient(w) @ v), rel=1e-3, abs=1e-6 * abs(loss) + 1e-9)
    if not signs:
        assert loss >= 0.0


def test_the_functional_of_section_4_never_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.0, 1.0)
    network = k4(device, drive=[0.1, -0.2, 0.3, 0.1, 0.2, -0.1])
    found = sb.analyse(network)
    path = solve(network, 0.5)
    f = found.functional(path(np.linspace(0, 0.5, 51)))
    assert (np.diff(f) < 0).all()
    L = found.lyapunov_function(path(np.linspace(0, 0.5, 51)))
    np.testing.assert_allclose(np.diff(L) / np.diff(f), (L[1] - L[0]) / (f[1] - f[0]), rtol=1e-6)
    w = path(0.25)
    assert found.functional(w) == pytest.approx(0.5 * w**2 @ found.Omega @ network.bank(0.0), rel=1e-12)
    # of large networks the matrix is never made
    monkeypatch.setattr(lyapunov, "DENSE", 0)
    sparse = sb.analyse(network).lyapunov_function(path(np.linspace(0, 0.5, 51)))
    np.testing.assert_allclose(sparse, L, rtol=1e-12)
    with pytest.raises(NetworkError, match="alpha = 0"):
        sb.analyse(k4(sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0))).functional(path(0.0))


def test_exponents_at_a_fixed_point_are_its_spectrum_and_a_bound_absorbs() -> None:
    network = prism().network
    found = sb.analyse(network)
    period = 2 * np.pi / 0.851067
    exponents = found.lyapunov_exponents(8 * period)
    # over a finite span they differ from the spectrum by the angles of the eigenvectors over the span
    np.testing.assert_allclose(exponents, np.sort(found.spectrum().real)[::-1], atol=0.06)
    assert exponents.sum() == pytest.approx(found.spectrum().real.sum(), abs=1e-7)
    held = k4(sb.LinearMemristor.tunneling(0.1, 1.0, 1.0, 1.0, window=sb.Hard()), drive=0.3)
    assert np.isneginf(sb.analyse(held).lyapunov_exponents(4.0)).sum() >= 1


def test_conserved_charges_and_the_tree_stay_along_a_run() -> None:
    for control in ("current", "voltage"):
        device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.0, 1.0, control=control)
        network = k4(device, drive=[sb.Sine(0.4, 1.0, phase=float(k)) for k in range(6)], polarity=[1, -1, 1, 1, -1, 1])
        found, path = sb.analyse(network), solve(network, 2.0)
        law = found.conserved
        assert law is not None
        values = law.value(path(np.linspace(0, 2, 9)))
        np.testing.assert_allclose(values, values[0] * np.ones_like(values), atol=1e-9 * np.abs(law.weights).max())
        if control == "current":
            tree = found.chord_to_tree
            moved = path(2.0) - path(0.0)
            np.testing.assert_allclose(moved[tree.tree], tree.matrix @ moved[tree.chords], atol=1e-9)
            assert projection_gap(network, path(2.0))[0] < 1e-9
            assert projection_gap(network, path(2.0) + 0.1 * np.eye(6)[0])[0] > 0.01


def test_pseudospectrum_and_kreiss() -> None:
    found = sb.analyse(k4(TUNNEL, drive=0.15, initial_state=[0.1, 0.3, 0.2, 0.5, 0.4, 0.2])).pseudospectrum()
    assert found.numerical_abscissa < 0.0
    assert not found.amplifies
    assert found.kreiss >= 1.0
    z = found.real[3] + 1j * found.imaginary[5]
    nearest = np.abs(found.spectrum - z).min()
    assert found.sigma[5, 3] <= nearest + 1e-12


def test_bad_states_are_named() -> None:
    found = sb.analyse(k4(TUNNEL))
    with pytest.raises(NetworkError, match=r"shape \(3,\)"):
        found.jacobian([0.1, 0.2, 0.3])
    with pytest.raises(NetworkError, match="must be finite"):
        found.jacobian([0.1, 0.2, np.nan, 0, 0, 0])
    with pytest.raises(NetworkError, match="no network"):
        sb.analyse("k4")  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="a YakopcicMemristor is another one"):
        mean_field.force(laws()["yakopcic"], np.full(4, 0.1))
