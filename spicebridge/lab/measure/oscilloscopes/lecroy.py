"""LeCroy: one file a channel, LECROY… in the first row, then segments and Time,Ampl in s and V."""

from __future__ import annotations

import re
from pathlib import Path

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import part, with_times
from spicebridge.tables.delimited import samples
from spicebridge.tables.table import Table


def matches(text: str) -> bool:
    """By LECROY in the first row."""
    return text.lstrip('\ufeff "').upper().startswith("LECROY")


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    parted = part(text, source, comments=False)
    count = next((c for c in parted.cells("segments") or () if c), "1")
    if count != "1":
        raise TableError(f"{source}: holds {count} segments; save one a file")
    if not parted.head or [cell.strip().lower() for cell in parted.head[-1][1]][:2] != ["time", "ampl"]:
        raise TableError(f"{source}: a LeCroy file has Time,Ampl above its samples; it is missing")
    channel = re.match(r"(?:.*[^A-Za-z])?([CFM]\d)", Path(source).name)
    name = channel[1] if channel else Path(source).stem
    data, over = samples(source, parted.body, ["time", name])
    return with_times(source, data[:, 0], data[:, 1:], [name], ["V"], over)
