"""What the netlists of the SPICE family have in common, as one writer over a record of their differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects import repeated
from spicebridge.circuit.dialects.dialect import check_names, has_signals, one_line, wrapped
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.safe_names import NameRules, safe_names
from spicebridge.circuit.lower.edge_elements import EdgeElements
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Number, Value
from spicebridge.quantities import format_number

Lines = list[str]
Setting = tuple[str, Value | str | None]


@dataclass(frozen=True, kw_only=True)
class SpiceStyle:
    """Where one simulator differs. `name` is the word people use, `title` how its makers spell it. Templates are format strings over name, plus, minus, expression and so on.

    `value` writes a constant expression; `resistor`, `voltage`, `current` are behavioural elements; `comment`
    stands behind an element; `lead` before the parameters of a subcircuit; `body` is the language of function
    bodies, if it is not that of constants. `model` returns the card of a model. `settings` writes options,
    analysis and what is saved. `exp_delay` stands for no delay of an EXP, where 0 means another. `adapt` are changes
    of the deck that keep its meaning.
    """

    name: str
    title: str
    behavioural: ExpressionStyle
    constant: ExpressionStyle
    names: NameRules
    settings: Callable[[SpiceWriter, ir.Deck], Lines]
    resistor: str = "{name} {plus} {minus} R={expression}"
    voltage: str = "{name} {plus} {minus} V={expression}"
    current: str = "{name} {plus} {minus} I={expression}"
    value: str = "{{{0}}}"
    comment: str = " ; {0}"
    function: str = ".func {name}({arguments}) {{{body}}}"
    body: ExpressionStyle | None = None
    lead: str = ""
    suffix: str = ".cir"
    exp_delay: float = 0.0
    adapt: tuple[Callable[[ir.Deck], ir.Deck], ...] = ()
    model: Callable[[SpiceWriter, ir.Model], str] = field(default_factory=lambda: plain_model)
    conditions: Callable[[Sequence[str]], Lines] = field(default_factory=lambda: joined_conditions)


class SpiceWriter:
    """A `Dialect`: deck -> text in one style."""

    def __init__(self, style: SpiceStyle) -> None:
        self.style = style
        self.name = style.name
        self.suffix = style.suffix
        self._writers: dict[type, Callable[[Any], str]] = {
            ir.VoltageSourceElement: self._source,
            ir.CurrentSourceElement: self._source,
            ir.ResistorElement: self._resistor,
            ir.CapacitorElement: self._storage,
            ir.InductorElement: self._storage,
            ir.VoltageControlledCurrent: self._controlled,
            ir.VoltageControlledVoltage: self._controlled,
            ir.CurrentControlledCurrent: self._follower,
            ir.CurrentControlledVoltage: self._follower,
            ir.BehaviouralCurrent: lambda e: self._behaviour(style.current, e, e.expression),
            ir.BehaviouralVoltage: lambda e: self._behaviour(style.voltage, e, e.expression),
            ir.Switch: self._switch,
            ir.Instance: self._instance,
        }

    def format_deck(self, deck: ir.Deck) -> str:
        """Return the whole netlist; raises `DeckError` naming what the simulator cannot say."""
        check_names(deck)
        for change in self.style.adapt:
            deck = change(deck)
        deck = safe_names(deck, self.style.names)
        return self._text(deck, [self.element(e) for e in deck.elements])

    def format_edges(self, frame: ir.Deck, edges: EdgeElements) -> str:
        """The same for a lowered network, whose element and node names are letters and numbers by construction."""
        if self.style.adapt or frame.subcircuits:
            return self.format_deck(replace(frame, elements=tuple(edges)))
        return self._text(frame, repeated.format_edges(self.element, edges))

    def _text(self, deck: ir.Deck, elements: Lines) -> str:
        lines = [f"* {one_line(deck.title)}"]
        lines += [f"* {one_line(line)}" for line in deck.header]
        lines += self.definitions(deck.parameters, deck.functions, deck.models)
        for sub in deck.subcircuits:
            lines += self.subcircuit(sub)
        lines += elements
        lines += self._conditions(deck.initial_conditions)
        lines += self.style.settings(self, deck)
        lines.append(".end")
        return "\n".join(lines) + "\n"

    def element(self, element: ir.Element) -> str:
        """Return one element with its comment; raises `DeckError` naming it."""
        try:
            text = self._writers[type(element)](element)
        except DeckError as error:
            raise DeckError(f"element {element.name!r}: {error}") from None
        return text + self.style.comment.format(one_line(element.comment)) if element.comment else text

    def number(self, value: Value) -> str:
        """A constant: a number, or an expression of parameters in the simulator's quotes."""
        if type(value) is float:
            return format_number(value)
        if isinstance(value, (int, float)):
            return format_number(float(value))
        if isinstance(value, Number):
            return format_number(value.value)
        if has_signals(value):
            raise DeckError(
                f"a value that depends on voltages stands where {self.style.title} takes a constant; use a B source"
            )
        return self.style.value.format(self.style.constant.format(value))

    def settings(self, items: Iterable[Setting]) -> Lines:
        """name=value, or the name alone, for each."""
        return [
            name if value is None else f"{name}={value if isinstance(value, str) else self.number(value)}"
            for name, value in items
        ]

    def definitions(
        self, parameters: Sequence[tuple[str, Value]], functions: Sequence[ir.Function], models: Sequence[ir.Model]
    ) -> Lines:
        """Parameters, functions and models of one scope."""
        lines = [f".param {name}={self.number(value)}" for name, value in parameters]
        for f in functions:
            body = (self.style.body or self.style.constant).format(f.body)
            text = self.style.function.format(name=f.name, arguments=",".join(f.arguments), body=body)
            lines.append(text)
        return lines + [self.style.model(self, m) for m in models]

    def subcircuit(self, sub: ir.Subcircuit) -> Lines:
        """A definition with everything inside."""
        lines = [f"* {one_line(line)}" for line in sub.header]
        parameters = [f"{name}={self.number(value)}" for name, value in sub.parameters]
        lines += wrapped(f".subckt {sub.name} {' '.join(sub.pins)}", self._led(parameters))
        lines += self.definitions(sub.local_parameters, sub.functions, sub.models)
        for inner in sub.subcircuits:
            lines += self.subcircuit(inner)
        lines += [self.element(e) for e in sub.elements]
        lines += self._conditions(sub.initial_conditions)
        lines.append(".ends")
        return lines

    def _led(self, parameters: Lines) -> Lines:
        return [self.style.lead, *parameters] if parameters and self.style.lead else parameters

    def _conditions(self, conditions: Sequence[tuple[str, Value]]) -> Lines:
        items = [
            f"v({node})={format_number(value) if type(value) is float else self.number(value)}"
            for node, value in conditions
        ]
        return self.style.conditions(items) if items else []

    def wave(self, wave: ir.Wave) -> str:
        """A source waveform, every field given."""
        match wave:
            case ir.DcWave(value):
                return self.number(value)
            case ir.SinWave():
                sine = (wave.offset, wave.amplitude, wave.frequency, wave.delay, wave.damping, wave.phase)
                return f"SIN({self._all(sine)})"
            case ir.PulseWave():
                edges = (wave.initial, wave.pulsed, wave.delay, wave.rise, wave.fall, wave.width, wave.period)
                return f"PULSE({self._all(edges)})"
            case ir.PwlWave(points):
                pairs = [f"{self.number(t)} {self.number(v)}" for t, v in points]
                return "\n".join(wrapped("PWL(", pairs)) + ")"
            case ir.ExpWave():
                delay = self.style.exp_delay if wave.rise_delay == 0.0 else wave.rise_delay
                rise = (wave.initial, wave.pulsed, delay, wave.rise_tau)
                return f"EXP({self._all((*rise, wave.fall_delay, wave.fall_tau))})"
        raise DeckError(f"{wave!r} is no source waveform")

    def _all(self, values: Iterable[Value]) -> str:
        return " ".join(self.number(v) for v in values)

    def _source(self, e: ir.VoltageSourceElement | ir.CurrentSourceElement) -> str:
        return f"{e.name} {e.plus} {e.minus} {self.wave(e.wave)}"

    def _resistor(self, e: ir.ResistorElement) -> str:
        if has_signals(e.value):
            return self._behaviour(self.style.resistor, e, e.value)
        return f"{e.name} {e.plus} {e.minus} {self.number(e.value)}"

    def _behaviour(self, template: str, e: ir.TwoTerminal, expression: Value) -> str:
        text = self.style.behavioural.format(expression)
        return template.format(name=e.name, plus=e.plus, minus=e.minus, expression=text)

    def _storage(self, e: ir.CapacitorElement | ir.InductorElement) -> str:
        text = f"{e.name} {e.plus} {e.minus} {self.number(e.value)}"
        return text if e.initial is None else f"{text} IC={self.number(e.initial)}"

    def _controlled(self, e: ir.VoltageControlledCurrent | ir.VoltageControlledVoltage) -> str:
        return f"{e.name} {e.plus} {e.minus} {e.control_plus} {e.control_minus} {self.number(e.gain)}"

    def _follower(self, e: ir.CurrentControlledCurrent | ir.CurrentControlledVoltage) -> str:
        return f"{e.name} {e.plus} {e.minus} {e.source} {self.number(e.gain)}"

    def _switch(self, e: ir.Switch) -> str:
        return f"{e.name} {e.plus} {e.minus} {e.control_plus} {e.control_minus} {e.model}"

    def _instance(self, e: ir.Instance) -> str:
        parameters = [f"{name}={self.number(value)}" for name, value in e.parameters]
        return "\n".join(wrapped(f"{e.name} {' '.join(e.nodes)} {e.subcircuit}", self._led(parameters), 160))

    def transient(self, tran: ir.Transient, uic: str = "uic") -> str:
        """step, stop, start and ceiling in the order that most of the family shares."""
        parts = [".tran", format_number(tran.step), format_number(tran.stop)]
        if tran.start or tran.max_step is not None:
            parts.append(format_number(tran.start))
        if tran.max_step is not None:
            parts.append(format_number(tran.max_step))
        return " ".join([*parts, uic] if tran.uic else parts)


def plain_model(writer: SpiceWriter, model: ir.Model) -> str:
    """The card as the deck has it."""
    return f".model {model.name} {model.kind}({' '.join(writer.settings(model.parameters))})"


def joined_conditions(items: Sequence[str]) -> Lines:
    """All conditions on one card, continued."""
    return wrapped(".ic", items)
