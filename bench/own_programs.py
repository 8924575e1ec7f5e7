"""Programs for random networks, right and with one mistake: from the equations of the papers and in plain numpy.

Nothing of the package's theory, and nothing of its list of mistakes, is used to make them.

    A i = 0 and A (v - S) = 0 over the loops of a cycle basis:  i = A^t (A R A^t)^-1 A S,  v = R i
    dw/dt = alpha w - (Ron/beta) i,    R = Ron (1 - w) + Roff w                      (2017)
    dw/dt = -alpha w + (Roff/beta) i,  R = Roff (1 - w) + Ron w                      (tunneling)

with v/Ron or v/Roff for i where the rate follows the drop.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import spicebridge as sb

Floats = NDArray[np.float64]
STOP = 3.0
T = np.linspace(0.0, STOP, 401)


@dataclass(frozen=True, eq=False)
class Own:
    """An own program for one network; the fields are what a mistake changes."""

    edges: list[tuple[int, int]]
    A: Floats
    law: str
    control: str
    w0: Floats
    amplitude: Floats
    frequency: Floats
    phase: Floats
    offset: Floats
    hard: bool = False
    r_on: float = 100.0
    r_off: float = 1600.0
    alpha: float = 0.3
    beta: float = 1.0
    J: Floats = field(default_factory=lambda: np.ones(1))
    slope: float | None = None
    window: str = ""
    projector: str = ""
    pace: float = 1.0
    late: float = 0.0

    def source(self, t: float) -> Floats:
        angle = 2 * np.pi * self.frequency * (t - self.late) + self.phase
        return np.asarray(self.offset + self.amplitude * np.sin(angle))

    def current(self, t: float, w: Floats) -> Floats:
        S = self.source(t)
        A, old = self.A, self.law == "2017"
        if self.projector:
            xi = self.r_off / self.r_on - 1.0 if old else self.r_on / self.r_off - 1.0
            first = self.r_on if old else self.r_off
            Omega = A.T @ np.linalg.inv(A @ A.T) @ A
            W = np.diag(w)
            if self.projector == "missing":
                return np.asarray(np.linalg.solve(np.eye(w.size) + xi * Omega @ W, S / first))
            return np.asarray(np.linalg.solve(np.eye(w.size) + xi * W @ Omega, Omega @ S / first))
        R = self.resistance(w)
        return np.asarray(A.T @ np.linalg.solve((A * R) @ A.T, A @ S))

    def resistance(self, w: Floats) -> Floats:
        first, last = (self.r_on, self.r_off) if self.law == "2017" else (self.r_off, self.r_on)
        slope = last - first if self.slope is None else self.slope
        return np.asarray(first + slope * w)

    def rate(self, t: float, w: Floats) -> Floats:
        i = self.current(t, w)
        old = self.law == "2017"
        first = self.r_on if old else self.r_off
        flow = first * i if self.control == "current" else self.resistance(w) * i
        sign = -1.0 if old else 1.0
        force = sign * self.J * flow / self.beta
        if self.window == "joglekar":
            force = force * (1.0 - (2.0 * w - 1.0) ** 2)
        out = -sign * self.alpha * w + force
        if self.window == "joglekar":
            out = -sign * self.alpha * w * (1.0 - (2.0 * w - 1.0) ** 2) + force
        return np.asarray(self.pace * out)

    def bounded(self, t: float, w: Floats) -> Floats:
        out = self.rate(t, w)
        if self.hard:
            out = np.where(((w >= 1.0) & (out > 0.0)) | ((w <= 0.0) & (out < 0.0)), 0.0, out)
        return out

    def solve(self, t: Floats) -> Floats:
        """By scipy, with bounds met by events of its own: a step of 1/8 of the interval of Heun would not do."""
        if not self.hard:
            found = solve_ivp(self.rate, (0.0, t[-1]), self.w0, "DOP853", t, rtol=1e-10, atol=1e-12)
            return np.asarray(found.y.T) if found.success and found.y.shape[1] == t.size else np.full((1, 1), np.nan)
        return self.steps(t, "rk4", 64)

    def steps(self, t: Floats, method: str, n: int = 1, clip: Any = None) -> Floats:
        """Fixed steps, n in an interval, with states put back into [0, 1] after a step where they are bounded."""
        w = self.w0.copy()
        out = [w]
        F = self.bounded
        for a, b in pairwise(t.tolist()):
            h = (b - a) / n
            for k in range(n):
                s = a + k * h
                if method == "euler":
                    w = w + h * F(s, w)
                elif method == "heun":
                    first = F(s, w)
                    w = w + h / 2 * (first + F(s + h, w + h * first))
                else:
                    k1 = F(s, w)
                    k2 = F(s + h / 2, w + h / 2 * k1)
                    k3 = F(s + h / 2, w + h / 2 * k2)
                    w = w + h / 6 * (k1 + 2 * k2 + 2 * k3 + F(s + h, w + h * k3))
                if clip is not None:
                    w = clip(w)
                elif self.hard:
                    w = np.clip(w, 0.0, 1.0)
            out.append(w)
        return np.array(out)


def loops(edges: list[tuple[int, int]], n: int) -> Floats:
    """A loop matrix from a spanning tree: the chord, and the way back through the tree."""
    tree, chords = nx.Graph(), []
    tree.add_nodes_from(range(n))
    number = {}
    for k, (a, b) in enumerate(edges):
        if nx.has_path(tree, a, b):
            chords.append(k)
        else:
            tree.add_edge(a, b)
            number[frozenset((a, b))] = k
    A = np.zeros((len(chords), len(edges)))
    for row, k in enumerate(chords):
        a, b = edges[k]
        A[row, k] = 1.0
        way = nx.shortest_path(tree, b, a)
        for x, y in pairwise(way):
            j = number[frozenset((x, y))]
            A[row, j] = 1.0 if edges[j] == (x, y) else -1.0
    return A


def random_case(seed: int, hard: bool = False) -> tuple[sb.Network, Own]:
    """A network of 5 to 12 edges and the right program for it."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    graph = nx.gnm_random_graph(n, int(rng.integers(n + 1, 2 * n + 1)), seed=seed)
    while not nx.is_connected(graph):
        seed += 1000
        graph = nx.gnm_random_graph(n, int(rng.integers(n + 1, 2 * n + 1)), seed=seed)
    edges = [(int(a), int(b)) for a, b in graph.edges()]
    m = len(edges)
    law, control = ("2017", "tunneling")[int(rng.integers(2))], ("current", "voltage")[int(rng.integers(2))]
    reach = 1.5 if hard else 0.5
    drives = {
        "amplitude": rng.uniform(0.3, 1.0, m) * reach,
        "frequency": rng.choice([0.5, 1.0, 1.5], m),
        "phase": rng.uniform(0.3, 1.2, m),
        "offset": rng.uniform(0.05, 0.15, m) * rng.choice([-1.0, 1.0], m),
    }
    alpha = 0.1 if hard else 0.3
    w0 = rng.uniform(0.3, 0.6, m)
    J = rng.choice([-1.0, 1.0], m)
    own = Own(edges, loops(edges, n), law, control, w0, **drives, hard=hard, alpha=alpha, J=J)
    make = sb.LinearMemristor.caravelli2017 if law == "2017" else sb.LinearMemristor.tunneling
    window = sb.Hard() if hard else sb.NoWindow()
    device = make(100.0, 1600.0, alpha=alpha, beta=1.0, control=control, window=window)
    sources = [
        sb.Sine(a, f, offset=o, phase=p) for a, f, o, p in zip(*(drives[k].tolist() for k in ORDER), strict=True)
    ]
    network = sb.Network.from_edges(edges, device=device, drive=sources, initial_state=w0, polarity=J)
    return network, own


