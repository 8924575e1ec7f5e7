"""VTEAM: voltage thresholds, any window.

    v = P R(s) i,   R linear or exponential in s (``adaptive``)
    ds/dt = F(s, k_off [u/v_off - 1]^alpha_off + k_on [u/v_on - 1]^alpha_on),   u = J v

Kvatinsky, Ramadan, Friedman and Kolodny, IEEE Trans. Circuits Syst. II 62 (2015) 786, with
s = (w - w_on)/(w_off - w_on), so k is the paper's divided by w_off - w_on. The default window is hard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.laws import adaptive
from spicebridge.laws.base import parameter, same_device
from spicebridge.laws.bulk import Slopes, unit_state_problem, windowed, windowed_partials
from spicebridge.laws.card import Card
from spicebridge.windows import Hard, Window


@dataclass(frozen=True, eq=False)
class VTEAM:
    """`r_on`, `r_off` in ohm, `k_on` < 0 < `k_off` in 1/s, `v_on` < 0 < `v_off` in V, `alpha_on`, `alpha_off`.

    Scalars or (n_g,). `curve` is "linear" or "exponential". Raises `DeviceError` unless the signs hold,
    r_off > r_on > 0 and alpha >= 1.
    """

    r_on: Array = parameter()
    r_off: Array = parameter()
    k_on: Array = parameter()
    k_off: Array = parameter()
    alpha_on: Array = parameter()
    alpha_off: Array = parameter()
    v_on: Array = parameter()
    v_off: Array = parameter()
    curve: str = "linear"
    window: Window = field(default_factory=Hard)
    kind: ClassVar[str] = "VTEAM"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        law="v = P R(s) i;  ds/dt = F(s, k [J v/v_th - 1]^alpha)",
        source="Kvatinsky et al., IEEE TCAS-II 62 (2015) 786",
        units="r_on, r_off ohm; k_on, k_off 1/s; v_on, v_off V; alpha 1",
        valid="0 <= s <= 1; r_off > r_on > 0; alpha >= 1",
        smoothness="ds/dt is as often differentiable at the thresholds as alpha is large; else as the window",
    )

    def __post_init__(self) -> None:
        adaptive.check_adaptive(self, "v_on", "v_off")

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def spice_model(self) -> str:
        return f"vteam_{self.curve}"

    def affine(self) -> tuple[Array, Array] | None:
        return adaptive.affine(self)

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return None

    def check_state(self, s: Array) -> str | None:
        return unit_state_problem(self, s)

    def resistance(self, s: Array) -> Array:
        return adaptive.resistance(self, s)

    def resistance_slope(self, s: Array) -> Array:
        return adaptive.resistance_slope(self, s)

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        up, down = adaptive.branches(self, J * v, self.v_on, self.v_off)
        return np.asarray(up + down)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return windowed(self.window, s, self.bulk_rate(s, v, i, P, J))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        up, down = adaptive.branch_slopes(self, J * v, self.v_on, self.v_off)
        zero = np.zeros(np.shape(s))
        slopes = (zero, np.asarray(J * (up + down)), zero)
        return windowed_partials(self.window, s, self.bulk_rate(s, v, i, P, J), slopes)
