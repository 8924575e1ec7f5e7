"""Time integration of the network ODE: DOP853 between drive breakpoints and bound events.

The field is smooth and not stiff between breakpoints and events; an explicit eighth-order method with
its seventh-order dense output (Hairer, Norsett, Wanner, Solving ODEs I, II.5) is restarted at each.
The error estimate is the largest over the edges, not their mean square, so that one fast edge in a
large network is as accurate as it would be alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import DOP853

from spicebridge.drives import Drive, Sine, Sum
from spicebridge.errors import NetworkError, RunFailed
from spicebridge.network import Network
from spicebridge.theory.bounds import PROBE, Bounds
from spicebridge.theory.branch import SingularNetwork
from spicebridge.theory.dynamics import Branch, Dynamics, network_branch
from spicebridge.theory.pieces import NODES, Piece, first_crossing, lagrange
from spicebridge.theory.threads import one_blas_thread
from spicebridge.theory.trajectory import Event, Trajectory, waveforms
from spicebridge.waveforms import Waveforms

Array = NDArray[np.float64]

STEPS_PER_PERIOD = 2.0
"""At least this many steps in the shortest period of a sine, so that no period is jumped over, …"""
KINKED_STEPS_PER_PERIOD = 32.0
"""… and this many with a law that rests below a threshold, so that no switching is."""
CHATTER_SPAN = 1e-9
"""Events within this part of the time span count as happening at one time …"""
CHATTER_EVENTS = 64
"""… and this many, plus four for every hard edge, at one time are too many."""
VANISHING = 1e-3
"""A resistance below this part of its initial value is named as the cause when no step succeeds."""
EVALUATIONS = 200_000
"""Right-hand sides after which a run is given up as stiff, …"""
EVALUATIONS_PER_PERIOD = 100
"""… with so many more for every period of the fastest sine."""
FIRST_PROBE = 1e-9
"""Probe of the modes at the start, in units of the span or the shortest period."""


def integrate(
    network: Network, t: ArrayLike, *, method: str = "auto", rtol: float = 1e-10, atol: float = 1e-12
) -> Waveforms:
    """Integrate from the initial state at t = 0 and return the waveforms on `t` (n_t,), in s.

    `method` is "projector", "nodal", "loop" or "auto". Raises `NetworkError` and `ScreenError` for misuse,
    `RunFailed` with the reason when the integration cannot reach t[-1].
    """
    times = _checked_times(t)
    system = _system(network, method, rtol, atol)
    state = np.empty((times.size, network.n_edges))
    state[times == 0.0] = network.initial_state

    def keep(piece: Piece) -> None:
        a, b = np.searchsorted(times, [piece.start, piece.stop], side="right")
        if b > a:
            state[a:b] = piece(times[a:b])

    with one_blas_thread():
        outcome = _march(system, float(times[-1]), rtol, atol, math.inf, keep)
        if not outcome.complete:
            raise RunFailed(outcome.reason)
        return waveforms(network, system.branch, times, state, system.form)


def solve(
    network: Network,
    stop: float,
    *,
    method: str = "auto",
    rtol: float = 1e-10,
    atol: float = 1e-12,
    max_step: float | None = None,
    max_evaluations: int | None = None,
) -> Trajectory:
    """Integrate from t = 0 to `stop` (s) and keep the dense output.

    After `max_evaluations` right-hand sides (None: `EVALUATIONS` and more for fast sines) the run is
    given up as stiff.

    Numerical trouble never raises: the trajectory is then not `complete` and has a `reason`.
    Raises `NetworkError` and `ScreenError` for misuse, a network singular at t = 0 included.
    """
    stop = float(_checked_times(stop)[-1])
    if max_step is not None and not max_step > 0:
        raise NetworkError(f"max_step = {max_step!r} must be a positive time in s")
    system = _system(network, method, rtol, atol)
    pieces: list[Piece] = []
    with one_blas_thread():
        outcome = _march(system, stop, rtol, atol, max_step or math.inf, pieces.append, max_evaluations)
    return Trajectory(
        network,
        tuple(pieces),
        network.initial_state,
        outcome.stop,
        outcome.complete,
        outcome.reason,
        tuple(outcome.events),
        outcome.rhs_count,
        system.form,
        system.branch,
    )


@dataclass(frozen=True, eq=False)
class _System:
    network: Network
    branch: Branch
    dynamics: Dynamics
    form: str


@dataclass(frozen=True)
class _Outcome:
    stop: float
    complete: bool
    reason: str
    events: list[Event]
    rhs_count: int


class _Stepper(DOP853):
    """DOP853 with the largest scaled error over the components instead of the mean square."""

    def _estimate_error_norm(self, K: Array, h: float, scale: Array) -> float:
        fifth = (self.E5 @ K / scale) ** 2
        third = (self.E3 @ K / scale) ** 2
        root = np.sqrt(fifth + 0.01 * third)
        ratio = np.divide(fifth, root, out=np.where(np.isnan(root), np.nan, 0.0), where=root > 0.0)
        return float(abs(h) * ratio.max())


def _march(
    system: _System,
    stop: float,
    rtol: float,
    atol: float,
    max_step: float,
    keep: Callable[[Piece], None],
    max_evaluations: int | None = None,
) -> _Outcome:
    """Advance from 0 to `stop`, handing every accepted piece to `keep`."""
    network, dynamics = system.network, system.dynamics
    bounds = Bounds(dynamics)
    breaks = [*_breakpoints(network.drives, stop), stop]
    period = _shortest_period(network.drives)
    max_step = min(max_step, period / (KINKED_STEPS_PER_PERIOD if dynamics.kinked else STEPS_PER_PERIOD))
    t, state = 0.0, network.initial_state.copy()
    probe = FIRST_PROBE * min(stop, period)
    step: float | None = None
    count, trouble = 0, ""
    recent: list[float] = []
    limit = CHATTER_EVENTS + 4 * bounds.edges.size
    budget = float(max_evaluations or EVALUATIONS)
    if max_evaluations is None and math.isfinite(period):
        budget += EVALUATIONS_PER_PERIOD * stop / period

    def field(time: float, raw: Any) -> Any:
        nonlocal count, trouble
        count += 1
        try:
            return dynamics(bounds.state(raw) if bounds.any_held else raw, time)
        except SingularNetwork as error:
            # A trial step may land on a singular point; not-a-number makes the stepper shorten it.
            trouble = str(error)
            return np.full(raw.shape, np.nan)

    def ended(reason: str) -> _Outcome:
        return _Outcome(t, not reason, reason, bounds.events, count)

    if stop > 0.0:
        _check_start(system, state)
    with np.errstate(all="ignore"):
        for barrier in breaks:
            while t < barrier:
                if bounds.edges.size:
                    state = bounds.resolve(t, state, min(probe, 0.5 * (barrier - t)), record=t > 0.0)
                    count += 2
                absolute: Any = np.where(bounds.mode != 0, atol + rtol, atol) if bounds.any_held else atol
                stepper: Any = _Stepper(
                    field,
                    t,
                    bounds.unknowns(state),
                    barrier,
                    max_step=max_step,
                    rtol=rtol,
                    atol=absolute,
                    first_step=None if step is None else min(step, barrier - t),
                )
                event = False
                while stepper.status == "running" and not event:
                    before = stepper.f
                    stepper.step()
                    if stepper.status == "failed":
                        return ended(_stuck(system, state, t, trouble))
                    if count > budget:
                        return ended(
                            f"{count} evaluations brought the equations only to t = {t:.6g} s (step "
                            f"{stepper.h_abs:.3g} s): they are stiff there, as near a singular network; "
                            "bound the states or shorten the span"
                        )
                    length = float(stepper.t - t)
                    values = stepper.dense_output()(t + length * NODES).T
                    if not np.isfinite(values).all():
                        return ended(_stuck(system, state, t, trouble))
                    x, hit = math.inf, np.zeros(0)
                    if bounds.edges.size:
                        x, hit = bounds.first_event(values, t, length, (before, stepper.f))
                    event = math.isfinite(x)
                    end = float(t + x * length if event else stepper.t)
                    negative = _zero_resistance(system, values, x)
                    if negative is not None:
                        k, at = negative
                        end = float(t + at * length)
                    piece = _piece(bounds, t, end, length, values)
                    if end > t:
                        keep(piece)
                    state = bounds.state((lagrange(np.array([min(x, 1.0)])) @ values)[0])
                    if negative is not None:
                        where, t = float(piece(np.array([end]))[0, k]) if end > t else state[k], end
                        return ended(
                            f"{network.edge_name(k)}: the resistance reaches zero at t = {t:.6g} s "
                            f"(state {where:.6g}); the device law ends there: bound the state with a window "
                            "or shorten the span"
                        )
                    if event:
                        state = np.where(hit > 0, 1.0, np.where(hit < 0, 0.0, state))
                    t, step = end, float(stepper.h_abs)
                    probe = PROBE * length
                if event:
                    recent = [s for s in recent if s > t - CHATTER_SPAN * stop] + [t]
                    if len(recent) > limit:
                        return ended(
                            f"{len(recent)} bound events within {CHATTER_SPAN * stop:.3g} s before "
                            f"t = {t:.6g} s: states chatter at their bounds; use a smooth window"
                        )
                else:
                    t = barrier
    return ended("")


def _piece(bounds: Bounds, start: float, stop: float, length: float, values: Array) -> Piece:
    held = bounds.mode if bounds.any_held else None
    return Piece(start, stop, length, values, held, bounds.hard if bounds.edges.size else None)


def _zero_resistance(system: _System, values: Array, x: float) -> tuple[int, float] | None:
    """First edge whose resistance reaches zero in a step before place x, and where."""
    edges, R = system.dynamics.unbounded_resistance(values)
    if edges.size == 0 or (R > 0.0).all():
        return None
    place = first_crossing(-R / np.abs(R).max(axis=0), np.zeros(edges.size))
    k = int(place.argmin())
    return (int(edges[k]), float(place[k])) if place[k] < min(x, 2.0) else None


def _stuck(system: _System, state: Array, t: float, trouble: str) -> str:
    """Why no step is small enough at (t, state)."""
    cause = trouble or "the currents grow without bound or change faster than time can be resolved"
    states = np.stack([system.network.initial_state, state])
    edges, R = system.dynamics.unbounded_resistance(states)
    if edges.size:
        k = int((R[1] / R[0]).argmin())
        if R[1, k] < VANISHING * R[0, k]:
            cause = (
                f"the resistance of {system.network.edge_name(int(edges[k]))} vanishes (state "
                f"{state[edges[k]]:.6g}); bound the state with a window or shorten the span"
            )
    return f"the step size fell below the spacing of numbers at t = {t:.9g} s: {cause}"


def _system(network: Network, method: str, rtol: float, atol: float) -> _System:
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not (math.isfinite(value) and value > 0):
            raise NetworkError(f"{name} = {value!r} must be positive and finite")
    branch, form = network_branch(network, method)
    return _System(network, branch, Dynamics(network, branch), form)


def _check_start(system: _System, state: Array) -> None:
    """Raise `ScreenError` when Kirchhoff's equations are singular at t = 0."""
    from spicebridge.theory.stability import require_regular

    require_regular(system.network, state)
    if not np.isfinite(system.branch(state, 0.0)[0]).all():
        raise SingularNetwork("the currents at t = 0 are not finite; check resistances and sources")


def _checked_times(t: ArrayLike) -> Array:
    times = np.atleast_1d(np.asarray(t, float))
    if times.ndim != 1 or times.size == 0 or not np.isfinite(times).all():
        raise NetworkError("t must be a list of finite times in s")
    if times[0] < 0.0 or (np.diff(times) <= 0.0).any():
        raise NetworkError("t must increase and start at 0 s or later; the initial state is at t = 0")
    return times


def _breakpoints(drives: tuple[Drive | None, ...], stop: float) -> list[float]:
    distinct = {id(drive): drive for drive in drives if drive is not None}
    return sorted({time for drive in distinct.values() for time in drive.breakpoints(stop)})


def _shortest_period(drives: tuple[Drive | None, ...]) -> float:
    """Shortest period of a sine in s; other waveforms are resolved by their breakpoints."""
    shortest = math.inf
    waiting: list[Drive] = list({id(d): d for d in drives if d is not None}.values())
    while waiting:
        drive = waiting.pop()
        if isinstance(drive, Sum):
            waiting.extend(drive.terms)
        elif isinstance(drive, Sine):
            shortest = min(shortest, drive.timescale())
    return shortest
