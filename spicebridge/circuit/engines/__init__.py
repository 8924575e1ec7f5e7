"""The doors to simulators. A new engine is a new file and one line in `_ENGINES`.

An engine is asked for by kind ("ngspice"), by kind and program ("ngspice=/opt/ngspice-46/bin/ngspice"), or by a
name that the user's own list gives to such a text (`names`).
"""

from __future__ import annotations

import importlib
import os
import warnings
from typing import cast

from spicebridge.circuit.engines import own_names as names
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
    "known_engines",
]

AUTO = "auto"
"""Name for "ngspice, and neospice where there is no ngspice"."""

_ENGINES: dict[str, str] = {
    "ngspice": "spicebridge.circuit.engines.ngspice:NgspiceProcess",
    "pyspice": "spicebridge.circuit.engines.pyspice:PySpiceShared",
    "neospice": "spicebridge.circuit.engines.neospice:NeospiceWorker",
    "xyce": "spicebridge.circuit.engines.xyce:XyceProcess",
    "vacask": "spicebridge.circuit.engines.vacask:VacaskProcess",
}
_WITHOUT_FILE = frozenset(("neospice",))


class FallbackWarning(UserWarning):
    """Another simulator than the preferred one is used."""


def engine_names() -> tuple[str, ...]:
    """Kinds of engines, installed or not; `get_engine` takes "auto" besides."""
    return tuple(_ENGINES)


def known_engines() -> tuple[str, ...]:
    """The kinds, and the names of the user's own list."""
    return (*_ENGINES, *names.own_names())


def get_engine(name: str) -> Engine:
    """Return the engine called `name`; nothing is started or probed yet, except for "auto".

    `name` is a kind, "KIND=FILE" for a program (of pyspice: a library) of one's own, or a name of the user's list.
    "auto" is ngspice, or neospice with a FallbackWarning where there is no ngspice; a program that
    $SPICEBRIDGE_NGSPICE names is never replaced by another. Raises
    SimulatorMissing, for "auto" only, if there is neither, and SpiceBridgeError, with the nearest known
    name, if there is no such engine.
    """
    if name == AUTO:
        return _automatic()
    kind, equals, file = str(name).partition("=")
    if kind not in _ENGINES and not equals:
        own = names.own_names()
        if kind in own:
            kind, equals, file = own[kind].partition("=")
    module, _, factory = _ENGINES.get(kind, "").partition(":")
    if not module:
        known = (*known_engines(), AUTO)
        raise SpiceBridgeError(
            f"unknown engine {name!r}{nearest(kind, known)}: known engines are {', '.join(known)}, "
            "or KIND=FILE such as ngspice=/opt/ngspice/bin/ngspice"
        )
    made = getattr(importlib.import_module(module), factory)
    if not equals:
        return cast(Engine, made())
    if kind in _WITHOUT_FILE or not file:
        what = "is a Python package and takes no file" if kind in _WITHOUT_FILE else "names no file behind the ="
        raise SpiceBridgeError(f"engine {name!r}: {kind} {what}")
    return cast(Engine, made(os.path.expanduser(file), name=str(name)))


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
