"""A verdict between simulators: one ladder each against the equations, which are one more judge.

For judges a and b, signal by signal and with D the deviation from the equations at each one's own points,

    E_ab = max |D_a - D_b|      U_ab = u_a + u_b      u = ladder + floor + bound of that simulator

so that what the equations themselves are uncertain of cancels. Against the equations E and U are those of the
simulator's own verdict. Two judges differ if E > U in any signal; the odd one out is the judge that differs from
every other while all the others agree (or are `FAR` times closer to each other than to it: a disagreement far beyond
doubt ends a ladder before U meets the tolerance).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.circuit.engines import Engine, get_engine
from spicebridge.errors import SpiceBridgeError
from spicebridge.verify.against_theory import Comparison, against_theory
from spicebridge.verify.norms import Deviation, deviation, difference
from spicebridge.verify.scales import signal_scales, time_scales
from spicebridge.verify.verdict import CONFIRMATION, Outcome, SignalVerdict, Verdict
from spicebridge.waveforms import SIGNALS

THEORY = "theory"
"""Name of the equations among the judges."""

FAR = 3.0
"""So many of their own U the others have to be away from the odd one, where U exceeds the tolerance."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Between:
    """What two judges say of each other: the outcome, and every signal."""

    outcome: Outcome
    signals: Mapping[str, SignalVerdict]

    @property
    def worst(self) -> SignalVerdict | None:
        """The signal that decides: the largest E in units of U, or the largest U where all agree."""
        if not self.signals:
            return None
        if self.outcome is Outcome.DISAGREES:
            return max(self.signals.values(), key=_excess)
        return max(self.signals.values(), key=lambda s: s.uncertainty if math.isfinite(s.uncertainty) else math.inf)

    @property
    def numbers(self) -> tuple[float, float]:
        """(E, U) of that signal; NaN where there is none."""
        worst = self.worst
        return (math.nan, math.nan) if worst is None else (worst.error, worst.uncertainty)


def validate_engines(asked: Comparison, engines: Sequence[str | Engine]) -> Verdict:
    """Judge a network by several simulators and its equations.

    Returns
    -------
    Verdict
        That of the worst pair, with `engines` (name -> its own verdict against the equations), `pairs`
        ((a, b) -> (E, U), "theory" among them) and `odd_one_out` (a name, "theory", or None).

    Raises
    ------
    SpiceBridgeError
        What `against_theory` raises; no engine at all, or one that is named twice.
    """
    doors: list[Engine] = [get_engine(e) if isinstance(e, str) else e for e in engines]
    names = [door.name for door in doors]
    if not names:
        raise SpiceBridgeError("engine is an empty list: name one simulator or several")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SpiceBridgeError(f"engine {twice!r} is named twice; another program of its kind is {twice}=FILE")
    for door in doors:
        door.version()
    verdicts = {}
    for door in doors:

        def say(message: str, name: str = door.name) -> None:
            asked.say(f"{name}: {message}")

        verdicts[door.name], _ = against_theory(replace(asked, engine=door, say=say))
    return _joined(verdicts, compare(verdicts, asked.settings.norm))


def compare(verdicts: Mapping[str, Verdict], norm: str = "auto") -> dict[Pair, Between]:
    """Every pair of judges, the equations with each simulator first."""
    found = {(THEORY, name): Between(v.outcome, v.signals) for name, v in verdicts.items()}
    deviations = {name: _deviations(v, norm) for name, v in verdicts.items()}
    for a, b in itertools.combinations(verdicts, 2):
        found[a, b] = _between(verdicts[a], verdicts[b], deviations[a], deviations[b])
    return found


def odd_one_out(judges: Sequence[str], between: Mapping[Pair, Between]) -> str | None:
    """The judge that differs from all others, which agree with each other; None where there is none such."""
    if len(judges) < 3:
        return None
    for judge in judges:
        mine = [b for pair, b in between.items() if judge in pair]
        others = [b for pair, b in between.items() if judge not in pair]
        if not all(b.outcome is Outcome.DISAGREES for b in mine):
            continue
        least = min(b.numbers[0] for b in mine)
        if all(b.outcome is Outcome.AGREES or _close(b, least) for b in others):
            return judge
    return None


def _close(b: Between, far: float) -> bool:
    """Whether two judges, not resolved to the tolerance, are still much closer to each other than `far`."""
    E, U = b.numbers
    resolved = b.outcome is Outcome.UNRESOLVED and all(s.ladder.converging for s in b.signals.values())
    return resolved and E <= U and far > FAR * U


def _deviations(verdict: Verdict, norm: str) -> dict[str, Deviation]:
    """Signal -> deviation of the finest run from the equations, as its own verdict took it."""
    waves, reference, network = verdict.spice, verdict.theory, verdict.network
    if waves is None or reference is None or network is None or not verdict.signals:
        return {}
    scales = signal_scales(network, reference)
    felt = time_scales(network, float(waves.t[-1]), norm)
    return {name: deviation(name, network, waves, reference, scales[name], felt[name]) for name in SIGNALS}


