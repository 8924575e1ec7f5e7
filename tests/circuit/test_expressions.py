"""Expressions mean what the simulator says they mean.

The corpus is text without a tree behind it: precedence, grouping and the meaning of words are decided by our
reader and evaluator on one side, by ngspice on the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuit.expression_corpus import (
    BEHAVIOURAL,
    CONSTANT,
    PARAMETERS,
    VOLTAGES,
    Corpus,
    usable,
)
from circuit.first_point import first_point
from hypothesis import given
from hypothesis import strategies as st

from spicebridge.circuit.dialects.ngspice import BEHAVIOURAL as WRITTEN
from spicebridge.circuit.reader import read_deck, read_expression
from spicebridge.circuit.reader.languages import NGSPICE, NGSPICE_CONSTANT
from spicebridge.errors import DeckError
from spicebridge.expressions.calculus import differentiate
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.parse import MAX_DEPTH, Spelling, parse_expression
from spicebridge.expressions.tree import (
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Time,
    Unary,
    walk,
)

HERE = Environment(VOLTAGES, {"vs": -0.5}, PARAMETERS, 0.0)
START = Environment(dict.fromkeys(VOLTAGES, 0.0), {"vs": 0.0}, PARAMETERS, 0.0)
"""ngspice begins its iteration at zero volts, where an expression must have a value and a slope too."""
VARIABLES = (*(NodeVoltage(name) for name in VOLTAGES), BranchCurrent("vs"), Time())
SCAFFOLD = [
    *(f"V{name} {name} 0 {value}" for name, value in VOLTAGES.items()),
    "Vs s 0 1",
    "Rs s 0 2",
    ".param " + " ".join(f"{name}={value}" for name, value in PARAMETERS.items()),
]
BEHAVIOURAL_COUNT, CONSTANT_COUNT = 2000, 1000
AGREEMENT = 1e-9


def corpus(constant: bool, seed: int) -> Iterator[tuple[str, Expression]]:
    """Usable expressions without end."""
    source = Corpus(CONSTANT if constant else BEHAVIOURAL, seed)
    language = NGSPICE_CONSTANT if constant else NGSPICE
    while True:
        text = source.expression()
        tree = parse_expression(text, language, Spelling())
        value = float(evaluate(tree, HERE))
        if not usable(tree, HERE) or 0.0 < abs(value) < 1e-6:
            continue
        if not constant and not (usable(tree, START) and _smooth_enough(tree)):
            continue
        yield text, tree


def _smooth_enough(tree: Expression) -> bool:
    slopes = [differentiate(tree, variable) for variable in VARIABLES]
    return all(abs(float(evaluate(d, where))) < 1e8 for d in slopes for where in (HERE, START))


def run(cards: list[str], folder: Path) -> dict[str, float]:
    return first_point("\n".join(["expressions", *SCAFFOLD, *cards, ".tran 1 1", ".end", ""]), folder)


@pytest.mark.parametrize(("constant", "count", "seed"), [(False, BEHAVIOURAL_COUNT, 20), (True, CONSTANT_COUNT, 21)])
def test_generated_corpus_agrees_with_ngspice(constant: bool, count: int, seed: int, tmp_path: Path) -> None:
    source = corpus(constant, seed)
    chosen = [next(source) for _ in range(count)]
    cards = [f"V{k}k o{k} 0 {{{text}}}" if constant else f"B{k} o{k} 0 V={text}" for k, (text, _) in enumerate(chosen)]
    found = run(cards, tmp_path)
    wrong = []
    for k, (text, tree) in enumerate(chosen):
        ours, theirs = float(evaluate(tree, HERE)), found[f"v(o{k})"]
        # The floor is for exact zeros, where ngspice's rounded literals leave 1e-16.
        if abs(ours - theirs) > AGREEMENT * max(abs(ours), 1e-3):
            wrong.append((text, ours, theirs))
    assert wrong == []
    kinds = [e for _, tree in chosen for e in walk(tree)]
    negative_base = [
        e for e in kinds if isinstance(e, Power) and float(evaluate(e.base, HERE)) < 0.0 and e.kind != "signed"
    ]
    nested = [e for e in kinds if isinstance(e, Conditional) and isinstance(e.no, Conditional)]
    assert len(negative_base) > 20
    assert len(nested) > 5
    if not constant:
        assert sum(isinstance(e, Call) and e.function == "u" for e in kinds) > 20


CASES = {
    "-2^2": -4.0,
    "2^3^2": 64.0,
    "2^-1^2": 0.5,
    "2*-3^2": -18.0,
    "(-2)^3": 8.0,
    "(-2)**3": 8.0,
    "pow(-2,3)": 8.0,
    "pwr(-2,3)": -8.0,
    "pwr(0,0)": 1.0,
    "u(0)": 0.5,
    "u2(0.25)+u2(3)": 1.25,
    "uramp(-1)+uramp(2)": 2.0,
    "sgn(0)+sgn(-3)": -1.0,
    "log(e)+ln(e)": 2.0,
    "pi": math.pi,
    "0.25 ? 5 : 7": 5.0,
    "-1 ? 5 : 7": 5.0,
    "1 ? 2 : 0 ? 3 : 4": 2.0,
    "0 ? 2 : 0 ? 3 : 4": 4.0,
    "1 ? 0 ? 2 : 3 : 4": 3.0,
    "1||0&&0": 1.0,
    "!0+1": 2.0,
    "!(0+1)": 0.0,
    "1<2==3>2": 1.0,
    "5<>3": 1.0,
    "8/2/2": 2.0,
    "5-3-1": 1.0,
    "1mil*1e6": 25.4,
    "nint(2.5)+nint(3.5)": 6.0,
    "pwl(5, 0,0, 1,1, 2,4)": 13.0,
    "pwl(-2, 0,0, 1,1, 2,4)": -2.0,
    "ternary_fcn(2>1,3,4)": 3.0,
    "eq0(0)+gt0(1)+le0(0)": 3.0,
}


def test_measured_meanings(tmp_path: Path) -> None:
    found = run([f"B{k} o{k} 0 V={text}" for k, text in enumerate(CASES)], tmp_path)
    for k, (text, value) in enumerate(CASES.items()):
        assert evaluate(read_expression(text)) == pytest.approx(value, rel=1e-12), text
        assert found[f"v(o{k})"] == pytest.approx(value, rel=1e-9), text


BRACES = ["{a-b}*V(one)*10", "{a}*V(one)", "({a-b})*V(one)", "2*{a*b}", "-{a}^2", "{V(one)*a}", "1/{a*b}", "{a}?{b}:2"]


def test_braces_are_read_as_ngspice_pastes_them_or_refused(tmp_path: Path) -> None:
    """Both sides: what is read has ngspice's value, and what is refused is where brackets would change it."""
    scope = {"a": 1.0, "b": 3.0}
    cards = [f"B{k} o{k} 0 V={text}" for k, text in enumerate(BRACES)]
    deck = "\n".join(["braces", ".param a=1 b=3", "V1 one 0 1", *cards, ".tran 1 1", ".end", ""])
    found = first_point(deck, tmp_path)
    refused = []
    for k, text in enumerate(BRACES):
        try:
            ours = float(evaluate(read_expression(text), Environment({"one": 1.0}, {}, scope)))
        except DeckError as error:
            assert "without brackets" in str(error)
            assert "({a-b})*x" in str(error)
            refused.append(text)
            grouped = text.replace("{", "(").replace("}", ")")
            ours = float(evaluate(read_expression(grouped), Environment({"one": 1.0}, {}, scope)))
            assert ours != pytest.approx(found[f"v(o{k})"])
        else:
            assert ours == pytest.approx(found[f"v(o{k})"], rel=1e-12)
    assert refused == ["{a-b}*V(one)*10", "1/{a*b}"]


