"""States inferred from measurement: R = v/(P i) on calibrated block means, hence s where R(s) can be inverted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import integrate_builds
from spicebridge.lab.design.laws import state_of
from spicebridge.lab.measure.calibration import Calibration, Estimate
from spicebridge.lab.measure.channels import BLOCKS
from spicebridge.lab.measure.measurement import FEWEST, Signal
from spicebridge.laws.base import OhmicDevice

CURRENT_FLOOR = 0.2
"""A state is inferred where the current exceeds this fraction of its peak."""


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """State of `edge` from v and i at `times` (s): inferred `states`, the `theory`'s, and their `bars`."""

    edge: int
    times: tuple[float, ...]
    states: tuple[float, ...]
    theory: tuple[float, ...]
    bars: tuple[float, ...]

    @property
    def worst(self) -> int:
        """Where the difference is largest in bars."""
        return int(np.argmax(np.abs(np.subtract(self.states, self.theory)) / np.array(self.bars)))

    @property
    def difference(self) -> float:
        """At the worst place."""
        return abs(self.states[self.worst] - self.theory[self.worst])

    @property
    def uncertainty(self) -> float:
        """At the worst place."""
        return self.bars[self.worst]


def infer(fit: Calibration, point: Estimate) -> tuple[Inferred, ...]:
    """Every edge whose v and i are both measured, where the current is not small."""
    from scipy.interpolate import CubicSpline

    circuit, network = fit.model.circuit, fit.model.circuit.network
    place = {(c.signal.kind, c.signal.name): j for j, c in enumerate(fit.data)}
    edges = [int(name) for kind, name in place if kind == "v" and ("i", name) in place and network.stateful[int(name)]]
    if not edges:
        return ()
    # The theory's states in the circuit that fits the measurement best.
    runs = integrate_builds(network, circuit.stop, fit.model.errors(point.theta[None]), ground=circuit.ground)
    states = CubicSpline(runs.t, runs.state[0])
    out = []
    for k in edges:
        jv, ji = place["v", str(k)], place["i", str(k)]
        cv, ci = fit.data[jv], fit.data[ji]
        # Samples that both channels have; within a block R = sum v i / sum i^2.
        t, at_v, at_i = np.intersect1d(cv.t, ci.t, assume_unique=True, return_indices=True)
        if t.size < FEWEST:
            continue
        v, i = _calibrated(fit, point, jv, cv.signal, cv.y[at_v]), _calibrated(fit, point, ji, ci.signal, ci.y[at_i])
        starts = np.unique(np.linspace(0, t.size, BLOCKS + 1).astype(int))[:-1]
        count = np.diff([*starts, t.size])
        square, product = np.add.reduceat(i * i, starts), np.add.reduceat(v * i, starts)
        u = np.clip(t - point.t0 + point.clock * (t - 0.5 * circuit.stop), 0.0, circuit.stop)
        theory = np.add.reduceat(i * i * states(u)[:, k], starts) / square
        size = np.sqrt(square / count)
        big = size > CURRENT_FLOOR * size.max()
        R = (product / square)[big] / network.P[k]
        law = network.device(k)
        found = state_of(law, R)
        slope = np.abs(cast(OhmicDevice, law).resistance_slope(found))
        dv, di = cv.bar.max() / abs(cv.signal.factor), ci.bar.max() / abs(ci.signal.factor)
        relative = dv / (size[big] * np.abs(R)) + di / size[big] + 2.0 * fit.tool.gain + circuit.limits[0][k]
        bar = relative * np.abs(R) / slope
        good = np.isfinite(found) & np.isfinite(bar)
        if good.any():
            middle = (np.add.reduceat(t, starts) / count)[big]
            times, states_, theory_, bars = (tuple(x[good].tolist()) for x in (middle, found, theory[big], bar))
            out.append(Inferred(edge=k, times=times, states=states_, theory=theory_, bars=bars))
    return tuple(out)


def _calibrated(fit: Calibration, point: Estimate, j: int, signal: Signal, y: Array) -> Array:
    gain = 1.0 + fit.tool.gain * point.gain[j]
    offset = fit.tool.shift(fit.data[j].range) * point.offset[j]
    return np.asarray((y - offset) / gain / signal.factor)