def _between(a: Verdict, b: Verdict, first: Mapping[str, Deviation], second: Mapping[str, Deviation]) -> Between:
    common = [name for name in a.signals if name in b.signals and name in first and name in second]
    signals = {name: _signal(a, b, name, first[name], second[name]) for name in common}
    # A bound that is missing is not one of zero.
    unknown = not signals or a.unchecked or b.unchecked
    lost = [s.ladder for v in (a, b) for s in v.signals.values() if not s.ladder.converging]
    open_ones = unknown or bool(lost)
    # As in one verdict: a ladder that does not converge leaves a difference far beyond it as it is.
    spread = CONFIRMATION * max((max(rungs.d1, rungs.d2) for rungs in lost), default=0.0)
    wrong = [s for s in signals.values() if s.outcome is Outcome.DISAGREES]
    if not unknown and any(not lost or (s.firm and s.error > spread) for s in wrong):
        return Between(Outcome.DISAGREES, signals)
    if open_ones or any(s.outcome is Outcome.UNRESOLVED for s in signals.values()):
        return Between(Outcome.UNRESOLVED, signals)
    return Between(Outcome.AGREES, signals)


def _signal(a: Verdict, b: Verdict, name: str, first: Deviation, second: Deviation) -> SignalVerdict:
    one, two = a.signals[name], b.signals[name]
    E = difference(first, second)
    shares = [s.ladder.uncertainty + s.ladder.floor + (s.bound or 0.0) for s in (one, two)]
    U = sum(shares)
    wider = one if shares[0] >= shares[1] else two
    inside = first.t <= second.t[-1]
    apart = np.where(inside[:, None], first.size(first.values - second.on(first.t)), 0.0)
    row, edge = np.unravel_index(int(np.argmax(apart)), apart.shape)
    if not (math.isfinite(E) and math.isfinite(U)):
        outcome, reason = Outcome.UNRESOLVED, f"the difference of the {name}s is not finite"
    elif E > U:
        outcome, reason = Outcome.DISAGREES, f"they differ by {E:.3g}, more than the numerical uncertainty {U:.3g}"
    elif 2.0 * a.tolerance < U:
        outcome, reason = Outcome.UNRESOLVED, f"U = {U:.3g} exceeds twice the tolerance {a.tolerance:.3g}"
    else:
        outcome, reason = Outcome.AGREES, f"they differ by {E:.3g}, within the numerical uncertainty {U:.3g}"
    network = a.network
    assert network is not None
    return replace(
        wider,
        outcome=outcome,
        reason=reason,
        error=E,
        uncertainty=U,
        reference=0.0,
        edge=network.edge_name(int(edge)),
        index=int(edge),
        time=float(first.t[row]),
        pointwise=float(np.abs(first.values - second.on(first.t))[inside].max(initial=0.0)),
    )


def _excess(signal: SignalVerdict) -> float:
    return signal.error / signal.uncertainty if signal.uncertainty else math.inf


_RANK = {Outcome.DISAGREES: 2, Outcome.UNRESOLVED: 1, Outcome.AGREES: 0}


def _joined(verdicts: Mapping[str, Verdict], between: Mapping[Pair, Between]) -> Verdict:
    judges = (THEORY, *verdicts)
    odd = odd_one_out(judges, between)
    worst = max(between, key=lambda pair: _weight(between[pair]))
    outcome = between[worst].outcome
    name = odd if odd in verdicts and odd in worst else worst[1]
    own = verdicts[name]
    signal = between[worst].worst
    return replace(
        own,
        outcome=outcome,
        reason=_attribution(verdicts, between, odd, worst),
        signals=between[worst].signals,
        deciding=own.deciding if signal is None else signal.name,
        agrees_until=_earliest([v.agrees_until for v in verdicts.values()]),
        engines=dict(verdicts),
        pairs={pair: b.numbers for pair, b in between.items()},
        odd_one_out=odd,
    )


def _weight(b: Between) -> tuple[int, float]:
    E, U = b.numbers
    size = E / U if b.outcome is Outcome.DISAGREES and U else U
    return _RANK[b.outcome], size if math.isfinite(size) else math.inf


def _earliest(times: Sequence[float | None]) -> float | None:
    known = [time for time in times if time is not None]
    return min(known) if known else None


def _attribution(verdicts: Mapping[str, Verdict], between: Mapping[Pair, Between], odd: str | None, worst: Pair) -> str:
    """Who agrees with whom, in a sentence."""
    outcome = between[worst].outcome
    E, U = between[worst].numbers
    if outcome is Outcome.AGREES:
        every = _named((THEORY, *verdicts))
        return f"{every} agree with each other; the widest pair, {_named(worst)}: E {E:.3g}, U {U:.3g}"
    if odd is not None:
        mine = {pair: b for pair, b in between.items() if odd in pair}
        far = max(mine, key=lambda pair: _weight(mine[pair]))
        E, U = mine[far].numbers
        others = [judge for judge in (THEORY, *verdicts) if judge != odd]
        signal = mine[far].worst
        where = "" if signal is None else f", in the {signal.name} of {signal.edge} at t = {signal.time:.4g} s"
        verb = "differ" if odd == THEORY else "differs"
        beyond = f"by {E:.3g}, more than the numerical uncertainty {U:.3g}{where}"
        return f"{_named(others)} agree; {_name(odd)} {verb} {beyond}"
    if outcome is Outcome.UNRESOLVED:
        failed = [f"{name}: {v.reason}" for name, v in verdicts.items() if v.outcome is Outcome.UNRESOLVED]
        return "; ".join(failed) or f"{_named(worst)} are not resolved: U {U:.3g}"
    apart = [_named(pair) for pair, b in between.items() if b.outcome is Outcome.DISAGREES]
    return f"no one judge stands alone: {'; '.join(apart)} differ, by {E:.3g} at most (U {U:.3g})"


def _name(judge: str) -> str:
    return "the equations" if judge == THEORY else judge


def _named(judges: Sequence[str]) -> str:
    names = [_name(judge) for judge in sorted(judges, key=lambda judge: judge == THEORY)]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
