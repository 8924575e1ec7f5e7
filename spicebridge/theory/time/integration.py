"""Time integration of the network ODE.

Between the corners of the sources and the events of hard bounds the field is smooth and not stiff: an
explicit eighth-order method with its seventh-order dense output (Hairer, Norsett, Wanner, Solving ODEs I,
II.5) is restarted at each. The error estimate is the largest over the edges, not their mean square, so
that one fast edge in a large network is as accurate as it would be alone.
"""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, RunFailed, SingularNetwork
from spicebridge.network import Network
from spicebridge.theory.currents.hybrid import HybridSolver
from spicebridge.theory.results.stability import require_regular
from spicebridge.theory.threads import one_blas_thread
from spicebridge.theory.time.dense_output import Piece
from spicebridge.theory.time.dynamics import Dynamics, OhmicBranch, network_branch
from spicebridge.theory.time.implicit.stiffness import check_stepping, implicit_stepper, is_stiff
from spicebridge.theory.time.problem import Ending, Output, Problem, Settings
from spicebridge.theory.time.runge_kutta import integrate_stepwise
from spicebridge.theory.time.state_scales import state_scale
from spicebridge.theory.time.taylor.affine_law import AffineLaw
from spicebridge.theory.time.taylor.integrator import TaylorIntegrator
from spicebridge.theory.time.taylor.source_series import SourceSeries
from spicebridge.theory.time.trajectory import Trajectory, waveforms
from spicebridge.waveforms import Waveforms


def integrate(
    network: Network,
    t: ArrayLike,
    *,
    method: str = "auto",
    rtol: float = 1e-10,
    atol: float = 1e-12,
    stepping: str = "auto",
) -> Waveforms:
    """Integrate from the initial state at t = 0 and return the waveforms on `t`.

    Parameters
    ----------
    network : Network
    t : array_like (n_t,)
        Times in s, increasing from 0 or later.
    method : str
        Form of Kirchhoff's equations: "projector", "nodal", "loop" or "auto".
    rtol, atol : float
        Of every step and state; `atol` counts in units of the largest voltage and current to expect where the state has
        a unit.
    stepping : str
        "explicit", "implicit" (for stiff networks) or "auto", which takes the implicit method where the fastest rate of
        a network with capacitors or inductors asks for it; the form that the result names then says so.

    Returns
    -------
    Waveforms
        State, current and voltage, (n_t, n_e) each.

    Raises
    ------
    NetworkError, ScreenError
        Misuse.
    RunFailed
        With the reason, when the integration cannot reach t[-1].
    """
    times = checked_times(t)
    samples = _Samples(times, network)
    with one_blas_thread():
        settings = Settings(stop=float(times[-1]), rtol=rtol, atol=atol)
        problem, ending = _integrated(network, method, stepping, settings, samples)
        if not ending.complete:
            raise RunFailed(ending.reason)
        return waveforms(network, problem.branch, times, samples.state, problem.form)


def solve(
    network: Network,
    stop: float,
    *,
    method: str = "auto",
    rtol: float = 1e-10,
    atol: float = 1e-12,
    max_step: float | None = None,
    max_evaluations: int | None = None,
    stepping: str = "auto",
) -> Trajectory:
    """Integrate from t = 0 to `stop` (s) and keep the dense output.

    `stepping` as in `integrate`. After `max_evaluations` right-hand sides (None: `EVALUATIONS` and more for fast sines)
    the run is given up as stiff.

    Numerical trouble never raises: the trajectory is then not `complete` and has a `reason`.
    Raises `NetworkError` and `ScreenError` for misuse, a network singular at t = 0 included.
    """
    stop = float(checked_times(stop)[-1])
    if max_step is not None and not max_step > 0:
        raise NetworkError(f"max_step = {max_step!r} must be a positive time in s")
    check_evaluations(max_evaluations)
    dense = _DenseOutput()
    settings = Settings(
        stop=stop, rtol=rtol, atol=atol, max_step=max_step or math.inf, max_evaluations=max_evaluations, estimate=True
    )
    with one_blas_thread():
        problem, ending = _integrated(network, method, stepping, settings, dense)
    return Trajectory(
        network=network,
        pieces=tuple(dense.pieces),
        initial=network.initial_state,
        stop=ending.stop,
        complete=ending.complete,
        reason=ending.reason,
        events=tuple(ending.events),
        rhs_count=ending.rhs_count,
        method=problem.form,
        branch=problem.branch,
        carried=ending.carried,
    )


