"""The law of one edge as expressions, taken from the elements that make it.

    v = v(s, i)  or  i = i(s, v),   ds/dt = f(s, v or i)

What an element reads is put in place: the edge's own state, drop, current, its sources, fixed potentials and the
signals that depend on them. Anything else is refused (`NotLocal`). Potentials are sums of terms (`potentials`), so that
a source that is added and taken off again cancels. Symbols are the parameters s, v or i; whatever remains of waveforms
stands as a parameter ``@n``, of a potential that no source fixes as ``@level``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import CONTROLLED_VOLTAGES
from spicebridge.circuit.recognise.deck_structure import Branch, CircuitParts
from spicebridge.circuit.recognise.potentials import (
    ONE,
    ROUNDING,
    Terms,
    collected,
    combined,
    divided,
    expression_of,
    terms_of,
)
from spicebridge.circuit.recognise.refusals import Refusal
from spicebridge.circuit.recognise.source_clusters import GROUND
from spicebridge.drives import DC, Drive, terms
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.tree import BranchCurrent, Expression, NodeVoltage, Parameter, Time, Value, rebuild, walk

DEEPEST = 100
"""Signals that may depend on one another in a chain."""
STATE, DROP, CURRENT, LEVEL = Parameter("s"), Parameter("v"), Parameter("i"), Parameter("@level")


class NotLocal(Exception):
    """Something that an edge's law may not depend on."""


def put(e: Expression, old: Expression, new: Expression) -> Expression:
    """`e` with `new` for every `old`."""
    return rebuild(e, lambda x: new if x == old else None)  # type: ignore[no-any-return]


