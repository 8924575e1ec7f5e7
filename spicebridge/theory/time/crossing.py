"""Where polynomials first rise above a level, with nothing missed between samples.

A polynomial on [0, 1] lies within its Bernstein coefficients. Intervals whose coefficients are all at or below
the level have no crossing; others are halved (de Casteljau) until they have none or their coefficients increase,
when they hold exactly one.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.theory.time.dense_output import monomials

GENERATIONS = 48
"""Halvings after which what is left of an interval counts as a place."""
SIMULTANEOUS = 1e-12
"""Crossings closer than this to the first one are kept."""
POLISH = 60
"""Most steps of Newton's method, with bisection, to a single crossing."""
ROUNDING = 4 * float(np.finfo(float).eps)


@cache
def _bernstein(degree: int) -> Array:
    return np.array([[comb(i, j) / comb(degree, j) for j in range(degree + 1)] for i in range(degree + 1)])


@cache
def _halves(degree: int) -> tuple[Array, Array]:
    left = np.array([[comb(i, j) / 2.0**i for j in range(degree + 1)] for i in range(degree + 1)])
    return left, left[::-1, ::-1].copy()


def first_crossing(c: Array, level: Array, run: IntArray | None = None) -> Array:
    """First x in [0, 1] where sum_k c_k x^k, (d + 1, m), rises above `level` (m,), for the earliest of the columns.

    Returns (m,): columns that cross later than the first one of their `run` (m,), counted from 0 (None: all are of
    one), or never, have infinity. A column is taken to start at or below its level.
    """
    if not level.size:
        return np.zeros(0)
    g = c.copy()
    g[0] -= level
    degree = len(c) - 1
    run = np.zeros(g.shape[1], dtype=np.intp) if run is None else run
    first = np.full(int(run.max(initial=0)) + 1, np.inf)
    out = np.full(g.shape[1], np.inf)
    b = _bernstein(degree) @ g
    column = np.flatnonzero((b > 0.0).any(axis=0))
    b, width = b[:, column], 1.0
    low: Array = np.zeros(column.size)
    left, right = _halves(degree)
    nothing: tuple[IntArray, Array, Array] = (column[:0], low[:0], low[:0])
    single = [nothing]
    for _ in range(GENERATIONS):
        if not column.size:
            break
        above = b[0] > 0.0
        np.minimum.at(out, column[above], low[above])
        crosses = ~above & (b[-1] > 0.0)
        np.minimum.at(first, run[column], np.where(above, low, np.where(crosses, low + width, np.inf)))
        alone = crosses & (np.diff(b, axis=0) >= 0.0).all(axis=0)
        single.append((column[alone], low[alone], low[alone] + width))
        go = ~above & ~alone & (low <= first[run[column]] + SIMULTANEOUS)
        b, column, low, width = b[:, go], column[go], low[go], 0.5 * width
        b, column, low = (
            np.concatenate([left @ b, right @ b], axis=1),
            np.concatenate([column, column]),
            np.concatenate([low, low + width]),
        )
        go = (b > 0.0).any(axis=0)
        b, column, low = b[:, go], column[go], low[go]
    np.minimum.at(out, column, low)
    chosen, start, end = (np.concatenate(part) for part in zip(*single, strict=True))
    near = start <= first[run[chosen]] + SIMULTANEOUS
    if near.any():
        chosen = chosen[near]
        which, place = _earliest(g[:, chosen], start[near], end[near], run[chosen])
        np.minimum.at(out, chosen[which], place)
    np.minimum.at(first, run, out)
    out[out > first[run] + SIMULTANEOUS] = np.inf
    return out


def first_zero(R: Array) -> tuple[int, float]:
    """(column, place) of the first zero of the columns of R, values (8, m) at the nodes of ``dense_output``; place is
    infinite without one."""
    place = first_crossing(monomials(-R / np.abs(R).max(axis=0)), np.zeros(R.shape[1]))
    k = int(place.argmin())
    return k, float(place[k])


def _earliest(g: Array, low: Array, high: Array, run: IntArray) -> tuple[IntArray, Array]:
    """Columns of g, not above zero at `low` and above at `high`, with the first of their zeros in a run; and where."""
    which = np.arange(low.size)
    x = 0.5 * (low + high)
    first = np.full(int(run.max()) + 1, np.inf)
    degrees = np.arange(1.0, len(g))[:, None]
    for _ in range(POLISH):
        powers = np.ones(g.shape)
        powers[1:] = x
        np.multiply.accumulate(powers, axis=0, out=powers)
        value, slope = np.einsum("kn,kn->n", g, powers), np.einsum("kn,kn->n", degrees * g[1:], powers[:-1])
        above = value > 0.0
        high, low = np.where(above, x, high), np.where(above, low, x)
        guess = x - value / np.where(slope > 0.0, slope, 1.0)
        good = (slope > 0.0) & (guess >= low) & (guess <= high)
        before, x = x, np.where(good, guess, 0.5 * (low + high))
        if (np.abs(x - before) <= ROUNDING * x).all():
            break
        # The others come later whatever is left of their intervals.
        np.minimum.at(first, run, high)
        early = low <= first[run] + SIMULTANEOUS
        if not early.all():
            which, g, low, high, x, run = which[early], g[:, early], low[early], high[early], x[early], run[early]
    return which, x
