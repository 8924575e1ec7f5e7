"""Interleaved timing: every candidate once a round, so that what else the machine does falls on all alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median


def interleaved(candidates: Mapping[str, Callable[[], float | None]], rounds: int) -> dict[str, list[float]]:
    """Wall times in s of every candidate, one a round.

    A candidate may return a time of its own (of the part that counts); otherwise the whole call is timed.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            gc.collect()
            begin = time.perf_counter()
            own = run()
            times[name].append(time.perf_counter() - begin if own is None else own)
    return times


def ratio(times: Mapping[str, list[float]], slow: str, fast: str) -> float:
    """Median over the rounds of how many times faster `fast` was than `slow`."""
    return median(a / b for a, b in zip(times[slow], times[fast], strict=True))
