"""Somebody's own theory on trial: are mistakes named, and right programs left alone?

python -m bench.candidate [--count 40] [--first 0] [--keep rows.jsonl] [--limit 500] [--cost]

The programs are written here, from the equations of the papers and in plain numpy: nothing of the package's theory, and
nothing of its list of mistakes, is used to make them.

    A i = 0 and A (v - S) = 0 over the loops of a cycle basis:  i = A^t (A R A^t)^-1 A S,  v = R i
    dw/dt = alpha w - (Ron/beta) i,    R = Ron (1 - w) + Roff w                      (2017)
    dw/dt = -alpha w + (Roff/beta) i,  R = Roff (1 - w) + Ron w                      (tunneling)

with v/Ron or v/Roff for i where the rate follows the drop.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import spicebridge as sb

Floats = NDArray[np.float64]
STOP = 3.0
T = np.linspace(0.0, STOP, 401)
HONEST = 1e-6
"""What an author says of an integration at 1e-10."""


@dataclass(frozen=True, eq=False)
class Own:
    """An own program for one network; the fields are what a mistake changes."""

    edges: list[tuple[int, int]]
    A: Floats
    law: str
    control: str
    w0: Floats
    amplitude: Floats
    frequency: Floats
    phase: Floats
    offset: Floats
    hard: bool = False
    r_on: float = 100.0
    r_off: float = 1600.0
    alpha: float = 0.3
    beta: float = 1.0
    J: Floats = field(default_factory=lambda: np.ones(1))
    turned: Floats = field(default_factory=lambda: np.ones(1))
    slope: float | None = None
    window: str = ""
    projector: str = ""
    pace: float = 1.0
    late: float = 0.0

    def source(self, t: float) -> Floats:
        angle = 2 * np.pi * self.frequency * (t - self.late) + self.phase
        return np.asarray(self.offset + self.amplitude * np.sin(angle))

    def current(self, t: float, w: Floats) -> Floats:
        S = self.source(t)
        A, old = self.A, self.law == "2017"
        if self.projector:
            xi = self.r_off / self.r_on - 1.0 if old else self.r_on / self.r_off - 1.0
            first = self.r_on if old else self.r_off
            Omega = A.T @ np.linalg.inv(A @ A.T) @ A
            W = np.diag(w)
            if self.projector == "missing":
                return np.asarray(np.linalg.solve(np.eye(w.size) + xi * Omega @ W, S / first))
            return np.asarray(np.linalg.solve(np.eye(w.size) + xi * W @ Omega, Omega @ S / first))
        R = self.resistance(w)
        return np.asarray(A.T @ np.linalg.solve((A * R) @ A.T, A @ S))

    def resistance(self, w: Floats) -> Floats:
        first, last = (self.r_on, self.r_off) if self.law == "2017" else (self.r_off, self.r_on)
        slope = last - first if self.slope is None else self.slope
        return np.asarray(first + slope * w)

    def rate(self, t: float, w: Floats) -> Floats:
        i = self.current(t, w)
        old = self.law == "2017"
        first = self.r_on if old else self.r_off
        flow = first * i if self.control == "current" else self.resistance(w) * i
        sign = -1.0 if old else 1.0
        force = sign * self.J * flow / self.beta
        if self.window == "joglekar":
            force = force * (1.0 - (2.0 * w - 1.0) ** 2)
        out = -sign * self.alpha * w + force
        if self.window == "joglekar":
            out = -sign * self.alpha * w * (1.0 - (2.0 * w - 1.0) ** 2) + force
        return np.asarray(self.pace * out)

    def bounded(self, t: float, w: Floats) -> Floats:
        out = self.rate(t, w)
        if self.hard:
            out = np.where(((w >= 1.0) & (out > 0.0)) | ((w <= 0.0) & (out < 0.0)), 0.0, out)
        return out

    def solve(self, t: Floats) -> Floats:
        """By scipy, with bounds met by events of its own: a step of 1/8 of the interval of Heun would not do."""
        if not self.hard:
            found = solve_ivp(self.rate, (0.0, t[-1]), self.w0, "DOP853", t, rtol=1e-10, atol=1e-12)
            return np.asarray(found.y.T) if found.success and found.y.shape[1] == t.size else np.full((1, 1), np.nan)
        return self.steps(t, "rk4", 64)

    def steps(self, t: Floats, method: str, n: int = 1, clip: Any = None) -> Floats:
        """Fixed steps, n in an interval, with states put back into [0, 1] after a step where they are bounded."""
        w = self.w0.copy()
        out = [w]
        F = self.bounded
        for a, b in pairwise(t.tolist()):
            h = (b - a) / n
            for k in range(n):
                s = a + k * h
                if method == "euler":
                    w = w + h * F(s, w)
                elif method == "heun":
                    first = F(s, w)
                    w = w + h / 2 * (first + F(s + h, w + h * first))
                else:
                    k1 = F(s, w)
                    k2 = F(s + h / 2, w + h / 2 * k1)
                    k3 = F(s + h / 2, w + h / 2 * k2)
                    w = w + h / 6 * (k1 + 2 * k2 + 2 * k3 + F(s + h, w + h * k3))
                if clip is not None:
                    w = clip(w)
                elif self.hard:
                    w = np.clip(w, 0.0, 1.0)
            out.append(w)
        return np.array(out)


def loops(edges: list[tuple[int, int]], n: int) -> Floats:
    """A loop matrix from a spanning tree: the chord, and the way back through the tree."""
    tree, chords = nx.Graph(), []
    tree.add_nodes_from(range(n))
    number = {}
    for k, (a, b) in enumerate(edges):
        if nx.has_path(tree, a, b):
            chords.append(k)
        else:
            tree.add_edge(a, b)
            number[frozenset((a, b))] = k
    A = np.zeros((len(chords), len(edges)))
    for row, k in enumerate(chords):
        a, b = edges[k]
        A[row, k] = 1.0
        way = nx.shortest_path(tree, b, a)
        for x, y in pairwise(way):
            j = number[frozenset((x, y))]
            A[row, j] = 1.0 if edges[j] == (x, y) else -1.0
    return A


def random_case(seed: int, hard: bool = False) -> tuple[sb.Network, Own]:
    """A network of 5 to 12 edges and the right program for it."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    graph = nx.gnm_random_graph(n, int(rng.integers(n + 1, 2 * n + 1)), seed=seed)
    while not nx.is_connected(graph):
        seed += 1000
        graph = nx.gnm_random_graph(n, int(rng.integers(n + 1, 2 * n + 1)), seed=seed)
    edges = [(int(a), int(b)) for a, b in graph.edges()]
    m = len(edges)
    law, control = ("2017", "tunneling")[int(rng.integers(2))], ("current", "voltage")[int(rng.integers(2))]
    reach = 1.5 if hard else 0.5
    drives = {
        "amplitude": rng.uniform(0.3, 1.0, m) * reach,
        "frequency": rng.choice([0.5, 1.0, 1.5], m),
        "phase": rng.uniform(0.3, 1.2, m),
        "offset": rng.uniform(0.05, 0.15, m) * rng.choice([-1.0, 1.0], m),
    }
    alpha = 0.1 if hard else 0.3
    w0 = rng.uniform(0.3, 0.6, m)
    J = rng.choice([-1.0, 1.0], m)
    own = Own(edges, loops(edges, n), law, control, w0, **drives, hard=hard, alpha=alpha, J=J, turned=np.ones(m))
    make = sb.LinearMemristor.caravelli2017 if law == "2017" else sb.LinearMemristor.tunneling
    window = sb.Hard() if hard else sb.NoWindow()
    device = make(100.0, 1600.0, alpha=alpha, beta=1.0, control=control, window=window)
    sources = [
        sb.Sine(a, f, offset=o, phase=p) for a, f, o, p in zip(*(drives[k].tolist() for k in ORDER), strict=True)
    ]
    network = sb.Network.from_edges(edges, device=device, drive=sources, initial_state=w0, polarity=J)
    return network, own


