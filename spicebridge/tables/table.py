"""A table of signals over time, whatever wrote it: named columns in SI units on one time axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import TableError, nearest


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """`t` (n_t,) in s, increasing; `columns` {name: (n_t,)} in SI units, NaN where nothing was recorded.

    `units` {name: "V", "A", "1", …}, None for a column whose file says none; `t_unit` likewise (None: taken as s).
    `notes` say what was left out. Raises `TableError` for times that do not increase.
    """

    source: str
    t: Array
    columns: Mapping[str, Array]
    units: Mapping[str, str | None] = field(default_factory=dict)
    t_unit: str | None = "s"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        late = np.flatnonzero(~(np.diff(self.t) > 0))
        if late.size:
            a, b = self.t[int(late[0]) : int(late[0]) + 2].tolist()
            why = "is written with too few digits" if a == b else "goes back"
            raise TableError(f"{self.source}: time must increase, but {b:.9g} s follows {a:.9g} s; it {why}")

    def find(self, name: str) -> str:
        """The column called `name`; case and blanks do not matter where that is unique. Raises `TableError`."""
        if name in self.columns:
            return name
        plain = _plain(name)
        found = [column for column in self.columns if _plain(column) == plain]
        if len(found) == 1:
            return found[0]
        known = ", ".join(self.columns)
        if found:
            raise TableError(f"{self.source}: {name!r} may be {' or '.join(map(repr, found))}; write it exactly")
        raise TableError(f"{self.source}: no column {name!r}; it has {known}{nearest(name, self.columns)}")

    def with_note(self, note: str) -> Table:
        """The same table with one more note."""
        return replace(self, notes=(*self.notes, note))


def _plain(name: str) -> str:
    return "".join(name.split()).lower()
