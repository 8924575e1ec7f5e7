"""Branches of a deck taken apart -> edges of the network: device, signs, source and initial state of each.

Capacitors, inductors and current sources have two writings each: the element itself between two nodes, and a grounded
state node that controlled sources carry into the circuit (this program's own)::

    capacitor   E m head w 0 1    F 0 w V -1         C w 0 c       V in series with E
    inductor    G m head w 0 1    G 0 w m head 1     C w 0 l

An element's own initial value counts under ``uic``; without it the run starts from the operating point, which is a
state of the network only where it is zero or given by ``.ic``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.characteristic import EdgeLaw
from spicebridge.circuit.recognise.deck_structure import Branch, CircuitParts
from spicebridge.circuit.recognise.law_of_edge import EdgeReader
from spicebridge.circuit.recognise.refusals import Refusal, RefusedElements
from spicebridge.circuit.recognise.source_clusters import GROUND, INDEPENDENT
from spicebridge.drives import DC, Drive, Sum, terms
from spicebridge.laws import Capacitor, CurrentSource, Device, Inductor, LawDevice


@dataclass(frozen=True)
class EdgeFound:
    """What a branch is as an edge: its law, its source and the initial state in the unit that the network has it in."""

    law: EdgeLaw
    drive: Drive | None
    initial: float


def read_edges(body: CircuitParts, named: Sequence[EdgeLaw | None], account: RefusedElements) -> list[EdgeFound]:
    """The edges of all branches; what is none goes to `account`. `named` are the laws that names promise."""
    found = []
    for number, branch in enumerate(body.branches):
        try:
            found.append(_read_edge(body, number, branch, named[number]))
        except Refusal as refusal:
            account.refuse(*refusal.args)
    return found


def _read_edge(body: CircuitParts, number: int, branch: Branch, named: EdgeLaw | None) -> EdgeFound:
    device = _reactive_device(body, branch)
    start, missing = _start(body, branch)
    law = EdgeReader(body, number, named, start).read() if device is None else EdgeLaw(device, 1.0, 1.0)
    drive = None if isinstance(device, CurrentSource) else _edge_drive(body, branch)
    if missing is not None:
        raise missing
    value = _initial_of_element(body, branch) if branch.state is None and branch.reactive else start
    if isinstance(law.device, LawDevice):
        value = float(law.device.program_state(np.array([value])).item())
    return EdgeFound(law, drive, value)


def _edge_drive(body: CircuitParts, branch: Branch) -> Drive | None:
    """S of an edge: p_tail - p_head = v - S, nodes being the roots of their clusters. Raises `Refusal`.

    Equal drives of opposite sign cancel.
    """
    weight: dict[Drive, float] = {}

    def add(drive: Drive | None, factor: float) -> None:
        for term in terms(drive):
            weight[term] = weight.get(term, 0.0) + factor

    ends = [(e.plus, e.minus) if sign > 0 else (e.minus, e.plus) for e, sign in branch.series]
    if branch.link is not None:
        ends = [(branch.tail, branch.head)]
        for feed in branch.link.feeds:
            add(body.drives[feed.name], (1.0 if feed.minus == branch.link.y else -1.0) / branch.link.sense)
    for tail, head in ends:
        for node, sign in ((tail, 1.0), (head, -1.0)):
            for drive, factor in body.clusters.parts(node):
                add(drive, sign * factor)
    kept = [term if factor == 1.0 else term.scaled(factor) for term, factor in weight.items() if factor]
    level = sum(term.level for term in kept if isinstance(term, DC))
    out: list[Drive] = [term for term in kept if not isinstance(term, DC)]
    if level:
        out.insert(0, DC(level))
    return None if not out else out[0] if len(out) == 1 else Sum(tuple(out))


# initial states


def _start(body: CircuitParts, branch: Branch) -> tuple[float, Refusal | None]:
    """The initial state, or what is missing: the law of the edge is looked at first."""
    try:
        return (0.0 if branch.state is None else _initial_of_state(body, branch, branch.state)), None
    except Refusal as missing:
        return 0.5, missing


def _initial_of_state(body: CircuitParts, branch: Branch, state: str) -> float:
    """The state at t = 0: the capacitor's IC=, plus to minus, where the simulator honours it, else .ic."""
    tran = body.deck.transient
    for element in body.touching[state]:
        own = element.initial if isinstance(element, ir.CapacitorElement) else None
        if isinstance(own, (int, float)) and (tran is None or tran.uic):
            return float(own) if element.plus == state else -float(own)
    if state in body.initial:
        return body.initial[state]
    if tran is not None and tran.uic:
        return 0.0
    raise Refusal(branch.name, f"has a state without initial value; add .ic v({state})=… (IC= counts under uic only)")


