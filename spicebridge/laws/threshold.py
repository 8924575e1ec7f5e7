"""Voltage threshold device of Pershin and Di Ventra.

    v = P R i,   R = Ron + (Roff - Ron) s,   ds/dt = F(s, f(J v) / (Roff - Ron))
    f(v) = beta v + (alpha - beta)/2 (|v + Vt| - |v - Vt|)        in ohm/s
         = alpha v + (beta - alpha) ([v - Vt] - [-v - Vt]),       [x] = (x + |x|)/2
    |x|  = x tanh(x / (2 b)) for b > 0, the absolute value for b = 0

Pershin, Fontaine and Di Ventra, Phys. Rev. E 80 (2009) 021926; Biolek, Di Ventra and Pershin,
Radioengineering 22 (2013) 945, model R.2, where |x| = x (theta(x) - theta(-x)) with
theta(x) = 1/(1 + exp(-x/b)): the same function, written so that it cannot overflow. f is odd and has
slope alpha below Vt, beta above; the second line is used, because in the first alpha = 0 leaves rounding
noise below the threshold, which would move a state at its bound. The papers' state is R in ohm; here it is
s = (R - Ron)/(Roff - Ron). Their step functions in R are the hard bounds (the default window).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

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
from spicebridge.windows import Hard, Window


@dataclass(frozen=True, eq=False)
class ThresholdMemristor:
    """`r_on`, `r_off` in ohm, `v_t` in V, `beta` and `alpha` in ohm/(V s), smoothing `b` in V.

    Scalars or (n_g,). Raises `DeviceError` unless r_off > r_on > 0, v_t > 0, b >= 0.
    """

    r_on: Array = parameter()
    r_off: Array = parameter()
    v_t: Array = parameter()
    beta: Array = parameter()
    alpha: Array = parameter(default=0.0)
    b: Array = parameter(default=0.0)
    window: Window = field(default_factory=Hard)
    kind: ClassVar[str] = "ThresholdMemristor"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        law="v = P (Ron + (Roff - Ron) s) i;  ds/dt = F(s, f(J v)/(Roff - Ron))",
        source="Pershin et al., PRE 80 (2009) 021926; Biolek et al., Radioengineering 22 (2013) 945, R.2",
        units="r_on, r_off ohm; v_t, b V; alpha, beta ohm/(V s)",
        valid="0 <= s <= 1; r_off > r_on > 0; v_t > 0; b well below v_t",
        smoothness="b = 0: f has kinks at +-Vt; b > 0: analytic, with layers of width b there",
    )

    def __post_init__(self) -> None:
        freeze_parameters(self, r_on="positive", r_off="positive", v_t="positive", b="nonnegative")
        check_resistances(self)
        check_window(self)

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def spice_model(self) -> str | tuple[str, ...]:
        """The subcircuit; one per edge where b is."""
        names = tuple("threshold_smooth" if b > 0.0 else "threshold" for b in np.atleast_1d(self.b).tolist())
        return names if self.b.ndim else names[0]

    def affine(self) -> tuple[Array, Array] | None:
        return np.asarray(self.r_on), np.asarray(self.r_off - self.r_on)

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return None

    def check_state(self, s: Array) -> str | None:
        return unit_state_problem(self, s)

    def resistance(self, s: Array) -> Array:
        return np.asarray(self.r_on + (self.r_off - self.r_on) * s)

    def resistance_slope(self, s: Array) -> Array:
        return np.broadcast_to(self.r_off - self.r_on, np.shape(s)).astype(float)

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        u = J * v
        beyond = self._excess(u - self.v_t) - self._excess(-u - self.v_t)
        return np.asarray((self.alpha * u + (self.beta - self.alpha) * beyond) / (self.r_off - self.r_on))

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return windowed(self.window, s, self.bulk_rate(s, v, i, P, J))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        u, zero = J * v, np.zeros(np.shape(s))
        beyond = self._excess_slope(u - self.v_t) + self._excess_slope(-u - self.v_t)
        slope = J * (self.alpha + (self.beta - self.alpha) * beyond) / (self.r_off - self.r_on)
        slopes = (zero, np.asarray(slope + zero), zero)
        return windowed_partials(self.window, s, self.bulk_rate(s, v, i, P, J), slopes)

    def _excess(self, x: Array) -> Array:
        """[x]."""
        return np.where(self.b > 0.0, 0.5 * x * (1.0 + self._turn(x)), np.maximum(x, 0.0))

    def _excess_slope(self, x: Array) -> Array:
        th = self._turn(x)
        smooth = 0.5 * (1.0 + th) + 0.25 * x / self._layer * (1.0 - th**2)
        return np.where(self.b > 0.0, smooth, np.where(x > 0.0, 1.0, 0.0))

    def _turn(self, x: Array) -> Array:
        return np.asarray(np.tanh(0.5 * x / self._layer))

    @property
    def _layer(self) -> Array:
        """b, or any other voltage where there is no layer and the value is not used."""
        return np.where(self.b > 0.0, self.b, 1.0)
