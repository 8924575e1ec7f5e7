"""What the circuit branch adds to ngspice, and what its fast form saves.

    python -m bench.circuit [overhead | forms]…

*overhead*: everything around the ngspice process (lowering, writing, private directory, judging, reading all signals
of all edges) in parts of the wall time of that process. *forms*: one run of the readable form against one of
the fast form, process only. Grids over T = 5 s at T/100; medians of `ROUNDS` interleaved rounds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import spicebridge as sb
from bench.networks import T, grid
from bench.timing import interleaved, ratio
from spicebridge.circuit.circuit_run import run_lowered
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import lower

ROUNDS = 5
STEP = T / 100
SIDES = (10, 20, 40)


@dataclass(frozen=True)
class Overhead:
    """Seconds of the ngspice process and of all that is around it, and their ratio (median over the rounds)."""

    edges: int
    rounds: int
    process: float
    around: float
    part: float


def overhead() -> list[Overhead]:
    rows = []
    engine = get_engine("ngspice")
    for side in SIDES:
        network = grid(side)
        process, around = [], []
        for _ in range(ROUNDS + 1):
            begin = time.perf_counter()
            done = run_lowered(lower(network, T, STEP, form="fast"), engine=engine)
            total = time.perf_counter() - begin
            assert done.failure is None, done.failure
            process.append(done.record.wall_time)
            around.append(total - done.record.wall_time)
        # The first round imports modules and asks ngspice for its version.
        process, around = process[1:], around[1:]
        part = median(a / b for a, b in zip(around, process, strict=True))
        rows.append(Overhead(network.n_edges, ROUNDS, median(process), median(around), part))
    return rows


@dataclass(frozen=True)
class Forms:
    """Seconds of both forms, and how many times faster the fast one is."""

    edges: int
    rounds: int
    readable: float
    fast: float
    ratio: float


def forms() -> list[Forms]:
    rows = []
    for side in SIDES:
        network = grid(side)
        runs = {form: _process(network, form) for form in ("readable", "fast")}
        times = interleaved(runs, ROUNDS)
        rows.append(
            Forms(
                network.n_edges,
                ROUNDS,
                median(times["readable"]),
                median(times["fast"]),
                ratio(times, "readable", "fast"),
            )
        )
    return rows


def _process(network: sb.Network, form: str) -> Callable[[], float | None]:
    lowered, engine = lower(network, T, STEP, form=form, signals=("state",)), get_engine("ngspice")

    def run() -> float:
        done = run_lowered(lowered, engine=engine)
        assert done.failure is None, done.failure
        return done.record.wall_time

    return run


def main() -> None:
    wanted = set(sys.argv[1:]) or {"overhead", "forms"}
    if "overhead" in wanted:
        print("Generation and reading over the ngspice process, fast form, all signals")
        for o in overhead():
            print(
                f"  {o.edges:6d} edges  process {o.process:7.3f} s  around it {o.around:7.4f} s  {o.part:.1%} "
                f"(median of {o.rounds})"
            )
    if "forms" in wanted:
        print("Readable form against fast form, process only")
        for f in forms():
            print(
                f"  {f.edges:6d} edges  readable {f.readable:7.3f} s  fast {f.fast:7.3f} s  "
                f"{f.ratio:.2f} times faster (median of {f.rounds})"
            )


if __name__ == "__main__":
    main()
