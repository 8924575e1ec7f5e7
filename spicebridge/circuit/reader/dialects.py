"""What the words of an expression mean in each dialect that is read.

ngspice has two languages: B sources ("behavioural") and its parameter evaluator ("constant"), which
differ in the meaning of ``pow`` and ``pwr``, in functions and in precedence. All of it measured on
ngspice 39; the tests hold it against the simulator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spicebridge.circuit.expressions import (
    FUNCTIONS,
    Binary,
    Call,
    Conditional,
    Expression,
    Number,
    Power,
    Unary,
)

Maker = Callable[..., Expression]


@dataclass(frozen=True)
class Language:
    """One expression language: grammar files, operators, words.

    `functions` maps a name to (least, most arguments, what it means); `refused` maps words to the reason;
    `constants` are names with a fixed value. `braces` says how ``{`` is read: "dropped" (ngspice, checked for
    ambiguity), "brackets". `test_half`: a condition holds above one half instead of where it is not 0.
    """

    name: str
    grammar: tuple[str, ...]
    functions: Mapping[str, tuple[int, int, Maker]]
    refused: Mapping[str, str]
    constants: Mapping[str, float] = field(default_factory=dict)
    powers: Mapping[str, str] = field(default_factory=dict)
    braces: str = "brackets"
    test_half: bool = False
    signals: bool = True


def _plain(name: str) -> tuple[int, int, Maker]:
    n = FUNCTIONS[name][0]
    return n, n, lambda *x: Call(name, x)


def _renamed(name: str) -> tuple[int, int, Maker]:
    return _plain(name)


def _power(kind: str) -> tuple[int, int, Maker]:
    return 2, 2, lambda x, y: Power(x, y, kind)


def _against_zero(op: str) -> tuple[int, int, Maker]:
    return 1, 1, lambda x: Binary(op, x, Number(0.0))


def _truth(x: Expression) -> Expression:
    return x if is_truth(x) else Binary("!=", x, Number(0.0))


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


def _choice(test: Expression, yes: Expression, no: Expression) -> Expression:
    return Conditional(_truth(test), yes, no)


def _line_table(x: Expression, *points: Expression) -> Expression:
    """ngspice's pwl: a table that goes on with the slope of its first and last piece."""
    inside: Expression = Call("table", (x, *points))
    for inner, outer, beyond in ((2, 0, "min"), (len(points) - 4, len(points) - 2, "max")):
        x0, y0, x1, y1 = (*points[outer : outer + 2], *points[inner : inner + 2])
        slope = Binary("/", Binary("-", y1, y0), Binary("-", x1, x0))
        past = Call(beyond, (Binary("-", x, x0), Number(0.0)))
        inside = Binary("+", inside, Binary("*", slope, past))
    return inside


_SAME = {
    name: _plain(name)
    for name in (
        "abs sqrt exp ln log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sgn floor ceil".split()
    )
}
_STATE = "it hides a state; write the state as a node with a capacitor"
_RANDOM = "it is random; write the number"

NGSPICE = Language(
    name="ngspice",
    grammar=("expression.lark", "ngspice_expression.lark"),
    functions=_SAME
    | {
        "log": _renamed("ln"),
        "u": _plain("u"),
        "uramp": _plain("uramp"),
        "u2": (1, 1, lambda x: Call("limit", (x, Number(0.0), Number(1.0)))),
        "nint": _plain("nint"),
        "min": _plain("min"),
        "max": _plain("max"),
        "pow": _power("abs"),
        "pwr": _power("signed"),
        "ternary_fcn": (3, 3, _choice),
        "pwl": (5, 1_000_000, _line_table),
        "eq0": _against_zero("=="),
        "ne0": _against_zero("!="),
        "gt0": _against_zero(">"),
        "lt0": _against_zero("<"),
        "ge0": _against_zero(">="),
        "le0": _against_zero("<="),
    },
    refused={
        "ddt": _STATE,
        "idt": _STATE,
        "sdt": _STATE,
        "temper": "the temperature is not part of a deck here; write the number",
        "hertz": "frequency has no meaning in a transient; write the number",
        "limit": "B sources of ngspice have no such function; write min(max(x,low),high)",
        "if": "B sources of ngspice have no such function; write test ? yes : no",
        "int": "B sources of ngspice have no such function",
    },
    constants={"pi": math.pi, "e": math.e},
    powers={"CARET": "abs", "DOUBLE_STAR": "abs"},
    braces="dropped",
)

NGSPICE_CONSTANT = Language(
    name="ngspice parameters",
    grammar=("expression.lark", "ngspice_parameter.lark"),
    functions=_SAME
    | {
        "log": _renamed("ln"),
        "arctan": _renamed("atan"),
        "sqr": (1, 1, lambda x: Binary("*", x, x)),
        "int": _plain("int"),
        "nint": _plain("nint"),
        "min": _plain("min"),
        "max": _plain("max"),
        "pow": _power("real"),
        "pwr": _power("abs"),
        "ternary_fcn": (3, 3, _choice),
    },
    refused={name: _RANDOM for name in ("agauss", "gauss", "unif", "aunif", "limit")}
    | {"vec": "it reads a simulator's vector", "var": "it reads a simulator's variable"}
    | {name: "it has no constant value" for name in ("time", "temper", "hertz")}
    | {name: "parameters of ngspice have no such function" for name in ("u", "uramp", "if")},
    powers={"CARET": "abs", "DOUBLE_STAR": "abs"},
    braces="dropped",
    signals=False,
)


@dataclass(frozen=True)
class Dialect:
    """What a simulator reads: behavioural expressions, and those that must be constant."""

    name: str
    behavioural: Language
    constant: Language


DIALECTS = {"ngspice": Dialect("ngspice", NGSPICE, NGSPICE_CONSTANT)}
