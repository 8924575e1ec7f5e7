"""Current against voltage of single memristors: pinched hysteresis loops under alternating sources."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.report.plots.style import (
    HALF,
    SOFT,
    WIDE,
    Drawn,
    edge_labels,
    new_figure,
    power_of_ten,
    state_colours,
    times_ten,
)
from spicebridge.report.summary import Report
from spicebridge.waveforms import Waveforms

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MOST_LOOPS, MOST_LINES = 6, 3
"""Panels at most, under alternating sources and under others."""
SEGMENTS = 2400
"""Line segments at most in one panel."""
SAME_CURVE = 1e-3
"""Curves that differ by less, relative to their size, are drawn once."""
PIECES = 60
"""Pieces of one colour in a loop."""


def figure(report: Report) -> Drawn | None:
    from matplotlib.collections import LineCollection
    from matplotlib.colors import Normalize

    waves = report.verdict.spice or report.verdict.theory
    if waves is None or waves.t.size < 2:
        return None
    alternating = report.network is not None and _alternates(report.network, waves.t)
    edges = _chosen(report, waves, MOST_LOOPS if alternating else MOST_LINES)
    if not edges:
        return None
    columns = 4 if len(edges) == 4 else min(3, len(edges))
    rows = math.ceil(len(edges) / columns)
    alone = len(edges) == 1
    picture = new_figure(HALF, 4.7) if alone else new_figure(WIDE, 0.5 + 2.9 * rows)
    panels = picture.subplots(rows, columns, squeeze=False)
    stride = max(1, math.ceil(waves.t.size / SEGMENTS))
    keep = np.unique(np.r_[0 : waves.t.size : stride, waves.t.size - 1])
    t = waves.t[keep]
    clock = Normalize(float(t[0]), float(t[-1]))
    volt = power_of_ten(max(float(np.abs(waves.voltage[:, k]).max()) for k in edges))
    ampere = power_of_ten(max(float(np.abs(waves.current[:, k]).max()) for k in edges))
    names = edge_labels(waves)
    lines = None
    for axes, k in zip(panels.flat, edges, strict=False):
        x = waves.voltage[keep, k] / 10.0**volt
        y = waves.current[keep, k] / 10.0**ampere
        points = np.column_stack([x, y])
        cuts = np.unique(np.linspace(0, t.size - 1, min(t.size, PIECES + 1)).round().astype(int))
        pieces = [points[a : b + 1] for a, b in pairwise(cuts.tolist())]
        lines = LineCollection(pieces, cmap=state_colours(), norm=clock, lw=1.8)
        lines.set_array(t[cuts[:-1]])
        lines.set_capstyle("butt")
        axes.add_collection(lines)
        _frame(axes, x, y, alternating)
        axes.set_title(f"edge {names[k]}")
    for axes in panels.flat[len(edges) :]:
        axes.set_visible(False)
    for axes in panels.flat[max(0, len(edges) - columns) : len(edges)]:
        axes.set_xlabel(f"voltage v ({_unit(volt, 'V')})")
    for axes in panels[:, 0]:
        axes.set_ylabel(f"current i ({_unit(ampere, 'A')})")
    assert lines is not None
    bar = picture.colorbar(lines, ax=panels, pad=0.015, aspect=34, fraction=0.03)
    bar.set_label("time (s)")
    bar.outline.set_visible(False)
    title = "Pinched hysteresis loops" if alternating else "Current against voltage"
    return Drawn(
        name="loops", title=title, caption=_caption(report, waves, edges, alternating), figure=picture, wide=not alone
    )


def _unit(exponent: int, unit: str) -> str:
    return {0: unit, 3: f"k{unit}", -3: f"m{unit}", -6: f"µ{unit}", -9: f"n{unit}"}.get(
        exponent, f"{times_ten(exponent)} {unit}"
    )


def _frame(axes: Axes, x: Array, y: Array, alternating: bool) -> None:
    axes.locator_params(axis="x", nbins=4)
    for values, setter in ((x, axes.set_xlim), (y, axes.set_ylim)):
        low, high = float(values.min()), float(values.max())
        if alternating:
            low, high = min(low, 0.0), max(high, 0.0)
        room = 0.08 * (high - low) or 0.05 * max(abs(high), 1e-3)
        setter(low - room, high + room)
    if alternating:
        axes.axhline(0.0, color=SOFT, lw=0.7)
        axes.axvline(0.0, color=SOFT, lw=0.7)


def _chosen(report: Report, waves: Waveforms, most: int) -> list[int]:
    """Edges whose state swings most, each curve once; edges without current are left out."""
    network = report.network
    candidates = np.arange(waves.n_edges) if network is None else np.flatnonzero(network.stateful)
    top = float(np.abs(waves.current).max(initial=0.0))
    candidates = candidates[np.abs(waves.current[:, candidates]).max(axis=0) > SAME_CURVE * top]
    swing = np.ptp(waves.state[:, candidates], axis=0)
    chosen: list[int] = []
    for k in candidates[np.argsort(-swing, kind="stable")].tolist():
        if not any(_same(waves, k, other) for other in chosen):
            chosen.append(k)
        if len(chosen) == most:
            break
    return sorted(chosen)


def _same(waves: Waveforms, k: int, other: int) -> bool:
    """Whether two edges trace one curve, up to the sign of both axes."""
    for sign in (1.0, -1.0):
        gaps = [np.abs(y[:, k] - sign * y[:, other]).max() for y in (waves.voltage, waves.current)]
        sizes = [np.abs(y[:, other]).max() for y in (waves.voltage, waves.current)]
        if all(gap <= SAME_CURVE * size for gap, size in zip(gaps, sizes, strict=True)):
            return True
    return False


def _alternates(network: Network, t: Array) -> bool:
    """Whether any source changes sign during the run."""
    S = network.bank(t)
    return bool(((S.min(axis=0) < 0.0) & (S.max(axis=0) > 0.0)).any())


def _caption(report: Report, waves: Waveforms, edges: list[int], alternating: bool) -> str:
    parts = [
        "Voltage over the memristor and current through it in SPICE; colour is time."
        if report.verdict.spice is not None
        else "Voltage over the memristor and current through it, from the equation; colour is time."
    ]
    parts.append(
        "A memristor has no current without voltage, so every loop is pinched at the origin."
        if alternating
        else "The sources keep their sign, so no loop through the origin is to be expected."
    )
    if len(edges) < waves.n_edges:
        parts.append(f"{len(edges)} of {waves.n_edges} edges: the largest swings of the state, equal curves once.")
    return " ".join(parts)
