"""Spectre (Cadence, 19 and later), in its own language.

Sources: Spectre Circuit Simulator Reference 23.1, "Expressions" (** is the power, log and ln are natural, tests give
1 or 0, no logical negation is listed, exp for x < 80), "Behavioral Source Use Model (bsource)" (v=, i=, r=, $time,
v(a,b), i("inst:port")), "Transient Analysis (tran)" (maxstep, method=traponly, lteratio, ic=all); Spectre Components
Reference 23.1, "Independent Current Source (isource)" (sinedc, ampl, freq, delay, damp, sinephase at t = delay;
current leaves the first node into the device), "Four Terminal Relay (relay)" (cubic in conductance from vt1 to vt2,
hysteresis shifts both); netlists that Cadence's own environment wrote (``rforce=1`` among the options). From memory
alone, and so for the conformance deck to confirm: that rforce holds .ic, so that its 1 ohm would let a state fed with
f amperes start f volts away; vcvs, vccs, cccs, ccvs. Not run here.

By construction: names of two spellings never meet although Spectre keeps case; a sine with both delay and phase
is written as a behavioural source, since the manual is silent on what it does before the delay; switches become
relays with the transition of ``switches.WIDTH``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import element_nodes
from spicebridge.circuit.dialects.adapt import lines_from_zero, shifted_sines
from spicebridge.circuit.dialects.dialect import check_names, has_signals, one_line
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.safe_names import NameRules, safe_names
from spicebridge.circuit.dialects.solver_options import method, renamed, wanted_options
from spicebridge.circuit.dialects.switches import switch_model
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import FUNCTIONS, Number, Value
from spicebridge.quantities import format_number

Lines = list[str]

STYLE = ExpressionStyle(
    native=frozenset(FUNCTIONS) - {"u", "uramp", "limit", "nint", "table", "sgn"},
    powers={"real": "(({0})**({1}))", "abs": "pow(abs({0}),{1})", "signed": "((({0}) < 0 ? -1 : 1)*pow(abs({0}),{1}))"},
    sides=True,
    brackets=True,
    negation="",
    plain_truth=False,
    time="$time",
    voltage="v({0})",
    voltage_pair="v({0},{1})",
    current='i("{0}:1")',
    exponent_limit=80.0,
)
OPTIONS = frozenset(("method", "reltol", "vntol", "abstol", "trtol", "gmin", "temp", "tnom", "maxord"))
FORCE = 1e-9
"""ohm: rforce, through which .ic holds a node during the operating point; a state starts rate*FORCE away."""
_MASTERS = "resistor capacitor inductor vsource isource vcvs vccs cccs ccvs bsource relay iprobe switch port tran dc ac"
_WORDS = "parameters subckt ends model simulator include global save ic nodeset options if else real return"
_FUNCTIONS = """
    abs acos acosh asin asinh atan atan2 atanh ceil cos cosh exp floor fmod hypot int ln log log10 max min pow sgn sin
    sinh sqrt tan tanh
