"""From ladders to a verdict: which is tried first, how much finer the next one is, and when one decides."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from spicebridge.circuit.circuit_run import MAX_STEPS
from spicebridge.circuit.lower.corners import Clock
from spicebridge.verify.invariants import measure
from spicebridge.verify.judge import Ruling, judge
from spicebridge.verify.reference import Theory
from spicebridge.verify.refinement import resolved_until
from spicebridge.verify.trial import Circuit, Failure, Measured, Trial
from spicebridge.verify.verdict import Outcome, Verdict
from spicebridge.waveforms import SIGNALS

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
"""So many times finer is the ladder on which a close disagreement is confirmed. Where a law has a kink, the error of a
step depends on where in the step the kink falls: one halving can leave it as it was, two cannot (it falls sixteenfold,
times at most four)."""
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


def settle(trial: Trial, h: float, rules: Rules) -> Verdict:
    """Judge ladders from the ceiling `h` (s) downwards until one decides."""
    history: list[tuple[float, dict[str, float]]] = []
    failures = 0
    while True:
        found = trial.measure((h, h / 2, h / 4))
        if isinstance(found, Failure):
            failures += 1
            if rules.adaptive and found.finer_helps and failures <= MOST_FAILURES and rules.allow(trial.stop, h / 4):
                h /= 4
                continue
            return Verdict(
                outcome=Outcome.UNRESOLVED,
                reason=found.reason,
                tolerance=rules.tolerance,
                run=found.finest.record,
                spice=found.finest.waveforms,
            )
        before = next((errors for coarser, errors in reversed(history) if coarser >= CONFIRMED_AFTER * h), None)
        untested = _untested(trial.circuit, found, rules.tolerance)
        ruling = judge(found.evidence, rules.tolerance, before=before, untested=untested)
        if ruling.outcome is not Outcome.UNRESOLVED and trial.circuit.others:
            evidence, unchecked = trial.otherwise(found)
            ruling = judge(evidence, rules.tolerance, before=before, untested=untested, unchecked=unchecked)
        ruling = _if_tested(ruling, trial, found)
        factor = refinement(ruling, rules)
        while factor > 2.0 and not rules.allow(trial.stop, h / factor):
            factor = max(2.0, factor / 2.0)
        if factor < 2.0 or not rules.allow(trial.stop, h / factor):
            ruling = unconfirmed(ruling)
            return _verdict(trial.circuit, found, ruling, untested, rules.tolerance)
        trial.say(f"refining: {ruling.reason}")
        history.append((h, {name: signal.error for name, signal in ruling.signals.items()}))
        h /= factor


def settle_graded(trial: Callable[[Clock | None], Trial], theory: Theory, h: float, rules: Rules) -> Verdict:
    """`settle` with equal steps, and with steps graded along the run where these do not resolve or would be too many.

    Graded steps that do not resolve leave it to equal ones. `trial` makes the trial for a clock or for None.
    """
    adaptive, few = rules.adaptive, replace(rules, max_steps=min(rules.max_steps, EQUAL_STEPS))
    clock = theory.clock(h)
    if clock is not None:
        graded = settle(trial(clock), h, rules.with_breakpoints(clock))
        if graded.outcome is not Outcome.UNRESOLVED or not adaptive:
            return graded
    first = trial(None)
    verdict = settle(first, h, few)
    if not (adaptive and verdict.outcome is Outcome.UNRESOLVED and verdict.signals):
        return verdict
    late = theory.clock(h, late=True) if clock is None else None
    if late is not None:
        graded = settle(trial(late), h, rules.with_breakpoints(late))
        if graded.outcome is not Outcome.UNRESOLVED:
            return graded
    reached = verdict.signals[verdict.deciding].ladder.steps[0]
    return settle(first, reached, rules) if rules.max_steps > few.max_steps else verdict


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


def _if_tested(ruling: Ruling, trial: Trial, found: Measured) -> Ruling:
    """The ruling, or UNRESOLVED where the steps follow neither drives nor states, or where nothing moved."""
    coarsest, reason = found.steps[0], ""
    moved = {name: float(swing.max(initial=0.0)) for name, swing in found.swings.items()}
    tried = [(moved[name], signal.uncertainty) for name, signal in ruling.signals.items()]
    idle = all(swing <= LEAST_MOTION * U for swing, U in tried) and any(swing > AT_REST for swing, _ in tried)
    if coarsest > found.of_drives:
        reason = (
            f"the coarsest step of {coarsest:.3g} s does not resolve the drives, and ladders alias; "
            f"begin with {found.of_drives:.3g} s or less"
        )
    elif ruling.outcome is Outcome.DISAGREES and not trial.circuit.graded and coarsest > trial.theory.resolution:
        reason = (
            f"the coarsest step of {coarsest:.3g} s does not resolve the fastest motion of the states; begin with "
            f"{trial.theory.resolution:.3g} s or less"
        )
    elif ruling.outcome is Outcome.AGREES and idle:
        reason = (
            f"the states move by {moved['state']:.2g} only, and the numerical uncertainty is "
            f"{ruling.signals['state'].uncertainty:.2g}: nothing was tested; lengthen the span or strengthen the drives"
        )
    return replace(ruling, outcome=Outcome.UNRESOLVED, reason=reason, doubtful=False) if reason else ruling


def _untested(circuit: Circuit, found: Measured, tolerance: float) -> tuple[tuple[str, str], ...]:
    """(edge, signal) pairs that moved, or are, less than `BAR` tolerances."""
    network = circuit.network
    still = {name: found.swings[name] < BAR * tolerance for name in circuit.signals}
    if "state" in still:
        still["state"] = still["state"] & network.stateful
    return tuple((network.edge_name(k), name) for k in range(network.n_edges) for name in still if still[name][k])


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
    circuit: Circuit, found: Measured, ruling: Ruling, untested: tuple[tuple[str, str], ...], tolerance: float
) -> Verdict:
    finest, reason = found.finest, ruling.reason
    until = float(finest.waves.t[-1])
    if ruling.outcome is not Outcome.AGREES:
        until = min(
            resolved_until(
                found.deviations[name], signal.ladder.floor, signal.reference + (signal.bound or 0.0), tolerance
            )
            for name, signal in ruling.signals.items()
        )
    if ruling.outcome is Outcome.UNRESOLVED and until > 0.0:
        reason += f"; up to t = {until:.4g} s they agree"
    whole = len(circuit.signals) == len(SIGNALS)
    return Verdict(
        outcome=ruling.outcome,
        reason=reason,
        tolerance=tolerance,
        signals=ruling.signals,
        deciding=ruling.deciding,
        untested=untested,
        unchecked=ruling.unchecked,
        agrees_until=until,
        invariants=measure(circuit.network, finest.waves) if whole else None,
        spice=finest.waves if whole else None,
        theory=finest.theory,
        run=finest.run.record,
    )
