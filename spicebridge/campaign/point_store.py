"""Finished points on disk: a folder of Parquet files, each whole or not there at all.

    <name>.campaign/campaign.json            what the folder is
    <name>.campaign/points/<key>.parquet     a point with a verdict, as it is stored: one row
    <name>.campaign/points/part-<n>.parquet  many of them, put together (see ``parquet_parts``)
    <name>.campaign/points/<key>.failed.parquet   a point that could not be judged, with its reason
    <name>.campaign/waveforms/<key>.npz      where asked for

Pandas, Polars, DuckDB and Arrow read ``points`` as one table. The key is the hash of the resolved case, so
that a file is never about another case than its name says, and two files never about the same one. The columns
are `COLUMNS` and one for every axis: numbers where all its values are, text otherwise.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from spicebridge.campaign import parquet_parts
from spicebridge.campaign.axes import as_number, canonical, format_value
from spicebridge.campaign.campaign_plan import Campaign, Point
from spicebridge.campaign.point import Done, Row
from spicebridge.errors import CampaignError, OutputError
from spicebridge.locks import locked
from spicebridge.waveforms import replacing

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "spicebridge.campaign/1"
MARK, POINTS, WAVEFORMS, LOCK = "campaign.json", "points", "waveforms", "lock"
DONE, FAILED = ".parquet", ".failed.parquet"

COLUMNS = {
    "key": "string",
    "status": "string",
    "outcome": "string",
    "max_error": "double",
    "uncertainty": "double",
    "accepted": "double",
    "observed_order": "double",
    "theory_uncertainty": "double",
    "reason": "string",
    "worst_edge": "string",
    "worst_time": "double",
    "kcl_residual": "double",
    "kvl_residual": "double",
    "device_residual": "double",
    "tellegen_residual": "double",
    "lowest_state": "double",
    "highest_state": "double",
    "nodes": "int64",
    "edges": "int64",
    "finest_step": "double",
    "wall_time": "double",
    "simulator_time": "double",
    "simulator_runs": "int64",
    "expected": "string",
    "simulator": "string",
    "simulator_version": "string",
    "deck_form": "string",
    "theory_method": "string",
    "spicebridge": "string",
    "worker": "string",
    "started": "string",
    "failure": "string",
    "error": "string",
    "log": "string",
    "coordinates": "string",
    "case": "string",
    "final_state": "list",
}
"""Name and type of the columns that every file has. Times in s; NaN is stored as null."""


@dataclass(frozen=True)
class Store:
    """The results of one campaign in a folder. Writing is for the holder of its lock."""

    folder: Path

    @property
    def points(self) -> Path:
        return self.folder / POINTS

    def prepare(self, campaign: Campaign) -> None:
        """Make the folder, or accept it if a campaign made it. Raises `OutputError`."""
        self.check()
        try:
            self.points.mkdir(parents=True, exist_ok=True)
            for left in self.points.glob(".*.partial"):
                left.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.folder}: cannot hold a campaign: {error.strerror or error}; name another folder"
            ) from None
        content = {
            "format": FORMAT,
            "title": campaign.title,
            "file": campaign.path.name,
            "points": len(campaign),
            "text": campaign.text,
        }
        with replacing(self.folder / MARK) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")

    def check(self) -> None:
        """Refuse a folder that holds anything but a campaign."""
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise OutputError(f"{self.folder}: is a file; name a folder for the results")
        mark = self.folder / MARK
        if mark.exists():
            try:
                found = json.loads(mark.read_text(encoding="utf-8")).get("format")
            except (OSError, ValueError, AttributeError):
                found = None
            if found == FORMAT:
                return
            raise OutputError(f"{mark}: is none of this program's; name another folder for the results")
        others = sorted(entry.name for entry in self.folder.iterdir() if entry.name != LOCK)
        if others:
            raise OutputError(f"{self.folder}: holds {others[0]!r} and no campaign; name an empty or a new folder")

    def alone(self) -> AbstractContextManager[None]:
        """Hold the folder. Raises `CampaignError` with process, machine and start of whoever holds it."""

        def refusal(holder: str) -> CampaignError:
            return CampaignError(
                f"{self.folder}: {holder} runs this campaign; wait for its end, or name another folder"
            )

        return locked(self.folder / LOCK, refusal, named=True)

    def _files(self) -> tuple[list[Path], list[Path]]:
        """Files of one point each: the failed ones, and those with a verdict."""
        names = sorted(os.listdir(self.points)) if self.points.is_dir() else []
        single = [name for name in names if name.endswith(DONE) and not name.startswith((".", parquet_parts.PREFIX))]
        failed, done = ([self.points / n for n in single if n.endswith(FAILED) is wrong] for wrong in (True, False))
        return failed, done

    def stored(self) -> tuple[frozenset[str], frozenset[str]]:
        """Keys of the points with a verdict, and of the failed ones."""
        failed, done = self._files()
        keys = {path.name.removesuffix(DONE) for path in done}
        keys.update(*(parquet_parts.keys(part) for part in parquet_parts.of(self.points)))
        return frozenset(keys), frozenset({path.name.removesuffix(FAILED) for path in failed} - keys)

    def save(self, point: Point, done: Done, kinds: Mapping[str, str]) -> Row:
        """Write one point and return its row; `kinds` are the types of the axes. Raises `OutputError`."""
        row = _row(point, done.row)
        if done.waveforms is not None:
            place = self.folder / WAVEFORMS
            place.mkdir(exist_ok=True)
            done.waveforms.save(place / f"{point.key}.npz")
        failed = row["status"] != "done"
        target = self.points / f"{point.key}{FAILED if failed else DONE}"
        with replacing(target) as temporary:
            _write(temporary, row, kinds)
        parquet_parts.sync(self.points)
        if not failed:
            (self.points / f"{point.key}{FAILED}").unlink(missing_ok=True)
        return row

    def read(self, keys: Iterable[str] | None = None) -> dict[str, Row]:
        """Rows by key; all of them, or those among `keys` that are stored. Raises `CampaignError`."""
        wanted = None if keys is None else set(keys)
        found = {row["key"]: row for table in self.tables() for row in table.to_pylist()}
        return {key: found[key] for key in sorted(found) if wanted is None or key in wanted}

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """All rows, table after table: failed points, those put together, those on their own; a later row of a key
        replaces an earlier one. `columns` that a file lacks are left out. Raises `CampaignError`."""
        failed, done = self._files()
        yield from (parquet_parts.read(path, columns) for path in failed)
        for part in parquet_parts.of(self.points):
            yield from parquet_parts.groups(part, columns)
        yield from (parquet_parts.read(path, columns) for path in done)

    def compact(self, least: int = 1) -> None:
        """Put the points that stand on their own together into larger files, if there are at least so many."""
        _, done = self._files()
        if len(done) >= max(least, 1):
            parquet_parts.compact(self.points, done)


def axis_kinds(campaign: Campaign) -> dict[str, str]:
    """ "double" for an axis whose values are all numbers, "string" for any other."""
    kinds = {}
    for axis in campaign.axes:
        for j, key in enumerate(axis.keys):
            numeric = all(as_number(place[j]) is not None for place in axis.places)
            kinds[key] = "double" if numeric else "string"
    return kinds


def axis_cell(value: object, kind: str) -> object:
    """A coordinate as it is stored."""
    return as_number(value) if kind == "double" else format_value(value)


def _row(point: Point, found: Row) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | found
    for name, value in row.items():
        if isinstance(value, float) and not math.isfinite(value):
            row[name] = None
    row["coordinates"] = json.dumps(dict(point.coordinates))
    row["case"] = canonical({"case": point.case, "run": point.run})
    return row


def _write(path: Path, row: Row, kinds: Mapping[str, str]) -> None:
    pyarrow = parquet_parts.arrow()
    coordinates = json.loads(row["coordinates"])
    cells = dict(row) | {key: axis_cell(coordinates[key], kind) for key, kind in kinds.items()}
    fields = [(name, _type(kind, pyarrow)) for name, kind in (COLUMNS | dict(kinds)).items()]
    table = pyarrow.Table.from_pylist([cells], schema=pyarrow.schema(fields))
    # a dictionary and statistics for a single row would cost more than the row
    pyarrow.parquet.write_table(table, path, use_dictionary=False, write_statistics=False)
    parquet_parts.sync(path)


def _type(kind: str, pyarrow: ModuleType) -> pa.DataType:
    names = {"double": pyarrow.float64(), "string": pyarrow.string(), "int64": pyarrow.int64()}
    return names[kind] if kind in names else pyarrow.list_(pyarrow.float64())