ORDER = ("amplitude", "frequency", "offset", "phase")
FIRST = 0


def one(values: Floats, k: int, value: float) -> Floats:
    out = values.copy()
    out[k] = value
    return out


def planted(cause: str, own: Own, rng: np.random.Generator) -> Floats:
    """States (n_t, n_e) at `T` that a program with the mistake reports."""
    k = int(rng.integers(len(own.edges)))
    sign = one(np.ones(len(own.edges)), k, -1.0)
    every = bool(rng.integers(2))
    factor = float(rng.choice([0.7, 0.9, 1.05, 1.3]))
    changes: dict[str, dict[str, Any]] = {
        "drive_sign": {
            "amplitude": own.amplitude * (-1 if every else sign),
            "offset": own.offset * (-1 if every else sign),
        },
        "drive_scale": {"amplitude": own.amplitude * factor, "offset": own.offset * factor},
        "peak_to_peak": {"amplitude": own.amplitude / 2 if every else one(own.amplitude, k, own.amplitude[k] / 2)},
        "rms": {"amplitude": own.amplitude * 2**0.5},
        "missing_offset": {"offset": 0 * own.offset if every else one(own.offset, k, 0.0)},
        "missing_drive": {"amplitude": one(own.amplitude, k, 0.0), "offset": one(own.offset, k, 0.0)},
        "cosine": {"phase": own.phase + np.pi / 2},
        "degrees": {"phase": np.radians(own.phase)},
        "angular_frequency": {"frequency": own.frequency / (2 * np.pi)},
        "time_shift": {"late": float(rng.choice([-0.1, 0.04, 0.15]))},
        "polarity": {"J": -own.J if every else own.J * sign},
        "orientation": {"J": own.J * sign, "amplitude": own.amplitude * sign, "offset": own.offset * sign},
        "swap_r_on_r_off": {"r_on": own.r_off, "r_off": own.r_on},
        "swap_state": {"w0": 1.0 - own.w0},
        "initial_state": {"w0": np.full_like(own.w0, 0.5)},
        "alpha_sign": {"alpha": -own.alpha},
        "beta_scale": {"beta": own.beta * float(rng.choice([0.5, 1.1, 2.0]))},
        "xi_definition": {"slope": own.r_off if own.law == "2017" else -own.r_on},
        "wrong_control": {"control": "voltage" if own.control == "current" else "current"},
        "missing_window": {"hard": False},
        "wrong_window": {"hard": False, "window": "joglekar"},
        "missing_projector": {"projector": "missing"},
        "transposed_projector": {"projector": "transposed"},
        "missing_loop": {"A": own.A[1:]},
    }
    if cause in changes:
        return replace(own, **changes[cause]).solve(T)
    if cause == "edge_order":
        order = np.roll(np.arange(len(own.edges)), 1)
        return replace(own, **{name: getattr(own, name)[order] for name in ORDER}).solve(T)
    if cause == "time_scale":
        return replace(own, pace=1.0).solve(np.concatenate([[0.0], 1.1 * T[1:]]))
    if cause == "w_is_resistance_fraction":
        return 1.0 - own.solve(T)
    if cause == "euler_step":
        return own.steps(T, "euler", int(rng.choice([1, 2, 5])))
    if cause == "clamp_at_walls":
        at_or_below = bool(rng.integers(2))
        bare = replace(own, hard=False)
        if at_or_below:
            return bare.steps(T, "euler", 1, lambda w: np.where(w < 1.0, 0.0, w))
        return bare.steps(T, "euler", 1, lambda w: np.where(w > 0.0, 1.0, w))
    raise ValueError(cause)


