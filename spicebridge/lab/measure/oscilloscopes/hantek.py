"""Hantek: a preamble of #WORDS with channel, clock and units, then one value a row."""

from __future__ import annotations

import re

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import evenly, part
from spicebridge.quantities import parse_quantity
from spicebridge.tables.table import Table
from spicebridge.tables.text import number

_WORD = re.compile(r"(?m)^#\s*(CHANNEL|CLOCK|SIZE|UNITS)\s*[:=]\s*([^\r\n,;]+)", re.IGNORECASE)


def matches(text: str) -> bool:
    """By #CHANNEL and #CLOCK."""
    return {"CHANNEL", "CLOCK"} <= {word.upper() for word, _ in _WORD.findall(text[:2000])}


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    meta = {word.upper(): value.strip() for word, value in _WORD.findall(text[:2000])}
    if "UNITS" not in meta:
        raise TableError(f"{source}: #UNITS is missing; without it nobody knows whether these are V or mV")
    step = parse_quantity(meta["CLOCK"], what=f"{source}: #CLOCK", unit="s")
    if not re.search(r"[a-zA-Zµμ]", meta["CLOCK"]):
        raise TableError(f"{source}: #CLOCK={meta['CLOCK']} has no unit; write it as in 20.0nS")
    parted = part(text, source)
    body = [(n, [cell for cell in row if cell.strip()]) for n, row in parted.body]
    rows = type(parted)(source, parted.meta, parted.head, body)
    return evenly(source, 0.0, step, [meta["CHANNEL"]], [meta["UNITS"]], rows, number(meta.get("SIZE", "")))
