"""The atlas: every claim with its measurement on one self-contained page, and as a Markdown twin.

Everything on the page is escaped; pictures are embedded; the only script is the filter of the table,
allowed by its hash.
"""

from __future__ import annotations

import math
import os
import platform
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from spicebridge import __version__
from spicebridge.atlas.record_store import Record
from spicebridge.errors import OutputError
from spicebridge.report.html import page_environment, page_script, scientific
from spicebridge.report.wording import one_line
from spicebridge.waveforms import replacing

if TYPE_CHECKING:
    from jinja2 import Environment


PAGE, TWIN = "atlas.html", "RESULTS.md"

VERDICTS = {
    "confirmed": ("✓", "#00614a", "#e3f3ee", "the statement holds on the circuit"),
    "refuted": ("✗", "#0063a0", "#e6f1f8", "the printed statement is refuted, the corrected one confirmed"),
    "unresolved": ("?", "#4a4a68", "#ededf5", "the uncertainty is too large to tell"),
    "contradicted": ("≠", "#a03a00", "#fdeee2", "the circuit contradicts what was expected"),
}
"""Mark, colour, tint and meaning of every verdict; never shown by colour alone."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """How the records came about; times in s, `measured` of the records new in this run.

    `processor_time` is that of this process and of all that it started, simulators included.
    """

    quick: bool
    seed: int
    jobs: int
    wall_time: float
    measured: int
    simulator: str
    processor_time: float = 0.0
    case: str | None = None

    def facts(self, records: Sequence[Record]) -> list[tuple[str, str]]:
        """Name and value of everything that a reader needs to do it again."""
        spent = sum(float(record["wall_time"]) for record in records)
        share = self.processor_time / max(self.wall_time * (os.cpu_count() or 1), 1e-9)
        used = f"{100 * share:.0f} % of what the cores had"
        note = "" if self.measured == len(records) else f", {len(records) - self.measured} kept from earlier runs"
        libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "scipy"))
        return [
            ("command", " ".join(["spicebridge atlas", *filter(None, [self.case, "--quick" if self.quick else ""])])),
            ("spicebridge", __version__),
            ("simulator", self.simulator),
            ("Python", f"{platform.python_version()}, {libraries}"),
            ("seed", f"{self.seed} (seeds of random circuits stand beside each claim)"),
            ("claims", f"{len(records)}, {self.measured} measured in this run{note}"),
            ("wall time", f"{self.wall_time:.0f} s in {self.jobs} processes on {os.cpu_count()} cores"),
            ("processor time", f"{self.processor_time:.0f} s, simulators included: {used}"),
            ("measuring time", f"{spent:.0f} s summed over the claims, mutants included"),
        ]


def number(value: float | None, digits: int = 3) -> str:
    """A number for the table; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}g}"


def with_uncertainty(finding: Record) -> str:
    """'7.38275 ± 1e-4': as many digits as the uncertainty leaves."""
    value, U = finding["measured"], finding["uncertainty"]
    if value is None or U is None:
        return "–"
    if U == 0.0:
        return number(value, 6)
    if value == 0.0 or abs(value) <= U:
        return f"{value:.1e} ± {U:.1e}" if value else f"0 ± {U:.1e}"
    digits = min(10, max(2, math.ceil(math.log10(abs(value) / U)) + 1))
    return f"{value:.{digits}g} ± {U:.1g}"


def headlines(record: Record) -> list[Record]:
    """The findings of a record's row: the first, and before it the first against the printed statement."""
    against = [finding for finding in record["findings"] if finding["printed"]]
    exact = [finding for finding in record["findings"] if not finding["printed"]]
    return against[:1] + exact[:1]


def summary(records: Sequence[Record]) -> str:
    """One sentence about all of them."""
    count = Counter(record["verdict"] for record in records)
    parts = [f"{count[name]} {name}" for name in VERDICTS if count[name]]
    wrong = sum(not record["as_expected"] for record in records)
    missed = sum(record["mutant_caught"] is False for record in records)
    text = f"{len(records)} {'claim' if len(records) == 1 else 'claims'}: {', '.join(parts)}"
    text += ", all as expected" if wrong == 0 else f", {wrong} NOT as expected"
    if all(record["mutant_caught"] is None for record in records):
        return f"{text}; mutants were not tried"
    return text + ("; every mutant turns its verdict" if missed == 0 else f"; {missed} mutants are NOT caught")


