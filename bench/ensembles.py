"""Many trajectories of paper 2 as one ensemble, against a loop over single integrations by the dense projector.

    python -m bench.ensembles [--count 1000] [--singles 5]

N = 200 edges, 100 loops, T = 30 s, hard walls, both at rtol = 1e-6, atol = 1e-7. Only a few trajectories are integrated one
by one; their median stands for the others. Where runs disagree with a reference at 1e-10 is part of the table: at
s = 0.25 the equations amplify errors about a thousandfold on the way to the wall, for both alike.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from statistics import median

import numpy as np

import spicebridge as sb
from spicebridge.theory import solve

N, T, RTOL, ATOL = 200, 30.0, 1e-6, 1e-7
SOURCES = (0.15, 0.25)
"""Below (no wall is met) and above the critical source (200 hits in every trajectory)."""


@dataclass(frozen=True)
class Row:
    """Seconds per trajectory in the ensemble and alone, their ratio, and the errors of both."""

    s: float
    count: int
    singles: int
    together: float
    alone: float
    ratio: float
    error: float
    error_alone: float


def paper2(s: float, seed: int = 0) -> sb.Network:
    """Paper 2's network: loop matrix uniform in [0, 1], chi = 0.9, clipping, the source s (V) on every edge."""
    A = np.random.default_rng(seed).random((N // 2, N))
    device = sb.LinearMemristor.tunneling(0.1, 1.0, alpha=1.0, beta=1.0, window=sb.Hard())
    return sb.Network.from_loop_matrix(A, device=device, drive=s)


def measure(s: float, count: int, singles: int) -> Row:
    """The ensemble in `singles` parts, with one single integration after each."""
    network, x0 = paper2(s), np.random.default_rng(1).random((count, N))
    together, alone, error, error_alone = [], [], 0.0, 0.0
    sb.integrate_ensemble(network, [1.0], initial_states=x0[:2])
    for k, part in enumerate(np.array_split(x0, singles)):
        begin = time.perf_counter()
        ensemble = sb.integrate_ensemble(network, [T], initial_states=part, rtol=RTOL, atol=ATOL)
        middle = time.perf_counter()
        member = network.with_initial_state(part[0])
        single = sb.integrate(member, [T / 2, T], method="projector", rtol=RTOL, atol=ATOL)
        end = time.perf_counter()
        together.append((middle - begin) / len(part))
        alone.append(end - middle)
        if k == 0:
            half = sb.integrate_ensemble(network, [T / 2, T], initial_states=part[:1], rtol=RTOL, atol=ATOL)
            reference = solve(member, T, method="loop", rtol=1e-10, atol=1e-12)(half.t)
            error = float(np.abs(half.state[0] - reference).max())
            error_alone = float(np.abs(single.state - reference).max())
        assert ensemble.complete.all()
    ratio = median(b / a for a, b in zip(together, alone, strict=True))
    return Row(s, count, singles, median(together), median(alone), ratio, error, error_alone)


def rows(count: int = 1000, singles: int = 5) -> list[Row]:
    return [measure(s, count, singles) for s in SOURCES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--singles", type=int, default=5)
    arguments = parser.parse_args()
    for row in rows(arguments.count, arguments.singles):
        print(
            f"s = {row.s:.2f}  {row.count} trajectories: {1e3 * row.together:.1f} ms each together "
            f"(error {row.error:.1e}), {row.alone:.2f} s each alone ({row.singles} measured, error "
            f"{row.error_alone:.1e}): {row.ratio:.0f} times faster"
        )


if __name__ == "__main__":
    main()
