"""Pulses below and above a threshold

A VTEAM device does not move below its thresholds: of a train of growing pulses only the last ones switch it.
"""

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

device = sb.VTEAM(
    r_on=100.0, r_off=10e3, k_on=-5.0, k_off=5.0, alpha_on=2, alpha_off=2, v_on=-0.3, v_off=0.3, window=sb.Hard()
)
heights = [0.2, 0.3, 0.4, 0.5, 0.6]
corners = [(0.0, 0.0)]
for k, height in enumerate(heights):
    corners += [(k + 0.2, 0.0), (k + 0.25, height), (k + 0.7, height), (k + 0.75, 0.0)]
times, values = (list(x) for x in zip(*corners, strict=True))
network = sb.Network.from_edges(
    [(0, 1), (1, 0)], device=[device, sb.Resistor(1.0)], drive={0: sb.PWL(times, values)}, initial_state=0.1
)
t = np.linspace(0.0, 5.0, 251)
verdict = sb.validate(network, t, tolerance=1e-4)
assert verdict, verdict.reason

figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 4.4), layout="constrained", sharex=True)
above.plot(times, values, color="#5b6370")
below.plot(verdict.spice.t, verdict.spice.state[:, 0])
above.set(ylabel="source, V")
below.set(xlabel="time, s", ylabel="state")
alt = "Five pulses of growing height; the state rests during the first two and moves in the others."
