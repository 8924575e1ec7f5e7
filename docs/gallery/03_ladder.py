"""What the error bar rests on

The same circuit at steps h, h/2, h/4 and on: the difference from the equation falls as h^2, the order of the trapezoidal
rule, until the noise of Newton's iteration stops it.
"""

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=0.1, beta=1.0)
network = sb.Network.from_edges(
    [(0, 1), (1, 2), (2, 0)], device=device, drive={0: sb.Sine(0.5, 2.0)}, initial_state=0.4
)
t = np.linspace(0.0, 1.0, 51)
theory = sb.integrate(network, t)
steps = 0.02 * 0.5 ** np.arange(7)
errors = [np.abs(sb.simulate(network, t, step=h).state - theory.state).max() for h in steps]
order = np.polyfit(np.log(steps[:5]), np.log(errors[:5]), 1)[0]

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
axes.loglog(steps, errors, "o-", label=f"ngspice, order {order:.2f}")
axes.loglog(steps, errors[0] * (steps / steps[0]) ** 2, "--", label="h squared")
axes.set(xlabel="step ceiling h, s", ylabel="largest difference of a state")
axes.legend()
alt = f"Error against step in logarithmic axes: a straight line of slope {order:.2f}."
