"""The rule of the verdict as a picture: floor, E, U and tolerance on one logarithmic line.

Left of U lies what numerical error can explain. E there: the branches agree; E right of it: they do
not; U right of the tolerance: nobody can tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from spicebridge.report.plots.style import times_ten
from spicebridge.report.summary import Report
from spicebridge.report.wording import format_number

MOST_TICKS = 9
TICK_ROOM = 4.0
"""Percent of the line that a tick must keep from U."""


@dataclass(frozen=True)
class Mark:
    """A named value at `x` in percent of the line."""

    name: str
    value: str
    x: float


@dataclass(frozen=True)
class Ruler:
    """`marks` by name (E, U, tolerance), `ticks` at powers of ten; everything in percent."""

    marks: dict[str, Mark]
    ticks: tuple[Mark, ...]


def ruler(report: Report) -> Ruler | None:
    """The line of a verdict; None where U is unknown."""
    v = report.verdict
    return ruler_of(v.max_error, v.uncertainty, v.tolerance)


def ruler_of(error: float, uncertainty: float, tolerance: float) -> Ruler | None:
    """The line of three numbers; None where they are not finite or positive."""
    values = {"E": error, "U": uncertainty, "tolerance": tolerance}
    if not all(math.isfinite(x) for x in values.values()) or uncertainty <= 0.0 or tolerance <= 0.0:
        return None
    positive = [x for x in values.values() if x > 0.0]
    low, high = math.log10(min(positive)) - 0.7, math.log10(max(positive)) + 0.7

    def place(x: float) -> float:
        return 100.0 * (math.log10(x) - low) / (high - low) if x > 0.0 else 0.0

    marks = {name: Mark(name, format_number(x), place(x)) for name, x in values.items()}
    decades = range(math.ceil(low), math.floor(high) + 1)
    stride = max(1, math.ceil(len(decades) / MOST_TICKS))
    ticks = tuple(Mark("", times_ten(k), place(10.0**k)) for k in decades if k % stride == 0)
    # the line of U runs down through the ticks
    ticks = tuple(tick for tick in ticks if abs(tick.x - marks["U"].x) > TICK_ROOM)
    return Ruler(marks, ticks)
