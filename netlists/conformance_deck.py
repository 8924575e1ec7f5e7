"""One deck that asks a simulator what it makes of everything the dialects rely on, and the values it must give.

Each check is a node; its value is known in closed form or by an independent integration, at t = 0 and at the last
time point (t = 1 s). Nothing here depends on a dialect: the same deck is written in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects import dialect_names, get_dialect
from spicebridge.circuit.lower.lowered_network import ACCURATE
from spicebridge.circuit.lower.models import load_model
from spicebridge.expressions.tree import (
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Time,
    Unary,
)

HERE = Path(__file__).parent / "conformance"
STOP, STEP = 1.0, 1e-3
EXACT, STEPPED, FORCED = 1e-6, 1e-5, 1e-4
"""Tolerances: algebra (Newton's own), integration at `STEP` (h^2), and what a smooth switch may add."""


@dataclass(frozen=True)
class Check:
    """`node` must be `start` at t = 0 and `end` at the last point, within `tolerance`; `why` says what it asks."""

    node: str
    start: float
    end: float
    tolerance: float
    why: str


def _n(value: float) -> Number:
    return Number(float(value))


def _b(op: str, x: Expression, y: Expression) -> Binary:
    return Binary(op, x, y)


NEGATIVE, ZERO_NODE, HALF = NodeVoltage("minus2"), NodeVoltage("zero"), NodeVoltage("half")
A, B = Parameter("a"), Parameter("b")
_LOGIC = _b("||", _b("&&", _b("<", NEGATIVE, _n(0)), _b(">", HALF, _n(1))), Unary("!", _b("==", HALF, _n(1))))
_RAMP = (_n(0), _n(1), _n(1), _n(3), _n(2), _n(2))
SIN_DELAYED = ir.SinWave(offset=0.5, amplitude=2.0, frequency=1.25, delay=0.25, damping=0.8, phase=30.0)
SIN_WAITING = ir.SinWave(offset=0.5, amplitude=2.0, frequency=1.0, delay=2.0, damping=0.0, phase=90.0)


def _sine(wave: ir.SinWave, t: float) -> float:
    offset, amplitude, frequency, delay, damping, phase = (
        float(v)  # type: ignore[arg-type]
        for v in (wave.offset, wave.amplitude, wave.frequency, wave.delay, wave.damping, wave.phase)
    )
    since = max(t - delay, 0.0)
    turn = 2 * math.pi * frequency * since + math.radians(phase)
    return offset + amplitude * math.exp(-damping * since) * math.sin(turn)


ALGEBRA: tuple[tuple[str, Expression, float, str], ...] = (
    ("odd_power", Power(NEGATIVE, _n(3)), -8.0, "(-2)^3 keeps its sign"),
    ("long_power", Power(NEGATIVE, _n(9)), -512.0, "so does (-2)^9, too long for a product"),
    ("inverse_power", Power(NEGATIVE, _n(-3)), -0.125, "and (-2)^-3"),
    ("abs_power", Power(NEGATIVE, _n(2.5), "abs"), 2.0**2.5, "|-2|^2.5"),
    ("signed_power", Power(NEGATIVE, _n(2.5), "signed"), -(2.0**2.5), "sgn(-2) |-2|^2.5"),
    ("step_at_zero", Call("u", (ZERO_NODE,)), 0.5, "the unit step is one half at zero"),
    ("step_below", Call("u", (NEGATIVE,)), 0.0, "and 0 below"),
    ("ramp", Call("uramp", (HALF,)), 0.5, "max(x, 0)"),
    ("choice", Conditional(_b("<", NEGATIVE, _n(0)), _n(3), _n(5)), 3.0, "a conditional"),
    (
        "nested_choice",
        _b("-", _n(1), Conditional(_LOGIC, Conditional(_b(">=", HALF, _n(0.5)), _n(4), _n(6)), _n(8))),
        -3.0,
        "conditionals in arithmetic, with and, or, not",
    ),
    ("small_number", Conditional(_b("*", _n(0.8), HALF), _n(1), _n(2)), 2.0, "0.4 as a test: not above one half"),
    ("size_of_number", Conditional(NEGATIVE, _n(1), _n(2)), 1.0, "-2 as a test: above one half in size"),
    ("test_as_number", _b("+", _b("*", _n(2), _b("<", NEGATIVE, _n(0))), _n(1)), 3.0, "a test is 0 or 1"),
    ("braces", _b("*", _b("*", _b("-", A, B), NEGATIVE), _n(10)), 40.0, "(a - b) x 10 with a = 1, b = 3"),
    ("precedence", _b("-", _n(10), _b("-", _n(4), _b("/", _n(6), _b("*", _n(3), NEGATIVE)))), 5.0, "brackets stay"),
    ("minus_square", Unary("-", Power(NEGATIVE, _n(2))), -4.0, "-(x^2)"),
    ("table_inside", Call("table", (HALF, *_RAMP)), 2.0, "a table through (0,1) (1,3) (2,2) at 0.5"),
    ("table_outside", Call("table", (NEGATIVE, *_RAMP)), 1.0, "and at -2: flat"),
    ("limited", Call("limit", (NEGATIVE, _n(-1), _n(1))), -1.0, "limit(x, low, high)"),
    ("larger", _b("+", Call("max", (NEGATIVE, HALF)), Call("min", (NEGATIVE, HALF))), -1.5, "max and min"),
    ("natural_log", Call("ln", (_b("+", _n(9.5), HALF),)), math.log(10.0), "the natural logarithm of 10"),
    ("decimal_log", Call("log10", (_b("+", _n(999.5), HALF),)), 3.0, "the decimal logarithm of 1000"),
    ("exponential", Call("exp", (NEGATIVE,)), math.exp(-2.0), "exp(-2)"),
    ("hyperbolic", Call("tanh", (HALF,)), math.tanh(0.5), "tanh(0.5)"),
    ("area_sinh", Call("asinh", (NEGATIVE,)), math.asinh(-2.0), "asinh(-2)"),
    ("area_cosh", Call("acosh", (_b("+", _n(1.5), HALF),)), math.acosh(2.0), "acosh(2)"),
    ("area_tanh", Call("atanh", (HALF,)), math.atanh(0.5), "atanh(0.5)"),
    ("angle", Call("atan2", (_n(-1), NEGATIVE)), math.atan2(-1.0, -2.0), "atan2(-1, -2), third quadrant"),
    ("floored", Call("floor", (_b("*", _n(1.25), NEGATIVE),)), -3.0, "floor(-2.5)"),
    ("truncated", Call("int", (_b("*", _n(1.25), NEGATIVE),)), -2.0, "int(-2.5), towards zero"),
    ("rounded", Call("nint", (_b("*", _n(1.25), NEGATIVE),)), -2.0, "nint(-2.5), halves to the even side"),
    ("sign", _b("+", Call("sgn", (NEGATIVE,)), Call("sgn", (ZERO_NODE,))), -1.0, "sgn, and 0 at zero"),
    ("current_of", BranchCurrent("Vneg"), 2.0, "I(V): -2 V on 1 ohm push 2 A from plus to minus inside"),
    ("function", Call("cubic", (NEGATIVE,)), -10.0, "a function x x x + x of the deck"),
)
"""Node, expression, value, what it asks."""


def checks() -> tuple[Check, ...]:
    """Every check, in the order of the deck."""
    w0, w1 = memristor_reference()
    algebra = [Check(node, value, value, EXACT, why) for node, _, value, why in ALGEBRA]
    return (
        *algebra,
        Check("clock", 0.0, STOP, EXACT, "time in an expression"),
        Check("sin_delayed", _sine(SIN_DELAYED, 0.0), _sine(SIN_DELAYED, STOP), EXACT, "order of SIN's arguments"),
        Check("sin_waiting", 2.5, 2.5, EXACT, "before its delay a sine holds its value at the phase"),
        Check("sin_current", 1.0, -1.0, EXACT, "a current source with phase 90, into 1 ohm"),
        Check("pulse", -1.0, 0.0, EXACT, "half way down the third pulse"),
        Check("lines", 1.0, 2.0, EXACT, "PWL whose first point is late, and what comes after the last"),
        Check("edges", 0.0, _exponential(), EXACT, "EXP"),
        Check("current_sign", 3.0, 3.0, EXACT, "3 A from ground through the source into the node, 1 ohm"),
        Check("vcvs", -4.0, -4.0, EXACT, "E: gain 2"),
        Check("vccs", 4.0, 4.0, EXACT, "G: 2 S from the node to ground, into 1 ohm"),
        Check("cccs", -6.0, -6.0, EXACT, "F: 3 I(Vneg) from the node to ground, into 1 ohm"),
        Check("ccvs", 6.0, 6.0, EXACT, "H: 3 ohm I(Vneg)"),
        Check("behavioural_i", 2.0, 2.0, EXACT, "behavioural current -2 A from the node to ground, into 1 ohm"),
        Check("divider", 0.6, 0.6, EXACT, "1 V on a resistor of 1 + V ohm, V = 0.5, and 2.25 ohm"),
        Check("inner", -3.0, -3.0, EXACT, "a subcircuit: default gain 5, given gain 1.5"),
        Check("relaxing", 0.7, 0.7 * math.exp(-1.0), STEPPED, "1 F and 1 ohm from .ic 0.7"),
        Check("fed", 0.25, 1.25, STEPPED, "1 A into 1 F from .ic 0.25: is the state held exactly?"),
        Check("coil", 0.0, 1.0 - math.exp(-1.0), STEPPED, "1 V on 1 ohm and 1 H: the current"),
        Check("switch_off", 0.0, 0.0, FORCED, "a switch 0.1 V below its threshold of 1 V: open"),
        Check("switch_on", 1.0, 1.0, FORCED, "and 0.1 V above: closed"),
        Check("wall", 0.25, 1.0, FORCED, "2 A into 1 F from 0.25, held at 1 by a switch"),
        Check("state", w0, w1, STEPPED, "one memristor with its series source: the state"),
    )


def _exponential() -> float:
    """EXP(0 2 0.1 0.2 0.6 0.3) at t = STOP."""
    rise = 2.0 * (1.0 - math.exp(-(STOP - 0.1) / 0.2))
    return rise - 2.0 * (1.0 - math.exp(-(STOP - 0.6) / 0.3))


MEMRISTOR = {"r_on": 100.0, "r_off": 1600.0, "alpha": 0.1, "beta": 0.5}
STATE_START = 0.3


def memristor_reference() -> tuple[float, float]:
    """w at 0 and at `STOP` of w' = alpha w - (r_on/beta) i, (r_on + (r_off - r_on) w) i = 0.2 + 0.4 sin(2 pi t)."""
    r_on, r_off, alpha, beta = (MEMRISTOR[k] for k in ("r_on", "r_off", "alpha", "beta"))

    def rate(t: float, w: np.ndarray) -> np.ndarray:
        current = (0.2 + 0.4 * math.sin(2.0 * math.pi * t)) / (r_on + (r_off - r_on) * w)
        return alpha * w - r_on / beta * current

    end = solve_ivp(rate, (0.0, STOP), [STATE_START], method="DOP853", rtol=1e-12, atol=1e-14).y[0, -1]
    return STATE_START, float(end)


def conformance_deck() -> ir.Deck:
    """The deck; one commented line per check."""
    why = {c.node: c.why for c in checks()}
    elements: list[ir.Element] = [
        ir.VoltageSourceElement("Vneg", "minus2", "0", ir.DcWave(-2.0), "an input of -2 V"),
        ir.ResistorElement("Rneg", "minus2", "0", 1.0),
        ir.VoltageSourceElement("Vzero", "zero", "0", ir.DcWave(0.0), "an input of 0 V"),
        ir.VoltageSourceElement("Vhalf", "half", "0", ir.DcWave(0.5), "an input of 0.5 V"),
    ]
    for node, expression, _, text in ALGEBRA:
        elements.append(ir.BehaviouralVoltage(f"B_{node}", node, "0", expression, text))
    elements += [
        ir.BehaviouralVoltage("B_clock", "clock", "0", Time(), why["clock"]),
        ir.VoltageSourceElement("V_sin", "sin_delayed", "0", SIN_DELAYED, why["sin_delayed"]),
        ir.VoltageSourceElement("V_wait", "sin_waiting", "0", SIN_WAITING, why["sin_waiting"]),
        ir.CurrentSourceElement(
            "I_sin",
            "0",
            "sin_current",
            ir.SinWave(offset=0.0, amplitude=1.0, frequency=0.5, delay=0.0, damping=0.0, phase=90.0),
            why["sin_current"],
        ),
        ir.ResistorElement("R_sin", "sin_current", "0", 1.0),
        ir.VoltageSourceElement(
            "V_pulse",
            "pulse",
            "0",
            ir.PulseWave(initial=-1.0, pulsed=1.0, delay=0.05, rise=0.05, fall=0.1, width=0.15, period=0.35),
            why["pulse"],
        ),
        ir.VoltageSourceElement(
            "V_lines", "lines", "0", ir.PwlWave(((0.25, 1.0), (0.5, -1.0), (0.75, 2.0))), why["lines"]
        ),
        ir.VoltageSourceElement(
            "V_edges",
            "edges",
            "0",
            ir.ExpWave(initial=0.0, pulsed=2.0, rise_delay=0.1, rise_tau=0.2, fall_delay=0.6, fall_tau=0.3),
            why["edges"],
        ),
        ir.CurrentSourceElement("I_sign", "0", "current_sign", ir.DcWave(3.0), why["current_sign"]),
        ir.ResistorElement("R_sign", "current_sign", "0", 1.0),
        ir.VoltageControlledVoltage("E_gain", "vcvs", "0", "minus2", "0", 2.0, why["vcvs"]),
        ir.VoltageControlledCurrent("G_gain", "vccs", "0", "minus2", "0", 2.0, why["vccs"]),
        ir.ResistorElement("R_vccs", "vccs", "0", 1.0),
        ir.CurrentControlledCurrent("F_gain", "cccs", "0", "Vneg", 3.0, why["cccs"]),
        ir.ResistorElement("R_cccs", "cccs", "0", 1.0),
        ir.CurrentControlledVoltage("H_gain", "ccvs", "0", "Vneg", 3.0, why["ccvs"]),
        ir.BehaviouralCurrent("B_flow", "behavioural_i", "0", NEGATIVE, why["behavioural_i"]),
        ir.ResistorElement("R_flow", "behavioural_i", "0", 1.0),
        ir.VoltageSourceElement("V_top", "top", "0", ir.DcWave(1.0)),
        ir.ResistorElement("R_high", "top", "divider", _b("+", _n(1), HALF), why["divider"]),
        ir.ResistorElement("R_low", "divider", "0", 2.25),
        ir.Instance(
            name="X_inner",
            nodes=("minus2", "inner"),
            subcircuit="amplifier",
            parameters=(("gain", 1.5),),
            comment=why["inner"],
        ),
        ir.CapacitorElement("C_relax", "relaxing", "0", 1.0, None, why["relaxing"]),
        ir.ResistorElement("R_relax", "relaxing", "0", 1.0),
        ir.CurrentSourceElement("I_fed", "0", "fed", ir.DcWave(1.0), why["fed"]),
        ir.CapacitorElement("C_fed", "fed", "0", 1.0),
        ir.VoltageSourceElement(
            "V_coil",
            "coil_top",
            "0",
            ir.PulseWave(initial=0.0, pulsed=1.0, delay=0.0, rise=1e-9, fall=1e-9, width=10.0, period=20.0),
            why["coil"],
        ),
        ir.InductorElement("L_coil", "coil_top", "coil", 1.0),
        ir.ResistorElement("R_coil", "coil", "0", 1.0),
        ir.VoltageSourceElement("V_below", "below", "0", ir.DcWave(0.9)),
        ir.VoltageSourceElement("V_above", "above", "0", ir.DcWave(1.1)),
        ir.Switch("S_off", "top", "switch_off", "below", "0", "GATE", why["switch_off"]),
        ir.ResistorElement("R_off", "switch_off", "0", 1000.0),
        ir.Switch("S_on", "top", "switch_on", "above", "0", "GATE", why["switch_on"]),
        ir.ResistorElement("R_on", "switch_on", "0", 1000.0),
        ir.CurrentSourceElement("I_wall", "0", "wall", ir.DcWave(2.0), why["wall"]),
        ir.CapacitorElement("C_wall", "wall", "0", 1.0),
        ir.Switch("S_wall", "wall", "top", "wall", "0", "CLAMP"),
        ir.VoltageSourceElement(
            "V_drive", "aided", "0", ir.SinWave(offset=0.2, amplitude=0.4, frequency=1.0), why["state"]
        ),
        ir.Instance(
            name="X_mem",
            nodes=("aided", "0", "state", "state"),
            subcircuit="caravelli2017_current",
            parameters=tuple(MEMRISTOR.items()),
        ),
    ]
    amplifier = ir.Subcircuit(
        name="amplifier",
        pins=("p", "q"),
        parameters=(("gain", 5.0),),
        elements=(
            ir.VoltageControlledVoltage("Egain", "q", "0", "p", "0", Parameter("gain")),
            ir.ResistorElement("Rload", "q", "0", Binary("*", Parameter("gain"), _n(100))),
        ),
        header=("an amplifier whose gain is a parameter",),
    )
    x = Parameter("x")
    return ir.Deck(
        title="conformance",
        elements=tuple(elements),
        header=(
            "what this simulator must print is in README.md beside this file",
            "every node that is saved is one check; units V, A, ohm, F, H, s",
        ),
        parameters=(("a", 1.0), ("b", 3.0)),
        functions=(ir.Function("cubic", ("x",), _b("+", _b("*", _b("*", x, x), x), x)),),
        models=(
            ir.Model("GATE", "sw", (("vt", 1.0), ("vh", 0.0), ("ron", 1e-3), ("roff", 1e9))),
            ir.Model("CLAMP", "sw", (("vt", 1.0), ("vh", 0.0), ("ron", 1e-10), ("roff", 1e14))),
        ),
        subcircuits=(load_model("caravelli2017_current"), amplifier),
        initial_conditions=(("relaxing", 0.7), ("fed", 0.25), ("wall", 0.25), ("state", STATE_START)),
        options=ACCURATE,
        transient=ir.Transient(step=STEP, stop=STOP, start=0.0, max_step=STEP),
        save=tuple(f"v({c.node})" for c in checks()),
    )


HOW_TO = """# Conformance decks

`<dialect>` in this folder is one circuit in seven languages. Every saved node is a question about the simulator; the
table says what it must answer. A wrong line names the trap. The decks and this file are written by
`python -m netlists.regenerate`; the ngspice and the VACASK deck are run by the tests, Xyce 7.10.0 answered 56 of 56 once
(before its clamps and powers were rewritten), the others were not run where they were written.

| simulator | run | where the values are |
|---|---|---|
| ngspice | `ngspice -n -b -r out.raw ngspice.cir` | `out.raw` |
| LTspice | `LTspice -b ltspice.cir` | `ltspice.raw` |
| Xyce | `Xyce xyce.cir` | `xyce.cir.prn`, last line |
| HSPICE | `hspice hspice.sp -o hspice` | `hspice.lis`, or `hspice.tr0` |
| PSpice | open `pspice.cir` in PSpice A/D, run | the `.out` file, or Probe |
| Spectre | `spectre spectre.scs -format nutascii` | `spectre.raw` |
| VACASK | `vacask vacask.sim` | `out.raw`, bare names |

Two answers may be off by a floor that is the simulator's own: `fed` (how stiffly an initial condition is held: PSpice
2e-4) and `wall`, `switch_on`, `switch_off` (smooth switches: 1e-5). Please report any other difference.

"""


def readme() -> str:
    """The table of expected values, and how to run each deck."""
    lines = ["| node | at t = 0 | at t = 1 s | within | asks |", "|---|---|---|---|---|"]
    for c in checks():
        lines.append(f"| `{c.node}` | {_shown(c.start)} | {_shown(c.end)} | {c.tolerance:g} | {c.why} |")
    return HOW_TO + "\n".join(lines).replace("|-2|^2.5", "abs(-2)^2.5") + "\n"


def _shown(value: float) -> str:
    return f"{value:.9g}"


def conformance_files() -> Iterator[tuple[Path, str]]:
    """Every file of the folder and what it must hold."""
    deck = conformance_deck()
    for dialect in dialect_names():
        writer = get_dialect(dialect)
        yield HERE / f"{dialect}{writer.suffix}", writer.format_deck(deck)
    yield HERE / "README.md", readme()
