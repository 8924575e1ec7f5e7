"""Networks: what the constructors keep, what they refuse, and the signs they define."""

from __future__ import annotations

import dataclasses

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import edge_lists, loop_networks, memristors, networks, numbers

from spicebridge.drives import DC, Sine
from spicebridge.errors import DeviceError, NetworkError, NetworkNote, SpiceBridgeError, StateRangeWarning
from spicebridge.generators import generate, unseeded
from spicebridge.laws import LinearMemristor, Resistor
from spicebridge.network import LoopMatrix, Network, same_parameters
from spicebridge.windows import Hard

DEVICE = LinearMemristor.caravelli2017(100.0, 1000.0, 0.1, 1.0)
TRIANGLE = [("a", "b"), ("b", "c"), ("c", "a")]


def triangle(**changes):
    return Network.from_edges(**({"edges": TRIANGLE, "device": DEVICE} | changes))


@given(edge_lists())
def test_edges_keep_order_orientation_and_copies(edges):
    network = Network.from_edges(edges, device=DEVICE)
    rebuilt = [(network.nodes[a], network.nodes[b]) for a, b in zip(network.tail, network.head, strict=True)]
    assert rebuilt == edges
    assert len(set(network.nodes)) == network.n_nodes
    assert network.n_edges == len(edges)


@given(edge_lists(), st.sampled_from([nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph]))
def test_a_graph_gives_its_own_edges_in_its_own_order(edges, kind):
    graph = kind(edges)
    graph.add_node("alone")
    network = Network.from_graph(graph, device=DEVICE)
    labels = [(network.nodes[a], network.nodes[b]) for a, b in zip(network.tail, network.head, strict=True)]
    assert labels == [(a, b) for a, b, *_ in graph.edges]
    assert network.nodes == tuple(graph.nodes)


@given(networks(active=True))
def test_signs_are_plus_or_minus_one_and_states_belong_to_memory(network):
    assert set(np.unique(network.P)) <= {-1.0, 1.0}
    assert set(np.unique(network.J)) <= {-1.0, 1.0}
    assert (network.initial_state[~network.stateful] == 0.0).all()
    laws = network.devices()
    assert [law.stateful for law in laws] == network.stateful.tolist()
    assert laws == [network.device(k) for k in range(network.n_edges)]


@given(networks())
def test_resistance_is_that_of_each_edge(network):
    states = np.linspace(0.2, 0.8, 3)[:, None] * np.ones(network.n_edges)
    expected = [[float(law.resistance(np.array([s]))[0]) for law in network.devices()] for s in (0.2, 0.5, 0.8)]
    np.testing.assert_allclose(network.resistance(states), expected, rtol=1e-14)
    np.testing.assert_allclose(network.resistance(states[1]), expected[1], rtol=1e-14)


@given(networks(active=True), st.data())
def test_changes_leave_the_rest_alone(network, data):
    n_e = network.n_edges
    states = data.draw(st.lists(numbers(0.1, 0.8), min_size=n_e, max_size=n_e))
    changed = network.with_initial_state(states)
    np.testing.assert_array_equal(changed.initial_state, np.where(network.stateful, states, 0.0))
    assert same_parameters(changed.with_initial_state(network.initial_state), network)
    signs = data.draw(st.lists(st.sampled_from([1, -1]), min_size=n_e, max_size=n_e))
    assert same_parameters(network.with_polarity(signs).with_polarity(network.J), network)
    assert same_parameters(network.with_active([0]).with_active(np.flatnonzero(network.P < 0)), network)
    assert same_parameters(network.with_drive(DC(0.5)).with_drive(network.drives), network)
    assert network.with_drive(DC(0.5)).bank(1.0).tolist() == [0.5] * n_e
    assert same_parameters(network.with_device(network.devices()), network)


@given(st.one_of(networks(min_edges=2, active=True), loop_networks(active=True)), st.data())
def test_any_difference_is_seen(network, data):
    k = data.draw(st.integers(0, network.n_edges - 1))
    assert same_parameters(network, dataclasses.replace(network, title="another name"))
    signs = network.J.copy()
    signs[k] *= -1
    others = [network.with_polarity(signs), network.with_drive({k: Sine(3.0, 1.0)})]
    active = set(np.flatnonzero(network.P < 0).tolist()) ^ {k}
    others.append(network.with_active(active))
    if network.stateful[k]:
        state = network.initial_state.copy()
        state[k] += 0.001
        others.append(network.with_initial_state(state))
    laws = network.devices()
    laws[k] = Resistor(12345.0)
    others.append(network.with_device(laws))
    if network.is_graph:
        others.append(network.without_edge(k))
        if network.tail[k] != network.head[k]:
            tail, head = network.tail.copy(), network.head.copy()
            tail[k], head[k] = head[k], tail[k]
            others.append(network.with_ends(tail, head))
    else:
        matrix = network.loop_matrix.copy()
        matrix[0, k] += 0.5
        others.append(dataclasses.replace(network, structure=LoopMatrix(matrix=matrix)))
    assert not any(same_parameters(network, other) for other in others)


