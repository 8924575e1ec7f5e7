"""Error norms of waveforms over the agreed span.

The deviation of a run is D(t) = s_spice(t) - s_theory(t) at the run's own time points, where the
theory's dense output is evaluated. Deviations of runs with other points are interpolated, the states
never: a deviation is small and smooth, so its interpolation error is small against itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.waveforms import Waveforms


@dataclass(frozen=True, eq=False)
class Deviation:
    """D on the time points of one run: ``t`` (n_t,) in s, ``values`` (n_t, n_e) dimensionless.

    ``weight`` (n_t, n_e), or None for 1, is what a deviation at that time and edge counts; norms are of
    weight |D| (see ``events``).
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


def deviation(run: Waveforms, theory: Callable[[Array], Array]) -> Deviation:
    """Return D of a run against `theory`, a function t -> states (n_t, n_e)."""
    return Deviation(run.t, run.state - theory(run.t))


def difference(first: Deviation, second: Deviation) -> float:
    """max weight |first - second|, each on the other's points, over the span they share."""
    start, stop = max(first.t[0], second.t[0]), min(first.t[-1], second.t[-1])
    largest = 0.0
    for own, other in ((first, second), (second, first)):
        inside = (own.t >= start) & (own.t <= stop)
        gap = own.size(own.values - other.on(own.t))[inside]
        largest = max(largest, float(gap.max(initial=0.0)))
    return largest


def relative_rms(run: Waveforms, reference: Waveforms, signal: str) -> float:
    """RMS of the difference of a signal on equal time points over the RMS of the reference."""
    a, b = getattr(run, signal), getattr(reference, signal)
    scale = float(np.sqrt(np.mean(b**2)))
    error = float(np.sqrt(np.mean((a - b) ** 2)))
    return error / scale if scale > 0 else error
