"""An inductor, L di/dt = v: its state is its current, which it imposes on the network at every instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.laws.base import freeze_parameters, parameter, same_device
from spicebridge.windows import NoWindow, Window


@dataclass(frozen=True, eq=False)
class Inductor:
    """Inductance `l` in H, one for all edges or (n_g,). The state is i_L in A, from tail to head."""

    l: Array = parameter("H")  # noqa: E741 - the field's own letter
    kind: ClassVar[str] = "Inductor"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = False
    smooth: ClassVar[bool] = True
    imposes: ClassVar[str] = "current"
    state_unit: ClassVar[str] = "A"

    def __post_init__(self) -> None:
        freeze_parameters(self, l="positive")

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
        return zero, zero, np.asarray(1.0 / self.l)

    def check_state(self, s: Array) -> str | None:
        return None if np.isfinite(s).all() else "A must be finite"

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return self.rate(s, v, i, P, J)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        """di_L/dt in A/s."""
        return np.asarray(v / self.l)

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> tuple[Array, Array, Array]:
        zero = np.zeros(np.shape(s))
        return zero, zero + 1.0 / self.l, zero