@given(networks(min_edges=2), st.data())
def test_leaving_out_an_edge_moves_the_later_ones_up(network, data):
    k = data.draw(st.integers(0, network.n_edges - 1))
    rest = network.without_edge(k)
    keep = [e for e in range(network.n_edges) if e != k]
    assert rest.nodes == network.nodes
    assert rest.devices() == [network.devices()[e] for e in keep]
    assert rest.drives == tuple(network.drives[e] for e in keep)
    for name in ("tail", "head", "initial_state", "P", "J"):
        np.testing.assert_array_equal(getattr(rest, name), getattr(network, name)[keep])


@given(loop_networks())
def test_a_loop_matrix_is_kept_as_it_is(network):
    assert not network.is_graph
    assert network.n_nodes == 0
    assert network.loop_matrix.shape[1] == network.n_edges
    assert np.linalg.matrix_rank(network.loop_matrix) == network.loop_matrix.shape[0]


def test_parameters_by_edge_name_index_sequence_or_one_for_all():
    by_name = triangle(drive={("a", "b"): 0.1, 2: DC(0.3)}, initial_state={("b", "c"): 0.5}, polarity={1: -1})
    assert by_name.drives == (DC(0.1), None, DC(0.3))
    assert by_name.initial_state.tolist() == [0.0, 0.5, 0.0]
    assert by_name.J.tolist() == [1.0, -1.0, 1.0]
    assert triangle(drive=[0.1, None, 0]).drives == (DC(0.1), None, None)
    assert triangle(drive=0.2).drives == (DC(0.2),) * 3
    assert triangle().with_polarity({1: -1}).J.tolist() == [1.0, -1.0, 1.0]
    assert triangle(active=[2, ("a", "b")]).P.tolist() == [-1.0, 1.0, -1.0]


def test_attributes_of_a_graph():
    graph = nx.DiGraph(name="two")
    graph.add_edge(0, 1, s=0.3, v=DC(0.1), j=-1)
    graph.add_edge(1, 0, s=0.4, v=0.2, j=1)
    network = Network.from_graph(graph, device=DEVICE, initial_state="s", drive="v", polarity="j")
    assert network.initial_state.tolist() == [0.3, 0.4]
    assert network.drives == (DC(0.1), DC(0.2))
    assert network.J.tolist() == [-1.0, 1.0]
    assert network.title == "two"
    with pytest.raises(NetworkError, match=r"edge 0-1 \(index 0\): no attribute 'w'"):
        Network.from_graph(graph, device=DEVICE, initial_state="w")


def test_names_are_those_of_the_user():
    network = Network.from_edges([("in", "out"), ("in", "out"), ("out", "in")], device=DEVICE)
    assert [network.edge_name(k) for k in range(3)] == [
        "edge in-out (index 0)",
        "edge in-out (index 1)",
        "edge out-in",
    ]
    assert network.edge_labels == ("in-out#0", "in-out#1", "out-in")
    loop = Network.from_loop_matrix([[1.0, 2.0]], device=DEVICE)
    assert loop.edge_name(1) == "edge 1"
    assert loop.edge_labels == ("0", "1")


