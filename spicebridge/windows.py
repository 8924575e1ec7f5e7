"""Bound handling: how the bulk rate of a state s in [0, 1] is changed near its bounds.

    ds/dt = F(s, decay, drift),   decay = a s,   drift = g q,   f = decay + drift

===========  ==========================================================================
none         F = f
hard         F = 0 if (s >= 1 and f > 0) or (s <= 0 and f < 0), else f   (projected)
tanh         F = f [th(-f/c) th(s) + th(f/c) th(1 - s)],  th(x) = (1 + tanh(p x))/2
Joglekar     F = decay + drift (1 - (2s - 1)^(2p))
Biolek       F = decay + drift (1 - (s - [drift < 0])^(2p))
Prodromakis  F = decay + drift j (1 - ((s - 1/2)^2 + 3/4)^p)
Zha          F = decay + drift j (1 - ((s - [drift < 0])^2/4 + 3/4)^p)
===========  ==========================================================================

The tanh window is paper 2, Eq. 33; its p multiplies a rate there, so the scale c (1/s) that
makes the argument a number is a parameter here. Joglekar and Wolf, Eur. J. Phys. 30 (2009) 661;
Biolek, Biolek and Biolkova, Radioengineering 18 (2009) 210; Prodromakis, Peh, Papavassiliou and
Toumazou, IEEE Trans. Electron Devices 58 (2011) 3099; Zha, Huang and Liu, IEEE Trans. Circuits Syst. II
63 (2016) 423. Only the current part of the rate is windowed, so a decaying state can leave a bound that
the Joglekar window would hold.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError


@runtime_checkable
class Window(Protocol):
    """What every bound handling offers.

    `name` is the word used in case files and reports. `hard` is True when the right-hand side
    is discontinuous at the bounds, so that an integrator has to locate events.
    `bounded` is True when the exact solution started in [0, 1] stays there.
    """

    name: str
    hard: bool
    bounded: bool

    def rate(self, s: Array, decay: Array, drift: Array) -> Array:
        """Return F in 1/s; all arguments have the same shape."""
        ...

    def partials(self, s: Array, decay: Array, drift: Array) -> tuple[Array, Array, Array]:
        """Return (dF/ds at fixed decay and drift, dF/d decay, dF/d drift)."""
        ...


def _order(p: int, name: str) -> int:
    number = isinstance(p, (int, float, np.number)) and not isinstance(p, bool)
    if not number or not 1 <= p < math.inf or int(p) != p:
        raise DeviceError(f"{name} window: p = {p!r} must be a whole number of at least 1")
    return int(p)


@dataclass(frozen=True)
class NoWindow:
    """No bounds: F = f. The state may leave [0, 1]; runs report by how much."""

    name = "none"
    hard = False
    bounded = False

    def rate(self, s: Array, decay: Array, drift: Array) -> Array:
        return decay + drift

    def partials(self, s: Array, decay: Array, drift: Array) -> tuple[Array, Array, Array]:
        one = np.ones_like(s)
        return np.zeros_like(s), one, one


@dataclass(frozen=True)
class Hard:
    """Projected bounds: the state stops at 0 and 1 and leaves when f turns inward."""

    name = "hard"
    hard = True
    bounded = True

    def rate(self, s: Array, decay: Array, drift: Array) -> Array:
        f = decay + drift
        held = ((s >= 1.0) & (f > 0.0)) | ((s <= 0.0) & (f < 0.0))
        return np.where(held, 0.0, f)

    def partials(self, s: Array, decay: Array, drift: Array) -> tuple[Array, Array, Array]:
        f = decay + drift
        free = np.asarray(1.0 - (((s >= 1.0) & (f > 0.0)) | ((s <= 0.0) & (f < 0.0))))
        return np.zeros_like(s), free, free


@dataclass(frozen=True)
class Tanh:
    """Paper 2, Eq. 33. After a time t at the rate f it overshoots by ln(1 + 2 p f t)/(2p); chi = 0.9 needs p > 45.

    `rate_scale` (1/s) divides f inside the step function.
    """

    p: float = 100.0
    rate_scale: float = 1.0
    name = "tanh"
    hard = False
    bounded = False

    def __post_init__(self) -> None:
        _positive(self, "p", "rate_scale")

    def rate(self, s: Array, decay: Array, drift: Array) -> Array:
        f = decay + drift
        p, c = self.p, self.rate_scale
        up, down = _step(p * f / c), _step(-p * f / c)
        return f * (down * _step(p * s) + up * _step(p * (1.0 - s)))

    def partials(self, s: Array, decay: Array, drift: Array) -> tuple[Array, Array, Array]:
        f = decay + drift
        p, c = self.p, self.rate_scale
        up, down = _step(p * f / c), _step(-p * f / c)
        low, high = _step(p * s), _step(p * (1.0 - s))
        d_s = f * p * (down * _step_slope(p * s) - up * _step_slope(p * (1.0 - s)))
        slope = _step_slope(p * f / c) * p / c
        d_f = down * low + up * high + f * slope * (high - low)
        return d_s, d_f, d_f


class _DriftWindow(ABC):
    """F = decay + drift j(s): `factor` is the window j, `slope` is drift dj/ds."""

    hard = False
    bounded = False

    @abstractmethod
    def factor(self, s: Array, drift: Array) -> Array: ...

    @abstractmethod
    def slope(self, s: Array, drift: Array) -> Array: ...

    def rate(self, s: Array, decay: Array, drift: Array) -> Array:
        return decay + drift * self.factor(s, drift)

    def partials(self, s: Array, decay: Array, drift: Array) -> tuple[Array, Array, Array]:
        return self.slope(s, drift), np.ones_like(s), self.factor(s, drift)


@dataclass(frozen=True)
class Joglekar(_DriftWindow):
    """1 - (2s - 1)^(2p) on the drift. Sticks at both bounds."""

    p: int = 1
    name = "joglekar"

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", _order(self.p, "Joglekar"))

    def factor(self, s: Array, drift: Array | None = None) -> Array:
        """Factorised so that it loses no digits near the bounds."""
        u2 = (2.0 * s - 1.0) ** 2
        series = np.ones_like(u2)
        for _ in range(self.p - 1):
            series = 1.0 + u2 * series
        return 4.0 * s * (1.0 - s) * series

    def slope(self, s: Array, drift: Array) -> Array:
        return drift * (-4.0 * self.p * (2.0 * s - 1.0) ** (2 * self.p - 1))


@dataclass(frozen=True)
class Biolek(_DriftWindow):
    """1 - (s - [drift < 0])^(2p) on the drift. Leaves a bound at once; kink where drift turns."""

    p: int = 1
    name = "biolek"

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", _order(self.p, "Biolek"))

    def factor(self, s: Array, drift: Array) -> Array:
        return np.asarray(1.0 - (s - (drift < 0.0)) ** (2 * self.p))

    def slope(self, s: Array, drift: Array) -> Array:
        return np.asarray(-drift * 2 * self.p * (s - (drift < 0.0)) ** (2 * self.p - 1))


@dataclass(frozen=True)
class Prodromakis(_DriftWindow):
    """j (1 - ((s - 1/2)^2 + 3/4)^p) on the drift, p and j real. Sticks at both bounds."""

    p: float = 1.0
    j: float = 1.0
    name = "prodromakis"

    def __post_init__(self) -> None:
        _positive(self, "p", "j")

    def factor(self, s: Array, drift: Array | None = None) -> Array:
        """(s - 1/2)^2 + 3/4 = 1 - s (1 - s)."""
        return np.asarray(self.j * _one_minus_power(s * (1.0 - s), self.p))

    def slope(self, s: Array, drift: Array) -> Array:
        u = 1.0 - s * (1.0 - s)
        return drift * (-self.j * self.p * u ** (self.p - 1.0) * (2.0 * s - 1.0))


@dataclass(frozen=True)
class Zha(_DriftWindow):
    """j (1 - ((s - [drift < 0])^2/4 + 3/4)^p) on the drift. Leaves a bound at once, as Biolek."""

    p: float = 1.0
    j: float = 1.0
    name = "zha"

    def __post_init__(self) -> None:
        _positive(self, "p", "j")

    def factor(self, s: Array, drift: Array) -> Array:
        """d^2/4 + 3/4 = 1 - (1 - d)(1 + d)/4."""
        d = s - (drift < 0.0)
        return np.asarray(self.j * _one_minus_power(0.25 * (1.0 - d) * (1.0 + d), self.p))

    def slope(self, s: Array, drift: Array) -> Array:
        d = s - (drift < 0.0)
        u = 0.25 * d * d + 0.75
        return drift * (-self.j * self.p * u ** (self.p - 1.0) * 0.5 * d)


def _one_minus_power(y: Array, p: float) -> Array:
    """1 - (1 - y)^p for y < 1 without losing the digits of a small y."""
    return np.asarray(-np.expm1(p * np.log1p(-y)))


def _positive(window: Tanh | Prodromakis | Zha, *fields: str) -> None:
    for field in fields:
        value = getattr(window, field)
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not number or not (math.isfinite(value) and value > 0):
            raise DeviceError(f"{window.name} window: {field} = {value!r} must be positive and finite")


def _step(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(x))


def _step_slope(x: Array) -> Array:
    return 0.5 * (1.0 - np.tanh(x) ** 2)


WINDOWS: dict[str, type] = {kind.name: kind for kind in (NoWindow, Hard, Tanh, Joglekar, Biolek, Prodromakis, Zha)}


def window_fields(kind: str) -> tuple[str, ...]:
    """Names of the numbers of a window."""
    return tuple(field.name for field in fields(WINDOWS[kind]))


def make_window(kind: str, numbers: Mapping[str, object]) -> Window:
    """The window of a text. Raises `DeviceError`."""
    made: Window = WINDOWS[kind](**numbers)
    return made


def window_entry(window: Window) -> str | dict[str, object]:
    """What a text says of a window: its word, with its numbers if it has any."""
    numbers: dict[str, object] = {}
    if is_dataclass(window):
        numbers = {field.name: getattr(window, field.name) for field in fields(window)}
    return {"kind": window.name, **numbers} if numbers else window.name
