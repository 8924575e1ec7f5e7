"""How honest are the verdicts? Right circuits must never DISAGREE, mutants never AGREE, and U must hold the error.

    python -m bench.honesty [--count 420] [--first 0] [--jobs 2]

Circuits of ``bench.cells`` over drives, bounds, controls and deck forms; the truth is ``bench.independent``.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

import spicebridge as sb
from bench.cells import CELLS, MUTATIONS, SIGNALS, STOP, Circuit, draw, effect, follow, mutate, parts

TOLERANCE = 1e-5
MATTERS = 3.0
"""A mistake of so many tolerances has to be found."""


@dataclass
class Row:
    """One verdict: `inside` and `ratio` by signal (true error inside U, U over it), or what a mutant does."""

    seed: int
    cell: tuple[str, str, str]
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


def right(seed: int) -> Row:
    """Judge the circuit of a seed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        circuit = draw(seed)
        verdict = sb.validate(circuit.network, [0.0, STOP], tolerance=TOLERANCE, form=circuit.form)
        row = Row(seed, circuit.cell, circuit.form, str(verdict.outcome), verdict.reason)
        if verdict.spice is not None:
            row.points = verdict.spice.t.size
            _true_errors(circuit, verdict, row)
    return row


def _true_errors(circuit: Circuit, verdict: sb.Verdict, row: Row) -> None:
    """Compare the run with the truth, signal by signal, on at most 2,000 of its points."""
    spice = verdict.spice
    assert spice is not None
    rows = np.unique(np.linspace(0, spice.t.size - 1, 2000).astype(int))
    truth = circuit.truth.signals(spice.t[rows])
    part = np.array(parts(circuit.network))
    for name in SIGNALS:
        scale = np.ones(part.size)
        if name != "state":
            largest = np.abs(truth[name]).max(axis=0)
            for p in set(part):
                scale[part == p] = max(largest[part == p].max(), 1e-6 * largest.max())
        gap = np.abs(getattr(spice, name)[rows] - truth[name]) / scale
        slope = np.abs(np.gradient(truth[name], spice.t[rows], axis=0)) / scale
        error = float(np.maximum(gap - 1e-14 * slope, 0.0).max())
        signal = verdict.signals[name]
        row.inside[name] = error <= signal.uncertainty
        if signal.uncertainty > 10 * signal.ladder.floor and error > 0.0:
            row.ratio[name] = signal.uncertainty / error
    moved = np.ptp(truth["state"], axis=0) > 10 * TOLERANCE
    names = {edge for edge, signal in verdict.untested if signal == "state"}
    labels = [circuit.network.edge_name(k) for k in range(part.size)]
    row.untested = sum(moved[k] and labels[k] in names for k in range(part.size)) / max(1, int(moved.sum()))


def wrong(seed: int) -> Row:
    """Judge a mutant of the circuit of a seed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        circuit = draw(seed)
        rng = np.random.default_rng([seed, 7])
        for shift in range(len(MUTATIONS)):
            mutation = MUTATIONS[(seed + shift) % len(MUTATIONS)]
            made = mutate(circuit.network, mutation, rng)
            if made is not None:
                break
        assert made is not None
        mutant, k = made
        path = follow(mutant, STOP, most=20_000)
        verdict = sb.validate(circuit.network, [0.0, STOP], tolerance=TOLERANCE, form=circuit.form, circuit=mutant)
        row = Row(seed, circuit.cell, circuit.form, str(verdict.outcome), verdict.reason, mutation=mutation)
        row.effect = float("inf") if path is None else effect(circuit.truth, path, np.linspace(0, STOP, 801))
        row.named = circuit.network.edge_name(k) in {edge for edge, _ in verdict.untested}
    return row


def report(rows: list[Row], mutants: list[Row]) -> None:
    """Print the tables."""
    print(f"right: {len(rows)} circuits, {dict(Counter(row.outcome for row in rows))}")
    for axis in range(3):
        table = Counter((row.cell[axis], row.outcome) for row in rows)
        print("    " + ", ".join(f"{kind} {outcome} {n}" for (kind, outcome), n in sorted(table.items())))
    for name in SIGNALS:
        inside = [row.inside[name] for row in rows if name in row.inside and row.outcome != "unresolved"]
        ratio = np.array(
            [row.ratio[name] for row in rows if name in row.ratio and row.outcome != "unresolved"] or [1.0]
        )
        print(
            f"    {name:8s} inside U {np.mean(inside):.1%} of {len(inside)}, U/error median {np.median(ratio):.2f} "
            f"95 % {np.quantile(ratio, 0.95):.1f} largest {ratio.max():.1f} ({ratio.size})"
        )
    print(f"    edges that moved, yet named untested: {np.mean([row.untested for row in rows]):.2%}")
    if mutants:
        big = [row for row in mutants if row.effect > MATTERS * TOLERANCE]
        print(f"mutants: {len(mutants)}, {len(big)} that matter: {dict(Counter(row.outcome for row in big))}")
        for key, n in sorted(Counter((row.mutation, row.outcome) for row in big).items()):
            print(f"    {key[0]:20s} {key[1]:10s} {n}")
    for row in rows:
        if row.outcome != "agrees":
            print("    RIGHT", row.seed, row.cell, row.form, row.outcome, row.reason)
        elif not all(row.inside.values()):
            print("    OUTSIDE U", row.seed, row.cell, row.form, row.inside, row.ratio)
    for row in mutants:
        if row.outcome == "agrees" and row.effect > MATTERS * TOLERANCE and not row.named:
            print("    WRONG VERDICT", row.seed, row.cell, row.mutation, f"effect {row.effect:.2g}", row.reason)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=420)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.count)
    rows: list[Row] = []
    mutants: list[Row] = []
    with ProcessPoolExecutor(options.jobs) as pool:
        both = zip(pool.map(right, seeds), pool.map(wrong, seeds), strict=True)
        for number, (row, mutant) in enumerate(both, 1):
            rows.append(row)
            mutants.append(mutant)
            if number % len(CELLS) == 0:
                print(f"after {number}:", flush=True)
                report(rows, mutants)
    if number % len(CELLS):
        report(rows, mutants)


if __name__ == "__main__":
    main()