CONSTANT_CASES = {
    "pow(-2,3)": -8.0,
    "pwr(-2,3)": 8.0,
    "(-2)^3": 8.0,
    "2*(-3)^2": 18.0,
    "-3^2": -9.0,
    "1==1<5": 1.0,
    "5==1<5": 1.0,
    "sqr(-3)": 9.0,
    "int(-2.7)": -2.0,
    "arctan(1)": math.pi / 4,
    "a ? -1 : 1": -1.0,
}


def test_the_parameter_language_differs_and_is_read_so(tmp_path: Path) -> None:
    cards = [f"V{k} o{k} 0 {{{text}}}" for k, text in enumerate(CONSTANT_CASES)]
    found = first_point("\n".join(["constants", ".param a=2", *cards, ".tran 1 1", ".end", ""]), tmp_path)
    for k, (text, value) in enumerate(CONSTANT_CASES.items()):
        tree = parse_expression(text, NGSPICE_CONSTANT, Spelling())
        assert evaluate(tree, Environment({}, {}, {"a": 2.0})) == pytest.approx(value), text
        assert found[f"v(o{k})"] == pytest.approx(value), text


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [("2*-3^2", -18.0, 18.0), ("2>1 ? 3>5 ? 1 : 2 : 3", 2.0, 1.0), ("1mil", 25.4e-6, 1e-3)],
)
def test_what_the_parameter_language_misreads_is_refused(text: str, ours: float, theirs: float, tmp_path: Path) -> None:
    found = first_point(f"misread\nV1 o 0 {{{text}}}\n.tran 1 1\n.end\n", tmp_path)
    assert found["v(o)"] == pytest.approx(theirs)
    assert evaluate(read_expression(text)) == pytest.approx(ours)
    with pytest.raises(DeckError, match=r"t:2:\d+"):
        read_deck(f"misread\nV1 o 0 {{{text}}}\n", name="t")


