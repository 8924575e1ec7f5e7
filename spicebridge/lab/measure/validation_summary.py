"""What a validation's report says, chosen once for all its formats."""

from __future__ import annotations

from dataclasses import dataclass

from spicebridge.lab.design.builds import KINDS
from spicebridge.lab.design.reactances import QUANTITIES
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.measured import ChannelResult, Validation
from spicebridge.network import Network
from spicebridge.report.summary import Row
from spicebridge.report.wording import format_number, format_seconds
from spicebridge.verify.verdict import Outcome

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
