"""Bytes of a text file -> rows of cells: encodings, separators, decimal commas, signs of a value that is none."""

from __future__ import annotations

import codecs
import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

from spicebridge.errors import TableError

_DECIMAL = re.compile(r"\s*[-+]?\d*,\d*(?:[eE][-+]?\d+)?\s*\Z")
_THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2},\d{3}\s*\Z")
_COMMENT = ("#", "%")
_OVER_WORDS = """
    ∞ +∞ -∞ inf +inf -inf ovl +ovl -ovl ol ovr ovrng over overflow overrange underrange clip clipped 1.#inf -1.#inf
    **** ***** ******
"""
_OVER = frozenset(_OVER_WORDS.split()) | {"over range"}
"""What instruments write where the signal left the range; such a sample is lost."""
_GAP = frozenset(["", "nan", "n/a", "#n/a", "na", "null", "none", "-", "--", "---", "1.#qnan", "-1.#ind"])
INVALID = 9.9e36
"""Keysight and others write 9.9E+37 for a sample that is none."""

_SCOPE = "an oscilloscope's own binary format; save the record as CSV there"
STRANGERS = tuple(
    (re.compile(mark, re.IGNORECASE), what)
    for mark, what in (
        (rb"\x1f\x8b", "compressed (gzip); unpack it"),
        (rb"PK\x03\x04", "a workbook or an archive; save the sheet as CSV, or unpack it"),
        (rb"\xd0\xcf\x11\xe0", "a workbook; save the sheet as CSV"),
        (rb"\x89HDF", "HDF5; save it as netCDF 3, .mat of version 7, .npz or CSV"),
        (rb"PAR1", "Parquet; save it as CSV or .npz"),
        (rb"\x93NUMPY", "one array without names; save times and states together as .npz"),
        (rb"%PDF|\x89PNG|\xff\xd8\xff", "a picture; save the numbers as CSV"),
        (rb"\s*<Qucs", "a dataset of Qucs; export the diagram as CSV, or save ngspice's own .raw"),
        (rb"\s*<(?:!doctype|html|\?xml)", "a page of the web or XML; save the numbers as CSV"),
        (rb"\s*[{\[]\s*[\"{\[]", "JSON; save the numbers as CSV"),
        (rb"\s*\$(?:date|version|timescale|comment)\b", "VCD, digital signals; save voltages as CSV"),
        (rb"(?:\s*![^\n]*\n)*\s*#\s*[kMG]?Hz\s+[SYZHG]\b", "Touchstone, over frequency; signals over time are wanted"),
        (rb":?WFM|AG[13][0-9]|LECROY_|#9\d{9}|\x0f\x0f:WFM|\xf0\xf0:WFM|WAVEDESC", _SCOPE),
    )
)
"""How files of other kinds begin, and what to do with them."""


@dataclass(frozen=True)
class Rows:
    """`rows` are (line, cells), without empty lines and comments; `comments` (line, text); `mark` parts the cells."""

    source: str
    mark: str
    rows: tuple[tuple[int, list[str]], ...]
    comments: tuple[tuple[int, str], ...]


def read_text(path: str | Path) -> str:
    """The text of a file. Raises `TableError` where it cannot be read or is no text."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from None
    for mark, what in STRANGERS:
        if mark.match(raw):
            raise TableError(f"{path}: is {what}")
    return decoded(raw, str(path))


def decoded(raw: bytes, source: str) -> str:
    """Bytes as text: UTF-16 and UTF-8 by their marks, else Latin-1, where every byte is a character."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:
        raise TableError(f"{source}: not a CSV text file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # instruments write the micro sign in their own code page
        return raw.decode("latin-1")


def rows_of(text: str, source: str, *, comments: bool = True) -> Rows:
    """Part a text into rows. Decimal commas become points where something else parts the cells."""
    numbered = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    said = [(n, line) for n, line in numbered if comments and line.lstrip()[:1] in _COMMENT]
    kept = [(n, line) for n, line in numbered if not (comments and line.lstrip()[:1] in _COMMENT)]
    mark = _mark([line for _, line in kept])
    try:
        if mark == " ":
            rows = [(n, line.split()) for n, line in kept]
        else:
            cells = csv.reader([line for _, line in kept], delimiter=mark, skipinitialspace=True)
            rows = list(zip((n for n, _ in kept), cells, strict=True))
    except (csv.Error, ValueError):
        raise TableError(f"{source}: not a CSV text file") from None
    return Rows(source, mark, tuple(_with_points(rows, source, mark)), tuple(said))


def _mark(lines: list[str]) -> str:
    """What parts the cells: looked up in the last lines that begin with a number."""
    last = [line for line in lines if re.match(r"\s*\"?[-+]?[.,]?\d", line)][-20:] or lines[-1:]
    sample = last[-1] if last else ""
    for mark in ";\t,":
        if mark in sample:
            # blanks part the cells where commas are only decimal
            if mark == "," and len(sample.split()) > 1 and all(_DECIMAL.match(c) or number(c) for c in sample.split()):
                return " "
            return mark
    return " " if len(sample.split()) > 1 else ","


def _with_points(rows: list[tuple[int, list[str]]], source: str, mark: str) -> list[tuple[int, list[str]]]:
    commas = [(n, cell) for n, row in rows for cell in row if "," in cell and _DECIMAL.match(cell)]
    if not commas:
        return rows
    # only in a row of numbers is a comma a decimal one
    numeric = [row for _, row in rows if row and (_DECIMAL.match(row[0]) or number(row[0]) is not None)]
    points = next((cell for row in numeric for cell in row if "." in cell and number(cell) is not None), None)
    if points is not None and any("," in cell for row in numeric for cell in row):
        raise TableError(
            f"{source}:{commas[0][0]}: {commas[0][1]!r} has a comma and {points.strip()!r} a point; which of them is "
            "the decimal mark? Write all numbers alike"
        )
    if mark == "," and all(_THOUSANDS.match(cell) for _, cell in commas):
        raise TableError(
            f"{source}:{commas[0][0]}: the comma of {commas[0][1]!r} may be a decimal one or part thousands; write "
            "decimal points"
        )
    return [(n, [cell.replace(",", ".") if _DECIMAL.match(cell) else cell for cell in row]) for n, row in rows]


def number(cell: str) -> float | None:
    """A cell as a number, None where it is none; gaps are none either."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if "_" in cell else value


def sample(cell: str) -> float | None:
    """A cell as a sample: NaN for a gap and for an over-range mark, None for what is no sample."""
    value = number(cell)
    if value is not None:
        return math.nan if abs(value) >= INVALID else value
    word = cell.strip().strip('"').lower()
    return math.nan if word in _GAP or word in _OVER else None


def over_range(cell: str) -> bool:
    """Whether a cell says that the signal left the range of the instrument."""
    value = number(cell)
    return cell.strip().strip('"').lower() in _OVER or (value is not None and abs(value) >= INVALID)
