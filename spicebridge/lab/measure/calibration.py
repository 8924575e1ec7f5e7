"""Bounded fit of what an instrument and the parts may be off by.

    y_c(t) = (1 + g_c) s_c(u; theta) + o_c + noise,   u = t - t0 + e (t - t_mid)

g_c gain and o_c offset of channel c, t0 trigger, e clock, theta the errors of parts (`builds.KINDS`), each no larger
than its stated limit, so that calibration takes up what it may and no more. Gauss-Newton on block means: the
circuit is integrated again, with all its derivatives, at every accepted theta.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import KINDS, Ensemble, Errors, integrate_builds
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.measure.channels import Channel
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.measurement import Signal

SCAN = 15
"""Trigger offsets tried before the fit."""
ROUNDS = 12
"""Gauss-Newton steps at most."""
HALVINGS = 4
"""Shorter steps tried where a full one makes the fit worse."""
ENOUGH = 1e-3
"""The fit ends when the sum of squares falls by less than this fraction."""
STEP = 0.1
"""Step of a derivative, as a fraction of the limit of the error."""
RIDGE = 1e-3
"""Weight, in bars per limit, that keeps directions which nothing determines at zero."""
RUNAWAY = 1e6
"""Stands for the signal of a circuit that runs away."""


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """Limits as the maker states them: `gain` relative, `offset` of a channel's range, `trigger` of the span, `clock`
    relative. `hum` and `drift` bound, relative to a channel's range, what the mains (a sine and a cosine of each of its
    first three harmonics) and slow drift (Legendre polynomials to degree 3 over the record) may add: fitted only where
    the verdict would else be a disagreement. `volts` > 0 states the offset in the channel's unit instead of
    `offset`."""

    gain: float = 5e-3
    offset: float = 1e-2
    trigger: float = 0.02
    clock: float = 1e-4
    hum: float = 0.03
    drift: float = 0.03
    volts: float = 0.0

    def __post_init__(self) -> None:
        for name, value in self.__dict__.items():
            if not (math.isfinite(value) and value >= 0 and (value < 1 or name == "volts")):
                raise LabError(f"instrument: {name} = {value!r} must be at least 0 and below 1")
        if self.trigger + self.clock >= 0.5:
            raise LabError(
                f"instrument: trigger = {self.trigger!r} and clock = {self.clock!r} together must stay below 0.5 of "
                "the span: nothing of the run would be left to compare; state them closer"
            )

    def shift(self, span: float) -> float:
        """Largest offset of a channel of the range `span`, in its unit."""
        return self.volts or self.offset * span


MAINS, WANDER = (50.0, 60.0), 0.2
"""Frequencies of the mains, Hz, and how far from them it is looked for."""
HARMONICS, DEGREE = 3, 3


def nuisance_basis(names: tuple[str, ...], t: Array, tool: Instrument, span: float) -> Array:
    """Columns (n, m) of the named nuisances at times `t` (s), each at its limit for a channel of range `span`."""
    columns: list[Array] = []
    for name in names:
        if name == "drift":
            x = np.interp(t, (t[0], t[-1]), (-1.0, 1.0))
            columns += [tool.drift * span * np.polynomial.Legendre.basis(d)(x) for d in range(DEGREE + 1)]
            continue
        phase = 2.0 * np.pi * float(name.split()[0]) * t
        for h in range(1, HARMONICS + 1):
            columns += [tool.hum * span * np.sin(h * phase), tool.hum * span * np.cos(h * phase)]
    return np.column_stack(columns) if columns else np.zeros((t.size, 0))


def nuisances(fit: Calibration, point: Estimate) -> list[tuple[str, ...]]:
    """What is tried in turn where a measurement would disagree; hum at the frequency that the residual shows best."""
    tones = np.linspace(-WANDER, WANDER, 41)
    hums = []
    for mains in MAINS:
        power = np.zeros(tones.size)
        for j, c in enumerate(fit.data):
            r = c.y - fit.samples(point, j)
            wave = np.exp(-2j * np.pi * np.outer(mains + tones, c.t))
            power += np.abs(wave @ (r - r.mean())) ** 2 / (r.size * float(np.var(r)) or 1.0)
        hums.append(f"{mains + tones[int(power.argmax())]:.2f} Hz hum")
    return [*((hum,) for hum in hums), ("drift",), *((hum, "drift") for hum in hums)]


Curve = Callable[[Array], Array]
"""Signals at times (n,), a column each or one."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Splines over time of the signals (n_s,), their slopes, and per signal the derivatives (n_p,) by theta."""

    nominal: Curve
    slope: Curve
    partial: tuple[Curve, ...]
    finite: bool


