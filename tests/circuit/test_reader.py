"""Text -> Deck, card by card."""

from __future__ import annotations

from pathlib import Path

import pytest
from circuit.first_point import transient

from spicebridge.circuit.deck.elements import (
    BehaviouralCurrent,
    BehaviouralVoltage,
    CapacitorElement,
    CurrentControlledCurrent,
    CurrentControlledVoltage,
    CurrentSourceElement,
    DcWave,
    Deck,
    Element,
    ExpWave,
    Function,
    InductorElement,
    Instance,
    Model,
    PulseWave,
    PwlWave,
    ResistorElement,
    SinWave,
    Subcircuit,
    Switch,
    Transient,
    VoltageControlledCurrent,
    VoltageControlledVoltage,
    VoltageSourceElement,
)
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.lower.models import load_model, model_names
from spicebridge.circuit.reader import read_deck, read_subcircuits
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Binary, BranchCurrent, Call, NodeVoltage, Number, Parameter, Power

W = NodeVoltage("w")
P = Parameter("p")


def read(*cards: str, dialect: str = "ngspice") -> Deck:
    return read_deck("\n".join(["title", *cards, ""]), dialect=dialect)


ELEMENTS: list[tuple[str, Element]] = [
    ("R1 a b 4.7k", ResistorElement("R1", "a", "b", 4700.0)),
    ("R1 a b R=4.7k", ResistorElement("R1", "a", "b", 4700.0)),
    ("R1 a b {p*2}", ResistorElement("R1", "a", "b", Binary("*", P, Number(2.0)))),
    ("R1 a b r='p*2'", ResistorElement("R1", "a", "b", Binary("*", P, Number(2.0)))),
    ("Rmem a b R='100*V(w)'", ResistorElement("Rmem", "a", "b", Binary("*", Number(100.0), W))),
    ("Rmem a b {100*V(w)}", ResistorElement("Rmem", "a", "b", Binary("*", Number(100.0), W))),
    ("c1 a gnd 1u ic=0.5", CapacitorElement("c1", "a", "0", 1e-6, 0.5)),
    ("C1 a 0 C='1u*V(w)'", CapacitorElement("C1", "a", "0", Binary("*", Number(1e-6), W))),
    ("L1 a 0 1m IC={p}", InductorElement("L1", "a", "0", 1e-3, P)),
    ("V1 a 0 5", VoltageSourceElement("V1", "a", "0", DcWave(5.0))),
    ("V1 a 0 DC 5", VoltageSourceElement("V1", "a", "0", DcWave(5.0))),
    ("V1 a 0 dc=5", VoltageSourceElement("V1", "a", "0", DcWave(5.0))),
    ("V1 a 0", VoltageSourceElement("V1", "a", "0", DcWave(0.0))),
    ("V1 a 0 DC {p}", VoltageSourceElement("V1", "a", "0", DcWave(P))),
    ("I1 a 0 SIN(0 1 1k)", CurrentSourceElement("I1", "a", "0", SinWave(offset=0.0, amplitude=1.0, frequency=1e3))),
    (
        "I1 a 0 sin 0 1 1k 1m 2 90",
        CurrentSourceElement(
            "I1", "a", "0", SinWave(offset=0.0, amplitude=1.0, frequency=1e3, delay=1e-3, damping=2.0, phase=90.0)
        ),
    ),
    ("I1 a 0 SIN (0, {p}, 1k)", CurrentSourceElement("I1", "a", "0", SinWave(offset=0.0, amplitude=P, frequency=1e3))),
    (
        "V1 a 0 PULSE(0 1 1m 2m 3m 4m 5m)",
        VoltageSourceElement(
            "V1",
            "a",
            "0",
            PulseWave(initial=0.0, pulsed=1.0, delay=1e-3, rise=2e-3, fall=3e-3, width=4e-3, period=5e-3),
        ),
    ),
    ("V1 a 0 PWL(0 0 1 1, 2 0)", VoltageSourceElement("V1", "a", "0", PwlWave(((0.0, 0.0), (1.0, 1.0), (2.0, 0.0))))),
    ("V1 a 0 PWL 0 0 1 1", VoltageSourceElement("V1", "a", "0", PwlWave(((0.0, 0.0), (1.0, 1.0))))),
    (
        "V1 a 0 EXP(0 1 1 2 3 4)",
        VoltageSourceElement(
            "V1", "a", "0", ExpWave(initial=0.0, pulsed=1.0, rise_delay=1.0, rise_tau=2.0, fall_delay=3.0, fall_tau=4.0)
        ),
    ),
    ("E1 a b c d 10", VoltageControlledVoltage("E1", "a", "b", "c", "d", 10.0)),
    ("G1 a b c d {p}", VoltageControlledCurrent("G1", "a", "b", "c", "d", P)),
    ("F1 a b Vs 2", CurrentControlledCurrent("F1", "a", "b", "Vs", 2.0)),
    ("H1 a b Vs 2", CurrentControlledVoltage("H1", "a", "b", "Vs", 2.0)),
    ("B1 a b I=p*V(w)", BehaviouralCurrent("B1", "a", "b", Binary("*", P, W))),
    ("B1 a b v = V(w)", BehaviouralVoltage("B1", "a", "b", W)),
    ("E1 a b VALUE={V(w)}", BehaviouralVoltage("BE1", "a", "b", W)),
    ("E1 a b value {V(w)}", BehaviouralVoltage("BE1", "a", "b", W)),
    ("E1 a b vol='V(w)'", BehaviouralVoltage("BE1", "a", "b", W)),
    ("G1 a b cur='V(w)'", BehaviouralCurrent("BG1", "a", "b", W)),
    ("S1 a b c d SHI", Switch("S1", "a", "b", "c", "d", "SHI")),
    ("S1 a b c d SHI off", Switch("S1", "a", "b", "c", "d", "SHI")),
    ("X1 a b c mem", Instance(name="X1", nodes=("a", "b", "c"), subcircuit="mem")),
    (
        "X1 a b mem r=1k g={p}",
        Instance(name="X1", nodes=("a", "b"), subcircuit="mem", parameters=(("r", 1000.0), ("g", P))),
    ),
    (
        "X1 a b mem r=2*p g=p",
        Instance(
            name="X1", nodes=("a", "b"), subcircuit="mem", parameters=(("r", Binary("*", Number(2.0), P)), ("g", P))
        ),
    ),
    ("X1 a b mem PARAMS: r=1k", Instance(name="X1", nodes=("a", "b"), subcircuit="mem", parameters=(("r", 1000.0),))),
]


