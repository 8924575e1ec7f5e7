"""The meaning of the card grammar's rules: tokens of one card -> elements of the deck, or plain records."""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any, NoReturn

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.reader.card_values import CardValues
from spicebridge.circuit.reader.keywords import CATALOGUE, COEFFICIENTS, COMMANDS
from spicebridge.circuit.reader.lines import NetlistCard
from spicebridge.circuit.reader.parsed_cards import TERMINALS, USAGE, Assignment, DotCard, Part, Plain, Quoted, Raw
from spicebridge.circuit.reader.rules import ReadingRules
from spicebridge.circuit.reader.source_waves import read_wave, repeated
from spicebridge.errors import DeckError, UnsafeDeck
from spicebridge.expressions.language import table_fault
from spicebridge.expressions.parse import Spelling
from spicebridge.expressions.parse_cache import ShapeError, ShapeParser
from spicebridge.expressions.tokens import Token
from spicebridge.expressions.tree import Binary, Call, Expression, NodeVoltage, Number, Value, as_expression

MOST_CONTROLS = 9
"""Largest number of voltages that a polynomial may have."""

_BARE = re.compile(r"\A[+-]?[A-Za-z_]|[*/^]|(?<![eE])(?<!\A)[+-]")


def _assigned(value: Raw) -> Raw:
    """Behind an equal sign a bare word may be an expression: p=q, p=2*q."""
    if type(value) is Plain and _BARE.search(value.token.text):
        return Quoted(value.token)
    return value


@functools.cache
def _parser() -> ShapeParser:
    return ShapeParser("spice.lark", package="spicebridge.circuit.reader", terminals=TERMINALS)


