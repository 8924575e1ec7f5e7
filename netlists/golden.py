"""Which decks are kept, and their text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from spicebridge.case.case import load_case
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.dialects import dialect_names, get_dialect
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.verify.deck_step import deck_step

HERE = Path(__file__).parent
CASES = HERE.parent / "compare"
KEPT = ("k4", "triangle", "hard_bounds", "prism_ringing", "loop_matrix", "ac_pinched", "window_joglekar")
"""Cases whose decks are kept: a complete graph, a cycle, switches, active edges, a loop matrix, AC, a window."""


def case_deck(name: str) -> Deck:
    """The readable deck of a case, with what it shows as its first comment."""
    case = load_case(CASES / f"{name}.case.toml")
    step = deck_step(case.network, case.stop, case.tolerance).step
    deck = lower(case.network, case.stop, step, form="readable", title=case.title).deck
    return replace(deck, header=(case.what, *deck.header))


def golden_decks() -> Iterator[tuple[Path, str]]:
    """Every kept file and what it must hold."""
    for name in KEPT:
        deck = case_deck(name)
        for dialect in dialect_names():
            writer = get_dialect(dialect)
            yield HERE / name / f"{dialect}{writer.suffix}", writer.format_deck(deck)