def test_arrays_are_copies_and_read_only():
    state = np.array([0.1, 0.2, 0.3])
    network = triangle(initial_state=state)
    state[0] = 0.9
    assert network.initial_state[0] == 0.1
    for name in ("tail", "head", "initial_state", "P", "J"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(network, name)[0] = 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edges": []}, "no edges"),
        ({"edges": [("a", "b"), ("a",)]}, r"edge 1: \('a',\) must be a pair"),
        ({"edges": [(["a"], "b")]}, "edge 0: .* must be a pair"),
        ({"edges": [3]}, "edge 0: 3 must be a pair"),
        ({"nodes": ["a", "b"]}, r"edge 1 \(b-c\): node 'c' is not in the list of nodes"),
        ({"initial_state": [0.1, 0.2]}, "initial_state: 2 values for 3 edges"),
        ({"initial_state": [0.1, np.nan, 0.2]}, "edge b-c: initial_state .*nan.* must be finite"),
        ({"initial_state": -0.2}, "edge a-b: initial state -0.2 makes the resistance zero or negative"),
        ({"initial_state": [0.1, 0.2, -0.5]}, "edge c-a: initial state -0.5"),
        ({"initial_state": "many"}, "initial_state: 'many' is no number"),
        ({"initial_state": {5: 0.1}}, "initial_state: edge 5 does not exist; the network has edges 0 to 2"),
        ({"initial_state": {0: "x"}}, "initial_state of edge 0: 'x' is no number"),
        ({"initial_state": {0: np.inf}}, "initial_state: inf for edge 0 must be finite"),
        ({"initial_state": {("a", "z"): 0.1}}, r"edge \('a', 'z'\) does not exist"),
        ({"polarity": 2}, r"edge a-b: polarity 2 must be \+1 or -1"),
        ({"polarity": [1, 0, 1]}, r"edge b-c: polarity 0 must be \+1 or -1"),
        ({"active": [3]}, "active: edge 3 does not exist"),
        ({"active": [-1]}, "active: edge -1 does not exist"),
        ({"active": 2}, "active: 2 must be a list of edge indices"),
        ({"active": [True]}, "active: edge True does not exist"),
        ({"drive": [0.1]}, "drive: 1 drives for 3 edges"),
        ({"drive": "sine"}, "drive: .* drives for 3 edges"),
        ({"drive": object()}, "is no drive"),
        ({"drive": [0.1, "x", 0.2]}, "drive of edge b-c: 'x' is no drive"),
        ({"drive": {1: True}}, "drive of edge b-c: True is no drive"),
    ],
)
def test_bad_networks_are_refused_by_edge(changes, message):
    with pytest.raises(NetworkError, match=message):
        triangle(**changes)


def test_parallel_edges_need_an_index():
    with pytest.raises(NetworkError, match=r"\('a', 'b'\) names parallel edges \[0, 1\]; use the index"):
        Network.from_edges([("a", "b"), ("a", "b")], device=DEVICE, initial_state={("a", "b"): 0.1})


def test_a_window_confines_the_initial_state():
    bounded = DEVICE.with_window(Hard())
    with pytest.raises(NetworkError, match=r"edge b-c: initial state 1.2 must lie in \[0, 1\]"):
        triangle(device=bounded, initial_state=[1.0, 1.2, 0.0])
    with pytest.warns(StateRangeWarning, match="edge b-c"):
        outside = triangle(initial_state=[0.5, 1.2, 0.5])
    with pytest.raises(NetworkError, match="edge b-c"):
        outside.with_device(bounded)


def test_changes_are_checked_like_constructions():
    network = triangle()
    for change, message in [
        (lambda: network.with_polarity([1, 1, 3]), "edge c-a: polarity 3"),
        (lambda: network.with_active([7]), "edge 7 does not exist"),
        (lambda: network.with_active(1), "must be a list"),
        (lambda: network.with_initial_state(-1.0), "initial state -1"),
        (lambda: network.with_drive([1.0]), "1 drives for 3 edges"),
        (lambda: network.device(3), "edge 3 does not exist; the network has edges 0 to 2"),
        (lambda: network.without_edge(5), "edge 5 does not exist"),
        (lambda: network.without_edge(0).without_edge(0).without_edge(0), "only edge"),
        (
            lambda: Network.from_loop_matrix([[1.0, 1.0]], device=DEVICE).without_edge(0),
            "no edges to leave out",
        ),
    ]:
        with pytest.raises(NetworkError, match=message):
            change()
    with pytest.raises(DeviceError, match="2 devices for 3 edges"):
        network.with_device([DEVICE, DEVICE])


def test_memory_is_forgotten_with_the_memristor():
    network = triangle(initial_state=0.4).with_device([DEVICE, Resistor(50.0), DEVICE])
    assert network.initial_state.tolist() == [0.4, 0.0, 0.4]


def test_nodes_listed_twice_are_one():
    network = triangle(nodes=["a", "b", "a", "c", "lonely"])
    assert network.nodes == ("a", "b", "c", "lonely")
    assert same_parameters(network, triangle(nodes=["a", "b", "c"]))
    assert network.head.max() < network.n_nodes


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1.0, "x"]], "real numbers"),
        ([[1.0], [2.0, 3.0]], "real numbers"),
        ([1.0, 2.0], r"shape \(2,\)"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
        ([[1.0, np.inf]], r"entry \(0, 1\) must be finite"),
        ([[1.0, 1.0], [2.0, 2.0]], "rank 1 is below its 2 rows"),
        ([[1.0], [2.0]], "rank 1 is below its 2 rows"),
    ],
)
def test_bad_loop_matrices(matrix, message):
    with pytest.raises(NetworkError, match=message):
        Network.from_loop_matrix(matrix, device=DEVICE)


