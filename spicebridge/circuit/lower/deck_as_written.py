"""A deck that was given, ready to run and to be read back edge by edge of the network found in it.

The elements are the deck's own; solver options, saved vectors and the step are ours, because an error bar
needs runs whose error goes with the step.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spicebridge.circuit.deck.contents import element_nodes
from spicebridge.circuit.deck.elements import CapacitorElement, Deck, InductorElement, Transient
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.lower.corners import Clock, Corners
from spicebridge.circuit.lower.lowered_network import ACCURATE, Lowered
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
    deck = _started(deck)
    tran = _transient(deck)
    steps = replace(tran, start=0.0, step=step, max_step=step)
    run = replace(deck.with_options(**dict(ACCURATE)), transient=steps, save=signals.vectors())
    corners = Corners.of(found.network.waveforms_of_sources, float(tran.stop), closer=other_kind, clock=clock)
    if corners is not None:
        corners = _named_apart(corners, deck)
    return Lowered(run, signals, corners=corners)


def lowered_as_written(deck: Deck, found: Recognised) -> Lowered:
    """Return `deck` with its states as signals and nothing else changed. Raises `DeckError` without .tran."""
    _transient(deck)
    signals = _states(found)
    return Lowered(replace(deck, save=signals.vectors()), signals)


def _started(deck: Deck) -> Deck:
    """A deck under uic with the same start by .ic of every grounded capacitor, so that its first row is at 0.

    A floating capacitor or an inductor has no such node: the deck is then left as it is.
    """
    tran = _transient(deck)
    if not tran.uic:
        return deck
    flat = flatten(deck)
    initial = {node.lower(): (node, value) for node, value in flat.initial_conditions}
    for element in flat.elements:
        if isinstance(element, InductorElement) or (
            isinstance(element, CapacitorElement) and "0" not in (element.plus, element.minus)
        ):
            return deck
        if isinstance(element, CapacitorElement):
            node, sign = (element.plus, 1.0) if element.minus == "0" else (element.minus, -1.0)
            given = initial.get(node.lower(), (node, 0.0))[1]
            own = element.initial
            assert isinstance(given, float)
            initial[node.lower()] = node, sign * own if isinstance(own, float) else given
    elements = tuple(replace(e, initial=None) if isinstance(e, CapacitorElement) else e for e in flat.elements)
    return replace(
        flat, elements=elements, initial_conditions=tuple(initial.values()), transient=replace(tran, uic=False)
    )


def _transient(deck: Deck) -> Transient:
    if deck.transient is None:
        raise DeckError("the deck has no .tran; add one, so that the circuit can be run")
    return deck.transient


def _states(found: Recognised) -> Signals:
    signals = Signals(found.network, ("state",))
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
