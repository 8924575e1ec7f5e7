"""The optimiser of the papers against samplers, at equal processor time; where it loses is part of the table.

    python -m bench.optimiser [--instances 100] [--sizes 20 40] [--quick]

Random symmetric Q with normal entries. The network search has 1,000 trajectories and one core; each sampler gets
the processor time that the search took, in calls of growing size until it has met the best energy known. That is
brute force's for n = 20 and otherwise the least that anyone met. "kicks alone" makes the same moves as
the search, with random values in the place of the network's answer: what is left is what the network adds.
Samplers are those of dwave-samplers (compiled C++), the search is vectorised Python: per move they are not comparable.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

import spicebridge as sb
from spicebridge.analysis.optimise import ELITE, FIRST, GENERATION, KICKED

TRAJECTORIES = 1000


@dataclass
class Tally:
    """Instances on which a method met the best energy, its processor times to it (s), and its excess elsewhere."""

    met: int = 0
    seconds: list[float] = field(default_factory=list)
    excess: list[float] = field(default_factory=list)


def brute(Q: np.ndarray) -> float:
    """The least energy over all states, in blocks."""
    n = len(Q)
    low = min(n, 16)
    block = ((np.arange(2**low)[:, None] >> np.arange(low)) & 1).astype(float)
    inner = np.einsum("ij,ij->i", block @ Q[:low, :low], block)
    best = np.inf
    for code in range(2 ** (n - low)):
        rest = ((code >> np.arange(n - low)) & 1).astype(float)
        energy = inner + 2.0 * block @ (Q[:low, low:] @ rest) + rest @ Q[low:, low:] @ rest
        best = min(best, float(energy.min()))
    return best


def samplers(Q: np.ndarray) -> dict[str, Callable[[int, int], float]]:
    """Name -> function of (reads, seed) that returns the least energy of a call."""
    from dwave.samplers import SimulatedAnnealingSampler, SteepestDescentSampler, TabuSampler

    model = {(i, j): float(Q[i, j]) * (1.0 if i == j else 2.0) for i in range(len(Q)) for j in range(i, len(Q))}
    annealing, descent, tabu = SimulatedAnnealingSampler(), SteepestDescentSampler(), TabuSampler()
    return {
        "simulated annealing": lambda reads, seed: float(
            annealing.sample_qubo(model, num_reads=reads, seed=seed).first.energy
        ),
        "restarts of descent": lambda reads, seed: float(
            descent.sample_qubo(model, num_reads=reads, seed=seed).first.energy
        ),
        "tabu": lambda reads, seed: float(tabu.sample_qubo(model, num_reads=reads, seed=seed, timeout=5).first.energy),
    }


def kicks_alone(problem: sb.optimise.Qubo, seed: int, best: float) -> tuple[bool, float, float]:
    """The search with random answers: (met, processor seconds, least energy)."""
    rng, n = np.random.default_rng(seed), problem.n
    begin = time.process_time()
    states = rng.integers(0, 2, (FIRST, n)).astype(float)
    pool = {row.tobytes(): float(e) for row, e in zip(states, problem.energy(states), strict=True)}
    used, most = FIRST, min(n, max(KICKED[1], n // 5))
    while used < TRAJECTORIES and min(pool.values()) > best + 1e-9:
        elite = sorted(pool, key=lambda key: pool[key])[:ELITE]
        states = np.array([np.frombuffer(elite[k]) for k in rng.integers(len(elite), size=GENERATION)])
        for state in states:
            chosen = rng.choice(n, rng.integers(KICKED[0], most + 1), replace=False)
            state[chosen] = rng.integers(0, 2, chosen.size)
        pool |= {row.tobytes(): float(e) for row, e in zip(states, problem.energy(states), strict=True)}
        used += GENERATION
    return min(pool.values()) <= best + 1e-9, time.process_time() - begin, min(pool.values())


def measure(size: int, instances: int, *, confirm: int) -> None:
    tallies: dict[str, Tally] = {}
    confirmed = 0
    used: list[int] = []
    for seed in range(instances):
        Q = np.random.default_rng([25, size, seed]).normal(size=(size, size))
        Q = 0.5 * (Q + Q.T)
        problem = sb.optimise.from_qubo(Q)
        begin = time.process_time()
        found = problem.solve(seed=seed, trajectories=TRAJECTORIES, confirm=False)
        budget = time.process_time() - begin
        least = {"network": found.energy}
        spent: dict[str, list[tuple[float, float]]] = {}
        for name, sample in samplers(Q).items():
            spent[name], reads, call = [], 1, 0
            begin = time.process_time()
            while time.process_time() - begin < budget and reads <= 4096:
                energy = sample(reads, 1000 * seed + call)
                spent[name].append((time.process_time() - begin, energy))
                reads, call = 2 * reads, call + 1
            least[name] = min(energy for _, energy in spent[name])
        best = brute(Q) if size <= 24 else min(least.values())
        alone = kicks_alone(problem, seed, best)
        for name, energy in least.items():
            tally = tallies.setdefault(name, Tally())
            tally.excess.append(energy - best)
            if energy <= best + 1e-6:
                tally.met += 1
                if name == "network":
                    generation = next(count for count, value in found.history if value <= best + 1e-6)
                    used.append(generation)
                    tally.seconds.append(budget * generation / found.trajectories)
                else:
                    tally.seconds.append(next(t for t, value in spent[name] if value <= best + 1e-6))
        tally = tallies.setdefault("kicks alone", Tally())
        tally.met += alone[0]
        tally.excess.append(alone[2] - best)
        if alone[0]:
            tally.seconds.append(alone[1])
        if seed < confirm:
            confirmed += problem.solve(seed=seed, trajectories=TRAJECTORIES).confirmed is True
    print(f"n = {size}, {instances} instances, {TRAJECTORIES} trajectories; best known by "
          f"{'brute force' if size <= 24 else 'the least of all methods'}")  # fmt: skip
    print("  method                 met the best   processor time to it (median)   mean excess of energy")
    for name, tally in tallies.items():
        when = f"{1e3 * median(tally.seconds):9.2f} ms" if tally.seconds else "        –"
        print(f"  {name:<22} {tally.met:>4} of {instances:<5}  {when:<30} {np.mean(tally.excess):.3g}")
    if used:
        print(f"  trajectories until the network met the best: median {median(used):.0f}, largest {max(used)}")
    print(
        f"  ngspice, run from the winning start, ends at the same vertex: {confirmed} of {min(confirm, instances)}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--instances", type=int, default=100)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 40])
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    with threadpool_limits(1):
        for size in args.sizes:
            count = 5 if args.quick else args.instances if size <= 24 else max(1, args.instances // 10)
            measure(size, count, confirm=count if size <= 24 else 5)


if __name__ == "__main__":
    main()
