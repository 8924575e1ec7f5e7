"""Tolerance bands of the test points, and which parts matter.

Half of the builds give mean and standard deviation of every signal at every time, the other half the factor k by
which the band |signal - mean| <= k sd must be widened to hold all of them at all times and test points together.
By order statistics a fresh build then lies inside with probability n/(n + 1) on average, n builds in that half,
and with 95 % confidence the share of fresh builds inside exceeds 0.05^(1/n) (0.95 for n = 59; Wilks 1941).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import KINDS, Ensemble, Errors, error_limits, integrate_builds
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.plan import Plan

BUILDS = 160
RELATIVE_FLOOR = 1e-3
"""Smallest standard deviation at one time, relative to the largest of the same signal over time."""
ESCAPE = 1.0
"""Distance of a state from the ideal range beyond which a build is in another regime."""
CLASSES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Factors on all error limits that are tried in turn."""


@dataclass(frozen=True, eq=False)
class Band:
    """`names` (n_s,) of test points; `t` (n_t,); `mean`, `sd` (n_t, n_s); `k` the common factor."""

    names: tuple[str, ...]
    t: Array
    mean: Array
    sd: Array
    k: float
    n: int

    def contains(self, signals: Array) -> NDArray[np.bool_]:
        """(n_b,) whether builds (n_b, n_t, n_s) lie inside everywhere."""
        return np.asarray((np.abs(signals - self.mean) <= self.k * self.sd).all(axis=(1, 2)))

    @property
    def low(self) -> Array:
        return self.mean - self.k * self.sd

    @property
    def high(self) -> Array:
        return self.mean + self.k * self.sd


@dataclass(frozen=True)
class Influence:
    """Effect of one error at its limit: largest change of any test point over the largest value of its kind."""

    what: str
    edge: int
    limit: float
    effect: float
    where: str


def test_points(plan: Plan, ensemble: Ensemble) -> tuple[tuple[str, ...], Array]:
    """Names and signals (n_b, n_t, n_s): node voltages but ground, chord currents, states of emulators."""
    network, gauge = plan.network, plan.gauge
    nodes = [n for n in range(network.n_nodes) if n != gauge.ground]
    chords, states = list(gauge.chords), np.flatnonzero(plan.emulated).tolist()
    names = [f"p[{network.nodes[n]}]" for n in nodes] + [f"i[{k}]" for k in chords] + [f"w[{k}]" for k in states]
    parts = [ensemble.nodes[..., nodes], ensemble.current[..., chords], ensemble.state[..., states]]
    return tuple(names), np.concatenate(parts, axis=-1)


test_points.__test__ = False  # type: ignore[attr-defined]


def tolerance_band(plan: Plan, *, builds: int = BUILDS, seed: int = 1) -> Band:
    """The band from `builds` random builds."""
    ensemble = integrate_builds(plan.network, plan.stop, Errors.drawn(plan, builds, seed), ground=plan.gauge.ground)
    names, signals = test_points(plan, ensemble)
    half = builds // 2
    mean, sd = signals[:half].mean(axis=0), signals[:half].std(axis=0, ddof=1)
    top = sd.max(axis=0)
    sd = np.maximum(sd, RELATIVE_FLOOR * np.where(top > 0, top, 1.0))
    k = float((np.abs(signals[half:] - mean) / sd).max())
    return Band(names, ensemble.t, mean, sd, k, builds - half)


def escaped(plan: Plan, ensemble: Ensemble) -> NDArray[np.bool_]:
    """(n_b,) builds whose states leave the ideal range by more than `ESCAPE`: another regime, not a deviation."""
    ideal = plan.waves.state
    low, high = ideal.min() - ESCAPE, ideal.max() + ESCAPE
    inside = np.isfinite(ensemble.state) & (ensemble.state >= low) & (ensemble.state <= high)
    return np.asarray(~inside.all(axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class Spread:
    """A band at the first precision class at which no build escapes.

    `share` of builds escaped with the bench's own limits; `factor` <= 1 is what all of them were multiplied by
    for `band`, computed on `plan`.
    """

    share: float
    factor: float
    plan: Plan
    band: Band


def spread(plan: Plan, *, builds: int = BUILDS, seed: int = 1) -> Spread:
    """Tighten all error limits until every build stays in the regime. Raises `LabError` if none does."""
    share = math.nan
    for factor in CLASSES:
        tried = replace(plan, bench=plan.bench.tightened(factor))
        errors = Errors.drawn(tried, builds, seed)
        out = escaped(tried, integrate_builds(tried.network, tried.stop, errors, ground=tried.gauge.ground))
        share = float(out.mean()) if factor == 1.0 else share
        if not out.any():
            return Spread(share, factor, tried, tolerance_band(tried, builds=builds, seed=seed))
    worst = influences(plan)[0]
    raise LabError(
        f"{plan.case.name}: builds leave the regime even with all errors at {CLASSES[-1]:g} of the bench's limits; "
        f"most harmful is the {worst.what} of {plan.network.edge_name(worst.edge)}"
    )


def influences(plan: Plan) -> tuple[Influence, ...]:
    """Every error alone at its limit, the most harmful first."""
    limits = error_limits(plan.network, plan.bench, plan.gauge.driven)
    n_e = plan.network.n_edges
    picks = [(kind, k) for kind in range(len(limits)) for k in range(n_e) if limits[kind][k] > 0]
    errors = Errors.none(len(picks) + 1, n_e)
    for row, (kind, k) in enumerate(picks, start=1):
        errors.tables[kind][row, k] = limits[kind][k]
    ensemble = integrate_builds(plan.network, plan.stop, errors, ground=plan.gauge.ground)
    names, signals = test_points(plan, ensemble)
    kinds = np.array([name[0] for name in names])
    peaks = np.abs(signals[0]).max(axis=0)
    span = np.array([peaks[kinds == kind].max() for kind in kinds])
    change = np.abs(signals[1:] - signals[0]).max(axis=1) / np.where(span > 0, span, np.inf)
    out = [
        Influence(KINDS[kind], k, float(limits[kind][k]), float(row.max()), names[int(row.argmax())])
        for (kind, k), row in zip(picks, change, strict=True)
    ]
    return tuple(sorted(out, key=lambda x: (-x.effect, x.what, x.edge)))
