"""Derivatives against differences, and rewriting that changes no value."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace

import numpy as np
import pytest
from circuit.expression_corpus import BEHAVIOURAL, PARAMETERS, VOLTAGES, Corpus, usable
from hypothesis import given
from hypothesis import strategies as st

from spicebridge.circuit.reader import read_expression
from spicebridge.errors import DeckError
from spicebridge.expressions.calculus import differentiate, simplify
from spicebridge.expressions.evaluate import Environment, evaluate
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
    children,
    depth,
    walk,
)

A = NodeVoltage("a")
P = Parameter("p")


def at(**voltages: float) -> Environment:
    return Environment(voltages, {"vs": 0.7}, {"p": 1.3, "r_on": 100.0}, 0.4)


ANALYTIC = {
    "sqrt": cmath.sqrt,
    "exp": cmath.exp,
    "ln": cmath.log,
    "log10": cmath.log10,
    "sin": cmath.sin,
    "cos": cmath.cos,
    "tan": cmath.tan,
    "asin": cmath.asin,
    "acos": cmath.acos,
    "atan": cmath.atan,
    "sinh": cmath.sinh,
    "cosh": cmath.cosh,
    "tanh": cmath.tanh,
    "asinh": cmath.asinh,
    "acosh": cmath.acosh,
    "atanh": cmath.atanh,
}
STEP = 1e-30


@pytest.mark.parametrize("name", sorted(ANALYTIC))
@pytest.mark.parametrize("point", [0.3, 0.71])
def test_functions_against_the_complex_step(name: str, point: float) -> None:
    """Im f(x + ih)/h is f' to rounding, with no difference to cancel."""
    x = point + (1.0 if name == "acosh" else 0.0)
    expected = ANALYTIC[name](complex(x, STEP)).imag / STEP
    assert evaluate(differentiate(Call(name, (A,)), A), at(a=x)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("kind", ["real", "abs", "signed"])
@pytest.mark.parametrize(("base", "exponent"), [(-1.7, 3.0), (-1.7, 2.0), (0.6, 2.5), (2.0, -1.0), (-0.4, 1.0)])
def test_powers(kind: str, base: float, exponent: float) -> None:
    """By base, and where it is positive by exponent too, against a central difference."""
    if kind == "real" and base < 0.0 and exponent != round(exponent):
        return
    h = 1e-5
    tree = Power(A, NodeVoltage("b"), kind)
    for variable, here in ((A, base), (NodeVoltage("b"), exponent)):
        if variable != A and base < 0.0 and kind == "real":
            continue

        def value(shift: float, by_base: bool = variable == A) -> float:
            return float(evaluate(tree, at(a=base + shift * by_base, b=exponent + shift * (not by_base))))

        expected = (value(h) - value(-h)) / (2.0 * h)
        found = evaluate(differentiate(tree, variable), at(a=base, b=exponent))
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-8), (variable, here)


def test_generated_expressions_against_central_differences() -> None:
    """Every usable expression of a corpus, by every voltage in it, away from jumps and bends."""
    source = Corpus(BEHAVIOURAL, 33)
    # Off the round values of the corpus, which sit on jumps on purpose.
    point = {name: value + 0.0137 for name, value in VOLTAGES.items()}
    here = Environment(point, {"vs": -0.51}, PARAMETERS, 0.019)
    h = 1e-6
    checked = 0
    while checked < 400:
        tree = read_expression(source.expression())
        for name, value in point.items():
            if not any(isinstance(e, NodeVoltage) and name in (e.plus.lower(), e.minus.lower()) for e in walk(tree)):
                continue
            around = [replace(here, voltages=point | {name: value + k * h}) for k in range(-3, 4)]
            if not all(usable(tree, where) for where in around):
                continue
            f = np.array([float(evaluate(tree, where)) for where in around])
            slope = float(evaluate(differentiate(tree, NodeVoltage(name)), here))
            # Sixth-order difference; how far the second-order one is from it says whether it can be trusted.
            sixth = (f[6] - 9.0 * f[5] + 45.0 * f[4] - 45.0 * f[2] + 9.0 * f[1] - f[0]) / (60.0 * h)
            second = (f[4] - f[2]) / (2.0 * h)
            size = 1.0 + abs(sixth) + float(np.max(np.abs(f)))
            if abs(sixth - second) > 1e-6 * size:
                continue
            assert slope == pytest.approx(sixth, abs=2e-6 * size), (tree, name)
            checked += 1


