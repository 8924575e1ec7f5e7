"""VACASK (0.3.4), in its own language, with behavioural sources as Verilog-A of ours.

Sources: its documents on transient analysis and options, its test netlists, and its answers here; docs/dialects.md
says what was run. VACASK has no device but what a compiler makes of Verilog-A, behavioural sources included: it
writes a module for every one of them and compiles it again with every deck (100 sources: 5.7 s). Here the modules
are written by ``veriloga.py``, one per shape of expression, with numbers as parameters: the compiled file is the
same for every deck of a form, is kept, and says in a standard language what the sources mean, where VACASK's own
are undocumented.

By construction: the deck is flat and in lower case, because VACASK keeps case apart; instances of ``models/*.sub``
become the Verilog-A twins of ``models/*.va``, so the readable form of a network runs those. ``.ic`` is held through
a conductance of nr_force times the largest entry in the node's row of the Jacobian, and 1 S if there is none (a
capacitor fed with 1 A then starts 1 V away; at the default force a state of .4 begins at .3999972): every such node
gets an entry of `HOLD` S towards a node that rests at zero, which carries no current. The first step is a hundredth
of the ceiling; truncation error is switched off by lteratio and redofactor. The phase of a sine is taken and ignored
by 0.3.4.dev3, so that sines with one are behavioural sources; td2 of an EXP counts from its delay; resistances must be
positive (others become conductances); a whole number beyond 2^31 is written as a real one, since digits alone are an
integer of 32 bits there; switches are abrupt, without memory. ``abstol`` is at least `LEAST_ABSTOL` A: at 1e-15 A the
law ``hp`` ends with "Timestep too small". Residuals are not tested beside updates: a clamp of 3e10 S turns the rounding
of a state near 1 into 1e-5 A.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.deck.parameter_scopes import constant
from spicebridge.circuit.dialects.adapt import lines_from_zero, shifted_sines
from spicebridge.circuit.dialects.dialect import check_names, has_signals, plain
from spicebridge.circuit.dialects.masters import MasterStyle, commented, remark
from spicebridge.circuit.dialects.safe_names import NameRules, safe_names
from spicebridge.circuit.dialects.solver_options import method, plain_number, wanted_options, without_truncation_error
from spicebridge.circuit.dialects.switches import NARROW, known_model, switch_model
from spicebridge.circuit.dialects.verilog_a_deck import CURRENT_PREFIX, Modules, Use
from spicebridge.circuit.lower.law_modules import format_module
from spicebridge.circuit.lower.law_variants import LawVariant
from spicebridge.circuit.lower.models import variant_of
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Value
from spicebridge.quantities import format_number

Lines = list[str]

OPTIONS = frozenset(("method", "reltol", "vntol", "abstol", "trtol", "gmin", "temp", "tnom", "maxord"))
FORCE, HOLD = 1e9, 1e6
"""How .ic holds a node during the operating point: FORCE times HOLD S, or more."""
LEAST_ABSTOL = 1e-12
FIRST_STEP = 0.01
"""First step of a transient in units of the ceiling."""
FILE = "behaviour.va"
"""The file, inside the netlist, of the modules written here."""
ANALYSIS = "out"
RENAMED = "// saved under another name: "
"""Before a saved vector and the one it stands for, such as v(x1_s) v(x1.s); a line behind `ground 0`."""
_WORDS = """
    abort analysis control default elaborate embed endc ends global ground include load model options parameters
    postprocess print save subckt sweep var
"""
_RULES = NameRules(nodes=frozenset(_WORDS.split()), separator="_")
_HOLDER = "Rtwin__"


class Vacask:
    """A `Dialect`; see the module."""

    name = "vacask"
    suffix = ".sim"

    def format_deck(self, deck: ir.Deck) -> str:
        """Return the whole netlist; raises `DeckError` naming what VACASK cannot say."""
        check_names(deck, modules=True)
        deck, twins = _with_twins(shifted_sines(lines_from_zero(deck), every_phase=True))
        given = flatten(deck)
        flat = safe_names(given, _RULES)
        renamed = {ours.lower(): old.lower() for ours, old in zip(flat.save, given.save, strict=True)}
        return _Writer(flat, twins, {ours: old for ours, old in renamed.items() if ours != old}).text()


@dataclass(frozen=True)
class _Twin:
    """An instance of a law's subcircuit, as the Verilog-A module of the same law; parameters as numbers."""

    name: str
    nodes: tuple[str, ...]
    law: LawVariant
    parameters: tuple[tuple[str, float], ...]


