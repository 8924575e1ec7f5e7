"""What a measurement of a claim returns, and the rule that turns numbers into a verdict.

A measurement is a list of findings: one number each, its uncertainty U, and the bar it is held to (``bars``). The
rule, in this order::

    a finding misses its bar by more than RESOLVED U                     contradicted
    a number or U is not finite, or U exceeds the stated resolution      unresolved
    a finding misses its bar                                             contradicted
    otherwise                    refuted (printed statement wrong, the corrected one confirmed)
                                 or confirmed
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.bars import RESOLVED, ClaimFinding, Row, at_most, least, worst


class Judgement(enum.Enum):
    """What the circuits say about a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNRESOLVED = "unresolved"
    CONTRADICTED = "contradicted"


Numbers = Sequence[float] | Array


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
    series: Sequence[Series] = ()
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float, ...] = ()
    y_range: tuple[float, ...] = ()
    key: str = "best"
    matrix: Sequence[Sequence[float]] = ()


@dataclass(frozen=True, kw_only=True)
class ClaimEvidence:
    """What a measurement returns.

    `findings` decide; the first one is the headline. `rows` are those of every circuit behind them,
    `numbers` further figures by name, `panels` a picture as data, `note` a sentence.
    """

    findings: Sequence[ClaimFinding]
    rows: Sequence[Row] = ()
    numbers: Mapping[str, float | str] = field(default_factory=dict)
    panels: Sequence[Panel] = ()
    note: str = ""

    @property
    def verdict(self) -> Judgement:
        """By the rule of the module."""
        findings = self.findings
        if any(finding.missed_by > RESOLVED * finding.uncertainty for finding in findings):
            return Judgement.CONTRADICTED
        if not findings or not all(finding.resolved for finding in findings):
            return Judgement.UNRESOLVED
        if not all(finding.passed for finding in findings):
            return Judgement.CONTRADICTED
        against = any(finding.printed for finding in findings)
        return Judgement.REFUTED if against else Judgement.CONFIRMED


def vanishing(
    what: str,
    rows: Sequence[Row],
    *,
    resolution: float,
    numbers: Mapping[str, float | str] | None = None,
    panels: Sequence[Panel] = (),
) -> ClaimEvidence:
    """Evidence of one residual on several circuits."""
    finding = worst(what, rows, resolution=resolution)
    return ClaimEvidence(findings=[finding], rows=rows, numbers=numbers or {}, panels=panels)


def refuted(
    what: str,
    exact: Sequence[Row],
    against: str,
    printed: Sequence[Row],
    *,
    resolution: float,
    numbers: Mapping[str, float | str] | None = None,
    more: Iterable[ClaimFinding] = (),
    panels: Sequence[Panel] = (),
) -> ClaimEvidence:
    """Evidence against a printed statement: the corrected one vanishes, and the printed one does not."""
    named = [(name if "printed" in name else f"{name}, printed", value, U) for name, value, U in printed]
    findings = [worst(what, exact, resolution=resolution), least(against, printed), *more]
    return ClaimEvidence(findings=findings, rows=[*exact, *named], numbers=numbers or {}, panels=panels)


def never_rises(
    what: str, rows: Sequence[Row], main: ClaimFinding, more_rows: Iterable[Row], panels: Sequence[Panel] = ()
) -> ClaimEvidence:
    """Evidence that the largest rise of a quantity on several circuits is none, beside what is found first."""
    name, top, U = max(rows, key=lambda row: row[1])
    return ClaimEvidence(
        findings=[main, at_most(f"{what} ({name})", top, U, 0.0)], rows=[*more_rows, *rows], panels=panels
    )


def points(x: Numbers, rows: Sequence[Row], label: str, *, bars: bool = False) -> Series:
    """The numbers of rows as points over x, with their U as bars if wanted."""
    values, U = [row[1] for row in rows], [row[2] for row in rows]
    return Series(x=x, y=values, label=label, style="points", error=U if bars else ())


def thinned(t: Array, columns: Array, names: Iterable[str], *, points: int = 100, style: str = "line") -> list[Series]:
    """Curves of a picture from samples (n_t, n)."""
    few = slice(None, None, max(1, t.size // points))
    return [Series(x=t[few], y=columns[few, k], label=name, style=style) for k, name in enumerate(names)]


def order_of(sizes: Sequence[float], rows: Sequence[Row]) -> tuple[float, float]:
    """Exponent of error ~ size^k as size -> 0, and U, from rows of a halving sequence (coarse to fine).

    The slope between neighbours is k + c size; extrapolated from the last two. U is what the extrapolation
    moved, and what the uncertainties of the errors allow.
    """
    error, U = (np.array([row[k] for row in rows]) for k in (1, 2))
    slope = np.diff(np.log(error)) / np.diff(np.log(sizes))
    allowed = float(((U[-2:] / error[-2:]).sum() + (U[-3:-1] / error[-3:-1]).sum()) / np.log(2.0))
    return float(2.0 * slope[-1] - slope[-2]), float(abs(slope[-1] - slope[-2])) + allowed
