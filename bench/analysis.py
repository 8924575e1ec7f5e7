"""What `sb.analyse`, `sb.gradient`, `sb.design` and `sb.optimise` reach, over populations of random networks.

python -m bench.analysis [points gradients designs ensembles qubo] [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import networkx as nx
import numpy as np

import spicebridge as sb
from spicebridge.analysis.fixed_points import fixed_points
from spicebridge.analysis.flow import Flow
from spicebridge.theory.ensembles import integrate_ensemble


def random_network(seed: int) -> sb.Network:
    """4 to 8 nodes, 4 to 12 edges, hard bounds, DC; the law goes round with the seed: paper 1 with alpha of both
    signs, paper 2, voltage control, random polarities, parameters that differ from edge to edge."""
    rng = np.random.default_rng([18, seed])
    nodes = int(rng.integers(4, 8))
    edges = [(int(rng.integers(k)), k) for k in range(1, nodes)]
    while len(edges) < int(rng.integers(nodes, nodes + 5)):
        a, b = (int(x) for x in rng.choice(nodes, 2, replace=False))
        edges.append((a, b))
    n, kind = len(edges), seed % 6
    hard = sb.Hard()
    if kind < 2:
        alpha = -1.0 if kind == 0 else 0.7
        device = sb.LinearMemristor.caravelli2017(100.0, rng.uniform(400, 1600), alpha, 1.0, window=hard)
        level = rng.normal(0.0, 2.0, n)
    elif kind == 2:
        device = sb.LinearMemristor.tunneling(0.1, 1.0, 1.0, 1.0, window=hard)
        level = rng.uniform(0.1, 0.3) + rng.normal(0.0, 0.05, n)
    elif kind == 3:
        device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, -0.5, 1.0, control="voltage", window=hard)
        level = rng.normal(0.0, 1.0, n)
    elif kind == 4:
        device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.8, 1.0, window=hard)
        level = rng.normal(0.0, 1.5, n)
    else:
        r_on = rng.uniform(50, 150, n)
        device = sb.LinearMemristor.caravelli2017(
            r_on, r_on * rng.uniform(4, 16, n), rng.uniform(-1, -0.2, n), 1.0, window=hard
        )
        level = rng.normal(0.0, 2.0, n)
    J = rng.choice([-1, 1], n) if kind in (1, 4, 5) else 1
    return sb.Network.from_edges(edges, device=device, drive=level, initial_state=rng.random(n), polarity=J)


def stable_points(networks: int, starts: int = 1000) -> list[dict[str, float]]:
    """Do runs from `starts` other random states rest at points that are not in the list?"""
    rows = []
    for seed in range(networks):
        network = random_network(seed)
        found = fixed_points(network)
        rng = np.random.default_rng([19, seed])
        states = rng.random((starts, network.n_edges))
        run = integrate_ensemble(network, [400.0], initial_states=states, rtol=1e-8, atol=1e-10)
        flow = Flow(network)
        missed = rest = 0
        for end in run.state[run.complete, -1]:
            f = flow.rate(end)
            held = flow.hard & (((end >= 1) & (f > 0)) | ((end <= 0) & (f < 0)))
            if np.abs(np.where(held, 0.0, f)).max() > 1e-6:
                continue
            rest += 1
            missed += min(float(np.abs(p.state - end).max()) for p in found) > 1e-3 if len(found) else 1
        worst = max((_against_differences(network, p) for p in found), default=0.0)
        rows.append(
            {
                "seed": seed,
                "edges": network.n_edges,
                "points": len(found),
                "stable": len(found.stable),
                "rested": rest,
                "missed": missed,
                "spectrum": worst,
            }
        )
    return rows


def _against_differences(network: sb.Network, point: sb.analysis.fixed_points.FixedPoint) -> float:
    """Largest distance of the spectrum from that of a Jacobian by central differences, relative to its size."""
    flow, free = Flow(network), np.flatnonzero(network.stateful & (point.held == 0))
    if free.size == 0:
        return 0.0
    h = 1e-5
    columns = []
    for k in free:
        step = np.zeros(network.n_edges)
        step[k] = h
        columns.append((flow.rate(point.state + step) - flow.rate(point.state - step))[free] / (2 * h))
    from scipy.optimize import linear_sum_assignment

    other = np.linalg.eigvals(np.array(columns).T)
    apart = np.abs(point.spectrum[:, None] - other[None, :])
    rows, cols = linear_sum_assignment(apart)
    return float(apart[rows, cols].max() / max(1.0, np.abs(point.spectrum).max()))


def reachable_target(seed: int) -> tuple[sb.Network, np.ndarray]:
    """A random graph of memristors (alpha = 0, current control) and where random sources took it in 1 s."""
    from spicebridge.theory import solve

    rng = np.random.default_rng([20, seed])
    graph = nx.gnm_random_graph(int(rng.integers(4, 7)), int(rng.integers(7, 10)), seed=seed)
    n = graph.number_of_edges()
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.0, 1.0)
    network = sb.Network.from_graph(
        graph, device=device, initial_state=rng.uniform(0.35, 0.65, n), polarity=rng.choice([-1, 1], n)
    )
    amplitude = 1.0
    while True:
        path = solve(network.with_drive(rng.normal(0.0, amplitude, n)), 1.0)
        if path.complete and path(1.0).min() > 0.05 and path(1.0).max() < 0.95:
            return network, path(1.0)
        amplitude *= 0.8


def designs(inside: int, outside: int) -> dict[str, float]:
    """Targets inside the reachable set, and outside: how many are found, refused, and agree in ngspice."""
    found = agree = refused = 0
    worst = 0.0
    for seed in range(inside):
        network, target = reachable_target(seed)
        design = sb.design(network, [0.0, 1.0], target)
        found += design.found
        agree += design.verdict is not None and design.verdict.agrees
        worst = max(worst, design.distance)
    for seed in range(outside):
        network, target = reachable_target(100 + seed)
        other = target + np.random.default_rng([21, seed]).normal(0.0, 0.05, network.n_edges)
        refused += sb.design(network, [0.0, 1.0], other).status == "unreachable"
    return {"inside": inside, "found": found, "agree": agree, "worst": worst, "outside": outside, "refused": refused}


def confirmed(networks: int) -> dict[str, int]:
    """Outcomes of every number that is measured on circuits of the random networks."""
    counts: dict[str, int] = {}
    for seed in range(networks):
        for row in sb.analyse(random_network(seed)).confirm():
            key = f"{row.what.split(' ')[0]} {row.outcome.value}"
            counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))


def driven(graph: nx.Graph, seed: int, *, window: Any = None, amplitude: float = 0.2) -> sb.Network:
    """Memristors of different parameters under DC and sines."""
    rng = np.random.default_rng([22, seed])
    n = graph.number_of_edges()
    device = sb.LinearMemristor.caravelli2017(
        rng.uniform(80, 120, n), rng.uniform(600, 1200, n), 0.2, rng.uniform(0.8, 1.2, n), window=window
    )
    drives = [sb.DC(float(a)) + sb.Sine(float(b), 0.7) for a, b in rng.uniform(-amplitude, amplitude, (n, 2))]
    return sb.Network.from_graph(
        graph, device=device, drive=drives, initial_state=rng.uniform(0.3, 0.6, n), polarity=rng.choice([-1, 1], n)
    )


NAMES = ("drive", "r_on", "r_off", "alpha", "beta", "initial_state")


def against_theory(network: sb.Network, t: np.ndarray, entries: int) -> dict[str, float]:
    """Largest relative difference of gradients from four-point differences of the event-driven theory, by name."""
    from spicebridge.analysis import variables
    from spicebridge.theory import solve

    loss = sb.loss.final_state(np.random.default_rng(3).uniform(0.2, 0.8, network.n_edges))
    found = sb.gradient(network, t, loss, NAMES, rtol=1e-10)
    worst = {}
    for name in NAMES:
        own = variables.values(network, name)
        h = 1e-4 * (np.nanmax(np.abs(own)) or 1.0)
        gap = 0.0
        for k in np.random.default_rng(4).choice(network.n_edges, min(entries, network.n_edges), replace=False):
            values = []
            for factor in (1, -1, 2, -2):
                change = np.zeros(network.n_edges)
                change[k] = factor * h
                path = solve(variables.moved(network, name, change), float(t[-1]), rtol=1e-12, atol=1e-14)
                values.append(loss(path.waveforms(t))[0])
            difference = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * h)
            gap = max(gap, abs(difference - found[name][k]) / np.abs(found[name]).max())
        worst[name] = gap
    return worst


def gradients(quick: bool) -> None:
    t = np.array([0.0, 3.0])
    graphs = {"K4": nx.complete_graph(4), "grid 5x5": nx.grid_2d_graph(5, 5)}
    print("largest relative difference from differences of the event-driven theory, and of ngspice along the gradient")
    for name, graph in graphs.items():
        for kind, window, amplitude in (("bulk", None, 0.2), ("walls", sb.Hard(), 1.5)):
            network = driven(graph, 1, window=window, amplitude=amplitude)
            worst = against_theory(network, t, 2 if quick else 6)
            line = "  ".join(f"{key} {value:.1e}" for key, value in worst.items())
            print(f"{name:<9}{kind:<6} theory   {line}")
            loss = sb.loss.final_state(np.random.default_rng(3).uniform(0.2, 0.8, network.n_edges))
            found = sb.gradient(network, t, loss, ("drive", "beta", "initial_state"), confirm=True)
            for key, c in found.confirmed.items():
                print(f"{'':<15} ngspice  {key:<14} {c.difference:.1e}  U {c.U:.1e}  {c.outcome.value}")


def cost() -> None:
    from bench.networks import grid

    def best(run: Callable[[], Any], times: int) -> float:
        spent = []
        for _ in range(times):
            begin = time.process_time()
            run()
            spent.append(time.process_time() - begin)
        return min(spent)

    print("processor time of a gradient over that of sb.integrate at the same rtol (best of several)")
    print("edges  bounds  rtol    forward   drive+start   drive, r_on, r_off, beta, start")
    t, loss = np.array([0.0, 5.0]), sb.loss.final_state(0.4)
    choices = (("drive", "initial_state"), ("drive", "r_on", "r_off", "beta", "initial_state"))
    for side, window, amplitude, times in ((20, None, 0.1, 7), (40, None, 0.1, 7), (40, sb.Hard(), 0.5, 1)):
        network = grid(side, amplitude=amplitude, window=window)
        for rtol in (1e-9, 1e-10) if window is None else (1e-9,):
            forward = best(partial(sb.integrate, network, t, rtol=rtol), times)
            ratios = [
                best(partial(sb.gradient, network, t, loss, names, rtol=rtol), times) / forward for names in choices
            ]
            bounds = "none" if window is None else "hard"
            print(
                f"{network.n_edges:<7}{bounds:<8}{rtol:<8.0e}{1e3 * forward:7.1f} ms   x {ratios[0]:.2f}"
                f"        x {ratios[1]:.2f}",
                flush=True,
            )


def planted(cases: int, runs: int) -> None:
    """Equal and planted ensembles near paper 2's threshold: verdicts against what was planted."""
    device = sb.LinearMemristor.tunneling(0.1, 1.0, 1.0, 1.0, window=sb.Hard())
    counts = {"right": 0, "wrong": 0, "unresolved": 0}
    for seed in range(cases):
        rng = np.random.default_rng([23, seed])
        n = int(rng.integers(8, 13))
        edges = [(k, (k + d) % n) for d in (1, 3) for k in range(n)]
        states = rng.random((runs, 2 * n))
        s = float(rng.uniform(0.22, 0.25))
        same = seed % 2 == 0
        network = sb.Network.from_edges(edges, device=device, drive=s)
        other = network if same else network.with_drive(s - 0.05)
        which = "tunnelled" if seed % 4 < 2 else "x_cg"
        margin = 0.1 if which == "tunnelled" else 0.05
        verdict = sb.validate_ensemble(
            network, [0.0, 40.0], initial_states=states, statistic=which, margin=margin, circuit=other
        )
        truth = _truth(network, other, which, margin)
        outcome = verdict.outcome.value
        expected = {"equal": "agrees", "apart": "disagrees"}.get(truth)
        key = "unresolved" if outcome == "unresolved" else "right" if expected in (None, outcome) else "wrong"
        counts[key] += 1
        print(f"{seed:>3} s {s:.3f} {which:<10} planted {truth:<8} {verdict.outcome.value:<11} {verdict.runs} pairs, "
              f"difference {verdict.difference:+.3f} in {verdict.interval[0]:+.3f} to {verdict.interval[1]:+.3f}")  # fmt: skip
    print(", ".join(f"{key} {value}" for key, value in counts.items()), f"of {cases}")


