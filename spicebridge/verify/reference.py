"""What a circuit is held against: waveforms of the theory at any time, and what they may be wrong by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.lower.corners import Clock
from spicebridge.errors import SpiceBridgeError
from spicebridge.network import Network
from spicebridge.theory import Trajectory, solve
from spicebridge.theory.results.flux import flux_objection, flux_states
from spicebridge.theory.time.trajectory import waveforms
from spicebridge.waveforms import SIGNALS, Waveforms

THEORY_RTOL = 1e-11
"""Relative tolerance of the theory that is compared; the second, looser run has 30 times that."""
LOOSENING = 30.0
DISPUTED = 1e-8
"""Integration and flux law farther apart than this are no theory; they were never more than 1e-13 apart."""

CHECKED = 200
"""Times at which the currents of the looser run are looked at, beside those where its states are farthest off."""

FEATURE = 1e-5
"""What a cubic may miss in a state over one stretch of the clock."""
FAST = 3.0
"""Stretches count where they are shorter than the first step over this."""
UNIFORM, GAIN = 2e4, 10.0
"""A clock is wanted at once where equal steps of one stretch, or a tenth of a hit, would be more than the first number,
and ever where it has so many times fewer stretches. (A stretch costs a simulator a dozen points.)"""
MOST_STRETCHES = 1000.0
"""More breakpoints than this cost a simulator more than they save: it looks them through at every step."""
FAST_HIT = 0.3
"""A hard bound that is met so fast that a step crosses this much of the state is met in finer steps, …"""
NEAREST = 0.02
"""… down to such a part of the state, …"""
STRETCHES_PER_OCTAVE = 2.0
"""… in so many stretches for each doubling of the distance in time."""
SAMPLES = 4
"""Divisions of a piece of the dense output, whose third differences show how fast the states bend."""


@dataclass(frozen=True, eq=False)
class Theory:
    """The network ODE: with its own account of the error where the integration keeps one, else at two tolerances.

    `witness` (n_e,) is how far the states at the end are from what the fluxes alone say (see ``theory.results.flux``),
    a way that shares no step with the integration; None where that law does not hold.
    """

    network: Network
    fine: Trajectory
    loose: Trajectory | None
    witness: Array | None = None

    @classmethod
    def of(cls, network: Network, stop: float, method: str = "auto") -> Theory:
        """Integrate over [0, stop]. Raises what `solve` raises; numerical trouble is a `problem`."""
        fine = solve(network, stop, method=method, rtol=THEORY_RTOL, atol=THEORY_RTOL / 100)
        if fine.carried is not None:
            return cls(network, fine, None, _by_fluxes(fine) if fine.complete else None)
        loose = solve(network, stop, method=method, rtol=THEORY_RTOL * LOOSENING, atol=THEORY_RTOL)
        return cls(network, fine, loose)

    @property
    def method(self) -> str:
        """The form of Kirchhoff's equations."""
        return self.fine.method

    @property
    def witnesses(self) -> dict[str, float]:
        """Independent ways to the same states, and by how much they differ at the end."""
        return {} if self.witness is None else {"flux law": float(self.witness.max(initial=0.0))}

    @property
    def problem(self) -> str:
        """Why it cannot be used, "" if it can."""
        for trajectory in (self.fine, self.loose):
            if trajectory is not None and not trajectory.complete:
                return f"theory: {trajectory.reason}"
        apart = self.witnesses.get("flux law", 0.0)
        if apart > DISPUTED:
            return (
                f"theory: the integration and the flux law differ by {apart:.3g} at the end; neither is to be trusted"
            )
        return ""

    def waveforms(self, t: Array) -> Waveforms:
        """Signals at times t (n_t,) in s, increasing within the span."""
        return self.fine.waveforms(t)

    def uncertainty(self, waves: Waveforms) -> Mapping[str, Array]:
        """What each signal of `waveforms(t)` may be wrong by, (n_e,) in its unit, largest over the times."""
        t = waves.t
        other = waves.state + self.fine.error(t) if self.loose is None else self.loose(t)
        gap = np.abs(waves.state - other)
        rows = np.unique([*np.linspace(0, t.size - 1, CHECKED).astype(int), *np.argmax(gap, axis=0)])
        elsewhere = waveforms(self.network, self.fine.branch, t[rows], other[rows], self.method)
        found = {
            name: np.abs(getattr(waves, name)[rows] - getattr(elsewhere, name)).max(axis=0, initial=0.0)
            for name in SIGNALS
        }
        state = gap.max(axis=0, initial=0.0)
        return found | {"state": state if self.witness is None else np.maximum(state, self.witness)}

    def clock(self, step: float, *, late: bool = False) -> Clock | None:
        """Where a circuit at the ceiling `step` (s) needs smaller steps, None where nowhere.

        `late`: equal steps have been tried, and they did not do.
        """
        bends, hits = _bends(self.fine, step), _hits(self.fine, step)
        t = np.unique(np.concatenate([bends.t, *(hit.t for hit in hits)]))
        if t.size < 2:
            return None
        middle = 0.5 * (t[1:] + t[:-1])
        density = np.max([part.at(middle) for part in (bends, *hits)], axis=0)
        count = np.concatenate([[0.0], np.cumsum(density * np.diff(t))])
        uniform = self.fine.stop / min(self._stretch, *(0.1 / rate for rate in self._hit_rates), math.inf)
        if uniform < max(0.0 if late else UNIFORM, GAIN * count[-1]) or not 1.0 <= count[-1] <= MOST_STRETCHES:
            return None
        return Clock(tuple(t.tolist()), tuple(count.tolist()), step)

    @cached_property
    def resolution(self) -> float:
        """The step in s above which a ladder cannot follow the fastest motion, infinite where there is none."""
        return min(10.0 * self._stretch, *(1.0 / rate for rate in self._hit_rates), math.inf)

    @cached_property
    def _stretch(self) -> float:
        """The shortest stretch in s."""
        density = float(_bends(self.fine, math.inf).rate.max(initial=0.0))
        return 1.0 / density if density else math.inf

    @cached_property
    def _hit_rates(self) -> list[float]:
        """How fast states meet hard bounds, in 1/s."""
        return [rate for _, rate in _fast_hits(self.fine) if rate > 0.0]


