"""Ensembles of circuits against ensembles of the theory: where single runs are not reproducible, statistics are.

Near paper 2's tunnelling threshold trajectories are chaotic transients: two integrators disagree on one run and agree
on its distribution. Both branches run from the same initial states; d_j is the difference of a statistic of run j.

    equivalence (two one-sided tests, Schuirmann 1987):  AGREES if the interval of mean d lies within +- margin
    DISAGREES if it lies outside,  UNRESOLVED else, with the number of runs that would decide

For probabilities the interval is the adjusted one for paired proportions (Bonett and Price 2012): one more run of
either kind is counted, so that no difference in n runs is not mistaken for certainty. Runs are added in stages until
the answer is known; the error of all looks together is bounded by Bonferroni's rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from spicebridge.arrays import Array
from spicebridge.circuit.circuit_run import grid_span, run_lowered, usable
from spicebridge.circuit.engines import Engine, get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.circuit.lower.steps import first_step
from spicebridge.errors import NetworkError, RunFailed, nearest
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.ensembles import integrate_ensemble
from spicebridge.verify.verdict import Outcome
from spicebridge.waveforms import Waveforms

Statistic = Callable[[Waveforms], ArrayLike]
Progress = Callable[[str], None]

ERROR = 0.05
"""Probability of a wrong AGREES or DISAGREES, all looks together."""
FIRST_LOOK = 40
"""Runs before the first look; each look doubles them."""
STEP_CHECK = 8
"""Runs that are repeated at half the step, to see what the step does to the statistic."""
STEPS = 400
"""Steps of a circuit over the span, at least."""
PROBABILITY_MARGIN, MEAN_MARGIN = 0.1, 0.02
"""Margins unless stated: of probabilities, and of means of states."""
PARALLEL = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class EnsembleVerdict:
    """Do the distributions of circuits and theory agree, in the statistical sense?

    ``difference`` is the largest mean difference (circuit - theory) over the categories, ``interval`` its confidence
    interval, ``margin`` what counts as equal; ``theory`` and ``circuit`` are means, or probabilities by category.
    ``runs`` pairs were compared, ``failed`` ones left out. ``step_effect`` is the mean change by half the step.
    """

    outcome: Outcome
    reason: str
    difference: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)
    margin: float
    theory: dict[Hashable, float] = field(default_factory=dict)
    circuit: dict[Hashable, float] = field(default_factory=dict)
    runs: int
    failed: int
    step_effect: float = math.nan
    values: tuple[Array, Array] = field(default=(np.zeros(0), np.zeros(0)), repr=False)

    @property
    def agrees(self) -> bool:
        return self.outcome is Outcome.AGREES

    def __str__(self) -> str:
        return f"{self.outcome.value.upper()}: {self.reason}"


def validate_ensemble(
    network: Network,
    t: ArrayLike,
    *,
    initial_states: ArrayLike,
    statistic: str | Statistic = "x_cg",
    margin: float | None = None,
    circuit: Network | None = None,
    engine: str = "ngspice",
    step: float | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> EnsembleVerdict:
    """Compare distributions of a statistic between ngspice and the network ODE, by an equivalence test.

    Parameters
    ----------
    network
        The network; its own initial state is not used.
    t
        Output grid (n_t,) in s that the statistic sees.
    initial_states
        (n_runs, n_e): one pair of runs each, as many as needed are used.
    statistic
        A function of waveforms that returns a number, a bool, or a category (a string, a tuple); or a name: "x_cg" (the
        centre 1^t Omega x/N at the end), "mean" (of the states at the end), "tunnelled" (whether x_cg ends above 1/2),
        "vertex" (which states end above 1/2).
    margin
        What counts as equal, in units of the statistic; 0.1 for probabilities, 0.02 for means.
    circuit
        What the simulator gets in place of the network.
    step
        Step ceiling of the circuits in s.
    engine
        Simulator of the circuits.
    timeout
        Longest time of one run in s.
    progress
        Is told in a few words what goes on.

    Returns
    -------
    EnsembleVerdict
        AGREES, DISAGREES, or UNRESOLVED with the number of runs that would decide.

    Raises
    ------
    NetworkError
        For states, margins or statistics that do not fit.
    SimulatorMissing
        Where there is no such engine.
    """
    times = grid_span(t)
    tried = network if circuit is None else circuit
    states = _checked(network, tried, initial_states, margin)
    h = min(first_step(tried, float(times[-1])), float(times[-1]) / STEPS) if step is None else float(step)
    pairs = _Pairs(
        network=network,
        circuit=tried,
        times=times,
        states=states,
        measure=_statistic(statistic, network),
        engine=get_engine(engine),
        step=h,
        timeout=timeout,
        say=progress or (lambda message: None),
    )
    looks = _looks(len(states))
    for count in looks:
        pairs.extend(count)
        verdict = pairs.judge(margin, ERROR / len(looks), last=count == looks[-1])
        if verdict.outcome is not Outcome.UNRESOLVED:
            break
    return verdict


def _checked(network: Network, tried: Network, initial_states: ArrayLike, margin: float | None) -> Array:
    """The initial states (n_runs, n_e). Raises `NetworkError` for what does not fit the network."""
    states = np.atleast_2d(np.asarray(initial_states, float))
    if states.ndim != 2 or states.shape[1] != network.n_edges or len(states) < 4:
        raise NetworkError(
            f"initial_states has shape {np.shape(initial_states)}; give at least 4 rows of {network.n_edges} states"
        )
    if margin is not None and not (np.isfinite(margin) and margin > 0.0):
        raise NetworkError(f"margin = {margin!r} must be positive")
    if tried.n_edges != network.n_edges:
        raise NetworkError(f"the circuit has {tried.n_edges} edges and the network {network.n_edges}")
    return states


def _looks(total: int) -> list[int]:
    """Numbers of runs at which the answer is looked for."""
    found = [min(FIRST_LOOK, total)]
    while found[-1] < total:
        found.append(min(2 * found[-1], total))
    return found


def _statistic(wanted: str | Statistic, network: Network) -> Statistic:
    if callable(wanted):
        return wanted
    weight = Topology.of(network).Omega.sum(axis=0) / network.n_edges
    memory = network.stateful
    ready: dict[str, Statistic] = {
        "x_cg": lambda waves: float(waves.state[-1] @ weight),
        "mean": lambda waves: float(waves.state[-1][memory].mean()),
        "tunnelled": lambda waves: bool(waves.state[-1] @ weight > 0.5),
        "vertex": lambda waves: tuple((waves.state[-1][memory] > 0.5).astype(int).tolist()),
    }
    if wanted not in ready:
        raise NetworkError(
            f"statistic {wanted!r} must be a function or one of {', '.join(ready)}{nearest(wanted, ready)}"
        )
    return ready[wanted]


@dataclass(eq=False, kw_only=True)
class _Pairs:
    """Runs of both branches from the same states, and what the statistic makes of them."""

    network: Network
    circuit: Network
    times: Array
    states: Array
    measure: Statistic
    engine: Engine
    step: float
    timeout: float | None
    say: Progress
    theory: list[object] = field(default_factory=list)
    spice: list[object] = field(default_factory=list)
    halved: list[object] = field(default_factory=list)
    reason: str = ""

    def extend(self, count: int) -> None:
        """Run the pairs up to number `count`; a run that fails is None."""
        first = len(self.theory)
        chosen = self.states[first:count]
        self.say(f"theory, {len(chosen)} runs")
        out = integrate_ensemble(
            self.network,
            self.times,
            initial_states=chosen,
            signals=("state", "current", "voltage"),
            rtol=1e-8,
            atol=1e-10,
        )
        self.theory += [self.measure(out[k]) if ok else None for k, ok in enumerate(out.complete.tolist())]
        self.say(f"circuits, {len(chosen)} runs")
        with ThreadPoolExecutor(PARALLEL) as pool:
            self.spice += list(pool.map(lambda state: self._circuit(state, self.step), chosen))
            if first == 0:
                few = chosen[:STEP_CHECK]
                self.halved = list(pool.map(lambda state: self._circuit(state, 0.5 * self.step), few))

    def _circuit(self, state: Array, step: float) -> object:
        network = self.circuit.with_initial_state(state)
        lowered = lower(network, float(self.times[-1]), step)
        try:
            waves = usable(network, run_lowered(lowered, engine=self.engine, timeout=self.timeout))
        except RunFailed as error:
            self.reason = str(error)
            return None
        return self.measure(waves.resample(self.times))

    def judge(self, margin: float | None, error: float, *, last: bool) -> EnsembleVerdict:
        """Apply the test to the pairs so far."""
        both = [(a, b) for a, b in zip(self.theory, self.spice, strict=True) if a is not None and b is not None]
        failed = len(self.theory) - len(both)
        lost = f"{failed} of {len(self.theory)} runs failed: {self.reason or 'theory'}"
        if len(both) < 4:
            return EnsembleVerdict(
                outcome=Outcome.UNRESOLVED, reason=lost, margin=margin or math.nan, runs=len(both), failed=failed
            )
        names, theory, spice, proportion = _table([a for a, _ in both], [b for _, b in both])
        room = margin if margin is not None else PROBABILITY_MARGIN if proportion else MEAN_MARGIN
        effect = self._step_effect()
        low, high, mean = _intervals(spice - theory, error / len(names), proportion)
        largest = np.maximum(np.abs(low), np.abs(high))
        worst = int(np.argmax(largest))
        outside = (low > room) | (high < -room)
        outcome = Outcome.UNRESOLVED
        if failed > 0.05 * len(self.theory):
            reason = lost
        elif effect > 0.5 * room:
            reason = (
                f"half the step changes the statistic by {effect:.2g} on average; use a step below {self.step:.2g} s"
            )
        elif outside.any():
            outcome, worst = Outcome.DISAGREES, int(np.argmax(outside))
            reason = f"{_words(names, worst)} differs by {mean[worst]:.3g}, margin {room:.3g}"
        elif ((low > -room) & (high < room)).all():
            outcome = Outcome.AGREES
            reason = f"differences within {float(largest.max()):.2g} of zero, margin {room:.3g}"
        else:
            more = f"{_needed(len(both), low, high, mean, room)} runs would decide" if last else "more runs follow"
            between = f"{low[worst]:.2g} to {high[worst]:.2g}"
            reason = f"{_words(names, worst)} differs by {between}, margin {room:.3g}; about {more}"
        means = [dict(zip(names, x.mean(axis=0).tolist(), strict=True)) for x in (theory, spice)]
        return EnsembleVerdict(
            outcome=outcome,
            reason=f"{reason} ({len(both)} pairs of runs)",
            difference=float(mean[worst]),
            interval=(float(low[worst]), float(high[worst])),
            margin=room,
            theory=means[0],
            circuit=means[1],
            runs=len(both),
            failed=failed,
            step_effect=effect,
            values=(theory, spice),
        )

    def _step_effect(self) -> float:
        pairs = [(a, b) for a, b in zip(self.spice, self.halved, strict=False) if a is not None and b is not None]
        if not pairs:
            return 0.0
        _, first, second, proportion = _table([a for a, _ in pairs], [b for _, b in pairs])
        change = np.abs((second - first).mean(axis=0)).max()
        # one run of a few that ends elsewhere is what chaos does, and no effect of the step
        return 0.0 if proportion and change <= 2.0 / len(pairs) else float(change)


def _table(first: list[object], second: list[object]) -> tuple[Sequence[Hashable], Array, Array, bool]:
    """Categories, and both lists as (n, categories): numbers in one column, bools and categories as 0 and 1."""
    every = [*first, *second]
    bools = all(isinstance(x, (bool, np.bool_)) for x in every)
    if bools or all(isinstance(x, (int, float, np.integer, np.floating)) for x in every):
        columns = [np.array(values, float)[:, None] for values in (first, second)]
        if not all(np.isfinite(column).all() for column in columns):
            raise NetworkError("statistic: it must return finite numbers")
        return ["probability" if bools else "mean"], columns[0], columns[1], bools
    try:
        names = sorted(set(every), key=str)
    except TypeError:
        raise NetworkError("statistic: it must return a number, a bool or a category, such as a string") from None
    columns = [np.array([[float(x == name) for name in names] for x in values]) for values in (first, second)]
    return names, columns[0], columns[1], True


def _intervals(d: Array, error: float, proportion: bool) -> tuple[Array, Array, Array]:
    """(low, high, mean) of the mean of d (n, categories): two one-sided tests at `error` each."""
    n = len(d)
    centre = mean = d.mean(axis=0)
    half = student.ppf(1.0 - error, n - 1) * d.std(axis=0, ddof=1) / np.sqrt(n)
    if proportion:
        counted = n + 2.0
        centre = d.sum(axis=0) / counted
        variance = ((d**2).sum(axis=0) + 2.0) / counted - centre**2
        half = student.ppf(1.0 - error, n - 1) * np.sqrt(variance / counted)
    return centre - half, centre + half, mean


def _needed(n: int, low: Array, high: Array, mean: Array, margin: float) -> int:
    half = 0.5 * (high - low)
    distance = np.maximum(np.abs(margin - np.abs(mean)), 0.05 * margin)
    return math.ceil(n * float(((half / distance) ** 2).max()))


def _words(names: Sequence[Hashable], k: int) -> str:
    return f"the {names[k]}" if names[k] in ("mean", "probability") else f"the probability of {names[k]}"