def _with_twins(deck: ir.Deck) -> tuple[ir.Deck, tuple[_Twin, ...]]:
    """The deck without the instances that have a twin, and those; a definition of the user's own never has one."""
    library = {sub.name.lower(): v for sub in deck.subcircuits if (v := variant_of(sub)) is not None}
    inside = {
        name.split(".")[0].lower() for name in (*deck.save, *(n for n, _ in deck.initial_conditions)) if "." in name
    }
    inside |= {vector[2:].split(".")[0].lower() for vector in deck.save if "." in vector}
    taken = [
        e
        for e in deck.elements
        if isinstance(e, ir.Instance) and e.subcircuit.lower() in library and e.name.lower() not in inside
    ]
    twins = tuple(
        _Twin(
            e.name.lower(),
            tuple(n.lower() for n in e.nodes),
            library[e.subcircuit.lower()],
            tuple((n.lower(), constant(v, deck.parameters, deck.functions)) for n, v in e.parameters),
        )
        for e in taken
    )
    gone = {e.name for e in taken}
    # Something has to touch their nodes while the rest is made flat.
    nodes = dict.fromkeys(n for e in taken for n in e.nodes if n != "0")
    held = tuple(ir.ResistorElement(f"{_HOLDER}{k}", node, "0", 1.0) for k, node in enumerate(nodes))
    return replace(deck, elements=(*(e for e in deck.elements if e.name not in gone), *held)), twins


