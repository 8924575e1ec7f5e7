"""Both branches on one description, with refinement: the main job.

A `Trial` is a reference and a circuit that can be run at any step; its ladders h, h/2, h/4 share their runs.
`settle` walks from a coarse ladder to one that decides, by the rule of ``judge``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from spicebridge.arrays import Array
from spicebridge.circuit.engines import Engine, Status
from spicebridge.circuit.engines.base import Meter
from spicebridge.circuit.lower.corners import Clock
from spicebridge.circuit.lower.network import Lowered
from spicebridge.circuit.lower.steps import drive_timescale
from spicebridge.circuit.simulate import MAX_STEPS, CircuitRun, Transform, range_problem, run_lowered
from spicebridge.errors import SimulatorDied
from spicebridge.network import Network
from spicebridge.shown import detailed
from spicebridge.verify.events import shift_tolerant, time_scales
from spicebridge.verify.invariants import measure
from spicebridge.verify.judge import Evidence, Ruling, judge
from spicebridge.verify.norms import Deviation, difference, without_rounding_of_time
from spicebridge.verify.reference import Reference
from spicebridge.verify.refinement import Triple, ladder, resolved_until
from spicebridge.verify.scales import signal_scales, swings
from spicebridge.verify.verdict import Outcome, Verdict
from spicebridge.waveforms import SIGNALS, Waveforms

Progress = Callable[[str], None]
Steps = tuple[float, float, float]

SOLVER_FLOOR = 2e-9
"""Noise of ngspice's Newton iteration in a state of order one, at reltol 1e-9 (measured; bench/honesty.py)."""
VOLTAGE_NOISE = 3e-15
"""The same in V, some roundings of a node at 1 V: it counts where all voltages of a part are small."""

POINTS_PER_PERIOD = 8.0
"""The coarsest step must put as many points on the shortest time scale of a drive; below, two rungs of a
ladder can agree by aliasing."""

BAR = 10.0
"""What moves, or is, less than so many tolerances was not tested."""
LEAST_MOTION = 3.0
"""Something has to move by so many U for agreement to mean anything …"""
AT_REST = 1e-12
"""… unless nothing moves at all, as in a tree: then the circuit has to stand still too."""

PARALLEL_RUNS = 2
BEAT = 1.0
"""Seconds between two words on how far the runs are."""

PATIENCE, LEAST_PATIENCE = 10.0, 20.0
"""A run of another kind may take so many times as long as the longest round of the ladder, but at least so many s."""
MOST_BREAKPOINTS = 2000
"""A simulator looks all points of a source through at every step: more of them cost more than they save."""
EQUAL_STEPS = 100_000
"""Equal steps of the finest run beyond which graded ones are tried first."""
MOST_FAILURES = 4
"""Ladders, each four times finer, that are tried after runs that failed."""
CONFIRMED_AFTER = 4.0
"""So many times finer is the ladder on which a close disagreement is confirmed. Where a law has a kink, the error of a step depends
on where in the step the kink falls: one halving can leave it as it was, two cannot (it falls sixteenfold, times at
most four)."""
MOST_FACTOR = 16.0
"""A ladder is followed by one this many times finer at most."""
AIMED = 0.5
"""The next ladder aims at this part of the tolerance."""


@dataclass(frozen=True)
class Rules:
    """What is asked of a verdict, and what may be spent on it.

    `adaptive`: the first step may be refined. A run has at most `max_steps` steps, none below `least_step` in s.
    """

    tolerance: float = 1e-5
    adaptive: bool = True
    max_steps: int = MAX_STEPS

    least_step: float = 0.0

    def allow(self, stop: float, h: float) -> bool:
        """Whether the finest run of the ladder that starts at h (s) has few enough steps."""
        return 4.0 * stop / h <= self.max_steps and h / 4.0 >= self.least_step

    def with_breakpoints(self, clock: Clock) -> Rules:
        """The same where a simulator has to keep the breakpoints of a clock, whose number goes with 1/h."""
        return replace(self, least_step=clock.step * clock.count[-1] / MOST_BREAKPOINTS)


