"""The march that does not stop at hard bounds, against definitions, closed forms and located events."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from bench.networks import WALLS, T, grid
from spicebridge.errors import NetworkError
from spicebridge.theory import solve
from spicebridge.theory.results import closed_forms as exact
from spicebridge.theory.time import integration
from spicebridge.theory.time.reflection.step import GAUSS, ROOT3, ReflectedStep
from spicebridge.theory.time.taylor.march import TaylorMarch


def random_steps(n: int = 4000) -> ReflectedStep:
    """Steps that start inside or at a wall, and hit, leave, rest or graze."""
    rng = np.random.default_rng(3)
    start = np.where(rng.random(n) < 0.5, rng.integers(0, 2, n).astype(float), rng.random(n))
    return ReflectedStep(start, 1.5 * rng.normal(size=(2, n)), 0.4)


def stepped_path(step: ReflectedStep, parts: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """The projected equation for the step's rate by many clipped steps: places (parts + 1,) and path."""
    x = np.linspace(0.0, 1.0, parts + 1)
    path = [step.start]
    for a, b in itertools.pairwise(x):
        path.append(np.clip(path[-1] + step.h * (step.a * (b - a) + 0.5 * step.b * (b * b - a * a)), 0.0, 1.0))
    return x, np.array(path)


def test_the_end_of_a_step_solves_the_projected_equation():
    step = random_steps()
    fair = ~step.crossed
    assert fair.mean() > 0.9
    path = stepped_path(step)[1]
    assert np.abs(path[-1] - step.end)[fair].max() < 1e-6
    assert (step.end[step.place] <= 1.0).all()
    assert step.release.min() < 1.0
    assert step.hit.max() > 0.5


def test_moments_are_the_straight_line_of_least_squares():
    step = random_steps()
    x, path = stepped_path(step)
    mean = np.trapezoid(path, x, axis=0)
    tilt = ROOT3 * np.trapezoid(path * (2.0 * x - 1.0)[:, None], x, axis=0)
    nodes = step.moments()
    fair = ~step.crossed
    assert np.abs(nodes.mean(axis=0) - mean)[fair].max() < 1e-6
    inside = fair & (mean - np.abs(tilt) >= 0.0) & (mean + np.abs(tilt) <= 1.0)
    assert inside.mean() > 0.5
    assert np.abs(nodes[1] - nodes[0] - 2.0 * tilt)[inside].max() < 1e-6
    assert nodes[:, fair].min() >= 0.0
    assert nodes[:, fair].max() <= 1.0


def test_an_edge_away_from_walls_takes_the_gauss_step():
    rates = np.array([[0.3], [0.1]])
    step = ReflectedStep(np.array([0.5]), rates, 0.1)
    assert step.place.size == 0
    assert step.end == pytest.approx(0.5 + 0.1 * rates.mean(), abs=1e-15)
    expected = [0.5 + 0.1 * (step.a[0] * c + 0.5 * step.b[0] * c * c) for c in GAUSS]
    assert step.moments()[:, 0] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_no_rate_at_a_wall_means_rest(start):
    step = ReflectedStep(np.full(2, start), np.zeros((2, 2)), 1.0)
    assert (step.end == start).all()
    assert (step.moments() == start).all()


def test_a_step_at_whose_end_all_rest_at_walls_is_not_taken_for_exact() -> None:
    # The end of such a step is right whenever the edges came to their walls; on the way they may be anywhere.
    device = sb.LinearMemristor.tunneling(1.0, 27.4, alpha=-0.266, beta=0.403, window=sb.Hard())
    pulse = sb.Pulse(0.0, 2.0, delay=0.5, rise=0.001, fall=0.001, width=0.3, period=1.0)
    ring = sb.Network.from_edges(
        [(0, 1), (0, 3), (1, 2), (2, 3)],
        device=device,
        drive={0: pulse},
        initial_state=[0.778, 0.0248, 0.208, 0.301],
    )
    t = np.linspace(0.0, 3.0, 61)
    truth = solve(ring, 3.0, rtol=1e-11, atol=1e-13, bounds="events")(t)
    for rtol in (1e-4, 1e-6, 1e-8):
        found = solve(ring, 3.0, rtol=rtol, atol=1e-2 * rtol, bounds="reflection")
        assert np.abs(found(t) - truth).max() < min(found.bounds_error, rtol)


def single(amplitude: float, s0: float) -> sb.Network:
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.0, 1.0, window=sb.Hard())
    return sb.Network.from_edges([(0, 0)], device=device, drive=sb.Sine(amplitude, 0.5), initial_state=s0)


@pytest.mark.parametrize(("amplitude", "s0"), [(12.0, 0.5), (-12.0, 0.3), (5.0, 0.0), (-9.0, 1.0)])
def test_one_clipped_memristor_under_ac_is_exact(amplitude, s0):
    t = np.linspace(0, 6, 301)
    reference = exact.clipped_sine_loop(t, s0, kappa=9.0, g=-1.0, amplitude=amplitude, frequency=0.5)
    found = solve(single(amplitude, s0), 6.0, rtol=1e-8, atol=1e-10, bounds="reflection")
    error = np.abs(found(t)[:, 0] - reference).max()
    assert error < 2e-7
    assert error < found.bounds_error
    located = solve(single(amplitude, s0), 6.0, bounds="events")
    if (amplitude, s0) == (5.0, 0.0):
        return  # the state comes back to the wall and does not press: whether it then touches is rounding
    assert [event.kind for event in found.events] == [event.kind for event in located.events]
    np.testing.assert_allclose([event.t for event in found.events], [event.t for event in located.events], atol=1e-5)


