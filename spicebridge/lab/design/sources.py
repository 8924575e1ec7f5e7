"""Chord sources: the same currents from as few sources as possible, on a common ground where possible.

    S' = S + B^t p                                           (paper 1, Eqs. 30-31)

changes no current (A B^t = 0, whatever the signs P), only node potentials. For a spanning tree T the choice p =
-(B_T^t)^-1 S_T empties the tree: what is left stands on the L chords, S' = M S with M constant, and M_ck is the sign
with which edge k lies in the fundamental cycle of chord c. Trees are compared by (channels beyond those there are,
number of sources left, number that touch no ground, largest voltage): all trees of a small graph, else a local search
by exchanges from a breadth-first tree and from one that runs through edges without sources.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.drives import DC, Drive, Sine, Sum, terms
from spicebridge.lab.design.equipment import Equipment, LabError
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology

EXHAUSTIVE = 3000
"""Edge subsets up to which every spanning tree is looked at."""
SAMPLES = 257
"""Times at which the sources are compared."""
RELATIVE_ZERO = 1e-12
"""A source below this fraction of the largest is rounding of a sum that cancels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Gauge:
    """A network whose sources stand on chords.

    `network` is equivalent to the original; `tree` and `chords` edge indexes; `driven` the chords with a source;
    `ground` a node index; `grounded` the driven chords with an end at it; `M` (n_e, n_e) with S' = M S;
    `peak` (n_e,) the largest abs(S') in V over the span.
    """

    network: Network
    tree: tuple[int, ...]
    chords: tuple[int, ...]
    driven: tuple[int, ...]
    ground: int
    grounded: tuple[int, ...]
    M: Array
    peak: Array

    @property
    def isolated(self) -> tuple[int, ...]:
        """Driven chords that need a source without ground."""
        return tuple(k for k in self.driven if k not in self.grounded)


def choose_gauge(network: Network, stop: float, bench: Equipment | None = None) -> Gauge:
    """The best tree found (see the module) for sources over 0 … `stop` (s), within the channels of the `bench`.

    Raises `LabError` for loop matrices, networks in several pieces and, with the counts, for too few channels.
    """
    if not network.is_graph:
        raise LabError("a loop matrix has no wires; the kit builds graphs")
    topology = Topology.of(network)
    if topology.n_components > 1:
        raise LabError(f"the network has {topology.n_components} separate pieces; make a kit of each")
    S = network.bank(_times(network, stop))
    bench = bench or Equipment()
    best: tuple[tuple[float, ...], tuple[int, ...]] | None = None
    for tree in _trees(network, topology, S, bench):
        found = _cost(network, tree, S, bench), tree
        best = found if best is None or found < best else best
    assert best is not None
    excess, channels, isolated = best[0][:3]
    if excess > 0:
        raise LabError(
            f"sources: the best spanning tree {_searched(network)} needs {channels:.0f} generator channels, "
            f"{isolated:.0f} of them isolated; the bench has {_count(bench.channels)} channels, "
            f"{_count(bench.isolated)} isolated; take more, "
            "or put sources on fewer edges"
        )
    return _gauge(network, best[1], S)


def _count(limit: int | None) -> str:
    return "any number of" if limit is None else str(limit)


def _searched(network: Network) -> str:
    return "of all" if math.comb(network.n_edges, network.n_nodes - 1) <= EXHAUSTIVE else "found by exchanges"


def _times(network: Network, stop: float) -> Array:
    corners = [t for drive in set(network.drives) if drive is not None for t in drive.breakpoints(stop)]
    fast = min((d.timescale() for d in set(network.drives) if d is not None), default=math.inf)
    count = SAMPLES if math.isinf(fast) else int(min(max(SAMPLES, 16 * stop / fast), 20_000))
    return np.unique([*np.linspace(0.0, stop, count), *corners])


def _matrix(network: Network, tree: tuple[int, ...]) -> Array:
    """M of the module, exact integers."""
    B = Topology.of(network).B.toarray()[1:]
    M = np.eye(network.n_edges)
    if tree:
        picked = list(tree)
        M[:, picked] -= B.T @ np.linalg.inv(B[:, picked].T)
    return np.asarray(np.rint(M))


