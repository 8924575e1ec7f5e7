"""A simulated oscilloscope, to rehearse a measurement before anything is soldered and to test `compare`.

y(t) = Q[(1 + g) s(t - t0 + e (t - t_mid)) + o + noise],   Q: quantisation, clipping at the range; then drop-outs
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import Errors, integrate_builds
from spicebridge.lab.measure.calibration import pick
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.measurement import Measurement, parse_signal


@dataclass(frozen=True, kw_only=True)
class Scope:
    """`noise` relative to a signal's largest value, `bits` (0: none) over 2 `full_scale` times it; `gain` and
    `offset` relative, with random signs; `trigger` of the span; `clock` relative; `dropouts` share of lost samples;
    `clip` True cuts what is beyond `full_scale`. `parts`: errors of parts, in units of their limits."""

    noise: float = 0.003
    bits: int = 8
    full_scale: float = 1.2
    gain: float = 0.004
    offset: float = 0.005
    trigger: float = 0.008
    clock: float = 5e-5
    dropouts: float = 0.03
    samples: int = 4000
    parts: float = 0.5
    clip: bool = True


Disturb = Callable[[Array, Array, float, np.random.Generator], Array]
"""Times (n,) in s, samples (n,), the signal's largest value and random numbers, to disturbed samples."""

REHEARSAL = Scope(samples=2000, bits=10)
"""What the rehearsal in a kit was recorded with."""


def format_rehearsal(circuit: CircuitUnderTest, names: Sequence[str], seed: int = 1) -> str:
    """CSV of `REHEARSAL` on one random build: what the bench might show, to try `compare` on before it is built."""
    shown = measure(circuit, names, REHEARSAL, seed=seed)
    rows = ["# simulated: one random build within the bench's tolerances", ",".join(["t (s)", *names])]
    columns = [shown.t, *(shown.values[name] for name in names)]
    rows += [
        ",".join("" if x != x else f"{x:.8g}" for x in row) for row in zip(*(c.tolist() for c in columns), strict=True)
    ]
    return "\n".join(rows) + "\n"


def random_errors(circuit: CircuitUnderTest, share: float, rng: np.random.Generator) -> Errors:
    """One build with every part off by up to `share` of its limit, uniform."""
    n_e = circuit.network.n_edges
    return Errors.of(share * rng.uniform(-1.0, 1.0, (1, n_e)) * limit for limit in circuit.limits)


def measure(
    circuit: CircuitUnderTest,
    names: Sequence[str],
    scope: Scope,
    *,
    seed: int = 0,
    wrong: Mapping[int, float] | None = None,
    flipped: Sequence[int] = (),
    disturb: Disturb | None = None,
) -> Measurement:
    """What `scope` shows of a build of `circuit`; columns have the names of their signals.

    `wrong` {edge: relative error of its resistance} and `flipped` edges are what somebody soldered by mistake;
    `disturb` is added before the converter.
    """
    rng = np.random.default_rng(seed)
    errors = random_errors(circuit, scope.parts, rng)
    for k, value in (wrong or {}).items():
        errors.resistance[:, k] += value
    sign = np.ones((1, circuit.network.n_edges))
    sign[:, list(flipped)] = -1.0
    runs = integrate_builds(circuit.network, circuit.stop, replace(errors, flipped=sign), ground=circuit.ground)
    clean = {name: pick(circuit, runs, parse_signal(name))[0] for name in names}
    return show(runs.t, clean, circuit.stop, scope, rng, disturb)


def show(
    t: Array,
    clean: dict[str, Array],
    stop: float,
    scope: Scope,
    rng: np.random.Generator,
    disturb: Disturb | None = None,
) -> Measurement:
    """What `scope` shows of signals `clean` {name: (n_t,)} at times `t` (s) of a run that lasts `stop`."""
    from scipy.interpolate import CubicSpline

    times = np.linspace(0.0, stop, scope.samples)
    true_time = np.clip(times - scope.trigger * stop + scope.clock * (times - 0.5 * stop), 0.0, stop)
    values = {}
    for name, signal in clean.items():
        s = CubicSpline(t, signal)(true_time)
        size = float(np.abs(s).max())
        y = s * (1.0 + rng.choice([-1.0, 1.0]) * scope.gain) + scope.offset * size * rng.choice([-1.0, 1.0])
        y = y + scope.noise * size * rng.standard_normal(times.size)
        if disturb is not None:
            y = disturb(times, y, size, rng)
        if scope.bits:
            step = 2.0 * scope.full_scale * size / 2**scope.bits
            y = step * np.round(y / step)
        if scope.clip:
            y = np.clip(y, -scope.full_scale * size, scope.full_scale * size)
        y[rng.random(times.size) < scope.dropouts] = np.nan
        values[name] = y
    return Measurement(times, values)
