"""The user's own names for simulators: a small file, so that several versions can stand side by side.

``$SPICEBRIDGE_ENGINES``, else ``spicebridge/engines.toml`` in the system's folder for settings:

    [engines]
    ngspice46 = "ngspice=/opt/ngspice-46/bin/ngspice"
    wasm = "ngspice=~/bin/ngspice-wasm"
"""

from __future__ import annotations

import functools
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from spicebridge.errors import SpiceBridgeError

LIST_VARIABLE = "SPICEBRIDGE_ENGINES"
"""File to use instead of the system's place."""


def own_names() -> Mapping[str, str]:
    """Name -> KIND=FILE; empty without a file. Raises SpiceBridgeError for one that cannot be read as such."""
    wanted = os.environ.get(LIST_VARIABLE)
    path = Path(wanted) if wanted else _usual()
    if path is None or not (wanted or path.is_file()):
        return MappingProxyType({})
    try:
        modified = path.stat().st_mtime_ns
    except OSError as error:
        raise SpiceBridgeError(f"list of engines {path}: {error.strerror}; correct ${LIST_VARIABLE}") from None
    return _read(path, modified)


def _usual() -> Path | None:
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or home) / "spicebridge" / "engines.toml"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "spicebridge" / "engines.toml"


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
                f'list of engines {path}: {name} = {value!r} must be a text "KIND=FILE", such as "ngspice=/opt/bin/ngspice"'
            )
    return MappingProxyType(dict(table))
