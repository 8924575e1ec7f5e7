"""The functions of the language, each with everything that is known of it: value, slope, unit, smoothness, signs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.expressions.tree import Expression, Number, call

Amount = float | Array
"""A value of an expression."""


@dataclass(frozen=True, kw_only=True)
class MathFunction:
    """One function.

    - `arguments`: how many it takes, -1 for any.
    - `value` in numpy; `slope` of a function of one argument x, as an expression in x.
    - `unit`: "number" takes and gives numbers without unit; "kept" gives the unit of its argument and "root" the root
      of it; "equal" arguments have one unit, which it gives, "ratio" likewise but it gives a number; "none" takes any
      and gives a number.
    - `smooth`: no kink and no jump. `everywhere`: it has a value for every argument. `not_negative`: its value is.
    """

    arguments: int = 1
    value: Callable[..., Amount]
    slope: Callable[[Expression], Expression] | None = None
    unit: str = "number"
    smooth: bool = True
    everywhere: bool = True
    not_negative: bool = False


def _table(x: Amount, *points: Amount) -> Amount:
    # Constants may come spread over the shape of the signals.
    flat = [float(np.ravel(p)[0]) for p in points]
    return np.interp(x, flat[0::2], flat[1::2])


def _step(value: Callable[..., Amount], unit: str = "kept") -> MathFunction:
    return MathFunction(value=value, slope=lambda x: Number(0.0), unit=unit, smooth=False)


def _circle(x: Expression) -> Expression:
    return call("sqrt", 1.0 - x * x)


FUNCTIONS: dict[str, MathFunction] = {
    "abs": MathFunction(value=np.abs, slope=lambda x: call("sgn", x), unit="kept", smooth=False, not_negative=True),
    "sqrt": MathFunction(
        value=np.sqrt, slope=lambda x: 0.5 / call("sqrt", x), unit="root", everywhere=False, not_negative=True
    ),
    "exp": MathFunction(value=np.exp, slope=lambda x: call("exp", x), not_negative=True),
    "ln": MathFunction(value=np.log, slope=lambda x: 1.0 / x, everywhere=False),
    "log10": MathFunction(value=np.log10, slope=lambda x: 1.0 / math.log(10.0) / x, everywhere=False),
    "sin": MathFunction(value=np.sin, slope=lambda x: call("cos", x)),
    "cos": MathFunction(value=np.cos, slope=lambda x: -call("sin", x)),
    "tan": MathFunction(value=np.tan, slope=lambda x: 1.0 + call("tan", x) * call("tan", x)),
    "asin": MathFunction(value=np.arcsin, slope=lambda x: 1.0 / _circle(x), everywhere=False),
    "acos": MathFunction(value=np.arccos, slope=lambda x: -(1.0 / _circle(x)), everywhere=False),
    "atan": MathFunction(value=np.arctan, slope=lambda x: 1.0 / (1.0 + x * x)),
    "sinh": MathFunction(value=np.sinh, slope=lambda x: call("cosh", x)),
    "cosh": MathFunction(value=np.cosh, slope=lambda x: call("sinh", x), not_negative=True),
    "tanh": MathFunction(value=np.tanh, slope=lambda x: 1.0 - call("tanh", x) * call("tanh", x)),
    "asinh": MathFunction(value=np.arcsinh, slope=lambda x: 1.0 / call("sqrt", x * x + 1.0)),
    "acosh": MathFunction(value=np.arccosh, slope=lambda x: 1.0 / call("sqrt", x * x - 1.0), everywhere=False),
    "atanh": MathFunction(value=np.arctanh, slope=lambda x: 1.0 / (1.0 - x * x), everywhere=False),
    "sgn": _step(np.sign, unit="none"),
    "floor": _step(np.floor),
    "ceil": _step(np.ceil),
    "int": _step(np.trunc),
    "nint": _step(np.rint),
    "u": _step(lambda x: np.heaviside(x, 0.5), unit="none"),
    "uramp": MathFunction(
        value=lambda x: np.maximum(x, 0.0),
        slope=lambda x: call("u", x),
        unit="kept",
        smooth=False,
        not_negative=True,
    ),
    "atan2": MathFunction(arguments=2, value=np.arctan2, unit="ratio"),
    "min": MathFunction(arguments=2, value=np.minimum, unit="equal", smooth=False),
    "max": MathFunction(arguments=2, value=np.maximum, unit="equal", smooth=False),
    "limit": MathFunction(arguments=3, value=lambda x, low, high: np.clip(x, low, high), unit="equal", smooth=False),
    "table": MathFunction(arguments=-1, value=_table, unit="none", smooth=False),
}
"""By name; ``u(0)`` is one half."""
