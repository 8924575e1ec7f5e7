"""What TEAM and VTEAM share: resistance between two ends, and a rate beyond two thresholds.

    linear       R = Ron + (Roff - Ron) s
    exponential  R = Ron (Roff/Ron)^s
    rate         f(u) = k_off [u/u_off - 1]^alpha_off  +  k_on [u/u_on - 1]^alpha_on,   u_on < 0 < u_off

[x]^a is zero for x < 0, so at most one term acts. k_off > 0 drives s to 1 (Roff), k_on < 0 to 0 (Ron).
The papers' state is a length x between x_on and x_off; here s = (x - x_on)/(x_off - x_on).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError, nearest
from spicebridge.laws.base import freeze_parameters
from spicebridge.laws.bulk import check_above, check_below, check_resistances, check_window
from spicebridge.laws.limited import positive_power, positive_power_slope

CURVES = ("linear", "exponential")


def check_adaptive(device: Any, on: str, off: str) -> None:
    """Freeze and check a record whose thresholds are the fields `on` and `off`."""
    freeze_parameters(device, r_on="positive", r_off="positive", k_off="positive", **{off: "positive"})
    check_resistances(device)
    check_below(device, "k_on", 0.0)
    check_below(device, on, 0.0)
    for name in ("alpha_on", "alpha_off"):
        check_above(device, name, 1.0, strict=False)
    if device.curve not in CURVES:
        known = ", ".join(CURVES)
        raise DeviceError(
            f"{device.kind}: curve {device.curve!r} must be one of {known}{nearest(str(device.curve), CURVES)}"
        )
    check_window(device)


def resistance(device: Any, s: Array) -> Array:
    """R(s) in ohm."""
    if device.curve == "linear":
        return np.asarray(device.r_on + (device.r_off - device.r_on) * s)
    return np.asarray(device.r_on * np.exp(np.log(device.r_off / device.r_on) * s))


def resistance_slope(device: Any, s: Array) -> Array:
    """dR/ds in ohm."""
    if device.curve == "linear":
        return np.broadcast_to(device.r_off - device.r_on, np.shape(s)).astype(float)
    return np.asarray(np.log(device.r_off / device.r_on) * resistance(device, s))


def affine(device: Any) -> tuple[Array, Array] | None:
    """(R at s = 0, dR/ds) in ohm of the linear curve."""
    return (np.asarray(device.r_on), np.asarray(device.r_off - device.r_on)) if device.curve == "linear" else None


def branches(device: Any, u: Array, on: Array, off: Array) -> tuple[Array, Array]:
    """The two terms of f(u) in 1/s: (towards Roff, towards Ron)."""
    up = device.k_off * positive_power(u / off - 1.0, device.alpha_off)
    down = device.k_on * positive_power(u / on - 1.0, device.alpha_on)
    return np.asarray(up), np.asarray(down)


def branch_slopes(device: Any, u: Array, on: Array, off: Array) -> tuple[Array, Array]:
    """Their derivatives by u."""
    up = device.k_off / off * positive_power_slope(u / off - 1.0, device.alpha_off)
    down = device.k_on / on * positive_power_slope(u / on - 1.0, device.alpha_on)
    return np.asarray(up), np.asarray(down)
