"""Verdicts where no simulator goes: patches of grids.

    python -m bench.patches [cover | sample | workers | kill | both]…  [--side N] [--count N] [--workers N]

*cover*: a grid of `side` x `side` nodes (default 100: 19,800 edges) by complete cover, once as it is and once with the r_off
of one edge in the middle 1 % too large in the circuit; does the verdict name that edge? *sample*: a grid of 500 x 500
(499,000 edges) by `count` edges drawn uniformly (default 688: 1 % wrong edges excluded with 99.9 %). *workers*: a grid of 30 x
30 with one worker and with two, wall time; the load of the machine is stated, since it decides. *kill*: a grid of 20 x 20
whose process group is killed (SIGKILL) after some patches, then resumed: every patch is there once. *both*: small grids,
judged whole and by patches.

What flatters: border potentials are those of our own theory, so that a theory that is wrong alike everywhere in a patch
shows as a departure of the patch only where its edges feel it; DC sources; `grid` has resistances between 100 and 1000 ohm.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import spicebridge as sb
from bench.networks import T, grid
from spicebridge.verify.patches import PatchedVerdict

WRONG = 1.01
SMALL = (3, 5, 8)
KILLED_AFTER = 5


def wrong(network: sb.Network, edge: int) -> sb.Network:
    """The same network with the r_off of one edge 1 % too large."""
    (group,) = network.groups
    r_off = np.broadcast_to(np.asarray(group.device.r_off, float), (network.n_edges,)).copy()
    r_off[edge] *= WRONG
    r_on = np.broadcast_to(np.asarray(group.device.r_on, float), (network.n_edges,)).copy()
    device = replace(group.device, r_off=r_off, r_on=r_on)
    return sb.Network.from_edges(
        list(zip(network.tail.tolist(), network.head.tolist(), strict=True)),
        device=device,
        drive=list(network.drives),
        initial_state=network.initial_state,
        nodes=list(range(network.n_nodes)),
    )


def judged(network: sb.Network, **options: Any) -> tuple[PatchedVerdict, float]:
    """The verdict over `T` and its wall time in s; progress goes to stderr now and then."""
    last = [0.0]

    def say(words: str) -> None:
        if time.monotonic() - last[0] > 20.0:
            last[0] = time.monotonic()
            print(words, file=sys.stderr, flush=True)

    began = time.perf_counter()
    found = sb.validate(network, np.linspace(0.0, T, 3), progress=say, **{"patches": True, **options})
    assert isinstance(found, PatchedVerdict)
    return found, time.perf_counter() - began


def told(what: str, found: PatchedVerdict, seconds: float) -> None:
    own = sum(result.seconds for result in found.patches)
    print(
        f"{what}: {found.outcome.value.upper()} in {seconds:.0f} s (load {os.getloadavg()[0]:.1f}), {own:.0f} s of them"
    )
    print(f"    processor without simulators. {found.reason}")


def cover(side: int, workers: int, out: Path) -> None:
    network = grid(side)
    name = f"{side} x {side}, {network.n_edges} edges, complete cover, {workers} workers"
    told(name, *judged(network, workers=workers, results=out / f"right{side}.jsonl"))
    edge = network.n_edges // 2
    bad, seconds = judged(network, circuit=wrong(network, edge), workers=workers, results=out / f"wrong{side}.jsonl")
    told(f"the same, r_off of {network.edge_name(edge)} 1 % wrong", bad, seconds)
    named = bad.worst_edge == network.edge_name(edge)
    others = [
        r.number for r, p in zip(bad.patches, bad.cover, strict=True) if r.outcome != "agrees" and edge not in p.edges
    ]
    print(f"    named: {'yes' if named else 'NO'}; patches without that edge that do not agree: {len(others)}")


def sample(side: int, count: int, workers: int, out: Path) -> None:
    network = grid(side)
    found = judged(network, patches=count, workers=workers, results=out / f"sample{side}.jsonl")
    told(f"{side} x {side}, {network.n_edges} edges, {count} edges drawn, {workers} workers", *found)


def workers() -> None:
    network = grid(30)
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(3):
        for n in times:
            load = os.getloadavg()[0]
            times[n].append(judged(network, workers=n)[1])
            print(f"30 x 30, {n} workers: {times[n][-1]:.1f} s at load {load:.1f} of {os.cpu_count()} processors")
    print(f"two workers: {min(times[1]) / min(times[2]):.2f} times as fast as one (best of 3 each)")


def kill(out: Path) -> None:
    kept = out / "killed.jsonl"
    child = subprocess.Popen([sys.executable, "-m", "bench.patches", "--child", str(kept)], start_new_session=True)
    while not (kept.exists() and kept.read_text().count("\n") > KILLED_AFTER):
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    before = [json.loads(line)["number"] for line in kept.read_text().splitlines()[1:] if line.endswith("}")]
    found, _ = judged(grid(20), workers=2, results=kept)
    after = [json.loads(line)["number"] for line in kept.read_text().splitlines()[1:]]
    once = sorted(after) == [patch.number for patch in found.cover] and after[: len(before)] == before
    print(
        f"20 x 20: killed after {len(before)} patches, resumed: {len(after)} of {len(found.cover)} patches, "
        f"{'each once' if once else 'NOT each once'}; {found.outcome.value.upper()}"
    )


def both() -> None:
    for side in SMALL:
        for bad in (None, 2 * side):
            network = grid(side)
            circuit = network if bad is None else wrong(network, bad)
            whole = sb.validate(network, np.linspace(0.0, T, 3), circuit=circuit)
            parts, _ = judged(network, circuit=circuit)
            print(
                f"{side} x {side}, {'right' if bad is None else network.edge_name(bad) + ' 1 % wrong'}: whole "
                f"{whole.outcome.value} ({whole.max_error:.1e}), patches {parts.outcome.value} ({parts.max_error:.1e})"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["cover", "sample", "workers", "kill", "both", []])
    parser.add_argument("--side", type=int)
    parser.add_argument("--count", type=int, default=688)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="keep finished patches here, so that a second run goes on")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        judged(grid(20), workers=2, results=given.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        out = given.out or Path(folder)
        parts: dict[str, Callable[[], None]] = {
            "both": both,
            "kill": lambda: kill(Path(folder)),
            "workers": workers,
            "cover": lambda: cover(given.side or 100, given.workers, out),
            "sample": lambda: sample(given.side or 500, given.count, given.workers, out),
        }
        for name, part in parts.items():
            if name in given.parts or not given.parts:
                part()
    print((__doc__ or "").split("\n\n")[-1].strip())


if __name__ == "__main__":
    main()
