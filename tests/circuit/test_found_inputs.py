"""Files that people bring: each kind with its right value, computed independently of the reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spicebridge.circuit.deck.elements import BehaviouralCurrent, BehaviouralVoltage, VoltageSourceElement
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.reader import read_deck, read_expression, read_library
from spicebridge.errors import DeckError
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.tree import Power, walk

CUBIC = """* an odd power of the voltage
.subckt cubic te be y
.params gon=1e-3 goff=1e-5 k=2000
C1 y 0 {1}
.ic V(y)=0.3
Gy 0 y value={k*pow(V(te,be),3)*4*V(y)*(1-V(y))}
Gm te be value={V(te,be)*(gon*V(y)+goff*(1-V(y)))}
.ends cubic
"""


def rate(dialect: str, v: float) -> float:
    deck = read_library(CUBIC, dialect=dialect)
    (sub,) = deck.subcircuits
    gate = next(e for e in sub.elements if e.name == "BGy")
    assert isinstance(gate, BehaviouralCurrent)
    values = Environment({"te": v, "be": 0.0, "y": 0.5}, {}, {"k": 2000.0})
    return float(evaluate(gate.expression, values))


@pytest.mark.parametrize(
    ("dialect", "below"), [("ltspice", -1024.0), ("auto", -1024.0), ("ngspice", 1024.0), ("ngspice@46", -1024.0)]
)
def test_an_odd_power_keeps_the_sign_where_its_simulator_does(dialect: str, below: float) -> None:
    assert rate(dialect, 0.8) == pytest.approx(1024.0)
    assert rate(dialect, -0.8) == pytest.approx(below)


AMBIGUOUS = "one or the other\nV1 a 0 1\nB1 b 0 V=V(a)**3\nR1 b 0 1k\n"


def test_auto_does_not_guess_where_meanings_differ() -> None:
    with pytest.raises(DeckError, match=r"B1 means one thing to ngspice and another to LTspice.*--dialect"):
        read_deck(AMBIGUOUS, dialect="auto")
    for said, kind in (("ltspice", "real"), ("ngspice", "abs"), ("ngspice@46", "real")):
        text = AMBIGUOUS.replace("one or", f"dialect: {said}, one or")
        deck = read_deck(text, dialect="auto")
        assert deck.dialect == said
        (power,) = [e for e in walk(deck.element("B1").expression) if isinstance(e, Power)]  # type: ignore[union-attr]
        assert power.kind == kind


def test_auto_says_what_it_took_and_by_which_word() -> None:
    deck = read_deck(AMBIGUOUS + ".tran 0 1 0 1m\n.backanno\n", dialect="auto")
    assert deck.dialect == "ltspice"
    assert deck.notes[0] == "read as LTspice: '.tran 0' in line 5 is a word of that simulator alone"


def test_words_of_two_simulators_are_named() -> None:
    with pytest.raises(DeckError, match=r"'skipbp' \(line 2\) is PSpice's, '.backanno' \(line 3\) is LTspice's"):
        read_deck("t\n.tran 1 2 skipbp\n.backanno\n", dialect="auto")


def test_what_is_assumed_about_the_version_is_said() -> None:
    assert "ngspice up to 45" in read_deck(AMBIGUOUS, dialect="ngspice").notes[0]
    assert not read_deck(AMBIGUOUS.replace("**3", "**2"), dialect="ngspice").notes


@pytest.mark.parametrize(
    ("y", "x", "value"), [("3", -2.0, -8.0), ("2", -2.0, 4.0), ("2.5", -2.0, 0.0), ("2.5", 4.0, 32.0), ("p", -2.0, 0.0)]
)
def test_powers_of_newer_ngspice(y: str, x: float, value: float) -> None:
    """Signed for whole exponents, 0 elsewhere: measured on ngspice behind 46."""
    tree = read_expression(f"V(a)^{y}", dialect="ngspice@46")
    assert evaluate(tree, Environment({"a": x}, {}, {"p": 1.5})) == pytest.approx(value)


def test_a_dialect_or_version_that_is_none_is_refused() -> None:
    for word, message in (("ltspcie", "did you mean 'ltspice'"), ("ngspice@new", "the version is a number")):
        with pytest.raises(DeckError, match=message):
            read_deck(AMBIGUOUS, dialect=word)


def test_a_library_given_as_a_deck_is_told_so() -> None:
    with pytest.raises(DeckError, match=r"line 1 is the title.*library of subcircuits; check-model reads it"):
        read_deck(CUBIC.split("\n", 1)[1], dialect="auto")


def test_currents_of_any_element_are_their_own_equation() -> None:
    deck = read_deck(
        "t\nV1 a 0 1\nR1 a b 2k\nGm b 0 value={V(b)*3m}\nG2 b 0 a 0 4m\n"
        "B1 c 0 V=I(R1)+I(Gm)+I(G2)+I(V1)\nR3 c 0 1\n.tran 1\n",
        dialect="ltspice",
    )
    probe = flatten(deck).element("B1")
    assert isinstance(probe, BehaviouralVoltage)
    found = evaluate(probe.expression, Environment({"a": 1.0, "b": 0.25}, {"v1": 0.5}, {}))
    assert found == pytest.approx(0.75 / 2e3 + 0.25 * 3e-3 + 4e-3 + 0.5)


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ("B1 a 0 I=2*I(B1)", "defined by itself"),
        ("C1 a 0 1u\nB1 b 0 V=I(C1)", "no expression of voltages"),
        ("B1 a 0 I=I(B2)\nB2 a 0 I=I(B1)", "defined by itself"),
    ],
)
def test_currents_that_are_no_equation_are_refused(cards: str, message: str) -> None:
    with pytest.raises(DeckError, match=message):
        flatten(read_deck(f"t\nR9 a b 1\n{cards}\n.tran 1\n", dialect="ltspice"))


SCHEMATIC = """Version 4
SHEET 1 880 680
WIRE 160 64 64 64
WIRE 160 80 160 64
WIRE 160 160 64 160
WIRE 64 144 64 160
FLAG 64 160 0
FLAG 160 64 in
SYMBOL voltage 64 48 R0
SYMATTR InstName V1
SYMATTR Value SINE(0 1 1)
SYMATTR SpiceLine Rser=2
SYMBOL res {place}
SYMATTR InstName R1
SYMATTR Value 4k7
TEXT 0 -32 Left 2 !.tran 0 1 0 1m\\n.ic V(in)=0
TEXT 0 200 Left 2 ;a comment
"""


@pytest.mark.parametrize("place", ["144 64 R0", "176 176 R180", "176 64 M0"])
def test_a_schematic_is_netlisted(place: str, tmp_path: Path) -> None:
    """The same two pins, turned and mirrored."""
    path = tmp_path / "bench.asc"
    path.write_text(SCHEMATIC.format(place=place))
    deck = read_deck(path, dialect="auto")
    assert deck.dialect == "ltspice"
    assert "View > SPICE Netlist" in deck.title
    assert isinstance(deck.element("V1"), VoltageSourceElement)
    ends = {deck.element("R1").plus, deck.element("R1").minus}  # type: ignore[union-attr]
    assert ends == {"in", "0"}
    assert deck.element("R1").value == 4700.0  # type: ignore[union-attr]
    assert deck.element("Rser_V1").value == 2.0  # type: ignore[union-attr]
    assert deck.transient is not None
    assert deck.transient.stop == 1.0


def test_symbols_of_ones_own_are_read_beside_the_schematic(tmp_path: Path) -> None:
    text = SCHEMATIC.format(place="144 64 R0").replace("SYMBOL res", "SYMBOL mine\\memristor").replace("R1", "U1")
    path = tmp_path / "bench.asc"
    path.write_text(text.replace("Value 4k7", "Value2 mem"))
    with pytest.raises(DeckError, match=r"symbol mine\\memristor is not known.*View > SPICE Netlist"):
        read_deck(path)
    (tmp_path / "memristor.asy").write_text(
        "Version 4\nSymbolType CELL\nSYMATTR Prefix X\nSYMATTR SpiceLine ron=100\n"
        "PIN 16 96 NONE 0\nPINATTR PinName n\nPINATTR SpiceOrder 2\nPIN 16 16 NONE 0\nPINATTR SpiceOrder 1\n"
    )
    (tmp_path / "memristor.asy").chmod(0o644)
    deck = read_deck(path, dialect="ltspice")
    call = deck.element("XU1")
    assert (call.nodes, call.subcircuit, call.parameters) == (("in", "0"), "mem", (("ron", 100.0),))  # type: ignore[union-attr]


def test_a_control_block_is_left_out_and_its_tran_taken() -> None:
    deck = read_deck("t\nR1 a 0 1\n.control\ntran 1m 2\nshell rm x\nalter R1 = 2\n.endc\n.end\n")
    assert deck.transient is not None
    assert (deck.transient.step, deck.transient.stop) == (1e-3, 2.0)
    assert "never run" in deck.notes[0]
    assert "changes the circuit (alter)" in deck.notes[0]
    assert "there is no analysis" in read_deck("t\nR1 a 0 1\n.control\nrun\n.endc\n").notes[0]


def test_global_nodes_are_one_in_every_subcircuit() -> None:
    flat = flatten(read_deck("t\n.global vdd\nV1 vdd 0 1\nX1 a s\n.subckt s p\nR1 p vdd 1\nR2 p q 1\n.ends\n"))
    assert flat.element("r.x1.r1").minus == "vdd"  # type: ignore[union-attr]
    assert flat.element("r.x1.r2").minus == "x1.q"  # type: ignore[union-attr]


def test_integrals_are_states() -> None:
    deck = read_deck("t\nV1 a 0 2\nE1 f 0 value={3*sdt(V(a))+idt(V(a),5)}\nR1 f 0 1\n.tran 1\n", dialect="ltspice")
    names = [e.name for e in deck.elements]
    assert sum(name.startswith("C") for name in names) == 2
    assert sorted(value for _, value in deck.initial_conditions) == [0.0, 5.0]  # type: ignore[type-var]


ODD = """an odd power with its exponent in a parameter
V1 1 0 SIN(0 1 1)
X1 1 0 s t
.func odd(x,q) = pow(x,q)
.subckt t te be y
.params k=2 m=3
C1 y 0 {1}
.ic V(y)=0.5
Gy 0 y value={k*POWER}
Gm te be value={V(te,be)*(1m+1m*V(y))}
.ends t
.tran 0 0.75 0 1m
.save v(s)
.end
"""


@pytest.mark.parametrize("power", ["pow(V(te,be),m)", "V(te,be)**m", "odd(V(te,be),m)"])
def test_a_real_power_with_a_parameter_for_its_exponent_runs_in_ngspice(power: str, tmp_path: Path) -> None:
    """dy/dt = 2 v^3, v = sin 2 pi t: y(3/4) = 0.5 + 4/(3 pi) - 2/(3 pi) = 0.712207."""
    from spicebridge.circuit.dialects import get_dialect
    from spicebridge.circuit.engines import get_engine
    from spicebridge.circuit.engines.engine import Job

    deck = read_deck(ODD.replace("POWER", power), dialect="ltspice")
    text = get_dialect("ngspice").format_deck(deck)
    record = get_engine("ngspice").run(Job(text=text, vectors=deck.save, stop=0.75, timeout=60.0))
    assert record.data is not None, record.reason
    assert float(record.data[-1, -1]) == pytest.approx(0.712207, abs=2e-5)


@pytest.mark.parametrize(
    ("dialect", "cards", "a", "b", "value"),
    [
        ("ngspice", "G2 b 0 TABLE {V(b)} = (-1,-1m) (1,2m)", 0.0, 0.0, 0.5e-3),
        ("pspice", "G2 b 0 TABLE {V(b)} = (-1,-1m) (1,2m)", 0.0, 3.0, 2e-3),
        ("ngspice", "G2 b 0 POLY(2) a 0 b 0 0 1m 0 2m 3m 4m", 2.0, 3.0, 64e-3),
        ("ltspice", "B2 b 0 I=limit(V(b),1,-1)", 0.0, 5.0, 1.0),
        ("xyce", "B2 b 0 I={limit(V(b),-1,1)}", 0.0, -5.0, -1.0),
        ("hspice", ".param k='3' f(x,y)='k*x+y' m=2\nG2 b 0 VCCS cur='f(V(b),1)*m'", 0.0, 2.0, 14.0),
    ],
)
def test_values_of_sources_by_hand(dialect: str, cards: str, a: float, b: float, value: float) -> None:
    deck = flatten(read_deck(f"t\nV1 a 0 1\nR1 a b 1\n{cards}\n", dialect=dialect))
    (source,) = [e for e in deck.elements if isinstance(e, BehaviouralCurrent)]
    assert float(evaluate(source.expression, Environment({"a": a, "b": b}, {}, {}))) == pytest.approx(value)


def test_points_that_come_again_and_sections_that_take_others(tmp_path: Path) -> None:
    cards = "V1 a 0 PWL(0 0 1 1 2 0) r=0 td=0.5\nR1 a 0 1k m=2\n.tran 1 4\n"
    (tmp_path / "m.lib").write_text("* s\n.lib fast\n.lib 'm.lib' common\n.endl\n.lib common\nR2 a 0 7\n.endl\n")
    deck = read_deck(f"t\n{cards}.lib m.lib fast\n", folder=tmp_path, dialect="ngspice")
    times, values = zip(*deck.element("V1").wave.points, strict=True)  # type: ignore[union-attr]
    t = np.linspace(0.0, 4.0, 41)
    assert np.interp(t, times, values) == pytest.approx(np.where(t < 0.5, 0.0, 1.0 - abs((t - 0.5) % 2.0 - 1.0)))
    assert [deck.element(name).value for name in ("R1", "R2")] == [500.0, 7.0]  # type: ignore[union-attr]
