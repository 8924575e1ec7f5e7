"""Ideal memristor in its native variable: the Joglekar window with p = 1, solved for good.

    v = P R(y) i,   R = Roff + (Ron - Roff) x,   x = 1/(1 + e^(-4 y)),   dy/dt = k J i

The window's sigmoid (Georgiou, Yaliraki, Drakakis and Barahona, arXiv:1605.02021): with
dx/dt = k i 4 x (1 - x) the integral of dx/(4 x (1 - x)) = ln(x/(1 - x))/4 = y is linear in the charge. So
y is exact where x is lost: a drive that brings 1 - x below 1e-16 leaves a simulated x at its bound, or
beyond it. This is R.1 of Biolek, Di Ventra and Pershin, Radioengineering 22 (2013) 945, Eq. 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError
from spicebridge.laws.base import freeze_parameters, parameter, same_device
from spicebridge.laws.bulk import Slopes, check_resistances
from spicebridge.laws.card import Card
from spicebridge.windows import NoWindow, Window


@dataclass(frozen=True, eq=False)
class IdealMemristor:
    """Resistances `r_on`, `r_off` in ohm, `k` in 1/C: scalars or (n_g,). The state y has no bounds.

    Raises `DeviceError` unless r_off > r_on > 0 and k > 0.
    """

    r_on: Array = parameter()
    r_off: Array = parameter()
    k: Array = parameter()
    kind: ClassVar[str] = "IdealMemristor"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    spice_model: ClassVar[str] = "ideal"
    card: ClassVar[Card] = Card(
        law="v = P (Roff + (Ron - Roff)/(1 + e^(-4 y))) i;  dy/dt = k J i",
        source="Biolek et al., Radioengineering 22 (2013) 945, R.1, Eq. 11; Georgiou et al., arXiv:1605.02021",
        units="r_on, r_off ohm; k 1/C",
        valid="every y; r_off > r_on > 0; k > 0",
        smoothness="analytic",
    )

    def __post_init__(self) -> None:
        freeze_parameters(self, r_on="positive", r_off="positive", k="positive")
        check_resistances(self)

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def window(self) -> Window:
        return NoWindow()

    def state_of(self, resistance: ArrayLike) -> Array:
        """y at which R is `resistance` (ohm). Raises `DeviceError` unless it lies between r_on and r_off."""
        R = np.asarray(resistance, float)
        if not ((self.r_on < R) & (self.r_off > R)).all():
            raise DeviceError(f"{self.kind}: a resistance must lie between `r_on` and `r_off`, not {resistance!r}")
        return np.asarray(0.25 * np.log((self.r_off - R) / (R - self.r_on)))

    def affine(self) -> tuple[Array, Array] | None:
        return None

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return np.zeros(()), np.asarray(self.k * J), np.zeros(())

    def check_state(self, s: Array) -> str | None:
        return None if np.isfinite(s).all() else "must be finite"

    def resistance(self, s: Array) -> Array:
        return np.asarray(self.r_off + (self.r_on - self.r_off) * 0.5 * (1.0 + np.tanh(2.0 * s)))

    def resistance_slope(self, s: Array) -> Array:
        return np.asarray((self.r_on - self.r_off) * (1.0 - np.tanh(2.0 * s) ** 2))

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return np.asarray(self.k * J * i)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return self.bulk_rate(s, v, i, P, J)

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        zero = np.zeros(np.shape(s))
        return zero, zero, np.asarray(self.k * J + zero)
