"""Text tables: our own CSV, what LTspice exports, ngspice's ``wrdata`` and Xyce's .prn, anybody's columns.

Columns are found by name, never by position. The time is the column called time (or t, or the only one in seconds).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import TableError
from spicebridge.tables.names import parse_heading, parse_unit, signal_of
from spicebridge.tables.table import Table
from spicebridge.tables.text import Rows, number, over_range, rows_of, sample

TIMES = ("t", "time", "times", "zeit", "temps", "tempo", "tiempo", "seconds", "second", "sec", "time base", "timebase")
_INDEX = ("index", "sample", "samples", "sample number", "no", "no.", "nr", "n", "#", "point", "points", "row")
_SWEEPS = ("frequency", "freq", "freq.", "hz")
_STEPPED = re.compile(r"Step Information:", re.IGNORECASE)
_LAST_LINE = re.compile(r"End of Xyce", re.IGNORECASE)
_COMPLEX = re.compile(r"\([^()]*(dB|°|,)[^()]*\)|[-+.\deE]+,[-+.\deE]+\Z")
FEWEST = 2


def read_delimited(text: str, source: str) -> Table:
    """Read a text table. Raises `TableError` with file and line."""
    if _STEPPED.search(text):
        raise TableError(f"{source}: holds several runs (.step); export one run a file")
    rows = rows_of(text, source)
    body = [(n, row) for n, row in rows.rows if not _LAST_LINE.match(" ".join(row))]
    first = first_row(body)
    if first is None:
        raise TableError(f"{source}: needs a header with the names of its columns and rows of numbers under it")
    names, units = _header(rows, body[:first], len(body[first][1]))
    table, over = samples(source, body[first:], names)
    return table_of(source, names, units, table, over, [n for n, _ in body[first:]])


def first_row(body: Sequence[tuple[int, list[str]]]) -> int | None:
    """Where the numbers begin: at the first row that, like the two behind it, begins with one."""
    numeric = [number(row[0]) is not None for _, row in body]
    return next((k for k in range(len(body)) if all(numeric[k : k + 3])), None)


def _header(rows: Rows, above: list[tuple[int, list[str]]], width: int) -> tuple[list[str], list[str | None]]:
    """Names and units (as written) of the columns, from the rows above the numbers or the last comment."""
    if not above and rows.comments:
        fitting = [(n, rows_of(text.lstrip("#% \t"), rows.source, comments=False)) for n, text in rows.comments]
        above = [(n, found.rows[0][1]) for n, found in fitting if found.rows and len(found.rows[0][1]) == width]
    if not above:
        if rows.mark == " ":
            return [f"column {k}" for k in range(width)], [None] * width
        raise TableError(f"{rows.source}: needs a header with the names of its columns and rows of numbers under it")
    line, names = above[-1]
    if rows.mark == " " and len(names) != width:
        names = _joined(names, width)
    units: list[str | None] = [None] * len(names)
    if len(above) > 1 and _are_units(names) and len(above[-2][1]) >= len([c for c in names if c.strip()]):
        units = [cell.strip().strip("()[]") or None for cell in names]
        line, names = above[-2]
        names, units = list(names), [*units, *[None] * len(names)][: len(names)]
    while len(names) > 1 and not names[-1].strip() and len(names) > width - 1:
        names, units = names[:-1], units[:-1]
    try:
        parsed = [parse_heading(name) for name in names]
    except TableError as error:
        raise TableError(f"{rows.source}:{line}: {error}") from None
    found = [(name, unit if unit is not None else inside) for (name, inside), unit in zip(parsed, units, strict=True)]
    for (_, inside), unit in zip(parsed, units, strict=True):
        if inside and unit and parse_unit(inside) != parse_unit(unit):
            raise TableError(
                f"{rows.source}:{line}: a column is in {inside} by its name and in {unit} by the row of units"
            )
    return [name for name, _ in found], [unit for _, unit in found]


def _are_units(cells: list[str]) -> bool:
    """A row of units has at least two and nothing else."""
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and all(parse_unit(cell) is not None for cell in filled)


def _joined(words: list[str], width: int) -> list[str]:
    """Headings parted by blanks whose units stand apart: "t (s) w[0] (1)"."""
    names: list[str] = []
    for word in words:
        if names and re.fullmatch(r"[(\[][^()\[\]]*[)\]]", word):
            names[-1] += f" {word}"
        else:
            names.append(word)
    return names if len(names) == width else words


def samples(source: str, body: list[tuple[int, list[str]]], names: list[str]) -> tuple[Array, int]:
    """((n_rows, n_columns) with NaN for gaps, number of over-range samples)."""
    table, over = [], 0
    for line, row in body:
        cells = [sample(cell) for cell in row]
        while len(cells) > len(names) and cells[-1] is not None and math.isnan(cells[-1]):
            cells.pop()
        if len(cells) != len(names) or None in cells:
            text = ", ".join(row)
            if _COMPLEX.search(text) and "(" in text:
                raise TableError(
                    f"{source}:{line}: {text[:60]!r} is a complex number; an AC analysis is no run in time"
                )
            raise TableError(
                f"{source}:{line}: {text[:80]!r} must hold {len(names)} numbers or empty cells "
                f"({', '.join(names)}); decimal commas need semicolons or tabs between the cells"
            )
        over += sum(over_range(cell) for cell in row)
        table.append([math.nan if value is None else value for value in cells])
    return np.array(table, dtype=float).reshape(len(table), len(names)), over


def table_of(
    source: str,
    names: list[str],
    units: list[str | None],
    data: Array,
    over: int = 0,
    lines: Sequence[int] = (),
) -> Table:
    """A `Table` of columns as they stand in a file: the time is found by its name, units are turned into SI.

    `over` counts over-range samples, `lines` are those of the rows, for messages.
    """
    notes = [f"{over} over-range samples are left out"] if over else []
    data, time, dropped = _time(source, names, units, data)
    notes += dropped
    t_unit = units[time]
    t = data[:, time] * _scale(source, names[time], t_unit, "s")
    kept = np.isfinite(t)
    late = np.flatnonzero(~(np.diff(t[kept]) > 0))
    if late.size and lines:
        source = f"{source}:{np.array(lines)[kept][int(late[0]) + 1]}"
    columns: dict[str, Array] = {}
    known: dict[str, str | None] = {}
    for j, (name, unit) in enumerate(zip(names, units, strict=True)):
        if j == time or _plain(name) in _INDEX or _plain(name) in TIMES:
            if j != time and _plain(name) in _INDEX:
                notes.append(f"column {name!r} is an index and left out")
            continue
        if name in columns or not name:
            raise TableError(f"{source}: the header must name the time and different columns; {name!r} stands twice")
        found = parse_unit(unit) if unit else None
        columns[name] = (data[:, j] * (found[1] if found else 1.0))[kept]
        known[name] = found[0] if found else unit_of_name(name)
    if not columns:
        raise TableError(f"{source}: the header must name the time and at least one column more")
    _check_units(source, columns, known)
    unknown = t_unit is None and not all(unit_of_name(name) for name in columns)
    return Table(
        source=source, t=t[kept], columns=columns, units=known, t_unit=None if unknown else "s", notes=tuple(notes)
    )


def _check_units(source: str, columns: Mapping[str, Array], units: Mapping[str, str | None]) -> None:
    for name in columns:
        natural, written = unit_of_name(name), units[name]
        signal = signal_of(name)
        if natural and written and natural != written and not (signal and signal.kind == "w"):
            raise TableError(f"{source}: {name!r} is in {natural}, but its unit says {written}; correct the header")


def unit_of_name(name: str) -> str | None:
    """The unit that a name in the language of circuits has by itself: V(out) is in V, w[0] in 1."""
    signal = signal_of(name)
    if signal:
        return {"p": "V", "v": "V", "i": "A", "w": "1"}[signal.kind]
    simulator = re.match(r"([vV]|[iI][A-Za-z]?)\(.+\)\Z", name.strip())
    if simulator:
        return "V" if simulator[1].lower() == "v" else "A"
    return None


def _time(source: str, names: list[str], units: list[str | None], data: Array) -> tuple[Array, int, list[str]]:
    """(the data, the column of the time, notes)."""
    plain = [_plain(name) for name in names]
    called = [k for k, name in enumerate(plain) if name in TIMES]
    if len(called) > 1 and all(np.array_equal(data[:, k], data[:, called[0]], equal_nan=True) for k in called[1:]):
        called = called[:1]
    if len(called) > 1:
        raise TableError(
            f"{source}: columns {', '.join(repr(names[k]) for k in called)} are times of their own; save one time for "
            "all columns, or one file each"
        )
    if called:
        return data, called[0], []
    seconds = [k for k, unit in enumerate(units) if unit and (parse_unit(unit) or ("", 0.0))[0] == "s"]
    if len(seconds) == 1:
        return data, seconds[0], []
    if plain[:1] == ["column 0"]:
        steps = np.diff(data, axis=0)
        rising = [k for k in range(1, data.shape[1]) if (steps[:, k] > 0).all()]
        if rising and len(steps) > 1 and (data[:, 0] == np.arange(len(data))).all():
            raise TableError(
                f"{source}: the first column counts the rows, and {names[rising[0]]} rises as a time does; "
                "write a header that names them"
            )
        return data, 0, _same_times(names, data)
    if any(name in _SWEEPS for name in plain):
        raise TableError(f"{source}: is a sweep of the frequency; save a run in time")
    raise TableError(f"{source}: no column is called time among {', '.join(names)}; rename one to 'time' or 't (s)'")


def _same_times(names: list[str], data: Array) -> list[str]:
    """wrdata repeats the time in front of every vector: these columns get the name of a time, too."""
    again = [k for k in range(1, data.shape[1]) if np.array_equal(data[:, k], data[:, 0])]
    for k in again:
        names[k] = "time"
    return [f"no header: columns are called by their position, {', '.join(n for n in names[1:] if n != 'time')}"]


def _scale(source: str, name: str, unit: str | None, wanted: str) -> float:
    found = parse_unit(unit) if unit else None
    if unit and (found is None or found[0] != wanted):
        raise TableError(f"{source}: the column {name!r} is in {unit!r}, a time must be in s, ms, us or ns")
    return found[1] if found else 1.0


def _plain(name: str) -> str:
    return " ".join(name.split()).lower()
