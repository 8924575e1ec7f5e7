"""Finished points on disk: a folder with one Parquet file a point, each whole or not there at all.

    <name>.campaign/campaign.json            what the folder is
    <name>.campaign/points/<key>.parquet     a point with a verdict: one row
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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spicebridge.campaign.axes import as_number, canonical, format_value
from spicebridge.campaign.plan import Campaign, Point
from spicebridge.campaign.point import Done, Row
from spicebridge.errors import CampaignError, OutputError
from spicebridge.waveforms import replacing

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "spicebridge.campaign/1"
MARK, POINTS, WAVEFORMS = "campaign.json", "points", "waveforms"
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


def arrow() -> Any:
    """The module pyarrow. Raises `CampaignError` where it is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise CampaignError(
            "campaigns are stored with pyarrow, which is missing; pip install 'spicebridge-memristor[campaign]'"
        ) from None
    return pyarrow


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
        _write_text(self.folder / MARK, json.dumps(content, indent=1) + "\n")

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
        others = sorted(entry.name for entry in self.folder.iterdir() if entry.name != "lock")
        if others:
            raise OutputError(f"{self.folder}: holds {others[0]!r} and no campaign; name an empty or a new folder")

    def stored(self) -> tuple[frozenset[str], frozenset[str]]:
        """Keys of the points with a verdict, and of the failed ones."""
        try:
            names = os.listdir(self.points)
        except FileNotFoundError:
            return frozenset(), frozenset()
        names = [name for name in names if not name.startswith(".")]
        failed = {name.removesuffix(FAILED) for name in names if name.endswith(FAILED)}
        done = {name.removesuffix(DONE) for name in names if name.endswith(DONE) and not name.endswith(FAILED)}
        return frozenset(done), frozenset(failed - done)

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
        _sync(self.points)
        if not failed:
            (self.points / f"{point.key}{FAILED}").unlink(missing_ok=True)
        return row

    def read(self, keys: Iterable[str] | None = None) -> dict[str, Row]:
        """Rows by key; all of them, or those among `keys` that are stored. Raises `CampaignError`."""
        done, failed = self.stored()
        wanted = done | failed if keys is None else set(keys)
        names = {key: f"{key}{DONE}" for key in done & wanted} | {key: f"{key}{FAILED}" for key in failed & wanted}
        return {key: self._row(self.points / names[key]) for key in sorted(names)}

    def _row(self, path: Path) -> Row:
        pyarrow = arrow()
        try:
            rows: list[Row] = pyarrow.parquet.ParquetFile(path).read().to_pylist()
        except (OSError, pyarrow.ArrowException) as error:
            raise _damaged(path, str(error)) from None
        if len(rows) != 1:
            raise _damaged(path, f"{len(rows)} rows")
        return rows[0]


def _damaged(path: Path, why: str) -> CampaignError:
    return CampaignError(f"{path}: is damaged ({why.splitlines()[0]}); remove the file, and the point will run again")


def axis_kinds(campaign: Campaign) -> dict[str, str]:
    """ "double" for an axis whose values are all numbers, "string" for any other."""
    kinds = {}
    for axis in campaign.axes:
        for j, key in enumerate(axis.keys):
            numeric = all(as_number(place[j]) is not None for place in axis.places)
            kinds[key] = "double" if numeric else "string"
    return kinds


def axis_cell(value: Any, kind: str) -> Any:
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
    pyarrow = arrow()
    coordinates = json.loads(row["coordinates"])
    cells = dict(row) | {key: axis_cell(coordinates[key], kind) for key, kind in kinds.items()}
    fields = [(name, _type(kind, pyarrow)) for name, kind in _types(kinds).items()]
    table = pyarrow.Table.from_pylist([cells], schema=pyarrow.schema(fields))
    # a dictionary and statistics for a single row would cost more than the row
    pyarrow.parquet.write_table(table, path, use_dictionary=False, write_statistics=False)
    _sync(path)


def _types(kinds: Mapping[str, str]) -> dict[str, str]:
    return COLUMNS | dict(kinds)


def _type(kind: str, pyarrow: Any) -> pa.DataType:
    names = {"double": pyarrow.float64(), "string": pyarrow.string(), "int64": pyarrow.int64()}
    return names[kind] if kind in names else pyarrow.list_(pyarrow.float64())


def _sync(path: Path) -> None:
    """Wait until the disk has it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def column_names(kinds: Mapping[str, str]) -> Sequence[str]:
    """The axes first, then the results."""
    return [*kinds, *(name for name in COLUMNS if name not in kinds)]
