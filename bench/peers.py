"""Other programs on the same equations, side by side.

    python -m bench.peers [nanowires | projector | neospice]…

*nanowires*: `mnns` (PyPI), a simulator of nanowire networks, on its own random network between two electrodes, and the
same network here. Its law takes the absolute value of the voltage over a junction, which here is a polarity per edge:
rates are compared with its own law at one state, the states at the end with its solver and the polarities of the start.
*projector*: the papers' dense equation against the sparse path on grids. *neospice*: the same decks in another
simulator, beside ngspice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

import spicebridge as sb
from bench.networks import T, grid
from bench.timing import interleaved, ratio
from spicebridge.circuit.circuit_run import run_lowered
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import lower

ROUNDS = 5
WIRES_SHAPE, WIRES_SEED = 6.9, 3
"""Side of the square in wire lengths and seed: about 3,000 junctions at the default density."""
VOLTAGE, TAU, START, STOP = 5.0, 20.0, 0.05, 5.0
"""Between the electrodes, decay time, initial state and span, in the units of `mnns`."""
TOLERANCE = 1e-7
"""What `mnns` takes by default, for both."""
SHARP = 1e-13
"""Tolerance of both where their results are compared."""


@dataclass(frozen=True)
class Nanowires:
    """Seconds of both, how many times faster this one is, and largest difference of rates and of states."""

    junctions: int
    rounds: int
    mnns: float
    here: float
    ratio: float
    rates: float
    states: float


def peer_network() -> tuple[Any, tuple[Any, ...]]:
    """A network of `mnns` with its two electrodes, and the arguments of its law."""
    import mnns

    wires = mnns.create_NWN(shape=(WIRES_SHAPE, WIRES_SHAPE), seed=WIRES_SEED)
    source, drain = mnns.add_electrodes(wires, "left", "right")
    wires.resistance_function = "linear"
    wires.state_vars = ["w"]
    wires.graph["tau"] = TAU
    return wires, (wires, [source], [drain], lambda t: VOLTAGE, lambda w: 1.0)


def same_network(wires: Any, source: Any, drain: Any) -> sb.Network:
    """The network of `mnns`, with the voltage between the electrodes in series with every junction at the source.

    Both electrodes become one node; where the source electrode stood its edges carry the voltage.
    """
    merged = [(drain if a == source else a, drain if b == source else b) for a, b in wires.wire_junctions]
    emf = [VOLTAGE * ((a == source) - float(b == source)) for a, b in wires.wire_junctions]
    ratio_off = float(wires.units["Roff_Ron"])
    device = sb.LinearMemristor.tunneling(1.0, ratio_off, alpha=1.0 / TAU, beta=ratio_off)
    network = sb.Network.from_edges(merged, device=device, drive=emf, initial_state=START)
    direction = sb.integrate(network, [0.0]).current[0]
    return network.with_polarity(np.where(direction < 0.0, -1.0, 1.0))


def nanowires() -> Nanowires:
    import mnns

    wires, arguments = peer_network()
    network = same_network(wires, arguments[1][0], arguments[2][0])
    n = network.n_edges

    def with_polarity(t: float, x: np.ndarray, *law: Any) -> np.ndarray:
        R = wires.update_resistance(x)
        *potential, _ = mnns.solve_network(wires, law[1], law[2], law[3](t), "voltage")
        start, end = wires.wire_junction_indices()
        drop = np.asarray(potential)[start] - np.asarray(potential)[end]
        return np.asarray(network.J * drop / R - x / TAU)

    def peer(tolerance: float, law: Any = mnns.models.decay_HP_model) -> np.ndarray:
        wires.set_state_var("w", START)
        options = {"rtol": tolerance, "atol": tolerance}
        result = wires.evolve(law, np.array([0.0, STOP]), arguments, ivp_options=options)
        assert result.success
        return np.asarray(result.y[:, -1])

    def here(tolerance: float) -> np.ndarray:
        return sb.integrate(network, [0.0, STOP], rtol=tolerance, atol=tolerance).state[-1]

    state = np.random.default_rng(0).uniform(0.04, 0.06, n)
    theirs = mnns.models.decay_HP_model(0.0, state, *arguments)
    current = sb.integrate(network.with_initial_state(state), [0.0]).current[0]
    rates = float(np.abs(theirs - (np.abs(current) - state / TAU)).max())
    states = float(np.abs(peer(SHARP, with_polarity) - here(SHARP)).max())
    candidates: dict[str, Callable[[], float | None]] = {
        "mnns": lambda: _discarded(peer(TOLERANCE)),
        "here": lambda: _discarded(here(TOLERANCE)),
    }
    times = interleaved(candidates, ROUNDS)
    return Nanowires(
        n, ROUNDS, median(times["mnns"]), median(times["here"]), ratio(times, "mnns", "here"), rates, states
    )


def _discarded(result: Any) -> None:
    """So that a result is not taken for a time."""


@dataclass(frozen=True)
class Peer:
    """Seconds of a peer and of what it is compared with, and the ratio; largest difference of the states."""

    edges: int
    rounds: int
    peer: float
    here: float
    ratio: float
    states: float


def projector() -> list[Peer]:
    """Dense and literal, to rtol 1e-6."""
    rows = []
    for side in (5, 10, 20):
        network = grid(side)
        end = {
            method: sb.integrate(network, [T], method=method, rtol=1e-10, atol=1e-12).state[0]
            for method in ("projector", "nodal")
        }

        def run(method: str, network: sb.Network = network) -> None:
            sb.integrate(network, [T], method=method, rtol=1e-6, atol=1e-8)

        times = interleaved({m: lambda m=m: run(m) for m in end}, ROUNDS)  # type: ignore[misc]
        difference = float(np.abs(end["projector"] - end["nodal"]).max())
        rows.append(
            Peer(
                network.n_edges,
                ROUNDS,
                median(times["projector"]),
                median(times["nodal"]),
                ratio(times, "projector", "nodal"),
                difference,
            )
        )
    return rows


def neospice() -> list[Peer | str]:
    """Whole runs of the fast form at T/100, the door to each simulator included; a sentence where neospice fails."""
    rows: list[Peer | str] = []
    for side in (3, 5, 7, 10, 20):
        network = grid(side)
        engines = {name: get_engine(name) for name in ("neospice", "ngspice")}
        lowered = lower(network, T, T / 100, form="fast", signals=("state",))
        first = {name: run_lowered(lowered, engine=engine) for name, engine in engines.items()}
        if first["neospice"].waveforms is None:
            rows.append(f"{network.n_edges:6d} edges  {first['neospice'].failure}")
            continue
        assert first["ngspice"].waveforms is not None, first["ngspice"].failure
        ends = [run.waveforms.state[-1] for run in first.values() if run.waveforms is not None]

        def run(name: str, lowered: Any = lowered, engines: Any = engines) -> None:
            assert run_lowered(lowered, engine=engines[name]).failure is None

        times = interleaved({name: lambda name=name, run=run: run(name) for name in engines}, ROUNDS)  # type: ignore[misc]
        rows.append(
            Peer(
                network.n_edges,
                ROUNDS,
                median(times["neospice"]),
                median(times["ngspice"]),
                ratio(times, "neospice", "ngspice"),
                float(np.abs(ends[0] - ends[1]).max()),
            )
        )
    return rows


def main() -> None:
    wanted = set(sys.argv[1:]) or {"nanowires", "projector", "neospice"}
    if "nanowires" in wanted:
        n = nanowires()
        print(
            f"mnns, {n.junctions} junctions between two electrodes, tolerance {TOLERANCE:g}: mnns {n.mnns:.2f} s, "
            f"here {n.here:.4f} s, {n.ratio:.0f} times faster (median of {n.rounds}); largest difference of rates "
            f"{n.rates:.1e}, of states at tolerance {SHARP:g} {n.states:.1e}"
        )
    if "projector" in wanted:
        print("Dense projector against the sparse path, rtol 1e-6")
        for p in projector():
            print(
                f"  {p.edges:6d} edges  projector {p.peer:8.3f} s  sparse {p.here:8.4f} s  {p.ratio:6.1f} times faster "
                f"(median of {p.rounds}); states differ by {p.states:.1e}"
            )
    if "neospice" in wanted:
        print("neospice against ngspice, fast form at T/100, whole runs")
        for row in neospice():
            print(
                f"  {row}"
                if isinstance(row, str)
                else f"  {row.edges:6d} edges  neospice {row.peer:7.3f} s  ngspice {row.here:7.3f} s  "
                f"ratio {row.ratio:.2f} (median of {row.rounds}); states differ by {row.states:.1e}"
            )


if __name__ == "__main__":
    main()
