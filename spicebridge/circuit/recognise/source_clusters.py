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

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.refusals import Refusal, RefusedElements
from spicebridge.drives import DC, PWL, Drive, Pulse, Sine, Sum, terms
from spicebridge.errors import DriveError
from spicebridge.expressions.tree import Value

GROUND = "0"


def drive_of(name: str, wave: ir.Wave) -> Drive | None:
    """The drive of a waveform, None for zero volts; raises `Refusal`."""
    try:
        return _drive(name, wave)
    except DriveError as error:
        raise Refusal(name, f"has a waveform that is no drive: {error}") from None


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


Part = tuple[Drive, float]


def total(parts: Iterable[Part]) -> Drive | None:
    """The sum of drives with factors; equal drives of opposite sign cancel."""
    weight: dict[Drive, float] = {}
    for drive, factor in parts:
        for term in terms(drive):
            weight[term] = weight.get(term, 0.0) + factor
    kept = [term if factor == 1.0 else term.scaled(factor) for term, factor in weight.items() if factor]
    level = sum(term.level for term in kept if isinstance(term, DC))
    out: list[Drive] = [term for term in kept if not isinstance(term, DC)]
    if level:
        out.insert(0, DC(level))
    return None if not out else out[0] if len(out) == 1 else Sum(tuple(out))


@dataclass
class Ends:
    """Ends of branches at nodes: how many, and sums by which a single one is found again."""

    count: int = 0
    branches: int = 0
    signs: int = 0

    def plus(self, other: Ends, factor: int = 1) -> Ends:
        return Ends(
            self.count + factor * other.count,
            self.branches + factor * other.branches,
            self.signs + factor * other.signs,
        )


@dataclass
class Clusters:
    """Clusters of all nodes that voltage sources touch; every other node is alone.

    ``parent`` leads from a node to (node nearer to the root, source name, parts of its offset to it).
    """

    root: dict[str, str] = field(default_factory=dict)
    offset: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    parent: dict[str, tuple[str, ir.VoltageSourceElement]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    place: dict[str, str] = field(default_factory=dict)
    below: dict[str, Ends] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)

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
        self.below = {}
        for node, there in ends.items():
            self.below[node] = Ends(len(there), sum(k for k, _ in there), sum(sign for _, sign in there))
        for node in reversed(self.order):
            up = self.parent.get(node)
            if up is not None:
                sum_here = self.below.get(node, Ends())
                self.below[up[0]] = self.below.get(up[0], Ends()).plus(sum_here)

    def currents(self, source: str) -> list[tuple[int, int]]:
        """(branch, sign) whose current is that of a voltage source, plus to minus: none, one or two."""
        child = self.place.get(source)
        if child is None:
            return []
        inner = self.below.get(child, Ends())
        outer = self.below.get(self.of(child), Ends()).plus(inner, -1)
        element = self.parent[child][1]
        sign = 1 if low(element.minus) == child else -1
        found = []
        for ends, factor in ((inner, sign), (outer, -sign)):
            if ends.count == 1:
                found.append((ends.branches, factor * ends.signs))
        return found


def low(node: str) -> str:
    """Nodes are compared in lower case, and gnd is ground."""
    folded = node.lower()
    return GROUND if folded == "gnd" else folded


def cluster(
    sources: list[ir.VoltageSourceElement], weight: Mapping[str, int], keep: set[str], account: RefusedElements
) -> Clusters:
    """Join nodes by their voltage sources.

    The root is ground, else a node of `keep`, else the one that most looks like a node of the network: not
    inside a subcircuit, a junction of three elements or more (`weight`), at the foot of its sources.
    """
    found = Clusters()
    near: dict[str, list[ir.VoltageSourceElement]] = {}
    tops: set[str] = set()
    for source in sources:
        a, b = low(source.plus), low(source.minus)
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
                for other in (low(source.plus), low(source.minus)):
                    if other not in seen:
                        seen.add(other)
                        nodes.append(other)
        rank = {node: n for n, node in enumerate(nodes)}
        root = min(
            nodes, key=lambda n: (n != GROUND, n not in keep, "." in n, weight.get(n, 0) < 3, n in tops, rank[n])
        )
        _grow(found, root, near, account)
    return found


def _grow(
    found: Clusters, root: str, near: Mapping[str, list[ir.VoltageSourceElement]], account: RefusedElements
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
            up = low(source.minus) == node
            other = low(source.plus) if up else low(source.minus)
            if other in found.root:
                account.refuse(
                    source.name, "closes a loop of voltage sources; put a resistance in series with one of them"
                )
                continue
            try:
                drive = drive_of(source.name, source.wave)
            except Refusal as refusal:
                account.refuse(refusal.name, refusal.reason)
                drive = None
            own = () if drive is None else ((drive, 1.0 if up else -1.0),)
            found.root[other] = root
            found.offset[other] = (*found.offset[node], *own)
            found.parent[other] = (node, source)
            found.place[source.name.lower()] = other
            queue.append(other)
    found.order += queue
    found.members[root] = queue
