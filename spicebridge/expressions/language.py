"""What the words of an expression mean in one language: operators, functions, constants, refusals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spicebridge.errors import DeckError
from spicebridge.expressions.evaluate import evaluate
from spicebridge.expressions.tree import Binary, Call, Conditional, Expression, Number, Power, Unary

Maker = Callable[..., Any]
DECK_WORDS = frozenset(
    ["time", "temper", "hertz", "temp", "pi", "e", "boltz", "echarge", "kelvin", "planck", "yes", "no", "true", "false"]
)
"""Words that no simulator lets a parameter be."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """One expression language: grammar files, operators, words.

    - `functions` maps a name to (least, most arguments, what it means), `refused` words to the reason,
      `constants` names to a fixed value, `powers` the signs of powers to their kind, `hints` tokens that do
      not fit to a remedy.
    - `braces`: ``{`` is "dropped" (ngspice; checked for ambiguity) or read as "brackets".
    - `true_above_half`: a value is true above one half, instead of where it is not 0.
    - `signals`: voltages and currents may occur.
    - `literal_sign_first`: ``2*-3^2`` is 2*(-3)^2.
    - `mil`: the suffix mil is 25.4e-6.
    """

    name: str
    grammar: tuple[str, ...]
    functions: Mapping[str, tuple[int, int, Maker]]
    refused: Mapping[str, str]
    constants: Mapping[str, float] = field(default_factory=dict)
    powers: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    braces: str = "brackets"
    true_above_half: bool = False
    signals: bool = True
    literal_sign_first: bool = False
    mil: bool = True

    def truth(self, x: Expression) -> Expression:
        """`x` as 0 or 1, by the rule of this language."""
        if is_truth(x):
            return x
        return Binary(">", x, Number(0.5)) if self.true_above_half else Binary("!=", x, Number(0.0))


TABLES = frozenset(("table", "tbl", "pwl"))


def table_fault(points: Sequence[Expression]) -> str:
    """What is wrong with the points x1, y1, x2, y2, … of a table, or ""; names are not known yet."""
    if len(points) % 2:
        return "its points are pairs of x and y; one is missing"
    try:
        xs = [float(evaluate(x)) for x in points[::2]]
    except DeckError:
        return ""
    return "" if all(a < b for a, b in itertools.pairwise(xs)) else "the x of its points must increase; sort them"


def power(base: Expression, exponent: Expression, kind: str) -> Expression:
    """A power in one form: that of |x| is the absolute power of x, however it is written.

    `kind` is one of the tree's; or "whole": x^y where y is whole or x is not negative, and 0 elsewhere; or "part":
    the real part of x^y, |x|^y cos(pi y) for a negative x.
    """
    if kind != "signed" and isinstance(base, Call) and base.function == "abs":
        return Power(base.arguments[0], exponent, "abs")
    if kind == "part":
        if isinstance(exponent, Number) and exponent.value.is_integer():
            return Power(base, exponent, "real")
        size = Power(base, exponent, "abs")
        turn: Expression = Call("cos", (Binary("*", Number(math.pi), exponent),))
        if isinstance(exponent, Number):
            turn = Number(math.cos(math.pi * exponent.value))
        return Conditional(Binary("<", base, Number(0.0)), Binary("*", size, turn), size)
    if kind != "whole":
        return Power(base, exponent, kind)
    negative = Binary("<", base, Number(0.0))
    if isinstance(exponent, Number):
        if exponent.value % 2.0 == 0.0:
            return Power(base, exponent, "abs")
        if exponent.value.is_integer():
            return Power(base, exponent, "real")
        return Conditional(negative, Number(0.0), Power(base, exponent, "abs"))
    is_whole = Binary("==", exponent, Call("floor", (exponent,)))
    signed = Conditional(is_whole, Power(base, exponent, "real"), Number(0.0))
    return Conditional(negative, signed, Power(base, exponent, "abs"))


def is_truth(x: Expression) -> bool:
    """Whether the value of `x` can only be 0 or 1."""
    match x:
        case Binary(op, _, _):
            return op not in "+-*/"
        case Unary("!", _):
            return True
        case Number(value):
            return value in (0.0, 1.0)
    return False
