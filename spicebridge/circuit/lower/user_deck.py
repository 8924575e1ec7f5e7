"""A deck that was given, ready to run and to be read back edge by edge of the network found in it.

The elements are the deck's own; solver options, saved vectors and the step are ours, because an error bar
needs runs whose error goes with the step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from spicebridge.circuit.deck.contents import element_nodes
from spicebridge.circuit.deck.elements import Deck, Transient
from spicebridge.circuit.lower.corners import Clock, Corners
from spicebridge.circuit.lower.network import ACCURATE, Lowered
from spicebridge.circuit.lower.signals import SavedSignals, Signals
from spicebridge.circuit.recognise import Recognised
from spicebridge.errors import DeckError


def lowered_as_given(
    deck: Deck, found: Recognised, step: float, *, clock: Clock | None = None, other_kind: bool = False
) -> Lowered:
    """Return `deck` with its states as signals; currents and voltages are not read back (zero).

    `found` is what `recognise_circuit(deck)` returned, `step` the step ceiling in s; `clock` and `other_kind` as in
    `lower`. Raises `DeckError` for a deck without .tran.
    """
    signals = _states(found)
    tran = _transient(deck)
    options: dict[str, Any] = dict(ACCURATE)
    steps = replace(tran, start=0.0, step=step, max_step=step)
    run = replace(deck.with_options(**options), transient=steps, save=signals.vectors())
    corners = Corners.of(found.network.waveforms_of_sources, float(tran.stop), closer=other_kind, clock=clock)
    if corners is not None:
        corners = _named_apart(corners, deck)
    return Lowered(run, signals, corners=corners)


def lowered_as_written(deck: Deck, found: Recognised) -> Lowered:
    """Return `deck` with its states as signals and nothing else changed. Raises `DeckError` without .tran."""
    _transient(deck)
    signals = _states(found)
    return Lowered(replace(deck, save=signals.vectors()), signals)


def _transient(deck: Deck) -> Transient:
    if deck.transient is None:
        raise DeckError("the deck has no .tran; add one, so that the circuit can be run")
    return deck.transient


def _states(found: Recognised) -> Signals:
    signals = Signals.empty(found.network, ("state",))
    states = [f"v({edge.state.lower()})" if edge.state else "" for edge in found.edges]
    none = [""] * len(states)
    signals.add(range(len(states)), SavedSignals(states, none, none, none, [0.0] * len(states), aided=False))
    states_of = [getattr(getattr(device, "definition", None), "state", None) for device in found.network.devices()]
    low = np.array([0.0 if state is None else state.low or 0.0 for state in states_of])
    signals.reduce(low, np.array([1.0 if state is None else state.span for state in states_of]))
    return signals


def _named_apart(corners: Corners, deck: Deck) -> Corners:
    """The same with names that nothing in the deck has."""
    words = {element.name.lower() for element in deck.elements}
    words |= {node.lower() for element in deck.elements for node in element_nodes(element)}
    name, node = corners.name, corners.node
    while any(word.startswith((name.lower(), node.lower())) for word in words):
        name, node = name + "x", node + "x"
    return replace(corners, name=name, node=node)
