"""The refinement ladder: error and change against the step ceiling, with the slope of second order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.report.plots.style import (
    HALF,
    INK,
    LIMIT,
    SOFT,
    SPICE,
    THEORY,
    Drawn,
    label_ends,
    new_figure,
    times_ten,
)
from spicebridge.report.summary import Report
from spicebridge.report.wording import format_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXPECTED_ORDER = 2.0
NEAR = 300.0
"""Levels farther than this factor from all points would squeeze the picture and are left out."""


def figure(report: Report) -> Drawn | None:
    ladder = report.verdict.ladder
    if ladder is None:
        return None
    h = np.array(ladder.steps)
    E = np.array(ladder.errors)
    d = np.array([ladder.d1, ladder.d2])
    picture = new_figure(HALF, 4.7)
    axes = picture.add_subplot()
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot(h, _positive(E), "o-", color=SPICE, ms=7, lw=1.6, label="E(h) = max |SPICE − theory|")
    axes.plot(h[:2], _positive(d), "s--", color=THEORY, ms=6, lw=1.2, mfc="white", label="change from h to h/2")
    top = max(E[0], d[0])
    if top > 0.0:
        axes.plot(h, 2.2 * top * (h / h[0]) ** EXPECTED_ORDER, color=SOFT, lw=1.0, ls=(0, (1, 2)), label="slope 2")
    values = [x for x in (*E, *d) if x > 0.0 and math.isfinite(x)]
    U, tolerance = report.verdict.uncertainty, report.verdict.tolerance
    levels: list[tuple[float, str, str]] = []
    for level, name, colour, style in (
        (U, "U", INK, "-"),
        (tolerance, "tolerance", LIMIT, (0, (4, 3))),
        (ladder.floor, "solver floor", SOFT, (0, (1, 1))),
    ):
        near = not values or min(values) / NEAR <= level <= max(values) * NEAR
        if math.isfinite(level) and level > 0.0 and near:
            levels.append((level, name, colour))
            axes.axhline(level, color=colour, lw=1.0, ls=style)
    values += [level for level, _, _ in levels]
    low, high = (min(values), max(values)) if values else (1e-9, 1.0)
    axes.set_ylim(low / 2.5, high * 6.0)
    axes.set_xlim(h.min() / 1.25, h.max() * 1.25)
    axes.set_xticks(h, [format_seconds(x) for x in h])
    axes.set_xticks([], minor=True)
    _decades(axes)
    label_ends(axes, [x for x, _, _ in levels], [name for _, name, _ in levels], [c for *_, c in levels])
    axes.set_xlabel("step ceiling h of the simulator")
    axes.set_ylabel(f"largest difference of the {report.verdict.deciding}s")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.1, ncols=2, columnspacing=1.2)
    return Drawn(name="ladder", title="Convergence ladder", caption=_caption(report), figure=picture, wide=False)


def _positive(values: np.ndarray) -> np.ndarray:
    """Zero has no place on a logarithmic axis."""
    return np.where(values > 0.0, values, np.nan)


def _decades(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.yaxis.set_major_locator(LogLocator(numticks=9))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: times_ten(round(math.log10(y)))))


def _caption(report: Report) -> str:
    order = report.verdict.observed_order
    seen = f"Observed order {order:.2f}; 2 is that of the trapezoidal rule." if order is not None else (
        "No order can be observed: the step has no visible influence above the solver floor."
    )  # fmt: skip
    return f"The same circuit at three step ceilings. {seen}"
