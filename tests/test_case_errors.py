"""Mistakes in case files: each message has file, line, key, rule and remedy."""

from __future__ import annotations

import pytest
from case_texts import PLAIN, with_network

from spicebridge.case.case import Case, load_case
from spicebridge.errors import CaseError, StateRangeWarning

MISTAKES = [
    # old text, new text, line, key, words of the message
    ('title = "K4"\n', "", 1, "case", "'title' is missing; add title ="),
    ('"Something."', '"  "', 2, "learn", "must be a non-empty string"),
    ('stop = "5"', "stop = 0", 3, "stop", "0 must be positive"),
    ('stop = "5"', 'stop = "-5m"', 3, "stop", "must be positive"),
    ('stop = "5"', "stop = nan", 3, "stop", "nan must be finite"),
    ('stop = "5"', "stop = inf", 3, "stop", "inf must be finite"),
    ('stop = "5"', 'stop = "five"', 3, "stop", "'five' is no number"),
    ('stop = "5"', "stop = true", 3, "stop", "True is no number"),
    ('stop = "5"', 'stop = "5 V"', 3, "stop", "another unit; this is a number in s"),
    (
        'stop = "5"',
        'stop = "5"\ntolerence = 1e-6',
        4,
        "tolerence",
        "did you mean 'tolerance'?); it belongs in [validate]",
    ),
    ("= 0.4", "= 0.4\nstop = 5", 9, "network.stop", "it belongs in the top"),
    ('"1.6k"', '"1.6kV"', 13, "device.r_off", "this is a number in ohm"),
    ('"1.6k"', '"1.6Mohm"', 13, "device.r_off", "upper-case M"),
    ("alpha = 0.1", 'alpha = "0.1 s"', 14, "device.alpha", "this is a number in 1/s"),
    ("frequency = 2.0", 'frequency = "1MHz"', 20, "drive.frequency", "write 'meg'"),
    ("frequency = 2.0", 'phase = "90 V"\nfrequency = 2.0', 20, "drive.phase", "this is a number in rad"),
    ("[network]", "[netwrok]", 5, "netwrok", "unknown key (did you mean 'network'?)"),
    ("complete_graph", "complet_graph", 6, "network.generator", "did you mean 'complete_graph'"),
    ("complete_graph", "gnm_random_graph", 6, "network.generator", "gnm_random_graph: "),
    ("args = [4]", "args = 4", 7, "network.args", "4 must be a list"),
    ("args = [4]", "arg = [4]", 7, "network.arg", "did you mean 'args'"),
    ("args = [4]", 'edges = [["a", "b"]]', 7, "network.edges", "exactly one of"),
    ("= 0.4", "= [0.4, 0.5]", 8, "network.initial_state", "2 values for 6 edges"),
    ("= 0.4", '= [0.4, 0.5, 1, "x", 1, 1]', 8, "network.initial_state[3]", "'x' is no number"),
    ("= 0.4", "= -0.4", 8, "network.initial_state", "zero or negative"),
    ("= 0.4", "= {random = [0.2, 0.4]}", 8, "network.initial_state", "'seed' is missing; add seed = 1"),
    ("= 0.4", "= {random = [0.2, 0.4], sede = 1}", 8, "network.initial_state.sede", "did you mean 'seed'"),
    ("= 0.4", "= {random = [0.2], seed = 1}", 8, "network.initial_state.random", "[low, high]"),
    ("= 0.4", "= {random = [0.4, 0.2], seed = 1}", 8, "network.initial_state.random", "[low, high]"),
    ("= 0.4", "= {random = [0.2, 0.4], seed = -1}", 8, "network.initial_state.seed", "at least 0"),
    ("= 0.4", "= {seed = 1}", 8, "network.initial_state", "'random' is missing"),
    ("= 0.4", "= 0.4\nactive = [6]", 9, "network.active", "6 is no edge index; the network has edges 0 to 5"),
    ("= 0.4", "= 0.4\nactive = [1, 1]", 9, "network.active", "twice"),
    ("= 0.4", "= 0.4\npolarity = 2", 9, "network.polarity", "polarity 2 must be +1 or -1"),
    ("= 0.4", "= 0.4\npolarity = {random = [1], seed = 1}", 9, "network.polarity.random", "must be true"),
    ("= 0.4", "= 0.4\noptions = 3", 9, "network.options", "3 must be a table"),
    ("= 0.4", '= 0.4\nnodes = ["a"]', 9, "network.nodes", "goes with 'edges' only"),
    ('"caravelli2017"', '"caravelli"', 11, "device.law", "did you mean 'caravelli2017'"),
    ("r_on = 100", "r_on = -100", 12, "device.r_on", "`r_on` -100 must be positive"),
    ("r_on = 100", "ron = 100", 12, "device.ron", "did you mean 'r_on'"),
    ("r_on = 100\n", "", 10, "device", "'r_on' is missing; law caravelli2017 needs r_on, r_off, alpha, beta"),
    ('"1.6k"', '"1.6q k"', 13, "device.r_off", "is no number"),
    ('"1.6k"', "50", 13, "device.r_off", "`r_off` 50 must exceed `r_on` 100"),
    ("beta = 1.0", "beta = [1, 1, 1, 1, 0, 1]", 15, "device.beta", "entry 4: `beta` 0 must be positive"),
    ("beta = 1.0", "beta = 1.0\nedges = [0]", 10, "device", "edge 1 has no device"),
    ("beta = 1.0", 'beta = 1.0\ncontrol = "volts"', 16, "device.control", "did you mean"),
    ("beta = 1.0", 'beta = 1.0\nwindow = "soft"', 16, "device.window", "must be one of none, hard"),
    (
        "beta = 1.0",
        'beta = 1.0\nwindow = {kind = "tanh", q = 1}',
        16,
        "device.window.q",
        "known here: kind, p",
    ),
    ("beta = 1.0", 'beta = 1.0\nwindow = {kind = "tanh", p = 0}', 16, "device.window.p", "must be positive"),
    ("beta = 1.0", "beta = 1.0\nwindow = {p = 1}", 16, "device.window", "'kind' is missing"),
    ('"sine"', '"sin"', 18, "drive.kind", "did you mean 'sine'"),
    ("frequency = 2.0", "frequency = -2.0", 20, "drive.frequency", "must be positive; use DC"),
    ("frequency = 2.0\n", "", 17, "drive", "'frequency' is missing"),
    ("frequency = 2.0", "freq = 2.0", 20, "drive.freq", "did you mean 'frequency'"),
    ("tolerance = 1e-6", "tolerance = -1e-6", 23, "validate.tolerance", "must be positive"),
    ("points = 11", "points = 1", 24, "validate.points", "whole number of at least 2"),
    ("points = 11", "points = 11.5", 24, "validate.points", "whole number"),
    ("points = 11", 'form = "slow"', 24, "validate.form", "one of fast, readable"),
    ("points = 11", 'expect = "agree"', 24, "validate.expect", "did you mean 'agrees'"),
    ("points = 11", "points = 11\npoints = 12", 25, "", "not valid TOML"),
    ("points = 11", "points = ", 24, "", "not valid TOML"),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), MISTAKES, ids=lambda x: str(x)[:40])
