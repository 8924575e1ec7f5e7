"""What a program for a network computes, its mistakes included.

    dw/dt = F(w, t)        w(0) = w0        reported: w, or 1 - w, on a time axis of its own

A `Program` is a network with the liberties that mistakes take: resistances and rates that no law would have, a
projector in the wrong place, Euler steps on the output grid, states clipped after a step. A right program is the
network and nothing else. The trial of a candidate compares such programs with what the candidate reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from spicebridge.arrays import Array, BoolArray, IntArray
from spicebridge.errors import SpiceBridgeError
from spicebridge.laws.base import freeze_parameters, parameter
from spicebridge.network import Network
from spicebridge.theory import Topology, solve
from spicebridge.theory.threads import one_blas_thread
from spicebridge.theory.time.dynamics import Dynamics, network_branch
from spicebridge.windows import NoWindow, Window

RhsFunction = Callable[[float, Array], Array]

NO_CURRENTS = (np.linalg.LinAlgError, SpiceBridgeError)
"""What is raised where a wrong program has no currents, from the start or where a state has run to."""
RTOL = 1e-7
"""Relative tolerance of a program that is integrated accurately: far below any misfit worth explaining."""
SUBSTEPS = 2
"""Runge-Kutta steps in an interval of the output grid, for programs that theory cannot integrate."""
LONGEST = 20_000
"""Intervals of the output grid that are stepped through one by one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FreeAffine:
    """R = level + slope s, ds/dt = a s + J (by_i i + by_v v) with any numbers: a law as a mistake may leave it.

    `level`, `slope` in ohm, `a` in 1/s, `by_i` in 1/(A s), `by_v` in 1/(V s): scalars or (n_g,).
    """

    level: Array = parameter()
    slope: Array = parameter()
    a: Array = parameter()
    by_i: Array = parameter()
    by_v: Array = parameter()
    window: Window = NoWindow()
    kind: ClassVar[str] = "FreeAffine"
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        freeze_parameters(self)

    def affine(self) -> tuple[Array, Array] | None:
        return self.level, self.slope

    def linear_rate(self, P: Array, J: Array) -> tuple[Array, Array, Array] | None:
        return self.a, np.asarray(J * self.by_i), np.asarray(J * self.by_v)

    def check_state(self, s: Array) -> str | None:
        return None

    def resistance(self, s: Array) -> Array:
        return np.asarray(self.level + self.slope * s)

    def resistance_slope(self, s: Array) -> Array:
        return np.broadcast_to(self.slope, np.shape(s)).astype(float)

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return np.asarray(self.a * s + J * (self.by_i * i + self.by_v * v))

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return np.asarray(self.window.rate(s, self.a * s, J * (self.by_i * i + self.by_v * v)))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> tuple[Array, Array, Array]:
        by_s, by_decay, by_drift = self.window.partials(s, self.a * s, J * (self.by_i * i + self.by_v * v))
        return by_s + by_decay * self.a, np.asarray(by_drift * J * self.by_v), np.asarray(by_drift * J * self.by_i)


@dataclass(frozen=True)
class WholeRate:
    """A smooth window that is multiplied with all of the rate, where the law has it on the drift alone."""

    inner: Window
    name = "whole rate"
    hard = False
    bounded = False

    def rate(self, s: Array, decay: Array, drift: Array) -> Array:
        return self.inner.rate(s, 0.0 * decay, decay + drift)

    def partials(self, s: Array, decay: Array, drift: Array) -> tuple[Array, Array, Array]:
        d_s, _, d_f = self.inner.partials(s, 0.0 * decay, decay + drift)
        return d_s, d_f, d_f


@dataclass(frozen=True)
class Clip:
    """What a program does to states after a step: below `low` they become 0, above `high` they become 1."""

    low: float = 0.0
    high: float = 1.0

    def __call__(self, w: Array) -> Array:
        return np.where(w < self.low, 0.0, np.where(w > self.high, 1.0, w))


