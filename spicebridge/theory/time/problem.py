"""What every way of marching through time shares: the stepper, the drives' corners, the reasons to stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol, TypedDict, Unpack

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.drives import ROUNDING, Sine, terms
from spicebridge.network import Network
from spicebridge.theory.time.crossing import first_zero
from spicebridge.theory.time.dense_output import Piece
from spicebridge.theory.time.dynamics import Branch, Dynamics
from spicebridge.theory.time.trajectory import Event

STEPS_PER_PERIOD = 2.0
"""At least this many steps in the shortest period of a sine, so that no period is jumped over, …"""
KINKED_STEPS_PER_PERIOD = 32.0
"""… and this many with a law that rests below a threshold, so that no switching is."""
REACTIVE_STEPS_PER_PERIOD = 16.0
"""… and this many where capacitors or inductors integrate a sine almost as it is: the error estimate of the
method sees little of such a quadrature (measured: RC under a sine, 1.7e-7 at rtol 1e-10 without, 7e-11 with)."""
PASSAGE_BISECTIONS = 50
CHATTER_SPAN = 1e-9
"""Events within this part of the time span count as happening at one time …"""
CHATTER_EVENTS, CHATTER_PER_EDGE = 64, 4
"""… and this many, with so many more for every hard edge, at one time are too many."""
VANISHING = 1e-3
"""A resistance below this part of its initial value is named as the cause when no step succeeds."""
EVALUATIONS = 200_000
"""Right-hand sides after which a run is given up as stiff, …"""
EVALUATIONS_PER_PERIOD = 100
"""… with so many more for every period of the fastest sine."""


class Stepper(Protocol):
    """One step after another up to a bound; names and meaning are those of SciPy's steppers.

    ``t`` in s, ``y`` (n_e,), ``f`` = dy/dt there, ``h_abs`` length of the next step in s, ``K`` (stages, n_e) rates at
    the stages of the last one, ``status`` "running", "finished" or "failed".
    """

    t: float
    y: Array
    f: Array
    h_abs: float
    K: Array
    status: str

    def step(self) -> object:
        """Advance by one accepted step, or set ``status`` to "failed"."""
        ...

    def dense_output(self) -> Callable[[Array], Array]:
        """The last step as a function of times (n,) in s, (n_e, n)."""
        ...


class Control(TypedDict):
    """Tolerances of a stepper, `atol` a number or (n_e,), its longest step and its first (None: its own), in s."""

    rtol: float
    atol: float | Array
    max_step: float
    first_step: float | None


class MakeStepper(Protocol):
    """Makes the stepper of one network from `t` to `bound` in s.

    `field` (t, y) -> dy/dt, not finite where there is none. Unknowns y become states by `state_of` (None: they are),
    and those of edges marked `held` (n_e,) do not move.
    """

    def __call__(
        self,
        field: Callable[[float, Array], Array],
        t: float,
        y: Array,
        bound: float,
        *,
        state_of: Callable[[Array], Array] | None,
        held: BoolArray | None,
        **control: Unpack[Control],
    ) -> Stepper: ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """A network with its currents (by the form of Kirchhoff's equations named `form`) and its rates.

    `scale` is what the absolute tolerance of a state is measured by, 1 or (n_e,) (see ``scales``). `implicit` makes
    steppers for stiff networks, or is None where the explicit one serves. `signature` of a state changes where a step
    passes through a state in which the currents are undetermined; None where that cannot be.
    """

    network: Network
    branch: Branch
    dynamics: Dynamics
    form: str
    scale: Array | float = 1.0
    implicit: MakeStepper | None = None
    signature: Callable[[Array], int] | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How far (s), how accurate, how long the steps (s), how many right-hand sides at most, and whether to estimate
    the error of the states where the integrator can."""

    stop: float
    rtol: float
    atol: float
    max_step: float = math.inf
    max_evaluations: int | None = None
    estimate: bool = False

    def budget(self, period: float) -> float:
        """Right-hand sides after which the run is given up as stiff."""
        if self.max_evaluations is not None:
            return float(self.max_evaluations)
        return EVALUATIONS + (EVALUATIONS_PER_PERIOD * self.stop / period if math.isfinite(period) else 0.0)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Where an integration ended, and why if that is too early.

    `carried` are times (n,) in s and errors of the states (n, n_e) at them, where the integrator knows them.
    """

    stop: float
    reason: str
    rhs_count: int
    events: list[Event] = field(default_factory=list)
    carried: tuple[Array, Array] | None = None

    @property
    def complete(self) -> bool:
        return not self.reason


class Output(Protocol):
    """Takes the solution piece by piece."""

    def wants(self, start: float, stop: float) -> bool:
        """Whether values inside the step (start, stop) are needed; its end alone needs no piece."""
        ...

    def keep(self, piece: Piece) -> None:
        """Take an accepted step."""
        ...

    def reach(self, t: float, state: Array) -> None:
        """Take the state at the end of a step of which no piece was wanted."""
        ...


def zero_resistance(problem: Problem, values: Array, x: float) -> tuple[int, float] | None:
    """First edge whose resistance reaches zero in a step before place x, and where; `values` (8, n_e)."""
    edges, R = problem.dynamics.unbounded_resistance(values)
    if edges.size == 0 or (R > 0.0).all():
        return None
    k, place = first_zero(R)
    return (int(edges[k]), place) if place < min(x, 2.0) else None


class Chatter:
    """Counts the events of hard bounds that happen at one time, in a run of `hard` such edges up to `stop` in s."""

    def __init__(self, hard: int, stop: float) -> None:
        self.span, self.most = CHATTER_SPAN * stop, CHATTER_EVENTS + CHATTER_PER_EDGE * hard
        self._recent: list[float] = []

    def seen(self, t: float) -> str:
        """Note an event at `t`; return why to end, "" where there are few."""
        self._recent = [time for time in self._recent if time > t - self.span] + [t]
        return self.reason(len(self._recent), t) if len(self._recent) > self.most else ""

    def reason(self, count: int, t: float) -> str:
        """Why a run with `count` events at one time ends at `t`."""
        return (
            f"{count} bound events within {self.span:.3g} s before t = {t:.6g} s: states chatter at their bounds; "
            "use a smooth window"
        )


def undetermined_within(
    problem: Problem, start: float, end: float, before: Array, path: Callable[[float], Array]
) -> tuple[float, str] | None:
    """When a step passes through a state of undetermined currents: its time in s and the reason."""
    if problem.signature is None:
        return None
    try:
        first = problem.signature(before)
        if problem.signature(path(end)) == first:
            return None
        for _ in range(PASSAGE_BISECTIONS):
            middle = 0.5 * (start + end)
            if problem.signature(path(middle)) == first:
                start = middle
            else:
                end = middle
    except np.linalg.LinAlgError:
        pass
    return end, (
        f"A' P R A'^t becomes singular at t = {end:.6g} s: the resistances of a loop with active edges cancel there "
        "and the currents are not determined; change a resistance or shorten the span"
    )


def vanished(problem: Problem, k: int, t: float, state: float) -> str:
    """The reason when edge k reaches R = 0."""
    return (
        f"{problem.network.edge_name(k)}: the resistance reaches zero at t = {t:.6g} s (state {state:.6g}); "
        "the device law ends there: bound the state with a window or shorten the span"
    )


def forgotten(problem: Problem, k: int, t: float, state: float) -> str:
    """The reason when the state of edge k has come so near to a zero of its window that it cannot come back."""
    return (
        f"{problem.network.edge_name(k)}: the state {state:.6g} comes within rounding of its bound at t = {t:.6g} s, "
        "where its window vanishes and the distance from there is lost: weaken the drive or shorten the span"
    )


def stiff(count: int, t: float, step: float) -> str:
    """The reason when the budget of right-hand sides is spent."""
    return (
        f"{count} evaluations brought the equations only to t = {t:.6g} s (step {step:.3g} s): they are stiff "
        "there, as near a singular network; bound the states or shorten the span"
    )


def stuck(problem: Problem, state: Array, t: float, trouble: str) -> str:
    """Why no step is small enough at (t, state)."""
    cause = trouble or "the currents grow without bound or change faster than time can be resolved"
    if problem.signature is not None and not trouble:
        cause = (
            "A' P R A'^t comes near a singular matrix, as resistances of a loop with active edges cancel, or " + cause
        )
    states = np.stack([problem.network.initial_state, state])
    edges, R = problem.dynamics.unbounded_resistance(states)
    if edges.size:
        k = int((R[1] / R[0]).argmin())
        if R[1, k] < VANISHING * R[0, k]:
            cause = (
                f"the resistance of {problem.network.edge_name(int(edges[k]))} vanishes (state "
                f"{state[edges[k]]:.6g}); bound the state with a window or shorten the span"
            )
    return f"the step size fell below the spacing of numbers at t = {t:.9g} s: {cause}"


def breakpoints(network: Network, stop: float) -> list[float]:
    """Times in (0, stop) where a derivative of a source jumps, then `stop`.

    Of times that differ by rounding (one corner of several drives, reached by different sums) the last one stands.
    """
    found = {time for drive in network.waveforms_of_sources for time in drive.breakpoints(stop)}
    times = [*sorted(found), stop]
    return [time for time, after in pairwise([*times, math.inf]) if after - time > ROUNDING * stop]


def shortest_period(network: Network) -> float:
    """Shortest period of a sine in s; other waveforms are resolved by their breakpoints."""
    parts = (term for drive in network.waveforms_of_sources for term in terms(drive))
    return min((part.timescale() for part in parts if isinstance(part, Sine)), default=math.inf)


def longest_step(problem: Problem, settings: Settings, period: float) -> float:
    """The step ceiling in s that sines and kinked laws ask for."""
    per_period = KINKED_STEPS_PER_PERIOD if problem.dynamics.kinked else STEPS_PER_PERIOD
    if problem.network.reactive:
        per_period = max(per_period, REACTIVE_STEPS_PER_PERIOD)
    return min(settings.max_step, period / per_period)
