"""Derivatives of behavioural expressions.

d/dx of what `expressions` defines, by the chain rule, node by node. Where a function jumps or bends the
derivative is that of the piece on either side: steps, comparisons, floor and the like have derivative 0,
``abs`` has ``sgn``, ``uramp`` has ``u`` (one half at the bend), ``min``, ``max``, ``limit`` and ``table`` that
of the branch taken. The three powers (see ``expressions``) follow

    d x^y         = y x^(y-1) dx + x^y ln(x) dy

    d |x|^y       = y sgn(x) |x|^(y-1) dx + |x|^y ln|x| dy
    d sgn(x)|x|^y = y |x|^(y-1) dx + sgn(x) |x|^y ln|x| dy
"""

from __future__ import annotations

import math
from typing import Union

from spicebridge.errors import DeckError
from spicebridge.expressions.evaluate import evaluate
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import (
    ARITHMETIC,
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
    call,
    children,
    fold,
    rebuild,
)

Variable = Union[NodeVoltage, BranchCurrent, Parameter, Time]  # noqa: UP007

ZERO = Number(0.0)
ONE = Number(1.0)


def differentiate(expression: Expression, variable: Variable) -> Expression:
    """Return the simplified derivative of `expression` by `variable`.

    ``NodeVoltage(n)`` is the potential of node n, so V(n,m) counts too; ``NodeVoltage(n, m)`` is the
    difference as a whole, and an expression where n or m stand otherwise is refused. Names match in any
    case. Raises `DeckError` for user functions (flatten first) and for tables whose points vary.
    """
    return simplify(fold(expression, lambda e, below: _node(e, below, variable)))


def _node(e: Expression, d: list[Expression], variable: Variable) -> Expression:
    if not d:
        return _leaf(e, variable)
    if all(x is ZERO for x in d):
        return ZERO
    match e:
        case Unary("-", _):
            return _neg(d[0])
        case Binary("+", _, _):
            return _add(d[0], d[1])
        case Binary("-", _, _):
            return _sub(d[0], d[1])
        case Binary("*", x, y):
            return _add(_mul(d[0], y), _mul(x, d[1]))
        case Binary("/", x, y):
            return _sub(_div(d[0], y), _mul(_div(x, _mul(y, y)), d[1]))
        case Power(x, y, kind):
            return _power(e, x, y, kind, d)
        case Conditional(test, _, _):
            return Conditional(test, d[1], d[2])
        case Call(name, arguments):
            return _call(name, arguments, d)
    return ZERO


def _leaf(e: Expression, variable: Variable) -> Expression:
    match e, variable:
        case NodeVoltage(a, b), NodeVoltage(n, "0"):
            return Number(float(a.lower() == n.lower()) - float(b.lower() == n.lower())) if _meets(e, n) else ZERO
        case NodeVoltage(a, b), NodeVoltage(n, m):
            pair, wanted = (a.lower(), b.lower()), (n.lower(), m.lower())
            if pair == wanted:
                return ONE
            if pair == wanted[::-1]:
                return Number(-1.0)
            if set(pair) & set(wanted) - {"0"}:
                raise DeckError(
                    f"V({n},{m}) is no variable of this expression: V({a},{b}) shares a node with it; "
                    "differentiate by the nodes"
                )
        case BranchCurrent(source), BranchCurrent(other):
            return ONE if source.lower() == other.lower() else ZERO
        case Parameter(name), Parameter(other):
            return ONE if name.lower() == other.lower() else ZERO
        case Time(), Time():
            return ONE
    return ZERO


def _meets(e: NodeVoltage, node: str) -> bool:
    return node.lower() in (e.plus.lower(), e.minus.lower())


def _power(e: Power, x: Expression, y: Expression, kind: str, d: list[Expression]) -> Expression:
    if kind == "abs" and _is(y, 1.0):
        return _mul(call("sgn", x), d[0])
    lower = {"real": "real", "abs": "signed", "signed": "abs"}[kind]
    by_base = _mul(_mul(y, Power(x, _sub(y, ONE), lower)), d[0])
    size = x if kind == "real" else Call("abs", (x,))
    by_exponent = _mul(_mul(e, Call("ln", (size,))), d[1])
    return _add(by_base, by_exponent)


