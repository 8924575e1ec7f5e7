"""What many instruments put above the samples: rows of a word and its values."""

from __future__ import annotations

import re
from dataclasses import dataclass

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

    def cells(self, *words: str) -> list[str] | None:
        """The cells behind the first of `words` that the preamble has."""
        for word in words:
            if word in self.meta:
                return self.meta[word]
        return None

    def value(self, word: str, unit: str | None = None) -> float:
        """A number of the preamble. Raises `TableError`."""
        found = self.cells(word)
        cell = next((c for c in found or () if c), None)
        if cell is None:
            raise TableError(f"{self.source}: the preamble has no {word!r}; save the file with its preamble")
        value = number(cell)
        return parse_quantity(cell, what=f"{self.source}: {word}", unit=unit) if value is None else value


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
    source: str,
    start: float,
    step: float,
    names: list[str],
    units: list[str | None],
    parted: Parted,
    count: float | None = None,
) -> Table:
    """A table of samples that have no time of their own: t = start + k step (s); there must be `count` of them.

    One less is taken as well: the last row of a file that was cut is left out.
    """
    if count is not None and len(parted.body) not in (int(count), int(count) - 1):
        raise TableError(
            f"{source}: holds {len(parted.body)} samples, its preamble says {int(count)}; without a time beside them "
            "nobody knows which are missing"
        )
    if not (np.isfinite(start) and np.isfinite(step) and step > 0.0):
        raise TableError(f"{source}: the interval between samples, {step:g} s, must be positive")
    data, over = samples(source, parted.body, names)
    return with_times(source, start + step * np.arange(len(data), dtype=float), data, names, units, over)


def with_times(source: str, t: Array, data: Array, names: list[str], units: list[str | None], over: int = 0) -> Table:
    """A table of columns `names` with units as written, at times `t` in s."""
    named: list[str] = ["time", *names]
    written: list[str | None] = ["s", *units]
    return table_of(source, named, written, np.column_stack([t, data]), over)
