"""Seventy-eight memristors

Zachary's karate club as a circuit: the state of every edge after two seconds, drawn on the graph.
"""

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from matplotlib.collections import LineCollection

import spicebridge as sb

graph = nx.karate_club_graph()
device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=0.1, beta=1.0, window=sb.Hard())
network = sb.Network.from_graph(
    nx.Graph(graph.edges), device=device, drive={0: sb.DC(5.0), 40: sb.DC(-5.0)}, initial_state=0.5
)
verdict = sb.validate(network, np.linspace(0.0, 2.0, 21))
assert verdict, verdict.reason

place = nx.spring_layout(graph, seed=3)
lines = [[place[a], place[b]] for a, b in nx.Graph(graph.edges).edges]
figure, axes = plt.subplots(figsize=(6.4, 5.0), layout="constrained")
drawn = axes.add_collection(LineCollection(lines, array=verdict.spice.state[-1], cmap="viridis", linewidths=2))
axes.scatter(*np.array(list(place.values())).T, s=14, color="#5b6370", zorder=3)
axes.axis("off")
axes.autoscale()
figure.colorbar(drawn, label="state w after 2 s, from ngspice")
alt = "The graph of the karate club; its edges are coloured by the state of their memristor."
