"""What `sb.analyse`, `sb.gradient`, `sb.design` and `sb.optimise` reach, over populations of random networks.

python -m bench.analysis [points gradients designs ensembles qubo] [--quick]
"""

from __future__ import annotations

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