@pytest.mark.parametrize(("card", "element"), ELEMENTS, ids=[card for card, _ in ELEMENTS])
def test_every_element(card: str, element: Element) -> None:
    assert read(card, ".param p=3").elements == (element,)


# The writer has no behavioural capacitor.
WRITTEN = [card for card, element in ELEMENTS if not (isinstance(element, CapacitorElement) and element.value != 1e-6)]


@pytest.mark.parametrize("card", WRITTEN)
def test_every_element_survives_being_written(card: str) -> None:
    deck = read(card, ".param p=3")
    assert read_deck(get_dialect("ngspice").format_deck(deck)) == deck


def test_title_header_comments_and_continuations() -> None:
    deck = read_deck(
        "* Ring of three\n"
        "* first line of the header\n"
        "*   indented\n"
        "\n"
        "* not of the header\n"
        "R1 a ; comment of R1\n"
        "* between\n"
        "\n"
        "  + b\n"
        "+ 1k $ more\n"
        "* R9 a b 1\n"
        "R2 a b 2k // slashes\n"
        "V1 a 0 $nospace\n"
        "+ 5\n"
        "; only a comment\n"
        ".end\n"
    )
    assert deck.title == "Ring of three"
    assert deck.header == ("first line of the header", "  indented")
    assert deck.elements == (
        ResistorElement("R1", "a", "b", 1000.0, "comment of R1 more"),
        ResistorElement("R2", "a", "b", 2000.0, "slashes"),
        VoltageSourceElement("V1", "a", "0", DcWave(5.0), "nospace"),
    )


