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

GENERATIONS = 48
"""Halvings after which what is left of an interval counts as a place."""
SIMULTANEOUS = 1e-12
"""Crossings closer than this to the first one are kept."""
POLISH = 60
"""Most steps of Newton's method, with bisection, to a single crossing."""


@cache
def _bernstein(degree: int) -> Array:
    return np.array([[comb(i, j) / comb(degree, j) for j in range(degree + 1)] for i in range(degree + 1)])


@cache
def _halves(degree: int) -> tuple[Array, Array]:
    left = np.array([[comb(i, j) / 2.0**i for j in range(degree + 1)] for i in range(degree + 1)])
    return left, left[::-1, ::-1].copy()


def first_crossing(c: Array, level: Array) -> Array:
    """First x in [0, 1] where sum_k c_k x^k, (d + 1, m), rises above `level` (m,), for the earliest of the columns.

    Returns (m,): columns that cross later than the first one, or never, have infinity. A column is taken to start
    at or below its level.
    """
    g = c.copy()
    g[0] -= level
    degree = len(c) - 1
    out = np.full(g.shape[1], np.inf)
    b = _bernstein(degree) @ g
    column = np.flatnonzero((b > 0.0).any(axis=0))
    b, width, first = b[:, column], 1.0, np.inf
    low: Array = np.zeros(column.size)
    left, right = _halves(degree)
    single: list[tuple[IntArray, Array, float]] = []
    for _ in range(GENERATIONS):
        if not column.size:
            break
        above = b[0] > 0.0
        np.minimum.at(out, column[above], low[above])
        crosses = ~above & (b[-1] > 0.0)
        first = min(first, float(low[above].min(initial=np.inf)), float((low[crosses] + width).min(initial=np.inf)))
        alone = crosses & (np.diff(b, axis=0) >= 0.0).all(axis=0)
        single.append((column[alone], low[alone], width))
        go = ~above & ~alone & (low <= first + SIMULTANEOUS)
        b, column, low, width = b[:, go], column[go], low[go], 0.5 * width
        b, column, low = (
            np.concatenate([left @ b, right @ b], axis=1),
            np.concatenate([column, column]),
            np.concatenate([low, low + width]),
        )
        go = (b > 0.0).any(axis=0)
        b, column, low = b[:, go], column[go], low[go]
    np.minimum.at(out, column, low)
    for alone_column, start, width in single:
        near = start <= first + SIMULTANEOUS
        if near.any():
            place = _root(g[:, alone_column[near]], start[near], start[near] + width)
            np.minimum.at(out, alone_column[near], place)
    out[out > out.min(initial=np.inf) + SIMULTANEOUS] = np.inf
    return out


def _root(g: Array, low: Array, high: Array) -> Array:
    """The only zeros of the columns of g, not above zero at `low`, above at `high`."""
    low, high = low.copy(), high.copy()
    x = 0.5 * (low + high)
    for _ in range(POLISH):
        value, slope = g[-1], np.zeros(x.size)
        for row in g[-2::-1]:
            slope = slope * x + value
            value = value * x + row
        above = value > 0.0
        high, low = np.where(above, x, high), np.where(above, low, x)
        guess = x - value / np.where(slope > 0.0, slope, 1.0)
        good = (slope > 0.0) & (guess > low) & (guess < high)
        before, x = x, np.where(good, guess, 0.5 * (low + high))
        if (np.abs(x - before) <= 2e-16 * np.maximum(x, 1e-3)).all():
            break
    return x
