"""Rigol: DS1000Z (index, start and increment), MSO5000 and later (t0 and tInc in the first row), others by name."""

from __future__ import annotations

import re

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import evenly, part
from spicebridge.tables.table import Table
from spicebridge.tables.text import number

_T0 = re.compile(r"t0\s*=\s*([-+.\deE]+)\s*s?\s*[,;]\s*tInc\s*=\s*([-+.\deE]+)\s*s?", re.IGNORECASE)


def matches(text: str) -> bool:
    """By the words Start and Increment beside X, or t0 and tInc, in the first row."""
    first = text[:400].splitlines()[0] if text.strip() else ""
    words = [cell.strip().lower() for cell in re.split("[,;\t]", first)]
    return (words[:1] == ["x"] and "start" in words and "increment" in words) or bool(_T0.search(first))


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    first = text.splitlines()[0]
    found = _T0.search(first)
    if found:
        return _with_increment(text, source, found)
    parted = part(text, source)
    if len(parted.head) < 2:
        raise TableError(f"{source}: a Rigol file has a second row with units, start and increment; it is missing")
    words = [cell.strip().lower() for cell in parted.head[0][1]]
    start, step = words.index("start"), words.index("increment")
    line, units = parted.head[1]
    t0, dt = (number(units[k]) if k < len(units) else None for k in (start, step))
    if t0 is None or dt is None:
        raise TableError(
            f"{source}:{line}: start and increment must be numbers, in the columns that the first row names"
        )
    names = [cell.strip() for cell in parted.head[0][1][1:start]]
    table = [(n, row[1 : 1 + len(names)]) for n, row in parted.body]
    index = [number(row[0]) for _, row in parted.body]
    if index != list(range(len(index))):
        raise TableError(f"{source}: the column X must count the samples from 0; rows are missing or in another order")
    cells = [cell.strip() or None for cell in units[1:start]]
    return evenly(source, t0, dt, names, cells, type(parted)(source, parted.meta, parted.head, table))


def _with_increment(text: str, source: str, found: re.Match[str]) -> Table:
    parted = part(text, source)
    cells = [cell.strip() for cell in parted.head[0][1]]
    heads = [cell for cell in cells if cell and "=" not in cell]
    if any(not re.fullmatch(r"(CH|MATH|D)\d+V", cell, re.IGNORECASE) for cell in heads):
        raise TableError(
            f"{source}: columns {', '.join(heads)} must be called CH1V, CH2V, …, as Rigol writes them with t0"
        )
    names = [cell[:-1] for cell in heads]
    body = [(n, row[: len(names)]) for n, row in parted.body]
    rows = type(parted)(source, parted.meta, parted.head, body)
    return evenly(source, float(found[1]), float(found[2]), names, ["V"] * len(names), rows)
