"""All patches of a network, one after the other or many at a time."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.circuit.simulate import grid_span
from spicebridge.errors import NetworkError
from spicebridge.network import Network
from spicebridge.theory import solve
from spicebridge.verify.patches.cover import complete_cover, sampled_cover
from spicebridge.verify.patches.kept import Kept, fingerprint
from spicebridge.verify.patches.task import THEORY_RTOL, PatchResult, Task, judge_patch, tasks
from spicebridge.verify.patches.verdict import PatchedVerdict, overall, unsolved
from spicebridge.verify.verdict import Outcome

Progress = Callable[[str], None]


def validate_patches(
    network: Network,
    t: ArrayLike,
    *,
    patches: bool | int = True,
    tolerance: float = 1e-5,
    circuit: Network | None = None,
    workers: int = 1,
    results: str | Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> PatchedVerdict:
    """Judge a large network patch by patch over [0, t[-1]].

    `patches` True covers the whole graph; a number draws so many edges and a patch around each (`seed`). `circuit`
    (default: the network) is what the simulator gets. `workers` processes judge patches at a time. In the file
    `results` every finished patch is kept, one JSON line each; a second call with the same networks and settings goes
    on from there. Other `options` are those of `validate`, `step` excepted.

    Raises `NetworkError` for a network without a graph, and what `validate` raises.
    """
    if not network.is_graph:
        raise NetworkError("patches need a graph; a loop matrix has no nodes")
    if patches is not True and (isinstance(patches, bool) or not isinstance(patches, int) or patches < 1):
        raise NetworkError(f"patches = {patches!r} must be True or a number of patches, at least 1")
    if workers < 1:
        raise NetworkError(f"workers = {workers!r} must be at least 1")
    tried = network if circuit is None else circuit
    same = tried.is_graph and np.array_equal(tried.tail, network.tail) and np.array_equal(tried.head, network.head)
    if not same:
        raise NetworkError("the circuit must have the edges of the network, between the same nodes, in the same order")
    say: Progress = progress or (lambda message: None)
    stop = float(grid_span(t)[-1])
    cover = complete_cover(network) if patches is True else sampled_cover(network, int(patches), seed)
    mark = fingerprint(network, tried, stop, tolerance, patches, seed, options)
    kept = Kept(Path(results), mark) if results is not None else None
    done = {} if kept is None else kept.read()
    todo = [patch for patch in cover if patch.number not in done]
    if todo:
        say(f"theory of {network.n_edges} edges")
        whole = solve(network, stop, rtol=THEORY_RTOL, atol=1e-2 * THEORY_RTOL)
        if not whole.complete:
            return unsolved(network, tolerance, whole.reason, patches is True)
        waiting = tasks(network, tried, whole, todo, tolerance, options)
        for count, result in enumerate(_judged(waiting, workers), len(done) + 1):
            done[result.number] = result
            if kept is not None:
                kept.add(result)
            say(f"{count} of {len(cover)} patches, {_counts(done.values())}")
    return overall(network, tolerance, cover, [done[patch.number] for patch in cover], patches is True)


def _counts(results: Any) -> str:
    words = [result.outcome for result in results]
    return ", ".join(f"{words.count(o.value)} {o.value}" for o in Outcome if o.value in words)


def _judged(tasks: Iterator[Task], workers: int) -> Iterator[PatchResult]:
    """Results as they come; patches are made as they are needed."""
    if workers == 1:
        yield from map(judge_patch, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting = {pool.submit(judge_patch, task) for task in islice(tasks, 2 * workers)}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                waiting |= {pool.submit(judge_patch, task) for task in islice(tasks, len(done))}
                yield from (future.result() for future in done)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