@dataclass(frozen=True, eq=False)
class Circuit:
    """What the simulator gets: a lowered deck, the engine, and what is done to the deck before it runs.

    `other` is the same circuit made otherwise in all that no step changes (corners, clamps, form), or None where
    there is nothing of the kind. `signals` are those that come back.
    """

    network: Network
    lowered: Lowered
    engine: Engine
    timeout: float | None = None
    transform: Transform | None = None
    other: Lowered | None = None
    signals: tuple[str, ...] = tuple(SIGNALS)

    def run(self, step: float, *, patience: float | None = None, meter: Meter | None = None) -> CircuitRun:
        """Run it at a step ceiling in s; with `patience` (s) the circuit made otherwise, for no longer than that.

        `meter` tells how far it is meanwhile.
        Raises when there is no simulator or when it dies.
        """
        lowered, timeout = self.lowered, self.timeout
        if patience is not None and self.other is not None:
            lowered, timeout = self.other, patience if self.timeout is None else min(patience, self.timeout)
        return run_lowered(
            lowered.with_step(step), engine=self.engine, timeout=timeout, transform=self.transform, meter=meter
        )


@dataclass(frozen=True, eq=False)
class Rung:
    """One run against the reference: deviations by signal, and the reference at its points."""

    run: CircuitRun
    waves: Waveforms
    reference: Waveforms
    deviations: Mapping[str, Deviation]