@dataclass
class EdgeEquations:
    """Branch `number` of a deck taken apart; after `solve`, `v` and `i` are expressions of s and of `symbol`."""

    body: CircuitParts
    number: int
    v: Expression = DROP
    i: Expression = CURRENT
    levels: dict[str, Terms] = field(default_factory=dict)
    known: dict[str, Terms] = field(default_factory=dict)
    waves: dict[Drive, Parameter] = field(default_factory=dict)
    depth: int = 0
    pair: tuple[str, str, Terms] | None = None
    loop: tuple[str, str] | None = None

    @property
    def branch(self) -> Branch:
        return self.body.branches[self.number]

    @property
    def state(self) -> str | None:
        """The node of the edge's state."""
        return self.branch.state

    @property
    def conducts(self) -> bool:
        """Whether the law is i(s, v), as of a current that the edge's own voltage controls; else it is v(s, i)."""
        kinds = (ir.BehaviouralCurrent, ir.VoltageControlledCurrent)
        return len(self.branch.series) == 1 and isinstance(self.branch.series[0][0], kinds)

    @property
    def symbol(self) -> Parameter:
        """v or i, whatever the law is a function of."""
        return DROP if self.conducts else CURRENT

    def solve(self) -> EdgeEquations:
        """Put the elements' equations together; raises `NotLocal`."""
        if self.branch.link is not None:
            self._solve_link()
        elif self.conducts:
            element, sign = self.branch.series[0]
            self._place_series([{DROP: 1.0}])
            if isinstance(element, ir.VoltageControlledCurrent):
                current = combined((self.difference(element.control_plus, element.control_minus), _gain(element)))
            else:
                assert isinstance(element, ir.BehaviouralCurrent)
                current = self.value(element.expression)
            self.i = self._local(expression_of(combined((current, sign))))
        else:
            drops = [self._drop(element, sign) for element, sign in self.branch.series]
            self.v = self._local(expression_of(combined(*((drop, 1.0) for drop in drops))))
            self._place_series(drops)
        return self

    def _solve_link(self) -> None:
        link = self.branch.link
        assert link is not None
        y = divided({CURRENT: 1.0}, link.out)
        self.known[link.y] = y
        drawn: Terms = {}
        for load in link.loads:
            if isinstance(load, ir.ResistorElement):
                part = divided(y, float(load.value))  # type: ignore[arg-type]
            else:
                part = combined((self.value(load.expression), 1.0 if load.plus == link.y else -1.0))
            drawn = combined((drawn, 1.0), (part, 1.0))
        v = divided(drawn, link.sense)
        self.v = self._local(expression_of(v))
        fed = [(self.wave(feed), 1.0 if feed.minus == link.y else -1.0) for feed in link.feeds]
        u = combined((v, 1.0), *((wave, -sign / link.sense) for wave, sign in fed))
        self.pair = (link.tail, link.head, u)
        clusters = self.body.clusters
        tail, head = clusters.of(link.tail), clusters.of(link.head)
        if tail == head:
            return
        level: Terms = {LEVEL: 1.0}
        if head == GROUND:
            level = {}
        elif tail == GROUND:
            level = combined((u, -1.0), (self.offset(link.tail), 1.0), (self.offset(link.head), -1.0))
        self.levels[head] = level
        self.levels[tail] = combined(
            (level, 1.0), (self.offset(link.head), 1.0), (u, 1.0), (self.offset(link.tail), -1.0)
        )

    def _drop(self, element: ir.FlatElement, sign: int) -> Terms:
        """Drop from the tail's side to the head's, with i from tail to head."""
        match element:
            case ir.ResistorElement():
                resistance = expression_of(self.value(element.value))
                return terms_of(resistance * CURRENT)
            case ir.BehaviouralVoltage():
                return combined((self.value(element.expression), sign))
            case ir.CurrentControlledVoltage():
                return combined((self.current(element.source), sign * _gain(element)))
        raise NotLocal(f"{element.name} is in series with a voltage that follows its own current")

    def _place_series(self, drops: list[Terms]) -> None:
        """Potentials of the clusters along the edge, `LEVEL` at the head's end unless ground fixes them."""
        clusters = self.body.clusters
        potential: Terms = {LEVEL: 1.0}
        previous = ""
        for (element, sign), drop in zip(reversed(self.branch.series), reversed(drops), strict=True):
            plus, minus = element.plus, element.minus
            a, b = (plus, minus) if sign > 0 else (minus, plus)
            if previous:
                potential = combined((potential, 1.0), (self.offset(b), 1.0), (self.offset(previous), -1.0))
            self.levels[clusters.of(b)] = combined((potential, 1.0), (self.offset(b), -1.0))
            potential = combined((potential, 1.0), (drop, 1.0))
            previous = a
        a, b = self.branch.tail, self.branch.head
        if clusters.of(a) == clusters.of(b):
            self.loop = (a, b)
            self.known |= {a: potential, b: {LEVEL: 1.0}}
        else:
            self.levels[clusters.of(a)] = combined((potential, 1.0), (self.offset(a), -1.0))
        shift = self._ground()
        if shift is not None:
            self.levels = {root: combined((level, 1.0), (shift, -1.0)) for root, level in self.levels.items()}
            self.known = {node: combined((value, 1.0), (shift, -1.0)) for node, value in self.known.items()}

    def _ground(self) -> Terms | None:
        """Potential that ground has so far, if the edge touches its cluster."""
        if self.loop is None or self.body.clusters.of(self.loop[0]) != GROUND:
            return self.levels.get(GROUND)
        return self.known[GROUND] if GROUND in self.loop else self._on_loop(GROUND)

    def _on_loop(self, node: str) -> Terms:
        """Potential of another node of the cluster whose nodes the edge joins."""
        assert self.loop is not None
        a, b = self.loop
        end = a if self.body.clusters.on_side(node, a, b) else b
        if end not in self.known:
            raise NotLocal(f"V({node}) stands beside an edge from a node to itself")
        return combined((self.known[end], 1.0), (self.offset(node), 1.0), (self.offset(end), -1.0))

    def offset(self, node: str) -> Terms:
        """Offset of a node to the root of its cluster."""
        return combined(*((self._wave(drive), factor) for drive, factor in self.body.clusters.parts(node)))

    def _wave(self, drive: Drive | None) -> Terms:
        out: Terms = {}
        for term in terms(drive):
            if isinstance(term, DC):
                out = combined((out, 1.0), ({ONE: term.level}, 1.0))
                continue
            symbol, factor = self._symbol(term)
            out = combined((out, 1.0), ({symbol: factor}, 1.0))
        return out

    def _symbol(self, term: Drive) -> tuple[Parameter, float]:
        """The symbol of a waveform and its factor: two sources may have one waveform in two sizes."""
        stop = self.body.deck.transient.stop if self.body.deck.transient is not None else 1.0
        t = np.linspace(0.0, stop, 257)
        values = term.value(t)
        for drive, symbol in self.waves.items():
            known = drive.value(t)
            k = int(np.argmax(np.abs(known)))
            factor = 1.0 if drive == term else float(values[k] / known[k]) if known[k] else 0.0
            if factor and np.abs(values - factor * known).max() <= ROUNDING * np.abs(values).max():
                return symbol, factor
        self.waves[term] = Parameter(f"@{len(self.waves)}")
        return self.waves[term], 1.0

    def wave(self, source: ir.CurrentSourceElement | ir.VoltageSourceElement) -> Terms:
        """The value of an independent source."""
        return self._wave(self.body.drives[source.name])

    def difference(self, plus: str, minus: str) -> Terms:
        """V(plus, minus)."""
        if self.pair is not None and {plus, minus} == set(self.pair[:2]):
            return combined((self.pair[2], 1.0 if (plus, minus) == self.pair[:2] else -1.0))
        if self.loop is not None and plus == minus == self.loop[0] == self.loop[1]:
            return terms_of(self.v)
        return combined((self.potential(plus), 1.0), (self.potential(minus), -1.0))

    def potential(self, node: str) -> Terms:
        """V(node); raises `NotLocal` for a node that is not the edge's."""
        if node == GROUND:
            return {}
        if node in self.known:
            return self.known[node]
        if node == self.state:
            return {STATE: 1.0}
        if node in self.body.signals:
            return self._signal(node)
        root = self.body.clusters.of(node)
        if self.loop is not None and root == self.body.clusters.of(self.loop[0]):
            return self._on_loop(node)
        if root in self.levels:
            return combined((self.levels[root], 1.0), (self.offset(node), 1.0))
        if root == GROUND:
            return self.offset(node)
        what = "the state of another edge" if node in self.body.capacitance else "a node of another edge"
        raise NotLocal(f"V({node}), {what}")

    def _signal(self, node: str) -> Terms:
        if self.depth >= DEEPEST:
            raise NotLocal(f"a loop or a chain of more than {DEEPEST} nodes that read one another, at {node.lower()}")
        self.depth += 1
        elements = self.body.signals[node]
        first = elements[0]
        if len(elements) == 1 and isinstance(first, CONTROLLED_VOLTAGES):
            value = combined((self._source_voltage(first), 1.0 if first.plus == node else -1.0))
        else:
            loads = [float(e.value) for e in elements if isinstance(e, ir.ResistorElement)]  # type: ignore[arg-type]
            into = combined(*((self.into(e, node), 1.0) for e in elements if not isinstance(e, ir.ResistorElement)))
            value = combined((into, 1.0 / sum(1.0 / r for r in loads) if len(loads) > 1 else loads[0]))
        self.depth -= 1
        self.known[node] = value
        return value

    def _source_voltage(
        self, element: ir.BehaviouralVoltage | ir.VoltageControlledVoltage | ir.CurrentControlledVoltage
    ) -> Terms:
        if isinstance(element, ir.BehaviouralVoltage):
            return self.value(element.expression)
        if isinstance(element, ir.VoltageControlledVoltage):
            return combined((self.difference(element.control_plus, element.control_minus), _gain(element)))
        return combined((self.current(element.source), _gain(element)))

    def current(self, source: str) -> Terms:
        """I(source): of the edge's own elements, or of a voltage source that only this edge loads."""
        folded = source.lower()
        own = terms_of(self.i)
        for element, sign in self.branch.series:
            if element.name.lower() == folded:
                return combined((own, sign))
        for branch, sign in self.body.clusters.currents(folded):
            if branch == self.number:
                return combined((own, sign))
        raise NotLocal(f"I({source}), which is not the current of this edge alone")

    def value(self, value: Value) -> Terms:
        """An expression with everything that it reads put in place."""
        if isinstance(value, (int, float)):
            return {ONE: float(value)} if value else {}

        def place(e: Expression) -> Expression | None:
            if isinstance(e, NodeVoltage):
                return expression_of(self.difference(e.plus, e.minus))
            if isinstance(e, BranchCurrent):
                return expression_of(self.current(e.source))
            return None

        return terms_of(rebuild(value, place))

    def into(self, element: ir.FlatElement, node: str) -> Terms:
        """The current of an element into a node, in A."""
        plus, minus = element.plus, element.minus
        sign = float(minus == node) - float(plus == node)
        match element:
            case ir.VoltageControlledCurrent():
                flow = combined((self.difference(element.control_plus, element.control_minus), _gain(element)))
            case ir.CurrentControlledCurrent():
                flow = combined((self.current(element.source), _gain(element)))
            case ir.BehaviouralCurrent():
                flow = self.value(element.expression)
            case ir.CurrentSourceElement():
                flow = self.wave(element)
            case ir.ResistorElement():
                drop = expression_of(self.difference(element.plus, element.minus))
                flow = terms_of(drop / expression_of(self.value(element.value)))
            case _:
                return {}
        return combined((flow, sign))

    def rate(self) -> Expression:
        """ds/dt in 1/s without clamps; raises `NotLocal` or `Refusal`."""
        assert self.state is not None
        parts: list[tuple[ir.FlatElement, Terms]] = []
        for element in self.body.touching[self.state]:
            try:
                parts.append((element, self.into(element, self.state)))
            except NotLocal as error:
                raise self._elsewhere(element, error) from None
        whole = divided(combined(*((part, 1.0) for _, part in parts)), self.body.capacitance[self.state])
        try:
            return self._local(expression_of(whole))
        except NotLocal:
            for element, part in parts:
                try:
                    self._local(expression_of(part))
                except NotLocal as error:
                    raise self._elsewhere(element, error) from None
            raise

    def _elsewhere(self, element: ir.FlatElement, error: NotLocal) -> Refusal:
        return Refusal(element.name, f"makes the state of {self.branch.name} depend on {error}")

    def at(self, e: Value) -> Expression:
        """Any expression of the deck in the edge's own symbols; raises `NotLocal`."""
        return self._local(expression_of(self.value(e)))

    def _local(self, e: Expression) -> Expression:
        """`e`, simplified; raises `NotLocal` for what is left of waveforms, time and unknown levels."""
        e = collected(simplify(e))
        for x in walk(e):
            if isinstance(x, Time):
                raise NotLocal("time")
            if x == (CURRENT if self.conducts else DROP):
                raise NotLocal("its own current, which it defines")
            if isinstance(x, Parameter) and x.name.startswith("@"):
                if x == LEVEL:
                    raise NotLocal("the potential of a node, which depends on the rest of the network")
                drive = next(d for d, symbol in self.waves.items() if symbol == x)
                raise NotLocal(f"the waveform of a source ({type(drive).__name__}) that is not its own drop")
        return e


def _gain(element: ir.FlatElement) -> float:
    return float(element.gain)  # type: ignore[union-attr, arg-type]
