"""Independent sources of a deck as drives, and the node voltages that they tie together.

Nodes joined by voltage sources form one *cluster*: their potentials differ by known functions of time,

    V(n) = V(root) + offset(n),   offset(plus) = offset(minus) + wave

so a cluster is one node of the network and its sources move into the edges (a source in series with an
edge is an electromotive force; one that feeds several edges is shifted into each of them).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from spicebridge.arrays import IntArray
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.refusals import Refusal, RefusedElements
from spicebridge.drives import DC, PWL, Drive, Pulse, Sine
from spicebridge.errors import DriveError
from spicebridge.expressions.tree import Value

GROUND = "0"
INDEPENDENT = (ir.VoltageSourceElement, ir.CurrentSourceElement)


class SourceDrives(dict[str, Drive | None]):
    """Name of an independent source -> its drive, None for zero; what has another waveform raises its `Refusal`."""

    def __init__(self, elements: Iterable[ir.FlatElement]) -> None:
        super().__init__()
        self.refused: dict[str, Refusal] = {}
        for e in elements:
            if isinstance(e, INDEPENDENT):
                try:
                    self[e.name] = _drive(e.name, e.wave)
                except DriveError as error:
                    self.refused[e.name] = Refusal(e.name, f"has a waveform that is no drive: {error}")
                except Refusal as refusal:
                    self.refused[e.name] = refusal

    def __missing__(self, name: str) -> NoReturn:
        raise self.refused[name]


def _drive(name: str, wave: ir.Wave) -> Drive | None:
    match wave:
        case ir.DcWave(value):
            return DC(_number(value)) if value else None
        case ir.SinWave():
            if wave.damping:
                raise Refusal(name, "has a damped sine, which is no drive; sample it into PWL")
            phase = math.radians(_number(wave.phase))
            values = (_number(wave.amplitude), _number(wave.frequency), _number(wave.offset))
            return Sine(*values, phase, _number(wave.delay))
        case ir.PulseWave():
            names = ("initial", "pulsed", "delay", "rise", "fall", "width", "period")
            return Pulse(*(_number(getattr(wave, field_name)) for field_name in names))
        case ir.PwlWave(points):
            return PWL(tuple(_number(t) for t, _ in points), tuple(_number(v) for _, v in points))
    raise Refusal(name, "has an exponential waveform, which is no drive; sample it into PWL")


def _number(value: Value) -> float:
    assert isinstance(value, (int, float))
    return float(value)


def largest(drive: Drive) -> float:
    """Largest size of a drive, in its unit."""
    match drive:
        case DC():
            return abs(drive.level)
        case Sine():
            return abs(drive.offset) + abs(drive.amplitude)
        case Pulse():
            return max(abs(drive.initial), abs(drive.pulsed))
        case PWL():
            return float(np.abs(drive.values).max())
    return 0.0


Part = tuple[Drive, float]


NO_ENDS = np.zeros(3, np.intp)


@dataclass
class Clusters:
    """Clusters of all nodes that voltage sources touch; every other node is alone.

    `parent` leads from a node to (node nearer to the root, the source between them); `below` (3,) counts the ends of
    branches at a node and beyond it, and sums their branches and signs, by which a single one is found again.
    """

    root: dict[str, str] = field(default_factory=dict)
    offset: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    parent: dict[str, tuple[str, ir.VoltageSourceElement]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    place: dict[str, str] = field(default_factory=dict)
    below: dict[str, IntArray] = field(default_factory=dict)

    def of(self, node: str) -> str:
        """The root of a node's cluster."""
        return self.root.get(node, node)

    def parts(self, node: str) -> tuple[Part, ...]:
        """offset(node) as drives with factors."""
        return self.offset.get(node, ())

    def apart(self, node: str, cut: str) -> bool:
        """Whether `cut` lies on the way from `node` to its root, or is the node."""
        while node != cut:
            up = self.parent.get(node)
            if up is None:
                return False
            node = up[0]
        return True

    def on_side(self, node: str, a: str, b: str) -> bool:
        """Whether `node` stays with `a` when `b` is taken out of the cluster."""
        if node == b:
            return False
        below_b = self.apart(a, b)
        if below_b != self.apart(node, b):
            return False
        if not below_b:
            return True
        while (up := self.parent.get(node)) is not None and up[0] != b:
            node = up[0]
        while (up := self.parent.get(a)) is not None and up[0] != b:
            a = up[0]
        return node == a

    def count_ends(self, ends: Mapping[str, list[tuple[int, int]]]) -> None:
        """Sum the branch ends (branch, +1 where it leaves) below every node of every tree."""
        for node, there in ends.items():
            self.below[node] = np.array([len(there), sum(k for k, _ in there), sum(sign for _, sign in there)])
        for node in reversed(self.order):
            up = self.parent.get(node)
            if up is not None:
                self.below[up[0]] = self.below.get(up[0], NO_ENDS) + self.below.get(node, NO_ENDS)

    def currents(self, source: str) -> list[tuple[int, int]]:
        """(branch, sign) whose current is that of a voltage source, plus to minus: none, one or two."""
        child = self.place.get(source)
        if child is None:
            return []
        inner = self.below.get(child, NO_ENDS)
        outer = self.below.get(self.of(child), NO_ENDS) - inner
        element = self.parent[child][1]
        sign = 1 if element.minus == child else -1
        found = []
        for (count, branch, leaves), factor in ((inner.tolist(), sign), (outer.tolist(), -sign)):
            if count == 1:
                found.append((branch, factor * leaves))
        return found


