"""A netlist of somebody else

A deck with a memristor subcircuit in LTspice's words is read as a network, and judged against the equations that it
stands for.
"""

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np

import spicebridge as sb

device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=0.1, beta=1.0)
written = sb.Network.from_graph(nx.wheel_graph(5), device=device, drive={0: sb.Sine(1.0, 1.0)}, initial_state=0.3)
t = np.linspace(0.0, 2.0, 101)
deck = sb.netlist(written, t, dialect="ltspice")  # stands for a file from elsewhere

network = sb.read_netlist(deck, dialect="ltspice")
verdict = sb.validate(network, t)
assert verdict, verdict.reason
figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for k, label in enumerate(verdict.spice.labels):
    axes.plot(verdict.spice.t, verdict.spice.state[:, k], label=label)
axes.set(xlabel="time, s", ylabel="state")
axes.legend(ncols=2)
alt = "Eight states of a wheel that was read from an LTspice netlist."
