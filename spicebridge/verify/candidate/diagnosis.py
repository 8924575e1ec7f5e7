"""Why a candidate differs: which one mistake, made in a right program, gives what he reports.

    explains(h) = 1 - |reported - h| / |reported - right|        (root mean squares over edges and times)

Every mistake of `mistakes` is tried. What concerns one edge is sieved first, without integrating anything, by the
residual of the integrated equation on the candidate's own path,

    r_h(t) = w(t) - w(0) - int_0^t F_h(w(u), u) du,

and the best are integrated. Mistakes whose trajectories are the same for all that the report can tell form one class
and one finding: its likeliest member is named, and the others stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.network import Network
from spicebridge.theory.threads import one_blas_thread
from spicebridge.theory.time.dynamics import network_branch
from spicebridge.verify.candidate.mistakes import CAUSES, Mistake, mistakes
from spicebridge.verify.candidate.program import Program, effort

Progress = Callable[[str], None]

NAMED = 0.9
"""Share of the misfit that a mistake must explain to be named as the cause, …"""
CLEARLY = 2.0
"""… and by how much the next class must leave more of it unexplained."""
ALIKE = 1e-3
"""Share of the misfit below which two trajectories are the same, if what they leave unexplained allows no finer look."""
WORTH = 0.02
"""Share of the misfit that a suspect must explain to be mentioned at all."""
SUSPECTS = 3
INTEGRATED = 30
"""Mistakes of single edges that are integrated: the best of the sieve."""
EVALUATIONS = 24_000
"""Right-hand sides that the sieve may take."""
OF_STEPS = ("euler_step", "clamp_at_walls")
"""Mistakes of a program that takes steps."""
DEAR, CHEAP = 30, 2_000
"""A mistake whose program takes so many times the right-hand sides of the right one, and so many more, is not tried: a time
axis a thousand times too long is a thousand integrations."""
ROWS = 400
"""Times at which trajectories are compared."""
REFINED, REFINEMENTS = 4, 24
"""Mistakes with a number (a scale, a shift) that are refined: the best so many, in so many steps each."""


@dataclass(frozen=True)
class Finding:
    """One class of mistakes that would explain the candidate.

    `cause` is an identifier of `CAUSES` and `where` the edge or parameter; `explains` the share of the misfit that it
    removes (1: all of it); `same_as` other causes with the same trajectories; `value` a fitted factor or time (s), if any;
    `certain` False for a suspect, which explains too little or not clearly more than others do.
    """

    cause: str
    where: str
    explains: float
    sentence: str
    same_as: tuple[str, ...] = ()
    value: float | None = None
    certain: bool = True

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, eq=False)
class Reported:
    """What a candidate says: times (n_t,) in s from 0, states (n_t, n_e), and currents (n_t, n_e) in A if he gave them.

    `error` is what he knows of his own error in the states. `continuous`: a right-hand side integrated by us, so that no
    step of his can be wrong. `alike` are the signals that agree already.
    """

    t: Array
    state: Array
    current: Array | None = None
    error: float = 0.0
    continuous: bool = False
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Trial:
    mistake: Mistake
    value: float
    left: float
    path: Array = field(repr=False)

    @property
    def rank(self) -> tuple[int, int]:
        return int(self.mistake.free), list(CAUSES).index(self.mistake.cause)


def diagnose(network: Network, reported: Reported, progress: Progress | None = None) -> tuple[Finding, ...]:
    """Which mistakes explain what a candidate reports, the best first; () where he is right or nothing fits.

    One finding that is `certain`, followed by nothing worse than it; or up to three suspects.
    """
    say = progress or (lambda message: None)
    comparison = _Comparison(network, reported)
    if comparison.misfit <= 0.0:
        return ()
    say("looking for the mistake")
    with one_blas_thread():
        trials = [comparison.try_out(mistake, value) for mistake, value in _sieved(network, reported)]
        found = sorted((trial for trial in trials if trial is not None), key=lambda trial: trial.left)
        for rough in [trial for trial in found if trial.mistake.free][:REFINED]:
            found[found.index(rough)] = comparison.refined(rough)
    found.sort(key=lambda trial: trial.left)
    return _findings(_classes(found, reported.error / comparison.misfit))


class _Comparison:
    """The measure of misfit: states of edges with memory, and currents if given, each by its own first misfit."""

    def __init__(self, network: Network, reported: Reported) -> None:
        self.t = reported.t
        self.rows = np.unique(np.linspace(0, self.t.size - 1, min(self.t.size, ROWS)).round().astype(int))
        self.moving = network.stateful
        self.reported = [reported.state[self.rows][:, self.moving]]
        if reported.current is not None:
            self.reported.append(reported.current[self.rows])
        right = self._signals(Program(network))
        if right is None:
            self.misfit, self.scales = 0.0, [0.0]
            return
        differences = [theirs - ours for theirs, ours in zip(self.reported, right, strict=True)]
        names = ("state", "current")[: len(right)]
        self.scales = [
            0.0 if name in reported.alike else _rms(d) if _rms(d) > 1e-9 * np.abs(o).max() else 0.0
            for name, d, o in zip(names, differences, right, strict=True)
        ]
        self.misfit = self.scales[0] if self.scales[0] > 0.0 else max(self.scales)

    def _signals(self, program: Program) -> list[Array] | None:
        path = program.solve(self.t)
        if path is None:
            return None
        signals = [path[self.rows][:, self.moving]]
        if len(self.reported) > 1:
            branch, _ = network_branch(program.network, "auto")
            states = 1.0 - path if program.complement else path
            signals.append(np.array([branch(states[row], float(self.t[row]))[0] for row in self.rows]))
        return signals

    def left(self, signals: Sequence[Array]) -> float:
        """The share of the misfit that is left."""
        parts = [
            _rms(theirs - ours) / scale
            for theirs, ours, scale in zip(self.reported, signals, self.scales, strict=True)
            if scale > 0.0
        ]
        return float(np.sqrt(np.mean(np.square(parts)))) if parts else np.inf

    def try_out(self, mistake: Mistake, value: float) -> _Trial | None:
        """The mistake at the best of its numbers, or at the one that the sieve found."""
        values = mistake.values if value == mistake.values[0] else (value,)
        found = [trial for other in values if (trial := self._at(mistake, other)) is not None]
        return min(found, key=lambda trial: trial.left, default=None)

    def _at(self, mistake: Mistake, value: float) -> _Trial | None:
        signals = self._signals(mistake.build(value))
        if signals is None:
            return None
        path = np.concatenate(
            [(s / scale).ravel() for s, scale in zip(signals, self.scales, strict=True) if scale > 0.0]
        )
        return _Trial(mistake, value, self.left(signals), path)

    def refined(self, start: _Trial) -> _Trial:
        """The mistake at its best number between the neighbours of the best in its list."""
        from scipy.optimize import minimize_scalar

        mistake = start.mistake
        values = sorted({*mistake.values, start.value} | ({1.0} if mistake.unit == "1" else {0.0}))
        place = values.index(start.value)
        low, high = values[max(place - 1, 0)], values[min(place + 1, len(values) - 1)]
        best = [start]

        def left(value: float) -> float:
            trial = self._at(mistake, float(value))
            if trial is None:
                return 1e3
            if trial.left < best[0].left:
                best[0] = trial
            return trial.left

        minimize_scalar(
            left, bounds=(low, high), method="bounded", options={"maxiter": REFINEMENTS, "xatol": 1e-7 * (high - low)}
        )
        return best[0]


def _rms(difference: Array) -> float:
    return float(np.sqrt(np.mean(np.square(difference)))) if difference.size else 0.0


def _sieved(network: Network, reported: Reported) -> list[tuple[Mistake, float]]:
    """The mistakes to integrate, each with its best number so far."""
    most = DEAR * effort(network, float(reported.t[-1])) + CHEAP
    every = list(mistakes(network, reported.t, reported.state[0], most))
    if reported.continuous:
        every = [mistake for mistake in every if mistake.cause not in OF_STEPS]
    plain = [mistake for mistake in every if _is_plain(mistake) and mistake.where and mistake.cause != "clamp_at_walls"]
    rest = [mistake for mistake in every if mistake not in plain]
    tries = sum(len(mistake.values) for mistake in plain)
    residual = _Residual(network, reported, int(np.clip(EVALUATIONS / max(tries, 1), 40, ROWS)))
    scored = []
    for mistake in plain:
        scores = [residual(mistake.build(value)) for value in mistake.values]
        best = int(np.argmin(scores))
        scored.append((scores[best], mistake, mistake.values[best]))
    scored.sort(key=lambda row: row[0])
    return [(mistake, mistake.values[0]) for mistake in rest] + [(m, value) for _, m, value in scored[:INTEGRATED]]


def _is_plain(mistake: Mistake) -> bool:
    """Whether the program differs in its right-hand side alone."""
    program = mistake.build(mistake.values[0])
    return not (
        program.projector
        or program.complement
        or program.euler
        or program.clip
        or program.time_scale != 1.0
        or program.time_shift != 0.0
        or mistake.cause in ("swap_state", "initial_state")
    )


class _Residual:
    """|w - w(0) - int F_h(w) dt| of a program on the candidate's own path, root mean square."""

    def __init__(self, network: Network, reported: Reported, points: int) -> None:
        rows = np.unique(np.linspace(0, reported.t.size - 1, min(reported.t.size, points)).round().astype(int))
        self.t, self.w = reported.t[rows], reported.state[rows]
        self.moving: BoolArray = network.stateful

    def __call__(self, program: Program) -> float:
        from scipy.interpolate import CubicSpline

        with np.errstate(all="ignore"):
            rates = np.array([program.rhs(float(time), w) for time, w in zip(self.t, self.w, strict=True)])
        if not np.isfinite(rates).all():
            return np.inf
        if self.t.size < 4:
            moved = np.concatenate(
                [[0 * rates[0]], np.cumsum(np.diff(self.t)[:, None] * (rates[1:] + rates[:-1]) / 2, axis=0)]
            )
        else:
            moved = CubicSpline(self.t, rates).antiderivative()(self.t)
        return _rms((self.w - self.w[0] - moved)[:, self.moving])


