"""Sources that bring a network where you want it

`sb.design` finds constant sources after which six memristors hold the pattern 0, 1, 1, 0, 1, 0; the circuit is run with
them and confirms it.
"""

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np

import spicebridge as sb

memristor = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.2, beta=1.0, window=sb.Hard())
network = sb.Network.from_graph(nx.complete_graph(4), device=memristor, drive=0.4, initial_state=0.4)
target = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0]
design = sb.design(network, [0.0, 1.0], target)
built = network.with_drive(design.values["drive"])
waves = sb.simulate(built, np.linspace(0.0, 1.0, 101))

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for k, label in enumerate(waves.labels):
    axes.plot(waves.t, waves.state[:, k], label=f"{label} to {target[k]:g}")
axes.set(xlabel="time, s", ylabel="state w, from ngspice")
axes.legend(ncols=2)
alt = "Six states that start at 0.4 and arrive at 0 or 1 as designed."
