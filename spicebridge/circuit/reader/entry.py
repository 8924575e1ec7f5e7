"""Texts and files -> decks, subcircuits and expressions: the ways into the reader."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from spicebridge.circuit.deck.elements import Deck, Subcircuit
from spicebridge.circuit.reader.assemble import Assembler
from spicebridge.circuit.reader.choice import AUTO, assumption, settle
from spicebridge.circuit.reader.includes import Includes, source_from_file, source_from_text
from spicebridge.circuit.reader.keywords import DIRECTIVES
from spicebridge.circuit.reader.lines import NetlistCard, Remark, SourceFile, split_cards
from spicebridge.circuit.reader.ltspice_schematic import MENU, is_schematic, netlist_of
from spicebridge.circuit.reader.rules import ReadingRules, find_dialect
from spicebridge.errors import DeckError
from spicebridge.expressions.parse import ExpressionError, Spelling, parse_expression
from spicebridge.expressions.tree import Expression

_GROUND = re.compile(r"(?<![\w.])gnd(?![\w.])", re.IGNORECASE)
_POWER = re.compile(r"\^|\*\*|\bpow\s*\(", re.IGNORECASE)


def read_deck(
    text_or_path: str | Path, *, dialect: str = "ngspice", name: str = "<text>", folder: str | Path | None = None
) -> Deck:
    """Return the deck. A str with a line end is text, anything else the path of a netlist or LTspice schematic.

    The first line is the title, as simulators have it. `dialect` is ngspice (also ngspice@46), ltspice, xyce,
    hspice, pspice, or auto: by words that one simulator alone has, or by a first line that says "dialect: ltspice";
    `Deck.notes` says what was taken. `name` stands in errors for text; `folder` is where text may include files from
    (a file's own folder is its default). Raises `DeckError` with file, line, column and caret, also for a text whose
    meaning depends on a dialect that nobody said, and `UnsafeDeck` for commands and for includes that leave the
    folder.
    """
    if isinstance(text_or_path, str) and "\n" in text_or_path:
        file = source_from_text(text_or_path, name)
        home = None if folder is None else Path(folder)
        opened: list[tuple[Path, str | None]] = []
    else:
        path = Path(text_or_path)
        file = source_from_file(path)
        home = Path(folder) if folder is not None else path.parent
        opened = [(path.resolve(), None)]
    if not file.lines:
        raise DeckError(f"{file.name}: is empty; a netlist has a title and cards")
    drawn = is_schematic(file)
    if drawn:
        file = netlist_of(file, home)
        dialect = "ltspice" if dialect == AUTO else dialect
    _no_library(file)

    def read(rules: ReadingRules) -> Deck:
        items = split_cards(file, rules, first=1)
        assembler = Assembler(rules, Includes(home, rules, open_files=list(opened)))
        header = _leading(items)
        assembler.deck_header = tuple(remark.text for remark in header if remark.text is not None)
        assembler.read(items[len(header) :])
        return assembler.deck(file.lines[0].strip().lstrip("*").strip())

    deck, rules, how = settle(dialect, file.lines, file.name, 1, read)
    notes = [f"the schematic was netlisted here; LTspice's own netlist is {MENU}"] if drawn else []
    notes += [how] if how else []
    grounded = rules.grounds or any("replaceground" in line.lower() for line in file.lines)
    if not grounded and any(_GROUND.search(line) for line in file.lines if line[:1] != "*"):
        notes.append(
            f"GND is read as node 0; to {rules.name} it is a node of its own, unless its netlister replaces it"
        )
    if rules.name == "ngspice" and rules.version is None and any(map(_POWER.search, file.lines)):
        assumed = assumption(deck, read)
        notes += [assumed] if assumed else []
    return (
        replace(deck, notes=(*notes, *deck.notes), dialect=rules.label) if notes else replace(deck, dialect=rules.label)
    )


def read_expression(text: str, *, dialect: str = "ngspice") -> Expression:
    """Return the tree of a behavioural expression; raises `DeckError` with column and caret."""
    language = find_dialect(dialect).behavioural
    try:
        return parse_expression(text, language, Spelling())
    except ExpressionError as error:
        NetlistCard(file=SourceFile("<expression>", [text]), line=1, text=text).fail(error.offset, error.message)


def read_subcircuits(text: str, *, name: str = "<text>", dialect: str = "ngspice") -> tuple[Subcircuit, ...]:
    """Return the subcircuits of a library text, which has no title and holds definitions only.

    Comment lines are the header of the subcircuits behind them, up to the next comment. `dialect` as in `read_deck`.
    """
    return read_library(text, name=name, dialect=dialect).subcircuits


def read_library(text: str, *, name: str = "<text>", dialect: str = "ngspice") -> Deck:
    """As `read_subcircuits`, as a deck whose notes say what was taken and left out."""
    file = source_from_text(text, name)

    def read(rules: ReadingRules) -> Deck:
        assembler = Assembler(rules, Includes(None, rules), library=True)
        assembler.read(split_cards(file, rules))
        return assembler.deck("")

    deck, rules, how = settle(dialect, file.lines, name, 0, read)
    for what in ("elements", "parameters", "models", "functions", "initial_conditions", "options", "save"):
        if getattr(deck, what):
            raise DeckError(f"{name}: has {what} outside its subcircuits; put them inside, or read it as a deck")
    return replace(deck, notes=((how, *deck.notes) if how else deck.notes), dialect=rules.label)


def _no_library(file: SourceFile) -> None:
    """Refuse a library of subcircuits whose first line would be lost as a title."""
    words = file.lines[0].split()
    if words and DIRECTIVES.get(words[0].lower()) == "SUBCKT":
        NetlistCard(file=file, line=1, text=file.lines[0]).fail(
            0,
            "line 1 is the title of a netlist and would be lost, so this is a library of subcircuits; "
            "check-model reads it, or put a title in front and call the subcircuit with an X card",
        )


def _leading(items: list[NetlistCard | Remark]) -> list[Remark]:
    """The comment lines right behind the title."""
    out: list[Remark] = []
    for item in items:
        if not isinstance(item, Remark) or item.text is None:
            break
        out.append(item)
    return out
