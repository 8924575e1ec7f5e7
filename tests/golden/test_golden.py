"""The kept decks are what the program writes now, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netlists.conformance_deck import checks, conformance_files
from netlists.golden import CASES, HERE, KEPT, golden_decks
from spicebridge.case.case import load_case
from spicebridge.circuit.dialects import dialect_names, get_dialect
from spicebridge.circuit.engines import Job, Status, get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.circuit.reader import read_deck
from spicebridge.verify.deck_step import deck_step

FILES = dict([*golden_decks(), *conformance_files()])
REMEDY = "if the change is meant, run `python -m netlists.regenerate` and read the difference"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HERE)))
def test_kept_files_are_what_is_written_now(path: Path) -> None:
    assert path.exists(), f"{path} is missing; {REMEDY}"
    assert path.read_bytes().decode("utf-8") == FILES[path], REMEDY


def test_nothing_is_kept_that_is_no_longer_written() -> None:
    kept = {p for name in (*KEPT, "conformance") for p in (HERE / name).iterdir() if p.is_file()}
    assert kept == set(FILES), REMEDY


def test_every_case_has_every_dialect_and_says_what_it_is() -> None:
    for name in KEPT:
        assert len(list((HERE / name).iterdir())) == len(dialect_names())
        for path in (HERE / name).iterdir():
            head = path.read_text(encoding="utf-8").splitlines()[:6]
            assert all(line.startswith(("*", "//")) for line in head[:4]), path
            assert any("units:" in line for line in head), path


def test_one_commented_line_per_edge_names_its_nodes_and_its_state() -> None:
    for path, text in FILES.items():
        if path.parent.name != "k4":
            continue
        edges = [line for line in text.splitlines() if " edge " in line and ", state w" in line]
        assert len(edges) == 6, path
        assert all(" -> " in line for line in edges), path


def test_decks_are_ascii_and_end_in_one_line_end() -> None:
    for path, text in FILES.items():
        assert text.isascii(), path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert "\r" not in text, path


@pytest.mark.parametrize("name", ["k4", "prism_ringing", "loop_matrix", "window_joglekar"])
def test_readable_fast_and_read_back_are_one_circuit(name: str) -> None:
    case = load_case(CASES / f"{name}.case.toml")
    step = deck_step(case.network, case.stop, case.tolerance).step
    states = tuple(f"v(w{k})" for k in range(case.network.n_edges))
    ngspice = get_dialect("ngspice")
    text = (HERE / name / "ltspice.cir").read_text(encoding="utf-8")
    back = read_deck(text, dialect="ltspice")
    back = replace(back, options=tuple(o for o in back.options if o[0] not in ("plotwinsize", "numdgt")))
    texts = [
        (HERE / name / "ngspice.cir").read_text(encoding="utf-8"),
        ngspice.format_deck(lower(case.network, case.stop, step, form="fast").deck),
        ngspice.format_deck(back),
    ]
    ends = []
    for deck in texts:
        record = get_engine("ngspice").run(Job(text=deck, vectors=states, stop=case.stop))
        assert record.status is Status.COMPLETE, record.reason
        ends.append(record.data[-1])
    # The forms differ by Newton's own tolerance; a wrong sign or factor anywhere moves a state by 1e-2.
    np.testing.assert_allclose(ends[1], ends[0], rtol=0.0, atol=1e-9)
    np.testing.assert_array_equal(ends[2], ends[0])


def test_the_conformance_table_lists_every_check() -> None:
    text = (HERE / "conformance" / "README.md").read_text(encoding="utf-8")
    for check in checks():
        assert f"| `{check.node}` |" in text
