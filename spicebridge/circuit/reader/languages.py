"""What the words of an expression mean in ngspice and LTspice, and the table of all dialects that are read.

ngspice has two languages: B sources ("behavioural") and its parameter evaluator ("constant"), which
differ in the meaning of ``pow`` and ``pwr``, in functions and in precedence. All of it measured on
ngspice 39; the tests hold it against the simulator. Powers of a negative base changed behind version 45: signed
where the exponent is whole, 0 elsewhere. LTspice was not run: its help and the reference that its makers publish
(analogdevicesinc/ltspice-reference) are the source, and what they leave open is refused. Xyce, HSPICE and PSpice
stand in `vendor_languages`.
"""

from __future__ import annotations

import math
from dataclasses import replace

from spicebridge.expressions.language import Language, Maker, is_truth, power
from spicebridge.expressions.tree import (
    FUNCTIONS,
    Binary,
    Call,
    Conditional,
    Expression,
    Number,
    Power,
)


def _plain(name: str) -> tuple[int, int, Maker]:
    n = FUNCTIONS[name][0]
    return n, n, lambda *x: Call(name, x)


def _power(kind: str) -> tuple[int, int, Maker]:
    return 2, 2, lambda x, y: power(x, y, kind)


def _against_zero(op: str) -> tuple[int, int, Maker]:
    return 1, 1, lambda x: Binary(op, x, Number(0.0))


def _choice(test: Expression, yes: Expression, no: Expression) -> Expression:
    return Conditional(test if is_truth(test) else Binary("!=", test, Number(0.0)), yes, no)


def _choice_above_half(test: Expression, yes: Expression, no: Expression) -> Expression:
    return Conditional(test if is_truth(test) else Binary(">", test, Number(0.5)), yes, no)


def _half_away(x: Expression) -> Expression:
    """The nearest whole number, halves away from zero, as C's round()."""
    return Binary("*", Call("sgn", (x,)), Call("floor", (Binary("+", Call("abs", (x,)), Number(0.5)),)))


def _exclusive(x: Expression, y: Expression) -> Expression:
    return Binary("!=", LTSPICE.truth(x), LTSPICE.truth(y))


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
        slope = Binary("/", Binary("-", y1, y0), Binary("-", x1, x0))
        past = Call(beyond, (Binary("-", x, x0), Number(0.0)))
        inside = Binary("+", inside, Binary("*", slope, past))
    return inside


def integral(x: Expression, *initial: Expression) -> Expression:
    """The integral of x over time from `initial` on; whoever builds the circuit makes it the voltage of a node."""
    return Call(INTEGRAL, (x, *initial))


INTEGRAL = "sdt"
_TRIGONOMETRIC = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
_SAME = {name: _plain(name) for name in ("abs", "sqrt", "exp", "ln", "log10", "sgn", "floor", "ceil", *_TRIGONOMETRIC)}
_STATE = "it hides a state; write the state as a node with a capacitor"
_RANDOM = "it is random; write the number"

NGSPICE = Language(
    name="ngspice",
    grammar=("expression.lark", "ngspice_expression.lark"),
    functions=_SAME
    | {
        "log": _plain("ln"),
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
    hints={
        "AMPERSAND": "write &&",
        "BAR": "write ||",
        "SINGLE_EQUAL": "write == to compare",
        "TILDE": "write !",
    },
    braces="dropped",
)

NGSPICE_CONSTANT = Language(
    name="ngspice parameters",
    grammar=("expression.lark", "ngspice_parameter.lark"),
    functions=_SAME
    | {
        "log": _plain("ln"),
        "arctan": _plain("atan"),
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
    hints={"_ASK": "a choice inside a choice needs brackets in ngspice parameters, which misread it without"},
    braces="dropped",
    signals=False,
    literal_sign_first=True,
    mil=False,
)


LTSPICE = Language(
    name="LTspice",
    grammar=("expression.lark", "ltspice_expression.lark"),
    functions=_SAME
    | {
        "log": _plain("ln"),
        "arcsin": _plain("asin"),
        "arccos": _plain("acos"),
        "arctan": _plain("atan"),
        "atan2": _plain("atan2"),
        "hypot": (2, 2, lambda x, y: Call("sqrt", (Binary("+", Binary("*", x, x), Binary("*", y, y)),))),
        "square": (1, 1, lambda x: Binary("*", x, x)),
        "int": _plain("int"),
        "min": _plain("min"),
        "max": _plain("max"),
        "limit": _plain("limit"),
        "table": (3, 1_000_000, lambda *x: Call("table", x)),
        "tbl": (3, 1_000_000, lambda *x: Call("table", x)),
        "u": _against_zero(">"),
        "stp": _against_zero(">"),
        "uramp": _plain("uramp"),
        "buf": (1, 1, lambda x: Binary(">", x, Number(0.5))),
        "inv": (1, 1, lambda x: Binary("<=", x, Number(0.5))),
        "if": (3, 3, _choice_above_half),
        "xor": (2, 2, _exclusive),
        "round": (1, 1, _half_away),
        "cbrt": (1, 1, lambda x: Power(x, Number(1.0 / 3.0), "signed")),
        "sdt": (1, 2, integral),
        "idt": (1, 2, integral),
        "pow": _power("part"),
        "pwr": _power("abs"),
        "pwrs": _power("signed"),
    },
    refused={name: _STATE for name in ("ddt", "idtmod", "delay", "absdelay")}
    | {name: _RANDOM for name in ("rand", "random", "white", "noise", "gauss", "flat", "mc", "fra")}
    | {name: "its soft edge has no documented formula; write limit()" for name in ("uplim", "dnlim")}
    | {name: "remainders are not read" for name in ("mod",)}
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

LTSPICE_CONSTANT = replace(
    LTSPICE,
    name="LTspice parameters",
    refused={**LTSPICE.refused, "time": "it has no constant value"},
    signals=False,
)
