"""Files of a deck: read, and included from the deck's own folder only."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from spicebridge.circuit.reader.card_tokens import directive_kind, first_word, scan_directive
from spicebridge.circuit.reader.cards import CardReader
from spicebridge.circuit.reader.lines import NetlistCard, Remark, SourceFile, split_cards
from spicebridge.circuit.reader.rules import ReadingRules
from spicebridge.errors import DeckError, UnsafeDeck

MAX_CHARACTERS = 256_000_000
"""Most text that one deck may have, includes counted each time they are read."""
MAX_INCLUDES = 1_000
"""Most includes of one deck."""
MAX_NESTING = 20
"""Deepest include in an include."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_ABSOLUTE = re.compile(r"[/\\~]")


def source_from_text(text: str, name: str) -> SourceFile:
    """Split text into physical lines; raises located `DeckError` for control characters and sizes."""
    if len(text) > MAX_CHARACTERS:
        raise DeckError(f"{name}: {len(text)} characters; {MAX_CHARACTERS} are the most that is read")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    file = SourceFile(name, lines)
    strange = _CONTROL.search(text)
    if strange is not None:
        line = text.count("\n", 0, strange.start())
        column = strange.start() - (text.rfind("\n", 0, strange.start()) + 1)
        bare = NetlistCard(file=file, line=line + 1, text=lines[line])
        bare.fail(column, f"control character {strange.group()!r}; a netlist is plain text, remove it")
    return file


def source_from_file(path: Path) -> SourceFile:
    """Read a netlist file: UTF-8, UTF-16 with a mark, or Latin-1. Raises `DeckError` if it cannot be read."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DeckError(f"{path}: is no regular file; give the path of a netlist")
        if status.st_size > MAX_CHARACTERS:
            raise DeckError(f"{path}: {status.st_size} bytes; {MAX_CHARACTERS} are the most that is read")
        data = path.read_bytes()
    except OSError as error:
        raise DeckError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    return source_from_text(_decode(data), str(path))


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


@dataclass
class Includes:
    """Resolves includes inside `folder` (None: the deck has no folder, every include is refused)."""

    folder: Path | None
    dialect: ReadingRules
    count: int = 0
    characters: int = 0
    open_files: list[tuple[Path, str | None]] = field(default_factory=list)
    """Files being read, with their sections: one section may take another of its own file."""

    def expand(self, cards: list[NetlistCard | Remark], reader: CardReader) -> Iterator[NetlistCard | Remark]:
        """The cards with included ones in place, up to ``.end``; raises located `DeckError` or `UnsafeDeck`."""
        stack: list[Iterator[NetlistCard | Remark]] = [iter(cards)]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
                if stack:
                    self.open_files.pop()
                continue
            if isinstance(item, NetlistCard) and item.text.lstrip()[:1] == ".":
                word, offset = first_word(item)
                kind = directive_kind(item, word, offset)
                if kind == "CONTROL":
                    reader.commands.append((item, _block(item, stack[-1])))
                    continue
                if kind == "END":
                    _nothing_left(stack[-1])
                    continue
                if kind in ("INCLUDE", "LIB"):
                    path, *section = reader.directive(item, scan_directive(item, kind, word, offset)).parts
                    name = path.text.strip("'\"{}").strip()
                    stack.append(iter(self.cards(item, path.offset, name, section[0].text if section else None)))
                    continue
            yield item

    def cards(self, card: NetlistCard, offset: int, name: str, section: str | None) -> list[NetlistCard | Remark]:
        """The cards of the file that `card` includes; raises `UnsafeDeck` for paths that leave the folder."""
        path = self._resolve(card, offset, name)
        self.count += 1
        this = (path, None if section is None else section.lower())
        if this in self.open_files:
            chain = " -> ".join(p.name if s is None else f"{p.name} {s}" for p, s in (*self.open_files, this))
            card.fail(offset, f"this file includes itself: {chain}; remove one include")
        if self.count > MAX_INCLUDES:
            card.fail(offset, f"more than {MAX_INCLUDES} includes; put the files together")
        if len(self.open_files) > MAX_NESTING:
            card.fail(offset, f"includes nested more than {MAX_NESTING} deep; put the files together")
        try:
            file = source_from_file(path)
        except DeckError as error:
            card.fail(offset, f"the included file cannot be read: {error}")
        self.characters += sum(map(len, file.lines))
        if self.characters > MAX_CHARACTERS:
            card.fail(offset, f"the included files have more than {MAX_CHARACTERS} characters; use fewer")
        self.open_files.append(this)
        cards = split_cards(file, self.dialect)
        return cards if section is None else _section(card, offset, cards, section)

    def _resolve(self, card: NetlistCard, offset: int, name: str) -> Path:
        def refuse(why: str, kind: type[DeckError] = UnsafeDeck) -> NoReturn:
            card.fail(offset, f"include of {name!r}: {why}", kind)

        if self.folder is None:
            refuse("this text has no folder; read the deck from a file")
        if _ABSOLUTE.match(name) or ":" in name:
            refuse("absolute paths are refused; copy the file beside the deck")
        pieces = re.split(r"[/\\]", name)
        if ".." in pieces:
            refuse("the path leaves the deck's folder; copy the file beside the deck")
        base = self.open_files[-1][0].parent if self.open_files else self.folder
        try:
            path = base.joinpath(*pieces).resolve()
            inside = path.is_relative_to(self.folder.resolve())
            exists = path.exists()
        except (OSError, RuntimeError, ValueError):
            refuse("the path cannot be followed", DeckError)
        if not inside:
            refuse("a link leaves the deck's folder; copy the file beside the deck")
        if not exists:
            refuse("there is no such file in the deck's folder", DeckError)
        if not path.is_file():
            refuse("no regular file; devices and folders are refused")
        return path


def _block(head: NetlistCard, rest: Iterator[NetlistCard | Remark]) -> list[NetlistCard]:
    """The command lines up to ``.endc``, taken out of `rest`; they are never run."""
    inside: list[NetlistCard] = []
    for item in rest:
        if isinstance(item, NetlistCard):
            if item.text.split()[:1] and item.text.split()[0].lower() == ".endc":
                return inside
            inside.append(item)
    head.fail(0, "this block of commands is never closed; add .endc")


def _nothing_left(rest: Iterator[NetlistCard | Remark]) -> None:
    for item in rest:
        if isinstance(item, NetlistCard):
            word, offset = first_word(item)
            if word[0] == ".":
                directive_kind(item, word, offset)
            item.fail(offset, "a card after .end; simulators differ on it, remove it")


def _section(
    card: NetlistCard, offset: int, cards: list[NetlistCard | Remark], section: str
) -> list[NetlistCard | Remark]:
    """The cards between ``.lib section`` and ``.endl``."""
    found: list[NetlistCard | Remark] = []
    inside = False
    for item in cards:
        if isinstance(item, Remark):
            continue
        words = item.text.split()
        head = words[0].lower() if words else ""
        if head == ".lib" and len(words) == 2 and words[1].lower() == section.lower():
            inside = True
        elif inside and head == ".endl":
            return found
        elif inside:
            found.append(item)
    state = "is never closed with .endl" if inside else "is not in the file"
    card.fail(offset, f"library section {section!r} {state}")