def format_page(records: Sequence[Record], run: Run) -> str:
    """The HTML page."""
    from spicebridge.atlas.picture import draw

    pictures = {
        record["identifier"]: draw(record["panels"], record["identifier"], record["title"])
        for record in records
        if record["panels"]
    }
    template = _environment().get_template("atlas.html")
    return template.render(
        title="Atlas of memristive networks",
        learn=f"{summary(records)}.",
        records=records,
        verdicts=VERDICTS,
        counts=Counter(record["verdict"] for record in records),
        papers=Counter(record["paper"] for record in records),
        pictures=pictures,
        facts=run.facts(records),
        **page_script("atlas.js"),
        version=__version__,
    )


_MARKDOWN = re.compile(r"([\\`*_<>|\[\]])")


def _cell(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", one_line(text))


def format_twin(records: Sequence[Record], run: Run) -> str:
    """The same results as Markdown: one table, then the findings of every claim."""
    lines = [
        "# The atlas: every claim of the two papers, judged on the circuit",
        "",
        f"{summary(records)}.",
        "",
        "Regenerate with `make atlas`. Every number comes from SPICE waveforms",
        "unless a claim is about an ensemble; U is the numerical uncertainty from refinement, or half of a",
        "95 % interval over seeds for ensembles. A printed statement is refuted only by at least ten times U.",
        *("", "| | |", "|---|---|"),
        *(f"| {_cell(name)} | {_cell(value)} |" for name, value in run.facts(records)),
        *("", "| claim | what | printed | status | measured | bar | verdict | mutant |", "|---" * 8 + "|"),
    ]
    for record in records:
        shown = headlines(record)
        words = ["printed: " if len(shown) > 1 else "", "exact: "]
        measured = "; ".join(word + with_uncertainty(f) for word, f in zip(words, shown, strict=False)) or "–"
        bar = "; ".join(f["rule"] for f in shown) or "–"
        mutant = {True: "caught", False: "NOT CAUGHT", None: "–"}[record["mutant_caught"]]
        mark = "" if record["as_expected"] else " (NOT AS EXPECTED)"
        what = f"{record['identifier']} | {_cell(record['title'])} | {_cell(record['printed'])}"
        found = f"{_cell(measured)} | {_cell(bar)} | {record['verdict']}{mark} | {mutant}"
        lines.append(f"| {what} | {record['status_text']} | {found} |")
    lines += ["", "## Evidence", ""]
    for record in records:
        lines += _evidence(record)
    return "\n".join(lines).rstrip() + "\n"


def _evidence(record: Record) -> list[str]:
    lines = [f"### {record['identifier']}: {_cell(record['title'])}", ""]
    lines += [f"- printed: {_cell(record['printed'])}", f"- exact: {_cell(record['exact'])}"]
    lines += [f"- circuits: {_cell(record['circuits'])}"]
    lines += [f"- mutant: {_cell(record['mutant'])} ({record['mutant_verdict'] or 'not tried'})"]
    if record["problem"]:
        lines.append(f"- problem: {_cell(record['problem'])}")
    for finding in record["findings"]:
        kind = "against the printed statement: " if finding["printed"] else ""
        mark = "" if finding["passed"] and finding["resolved"] else " **missed**"
        text = f"{kind}{finding['what']}: {with_uncertainty(finding)}, bar {finding['rule']}"
        lines.append(f"- {_cell(text)}{mark}")
    for name, value in record["numbers"].items():
        lines.append(f"- {_cell(name)}: {_cell(value if isinstance(value, str) else number(value, 6))}")
    if record["note"]:
        lines.append(f"- {_cell(record['note'])}")
    return [*lines, ""]


def write_atlas(folder: str | Path, records: Sequence[Record], run: Run, *, twin: str | Path | None = None) -> Path:
    """Write the page and its twin into `folder`, and the twin to `twin` as well; return the page's path.

    Raises `OutputError`.
    """
    place = Path(folder)
    text = format_twin(records, run)
    targets = [(place / PAGE, format_page(records, run)), (place / TWIN, text)]
    if twin is not None:
        targets.append((Path(twin), text))
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{place}: cannot hold the atlas: {error.strerror or error}") from None
    for target, content in targets:
        with replacing(target) as temporary:
            temporary.write_text(content, encoding="utf-8", newline="\n")
    return place / PAGE


@cache
def _environment() -> Environment:
    filters: list[Callable[..., object]] = [headlines, number, one_line, scientific]
    return page_environment({"measured": with_uncertainty} | {filter_.__name__: filter_ for filter_ in filters})
