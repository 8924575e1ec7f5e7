"""Measured channels over one clock, and which signal of a circuit each of them shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.scope_files import read_oscilloscope
from spicebridge.network import Network
from spicebridge.tables import Signal, Table, edge_number, parse_signal, signal_of
from spicebridge.tables.names import parse_unit

__all__ = ["FEWEST", "Measurement", "Signal", "map_channels", "parse_signal", "read_measurement"]

FEWEST = 64
"""Samples below which noise cannot be told from signal."""
TIME = "time"
"""The word for the time among units that are given by hand."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """`t` (n_t,) in s by the instrument's clock, increasing; `values` {column: (n_t,)}, NaN where nothing came.

    `notes` say what was left out on the way.
    """

    t: Array
    values: Mapping[str, Array]
    notes: tuple[str, ...] = ()


def read_measurement(*paths: str | Path, units: Mapping[str, str] | None = None) -> Measurement:
    """Read what instruments saved, in s, V and A, on one time.

    Parameters
    ----------
    paths
        One file, or several of one acquisition, such as one a channel; they share their trigger.
    units
        {column: unit} for columns whose file says none, ``"time"`` for the time: ``{"time": "ms", "CH1": "V"}``; the
        key ``"*"`` speaks for all others.

    Raises
    ------
    TableError
        With file and line for what cannot be read, and for a column without a unit.
    """
    tables = [_with_units(read_oscilloscope(path), dict(units or {})) for path in paths]
    for table in tables:
        if table.t.size < FEWEST:
            raise TableError(f"{table.source}: {table.t.size} samples are too few; at least {FEWEST} are needed")
    return _merged(tables)


def _with_units(table: Table, given: dict[str, str]) -> Table:
    """Units by hand where the file has none. Raises `TableError` where one is missing still."""
    t, columns = table.t, dict(table.columns)
    if table.t_unit is None:
        t = t * _factor(table, TIME, given)[1]
    units = dict(table.units)
    for name, unit in table.units.items():
        if unit is None:
            units[name], factor = _factor(table, name, given)
            columns[name] = columns[name] * factor
    return replace(table, t=t, columns=columns, units=units, t_unit="s")


def _factor(table: Table, name: str, given: Mapping[str, str]) -> tuple[str, float]:
    text = given.get(name, given.get("*"))
    if text is None:
        raise TableError(
            f"{table.source}: the unit of {name!r} is nowhere in the file; write it behind the name, as in '{name} "
            f"({'ms' if name == TIME else 'mV'})', or give it with --units '{name}={'s' if name == TIME else 'V'}'"
        )
    if text == "SI":
        return ("s" if name == TIME else "V"), 1.0
    found = parse_unit(text)
    if found is None:
        raise TableError(f"unit {text!r} of {name!r} is not known; use s, V or A with p, n, u, m or k")
    return found


def _merged(tables: Sequence[Table]) -> Measurement:
    """One time for all: equal times are kept, others are joined, with gaps where a file has no sample."""
    notes = [note for table in tables for note in table.notes]
    named: dict[str, tuple[Table, str]] = {}
    for table in tables:
        for column in table.columns:
            name = column if column not in named else f"{Path(table.source).stem}:{column}"
            if name in named:
                raise TableError(f"{table.source}: column {column!r} stands in two files of one name; rename a file")
            named[name] = (table, column)
    t = tables[0].t
    step = float(np.median(np.diff(t)))
    if all(table.t.size == t.size and np.abs(table.t - t).max() < 1e-3 * step for table in tables):
        return Measurement(t, {name: table.columns[column] for name, (table, column) in named.items()}, tuple(notes))
    t = np.unique(np.concatenate([table.t for table in tables]))
    values = {}
    for name, (table, column) in named.items():
        values[name] = np.full(t.size, np.nan)
        values[name][np.searchsorted(t, table.t)] = table.columns[column]
    notes.append("the files have different times, which are taken to count from one trigger")
    return Measurement(t, values, tuple(notes))


def map_channels(
    measurement: Measurement, mapping: Mapping[str, str] | None, network: Network | None = None
) -> dict[str, Signal]:
    """Column -> signal: from `mapping`, else columns that are named after signals (of `network`). Raises `TableError`.

    Edges may be named by their labels, as in the files that `Waveforms.save` writes.
    """
    table = Table(source="the measurement", t=measurement.t, columns=measurement.values)
    if mapping:
        return {table.find(name): _resolved(parse_signal(text), network) for name, text in mapping.items()}
    found = {name: signal for name in measurement.values if (signal := signal_of(name))}
    nodes = {str(node) for node in network.nodes} if network is not None else None
    known = {
        name: _resolved(signal, network)
        for name, signal in found.items()
        # simulators save nodes that the network does not have
        if not (nodes is not None and name.strip()[:1] in "vV" and signal.kind == "p" and signal.name not in nodes)
        and not (signal.kind == "w" and network is not None and _memoryless(signal, network))
        and np.isfinite(measurement.values[name]).any()
    }
    if not known:
        raise TableError(
            f"no column of {', '.join(measurement.values)} is named after a signal (p[node], v[edge], i[edge], "
            "w[edge]); say which is which with --channels 'CH1=i[5]*82.5,CH2=p[1]'"
        )
    return known


def _resolved(signal: Signal, network: Network | None) -> Signal:
    if network is None or signal.kind == "p":
        return signal
    return replace(signal, name=str(edge_number(signal.name, network.edge_labels, network)))


def _memoryless(signal: Signal, network: Network) -> bool:
    return not network.stateful[edge_number(signal.name, network.edge_labels, network)]
