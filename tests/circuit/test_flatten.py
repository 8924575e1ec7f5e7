"""Flattening changes names, never the circuit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from circuit.first_point import transient

from spicebridge.circuit.deck.elements import (
    BehaviouralCurrent,
    BehaviouralVoltage,
    CapacitorElement,
    CurrentControlledCurrent,
    CurrentSourceElement,
    DcWave,
    Deck,
    Instance,
    Model,
    PwlWave,
    ResistorElement,
    Subcircuit,
    Switch,
    VoltageSourceElement,
)
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.deck.parameter_scopes import constant
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.lower.models import load_model
from spicebridge.circuit.reader import read_deck, read_expression
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Binary, BranchCurrent, Call, NodeVoltage, Number, Parameter, walk


def flat(cards: str) -> Deck:
    return flatten(read_deck(f"title\n{cards}\n", name="d"))


NESTED = """\
.param r0=100 scale={r0/50}
.func half(x) {x/2}
.subckt pair a b r=1k
.param twice={2*r}
R1 a m {r}
R2 m b {twice}
X1 m 0 leak g={half(r)}
.ends
.subckt leak p n g=1 h={g*scale}
.model q sw(vt={g} ron=1 roff={h})
Vs p x {g}
F1 p n Vs {half(h)}
B1 x n I=g*V(p,n)+I(Vs)*h+r0
S1 p n x 0 q
C1 x n 1u ic={h}
.ic v(x)={g/100}
.ends
Xa in out pair r={r0*3}
Xb in 0 pair
V1 in 0 PWL(0 0 {scale} {r0})
R3 out 0 {scale}
"""


def test_a_nested_deck_equals_the_hand_flattened_one() -> None:
    def leak(path: str, node: str, g: float) -> list[object]:
        h = 2.0 * g
        inside = f"{path}.x"
        drop = Binary("*", Number(g), NodeVoltage(node))
        current = Binary("*", BranchCurrent(f"v.{path}.vs"), Number(h))
        return [
            VoltageSourceElement(f"v.{path}.vs", node, inside, DcWave(g)),
            CurrentControlledCurrent(f"f.{path}.f1", node, "0", f"v.{path}.vs", g),
            BehaviouralCurrent(f"b.{path}.b1", inside, "0", Binary("+", Binary("+", drop, current), Number(100.0))),
            Switch(f"s.{path}.s1", node, "0", inside, "0", "leak.q" if g == 150.0 else "leak.q.2"),
            CapacitorElement(f"c.{path}.c1", inside, "0", 1e-6, h),
        ]

    expected = Deck(
        title="title",
        elements=(
            ResistorElement("r.xa.r1", "in", "xa.m", 300.0),
            ResistorElement("r.xa.r2", "xa.m", "out", 600.0),
            *leak("xa.x1", "xa.m", 150.0),
            ResistorElement("r.xb.r1", "in", "xb.m", 1000.0),
            ResistorElement("r.xb.r2", "xb.m", "0", 2000.0),
            *leak("xb.x1", "xb.m", 500.0),
            VoltageSourceElement("V1", "in", "0", PwlWave(((0.0, 0.0), (2.0, 100.0)))),
            ResistorElement("R3", "out", "0", 2.0),
        ),
        models=(
            Model("leak.q", "sw", (("vt", 150.0), ("ron", 1.0), ("roff", 300.0))),
            Model("leak.q.2", "sw", (("vt", 500.0), ("ron", 1.0), ("roff", 1000.0))),
        ),
        initial_conditions=(("xa.x1.x", 1.5), ("xb.x1.x", 5.0)),
    )
    assert flat(NESTED) == expected


def test_flattening_twice_is_flattening_once() -> None:
    once = flat(NESTED)
    assert flatten(once) == once


RUNNABLE = """\
nested
.param f=2
.func win(x,p) {1-pow(2*x-1,2*p)}
.subckt mem p n w ron=100 roff=1600 polarity=1
.param g={polarity*ron}
Vs p x 0
Rm x n R='({ron})+(({roff})-({ron}))*V(w)'
B1 0 w I=g*I(Vs)*win(V(w),1)
C1 w 0 1 ic=0
R1 w 0 10
.ic v(w)=0.3
.ends
.subckt two a b w1 w2 ron=200
X1 a m w1 mem polarity={0-1}
X2 m b w2 mem ron={ron*2}
R1 m 0 1k
.ends
V1 in 0 SIN(0 1 {f})
X1 in mid wa wb two
X2 mid 0 wc wd two ron=50
.options method=trap reltol=1e-9 vntol=1e-12 abstol=1e-15 trtol=1e9
.tran 5m 1 0 5m
.end
"""


def test_ngspice_runs_the_deck_and_its_flat_form_to_the_same_end(tmp_path: Path) -> None:
    deck = read_deck(RUNNABLE)
    names, expected = transient(RUNNABLE, tmp_path)
    for again in (deck, flatten(deck)):
        found_names, found = transient(get_dialect("ngspice").format_deck(again), tmp_path)
        assert found.shape == expected.shape
        nodes = [n for n in names if n.startswith(("v(", "time"))]
        assert len(nodes) == 13
        for name in nodes:
            column = found[:, found_names.index(name)]
            assert column == pytest.approx(expected[:, names.index(name)], rel=1e-9, abs=1e-12), name
    assert np.ptp(expected[:, names.index("v(wa)")]) > 0.01


def test_parameters_are_seen_from_the_instance_that_calls(tmp_path: Path) -> None:
    """Dynamic scope, shadowing and self-reference, against ngspice."""
    text = """\
