"""Power series against another integrator, closed forms, finite differences and their own account of the error."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from spicebridge.theory import integrate, solve
from spicebridge.theory.currents.branch import branch_solver
from spicebridge.theory.results import closed_forms as exact
from spicebridge.theory.time import integration
from spicebridge.theory.time.crossing import first_crossing
from spicebridge.theory.time.dense_output import lagrange
from spicebridge.theory.time.taylor import integrator as module
from spicebridge.theory.time.taylor.integrator import TaylorIntegrator
from spicebridge.theory.time.taylor.source_series import SourceSeries
from spicebridge.theory.time.taylor.window_series import WindowSeries
from spicebridge.theory.time.trajectory import waveforms

from .networks import caravelli, edge_lists, graph_edges, random_network

STOP = 2.0
GRID = np.linspace(0.0, STOP, 41)

LAWS = {
    "current": caravelli(),
    "voltage": caravelli(control="voltage"),
    "eq61": caravelli(control="voltage_eq61"),
    "tunneling": sb.LinearMemristor.tunneling(1.0, 4.0, 0.3, 3.0),
    "hp": sb.HPMemristor(1.0, 16.0, 1.5),
    "joglekar": caravelli(window=sb.Joglekar(1)),
    "joglekar 4": caravelli(control="voltage", window=sb.Joglekar(4)),
}


@pytest.fixture
def other_integrator(monkeypatch):
    """Take the series away: what remains is the eighth-order method."""

    def without(network: sb.Network, t: np.ndarray) -> sb.Waveforms:
        with monkeypatch.context() as patch:
            patch.setattr(integration, "_series", lambda *_: None)
            return integrate(network, t, rtol=1e-12, atol=1e-14)

    return without


def drives(rng: np.random.Generator, n: int) -> list:
    kinds = [
        None,
        sb.DC(rng.normal(0, 0.3)),
        sb.Sine(0.3, 0.3 + rng.random(), offset=0.05, phase=6 * rng.random(), delay=0.4),
        sb.PWL((0.0, 0.3, 1.1, 1.5), tuple(rng.normal(0, 0.3, 4))),
        sb.Pulse(-0.1, 0.3, 0.2, 0.1, 0.15, 0.3, 0.7),
        sb.Sine(0.2, 2.0) + sb.PWL((0.1, 0.9), (0.0, 0.2)) + sb.DC(0.05),
    ]
    return [kinds[k] for k in rng.integers(0, len(kinds), n)]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("method", ["nodal", "loop"])
def test_every_law_drive_and_form_moves_as_another_integrator_says(other_integrator, law, method):
    rng = np.random.default_rng(len(law))
    edges = [*graph_edges("complete_graph", 5), (7, 8), (8, 7), (8, 9)]
    laws = [sb.Resistor(3.0) if k % 5 == 3 else LAWS[law] for k in range(len(edges))]
    laws[-3:] = [sb.Resistor(2.0), LAWS[law], LAWS[law]]
    signs = rng.choice([-1.0, 1.0], len(edges))
    network = sb.Network.from_edges(
        edges,
        device=laws,
        drive=drives(rng, len(edges)),
        initial_state=0.2 + 0.6 * rng.random(len(edges)),
        polarity=signs,
    )
    found = integrate(network, GRID, method=method)
    reference = other_integrator(network, GRID)
    for name in ("state", "current", "voltage"):
        ours, theirs = getattr(found, name), getattr(reference, name)
        assert np.abs(ours - theirs).max() < 1e-9 * max(1.0, np.abs(theirs).max()), name
    assert np.abs(reference.state - reference.state[0]).max() > 1e-3


@given(edge_lists(max_nodes=7, max_edges=14), st.integers(0, 10**6), st.booleans())
@settings(max_examples=30, deadline=None)
def test_hard_bounds_on_random_graphs(edges, seed, mixed):
    """Clipped small steps of first order as the sceptic's reference: right to its own error."""
    rng = np.random.default_rng(seed)
    network = random_network(edges, seed, device=caravelli(window=sb.Hard(), alpha=rng.choice([-0.5, 0.0, 0.5])))
    network = network.with_drive([d.scaled(8.0) for d in network.drives])
    trajectory = solve(network, STOP)
    assert trajectory.complete
    state, h = network.initial_state.copy(), STOP / 4000
    law = network.groups[0].device
    for k in range(4000):
        current, voltage = trajectory.branch(state, (k + 0.5) * h)
        state = np.clip(state + h * law.bulk_rate(state, voltage, current, network.P, network.J), 0.0, 1.0)
    assert np.abs(trajectory(STOP) - state).max() < 2e-2
    assert trajectory(GRID).min() >= 0.0
    assert trajectory(GRID).max() <= 1.0


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5])
def test_hits_and_releases_are_those_of_the_other_integrator(other_integrator, seed):
    network = random_network(graph_edges("complete_graph", 4), seed, device=caravelli(window=sb.Hard(), alpha=0.0))
    network = network.with_drive([d.scaled(40.0) for d in network.drives])
    found = solve(network, 3.0)
    assert len(found.events) > 1
    grid = np.linspace(0.0, 3.0, 301)
    assert np.abs(found(grid) - other_integrator(network, grid).state).max() < 1e-8


