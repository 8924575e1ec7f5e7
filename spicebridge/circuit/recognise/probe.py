"""One edge of a dissected deck under chosen states, currents and times.

The elements are not matched against patterns but evaluated: for samples of (s, i or v, t) the element
equations give the drop v over the edge, its current i and the rate ds/dt = (currents into the state node)/C.
Whatever the rate reads must be local: the edge's own state, drop, current, source, and fixed potentials.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.refusals import Refusal
from spicebridge.circuit.recognise.source_clusters import GROUND, Part, drive_of, low
from spicebridge.circuit.recognise.structure import Anatomy, Branch, inputs, reads
from spicebridge.expressions.tree import Environment, Expression, NodeVoltage, Value, evaluate, rebuild

DEEPEST = 100
"""Signals that may depend on one another in a chain."""


class NotLocal(Exception):
    """Something that an edge's law may not depend on."""


def states_read(body: Anatomy, elements: Iterable[ir.Element]) -> set[str]:
    """The state nodes that elements read, directly or through signals."""
    found: set[str] = set()
    seen: set[str] = set()
    stack = [low(node) for e in elements for v in inputs(e)[0] for node in (v.plus, v.minus)]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in body.capacitance:
            found.add(node)
        for element in body.signals.get(node, ()):
            stack += [low(n) for v in inputs(element)[0] for n in (v.plus, v.minus)]
    return found


def edge_parts(body: Anatomy, branch: Branch) -> tuple[Part, ...]:
    """S of an edge: p_tail - p_head = v - S, nodes being the roots of their clusters."""
    if branch.link is not None:
        parts: list[Part] = []
        for feed in branch.link.feeds:
            drive = drive_of(feed.name, feed.wave)
            sign = 1.0 if low(feed.minus) == branch.link.y else -1.0
            parts += [] if drive is None else [(drive, sign / branch.link.sense)]
        return (*parts, *body.clusters.parts(branch.tail), *_less(body.clusters.parts(branch.head)))
    parts = []
    for element, sign in branch.series:
        plus, minus = low(element.plus), low(element.minus)  # type: ignore[union-attr]
        a, b = (plus, minus) if sign > 0 else (minus, plus)
        parts += [*body.clusters.parts(a), *_less(body.clusters.parts(b))]
    return tuple(parts)


def _less(parts: tuple[Part, ...]) -> list[Part]:
    return [(drive, -factor) for drive, factor in parts]


