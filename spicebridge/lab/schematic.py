"""A drawing of the network as it is wired: nodes, edges with their parts, ground, sources."""

from __future__ import annotations

import io

from spicebridge.lab.plan import Plan
from spicebridge.quantities import format_quantity


def draw_schematic(plan: Plan) -> bytes:
    """SVG, byte-deterministic."""
    import matplotlib
    import networkx as nx
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch

    network, gauge = plan.network, plan.gauge
    graph = nx.Graph([(int(a), int(b)) for a, b in zip(network.tail, network.head, strict=True)])
    place = nx.kamada_kawai_layout(graph, pos=nx.circular_layout(graph))
    with matplotlib.rc_context({"svg.hashsalt": "spicebridge", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 7))
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0.02, 0.02, 0.96, 0.92))
        axes.set_axis_off()
        axes.set_title(f"{plan.case.title}: ground is node {network.nodes[gauge.ground]}")
        seen: dict[frozenset[int], int] = {}
        for k in range(network.n_edges):
            a, b = int(network.tail[k]), int(network.head[k])
            turn = seen.setdefault(frozenset((a, b)), 0)
            seen[frozenset((a, b))] += 1
            bend = 0.3 * ((turn + 1) // 2) * (-1) ** turn * (1 if a < b else -1)
            (xa, ya), (xb, yb) = place[a], place[b]
            colour = "#b03030" if network.P[k] < 0 else "#204a87" if network.stateful[k] else "#555555"
            axes.add_patch(
                FancyArrowPatch(
                    (xa, ya), (xb, yb), connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>", mutation_scale=14,
                    shrinkA=12, shrinkB=12, color=colour,
                )
            )  # fmt: skip
            x = (xa + xb) / 2 + bend * (yb - ya) / 2
            y = (ya + yb) / 2 - bend * (xb - xa) / 2
            axes.text(x, y, _label(plan, k), fontsize=7, ha="center", va="center", color=colour,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
        for node, (x, y) in place.items():
            name = "GND" if node == gauge.ground else f"n{node}"
            axes.plot([x], [y], "o", color="black", markersize=16)
            axes.text(x, y, name, color="white", fontsize=7, ha="center", va="center")
        axes.margins(0.12)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _label(plan: Plan, k: int) -> str:
    network = plan.network
    lines = [f"{k}: UM{k}" if network.stateful[k] else f"{k}: {format_quantity(float(network.device(k).r))} ohm"]
    for converter in plan.realisation.converters:
        if converter.edge == k:
            lines.append(f"UN{k} {converter.version.split('-')[0]}")
    if k in plan.gauge.driven:
        lines.append(f"VG{k}" + ("" if k in plan.gauge.grounded else " isolated"))
    if k in plan.sense:
        lines.append(f"RS{k} {format_quantity(plan.sense[k])}")
    return "\n".join(lines)
