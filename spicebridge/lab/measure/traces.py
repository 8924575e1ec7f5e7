"""Responses of one device, as people keep them: time, voltage and current by name or by position, or sweeps V, I."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.scope_files import read_oscilloscope
from spicebridge.tables.delimited import first_row, samples
from spicebridge.tables.names import signal_of
from spicebridge.tables.table import Table
from spicebridge.tables.text import read_text, rows_of

FEWEST = 16
"""Samples below which nothing is fitted."""
_VOLTAGES = ("v", "voltage", "u", "vm", "v1", "voltage_v", "bias")
_CURRENTS = ("i", "current", "im", "i1", "current_a")


@dataclass(frozen=True, eq=False)
class Trace:
    """`v` (n,) in V and `i` (n,) in A at `t` (n,) in s, from 0 and increasing; `name` for messages."""

    t: Array
    v: Array
    i: Array
    name: str = ""


def read_trace(path: str | Path, columns: Sequence[str] | None = None, rate: float | None = None) -> Trace:
    """Read one response.

    Parameters
    ----------
    path
        A file of an instrument, a CSV or any text with columns of numbers.
    columns
        Names or positions (from 0) of time, voltage and current; of voltage and current with `rate`. None finds them
        by their names (t, V, I, voltage, current) or as the only one in V and the only one in A.
    rate
        Of a sweep in V/s, for files without a time: t is the way of the voltage over the rate.

    Raises
    ------
    TableError
        For columns that are not there, times that do not increase, too few samples and a current of zero.
    """
    t, v, i = _columns(Path(path), columns, rate)
    if len(t) < FEWEST:
        raise TableError(f"{path}: has {len(t)} rows of numbers; at least {FEWEST} are fitted")
    kept = np.isfinite(t) & np.isfinite(v) & np.isfinite(i)
    if rate is not None:
        if not rate > 0.0:
            raise TableError(f"sweep rate {rate:g} V/s must be positive")
        moved = np.append(True, np.abs(np.diff(v)) > 0.0)
        kept &= moved
        t = np.append(0.0, np.cumsum(np.abs(np.diff(v)))) / rate
    t, v, i = t[kept], v[kept], i[kept]
    if len(t) < FEWEST or (np.diff(t) <= 0).any():
        raise TableError(f"{path}: times must increase, and at least {FEWEST} samples must be finite")
    if not np.abs(i).max() > 0.0:
        raise TableError(f"{path}: the current is zero throughout; check the order of --columns")
    if not np.abs(v).max() > 0.0:
        raise TableError(f"{path}: the voltage is zero throughout; check the order of --columns")
    return Trace(t - t[0], v, i, str(path))


def _columns(path: Path, columns: Sequence[str] | None, rate: float | None) -> tuple[Array, Array, Array]:
    wanted = 2 if rate is not None else 3
    if columns is not None and len(columns) != wanted:
        what = "voltage and current" if rate is not None else "time, voltage and current"
        raise TableError(f"columns {', '.join(columns)} must be {wanted}: {what}")
    if columns is None and rate is not None:
        columns = ["0", "1"]
    if columns is not None and all(word.strip().isdigit() for word in columns):
        table = _positions(path, [int(word) for word in columns])
        return (table[:, 0], table[:, 0], table[:, 1]) if rate is not None else (table[:, 0], table[:, 1], table[:, 2])
    found = read_oscilloscope(path)
    if columns is None:
        return found.t, found.columns[_only(found, "V", _VOLTAGES)], found.columns[_only(found, "A", _CURRENTS)]
    v, i = (found.columns[found.find(name)] for name in columns[-2:])
    return found.t, v, i


def _only(table: Table, unit: str, names: Sequence[str]) -> str:
    called = [name for name in table.columns if name.strip().lower() in names]
    called = called or [name for name in table.columns if table.units.get(name) == unit and signal_of(name) is None]
    called = called or [name for name in table.columns if table.units.get(name) == unit]
    if len(called) != 1:
        raise TableError(
            f"{table.source}: which of {', '.join(table.columns)} is the {'voltage' if unit == 'V' else 'current'}? "
            "Say --columns TIME,VOLTAGE,CURRENT by names, or positions from 0"
        )
    return called[0]


def _positions(path: Path, columns: Sequence[int]) -> Array:
    """Columns by their position; whatever parts the cells, and without regard to a header."""
    rows = rows_of(read_text(path), str(path))
    first = first_row(rows.rows)
    if first is None:
        raise TableError(f"{path}: has no rows of numbers")
    body = []
    for line, row in rows.rows[first:]:
        if max(columns) >= len(row):
            raise TableError(f"{path}:{line}: has {len(row)} columns; {max(columns)} is none of them, counted from 0")
        body.append((line, [row[k] for k in columns]))
    return samples(str(path), body, [f"column {k}" for k in columns])[0]
