"""Arrays that people keep: .npz, MATLAB's .mat and netCDF -> `Table`.

A one-dimensional array is a column of its name, a two-dimensional one (n_t, n) is columns ``name[0]``, ``name[1]``, …
or, where `labels` stand beside it, ``name[label]``.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import TableError
from spicebridge.tables.delimited import TIMES, unit_of_name
from spicebridge.tables.table import Table

_BESIDE = ("labels", "source", "units", "label", "state_unit", "edge", "provenance")


def read_npz(path: Path) -> Table:
    """A NumPy archive. Raises `TableError`."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except (OSError, EOFError, ValueError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise TableError(f"{path}: not a NumPy archive of arrays: {error}") from None
    return _table(path, arrays, labels=arrays.get("labels"), units=arrays.get("units"))


def read_mat(path: Path) -> Table:
    """A MATLAB file of version 7 or older. Raises `TableError`."""
    from scipy.io import loadmat

    try:
        data = loadmat(io.BytesIO(path.read_bytes()), squeeze_me=True)  # type: ignore[arg-type]
    except NotImplementedError:
        raise TableError(f"{path}: is a MATLAB 7.3 file; save it with -v7") from None
    except Exception as error:  # scipy has no common error for what is no MATLAB file
        raise TableError(f"{path}: not a MATLAB file: {error}") from None
    arrays = {name: value for name, value in data.items() if not name.startswith("__")}
    return _table(path, arrays, labels=arrays.get("labels"))


def read_netcdf(path: Path) -> Table:
    """A netCDF 3 file such as `Waveforms.save` writes. Raises `TableError`."""
    from scipy.io import netcdf_file

    try:
        with netcdf_file(path, "r", mmap=False) as file:
            arrays: dict[str, object] = {name: np.array(variable[:]) for name, variable in file.variables.items()}
    except (OSError, TypeError, ValueError, IndexError) as error:
        raise TableError(f"{path}: not a netCDF 3 file ({error}); xarray writes one with engine='scipy'") from None
    return _table(path, arrays, labels=_texts(arrays.get("label")), units=_texts(arrays.get("state_unit")))


def _texts(characters: Any) -> object:
    """netCDF 3 keeps texts as rows of characters."""
    if characters is None or characters.ndim < 2:
        return characters
    return np.array([b"".join(row.tolist()).decode("utf-8", "replace").rstrip("\0") for row in characters])


def _table(path: Path, arrays: Mapping[str, Any], labels: Any = None, units: Any = None) -> Table:
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
                f"{path}: {name} has shape {array.shape}; it must be ({t.size},) or ({t.size}, n) as the time; save {hint}"
            )
        parts = {name: array} if array.ndim == 1 else {f"{name}[{k}]": array[:, k] for k in range(array.shape[1])}
        if array.ndim == 2 and labels is not None and np.size(labels) == array.shape[1]:
            parts = {f"{name}[{label}]": array[:, k] for k, label in enumerate(np.ravel(labels).tolist())}
        for k, (column, values) in enumerate(parts.items()):
            columns[column] = values
            state = name == "state" and units is not None and np.size(units) == array.shape[-1] and array.ndim == 2
            known[column] = str(np.ravel(units)[k]) if state else unit_of_name(column)
    if not columns:
        raise TableError(f"{path}: has a time and nothing beside it")
    notes = (f"{', '.join(beside)}: single values are no signals and left out",) if beside else ()
    return Table(source=str(path), t=t, columns=columns, units=known, notes=notes)


def _floats(path: Path, name: str, value: object) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TableError(f"{path}: {name} holds {array.dtype}, not real numbers")
    return np.array(array, dtype=float)
