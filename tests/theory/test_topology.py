"""Definitions of the graph matrices, as tests."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from spicebridge.errors import NetworkError, ProjectorSingular
from spicebridge.theory.currents.topology import Topology

from .networks import caravelli, edge_lists, graph_edges

EXACT = 1e-12


def topology_of(edges: list[tuple[int, int]]) -> Topology:
    return Topology.of(sb.Network.from_edges(edges, device=caravelli()))


@given(edge_lists())
@settings(max_examples=80, deadline=None)
def test_cycles_are_a_basis_of_the_kernel_of_incidence(edges):
    topology = topology_of(edges)
    A, B = topology.A.toarray(), topology.B.toarray()
    assert (A @ B.T == 0).all()
    rank = np.linalg.matrix_rank(A) if A.size else 0
    assert rank == A.shape[0] == topology.n_loops == len(edges) - np.linalg.matrix_rank(B)
    chords = topology.forest.chords
    assert (A[:, chords] == np.eye(chords.size)).all()


@given(edge_lists())
@settings(max_examples=60, deadline=None)
def test_omega_is_the_cycle_projector_and_bridges_carry_nothing(edges):
    topology = topology_of(edges)
    Omega, B = topology.Omega, topology.B.toarray()
    np.testing.assert_allclose(Omega @ Omega, Omega, atol=EXACT)
    np.testing.assert_allclose(Omega, Omega.T, atol=EXACT)
    assert np.trace(Omega) == pytest.approx(topology.n_loops, abs=EXACT)
    # Paper 1, Eq. 5: the complement is the projector on cuts.
    np.testing.assert_allclose(np.eye(len(edges)) - Omega, B.T @ np.linalg.pinv(B @ B.T) @ B, atol=1e-10)
    np.testing.assert_array_equal(np.flatnonzero(np.diag(Omega) < EXACT), topology.bridges)


@given(edge_lists(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_omega_is_independent_of_the_spanning_tree(edges, random):
    """Reordering the edges changes the forest, not the projector."""
    order = list(range(len(edges)))
    random.shuffle(order)
    permuted = topology_of([edges[k] for k in order]).Omega
    np.testing.assert_allclose(topology_of(edges).Omega[np.ix_(order, order)], permuted, atol=EXACT)


def test_bridges_agree_with_networkx_on_a_sparse_random_graph():
    graph = nx.gnm_random_graph(400, 420, seed=3)
    edges = list(graph.edges)
    topology = Topology.of(sb.Network.from_graph(graph, device=caravelli()))
    known = {frozenset(edge) for edge in nx.bridges(graph)}
    expected = [k for k, edge in enumerate(edges) if frozenset(edge) in known]
    assert expected == topology.bridges.tolist()
    assert topology.n_components == nx.number_connected_components(graph)


@pytest.mark.parametrize(
    ("edges", "memory"),
    [
        (graph_edges("complete_graph", 3), 1 / 3),
        (graph_edges("complete_graph", 4), 1 / 2),
        (graph_edges("grid_2d_graph", 4, 4), 3 / 8),
        (graph_edges("complete_graph", 9), 1 - 2 / 9),
    ],
)
def test_effective_memory_of_named_graphs(edges, memory):
    assert topology_of(edges).effective_memory == pytest.approx(memory)


def test_thirty_of_the_sign_patterns_of_k4_have_no_projector():
    topology = topology_of(graph_edges("complete_graph", 4))
    singular = 0
    for pattern in range(64):
        P = np.array([-1.0 if pattern >> k & 1 else 1.0 for k in range(6)])
        try:
            Ob = topology.oblique(P)
        except ProjectorSingular as error:
            singular += "nodal" in str(error)
        else:
            np.testing.assert_allclose(Ob @ Ob, Ob, atol=1e-10)
    assert singular == 30


def test_a_loop_matrix_is_its_own_cycle_matrix_and_has_no_incidence():
    A = np.random.default_rng(1).random((3, 7))
    topology = Topology.of(sb.Network.from_loop_matrix(A, device=caravelli()))
    assert (topology.A.toarray() == A).all()
    assert topology.n_loops == 3
    np.testing.assert_allclose(topology.Omega, A.T @ np.linalg.solve(A @ A.T, A), atol=EXACT)
    with pytest.raises(NetworkError, match="loop form"):
        _ = topology.B
