"""Random networks of memristors, resistors, capacitors, inductors and current sources, and how they are judged."""

from __future__ import annotations

import numpy as np

import spicebridge as sb
from spicebridge.errors import ScreenError
from spicebridge.reactive import reductions, require_consistent

KINDS = ("memristor", "resistor", "capacitor", "inductor", "source")
SHARES = (0.4, 0.15, 0.2, 0.15, 0.1)
STOP = 2.0
"""s"""


def random_network(seed: int, *, reduced: bool | None = False) -> sb.Network:
    """One connected random multigraph with 4 to 8 nodes and every kind of element, driven.

    `reduced`: False draws networks whose states are all free, True such with a loop of capacitors or a cutset of
    inductors, None both.
    """
    rng = np.random.default_rng(seed)
    while True:
        n = int(rng.integers(4, 9))
        tree = [(int(rng.integers(0, k)), k) for k in range(1, n)]
        more = [tuple(int(x) for x in rng.choice(n, 2, replace=False)) for _ in range(int(rng.integers(3, 9)))]
        edges = [pair if rng.random() < 0.5 else pair[::-1] for pair in [*tree, *more]]
        kinds = list(rng.choice(KINDS, len(edges), p=SHARES))
        if set(kinds) != set(KINDS):
            continue
        devices, drives, state = [], {}, np.zeros(len(edges))
        for k, kind in enumerate(kinds):
            devices.append(_device(kind, rng))
            if kind != "source" and rng.random() < 0.6:
                drives[k] = _drive(rng, 1.0)
            if kind == "memristor":
                state[k] = rng.uniform(0.3, 0.7)
        network = sb.Network.from_edges(
            edges, device=devices, drive=drives, initial_state=state, polarity=rng.choice([-1, 1], len(edges))
        )
        found = reductions(network)
        if found.open_sources or (reduced is not None and reduced is found.none):
            continue
        if found.none:
            state[[k for k, kind in enumerate(kinds) if kind in ("capacitor", "inductor")]] = rng.uniform(-0.5, 0.5)
            return network.with_initial_state(state)
        try:
            network = consistent(network)
        except ScreenError:
            continue
        return network


def consistent(network: sb.Network) -> sb.Network:
    """The same network with the dependent states set as their loops and cutsets ask."""
    found, state = reductions(network), network.initial_state.copy()
    S, current = network.bank(0.0), network.initial_state + network.forced(0.0)
    for law in found.loops:
        state[law.dependent] -= float(np.array(law.signs) @ (network.initial_state - S)[list(law.edges)])
    for law in found.cutsets:
        state[law.dependent] -= float(np.array(law.signs) @ current[list(law.edges)])
    out = network.with_initial_state(state)
    require_consistent(out)
    return out


def _device(kind: str, rng: np.random.Generator) -> object:
    if kind == "memristor":
        return sb.LinearMemristor.caravelli2017(
            1.0, float(rng.uniform(2.0, 8.0)), float(rng.uniform(-0.2, 0.2)), float(rng.uniform(3.0, 8.0))
        )
    if kind == "resistor":
        return sb.Resistor(float(rng.uniform(0.5, 4.0)))
    if kind == "capacitor":
        return sb.Capacitor(float(rng.uniform(0.1, 1.0)))
    if kind == "inductor":
        return sb.Inductor(float(rng.uniform(0.2, 2.0)))
    return sb.CurrentSource(_drive(rng, 0.4))


def _drive(rng: np.random.Generator, size: float) -> sb.DC | sb.Sine:
    kind = rng.integers(0, 3)
    level = float(size * rng.uniform(0.2, 1.0) * rng.choice([-1, 1]))
    if kind == 0:
        return sb.DC(level)
    return sb.Sine(level, float(rng.uniform(0.5, 2.0)), phase=float(rng.uniform(0, 6.28)))
