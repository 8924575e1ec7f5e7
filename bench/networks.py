"""The networks that are timed: square grids and random graphs of memristors, by size and seed."""

from __future__ import annotations

from typing import Any

import numpy as np

import spicebridge as sb

T = 5.0
"""Span of every timed run in s."""

WALLS = 1.0
"""Amplitude in V at which half of the states of a grid meet a hard bound within `T`."""


def grid(side: int, *, amplitude: float = 0.1, window: Any = None, seed: int = 11) -> sb.Network:
    """A square grid of `side` x `side` nodes: Ron 100, Roff 1000 ohm, alpha 0.1/s, beta 1 V s, random DC sources.

    2 side (side - 1) edges: 180 at 10, 760 at 20, 3,120 at 40, 9,660 at 70, 499,000 at 500.
    """
    node = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    head = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    return memristors(np.stack([tail, head], axis=1), side * side, amplitude, window, seed)


def memristors(edges: Any, n_nodes: int, amplitude: float = 0.1, window: Any = None, seed: int = 11) -> sb.Network:
    """The same devices and sources on any edges (n_e, 2)."""
    rng = np.random.default_rng(seed)
    n_e = len(edges)
    return sb.Network.from_edges(
        [tuple(edge) for edge in np.asarray(edges).tolist()],
        device=sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0, window=window),
        drive=rng.uniform(-amplitude, amplitude, n_e),
        initial_state=rng.uniform(0.2, 0.45, n_e),
        nodes=range(n_nodes),
    )