CAUSES = (
    *("drive_sign", "drive_scale", "peak_to_peak", "rms", "missing_offset", "missing_drive", "cosine", "degrees"),
    *("angular_frequency", "time_scale", "time_shift", "polarity", "orientation", "edge_order", "swap_r_on_r_off"),
    *("swap_state", "w_is_resistance_fraction", "initial_state", "alpha_sign", "beta_scale", "xi_definition"),
    *("wrong_control", "missing_window", "wrong_window", "clamp_at_walls", "euler_step", "missing_projector"),
    *("transposed_projector", "missing_loop"),
)
WALLED = ("missing_window", "wrong_window", "clamp_at_walls")


Job = tuple[str, str, int]
"""Kind of trial, what is planted or how it is integrated, and a seed."""


@dataclass(frozen=True)
class Row:
    """A trial: `seed` is the one of the network it came to, `good` whether it turned out as it should."""

    kind: str
    what: str
    job: int
    seed: int
    n_edges: int
    outcome: str
    E: float
    U: float
    good: bool
    first: str
    seconds: float

    def told(self) -> str:
        return (
            f"{self.what} (seed {self.seed}, {self.n_edges} edges): {self.outcome}, E = {self.E:.2g}, U = {self.U:.2g}; "
            f"{self.first or 'no finding'}"
        )


