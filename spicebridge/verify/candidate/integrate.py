"""Somebody's right-hand side, integrated as it is given.

    dw/dt = F(w, t),    w(0) = w0,

by the Runge-Kutta formulas of Dormand and Prince of order 8 (scipy's DOP853), or a method for stiff equations where
those need too many steps. Nothing is added: no bounds, no window. As F may jump where a state meets 0 or 1, a state
that crosses one of them is put exactly there and the integration starts anew, as it does at corners of the sources.
Two tolerances tell the error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.errors import CandidateError
from spicebridge.network import Network
from spicebridge.theory.threads import one_blas_thread

Rhs = Callable[[float, Array], object]

RTOL, ATOL = 1e-10, 1e-12
LOOSENING = 30.0
"""The second integration has tolerances so many times larger."""
MOST_EVALUATIONS = 400_000
"""Right-hand sides of one integration, …"""
EXPLICIT = 60_000
"""… and so many before a method for stiff equations is tried."""
MOST_RESTARTS = 5_000
LEVELS = (0.0, 1.0)
SOUND = 1e-6
"""Difference of two tolerances up to which a path that breaks off is believed."""
GRID = 801
"""Times at which two tolerances are compared."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Path:
    """States on [0, stop] in pieces of dense output; `problem` says why it ends before the time asked for, "" if
    not."""

    initial: Array
    starts: Array
    pieces: tuple[Callable[[Array], Array], ...]
    stop: float
    problem: str = ""

    def __call__(self, t: Array) -> Array:
        """(n_t, n_e) at times t (n_t,) in [0, stop]."""
        out = np.tile(self.initial, (t.size, 1))
        where = np.searchsorted(self.starts, t, side="left") - 1
        for piece in np.unique(where[where >= 0]):
            chosen = where == piece
            out[chosen] = self.pieces[piece](t[chosen]).T
        return out


class _Trouble(Exception):
    """Why the integration cannot go on."""


@dataclass(eq=False)
class _Guarded:
    """The callable with its answers checked, its evaluations counted, and rates of memoryless edges set to 0."""

    rhs: Rhs
    network: Network
    most: int
    count: int = 0

    def __call__(self, t: float, w: Array) -> Array:
        self.count += 1
        if self.count > self.most:
            raise _Trouble(f"it needs more than {self.most} right-hand sides")
        rate = np.array(self.rhs(float(t), w.copy()), dtype=float)
        rate[~self.network.stateful] = 0.0
        if not np.isfinite(rate).all():
            edge = self.network.edge_name(int(np.flatnonzero(~np.isfinite(rate))[0]))
            raise _Trouble(f"its rate of {edge} is {rate[~np.isfinite(rate)][0]} at t = {t:.6g} s")
        return rate


def check_rhs(rhs: Rhs, network: Network, name: str = "theory") -> None:
    """Raise `CandidateError` unless rhs(0, w0) is (n_e,) finite numbers."""
    w0 = network.initial_state.copy()
    try:
        rate = np.asarray(rhs(0.0, w0.copy()), dtype=float)
    except (Exception, SystemExit) as error:
        raise CandidateError(
            f"{name}: rhs(0.0, w) raised {type(error).__name__}: {error}; it is called with t in s and w of shape "
            f"({network.n_edges},), one state per edge of the network, and returns dw/dt in 1/s"
        ) from error
    if rate.shape != w0.shape:
        raise CandidateError(
            f"{name}: rhs(0.0, w) has shape {rate.shape}; it must be ({network.n_edges},), one rate per edge of the "
            "network, 0 for edges without memory"
        )
    bad = np.flatnonzero(~np.isfinite(rate) & network.stateful)
    if bad.size:
        raise CandidateError(f"{name}: rhs(0.0, w) is {rate[bad[0]]} for {network.edge_name(int(bad[0]))}")


