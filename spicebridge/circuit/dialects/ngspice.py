"""ngspice (36 and later, default compatibility mode).

By construction: powers become products or state their absolute value, parameters inside behavioural
expressions stand in ``({…})`` because ngspice pastes braces without parentheses, no ``.control`` section.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spicebridge.circuit import deck as ir
from spicebridge.circuit.dialects.base import (
    ExpressionStyle,
    check_names,
    has_signals,
    one_line,
    wrapped,
)
from spicebridge.circuit.expressions import Number, Value
from spicebridge.errors import DeckError
from spicebridge.quantities import format_number

BEHAVIOURAL = ExpressionStyle(
    templates={"limit": "min(max({0},{1}),{2})"},
    functions={"table": "pwl"},
)
CONSTANT = ExpressionStyle(
    parameter="{0}",
    templates={"limit": "min(max({0},{1}),{2})"},
    powers={"real": "({0}**{1})", "abs": "pow(abs({0}),{1})", "signed": "pwr({0},{1})"},
    unsupported=frozenset({"table"}),
)


class Ngspice:
    """See the module."""

    name = "ngspice"
    suffix = ".cir"

    def format_deck(self, deck: ir.Deck) -> str:
        """Return the whole deck as text; raises `DeckError` for names ngspice would confuse."""
        check_names(deck)
        lines = [f"* {one_line(deck.title)}"]
        lines += [f"* {one_line(line)}" for line in deck.header]
        lines += _definitions(deck.parameters, deck.functions, deck.models)
        for sub in deck.subcircuits:
            lines += _subcircuit(sub)
        lines += [format_element(e) for e in deck.elements]
        if deck.initial_conditions:
            lines += wrapped(".ic", [f"v({n})={_value(v)}" for n, v in deck.initial_conditions])
        if deck.options:
            lines += wrapped(".options", [_option(name, value) for name, value in deck.options])
        if deck.save:
            lines += wrapped(".save", deck.save)
        if deck.transient is not None:
            lines.append(_transient(deck.transient))
        lines.append(".end")
        return "\n".join(lines) + "\n"


def format_element(element: ir.Element) -> str:
    """Return one element line with its comment."""
    text = _FORMATS[type(element)](element)
    return f"{text} ; {one_line(element.comment)}" if element.comment else text


def format_expression(expression: Value) -> str:
    """Return a behavioural expression as ngspice reads it."""
    return BEHAVIOURAL.format(expression)


def _value(value: Value) -> str:
    if type(value) is float:
        return format_number(value)
    if isinstance(value, (int, float)):
        return format_number(float(value))
    if isinstance(value, Number):
        return format_number(value.value)
    if has_signals(value):
        raise DeckError("a value that depends on voltages stands where ngspice takes a constant; use a B source")
    return "{" + CONSTANT.format(value) + "}"


def _option(name: str, value: Value | str | None) -> str:
    if value is None:
        return name
    return f"{name}={value if isinstance(value, str) else _value(value)}"


def _transient(tran: ir.Transient) -> str:
    parts = [".tran", format_number(tran.step), format_number(tran.stop)]
    if tran.start or tran.max_step is not None:
        parts.append(format_number(tran.start))
    if tran.max_step is not None:
        parts.append(format_number(tran.max_step))
    if tran.uic:
        parts.append("uic")
    return " ".join(parts)


def _definitions(parameters: Any, functions: Any, models: Any) -> list[str]:
    lines = [f".param {name}={_value(value)}" for name, value in parameters]
    lines += [f".func {f.name}({','.join(f.arguments)}) {{{CONSTANT.format(f.body)}}}" for f in functions]
    for model in models:
        items = " ".join(f"{name}={_value(value)}" for name, value in model.parameters)
        lines.append(f".model {model.name} {model.kind}({items})")
    return lines


def _subcircuit(sub: ir.Subcircuit) -> list[str]:
    lines = [f"* {one_line(line)}" for line in sub.header]
    parameters = [f"{name}={_value(value)}" for name, value in sub.parameters]
    lines += wrapped(f".subckt {sub.name} {' '.join(sub.pins)}", parameters)
    lines += _definitions(sub.local_parameters, sub.functions, sub.models)
    for inner in sub.subcircuits:
        lines += _subcircuit(inner)
    lines += [format_element(e) for e in sub.elements]
    if sub.initial_conditions:
        lines += wrapped(".ic", [f"v({n})={_value(v)}" for n, v in sub.initial_conditions])
    lines.append(".ends")
    return lines


def _wave(wave: ir.Wave) -> str:
    match wave:
        case ir.DcWave(value):
            return _value(value)
        case ir.SinWave():
            fields = (wave.offset, wave.amplitude, wave.frequency, wave.delay, wave.damping, wave.phase)
            return f"SIN({' '.join(_value(v) for v in fields)})"
        case ir.PulseWave():
            pulse = (wave.initial, wave.pulsed, wave.delay, wave.rise, wave.fall, wave.width, wave.period)
            return f"PULSE({' '.join(_value(v) for v in pulse)})"
        case ir.PwlWave(points):
            pairs = [f"{_value(t)} {_value(v)}" for t, v in points]
            return "\n".join(wrapped("PWL(", pairs)) + ")"
        case ir.ExpWave():
            edges = (
                wave.initial,
                wave.pulsed,
                wave.rise_delay,
                wave.rise_tau,
                wave.fall_delay,
                wave.fall_tau,
            )
            return f"EXP({' '.join(_value(v) for v in edges)})"
    raise DeckError(f"{wave!r} is no source waveform")


def _source(e: ir.VoltageSource | ir.CurrentSource) -> str:
    return f"{e.name} {e.plus} {e.minus} {_wave(e.wave)}"


def _resistor(e: ir.Resistor) -> str:
    if has_signals(e.value):
        return f"{e.name} {e.plus} {e.minus} R='{BEHAVIOURAL.format(e.value)}'"
    return f"{e.name} {e.plus} {e.minus} {_value(e.value)}"


def _storage(e: ir.Capacitor | ir.Inductor) -> str:
    text = f"{e.name} {e.plus} {e.minus} {_value(e.value)}"
    return text if e.initial is None else f"{text} IC={_value(e.initial)}"


def _controlled(e: ir.VoltageControlledCurrent | ir.VoltageControlledVoltage) -> str:
    return f"{e.name} {e.plus} {e.minus} {e.control_plus} {e.control_minus} {_value(e.gain)}"


def _current_controlled(e: ir.CurrentControlledCurrent | ir.CurrentControlledVoltage) -> str:
    return f"{e.name} {e.plus} {e.minus} {e.source} {_value(e.gain)}"


def _instance(e: ir.Instance) -> str:
    head = f"{e.name} {' '.join(e.nodes)} {e.subcircuit}"
    return "\n".join(wrapped(head, [f"{name}={_value(value)}" for name, value in e.parameters], 160))


_FORMATS: dict[type, Callable[[Any], str]] = {
    ir.VoltageSource: _source,
    ir.CurrentSource: _source,
    ir.Resistor: _resistor,
    ir.Capacitor: _storage,
    ir.Inductor: _storage,
    ir.VoltageControlledCurrent: _controlled,
    ir.VoltageControlledVoltage: _controlled,
    ir.CurrentControlledCurrent: _current_controlled,
    ir.CurrentControlledVoltage: _current_controlled,
    ir.BehaviouralCurrent: lambda e: f"{e.name} {e.plus} {e.minus} I={BEHAVIOURAL.format(e.expression)}",
    ir.BehaviouralVoltage: lambda e: f"{e.name} {e.plus} {e.minus} V={BEHAVIOURAL.format(e.expression)}",
    ir.Switch: lambda e: f"{e.name} {e.plus} {e.minus} {e.control_plus} {e.control_minus} {e.model}",
    ir.Instance: _instance,
}
