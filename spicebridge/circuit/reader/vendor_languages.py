"""What the words of an expression mean in Xyce, HSPICE and PSpice.

Sources as in the writers (`circuit/dialects`): the Xyce Reference Guide and what Xyce 7.10 answered when asked (pow,
pwr and ``**`` of (-2, 3) are -8, ``^`` is exclusive or, there is no u()); the Star-Hspice manual (log, log10 and sqrt
keep the sign of x, pow takes the integer part of its exponent, pwr is signed); the PSpice User Guide (LOG is natural,
PWR is |x|^y, PWRS signed). What they leave open is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spicebridge.circuit.reader.languages import integral
from spicebridge.expressions.language import Language, power
from spicebridge.expressions.tree import FUNCTIONS, Binary, Call, Conditional, Expression, Number

_Meaning = tuple[int, int, Callable[..., Any]]

GRAMMAR = ("expression.lark", "vendor_expression.lark")
_BRACKETS = {
    "DOUBLE_STAR": "the manual leaves the grouping open, write brackets: -(x**y), (-x)**y, (x**y)**z",
    "CARET": "the sign means exclusive or, or a power, by simulator; write x**y for a power",
    "PERCENT": "remainders are not read",
    **{k: "write brackets around each comparison" for k in ("LESS", "MORE", "LESS_EQUAL", "MORE_EQUAL")},
}
_RANDOM = {name: "it is random; write the number" for name in ("agauss", "aunif", "gauss", "unif", "rand", "random")}
_TEMPERATURE = {
    name: "the temperature is not part of a deck here; write the number" for name in ("temp", "temper", "vt")
}
_FREQUENCY = {name: "frequency has no meaning in a transient; write the number" for name in ("freq", "hertz")}
_DERIVATIVE = {"ddt": "it hides a state; write the state as a node with a capacitor"}


def _plain(*names: str) -> dict[str, _Meaning]:
    return {name: (FUNCTIONS[name][0], FUNCTIONS[name][0], _caller(name)) for name in names}


def _caller(name: str) -> Callable[..., Expression]:
    return lambda *x: Call(name, x)


def _power(kind: str) -> _Meaning:
    return 2, 2, lambda x, y: power(x, y, kind)


def _choice(test: Expression, yes: Expression, no: Expression) -> Expression:
    return Conditional(XYCE.truth(test), yes, no)


def _keeps_sign(name: str) -> _Meaning:
    """sgn(x) f(|x|)."""
    return 1, 1, lambda x: Binary("*", Call("sgn", (x,)), Call(name, (Call("abs", (x,)),)))


def _half_away(x: Expression) -> Expression:
    """Halves go away from zero."""
    return Binary("*", Call("sgn", (x,)), Call("floor", (Binary("+", Call("abs", (x,)), Number(0.5)),)))


def _sign_of(x: Expression, y: Expression) -> Expression:
    return Binary("*", Call("sgn", (y,)), Call("abs", (x,)))


def _integer_power(x: Expression, y: Expression) -> Expression:
    return power(x, Number(float(math.trunc(y.value))) if isinstance(y, Number) else Call("int", (y,)), "real")


_STEP: _Meaning = (1, 1, lambda x: Binary(">", x, Number(0.0)))
_CIRCULAR = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
_AREA = ("asinh", "acosh", "atanh")
_COMMON = _plain("abs", "exp", "min", "max", "sgn", *_CIRCULAR) | {"arctan": _plain("atan")["atan"]}

XYCE = Language(
    name="Xyce",
    grammar=GRAMMAR,
    functions=_COMMON
    | _plain("sqrt", "ln", "log10", "floor", "ceil", "int", "limit", "uramp", "atan2", *_AREA)
    | {
        "log": _plain("log10")["log10"],
        "nint": (1, 1, _half_away),
        "sign": (2, 2, _sign_of),
        "stp": _STEP,
        "if": (3, 3, _choice),
        "table": (3, 1_000_000, lambda *x: Call("table", x)),
        "sdt": (1, 1, integral),
        "pow": _power("real"),
        "pwr": _power("real"),
        "pwrs": _power("signed"),
    },
    refused=_RANDOM
    | _TEMPERATURE
    | _FREQUENCY
    | _DERIVATIVE
    | {name: "splines and files are not read; write table()" for name in ("spline", "akima", "cubic", "wodicka", "bli")}
    | {name: "remainders are not read" for name in ("fmod", "mod")}
    | {"u": "Xyce has no such function; write stp(x), which is 0 at 0"},
    constants={"pi": math.pi, "ctok": 273.15, "gmin": 1e-12},
    powers={"DOUBLE_STAR": "real"},
    hints=_BRACKETS,
)
HSPICE = Language(
    name="HSPICE",
    grammar=GRAMMAR,
    functions=_COMMON
    | _plain("floor", "ceil", "int")
    | {
        "log": _keeps_sign("ln"),
        "log10": _keeps_sign("log10"),
        "sqrt": _keeps_sign("sqrt"),
        "db": (1, 1, lambda x: Binary("*", Number(20.0), _keeps_sign("log10")[2](x))),
        "nint": (1, 1, _half_away),
        "sign": (2, 2, _sign_of),
        "pow": (2, 2, _integer_power),
        "pwr": _power("signed"),
    },
    refused=_RANDOM
    | _TEMPERATURE
    | _FREQUENCY
    | _DERIVATIVE
    | {"limit": "in HSPICE it is random; write min(max(x,low),high)"}
    | {"ln": "HSPICE has no such function; write log(x)"},
    powers={"DOUBLE_STAR": "real"},
    hints=_BRACKETS,
)
PSPICE = Language(
    name="PSpice",
    grammar=GRAMMAR,
    functions=_COMMON
    | _plain("sqrt", "log10", "floor", "ceil", "limit", "atan2")
    | {
        "log": _plain("ln")["ln"],
        "stp": _STEP,
        "if": (3, 3, _choice),
        "table": (3, 1_000_000, lambda *x: Call("table", x)),
        "sdt": (1, 1, integral),
        "pwr": _power("abs"),
        "pwrs": _power("signed"),
    },
    refused=_RANDOM
    | _TEMPERATURE
    | _FREQUENCY
    | _DERIVATIVE
    | {"pow": "PSpice has no such function; write PWR(x,y), which is |x|**y, or PWRS(x,y)"},
    constants={"pi": math.pi, "gmin": 1e-12},
    powers={"DOUBLE_STAR": "real"},
    hints=_BRACKETS,
)


def constant_form(language: Language) -> Language:
    """The same language where a value must not depend on voltages, currents or time."""
    refused = {**language.refused, "time": "it has no constant value"}
    return replace(language, name=f"{language.name} parameters", refused=refused, signals=False)
