"""What is not read is named, at its line and column, with the rule and the remedy."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from spicebridge.circuit.reader import read_deck
from spicebridge.errors import DeckError, UnsafeDeck

# cards from line 2 on; line and column of the error; what it says
ERRORS: list[tuple[str, int, int, str]] = [
    ("R1 a b", 2, 7, "ends too early; write Rname node node value"),
    ("R1 a b 1k 2k", 2, 11, "'2k' does not fit"),
    ("R1 a b rval", 2, 8, "write {rval} if it is a parameter"),
    ("R1 a b 4k7", 2, 8, "'4k7' is no number"),
    ("R1 a b 1k temp=2", 2, 11, "option 'temp' is not read; leave it out if"),
    ("R1 a b tc=2", 2, 8, "the value is missing"),
    ("R1 a b 1 r=2", 2, 10, "given twice"),
    ("R1 a b {2*}", 2, 11, "ends too early"),
    ("R1 a b {2*V(w}", 2, 14, "an operator or ')' is expected"),
    ("R1 a b {2", 2, 8, "never closed"),
    ("R1 a b 2}", 2, 9, "never opened"),
    ("R1 a b '2", 2, 8, "quote is never closed"),
    ("C1 a b Q='V(a)'", 2, 8, "the value is missing"),
    ("C1 a 0 1A", 2, 8, "suffix 'a'"),
    ("V1 a b SFFM(0 1 1k)", 2, 8, "waveform SFFM is not read"),
    ("V1 a b SIN(0)", 2, 8, "needs at least offset and amplitude"),
    ("V1 a b SIN(0 1 1 1 1 1 1)", 2, 24, "takes 6 values"),
    ("V1 a b SIN(0 1)", 2, 8, "needs its frequency"),
    ("V1 a b SIN(0 1", 2, 15, "ends too early"),
    ("V1 a b PWL(0 0 1)", 2, 8, "pairs of time and value"),
    ("V1 a b PWL(0 0 1 1 1 2)", 2, 20, "times must increase"),
    ('V1 a b PWL FILE "x"', 2, 12, "waveforms in files"),
    ("V1 a b PULSE(0 1) SIN(0 1 1)", 2, 19, "second waveform"),
    ("V1 a b 5 DC 6", 2, 10, "second constant"),
    ("V1 a b 5 Rser=1", 2, 10, "option 'Rser'"),
    ("E1 a b POLY(0) c d 0 1", 2, 13, "POLY(n) takes n pairs"),
    ("G1 a b TABLE {V(a)} = (0,0)", 2, 8, "TABLE: it needs two points"),
    ("E1 a b LAPLACE {V(a)} = {1/s}", 2, 8, "LAPLACE is not read"),
    ("F1 a b POLY(1) V1 0 1", 2, 8, "POLY is not read"),
    ("B1 a b P=V(a)", 2, 8, "P= is not read"),
    ("B1 a b V(a)", 2, 9, "'(' does not fit"),
    ("B1 a b V=", 2, 10, "ends too early"),
    ("B1 a b V=V(a) tc1=2", 2, 15, "'tc1' does not fit"),
    ("B1 a b V=foo(V(a))", 2, 10, "function 'foo' is unknown"),
    ("B1 a b V=sine(V(a))", 2, 10, "did you mean 'sin'"),
    ("S1 a b c d m on", 2, 14, "'on' is not read"),
    ("X1 mem", 2, 1, "nodes and a subcircuit are needed"),
    ("X1 a mem p=1 P=2", 2, 14, "given twice"),
    ("D1 a b diode", 2, 1, "element D1 is not read: a diode"),
    ("Q1 c b e npn", 2, 1, "a bipolar transistor"),
    ("M1 d g s b nmos", 2, 1, "a MOS transistor"),
    ("A1 a b model", 2, 1, "a code model"),
    ("K1 L1 L2 0.9", 2, 1, "a coupling of inductors"),
    ("W1 a b V1 m", 2, 1, "a current-controlled switch"),
    ("1R a b 1", 2, 1, "no element starts with '1'"),
    ("#R a b 1", 2, 1, "no element starts with '#'"),
    ("(R1 a b 1", 2, 1, "cannot start with '('"),
    ("R1 a b 1\nr1 a c 1", 3, 1, "element r1 is defined a second time (first in line 2"),
    ("R1 a\n+ b\n+ oops", 4, 3, "write {oops}"),
    ("R1 a b ; why\n* comment\n+ {a+}", 4, 6, "ends too early"),
    ("+ b 1", 2, 1, "there is none"),
    (".param", 2, 1, "defines nothing"),
    (".param a=1 A=2", 2, 12, "parameter A is defined a second time"),
    (".param a=1\n.param A=2", 3, 8, "parameter A is defined a second time"),
    (".param a", 2, 8, "'a' does not fit here; write .param name=value"),
    (".param a={b c}", 2, 13, "'c' does not fit"),
    (".param a=V(x)", 2, 10, "is no constant"),
    (".param a=gauss(1,2,3)", 2, 10, "it is random"),
    (".func f(x)", 2, 11, "ends too early"),
    (".func f(x) {x}\n.func F(y) {y}", 3, 7, "function F is defined a second time"),
    (".func sin(x) {x}", 2, 7, "name of a built-in"),
    (".func f(x) {pow(x,3)}\n.param a={f(2)}", 3, 11, "mean something else in parameters"),
    (".func f(x) {V(x)}", 2, 7, "argument x stands for a node"),
    (".model m", 2, 9, "ends too early"),
    (".model m sw(vt)", 2, 15, "does not fit"),
    (".model m sw(vt=4k7)", 2, 16, "'4k7' is no number"),
    (".param a = 1 + 2 b=3", 2, 13, "ngspice ends the value at this blank; write {…} around it"),
    (".subckt s a\n.param b = 1 + 2\n.ends", 3, 13, "ends the value at this blank"),
    ("X1 a mem p=2 + 3", 2, 16, "'3' does not fit"),
    (".model m sw(vt=1)\n.model M sw(vt=1)", 3, 8, "model M is defined a second time"),
    (".ic a=1", 2, 6, "does not fit here; write .ic v(node)=value"),
    (".ic i(L1)=1", 2, 5, "use IC= on the inductor"),
    (".ic v(a)=1 v(A)=2", 2, 14, "a second time"),
    (".tran 1", 2, 1, "1 times"),
    (".tran 1 2 startup", 2, 11, "'startup' of .tran is not read"),
    (".tran 1 2 3 4", 2, 1, "must hold"),
    (".tran -1 2", 2, 1, "must hold"),
    (".tran 1 {x}", 2, 9, "parameter 'x' has no value"),
    (".tran 1 2\n.tran 1 2", 3, 1, "a second .tran"),
    (".options a=1 A=2", 2, 14, "set a second time"),
    (".save mag(v)", 2, 7, "vector mag(v) is not read"),
    (".temp 27", 2, 1, "card .temp is not read: the temperature"),
    (".nodeset v(a)=1", 2, 1, "use .ic"),
    (".step param a 1 2 1", 2, 1, "use a campaign"),
    (".if (a==1)", 2, 1, "conditional netlists"),
    (".parma a=1", 2, 1, "card .parma is unknown (did you mean '.param'?)"),
    (".subckt", 2, 1, "needs a name"),
    (".subckt s a b", 2, 1, "never closed; write .ends s"),
    (".subckt s a a\n.ends", 2, 13, "pin a of subcircuit s stands twice"),
    (".subckt s a\n.ends t", 3, 7, "write .ends s"),
    (".ends", 2, 1, ".ends without .subckt"),
    (".subckt s a\n.ends\n.subckt S b\n.ends", 4, 9, "subcircuit S is defined a second time"),
    (".subckt s a\n.tran 1 2\n.ends", 3, 1, "inside a subcircuit"),
    (".end\nR1 a b 1", 3, 1, "a card after .end"),
    ("R1 a b 1\n.CONTROL", 3, 1, "never closed; add .endc"),
    (".end\n.control", 3, 1, "a card after .end"),
    ("R1 a b 1\x00", 2, 9, "control character"),
    ("R1 a b 1\x0b.control", 2, 9, "control character"),
]

UNSAFE: list[tuple[str, int, int, str]] = [
    ("R1 a b 1\n.endc", 3, 1, "ends a block of commands"),
    (".exec 'ls'", 2, 1, "runs a program"),
    ("shell ls", 2, 9, "ends too early"),
    ("quit", 2, 1, "is a command"),
    ("!ls", 2, 1, "is a command"),
    (".pre_osdi x.osdi", 2, 1, "compiled library"),
    (".wave out.wav 16 44k v(a)", 2, 1, "writes a file"),
    (".savebias x", 2, 1, "writes a file"),
    (".loadbias x", 2, 1, "reads a file"),
    (".include /etc/passwd", 2, 10, "absolute paths are refused"),
    (".include '/etc/passwd'", 2, 10, "absolute paths"),
    (".inc ~/x", 2, 6, "absolute paths"),
    (".inc C:\\x", 2, 6, "absolute paths"),
    (".inc \\\\host\\x", 2, 6, "absolute paths"),
    (".inc https://host/x", 2, 6, "absolute paths"),
    (".lib ../x.lib fast", 2, 6, "leaves the deck's folder"),
    (".inc sub/../../x", 2, 6, "leaves the deck's folder"),
    (".inc sub\\..\\..\\x", 2, 6, "leaves the deck's folder"),
]


@pytest.mark.parametrize(("cards", "line", "column", "fragment"), ERRORS)
def test_errors_are_located(cards: str, line: int, column: int, fragment: str, tmp_path: Path) -> None:
    check(cards, line, column, fragment, tmp_path, DeckError)


@pytest.mark.parametrize(("cards", "line", "column", "fragment"), UNSAFE)
def test_unsafe_decks_are_refused(cards: str, line: int, column: int, fragment: str, tmp_path: Path) -> None:
    check(cards, line, column, fragment, tmp_path, UnsafeDeck)


def check(cards: str, line: int, column: int, fragment: str, folder: Path, kind: type[DeckError]) -> None:
    text = "title\n" + cards + "\n"
    with pytest.raises(DeckError) as caught:
        read_deck(text, name="deck.cir", folder=folder)
    assert type(caught.value) is kind
    message, shown, caret = str(caught.value).split("\n")
    assert message.startswith(f"deck.cir:{line}:{column}: "), message
    assert fragment in message
    source = text.split("\n")[line - 1]
    assert shown == "    " + re.sub("[\x00-\x1f]", "?", source)
    assert caret == "    " + " " * (column - 1) + "^"


@pytest.mark.parametrize(
    ("dialect", "cards", "fragment"),
    [
        ("ltspice", "V1 a 0 PULSE(0 1 0 0 0 1 2)", "needs its rise"),
        ("ltspice", "R1 a 0 R=", "ends too early"),
        ("ltspice", "B1 a 0 V=delay(V(a),1)", "hides a state"),
    ],
)
def test_errors_of_ltspice(dialect: str, cards: str, fragment: str) -> None:
    with pytest.raises(DeckError, match=r"<text>:2:\d+: ") as caught:
        read_deck(f"title\n{cards}\n", dialect=dialect)
    assert fragment in str(caught.value)


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(DeckError, match=r"nowhere\.cir: cannot be read \(No such file"):
        read_deck("nowhere.cir")


def test_no_file_no_text(tmp_path: Path) -> None:
    with pytest.raises(DeckError, match="no regular file"):
        read_deck(tmp_path)
    empty = tmp_path / "empty.cir"
    empty.write_text("")
    with pytest.raises(DeckError, match="is empty"):
        read_deck(empty)
    with pytest.raises(DeckError, match="did you mean 'ngspice'"):
        read_deck("t\n", dialect="ngspic")


def test_includes_need_a_folder() -> None:
    with pytest.raises(UnsafeDeck, match="this text has no folder"):
        read_deck("t\n.include parts.inc\n")


def test_includes_that_do_not_exist_or_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "out").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    outside = tmp_path.parent / "outside.inc"
    outside.write_text("R1 a b 1\n")
    (tmp_path / "up").symlink_to(tmp_path.parent)
    for name, kind, fragment in (
        ("missing.inc", DeckError, "there is no such file"),
        ("dir", UnsafeDeck, "no regular file"),
        ("pipe", UnsafeDeck, "no regular file"),
        ("null", UnsafeDeck, "link leaves"),
        ("out", UnsafeDeck, "link leaves"),
        ("up/outside.inc", UnsafeDeck, "link leaves"),
        ("loop", DeckError, "cannot be followed"),
    ):
        with pytest.raises(DeckError, match=r"^d:2:10: ") as caught:
            read_deck(f"t\n.include {name}\n", name="d", folder=tmp_path)
        assert type(caught.value) is kind, name
        assert fragment in str(caught.value), name


def test_errors_inside_an_include_name_that_file(tmp_path: Path) -> None:
    (tmp_path / "parts.inc").write_text("* parts\nR1 a b\n")
    with pytest.raises(DeckError, match=r"parts\.inc:2:7: R1: the line ends too early"):
        read_deck("t\n.include parts.inc\n", folder=tmp_path)
    (tmp_path / "parts.inc").write_text("* parts\n.shell rm x\n")
    with pytest.raises(UnsafeDeck, match=r"parts\.inc:2:1: "):
        read_deck("t\n.include parts.inc\n", folder=tmp_path)


def test_sections_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "c.lib").write_text(".lib slow\n.param r=1\n")
    with pytest.raises(DeckError, match="section 'fast' is not in the file"):
        read_deck("t\n.lib c.lib fast\n", folder=tmp_path)
    with pytest.raises(DeckError, match=r"section 'slow' is never closed with \.endl"):
        read_deck("t\n.lib c.lib slow\n", folder=tmp_path)
