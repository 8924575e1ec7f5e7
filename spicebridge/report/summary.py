"""What a report is about, and every number in it, chosen once for all formats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.case.case import Case
from spicebridge.network import Network
from spicebridge.quantities import format_quantity
from spicebridge.report.wording import UNKNOWN, format_number, format_order, format_ratio, format_seconds
from spicebridge.verify.verdict import Outcome, Verdict
from spicebridge.waveforms import Waveforms

POINTS, WIDTH, HEIGHT = 40, 120, 22
"""Of a sparkline: points, and the size of its box."""


@dataclass(frozen=True)
class Row:
    """One line of a table of numbers: what it is, its value as text, and what it means."""

    label: str
    value: str
    meaning: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """A verdict with what the case said about itself.

    `expect` is the outcome that the case is there to show, `case_text` the case file as it was read,
    `wall_time` of the whole comparison in s (NaN: not measured), `created` an ISO time in UTC.
    """

    verdict: Verdict
    title: str
    learn: str = ""
    name: str = "case"
    expect: str = Outcome.AGREES.value
    source: str = ""
    case_text: str = field(default="", repr=False)
    wall_time: float = math.nan
    created: str = ""

    @classmethod
    def of_case(cls, case: Case, verdict: Verdict, *, wall_time: float = math.nan, created: str = "") -> Report:
        source = str(case.source) if case.source else ""
        return cls(
            verdict=verdict,
            title=case.title,
            learn=case.what,
            name=case.name,
            expect=case.expect,
            source=source,
            case_text=case.text,
            wall_time=wall_time,
            created=created,
        )

    @property
    def edges(self) -> list[tuple[str, str, str, str]]:
        """(edge, sparkline, from and to, E of the state) of every edge with memory, for the table of a page."""
        waves = self.verdict.spice or self.verdict.theory
        if waves is None or self.network is None:
            return []
        gaps = np.full(waves.n_edges, math.nan)
        if self.verdict.spice is not None and self.verdict.theory is not None:
            gaps = np.abs(self.verdict.spice.state - self.verdict.theory.state).max(axis=0)
        return [
            (waves.labels[k], sparkline(waves.t, waves.state[:, k]), from_and_to(waves, k), format_number(gaps[k]))
            for k in np.flatnonzero(self.network.stateful).tolist()
        ]

    @property
    def as_expected(self) -> bool:
        """Whether the outcome is the one that the case is there to show."""
        return self.verdict.outcome.value == self.expect

    @property
    def is_control(self) -> bool:
        """Whether the case is there to show something else than agreement."""
        return self.expect != Outcome.AGREES.value

    @property
    def expectation(self) -> str:
        """One sentence on the expectation; empty for an ordinary case that agrees."""
        if not self.is_control:
            return ""
        met = "as it did" if self.as_expected else "but it did not"
        return f"This is a control case: it is expected to end as {self.expect.upper()}, {met}."

    @property
    def key_numbers(self) -> list[Row]:
        """E, U, tolerance, order and where: the first table of every report."""
        v = self.verdict
        rows = [
            Row("E", format_number(v.max_error), self._what_differs),
            Row("U", format_number(v.uncertainty), "numerical uncertainty of that comparison"),
            Row("tolerance", format_number(v.tolerance), "largest U that the case accepts"),
            Row("observed order", self.order, "2 is the order of the trapezoidal rule"),
        ]
        if self.where:
            rows.append(Row("E is found at", self.where, "edge and time of the largest difference"))
        if v.agrees_until is not None and not v.agrees:
            rows.append(Row("agrees until", format_seconds(v.agrees_until), "every signal, judged up to that time"))
        return rows

    @property
    def _what_differs(self) -> str:
        what = {"state": "states"}.get(self.verdict.deciding, f"{self.verdict.deciding}s, relative to the largest")
        return f"largest difference of the {what}, SPICE against {'your theory' if self.verdict.trial else 'theory'}"

    trial_header: ClassVar = ("pair", "E", "U", "")

    @property
    def trial(self) -> list[tuple[str, ...]]:
        """(pair, E, U, words) of a theory on trial, ours and SPICE; empty where none is."""
        trial = self.verdict.trial
        if trial is None:
            return []
        return [
            (pair, format_number(E), format_number(U), "go together" if E <= U else "differ")
            for pair, (E, U) in trial.pairs.items()
        ]

    @property
    def odd_one_out(self) -> str:
        """Who stands alone, in a sentence; empty where nobody does."""
        trial = self.verdict.trial
        if trial is None or not trial.odd_one_out:
            return ""
        return {
            "yours": "SPICE and our theory go together; yours is the odd one out.",
            "ours": "Your theory and SPICE go together; ours is the odd one out. Please report it.",
            "SPICE": "Your theory and ours go together; SPICE is the odd one out.",
        }[trial.odd_one_out]

    @property
    def diagnosis(self) -> list[str]:
        """What may be wrong with the theory on trial, the best first."""
        return [finding.sentence for finding in self.verdict.diagnosis]

    @property
    def judges(self) -> list[tuple[str, ...]]:
        """A square of judges, row by row: a name, and for every judge "", or E and U with what they say."""
        pairs = self.verdict.pairs
        names = list(dict.fromkeys(name for pair in pairs for name in pair))
        rows: list[tuple[str, ...]] = []
        for one in names:
            cells = ["" if one == other else _pair(*_between(pairs, one, other)) for other in names]
            rows.append((one, *cells))
        return rows

    @property
    def judge_pairs(self) -> list[tuple[str, str]]:
        """("ngspice - vacask", "agree: E …, U …") for every pair of judges."""
        return [(" - ".join(pair), _pair(*numbers)) for pair, numbers in self.verdict.pairs.items()]

    signals_header: ClassVar = ("signal", "verdict", "E", "U", "order", "E is found at", "relative to")

    @property
    def signals(self) -> list[tuple[str, ...]]:
        """(signal, verdict, E, U, order, edge and time of E, scale) of every signal that was compared."""
        rows: list[tuple[str, ...]] = []
        for name, s in self.verdict.signals.items():
            order = UNKNOWN if s.observed_order is None else f"{s.observed_order:.2f}"
            scale = "1" if s.unit == "1" else format_quantity(s.scale, s.unit, digits=3)
            where = f"{s.edge}, t = {format_seconds(s.time)}"
            if s.time_scale:
                where += f" (pointwise {format_number(s.pointwise)}, T = {format_seconds(s.time_scale)})"
            E, U = format_number(s.error), format_number(s.uncertainty)
            rows.append((name, s.outcome.value, E, U, order, where, scale))
        return rows

    @property
    def where(self) -> str:
        """Edge and time of the largest difference."""
        v = self.verdict
        return f"{v.worst_edge}, t = {format_seconds(v.worst_time)}" if v.worst_edge else ""

    @property
    def setting(self) -> list[str]:
        """What was compared, in a few words each."""
        facts = self.verdict.provenance
        engine = f"{facts.get('engine', '')} {facts.get('engine_version', '')}".strip()
        form = f"{facts['form']} form" if "form" in facts else ""
        span = f"{format_seconds(facts['stop'])}" if "stop" in facts else ""
        return [part for part in (self.network_line, span, engine, form) if part]

    @property
    def order(self) -> str:
        return format_order(self.verdict)

    @property
    def uncertainty_budget(self) -> list[Row]:
        """The parts of U of the deciding signal; empty when there is no ladder."""
        v = self.verdict
        if v.ladder is None or v.signal is None:
            return []
        bound = []
        if v.signal.bound is not None:
            bound = [Row("corners and clamps", format_number(v.signal.bound), "a run that has them otherwise")]
        return [
            Row("step of the circuit", format_number(v.ladder.uncertainty), "max(d2, d1/4) of the ladder"),
            Row("theory", format_number(v.theory_uncertainty), "two tolerances of the integrator"),
            Row("solver floor", format_number(v.ladder.floor), "noise of the simulator's Newton iteration"),
            *bound,
            *(
                [Row("your own error", format_number(v.signal.own), "as stated for the theory on trial")]
                if v.signal.own
                else []
            ),
            Row("U", format_number(v.uncertainty), "their sum"),
        ]

    @property
    def rungs(self) -> list[tuple[str, str, str, str]]:
        """(step ceiling, steps over the span, E at that step, change to the next finer step)."""
        ladder = self.verdict.ladder
        if ladder is None:
            return []
        stop = self.verdict.provenance.get("stop", math.nan)
        changes = (format_number(ladder.d1), format_number(ladder.d2), "")
        return [
            (
                format_seconds(step),
                UNKNOWN if not math.isfinite(stop) else f"{round(stop / step)}",
                format_number(error),
                change,
            )
            for step, error, change in zip(ladder.steps, ladder.errors, changes, strict=True)
        ]

    @property
    def ladder_extras(self) -> list[Row]:
        ladder = self.verdict.ladder
        if ladder is None:
            return []
        return [
            Row("Richardson value", format_number(ladder.richardson), "E extrapolated to step zero"),
            Row("grid convergence index", format_number(ladder.gci), "1.25 d2/(2^p - 1), to compare"),
        ]

    @property
    def conservation(self) -> list[Row]:
        """Kirchhoff's laws and the power balance, measured on the SPICE waveforms."""
        found = self.verdict.invariants
        if found is None:
            return []
        graph = self.network is None or self.network.is_graph
        return [
            Row("KCL", format_ratio(found.kcl), "B i = 0" if graph else "i in the range of Aᵗ"),
            Row("KVL", format_ratio(found.kvl), "A (v − S) = 0"),
            Row("device law", format_ratio(found.device), "v = P R(s) i"),
            Row("Tellegen", format_ratio(found.tellegen), "Σ i (v − S) = 0"),
        ]

    @property
    def state_range(self) -> str:
        found = self.verdict.invariants
        return "" if found is None else f"{found.lowest_state:.4g} to {found.highest_state:.4g}"

    @property
    def network(self) -> Network | None:
        return self.verdict.network

    @property
    def network_line(self) -> str:
        """Size of the network in words."""
        network = self.network
        if network is None:
            return ""
        if not network.is_graph:
            loops = 0 if network.loop_matrix is None else network.loop_matrix.shape[0]
            return f"loop matrix, {loops} loops, {network.n_edges} edges"
        parts = [f"{network.n_nodes} nodes", f"{network.n_edges} edges"]
        active = int((network.P < 0).sum())
        memoryless = int((~network.stateful).sum())
        parts += [f"{active} active"] if active else []
        parts += [f"{memoryless} memoryless"] if memoryless else []
        return ", ".join(parts)

    @property
    def provenance(self) -> list[Row]:
        """Everything needed to repeat the comparison, except the case text."""
        rows = []
        for key, value in self.verdict.provenance.items():
            if isinstance(value, dict):
                value = ", ".join(f"{name} {entry}" for name, entry in value.items())
            rows.append(Row(key.replace("_", " "), str(value)))
        run = self.verdict.run
        if run is not None:
            rows.append(Row("status of the finest run", run.status.value))
            rows.append(Row("exit code", f"{run.exit_code} (kept as evidence, never believed)"))
            rows.append(Row("time points", f"{run.time.size}"))
            rows.append(Row("wall time of the finest run", format_seconds(run.wall_time)))
        if math.isfinite(self.wall_time):
            rows.append(Row("wall time of the comparison", format_seconds(self.wall_time)))
        if self.created:
            rows.append(Row("made", self.created))
        return rows

    @property
    def deck(self) -> str:
        return self.verdict.run.text if self.verdict.run is not None else ""

    @property
    def log(self) -> str:
        return self.verdict.run.log if self.verdict.run is not None else ""


