"""The dialects that can be written. A new one is a new file beside this with a `DIALECT`, and its name here."""

from __future__ import annotations

import importlib

from spicebridge.circuit.dialects.dialect import Dialect
from spicebridge.errors import DeckError, nearest

NAMES = ("ngspice", "ltspice", "xyce", "hspice", "pspice", "spectre", "vacask")


def dialect_names() -> tuple[str, ...]:
    """Every dialect that can be written."""
    return NAMES


def get_dialect(name: str) -> Dialect:
    """Return the dialect called `name`; `DeckError` names the nearest known one."""
    if name not in NAMES:
        raise DeckError(f"dialect {name!r} must be one of {', '.join(NAMES)}{nearest(name, NAMES)}")
    found: Dialect = importlib.import_module(f"spicebridge.circuit.dialects.{name}").DIALECT
    return found
