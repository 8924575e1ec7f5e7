"""Circuits over every kind of drive, bound and control, and mutants of them, by seed; and what is true of them.

Seeds go through the cells in turn; graph, laws, stiffness, deck form and further parts are drawn within a cell. The
truth comes from ``independent``, which shares nothing with the theory branch.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

import spicebridge as sb
from bench.independent import Path, follow
from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.theory import screen

DRIVES = ("dc", "sine", "late sine", "pulse", "pwl", "sum", "sampled")
BOUNDS = ("none", "hard", "window")
CONTROLS = ("current", "voltage")
CELLS = tuple(itertools.product(DRIVES, BOUNDS, CONTROLS))
MUTATIONS = ("r_off", "beta", "R(w)", "resistor elsewhere", "late", "phase", "slowest polarity")
STOP = 4.0
SIGNALS = ("state", "current", "voltage")


@dataclass(frozen=True)
class Circuit:
    """A network, the deck form it is run in, and the reference's path."""

    cell: tuple[str, str, str]
    network: Network
    form: str
    truth: Path


def a_drive(kind: str, rng: np.random.Generator, size: float) -> object:
    """One drive of a kind, of about `size` V."""
    level = float(rng.uniform(0.3, 1.0) * size * rng.choice([-1, 1]))
    if kind == "dc":
        return sb.DC(level)
    if kind in ("sine", "late sine"):
        delay = float(rng.uniform(0.1, 0.5) * STOP) if kind == "late sine" else 0.0
        return sb.Sine(level, float(rng.uniform(0.25, 1.5)), phase=float(rng.uniform(0, 6)), delay=delay)
    if kind == "pulse":
        rise = float(10 ** rng.uniform(-6, -2))
        width = float(rng.uniform(0.1, 0.8))
        once = rng.random() < 0.3
        period = None if once else float(width + 2 * rise + rng.uniform(0.1, 0.8))
        return sb.Pulse(0.0 if once else -level, level, float(rng.uniform(0, 0.5)), rise, rise, width, period)
    if kind == "pwl":
        times = np.sort(rng.uniform(0, STOP, int(rng.integers(3, 8))))
        times = [*times, float(times[0] + 10 ** rng.uniform(-5, -2))]
        times = sorted(times)
        return sb.PWL(tuple(times), tuple(float(x) for x in level * rng.uniform(-1, 1, len(times))))
    if kind == "sampled":
        times = np.linspace(0, STOP, int(rng.integers(40, 160)))
        return sb.PWL(
            tuple(times), tuple(level * np.sin(2 * np.pi * rng.uniform(0.3, 1.0) * times + rng.uniform(0, 6)))
        )
    parts = rng.choice(["dc", "sine", "pulse", "pwl"], 2, replace=False)
    return a_drive(str(parts[0]), rng, 0.6 * size) + a_drive(str(parts[1]), rng, 0.6 * size)  # type: ignore[operator]


