"""How much a network can remember

The projector Omega on the cycle space couples the edges; its rank over the number of edges is the effective memory. A
tree has none, a ladder some, a complete graph most.
"""

import matplotlib.pyplot as plt
import networkx as nx

import spicebridge as sb

device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=0.1, beta=1.0)
graphs = {"ladder": nx.ladder_graph(6), "3 x 3 grid": nx.grid_2d_graph(3, 3), "K6": nx.complete_graph(6)}
figure, axes = plt.subplots(1, 3, figsize=(8.0, 3.0), layout="constrained")
memory = {}
for place, (name, graph) in zip(axes, graphs.items(), strict=True):
    found = sb.analyse(sb.Network.from_graph(graph, device=device, initial_state=0.5))
    memory[name] = found.effective_memory
    drawn = place.imshow(found.Omega, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    place.set(title=f"{name}: {memory[name]:.2f}", xticks=[], yticks=[], xlabel="edge", ylabel="edge")
    place.grid(visible=False)
figure.colorbar(drawn, ax=axes, label="Omega")
alt = "Three matrices; effective memory " + ", ".join(f"{v:.2f} of {k}" for k, v in memory.items())