@dataclass(eq=False)
class Trial:
    """A circuit at many steps against one reference, over [0, stop]; runs are kept, so that ladders share them."""

    reference: Reference
    circuit: Circuit
    stop: float
    norm: str = "auto"
    say: Progress = lambda message: None
    _runs: dict[tuple[float, bool], CircuitRun] = field(default_factory=dict)
    _longest: float = 0.0
    _rungs: dict[tuple[float, bool], Rung] = field(default_factory=dict)
    _scales: dict[str, Array] | None = None

    def __post_init__(self) -> None:
        self._time_scales = time_scales(self.circuit.network, self.stop, self.norm)

    def failure(self, steps: Sequence[float]) -> tuple[str, bool] | None:
        """Run what is missing; say why a rung cannot be used, and whether a smaller step might help."""
        self._run([(h, False) for h in steps])
        for h in steps:
            run = self._runs[h, False]
            if run.failure is not None:
                # A deck that was refused is refused at every step.
                finer_helps = h > steps[-1] and run.record.status is not Status.REJECTED
                return f"{self.circuit.engine.name} at a step of {h:.3g} s: {run.failure}", finer_helps
            assert run.waveforms is not None
            problem = range_problem(self.circuit.network, run.waveforms)
            if problem is not None:
                return problem, h > steps[-1]
        return None

    def ladder(self, steps: Steps, *, other: bool = False) -> list[Evidence]:
        """The evidence of three rungs; with `other`, a run of another kind bounds what they share."""
        rungs = [self.rung(h) for h in steps]
        finest = rungs[-1]
        scales = self.scales
        doubt = self.reference.uncertainty(finest.reference)
        elsewhere = self._elsewhere(steps[-1]) if other else None
        evidence = []
        for name in self.circuit.signals:
            triple = self._triple(rungs, name)
            edge, time = triple[-1].worst()
            evidence.append(
                Evidence(
                    name,
                    ladder(steps, triple, self._floor(name)),
                    float((doubt[name] / scales[name]).max(initial=0.0)),
                    None if elsewhere is None else difference(triple[-1], elsewhere.deviations[name]),
                    self.circuit.network.edge_name(edge),
                    edge,
                    time,
                    self.circuit.network.state_units[edge] if name == "state" else SIGNALS[name],
                    float(scales[name][edge]),
                    float(self._time_scales[name][edge]),
                    triple[-1].pointwise,
                )
            )
        return evidence

    def agrees_until(self, steps: Steps, ruling: Ruling, tolerance: float) -> float:
        """The time in s up to which the rule says of every signal that it agrees."""
        rungs = [self.rung(h) for h in steps]
        ends = []
        for name, signal in ruling.signals.items():
            constant = signal.reference + (signal.bound or 0.0)
            triple = self._triple(rungs, name)
            ends.append(resolved_until(triple, signal.ladder.floor, constant, tolerance))
        return min(ends)

    @staticmethod
    def _triple(rungs: Sequence[Rung], name: str) -> Triple:
        a, b, c = (rung.deviations[name] for rung in rungs)
        return a, b, c

    @property
    def scales(self) -> dict[str, Array]:
        """Scale of every signal of every edge, from the first run that was compared."""
        assert self._scales is not None
        return self._scales

    @property
    def graded(self) -> bool:
        """Whether the circuit has breakpoints where its states are fast."""
        corners = self.circuit.lowered.corners
        return corners is not None and corners.clock is not None

    def swings(self, h: float) -> dict[str, Array]:
        """How much of every signal there is to test, (n_e,) in units of its scale."""
        return swings(self.rung(h).reference, self.scales)

    def rung(self, h: float, other: bool = False) -> Rung:
        """The run at the ceiling h, which has to be there, and its deviations."""
        if (h, other) not in self._rungs:
            run = self._runs[h, other]
            waves = run.waveforms
            assert waves is not None
            reference = self.reference.waveforms(waves.t)
            if self._scales is None:
                self._scales = signal_scales(self.circuit.network, reference)
            deviations = {name: self._deviation(name, waves, reference) for name in self.circuit.signals}
            self._rungs[h, other] = Rung(run, waves, reference, deviations)
        return self._rungs[h, other]

    def _deviation(self, name: str, waves: Waveforms, reference: Waveforms) -> Deviation:
        scale = self.scales[name]
        ours, theirs = getattr(waves, name) / scale, getattr(reference, name) / scale
        gap = ours - theirs
        if name != "state":
            gap = without_rounding_of_time(waves.t, gap, theirs)
        return shift_tolerant(Deviation(waves.t, gap), theirs + gap, self._time_scales[name])

    def _floor(self, name: str) -> float:
        if name == "state":
            return SOLVER_FLOOR
        quietest = float(self.scales["voltage"].min(initial=math.inf))
        return SOLVER_FLOOR + VOLTAGE_NOISE / quietest

    def _elsewhere(self, h: float) -> Rung | None:
        """The run of another kind, or None if there is none that can be used.

        At the finest step: a clamp that lets go late by less than a step is not seen at a coarse one.
        """
        if self.circuit.other is None:
            return None
        try:
            self._run([(h, True)])
        except SimulatorDied:
            # Made otherwise, a circuit may take steps without end where the ladder's own does not.
            return None
        return None if self._runs[h, True].failure else self.rung(h, other=True)

    def _run(self, wanted: Sequence[tuple[float, bool]]) -> None:
        missing = [key for key in wanted if key not in self._runs]
        if not missing:
            return
        kind = ", otherwise made," if missing[0][1] else ""
        what = f"circuit{kind} at steps of " + ", ".join(f"{h:.3g} s" for h, _ in missing)
        self.say(what)
        began = time.monotonic()
        patience = max(LEAST_PATIENCE, PATIENCE * self._longest)
        meters = [Meter(self.stop / h) for h, _ in missing]
        with ThreadPoolExecutor(PARALLEL_RUNS) as pool:

            def one(key: tuple[float, bool], meter: Meter) -> CircuitRun:
                run = self.circuit.run(key[0], patience=patience if key[1] else None, meter=meter)
                meter.done = True
                return run

            futures = [pool.submit(one, key, meter) for key, meter in zip(missing, meters, strict=True)]
            while wait(futures, BEAT).not_done:
                done = sum(meter.written for meter in meters) / sum(meter.points for meter in meters)
                self.say(detailed(what, time.monotonic() - began, done))
            for key, future in zip(missing, futures, strict=True):
                self._runs[key] = future.result()
        self._longest = max(self._longest, time.monotonic() - began)

    def circuit_run(self, h: float) -> CircuitRun:
        """The run at the ceiling h, which has to be there."""
        return self._runs[h, False]


