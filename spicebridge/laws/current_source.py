"""An ideal current source: i(t) from tail to head whatever the drop."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.drives import DC, Drive
from spicebridge.errors import DeviceError
from spicebridge.windows import NoWindow, Window


@dataclass(frozen=True)
class CurrentSource:
    """`drive` is the current in A as a function of time; a number is a constant. It has no series source."""

    drive: Drive
    kind: ClassVar[str] = "CurrentSource"
    stateful: ClassVar[bool] = False
    ohmic: ClassVar[bool] = False
    smooth: ClassVar[bool] = True
    imposes: ClassVar[str] = "current"
    state_unit: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        if isinstance(self.drive, numbers.Real) and not isinstance(self.drive, bool):
            object.__setattr__(self, "drive", DC(float(self.drive)))
        if not isinstance(self.drive, Drive):
            raise DeviceError(f"{self.kind}: {self.drive!r} is no drive; use DC, Sine, Pulse, PWL or a number, in A")

    @property
    def window(self) -> Window:
        return NoWindow()

    def affine(self) -> tuple[Array, Array] | None:
        return None

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        zero = np.zeros(())
        return zero, zero, zero

    def check_state(self, s: Array) -> str | None:
        return None

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return self.rate(s, v, i, P, J)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return np.zeros(np.shape(s))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> tuple[Array, Array, Array]:
        zero = np.zeros(np.shape(s))
        return zero, zero, zero
