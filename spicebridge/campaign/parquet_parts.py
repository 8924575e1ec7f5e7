"""Many points in one Parquet file: row groups of points that were stored one by one.

A point is first a file of its own, so that a crash costs no finished one. From time to time those are written together,
sorted by what they are, into a new part; only when that is safe on the disk are they removed. A crash in between leaves
a row twice, with the same content, and the next compaction removes the copies. Parts are merged when they become many,
so that 1e5 points are a handful of files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from spicebridge.errors import CampaignError
from spicebridge.waveforms import replacing

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

PREFIX, SUFFIX = "part-", ".parquet"
LOOSE = 1000
"""Points on their own that are worth a part."""
MOST_PARTS = 8
"""Parts of one kind that are merged into one."""
ROWS = 10_000
"""Rows of a group."""


def arrow() -> ModuleType:
    """The module pyarrow. Raises `CampaignError` where it is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise CampaignError("campaigns are stored with pyarrow, which is missing; pip install pyarrow pandas") from None
    found: ModuleType = pyarrow
    return found


def of(folder: Path) -> list[Path]:
    """The parts in a folder, the oldest first."""
    return sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))


def keys(path: Path) -> list[str]:
    """Keys of the points in a part."""
    return [key for table in groups(path, ["key"]) for key in table.column("key").to_pylist()]


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The only row of a point on its own. Raises `CampaignError`."""
    (table,) = groups(path, columns) or [None]
    if table is None or table.num_rows != 1:
        raise damaged(path, f"{0 if table is None else table.num_rows} rows")
    return table


def groups(path: Path, columns: Sequence[str] | None = None) -> list[pa.Table]:
    """The row groups of a file, `columns` only where they are given and there. Raises `CampaignError`."""
    pyarrow = arrow()
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            wanted = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
            return [file.read_row_group(k, columns=wanted) for k in range(file.num_row_groups)]
    except (OSError, pyarrow.ArrowException) as error:
        raise damaged(path, str(error)) from None


def damaged(path: Path, why: str) -> CampaignError:
    """The error for a file that is no whole part or point."""
    what = "the point" if not path.name.startswith(PREFIX) else "its points"
    return CampaignError(f"{path}: is damaged ({why.splitlines()[0]}); remove the file, and {what} will run again")


def compact(folder: Path, single: Sequence[Path]) -> None:
    """Write the points on their own into parts, one for every set of columns, then remove them."""
    pyarrow = arrow()

    def by_columns(paths: Sequence[Path]) -> dict[pa.Schema, list[Path]]:
        alike: dict[pa.Schema, list[Path]] = {}
        for path in paths:
            alike.setdefault(pyarrow.parquet.read_schema(path), []).append(path)
        return alike

    for schema, paths in by_columns(single).items():
        _together(folder, schema, paths)
    for schema, paths in by_columns(of(folder)).items():
        if len(paths) > MOST_PARTS:
            _together(folder, schema, paths)


def _together(folder: Path, schema: pa.Schema, paths: Sequence[Path]) -> None:
    """One part of many files with the same columns, each key once."""
    pyarrow = arrow()
    number = 1 + max((int(path.stem.removeprefix(PREFIX)) for path in of(folder)), default=0)
    target = folder / f"{PREFIX}{number:06d}{SUFFIX}"
    seen: set[str] = set()
    with replacing(target) as temporary, pyarrow.parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for path in paths:
            for table in groups(path):
                fresh = [key not in seen for key in table.column("key").to_pylist()]
                seen.update(table.column("key").to_pylist())
                waiting.append(table if all(fresh) else table.filter(fresh))
            if sum(table.num_rows for table in waiting) >= ROWS:
                _write(writer, waiting)
        if waiting:
            _write(writer, waiting)
    sync(target)
    sync(folder)
    for path in paths:
        path.unlink(missing_ok=True)


def _write(writer: pq.ParquetWriter, waiting: list[pa.Table]) -> None:
    writer.write_table(arrow().concat_tables(waiting).combine_chunks(), row_group_size=ROWS)
    waiting.clear()


def sync(path: Path) -> None:
    """Wait until the disk has it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
