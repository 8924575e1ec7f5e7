"""Loops of capacitors and cutsets of inductors: what a network's own states have to obey at every instant.

    loop     sum_k +-(v_k - S_k) = 0     over a loop of capacitors with their series sources
    cutset   sum_k +-i_k = 0             over a cutset of inductors and current sources

Each such law makes one state a function of the others: the *dependent* capacitor of a fundamental loop (a
chord of a spanning forest of the capacitors), the *dependent* inductor of a fundamental cutset (a branch of
a spanning forest of the inductors between the parts that everything else holds together). Nothing is merged:
a dependent state stays a column of its own, whose current (or drop) follows from the derivative of its law.
The laws have to hold at t = 0, and a cutset of current sources alone has no solution at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.errors import ScreenError
from spicebridge.network import Network

CONSISTENT = 1e-9
"""Initial values of a loop or cutset add up when their sum is below this part of the largest of them."""
NAMED = 8
"""At most so many edges of a loop or cutset are named."""

_KNOWN: WeakKeyDictionary[Network, Reductions] = WeakKeyDictionary()


@dataclass(frozen=True)
class TopologicalLaw:
    """sum of `signs` times the edges' quantity = 0; the first of `edges` is the dependent one, with sign +1."""

    edges: tuple[int, ...]
    signs: tuple[float, ...]

    @property
    def dependent(self) -> int:
        return self.edges[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reductions:
    """The laws of one network, and the parts they come from.

    ``joined`` (n,) numbers the nodes that capacitors hold together, ``part`` (n,) those that everything but
    inductors and current sources holds together. ``open_sources`` are cutsets of current sources alone.
    """

    joined: IntArray
    part: IntArray
    loops: tuple[TopologicalLaw, ...]
    cutsets: tuple[TopologicalLaw, ...]
    open_sources: tuple[tuple[int, ...], ...]

    @property
    def none(self) -> bool:
        return not (self.loops or self.cutsets or self.open_sources)


def reductions(network: Network) -> Reductions:
    """Find the loops and cutsets of a graph; kept while the network lives."""
    known = _KNOWN.get(network)
    if known is None:
        known = _KNOWN[network] = _find(network)
    return known


def dependent_laws(network: Network) -> dict[int, TopologicalLaw]:
    """Dependent edge -> the law of its loop or cutset; empty for networks of memristors and resistors."""
    if not network.reactive:
        return {}
    found = reductions(network)
    return {law.dependent: law for law in (*found.loops, *found.cutsets)}


def _find(network: Network) -> Reductions:
    tail, head = network.tail.tolist(), network.head.tolist()
    n = network.n_nodes
    imposed = network.imposed
    holding = [k for k, what in enumerate(imposed) if what == "voltage"]
    forcing = [k for k, what in enumerate(imposed) if what == "current"]
    conducting = [k for k, what in enumerate(imposed) if not what]
    inductors = [k for k in forcing if network.stateful[k]]
    capacitors = _Forest(n, holding, tail, head)
    joined = capacitors.labels()
    loops = tuple(capacitors.loop(k) for k in capacitors.chords)
    part = _Forest(n, [*holding, *conducting], tail, head).labels()
    ends = [part[a] for a in tail], [part[b] for b in head]
    between = _Forest(int(part.max()) + 1, inductors, *ends)
    cutsets = tuple(between.cutset(k, forcing) for k in between.branches)
    linked = between.labels()
    sources = [k for k in forcing if not network.stateful[k]]
    crossing = [k for k in sources if linked[ends[0][k]] != linked[ends[1][k]]]
    open_sources = []
    for side in dict.fromkeys(int(linked[ends[0][k]]) for k in crossing):
        open_sources.append(tuple(k for k in crossing if side in (linked[ends[0][k]], linked[ends[1][k]])))
    return Reductions(joined=joined, part=part, loops=loops, cutsets=cutsets, open_sources=tuple(open_sources))


class _Forest:
    """A breadth-first spanning forest of some edges: its ``branches`` and the ``chords`` left over."""

    def __init__(self, n: int, edges: Iterable[int], tail: list[int], head: list[int]) -> None:
        self.tail, self.head = tail, head
        at: list[list[int]] = [[] for _ in range(n)]
        chosen = list(edges)
        for k in chosen:
            at[tail[k]].append(k)
            at[head[k]].append(k)
        self.up: list[int] = [-1] * n
        self.depth = [0] * n
        self.root = [-1] * n
        self.branches: list[int] = []
        self.order: list[int] = []
        for start in range(n):
            if self.root[start] >= 0:
                continue
            self.root[start] = start
            waiting = [start]
            for node in waiting:
                for k in at[node]:
                    other = head[k] if tail[k] == node else tail[k]
                    if self.root[other] < 0:
                        self.root[other], self.up[other], self.depth[other] = start, k, self.depth[node] + 1
                        self.branches.append(k)
                        waiting.append(other)
            self.order += waiting
        kept = set(self.branches)
        self.chords = [k for k in chosen if k not in kept]

    def labels(self) -> IntArray:
        """(n,) number of the tree of every node, from 0."""
        return np.asarray(np.unique(self.root, return_inverse=True)[1], dtype=np.intp).ravel()

    def _above(self, node: int) -> int:
        k = self.up[node]
        return self.tail[k] if self.head[k] == node else self.head[k]

    def loop(self, chord: int) -> TopologicalLaw:
        """The fundamental loop of a chord: from its tail along it, and back through the tree."""
        edges, signs = [chord], [1.0]
        a, b = self.head[chord], self.tail[chord]
        while a != b:
            node, along = (a, self.tail) if self.depth[a] >= self.depth[b] else (b, self.head)
            edges.append(self.up[node])
            signs.append(1.0 if along[self.up[node]] == node else -1.0)
            a, b = (self._above(a), b) if node == a else (a, self._above(b))
        return TopologicalLaw(tuple(edges), tuple(signs))

    def cutset(self, branch: int, among: Iterable[int]) -> TopologicalLaw:
        """The fundamental cutset of a branch: `among` the edges between both sides of the tree without it."""
        top = max(self.tail[branch], self.head[branch], key=self.depth.__getitem__)
        below = {top}
        for node in self.order:
            if self.up[node] >= 0 and self._above(node) in below:
                below.add(node)
        outward = self.tail[branch] in below
        edges, signs = [branch], [1.0]
        for k in among:
            leaves, enters = self.tail[k] in below, self.head[k] in below
            if k != branch and leaves != enters:
                edges.append(k)
                signs.append(1.0 if leaves == outward else -1.0)
        return TopologicalLaw(tuple(edges), tuple(signs))


def forced_edges(network: Network) -> frozenset[int]:
    """Conducting edges in no loop once capacitors are contracted and inductors and current sources deleted.

    Forced currents alone pass through them: their resistance decides no current and may be zero.
    """
    if not network.reactive:
        return frozenset()
    joined = reductions(network).joined
    conducting = [k for k, what in enumerate(network.imposed) if not what]
    ends = joined[network.tail].tolist(), joined[network.head].tolist()
    forest = _Forest(int(joined.max()) + 1, conducting, *ends)
    looped = {k for chord in forest.chords for k in forest.loop(chord).edges}
    return frozenset(conducting) - looped


def require_consistent(network: Network) -> None:
    """Raise `ScreenError` that names the loop or cutset whose values do not add up at t = 0.

    A cutset of current sources alone is refused whatever its values: nothing determines the voltage across it.
    """
    if not network.reactive:
        return
    found = reductions(network)
    _require_resistance(network)
    for edges in found.open_sources:
        raise ScreenError(
            f"{_named(network, edges)}: a cutset of current sources alone, so that nothing takes their current and "
            "nothing determines the voltage across them; put a resistor or a capacitor in parallel"
        )
    S, forced = network.bank(0.0), network.forced(0.0)
    for law in found.loops:
        _require(network, law, network.initial_state - S, "loop of capacitors", "voltages less sources", "V")
    current = network.initial_state + forced
    for law in found.cutsets:
        what = "cutset of inductors" + ("" if network.stateful[list(law.edges)].all() else " and current sources")
        _require(network, law, current, what, "currents", "A")


def _require_resistance(network: Network) -> None:
    """Refuse R(s) <= 0 at the start on edges in a loop of what conducts."""
    for group in network.groups:
        if not group.device.ohmic:
            continue
        R = np.asarray(group.resistive.resistance(network.initial_state[group.edges]))
        for k in group.edges[R <= 0.0].tolist():
            if k not in forced_edges(network):
                raise ScreenError(
                    f"{network.edge_name(k)}: initial state {network.initial_state[k]:g} makes the resistance zero or "
                    "negative, and the edge lies in a loop of conducting edges and capacitors; choose another state, "
                    "or put an inductor in series"
                )


def _require(network: Network, law: TopologicalLaw, values: Array, what: str, terms: str, unit: str) -> None:
    index, signs = list(law.edges), np.array(law.signs)
    total = float(signs @ values[index])
    scale = float(np.abs(network.initial_state[index]).max() + np.abs(values[index]).max())
    if abs(total) <= CONSISTENT * scale:
        return
    k = law.dependent
    right = float(network.initial_state[k] - total)
    cure = "put a resistor into the loop" if unit == "V" else "put a resistor across one of them"
    raise ScreenError(
        f"{_named(network, law.edges)}: a {what} whose {terms} add up to {total:.6g} {unit} at t = 0, where "
        f"Kirchhoff's law asks for 0, so that they would jump; give {network.edge_name(k)} the initial state "
        f"{right:.9g} {unit}, or {cure}"
    )


def _named(network: Network, edges: Iterable[int]) -> str:
    names = [network.edge_name(k) for k in edges]
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def explain(network: Network) -> tuple[str, ...]:
    """One sentence for every dependent state: which loop or cutset it follows from. Empty where there is none."""
    if not network.reactive:
        return ()
    found = reductions(network)

    def sentence(law: TopologicalLaw, quantity: str, which: str, alone: str) -> str:
        rest = ", ".join(network.edge_name(k) for k in law.edges[1 : NAMED + 1])
        by = f"{which} with {rest}" if rest else alone
        return f"{quantity} of {network.edge_name(law.dependent)} is not free: it follows from {by}"

    return (
        *(sentence(law, "v_C", "the loop of capacitors", "its own source, a self loop") for law in found.loops),
        *(sentence(law, "i_L", "the cutset", "no way back for it: it is zero") for law in found.cutsets),
    )
