"""The map of a patched verdict: the graph, every edge coloured by E/U."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.report.plots.graph_layout import node_positions
from spicebridge.report.plots.style import new_figure
from spicebridge.verify.patches import PatchedVerdict

LAID_OUT = 2000
"""Nodes above which only graphs with places of their own, or names that are coordinates, are laid out by them."""
DECADES = 2.0
"""Colours run over so many decades on both sides of E = U."""


def draw_map(verdict: PatchedVerdict, path: Path) -> None:
    """Write the map; edges that were not compared are grey."""
    from matplotlib.collections import LineCollection

    network = verdict.network
    assert network is not None
    places = _places(network)
    ends = np.stack([places[network.tail], places[network.head]], axis=1)
    ratio = verdict.map
    with np.errstate(all="ignore"):
        colour = np.log10(ratio)
    tested = np.isfinite(ratio)
    figure = new_figure(7.0, 6.0)
    axes = figure.subplots()
    axes.add_collection(LineCollection(list(ends[~tested]), colors="0.85", linewidths=0.4))
    lines = LineCollection(list(ends[tested]), cmap="coolwarm", linewidths=1.2)
    lines.set_array(np.clip(np.nan_to_num(colour[tested], neginf=-DECADES), -DECADES, DECADES))
    lines.set_clim(-DECADES, DECADES)
    axes.add_collection(lines)
    axes.autoscale()
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(f"{verdict.outcome.value.upper()}: {int(tested.sum())} of {network.n_edges} edges tested")
    bar = figure.colorbar(lines, ax=axes, shrink=0.7)
    bar.set_label("log10 of E / U, above 0 the circuit is wrong")
    figure.savefig(path, dpi=150)


def _places(network: Network) -> Array:
    """Places (n, 2) of the nodes: names that are pairs of numbers, the usual layout, or a spiral of their numbers."""
    names = network.nodes
    if all(
        isinstance(name, tuple) and len(name) == 2 and all(isinstance(x, int | float) for x in name) for name in names
    ):
        return np.array(names, dtype=float)
    if network.n_nodes <= LAID_OUT:
        return node_positions(network)
    k = np.arange(network.n_nodes, dtype=float)
    return np.stack([np.sqrt(k) * np.cos(2.4 * k), np.sqrt(k) * np.sin(2.4 * k)], axis=1)
