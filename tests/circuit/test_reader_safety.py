"""Hostile and huge decks end in an error or in linear time, never in a hang, a crash or a RecursionError."""

from __future__ import annotations

import random
import re
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from circuit.test_flatten import NESTED as NESTED_DECK

from spicebridge.circuit.deck import flatten as flatten_module
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.reader import includes, read_deck
from spicebridge.errors import DeckError

MEGABYTE = 1_000_000
LINE = 10 * MEGABYTE


def outcome(cards: str) -> str:
    """The error of reading and flattening, or "ok"."""
    try:
        flatten(read_deck(f"title\n{cards}\n"))
    except DeckError as error:
        return str(error)
    return "ok"


LONG_LINES = {
    "a word": ("R1 a b " + "x" * LINE, "is no number"),
    "digits": ("R1 a b " + "1" * LINE, "must be finite"),
    "a sum": ("B1 a b V=" + "1+" * (LINE // 2) + "1", "more than 20000 tokens"),
    "open brackets": ("B1 a b V=" + "(" * LINE, "more than 20000 tokens"),
    "open braces": ("R1 a b " + "{" * LINE, "never closed"),
    "quotes": ("R1 a b " + "'" * LINE, "more than 1000000 tokens"),
    "calls without end": ("B1 a b V=" + "v(" * (LINE // 2), "more than 20000 tokens"),
    "a call and blanks": ("B1 a b V=v(" + " " * LINE, "ends too early"),
    "names": (".param " + "a " * (LINE // 2), "more than 1000000 tokens"),
    "equal signs": (".param " + "a=" * (LINE // 2), "more than 20000 tokens"),
    "blanks": ("R1 a b " + " " * LINE + "1", "ok"),
    "a comment": ("R1 a b 1 ;" + "x" * LINE, "ok"),
}


@pytest.mark.parametrize("name", LONG_LINES)
def test_a_line_of_ten_megabytes(name: str) -> None:
    text, expected = LONG_LINES[name]
    start = time.process_time()
    found = outcome(text)
    assert time.process_time() - start < 10.0
    assert expected in found
    assert len(found) < 1000


@pytest.mark.parametrize(("line", "count"), [("* c", 0), ("", 0), ("+", 0), ("; c", 0)])
def test_a_million_lines(line: str, count: int) -> None:
    start = time.process_time()
    deck = read_deck("title\nR1 a b 1\n" + f"{line}\n" * MEGABYTE)
    assert time.process_time() - start < 10.0
    assert len(deck.elements) == 1 + count


def elements(n: int) -> str:
    cards = []
    for k in range(n // 5):
        cards += [
            f"B{k} y{k} 0 I=-1*V(y{k})*(1+{k + 0.5}*V(w{k})) ; edge {k}",
            f"GA{k} 0 y{k} n{k} n{k + 1} 1",
            f"I{k} 0 y{k} SIN(0 {0.5 + k} 2.5)",
            f"C{k} w{k} 0 1",
            f"R{k} n{k} 0 -10",
        ]
    return "\n".join(["title", *cards, ".tran 1m 1", ".end", ""])


def test_time_per_element_stays_within_the_budget_of_20_s_per_100000() -> None:
    text = elements(20_000)
    start = time.process_time()
    flat = flatten(read_deck(text))
    assert time.process_time() - start < 20.0 * 20_000 / 100_000
    assert len(flat.elements) == 20_000


def test_memory_is_linear() -> None:
    peaks = []
    for n in (2_000, 8_000):
        text = elements(n)
        tracemalloc.start()
        read_deck(text)
        peaks.append(tracemalloc.get_traced_memory()[1] / n)
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
    assert peaks[1] < 5_000


NESTED = {
    "a thousand brackets": ("B1 a 0 V=" + "(" * 1000 + "1" + ")" * 1000, "ok"),
    "a thousand signs": ("B1 a 0 V=" + "-(" * 1000 + "V(a)" + ")" * 1000, "200 is the most"),
    "a thousand calls": ("B1 a 0 V=" + "sin(" * 1000 + "1" + ")" * 1000, "200 is the most"),
    "a thousand choices": ("B1 a 0 V=" + "V(a)?" * 1000 + "1" + ":2" * 1000, "200 is the most"),
    "a sum of a thousand": ("B1 a 0 V=V(a)" + "+V(a)" * 1000, "200 is the most"),
    "nested definitions": ("\n".join(f".subckt s{k} a" for k in range(1000)), "nested more than 50 deep"),
    "a chain of parameters": (
        "\n".join(f".param p{k}={{p{k + 1}+1}}" for k in range(3000)) + "\n.param p3000=1\nR1 a 0 {p0}",
        "ok",
    ),
    "a circle of parameters": (
        "\n".join(f".param p{k}={{p{(k + 1) % 3000}}}" for k in range(3000)),
        "is defined by itself",
    ),
    "a chain of functions": (
        "\n".join([".func f0(x) {x}", *(f".func f{k + 1}(x) {{f{k}(x)}}" for k in range(3000))])
        + "\nB1 a 0 V=f3000(V(a))",
        "ok",
    ),
    "functions that nest": (
        "\n".join([".func f0(x) {x}", *(f".func f{k + 1}(x) {{-f{k}(x)}}" for k in range(3000))]),
        "more than 200 levels",
    ),
    "a function of itself": (".func f(x) {f(x)+1}\nB1 a 0 V=f(1)", "function f is defined by itself: f -> f"),
    "functions that double": (
        "\n".join([".func f0(x) {x+x}", *(f".func f{k + 1}(x) {{f{k}(f{k}(x))}}" for k in range(60))]),
        "more than 50000 terms",
    ),
    "instances that nest": (
        ".subckt s0 a\nR1 a 0 1\n.ends\n"
        + "".join(f".subckt s{k + 1} a\nX1 a s{k}\n.ends\n" for k in range(500))
        + "X1 a s500",
        "nested more than 100 deep",
    ),
    "a subcircuit of itself": (".subckt s a\nX1 a s\n.ends\nX1 a s", "s contains itself"),
    "two subcircuits of each other": (
        ".subckt s a\nX1 a q\n.ends\n.subckt q a\nX1 a s\n.ends\nX1 a s",
        "contains itself",
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_nesting(name: str) -> None:
    text, expected = NESTED[name]
    start = time.process_time()
    assert expected in outcome(text)
    assert time.process_time() - start < 5.0


def test_the_deepest_tree_that_is_read_can_be_handled_by_all_that_recurses() -> None:
    """repr, hash and == of a tree recurse; the limit leaves room for them at half of Python's default."""
    limit = sys.getrecursionlimit()
    try:
        deck = read_deck("t\nB1 a 0 V=" + "-(" * 190 + "V(a)" + ")" * 190 + "\n")
        sys.setrecursionlimit(700)
        assert deck == read_deck("t\nB1 a 0 V=" + "-(" * 190 + "V(a)" + ")" * 190 + "\n")
        assert len(repr(deck)) > 190
        assert isinstance(hash(deck.elements), int)
        flatten(deck)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("inside", ["R1 a 0 1", "* empty"])
def test_subcircuits_that_double_are_refused_before_they_are_expanded(inside: str) -> None:
    text = f".subckt s0 a\n{inside}\n.ends\n" + "".join(
        f".subckt s{k + 1} a\nX1 a s{k}\nX2 a s{k}\n.ends\n" for k in range(60)
    )
    found = outcome(text + "X1 a s60")
    assert f"{flatten_module.MAX_ELEMENTS} is the most" in found


def test_the_limit_counts_what_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        ".subckt c a\nR1 a 0 1\nR2 a 0 1\n.ends\n.subckt b a\nX1 a c\nX2 a c\n.ends\n"
        ".subckt unused a\nX1 a b\n.ends\nX1 a b\nX2 a c\nV1 a 0 1"
    )
    monkeypatch.setattr(flatten_module, "MAX_ELEMENTS", 11)
    assert outcome(text) == "ok"
    monkeypatch.setattr(flatten_module, "MAX_ELEMENTS", 10)
    assert "the deck expands to 11 elements; 10 is the most" in outcome(text)


def test_expressions_that_multiply_with_instances_end_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatten_module, "MAX_TERMS", 1_000)
    text = ".subckt s a\nB1 a 0 V=" + "+".join(["V(a)"] * 50) + "\n.ends\n"
    assert outcome(text + "X1 a s") == "ok"
    assert "1000 is the most" in outcome(text + "\n".join(f"X{k} a s" for k in range(50)))


def test_include_cycles_and_floods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.inc").write_text(".inc b.inc\n")
    (tmp_path / "b.inc").write_text("* b\n.inc a.inc\n")
    with pytest.raises(DeckError, match=r"b\.inc:2:6: this file includes itself: a\.inc -> b\.inc -> a\.inc"):
        read_deck("t\n.inc a.inc\n", folder=tmp_path)
    (tmp_path / "main.cir").write_text("t\n.inc main.cir\n")
    with pytest.raises(DeckError, match="includes itself"):
        read_deck(tmp_path / "main.cir")
    for k in range(40):
        (tmp_path / f"d{k}.inc").write_text(f".inc d{k + 1}.inc\n.inc d{k + 1}.inc\n")
    with pytest.raises(DeckError, match="nested more than 20 deep"):
        read_deck("t\n.inc d0.inc\n", folder=tmp_path)
    (tmp_path / "d15.inc").write_text("* bottom\n")
    with pytest.raises(DeckError, match="more than 1000 includes"):
        read_deck("t\n.inc d0.inc\n", folder=tmp_path)
    monkeypatch.setattr(includes, "MAX_CHARACTERS", 100)
    (tmp_path / "big.inc").write_text("* " + "x" * 60 + "\n")
    with pytest.raises(DeckError, match="more than 100 characters"):
        read_deck("t\n.inc big.inc\n.inc big.inc\n", folder=tmp_path)


def test_a_carriage_return_hides_no_card() -> None:
    with pytest.raises(DeckError, match="control character"):
        read_deck("t\n* comment\r.control\nR1 a b 1\n")


BITS = [
    *" \n\t+-*/^(){}[]='\",;$.?:!&|<>~%\\@#",
    ".param ",
    ".ends\n",
    "\n+",
    "V(",
    "I(",
    "**",
    "1e",
    "meg",
    "µ",
    "\u2028",
    "\r",
]


def test_damaged_decks_end_in_a_deck_error_or_are_read() -> None:
    """Two thousand random injuries to a deck that has most of the language in it."""
    chance = random.Random(7)
    healthy = "title\n" + NESTED_DECK
    read = refused = 0
    for _ in range(1000):
        text = healthy
        for _ in range(chance.randint(1, 4)):
            k = chance.randrange(len(text))
            text = text[:k] + chance.choice([*BITS, ""]) + text[k + chance.choice((0, 0, 1, 3)) :]
        for dialect in ("ngspice", "ltspice"):
            try:
                flatten(read_deck(text + "\n", dialect=dialect))
                read += 1
            except DeckError as error:
                assert re.match(r"<text>:\d+:\d+: ", str(error)), (text, error)
                refused += 1
    assert read > 50
    assert refused > 50
