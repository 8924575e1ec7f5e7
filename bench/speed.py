"""Where the theory is fast and where it is not: graphs of every kind, other people's best programs, and its own past.

    python -m bench.speed [families | past | peers | decks | flux | statistics]… [--old FOLDER]

*families*: one integration (T = 5 s, rtol 1e-8) on grids and on graphs that no plane holds, by power series and by the
eighth-order Runge-Kutta method with the same solvers, with the largest error of each against rtol 1e-12; the exponents
of cost against size. With `--old`, a checkout of another version, that runs in turns with this one on the same graphs,
each in a process of its own that repeats the integration and reports its least processor time. *past*: only that, for K4
under sines (rtol 1e-10, four periods), grids, and a grid on whose walls half of the edges come to rest (rtol 1e-6). *peers*: numpy and scipy
alone (DOP853 on the dense projector of paper 1, written in six lines and as well as we can), and a numba loop where it
installs. *decks*: ngspice on our fast deck and on the best deck that we could write by hand. *flux*: the state at T from
the fluxes alone (alpha = 0). *statistics*: equal steps against adaptive ones for paper 2's tunnelling.

What flatters: DC sources and smooth bulk motion are the best case for a power series (with a sine of many periods the gain
falls to 2, with many hits of walls to what one hit costs); T/100 is a loose ceiling for the simulator (error 1e-6) and
rtol 1e-8 more than a match for it; preparations that a network keeps (its topology, the plan of its solver) are made
before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import networkx as nx
import numpy as np

import spicebridge as sb
from bench.networks import T, grid, memristors
from bench.picture import exponent
from bench.timing import interleaved, ratio

RTOL = 1e-8
ROUNDS = 5
REPEATS, ENOUGH = 20, 3.0
"""Integrations of a child process, of which the fastest counts; no more are begun after so many seconds."""


def graph(name: str) -> sb.Network:
    """A network by the name of its family and its size, such as "grid 20" or "regular 2000"."""
    family, size = name.split()
    n = int(size)
    if family == "grid":
        return grid(n)
    if family == "walls":
        return grid(n, amplitude=1.0, window=sb.Hard())
    if family == "sines":
        device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.1, beta=1.0)
        edges = list(nx.complete_graph(n).edges)
        return sb.Network.from_edges(edges, device=device, drive=sb.Sine(1.0, 2.0), initial_state=0.4)
    made: dict[str, Callable[[], nx.Graph]] = {
        "regular": lambda: nx.random_regular_graph(4, n, seed=1),
        "cube": lambda: nx.grid_graph((n, n, n)),
        "small-world": lambda: nx.watts_strogatz_graph(n, 4, 0.1, seed=1),
        "scale-free": lambda: nx.barabasi_albert_graph(n, 2, seed=1),
        "complete": lambda: nx.complete_graph(n),
    }
    found = nx.convert_node_labels_to_integers(made[family]())
    return memristors(list(found.edges), len(found))


FAMILIES = (
    ("complete 4", "grid 10", "grid 20", "grid 40", "grid 70", "grid 125"),
    ("regular 1000", "regular 2000", "regular 4000", "regular 8000"),
    ("cube 12", "cube 16"),
    ("small-world 2000", "small-world 4000"),
    ("scale-free 2000", "scale-free 4000"),
    ("complete 60",),
)


PAST = ("sines 4", "grid 10", "grid 20", "grid 40", "grid 70", "grid 500", "walls 40")
RTOLS = {"sines": 1e-10, "walls": 1e-6}
SPANS = {"sines": 2.0}


def integrated(network: sb.Network, rtol: float = RTOL, stop: float = T) -> np.ndarray:
    return np.asarray(sb.integrate(network, [stop], rtol=rtol, atol=1e-2 * rtol).state[-1])


def without_series(network: sb.Network, rtol: float = RTOL) -> np.ndarray:
    """The same by the Runge-Kutta method."""
    from spicebridge.theory.time import integration

    kept = integration._series
    integration._series = lambda *_: None
    try:
        return integrated(network, rtol)
    finally:
        integration._series = kept


def families(old: str | None) -> None:
    print(f"Graphs of every kind, T = {T:g} s, rtol {RTOL:g}: power series against Runge-Kutta, same solvers")
    for names in FAMILIES:
        edges, seconds = [], []
        for name in names:
            network = graph(name)
            plan = getattr(_solver(network), "plan", "loop")
            reference = integrated(network, 1e-12)
            errors = [float(np.abs(run(network) - reference).max()) for run in (integrated, without_series)]
            candidates: dict[str, Callable[[], float | None]] = {
                "series": lambda n=network: _timed(integrated, n),  # type: ignore[misc]
                "steps": lambda n=network: _timed(without_series, n),  # type: ignore[misc]
            }
            times = interleaved(candidates, ROUNDS)
            edges.append(network.n_edges)
            seconds.append(median(times["series"]))
            past = "" if old is None else f"  older version {_against(old, name)[1]:5.1f} times slower"
            print(
                f"  {name:16s} {network.n_edges:6d} edges  {plan:10s} {seconds[-1]:8.4f} s (error {errors[0]:.0e})  "
                f"Runge-Kutta {median(times['steps']):8.4f} s ({errors[1]:.0e})  {ratio(times, 'steps', 'series'):5.1f} "
                f"times faster{past}",
                flush=True,
            )
        if len(names) > 2:
            print(f"    exponent from {edges[-3]} to {edges[-1]} edges: {exponent(edges[-3:], seconds[-3:]):.2f}")


def _solver(network: sb.Network) -> Any:
    from spicebridge.theory.currents.branch import branch_solver

    return branch_solver(network)


def _timed(run: Callable[[sb.Network], Any], network: sb.Network) -> float:
    begin = time.process_time()
    run(network)
    return time.process_time() - begin


def past(old: str | None) -> None:
    if old is None:
        return
    print(f"Against an older version, in turns, processor time; rtol {RTOL:g} where nothing else is said")
    for name in PAST:
        rtol = RTOLS.get(name.split()[0])
        seconds, slower = _against(old, name)
        print(f"  {name:10s} {1e3 * seconds:10.2f} ms, the older one takes {slower:5.2f} times as long", end="")
        print("" if rtol is None else f" (rtol {rtol:g})", flush=True)


def _against(old: str, name: str) -> tuple[float, float]:
    """Processor time here in s, and how many times more the version in folder `old` takes; medians of turns."""
    here = str(Path(__file__).parent.parent)
    found: dict[str, list[float]] = {here: [], old: []}
    for _ in range(3):
        for folder in found:
            environment = os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": "1"}
            command = [sys.executable, __file__, "--child", name]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            found[folder].append(float(json.loads(done.stdout)))
    return median(found[here]), median(a / b for a, b in zip(found[old], found[here], strict=True))


def child(name: str) -> None:
    """Least processor time of an integration in this process, on standard output."""
    network, family = graph(name), name.split()[0]

    def run(network: sb.Network) -> None:
        integrated(network, RTOLS.get(family, RTOL), SPANS.get(family, T))

    run(network)
    times = [_timed(run, network)]
    while len(times) < REPEATS and sum(times) < ENOUGH:
        times.append(_timed(run, network))
    print(json.dumps(min(times)))


def projector_alone(network: sb.Network) -> Callable[[], np.ndarray]:
    """Paper 1's equation by numpy and scipy, without this program; the projector is made before the clock starts."""
    from scipy.integrate import solve_ivp

    from spicebridge.theory.currents.topology import Topology

    omega, S = Topology.of(network).Omega, network.bank(0.0)
    device = network.groups[0].device
    xi, alpha, beta = float(device.xi), float(device.alpha), float(device.beta)
    source, identity = omega @ S, np.eye(len(S))

    def rate(t: float, w: np.ndarray) -> np.ndarray:
        return np.asarray(alpha * w - np.linalg.solve(identity + xi * omega * w, source) / beta)

    return lambda: np.asarray(
        solve_ivp(rate, (0.0, T), network.initial_state, "DOP853", rtol=RTOL, atol=1e-2 * RTOL).y[:, -1]
    )


