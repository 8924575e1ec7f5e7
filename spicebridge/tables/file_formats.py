"""Any file of signals -> `Table`, by its suffix where that says a format, else as text.

In .npz, MATLAB's .mat and netCDF a one-dimensional array is a column of its name, a two-dimensional one (n_t, n) is
columns ``name[0]``, ``name[1]``, … or, where `labels` stand beside it, ``name[label]``.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import TableError
from spicebridge.tables.delimited import TIMES, read_delimited, unit_of_name
from spicebridge.tables.raw_file import read_raw
from spicebridge.tables.table import Table
from spicebridge.tables.text import read_text

_BESIDE = ("labels", "source", "units", "label", "state_unit", "edge", "provenance")
_RAW_UNITS = {"voltage": "V", "current": "A", "device_current": "A", "subckt_current": "A", "notype": None}


def read_table(path: str | Path) -> Table:
    """Read named signals over time.

    Text tables (our CSV, exports of LTspice, ngspice's ``wrdata``, Xyce's .prn, anybody's with a header), .npz, .mat,
    .nc and .raw of ngspice, Xyce and LTspice. The time is the column called time; units behind the names are turned
    into SI. Raises `TableError`.
    """
    source = Path(path)
    if source.is_dir():
        raise TableError(f"{source}: is a folder; give a file")
    if not source.exists():
        raise TableError(f"{source}: cannot be read: No such file or directory")
    reader = READERS.get(source.suffix.lower())
    return reader(source) if reader else read_delimited(read_text(source), str(source))


def _read_npz(path: Path) -> Table:
    """A NumPy archive."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except (OSError, EOFError, ValueError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise TableError(f"{path}: not a NumPy archive of arrays: {error}") from None
    return _of_arrays(path, arrays, labels=arrays.get("labels"), units=arrays.get("units"))


def _read_mat(path: Path) -> Table:
    """A MATLAB file of version 7 or older."""
    from scipy.io import loadmat

    try:
        data = loadmat(io.BytesIO(path.read_bytes()), squeeze_me=True)  # type: ignore[arg-type]
    except NotImplementedError:
        raise TableError(f"{path}: is a MATLAB 7.3 file; save it with -v7") from None
    except Exception as error:  # scipy has no common error for what is no MATLAB file
        raise TableError(f"{path}: not a MATLAB file: {error}") from None
    arrays = {name: value for name, value in data.items() if not name.startswith("__")}
    return _of_arrays(path, arrays, labels=arrays.get("labels"))


def _read_netcdf(path: Path) -> Table:
    """A netCDF 3 file such as `Waveforms.save` writes."""
    from scipy.io import netcdf_file

    try:
        with netcdf_file(path, "r", mmap=False) as file:
            arrays: dict[str, np.ndarray] = {name: np.array(variable[:]) for name, variable in file.variables.items()}
    except (OSError, TypeError, ValueError, IndexError) as error:
        raise TableError(f"{path}: not a netCDF 3 file ({error}); xarray writes one with engine='scipy'") from None
    return _of_arrays(path, arrays, labels=_texts(arrays.get("label")), units=_texts(arrays.get("state_unit")))


def _texts(characters: np.ndarray | None) -> np.ndarray | None:
    """netCDF 3 keeps texts as rows of characters."""
    if characters is None or characters.ndim < 2:
        return characters
    return np.array([b"".join(row.tolist()).decode("utf-8", "replace").rstrip("\0") for row in characters])


def _of_arrays(
    path: Path, arrays: Mapping[str, ArrayLike], labels: ArrayLike | None = None, units: ArrayLike | None = None
) -> Table:
    times = [name for name in arrays if name.strip().lower() in TIMES]
    if len(times) != 1:
        raise TableError(f"{path}: needs one array called t or time; it has {', '.join(arrays) or 'none'}")
    t = _floats(path, times[0], arrays[times[0]])
    t = t.ravel() if t.size == 1 else t
    if t.ndim != 1 or t.size == 0:
        raise TableError(f"{path}: the time has shape {t.shape}; it must be (n_t,)")
    columns: dict[str, Array] = {}
    known: dict[str, str | None] = {}
    beside: list[str] = []
    for name, value in arrays.items():
        if name in (*times, *_BESIDE):
            continue
        if np.size(value) == 1 and t.size > 1:
            beside.append(name)
            continue
        array = _floats(path, name, value)
        if array.ndim not in (1, 2) or array.shape[0] != t.size:
            hint = "its transpose" if array.ndim == 2 and array.shape[1] == t.size else "the signals alone"
            raise TableError(
                f"{path}: {name} has shape {array.shape}; it must be ({t.size},) or ({t.size}, n) as the time; "
                f"save {hint}"
            )
        parts = {name: array} if array.ndim == 1 else {f"{name}[{k}]": array[:, k] for k in range(array.shape[1])}
        if array.ndim == 2 and labels is not None and np.size(labels) == array.shape[1]:
            parts = {f"{name}[{label}]": array[:, k] for k, label in enumerate(np.ravel(labels).tolist())}
        for k, (column, values) in enumerate(parts.items()):
            columns[column] = values
            known[column] = unit_of_name(column)
            if name == "state" and array.ndim == 2 and units is not None and np.size(units) == array.shape[1]:
                known[column] = str(np.ravel(units)[k])
    if not columns:
        raise TableError(f"{path}: has a time and nothing beside it")
    notes = (f"{', '.join(beside)}: single values are no signals and left out",) if beside else ()
    return Table(source=str(path), t=t, columns=columns, units=known, notes=notes)


def _floats(path: Path, name: str, value: object) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TableError(f"{path}: {name} holds {array.dtype}, not real numbers")
    return np.array(array, dtype=float)


def _read_raw(path: Path) -> Table:
    """The transient run of ngspice, Xyce or LTspice."""
    plots = read_raw(path)
    runs = [plot for plot in plots if plot.names[:1] == ("time",)]
    if len(runs) != 1:
        found = ", ".join(plot.plotname or "?" for plot in plots)
        which = "no run in time" if not runs else f"{len(runs)} runs in time"
        raise TableError(f"{path}: holds {which} (plots: {found}); save one transient analysis")
    [plot] = runs
    if "stepped" in plot.flags or (np.diff(plot.data[:, 0].real) < 0).any():
        raise TableError(f"{path}: holds several runs (.step) one behind the other; save a run without .step")
    if plot.data.dtype.kind == "c":
        raise TableError(f"{path}: holds complex numbers; save a transient analysis")
    notes = [] if plot.consistent else [f"the file was cut: {plot.actual_points} of {plot.declared_points} points"]
    # a simulator may write a time twice where it stopped for an event; the later sample holds
    t = plot.data[:, 0]
    kept = np.append(np.diff(t) > 0, True)
    names = [name or f"column {k}" for k, name in enumerate(plot.names)]
    columns = {name: np.array(plot.data[kept, k]) for k, name in enumerate(names) if k}
    units = {name: _RAW_UNITS.get(plot.units[k].lower()) for k, name in enumerate(names) if k}
    return Table(source=str(path), t=np.array(t[kept]), columns=columns, units=units, notes=tuple(notes))


READERS: dict[str, Callable[[Path], Table]] = {
    ".npz": _read_npz,
    ".mat": _read_mat,
    ".nc": _read_netcdf,
    ".raw": _read_raw,
}
"""Suffix -> reader; every other file is text (csv, txt, tsv, prn, data of ``wrdata``)."""