WHOLE = 0.5
"""Part of the times up to which a program counts whose equations end there, as where a resistance vanishes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """A network and the liberties a program takes with it.

    ``time_scale`` and ``time_shift`` (s): what is reported at t is the solution at ``time_scale t - time_shift``.
    ``complement``: 1 - w is reported. ``order`` (n_e,): reported columns are those of the solution, if not its own.
    ``projector`` is "" (right), "missing" or "transposed". ``euler``: substeps of explicit Euler in an interval of the
    output grid, 0 for an accurate integration. ``clip`` acts after every step, or with ``inside`` on the states that
    the rates are made of and not on the states themselves. After `most` right-hand sides an integration is given up.
    """

    network: Network
    time_scale: float = 1.0
    time_shift: float = 0.0
    complement: bool = False
    order: IntArray | None = None
    projector: str = ""
    euler: int = 0
    clip: Clip | None = None
    inside: bool = False
    most: int | None = None

    def with_network(self, network: Network) -> Program:
        return replace(self, network=network)

    @cached_property
    def rhs(self) -> RhsFunction:
        """dw/dt (n_e,) in 1/s at time t (s) and states w (n_e,), with hard bounds projected."""
        with one_blas_thread():
            if self.projector:
                return _projected(self.network, misplaced(self.network, self.projector))
            branch, _ = network_branch(self.network, "auto")
            dynamics = Dynamics(self.network, branch)
        hard = dynamics.hard
        if self.inside and self.clip is not None:
            clip = self.clip
            return lambda t, w: dynamics(clip(w), t)

        def rhs(t: float, w: Array) -> Array:
            rate = dynamics(w, t)
            return project(rate, w, hard) if hard.any() else rate

        return rhs

    def solve(self, t: Array, rows: IntArray | None = None) -> Array | None:
        """What the program reports at times t (n_t,) in s, increasing from 0: (n_t, n_e), or None where it breaks down.

        With `rows` only those are returned; steps are taken from time to time all the same. There are fewer rows than
        times where `most` right-hand sides do not reach the last.
        """
        rows = np.arange(t.size) if rows is None else rows
        own = self.time_scale * t - self.time_shift
        stepped = bool(self.euler or self.clip or self.projector)
        with np.errstate(all="ignore"):
            try:
                w = self._stepped(own, rows) if stepped else self._integrated(own[rows])
            except NO_CURRENTS:
                return None
            if w is None or not np.isfinite(np.square(w)).all():
                return None
        w = 1.0 - w if self.complement else w
        return w if self.order is None else w[:, self.order]

    def _integrated(self, t: Array) -> Array | None:
        inside = np.maximum(t, 0.0)
        stop = float(inside[-1])
        trajectory = solve(self.network, stop, rtol=RTOL, atol=RTOL / 100, max_evaluations=self.most)
        if not trajectory.complete:
            given_up = self.most is not None and trajectory.rhs_count >= self.most
            inside = inside[inside <= trajectory.stop]
            if not given_up and inside.size < WHOLE * t.size:
                return None
        w = trajectory(inside)
        w[t[: len(w)] < 0.0] = self.network.initial_state
        return w

    def _stepped(self, t: Array, rows: IntArray) -> Array | None:
        """Explicit Euler, or Runge-Kutta of fourth order, on the intervals of the grid."""
        if t.size > LONGEST:
            return None
        rhs, w = self.rhs, self.network.initial_state.copy()
        out = np.empty((t.size, w.size))
        now = 0.0
        with one_blas_thread():
            for row, time in enumerate(t.tolist()):
                if time > now:
                    w = self._advance(rhs, now, time, w)
                    now = time
                out[row] = w
        return out[rows]

    def _advance(self, rhs: RhsFunction, start: float, stop: float, w: Array) -> Array:
        steps = self.euler or SUBSTEPS
        h = (stop - start) / steps
        for k in range(steps):
            t = start + k * h
            w = w + h * rhs(t, w) if self.euler else runge_kutta(rhs, t, w, h)
            if self.clip is not None and not self.inside and (self.euler or k == steps - 1):
                w = self.clip(w)
        return w


def effort(network: Network, stop: float) -> int:
    """Right-hand sides that the right program takes up to `stop` (s)."""
    return solve(network, stop, rtol=RTOL, atol=RTOL / 100).rhs_count


def runge_kutta(rhs: RhsFunction, t: float, w: Array, h: float) -> Array:
    """One step of the classical method of fourth order."""
    first = rhs(t, w)
    second = rhs(t + h / 2, w + h / 2 * first)
    third = rhs(t + h / 2, w + h / 2 * second)
    fourth = rhs(t + h, w + h * third)
    return np.asarray(w + h / 6 * (first + 2 * second + 2 * third + fourth), dtype=float)


def project(rate: Array, w: Array, hard: Array | BoolArray) -> Array:
    """The rate with hard bounds: nothing presses a state out of [0, 1]."""
    held = hard.astype(bool) & (((w >= 1.0) & (rate > 0.0)) | ((w <= 0.0) & (rate < 0.0)))
    return np.where(held, 0.0, rate)


def linear_law(network: Network) -> FreeAffine | None:
    """All edges as one free law; None where a law is not affine with a linear rate, or an edge has no memory."""
    n = network.n_edges
    columns = {name: np.zeros(n) for name in ("level", "slope", "a", "by_i", "by_v")}
    windows = {group.device.window for group in network.groups}
    if len(windows) != 1 or not network.is_graph:
        return None
    for group in network.groups:
        edges, device = group.edges, group.device
        affine = device.affine() if device.ohmic and device.stateful else None
        linear = device.linear_rate(network.P[edges], np.ones(edges.size)) if affine is not None else None
        if affine is None or linear is None:
            return None
        for name, value in zip(columns, (*affine, *linear), strict=True):
            columns[name][edges] = value
    return FreeAffine(**columns, window=windows.pop())


def misplaced(network: Network, where: str) -> Callable[[float, Array], Array]:
    """Currents (n_e,) in A of the projector equation with its projector in a wrong place.

    "missing": (I + xi Omega W)^-1 S, without Omega before S. "transposed": (I + xi W Omega)^-1 Omega S.
    """
    law = linear_law(network)
    assert law is not None
    Q = network.P * law.level
    Omega = Topology.of(network).oblique(Q)
    kappa = law.slope / law.level
    one = np.eye(network.n_edges)
    bank = network.bank

    def current(t: float, w: Array) -> Array:
        S = bank(t) / Q
        matrix = Omega * (kappa * w) if where == "missing" else (kappa * w)[:, None] * Omega
        return np.linalg.solve(one + matrix, S if where == "missing" else Omega @ S).astype(float)

    return current


def _projected(network: Network, current: Callable[[float, Array], Array]) -> RhsFunction:
    law = linear_law(network)
    assert law is not None
    hard = np.full(network.n_edges, law.window.hard)

    def rhs(t: float, w: Array) -> Array:
        i = current(t, w)
        v = network.P * law.resistance(w) * i
        one = np.ones(network.n_edges)
        if law.window.hard:
            return project(law.bulk_rate(w, v, i, one, network.J), w, hard)
        return law.rate(w, v, i, one, network.J)

    return rhs