LTSPICE = {
    "1-x**2": 0.0,
    "(-2)**3": -8.0,
    "pow(-2,3)": -8.0,
    "pwr(-2,3)": 8.0,
    "pwrs(-2,3)": -8.0,
    "u(0)": 0.0,
    "u(0.1)": 1.0,
    "if(0.4,1,2)": 2.0,
    "if(-1,1,2)": 2.0,
    "if(0.6,1,2)": 1.0,
    "3^0": 1.0,
    "3^2": 0.0,
    "1&0.4": 0.0,
    "0|0.6": 1.0,
    "!0.4+1": 2.0,
    "buf(0.6)+inv(0.6)": 1.0,
    "limit(5,0,1)": 1.0,
    "table(5,0,0,1,1)": 1.0,
    "log(exp(2))": 2.0,
    "2**-1": 0.5,
    "{1-2}*3": -3.0,
    "hypot(3,4)": 5.0,
    "arcsin(1)": math.pi / 2,
    "~(2>1)": 0.0,
    "(2>1)?5:0": 5.0,
    "0.4 ? 1 : 0.6 ? 2 : 3": 2.0,
    "round(2.5)+round(-2.5)": 0.0,
    "round(2.5)": 3.0,
    "cbrt(-8)": -2.0,
    "xor(1,0.4)+xor(1,1)": 1.0,
    "(-4)**0.5": 0.0,
    "boltz*300/echarge": 1.3806503e-23 * 300.0 / 1.602176462e-19,
}


@pytest.mark.parametrize(("text", "value"), LTSPICE.items())
def test_ltspice_as_its_help_says(text: str, value: float) -> None:
    tree = read_expression(text, dialect="ltspice")
    assert evaluate(tree, Environment({}, {}, {"x": 1.0})) == pytest.approx(value, abs=1e-15)


WRONG = [
    ("ngspice", "a+", 3, "ends too early"),
    ("ngspice", "a b", 3, "an operator is expected"),
    ("ngspice", "(a", 3, "or ')'"),
    ("ngspice", "a)", 2, "')' does not fit"),
    ("ngspice", "1 & 2", 3, "write &&"),
    ("ngspice", "a = 2", 3, "write =="),
    ("ngspice", "a $ 2", 3, "'$' has no meaning"),
    ("ngspice", "exp()", 5, "')' does not fit"),
    ("ngspice", "exp(1,2)", 1, "takes 1 arguments, not 2"),
    ("ngspice", "2*ddt(V(a))", 3, "hides a state"),
    ("ngspice", "temper*2", 1, "temperature"),
    ("ngspice", "hertz", 1, "frequency"),
    ("ngspice", "2*V(a,b,c)", 3, "V(node,node)"),
    ("ngspice", "1A", 1, "suffix 'a'"),
    ("ngspice", "", 1, "missing"),
    ("ltspice", "-x**2", 3, "(-x)**y"),
    ("ltspice", "x**2**3", 5, "brackets"),
    ("ltspice", "a&b|c", 4, "brackets"),
    ("ltspice", "select(a,1,2)", 1, "how its choices are counted"),
    ("ltspice", "a<b<c", 4, "brackets"),
    ("ltspice", "ddt(V(a))", 1, "hides a state"),
    ("ltspice", "idt(V(a),0,1)", 1, "takes at least 1 arguments, not 3"),
    ("xyce", "x^3", 2, "exclusive or"),
    ("xyce", "-x**2", 3, "(-x)**y"),
    ("xyce", "u(x)", 1, "write stp(x)"),
    ("hspice", "ln(x)", 1, "write log(x)"),
    ("hspice", "limit(x,0,1)", 1, "random"),
    ("pspice", "pow(x,3)", 1, "PWR(x,y)"),
    ("pspice", "x**2**3", 5, "brackets"),
    ("ltspice", "white(time)", 1, "random"),
]


