"""The picture of a claim: panels described as data, drawn in the look of all reports."""

from __future__ import annotations

import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.record_store import Record
from spicebridge.report.plots.style import CURVES, INK, SOFT, Drawn, label_powers, look, new_figure, state_colours
from spicebridge.report.plots.vector import format_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import ColorType

WIDTH, HEIGHT = 5.2, 3.7
"""Inches of one panel."""
MOST_LABELS = 8
"""Curves with a name of their own in the key."""
TITLE_WIDTH = 52
"""Characters of a title on one line over a panel."""


def draw(panels: Sequence[Record], name: str, title: str) -> str:
    """SVG of the panels, two in a row, as in a claim's record; `title` stands for it where it cannot be seen."""
    with look(), warnings.catch_warnings():
        # a letter that the font lacks is drawn as a box; the words stand beside the picture as well
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        columns = min(2, len(panels))
        rows = math.ceil(len(panels) / columns)
        picture = new_figure(WIDTH * columns, HEIGHT * rows)
        for position, panel in enumerate(panels, start=1):
            _panel(picture.add_subplot(rows, columns, position), panel)
        return format_svg(Drawn(name=name, title=title, caption="", figure=picture, wide=columns > 1))


def _panel(axes: Axes, panel: Record) -> None:
    axes.set_title(textwrap.fill(panel["title"], TITLE_WIDTH), fontsize=10)
    axes.set_xlabel(panel["x"])
    axes.set_ylabel(panel["y"])
    if panel["matrix"]:
        values = np.array(panel["matrix"], float)
        size = float(np.abs(values).max()) or 1.0
        image = axes.imshow(values, cmap="RdBu_r", vmin=-size, vmax=size)
        axes.grid(False)
        assert axes.figure is not None
        axes.figure.colorbar(image, ax=axes, shrink=0.85)
        return
    crowd = len(panel["series"]) > len(CURVES)
    shades = state_colours()(np.linspace(0.0, 1.0, max(2, len(panel["series"])))) if crowd else None
    for number, series in enumerate(panel["series"]):
        colour: ColorType = CURVES[number % len(CURVES)] if shades is None else shades[number]
        _series(axes, series, colour, crowd)
    for name in ("x", "y"):
        if panel[f"log_{name}"]:
            axes.set(**{f"{name}scale": "log"})
            low, high = (axes.get_xlim if name == "x" else axes.get_ylim)()
            label_powers(axes.xaxis if name == "x" else axes.yaxis, low, high)
        if panel[f"{name}_range"]:
            axes.set(**{f"{name}lim": panel[f"{name}_range"]})
    named = [series for series in panel["series"] if series["label"]]
    if 0 < len(named) <= MOST_LABELS:
        axes.legend(loc=panel["key"], fontsize=8, frameon=True, framealpha=0.85, edgecolor="none", borderpad=0.2)


def _series(axes: Axes, series: Record, colour: ColorType, crowd: bool) -> None:
    x, y = _numbers(series["x"]), _numbers(series["y"])
    label = series["label"] or None
    style = series["style"]
    if style == "points":
        if series["error"]:
            axes.errorbar(
                x, y, yerr=_numbers(series["error"]), fmt="o", ms=4, capsize=2, color=colour, label=label, zorder=3
            )
        else:
            axes.plot(x, y, "o", ms=4.5, mec="white", mew=0.5, color=colour, label=label, zorder=3)
    elif style == "cross":
        axes.plot(x, y, "x", ms=7, mew=1.4, color=INK, label=label, zorder=4)
    elif style == "dashed":
        axes.plot(x, y, ls=(0, (4, 3)), lw=1.2, color=SOFT if label else colour, label=label)
    elif style == "thick":
        axes.plot(x, y, lw=2.6, color=INK, label=label)
    elif style == "band":
        axes.fill_between(x, _numbers(series["low"]), _numbers(series["high"]), color=colour, alpha=0.2, lw=0)
        axes.plot(x, y, lw=1.6, color=colour, label=label)
    else:
        axes.plot(x, y, lw=0.7 if crowd else 1.5, color=colour, label=label)


def _numbers(values: Sequence[float | None]) -> Array:
    return np.array([np.nan if value is None else value for value in values], float)
