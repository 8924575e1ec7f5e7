"""What a claim is, what a measurement of it returns, and the rule that turns numbers into a verdict.

A claim is a statement of one of the two papers (or one found beyond them) with a function that measures
it on circuits. A measurement is a list of findings: one number each, its uncertainty U, and the bar it is
held to. The rule, in this order::

    a finding misses its bar by more than RESOLVED U                     contradicted
    a number or U is not finite, or U exceeds the stated resolution      unresolved
    a finding misses its bar                                             contradicted
    otherwise                    refuted (printed statement wrong, the corrected one confirmed)
                                 or confirmed

Bars are made of uncertainties: what should vanish must not exceed its own U, what should equal a
reference must lie within U of both, and what refutes must exceed `RESOLVED` times U.
"""

from __future__ import annotations

import enum
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spicebridge.network import Network

if TYPE_CHECKING:
    from spicebridge.atlas.circuits import Standard

RESOLVED = 10.0
"""A difference refutes a printed statement when it exceeds this many uncertainties."""


class Status(enum.Enum):
    """What a claim is expected to be; the value is the word used on the page."""

    EXACT = "exact"
    APPROXIMATE = "approximate"
    WRONG = "wrong"
    DEFINITION = "definition"


class Judgement(enum.Enum):
    """What the circuits say about a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNRESOLVED = "unresolved"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One number and the rule it is held to.

    `direction` is "at most" (measured <= bar), "at least" (measured >= bar) or "within"
    (abs(measured - target) <= bar). `printed` marks a finding against the printed statement. A finding with U
    above `resolution` says nothing.
    """

    what: str
    measured: float
    uncertainty: float
    bar: float
    direction: str
    target: float = 0.0
    printed: bool = False
    resolution: float = math.inf

    @property
    def resolved(self) -> bool:
        numbers = (self.measured, self.uncertainty, self.bar, self.target)
        return all(math.isfinite(x) for x in numbers) and self.uncertainty <= self.resolution

    @property
    def passed(self) -> bool:
        if self.direction == "at most":
            return self.measured <= self.bar
        if self.direction == "at least":
            return self.measured >= self.bar and (self.measured > 0.0 or not self.printed)
        return abs(self.measured - self.target) <= self.bar

    @property
    def missed_by(self) -> float:
        """How far beyond its bar the number lies; 0 when it passes."""
        if self.passed or not math.isfinite(self.measured):
            return 0.0
        return abs(abs(self.measured - self.target) - self.bar)

    @property
    def rule(self) -> str:
        """The bar in words: '<= 3e-9', '>= 1e-7', '> 0', '0.51 +- 0.01', '= 30'."""
        if self.direction == "within":
            return f"{self.target:.6g} ± {self.bar:.2g}" if self.bar else f"= {self.target:.6g}"
        if self.direction == "at least" and self.printed and not self.bar:
            return "> 0"
        return f"{'≤' if self.direction == 'at most' else '≥'} {self.bar:.2g}"


def vanishes(what: str, measured: float, uncertainty: float, *, resolution: float) -> Finding:
    """What must be zero within its own uncertainty, which must not exceed `resolution`."""
    return at_most(what, measured, uncertainty, 0.0, resolution=resolution)


def equals(
    what: str,
    measured: float,
    uncertainty: float,
    target: float,
    *,
    target_uncertainty: float = 0.0,
    resolution: float = math.inf,
) -> Finding:
    """What must agree with a reference within both uncertainties."""
    return within(what, measured, uncertainty, target, uncertainty + target_uncertainty, resolution=resolution)


def within(
    what: str, measured: float, U: float, target: float, interval: float, *, resolution: float | None = None
) -> Finding:
    """What must lie in a stated interval; U widens nothing, and must be smaller than the interval or `resolution`."""
    finest = interval if resolution is None else resolution
    given = Finding(what=what, measured=measured, uncertainty=U, bar=interval, direction="within", resolution=finest)
    return replace(given, target=target)


