"""The three forms of Kirchhoff's equations give the same currents."""

from __future__ import annotations

import gc
import itertools
import weakref
from concurrent.futures import ThreadPoolExecutor

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import spicebridge as sb
from spicebridge.errors import NetworkError, ProjectorSingular, SingularNetwork
from spicebridge.theory.currents import iterative as iterative_module
from spicebridge.theory.currents.branch import branch_solver, kept_solver
from spicebridge.theory.currents.factorisation import SparseLdl
from spicebridge.theory.currents.fill import Fill
from spicebridge.theory.currents.laplacian import GroundedLaplacian
from spicebridge.theory.currents.loop import LoopSolver
from spicebridge.theory.currents.many_times import stacked_currents
from spicebridge.theory.currents.nodal import NodalSolver
from spicebridge.theory.currents.topology import Topology

from .networks import caravelli, edge_lists, graph_edges, random_network

AGREE = 1e-12
WELL_CONDITIONED = 100.0
"""Signed networks whose mesh matrix has a larger condition number (or Ob norm) are left out."""


def mesh_reference(topology: Topology, q: np.ndarray, S: np.ndarray) -> np.ndarray:
    A = topology.A.toarray()
    return A.T @ np.linalg.solve((A * q) @ A.T, A @ S)


def well_conditioned(network: sb.Network) -> bool:
    topology = Topology.of(network)
    A = topology.A.toarray()
    if A.shape[0] == 0:
        return True
    q = network.P * network.resistance(network.initial_state)
    r0 = network.P * network.resistance(np.zeros(network.n_edges))
    worst = max(np.linalg.cond((A * x) @ A.T) for x in (q, r0))
    return worst < WELL_CONDITIONED


