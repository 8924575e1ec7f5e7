"""A memoryless resistor, v = P R i. Its state column is zero throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError
from spicebridge.laws.base import Device, freeze_parameters, parameter, same_device
from spicebridge.windows import NoWindow, Window


@dataclass(frozen=True, eq=False)
class Resistor:
    """Resistance `r` in ohm, one for all edges or (n_g,)."""

    r: Array = parameter("ohm")
    kind: ClassVar[str] = "Resistor"
    stateful: ClassVar[bool] = False
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        freeze_parameters(self, r="positive")

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def window(self) -> Window:
        return NoWindow()

    def affine(self) -> tuple[Array, Array] | None:
        return np.asarray(self.r), np.zeros(())

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return np.zeros(()), np.zeros(()), np.zeros(())

    def check_state(self, s: Array) -> str | None:
        return None

    def resistance(self, s: Array) -> Array:
        return np.broadcast_to(self.r, np.shape(s)).astype(float)

    def resistance_slope(self, s: Array) -> Array:
        return np.zeros(np.shape(s))

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return np.zeros(np.shape(s))

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return np.zeros(np.shape(s))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> tuple[Array, Array, Array]:
        zero = np.zeros(np.shape(s))
        return zero, zero, zero


def ohms(device: Device) -> float:
    """The resistance of one memoryless edge. Raises `DeviceError` for any other device."""
    if not isinstance(device, Resistor):
        raise DeviceError(f"a {device.kind} is no resistor")
    return float(device.r)
