"""One channel of a measurement, cut into blocks: means, noise, quantisation, clipping, error bars.

Block means are what is fitted and judged. Their bar is ``z sigma/sqrt(n)``, plus what quantisation may leave of the
mean unless noise dithers it, plus what the built circuit is known to differ by (steps of potentiometers, op-amps).
sigma comes from second differences of the samples, in which a smooth signal cancels, for white noise; `with_own_noise`
takes it from what a fit leaves instead, which holds for noise of any correlation. Single samples far from their
neighbours (spikes) are left out and counted; where there are more samples than the fit needs, neighbours are averaged.
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
PHASES = 16
"""Places of the expected signal between two levels at which its quantisation is looked at."""
SAMPLED = 4
"""A signal with fewer than one distinct value per so many samples is quantised."""
NORMAL_MAD = 1.4826
"""Standard deviation of a normal law over its median absolute deviation."""
SPIKE = 8.0
"""Median deviations (as standard deviations) from its neighbours that make a sample a spike."""
EDGE = 3
"""Neighbours on each side by which a spike is known."""
SMALL_SPIKE = 1e-3
"""A spike is at least `SPIKE` times this fraction of the signal: what is smaller moves no block mean."""
ENOUGH = 5000
"""Samples that a fit needs; of twice as many or more, neighbours are averaged."""
COLOURED = 1.2
"""Ratio of the noise of block means to that of white noise from which it counts as correlated."""
COLOUR_MARGIN = 1.25
"""The scatter of 46 differences is known to about a fifth, and neighbouring blocks share some correlated noise."""
CLIP_RUN = 8
"""Equal samples in a row, at the end of the range and beyond which the theory goes on, that count as clipped."""
CLIP_STEPS = 3.0
"""How far beyond, in quantisation steps or standard deviations of the noise."""
FINEST = 1e-5
"""Smallest bar relative to the range of the signal: what the prediction is good for. Splines of the expected signals
leave 4e-6 at hard bounds, a file of six digits 5e-7; finer than that no instrument of a bench is."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Channel:
    """Samples `t` (s), `y` of one column; block borders `edges`, sizes `count`, means `mean` (n_b,).

    `noise` and `step` (quantisation) in the channel's unit; `random` (n_b,), `resolution` (n_b,) and `circuit` are the
    parts of the bar; `range` the largest expected value; `lost`, `clipped` and `spikes` count samples left out;
    `colour` is the noise of a block mean over that of white noise.
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
    resolution: Array
    circuit: float
    range: float
    lost: int
    clipped: int = 0
    spikes: int = 0
    colour: float = 1.0
    z: float = 0.0

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
    expected: tuple[Array, Array],
    circuit: float,
    n_channels: int,
    finest: float = 0.0,
) -> Channel:
    """The samples of `column` within `span` (s), of which the theory expects (times, values). Raises `LabError` when
    too few are left."""
    size = float(np.abs(expected[1]).max())
    around = max(1, math.ceil(BLOCKS * span[0] / (span[1] - span[0])))
    y = measurement.values[column]
    inside = (measurement.t >= span[0]) & (measurement.t <= span[1])
    good = inside & np.isfinite(y)
    lost = int((inside & ~good).sum())
    t, y = measurement.t[good], y[good]
    spike = np.zeros(y.size, dtype=bool)
    if y.size >= FEWEST:
        spike = _spikes(t, y, size)[EDGE:-EDGE]
        # Without neighbours on both sides the outermost could be spikes unseen.
        t, y = t[EDGE:-EDGE], y[EDGE:-EDGE]
    t, y = t[~spike], y[~spike]
    whole = _cut(column, signal, t, y, np.interp(t, *expected), size, circuit, n_channels, lost, 0, around)
    thin = min(whole.t.size // ENOUGH, int(finest / float(np.diff(t).mean())) if finest else 1)
    spikes = int(spike.sum())
    return _thinned(whole, thin, spikes) if thin > 1 else replace(whole, spikes=spikes)


def _thinned(whole: Channel, every: int, spikes: int) -> Channel:
    """Means of `every` neighbours in the place of samples; noise and quantisation stay those of the samples."""
    n = whole.t.size // every
    t, y = (x[: n * every].reshape(n, every).mean(axis=1) for x in (whole.t, whole.y))
    edges = np.unique(np.linspace(0, n, BLOCKS + 1).astype(np.intp))
    count = np.diff(edges).astype(float)
    random = whole.random.mean() * np.sqrt(whole.count.mean() / (every * count))
    bare = replace(whole, t=t, y=y, edges=edges, count=count, random=random, spikes=spikes)
    return replace(bare, mean=bare.blocks(y))


def _spikes(t: Array, y: Array, size: float) -> NDArray[np.bool_]:
    """Single samples, or two in a row, that leave the median of three straight lines through pairs of neighbours on
    both sides by `SPIKE` standard deviations: a steep signal with gaps has none."""
    lines = np.full((EDGE, y.size), np.nan)
    for d in range(1, EDGE + 1):
        share = (t[d:-d] - t[: -2 * d]) / (t[2 * d :] - t[: -2 * d])
        lines[d - 1, d:-d] = y[: -2 * d] + share * (y[2 * d :] - y[: -2 * d])
    away = np.zeros(y.size)
    away[EDGE:-EDGE] = np.abs((y - np.median(lines, axis=0))[EDGE:-EDGE])
    spread = NORMAL_MAD * float(np.median(away))
    enough = SPIKE * max(spread, _step(y), SMALL_SPIKE * size)
    far = away > enough
    # What only stands beside two spikes lies on the line through the others.
    return np.asarray(far & (np.abs(y - np.interp(t, t[~far], y[~far])) > enough))


def _step(y: Array) -> float:
    """Quantisation step, 0 where none shows."""
    levels = np.unique(y)
    return float(np.diff(levels).min()) if 1 < levels.size < y.size / SAMPLED else 0.0


def with_own_noise(channel: Channel, residual: Array) -> Channel:
    """The channel with the noise of its block means as the `residual` (n,) of its samples shows it.

    sigma_n^2 = median(second difference of block means)^2/6, which a smooth misfit hardly enters, and at most the
    scatter of the samples about straight lines within blocks: a misfit that is smooth there cannot pass for noise.
    """
    mean = channel.blocks(residual)
    second = np.diff(mean, 2)
    own = NORMAL_MAD * float(np.median(np.abs(second))) / math.sqrt(6.0)
    within = 0.0
    for a, b in zip(channel.edges[:-1], channel.edges[1:], strict=True):
        part = residual[a:b]
        line = np.linspace(-1.0, 1.0, part.size)
        part = part - part.mean() - line * float(line @ part) / max(float(line @ line), 1e-300)
        within += float(part @ part)
    most = math.sqrt(within / residual.size)
    white = float(np.median(channel.random)) / channel.colour
    z = _quantile(channel)
    found = min(COLOUR_MARGIN * own, COLOUR_MARGIN * most) * z
    if found <= COLOURED * COLOUR_MARGIN * white:
        return channel
    factor = found / white
    return replace(channel, random=channel.random * (factor / channel.colour), colour=factor)


def _quantile(channel: Channel) -> float:
    """z of the bars: `random` over the standard deviation of a block mean."""
    samples = max(channel.noise, channel.step / math.sqrt(12.0))
    return channel.z if samples > 0 else 0.0


def without_clipped(channel: Channel, predicted: Array, n_channels: int) -> Channel:
    """The channel without the times at which it is clipped: it stands at an end of its range in whole runs while
    `predicted` (n,) lies beyond it. What is left out goes by the prediction, for a choice by the samples themselves
    would prefer some noise to other."""
    near = CLIP_STEPS * max(channel.step, channel.noise, FINEST * channel.range)
    out, ends = np.zeros(channel.y.size, dtype=bool), 0
    for sign in (1.0, -1.0):
        y, p = sign * channel.y, sign * predicted
        if _has_run((y == y.max()) & (p > y.max() + near)) or (_piled(channel, y) and p.max() > y.max() - near):
            out |= p > y.max() - near
            ends += 1
    if not out.any() or channel.clipped >= channel.y.size:
        return channel
    if np.count_nonzero(~out) < FEWEST:
        # All the time at one end, which is not zero, while the theory moves: what the signal did is not known.
        stuck = ends == 1 and np.ptp(channel.y) <= near < np.ptp(predicted) and abs(channel.y[0]) > near
        unknown = np.abs(channel.blocks(predicted) - channel.mean) + channel.range
        return replace(channel, resolution=unknown, clipped=channel.y.size) if stuck else channel
    keep = ~out
    cut = _cut(
        channel.column, channel.signal, channel.t[keep], channel.y[keep], predicted[keep], channel.range,
        channel.circuit, n_channels, channel.lost, channel.clipped + int(out.sum()),
    )  # fmt: skip
    return replace(cut, spikes=channel.spikes)


def _piled(channel: Channel, y: Array) -> bool:
    """Whether noise, which thins out towards the largest value, is heaped up there."""
    levels, counts = np.unique(y, return_counts=True)
    below = int(counts[-2]) if levels.size > 1 else y.size
    return bool(channel.noise >= DITHER * channel.step and counts[-1] >= CLIP_RUN and counts[-1] > 2 * below)


def _has_run(flag: NDArray[np.bool_]) -> bool:
    """Whether `flag` holds for `CLIP_RUN` samples in a row."""
    windows = np.convolve(flag, np.ones(CLIP_RUN, dtype=int), "valid") if flag.size >= CLIP_RUN else np.zeros(1)
    return bool((windows == CLIP_RUN).any())


def quantile(looks: int) -> float:
    """z that one of so many normal numbers passes, on either side, with the probability `FALSE_ALARM`."""
    from scipy.special import ndtri

    return -float(ndtri(FALSE_ALARM / (2.0 * looks)))


def _quantised(predicted: Array, step: float, edges: NDArray[np.intp], count: Array, around: int) -> Array:
    """Largest error (n_b,) that a quantiser of `step` leaves in block means of a signal of the shape `predicted` (n,),
    wherever it lies between two levels: half a step where it rests, little where it passes many. Of a block and
    `around` neighbours on both sides, as the trigger may move the signal by so much."""
    worst = np.zeros(count.size)
    if not step:
        return worst
    for phase in range(PHASES):
        x = predicted / step + phase / PHASES
        worst = np.maximum(worst, np.abs(np.add.reduceat(np.rint(x) - x, edges[:-1])) / count)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(worst, around, "edge"), 2 * around + 1).max(axis=-1)
    # Between two of the phases the mean changes by no more than half their distance; of what runs away nothing is
    # known.
    return np.asarray(step * np.minimum(np.nan_to_num(near + 0.5 / PHASES, nan=0.5), 0.5))


def _cut(
    column: str,
    signal: Signal,
    t: Array,
    y: Array,
    predicted: Array,
    size: float,
    circuit: float,
    n_channels: int,
    lost: int,
    clipped: int,
    around: int = 1,
) -> Channel:
    if t.size < FEWEST:
        what = " that are not clipped" if clipped else ""
        raise LabError(f"channel {column!r}: {t.size} samples within the run{what}; at least {FEWEST} are needed")
    edges = np.unique(np.linspace(0, t.size, BLOCKS + 1).astype(np.intp))
    count = np.diff(edges).astype(float)
    step = _step(y)
    second = np.diff(y, 2)
    # Median of absolute values: the signal's own curvature and single spikes count little.
    noise = float(np.median(np.abs(second - np.median(second)))) * NORMAL_MAD / math.sqrt(6.0)
    z = quantile(BLOCKS * n_channels)
    random = z * max(noise, step / math.sqrt(12.0)) / np.sqrt(count)
    resolution = _quantised(predicted, step if noise < DITHER * step else 0.0, edges, count, around)
    # A channel on which nothing is expected is judged against its own resolution.
    scale = size if size > 0 else max(float(np.abs(y).max()), 1e-300)
    bare = Channel(
        column=column, signal=signal, t=t, y=y, edges=edges, count=count, mean=np.zeros(0), noise=noise, step=step,
        random=random, resolution=resolution, circuit=circuit, range=scale, lost=lost, clipped=clipped, z=z,
    )  # fmt: skip
    return replace(bare, mean=bare.blocks(y))