@given(edge_lists(), st.integers(0, 10**6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_projector_nodal_and_loop_agree(edges, seed, mixed):
    network = random_network(edges, seed, mixed=mixed)
    assume(well_conditioned(network))
    q = network.P * network.resistance(network.initial_state)
    S = np.random.default_rng(seed).normal(size=len(edges))
    reference = mesh_reference(Topology.of(network), q, S)
    scale = np.abs(reference).max()
    for method in ("projector", "nodal", "loop", "auto"):
        current = branch_solver(network, method).solve(q, S)
        assert np.abs(current - reference).max() <= AGREE * scale, method
    # Currents at many times at once are those of one time after the other.
    t = np.array([0.0, 0.4, 1.1])
    stacked = stacked_currents(network, t, np.tile(network.initial_state, (3, 1)))
    assert stacked is not None
    for current, drop, emf in zip(*stacked, network.bank(t), strict=True):
        alone = mesh_reference(Topology.of(network), q, emf)
        assert np.abs(current - alone).max() <= AGREE * max(np.abs(alone).max(), np.abs(emf / q).max())
        np.testing.assert_array_equal(drop, q * current)


@pytest.mark.parametrize(
    ("plan", "mixed"),
    [*itertools.product(["ldl", "dense", "superlu"], [False, True]), ("supernodal", False)],
)
def test_every_nodal_plan_gives_the_mesh_currents(plan, mixed):
    edges = graph_edges("grid_2d_graph", 9, 9)
    network = random_network(edges, 5, mixed=mixed)
    topology = Topology.of(network)
    assert NodalSolver(topology, passive=not mixed).plan == "ldl"
    solver = NodalSolver(topology, passive=not mixed, plan=plan)
    S = np.random.default_rng(2).normal(size=len(edges))
    for state in (0.1, 0.9):
        q = network.P * network.resistance(np.full(len(edges), state))
        reference = mesh_reference(topology, q, S)
        condition = np.linalg.cond((topology.A.toarray() * q) @ topology.A.toarray().T)
        bound = 4.0 * np.finfo(float).eps * max(condition, 1e3) * np.abs(reference).max()
        assert np.abs(solver.solve(q, S) - reference).max() <= bound


def test_the_plan_follows_the_fill():
    dense = NodalSolver(Topology.of(random_network(graph_edges("complete_graph", 70), 0)))
    sparse = NodalSolver(Topology.of(random_network(graph_edges("grid_2d_graph", 20, 20), 0)))
    assert (dense.plan, sparse.plan) == ("dense", "ldl")


@pytest.mark.parametrize(
    ("graph", "plan"),
    [
        (nx.random_regular_graph(4, 4000, seed=1), "cg"),
        (nx.barabasi_albert_graph(2000, 2, seed=1), "supernodal"),
        (nx.grid_graph((12, 12, 12)), "supernodal"),
        (nx.grid_2d_graph(45, 45), "ldl"),
    ],
)
def test_expanders_iterate_and_grids_eliminate(graph, plan):
    edges = list(nx.convert_node_labels_to_integers(graph).edges)
    network = sb.Network.from_edges(edges, device=caravelli(), drive={0: 1.0}, initial_state=0.5)
    assert NodalSolver(Topology.of(network)).plan == plan


def test_sampled_columns_tell_the_fill():
    for graph in (nx.random_regular_graph(4, 1500, seed=2), nx.barabasi_albert_graph(1500, 3, seed=1)):
        edges = list(nx.convert_node_labels_to_integers(graph).edges)
        laplacian = GroundedLaplacian(Topology.of(sb.Network.from_edges(edges, device=caravelli(), initial_state=0.5)))
        exact = SparseLdl(laplacian)
        found = Fill.of(laplacian.full(laplacian.stand_in()))
        assert 1 / 3 < found.entries / exact.fill < 3
        flops = exact.flops
        assert 1 / 3 < found.flops / flops < 3


def test_conjugate_gradients_agree_and_say_when_they_do_not(monkeypatch):
    edges = list(nx.random_regular_graph(4, 300, seed=1).edges)
    rng = np.random.default_rng(0)
    network = sb.Network.from_edges(edges, device=caravelli(r_off=1e3), drive=[sb.DC(x) for x in rng.normal(size=600)])
    topology = Topology.of(network)
    q = network.resistance(rng.random(600))
    S = network.bank(0.0)
    iterative, direct = NodalSolver(topology, plan="cg"), NodalSolver(topology, plan="superlu")
    reference = direct.solve(q, S)
    assert np.abs(iterative.solve(q, S) - reference).max() < 1e-11 * np.abs(reference).max()
    solve = iterative.factor(q)
    first, small = solve(S), solve(1e-9 * S)
    assert np.abs(small - 1e-9 * first).max() < 1e-11 * np.abs(first).max()
    monkeypatch.setattr(iterative_module, "MOST_STEPS", 3)
    with pytest.raises(SingularNetwork):
        iterative.solve(q, S)


def test_a_sparse_loop_solver_agrees(monkeypatch):
    network = random_network(graph_edges("grid_2d_graph", 6, 6), 3, mixed=True)
    topology = Topology.of(network)
    monkeypatch.setattr("spicebridge.theory.currents.loop.DENSE_LOOPS", 0)
    q = network.P * network.resistance(network.initial_state)
    S = np.random.default_rng(0).normal(size=network.n_edges)
    reference = mesh_reference(topology, q, S)
    np.testing.assert_allclose(LoopSolver(topology).solve(q, S), reference, atol=1e-10 * np.abs(reference).max())


@given(edge_lists(), st.integers(0, 10**6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_gauge_change_of_the_sources_changes_nothing(edges, seed, mixed):
    """Paper 1, Eqs. 30-31: S -> S + B^t p."""
    network = random_network(edges, seed, mixed=mixed)
    assume(well_conditioned(network))
    rng = np.random.default_rng(seed)
    q = network.P * network.resistance(network.initial_state)
    S = rng.normal(size=len(edges))
    B = Topology.of(network).B
    shifted = S + B.T @ rng.normal(size=B.shape[0])
    for method in ("nodal", "loop"):
        solver = branch_solver(network, method)
        before = solver.solve(q, S)
        np.testing.assert_allclose(solver.solve(q, shifted), before, atol=1e-11 * max(1.0, np.abs(before).max()))


@given(edge_lists(), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_turning_edges_round_turns_their_currents(edges, seed):
    """(A, S) -> (A D, D S): i -> D i."""
    rng = np.random.default_rng(seed)
    D = rng.choice([-1.0, 1.0], len(edges))
    turned = [(a, b) if d > 0 else (b, a) for (a, b), d in zip(edges, D, strict=True)]
    q, S = 1.0 + rng.random(len(edges)), rng.normal(size=len(edges))
    first, second = (
        branch_solver(sb.Network.from_edges(e, device=caravelli()), "nodal").solve(q, x)
        for e, x in ((edges, S), (turned, D * S))
    )
    np.testing.assert_allclose(second, D * first, atol=1e-13)


def test_kirchhoff_holds_on_a_large_grid_and_bridges_are_exactly_zero():
    edges = [*graph_edges("grid_2d_graph", 30, 30), (899, 900), (900, 901), (5, 5)]
    network = random_network(edges, 8)
    solver = branch_solver(network)
    assert solver.form == "nodal"
    q = network.resistance(network.initial_state)
    S = np.random.default_rng(0).normal(size=len(edges))
    i = solver.solve(q, S)
    topology = Topology.of(network)
    assert np.abs(topology.B @ i).max() < 1e-13
    assert np.abs(topology.A @ (q * i - S)).max() < 1e-12
    assert (i[[-3, -2]] == 0.0).all()
    assert i[-1] == pytest.approx(S[-1] / q[-1], rel=1e-15)


def test_auto_chooses_by_loops():
    ring = [(k, (k + 1) % 100) for k in range(100)]
    assert branch_solver(random_network(ring, 0)).form == "loop"
    assert branch_solver(random_network(graph_edges("complete_graph", 12), 0)).form == "nodal"
    matrix = sb.Network.from_loop_matrix(np.random.default_rng(0).random((4, 9)), device=caravelli())
    assert branch_solver(matrix).form == "loop"
    with pytest.raises(NetworkError, match="nodal"):
        branch_solver(matrix, "nodal")
    with pytest.raises(NetworkError, match="did you mean 'nodal'"):
        branch_solver(matrix, "nodel")


def test_loop_matrix_projector_agrees_with_the_loop_form():
    A = np.random.default_rng(4).random((6, 14))
    network = sb.Network.from_loop_matrix(
        A, device=sb.LinearMemristor.tunneling(1.0, 10.0, 1.0, 1.0), initial_state=0.4
    )
    q, S = network.resistance(network.initial_state), np.random.default_rng(1).random(14)
    first, second = (branch_solver(network, m).solve(q, S) for m in ("projector", "loop"))
    np.testing.assert_allclose(first, second, atol=1e-12 * np.abs(second).max())


@pytest.mark.parametrize("method", ["nodal", "loop"])
def test_a_singular_pair_of_active_and_passive_is_refused(method):
    """Paper 1 (after Eq. 3) says A R A^t is always invertible; equal and opposite resistances are not."""
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=caravelli(), active=[1])
    with pytest.raises(SingularNetwork):
        branch_solver(network, method).solve(np.array([2.0, -2.0]), np.array([1.0, 0.0]))


def test_the_projector_needs_linear_resistance_and_a_regular_reference():
    pair = sb.Network.from_edges([(0, 1), (1, 0)], device=caravelli(), active=[1], initial_state=[0.2, 0.7])
    with pytest.raises(ProjectorSingular):
        branch_solver(pair, "projector")
    q = pair.P * pair.resistance(pair.initial_state)
    assert np.isfinite(branch_solver(pair, "auto").solve(q, np.array([1.0, 0.0]))).all()


def test_mixed_memristors_and_resistors_agree_in_all_forms():
    edges = graph_edges("complete_graph", 5)
    rng = np.random.default_rng(0)
    laws = [caravelli(r_off=4.0 + k) if k % 2 else sb.Resistor(1.0 + k) for k in range(10)]
    network = sb.Network.from_edges(edges, device=laws, initial_state=0.5)
    q, S = network.resistance(network.initial_state), rng.normal(size=10)
    reference = mesh_reference(Topology.of(network), q, S)
    for method in ("projector", "nodal", "loop"):
        np.testing.assert_allclose(branch_solver(network, method).solve(q, S), reference, atol=1e-13)


def test_solvers_are_kept_by_thread_and_go_with_their_network():
    network = random_network(graph_edges("grid_2d_graph", 8, 8), 0, ac=False)
    mine = kept_solver(network)
    assert kept_solver(network) is mine
    with ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(kept_solver, network).result() is not mine
    gone = weakref.ref(network)
    del network, mine
    gc.collect()
    assert gone() is None
