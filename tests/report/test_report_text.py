"""Text and Markdown: every number is there, lines fit, and text of strangers stays text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spicebridge.report.markdown import escape, fenced, format_markdown, table
from spicebridge.report.plain_text import format_text
from spicebridge.report.wording import (
    WORDS,
    format_number,
    format_ratio,
    format_seconds,
    one_line,
    printable,
    three_words,
)
from spicebridge.verify import Outcome


@pytest.mark.parametrize("outcome", ["agrees", "disagrees", "unresolved"])
@pytest.mark.parametrize("form", [format_text, format_markdown])
def test_verdict_numbers_and_reason_are_there(make_report, form, outcome):
    shown = form(make_report(outcome)).replace("\\", "")
    for part in (outcome.upper(), "because of 1.5e-06", "1e-06", "3e-06", "1e-05", "2.00", "edge 0-1", "20 ms"):
        assert part in shown


@pytest.mark.parametrize("form", [format_text, format_markdown])
def test_unknown_numbers_say_so(make_report, form):
    shown = form(make_report("unresolved", waves=False, reason="it hung"))
    assert shown.count("unknown") >= 3
    assert "it hung" in shown
    assert not re.search(r"\bnan\b", shown.lower())


@pytest.mark.parametrize("width", [40, 60, 88, 120])
def test_no_line_is_wider_than_asked(make_report, width):
    report = make_report(title="word " * 60, learn="another " * 80, reason="why " * 100)
    assert max(map(len, format_text(report, width).splitlines())) <= width


def test_a_control_case_says_so(make_report):
    assert "control case" in format_text(make_report("disagrees", expect="disagrees"))
    assert "but it did not" in " ".join(format_text(make_report("agrees", expect="disagrees")).split())
    assert "control case" not in format_text(make_report("agrees"))


@pytest.mark.parametrize("sign", "\x00\x07\x1b\x7f\x9b\u2028\u2029\u202e\u2066\ud800\udfff")
def test_signs_that_steer_are_replaced(sign):
    assert printable(f"a{sign}b") == one_line(f"a{sign}b") == "a\ufffdb"


@given(st.text())
def test_nothing_printable_can_steer_a_terminal(text):
    shown = printable(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", shown)
    assert "\n" not in one_line(text)
    if text.isascii() and text.isprintable():
        assert shown == text


@given(st.text(alphabet="`~a\n", max_size=40))
def test_a_fence_is_longer_than_any_inside(text):
    head, *_, tail = fenced(text).splitlines()
    assert set(tail) == {"`"}
    assert head == tail + "text"
    assert all(len(run) < len(tail) for run in re.findall("`+", text))


@given(st.lists(st.text(alphabet="a|\\*_<>`\n ", max_size=8), min_size=1, max_size=4))
def test_a_row_has_as_many_cells_as_were_given(cells):
    *_, row = table(["x"] * len(cells), [cells]).splitlines()
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == len(cells) + 1


def test_markdown_keeps_html_out(make_report):
    shown = format_markdown(make_report(title="<script>x</script>", learn="[a](javascript:b)"))
    assert "<script" not in shown.replace("\\<", "")
    assert escape("[a](b)") == r"\[a\]\(b\)"


def test_the_three_words_are_kept_apart(make_verdict):
    names = [(name, here) for name, _, here in three_words(make_verdict())]
    assert names == [("Code verification", False), ("Solution verification", True), ("Validation", False)]
    assert "3e-06" in three_words(make_verdict(U=3e-6))[1][1]
    assert "without success" in three_words(make_verdict(waves=False))[1][1]
    assert "is not the 2" in three_words(make_verdict(observed_order=1.1))[0][1]


def test_outcomes_differ_in_more_than_colour():
    assert {word.outcome for word in WORDS.values()} == set(Outcome)
    for field in ("mark", "colour", "meaning"):
        assert len({getattr(word, field) for word in WORDS.values()}) == len(WORDS)


def test_numbers_are_short_and_never_nan():
    assert [format_number(x) for x in (9.7734e-7, 1e-4, 0.0234, 0.0, float("nan"), None)] == [
        "9.77e-07",
        "1e-04",
        "0.0234",
        "0",
        "unknown",
        "unknown",
    ]
    assert [format_ratio(x) for x in (0.0, 1.84e-15, float("inf"))] == ["0", "1.8e-15", "unknown"]


def test_seconds_have_prefixes():
    assert [format_seconds(x) for x in (0.0125, 2.0, 2e-6, float("nan"))] == ["12.5 ms", "2 s", "2 µs", "unknown"]