def test_the_first_line_is_the_title_whatever_it_looks_like() -> None:
    assert read_deck("R1 a b 1k\nR2 a b 1\n").title == "R1 a b 1k"


def test_windows_line_ends_and_tabs() -> None:
    assert read_deck("t\r\nR1\ta\tb\t1k\r\n.end\r\n").elements == (ResistorElement("R1", "a", "b", 1000.0),)


def test_case_folds_to_the_first_spelling() -> None:
    deck = read("R1 Na B 1", "r2 NA b 2", "V1 nA 0 {Gain}", ".PARAM gain=2", "F1 na 0 v1 1")
    assert [(e.plus, e.minus) for e in deck.elements[:3]] == [("Na", "B"), ("Na", "B"), ("Na", "0")]
    assert deck.parameters == (("gain", 2.0),)
    assert deck.elements[2].wave == DcWave(Parameter("gain"))
    assert deck.elements[3].source == "V1"


def test_parameters_functions_models_and_the_rest() -> None:
    deck = read(
        ".param a = 1 + 2*b",
        ".param b='2' c={b*3} d = (2 + 2)*1k",
        ".func f(x, y) {x*y + b}",
        ".func g() = '2*b'",
        ".model SHI SW(vt=1 vh={b} ron=1e-12)",
        ".model other sw ron=1",
        ".ic v(a)=1 V(b)={c}",
        ".options method=Trap reltol=1e-9 noacct",
        ".opt gmin={b*1p}",
        ".save v(A) i(V1) all",
        ".print tran v(a,b)",
        ".tran 1u {d*1m} 0 {1/1meg} UIC",
    )
    b = Parameter("b")
    assert deck.parameters == (
        ("a", Binary("+", Number(1.0), Binary("*", Number(2.0), b))),
        ("b", 2.0),
        ("c", Binary("*", b, Number(3.0))),
        ("d", Binary("*", Binary("+", Number(2.0), Number(2.0)), Number(1000.0))),
    )
    xy = Binary("+", Binary("*", Parameter("x"), Parameter("y")), b)
    assert deck.functions == (Function("f", ("x", "y"), xy), Function("g", (), Binary("*", Number(2.0), b)))
    assert deck.models == (
        Model("SHI", "sw", (("vt", 1.0), ("vh", b), ("ron", 1e-12))),
        Model("other", "sw", (("ron", 1.0),)),
    )
    assert deck.initial_conditions == (("a", 1.0), ("b", Parameter("c")))
    assert dict(deck.options) == {
        "method": "trap",
        "reltol": 1e-9,
        "noacct": None,
        "gmin": Binary("*", b, Number(1e-12)),
    }
    assert deck.save == ("v(a)", "i(v1)", "all", "v(b)")
    assert deck.transient == Transient(step=1e-6, stop=4.0, start=0.0, max_step=1e-6, uic=True)


def test_subcircuits_nest_and_keep_their_parts() -> None:
    deck = read(
        "* not this",
        "",
        "* Memristor of a paper.",
        "* pins p n",
        ".subckt mem p n PARAMS: ron=100 roff={ron*16}",
        ".param mid={ron/2}",
        ".func f(x) {x*mid}",
        ".model q sw(vt={ron})",
        ".subckt inner a",
        "R1 a 0 1",
        ".ends inner",
        "X1 p inner",
        ".ic v(w)={mid}",
        "Rm p n {f(2)}",
        ".ends MEM",
        "X1 a 0 mem",
    )
    ron, mid = Parameter("ron"), Parameter("mid")
    inner = Subcircuit(name="inner", pins=("a",), elements=(ResistorElement("R1", "a", "0", 1.0),))
    assert deck.subcircuits == (
        Subcircuit(
            name="mem",
            pins=("p", "n"),
            parameters=(("ron", 100.0), ("roff", Binary("*", ron, Number(16.0)))),
            elements=(
                Instance(name="X1", nodes=("p",), subcircuit="inner"),
                ResistorElement("Rm", "p", "n", Call("f", (Number(2.0),))),
            ),
            models=(Model("q", "sw", (("vt", ron),)),),
            subcircuits=(inner,),
            functions=(Function("f", ("x",), Binary("*", Parameter("x"), mid)),),
            local_parameters=(("mid", Binary("/", ron, Number(2.0))),),
            initial_conditions=(("w", mid),),
            header=("Memristor of a paper.", "pins p n"),
        ),
    )