def _truth(network: sb.Network, other: sb.Network, which: str, margin: float) -> str:
    """What the theory says of 2,000 other states: equal, apart (beyond the margin), or near it."""
    if other is network:
        return "equal"
    states = np.random.default_rng(24).random((2000, network.n_edges))
    weight = sb.analyse(network).Omega.sum(axis=0) / network.n_edges
    means = []
    for one in (network, other):
        run = integrate_ensemble(one, [40.0], initial_states=states, rtol=1e-7, atol=1e-9)
        centre = run.state[:, -1] @ weight
        means.append(float((centre > 0.5).mean() if which == "tunnelled" else centre.mean()))
    gap = abs(means[0] - means[1])
    return "apart" if gap > 1.2 * margin else "equal" if gap < 0.8 * margin else "near"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    every = ("points", "confirmed", "gradients", "cost", "designs", "ensembles")
    parser.add_argument("what", nargs="*", default=[], metavar="WHAT", help=", ".join(every))
    parser.add_argument("--quick", action="store_true", help="smaller populations")
    args = parser.parse_args()
    quick = args.quick
    for what in args.what or every:
        print(f"-- {what}", flush=True)
        if what == "points":
            rows = stable_points(6 if quick else 30, 200 if quick else 1000)
            for row in rows:
                print(
                    "  ".join(f"{k} {v:.1e}" if k == "spectrum" else f"{k} {v:g}" for k, v in row.items()), flush=True
                )
            missed, rested = sum(r["missed"] for r in rows), sum(r["rested"] for r in rows)
            print(
                f"{missed:g} of {rested:g} runs rest outside the list; spectra within {max(r['spectrum'] for r in rows):.1e}"
            )
        elif what == "confirmed":
            print(confirmed(4 if quick else 30))
        elif what == "gradients":
            gradients(quick)
        elif what == "cost":
            cost()
        elif what == "designs":
            print(designs(4, 2) if quick else designs(20, 10))
        elif what == "ensembles":
            planted(4 if quick else 40, 160)
        else:
            parser.error(f"there is no part {what!r}; choose from {', '.join(every)}")


if __name__ == "__main__":
    main()
