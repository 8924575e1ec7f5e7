"""One channel of a measurement, cut into blocks: means, noise, quantisation, clipping, error bars.

Block means are what is fitted and judged. Their bar is ``z sigma/sqrt(n)``, plus half a quantisation step unless
noise dithers it, plus what the built circuit is known to differ by (steps of potentiometers, op-amps). sigma comes
from second differences of the samples, in which a smooth signal cancels; noise is taken to be white.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.measure.measurement import FEWEST, Measurement, Signal

BLOCKS = 48
FALSE_ALARM = 1e-5
"""Probability that a true circuit with normal noise is called wrong. (At 1e-3 one of some thousand random
measurements was.)"""
DITHER = 0.5
"""Noise above this fraction of a quantisation step makes its error random."""
SAMPLED = 4
"""A signal with fewer than one distinct value per so many samples is quantised."""
NORMAL_MAD = 1.4826
"""Standard deviation of a normal law over its median absolute deviation."""
CLIP_RUN = 8
"""Equal samples in a row, at the end of the range and beyond which the theory goes on, that count as clipped."""
CLIP_STEPS = 3.0
"""How far beyond, in quantisation steps or standard deviations of the noise."""
FINEST = 1e-5
"""Smallest bar relative to the range of the signal: what the prediction is good for. Splines of the expected signals
leave 4e-6 at hard bounds, a file of six digits 5e-7; finer than that no instrument of a bench is."""


@dataclass(frozen=True, eq=False)
class Channel:
    """Samples `t` (s), `y` of one column; block borders `edges`, sizes `count`, means `mean` (n_b,).

    `noise` and `step` (quantisation) in the channel's unit; `random` (n_b,), `resolution` and `circuit` are the
    parts of the bar; `range` the largest expected value; `lost` and `clipped` count samples left out.
    """

    column: str
    signal: Signal
    t: Array
    y: Array
    edges: NDArray[np.intp]
    count: Array
    mean: Array
    noise: float
    step: float
    random: Array
    resolution: float
    circuit: float
    range: float
    lost: int
    clipped: int = 0

    @property
    def bar(self) -> Array:
        """Half-width (n_b,) of what noise, quantisation and the known imperfection of the circuit explain."""
        return np.maximum(self.random + self.resolution + self.circuit, FINEST * self.range)

    def blocks(self, values: Array) -> Array:
        """Means of (n,) or (n, m) samples over the blocks."""
        sums = np.add.reduceat(values, self.edges[:-1], axis=0)
        return np.asarray(sums / self.count.reshape((-1,) + (1,) * (values.ndim - 1)))


def make_channel(
    measurement: Measurement,
    column: str,
    signal: Signal,
    span: tuple[float, float],
    size: float,
    circuit: float,
    n_channels: int,
) -> Channel:
    """The samples of `column` within `span` (s). Raises `LabError` when too few are left."""
    y = measurement.values[column]
    inside = (measurement.t >= span[0]) & (measurement.t <= span[1])
    good = inside & np.isfinite(y)
    lost = int((inside & ~good).sum())
    return _cut(column, signal, measurement.t[good], y[good], size, circuit, n_channels, lost, 0)


def without_clipped(channel: Channel, predicted: Array, n_channels: int) -> Channel:
    """The channel without the times at which it is clipped: it stands at an end of its range in whole runs while
    `predicted` (n,) lies beyond it. What is left out goes by the prediction, for a choice by the samples themselves
    would prefer some noise to other."""
    near = CLIP_STEPS * max(channel.step, channel.noise, FINEST * channel.range)
    out = np.zeros(channel.y.size, dtype=bool)
    for sign in (1.0, -1.0):
        y, p = sign * channel.y, sign * predicted
        if _has_run((y == y.max()) & (p > y.max() + near)):
            out |= p > y.max() - near
    if not out.any():
        return channel
    keep = ~out
    return _cut(
        channel.column, channel.signal, channel.t[keep], channel.y[keep], channel.range, channel.circuit, n_channels,
        channel.lost, channel.clipped + int(out.sum()),
    )  # fmt: skip


def _has_run(flag: NDArray[np.bool_]) -> bool:
    """Whether `flag` holds for `CLIP_RUN` samples in a row."""
    windows = np.convolve(flag, np.ones(CLIP_RUN, dtype=int), "valid") if flag.size >= CLIP_RUN else np.zeros(1)
    return bool((windows == CLIP_RUN).any())


def _cut(
    column: str,
    signal: Signal,
    t: Array,
    y: Array,
    size: float,
    circuit: float,
    n_channels: int,
    lost: int,
    clipped: int,
) -> Channel:
    from scipy.stats import norm

    if t.size < FEWEST:
        what = " that are not clipped" if clipped else ""
        raise LabError(f"channel {column!r}: {t.size} samples within the run{what}; at least {FEWEST} are needed")
    edges = np.unique(np.linspace(0, t.size, BLOCKS + 1).astype(np.intp))
    count = np.diff(edges).astype(float)
    levels = np.unique(y)
    step = float(np.diff(levels).min()) if 1 < levels.size < y.size / SAMPLED else 0.0
    second = np.diff(y, 2)
    # Median of absolute values: the signal's own curvature and single spikes count little.
    noise = float(np.median(np.abs(second - np.median(second)))) * NORMAL_MAD / math.sqrt(6.0)
    z = float(norm.isf(FALSE_ALARM / (2.0 * BLOCKS * n_channels)))
    random = z * max(noise, step / math.sqrt(12.0)) / np.sqrt(count)
    resolution = 0.5 * step if noise < DITHER * step else 0.0
    # A channel on which nothing is expected is judged against its own resolution.
    scale = size if size > 0 else max(float(np.abs(y).max()), 1e-300)
    bare = Channel(
        column, signal, t, y, edges, count, np.zeros(0), noise, step, random, resolution, circuit, scale, lost, clipped
    )
    return replace(bare, mean=bare.blocks(y))
