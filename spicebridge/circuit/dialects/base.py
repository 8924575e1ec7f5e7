"""What every dialect shares: expression text by precedence, name checks, the protocol.

Formatting lives in this folder and nowhere else. Output is byte-deterministic: it depends on the deck
alone. ``format_*`` returns text, ``write_*`` writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from spicebridge.circuit.deck import Deck, Subcircuit, element_nodes
from spicebridge.circuit.expressions import (
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Time,
    Unary,
    Value,
    walk,
)
from spicebridge.errors import DeckError
from spicebridge.quantities import format_number

PRODUCT_LIMIT = 8
"""Largest whole exponent written as a product instead of a power."""

_PRECEDENCE = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
}
_ATOM = 9


class Dialect(Protocol):
    """Deck -> text for one simulator. `name` is the word people use, `suffix` the usual file ending."""

    name: str
    suffix: str

    def format_deck(self, deck: Deck) -> str:
        """Return the whole netlist. Raises `DeckError` for what the dialect cannot say."""
        ...


@dataclass(frozen=True)
class ExpressionStyle:
    """How one simulator writes expressions.

    `functions` maps our names to its own (absent: same name); `templates` maps names to format strings
    over positional arguments; `parameter` and `time` are format strings; `powers` gives the format for
    "real", "abs" and "signed"; `operators` renames binary operators.
    """

    functions: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    unsupported: frozenset[str] = frozenset()
    parameter: str = "({{{0}}})"
    time: str = "time"
    conditional: str = "({0} ? {1} : {2})"
    powers: Mapping[str, str] = field(
        default_factory=lambda: {"real": "pow({0},{1})", "abs": "pow(abs({0}),{1})", "signed": "pwr({0},{1})"}
    )
    operators: Mapping[str, str] = field(default_factory=dict)
    negation: str = "!{0}"
    voltage: str = "V({0})"
    voltage_pair: str = "V({0},{1})"
    current: str = "I({0})"

    def format(self, expression: Value) -> str:
        """Return the text of `expression`."""
        return self._format(expression)[0]

    def _format(self, e: Value) -> tuple[str, int]:
        match e:
            case float() | int():
                return self._number(float(e))
            case Number(value):
                return self._number(value)
            case Parameter(name):
                return self.parameter.format(name), _ATOM
            case NodeVoltage(plus, minus):
                if minus == "0":
                    return self.voltage.format(plus), _ATOM
                return self.voltage_pair.format(plus, minus), _ATOM
            case BranchCurrent(source):
                return self.current.format(source), _ATOM
            case Time():
                return self.time, _ATOM
            case Unary("-", x):
                return f"(-{self._wrap(x, _ATOM)})", _ATOM
            case Unary("!", x):
                return f"({self.negation.format(self._wrap(x, _ATOM))})", _ATOM
            case Binary(op, x, y):
                level = _PRECEDENCE[op]
                strict = level + 1
                left = self._wrap(x, strict if 3 <= level <= 4 else level)
                return f"{left}{self._operator(op)}{self._wrap(y, strict)}", level
            case Power(x, y, kind):
                return self._power(x, y, kind)
            case Call(name, arguments):
                return self._call(name, [self._format(x)[0] for x in arguments]), _ATOM
            case Conditional(test, yes, no):
                parts = (self._wrap(test, 5), self._format(yes)[0], self._format(no)[0])
                return self.conditional.format(*parts), _ATOM
        raise DeckError(f"{e!r} is no expression")

    def _number(self, value: float) -> tuple[str, int]:
        text = format_number(value)
        return (f"({text})", _ATOM) if text.startswith("-") else (text, _ATOM)

    def _operator(self, op: str) -> str:
        op = self.operators.get(op, op)
        return op if op in ("*", "/") else f" {op} " if len(op) > 1 or op in "<>" else op

    def _wrap(self, e: Value, level: int) -> str:
        text, own = self._format(e)
        return text if own >= level else f"({text})"

    def _power(self, base: Value, exponent: Value, kind: str) -> tuple[str, int]:
        order = exponent.value if isinstance(exponent, Number) else None
        if kind == "real" and order is not None and float(order).is_integer() and 1 <= order <= PRODUCT_LIMIT:
            factor = self._wrap(base, _ATOM)
            return "*".join([factor] * int(order)), (6 if order > 1 else _ATOM)
        text = self.powers[kind].format(self._format(base)[0], self._format(exponent)[0])
        return text, _ATOM

    def _call(self, name: str, arguments: list[str]) -> str:
        if name in self.unsupported:
            raise DeckError(f"function {name!r} cannot be written in this dialect")
        if name in self.templates:
            return self.templates[name].format(*arguments)
        return f"{self.functions.get(name, name)}({','.join(arguments)})"


RESERVED = frozenset({"time", "temper", "hertz", "temp", "pi", "e", "boltz", "echarge", "kelvin", "planck", "yes", "no", "true", "false"})
_NAME = re.compile(r"[A-Za-z0-9_.:#+\[\]-]+\Z")


def check_names(deck: Deck) -> None:
    """Raise `DeckError` for names that collide when case folds, are reserved, or cannot be written."""
    _check_scope("deck", deck.elements)
    reserved = {name.lower() for name, _ in deck.parameters} & RESERVED
    if reserved:
        raise DeckError(f"parameter {min(reserved)!r} is a reserved word of simulators; rename it")
    stack: list[Subcircuit] = list(deck.subcircuits)
    seen: set[str] = set()
    for sub in stack:
        if sub.name.lower() in seen:
            raise DeckError(f"subcircuit {sub.name!r} is defined twice when case folds; rename one")
        seen.add(sub.name.lower())
    while stack:
        sub = stack.pop()
        _check_scope(f"subcircuit {sub.name}", sub.elements)
        stack.extend(sub.subcircuits)


def _check_scope(where: str, elements: Iterable[object]) -> None:
    names: dict[str, str] = {}
    nodes: dict[str, str] = {}
    for element in elements:
        name: str = element.name  # type: ignore[attr-defined]
        folded = name.lower()
        if folded in names:
            raise DeckError(
                f"{where}: elements {names[folded]!r} and {name!r} have the same name when case folds; rename one"
            )
        names[folded] = name
        for node in element_nodes(element):  # type: ignore[arg-type]
            known = nodes.setdefault(node.lower(), node)
            if known != node:
                raise DeckError(f"{where}: nodes {known!r} and {node!r} are one when case folds; rename one")
    for text in (*names.values(), *nodes.values()):
        if not _NAME.match(text):
            raise DeckError(f"{where}: name {text!r} must be letters, digits and _.:#; rename it")


def has_signals(value: Value) -> bool:
    """Whether a value depends on voltages, currents or time (and so is behavioural)."""
    if isinstance(value, (int, float)):
        return False
    return any(isinstance(e, (NodeVoltage, BranchCurrent, Time)) for e in walk(value))


def one_line(text: str) -> str:
    """A comment made safe: control characters and line ends become spaces."""
    return "".join(c if c.isprintable() else " " for c in text)


def wrapped(head: str, items: Iterable[str], width: int = 100) -> list[str]:
    """Lay `items` after `head` over continuation lines."""
    lines = [head]
    for item in items:
        if len(lines[-1]) + len(item) + 1 > width and lines[-1] not in (head, "+"):
            lines.append("+")
        lines[-1] += f" {item}"
    return lines
