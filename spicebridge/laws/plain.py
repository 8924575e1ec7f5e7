"""Elements without a law text: resistors, capacitors, inductors and current sources.

    v = P R i,   C dv/dt = i,   L di/dt = v,   i = i(t)

A capacitor's state is its voltage, an inductor's its current; both impose it on the network at every instant.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.drives import DC, Drive
from spicebridge.errors import DeviceError
from spicebridge.laws.base import Device, freeze_parameters, parameter, same_device
from spicebridge.windows import NoWindow, Window

Triple = tuple[Array, Array, Array]


class PlainElement:
    """No bounds, and a rate b i + c v, of which the subclass says what is not zero."""

    kind: ClassVar[str]
    stateful: ClassVar[bool] = False
    ohmic: ClassVar[bool] = False
    smooth: ClassVar[bool] = True
    imposes: ClassVar[str] = ""
    state_unit: ClassVar[str] = "1"

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def window(self) -> Window:
        return NoWindow()

    def affine(self) -> tuple[Array, Array] | None:
        return None

    def linear_rate(self, P: Array, J: Array) -> Triple:
        return np.zeros(()), np.zeros(()), np.zeros(())

    def check_state(self, s: Array) -> str | None:
        return None if not self.stateful or np.isfinite(s).all() else f"{self.state_unit} must be finite"

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return self.rate(s, v, i, P, J)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return np.zeros(np.shape(s))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Triple:
        zero, (by_s, by_i, by_v) = np.zeros(np.shape(s)), self.linear_rate(P, J)
        return zero + by_s, zero + by_v, zero + by_i


@dataclass(frozen=True, eq=False)
class Resistor(PlainElement):
    """Resistance `r` in ohm, one for all edges or (n_g,). It has no memory: its state column is zero throughout."""

    r: Array = parameter("ohm")
    kind: ClassVar[str] = "Resistor"
    ohmic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        freeze_parameters(self, r="positive")

    def affine(self) -> tuple[Array, Array] | None:
        return np.asarray(self.r), np.zeros(())

    def resistance(self, s: Array) -> Array:
        return np.broadcast_to(self.r, np.shape(s)).astype(float)

    def resistance_slope(self, s: Array) -> Array:
        return np.zeros(np.shape(s))


@dataclass(frozen=True, eq=False)
class Capacitor(PlainElement):
    """Capacitance `c` in F, one for all edges or (n_g,).

    The state is v_C in V, the drop from tail to head over the element alone, without its series source.
    """

    c: Array = parameter("F")
    kind: ClassVar[str] = "Capacitor"
    stateful: ClassVar[bool] = True
    imposes: ClassVar[str] = "voltage"
    state_unit: ClassVar[str] = "V"

    def __post_init__(self) -> None:
        freeze_parameters(self, c="positive")

    def linear_rate(self, P: Array, J: Array) -> Triple:
        return np.zeros(()), np.asarray(1.0 / self.c), np.zeros(())

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        """dv_C/dt in V/s."""
        return np.asarray(i / self.c)


@dataclass(frozen=True, eq=False)
class Inductor(PlainElement):
    """Inductance `l` in H, one for all edges or (n_g,). The state is i_L in A, from tail to head."""

    l: Array = parameter("H")  # noqa: E741 - the field's own letter
    kind: ClassVar[str] = "Inductor"
    stateful: ClassVar[bool] = True
    imposes: ClassVar[str] = "current"
    state_unit: ClassVar[str] = "A"

    def __post_init__(self) -> None:
        freeze_parameters(self, l="positive")

    def linear_rate(self, P: Array, J: Array) -> Triple:
        return np.zeros(()), np.zeros(()), np.asarray(1.0 / self.l)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        """di_L/dt in A/s."""
        return np.asarray(v / self.l)


@dataclass(frozen=True)
class CurrentSource(PlainElement):
    """`drive` is the current in A from tail to head as a function of time, whatever the drop; a number is a constant.

    It has no series source.
    """

    drive: Drive
    kind: ClassVar[str] = "CurrentSource"
    imposes: ClassVar[str] = "current"

    def __post_init__(self) -> None:
        if isinstance(self.drive, numbers.Real) and not isinstance(self.drive, bool):
            object.__setattr__(self, "drive", DC(float(self.drive)))
        if not isinstance(self.drive, Drive):
            raise DeviceError(f"{self.kind}: {self.drive!r} is no drive; use DC, Sine, Pulse, PWL or a number, in A")


def ohms(device: Device) -> float:
    """The resistance of one memoryless edge. Raises `DeviceError` for any other device."""
    if not isinstance(device, Resistor):
        raise DeviceError(f"a {device.kind} is no resistor")
    return float(device.r)
