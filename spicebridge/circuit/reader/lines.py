"""Netlist text -> cards: comments stripped, continuation lines joined, in linear time.

``*`` in the first column comments a line. Behind a card ngspice takes ``;``, ``//`` and a ``$`` behind a blank or comma
for a comment, HSPICE the ``$``, LTspice, Xyce and PSpice the ``;``.
"""

from __future__ import annotations

from dataclasses import dataclass

from spicebridge.circuit.reader.located import NetlistCard, SourceFile
from spicebridge.circuit.reader.rules import ReadingRules


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
