"""Tolerance bands of the test points, and which parts matter.

A quarter of the builds gives mean and standard deviation of every signal at every time, the others, n builds, the factor k
of every kind (node voltages, currents, states) in the band |signal - mean| <= k sd: the factors of equal rank among what the
n builds need of each kind, with which r of them lie inside at all times and all test points. By order statistics (Wilks 1941) so
does a fresh build with probability r/(n + 1), on average.

What a circuit of perfect parts is known to differ by is no spread: it moves the band. Where the simulated circuit and the
firmware's loop differ, the band stands in the middle between them and is wider by half of what lies between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import KINDS, Ensemble, Errors, error_limits, integrate_builds
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.plan import Plan, node_voltages
from spicebridge.lab.design.reactances import memristive
from spicebridge.lab.design.realistic import BenchRun
from spicebridge.theory import integrate
from spicebridge.waveforms import Waveforms

BUILDS = 640
PROMISE = 0.97
"""Least probability with which all test points are inside."""
RELATIVE_FLOOR = 1e-3
"""Smallest standard deviation at one time, relative to the largest of the same signal over time."""
ESCAPE = 1.0
"""Distance of a state from the ideal range beyond which a build is in another regime."""
CLASSES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Factors on all error limits that are tried in turn."""


@dataclass(frozen=True, eq=False)
class Band:
    """`names` (n_s,) of test points; `t` (n_t,); `mean`, `sd` (n_t, n_s); `k` (n_s,) the factors, one of each kind.

    `promise` is the probability that a fresh build is inside with all test points; `built` (n_t, n_s) what
    circuits of perfect parts are known to differ by from the middle of the band; the band is `mean` +- `half`.
    """

    names: tuple[str, ...]
    t: Array
    mean: Array
    sd: Array
    k: Array
    promise: float
    built: Array

    @property
    def factors(self) -> dict[str, float]:
        """`k` by the first letter of the test points."""
        return {name[0]: float(k) for name, k in zip(self.names, self.k.tolist(), strict=True)}

    @property
    def half(self) -> Array:
        """k sd + built."""
        return self.k * self.sd + self.built

    def contains(self, signals: Array) -> NDArray[np.bool_]:
        """(n_b,) whether builds (n_b, n_t, n_s) lie inside everywhere."""
        return np.asarray((np.abs(signals - self.mean) <= self.half).all(axis=(1, 2)))

    @property
    def low(self) -> Array:
        return self.mean - self.half

    @property
    def high(self) -> Array:
        return self.mean + self.half


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


def sense_errors(plan: Plan, names: tuple[str, ...], builds: int, seed: int) -> Array:
    """(n_b, 1, n_s) by which currents are read wrong: volts over a sense resistor, divided by its nominal ohms."""
    rng = np.random.default_rng([seed, 1])
    off = plan.bench.resistor_tolerance * rng.uniform(-1.0, 1.0, (builds, 1, len(names)))
    return np.asarray(1.0 + off * np.array([name.startswith("i[") for name in names]))


