"""How a case file names a device law, so that a new law needs one line in a table and no parser.

A law is a constructor. Its argument names are the keys of the ``[device]`` section and, by
convention, the names of the fields of the device it returns; hence reading and writing need no
table of their own. Arguments that are parameters of the device take numbers (one, one per edge, or
a random draw), ``window`` takes a window, every other argument takes the plain value in the file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spicebridge.errors import DeviceError
from spicebridge.laws.base import parameter_names


@dataclass(frozen=True)
class Law:
    """`build` makes a device from keyword arguments, `device` is the class it returns.

    `fixed` are fields by which several laws of one class are told apart.
    """

    build: Callable[..., Any]
    device: type
    fixed: tuple[tuple[str, Any], ...] = ()

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """All arguments, in order."""
        return tuple(inspect.signature(self.build).parameters)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Arguments without a default."""
        arguments = inspect.signature(self.build).parameters.values()
        return tuple(a.name for a in arguments if a.default is inspect.Parameter.empty)

    @cached_property
    def numeric(self) -> tuple[str, ...]:
        """Arguments that hold one number or one per edge."""
        names = parameter_names(self.device)
        return tuple(k for k in self.keys if k in names)

    @property
    def stateful(self) -> bool:
        """Whether its devices have memory."""
        return bool(getattr(self.device, "stateful", False))

    def unit(self, key: str) -> str | None:
        """The unit of a numeric argument, where its law says one."""
        card = getattr(self.device, "card", None)
        return card.unit(key) if card else {"r": "ohm"}.get(key)

    def describes(self, device: object) -> bool:
        """Whether `device` is of this law."""
        return type(device) is self.device and all(getattr(device, name) == value for name, value in self.fixed)

    def arguments(self, device: object) -> dict[str, Any]:
        """The keyword arguments that build `device` again."""
        return {key: getattr(device, key) for key in self.keys}


def law_of(device: object, laws: Mapping[str, Law]) -> str:
    """The name in `laws` that describes `device`. Raises `DeviceError` when there is none."""
    for name, law in laws.items():
        if law.describes(device):
            return name
    known = ", ".join(laws)
    raise DeviceError(f"{type(device).__name__} has no name among the laws; register it, known are {known}")