ORDER = ("amplitude", "frequency", "offset", "phase")


def wide_case(side: int) -> tuple[sb.Network, Own]:
    """A square lattice of side x side nodes with a source on every edge, and the right program for it."""
    rng = np.random.default_rng(side)
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    edges = [(int(a), int(b)) for a, b in graph.edges()]
    m = len(edges)
    amplitude, phase, w0 = rng.uniform(0.3, 1.0, m), rng.uniform(0.3, 1.2, m), rng.uniform(0.3, 0.6, m)
    sines = {"amplitude": amplitude, "frequency": np.ones(m), "offset": np.zeros(m), "phase": phase}
    own = Own(edges, loops(edges, side * side), "2017", "current", w0, J=np.ones(m), **sines)
    law = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.3, beta=1.0)
    drives = [sb.Sine(a, 1.0, phase=p) for a, p in zip(amplitude.tolist(), phase.tolist(), strict=True)]
    return sb.Network.from_edges(edges, device=law, drive=drives, initial_state=w0), own


def one(values: Floats, k: int, value: float) -> Floats:
    out = values.copy()
    out[k] = value
    return out


def planted(cause: str, own: Own, rng: np.random.Generator) -> Floats:
    """States (n_t, n_e) at `T` that a program with the mistake reports."""
    k = int(rng.integers(len(own.edges)))
    sign = one(np.ones(len(own.edges)), k, -1.0)
    every = bool(rng.integers(2))
    factor = float(rng.choice([0.7, 0.9, 1.05, 1.3]))
    changes: dict[str, dict[str, Any]] = {
        "drive_sign": {
            "amplitude": own.amplitude * (-1 if every else sign),
            "offset": own.offset * (-1 if every else sign),
        },
        "drive_scale": {"amplitude": own.amplitude * factor, "offset": own.offset * factor},
        "peak_to_peak": {"amplitude": own.amplitude / 2 if every else one(own.amplitude, k, own.amplitude[k] / 2)},
        "rms": {"amplitude": own.amplitude * 2**0.5},
        "missing_offset": {"offset": 0 * own.offset if every else one(own.offset, k, 0.0)},
        "missing_drive": {"amplitude": one(own.amplitude, k, 0.0), "offset": one(own.offset, k, 0.0)},
        "cosine": {"phase": own.phase + np.pi / 2},
        "degrees": {"phase": np.radians(own.phase)},
        "angular_frequency": {"frequency": own.frequency / (2 * np.pi)},
        "time_shift": {"late": float(rng.choice([-0.1, 0.04, 0.15]))},
        "polarity": {"J": -own.J if every else own.J * sign},
        "orientation": {"J": own.J * sign, "amplitude": own.amplitude * sign, "offset": own.offset * sign},
        "swap_r_on_r_off": {"r_on": own.r_off, "r_off": own.r_on},
        "swap_state": {"w0": 1.0 - own.w0},
        "initial_state": {"w0": np.full_like(own.w0, 0.5)},
        "alpha_sign": {"alpha": -own.alpha},
        "beta_scale": {"beta": own.beta * float(rng.choice([0.5, 1.1, 2.0]))},
        "xi_definition": {"slope": own.r_off if own.law == "2017" else -own.r_on},
        "wrong_control": {"control": "voltage" if own.control == "current" else "current"},
        "missing_window": {"hard": False},
        "wrong_window": {"hard": False, "window": "joglekar"},
        "missing_projector": {"projector": "missing"},
        "transposed_projector": {"projector": "transposed"},
        "missing_loop": {"A": own.A[1:]},
    }
    if cause in changes:
        return replace(own, **changes[cause]).solve(T)
    if cause == "edge_order":
        order = np.roll(np.arange(len(own.edges)), 1)
        return replace(own, **{name: getattr(own, name)[order] for name in ORDER}).solve(T)
    if cause == "time_scale":
        return replace(own, pace=1.0).solve(np.concatenate([[0.0], 1.1 * T[1:]]))
    if cause == "w_is_resistance_fraction":
        return 1.0 - own.solve(T)
    if cause == "euler_step":
        return own.steps(T, "euler", int(rng.choice([1, 2, 5])))
    if cause == "clamp_at_walls":
        at_or_below = bool(rng.integers(2))
        bare = replace(own, hard=False)
        if at_or_below:
            return bare.steps(T, "euler", 1, lambda w: np.where(w < 1.0, 0.0, w))
        return bare.steps(T, "euler", 1, lambda w: np.where(w > 0.0, 1.0, w))
    raise ValueError(cause)


CAUSES = (
    *("drive_sign", "drive_scale", "peak_to_peak", "rms", "missing_offset", "missing_drive", "cosine", "degrees"),
    *("angular_frequency", "time_scale", "time_shift", "polarity", "orientation", "edge_order", "swap_r_on_r_off"),
    *("swap_state", "w_is_resistance_fraction", "initial_state", "alpha_sign", "beta_scale", "xi_definition"),
    *("wrong_control", "missing_window", "wrong_window", "clamp_at_walls", "euler_step", "missing_projector"),
    *("transposed_projector", "missing_loop"),
)
WALLED = ("missing_window", "wrong_window", "clamp_at_walls")
