"""Solver options: what a deck asks for, in the words of each simulator.

A deck's options have ngspice's names. Every dialect says what it makes of each; one that it does not know is
refused, because a run without it would be another run.
"""

from __future__ import annotations

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.dialect import plain
from spicebridge.errors import DeckError, nearest
from spicebridge.expressions.tree import Value

LTE_OFF = 1e3
"""trtol from which on truncation error no longer limits the step, so that the ceiling is the step."""

METHODS = {"trap": "trap", "trapezoidal": "trap", "gear": "gear"}
"""What decks call the two integration methods."""

Options = dict[str, Value | str | None]


def wanted_options(deck: ir.Deck, known: frozenset[str], simulator: str) -> Options:
    """Return the deck's options under lower-case names; raises `DeckError` for one outside `known`."""
    wanted: Options = {}
    for name, value in deck.options:
        folded = name.lower()
        if folded not in known:
            raise DeckError(
                f"option {name!r} has no counterpart in {simulator}{nearest(folded, known)}; "
                f"leave it out, known are {', '.join(sorted(known))}"
            )
        wanted[folded] = value
    return wanted


def method(options: Options) -> str | None:
    """Return "trap" or "gear", None if the deck leaves the method open; raises `DeckError`."""
    value = options.get("method")
    if value is None:
        return None
    chosen = METHODS.get(str(value).lower())
    if chosen is None:
        raise DeckError(f"option method={value!r} must be trap or gear")
    return chosen


def plain_number(options: Options, name: str) -> float | None:
    """Return an option as a number, None if it is not given; raises `DeckError` if it is no number."""
    if name not in options:
        return None
    value = plain(options[name])
    if value is None:
        raise DeckError(f"option {name}={options[name]!r} must be a number")
    return value


def without_truncation_error(options: Options, simulator: str) -> bool:
    """Whether trtol switches step control by truncation error off; raises `DeckError` for other values.

    The scale of trtol is SPICE's own: a value that does not switch it off means nothing elsewhere.
    """
    trtol = plain_number(options, "trtol")
    if trtol is None:
        return False
    if trtol < LTE_OFF:
        raise DeckError(
            f"option trtol={trtol:g} has no counterpart in {simulator}; leave it out, or give {LTE_OFF:g} or more "
            "to let the step ceiling alone set the step"
        )
    return True
