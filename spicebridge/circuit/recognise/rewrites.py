"""What is put in plain form before a flat deck is taken apart; every step keeps the circuit.

ammeters    sources of 0 V at a state that nobody reads are wires
clocks      behavioural sources of time alone are independent sources: constants and sines; others are refused
switches    behavioural sources that write an abrupt switch (`dialects/switches.py`) are that switch
monitors    integrators and voltages that nothing reads are left out, with a note
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import CONTROLLED_CURRENTS, CONTROLLED_VOLTAGES, element_nodes, inputs
from spicebridge.circuit.deck.rename import rename
from spicebridge.circuit.dialects.switches import WIDTH
from spicebridge.circuit.recognise.potentials import ONE, Terms, terms_of
from spicebridge.circuit.recognise.refusals import RefusedElements
from spicebridge.circuit.recognise.source_clusters import GROUND
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.tree import (
    Binary,
    BranchCurrent,
    Call,
    Expression,
    NodeVoltage,
    Parameter,
    Time,
    rebuild,
    walk,
)

FAR = 1e6
"""V: where a switch is open or closed for sure."""


def plain_deck(deck: ir.Deck, account: RefusedElements) -> tuple[ir.Deck, tuple[str, ...]]:
    """The deck in plain form, and notes on what was left out."""
    while (fewer := _without_ammeters(deck)) is not deck:
        deck = fewer
    deck = _with_clocks(_with_switches(deck), account)
    return _without_monitors(deck)


def _reads(element: ir.Element) -> tuple[set[str], set[str]]:
    """Nodes and sources (lower case) whose voltage or current an element reads, besides its own terminals."""
    voltages, sources = inputs(element)
    return {node for v in voltages for node in (v.plus, v.minus)}, set(sources)


# ammeters


def _without_ammeters(deck: ir.Deck) -> ir.Deck:
    stores = {
        node
        for e in deck.elements
        if isinstance(e, ir.CapacitorElement) and GROUND in (e.plus, e.minus)
        for node in (e.plus, e.minus)
    } - {GROUND}
    read = {source for e in deck.elements for source in _reads(e)[1]}
    named = {node for node, _ in deck.initial_conditions}
    renamed: dict[str, str] = {}
    gone: set[str] = set()
    for e in deck.elements:
        if not isinstance(e, ir.VoltageSourceElement) or e.wave != ir.DcWave(0.0) or e.name.lower() in read:
            continue
        a, b = (_final(renamed, node) for node in (e.plus, e.minus))
        if not {a, b} & stores or GROUND in (a, b) or a == b:
            continue
        keep, drop = (b, a) if b in named and a not in named else (a, b)
        renamed[drop] = keep
        stores |= {keep}
        gone.add(e.name)
    if not gone:
        return deck
    made = rename(deck.without(*gone), nodes={node.lower(): _final(renamed, node) for node in renamed})
    return replace(made, initial_conditions=tuple(dict(made.initial_conditions).items()))


def _final(renamed: dict[str, str], node: str) -> str:
    while node in renamed:
        node = renamed[node]
    return node


# clocks


def _with_clocks(deck: ir.Deck, account: RefusedElements) -> ir.Deck:
    elements: list[ir.Element] = []
    for e in deck.elements:
        if not isinstance(e, (ir.BehaviouralVoltage, ir.BehaviouralCurrent)) or any(_reads(e)):
            elements.append(e)
            continue
        waves = _waves(terms_of(simplify(e.expression), _is_time))
        if waves is None:
            account.refuse(
                e.name,
                "is a source of time that is no sum of a constant and sines; give its waveform as SIN, PULSE or PWL",
            )
            elements.append(e)
            continue
        elements += _sources(e, waves)
    return replace(deck, elements=tuple(elements))


def _sources(e: ir.BehaviouralVoltage | ir.BehaviouralCurrent, waves: list[ir.Wave]) -> list[ir.Element]:
    """One source per wave: voltages in series, currents in parallel."""
    if isinstance(e, ir.BehaviouralCurrent):
        return [
            ir.CurrentSourceElement(e.name if n == 0 else f"{e.name}_{n}", e.plus, e.minus, w)
            for n, w in enumerate(waves)
        ]
    nodes = [e.plus, *(f"{e.name}_{n}" for n in range(1, len(waves))), e.minus]
    return [
        ir.VoltageSourceElement(e.name if n == 0 else f"{e.name}_{n}", nodes[n], nodes[n + 1], wave)
        for n, wave in enumerate(waves)
    ]


def _is_time(e: Expression) -> bool:
    return isinstance(e, Time)


def _waves(terms: Terms) -> list[ir.Wave] | None:
    offset = terms.get(ONE, 0.0)
    made: list[ir.Wave] = []
    for term, weight in terms.items():
        if term == ONE:
            continue
        if not isinstance(term, Call) or term.function not in ("sin", "cos"):
            return None
        angle = terms_of(term.arguments[0], _is_time)
        if not set(angle) <= {ONE, Time()} or Time() not in angle:
            return None
        speed, phase = angle[Time()], angle.get(ONE, 0.0) + (math.pi / 2 if term.function == "cos" else 0.0)
        if speed < 0.0:
            speed, phase = -speed, math.pi - phase
        made.append(
            ir.SinWave(
                offset=offset,
                amplitude=weight,
                frequency=speed / (2.0 * math.pi),
                delay=0.0,
                damping=0.0,
                phase=math.degrees(phase),
            )
        )
        offset = 0.0
    return made or [ir.DcWave(offset)]


# switches


def _with_switches(deck: ir.Deck) -> ir.Deck:
    models: dict[tuple[float, float, float], str] = {}
    elements: list[ir.Element] = []
    for e in deck.elements:
        found = _switch(e) if isinstance(e, ir.BehaviouralCurrent) else None
        if found is None:
            elements.append(e)
            continue
        control, numbers = found
        model = models.setdefault(numbers, f"abrupt{len(models)}")
        assert isinstance(e, ir.BehaviouralCurrent)
        elements.append(ir.Switch(e.name, e.plus, e.minus, control.plus, control.minus, model))
    made = tuple(
        ir.Model(name, "sw", (("vt", vt), ("vh", 0.0), ("ron", ron), ("roff", roff)))
        for (vt, ron, roff), name in models.items()
    )
    return replace(deck, elements=tuple(elements), models=(*deck.models, *made)) if models else deck


def _switch(e: ir.BehaviouralCurrent) -> tuple[NodeVoltage, tuple[float, float, float]] | None:
    """(control, (vt, ron, roff)) of a source v g(control) with the smooth conductance of an abrupt switch."""
    match e.expression:
        case Binary("*", NodeVoltage(a, b), g) if {a, b} == {e.plus, e.minus}:
            if (a, b) != (e.plus, e.minus):
                return None
            leaves = {x for x in walk(g) if isinstance(x, (NodeVoltage, BranchCurrent, Parameter, Time))}
            if len(leaves) != 1:
                return None
            (control,) = leaves
            if not isinstance(control, NodeVoltage):
                return None
            return _threshold(control, rebuild(g, lambda x: Parameter("x") if x == control else None))
    return None


def _threshold(control: NodeVoltage, g: Expression) -> tuple[NodeVoltage, tuple[float, float, float]] | None:
    def at(x: float | Array) -> Array:
        return np.asarray(evaluate(g, Environment({}, {}, {"x": x})))

    off, on = float(at(-FAR)), float(at(FAR))
    if not (math.isfinite(on) and 0.0 < off < 1e-6 * on):
        return None
    a, b = -FAR, FAR
    for _ in range(200):
        middle = 0.5 * (a + b)
        a, b = (middle, b) if float(at(middle)) < 0.5 * on else (a, middle)
    vt = round(0.5 * (a + b) - 0.5 * WIDTH, 9)
    part = np.linspace(-0.5, 1.5, 41)
    s = np.clip(part, 0.0, 1.0)
    expected = off + (on - off) * s * s * (3.0 - 2.0 * s)
    found = np.asarray(at(vt + WIDTH * part))
    return (control, (vt, 1.0 / on, 1.0 / off)) if (np.abs(found - expected) <= 1e-9 * on).all() else None


# monitors


def _without_monitors(deck: ir.Deck) -> tuple[ir.Deck, tuple[str, ...]]:
    notes: list[str] = []
    while True:
        found = _monitor(deck)
        if found is None:
            return deck, tuple(notes)
        node, names, what = found
        notes.append(f"{', '.join(names)} left out: {what} at node {node.lower()} that nothing reads")
        deck = deck.without(*names)
        left = {n for e in deck.elements for n in element_nodes(e)}
        conditions = tuple((n, v) for n, v in deck.initial_conditions if n in left)
        deck = replace(deck, initial_conditions=conditions)


def _monitor(deck: ir.Deck) -> tuple[str, list[str], str] | None:
    there: dict[str, list[ir.Element]] = {}
    read: set[str] = set()
    currents: set[str] = set()
    for e in deck.elements:
        for node in {e.plus, e.minus} - {GROUND}:  # type: ignore[union-attr]
            there.setdefault(node, []).append(e)
        nodes, sources = _reads(e)
        own = {e.plus, e.minus} if isinstance(e, ir.BehaviouralCurrent) else set()
        read |= nodes - (own if _loads(e, own) else set())
        currents |= sources
    for node, elements in there.items():
        grounded = all(GROUND in (e.plus, e.minus) for e in elements)  # type: ignore[union-attr]
        if node in read or not grounded or any(e.name.lower() in currents for e in elements):
            continue
        names = [e.name for e in elements]
        stores = any(isinstance(e, ir.CapacitorElement) for e in elements)
        fed = any(isinstance(e, CONTROLLED_CURRENTS) and any(_reads(e)) for e in elements)
        if (
            stores
            and fed
            and all(
                isinstance(e, (ir.CapacitorElement, ir.ResistorElement, ir.CurrentSourceElement, *CONTROLLED_CURRENTS))
                for e in elements
            )
        ):
            return node, names, "an integral"
        drives = [e for e in elements if isinstance(e, CONTROLLED_VOLTAGES)]
        alone = len(drives) == 1 and any(_reads(drives[0]))
        if alone and all(isinstance(e, (*CONTROLLED_VOLTAGES, ir.ResistorElement)) for e in elements):
            return node, names, "a voltage"
    return None


def _loads(e: ir.Element, own: set[str]) -> bool:
    """Whether a current reads its own voltage only, as a load does: that is no reader of the node."""
    return isinstance(e, ir.BehaviouralCurrent) and GROUND in own and _reads(e)[0] <= own
