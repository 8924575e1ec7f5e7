"""Raw files of the SPICE family: bytes -> plots.

A raw file is one or more plots, each a text header and a table of n_points rows by n_variables
columns, as little-endian doubles ("Binary:") or as text ("Values:"). LTspice writes the header in UTF-16 and, unless
told otherwise, all but the time as singles. The header is written before
the data and is often wrong afterwards: a killed run declares no points over thousands of rows.
Therefore the rows are counted from the data, and both numbers are reported.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spicebridge.errors import RawFileError
from spicebridge.tables.raw_header import (
    RawHeader,
    find_header,
    is_wide,
    parse_header,
    parse_wide_header,
    starts_header,
)

MMAP_THRESHOLD = 8 * 1024 * 1024
"""Files of at least this many bytes are memory-mapped, smaller ones are loaded."""

_Buffer = bytes | mmap.mmap


@dataclass(frozen=True, eq=False, kw_only=True)
class RawPlot:
    """One plot of a raw file.

    title, plotname   free text of the header
    flags             lower case, such as ("real",) or ("complex", "unpadded")
    names, units      (n_vars,) lower-case names (may be empty or repeat) and the file's own words
                      for the quantity, such as "voltage"
    data              (n_points, n_vars) float64 or complex128 in the units of the simulator;
                      read-only and memory-mapped for large binary files. Where a variable is
                      shorter than the plot, the rest holds NaN if the file is unpadded (such a
                      plot is expanded to a full table), and the padding of the file otherwise
    lengths           (n_vars,) declared number of samples of each variable
    declared_points   what the header says
    actual_points     complete rows found
    trailing          bytes (binary) or numbers (text) of an incomplete row after the last one
    """

    title: str
    plotname: str
    flags: tuple[str, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]
    data: np.ndarray
    lengths: tuple[int, ...]
    declared_points: int
    actual_points: int
    trailing: int = 0

    @property
    def consistent(self) -> bool:
        """Whether the header tells the truth about the rows and no row is cut."""
        return self.declared_points == self.actual_points and self.trailing == 0


def read_raw(source: str | os.PathLike[str] | bytes) -> list[RawPlot]:
    """Read all plots of a raw file, given by its path or as its bytes.

    Memory is linear in the size of the file; binary files from `MMAP_THRESHOLD` up stay on disk
    as long as the arrays are alive. Raises RawFileError with the byte offset, and the line where
    there is one, if the content is not a raw file. A header that lies about the number of points
    and a cut last row are no errors but fields of the result.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return list(_plots(bytes(source), "raw data"))
    path = Path(source)
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size >= MMAP_THRESHOLD:
                buffer: _Buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            else:
                buffer = file.read()
    except OSError as error:
        raise RawFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    return list(_plots(buffer, str(path)))


def _plots(buffer: _Buffer, where: str) -> Iterator[RawPlot]:
    if len(buffer) == 0:
        raise RawFileError(f"{where}: byte 0: the file is empty, the simulator wrote no header")
    position = 0
    while position < len(buffer):
        wide = is_wide(buffer, position)
        header = (parse_wide_header if wide else parse_header)(buffer, position, where)
        if wide and not header.binary:
            buffer, position = bytes(buffer[position:]).decode("utf-16", "replace").lstrip("\ufeff").encode(), 0
            header = replace(parse_header(buffer, position, where), ltspice=True)
        read = _text if not header.binary else _ltspice if header.ltspice else _binary
        plot, position = read(buffer, header, where)
        yield plot
        while position < len(buffer) and buffer[position : position + 1].isspace():
            position += 1


def _binary(buffer: _Buffer, header: RawHeader, where: str) -> tuple[RawPlot, int]:
    dtype = np.dtype("<c16" if header.is_complex else "<f8")
    begin, end = header.data_start, len(buffer)
    announced = begin + header.stored_items * dtype.itemsize
    if announced < end and starts_header(buffer, announced):
        end = announced
    elif announced != end:
        end = find_header(buffer, begin, binary=True)
    items = (end - begin) // dtype.itemsize
    flat = np.frombuffer(buffer, dtype, items, begin) if items else np.empty(0, dtype)
    if isinstance(buffer, bytes):
        # The data start at any byte; a small copy buys alignment and frees the file's bytes.
        flat = flat.copy()
    table, used = _fold(flat, header.lengths, header.ragged)
    return _plot(header, table, end - begin - used * dtype.itemsize), end