def draw(seed: int) -> Circuit:
    """The circuit of a seed; draws whose equations have no solution to the end are drawn again."""
    cell = CELLS[seed % len(CELLS)]
    rng = np.random.default_rng([20261128, seed])
    while True:
        network = _network(cell, rng)
        if not screen(network).singular:
            truth = follow(network, STOP, most=20_000)
            if truth is not None:
                return Circuit(cell, network, "fast" if seed // len(CELLS) % 2 == 0 else "readable", truth)


def _network(cell: tuple[str, str, str], rng: np.random.Generator) -> Network:
    kind, bound, control = cell
    n = int(rng.integers(2, 5))
    edges = [(k, (k + 1) % n) for k in range(n)] + [
        tuple(rng.integers(0, n, 2)) for _ in range(int(rng.integers(0, 4)))
    ]
    if rng.random() < 0.3:
        edges += [("x", "x")] if rng.random() < 0.5 else [("x", "y"), ("y", "x")]
    if rng.random() < 0.2:
        edges += [(0, "stub")]
    m = len(edges)
    size = float(rng.uniform(0.5, 1.5)) if bound != "none" else 0.15
    window = {"none": None, "hard": sb.Hard()}.get(bound)
    if bound == "window":
        window = [sb.Joglekar(int(rng.integers(1, 4))), sb.Biolek(int(rng.integers(1, 4))), sb.Tanh(60.0)][
            rng.integers(3)
        ]
    law = sb.LinearMemristor.tunneling if rng.random() < 0.3 else sb.LinearMemristor.caravelli2017
    beta = 10.0 ** rng.uniform(-1.5 if bound == "hard" and rng.random() < 0.4 else -0.2, 0.3, m)
    memristor = law(
        100.0, rng.uniform(300.0, 1600.0, m), alpha=rng.uniform(0.0, 0.2), beta=beta, control=control, window=window
    )
    resistors = rng.random(m) < 0.15
    resistors[0] = False
    devices = [
        sb.Resistor(float(rng.uniform(50, 2000)))
        if resistors[k]
        else replace(
            memristor,
            r_on=100.0,
            r_off=float(memristor.r_off[k]),
            beta=float(beta[k]),
            alpha=float(np.ravel(memristor.alpha)[0]),
        )
        for k in range(m)
    ]
    drives = [a_drive(kind, rng, size) if k == 0 or rng.random() < 0.35 else None for k in range(m)]
    if any("x" in edge for edge in edges) and rng.random() < 0.7:
        drives[next(k for k, edge in enumerate(edges) if edge[0] == "x")] = a_drive(kind, rng, size)  # type: ignore[assignment]
    return sb.Network.from_edges(
        edges,
        device=devices,
        drive=drives,
        initial_state=np.where(resistors, 0.0, rng.uniform(0.2, 0.6, m)),
        polarity=rng.choice([-1.0, 1.0], m) if rng.random() < 0.5 else 1,
    )


def mutate(network: Network, mutation: str, rng: np.random.Generator) -> tuple[Network, int] | None:
    """A network with one mistake, and its edge; None where there is nothing to mistake."""
    memristors = np.flatnonzero(network.stateful)
    k = int(rng.choice(memristors))
    device = [network.device(j) for j in range(network.n_edges)]
    small = 1.0 + float(10 ** rng.uniform(-5, -3)) * float(rng.choice([-1, 1]))
    drives = list(network.drives)
    if mutation == "r_off":
        device[k] = replace(device[k], r_off=device[k].r_off * small)
    elif mutation == "beta":
        device[k] = replace(device[k], beta=device[k].beta * small)
    elif mutation == "R(w)":
        one = device[k]
        beta = one.beta * (1.01 if one.control == "current" else 1.0)
        device[k] = replace(one, r_on=one.r_on * 1.01, r_off=one.r_off * 1.01, beta=beta)
    elif mutation == "resistor elsewhere":
        others = np.flatnonzero(~network.stateful)
        if not others.size:
            return None
        k = int(rng.choice(others))
        device[k] = replace(device[k], r=device[k].r * 1.01)
    elif mutation == "late":
        k = int(rng.choice([j for j, d in enumerate(drives) if d is not None]))
        drives[k] = drives[k] + sb.PWL((0.92 * STOP, 0.93 * STOP), (0.0, 0.02))  # type: ignore[operator]
    elif mutation == "phase":
        found = [j for j, d in enumerate(drives) if isinstance(d, sb.Sine)]
        if not found:
            return None
        k = int(rng.choice(found))
        drives[k] = replace(drives[k], phase=drives[k].phase + 1e-3)  # type: ignore[type-var,union-attr]
    else:
        rates = [(float(device[j].beta), int(j)) for j in memristors]
        k = max(rates)[1]
        J = network.J.copy()
        J[k] = -J[k]
        return network.with_polarity(J), k
    return replace(network.with_drive(drives)).with_device(device), k


def effect(truth: Path, mutant: Path, t: Array) -> float:
    """The largest difference of any signal, states as they are, the others by the largest of their part."""
    a, b = truth.signals(t), mutant.signals(t)
    part = parts(truth.tableau.network)
    worst = float(np.abs(a["state"] - b["state"]).max())
    for name in ("current", "voltage"):
        for p in set(part):
            of = [k for k, q in enumerate(part) if q == p]
            scale = np.abs(a[name][:, of]).max()
            if scale > 1e-9 * np.abs(a[name]).max():
                worst = max(worst, float(np.abs(a[name] - b[name])[:, of].max() / scale))
    return worst


def parts(network: Network) -> list[int]:
    """Connected part of every edge; self loops are their own."""
    label = list(range(network.n_nodes))
    pairs = list(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    for _ in range(network.n_nodes):
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    return [network.n_nodes + k if a == b else label[a] for k, (a, b) in enumerate(pairs)]