def cluster(
    sources: list[ir.VoltageSourceElement],
    drives: SourceDrives,
    weight: Mapping[str, int],
    keep: set[str],
    account: RefusedElements,
) -> Clusters:
    """Join nodes by their voltage sources.

    The root is ground, else a node of `keep`, else the one that most looks like a node of the network: not
    inside a subcircuit, a junction of three elements or more (`weight`), at the foot of its sources.
    """
    found = Clusters()
    near: dict[str, list[ir.VoltageSourceElement]] = {}
    tops: set[str] = set()
    for source in sources:
        a, b = source.plus, source.minus
        if a == b:
            account.refuse(source.name, "is a voltage source between a node and itself; remove it")
            continue
        tops.add(a)
        near.setdefault(a, []).append(source)
        near.setdefault(b, []).append(source)
    seen: set[str] = set()
    for first in near:
        if first in seen:
            continue
        nodes = [first]
        seen.add(first)
        for node in nodes:
            for source in near[node]:
                for other in (source.plus, source.minus):
                    if other not in seen:
                        seen.add(other)
                        nodes.append(other)
        rank = {node: n for n, node in enumerate(nodes)}
        root = min(
            nodes, key=lambda n: (n != GROUND, n not in keep, "." in n, weight.get(n, 0) < 3, n in tops, rank[n])
        )
        _grow(found, root, near, drives, account)
    return found


def _grow(
    found: Clusters,
    root: str,
    near: Mapping[str, list[ir.VoltageSourceElement]],
    drives: SourceDrives,
    account: RefusedElements,
) -> None:
    found.root[root] = root
    found.offset[root] = ()
    queue = [root]
    used: set[str] = set()
    for node in queue:
        for source in near[node]:
            if source.name in used:
                continue
            used.add(source.name)
            up = source.minus == node
            other = source.plus if up else source.minus
            if other in found.root:
                account.refuse(
                    source.name, "closes a loop of voltage sources; put a resistance in series with one of them"
                )
                continue
            if source.name in drives.refused:
                account.refuse(*drives.refused[source.name].args)
            drive = drives.get(source.name)
            own = () if drive is None else ((drive, 1.0 if up else -1.0),)
            found.root[other] = root
            found.offset[other] = (*found.offset[node], *own)
            found.parent[other] = (node, source)
            found.place[source.name.lower()] = other
            queue.append(other)
    found.order += queue
