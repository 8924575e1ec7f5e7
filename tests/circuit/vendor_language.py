"""What simulators make of the expressions they are given, by their manuals: an evaluator that shares no code with
the dialects. It knows each language's functions, operators, their meaning and precedence, and refuses the rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![A-Za-z_])"
    r"|(?P<name>\$?[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<string>\"[^\"]*\")"
    r"|(?P<op>\*\*|<=|>=|==|!=|&&|\|\||[-+*/<>!~?:(),{}&|^]))"
)


class Refused(Exception):
    """The simulator would not take this text."""


class Truth(float):
    """A number that came from a comparison."""


def signed(f: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: math.copysign(1.0, x) * f(abs(x))


def real_power(x: float, y: float) -> float:
    if x == 0.0:
        return 1.0 if y == 0.0 else 0.0 if y > 0.0 else math.inf
    return (complex(x) ** y).real


COMMON: dict[str, Callable[..., float]] = {
    "abs": abs, "exp": math.exp, "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin,
    "acos": math.acos, "atan": math.atan, "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "min": min,
    "max": max, "log10": math.log10, "sqrt": math.sqrt, "floor": math.floor, "ceil": math.ceil,
    "sgn": lambda x: (x > 0) - (x < 0),
}  # fmt: skip
AREA = {"asinh": math.asinh, "acosh": math.acosh, "atanh": math.atanh}


@dataclass(frozen=True)
class Vendor:
    """One language. `levels` are binary operators from weak to strong; `choice` is its conditional function;
    with `tests_in_choice` comparisons may stand in a condition only; `true` is what counts as true.
    """

    name: str
    functions: Mapping[str, Callable[..., float]]
    levels: tuple[tuple[str, ...], ...]
    time: str = "time"
    choice: str = ""
    ternary: bool = False
    tests_in_choice: bool = False
    true: Callable[[float], bool] = bool
    negation: str = ""
    braces: bool = False


C_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
VENDORS = {
    "ltspice": Vendor(
        "LTspice",
        COMMON
        | AREA
        | {
            "ln": math.log, "log": math.log, "int": math.trunc, "atan2": math.atan2, "pow": real_power,
            "pwr": lambda x, y: abs(x) ** y, "pwrs": lambda x, y: math.copysign(abs(x) ** y, x),
            "limit": lambda x, y, z: sorted((x, y, z))[1], "u": lambda x: float(x > 0),
            "uramp": lambda x: max(x, 0.0), "table": lambda x, *p: interpolate(x, p),
        },
        (("&", "|", "^"), ("<", "<=", ">", ">=", "=="), ("+", "-"), ("*", "/")),
        choice="if", true=lambda x: x > 0.5, negation="!", braces=True,
    ),
    "xyce": Vendor(
        "Xyce",
        COMMON
        | AREA
        | {
            "ln": math.log, "log": math.log10, "int": math.trunc, "atan2": math.atan2, "pow": math.pow,
            "pwr": math.pow, "pwrs": lambda x, y: math.copysign(abs(x) ** y, x) if x else 0.0,
            "limit": lambda x, y, z: min(max(x, y), z), "stp": lambda x: float(x > 0),
            "uramp": lambda x: max(x, 0.0), "nint": lambda x: math.copysign(math.floor(abs(x) + 0.5), x),
        },
        (("||", "&&", "|", "&"), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/")),
        choice="if", tests_in_choice=True,
    ),
    "hspice": Vendor(
        "HSPICE",
        COMMON
        | {
            "log": signed(math.log), "log10": signed(math.log10), "sqrt": signed(math.sqrt), "int": math.trunc,
            "pow": lambda x, y: x ** math.trunc(y), "pwr": lambda x, y: math.copysign(abs(x) ** y, x),
        },
        C_LEVELS, ternary=True, tests_in_choice=True,
    ),
    "pspice": Vendor(
        "PSpice",
        COMMON
        | {
            "log": math.log, "atan2": math.atan2, "pwr": lambda x, y: abs(x) ** y,
            "pwrs": lambda x, y: math.copysign(abs(x) ** y, x) if x else 0.0, "stp": lambda x: float(x > 0),
            "limit": lambda x, y, z: min(max(x, y), z),
        },
        (("|",), ("&",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/")),
        choice="if", tests_in_choice=True,
    ),
    "spectre": Vendor(
        "Spectre",
        {k: v for k, v in (COMMON | AREA).items() if k != "sgn"}
        | {"ln": math.log, "log": math.log, "int": math.trunc, "atan2": math.atan2, "pow": math.pow},
        C_LEVELS, time="$time", ternary=True,
    ),
}  # fmt: skip


def interpolate(x: float, points: tuple[float, ...]) -> float:
    xs, ys = points[0::2], points[1::2]
    if x <= xs[0]:
        return ys[0]
    for k in range(1, len(xs)):
        if x <= xs[k]:
            return ys[k - 1] + (ys[k] - ys[k - 1]) * (x - xs[k - 1]) / (xs[k] - xs[k - 1])
    return ys[-1]


class Evaluator:
    """Reads and evaluates one text."""

    def __init__(self, vendor: Vendor, text: str, voltages: Mapping[str, float], names: Mapping[str, float]) -> None:
        self.vendor = vendor
        self.voltages = voltages
        self.names = names
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            if found is None:
                raise Refused(f"{vendor.name}: {text[at:]!r}")
            self.tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
            at = found.end()
        self.at = 0

    def value(self) -> float:
        result = self.number(self.ternary())
        if self.at != len(self.tokens):
            raise Refused(f"{self.vendor.name}: left over {self.tokens[self.at :]}")
        return result

    def number(self, x: float) -> float:
        if self.vendor.tests_in_choice and isinstance(x, Truth):
            raise Refused(f"{self.vendor.name} takes tests in a condition only")
        return float(x)

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise Refused(f"{self.vendor.name}: {wanted!r} expected, not {self.peek()!r}")
        self.at += 1

    def ternary(self) -> float:
        test = self.binary(0)
        if self.peek() != "?":
            return test
        if not self.vendor.ternary:
            raise Refused(f"{self.vendor.name} has no ?:")
        self.take("?")
        yes = self.ternary()
        self.take(":")
        no = self.ternary()
        return self.choose(test, yes, no)

    def choose(self, test: float, yes: float, no: float) -> float:
        if self.vendor.tests_in_choice and not isinstance(test, Truth):
            raise Refused(f"{self.vendor.name} wants a comparison in a condition")
        return self.number(yes) if self.vendor.true(test) else self.number(no)

    def binary(self, level: int) -> float:
        if level == len(self.vendor.levels):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek() in self.vendor.levels[level]:
            op = self.peek()
            self.at += 1
            left = self.apply(op, left, self.binary(level + 1))
        return left

    def apply(self, op: str, x: float, y: float) -> float:
        if op in ("&", "&&", "|", "||"):
            if self.vendor.tests_in_choice and not (isinstance(x, Truth) and isinstance(y, Truth)):
                raise Refused(f"{self.vendor.name} combines comparisons only")
            both = self.vendor.true(x), self.vendor.true(y)
            return Truth(all(both) if op[0] == "&" else any(both))
        x, y = self.number(x), self.number(y)
        match op:
            case "+":
                return x + y
            case "-":
                return x - y
            case "*":
                return x * y
            case "/":
                return x / y
            case "<":
                return Truth(x < y)
            case "<=":
                return Truth(x <= y)
            case ">":
                return Truth(x > y)
            case ">=":
                return Truth(x >= y)
            case "==":
                return Truth(x == y)
            case "!=":
                return Truth(x != y)
        raise Refused(f"{self.vendor.name}: operator {op}")

    def unary(self) -> float:
        if self.peek() == "-":
            self.at += 1
            return -self.number(self.unary())
        if self.vendor.negation and self.peek() == self.vendor.negation:
            self.at += 1
            return Truth(not self.vendor.true(self.unary()))
        return self.power()

    def power(self) -> float:
        base = self.atom()
        if self.peek() != "**":
            return base
        self.take("**")
        return real_power(self.number(base), self.number(self.unary()))

    def atom(self) -> float:
        if self.at >= len(self.tokens):
            raise Refused(f"{self.vendor.name}: the text ends")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return float(text)
        if text == "(":
            inner = self.ternary()
            self.take(")")
            return inner
        if text == "{" and self.vendor.braces:
            name = self.tokens[self.at][1]
            self.at += 1
            self.take("}")
            return self.names[name]
        if kind != "name":
            raise Refused(f"{self.vendor.name}: {text!r}")
        if self.peek() == "(":
            return self.call(text)
        if text.lower() == self.vendor.time:
            return self.names["time"]
        if self.vendor.braces:
            raise Refused(f"{self.vendor.name} takes parameters in braces")
        return self.names[text]

    def call(self, name: str) -> float:
        self.take("(")
        if name.lower() in ("v", "i"):
            nodes: list[str] = []
            while self.peek() != ")":
                nodes.append(self.peek())
                self.at += 1
            self.take(")")
            return self.signal(name.lower(), [n for n in nodes if n != ","])
        arguments: list[Any] = [self.ternary()]
        while self.peek() == ",":
            self.take(",")
            arguments.append(self.ternary())
        self.take(")")
        folded = name.lower()
        if folded == self.vendor.choice:
            return self.choose(*arguments)
        if folded not in self.vendor.functions:
            raise Refused(f"{self.vendor.name} has no function {name!r}")
        return float(self.vendor.functions[folded](*map(self.number, arguments)))

    def signal(self, kind: str, nodes: list[str]) -> float:
        if kind == "i":
            return self.names[f"i({nodes[0].strip(chr(34)).removesuffix(':1')})"]
        return self.voltages[nodes[0]] - (self.voltages[nodes[1]] if len(nodes) > 1 else 0.0)


def evaluate_text(
    dialect: str, text: str, voltages: Mapping[str, float], names: Mapping[str, float] | None = None
) -> float:
    """The value of an expression as `dialect` reads it; raises `Refused`."""
    return Evaluator(VENDORS[dialect], text, {"0": 0.0, **voltages}, names or {}).value()
