"""Which node and which element of a flat deck plays which part in a memristive network.

=========  ================================================================================
link       y and two controlled sources: a current gain V(y) flows tail -> head, y is fed by
           V(tail, head) and sources and loaded by the law of the edge (the fast form)
gyrator    two controlled sources that carry one entry of a loop matrix
state      a node with capacitors to ground and nothing but currents into it
signal     a node that only expressions read: a resistor to ground fed by currents, or a source
clamp      a switch at a state node
branch     what is left: two-terminal elements between nodes of the network
=========  ================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import CONTROLLED_CURRENTS, CONTROLLED_VOLTAGES, inputs
from spicebridge.circuit.recognise.refusals import RefusedElements
from spicebridge.circuit.recognise.source_clusters import GROUND, Clusters, SourceDrives, cluster, largest
from spicebridge.drives import terms
from spicebridge.expressions.tree import Value

CURRENTS = (*CONTROLLED_CURRENTS, ir.CurrentSourceElement)
PLAIN = (ir.CapacitorElement, ir.InductorElement, ir.CurrentSourceElement)


@dataclass(frozen=True, kw_only=True)
class Link:
    """One edge of the fast form: i = `out` V(y) from tail to head, `sense` V(tail, head) flows into y."""

    y: str
    tail: str
    head: str
    sense: float
    out: float
    loads: tuple[ir.BehaviouralCurrent | ir.ResistorElement, ...]
    feeds: tuple[ir.CurrentSourceElement, ...]
    name: str


@dataclass
class Branch:
    """One edge: elements in series with the sign +1 where `plus` faces the tail, or a link; `state` is the node of
    its state, if it has one.

    `reactive` edges are capacitors, inductors and current sources.
    """

    series: list[tuple[ir.FlatElement, int]]
    tail: str
    head: str
    link: Link | None = None
    reactive: bool = False
    state: str | None = None

    @property
    def name(self) -> str:
        """The element that the edge is called by."""
        return self.link.loads[0].name if self.link else self.series[0][0].name

    @property
    def names(self) -> tuple[str, ...]:
        """All elements that carry the edge's law."""
        return (self.name,) if self.link else tuple(element.name for element, _ in self.series)

    def turned(self) -> list[tuple[ir.FlatElement, int]]:
        """The series from head to tail."""
        return [(element, -sign) for element, sign in reversed(self.series)]


@dataclass
class CircuitParts:
    """The parts of a flat deck, whose nodes have one spelling each.

    `touching`: the elements at a node, without ground. `drives`: of independent sources. `gyrators`: the entry of the
    loop matrix by (node of the edge, node of the loop). `capacitance`: of states, in F.
    """

    deck: ir.Deck
    elements: tuple[ir.FlatElement, ...]
    touching: dict[str, list[ir.FlatElement]] = field(default_factory=dict)
    by_name: dict[str, ir.FlatElement] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    gyrators: dict[tuple[str, str], float] = field(default_factory=dict)
    loops: list[str] = field(default_factory=list)
    capacitance: dict[str, float] = field(default_factory=dict)
    clamps: dict[str, list[ir.Switch]] = field(default_factory=dict)
    signals: dict[str, list[ir.FlatElement]] = field(default_factory=dict)
    branches: list[Branch] = field(default_factory=list)
    clusters: Clusters = field(default_factory=Clusters)

    @cached_property
    def drives(self) -> SourceDrives:
        return SourceDrives(self.elements)

    @cached_property
    def initial(self) -> dict[str, float]:
        """V, by node: what .ic gives."""
        return {node: float(value) for node, value in self.deck.initial_conditions if isinstance(value, (int, float))}

    @cached_property
    def read(self) -> set[str]:
        """Nodes whose voltage decides what an element elsewhere does."""
        voltages = ((v, _ends(element)) for element in self.elements for v in inputs(element)[0])
        return {node for v, own in voltages for node in (v.plus, v.minus) if node not in own}

    @cached_property
    def largest_drop(self) -> float:
        """V: the sum of all sources; no drop of a passive network is larger. 1 V for a network without any."""
        volts = {feed.name: 1.0 / abs(link.sense) for link in self.links for feed in link.feeds}
        size = 0.0
        for element in self.elements:
            if isinstance(element, ir.CurrentSourceElement):
                factor = volts.get(element.name, 0.0)
            elif isinstance(element, ir.VoltageSourceElement):
                factor = float(bool(self.clusters.parts(element.plus) or self.clusters.parts(element.minus)))
            else:
                continue
            size += factor * sum(largest(term) for term in terms(self.drives.get(element.name)))
        return size or 1.0


