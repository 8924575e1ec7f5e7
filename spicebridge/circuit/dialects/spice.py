"""What the netlists of the SPICE family have in common, as one writer over a record of their differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects import repeated
from spicebridge.circuit.dialects.dialect import check_names, has_signals, located, one_line, plain, wrapped
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.safe_names import NameRules, safe_names
from spicebridge.circuit.lower.edge_elements import EdgeElements
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Value
from spicebridge.quantities import format_number

Lines = list[str]
Setting = tuple[str, Value | str | None]


def plain_model(writer: SpiceWriter, model: ir.Model) -> str:
    """The card as the deck has it."""
    return f".model {model.name} {model.kind}({' '.join(writer.settings(model.parameters))})"


def model_card(name: str, kind: str, values: Mapping[str, float]) -> str:
    """A card of numbers."""
    return f".model {name} {kind}({' '.join(f'{n}={format_number(value)}' for n, value in values.items())})"


def joined_conditions(items: Sequence[str]) -> Lines:
    """All conditions on one card, continued."""
    return wrapped(".ic", items)


def transient_card(tran: ir.Transient, uic: str = "uic") -> str:
    """Step, stop, start and ceiling in the order that most of the family shares."""
    parts = [".tran", format_number(tran.step), format_number(tran.stop)]
    if tran.start or tran.max_step is not None:
        parts.append(format_number(tran.start))
    if tran.max_step is not None:
        parts.append(format_number(tran.max_step))
    return " ".join([*parts, uic] if tran.uic else parts)


@dataclass(frozen=True, kw_only=True)
class SpiceStyle:
    """Where one simulator differs. `name` is the word people use, `title` how its makers spell it.

    Templates are format strings over name, plus, minus, expression and so on. `value` writes a constant expression;
    `resistor`, `voltage`, `current` are behavioural elements; `comment` stands behind an element; `lead` before the
    parameters of a subcircuit; `body` is the language of function bodies, if it is not that of constants. `model`
    returns the card of a model, `options` those of solver options, `transient` that of the analysis; `saves` begin the
    cards of what is saved. `exp_delay` stands for no delay of an EXP, where 0 means another. `adapt` are changes of
    the deck that keep its meaning.
    """

    name: str
    title: str
    behavioural: ExpressionStyle
    constant: ExpressionStyle
    names: NameRules
    options: Callable[[SpiceWriter, ir.Deck], Lines]
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
    model: Callable[[SpiceWriter, ir.Model], str] = plain_model
    conditions: Callable[[Sequence[str]], Lines] = joined_conditions
    saves: tuple[str, ...] = (".save",)
    transient: Callable[[ir.Transient], str] = transient_card


class SpiceWriter:
    """A `Dialect`: deck -> text in one style."""

    def __init__(self, style: SpiceStyle) -> None:
        self.style = style
        self.name = style.name
        self.suffix = style.suffix

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
        lines += self.style.options(self, deck)
        for card in self.style.saves if deck.save else ():
            lines += wrapped(card, deck.save)
        if deck.transient is not None:
            lines.append(self.style.transient(deck.transient))
        lines.append(".end")
        return "\n".join(lines) + "\n"

    def element(self, element: ir.Element) -> str:
        """Return one element with its comment; raises `DeckError` naming it."""
        text = located(element, self._element)
        return text + self.style.comment.format(one_line(element.comment)) if element.comment else text

    def number(self, value: Value) -> str:
        """A constant: a number, or an expression of parameters in the simulator's quotes."""
        if type(value) is float:
            return format_number(value)
        known = plain(value)
        if known is not None:
            return format_number(known)
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

    def _element(self, e: ir.Element) -> str:
        match e:
            case ir.VoltageControlledCurrent() | ir.VoltageControlledVoltage():
                return f"{e.name} {e.plus} {e.minus} {e.control_plus} {e.control_minus} {self.number(e.gain)}"
            case ir.BehaviouralCurrent():
                return self._behaviour(self.style.current, e, e.expression)
            case ir.ResistorElement() if has_signals(e.value):
                return self._behaviour(self.style.resistor, e, e.value)
            case ir.ResistorElement():
                return f"{e.name} {e.plus} {e.minus} {self.number(e.value)}"
            case ir.VoltageSourceElement() | ir.CurrentSourceElement():
                return f"{e.name} {e.plus} {e.minus} {self.wave(e.wave)}"
            case ir.CapacitorElement() | ir.InductorElement():
                text = f"{e.name} {e.plus} {e.minus} {self.number(e.value)}"
                return text if e.initial is None else f"{text} IC={self.number(e.initial)}"
            case ir.CurrentControlledCurrent() | ir.CurrentControlledVoltage():
                return f"{e.name} {e.plus} {e.minus} {e.source} {self.number(e.gain)}"
            case ir.BehaviouralVoltage():
                return self._behaviour(self.style.voltage, e, e.expression)
            case ir.Switch():
                return f"{e.name} {e.plus} {e.minus} {e.control_plus} {e.control_minus} {e.model}"
            case ir.Instance():
                parameters = self._led([f"{name}={self.number(value)}" for name, value in e.parameters])
                return "\n".join(wrapped(f"{e.name} {' '.join(e.nodes)} {e.subcircuit}", parameters, 160))
        raise DeckError(f"{self.style.title} is written nothing for a {type(e).__name__}")

    def _behaviour(self, template: str, e: ir.TwoTerminal, expression: Value) -> str:
        text = self.style.behavioural.format(expression)
        return template.format(name=e.name, plus=e.plus, minus=e.minus, expression=text)
