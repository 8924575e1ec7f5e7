"""A law of your own

Two formulas are a device: its SPICE subcircuit, its derivatives and its units follow from the text. Here the current
grows as a hyperbolic sine and the state forgets with a time constant.
"""

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

law = sb.Law(
    "sinh_cell",
    current="g*s*v_0*sinh(v/v_0)",
    rate="-s/tau + c*v^2",
    parameters={"g": 1e-3, "v_0": 0.3, "tau": 0.4, "c": 6.0},
    window="hard",
)
network = sb.Network.from_edges(
    [("in", "out"), ("out", "in")],
    device=[law(), sb.Resistor(10.0)],
    drive={0: sb.Pulse(0.0, 0.8, delay=0.1, rise=0.02, fall=0.02, width=0.3)},
    initial_state=0.1,
)
t = np.linspace(0.0, 2.0, 201)
verdict = sb.validate(network, t, tolerance=1e-4)
assert verdict, verdict.reason

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
axes.plot(verdict.theory.t, verdict.theory.state[:, 0], label="equation")
spice = verdict.spice.resample(t[::5])
axes.plot(spice.t, spice.state[:, 0], ".", label="ngspice")
axes.set(xlabel="time, s", ylabel="state s")
axes.legend()
alt = "A state that rises during a pulse of 0.3 s and then decays exponentially; the circuit lies on the equation."
