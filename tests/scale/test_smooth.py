"""Large networks: nothing is kept that was not asked for, and what ends a run is still noticed."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spicebridge as sb
from bench.networks import grid
from spicebridge.errors import RunFailed
from spicebridge.theory import solve
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.time.dop853 import ExplicitStepper


def test_no_dense_output_is_made_for_the_end_alone(monkeypatch):
    made = []
    original = ExplicitStepper._dense_output_impl
    monkeypatch.setattr(ExplicitStepper, "_dense_output_impl", lambda self: made.append(self.t) or original(self))
    network = grid(6, window=sb.Tanh())
    end = sb.integrate(network, [0.0, 5.0]).state[-1]
    assert made == []
    inside = sb.integrate(network, [0.0, 0.01, 5.0]).state
    assert len(made) == 1
    np.testing.assert_array_equal(inside[-1], end)


def test_every_output_time_is_served():
    network = grid(5, amplitude=0.1)
    trajectory = solve(network, 5.0)
    ends = [piece.stop for piece in trajectory.pieces]
    t = np.sort(np.concatenate([[0.0], ends, np.linspace(0.01, 4.99, 17)]))
    np.testing.assert_allclose(sb.integrate(network, t).state, trajectory(t), atol=1e-13)


def test_a_resistance_that_vanishes_within_a_step_is_seen_without_dense_output():
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.0, 1.0)
    pair = [device, sb.Resistor(5.0)]
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=pair, drive={0: 1.0}, initial_state=0.3)
    with pytest.raises(RunFailed, match="the resistance reaches zero"):
        sb.integrate(network, [0.0, 50.0])


def test_a_swing_between_step_ends_is_not_overlooked():
    """The state dives below R = 0 and is back at the end of a step: a corner of the source sets both ends."""
    device = sb.LinearMemristor.caravelli2017(1.0, 2.0, 0.0, 1.0)
    swing = sb.PWL((0.0, 1.0, 1.0 + 1e-6, 2.0), (2.5, 2.5, -2.5, -2.5))
    network = sb.Network.from_edges([(0, 0)], device=device, drive=swing, initial_state=0.4)
    with pytest.raises(RunFailed, match="the resistance reaches zero"):
        sb.integrate(network, [0.0, 2.0], rtol=1e-3, atol=1e-3)


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 60))
def test_bridges_are_those_of_networkx(seed, n, m):
    rng = np.random.default_rng(seed)
    tail, head = rng.integers(0, n, (2, m))
    found = Topology(n, tail, head).bridges
    graph = nx.MultiGraph(zip(tail.tolist(), head.tolist(), strict=True))
    simple = nx.Graph((a, b) for a, b, k in graph.edges(keys=True) if graph.number_of_edges(a, b) == 1 and a != b)
    for a, b in graph.edges():
        if graph.number_of_edges(a, b) > 1 and a != b:
            simple.add_edge(a, b, many=True)
    expected = {frozenset(e) for e in nx.bridges(simple) if "many" not in simple.edges[e]}
    assert {frozenset((int(tail[k]), int(head[k]))) for k in found} == expected
