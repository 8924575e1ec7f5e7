"""States of theory and SPICE on one axis, and their difference D = s_spice - s_theory under it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spicebridge.report.plots.style import (
    CURVES,
    INK,
    LIMIT,
    MOST_CURVES,
    SOFT,
    SPICE,
    WIDE,
    Drawn,
    edge_labels,
    label_ends,
    new_figure,
    power_of_ten,
    state_symbol,
    times_ten,
)
from spicebridge.report.plots.vector import TITLED
from spicebridge.report.summary import Report
from spicebridge.report.wording import format_number
from spicebridge.waveforms import Waveforms

if TYPE_CHECKING:
    from matplotlib.axes import Axes


BAND_ROWS = 3000
"""Time points at most for quantile bands; extremes always use all of them."""

FEW = 5
"""Edges drawn by name on top of bands."""

ONE_LINE = 3e-3
"""Curves nearer than this part of the range of states look like one line."""

ROOM_FOR_U = 6.0
"""The band of U is shown in full up to this many E, and goes off scale beyond."""


def figure(report: Report) -> Drawn | None:
    spice, theory = report.verdict.spice, report.verdict.theory
    waves = spice or theory
    if waves is None:
        return None
    both = spice is not None and theory is not None and np.array_equal(spice.t, theory.t)
    stateful = _stateful(report, waves)
    if stateful.size == 0:
        return None
    edges = _chosen(report, waves, stateful)
    bundles = _bundles([w for w in (spice, theory) if w is not None], edges.tolist())
    colours = {k: colour for colour, bundle in zip(CURVES, bundles, strict=False) for k in bundle}
    picture = new_figure(WIDE, 6.4 if both else 4.0)
    rows = picture.subplots(2 if both else 1, 1, sharex=True, squeeze=False, height_ratios=[5, 3] if both else [1])
    top = rows[0, 0]
    symbol = state_symbol(report.network)
    crowd = stateful.size > MOST_CURVES
    if crowd:
        _bands(top, waves, stateful)
    for bundle in bundles:
        k = bundle[0]
        if theory is not None:
            top.plot(theory.t, theory.state[:, k], color=colours[k], lw=4.6, alpha=0.30)
        if spice is not None:
            top.plot(spice.t, spice.state[:, k], color=colours[k], lw=1.2, gid=TITLED + _names(waves, bundle))
    trial = report.verdict.trial
    if trial is not None:
        for bundle in bundles:
            for k in bundle:
                top.plot(trial.t, trial.state[:, k], color=INK, lw=1.0, ls=(0, (1.5, 2.0)))
    _walls(top)
    top.set_ylabel(f"state {symbol}")
    top.set_xlim(float(waves.t[0]), float(waves.t[-1]) or 1.0)
    _key(top, spice is not None, theory is not None, trial is not None)
    label_ends(
        top,
        [float(waves.state[-1, bundle[0]]) for bundle in bundles],
        [_names(waves, bundle) for bundle in bundles],
        [colours[bundle[0]] for bundle in bundles],
    )
    if both:
        assert spice is not None
        assert theory is not None
        _difference(rows[1, 0], report, spice, theory, stateful, edges.tolist(), colours, crowd)
    until = _horizon(report, waves)
    if until is not None:
        for row in rows[:, 0]:
            row.axvline(until, color=INK, lw=0.8, ls=(0, (4.0, 2.0)))
    rows[-1, 0].set_xlabel("time (s)")
    return Drawn(
        name="states",
        title="States, theory against SPICE",
        caption=_caption(report, stateful, edges, crowd),
        figure=picture,
    )


def _horizon(report: Report, waves: Waveforms) -> float | None:
    """The time in s up to which the run agrees, None where it does to the end or nowhere."""
    until = report.verdict.agrees_until
    return until if until is not None and waves.t[0] < until < waves.t[-1] else None


def _stateful(report: Report, waves: Waveforms) -> NDArray[np.intp]:
    if report.network is None:
        return np.arange(waves.n_edges)
    return np.flatnonzero(report.network.stateful)


def _chosen(report: Report, waves: Waveforms, stateful: NDArray[np.intp]) -> NDArray[np.intp]:
    """All edges when they are few; else those with the largest difference, swing and final extremes."""
    if stateful.size <= MOST_CURVES:
        return stateful
    state = waves.state[:, stateful]
    ranking = [int(np.argmax(np.ptp(state, axis=0))), int(np.argmax(state[-1])), int(np.argmin(state[-1]))]
    spice, theory = report.verdict.spice, report.verdict.theory
    if spice is not None and theory is not None and np.array_equal(spice.t, theory.t):
        gap = np.abs(spice.state[:, stateful] - theory.state[:, stateful]).max(axis=0)
        ranking.insert(0, int(np.argmax(gap)))
    middle = np.argsort(state[-1], kind="stable")
    ranking += [int(middle[middle.size // 2]), int(middle[middle.size // 4])]
    return stateful[list(dict.fromkeys(ranking))[:FEW]]


def _bundles(branches: list[Waveforms], edges: list[int]) -> list[list[int]]:
    """Edges whose curves cannot be told apart on paper, in no branch, share a colour and a label."""
    near = ONE_LINE * float(np.ptp(branches[0].state[:, edges]))
    bundles: list[list[int]] = []
    for k in edges:
        for bundle in bundles:
            if all(np.abs(w.state[:, k] - w.state[:, bundle[0]]).max() <= near for w in branches):
                bundle.append(k)
                break
        else:
            bundles.append([k])
    return bundles


def _names(waves: Waveforms, bundle: list[int]) -> str:
    labels = edge_labels(waves)
    names = ", ".join(labels[k] for k in bundle[:3])
    return names + (f" +{len(bundle) - 3}" if len(bundle) > 3 else "")


def _bands(axes: Axes, waves: Waveforms, edges: NDArray[np.intp]) -> None:
    stride = max(1, math.ceil(waves.t.size / BAND_ROWS))
    rows = np.unique(np.r_[0 : waves.t.size : stride, waves.t.size - 1])
    t, state = waves.t[rows], waves.state[np.ix_(rows, edges)]
    low, q1, q3, high = np.quantile(state, [0.0, 0.25, 0.75, 1.0], axis=1)
    axes.fill_between(t, low, high, color=SPICE, alpha=0.10, lw=0, label="all edges")
    axes.fill_between(t, q1, q3, color=SPICE, alpha=0.16, lw=0, label="middle half")


def _walls(axes: Axes) -> None:
    """Mark 0 and 1 where the states come near; they are the limits of the resistance."""
    low, high = axes.get_ylim()
    for wall in (0.0, 1.0):
        if low - 0.02 <= wall <= high + 0.02:
            axes.axhline(wall, color=SOFT, lw=0.8, ls=(0, (1, 2)))


def _key(axes: Axes, spice: bool, theory: bool, trial: bool) -> None:
    from matplotlib.artist import Artist
    from matplotlib.lines import Line2D

    entries: list[tuple[Artist, str]] = []
    if theory:
        entries.append((Line2D([], [], color=SOFT, lw=4.6, alpha=0.35), "theory"))
    if spice:
        entries.append((Line2D([], [], color=INK, lw=1.2), "SPICE"))
    if trial:
        entries.append((Line2D([], [], color=INK, lw=1.0, ls=(0, (1.5, 2.0))), "your theory"))
    entries += zip(*axes.get_legend_handles_labels(), strict=True)
    handles, names = zip(*entries, strict=True)
    axes.legend(handles, names, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, borderaxespad=0.1)


def _difference(
    axes: Axes,
    report: Report,
    spice: Waveforms,
    theory: Waveforms,
    stateful: NDArray[np.intp],
    edges: list[int],
    colours: dict[int, str],
    crowd: bool,
) -> None:
    gap = spice.state - theory.state
    largest = float(np.abs(gap[:, stateful]).max(initial=0.0))
    own = report.verdict.signals.get("state")
    U = report.verdict.uncertainty if own is None else own.uncertainty
    top = largest
    if math.isfinite(U):
        top = max(largest, min(U, ROOM_FOR_U * largest)) if largest > 0.0 else U
    exponent = power_of_ten(top)
    unit = 10.0**exponent
    if math.isfinite(U):
        axes.axhspan(-U / unit, U / unit, color="#7d8896", alpha=0.13, lw=0)
    if crowd:
        inside = gap[:, stateful] / unit
        axes.fill_between(spice.t, inside.min(axis=1), inside.max(axis=1), color=SPICE, alpha=0.18, lw=0)
    for k in edges:
        axes.plot(spice.t, gap[:, k] / unit, color=colours[k], lw=1.1, gid=TITLED + spice.labels[k])
    limit = 1.18 * top / unit if top > 0 else 1.0
    axes.set_ylim(-limit, limit)
    heights: list[float] = []
    names: list[str] = []
    tints: list[str] = []
    for level, name, colour, dash in ((report.verdict.tolerance, "tolerance", LIMIT, (0, (4, 3))), (U, "U", SOFT, "-")):
        if not level / unit <= limit:
            continue
        for sign in (-1.0, 1.0):
            axes.axhline(sign * level / unit, color=colour, lw=0.9, ls=dash)
        heights.append(level / unit)
        names.append(f"±{name}")
        tints.append(colour)
    label_ends(axes, heights, names, tints)
    if math.isfinite(U) and U / unit > limit:
        note = f"±U = {format_number(U)}, off scale"
        axes.text(0.995, 0.95, note, transform=axes.transAxes, ha="right", va="top", fontsize=9.2, color=SOFT)
    axes.axhline(0.0, color="#9aa1ab", lw=0.8)
    axes.set_ylabel("SPICE − theory" + (f" ({times_ten(exponent)})" if exponent else ""))


def _caption(report: Report, stateful: NDArray[np.intp], edges: NDArray[np.intp], crowd: bool) -> str:
    parts = ["Broad lines: the network equation. Fine lines: the circuit in SPICE, at its finest step."]
    if report.verdict.theory is None:
        parts = ["The circuit in SPICE; there is no theory to compare it with."]
    elif report.verdict.spice is None:
        parts = ["The network equation; there is no circuit run to compare it with."]
    else:
        parts.append(
            "Below, their difference; the grey band is ±U of the states, inside which numerical error can explain it."
        )
        if report.verdict.provenance.get("norm") == "events":
            parts.append("E forgives small shifts in time of sudden changes; the difference drawn here does not.")
    if report.verdict.trial is not None:
        parts.insert(1, "Dotted: the theory on trial.")
    waves = report.verdict.spice or report.verdict.theory
    until = None if waves is None else _horizon(report, waves)
    if until is not None:
        parts.append(f"Dashed: t = {format_number(until)} s, up to which the rule says that they agree.")
    if crowd:
        parts.append(
            f"{edges.size} of {stateful.size} edges are drawn by name: the one with the largest difference, "
            "the largest swing, and high, middle and low final states; bands cover all."
        )
    return " ".join(parts)
