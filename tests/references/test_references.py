"""Every reference of others holds in every branch, its tolerance is worth something, and the page says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from references import qucs, xyce
from references.scorecard import PAGE, REFERENCES, format_page

RUN = [(ref, branch) for ref in REFERENCES if ref.measure is not None for branch in ref.branches]


@pytest.mark.parametrize(("reference", "branch"), RUN, ids=[f"{ref.name}-{branch}" for ref, branch in RUN])
def test_reference(reference, branch):
    errors = reference.measure(branch)
    assert all(np.isfinite(list(errors.values())))
    assert reference.holds(errors), errors


def test_the_page_is_of_these_references():
    """Measured figures differ between machines; everything else on the page is what is written here."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found = {cells[0]: cells for line in lines if line.startswith("| ") and (cells := line.strip("| ").split(" | "))}
    assert [name for name in found if name != "reference"] == [ref.name for ref in REFERENCES]
    for ref in REFERENCES:
        outcome = "skipped" if ref.measure is None else "refuted" if ref.refuted else "passes"
        text = "|".join(found[ref.name])
        assert ref.what in text
        assert ref.source in text
        assert ref.note in text
        assert outcome in found[ref.name]
    assert format_page([])
    assert "FAILS" not in PAGE.read_text(encoding="utf-8")


def test_a_reference_that_does_not_hold_is_seen():
    first = REFERENCES[0]
    assert not first.holds({"i": 0.0, "x": 1.1e-2, "R": 0.0})
    assert not first.holds({"i": np.nan, "x": 0.0, "R": 0.0})
    assert not replace(first, refuted=True).holds({"i": 0.0, "x": 0.0, "R": 0.0})


@pytest.mark.parametrize("changes", [{"v_n": -1.0}, {"c_2": 500.0}, {"d_2": 4.82}, {"i_1": 9e-5, "i_2": 85e-6}])
def test_what_the_tolerances_of_xyce_are_worth(changes):
    """The guide's V < -VN for the code's V <= VN, a rate, a sign, an amplitude."""
    up, down = xyce.tables("csv")
    errors = xyce.errors(xyce.circuit(up, down, 0.0, **changes), xyce.stored("PEM1"), "circuit")
    assert not REFERENCES[0].holds(errors), errors


def test_what_the_tolerance_of_qucs_is_worth():
    bar = qucs.cases()["5x4-b-1"]
    assert qucs.error(bar, "nodal") < qucs.ALLOWED
    off = bar.R.copy()
    off[2, 1] *= 1 + 1e-6
    assert qucs.error(replace(bar, R=off), "nodal") > qucs.ALLOWED
    assert qucs.error(replace(bar, bit=bar.bit * (1 + 1e-6)), "nodal") > qucs.ALLOWED


def test_the_crossbars_hold_zero_and_infinite_elements():
    bars = qucs.cases()
    assert len(bars) == 33
    assert any(np.isinf(bar.R).any() for bar in bars.values())
    assert any(bar.word == 0.0 for bar in bars.values())
