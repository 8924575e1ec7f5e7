"""From ladders to a verdict: which is tried first, how much finer the next one is, and when one decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spicebridge.circuit.circuit_run import MAX_STEPS
from spicebridge.circuit.lower.corners import Clock
from spicebridge.circuit.lower.steps import drive_timescale
from spicebridge.verify.invariants import measure
from spicebridge.verify.judge import Ruling, judge
from spicebridge.verify.reference import Reference
from spicebridge.verify.trial import Steps, Trial
from spicebridge.verify.verdict import Outcome, Verdict
from spicebridge.waveforms import SIGNALS

POINTS_PER_PERIOD = 8.0
"""The coarsest step must put as many points on the shortest time scale of a drive; below, two rungs of a
ladder can agree by aliasing."""
BAR = 10.0
"""What moves, or is, less than so many tolerances was not tested."""
LEAST_MOTION = 3.0
"""Something has to move by so many U for agreement to mean anything …"""
AT_REST = 1e-12
"""… unless nothing moves at all, as in a tree: then the circuit has to stand still too."""
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
AIMED = 0.75
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
                outcome=Outcome.UNRESOLVED,
                reason=failure[0],
                tolerance=rules.tolerance,
                run=done.record,
                spice=done.waveforms,
                **facts,
            )
        untested = _untested(trial, steps[-1], rules.tolerance)
        before = next((errors for coarser, errors in reversed(history) if coarser >= CONFIRMED_AFTER * h), None)
        ruling = _ruling(trial, steps, rules, before, untested)
        factor = refinement(ruling, rules)
        while factor > 2.0 and not rules.allow(trial.stop, h / factor):
            factor = max(2.0, factor / 2.0)
        if factor < 2.0 or not rules.allow(trial.stop, h / factor):
            return _verdict(trial, steps, unconfirmed(ruling), untested, rules, facts)
        trial.say(f"refining: {ruling.reason}")
        history.append((h, {name: signal.error for name, signal in ruling.signals.items()}))
        h /= factor


def settle_graded(
    trial: Callable[[Clock | None], Trial], reference: Reference, h: float, rules: Rules, facts: Mapping[str, object]
) -> Verdict:
    """`settle` with equal steps, and with steps graded along the run where these do not resolve or would be too many.

    Graded steps that do not resolve leave it to equal ones. `trial` makes the trial for a clock or for None.
    """
    adaptive, few = rules.adaptive, replace(rules, max_steps=min(rules.max_steps, EQUAL_STEPS))
    clock = reference.clock(h)
    if clock is not None:
        graded = settle(trial(clock), h, rules.with_breakpoints(clock), facts)
        if graded.outcome is not Outcome.UNRESOLVED or not adaptive:
            return graded
    first = trial(None)
    verdict = settle(first, h, few, facts)
    if not (adaptive and verdict.outcome is Outcome.UNRESOLVED and verdict.signals):
        return verdict
    late = reference.clock(h, late=True) if clock is None else None
    if late is not None:
        graded = settle(trial(late), h, rules.with_breakpoints(late), facts)
        if graded.outcome is not Outcome.UNRESOLVED:
            return graded
    reached = verdict.signals[verdict.deciding].ladder.steps[0]
    return settle(first, reached, rules, facts) if rules.max_steps > few.max_steps else verdict


def refinement(ruling: Ruling, rules: Rules) -> float:
    """How many times finer the next ladder should be; 1 where this one decides.

    2 and 4 share runs with the ladder before: in runs of the first ladder's coarsest step they cost 8 and 24, any other
    number f costs 7 f.
    """
    if ruling.doubtful:
        return 2.0
    if ruling.outcome is not Outcome.UNRESOLVED or ruling.unchecked or not rules.adaptive:
        return 1.0
    U = ruling.uncertainty
    if not math.isfinite(U):
        return 4.0
    if any(s.reference + s.ladder.floor >= rules.tolerance for s in ruling.signals.values()):
        return 1.0
    if rules.tolerance >= U:
        return 2.0
    wanted = math.sqrt(U / (AIMED * rules.tolerance))
    if wanted <= 2.0:
        return 2.0
    return 4.0 if 24.0 / 7.0 < wanted <= 4.0 else min(wanted, MOST_FACTOR)


def _ruling(
    trial: Trial, steps: Steps, rules: Rules, before: dict[str, float] | None, untested: Sequence[tuple[str, str]]
) -> Ruling:
    trial.say("comparing")
    evidence = trial.ladder(steps)
    ruling = judge(evidence, rules.tolerance, before=before, untested=untested)
    if ruling.outcome is not Outcome.UNRESOLVED and trial.circuit.others:
        elsewhere, unchecked = trial.elsewhere(steps[-1])
        evidence = trial.ladder(steps, elsewhere)
        ruling = judge(evidence, rules.tolerance, before=before, untested=untested, unchecked=unchecked)
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
        outcome=ruling.outcome,
        reason=reason,
        tolerance=rules.tolerance,
        signals=ruling.signals,
        deciding=ruling.deciding,
        untested=untested,
        unchecked=ruling.unchecked,
        agrees_until=until,
        invariants=measure(trial.circuit.network, finest.waves) if len(trial.circuit.signals) == len(SIGNALS) else None,
        spice=finest.waves if len(trial.circuit.signals) == len(SIGNALS) else None,
        theory=finest.reference,
        run=finest.run.record,
        **facts,
    )
