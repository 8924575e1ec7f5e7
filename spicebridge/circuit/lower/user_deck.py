"""A deck that was given, ready to run and to be read back edge by edge of the network found in it.

The elements are the deck's own; solver options, saved vectors and the step are ours, because an error bar
needs runs whose error goes with the step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.lower.network import ACCURATE, Lowered
from spicebridge.circuit.lower.signals import EdgeSignals, Signals
from spicebridge.circuit.recognise import Recognised
from spicebridge.errors import DeckError


def lowered_as_given(deck: Deck, found: Recognised, step: float) -> Lowered:
    """Return `deck` with its states as signals; currents and voltages are not read back (zero).

    `found` is what `recognise_circuit(deck)` returned, `step` the step ceiling in s. Raises `DeckError` for
    a deck without .tran.
    """
    if deck.transient is None:
        raise DeckError("the deck has no .tran; add one, so that the circuit can be run")
    signals = Signals.empty(found.network)
    states = [f"v({edge.state.lower()})" if edge.state else "" for edge in found.edges]
    none = [""] * len(states)
    signals.add(range(len(states)), EdgeSignals(states, none, none, none, [0.0] * len(states), aided=False))
    options: dict[str, Any] = dict(ACCURATE)
    tran = replace(deck.transient, start=0.0, step=step, max_step=step)
    run = replace(deck.with_options(**options), transient=tran, save=signals.vectors())
    return Lowered(run, signals)
