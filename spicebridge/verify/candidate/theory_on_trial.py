"""Somebody's own theory on trial: his numbers against the circuit at his own times, with ours as the bridge.

    D(t) = [x_his(t) - x_ours(t)] - [x_SPICE - x_ours](t)

The second bracket is known at the simulator's points and interpolated: it is small and smooth where x is not. Then U =
U of the circuit against ours + what the interpolation may miss + what the author states of his own error. His currents
and drops are compared as functions of his own states, so that one wrong state is not counted twice.

    E <= U                                     AGREES
    E > U, and his own error is known          DISAGREES, with a diagnosis
    E > U, own error unknown, cause certain    DISAGREES, with the cause
    E > U, own error unknown                   UNRESOLVED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.theory.time.trajectory import waveforms
from spicebridge.verify.against_theory import Comparison, against_theory
from spicebridge.verify.candidate.candidate import ACROSS, Candidate, read_candidate
from spicebridge.verify.candidate.diagnosis import Reported, diagnose
from spicebridge.verify.candidate.program import Program
from spicebridge.verify.norms import Deviation, shift_tolerant, without_rounding_of_time
from spicebridge.verify.reference import Theory
from spicebridge.verify.scales import signal_scales, swings, time_scales
from spicebridge.verify.settle import LEAST_MOTION
from spicebridge.verify.trial import Progress
from spicebridge.verify.verdict import CONFIRMATION, Finding, Outcome, SignalVerdict, TheoryTrial, Verdict
from spicebridge.waveforms import Waveforms

GRID, MOST_POINTS, PER_PERIOD = 801, 4001, 100
"""Times at which a callable is looked at for its mistake: at least, at most, and in the shortest time of a source."""


@dataclass(frozen=True, eq=False)
class _Compared:
    """One signal: his against the circuit, and his against ours (E, U)."""

    signal: SignalVerdict
    ours: tuple[float, float]
    firm: bool

    @property
    def differs(self) -> bool:
        """Whether he is neither with the circuit nor with us; the latter confirms the former."""
        beyond = self.signal.error > self.signal.uncertainty
        return beyond and self.firm and (self.ours[0] > self.ours[1] or self.signal.firm)


def validate_candidate(
    asked: Comparison, theory: object, *, error: object, mapping: Mapping[str, str] | None
) -> Verdict:
    """The verdict on somebody's own `theory`, with what is known of its `error`; see `read_candidate` for both."""
    network, say = asked.network, asked.say
    asked = replace(asked, engine=asked.door, circuit=asked.tried)
    say("your own theory")
    candidate = read_candidate(theory, network, asked.stop, error=error, mapping=mapping)
    plain, ours = against_theory(asked)
    return put_on_trial(candidate, network, plain, ours, asked.settings.norm, say)


def put_on_trial(
    candidate: Candidate, network: Network, plain: Verdict, reference: Theory | None, norm: str, say: Progress
) -> Verdict:
    """The verdict on `candidate`, from that on our own theory, `plain`, and the theory it was made with."""
    if reference is None or plain.spice is None or plain.theory is None or not plain.signals:
        reason = f"nothing to hold your theory against: {plain.reason}"
        return replace(plain, outcome=Outcome.UNRESOLVED, reason=reason)
    say("your theory against the circuit")
    known = candidate.own_error is not None or candidate.second is not None
    until = reference.fine.stop if candidate.path is None else min(candidate.path.stop, reference.fine.stop)
    t = plain.spice.t
    broken = replace(plain, outcome=Outcome.UNRESOLVED, reason=candidate.problem)
    second = candidate.second is not None and candidate.second.problem
    if second or (candidate.problem and np.count_nonzero(t <= until) < 2):
        return broken
    his = candidate.at(t[(t >= 0.0) & (t <= until)]).with_error_of_second(reference.fine)
    ours = reference.fine(his.t)
    compared = _compare(his, ours, network, plain, reference, norm)
    trial = _trial(his, ours, plain, compared["state"], known)
    moved = swings(plain.theory, signal_scales(network, plain.theory))
    most = {name: float(values.max(initial=0.0)) for name, values in moved.items()}
    most[ACROSS] = most["voltage"]
    signals = {name: found.signal for name, found in compared.items()}
    facts = replace(plain, signals=signals, trial=trial)
    wrong = [name for name, found in compared.items() if found.differs]
    if wrong:
        worst = max(wrong, key=lambda name: signals[name].error / max(signals[name].uncertainty, 1e-300))
        found = _different(worst, facts, trial, his, network, tuple(set(signals) - set(wrong)), say)
        return replace(found, reason=f"{found.reason}; {candidate.problem}") if candidate.problem else found
    return broken if candidate.problem else _alike(facts, trial, most)


