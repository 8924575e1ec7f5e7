"""What is being read: one frame per open scope, and where its parts stand in the text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import with_trees
from spicebridge.circuit.reader.lines import NetlistCard
from spicebridge.expressions.tree import BranchCurrent, Expression, Value, rebuild


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

    def finished(self) -> tuple[ir.Element, ...]:
        """The elements; currents of E sources that became B sources follow the new name."""
        if not self.renamed:
            return tuple(self.elements)
        return tuple(_follow(element, self.renamed) for element in self.elements)

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