def take_apart(deck: ir.Deck, account: RefusedElements) -> CircuitParts:
    """Sort the elements of a flat deck into parts, and find the state of every branch; what has no part goes to
    `account`."""
    body = CircuitParts(deck, tuple(element for element in deck.elements if not isinstance(element, ir.Instance)))
    for element in body.elements:
        body.by_name[element.name.lower()] = element
        for node in dict.fromkeys(_ends(element)):
            if node != GROUND:
                body.touching.setdefault(node, []).append(element)
    taken: set[str] = set()
    _find_links(body, taken)
    _find_gyrators(body, taken)
    fixed = {node for link in body.links for node in (link.tail, link.head)}
    fixed |= {node for node, _ in body.gyrators}
    _find_states(body, taken, fixed)
    _find_signals(body, taken, fixed | {link.y for link in body.links} | set(body.loops))
    _find_branches(body, taken, fixed, account)
    _give_states(body, account)
    _count_ends(body)
    return body


def _ends(element: ir.FlatElement) -> tuple[str, str]:
    return element.plus, element.minus


def _control(element: ir.VoltageControlledCurrent) -> tuple[str, str]:
    return element.control_plus, element.control_minus


def _grounded(element: ir.FlatElement) -> bool:
    return GROUND in _ends(element)


def _reads_node(element: ir.FlatElement, node: str) -> bool:
    return any(node in (v.plus, v.minus) for v in inputs(element)[0])


def _constant(value: Value) -> bool:
    return isinstance(value, (int, float))


def _find_links(body: CircuitParts, taken: set[str]) -> None:
    driven: dict[str, list[ir.VoltageControlledCurrent]] = {}
    for element in body.elements:
        if isinstance(element, ir.VoltageControlledCurrent):
            plus, minus = _control(element)
            if GROUND in (plus, minus) and plus != minus:
                driven.setdefault(minus if plus == GROUND else plus, []).append(element)
    for y, there in body.touching.items():
        link = _link(y, there, driven.get(y, ()))
        if link is not None:
            body.links.append(link)
            taken |= {element.name for element in there} | {link.name}


def _link(y: str, there: list[ir.FlatElement], driven: Iterable[ir.VoltageControlledCurrent]) -> Link | None:
    if not all(_grounded(element) for element in there):
        return None
    senses = [e for e in there if isinstance(e, ir.VoltageControlledCurrent) and y not in _control(e)]
    feeds = [e for e in there if isinstance(e, ir.CurrentSourceElement)]
    loads = tuple(
        e
        for e in there
        if (isinstance(e, ir.ResistorElement) and _constant(e.value))
        or (isinstance(e, ir.BehaviouralCurrent) and _reads_node(e, y))
    )
    if len(senses) != 1 or not loads or len(there) != 1 + len(loads) + len(feeds):
        return None
    sense = senses[0]
    into = _into(sense, y) * float(sense.gain)  # type: ignore[arg-type]
    outs = [g for g in driven if g is not sense and set(_ends(g)) == set(_control(sense))]
    if len(outs) != 1 or into == 0.0 or float(outs[0].gain) == 0.0:  # type: ignore[arg-type]
        return None
    out = outs[0]
    tail, head = _ends(out)
    gain = float(out.gain) * (1.0 if out.control_plus == y else -1.0)  # type: ignore[arg-type]
    if _control(sense) != (tail, head):
        into = -into
    return Link(y=y, tail=tail, head=head, sense=into, out=gain, loads=loads, feeds=tuple(feeds), name=out.name)


def _into(element: ir.FlatElement, node: str) -> float:
    """+1 where the current of an element flows into `node`, -1 where out of it, 0 for a loop."""
    plus, minus = _ends(element)
    return float(minus == node) - float(plus == node)


