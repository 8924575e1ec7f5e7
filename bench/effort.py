"""What a verdict costs, in accepted time points of all its runs, and whether stiff circuits resolve.

python -m bench.effort [--stiff 12]
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field

import networkx as nx
import numpy as np

import spicebridge as sb
from spicebridge.circuit.engines import Job, RunRecord, get_engine
from spicebridge.pools import OneAtATime


@dataclass
class Counting(OneAtATime):
    """An engine that counts the time points of its runs."""

    points: list[int] = field(default_factory=list)

    def run(self, job: Job) -> RunRecord:
        record = super().run(job)
        self.points.append(record.time.size)
        return record


def constant(graph: nx.Graph) -> sb.Network:
    """A graph of equal memristors under constant sources."""
    rng = np.random.default_rng(5)
    m = graph.number_of_edges()
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0)
    return sb.Network.from_graph(
        graph, device=device, drive=rng.uniform(-0.1, 0.1, m), initial_state=rng.uniform(0.2, 0.45, m)
    )


def readme() -> sb.Network:
    """K4 of the README."""
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.1, beta=1.0)
    return sb.Network.from_graph(
        nx.complete_graph(4), device=device, drive={0: sb.Sine(amplitude=0.5, frequency=2.0)}, initial_state=0.4
    )


def stiff(seed: int) -> tuple[float, sb.Verdict]:
    """alpha T, and the verdict on a loop with one fast decay, a slow one and a growth."""
    rng = np.random.default_rng([1, seed])
    fast = -(10 ** rng.uniform(3.0, 4.5)) / 4.0
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=[fast, -0.5, 0.1], beta=1.0)
    network = sb.Network.from_edges(
        [(0, 1), (1, 2), (2, 0)],
        device=device,
        drive={0: float(rng.uniform(-0.3, 0.3))},
        initial_state=rng.uniform(0.2, 0.6, 3),
    )
    return -4.0 * fast, sb.validate(network, [0.0, 4.0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stiff", type=int, default=12)
    count = parser.parse_args().stiff
    for name, network, stop in (
        ("K4, constant sources", constant(nx.complete_graph(4)), 5.0),
        ("K4 of the README", readme(), 2.0),
        ("grid 20 x 20", constant(nx.grid_2d_graph(20, 20)), 5.0),
    ):
        engine = Counting(get_engine("ngspice"))
        verdict = sb.validate(network, [0.0, stop], engine=engine)
        print(f"{name}: {sum(engine.points)} points in {len(engine.points)} runs, {verdict.outcome}")
    rows = [stiff(seed) for seed in range(count)]
    span = [a for a, _ in rows]
    print(f"stiff: alpha T {min(span):.0f} to {max(span):.0f}, {dict(Counter(str(v.outcome) for _, v in rows))}")


if __name__ == "__main__":
    main()
