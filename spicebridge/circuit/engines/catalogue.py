"""The doors to simulators by name. A new engine is a new file and one line in `_ENGINES`.

An engine is asked for by kind ("ngspice"), by kind and program ("ngspice=/opt/ngspice-46/bin/ngspice"), or by a name
that the user's own list gives to such a text: a small file, so that several versions can stand side by side,
``$SPICEBRIDGE_ENGINES``, else ``spicebridge/engines.toml`` in the system's folder for settings:

    [engines]
    ngspice46 = "ngspice=/opt/ngspice-46/bin/ngspice"
    wasm = "ngspice=~/bin/ngspice-wasm"
"""

from __future__ import annotations

import functools
import importlib
import os
import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import cast

from spicebridge.circuit.engines import measured_once
from spicebridge.circuit.engines.engine import Engine
from spicebridge.errors import SimulatorMissing, SpiceBridgeError, nearest

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
    return (*_ENGINES, *own_names())


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
        own = own_names()
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


LIST_VARIABLE = "SPICEBRIDGE_ENGINES"
"""File to use instead of the system's place."""
USUAL = Path("spicebridge") / "engines.toml"
"""Its place in the system's folder for settings."""


def own_names() -> Mapping[str, str]:
    """Name -> KIND=FILE; empty without a file. Raises SpiceBridgeError for one that cannot be read as such."""
    wanted = os.environ.get(LIST_VARIABLE)
    folder = measured_once.user_folder("config")
    path = Path(wanted) if wanted else None if folder is None else folder / USUAL
    if path is None or not (wanted or path.is_file()):
        return MappingProxyType({})
    try:
        modified = path.stat().st_mtime_ns
    except OSError as error:
        raise SpiceBridgeError(f"list of engines {path}: {error.strerror}; correct ${LIST_VARIABLE}") from None
    return _read(path, modified)


@functools.lru_cache(maxsize=8)
def _read(path: Path, modified: int) -> Mapping[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("engines", {})
    except (OSError, ValueError) as error:
        raise SpiceBridgeError(f"list of engines {path}: {error}") from None
    if not isinstance(table, dict):
        raise SpiceBridgeError(f"list of engines {path}: [engines] must be a table of names")
    for name, value in table.items():
        if not isinstance(value, str) or "=" not in value:
            raise SpiceBridgeError(
                f'list of engines {path}: {name} = {value!r} must be a text "KIND=FILE", such as '
                '"ngspice=/opt/bin/ngspice"'
            )
    return MappingProxyType(dict(table))
