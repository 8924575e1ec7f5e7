"""Case files: every form reads, and what is written reads back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from case_texts import PLAIN, with_network
from hypothesis import given
from hypothesis import strategies as st
from strategies import loop_networks, networks, windows

from spicebridge.case.case import Case, find_cases, load_case
from spicebridge.case.located_toml import key_lines
from spicebridge.drives import DC, PWL, Pulse, Sine
from spicebridge.errors import CaseError
from spicebridge.laws import LinearMemristor, Resistor
from spicebridge.network import Network, same_parameters
from spicebridge.windows import Hard, NoWindow, Tanh

FOLDER = Path(__file__).parent.parent / "compare"


def test_a_plain_case_is_the_network_it_describes():
    case = Case.from_toml(PLAIN)
    expected = Network.from_graph(
        nx.complete_graph(4),
        device=LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0),
        drive=Sine(1.0, 2.0),
        initial_state=0.4,
    )
    assert same_parameters(case.network, expected)
    assert (case.title, case.what, case.stop, case.points, case.tolerance) == (
        "K4",
        "Something.",
        5.0,
        11,
        1e-6,
    )
    assert (case.form, case.engine, case.expect) == ("fast", "auto", "agrees")
    np.testing.assert_array_equal(case.t, np.linspace(0.0, 5.0, 11))
    assert case.text == PLAIN
    assert case.network.title == "K4"


def test_edges_nodes_signs_and_lists():
    case = Case.from_toml(
        with_network(
            'edges = [["a", "b"], ["a", "b"], ["b", 3]]\nnodes = ["x", 3, "b", "a"]\n'
            'initial_state = [0.1, "200m", 0.3]\nactive = [2]\npolarity = [1, -1, 1]'
        )
    )
    network = case.network
    assert network.nodes == ("x", 3, "b", "a")
    assert network.tail.tolist() == [3, 3, 2]
    assert network.head.tolist() == [2, 2, 1]
    assert network.initial_state.tolist() == [0.1, 0.2, 0.3]
    assert network.P.tolist() == [1.0, 1.0, -1.0]
    assert network.J.tolist() == [1.0, -1.0, 1.0]


def test_nodes_may_be_lists():
    case = Case.from_toml(with_network("edges = [[[0, 0], [0, 1]], [[0, 1], [0, 0]]]"))
    assert case.network.nodes == ((0, 0), (0, 1))


def test_random_draws_are_those_of_the_seed():
    body = 'generator = "gnm_random_graph"\nargs = [8, 12]\noptions = {seed = 4}\n'
    body += "initial_state = {random = [0.2, 0.45], seed = 3}\npolarity = {random = true, seed = 5}"
    drive = '[drive]\nkind = "dc"\nlevel = {random = [-0.1, 0.1], seed = 6}\n'
    network = Case.from_toml(with_network(body, drive=drive)).network
    np.testing.assert_array_equal(network.initial_state, np.random.default_rng(3).uniform(0.2, 0.45, 12))
    np.testing.assert_array_equal(network.J, np.random.default_rng(5).choice([-1.0, 1.0], 12))
    levels = [drive.level for drive in network.drives]
    np.testing.assert_array_equal(levels, np.random.default_rng(6).uniform(-0.1, 0.1, 12))
    graph = nx.gnm_random_graph(8, 12, seed=4)
    assert list(zip(network.tail.tolist(), network.head.tolist(), strict=True)) == list(graph.edges)


def test_loop_matrices():
    fixed = Case.from_toml(with_network("loop_matrix = [[1, 0.5, 0], [0, 1, -1]]")).network
    assert fixed.loop_matrix.tolist() == [[1.0, 0.5, 0.0], [0.0, 1.0, -1.0]]
    rng = np.random.default_rng
    for name, expected in [("uniform", rng(1).random((2, 5))), ("normal", rng(1).standard_normal((2, 5)))]:
        body = f'random_loop_matrix = {{loops = 2, edges = 5, seed = 1, distribution = "{name}"}}'
        np.testing.assert_array_equal(Case.from_toml(with_network(body)).network.loop_matrix, expected)


def test_several_devices_share_the_edges():
    device = """\
