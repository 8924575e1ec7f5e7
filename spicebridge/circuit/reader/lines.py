"""Netlist text -> cards: comments stripped, continuation lines joined, in linear time.

``*`` in the first column comments a line. Behind a card ngspice takes ``;``, ``//`` and a ``$`` behind a blank or comma
for a comment, HSPICE the ``$``, LTspice, Xyce and PSpice the ``;``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from spicebridge.circuit.reader.rules import ReadingRules
from spicebridge.errors import DeckError

EXCERPT = 100
"""Longest piece of a line that an error shows; longer lines are cut around the column."""
LONGEST_MESSAGE = 400
"""Longest message before the line; it may quote a word of any length."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file, or one text, by the name that errors show and by its physical lines."""

    name: str
    lines: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetlistCard:
    """A logical line: physical lines joined at ``+``, without comments.

    `line` counts from 1. `pieces` are (offset in `text`, line number, column of that offset), one per
    physical line; empty for a card on one line, whose text keeps the columns of the file.
    `comment` is what followed ``;`` or ``$``.
    """

    file: SourceFile
    line: int
    text: str
    pieces: tuple[tuple[int, int, int], ...] = ()
    comment: str = ""

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset in `text`."""
        line, column = self.line, offset + 1
        for start, number, first in self.pieces:
            if offset < start:
                break
            line, column = number, first + offset - start
        return line, column

    def describe(self, offset: int, message: str) -> str:
        """Return "file:line:column: message", the line and a caret under the column."""
        line, column = self.place(offset)
        if len(message) > LONGEST_MESSAGE:
            message = message[: LONGEST_MESSAGE // 2] + " … " + message[-LONGEST_MESSAGE // 2 :]
        text = self.file.lines[line - 1].replace("\t", " ") if line <= len(self.file.lines) else ""
        cut = max(0, column - 1 - EXCERPT // 2) if len(text) > EXCERPT else 0
        shown = "".join(c if c.isprintable() else "?" for c in text[cut : cut + EXCERPT])
        caret = " " * (column - 1 - cut) + "^"
        return f"{self.file.name}:{line}:{column}: {message}\n    {shown}\n    {caret}"

    def fail(self, offset: int, message: str, kind: type[DeckError] = DeckError) -> NoReturn:
        """Raise `kind` at an offset of this card."""
        raise kind(self.describe(offset, message))


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment line (or an empty line, `text` None) between cards."""

    line: int
    text: str | None


def split_cards(file: SourceFile, dialect: ReadingRules, first: int = 0) -> list[NetlistCard | Remark]:
    """Cards and remarks of a file, in order, from physical line `first` (counted from 0) on.

    Raises located `DeckError` for a continuation line that continues nothing.
    """
    trailing = dialect.trailing.search
    out: list[NetlistCard | Remark] = []
    pieces: list[tuple[int, str, int]] = []
    comments: list[str] = []
    held: list[Remark] = []

    def close() -> None:
        if pieces:
            out.append(_join(file, pieces, comments))
            pieces.clear()
            comments.clear()
        if held:
            out.extend(held)
            held.clear()

    lines = file.lines
    for number in range(first, len(lines)):
        text = lines[number]
        body = text.lstrip()
        mark = body[:1]
        if mark == "*" or not mark:
            held.append(Remark(number + 1, body[1:].removeprefix(" ").rstrip() if mark else None))
            continue
        if mark == "+":
            start = len(text) - len(body) + 1
            if not pieces:
                bare = NetlistCard(file=file, line=number + 1, text=text)
                bare.fail(start - 1, "a '+' continues the line before, and there is none; remove the '+'")
            held.clear()
        else:
            start = 0
        found = trailing(text, start)
        if found is not None:
            comment = text[found.end() :].strip()
            text = text[: found.start()]
            if mark != "+" and not text.strip():
                held.append(Remark(number + 1, comment))
                continue
            if comment:
                comments.append(comment)
        if mark != "+":
            # A comment on the new line is already noted; the card before must not take it.
            late = comments[-1:] if found is not None and comments else []
            del comments[len(comments) - len(late) :]
            close()
            comments.extend(late)
        pieces.append((number + 1, text, start))
    close()
    return out


def _join(file: SourceFile, pieces: list[tuple[int, str, int]], comments: list[str]) -> NetlistCard:
    comment = " ".join(comments)
    line, text, _ = pieces[0]
    if len(pieces) == 1:
        return NetlistCard(file=file, line=line, text=text, pieces=(), comment=comment)
    parts: list[str] = []
    places: list[tuple[int, int, int]] = []
    offset = 0
    for number, piece, start in pieces:
        places.append((offset, number, start + 1))
        parts.append(piece[start:])
        offset += len(piece) - start + 1
    return NetlistCard(file=file, line=line, text=" ".join(parts), pieces=tuple(places), comment=comment)
