"""The run in time of a raw file -> `Table`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spicebridge.errors import TableError
from spicebridge.tables.raw.file import RawPlot, read_raw
from spicebridge.tables.table import Table

_UNITS = {"voltage": "V", "current": "A", "device_current": "A", "subckt_current": "A", "notype": None}


def read_raw_table(path: str | Path) -> Table:
    """The transient run of ngspice, Xyce or LTspice. Raises `TableError` and `RawFileError`."""
    plots = read_raw(path)
    runs = [plot for plot in plots if plot.names[:1] == ("time",)]
    if len(runs) != 1:
        found = ", ".join(plot.plotname or "?" for plot in plots)
        which = "no run in time" if not runs else f"{len(runs)} runs in time"
        raise TableError(f"{path}: holds {which} (plots: {found}); save one transient analysis")
    [plot] = runs
    if "stepped" in plot.flags or _goes_back(plot):
        raise TableError(f"{path}: holds several runs (.step) one behind the other; save a run without .step")
    if plot.data.dtype.kind == "c":
        raise TableError(f"{path}: holds complex numbers; save a transient analysis")
    notes = [] if plot.consistent else [f"the file was cut: {plot.actual_points} of {plot.declared_points} points"]
    # a simulator may write a time twice where it stopped for an event; the later sample holds
    t = plot.data[:, 0]
    kept = np.append(np.diff(t) > 0, True)
    names = [name or f"column {k}" for k, name in enumerate(plot.names)]
    columns = {name: np.array(plot.data[kept, k]) for k, name in enumerate(names) if k}
    units = {name: _UNITS.get(plot.units[k].lower()) for k, name in enumerate(names) if k}
    return Table(source=str(path), t=np.array(t[kept]), columns=columns, units=units, notes=tuple(notes))


def _goes_back(plot: RawPlot) -> bool:
    return bool((np.diff(plot.data[:, 0].real) < 0).any())