@pytest.mark.parametrize(
    ("card", "inside", "read"),
    [("x = 2 + 3", False, 5.0), ("x = 2 + 3 y=1", False, 2.0), ("x = 2 + 3", True, 2.0), ("x=(2 + 3) y=1", True, 5.0)],
)
def test_blanks_in_parameters_are_read_where_ngspice_reads_them(
    card: str, inside: bool, read: float, tmp_path: Path
) -> None:
    body = f".param {card}\nV1 a 0 {{x}}\n"
    text = f"t\n.subckt s a\n{body}.ends\nX1 a s\n" if inside else f"t\n{body}"
    names, data = transient(f"{text}.tran 1 1\n.end\n", tmp_path)
    assert data[0, names.index("v(a)")] == pytest.approx(read)
    if read == 5.0:
        assert flatten(read_deck(text)).elements[0].wave == DcWave(5.0)
    else:
        with pytest.raises(DeckError, match="ends the value at this blank"):
            read_deck(text)


def test_currents_of_rewritten_sources_follow() -> None:
    deck = read("E1 a 0 VALUE={V(b)}", "F1 b 0 e1 2", "B1 c 0 V=I(E1)*2", ".save i(e1) v(e1)", "R1 e1 0 1")
    assert deck.elements[1].source == "BE1"
    assert deck.elements[2].expression == Binary("*", BranchCurrent("BE1"), Number(2.0))
    assert deck.save == ("i(be1)", "v(e1)")


def test_what_has_no_effect_is_left_out_with_a_note() -> None:
    deck = read_deck("t\nV1 a 0 DC 1 AC 1 0 SIN(0 1 1k)\n.op\n.print ac v(a)\n.backanno\nI1 a 0 AC 2\n", name="d.cir")
    assert deck.elements == (
        VoltageSourceElement("V1", "a", "0", SinWave(offset=0.0, amplitude=1.0, frequency=1e3)),
        CurrentSourceElement("I1", "a", "0", DcWave(0.0)),
    )
    assert [note.split(" ")[0] for note in deck.notes] == [
        "d.cir:2:",
        "d.cir:2:",
        "d.cir:3:",
        "d.cir:4:",
        "d.cir:5:",
        "d.cir:6:",
    ]
    assert "small-signal" in deck.notes[0]
    assert "constant beside SIN" in deck.notes[1]
    assert ".op" in deck.notes[2]


DEFAULTS = [
    "SIN(1 2)",
    "SIN 0 1 2 0.1",
    "PULSE(0 1)",
    "PULSE(0 1 0.1 0 0 0.2 0.5)",
    "EXP(0 1)",
    "EXP(1 2 0.1 0.2)",
    "EXP(1 2 0 0.2 0 0.1)",
]


def test_defaults_of_waveforms_are_ngspices(tmp_path: Path) -> None:
    """The waveform as written, and as read and written in full: the same numbers at the same times."""
    cards = [f"V{k} n{k} 0 {wave}" for k, wave in enumerate(DEFAULTS)]
    text = "\n".join(["defaults", *cards, ".tran 10m 1 0 10m", ".end", ""])
    full = get_dialect("ngspice").format_deck(read_deck(text))
    assert full != text
    names, expected = transient(text, tmp_path)
    again, found = transient(full, tmp_path)
    assert names == again
    assert found == pytest.approx(expected, abs=1e-12)