@dataclass
class _Writer:
    """A flat deck as text."""

    deck: ir.Deck
    twins: tuple[_Twin, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    modules: Modules = field(default_factory=Modules)
    masters: dict[str, None] = field(default_factory=dict)
    probes: dict[str, None] = field(default_factory=dict)

    def text(self) -> str:
        deck = self.deck
        self.models = {m.name.lower(): m for m in deck.models}
        body = [commented(e, self._element) for e in deck.elements if not e.name.startswith(_HOLDER)]
        body += [f'{CURRENT_PREFIX}{s} ({CURRENT_PREFIX}{s} 0) ccvs ctlinst="{s}" gain=1' for s in self.probes]
        if self.probes:
            self.masters["ccvs"] = None
        body += self._holders()
        cards, placed = self._twins()
        lines = [remark(deck.title or "netlist"), *(remark(line) for line in deck.header), "ground 0"]
        lines += [f"{RENAMED}{ours} {old}" for ours, old in self.renamed.items()]
        for name in self.masters:
            if name in ("resistor", "capacitor", "inductor"):
                lines.append(f'load "{name}.osdi"')
        lines += self._files()
        lines += [f"model {name} {name}" for name in self.masters]
        lines += [f"model {name} {name}" for name in self.modules.texts.values()]
        return "\n".join([*lines, *cards, *body, *placed, *self._control()]) + "\n"

    def _holders(self) -> Lines:
        """What gives the rows of the nodes with .ic an entry of known size."""
        nodes = [name.lower() for name, _ in self.deck.initial_conditions]
        if not nodes:
            return []
        self.masters |= {"vsource": None, "vccs": None}
        held = [f"hold_{n} ({n} 0 hold_node 0) vccs gain={_real(HOLD)}" for n in nodes]
        return ["hold_source (hold_node 0) vsource dc=0", *held]

    def _files(self) -> Lines:
        files: dict[str, str] = {}
        for twin in self.twins:
            files.setdefault(f"{twin.law.name}.va", format_module(twin.law))
        if self.modules.texts:
            files[FILE] = self.modules.source()
        lines: Lines = []
        for name, text in files.items():
            lines += [f'embed "{name}" <<<FILE', text.rstrip("\n"), ">>>FILE", f'load "{name}"']
        return lines

    def _twins(self) -> tuple[Lines, Lines]:
        """Model cards, one per set of parameters, and instances."""
        cards: dict[tuple[str, tuple[tuple[str, float], ...]], str] = {}
        placed: Lines = []
        for twin in self.twins:
            card = cards.setdefault((twin.law.name, twin.parameters), f"law{len(cards) + 1}")
            placed.append(f"{twin.name} ({' '.join(twin.nodes)}) {card}")
        return [
            " ".join([f"model {card} {module}", *(f"{n}={_real(v)}" for n, v in parameters)])
            for (module, parameters), card in cards.items()
        ], placed

    def _element(self, e: ir.Element) -> str:
        match e:
            case ir.ResistorElement() if has_signals(e.value):
                return self._use(e, self.modules.conductor(e.value))
            case ir.ResistorElement() if _value(e.value) < 0.0:
                gain = {"gain": _real(1.0 / _value(e.value))}
                return self._place(e, (e.plus, e.minus, e.plus, e.minus), "vccs", gain)
            case ir.CapacitorElement() | ir.InductorElement() if e.initial is not None:
                raise DeckError("VACASK has no IC= on an element; set the state with .ic v(node)=value")
            case ir.BehaviouralCurrent():
                return self._use(e, self.modules.use("I", e.expression))
            case ir.BehaviouralVoltage():
                return self._use(e, self.modules.use("V", e.expression))
            case ir.Switch():
                model = switch_model(known_model(e, self.models))
                if model.vh >= NARROW:
                    raise DeckError("a switch with hysteresis has a memory, and modules here have none; give vh = 0")
                on, off = 1.0 / model.ron, 1.0 / model.roff
                # Without a memory it has to hold what overshoots by less than a rounding: closed down to where the
                # hysteresis would open it, or it toggles without end.
                closed = model.vt - model.vh
                return self._use(e, self.modules.switch(e.control_plus, e.control_minus, closed, on, off))
            case (
                ir.VoltageSourceElement(wave=ir.ExpWave() as wave) | ir.CurrentSourceElement(wave=ir.ExpWave() as wave)
            ):
                e = replace(e, wave=replace(wave, fall_delay=_value(wave.fall_delay) - _value(wave.rise_delay)))
        return self._place(e, *MASTERS.instance(e))

    def _use(self, e: ir.TwoTerminal, use: Use) -> str:
        for node in use.nodes:
            if node.startswith(CURRENT_PREFIX):
                self.probes[node.removeprefix(CURRENT_PREFIX)] = None
        values = {f"k{k}": _real(value) for k, value in enumerate(use.numbers, 1)}
        return _placed(e, (e.plus, e.minus, *use.nodes), use.module, values)

    def _place(self, e: ir.Element, nodes: Sequence[str], master: str, values: Mapping[str, str]) -> str:
        self.masters[master] = None
        return _placed(e, nodes, master, values)

    def _control(self) -> Lines:
        deck = self.deck
        options = wanted_options(deck, OPTIONS, "VACASK")
        items: dict[str, str] = {
            name: _number(options[name]) for name in ("reltol", "vntol", "gmin", "temp", "tnom") if name in options
        }
        abstol = plain_number(options, "abstol")
        if abstol is not None:
            items["abstol"] = _real(max(abstol, LEAST_ABSTOL))
        chosen = method(options)
        if chosen is not None:
            items["tran_method"] = '"trap"' if chosen == "trap" else '"gear2"'
        if without_truncation_error(options, "VACASK"):
            items |= {"tran_lteratio": "1e+30", "tran_redofactor": "0"}
        if "maxord" in options and chosen is None:
            items["tran_maxord"] = _number(options["maxord"])
        items |= {"nr_force": _real(FORCE), "nr_residualcheck": "0", "tran_minpts": "0"}
        lines = ["control", "abort always", *_laid('options rawfile="binary"', [f"{n}={v}" for n, v in items.items()])]
        if deck.save:
            lines += _laid("save", [_saved(vector) for vector in deck.save])
        tran = deck.transient
        if tran is not None:
            first = tran.step if tran.max_step is None else min(tran.step, FIRST_STEP * tran.max_step)
            parts = [f"step={_real(first)}", f"stop={_real(tran.stop)}"]
            if tran.start:
                parts.append(f"start={_real(tran.start)}")
            if tran.max_step is not None:
                parts.append(f"maxstep={_real(tran.max_step)}")
            parts.append(f'icmode="{"uic" if tran.uic else "op"}"')
            if deck.initial_conditions:
                pairs = [f'"{n.lower()}", {_number(v)}' for n, v in deck.initial_conditions]
                parts.append("ic={ " + ", ".join(pairs) + " }")
            lines.append(f"analysis {ANALYSIS} tran {' '.join(parts)}")
        return [*lines, "endc"]


def _saved(vector: str) -> str:
    kind, _, inside = vector[:-1].partition("(")
    if kind.lower() not in ("v", "i") or "," in inside:
        raise DeckError(f"saved vector {vector!r}: only v(node) and i(source) can be saved")
    return f'{kind.lower()}("{inside.lower()}")'


def _number(value: Value | str | None) -> str:
    return _real(_value(value))


def _real(value: float) -> str:
    """A number; VACASK reads digits alone as an integer of 32 bits, and 1e10 written so as another number."""
    text = format_number(value)
    return repr(float(value)) if abs(value) >= 2.0**31 else text


def _value(value: Value | str | None) -> float:
    known = plain(value)
    if known is None:
        raise DeckError("a value that depends on voltages stands where VACASK takes a constant; use a B source")
    return known


MASTERS = MasterStyle(
    number=_number,
    sine=("sinedc", "ampl", "freq", "delay", "theta", "phase"),
    exponential=("val0", "val1", "delay", "tau1", "td2", "tau2"),
    kind='"{0}"',
    dc={},
    between=", ",
    probe=lambda source: {"ctlinst": f'"{source.lower()}"'},
)
"""The masters of VACASK that Spectre has, too."""


def _placed(e: ir.Element | ir.TwoTerminal, nodes: Sequence[str], master: str, values: Mapping[str, str]) -> str:
    items = [f"{name}={value}" for name, value in values.items()]
    return " ".join([f"{e.name.lower()} ({' '.join(n.lower() for n in nodes)}) {master}", *items])


def _laid(head: str, items: Iterable[str], width: int = 100) -> Lines:
    """Items behind a head; a long list becomes several statements, each with the head."""
    lines: Lines = []
    for item in items:
        if not lines or len(lines[-1]) + len(item) + 1 > width:
            lines.append(head)
        lines[-1] += f" {item}"
    return lines or [head]


DIALECT = Vacask()
