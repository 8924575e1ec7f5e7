"""E, U and the observed order along every axis of a sweep, in the look of all reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from spicebridge.campaign.axes import Axis, format_value
from spicebridge.campaign.campaign_summary import FAILED, Sweep, verdict
from spicebridge.campaign.point import Row
from spicebridge.report.plots.style import INK, LIMIT, SOFT, WIDE, Drawn, label_powers, look, new_figure, short
from spicebridge.report.plots.vector import format_svg
from spicebridge.report.wording import WORDS
from spicebridge.verify.verdict import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 3.4
"""Inches of one picture; its width is that of the page."""
WIDE_RANGE = 10.0
"""An axis of positive numbers that spans this ratio is drawn logarithmically, like one spaced so."""
ORDERS = (1.8, 2.2)
"""Observed orders that are always in sight, so that the fourth digit does not look like a trend."""
MOST_TICKS = 8

PANELS = (("max_error", "E", True), ("uncertainty", "U", True), ("observed_order", "observed order", False))
MARKS = {Outcome.AGREES: "o", Outcome.DISAGREES: "X", Outcome.UNRESOLVED: "^"}


@dataclass(frozen=True)
class Picture:
    """One axis drawn, as SVG, with what it shows in words."""

    title: str
    caption: str
    svg: str


def draw(sweep: Sweep) -> list[Picture]:
    """One picture an axis."""
    with look():
        return [_picture(sweep, axis) for axis in sweep.drawn_axes]


def _picture(sweep: Sweep, axis: Axis) -> Picture:
    key = axis.keys[0]
    beside = f" (together with {', '.join(axis.keys[1:])})" if len(axis.keys) > 1 else ""
    judged = [row for row in sweep.rows if verdict(row) != FAILED]
    numeric = sweep.kinds[key] == "double"
    words = [] if numeric else [format_value(place[0]) for place in axis.places]
    figure = new_figure(WIDE, HEIGHT)
    for axes, (column, name, logarithmic) in zip(figure.subplots(1, 3), PANELS, strict=True):
        drawn = [row for row in judged if row[column] is not None and (row[column] > 0.0 or not logarithmic)]
        if logarithmic and drawn:
            axes.set_yscale("log")
            values = [row[column] for row in drawn]
            label_powers(axes.yaxis, min(values), max(values), most=6)
        _points(axes, drawn, column, lambda row: row[key] if numeric else float(words.index(row[key])))
        axes.set_title(name)
        axes.set_xlabel(short(key, 30))
        if numeric:
            _scale(axes, [row[key] for row in sweep.rows], axis.logarithmic)
        else:
            step = -(-len(words) // MOST_TICKS)
            places = range(0, len(words), step)
            axes.set_xticks(list(places), [short(words[k], 18) for k in places], rotation=20, ha="right")
            axes.set_xlim(-0.5, len(words) - 0.5)
        _lines(axes, column, judged)
    _legend(figure, judged)
    without = sum(row["max_error"] is None for row in sweep.rows)
    caption = "One mark a point; the line joins the medians over all other axes."
    if without:
        caption += f" {without} {'point has' if without == 1 else 'points have'} no E and U and cannot be drawn."
    title = f"Along {key}{beside}"
    return Picture(
        title,
        caption,
        format_svg(Drawn(name=f"along {key}", title=f"E, U and observed order, {title}", caption="", figure=figure)),
    )


def _scale(axes: Axes, values: Sequence[float], logarithmic: bool) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

    found = sorted(set(values))
    if found and found[0] > 0.0 and (logarithmic or found[-1] / found[0] >= WIDE_RANGE):
        axes.set_xscale("log")
        label_powers(axes.xaxis, found[0], found[-1], most=6)
        if len(found) <= MOST_TICKS // 2:
            axes.xaxis.set_major_locator(FixedLocator(found))
            axes.xaxis.set_minor_locator(NullLocator())
    else:
        whole = all(value == int(value) for value in found)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))


def _points(axes: Axes, rows: Sequence[Row], column: str, place: Callable[[Row], float]) -> None:
    at: dict[float, list[float]] = defaultdict(list)
    for row in rows:
        at[place(row)].append(row[column])
    xs = sorted(at)
    if len(rows) > len(xs):
        axes.plot(xs, [median(at[x]) for x in xs], color=SOFT, lw=1.2, zorder=1)
    crowd = len(rows) > 400
    for outcome, mark in MARKS.items():
        some = [row for row in rows if row["outcome"] == outcome.value]
        axes.plot(
            [place(row) for row in some],
            [row[column] for row in some],
            mark,
            ms=3.5 if crowd else 5.0,
            alpha=0.5 if crowd else 0.85,
            color=WORDS[outcome].colour,
            mec="none" if mark == "o" else "white",
            mew=0.5,
            zorder=2,
        )


def _lines(axes: Axes, column: str, rows: Sequence[Row]) -> None:
    """The tolerance over U, where all points share one; the order of the trapezoidal rule."""
    accepted = {row["accepted"] for row in rows}
    if column == "uncertainty" and len(accepted) == 1:
        axes.axhline(accepted.pop(), color=LIMIT, lw=1.2, ls=(0, (4, 3)), zorder=0)
    if column == "observed_order":
        low, high = axes.get_ylim() if rows else ORDERS
        axes.set_ylim(min(low, ORDERS[0]), max(high, ORDERS[1]))
        axes.axhline(2.0, color=INK, lw=0.9, ls=(0, (1, 2)), zorder=0)


def _legend(figure: Figure, rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D

    drawn = {row["outcome"] for row in rows if row["max_error"] is not None}
    found = [outcome for outcome in MARKS if outcome.value in drawn]
    handles = [
        Line2D([], [], ls="", marker=MARKS[outcome], color=WORDS[outcome].colour, label=outcome.value)
        for outcome in found
    ]
    if len({row["accepted"] for row in rows}) == 1:
        handles.append(Line2D([], [], color=LIMIT, lw=1.2, ls=(0, (4, 3)), label="tolerance on U"))
    handles.append(Line2D([], [], color=INK, lw=0.9, ls=(0, (1, 2)), label="order 2"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9)
