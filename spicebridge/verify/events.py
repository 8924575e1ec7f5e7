"""Errors of switching devices: a jump that comes a little late is a small error, not a large one.

Pointwise, a state that moves from 0 to 1 a microsecond late is wrong by 1 for a microsecond. Here time and
state are coordinates of one plane, in which a time T counts as much as a state of 1, and the error of a
sample is its distance (larger coordinate) from the curve of the theory:

    E(t) = min over tau of max(|w(t) - s(t + tau)|, |tau|/T)
         = |D| / (1 + T m)                                        to first order in tau

D = w - s is the pointwise deviation, m the largest slope |ds/dt| of either curve in the two steps on either
side of t. Where nothing moves fast (T m << 1) this is D itself. With T the shortest time scale of the
drives, a tolerance of 1e-5 asks for switching times within 1e-5 of a period and for states within 1e-5. Currents
and voltages, divided by their scales, are measured alike.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.lower.deck_nodes import connected_parts
from spicebridge.network import Network
from spicebridge.verify.norms import Deviation, slopes
from spicebridge.waveforms import SIGNALS, Waveforms


def shift_tolerant(pointwise: Deviation, circuit: Array, time_scale: Array) -> Deviation:
    """Return D with the weight 1/(1 + T m).

    `circuit` (n_t, n_e) is the signal in the units of D, `time_scale` (n_e,) is T in s: 0 leaves an edge pointwise.
    """
    if not time_scale.any():
        return pointwise
    reference = circuit - pointwise.values
    slope = np.maximum(slopes(pointwise.t, circuit), slopes(pointwise.t, reference))
    return Deviation(pointwise.t, pointwise.values, 1.0 / (1.0 + time_scale * slope))


def time_scales(network: Network, stop: float, norm: str) -> dict[str, Array]:
    """T of every edge in s, (n_e,) for each signal: 0 where the error is taken pointwise.

    "auto" is tolerant where a law has thresholds: in the states of such edges, and in the currents and voltages of
    the connected part that feels their switching. "events" is so everywhere, "pointwise" nowhere. T is the shortest
    time scale of the drives of the part, and no more than the span.
    """
    n = network.n_edges
    if norm == "pointwise":
        return {name: np.zeros(n) for name in SIGNALS}
    switching = np.full(n, norm == "events")
    if norm == "auto":
        for group in network.groups:
            if not group.device.smooth:
                switching[group.edges] = True
    part = connected_parts(network)
    n_parts = int(part.max(initial=-1)) + 1
    shortest, felt = np.full(n_parts, stop), np.zeros(n_parts, dtype=bool)
    for drives in (network.drives, network.forcing):
        for k, drive in enumerate(drives):
            if drive is not None:
                shortest[part[k]] = min(shortest[part[k]], drive.timescale())
    np.logical_or.at(felt, part, switching)
    scale = shortest[part]
    around = np.where(felt[part], scale, 0.0)
    return {"state": np.where(switching, scale, 0.0), "current": around, "voltage": around}


@dataclass(frozen=True)
class Crossing:
    """At time `t` (s) the state of `edge` passes the level upwards (`up`) or downwards."""

    t: float
    edge: int
    up: bool


def crossings(waves: Waveforms, level: float = 0.5, band: float = 0.05) -> tuple[Crossing, ...]:
    """Every passage of a state from below `level` - `band` to above `level` + `band`, or back, in order of time.

    The time is that of the last passage of the level itself, between samples by a straight line.
    """
    found = []
    for edge, s in enumerate(waves.state.T):
        side = (s > level + band).astype(int) - (s < level - band)
        known = np.flatnonzero(side)
        for before, after in itertools.pairwise(known):
            if side[before] == side[after]:
                continue
            up = bool(side[after] > 0)
            beyond = s[before : after + 1] > level
            row = before + int(np.flatnonzero(beyond != up)[-1])
            part = (level - s[row]) / (s[row + 1] - s[row])
            found.append(Crossing(float(waves.t[row] + part * (waves.t[row + 1] - waves.t[row])), edge, up))
    return tuple(sorted(found, key=lambda crossing: (crossing.t, crossing.edge)))


@dataclass(frozen=True)
class Switching:
    """How the switching of two waveforms compares.

    `shift` in s is the largest difference between passages of the level that belong together, edge by edge
    in order; `unmatched` the number of passages without a partner. `extrema` is the largest difference
    between the lowest and the highest states of the edges.
    """

    shift: float
    matched: int
    unmatched: int
    extrema: float


def switching(run: Waveforms, reference: Waveforms, level: float = 0.5) -> Switching:
    """Compare the passages of `level` and the extrema of two waveforms of the same network."""
    shift, matched, unmatched = 0.0, 0, 0
    both = crossings(run, level), crossings(reference, level)
    for edge in range(run.n_edges):
        first, second = ([c for c in found if c.edge == edge] for found in both)
        pairs = [(a, b) for a, b in zip(first, second, strict=False) if a.up == b.up]
        matched += len(pairs)
        unmatched += len(first) + len(second) - 2 * len(pairs)
        shift = max([shift, *(abs(a.t - b.t) for a, b in pairs)])
    low = np.abs(run.state.min(axis=0) - reference.state.min(axis=0))
    high = np.abs(run.state.max(axis=0) - reference.state.max(axis=0))
    return Switching(shift, matched, unmatched, float(max(low.max(), high.max())))
