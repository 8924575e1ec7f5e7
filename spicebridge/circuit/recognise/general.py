"""The deck's own expressions as a law of text, for laws that no device of the library has.

A deck's numbers carry no units, so the formulas are of v/(1 V) and give amperes, ohms and 1/s by factors of one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.recognise.equations import DROP, STATE, put
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.tree import Expression, Parameter, Unary
from spicebridge.laws.law import Law

if TYPE_CHECKING:
    from spicebridge.circuit.recognise.clamps import Range
    from spicebridge.circuit.recognise.law_of_edge import Characteristic

STYLE = ExpressionStyle()
UNITS = {"one_volt": (1.0, "V"), "one_ampere": (1.0, "A"), "one_ohm": (1.0, "ohm"), "one_hertz": (1.0, "1/s")}


def general_law(
    name: str, law: Characteristic, around: Range | None, *, clamped: bool, kept: bool, start: float
) -> tuple[object, float, str]:
    """(device, P, a sentence for the reader); raises `SpiceBridgeError` for what is no law.

    `around` is where the state moves, by `clamped` its walls; `kept`: it stays in [0, 1] by its own rate. At
    `start` the resistance has its sign.
    """
    assert law.rate is not None
    volts = DROP / Parameter("one_volt")

    def text(e: Expression, unit: str) -> str:
        return f"{unit}*({STYLE.format(simplify(put(e, DROP, volts)))})"

    P = 1.0
    entries: dict[str, object] = {"rate": text(law.rate, "one_hertz")}
    if law.resistance is None:
        entries["current"] = text(law.current, "one_ampere")
    else:
        R = law.R(np.array([start]))
        P = -1.0 if R[0] < 0.0 else 1.0
        resistance = law.resistance if P > 0.0 else Unary("-", law.resistance)
        entries["resistance"] = text(resistance, "one_ohm")
        # Where only forced currents pass, a resistance may pass zero; a stated range would say that it does not.
        kept = kept and bool((law.R(np.linspace(0.0, 1.0, 33)) * R[0] > 0.0).all())
    if clamped and around is not None:
        entries["state"] = {"name": STATE.name, "range": [around.low, around.high]}
        entries["window"] = "hard"
    else:
        entries["state"] = {"name": STATE.name, "range": [0.0, 1.0] if kept else "none"}
    formulas = " ".join(value for value in entries.values() if isinstance(value, str))
    entries["parameters"] = {unit: value for unit, value in UNITS.items() if unit in formulas}
    label = "deck_" + (re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "law")
    made = Law(label, **entries)
    note = f"{name}: no law of the library; its own expressions are the law {label}"
    return made(), P, note + ("; the deck names no range of its state" if around is not None and not clamped else "")
