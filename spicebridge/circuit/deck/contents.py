"""What the elements of a deck touch, read and hold, and every scope of it."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from spicebridge.circuit.deck import elements as ir
from spicebridge.expressions.tree import BranchCurrent, Expression, NodeVoltage, walk

NODE_FIELDS = ("plus", "minus", "control_plus", "control_minus")
CONTROLLED_VOLTAGES = (ir.VoltageControlledVoltage, ir.CurrentControlledVoltage, ir.BehaviouralVoltage)
CONTROLLED_CURRENTS = (ir.VoltageControlledCurrent, ir.CurrentControlledCurrent, ir.BehaviouralCurrent)
CARRIERS = (ir.VoltageSourceElement, *CONTROLLED_VOLTAGES, ir.InductorElement)
"""Elements whose current is an unknown of the circuit, so that others may take it."""

Scope = ir.Deck | ir.Subcircuit
ScopeKind = TypeVar("ScopeKind", ir.Deck, ir.Subcircuit)


def scopes(deck: ir.Deck) -> Iterator[Scope]:
    """The deck, then every definition in it, an outer one before those inside it."""
    stack: list[Scope] = [deck]
    while stack:
        scope = stack.pop()
        yield scope
        stack.extend(reversed(scope.subcircuits))


def all_elements(deck: ir.Deck) -> Iterator[ir.Element]:
    """The elements of every scope."""
    return (element for scope in scopes(deck) for element in scope.elements)


@functools.cache
def _node_fields(kind: type) -> Callable[[ir.Element], tuple[str, ...]]:
    names = [name for name in NODE_FIELDS if hasattr(kind, name)]
    return operator.attrgetter(*names)


def element_nodes(element: ir.Element) -> tuple[str, ...]:
    """The nodes an element touches, controls included; fast, for decks of a million elements."""
    if isinstance(element, ir.Instance):
        return element.nodes
    kind: type = type(element)
    return _node_fields(kind)(element)


def trees(element: ir.Element) -> dict[str, Expression]:
    """The expressions of an element by field; what is a plain number is none."""
    found = {name: getattr(element, name, None) for name in ("value", "expression")}
    return {name: tree for name, tree in found.items() if tree is not None and not isinstance(tree, (int, float))}


def with_trees(element: ir.Element, change: Callable[[Expression], Expression]) -> ir.Element:
    """The element with `change` made to its expressions; itself if that changes nothing."""
    changes = {name: new for name, tree in trees(element).items() if (new := change(tree)) is not tree}
    return replace(element, **changes) if changes else element  # type: ignore[arg-type]


def inputs(element: ir.Element) -> tuple[list[NodeVoltage], list[str]]:
    """The voltages, and the sources (lower case) whose currents, that decide what an element does besides its own
    terminals."""
    leaves = [leaf for tree in trees(element).values() for leaf in walk(tree)]
    nodes = [leaf for leaf in leaves if isinstance(leaf, NodeVoltage)]
    sources = [leaf.source.lower() for leaf in leaves if isinstance(leaf, BranchCurrent)]
    if isinstance(element, (ir.VoltageControlledCurrent, ir.VoltageControlledVoltage, ir.Switch)):
        nodes.append(NodeVoltage(element.control_plus, element.control_minus))
    if isinstance(element, (ir.CurrentControlledCurrent, ir.CurrentControlledVoltage)):
        sources.append(element.source.lower())
    return nodes, sources