def test_mistakes_are_located(tmp_path, old, new, line, key, words):
    assert PLAIN.count(old) >= 1
    path = tmp_path / "bad.case.toml"
    path.write_text(PLAIN.replace(old, new, 1))
    with pytest.raises(CaseError) as caught:
        load_case(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: {key}"), message
    assert words in message


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("", "6: network: needs exactly one of generator, edges"),
        ("edges = []", "6: network.edges: the network has no edges"),
        ('edges = [["a"]]', "6: network.edges: edge 0: ('a',) must be a pair"),
        ('edges = [["a", 1.5]]', "6: network.edges: 1.5 is no node"),
        ('edges = [["a", true]]', "6: network.edges: True is no node"),
        ('edges = [\n["a", "b"],\n["b", "a"],\n]\nnodes = ["a"]', "6: network.edges: edge 0 (a-b): node 'b'"),
        ('graphml = "none.graphml"', "6: network.graphml: "),
        ("loop_matrix = [[1, 2], [2, 4]]", "6: network.loop_matrix: loop matrix: rank 1"),
        ("loop_matrix = [[1, 2], [2]]", "6: network.loop_matrix: loop matrix: entries"),
        ("random_loop_matrix = {loops = 2, edges = 4}", "6: network.random_loop_matrix: 'seed' is missing"),
        (
            "random_loop_matrix = {loops = 0, edges = 4, seed = 1}",
            "6: network.random_loop_matrix.loops: 0 must",
        ),
        ("random_loop_matrix = {loops = 3, edges = 2, seed = 1}", "rank 2 is below its 3 rows"),
        (
            'random_loop_matrix = {loops = 1, edges = 2, seed = 1, distribution = "cauchy"}',
            "6: network.random_loop_matrix.distribution: 'cauchy' must be one of uniform, normal",
        ),
        (
            'generator = "gnm_random_graph"\nargs = [4, 5]',
            "6: network.generator: gnm_random_graph draws at random",
        ),
    ],
)
def test_mistakes_in_the_network_are_located(network, words):
    with pytest.raises(CaseError, match=r"case:\d+: ") as caught:
        Case.from_toml(with_network(network))
    assert words.removeprefix("6: ") in str(caught.value)
    if words.startswith("6: "):
        assert str(caught.value).startswith(f"case:{5 if network == '' else 6}: ")


