"""PicoScope: Time,Channel A,… with a row of units in brackets; over-range samples are written as infinity."""

from __future__ import annotations

import re

from spicebridge.errors import TableError
from spicebridge.tables.delimited import read_delimited
from spicebridge.tables.table import Table

_HEAD = re.compile(r"\A\s*\"?Time\"?\s*[,;\t]\s*\"?Channel [A-H]\b", re.IGNORECASE)


def matches(text: str) -> bool:
    """By "Channel A" beside "Time" in the first row."""
    return bool(_HEAD.match(text)) and "digilent" not in text[:400].lower()


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    table = read_delimited(text, source)
    if table.t_unit is None or None in table.units.values():
        raise TableError(f"{source}: PicoScope writes a row of units, such as (ms),(V); it is missing: put it back")
    return table
