"""The adjoint of the network flow, backwards along a run.

    -d lambda/dt = (dF/ds)^t lambda,   lambda(t_j-) = lambda(t_j+) + dL/ds(t_j)
    dL/dS(t) = z(t),  z = T (F_i + F_v r) lambda          dL/dp = int lambda . F_p + lambda . F_v n - n . z dt

T y is the network's own answer to sources y (see ``flow``): one more solve for each evaluation. Affine networks are
marched by series (``adjoint_series``), others by the method of order eight. A sample of
currents or drops in the loss acts at its time through the same T.

Hard bounds. A state that meets its bound loses its perturbation, and the rates of the others do not jump: the
saltation matrix I + (f+ - f-) n^t/(n . f-) is I - e_k e_k^t, so that lambda_k = 0 at a hit. While held, and at
the release (where f_k passes zero and does not jump) lambda_k stays 0. At a grazing hit, where f_k = 0, the
derivative differs from side to side; `require_transversal` refuses those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.integrate import DOP853

from spicebridge.analysis import variables
from spicebridge.analysis.adjoint_series import SeriesAdjoint, Stretch
from spicebridge.analysis.flow import Flow, LinearisedFlow, Segment, segments
from spicebridge.arrays import Array
from spicebridge.errors import GradientError, RunFailed
from spicebridge.theory import Trajectory
from spicebridge.theory.time.dense_output import Piece

GRAZING = 1e-7
"""A state that would pass its bound by less than this, were there none, grazes it; so does one that stays away by so
little."""

PROBES = 9
"""Places in every step of a run where the distance from the bounds is looked at; between them, …"""
NEARBY = 0.02
"""… where a maximum is as near to a bound as this, …"""
NARROWINGS = 6
"""… it is looked at more and more closely."""


@dataclass(eq=False)
class Adjoint:
    """Adjoint states of k losses at once along `path`; gradients in ``found`` by name, with k columns last.

    `names` are those of ``variables``. Rows of memoryless edges are zero.
    """

    flow: Flow
    path: Trajectory
    names: tuple[str, ...]
    columns: int
    rtol: float
    evaluations: int = 0
    found: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        network = self.flow.network
        self.n = network.n_edges
        self.memory = network.stateful
        self.knots = variables.knots(network) if "drive.values" in self.names else None
        self.flows = tuple(name for name in self.names if name not in ("initial_state", "drive.values"))
        # quadratures of z itself, of z (t - t_j) for PWL values, then of everything else
        self.parts = [*self.flows, *(("z", "z t") if self.knots is not None else ())]
        for name in self.flows:
            self.found[name] = np.zeros((self.n, self.columns))
        if self.knots is not None:
            self.found["drive.values"] = np.zeros((self.n, len(self.knots), self.columns))

        self.series = SeriesAdjoint.of(self.flow, self.path, self.rtol)
        parameters = [name for name in self.flows if not name.startswith("drive")] if self.series else []
        self._slopes = {name: self.flow.coefficients_by(name) for name in parameters}

    def run(self, samples: Mapping[float, tuple[Array, Array, Array]]) -> None:
        """March from the end to 0. `samples`: time (s) -> dL/d(state, current, voltage), each (n_e, k)."""
        lam = np.zeros((self.n, self.columns))
        stretches = segments(self.flow, self.path)
        for segment in reversed(stretches):
            inner = sorted((t for t in samples if segment.start < t <= segment.stop), reverse=True)
            at = segment.stop
            for t in inner:
                lam = self._march(lam, at, t, segment)
                lam = self._sample(lam, t, samples[t], segment)
                at = t
            lam = self._march(lam, at, segment.start, segment)
            lam[segment.held] = 0.0
        if 0.0 in samples:
            lam = self._sample(lam, 0.0, samples[0.0], stretches[0], held=False)
        if "initial_state" in self.names:
            self.found["initial_state"] = np.where(self.memory[:, None], lam, 0.0)

    def _march(self, lam: Array, start: float, stop: float, segment: Segment) -> Array:
        """lambda at `stop` from `start` > `stop` (s), quadratures added to ``found``."""
        if start <= stop:
            return lam
        if self.series is not None:
            return self._march_by_series(self.series, lam, start, stop, segment)
        free = (self.memory & ~segment.held)[:, None]
        width, n_parts = self.n * self.columns, len(self.parts)

        def fall(back: float, flat: Array) -> Array:
            t = min(max(start - back, stop), start)
            self.evaluations += 1
            here = self.flow.at(self.path(t), t)
            now = np.where(free, flat[:width].reshape(self.n, self.columns), 0.0)
            z = here.respond(here.gain[:, None] * now)
            # (dF/ds)^t lambda, then the densities
            rows = [np.where(free, here.diagonal[:, None] * now - here.m[:, None] * z, 0.0)]
            rows += [self._density(name, here, now, z, t, stop) for name in self.parts]
            return np.concatenate([row.ravel() for row in rows])

        first = np.concatenate([np.where(free, lam, 0.0).ravel(), np.zeros(width * n_parts)])
        size = np.abs(fall(0.0, first))
        scale = max(float(np.abs(lam).max()), 1e-300)
        blocks = size[width:].reshape(n_parts, width).max(axis=1, initial=0.0) * (start - stop)
        sizes = np.concatenate([np.full(width, 1e-2 * scale), np.repeat(np.maximum(blocks, 1e-300), width)])
        atol: Any = self.rtol * sizes
        march = DOP853(fall, 0.0, first, start - stop, rtol=self.rtol, atol=atol)
        while march.status == "running":
            message = march.step()
            if message is not None:
                raise RunFailed(f"the adjoint equation stopped at t = {start - march.t:.6g} s: {message}")
        end = march.y
        for k, name in enumerate(self.parts):
            part = end[width * (k + 1) : width * (k + 2)].reshape(self.n, self.columns)
            if name in self.found:
                self.found[name] += part
        if self.knots is not None:
            moments = end[-2 * width :].reshape(2, self.n, self.columns)
            self._spread(moments, stop, start)
        return np.asarray(end[:width].reshape(self.n, self.columns))

    def _march_by_series(self, series: SeriesAdjoint, lam: Array, start: float, stop: float, segment: Segment) -> Array:
        moments = np.zeros((2, self.n, self.columns))

        def take(stretch: Stretch) -> None:
            if "drive" in self.found:
                self.found["drive"] += stretch.integral()
            if self.knots is not None:
                moments[0] += stretch.integral()
                moments[1] += stretch.moment(stop)
            others = [name for name in self.flows if name != "drive"]
            if not others:
                return
            times, weights, (s, i, lams, z) = stretch.points()
            v = (series.law.level + series.law.slope * s) * i
            for name in others:
                if name.startswith("drive."):
                    slope = np.array([variables.field_slope(self.flow.network, name, t) for t in times.tolist()])
                    self.found[name] += np.einsum("t,tn,tnc->nc", weights, slope, z)
                    continue
                level, steep, a, b, c = self._slopes[name]
                n = (level + steep * s) * i
                direct = a * s + b * i + c * v + (0.0 if series.law.c is None else series.law.c * n)
                self.found[name] += np.einsum("t,tn,tnc->nc", weights, direct, lams) - np.einsum(
                    "t,tn,tnc->nc", weights, n, z
                )

        before = series.solves
        end = series.march(lam, start, stop, segment.held, take)
        self.evaluations += series.solves - before
        if self.knots is not None:
            self._spread(moments, stop, start)
        return end

    def _spread(self, moments: Array, left: float, right: float) -> None:
        """Share int z and int z (t - left)/(right - left) over [left, right] among the values of the PWL drives."""
        assert self.knots is not None
        at_left, at_right = variables.hats(self.knots, left), variables.hats(self.knots, right)
        for k in np.flatnonzero((at_left != 0.0) | (at_right != 0.0)).tolist():
            share = at_left[k] * moments[0] + (at_right[k] - at_left[k]) * moments[1] / (right - left)
            self.found["drive.values"][:, k] += share

    def _density(self, name: str, here: LinearisedFlow, lam: Array, z: Array, t: float, left: float) -> Array:
        """The integrand of one quadrature (n_e, k)."""
        if name in ("drive", "z"):
            return z
        if name == "z t":
            return z * (t - left)
        if name.startswith("drive."):
            return variables.field_slope(self.flow.network, name, t)[:, None] * z
        rate, drop = self.flow.by_parameter(here, name)
        return lam * (rate + here.by_v * drop)[:, None] - drop[:, None] * z

    def _sample(
        self, lam: Array, t: float, slopes: tuple[Array, Array, Array], segment: Segment, *, held: bool = True
    ) -> Array:
        """Add what the loss takes from the signals at time t."""
        by_state, by_current, by_voltage = slopes
        lam = lam + by_state
        if by_current.any() or by_voltage.any():
            here = self.flow.at(self.path(t), t)
            z = here.respond(by_current + here.r[:, None] * by_voltage)
            lam = lam + here.m[:, None] * (by_voltage - z)
            for name in self.flows:
                if name.startswith("drive"):
                    self.found[name] += self._density(name, here, lam, z, t, t)
                else:
                    self.found[name] += self.flow.by_parameter(here, name)[1][:, None] * (by_voltage - z)
            if self.knots is not None:
                self.found["drive.values"] += z[:, None] * variables.hats(self.knots, t)[:, None]
        if held:
            lam[segment.held] = 0.0
        return lam


def require_transversal(flow: Flow, path: Trajectory) -> None:
    """Raise `GradientError` where a state grazes a hard bound: the derivative is not defined there."""
    network = flow.network
    for event in path.events:
        if not event.kind.startswith("reaches"):
            continue
        before = max(0.0, event.t - 1e-6 * path.stop)
        now, earlier = flow.rate(path(event.t), event.t)[event.edge], flow.rate(path(before), before)[event.edge]
        bend = abs(now - earlier) / max(event.t - before, 1e-300)
        if abs(now) < abs(earlier) and 0.5 * now * now < GRAZING * bend:
            raise GradientError(_grazes(network.edge_name(event.edge), event.t))
    if not flow.hard.any():
        return
    for piece in path.pieces:
        times = np.linspace(piece.start, piece.stop, PROBES)
        states = piece(times)
        free = np.flatnonzero(flow.hard & (np.ptp(states, axis=0) > 0.0))
        depth = np.maximum(states[:, free] - 1.0, -states[:, free])
        peak = (depth[1:-1] >= depth[:-2]) & (depth[1:-1] >= depth[2:]) & (depth[1:-1] > -NEARBY)
        for row, column in np.argwhere(peak).tolist():
            top, at = _top(piece, int(free[column]), float(times[row]), float(times[row + 2]))
            if top > -GRAZING:
                raise GradientError(_grazes(network.edge_name(int(free[column])), at))


def _top(piece: Piece, edge: int, left: float, right: float) -> tuple[float, float]:
    """(depth beyond a bound, time) at the maximum of one state between two times."""
    for _ in range(NARROWINGS):
        times = np.linspace(left, right, PROBES)
        state = piece(times)[:, edge]
        depth = np.maximum(state - 1.0, -state)
        k = int(depth.argmax())
        left, right = float(times[max(k - 1, 0)]), float(times[min(k + 1, PROBES - 1)])
    return float(depth[k]), float(times[k])


def _grazes(edge: str, t: float) -> str:
    return (
        f"{edge} grazes a hard bound near t = {t:.6g} s: the run has no derivative there, only one from each side; "
        "change a source or the start a little"
    )
