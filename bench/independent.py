"""A reference that shares nothing with the theory branch: a tableau of Kirchhoff's laws and events by hand.

    p_tail - p_head - P R(s) i = -S,    B i = 0          one dense system for all i and p at every time
    i - A^t j = 0,                      A (P R(s) i - S) = 0        the same of a loop matrix
    ds/dt = a s + g q                                     q = r0 i, v or P v, or a threshold law; with window or wall

integrated by scipy between the corners of the drives, which are worked out from their numbers. A state at a hard
bound is held while its bulk rate points outward. Laws, windows and drives are written down again here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

import spicebridge as sb
from spicebridge.arrays import Array
from spicebridge.network import Network

RTOL, ATOL = 1e-10, 1e-12
MOST_EVENTS = 400
LEAST_STEPS = 1000
"""Steps over the span; below a threshold the rate is zero, and longer ones pass over what comes."""
AT_REST = 1e-9
"""1/s: a held state is let go at this inward rate; below its threshold a law has the rate 0, which is no crossing."""
LARGEST = 1e3
"""Currents (in units of S over the least resistance) beyond which a network is next to a singular one."""


def source(drive: object, t: float) -> float:
    """S(t) in V."""
    match drive:
        case None:
            return 0.0
        case sb.DC(level):
            return float(level)
        case sb.Sine(a, f, offset, phase, delay):
            return float(offset + a * math.sin(2 * math.pi * f * max(t - delay, 0.0) + phase))
        case sb.PWL(times, values):
            return float(np.interp(t, times, values))
        case sb.Pulse(low, high, delay, rise, fall, width, period):
            u = t - delay
            if u <= 0:
                return float(low)
            u = math.fmod(u, period) if period else u
            ramp = [(0.0, low), (rise, high), (rise + width, high), (rise + width + fall, low)]
            return float(np.interp(u, [x for x, _ in ramp], [y for _, y in ramp]))
    return sum(source(term, t) for term in drive.terms)  # type: ignore[attr-defined]


def corners(drive: object, stop: float) -> list[float]:
    """Times in (0, stop) at which a drive has a corner."""
    match drive:
        case None | sb.DC():
            return []
        case sb.Sine(delay=delay):
            out = [delay]
        case sb.PWL(times):
            out = list(times)
        case sb.Pulse(_, _, delay, rise, fall, width, period):
            once = np.cumsum([delay, rise, width, fall])
            count = math.ceil(stop / period) if period else 1
            out = [float(x + n * (period or 0.0)) for n in range(count) for x in once]
        case _:
            out = [t for term in drive.terms for t in corners(term, stop)]  # type: ignore[attr-defined]
    return [t for t in out if 0.0 < t < stop]


def threshold_rate(device: object, v: float, i: float, s: float) -> float:
    """ds/dt in 1/s of a law with thresholds at polarity +1, without window."""
    match device:
        case sb.ThresholdMemristor():
            beyond = max(v - float(device.v_t), 0.0) - max(-v - float(device.v_t), 0.0)
            slow, fast = float(device.alpha), float(device.beta)
            return (slow * v + (fast - slow) * beyond) / float(device.r_off - device.r_on)
        case sb.VTEAM():
            off = max(v / float(device.v_off) - 1.0, 0.0) ** float(device.alpha_off)
            on = max(v / float(device.v_on) - 1.0, 0.0) ** float(device.alpha_on)
            return float(device.k_off) * off + float(device.k_on) * on
        case sb.TEAM():
            off = max(i / float(device.i_off) - 1.0, 0.0) ** float(device.alpha_off)
            on = max(i / float(device.i_on) - 1.0, 0.0) ** float(device.alpha_on)
            f_off = math.exp(-math.exp(min((s - float(device.a_off)) / float(device.w_c), 40.0)))
            f_on = math.exp(-math.exp(min((float(device.a_on) - s) / float(device.w_c), 40.0)))
            return float(device.k_off) * off * f_off + float(device.k_on) * on * f_on
    raise TypeError(device)


@dataclass(eq=False)
class Tableau:
    """A network of affine memristors, threshold laws and resistors as plain arrays."""

    network: Network

    def __post_init__(self) -> None:
        net = self.network
        n = net.n_edges
        self.r0, self.kappa, self.a, self.g = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
        self.growth = np.zeros(n)
        self.control = ["current"] * n
        self.switching: dict[int, object] = {}
        self.windows: list[object] = [None] * n
        for k in range(n):
            device = net.device(k)
            if isinstance(device, sb.Resistor):
                self.r0[k] = device.r
                continue
            self.windows[k] = device.window
            on, off = float(device.r_on), float(device.r_off)
            self.r0[k], self.kappa[k] = on, off / on - 1.0
            if not isinstance(device, sb.LinearMemristor):
                self.switching[k] = device
                if getattr(device, "curve", "linear") == "exponential":
                    self.kappa[k], self.growth[k] = 0.0, math.log(off / on)
                continue
            first = device.law == "caravelli2017"
            if not first:
                self.r0[k], self.kappa[k] = off, -(1.0 - on / off)
            self.a[k] = float(device.alpha) if first else -float(device.alpha)
            self.g[k] = (-1.0 if first else 1.0) / float(device.beta)
            self.control[k] = device.control
        self.by_voltage = np.array([c != "current" for c in self.control])
        self.sign = np.where([c == "voltage_eq61" for c in self.control], net.P, 1.0)
        self.hard = np.array([isinstance(w, sb.Hard) for w in self.windows])
        self.drives = list(net.drives)
        self.matrix = self._of_loops(net.loop_matrix) if not net.is_graph else self._of_nodes(net)

    @staticmethod
    def _of_nodes(net: Network) -> Array:
        n, nodes = net.n_edges, net.n_nodes
        B = np.zeros((nodes, n))
        np.add.at(B, (net.tail, np.arange(n)), 1.0)
        np.add.at(B, (net.head, np.arange(n)), -1.0)
        matrix = np.zeros((n + nodes, n + nodes))
        matrix[:n, n:] = B.T
        matrix[n:, :n] = B
        label = list(range(nodes))
        for _ in range(nodes):
            for a, b in zip(net.tail.tolist(), net.head.tolist(), strict=True):
                label[a] = label[b] = min(label[a], label[b])
        for node in sorted(set(label)):
            matrix[n + node] = 0.0
            matrix[n + node, n + node] = 1.0
        return matrix

    @staticmethod
    def _of_loops(A: Array | None) -> Array:
        assert A is not None
        loops, n = A.shape
        matrix = np.zeros((n + loops, n + loops))
        matrix[:n, :n] = np.eye(n)
        matrix[:n, n:] = -A.T
        matrix[n:, :n] = A
        return matrix

    def resistances(self, s: Array) -> Array:
        """P R(s), (n_e,) in ohm."""
        return np.asarray(self.network.P * self.r0 * (1.0 + self.kappa * s) * np.exp(self.growth * s))

    def signals(self, t: float, s: Array) -> tuple[Array, Array]:
        """Currents (A) and drops over the devices (V), (n_e,) each."""
        n = self.network.n_edges
        R, S = self.resistances(s), np.array([source(drive, t) for drive in self.drives])
        matrix = self.matrix.copy()
        right = np.zeros(matrix.shape[0])
        if self.network.is_graph:
            matrix[np.arange(n), np.arange(n)] = -R
            right[:n] = -S
        else:
            right[n:] = matrix[n:, :n] @ S
            matrix[n:, :n] *= R
        i = np.linalg.solve(matrix, right)[:n]
        return i, R * i

    def rates(self, t: float, s: Array) -> tuple[Array, Array]:
        """ds/dt without walls, and the same with the other windows, in 1/s."""
        i, v = self.signals(t, s)
        J = self.network.J
        drift = J * self.g * np.where(self.by_voltage, self.sign * v, self.r0 * i)
        for k, device in self.switching.items():
            drift[k] = threshold_rate(device, float(J[k] * v[k]), float(J[k] * i[k]), float(s[k]))
        decay = self.a * s
        bulk = decay + drift
        out = bulk.copy()
        for k, window in enumerate(self.windows):
            x = s[k]
            match window:
                case sb.Joglekar(p):
                    out[k] = decay[k] + drift[k] * (1.0 - (2.0 * x - 1.0) ** (2 * p))
                case sb.Biolek(p):
                    out[k] = decay[k] + drift[k] * (1.0 - (x - (drift[k] < 0.0)) ** (2 * p))
                case sb.Prodromakis(p, j):
                    out[k] = decay[k] + drift[k] * j * (1.0 - ((x - 0.5) ** 2 + 0.75) ** p)
                case sb.Zha(p, j):
                    out[k] = decay[k] + drift[k] * j * (1.0 - ((x - (drift[k] < 0.0)) ** 2 / 4.0 + 0.75) ** p)
                case sb.Tanh(p, scale):
                    step = lambda z: 0.5 * (1.0 + math.tanh(z))  # noqa: E731
                    f = bulk[k]
                    out[k] = f * (step(-p * f / scale) * step(p * x) + step(p * f / scale) * step(p * (1.0 - x)))
        return bulk, out


@dataclass(eq=False)
class Path:
    """States at any time, piece by piece."""

    tableau: Tableau
    pieces: list[tuple[float, float, Callable[[Array], Array], dict[int, float]]]

    def state(self, t: Array) -> Array:
        """(n_t, n_e)"""
        out = np.empty((t.size, self.tableau.network.n_edges))
        starts = np.array([piece[0] for piece in self.pieces])
        where = np.clip(np.searchsorted(starts, t, side="right") - 1, 0, None)
        for n in np.unique(where):
            start, stop, dense, held = self.pieces[n]
            rows = where == n
            values = dense(np.clip(t[rows], start, stop)).T
            for k, wall in held.items():
                values[:, k] = wall
            out[rows] = values
        return out

    def signals(self, t: Array) -> dict[str, Array]:
        """state, current and voltage, (n_t, n_e) each."""
        s = self.state(t)
        both = [self.tableau.signals(float(time), row) for time, row in zip(t, s, strict=True)]
        return {"state": s, "current": np.array([i for i, _ in both]), "voltage": np.array([v for _, v in both])}


def follow(network: Network, stop: float, method: str = "DOP853", most: int = 200_000) -> Path | None:
    """Integrate over [0, stop]; None where a resistance reaches zero, or it takes more than `most` evaluations."""
    tableau = Tableau(network)
    times = sorted({0.0, stop, *(t for drive in network.drives for t in corners(drive, stop))})
    pieces: list[tuple[float, float, Callable[[Array], Array], dict[int, float]]] = []
    s = np.array(network.initial_state, float)
    held: dict[int, float] = {}
    used = 0

    def free_rate(t: float, x: Array) -> Array:
        out = tableau.rates(t, x)[1]
        out[list(held)] = 0.0
        return out

    for begin, end in itertools.pairwise(times):
        if end - begin <= 1e-14 * stop:
            continue
        t = begin
        while t < end:
            _settle(tableau, t, s, held)
            events = _events(tableau, held)
            try:
                run = solve_ivp(
                    free_rate,
                    (t, end),
                    s,
                    method=method,
                    rtol=RTOL,
                    atol=ATOL,
                    max_step=stop / LEAST_STEPS,
                    events=events or None,
                    dense_output=True,
                )
            except np.linalg.LinAlgError:
                return None
            used += run.nfev
            R = 1.0 + tableau.kappa[:, None] * run.y
            if run.status < 0 or used > most or len(pieces) > MOST_EVENTS or (R <= 0.0).any():
                return None
            if _next_to_singular(tableau, float(run.t[-1]), run.y[:, -1]):
                return None
            pieces.append((t, run.t[-1], run.sol, dict(held)))
            t, s = float(run.t[-1]), run.y[:, -1].copy()
            for k, wall in held.items():
                s[k] = wall
            if run.status == 1:
                for k in np.flatnonzero(tableau.hard).tolist():
                    if k not in held and min(abs(s[k]), abs(s[k] - 1.0)) < 1e-9:
                        s[k] = round(s[k])
    return Path(tableau, pieces)


def _next_to_singular(tableau: Tableau, t: float, s: Array) -> bool:
    """Whether active elements make currents far larger than the sources alone could."""
    i, _ = tableau.signals(t, s)
    S = max((abs(source(drive, t)) for drive in tableau.drives), default=0.0)
    return bool(np.abs(i).max() * np.abs(tableau.resistances(s)).min() > LARGEST * S + 1e-12)


def _settle(tableau: Tableau, t: float, s: Array, held: dict[int, float]) -> None:
    """Hold the states at a wall whose rate just after t points outward, and free the others."""
    at_wall = [k for k in np.flatnonzero(tableau.hard).tolist() if s[k] in (0.0, 1.0)]
    bulk = tableau.rates(t, s)[0]
    later = tableau.rates(t + 1e-9 * max(t, 1e-3), s)[0] if at_wall else bulk
    for k in at_wall:
        outward = later[k] > 0.0 if s[k] == 1.0 else later[k] < 0.0
        if outward or later[k] == 0.0:
            held[k] = float(s[k])
        else:
            held.pop(k, None)


def _events(tableau: Tableau, held: dict[int, float]) -> list[Callable[[float, Array], float]]:
    out: list[Callable[[float, Array], float]] = []
    for k in np.flatnonzero(tableau.hard).tolist():
        if k in held:
            sign = 1.0 if held[k] == 1.0 else -1.0

            def release(t: float, x: Array, k: int = k, sign: float = sign) -> float:
                return sign * float(tableau.rates(t, x)[0][k]) + AT_REST

            release.direction, release.terminal = -1.0, True  # type: ignore[attr-defined]
            out.append(release)
        else:
            for wall, direction in ((0.0, -1.0), (1.0, 1.0)):

                def hit(t: float, x: Array, k: int = k, wall: float = wall) -> float:
                    return float(x[k] - wall)

                hit.direction, hit.terminal = direction, True  # type: ignore[attr-defined]
                out.append(hit)
    return out
