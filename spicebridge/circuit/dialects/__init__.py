"""Deck -> text, one file per simulator. A new dialect is a new file and one line here."""

from __future__ import annotations

import importlib

from spicebridge.circuit.dialects.base import Dialect
from spicebridge.errors import DeckError, nearest

_WHERE = {
    "ngspice": ("ngspice", "Ngspice"),
    "ltspice": ("ltspice", "LTspice"),
    "xyce": ("xyce", "Xyce"),
    "hspice": ("hspice", "Hspice"),
    "pspice": ("pspice", "PSpice"),
    "spectre": ("spectre", "Spectre"),
    "vacask": ("vacask", "Vacask"),
}


def dialect_names() -> tuple[str, ...]:
    """Every dialect that can be written."""
    return tuple(_WHERE)


def get_dialect(name: str) -> Dialect:
    """Return the dialect called `name`; `DeckError` names the nearest known one."""
    if name not in _WHERE:
        known = ", ".join(_WHERE)
        raise DeckError(f"dialect {name!r} must be one of {known}{nearest(name, _WHERE)}")
    module, attribute = _WHERE[name]
    made = getattr(importlib.import_module(f"spicebridge.circuit.dialects.{module}"), attribute)
    return made()  # type: ignore[no-any-return]
