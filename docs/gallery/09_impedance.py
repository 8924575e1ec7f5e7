"""Impedance at a state

What a small signal sees between two nodes, at three states of the memristor.
"""

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

memristor = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=0.0, beta=0.01)
network = sb.Network.from_edges(
    [("in", "a"), ("a", "b"), ("b", "in"), ("b", "in")],
    device=[sb.Resistor(50.0), sb.Inductor(20e-3), memristor, sb.Capacitor(0.5e-6)],
    drive={0: 0.0},
    initial_state=0.0,
)
frequencies = np.logspace(1, 5, 161)
figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for w in (0.0, 0.1, 0.6):
    Z = sb.impedance(network, ("b", "in"), frequencies, state=[0.0, 0.0, w, 0.0])
    axes.loglog(frequencies, np.abs(Z), label=f"w = {w:g}")
axes.set(xlabel="frequency, Hz", ylabel="|Z|, ohm")
axes.legend()
alt = "Impedance against frequency: a resonance near 1.6 kHz that is higher the larger the memristance."