def compiled(network: sb.Network) -> Callable[[], np.ndarray] | None:
    """The nodal equations as one compiled loop of Runge-Kutta steps of T/200, dense Cholesky; None without numba."""
    try:
        import numba
    except ImportError:
        return None
    from spicebridge.theory.currents.topology import Topology

    topology = Topology.of(network)
    B = np.ascontiguousarray(np.delete(topology.B.toarray(), topology.roots, axis=0))
    device, S = network.groups[0].device, network.bank(0.0)
    r_on, xi, alpha, beta = (float(x) for x in (device.r_on, device.xi, device.alpha, device.beta))

    @numba.njit  # type: ignore[untyped-decorator]
    def rate(w, B, S):  # type: ignore[no-untyped-def]
        G = 1.0 / (r_on * (1.0 + xi * w))
        p = np.linalg.solve((B * G) @ B.T, B @ (G * S))
        return alpha * w - r_on / beta * G * (S - B.T @ p)

    @numba.njit  # type: ignore[untyped-decorator]
    def run(w, B, S, h, n):  # type: ignore[no-untyped-def]
        for _ in range(n):
            a = rate(w, B, S)
            b = rate(w + 0.5 * h * a, B, S)
            c = rate(w + 0.5 * h * b, B, S)
            w = w + h / 6.0 * (a + 2.0 * (b + c) + rate(w + h * c, B, S))
        return w

    return lambda: np.asarray(run(network.initial_state.copy(), B, S, T / 200, 200))


