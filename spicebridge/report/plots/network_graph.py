"""The network itself, coloured by the states at the end: a graph, or the heat map of a loop matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.network import Network
from spicebridge.report.plots.graph_layout import edge_paths, node_positions
from spicebridge.report.plots.style import HALF, INK, Drawn, new_figure, state_colours, state_symbol
from spicebridge.report.summary import Report
from spicebridge.report.wording import format_seconds, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NODES = 1000
"""Nodes above which a drawing shows nothing any more."""
NARROW = 0.2
"""States that differ by less are coloured on a scale of this width, so that equal ones look equal."""
NAMED_NODES = 40
LONGEST_NAME = 4
NAMED_EDGES = 14
MOST_ARROWS = 300
MEMORYLESS = "#b9bfc8"


def figure(report: Report) -> Drawn | None:
    network = report.network
    if network is None or network.n_nodes > MOST_NODES:
        return None
    state, when = _state(report, network)
    return _matrix(network, state, when) if not network.is_graph else _graph(report, network, state, when)


def _state(report: Report, network: Network) -> tuple[Array, str]:
    waves = report.verdict.spice or report.verdict.theory
    if waves is None:
        return np.asarray(network.initial_state), "at the start"
    return waves.state[-1], f"at t = {format_seconds(float(waves.t[-1]))}"


def _scale(network: Network, state: Array) -> tuple[float, float]:
    """0 to 1, or wider where states leave it, or the range of states if that is narrow."""
    inner = state[network.stateful]
    if inner.size == 0:
        return 0.0, 1.0
    low, high = float(inner.min()), float(inner.max())
    if high - low < NARROW:
        bottom = (low + high - NARROW) / 2.0
        if low >= 0.0 and high <= 1.0:
            bottom = min(max(bottom, 0.0), 1.0 - NARROW)
        return bottom, bottom + NARROW
    return (min(low, 0.0), max(high, 1.0)) if high - low > 0.5 else (low, high)


@dataclass(frozen=True, kw_only=True)
class ColouredGraph:
    """A graph on empty axes, its edges coloured by numbers; `width` of edges in pt."""

    figure: Figure
    axes: Axes
    places: Array
    paths: list[Array]
    width: float


def coloured_graph(
    network: Network, values: Array, span: tuple[float, float], name: str, grey: BoolArray
) -> ColouredGraph:
    """Draw the edges in the colours of `values` (n_e,), but the `grey` ones, and a bar called `name` over `span`."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import LineCollection
    from matplotlib.colors import Normalize, to_rgba

    places = node_positions(network)
    paths = edge_paths(network, places)
    figure = new_figure(HALF, 4.7)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal", adjustable="datalim")
    scale = Normalize(*span)
    colours = np.asarray(state_colours()(scale(values)))
    colours[grey] = to_rgba(MEMORYLESS)
    width = float(np.clip(20.0 / math.sqrt(network.n_edges) + 0.8, 1.0, 6.5))
    axes.add_collection(LineCollection(paths, colors=INK, linewidths=width + 0.9, capstyle="round"))
    axes.add_collection(LineCollection(paths, colors=colours, linewidths=width, capstyle="round"))
    axes.autoscale_view()
    axes.margins(0.09)
    shades = ScalarMappable(scale, state_colours())
    bar = figure.colorbar(shades, ax=axes, location="bottom", pad=0.02, aspect=36, fraction=0.05)
    bar.set_label(name)
    bar.outline.set_visible(False)
    return ColouredGraph(figure=figure, axes=axes, places=places, paths=paths, width=width)


def name_edges(drawn: ColouredGraph, values: Array, edges: Iterable[int], size: float) -> None:
    """Write the value of some edges beside them."""
    box = {"boxstyle": "round,pad=0.18", "fc": "white", "ec": "none"}
    for k in edges:
        x, y = drawn.paths[k][int(0.36 * (len(drawn.paths[k]) - 1))].tolist()
        text = f"{values[k]:.3f}"
        drawn.axes.text(x, y, text, fontsize=size, color=INK, zorder=6, ha="center", va="center", bbox=box)


