"""A verdict as Markdown, for a pull request or a lab book."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from spicebridge.report.summary import Report
from spicebridge.report.wording import WORDS, one_line, printable, three_words

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&$^])")


def format_markdown(report: Report) -> str:
    """The whole report but plots and waveforms; text of strangers is escaped."""
    v = report.verdict
    word = WORDS[v.outcome]
    parts = [f"# {escape(report.title)}"]
    if report.learn:
        parts.append(escape(report.learn))
    parts.append(f"**{v.outcome.value.upper()} {word.mark}** {escape(v.reason)}")
    if report.expectation:
        parts.append(report.expectation)
    parts.append(table(("", "value", "meaning"), [(r.label, r.value, r.meaning) for r in report.key_numbers]))
    if report.judges:
        parts.append("## Between judges")
        parts.append(table(("", *(row[0] for row in report.judges)), report.judges))
    if report.signals:
        parts.append("## Signals")
        parts.append(table(report.signals_header, report.signals))
    if report.trial:
        parts += ["## Your theory, ours and SPICE", table(report.trial_header, report.trial)]
        parts += [report.odd_one_out] if report.odd_one_out else []
        parts += ["\n".join(f"- {escape(sentence)}" for sentence in report.diagnosis)] if report.diagnosis else []
    if report.rungs:
        parts.append("## Refinement ladder")
        parts.append(table(("step", "steps", "E at that step", "change to the next"), report.rungs))
        extras = [*report.uncertainty_budget, *report.ladder_extras]
        parts.append(table(("", "value", "meaning"), [(r.label, r.value, r.meaning) for r in extras]))
    if report.conservation:
        parts.append("## Invariants of the SPICE waveforms")
        rows = [(r.label, r.meaning, r.value) for r in report.conservation]
        parts.append(table(("law", "equation", "largest relative residual"), rows))
        parts.append(f"States cover {report.state_range}.")
    parts.append("## What this page is")
    parts.append("\n".join(f"- **{name}.** {escape(says)}" for name, says, _ in three_words(v)))
    if v.screen:
        parts += ["## Screen", escape(v.screen)]
    parts.append("## Provenance")
    parts.append(table(("", "value"), [(r.label, r.value) for r in report.provenance]))
    for title, text in (("Case", report.case_text), ("Deck", report.deck), ("Log", report.log)):
        if text:
            parts += [f"## {title}", fenced(text)]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """`text` on one line, with nothing that Markdown or HTML would act on."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells are escaped."""
    lines = [_line(header), _line(["---"] * len(header), escaped=True)]
    return "\n".join(lines + [_line(row) for row in rows])


def _line(cells: Sequence[str], *, escaped: bool = False) -> str:
    return "| " + " | ".join(cell if escaped else escape(cell) for cell in cells) + " |"


def fenced(text: str) -> str:
    """`text` as a block of code, with a fence longer than any run of backticks inside."""
    clean = printable(text).rstrip("\n")
    longest = max((len(run) for run in re.findall("`+", clean)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{clean}\n{fence}"
