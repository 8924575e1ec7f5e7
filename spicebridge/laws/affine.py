"""The affine family: both papers in one law.

    R = r0 (1 + kappa s),   ds/dt = a s + J g q,   q = r0 i  or  v  or  |R| i

==============  ==========  ==========  ======  ==========
law             r0          kappa       a       g
==============  ==========  ==========  ======  ==========
caravelli2017   Ron         xi          alpha   -1/beta
tunneling       Roff        -chi        -alpha  +1/beta
==============  ==========  ==========  ======  ==========

caravelli2017 is paper 1, Eqs. 1-2 (s = w, xi = Roff/Ron - 1; Eq. 22 prints xi wrong) with
w = 0 at Ron and w = 1 at Roff; alpha > 0 is exponential growth of w. tunneling is paper 2, Eqs. 1-3
(s = x, chi = 1 - Ron/Roff) with x = 0 at Roff and x = 1 at Ron; alpha > 0 is decay of x.
Control "current": q = r0 i. "voltage": q = v = P R i, the true drop. "voltage_eq61": q = R i, as paper 1
prints Eq. 61; the two differ on active elements only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError, nearest
from spicebridge.laws.base import freeze_parameters, parameter, require, same_device
from spicebridge.laws.card import Card
from spicebridge.windows import NoWindow, Window

LAWS = ("caravelli2017", "tunneling")
CONTROLS = ("current", "voltage", "voltage_eq61")


@dataclass(frozen=True, eq=False)
class LinearMemristor:
    """Memristor whose resistance is linear in its state; see the module for the law.

    `r_on`, `r_off` in ohm, `alpha` in 1/s, `beta` in V s: scalars or (n_g,). Use the two named
    constructors. Raises `DeviceError` unless r_off > r_on > 0 and beta > 0.
    """

    r_on: Array = parameter()
    r_off: Array = parameter()
    alpha: Array = parameter()
    beta: Array = parameter()
    law: str = "caravelli2017"
    control: str = "current"
    window: Window = NoWindow()
    kind: ClassVar[str] = "LinearMemristor"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    state_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    card: ClassVar[Card] = Card(
        law="caravelli2017: R = Ron + (Roff - Ron) w, dw/dt = F(w, alpha w - (J/beta) q), q = Ron i; "
        "tunneling: R = Roff - (Roff - Ron) x, dx/dt = F(x, (J/beta) q - alpha x), q = Roff i; "
        "control voltage: q = v, voltage_eq61: q = P v; v = P R i",
        source="paper 1, Eqs. 1-2 and 61 (doi:10.1080/17445760.2017.1320796); paper 2, Eqs. 1-3",
        units="r_on, r_off ohm; alpha 1/s; beta V s",
        valid="R > 0, that is 0 <= s <= 1 and a little beyond; r_off > r_on > 0; beta not 0",
        smoothness="analytic without a window; else as smooth as the window",
    )

    def __post_init__(self) -> None:
        freeze_parameters(self, r_on="positive", r_off="positive", beta="positive")
        r_on, r_off = np.broadcast_arrays(self.r_on, self.r_off)
        ok = r_off > r_on
        if not ok.all():
            k = int(np.argmin(ok))
            rule = f"must exceed `r_on` {r_on.flat[k]:g}"
            require(self, "r_off", ok, rule, r_off)
        if self.law not in LAWS:
            raise DeviceError(
                f"LinearMemristor: law {self.law!r} must be one of {', '.join(LAWS)}{nearest(str(self.law), LAWS)}"
            )
        if self.control not in CONTROLS:
            raise DeviceError(
                f"LinearMemristor: control {self.control!r} must be one of {', '.join(CONTROLS)}"
                f"{nearest(str(self.control), CONTROLS)}"
            )
        if self.window is None:
            object.__setattr__(self, "window", NoWindow())
        if not isinstance(self.window, Window):
            raise DeviceError(f"LinearMemristor: window {self.window!r} must be a window such as Hard()")

    @classmethod
    def caravelli2017(
        cls,
        r_on: ArrayLike,
        r_off: ArrayLike,
        alpha: ArrayLike,
        beta: ArrayLike,
        control: str = "current",
        window: Window | None = None,
    ) -> LinearMemristor:
        """Paper 1, Eqs. 1-2: R = Ron (1 + xi w), dw/dt = alpha w - (J/beta) q."""
        return cls(r_on, r_off, alpha, beta, "caravelli2017", control, window or NoWindow())  # type: ignore[arg-type]

    @classmethod
    def tunneling(
        cls,
        r_on: ArrayLike,
        r_off: ArrayLike,
        alpha: ArrayLike,
        beta: ArrayLike,
        control: str = "current",
        window: Window | None = None,
    ) -> LinearMemristor:
        """Paper 2, Eqs. 1-3: R = Roff (1 - chi x), dx/dt = (J/beta) q - alpha x."""
        return cls(r_on, r_off, alpha, beta, "tunneling", control, window or NoWindow())  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    def with_window(self, window: Window | None) -> LinearMemristor:
        """The same law with another bound handling."""
        return replace(self, window=window or NoWindow())

    @property
    def xi(self) -> Array:
        """Roff/Ron - 1 (paper 1)."""
        return np.asarray(self.r_off / self.r_on - 1.0)

    @property
    def chi(self) -> Array:
        """1 - Ron/Roff (paper 2)."""
        return np.asarray(1.0 - self.r_on / self.r_off)

    @property
    def r0(self) -> Array:
        """Reference resistance in ohm: R at s = 0."""
        return self.r_on if self.law == "caravelli2017" else self.r_off

    @property
    def kappa(self) -> Array:
        """Relative slope of R: xi, or -chi."""
        return self.xi if self.law == "caravelli2017" else -self.chi

    @property
    def a(self) -> Array:
        """Coefficient of s in ds/dt, 1/s."""
        return self.alpha if self.law == "caravelli2017" else -self.alpha

    @property
    def g(self) -> Array:
        """Coefficient of J q in ds/dt, 1/(V s)."""
        return np.asarray((-1.0 if self.law == "caravelli2017" else 1.0) / self.beta)

    def affine(self) -> tuple[Array, Array] | None:
        return np.asarray(self.r0), np.asarray(self.r0 * self.kappa)

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return (
            np.asarray(self.a),
            np.asarray(J * self.g * self.r0) if self.control == "current" else np.zeros(()),
            np.asarray(J * self.g * (P if self.control == "voltage_eq61" else 1.0))
            if self.control != "current"
            else np.zeros(()),
        )

    def check_state(self, s: Array) -> str | None:
        s = np.asarray(s, float)
        if not np.isfinite(s).all():
            return "must be finite"
        if not isinstance(self.window, NoWindow) and ((s < 0) | (s > 1)).any():
            return f"must lie in [0, 1] with the {self.window.name} window"
        if (self.resistance(s) <= 0).any():
            return "makes the resistance zero or negative; keep it nearer to [0, 1]"
        return None

    def resistance(self, s: Array) -> Array:
        return np.asarray(self.r0 * (1.0 + self.kappa * s))

    def resistance_slope(self, s: Array) -> Array:
        return np.broadcast_to(self.r0 * self.kappa, np.shape(s)).astype(float)

    def drift(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        """J g q in 1/s: the part of the rate that the current drives."""
        if self.control == "current":
            q = self.r0 * i
        elif self.control == "voltage":
            q = v
        else:
            q = P * v
        return np.asarray(J * self.g * q)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return self.window.rate(s, self.a * s, self.drift(s, v, i, P, J))

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        """f = decay + drift, without bounds; its sign decides when a held state is released."""
        return np.asarray(self.a * s + self.drift(s, v, i, P, J))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> tuple[Array, Array, Array]:
        """(dF/ds, dF/dv, dF/di), each at the two others fixed."""
        by_s, by_decay, by_drift = self.window.partials(s, self.a * s, self.drift(s, v, i, P, J))
        one, zero = np.ones(np.shape(s)), np.zeros(np.shape(s))
        by_v = self.drift(s, one, zero, P, J) if self.control != "current" else zero
        by_i = self.drift(s, zero, one, P, J) if self.control == "current" else zero
        return np.asarray(by_s + by_decay * self.a), np.asarray(by_drift * by_v), np.asarray(by_drift * by_i)
