"""A law that somebody brings: as arguments, as a file, in a case, as a Python class; and what is said when it is wrong."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import ClassVar

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from bench.own_laws import composed, triangle
from spicebridge.case.case_text import network_sections
from spicebridge.errors import DeviceError, LawError, SpiceBridgeError
from spicebridge.laws import LAWS
from spicebridge.laws.base import freeze_parameters, parameter, same_device
from spicebridge.laws.registry import Laws
from spicebridge.windows import NoWindow, Window

SINH = dict(
    resistance="r_on*exp(lam*(1 - s))",
    rate="-s/tau + c*sinh(v/v0)",
    parameters={"r_on": 100.0, "lam": 2.0, "tau": 1.0, "c": 0.5, "v0": 0.3},
    window="hard",
)
TRIANGLE = [("a", "b"), ("b", "c"), ("c", "a")]
T = np.linspace(0.0, 1.0, 21)


def ring(device, amplitude=1.5, **other):
    drive = {0: sb.Sine(amplitude, 1.0)}
    return sb.Network.from_edges(TRIANGLE, device=device, drive=drive, initial_state=0.4, polarity=[1, -1, 1], **other)


def test_the_formulas_are_the_law():
    device = sb.Law("sinh_cell", **SINH)(r_on=200.0, window=None)
    s, v = np.array([0.0, 0.5, 1.0]), np.array([-0.3, 0.1, 0.2])
    np.testing.assert_allclose(device.resistance(s), 200.0 * np.exp(2.0 * (1.0 - s)), rtol=1e-15)
    one = np.ones(3)
    np.testing.assert_allclose(device.bulk_rate(s, v, v, one, one), -s + 0.5 * np.sinh(v / 0.3), rtol=1e-14)
    np.testing.assert_allclose(device.rate_partials(s, v, v, one, one)[1], 0.5 / 0.3 * np.cosh(v / 0.3), rtol=1e-14)
    assert device.smooth
    assert device.affine() is None


def test_units_follow_from_the_formulas():
    law = sb.Law("sinh_cell", **SINH)
    assert {name: law.unit(name) for name in law.parameters} == {
        "r_on": "ohm", "lam": "1", "tau": "s", "c": "1/s", "v0": "V",
    }  # fmt: skip
    assert law.units_checked
    assert float(law(r_on=(0.2, "kohm")).r_on) == 200.0
    with pytest.raises(DeviceError, match="`r_on` is in ohm, not in V"):
        law(r_on=(2.0, "V"))
    assert not sb.Law("bare", resistance="100 + 900*s", rate="v*(1 - s)").units_checked


def test_text_and_arguments_are_one_law(tmp_path):
    law = sb.Law("sinh_cell", **SINH)
    (tmp_path / "sinh_cell.toml").write_text(law.text)
    loaded = sb.Law.load(tmp_path / "sinh_cell.toml")
    assert loaded(r_on=200.0) == law(r_on=200.0) == pickle.loads(pickle.dumps(law(r_on=200.0)))


def test_parameters_one_per_edge_and_active_edges():
    device = sb.Law("sinh_cell", **SINH)(r_on=[100.0, 10.0, 400.0])
    network = ring(device, active=[1])
    assert sb.validate(network, T, tolerance=1e-4).agrees
    for wrong in (ring(device), ring(sb.Law("sinh_cell", **SINH)(), active=[1])):
        assert sb.validate(network, T / 4, tolerance=1e-4, circuit=wrong).outcome is sb.Outcome.DISAGREES


@pytest.mark.parametrize("dialect", ["ngspice", "ltspice", "hspice", "xyce", "spectre"])
def test_every_dialect_writes_it(dialect):
    text = sb.netlist(ring(sb.Law("sinh_cell", **SINH)()), T, dialect=dialect, form="readable")
    assert "sinh_cell" in text


CASE = """title = "own law"
stop = "1 s"
[network]
edges = [["a", "b"], ["b", "c"], ["c", "a"]]
initial_state = 0.4
[device]
{device}
[[drive]]
kind = "sine"
edges = [0]
amplitude = "1.5 V"
frequency = "1 Hz"
"""
SECTION = """resistance = "r_on*exp(2*(1 - s))"
rate = "c*v - s/tau"
parameters = { r_on = "100 ohm, > 0", c = "0.7 1/(V s)", tau = "2 s" }
window = "biolek"
r_on = [100, 200, 300]"""


def test_case_files_take_a_file_or_the_formulas(tmp_path):
    (tmp_path / "cell.toml").write_text(sb.Law("cell", **SINH).text)
    for section in ('law = "cell.toml"\nr_on = 150', SECTION):
        path = tmp_path / "own.case.toml"
        path.write_text(CASE.replace("{device}", section))
        case = sb.load_case(path)
        assert sb.validate(case.network, T, tolerance=1e-4).agrees
        again = tmp_path / "again.case.toml"
        again.write_text('title = "again"\nstop = "1 s"\n' + "\n".join(network_sections(case.network)))
        back = sb.load_case(again).network
        device, read = case.network.device(1), back.device(1)
        assert {k: float(v) for k, v in read.parameters.items()} == {k: float(v) for k, v in device.parameters.items()}
        assert (read.equations.trees, read.window) == (device.equations.trees, device.window)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": "k*i"}, r"line 2, column 10: `rate`: the formula has A/\(V s\); 1/s is wanted\n +k\*i\n +\^"),
        ({"rate": "k*(v + i)"}, "the two sides of \\+ have V and A"),
        ({"rate": "k*v*exp(v)"}, "the argument of exp has V; a number without unit"),
        ({"rate": "k*v + kk"}, "'kk' is not known here \\(did you mean 'k'\\?\\)"),
        ({"rate": "k*v/s"}, "divides by zero at s = 0"),
        ({"rate": "k*v/(s - 0.49)"}, "divides by zero at s = 0.4"),
        ({"rate": "k*v*ln(s)"}, "ln has no finite value at s = 0"),
        ({"rate": "k*v*exp(1e4*s)"}, "exp has no finite value"),
        ({"rate": "k*sinc(v)"}, "function 'sinc' is unknown \\(did you mean 'sin'\\?\\)"),
        ({"rate": "k*v +"}, "ends too early"),
        ({"rate": "k*v^0.5"}, "this base may be negative"),
        ({"resistance": "r_on*v"}, "'v' is not known here"),
        ({"resistance": "r_on*(1 - 2*s)"}, "the resistance is zero or negative at s = 0.5"),
        (
            {"state": {"range": "none"}, "rate": "k*v/(s - s)"},
            r"line \d, column \d+: `rate`: divides by zero at s = .*\n.*\n +\^",
        ),
        ({"state": {"range": "none"}, "rate": "k*v/(v*0)"}, "divides by zero"),
        ({"window": "hrad"}, "did you mean 'hard'"),
        ({"state": "v"}, "'v' is a word of the language"),
        ({"parameters": {"r_on": "100 bananas", "k": 1.0}}, "'bananas' is unknown"),
        ({"parameters": {"r_on": "100 ohm, > r_of", "k": 1.0}}, "'r_of', which is no parameter"),
        ({"let": {"f": "g", "g": "f"}, "rate": "k*v*f"}, "helper 'f' calls itself"),
        ({"let": {"f": "2*kk"}}, "`let.f`: 'kk' is not known here"),
        ({"let": {"f(x": "x"}}, "`let.f\\(x` is no helper; write name, or name\\(x, y\\)"),
        ({"let": {"f(x, x)": "x"}}, "with different arguments"),
        ({"let": {"r_on": "1 ohm"}}, "'r_on' and 'r_on' are one name"),
        ({"let": {"exp(x)": "x"}}, "'exp' is a word of the language"),
        ({"tables": {"sin": [[0, 0], [1, 1]]}}, "'sin' is a word of the language"),
        ({"tables": {"f": [[0, 0], [0, 1]]}}, "law mine: table f: s must increase"),
        ({"tables": {"f": [[0, 0], [1, 1]]}, "rate": "k*v*f(s, 2)"}, "table 'f' takes one argument, not 2"),
        ({"rate": "k*v/(s - 0.37)^2"}, "divides by zero at s = 0.37"),
        ({"resistance": "r_on/abs(s - 1/3)"}, "`resistance`: divides by zero at s = 0.3333"),
        ({"resistance": "r_on*(s - 0.37)^2"}, "the resistance is zero or negative at s = 0.37"),
        ({"parameters": {"r_on": "-1 ohm, > 0", "k": 1.0}}, "law mine: its default: `r_on` -1 must be positive"),
        ({"parameters": {"r_on": float("nan"), "k": 1.0}}, "parameter `r_on`: nan must be finite"),
        ({"window": {"kind": "joglekar", "q": 1}}, "window joglekar: 'q' is unknown; it has p"),
        ({"window": 3}, "window 3 is unknown"),
        ({"state": {"name": "s t"}}, "name 's t' must be letters, digits and _"),
        ({"state": {"inside": "rnage"}}, "must be one of range, not negative \\(did you mean 'range'"),
        ({"state": {"range": "nome"}}, "range 'nome' must be \\[low, high\\] or \"none\""),
        ({"state": {"range": [0, float("inf")]}}, "both finite"),
        ({"variants": {"a": "v > 0"}}, "variant `a` must depend on parameters alone"),
        ({"example": {"drive": "1 V"}}, "`example.drive` must be a table"),
        ({"example": {"a": {"drvie": "1 V"}}}, "example a: 'drvie' is unknown \\(did you mean 'drive'"),
        ({"example": {"a": {"drive": "1 A"}}}, "example a: `drive` is in V, not in A"),
    ]
    + [({"state": word}, f"'{word}' is a word") for word in ("temper", "exp", "module", "inf")]
    + [({"parameters": {word: 1.0}}, f"'{word}' is a word") for word in ("lambda", "sqrt", "e", "rate", "pow", "if")],
)
def test_mistakes_are_located(change, message):
    good = {"resistance": "r_on*(1 + s)", "rate": "k*v", "parameters": {"r_on": "100 ohm, > 0", "k": "1 1/(V s)"}}
    sb.Law("mine", **good)
    with pytest.raises(LawError, match=message):
        sb.Law("mine", **(good | change))


def test_a_device_takes_what_its_law_has():
    law = sb.Law("mine", resistance="r*(1 + s)", rate="k*v", parameters={"r": "100 ohm", "k": "1 1/(V s)"})
    for given, message in (
        ({"rr": 1.0}, "'rr' is unknown \\(did you mean 'r'\\?\\); known are r, k, window"),
        ({"r": (1.0, "V")}, "`r` is in ohm, not in V"),
        ({"r": (1.0, "ohmm")}, "mine: `r`: unit 'ohmm': 'ohmm' is unknown"),
        ({"window": "hard"}, "window 'hard' must be a window such as Hard"),
    ):
        with pytest.raises(SpiceBridgeError, match=message):
            law(**given)


@pytest.mark.parametrize("rate", ["k*v + c*sgn(v)", "v > 1 ? k*v + c : k*v", "k*v + c*floor(s)"])
def test_a_jump_is_no_part_of_a_line(rate):
    """d/dv is k wherever it exists, and the value at 0 is 0: yet the rate is not k v."""
    device = sb.Law("q", resistance="s > 0.5 ? 100 : 1000", rate=rate, parameters={"k": 1.0, "c": 2.0})()
    assert device.linear_rate(np.ones(()), np.ones(())) is None
    assert device.affine() is None
    assert not device.smooth


def test_a_branch_that_is_not_taken_may_divide_by_zero():
    sb.Law("mine", resistance="100*(1 + s)", rate="s > 0.5 ? v/s : v")


def test_kinks_are_found_in_the_formulas():
    smooth = dict(resistance="100*(1 + s)", rate="v")
    assert sb.Law("a", **smooth)().smooth
    for rate in ("max(v, 0)", "abs(v)", "v > 0 ? v : 2*v", "limit(v, -1, 1)"):
        assert not sb.Law("a", **(smooth | {"rate": rate}))().smooth, rate
    assert sb.Law("a", **(smooth | {"rate": "limexp(v/v_0) - 1", "parameters": {"v_0": 1.0}}))().smooth
    assert sb.ThresholdMemristor(1e3, 1e4, 1.0, 1.0, b=0.1).smooth
    assert not sb.ThresholdMemristor(1e3, 1e4, 1.0, 1.0).smooth


def test_a_state_with_a_unit_is_reduced():
    law = LAWS["stanford"]
    device = law()
    np.testing.assert_allclose(device.physical_state(np.array([0.0, 1.0])), [0.2, 1.7])
    np.testing.assert_allclose(device.program_state(np.array([0.2, 1.7])), [0.0, 1.0], atol=1e-15)
    assert "0 stands for 0.2 nm, 1 for 1.7 nm" in device.check_state(np.array([1.5]))


@dataclass(frozen=True, eq=False)
class Saturating:
    """R = r (2 - s), ds/dt = k v, in Python."""

    r: float = parameter("ohm")
    k: float = parameter("1/(V s)")
    window: Window = NoWindow()
    kind: ClassVar[str] = "Saturating"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def __post_init__(self):
        freeze_parameters(self, r="positive")

    __eq__ = same_device
    __hash__ = None

    def affine(self):
        return None

    def linear_rate(self, P, J):
        return None

    def check_state(self, s):
        return None

    def resistance(self, s):
        return self.r * (2.0 - s)

    def resistance_slope(self, s):
        return -self.r * np.ones_like(s)

    def bulk_rate(self, s, v, i, P, J):
        return self.k * J * v

    def rate(self, s, v, i, P, J):
        return self.window.rate(s, np.zeros_like(s), self.bulk_rate(s, v, i, P, J))

    def rate_partials(self, s, v, i, P, J):
        zero = np.zeros_like(s)
        return zero, self.k * J + zero, zero


SUB = """.subckt saturating p n s drift r=1 k=1 active=1 polarity=1
Rmem p n R='({active})*({r})*(2-V(s))'
Gdrift 0 drift p n {polarity*k}
Cstate s 0 1
.ends
"""


def test_a_python_class_registers_with_its_subcircuit(monkeypatch):
    monkeypatch.setattr(LAWS, "_registered", dict(LAWS._registered))
    law = sb.register_law(Saturating, subcircuit=SUB)
    assert pickle.loads(pickle.dumps((law.keys, law.required, law))) == (law.keys, law.required, law)
    assert LAWS["saturating"] is law
    network = ring(Saturating(200.0, 0.7), amplitude=0.8)
    assert sb.validate(network, T, tolerance=1e-4).agrees
    wrong = sb.register_law(Saturating, subcircuit=SUB.replace("(2-V(s))", "(2.1-V(s))"), name="other")
    assert wrong.name == "other"
    with pytest.raises(LawError, match="known already"):
        sb.register_law(Saturating, subcircuit=SUB.replace("2-", "3-"))
    with pytest.raises(LawError, match="lacks affine, linear_rate"):
        sb.register_law(type("Poor", (), {"kind": "poor", "stateful": True, "ohmic": True, "smooth": True}), SUB)


def test_of_four_laws_of_random_parts_none_disagrees_and_one_may_be_unresolved():
    """The slice of bench/own_laws.py that has a decay, a kink and every window; it runs all eighteen, on grids too."""
    random, seen = np.random.default_rng(12), []
    for k in range(10):
        law = composed(random)
        if k in (1, 3, 7, 8):
            seen.append(sb.validate(triangle((law(), 0.6, 1.0, 0.4)), T, tolerance=1e-4).outcome)
    assert seen.count(sb.Outcome.DISAGREES) == 0
    assert seen.count(sb.Outcome.UNRESOLVED) <= 1


def test_packages_bring_laws_by_their_entry_points(tmp_path, monkeypatch):
    (tmp_path / "brings_laws.py").write_text(
        "import spicebridge as sb\nfrom pathlib import Path\n"
        "made = sb.Law('made', resistance='100*(1 + s)', rate='v')\n"
        "path = Path(__file__).with_name('cell.toml')\nnothing = 3\n"
    )
    (tmp_path / "cell.toml").write_text(sb.Law("cell", **SINH).text)
    info = tmp_path / "brings_laws-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brings-laws\nVersion: 1.0\n")
    entries = "[spicebridge.laws]\nbrought = brings_laws:made\nfrom_file = brings_laws:path\n"
    (info / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(tmp_path)
    laws = Laws()
    assert {"brought", "from_file"} <= set(laws)
    assert laws["from_file"](r_on=200.0).equations.ohmic
    assert laws["brought"].text == sb.Law("made", resistance="100*(1 + s)", rate="v").text
    with pytest.raises(KeyError):
        laws["absent"]
    (info / "entry_points.txt").write_text(entries + "wrong = brings_laws:nothing\n")
    with pytest.raises(LawError, match=r"entry point 'wrong' of the group spicebridge\.laws is a law, the path"):
        list(Laws())
    (info / "entry_points.txt").write_text(entries + "missing = brings_laws:absent\n")
    with pytest.raises(LawError, match=r"entry point 'missing' of the group spicebridge\.laws cannot be loaded"):
        list(Laws())


def test_a_grid_of_an_own_law():
    graph = nx.grid_2d_graph(3, 3)
    drive = {k: sb.Sine(1.0, 1.0, phase=0.4 * k) for k in range(0, 12, 3)}
    network = sb.Network.from_graph(graph, device=sb.Law("sinh_cell", **SINH)(), drive=drive, initial_state=0.4)
    assert sb.validate(network, T, tolerance=1e-4).agrees


def test_a_state_is_released_by_its_whole_rate():
    """ds/dt = -s/tau + c (v/v0)^3 under v = v0 sin(w t), whatever R: held at 1 while c sin^3 > 1/tau, then solved."""
    c, tau, w = 8.0, 0.5, 2.0 * np.pi * 0.2
    law = sb.Law(
        "relaxing", resistance="r*(1 + s)", rate="c*(v/v_0)^3", decay="-s/tau", window="hard",
        parameters={"r": "100 ohm, > 0", "c": c, "v_0": 1.0, "tau": tau},
    )  # fmt: skip
    network = sb.Network.from_edges([("a", "a")], device=law(), drive=sb.Sine(1.0, 0.2), initial_state=1.0)
    release = (np.pi - np.arcsin((1.0 / (c * tau)) ** (1.0 / 3.0))) / w
    free = np.arcsin((1.0 / (c * tau)) ** (1.0 / 3.0)) / w
    t = np.linspace(free, 2.4, 60)

    def particular(t):
        """Of s' = -s/tau + c sin^3(w t), sin^3 = (3 sin - sin 3)/4."""
        sines = [(0.75, w), (-0.25, 3.0 * w)]
        return sum(c * b * (np.sin(k * t) / tau - k * np.cos(k * t)) / (tau**-2 + k**2) for b, k in sines)

    after = particular(t) + (1.0 - particular(release)) * np.exp(-(t - release) / tau)
    exact = np.where(t < release, 1.0, after)
    network = sb.Network.from_edges(
        [("a", "a")], device=law(), drive=sb.Sine(1.0, 0.2, phase=w * free), initial_state=1.0
    )
    spice = sb.simulate(network, t - t[0], step=5e-4)
    np.testing.assert_allclose(spice.state[:, 0], exact, rtol=0, atol=1e-6)
    again = sb.read_netlist(sb.netlist(network, t - t[0]))
    s, v = np.array([0.0, 0.3, 1.0]), np.array([0.4, -0.6, 0.7])
    one = np.ones(3)
    np.testing.assert_allclose(again.device(0).rate(s, v, v, one, one), law().rate(s, v, v, one, one), rtol=1e-12)


