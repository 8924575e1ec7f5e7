"""OWON: a preamble with "Time interval", then an index and CH1_Voltage(mV)."""

from __future__ import annotations

import re

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import evenly, part
from spicebridge.quantities import parse_quantity
from spicebridge.tables.table import Table
from spicebridge.tables.text import number

_COLUMN = re.compile(r"(CH\d)_?(?:Volt|Voltage|Volts)?\s*\((\w+)\)\Z", re.IGNORECASE)


def matches(text: str) -> bool:
    """By "Time interval" and a column CH1_Voltage(…)."""
    head = text[:3000]
    return bool(re.search(r"(?mi)^\W*time interval", head)) and bool(re.search(r"(?i)\bCH\d_?volt", head))


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    parted = part(text, source)
    cells = parted.cells("time interval") or []
    written = next((cell for cell in cells if cell), "")
    if not re.search(r"[a-zA-Zµμ]", written):
        raise TableError(f"{source}: Time interval {written!r} needs its unit, as in 2.00000us")
    step = parse_quantity(written, what=f"{source}: Time interval", unit="s")
    names = [cell.strip() for cell in parted.head[-1][1][1:] if cell.strip()]
    found = [_COLUMN.match(name) for name in names]
    if not names or None in found:
        raise TableError(
            f"{source}: the columns must be called CH1_Voltage(mV), with their unit, not {', '.join(names)}"
        )
    if [number(row[0]) for _, row in parted.body] != list(range(len(parted.body))):
        raise TableError(f"{source}: the index must count the samples from 0; rows are missing or in another order")
    body = [(n, row[1 : 1 + len(names)]) for n, row in parted.body]
    rows = type(parted)(source, parted.meta, parted.head, body)
    channels = [match[1] for match in found if match]
    return evenly(source, 0.0, step, channels, [match[2] for match in found if match], rows)