def _compare(
    his: Candidate, ours: Array, network: Network, plain: Verdict, reference: Theory, norm: str
) -> dict[str, _Compared]:
    spice, theory = plain.spice, plain.theory
    assert spice is not None
    assert theory is not None
    scales, T = signal_scales(network, theory), time_scales(network, float(spice.t[-1]), norm)
    given = his.signals()
    implied: Waveforms | None = None
    if len(given) > 1:
        with np.errstate(all="ignore"):
            # Currents and drops that belong to his states.
            implied = waveforms(network, reference.fine.branch, his.t, his.state, reference.method)
    found = {}
    for name, values in given.items():
        kind = "voltage" if name == ACROSS else name
        if kind not in plain.signals:
            continue
        scale = scales[kind]
        base = ours if name == "state" or implied is None else getattr(implied, kind)
        if name == ACROSS:
            # a node voltage is a drop less its source, which is the same in all
            values = np.where(np.isnan(values), base, values + network.bank(his.t))
        own = np.zeros_like(values)
        if his.own_error is not None:
            own = his.own_error / scale if name == "state" else np.full_like(values, his.own_error.max())
        away = without_rounding_of_time(his.t, values - base, base) / scale
        a, b = getattr(spice, kind), getattr(theory, kind)
        circuit = Deviation(spice.t, without_rounding_of_time(spice.t, a - b, b) / scale)
        if not np.isfinite(away).all():
            away = np.nan_to_num((values - base) / scale, nan=1e9, posinf=1e9, neginf=-1e9)
        total = shift_tolerant(Deviation(his.t, away - circuit.on(his.t)), values / scale, T[kind])
        found[name] = _judged(
            replace(plain.signals[kind], name=name), total, away, circuit, own, scale, T[kind], network
        )
    return found


def _judged(
    plain: SignalVerdict,
    total: Deviation,
    away: Array,
    circuit: Deviation,
    own: Array,
    scale: Array,
    time_scale: Array,
    network: Network,
) -> _Compared:
    """One signal: his `total` deviation from the circuit, and `away` (n_t, n_e) from ours; `own` is his own error."""
    size, known = total.size(total.values), total.size(own)
    row, edge = (int(k) for k in np.unravel_index(int(np.argmax(size - known)), size.shape))
    E, mine = float(size[row, edge]), float(known[row, edge])
    bridge = _missed_between(circuit) if not np.array_equal(total.t, circuit.t) else 0.0
    U = plain.uncertainty + bridge + mine
    outcome = Outcome.AGREES if E <= U else Outcome.DISAGREES
    reason = f"{plain.name}s differ by {E:.3g}, {'within' if E <= U else 'more than'} {U:.3g}"
    spread = max(plain.ladder.d1, plain.ladder.d2)
    converging = plain.ladder.converging and bool(np.isfinite(U))
    firm = converging or CONFIRMATION * (U + spread) < E
    if not converging and not (firm and E > U):
        outcome, reason = Outcome.UNRESOLVED, plain.reason
    signal = replace(
        plain,
        outcome=outcome,
        reason=reason,
        error=E,
        uncertainty=U,
        own=mine,
        edge=network.edge_name(edge),
        index=edge,
        time=float(total.t[row]),
        scale=float(scale[edge]),
        time_scale=float(time_scale[edge]),
        pointwise=total.pointwise,
    )
    beyond = total.size(away) - known
    place = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
    ours = float(total.size(away)[place]), plain.reference + plain.ladder.floor + float(known[place])
    return _Compared(signal, ours, firm)


