"""A simulated oscilloscope: noise, quantisation, gain, offset, trigger and clock errors, drop-outs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.lab.builds import Errors, integrate_builds
from spicebridge.lab.measured import _pick
from spicebridge.lab.measurement import Measurement, parse_signal
from spicebridge.network import Network


@dataclass(frozen=True)
class Scope:
    noise: float = 0.003
    bits: int = 8
    gain: float = 0.004
    offset: float = 0.005
    trigger: float = 0.008
    clock: float = 5e-5
    dropouts: float = 0.03
    samples: int = 4000
    parts: float = 1e-3


def measure(network: Network, stop: float, names: list[str], scope: Scope, *, ground: int = 0, seed: int = 0) -> Measurement:
    """What the scope shows of a circuit whose resistances are within `parts` of the network's."""
    from scipy.interpolate import CubicSpline

    rng = np.random.default_rng(seed)
    errors = Errors.none(1, network.n_edges)
    errors.resistance[0] = rng.uniform(-scope.parts, scope.parts, network.n_edges)
    runs = integrate_builds(network, stop, errors, ground=ground)
    t = np.linspace(0.0, stop, scope.samples)
    true_time = np.clip(t - scope.trigger * stop + scope.clock * (t - stop / 2), 0.0, stop)
    values = {}
    for name in names:
        clean = CubicSpline(runs.t, _pick(network, runs, parse_signal(name))[0])(true_time)
        size = float(np.abs(clean).max())
        y = clean * (1 + rng.choice([-1, 1]) * scope.gain) + scope.offset * size * rng.choice([-1, 1])
        y = y + scope.noise * size * rng.standard_normal(t.size)
        if scope.bits:
            lsb = 2.4 * size / 2**scope.bits
            y = lsb * np.round(y / lsb)
        y[rng.random(t.size) < scope.dropouts] = np.nan
        values[name] = y
    return Measurement(t, values)