def _classes(found: list[_Trial], own_error: float) -> list[list[_Trial]]:
    """Trials with the same trajectories, the best class first, the likeliest member of each first."""
    classes: list[list[_Trial]] = []
    for trial in found:
        for members in classes:
            near = max(ALIKE, members[0].left / 3, own_error)
            if _rms(trial.path - members[0].path) <= near:
                members.append(trial)
                break
        else:
            classes.append([trial])
    return [_without_idle_clips(sorted(members, key=lambda trial: trial.rank)) for members in classes]


def _without_idle_clips(members: list[_Trial]) -> list[_Trial]:
    """A clip that never acts is no mistake beside the steps that it follows."""
    steps = [trial.path for trial in members if trial.mistake.cause == "euler_step"]

    def idle(trial: _Trial) -> bool:
        return trial.mistake.cause == "clamp_at_walls" and any(np.array_equal(trial.path, path) for path in steps)

    return [trial for trial in members if not idle(trial)]


def _findings(classes: list[list[_Trial]]) -> tuple[Finding, ...]:
    classes = [members for members in classes if min(trial.left for trial in members) < 1.0 - WORTH]
    if not classes:
        return ()
    left = [min(trial.left for trial in members) for members in classes]
    certain = left[0] <= 1.0 - NAMED and (len(left) == 1 or left[1] >= CLEARLY * left[0])
    chosen = classes[:1] if certain else classes[:SUSPECTS]
    return tuple(_finding(members, certain) for members in chosen)


def _finding(members: list[_Trial], certain: bool) -> Finding:
    first = members[0]
    explains = 1.0 - min(trial.left for trial in members)
    others = tuple(dict.fromkeys(t.mistake.cause for t in members if t.mistake.cause != first.mistake.cause))
    words = first.mistake.sentence(first.value)
    beside = f"; {', '.join(others)} would look the same" if others else ""
    share = f"explains {100 * explains:.1f} % of the misfit"
    sentence = f"{words} ({share}{beside})" if certain else f"perhaps {words} ({share}{beside})"
    value = first.value if first.mistake.free else None
    return Finding(first.mistake.cause, first.mistake.where, explains, sentence, others, value, certain)