def test_generators():
    network = Network.from_generator("complete_graph", 4, device=DEVICE)
    assert network.n_edges == 6
    first = Network.from_generator("gnm_random_graph", 10, 20, options={"seed": 1}, device=DEVICE)
    second = Network.from_generator("gnm_random_graph", 10, 20, options={"seed": 1}, device=DEVICE)
    assert same_parameters(first, second)
    assert unseeded("gnm_random_graph", 10, 20)
    assert not unseeded("gnm_random_graph", 10, 20, seed=0)
    assert not unseeded("gnm_random_graph", 10, 20, 7)
    assert not unseeded("complete_graph", 4)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("complet_graph", (4,), "'complet_graph' is not in networkx.*did you mean 'complete_graph'"),
        ("classic", (), "'classic' is not in networkx"),
        ("__doc__", (), "is not in networkx"),
        ("complete_graph", (), "complete_graph: .*missing"),
        ("random_regular_graph", (3, 5), "random_regular_graph: "),
        ("trivial_graph", (), "no edges"),
        ("complete_graph", (1_000_000,), "n = 1000000 asks for 499999500000 nodes or edges; 20000000 is the most"),
        ("gnm_random_graph", (40, 10**12), "m = 1000000000000 asks for"),
        ("balanced_tree", (10, 10**9), "asks for"),
    ],
)
def test_bad_generators(name, args, message):
    with pytest.raises(NetworkError, match=message):
        Network.from_generator(name, *args, device=DEVICE)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("number_of_nonisomorphic_trees", (4,), "returned int, not a graph"),
        ("line_graph", (4,), "line_graph: 'int' object has no attribute"),
    ],
)
def test_generate_refuses_what_is_no_graph(name, args, message):
    with pytest.raises(NetworkError, match=message):
        generate(name, *args)


def test_graphml(tmp_path):
    path = tmp_path / "net.graphml"
    nx.write_graphml(nx.DiGraph([("a", "b"), ("b", "a")]), path)
    network = Network.from_graphml(path, device=DEVICE)
    assert same_parameters(network, Network.from_edges([("a", "b"), ("b", "a")], device=DEVICE))
    with pytest.raises(NetworkError, match=r"none\.graphml: cannot read the graph"):
        Network.from_graphml(tmp_path / "none.graphml", device=DEVICE)
    (tmp_path / "bad.graphml").write_text("<graphml")
    with pytest.raises(NetworkError, match=r"bad\.graphml: not a GraphML file"):
        Network.from_graphml(tmp_path / "bad.graphml", device=DEVICE)
    with pytest.raises(NetworkError, match="list is no networkx graph"):
        Network.from_graph([(0, 1)], device=DEVICE)


@given(st.one_of(networks(), loop_networks()), memristors())
def test_every_error_is_of_one_family(network, device):
    assume(network.n_edges > 1)
    with pytest.raises(SpiceBridgeError):
        network.with_device([device])
    with pytest.raises(SpiceBridgeError):
        network.with_initial_state([0.5])


SPARSE = (np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_matrix)


@pytest.mark.parametrize("kind", SPARSE)
@given(seed=st.integers(0, 50))
def test_matrices_of_a_graph_give_the_graph(kind, seed):
    graph = nx.gnm_random_graph(7, 11, seed=seed)
    expected = Network.from_graph(graph, device=DEVICE)
    found = Network.from_adjacency(kind(nx.to_numpy_array(graph)), device=DEVICE)
    assert {frozenset(e) for e in found.structure.keys} == {frozenset(e) for e in graph.edges}
    assert (found.tail <= found.head).all()
    B = nx.incidence_matrix(graph, oriented=True)
    again = Network.from_incidence(kind(B.toarray()), device=DEVICE)
    assert same_parameters(again, expected)
    directed = Network.from_adjacency(kind(np.triu(nx.to_numpy_array(graph)).T), device=DEVICE, nodes="abcdefg")
    assert (directed.tail >= directed.head).all()
    assert directed.nodes == tuple("abcdefg")
    loops = kind(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 2.0]]))
    assert Network.from_loop_matrix(loops, device=DEVICE).loop_matrix.tolist() == [[1, 1, 0], [0, 1, 2]]