def _by_fluxes(path: Trajectory) -> Array | None:
    """|difference| (n_e,) of the states at the end to those that the fluxes of the sources determine."""
    if flux_objection(path.network) is not None:
        return None
    try:
        return np.asarray(np.abs(flux_states(path.network, [path.stop])[0] - path(path.stop)))
    except SpiceBridgeError:
        return None


@dataclass(frozen=True, eq=False)
class _Density:
    """Stretches per second, `rate` (n - 1,), between times `t` (n,) in s; 0 outside."""

    t: Array
    rate: Array

    def at(self, t: Array) -> Array:
        padded = np.concatenate([[0.0], self.rate, [0.0]])
        return np.asarray(padded[np.searchsorted(self.t, t, side="right")])


def _bends(path: Trajectory, step: float) -> _Density:
    """Where states bend so fast that stretches have to be shorter than the step: d^3 |s'''| / 12 = `FEATURE`."""
    edges = np.unique([0.0, *(piece.start for piece in path.pieces), path.stop])
    if edges.size < 2:
        return _Density(edges, np.zeros(0))
    length = np.diff(edges) / SAMPLES
    t = edges[:-1, None] + length[:, None] * np.arange(SAMPLES)
    state = path(t.ravel()).reshape(*t.shape, -1)
    third = np.abs(np.diff(state, 3, axis=1)).max(axis=(1, 2), initial=0.0)
    stretch = length * np.cbrt(12.0 * FEATURE / np.maximum(third, np.finfo(float).tiny))
    return _Density(edges, np.where(stretch < step / FAST, 1.0 / stretch, 0.0))


def _fast_hits(path: Trajectory) -> list[tuple[float, float]]:
    """(time in s, rate in 1/s) of every hit of a hard bound."""
    found = []
    starts = np.array([0.0, *(piece.start for piece in path.pieces)])
    for event in path.events:
        if event.kind.startswith("reaches") and 0.0 < event.t < path.stop:
            begin = starts[max(0, int(np.searchsorted(starts, event.t)) - 1)]
            before = event.t - (event.t - begin) * np.array([1e-2, 1e-4])
            found.append((event.t, float(np.ptp(path(before)[:, event.edge]) / max(np.ptp(before), 1e-300))))
    return found


def _hits(path: Trajectory, step: float) -> list[_Density]:
    """Where states meet hard bounds so fast that a step would carry them far beyond: stretches in proportion to the
    time from the hit, down to `NEAREST` of a state."""
    found = []
    for time, rate in _fast_hits(path):
        if rate * step < FAST_HIT:
            continue
        octaves = np.arange(0, math.ceil(math.log2(rate * step / NEAREST)) + 1)
        away = NEAREST / rate * 2.0**octaves
        t = np.clip([*(time - away)[::-1], *(time + away)], 0.0, path.stop)
        t, first = np.unique(t, return_index=True)
        width = np.concatenate([np.diff(away)[::-1], [2.0 * away[0]], np.diff(away)])
        found.append(_Density(t, (STRETCHES_PER_OCTAVE / width)[first[:-1]]))
    return found
