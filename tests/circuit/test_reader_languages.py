"""Random expressions in the language of each simulator, as its manual has it: the reader's tree against an evaluator
that shares no code with it (`vendor_language`). ngspice's own languages are held against ngspice in
`test_expressions`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from vendor_language import VENDORS, Refused, evaluate_text

from spicebridge.circuit.reader import read_expression
from spicebridge.expressions.evaluate import Environment, evaluate

EXPRESSIONS = 1250
"""In each of four languages: 5,000."""
VOLTAGES = {"a": -2.0, "b": 0.5, "c": 0.0, "d": 3.25}
NAMES = {"p": 1.5, "q": -2.25, "time": 0.75}
NUMBERS = ("0", "1", "2", "3", "0.5", "2.5", "1.25e3", "0.125", "1e-1", "4", ".75", "5.")
SAFE = {
    "sqrt": "sqrt(abs({0})+0.25)",
    "ln": "ln(abs({0})+1.5)",
    "log": "log(abs({0})+1.5)",
    "log10": "log10(abs({0})+1.5)",
    "exp": "exp(-abs({0}))",
    "asin": "asin(0.9*sin({0}))",
    "acos": "acos(0.9*sin({0}))",
    "atanh": "atanh(0.9*sin({0}))",
    "acosh": "acosh(abs({0})+1.5)",
    "sinh": "sinh(2*sin({0}))",
    "cosh": "cosh(2*sin({0}))",
    "tan": "tan(1.2*sin({0}))",
    "limit": "limit({0},-1,2)",
    "table": "table({0},-1,0,0.5,2,3,-1)",
    "atan2": "atan2({0},{1})",
    "pow": "pow({0},3)",
    "pwr": "pwr({0},2.5)",
    "pwrs": "pwrs({0},1.5)",
    "min": "min({0},{1})",
    "max": "max({0},{1})",
}
POWERS = {"ltspice": ("pow({0},2.5)", "({0})**3", "({0})**-2", "pow({0},{1})"), "xyce": ("({0})**3", "pwr({0},3)"),
          "hspice": ("pow({0},2.7)", "({0})**2", "pwr({0},3)"), "pspice": ("({0})**3", "pwr({0},3)")}  # fmt: skip


class Text:
    """Makes expressions of one language."""

    def __init__(self, dialect: str, seed: int) -> None:
        self.vendor = VENDORS[dialect]
        self.powers = POWERS[dialect]
        self.random = random.Random(f"{dialect}{seed}")

    def number(self, depth: int) -> str:
        """A value."""
        kinds: list[Callable[[int], str]] = [self.sum, self.sum, self.call, self.call, self.bracket, self.choice]
        return self.leaf() if depth <= 0 else self.random.choice([*kinds, self.power, self.signed])(depth - 1)

    def leaf(self) -> str:
        braced = "{p}", "{q}"
        names = braced if self.vendor.braces else ("p", "q")
        signals = ("V(a)", "v(b)", "V( d )", "V(a,d)", "V(c)", self.vendor.time)
        return self.random.choice((*NUMBERS, *names, *signals, *signals))

    def sum(self, depth: int) -> str:
        parts = [self.number(depth)]
        for _ in range(self.random.randint(1, 3)):
            parts += [self.random.choice("+-*/"), self.number(depth)]
        return self.random.choice(("", " ")).join(parts)

    def call(self, depth: int) -> str:
        name = self.random.choice(sorted(self.vendor.functions))
        pattern = SAFE.get(name, f"{name}({{0}})")
        if self.random.random() < 0.2:
            pattern = pattern.upper().replace("{0}", "{0}")
        return pattern.format(self.number(depth), self.number(depth))

    def power(self, depth: int) -> str:
        return "(" + self.random.choice(self.powers).format(self.number(depth), self.number(min(depth, 0))) + ")"

    def bracket(self, depth: int) -> str:
        return f"({self.number(depth)})"

    def signed(self, depth: int) -> str:
        return f"(-{self.bracket(depth)})"

    def test(self, depth: int) -> str:
        signs = [op for level in self.vendor.levels for op in level if op[0] in "<>=!"]
        test = f"({self.bracket(depth)}{self.random.choice(signs)}{self.bracket(depth)})"
        if depth > 0 and self.random.random() < 0.3:
            joins = [op for level in self.vendor.levels for op in level if op[0] in "&|"]
            return f"({self.test(depth - 1)}{self.random.choice(joins)}{self.test(depth - 1)})"
        if self.vendor.negation and self.random.random() < 0.2:
            return f"({self.vendor.negation}{test})"
        return test

    def choice(self, depth: int) -> str:
        parts = self.test(depth), self.number(depth), self.number(depth)
        if self.vendor.ternary:
            return "({} ? {} : {})".format(*parts)
        return "{3}({0},{1},{2})".format(*parts, self.vendor.choice)


def value_or_none(dialect: str, text: str, shift: float = 0.0) -> float | None:
    """What the manual says, None where that is no finite number."""
    try:
        moved = {name: v + shift * (n + 1.3) for n, (name, v) in enumerate(VOLTAGES.items())}
        value = evaluate_text(dialect, text, moved, NAMES)
    except (ArithmeticError, ValueError, TypeError):
        return None
    return value if math.isfinite(value) and abs(value) < 1e12 else None


@pytest.mark.parametrize("dialect", POWERS)
def test_random_expressions_mean_what_the_manual_says(dialect: str) -> None:
    made, done, seen = Text(dialect, 1), 0, 0
    environment = Environment(VOLTAGES, {}, {"p": NAMES["p"], "q": NAMES["q"]}, NAMES["time"])
    while done < EXPRESSIONS:
        text = made.number(made.random.randint(1, 3))
        seen += 1
        assert seen < 20 * EXPRESSIONS
        try:
            value = value_or_none(dialect, text)
        except Refused as error:
            raise AssertionError(f"{dialect}: {text}: the evaluator refuses it: {error}") from None
        # At a step two evaluations may fall on either side by one rounding.
        beside = value_or_none(dialect, text, 1e-11)
        if value is None or beside is None or abs(beside - value) > 1e-6 * max(1.0, abs(value)):
            continue
        found = float(evaluate(read_expression(text, dialect=dialect), environment))
        assert found == pytest.approx(value, rel=1e-9, abs=1e-9), f"{dialect}: {text}"
        done += 1