def refutes(what: str, measured: float, uncertainty: float) -> Finding:
    """A difference from the printed statement, which must exceed `RESOLVED` times its uncertainty."""
    bar = RESOLVED * uncertainty
    return Finding(what=what, measured=measured, uncertainty=uncertainty, bar=bar, direction="at least", printed=True)


def at_least(what: str, measured: float, uncertainty: float, bound: float) -> Finding:
    """An inequality: measured - U >= bound."""
    return Finding(what=what, measured=measured, uncertainty=uncertainty, bar=bound + uncertainty, direction="at least")


def at_most(what: str, measured: float, uncertainty: float, bound: float, *, resolution: float = math.inf) -> Finding:
    """An inequality that may be met with equality, so U widens the bound: measured <= bound + U."""
    bar = bound + uncertainty
    return Finding(
        what=what, measured=measured, uncertainty=uncertainty, bar=bar, direction="at most", resolution=resolution
    )


Numbers = Sequence[float] | NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve of a picture.

    `style` is line, dashed, thick, points (with bars of `error`, if given), cross, or band (then `low` and
    `high`).
    """

    x: Numbers
    y: Numbers
    label: str = ""
    style: str = "line"
    error: Numbers = ()
    low: Numbers = ()
    high: Numbers = ()


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes; `matrix` is drawn as an image instead of the series.

    Empty ranges fit the data; `key` is where the names of the series stand, in matplotlib's words.
    """

    title: str
    x: str
    y: str
    series: tuple[Series, ...] = ()
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float, ...] = ()
    y_range: tuple[float, ...] = ()
    key: str = "best"
    matrix: tuple[tuple[float, ...], ...] = ()


Row = tuple[str, float, float]
"""(circuit, number, U) of one measurement."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a measurement returns.

    `findings` decide; the first one is the headline. `rows` are those of every circuit behind them,
    `numbers` further figures by name, `panels` a picture as data, `note` a sentence.
    """

    findings: tuple[Finding, ...]
    rows: tuple[Row, ...] = ()
    numbers: Mapping[str, float | str] = field(default_factory=dict)
    panels: tuple[Panel, ...] = ()
    note: str = ""


