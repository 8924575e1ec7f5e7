"""What a network is, as one self-contained page with pictures, and as JSON."""

from __future__ import annotations

from pathlib import Path

from spicebridge.analysis.findings_summary import LISTED, NetworkSummary
from spicebridge.analysis.pictures import draw
from spicebridge.errors import OutputError
from spicebridge.report.html import render
from spicebridge.report.json import format_json
from spicebridge.report.wording import WORDS
from spicebridge.waveforms import replacing

PAGE, DATA = "analysis.html", "analysis.json"


def format_page(summary: NetworkSummary) -> str:
    """The page."""
    points = summary.points
    return render(
        "analysis.html",
        title=summary.title,
        rows=summary.rows,
        points=[] if points is None else points[:LISTED],
        more=0 if points is None else max(0, len(points) - LISTED),
        note=summary.why_no_points if points is None else points.caveat,
        unsettled=0.0 if points is None else points.unsettled,
        labels=summary.analysis.network.edge_labels,
        confirmations=summary.confirmations,
        words={outcome.value: (word.mark, word.colour, word.tint) for outcome, word in WORDS.items()},
        plots=draw(summary),
    )


def write_analysis(folder: str | Path, summary: NetworkSummary) -> Path:
    """Write page and JSON into `folder`, which is made; the path of the page. Raises `OutputError`."""
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{place}: cannot be made: {error.strerror or error}") from None
    for name, text in {DATA: format_json(summary.record()), PAGE: format_page(summary)}.items():
        with replacing(place / name) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return place / PAGE
