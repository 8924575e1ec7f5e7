"""I(element) of elements that are no voltage source: what flows through them, from their own equation.

LTspice, Xyce, HSPICE and PSpice know the current of every element. Here only sources of voltage and inductors carry
one, so the current of another is written out:

    I(R) = V(a,b)/R,  I(G) = gain V(c,d),  I(F) = gain I(source),  I(B) = its expression
"""

from __future__ import annotations

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import CARRIERS, with_trees
from spicebridge.circuit.reader.rules import ReadingRules
from spicebridge.circuit.reader.scope_stack import Frame
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import BranchCurrent, Expression, NodeVoltage, Value, as_expression, rebuild

DEEPEST = 50
"""Currents that may be written in terms of one another in a chain."""


def expanded_currents(frame: Frame, dialect: ReadingRules) -> tuple[ir.Element, ...]:
    """The elements of a scope; raises `DeckError` at the element that asks for a current that is not known."""
    elements = frame.finished()
    if not dialect.every_current:
        return elements
    names = {e.name.lower(): e for e in elements} | {
        old: e for old, new in frame.renamed.items() for e in elements if e.name == new
    }
    return tuple(_expanded(e, names) for e in elements)


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