def trial(job: Job) -> Row:
    kind, what, seed = job
    if kind == "planted":
        return planted_trial(what, seed)
    return loose_trial(what, seed) if kind == "loose" else right_trial(kind, what, seed)


def judged(job: Job, network: sb.Network, seed: int, theory: Any, error: Any) -> tuple[Row, sb.Verdict]:
    begin = time.process_time()
    verdict = sb.validate(network, T, theory=theory, theory_error=error)
    spent = time.process_time() - begin
    words = "; ".join(f"{f.cause}{f.same_as or ''} {f.where} {f.explains:.4f}" for f in verdict.diagnosis)
    if verdict.diagnosis and not verdict.diagnosis[0].certain:
        words = f"suspects: {words}"
    good = verdict.outcome is not sb.Outcome.DISAGREES
    numbers = str(verdict.outcome), verdict.max_error, verdict.uncertainty
    return Row(*job, seed, network.n_edges, *numbers, good, words, spent), verdict


def planted_trial(cause: str, job: int) -> Row:
    """One program with one mistake, redrawn until its effect is E > 10 U and what it reports is finite."""
    seed = job
    while True:
        network, own = random_case(seed, hard=cause in WALLED)
        right = own.solve(T)
        try:
            w = planted(cause, own, np.random.default_rng(seed))
        except np.linalg.LinAlgError:
            w = np.full_like(right, np.nan)
        if w.shape == right.shape and np.isfinite(w).all() and np.abs(w - right).max() > 3e-4:
            break
        seed += 10_000
    row, verdict = judged(("planted", cause, job), network, seed, (T, w), 10 * HONEST if own.hard else HONEST)
    first = verdict.diagnosis[0] if verdict.diagnosis else None
    return replace(row, good=first is not None and first.certain and cause in (first.cause, *first.same_as))


RIGHT = ("euler", "heun", "rk4", "scipy", "callable", "single")


def right_trial(kind: str, method: str, seed: int) -> Row:
    """One right program with the error of its steps, stated by a second run or (kind "silent") not at all."""
    rng = np.random.default_rng(seed)
    network, own = random_case(seed, hard=bool(rng.integers(2)) and method in ("euler", "heun", "rk4", "callable"))
    n = int(rng.choice([60, 150, 400, 1000]))
    t = np.linspace(0.0, STOP, n + 1)
    second: Any
    theory: Any
    if method == "callable":
        theory, second = own.bounded, None
    elif method in ("scipy", "single"):
        tolerances = {"rtol": 1e-3, "atol": 1e-6} if method == "scipy" else {"rtol": 1e-5, "atol": 1e-8}
        found = solve_ivp(own.rate, (0.0, STOP), own.w0, t_eval=t, **tolerances)
        better = solve_ivp(own.rate, (0.0, STOP), own.w0, t_eval=t, rtol=1e-6, atol=1e-9)
        w = found.y.T.astype(np.float32).astype(float) if method == "single" else found.y.T
        theory, second = (t, w), (t, better.y.T)
    else:
        theory = (t, own.steps(t, method))
        half = np.linspace(0.0, STOP, 2 * n + 1)
        second = (half, own.steps(half, method))
    return judged((kind, method, seed), network, seed, theory, None if kind == "silent" else second)[0]