@dataclass
class Probe:
    """Edge `number` at samples: states `s`, currents `i` (links and series) or drops `v`, times `t`.

    After `solve`, `v` (V) and `i` (A) hold drop and current of the device from tail to head.
    """

    body: Anatomy
    number: int
    state: str | None
    s: Array
    x: Array
    t: Array
    v: Array = field(init=False)
    i: Array = field(init=False)
    levels: dict[str, Array] = field(default_factory=dict)
    known: dict[str, Array] = field(default_factory=dict)
    depth: int = 0
    pair: tuple[str, str, Array] | None = None
    loop: tuple[str, str] | None = None

    @property
    def branch(self) -> Branch:
        return self.body.branches[self.number]

    @property
    def conducts(self) -> bool:
        """Whether the edge is a current that its own voltage controls, so that samples are drops."""
        series = self.branch.series
        return len(series) == 1 and isinstance(series[0][0], (ir.BehaviouralCurrent, ir.VoltageControlledCurrent))

    def solve(self) -> Probe:
        """Compute v and i from the samples; raises `NotLocal`."""
        if self.branch.link is not None:
            self._solve_link()
        elif self.conducts:
            element, sign = self.branch.series[0]
            self.v = self.x
            self._place_series([self.x])
            if isinstance(element, ir.VoltageControlledCurrent):
                current = float(element.gain) * self.difference(element.control_plus, element.control_minus)  # type: ignore[arg-type]
            else:
                assert isinstance(element, ir.BehaviouralCurrent)
                current = self.value(element.expression)
            self.i = sign * current
        else:
            self.i = self.x
            drops = [self._drop(element, sign) for element, sign in self.branch.series]
            self.v = np.sum(drops, axis=0)
            self._place_series(drops)
        return self

    def _solve_link(self) -> None:
        link = self.branch.link
        assert link is not None
        self.i = self.x
        y = self.i / link.out
        self.known[link.y] = y
        drawn = np.zeros_like(y)
        for load in link.loads:
            if isinstance(load, ir.Resistor):
                drawn = drawn + y / float(load.value)  # type: ignore[arg-type]
            else:
                drawn = drawn + self.value(load.expression) * (1.0 if low(load.plus) == link.y else -1.0)
        self.v = drawn / link.sense
        fed = np.zeros_like(self.v)
        for feed in link.feeds:
            fed = fed + self.wave(feed) * (1.0 if low(feed.minus) == link.y else -1.0)
        u = self.v - fed / link.sense
        self.pair = (link.tail, link.head, u)
        clusters = self.body.clusters
        tail, head = clusters.of(link.tail), clusters.of(link.head)
        if tail == head:
            return
        level = -self.offset(link.head)
        if head == GROUND:
            level = np.zeros_like(u)
        elif tail == GROUND:
            level = -u + self.offset(link.tail) - self.offset(link.head)
        self.levels[head] = level
        self.levels[tail] = level + self.offset(link.head) + u - self.offset(link.tail)

    def _drop(self, element: ir.Element, sign: int) -> Array:
        """Drop from the tail's side to the head's, with i from tail to head."""
        match element:
            case ir.Resistor():
                return self.value(element.value) * self.i
            case ir.BehaviouralVoltage():
                return sign * self.value(element.expression)
            case ir.CurrentControlledVoltage():
                return sign * float(element.gain) * self.current(element.source)  # type: ignore[arg-type]
        raise NotLocal(f"{element.name} is in series with a voltage that follows its own current")

    def _place_series(self, drops: list[Array]) -> None:
        """Potentials of the clusters along the edge, 0 at the head's end unless ground fixes them."""
        clusters = self.body.clusters
        potential: Array = np.zeros_like(self.x)
        previous = ""
        for (element, sign), drop in zip(reversed(self.branch.series), reversed(drops), strict=True):
            plus, minus = low(element.plus), low(element.minus)  # type: ignore[union-attr]
            a, b = (plus, minus) if sign > 0 else (minus, plus)
            if previous:
                potential = potential + self.offset(b) - self.offset(previous)
            self.levels[clusters.of(b)] = potential - self.offset(b)
            potential = potential + drop
            previous = a
        a, b = self.branch.tail, self.branch.head
        if clusters.of(a) == clusters.of(b):
            self.loop = (a, b)
            self.known |= {a: potential, b: np.zeros_like(potential)}
        else:
            self.levels[clusters.of(a)] = potential - self.offset(a)
        shift = self._ground()
        if shift is not None:
            self.levels = {root: level - shift for root, level in self.levels.items()}
            self.known = {node: value - shift for node, value in self.known.items()}

    def _ground(self) -> Array | None:
        """Potential that ground has so far, if the edge touches its cluster."""
        if self.loop is None or self.body.clusters.of(self.loop[0]) != GROUND:
            return self.levels.get(GROUND)
        return self.known[GROUND] if GROUND in self.loop else self._on_loop(GROUND)

    def _on_loop(self, node: str) -> Array:
        """Potential of another node of the cluster whose nodes the edge joins."""
        assert self.loop is not None
        a, b = self.loop
        end = a if self.body.clusters.on_side(node, a, b) else b
        if end not in self.known:
            raise NotLocal(f"V({self.body.shown.get(node, node)}) stands beside an edge from a node to itself")
        return self.known[end] + self.offset(node) - self.offset(end)

    def offset(self, node: str) -> Array:
        """Offset of a node to the root of its cluster, at the samples' times."""
        out = np.zeros_like(self.t)
        for drive, factor in self.body.clusters.parts(low(node)):
            out = out + factor * drive.value(self.t)
        return out

    def wave(self, source: ir.CurrentSource | ir.VoltageSource) -> Array:
        """The value of an independent source at the samples' times."""
        drive = drive_of(source.name, source.wave)
        return np.zeros_like(self.t) if drive is None else drive.value(self.t)

    def difference(self, plus: str, minus: str) -> Array:
        """V(plus, minus)."""
        a, b = low(plus), low(minus)
        if self.pair is not None and {a, b} == set(self.pair[:2]):
            return self.pair[2] if (a, b) == self.pair[:2] else -self.pair[2]
        if self.loop is not None and a == b == self.loop[0] == self.loop[1]:
            return self.v
        return self.potential(a) - self.potential(b)

    def potential(self, node: str) -> Array:
        """V(node); raises `NotLocal` for a node that is not the edge's."""
        if node == GROUND:
            return np.zeros_like(self.t)
        if node in self.known:
            return self.known[node]
        if node == self.state:
            return self.s
        if node in self.body.signals:
            return self._signal(node)
        root = self.body.clusters.of(node)
        if self.loop is not None and root == self.body.clusters.of(self.loop[0]):
            return self._on_loop(node)
        if root in self.levels:
            return self.levels[root] + self.offset(node)
        if root == GROUND:
            return self.offset(node)
        what = "the state of another edge" if node in self.body.capacitance else "a node of another edge"
        raise NotLocal(f"V({self.body.shown.get(node, node)}), {what}")

    def _signal(self, node: str) -> Array:
        if self.depth >= DEEPEST:
            raise NotLocal(f"a loop or a chain of more than {DEEPEST} nodes that read one another, at {node}")
        self.depth += 1
        elements = self.body.signals[node]
        first = elements[0]
        if len(elements) == 1 and isinstance(
            first, (ir.BehaviouralVoltage, ir.VoltageControlledVoltage, ir.CurrentControlledVoltage)
        ):
            sign = 1.0 if low(first.plus) == node else -1.0
            value = sign * self._source_voltage(first)
        else:
            loads = [float(e.value) for e in elements if isinstance(e, ir.Resistor)]  # type: ignore[arg-type]
            into = sum(self.into(e, node) for e in elements if not isinstance(e, ir.Resistor))
            value = np.asarray(into / sum(1.0 / r for r in loads) if len(loads) > 1 else into * loads[0])
        self.depth -= 1
        self.known[node] = value
        return value

    def _source_voltage(
        self, element: ir.BehaviouralVoltage | ir.VoltageControlledVoltage | ir.CurrentControlledVoltage
    ) -> Array:
        if isinstance(element, ir.BehaviouralVoltage):
            return self.value(element.expression)
        if isinstance(element, ir.VoltageControlledVoltage):
            return float(element.gain) * self.difference(element.control_plus, element.control_minus)  # type: ignore[arg-type]
        return float(element.gain) * self.current(element.source)  # type: ignore[arg-type]

    def current(self, source: str) -> Array:
        """I(source): of the edge's own elements, or of a voltage source that only this edge loads."""
        folded = source.lower()
        for element, sign in self.branch.series:
            if element.name.lower() == folded:
                return sign * self.i
        for branch, sign in self.body.clusters.currents(folded):
            if branch == self.number:
                return sign * self.i
        raise NotLocal(f"I({source}), which is not the current of this edge alone")

    def value(self, value: Value) -> Array:
        """An expression at the samples."""
        if isinstance(value, (int, float)):
            return np.full_like(self.t, float(value))
        nodes, sources = reads([value])
        voltages: dict[str, Any] = {}
        renamed: Expression = value
        for v in nodes:
            a, b = low(v.plus), low(v.minus)
            if b == GROUND or a == GROUND:
                voltages[v.plus.lower()] = self.potential(a)
                voltages[v.minus.lower()] = self.potential(b)
        pairs = [v for v in nodes if GROUND not in (low(v.plus), low(v.minus))]
        if pairs:
            names = {pair: NodeVoltage(f"{n}!") for n, pair in enumerate(dict.fromkeys(pairs))}
            for pair, node in names.items():
                voltages[node.plus] = self.difference(pair.plus, pair.minus)
            renamed = rebuild(value, lambda e: names.get(e) if isinstance(e, NodeVoltage) else None)
        currents = {source: self.current(source) for source in sources}
        out = evaluate(renamed, Environment(voltages, currents, {}, self.t))
        return np.broadcast_to(np.asarray(out, float), self.t.shape)

    def into(self, element: ir.Element, node: str) -> Array:
        """The current of an element into a node, in A."""
        plus, minus = low(element.plus), low(element.minus)  # type: ignore[union-attr]
        sign = float(minus == node) - float(plus == node)
        match element:
            case ir.VoltageControlledCurrent():
                flow = float(element.gain) * self.difference(element.control_plus, element.control_minus)  # type: ignore[arg-type]
            case ir.CurrentControlledCurrent():
                flow = float(element.gain) * self.current(element.source)  # type: ignore[arg-type]
            case ir.BehaviouralCurrent():
                flow = self.value(element.expression)
            case ir.CurrentSource():
                flow = self.wave(element)
            case ir.Resistor():
                flow = self.difference(element.plus, element.minus) / self.value(element.value)
            case _:
                return np.zeros_like(self.t)
        return sign * flow

    def rate(self) -> Array:
        """ds/dt in 1/s without clamps; raises `NotLocal` or `Refusal`."""
        assert self.state is not None
        out = np.zeros_like(self.t)
        for element in self.body.touching[self.state]:
            try:
                out = out + self.into(element, self.state)
            except NotLocal as error:
                raise Refusal(element.name, f"makes the state of {self.branch.name} depend on {error}") from None
        return np.asarray(out / self.body.capacitance[self.state])
