"""Deck -> Deck: circuits of the same meaning for simulators that lack an element or read one differently.

Every function returns the deck itself where there is nothing to change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, get_args

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.base import has_signals
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import (
    Binary,
    BranchCurrent,
    Call,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Time,
    Unary,
    Value,
    rebuild,
    walk,
)

Change = Callable[[ir.Element], ir.Element]


def map_elements(deck: ir.Deck, change: Change) -> ir.Deck:
    """The deck with `change` applied to every element, those of subcircuits included."""
    elements = tuple(change(e) for e in deck.elements)
    subs = tuple(_map_sub(s, change) for s in deck.subcircuits)
    return replace(deck, elements=elements, subcircuits=subs)


def _map_sub(sub: ir.Subcircuit, change: Change) -> ir.Subcircuit:
    return replace(
        sub,
        elements=tuple(change(e) for e in sub.elements),
        subcircuits=tuple(_map_sub(s, change) for s in sub.subcircuits),
    )


def lines_from_zero(deck: ir.Deck) -> ir.Deck:
    """A first point at t = 0 for every PWL: simulators differ on what comes before the first one."""

    def change(e: ir.Element) -> ir.Element:
        if not isinstance(e, (ir.VoltageSource, ir.CurrentSource)) or not isinstance(e.wave, ir.PwlWave):
            return e
        points = e.wave.points
        first = points[0][0]
        if isinstance(first, (int, float)) and first <= 0.0:
            return e
        return replace(e, wave=ir.PwlWave(((0.0, points[0][1]), *points)))

    return map_elements(deck, change)


def resistors_as_sources(deck: ir.Deck) -> ir.Deck:
    """Behavioural resistors as current sources: v/R flows from plus to minus. R must not be zero."""

    def change(e: ir.Element) -> ir.Element:
        if not isinstance(e, ir.Resistor) or isinstance(e.value, (int, float)) or not has_signals(e.value):
            return e
        current = Binary("/", NodeVoltage(e.plus, e.minus), e.value)
        return ir.BehaviouralCurrent(f"B{e.name}", e.plus, e.minus, current, e.comment)

    _check_free(deck, {f"b{e.name}".lower(): e.name for e in _all(deck) if _behavioural_resistor(e)})
    return map_elements(deck, change)


def _behavioural_resistor(e: ir.Element) -> bool:
    return isinstance(e, ir.Resistor) and has_signals(e.value)


def _check_free(deck: ir.Deck, wanted: Mapping[str, str]) -> None:
    for e in _all(deck):
        if e.name.lower() in wanted:
            raise DeckError(
                f"element {wanted[e.name.lower()]!r} has to be written as {e.name!r} here, and that name is "
                "taken; rename one"
            )


def _all(deck: ir.Deck) -> Iterable[ir.Element]:
    yield from deck.elements
    stack = list(deck.subcircuits)
    while stack:
        sub = stack.pop()
        yield from sub.elements
        stack.extend(sub.subcircuits)


def shifted_sines(deck: ir.Deck, *, every_phase: bool = False) -> ir.Deck:
    """Sines with both a delay and a phase, or with `every_phase` all with a phase, as behavioural sources.

    Before the delay a sine holds its value at `phase`; where a simulator's manual is silent on that, time is
    written out: offset + amplitude exp(-damping s) sin(2 pi frequency s + phase), s = max(t - delay, 0).
    """

    def change(e: ir.Element) -> ir.Element:
        if not isinstance(e, (ir.VoltageSource, ir.CurrentSource)) or not isinstance(e.wave, ir.SinWave):
            return e
        if e.wave.phase == 0.0 or (e.wave.delay == 0.0 and not every_phase):
            return e
        kind = ir.BehaviouralVoltage if isinstance(e, ir.VoltageSource) else ir.BehaviouralCurrent
        return kind(f"B{e.name}", e.plus, e.minus, sine(e.wave), e.comment)

    def label(elements: tuple[ir.Element, ...]) -> dict[str, str]:
        return {e.name[1:].lower(): e.name for e in elements if e in fresh}

    fresh = {change(e) for e in _all(deck) if change(e) is not e}
    if not fresh:
        return deck
    _check_free(deck, {e.name.lower(): e.name[1:] for e in fresh})
    return rename(map_elements(deck, change), label=label)


def sine(wave: ir.SinWave) -> Expression:
    """The wave as an expression of time."""
    since = Call("max", (Binary("-", Time(), _tree(wave.delay)), Number(0.0)))
    radians = Binary("*", Number(math.pi / 180.0), _tree(wave.phase))
    angle = Binary("*", Binary("*", Number(2.0 * math.pi), _tree(wave.frequency)), since)
    swing: Expression = Call("sin", (Binary("+", angle, radians),))
    if wave.damping != 0.0:
        decay = Call("exp", (Unary("-", Binary("*", _tree(wave.damping), since)),))
        swing = Binary("*", decay, swing)
    return Binary("+", _tree(wave.offset), Binary("*", _tree(wave.amplitude), swing))


def _tree(value: Value) -> Expression:
    return Number(float(value)) if isinstance(value, (int, float)) else value


def relabel(deck: ir.Deck, letter: Callable[[ir.Element], str]) -> ir.Deck:
    """Elements whose first letter a simulator takes for something else get `letter(element)` in front.

    The new name is the old one behind that letter, with further letters where it is taken.
    """

    def label(elements: Iterable[ir.Element]) -> dict[str, str]:
        taken = {e.name.lower() for e in elements}
        names: dict[str, str] = {}
        for e in elements:
            wanted = letter(e)
            if wanted.lower() == e.name[0].lower():
                continue
            name = wanted + e.name
            while name.lower() in taken:
                name = wanted + name
            taken.add(name.lower())
            names[e.name.lower()] = name
        return names

    return rename(deck, label=label)


Label = Callable[[tuple[ir.Element, ...]], Mapping[str, str]]


def rename(
    deck: ir.Deck,
    *,
    nodes: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    subcircuits: Mapping[str, str] | None = None,
    functions: Mapping[str, str] | None = None,
    label: Label | None = None,
) -> ir.Deck:
    """The deck under other names; keys in lower case, names that no mapping has stay.

    `label` gives the new names of the elements of one scope.
    """
    renamer = _Renamer(nodes or {}, parameters or {}, subcircuits or {}, functions or {}, label or (lambda _: {}))
    renamed: ir.Deck = renamer.record(deck)
    return renamed


_NODE_FIELDS = frozenset(("plus", "minus", "control_plus", "control_minus"))


_EXPRESSIONS = get_args(Expression)


class _Renamer:
    """Walks the records of a deck; what a text means follows from the field that holds it."""

    def __init__(
        self,
        nodes: Mapping[str, str],
        parameters: Mapping[str, str],
        subcircuits: Mapping[str, str],
        functions: Mapping[str, str],
        label: Label,
    ) -> None:
        self.nodes = nodes
        self.parameters = parameters
        self.subcircuits = subcircuits
        self.functions = functions
        self.label = label
        self.elements: Mapping[str, str] = {}

    def record(self, e: Any) -> Any:
        outer = self.elements
        if isinstance(e, (ir.Deck, ir.Subcircuit)):
            self.elements = self.label(e.elements)
        changed = {f.name: self.field(e, f.name, getattr(e, f.name)) for f in fields(e)}
        self.elements = outer
        return replace(e, **changed)

    def field(self, owner: Any, name: str, value: Any) -> Any:
        if name in _NODE_FIELDS:
            return self.node(value)
        if name in ("nodes", "pins"):
            return tuple(map(self.node, value))
        if name == "name" and isinstance(owner, ir.Subcircuit):
            return self.subcircuits.get(value.lower(), value)
        if name == "name" and isinstance(owner, ir.Function):
            return self.functions.get(value.lower(), value)
        if name == "subcircuit":
            return self.subcircuits.get(value.lower(), value)
        if name == "source" or (name == "name" and not isinstance(owner, (ir.Function, ir.Model))):
            return self.elements.get(value.lower(), value)
        if name == "initial_conditions":
            return tuple((self.node(n), self.value(v)) for n, v in value)
        if name in ("parameters", "local_parameters") and not isinstance(owner, ir.Model):
            return tuple((self.parameters.get(n.lower(), n), self.value(v)) for n, v in value)
        if name == "arguments":
            return tuple(self.parameters.get(n.lower(), n) for n in value)
        if name in ("parameters", "options", "points"):
            return tuple((self.value(n), self.value(v)) for n, v in value)
        if name == "save":
            return tuple(map(self.vector, value))
        if name in ("elements", "subcircuits", "functions", "models"):
            return tuple(map(self.record, value))
        return self.record(value) if name == "wave" else self.value(value)

    def node(self, name: str) -> str:
        return self.nodes.get(name.lower(), name)

    def value(self, value: Any) -> Any:
        return rebuild(value, self.leaf) if isinstance(value, _EXPRESSIONS) else value

    def leaf(self, e: Expression) -> Expression | None:
        match e:
            case NodeVoltage(plus, minus):
                return NodeVoltage(self.node(plus), self.node(minus))
            case BranchCurrent(source):
                return BranchCurrent(self.elements.get(source.lower(), source))
            case Parameter(name):
                return Parameter(self.parameters.get(name.lower(), name))
            case Call(name, arguments) if name.lower() in self.functions:
                return Call(self.functions[name.lower()], arguments)
        return None

    def vector(self, text: str) -> str:
        kind, _, inside = text[:-1].partition("(")
        table = self.elements if kind.lower() == "i" else self.nodes
        return f"{kind}({','.join(table.get(n.lower(), n).lower() for n in inside.split(','))})"


def probed_sources(deck: ir.Deck) -> dict[str, str]:
    """Names (lower case) of elements whose current others use -> who uses it first."""
    users: dict[str, str] = {}
    for e in _all(deck):
        if isinstance(e, (ir.CurrentControlledCurrent, ir.CurrentControlledVoltage)):
            users.setdefault(e.source.lower(), e.name)
        for name in ("value", "expression"):
            tree = getattr(e, name, None)
            if tree is None or isinstance(tree, (int, float)):
                continue
            for part in walk(tree):
                if isinstance(part, BranchCurrent):
                    users.setdefault(part.source.lower(), e.name)
    return users


def require_voltage_sources(deck: ir.Deck, simulator: str) -> None:
    """Raise `DeckError` where a current is taken through anything but an independent voltage source."""
    users = probed_sources(deck)
    kinds = {e.name.lower(): e for e in _all(deck)}
    for source, user in users.items():
        found = kinds.get(source)
        if found is not None and not isinstance(found, ir.VoltageSource):
            raise DeckError(
                f"element {user!r} takes the current of {found.name!r}, and {simulator} allows that for "
                "independent voltage sources only; put one of 0 V in series and take its current"
            )
