"""Values of a card: words and expressions -> numbers and trees by the rules of a dialect, with located errors."""

from __future__ import annotations

import functools
import re
from typing import NoReturn

from spicebridge.circuit.deck.elements import Transient
from spicebridge.circuit.reader.card_tokens import inner_range
from spicebridge.circuit.reader.lines import NetlistCard
from spicebridge.circuit.reader.parsed_cards import Plain, Quoted, Raw
from spicebridge.circuit.reader.rules import ReadingRules
from spicebridge.errors import QuantityError
from spicebridge.expressions.language import Language
from spicebridge.expressions.parse import ExpressionError, Spelling, parse_expression
from spicebridge.expressions.tokens import Token, parse_number
from spicebridge.expressions.tree import Expression, Number, Value

_MEGA_X = re.compile(r"[+-]?[0-9.]+(?:e[+-]?[0-9]+)?x", re.IGNORECASE)
_EMBEDDED = re.compile(r"([+-]?[0-9]+)(meg|[tgkmunpf])([0-9]+)\Z", re.IGNORECASE)
"""LTspice's 4k7 for 4.7k."""
_SIGNAL = re.compile(r"(?<![\w.])(?:[vi]\s*\(|time(?![\w.])|temper(?![\w.])|hertz(?![\w.]))", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_]\w*")


@functools.lru_cache(maxsize=65536)
def _quantity(text: str) -> float:
    return parse_number(text)


class CardValues:
    """Reads the values of one card after the other.

    `called` are the functions that were called, with their card, and whether a constant called them; `tran` is the
    analysis as far as it is known: it gives defaults to waveforms.
    """

    def __init__(self, dialect: ReadingRules, spelling: Spelling) -> None:
        self.dialect = dialect
        self.ngspice = dialect.name == "ngspice"
        self.spelling = spelling
        self.card: NetlistCard
        self.head = ""
        self.called: list[tuple[NetlistCard, Token, bool]] = []
        self.notes: list[str] = []
        self.tran: Transient | None = None

    def fail(self, token: Token, message: str) -> NoReturn:
        """Raise at a token of the card being built."""
        self.card.fail(token.offset, message)

    def note(self, token: Token, message: str) -> None:
        """Remember what was left out, with its line."""
        line, _ = self.card.place(token.offset)
        self.notes.append(f"{self.card.file.name}:{line}: {message}")

    def constant(self, raw: Raw) -> Value:
        """A value that may depend on parameters only."""
        if type(raw) is Plain and not (self.dialect.bare_names and _NAME.fullmatch(raw.token.text)):
            return self._number(raw.token)
        tree = self._parse(raw.token, self.dialect.constant)
        return tree.value if isinstance(tree, Number) else tree

    def either(self, raw: Raw) -> Value:
        """A value that may depend on voltages, currents and time too."""
        if type(raw) is Quoted and _SIGNAL.search(raw.token.text):
            return self._parse(raw.token, self.dialect.behavioural)
        return self.constant(raw)

    def behaviour_of(self, raw: Raw) -> Expression:
        """A behavioural expression."""
        return self._parse(raw.token, self.dialect.behavioural)

    def reads_differently(self, raw: Raw, body: Expression) -> bool:
        """Whether a function body means something else in parameters than in behavioural sources."""
        start, end = inner_range(self.card, raw.token)
        try:
            return body != parse_expression(self.card.text, self.dialect.constant, self.spelling, start, end, [])
        except ExpressionError:
            return False

    def _number(self, token: Token) -> float:
        if self.dialect.mega_x and _MEGA_X.match(token.text):
            self.fail(token, f"{token.text!r}: {self.dialect.name} takes the suffix x for 1e6; write meg")
        text = token.text
        if self.ngspice and "\N{GREEK SMALL LETTER MU}" in text:
            self.fail(token, f"{text!r}: ngspice takes the Greek mu for a unit, which it ignores; write u")
        embedded = _EMBEDDED.match(text) if self.dialect.parasitics else None
        if embedded is not None:
            text = f"{embedded[1]}.{embedded[3]}{embedded[2]}"
        try:
            return _quantity(text)
        except QuantityError as error:
            word = token.text if len(token.text) <= 40 else token.text[:40] + "…"
            if word[:1].isalpha():
                self.fail(token, f"{word!r} is no number; write {{{word}}} if it is a parameter")
            self.fail(token, str(error))

    def _parse(self, token: Token, language: Language) -> Expression:
        start, end = inner_range(self.card, token)
        called: list[Token] = []
        try:
            tree = parse_expression(self.card.text, language, self.spelling, start, end, called)
        except ExpressionError as error:
            self.card.fail(error.offset, f"{self.head}: {error.message}")
        constant = language is self.dialect.constant
        self.called.extend((self.card, name, constant) for name in called)
        return tree
