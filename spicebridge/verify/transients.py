"""Transients that no run of a ladder resolves: what all its rungs miss together.

A capacitor of 1 nF behind 50 ohm settles in 50 ns. Runs at steps of microseconds pass over that, each in its own way and
by about the size of what happens there, and their ladder cannot see it. The theory can: with x at the ends and in the
middle of every step of a run,

    d(h) = 2 max |x(middle) - (x(start) + x(end)) / 2| = c h^2 + a

where c h^2 is curvature that the steps do resolve and a the size of what they pass over. Two runs tell them apart:

    a = max(0, (4 d(h/2) - d(h)) / 3)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicebridge.arrays import Array

SIGNIFICANT = 0.25
"""a counts from this part of d(h/2) on; below, it is the next order of the curvature."""


def passed_over(path: Callable[[Array], Array], coarse: Array, fine: Array) -> Array:
    """Size of what the steps of both runs pass over, for every column of `path`.

    Parameters
    ----------
    path : callable
        The theory: times (n,) in s -> values (n, m), of one signal or several.
    coarse, fine : (n_t,)
        Time points of runs at steps h and h/2, in s.

    Returns
    -------
    (m,)
        a of the module, in the unit of the column.
    """
    middle, last = _bend(path, coarse), _bend(path, fine)
    a = np.maximum((4.0 * last - middle) / 3.0, 0.0)
    return np.where(a >= SIGNIFICANT * last, a, 0.0)


def _bend(path: Callable[[Array], Array], t: Array) -> Array:
    ends, middle = path(t), path(0.5 * (t[1:] + t[:-1]))
    return np.asarray(2.0 * np.abs(middle - 0.5 * (ends[1:] + ends[:-1])).max(axis=0, initial=0.0))
