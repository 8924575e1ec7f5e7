"""The doors to simulators. A new engine is a new file and one line in `_ENGINES`."""

from __future__ import annotations

import importlib
from typing import cast

from spicebridge.circuit.engines.base import Engine, Job, RunRecord, Status
from spicebridge.errors import SpiceBridgeError, nearest

__all__ = ["Engine", "Job", "RunRecord", "Status", "engine_names", "get_engine"]

_ENGINES: dict[str, str] = {
    "ngspice": "spicebridge.circuit.engines.ngspice:NgspiceProcess",
}


def engine_names() -> tuple[str, ...]:
    """Names that `get_engine` takes, installed or not."""
    return tuple(_ENGINES)


def get_engine(name: str) -> Engine:
    """Return the engine called `name`; nothing is started or probed yet.

    Raises SpiceBridgeError, with the nearest known name, if there is no such engine.
    """
    try:
        module, _, factory = _ENGINES[name].partition(":")
    except KeyError:
        raise SpiceBridgeError(
            f"unknown engine {name!r}{nearest(str(name), _ENGINES)}: known engines are {', '.join(_ENGINES)}"
        ) from None
    return cast(Engine, getattr(importlib.import_module(module), factory)())
