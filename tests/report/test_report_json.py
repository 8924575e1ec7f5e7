"""JSON is strict, and every number in it is the number of the verdict."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spicebridge.report.json import format_json, plain, record


def strict(text):
    """Parse, and fail on the tokens NaN and Infinity that Python lets pass."""

    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    return json.loads(text, parse_constant=refuse)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def expected(value):
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [expected(entry) for entry in value]
    if isinstance(value, dict):
        return {key: expected(entry) for key, entry in value.items()}
    return value


@given(values)
def test_json_is_strict_and_keeps_every_finite_number(value):
    assert strict(format_json(value)) == expected(value)
    assert format_json(value).isascii()


def test_numpy_becomes_plain():
    made = plain({"a": np.float64(math.inf), "b": np.arange(2), "c": (np.bool_(True), np.int64(3))})
    assert made == {"a": None, "b": [0, 1], "c": [True, 3]}
    assert type(made["c"][1]) is int


def test_the_record_holds_the_contract(make_report):
    report = make_report("agrees", error=1e-6, U=3e-6)
    row = strict(format_json(record(report)))
    assert row["outcome"] == "agrees"
    assert (row["max_error"], row["uncertainty"], row["tolerance"]) == (1e-6, 3e-6, 1e-5)
    assert row["observed_order"] == 2.0
    assert row["reason"] == report.verdict.reason
    assert row["ladder"]["steps"] == [0.02, 0.01, 0.005]
    assert row["invariants"]["kvl"] == report.verdict.invariants.kvl
    assert row["network"]["edges"] == 3


def test_what_is_unknown_is_null(make_report):
    row = strict(format_json(record(make_report("unresolved", waves=False))))
    assert row["outcome"] == "unresolved"
    names = ("max_error", "uncertainty", "observed_order", "ladder", "invariants", "worst_edge")
    assert [row[name] for name in names] == [None] * len(names)


@pytest.mark.parametrize(("outcome", "expect", "met"), [("agrees", "agrees", True), ("agrees", "disagrees", False),
                                                         ("disagrees", "disagrees", True)])  # fmt: skip
def test_expectations_are_judged(make_report, outcome, expect, met):
    assert record(make_report(outcome, expect=expect))["as_expected"] is met