LOOSE = ("RK45 1e-3", "RK23 1e-3", "RK45 1e-2", "LSODA 1e-3", "Radau 1e-3")


def loose_trial(what: str, seed: int) -> Row:
    """A right program at a loose tolerance: a second run at a tenth of it tells the error, and U contains it."""
    method, text = what.split()
    network, own = random_case(seed, hard=False)
    rtol = float(text)
    found, second = (
        solve_ivp(own.rate, (0.0, STOP), own.w0, method, T, rtol=tolerance, atol=tolerance).y.T
        for tolerance in (rtol, rtol / 10)
    )
    row, verdict = judged(("loose", what, seed), network, seed, (T, found), (T, second))
    explained = verdict.outcome is not sb.Outcome.DISAGREES and verdict.max_error <= verdict.uncertainty
    return replace(row, good=explained and "your own error" in verdict.reason)


def kept(path: Path | None) -> list[Row]:
    """Rows of earlier runs, one JSON object a line."""
    if path is None or not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text().splitlines()]


def results(jobs: list[Job], path: Path | None, limit: float) -> list[Row]:
    """A row for every job: those kept, and new ones as long as there is time (`limit` in s)."""
    rows = {(row.kind, row.what, row.job): row for row in kept(path)}
    begin = time.monotonic()
    todo = [job for job in jobs if job not in rows]
    with ProcessPoolExecutor(WORKERS) as pool:
        waiting: set[Future[Row]] = set()
        while todo or waiting:
            while todo and len(waiting) < WORKERS and time.monotonic() - begin < limit:
                waiting.add(pool.submit(trial, todo.pop(0)))
            if not waiting:
                break
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                row = future.result()
                rows[row.kind, row.what, row.job] = row
                print(row, file=sys.stderr, flush=True)
                if path is not None:
                    with path.open("a") as file:
                        file.write(json.dumps(asdict(row)) + "\n")
    return [rows[job] for job in jobs if job in rows]


def section(rows: list[Row], asked: int) -> Iterator[str]:
    """What goes into RESULTS.md."""
    chosen = [row for row in rows if row.kind == "planted"]
    accused = sum(row.outcome == "disagrees" for row in chosen)
    yield f"{len(rows)} of {asked} trials were run."
    yield (
        f"\n**{len(chosen)} programs with one planted mistake** (E > 10 U): {sum(row.good for row in chosen)} named first "
        f"by class, {accused} DISAGREES."
    )
    yield from (f"- missed: {row.told()}" for row in chosen if not row.good or row.outcome != "disagrees")
    for kind, words in RIGHT_KINDS.items():
        chosen = [row for row in rows if row.kind == kind]
        outcomes = ", ".join(f"{n} {outcome}" for outcome, n in Counter(row.outcome for row in chosen).most_common())
        accused = sum(row.outcome == "disagrees" for row in chosen)
        yield f"\n**{len(chosen)} right programs, {words}**: {accused} accused; {outcomes}."
        yield from (f"- {row.told()}" for row in chosen if not row.good)
    spent = [row.seconds for row in rows if row.kind == "planted"]
    if spent:
        yield f"\nProcess time of a trial with its diagnosis: median {np.median(spent):.1f} s, largest {max(spent):.1f} s."


