"""What all laws with ds/dt = window(bulk rate) share: the rate, its partial derivatives, the checks.

ds/dt = F(s, 0, f),   f = f(s, v, i)        no decay: the window acts on the whole bulk rate f
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError
from spicebridge.laws.base import Device, require
from spicebridge.windows import NoWindow, Window

Slopes = tuple[Array, Array, Array]


def windowed(window: Window, s: Array, f: Array) -> Array:
    """F in 1/s."""
    return np.asarray(window.rate(s, np.zeros_like(f), f))


def windowed_partials(window: Window, s: Array, f: Array, slopes: Slopes) -> Slopes:
    """(dF/ds, dF/dv, dF/di) from `slopes` = (df/ds, df/dv, df/di), each at the two others fixed."""
    by_s, _, by_f = window.partials(s, np.zeros_like(f), f)
    f_s, f_v, f_i = slopes
    return np.asarray(by_s + by_f * f_s), np.asarray(by_f * f_v), np.asarray(by_f * f_i)


def check_window(device: Any) -> None:
    """Turn None into `NoWindow` and refuse what is no window."""
    if device.window is None:
        object.__setattr__(device, "window", NoWindow())
    if not isinstance(device.window, Window):
        raise DeviceError(f"{device.kind}: window {device.window!r} must be a window such as Hard()")


def check_resistances(device: Any) -> None:
    """Refuse r_off <= r_on; both are known to be positive."""
    r_on, r_off = np.broadcast_arrays(device.r_on, device.r_off)
    ok = r_off > r_on
    if not ok.all():
        k = int(np.argmin(ok))
        require(device, "r_off", ok, f"must exceed `r_on` {r_on.flat[k]:g}", r_off)


def check_above(device: Device, name: str, bound: float, *, strict: bool = True) -> None:
    """Refuse entries of a parameter that do not exceed (or, not `strict`, do not reach) `bound`."""
    value = getattr(device, name)
    ok = value > bound if strict else value >= bound
    require(device, name, ok, f"must {'exceed' if strict else 'be at least'} {bound:g}", value)


def check_below(device: Device, name: str, bound: float) -> None:
    """Refuse entries of a parameter that are not below `bound`."""
    value = getattr(device, name)
    require(device, name, value < bound, f"must be below {bound:g}", value)


def unit_state_problem(device: Any, s: Array) -> str | None:
    """What is wrong with initial states s (n_g,): not finite, outside the window, or R <= 0."""
    s = np.asarray(s, float)
    if not np.isfinite(s).all():
        return "must be finite"
    if not isinstance(device.window, NoWindow) and ((s < 0.0) | (s > 1.0)).any():
        return f"must lie in [0, 1] with the {device.window.name} window"
    if device.ohmic and (device.resistance(s) <= 0.0).any():
        return "makes the resistance zero or negative; keep it nearer to [0, 1]"
    return None
