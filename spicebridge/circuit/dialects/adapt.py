"""Deck -> Deck: circuits of the same meaning for simulators that lack an element or read one differently.

Every function returns the deck itself where there is nothing to change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import ScopeKind, all_elements, inputs
from spicebridge.circuit.deck.rename import rename
from spicebridge.circuit.dialects.dialect import has_signals
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Binary, Expression, NodeVoltage, Time, as_expression, call

Change = Callable[[ir.Element], ir.Element]


def map_elements(scope: ScopeKind, change: Change) -> ScopeKind:
    """The deck with `change` applied to every element, those of subcircuits included."""
    subs = tuple(map_elements(sub, change) for sub in scope.subcircuits)
    return replace(scope, elements=tuple(map(change, scope.elements)), subcircuits=subs)


def lines_from_zero(deck: ir.Deck) -> ir.Deck:
    """A first point at t = 0 for every PWL: simulators differ on what comes before the first one."""

    def change(e: ir.Element) -> ir.Element:
        if not isinstance(e, (ir.VoltageSourceElement, ir.CurrentSourceElement)) or not isinstance(e.wave, ir.PwlWave):
            return e
        points = e.wave.points
        first = points[0][0]
        if isinstance(first, (int, float)) and first <= 0.0:
            return e
        return replace(e, wave=ir.PwlWave(((0.0, points[0][1]), *points)))

    return map_elements(deck, change)


def resistors_as_sources(deck: ir.Deck) -> ir.Deck:
    """Behavioural resistors as current sources: v/R flows from plus to minus. R must not be zero."""

    wanted: dict[str, str] = {}

    def change(e: ir.Element) -> ir.Element:
        if not isinstance(e, ir.ResistorElement) or isinstance(e.value, (int, float)) or not has_signals(e.value):
            return e
        wanted[f"b{e.name}".lower()] = e.name
        current = Binary("/", NodeVoltage(e.plus, e.minus), e.value)
        return ir.BehaviouralCurrent(f"B{e.name}", e.plus, e.minus, current, e.comment)

    made = map_elements(deck, change)
    _check_free(deck, wanted)
    return made


def _check_free(deck: ir.Deck, wanted: Mapping[str, str]) -> None:
    for e in all_elements(deck):
        if e.name.lower() in wanted:
            raise DeckError(
                f"element {wanted[e.name.lower()]!r} has to be written as {e.name!r} here, and that name is "
                "taken; rename one"
            )


def shifted_sines(deck: ir.Deck, *, every_phase: bool = False) -> ir.Deck:
    """Sines with both a delay and a phase, or with `every_phase` all with a phase, as behavioural sources.

    Before the delay a sine holds its value at `phase`; where a simulator's manual is silent on that, time is
    written out: offset + amplitude exp(-damping s) sin(2 pi frequency s + phase), s = max(t - delay, 0).
    """

    def change(e: ir.Element) -> ir.Element:
        if not isinstance(e, (ir.VoltageSourceElement, ir.CurrentSourceElement)) or not isinstance(e.wave, ir.SinWave):
            return e
        if e.wave.phase == 0.0 or (e.wave.delay == 0.0 and not every_phase):
            return e
        kind = ir.BehaviouralVoltage if isinstance(e, ir.VoltageSourceElement) else ir.BehaviouralCurrent
        return kind(f"B{e.name}", e.plus, e.minus, sine(e.wave), e.comment)

    def label(elements: tuple[ir.Element, ...]) -> dict[str, str]:
        return {e.name[1:].lower(): e.name for e in elements if e in fresh}

    fresh = {change(e) for e in all_elements(deck) if change(e) is not e}
    if not fresh:
        return deck
    _check_free(deck, {e.name.lower(): e.name[1:] for e in fresh})
    return rename(map_elements(deck, change), label=label)


def sine(wave: ir.SinWave) -> Expression:
    """The wave as an expression of time."""
    offset, amplitude, frequency, delay, damping, phase = map(
        as_expression, (wave.offset, wave.amplitude, wave.frequency, wave.delay, wave.damping, wave.phase)
    )
    since = call("max", Time() - delay, 0.0)
    swing: Expression = call("sin", 2.0 * math.pi * frequency * since + math.pi / 180.0 * phase)
    if wave.damping != 0.0:
        swing = call("exp", -(damping * since)) * swing
    return offset + amplitude * swing


def as_controlled_sources(deck: ir.Deck) -> ir.Deck:
    """Behavioural sources under the letter of controlled ones, G for a current and E for a voltage.

    The new name is the old one behind that letter, with further letters where it is taken.
    """

    def label(elements: Iterable[ir.Element]) -> dict[str, str]:
        taken = {e.name.lower() for e in elements}
        names: dict[str, str] = {}
        for e in elements:
            if isinstance(e, (ir.BehaviouralCurrent, ir.BehaviouralVoltage)):
                letter = "G" if isinstance(e, ir.BehaviouralCurrent) else "E"
                name = letter + e.name
                while name.lower() in taken:
                    name = letter + name
                taken.add(name.lower())
                names[e.name.lower()] = name
        return names

    return rename(deck, label=label)


def probed_sources(deck: ir.Deck) -> dict[str, str]:
    """Names (lower case) of elements whose current others use -> who uses it first."""
    users: dict[str, str] = {}
    for e in all_elements(deck):
        for source in inputs(e)[1]:
            users.setdefault(source, e.name)
    return users


def require_voltage_sources(deck: ir.Deck, simulator: str) -> None:
    """Raise `DeckError` where a current is taken through anything but an independent voltage source."""
    users = probed_sources(deck)
    kinds = {e.name.lower(): e for e in all_elements(deck)}
    for source, user in users.items():
        found = kinds.get(source)
        if found is not None and not isinstance(found, ir.VoltageSourceElement):
            raise DeckError(
                f"element {user!r} takes the current of {found.name!r}, and {simulator} allows that for "
                "independent voltage sources only; put one of 0 V in series and take its current"
            )