def settle(trial: Trial, h: float, rules: Rules, facts: Mapping[str, Any]) -> Verdict:
    """Judge ladders from the ceiling `h` (s) downwards until one decides; `facts` are the verdict's other fields."""
    history: list[tuple[float, dict[str, float]]] = []
    failures = 0
    while True:
        steps = (h, h / 2, h / 4)
        failure = trial.failure(steps)
        if failure is not None:
            failures += 1
            if rules.adaptive and failure[1] and failures <= MOST_FAILURES and rules.allow(trial.stop, h / 4):
                h /= 4
                continue
            done = trial.circuit_run(steps[-1])
            return Verdict(
                Outcome.UNRESOLVED, failure[0], rules.tolerance, run=done.record, spice=done.waveforms, **facts
            )
        untested = _untested(trial, steps[-1], rules.tolerance)
        before = next((errors for coarser, errors in reversed(history) if coarser >= CONFIRMED_AFTER * h), None)
        ruling = _ruling(trial, steps, rules, before, untested)
        factor = refinement(ruling, rules)
        while factor >= 2.0 and not rules.allow(trial.stop, h / factor):
            factor /= 2.0
        if factor < 2.0:
            return _verdict(trial, steps, unconfirmed(ruling), untested, rules, facts)
        trial.say(f"refining: {ruling.reason}")
        history.append((h, {name: signal.error for name, signal in ruling.signals.items()}))
        h /= factor


def settle_graded(
    trial: Callable[[Clock | None], Trial], reference: Reference, h: float, rules: Rules, facts: Mapping[str, Any]
) -> Verdict:
    """`settle` with equal steps, and with steps graded along the run where these do not resolve or would be too many.

    `trial` makes the trial for a clock or for None.
    """
    clock = reference.clock(h)
    if clock is not None:
        return settle(trial(clock), h, rules.with_breakpoints(clock), facts)
    few = replace(rules, max_steps=min(rules.max_steps, EQUAL_STEPS))
    first = trial(None)
    verdict = settle(first, h, few, facts)
    if not (rules.adaptive and verdict.outcome is Outcome.UNRESOLVED and verdict.signals):
        return verdict
    clock = reference.clock(h, late=True)
    if clock is not None:
        graded = settle(trial(clock), h, rules.with_breakpoints(clock), facts)
        if graded.outcome is not Outcome.UNRESOLVED:
            return graded
    reached = verdict.signals[verdict.deciding].ladder.steps[0]
    return settle(first, reached, rules, facts) if rules.max_steps > few.max_steps else verdict


def refinement(ruling: Ruling, rules: Rules) -> float:
    """How many times finer the next ladder should be; 1 where this one decides.

    2 and 4 share runs with the ladder before; beyond, any number is as good.
    """
    if ruling.doubtful:
        return 2.0
    if ruling.outcome is not Outcome.UNRESOLVED or not rules.adaptive:
        return 1.0
    U = ruling.uncertainty
    if not math.isfinite(U):
        return 4.0
    if any(s.reference + s.ladder.floor >= rules.tolerance for s in ruling.signals.values()):
        return 1.0
    if rules.tolerance >= U:
        return 2.0
    wanted = math.sqrt(U / (AIMED * rules.tolerance))
    return 2.0 if wanted <= 2.0 else 4.0 if wanted <= 4.0 else min(wanted, MOST_FACTOR)


