"""What a notebook shows of a network, of waveforms and of a verdict: small inline SVG, legible in light and dark.

Colours come from the page (``currentColor``); every line has a title that a browser shows under the pointer.
"""

from __future__ import annotations

import math
from functools import singledispatch
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.report.plots.graph_layout import edge_paths, node_positions
from spicebridge.report.ruler import ruler_of
from spicebridge.report.summary import HEIGHT, WIDTH, Report, from_and_to, sparkline
from spicebridge.report.wording import WORDS, format_number
from spicebridge.verify.verdict import Verdict
from spicebridge.waveforms import Waveforms, replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 24
"""Edges that get a sparkline of their own; a table of thousands helps nobody."""
DRAWN_EDGES = 400
LABELLED_EDGES = 30


@singledispatch
def html(thing: object) -> str:
    """The HTML of a thing that can be shown."""
    raise TypeError(f"{type(thing).__name__} has no picture")


@singledispatch
def plot(thing: object, axes: Axes | None = None) -> Axes:
    """Draw a thing with matplotlib."""
    raise TypeError(f"{type(thing).__name__} has no plot")


def record_of(verdict: Verdict) -> dict[str, object]:
    """What ``verdict.json`` holds."""
    from spicebridge.report.json import record

    return record(_report(verdict))


def save(verdict: Verdict, path: Path) -> None:
    """Write the record of a verdict."""
    from spicebridge.report.json import format_json

    with replacing(path) as temporary:
        temporary.write_text(format_json(record_of(verdict)), encoding="utf-8", newline="\n")


def report(verdict: Verdict, folder: Path) -> Path:
    """Write the whole report of a verdict and return its page."""
    from spicebridge.report.writer import check_folder, write_report

    check_folder(folder)
    write_report(folder, _report(verdict))
    return folder / "report.html"


def _report(verdict: Verdict) -> Report:
    network = verdict.network
    title = (network.title if network is not None else "") or "memristive network"
    return Report(verdict=verdict, title=title)


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(6.4, 3.6), layout="constrained")[1]


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th style='text-align:left'>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"


@html.register
def _(network: Network) -> str:
    laws = ", ".join(dict.fromkeys(group.device.kind for group in network.groups))
    rows = [("edges", str(network.n_edges)), ("laws", escape(laws))]
    if network.is_graph:
        from spicebridge.theory.currents.topology import Topology

        loops = Topology.of(network).n_loops
        rows = [
            ("nodes", str(network.n_nodes)),
            *rows,
            ("loops", str(loops)),
            ("effective memory", f"{loops / network.n_edges:.3g}"),
        ]
    rows.append(("sources", str(sum(drive is not None for drive in network.drives))))
    title = escape(network.title or "memristive network")
    return f"<div><b>{title}</b>{_table(rows)}{_graph(network)}</div>"


