"""The pinched hysteresis loop

One memristor on a sine source: current against voltage passes through the origin, and the loop closes as the frequency
grows, because the state has less time to move. Lines are the network equation, dots are ngspice.
"""

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=0.0, beta=2e-3)
figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
for frequency in (1.0, 2.0, 8.0):
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)], device=[device, sb.Resistor(1e-3)], drive={0: sb.Sine(0.01, frequency)}, initial_state=0.5
    )
    t = np.linspace(0.0, 1.0 / frequency, 201)
    theory, spice = sb.integrate(network, t), sb.simulate(network, t)
    (line,) = axes.plot(1e3 * theory.voltage[:, 0], 1e6 * theory.current[:, 0], label=f"{frequency:g} Hz")
    axes.plot(1e3 * spice.voltage[::8, 0], 1e6 * spice.current[::8, 0], ".", color=line.get_color(), ms=4)
axes.set(xlabel="voltage over the memristor, mV", ylabel="current, uA")
axes.legend()
alt = "Three loops of current against voltage that cross at the origin; the one at 8 Hz is nearly a straight line."
