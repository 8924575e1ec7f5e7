"""Macromodels of the parts as subcircuits.

Op-amp: one pole, slew limit, output that stops `swing` short of its rails, current limit behind R_OUT::

    C dx/dt = s/sqrt(1 + (s/(slew C))^2) - x/Rp - 2 pi GBW C x (x/(FAR reach))^4
    s       = 2 pi GBW C vd,   Rp C = gain/(2 pi GBW)
    y       = (x/sqrt(1 + (x/reach)^2) + middle of rails - v_out)/R_OUT,   reach = half the rails less `swing`
    i_out   = y/sqrt(1 + (y/i_max)^2), taken from the + rail

Nothing has a corner or is flat, so that Newton's method starts without stepping; feedback takes the bend of the output
out. The fifth power bounds x in an overload and is below 1/gain in use.
"""

from __future__ import annotations

import math

from spicebridge.circuit.deck.elements import BehaviouralCurrent, CapacitorElement, ResistorElement, Subcircuit
from spicebridge.expressions.tree import Binary, Call, Expression, NodeVoltage, Number
from spicebridge.lab.design.parts import OpAmp

R_OUT = 10.0
"""Output resistance inside the loop, ohm."""
C_POLE = 1e-9
"""Capacitance of the internal pole, F; sets the impedance level only."""
FAR = 40.0
"""Where the fifth power of the internal node reaches 2 pi GBW C, in units of the output's reach."""


def times(a: Expression, b: Expression) -> Expression:
    return Binary("*", a, b)


def plus(a: Expression, b: Expression) -> Expression:
    return Binary("+", a, b)


def minus(a: Expression, b: Expression) -> Expression:
    return Binary("-", a, b)


def limited(x: Expression, limit: float) -> Expression:
    """x/sqrt(1 + (x/limit)^2): never flat, for Newton's method finds no way back from a flat limit."""
    ratio = times(Number(1.0 / limit), x)
    return Binary("/", x, Call("sqrt", (plus(Number(1.0), times(ratio, ratio)),)))


def subcircuit_name(part: str) -> str:
    """A name every simulator takes."""
    return "".join(c if c.isalnum() else "_" for c in part).upper()


def opamp_macro(part: OpAmp) -> Subcircuit:
    """Pins inp inn vp vn out; see the module."""
    w = 2.0 * math.pi * part.gbw
    x: Expression = NodeVoltage("x")
    drive = limited(times(Number(w * C_POLE), NodeVoltage("inp", "inn")), part.slew * C_POLE)
    middle = times(Number(0.5), plus(NodeVoltage("vp"), NodeVoltage("vn")))
    reach = minus(times(Number(0.5), NodeVoltage("vp", "vn")), Number(part.swing))
    bent = Binary("/", x, Call("sqrt", (plus(Number(1.0), times(Binary("/", x, reach), Binary("/", x, reach))),)))
    far = Binary("/", x, times(Number(FAR), reach))
    wound = times(Number(w * C_POLE), times(x, times(times(far, far), times(far, far))))
    wanted = times(Number(1.0 / R_OUT), minus(plus(bent, middle), NodeVoltage("out")))
    return Subcircuit(
        name=subcircuit_name(part.name),
        pins=("inp", "inn", "vp", "vn", "out"),
        elements=(
            BehaviouralCurrent("B1", "0", "x", drive, "gain-bandwidth and slew rate"),
            CapacitorElement("C1", "x", "0", C_POLE),
            ResistorElement("R1", "x", "0", part.gain / (w * C_POLE)),
            BehaviouralCurrent("B2", "x", "0", wound, "bounds x in an overload"),
            BehaviouralCurrent("B3", "vp", "out", limited(wanted, part.current), "output, with its limit"),
            ResistorElement("R2", "inp", "inn", 1e12),
        ),
        header=(
            f"{part.name}: GBW {part.gbw:g} Hz, gain {part.gain:g}, slew {part.slew:g} V/s, "
            f"{part.swing:g} V from the rails, {part.current:g} A",
        ),
    )