def test_the_tanh_window_sees_a_curved_decay():
    law = sb.Law(
        "curved", resistance="r*(1 + 0.1*s)", rate="c*(v/v_0)^3", decay="-sinh(s)/tau", window="tanh",
        parameters={"r": "100 ohm, > 0", "c": 8.0, "v_0": 1.0, "tau": 0.5},
    )  # fmt: skip
    verdict = sb.validate(ring(law(), amplitude=1.0), T, tolerance=1e-4)
    assert verdict.agrees, verdict


def test_notes_of_a_law_stand_in_a_deck_without_their_indent():
    law = sb.Law("noted", resistance="r*(1+s)", rate="b*v", parameters={"r": "100 ohm", "b": "1 1/(V s)"})
    noted = sb.Law.from_text('notes = """\n   begins with blanks"""\n' + law.text)
    network = sb.Network.from_edges([(0, 0)], device=noted(), drive=sb.DC(0.1), initial_state=0.5)
    assert "* begins with blanks\n" in sb.netlist(network, [0.0, 1.0], form="readable")


def test_two_laws_of_one_name_are_refused_in_one_deck():
    first, second = (sb.Law("cell", resistance=f"{r}*exp(s)", rate="v")() for r in (100, 200))
    network = sb.Network.from_edges(TRIANGLE, device=[first, second, first], drive={0: sb.Sine(1.0, 1.0)})
    with pytest.raises(sb.SpiceBridgeError, match="two laws of this network are called 'cell'"):
        sb.simulate(network, T)
