"""What the words of an expression mean in Xyce, HSPICE and PSpice.

Sources as in the writers (`circuit/dialects`): the Xyce Reference Guide and what Xyce 7.10 answered when asked (pow,
pwr and ``**`` of (-2, 3) are -8, ``^`` is exclusive or, there is no u()); the Star-Hspice manual (log, log10 and sqrt
keep the sign of x, pow takes the integer part of its exponent, pwr is signed); the PSpice User Guide (LOG is natural,
PWR is |x|^y, PWRS signed). What they leave open is refused.
"""

from __future__ import annotations

import math

from spicebridge.circuit.reader.languages import (
    RANDOM,
    STATE,
    TABLE,
    Meaning,
    choice,
    half_away,
    integral,
    plain,
    power_of,
)
from spicebridge.expressions.language import Language, power
from spicebridge.expressions.tree import Expression, Number, call

GRAMMAR = ("expression.lark", "vendor_expression.lark")
_BRACKETS = {
    "DOUBLE_STAR": "the manual leaves the grouping open, write brackets: -(x**y), (-x)**y, (x**y)**z",
    "CARET": "the sign means exclusive or, or a power, by simulator; write x**y for a power",
    "PERCENT": "remainders are not read",
    **{k: "write brackets around each comparison" for k in ("LESS", "MORE", "LESS_EQUAL", "MORE_EQUAL")},
}
_RANDOM = {name: RANDOM for name in ("agauss", "aunif", "gauss", "unif", "rand", "random")}
_TEMPERATURE = {
    name: "the temperature is not part of a deck here; write the number" for name in ("temp", "temper", "vt")
}
_FREQUENCY = {name: "frequency has no meaning in a transient; write the number" for name in ("freq", "hertz")}
_DERIVATIVE = {"ddt": STATE}


def _keeps_sign(name: str) -> Meaning:
    """sgn(x) f(|x|)."""
    return 1, 1, lambda x: call("sgn", x) * call(name, call("abs", x))


def _integer_power(x: Expression, y: Expression) -> Expression:
    return power(x, Number(float(math.trunc(y.value))) if isinstance(y, Number) else call("int", y), "real")


_STEP: Meaning = (1, 1, lambda x: x > 0.0)
_SIGN: Meaning = (2, 2, lambda x, y: call("sgn", y) * call("abs", x))
_NEAREST: Meaning = (1, 1, half_away)
_CHOICE: Meaning = choice(lambda: XYCE)
_INTEGRAL: Meaning = (1, 1, integral)
_CIRCULAR = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
_AREA = ("asinh", "acosh", "atanh")
_COMMON = plain("abs", "exp", "min", "max", "sgn", *_CIRCULAR, arctan="atan")

XYCE: Language = Language(
    name="Xyce",
    grammar=GRAMMAR,
    functions=_COMMON
    | plain("sqrt", "ln", "log10", "floor", "ceil", "int", "limit", "uramp", "atan2", *_AREA, log="log10")
    | {
        "nint": _NEAREST,
        "sign": _SIGN,
        "stp": _STEP,
        "if": _CHOICE,
        "table": TABLE,
        "sdt": _INTEGRAL,
        "pow": power_of("real"),
        "pwr": power_of("real"),
        "pwrs": power_of("signed"),
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
    | plain("floor", "ceil", "int")
    | {
        "log": _keeps_sign("ln"),
        "log10": _keeps_sign("log10"),
        "sqrt": _keeps_sign("sqrt"),
        "db": (1, 1, lambda x: 20.0 * _keeps_sign("log10")[2](x)),
        "nint": _NEAREST,
        "sign": _SIGN,
        "pow": (2, 2, _integer_power),
        "pwr": power_of("signed"),
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
    | plain("sqrt", "log10", "floor", "ceil", "limit", "atan2", log="ln")
    | {
        "stp": _STEP,
        "if": _CHOICE,
        "table": TABLE,
        "sdt": _INTEGRAL,
        "pwr": power_of("abs"),
        "pwrs": power_of("signed"),
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