def _call(name: str, arguments: tuple[Expression, ...], d: list[Expression]) -> Expression:
    if name not in FUNCTIONS:
        raise DeckError(f"function {name!r} has no derivative here; expand .func first (flatten the deck)")
    slope = FUNCTIONS[name].slope
    if slope is not None:
        return _mul(slope(arguments[0]), d[0])
    match name, arguments:
        case "min", (x, y):
            return Conditional(Binary("<", x, y), d[0], d[1])
        case "max", (x, y):
            return Conditional(Binary(">", x, y), d[0], d[1])
        case "limit", (x, low, high):
            above = Conditional(Binary(">", x, high), d[2], d[0])
            return Conditional(Binary("<", x, low), d[1], above)
        case "atan2", (y, x):
            return _div(_sub(_mul(x, d[0]), _mul(y, d[1])), _add(_mul(x, x), _mul(y, y)))
        case "table", (x, *points):
            return _mul(_table_slope(x, points), d[0])
    return ZERO


def _table_slope(x: Expression, points: list[Expression]) -> Expression:
    """A balanced tree of choices, so that its depth is the logarithm of the number of points."""
    values = [p.value for p in points if isinstance(p, Number)]
    if len(values) < len(points):
        raise DeckError("a table with points that are no numbers has no derivative here; flatten the deck first")
    xs, ys = values[0::2], values[1::2]
    slopes = [0.0, *((ys[k + 1] - ys[k]) / (xs[k + 1] - xs[k]) for k in range(len(xs) - 1)), 0.0]

    def choose(first: int, last: int) -> Expression:
        if first == last:
            return Number(slopes[first])
        middle = (first + last) // 2
        return Conditional(Binary("<", x, Number(xs[middle])), choose(first, middle), choose(middle + 1, last))

    return choose(0, len(slopes) - 1)


def _is(e: Expression, value: float) -> bool:
    return isinstance(e, Number) and e.value == value


def _add(x: Expression, y: Expression) -> Expression:
    return y if _is(x, 0.0) else x if _is(y, 0.0) else Binary("+", x, y)


def _sub(x: Expression, y: Expression) -> Expression:
    return x if _is(y, 0.0) else _neg(y) if _is(x, 0.0) else Binary("-", x, y)


def _neg(x: Expression) -> Expression:
    if isinstance(x, Number):
        return Number(-x.value) if x.value else ZERO
    return x.operand if isinstance(x, Unary) and x.op == "-" else Unary("-", x)


def _mul(x: Expression, y: Expression) -> Expression:
    if _is(x, 0.0) or _is(y, 0.0):
        return ZERO
    if _is(x, 1.0):
        return y
    if _is(y, 1.0):
        return x
    if _is(x, -1.0):
        return _neg(y)
    if _is(y, -1.0):
        return _neg(x)
    return Binary("*", x, y)


def _div(x: Expression, y: Expression) -> Expression:
    return ZERO if _is(x, 0.0) else x if _is(y, 1.0) else Binary("/", x, y)


def simplify(expression: Expression) -> Expression:
    """Return an equal expression without what changes nothing: constants folded, + 0, * 1, ^ 1, double signs.

    A product with 0 is 0: equal wherever the other factor is finite. No sum or product is reordered, so that
    the value keeps its rounding. Constants that are not finite stay as they are written.
    """
    return rebuild(expression, _simpler)


def _simpler(e: Expression) -> Expression | None:
    below = children(e)
    if below and all(isinstance(x, Number) for x in below) and (not isinstance(e, Call) or e.function in FUNCTIONS):
        value = float(evaluate(e))
        return Number(value) if math.isfinite(value) else None
    match e:
        case Unary("-", x):
            return _neg(x)
        case Binary(op, x, y) if op in ARITHMETIC:
            return {"+": _add, "-": _sub, "*": _mul, "/": _div}[op](x, y)
        case Binary("&&", x, y) if _is(x, 0.0) or _is(y, 0.0):
            return ZERO
        case Power(x, Number(exponent), kind):
            return _simple_power(x, exponent, kind)
        case Conditional(Number(test), yes, no):
            return yes if abs(test) > 0.5 else no
        case Conditional(_, Number() as yes, no) if yes == no:
            return yes
    return None


def _simple_power(x: Expression, exponent: float, kind: str) -> Expression | None:
    if exponent == 1.0:
        return Call("abs", (x,)) if kind == "abs" else x
    if exponent == 0.0:
        return None if kind == "signed" else ONE
    return None