def _find_gyrators(body: CircuitParts, taken: set[str]) -> None:
    into: dict[tuple[str, str], list[ir.VoltageControlledCurrent]] = {}
    for element in body.elements:
        if not isinstance(element, ir.VoltageControlledCurrent) or element.name in taken:
            continue
        ends, control = _ends(element), _control(element)
        if GROUND in ends and GROUND in control and ends[0] != ends[1] and control[0] != control[1]:
            node = ends[0] if ends[1] == GROUND else ends[1]
            other = control[0] if control[1] == GROUND else control[1]
            if node != other:
                into.setdefault((node, other), []).append(element)

    def gain(pair: tuple[str, str]) -> float:
        node, other = pair
        parts: list[float] = [
            _into(g, node) * (1.0 if g.control_plus == other else -1.0) * float(g.gain)  # type: ignore[arg-type]
            for g in into[pair]
        ]
        return sum(parts)

    pairs = {p for p in into if p[::-1] in into and gain(p) == -gain(p[::-1])}
    halves = {g.name for p in pairs for g in into[p]}
    loops = {node for node, _ in pairs if all(element.name in halves for element in body.touching.get(node, ()))}
    for edge, loop in into:
        if (edge, loop) in pairs and loop in loops and edge not in loops:
            body.gyrators[edge, loop] = gain((edge, loop))
            taken |= {g.name for g in (*into[edge, loop], *into[loop, edge])}
    body.loops = list(dict.fromkeys(loop for _, loop in body.gyrators))


def _find_states(body: CircuitParts, taken: set[str], fixed: set[str]) -> None:
    allowed = (ir.CapacitorElement, ir.ResistorElement, ir.Switch, *CURRENTS)
    for node, there in body.touching.items():
        capacitors = [e for e in there if isinstance(e, ir.CapacitorElement)]
        steered = any(isinstance(e, CONTROLLED_CURRENTS) for e in there)
        if not capacitors or node in fixed or not (steered or node in body.read):
            continue
        fits = all(isinstance(e, allowed) and (_grounded(e) or isinstance(e, ir.Switch)) for e in there)
        if fits and all(_constant(c.value) for c in capacitors):
            values: list[float] = [float(c.value) for c in capacitors]  # type: ignore[arg-type]
            body.capacitance[node] = sum(values)
            taken |= {element.name for element in there}
            body.clamps[node] = [e for e in there if isinstance(e, ir.Switch)]


def _find_signals(body: CircuitParts, taken: set[str], fixed: set[str]) -> None:
    for node, there in body.touching.items():
        if node in fixed or node in body.capacitance or node not in body.read:
            continue
        if any(not _grounded(e) or e.name in taken or _reads_node(e, node) for e in there):
            continue
        loads = [e for e in there if isinstance(e, ir.ResistorElement) and _constant(e.value)]
        feeds = [e for e in there if isinstance(e, CURRENTS)]
        divider = bool(loads) and bool(feeds) and len(loads) + len(feeds) == len(there)
        if divider or (len(there) == 1 and isinstance(there[0], CONTROLLED_VOLTAGES)):
            body.signals[node] = there
            taken |= {element.name for element in there}


_NO_PART: Mapping[type, str] = {
    ir.VoltageControlledCurrent: "is a current that another voltage controls; only the two forms of this "
    "program and elements controlled by their own terminals are edges",
    ir.CurrentControlledCurrent: "is a current that another branch controls, and feeds no state",
    ir.VoltageControlledVoltage: "is a voltage that another voltage controls, in a network that has none",
    ir.Switch: "is a switch that bounds no state; take it away, or make it a resistor",
}


