"""What many instruments put above the samples: rows of a word and its values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import TableError
from spicebridge.quantities import parse_quantity
from spicebridge.tables.delimited import first_row, samples, table_of
from spicebridge.tables.table import Table
from spicebridge.tables.text import number, rows_of


@dataclass(frozen=True)
class Parted:
    """`meta` {lower-case word: its cells}, `head` the rows above the samples, `body` the samples; (line, cells)."""

    source: str
    meta: dict[str, list[str]]
    head: list[tuple[int, list[str]]]
    body: list[tuple[int, list[str]]]

    def cells(self, *words: str) -> list[str]:
        """The cells behind the first of `words` that the preamble has."""
        return next((self.meta[word] for word in words if word in self.meta), [])

    def first(self, *words: str) -> str:
        """The first of them that is not empty, or nothing."""
        return next((cell for cell in self.cells(*words) if cell), "")

    def value(self, word: str) -> float:
        """A number of the preamble. Raises `TableError`."""
        cell = self.first(word)
        if not cell:
            raise TableError(f"{self.source}: the preamble has no {word!r}; save the file with its preamble")
        value = number(cell)
        return parse_quantity(cell, what=f"{self.source}: {word}", unit=None) if value is None else value

    @property
    def filled(self) -> Parted:
        """Without empty cells beside the samples."""
        return replace(self, body=[(n, [cell for cell in row if cell.strip()]) for n, row in self.body])

    def columns(self, first: int, count: int) -> Parted:
        """With `count` columns of the samples, from `first` on."""
        return replace(self, body=[(n, row[first : first + count]) for n, row in self.body])

    def check_index(self, what: str) -> None:
        """Raise `TableError` unless the first column, called `what`, counts the samples."""
        if [number(row[0]) for _, row in self.body] != list(range(len(self.body))):
            raise TableError(
                f"{self.source}: {what} must count the samples from 0; rows are missing or in another order"
            )


def part(text: str, source: str, *, comments: bool = True) -> Parted:
    """Part a file into preamble and samples, which begin where rows begin with numbers."""
    rows = rows_of(text, source, comments=comments)
    found = first_row(rows.rows)
    first = len(rows.rows) if found is None else found
    head = list(rows.rows[:first])
    meta: dict[str, list[str]] = {}
    for _, row in head:
        word = re.sub(r"[\s:=]+\Z", "", row[0].strip()).lower()
        meta.setdefault(word, [cell.strip() for cell in row[1:]])
    return Parted(source, meta, head, list(rows.rows[first:]))


def evenly(
    parted: Parted,
    start: float,
    step: float,
    names: list[str],
    units: Sequence[str | None],
    count: float | None = None,
) -> Table:
    """A table of samples that have no time of their own: t = start + k step (s); there must be `count` of them.

    One less is taken as well: the last row of a file that was cut is left out.
    """
    source = parted.source
    if count is not None and len(parted.body) not in (int(count), int(count) - 1):
        raise TableError(
            f"{source}: holds {len(parted.body)} samples, its preamble says {int(count)}; without a time beside them "
            "nobody knows which are missing"
        )
    if not (np.isfinite(start) and np.isfinite(step) and step > 0.0):
        raise TableError(f"{source}: the interval between samples, {step:g} s, must be positive")
    data, over = samples(source, parted.body, names)
    return with_times(source, start + step * np.arange(len(data), dtype=float), data, names, units, over)


def with_times(
    source: str, t: Array, data: Array, names: list[str], units: Sequence[str | None], over: int = 0
) -> Table:
    """A table of columns `names` with units as written, at times `t` in s."""
    return table_of(source, ["time", *names], ["s", *units], np.column_stack([t, data]), over)
