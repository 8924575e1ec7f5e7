"""TEAM: current thresholds and exponential windows.

    v = P R(s) i,   R linear or exponential in s (``adaptive``)
    ds/dt = F(s, k_off [u/i_off - 1]^alpha_off f_off(s) + k_on [u/i_on - 1]^alpha_on f_on(s)),   u = J i
    f_off(s) = exp(-E((s - a_off)/w_c)),   f_on(s) = exp(-E((a_on - s)/w_c))

Kvatinsky, Friedman, Kolodny and Weiser, IEEE Trans. Circuits Syst. I 60 (2013) 211, with
s = (x - x_on)/(x_off - x_on), so k and w_c are the paper's divided by x_off - x_on. f_off and f_on do not
vanish at the bounds: without a further window s may leave [0, 1], and R drop below Ron (Xyce's stored
result does). Hence the default window is hard. E as in ``limited``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.laws import adaptive
from spicebridge.laws.base import parameter, same_device
from spicebridge.laws.bulk import Slopes, check_above, unit_state_problem, windowed, windowed_partials
from spicebridge.laws.card import Card
from spicebridge.laws.limited import EXP_LIMIT, limited_exp, limited_exp_slope
from spicebridge.windows import Hard, Window


@dataclass(frozen=True, eq=False)
class TEAM:
    """`r_on`, `r_off` in ohm, `k_on` < 0 < `k_off` in 1/s, `i_on` < 0 < `i_off` in A; the rest are numbers.

    Scalars or (n_g,). `curve` is "linear" or "exponential". Raises `DeviceError` unless the signs hold,
    r_off > r_on > 0, alpha >= 1 and w_c > 0.
    """

    r_on: Array = parameter()
    r_off: Array = parameter()
    k_on: Array = parameter()
    k_off: Array = parameter()
    alpha_on: Array = parameter()
    alpha_off: Array = parameter()
    i_on: Array = parameter()
    i_off: Array = parameter()
    a_on: Array = parameter(default=0.0)
    a_off: Array = parameter(default=1.0)
    w_c: Array = parameter(default=0.05)
    exp_limit: Array = parameter(default=EXP_LIMIT)
    curve: str = "linear"
    window: Window = field(default_factory=Hard)
    kind: ClassVar[str] = "TEAM"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        law="v = P R(s) i;  ds/dt = F(s, k [J i/i_th - 1]^alpha exp(-exp(+-(s - a)/w_c)))",
        source="Kvatinsky et al., IEEE TCAS-I 60 (2013) 211",
        units="r_on, r_off ohm; k_on, k_off 1/s; i_on, i_off A; alpha, a, w_c, exp_limit 1",
        valid="0 <= s <= 1 (keep a hard window); r_off > r_on > 0; alpha >= 1",
        smoothness="ds/dt is as often differentiable at the thresholds as alpha is large; else analytic",
    )

    def __post_init__(self) -> None:
        adaptive.check_adaptive(self, "i_on", "i_off")
        check_above(self, "w_c", 0.0)
        check_above(self, "exp_limit", 0.0)

    @classmethod
    def from_lengths(
        cls,
        x_on: float,
        x_off: float,
        *,
        k_on: ArrayLike,
        k_off: ArrayLike,
        a_on: ArrayLike,
        a_off: ArrayLike,
        w_c: ArrayLike,
        **rest: object,
    ) -> TEAM:
        """From the paper's own parameters: lengths in m, k in m/s; `rest` as for the record."""
        span = x_off - x_on
        scaled = {"k_on": k_on, "k_off": k_off, "w_c": w_c}
        values = {name: np.asarray(value, float) / span for name, value in scaled.items()}
        places = {"a_on": a_on, "a_off": a_off}
        values |= {name: (np.asarray(value, float) - x_on) / span for name, value in places.items()}
        return cls(**values, **rest)  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def spice_model(self) -> str:
        return f"team_{self.curve}"

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
        up, down = adaptive.branches(self, J * i, self.i_on, self.i_off)
        f_off, f_on = (np.exp(-limited_exp(depth, self.exp_limit)) for depth in self._depth(s))
        return np.asarray(up * f_off + down * f_on)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return windowed(self.window, s, self.bulk_rate(s, v, i, P, J))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        limit = self.exp_limit
        up, down = adaptive.branches(self, J * i, self.i_on, self.i_off)
        up_slope, down_slope = adaptive.branch_slopes(self, J * i, self.i_on, self.i_off)
        off, on = self._depth(s)
        f_off, f_on = np.exp(-limited_exp(off, limit)), np.exp(-limited_exp(on, limit))
        by_s = (down * f_on * limited_exp_slope(on, limit) - up * f_off * limited_exp_slope(off, limit)) / self.w_c
        by_i = J * (up_slope * f_off + down_slope * f_on)
        slopes = (np.asarray(by_s), np.zeros(np.shape(s)), np.asarray(by_i))
        return windowed_partials(self.window, s, self.bulk_rate(s, v, i, P, J), slopes)

    def _depth(self, s: Array) -> tuple[Array, Array]:
        """How far s is beyond a_off and a_on, in units of w_c."""
        return np.asarray((s - self.a_off) / self.w_c), np.asarray((self.a_on - s) / self.w_c)