def _find_branches(body: CircuitParts, taken: set[str], fixed: set[str], account: RefusedElements) -> None:
    sources: list[ir.VoltageSourceElement] = []
    for link in body.links:
        body.branches.append(Branch([], link.tail, link.head, link))
    for element in body.elements:
        if element.name in taken:
            continue
        plus, minus = _ends(element)
        ohmic = isinstance(element, (ir.ResistorElement, ir.BehaviouralCurrent, ir.BehaviouralVoltage))
        own = isinstance(element, ir.VoltageControlledCurrent) and set(_control(element)) == {plus, minus}
        carried = isinstance(element, (ir.VoltageControlledVoltage, ir.VoltageControlledCurrent)) and bool(
            {element.control_plus, element.control_minus} & body.capacitance.keys()
        )
        if isinstance(element, ir.VoltageSourceElement):
            sources.append(element)
        elif isinstance(element, PLAIN) or carried:
            body.branches.append(Branch([(element, 1)], plus, minus, reactive=True))
        elif ohmic or (own and plus != minus) or isinstance(element, ir.CurrentControlledVoltage):
            body.branches.append(Branch([(element, 1)], plus, minus))
        else:
            account.refuse(element.name, _NO_PART.get(type(element), "is no part of a memristive network"))
    weight = {node: len(there) for node, there in body.touching.items()}
    keep = fixed - {GROUND}
    body.clusters = cluster(sources, body.drives, weight, keep, account)
    _merge_series(body, fixed)


def _merge_series(body: CircuitParts, fixed: set[str]) -> None:
    """A voltage that follows its own current (V = R(s) I) is one edge with its neighbour in series; one that
    it meets inside a subcircuit first."""
    near: dict[str, list[Branch]] = {}
    for branch in body.branches:
        for node in (branch.tail, branch.head):
            near.setdefault(body.clusters.of(node), []).append(branch)
    pinned = {body.clusters.of(node) for node in (*fixed, GROUND)}
    gone: set[int] = set()
    for root in sorted(near, key=lambda node: "." not in node):
        there = near[root]
        if root in pinned or len(there) != 2 or there[0] is there[1]:
            continue
        first, second = there
        if first.reactive or second.reactive:
            continue
        if not any(
            branch.series and all(isinstance(e, CONTROLLED_VOLTAGES) for e, _ in branch.series) for branch in there
        ):
            continue
        if first.link or second.link:
            continue
        if body.clusters.of(first.head) != root:
            if body.clusters.of(second.head) == root and body.clusters.of(first.tail) == root:
                first, second = second, first
            else:
                first.series, first.tail, first.head = first.turned(), first.head, first.tail
        if body.clusters.of(second.tail) != root:
            second.series, second.tail, second.head = second.turned(), second.head, second.tail
        first.series += second.series
        first.head = second.head
        gone.add(id(second))
        end = near[body.clusters.of(second.head)]
        end[[b is second for b in end].index(True)] = first
    body.branches = [branch for branch in body.branches if id(branch) not in gone]


def _give_states(body: CircuitParts, account: RefusedElements) -> None:
    """The state of every branch; every state belongs to exactly one."""
    owner: dict[str, str] = {}
    for branch in body.branches:
        elements = list(branch.link.loads) if branch.link else [element for element, _ in branch.series]
        found = sorted(_states_read(body, elements), key=str.lower)
        if len(found) > 1:
            account.refuse(branch.name, f"depends on several states ({', '.join(found)}); an edge of a network has one")
        for node in found:
            if node in owner:
                account.refuse(
                    branch.name,
                    f"shares the state {node} with {owner[node]}; give every memristor a state of its own",
                )
            owner.setdefault(node, branch.name)
        branch.state = found[0] if found else None
    for node in body.capacitance:
        if node not in owner:
            name = next(e.name for e in body.touching[node] if isinstance(e, ir.CapacitorElement))
            account.refuse(name, f"integrates node {node}, which no resistance depends on; take it away")


def _states_read(body: CircuitParts, elements: Iterable[ir.FlatElement]) -> set[str]:
    """The state nodes that elements read, directly or through signals."""
    found: set[str] = set()
    seen: set[str] = set()
    stack = [node for e in elements for v in inputs(e)[0] for node in (v.plus, v.minus)]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in body.capacitance:
            found.add(node)
        for element in body.signals.get(node, ()):
            stack += [n for v in inputs(element)[0] for n in (v.plus, v.minus)]
    return found


def _count_ends(body: CircuitParts) -> None:
    ends: dict[str, list[tuple[int, int]]] = {}
    for number, branch in enumerate(body.branches):
        ends.setdefault(branch.tail, []).append((number, 1))
        ends.setdefault(branch.head, []).append((number, -1))
    for edge, _ in body.gyrators:
        ends.setdefault(edge, []).append((-1, 0))
    body.clusters.count_ends(ends)
