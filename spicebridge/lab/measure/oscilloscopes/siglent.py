"""Siglent SDS: a preamble, Source, the row Second,Volt,…, then the samples; with one channel, too."""

from __future__ import annotations

import re

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import part
from spicebridge.tables.delimited import samples, table_of
from spicebridge.tables.names import parse_unit
from spicebridge.tables.table import Table


def matches(text: str) -> bool:
    """By a preamble with "Record Length" or "Horizontal Scale" and "Vertical Scale", and no Tektronix word."""
    head = text[:4000].lower()
    if "record length" not in head and "sample interval" not in head:
        return False
    return any(word in head for word in ("analog:", "sds", "software version")) or bool(
        re.search(r"(?m)^second,", head)
    )


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    parted = part(text, source)
    line, units = parted.head[-1]
    units = [cell.strip() for cell in units if cell.strip()]
    if not units or any(parse_unit(cell) is None for cell in units) or units[0].lower()[:1] != "s":
        raise TableError(f"{source}:{line}: a Siglent file has a row Second,Volt,… above the samples; it is missing")
    channels = len(units) - 1
    above = [cell.strip() for cell in parted.cells("source") or () if cell.strip()]
    names = above if len(above) == channels else [f"CH{k}" for k in range(1, channels + 1)]
    if above and len(above) != channels:
        raise TableError(f"{source}: Source names {', '.join(above)}, the samples have {channels} channels")
    data, over = samples(source, parted.body, ["time", *names])
    return table_of(source, ["time", *names], list(units), data, over)
