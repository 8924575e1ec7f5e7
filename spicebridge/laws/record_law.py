"""A law that is a Python record, so that case files, decks and check-ups know it by a name.

A law here is a constructor. Its argument names are the keys of the ``[device]`` section and, by
convention, the names of the fields of the device it returns; hence reading and writing need no
table of their own. Arguments that are parameters of the device take numbers (one, one per edge, or
a random draw), ``window`` takes a window, every other argument takes the plain value in the file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spicebridge.laws.base import parameter_names, parameter_unit


@dataclass(frozen=True, kw_only=True)
class RecordLaw:
    """`build` makes a device from keyword arguments, `device` is the class it returns.

    `subcircuit` is the text of its SPICE model, `veriloga` of the other one, if it has any.
    """

    name: str
    build: Callable[..., Any]
    device: type
    subcircuit: str = ""
    veriloga: str = ""

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
        """The unit of a numeric argument, where its class says one."""
        return parameter_unit(self.device, key)

    def describes(self, device: object) -> bool:
        """Whether `device` is of this law."""
        return type(device) is self.device

    def arguments(self, device: object) -> dict[str, Any]:
        """The keyword arguments that build `device` again."""
        return {key: getattr(device, key) for key in self.keys}
