"""The text header of one plot in a raw file.

Lines "Key: value" in any order, a "Variables:" table, and "Binary:" or "Values:" as the last line.
"""

from __future__ import annotations

import math
import mmap
import re
from dataclasses import dataclass, replace
from typing import NamedTuple, NoReturn

from spicebridge.errors import RawFileError

_KEYS = (
    "title|date|plotname|flags|no\\. ?variables|no\\. ?points|dimensions|command|offset|options?"
    "|version|variables|binary|values"
)
_KEY_LINE = re.compile(rf"\s*({_KEYS})\s*:(.*)", re.IGNORECASE | re.DOTALL)
_FIRST_KEY = re.compile(rf"\s*(?:{_KEYS})[ \t]*:".encode(), re.IGNORECASE)
# Samples in text hold no colon, so any word with one at the start of a line ends them.
_AFTER_TEXT = re.compile(rb"^[ \t]*[A-Za-z][A-Za-z. ]*:", re.MULTILINE)
# Samples in binary may hold anything, so two lines that fit are asked for.
_NEXT_HEADER = re.compile(
    rb"(?:title|date|plotname)[ \t]*:[\t\x20-\x7e\x80-\xff]{0,4096}\r?\n"
    rb"(?:title|date|plotname|flags|command|offset|options?|no\. ?(?:variables|points))[ \t]*:",
    re.IGNORECASE,
)
_WIDE_DATA = re.compile(
    b"|".join(re.escape(f"{word}:{end}".encode("utf-16-le")) for word in ("Binary", "Values") for end in ("\n", "\r\n"))
)
_LTSPICE = ("ltspice", "linear technology", "analog devices")
"""Words in the line "Command:" of a raw file that LTspice wrote."""
_DATA_LINE = re.compile(rb"(?:binary|values)[ \t]*:", re.IGNORECASE)
_OTHER_KEY = re.compile(r"\s*[A-Za-z][\w. ]*:")
_VARIABLE = re.compile(r"\s*(\d{1,9})(?=\s|$)(.*)", re.DOTALL)
_COUNT = re.compile(r"[0-9]{1,18}")
_DIMS = re.compile(r"(?:^|\s)dims=(\d{1,9}(?:,\d{1,9}){0,7})(?!\S)")
_UNIT_TEXT = """
    notype time frequency voltage current charge capacitance resistance conductance temperature
    impedance admittance power phase decibel onoise-spectrum onoise-integrated inoise-spectrum
    inoise-integrated temp-sweep res-sweep
"""
_UNIT_WORDS = frozenset(_UNIT_TEXT.split())
_LONGEST_LINE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class RawHeader:
    """Fields of a header; `data_start` is the byte offset of the data behind it."""

    title: str
    plotname: str
    flags: tuple[str, ...]
    points: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    lengths: tuple[int, ...]
    binary: bool
    data_start: int
    ltspice: bool = False

    @property
    def is_complex(self) -> bool:
        """Two numbers for each sample."""
        return "complex" in self.flags

    @property
    def ragged(self) -> bool:
        """Rows lose columns as the shorter variables end."""
        return "unpadded" in self.flags and any(n != self.points for n in self.lengths)

    @property
    def stored_items(self) -> int:
        """Samples the header announces, over all variables."""
        return sum(self.lengths) if self.ragged else self.points * len(self.lengths)


