"""Tolerance bands of the test points, and which parts matter.

`SHAPING` builds give mean and standard deviation of every signal at every time; n further ones the factor k of every
kind (node voltages, currents, states) in the band |signal - mean| <= k sd: the least with which r of the n lie inside
at all times and all test points of the kind. By order statistics (Wilks 1941) so does a fresh build with probability
r/(n + 1), on average.

Signals are means over one row of the band. Every build also carries what a built circuit differs by from the equations
although its parts are known: as the simulated circuit (op-amps, delays) or as one of `LOOPS` firmware loops (sampling,
quantisation). Single samples jump by the steps of potentiometers and converters besides: no band is narrower than those
of perfect parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import Ensemble, Errors, build_times, error_limits, error_name, integrate_builds
from spicebridge.lab.design.emulator import firmware_builds
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.plan import Plan, node_voltages
from spicebridge.lab.design.reactances import memristive
from spicebridge.lab.design.realistic import BenchRun
from spicebridge.theory import integrate
from spicebridge.waveforms import Waveforms

SHAPING, BUILDS = 400, 1600
"""Builds for the standard deviations, and together with those for the factors."""
LOOPS = 48
"""Firmware loops of random parts."""
BATCH = 100
"""Builds integrated at once."""
PROMISE = 0.965
"""Least probability with which all test points of one kind are inside."""
RELATIVE_FLOOR = 1e-3
"""Smallest standard deviation at one time, relative to the largest of the same signal over time."""
ESCAPE = 1.0
"""Distance of a state from the ideal range beyond which a build is in another regime."""
CLASSES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Factors on all error limits that are tried in turn."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Band:
    """`names` (n_s,) of test points; `t` (n_t,); `mean`, `sd` (n_t, n_s); `k` (n_s,) the factors, one of each kind;
    `steps` (n_t, n_s) what single samples of perfect parts are known to differ by from `mean`.

    `promise` is the probability that a fresh build is inside with all test points of one kind, `together` the share of
    the builds that are with those of all kinds. The band is `mean` +- `half`.
    """

    names: tuple[str, ...]
    t: Array
    mean: Array
    sd: Array
    k: Array
    steps: Array
    promise: float
    together: float

    @property
    def factors(self) -> dict[str, float]:
        """`k` by the first letter of the test points."""
        return {name[0]: float(k) for name, k in zip(self.names, self.k.tolist(), strict=True)}

    @property
    def half(self) -> Array:
        """The larger of k sd and `steps`."""
        return np.maximum(self.k * self.sd, self.steps)

    def contains(self, signals: Array) -> dict[str, NDArray[np.bool_]]:
        """(n_b,) of every kind, whether builds (n_b, n_t, n_s) lie inside everywhere."""
        inside = np.asarray((np.abs(signals - self.mean) <= self.half).all(axis=1))
        kinds = _kinds(self.names)
        return {kind: np.asarray(inside[:, kinds == kind].all(axis=1)) for kind in dict.fromkeys(kinds.tolist())}

    @property
    def low(self) -> Array:
        return self.mean - self.half

    @property
    def high(self) -> Array:
        return self.mean + self.half


@dataclass(frozen=True, kw_only=True)
class Influence:
    """Effect of one error at its limit: largest change of any test point over the largest value of its kind."""

    what: str
    edge: int
    limit: float
    effect: float
    where: str


def test_point_names(plan: Plan) -> tuple[str, ...]:
    """Node voltages but ground, chord currents, states of emulators."""
    network, gauge = plan.network, plan.gauge
    nodes = [n for n in range(network.n_nodes) if n != gauge.ground]
    states = np.flatnonzero(plan.emulated).tolist()
    return (
        *(f"p[{network.nodes[n]}]" for n in nodes),
        *(f"i[{k}]" for k in gauge.chords),
        *(f"w[{k}]" for k in states),
    )


def test_points(plan: Plan, ensemble: Ensemble) -> tuple[tuple[str, ...], Array]:
    """Names and signals (n_b, n_t, n_s)."""
    chords = ensemble.current[..., list(plan.gauge.chords)]
    return test_point_names(plan), _in_order(plan, ensemble.nodes, chords, ensemble.state)


def _in_order(plan: Plan, nodes: Array, chords: Array, state: Array) -> Array:
    """(…, n_s) of all node voltages, currents of chords and all states."""
    return np.concatenate([np.delete(nodes, plan.gauge.ground, axis=-1), chords, state[..., plan.emulated]], axis=-1)


test_point_names.__test__ = False  # type: ignore[attr-defined]
test_points.__test__ = False  # type: ignore[attr-defined]


def sense_errors(plan: Plan, names: tuple[str, ...], builds: int, seed: Sequence[int]) -> Array:
    """(n_b, 1, n_s) by which currents are read wrong: volts over a sense resistor, divided by its nominal ohms."""
    rng = np.random.default_rng([*seed, 1])
    off = plan.bench.resistor_tolerance * rng.uniform(-1.0, 1.0, (builds, 1, len(names)))
    return np.asarray(1.0 + off * np.array([name.startswith("i[") for name in names]))


@dataclass(frozen=True, eq=False)
class Built:
    """What builds differ by from the equations of their own parts: `patterns` (n_p, n_t, n_s), averaged over rows, of
    which the first `circuits` are of simulated circuits and the others of firmware loops; `steps` (n_t, n_s) how far
    single samples of perfect parts are from the mean of both."""

    patterns: Array
    circuits: int
    steps: Array

    @classmethod
    def of(cls, plan: Plan, run: BenchRun | None, loop: Waveforms | None, seed: int = 1) -> Built:
        """From the circuit `run` and the `loop` of perfect parts, and where that is known from `LOOPS` loops of
        others."""
        t = build_times(plan.network, plan.stop)
        known = _known(plan, run, loop)
        if not known:
            return cls(np.zeros((1, t.size, len(test_point_names(plan)))), 1, np.zeros((t.size, 1)))
        patterns = [row_means(t, *known[0])[None]] if run is not None else []
        if loop is not None:
            patterns.append(loop_deviations(plan, t, Errors.drawn(plan, LOOPS, [seed, 3])))
        mean = sum(x.mean(axis=0) for x in patterns) / len(patterns)
        steps = np.zeros_like(patterns[0][0])
        for times, off in known:
            rest = np.abs(off - np.column_stack([np.interp(times, t, x) for x in mean.T]))
            np.maximum.at(steps, np.clip(np.searchsorted(t, times), 0, t.size - 1), rest)
        # What happens between two rows belongs to both.
        steps[:-1] = np.maximum(steps[:-1], steps[1:])
        return cls(np.concatenate(patterns), int(run is not None), steps)

    def drawn(self, builds: int, seed: list[int]) -> Array:
        """(n_b, n_t, n_s): of circuits and of loops as many, if there are both."""
        rng = np.random.default_rng(seed)
        n, m = self.circuits, len(self.patterns) - self.circuits
        of_loop = rng.random(builds) < (0.5 if n and m else float(m > 0))
        picked = np.where(of_loop, n + rng.integers(0, max(m, 1), builds), rng.integers(0, max(n, 1), builds))
        return self.patterns[picked]


def loop_deviations(plan: Plan, t: Array, errors: Errors) -> Array:
    """(n_b, n_t, n_s) by which firmware loops differ from the equations of the same parts, averaged over the rows
    `t`."""
    loops = firmware_builds(plan, errors)
    same = integrate_builds(plan.network, float(loops.t[-1]), errors, ground=plan.gauge.ground, steps=loops.t.size - 1)
    off = test_points(plan, loops)[1] - test_points(plan, same)[1]
    return np.moveaxis(row_means(t, loops.t, np.moveaxis(off, 1, 0)), 0, 1)


def _known(plan: Plan, run: BenchRun | None, loop: Waveforms | None) -> list[tuple[Array, Array]]:
    """(times, deviations (n, n_s) from the equations) of those that are there."""
    network, ground, chords = plan.network, plan.gauge.ground, list(plan.gauge.chords)

    def off(times: Array, p: Array, i: Array, w: Array) -> tuple[Array, Array]:
        ideal = integrate(network, times)
        ideal_p = node_voltages(network, ground, ideal.voltage - network.bank(times))
        return times, _in_order(plan, p - ideal_p, i - ideal.current[:, chords], w - ideal.state)

    known = []
    if run is not None:
        times, at = np.unique(np.clip(run.t, 0.0, plan.stop), return_index=True)
        current = np.column_stack([run.chord_current[k][at] for k in chords])
        known.append(off(times, run.nodes[at], current, run.state[at]))
    if loop is not None:
        inside = loop.t <= plan.stop
        times = loop.t[inside]
        p = node_voltages(network, ground, loop.voltage[inside] - network.bank(times))
        known.append(off(times, p, loop.current[inside][:, chords], loop.state[inside]))
    return known


def row_means(t: Array, times: Array, columns: Array) -> Array:
    """(n_t, …) means of `columns` (n, …), known at `times`, from halfway to the row before to halfway to the next row
    of `t`."""
    flat = columns.reshape(times.size, -1)
    widths = np.diff(times)[:, None]
    area = np.vstack([np.zeros((1, flat.shape[1])), np.cumsum(0.5 * widths * (flat[1:] + flat[:-1]), axis=0)])
    edges = np.clip([t[0], *(0.5 * (t[1:] + t[:-1])), t[-1]], times[0], times[-1])
    means = np.column_stack([np.diff(np.interp(edges, times, x)) for x in area.T]) / np.diff(edges)[:, None]
    return np.asarray(means.reshape(t.size, *columns.shape[1:]))


def _kinds(names: tuple[str, ...]) -> NDArray[np.str_]:
    return np.array([name[0] for name in names])


def read_builds(plan: Plan, builds: int, seed: int) -> Iterator[tuple[Array, float]]:
    """(signals (n_b, n_t, n_s) as read, share that escaped) in batches."""
    for first in range(0, builds, BATCH):
        count, here = min(BATCH, builds - first), [seed, first]
        errors = Errors.drawn(plan, count, here)
        ensemble = integrate_builds(plan.network, plan.stop, errors, ground=plan.gauge.ground)
        names, signals = test_points(plan, ensemble)
        yield signals * sense_errors(plan, names, count, here), float(escaped(plan, ensemble).mean())


def tolerance_band(plan: Plan, shaping: Array, seed: int, built: Built) -> Band | None:
    """The band around the builds `shaping` as built; None where another build escapes."""
    names = test_point_names(plan)
    kinds = _kinds(names)
    shaping = shaping + built.drawn(len(shaping), [seed, 2])
    mean, sd = shaping.mean(axis=0), shaping.std(axis=0, ddof=1)
    top = sd.max(axis=0)
    sd = np.maximum(sd, RELATIVE_FLOOR * np.where(top > 0, top, 1.0))
    n = BUILDS - SHAPING
    needed: list[Array] = []
    for read, out in read_builds(plan, n, seed + 1):
        if out:
            return None
        read = read + built.drawn(len(read), [seed + 1, len(needed), 2])
        needed.append((np.abs(read - mean) / sd).max(axis=1))
    each = {kind: np.concatenate(needed)[:, kinds == kind].max(axis=1) for kind in dict.fromkeys(kinds.tolist())}
    r = min(math.ceil(PROMISE * (n + 1)), n)
    k = {kind: np.sort(x)[r - 1] for kind, x in each.items()}
    together = np.all([x <= k[kind] for kind, x in each.items()], axis=0).mean()
    factors = np.array([k[x] for x in kinds.tolist()])
    return Band(
        names=names,
        t=build_times(plan.network, plan.stop),
        mean=mean,
        sd=sd,
        k=factors,
        steps=built.steps,
        promise=r / (n + 1.0),
        together=float(together),
    )


def escaped(plan: Plan, ensemble: Ensemble) -> NDArray[np.bool_]:
    """(n_b,) builds without currents, or whose states leave the ideal range by more than `ESCAPE`: another regime."""
    memory = memristive(plan.network)
    ideal, state = plan.waves.state[:, memory], ensemble.state[..., memory]
    low, high = ideal.min(initial=0.0) - ESCAPE, ideal.max(initial=0.0) + ESCAPE
    inside = np.isfinite(state) & (state >= low) & (state <= high)
    known = np.isfinite(ensemble.current).all(axis=(1, 2))
    return np.asarray(~(inside.all(axis=(1, 2)) & known))


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


def spread(plan: Plan, *, seed: int = 1, run: BenchRun | None = None, loop: Waveforms | None = None) -> Spread:
    """Tighten all error limits until every build stays in the regime. `run` and `loop` say what perfect parts differ
    by.

    Raises `LabError` if none does.
    """
    share = math.nan
    for factor in CLASSES:
        tried = replace(plan, bench=plan.bench.tightened(factor))
        drawn = list(read_builds(tried, SHAPING, seed))
        out = float(np.mean([escapes for _, escapes in drawn]))
        share = out if factor == 1.0 else share
        if out:
            continue
        built = Built.of(tried, run, loop, seed)
        band = tolerance_band(tried, np.concatenate([read for read, _ in drawn]), seed, built)
        if band is not None:
            return Spread(share, factor, tried, band)
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
    kinds = _kinds(names)
    peaks = np.abs(signals[0]).max(axis=0)
    span = np.array([peaks[kinds == kind].max() for kind in kinds])
    change = np.abs(signals[1:] - signals[0]).max(axis=1) / np.where(span > 0, span, np.inf)
    out = [
        Influence(
            what=error_name(plan.network, kind, k),
            edge=k,
            limit=float(limits[kind][k]),
            effect=float(row.max()),
            where=names[int(row.argmax())],
        )
        for (kind, k), row in zip(picks, change, strict=True)
    ]
    return tuple(sorted(out, key=lambda x: (-x.effect, x.what, x.edge)))
