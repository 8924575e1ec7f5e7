"""Which device laws a bench can build, how they scale, and how firmware inverts them.

An emulator sets a resistance, so it takes every law v = P R(s) i with ds/dt = F(s, v, i). Laws whose current is
not proportional to the voltage at a fixed state have no R(s) and are refused by name.

Scaling in impedance z, amplitude a and time c (`scaling`) multiplies a parameter of unit ohm^p V^q s^r by
z^p a^q c^r; the states stay.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.expressions.tree import Binary, Call, Expression, Number
from spicebridge.lab.design.equipment import LabError
from spicebridge.laws import (
    TEAM,
    VTEAM,
    HPMemristor,
    IdealMemristor,
    LinearMemristor,
    Resistor,
    ThresholdMemristor,
)
from spicebridge.network import Network

Unit = tuple[int, int, int]

OHM: Unit = (1, 0, 0)
VOLT: Unit = (0, 1, 0)
AMPERE: Unit = (-1, 1, 0)
PER_SECOND: Unit = (0, 0, -1)
PER_COULOMB: Unit = (1, -1, -1)
OHM_PER_VOLT_SECOND: Unit = (1, -1, -1)

UNITS: dict[type, dict[str, Unit]] = {
    Resistor: {"r": OHM},
    LinearMemristor: {"r_on": OHM, "r_off": OHM, "alpha": PER_SECOND, "beta": (0, 1, 1)},
    HPMemristor: {"r_on": OHM, "r_off": OHM, "k": PER_COULOMB},
    IdealMemristor: {"r_on": OHM, "r_off": OHM, "k": PER_COULOMB},
    ThresholdMemristor: {
        "r_on": OHM, "r_off": OHM, "v_t": VOLT, "b": VOLT, "beta": OHM_PER_VOLT_SECOND, "alpha": OHM_PER_VOLT_SECOND,
    },
    TEAM: {"r_on": OHM, "r_off": OHM, "k_on": PER_SECOND, "k_off": PER_SECOND, "i_on": AMPERE, "i_off": AMPERE},
    VTEAM: {"r_on": OHM, "r_off": OHM, "k_on": PER_SECOND, "k_off": PER_SECOND, "v_on": VOLT, "v_off": VOLT},
}  # fmt: skip
"""Units of the parameters that have one; a law that is not here cannot be built."""


def check_laws(network: Network) -> None:
    """Raise `LabError` with the edge and its law for the first law without R(s)."""
    for k, law in enumerate(network.devices()):
        if type(law) not in UNITS:
            known = ", ".join(kind.__name__ for kind in UNITS)
            why = "conducts i(v, s), which no resistance R(s) can stand for" if not law.ohmic else "has no units here"
            raise LabError(f"{network.edge_name(k)}: a {law.kind} {why}; the bench builds {known}")


def factor(unit: Unit, impedance: float, amplitude: float, time: float) -> float:
    """z^p a^q c^r."""
    return float(impedance ** unit[0] * amplitude ** unit[1] * time ** unit[2])


def equation(law: Any) -> str:
    """The law of an edge in one line."""
    if not isinstance(law, LinearMemristor):
        return str(law.card.law)
    sign, relation = (
        ("-", "Ron (1 + (Roff/Ron - 1) s)") if law.law == "caravelli2017" else ("+", "Roff (1 - (1 - Ron/Roff) s)")
    )
    r0 = "Ron" if law.law == "caravelli2017" else "Roff"
    q = {"current": f"{r0} i", "voltage": "v", "voltage_eq61": "P v"}[law.control]
    decay = "alpha s" if law.law == "caravelli2017" else "-alpha s"
    return f"v = P R i, R = {relation};  ds/dt = F(s, {decay}, {sign}(J/beta) {q})"


def raises_resistance(law: Any) -> bool:
    """Whether positive current or voltage (tail to head, polarity +1) raises the resistance."""
    return isinstance(law, ThresholdMemristor | TEAM | VTEAM)


def _exponential(law: Any) -> bool:
    return getattr(law, "curve", "") == "exponential"


def state_of(law: Any, ohm: ArrayLike) -> Array:
    """The state at which R(s) is `ohm`; NaN where no state has it."""
    R = np.asarray(ohm, float)
    if isinstance(law, IdealMemristor):
        inside = (law.r_on < R) & (law.r_off > R)
        return np.where(inside, law.state_of(np.where(inside, R, 0.5 * (law.r_on + law.r_off))), math.nan)
    if _exponential(law):
        positive = np.where(R > 0, R, math.nan)
        return np.asarray(np.log(positive / law.r_on) / np.log(law.r_off / law.r_on))
    start, slope = (float(f(np.zeros(()))) for f in (law.resistance, law.resistance_slope))
    return np.asarray((R - start) / slope)


def resistance_expression(law: Any, state: Expression) -> Expression:
    """R(s) in ohm as an expression of a deck."""
    if isinstance(law, IdealMemristor):
        turn = Call("tanh", (Binary("*", Number(2.0), state),))
        half = 0.5 * float(law.r_on - law.r_off)
        return Binary("+", Number(float(law.r_off) + half), Binary("*", Number(half), turn))
    if _exponential(law):
        power = Call("exp", (Binary("*", Number(math.log(float(law.r_off / law.r_on))), state),))
        return Binary("*", Number(float(law.r_on)), power)
    start, slope = (float(f(np.zeros(()))) for f in (law.resistance, law.resistance_slope))
    return Binary("+", Number(start), Binary("*", Number(slope), state))