def sparkline(t: Array, values: Array) -> str:
    """The points of a polyline in a box of `WIDTH` by `HEIGHT`: a curve the size of a word."""
    rows = np.unique(np.linspace(0, t.size - 1, min(t.size, POINTS)).round().astype(int))
    low, span = float(values.min()), float(np.ptp(values)) or 1.0
    x = (t[rows] - t[0]) / (float(np.ptp(t)) or 1.0) * WIDTH
    y = HEIGHT - 1 - (values[rows] - low) / span * (HEIGHT - 2)
    return " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True))


def from_and_to(waves: Waveforms, k: int) -> str:
    """The first and the last state of edge `k`, with their unit."""
    unit = "" if waves.units[k] == "1" else f" {waves.units[k]}"
    return f"{waves.state[0, k]:.4g} to {waves.state[-1, k]:.4g}{unit}"


def _between(pairs: Mapping[tuple[str, str], tuple[float, float]], one: str, other: str) -> tuple[float, float]:
    return pairs[one, other] if (one, other) in pairs else pairs[other, one]


def _pair(E: float, U: float) -> str:
    if not (math.isfinite(E) and math.isfinite(U)):
        return "not compared"
    return f"{'differ' if E > U else 'agree'}: E {format_number(E)}, U {format_number(U)}"
