"""What the words of an expression mean to each simulator.

ngspice has two languages: B sources ("behavioural") and its parameter evaluator ("constant"), which
differ in the meaning of ``pow`` and ``pwr``, in functions and in precedence. All of it measured on
ngspice 39; the tests hold it against the simulator. Powers of a negative base changed behind version 45: signed
where the exponent is whole, 0 elsewhere. LTspice was not run: its help and the reference that its makers publish
(analogdevicesinc/ltspice-reference) are the source.

Sources of the others as in the writers (`circuit/dialects`): the Xyce Reference Guide and what Xyce 7.10 answered when
asked (pow, pwr and ``**`` of (-2, 3) are -8, ``^`` is exclusive or, there is no u()); the Star-Hspice manual (log,
log10 and sqrt keep the sign of x, pow takes the integer part of its exponent, pwr is signed); the PSpice User Guide
(LOG is natural, PWR is |x|^y, PWRS signed). What any of them leaves open is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from spicebridge.errors import DeckError
from spicebridge.expressions.evaluate import evaluate
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.language import Language, Maker, power
from spicebridge.expressions.tree import Binary, Call, Conditional, Expression, Number, Power, call

Meaning = tuple[int, int, Maker]
"""Least and most arguments, and the tree that a call is."""


def plain(*names: str, **renamed: str) -> dict[str, Meaning]:
    """Functions that are ours under the same name, or under another: ``plain("abs", log="ln")``."""
    ours = {name: name for name in names} | renamed
    count = {name: function.arguments for name, function in FUNCTIONS.items()}
    return {theirs: (count[name], count[name], partial(call, name)) for theirs, name in ours.items()}


def power_of(kind: str) -> Meaning:
    """A function of base and exponent."""
    return 2, 2, lambda x, y: power(x, y, kind)


def _against_zero(op: str) -> Meaning:
    return 1, 1, lambda x: Binary(op, x, Number(0.0))


def choice(language: Callable[[], Language]) -> Meaning:
    """A choice whose test is true by the rule of a language, which is asked for once there is one."""
    return 3, 3, lambda test, yes, no: Conditional(language().truth(test), yes, no)


def half_away(x: Expression) -> Expression:
    """The nearest whole number, halves away from zero, as C's round()."""
    return call("sgn", x) * call("floor", call("abs", x) + 0.5)


def _middle(x: Expression, y: Expression, z: Expression) -> Expression:
    """LTspice's limit: the intermediate one of three values, so that the bounds may come in either order."""
    try:
        low, high = sorted((y, z), key=lambda bound: float(evaluate(bound)))
    except DeckError:
        low, high = call("min", y, z), call("max", y, z)
    return call("limit", x, low, high)


def _line_table(x: Expression, *points: Expression) -> Expression:
    """ngspice's pwl: a table that goes on with the slope of its first and last piece.

    Of an argument that is kept between the first and the last point it is a plain table.
    """
    match x:
        case Call("min", (Call("max", (inner_x, low)), high)) if (low, high) == (points[0], points[-2]):
            return Call("table", (inner_x, *points))
    inside: Expression = Call("table", (x, *points))
    for inner, outer, beyond in ((2, 0, "min"), (len(points) - 4, len(points) - 2, "max")):
        x0, y0, x1, y1 = (*points[outer : outer + 2], *points[inner : inner + 2])
        inside = inside + (y1 - y0) / (x1 - x0) * call(beyond, x - x0, 0.0)
    return inside


def integral(x: Expression, *initial: Expression) -> Expression:
    """The integral of x over time from `initial` on; whoever builds the circuit makes it the voltage of a node."""
    return Call(INTEGRAL, (x, *initial))


INTEGRAL = "sdt"
TABLE: Meaning = (3, 1_000_000, lambda *x: Call("table", x))
_TESTS = {"eq0": "==", "ne0": "!=", "gt0": ">", "lt0": "<", "ge0": ">=", "le0": "<="}
_TRIGONOMETRIC = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
_SAME = plain("abs", "sqrt", "exp", "ln", "log10", "sgn", "floor", "ceil", "min", "max", log="ln")
_SAME |= plain(*_TRIGONOMETRIC)
STATE = "it hides a state; write the state as a node with a capacitor"
RANDOM = "it is random; write the number"

