"""Somebody's own theory on trial: are mistakes named, and right programs left alone?

python -m bench.candidate [--count 40] [--first 0] [--keep rows.jsonl] [--limit 500] [--cost]

The programs are those of ``bench.own_programs``.
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

import spicebridge as sb
from bench.own_programs import CAUSES, STOP, WALLED, T, planted, random_case, wide_case

HONEST = 1e-6
"""What an author says of an integration at 1e-10."""


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