def _graph(network: Network) -> str:
    if not network.is_graph or network.n_edges > DRAWN_EDGES:
        return ""
    places = node_positions(network)
    curves = edge_paths(network, places)
    every = np.concatenate([places, *curves])
    low, span = every.min(axis=0), float(np.ptp(every, axis=0).max()) or 1.0
    size = 260.0

    def paper(points: Array) -> Array:
        out = (points - low) / span * (size - 40.0) + 20.0
        out[:, 1] = size - out[:, 1]
        return np.asarray(out)

    lines = []
    for k, curve in enumerate(curves):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in paper(curve[:: max(1, len(curve) // 12)]))
        dash = " stroke-dasharray='4 3'" if network.P[k] < 0 else ""
        name = escape(network.edge_name(k))
        lines.append(
            f"<polyline points='{points}' fill='none' stroke='currentColor'{dash}><title>{name}</title></polyline>"
        )
    for node, (x, y) in zip(network.nodes, paper(places), strict=True):
        lines.append(
            f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='currentColor'><title>{escape(str(node))}</title></circle>"
        )
        if network.n_edges <= LABELLED_EDGES:
            lines.append(
                f"<text x='{x + 6:.1f}' y='{y - 6:.1f}' font-size='11' fill='currentColor'>{escape(str(node))}</text>"
            )
    return f"<svg width='{size:g}' height='{size:g}' role='img' aria-label='the graph'>{''.join(lines)}</svg>"


@html.register
def _(waves: Waveforms) -> str:
    rows = []
    for k in range(min(waves.n_edges, MOST_ROWS)):
        label = escape(waves.labels[k])
        line = _spark(waves.t, waves.state[:, k], f"state of {label}")
        rows.append(f"<tr><th>{label}</th><td>{line}</td><td>{from_and_to(waves, k)}</td></tr>")
    more = f"<p>… and {waves.n_edges - MOST_ROWS} more edges</p>" if waves.n_edges > MOST_ROWS else ""
    span = f"{waves.t[0]:g} to {waves.t[-1]:g} s, {waves.t.size} points"
    head = "<tr><th>edge</th><th>state over time</th><th>from, to</th></tr>"
    return f"<div><b>{escape(waves.source or 'waveforms')}</b>, {span}<table>{head}{''.join(rows)}</table>{more}</div>"


def _spark(t: Array, values: Array, title: str) -> str:
    line = f"<polyline points='{sparkline(t, values)}' fill='none' stroke='currentColor'/>"
    box = f"width='{WIDTH}' height='{HEIGHT}' role='img' aria-label='{title}'"
    return f"<svg {box}><title>{title}</title>{line}</svg>"


@html.register
def _(verdict: Verdict) -> str:
    word = WORDS[verdict.outcome]
    badge = f"<b style='color:{word.colour};background:{word.tint};padding:2px 8px'>{word.mark} {verdict.outcome}</b>"
    rows = [
        (name, format_number(value) if math.isfinite(value) else "unknown")
        for name, value in (("E", verdict.max_error), ("U", verdict.uncertainty), ("tolerance", verdict.tolerance))
    ]
    return f"<div>{badge} {escape(verdict.reason)}{_ruler(verdict)}{_table(rows)}</div>"


def _ruler(verdict: Verdict) -> str:
    line = ruler_of(verdict.max_error, verdict.uncertainty, verdict.tolerance)
    if line is None:
        return ""
    parts = ["<line x1='0' x2='420' y1='30' y2='30' stroke='currentColor'/>"]
    for k, mark in enumerate(line.marks.values()):
        x, y = 4.2 * mark.x, (14, 26, 52)[k]
        title = f"<title>{escape(mark.name)} {escape(mark.value)}</title>"
        parts.append(f"<circle cx='{x:.1f}' cy='30' r='5' fill='currentColor'>{title}</circle>")
        parts.append(
            f"<text x='{min(x, 340):.1f}' y='{y}' font-size='11' fill='currentColor'>{mark.name} {mark.value}</text>"
        )
    return f"<svg width='440' height='60' role='img' aria-label='E, U and tolerance on a line'>{''.join(parts)}</svg>"


@plot.register(Network)
def _(network: Network, axes: Axes | None = None) -> Axes:
    axes = axes or _new_axes()
    places = node_positions(network)
    for k, curve in enumerate(edge_paths(network, places)):
        axes.plot(*curve.T, color="0.4", linestyle="--" if network.P[k] < 0 else "-", zorder=1)
    axes.scatter(*places.T, zorder=2)
    if network.n_edges <= LABELLED_EDGES:
        for node, place in zip(network.nodes, places, strict=True):
            axes.annotate(str(node), place, textcoords="offset points", xytext=(6, 6))
    axes.set_aspect("equal")
    axes.set_axis_off()
    return axes


@plot.register(Waveforms)
def _(waves: Waveforms, axes: Axes | None = None) -> Axes:
    axes = axes or _new_axes()
    for k in range(waves.n_edges):
        axes.plot(waves.t, waves.state[:, k], label=waves.labels[k])
    axes.set_xlabel("t (s)")
    axes.set_ylabel("state")
    if waves.n_edges <= MOST_ROWS:
        axes.legend(title="edge", ncols=2, fontsize="small")
    return axes


@plot.register(Verdict)
def _(verdict: Verdict, axes: Axes | None = None) -> Axes:
    axes = axes or _new_axes()
    values = {"E": verdict.max_error, "U": verdict.uncertainty, "tolerance": verdict.tolerance}
    for height, (name, value) in enumerate(values.items()):
        if value > 0.0:
            axes.plot([value], [0], "o")
            axes.annotate(f"{name} {value:.3g}", (value, 0), textcoords="offset points", xytext=(0, 8 + 12 * height))
    axes.set_xscale("log")
    axes.set_yticks([])
    axes.set_title(str(verdict.outcome))
    return axes
