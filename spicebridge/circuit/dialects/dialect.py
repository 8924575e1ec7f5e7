"""What every dialect shares: the protocol, name checks, laying out of lines.

Formatting lives in this folder and nowhere else. Output is byte-deterministic: it depends on the deck
alone. ``format_*`` returns text, ``write_*`` writes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Protocol, runtime_checkable

from spicebridge.circuit.deck.contents import element_nodes, scopes
from spicebridge.circuit.deck.elements import Deck, Element, Function, Model, Subcircuit
from spicebridge.circuit.lower.edge_elements import EdgeElements
from spicebridge.errors import DeckError
from spicebridge.expressions.language import DECK_WORDS
from spicebridge.expressions.tree import BranchCurrent, NodeVoltage, Number, Time, Value, walk


class Dialect(Protocol):
    """Deck -> text for one simulator. `name` is the word people use, `suffix` the usual file ending."""

    name: str
    suffix: str

    def format_deck(self, deck: Deck) -> str:
        """Return the whole netlist. Raises `DeckError` for what the dialect cannot say."""
        ...


@runtime_checkable
class WritesEdges(Protocol):
    """A dialect that can write the edges of a lowered network without their elements, in the same bytes."""

    def format_edges(self, frame: Deck, edges: EdgeElements) -> str:
        """Return the netlist of `frame`, which has no elements, with those of `edges`."""
        ...


NAME = re.compile(r"[A-Za-z0-9_.:#\[\]-][A-Za-z0-9_.:#+\[\]-]*\Z")
"""What a name of a deck may be; ngspice and LTspice take all of it."""
_SETTING = re.compile(r"[A-Za-z0-9_.+-]+\Z")
_VECTOR = re.compile(r"[A-Za-z]+\([A-Za-z0-9_.:#+\[\]-]+(,[A-Za-z0-9_.:#+\[\]-]+)?\)\Z")

Parameters = Sequence[tuple[str, Value]]


def check_names(deck: Deck, *, modules: bool = False) -> None:
    """Raise `DeckError` for names that collide when case folds, are reserved, or cannot be written, and for Verilog-A
    unless the simulator compiles it (`modules`)."""
    _check_scope("deck", deck.elements)
    _check_words("deck", deck.parameters, deck.functions, deck.models)
    for name, value in deck.options:
        if not _SETTING.match(name) or (isinstance(value, str) and not _SETTING.match(value)):
            raise DeckError(f"option {name!r} = {value!r} must be a word or a number")
    for vector in deck.save:
        if not _VECTOR.match(vector):
            raise DeckError(f"saved vector {vector!r} must be like v(node), v(node,node) or i(source)")
    seen: set[str] = set()
    for sub in deck.subcircuits:
        if sub.name.lower() in seen:
            raise DeckError(f"subcircuit {sub.name!r} is defined twice when case folds; rename one")
        seen.add(sub.name.lower())
    for scope in scopes(deck):
        if isinstance(scope, Subcircuit):
            if scope.veriloga and not modules:
                raise DeckError(
                    f"{scope.name!r} is a Verilog-A module, which this simulator does not compile; run it with the "
                    "engine vacask (pip install spicebridge[vacask]), or write its equations as a law text"
                )
            where = f"subcircuit {scope.name}"
            _check_text(where, (scope.name, *scope.pins))
            _check_words(where, (*scope.parameters, *scope.local_parameters), scope.functions, scope.models)
            _check_scope(where, scope.elements)


def _check_words(where: str, parameters: Parameters, functions: Sequence[Function], models: Sequence[Model]) -> None:
    reserved = {name.lower() for name, _ in parameters} & DECK_WORDS
    if reserved:
        raise DeckError(f"{where}: parameter {min(reserved)!r} is a reserved word of simulators; rename it")
    words = [name for name, _ in parameters]
    for f in functions:
        words += [f.name, *f.arguments]
    for model in models:
        words += [model.name, model.kind, *(name for name, _ in model.parameters)]
    _check_text(where, words)


def _check_scope(where: str, elements: Iterable[Element]) -> None:
    names: dict[str, str] = {}
    nodes: dict[str, str] = {}
    met: set[str] = set()
    for element in elements:
        name = element.name
        folded = name.lower()
        if folded in names:
            raise DeckError(
                f"{where}: elements {names[folded]!r} and {name!r} have the same name when case folds; rename one"
            )
        if folded[:1] != element.letter.lower():
            raise DeckError(f"{where}: element {name!r} must start with {element.letter}; rename it")
        names[folded] = name
        for node in element_nodes(element):
            if node in met:
                continue
            met.add(node)
            known = nodes.setdefault(node.lower(), node)
            if known != node:
                raise DeckError(f"{where}: nodes {known!r} and {node!r} are one when case folds; rename one")
    _check_text(where, (*names.values(), *nodes.values()))


def _check_text(where: str, words: Iterable[str]) -> None:
    for text in words:
        if not NAME.match(text):
            raise DeckError(f"{where}: name {text!r} must be letters, digits and _.:#; rename it")


def plain(value: object) -> float | None:
    """The number that a value is; None for an expression, a word or nothing."""
    if isinstance(value, Number):
        value = value.value
    return float(value) if isinstance(value, (int, float)) else None


def has_signals(value: Value) -> bool:
    """Whether a value depends on voltages, currents or time (and so is behavioural)."""
    if isinstance(value, (int, float)):
        return False
    return any(isinstance(e, (NodeVoltage, BranchCurrent, Time)) for e in walk(value))


def located(element: Element, write: Callable[[Element], str]) -> str:
    """The text of an element; a `DeckError` names it."""
    try:
        return write(element)
    except DeckError as error:
        raise DeckError(f"element {element.name!r}: {error}") from None


def one_line(text: str) -> str:
    """A comment made safe: control characters and line ends become spaces."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def wrapped(head: str, items: Iterable[str], width: int = 100) -> list[str]:
    """Lay `items` after `head` over continuation lines."""
    words = list(items)
    ends = list(accumulate(map((1).__add__, map(len, words))))
    lines, begin, used = [], 0, 0
    while True:
        # At least one item a line, and as many as fit.
        end = max(bisect_right(ends, width - len(head) + used, begin), begin + 1)
        lines.append(" ".join([head, *words[begin:end]]))
        if end >= len(words):
            return lines
        head, begin, used = "+", end, ends[end - 1]
