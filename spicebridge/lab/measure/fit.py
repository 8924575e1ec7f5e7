"""Validation: how well can a law describe a measured response? A fit, kept apart from verification.

    min over parameters of  sum_k [i(v_k, s_k) - i_k]^2,     ds/dt = F(s, v, i),  v(t) straight between samples

The measured voltage drives the law, the measured current is fitted, by Levenberg and Marquardt on the
logarithms of the parameters and the logit of s(0). Classical Runge-Kutta steps between the samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.errors import nearest
from spicebridge.lab.design.equipment import LabError

STEP = 1e-6
"""Relative change of a parameter for its derivative."""
FEWEST = 16
"""Samples below which nothing is fitted."""


@dataclass(frozen=True)
class Fit:
    """`parameters` and `initial_state` as fitted; `rms` of the current that is left and `worst`, its largest, at
    `worst_time` (s), all over the largest measured current; `predicted` is the rms behind `until`, or None."""

    law: str
    parameters: dict[str, float]
    initial_state: float
    samples: int
    rms: float
    worst: float
    worst_time: float
    until: float | None = None
    predicted: float | None = None


def read_response(path: str | Path, columns: Sequence[int] = (0, 1, 2)) -> tuple[Array, Array, Array]:
    """t (s, from 0), v (V), i (A) from a text file; `columns` are theirs, from 0. Raises `LabError`."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").replace(",", " ").replace(";", " ").splitlines()
    except OSError as error:
        raise LabError(f"{path}: cannot read the measurement: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LabError(f"{path}: is no text; give columns of numbers") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        try:
            rows.append([float(words[k]) for k in columns])
        except (ValueError, IndexError):
            if rows:
                raise LabError(f"{path}:{number}: columns {', '.join(map(str, columns))} must be numbers") from None
    table = np.array(rows)
    if len(rows) < FEWEST:
        raise LabError(f"{path}: has {len(rows)} rows of numbers; at least {FEWEST} are fitted")
    if not np.isfinite(table).all() or (np.diff(table[:, 0]) <= 0).any():
        raise LabError(f"{path}: times must increase and every value be finite")
    if not np.abs(table[:, 2]).max() > 0.0:
        raise LabError(f"{path}: the current is zero throughout; check the order of --columns")
    return table[:, 0] - table[0, 0], table[:, 1], table[:, 2]


def respond(device: Any, s0: Array, t: Array, v: Array) -> Array:
    """Currents (n_t, n) in A of n devices (one record with arrays of parameters) under one voltage v (n_t,)."""
    one = np.ones(s0.size)
    hard = device.window.hard

    def current(s: Array, u: float) -> Array:
        return np.asarray(u / device.resistance(s) if device.ohmic else device.current(u * one, s))

    def rate(s: Array, u: float) -> Array:
        return np.asarray(device.rate(s, u * one, current(s, u), one, one))

    s, out = s0.astype(float), np.empty((t.size, s0.size))
    for k in range(t.size):
        out[k] = current(s, v[k])
        if k + 1 < t.size:
            h, middle = t[k + 1] - t[k], 0.5 * (v[k] + v[k + 1])
            a = rate(s, v[k])
            b = rate(s + 0.5 * h * a, middle)
            c = rate(s + 0.5 * h * b, middle)
            d = rate(s + h * c, v[k + 1])
            s = s + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
            if hard:
                s = np.clip(s, 0.0, 1.0)
    return out


def fit_response(
    device: Any, initial_state: float, t: Array, v: Array, i: Array, free: Sequence[str], until: float | None = None
) -> Fit:
    """Fit the parameters `free` of a law (and s(0)) to a measured current; those behind `until` (s) are predicted.

    Start from `device` and `initial_state`, inside (0, 1). Raises `LabError` for names that are none and for
    fewer than `FEWEST` samples.
    """
    from scipy.optimize import least_squares

    from spicebridge.laws.base import parameter_names

    known = parameter_names(device)
    for name in free:
        if name not in known:
            raise LabError(f"{device.kind} has no parameter {name!r}{nearest(name, known)}; it has {', '.join(known)}")
        if float(getattr(device, name)) == 0.0:
            raise LabError(f"parameter {name!r} is zero and cannot be scaled; start it elsewhere")
    if not 0.0 < initial_state < 1.0:
        raise LabError(f"the initial state {initial_state:g} to start from must lie between 0 and 1")
    used = t <= (np.inf if until is None else until)
    if used.sum() < FEWEST:
        raise LabError(f"{used.sum()} samples before {until:g} s; at least {FEWEST} are fitted")
    scale = float(np.abs(i).max())
    start = {name: float(getattr(device, name)) for name in free}

    def built(x: Array) -> tuple[Any, Array]:
        """Devices (n,) and states of rows x (n, parameters + 1)."""
        values = {name: start[name] * np.exp(x[:, k]) for k, name in enumerate(free)}
        return replace(device, **values), 1.0 / (1.0 + np.exp(-x[:, -1]))

    def currents(x: Array, upto: NDArray[np.bool_]) -> Array:
        made, s0 = built(x)
        with np.errstate(all="ignore"):
            found = respond(made, s0, t[upto], v[upto])
        return np.nan_to_num(found, nan=1e3 * scale, posinf=1e3 * scale, neginf=-1e3 * scale)

    def residual(x: Array) -> Array:
        return np.asarray((currents(x[None], used)[:, 0] - i[used]) / scale)

    def slopes(x: Array) -> Array:
        rows = np.vstack([x, x + STEP * np.eye(x.size)])
        found = currents(rows, used) / scale
        return np.asarray((found[:, 1:] - found[:, :1]) / STEP)

    x0 = np.append(np.zeros(len(free)), np.log(initial_state / (1.0 - initial_state)))
    # Beyond a factor of e^12 a parameter no longer acts, or makes no device.
    x = least_squares(residual, x0, jac=slopes, bounds=(-12.0, 12.0)).x
    left = (currents(x[None], np.ones(t.size, bool))[:, 0] - i) / scale
    fitted, s0 = built(x[None])
    inside = np.where(used, np.abs(left), 0.0)
    behind = left[~used]
    return Fit(
        device.kind,
        {name: float(np.ravel(getattr(fitted, name))[0]) for name in known},
        float(s0[0]),
        int(used.sum()),
        float(np.sqrt(np.mean(left[used] ** 2))),
        float(inside.max()),
        float(t[int(inside.argmax())]),
        until,
        float(np.sqrt(np.mean(behind**2))) if behind.size else None,
    )
