"""The same numbers, measured on a circuit: Omega by unit sources, rates by perturbed runs, rest at stable points.

A number agrees when theory and circuit differ by no more than U, the uncertainty of the measurement, and U is
small enough to mean something; the rule is that of the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from spicebridge.analysis.circuit_matrices import (
    PERTURBATION,
    Runner,
    circuit_runner,
    measure_response,
    measure_transition,
)
from spicebridge.analysis.fixed_points import FixedPoint, FixedPoints, fixed_points, time_scale, windowed_edges
from spicebridge.analysis.flow import Flow, carried, dimensionless
from spicebridge.arrays import Array
from spicebridge.errors import RunFailed, SpiceBridgeError
from spicebridge.laws import Resistor
from spicebridge.network import Network
from spicebridge.theory import solve
from spicebridge.verify import validate
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.verify.verdict import Outcome

RESOLUTION = {"Omega": 1e-8, "Omega_bar": 1e-8, "rates": 1e-3, "rest": 1e-4, "conserved": 1e-4}
"""U above which a measurement says nothing: dimensionless, but for "rates", where it is relative."""
MOST_EDGES = 64
"""Edges that are driven one after the other; a larger network is measured on so many of its edges."""
DIRECTIONS = 6
"""Perturbed directions of the states from which rates are measured."""
NUDGES = (1e-2, 1e-3, 1e-4)
"""How far from a stable point the circuit is started: the first from where theory says that it comes back."""
SETTLING = 14.0
"""Its run lasts so many of the slowest time constants."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """One number by theory and by circuit. ``difference`` is what is compared with ``U``; units of ``what``."""

    what: str
    value: float
    circuit: float
    difference: float
    U: float
    outcome: Outcome
    reason: str

    @property
    def agrees(self) -> bool:
        return self.outcome is Outcome.AGREES


def judged(what: str, value: float, circuit: float, difference: float, U: float, resolution: float) -> Confirmation:
    """Apply the rule: not finite or U > resolution is unresolved, difference > U disagrees."""
    if not (math.isfinite(difference) and math.isfinite(U)):
        outcome, reason = Outcome.UNRESOLVED, "the measurement is not finite"
    elif difference > U:
        outcome, reason = Outcome.DISAGREES, f"theory and circuit differ by {difference:.2g}, U = {U:.2g}"
    elif resolution < U:
        outcome, reason = Outcome.UNRESOLVED, f"U = {U:.2g} is above {resolution:.2g}, which would mean something"
    else:
        outcome, reason = Outcome.AGREES, f"within U = {U:.2g}"
    return Confirmation(
        what=what, value=value, circuit=circuit, difference=difference, U=U, outcome=outcome, reason=reason
    )


def _attempt(what: str, measure: Callable[[], Confirmation]) -> Confirmation:
    try:
        return measure()
    except RunFailed as error:
        nothing = judged(what, math.nan, math.nan, math.nan, math.nan, math.inf)
        return replace(nothing, reason=str(error))


def confirm(network: Network, *, engine: str = "ngspice") -> tuple[Confirmation, ...]:
    """Measure Omega, Omega_bar, rates and rest on circuits of `network`.

    Rest is left out where sources change. A missing simulator raises `SimulatorMissing`.
    """
    run = circuit_runner(engine)
    found = [_attempt("Omega", lambda: omega(network, run))]
    if all(group.device.ohmic for group in network.groups):
        found.append(_attempt("Omega_bar", lambda: omega_bar(network, run)))
    if network.stateful.any():
        found.append(_attempt("rates", lambda: rates(network, run)))
        if network.bank.constant:
            try:
                points = fixed_points(network).stable
            except SpiceBridgeError:
                points = ()
            found += [
                _attempt(f"rest at point {k}", partial(rests, network, point, engine)) for k, point in enumerate(points)
            ]
    return tuple(found)


def omega(network: Network, run: Runner) -> Confirmation:
    """|Omega - T R| on the same wires with 1 ohm resistors: Omega has no memory of the devices."""
    twin = network.with_device(Resistor(np.ones(()))).with_active([])
    return _projector("Omega (trace)", twin, run, RESOLUTION["Omega"])


def omega_bar(network: Network, run: Runner) -> Confirmation:
    """|Ob - T P R| in the initial state, frozen."""
    return _projector("Omega_bar at the initial state (trace)", network, run, RESOLUTION["Omega_bar"])


def _projector(what: str, network: Network, run: Runner, resolution: float) -> Confirmation:
    n = network.n_edges
    driven = np.unique(np.linspace(0, n - 1, min(n, MOST_EDGES)).astype(np.intp))
    measured = measure_response(network, run, driven)
    flow = Flow(network)
    expected = flow.T(measured.q) * measured.q
    value, U = measured.value(lambda T: (T * measured.q)[:, driven])
    gap = float(np.abs(value - expected[:, driven]).max(initial=0.0))
    here = np.ix_(driven, driven)
    theory, circuit = (float(np.trace(P[here])) for P in (expected, measured.Ob))
    return judged(what, theory, circuit, gap, U, resolution)


def rates(network: Network, run: Runner, *, seed: int = 0) -> Confirmation:
    """|Phi d| of the circuit against that of the Jacobian along the path, for `DIRECTIONS` random directions d.

    States nearer to a bound than the perturbation are left alone. `value` and `circuit` are the largest logarithmic
    growth rates in 1/s of the directions.
    """
    flow = Flow(network)
    start = network.initial_state
    free = ~dimensionless(network) | (np.minimum(start, 1.0 - start) > 4.0 * PERTURBATION)
    usable = network.stateful & free
    if not usable.any():
        raise RunFailed("rates: every state starts at a bound, where it cannot be perturbed both ways; start inside")
    scale = time_scale(flow, start[None])
    stop = 1.0 / scale if scale > 0.0 else 1.0
    for _ in range(12):
        path = solve(network, stop)
        if path.complete and not path.events and _inside(path(np.linspace(0.0, stop, 33)), flow.hard):
            break
        stop *= 0.5
    else:
        raise RunFailed("rates: the states reach a bound at once; start further inside")
    rng = np.random.default_rng(seed)
    ways = np.where(usable, rng.uniform(-1.0, 1.0, (min(DIRECTIONS, 2 * int(usable.sum())), start.size)), 0.0)
    ways /= np.abs(ways).max(axis=1, keepdims=True)
    measured = measure_transition(network, stop, run, directions=ways)

    Phi = carried(flow, path, ways.T, (0.0, stop), 1e-10, edges=np.arange(start.size), what="rates")
    size = np.abs(Phi).max()

    def growth(P: Array) -> float:
        return float(np.log(np.linalg.norm(P, axis=0) / np.linalg.norm(ways, axis=1)).max() / stop)

    gap = float(np.abs(measured.Phi - Phi).max() / size)
    words = f"growth of perturbations over {stop:.3g} s (1/s)"
    return judged(words, growth(Phi), growth(measured.Phi), gap, measured.U / float(size), RESOLUTION["rates"])


def _inside(states: Array, hard: Array) -> bool:
    near = states[:, hard]
    return bool(near.size == 0 or (near.min() > 2.0 * PERTURBATION and near.max() < 1.0 - 2.0 * PERTURBATION))


def rests(network: Network, point: FixedPoint, engine: str = "ngspice", *, seed: int = 0) -> Confirmation:
    """Does a circuit that is started near a stable point come to rest at it?

    The circuit is validated over its whole run; U is the verdict's, with what is left of the nudge in theory.
    """
    rng = np.random.default_rng(seed)
    flow = Flow(network)
    slow = -float(point.spectrum.real.max()) if point.spectrum.size else time_scale(flow, point.state[None])
    stop = SETTLING / slow
    shift = np.where(network.stateful, rng.uniform(-1.0, 1.0, point.state.size), 0.0)
    shift = np.where(
        point.state > 1.0 - NUDGES[0], -np.abs(shift), np.where(point.state < NUDGES[0], np.abs(shift), shift)
    )
    windowed = windowed_edges(network)
    for nudge in NUDGES:
        start = point.state + nudge * shift
        moved = network.with_initial_state(np.where(windowed, np.clip(start, 0.0, 1.0), start))
        path = solve(moved, stop)
        if path.complete and float(np.abs(path(stop) - point.state).max()) < RESOLUTION["rest"]:
            break
    verdict = validate(moved, np.linspace(0.0, stop, 11), tolerance=1e-5, engine=engine)
    if verdict.spice is None or verdict.theory is None:
        raise RunFailed(verdict.reason)
    left = float(np.abs(verdict.theory.state[-1] - point.state).max())
    end = verdict.spice.state[-1]
    apart = np.abs(end - point.state)
    k = int(apart.argmax())
    U = verdict.uncertainty + left + SOLVER_FLOOR
    what = f"rest ({network.edge_name(k)})"
    found = judged(what, float(point.state[k]), float(end[k]), float(apart[k]), U, RESOLUTION["rest"])
    if verdict.outcome is Outcome.UNRESOLVED:
        return replace(found, outcome=Outcome.UNRESOLVED, reason=verdict.reason)
    return found


def confirmed(network: Network, found: FixedPoints) -> FixedPoints:
    """The points of a network, the stable ones with whether a circuit rests at them, too."""
    points = (replace(p, confirmed=rests(network, p).agrees) if p.stable else p for p in found.points)
    return replace(found, points=tuple(points))