def test_entries_and_attributes_become_parameters():
    A = np.array([[0.0, 120.0, 0.0], [120.0, 0.0, 150.0], [0.0, 150.0, 0.0]])
    network = Network.from_adjacency(A, device=DEVICE, r_on="weight")
    assert [float(d.r_on) for d in network.devices()] == [120.0, 150.0]
    graph = nx.path_graph(3)
    nx.set_edge_attributes(graph, {(0, 1): 200.0, (1, 2): "1.6k"}, "high")
    nx.set_node_attributes(graph, {n: (float(n), 0.5) for n in graph}, "pos")
    law = LinearMemristor.caravelli2017
    network = Network.from_graph(graph, device=law, r_on=100, r_off="high", alpha="0.1 1/s", beta=1.0)
    assert [float(d.r_off) for d in network.devices()] == [200.0, 1600.0]
    np.testing.assert_array_equal(network.structure.positions, [[0, 0.5], [1, 0.5], [2, 0.5]])
    for build, message in (
        (lambda: Network.from_graph(graph, device=DEVICE, r_of="high"), "no parameter 'r_of' .did you mean 'r_off'"),
        (lambda: Network.from_graph(graph, device=DEVICE, r_off="hihg"), "no attribute 'hihg' .*did you mean 'high'"),
        (lambda: Network.from_graph(graph, device=law, r_on=100), "missing"),
        (lambda: Network.from_graph(graph, device=[DEVICE] * 2, r_on=1.0), "one device for all edges"),
    ):
        with pytest.raises(NetworkError, match=message):
            build()


def test_a_weight_is_used_or_said():
    graph = nx.karate_club_graph()
    with pytest.warns(NetworkNote, match="'weight' is not used"):
        Network.from_graph(graph, device=DEVICE)
    Network.from_graph(graph, device=DEVICE, ignore=["weight"])
    Network.from_graph(graph, device=DEVICE, r_on="weight")
    Network.from_adjacency(np.ones((3, 3)), device=DEVICE)
    with pytest.warns(NetworkNote):
        Network.from_adjacency(2.0 * np.ones((3, 3)), device=DEVICE)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Network.from_adjacency([[0, 1]], device=DEVICE), "must be square"),
        (lambda: Network.from_adjacency([[0, 1], [2, 0]], device=DEVICE), "with another entry; say directed=True"),
        (lambda: Network.from_adjacency([[0, 1], [0, 0]], device=DEVICE, directed=False), "not symmetric"),
        (lambda: Network.from_adjacency([[0, np.nan], [0, 0]], device=DEVICE), "finite"),
        (lambda: Network.from_adjacency(np.zeros((2, 2)), device=DEVICE), "no edges"),
        (lambda: Network.from_adjacency([["a"]], device=DEVICE), "real numbers"),
        (lambda: Network.from_adjacency(np.ones((2, 2)), device=DEVICE, nodes=["a"]), "1 nodes for 2 rows"),
        (lambda: Network.from_incidence([[-1], [-1]], device=DEVICE), "column 0 holds"),
        (lambda: Network.from_incidence([[1, 1], [1, 1]], device=DEVICE), "oriented=True"),
        (lambda: Network.from_incidence([[-1, 1, 0], [0, -1, 1], [-1, 1, 0]], device=DEVICE), "give B.T"),
        (lambda: Network.from_graph(np.ones((2, 2)), device=DEVICE), "use from_adjacency"),
        (
            lambda: triangle(drive={("b", "a"): 0.5}),
            r"edge 0 goes the other way; name it \('a', 'b'\); the same source",
        ),
        (lambda: triangle(polarity={("b", "a"): -1}), "the polarity there is the opposite"),
        (lambda: triangle(drive=np.sin), r"PWL.from_function\(f, stop=…, tolerance=1e-4\)"),
        (lambda: triangle(drive=[0.1, lambda t: t, None]), "drive of edge b-c: a function of time"),
    ],
)
def test_what_is_no_network_names_the_cure(build, message):
    with pytest.raises(NetworkError, match=message):
        build()


def test_a_graph_with_its_own_exporter_is_taken():
    class Foreign:
        """As igraph has it: no `nodes`, and an exporter."""

        def to_networkx(self):
            return nx.path_graph(3)

    assert Network.from_graph(Foreign(), device=DEVICE).n_edges == 2


def test_labels_of_parallel_edges_are_distinct():
    network = Network.from_edges([("a", "b"), ("a", "b"), ("a-b", "c"), ("a", "b-c")], device=DEVICE)
    assert network.edge_labels == ("a-b#0", "a-b#1", "a-b-c#2", "a-b-c#3")
    assert network.edge_name(1) == "edge a-b (index 1)"


def test_a_misspelt_argument_is_no_parameter():
    with pytest.raises(NetworkError, match="did you mean 'initial_state'"):
        Network.from_graph(nx.path_graph(3), device=DEVICE, intial_state=0.4)
