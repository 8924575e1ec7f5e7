"""Expression trees as text: one writer, and a record of what each simulator's language is like.

Brackets follow precedence. Two contexts are kept apart, because some simulators allow comparisons only
inside their conditional: a *number* and a *test*. What a simulator calls true (not 0, or above one half)
never matters: a test that is no comparison is written as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spicebridge.circuit.dialects.expansions import clamp_exponents, clamp_powers, expand, line_tables
from spicebridge.errors import DeckError
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import (
    COMPARISONS,
    LOGIC,
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
    Value,
)
from spicebridge.quantities import format_number

PRODUCT_LIMIT = 8
"""Largest whole exponent written as a product instead of a power."""

_LADDER = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
_PRECEDENCE = {op: level for level, step in enumerate(_LADDER, 1) for op in step}
_ATOM = 9
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True, kw_only=True)
class ExpressionStyle:
    """How one simulator writes expressions.

    `native` are its functions under our names, the rest is expanded; `functions` maps ours to its names.
    `parameter`, `voltage`, `current` and `conditional` are format strings; `powers` gives those for "real",
    "abs" and "signed"; `operators` renames binary operators.

    `truth` writes a test where a number stands ("{0}" where tests are numbers). With `sides` the two sides of
    && and || must be tests; `brackets` stand around every test. `negation` is "" where there is no such
    operator: it is then moved inwards. Without `unequal`, x != y is not (x == y). `plain_truth`: 0 and 1 may
    stand for a test. `products`: whole powers are written out, because the simulator's own ones lose signs.
    `exponent_limit`: largest argument of exp; `power_limit`: decades of the
    largest power. `line_table`: a function of the arguments of ``table`` that goes
    on with its last slope outside.
    """

    native: frozenset[str] = frozenset(FUNCTIONS)
    functions: Mapping[str, str] = field(default_factory=dict)
    parameter: str = "{0}"
    time: str = "time"
    conditional: str = "({0} ? {1} : {2})"
    powers: Mapping[str, str] = field(
        default_factory=lambda: {
            "real": "pow({0},{1})",
            "abs": "pow(abs({0}),{1})",
            "signed": "(sgn({0})*pow(abs({0}),{1}))",
        }
    )
    operators: Mapping[str, str] = field(default_factory=dict)
    truth: str = "{0}"
    sides: bool = False
    brackets: bool = False
    negation: str = "!{0}"
    unequal: bool = True
    plain_truth: bool = True
    voltage: str = "V({0})"
    voltage_pair: str = "V({0},{1})"
    current: str = "I({0})"
    products: bool = True
    exponent_limit: float | None = None
    power_limit: int | None = None
    line_table: str = ""

    def format(self, expression: Value) -> str:
        """Return the text of `expression`; raises `DeckError` for what cannot be said."""
        if self.line_table:
            expression = line_tables(expression, self.line_table)
        expression = expand(expression, self.native)
        if self.exponent_limit is not None:
            expression = clamp_exponents(expression, self.exponent_limit)
        if self.power_limit is not None:
            expression = clamp_powers(expression, self.power_limit)
        return self._number(expression)[0]

    def _number(self, e: Value) -> tuple[str, int]:
        match e:
            case float() | int():
                return _constant(float(e))
            case Number(value):
                return _constant(value)
            case Parameter(name):
                return self.parameter.format(name), _ATOM
            case NodeVoltage(plus, minus):
                return self._voltage(plus, minus), _ATOM
            case BranchCurrent(source):
                return self.current.format(source), _ATOM
            case Time():
                return self.time, _ATOM
            case Unary("-", x):
                return f"(-{self._wrap(x, _ATOM)})", _ATOM
            case Binary(op, x, y) if op in _PRECEDENCE and op not in COMPARISONS and op not in LOGIC:
                level = _PRECEDENCE[op]
                return f"{self._wrap(x, level)}{self._operator(op)}{self._wrap(y, level + 1)}", level
            case Binary() | Unary("!", _):
                text, level = self._test(e)
                return (text, level) if self.truth == "{0}" else (self.truth.format(text), _ATOM)
            case Power(x, y, kind):
                return self._power(x, y, kind)
            case Call(name, arguments):
                inner = ",".join(self._number(x)[0] for x in arguments)
                return f"{self.functions.get(name, name)}({inner})", _ATOM
            case Conditional(test, yes, no):
                parts = (self._condition(test), self._number(yes)[0], self._number(no)[0])
                return self.conditional.format(*parts), _ATOM
        raise DeckError(f"{e!r} is no expression")

    def _voltage(self, plus: str, minus: str) -> str:
        return self.voltage.format(plus) if minus == "0" else self.voltage_pair.format(plus, minus)

    def _operator(self, op: str) -> str:
        op = self.operators.get(op, op)
        return op if op in ("*", "/", "+", "-") else f" {op} "

    def _wrap(self, e: Value, level: int) -> str:
        text, own = self._number(e)
        return text if own >= level else f"({text})"

    # tests

    def _condition(self, test: Expression) -> str:
        if is_test(test) or (self.plain_truth and isinstance(test, Number) and test.value in (0.0, 1.0)):
            text, level = self._test(test)
            return text if level >= 5 else f"({text})"
        text, _ = self._test(Binary(">", Call("abs", (test,)), Number(0.5)))
        return text if self.brackets else f"({text})"

    def _test(self, e: Expression) -> tuple[str, int]:
        match e:
            case Unary("!", x) if not self.negation:
                return self._test(_negated(x))
            case Unary("!", x):
                return f"({self.negation.format(self._part(x, _ATOM))})", _ATOM
            case Binary("!=", x, y) if not self.unequal:
                return self._test(Unary("!", Binary("==", x, y)))
            case Binary(op, x, y) if op in COMPARISONS:
                level = _PRECEDENCE[op]
                text = f"{self._wrap(x, 5)}{self._operator(op)}{self._wrap(y, 5)}"
                return (f"({text})", _ATOM) if self.brackets else (text, level)
            case Binary(op, x, y) if op in LOGIC:
                level = _PRECEDENCE[op]
                text = f"{self._part(x, level)}{self._operator(op)}{self._part(y, level + 1)}"
                return (f"({text})", _ATOM) if self.brackets else (text, level)
        return self._number(e)

    def _part(self, x: Expression, level: int) -> str:
        text, own = self._test(self._as_test(x))
        return text if own >= level else f"({text})"

    def _as_test(self, x: Expression) -> Expression:
        if is_test(x) or not self.sides or (self.plain_truth and x in (Number(0.0), Number(1.0))):
            return x
        return Binary("!=", x, Number(0.0))

    # powers

    def _power(self, base: Value, exponent: Value, kind: str) -> tuple[str, int]:
        order = exponent.value if isinstance(exponent, Number) else None
        if self.products and kind == "real" and order is not None and float(order).is_integer():
            return self._whole(base, int(order))
        if kind == "abs" and isinstance(base, Call) and base.function == "abs":
            base = base.arguments[0]
        text = self.powers[kind].format(self._number(base)[0], self._number(exponent)[0])
        return text, _ATOM

    def _whole(self, base: Value, order: int) -> tuple[str, int]:
        """A whole power of a real number: a product, or the absolute power with its sign where it is long."""
        if order == 0:
            return "1", _ATOM
        if order < 0:
            text, level = self._whole(base, -order)
            return f"1/{text if level > 6 else f'({text})'}", 6
        if order <= PRODUCT_LIMIT:
            factor = self._wrap(base, _ATOM)
            return "*".join([factor] * order), (6 if order > 1 else _ATOM)
        kind = "signed" if order % 2 else "abs"
        return self.powers[kind].format(self._number(base)[0], str(order)), _ATOM


def is_test(e: Value) -> bool:
    """Whether `e` is a comparison or a combination of tests."""
    match e:
        case Binary(op, _, _):
            return op in COMPARISONS or op in LOGIC
        case Unary("!", _):
            return True
    return False


def _negated(e: Expression) -> Expression:
    """The opposite test, without a negation in it; of a number, whether it is zero."""
    match e:
        case Unary("!", x):
            return x if is_test(x) else Binary("!=", x, Number(0.0))
        case Binary(op, x, y) if op in _OPPOSITE:
            return Binary(_OPPOSITE[op], x, y)
        case Binary("&&", x, y):
            return Binary("||", _negated(x), _negated(y))
        case Binary("||", x, y):
            return Binary("&&", _negated(x), _negated(y))
    return Binary("==", e, Number(0.0))


def _constant(value: float) -> tuple[str, int]:
    text = format_number(value)
    return (f"({text})", _ATOM) if text.startswith("-") else (text, _ATOM)