def peers() -> None:
    print(f"Other programs, rtol {RTOL:g} (numba: 200 fixed steps)")
    for name in ("complete 4", "grid 10", "grid 20"):
        network = graph(name)
        reference = integrated(network, 1e-12)
        runs: dict[str, Callable[[], np.ndarray]] = {"here": lambda n=network: integrated(n)}  # type: ignore[misc]
        runs["numpy DOP853 on the projector"] = projector_alone(network)
        loop = compiled(network)
        if loop is not None:
            loop()
            runs["numba"] = loop
        errors = {label: float(np.abs(run() - reference).max()) for label, run in runs.items()}
        times = interleaved({label: lambda run=run: _clock(run) for label, run in runs.items()}, ROUNDS)  # type: ignore[misc]
        for label in runs:
            print(
                f"  {network.n_edges:5d} edges  {label:30s} {1e3 * median(times[label]):9.3f} ms  error {errors[label]:.0e}  "
                f"{ratio(times, label, 'here'):7.2f} times ours",
                flush=True,
            )
        if loop is None:
            print("  numba is not installed here")


def _clock(run: Callable[[], Any]) -> float:
    begin = time.process_time()
    run()
    return time.process_time() - begin


def by_hand(network: sb.Network, step: float) -> str:
    """The fastest deck that we know: u = 1 + xi w is a node, its leak goes to a node of 1 V, no expression but u y."""
    from spicebridge.circuit.lower.deck_nodes import node_names

    names, device = node_names(network), network.groups[0].device
    r_on, xi, alpha, beta = (float(x) for x in (device.r_on, device.xi, device.alpha, device.beta))
    lines = ["by hand", "VONE one 0 1"]
    for k in range(network.n_edges):
        a, b = names[network.tail[k]], names[network.head[k]]
        lines += [
            f"B{k} y{k} 0 I=V(y{k})*V(u{k})",
            f"GA{k} 0 y{k} {a} {b} 1",
            f"I{k} 0 y{k} {network.bank(0.0)[k]!r}".replace("np.float64(", "").replace(")", ""),
            f"GE{k} {a} {b} y{k} 0 {1.0 / r_on!r}",
            f"GW{k} u{k} 0 y{k} 0 {xi / beta!r}",
            f"C{k} u{k} 0 1",
            f"RU{k} u{k} one {-1.0 / alpha!r}",
            f".ic v(u{k})={float(1.0 + xi * network.initial_state[k])!r}",
        ]
    saved = [f"v(u{k})" for k in range(network.n_edges)]
    lines += [".save " + " ".join(saved[i : i + 20]) for i in range(0, len(saved), 20)]
    options = "method=trap reltol=1e-9 vntol=1e-12 abstol=1e-15 trtol=1e9"
    return "\n".join([*lines, f".options {options}", f".tran {step!r} {T!r} 0 {step!r}", ".end", ""])


