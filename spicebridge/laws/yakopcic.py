"""Generalised model of Yakopcic and co-workers: sinh conduction, voltage thresholds, own bounds.

    i = J i+(J v, x),   i+(u, x) = (a1 if u >= 0 else a2) x sinh(b u)
    dx/dt = F(x, eta g(J v) f(x))
    g(u) = Ap (e^u - e^Vp) above Vp,  -An (e^-u - e^Vn) below -Vn,  else 0        (u in V)
    f(x) = e^(-alpha_p z) (1 - z/(1 - xp)), z = max(x - xp, 0)         while eta u > 0
           e^(-alpha_n z) (1 - z/(1 - xn)), z = max(1 - xn - x, 0)     while eta u <= 0

Yakopcic, Taha, Subramanyam and Pino, IEEE Trans. Comput.-Aided Des. 32 (2013) 1201, whose w_p and w_n are
the factors 1 - z/(1 - x_p) and 1 - z/(1 - x_n). f vanishes at the bound ahead, so x stays in [0, 1].
Exponentials and sinh as in ``limited``, with L = `exp_limit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.laws.base import freeze_parameters, parameter, require, same_device
from spicebridge.laws.bulk import (
    Slopes,
    check_below,
    check_window,
    unit_state_problem,
    windowed,
    windowed_partials,
)
from spicebridge.laws.card import Card
from spicebridge.laws.limited import (
    EXP_LIMIT,
    limited_exp,
    limited_exp_slope,
    limited_sinh,
    limited_sinh_slope,
)
from spicebridge.windows import NoWindow, Window


@dataclass(frozen=True, eq=False)
class YakopcicMemristor:
    """`a_1`, `a_2` in A, `b` in 1/V, `v_p`, `v_n` in V, `a_p`, `a_n` in 1/s; the rest are numbers.

    Scalars or (n_g,). Raises `DeviceError` unless a_1, a_2, b > 0, the thresholds and rates are not
    negative, 0 <= x_p, x_n < 1 and eta is +1 or -1.
    """

    a_1: Array = parameter()
    a_2: Array = parameter()
    b: Array = parameter()
    v_p: Array = parameter()
    v_n: Array = parameter()
    a_p: Array = parameter()
    a_n: Array = parameter()
    x_p: Array = parameter()
    x_n: Array = parameter()
    alpha_p: Array = parameter()
    alpha_n: Array = parameter()
    eta: Array = parameter(default=1.0)
    exp_limit: Array = parameter(default=EXP_LIMIT)
    window: Window = NoWindow()
    kind: ClassVar[str] = "YakopcicMemristor"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = False
    smooth: ClassVar[bool] = False
    spice_model: ClassVar[str] = "yakopcic"
    card: ClassVar[Card] = Card(
        law="i = J a x sinh(b J v);  dx/dt = F(x, eta g(J v) f(x))",
        source="Yakopcic et al., IEEE TCAD 32 (2013) 1201",
        units="a_1, a_2 A; b 1/V; v_p, v_n V; a_p, a_n 1/s; x_p, x_n, alpha_p, alpha_n, eta, exp_limit 1",
        valid="0 < x <= 1 (at x = 0 nothing conducts); |b v| and |v|/(1 V) below exp_limit",
        smoothness="i has a kink at v = 0 if a_1 != a_2; dx/dt has kinks at Vp, -Vn, x_p and 1 - x_n",
    )

    def __post_init__(self) -> None:
        positive = dict.fromkeys(("a_1", "a_2", "b", "exp_limit"), "positive")
        least = dict.fromkeys(("v_p", "v_n", "a_p", "a_n", "x_p", "x_n", "alpha_p", "alpha_n"), "nonnegative")
        freeze_parameters(self, **positive, **least)
        for name in ("x_p", "x_n"):
            check_below(self, name, 1.0)
        require(self, "eta", np.abs(self.eta) == 1.0, "must be +1 or -1", self.eta)
        check_window(self)

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    def affine(self) -> tuple[Array, Array] | None:
        return None

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return None

    def check_state(self, s: Array) -> str | None:
        if ((np.asarray(s) < 0.0) | (np.asarray(s) > 1.0)).any():
            return "must lie in [0, 1]"
        return unit_state_problem(self, s)

    def current(self, v: Array, s: Array) -> Array:
        return np.asarray(self._scale(v) * s * limited_sinh(self.b * v, self.exp_limit))

    def current_partials(self, v: Array, s: Array) -> tuple[Array, Array]:
        scale, u = self._scale(v), self.b * v
        by_v = scale * s * self.b * limited_sinh_slope(u, self.exp_limit)
        return np.asarray(by_v), np.asarray(scale * limited_sinh(u, self.exp_limit))

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        u = J * v
        return np.asarray(self.eta * self._force(u)[0] * self._braking(s, u)[0])

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return windowed(self.window, s, self.bulk_rate(s, v, i, P, J))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        u = J * v
        g, g_slope = self._force(u)
        f, f_slope = self._braking(s, u)
        slopes = (self.eta * g * f_slope, self.eta * J * g_slope * f, np.zeros(np.shape(s)))
        return windowed_partials(self.window, s, self.bulk_rate(s, v, i, P, J), slopes)

    def _scale(self, v: Array) -> Array:
        return np.where(np.asarray(v) >= 0.0, self.a_1, self.a_2)

    def _force(self, u: Array) -> tuple[Array, Array]:
        """g and dg/du."""
        up, down = np.maximum(u, self.v_p), np.maximum(-u, self.v_n)
        limit = self.exp_limit
        g = self.a_p * (limited_exp(up, limit) - limited_exp(self.v_p, limit))
        g = g - self.a_n * (limited_exp(down, limit) - limited_exp(self.v_n, limit))
        slope = np.where(u > self.v_p, self.a_p * limited_exp_slope(up, limit), 0.0)
        slope = slope + np.where(-u > self.v_n, self.a_n * limited_exp_slope(down, limit), 0.0)
        return np.asarray(g), np.asarray(slope)

    def _braking(self, s: Array, u: Array) -> tuple[Array, Array]:
        """f and df/dx."""
        ahead = np.asarray(self.eta * u > 0.0)
        z = np.where(ahead, np.maximum(s - self.x_p, 0.0), np.maximum(1.0 - self.x_n - s, 0.0))
        alpha = np.where(ahead, self.alpha_p, self.alpha_n)
        reach = np.where(ahead, 1.0 - self.x_p, 1.0 - self.x_n)
        fall = np.exp(-alpha * z)
        f = fall * (1.0 - z / reach)
        slope = -fall * (alpha * (1.0 - z / reach) + 1.0 / reach)
        turn = np.where(ahead, 1.0, -1.0)
        return np.asarray(f), np.asarray(np.where(z > 0.0, turn * slope, 0.0))
