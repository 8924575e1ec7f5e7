"""A validation as Markdown, JSON and HTML; folders complete or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from spicebridge.lab.measure.validation_summary import MEANINGS, THREE_WORDS, Facts, TextTable
from spicebridge.report.plots import Plot
from spicebridge.report.wording import WORDS
from spicebridge.report.writer import check_folder, replacing_folder

RECORD, FORMAT = "validation.json", "spicebridge.validation/2"
PAGE, TEXT = "report.html", "report.md"


def record(facts: Facts) -> dict[str, object]:
    """The content of ``validation.json`` but for its list of files."""
    r = facts.result
    out: dict[str, object] = {"format": FORMAT, "kind": "validation", "title": facts.title}
    out |= {
        name: getattr(r, name)
        for name in ("reason", "error", "uncertainty", "tolerance", "trigger", "clock", "stop", "resolve")
    }
    out["outcome"] = r.outcome.value
    out["instrument"] = asdict(r.instrument)
    channels = []
    for c in r.channels:
        row = {name: getattr(c, name) for name in c.__dataclass_fields__ if name not in ("curve", "signal")}
        keys = ("time_s", "measured", "expected", "residual", "uncertainty")
        blocks = dict(zip(keys, c.curve.tolist(), strict=True))
        channels.append(row | {"signal": asdict(c.signal), "blocks": blocks})
    out["channels"] = channels
    for name in ("parts", "inferred"):
        out[name] = [asdict(x) for x in getattr(r, name)]
    for name in ("at_limit", "blind", "unsigned", "explanations"):
        out[name] = list(getattr(r, name))
    return out


def format_json(facts: Facts, files: tuple[str, ...] = ()) -> str:
    """One JSON object."""
    content = record(facts) | ({"files": list(files)} if files else {})
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def format_markdown(facts: Facts) -> str:
    """One page."""
    r = facts.result
    lines = [f"# {facts.title}: validation", "", f"**{r.outcome.value.upper()}**: {r.reason}.", ""]
    lines += [f"- {row.label}: {row.value} ({row.meaning})" for row in facts.tiles]
    if facts.notes:
        lines += ["", f"## {facts.notes_title}", "", *(f"- {note}" for note in facts.notes)]
    for table in facts.tables:
        if not table.folded:
            lines += ["", f"## {table.title}", "", table.lead, "", *_grid(table)]
    return "\n".join(lines) + "\n"


def _grid(table: TextTable) -> list[str]:
    head = "| " + " | ".join(table.head) + " |"
    rule = "|" + "---|" * len(table.head)
    return [head, rule, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table.rows)]


def draw(facts: Facts) -> tuple[Plot, ...]:
    """Channels and inferred states."""
    from spicebridge.lab.measure.validation_plot import channels_figure, states_figure
    from spicebridge.report.plots import render_all

    return render_all(
        [lambda: channels_figure(facts.result), lambda: states_figure(facts.network, facts.result.inferred)]
    )


def format_html(facts: Facts, plots: tuple[Plot, ...] | None = None) -> str:
    """A self-contained page in the look of the report of ``validate``."""
    from spicebridge.report.html import render
    from spicebridge.report.ruler import ruler_of

    r = facts.result
    return render(
        "validation.html",
        title=facts.title,
        learn=facts.learn,
        word=WORDS[r.outcome],
        meaning=MEANINGS[r.outcome],
        reason=r.reason,
        setting=facts.setting,
        ruler=ruler_of(r.error, r.uncertainty, r.tolerance),
        tiles=facts.tiles,
        notes_title=facts.notes_title,
        notes=facts.notes,
        tables=facts.tables,
        plots=draw(facts) if plots is None else plots,
        three_words=THREE_WORDS,
    )


def check_out(folder: str | Path) -> None:
    """Refuse a folder that holds anything but an earlier validation."""
    check_folder(folder, RECORD, FORMAT)


def write_validation(folder: str | Path, facts: Facts) -> tuple[str, ...]:
    """validation.json, report.html, report.md and the pictures. Raises `OutputError`."""
    check_out(folder)
    plots = draw(facts)
    files = tuple(sorted([RECORD, PAGE, TEXT, *(f"{plot.name}.svg" for plot in plots)]))
    texts = {RECORD: format_json(facts, files), PAGE: format_html(facts, plots), TEXT: format_markdown(facts)}
    with replacing_folder(Path(folder).resolve()) as stage:
        for name, text in texts.items():
            (stage / name).write_text(text, encoding="utf-8", newline="\n")
        for plot in plots:
            (stage / f"{plot.name}.svg").write_text(plot.file, encoding="utf-8", newline="\n")
    return files