def built_errors(plan: Plan, t: Array, run: BenchRun | None, loop: Waveforms | None) -> tuple[Array, Array]:
    """(middle, distance), each (n_t, n_s): how the test points of perfect parts differ from the equations at the times `t`,
    halfway between the simulated circuit `run` and the firmware's `loop`, and how far these are from there near each time."""
    network, gauge = plan.network, plan.gauge
    nodes = [n for n in range(network.n_nodes) if n != gauge.ground]
    chords, states = list(gauge.chords), np.flatnonzero(plan.emulated).tolist()
    known: list[tuple[Array, Array]] = []

    def add(times: Array, p: Array, i: Array, w: Array) -> None:
        ideal = integrate(network, times)
        ideal_p = node_voltages(network, gauge.ground, ideal.voltage - network.bank(times))
        parts = (p - ideal_p)[:, nodes], i - ideal.current[:, chords], (w - ideal.state)[:, states]
        known.append((times, np.concatenate(parts, axis=1)))

    if run is not None:
        times, at = np.unique(np.clip(run.t, 0.0, plan.stop), return_index=True)
        current = np.column_stack([run.chord_current[k][at] for k in chords])
        add(times, run.nodes[at], current, run.state[at])
    if loop is not None:
        inside = loop.t <= plan.stop
        times = loop.t[inside]
        p = node_voltages(network, gauge.ground, loop.voltage[inside] - network.bank(times))
        add(times, p, loop.current[inside][:, chords], loop.state[inside])
    shape = t.size, len(nodes) + len(chords) + len(states)
    if not known:
        return np.zeros(shape), np.zeros(shape)
    middle = sum((_resampled(t, times, off) for times, off in known), np.zeros(shape)) / len(known)
    worst = np.zeros(shape)
    for times, off in known:
        rest = np.abs(off - _resampled(times, t, middle))
        np.maximum.at(worst, np.clip(np.searchsorted(t, times), 0, t.size - 1), rest)
    # What happens between two rows belongs to both.
    wide = np.vstack([worst[:1], worst, worst[-1:]])
    return middle, np.maximum(np.maximum(wide[:-2], wide[2:]), worst)


def _resampled(t: Array, known: Array, columns: Array) -> Array:
    return np.column_stack([np.interp(t, known, column) for column in columns.T])


def tolerance_band(
    plan: Plan, ensemble: Ensemble, *, seed: int = 1, run: BenchRun | None = None, loop: Waveforms | None = None
) -> Band:
    """The band from random builds, and what `run` and `loop` say a perfect one differs by."""
    names, signals = test_points(plan, ensemble)
    builds = len(signals)
    signals = signals * sense_errors(plan, names, builds, seed)
    first = builds // 4
    mean, sd = signals[:first].mean(axis=0), signals[:first].std(axis=0, ddof=1)
    top = sd.max(axis=0)
    sd = np.maximum(sd, RELATIVE_FLOOR * np.where(top > 0, top, 1.0))
    needed = (np.abs(signals[first:] - mean) / sd).max(axis=1)
    n = builds - first
    r = min(math.ceil(PROMISE * (n + 1)), n)
    kinds = [name[0] for name in names]
    each = {kind: needed[:, np.array(kinds) == kind].max(axis=1) for kind in dict.fromkeys(kinds)}
    ranks = np.array([np.argsort(np.argsort(x)) for x in each.values()]).max(axis=0)
    rank = np.sort(ranks)[r - 1]
    k = np.array([np.sort(each[kind])[rank] for kind in kinds])
    middle, distance = built_errors(plan, ensemble.t, run, loop)
    return Band(names, ensemble.t, mean + middle, sd, k, r / (n + 1.0), distance)


def escaped(plan: Plan, ensemble: Ensemble) -> NDArray[np.bool_]:
    """(n_b,) builds whose states leave the ideal range by more than `ESCAPE`: another regime, not a deviation."""
    memory = memristive(plan.network)
    ideal, state = plan.waves.state[:, memory], ensemble.state[..., memory]
    low, high = ideal.min(initial=0.0) - ESCAPE, ideal.max(initial=0.0) + ESCAPE
    inside = np.isfinite(state) & (state >= low) & (state <= high)
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


def spread(
    plan: Plan, *, builds: int = BUILDS, seed: int = 1, run: BenchRun | None = None, loop: Waveforms | None = None
) -> Spread:
    """Tighten all error limits until every build stays in the regime. Raises `LabError` if none does."""
    share = math.nan
    for factor in CLASSES:
        tried = replace(plan, bench=plan.bench.tightened(factor))
        errors = Errors.drawn(tried, builds, seed)
        ensemble = integrate_builds(tried.network, tried.stop, errors, ground=tried.gauge.ground)
        out = escaped(tried, ensemble)
        share = float(out.mean()) if factor == 1.0 else share
        if not out.any():
            return Spread(share, factor, tried, tolerance_band(tried, ensemble, seed=seed, run=run, loop=loop))
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