class CardReader:
    """Builds what one card says; its methods are the rules of spice.lark."""

    def __init__(self, dialect: ReadingRules, spelling: Spelling) -> None:
        self.dialect = dialect
        self.spelling = spelling
        self.values = CardValues(dialect, spelling)
        self.commands: list[tuple[NetlistCard, list[NetlistCard]]] = []
        self.coefficients: list[tuple[NetlistCard, Token]] = []

    def elements(self, card: NetlistCard, tokens: list[Token]) -> tuple[ir.Element, ...]:
        """The element of a card, and what stands for its parasitic resistances; raises located `DeckError`."""
        made: ir.Element | tuple[ir.Element, ...] = self._build(card, tokens)
        return made if isinstance(made, tuple) else (made,)

    def directive(self, card: NetlistCard, tokens: list[Token]) -> DotCard:
        """The record of a dot-card; raises located `DeckError`."""
        made: DotCard = self._build(card, tokens)
        return made

    def _build(self, card: NetlistCard, tokens: list[Token]) -> Any:
        self.values.card = card
        self.values.head = tokens[0].text
        try:
            return _parser().build(tokens, self)
        except ShapeError as error:
            self._misfit(tokens, error)

    def _misfit(self, tokens: list[Token], error: ShapeError) -> NoReturn:
        head = tokens[0]
        usage = USAGE[head.kind]
        kind = UnsafeDeck if head.text.lower() in COMMANDS else DeckError
        index = error.index
        if index >= len(tokens) and error.expected == {"_EQUALS"}:
            index = len(tokens) - 1
        if index >= len(tokens):
            end = len(self.values.card.text.rstrip())
            self.values.card.fail(end, f"{head.text}: the line ends too early; write {usage}", kind)
        token = tokens[index]
        behind = f"; a comment behind a card starts with {'$' if self.dialect.name == 'hspice' else ';'}"
        hint = behind if head.text[:1] != "." and token.kind == "WORD" else ""
        self.values.card.fail(token.offset, f"{head.text}: {token.text!r} does not fit here; write {usage}{hint}", kind)

    # grammar: leaves

    def start(self, value: object) -> object:
        return value

    def node(self, token: Token) -> str:
        return self.spelling.node(token.text)

    def plain(self, token: Token) -> Raw:
        return Plain(token)

    def expression(self, token: Token) -> Raw:
        return Quoted(token)

    def assignment(self, name: Token, value: Raw) -> Assignment:
        return Assignment(name, _assigned(value))

    # grammar: elements

    def _name(self, token: Token) -> str:
        return self.spelling.elements.setdefault(token.text.lower(), token.text)

    def _options(
        self, head: Token, parts: tuple[Raw | Assignment, ...], value: str
    ) -> tuple[Raw, dict[str, Assignment]]:
        given = parts[0] if parts and not isinstance(parts[0], Assignment) else None
        named = [part for part in parts if isinstance(part, Assignment)]
        options: dict[str, Assignment] = {}
        for part in named:
            folded = part.name.text.lower()
            if folded in options or (folded == value and given is not None):
                self.values.fail(part.name, f"{head.text}: {part.name.text} is given twice")
            options[folded] = part
        if given is None:
            if value not in options:
                self.values.fail(named[0].name, f"{head.text}: the value is missing; write {USAGE[head.kind]}")
            given = options.pop(value).value
        return given, options

    def _no_options(self, head: Token, options: dict[str, Assignment]) -> None:
        for key, part in options.items():
            if self.dialect.parasitics and key in CATALOGUE:
                self.values.note(part.name, f"{head.text}: {part.name.text} was left out: it describes the part")
                continue
            hint = "leave it out if the circuit is the same without it, or write what it does as elements"
            self.values.fail(part.name, f"{head.text}: option {part.name.text!r} is not read; {hint}")

    def _value(self, head: Token, raw: Raw, options: dict[str, Assignment], op: str) -> Value:
        """The value of a resistor, capacitor or inductor, of `m` of them in parallel; at the nominal temperature."""
        for key in COEFFICIENTS & options.keys():
            part = options.pop(key)
            if self.values.constant(part.value) != 0.0:
                self.coefficients.append((self.values.card, part.name))
        value = self.values.either(raw)
        if "m" not in options or self.dialect.name == "pspice" or (op == "/" and "ic" in options):
            return value
        copies = self.values.constant(options.pop("m").value)
        if isinstance(value, float) and isinstance(copies, float) and copies > 0.0:
            return value / copies if op == "/" else value * copies
        return Binary(op, as_expression(value), as_expression(copies))

    def resistor(self, head: Token, plus: str, minus: str, *parts: Raw | Assignment) -> ir.Element:
        raw, options = self._options(head, parts, "r")
        value = self._value(head, raw, options, "/")
        self._no_options(head, options)
        return ir.ResistorElement(self._name(head), plus, minus, value)

    def _storage(self, head: Token, plus: str, minus: str, *parts: Raw | Assignment) -> object:
        kind = ir.CapacitorElement if head.kind == "C" else ir.InductorElement
        raw, options = self._options(head, parts, head.kind.lower())
        value = self._value(head, raw, options, "*" if head.kind == "C" else "/")
        initial = options.pop("ic", None)
        ideal = head.kind == "C" or "rser" in options
        parasitic = self._parasitics(options, "rser", "rpar", "lser", "cpar")
        self._no_options(head, options)
        start = None if initial is None else self.values.constant(initial.value)
        name = self._name(head)
        if self.dialect.parasitics and not ideal:
            self.values.note(
                head, f"{head.text}: LTspice puts 1 mohm in series with an inductor that has no Rser=; left out"
            )
        between, around = self._around(name, plus, minus, parasitic)
        made = kind(name, between, minus, value, start)
        return (made, *around)

    capacitor = inductor = _storage

    def _parasitics(self, options: dict[str, Assignment], *names: str) -> dict[str, Value]:
        """Resistances that LTspice lets an element have of its own, taken out of its options; 0 in series is none.

        Inductances and capacitances of that kind are left among the options, unless they are 0.
        """
        if not self.dialect.parasitics:
            return {}
        found = {name: self.values.constant(options[name].value) for name in names if name in options}
        for name, value in found.items():
            if name in ("rser", "rpar") or value == 0.0:
                del options[name]
        return {n: v for n, v in found.items() if n == "rpar" or (n == "rser" and v != 0.0)}

    def _around(self, name: str, plus: str, minus: str, parasitic: dict[str, Value]) -> tuple[str, list[ir.Element]]:
        """The node between an element and its resistance in series, and the resistors that stand for them."""
        around: list[ir.Element] = []
        between = plus
        if "rser" in parasitic:
            between = self.spelling.node(f"{name}_ser")
            around.append(ir.ResistorElement(f"Rser_{name}", plus, between, parasitic["rser"]))
        if "rpar" in parasitic:
            around.append(ir.ResistorElement(f"Rpar_{name}", plus, minus, parasitic["rpar"]))
        return between, around

    def controlled(
        self, head: Token, plus: str, minus: str, cp: str, cm: str, gain: Raw, *options: Assignment
    ) -> object:
        self._no_options(head, {o.name.text: o for o in options})
        kind = ir.VoltageControlledVoltage if head.kind == "E" else ir.VoltageControlledCurrent
        return kind(self._name(head), plus, minus, cp, cm, self.values.constant(gain))

    def follower(self, head: Token, plus: str, minus: str, source: Token, gain: Raw, *options: Assignment) -> object:
        self._no_options(head, {o.name.text: o for o in options})
        kind = ir.CurrentControlledCurrent if head.kind == "F" else ir.CurrentControlledVoltage
        return kind(self._name(head), plus, minus, self._name(source), self.values.constant(gain))

    def behaviour(self, head: Token, plus: str, minus: str, key: Token, raw: Raw, *rest: Assignment) -> object:
        options = {part.name.text.lower(): part for part in rest}
        for part in [options.pop(name) for name in ("tripdv", "tripdt") if name in options]:
            self.values.note(part.name, f"{head.text}: {part.name.text} was left out: it chooses steps")
        parasitic = self._parasitics(options, "rpar")
        self._no_options(head, options)
        folded = key.text.lower()
        if folded == "r" and self.dialect.bare_expressions:
            current = Binary("/", NodeVoltage(plus, minus), self.values.behaviour_of(raw))
            return ir.BehaviouralCurrent(self._name(head), plus, minus, current)
        if folded not in ("i", "v"):
            self.values.fail(key, f"{head.text}: {key.text}= is not read; write {USAGE['B']}")
        kind = ir.BehaviouralCurrent if folded == "i" else ir.BehaviouralVoltage
        made = kind(self._name(head), plus, minus, self.values.behaviour_of(raw))
        _, around = self._around(made.name, plus, minus, parasitic)
        return (made, *around)

    def behavioural_source(self, head: Token, plus: str, minus: str, _key: Token, raw: Raw) -> ir.Element:
        return self._behaving(head, plus, minus, self.values.behaviour_of(raw))

    def _behaving(self, head: Token, plus: str, minus: str, value: Expression) -> ir.Element:
        name = self.spelling.elements.setdefault(f"b{head.text}".lower(), f"B{head.text}")
        kind = ir.BehaviouralVoltage if head.kind == "E" else ir.BehaviouralCurrent
        return kind(name, plus, minus, value)

    def group(self, *values: Raw) -> tuple[Raw, ...]:
        return values

    def tabled(self, head: Token, plus: str, minus: str, _key: Token, raw: Raw, *groups: tuple[Raw, ...]) -> ir.Element:
        """A source by a table of what controls it, constant beyond its ends."""
        if type(raw) is Plain:
            self.values.fail(raw.token, f"{head.text}: the expression of TABLE stands in braces")
        points = tuple(as_expression(self.values.constant(value)) for values in groups for value in values)
        fault = "it needs two points or more" if len(points) < 4 else table_fault(points)
        if fault:
            self.values.fail(_key, f"{head.text}: TABLE: {fault}")
        return self._behaving(head, plus, minus, Call("table", (self.values.behaviour_of(raw), *points)))

    def polynomial(
        self, head: Token, plus: str, minus: str, _key: Token, count: Token, *groups: tuple[Raw, ...]
    ) -> ir.Element:
        """p0 + p1 a + p2 b + p3 a^2 + p4 ab + p5 b^2 + …, a, b, … being as many voltages as POLY says."""
        given = [value for values in groups for value in values]
        n = int(count.text) if count.text.isdigit() else 0
        if not 1 <= n <= MOST_CONTROLS or len(given) < 2 * n + 2:
            rule = "POLY(n) takes n pairs of nodes and two coefficients or more (one alone is read in two ways)"
            self.values.fail(count, f"{head.text}: {rule}")
        nodes = [self.spelling.node(value.token.text) for value in given[: 2 * n]]
        drops = [NodeVoltage(a, b) for a, b in zip(nodes[::2], nodes[1::2], strict=True)]
        products = itertools.chain.from_iterable(
            itertools.combinations_with_replacement(drops, degree) for degree in itertools.count()
        )
        total: Expression = Number(0.0)
        for value, factors in zip((self.values.constant(raw) for raw in given[2 * n :]), products, strict=False):
            if value != 0.0:
                total = total + functools.reduce(lambda a, b: a * b, factors, as_expression(value))
        return self._behaving(head, plus, minus, total)

    def switch(self, head: Token, plus: str, minus: str, cp: str, cm: str, model: Token, *state: Token) -> ir.Element:
        for token in state:
            if token.text.lower() != "off":
                self.values.fail(
                    token, f"{head.text}: {token.text!r} is not read; a switch starts OFF or as its control says"
                )
        name = self.spelling.models.setdefault(model.text.lower(), model.text)
        return ir.Switch(self._name(head), plus, minus, cp, cm, name)

    def instance(self, head: Token, *parts: object) -> ir.Element:
        words = [p for p in parts if isinstance(p, Token) and p.kind == "WORD"]
        given = [p for p in parts if isinstance(p, Assignment)]
        if len(words) < 2:
            self.values.fail(head, f"{head.text}: nodes and a subcircuit are needed; write {USAGE['X']}")
        name = self.spelling.subcircuits.setdefault(words[-1].text.lower(), words[-1].text)
        nodes = tuple(self.spelling.node(w.text) for w in words[:-1])
        return ir.Instance(name=self._name(head), nodes=nodes, subcircuit=name, parameters=self.pairs(head, given))

    def pairs(self, head: Token, given: list[Assignment]) -> tuple[tuple[str, Value], ...]:
        """Assignments of parameters, each name once."""
        made: dict[str, Value] = {}
        for part in given:
            folded = part.name.text.lower()
            name = self.spelling.parameters.setdefault(folded, part.name.text)
            if name in made:
                self.values.fail(part.name, f"{head.text}: {part.name.text} is given twice")
            made[name] = self.values.constant(part.value)
        return tuple(made.items())

    # grammar: sources

    def source(
        self, head: Token, plus: str, minus: str, *parts: Raw | Part | Assignment
    ) -> ir.Element | tuple[ir.Element, ...]:
        given = {part.name.text.lower(): part for part in parts if isinstance(part, Assignment)}
        parasitic = self._parasitics(given, "rser") if head.kind == "V" else {}
        if self.dialect.parasitics and "ac" in given:
            self.values.note(head, f"{head.text}: the small-signal value was left out, a transient does not use it")
            del given["ac"]
        course: dict[str, Assignment] = {
            key: given.pop(key) for key in ("td", "r") if self.values.ngspice and key in given
        }
        for part in given.values():
            hint = "leave it out if the source is the same without it"
            self.values.fail(part.name, f"{head.text}: option {part.name.text!r} of a source is not read; {hint}")
        wave = read_wave(self.values, head, tuple(part for part in parts if not isinstance(part, Assignment)))
        if course:
            wave = repeated(self.values, head, wave, course)
        name = self._name(head)
        if head.kind == "I":
            return ir.CurrentSourceElement(name, plus, minus, wave)
        between, around = self._around(name, plus, minus, parasitic)
        made = ir.VoltageSourceElement(name, between, minus, wave)
        return (made, *around)

    def direct(self, token: Token, value: Raw) -> Part:
        return Part("dc", token, (value,))

    def small_signal(self, token: Token, *values: Raw) -> Part:
        return Part("ac", token, values)

    def wave(self, token: Token, *values: Raw) -> Part:
        return Part(token.text.lower(), token, values)

    def source_option(self, part: Assignment) -> Assignment:
        return part

    # grammar: dot-cards

    def _record(self, head: Token, *parts: object) -> DotCard:
        return DotCard(head.kind, head, parts)

    model = transient = options = initial = parameters = function = _record
    subcircuit = ends = end = include = library = save = print = shared = _record

    def flag(self, name: Token) -> tuple[Token, None]:
        return name, None

    def setting(self, name: Token, value: Raw) -> tuple[Token, Raw]:
        return name, value

    def condition(self, what: Token, node: Token, value: Raw) -> tuple[Token, Token, Raw]:
        return what, node, _assigned(value)

    def vector(self, *words: Token) -> tuple[Token, ...]:
        return words