def _missed_between(circuit: Deviation) -> float:
    """What a straight line between two points of the deviation may miss: how far every point is from its
    neighbours'."""
    t, D = circuit.t, circuit.values
    if t.size < 3:
        return 0.0
    part = ((t[1:-1] - t[:-2]) / (t[2:] - t[:-2]))[:, None]
    return float(np.abs(D[1:-1] - (1.0 - part) * D[:-2] - part * D[2:]).max(initial=0.0))


def _trial(his: Candidate, ours: Array, plain: Verdict, state: _Compared, known: bool) -> TheoryTrial:
    spice, theory = plain.spice, plain.theory
    assert spice is not None
    assert theory is not None
    circuit = Deviation(spice.t, spice.state - theory.state)
    ours_with_spice = plain.signals["state"]
    pairs = {
        "yours and SPICE": (state.signal.error, state.signal.uncertainty),
        "yours and ours": state.ours,
        "ours and SPICE": (ours_with_spice.error, ours_with_spice.uncertainty),
    }
    together = {pair: E <= U for pair, (E, U) in pairs.items()}
    if plain.outcome is not Outcome.DISAGREES:
        together["ours and SPICE"] = True
    odd = ""
    if not all(together.values()):
        for name, pair in (("yours", "ours and SPICE"), ("SPICE", "yours and ours"), ("ours", "yours and SPICE")):
            if together[pair] and (name != "yours" or state.differs):
                odd = name
                break
    return TheoryTrial(
        source=his.source,
        t=his.t,
        state=his.state,
        ours=ours,
        spice=ours + circuit.on(his.t),
        pairs=pairs,
        odd_one_out=odd,
        ours_and_spice=plain,
        own_error_known=known,
    )


def _alike(facts: Verdict, trial: TheoryTrial, moved: Mapping[str, float]) -> Verdict:
    """Nothing differs that could be told."""
    signals = facts.signals
    lost = [s for s in signals.values() if s.outcome is Outcome.UNRESOLVED]
    beyond = [s for s in signals.values() if s.error > s.uncertainty]
    coarse = [s for s in signals.values() if s.uncertainty - s.own > facts.tolerance]
    idle = all(moved[name] <= LEAST_MOTION * s.uncertainty for name, s in signals.items())
    worst = max(lost or beyond or coarse or signals.values(), key=lambda s: s.uncertainty)
    outcome = Outcome.UNRESOLVED
    if lost:
        reason = worst.reason
    elif beyond:
        reason = (
            f"your theory and the circuit differ by {worst.error:.3g}, more than {worst.uncertainty:.3g}, yet yours "
        )
        reason += "and ours do not: too close to call; a smaller tolerance makes the circuit finer"
    elif coarse:
        reason = (
            f"the numerical uncertainty {worst.uncertainty - worst.own:.3g} of the {worst.name} exceeds the tolerance "
        )
        reason += f"{facts.tolerance:.3g}: {trial.ours_and_spice.reason}"
    elif idle:
        reason = f"the states move by {moved['state']:.2g} only, and U is {worst.uncertainty:.2g}"
        reason += f", {worst.own:.2g} of it your own error" if worst.own else ""
        reason += ": nothing was tested; lengthen the span or strengthen the drives"
    else:
        outcome = Outcome.AGREES
        reason = (
            f"your theory and the circuit differ by {worst.error:.3g}, within the uncertainty {worst.uncertainty:.3g}"
        )
        reason += f", {worst.own:.2g} of which is your own error" if worst.own else ""
    if trial.odd_one_out == "ours":
        reason = f"our own theory is the odd one out ({trial.ours_and_spice.reason}), please report it; {reason}"
    deciding = worst.name
    until = float(trial.t[-1]) if outcome is Outcome.AGREES else facts.agrees_until
    return replace(facts, outcome=outcome, reason=reason, deciding=deciding, agrees_until=until)


