"""Where a formula is not smooth: every place where a function bends or jumps in what moves."""

from __future__ import annotations

from collections.abc import Iterator

from spicebridge.expressions.compile import depends
from spicebridge.expressions.functions import FUNCTIONS
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
    label,
)


def kinks(expression: Expression, moving: frozenset[str]) -> Iterator[Expression]:
    """Nodes with a kink or a jump in a signal of `moving` (names in lower case), from the top down."""
    for e in distinct(expression):
        match e:
            case Conditional(test, _, _) if depends(test, moving):
                yield e
            case Call(name, _) if name in FUNCTIONS and not FUNCTIONS[name].smooth and depends(e, moving):
                yield e
            case Binary(op, _, _) if op in COMPARISONS and depends(e, moving):
                yield e
            case Power(base, _, "abs" | "signed") if depends(base, moving) and not _even(e):
                yield e
            case Unary("!", x) if depends(x, moving):
                yield e


def describe(e: Expression) -> str:
    """The kind of kink in one word."""
    return "?:" if isinstance(e, Conditional) else "|x|^y" if isinstance(e, Power) else label(e)


def _even(e: Power) -> bool:
    return isinstance(e.exponent, Number) and e.exponent.value % 2.0 == 0.0 and e.kind == "abs"
