"""The result of one integration: a piecewise polynomial in time, with what happened on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import SpiceBridgeError
from spicebridge.network import Network
from spicebridge.theory.currents.many_times import stacked_currents
from spicebridge.theory.time.dense_output import Piece
from spicebridge.theory.time.dynamics import Branch, OhmicBranch
from spicebridge.waveforms import Waveforms

STACKED = 64
"""Times from which currents are solved for all at once, where the network lets them."""
CHUNK = 2_000_000
"""Levels of sources held at a time."""


@dataclass(frozen=True)
class Event:
    """At time `t` (s) edge `edge` "reaches 0", "reaches 1", "leaves 0" or "leaves 1"."""

    t: float
    edge: int
    kind: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Trajectory:
    """State of every edge as a function of time on [0, stop], in the network's ``state_units``.

    `stop` is the time reached in s; `complete` is False when that is short of the time asked for, and
    `reason` says why. `events` are hits and releases of hard bounds in order of time; `rhs_count` the
    number of right-hand sides; `method` the form of Kirchhoff's equations that was used.
    `carried` are times (n,) and errors of the states (n, n_e) by the integration's own account: local errors, carried
    along by the linearised equations; None where the way of integrating knows none.
    """

    network: Network = field(repr=False)
    pieces: tuple[Piece, ...] = field(repr=False)
    initial: Array = field(repr=False)
    stop: float
    complete: bool
    reason: str
    events: tuple[Event, ...] = field(repr=False)
    rhs_count: int
    method: str
    branch: Branch = field(repr=False)
    carried: tuple[Array, Array] | None = field(default=None, repr=False)

    @property
    def error_estimate(self) -> float | None:
        """Largest error of any state on the way by the integration's own account, None where it has none."""
        return None if self.carried is None else float(np.abs(self.carried[1]).max(initial=0.0))

    def error(self, t: ArrayLike) -> Array:
        """Errors of the states (n_t, n_e) at times t (n_t,) by the integration's own account, on straight lines between
        its steps. Signs are those of the last terms of the series; sizes are what counts.

        Raises `SpiceBridgeError` where there is no account (``carried`` is None).
        """
        if self.carried is None:
            raise SpiceBridgeError(
                "trajectory: this way of integrating keeps no account of its error; compare tolerances"
            )
        times, errors = self.carried
        at = np.asarray(t, float)
        k = np.clip(np.searchsorted(times, at, side="right") - 1, 0, max(times.size - 2, 0))
        after = np.minimum(k + 1, times.size - 1)
        length = times[after] - times[k]
        x = np.divide(at - times[k], length, out=np.zeros_like(at), where=length > 0.0)[:, None]
        return np.asarray((1.0 - x) * errors[k] + x * errors[after])

    @cached_property
    def _starts(self) -> Array:
        return np.array([piece.start for piece in self.pieces])

    def __call__(self, t: ArrayLike) -> Array:
        """State (n_t, n_e) at times t (n_t,), or (n_e,) at one time, within [0, stop].

        Raises `SpiceBridgeError` outside.
        """
        times = np.asarray(t, float)
        if times.ndim == 0:
            return np.asarray(self(times[None])[0])
        if times.size and not (times.min() >= 0.0 and times.max() <= self.stop):
            raise SpiceBridgeError(
                f"trajectory: times {times.min():g} to {times.max():g} s leave the span 0 to {self.stop:g} s"
                + (f" ({self.reason})" if self.reason else "")
            )
        out = np.empty((times.size, self.network.n_edges))
        if not self.pieces:
            out[:] = self.initial
            return out
        where = np.clip(np.searchsorted(self._starts, times, side="right") - 1, 0, None)
        order = np.argsort(where, kind="stable")
        cuts = np.flatnonzero(np.diff(where[order])) + 1
        for chosen in np.split(order, cuts):
            if chosen.size:
                out[chosen] = self.pieces[where[chosen[0]]](times[chosen])
        out[times == 0.0] = self.initial
        return out

    def waveforms(self, t: ArrayLike) -> Waveforms:
        """State, current and drop at times t (n_t,), increasing within [0, stop]; one solve a time."""
        times = np.asarray(t, float)
        return waveforms(self.network, self.branch, times, self(times), self.method)


def waveforms(network: Network, branch: Branch, t: Array, state: Array, method: str) -> Waveforms:
    """Currents and drops that belong to states (n_t, n_e) at times t (n_t,)."""
    current, voltage = np.empty_like(state), np.empty_like(state)
    stacked = stacked_currents(network, t, state) if t.size >= STACKED else None
    if stacked is not None:
        current, voltage = stacked
    elif isinstance(branch, OhmicBranch):
        rows = max(1, CHUNK // state.shape[1])
        for start in range(0, t.size, rows):
            # sources of many times at once: one by one they cost as much as the solves
            for row, emf in enumerate(network.bank(t[start : start + rows]), start):
                current[row], voltage[row] = branch.under(state[row], emf)
    else:
        for row, time in enumerate(t.tolist()):
            current[row], voltage[row] = branch(state[row], time)
    labels, units = network.edge_labels, network.state_units
    return Waveforms(t, state, current, voltage, labels=labels, source=f"theory ({method})", units=units)
