"""Functions of the expression language in terms of others, for simulators that lack them.

Each identity holds for every argument where the function is defined; `FUNCTIONS` in ``expressions`` is the
meaning they are tested against. A dialect names what is native to it, and `expand` rewrites the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from spicebridge.circuit.dialects.dialect import has_signals
from spicebridge.errors import DeckError
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import Binary, Call, Expression, Number, Power, Unary, Value, choose, rebuild

Make = Callable[..., Expression]


def expand(expression: Value, native: frozenset[str]) -> Value:
    """Return the tree with every function outside `native` replaced. User functions stay.

    Raises `DeckError` for one that no identity covers.
    """

    def call(name: str, *arguments: Expression) -> Expression:
        if name in native or name not in FUNCTIONS:
            return Call(name, arguments)
        if name not in _IDENTITIES:
            raise DeckError(f"function {name!r} is missing in this simulator; write it with others")
        return _IDENTITIES[name](call, *arguments)

    def change(e: Expression) -> Value | None:
        return call(e.function, *e.arguments) if isinstance(e, Call) else None

    return rebuild(expression, change)


ZERO, ONE = Number(0.0), Number(1.0)


def _nint(call: Make, x: Expression) -> Expression:
    """Halves go to the even neighbour: floor(x + 1/2) is one too high where x = 2 k + 1/2."""
    quarter = 0.5 * x - 0.25
    tie = choose(Binary("==", quarter, call("floor", quarter)), 1.0, 0.0)
    return call("floor", x + 0.5) - tie


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
        scaled = from_start if width == ONE else from_start / width
        total = total + rise * call("min", call("max", scaled, ZERO), ONE)
    return total


def _difference(x: Expression, y: Expression) -> Expression:
    if isinstance(x, Number) and isinstance(y, Number):
        return Number(x.value - y.value)
    return x if y == ZERO else x - y


def _atan2(call: Make, y: Expression, x: Expression) -> Expression:
    """No branch divides by zero, for simulators that evaluate both."""
    upright = Binary("==", x, ZERO)
    turn = choose(y < 0.0, -math.pi, math.pi)
    side = call("atan", y / choose(upright, 1.0, x)) + choose(x < 0.0, turn, 0.0)
    return choose(upright, math.pi / 2 * call("sgn", y), side)


_IDENTITIES: dict[str, Callable[..., Expression]] = {
    "sgn": lambda call, x: choose(x > 0.0, 1.0, choose(x < 0.0, -1.0, 0.0)),
    # one half at zero by construction: simulators give 0, 0.5 or 1 there
    "u": lambda call, x: 0.5 * (1.0 + call("sgn", x)),
    "uramp": lambda call, x: call("max", x, ZERO),
    "limit": lambda call, x, low, high: call("min", call("max", x, low), high),
    "int": lambda call, x: call("sgn", x) * call("floor", call("abs", x)),
    "ceil": lambda call, x: -call("floor", -x),
    "nint": _nint,
    "table": _table,
    "atan2": _atan2,
    "asinh": lambda call, x: call("sgn", x) * call("ln", call("abs", x) + call("sqrt", x * x + 1.0)),
    "acosh": lambda call, x: call("ln", x + call("sqrt", x * x - 1.0)),
    "atanh": lambda call, x: 0.5 * call("ln", (1.0 + x) / (1.0 - x)),
}


def clamp_exponents(expression: Value, limit: float) -> Value:
    """Return the tree with exp(x) as exp(min(x, limit)), where the argument has no such bound yet.

    exp overflows in doubles at 709; a Newton iterate on its way may ask for more than the solution does.
    """

    def change(e: Expression) -> Value | None:
        if not isinstance(e, Call) or e.function != "exp" or _bounded(e.arguments[0], limit):
            return None
        return Call("exp", (Call("min", (e.arguments[0], Number(limit))),))

    return rebuild(expression, change)


def clamp_powers(expression: Value, decades: int) -> Value:
    """Return the tree with the bases of powers cut where the power is about 10^`decades` in size.

    No solution gets there, but Newton iterates do, and a product of two such is no number any more.
    """

    def change(e: Expression) -> Value | None:
        if not isinstance(e, Power) or not has_signals(e.base):
            return None
        match e.exponent:
            case Number(y):
                most: Expression = Number(10.0 ** int(decades / max(abs(y), 1.0)))
            case y if has_signals(y):
                return None
            case y:
                most = Power(Number(10.0**decades), Binary("/", ONE, Call("max", (y, ONE))), "abs")
        if e.kind == "abs":
            return Power(Call("min", (Call("abs", (e.base,)), most)), e.exponent, "abs")
        low = Number(-most.value) if isinstance(most, Number) else Unary("-", most)
        return Power(Call("max", (Call("min", (e.base, most)), low)), e.exponent, e.kind)

    return rebuild(expression, change)


def _bounded(x: Expression, limit: float) -> bool:
    match x:
        case Number(value):
            return value <= limit
        case Call("min", arguments):
            return any(_bounded(a, limit) for a in arguments)
    return False


LEAST = 4
"""Numbers of the shortest table that has a piece: two points."""


def line_tables(expression: Value, name: str) -> Value:
    """Return the tree with every table of constant points as the function `name`; others stay.

    For a simulator whose own table goes on with the slope of its last piece the argument is kept between the first and
    the last point, so that both are the same function. Compared with a sum of ramps the text is short and an
    evaluation is one search instead of n terms.
    """

    def change(e: Expression) -> Value | None:
        if not isinstance(e, Call) or e.function != "table":
            return None
        x, *points = e.arguments
        if len(points) < LEAST or len(points) % 2 or not all(isinstance(p, Number) for p in points):
            return None
        return Call(name, (Call("min", (Call("max", (x, points[0])), points[-2])), *points))

    return rebuild(expression, change)