Measure = Callable[..., Evidence]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement and how it is measured.

    `identifier` is p1.eq4, p2.fig3, new.flux; `paper` "paper 1", "paper 2" or "new"; `printed` quotes the formula of the
    paper with its number, or its words where it has none, and `exact` says what is true; `order` is that of an
    approximate one. `circuits` says what it is tried on, seeds included; `on` are these circuits where they are standard
    ones. `measure(bench, **parameters)` returns the evidence; the mutant is the same measurement with the parameters
    `changed`, which must turn the verdict. `needs` names what a network of the user must have (keys of
    ``needs.RULES``); None for claims about circuits of their own. `cost` is a rough time of the full measurement in s.
    """

    identifier: str
    paper: str
    title: str
    printed: str
    exact: str
    status: Status
    circuits: str
    mutant: str
    measure: Measure = field(repr=False)
    changed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    on: Standard | None = field(default=None, repr=False)
    order: int | None = None
    needs: tuple[str, ...] | None = field(default=None, repr=False)
    cost: float = 2.0

    @property
    def expected(self) -> Judgement:
        return Judgement.REFUTED if self.status is Status.WRONG else Judgement.CONFIRMED

    @property
    def status_text(self) -> str:
        if self.order is not None:
            return f"{self.status.value}, order {self.order}"
        return self.status.value

    def objection(self, network: Network) -> str:
        """Why the claim makes no sense on a network; "" where it does."""
        if self.needs is None:
            return "it is about circuits of its own"
        from spicebridge.atlas.needs import objection

        return objection(network, self.needs)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A claim after its measurement; `mutant_evidence` is None when the mutant was not tried."""

    claim: Claim
    evidence: Evidence
    verdict: Judgement
    mutant_evidence: Evidence | None = None
    wall_time: float = 0.0

    def __getattr__(self, name: str) -> Any:
        if name in ("identifier", "paper", "title", "printed", "exact", "status", "circuits", "mutant"):
            return getattr(self.claim, name)
        raise AttributeError(name)

    @property
    def headline(self) -> Finding:
        """The finding of the table's row: against the printed statement if there is one, else the first."""
        for finding in self.evidence.findings:
            if finding.printed:
                return finding
        return self.evidence.findings[0]

    @property
    def measured(self) -> float | tuple[float, ...]:
        """The measured number, or several in the order of the findings."""
        values = tuple(finding.measured for finding in self.evidence.findings)
        return values[0] if len(values) == 1 else values

    @property
    def uncertainty(self) -> float:
        return self.headline.uncertainty

    @property
    def bar(self) -> float:
        return self.headline.bar

    @property
    def direction(self) -> str:
        return self.headline.direction

    @property
    def as_expected(self) -> bool:
        return self.verdict is self.claim.expected

    @property
    def mutant_verdict(self) -> Judgement | None:
        return None if self.mutant_evidence is None else judge(self.claim, self.mutant_evidence)

    @property
    def mutant_caught(self) -> bool | None:
        """Whether the mutant turned the verdict; one that ends unresolved shows nothing.

        The mutant of a refuted claim exchanges the printed and the corrected statement, or changes the circuit so that
        the printed one holds: every finding against the printed statement must then fail by itself.
        """
        if self.mutant_evidence is None:
            return None
        against = [finding for finding in self.mutant_evidence.findings if finding.printed]
        turned = self.mutant_verdict not in (self.claim.expected, Judgement.UNRESOLVED)
        return turned and not any(finding.passed for finding in against)

    def __str__(self) -> str:
        finding = self.headline
        return (
            f"{self.claim.identifier}: {self.verdict.value} ({finding.what}: {finding.measured:.3g} "
            f"± {finding.uncertainty:.1g}, bar {finding.rule})"
        )


def judge(claim: Claim, evidence: Evidence) -> Judgement:
    """Apply the rule of the module."""
    if any(finding.missed_by > RESOLVED * finding.uncertainty for finding in evidence.findings):
        return Judgement.CONTRADICTED
    if not evidence.findings or not all(finding.resolved for finding in evidence.findings):
        return Judgement.UNRESOLVED
    if not all(finding.passed for finding in evidence.findings):
        return Judgement.CONTRADICTED
    against = any(finding.printed for finding in evidence.findings)
    return Judgement.REFUTED if against else Judgement.CONFIRMED


FAMILY: dict[str, Claim] = {}
"""Claims by identifier, filled as the family modules are imported."""


EXCHANGED = "the printed and the corrected statement exchanged"


def claim(
    identifier: str,
    title: str,
    *,
    status: Status = Status.EXACT,
    on: Standard | None = None,
    circuits: str = "",
    mutant: str = EXCHANGED,
    **fields: Any,
) -> Callable[[Measure], Measure]:
    """Register the decorated function as the measurement of a claim.

    A measurement with the parameters `corrected` and `printed` has their exchange as its mutant, unless one is given.
    """

    def register(measure: Measure) -> Measure:
        if identifier in FAMILY and FAMILY[identifier].measure.__module__ != measure.__module__:
            raise ValueError(f"claim {identifier} is registered twice")
        paper = {"p1": "paper 1", "p2": "paper 2", "new": "new"}[identifier.split(".")[0]]
        words = "; ".join(part for part in (on.words if on else "", circuits) if part)
        if mutant == EXCHANGED:
            given = inspect.signature(measure).parameters
            fields["changed"] = {"corrected": given["printed"].default, "printed": given["corrected"].default}
        FAMILY[identifier] = Claim(
            identifier=identifier,
            paper=paper,
            title=title,
            status=status,
            on=on,
            circuits=words,
            mutant=mutant,
            measure=measure,
            **fields,
        )
        return measure

    return register
