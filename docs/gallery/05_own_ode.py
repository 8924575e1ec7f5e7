"""Somebody's equation on trial

A right-hand side with a mistake, a factor of 1.02 in one resistance, is held against the circuit. The verdict names
what would explain the difference.
"""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

R_ON, R_OFF, ALPHA, BETA = 100.0, 1600.0, 0.1, 1.0
network = sb.Network.from_edges(
    [(0, 1), (1, 0)],
    device=sb.LinearMemristor.caravelli2017(R_ON, R_OFF, alpha=ALPHA, beta=BETA),
    drive=[sb.Sine(0.5, 2.0), None],
    initial_state=[0.3, 0.5],
)
t = np.linspace(0.0, 2.0, 101)


def rhs(t, w):
    current = 0.5 * np.sin(2 * np.pi * 2.0 * t) / np.sum(R_ON + (1.02 * R_OFF - R_ON) * w)
    return ALPHA * w - R_ON / BETA * current


verdict = sb.validate(network, t, theory=rhs)
assert verdict.outcome is sb.Outcome.DISAGREES

spice, yours = verdict.spice, verdict.theory
finding = verdict.diagnosis[0].sentence
figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
axes.plot(yours.t, yours.state - spice.resample(yours.t).state, label=yours.labels)
axes.axhspan(-verdict.uncertainty, verdict.uncertainty, color="#d9dde3", zorder=0)
axes.set(xlabel="time, s", ylabel="yours - SPICE")
axes.set_title(textwrap.fill(f"{verdict.outcome.value.upper()}: {finding}", 90), fontsize=9, fontweight="normal")
axes.legend()
alt = f"The difference of two states leaves the narrow band of U. The diagnosis says: {finding}"
