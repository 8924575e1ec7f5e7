"""Six dialects of one deck: what every element becomes (by hand from the manuals), that the circuit stays the same
(connections, meaning of expressions by evaluators of their own, ngspice on adapted decks), and what is refused.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import element_nodes
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.dialects import dialect_names, get_dialect
from spicebridge.circuit.dialects.adapt import (
    as_controlled_sources,
    lines_from_zero,
    resistors_as_sources,
    shifted_sines,
    sine,
)
from spicebridge.circuit.dialects.dialect import check_names
from spicebridge.circuit.dialects.expansions import clamp_exponents, expand
from spicebridge.circuit.dialects.switches import WIDTH, smooth_switches
from spicebridge.circuit.engines import Job, Status, get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.circuit.reader import read_deck
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import (
    FUNCTIONS,
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    Environment,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Time,
    Unary,
    evaluate,
)
from tests.circuit.netlist_reading import Scope, read_spectre, read_spice
from tests.circuit.vendor_language import VENDORS, Refused, evaluate_text
from tests.strategies import loop_networks, networks

DIALECTS = tuple(name for name in dialect_names() if name != "vacask")
"""Those whose texts are held against manuals; what VACASK reads it also runs, in test_vacask.py."""
OTHERS = tuple(VENDORS)
SWITCH = ir.Model("GATE", "sw", (("vt", 1.0), ("vh", 0.0), ("ron", 1e-3), ("roff", 1e9)))
X, Y = NodeVoltage("a"), NodeVoltage("a", "b")


def written(dialect: str, *elements: ir.Element, **parts: object) -> list[str]:
    """The lines of a deck of these elements, without its title."""
    text = get_dialect(dialect).format_deck(Deck(title="t", elements=elements, **parts))  # type: ignore[arg-type]
    return text.splitlines()[1:]


# Every element, by hand from the manuals named in the dialects' own sources.

SINE = ir.VoltageSourceElement(
    "V1", "a", "0", ir.SinWave(offset=0.5, amplitude=2.0, frequency=50.0, delay=0.0, damping=3.0, phase=90.0)
)
PULSE = ir.CurrentSourceElement(
    "I1", "0", "a", ir.PulseWave(initial=0.0, pulsed=1.0, delay=1e-3, rise=1e-6, fall=2e-6, width=5e-3, period=0.01)
)
LINES = ir.VoltageSourceElement("V2", "a", "0", ir.PwlWave(((0.5, 1.0), (1.0, -1.0))))
EDGES = ir.VoltageSourceElement(
    "V3", "a", "0", ir.ExpWave(initial=0.0, pulsed=1.0, rise_delay=0.1, rise_tau=0.2, fall_delay=0.3, fall_tau=0.4)
)
CONSTANT = ir.CurrentSourceElement("I2", "a", "b", ir.DcWave(0.25))
BEHAVIOUR_V = ir.BehaviouralVoltage("B1", "a", "0", Binary("*", Number(2.0), Y))
BEHAVIOUR_I = ir.BehaviouralCurrent("B2", "a", "b", Unary("-", BranchCurrent("V9")))
VARIABLE = ir.ResistorElement("R1", "a", "b", Binary("+", Number(1.0), NodeVoltage("w")))
SENSE = ir.VoltageSourceElement("V9", "a", "b", ir.DcWave(0.0))
STORES = ir.CapacitorElement("C1", "a", "0", 1e-6, 0.5)
COIL = ir.InductorElement("L1", "a", "0", 1e-3)
GAIN_E = ir.VoltageControlledVoltage("E1", "a", "0", "b", "c", 2.0)
GAIN_G = ir.VoltageControlledCurrent("G1", "a", "0", "b", "c", -0.5)
GAIN_F = ir.CurrentControlledCurrent("F1", "a", "0", "V9", 3.0)
GAIN_H = ir.CurrentControlledVoltage("H1", "a", "0", "V9", 4.0)
PLACED = ir.Instance(name="X1", nodes=("a", "b"), subcircuit="cell", parameters=(("k", 2.0), ("n", -1.0)))

SPICE_SINE = "V1 a 0 SIN(0.5 2 50 0 3 90)"
SPICE_PULSE = "I1 0 a PULSE(0 1 0.001 1e-06 2e-06 0.005 0.01)"
FROM_ZERO = "V2 a 0 PWL( 0 1 0.5 1 1 -1)"
AS_IT_IS = "V2 a 0 PWL( 0.5 1 1 -1)"
SPICE_EDGES = "V3 a 0 EXP(0 1 0.1 0.2 0.3 0.4)"

BY_HAND: dict[str, dict[ir.Element, str]] = {
    "ngspice": {
        SINE: SPICE_SINE,
        PULSE: SPICE_PULSE,
        LINES: AS_IT_IS,
        EDGES: SPICE_EDGES,
        CONSTANT: "I2 a b 0.25",
        BEHAVIOUR_V: "B1 a 0 V=2*V(a,b)",
        BEHAVIOUR_I: "B2 a b I=(-I(V9))",
        VARIABLE: "R1 a b R='1+V(w)'",
        STORES: "C1 a 0 1e-06 IC=0.5",
        COIL: "L1 a 0 0.001",
        GAIN_E: "E1 a 0 b c 2",
        GAIN_G: "G1 a 0 b c -0.5",
        GAIN_F: "F1 a 0 V9 3",
        GAIN_H: "H1 a 0 V9 4",
        PLACED: "X1 a b cell k=2 n=-1",
    },
    "ltspice": {
        SINE: SPICE_SINE,
        PULSE: SPICE_PULSE,
        LINES: AS_IT_IS,
        EDGES: SPICE_EDGES,
        CONSTANT: "I2 a b 0.25",
        BEHAVIOUR_V: "B1 a 0 V=2*V(a,b)",
        BEHAVIOUR_I: "B2 a b I=(-I(V9))",
        VARIABLE: "R1 a b R=1+V(w)",
        STORES: "C1 a 0 1e-06 IC=0.5",
        COIL: "L1 a 0 0.001",
        GAIN_E: "E1 a 0 b c 2",
        GAIN_G: "G1 a 0 b c -0.5",
        GAIN_F: "F1 a 0 V9 3",
        GAIN_H: "H1 a 0 V9 4",
        PLACED: "X1 a b cell k=2 n=-1",
    },
    "xyce": {
        SINE: SPICE_SINE,
        PULSE: SPICE_PULSE,
        LINES: FROM_ZERO,
        EDGES: SPICE_EDGES,
        CONSTANT: "I2 a b 0.25",
        BEHAVIOUR_V: "B1 a 0 V={2*V(a,b)}",
        BEHAVIOUR_I: "B2 a b I={(-I(V9))}",
        VARIABLE: "R1 a b R={1+V(w)}",
        STORES: "C1 a 0 1e-06 IC=0.5",
        COIL: "L1 a 0 0.001",
        GAIN_E: "E1 a 0 b c 2",
        GAIN_G: "G1 a 0 b c -0.5",
        GAIN_F: "F1 a 0 V9 3",
        GAIN_H: "H1 a 0 V9 4",
        PLACED: "X1 a b cell k=2 n=-1",
    },
    "hspice": {
        SINE: SPICE_SINE,
        PULSE: SPICE_PULSE,
        LINES: FROM_ZERO,
        EDGES: SPICE_EDGES,
        CONSTANT: "I2 a b 0.25",
        BEHAVIOUR_V: "EB1 a 0 vol='2*V(a,b)'",
        BEHAVIOUR_I: "GB2 a b cur='(-I(V9))'",
        VARIABLE: "R1 a b R='1+V(w)'",
        STORES: "C1 a 0 1e-06 IC=0.5",
        COIL: "L1 a 0 0.001",
        GAIN_E: "E1 a 0 b c 2",
        GAIN_G: "G1 a 0 b c -0.5",
        GAIN_F: "F1 a 0 V9 3",
        GAIN_H: "H1 a 0 V9 4",
        PLACED: "X1 a b cell k=2 n=-1",
    },
    "pspice": {
        SINE: SPICE_SINE,
        PULSE: SPICE_PULSE,
        LINES: FROM_ZERO,
        EDGES: SPICE_EDGES,
        CONSTANT: "I2 a b 0.25",
        BEHAVIOUR_V: "EB1 a 0 VALUE={2*V(a,b)}",
        BEHAVIOUR_I: "GB2 a b VALUE={(-I(V9))}",
        VARIABLE: "GBR1 a b VALUE={V(a,b)/(1+V(w))}",
        STORES: "C1 a 0 1e-06 IC=0.5",
        COIL: "L1 a 0 0.001",
        GAIN_E: "E1 a 0 b c 2",
        GAIN_G: "G1 a 0 b c -0.5",
        GAIN_F: "F1 a 0 V9 3",
        GAIN_H: "H1 a 0 V9 4",
        PLACED: "X1 a b cell PARAMS: k=2 n=-1",
    },
    "spectre": {
        SINE: "V1 (a 0) vsource type=sine sinedc=0.5 ampl=2 freq=50 delay=0 damp=3 sinephase=90",
        PULSE: "I1 (0 a) isource type=pulse val0=0 val1=1 delay=0.001 rise=1e-06 fall=2e-06 width=0.005 period=0.01",
        LINES: "V2 (a 0) vsource type=pwl wave=[ 0 1 0.5 1 1 -1 ]",
        EDGES: "V3 (a 0) vsource type=exp val0=0 val1=1 td1=0.1 tau1=0.2 td2=0.3 tau2=0.4",
        CONSTANT: "I2 (a b) isource type=dc dc=0.25",
        BEHAVIOUR_V: "B1 (a 0) bsource v=2*v(a,b)",
        BEHAVIOUR_I: 'B2 (a b) bsource i=(-i("V9:1"))',
        VARIABLE: "R1 (a b) bsource r=1+v(w)",
        STORES: "C1 (a 0) capacitor c=1e-06 ic=0.5",
        COIL: "L1 (a 0) inductor l=0.001",
        GAIN_E: "E1 (a 0 b c) vcvs gain=2",
        GAIN_G: "G1 (a 0 b c) vccs gm=-0.5",
        GAIN_F: "F1 (a 0) cccs probe=V9 gain=3",
        GAIN_H: "H1 (a 0) ccvs probe=V9 rm=4",
        PLACED: "X1 (a b) cell k=2 n=-1",
    },
}


@pytest.mark.parametrize(
    ("dialect", "element"), [(d, e) for d in DIALECTS for e in BY_HAND[d]], ids=lambda x: getattr(x, "name", x)
)
def test_every_element_as_the_manuals_have_it(dialect: str, element: ir.Element) -> None:
    lines = written(dialect, element, *([] if element is SENSE else [SENSE]))
    assert BY_HAND[dialect][element] in lines


def test_the_table_by_hand_misses_no_element_and_no_wave() -> None:
    kinds = set(ir.Element.__args__) - {ir.Switch}  # type: ignore[attr-defined]
    waves = set(ir.Wave.__args__)  # type: ignore[attr-defined]
    for dialect in DIALECTS:
        table = BY_HAND[dialect]
        assert {type(e) for e in (*table, SENSE)} == kinds
        assert {type(e.wave) for e in table if hasattr(e, "wave")} == waves


def test_switches() -> None:
    switch = ir.Switch("S1", "a", "b", "c", "0", "GATE")
    native = ["S1 a b c 0 GATE", ".model GATE sw(vt=1 vh=0 ron=0.001 roff=1000000000)"]
    for dialect in ("ngspice", "ltspice"):
        assert set(native) <= set(written(dialect, switch, models=(SWITCH,)))
    body = "1e-09+999.999999999*smoothstep(min(max((x-1)/0.001,0),1))"
    assert set(written("xyce", switch, models=(SWITCH,))) >= {
        "BS1 a b I={V(a,b)*g_GATE(V(c))}",
        ".func smoothstep(part) {part*part*(3-2*part)}",
        f".func g_GATE(x) {{{body}}}",
    }
    assert set(written("pspice", switch, models=(SWITCH,))) >= {
        "GBS1 a b VALUE={V(a,b)*g_GATE(V(c))}",
        f".func g_GATE(x) {{{body}}}",
    }
    assert set(written("hspice", switch, models=(SWITCH,))) >= {
        "GBS1 a b cur='V(a,b)*g_GATE(V(c))'",
        ".param smoothstep(part)='part*part*(3-2*part)'",
        f".param g_GATE(x)='{body}'",
    }
    assert set(written("spectre", switch, models=(SWITCH,))) >= {
        "S1 (a b c 0) GATE",
        "model GATE relay vt1=1 vt2=1.001 ropen=1000000000 rclosed=0.001",
    }


def test_no_switch_is_steeper_than_xyce_works_with() -> None:
    clamp = ir.Model("HOLD", "sw", (("vt", 1.0), ("ron", 3e-12), ("roff", 1e13)))
    lines = written("xyce", ir.Switch("S1", "a", "b", "c", "0", "HOLD"), models=(clamp,))
    (body,) = (line for line in lines if line.startswith(".func g_HOLD"))
    text = body.partition("{")[2].removesuffix("}")
    v = np.linspace(0.0, 2e-3, 4001)
    part = np.clip(v / 1e-3, 0.0, 1.0)
    assert text == "1e-13+5000000000*smoothstep(min(max((x-1)/0.001,0),1))"
    current = v * 5e9 * part * part * (3.0 - 2.0 * part)
    assert np.gradient(current, v).max() < 1e10


@pytest.mark.parametrize("name", ["stp", "cubic", "sqrt"])
def test_functions_called_like_built_in_ones_get_another_name(name) -> None:
    functions = (
        ir.Function(name, ("x",), Binary("*", Number(3.0), Parameter("x"))),
        ir.Function("twice", ("x",), Call(name, (Call(name, (Parameter("x"),)),))),
    )
    use = ir.BehaviouralVoltage("B1", "a", "0", Call(name, (NodeVoltage("b"),)))
    lines = written("xyce", use, functions=functions)
    assert {f".func f_{name}(x) {{3*x}}", f".func twice(x) {{f_{name}(f_{name}(x))}}"} <= set(lines)
    assert f"B1 a 0 V={{f_{name}(V(b))}}" in lines
    assert f"B1 a 0 V={name}(V(b))" in written("ngspice", use, functions=functions)


def test_switches_with_hysteresis() -> None:
    model = ir.Model("LATCH", "sw", (("vt", 0.5), ("vh", 0.2), ("ron", 1.0), ("roff", 1e6)))
    switch = ir.Switch("S1", "a", "b", "c", "0", "LATCH")
    cards = {
        "ngspice": ".model LATCH sw(vt=0.5 vh=0.2 ron=1 roff=1000000)",
        "ltspice": ".model LATCH sw(vt=0.5 vh=0.2 ron=1 roff=1000000)",
        "pspice": ".model LATCH vswitch(ron=1 roff=1000000 vt=0.5 vh=0.2)",
        "spectre": "model LATCH relay vt1=0.5 vt2=0.501 ropen=1000000 rclosed=1 hysteresis=0.2",
    }
    for dialect, card in cards.items():
        assert card in written(dialect, switch, models=(model,))
    (card,) = (line for line in written("xyce", switch, models=(model,)) if line.startswith(".model"))
    values = dict(part.split("=") for part in card[card.index("(") + 1 : -1].split())
    assert (float(values["von"]), float(values["voff"])) == (0.7, 0.3)
    assert 0.3 < float(values["vhon"]) < 0.3001
    assert 0.6999 < float(values["vhoff"]) < 0.7
    with pytest.raises(DeckError, match=r"S1.*HSPICE.*hysteresis"):
        written("hspice", switch, models=(model,))


def test_wide_native_switches_are_drawn_together() -> None:
    model = ir.Model("LATCH", "sw", (("vt", 0.0), ("vh", 0.1), ("ron", 1e-12), ("roff", 1e12)))
    for dialect in ("xyce", "pspice"):
        (card,) = (line for line in written(dialect, models=(model,)) if line.startswith(".model"))
        assert "ron=1e-06 roff=1000000 " in card


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ((("vx", 1.0),), "vx"),
        ((("ron", 0.0),), "positive"),
        ((("vh", -1.0),), "negative"),
        ((("vt", Parameter("p")),), "number"),
    ],
)
def test_switch_models_that_make_no_sense(parameters: object, fault: str) -> None:
    with pytest.raises(DeckError, match=rf"M1.*{fault}"):
        written("ltspice", models=(ir.Model("M1", "sw", parameters),))  # type: ignore[arg-type]


SUB = ir.Subcircuit(
    name="cell",
    pins=("p", "q"),
    parameters=(("k", 2.0),),
    elements=(ir.ResistorElement("R1", "p", "q", Binary("*", Parameter("k"), Number(10.0))),),
    header=("a cell",),
)


def test_subcircuits_and_parameters() -> None:
    parts = {"subcircuits": (SUB,), "parameters": (("g", 3.0),)}
    expected = {
        "ngspice": [".param g=3", "* a cell", ".subckt cell p q k=2", "R1 p q {k*10}", ".ends"],
        "ltspice": [".param g=3", "* a cell", ".subckt cell p q k=2", "R1 p q {k*10}", ".ends"],
        "xyce": [".param g=3", "* a cell", ".subckt cell p q k=2", "R1 p q {k*10}", ".ends"],
        "hspice": [".param g=3", "* a cell", ".subckt cell p q k=2", "R1 p q 'k*10'", ".ends"],
        "pspice": [".param g=3", "* a cell", ".subckt cell p q PARAMS: k=2", "R1 p q {k*10}", ".ends"],
        "spectre": [
            "parameters g=3",
            "// a cell",
            "subckt cell (p q)",
            "    parameters k=2",
            "    R1 (p q) resistor r=(k*10)",
            "ends cell",
        ],
    }
    for dialect, lines in expected.items():
        assert [line for line in written(dialect, **parts) if line in lines] == lines


def test_functions() -> None:
    functions = (ir.Function("twice", ("x",), Binary("*", Number(2.0), Parameter("x"))),)
    use = ir.BehaviouralVoltage("B1", "a", "0", Call("twice", (X,)))
    assert ".func twice(x) {2*x}" in written("ngspice", use, functions=functions)
    assert ".func twice(x) {2*x}" in written("ltspice", use, functions=functions)
    assert ".func twice(x) {2*x}" in written("xyce", use, functions=functions)
    assert ".func twice(x) {2*x}" in written("pspice", use, functions=functions)
    assert ".param twice(x)='2*x'" in written("hspice", use, functions=functions)
    lines = written("spectre", use, functions=functions)
    at = lines.index("real twice(real x) {")
    assert lines[at : at + 3] == ["real twice(real x) {", "    return 2*x;", "}"]
    assert "B1 (a 0) bsource v=twice(v(a))" in lines


ANALYSIS = {
    "elements": (SENSE, ir.ResistorElement("R1", "a", "b", 1.0)),
    "initial_conditions": (("a", 0.5), ("b", 0.25)),
    "options": (("method", "trap"), ("reltol", 1e-9), ("vntol", 1e-12), ("abstol", 1e-15), ("trtol", 1e9)),
    "transient": ir.Transient(step=0.01, stop=2.0, start=0.0, max_step=0.005),
    "save": ("v(a)", "i(v9)"),
}


def test_analysis_options_conditions_and_what_is_saved() -> None:
    expected = {
        "ngspice": [
            ".ic v(a)=0.5 v(b)=0.25",
            ".options method=trap reltol=1e-09 vntol=1e-12 abstol=1e-15 trtol=1000000000",
            ".save v(a) i(v9)",
            ".tran 0.01 2 0 0.005",
            ".end",
        ],
        "ltspice": [
            ".ic v(a)=0.5 v(b)=0.25",
            ".options method=trap reltol=1e-09 vntol=1e-12 abstol=1e-15 trtol=1000000000 plotwinsize=0 numdgt=15",
            ".save v(a) i(v9)",
            ".tran 0.01 2 0 0.005",
            ".end",
        ],
        "xyce": [
            ".ic v(a)=0.5",
            ".ic v(b)=0.25",
            ".options timeint method=trap reltol=1e-09 abstol=1e-12 erroption=1 delmax=0.005",
            ".options nonlin abstol=1e-15",
            ".options nonlin-tran abstol=1e-15",
            ".print tran precision=15 width=24 v(a) i(v9)",
            ".tran 5e-05 2 0 0.005",
            ".end",
        ],
        "hspice": [
            ".ic v(a)=0.5 v(b)=0.25",
            ".option post=2 ingold=2 numdgt=10 parhier=local method=trap reltol=1e-09 vntol=1e-12 abstol=1e-15",
            "+ runlvl=0 lvltim=1 delmax=0.005 gmax=1000000000",
            ".print tran v(a) i(v9)",
            ".tran 0.01 2",
            ".end",
        ],
        "pspice": [
            ".ic v(a)=0.5 v(b)=0.25",
            "* step control by truncation error stays on: steps are at most the ceiling",
            ".options reltol=1e-09 vntol=1e-12 abstol=1e-15 numdgt=8",
            ".print tran v(a) i(v9)",
            ".probe v(a) i(v9)",
            ".tran 0.01 2 0 0.005",
            ".end",
        ],
        "spectre": [
            "ic a=0.5 b=0.25",
            "settings options reltol=1e-09 vabstol=1e-12 iabstol=1e-15 rforce=1e-09",
            "save a V9:1",
            "run tran stop=2 maxstep=0.005 method=traponly lteratio=1000000000 ic=all",
        ],
    }
    for dialect, tail in expected.items():
        lines = get_dialect(dialect).format_deck(Deck(title="t", **ANALYSIS)).splitlines()  # type: ignore[arg-type]
        assert lines[-len(tail) :] == tail


def test_uic_and_late_start() -> None:
    tran = ir.Transient(step=0.01, stop=2.0, start=0.5, max_step=0.005, uic=True)
    lines = {d: written(d, transient=tran) for d in DIALECTS}
    assert lines["ngspice"][-2] == lines["ltspice"][-2] == ".tran 0.01 2 0.5 0.005 uic"
    assert lines["xyce"][-2] == ".tran 5e-05 2 0.5 0.005 uic", "its first step is the first number, here a hundredth"
    assert lines["pspice"][-2] == ".tran 0.01 2 0.5 0.005 skipbp"
    assert lines["hspice"][-2] == ".tran 0.01 2 start=0.5 uic"
    assert lines["spectre"][-1] == "run tran stop=2 outputstart=0.5 maxstep=0.005 skipdc=yes"


@pytest.mark.parametrize("dialect", OTHERS)
def test_unknown_options_are_refused_with_the_nearest_known(dialect: str) -> None:
    with pytest.raises(DeckError, match=r"reltoll.*did you mean 'reltol'"):
        written(dialect, options=(("reltoll", 1e-6),))


@pytest.mark.parametrize("dialect", ["xyce", "hspice", "pspice"])
def test_a_trtol_that_only_loosens_has_no_counterpart(dialect: str) -> None:
    with pytest.raises(DeckError, match="trtol=7"):
        written(dialect, options=(("trtol", 7.0),))


def test_methods() -> None:
    for dialect in OTHERS:
        with pytest.raises(DeckError, match="euler"):
            written(dialect, options=(("method", "euler"),))
    assert "run tran stop=1 method=gear2only ic=all" in written(
        "spectre", options=(("method", "gear"),), transient=ir.Transient(step=0.1, stop=1.0)
    )
    text = written("pspice", options=(("method", "gear"),))
    assert "* method gear cannot be set in PSpice, which integrates by the trapezoidal rule" in text
    assert ".options numdgt=8" in text


# Names


@pytest.mark.parametrize("dialect", DIALECTS)
def test_names_that_meet_when_case_folds(dialect: str) -> None:
    with pytest.raises(DeckError, match="case folds"):
        written(dialect, ir.ResistorElement("R1", "a", "0", 1.0), ir.ResistorElement("r1", "b", "0", 1.0))
    with pytest.raises(DeckError, match=r"'a' and 'A'"):
        written(dialect, ir.ResistorElement("R1", "a", "0", 1.0), ir.ResistorElement("R2", "A", "0", 1.0))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_text_that_would_break_out_of_its_place(dialect: str) -> None:
    for bad in ("R1\n.control", "R1 x", "Q1", "+R1", ""):
        with pytest.raises(DeckError):
            written(dialect, ir.ResistorElement(bad, "a", "0", 1.0))
    for parts in (
        {"options": (("method", "trap\n.control"),)},
        {"save": ("v(a)\n.control",)},
        {"parameters": (("a b", 1.0),)},
        {"models": (ir.Model("M\n1", "sw"),)},
        {"subcircuits": (ir.Subcircuit(name="s\nt", pins=("p",)),)},
        {"functions": (ir.Function("f", ("x)\n",), Number(1.0)),)},
    ):
        with pytest.raises(DeckError):
            written(dialect, **parts)
    comment = ir.ResistorElement("R1", "a", "0", 1.0, "first\n.control\rshell \\")
    text = get_dialect(dialect).format_deck(Deck(title="title\nR9 a 0 1", elements=(comment,), header=("x\ny",)))
    assert not [line for line in text.splitlines() if line.startswith((".control", "R9", "y", "shell"))]


def test_a_backslash_does_not_swallow_the_next_line_of_spectre() -> None:
    lines = written(
        "spectre", ir.ResistorElement("R1", "a", "0", 1.0, "ends so \\"), ir.ResistorElement("R2", "a", "0", 1.0)
    )
    assert "R1 (a 0) resistor r=1 // ends so" in lines
    assert "R2 (a 0) resistor r=1" in lines


def test_reserved_words_are_renamed_everywhere() -> None:
    elements = (
        ir.ResistorElement("R1", "ground", "0", Parameter("vt")),
        ir.BehaviouralVoltage("B1", "n_ground", "0", NodeVoltage("ground", "x.y")),
        ir.ResistorElement("R2", "x.y", "0", 1.0),
    )
    lines = written(
        "xyce", *elements, parameters=(("vt", 2.0),), initial_conditions=(("ground", 1.0),), save=("v(ground)",)
    )
    assert {
        ".param p_vt=2",
        "R1 n_ground_2 0 {p_vt}",
        "B1 n_ground 0 V={V(n_ground_2,x_y)}",
        ".ic v(n_ground_2)=1",
        ".print tran precision=15 width=24 v(n_ground_2)",
    } <= set(lines)
    kept = written("ngspice", *elements, parameters=(("vt", 2.0),))
    assert {".param vt=2", "R1 ground 0 {vt}", "R2 x.y 0 1"} <= set(kept)


def test_nodes_inside_an_instance() -> None:
    elements = (
        ir.Instance(name="X1", nodes=("a", "0"), subcircuit="cell"),
        ir.BehaviouralVoltage("B1", "b", "0", NodeVoltage("x1.m")),
    )
    parts = {"subcircuits": (SUB,), "save": ("v(x1.m)",), "initial_conditions": (("x1.m", 1.0),)}
    for dialect, path in (("ltspice", "x1:m"), ("xyce", "x1:m"), ("hspice", "x1.m"), ("pspice", "x1.m")):
        text = "\n".join(written(dialect, *elements, **parts))
        assert f".ic v({path})=1" in text
        assert f"V({path})" in text
        assert f"v({path})" in text
    assert "save x1.m" in written("spectre", *elements, **parts)


def test_new_letters_avoid_names_that_exist() -> None:
    elements = (
        ir.BehaviouralCurrent("B1", "a", "0", X),
        ir.VoltageControlledCurrent("GB1", "a", "0", "b", "0", 1.0),
        ir.BehaviouralVoltage("B2", "b", "0", X),
    )
    deck = as_controlled_sources(Deck(title="t", elements=elements))
    assert [e.name for e in deck.elements] == ["GGB1", "GB1", "EB2"]


@pytest.mark.parametrize("dialect", ["xyce", "hspice", "pspice"])
def test_currents_through_anything_but_a_voltage_source(dialect: str) -> None:
    follower = ir.CurrentControlledCurrent("F1", "a", "0", "B1", 1.0)
    with pytest.raises(DeckError, match=r"F1.*B1.*0 V in series"):
        written(dialect, BEHAVIOUR_V, SENSE, follower)
    with pytest.raises(DeckError, match=r"B7.*L1"):
        written(dialect, COIL, ir.BehaviouralVoltage("B7", "c", "0", BranchCurrent("L1")))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_constant_that_depends_on_voltages_is_refused_by_name(dialect: str) -> None:
    with pytest.raises(DeckError, match=r"C1.*B source"):
        written(dialect, ir.CapacitorElement("C1", "a", "0", X))


def test_conditions_inside_a_subcircuit() -> None:
    sub = replace(SUB, initial_conditions=(("p", 1.0),))
    with pytest.raises(DeckError, match=r"cell.*PSpice.*flatten"):
        written("pspice", subcircuits=(sub,))
    assert "    ic p=1" in written("spectre", subcircuits=(sub,))


# Expressions: what each language makes of our text is what we mean

VALUES = {"a": 0.75, "b": -1.25, "c": 2.5}
NAMES = {"k": 1.5, "time": 0.375, "i(V9)": -0.5}
LEAVES = st.one_of(
    st.sampled_from([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 1e-3]).map(Number),
    st.sampled_from([NodeVoltage("a"), NodeVoltage("b"), NodeVoltage("c"), NodeVoltage("a", "b"), Time()]),
    st.sampled_from([Parameter("k"), BranchCurrent("V9")]),
)
ONE = [
    n
    for n, (count, _) in FUNCTIONS.items()
    if count == 1 and n not in ("acosh", "atanh", "asin", "acos", "ln", "log10", "sqrt", "tan")
]


def trees(children: st.SearchStrategy) -> st.SearchStrategy:
    number = children
    compared = st.builds(Binary, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), number, number)
    test = st.one_of(
        compared,
        st.builds(Binary, st.sampled_from(["&&", "||"]), compared, compared),
        st.builds(lambda x: Unary("!", x), compared),
        st.builds(lambda x, y: Binary("&&", Unary("!", x), Binary("||", y, x)), compared, number),
    )
    magnitude = st.builds(lambda x: Binary("+", Call("abs", (x,)), Number(0.25)), number)
    fraction = st.builds(lambda x: Binary("/", x, Binary("+", Number(1.0), Call("abs", (x,)))), number)
    whole = st.integers(0, 10).map(lambda n: Number(float(n)))
    negative = st.integers(-3, -1).map(lambda n: Number(float(n)))
    broken = st.sampled_from([Number(0.5), Number(1.5), Parameter("k")])
    any_power = st.sampled_from([0.5, 2.0, 2.5, 3.0]).map(Number)
    ramp = tuple(Number(v) for v in (-1.0, 2.0, 0.5, -3.0, 1.5, 1.0))
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*"]), number, number),
        st.builds(lambda x, y: Binary("/", x, y), number, magnitude),
        st.builds(lambda x: Unary("-", x), number),
        st.builds(Power, number, whole, st.just("real")),
        st.builds(Power, magnitude, st.one_of(negative, broken), st.just("real")),
        st.builds(Power, number, any_power, st.sampled_from(["abs", "signed"])),
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(ONE), number),
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["ln", "log10", "sqrt"]), magnitude),
        st.builds(lambda x: Call("acosh", (Binary("+", Number(1.0), x),)), magnitude),
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["asin", "acos", "atanh"]), fraction),
        st.builds(lambda f, x, y: Call(f, (x, y)), st.sampled_from(["min", "max", "atan2"]), number, number),
        st.builds(lambda x, y, z: Call("limit", (x, y, Binary("+", y, z))), number, number, magnitude),
        st.builds(lambda x: Call("table", (x, *ramp)), number),
        st.builds(Conditional, st.one_of(test, number), number, number),
        test,
    )


TREES = st.recursive(LEAVES, trees, max_leaves=12)


def meaning(tree: object) -> float:
    environment = Environment(VALUES, {"v9": NAMES["i(V9)"]}, {"k": NAMES["k"]}, NAMES["time"])
    return float(evaluate(tree, environment))  # type: ignore[arg-type]


def text_of(dialect: str, tree: object) -> str:
    lines = written(dialect, SENSE, ir.BehaviouralVoltage("B1", "out", "0", tree))  # type: ignore[arg-type]
    (line,) = (line for line in lines if line.startswith(("B1 ", "EB1 ")))
    body = line.split("=", 1)[1]
    return body[1:-1] if body[0] in "{'" and dialect != "ltspice" else body


@pytest.mark.parametrize("dialect", OTHERS)
@settings(max_examples=150)
@given(tree=TREES)
def test_every_language_reads_what_we_mean(dialect: str, tree: object) -> None:
    wanted = meaning(tree)
    assume(math.isfinite(wanted) and abs(wanted) < 1e6)
    try:
        got = evaluate_text(dialect, text_of(dialect, tree), VALUES, NAMES)
    except OverflowError:
        assume(False)
    assert got == pytest.approx(wanted, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("dialect", "text", "value"),
    [
        ("ltspice", "if((V(a) > 0.5) & (V(b) < 0),2,3)", 2.0),
        ("ltspice", "u(0)+pwrs(-2,3)", -8.0),
        ("xyce", "IF((V(a) > 0.5) && (V(b) < 0),LOG(100),3)", 2.0),
        ("hspice", "((V(a) > 0.5) ? log(-1)+pow(-2,3.7) : 3)", -8.0),
        ("pspice", "IF((V(a) > 0.5) & (V(b) < 0),PWRS(-2,3),3)+PWR(-2,2)", -4.0),
        ("spectre", "(v(a) > 0.5)-(2)**(2)", -3.0),
    ],
)
def test_the_evaluators_know_the_manuals(dialect: str, text: str, value: float) -> None:
    assert evaluate_text(dialect, text, VALUES) == pytest.approx(value)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("xyce", "2*(V(a) > 0)"),
        ("pspice", "floor(1)+asinh(1)"),
        ("hspice", "limit(1,2,3)"),
        ("ltspice", "V(a) > 0 ? 1 : 2"),
    ],
)
def test_the_evaluators_refuse_what_the_manuals_do_not_have(dialect: str, text: str) -> None:
    with pytest.raises(Refused):
        evaluate_text(dialect, text, VALUES)


def test_traps_of_the_table_are_answered_in_text() -> None:
    cube = Power(X, Number(3.0))
    step = Call("u", (X,))
    choice = Conditional(Binary("<", X, Number(0.0)), Number(1.0), Number(2.0))
    assert [text_of(d, cube) for d in DIALECTS] == [
        "V(a)*V(a)*V(a)", "pow(V(a),3)", "*".join(["max(min(V(a),1e+33),(-1e+33))"] * 3), "V(a)*V(a)*V(a)",
        "V(a)*V(a)*V(a)", "v(a)*v(a)*v(a)",
    ]  # fmt: skip
    assert [text_of(d, choice) for d in DIALECTS] == [
        "((V(a) < 0) ? 1 : 2)", "if((V(a) < 0),1,2)", "IF((V(a) < 0),1,2)", "((V(a) < 0) ? 1 : 2)",
        "IF((V(a) < 0),1,2)", "((v(a) < 0) ? 1 : 2)",
    ]  # fmt: skip
    assert [text_of(d, step) for d in DIALECTS[:5]] == [
        "u(V(a))", *["0.5*(1+sgn(V(a)))"] * 4,
    ]  # fmt: skip
    assert [text_of(d, Call("ln", (X,))) for d in DIALECTS] == [
        "ln(V(a))", "ln(V(a))", "ln(V(a))", "log(V(a))", "LOG(V(a))", "ln(v(a))",
    ]  # fmt: skip
    assert [text_of(d, Call("exp", (X,))) for d in DIALECTS] == [
        "exp(V(a))", "exp(V(a))", "exp(min(V(a),230))", *["exp(min(V(a),700))"] * 2, "exp(min(v(a),80))",
    ]  # fmt: skip
    assert [text_of(d, Time()) for d in DIALECTS] == ["time", "time", "TIME", "time", "TIME", "$time"]
    braces = Binary("*", Binary("-", Parameter("k"), Parameter("m")), X)
    lines = {d: written(d, ir.BehaviouralVoltage("B1", "o", "0", braces)) for d in DIALECTS}
    assert any("V=(({k})-({m}))*V(a)" in line for line in lines["ngspice"])
    assert any("V=({k}-{m})*V(a)" in line for line in lines["ltspice"])


# Rewriting: identities and adaptations

POINTS = np.array([-3.5, -2.5, -2.0, -1.5, -1.0, -0.5, -0.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.5, 4.0])


@pytest.mark.parametrize("name", [n for n, (count, _) in FUNCTIONS.items() if count == 1])
def test_identities_of_one_argument(name: str) -> None:
    bare = frozenset(("abs", "sqrt", "exp", "ln", "log10", "sin", "cos", "tan", "min", "max", "floor"))
    tree = expand(Call(name, (NodeVoltage("x"),)), bare | (frozenset(FUNCTIONS) - set(ADDED)))
    points = {"acosh": POINTS[POINTS > 1.0], "atanh": POINTS[np.abs(POINTS) < 1.0]}.get(name, POINTS)
    environment = Environment({"x": points}, {}, {})
    wanted = evaluate(Call(name, (NodeVoltage("x"),)), environment)
    np.testing.assert_allclose(evaluate(tree, environment), wanted, rtol=1e-14, atol=1e-15)
    if name in ADDED:
        assert name not in {e.function for e in walk_calls(tree)}


ADDED = ("sgn", "u", "uramp", "limit", "int", "ceil", "nint", "table", "atan2", "asinh", "acosh", "atanh")


def walk_calls(tree: object) -> list[Call]:
    from spicebridge.expressions.tree import walk

    return [e for e in walk(tree) if isinstance(e, Call)]  # type: ignore[arg-type]


def test_identities_of_several_arguments() -> None:
    x, y = (g.ravel() + 0.0 for g in np.meshgrid(POINTS, POINTS))
    environment = Environment({"x": x, "y": y}, {}, {})
    bare = frozenset(FUNCTIONS) - set(ADDED)
    nx, ny = NodeVoltage("x"), NodeVoltage("y")
    ramp = tuple(Number(v) for v in (-2.0, 1.0, 0.0, 3.0, 0.25, -1.0, 2.0, 2.0))
    for call in (Call("atan2", (nx, ny)), Call("limit", (nx, Number(-1.0), Number(2.0))), Call("table", (nx, *ramp))):
        wanted = evaluate(call, environment)
        np.testing.assert_allclose(evaluate(expand(call, bare), environment), wanted, rtol=1e-14, atol=1e-14)
    with pytest.raises(DeckError, match="increasing"):
        expand(Call("table", (nx, Number(1.0), Number(0.0), Number(1.0), Number(2.0))), bare)


def test_clamps_leave_bounded_arguments_alone() -> None:
    once = clamp_exponents(Call("exp", (X,)), 700.0)
    assert once == Call("exp", (Call("min", (X, Number(700.0))),))
    assert clamp_exponents(once, 700.0) == once
    assert clamp_exponents(Call("exp", (Number(3.0),)), 700.0) == Call("exp", (Number(3.0),))
    assert clamp_exponents(Call("exp", (Number(900.0),)), 700.0) != Call("exp", (Number(900.0),))


def test_a_sine_written_out_is_the_sine() -> None:
    wave = ir.SinWave(offset=0.5, amplitude=-2.0, frequency=1.5, delay=0.3, damping=0.7, phase=40.0)
    t = np.linspace(0.0, 2.0, 401)
    since = np.maximum(t - 0.3, 0.0)
    wanted = 0.5 - 2.0 * np.exp(-0.7 * since) * np.sin(3.0 * math.pi * since + math.radians(40.0))
    np.testing.assert_allclose(evaluate(sine(wave), Environment({}, {}, {}, t)), wanted, atol=1e-13)


def test_spectre_writes_out_sines_whose_start_its_manual_leaves_open() -> None:
    late = ir.VoltageSourceElement(
        "V1", "a", "0", ir.SinWave(offset=0.0, amplitude=1.0, frequency=1.0, delay=0.5, damping=0.0, phase=90.0)
    )
    user = ir.CurrentControlledCurrent("F1", "b", "0", "V1", 2.0)
    lines = written("spectre", late, user, save=("i(v1)",))
    assert any(line.startswith("BV1 (a 0) bsource v=") for line in lines)
    assert "F1 (b 0) cccs probe=BV1 gain=2" in lines
    assert "save BV1:1" in lines


def test_adaptations_leave_other_decks_alone() -> None:
    deck = Deck(title="t", elements=(SINE, SENSE, COIL))
    for change in (lines_from_zero, shifted_sines, resistors_as_sources):
        assert change(deck) == deck
    assert smooth_switches(deck, hysteresis=False, simulator="x") == deck


@pytest.mark.parametrize(
    ("taken", "change"),
    [
        (ir.BehaviouralVoltage("BR1", "z", "0", X), resistors_as_sources),
        (ir.BehaviouralVoltage("BV1", "z", "0", X), shifted_sines),
        (ir.BehaviouralVoltage("BS1", "z", "0", X), lambda d: smooth_switches(d, hysteresis=False, simulator="x")),
    ],
)
def test_names_that_adaptations_need_are_not_taken_silently(taken: ir.Element, change: object) -> None:
    late = ir.VoltageSourceElement(
        "V1", "a", "0", ir.SinWave(offset=0.0, amplitude=1.0, frequency=1.0, delay=0.5, damping=0.0, phase=90.0)
    )
    deck = Deck(
        title="t", elements=(VARIABLE, late, ir.Switch("S1", "a", "0", "b", "0", "GATE"), taken), models=(SWITCH,)
    )
    with pytest.raises(DeckError, match=r"name is taken.*rename one|rename one"):
        change(deck)  # type: ignore[operator]


def test_a_smooth_switch_is_open_at_its_threshold_and_closed_above() -> None:
    deck = smooth_switches(
        Deck(title="t", elements=(ir.Switch("S1", "a", "0", "c", "0", "GATE"),), models=(SWITCH,)),
        hysteresis=False,
        simulator="x",
    )
    shapes = {f.name: f for f in deck.functions}
    x = np.array([0.0, 1.0, 1.0 + WIDTH / 2, 1.0 + WIDTH, 2.0])
    part = np.clip((x - 1.0) / WIDTH, 0.0, 1.0)
    step = evaluate(shapes["smoothstep"].body, Environment({}, {}, {"part": part}))
    np.testing.assert_allclose(step, [0.0, 0.0, 0.5, 1.0, 1.0], atol=1e-10)
    assert shapes["g_GATE"].arguments == ("x",)
    assert deck.models == ()


# The whole deck

CLAMPED = settings(max_examples=25)


def lowered(network: object, form: str) -> Deck:
    return lower(network, 1.0, 0.01, form=form).deck  # type: ignore[arg-type]


@CLAMPED
@given(
    network=st.one_of(networks(active=True, max_edges=6), loop_networks(active=True, max_edges=4)),
    form=st.sampled_from(["fast", "readable"]),
)
def test_random_networks_in_every_dialect(network: object, form: str) -> None:
    deck = lowered(network, form)
    check_names(deck)
    for dialect in DIALECTS:
        writer = get_dialect(dialect)
        text = writer.format_deck(deck)
        assert text == writer.format_deck(lowered(network, form))
        scope = read_spectre(text) if dialect == "spectre" else read_spice(text, "$ " if dialect == "hspice" else ";")
        same_circuit(deck, scope, dialect)


def same_circuit(deck: Deck | ir.Subcircuit, scope: Scope, dialect: str) -> None:
    """Elements in order, each between the nodes it has in the deck; names unique; subcircuits alike."""
    wanted = [expected_nodes(e, dialect) for e in deck.elements]
    assert [nodes for _, nodes in scope.elements] == wanted
    names = [name.lower() for name, _ in scope.elements]
    assert len(set(names)) == len(names)
    assert all(name.endswith(e.name.lower()) for name, e in zip(names, deck.elements, strict=True))
    assert set(scope.inner) == {s.name.lower() for s in deck.subcircuits}
    for sub in deck.subcircuits:
        inner = scope.inner[sub.name.lower()]
        assert inner.pins == sub.pins
        same_circuit(sub, inner, dialect)


def expected_nodes(e: ir.Element, dialect: str) -> tuple[str, ...]:
    if isinstance(e, ir.Switch) and dialect not in ("ngspice", "ltspice", "spectre"):
        return e.plus, e.minus
    return tuple(element_nodes(e))


@CLAMPED
@given(network=networks(active=True, max_edges=6), form=st.sampled_from(["fast", "readable"]))
def test_ltspice_text_says_the_same_as_ngspice_text(network: object, form: str) -> None:
    deck = lowered(network, form)
    back = {
        dialect: read_deck(get_dialect(dialect).format_deck(deck), dialect=dialect)
        for dialect in ("ngspice", "ltspice")
    }
    stored = ("plotwinsize", "numdgt")
    plain = replace(back["ltspice"], options=tuple(o for o in back["ltspice"].options if o[0] not in stored))
    assert get_dialect("ngspice").format_deck(plain) == get_dialect("ngspice").format_deck(back["ngspice"])
    again = read_deck(get_dialect("ltspice").format_deck(back["ltspice"]), dialect="ltspice")
    assert again == back["ltspice"]


# The conformance deck, run where a simulator is at hand


def final_values(text: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    from netlists.conformance_deck import STOP, checks

    names = [c.node for c in checks()]
    record = get_engine("ngspice").run(Job(text=text, vectors=tuple(f"v({n})" for n in names), stop=STOP))
    assert record.status is Status.COMPLETE, record.reason
    return names, record.data[0], record.data[-1]


def wrong_answers(text: str) -> list[str]:
    from netlists.conformance_deck import checks

    names, start, end = final_values(text)
    bad = []
    for check, first, last in zip(checks(), start, end, strict=True):
        if abs(first - check.start) > check.tolerance or abs(last - check.end) > check.tolerance:
            bad.append(f"{check.node}: {first} -> {last}, not {check.start} -> {check.end}")
    assert len(names) == len(checks())
    return bad


def test_ngspice_gives_every_value_of_the_conformance_deck() -> None:
    from netlists.conformance_deck import conformance_deck

    assert wrong_answers(get_dialect("ngspice").format_deck(conformance_deck())) == []


def test_the_ltspice_conformance_deck_read_back_gives_them_too() -> None:
    from netlists.conformance_deck import conformance_deck

    back = read_deck(get_dialect("ltspice").format_deck(conformance_deck()), dialect="ltspice")
    plain = replace(back, options=tuple(o for o in back.options if o[0] not in ("plotwinsize", "numdgt")))
    assert wrong_answers(get_dialect("ngspice").format_deck(plain)) == []


def test_what_is_rewritten_for_other_simulators_gives_them_too() -> None:
    from netlists.conformance_deck import conformance_deck

    deck = smooth_switches(conformance_deck(), hysteresis=False, simulator="ngspice")
    deck = shifted_sines(resistors_as_sources(lines_from_zero(deck)))
    assert wrong_answers(get_dialect("ngspice").format_deck(deck)) == []


@pytest.mark.parametrize(
    ("old", "new", "node"),
    [
        ("V(minus2)*V(minus2)*V(minus2) ;", "pow(V(minus2),3) ;", "odd_power"),
        ("(({a})-({b}))", "{a-b}", "braces"),
        ("SIN(0.5 2 1.25 0.25 0.8 30)", "SIN(0.5 2 1.25 0.25 30 0.8)", "sin_delayed"),
        ("F_gain cccs 0", "F_gain 0 cccs", "cccs"),
        ("v(fed)=0.25", "v(fed)=0.2505", "fed"),
        ("S_wall wall top wall 0 CLAMP", "S_wall wall top 0 wall CLAMP", "wall"),
    ],
)
def test_the_conformance_deck_notices_each_trap(old: str, new: str, node: str) -> None:
    from netlists.conformance_deck import conformance_deck

    text = get_dialect("ngspice").format_deck(conformance_deck())
    assert old in text
    bad = wrong_answers(text.replace(old, new, 1))
    assert any(line.startswith(f"{node}:") for line in bad), bad
