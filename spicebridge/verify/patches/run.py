"""All patches of a network, one after the other or many at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.circuit.circuit_run import grid_span
from spicebridge.errors import NetworkError
from spicebridge.network import Network
from spicebridge.pools import on_cluster, on_this_machine
from spicebridge.shown import counted
from spicebridge.theory import Trajectory, solve
from spicebridge.verify.patches.bound import bound_of_the_whole
from spicebridge.verify.patches.cover import complete_cover, sampled_cover
from spicebridge.verify.patches.kept import Kept, fingerprint
from spicebridge.verify.patches.task import THEORY_RTOL, PatchResult, Task, judge_patch, lost_patch, tasks
from spicebridge.verify.patches.verdict import PatchedVerdict, overall, unsolved
from spicebridge.verify.verdict import Outcome

Progress = Callable[[str], None]
CLUSTER_PATCHES = 500
"""Patches that a cluster knows of at once."""


def validate_patches(
    network: Network,
    t: ArrayLike,
    *,
    patches: bool | int = True,
    tolerance: float = 1e-5,
    circuit: Network | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    results: str | Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> PatchedVerdict:
    """Judge a large network patch by patch over [0, t[-1]].

    `patches` True covers the whole graph; a number draws so many edges and a patch around each (`seed`). `circuit`
    (default: the network) is what the simulator gets. `workers` processes judge patches at a time, or the Dask cluster at
    `scheduler` does. In the file `results` every finished patch is kept, one JSON line each; a second call with the same networks and settings goes
    on from there. Other `options` are those of `validate`, `step` excepted.

    Raises `NetworkError` for a network without a graph, and what `validate` raises.
    """
    if not network.is_graph:
        raise NetworkError("patches need a graph; a loop matrix has no nodes")
    if patches is not True and (isinstance(patches, bool) or not isinstance(patches, int) or patches < 1):
        raise NetworkError(f"patches = {patches!r} must be True or a number of patches, at least 1")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise NetworkError(f"workers = {workers!r} must be a whole number of at least 1")
    if workers != 1 and scheduler is not None:
        raise NetworkError("workers and scheduler exclude each other: a cluster has its own workers")
    tried = network if circuit is None else circuit
    same = tried.is_graph and np.array_equal(tried.tail, network.tail) and np.array_equal(tried.head, network.head)
    if not same:
        raise NetworkError("the circuit must have the edges of the network, between the same nodes, in the same order")
    say: Progress = progress or (lambda message: None)
    stop = float(grid_span(t)[-1])
    cover = complete_cover(network) if patches is True else sampled_cover(network, int(patches), seed)
    mark = fingerprint(network, tried, stop, tolerance, patches, seed, options)
    kept = Kept(Path(results), mark) if results is not None else None
    with nullcontext() if kept is None else kept.alone():
        done = {} if kept is None else kept.read()
        todo = [patch for patch in cover if patch.number not in done]
        whole: Trajectory | None = None
        if todo:
            say(f"theory of {network.n_edges} edges")
            whole = solve(network, stop, rtol=THEORY_RTOL, atol=1e-2 * THEORY_RTOL)
            if not whole.complete:
                return unsolved(network, tolerance, whole.reason, patches is True)
            waiting = tasks(network, tried, whole, todo, tolerance, options)
            began = time.monotonic()
            # closed at once when storing fails or somebody interrupts, so that no worker goes on for nothing
            with closing(_judged(waiting, workers, scheduler)) as finished:
                for result in finished:
                    done[result.number] = result
                    if kept is not None:
                        kept.add(result)
                    words = [each.outcome for each in done.values()]
                    elapsed, before = time.monotonic() - began, len(cover) - len(todo)
                    say(counted("patches", len(done), len(cover), elapsed, outcomes=words, before=before))
        found = [done[patch.number] for patch in cover]
        bound = math.nan
        if patches is True and all(result.outcome == Outcome.AGREES.value for result in found):
            whole = whole or solve(network, stop, rtol=THEORY_RTOL, atol=1e-2 * THEORY_RTOL)
            bound = bound_of_the_whole(network, whole, cover, found)
        return overall(network, tolerance, cover, found, patches is True, bound)


def _judged(tasks: Iterator[Task], workers: int, scheduler: str | None) -> Generator[PatchResult, None, None]:
    """Results as they come; patches are made as they are needed."""
    if scheduler is not None:
        yield from (result for _, result in on_cluster(judge_patch, tasks, scheduler, lost_patch, CLUSTER_PATCHES))
    elif workers > 1:
        yield from (result for _, result in on_this_machine(judge_patch, tasks, workers, lost_patch))
    else:
        yield from map(judge_patch, tasks)
