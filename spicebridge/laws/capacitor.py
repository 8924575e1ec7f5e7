"""A capacitor, C dv/dt = i: its state is its voltage, which it imposes on the network at every instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.laws.base import freeze_parameters, parameter, same_device
from spicebridge.windows import NoWindow, Window


@dataclass(frozen=True, eq=False)
class Capacitor:
    """Capacitance `c` in F, one for all edges or (n_g,).

    The state is v_C in V, the drop from tail to head over the element alone, without its series source.
    """

    c: Array = parameter("F")
    kind: ClassVar[str] = "Capacitor"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = False
    smooth: ClassVar[bool] = True
    imposes: ClassVar[str] = "voltage"
    state_unit: ClassVar[str] = "V"

    def __post_init__(self) -> None:
        freeze_parameters(self, c="positive")

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def window(self) -> Window:
        return NoWindow()

    def affine(self) -> tuple[Array, Array] | None:
        return None

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        zero = np.zeros(())
        return zero, np.asarray(1.0 / self.c), zero

    def check_state(self, s: Array) -> str | None:
        return None if np.isfinite(s).all() else "V must be finite"

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return self.rate(s, v, i, P, J)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        """dv_C/dt in V/s."""
        return np.asarray(i / self.c)

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> tuple[Array, Array, Array]:
        zero = np.zeros(np.shape(s))
        return zero, zero, zero + 1.0 / self.c
