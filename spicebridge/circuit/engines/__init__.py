"""The doors to simulators. A new engine is a new file and one line in `_ENGINES`."""

from __future__ import annotations

import importlib
import os
import warnings
from typing import cast

from spicebridge.circuit.engines.base import Engine, Job, RunRecord, Status
from spicebridge.errors import SimulatorMissing, SpiceBridgeError, nearest

__all__ = [
    "AUTO",
    "Engine",
    "FallbackWarning",
    "Job",
    "RunRecord",
    "Status",
    "engine_names",
    "get_engine",
]

AUTO = "auto"
"""Name for "ngspice, and neospice where there is no ngspice"."""

_ENGINES: dict[str, str] = {
    "ngspice": "spicebridge.circuit.engines.ngspice:NgspiceProcess",
    "pyspice": "spicebridge.circuit.engines.pyspice:PySpiceShared",
    "neospice": "spicebridge.circuit.engines.neospice:NeospiceWorker",
    "xyce": "spicebridge.circuit.engines.xyce:XyceProcess",
}


class FallbackWarning(UserWarning):
    """Another simulator than the preferred one is used."""


def engine_names() -> tuple[str, ...]:
    """Names of the engines, installed or not; `get_engine` takes "auto" besides."""
    return tuple(_ENGINES)


def get_engine(name: str) -> Engine:
    """Return the engine called `name`; nothing is started or probed yet, except for "auto".

    "auto" is ngspice, or neospice with a FallbackWarning where there is no ngspice; a program that
    $SPICEBRIDGE_NGSPICE names is never replaced by another. Raises
    SimulatorMissing, for "auto" only, if there is neither, and SpiceBridgeError, with the nearest known
    name, if there is no such engine.
    """
    if name == AUTO:
        return _automatic()
    try:
        module, _, factory = _ENGINES[name].partition(":")
    except KeyError:
        known = (*_ENGINES, AUTO)
        raise SpiceBridgeError(
            f"unknown engine {name!r}{nearest(str(name), known)}: known engines are {', '.join(known)}"
        ) from None
    return cast(Engine, getattr(importlib.import_module(module), factory)())


def _automatic() -> Engine:
    preferred = get_engine("ngspice")
    try:
        preferred.version()
    except SimulatorMissing as error:
        other = get_engine("neospice")
        if os.environ.get("SPICEBRIDGE_NGSPICE") or not other.available():
            raise
        warnings.warn(
            FallbackWarning(f"{error}. Meanwhile neospice {other.version()} runs the circuit, the fast form only"),
            stacklevel=3,
        )
        return other
    return preferred