def decks() -> None:
    from bench.theory import STEPS
    from spicebridge.circuit.dialects import get_dialect
    from spicebridge.circuit.lower.lowered_network import lower

    print(f"ngspice at T/{STEPS}, processor time of the process: our fast deck, the best by hand, and the theory")
    for side in (10, 20, 40):
        network = grid(side)
        hand = by_hand(network, T / STEPS)
        ours = lower(network, T, T / STEPS, signals=("state",)).format(get_dialect("ngspice"))
        runs: dict[str, Callable[[], float | None]] = {
            "ours": lambda text=ours: _ngspice(text),  # type: ignore[misc]
            "hand": lambda text=hand: _ngspice(text),  # type: ignore[misc]
            "theory": lambda n=network: _timed(integrated, n),  # type: ignore[misc]
        }
        integrated(network)
        times = interleaved(runs, ROUNDS if side < 40 else 3)
        print(
            f"  {network.n_edges:6d} edges  ours {median(times['ours']):7.3f} s  by hand {median(times['hand']):7.3f} s "
            f"({ratio(times, 'ours', 'hand'):.2f} times faster)  theory {median(times['theory']):7.4f} s "
            f"({ratio(times, 'ours', 'theory'):.0f} times faster than ours, {ratio(times, 'hand', 'theory'):.0f} than the best)",
            flush=True,
        )


def _ngspice(text: str) -> float:
    """Processor time of a bare ngspice."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "deck.cir").write_text(text)
        command = ["ngspice", "-n", "-b", "-r", "out.raw", "deck.cir"]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        assert status == 0
    return usage.ru_utime + usage.ru_stime


def flux() -> None:
    from dataclasses import replace

    from spicebridge.theory.results.flux import flux_states

    print("The state at T from the fluxes alone (alpha = 0), against the integration at rtol 1e-8")
    for side in (10, 20, 40, 70):
        network = grid(side)
        group = network.groups[0]
        network = network.with_device(replace(group.device, alpha=0.0))
        exact = flux_states(network, [T])[0]
        error = float(np.abs(integrated(network, 1e-13) - exact).max())
        runs = {
            "flux": lambda n=network: _clock(lambda: flux_states(n, [T])),
            "time": lambda n=network: _timed(integrated, n),
        }
        times = interleaved(runs, ROUNDS)
        print(
            f"  {network.n_edges:6d} edges  {median(times['flux']):7.4f} s, {ratio(times, 'time', 'flux'):.1f} times faster; "
            f"differs from rtol 1e-13 by {error:.0e}",
            flush=True,
        )


def statistics() -> None:
    from bench.ensembles import paper2

    count = 400
    print(f"Equal steps of 0.1 s for the statistics of {count} trajectories, N = 200, 30 s")
    for s in (0.15, 0.23, 0.25):
        network, x0 = paper2(s), np.random.default_rng(1).random((count, 200))
        found: dict[str, Any] = {}

        def run(
            label: str, found: dict[str, Any] = found, network: Any = network, x0: Any = x0, **options: Any
        ) -> float:
            begin = time.process_time()
            found[label] = sb.integrate_ensemble(network, [30.0], initial_states=x0, **options)
            return time.process_time() - begin

        times = interleaved({"adaptive": lambda: run("adaptive"), "equal": lambda: run("equal", step=0.1)}, 1)
        one, other = (found[k].state[:, -1].mean(axis=1) for k in ("adaptive", "equal"))
        bias, error = found["equal"].bias
        print(
            f"  s = {s:.2f}  adaptive {1e3 * times['adaptive'][0] / count:6.1f} ms, equal steps "
            f"{1e3 * times['equal'][0] / count:6.1f} ms each; tunnelled {np.mean(one > 0.5):.3f} and "
            f"{np.mean(other > 0.5):.3f}, same side {np.mean((one > 0.5) == (other > 0.5)):.3f}; mean state off by "
            f"{(other - one).mean():.1e}, stated {bias[-1]:.1e} +- {error[-1]:.0e}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts: dict[str, Callable[[], None]] = {"peers": peers, "decks": decks, "flux": flux, "statistics": statistics}
    parser.add_argument("parts", nargs="*", choices=["families", "past", *parts, []])
    parser.add_argument("--old", metavar="FOLDER")
    parser.add_argument("--child", metavar="NAME", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child)
        return
    wanted = given.parts or ["families", "past", *parts]
    if "families" in wanted:
        families(given.old)
    if "past" in wanted:
        past(given.old)
    for name in parts:
        if name in wanted:
            parts[name]()
    print((__doc__ or "").split("\n\n")[-1].strip())


if __name__ == "__main__":
    main()
