"""Any file of signals -> `Table`, by its suffix where that says a format, else as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spicebridge.errors import TableError
from spicebridge.tables.binary import read_mat, read_netcdf, read_npz
from spicebridge.tables.delimited import read_delimited
from spicebridge.tables.rawtable import read_raw_table
from spicebridge.tables.table import Table
from spicebridge.tables.text import read_text

READERS: dict[str, Callable[[Path], Table]] = {
    ".npz": read_npz,
    ".mat": read_mat,
    ".nc": read_netcdf,
    ".raw": read_raw_table,
}
"""Suffix -> reader; every other file is text (csv, txt, tsv, prn, data of ``wrdata``)."""


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
