"""Deck -> Deck without subcircuits, parameters and functions.

Names follow ngspice, so that vectors of the deck and of its flat form are called alike: node ``m`` of
instance ``X7`` becomes ``x7.m``, its element ``Rmem`` becomes ``r.x7.rmem``. Definitions nest lexically,
parameters dynamically (see ``scopes``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, NoReturn

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import CARRIERS, element_nodes
from spicebridge.circuit.deck.definitions import (
    ELEMENT_KINDS,
    Definition,
    FlatSources,
    InstancePlace,
    Located,
    expanded_sizes,
    prepare,
    used,
)
from spicebridge.circuit.deck.parameter_scopes import Scope, ScopeError, expand, fold, number, resolve
from spicebridge.errors import DeckError, nearest
from spicebridge.expressions.tree import BranchCurrent, Expression, NodeVoltage, Number, Value

MAX_ELEMENTS = 5_000_000
"""Most elements and instances that are expanded: a few nested definitions can ask for 2^50."""
MAX_TERMS = 20_000_000
"""Most terms of all behavioural expressions together, once per instance."""
MAX_INSTANCE_DEPTH = 100
"""Deepest instance in an instance."""


def flatten(deck: ir.Deck) -> ir.Deck:
    """Return the deck with instances expanded and every constant a float.

    Behavioural expressions keep signals only, constant parts folded. Raises `DeckError`, located where the
    deck was read from text, for unknown names, cycles, recursion, wrong pin or parameter lists, values
    that are not finite, and more than `MAX_ELEMENTS` elements.
    """
    return _Flattener(deck).run()


class _Flattener:
    def __init__(self, deck: ir.Deck) -> None:
        self.deck = deck
        self.located = Located(deck.sources)
        self.shared = frozenset(node.lower() for node in deck.global_nodes)
        self.elements: list[ir.Element] = []
        self.models: dict[str, ir.Model] = {}
        self.variants: dict[tuple[str, tuple[tuple[str, float], ...]], str] = {}
        self.initial: dict[str, Value] = {}
        self.origins: dict[str, tuple[str, str]] = {}
        self.outside: list[tuple[str, str]] = []
        self.conditions: dict[str, tuple[str, str]] = {}
        self.using = ""
        self.read: dict[str, tuple[str, str]] = {}

    def run(self) -> ir.Deck:
        deck = self.deck
        top = prepare(deck, None, self.located)
        self._check_size(top)
        place = InstancePlace(top, "", {}, self._resolve(top, deck.parameters, Scope()), None)
        place.shared = self.shared
        self._walk(place)
        self._check_outside()
        options = tuple(
            (
                name,
                value if value is None or isinstance(value, str) else self._number(top, "option", name, value, place),
            )
            for name, value in deck.options
        )
        self._check_nodes()
        return ir.Deck(
            title=deck.title,
            elements=tuple(self.elements),
            header=deck.header,
            models=tuple(self.models.values()),
            initial_conditions=tuple(self.initial.items()),
            options=options,
            transient=deck.transient,
            save=deck.save,
            notes=deck.notes,
            dialect=deck.dialect,
            sources=None if deck.sources is None else FlatSources(deck.sources, self.origins),
        )

    def _resolve(self, made: Definition, pairs: Iterable[tuple[str, Value]], outer: Scope) -> Scope:
        try:
            return resolve(pairs, outer, made.functions)
        except ScopeError as error:
            self.located.fail(made.scope, error.kind, error.name, error.message)

    # expansion

    def _check_size(self, top: Definition) -> None:
        """Refuse a deck that expands to too much before any of it is expanded."""
        sizes = expanded_sizes(top)
        whole = sizes[id(top)]
        for most, found, what in (
            (MAX_ELEMENTS, whole.elements, "the deck expands to {} elements; {} is the most"),
            (MAX_TERMS, whole.terms, "the deck's expressions have {} terms; {} is the most"),
        ):
            if found > most:
                instances = [(e, used(top, e)) for e in top.elements if isinstance(e, ir.Instance)]
                known = [(sizes[id(made)].elements, e.name) for e, made in instances if made is not None]
                self.located.fail(
                    top.scope,
                    "element",
                    max(known)[1] if known else "",
                    f"{what.format(found, most)}; use fewer instances",
                )

    def _walk(self, top: InstancePlace) -> None:
        """Elements in order, instances in place; an explicit stack keeps the depth off Python's."""
        self._open(top)
        stack = [(top, iter(top.definition.elements))]
        while stack:
            place, rest = stack[-1]
            for element in rest:
                if isinstance(element, ir.Instance):
                    inner = self._instance(place, element)
                    self._open(inner)
                    stack.append((inner, iter(inner.definition.elements)))
                    break
                self._element(place, element)
            else:
                stack.pop()

    def _instance(self, place: InstancePlace, element: ir.Instance) -> InstancePlace:
        def refuse(why: str) -> NoReturn:
            self.located.fail(place.definition.scope, "element", element.name, f"{element.name}: {why}")

        made = used(place.definition, element)
        if made is None:
            known = [name for around in place.definition.outward() for name in around.subcircuits]
            refuse(f"subcircuit {element.subcircuit!r} is unknown{nearest(element.subcircuit.lower(), known)}")
        body = made.body
        assert isinstance(body, ir.Subcircuit)
        active: InstancePlace | None = place
        while active is not None:
            if active.definition is made:
                refuse(f"subcircuit {made.name} contains itself; break the circle")
            active = active.outer
        if place.depth >= MAX_INSTANCE_DEPTH:
            refuse(f"instances nested more than {MAX_INSTANCE_DEPTH} deep; flatten some")
        if len(element.nodes) != len(body.pins):
            refuse(
                f"{len(element.nodes)} nodes for the {len(body.pins)} pins of {made.name} "
                f"({' '.join(body.pins)}); give one each"
            )
        parameters = {name.lower() for name, _ in body.parameters}
        given: dict[str, Value] = {}
        for name, value in element.parameters:
            if name.lower() not in parameters:
                refuse(f"subcircuit {made.name} has no parameter {name!r}{nearest(name.lower(), parameters)}")
            given[name.lower()] = self._number(place.definition, "element", element.name, value, place)
        pairs = [(name, given.get(name.lower(), value)) for name, value in body.parameters]
        scope = self._resolve(made, [*pairs, *body.local_parameters], place.scope)
        nodes = {pin.lower(): place.node(node) for pin, node in zip(body.pins, element.nodes, strict=True)}
        local = element.name.lower()
        path = f"{place.path}.{local}" if place.path else local
        return InstancePlace(made, path, nodes, scope, place, place.depth + 1, shared=self.shared)

    def _open(self, place: InstancePlace) -> None:
        """Models and initial conditions of one instance."""
        made = place.definition
        for folded, model in made.models.items():
            values = tuple(
                (name, self._number(made, "model", model.name, value, place)) for name, value in model.parameters
            )
            place.models[folded] = self._variant(place, model, values)
        for node, value in made.body.initial_conditions:
            there = place.node(node)
            start = self._number(made, "initial condition", node, value, place)
            if self.initial.setdefault(there, start) != start:
                message = f"node {there} starts from {start} V here and from {self.initial[there]} V by another .ic"
                self.located.fail(made.scope, "initial condition", node, f"{message}; keep one")
            self.conditions[there] = (made.scope, node)

    def _variant(self, place: InstancePlace, model: ir.Model, values: tuple[tuple[str, float], ...]) -> str:
        """One model for all instances with equal values."""
        scope = place.definition.scope
        full = f"{scope}.{model.name.lower()}" if scope else model.name
        key = (full.lower(), values)
        if key not in self.variants:
            name, number_ = full, 1
            while name.lower() in self.models:
                number_ += 1
                name = f"{full}.{number_}"
            self.variants[key] = name
            self.models[name.lower()] = ir.Model(name, model.kind, values)
        return self.variants[key]

    def _number(self, made: Definition, kind: str, name: str, value: Value, place: InstancePlace) -> float:
        if type(value) is float:
            return value
        try:
            return number(expand(value, made.functions), place.scope)
        except DeckError as error:
            self.located.fail(made.scope, kind, name, f"{kind} {name}: {error}")

    def _element(self, place: InstancePlace, element: ir.FlatElement) -> None:
        kind = type(element)
        self.using = element.name
        try:
            values = [role(self, place, getattr(element, name)) for name, role in _PLANS[kind]]
        except DeckError as error:
            self.located.fail(place.definition.scope, "element", element.name, f"{element.name}: {error}")
        name = place.element(element.name)
        if place.path:
            self.origins[name] = (place.definition.scope, element.name)
        self.elements.append(kind(name, *values))

    # fields of elements

    def _node(self, place: InstancePlace, name: str) -> str:
        return place.node(name)

    def _constant(self, place: InstancePlace, value: Value | None) -> float | None:
        return value if value is None or type(value) is float else number(value, place.scope)

    def _folded(self, place: InstancePlace, value: Value) -> Value:
        if type(value) is float:
            return value

        def rename(e: Expression) -> Expression:
            if isinstance(e, NodeVoltage):
                made = NodeVoltage(place.node(e.plus), place.node(e.minus))
                self.read.setdefault(made.plus, (place.definition.scope, self.using))
                self.read.setdefault(made.minus, (place.definition.scope, self.using))
                return made
            assert isinstance(e, BranchCurrent)
            return BranchCurrent(self._source(place, e.source))

        return fold(value, place.scope, rename)

    def _expression(self, place: InstancePlace, value: Expression) -> Expression:
        made = self._folded(place, value)
        return Number(made) if isinstance(made, float) else made

    def _source(self, place: InstancePlace, name: str) -> str:
        found = place.definition.names.get(name.lower())
        if isinstance(found, CARRIERS):
            return place.element(found.name)
        if found is not None:
            raise DeckError(f"{found.name} has no current of its own; put a voltage source of 0 V in series")
        if not place.path and "." in name:
            self.outside.append((name.lower(), self.using))
            return name.lower()
        raise DeckError(f"source {name!r} is unknown{nearest(name.lower(), place.definition.names)}")

    def _model(self, place: InstancePlace, name: str) -> str:
        folded = name.lower()
        owner = next((around for around in place.definition.outward() if folded in around.models), None)
        if owner is None:
            hint = nearest(folded, [known for around in place.definition.outward() for known in around.models])
            raise DeckError(f"model {name!r} is unknown{hint}; define it with .model")
        around: InstancePlace | None = place
        while around is not None:
            if around.definition is owner:
                return around.models[folded]
            around = around.outer
        raise DeckError(f"model {name!r} is out of reach; define it beside the element")

    def _wave(self, place: InstancePlace, wave: ir.Wave) -> ir.Wave:
        if isinstance(wave, ir.PwlWave):
            return ir.PwlWave(tuple((number_of(self, place, t), number_of(self, place, v)) for t, v in wave.points))
        return type(wave)(**{f.name: number_of(self, place, getattr(wave, f.name)) for f in fields(wave)})

    def _same(self, place: InstancePlace, value: object) -> object:
        return value

    # checks

    def _check_outside(self) -> None:
        if not self.outside:
            return
        names = {e.name.lower(): e for e in self.elements}
        for folded, user in self.outside:
            if not isinstance(names.get(folded), CARRIERS):
                message = f"{user}: source {folded!r} is unknown or has no current{nearest(folded, names)}"
                self.located.fail("", "element", user, message)

    def _check_nodes(self) -> None:
        """Nodes of .ic, of .save and of expressions must exist: simulators pass over unknown ones in silence."""
        if not (self.initial or self.deck.save or self.read):
            return
        nodes = {node.lower() for e in self.elements for node in element_nodes(e)}
        nodes.add("0")
        names = {e.name.lower() for e in self.elements}
        for node, (scope, user) in self.read.items():
            if node.lower() not in nodes:
                hint = nearest(node.lower(), nodes)
                self.located.fail(scope, "element", user, f"{user}: no element touches node {node!r}{hint}")
        for node in self.initial:
            if node.lower() not in nodes:
                hint = nearest(node.lower(), nodes)
                scope, local = self.conditions[node]
                self.located.fail(
                    scope, "initial condition", local, f".ic v({node}): no element touches this node{hint}"
                )
        for vector in self.deck.save:
            known = nodes if vector.startswith("v(") else names if vector.startswith("i(") else None
            if known is not None and vector[2:-1].lower() not in known:
                hint = nearest(vector[2:-1].lower(), known)
                self.located.fail("", "vector", vector, f".save {vector}: there is no such thing in the deck{hint}")


def number_of(flattener: _Flattener, place: InstancePlace, value: Value) -> float:
    """A constant inside a waveform; functions expand here since waves are not prepared."""
    if type(value) is float:
        return value
    return number(expand(value, place.definition.functions), place.scope)


_ROLES: dict[str, Callable[..., Any]] = {
    "plus": _Flattener._node,
    "minus": _Flattener._node,
    "control_plus": _Flattener._node,
    "control_minus": _Flattener._node,
    "value": _Flattener._folded,
    "expression": _Flattener._expression,
    "gain": _Flattener._constant,
    "initial": _Flattener._constant,
    "source": _Flattener._source,
    "model": _Flattener._model,
    "wave": _Flattener._wave,
    "comment": _Flattener._same,
}
_PLANS = {
    kind: tuple((f.name, _ROLES[f.name]) for f in fields(kind) if f.name != "name")
    for kind in ELEMENT_KINDS
    if kind is not ir.Instance
}
