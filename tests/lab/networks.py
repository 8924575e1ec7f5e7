"""The four circuits of the lab tests, as cases."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import networkx as nx

from spicebridge.case.case import Case, load_case
from spicebridge.drives import DC, Sine
from spicebridge.lab.design.plan import Plan, make_plan
from spicebridge.laws import LinearMemristor, Resistor
from spicebridge.network import Network

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("k4", "grid3x3", "two_loops", "prism")


def memristor(alpha: float = 0.1, beta: float = 0.3) -> LinearMemristor:
    return LinearMemristor.caravelli2017(100.0, 1000.0, alpha, beta)


@cache
def case(name: str) -> Case:
    if name == "prism":
        return load_case(ROOT / "compare" / "prism_ringing.case.toml")
    if name == "k4":
        network = Network.from_graph(
            nx.complete_graph(4),
            device=memristor(),
            drive={0: Sine(1.0, 1.0), 4: Sine(0.6, 0.5, phase=1.0), 5: DC(0.4)},
            initial_state=[0.3, 0.5, 0.4, 0.6, 0.35, 0.45],
        )
    elif name == "grid3x3":
        graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(3, 3))
        drive = {k: Sine(0.3 + 0.1 * k, 0.5, phase=0.7 * k) for k in range(12)}
        network = Network.from_graph(graph, device=memristor(), drive=drive, initial_state=0.5)
    else:
        # Edge 1 is active and smaller than what it sees; edge 2 is a plain resistor.
        network = Network.from_edges(
            [("a", "b"), ("b", "c"), ("c", "a"), ("a", "c")],
            device=[memristor(), memristor(), Resistor(330.0), memristor()],
            drive={0: Sine(0.3, 0.5), 3: DC(0.2)},
            initial_state=[0.6, 0.1, 0.0, 0.5],
            active=[1],
        )
    return Case(title=name, what=f"{name} on the bench", network=network, stop=2.0, points=201)


@cache
def plan(name: str) -> Plan:
    return make_plan(case(name))
