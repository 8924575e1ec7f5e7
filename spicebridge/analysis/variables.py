"""What a network can be differentiated by: a name, one number for every edge.

drive            a constant in V added to the source of an edge over the whole span
drive.<field>    a field of the drive: amplitude, frequency, phase, offset, level, …; 0 on edges without it
drive.values     the values of PWL drives that share their times: (n_e, n_knots) in V
initial_state    the state at t = 0
<parameter>      a parameter of the devices: r_on, r_off, alpha, beta, …; 0 on edges without it
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import numpy as np

from spicebridge.analysis.flow import SMALL
from spicebridge.arrays import Array
from spicebridge.drives import DC, PWL, Pulse, Sine
from spicebridge.errors import DeviceError, NetworkError, nearest
from spicebridge.laws.base import Group, changed, parameter_names
from spicebridge.network import Network

DEFAULT = ("drive", "r_on", "r_off", "beta", "initial_state")
"""What `gradient` differentiates by unless told otherwise, as far as the devices have it."""


def known(network: Network) -> list[str]:
    """Every name that means something for a network."""
    parameters = {
        name for group in network.groups for name in parameter_names(group.device) if _continuous(group.device, name)
    }
    fields = {
        f"drive.{field.name}"
        for kind, drive in {type(drive): drive for drive in network.drives}.items()
        if kind in (DC, Sine, Pulse)
        for field in dataclasses.fields(kind)
        if isinstance(getattr(drive, field.name), (float, int))
    }
    return [
        "drive",
        "initial_state",
        *(["drive.values"] if knots(network) is not None else []),
        *sorted(fields | parameters),
    ]


def _continuous(device: Any, name: str) -> bool:
    """Whether a parameter may move both ways: not a sign, and not one that stands at the end of its range."""
    own = getattr(device, name)
    try:
        for factor in (1.0, -1.0):
            replace(device, **{name: own + factor * SMALL * np.where(own == 0.0, 1.0, np.abs(own))})
    except DeviceError:
        return False
    return True


def checked(network: Network, names: Any) -> tuple[str, ...]:
    """The names asked for, in order. Raises `NetworkError` for one that means nothing here."""
    possible = known(network)
    if isinstance(names, str):
        names = (names,)
    if names is DEFAULT:
        return tuple(name for name in DEFAULT if name in possible)
    for name in names:
        if name not in possible:
            raise NetworkError(
                f"with_respect_to: {name!r} must be one of {', '.join(possible)}{nearest(str(name), possible)}"
            )
    return tuple(names)


def knots(network: Network) -> tuple[float, ...] | None:
    """Times (s) of the PWL drives, if all that there are share them; else None."""
    found = {drive.times for drive in network.drives if isinstance(drive, PWL)}
    return found.pop() if len(found) == 1 else None


def hats(times: tuple[float, ...], t: float) -> Array:
    """(n_knots,): the weight of each value of a PWL drive at time t (s)."""
    return np.array([np.interp(t, times, row) for row in np.eye(len(times))])


def field_slope(network: Network, name: str, t: float) -> Array:
    """dS/dp (n_e,) at t (s) for "drive.<field>", by four-point differences of the drives alone."""
    field, out = name.removeprefix("drive."), np.zeros(network.n_edges)
    for k, drive in enumerate(network.drives):
        if drive is None or not isinstance(getattr(drive, field, None), (float, int)):
            continue
        own = float(getattr(drive, field))
        h = SMALL * (abs(own) or 1.0)
        up, down, far, low = (
            float(replace(drive, **{field: own + x * h}).value(t))  # type: ignore[type-var]
            for x in (1.0, -1.0, 2.0, -2.0)
        )
        out[k] = (8.0 * (up - down) - (far - low)) / (12.0 * h)
    return out


def values(network: Network, name: str) -> Array:
    """The numbers behind a name: (n_e,), NaN where an edge has no such thing; 0 for "drive"."""
    n = network.n_edges
    if name == "drive":
        return np.zeros(n)
    if name == "initial_state":
        return np.array(network.initial_state)
    if name == "drive.values":
        rows = [
            drive.values if isinstance(drive, PWL) else [np.nan] * len(knots(network) or ()) for drive in network.drives
        ]
        return np.array(rows, float)
    if name.startswith("drive."):
        field = name.removeprefix("drive.")
        return np.array(
            [getattr(drive, field, np.nan) if drive is not None else np.nan for drive in network.drives], float
        )
    out = np.full(n, np.nan)
    for group in network.groups:
        if name in parameter_names(group.device):
            out[group.edges] = getattr(group.device, name)
    return out


def moved(network: Network, name: str, change: Array) -> Network:
    """The network with `change` (shape of `values`) added to what `name` stands for."""
    if name == "drive":
        shifted = [
            drive if not step else DC(float(step)) if drive is None else _plus(drive, float(step))
            for drive, step in zip(network.drives, change.tolist(), strict=True)
        ]
        return network.with_drive(shifted)
    if name == "initial_state":
        return network.with_initial_state(network.initial_state + change)
    if name == "drive.values":
        rows = [
            PWL(drive.times, tuple((np.asarray(drive.values) + step).tolist())) if isinstance(drive, PWL) else drive
            for drive, step in zip(network.drives, change, strict=True)
        ]
        return network.with_drive(rows)
    if name.startswith("drive."):
        field = name.removeprefix("drive.")
        drives = [
            replace(drive, **{field: getattr(drive, field) + float(step)}) if step else drive  # type: ignore[type-var]
            for drive, step in zip(network.drives, change.tolist(), strict=True)
        ]
        return network.with_drive(drives)
    groups = []
    for group in network.groups:
        if name in parameter_names(group.device):
            own = np.broadcast_to(getattr(group.device, name), group.edges.shape)
            group = Group(changed(group.device, **{name: own + change[group.edges]}), group.edges)
        groups.append(group)
    return replace(network, groups=tuple(groups))


def _plus(drive: Any, step: float) -> Any:
    return DC(drive.level + step) if isinstance(drive, DC) else drive + DC(step)
