"""What a window does to a wall

The same memristor under four windows, driven into its bound and back. A hard bound and the one of Biolek release at
once; those of Joglekar and Prodromakis slow down on the way back too, and return exactly where they came from.
"""

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

t = np.linspace(0.0, 2.0, 401)
figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for window in (sb.Hard(), sb.Joglekar(1), sb.Biolek(2), sb.Prodromakis(1.0)):
    device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1000.0, alpha=0.0, beta=2e-2, window=window)
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)], device=[device, sb.Resistor(10.0)], drive={0: sb.Sine(-1.0, 0.5)}, initial_state=0.5
    )
    axes.plot(t, sb.integrate(network, t).state[:, 0], label=type(window).__name__)
axes.set(xlabel="time, s", ylabel="state w")
axes.legend()
alt = "Four states that rise to the wall at 1 and come back at different times."
