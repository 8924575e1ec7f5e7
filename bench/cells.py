"""Circuits over every kind of drive, bound, control and make, and mutants of them, by seed; and what is true of them.

Seeds go through the kinds in turn, each at its own pace, so that a population of 420 has at least 60 circuits of every
drive, bound and control; sizes, parameters and deck form are drawn. The truth comes from ``independent``, which shares
nothing with the theory branch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import spicebridge as sb
from bench.independent import Path, follow
from spicebridge.arrays import Array
from spicebridge.laws.base import Device
from spicebridge.network import Network
from spicebridge.theory import screen
from spicebridge.verify.norms import Deviation, shift_tolerant
from spicebridge.verify.scales import time_scales
from spicebridge.windows import Window

DRIVES = ("dc", "sine", "late sine", "pulse", "pwl", "sum", "sampled")
BOUNDS = ("none", "hard", "joglekar", "biolek", "prodromakis", "zha", "tanh")
CONTROLS = ("current", "voltage", "voltage_eq61", "threshold", "vteam", "team")
MAKES = ("graph", "active", "graph", "stiff", "graph", "loops")
MUTATIONS = ("r_off", "rate", "R(w)", "resistor elsewhere", "late", "phase", "slowest polarity")
STOP = 4.0
Cell = tuple[str, str, str, str]
"""Drive, bound, control and make of a circuit."""
SIGNALS = ("state", "current", "voltage")


@dataclass(frozen=True)
class Circuit:
    """A network, the deck form it is run in, and the reference's path."""

    cell: Cell
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


def cell_of(seed: int) -> Cell:
    """The kinds of a seed; after 42 seeds every drive has met every control, and bounds and makes move on by one."""
    turn = seed // len(DRIVES) // len(CONTROLS)
    bound, make = BOUNDS[(seed + turn) % len(BOUNDS)], MAKES[(seed + turn) % len(MAKES)]
    return DRIVES[seed % len(DRIVES)], bound, CONTROLS[seed % len(CONTROLS)], make


def draw(seed: int) -> Circuit:
    """The circuit of a seed; draws whose equations have no solution to the end are drawn again."""
    cell = cell_of(seed)
    rng = np.random.default_rng([20261129, seed])
    while True:
        network = _network(cell, rng)
        if not screen(network).singular:
            truth = follow(network, STOP, most=120_000 if cell[3] == "stiff" else 60_000)
            if truth is not None:
                return Circuit(cell, network, "readable" if rng.random() < 0.5 else "fast", truth)


def a_window(bound: str, rng: np.random.Generator) -> Window | None:
    """A window of a kind."""
    p, j = float(rng.uniform(1.0, 3.0)), float(rng.uniform(0.8, 1.2))
    return {
        "none": None,
        "hard": sb.Hard(),
        "joglekar": sb.Joglekar(int(p)),
        "biolek": sb.Biolek(int(p)),
        "prodromakis": sb.Prodromakis(p, j),
        "zha": sb.Zha(p, j),
        "tanh": sb.Tanh(60.0),
    }[bound]


def _memristor(cell: Cell, rng: np.random.Generator, size: float, stiff: bool) -> Device:
    """A memristor of the control, for drives of `size` V; `stiff` with a time scale far below the span."""
    _, bound, control, _ = cell
    window = a_window(bound, rng)
    on, off = 100.0, float(rng.uniform(300.0, 1600.0))
    if control in ("current", "voltage", "voltage_eq61"):
        first = rng.random() < 0.7
        law = sb.LinearMemristor.caravelli2017 if first else sb.LinearMemristor.tunneling
        slow = -1.5 if bound == "hard" and rng.random() < 0.4 else -0.2
        alpha = float(10 ** rng.uniform(2.0, 3.3)) * (-1.0 if first else 1.0) if stiff else float(rng.uniform(0.0, 0.2))
        return law(on, off, alpha=alpha, beta=float(10 ** rng.uniform(slow, 0.3)), control=control, window=window)
    rate = float(rng.uniform(0.3, 3.0)) * (30.0 if stiff else 1.0)
    if control == "threshold":
        v_t = float(rng.uniform(0.05, 0.4) * size)
        return sb.ThresholdMemristor(on, off, v_t, rate * (off - on) / size, window=window)
    part, alpha = float(rng.uniform(0.1, 0.4)), float(rng.choice([1.0, 2.0, 3.0] if control == "vteam" else [1.0, 2.0]))
    scale = size if control == "vteam" else size / 600.0
    k = rate / (1.0 / part - 1.0) ** alpha
    curve = str(rng.choice(["linear", "exponential"]))
    common = dict(r_on=on, r_off=off, k_on=-k, k_off=k, alpha_on=alpha, alpha_off=alpha, curve=curve, window=window)
    if control == "vteam":
        return sb.VTEAM(v_on=-part * scale, v_off=part * scale, **common)
    return sb.TEAM(i_on=-part * scale, i_off=part * scale, a_on=0.2, a_off=0.8, w_c=0.3, **common)


