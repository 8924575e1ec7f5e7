"""What is being read: one frame per open scope, and where its parts stand in the text.

LTspice, Xyce, HSPICE and PSpice know the current of every element. Here only sources of voltage and inductors carry
one, so when a scope is closed the current of another is written out, from its own equation:

    I(R) = V(a,b)/R,  I(G) = gain V(c,d),  I(F) = gain I(source),  I(B) = its expression
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import CARRIERS, with_trees
from spicebridge.circuit.reader.lines import NetlistCard
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import BranchCurrent, Expression, NodeVoltage, Value, as_expression, rebuild

DEEPEST = 50
"""Currents that may be written in terms of one another in a chain."""


@dataclass(frozen=True, slots=True)
class CardPlaces:
    """Where the parts of a deck were read: (scope, kind) -> folded name -> card.

    A scope is the dotted path of subcircuit definitions, empty for the top.
    """

    cards: dict[tuple[str, str], dict[str, NetlistCard]] = field(default_factory=dict)

    def table(self, scope: str, kind: str) -> dict[str, NetlistCard]:
        """The cards of one kind in one scope."""
        return self.cards.setdefault((scope, kind), {})

    def describe(self, scope: str, kind: str, name: str, message: str) -> str:
        """`message` with file, line, column and caret, or as it is where the place is not known."""
        card = self.table(scope, kind).get(name.lower())
        if card is None:
            return message
        return card.describe(len(card.text) - len(card.text.lstrip()), message)


@dataclass
class Frame:
    """One scope while it is being read."""

    name: str
    scope: str
    card: NetlistCard | None
    pins: tuple[str, ...] = ()
    parameters: tuple[tuple[str, Value], ...] = ()
    header: tuple[str, ...] = ()
    elements: list[ir.Element] = field(default_factory=list)
    models: list[ir.Model] = field(default_factory=list)
    subcircuits: list[ir.Subcircuit] = field(default_factory=list)
    functions: list[ir.Function] = field(default_factory=list)
    local: dict[str, Value] = field(default_factory=dict)
    initial: dict[str, Value] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    integrals: int = 0

    def finished(self, *, every_current: bool) -> tuple[ir.Element, ...]:
        """The elements; currents of E sources that became B sources follow the new name.

        With `every_current` those of elements that carry none are written out; raises `DeckError` at the element that
        asks for one that is not known.
        """
        elements = tuple(_follow(e, self.renamed) for e in self.elements) if self.renamed else tuple(self.elements)
        if not every_current:
            return elements
        names = {e.name.lower(): e for e in elements} | {
            old: e for old, new in self.renamed.items() for e in elements if e.name == new
        }
        return tuple(_expanded(e, names) for e in elements)

    def subcircuit(self, elements: tuple[ir.Element, ...]) -> ir.Subcircuit:
        """The frame of a subcircuit, closed, with its finished `elements`."""
        return ir.Subcircuit(
            name=self.name,
            pins=self.pins,
            parameters=self.parameters,
            elements=elements,
            models=tuple(self.models),
            subcircuits=tuple(self.subcircuits),
            functions=tuple(self.functions),
            local_parameters=tuple(self.local.items()),
            initial_conditions=tuple(self.initial.items()),
            header=self.header,
        )


def _follow(element: ir.Element, renamed: dict[str, str]) -> ir.Element:
    def change(e: Expression) -> Expression | None:
        new = renamed.get(e.source.lower()) if isinstance(e, BranchCurrent) else None
        return None if new is None else BranchCurrent(new)

    if isinstance(element, (ir.CurrentControlledCurrent, ir.CurrentControlledVoltage)):
        return replace(element, source=renamed.get(element.source.lower(), element.source))
    return with_trees(element, lambda tree: rebuild(tree, change))


# currents of elements that carry none


def _expanded(element: ir.Element, names: dict[str, ir.Element]) -> ir.Element:
    if isinstance(element, (ir.CurrentControlledCurrent, ir.CurrentControlledVoltage)):
        source = names.get(element.source.lower())
        if source is not None and not isinstance(source, CARRIERS):
            flow = as_expression(element.gain) * _current(source, names, (element.name.lower(),))
            kind = ir.BehaviouralCurrent if isinstance(element, ir.CurrentControlledCurrent) else ir.BehaviouralVoltage
            return kind(f"B{element.name}", element.plus, element.minus, flow, element.comment)
    return with_trees(element, lambda tree: _written(tree, names, (element.name.lower(),)))


def _foreign(e: Expression, names: dict[str, ir.Element]) -> bool:
    return isinstance(e, BranchCurrent) and not isinstance(names.get(e.source.lower()), (*CARRIERS, type(None)))


def _written(tree: Value, names: dict[str, ir.Element], seen: tuple[str, ...]) -> Expression:
    def change(e: Expression) -> Expression | None:
        if not _foreign(e, names):
            return None
        assert isinstance(e, BranchCurrent)
        return _current(names[e.source.lower()], names, seen)

    return rebuild(as_expression(tree), change)


def _current(element: ir.Element, names: dict[str, ir.Element], seen: tuple[str, ...]) -> Expression:
    name = element.name.lower()
    if name in seen or len(seen) > DEEPEST:
        raise DeckError(
            f"{element.name}: its current is defined by itself ({' -> '.join([*seen, name])}); solve it for the current"
        )
    seen = (*seen, name)
    match element:
        case ir.ResistorElement():
            return NodeVoltage(element.plus, element.minus) / _written(element.value, names, seen)
        case ir.VoltageControlledCurrent():
            return as_expression(element.gain) * NodeVoltage(element.control_plus, element.control_minus)
        case ir.CurrentControlledCurrent():
            source = names.get(element.source.lower())
            flow: Expression = BranchCurrent(element.source)
            if source is not None and not isinstance(source, CARRIERS):
                flow = _current(source, names, seen)
            return as_expression(element.gain) * flow
        case ir.BehaviouralCurrent():
            return _written(element.expression, names, seen)
        case ir.CurrentSourceElement(wave=ir.DcWave(value)):
            return as_expression(value)
    kind = type(element).__name__.removesuffix("Element").lower()
    raise DeckError(
        f"I({element.name}) is not read: the current of a {kind} is no expression of voltages; "
        "put a voltage source of 0 V in series and take its current"
    )