def _ltspice(buffer: _Buffer, header: RawHeader, where: str) -> tuple[RawPlot, int]:
    """LTspice: real data have a double for the time (its sign marks compression) and singles behind it."""
    begin, end = header.data_start, len(buffer)
    n, size = len(header.names), end - begin
    if header.is_complex:
        widths = [16] * n
    else:
        mixed, doubles, singles = [8] + [4] * (n - 1), [8] * n, [4] * n
        choices = [doubles, mixed] if "double" in header.flags else [mixed, doubles, singles]
        widths = next((w for w in choices if sum(w) * header.points == size), choices[0])
    rows = size // sum(widths)
    table = np.empty((rows, n), dtype="<c16" if header.is_complex else "<f8")
    bytes_ = np.frombuffer(buffer, np.uint8, rows * sum(widths), begin)
    fast = "fastaccess" in header.flags
    start = 0
    for k, width in enumerate(widths):
        part = (
            bytes_[start * rows : (start + width) * rows]
            if fast
            else bytes_.reshape(rows, -1)[:, start : start + width]
        )
        kind = {16: "<c16", 8: "<f8", 4: "<f4"}[width]
        table[:, k] = np.ascontiguousarray(part).reshape(rows, width).view(kind)[:, 0]
        start += width
    if n and header.names[0] == "time":
        table[:, 0] = np.abs(table[:, 0])
    return _plot(header, table, size - rows * sum(widths)), end


def _text(buffer: _Buffer, header: RawHeader, where: str) -> tuple[RawPlot, int]:
    begin = header.data_start
    end = find_header(buffer, begin, binary=False)
    tokens = buffer[begin:end].replace(b",", b" ").split()
    try:
        numbers = np.fromiter(map(float, tokens), np.float64, len(tokens))
    except ValueError:
        raise _bad_number(buffer, begin, end, where) from None
    # Every row starts with its index: one more column, which all rows have.
    parts = 2 if header.is_complex else 1
    lengths = (header.points, *(n for n in header.lengths for _ in range(parts)))
    widened, used = _fold(numbers, lengths, header.ragged)
    wrong = np.flatnonzero(widened[:, 0] != np.arange(len(widened)))
    if wrong.size:
        row = int(wrong[0])
        raise RawFileError(
            f"{where}: data from byte {begin}: row {row} carries the index "
            f"{widened[row, 0]:g}; a value is missing or extra before it"
        )
    values = np.ascontiguousarray(widened[:, 1:])
    table = values.view(np.complex128) if header.is_complex else values
    return _plot(header, table, numbers.size - used), end


def _bad_number(buffer: _Buffer, begin: int, end: int, where: str) -> RawFileError:
    at, shown = begin, b""
    for match in re.compile(rb"[^\s,]+").finditer(buffer, begin, end):
        at, shown = match.start(), match[0]
        try:
            float(shown)
        except ValueError:
            break
    line = 1 + buffer[:at].count(b"\n")
    text = shown[:40].decode("ascii", "replace")
    return RawFileError(f"{where}: byte {at}, line {line}: {text!r} is not a number")


def _fold(flat: np.ndarray, lengths: tuple[int, ...], ragged: bool) -> tuple[np.ndarray, int]:
    """Cut a stream of items into complete rows; returns the table and the number of items used.

    In a ragged table column k is present in the first lengths[k] rows only.
    """
    width = len(lengths)
    if not ragged:
        rows = flat.size // width
        return flat[: rows * width].reshape(rows, width), rows * width
    blocks: list[np.ndarray] = [np.empty((0, width), flat.dtype)]
    used = row = 0
    for until in sorted(set(lengths) - {0}):
        present = [k for k, length in enumerate(lengths) if length > row]
        rows = min(until - row, (flat.size - used) // len(present))
        items = rows * len(present)
        block = np.full((rows, width), np.nan, flat.dtype)
        block[:, present] = flat[used : used + items].reshape(rows, len(present))
        blocks.append(block)
        used += items
        row += rows
        if row < until:
            break
    return np.concatenate(blocks), used


def _plot(header: RawHeader, table: np.ndarray, trailing: int) -> RawPlot:
    table.flags.writeable = False
    return RawPlot(
        title=header.title,
        plotname=header.plotname,
        flags=header.flags,
        names=header.names,
        units=header.units,
        data=table,
        lengths=header.lengths,
        declared_points=header.points,
        actual_points=table.shape[0],
        trailing=trailing,
    )