def test_includes_and_library_sections(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "main.cir").write_text(
        "main\n.include 'sub/parts.inc'\n.lib \"corners.lib\" fast\nX1 a 0 mem\nR1 a 0 {r}\n.end\n"
    )
    (tmp_path / "sub" / "parts.inc").write_text("* parts\n.inc more.inc\n")
    (tmp_path / "sub" / "more.inc").write_text(".subckt mem p n\nR1 p n 1\n.ends\n.end\n")
    (tmp_path / "corners.lib").write_text(".lib slow\n.param r=1\n.endl slow\n.LIB Fast\n.param r=2\n.endl\n")
    deck = read_deck(tmp_path / "main.cir")
    assert [s.name for s in deck.subcircuits] == ["mem"]
    assert deck.parameters == (("r", 2.0),)
    text = (tmp_path / "main.cir").read_text()
    assert read_deck(text, folder=tmp_path) == deck
    assert read_deck(str(tmp_path / "main.cir")) == deck


def test_the_same_file_may_be_included_twice_where_that_makes_sense(tmp_path: Path) -> None:
    (tmp_path / "pair.inc").write_text("R1 a b 1\n")
    text = "t\n.subckt s a b\n.inc pair.inc\n.ends\n.subckt q a b\n.inc pair.inc\n.ends\nX1 a b s\nX2 a b q\n"
    assert [len(s.elements) for s in read_deck(text, folder=tmp_path).subcircuits] == [1, 1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_files_in_the_encodings_that_editors_write(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "deck.cir"
    path.write_bytes("tïtle\nC1 a 0 1µ\n".encode(encoding))
    deck = read_deck(path)
    assert deck.title == "tïtle"
    assert deck.elements == (CapacitorElement("C1", "a", "0", 1e-6),)


def test_an_ltspice_netlist() -> None:
    deck = read_deck(
        "* C:\\users\\someone\\memristor.asc\n"
        "R1 N001 0 R=Ron*V(x)+Roff*(1-V(x))\n"
        "V1 N001 0 SINE(0 1.2 {f}) AC 1\n"
        "Gx 0 x value={I(V1)*win(V(x), 2)}\n"
        "Cx x 0 1 IC=0.1\n"
        "B2 y 0 I=if(V(x)>0.5, V(x)**2, u(V(x)))\n"
        ".func win(x,p)={1-(2*x-1)**(2*p)}\n"
        ".params Ron=100 Roff=16k f=1\n"
        ".tran 3\n"
        ".backanno\n"
        ".end\n",
        dialect="ltspice",
    )
    x = NodeVoltage("x")
    assert deck.elements[0].value == Binary(
        "+",
        Binary("*", Parameter("Ron"), x),
        Binary("*", Parameter("Roff"), Binary("-", Number(1.0), x)),
    )
    assert deck.elements[2].expression.right == Call("win", (x, Number(2.0)))
    assert deck.elements[4].expression.yes == Power(x, Number(2.0), "real")
    assert deck.transient == Transient(step=3.0 / 50.0, stop=3.0)
    assert len(deck.notes) == 3


def test_every_shipped_model_is_read_with_its_header() -> None:
    assert "caravelli2017_current" in model_names()
    for name in model_names():
        model = load_model(name.upper())
        assert model.name == name
        assert model.header
        assert model.elements
    with pytest.raises(DeckError, match="did you mean 'caravelli2017_current'"):
        load_model("caravelli2017_curent")


def test_a_library_holds_subcircuits_only() -> None:
    text = (
        "* head\n\n.subckt a p\nR1 p 0 1\n.ends\n.subckt b p\nR1 p 0 1\n.ends\n* other\n.subckt c p\nR1 p 0 1\n.ends\n"
    )
    assert [(s.name, s.header) for s in read_subcircuits(text)] == [
        ("a", ("head",)),
        ("b", ("head",)),
        ("c", ("other",)),
    ]
    with pytest.raises(DeckError, match="elements outside"):
        read_subcircuits(text + "R1 a b 1\n")
