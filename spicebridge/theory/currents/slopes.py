"""dS/dt of sources, which loops of capacitors and cutsets of inductors turn into currents and voltages.

A derivative jumps at a breakpoint. Inside a segment between two of them it is that of the segment, up to and
including both ends, so that an integrator that steps onto a breakpoint never looks across it. Before t = 0 straight
lines stand still: one that starts there has no slope yet at t = 0, which is also what a simulator's first row shows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spicebridge.arrays import Array
from spicebridge.drives import DC, PWL, Drive, Pulse, Sine, terms
from spicebridge.errors import NetworkError

BEFORE = 1e-12
"""Without a segment the slope is that just before t, by this part of it: at a corner the value that the segment ends
with, which is also what a simulator's point there shows."""
INSIDE = 1e-7
"""Slopes of straight lines are read this part of the segment away from its ends."""

Segment = tuple[float, float]


def slopes(drives: Iterable[Drive | None], t: float, segment: Segment | None) -> Array:
    """`slope` of every drive, (n,)."""
    return np.array([slope(drive, t, segment) for drive in drives])


def slope(drive: Drive | None, t: float, segment: Segment | None) -> float:
    """d drive / dt at t in s, of the `segment` (start, stop) between breakpoints or, without one, just before t.

    Raises `NetworkError` for a waveform whose derivative is not known.
    """
    total = 0.0
    for term in terms(drive):
        inside = t * (1.0 - BEFORE)
        begun = t > 0.0 or segment is not None
        if segment is not None:
            margin = INSIDE * (segment[1] - segment[0])
            inside = min(max(t, segment[0] + margin), segment[1] - margin)
        match term:
            case DC():
                pass
            case PWL() | Pulse() if not begun:
                pass
            case Sine():
                if inside >= term.delay:
                    omega = 2.0 * np.pi * term.frequency
                    total += term.amplitude * omega * np.cos(omega * max(t - term.delay, 0.0) + term.phase)
            case PWL():
                total += _piecewise(np.asarray(term.times), np.asarray(term.values), inside)
            case Pulse():
                since = inside - term.delay
                if term.period is not None and since >= 0.0:
                    since %= term.period
                corners = np.cumsum([0.0, term.rise, term.width, term.fall])
                levels = np.array([term.initial, term.pulsed, term.pulsed, term.initial])
                total += _piecewise(corners, levels, since)
            case _:
                raise NetworkError(
                    f"drive {term!r}: its derivative is not known, and a loop of capacitors or a cutset of inductors "
                    "needs it; use DC, Sine, Pulse or PWL there, or put a resistor into the loop"
                )
    return float(total)


def _piecewise(x: Array, y: Array, t: float) -> float:
    k = int(np.searchsorted(x, t, side="right"))
    if k == 0 or k == x.size:
        return 0.0
    return float((y[k] - y[k - 1]) / (x[k] - x[k - 1]))
