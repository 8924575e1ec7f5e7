"""How honest are the verdicts? Right circuits must never DISAGREE, mutants never AGREE, and U must hold the error.

    python -m bench.honesty [--count 420] [--first 0] [--jobs 2] [--rows out/honesty.jsonl]

Circuits of ``bench.cells`` over drives, bounds, controls, makes and deck forms; the truth is ``bench.independent``.
What is finished is kept row by row, and a second call goes on from there.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

import spicebridge as sb
from bench.cells import MUTATIONS, SIGNALS, STOP, Cell, Circuit, cell_of, draw, effect, errors, follow, mutate

TOLERANCE = 1e-5
MATTERS = 3.0
"""A mistake of so many tolerances has to be found."""


@dataclass
class Row:
    """One verdict: `inside` and `ratio` by signal (true error inside U, U over it), or what a mutant does."""

    seed: int
    cell: Cell
    form: str
    outcome: str
    reason: str
    inside: dict[str, bool] = field(default_factory=dict)
    ratio: dict[str, float] = field(default_factory=dict)
    mutation: str = ""
    effect: float = 0.0
    named: bool = False
    untested: float = 0.0
    points: int = 0
    seconds: float = 0.0
    unchecked: str = ""


def right(seed: int) -> Row:
    """Judge the circuit of a seed."""
    circuit, began = draw(seed), time.monotonic()
    verdict = sb.validate(circuit.network, [0.0, STOP], tolerance=TOLERANCE, form=circuit.form)
    row = Row(seed, circuit.cell, circuit.form, str(verdict.outcome), verdict.reason, unchecked=verdict.unchecked)
    row.seconds = time.monotonic() - began
    if verdict.spice is not None and verdict.signals:
        row.points = verdict.spice.t.size
        _true_errors(circuit, verdict, row)
    return row


def _true_errors(circuit: Circuit, verdict: sb.Verdict, row: Row) -> None:
    """Compare the run with the truth, signal by signal, on at most 2,000 of its points."""
    spice = verdict.spice
    assert spice is not None
    t = spice.t[np.unique(np.linspace(0, spice.t.size - 1, 2000).astype(int))]
    rows = np.searchsorted(spice.t, t)
    truth = circuit.truth.signals(t)
    found = errors(circuit.network, t, {name: getattr(spice, name)[rows] for name in SIGNALS}, truth)
    for name in SIGNALS:
        error, signal = float(found[name].max(initial=0.0)), verdict.signals[name]
        row.inside[name] = error <= signal.uncertainty
        if signal.uncertainty > 10 * signal.ladder.floor and error > 0.0:
            row.ratio[name] = signal.uncertainty / error
    moved = np.ptp(truth["state"], axis=0) > 10 * TOLERANCE
    names = {edge for edge, signal in verdict.untested if signal == "state"}
    labels = [circuit.network.edge_name(k) for k in range(moved.size)]
    row.untested = sum(moved[k] and labels[k] in names for k in range(moved.size)) / max(1, int(moved.sum()))


def wrong(seed: int) -> Row:
    """Judge a mutant of the circuit of a seed."""
    circuit, rng = draw(seed), np.random.default_rng([seed, 7])
    choices = (mutate(circuit.network, MUTATIONS[(seed + n) % len(MUTATIONS)], rng) for n in range(len(MUTATIONS)))
    number, (mutant, k) = next((n, made) for n, made in enumerate(choices) if made is not None)
    path, began = follow(mutant, STOP, most=60_000), time.monotonic()
    verdict = sb.validate(circuit.network, [0.0, STOP], tolerance=TOLERANCE, form=circuit.form, circuit=mutant)
    row = Row(seed, circuit.cell, circuit.form, str(verdict.outcome), verdict.reason, unchecked=verdict.unchecked)
    row.mutation, row.seconds = MUTATIONS[(seed + number) % len(MUTATIONS)], time.monotonic() - began
    row.effect = float("inf") if path is None else effect(circuit.truth, path, np.linspace(0, STOP, 2001))
    row.named = circuit.network.edge_name(k) in {edge for edge, _ in verdict.untested}
    return row


def work(job: tuple[int, bool]) -> Row:
    """One row; a program that fails is a row, too."""
    seed, mutant = job
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return wrong(seed) if mutant else right(seed)
        except Exception as error:
            return Row(seed, cell_of(seed), "", "failed", f"{type(error).__name__}: {error}", mutation="?" * mutant)


def report(rows: list[Row]) -> None:
    """Print the tables."""
    mutants = [row for row in rows if row.mutation]
    rows = [row for row in rows if not row.mutation]
    print(f"right: {len(rows)} circuits, {dict(Counter(row.outcome for row in rows))}")
    for axis in range(4):
        table = Counter((row.cell[axis], row.outcome) for row in rows)
        print("    " + ", ".join(f"{kind} {outcome} {n}" for (kind, outcome), n in sorted(table.items())))
    judged = [row for row in rows if row.outcome in ("agrees", "disagrees")]
    for name in SIGNALS:
        inside = [row.inside[name] for row in judged if name in row.inside]
        ratio = np.array([row.ratio[name] for row in judged if name in row.ratio] or [1.0])
        print(
            f"    {name:8s} inside U {np.mean(inside or [True]):.1%} of {len(inside)}, U/error median "
            f"{np.median(ratio):.2f} 95 % {np.quantile(ratio, 0.95):.1f} largest {ratio.max():.1f} ({ratio.size})"
        )
    print(f"    edges that moved, yet named untested: {np.mean([row.untested for row in rows] or [0.0]):.2%}")
    big = [row for row in mutants if row.effect > MATTERS * TOLERANCE]
    print(f"mutants: {len(mutants)}, {len(big)} that matter: {dict(Counter(row.outcome for row in big))}")
    for key, n in sorted(Counter((row.mutation, row.outcome) for row in big).items()):
        print(f"    {key[0]:20s} {key[1]:10s} {n}")
    for row in [*rows, *mutants]:
        if found := remarkable(row):
            print(f"    {found}")


def remarkable(row: Row) -> str:
    """What has to be looked at, "" for a row that is as it should be."""
    where = f"{row.seed} {'/'.join(row.cell)} {row.form} {row.seconds:.0f} s"
    if row.outcome == "failed":
        return f"FAILED {where} {row.mutation} {row.reason}"
    if row.mutation:
        wrong = row.outcome == "agrees" and row.effect > MATTERS * TOLERANCE and not row.named
        return f"WRONG VERDICT {where} {row.mutation} effect {row.effect:.2g}: {row.reason}" if wrong else ""
    if row.outcome != "agrees":
        return f"RIGHT {where} {row.outcome}: {row.reason}"
    return "" if all(row.inside.values()) else f"OUTSIDE U {where} {row.inside} {row.ratio}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=420)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--rows", type=Path, default=Path("out/honesty.jsonl"), help="what is finished; a second call goes on"
    )
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.count)
    rows = [Row(**json.loads(line)) for line in options.rows.read_text().splitlines()] if options.rows.exists() else []
    done = {(row.seed, bool(row.mutation)) for row in rows}
    jobs = [job for seed in seeds for job in ((seed, False), (seed, True)) if job not in done]
    options.rows.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.jobs) as pool, options.rows.open("a") as kept:
        for row in pool.map(work, jobs):
            rows.append(row)
            kept.write(json.dumps(asdict(row)) + "\n")
            kept.flush()
            print(
                remarkable(row) or f"{row.seed} {row.mutation or 'right'} {row.outcome} {row.seconds:.0f} s", flush=True
            )
    report([row for row in rows if row.seed in seeds])


if __name__ == "__main__":
    main()
