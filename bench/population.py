"""Random memristive networks and mutants of them, by seed: the population that verdicts are tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np

import spicebridge as sb
from spicebridge.circuit.deck.elements import Deck
from spicebridge.network import Network
from spicebridge.theory import screen, solve

KINDS = ("bulk", "walls", "active", "voltage", "windows")
MUTATIONS = ("polarity", "orientation", "xi", "alpha", "window", "edge left out", "sign of S")


STOP = 5.0
MOST_EVALUATIONS = 1500
"""A draw that needs more right-hand sides at rtol 1e-6 is next to a singular network."""


@dataclass(frozen=True)
class Trial:
    """A network for the theory, what the simulator gets instead, and how long it runs (s)."""

    kind: str
    network: Network
    stop: float
    circuit: Network | None = None
    transform: Callable[[Deck], Deck] | None = None


def random_graph(rng: np.random.Generator) -> nx.MultiDiGraph:
    """Connected or not, with parallel edges, mixed orientation, bridges and now and then a self loop."""
    n = int(rng.integers(3, 12))
    m = int(rng.integers(n, 3 * n))
    pairs = rng.integers(0, n, (m, 2))
    loops = pairs[:, 0] == pairs[:, 1]
    pairs[loops & (rng.random(m) < 0.8), 1] += 1
    ring = [(k, (k + 1) % n) for k in range(n)]
    graph = nx.MultiDiGraph()
    graph.add_edges_from([*ring[: int(rng.integers(3, n + 1))], *((int(a), int(b) % n) for a, b in pairs)])
    return graph


def random_network(kind: str, seed: int) -> Trial:
    """One network of a kind; the same seed gives the same network.

    Draws whose equations end before the stop time (a resistance reaches zero, currents without bound)
    are drawn again: about them there is nothing to agree on.
    """
    rng = np.random.default_rng([KINDS.index(kind), seed])
    while True:
        graph = random_graph(rng)
        m = graph.number_of_edges()
        strong = kind in ("walls", "windows")
        amplitude = rng.uniform(0.3, 1.2) if strong else 0.1
        if rng.random() < 0.3:
            period = rng.uniform(1.0, 4.0)
            drive: list[object] = [
                sb.Sine(float(rng.uniform(-2, 2) * amplitude), 1 / period, phase=float(rng.uniform(0, 6)))
                for _ in range(m)
            ]
        else:
            drive = list(rng.uniform(-amplitude, amplitude, m))
        window = {
            "walls": sb.Hard(),
            "windows": [sb.Joglekar(int(rng.integers(1, 4))), sb.Biolek(int(rng.integers(1, 4))), sb.Tanh(60.0)][
                int(rng.integers(3))
            ],
        }.get(kind)
        law = sb.LinearMemristor.tunneling if rng.random() < 0.3 else sb.LinearMemristor.caravelli2017
        control = "voltage" if kind == "voltage" or rng.random() < 0.2 else "current"
        device = law(
            100.0,
            rng.uniform(300.0, 1600.0, m),
            alpha=rng.uniform(0.02, 0.2, m),
            beta=rng.uniform(0.5, 2.0, m),
            control=control,
            window=window,
        )
        active = rng.choice(m, size=max(1, m // 5), replace=False).tolist() if kind == "active" else ()
        network = sb.Network.from_graph(
            graph,
            device=device,
            drive=drive,
            initial_state=rng.uniform(0.2, 0.6, m),
            active=active,
            polarity=rng.choice([-1.0, 1.0], m) if rng.random() < 0.5 else 1,
        )
        if screen(network).singular:
            continue
        rough = solve(network, STOP, rtol=1e-6, atol=1e-8, max_evaluations=MOST_EVALUATIONS)
        if rough.complete:
            return Trial(kind, network, STOP)


def busiest_edge(network: Network) -> int:
    """The edge with the largest current at t = 0 (or a little later), self loops left aside."""
    waves = sb.integrate(network, [0.0, 0.05])
    current = np.abs(waves.current).max(axis=0)
    return int(np.argmax(current * (network.tail != network.head)))


def mutate(trial: Trial, mutation: str) -> Trial:
    """The same theory on trial against a circuit with one mistake."""
    network = trial.network
    k = busiest_edge(network)
    [group] = network.groups
    law = group.device
    if mutation == "polarity":
        J = network.J.copy()
        J[k] = -J[k]
        return replace(trial, circuit=network.with_polarity(J))
    if mutation == "orientation":
        tail, head = network.tail.copy(), network.head.copy()
        tail[k], head[k] = head[k], tail[k]
        return replace(trial, circuit=network.with_ends(tail, head))
    if mutation == "xi":
        stretched = law.r_on + 1.001 * (law.r_off - law.r_on)
        return replace(trial, circuit=network.with_device(replace(law, r_off=stretched)))
    if mutation == "alpha":
        return replace(trial, circuit=network.with_device(replace(law, alpha=law.alpha * 1.001)))
    if mutation == "window":
        other = sb.Biolek(1) if law.window.name != "biolek" else sb.Joglekar(1)
        return replace(trial, circuit=network.with_device(law.with_window(other)))
    if mutation == "edge left out":
        return replace(trial, transform=lambda deck: deck.without(f"GE{k}"))
    if mutation == "sign of S":
        drives = list(network.drives)
        drive = drives[k]
        drives[k] = None if drive is None else drive.scaled(-1.0)
        return replace(trial, circuit=network.with_drive(drives))
    raise ValueError(mutation)