def test_the_account_of_the_error_is_honest():
    """Over growing, decaying and driven networks the true error is below what is stated, and not far below."""
    ratios = []
    for seed in range(12):
        alpha = (-1.0, 0.0, 1.5)[seed % 3]
        network = random_network(graph_edges("complete_graph", 5), seed, device=caravelli(alpha=alpha, r_off=40.0))
        reference = solve(network, STOP, rtol=1e-13, atol=1e-15)
        for rtol in (1e-5, 1e-8):
            found = solve(network, STOP, rtol=rtol, atol=rtol / 100)
            error = np.abs(found(GRID) - reference(GRID)).max()
            assert error <= found.error_estimate, (seed, rtol)
            ratios.append(error / found.error_estimate)
    assert np.median(ratios) > 0.005


def test_the_account_forgets_what_decays_while_the_states_rest(monkeypatch):
    """At rest any step resolves the states; their errors decay at a rate of 1/s, and are carried in steps of that size."""
    device = sb.LinearMemristor.caravelli2017(100.0, 220.0, -1.0, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive={0: -20.0}, initial_state=0.4)
    assert solve(network, 150.0).error_estimate < 1e-7
    tangent = module.Expansion.tangent
    monkeypatch.setattr(module.Expansion, "tangent", lambda self, change, x: max(x, tangent(self, change, x)))
    assert solve(network, 150.0).error_estimate > 1.0


def test_currents_have_an_account_too():
    """The currents of the states that the account says may be right as well differ by more than the true error."""
    network = random_network(graph_edges("complete_graph", 5), 3)
    reference = solve(network, STOP, rtol=1e-13, atol=1e-15).waveforms(GRID)
    found = solve(network, STOP, rtol=1e-6, atol=1e-8)
    other = waveforms(network, found.branch, GRID, found(GRID) + found.error(GRID), "")
    here = found.waveforms(GRID)
    for name in ("state", "current", "voltage"):
        true = np.abs(getattr(here, name) - getattr(reference, name)).max()
        stated = np.abs(getattr(here, name) - getattr(other, name)).max()
        assert 0.0 < true <= stated < 1e4 * true, name
    assert np.abs(found.error(GRID)).max() <= found.error_estimate
    with pytest.raises(sb.SpiceBridgeError, match="no account"):
        solve(network.with_device(caravelli(window=sb.Tanh())), 1.0).error(GRID)


def test_without_growth_the_account_is_too_small(monkeypatch):
    """The mutant that adds local errors up without carrying them along fails where errors grow."""
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 3.0, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive={0: -0.02}, initial_state=0.02)
    stop = 1.1
    reference = solve(network, stop, rtol=1e-13, atol=1e-15)(stop)

    def margin() -> float:
        found = solve(network, stop, rtol=1e-4, atol=1e-6, max_step=0.05)
        return float(found.error_estimate / np.abs(found(stop) - reference).max())

    assert margin() > 1.0
    honest = margin()
    monkeypatch.setattr(module.Expansion, "carried", lambda self, x: self._tangent[0])
    assert margin() < 0.8 * honest


def test_series_of_sources_are_the_sources():
    rng = np.random.default_rng(0)
    network = sb.Network.from_edges([(0, 1)] * 12, device=caravelli(), drive=drives(rng, 12))
    stops = [0.0, *network_corners(network, STOP), STOP]
    series = SourceSeries(network)
    for start, stop in itertools.pairwise(stops):
        length = min(stop - start, 0.1)
        series.expand(start, stop, length, 25)
        x = np.linspace(0.0, 1.0, 5)[:-1]
        total = sum(
            (c if c is not None else 0.0) * x[:, None] ** k for k, c in ((k, series.coefficient(k)) for k in range(25))
        )
        np.testing.assert_allclose(total, network.bank(start + x * length), atol=1e-12)


def network_corners(network: sb.Network, stop: float) -> list[float]:
    return sorted({t for d in network.drives if d is not None for t in d.breakpoints(stop)})


