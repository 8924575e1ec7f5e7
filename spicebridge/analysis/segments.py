"""A run as stretches on which its equation is smooth: between corners of sources, hits and releases of bounds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spicebridge.analysis.flow import Flow
from spicebridge.theory import Trajectory
from spicebridge.theory.time.problem import breakpoints


@dataclass(frozen=True, eq=False)
class Segment:
    """[start, stop] in s; ``held`` (n_e,) marks the states that hard bounds hold on it."""

    start: float
    stop: float
    held: NDArray[np.bool_]


def segments(flow: Flow, path: Trajectory) -> list[Segment]:
    """The stretches of a run whose hits and releases were located, in order of time.

    A state is held where it stays at a bound and its rate points outward; one that rests there without a force is free.
    """
    cuts = sorted({0.0, path.stop, *breakpoints(path.network, path.stop), *(event.t for event in path.events)})
    found = []
    for left, right in pairwise(cuts):
        first, second = path(left + 0.4 * (right - left)), path(left + 0.6 * (right - left))
        at_wall = flow.hard & (first == second) & ((first == 0.0) | (first == 1.0))
        if at_wall.any():
            t = left + 0.4 * (right - left)
            at_wall &= flow.rate(first, t) * (2.0 * first - 1.0) > 0.0
        found.append(Segment(left, right, at_wall))
    return found
