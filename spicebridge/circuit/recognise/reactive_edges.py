"""Capacitors, inductors and current sources of a flat deck as edges of the network.

Two writings of each: the element itself between two nodes, and a grounded state node that controlled sources carry into
the circuit (this program's own)::

    capacitor   E m head w 0 1    F 0 w V -1         C w 0 c       V in series with E
    inductor    G m head w 0 1    G 0 w m head 1     C w 0 l

An element's own initial value counts under ``uic``; without it the run starts from the operating point, which is a state
of the network only where it is zero or given by ``.ic``.
"""

from __future__ import annotations

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.deck_structure import Branch, CircuitParts
from spicebridge.circuit.recognise.refusals import Refusal
from spicebridge.circuit.recognise.source_clusters import GROUND, drive_of, low
from spicebridge.drives import DC
from spicebridge.laws import Capacitor, CurrentSource, Device, Inductor


def reactive_device(body: CircuitParts, branch: Branch, state: str | None) -> Device | None:
    """The capacitor, inductor or current source that a branch is; None for a branch that is none. Raises `Refusal`."""
    if not branch.reactive:
        return None
    element = branch.series[0][0]
    if isinstance(element, ir.CurrentSourceElement):
        return CurrentSource(drive_of(element.name, element.wave) or DC(0.0))
    if isinstance(element, (ir.CapacitorElement, ir.InductorElement)):
        value = _number(element.name, element.value)
        return _made(isinstance(element, ir.CapacitorElement), value)
    assert isinstance(element, (ir.VoltageControlledVoltage, ir.VoltageControlledCurrent))
    if state is None:
        raise Refusal(element.name, "is controlled by a voltage that is no state")
    forward = low(element.control_plus) == state and low(element.control_minus) == GROUND
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
            f"carries node {body.shown[state]} into the circuit, which does not integrate the "
            f"{'current' if capacitive else 'drop'} of this branch alone; so it is no "
            f"{'capacitor' if capacitive else 'inductor'}",
        )
    return _made(capacitive, body.capacitance[state] / gain)


def initial_value(body: CircuitParts, branch: Branch) -> float:
    """v_C in V or i_L in A at t = 0 of an element that stands between two nodes. Raises `Refusal`."""
    element = branch.series[0][0]
    if isinstance(element, ir.CurrentSourceElement):
        return 0.0
    assert isinstance(element, (ir.CapacitorElement, ir.InductorElement))
    tran = body.deck.transient
    if tran is not None and tran.uic:
        return 0.0 if element.initial is None else _number(element.name, element.initial)
    if isinstance(element, ir.CapacitorElement):
        given = {low(node): value for node, value in body.deck.initial_conditions}
        ends = [0.0 if node == GROUND else given.get(node) for node in (low(element.plus), low(element.minus))]
        if all(isinstance(value, (int, float)) for value in ends):
            return float(ends[0]) - float(ends[1])  # type: ignore[arg-type]
    if _all_quiet(body):
        return 0.0
    raise Refusal(
        element.name,
        "starts from the operating point, as sources are not zero at t = 0; give .ic at its nodes, or IC= and uic",
    )


def _all_quiet(body: CircuitParts) -> bool:
    """Whether every source is zero at t = 0."""
    sources = [e for e in body.deck.elements if isinstance(e, (ir.VoltageSourceElement, ir.CurrentSourceElement))]
    drives = [drive_of(e.name, e.wave) for e in sources]
    return all(drive is None or float(drive.value(0.0)) == 0.0 for drive in drives)


def _fed_by_current(body: CircuitParts, element: ir.VoltageControlledVoltage, state: str) -> float:
    """How much of the branch's current flows into the state; NaN where anything else does."""
    feeds = [e for e in body.touching[state] if not isinstance(e, ir.CapacitorElement)]
    if len(feeds) != 1 or not isinstance(feeds[0], ir.CurrentControlledCurrent):
        return float("nan")
    feed = feeds[0]
    meter = body.by_name.get(feed.source.lower())
    if not isinstance(meter, ir.VoltageSourceElement):
        return float("nan")
    into = float(low(feed.minus) == state) - float(low(feed.plus) == state)
    for node, leaving in ((low(element.plus), 1.0), (low(element.minus), -1.0)):
        if node != GROUND and {e.name for e in body.touching[node]} == {element.name, meter.name}:
            # A source's current flows from its plus node through it.
            along = -leaving if low(meter.plus) == node else leaving
            return into * along * _number(feed.name, feed.gain)
    return float("nan")


def _fed_by_drop(body: CircuitParts, element: ir.VoltageControlledCurrent, state: str) -> float:
    """How much current the branch's drop sends into the state; NaN where anything else does."""
    feeds = [e for e in body.touching[state] if not isinstance(e, ir.CapacitorElement)]
    if len(feeds) != 1 or not isinstance(feeds[0], ir.VoltageControlledCurrent):
        return float("nan")
    feed = feeds[0]
    into = float(low(feed.minus) == state) - float(low(feed.plus) == state)
    control, ends = (low(feed.control_plus), low(feed.control_minus)), (low(element.plus), low(element.minus))
    if control not in (ends, ends[::-1]):
        return float("nan")
    return into * (1.0 if control == ends else -1.0) * _number(feed.name, feed.gain)


def _made(capacitive: bool, value: float) -> Capacitor | Inductor:
    return Capacitor(value) if capacitive else Inductor(value)  # type: ignore[arg-type]


def _number(name: str, value: object) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    raise Refusal(name, "has a value that is no constant; a capacitor, inductor or initial value of a network is one")
