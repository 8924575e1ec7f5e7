"""When devices switch in two runs: passages of a level, edge by edge."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spicebridge.waveforms import Waveforms


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
