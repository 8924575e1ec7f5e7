"""What each language makes of our expressions is what we mean, by evaluators of their own; rewriting keeps the meaning."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.dialects.adapt import lines_from_zero, resistors_as_sources, shifted_sines, sine
from spicebridge.circuit.dialects.expansions import clamp_exponents, expand
from spicebridge.circuit.dialects.switches import WIDTH, smooth_switches
from spicebridge.errors import DeckError
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import (
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Time,
    Unary,
)
from tests.circuit.dialect_writing import COIL, DIALECTS, SENSE, SINE, SWITCH, VARIABLE, X, written
from tests.circuit.vendor_language import VENDORS, Refused, evaluate_text

OTHERS = tuple(VENDORS)

# Expressions: what each language makes of our text is what we mean

VALUES = {"a": 0.75, "b": -1.25, "c": 2.5}
NAMES = {"k": 1.5, "time": 0.375, "i(V9)": -0.5}
LEAVES = st.one_of(
    st.sampled_from([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 1e-3]).map(Number),
    st.sampled_from([NodeVoltage("a"), NodeVoltage("b"), NodeVoltage("c"), NodeVoltage("a", "b"), Time()]),
    st.sampled_from([Parameter("k"), BranchCurrent("V9")]),
)
ONE = [
    n
    for n, function in FUNCTIONS.items()
    if function.arguments == 1 and n not in ("acosh", "atanh", "asin", "acos", "ln", "log10", "sqrt", "tan")
]


def trees(children: st.SearchStrategy) -> st.SearchStrategy:
    number = children
    compared = st.builds(Binary, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), number, number)
    test = st.one_of(
        compared,
        st.builds(Binary, st.sampled_from(["&&", "||"]), compared, compared),
        st.builds(lambda x: Unary("!", x), compared),
        st.builds(lambda x, y: Binary("&&", Unary("!", x), Binary("||", y, x)), compared, number),
    )
    magnitude = st.builds(lambda x: Binary("+", Call("abs", (x,)), Number(0.25)), number)
    fraction = st.builds(lambda x: Binary("/", x, Binary("+", Number(1.0), Call("abs", (x,)))), number)
    whole = st.integers(0, 10).map(lambda n: Number(float(n)))
    negative = st.integers(-3, -1).map(lambda n: Number(float(n)))
    broken = st.sampled_from([Number(0.5), Number(1.5), Parameter("k")])
    any_power = st.sampled_from([0.5, 2.0, 2.5, 3.0]).map(Number)
    ramp = tuple(Number(v) for v in (-1.0, 2.0, 0.5, -3.0, 1.5, 1.0))
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*"]), number, number),
        st.builds(lambda x, y: Binary("/", x, y), number, magnitude),
        st.builds(lambda x: Unary("-", x), number),
        st.builds(Power, number, whole, st.just("real")),
        st.builds(Power, magnitude, st.one_of(negative, broken), st.just("real")),
        st.builds(Power, number, any_power, st.sampled_from(["abs", "signed"])),
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(ONE), number),
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["ln", "log10", "sqrt"]), magnitude),
        st.builds(lambda x: Call("acosh", (Binary("+", Number(1.0), x),)), magnitude),
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["asin", "acos", "atanh"]), fraction),
        st.builds(lambda f, x, y: Call(f, (x, y)), st.sampled_from(["min", "max", "atan2"]), number, number),
        st.builds(lambda x, y, z: Call("limit", (x, y, Binary("+", y, z))), number, number, magnitude),
        st.builds(lambda x: Call("table", (x, *ramp)), number),
        st.builds(Conditional, st.one_of(test, number), number, number),
        test,
    )


TREES = st.recursive(LEAVES, trees, max_leaves=12)


def meaning(tree: object) -> float:
    environment = Environment(VALUES, {"v9": NAMES["i(V9)"]}, {"k": NAMES["k"]}, NAMES["time"])
    return float(evaluate(tree, environment))  # type: ignore[arg-type]


def text_of(dialect: str, tree: object) -> str:
    lines = written(dialect, SENSE, ir.BehaviouralVoltage("B1", "out", "0", tree))  # type: ignore[arg-type]
    (line,) = (line for line in lines if line.startswith(("B1 ", "EB1 ")))
    body = line.split("=", 1)[1]
    return body[1:-1] if body[0] in "{'" and dialect != "ltspice" else body


@pytest.mark.parametrize("dialect", OTHERS)
@settings(max_examples=150)
@given(tree=TREES)
def test_every_language_reads_what_we_mean(dialect: str, tree: object) -> None:
    wanted = meaning(tree)
    assume(math.isfinite(wanted) and abs(wanted) < 1e6)
    try:
        got = evaluate_text(dialect, text_of(dialect, tree), VALUES, NAMES)
    except OverflowError:
        assume(False)
    assert got == pytest.approx(wanted, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("dialect", "text", "value"),
    [
        ("ltspice", "if((V(a) > 0.5) & (V(b) < 0),2,3)", 2.0),
        ("ltspice", "u(0)+pwrs(-2,3)", -8.0),
        ("xyce", "IF((V(a) > 0.5) && (V(b) < 0),LOG(100),3)", 2.0),
        ("hspice", "((V(a) > 0.5) ? log(-1)+pow(-2,3.7) : 3)", -8.0),
        ("pspice", "IF((V(a) > 0.5) & (V(b) < 0),PWRS(-2,3),3)+PWR(-2,2)", -4.0),
        ("spectre", "(v(a) > 0.5)-(2)**(2)", -3.0),
    ],
)
def test_the_evaluators_know_the_manuals(dialect: str, text: str, value: float) -> None:
    assert evaluate_text(dialect, text, VALUES) == pytest.approx(value)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("xyce", "2*(V(a) > 0)"),
        ("pspice", "floor(1)+asinh(1)"),
        ("hspice", "limit(1,2,3)"),
        ("ltspice", "V(a) > 0 ? 1 : 2"),
    ],
)
def test_the_evaluators_refuse_what_the_manuals_do_not_have(dialect: str, text: str) -> None:
    with pytest.raises(Refused):
        evaluate_text(dialect, text, VALUES)


def test_traps_of_the_table_are_answered_in_text() -> None:
    cube = Power(X, Number(3.0))
    step = Call("u", (X,))
    choice = Conditional(Binary("<", X, Number(0.0)), Number(1.0), Number(2.0))
    assert [text_of(d, cube) for d in DIALECTS] == [
        "V(a)*V(a)*V(a)", "pow(V(a),3)", "*".join(["max(min(V(a),1e+33),(-1e+33))"] * 3), "V(a)*V(a)*V(a)",
        "V(a)*V(a)*V(a)", "v(a)*v(a)*v(a)",
    ]  # fmt: skip
    assert [text_of(d, choice) for d in DIALECTS] == [
        "((V(a) < 0) ? 1 : 2)", "if((V(a) < 0),1,2)", "IF((V(a) < 0),1,2)", "((V(a) < 0) ? 1 : 2)",
        "IF((V(a) < 0),1,2)", "((v(a) < 0) ? 1 : 2)",
    ]  # fmt: skip
    assert [text_of(d, step) for d in DIALECTS[:5]] == [
        "u(V(a))", *["0.5*(1+sgn(V(a)))"] * 4,
    ]  # fmt: skip
    assert [text_of(d, Call("ln", (X,))) for d in DIALECTS] == [
        "ln(V(a))", "ln(V(a))", "ln(V(a))", "log(V(a))", "LOG(V(a))", "ln(v(a))",
    ]  # fmt: skip
    assert [text_of(d, Call("exp", (X,))) for d in DIALECTS] == [
        "exp(V(a))", "exp(V(a))", "exp(min(V(a),230))", *["exp(min(V(a),700))"] * 2, "exp(min(v(a),80))",
    ]  # fmt: skip
    assert [text_of(d, Time()) for d in DIALECTS] == ["time", "time", "TIME", "time", "TIME", "$time"]
    braces = Binary("*", Binary("-", Parameter("k"), Parameter("m")), X)
    lines = {d: written(d, ir.BehaviouralVoltage("B1", "o", "0", braces)) for d in DIALECTS}
    assert any("V=(({k})-({m}))*V(a)" in line for line in lines["ngspice"])
    assert any("V=({k}-{m})*V(a)" in line for line in lines["ltspice"])


# Rewriting: identities and adaptations

POINTS = np.array([-3.5, -2.5, -2.0, -1.5, -1.0, -0.5, -0.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.5, 4.0])


@pytest.mark.parametrize("name", [n for n, function in FUNCTIONS.items() if function.arguments == 1])
def test_identities_of_one_argument(name: str) -> None:
    bare = frozenset(("abs", "sqrt", "exp", "ln", "log10", "sin", "cos", "tan", "min", "max", "floor"))
    tree = expand(Call(name, (NodeVoltage("x"),)), bare | (frozenset(FUNCTIONS) - set(ADDED)))
    points = {"acosh": POINTS[POINTS > 1.0], "atanh": POINTS[np.abs(POINTS) < 1.0]}.get(name, POINTS)
    environment = Environment({"x": points}, {}, {})
    wanted = evaluate(Call(name, (NodeVoltage("x"),)), environment)
    np.testing.assert_allclose(evaluate(tree, environment), wanted, rtol=1e-14, atol=1e-15)
    if name in ADDED:
        assert name not in {e.function for e in walk_calls(tree)}


ADDED = ("sgn", "u", "uramp", "limit", "int", "ceil", "nint", "table", "atan2", "asinh", "acosh", "atanh")


def walk_calls(tree: object) -> list[Call]:
    from spicebridge.expressions.tree import walk

    return [e for e in walk(tree) if isinstance(e, Call)]  # type: ignore[arg-type]


def test_identities_of_several_arguments() -> None:
    x, y = (g.ravel() + 0.0 for g in np.meshgrid(POINTS, POINTS))
    environment = Environment({"x": x, "y": y}, {}, {})
    bare = frozenset(FUNCTIONS) - set(ADDED)
    nx, ny = NodeVoltage("x"), NodeVoltage("y")
    ramp = tuple(Number(v) for v in (-2.0, 1.0, 0.0, 3.0, 0.25, -1.0, 2.0, 2.0))
    for call in (Call("atan2", (nx, ny)), Call("limit", (nx, Number(-1.0), Number(2.0))), Call("table", (nx, *ramp))):
        wanted = evaluate(call, environment)
        np.testing.assert_allclose(evaluate(expand(call, bare), environment), wanted, rtol=1e-14, atol=1e-14)
    with pytest.raises(DeckError, match="increasing"):
        expand(Call("table", (nx, Number(1.0), Number(0.0), Number(1.0), Number(2.0))), bare)


def test_clamps_leave_bounded_arguments_alone() -> None:
    once = clamp_exponents(Call("exp", (X,)), 700.0)
    assert once == Call("exp", (Call("min", (X, Number(700.0))),))
    assert clamp_exponents(once, 700.0) == once
    assert clamp_exponents(Call("exp", (Number(3.0),)), 700.0) == Call("exp", (Number(3.0),))
    assert clamp_exponents(Call("exp", (Number(900.0),)), 700.0) != Call("exp", (Number(900.0),))


def test_a_sine_written_out_is_the_sine() -> None:
    wave = ir.SinWave(offset=0.5, amplitude=-2.0, frequency=1.5, delay=0.3, damping=0.7, phase=40.0)
    t = np.linspace(0.0, 2.0, 401)
    since = np.maximum(t - 0.3, 0.0)
    wanted = 0.5 - 2.0 * np.exp(-0.7 * since) * np.sin(3.0 * math.pi * since + math.radians(40.0))
    np.testing.assert_allclose(evaluate(sine(wave), Environment({}, {}, {}, t)), wanted, atol=1e-13)


def test_spectre_writes_out_sines_whose_start_its_manual_leaves_open() -> None:
    late = ir.VoltageSourceElement(
        "V1", "a", "0", ir.SinWave(offset=0.0, amplitude=1.0, frequency=1.0, delay=0.5, damping=0.0, phase=90.0)
    )
    user = ir.CurrentControlledCurrent("F1", "b", "0", "V1", 2.0)
    lines = written("spectre", late, user, save=("i(v1)",))
    assert any(line.startswith("BV1 (a 0) bsource v=") for line in lines)
    assert "F1 (b 0) cccs probe=BV1 gain=2" in lines
    assert "save BV1:1" in lines


def test_adaptations_leave_other_decks_alone() -> None:
    deck = Deck(title="t", elements=(SINE, SENSE, COIL))
    for change in (lines_from_zero, shifted_sines, resistors_as_sources):
        assert change(deck) == deck
    assert smooth_switches(deck, hysteresis=False, simulator="x") == deck


@pytest.mark.parametrize(
    ("taken", "change"),
    [
        (ir.BehaviouralVoltage("BR1", "z", "0", X), resistors_as_sources),
        (ir.BehaviouralVoltage("BV1", "z", "0", X), shifted_sines),
        (ir.BehaviouralVoltage("BS1", "z", "0", X), lambda d: smooth_switches(d, hysteresis=False, simulator="x")),
    ],
)
def test_names_that_adaptations_need_are_not_taken_silently(taken: ir.Element, change: object) -> None:
    late = ir.VoltageSourceElement(
        "V1", "a", "0", ir.SinWave(offset=0.0, amplitude=1.0, frequency=1.0, delay=0.5, damping=0.0, phase=90.0)
    )
    deck = Deck(
        title="t", elements=(VARIABLE, late, ir.Switch("S1", "a", "0", "b", "0", "GATE"), taken), models=(SWITCH,)
    )
    with pytest.raises(DeckError, match=r"name is taken.*rename one|rename one"):
        change(deck)  # type: ignore[operator]


def test_a_smooth_switch_is_open_at_its_threshold_and_closed_above() -> None:
    deck = smooth_switches(
        Deck(title="t", elements=(ir.Switch("S1", "a", "0", "c", "0", "GATE"),), models=(SWITCH,)),
        hysteresis=False,
        simulator="x",
    )
    shapes = {f.name: f for f in deck.functions}
    x = np.array([0.0, 1.0, 1.0 + WIDTH / 2, 1.0 + WIDTH, 2.0])
    part = np.clip((x - 1.0) / WIDTH, 0.0, 1.0)
    step = evaluate(shapes["smoothstep"].body, Environment({}, {}, {"part": part}))
    np.testing.assert_allclose(step, [0.0, 0.0, 0.5, 1.0, 1.0], atol=1e-10)
    assert shapes["g_GATE"].arguments == ("x",)
    assert deck.models == ()
