"""An optimiser made of memristors

A random quadratic problem in eight bits as a network: its runs end on vertices of the cube. The histogram has the
energies of all 256 vertices, the line is what the network found.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

Q = np.random.default_rng(1).normal(size=(8, 8))
answer = sb.optimise.from_qubo(Q).solve(seed=0, trajectories=200)
energies = [np.array(x) @ Q @ np.array(x) for x in itertools.product((0, 1), repeat=8)]

figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
axes.hist(energies, bins=40, color="#56B4E9")
axes.axvline(answer.energy, color="#D55E00", lw=2)
axes.set(xlabel="energy of a vertex", ylabel="vertices", title=f"found {answer.energy:.3f}, best {min(energies):.3f}")
alt = f"The network found energy {answer.energy:.3f}; the smallest of all 256 is {min(energies):.3f}."