MEANINGS = {
    "V(a)*p": "p",
    "p": "0",
    "3*V(a)+2": "3",
    "V(a,b)": "1",
    "V(b,a)": "-1",
    "V(a,a)": "0",
    "V(A)": "1",
    "V(a)^3": "3*pwr(V(a),2)",
    "V(a)^1": "sgn(V(a))",
    "pwr(V(a),2)": "2*abs(V(a))",
    "abs(V(a))": "sgn(V(a))",
    "uramp(V(a))": "u(V(a))",
    "u(V(a))+floor(V(a))+sgn(V(a))+nint(V(a))": "0",
    "(V(a)>2)+(!V(a))": "0",
    "min(V(a),V(b))": "V(a)<V(b) ? 1 : 0",
    "max(V(a),2*V(a))": "V(a)>2*V(a) ? 1 : 2",
    "V(b)>0 ? 2*V(a) : 5": "V(b)>0 ? 2 : 0",
    "exp(V(a))": "exp(V(a))",
    "r_on*(1+p*V(a))": "r_on*p",
}


@pytest.mark.parametrize(("text", "slope"), MEANINGS.items())
def test_derivatives_read_as_written(text: str, slope: str) -> None:
    assert differentiate(read_expression(text), A) == simplify(read_expression(slope))


def test_other_variables() -> None:
    tree = read_expression("p*I(vs)*time+sin(time)")
    assert differentiate(tree, BranchCurrent("VS")) == Binary("*", P, Time())
    assert differentiate(tree, Parameter("P")) == Binary("*", BranchCurrent("vs"), Time())
    slope = differentiate(tree, Time())
    assert evaluate(slope, at()) == pytest.approx(1.3 * 0.7 + math.cos(0.4), rel=1e-15)


def test_a_difference_as_a_whole() -> None:
    pair = NodeVoltage("a", "b")
    assert differentiate(read_expression("2*V(a,b)-V(b,a)+V(c)"), pair) == Number(3.0)
    with pytest.raises(DeckError, match="shares a node"):
        differentiate(read_expression("V(a,b)+V(a)"), pair)


def test_tables_have_the_slope_of_the_piece() -> None:
    xs, ys = (0.0, 1.0, 3.0, 3.5), (1.0, 2.0, -2.0, 0.0)
    points = tuple(Number(v) for pair in zip(xs, ys, strict=True) for v in pair)
    slope = differentiate(Call("table", (Binary("*", Number(2.0), A), *points)), A)
    for a, expected in ((-1.0, 0.0), (0.2, 2.0), (1.0, -4.0), (1.6, 8.0), (9.0, 0.0)):
        assert evaluate(slope, at(a=a)) == expected
    many = tuple(Number(float(v)) for k in range(5000) for v in (k, k * k))
    assert depth(differentiate(Call("table", (A, *many)), A)) < 20


def test_limits_and_atan2() -> None:
    tree = Call("limit", (Binary("*", A, A), Number(1.0), NodeVoltage("b")))
    slope = differentiate(tree, A)
    assert [evaluate(slope, at(a=a, b=9.0)) for a in (0.5, 2.0, 4.0)] == [0.0, 4.0, 0.0]
    by_high = differentiate(tree, NodeVoltage("b"))
    assert [evaluate(by_high, at(a=a, b=9.0)) for a in (0.5, 2.0, 4.0)] == [0.0, 0.0, 1.0]
    angle = Call("atan2", (A, NodeVoltage("b")))
    assert evaluate(differentiate(angle, A), at(a=1.0, b=2.0)) == pytest.approx(0.4)
    assert evaluate(differentiate(angle, NodeVoltage("b")), at(a=1.0, b=2.0)) == pytest.approx(-0.2)


