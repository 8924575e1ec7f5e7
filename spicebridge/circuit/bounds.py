"""Bounds of the state in a circuit: what each window adds at the state node.

The state node integrates currents in 1 F, so a rate in 1/s is a current in A. Formulas as in
``windows``; here they are circuit elements: two switches to the levels 0 and 1 for hard bounds, one
behavioural source for the others.
"""

from __future__ import annotations

from spicebridge.circuit.deck import DcWave, Element, Model, Switch, VoltageSource
from spicebridge.circuit.expressions import (
    Binary,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Unary,
)
from spicebridge.errors import DeckError
from spicebridge.windows import Biolek, Hard, Joglekar, NoWindow, Tanh, Window

CLAMP_ON = 1e-12
"""ohm: the switch that holds a state; the overshoot is this times the rate."""
CLAMP_OFF = 1e12
"""ohm: the open switch; it leaks 1e-12/s of the distance to the wall."""

UPPER_NODE = "one"


def clamp_models() -> tuple[Model, ...]:
    """The two switch models of the hard bounds, once per deck."""
    common = (("vh", 0.0), ("ron", CLAMP_ON), ("roff", CLAMP_OFF))
    return (Model("SHI", "sw", (("vt", 1.0), *common)), Model("SLO", "sw", (("vt", 0.0), *common)))


def clamp_level() -> Element:
    """The source that holds the upper wall at 1 V, once per deck."""
    return VoltageSource("VH", UPPER_NODE, "0", DcWave(1.0), "upper bound of every state")


def clamps(k: int, state: str) -> tuple[Element, Element]:
    """Hard bounds of one state node: closed to 1 above 1, closed to 0 below 0."""
    return (
        Switch(f"SH{k}", state, UPPER_NODE, state, "0", "SHI"),
        Switch(f"SL{k}", state, "0", "0", state, "SLO"),
    )


def is_linear(window: Window) -> bool:
    """Whether the rate reaches the state node through linear elements (and clamps) alone."""
    return isinstance(window, (NoWindow, Hard))


def windowed_rate(window: Window, state: str, decay: Expression | None, drift: Expression) -> Expression:
    """F as one expression of the state node and the two parts of the rate.

    For Joglekar and Biolek the decay is left out: it stays a linear element. For tanh it is part of
    the window, and None stands for zero.
    """
    s: Expression = NodeVoltage(state)
    one = Number(1.0)
    match window:
        case Joglekar(p):
            u = Binary("-", Binary("*", Number(2.0), s), one)
            square = Binary("*", u, u)
            factor: Expression = Binary("*", Number(4.0), Binary("*", s, Binary("-", one, s)))
            if p > 1:
                series: Expression = one
                for _ in range(p - 1):
                    series = Binary("+", one, Binary("*", square, series))
                factor = Binary("*", factor, series)
            return Binary("*", drift, factor)
        case Biolek(p):
            u = Conditional(Binary("<", drift, Number(0.0)), Binary("-", s, one), s)
            square = Binary("*", u, u)
            power: Expression = square
            for _ in range(p - 1):
                power = Binary("*", power, square)
            return Binary("*", drift, Binary("-", one, power))
        case Tanh(p, scale):
            f = drift if decay is None else Binary("+", decay, drift)
            argument = Binary("*", Number(p / scale), f)
            up = _step(argument)
            down = _step(Unary("-", argument))
            low = _step(Binary("*", Number(p), s))
            high = _step(Binary("*", Number(p), Binary("-", one, s)))
            return Binary("*", f, Binary("+", Binary("*", down, low), Binary("*", up, high)))
    raise DeckError(f"window {window!r} has no circuit; add it to circuit/bounds.py")


def _step(x: Expression) -> Expression:
    return Binary("*", Number(0.5), Binary("+", Number(1.0), Call("tanh", (x,))))