def _different(
    worst: str,
    facts: Verdict,
    trial: TheoryTrial,
    his: Candidate,
    network: Network,
    alike: tuple[str, ...],
    say: Progress,
) -> Verdict:
    """The signal `worst` differs: what may explain it, and whether that is an accusation."""
    signal = facts.signals[worst]
    differ = (
        f"your theory and the circuit differ by {signal.error:.3g}, more than the uncertainty "
        f"{signal.uncertainty:.3g}, in the {signal.name} of {signal.edge} at t = {signal.time:.4g} s"
    )
    if signal.own:
        differ += f" ({signal.own:.2g} of it is your own error)"
    until = _agrees_until(trial, facts.signals["state"]) if worst == "state" else None
    facts = replace(facts, deciding=worst, agrees_until=until)
    if trial.odd_one_out == "SPICE":
        return replace(
            facts, outcome=Outcome.DISAGREES, reason=f"SPICE is the odd one out, yours and ours agree; {differ}"
        )
    findings = _diagnosed(his, network, alike, say)
    cause = findings[0] if findings and findings[0].certain else None
    facts = replace(facts, diagnosis=findings)
    if cause is not None and trial.own_error_known and (1.0 - cause.explains) * signal.error > signal.uncertainty:
        differ += "; something else remains beside the first mistake"
    if trial.own_error_known:
        told = "" if not findings else f"; {findings[0].sentence}" if cause else f"; suspects: {_listed(findings)}"
        return replace(facts, outcome=Outcome.DISAGREES, reason=differ + told)
    if cause is not None and not _may_be_a_step(cause, his, network, signal.error):
        return replace(facts, outcome=Outcome.DISAGREES, reason=f"{differ}; {cause.sentence}")
    told = f"; {_listed(findings)}" if findings else ""
    reason = f"{differ}, but your own error is unknown; give theory_error or a second run at another step{told}"
    return replace(facts, outcome=Outcome.UNRESOLVED, reason=reason)


def _listed(findings: tuple[Finding, ...]) -> str:
    return "; ".join(finding.sentence for finding in findings)


def _diagnosed(his: Candidate, network: Network, alike: tuple[str, ...], say: Progress) -> tuple[Finding, ...]:
    continuous = his.is_callable
    if continuous:
        stop = float(his.t[-1])
        shortest = min((drive.timescale() for drive in network.drives if drive is not None), default=stop)
        points = int(np.clip(PER_PERIOD * stop / shortest, GRID, MOST_POINTS)) if np.isfinite(shortest) else GRID
        his = his.at(np.linspace(0.0, stop, points))
    error = 0.0 if his.own_error is None else float(his.own_error.max())
    reported = Reported(t=his.t, state=his.state, current=his.current, error=error, continuous=continuous, alike=alike)
    return diagnose(network, reported, say)


def _may_be_a_step(cause: Finding, his: Candidate, network: Network, error: float) -> bool:
    """Whether the misfit may be the error of an integration on his grid, which is no mistake in the equations.

    A fitted number follows a step error closely (explicit Euler is a delay by half a step), so it counts only beyond
    what the crudest method makes on these times.
    """
    if cause.by_steps:
        return True
    if cause.value is None:
        return False
    crudest, right = Program(network=network, euler=1).solve(his.t), Program(network=network).solve(his.t)
    return crudest is None or right is None or error <= float(np.abs(crudest - right).max())


def _agrees_until(trial: TheoryTrial, signal: SignalVerdict) -> float:
    away = np.abs(trial.state - trial.spice).max(axis=1) > signal.uncertainty
    first = int(np.argmax(away)) if away.any() else trial.t.size - 1
    return float(trial.t[max(first - 1, 0)])
