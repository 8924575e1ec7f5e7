"""Every way of factorising gives the same currents, and the right one is taken."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import spicebridge as sb
from bench.networks import grid, memristors
from spicebridge.theory.currents import nodal
from spicebridge.theory.currents.factorisation import DenseCholesky, SparseLdl, SupernodalCholesky
from spicebridge.theory.currents.laplacian import GroundedLaplacian
from spicebridge.theory.currents.nodal import NodalSolver
from spicebridge.theory.currents.topology import Topology

EQUAL = 1e-11
"""Largest difference of currents in units of the largest."""


def conductances(network: sb.Network, step: float, count: int):
    """Resistances along a straight path of states, `step` apart."""
    rng = np.random.default_rng(0)
    direction = rng.uniform(-1.0, 1.0, network.n_edges)
    for k in range(count):
        yield network.resistance(np.clip(network.initial_state + k * step * direction, 0.0, 1.0))


@pytest.mark.parametrize(
    "factor", [SparseLdl, SupernodalCholesky, lambda laplacian: DenseCholesky(laplacian, passive=True)]
)
@pytest.mark.parametrize("step", [1e-3, 0.05])
def test_currents_are_those_of_elimination_with_pivoting(factor, step):
    network = grid(24)
    topology = Topology.of(network)
    laplacian = GroundedLaplacian(topology)
    solver = factor(laplacian)
    direct = NodalSolver(topology, plan="superlu")
    S = network.bank(0.0)
    for R in conductances(network, step, 4):
        data, load = laplacian.assemble(1.0 / R, S)
        solver.update(data)
        current = laplacian.drop(solver.solve(load), S) / R
        expected = direct.solve(R, S)
        assert np.abs(current - expected).max() <= EQUAL * np.abs(expected).max()


def test_equal_runs_give_equal_numbers():
    network = grid(70)
    first, second = (sb.integrate(network, [0.0, 0.5], rtol=1e-6, atol=1e-8).state for _ in range(2))
    assert np.array_equal(first, second)


def test_cholmod_is_taken_for_large_passive_networks_where_it_is_installed(monkeypatch):
    topology = Topology.of(grid(24))
    assert NodalSolver(topology).plan == "ldl"
    monkeypatch.setattr(nodal, "WIDE", 20)
    topology = Topology.of(grid(24))
    taken = NodalSolver(topology)
    assert taken.plan == "supernodal"
    assert NodalSolver(topology, passive=False).plan == "ldl"
    monkeypatch.setitem(sys.modules, "kvxopt", None)
    assert NodalSolver(topology).plan == "ldl"
    with pytest.raises(ImportError):
        NodalSolver(topology, plan="supernodal")


def test_cholmod_leaves_its_options_as_they_were():
    from kvxopt import cholmod

    before = dict(cholmod.options)
    SupernodalCholesky(GroundedLaplacian(Topology.of(grid(5))))
    assert dict(cholmod.options) == before


def test_two_components_parallel_edges_and_self_loops_at_once():
    rng = np.random.default_rng(4)
    pairs = rng.integers(0, 300, (900, 2))
    pairs[450:] += 300
    network = memristors(np.concatenate([pairs, pairs[:5], [[3, 3]]]), 600)
    topology = Topology.of(network)
    laplacian = GroundedLaplacian(topology)
    solver = SparseLdl(laplacian)
    S = network.bank(0.0)
    for R in conductances(network, 0.01, 4):
        data, load = laplacian.assemble(1.0 / R, S)
        solver.update(data)
        current = laplacian.drop(solver.solve(load), S) / R
        np.testing.assert_allclose(topology.B @ current, 0.0, atol=1e-12 * np.abs(current).max() * 10)
        np.testing.assert_allclose(topology.A @ (R * current - S), 0.0, atol=1e-11)
