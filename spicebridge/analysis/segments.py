"""A run as stretches on which its equation is smooth: between corners of sources, hits and releases of bounds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spicebridge.theory import Trajectory
from spicebridge.theory.time.stepping import breakpoints


@dataclass(frozen=True, eq=False)
class Segment:
    """[start, stop] in s; ``held`` (n_e,) marks the states that hard bounds hold on it."""

    start: float
    stop: float
    held: NDArray[np.bool_]


def segments(path: Trajectory) -> list[Segment]:
    """The stretches of a run whose hits and releases were located, in order of time."""
    n_e = path.network.n_edges
    cuts = sorted({0.0, path.stop, *breakpoints(path.network, path.stop), *(event.t for event in path.events)})
    starts = np.array([piece.start for piece in path.pieces])
    found = []
    for left, right in pairwise(cuts):
        middle = 0.5 * (left + right)
        piece = path.pieces[max(0, int(np.searchsorted(starts, middle, side="right")) - 1)]
        mode = getattr(piece, "held", None)
        found.append(Segment(left, right, np.zeros(n_e, dtype=bool) if mode is None else np.asarray(mode) != 0))
    return found