def test_mistakes_in_array_tables_have_the_line_of_their_block():
    text = PLAIN.replace("[drive]", '[[drive]]\nkind = "dc"\nlevel = 1\n\n[[drive]]') + "\n[unknown]\n"
    with pytest.raises(CaseError, match=r"^case:30: unknown: unknown key"):
        Case.from_toml(text)
    with pytest.raises(CaseError, match=r"^case:24: drive\[1\].frequency: 'x' is no number"):
        Case.from_toml(text.replace("2.0", '"x"').replace("\n[unknown]", ""))


@pytest.mark.parametrize(
    ("drive", "words"),
    [
        ('kind = "dc"', "'level' is missing"),
        ('kind = "dc"\nlevel = 1\nedges = [0, 9]', "9 is no edge index"),
        ('kind = "pwl"\ntimes = [0, 1]\nvalues = [0]', "2 times and 1 values"),
        ('kind = "pwl"\ntimes = [0, 1]', "'values' is missing"),
        ('kind = "csv"\nfile = "none.csv"', "none.csv: cannot read"),
        (
            'kind = "pulse"\ninitial = 0\npulsed = 1\ndelay = 0\nrise = 0\nfall = 1\nwidth = 1',
            "rise = 0.0 must",
        ),
        ('kind = "dc"\nlevel = {random = [0, 1]}', "'seed' is missing"),
    ],
)
def test_mistakes_in_drives(drive, words):
    body = 'generator = "complete_graph"\nargs = [4]'
    with pytest.raises(CaseError, match=r"^case:\d+: drive") as caught:
        Case.from_toml(with_network(body, drive=f"[drive]\n{drive}\n"))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (['edges = [0]\nlaw = "resistor"\nr = 1'] * 2, "edge 0 has a device already"),
        (['law = "resistor"\nr = 1'] * 2, "second block without edges"),
        (['edges = [0, 1]\nlaw = "resistor"\nr = [1, 2, 3]'], "3 values for 2 edges"),
    ],
)
def test_mistakes_in_device_blocks(blocks, words):
    text = "".join(f"[[device]]\n{block}\n" for block in blocks)
    with pytest.raises(CaseError, match=r"^case:\d+: device\[\d\]") as caught:
        Case.from_toml(with_network('edges = [["a", "b"], ["b", "a"]]', device=text))
    assert words in str(caught.value)


def test_missing_sections():
    for name in ("network", "device"):
        start = PLAIN.index(f"[{name}]")
        end = PLAIN.index("[", start + 1) if name == "device" else PLAIN.index("[device]")
        with pytest.raises(CaseError, match=rf"case: section \[{name}\] is missing"):
            Case.from_toml(PLAIN[:start] + PLAIN[end:])


def test_an_initial_state_outside_the_range_of_its_law_is_said():
    with pytest.warns(StateRangeWarning, match=r"edge 0-1: initial state 1.5 lies outside \[0, 1\]"):
        network = Case.from_toml(PLAIN.replace("= 0.4", "= [1.5, 0.4, 0.4, 0.4, 0.4, 0.4]")).network
    assert network.initial_state[0] == 1.5
