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

from collections.abc import Iterable, Sequence

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import element_nodes
from spicebridge.circuit.dialects.adapt import lines_from_zero, shifted_sines
from spicebridge.circuit.dialects.dialect import check_names, has_signals, plain
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.masters import MasterStyle, Words, commented, remark
from spicebridge.circuit.dialects.safe_names import NameRules, safe_names
from spicebridge.circuit.dialects.solver_options import method, wanted_options
from spicebridge.circuit.dialects.switches import switch_model
from spicebridge.errors import DeckError
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import Value
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
        lines = [remark(deck.title), *(remark(line) for line in deck.header)]
        lines += ["simulator lang=spectre", "global 0"]
        lines += _definitions(deck.parameters, deck.functions, deck.models, "")
        for sub in deck.subcircuits:
            lines += _subcircuit(sub, "")
        lines += [commented(e, _element) for e in deck.elements]
        lines += _conditions(deck.initial_conditions, "")
        lines += _settings(deck)
        return "\n".join(lines) + "\n"


def _settings(deck: ir.Deck) -> Lines:
    options = wanted_options(deck, OPTIONS, "Spectre")
    chosen = method(options)
    names = {"reltol": "reltol", "vntol": "vabstol", "abstol": "iabstol"}
    names |= {name: name for name in ("gmin", "temp", "tnom")}
    items = [f"{theirs}={_text(options[ours])}" for ours, theirs in names.items() if ours in options]
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
    known = plain(value)
    if known is not None:
        return format_number(known)
    if has_signals(value):
        raise DeckError("a value that depends on voltages stands where Spectre takes a constant; use a B source")
    return f"({STYLE.format(value)})"


MASTERS = MasterStyle(
    number=_number,
    sine=("sinedc", "ampl", "freq", "delay", "damp", "sinephase"),
    exponential=("val0", "val1", "td1", "tau1", "td2", "tau2"),
    dc={"type": "dc"},
    transconductance="gm",
    transresistance="rm",
    probe=lambda source: {"probe": source},
)
"""The masters of Spectre that VACASK has, too."""


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
    lines = [indent + remark(line) for line in sub.header]
    lines.append(f"{indent}subckt {sub.name} ({' '.join(sub.pins)})")
    lines += _definitions((*sub.parameters, *sub.local_parameters), sub.functions, sub.models, inner)
    for nested in sub.subcircuits:
        lines += _subcircuit(nested, inner)
    lines += [inner + commented(e, _element) for e in sub.elements]
    lines += _conditions(sub.initial_conditions, inner)
    lines.append(f"{indent}ends {sub.name}")
    return lines


def _conditions(conditions: Sequence[tuple[str, Value]], indent: str) -> Lines:
    if not conditions:
        return []
    return _laid(f"{indent}ic", [f"{node}={_number(value)}" for node, value in conditions])


def _element(e: ir.Element) -> str:
    nodes, master, values = _instance(e)
    items = [f"{name}={value}" for name, value in values.items()]
    return "\n".join(_laid(f"{e.name} ({' '.join(nodes)}) {master}", items, 160))


def _instance(e: ir.Element) -> tuple[Sequence[str], str, Words]:
    match e:
        case ir.ResistorElement() if has_signals(e.value):
            return (e.plus, e.minus), "bsource", {"r": STYLE.format(e.value)}
        case ir.BehaviouralCurrent():
            return (e.plus, e.minus), "bsource", {"i": STYLE.format(e.expression)}
        case ir.BehaviouralVoltage():
            return (e.plus, e.minus), "bsource", {"v": STYLE.format(e.expression)}
        case ir.Switch():
            return (e.plus, e.minus, e.control_plus, e.control_minus), e.model, {}
        case ir.Instance():
            return e.nodes, e.subcircuit, {name: _number(value) for name, value in e.parameters}
    return MASTERS.instance(e)


DIALECT = Spectre()
