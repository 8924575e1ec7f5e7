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
from dataclasses import dataclass, field, replace

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.network import Network
from spicebridge.theory.threads import one_blas_thread
from spicebridge.theory.time.dynamics import network_branch
from spicebridge.verify.candidate.mistakes import CAUSES, SCALES, Mistake, mistakes
from spicebridge.verify.candidate.program import NO_CURRENTS, WHOLE, Program, effort
from spicebridge.verify.verdict import Finding

Progress = Callable[[str], None]

NAMED = 0.9
"""Share of the misfit that a mistake must explain to be named as the cause, …"""
CLEARLY = 2.0
"""… and by how much the next class must leave more of it unexplained."""
ALIKE = 1e-3
"""Share of the misfit below which two trajectories are the same, if what they leave unexplained allows no finer
look."""
WORTH = 0.02
"""Share of the misfit that a suspect must explain to be mentioned at all."""
SUSPECTS = 3
LISTED = 3
"""Of the numbers listed for a mistake, so many are integrated: those with the least residual."""
INTEGRATED = 30
"""Mistakes of single edges that are integrated: the best of the sieve."""
EVALUATIONS = 24_000
"""Right-hand sides that the sieve may take."""
OF_STEPS = ("euler_step", "clamp_at_walls")
"""Mistakes of a program that takes steps."""
DEAR, CHEAP = 30, 2_000
"""A program may take so many times the right-hand sides of the right one, and so many more, …"""
FEW, MOST = 4, 200_000
"""… or what it takes to reach so many of the candidate's times on an axis a thousand times too long, at the most so
many. What it has reached by then is compared."""
AWAY = 100.0
"""States that are so many times larger than any of the right program are not compared, nor what follows them."""
ORDERED = 300
"""Edges up to which columns are matched one by one."""
ROWS, FEWEST_ROWS, NUMBERS = 400, 100, 10_000
"""Times at which trajectories are compared: at the most, at the least, and between them so that there are so many
states."""
REFINED, REFINEMENTS = 4, 8
"""Mistakes with a number (a scale, a shift) that are refined: the best so many, in so many steps each."""
FITTED = 1e-9
"""Relative change of a number at which it is fitted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reported:
    """What a candidate says: times (n_t,) in s from 0, states (n_t, n_e), and currents (n_t, n_e) in A if he gave them.

    `error` is what he knows of his own error in the states. `continuous`: a right-hand side integrated by us, so that
    no step of his can be wrong. `alike` are the signals that agree already.
    """

    t: Array
    state: Array
    current: Array | None = None
    error: float = 0.0
    continuous: bool = False
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trial:
    """A mistake at one value: the share of the misfit that is `left`, and its signals (n, n_signals) in units of their
    misfits at the first n of the times compared. `reached` is the last of them in s, None if it is the candidate's
    last."""

    mistake: Mistake
    value: float
    left: float
    path: Array = field(repr=False)
    reached: float | None = None

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
        candidates = [*comparison.columns(network), *_sieved(network, reported, comparison.until)]
        trials = [comparison.try_out(mistake, value) for mistake, value in candidates]
        found = sorted((trial for trial in trials if trial is not None), key=lambda trial: trial.left)
        for rough in [trial for trial in found if trial.mistake.free][:REFINED]:
            found[found.index(rough)] = comparison.refined(rough)
    found.sort(key=lambda trial: trial.left)
    return _findings(_classes(found, reported.error / comparison.misfit))


class _Comparison:
    """The measure of misfit: states of edges with memory, and currents if given, each by its own first misfit."""

    def __init__(self, network: Network, reported: Reported) -> None:
        self.t = reported.t
        most = int(np.clip(NUMBERS / network.n_edges, FEWEST_ROWS, ROWS))
        self.rows = np.unique(np.linspace(0, self.t.size - 1, min(self.t.size, most)).round().astype(int))
        self.moving = network.stateful
        self.currents = reported.current is not None
        self.misfit = 0.0
        right = self._signals(Program(network=network))
        if right is None:
            return
        theirs = [reported.state[self.rows][:, self.moving]]
        n = _until_he_runs_away(theirs[0], right[0])
        self.rows, theirs, right = self.rows[:n], [theirs[0][:n]], [values[:n] for values in right]
        self.until = int(self.rows[-1]) + 1
        seen = replace(reported, t=reported.t[: self.until], state=reported.state[: self.until])
        self.residual = _Residual(network, seen, ROWS // 2) if self.until >= FEWEST_ROWS else None
        if reported.current is not None:
            theirs.append(reported.current[self.rows])
        self.scales = []
        for name, his, ours in zip(("state", "current"), theirs, right, strict=False):
            size = _rms(his - ours)
            known = name in reported.alike or size <= 1e-9 * np.abs(ours).max(initial=0.0)
            self.scales.append(0.0 if known else size)
        self.misfit = self.scales[0] or max(self.scales)
        self.right, self.theirs = self._in_units(right), self._in_units(theirs)

    def _signals(self, program: Program) -> list[Array] | None:
        """States and currents at the first of the rows, as many as the program reaches."""
        path = program.solve(self.t, self.rows)
        if path is None:
            return None
        signals = [path[:, self.moving]]
        if self.currents:
            branch, _ = network_branch(program.network, "auto")
            states = 1.0 - path if program.complement else path
            order = slice(None) if program.order is None else program.order
            states = states if program.order is None else states[:, np.argsort(program.order)]
            signals.append(
                np.array([branch(w, float(self.t[row]))[0][order] for w, row in zip(states, self.rows, strict=False)])
            )
        return signals

    def _in_units(self, signals: Sequence[Array]) -> Array:
        """(n, n_columns): the first misfit has a root mean square of 1, and every signal the same part in it."""
        used = [(values, scale) for values, scale in zip(signals, self.scales, strict=True) if scale > 0.0]
        if not used:
            return np.zeros((len(signals[0]), 0))
        share = sum(values.shape[1] for values, _ in used) / len(used)
        return np.hstack([values / scale * np.sqrt(share / values.shape[1]) for values, scale in used])

    def _at(self, mistake: Mistake, value: float) -> _Trial | None:
        signals = self._signals(mistake.build(value))
        if signals is None:
            return None
        path = self._in_units(signals)
        n = len(path)
        misfit = _rms(self.theirs[:n] - self.right[:n])
        if n < min(FEW, self.rows.size) or misfit <= WORTH:
            return None
        reached = None if self.rows[n - 1] == self.t.size - 1 else float(self.t[self.rows[n - 1]])
        return _Trial(
            mistake=mistake, value=value, left=_rms(self.theirs[:n] - path) / misfit, path=path, reached=reached
        )

    def columns(self, network: Network) -> list[tuple[Mistake, float]]:
        """That his columns stand in another order: each is then that of the right program which it resembles most."""
        from scipy.optimize import linear_sum_assignment

        moving = np.flatnonzero(self.moving)
        if not 1 < moving.size <= ORDERED or self.scales[0] == 0.0:
            return []
        his, ours = self.theirs[:, : moving.size], self.right[:, : moving.size]
        cost = np.square(his).sum(axis=0)[:, None] + np.square(ours).sum(axis=0) - 2.0 * his.T @ ours
        _, found = linear_sum_assignment(cost)
        if (found == np.arange(moving.size)).all():
            return []
        order = np.arange(network.n_edges)
        order[moving] = moving[found]
        swapped = np.flatnonzero(order != np.arange(network.n_edges))
        names = ", ".join(
            f"{network.edge_name(int(order[k]))} in that of {network.edge_name(int(k))}" for k in swapped[:3]
        )
        words = f"columns, {names}" + (", …" if swapped.size > 3 else "")
        program = Program(network=network, order=order)
        return [(Mistake(cause="edge_order", where=words, build=lambda value: program), 0.0)]

    def try_out(self, mistake: Mistake, value: float) -> _Trial | None:
        """The mistake at the best of its numbers, or at the one that the sieve found."""
        values = mistake.values if value == mistake.values[0] else (value,)
        if len(values) > LISTED and self.residual is not None and _is_plain(mistake):
            misses = {one: _rms(self.residual(mistake.build(one))) for one in values}
            values = tuple(sorted(values, key=misses.__getitem__)[:LISTED])
        found = [trial for other in values if (trial := self._at(mistake, other)) is not None]
        if mistake.free and len(values) > 1:
            found.append(self._stepped(_Trial(mistake=mistake, value=mistake.neutral, left=1.0, path=self.right)))
        return min(found, key=lambda trial: trial.left, default=None)

    def _stepped(self, start: _Trial) -> _Trial:
        """One step of Gauss and Newton in the number: theirs - path(a) = d path/da (b - a), in least squares."""
        mistake, a = start.mistake, start.value
        beside = self._at(mistake, a + mistake.probe)
        if beside is None:
            return start
        n = min(len(beside.path), len(start.path))
        slope = (beside.path[:n] - start.path[:n]) / mistake.probe
        square = float(np.sum(slope * slope))
        if square == 0.0 or not np.isfinite(square):
            return start
        step = float(np.sum(slope * (self.theirs[:n] - start.path[:n]))) / square
        if abs(step) <= FITTED * max(abs(a), mistake.probe):
            return start
        for part in (1.0, 0.3, 0.1):
            trial = self._at(mistake, a + part * step) if mistake.unit != "1" or a + part * step > 0.0 else None
            if trial is not None and trial.left < start.left:
                return trial
        return start

    def refined(self, start: _Trial) -> _Trial:
        """The mistake at the number that fits best near `start`."""
        for _ in range(REFINEMENTS):
            better = self._stepped(start)
            if better is start:
                break
            start = better
        return start


def _until_he_runs_away(his: Array, right: Array) -> int:
    """How many of the rows are compared: where his states have grown beyond all measure only the last of them would
    count."""
    largest = AWAY * max(1.0, float(np.abs(right).max(initial=0.0)))
    beyond = (np.abs(his) > largest).any(axis=1)
    return max(int(np.argmax(beyond)), min(FEW, beyond.size)) if beyond.any() else beyond.size


def _rms(difference: Array) -> float:
    return float(np.sqrt(np.mean(np.square(difference)))) if difference.size else 0.0


def _sieved(network: Network, reported: Reported, until: int) -> list[tuple[Mistake, float]]:
    """The mistakes to integrate, each with its best number so far; `until` is the number of times that count."""
    few = min(FEW / reported.t.size, 1.0) * max(SCALES)
    most = effort(network, float(reported.t[-1]))
    most = int(max(DEAR * most, min(few * most, MOST))) + CHEAP
    every = list(mistakes(network, reported.t, reported.state[0], most))
    if reported.continuous:
        every = [mistake for mistake in every if mistake.cause not in OF_STEPS]
    plain = [mistake for mistake in every if _is_plain(mistake) and _of_one_edge(mistake)]
    rest = [mistake for mistake in every if mistake not in plain]
    seen = replace(reported, t=reported.t[:until], state=reported.state[:until])
    residual = _Residual(network, seen, int(np.clip(EVALUATIONS / max(len(plain), 1), 40, ROWS)))
    scored = [(*residual.best(mistake), mistake) for mistake in plain]
    scored.sort(key=lambda row: row[0])
    return [(mistake, mistake.values[0]) for mistake in rest] + [(m, value) for _, value, m in scored[:INTEGRATED]]


def _of_one_edge(mistake: Mistake) -> bool:
    return bool(mistake.where) and len(mistake.values) == 1 and mistake.cause != "clamp_at_walls"


def _is_plain(mistake: Mistake) -> bool:
    """Whether the program differs in its right-hand side alone."""
    program = mistake.build(mistake.values[0])
    return not (
        program.projector
        or program.complement
        or program.order is not None
        or program.euler
        or program.clip
        or program.time_scale != 1.0
        or program.time_shift != 0.0
        or mistake.cause in ("swap_state", "initial_state")
    )


class _Residual:
    """w - w(0) - int F_h(w) dt of a program on the candidate's own path."""

    def __init__(self, network: Network, reported: Reported, points: int) -> None:
        rows = np.unique(np.linspace(0, reported.t.size - 1, min(reported.t.size, points)).round().astype(int))
        self.t, self.w = reported.t[rows], reported.state[rows]
        self.moving: BoolArray = network.stateful
        self.right = self(Program(network=network))

    def __call__(self, program: Program) -> Array:
        """(n_t, n_moving), infinite where the program has no rates."""
        from scipy.interpolate import CubicSpline

        try:
            with np.errstate(all="ignore"):
                rates = np.array([program.rhs(float(time), w) for time, w in zip(self.t, self.w, strict=True)])
        except NO_CURRENTS:
            rates = np.full_like(self.w, np.nan)
        if not np.isfinite(rates).all():
            return np.full((self.t.size, int(self.moving.sum())), np.inf)
        if self.t.size < 4:
            moved = np.concatenate(
                [[0 * rates[0]], np.cumsum(np.diff(self.t)[:, None] * (rates[1:] + rates[:-1]) / 2, axis=0)]
            )
        else:
            moved = CubicSpline(self.t, rates).antiderivative()(self.t)
        return np.asarray((self.w - self.w[0] - moved)[:, self.moving])

    def best(self, mistake: Mistake) -> tuple[float, float]:
        """The least root mean square of a mistake, and its number: with sources, rates change linearly."""
        value = mistake.values[0]
        found = self(mistake.build(value))
        if not (mistake.free and np.isfinite(found).all() and np.isfinite(self.right).all()):
            return _rms(found), value
        slope = (found - self.right) / (value - mistake.neutral)
        square = float(np.sum(slope * slope))
        step = -float(np.sum(slope * self.right)) / square if square > 0.0 else 0.0
        return _rms(self.right + step * slope), max(mistake.neutral + step, 0.0)


def _classes(found: list[_Trial], own_error: float) -> list[list[_Trial]]:
    """Trials with the same trajectories, the best class first, the likeliest member of each first."""
    classes: list[list[_Trial]] = []
    for trial in found:
        for members in classes:
            first = members[0]
            near = max(ALIKE, min(first.left, 1.0 - NAMED) / 3, own_error)
            n = min(len(trial.path), len(first.path))
            shared = trial.reached == first.reached or n >= WHOLE * max(len(trial.path), len(first.path))
            if shared and _rms(trial.path[:n] - first.path[:n]) <= near:
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
    if first.reached is not None:
        share += f" until {first.reached:.3g} s, what comes later was not compared"
    sentence = f"{words} ({share}{beside})" if certain else f"perhaps {words} ({share}{beside})"
    value = first.value if first.mistake.free else None
    by_steps = any(trial.mistake.by_steps for trial in members)
    return Finding(
        cause=first.mistake.cause,
        where=first.mistake.where,
        explains=explains,
        sentence=sentence,
        same_as=others,
        value=value,
        certain=certain,
        by_steps=by_steps,
    )
