"""The rule: from what ladders say to a verdict. Pure; no simulator, no integration, no text of either.

Signal by signal, with U = max(d2, d1/4) + u_reference + floor + bound:

    the ladder does not converge above its floor    UNRESOLVED
    E > U                                           DISAGREES
    U > tolerance                                   UNRESOLVED, with the step that would resolve it
    otherwise                                       AGREES

`bound` is what a run of another kind finds that does not go with the step. Where such a run was wanted and could not
be had, U is not known, and what would have been decided is UNRESOLVED. The verdict is the worst of the
signals: one maximum over all of them would let the large U of one hide what is wrong with another. A disagreement
below `CONFIRMATION` U counts only when it stays as it is on a ladder of a quarter of the step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spicebridge.verify.refinement import Ladder
from spicebridge.verify.verdict import CONFIRMATION, Outcome, SignalVerdict

SAME = 0.5
"""A difference of equations stays as it is on a finer ladder; one that falls below this part of itself was
numerical."""

SHOWN = 4
"""So many untested edges are named in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was measured of one signal; fields as in `SignalVerdict`, before any rule."""

    name: str
    ladder: Ladder
    reference: float = 0.0
    bound: float | None = None
    edge: str = ""
    index: int = 0
    time: float = math.nan
    unit: str = "1"
    scale: float = 1.0
    time_scale: float = 0.0
    pointwise: float = math.nan


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """Outcome and reason, the signal that decided, and every signal by name.

    `doubtful`: a disagreement that a finer ladder has to confirm first. `unchecked`: why no run of another kind told
    what all rungs share, "" where one did or nothing was to be told.
    """

    outcome: Outcome
    reason: str
    deciding: str
    signals: Mapping[str, SignalVerdict]
    doubtful: bool = False
    unchecked: str = ""

    @property
    def uncertainty(self) -> float:
        """The largest U of all signals."""
        return max(signal.uncertainty for signal in self.signals.values())


def rule(found: Evidence, tolerance: float) -> SignalVerdict:
    """Apply the rule to one signal."""
    rungs, E = found.ladder, found.ladder.errors[-1]
    U = rungs.uncertainty + found.reference + rungs.floor + (found.bound or 0.0)
    h = rungs.steps[-1]
    what = f"{found.name}s of equations and circuit" if found.name != "state" else "equations and circuit"
    if not (math.isfinite(E) and math.isfinite(U)):
        outcome, reason = Outcome.UNRESOLVED, f"the error of the {found.name} or its uncertainty is not finite"
    elif not rungs.converging:
        order = "none" if rungs.order is None else f"{rungs.order:.2f}"
        outcome = Outcome.UNRESOLVED
        reason = (
            f"the refinement ladder of the {found.name} is outside its asymptotic range (observed order {order}, at "
            f"least 1 needed); start it below a step of {h:.3g} s"
        )
    elif E > U:
        outcome = Outcome.DISAGREES
        reason = f"{what} differ by {E:.3g}, more than the numerical uncertainty {U:.3g}{_where(found)}"
    elif tolerance < U:
        outcome, reason = Outcome.UNRESOLVED, _too_coarse(found, U, tolerance)
    else:
        outcome = Outcome.AGREES
        reason = f"{what} differ by {E:.3g}, within the numerical uncertainty {U:.3g}"
    return SignalVerdict(outcome=outcome, reason=reason, error=E, uncertainty=U, **vars(found))


def _too_coarse(found: Evidence, U: float, tolerance: float) -> str:
    known = f"the numerical uncertainty {U:.3g} of the {found.name} exceeds the tolerance {tolerance:.3g}; "
    fixed = found.reference + found.ladder.floor
    bound = found.bound or 0.0
    if fixed > 0.5 * tolerance:
        return known + f"{fixed:.3g} of it is that of the equations and of the solver, which no step changes"
    if bound > 0.5 * U:
        return known + (
            f"{bound:.3g} of it is twice what another placement of corners and another clamp of bounds change; "
            "a smaller step or wider rise times may resolve it"
        )
    step = found.ladder.steps[-1] * math.sqrt(0.5 * tolerance / U)
    return known + f"a finest step of {step:.3g} s would resolve it"


def _where(found: Evidence) -> str:
    if not found.edge:
        return ""
    return f", in the {found.name} of {found.edge} at t = {found.time:.4g} s"


def judge(
    evidence: Sequence[Evidence],
    tolerance: float,
    *,
    before: Mapping[str, float] | None = None,
    untested: Sequence[tuple[str, str]] = (),
    unchecked: str = "",
) -> Ruling:
    """Return the ruling on all signals.

    `before` holds E of every signal on the ladder of four times the step, if there was one; `untested` the (edge,
    signal) pairs that hardly moved, which are named where the signals agree; `unchecked` why a run of another kind
    failed.
    """
    ruling = _judged(evidence, tolerance, before, untested)
    if not unchecked or ruling.outcome is Outcome.UNRESOLVED:
        return replace(ruling, unchecked=unchecked)
    but = f"but what all rungs share was not checked: {unchecked}; allow more time or choose another step"
    reason = f"{ruling.reason}; {but}"
    return replace(ruling, outcome=Outcome.UNRESOLVED, reason=reason, doubtful=False, unchecked=unchecked)


def _judged(
    evidence: Sequence[Evidence],
    tolerance: float,
    before: Mapping[str, float] | None,
    untested: Sequence[tuple[str, str]],
) -> Ruling:
    signals = {found.name: rule(found, tolerance) for found in evidence}
    wrong = [s for s in signals.values() if s.outcome is Outcome.DISAGREES]
    lost = [s for s in signals.values() if not (s.ladder.converging and math.isfinite(s.uncertainty))]
    # A ladder that does not converge spoils the others of the same runs, unless these are far beyond doubt.
    spread = max((max(s.ladder.d1, s.ladder.d2) for s in lost), default=0.0)
    certain = [s for s in wrong if not lost or (s.firm and s.error > CONFIRMATION * spread)]
    if certain:
        worst = max(certain, key=lambda s: s.error / s.uncertainty if s.uncertainty else math.inf)
        same = before is not None and worst.error >= SAME * before.get(worst.name, math.inf)
        return Ruling(
            outcome=Outcome.DISAGREES,
            reason=worst.reason,
            deciding=worst.name,
            signals=signals,
            doubtful=not (worst.firm or same),
        )
    open_ones = lost or [s for s in signals.values() if s.outcome is not Outcome.AGREES]
    if open_ones:
        worst = max(open_ones, key=lambda s: s.uncertainty if math.isfinite(s.uncertainty) else math.inf)
        return Ruling(outcome=Outcome.UNRESOLVED, reason=worst.reason, deciding=worst.name, signals=signals)
    worst = max(signals.values(), key=lambda s: s.uncertainty)
    return Ruling(
        outcome=Outcome.AGREES, reason=worst.reason + _not_tested(untested), deciding=worst.name, signals=signals
    )


def _not_tested(pairs: Sequence[tuple[str, str]]) -> str:
    """ ", but … was not tested", or nothing."""
    by_edge: dict[str, list[str]] = {}
    for edge, signal in pairs:
        by_edge.setdefault(edge, []).append(signal)
    if not by_edge:
        return ""
    named = [f"{' and '.join(signals)} of {edge}" for edge, signals in list(by_edge.items())[:SHOWN]]
    more = len(by_edge) - len(named)
    return (
        "; not tested, as they hardly moved or are nearly zero: "
        + ", ".join(named)
        + (f" and {more} more edges (verdict.untested has all)" if more else "")
    )