def series_ring() -> sb.Network:
    """Edges in series are released at one instant under AC."""
    rng = np.random.default_rng(5)
    device = sb.LinearMemristor.caravelli2017(1.0 + rng.random(5), 20.0 + rng.random(5), 0.0, 1.0, window=sb.Hard())
    return sb.Network.from_edges(
        [(k, (k + 1) % 5) for k in range(5)],
        device=device,
        drive={0: sb.Sine(200.0, 0.5)},
        initial_state=0.2 + 0.6 * rng.random(5),
    )


def mixture() -> sb.Network:
    """Hard, smooth and no windows, an active edge, polarities, resistors and a pulse with corners."""
    rng = np.random.default_rng(8)
    graph = nx.complete_graph(6)
    windows = (sb.Hard(), sb.Joglekar(1), sb.Hard())
    devices: list[object] = [
        sb.LinearMemristor.caravelli2017(1.0, 8.0, 0.1, 1.0, window=windows[k % 3]) for k in range(13)
    ]
    drives = [sb.Sine(3.0 * a, 0.4, phase=p) for a, p in zip(rng.normal(size=15), rng.random(15) * 6, strict=True)]
    drives[4] = sb.Pulse(0.0, 4.0, 0.5, 0.1, 0.1, 1.0)
    return sb.Network.from_graph(
        graph,
        device=[*devices, sb.Resistor(2.0), sb.Resistor(60.0)],
        drive=drives,
        initial_state=rng.uniform(0.3, 0.7, 15),
        polarity=rng.choice([-1, 1], 15),
        active=[14],
    )


@pytest.mark.parametrize("build", [series_ring, mixture, lambda: grid(6, amplitude=WALLS, window=sb.Hard())])
def test_the_error_is_below_what_is_stated(build):
    network = build()
    t = np.linspace(0.0, T, 101)
    located = solve(network, T, rtol=1e-11, atol=1e-13, bounds="events")
    reference = located(t)
    assert len(located.events) >= 4
    previous = np.inf
    for rtol in (1e-5, 1e-7):
        found = solve(network, T, rtol=rtol, atol=rtol / 100, bounds="reflection")
        error = np.abs(found(t) - reference).max()
        assert found.complete
        assert error < found.bounds_error
        assert error < 0.2 * previous
        previous = error
    assert previous < 5e-7
    assert len(found.events) == len(located.events)


def test_hits_cost_third_order():
    """With steps of equal length the error falls with the cube of the step, in a network full of hits."""
    network = grid(8, amplitude=WALLS, window=sb.Hard(), seed=2)
    t = np.linspace(0.0, T, 6)
    reference = solve(network, T, rtol=1e-11, atol=1e-13, bounds="events")(t)
    steps = np.array([0.2, 0.1, 0.05, 0.025])
    errors = []
    for step in steps:
        # A tolerance that never shortens a step leaves the ceiling in charge (a quarter of `max_step`).
        found = solve(network, T, rtol=1e3, atol=1e3, max_step=4 * step, bounds="reflection")
        errors.append(np.abs(found(t) - reference).max())
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert 2.5 < order < 4.2, errors


def test_clipping_the_end_alone_would_be_worse(monkeypatch):
    """The mutant without moments (stage values clipped, as one would first write it) loses the accuracy."""

    def clipped(self: ReflectedStep) -> np.ndarray:
        nodes = [self.start + self.h * (c * self.a + 0.5 * c * c * self.b) for c in GAUSS]
        return np.clip(np.stack(nodes), 0.0, 1.0)

    network = grid(6, amplitude=WALLS, window=sb.Hard())
    reference = solve(network, T, bounds="events")(T)

    def error() -> float:
        found = solve(network, T, rtol=1e3, atol=1e3, max_step=0.2, bounds="reflection")
        return float(np.abs(found(T) - reference).max())

    good = error()
    monkeypatch.setattr(ReflectedStep, "moments", clipped)
    assert error() > 10.0 * good


def test_auto_locates_few_events_and_reflects_many(monkeypatch):
    used = []
    for where, name in ((TaylorMarch, "run"), (integration, "march_by_reflection")):
        original = getattr(where, name)
        monkeypatch.setattr(where, name, lambda *a, _name=name, _march=original: used.append(_name) or _march(*a))
    sb.integrate(grid(4, amplitude=WALLS, window=sb.Hard()), [0.0, 0.1])
    sb.integrate(grid(15, amplitude=WALLS, window=sb.Hard()), [0.0, 0.1], rtol=1e-6, atol=1e-8)
    assert used == ["run", "march_by_reflection"]


def test_an_unknown_way_of_meeting_bounds_is_named():
    with pytest.raises(NetworkError, match=r"bounds 'reflect' must be one of .*did you mean 'reflection'"):
        solve(single(1.0, 0.5), 1.0, bounds="reflect")


def test_a_vanishing_resistance_ends_the_march():
    """An edge without window next to hard ones: the reason names it."""
    hard = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.1, 1.0, window=sb.Hard())
    free = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.1, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=[hard, free], drive={0: 8.0}, initial_state=0.3)
    found = solve(network, 10.0, bounds="reflection")
    located = solve(network, 10.0, bounds="events")
    assert not found.complete
    assert "edge 1-0" in found.reason
    assert found.stop == pytest.approx(located.stop, rel=0.05)