def _initial_of_element(body: CircuitParts, branch: Branch) -> float:
    """v_C in V or i_L in A at t = 0 of an element that stands between two nodes. Raises `Refusal`."""
    element = branch.series[0][0]
    if isinstance(element, ir.CurrentSourceElement):
        return 0.0
    assert isinstance(element, (ir.CapacitorElement, ir.InductorElement))
    tran = body.deck.transient
    if tran is not None and tran.uic:
        return 0.0 if element.initial is None else _number(element.name, element.initial)
    if isinstance(element, ir.CapacitorElement):
        plus, minus = (0.0 if n == GROUND else body.initial.get(n) for n in (element.plus, element.minus))
        if plus is not None and minus is not None:
            return plus - minus
    if _all_quiet(body):
        return 0.0
    raise Refusal(
        element.name,
        "starts from the operating point, as sources are not zero at t = 0; give .ic at its nodes, or IC= and uic",
    )


def _all_quiet(body: CircuitParts) -> bool:
    """Whether every source is zero at t = 0."""
    drives = [body.drives[e.name] for e in body.elements if isinstance(e, INDEPENDENT)]
    return all(drive is None or float(drive.value(0.0)) == 0.0 for drive in drives)


# capacitors, inductors, current sources


def _reactive_device(body: CircuitParts, branch: Branch) -> Device | None:
    """The capacitor, inductor or current source that a branch is; None for a branch that is none. Raises `Refusal`."""
    if not branch.reactive:
        return None
    element = branch.series[0][0]
    if isinstance(element, ir.CurrentSourceElement):
        return CurrentSource(body.drives[element.name] or DC(0.0))
    if isinstance(element, (ir.CapacitorElement, ir.InductorElement)):
        value = _number(element.name, element.value)
        return _made(isinstance(element, ir.CapacitorElement), value)
    assert isinstance(element, (ir.VoltageControlledVoltage, ir.VoltageControlledCurrent))
    state = branch.state
    if state is None:
        raise Refusal(element.name, "is controlled by a voltage that is no state")
    forward = element.control_plus == state and element.control_minus == GROUND
    if not forward or element.gain != 1.0:
        raise Refusal(element.name, "carries a state into the circuit with another gain than 1; give it the gain 1")
    capacitive = isinstance(element, ir.VoltageControlledVoltage)
    if isinstance(element, ir.VoltageControlledVoltage):
        gain = _fed_by_current(body, element, state)
    else:
        gain = _fed_by_drop(body, element, state)
    if not gain > 0.0:
        raise Refusal(
            element.name,
            f"carries node {state} into the circuit, which does not integrate the "
            f"{'current' if capacitive else 'drop'} of this branch alone; so it is no "
            f"{'capacitor' if capacitive else 'inductor'}",
        )
    return _made(capacitive, body.capacitance[state] / gain)


def _fed_by_current(body: CircuitParts, element: ir.VoltageControlledVoltage, state: str) -> float:
    """How much of the branch's current flows into the state; NaN where anything else does."""
    feeds = [e for e in body.touching[state] if not isinstance(e, ir.CapacitorElement)]
    if len(feeds) != 1 or not isinstance(feeds[0], ir.CurrentControlledCurrent):
        return float("nan")
    feed = feeds[0]
    meter = body.by_name.get(feed.source.lower())
    if not isinstance(meter, ir.VoltageSourceElement):
        return float("nan")
    into = float(feed.minus == state) - float(feed.plus == state)
    for node, leaving in ((element.plus, 1.0), (element.minus, -1.0)):
        if node != GROUND and {e.name for e in body.touching[node]} == {element.name, meter.name}:
            # A source's current flows from its plus node through it.
            along = -leaving if meter.plus == node else leaving
            return into * along * _number(feed.name, feed.gain)
    return float("nan")


def _fed_by_drop(body: CircuitParts, element: ir.VoltageControlledCurrent, state: str) -> float:
    """How much current the branch's drop sends into the state; NaN where anything else does."""
    feeds = [e for e in body.touching[state] if not isinstance(e, ir.CapacitorElement)]
    if len(feeds) != 1 or not isinstance(feeds[0], ir.VoltageControlledCurrent):
        return float("nan")
    feed = feeds[0]
    into = float(feed.minus == state) - float(feed.plus == state)
    control, ends = (feed.control_plus, feed.control_minus), (element.plus, element.minus)
    if control not in (ends, ends[::-1]):
        return float("nan")
    return into * (1.0 if control == ends else -1.0) * _number(feed.name, feed.gain)


def _made(capacitive: bool, value: float) -> Capacitor | Inductor:
    return Capacitor(value) if capacitive else Inductor(value)  # type: ignore[arg-type]


def _number(name: str, value: object) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    raise Refusal(name, "has a value that is no constant; a capacitor, inductor or initial value of a network is one")
