"""SPICE text -> Deck, for what users of ngspice and LTspice write.

Every card is read, refused with its file, line and column, or, where it has no effect on a transient,
left out with a note in `Deck.notes`. Decks that ask for commands, or for files outside their own folder,
are refused (`UnsafeDeck`). Time and memory are linear in the text; nesting has named limits.
"""

from __future__ import annotations

from pathlib import Path

from spicebridge.circuit.deck.elements import Deck, Subcircuit
from spicebridge.circuit.reader.assemble import Assembler
from spicebridge.circuit.reader.dialects import DIALECTS, Dialect
from spicebridge.circuit.reader.includes import Includes, source_from_file, source_from_text
from spicebridge.circuit.reader.lines import Remark, split_cards
from spicebridge.circuit.reader.located import Card, SourceFile
from spicebridge.errors import DeckError, nearest
from spicebridge.expressions.parse import ExpressionError, Spelling, parse_expression
from spicebridge.expressions.tree import Expression

__all__ = ["read_deck", "read_expression", "read_subcircuits"]


def read_deck(
    text_or_path: str | Path,
    *,
    dialect: str = "ngspice",
    name: str = "<text>",
    folder: str | Path | None = None,
) -> Deck:
    """Return the deck. A str with a line end is text, anything else the path of a netlist.

    The first line is the title, as simulators have it. `name` stands in errors for text; `folder` is where
    text may include files from (a file's own folder is its default). Raises `DeckError` with file, line,
    column and caret, and `UnsafeDeck` for commands and for includes that leave the folder.
    """
    rules = _dialect(dialect)
    if isinstance(text_or_path, str) and "\n" in text_or_path:
        file = source_from_text(text_or_path, name)
        home = None if folder is None else Path(folder)
        opened: list[Path] = []
    else:
        path = Path(text_or_path)
        file = source_from_file(path)
        home = Path(folder) if folder is not None else path.parent
        opened = [path.resolve()]
    if not file.lines:
        raise DeckError(f"{file.name}: is empty; a netlist has a title and cards")
    items = split_cards(file, dialect, first=1)
    assembler = Assembler(rules, Includes(home, dialect, open_files=opened))
    header = _leading(items)
    assembler.deck_header = tuple(remark.text for remark in header if remark.text is not None)
    assembler.read(items[len(header) :])
    return assembler.deck(_title(file))


def read_expression(text: str, *, dialect: str = "ngspice") -> Expression:
    """Return the tree of a behavioural expression; raises `DeckError` with column and caret."""
    language = _dialect(dialect).behavioural
    try:
        return parse_expression(text, language, Spelling())
    except ExpressionError as error:
        Card(SourceFile("<expression>", [text]), 1, text).fail(error.offset, error.message)


def read_subcircuits(text: str, *, name: str = "<text>", dialect: str = "ngspice") -> tuple[Subcircuit, ...]:
    """Return the subcircuits of a library text, which has no title and holds definitions only.

    Comment lines are the header of the subcircuits behind them, up to the next comment.
    """
    file = source_from_text(text, name)
    assembler = Assembler(_dialect(dialect), Includes(None, dialect), library=True)
    assembler.read(split_cards(file, dialect))
    deck = assembler.deck("")
    for what in ("elements", "parameters", "models", "functions", "initial_conditions", "options", "save"):
        if getattr(deck, what):
            raise DeckError(f"{name}: has {what} outside its subcircuits; put them inside, or read it as a deck")
    return deck.subcircuits


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        known = ", ".join(DIALECTS)
        raise DeckError(f"dialect {name!r} is not read, only {known}{nearest(name, DIALECTS)}")
    return DIALECTS[name]


def _title(file: SourceFile) -> str:
    return file.lines[0].strip().lstrip("*").strip()


def _leading(items: list[Card | Remark]) -> list[Remark]:
    """The comment lines right behind the title."""
    out: list[Remark] = []
    for item in items:
        if not isinstance(item, Remark) or item.text is None:
            break
        out.append(item)
    return out
