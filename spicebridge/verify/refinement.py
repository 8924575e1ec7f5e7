"""The refinement ladder: three step ceilings and what they say about the error.

With deviations D1, D2, D3 at h, h/2, h/4 and d1 = max|D1 - D2|, d2 = max|D2 - D3|:

    observed order     p = log2(d1 / d2)
    uncertainty        u = max(d2, d1/4)
    Richardson value   D* = D3 + (D3 - D2)/(2^p - 1)
    GCI                1.25 d2/(2^p - 1)          (Roache; three grids)

u bounds the error of the finest run whenever p >= 1: that error is d2/(2^p - 1) to leading order. At the
trapezoidal rule's p = 2 it is three times the error, a margin that the naive `E <= GCI` lacks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.verify.norms import Deviation, difference, gaps

SAFETY = 1.25
"""Roache's factor for three grids."""

LEAST_ORDER = 1.0
"""Observed order below which u no longer bounds the error of the finest run."""

Steps = tuple[float, float, float]
Triple = tuple[Deviation, Deviation, Deviation]


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """What three runs say; steps in s, errors dimensionless.

    `order` is None where it cannot be observed (d1 at the floor: a tree, say), which is no failure.
    """

    steps: Steps
    errors: tuple[float, float, float]
    d1: float
    d2: float
    floor: float
    order: float | None
    richardson: float
    gci: float

    @property
    def at_floor(self) -> bool:
        """Both differences are solver noise: the step has no visible influence."""
        return max(self.d1, self.d2) <= self.floor

    @property
    def converging(self) -> bool:
        """Whether the differences fall at least linearly, or are all noise."""
        if self.at_floor or self.d2 <= self.floor:
            return True
        return self.order is not None and self.order >= LEAST_ORDER

    @property
    def uncertainty(self) -> float:
        """u of the module: numerical uncertainty of the finest run from its step."""
        return max(self.d2, self.d1 / 4.0)


def ladder(steps: Steps, runs: Triple, floor: float) -> Ladder:
    """Evaluate three deviations at halving steps; `floor` is the solver noise in the signal."""
    coarse, middle, fine = runs
    d1, d2 = difference(coarse, middle), difference(middle, fine)
    observable = d1 > floor and d2 > 0.0
    order = math.log2(d1 / d2) if observable else None
    growth = 2.0 ** (order if order is not None and order > 0.5 else 2.0) - 1.0
    extrapolated = fine.values + (fine.values - middle.on(fine.t)) / growth
    return Ladder(
        steps=steps,
        errors=(coarse.maximum, middle.maximum, fine.maximum),
        d1=d1,
        d2=d2,
        floor=floor,
        order=order,
        richardson=float(fine.size(extrapolated).max(initial=0.0)),
        gci=SAFETY * d2 / growth,
    )


def resolved_until(runs: Triple, floor: float, constant: float, tolerance: float) -> float:
    """The time in s up to which the rule of the verdict, applied to [0, t], says that the signal agrees.

    `constant` is what U has besides the ladder and the floor. Every quantity of the rule is taken as its largest
    so far; the answer is the last sample of the finest run before one of them breaks the rule.
    """
    coarse, middle, fine = runs
    t = fine.t
    E = np.maximum.accumulate(fine.size(fine.values).max(axis=1, initial=0.0))
    d1 = _so_far(*gaps(coarse, middle), t)
    d2 = _so_far(*gaps(fine, middle), t)
    U = np.maximum(d2, d1 / 4.0) + floor + constant
    falls = (d2 <= floor) | (d1 >= 2.0**LEAST_ORDER * d2)
    good = (E <= U) & (tolerance >= U) & falls
    if good.all():
        return float(t[-1])
    first = int(np.argmin(good))
    return float(t[first - 1]) if first else 0.0


def _so_far(t: Array, values: Array, at: Array) -> Array:
    """The largest of `values` (n,) at times up to each of `at` (m,), and at the next one after it."""
    if not t.size:
        return np.zeros(at.size)
    largest = np.maximum.accumulate(values)
    return np.asarray(largest[np.minimum(np.searchsorted(t, at), t.size - 1)])
