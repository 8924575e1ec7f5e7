"""Where the results of a batch go: nowhere, one folder for one case, or a folder with one per case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from spicebridge.batch.cases import Entry
from spicebridge.errors import OutputError
from spicebridge.report.writer import check_collection, check_folder, write_index, write_report

PAGE = "report.html"


class Results:
    """Keeps entries as they come; use it as a context, which writes the index of what was finished.

    `folder` None keeps nothing. `single`: the folder itself is the report of the one case; otherwise
    every case has a folder of its own in it. Raises `OutputError` before any run.
    """

    def __init__(self, folder: str | Path | None, *, single: bool) -> None:
        self.folder = None if folder is None else Path(folder)
        self.single = single
        self.rows: list[dict[str, Any]] = []
        if self.folder is not None:
            (check_folder if single else check_collection)(self.folder)

    @property
    def page(self) -> Path | None:
        """The page to open first, if anything was written."""
        written = any(row["report"] for row in self.rows)
        if self.folder is None or not written:
            return None
        return self.folder / (PAGE if self.single else "index.html")

    def keep(self, entry: Entry) -> Entry:
        """Write the report of an entry and add its row: its record and "report", the page's place.

        Returns the entry, or one with the error if the report could not be written.
        """
        place = None
        if self.folder is not None and entry.report is not None:
            try:
                write_report(self.folder if self.single else self.folder / entry.job.name, entry.report)
                place = PAGE if self.single else f"{entry.job.name}/{PAGE}"
            except OutputError as error:
                entry = replace(entry, report=None, error=error)
        self.rows.append(entry.record() | {"report": place})
        return entry

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.folder is not None and not self.single and self.page is not None:
            write_index(self.folder, self.rows)
