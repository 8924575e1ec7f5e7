"""Instruments that save a time beside every sample, with what their files have in place of a usual header."""

from __future__ import annotations

import re
from pathlib import Path

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import part, with_times
from spicebridge.tables.delimited import read_delimited, samples, table_of
from spicebridge.tables.names import parse_unit
from spicebridge.tables.table import Table
from spicebridge.tables.text import number, rows_of

_SIGROK_CHANNELS = re.compile(r"(?m)^;\s*Channels\s*\([^)]*\)\s*:\s*(.+)$")
_PICOSCOPE_HEAD = re.compile(r"\A\s*\"?Time\"?\s*[,;\t]\s*\"?Channel [A-H]\b", re.IGNORECASE)


def is_lecroy(text: str) -> bool:
    """By LECROY in the first row."""
    return text.lstrip('\ufeff "').upper().startswith("LECROY")


def read_lecroy(text: str, source: str) -> Table:
    """One file a channel: segments, then Time,Ampl in s and V. Raises `TableError`."""
    parted = part(text, source, comments=False)
    count = parted.first("segments") or "1"
    if count != "1":
        raise TableError(f"{source}: holds {count} segments; save one a file")
    if not parted.head or [cell.strip().lower() for cell in parted.head[-1][1]][:2] != ["time", "ampl"]:
        raise TableError(f"{source}: a LeCroy file has Time,Ampl above its samples; it is missing")
    channel = re.match(r"(?:.*[^A-Za-z])?([CFM]\d)", Path(source).name)
    name = channel[1] if channel else Path(source).stem
    data, over = samples(source, parted.body, ["time", name])
    return with_times(source, data[:, 0], data[:, 1:], [name], ["V"], over)


def is_picoscope(text: str) -> bool:
    """By "Channel A" beside "Time" in the first row."""
    return bool(_PICOSCOPE_HEAD.match(text)) and "digilent" not in text[:400].lower()


def read_picoscope(text: str, source: str) -> Table:
    """Time,Channel A,… with a row of units in brackets; over-range samples are infinity. Raises `TableError`."""
    table = read_delimited(text, source)
    if table.t_unit is None or None in table.units.values():
        raise TableError(f"{source}: PicoScope writes a row of units, such as (ms),(V); it is missing: put it back")
    return table


def is_sigrok(text: str) -> bool:
    """By a comment that begins with a semicolon and names libsigrok or Scopy."""
    return bool(re.search(r"(?m)^;.*(libsigrok|sigrok|scopy)", text[:2000], re.IGNORECASE))


def read_sigrok(text: str, source: str) -> Table:
    """PulseView and Scopy: comments that begin with a semicolon, then columns parted by commas. Raises `TableError`."""
    lines = ["#" + line if line.lstrip().startswith(";") else line for line in text.splitlines()]
    first = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None:
        raise TableError(f"{source}: holds comments only")
    cells = [cell.strip() for cell in lines[first].split(",")]
    if all(parse_unit(cell) is not None for cell in cells):
        # the label "units" of sigrok: its names stand in a comment
        found = _SIGROK_CHANNELS.search(text)
        names = [name.strip() for name in found[1].split(",")] if found else []
        if len(names) != len(cells) - 1:
            raise TableError(f"{source}: the comment 'Channels' must name the {len(cells) - 1} columns behind the time")
        lines[first] = ",".join(["time", *names])
        lines.insert(first + 1, ",".join(cells))
    return read_delimited("\n".join(lines), source)


def is_siglent(text: str) -> bool:
    """By a preamble with "Record Length" or "Sample Interval", and words that Tektronix has not."""
    head = text[:4000].lower()
    if "record length" not in head and "sample interval" not in head:
        return False
    return any(word in head for word in ("analog:", "sds", "software version")) or _begins_with_second(head)


def _begins_with_second(head: str) -> bool:
    return bool(re.search(r"(?m)^second,", head))


def read_siglent(text: str, source: str) -> Table:
    """SDS: a preamble, Source, the row Second,Volt,…, then the samples; with one channel, too. Raises `TableError`."""
    parted = part(text, source)
    line, units = parted.head[-1]
    units = [cell.strip() for cell in units if cell.strip()]
    if not units or any(parse_unit(cell) is None for cell in units) or units[0].lower()[:1] != "s":
        raise TableError(f"{source}:{line}: a Siglent file has a row Second,Volt,… above the samples; it is missing")
    channels = len(units) - 1
    above = [cell for cell in parted.cells("source") if cell]
    names = above if len(above) == channels else [f"CH{k}" for k in range(1, channels + 1)]
    if above and len(above) != channels:
        raise TableError(f"{source}: Source names {', '.join(above)}, the samples have {channels} channels")
    data, over = samples(source, parted.body, ["time", *names])
    return table_of(source, ["time", *names], list(units), data, over)


def is_tektronix(text: str) -> bool:
    """By "Record Length" or "Model" before "Vertical Units", and no word of Siglent or GW Instek."""
    head = text[:4000].lower()
    elsewhere = any(word in head for word in ("analog:", "sds", "memory length", "software version"))
    block = "horizontal units" in head and "vertical units" in head
    known = bool(re.search(r"(?m)^\W*(record length|model)\W", head)) and block
    return known and not elsewhere and not _begins_with_second(head)


def read_tektronix(text: str, source: str) -> Table:
    """TDS and TBS1000 (six columns, one channel a file), and the block above TIME,CH1,… of DPO, MSO and MDO.

    Raises `TableError`.
    """
    rows = rows_of(text, source).rows
    six = bool(rows) and rows[0][1][0].strip().lower() == "record length" and _pair(rows[0][1]) is not None
    return _six_columns(rows, source) if six else _block(text, source)


def _pair(row: list[str]) -> list[str] | None:
    """The two last filled cells, behind a gap, where they are numbers."""
    cells = list(row)
    while cells and not cells[-1].strip():
        cells.pop()
    if len(cells) >= 5 and number(cells[-1]) is not None and number(cells[-2]) is not None:
        return cells[-2:]
    return None


def _six_columns(rows: tuple[tuple[int, list[str]], ...], source: str) -> Table:
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
    horizontal, vertical = parted.first("horizontal units"), [c for c in parted.cells("vertical units") if c]
    channels = len(names) - 1
    if not horizontal or len(vertical) < channels:
        raise TableError(f"{source}:{line}: Horizontal Units and Vertical Units must name a unit for every channel")
    data, over = samples(source, parted.body, names)
    return table_of(source, [n.strip() for n in names], [horizontal, *vertical[:channels]], data, over)
