"""A complete graph, twice

Six memristors on the edges of K4. The upper panel has the states of the network equation (lines) and of ngspice (dots);
the lower one their difference, with the numerical uncertainty U of that difference as a band.
"""

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np

import spicebridge as sb

device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=0.1, beta=1.0)
network = sb.Network.from_graph(nx.complete_graph(4), device=device, drive=sb.Sine(1.0, 2.0), initial_state=0.4)
t = np.linspace(0.0, 2.0, 101)
verdict = sb.validate(network, t)
assert verdict, verdict.reason

theory, spice = verdict.theory, verdict.spice
figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 5.0), layout="constrained", sharex=True)
for k, label in enumerate(theory.labels):
    (line,) = above.plot(theory.t, theory.state[:, k], label=label)
    above.plot(t[::4], spice.resample(t[::4]).state[:, k], ".", color=line.get_color())
    below.plot(theory.t, spice.resample(theory.t).state[:, k] - theory.state[:, k], color=line.get_color())
below.axhspan(-verdict.uncertainty, verdict.uncertainty, color="#d9dde3", zorder=0)
above.set(ylabel="state w")
below.set(xlabel="time, s", ylabel="SPICE - theory")
above.legend(ncols=3)
alt = f"Six states over two seconds; circuit and equation differ by at most {verdict.max_error:.1e}, U is {verdict.uncertainty:.1e}."
