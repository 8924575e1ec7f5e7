"""A verdict as plain text for a terminal or a log."""

from __future__ import annotations

import textwrap

from spicebridge.report.summary import Report
from spicebridge.report.wording import WORDS, one_line

WIDTH = 88


def format_text(report: Report, width: int = WIDTH) -> str:
    """Title, verdict, the key numbers, every signal, the ladder and the invariants; no line longer than `width`."""
    v = report.verdict
    lines = _wrapped(one_line(report.title), width)
    if report.learn:
        lines += _wrapped(one_line(report.learn), width, "  ")
    word = WORDS[v.outcome]
    lines += ["", f"{v.outcome.value.upper()}  {word.mark}"]
    lines += _wrapped(one_line(v.reason), width, "  ")
    if report.expectation:
        lines += _wrapped(report.expectation, width, "  ")
    lines.append("")
    for row in report.key_numbers:
        lines += _row(row.label, row.value, width)
    for pair, says in report.judge_pairs:
        lines += _row("judges", f"{pair} {says}", width)
    for name, outcome, E, U, order, where, _ in report.signals:
        lines += _row(name, f"{outcome}: E {E}, U {U}, order {order}, {where}", width)
    for pair, E, U, words in report.trial:
        lines += _row(pair, f"{words}: E {E}, U {U}", width)
    if report.odd_one_out:
        lines += _row("who is alone", report.odd_one_out, width)
    for sentence in report.diagnosis:
        lines += _row("diagnosis", one_line(sentence), width)
    if report.rungs:
        lines += _row("ladder", ", ".join(f"{step}: {error}" for step, _, error, _ in report.rungs), width)
    if report.conservation:
        found = ", ".join(f"{row.label} {row.value}" for row in report.conservation)
        lines += _row("residuals", found, width)
        lines += _row("states", report.state_range, width)
    if v.screen:
        lines += _row("screen", one_line(v.screen), width)
    if report.setting:
        lines += _row("setting", ", ".join(report.setting), width)
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    wide = max(width, len(indent) + 20)
    return textwrap.wrap(text, wide, initial_indent=indent, subsequent_indent=indent) or [""]


def _row(label: str, value: str, width: int) -> list[str]:
    head = f"  {label:<16}"
    return textwrap.wrap(one_line(value), max(width, 40), initial_indent=head, subsequent_indent=" " * len(head)) or [
        head
    ]