class _Samples:
    """Keeps the states at given times and no dense output."""

    def __init__(self, times: Array, network: Network) -> None:
        self.times = times
        self.state = np.empty((times.size, network.n_edges))
        self.state[times == 0.0] = network.initial_state

    def _rows(self, start: float, stop: float) -> slice:
        first, last = np.searchsorted(self.times, [start, stop], side="right")
        return slice(int(first), int(last))

    def wants(self, start: float, stop: float) -> bool:
        rows = self._rows(start, stop)
        return rows.stop > rows.start and bool(self.times[rows.start] < stop)

    def keep(self, piece: Piece) -> None:
        rows = self._rows(piece.start, piece.stop)
        if rows.stop > rows.start:
            self.state[rows] = piece(self.times[rows])

    def reach(self, t: float, state: Array) -> None:
        self.state[self.times == t] = state


class _DenseOutput:
    """Keeps the dense output."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    def wants(self, start: float, stop: float) -> bool:
        return True

    def keep(self, piece: Piece) -> None:
        self.pieces.append(piece)

    def reach(self, t: float, state: Array) -> None:
        raise AssertionError("a trajectory keeps every step")


def _integrated(
    network: Network, method: str, stepping: str, settings: Settings, output: Output
) -> tuple[Problem, Ending]:
    """By power series where the network has them, else by a stepper."""
    problem = _problem(network, method, stepping, settings)
    if settings.stop > 0.0:
        require_regular(network, network.initial_state)
    series = _series(problem, settings, output)
    if series is not None:
        return problem, series.run()
    if settings.stop > 0.0 and not np.isfinite(problem.branch(network.initial_state, 0.0)[0]).all():
        raise SingularNetwork("the currents at t = 0 are not finite; check resistances and sources")
    ending = integrate_stepwise(problem, settings, output)
    problem.dynamics.leave()
    return problem, ending


def _series(problem: Problem, settings: Settings, output: Output) -> TaylorIntegrator | None:
    if problem.implicit is not None or not isinstance(problem.branch, OhmicBranch):
        return None
    law = AffineLaw.with_windows(problem.network)
    if law is None:
        return None
    try:
        sources = SourceSeries(problem.network)
    except TypeError:
        return None
    return TaylorIntegrator(problem, problem.branch.solver, law, sources, settings, output)


def _problem(network: Network, method: str, stepping: str, settings: Settings) -> Problem:
    check_tolerances(settings.rtol, settings.atol)
    branch, form = network_branch(network, method)
    scale = state_scale(network, settings.stop) if network.reactive else 1.0
    dynamics = Dynamics(network, branch)
    check_stepping(stepping)
    implicit = None
    if stepping == "implicit" or (stepping == "auto" and is_stiff(dynamics, scale, settings.stop)):
        form, implicit = f"{form}, implicit", implicit_stepper(dynamics)
    watched = isinstance(branch, HybridSolver) and branch.form != "newton" and (network.P < 0).any()
    return Problem(
        network=network,
        branch=branch,
        dynamics=dynamics,
        form=form,
        scale=scale,
        implicit=implicit,
        signature=branch.signature if isinstance(branch, HybridSolver) and watched else None,
    )


def check_tolerances(rtol: float, atol: float) -> None:
    """Raise `NetworkError` for tolerances of the states that are none."""
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not (isinstance(value, Real) and math.isfinite(value) and value > 0):
            raise NetworkError(f"{name} = {value!r} must be positive and finite")


def check_evaluations(most: int | None) -> None:
    """Raise `NetworkError` for a limit of right-hand sides that is none."""
    if most is not None and not (is_whole(most) and most >= 1):
        raise NetworkError(f"max_evaluations = {most!r} must be a whole number of at least 1, or None")


def is_whole(value: object) -> bool:
    """Whether `value` is a whole number, of whatever type but bool."""
    return (
        isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) and float(value).is_integer()
    )


def checked_times(t: ArrayLike) -> Array:
    try:
        times = np.atleast_1d(np.asarray(t, float))
    except (TypeError, ValueError):
        raise NetworkError(f"t = {t!r} must be a list of finite times in s") from None
    if times.ndim != 1 or times.size == 0 or not np.isfinite(times).all():
        raise NetworkError("t must be a list of finite times in s")
    if times[0] < 0.0 or (np.diff(times) <= 0.0).any():
        raise NetworkError("t must increase and start at 0 s or later; the initial state is at t = 0")
    return times
