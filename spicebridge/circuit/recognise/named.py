"""What the name and the parameters of a subcircuit call promise about the edge inside it.

A promise only: `laws` believes it when the elements of the flat deck keep it, so that a stranger's
subcircuit of the same name is read by what it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.flatten import constant
from spicebridge.errors import DeckError, DeviceError
from spicebridge.expressions.tree import Call, Number, Value, walk
from spicebridge.laws import LAWS, LinearMemristor, PiecewiseMemristor, Resistor
from spicebridge.laws.base import parameter_names

CURVES = ("linear", "exponential")
_INSIDE = re.compile(r"^[a-z]\.(.+)\.[^.]+$")
_TABLE_PINS = (("up", 4), ("down", 5))


@dataclass(frozen=True)
class NamedLaw:
    """A device without its window, and the signs P and J."""

    device: Any
    P: float
    J: float


def instance_of(deck: ir.Deck, element: str) -> ir.Instance | None:
    """The call at the top of `deck` from which an element of its flat form came."""
    match = _INSIDE.match(element)
    if match is None or "." in match[1]:
        return None
    try:
        found = deck.element(match[1])
    except KeyError:
        return None
    return found if isinstance(found, ir.Instance) else None


def named_law(deck: ir.Deck, call: ir.Instance) -> NamedLaw | None:
    """The law that a call's subcircuit has by its name; None for other names or unfit numbers."""
    numbers = _numbers(deck, call)
    if numbers is None:
        return None
    P, J = numbers.pop("active", 1.0), numbers.pop("polarity", 1.0)
    try:
        device = _device(deck, call, numbers)
    except (DeviceError, TypeError):
        return None
    return None if device is None or abs(P) != 1.0 or abs(J) != 1.0 else NamedLaw(device, P, J)


def _numbers(deck: ir.Deck, call: ir.Instance) -> dict[str, float] | None:
    given: dict[str, Value] = {}
    for sub in deck.subcircuits:
        if sub.name.lower() == call.subcircuit.lower():
            given = {name.lower(): value for name, value in sub.parameters}
    given |= {name.lower(): value for name, value in call.parameters}
    try:
        return {name: constant(value, deck.parameters, deck.functions) for name, value in given.items()}
    except DeckError:
        return None


def _device(deck: ir.Deck, call: ir.Instance, numbers: Mapping[str, float]) -> Any:
    name = call.subcircuit.lower()
    for law in LAWS.values():
        kind = law.device
        if kind is Resistor:
            continue
        if kind is LinearMemristor:
            fixed = dict(law.fixed)
            if name.startswith(f"{fixed['law']}_"):
                return _made(kind, numbers, **fixed, control=name.removeprefix(f"{fixed['law']}_"))
        elif kind is PiecewiseMemristor:
            tables = {pin: _table(deck, call, position) for pin, position in _TABLE_PINS}
            if name == kind.spice_model and None not in tables.values():
                return _made(kind, numbers, **tables)
        elif hasattr(kind, "curve"):
            for curve in CURVES:
                made = _made(kind, numbers, curve=curve) if _fits(kind, numbers) else None
                if made is not None and made.spice_model == name:
                    return made
        elif _fits(kind, numbers):
            made = _made(kind, numbers)
            # A law with variants has one name per edge.
            if made.spice_model in (name, (name,)):
                return made
    return None


def _made(kind: Any, numbers: Mapping[str, float], **other: Any) -> Any:
    own = {name: numbers[name] for name in parameter_names(kind) if name in numbers}
    return kind(**own, **other)


def _fits(kind: type, numbers: Mapping[str, float]) -> bool:
    return set(numbers) <= set(parameter_names(kind))


def _table(deck: ir.Deck, call: ir.Instance, position: int) -> tuple[tuple[float, float], ...] | None:
    """The points of the table that feeds a pin of the call."""
    if position >= len(call.nodes):
        return None
    pin = call.nodes[position].lower()
    for element in deck.elements:
        if isinstance(element, ir.BehaviouralCurrent) and pin in (element.plus.lower(), element.minus.lower()):
            for e in walk(element.expression):
                if isinstance(e, Call) and e.function == "table":
                    numbers = [n.value for n in e.arguments[1:] if isinstance(n, Number)]
                    return tuple(zip(numbers[0::2], numbers[1::2], strict=False))
    return None
