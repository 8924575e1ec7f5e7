"""Where a piece of netlist text stands, and errors that point at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

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
