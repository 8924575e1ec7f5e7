"""Tables for simulators whose own table goes on with the slope of its last piece.

    table(x, x0, y0, …, xn, yn)  ->  f(min(max(x, x0), xn), x0, y0, …, xn, yn)

The argument is kept between the first and the last point, so that both are the same function. Compared
with a sum of ramps the text is short and an evaluation is one search instead of n terms.
"""

from __future__ import annotations

from spicebridge.expressions.tree import Call, Expression, Number, Value, rebuild

LEAST = 4
"""Numbers of the shortest table that has a piece: two points."""


def line_tables(expression: Value, name: str) -> Value:
    """Return the tree with every table of constant points as the function `name`; others stay."""

    def change(e: Expression) -> Value | None:
        if not isinstance(e, Call) or e.function != "table":
            return None
        x, *points = e.arguments
        if len(points) < LEAST or len(points) % 2 or not all(isinstance(p, Number) for p in points):
            return None
        return Call(name, (Call("min", (Call("max", (x, points[0])), points[-2])), *points))

    return rebuild(expression, change)
