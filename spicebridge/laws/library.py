"""The named laws of ``models/`` as classes: constructors and quantities that their papers have. The laws are texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError
from spicebridge.laws.law import LawDevice
from spicebridge.laws.registry import packaged
from spicebridge.windows import Window


class LinearMemristor(LawDevice):
    """The affine family of both papers: R = r0 (1 + kappa s), ds/dt = a s + J g q, q = r0 i or v or |R| i.

    `r_on`, `r_off` in ohm, `alpha` in 1/s, `beta` in V s: scalars or (n_g,). Made by the two named
    constructors. Raises `DeviceError` unless r_off > r_on > 0 and beta > 0.

    ==============  ==========  ==========  ======  ==========
    law             r0          kappa       a       g
    ==============  ==========  ==========  ======  ==========
    caravelli2017   Ron         xi          alpha   -1/beta
    tunneling       Roff        -chi        -alpha  +1/beta
    ==============  ==========  ==========  ======  ==========
    """

    if not TYPE_CHECKING:

        def __init__(self, *arguments: object, **values: object) -> None:
            raise DeviceError("LinearMemristor: take LinearMemristor.caravelli2017(…) or LinearMemristor.tunneling(…)")

    @staticmethod
    def caravelli2017(
        r_on: ArrayLike,
        r_off: ArrayLike,
        alpha: ArrayLike,
        beta: ArrayLike,
        control: str = "current",
        window: Window | None = None,
    ) -> LinearMemristor:
        """Paper 1, Eqs. 1-2: R = Ron (1 + xi w), dw/dt = alpha w - (J/beta) q."""
        return Caravelli2017(r_on, r_off, alpha, beta, control, window)

    @staticmethod
    def tunneling(
        r_on: ArrayLike,
        r_off: ArrayLike,
        alpha: ArrayLike,
        beta: ArrayLike,
        control: str = "current",
        window: Window | None = None,
    ) -> LinearMemristor:
        """Paper 2, Eqs. 1-3: R = Roff (1 - chi x), dx/dt = (J/beta) q - alpha x."""
        return Tunneling(r_on, r_off, alpha, beta, control, window)

    @property
    def law(self) -> str:
        """ "caravelli2017" or "tunneling"."""
        return self.definition.name

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
        return np.asarray(self.r_on if self.law == "caravelli2017" else self.r_off)

    @property
    def kappa(self) -> Array:
        """Relative slope of R: xi, or -chi."""
        return self.xi if self.law == "caravelli2017" else -self.chi

    @property
    def a(self) -> Array:
        """Coefficient of s in ds/dt, 1/s."""
        return np.asarray(self.alpha if self.law == "caravelli2017" else -self.alpha)

    @property
    def g(self) -> Array:
        """Coefficient of J q in ds/dt, 1/(V s)."""
        return np.asarray((-1.0 if self.law == "caravelli2017" else 1.0) / self.beta)

    def with_window(self, window: Window | None) -> LinearMemristor:
        """The same law with another bound handling."""
        return type(self)(self.r_on, self.r_off, self.alpha, self.beta, self.control, window)


class Caravelli2017(LinearMemristor, law=packaged("caravelli2017")):
    """Paper 1: w = 0 at Ron, w = 1 at Roff; alpha > 0 is exponential growth of w."""


class Tunneling(LinearMemristor, law=packaged("tunneling")):
    """Paper 2: x = 0 at Roff, x = 1 at Ron; alpha > 0 is decay of x."""


class HPMemristor(LawDevice, law=packaged("hp")):
    """Resistances `r_on`, `r_off` in ohm, `k` in 1/C: scalars or (n_g,). `DeviceError` unless r_off > r_on > 0."""

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
        return cls(r_on, r_off, k, window)


class IdealMemristor(LawDevice, law=packaged("ideal")):
    """Resistances `r_on`, `r_off` in ohm, `k` in 1/C: scalars or (n_g,). The state y has no bounds."""

    def state_of(self, resistance: ArrayLike) -> Array:
        """y at which R is `resistance` (ohm). Raises `DeviceError` unless it lies between r_on and r_off."""
        R = np.asarray(resistance, float)
        if not ((self.r_on < R) & (self.r_off > R)).all():
            raise DeviceError(f"{self.kind}: a resistance must lie between `r_on` and `r_off`, not {resistance!r}")
        return np.asarray(0.25 * np.log((self.r_off - R) / (R - self.r_on)))


class ThresholdMemristor(LawDevice, law=packaged("threshold")):
    """`r_on`, `r_off` in ohm, `v_t` in V, `beta` and `alpha` in ohm/(V s), smoothing `b` in V: scalars or (n_g,)."""


class YakopcicMemristor(LawDevice, law=packaged("yakopcic")):
    """`a_1`, `a_2` in A, `b` in 1/V, `v_p`, `v_n` in V, `a_p`, `a_n` in 1/s; the rest are numbers."""


class TEAM(LawDevice, law=packaged("team")):
    """`r_on`, `r_off` in ohm, `k_on` < 0 < `k_off` in 1/s, `i_on` < 0 < `i_off` in A; the rest are numbers."""

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
        return cls(**values, **rest)


class VTEAM(LawDevice, law=packaged("vteam")):
    """`r_on`, `r_off` in ohm, `k_on` < 0 < `k_off` in 1/s, `v_on` < 0 < `v_off` in V, `alpha_on`, `alpha_off`."""


class PiecewiseMemristor(LawDevice, law=packaged("piecewise")):
    """`i_1`, `i_2` in A, `v_1`, `v_2`, `v_p`, `v_n` in V, `g_0` in S, `d_1`, `d_2` in 1/V, `c_1`, `c_2` in 1/s.

    `up` and `down` are tables ((s, f), …) with increasing s, dimensionless.
    """
