"""One number of a measurement, and the bar that it is held to.

Bars are made of uncertainties: what should vanish must not exceed its own U, what should equal a reference must lie
within U of both, and what refutes must exceed `RESOLVED` times U.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array

RESOLVED = 10.0
"""A difference refutes a printed statement when it exceeds this many uncertainties."""
Row = tuple[str, float, float]
"""(circuit, number, U) of one measurement."""


@dataclass(frozen=True, kw_only=True)
class ClaimFinding:
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


def vanishes(what: str, measured: float, U: float, *, resolution: float) -> ClaimFinding:
    """What must be zero within its own uncertainty U, which must not exceed `resolution`."""
    return at_most(what, measured, U, 0.0, resolution=resolution)


def equals(
    what: str,
    measured: float,
    U: float,
    target: float,
    *,
    target_uncertainty: float = 0.0,
    resolution: float = math.inf,
) -> ClaimFinding:
    """What must agree with a reference within both uncertainties."""
    return within(what, measured, U, target, U + target_uncertainty, resolution=resolution)


def within(
    what: str, measured: float, U: float, target: float, interval: float, *, resolution: float | None = None
) -> ClaimFinding:
    """What must lie in a stated interval; U widens nothing, and must be smaller than the interval or `resolution`."""
    return ClaimFinding(
        what=what,
        measured=measured,
        uncertainty=U,
        bar=interval,
        direction="within",
        target=target,
        resolution=interval if resolution is None else resolution,
    )


def refutes(what: str, measured: float, U: float) -> ClaimFinding:
    """A difference from the printed statement, which must exceed `RESOLVED` times its uncertainty."""
    bar = RESOLVED * U
    return ClaimFinding(what=what, measured=measured, uncertainty=U, bar=bar, direction="at least", printed=True)


def at_least(what: str, measured: float, U: float, bound: float) -> ClaimFinding:
    """An inequality: measured - U >= bound."""
    return ClaimFinding(what=what, measured=measured, uncertainty=U, bar=bound + U, direction="at least")


def at_most(what: str, measured: float, U: float, bound: float, *, resolution: float = math.inf) -> ClaimFinding:
    """An inequality that may be met with equality, so U widens the bound: measured <= bound + U."""
    return ClaimFinding(
        what=what, measured=measured, uncertainty=U, bar=bound + U, direction="at most", resolution=resolution
    )


def largest(name: str, value: Array, U: float) -> Row:
    """The row of an array that should vanish."""
    return name, float(np.abs(value).max(initial=0.0)), U


def _in_units_of_U(row: Row) -> float:
    return row[1] / row[2]


def _of_several(what: str, rows: Sequence[Row], name: str) -> str:
    return f"{what} ({name})" if len(rows) > 1 else what


def worst(what: str, rows: Sequence[Row], *, resolution: float) -> ClaimFinding:
    """The largest of several residuals in units of its U; all must vanish."""
    name, measured, U = max(rows, key=_in_units_of_U)
    return vanishes(_of_several(what, rows, name), measured, U, resolution=resolution)


def least(what: str, rows: Sequence[Row]) -> ClaimFinding:
    """The least of several differences from the printed statement in units of its U."""
    name, measured, U = min(rows, key=_in_units_of_U)
    return refutes(_of_several(what, rows, name), measured, U)


def stands_out(what: str, rows: Sequence[Row]) -> ClaimFinding:
    """The least of several numbers, which must stand out of ten times its U and more."""
    name, measured, U = min(rows, key=lambda row: row[1])
    return at_least(f"{what} ({name})", measured, U, 10.0 * U)
