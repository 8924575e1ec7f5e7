"""Which device laws a bench can build, how they scale, and how firmware inverts and computes them.

An emulator sets a resistance, so it takes every law v = P R(s) i with ds/dt = F(s, v, i). Laws whose current is
not proportional to the voltage at a fixed state have no R(s) and are refused by name.

Scaling in impedance z, amplitude a and time c (`scaling`) multiplies a parameter of unit ohm^p V^q s^r by
z^p a^q c^r; the states stay. The units are those of the law's text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.dimensions import Dimension, parse_unit
from spicebridge.expressions.tree import Expression, Number, Parameter, distinct, rebuild
from spicebridge.lab.design.equipment import LabError
from spicebridge.laws import LawDevice
from spicebridge.laws.base import Device, OhmicDevice, imposes, parameter_names, parameter_unit
from spicebridge.laws.formulas import CONSTANTS, unlimited
from spicebridge.network import Network

LARGE = 10.0
"""Drop in V beyond the thresholds of every part."""
SEARCH = 40.0
"""Largest size of a state that is looked for where no range is given."""
BISECTIONS = 200
"""Halvings of the range; floats have 53 bits, and a range that crosses zero has more to go."""


def check_laws(network: Network) -> None:
    """Raise `LabError` with the edge and its law for the first law without R(s), or without scalable units."""
    for k, law in enumerate(network.devices()):
        why = _refusal(law)
        if why:
            raise LabError(f"{network.edge_name(k)}: a {law.kind} {why}; the bench builds laws v = R(s) i")


def _refusal(law: Device) -> str:
    if imposes(law) and not law.stateful:
        return f"holds its {imposes(law)} whatever the circuit does, and kits have no such part"
    if not (law.ohmic or imposes(law)):
        return "conducts i(v, s), which no resistance R(s) can stand for"
    try:
        units(law)
    except LabError as error:
        return str(error)
    return ""


def units(law: Device) -> dict[str, Dimension]:
    """Parameter -> dimension. Raises `LabError` for a law whose units are not known, or that cannot be scaled."""
    if not isinstance(law, LawDevice):
        stated = {name: parameter_unit(law, name) for name in parameter_names(law)}
        if None in stated.values():
            raise LabError("has no units here")
        return {name: parse_unit(str(unit)).dimension for name, unit in stated.items()}
    text = law.definition
    found = {name: dimension for name, dimension in text.dimensions.items() if dimension is not None}
    if not text.units_checked or len(found) < len(text.parameters):
        raise LabError("has no units here")
    fixed = [dimension for _, dimension in text.quantities.values()]
    used = {e.name.lower() for tree in law.equations.trees for e in distinct(tree) if isinstance(e, Parameter)}
    fixed += [dimension for name, (_, dimension) in CONSTANTS.items() if name in used]
    if any(any(d[:3]) for d in (*fixed, text.state.unit.dimension)):
        raise LabError("has quantities of its own in V, A or s, which cannot be scaled")
    return found


def factor(dimension: Dimension, impedance: float, amplitude: float, time: float) -> float:
    """z^p a^q c^r of a quantity in ohm^p V^q s^r: an ampere is a volt per ohm."""
    volt, ampere, second = (float(x) for x in dimension[:3])
    return float(impedance**-ampere * amplitude ** (volt + ampere) * time**second)


def equation(law: Device) -> str:
    """The law of an edge in one line."""
    return str(law.card.law) if isinstance(law, LawDevice) else f"v = P r i ({law.kind})"


def raises_resistance(law: Device) -> bool:
    """Whether a large positive current or voltage (tail to head, polarity +1) raises the resistance."""
    if not law.stateful:
        return False
    assert isinstance(law, OhmicDevice)
    s, one = np.array([0.5]), np.ones(1)
    R = law.resistance(s)
    pushed, pulled = (law.bulk_rate(s, v * one, v / R, one, one)[0] for v in (LARGE, -LARGE))
    return bool((pushed - pulled) * law.resistance_slope(s)[0] > 0.0)


def state_of(law: Device, ohm: ArrayLike) -> Array:
    """The state at which R(s) is `ohm`; NaN where no state has it."""
    R = np.asarray(ohm, float)
    affine = law.affine()
    if affine is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (R - affine[0]) / affine[1]
        return np.where(np.isfinite(found), found, np.nan)
    assert isinstance(law, OhmicDevice)
    low, high = np.full(R.shape, -SEARCH), np.full(R.shape, SEARCH)
    with np.errstate(over="ignore"):
        ends = law.resistance(low), law.resistance(high)
        rising = ends[1] > ends[0]
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            above = (law.resistance(middle) > R) == rising
            low, high = np.where(above, low, middle), np.where(above, middle, high)
    inside = (np.minimum(*ends) < R) & (np.maximum(*ends) > R)
    return np.where(inside, 0.5 * (low + high), np.nan)


def resistance_expression(law: Device, state: Expression) -> Expression:
    """R(s) in ohm as an expression of a deck."""
    assert isinstance(law, LawDevice)
    return with_numbers(law, law.equations.conduction, {law.definition.state.name: state})


def with_numbers(law: LawDevice, tree: Expression, signals: dict[str, Expression]) -> Expression:
    """The tree with the device's numbers, and expressions in place of its signals."""
    values: dict[str, Expression] = {}
    for name in parameter_names(law):
        value = np.asarray(getattr(law, name))
        if value.ndim:
            raise DeviceError(f"{law.kind}: `{name}` has many values; take the device of one edge")
        values[name.lower()] = Number(float(value))
    values |= {name.lower(): e for name, e in signals.items()}

    def put_in(e: Expression) -> Expression | None:
        return values.get(e.name.lower()) if isinstance(e, Parameter) else None

    return simplify(rebuild(unlimited(tree), put_in))
