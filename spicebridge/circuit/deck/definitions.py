"""Subcircuit definitions prepared for expansion, and the places where they are expanded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import NoReturn, TypeVar, get_args

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.parameter_scopes import Macros, Scope, ScopeError, expand, expand_functions
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Value, walk

ELEMENT_KINDS: tuple[type[ir.Element], ...] = get_args(ir.Element)
VALUE_FIELDS = {
    kind: tuple(f.name for f in fields(kind) if f.name in ("value", "expression", "gain", "initial"))
    for kind in ELEMENT_KINDS
}


class Located:
    """Raises errors at the place where a part of the deck was read, if that is known."""

    def __init__(self, sources: ir.Sources | None) -> None:
        self.sources = sources

    def fail(self, scope: str, kind: str, name: str, message: str) -> NoReturn:
        """Raise `DeckError` for the part of that scope, kind ("element", "parameter" …) and name."""
        raise DeckError(message if self.sources is None else self.sources.describe(scope, kind, name, message))


@dataclass
class Definition:
    """A scope prepared once: its functions, models and subcircuits by folded name, functions expanded."""

    scope: str
    name: str
    body: ir.Deck | ir.Subcircuit
    outer: Definition | None
    functions: Macros
    subcircuits: dict[str, Definition] = field(default_factory=dict)
    models: dict[str, ir.Model] = field(default_factory=dict)
    elements: tuple[ir.Element, ...] = ()
    names: dict[str, ir.Element] = field(default_factory=dict)
    terms: int = 0

    def outward(self) -> Iterator[Definition]:
        """This scope and those around it: the first that has a name is the one that is meant."""
        scope: Definition | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


@dataclass(frozen=True, slots=True)
class Size:
    """Elements and instances, and terms of their expressions."""

    elements: int = 0
    terms: int = 0


def expanded_sizes(top: Definition) -> dict[int, Size]:
    """id of every definition used from `top` on -> its size when all instances are expanded.

    Each definition is counted once, whatever the number of its instances. Circles, which the expansion
    itself refuses, count as nothing.
    """
    sizes: dict[int, Size] = {}
    stack = [(top, False)]
    while stack:
        made, inside_done = stack.pop()
        inside = [x for e in made.elements if isinstance(e, ir.Instance) and (x := used(made, e)) is not None]
        if inside_done:
            parts = [sizes[id(x)] for x in inside]
            elements, terms = (sum(getattr(part, name) for part in parts) for name in ("elements", "terms"))
            sizes[id(made)] = Size(len(made.elements) + elements, made.terms + terms)
        elif id(made) not in sizes:
            sizes[id(made)] = Size()
            stack.append((made, True))
            stack += [(x, False) for x in inside]
    return sizes


def used(scope: Definition, instance: ir.Instance) -> Definition | None:
    """The definition that an instance in `scope` means, or None."""
    name = instance.subcircuit.lower()
    return next((around.subcircuits[name] for around in scope.outward() if name in around.subcircuits), None)


@dataclass
class InstancePlace:
    """One instance of a definition. `path` is the dotted chain of instances; `nodes` maps folded local nodes
    to flat ones, `models` folded local models likewise."""

    definition: Definition
    path: str
    nodes: dict[str, str]
    scope: Scope
    outer: InstancePlace | None
    depth: int = 0
    models: dict[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    def node(self, name: str) -> str:
        """The flat name of a node."""
        folded = name.lower()
        known = self.nodes.get(folded)
        if known is not None:
            return known
        if folded in ("0", "gnd"):
            made = "0"
        elif self.outer is not None:
            made = self.outer.node(name) if folded in self.shared else f"{self.path}.{folded}"
        else:
            made = folded if "." in folded else name
        self.nodes[folded] = made
        return made

    def element(self, name: str) -> str:
        """The flat name of an element: its letter stays in front."""
        if not self.path:
            return name
        folded = name.lower()
        return f"{folded[0]}.{self.path}.{folded}"


@dataclass(frozen=True, slots=True)
class FlatSources:
    """Places of a flat deck: those of the definitions its elements come from."""

    base: ir.Sources
    origins: Mapping[str, tuple[str, str]]

    def describe(self, scope: str, kind: str, name: str, message: str) -> str:
        """See `Sources`."""
        if kind == "element":
            scope, name = self.origins.get(name.lower(), (scope, name))
        return self.base.describe(scope, kind, name, message)


def prepare(body: ir.Deck | ir.Subcircuit, outer: Definition | None, located: Located) -> Definition:
    """Expand functions in a definition and in those inside it, which nest a few levels deep at most.

    Raises located `DeckError` for names defined twice and functions that cannot be expanded.
    """
    name = body.name if isinstance(body, ir.Subcircuit) else ""
    scope = name.lower() if outer is None or not outer.scope else f"{outer.scope}.{name.lower()}"
    try:
        functions = expand_functions(body.functions, {} if outer is None else outer.functions)
    except ScopeError as error:
        located.fail(scope, error.kind, error.name, error.message)
    made = Definition(scope, name, body, outer, functions)
    for model in body.models:
        _once(located, made, made.models, "model", model.name, model)
    for sub in body.subcircuits:
        inner = prepare(sub, made, located)
        _once(located, made, made.subcircuits, "subcircuit", sub.name, inner)
    made.elements = tuple(_expanded(located, made, e) for e in body.elements)
    for element in made.elements:
        _once(located, made, made.names, "element", element.name, element)
    return made


Part = TypeVar("Part")


def _once(located: Located, made: Definition, table: dict[str, Part], kind: str, name: str, value: Part) -> None:
    if name.lower() in table:
        located.fail(made.scope, kind, name, f"{kind} {name} is defined twice; rename one")
    table[name.lower()] = value


def _expanded(located: Located, made: Definition, element: ir.Element) -> ir.Element:
    changes: dict[str, Value] = {}
    for name in VALUE_FIELDS[type(element)]:
        value = getattr(element, name)
        if value is None or isinstance(value, (int, float)):
            continue
        try:
            new = expand(value, made.functions)
            made.terms += sum(1 for _ in walk(new))
        except DeckError as error:
            located.fail(made.scope, "element", element.name, f"{element.name}: {error}")
        if new is not value:
            changes[name] = new
    return replace(element, **changes) if changes else element  # type: ignore[arg-type]