def _ruling(
    trial: Trial, steps: Steps, rules: Rules, before: dict[str, float] | None, untested: Sequence[tuple[str, str]]
) -> Ruling:
    trial.say("comparing")
    evidence = trial.ladder(steps)
    ruling = judge(evidence, rules.tolerance, before=before, untested=untested)
    if ruling.outcome is not Outcome.UNRESOLVED and trial.circuit.other is not None:
        evidence = trial.ladder(steps, other=True)
        ruling = judge(evidence, rules.tolerance, before=before, untested=untested)
    longest = drive_timescale(trial.circuit.network, trial.stop) / POINTS_PER_PERIOD
    if steps[0] > longest:
        reason = (
            f"the coarsest step of {steps[0]:.3g} s does not resolve the drives, and ladders alias; "
            f"begin with {longest:.3g} s or less"
        )
        return replace(ruling, outcome=Outcome.UNRESOLVED, reason=reason, doubtful=False)
    if ruling.outcome is Outcome.DISAGREES and not trial.graded and steps[0] > trial.reference.resolution:
        reason = (
            f"the coarsest step of {steps[0]:.3g} s does not resolve the fastest motion of the states; begin with "
            f"{trial.reference.resolution:.3g} s or less"
        )
        return replace(ruling, outcome=Outcome.UNRESOLVED, reason=reason, doubtful=False)
    moved = {name: float(swing.max(initial=0.0)) for name, swing in trial.swings(steps[-1]).items()}
    tried = [(moved[name], signal.uncertainty) for name, signal in ruling.signals.items()]
    idle = all(swing <= LEAST_MOTION * U for swing, U in tried) and any(swing > AT_REST for swing, _ in tried)
    if ruling.outcome is Outcome.AGREES and idle:
        reason = (
            f"the states move by {moved['state']:.2g} only, and the numerical uncertainty is "
            f"{ruling.signals['state'].uncertainty:.2g}: nothing was tested; lengthen the span or strengthen the drives"
        )
        return replace(ruling, outcome=Outcome.UNRESOLVED, reason=reason)
    return ruling


def _untested(trial: Trial, h: float, tolerance: float) -> tuple[tuple[str, str], ...]:
    """(edge, signal) pairs that moved, or are, less than `BAR` tolerances."""
    network = trial.circuit.network
    swing = trial.swings(h)
    out = []
    for k in range(network.n_edges):
        for name in trial.circuit.signals:
            if swing[name][k] < BAR * tolerance and (name != "state" or network.stateful[k]):
                out.append((network.edge_name(k), name))
    return tuple(out)


def unconfirmed(ruling: Ruling) -> Ruling:
    """A doubtful disagreement that no finer ladder may confirm is no disagreement."""
    if not ruling.doubtful:
        return ruling
    signal = ruling.signals[ruling.deciding]
    reason = (
        f"{ruling.reason}; that is too close to call without a finer ladder, which step or max_steps forbids; "
        f"allow steps of {signal.ladder.steps[-1] / 2:.3g} s"
    )
    return replace(ruling, outcome=Outcome.UNRESOLVED, reason=reason, doubtful=False)


def _verdict(
    trial: Trial,
    steps: Steps,
    ruling: Ruling,
    untested: tuple[tuple[str, str], ...],
    rules: Rules,
    facts: Mapping[str, Any],
) -> Verdict:
    finest = trial.rung(steps[-1])
    until = trial.agrees_until(steps, ruling, rules.tolerance)
    if ruling.outcome is Outcome.AGREES:
        until = float(finest.waves.t[-1])
    reason = ruling.reason
    if ruling.outcome is Outcome.UNRESOLVED and until > 0.0:
        reason += f"; up to t = {until:.4g} s they agree"
    return Verdict(
        ruling.outcome,
        reason,
        rules.tolerance,
        signals=ruling.signals,
        deciding=ruling.deciding,
        untested=untested,
        agrees_until=until,
        invariants=measure(trial.circuit.network, finest.waves) if len(trial.circuit.signals) == len(SIGNALS) else None,
        spice=finest.waves if len(trial.circuit.signals) == len(SIGNALS) else None,
        theory=finest.reference,
        run=finest.run.record,
        **facts,
    )
