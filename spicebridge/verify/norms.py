"""Deviations of a run from its reference, and their norms over the agreed span.

The deviation of a signal x of edge k is

    D_k(t) = (x_circuit(t) - x_reference(t)) / scale_k

at the run's own time points, where the reference's dense output is evaluated. Scales make it dimensionless: 1 for
a state without unit, otherwise the largest of the signal in the edge's own connected part (see ``scales``).
Deviations of runs with other points are interpolated, the signals never: a deviation is small and smooth, so its
interpolation error is small against itself.

Where a device switches, a jump that comes a little late is a small error, not a large one: pointwise, a state that
moves from 0 to 1 a microsecond late is wrong by 1 for a microsecond. There time and signal are coordinates of one
plane, in which a time T counts as much as a state of 1, and the error of a sample is its distance (larger coordinate)
from the curve of the reference:

    E(t) = min over tau of max(|w(t) - s(t + tau)|, |tau|/T)
         = |D| / (1 + T m)                                        to first order in tau

m is the largest slope of either curve in the two steps on either side of t. Where nothing moves fast (T m << 1) this is
D itself. With T the shortest time scale of the drives, a tolerance of 1e-5 asks for switching times within 1e-5 of a
period and for states within 1e-5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

REACH = 2
"""Steps on either side of a sample in which slopes count."""
TIME_ROUNDINGS = 8
"""Roundings of the time that two programs may be apart."""


@dataclass(frozen=True, eq=False)
class Deviation:
    """D on the time points of one run: ``t`` (n_t,) in s, ``values`` (n_t, n_e) dimensionless.

    ``weight`` (n_t, n_e), or None for 1, is what a deviation at that time and edge counts; norms are of
    weight |D|.
    """

    t: Array
    values: Array
    weight: Array | None = None

    def size(self, values: Array) -> Array:
        """weight |values| for values (n_t, n_e) on these time points."""
        size = np.abs(values)
        return size if self.weight is None else np.asarray(self.weight * size)

    @property
    def maximum(self) -> float:
        """max over time and edges of weight |D|."""
        return float(self.size(self.values).max(initial=0.0))

    @property
    def pointwise(self) -> float:
        """max over time and edges of |D|, whatever it counts."""
        return float(np.abs(self.values).max(initial=0.0))

    def worst(self) -> tuple[int, float]:
        """(edge, time in s) of the largest weight |D|."""
        row, edge = np.unravel_index(int(np.argmax(self.size(self.values))), self.values.shape)
        return int(edge), float(self.t[row])

    def on(self, t: Array) -> Array:
        """The deviation interpolated linearly onto `t` (n,), (n, n_e)."""
        right = np.clip(np.searchsorted(self.t, t, side="right"), 1, self.t.size - 1)
        left = right - 1
        weight = ((t - self.t[left]) / (self.t[right] - self.t[left]))[:, None]
        out: Array = (1.0 - weight) * self.values[left] + weight * self.values[right]
        return out


def difference(first: Deviation, second: Deviation) -> float:
    """max weight |first - second|, each on the other's points, over the span they share."""
    return max(float(gaps(own, other)[1].max(initial=0.0)) for own, other in ((first, second), (second, first)))


def gaps(own: Deviation, other: Deviation) -> tuple[Array, Array]:
    """Times (n,) of `own` in the span both share, and the largest weight |own - other| over the edges there."""
    start, stop = max(own.t[0], other.t[0]), min(own.t[-1], other.t[-1])
    inside = (own.t >= start) & (own.t <= stop)
    gap = own.size(own.values - other.on(own.t))[inside]
    return own.t[inside], gap.max(axis=1, initial=0.0)


def slopes(t: Array, values: Array) -> Array:
    """Largest |dx/dt| within `REACH` steps of every sample, (n_t, n_e) in 1/s."""
    if t.size < 2:
        return np.zeros(values.shape)
    steps = np.abs(np.diff(values, axis=0)) / np.diff(t)[:, None]
    edge = np.zeros((REACH, values.shape[1]))
    padded = np.vstack([edge, steps, edge])
    n = t.size
    # Sample k lies between steps k - 1 and k, which are rows k + REACH - 1 and k + REACH here.
    return np.asarray(np.max([padded[k : k + n] for k in range(2 * REACH)], axis=0))


def without_rounding_of_time(t: Array, values: Array, *moving: Array) -> Array:
    """`values` (n_t, n_e) less what a few roundings of the time are worth under the slopes of what is `moving`.

    A source with an edge of 1 ns after 1 s has moved by 1e-6 of itself in four roundings of its time, and two
    programs need not round alike. A drop that is read as the difference of two nodes and a source moves with the
    source, even where it is zero.
    """
    late = TIME_ROUNDINGS * float(np.spacing(t[-1])) * sum(slopes(t, x) for x in moving)
    return np.asarray(np.sign(values) * np.maximum(np.abs(values) - late, 0.0))


def shift_tolerant(pointwise: Deviation, circuit: Array, time_scale: Array) -> Deviation:
    """Return D with the weight 1/(1 + T m).

    `circuit` (n_t, n_e) is the signal in the units of D, `time_scale` (n_e,) is T in s: 0 leaves an edge pointwise.
    """
    if not time_scale.any():
        return pointwise
    reference = circuit - pointwise.values
    slope = np.maximum(slopes(pointwise.t, circuit), slopes(pointwise.t, reference))
    return Deviation(pointwise.t, pointwise.values, 1.0 / (1.0 + time_scale * slope))


def deviation(
    name: str, network: Network, waves: Waveforms, reference: Waveforms, scale: Array, time_scale: Array
) -> Deviation:
    """D of a signal of a run from the reference at its points; `scale` and `time_scale` (T in s) are (n_e,)."""
    theirs = getattr(reference, name) / scale
    gap: Array = getattr(waves, name) / scale - theirs
    if name != "state":
        sources = [network.bank(waves.t) / scale] if name == "voltage" else []
        gap = without_rounding_of_time(waves.t, gap, theirs, *sources)
    return shift_tolerant(Deviation(waves.t, gap), theirs + gap, time_scale)
