"""Validation: does the measured circuit do what the equations say, within the measurement's uncertainty?

Model of channel c, with every parameter bounded by what the instrument's and the parts' makers state::

    y_c(t) = (1 + g_c) [s_c(u) + sum_k rho_k ds_c/drho_k] + o_c + noise,   u = t - t0 + e (t - t_mid)

g_c gain, o_c offset, t0 trigger, e clock, rho_k relative error of resistance k. Bounded least squares on block
means fits them, so calibration can take up what it may be and no more: a gain error cannot hide a wrong part.
What remains, r, is judged block by block against U = z sigma/sqrt(n) (+ half a quantisation step unless noise
dithers it). sigma comes from second differences of the samples; z from the normal law for `FALSE_ALARM` over all
blocks. In this order: some |r| > U: DISAGREES. U above the tolerance (of the channel's range), or blind to a change
`resolve` of every resistance: UNRESOLVED. Else AGREES.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spicebridge.lab.bench import LabError
from spicebridge.lab.builds import Errors, integrate_builds
from spicebridge.lab.measurement import FEWEST, Measurement, Signal
from spicebridge.network import Network
from spicebridge.verify.verdict import Outcome

Array = NDArray[np.float64]

BLOCKS = 48
FALSE_ALARM = 1e-3
"""Probability that a true circuit with normal noise is called wrong."""
SCAN = 15
"""Trigger offsets tried before the fit."""
ROUNDS = 8
"""Linearised fits, each at the timing of the last."""
STEP = 1e-4
"""Relative change of a resistance for its derivative."""
DITHER = 0.5
"""Noise above this fraction of a quantisation step makes its error random."""
SAMPLED = 4
"""A signal with fewer than one distinct value per so many samples is quantised."""
RUNAWAY = 1e6
"""Stands for the signal of a circuit that runs away."""
CURRENT_FLOOR = 0.2
"""A state is inferred where the current exceeds this fraction of its peak."""


@dataclass(frozen=True)
class Instrument:
    """Limits as the makers state them: `gain` relative, `offset` of a channel's range, `trigger` of the span,
    `clock` relative; `parts` is the relative tolerance of every resistance."""

    gain: float = 5e-3
    offset: float = 1e-2
    trigger: float = 0.02
    clock: float = 1e-4
    parts: float = 2e-3

    def __post_init__(self) -> None:
        for name, value in self.__dict__.items():
            if not (math.isfinite(value) and 0 <= value < 1):
                raise LabError(f"instrument: {name} = {value!r} must be at least 0 and below 1")


@dataclass(frozen=True)
class ChannelResult:
    """One channel: fitted `gain`, `offset`; `noise` and `step` (quantisation) in its unit; the rest over its range."""

    column: str
    signal: Signal
    gain: float
    offset: float
    noise: float
    step: float
    lost: int
    error: float
    uncertainty: float
    worst_time: float


@dataclass(frozen=True)
class Inferred:
    """State of `edge` from v and i: largest difference to the theory, its uncertainty, blocks used."""

    edge: int
    difference: float
    uncertainty: float
    blocks: int


@dataclass(frozen=True)
class Validation:
    """Verdict of validation; `error` and `uncertainty` relative to a channel's range, of the worst channel.

    `trigger` s and `clock` are fitted; `parts` {edge: fitted relative error}; `at_limit` names parameters at their
    bounds; `blind` are the edges whose change by `resolve` this measurement would not show, `unsigned` those that could be flipped unseen.
    """

    outcome: Outcome
    reason: str
    error: float
    uncertainty: float
    tolerance: float
    trigger: float
    clock: float
    channels: tuple[ChannelResult, ...]
    parts: Mapping[int, float]
    at_limit: tuple[str, ...]
    blind: tuple[int, ...]
    unsigned: tuple[int, ...]
    resolve: float
    inferred: tuple[Inferred, ...]


@dataclass(frozen=True, eq=False)
class _Channel:
    column: str
    t: Array
    y: Array
    edges: Array
    count: Array
    mean: Array
    noise: float
    step: float
    lost: int
    range: float
    bar: Array

    def blocks(self, values: Array) -> Array:
        """Means of (n,) or (n, m) samples over the blocks."""
        sums = np.add.reduceat(values, self.edges[:-1].astype(int), axis=0)
        return np.asarray(sums / self.count.reshape((-1,) + (1,) * (values.ndim - 1)))


class _Model:
    """Signals and their derivatives with respect to every resistance, on demand at any time."""

    def __init__(self, network: Network, stop: float, signals: list[Signal], ground: int) -> None:
        from scipy.interpolate import CubicSpline

        n_e = network.n_edges
        diagonal = np.diag_indices(n_e)
        flipped = np.ones((2 * n_e + 1, n_e))
        flipped[n_e + 1 :][diagonal] = -1.0
        errors = replace(Errors.none(2 * n_e + 1, n_e), flipped=flipped)
        errors.resistance[1 : n_e + 1][diagonal] = STEP
        runs = integrate_builds(network, stop, errors, ground=ground)
        columns = np.stack([_pick(network, runs, signal) for signal in signals], axis=-1)
        self.stop = stop
        self.nominal = CubicSpline(runs.t, columns[0])
        self.slope = self.nominal.derivative()
        partial = np.moveaxis((columns[1 : n_e + 1] - columns[0]) / STEP, 0, 1)
        self.partial = [CubicSpline(runs.t, partial[..., j]) for j in range(len(signals))]
        # A flipped memristor may run away; what is beyond any range is seen all the same.
        change = np.nan_to_num(columns[n_e + 1 :] - columns[0], nan=RUNAWAY, posinf=RUNAWAY, neginf=-RUNAWAY)
        self.flip = CubicSpline(runs.t, np.moveaxis(np.clip(change, -RUNAWAY, RUNAWAY), 0, 1))


def _pick(network: Network, runs: object, signal: Signal) -> Array:
    """(n_b, n_t) of one signal times its factor."""
    if signal.kind == "p":
        names = [str(node) for node in network.nodes]
        if signal.name not in names:
            raise LabError(f"p[{signal.name}]: there is no such node; the network has {', '.join(names)}")
        return signal.factor * np.asarray(runs.nodes[..., names.index(signal.name)])  # type: ignore[attr-defined]
    if not signal.name.isdigit() or int(signal.name) >= network.n_edges:
        raise LabError(f"{signal.kind}[{signal.name}]: edges are numbered 0 to {network.n_edges - 1}")
    table = {"i": "current", "v": "voltage", "w": "state"}[signal.kind]
    return signal.factor * np.asarray(getattr(runs, table)[..., int(signal.name)])


def compare_measured(
    network: Network,
    stop: float,
    measurement: Measurement,
    channels: Mapping[str, Signal],
    *,
    instrument: Instrument | None = None,
    ground: int = 0,
    tolerance: float = 0.01,
    resolve: float = 0.05,
) -> Validation:
    """Judge a measurement of `network` over 0 … `stop` (s); signals and network in the bench's units.

    Raises `LabError` for channels that name nothing, or with too few samples within the span.
    """
    tool = instrument or Instrument()
    signals = list(channels.values())
    model = _Model(network, stop, signals, ground)
    data = [_channel(measurement, c, stop, tool, model, j, len(signals)) for j, c in enumerate(channels)]
    fit = _Fit(model, data, tool, network.n_edges)
    t0, clock, x = fit.solve()
    residual = fit.residual(t0, clock, x)
    results = []
    for j, (c, r) in enumerate(zip(data, residual, strict=True)):
        worst = int(np.argmax(np.abs(r) / c.bar))
        gain, offset = fit.calibration(x, j)
        time = float(c.t[int(c.edges[worst])])
        error, bar = abs(float(r[worst])) / c.range, float(c.bar[worst]) / c.range
        results.append(ChannelResult(c.column, signals[j], gain, offset, c.noise, c.step, c.lost, error, bar, time))
    parts = fit.prediction(t0, clock)
    changes, flips = resolve * parts[2], fit.flips(t0, clock)
    blind = tuple(k for k in range(network.n_edges) if not fit.sees(changes[:, k], parts))
    unsigned = tuple(
        k for k in np.flatnonzero(network.stateful).tolist() if not fit.sees(flips[:, k], parts)
    )
    outcome, worst_c, reason = _decide(results, tolerance, blind, unsigned, network, resolve)
    return Validation(
        outcome, reason, worst_c.error, worst_c.uncertainty, tolerance, t0, clock, tuple(results), fit.parts(x),
        fit.at_limit(x, t0), blind, unsigned, resolve, _infer(network, data, signals, model, t0, clock, tool, results),
    )  # fmt: skip


def _decide(
    results: list[ChannelResult], tolerance: float, blind: tuple[int, ...], unsigned: tuple[int, ...], network: Network, resolve: float
) -> tuple[Outcome, ChannelResult, str]:
    worst = max(results, key=lambda c: c.error / c.uncertainty)
    if worst.error > worst.uncertainty:
        return (
            Outcome.DISAGREES,
            worst,
            f"{worst.column} leaves the theory by {100 * worst.error:.3g} % of its range at t = {worst.worst_time:.4g} s, "
            f"more than calibration, parts and noise explain ({100 * worst.uncertainty:.3g} %)",
        )
    vague = max(results, key=lambda c: c.uncertainty)
    if vague.uncertainty > tolerance:
        factor = (vague.uncertainty / tolerance) ** 2
        return (
            Outcome.UNRESOLVED,
            vague,
            f"the uncertainty of {vague.column}, {100 * vague.uncertainty:.3g} % of its range, exceeds the tolerance "
            f"{100 * tolerance:.3g} %; average about {factor:.0f} times as many samples or use a finer range",
        )
    unseen = ", ".join(network.edge_name(k) for k in blind)
    if len(blind) == network.n_edges:
        return (
            Outcome.UNRESOLVED,
            worst,
            f"no resistance that is {100 * resolve:g} % wrong would be seen; measure other points or with less noise",
        )
    note = f"; blind to a change of {100 * resolve:g} % in {unseen}" if blind else ""
    if unsigned:
        note += "; blind to the polarity of " + ", ".join(network.edge_name(k) for k in unsigned)
    return (
        Outcome.AGREES,
        worst,
        f"every channel follows the theory within {100 * worst.uncertainty:.3g} % of its range{note}",
    )


def _channel(
    measurement: Measurement, column: str, stop: float, tool: Instrument, model: _Model, j: int, n_channels: int
) -> _Channel:
    from scipy.stats import norm

    t, y = measurement.t, measurement.values[column]
    # Only times that stay inside the run whatever the trigger turns out to be.
    margin = tool.trigger * stop + tool.clock * stop
    inside = (t >= margin) & (t <= stop - margin)
    good = inside & np.isfinite(y)
    if good.sum() < FEWEST:
        raise LabError(f"channel {column!r}: {int(good.sum())} samples within the run; at least {FEWEST} are needed")
    t, y = t[good], y[good]
    edges = np.unique(np.linspace(0, t.size, BLOCKS + 1).astype(int))
    count = np.diff(edges).astype(float)
    levels = np.unique(y)
    step = float(np.diff(levels).min()) if 1 < levels.size < y.size / SAMPLED else 0.0
    second = np.diff(y, 2)
    # Median of absolute values: the signal's own curvature and single spikes count little.
    noise = float(np.median(np.abs(second - np.median(second)))) * 1.4826 / math.sqrt(6.0)
    z = float(norm.isf(FALSE_ALARM / (2.0 * BLOCKS * n_channels)))
    spread = max(noise, step / math.sqrt(12.0))
    bar = z * spread / np.sqrt(count) + (0.5 * step if noise < DITHER * step else 0.0)
    predicted = model.nominal(np.linspace(0.0, stop, 1000))[:, j]
    size = float(np.abs(predicted).max())
    floor = 1e-9 * size if size > 0 else 1e-300
    lost = int((inside & ~np.isfinite(measurement.values[column])).sum())
    bar = np.maximum(bar, floor)
    c = _Channel(column, t, y, edges, count, np.zeros(0), noise, step, lost, max(size, floor), bar)
    return _Channel(column, t, y, edges, count, c.blocks(y), noise, step, lost, c.range, bar)


class _Fit:
    """Bounded least squares; every unknown x_m is in units of its limit, hence in [-1, 1]."""

    def __init__(self, model: _Model, data: list[_Channel], tool: Instrument, n_edges: int) -> None:
        self.model, self.data, self.tool, self.n_edges = model, data, tool, n_edges
        self.rows = np.cumsum([0, *(c.count.size for c in data)])
        self.bar = np.concatenate([c.bar for c in data])
        self.mean = np.concatenate([c.mean for c in data])

    def prediction(self, t0: float, clock: float) -> tuple[Array, Array, Array]:
        """Block means of signals (n,), slopes (n, 2) for t0 and clock, and part derivatives (n, n_e)."""
        s, d, p = [], [], []
        for j, c in enumerate(self.data):
            middle = 0.5 * self.model.stop
            u = np.clip(c.t - t0 + clock * (c.t - middle), 0.0, self.model.stop)
            s.append(c.blocks(self.model.nominal(u)[:, j]))
            slope = self.model.slope(u)[:, j]
            d.append(c.blocks(np.column_stack([-slope, slope * (c.t - middle)])))
            p.append(c.blocks(self.model.partial[j](u)))
        return np.concatenate(s), np.concatenate(d), np.concatenate(p)

    def columns(self, s: Array, p: Array) -> Array:
        """Gain and offset of every channel, then every part, each at its limit."""
        out = np.zeros((s.size, 2 * len(self.data) + self.n_edges))
        for j, c in enumerate(self.data):
            rows = slice(self.rows[j], self.rows[j + 1])
            out[rows, 2 * j] = self.tool.gain * s[rows]
            out[rows, 2 * j + 1] = self.tool.offset * c.range
        out[:, 2 * len(self.data) :] = self.tool.parts * p
        return out

    def bounded(self, matrix: Array, target: Array, low: Array, high: Array) -> Array:
        from scipy.optimize import lsq_linear

        live = high > low
        x = np.zeros(matrix.shape[1])
        if live.any():
            scaled = matrix[:, live] / self.bar[:, None]
            x[live] = lsq_linear(scaled, target / self.bar, (low[live], high[live]), method="bvls").x
        return x

    def _cost(self, t0: float) -> float:
        s, _, p = self.prediction(t0, 0.0)
        m = self.columns(s, p)
        x = self.bounded(m, self.mean - s, -np.ones(m.shape[1]), np.ones(m.shape[1]))
        return float((((self.mean - s - m @ x) / self.bar) ** 2).sum())

    def solve(self) -> tuple[float, float, Array]:
        """Trigger offset (s), clock error, and the other unknowns."""
        reach = self.tool.trigger * self.model.stop
        t0, clock = min(np.linspace(-reach, reach, SCAN).tolist(), key=self._cost) if reach else 0.0, 0.0
        x = np.zeros(0)
        width = reach / SCAN * 2
        for _ in range(ROUNDS):
            s, d, p = self.prediction(t0, clock)
            m = np.column_stack([self.columns(s, p), d])
            ones = np.ones(m.shape[1] - 2)
            low = np.array([*-ones, max(-reach - t0, -width), -self.tool.clock - clock])
            high = np.array([*ones, min(reach - t0, width), self.tool.clock - clock])
            x = self.bounded(m, self.mean - s, low, high)
            t0, clock = t0 + float(x[-2]), clock + float(x[-1])
        return t0, clock, x[:-2]

    def residual(self, t0: float, clock: float, x: Array) -> list[Array]:
        """Block residuals of every channel after a last fit at the final timing."""
        s, _, p = self.prediction(t0, clock)
        r = self.mean - s - self.columns(s, p) @ x
        return [r[a:b] for a, b in zip(self.rows[:-1], self.rows[1:], strict=True)]

    def flips(self, t0: float, clock: float) -> Array:
        """(n, n_e) change of the block means when one memristor is flipped."""
        u = [np.clip(c.t - t0 + clock * (c.t - 0.5 * self.model.stop), 0.0, self.model.stop) for c in self.data]
        return np.concatenate([c.blocks(self.model.flip(u[j])[..., j]) for j, c in enumerate(self.data)])

    def sees(self, target: Array, prediction: tuple[Array, Array, Array]) -> bool:
        """Whether a change of the block means would stand out after calibration has taken its share."""
        s, d, p = prediction
        reach = self.tool.trigger * self.model.stop
        m = np.column_stack([self.columns(s, p), d[:, 0] * reach, d[:, 1] * self.tool.clock])
        ones = np.where(np.abs(m).max(axis=0) > 0, 1.0, 0.0)
        rest = target - m @ self.bounded(m, target, -ones, ones)
        return bool((np.abs(rest) > self.bar).any())

    def calibration(self, x: Array, j: int) -> tuple[float, float]:
        return 1.0 + self.tool.gain * float(x[2 * j]), self.tool.offset * self.data[j].range * float(x[2 * j + 1])

    def parts(self, x: Array) -> dict[int, float]:
        return {k: self.tool.parts * float(v) for k, v in enumerate(x[2 * len(self.data) :])}

    def at_limit(self, x: Array, t0: float) -> tuple[str, ...]:
        names = [f"{what} of {c.column}" for c in self.data for what in ("gain", "offset")]
        names += [f"resistance {k}" for k in range(self.n_edges)]
        hit = [name for name, value in zip(names, x, strict=True) if abs(value) > 1.0 - 1e-6]
        reach = self.tool.trigger * self.model.stop
        return (*hit, "trigger") if reach and abs(t0) > reach * (1.0 - 1e-6) else tuple(hit)


def _infer(
    network: Network,
    data: list[_Channel],
    signals: list[Signal],
    model: _Model,
    t0: float,
    clock: float,
    tool: Instrument,
    results: list[ChannelResult],
) -> tuple[Inferred, ...]:
    """R = v/(P i), hence w, from calibrated block means where the current is not small."""
    place = {(s.kind, s.name): j for j, s in enumerate(signals)}
    out = []
    for (kind, name), jv in place.items():
        ji = place.get(("i", name))
        if kind != "v" or ji is None or not network.stateful[int(name)]:
            continue
        k = int(name)
        law = network.device(k)
        if not hasattr(law, "kappa"):
            continue
        cv, ci = data[jv], data[ji]
        # Samples that both channels have; within a block R = sum v i / sum i^2.
        t, at_v, at_i = np.intersect1d(cv.t, ci.t, assume_unique=True, return_indices=True)
        if t.size < FEWEST:
            continue
        v = (cv.y[at_v] - results[jv].offset) / results[jv].gain / signals[jv].factor
        i = (ci.y[at_i] - results[ji].offset) / results[ji].gain / signals[ji].factor
        starts = np.unique(np.linspace(0, t.size, BLOCKS + 1).astype(int))[:-1]
        square, product = np.add.reduceat(i * i, starts), np.add.reduceat(v * i, starts)
        runs = integrate_builds(network, model.stop, Errors.none(1, network.n_edges))
        u = t * (1.0 + clock) - t0 - clock * 0.5 * model.stop
        w = np.add.reduceat(i * i * np.interp(u, runs.t, runs.state[0, :, k]), starts) / square
        size = np.sqrt(square / np.diff([*starts, t.size]))
        big = size > CURRENT_FLOOR * size.max()
        ratio, w, size = (product / square)[big] / network.P[k], w[big], size[big]
        found = (ratio / float(law.r0) - 1.0) / float(law.kappa)
        dv, di = cv.bar.max() / abs(signals[jv].factor), ci.bar.max() / abs(signals[ji].factor)
        relative = dv / (size * np.abs(ratio)) + di / size + 2.0 * tool.gain + tool.parts
        bar = relative * np.abs(ratio) / abs(float(law.r0 * law.kappa))
        worst = int(np.argmax(np.abs(found - w) / bar))
        out.append(Inferred(k, float(np.abs(found - w)[worst]), float(bar[worst]), int(big.sum())))
    return tuple(out)
