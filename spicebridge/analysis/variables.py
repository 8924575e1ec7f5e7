"""What a network can be differentiated by: a name, one number for every edge.

drive            a constant in V added to the source of an edge over the whole span
drive.<field>    a field of the drive: amplitude, frequency, phase, offset, level, …; 0 on edges without it
drive.values     the values of PWL drives that share their times: (n_e, n_knots) in V
initial_state    the state at t = 0
<parameter>      a parameter of the devices: r_on, r_off, alpha, beta, …; 0 on edges without it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields, replace

import numpy as np

from spicebridge.analysis.flow import PLACES, SMALL, four_points
from spicebridge.arrays import Array
from spicebridge.drives import DC, PWL, Drive, Pulse, Sine, Sum, terms
from spicebridge.errors import DeviceError, NetworkError, nearest
from spicebridge.laws.base import Device, Group, changed, parameter_names
from spicebridge.network import Network

DEFAULT = ("drive", "r_on", "r_off", "beta", "initial_state")
"""What `gradient` differentiates by unless told otherwise, as far as the devices have it."""
WITH_FIELDS = (DC, Sine, Pulse)
"""Drives whose fields are numbers."""


def known(network: Network) -> list[str]:
    """Every name that means something for a network."""
    parameters = {
        name for group in network.groups for name in parameter_names(group.device) if _continuous(group.device, name)
    }
    of_drives = {
        f"drive.{field.name}"
        for kind, drive in {type(drive): drive for drive in network.drives}.items()
        if kind in WITH_FIELDS
        for field in fields(kind)
        if isinstance(getattr(drive, field.name), (float, int))
    }
    return [
        "drive",
        "initial_state",
        *(["drive.values"] if knots(network) is not None else []),
        *sorted(of_drives | parameters),
    ]


def _continuous(device: Device, name: str) -> bool:
    """Whether a parameter may move both ways: not a sign, and not one that stands at the end of its range."""
    own = getattr(device, name)
    try:
        for factor in (1.0, -1.0):
            changed(device, **{name: own + factor * SMALL * np.where(own == 0.0, 1.0, np.abs(own))})
    except DeviceError:
        return False
    return True


def checked(network: Network, names: str | Iterable[str]) -> tuple[str, ...]:
    """The names asked for, in order. Raises `NetworkError` for one that means nothing here."""
    possible = known(network)
    if names is DEFAULT:
        return tuple(name for name in DEFAULT if name in possible)
    wanted = (names,) if isinstance(names, str) else tuple(names)
    for name in wanted:
        if name not in possible:
            raise NetworkError(
                f"with_respect_to: {name!r} must be one of {', '.join(possible)}{nearest(str(name), possible)}"
            )
    return wanted


def knots(network: Network) -> tuple[float, ...] | None:
    """Times (s) of the PWL drives, if all that there are share them; else None."""
    found = {drive.times for drive in network.drives if isinstance(drive, PWL)}
    return found.pop() if len(found) == 1 else None


def hats(times: tuple[float, ...], t: float) -> Array:
    """(n_knots,): the weight of each value of a PWL drive at time t (s)."""
    return np.array([np.interp(t, times, row) for row in np.eye(len(times))])


def field_slope(network: Network, name: str, t: float) -> Array:
    """dS/dp (n_e,) at t (s) for "drive.<field>", by four-point differences of the drives alone."""
    out = np.zeros(network.n_edges)
    for k, drive in enumerate(network.drives):
        own = _field(drive, name)
        if isinstance(drive, WITH_FIELDS) and np.isfinite(own):
            h = SMALL * (abs(own) or 1.0)
            out[k] = four_points([_with(drive, name, own + x * h).value(t) for x in PLACES], h)
    return out


def _field(drive: Drive | None, name: str) -> float:
    """What "drive.<field>" is of a drive, NaN where it has no such number."""
    own = getattr(drive, name.removeprefix("drive."), None)
    return float(own) if isinstance(own, (float, int)) else np.nan


def _with(drive: DC | Sine | Pulse, name: str, value: float) -> Drive:
    """The drive with another number for "drive.<field>"."""
    return type(drive)(**asdict(drive) | {name.removeprefix("drive."): value})


def _moved(drive: Drive | None, name: str, step: Array) -> Drive | None:
    """The drive with `step`, () or (n_knots,), added to what the name stands for; itself where it has no such thing."""
    if name == "drive":
        if drive is None or isinstance(drive, DC):
            return DC((drive.level if drive else 0.0) + float(step))
        return Sum((*terms(drive), DC(float(step))))
    if name == "drive.values":
        return PWL(drive.times, tuple((drive.values + step).tolist())) if isinstance(drive, PWL) else drive
    assert isinstance(drive, WITH_FIELDS)
    return _with(drive, name, _field(drive, name) + float(step))


def values(network: Network, name: str) -> Array:
    """The numbers behind a name: (n_e,), or (n_e, n_knots) for PWL values; NaN where an edge has no such thing.

    For "drive" the levels of constant sources, 0 where they change.
    """
    if name == "drive":
        return network.bank(0.0) if network.bank.constant else np.zeros(network.n_edges)
    if name == "initial_state":
        return np.array(network.initial_state)
    if name == "drive.values":
        nothing = [np.nan] * len(knots(network) or ())
        return np.array([drive.values if isinstance(drive, PWL) else nothing for drive in network.drives], float)
    if name.startswith("drive."):
        return np.array([_field(drive, name) for drive in network.drives])
    out = np.full(network.n_edges, np.nan)
    for group in network.groups:
        if name in parameter_names(group.device):
            out[group.edges] = getattr(group.device, name)
    return out


def moved(network: Network, name: str, change: Array) -> Network:
    """The network with `change` (shape of `values`) added to what `name` stands for."""
    if name == "initial_state":
        return network.with_initial_state(network.initial_state + change)
    if name.startswith("drive"):
        pairs = zip(network.drives, change, strict=True)
        return network.with_drive([_moved(drive, name, step) if step.any() else drive for drive, step in pairs])
    groups = []
    for group in network.groups:
        if name in parameter_names(group.device):
            own = np.broadcast_to(getattr(group.device, name), group.edges.shape)
            group = Group(changed(group.device, **{name: own + change[group.edges]}), group.edges)
        groups.append(group)
    return replace(network, groups=tuple(groups))