def _is_tree(network: Network, edges: tuple[int, ...]) -> bool:
    top = list(range(network.n_nodes))

    def find(node: int) -> int:
        while top[node] != node:
            node = top[node]
        return node

    for k in edges:
        a, b = find(int(network.tail[k])), find(int(network.head[k]))
        if a == b:
            return False
        top[a] = b
    return True


def _trees(network: Network, topology: Topology, S: Array, bench: Equipment) -> list[tuple[int, ...]]:
    n_tree = network.n_nodes - 1
    if math.comb(network.n_edges, n_tree) <= EXHAUSTIVE:
        subsets = itertools.combinations(range(network.n_edges), n_tree)
        return [edges for edges in subsets if _is_tree(network, edges)]
    starts = {tuple(int(k) for k in topology.forest.tree)}
    quiet = np.argsort(np.abs(S).max(axis=0) > 0.0, kind="stable")
    grown: tuple[int, ...] = ()
    for k in quiet.tolist():
        if _is_tree(network, (*grown, k)):
            grown = (*grown, k)
    starts.add(tuple(sorted(grown)))
    return [_improved(network, tree, S, bench) for tree in sorted(starts)]


def _improved(network: Network, tree: tuple[int, ...], S: Array, bench: Equipment) -> tuple[int, ...]:
    """Exchange a tree edge for a chord while it helps; the first better neighbour is taken."""
    cost = _cost(network, tree, S, bench)
    better = True
    while better:
        better = False
        for out, into in itertools.product(tree, sorted(set(range(network.n_edges)) - set(tree))):
            trial = tuple(sorted({*tree, into} - {out}))
            if _is_tree(network, trial) and (found := _cost(network, trial, S, bench)) < cost:
                tree, cost, better = trial, found, True
                break
    return tree


def _driven(M: Array, S: Array) -> tuple[Array, list[int]]:
    peak = np.abs(S @ M.T).max(axis=0)
    floor = RELATIVE_ZERO * float(np.abs(S).max(initial=0.0))
    return peak, [int(k) for k in np.flatnonzero(peak > floor)]


def _ground(network: Network, driven: list[int]) -> tuple[int, list[int]]:
    touching = [[k for k in driven if node in (network.tail[k], network.head[k])] for node in range(network.n_nodes)]
    ground = max(range(network.n_nodes), key=lambda node: (len(touching[node]), -node))
    return ground, touching[ground]


def _cost(network: Network, tree: tuple[int, ...], S: Array, bench: Equipment) -> tuple[float, ...]:
    peak, driven = _driven(_matrix(network, tree), S)
    grounded = _ground(network, driven)[1]
    highest = float(peak.max(initial=0.0))
    count, floating = len(driven), len(driven) - len(grounded)
    excess = max(count - (count if bench.channels is None else bench.channels), 0)
    excess += max(floating - (floating if bench.isolated is None else bench.isolated), 0)
    return float(excess), float(count), float(floating), float(f"{highest:.9g}")


def _gauge(network: Network, tree: tuple[int, ...], S: Array) -> Gauge:
    M = _matrix(network, tree)
    peak, driven = _driven(M, S)
    ground, grounded = _ground(network, driven)
    drives = [_combined(M[k], network.drives) if k in driven else None for k in range(network.n_edges)]
    chords = tuple(k for k in range(network.n_edges) if k not in tree)
    return Gauge(
        network=network.with_drive(drives),
        tree=tree,
        chords=chords,
        driven=tuple(driven),
        ground=ground,
        grounded=tuple(grounded),
        M=M,
        peak=np.where(M.any(1), peak, 0),
    )


def _combined(weights: Array, drives: tuple[Drive | None, ...]) -> Drive | None:
    """The weighted sum of drives, equal waveforms merged into one."""
    level = 0.0
    units: dict[Drive, float] = {}
    for weight, drive in zip(weights.tolist(), drives, strict=True):
        for term in terms(drive) if weight else ():
            if isinstance(term, DC):
                level += weight * term.level
                continue
            size = 1.0
            if isinstance(term, Sine):
                level, size = level + weight * term.offset, term.amplitude
                term = replace(term, amplitude=1.0, offset=0.0)
            units[term] = units.get(term, 0.0) + weight * size
    parts: list[Drive] = [DC(level)] if level else []
    parts += [unit.scaled(size) for unit, size in units.items() if size]
    return None if not parts else parts[0] if len(parts) == 1 else Sum(tuple(parts))
