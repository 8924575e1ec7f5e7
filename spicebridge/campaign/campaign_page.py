"""A sweep as one self-contained HTML page, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spicebridge.campaign.campaign_pictures import Picture, draw
from spicebridge.campaign.campaign_summary import FAILED, ORDER, Sweep, coordinates, verdict
from spicebridge.errors import OutputError
from spicebridge.report.html import render
from spicebridge.report.json import format_json
from spicebridge.report.markdown import escape, fenced, table
from spicebridge.report.wording import WORDS, format_number
from spicebridge.waveforms import replacing

PAGE, TWIN, DATA = "report.html", "report.md", "results.json"

MOST_ROWS = 1000
"""Points in the tables of the page and of the Markdown, the ones to look at first; the JSON has all."""


def format_html(sweep: Sweep, pictures: Sequence[Picture] | None = None) -> str:
    """The page; pictures are drawn unless given."""
    words = {outcome.value: (word.mark, word.colour, word.tint) for outcome, word in WORDS.items()}
    return render(
        "campaign.html",
        title=sweep.campaign.title,
        learn=sweep.campaign.what,
        sweep=sweep,
        campaign=sweep.campaign,
        rows=sweep.by_verdict[:MOST_ROWS],
        failures=[row for row in sweep.by_verdict if verdict(row) == FAILED][:MOST_ROWS],
        pictures=draw(sweep) if pictures is None else pictures,
        words={**words, FAILED: ("!", "#7a1010", "#f3e3e3")},
        order=ORDER,
        verdict=verdict,
        where=lambda row: coordinates(row, sweep.kinds),
    )


def format_markdown(sweep: Sweep) -> str:
    """Summary, points by verdict, failures and provenance; no pictures."""
    parts = [f"# {escape(sweep.campaign.title)}"]
    if sweep.campaign.what:
        parts.append(escape(sweep.campaign.what))
    parts.append(f"{escape(sweep.summary)}.")
    keys = list(sweep.kinds)
    shown = [row for row in sweep.by_verdict if verdict(row) != FAILED][:MOST_ROWS]
    if shown:
        head = (*keys, "verdict", "E", "U", "order", "edges", "time")
        parts.append(table(head, [_cells(row, keys) for row in shown]))
    failures = [row for row in sweep.by_verdict if verdict(row) == FAILED][:MOST_ROWS]
    if failures:
        parts += ["## Failed", table(("point", "why"), [(coordinates(r, sweep.kinds), r["reason"]) for r in failures])]
    parts += ["## Provenance", table(("", "value"), sweep.provenance), "## Campaign", fenced(sweep.campaign.text)]
    return "\n\n".join(parts) + "\n"


def _cells(row: dict[str, object], keys: Sequence[str]) -> tuple[str, ...]:
    order, spent = row["observed_order"], row["wall_time"]
    return (
        *(_text(row[key]) for key in keys),
        verdict(row),
        *(_text(row[name]) for name in ("max_error", "uncertainty")),
        f"{order:.2f}" if isinstance(order, float) else "",
        str(row["edges"]),
        f"{spent:.2f} s",
    )


def _text(value: object) -> str:
    return format_number(value) if isinstance(value, float) else "" if value is None else str(value)


def write_report(sweep: Sweep) -> Path:
    """Write page, Markdown and JSON into the folder of the results; the path of the page. Raises `OutputError`."""
    if not sweep.folder.is_dir():
        raise OutputError(f"{sweep.folder}: there are no results yet; run the campaign first")
    texts = {DATA: format_json(sweep.record()), TWIN: format_markdown(sweep), PAGE: format_html(sweep)}
    for name, text in texts.items():
        with replacing(sweep.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return sweep.folder / PAGE
