"""All patches of a network, one after the other or many at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np

from spicebridge.errors import NetworkError, SpiceBridgeError
from spicebridge.pools import on_cluster, on_this_machine
from spicebridge.shown import counted
from spicebridge.theory import Trajectory, solve
from spicebridge.verify.against_theory import Comparison
from spicebridge.verify.patches.bound import bound_of_the_whole
from spicebridge.verify.patches.cover import complete_cover, sampled_cover
from spicebridge.verify.patches.kept import Kept, fingerprint
from spicebridge.verify.patches.patched_verdict import PatchedVerdict, overall, unsolved
from spicebridge.verify.patches.task import THEORY_RTOL, PatchResult, Task, judge_patch, lost_patch, tasks
from spicebridge.verify.verdict import Outcome

CLUSTER_PATCHES = 500
"""Patches that a cluster knows of at once."""


def validate_patches(
    asked: Comparison,
    patches: bool | int = True,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    results: str | Path | None = None,
) -> PatchedVerdict:
    """Judge a large network patch by patch over its span.

    `patches` True covers the whole graph; a number draws so many edges and a patch around each. `workers` processes
    judge patches at a time, or the Dask cluster at `scheduler` does. In the file `results` every finished patch is
    kept, one JSON line each; a second call with the same networks and settings goes on from there.

    Raises `SpiceBridgeError` for a step, `NetworkError` for a network without a graph, and what `against_theory`
    raises.
    """
    if asked.step is not None:
        raise SpiceBridgeError("step: patches choose their own steps; leave it out")
    network, stop, say = asked.network, asked.stop, asked.say
    if not network.is_graph:
        raise NetworkError("patches need a graph; a loop matrix has no nodes")
    if patches is not True and (isinstance(patches, bool) or not isinstance(patches, int) or patches < 1):
        raise NetworkError(f"patches = {patches!r} must be True or a number of patches, at least 1")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise NetworkError(f"workers = {workers!r} must be a whole number of at least 1")
    if workers != 1 and scheduler is not None:
        raise NetworkError("workers and scheduler exclude each other: a cluster has its own workers")
    tried = network if asked.circuit is None else asked.circuit
    same = tried.is_graph and np.array_equal(tried.tail, network.tail) and np.array_equal(tried.head, network.head)
    if not same:
        raise NetworkError("the circuit must have the edges of the network, between the same nodes, in the same order")
    cover = complete_cover(network) if patches is True else sampled_cover(network, int(patches))
    kept = Kept(Path(results), fingerprint(asked, patches)) if results is not None else None
    with nullcontext() if kept is None else kept.alone():
        done = {} if kept is None else kept.read()
        todo = [patch for patch in cover if patch.number not in done]
        whole: Trajectory | None = None
        if todo:
            say(f"theory of {network.n_edges} edges")
            whole = solve(network, stop, rtol=THEORY_RTOL, atol=1e-2 * THEORY_RTOL)
            if not whole.complete:
                return unsolved(network, asked.settings.tolerance, whole.reason, patches is True)
            waiting = tasks(asked, whole, todo)
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
        return overall(network, asked.settings.tolerance, cover, found, patches is True, bound)


def _judged(tasks: Iterator[Task], workers: int, scheduler: str | None) -> Generator[PatchResult, None, None]:
    """Results as they come; patches are made as they are needed."""
    if scheduler is not None:
        yield from (result for _, result in on_cluster(judge_patch, tasks, scheduler, lost_patch, CLUSTER_PATCHES))
    elif workers > 1:
        yield from (result for _, result in on_this_machine(judge_patch, tasks, workers, lost_patch))
    else:
        yield from map(judge_patch, tasks)
