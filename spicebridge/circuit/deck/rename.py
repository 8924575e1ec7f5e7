"""The same deck under other names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import NODE_FIELDS
from spicebridge.expressions.tree import BranchCurrent, Call, Expression, NodeVoltage, Parameter, rebuild

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")
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
    return renamer.record(deck)


_EXPRESSIONS = get_args(Expression)


@dataclass
class _Renamer:
    """Walks the records of a deck; what a text means follows from the field that holds it."""

    nodes: Mapping[str, str]
    parameters: Mapping[str, str]
    subcircuits: Mapping[str, str]
    functions: Mapping[str, str]
    label: Label
    elements: Mapping[str, str] = field(default_factory=dict)

    def record(self, e: Record) -> Record:
        outer = self.elements
        if isinstance(e, (ir.Deck, ir.Subcircuit)):
            self.elements = self.label(e.elements)
        changed = {f.name: self.renamed(e, f.name, getattr(e, f.name)) for f in fields(e)}
        self.elements = outer
        return replace(e, **changed)

    def renamed(self, owner: object, name: str, value: Any) -> object:
        if name in NODE_FIELDS:
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

    def value(self, value: object) -> object:
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