RIGHT_KINDS = {
    "stated": "a second run as theory_error",
    "silent": "their own error not stated",
    "loose": "correct up to a loose tolerance, with a second run at a tenth of it",
}
WORKERS = 2


def planned(count: int, first: int) -> list[Job]:
    """The planted, the right and the loose programs, with seeds from `first`."""
    jobs: list[Job] = [("planted", CAUSES[k % len(CAUSES)], first + k) for k in range(count)]
    for kind in ("stated", "silent"):
        jobs += [(kind, RIGHT[k % len(RIGHT)], first + 500 + k) for k in range(count)]
    return jobs + [("loose", method, first + 900 + k) for k, method in enumerate(LOOSE)]


def wide_case(side: int) -> tuple[sb.Network, Own]:
    """A square lattice of side x side nodes with a source on every edge, and the right program for it."""
    rng = np.random.default_rng(side)
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    edges = [(int(a), int(b)) for a, b in graph.edges()]
    m = len(edges)
    amplitude, phase, w0 = rng.uniform(0.3, 1.0, m), rng.uniform(0.3, 1.2, m), rng.uniform(0.3, 0.6, m)
    sines = {"amplitude": amplitude, "frequency": np.ones(m), "offset": np.zeros(m), "phase": phase}
    own = Own(edges, loops(edges, side * side), "2017", "current", w0, J=np.ones(m), turned=np.ones(m), **sines)
    law = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.3, beta=1.0)
    drives = [sb.Sine(a, 1.0, phase=p) for a, p in zip(amplitude.tolist(), phase.tolist(), strict=True)]
    return sb.Network.from_edges(edges, device=law, drive=drives, initial_state=w0), own


def spent(network: sb.Network, **theory: Any) -> tuple[float, float]:
    """Processor time, that of the simulator included, and time by the clock of one validation, in s."""
    begin, clock = os.times(), time.perf_counter()
    sb.validate(network, T, **theory)
    end = os.times()
    return sum(end[:4]) - sum(begin[:4]), time.perf_counter() - clock


def cost(first: int, repeats: int = 7) -> Iterator[str]:
    """What a trial of a right program costs beside a plain validation: one after the other, in turn, medians."""
    yield f"\nA trial beside a plain `validate`, one after the other in turn, {repeats} times each, medians, processor time:\n"
    yield "| edges | bounds | plain, s | arrays on trial | a callable on trial | by the clock: arrays | callable |"
    yield "|---|---|---|---|---|---|---|"
    cases = [random_case(first + k, hard=bool(k % 2)) for k in range(6)] + [wide_case(5), wide_case(7)]
    for network, own in cases:
        known = 10 * HONEST if own.hard else HONEST
        kinds: list[dict[str, Any]] = [
            {},
            {"theory": (T, own.solve(T)), "theory_error": known},
            {"theory": own.bounded},
        ]
        spent(network)
        taken = np.array([[spent(network, **kinds[(k + turn) % 3]) for k in range(3)] for turn in range(repeats)])
        for turn in range(repeats):
            taken[turn] = np.roll(taken[turn], turn, axis=0)
        processor, clock = np.median(taken, axis=0).T
        ratios = [*(processor[1:] / processor[0]), *(clock[1:] / clock[0])]
        words = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        yield f"| {network.n_edges} | {'hard' if own.hard else 'none'} | {processor[0]:.3f} | {words} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--first", type=int, default=0, help="first seed; fresh programs from another")
    parser.add_argument("--keep", type=Path, help="a file of rows, added to and taken up again")
    parser.add_argument("--limit", type=float, default=np.inf, help="seconds after which no trial is begun")
    parser.add_argument("--cost", action="store_true", help="what a trial costs beside a plain validation, instead")
    args = parser.parse_args()
    if args.cost:
        print("\n".join(cost(args.first)))
        return
    jobs = planned(args.count, args.first)
    print("\n".join(section(results(jobs, args.keep, args.limit), len(jobs))))


if __name__ == "__main__":
    main()