def integrate_rhs(rhs: Rhs, network: Network, stop: float, name: str = "theory") -> tuple[Path, Array]:
    """The path over [0, stop] and its error (n_e,), the largest over time.

    Raises `CandidateError` where the callable does not answer at t = 0 as it should; trouble on the way is the path's
    `problem`, and what it did until then is its path.
    """
    check_rhs(rhs, network, name)
    with one_blas_thread(), np.errstate(all="ignore"):
        fine = _integrated(rhs, network, stop, 1.0)
        loose = _integrated(rhs, network, fine.stop, LOOSENING) if fine.stop > 0.0 else fine
    stop = min(fine.stop, loose.stop)
    t = np.unique(np.concatenate([np.linspace(0.0, stop, GRID), fine.starts[fine.starts < stop], [stop]]))
    gap = np.abs(fine(t) - loose(t))
    problem = fine.problem or loose.problem
    if not problem:
        return fine, gap.max(axis=0)
    sound = int(np.argmin(np.append((gap <= SOUND).all(axis=1), False)))
    return replace(fine, stop=float(t[max(sound - 1, 0)]), problem=problem), gap[:sound].max(axis=0, initial=0.0)


def _integrated(rhs: Rhs, network: Network, stop: float, loosening: float) -> Path:
    from scipy.integrate import DOP853, LSODA

    path = _march(DOP853, rhs, network, stop, loosening, EXPLICIT)
    return _march(LSODA, rhs, network, stop, loosening, MOST_EVALUATIONS) if path.problem else path


def _march(method: Any, rhs: Rhs, network: Network, stop: float, loosening: float, most: int) -> Path:
    guarded = _Guarded(rhs, network, most)
    units = np.array([unit == "1" for unit in network.state_units])
    corners = {float(c) for drive in network.drives if drive is not None for c in drive.breakpoints(stop)}
    ends = [*sorted(c for c in corners if 0.0 < c < stop), stop]
    w, now = network.initial_state.astype(float), 0.0
    starts: list[float] = []
    pieces: list[Callable[[Array], Array]] = []
    problem, restarts = "", 0
    try:
        for end in ends:
            while now < end:
                solver = method(guarded, now, w, end, rtol=RTOL * loosening, atol=ATOL * loosening)
                while solver.status == "running":
                    before, start = solver.y.copy(), solver.t
                    message = solver.step()
                    if solver.status == "failed":
                        raise _Trouble(str(message))
                    dense = solver.dense_output()
                    starts.append(start)
                    pieces.append(dense)
                    now, w = float(solver.t), solver.y.copy()
                    hit = _first_crossing(dense, start, now, before, w, units)
                    if hit is not None:
                        now, w = hit
                        break
                restarts += 1
                if restarts > MOST_RESTARTS:
                    raise _Trouble("its rate jumps to and fro at 0 or 1")
    except _Trouble as trouble:
        problem = f"{trouble} (reached t = {now:.4g} s)"
    except (Exception, SystemExit) as error:
        problem = f"rhs raised {type(error).__name__}: {error} after t = {now:.4g} s"
    return Path(initial=network.initial_state, starts=np.array(starts), pieces=tuple(pieces), stop=now, problem=problem)


def _first_crossing(
    dense: Callable[[float], Array], start: float, end: float, before: Array, after: Array, units: BoolArray
) -> tuple[float, Array] | None:
    """The first time in (start, end) at which a state crosses 0 or 1, and the states with that one put there."""
    from scipy.optimize import brentq

    best: tuple[float, int, float] | None = None
    for level in LEVELS:
        for edge in np.flatnonzero(((before - level) * (after - level) < 0.0) & units).tolist():
            ends = [float(dense(t)[edge]) - level for t in (start, end)]
            if ends[0] * ends[1] >= 0.0:
                continue
            time = float(brentq(lambda t, k=edge, at=level: float(dense(t)[k]) - at, start, end, xtol=1e-15))
            if best is None or time < best[0]:
                best = time, edge, level
    if best is None or best[0] <= start:
        return None
    w = dense(best[0]).copy()
    w[best[1]] = best[2]
    return best[0], w
