"""A validation as Markdown, JSON and HTML: what it says, chosen once for all; folders complete or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from spicebridge.lab.design.builds import KINDS
from spicebridge.lab.design.reactances import QUANTITIES
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.measured import ChannelResult, Validation
from spicebridge.network import Network
from spicebridge.report.plots import Plot
from spicebridge.report.summary import Row
from spicebridge.report.wording import WORDS, format_number, format_seconds
from spicebridge.report.writer import check_folder, replacing_folder
from spicebridge.verify.verdict import Outcome

RECORD, FORMAT = "validation.json", "spicebridge.validation/2"
PAGE, TEXT = "report.html", "report.md"
MEANINGS = {
    Outcome.AGREES: "The measured circuit does what the equations say, within the uncertainty of the measurement.",
    Outcome.DISAGREES: "The measured circuit differs from the equations by more than calibration, parts and noise "
    "explain.",
    Outcome.UNRESOLVED: "The measurement is too uncertain, or sees too little, to say whether they agree.",
}
THREE_WORDS = (
    ("Code verification", "Not this page. That the programs converge to exact solutions their tests show.", False),
    (
        "Solution verification",
        "Not this page. How well circuit and equations agree in simulation the report of validate says.",
        False,
    ),
    (
        "Validation",
        "This page. Measured data of a real circuit, with their uncertainty, against the equations of the case.",
        True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """Rows of text under a `head`; a `folded` one is opened on demand."""

    title: str
    lead: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Facts:
    """A result with what the case says about itself, and what was given on the command line (`source`)."""

    title: str
    learn: str
    circuit: CircuitUnderTest
    result: Validation
    source: str = ""

    @property
    def network(self) -> Network:
        return self.circuit.network

    @property
    def setting(self) -> tuple[str, ...]:
        """A few words on what was compared."""
        count = len(self.result.channels)
        parts = (f"{count} {'channel' if count == 1 else 'channels'}", format_seconds(self.result.stop), self.source)
        return tuple(part for part in parts if part)

    @property
    def tiles(self) -> list[Row]:
        """The numbers on which the verdict rests."""
        r = self.result
        return [
            Row("E", percent(r.error), "largest residual of the worst channel, over its range"),
            Row("U", percent(r.uncertainty), "what can be explained there"),
            Row("tolerance", percent(r.tolerance), "largest U that resolves"),
            Row(
                "trigger offset",
                format_seconds(r.trigger),
                f"fitted, at most {format_seconds(r.instrument.trigger * r.stop)}",
            ),
            Row("clock error", f"{1e6 * r.clock:.3g} ppm", f"fitted, at most {1e6 * r.instrument.clock:.3g} ppm"),
        ]

    @property
    def notes_title(self) -> str:
        return "Where to look first" if self.result.outcome is Outcome.DISAGREES else "What this measurement cannot see"

    @property
    def notes(self) -> list[str]:
        """Explanations of a disagreement, or blind spots."""
        r, name = self.result, self.network.edge_name
        if r.outcome is Outcome.DISAGREES:
            if not r.explanations:
                return [
                    "No single part, channel or clock explains what was measured: look for several errors or wrong "
                    "wiring."
                ]
            return [f"{x[:1].upper()}{x[1:]} would explain it." for x in r.explanations]
        out = []
        if r.blind:
            out.append(f"A change of {100 * r.resolve:g} % would not be seen in: {', '.join(map(name, r.blind))}.")
        if r.unsigned:
            out.append(f"A memristor the wrong way round would not be seen in: {', '.join(map(name, r.unsigned))}.")
        return out

    def _limits(self) -> str:
        """Which bounds the fit ran into."""
        own = [x for x in self.result.at_limit if not x.startswith((*QUANTITIES.values(), *KINDS))]
        parts = len(self.result.at_limit) - len(own)
        text = f"At their limits: {', '.join(own)}." if own else "Nothing of it is at its limit."
        return text + (f" Of {len(self.result.parts)} errors of parts {parts} are at their limits." if parts else "")

    @property
    def tables(self) -> list[TextTable]:
        """Calibration, budget, inferred states, parts."""
        r = self.result
        tool = r.instrument
        calibration = TextTable(
            title="Fitted calibration",
            lead=f"Bounded by what was stated: gain ±{percent(tool.gain)}, offset "
            + (f"±{tool.volts:g} in the channel's unit. " if tool.volts else f"±{percent(tool.offset)} of the range. ")
            + self._limits(),
            head=("channel", "signal", "gain", "offset", "offset of range", "samples lost", "clipped", "spikes"),
            rows=tuple(
                (
                    c.column,
                    signal_name(c),
                    f"{c.gain:.5f}",
                    f"{c.offset:.3g}",
                    percent(c.offset / c.range),
                    str(c.lost),
                    str(c.clipped),
                    str(c.spikes),
                )
                for c in r.channels
            ),
        )
        budget = TextTable(
            title="What U is made of",
            lead="Half-widths at the worst block of every channel, relative to its range: noise averaged over the "
            "block, what quantisation may leave of its mean unless noise dithers it, and what the built circuit is "
            "known to differ by.",
            head=("channel", "noise", "quantisation", "circuit", "U", "E", "range"),
            rows=tuple(
                (
                    c.column,
                    *map(percent, (c.random, c.resolution, c.circuit, c.uncertainty, c.error)),
                    f"{c.range:.3g}",
                )
                for c in r.channels
            ),
        )  # fmt: skip
        out = [calibration, budget]
        if r.inferred:
            rows = tuple(
                (
                    self.network.edge_name(x.edge),
                    format_number(x.difference),
                    format_number(x.uncertainty),
                    str(len(x.times)),
                )
                for x in r.inferred
            )
            head = ("edge", "largest difference to the theory", "uncertainty there", "blocks")
            out.append(
                TextTable(
                    title="States inferred from v and i",
                    lead="From R = v/i where the current is not small.",
                    head=head,
                    rows=rows,
                )
            )
        if r.parts:
            rows = tuple(
                (f"{p.what} of {self.network.edge_name(p.edge)}", *_part(p.what, p.value, p.limit)) for p in r.parts
            )
            head = ("part", "fitted", "limit", "of its limit")
            out.append(
                TextTable(
                    title="Fitted parts",
                    lead="what the fit made of every part within its limit",
                    head=head,
                    rows=rows,
                    folded=True,
                )
            )
        return out


def signal_name(channel: ChannelResult) -> str:
    """``i[3]*82.5``."""
    s = channel.signal
    return f"{s.kind}[{s.name}]" + (f"*{s.factor:g}" if s.factor != 1.0 else "")


def percent(value: float) -> str:
    """Three digits."""
    return f"{100.0 * value:.3g} %"


def _part(what: str, value: float, limit: float) -> tuple[str, str, str]:
    share = f"{100.0 * value / limit:+.0f} %"
    if "offset" in what:
        return f"{1e3 * value:+.3g} mV", f"{1e3 * limit:.3g} mV", share
    return f"{100.0 * value:+.3g} %", percent(limit), share


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
