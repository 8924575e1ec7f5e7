"""The theory branch at scale: against ngspice, against its own floor, from 180 to 499,000 edges.

    python -m bench.theory [grids | sizes | floor | walls | build]…

*grids*: sparse theory (rtol 1e-8) against one ngspice run of the fast form at T/100, process only. *sizes*: cost
against size, with the fitted exponent and the memory of the largest. *floor*: the number of right-hand sides times one
numeric factorisation and one solve. *walls*: the same as *grids* where half of the states meet a hard bound, with the
error against located events. Medians of `ROUNDS` rounds.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

import spicebridge as sb
from bench.networks import WALLS, T, grid
from bench.picture import draw, exponent
from bench.timing import interleaved, ratio
from spicebridge.circuit.circuit_run import run_lowered
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.theory import solve
from spicebridge.theory.currents.factorisation import SparseLdl
from spicebridge.theory.currents.laplacian import GroundedLaplacian
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.threads import one_blas_thread

ROUNDS = 5
STEPS = 100
"""Steps of ngspice over the span."""
SIDES = (10, 20, 40, 70)
LARGE = (40, 70, 125, 250, 500)
WALL_SIDES = (20, 40)
RTOL, WALL_RTOL = 1e-8, 1e-6


def simulated(network: sb.Network) -> Callable[[], float]:
    """One ngspice run of the fast form at `T`/`STEPS`; returns the wall time of the process."""
    lowered, engine = lower(network, T, T / STEPS, form="fast", signals=("state",)), get_engine("ngspice")

    def run() -> float:
        done = run_lowered(lowered, engine=engine)
        assert done.failure is None, done.failure
        return done.record.wall_time

    return run


@dataclass(frozen=True)
class AgainstSimulator:
    """Seconds of ngspice and of the theory, how many times faster the theory is, and its error (walls only)."""

    edges: int
    rounds: int
    ngspice: float
    theory: float
    ratio: float
    error: float | None = None


def _against(network: sb.Network, rtol: float, atol: float, error: float | None = None) -> AgainstSimulator:
    run: dict[str, Callable[[], float | None]] = {
        "ngspice": simulated(network),
        "theory": lambda: _discarded(sb.integrate(network, [T], rtol=rtol, atol=atol)),
    }
    run["theory"]()
    times = interleaved(run, ROUNDS)
    middle = {name: median(values) for name, values in times.items()}
    return AgainstSimulator(
        network.n_edges, ROUNDS, middle["ngspice"], middle["theory"], ratio(times, "ngspice", "theory"), error
    )


def _discarded(result: Any) -> None:
    """So that a result is not taken for a time."""


def grids() -> list[AgainstSimulator]:
    return [_against(grid(side), RTOL, 1e-2 * RTOL) for side in SIDES]


def walls() -> list[AgainstSimulator]:
    """Errors are those of the state on 11 times, against events located at rtol 1e-10."""
    rows, t = [], np.linspace(0.0, T, 11)
    for side in WALL_SIDES:
        network = grid(side, amplitude=WALLS, window=sb.Hard())
        reference = sb.integrate(network, t).state
        state = sb.integrate(network, t, rtol=WALL_RTOL, atol=WALL_RTOL).state
        assert np.isin(reference[-1], (0.0, 1.0)).mean() > 0.1
        rows.append(_against(network, WALL_RTOL, WALL_RTOL, float(np.abs(state - reference).max())))
    return rows


@dataclass(frozen=True)
class Size:
    """Seconds and peak memory in GiB of one integration over `T` at rtol 1e-8, and seconds to build the network."""

    edges: int
    seconds: float
    memory: float
    build: float


def sizes() -> list[Size]:
    """Every run in a process of its own, since memory is a high-water mark."""
    context = multiprocessing.get_context("spawn")
    rows = []
    for side in LARGE:
        with context.Pool(1) as pool:
            rows.append(Size(*pool.apply(_size, (side,))))
    return rows


def _size(side: int) -> tuple[int, float, float, float]:
    begin = time.perf_counter()
    network = grid(side)
    build = time.perf_counter() - begin
    rounds = 1 if side >= max(LARGE) else ROUNDS
    times = interleaved({"run": lambda: _discarded(sb.integrate(network, [T], rtol=RTOL, atol=1e-2 * RTOL))}, rounds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return network.n_edges, median(times["run"]), memory, build


@dataclass(frozen=True)
class Floor:
    """Seconds of an integration with dense output and all preparations, of its right-hand sides x (factorisation + solve),
    and by how much it is longer."""

    edges: int
    rhs: int
    seconds: float
    floor: float
    above: float


def floor() -> list[Floor]:
    rows = []
    for side in LARGE[:3]:
        network = grid(side)
        rhs = solve(network, T, rtol=RTOL, atol=1e-2 * RTOL).rhs_count
        laplacian = GroundedLaplacian(Topology.of(network))
        factor = SparseLdl(laplacian)
        data, load = laplacian.assemble(1.0 / network.resistance(network.initial_state), network.bank(0.0))
        data, load = data.copy(), load.copy()

        def bare(factor: SparseLdl = factor, data: Any = data, load: Any = load, rhs: int = rhs) -> float:
            begin = time.perf_counter()
            for _ in range(rhs):
                factor.update(data)
                factor.solve(load)
            return time.perf_counter() - begin

        def run(network: sb.Network = network) -> None:
            solve(network, T, rtol=RTOL, atol=1e-2 * RTOL)

        run()
        with one_blas_thread():
            times = interleaved({"run": run, "floor": bare}, 2 * ROUNDS)
        seconds, least = median(times["run"]), median(times["floor"])
        rows.append(Floor(network.n_edges, rhs, seconds, least, ratio(times, "run", "floor") - 1.0))
    return rows


def _print_against(title: str, rows: list[AgainstSimulator]) -> None:
    print(title)
    for row in rows:
        error = "" if row.error is None else f"  error {row.error:.1e}"
        print(
            f"  {row.edges:6d} edges  ngspice {row.ngspice:8.3f} s  theory {row.theory:8.4f} s  "
            f"{row.ratio:6.1f} times faster (median of {row.rounds}){error}"
        )


def main() -> None:
    wanted = set(sys.argv[1:]) or {"grids", "walls", "floor", "sizes"}
    costs: dict[str, tuple[list[int], list[float]]] = {}
    if "grids" in wanted:
        rows = grids()
        costs["ngspice, fast form, T/100"] = [r.edges for r in rows], [r.ngspice for r in rows]
        _print_against(f"Grids, rtol {RTOL:g}, against ngspice (fast form, T/{STEPS})", rows)
    if "walls" in wanted:
        _print_against(f"Hard bounds, rtol = atol = {WALL_RTOL:g}, against ngspice (fast form, T/{STEPS})", walls())
    if "floor" in wanted:
        print(f"Above the floor (right-hand sides x one factorisation and solve by qdldl), rtol {RTOL:g}")
        for f in floor():
            print(f"  {f.edges:6d} edges  {f.rhs:4d} rhs  {f.seconds:7.4f} s  floor {f.floor:7.4f} s  {f.above:+.0%}")
    if "sizes" in wanted:
        table = sizes()
        costs[f"theory, sparse, rtol {RTOL:g}"] = edges, seconds = [s.edges for s in table], [s.seconds for s in table]
        print(f"Grids over T = {T:g} s at rtol {RTOL:g}")
        for s in table:
            print(f"  {s.edges:6d} edges  {s.seconds:8.3f} s  {s.memory:5.2f} GiB  built in {s.build:5.2f} s")
        print(f"  cost grows with edges to the power {exponent(edges, seconds):.2f}")
    if len(costs) == 2:
        draw(costs)


if __name__ == "__main__":
    main()
