"""The drawing: the network as it is wired, and under it every edge part by part, with the nets between the parts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.lab.design.plan import Plan
from spicebridge.lab.design.reactances import amount, memristive
from spicebridge.lab.design.wiring import Component, node_net, wire
from spicebridge.lab.kit.layout import label_places, node_places
from spicebridge.laws.plain import ohms
from spicebridge.quantities import format_quantity
from spicebridge.report.plots.graph_layout import bends, edge_paths

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

ACTIVE, MEMORY, PLAIN = "#b03030", "#204a87", "#555555"
WIDTH, NETWORK_HEIGHT, STRIP = 10.0, 7.0, 1.05
"""Inches: the drawing, its upper part, and one edge of its lower part."""
COLUMNS = 2
NODE_LETTERS = 6
"""Letters of a node's own name that fit into its dot."""
NETWORK_LABELS = "network"
"""Group of the labels whose places were chosen, for those who want to check them."""


def draw_schematic(plan: Plan) -> bytes:
    """SVG, byte-deterministic."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "spicebridge", "svg.fonttype": "none", "text.parse_math": False}):
        out = io.BytesIO()
        schematic(plan).savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def schematic(plan: Plan) -> Figure:
    """The figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-plan.network.n_edges // COLUMNS)
    height = NETWORK_HEIGHT + STRIP * rows + 0.3
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    top = NETWORK_HEIGHT / height
    _network(figure.add_axes((0.02, 1.0 - top, 0.96, top * 0.93)), plan)
    below = figure.add_axes((0.01, 0.0, 0.98, 1.0 - top))
    below.set_axis_off()
    below.set_xlim(0.0, COLUMNS)
    below.set_ylim(-rows, 0.1)
    parts = wire(plan)
    for k in range(plan.network.n_edges):
        row, column = divmod(k, COLUMNS)
        _strip(below, plan, k, [x for x in parts if x.edge == k], column, -row - 0.5)
    return figure


def _colour(plan: Plan, k: int) -> str:
    return ACTIVE if plan.network.P[k] < 0 else MEMORY if memristive(plan.network)[k] else PLAIN