NGSPICE: Language = Language(
    name="ngspice",
    grammar=("expression.lark", "ngspice_expression.lark"),
    functions=_SAME
    | plain("u", "uramp", "nint")
    | {
        "u2": (1, 1, lambda x: call("limit", x, 0.0, 1.0)),
        "pow": power_of("abs"),
        "pwr": power_of("signed"),
        "ternary_fcn": choice(lambda: NGSPICE),
        "pwl": (5, 1_000_000, _line_table),
    }
    | {name: _against_zero(op) for name, op in _TESTS.items()},
    refused={name: STATE for name in ("ddt", "idt", "sdt")}
    | {
        "temper": "the temperature is not part of a deck here; write the number",
        "hertz": "frequency has no meaning in a transient; write the number",
        "limit": "B sources of ngspice have no such function; write min(max(x,low),high)",
        "if": "B sources of ngspice have no such function; write test ? yes : no",
        "int": "B sources of ngspice have no such function",
    },
    constants={"pi": math.pi, "e": math.e},
    powers={"CARET": "abs", "DOUBLE_STAR": "abs"},
    hints={"AMPERSAND": "write &&", "BAR": "write ||", "SINGLE_EQUAL": "write == to compare", "TILDE": "write !"},
    braces="dropped",
)

NGSPICE_CONSTANT = Language(
    name="ngspice parameters",
    grammar=("expression.lark", "ngspice_parameter.lark"),
    functions=_SAME
    | plain("int", "nint", arctan="atan")
    | {
        "sqr": (1, 1, lambda x: x * x),
        "pow": power_of("real"),
        "pwr": power_of("abs"),
        "ternary_fcn": choice(lambda: NGSPICE),
    },
    refused={name: RANDOM for name in ("agauss", "gauss", "unif", "aunif", "limit")}
    | {"vec": "it reads a simulator's vector", "var": "it reads a simulator's variable"}
    | {name: "it has no constant value" for name in ("time", "temper", "hertz")}
    | {name: "parameters of ngspice have no such function" for name in ("u", "uramp", "if")},
    powers={"CARET": "abs", "DOUBLE_STAR": "abs"},
    hints={"_ASK": "a choice inside a choice needs brackets in ngspice parameters, which misread it without"},
    braces="dropped",
    signals=False,
    literal_sign_first=True,
    mil=False,
)


LTSPICE: Language = Language(
    name="LTspice",
    grammar=("expression.lark", "ltspice_expression.lark"),
    functions=_SAME
    | plain("atan2", "int", "uramp", arcsin="asin", arccos="acos", arctan="atan")
    | {
        "limit": (3, 3, _middle),
        "hypot": (2, 2, lambda x, y: call("sqrt", x * x + y * y)),
        "square": (1, 1, lambda x: x * x),
        "table": TABLE,
        "tbl": TABLE,
        "u": _against_zero(">"),
        "stp": _against_zero(">"),
        "buf": (1, 1, lambda x: Binary(">", x, Number(0.5))),
        "inv": (1, 1, lambda x: Binary("<=", x, Number(0.5))),
        "if": choice(lambda: LTSPICE),
        "xor": (2, 2, lambda x, y: Binary("!=", LTSPICE.truth(x), LTSPICE.truth(y))),
        "round": (1, 1, half_away),
        "cbrt": (1, 1, lambda x: Power(x, Number(1.0 / 3.0), "signed")),
        "sdt": (1, 2, integral),
        "idt": (1, 2, integral),
        "pow": power_of("part"),
        "pwr": power_of("abs"),
        "pwrs": power_of("signed"),
    },
    refused={name: STATE for name in ("ddt", "idtmod", "delay", "absdelay")}
    | {name: RANDOM for name in ("rand", "random", "white", "noise", "gauss", "flat", "mc", "fra")}
    | {name: "its soft edge has no documented formula; write limit()" for name in ("uplim", "dnlim")}
    | {"mod": "remainders are not read"}
    | {"select": "the reference does not say how its choices are counted; write if(test,yes,no)"}
    | {"smallsig": "it is 0 in a transient; write 0"}
    | {"temp": "the temperature is not part of a deck here; write the number"},
    constants={
        "pi": math.pi,
        "boltz": 1.3806503e-23,
        "echarge": 1.602176462e-19,
        "planck": 6.62606876e-34,
        "kelvin": -273.15,
        "gmin": 1e-12,
    },
    powers={"DOUBLE_STAR": "part"},
    hints={
        "DOUBLE_STAR": "the help leaves the grouping open, write brackets: -(x**y), (-x)**y, (x**y)**z",
        "AND": "write &",
        "OR": "write |",
        "PERCENT": "remainders are not read",
        **{k: "write brackets around each comparison" for k in ("LESS", "MORE", "LESS_EQUAL", "MORE_EQUAL")},
        **{k: "write brackets around each side" for k in ("AMPERSAND", "BAR", "CARET")},
    },
    true_above_half=True,
)

VENDOR_GRAMMAR = ("expression.lark", "vendor_expression.lark")
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
    grammar=VENDOR_GRAMMAR,
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
    grammar=VENDOR_GRAMMAR,
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
    grammar=VENDOR_GRAMMAR,
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


def constant_form(language: Language) -> Language:
    """The same language where a value must not depend on voltages, currents or time."""
    refused = {**language.refused, "time": "it has no constant value"}
    return replace(language, name=f"{language.name} parameters", refused=refused, signals=False)
