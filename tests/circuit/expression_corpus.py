"""Random expression text as people write it, in ngspice's two languages. Seeded: the same every time.

The text is made without a tree, so that precedence and grouping are left to whoever reads it. Functions get
arguments inside their domain; whether a value is usable is for the caller to judge by its size.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from spicebridge.expressions.evaluate import Environment, value_of_node
from spicebridge.expressions.tree import (
    Binary,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Unary,
    children,
    walk,
)

VOLTAGES = {"a": -2.0, "b": 0.5, "c": 0.0, "d": 3.25, "e1": -0.75}
PARAMETERS = {"p": 1.5, "q": -2.25, "r": 4.0, "zero": 0.0}
NUMBERS = ("0", "1", "2", "3", "0.5", "2.5", "1.25k", "300u", "0.125", "1e-1", "4", "3.0e0", "5.u", ".75")
TIGHT = ("^", "**")
ARITHMETIC = ("+", "-", "*", "/")
COMPARISONS = ("<", ">", "<=", ">=", "==", "!=", "<>")
LOGIC = ("&&", "||")
SMOOTH = ("sin", "cos", "tanh", "abs", "atan", "asinh", "arctan", "sgn", "floor", "ceil")


@dataclass(frozen=True)
class Style:
    """What one of the two languages has."""

    signals: bool
    functions: tuple[str, ...]
    pairs: tuple[str, ...]
    comparisons: tuple[str, ...] = COMPARISONS
    nested_choice: bool = True
    sign_after_operator: bool = True
    singles: tuple[tuple[str, str], ...] = ()


DOMAINS = (
    ("sqrt", "sqrt(abs({0})+0.25)"),
    ("ln", "ln(abs({0})+1.5)"),
    ("log", "log(abs({0})+0.5)"),
    ("log10", "log10(abs({0})+0.5)"),
    ("exp", "exp(-abs({0}))"),
    ("asin", "asin(0.9*sin({0}))"),
    ("acos", "acos(0.9*sin({0}))"),
    ("atanh", "atanh(0.9*sin({0}))"),
    ("acosh", "acosh(abs({0})+1.5)"),
    ("sinh", "sinh(2*sin({0}))"),
    ("cosh", "cosh(2*sin({0}))"),
    ("tan", "tan(1.2*sin({0}))"),
)

BEHAVIOURAL = Style(
    signals=True,
    functions=(*tuple(f for f in SMOOTH if f != "arctan"), "u", "uramp", "u2", "nint"),
    pairs=("min", "max", "pow", "pwr"),
    singles=DOMAINS,
)
CONSTANT = Style(
    signals=False,
    functions=(*SMOOTH, "sqr", "int", "nint"),
    pairs=("min", "max", "pow", "pwr"),
    nested_choice=False,
    sign_after_operator=False,
    singles=DOMAINS,
)


class Corpus:
    """Makes expressions of one style."""

    def __init__(self, style: Style, seed: int) -> None:
        self.style = style
        self.random = random.Random(seed)

    def expression(self, depth: int = 4) -> str:
        """One expression."""
        r = self.random.random()
        if depth <= 0 or r < 0.12:
            return self.leaf()
        if r < 0.62:
            return self.chain(depth)
        if r < 0.72:
            return self.call(depth)
        if r < 0.80:
            return f"({self.expression(depth - 1)})"
        if r < 0.86:
            signed = f"{self.random.choice(('-', '-', '!', '+', '- '))}{self.operand(depth - 1)}"
            return signed if self.style.sign_after_operator else f"({signed})"
        return self.choice(depth)

    def chain(self, depth: int) -> str:
        """Operands joined by operators of any strength, with no brackets to group them."""
        parts = [self.operand(depth - 1)]
        for _ in range(self.random.randint(1, 4)):
            parts += [self.operator(), self.operand(depth - 1)]
        blank = self.random.choice(("", "", " "))
        # ngspice takes "p!" for a name, hence the blanks. ("250m==x" it takes for the multiplier m=.)
        return blank.join(parts).replace("!=", " != ")

    def operator(self) -> str:
        r = self.random.random()
        if r < 0.55:
            return self.random.choice(ARITHMETIC)
        if r < 0.72:
            return self.random.choice(TIGHT)
        if r < 0.88:
            return self.random.choice(self.style.comparisons)
        return self.random.choice(LOGIC)

    def operand(self, depth: int) -> str:
        r = self.random.random()
        if r < 0.55 or depth <= 0:
            sign = self.style.sign_after_operator and self.random.random() < 0.15
            return ("-" if sign else "") + self.leaf()
        if r < 0.75:
            return self.call(depth)
        return f"({self.expression(depth - 1)})"

    def call(self, depth: int) -> str:
        r = self.random.random()
        if r < 0.4:
            return f"{self.random.choice(self.style.functions)}({self.expression(depth - 1)})"
        if r < 0.7:
            name = self.random.choice(self.style.pairs)
            return f"{name}({self.expression(depth - 1)},{self.expression(depth - 2)})"
        _, pattern = self.random.choice(self.style.singles)
        return pattern.format(self.expression(depth - 1))

    def choice(self, depth: int) -> str:
        test, yes, no = (self.expression(depth - 1) for _ in range(3))
        if not self.style.nested_choice and "?" in yes:
            yes = f"({yes})"
        return self.random.choice(("{0} ? {1} : {2}", "({0}) ? {1} : ({2})", "{0}?{1}:{2}")).format(test, yes, no)

    def leaf(self) -> str:
        r = self.random.random()
        if self.style.signals and r < 0.45:
            one, other = self.random.sample(sorted(VOLTAGES), 2)
            forms = (f"V({one})", f"v({one.upper()})", f"V({one},{other})", f"v( {one} )", "I(vs)", "time")
            return self.random.choices(forms, weights=(8, 2, 3, 1, 1, 1))[0]
        if r < 0.65:
            return self.random.choice(sorted(PARAMETERS))
        return self.random.choice(NUMBERS)


MARGIN = 1e-7
"""How far from a jump a computed value must stay: ngspice rounds literals to 11 digits."""


def usable(tree: Expression, where: Environment) -> bool:
    """Whether two evaluators that round differently must agree on `tree`.

    No term is infinite or huge, no base of a power is zero (simulators also take its derivative), and no
    computed value sits on a jump. Plain operands may: u(0), 0 == 0 and the like are what the corpus is about.
    """
    terms = list(walk(tree))
    values: dict[int, float] = {}
    with np.errstate(all="ignore"):
        for e in reversed(terms):
            values[id(e)] = float(value_of_node(e, [values[id(x)] for x in children(e)], where))
            if not abs(values[id(e)]) < 1e6:
                return False
    return all(_steady(e, [values[id(x)] for x in children(e)]) for e in terms)


def _steady(e: Expression, values: list[float]) -> bool:
    match e:
        case Power():
            return values[0] != 0.0 or values[1] >= 1.0
        case Binary("<" | "<=" | ">" | ">=" | "==" | "!=", x, y):
            return (_plain(x) and _plain(y)) or _apart(values[0] - values[1])
        case Binary("&&" | "||", x, y):
            return (_plain(x) or _apart(values[0])) and (_plain(y) or _apart(values[1]))
        case Unary("!", x) | Conditional(x, _, _):
            return _plain(x) or _apart(values[0])
        case Call("u" | "sgn" | "uramp" | "abs", (x,)):
            return _plain(x) or _apart(values[0])
        case Call("floor" | "ceil" | "int" | "nint", (x,)):
            return _plain(x) or _apart(2.0 * values[0] - round(2.0 * values[0]))
    return True


def _plain(e: Expression) -> bool:
    """Values that both sides have exactly: small whole numbers, voltages, parameters, and what is 0 or 1."""
    match e:
        case Number(value):
            return value == round(value)
        case NodeVoltage(_, "0") | Parameter() | Unary("!", _):
            return True
        case Binary(op, _, _):
            return op not in "+-*/"
    return False


def _apart(difference: float) -> bool:
    return abs(difference) > MARGIN
