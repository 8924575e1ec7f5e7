"""``spicebridge read``: what a deck is, as text, JSON and case file, and its own circuit on trial."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spicebridge.case.case import load_case
from spicebridge.circuit.reader import read_deck
from spicebridge.circuit.recognise import recognise_circuit
from spicebridge.cli import main, status
from spicebridge.network import same_parameters
from spicebridge.verify import Outcome
from spicebridge.verify.user_deck import run_as_written, validate_deck

BRIDGE = """* bridge of a stranger
V1 top 0 SIN(0 1 2)
X1 top a m
X2 a 0 m
X3 top b m
X4 b 0 m
R5 a b 300
R6 b far 1k
.subckt m p n
R1 p n R='100+1500*V(s)'
G1 s 0 p n 1
C1 s 0 1
.ic v(s)=0.5
.ends
.tran 1m 0.5
.end
"""


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.cir"
    path.write_text(BRIDGE, encoding="utf-8")
    return path


def test_the_text_says_what_network_it_is(deck: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(deck)]) == status.SUCCESS
    out = capsys.readouterr().out
    assert "4 nodes, 6 edges" in out
    assert "independent cycles 3" in out
    assert "effective memory   0.5" in out
    assert "bridges            b-far" in out
    assert "x4.s = 0.5" in out
    assert "Omega (trace 3)" in out


def test_json_holds_a_projector(deck: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(deck), "--json"]) == status.SUCCESS
    facts = json.loads(capsys.readouterr().out)
    omega = facts["Omega"]
    trace = sum(omega[k][k] for k in range(6))
    assert abs(trace - facts["cycles"]) < 1e-12
    square = sum(omega[0][k] * omega[k][0] for k in range(6))
    assert abs(square - omega[0][0]) < 1e-12
    assert facts["edges"][0]["state"] == "x1.s"
    assert facts["bridges"] == [5]


def test_the_case_file_is_the_network(deck: Path, tmp_path: Path) -> None:
    case = tmp_path / "bridge.case.toml"
    assert main(["read", str(deck), "-o", str(case)]) == status.SUCCESS
    found = recognise_circuit(read_deck(deck)).network
    assert same_parameters(load_case(case).network, found)
    assert load_case(case).stop == 0.5


def test_its_own_circuit_agrees(deck: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(deck), "--validate", "--tolerance", "1e-4", "--quiet"]) == status.AGREES
    out = capsys.readouterr().out
    assert "the deck as written: off by" in out
    assert "the deck's circuit, with small steps: AGREES" in out
    assert "the network found in it: AGREES" in out


LOOSE = BRIDGE.replace(".tran 1m 0.5", ".options reltol=0.1\n.tran 0.1 0.5")


def test_a_deck_with_loose_options_fails_as_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its circuit is right; what its user gets from it is not."""
    path = tmp_path / "loose.cir"
    path.write_text(LOOSE, encoding="utf-8")
    assert main(["read", str(path), "--validate", "--tolerance", "1e-4", "--quiet", "--json"]) == status.DISAGREES
    facts = json.loads(capsys.readouterr().out)
    assert facts["as_written"]["passes"] is False
    assert facts["as_written"]["error"] > 1e-4
    assert {v["outcome"] for v in facts["verdicts"].values()} == {"agrees"}


def test_a_deck_of_another_language_is_not_run_as_written() -> None:
    deck = replace(read_deck(BRIDGE), dialect="ltspice")
    written = run_as_written(deck)
    assert written.passes is None
    assert "ltspice" in str(written)


def test_it_is_the_decks_own_elements_that_run() -> None:
    """A deck whose resistor is not the one of the network it is said to be."""
    found = recognise_circuit(read_deck(BRIDGE))
    other = read_deck(BRIDGE.replace("R5 a b 300", "R5 a b 300\nR7 top a 500"))
    assert validate_deck(other, found, tolerance=1e-4).outcome is Outcome.DISAGREES


def test_initial_values_of_capacitors_count_under_uic_from_plus_to_minus() -> None:
    """IC= before .ic, as ngspice has it (its first row: 0.4), and the deck's own circuit starts there too."""
    start = "C1 0 s 1 IC=-0.4\n.ic v(s)=0.7"
    text = BRIDGE.replace("C1 s 0 1\n.ic v(s)=0.5", start).replace(".tran 1m 0.5", ".tran 1m 0.1 uic")
    found = recognise_circuit(read_deck(text))
    assert found.network.initial_state[found.network.stateful] == pytest.approx(0.4)
    assert validate_deck(read_deck(text), found, tolerance=1e-4).outcome is Outcome.AGREES


def test_no_network_is_bad_input_and_located(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "coil.cir"
    path.write_text("coil\nV1 a 0 1\nL1 a 0 1m\n.tran 1m 1\n.end\n", encoding="utf-8")
    assert main(["read", str(path)]) == status.BAD_INPUT
    err = capsys.readouterr().err
    assert "coil.cir:3:1: not a memristive network: L1 starts from the operating point" in err


def test_validate_needs_a_transient(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "still.cir"
    path.write_text(BRIDGE.replace(".tran 1m 0.5\n", ""), encoding="utf-8")
    assert main(["read", str(path)]) == status.SUCCESS
    assert main(["read", str(path), "--validate", "--quiet"]) == status.BAD_INPUT
    assert ".tran" in capsys.readouterr().err
