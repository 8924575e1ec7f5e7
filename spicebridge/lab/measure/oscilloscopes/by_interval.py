"""Instruments that save values without times: their interval stands in a preamble."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import Parted, evenly, part, with_times
from spicebridge.quantities import parse_quantity
from spicebridge.tables.delimited import samples
from spicebridge.tables.names import parse_unit
from spicebridge.tables.table import Table
from spicebridge.tables.text import number

_RIGOL_T0 = re.compile(r"t0\s*=\s*([-+.\deE]+)\s*s?\s*[,;]\s*tInc\s*=\s*([-+.\deE]+)\s*s?", re.IGNORECASE)
_HANTEK_WORD = re.compile(r"(?m)^#\s*(CHANNEL|CLOCK|SIZE|UNITS)\s*[:=]\s*([^\r\n,;]+)", re.IGNORECASE)
_OWON_COLUMN = re.compile(r"(CH\d)_?(?:Volt|Voltage|Volts)?\s*\((\w+)\)\Z", re.IGNORECASE)


def is_rigol(text: str) -> bool:
    """By the words Start and Increment beside X, or t0 and tInc, in the first row."""
    first = text[:400].splitlines()[0] if text.strip() else ""
    words = [cell.strip().lower() for cell in re.split("[,;\t]", first)]
    return (words[:1] == ["x"] and "start" in words and "increment" in words) or bool(_RIGOL_T0.search(first))


def read_rigol(text: str, source: str) -> Table:
    """DS1000Z (index, start and increment), MSO5000 and later (t0 and tInc in the first row). Raises `TableError`."""
    parted = part(text, source)
    found = _RIGOL_T0.search(text.splitlines()[0])
    if found:
        return _with_increment(parted, float(found[1]), float(found[2]))
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
    parted.check_index("the column X")
    return evenly(parted.columns(1, len(names)), t0, dt, names, [cell.strip() or None for cell in units[1:start]])


def _with_increment(parted: Parted, start: float, step: float) -> Table:
    cells = [cell.strip() for cell in parted.head[0][1]]
    heads = [cell for cell in cells if cell and "=" not in cell]
    if any(not re.fullmatch(r"(CH|MATH|D)\d+V", cell, re.IGNORECASE) for cell in heads):
        raise TableError(
            f"{parted.source}: columns {', '.join(heads)} must be called CH1V, CH2V, …, as Rigol writes them with t0"
        )
    names = [cell[:-1] for cell in heads]
    return evenly(parted.columns(0, len(names)), start, step, names, ["V"] * len(names))


def is_gwinstek(text: str) -> bool:
    """By "Memory Length" and "Waveform Data"."""
    head = text[:4000].lower()
    return "memory length" in head and "waveform data" in head


def read_gwinstek(text: str, source: str) -> Table:
    """GDS: a preamble that ends in "Waveform Data", then one value a row, or a time and a value. Raises
    `TableError`."""
    parted = part(text, source).filled
    channel, unit, body = parted.first("source"), parted.first("vertical units"), parted.body
    if not channel or not unit:
        raise TableError(f"{source}: the preamble must say Source and Vertical Units; save the file with its preamble")
    if all(len(row) == 2 for _, row in body):
        data, over = samples(source, body, ["time", channel])
        step = float(np.median(np.diff(data[:, 0])))
        if abs(step - parted.value("sampling period")) > 1e-2 * step:
            raise TableError(f"{source}: samples are {step:.4g} s apart, the preamble says another Sampling Period")
        return with_times(source, data[:, 0], data[:, 1:], [channel], [unit], over)
    if all(float(number(cell) or 0.0).is_integer() for _, row in body for cell in row):
        raise TableError(
            f"{source}: holds counts of the converter (Fast CSV), whose step is not in the file; save a detailed CSV"
        )
    table = evenly(parted, 0.0, parted.value("sampling period"), [channel], [unit], parted.value("memory length"))
    return table.with_note("times count from the first sample: the file does not say where the trigger was")


def is_hantek(text: str) -> bool:
    """By #CHANNEL and #CLOCK."""
    return {"CHANNEL", "CLOCK"} <= {word.upper() for word, _ in _HANTEK_WORD.findall(text[:2000])}


def read_hantek(text: str, source: str) -> Table:
    """A preamble of #WORDS with channel, clock and units, then one value a row. Raises `TableError`."""
    meta = {word.upper(): value.strip() for word, value in _HANTEK_WORD.findall(text[:2000])}
    if "UNITS" not in meta:
        raise TableError(f"{source}: #UNITS is missing; without it nobody knows whether these are V or mV")
    step = parse_quantity(meta["CLOCK"], what=f"{source}: #CLOCK", unit="s")
    if not re.search(r"[a-zA-Zµμ]", meta["CLOCK"]):
        raise TableError(f"{source}: #CLOCK={meta['CLOCK']} has no unit; write it as in 20.0nS")
    rows = part(text, source).filled
    return evenly(rows, 0.0, step, [meta["CHANNEL"]], [meta["UNITS"]], number(meta.get("SIZE", "")))


def is_owon(text: str) -> bool:
    """By "Time interval" and a column CH1_Voltage(…)."""
    head = text[:3000]
    return bool(re.search(r"(?mi)^\W*time interval", head)) and bool(re.search(r"(?i)\bCH\d_?volt", head))


def read_owon(text: str, source: str) -> Table:
    """A preamble with "Time interval", then an index and CH1_Voltage(mV). Raises `TableError`."""
    parted = part(text, source)
    written = parted.first("time interval")
    if not re.search(r"[a-zA-Zµμ]", written):
        raise TableError(f"{source}: Time interval {written!r} needs its unit, as in 2.00000us")
    step = parse_quantity(written, what=f"{source}: Time interval", unit="s")
    names = [cell.strip() for cell in parted.head[-1][1][1:] if cell.strip()]
    found = [match for name in names if (match := _OWON_COLUMN.match(name))]
    if not names or len(found) < len(names):
        raise TableError(
            f"{source}: the columns must be called CH1_Voltage(mV), with their unit, not {', '.join(names)}"
        )
    parted.check_index("the index")
    return evenly(parted.columns(1, len(names)), 0.0, step, [m[1] for m in found], [m[2] for m in found])


def is_infiniium(text: str) -> bool:
    """By XInc and XOrg."""
    return bool(re.search(r"(?mi)^\"?XInc", text[:3000])) and bool(re.search(r"(?mi)^\"?XOrg", text[:3000]))


def read_infiniium(text: str, source: str) -> Table:
    """Keysight: a preamble with XInc, XOrg and units, then one value a row. Raises `TableError`."""
    rows = part(text, source).filled
    across, up = rows.first("xunits"), rows.first("yunits")
    if (parse_unit(across) or ("", 0.0)) != ("s", 1.0) or parse_unit(up) is None:
        raise TableError(f"{source}: XUnits and YUnits must be there, in seconds and in a unit that is known")
    name = rows.first("source", "channel") or Path(source).stem
    return evenly(rows, rows.value("xorg"), rows.value("xinc"), [name], [up], rows.value("points"))