def test_what_has_no_derivative_is_refused() -> None:
    with pytest.raises(DeckError, match="flatten the deck"):
        differentiate(read_expression("win(V(a))"), A)
    with pytest.raises(DeckError, match="flatten the deck first"):
        differentiate(Call("table", (A, Number(0.0), P, Number(1.0), P)), A)


def test_long_chains_do_not_recurse() -> None:
    tree: Expression = A
    for _ in range(5000):
        tree = Binary("+", Call("sin", (tree,)), A)
    assert math.isfinite(evaluate(differentiate(tree, A), at(a=0.1)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1*V(a)+0", "V(a)"),
        ("0+V(a)*1/1", "V(a)"),
        ("V(a)-0", "V(a)"),
        ("0-V(a)", "-V(a)"),
        ("-(-V(a))", "V(a)"),
        ("-1*V(a)", "-V(a)"),
        ("0*V(a)", "0"),
        ("0/V(a)", "0"),
        ("V(a)^1", "abs(V(a))"),
        ("pwr(V(a),1)", "V(a)"),
        ("V(a)^0", "1"),
        ("2*3+V(a)", "6+V(a)"),
        ("2>1 ? V(a) : V(b)", "V(a)"),
        ("V(b) > 0 ? 2 : 2", "2"),
        ("(V(a)>0) && 0", "0"),
        ("sin(0)+V(a)", "V(a)"),
    ],
)
def test_simplify(text: str, expected: str) -> None:
    assert simplify(read_expression(text)) == read_expression(expected)


def test_constants_that_are_not_finite_stay_as_written() -> None:
    tree = Binary("*", Binary("/", Number(1.0), Number(0.0)), A)
    assert simplify(tree) == tree


_LEAVES = st.one_of(
    st.sampled_from([Number(v) for v in (-1.0, 0.0, 0.5, 1.0, 2.0, 3.0)]),
    st.sampled_from([A, NodeVoltage("b"), NodeVoltage("a", "b"), P]),
)


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "<", ">", "==", "&&", "||"]), inner, inner),
        st.builds(Unary, st.sampled_from(["-", "!"]), inner),
        st.builds(Power, inner, inner, st.sampled_from(["abs", "signed"])),
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["sin", "u", "abs", "tanh", "floor"]), inner),
        st.builds(Conditional, inner, inner, inner),
    )


@given(st.recursive(_LEAVES, _grown, max_leaves=10), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_simplifying_keeps_every_finite_value(tree: Expression, a: float, b: float) -> None:
    where = at(a=a, b=b)
    if all(math.isfinite(float(evaluate(e, where))) for e in walk(tree)):
        simple = simplify(tree)
        assert evaluate(simple, where) == evaluate(tree, where)
        assert sum(1 for _ in walk(simple)) <= sum(1 for _ in walk(tree))
        assert simplify(simple) == simple


def test_arrays_evaluate_elementwise() -> None:
    a = np.linspace(-1.0, 1.0, 5)
    tree = read_expression("V(a) > 0 ? V(a)^2 : u(V(a))*3")
    found = evaluate(tree, Environment({"a": a}, {}, {}))
    assert found == pytest.approx(np.where(a > 0, a * a, np.where(a == 0, 1.5, 0.0)))


def test_shared_terms_are_evaluated_once() -> None:
    """x <- x + x, sixty times over: a tree of 2^60 leaves in 61 nodes."""
    tree: Expression = A
    for _ in range(60):
        tree = Binary("+", tree, tree)
    assert evaluate(tree, at(a=1.0)) == 2.0**60
    assert children(tree)[0] is children(tree)[1]
