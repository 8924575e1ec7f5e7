"""What every edge law offers, and how laws are laid over the edges of a network.

A device is a one-port with at most one state s, dimensionless where nothing else is said. Two kinds:

*ohmic*     v = P R(s) i          `resistance`, `resistance_slope`
*general*   i = i(v, s)           `current`, `current_partials`   (P = +1 only)

and beside them capacitors, inductors and current sources, which *impose* a voltage or a current at every
instant (`imposes`) and have no characteristic. For all ds/dt = F(s, v, i; P, J). Here v is the drop over the device
from tail to head (V), i the current from tail to head (A), P = +-1 the sign of an active element and J = +-1 its
polarity (physics conventions of paper 1, section 2). A general device of polarity J = -1 is the same device
connected the other way round: i = J i(J v, s).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError, QuantityError
from spicebridge.quantities import parse_quantities
from spicebridge.windows import Window

D = TypeVar("D", bound="Device")


@runtime_checkable
class Device(Protocol):
    """One law with parameters: scalars, or arrays (n_g,) over the edges of its group. All of it is required.

    `kind` names the law in messages, `stateful` says whether a state moves, `ohmic` whether v = P R(s) i.
    """

    kind: ClassVar[str]
    stateful: ClassVar[bool]
    ohmic: ClassVar[bool]

    @property
    def smooth(self) -> bool:
        """Whether ds/dt has no kink and no jump but what the window makes."""
        ...

    @property
    def window(self) -> Window:
        """Bound handling of the state."""
        ...

    def affine(self) -> tuple[Array, Array] | None:
        """(R at s = 0 in ohm, dR/ds in ohm), each () or (n_g,), where R is affine in s; else None."""
        ...

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        """(a in 1/s, b in 1/(A s), c in 1/(V s)) where the rate without bounds is a s + b i + c v; else None.

        `a s` is then the decay, which no window changes, and b i + c v the drift.
        """
        ...

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        """ds/dt in 1/s without bounds; its sign decides when a held state is released."""
        ...

    def check_state(self, s: Array) -> str | None:
        """Return what is wrong with the initial states s (n_g,), or None."""
        ...

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        """ds/dt in 1/s with bounds applied."""
        ...


@runtime_checkable
class OhmicDevice(Device, Protocol):
    """v = P R(s) i."""

    def resistance(self, s: Array) -> Array:
        """R(s) in ohm, without the sign P."""
        ...

    def resistance_slope(self, s: Array) -> Array:
        """dR/ds in ohm."""
        ...


@runtime_checkable
class GeneralDevice(Device, Protocol):
    """i = i(v, s), not proportional to v."""

    def current(self, v: Array, s: Array) -> Array:
        """i(v, s) in A for polarity +1."""
        ...

    def current_partials(self, v: Array, s: Array) -> tuple[Array, Array]:
        """(di/dv in S, di/ds in A)."""
        ...


@runtime_checkable
class Differentiable(Device, Protocol):
    """A law that knows the derivatives of its rate; every law here does."""

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> tuple[Array, Array, Array]:
        """(dF/ds in 1/s, dF/dv in 1/(V s), dF/di in 1/(A s)), each at the two others fixed."""
        ...


def imposes(device: object) -> str:
    """What a device holds at every instant whatever the network does: "voltage" (a capacitor its state),
    "current" (an inductor its state, a current source its drive), or "" for a device with a characteristic."""
    return str(getattr(device, "imposes", ""))


def state_unit(device: object) -> str:
    """The unit of the state column: "1", or "V" and "A" where the state is a voltage or a current."""
    return str(getattr(device, "state_unit", "1"))


def parameter(unit: str | None = None, **kwargs: Any) -> Any:
    """Declare a numeric field that may hold one value or one per edge; `unit` as in "ohm" or "1/(V s)"."""
    return dataclasses.field(metadata={"parameter": True, "unit": unit}, **kwargs)


def parameter_unit(device: Device | type, name: str) -> str | None:
    """The unit that the field `name` of a device was declared with."""
    fields = dataclasses.fields(device)  # type: ignore[arg-type]
    return next((f.metadata.get("unit") for f in fields if f.name == name), None)


def parameter_names(device: Device | type) -> tuple[str, ...]:
    """Names of the numeric fields of a device, in order of declaration."""
    fields = dataclasses.fields(device)  # type: ignore[arg-type]
    return tuple(f.name for f in fields if f.metadata.get("parameter"))


def freeze_parameters(device: Device, **rules: str) -> None:
    """Turn numeric fields into read-only float arrays of shape () or (n_g,) and check them.

    `rules` maps a field to "positive", "nonzero", "nonnegative" or "finite" (the default).
    Call it from ``__post_init__``. Raises `DeviceError` that names device, field, edge and rule.
    """
    length: int | None = None
    for name in parameter_names(device):
        try:
            value = parse_quantities(
                getattr(device, name), what=f"{device.kind}: {name}", unit=parameter_unit(device, name)
            )
        except QuantityError as error:
            raise DeviceError(str(error)) from None
        except (TypeError, ValueError):
            raise DeviceError(
                f"{device.kind}: {name} = {getattr(device, name)!r} must be a number or one per edge"
            ) from None
        if value.ndim > 1:
            raise DeviceError(f"{device.kind}: {name} has shape {value.shape}; give one number per edge")
        if value.ndim == 1:
            if length not in (None, value.size):
                raise DeviceError(f"{device.kind}: {name} has {value.size} values, other parameters have {length}")
            length = value.size
        require(device, name, np.isfinite(value), "must be finite", value)
        rule = rules.get(name, "finite")
        if rule == "positive":
            require(device, name, value > 0, "must be positive", value)
        elif rule == "nonzero":
            require(device, name, value != 0, "must not be zero", value)
        elif rule == "nonnegative":
            require(device, name, value >= 0, "must not be negative", value)
        value.setflags(write=False)
        object.__setattr__(device, name, value)


def require(device: Device, name: str, ok: object, rule: str, value: Array) -> None:
    """Raise `DeviceError` for the first entry where `ok` is False."""
    ok = np.asarray(ok)
    if ok.all():
        return
    if ok.ndim == 0 or np.ndim(value) == 0:
        raise DeviceError(f"{device.kind}: `{name}` {float(np.ravel(value)[0]):g} {rule}")
    k = int(np.argmin(ok))
    raise DeviceError(f"{device.kind}, entry {k}: `{name}` {value[k]:g} {rule}")


def take(device: D, index: NDArray[np.intp] | int, *, spread: int | None = None) -> D:
    """Return the device restricted to entries `index`; scalars stay scalars.

    With `spread` = n every scalar parameter becomes an array of n equal entries first.
    """
    changes: dict[str, Array] = {}
    for name in parameter_names(device):
        value = getattr(device, name)
        if spread is not None and value.ndim == 0:
            value = np.full(spread, float(value))
        changes[name] = value[index] if value.ndim else value
    return changed(device, **changes)


def changed(device: D, **changes: object) -> D:
    """The device with other fields."""
    return dataclasses.replace(device, **changes)  # type: ignore[type-var]


def device_key(device: Device) -> tuple[object, ...]:
    """Everything about a device but its numbers: equal keys can share one group."""
    fields = dataclasses.fields(device)  # type: ignore[arg-type]
    other = tuple(getattr(device, f.name) for f in fields if not f.metadata.get("parameter"))
    return (type(device), *other)


def same_device(first: object, second: object) -> bool:
    """Whether two devices have the same law and the same numbers."""
    if not (isinstance(first, Device) and isinstance(second, Device)):
        return False
    if device_key(first) != device_key(second):
        return False
    names = parameter_names(first)
    return all(np.array_equal(getattr(first, n), getattr(second, n)) for n in names)


@dataclass(frozen=True)
class Group:
    """One law on some edges: `edges` (n_g,) ascending, parameters () or (n_g,) in that order."""

    device: Device
    edges: NDArray[np.intp]

    def single(self, position: int) -> Device:
        """The device of one edge of the group, with scalar parameters."""
        return take(self.device, position)

    @property
    def resistive(self) -> OhmicDevice:
        """The device, whose law is v = P R(s) i; asked only where `Device.ohmic` says so."""
        return cast(OhmicDevice, self.device)

    @property
    def conductive(self) -> GeneralDevice:
        """The device, whose law is i = i(v, s); asked only where `Device.ohmic` is False."""
        return cast(GeneralDevice, self.device)

    @property
    def differentiable(self) -> Differentiable:
        """The device, with the derivatives of its rate."""
        return cast(Differentiable, self.device)


def group_devices(devices: Device | Sequence[Device], n_edges: int) -> tuple[Group, ...]:
    """Lay one device, or a list with one per edge, over n_edges edges.

    Raises `DeviceError` when the counts do not fit.
    """
    if isinstance(devices, Device):
        return (_cover(devices, n_edges),)
    laws = list(devices)
    if len(laws) != n_edges:
        raise DeviceError(f"{len(laws)} devices for {n_edges} edges; give one for all or one per edge")
    where: dict[tuple[object, ...], list[int]] = {}
    for k, device in enumerate(laws):
        if not isinstance(device, Device):
            raise DeviceError(f"edge {k}: {device!r} is no device")
        for name in parameter_names(device):
            if getattr(device, name).ndim:
                raise DeviceError(f"edge {k}: `{name}` has many values; a list holds one-edge devices")
        where.setdefault(device_key(device), []).append(k)
    groups = []
    for edges in where.values():
        first = laws[edges[0]]
        stacked = {name: _stack([getattr(laws[k], name) for k in edges]) for name in parameter_names(first)}
        groups.append(Group(changed(first, **stacked), np.array(edges, dtype=np.intp)))
    return tuple(groups)


def _stack(values: list[Array]) -> Array:
    numbers = np.array([float(v) for v in values])
    return np.array(numbers[0]) if (numbers == numbers[0]).all() else numbers


def _cover(device: Device, n_edges: int) -> Group:
    for name in parameter_names(device):
        value = getattr(device, name)
        if value.ndim and value.size != n_edges:
            raise DeviceError(
                f"{device.kind}: `{name}` has {value.size} values for {n_edges} edges; "
                "give one number for all edges or one per edge"
            )
    return Group(device, np.arange(n_edges, dtype=np.intp))