class ForwardModel:
    """Signals of a circuit whose parts are off by `theta` (n_p,), in units of their limits."""

    def __init__(self, circuit: CircuitUnderTest, signals: list[Signal]) -> None:
        self.circuit, self.signals = circuit, signals
        n_e = circuit.network.n_edges
        self.picks = [(kind, k) for kind in range(len(KINDS)) for k in range(n_e) if circuit.limits[kind][k] > 0]
        self.limit = np.array([circuit.limits[kind][k] for kind, k in self.picks])

    def errors(self, theta: Array) -> Errors:
        """Errors of builds with `theta` (n_b, n_p)."""
        out = Errors.none(theta.shape[0], self.circuit.network.n_edges)
        for column, (kind, k) in enumerate(self.picks):
            out.tables[kind][:, k] = theta[:, column] * self.limit[column]
        return out

    def signals_of(self, errors: Errors) -> tuple[Array, Array]:
        """Times (n_t,) and signals (n_b, n_t, n_s)."""
        runs = integrate_builds(self.circuit.network, self.circuit.stop, errors, ground=self.circuit.ground)
        return runs.t, np.stack([pick(self.circuit, runs, signal) for signal in self.signals], axis=-1)

    def at(self, theta: Array) -> Curves:
        """Signals and derivatives at `theta` (n_p,)."""
        from scipy.interpolate import CubicSpline

        # Inward, so that a parameter at its limit is not asked for what lies beyond.
        step = np.where(theta > 0, -STEP, STEP)
        t, y = self.signals_of(self.errors(np.vstack([theta, theta + np.diag(step)])))
        finite = bool(np.isfinite(y).all())
        y = np.clip(np.nan_to_num(y, nan=RUNAWAY, posinf=RUNAWAY, neginf=-RUNAWAY), -RUNAWAY, RUNAWAY)
        partial = np.moveaxis((y[1:] - y[0]) / step[:, None, None], 0, 1)
        nominal = CubicSpline(t, y[0])
        each = tuple(CubicSpline(t, partial[..., j]) for j in range(len(self.signals)))
        return Curves(nominal, nominal.derivative(), each, finite)

    def changes(self, theta: Array, resistance: Array, flipped: Array) -> Curve:
        """Spline of the change (n_b, n_s) of the signals when resistances change by `resistance` (n_b, n_e),
        relative, and memristors are turned round where `flipped` is -1."""
        from scipy.interpolate import CubicSpline

        base = self.errors(np.repeat(theta[None], len(resistance) + 1, axis=0))
        n_e = self.circuit.network.n_edges
        errors = replace(
            base,
            resistance=base.resistance + np.vstack([np.zeros(n_e), resistance]),
            flipped=np.vstack([np.ones(n_e), flipped]),
        )
        t, y = self.signals_of(errors)
        # What runs away is beyond any range and would be seen.
        change = np.nan_to_num(y[1:] - y[0], nan=RUNAWAY, posinf=RUNAWAY, neginf=-RUNAWAY)
        curve: Curve = CubicSpline(t, np.moveaxis(np.clip(change, -RUNAWAY, RUNAWAY), 0, 1))
        return curve


def pick(circuit: CircuitUnderTest, runs: Ensemble, signal: Signal) -> Array:
    """(n_b, n_t) of one signal times its factor. Raises `LabError` for what the network does not have."""
    network = circuit.network
    if signal.kind == "p":
        names = [str(node) for node in network.nodes]
        if signal.name not in names:
            raise LabError(f"p[{signal.name}]: there is no such node; the network has {', '.join(names)}")
        return signal.factor * np.asarray(runs.nodes[..., names.index(signal.name)])
    if not signal.name.isdigit() or int(signal.name) >= network.n_edges:
        raise LabError(f"{signal.kind}[{signal.name}]: edges are numbered 0 to {network.n_edges - 1}")
    table = {"i": runs.current, "v": runs.voltage, "w": runs.state}[signal.kind]
    if signal.kind == "w" and not network.stateful[int(signal.name)]:
        raise LabError(f"w[{signal.name}]: {network.edge_name(int(signal.name))} has no state")
    return signal.factor * np.asarray(table[..., int(signal.name)])


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimate:
    """One place of the fit: all unknowns, the curves there, residuals in bars and their sum of squares."""

    theta: Array
    gain: Array
    offset: Array
    t0: float
    clock: float
    curves: Curves
    residual: Array
    cost: float
    nuisance: Array