@pytest.mark.parametrize(("dialect", "text", "column", "fragment"), WRONG)
def test_errors_point_at_the_column(dialect: str, text: str, column: int, fragment: str) -> None:
    with pytest.raises(DeckError) as caught:
        read_expression(text, dialect=dialect)
    first, shown, caret = str(caught.value).split("\n")
    assert first.startswith(f"<expression>:1:{column}: ")
    assert fragment in first
    assert shown == "    " + text
    assert caret == "    " + " " * (column - 1) + "^"


def test_names_fold_case_to_the_first_spelling() -> None:
    tree = read_expression("V(N1)*Gain + V(n1)*gain + I(Vs) + i(vS) + TIME")
    assert {e.plus for e in walk(tree) if isinstance(e, NodeVoltage)} == {"N1"}
    assert {e.name for e in walk(tree) if isinstance(e, Parameter)} == {"Gain"}
    assert {e.source for e in walk(tree) if isinstance(e, BranchCurrent)} == {"Vs"}
    assert sum(isinstance(e, Time) for e in walk(tree)) == 1


def test_ground_has_one_name() -> None:
    assert read_expression("V(GND,0)") == NodeVoltage("0", "0")


def test_brackets_cost_no_depth_but_nesting_does() -> None:
    assert read_expression("(" * 5000 + "x" + ")" * 5000) == Parameter("x")
    deep = "-(" * (MAX_DEPTH + 1) + "x" + ")" * (MAX_DEPTH + 1)
    with pytest.raises(DeckError, match=f"{MAX_DEPTH} is the most"):
        read_expression(deep)
    with pytest.raises(DeckError, match="nested"):
        read_expression("a?" * 2000 + "b" + ":c" * 2000)


# What the reader itself produces: no sign before a literal, choices on 0/1 values, powers of |x| in one form.
_LEAVES = st.one_of(
    st.floats(-1e12, 1e12).map(lambda x: Number(x + 0.0)),
    st.sampled_from(["p", "r_on", "Gain"]).map(Parameter),
    st.sampled_from([NodeVoltage("a"), NodeVoltage("n1", "a"), BranchCurrent("Vs"), Time()]),
)


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    compared = st.builds(Binary, st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "&&", "||"]), inner, inner)
    signed = inner.filter(lambda x: not isinstance(x, Number))
    base = inner.filter(lambda x: not (isinstance(x, Call) and x.function == "abs"))
    single = ["sin", "exp", "u", "uramp", "sgn", "tanh", "sqrt", "ln", "abs", "floor", "nint"]
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        compared,
        st.builds(Unary, st.just("-"), signed),
        st.builds(Unary, st.just("!"), inner),
        st.builds(Power, base, inner, st.sampled_from(["abs", "signed"])),
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(single), inner),
        st.builds(lambda f, x, y: Call(f, (x, y)), st.sampled_from(["min", "max"]), inner, inner),
        st.builds(Conditional, compared, inner, inner),
    )


@given(st.recursive(_LEAVES, _grown, max_leaves=12))
def test_tree_text_tree_is_the_identity(tree: Expression) -> None:
    assert read_expression(WRITTEN.format(tree)) == tree


def test_tables_survive_being_written() -> None:
    points = tuple(Number(x) for x in (-1.0, 0.0, 0.5, 2.0, 3.0, -1.0))
    tree = Call("table", (NodeVoltage("a"), *points))
    assert read_expression(WRITTEN.format(tree)) == tree
