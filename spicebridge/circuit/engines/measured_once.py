"""What was measured of a simulator, kept in the user's cache folder from one program run to the next.

One small JSON file per key under ``$SPICEBRIDGE_CACHE``, else the system's folder for caches. A key names the
simulator's files with their sizes and times, and the code that measured, so nothing stale is ever read; a folder
that cannot be written, or a file that cannot be read, only costs the time of measuring again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

CACHE_VARIABLE = "SPICEBRIDGE_CACHE"
"""Folder to use instead of the system's; empty for none at all."""


def cache_folder() -> Path | None:
    """Where files are kept; None where nothing is to be kept."""
    wanted = os.environ.get(CACHE_VARIABLE)
    if wanted is not None:
        return Path(wanted) if wanted else None
    base = user_folder("cache")
    return None if base is None else base / "spicebridge"


def user_folder(kind: str) -> Path | None:
    """The system's folder for the user's "cache" or "config"; None for a user without a home."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        variable, place = ("LOCALAPPDATA", "Local") if kind == "cache" else ("APPDATA", "Roaming")
        return Path(os.environ.get(variable) or home / "AppData" / place)
    if sys.platform == "darwin" and kind == "cache":
        return home / "Library" / "Caches"
    return Path(os.environ.get(f"XDG_{kind.upper()}_HOME") or home / f".{kind}")


def recall(key: str) -> dict[str, str] | None:
    """What was kept under `key`, or None."""
    path = _path(key)
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("key") != _full(key):
        return None
    value = found.get("value")
    if not isinstance(value, dict) or not all(isinstance(word, str) for word in value.values()):
        return None
    return value


def keep(key: str, value: Mapping[str, str]) -> None:
    """Keep `value` under `key`, whole or not at all."""
    path = _path(key)
    if path is None:
        return
    text = json.dumps({"key": _full(key), "value": dict(value)}, indent=1)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
        os.replace(file.name, path)


def _full(key: str) -> str:
    return f"{_measuring_code()} {key}"


def _path(key: str) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    return folder / "engines" / f"{hashlib.sha256(_full(key).encode()).hexdigest()[:24]}.json"


@functools.lru_cache(maxsize=1)
def _measuring_code() -> str:
    """A digest of this folder: what was measured by other code is measured again."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
