"""What an oscilloscope saved: a CSV with time in the first column, one column a channel, gaps allowed."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spicebridge.errors import nearest
from spicebridge.lab.bench import LabError

Array = NDArray[np.float64]

_SIGNAL = re.compile(r"\s*([piwv])\[(.+?)\]\s*(?:\*\s*([-+0-9.eE]+)\s*)?\Z")
_UNIT = re.compile(r"\s*\([^)]*\)\s*\Z")
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
    """Read a CSV: comment rows (#) and rows before the header are skipped, empty cells are drop-outs.

    Raises `LabError` with file and line.
    """
    source = Path(path)
    try:
        with source.open(newline="", encoding="utf-8-sig") as handle:
            lines = [(n, row) for n, row in enumerate(csv.reader(handle), start=1) if row and row[0][:1] != "#"]
    except OSError as error:
        raise LabError(f"{source}: cannot read the measurement: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise LabError(f"{source}: not a CSV text file") from None
    first = next((n for n, (_, row) in enumerate(lines) if _number(row[0]) is not None), None)
    if first is None or first == 0:
        raise LabError(f"{source}: needs a header with the channels' names and rows of numbers under it")
    names = [_UNIT.sub("", cell).strip() for cell in lines[first - 1][1]]
    if len(set(names)) != len(names) or len(names) < 2:
        raise LabError(f"{source}:{lines[first - 1][0]}: the header must name the time and different channels")
    table = []
    for number, row in lines[first:]:
        cells = [math.nan if not cell.strip() else _number(cell) for cell in row]
        if len(cells) != len(names) or None in cells:
            raise LabError(f"{source}:{number}: {','.join(row)!r} must hold {len(names)} numbers or empty cells")
        table.append([math.nan if x is None else x for x in cells])
    data = np.array(table)
    data = data[np.isfinite(data[:, 0])]
    if data.shape[0] < FEWEST:
        raise LabError(f"{source}: {data.shape[0]} samples are too few; at least {FEWEST} are needed")
    if (np.diff(data[:, 0]) <= 0).any():
        raise LabError(f"{source}: time must increase")
    data[~np.isfinite(data)] = math.nan
    return Measurement(data[:, 0], {name: data[:, j] for j, name in enumerate(names[1:], start=1)})


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