[[device]]
law = "resistor"
r = [10, 20, 30]
[[device]]
edges = [4, 1]
law = "tunneling"
r_on = [100, 200]
r_off = "1k"
alpha = 0
beta = 1
control = "voltage"
window = {kind = "tanh", p = 60}
[[device]]
edges = [3]
law = "caravelli2017"
r_on = 100
r_off = 1000
alpha = 0.1
beta = 1
window = "hard"
"""
    laws = Case.from_toml(
        PLAIN.replace(PLAIN[PLAIN.index("[device]") : PLAIN.index("[drive]")], device)
    ).network.devices()
    assert laws == [
        Resistor(10.0),
        LinearMemristor.tunneling(200.0, 1000.0, 0.0, 1.0, "voltage", Tanh(60)),
        Resistor(20.0),
        LinearMemristor.caravelli2017(100.0, 1000.0, 0.1, 1.0, window=Hard()),
        LinearMemristor.tunneling(100.0, 1000.0, 0.0, 1.0, "voltage", Tanh(60)),
        Resistor(30.0),
    ]


def test_sources_in_series_add_up(tmp_path):
    (tmp_path / "wave.csv").write_text("t,v,w\n0,1,3\n1,2,4\n")
    drive = """\
[[drive]]
kind = "dc"
level = [1, 2, 3, 4, 5, 6]
[[drive]]
edges = [2, 0]
kind = "pulse"
initial = 0
pulsed = [1, 2]
delay = "10m"
rise = 0.1
fall = 0.1
width = 0.2
[[drive]]
edges = [2]
kind = "pwl"
times = [0, "1"]
values = [0, 5]
[[drive]]
edges = [5]
kind = "csv"
file = "wave.csv"
column = 2
"""
    body = 'generator = "complete_graph"\nargs = [4]'
    network = Case.from_toml(with_network(body, drive=drive), base=tmp_path).network
    assert network.drives == (
        DC(1.0) + Pulse(0.0, 2.0, 0.01, 0.1, 0.1, 0.2),
        DC(2.0),
        DC(3.0) + Pulse(0.0, 1.0, 0.01, 0.1, 0.1, 0.2) + PWL((0.0, 1.0), (0.0, 5.0)),
        DC(4.0),
        DC(5.0),
        DC(6.0) + PWL((0.0, 1.0), (3.0, 4.0)),
    )
    no_source = PLAIN.replace(PLAIN[PLAIN.index("[drive]") : PLAIN.index("[validate]")], "")
    assert Case.from_toml(no_source).network.drives == (None,) * 6


def test_graph_files_start_from_the_case(tmp_path):
    nx.write_graphml(nx.cycle_graph(3), tmp_path / "ring.graphml")
    path = tmp_path / "ring.case.toml"
    path.write_text(with_network('graphml = "ring.graphml"'))
    case = load_case(path)
    assert case.network.n_edges == 3
    assert case.name == "ring"
    assert case.source == path


@given(
    st.one_of(networks(active=True, window=windows()), loop_networks(active=True, window=windows())),
    st.text(min_size=1).filter(str.strip).filter(lambda s: s.isprintable() or "\n" in s),
    st.sampled_from(["agrees", "disagrees", "unresolved"]),
    st.integers(1, 10**6),
)
def test_writing_and_reading_is_the_identity(network, what, expect, k):
    case = Case(
        title="a title",
        what=what,
        network=network,
        stop=k / 7,
        points=k + 1,
        tolerance=k * 1e-9,
        form="readable",
        expect=expect,
    )
    text = case.to_toml()
    again = Case.from_toml(text)
    assert again == case
    assert again.to_toml() == text
    assert same_parameters(again.network, network)


@pytest.mark.parametrize("path", find_cases(FOLDER), ids=lambda path: path.name)
def test_the_cases_of_the_project_survive_a_round_trip(path):
    case = load_case(path)
    assert Case.from_toml(case.to_toml()) == case
    assert case.what.endswith(".")
    assert case.expect == "agrees"


def test_the_project_has_a_case_for_every_kind():
    cases = [load_case(path) for path in find_cases(FOLDER)]
    assert len(cases) >= 18
    assert "k4" in [case.name for case in cases]
    laws = [law for case in cases for law in case.network.devices()]
    memristors = [law for law in laws if isinstance(law, LinearMemristor)]
    assert {law.control for law in memristors} == {"current", "voltage", "voltage_eq61"}
    assert {law.window.name for law in memristors} == {"none", "hard", "tanh", "joglekar", "biolek"}
    assert {law.law for law in memristors} == {"caravelli2017", "tunneling"}
    assert any(isinstance(law, Resistor) for law in laws)
    assert any(not case.network.is_graph for case in cases)
    assert any((case.network.P < 0).any() for case in cases)
    assert any((case.network.J < 0).any() for case in cases)


def test_a_case_need_not_say_what_it_teaches():
    case = Case.from_toml(PLAIN.replace('learn = "Something."\n', ""))
    assert case.what == ""
    assert Case.from_toml(case.to_toml()) == case


def test_names_that_toml_cannot_hold_are_replaced():
    device = Resistor(1.0)
    odd = Network.from_edges([(frozenset("a"), 2.5), (2.5, None)], device=device)
    mixed = Network.from_edges([(1, (1,)), ((1,), "1")], device=device)
    for network in (odd, mixed):
        again = Case.from_toml(Case(title="t", what="w", network=network, stop=1.0).to_toml()).network
        assert same_parameters(again, network)
        assert len(set(again.nodes)) == network.n_nodes
    assert again.nodes == (1, (1,), "1")


def test_equality_sees_every_setting():
    case = Case.from_toml(PLAIN)
    for old, new in [
        ('"K4"', '"K5"'),
        ("Something", "Nothing"),
        ('"5"', "6"),
        ("points = 11", "points = 12"),
        ("1e-6", "1e-7"),
        ("[validate]", '[validate]\nform = "readable"'),
        ("[validate]", '[validate]\nengine = "xyce"'),
        ("[validate]", '[validate]\nexpect = "disagrees"'),
        ("0.4", "0.41"),
    ]:
        assert old in PLAIN
        assert Case.from_toml(PLAIN.replace(old, new, 1)) != case
    assert Case.from_toml(PLAIN + "\n# a comment\n") == case
    assert case != "case"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stop": 0.0}, "stop 0.0 must be positive"),
        ({"stop": float("nan")}, "stop nan"),
        ({"tolerance": -1.0}, "tolerance -1.0"),
        ({"points": 1}, "points 1 must be at least 2"),
        ({"form": "x"}, "form 'x' must be one of fast, readable"),
        ({"expect": "x"}, "expect 'x' must be one of agrees"),
    ],
)
def test_cases_built_in_python_are_checked(change, message):
    network = Case.from_toml(PLAIN).network
    with pytest.raises(CaseError, match=message):
        Case(**({"title": "t", "what": "w", "network": network, "stop": 1.0} | change))


def test_files_and_folders(tmp_path):
    with pytest.raises(CaseError, match="does not exist"):
        find_cases(tmp_path / "none")
    with pytest.raises(CaseError, match=r"holds no case; case files are named <name>\.case\.toml"):
        find_cases(tmp_path)
    for name in ("b.case.toml", "a.case.toml", "c.toml"):
        (tmp_path / name).write_text(PLAIN)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "d.case.toml").write_text(PLAIN)
    assert find_cases(tmp_path) == [tmp_path / "a.case.toml", tmp_path / "b.case.toml"]
    assert find_cases(str(tmp_path / "c.toml")) == [tmp_path / "c.toml"]
    with pytest.raises(CaseError, match=r"none\.toml: cannot read the case: No such file"):
        load_case(tmp_path / "none.toml")
    (tmp_path / "latin.case.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(CaseError, match="not UTF-8 at byte 9"):
        load_case(tmp_path / "latin.case.toml")


def test_lines_of_keys():
    text = '''\
# [comment]
top = """
[not.a.section]
key = 1
"""
list = [
  ["a"],
[1],
]
a.b = {c = 1, d = "]"}
[one."two.x"]  # note
k = 'x = ['
[[many]]
k = 1
[many.inner]
j = 1
[[many]]
k = 2
'''
    tomllib.loads(text)
    assert key_lines(text) == {
        ("top",): 2,
        ("list",): 6,
        ("a",): 10,
        ("a", "b"): 10,
        ("one", "two.x"): 11,
        ("one", "two.x", "k"): 12,
        ("many",): 13,
        ("many", 0): 13,
        ("many", 0, "k"): 14,
        ("many", 0, "inner"): 15,
        ("many", 0, "inner", "j"): 16,
        ("many", 1): 17,
        ("many", 1, "k"): 18,
    }


def test_windows_have_both_spellings():
    for spelling, window in [
        ('"none"', NoWindow()),
        ('{kind = "none"}', NoWindow()),
        ('"tanh"', Tanh()),
        ('{kind = "tanh", p = 60}', Tanh(60)),
    ]:
        case = Case.from_toml(PLAIN.replace("beta = 1.0", f"beta = 1.0\nwindow = {spelling}"))
        assert case.network.device(0).window == window
