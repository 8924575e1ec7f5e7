"""Every layout is read rightly, and every mutant of it is read rightly or refused: no scale factor is ever wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spicebridge.errors import SpiceBridgeError
from spicebridge.lab.measure.measurement import Measurement, read_measurement
from spicebridge.lab.measure.oscilloscopes.scope_files import READERS
from tests.lab.scope_layouts import CH1, CH2, DT, LAYOUTS, Layout, T

BY_CONVENTION = ("ngspice wrdata", "NumPy", "MATLAB")
"""Files that have no units at all; theirs are given by hand."""


def read(folder: Path, layout: Layout, kind: str = "") -> Measurement:
    for name, content in layout.files.items():
        (folder / name).write_bytes(content)
    units = {"*": "V", "time": "s"} if kind in BY_CONVENTION else None
    return read_measurement(*(folder / name for name in layout.files), units=units)


def right(found: Measurement, layout: Layout) -> bool:
    """Whether times and values are those of the signals, gaps left aside."""
    columns = {name.lower(): values for name, values in found.values.items()}
    if (
        not {name.lower() for name in layout.columns} <= set(columns)
        or abs(np.median(np.diff(found.t)) - DT) > 1e-6 * DT
    ):
        return False
    first = np.round((found.t - layout.start) / DT).astype(int)
    if not np.allclose(layout.start + DT * first, found.t, atol=1e-6) or first.min() < 0 or first.max() >= T.size:
        return False
    for column, true in zip(layout.columns, (CH1, CH2), strict=False):
        values = columns[column.lower()]
        seen = np.isfinite(values)
        if seen.mean() < 0.9 or not np.allclose(values[seen], true[first][seen], atol=2e-6):
            return False
    return True


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_layout_is_read(tmp_path: Path, kind: str) -> None:
    layout = LAYOUTS[kind]()
    found = read(tmp_path, layout, kind)
    assert right(found, layout)
    lost = sum(int(np.isnan(values).sum()) for values in found.values.values())
    assert lost == (2 if "over range" in kind else 0)
    assert ("2 over-range samples are left out" in found.notes) == ("over range" in kind)
    assert set(layout.columns) == set(found.values)


def texts(change: Callable[[str], str]) -> Callable[[Layout], Layout]:
    def changed(layout: Layout) -> Layout:
        files = {}
        for name, content in layout.files.items():
            code = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
            try:
                text = content.decode(code)
            except UnicodeDecodeError:
                code, text = "latin-1", content.decode("latin-1")
            files[name] = change(text).encode(code if code != "latin-1" else "utf-8")
        return layout._replace(files=files)

    return changed


UNIT = r"(?:[munµkp]?(?:V|s|S|A)|Volts?|Second|second|nanoseconds)"
NUMERIC = re.compile(r"\s*[-+.\d]")


def head_only(change: Callable[[str], str]) -> Callable[[str], str]:
    """Change what stands above the samples."""

    def changed(text: str) -> str:
        rows = text.splitlines(keepends=True)
        first = next((k for k in range(len(rows)) if all(NUMERIC.match(r) for r in rows[k : k + 3])), len(rows))
        return change("".join(rows[:first])) + "".join(rows[first:])

    return changed


def without_row(word: str) -> Callable[[str], str]:
    return head_only(lambda head: re.sub(rf"(?mi)^[^\n]*\b{word}\b[^\n]*\n", "", head))


def with_index(text: str) -> str:
    rows = text.splitlines()
    first = next((k for k in range(len(rows)) if all(NUMERIC.match(r) for r in rows[k : k + 3])), 0)
    mark = next((c for c in ";\t," if c in rows[-1]), " ")
    head = [f"Index{mark}{row}" if k == first - 1 else row for k, row in enumerate(rows[:first])]
    return "\n".join(head + [f"{k}{mark}{row}" for k, row in enumerate(rows[first:])]) + "\n"


def with_commas(text: str) -> str:
    return re.sub(r"(\d)\.(\d)", r"\1,\2", text)


def as_semicolons(text: str) -> str:
    return re.sub(r"(\d)\.(\d)", r"\1,\2", text.replace(",", ";"))


def first_column_last(text: str) -> str:
    rows = [row.rstrip(",").split(",") for row in text.splitlines()]
    return "\n".join(",".join([*row[1:], row[0]]) for row in rows) + "\n"


MUTANTS: dict[str, Callable[[Layout], Layout]] = {
    "no units in brackets": texts(head_only(lambda head: re.sub(rf"\s*[(\[]{UNIT}[)\]]", "", head))),
    "no units behind 'in'": texts(head_only(lambda head: re.sub(rf" in {UNIT}\b", "", head))),
    "no row of units": texts(without_row("(Volt|Second|V|mV)")),
    "no vertical units": texts(without_row("(Vertical Units|YUnits|UNITS)")),
    "no horizontal units": texts(without_row("(Horizontal Units|XUnits|CLOCK|Time interval|Sampling Period)")),
    "no second row": texts(
        lambda text: "".join(text.splitlines(keepends=True)[:1] + text.splitlines(keepends=True)[2:])
    ),
    "no first row": texts(lambda text: "".join(text.splitlines(keepends=True)[1:])),
    "no preamble": texts(head_only(lambda head: "")),
    "an index column": texts(with_index),
    "decimal commas": texts(with_commas),
    "semicolons and decimal commas": texts(as_semicolons),
    "blanks around cells": texts(lambda text: text.replace(",", " , ")),
    "columns in another order": texts(first_column_last),
    "CRLF": texts(lambda text: text.replace("\n", "\r\n")),
    "quoted": texts(lambda text: "\n".join(",".join(f'"{c}"' for c in r.split(",")) for r in text.splitlines()) + "\n"),
    "cut in a row": texts(lambda text: text[: int(0.8 * len(text))]),
    "a word among the samples": texts(lambda text: re.sub(r"(?m)\A((?:.*\n){150})[^\n]*\n", r"\1half,a,row\n", text)),
    "rows missing": texts(lambda text: re.sub(r"(?m)\A((?:.*\n){120})(?:.*\n){20}", r"\1", text)),
    "upper case": texts(head_only(str.upper)),
    "lower case": texts(head_only(str.lower)),
    "other units by hand": texts(head_only(lambda head: head.replace("(V)", "(furlong)").replace("Volt", "Furlong"))),
}
UNTOLD = {("Rigol, t0 and tInc", "no second row"), ("Rigol, t0 and tInc", "rows missing")}
"""No time, no index and no count: that samples are missing nobody can tell; their scale is right all the same."""
TEXT_KINDS = [kind for kind in LAYOUTS if kind not in ("NumPy", "MATLAB")]


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_mutants_are_read_rightly_or_refused(tmp_path: Path, kind: str) -> None:
    wrong = []
    for name, mutate in MUTANTS.items():
        folder = tmp_path / re.sub(r"\W", "_", name)
        folder.mkdir()
        layout = mutate(LAYOUTS[kind]())
        try:
            found = read(folder, layout, kind)
        except SpiceBridgeError as error:
            assert len(str(error)) > 20
        else:
            if not right(found, layout):
                if (kind, name) in UNTOLD:
                    continue
                wrong.append((name, {c: float(np.nanmax(np.abs(v))) for c, v in found.values.items()}, found.t[:2]))
    assert not wrong


def test_every_reader_has_a_layout() -> None:
    texts_ = {k: next(iter(LAYOUTS[k]().files.values())).decode("latin-1") for k in TEXT_KINDS}
    for reader in READERS:
        assert any(reader.matches(text) for text in texts_.values()), reader.name


def test_units_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("time,CH1\n" + "\n".join(f"{1e3 * t},{1e3 * y}" for t, y in zip(T, CH1, strict=True)) + "\n")
    found = read_measurement(path, units={"time": "ms", "CH1": "mV"})
    np.testing.assert_allclose(found.t, T, rtol=1e-12)
    np.testing.assert_allclose(found.values["CH1"], CH1, rtol=1e-12)
    np.testing.assert_allclose(read_measurement(path, units={"*": "SI"}).t, 1e3 * T)


def test_files_with_other_times_are_joined_with_gaps(tmp_path: Path) -> None:
    for name, step in (("a", 1), ("b", 2)):
        rows = "\n".join(f"{t},{y}" for t, y in zip(T[::step], CH1[::step], strict=True))
        (tmp_path / f"{name}.csv").write_text(f"t (s),CH1 (V)\n{rows}\n")
    found = read_measurement(tmp_path / "a.csv", tmp_path / "b.csv")
    assert list(found.values) == ["CH1", "b:CH1"]
    assert np.isnan(found.values["b:CH1"]).sum() == T.size // 2
    assert "one trigger" in found.notes[-1]


def test_a_last_row_without_its_end_is_kept_where_it_is_whole(tmp_path: Path) -> None:
    layout = LAYOUTS["Keysight Infiniium"]()
    for cut, size in ((1, T.size), (4, T.size - 1)):
        files = {name: content[:-cut] for name, content in layout.files.items()}
        found = read(tmp_path, layout._replace(files=files))
        assert right(found, layout)
        assert abs(found.t.size - size) <= 1
