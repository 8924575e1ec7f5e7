"""Whole decks in every dialect: the circuit stays the same, and the conformance deck gives its values in ngspice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import element_nodes
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.dialects.adapt import lines_from_zero, resistors_as_sources, shifted_sines
from spicebridge.circuit.dialects.dialect import check_names
from spicebridge.circuit.dialects.switches import smooth_switches
from spicebridge.circuit.engines import Job, Status, get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.circuit.reader import read_deck
from tests.circuit.dialect_writing import DIALECTS
from tests.circuit.netlist_reading import Scope, read_spectre, read_spice
from tests.strategies import loop_networks, networks

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
