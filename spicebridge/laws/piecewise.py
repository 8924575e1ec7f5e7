"""Piecewise empirical model: exponential conduction, a tabulated state law.

    i = J s h(J v),   h(u) = I1 E(u/V1) - I2 E(-u/V2) + G0 u - (I1 - I2)
    ds/dt = F(s, g(J v) f(s))
    g(u) = C1 (E(d1 (u - VP)) - 1)  for u >= VP,   C2 (E(d2 (u - VN)) - 1)  for u <= VN,   else 0
    f(s) = `up` for u >= 0, `down` for u < 0: straight lines through (s, f), constant before the first and
           after the last point, but zero above the last point of `up` and below the first of `down`

Level 4 ("PEM") of Xyce's memristor: this is what its code computes. There V <= VN is tested after
V >= VP with VN as given (its guide has V < -VN). E as in ``limited``. The tables are data of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError
from spicebridge.laws.base import freeze_parameters, parameter, same_device
from spicebridge.laws.bulk import Slopes, check_window, unit_state_problem, windowed, windowed_partials
from spicebridge.laws.card import Card
from spicebridge.laws.limited import EXP_LIMIT, limited_exp, limited_exp_slope
from spicebridge.windows import NoWindow, Window

Table = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class PiecewiseMemristor:
    """`i_1`, `i_2` in A, `v_1`, `v_2`, `v_p`, `v_n` in V, `g_0` in S, `d_1`, `d_2` in 1/V, `c_1`, `c_2` in 1/s.

    Scalars or (n_g,). `up` and `down` are tables ((s, f), …) with increasing s, dimensionless.
    Raises `DeviceError` unless the currents, v_1, v_2 and g_0 are positive (so that i grows with v) and the
    tables are tables.
    """

    up: Table
    down: Table
    i_1: Array = parameter()
    i_2: Array = parameter()
    v_1: Array = parameter()
    v_2: Array = parameter()
    g_0: Array = parameter()
    v_p: Array = parameter()
    v_n: Array = parameter()
    d_1: Array = parameter()
    d_2: Array = parameter()
    c_1: Array = parameter()
    c_2: Array = parameter()
    exp_limit: Array = parameter(default=EXP_LIMIT)
    window: Window = NoWindow()
    kind: ClassVar[str] = "PiecewiseMemristor"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = False
    smooth: ClassVar[bool] = False
    spice_model: ClassVar[str] = "piecewise"
    card: ClassVar[Card] = Card(
        law="i = J s h(J v);  ds/dt = F(s, g(J v) f(s)), f tabulated",
        source="Xyce Reference Guide, memristor level 4 (PEM), as its code computes it",
        units="i_1, i_2 A; v_1, v_2, v_p, v_n V; g_0 S; d_1, d_2 1/V; c_1, c_2 1/s; tables 1",
        valid="s > 0 (at s = 0 nothing conducts); within the tables",
        smoothness="f has kinks at every point and jumps beyond the tables' ends; ds/dt jumps at v = 0 and v = VP",
    )

    def __post_init__(self) -> None:
        names = ("i_1", "i_2", "v_1", "v_2", "g_0", "exp_limit")
        freeze_parameters(self, **dict.fromkeys(names, "positive"))
        for name in ("up", "down"):
            object.__setattr__(self, name, _table(getattr(self, name), name))
        check_window(self)

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def spice_tables(self) -> tuple[tuple[str, Table, str], ...]:
        """(pin of the subcircuit, points, end beyond which the table is zero)."""
        return (("up", self.up, "high"), ("down", self.down, "low"))

    def affine(self) -> tuple[Array, Array] | None:
        return None

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return None

    def check_state(self, s: Array) -> str | None:
        if (np.asarray(s) < 0.0).any():
            return "must not be negative"
        return unit_state_problem(self, s)

    def current(self, v: Array, s: Array) -> Array:
        return np.asarray(s * self._conduction(v)[0])

    def current_partials(self, v: Array, s: Array) -> tuple[Array, Array]:
        h, slope = self._conduction(v)
        return np.asarray(s * slope), h

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        u = J * v
        return np.asarray(self._force(u)[0] * self._shape(s, u))

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return windowed(self.window, s, self.bulk_rate(s, v, i, P, J))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        u = J * v
        g, g_slope = self._force(u)
        by_s = np.asarray(g * self._tabulated(s, u, _line_slope))
        slopes = (by_s, np.asarray(J * g_slope * self._shape(s, u)), np.zeros(np.shape(s)))
        return windowed_partials(self.window, s, self.bulk_rate(s, v, i, P, J), slopes)

    @cached_property
    def _arrays(self) -> tuple[Array, Array]:
        return np.array(self.up, float), np.array(self.down, float)

    def _conduction(self, u: Array) -> tuple[Array, Array]:
        """h in A and dh/du in S."""
        limit = self.exp_limit
        h = self.i_1 * limited_exp(u / self.v_1, limit) - self.i_2 * limited_exp(-u / self.v_2, limit)
        h = h + self.g_0 * u - (self.i_1 - self.i_2)
        slope = self.i_1 / self.v_1 * limited_exp_slope(u / self.v_1, limit)
        slope = slope + self.i_2 / self.v_2 * limited_exp_slope(-u / self.v_2, limit) + self.g_0
        return np.asarray(h), np.asarray(slope)

    def _force(self, u: Array) -> tuple[Array, Array]:
        """g in 1/s and dg/du."""
        limit = self.exp_limit
        first, second = self.d_1 * (u - self.v_p), self.d_2 * (u - self.v_n)
        high, low = np.asarray(u >= self.v_p), np.asarray(u <= self.v_n)
        g = np.where(low, self.c_2 * (limited_exp(second, limit) - 1.0), 0.0)
        slope = np.where(low, self.c_2 * self.d_2 * limited_exp_slope(second, limit), 0.0)
        g = np.where(high, self.c_1 * (limited_exp(first, limit) - 1.0), g)
        return g, np.where(high, self.c_1 * self.d_1 * limited_exp_slope(first, limit), slope)

    def _shape(self, s: Array, u: Array) -> Array:
        """f."""
        return self._tabulated(s, u, _line)

    def _tabulated(self, s: Array, u: Array, read: Callable[[Array, Array], Array]) -> Array:
        """`read` off the table that acts, zero beyond its end."""
        s = np.asarray(s, float)
        rising, falling = self._arrays
        up = np.where(s > rising[-1, 0], 0.0, read(s, rising))
        down = np.where(s < falling[0, 0], 0.0, read(s, falling))
        return np.where(u >= 0.0, up, down)


def read_table(path: str | Path) -> Table:
    """Read ((s, f), …) from a text file with two columns, parted by commas or blanks.

    Raises `DeviceError` with file and line for anything else.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceError(f"{path}: cannot read the table: {error}") from None
    points = []
    for number, line in enumerate(lines, start=1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            s, f = (float(word) for word in words)
        except ValueError:
            raise DeviceError(f"{path}:{number}: {line.strip()!r} must be two numbers, s and f") from None
        points.append((s, f))
    return _table(points, str(path))


def _table(points: Iterable[Any], name: str) -> Table:
    try:
        array = np.array([tuple(point) for point in points], dtype=float)
    except (TypeError, ValueError):
        raise DeviceError(f"table {name}: must be a list of pairs (s, f)") from None
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] != 2:
        raise DeviceError(f"table {name}: must be a list of at least two pairs (s, f)")
    if not np.isfinite(array).all():
        raise DeviceError(f"table {name}: entries must be finite")
    if (np.diff(array[:, 0]) <= 0.0).any():
        row = int(np.argmax(np.diff(array[:, 0]) <= 0.0)) + 1
        raise DeviceError(f"table {name}: s must increase; it does not at entry {row}")
    return tuple((float(s), float(f)) for s, f in array)


def _line(s: Array, table: Array) -> Array:
    return np.asarray(np.interp(s, table[:, 0], table[:, 1]))


def _line_slope(s: Array, table: Array) -> Array:
    x, y = table.T
    inside = np.clip(np.searchsorted(x, s, side="right"), 1, x.size - 1)
    slope = (y[inside] - y[inside - 1]) / (x[inside] - x[inside - 1])
    return np.where((s < x[0]) | (s > x[-1]), 0.0, slope)