def _graph(report: Report, network: Network, state: Array, when: str) -> Drawn:
    from matplotlib.collections import LineCollection

    label = f"state {state_symbol(network)} {when}"
    drawn = coloured_graph(network, state, _scale(network, state), label, ~network.stateful)
    axes, places, paths, width = drawn.axes, drawn.places, drawn.paths, drawn.width
    active = network.P < 0
    if active.any():
        chosen = [paths[k] for k in np.flatnonzero(active)]
        axes.add_collection(
            LineCollection(chosen, colors="white", linewidths=max(0.9, width / 3.2), linestyles=(0, (2.0, 2.0)))
        )
    if network.n_edges <= MOST_ARROWS:
        _arrows(axes, network, paths, places, width)
    _nodes(axes, network, places)
    if network.n_edges <= NAMED_EDGES:
        name_edges(drawn, state, np.flatnonzero(network.stateful), 9.8)
    return Drawn(
        name="network", title="The network", caption=_graph_caption(report, network), figure=drawn.figure, wide=False
    )


def _arrows(axes: Axes, network: Network, paths: list[Array], places: Array, width: float) -> None:
    """A triangle on every edge from tail to head; hollow where the polarity is -1. `width` of edges in pt."""
    from matplotlib.collections import PolyCollection

    span = float(np.ptp(places, axis=0).max()) or 1.0
    size = (0.8 * width + 1.6) * span / (72.0 * HALF)
    shapes = []
    for path in paths:
        at = int(0.62 * (len(path) - 1))
        step = path[at + 1] - path[at - 1]
        along = step / (np.hypot(*step) or 1.0)
        across = np.array([-along[1], along[0]])
        back = path[at] - along * size * 0.8
        shapes.append([path[at] + along * size, back + across * size, back - across * size])
    faces = np.where(network.J < 0, "white", INK)
    axes.add_collection(PolyCollection(shapes, facecolors=list(faces), edgecolors=INK, linewidths=0.7, zorder=3))


def _nodes(axes: Axes, network: Network, places: Array) -> None:
    """Nodes as discs, with their names as far as these fit inside."""
    few, some = network.n_nodes <= 16, network.n_nodes <= NAMED_NODES
    size = 260.0 if few else 130.0 if some else max(4.0, 2400.0 / network.n_nodes)
    axes.scatter(places[:, 0], places[:, 1], s=size, c="white", edgecolors=INK, linewidths=1.0, zorder=4)
    for name, place in zip(network.nodes, places, strict=True):
        label = ",".join(map(str, name)) if isinstance(name, tuple) else one_line(str(name))
        if some and len(label) <= LONGEST_NAME:
            font = (9.0 if few else 7.0) * min(1.0, 2.2 / max(len(label), 1))
            axes.text(
                float(place[0]), float(place[1]), label, ha="center", va="center", zorder=5, fontsize=max(font, 9.2)
            )


def _graph_caption(report: Report, network: Network) -> str:
    parts = []
    if network.n_edges <= MOST_ARROWS:
        hollow = ", hollow at polarity −1" if (network.J < 0).any() else ""
        parts.append(f"Arrows go from tail to head{hollow}.")
    if (network.P < 0).any():
        parts.append("Dashed edges are active: their resistance is negative.")
    if not network.stateful.all():
        parts.append("Grey edges have no memory.")
    if report.verdict.worst_edge:
        parts.append(f"The largest difference is on {report.verdict.worst_edge}.")
    return " ".join(parts)


def _matrix(network: Network, state: Array, when: str) -> Drawn:
    A = np.asarray(network.loop_matrix)
    picture = new_figure(HALF, 4.7)
    top, bottom = picture.subplots(2, 1, height_ratios=[9, 1], sharex=True)
    limit = float(np.abs(A).max())
    drawn = top.imshow(A, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    top.set_ylabel("loop")
    top.grid(False)
    low, high = _scale(network, state)
    strip = bottom.imshow(state[None], cmap=state_colours(), vmin=low, vmax=high, aspect="auto")
    bottom.set_yticks([])
    bottom.grid(False)
    bottom.set_xlabel("edge")
    for axes in (top, bottom):
        axes.spines[:].set_visible(False)
    picture.colorbar(drawn, ax=top, pad=0.02, aspect=26).set_label("entry of A")
    bar = picture.colorbar(strip, ax=bottom, pad=0.02, aspect=3)
    bar.set_label(state_symbol(network))
    caption = f"The loop matrix A, and under it the state of every edge {when}. No graph belongs to it."
    return Drawn(name="network", title="The loop matrix", caption=caption, figure=picture, wide=False)
