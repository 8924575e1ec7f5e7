"""Six dialects of one deck: what every element becomes, by hand from the manuals named in the dialects' own sources, and
what is refused.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.dialects.adapt import as_controlled_sources
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Binary, BranchCurrent, Call, NodeVoltage, Number, Parameter
from tests.circuit.dialect_writing import (
    BEHAVIOUR_I,
    BEHAVIOUR_V,
    COIL,
    CONSTANT,
    DIALECTS,
    EDGES,
    GAIN_E,
    GAIN_F,
    GAIN_G,
    GAIN_H,
    LINES,
    PLACED,
    PULSE,
    SENSE,
    SINE,
    STORES,
    SWITCH,
    VARIABLE,
    X,
    written,
)
from tests.circuit.vendor_language import VENDORS

OTHERS = tuple(VENDORS)
SPICE = {
    SINE: "V1 a 0 SIN(0.5 2 50 0 3 90)",
    PULSE: "I1 0 a PULSE(0 1 0.001 1e-06 2e-06 0.005 0.01)",
    LINES: "V2 a 0 PWL( 0 1 0.5 1 1 -1)",
    EDGES: "V3 a 0 EXP(0 1 0.1 0.2 0.3 0.4)",
    CONSTANT: "I2 a b 0.25",
    STORES: "C1 a 0 1e-06 IC=0.5",
    COIL: "L1 a 0 0.001",
    GAIN_E: "E1 a 0 b c 2",
    GAIN_G: "G1 a 0 b c -0.5",
    GAIN_F: "F1 a 0 V9 3",
    GAIN_H: "H1 a 0 V9 4",
    PLACED: "X1 a b cell k=2 n=-1",
}
AS_IT_IS = "V2 a 0 PWL( 0.5 1 1 -1)"

BY_HAND: dict[str, dict[ir.Element, str]] = {
    "ngspice": SPICE
    | {
        LINES: AS_IT_IS,
        BEHAVIOUR_V: "B1 a 0 V=2*V(a,b)",
        BEHAVIOUR_I: "B2 a b I=(-I(V9))",
        VARIABLE: "R1 a b R='1+V(w)'",
    },
    "ltspice": SPICE
    | {
        LINES: AS_IT_IS,
        BEHAVIOUR_V: "B1 a 0 V=2*V(a,b)",
        BEHAVIOUR_I: "B2 a b I=(-I(V9))",
        VARIABLE: "R1 a b R=1+V(w)",
    },
    "xyce": SPICE
    | {
        BEHAVIOUR_V: "B1 a 0 V={2*V(a,b)}",
        BEHAVIOUR_I: "B2 a b I={(-I(V9))}",
        VARIABLE: "R1 a b R={1+V(w)}",
    },
    "hspice": SPICE
    | {
        BEHAVIOUR_V: "EB1 a 0 vol='2*V(a,b)'",
        BEHAVIOUR_I: "GB2 a b cur='(-I(V9))'",
        VARIABLE: "R1 a b R='1+V(w)'",
    },
    "pspice": SPICE
    | {
        BEHAVIOUR_V: "EB1 a 0 VALUE={2*V(a,b)}",
        BEHAVIOUR_I: "GB2 a b VALUE={(-I(V9))}",
        VARIABLE: "GBR1 a b VALUE={V(a,b)/(1+V(w))}",
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
