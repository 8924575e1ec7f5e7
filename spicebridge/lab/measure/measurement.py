"""What an oscilloscope saved: a CSV with time in the first column, one column a channel, gaps allowed."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import nearest
from spicebridge.lab.design.equipment import LabError

_SIGNAL = re.compile(r"\s*([piwv])\[(.+?)\]\s*(?:\*\s*([-+0-9.eE]+)\s*)?\Z")
_UNIT = re.compile(r"\s*\(([^)]*)\)\s*\Z")
_DECIMAL = re.compile(r"\A(\s*[-+]?\d*),(\d*(?:[eE][-+]?\d+)?\s*)\Z")
_BASE = ("s", "sec", "second", "seconds", "V", "volt", "volts", "A", "amp", "ampere", "amperes", "1", "")
_PREFIX = {"m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "k": 1e3}
FEWEST = 64
"""Samples below which noise cannot be told from signal."""


@dataclass(frozen=True)
class Signal:
    """`kind` p (node voltage), v (drop over a device), i (current) or w (state); `name` node or edge index.

    The channel shows `factor` times the signal: the ohms of a sense resistor for a current, -1 for a probe
    the wrong way round.
    """

    kind: str
    name: str
    factor: float = 1.0


def parse_signal(text: str) -> Signal:
    """``p[a]``, ``i[3]*82.5``, ``w[0]``. Raises `LabError`."""
    match = _SIGNAL.match(text)
    if match is None:
        raise LabError(f"signal {text!r} must be p[node], v[edge], i[edge] or w[edge], with *factor if wanted")
    try:
        factor = float(match[3]) if match[3] else 1.0
    except ValueError:
        factor = 0.0
    if factor == 0.0 or not math.isfinite(factor):
        raise LabError(f"signal {text!r}: the factor must be a finite number other than 0")
    return Signal(match[1], match[2], factor)


@dataclass(frozen=True, eq=False)
class Measurement:
    """`t` (n_t,) in s by the instrument's clock, increasing; `values` {column: (n_t,)}, NaN where nothing came."""

    t: Array
    values: Mapping[str, Array]


def read_measurement(path: str | Path) -> Measurement:
    """Read what an instrument saved, in s, V and A.

    Cells are parted by commas, semicolons or tabs, the latter two also with decimal commas. Comment rows (#) and rows
    before the header are skipped; units stand in brackets behind the names or in a row of their own; empty cells and
    NaN are drop-outs. Raises `LabError` with file and line.
    """
    source = Path(path)
    rows = _rows(source, _text(source))
    first = next((n for n, (_, row) in enumerate(rows) if _number(row[0]) is not None), None)
    if first is None or first == 0:
        raise LabError(f"{source}: needs a header with the channels' names and rows of numbers under it")
    names, scales = _header(source, rows[:first])
    table = []
    for number, row in rows[first:]:
        cells = [math.nan if not cell.strip() else _number(cell) for cell in row]
        while len(cells) > len(names) and cells[-1] is not None and math.isnan(cells[-1]):
            cells.pop()
        if len(cells) != len(names) or None in cells:
            raise LabError(
                f"{source}:{number}: {', '.join(row)!r} must hold {len(names)} numbers or empty cells "
                f"({', '.join(names)}); decimal commas need semicolons or tabs between the cells"
            )
        table.append((number, [math.nan if x is None else x for x in cells]))
    kept = [(number, row) for number, row in table if math.isfinite(row[0])]
    if len(kept) < FEWEST:
        raise LabError(f"{source}: {len(kept)} samples are too few; at least {FEWEST} are needed")
    data = np.array([row for _, row in kept]) * scales
    late = np.flatnonzero(np.diff(data[:, 0]) <= 0)
    if late.size:
        line, t = kept[int(late[0]) + 1][0], data[int(late[0]) : int(late[0]) + 2, 0]
        why = "is written with too few digits" if t[0] == t[1] else "goes back"
        raise LabError(f"{source}:{line}: time must increase, but {t[1]:.9g} s follows {t[0]:.9g} s; it {why}")
    data[~np.isfinite(data)] = math.nan
    return Measurement(data[:, 0], {name: data[:, j] for j, name in enumerate(names[1:], start=1)})


def _text(source: Path) -> str:
    try:
        raw = source.read_bytes()
    except OSError as error:
        raise LabError(f"{source}: cannot read the measurement: {error.strerror}") from None
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:
        raise LabError(f"{source}: not a CSV text file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Instruments write the micro sign in their own code page; every byte is a character there.
        return raw.decode("latin-1")


def _rows(source: Path, text: str) -> list[tuple[int, list[str]]]:
    """(line, cells) of all rows but comments and empty ones; decimal commas become points."""
    lines = text.splitlines()
    sample = next((line for line in reversed(lines) if any(c.isdigit() for c in line)), "")
    mark = next((c for c in ";\t" if c in sample), ",")
    try:
        rows = [(n, row) for n, row in enumerate(csv.reader(lines, delimiter=mark), start=1) if row]
    except csv.Error:
        raise LabError(f"{source}: not a CSV text file") from None
    rows = [(n, row) for n, row in rows if row[0][:1] != "#"]
    if mark != ",":
        rows = [(n, [_DECIMAL.sub(r"\1.\2", cell) for cell in row]) for n, row in rows]
    return rows


def _header(source: Path, rows: list[tuple[int, list[str]]]) -> tuple[list[str], Array]:
    """Names of the columns, and what their numbers are multiplied by to be in s, V and A."""
    line, names = rows[-1]
    units = [""] * len(names)
    if (
        len(rows) > 1
        and len(rows[-2][1]) == len(names)
        and all(_scale(cell) is not None for cell in names if cell.strip())
    ):
        line, names, units = rows[-2][0], rows[-2][1], names
    while len(names) > 1 and not names[-1].strip():
        names, units = names[:-1], units[:-1]
    bare, scales = [], []
    for name, unit in zip(names, units, strict=True):
        match = _UNIT.search(name)
        text = unit or (match[1] if match else "")
        scale = _scale(text)
        if scale is None:
            raise LabError(f"{source}:{line}: unit {text!r} of {name!r} is not known; use s, V or A with m, u, n or k")
        bare.append((name[: match.start()] if match else name).strip().strip('"'))
        scales.append(scale)
    if len(set(bare)) != len(bare) or len(bare) < 2:
        raise LabError(f"{source}:{line}: the header must name the time and different channels")
    return bare, np.array(scales)


def _scale(unit: str) -> float | None:
    """What a unit is in s, V, A or 1; None when it is none."""
    text = unit.strip().strip("()[]").strip()
    for name in _BASE:
        if text.lower() == name.lower():
            return 1.0
        if text.endswith(name) and text[: -len(name)] in _PREFIX:
            return _PREFIX[text[: -len(name)]]
    return None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def map_channels(measurement: Measurement, mapping: Mapping[str, str] | None) -> dict[str, Signal]:
    """Column -> signal: from `mapping`, else columns that are named after signals. Raises `LabError`."""
    columns = tuple(measurement.values)
    if mapping:
        for name in mapping:
            if name not in columns:
                known = ", ".join(columns)
                raise LabError(f"channel {name!r} is not in the file; it has {known}{nearest(name, columns)}")
        return {name: parse_signal(text) for name, text in mapping.items()}
    found = {name: parse_signal(name) for name in columns if _SIGNAL.match(name)}
    if not found:
        raise LabError(
            f"no column of {', '.join(columns)} is named after a signal (p[node], v[edge], i[edge], w[edge]); "
            "say which is which with --channels 'CH1=i[5]*82.5,CH2=p[1]'"
        )
    return found
