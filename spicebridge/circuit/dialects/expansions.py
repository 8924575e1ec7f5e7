"""Functions of the expression language in terms of others, for simulators that lack them.

Each identity holds for every argument where the function is defined; `FUNCTIONS` in ``expressions`` is the
meaning they are tested against. A dialect names what is native to it, and `expand` rewrites the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from spicebridge.errors import DeckError
from spicebridge.expressions.tree import (
    FUNCTIONS,
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Power,
    Time,
    Unary,
    Value,
    rebuild,
    walk,
)

Make = Callable[..., Any]

NEVER_MISSING = frozenset({"abs", "sqrt", "exp", "ln", "log10", "sin", "cos", "tan", "min", "max"})
"""What every simulator has; the identities end here."""


def expand(expression: Value, native: frozenset[str]) -> Value:
    """Return the tree with every function outside `native` replaced. User functions stay.

    Raises `DeckError` for one that no identity covers.
    """
    if isinstance(expression, (int, float)) or not any(_missing(e, native) for e in walk(expression)):
        return expression

    def call(name: str, *arguments: Expression) -> Expression:
        if name in native or name not in FUNCTIONS:
            return Call(name, arguments)
        if name not in _IDENTITIES:
            raise DeckError(f"function {name!r} is missing in this simulator; write it with others")
        return _IDENTITIES[name](call, *arguments)  # type: ignore[no-any-return]

    def change(e: Expression) -> Value | None:
        return call(e.function, *e.arguments) if isinstance(e, Call) else None

    return rebuild(expression, change)  # type: ignore[no-any-return]


def _missing(e: Expression, native: frozenset[str]) -> bool:
    return isinstance(e, Call) and e.function in FUNCTIONS and e.function not in native


def _add(x: Expression, y: Expression) -> Expression:
    return Binary("+", x, y)


def _sub(x: Expression, y: Expression) -> Expression:
    return Binary("-", x, y)


def _mul(x: Expression, y: Expression) -> Expression:
    return Binary("*", x, y)


ZERO, HALF, ONE = Number(0.0), Number(0.5), Number(1.0)


def _sgn(call: Make, x: Expression) -> Expression:
    return Conditional(Binary(">", x, ZERO), ONE, Conditional(Binary("<", x, ZERO), Number(-1.0), ZERO))


def _u(call: Make, x: Expression) -> Expression:
    """One half at zero by construction: simulators give 0, 0.5 or 1 there."""
    return _mul(HALF, _add(ONE, call("sgn", x)))


def _limit(call: Make, x: Expression, low: Expression, high: Expression) -> Expression:
    return call("min", call("max", x, low), high)  # type: ignore[no-any-return]


def _int(call: Make, x: Expression) -> Expression:
    return _mul(call("sgn", x), call("floor", call("abs", x)))


def _nint(call: Make, x: Expression) -> Expression:
    """Halves go to the even neighbour: floor(x + 1/2) is one too high where x = 2 k + 1/2."""
    quarter = _sub(_mul(HALF, x), Number(0.25))
    tie = Conditional(Binary("==", quarter, call("floor", quarter)), ONE, ZERO)
    return _sub(call("floor", _add(x, HALF)), tie)


def _table(call: Make, x: Expression, *points: Expression) -> Expression:
    """A sum of ramps, flat outside the points."""
    if len(points) < 2 or len(points) % 2:
        raise DeckError("function 'table' takes x and pairs of points")
    total = points[1]
    for k in range(0, len(points) - 2, 2):
        x0, y0, x1, y1 = points[k : k + 4]
        width, rise = _difference(x1, x0), _difference(y1, y0)
        if isinstance(width, Number) and width.value <= 0.0:
            raise DeckError("function 'table' needs points with increasing x; spread them")
        from_start = _difference(x, x0)
        scaled = from_start if width == ONE else Binary("/", from_start, width)
        total = _add(total, _mul(rise, call("min", call("max", scaled, ZERO), ONE)))
    return total


def _difference(x: Expression, y: Expression) -> Expression:
    if isinstance(x, Number) and isinstance(y, Number):
        return Number(x.value - y.value)
    return x if y == ZERO else _sub(x, y)


def _atan2(call: Make, y: Expression, x: Expression) -> Expression:
    """No branch divides by zero, for simulators that evaluate both."""
    upright = Binary("==", x, ZERO)
    safe = Conditional(upright, ONE, x)
    turn = Conditional(Binary("<", y, ZERO), Number(-math.pi), Number(math.pi))
    side = _add(call("atan", Binary("/", y, safe)), Conditional(Binary("<", x, ZERO), turn, ZERO))
    return Conditional(upright, _mul(Number(math.pi / 2), call("sgn", y)), side)


def _asinh(call: Make, x: Expression) -> Expression:
    size = call("abs", x)
    root = call("sqrt", _add(_mul(x, x), ONE))
    return _mul(call("sgn", x), call("ln", _add(size, root)))


def _acosh(call: Make, x: Expression) -> Expression:
    return call("ln", _add(x, call("sqrt", _sub(_mul(x, x), ONE))))  # type: ignore[no-any-return]


def _atanh(call: Make, x: Expression) -> Expression:
    return _mul(HALF, call("ln", Binary("/", _add(ONE, x), _sub(ONE, x))))


_IDENTITIES: dict[str, Make] = {
    "sgn": _sgn,
    "u": _u,
    "uramp": lambda call, x: call("max", x, ZERO),
    "limit": _limit,
    "int": _int,
    "ceil": lambda call, x: Unary("-", call("floor", Unary("-", x))),
    "nint": _nint,
    "table": _table,
    "atan2": _atan2,
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
}


def clamp_exponents(expression: Value, limit: float) -> Value:
    """Return the tree with exp(x) as exp(min(x, limit)), where the argument has no such bound yet.

    exp overflows in doubles at 709; a Newton iterate on its way may ask for more than the solution does.
    """

    def change(e: Expression) -> Value | None:
        if not isinstance(e, Call) or e.function != "exp" or _bounded(e.arguments[0], limit):
            return None
        return Call("exp", (Call("min", (e.arguments[0], Number(limit))),))

    if isinstance(expression, (int, float)):
        return expression
    return rebuild(expression, change)  # type: ignore[no-any-return]


def clamp_powers(expression: Value, decades: int) -> Value:
    """Return the tree with the bases of powers cut where the power is about 10^`decades` in size.

    No solution gets there, but Newton iterates do, and a product of two such is no number any more.
    """

    def change(e: Expression) -> Value | None:
        if not isinstance(e, Power) or not _has_signals(e.base):
            return None
        match e.exponent:
            case Number(y):
                most: Expression = Number(10.0 ** int(decades / max(abs(y), 1.0)))
            case y if _has_signals(y):
                return None
            case y:
                most = Power(Number(10.0**decades), Binary("/", ONE, Call("max", (y, ONE))), "abs")
        if e.kind == "abs":
            return Power(Call("min", (Call("abs", (e.base,)), most)), e.exponent, "abs")
        low = Number(-most.value) if isinstance(most, Number) else Unary("-", most)
        return Power(Call("max", (Call("min", (e.base, most)), low)), e.exponent, e.kind)

    if isinstance(expression, (int, float)):
        return expression
    return rebuild(expression, change)  # type: ignore[no-any-return]


def _has_signals(e: Value) -> bool:
    return any(isinstance(part, (NodeVoltage, BranchCurrent, Time)) for part in walk(e))


def _bounded(x: Expression, limit: float) -> bool:
    match x:
        case Number(value):
            return value <= limit
        case Call("min", arguments):
            return any(_bounded(a, limit) for a in arguments)
    return False
