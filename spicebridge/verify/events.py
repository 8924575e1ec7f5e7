"""Errors of switching devices: a jump that comes a little late is a small error, not a large one.

Pointwise, a state that moves from 0 to 1 a microsecond late is wrong by 1 for a microsecond. Here time and
state are coordinates of one plane, in which a time T counts as much as a state of 1, and the error of a
sample is its distance (larger coordinate) from the curve of the theory:

    E(t) = min over tau of max(|w(t) - s(t + tau)|, |tau|/T)
         = |D| / (1 + T m)                                        to first order in tau

D = w - s is the pointwise deviation, m the largest slope |ds/dt| of either curve in the two steps on either
side of t. Where nothing moves fast (T m << 1) this is D itself. With T the shortest time scale of the
drives, a tolerance of 1e-5 asks for switching times within 1e-5 of a period and for states within 1e-5.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.verify.norms import Deviation
from spicebridge.waveforms import Waveforms

REACH = 2
"""Steps on either side of a sample in which the slopes count."""


def shift_tolerant(pointwise: Deviation, states: Array, time_scale: float) -> Deviation:
    """Return D with the weight 1/(1 + T m); `states` (n_t, n_e) are the run's, `time_scale` is T in s."""
    theory = states - pointwise.values
    slope = np.maximum(_slopes(pointwise.t, states), _slopes(pointwise.t, theory))
    return Deviation(pointwise.t, pointwise.values, 1.0 / (1.0 + time_scale * slope))


def _slopes(t: Array, states: Array) -> Array:
    """Largest |ds/dt| within `REACH` steps of every sample, (n_t, n_e) in 1/s."""
    if t.size < 2:
        return np.zeros(states.shape)
    steps = np.abs(np.diff(states, axis=0)) / np.diff(t)[:, None]
    edge = np.zeros((REACH, states.shape[1]))
    padded = np.vstack([edge, steps, edge])
    n = t.size
    # Sample k lies between steps k - 1 and k, which are rows k + REACH - 1 and k + REACH here.
    return np.asarray(np.max([padded[k : k + n] for k in range(2 * REACH)], axis=0))


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
