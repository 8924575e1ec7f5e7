"""Keysight Infiniium: a preamble with XInc, XOrg and units, then one value a row (InfiniiVision is read by name)."""

from __future__ import annotations

import re
from pathlib import Path

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import evenly, part
from spicebridge.tables.names import parse_unit
from spicebridge.tables.table import Table


def matches(text: str) -> bool:
    """By XInc and XOrg."""
    return bool(re.search(r"(?mi)^\"?XInc", text[:3000])) and bool(re.search(r"(?mi)^\"?XOrg", text[:3000]))


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    parted = part(text, source)
    across, up = (next((c for c in parted.cells(word) or () if c), "") for word in ("xunits", "yunits"))
    if (parse_unit(across) or ("", 0.0)) != ("s", 1.0) or parse_unit(up) is None:
        raise TableError(f"{source}: XUnits and YUnits must be there, in seconds and in a unit that is known")
    body = [(n, [cell for cell in row if cell.strip()]) for n, row in parted.body]
    rows = type(parted)(source, parted.meta, parted.head, body)
    name = next((c for c in parted.cells("source", "channel") or () if c), Path(source).stem)
    return evenly(source, parted.value("xorg"), parted.value("xinc"), [name], [up], rows, parted.value("points"))
