"""How small the steps of a run have to be to begin with."""

from __future__ import annotations

import itertools
import math

import numpy as np

from spicebridge.drives import DC, PWL, Drive, Pulse, terms
from spicebridge.network import Network

FIRST_STEPS, STEPS_PER_PERIOD = 100, 50
"""Steps of a single run over the span, and over the shortest time scale of a drive that is more than straight lines."""
LADDER_STEPS, LADDER_STEPS_PER_PERIOD = 25, 20
"""The same for the coarsest run of a ladder, which is refined until it resolves."""
LONGEST_STEP = 0.4
"""The longest step between near corners, as a part of their distance: 0.1, 0.2, 0.4 and what is left."""
UNSEEN = 0.1
"""Part of the error of the finest run that may be unseen."""
MOST_HALVINGS = 12
SEGMENTS = 8
"""So many stretches between corners are looked at, to see whether a drive bends."""


def first_step(network: Network, stop: float) -> float:
    """A step ceiling in s for one run to `stop`."""
    return min(stop / FIRST_STEPS, drive_timescale(network, stop) / STEPS_PER_PERIOD)


def ladder_step(network: Network, stop: float) -> float:
    """The ceiling in s of the coarsest run of a ladder to `stop`."""
    h = min(stop / LADDER_STEPS, drive_timescale(network, stop) / LADDER_STEPS_PER_PERIOD)
    corners = {t for drive in network.waveforms_of_sources for t in drive.breakpoints(stop)}
    gaps = np.diff([0.0, *sorted(corners), stop])
    # Between corners nearer than 2.5 h the longest step is 0.4 of their distance, whatever h is: a ladder sees
    # nothing of the error there, which has to be small against that of its finest run elsewhere.
    for _ in range(MOST_HALVINGS):
        near = gaps < h / 4.0 / LONGEST_STEP
        if ((LONGEST_STEP * gaps[near]) ** 3).sum() <= UNSEEN * (h / 4.0) ** 2 * gaps[~near].sum():
            break
        h /= 2.0
    return h


def drive_timescale(network: Network, stop: float) -> float:
    """The shortest time scale in s of the drives that steps have to resolve; infinite without one.

    Straight lines are met at their corners, which are breakpoints for both branches: a fast edge asks for no small
    steps elsewhere.
    """
    every = {term for drive in set(network.waveforms_of_sources) for term in terms(drive)}
    return min((term.timescale() for term in every if bends(term, stop)), default=math.inf)


def bends(term: Drive, stop: float) -> bool:
    """Whether the drive is anything else than straight lines between its corners."""
    if isinstance(term, (DC, PWL, Pulse)) or not math.isfinite(term.timescale()):
        return False
    corners = [0.0, *term.breakpoints(stop), stop]
    for a, b in itertools.islice(itertools.pairwise(corners), SEGMENTS):
        values = term.value(np.linspace(a, min(b, a + term.timescale()), 9))
        if np.abs(np.diff(values, 2)).max() > 1e-9 * np.abs(values).max():
            return True
    return False
