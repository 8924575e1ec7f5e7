"""A crossbar with wires that resist

Currents through a 6 x 6 crossbar, the first row at 1 V and the others at 0.5 V: wire resistance starves the cells far
from the driver.
"""

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

cell = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1000.0, alpha=0.0, beta=1.0)
figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.4), layout="constrained")
for place, line in zip(axes, (0.01, 10.0), strict=True):
    network = sb.crossbar(6, 6, device=cell, drive=[1.0, 0.5, 0.5, 0.5, 0.5, 0.5], line=line, initial_state=0.2)
    t = np.linspace(0.0, 1e-3, 3)
    waves = sb.simulate(network, t)
    cells = [k for k, stateful in enumerate(network.stateful) if stateful]
    drawn = place.imshow(1e3 * waves.current[0, cells].reshape(6, 6), cmap="viridis")
    place.set(title=f"{line:g} ohm from cell to cell", xlabel="column", ylabel="row")
    place.grid(visible=False)
    figure.colorbar(drawn, ax=place, label="current of the cell, mA")
alt = "Two maps of currents: even along the rows with good wires, falling along them with wires of 10 ohm."