"""
_RULES = NameRules(
    nodes=frozenset(_WORDS.split()),
    parameters=frozenset(f"{_WORDS} {_MASTERS} m i v freq".split()),
    subcircuits=frozenset(f"{_WORDS} {_MASTERS}".split()),
    functions=frozenset(f"{_WORDS} {_FUNCTIONS}".split()),
)
_INDENT = "    "


class Spectre:
    """A `Dialect`; see the module."""

    name = "spectre"
    suffix = ".scs"

    def format_deck(self, deck: ir.Deck) -> str:
        """Return the whole netlist; raises `DeckError` naming what Spectre cannot say."""
        check_names(deck)
        deck = safe_names(shifted_sines(lines_from_zero(deck)), _RULES)
        lines = [_remark(deck.title), *(_remark(line) for line in deck.header)]
        lines += ["simulator lang=spectre", "global 0"]
        lines += _definitions(deck.parameters, deck.functions, deck.models, "")
        for sub in deck.subcircuits:
            lines += _subcircuit(sub, "")
        lines += [_element(e) for e in deck.elements]
        lines += _conditions(deck.initial_conditions, "")
        lines += _settings(deck)
        return "\n".join(lines) + "\n"


def _settings(deck: ir.Deck) -> Lines:
    options = wanted_options(deck, OPTIONS, "Spectre")
    chosen = method(options)
    names = {"reltol": "reltol", "vntol": "vabstol", "abstol": "iabstol"}
    names |= {name: name for name in ("gmin", "temp", "tnom")}
    items = [f"{name}={_text(value)}" for name, value in renamed(options, names)]
    if deck.initial_conditions:
        items.append(f"rforce={format_number(FORCE)}")
    lines = _laid("settings options", items) if items else []
    if deck.save:
        lines += _laid("save", _vectors(deck))
    tran = deck.transient
    if tran is not None:
        parts = [f"stop={format_number(tran.stop)}"]
        if tran.start:
            parts.append(f"outputstart={format_number(tran.start)}")
        if tran.max_step is not None:
            parts.append(f"maxstep={format_number(tran.max_step)}")
        if chosen is not None:
            parts.append(f"method={'traponly' if chosen == 'trap' else 'gear2only'}")
        parts += [f"lteratio={_text(options['trtol'])}"] if "trtol" in options else []
        parts += [f"maxord={_text(options['maxord'])}"] if "maxord" in options else []
        parts.append("skipdc=yes" if tran.uic else "ic=all")
        lines += _laid("run tran", parts)
    return lines


def _vectors(deck: ir.Deck) -> Iterable[str]:
    """Saved names in their own spelling: v(a) is a, the current of V1 is V1:1."""
    nodes = {n.lower(): n for e in deck.elements for n in element_nodes(e)}
    elements = {e.name.lower(): e.name for e in deck.elements}
    out: dict[str, None] = {}
    for vector in deck.save:
        kind, _, inside = vector[:-1].partition("(")
        for name in inside.split(","):
            folded = name.lower()
            if kind.lower() == "i":
                found = elements.get(folded) or elements.get(f"b{folded}")
                if found is None:
                    raise DeckError(f"saved vector {vector!r}: there is no element {name!r}")
                out[f"{found}:1"] = None
            elif kind.lower() == "v":
                out[nodes.get(folded, name)] = None
            else:
                raise DeckError(f"saved vector {vector!r}: only v() and i() can be saved")
    return out


def _text(value: Value | str | None) -> str:
    return str(value) if isinstance(value, str) or value is None else _number(value)


def _number(value: Value) -> str:
    if isinstance(value, Number):
        value = value.value
    if isinstance(value, (int, float)):
        return format_number(float(value))
    if has_signals(value):
        raise DeckError("a value that depends on voltages stands where Spectre takes a constant; use a B source")
    return f"({STYLE.format(value)})"


def _laid(head: str, items: Iterable[str], width: int = 100) -> Lines:
    """Items behind a head, continued with a backslash."""
    lines = [head]
    for item in items:
        if len(lines[-1]) + len(item) + 1 > width and lines[-1] not in (head, _INDENT):
            lines[-1] += " \\"
            lines.append(_INDENT)
        lines[-1] += item if lines[-1] == _INDENT else f" {item}"
    return lines


def _definitions(
    parameters: Sequence[tuple[str, Value]], functions: Sequence[ir.Function], models: Sequence[ir.Model], indent: str
) -> Lines:
    lines: Lines = []
    if parameters:
        lines += _laid(f"{indent}parameters", [f"{name}={_number(value)}" for name, value in parameters])
    for f in functions:
        if indent:
            raise DeckError(f"function {f.name!r}: Spectre defines functions at the top only; flatten the deck")
        arguments = ", ".join(f"real {a}" for a in f.arguments)
        lines += [f"real {f.name}({arguments}) {{", f"{_INDENT}return {STYLE.format(f.body)};", "}"]
    for model in models:
        s = switch_model(model)
        values = {"vt1": s.vt, "vt2": s.on, "ropen": s.roff, "rclosed": s.ron}
        values |= {"hysteresis": s.vh} if s.vh else {}
        text = " ".join(f"{name}={format_number(value)}" for name, value in values.items())
        lines.append(f"{indent}model {model.name} relay {text}")
    return lines


def _subcircuit(sub: ir.Subcircuit, indent: str) -> Lines:
    inner = indent + _INDENT
    lines = [indent + _remark(line) for line in sub.header]
    lines.append(f"{indent}subckt {sub.name} ({' '.join(sub.pins)})")
    lines += _definitions((*sub.parameters, *sub.local_parameters), sub.functions, sub.models, inner)
    for nested in sub.subcircuits:
        lines += _subcircuit(nested, inner)
    lines += [inner + _element(e) for e in sub.elements]
    lines += _conditions(sub.initial_conditions, inner)
    lines.append(f"{indent}ends {sub.name}")
    return lines


def _conditions(conditions: Sequence[tuple[str, Value]], indent: str) -> Lines:
    if not conditions:
        return []
    return _laid(f"{indent}ic", [f"{node}={_number(value)}" for node, value in conditions])


def _element(e: ir.Element) -> str:
    try:
        text = _WRITERS[type(e)](e)
    except DeckError as error:
        raise DeckError(f"element {e.name!r}: {error}") from None
    return f"{text} {_remark(e.comment)}" if e.comment else text


def _remark(text: str) -> str:
    """A comment; a backslash at its end would swallow the next line."""
    return f"// {one_line(text)}".rstrip("\\ ")


def _parts(e: ir.Element, nodes: Sequence[str], master: str, values: Mapping[str, str]) -> str:
    items = [f"{name}={value}" for name, value in values.items()]
    return "\n".join(_laid(f"{e.name} ({' '.join(nodes)}) {master}", items, 160))


def _source(e: ir.VoltageSourceElement | ir.CurrentSourceElement) -> str:
    master = "vsource" if isinstance(e, ir.VoltageSourceElement) else "isource"
    return _parts(e, (e.plus, e.minus), master, _wave(e.wave))


def _wave(wave: ir.Wave) -> dict[str, str]:
    match wave:
        case ir.DcWave(value):
            return {"type": "dc", "dc": _number(value)}
        case ir.SinWave():
            sines = ("sinedc", "ampl", "freq", "delay", "damp", "sinephase")
            sine = (wave.offset, wave.amplitude, wave.frequency, wave.delay, wave.damping, wave.phase)
            return {"type": "sine", **_numbers(sines, sine)}
        case ir.PulseWave():
            pulses = ("val0", "val1", "delay", "rise", "fall", "width", "period")
            edges = (wave.initial, wave.pulsed, wave.delay, wave.rise, wave.fall, wave.width, wave.period)
            return {"type": "pulse", **_numbers(pulses, edges)}
        case ir.PwlWave(points):
            flat = " ".join(f"{_number(t)} {_number(v)}" for t, v in points)
            return {"type": "pwl", "wave": f"[ {flat} ]"}
        case ir.ExpWave():
            exponentials = ("val0", "val1", "td1", "tau1", "td2", "tau2")
            rise = (wave.initial, wave.pulsed, wave.rise_delay, wave.rise_tau, wave.fall_delay, wave.fall_tau)
            return {"type": "exp", **_numbers(exponentials, rise)}
    raise DeckError(f"{wave!r} is no source waveform")


def _numbers(names: Sequence[str], values: Sequence[Value]) -> dict[str, str]:
    return {name: _number(value) for name, value in zip(names, values, strict=True)}


def _resistor(e: ir.ResistorElement) -> str:
    if has_signals(e.value):
        return _parts(e, (e.plus, e.minus), "bsource", {"r": STYLE.format(e.value)})
    return _parts(e, (e.plus, e.minus), "resistor", {"r": _number(e.value)})


def _storage(e: ir.CapacitorElement | ir.InductorElement) -> str:
    master, symbol = ("capacitor", "c") if isinstance(e, ir.CapacitorElement) else ("inductor", "l")
    values = {symbol: _number(e.value)}
    if e.initial is not None:
        values["ic"] = _number(e.initial)
    return _parts(e, (e.plus, e.minus), master, values)


def _controlled(e: ir.VoltageControlledCurrent | ir.VoltageControlledVoltage) -> str:
    master, symbol = ("vccs", "gm") if isinstance(e, ir.VoltageControlledCurrent) else ("vcvs", "gain")
    nodes = (e.plus, e.minus, e.control_plus, e.control_minus)
    return _parts(e, nodes, master, {symbol: _number(e.gain)})


def _follower(e: ir.CurrentControlledCurrent | ir.CurrentControlledVoltage) -> str:
    master, symbol = ("cccs", "gain") if isinstance(e, ir.CurrentControlledCurrent) else ("ccvs", "rm")
    return _parts(e, (e.plus, e.minus), master, {"probe": e.source, symbol: _number(e.gain)})


def _behaviour(e: ir.BehaviouralCurrent | ir.BehaviouralVoltage) -> str:
    symbol = "i" if isinstance(e, ir.BehaviouralCurrent) else "v"
    return _parts(e, (e.plus, e.minus), "bsource", {symbol: STYLE.format(e.expression)})


def _switch(e: ir.Switch) -> str:
    return _parts(e, (e.plus, e.minus, e.control_plus, e.control_minus), e.model, {})


def _instance(e: ir.Instance) -> str:
    return _parts(e, e.nodes, e.subcircuit, {name: _number(value) for name, value in e.parameters})


_WRITERS: dict[type, Any] = {
    ir.VoltageSourceElement: _source,
    ir.CurrentSourceElement: _source,
    ir.ResistorElement: _resistor,
    ir.CapacitorElement: _storage,
    ir.InductorElement: _storage,
    ir.VoltageControlledCurrent: _controlled,
    ir.VoltageControlledVoltage: _controlled,
    ir.CurrentControlledCurrent: _follower,
    ir.CurrentControlledVoltage: _follower,
    ir.BehaviouralCurrent: _behaviour,
    ir.BehaviouralVoltage: _behaviour,
    ir.Switch: _switch,
    ir.Instance: _instance,
}


DIALECT = Spectre()
