"""Tektronix: TDS and TBS1000 (six columns, one channel a file), and the block above TIME,CH1,… of DPO, MSO and MDO."""

from __future__ import annotations

import re

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import part, with_times
from spicebridge.tables.delimited import samples, table_of
from spicebridge.tables.table import Table
from spicebridge.tables.text import number, rows_of


def matches(text: str) -> bool:
    """By "Record Length" and "Sample Interval" before "Vertical Units", all with commas behind them."""
    head = text[:4000].lower()
    block = "horizontal units" in head and "vertical units" in head
    return bool(re.search(r"(?m)^\W*(record length|model)\W", head)) and block and not _elsewhere(head)


def _elsewhere(head: str) -> bool:
    """Siglent and GW Instek use some of the same words."""
    return any(word in head for word in ("analog:", "sds", "memory length", "software version")) or bool(
        re.search(r"(?m)^second,", head)
    )


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    return _six_columns(text, source) if _is_six(text, source) else _block(text, source)


def _is_six(text: str, source: str) -> bool:
    rows = rows_of(text, source).rows
    return bool(rows) and rows[0][1][0].strip().lower() == "record length" and _pair(rows[0][1]) is not None


def _pair(row: list[str]) -> list[str] | None:
    """The two last filled cells, behind a gap, where they are numbers."""
    cells = list(row)
    while cells and not cells[-1].strip():
        cells.pop()
    if len(cells) >= 5 and number(cells[-1]) is not None and number(cells[-2]) is not None:
        return cells[-2:]
    return None


def _six_columns(text: str, source: str) -> Table:
    rows = rows_of(text, source).rows
    meta = {row[0].strip().lower(): row[1].strip() for _, row in rows if row[0].strip() and len(row) > 1}
    name, unit = meta.get("source", ""), meta.get("vertical units", "")
    if not name or not unit or meta.get("horizontal units", "") != "s":
        raise TableError(
            f"{source}: a Tektronix file says Source, Vertical Units and Horizontal Units; they are missing"
        )
    body = []
    for line, row in rows:
        pair = _pair(row)
        if pair is None:
            raise TableError(f"{source}:{line}: {', '.join(row)[:60]!r} has no time and value in its last columns")
        body.append((line, pair))
    data, over = samples(source, body, ["time", name])
    step = number(meta.get("sample interval", ""))
    if step is not None and len(data) > 1:
        seen = float((data[-1, 0] - data[0, 0]) / (len(data) - 1))
        if abs(seen - step) > 1e-2 * step:
            raise TableError(
                f"{source}: samples are {seen:.6g} s apart, the preamble says {step:.6g} s; the file was changed"
            )
    return with_times(source, data[:, 0], data[:, 1:], [name], [unit], over)


def _block(text: str, source: str) -> Table:
    parted = part(text, source)
    if not parted.head or parted.head[-1][1][0].strip().lower() != "time":
        raise TableError(f"{source}: no row TIME,CH1,… stands above the samples; save the file with its preamble")
    line, names = parted.head[-1]
    while names and not names[-1].strip():
        names = names[:-1]
    horizontal = next((c for c in parted.cells("horizontal units") or () if c), None)
    vertical = [c for c in parted.cells("vertical units") or () if c]
    channels = len(names) - 1
    if horizontal is None or len(vertical) < channels:
        raise TableError(f"{source}:{line}: Horizontal Units and Vertical Units must name a unit for every channel")
    data, over = samples(source, parted.body, names)
    return table_of(source, [n.strip() for n in names], [horizontal, *vertical[:channels]], data, over)