@given(st.integers(0, 10**6), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_first_crossings_are_those_of_the_roots(seed, degree):
    rng = np.random.default_rng(seed)
    c = rng.normal(size=(degree + 1, 12)) * 1.5 ** rng.integers(-2, 3, (degree + 1, 1))
    c[0] = -np.abs(c[0])
    level = np.abs(rng.normal(size=12)) * 0.1
    found = first_crossing(c, level)
    expected = np.full(12, np.inf)
    for k in range(12):
        g = c[:, k].copy()
        g[0] -= level[k]
        roots = np.roots(g[::-1])
        real = np.sort(roots.real[np.abs(roots.imag) < 1e-9])
        inside = [r for r in real if 0.0 <= r <= 1.0 and np.polyval(g[::-1], min(r + 1e-7, 1.0)) > 0.0]
        expected[k] = inside[0] if inside else np.inf
    first = expected.min()
    assert found.min() == pytest.approx(first, abs=1e-7)
    if math.isfinite(first):
        assert found.argmin() == expected.argmin()


def test_a_double_crossing_between_any_samples_is_found():
    """Above the level only between 0.50001 and 0.50002, which no grid of samples would show."""
    c = -np.array([[0.50001 * 0.50002], [-(0.50001 + 0.50002)], [1.0]])
    assert first_crossing(c, np.zeros(1))[0] == pytest.approx(0.50001, abs=1e-9)
    assert np.isinf(first_crossing(c - [[1e-9], [0.0], [0.0]], np.zeros(1))[0])


def test_one_factorisation_a_step(monkeypatch):
    network = random_network(graph_edges("complete_graph", 6), 1)
    count = []
    solver = type(branch_solver(network))
    original = solver.factor
    monkeypatch.setattr(solver, "factor", lambda self, r: count.append(1) or original(self, r))
    pieces = solve(network, STOP).pieces
    assert all(piece.basis is not lagrange for piece in pieces)
    assert len(count) == len(pieces)


def test_sources_without_a_series_and_windows_take_the_other_integrator(monkeypatch):
    monkeypatch.setattr(TaylorIntegrator, "run", lambda self: pytest.fail("no power series here"))
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)], device=caravelli(window=sb.Tanh()), drive={0: 0.1}, initial_state=0.5
    )
    assert solve(network, 1.0).error_estimate is None


def test_a_drop_that_a_source_imposes_is_no_longer_series_than_its_currents():
    """dw/dt = k v across a source is a quadrature, whatever the resistance does: w0 + k (V t + A (1 - cos)/(2 pi f))."""
    omega = 6.0 * math.pi
    for k in np.linspace(1.0, 31.0, 7):
        network = sb.Network.from_edges(
            [(0, 0)],
            device=caravelli(control="voltage", alpha=0.0, beta=1.0 / k),
            drive=[sb.Sine(2.0, 3.0, offset=0.1)],
            polarity=-1,
            initial_state=0.3,
        )
        for stop in (0.37, 1.0):
            right = 0.3 + k * (0.1 * stop + 2.0 / omega * (1.0 - math.cos(omega * stop)))
            assert integrate(network, [stop]).state[0, 0] == pytest.approx(right, rel=1e-9)


def test_a_wall_met_at_the_very_end_and_long_quiet_spans():
    device = caravelli(alpha=0.0, window=sb.Hard())
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive={0: 1.0}, initial_state=0.5)
    hit = exact.reach_time(0.0, 0.5, kappa=9.0, drift=-0.5)
    assert solve(network, hit)(hit) == pytest.approx([0.0, 0.0], abs=1e-9)
    after = solve(network, 1e9 * hit)
    assert [round(e.t / hit, 9) for e in after.events] == [1.0, 1.0]
    assert after(1e9 * hit) == pytest.approx([0.0, 0.0], abs=0.0)


@given(st.integers(1, 6), st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_window_series_are_those_of_the_window_and_of_its_slope(p, seed):
    """By values: the series of u(s(x)) d(x) and of du/ds at s(x), summed at a small x."""
    rng = np.random.default_rng(seed)
    order, x = 14, 0.05
    s, d = rng.uniform(-1.0, 1.0, (2, order + 1, 3))
    s[0] = rng.uniform(0.0, 1.0, 3)
    series = WindowSeries(p, np.arange(3), order)
    product = np.array([series.windowed(k, s[k], d[k]) for k in range(order + 1)])
    powers = x ** np.arange(order + 1)
    window, value, drift = sb.Joglekar(p), powers @ s, powers @ d
    tail = 1e3 * (4 * p * x) ** (order + 1)
    np.testing.assert_allclose(powers @ product, window.factor(value) * drift, atol=1e-13 + tail)
    slope = window.partials(value, value, np.ones(3))[0]
    np.testing.assert_allclose(powers[:order] @ series.slope(order), slope, atol=1e-12 + tail / x)


@pytest.mark.parametrize("p", [1, 3])
def test_the_account_of_the_error_holds_with_windows(p):
    network = random_network(graph_edges("complete_graph", 5), 3, device=caravelli(window=sb.Joglekar(p)))
    sharp, loose = solve(network, 3.0, rtol=1e-13, atol=1e-15), solve(network, 3.0, rtol=1e-7, atol=1e-9)
    t = np.linspace(0.0, 3.0, 31)
    assert loose.error_estimate is not None
    assert 1e-13 < np.abs(loose(t) - sharp(t)).max() < 2.0 * loose.error_estimate < 1e-5
