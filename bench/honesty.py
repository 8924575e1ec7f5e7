"""How honest are the verdicts? Correct circuits must never DISAGREE, mutants never AGREE.

python -m bench.honesty [--count 40]      count per kind of network (five kinds)
"""

from __future__ import annotations

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import numpy as np

import spicebridge as sb
from bench.population import KINDS, MUTATIONS, mutate, random_network


def judge(arguments: tuple[str, int, str | None]) -> tuple[str, int, str | None, str, float, float, str]:
    """One verdict: (kind, seed, mutation, outcome, E, U, reason)."""
    kind, seed, mutation = arguments
    trial = random_network(kind, seed)
    if mutation is not None:
        trial = mutate(trial, mutation)
    verdict = sb.validate(
        trial.network, [0.0, trial.stop], circuit=trial.circuit, transform=trial.transform, max_steps=20_000
    )
    return (kind, seed, mutation, str(verdict.outcome), verdict.max_error, verdict.uncertainty, verdict.reason)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40)
    count = parser.parse_args().count
    right = [(kind, seed, None) for kind in KINDS for seed in range(count)]
    wrong = [
        (kind, seed, MUTATIONS[(seed + n) % len(MUTATIONS)]) for n, kind in enumerate(KINDS) for seed in range(count)
    ]
    with ProcessPoolExecutor(2) as pool:
        for name, jobs, forbidden in (("correct", right, "disagrees"), ("mutant", wrong, "agrees")):
            rows = list(pool.map(judge, jobs, chunksize=4))
            table = Counter((row[2] or row[0], row[3]) for row in rows)
            print(f"{name}: {len(rows)} circuits, {Counter(row[3] for row in rows)}")
            for key, number in sorted(table.items()):
                print(f"    {key[0]:14s} {key[1]:10s} {number}")
            ratios = [row[5] / row[4] for row in rows if row[3] == "agrees" and row[4] > 0]
            if ratios and name == "correct":
                print(f"    U/E: median {np.median(ratios):.2f}, least {min(ratios):.2f}, largest {max(ratios):.2f}")
            for row in rows:
                if row[3] == forbidden:
                    print("    WRONG VERDICT", row)
                elif row[3] == "unresolved":
                    print("    unresolved", row[:3], row[6])


if __name__ == "__main__":
    main()