def _network(axes: Axes, plan: Plan) -> None:
    from matplotlib.patches import FancyArrowPatch

    network, gauge = plan.network, plan.gauge
    axes.set_axis_off()
    axes.set_title(f"{plan.case.title}: ground is node {network.nodes[gauge.ground]}")
    place = node_places(network)
    curves = edge_paths(network, place)
    for k, (path, bend) in enumerate(zip(curves, bends(network), strict=True)):
        a, b, style = path[0], path[-1], f"arc3,rad={-bend}"
        axes.add_patch(
            FancyArrowPatch(
                tuple(a), tuple(b), connectionstyle=style, arrowstyle="-|>", mutation_scale=14, shrinkA=13, shrinkB=13,
                color=_colour(plan, k),
            )
        )  # fmt: skip
    for k, (x, y) in enumerate(label_places(curves, place)):
        axes.text(
            x, y, _label(plan, k), fontsize=7, ha="center", va="center", color=_colour(plan, k), gid=NETWORK_LABELS,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    for node, (x, y) in enumerate(place):
        axes.plot([x], [y], "o", color="black", markersize=23)
        net, own = node_net(plan, node), str(network.nodes[node])[:NODE_LETTERS]
        name = "GND" if net == "0" else net
        words = name if name == f"n{own}" else f"{name}\n{own}"
        axes.text(x, y, words, color="white", fontsize=6, ha="center", va="center", gid=NETWORK_LABELS)
    axes.margins(0.12)


def _label(plan: Plan, k: int) -> str:
    network = plan.network
    units = {"voltage": "F", "current": "H", "": "ohm"}
    value = amount(network, k) if network.imposed[k] else 0.0 if network.stateful[k] else ohms(network.device(k))
    lines = [f"{k}: {format_quantity(value, units[network.imposed[k]])}" if value else f"{k}: UM{k}"]
    for converter in plan.realisation.converters:
        if converter.edge == k:
            lines.append(f"UN{k} {converter.version.split('-')[0]}")
    if k in plan.gauge.driven:
        lines.append(f"VG{k}" + ("" if k in plan.gauge.grounded else " isolated"))
    if k in plan.sense:
        lines.append(f"RS{k} {format_quantity(plan.sense[k], 'ohm')}")
    return "\n".join(lines)


def _strip(axes: Axes, plan: Plan, k: int, parts: Sequence[Component], column: int, y: float) -> None:
    """Edge k from tail to head: a symbol for every part in series, the nets between them, the converter at the end."""
    network = plan.network
    start, stop = node_net(plan, int(network.tail[k])), node_net(plan, int(network.head[k]))
    colour = _colour(plan, k)
    chain = _chain(start, stop, parts)
    x = column + 0.03
    axes.text(x, y + 0.38, network.edge_name(k), fontsize=7, color=colour, fontweight="bold", va="center")
    step = 0.92 / (len(chain) + 1)
    axes.plot([x + 0.02, x + 0.02 + step * len(chain)], [y, y], color=colour, lw=1.0, zorder=1)
    at = x + 0.02
    _net(axes, at, y, start)
    for part, net in chain:
        _symbol(axes, part, at + 0.5 * step, y, 0.36 * step, colour)
        at += step
        _net(axes, at, y, net)


def _chain(start: str, stop: str, parts: Sequence[Component]) -> list[tuple[Component, str]]:
    """Parts in series from net to net, and the net after each; a converter closes the chain from its output."""
    wires: list[tuple[Component, str, str]] = []
    simulated = {"UGA", "RP", "UGB", "RX", "RY"} if any(x.reference.startswith("UG") for x in parts) else set()
    for part in parts:
        nets = part.nets
        if simulated and (part.kind == "capacitor" or part.reference.rstrip("0123456789") in simulated):
            if part.reference.startswith("UGA"):
                wires.append((part, nets[0], stop))
            continue
        if (
            part.kind in ("resistor", "memristor", "capacitor") and not part.reference.startswith(("RF", "RG"))
        ) or part.kind == "pot":
            wires.append((part, nets[0], nets[1]))
        elif part.kind == "generator":
            buffer = next(x for x in parts if x.reference == f"UA{part.edge}")
            wires.append((part, nets[1], buffer.nets[4]))
        elif part.reference.startswith("UN"):
            wires.append((part, nets[4], next(x for x in parts if x.reference.startswith("RG")).nets[1]))
    out: list[tuple[Component, str]] = []
    at = start
    while wires and (at != stop or not out):
        found = next(((w, w[2] if w[1] == at else w[1]) for w in wires if at in w[1:]), None)
        if found is None:
            break
        wires.remove(found[0])
        out.append((found[0][0], found[1]))
        at = found[1]
    return out


def _net(axes: Axes, x: float, y: float, net: str) -> None:
    axes.plot([x], [y], "o", color="black", markersize=3.5, zorder=3)
    axes.text(x, y - 0.13, "GND" if net == "0" else net, fontsize=6, ha="center", va="top", color="black")


def _symbol(axes: Axes, part: Component, x: float, y: float, half: float, colour: str) -> None:
    from matplotlib.patches import Ellipse, Polygon, Rectangle

    def outline(shape: Patch) -> None:
        shape.set(facecolor="white", edgecolor=colour, linewidth=1.1, zorder=2)
        axes.add_patch(shape)

    name, value = part.reference, f"{part.value} ohm" if part.kind == "resistor" else part.value
    half = min(half, 0.05)
    if part.kind == "generator":
        outline(Ellipse((x, y), 2 * half * 0.7, 0.3))
        t = np.linspace(-0.5, 0.5, 21)
        axes.plot(x + half * t, y + 0.08 * np.sin(2 * np.pi * t), color=colour, lw=0.9, zorder=3)
        value = "turned" if part.number < 0 else ""
        name += f" UA{part.edge}"
    elif part.kind == "opamp":
        outline(Polygon([(x - half, y - 0.2), (x - half, y + 0.2), (x + half, y)]))
        name, value = f"{name} RF{part.edge} RG{part.edge}", f"{part.value}, {part.note.split('-')[0]}"
    else:
        outline(Rectangle((x - half, y - 0.1), 2 * half, 0.2))
        if part.kind in ("pot", "memristor"):
            zig = np.array([-1.0, -0.6, -0.6, -0.2, -0.2, 0.2, 0.2, 0.6, 0.6, 1.0])
            high = np.array([0, 0, 1, 1, -1, -1, 1, 1, 0, 0])
            axes.plot(x + half * zig, y + 0.06 * high, color=colour, lw=0.9, zorder=3)
            axes.add_patch(Rectangle((x + 0.86 * half, y - 0.1), 0.14 * half, 0.2, facecolor=colour, lw=0, zorder=3))
    axes.text(x, y + 0.22, name, fontsize=6, ha="center", va="bottom", color=colour)
    if value:
        axes.text(x, y - 0.3, value, fontsize=6, ha="center", va="top", color=colour)