class Calibration:
    """Bounded least squares; theta, gain and offset are in units of their limits, hence in [-1, 1]."""

    def __init__(
        self, model: ForwardModel, data: list[Channel], tool: Instrument, nuisances: tuple[str, ...] = ()
    ) -> None:
        self.model, self.data, self.tool, self.nuisances = model, data, tool, nuisances
        self.added = [nuisance_basis(nuisances, c.t, tool, c.range) for c in data]
        self.n_added = self.added[0].shape[1]
        self.stop = model.circuit.stop
        self.reach = tool.trigger * self.stop
        self.rows = np.cumsum([0, *(c.count.size for c in data)])
        self.bar = np.concatenate([c.bar for c in data])
        self.mean = np.concatenate([c.mean for c in data])

    def time(self, c: Channel, t0: float, clock: float) -> Array:
        """u of the module."""
        return np.clip(c.t - t0 + clock * (c.t - 0.5 * self.stop), 0.0, self.stop)

    def split(self, values: Array) -> list[Array]:
        """(n, …) rows of all channels, one array a channel."""
        return [values[a:b] for a, b in zip(self.rows[:-1], self.rows[1:], strict=True)]

    def signal(self, curves: Curves, t0: float, clock: float) -> Array:
        """Block means (n,) of the ideal signals."""
        parts = [c.blocks(curves.nominal(self.time(c, t0, clock))[:, j]) for j, c in enumerate(self.data)]
        return np.concatenate(parts)

    def point(
        self,
        theta: Array,
        gain: Array,
        offset: Array,
        t0: float,
        clock: float,
        curves: Curves | None = None,
        nuisance: Array | None = None,
    ) -> Estimate:
        """Evaluate one place; an infinite cost where the circuit runs away."""
        curves = curves or self.model.at(theta)
        s = self.signal(curves, t0, clock)
        extra = np.zeros(len(self.data) * self.n_added) if nuisance is None else nuisance
        model = np.concatenate(
            [
                (1.0 + self.tool.gain * g) * x + self.tool.shift(c.range) * o + c.blocks(basis @ z)
                for x, g, o, c, basis, z in zip(
                    self.split(s), gain, offset, self.data, self.added, extra.reshape(len(self.data), -1), strict=True
                )
            ]
        )
        r = (self.mean - model) / self.bar
        prior = RIDGE**2 * float((theta**2).sum() + (gain**2).sum() + (offset**2).sum() + (extra**2).sum())
        return Estimate(
            theta=theta,
            gain=gain,
            offset=offset,
            t0=t0,
            clock=clock,
            curves=curves,
            residual=r,
            cost=float((r**2).sum()) + prior if curves.finite else math.inf,
            nuisance=extra,
        )

    def matrix(self, p: Estimate) -> Array:
        """Derivatives (n, n_p + 2 n_c + 2) of the block means over their bars: theta, gains, offsets,
        nuisances of one channel after the other, t0, clock."""
        n_p, n_c, m = p.theta.size, len(self.data), self.n_added
        out = np.zeros((self.mean.size, n_p + (2 + m) * n_c + 2))
        for j, c in enumerate(self.data):
            rows = slice(self.rows[j], self.rows[j + 1])
            u = self.time(c, p.t0, p.clock)
            scale = 1.0 + self.tool.gain * p.gain[j]
            slope = p.curves.slope(u)[:, j]
            out[rows, :n_p] = scale * c.blocks(p.curves.partial[j](u))
            out[rows, n_p + j] = self.tool.gain * c.blocks(p.curves.nominal(u)[:, j])
            out[rows, n_p + n_c + j] = self.tool.shift(c.range)
            first = n_p + 2 * n_c + j * m
            out[rows, first : first + m] = c.blocks(self.added[j])
            out[rows, -2] = -scale * c.blocks(slope)
            out[rows, -1] = scale * c.blocks(slope * (c.t - 0.5 * self.stop))
        return np.asarray(out / self.bar[:, None])

    def samples(self, p: Estimate, j: int) -> Array:
        """What the model gives at the samples (n,) of channel j."""
        c = self.data[j]
        clean = p.curves.nominal(self.time(c, p.t0, p.clock))[:, j]
        z = p.nuisance.reshape(len(self.data), -1)[j]
        shown = (1.0 + self.tool.gain * p.gain[j]) * clean + self.tool.shift(c.range) * p.offset[j]
        return np.asarray(shown + self.added[j] @ z)

    def moved_to(self, p: Estimate) -> Estimate:
        """The place `p` of another fit in this one, its nuisances at zero."""
        return self.point(p.theta, p.gain, p.offset, p.t0, p.clock, p.curves)

    def solve(self, start: Estimate | None = None) -> Estimate:
        """The best point found from `start`, or from the best of `SCAN` trigger offsets."""
        if start is not None:
            return self.descend(self.moved_to(start))
        n_p, n_c = len(self.model.picks), len(self.data)
        zero = np.zeros(n_p), np.zeros(n_c), np.zeros(n_c)
        curves = self.model.at(zero[0])
        starts = np.linspace(-self.reach, self.reach, SCAN).tolist() if self.reach else [0.0]
        trials = [self.point(*zero, t0, 0.0, curves) for t0 in starts]
        return self.descend(min(trials, key=lambda p: self._linear_cost(p)))

    def descend(self, best: Estimate) -> Estimate:
        """The best point found by steps from `best`."""
        width = 2.0 * self.reach / SCAN
        for _ in range(ROUNDS):
            step = self._step(best, width)
            trial, size = best, 1.0
            for _ in range(HALVINGS):
                trial = self._moved(best, size * step)
                if trial.cost < best.cost:
                    break
                size *= 0.5
            if not trial.cost < best.cost:
                break
            gained = best.cost - trial.cost
            best = trial
            if gained < ENOUGH * trial.cost:
                break
        return best

    def _moved(self, p: Estimate, step: Array) -> Estimate:
        n_p, n_c = p.theta.size, len(self.data)
        borders = np.cumsum([n_p, n_c, n_c, n_c * self.n_added])
        theta, gain, offset, nuisance, timing = np.split(step, borders)
        return self.point(
            np.clip(p.theta + theta, -1.0, 1.0),
            np.clip(p.gain + gain, -1.0, 1.0),
            np.clip(p.offset + offset, -1.0, 1.0),
            p.t0 + float(timing[0]),
            p.clock + float(timing[1]),
            nuisance=np.clip(p.nuisance + nuisance, -1.0, 1.0),
        )

    def linear_rest(self, p: Estimate) -> float:
        """Largest residual, in bars, that a step along a straight line would leave."""
        m = self.matrix(p)
        return float(np.abs(p.residual - m @ bounded(m, p.residual, *self.room(p)[1:])).max())

    def room(self, p: Estimate, width: float = math.inf) -> tuple[Array, Array, Array]:
        """(x, low, high): the unknowns of `p` but its timing, and between what a step along each column of `matrix` may
        lie, that of the trigger within `width` s."""
        x = np.concatenate([p.theta, p.gain, p.offset, p.nuisance])
        low = np.array([*(-1.0 - x), max(-self.reach - p.t0, -width), -self.tool.clock - p.clock])
        high = np.array([*(1.0 - x), min(self.reach - p.t0, width), self.tool.clock - p.clock])
        return x, low, high

    def _linear_cost(self, p: Estimate) -> float:
        m = self.matrix(p)[:, :-2]
        x = bounded(m, p.residual, -np.ones(m.shape[1]), np.ones(m.shape[1]))
        return float(((p.residual - m @ x) ** 2).sum())

    def _step(self, p: Estimate, width: float) -> Array:
        m = self.matrix(p)
        x, low, high = self.room(p, width)
        n = x.size
        ridge = np.hstack([RIDGE * np.eye(n), np.zeros((n, 2))])
        return bounded(np.vstack([m, ridge]), np.concatenate([p.residual, -RIDGE * x]), low, high)


def bounded(matrix: Array, target: Array, low: Array, high: Array) -> Array:
    """argmin |matrix x - target| within bounds; columns without room stay 0."""
    from scipy.optimize import lsq_linear

    live = high > low
    x = np.zeros(matrix.shape[1])
    if live.any():
        x[live] = lsq_linear(matrix[:, live], target, (low[live], high[live]), method="bvls").x
    return x