scopes
.param p=1 q=3
.subckt inner a b
V1 a 0 {p}
V2 b 0 {q}
.ends
.subckt outer a b p=5
.param q={q*p}
X1 a b inner
.ends
Xo o1 o2 outer
Xi i1 i2 inner
Xk k1 k2 outer p=11
R1 o1 0 1
.tran 1 1
.end
"""
    names, data = transient(text, tmp_path)
    waves = {e.plus: e.wave.value for e in flatten(read_deck(text)).elements if isinstance(e, VoltageSourceElement)}
    assert waves == {"o1": 5.0, "o2": 15.0, "i1": 1.0, "i2": 3.0, "k1": 11.0, "k2": 33.0}
    for node, value in waves.items():
        assert data[0, names.index(f"v({node})")] == pytest.approx(value)


def test_definitions_nest_lexically(tmp_path: Path) -> None:
    text = """\
lexical
.subckt cell a
V1 a 0 1
.ends
.subckt s1 a
.subckt cell a
V1 a 0 2
.ends
X1 a cell
.ends
.subckt s2 a
X1 a cell
.ends
Xa a s1
Xb b s2
.tran 1 1
.end
"""
    names, data = transient(text, tmp_path)
    waves = {e.plus: e.wave.value for e in flatten(read_deck(text)).elements}
    assert waves == {"a": 2.0, "b": 1.0}
    assert {n: data[0, names.index(f"v({n})")] for n in "ab"} == pytest.approx(waves)


def test_functions_are_macros() -> None:
    deck = flat(".param x=3\n.func f(y) {y*x}\n.subckt s a x=10\nR1 a 0 {f(2)}\n.ends\nX1 a s\nR2 a 0 {f(2)}")
    assert [e.value for e in deck.elements] == [20.0, 6.0]


def test_constant_parts_fold_and_signals_stay() -> None:
    deck = flat(".param a=2 b=3\nB1 o 0 V=(a+b)*V(o)+sin(0)*2+(a>b?1:5)\nB2 p 0 V=a*b\nR1 o p 1")
    product = Binary("*", Number(5.0), NodeVoltage("o"))
    assert deck.elements[0] == BehaviouralVoltage(
        "B1", "o", "0", Binary("+", Binary("+", product, Number(0.0)), Number(5.0))
    )
    assert deck.elements[1].expression == Number(6.0)


def test_names_inside_instances_can_be_used_outside() -> None:
    deck = flat(
        ".subckt s a\nV1 a m 1\nR1 m 0 1\n.ends\nX1 a s\nB1 o 0 V=I(V.X1.V1)+V(X1.M)\nF1 o 0 v.x1.v1 2\nR1 o a 1\n"
        ".ic v(X1.m)=1\n.save v(x1.m) i(v.x1.v1)"
    )
    assert deck.elements[2].expression == Binary("+", BranchCurrent("v.x1.v1"), NodeVoltage("x1.m"))
    assert deck.elements[3].source == "v.x1.v1"
    assert deck.initial_conditions == (("x1.m", 1.0),)


def test_shipped_models_flatten_to_numbers() -> None:
    model = load_model("caravelli2017_current")
    call = Instance(
        name="X7", nodes=("a", "0", "w7", "w7"), subcircuit=model.name, parameters=(("r_on", 50.0), ("polarity", -1.0))
    )
    deck = flatten(
        Deck(title="one", elements=(call, CurrentSourceElement("I1", "0", "a", DcWave(1.0))), subcircuits=(model,))
    )
    names = [e.name for e in deck.elements]
    assert names[:2] == ["v.x7.vsense", "r.x7.rmem"]
    assert not any(isinstance(x, (Parameter, Call)) for e in deck.elements for x in walk(getattr(e, "value", 0.0)))
    assert deck.element("h.x7.hrate").gain == 50.0


def test_decks_made_by_hand_fold_case_too() -> None:
    sub = Subcircuit(
        name="MEM",
        pins=("P", "n"),
        parameters=(("R", 2.0),),
        elements=(ResistorElement("R1", "p", "N", Parameter("r")),),
    )
    deck = flatten(
        Deck(
            title="t",
            elements=(Instance(name="x1", nodes=("a", "GND"), subcircuit="mem", parameters=(("r", 3.0),)),),
            subcircuits=(sub,),
        )
    )
    assert deck.elements == (ResistorElement("r.x1.r1", "a", "0", 3.0),)


def test_options_are_numbers_or_words() -> None:
    assert dict(flat(".param x=2\n.options reltol={x*1m} method=gear noacct\nR1 a 0 1").options) == {
        "reltol": 2e-3,
        "method": "gear",
        "noacct": None,
    }


ERRORS = [
    ("R1 a 0 {x}", 2, "R1: parameter 'x' has no value"),
    (".param value=1\nR1 a 0 {valu}", 3, "did you mean 'value'"),
    ("R1 a 0 {1/0}", 2, "R1: the value is inf; it must be finite"),
    (".param a={b} b={c} c={a}\nR1 a 0 {a}", 2, "parameter a is defined by itself: a -> b -> c -> a; break the circle"),
    (".param a={nope(1)}\nR1 a 0 {a}", 2, "function 'nope' is unknown"),
    (".func f(x) {x+y}\nR1 a 0 {f(1)}", 3, "parameter 'y' has no value"),
    (".func f(x) {x}\nR1 a 0 {f(1,2)}", 3, "function 'f' takes 1 arguments, not 2"),
    (".func f(x) {g(x)}\n.func g(x) {f(x)}\nR1 a 0 1", 2, "function f is defined by itself: f -> g -> f"),
    ("X1 a 0 nothing", 2, "X1: subcircuit 'nothing' is unknown"),
    (".subckt mem a b\nR1 a b 1\n.ends\nX1 a 0 men", 5, "did you mean 'mem'"),
    (".subckt s a b\nR1 a b 1\n.ends\nX1 a s", 5, "X1: 1 nodes for the 2 pins of s (a b); give one each"),
    (".subckt s a ron=1\nR1 a 0 {ron}\n.ends\nX1 a s rom=2", 5, "s has no parameter 'rom' (did you mean 'ron'?)"),
    (".subckt s a\nR1 a 0 {x}\n.ends\nX1 a s", 3, "R1: parameter 'x' has no value"),
    (".subckt s a p={q}\nR1 a 0 1\n.ends\nX1 a s", 2, "parameter p: parameter 'q' has no value"),
    (".subckt s a\n.subckt t b\nR1 b 0 1\n.ends\nX1 a t\n.ends\nX1 a s\nX2 a t", 9, "X2: subcircuit 't' is unknown"),
    ("S1 a 0 b 0 m", 2, "S1: model 'm' is unknown; define it with .model"),
    (".model m sw(vt={x})\nS1 a 0 a 0 m", 2, "model m: parameter 'x' has no value"),
    ("F1 a 0 V9 1\nV1 a 0 1", 2, "F1: source 'V9' is unknown (did you mean 'v1'?)"),
    ("F1 a 0 R1 1\nR1 a 0 1", 2, "F1: R1 has no current of its own; put a voltage source of 0 V in series"),
    ("B1 a 0 V=V(b)\nR1 a 0 1", 2, "B1: no element touches node 'b'"),
    (".subckt s w\nR1 w 0 R='1+V(W1)'\n.ends\nX1 a s", 3, "R1: no element touches node 'x1.w1'"),
    ("B1 a 0 V=I(nobody)", 2, "B1: source 'nobody' is unknown"),
    ("B1 a 0 V=I(v.x1.v1)", 2, "source 'v.x1.v1' is unknown"),
    ("R1 a 0 1\n.ic v(b)=1", 3, ".ic v(b): no element touches this node"),
    ("R1 node 0 1\n.save v(nod)", 3, "no such thing in the deck (did you mean 'node'?)"),
    ("R1 a 0 1\n.save i(v1)", 3, ".save i(v1): there is no such thing"),
    ("R1 a 0 1\n.options reltol={x}", 3, "parameter 'x' has no value"),
]


@pytest.mark.parametrize(("cards", "line", "fragment"), ERRORS)
def test_errors_are_located(cards: str, line: int, fragment: str) -> None:
    with pytest.raises(DeckError) as caught:
        flat(cards)
    message = str(caught.value).split("\n")[0]
    assert re.match(rf"d:{line}:\d+: ", message), message
    assert fragment in message


def test_errors_of_a_flat_deck_still_know_their_text() -> None:
    deck = flat("* head\n.subckt s a\nR1 a 0 1\n.ends\nX1 a s")
    assert deck.sources is not None
    assert deck.sources.describe("", "element", "r.x1.r1", "look here").startswith("d:4:1: look here\n    R1 a 0 1")


def test_errors_without_text_are_plain() -> None:
    with pytest.raises(DeckError, match=r"^R1: parameter 'x' has no value$"):
        flatten(Deck(title="t", elements=(ResistorElement("R1", "a", "0", Parameter("x")),)))
    with pytest.raises(DeckError, match="element r1 is defined twice"):
        flatten(Deck(title="t", elements=(ResistorElement("R1", "a", "0", 1.0), ResistorElement("r1", "a", "0", 1.0))))


def test_constant() -> None:
    assert constant(read_expression("2*p"), (("p", read_expression("q+1")), ("q", 3.0))) == 8.0
    with pytest.raises(DeckError, match="defined by itself"):
        constant(1.0, (("p", read_expression("q")), ("q", read_expression("p"))))
