"""Linear drift of dopants (the "HP" memristor) with any window.

    v = P R(x) i,   R = Ron x + Roff (1 - x),   dx/dt = F(x, k J i),   k = mu_v Ron / D^2

Strukov, Snider, Stewart and Williams, Nature 453 (2008) 80, Eqs. 5-6, with x = w/D. x = 0 is Roff,
x = 1 is Ron; a positive current lowers R. This is `LinearMemristor.tunneling` without decay,
k = Roff/beta, kept apart because its parameters are those of the device papers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.laws.base import freeze_parameters, parameter, same_device
from spicebridge.laws.bulk import (
    Slopes,
    check_resistances,
    check_window,
    unit_state_problem,
    windowed,
    windowed_partials,
)
from spicebridge.laws.card import Card
from spicebridge.windows import NoWindow, Window


@dataclass(frozen=True, eq=False)
class HPMemristor:
    """Resistances `r_on`, `r_off` in ohm, `k` in 1/C: scalars or (n_g,).

    Raises `DeviceError` unless r_off > r_on > 0 and k > 0.
    """

    r_on: Array = parameter()
    r_off: Array = parameter()
    k: Array = parameter()
    window: Window = NoWindow()
    kind: ClassVar[str] = "HPMemristor"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    spice_model: ClassVar[str] = "hp"
    card: ClassVar[Card] = Card(
        law="v = P (Ron x + Roff (1 - x)) i;  dx/dt = F(x, k J i)",
        source="Strukov et al., Nature 453 (2008) 80, Eqs. 5-6",
        units="r_on, r_off ohm; k 1/C",
        valid="0 <= x <= 1; r_off > r_on > 0; k > 0",
        smoothness="analytic without a window; else as smooth as the window",
    )

    def __post_init__(self) -> None:
        freeze_parameters(self, r_on="positive", r_off="positive", k="positive")
        check_resistances(self)
        check_window(self)

    @classmethod
    def from_mobility(
        cls,
        r_on: ArrayLike,
        r_off: ArrayLike,
        mobility: ArrayLike,
        thickness: ArrayLike,
        window: Window | None = None,
    ) -> HPMemristor:
        """From mu_v in m^2/(V s) and D in m: k = mu_v Ron / D^2."""
        k = np.asarray(mobility, float) * np.asarray(r_on, float) / np.asarray(thickness, float) ** 2
        return cls(r_on, r_off, k, window or NoWindow())  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    def affine(self) -> tuple[Array, Array] | None:
        return np.asarray(self.r_off), np.asarray(self.r_on - self.r_off)

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return np.zeros(()), np.asarray(self.k * J), np.zeros(())

    def check_state(self, s: Array) -> str | None:
        return unit_state_problem(self, s)

    def resistance(self, s: Array) -> Array:
        return np.asarray(self.r_off - (self.r_off - self.r_on) * s)

    def resistance_slope(self, s: Array) -> Array:
        return np.broadcast_to(self.r_on - self.r_off, np.shape(s)).astype(float)

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return np.asarray(self.k * J * i)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return windowed(self.window, s, self.bulk_rate(s, v, i, P, J))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        zero = np.zeros(np.shape(s))
        slopes = (zero, zero, np.asarray(self.k * J + zero))
        return windowed_partials(self.window, s, self.bulk_rate(s, v, i, P, J), slopes)
