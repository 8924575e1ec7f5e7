"""One look for all pictures: sober, light, colour-blind safe (Okabe and Ito; viridis for ordered values)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spicebridge.network import Network
from spicebridge.report.wording import one_line
from spicebridge.waveforms import Waveforms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure


WIDE, HALF = 10.0, 4.8
"""Widths in inches: a picture across the page, and one beside another."""

INK, SOFT, FAINT = "#20242b", "#5b6370", "#d9dde3"
CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9",
          "#332288", "#882255", "#117733", "#AA4499", "#7F7F7F", "#44AA99")  # fmt: skip
SPICE, THEORY, LIMIT = "#0072B2", "#D55E00", "#8a2a00"

MOST_CURVES = len(CURVES)
"""Edges above which a selection is drawn before quantile bands."""

RC: dict[str, object] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": "#9aa1ab",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eceff2",
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 9.2,
    "ytick.labelsize": 9.2,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.2,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "axes.unicode_minus": True,
    "text.parse_math": False,
    "axes.prop_cycle": f"cycler('color', {list(CURVES)})",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """A finished figure with the words that go with it; `wide` pictures go across the page."""

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = True


def look(**changes: object) -> AbstractContextManager[None]:
    """A block in which matplotlib draws in this look, with some `changes`."""
    import matplotlib

    settings: Any = RC | changes
    return matplotlib.rc_context(settings)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that belongs to no graphical session."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def state_colours() -> Colormap:
    """Viridis without its palest end, which a white page swallows."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.92, 256)))


def state_symbol(network: Network | None) -> str:
    """w in the notation of paper 1, x in that of paper 2, s for anything else."""
    if network is None:
        return "s"
    laws = {getattr(group.device, "law", "") for group in network.groups if group.device.stateful}
    return {"caravelli2017": "w", "tunneling": "x"}.get(laws.pop(), "s") if len(laws) == 1 else "s"


def short(label: str, most: int = 14) -> str:
    """A name from a stranger, cut to fit beside a curve."""
    clean = one_line(label)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def edge_labels(waves: Waveforms) -> list[str]:
    """Labels of the edges for curves; parallel edges get their index."""
    twice = {label for label, count in Counter(waves.labels).items() if count > 1}
    return [f"{short(label)} ({k})" if label in twice else short(label) for k, label in enumerate(waves.labels)]


def power_of_ten(largest: float) -> int:
    """The multiple of three k for which largest / 10^k lies in [1, 1000)."""
    if not (math.isfinite(largest) and largest > 0.0):
        return 0
    return 3 * math.floor(math.log10(largest) / 3.0)


SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def times_ten(exponent: int) -> str:
    """'10⁻⁶', or '1' for zero."""
    return "1" if exponent == 0 else "10" + str(exponent).translate(SUPERSCRIPT)


def label_powers(axis: Axis, low: float, high: float, most: int = 9) -> None:
    """Ticks of a logarithmic axis from `low` to `high` as text, the look of the reports parses no formulas: powers of
    ten where there are two of them, else 1, 2, 5 times powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    def label(value: float, position: int) -> str:
        if value <= 0.0:
            return ""
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        if abs(int(exponent)) <= 2:
            return f"{value:.3g}" if value < 1.0 else f"{value:g}"
        front = "" if float(mantissa) == 1.0 else f"{float(mantissa):g}·"
        return front + times_ten(int(exponent))

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 63.0 * low else (1.0,), numticks=most))
    axis.set_major_formatter(FuncFormatter(label))
    axis.set_minor_formatter(NullFormatter())


def label_ends(axes: Axes, values: Sequence[float], texts: Sequence[str], colours: Sequence[str]) -> None:
    """Name curves at their right ends; names that would overlap are moved apart."""
    place_of = axes.transScale.transform
    low, high = (float(place_of((1.0, y))[1]) for y in axes.get_ylim())
    height = axes.get_window_extent().height / axes.figure.dpi
    gap = 0.17 / max(height, 1.0)
    order = np.argsort(values)
    wanted = [(float(place_of((1.0, values[k]))[1]) - low) / (high - low) for k in order]
    for k, (position, place) in enumerate(zip(order, spread(wanted, gap), strict=True)):
        axes.annotate(
            texts[position],
            xy=(1.0, wanted[k]),
            xycoords="axes fraction",
            xytext=(1.03, place),
            textcoords="axes fraction",
            color=colours[position],
            fontsize=9.2,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colours[position], "lw": 0.6, "relpos": (0.0, 0.5)},
        )


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Ascending places at least `gap` apart, as near to the ascending `wanted` ones as blocks allow."""
    blocks: list[tuple[float, int]] = []
    for place in wanted:
        blocks.append((place, 1))
        while len(blocks) > 1:
            (a, m), (b, n) = blocks[-2:]
            if b - a >= gap * (m + n) / 2.0:
                break
            blocks[-2:] = [((a * m + b * n) / (m + n), m + n)]
    return [middle + gap * (j - (n - 1) / 2.0) for middle, n in blocks for j in range(n)]
