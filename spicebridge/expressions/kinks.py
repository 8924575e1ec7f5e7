"""Where a formula is not smooth: every place where a function bends or jumps in what moves."""

from __future__ import annotations

from collections.abc import Iterator

from spicebridge.expressions.evaluate import depends
from spicebridge.expressions.tree import (
    COMPARISONS,
    Binary,
    Call,
    Conditional,
    Expression,
    Number,
    Power,
    Unary,
    distinct,
)

BENDS = frozenset(("abs", "min", "max", "uramp", "limit", "table"))
"""Functions with a kink."""
JUMPS = frozenset(("sgn", "floor", "ceil", "int", "nint", "u"))
"""Functions with a jump."""


def kinks(expression: Expression, moving: frozenset[str]) -> Iterator[Expression]:
    """Nodes with a kink or a jump in a signal of `moving` (names in lower case), from the top down."""
    for e in distinct(expression):
        match e:
            case Conditional(test, _, _) if depends(test, moving):
                yield e
            case Call(name, arguments) if name in BENDS | JUMPS and any(depends(x, moving) for x in arguments):
                yield e
            case Binary(op, _, _) if op in COMPARISONS and depends(e, moving):
                yield e
            case Power(base, _, "abs" | "signed") if depends(base, moving) and not _even(e):
                yield e
            case Unary("!", x) if depends(x, moving):
                yield e


def describe(e: Expression) -> str:
    """The kind of kink in one word."""
    match e:
        case Conditional():
            return "?:"
        case Call(name, _):
            return name
        case Binary(op, _, _) | Unary(op, _):
            return op
        case Power():
            return "|x|^y"
    return type(e).__name__


def _even(e: Power) -> bool:
    return isinstance(e.exponent, Number) and e.exponent.value % 2.0 == 0.0 and e.kind == "abs"