def _network(cell: Cell, rng: np.random.Generator) -> Network:
    kind, bound, control, make = cell
    n = int(rng.integers(2, 5))
    edges: list[tuple[object, object]] = [(k, (k + 1) % n) for k in range(n)]
    edges += [tuple(rng.integers(0, n, 2).tolist()) for _ in range(int(rng.integers(0, 4)))]
    if rng.random() < 0.3 and make != "loops":
        edges += [("x", "x")] if rng.random() < 0.5 else [("x", "y"), ("y", "x")]
    if rng.random() < 0.2 and make != "loops":
        edges += [(0, "stub")]
    m = len(edges)
    affine = control in CONTROLS[:3]
    size = float(rng.uniform(0.5, 1.5)) if bound != "none" or not affine else 0.15
    resistors = rng.random(m) < 0.15
    resistors[0] = False
    devices = [
        sb.Resistor(float(rng.uniform(50, 2000)))
        if resistors[k]
        else _memristor(cell, rng, size, make == "stiff" and k == 0)
        for k in range(m)
    ]
    drives = [a_drive(kind, rng, size) if k == 0 or rng.random() < 0.35 else None for k in range(m)]
    driven = rng.random() < 0.7
    for k, edge in enumerate(edges):
        if edge[0] == "x" and driven:
            drives[k], driven = a_drive(kind, rng, size), False
    facts = dict(
        device=devices,
        drive=drives,
        initial_state=np.where(resistors, 0.0, rng.uniform(0.2, 0.6, m)),
        polarity=rng.choice([-1.0, 1.0], m) if rng.random() < 0.5 else 1,
        active=[int(rng.integers(1, m))] if make == "active" and m > 2 else (),
    )
    if make == "loops":
        return sb.Network.from_loop_matrix(rng.normal(size=(int(rng.integers(1, m)), m)), **facts)
    return sb.Network.from_edges(edges, **facts)


def mutate(network: Network, mutation: str, rng: np.random.Generator) -> tuple[Network, int] | None:
    """A network with one mistake, and its edge; None where there is nothing to mistake."""
    memristors = np.flatnonzero(network.stateful)
    k = int(rng.choice(memristors))
    device = [network.device(j) for j in range(network.n_edges)]
    one = device[k]
    affine = isinstance(one, sb.LinearMemristor)
    small = 1.0 + float(10 ** rng.uniform(-5, -3)) * float(rng.choice([-1, 1]))
    drives = list(network.drives)
    if mutation == "r_off":
        device[k] = replace(one, r_off=one.r_off * small)
    elif mutation == "rate":
        names = ("beta",) if affine or isinstance(one, sb.ThresholdMemristor) else ("k_on", "k_off")
        device[k] = replace(one, **{name: getattr(one, name) * small for name in names})
    elif mutation == "R(w)":
        changed = {"r_on": one.r_on * 1.01, "r_off": one.r_off * 1.01}
        if isinstance(one, sb.ThresholdMemristor) or (affine and one.control == "current"):
            changed["beta"] = one.beta * 1.01
        device[k] = replace(one, **changed)
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
        travelled = np.ptp(sb.integrate(network, np.linspace(0.0, STOP, 41)).state, axis=0)
        k = int(min(memristors, key=lambda j: travelled[j]))
        J = network.J.copy()
        J[k] = -J[k]
        return network.with_polarity(J), k
    return replace(network.with_drive(drives)).with_device(device), k


def effect(truth: Path, mutant: Path, t: Array) -> float:
    """The largest difference of any signal in the norm of verdicts, the signals of a run being the mutant's."""
    network = truth.tableau.network
    found = errors(network, t, mutant.signals(t), truth.signals(t))
    return max(float(gap.max(initial=0.0)) for gap in found.values())


def errors(network: Network, t: Array, run: dict[str, Array], truth: dict[str, Array]) -> dict[str, Array]:
    """|run - truth| of every signal, (n_t, n_e), by the largest of its part, and tolerant to shifts at thresholds."""
    part, felt = np.array(parts(network)), time_scales(network, STOP, "auto")
    out = {}
    for name in SIGNALS:
        scale = np.ones(part.size)
        if name != "state":
            largest = np.abs(truth[name]).max(axis=0)
            for p in set(part):
                scale[part == p] = max(largest[part == p].max(), 1e-6 * largest.max(), 1e-300)
        gap = (run[name] - truth[name]) / scale
        found = shift_tolerant(Deviation(t, gap), run[name] / scale, felt[name])
        # Two programs need not round the time of a steep corner alike.
        slope = np.abs(np.gradient(truth[name], t, axis=0)) / scale
        out[name] = np.maximum(found.size(found.values) - 1e-14 * slope, 0.0)
    return out


def parts(network: Network) -> list[int]:
    """Connected part of every edge; self loops are their own."""
    if network.loop_matrix is not None and not network.is_graph:
        return _parts_of_loops(network.loop_matrix)
    label = list(range(network.n_nodes))
    pairs = list(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    for _ in range(network.n_nodes):
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    return [network.n_nodes + k if a == b else label[a] for k, (a, b) in enumerate(pairs)]


def _parts_of_loops(A: Array) -> list[int]:
    label = list(range(A.shape[1]))
    for _ in range(A.shape[0]):
        for row in A:
            edges = np.flatnonzero(row).tolist()
            for k in edges:
                label[k] = min(label[j] for j in edges)
    return label
