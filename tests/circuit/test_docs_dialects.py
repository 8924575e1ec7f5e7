"""The tables of docs/dialects.md, row by row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.reader import read_deck
from spicebridge.circuit.recognise import recognise_circuit
from spicebridge.errors import DeckError, NotANetwork

PAGE = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(heading, 1)[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None
    lines = table.group().strip().split("\n")[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines]


def cards(cell: str) -> str:
    return cell.strip("`").replace(" ⏎ ", "\n").replace("\\|", "|")


CARDS = rows("### What is read")
LAWS = rows("### Laws")


@pytest.mark.parametrize(("dialect", "text", "outcome"), [row[1:] for row in CARDS], ids=[row[0] for row in CARDS])
def test_every_construct_is_read_or_refused_as_the_page_says(dialect: str, text: str, outcome: str) -> None:
    deck = f"a row of the page\nV1 a 0 SIN(0 1 1)\nR1 a b 1k\n{cards(text)}\n"
    if outcome == "read" or outcome.startswith("note: "):
        found = read_deck(deck, dialect=dialect)
        assert flatten(found).elements
        if outcome != "read":
            assert outcome.removeprefix("note: ") in " ".join(found.notes)
        return
    with pytest.raises(DeckError, match=re.escape(outcome)):
        flatten(read_deck(deck, dialect=dialect))


@pytest.mark.parametrize(("text", "outcome"), [row[1:] for row in LAWS], ids=[row[0] for row in LAWS])
def test_every_law_is_what_the_page_says(text: str, outcome: str) -> None:
    body = f"{cards(text)}\nC1 x 0 1\n.ic v(x)=0.3"
    deck = read_deck(f"a law\nV1 1 0 SIN(0 2 1)\nX1 1 0 m\n.subckt m a b\n{body}\n.ends\n.tran 1m 1\n.end\n")
    if outcome == "law of its own":
        assert any("own expressions" in note for note in recognise_circuit(deck).notes)
    elif ", window " in outcome:
        device = recognise_circuit(deck).network.device(0)
        assert f"{device.law}, window {device.window.name}" == outcome
    else:
        with pytest.raises(NotANetwork, match=outcome):
            recognise_circuit(deck)