class _Table(NamedTuple):
    """Names, units and declared lengths of the variables; no lengths if none is declared."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    lengths: tuple[int | None, ...]


def starts_header(buffer: bytes | mmap.mmap, position: int) -> bool:
    """Whether another plot begins at `position`."""
    return _FIRST_KEY.match(buffer, position) is not None


def find_header(buffer: bytes | mmap.mmap, begin: int, *, binary: bool) -> int:
    """Offset of the next plot at or after `begin`, or the end of the buffer."""
    match = (_NEXT_HEADER if binary else _AFTER_TEXT).search(buffer, begin)
    return match.start() if match else len(buffer)


class _Lines:
    """Header lines with their place in the file."""

    def __init__(self, buffer: bytes | mmap.mmap, position: int, where: str) -> None:
        self.buffer, self.next, self.where = buffer, position, where
        self.offset = position

    def fail(self, problem: str) -> NoReturn:
        line = 1 + self.buffer[: self.offset].count(b"\n")
        raise RawFileError(f"{self.where}: byte {self.offset}, line {line}: {problem}")

    def take(self) -> str:
        self.offset = self.next
        stop = self.buffer.find(b"\n", self.offset, self.offset + _LONGEST_LINE)
        if stop < 0:
            rest = self.buffer[self.offset : self.offset + 2]
            if rest == b"":
                self.fail("the file ends inside a header: the run was cut before its first sample")
            self.fail("no line of a raw-file header: the file is cut or of another kind")
        self.next = stop + 1
        raw = self.buffer[self.offset : stop]
        if b"\0" in raw:
            self.fail("NUL bytes in a header: the file is damaged")
        return raw.decode("utf-8", "replace")

    def back(self) -> None:
        self.next = self.offset


def is_wide(buffer: bytes | mmap.mmap, position: int = 0) -> bool:
    """Whether a header of LTspice begins here, in UTF-16 (little-endian, with or without its mark)."""
    start = position + 2 * (buffer[position : position + 2] == b"\xff\xfe")
    return (
        len(buffer) >= start + 4
        and buffer[start + 1 : start + 4 : 2] == b"\0\0"
        and buffer[start : start + 1].isalpha()
    )


def parse_wide_header(buffer: bytes | mmap.mmap, position: int, where: str) -> RawHeader:
    """As `parse_header`, for a header in UTF-16."""
    found = _WIDE_DATA.search(buffer, position)
    if found is None:
        raise RawFileError(f"{where}: byte {position}: a header in UTF-16 without 'Binary:'; the file is cut")
    text = buffer[position : found.end()].decode("utf-16-le", "replace").lstrip("\ufeff").replace("\r\n", "\n")
    header = parse_header(text.encode(), 0, where)
    return replace(header, data_start=found.end(), ltspice=True)


def parse_header(buffer: bytes | mmap.mmap, position: int, where: str) -> RawHeader:
    """Parse the header that begins at `position`; raises a located RawFileError."""
    lines = _Lines(buffer, position, where)
    fields: dict[str, str] = {}
    numbers: dict[str, int] = {}
    table: _Table | None = None
    while True:
        line = lines.take()
        if not line.strip():
            continue
        match = _KEY_LINE.match(line)
        if match is None:
            if _OTHER_KEY.match(line) and fields:
                continue
            lines.fail(f"{line.strip()[:60]!r} is no line of a raw-file header")
        key, value = match[1].lower().replace(". ", "."), match[2].strip()
        if key in ("binary", "values"):
            break
        if key in ("no.variables", "no.points"):
            if not _COUNT.fullmatch(value):
                lines.fail(f"{match[1]} is {value!r}: a whole number was expected")
            numbers[key] = int(value)
        elif key == "variables":
            if table is not None:
                lines.fail("a second variable table in one plot")
            table = _plain_table(lines, match[2], numbers.get("no.variables")) or _variables(lines, match[2])
        else:
            fields.setdefault(key, value)
    if table is None:
        lines.fail("data begin but no variable table came before")
    for needed, label in (("no.variables", "No. Variables"), ("no.points", "No. Points")):
        if needed not in numbers:
            lines.fail(f"data begin but the header has no {label!r} line")
    if len(table.names) != numbers["no.variables"] or not table.names:
        lines.fail(f"header announces {numbers['no.variables']} variables, its table has {len(table.names)}")
    flags = tuple(fields.get("flags", "real").lower().split())
    ltspice = any(word in fields.get("command", "").lower() for word in _LTSPICE)
    if ("fastaccess" in flags and not ltspice) or "compressed" in flags:
        lines.fail(f"flags {' '.join(flags)!r}: only row-wise double precision can be read")
    points = numbers["no.points"]
    return RawHeader(
        title=fields.get("title", ""),
        plotname=fields.get("plotname", ""),
        flags=flags,
        points=points,
        names=table.names,
        units=table.units,
        lengths=tuple(points if n is None or n > points else n for n in table.lengths) or (points,) * len(table.names),
        binary=key == "binary",
        data_start=lines.next,
        ltspice=ltspice,
    )


def _plain_table(lines: _Lines, first: str, announced: int | None) -> _Table | None:
    """The table if every row is a number, a name and a unit and the data follow at once, else None.

    That is what long tables look like; it is read as one list of words.
    """
    if first.strip() or not announced:
        return None
    found = _DATA_LINE.search(lines.buffer, lines.next)
    if found is None:
        return None
    block = lines.buffer[lines.next : found.start()]
    words = block.decode("utf-8", "replace").split()
    names, units = words[1::3], words[2::3]
    if b"=" in block or b"\0" in block or words[0::3] != list(map(str, range(announced))):
        return None
    if len(words) != 3 * announced or block.count(b"\n") != announced:
        return None
    lines.next = found.start()
    return _Table(tuple(map(str.lower, names)), tuple(units), ())


def _variables(lines: _Lines, first: str) -> _Table:
    """The table after "Variables:", whose first row may stand on the same line."""
    table: list[tuple[str, str, int | None]] = []
    line = first if first.strip() else lines.take()
    while match := _VARIABLE.match(line):
        if int(match[1]) != len(table):
            lines.fail(f"variable {match[1]} follows variable {len(table) - 1}")
        table.append(_variable(match[2]))
        line = lines.take()
    lines.back()
    names, units, lengths = zip(*table, strict=True) if table else ((), (), ())
    return _Table(names, units, lengths)


def _variable(rest: str) -> tuple[str, str, int | None]:
    """Name (lower case, may be empty), unit word, declared length of one row of the table."""
    length = None
    if dims := _DIMS.search(rest):
        length = math.prod(int(n) for n in dims[1].split(","))
    if rest.startswith("\t"):
        cells = rest[1:].split("\t")
        name = cells[0].strip()
        words = " ".join(cells[1:]).split()
    else:
        words = rest.split()
        name = words.pop(0) if words and not (len(words) == 1 and words[0].lower() in _UNIT_WORDS) else ""
    unit = words[0] if words and "=" not in words[0] else ""
    return name.lower(), unit, length
