"""What a network is, as one self-contained page with pictures, and as JSON.

The pictures: its loops on the graph, its spectrum, the potential of its mean field, two states in their plane.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from spicebridge.analysis.findings_summary import LISTED, MOST_EDGES, NetworkSummary
from spicebridge.analysis.flow import dimensionless
from spicebridge.arrays import Array
from spicebridge.errors import OutputError, SpiceBridgeError
from spicebridge.report.html import render
from spicebridge.report.json import format_json
from spicebridge.report.plots import Plot, render_all
from spicebridge.report.plots.network_graph import MOST_NODES, coloured_graph, name_edges
from spicebridge.report.plots.style import CURVES, HALF, INK, SOFT, SPICE, THEORY, Drawn, new_figure, state_symbol
from spicebridge.report.wording import WORDS, one_line
from spicebridge.theory import solve
from spicebridge.waveforms import replacing

PAGE, DATA = "analysis.html", "analysis.json"
GRID = 17
"""Arrows a side in the plane of two states."""
NAMED = 14
"""Edges up to which Omega_kk stands beside its edge."""


def format_page(summary: NetworkSummary) -> str:
    """The page."""
    points = summary.points
    return render(
        "analysis.html",
        title=summary.title,
        rows=summary.rows,
        points=[] if points is None else points[:LISTED],
        more=0 if points is None else max(0, len(points) - LISTED),
        note=summary.why_no_points if points is None else points.caveat,
        unsettled=0.0 if points is None else points.unsettled,
        labels=summary.analysis.network.edge_labels,
        confirmations=summary.confirmations,
        words={outcome.value: (word.mark, word.colour, word.tint) for outcome, word in WORDS.items()},
        plots=draw(summary),
    )


def write_analysis(folder: str | Path, summary: NetworkSummary) -> Path:
    """Write page and JSON into `folder`, which is made; the path of the page. Raises `OutputError`."""
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{place}: cannot be made: {error.strerror or error}") from None
    for name, text in {DATA: format_json(summary.record()), PAGE: format_page(summary)}.items():
        with replacing(place / name) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return place / PAGE


def draw(summary: NetworkSummary) -> tuple[Plot, ...]:
    """Every picture for which there is something to show."""
    return render_all(partial(_quietly, maker, summary) for maker in (loops, spectrum, potential, plane))


def _quietly(maker: Callable[[NetworkSummary], Drawn | None], summary: NetworkSummary) -> Drawn | None:
    try:
        return maker(summary)
    except SpiceBridgeError:
        return None


def loops(summary: NetworkSummary) -> Drawn | None:
    """The graph, edges coloured by Omega_kk."""
    network = summary.analysis.network
    if not network.is_graph or network.n_nodes > MOST_NODES:
        return None
    share = np.clip(np.diag(summary.analysis.Omega), 0.0, 1.0)
    drawn = coloured_graph(network, share, (0.0, 1.0), "Ω of an edge with itself", np.zeros(network.n_edges, bool))
    size, (x, y) = max(4.0, min(160.0, 2400.0 / network.n_nodes)), drawn.places.T
    drawn.axes.scatter(x, y, s=size, c="white", edgecolors=INK, zorder=4)
    if network.n_edges <= NAMED:
        name_edges(drawn, share, range(network.n_edges), 8.0)
    caption = (
        f"Ω projects on the loops; its diagonal adds up to their number, {summary.analysis.n_loops}. "
        "An edge at 0 is a bridge and carries no current, one near 1 is on loops of its own."
    )
    return Drawn(name="loops", title="The loops", caption=caption, figure=drawn.figure, wide=False)


def spectrum(summary: NetworkSummary) -> Drawn | None:
    """Eigenvalues at the start and at the fixed points, over the pseudospectrum at the start."""
    network = summary.analysis.network
    if network.n_edges > MOST_EDGES or not network.stateful.any():
        return None
    found = summary.analysis.pseudospectrum()
    figure = new_figure(HALF, 4.7)
    axes = figure.add_subplot()
    levels = np.log10(np.maximum(found.sigma, 1e-300))
    lines = axes.contour(found.real, found.imaginary, levels, levels=6, colors="#c3c9d1", linewidths=0.8)
    axes.clabel(lines, fmt=lambda x: f"{10.0**x:.2g}", fontsize=7.5, colors=SOFT)
    axes.axvline(0.0, color=SOFT, linewidth=0.8)
    axes.plot(found.spectrum.real, found.spectrum.imag, "o", color=THEORY, label="at the start", markersize=6)
    for k, point in enumerate((summary.points or ())[:3]):
        label = f"fixed point {k} ({point.kind})"
        axes.plot(point.spectrum.real, point.spectrum.imag, "x", color=CURVES[k + 2], label=label, markersize=7)
    axes.set_xlabel("real part (1/s)")
    axes.set_ylabel("imaginary part (1/s)")
    axes.legend(loc="best")
    caption = (
        "Eigenvalues of the Jacobian. Grey: how large a change of the Jacobian (in 1/s) puts an eigenvalue there, at "
        "the start; where it crosses the line at 0, so small a change makes a stable state unstable."
    )
    return Drawn(name="spectrum", title="The spectrum", caption=caption, figure=figure, wide=False)


def potential(summary: NetworkSummary) -> Drawn | None:
    """V(x) of the mean field with its minima and the centre of the states at the start."""
    network = summary.analysis.network
    V = summary.analysis.potential()
    figure = new_figure(HALF, 4.7)
    axes = figure.add_subplot()
    x = np.linspace(0.0, 1.0, 401)
    axes.plot(x, V(x), color=THEORY, linewidth=2.0)
    axes.plot(V.minima, V(np.array(V.minima)), "o", color=SPICE, label="minimum", markersize=7)
    if V.maxima:
        axes.plot(V.maxima, V(np.array(V.maxima)), "^", color=INK, label=f"barrier {V.barrier:.4g} 1/s", markersize=7)
    centre = float(summary.analysis.x_cg(network.initial_state))
    axes.plot([centre], [float(V(centre))], "D", color="#009E73", label="centre at the start", markersize=6)
    axes.set_xlabel("centre of the states x")
    axes.set_ylabel("V (1/s)")
    axes.legend(loc="best")
    caption = (
        f"The potential in which the centre of the states would move if all were equal (paper 2), for sources of "
        f"{V.s:.4g} V; their spread adds the collective force."
    )
    return Drawn(name="potential", title="The mean field", caption=caption, figure=figure, wide=False)


def plane(summary: NetworkSummary) -> Drawn | None:
    """The two states that move most: rates with the others at their start, and the run itself."""
    network = summary.analysis.network
    inside = network.stateful & dimensionless(network)
    if inside.sum() < 2:
        return None
    path = solve(network, summary.stop, rtol=1e-8, atol=1e-10)
    times = np.linspace(0.0, path.stop, 401)
    states = path(times)
    travel = np.abs(np.diff(states, axis=0)).sum(axis=0) * inside
    a, b = (int(k) for k in np.argsort(-travel, kind="stable")[:2])
    low, high = _frame(states[:, [a, b]], summary.analysis._flow.hard[[a, b]])
    figure = new_figure(HALF, 4.7)
    axes = figure.add_subplot()
    x, y = np.linspace(low[0], high[0], GRID), np.linspace(low[1], high[1], GRID)
    arrows = np.full((GRID, GRID, 2), np.nan)
    for row, height in enumerate(y):
        for column, place in enumerate(x):
            state = np.array(network.initial_state)
            state[a], state[b] = place, height
            try:
                arrows[row, column] = summary.analysis.rate(state)[[a, b]]
            except SpiceBridgeError:
                continue
    size = np.hypot(arrows[..., 0], arrows[..., 1])
    unit = arrows / np.maximum(size, 1e-300)[..., None]
    axes.quiver(
        x, y, unit[..., 0], unit[..., 1], size, cmap="Greys", norm=_shade(size), scale=26.0, width=0.0035, pivot="mid"
    )
    axes.plot(states[:, a], states[:, b], color=THEORY, linewidth=2.0, label=f"the run over {path.stop:.4g} s")
    axes.plot(states[:1, a], states[:1, b], "o", color=THEORY, markersize=6)
    for k, point in enumerate((summary.points or ())[:8]):
        place = point.state[[a, b]]
        if ((low <= place) & (place <= high)).all():
            fill = "full" if point.stable else "none"
            label = "stable points, projected" if point.stable and k == 0 else None
            axes.plot(*place[:, None], "s", markersize=7, color=INK, fillstyle=fill, label=label)
    symbol = state_symbol(network)
    axes.set_xlabel(f"{symbol} of {one_line(network.edge_names[a])}")
    axes.set_ylabel(f"{symbol} of {one_line(network.edge_names[b])}")
    axes.legend(loc="best")
    when = "" if network.bank.constant else " at t = 0"
    caption = (
        f"Arrows: rates{when} with all other states at their start, dark where fast. The two states that travel "
        "furthest."
    )
    return Drawn(name="plane", title="Two states in their plane", caption=caption, figure=figure, wide=False)


def _frame(states: Array, hard: Array) -> tuple[Array, Array]:
    """Corners of a square picture around the run: the whole of [0, 1] where bounds are hard."""
    low, high = states.min(axis=0), states.max(axis=0)
    room = 0.25 * max(float((high - low).max()), 1e-3)
    return np.where(hard, 0.0, low - room), np.where(hard, 1.0, high + room)


def _shade(size: Array) -> object:
    from matplotlib.colors import Normalize

    top = float(np.nanmax(size)) if np.isfinite(size).any() else 1.0
    return Normalize(-0.6 * top, top)
