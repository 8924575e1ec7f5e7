"""Deck -> Network, when it is one.

The deck is flattened, put in plain form (`rewrites`) and taken apart (`structure`); the law of every edge is put
together as expressions (`equations`) and found among the known ones or taken as it is (`law_of_edge`), so that one
reader serves both of our forms and the textbook form: a resistance or a source that a state node controls, an
integrator, and voltage sources anywhere. Sources that
feed several edges are shifted into each; nodes keep their names, and ground is "0".
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.recognise.deck_structure import Branch, CircuitParts, take_apart
from spicebridge.circuit.recognise.equations import edge_parts, states_read
from spicebridge.circuit.recognise.law_of_edge import EdgeLaw, EdgeReader
from spicebridge.circuit.recognise.named_laws import instance_of, named_law
from spicebridge.circuit.recognise.reactive_edges import initial_value, reactive_device
from spicebridge.circuit.recognise.refusals import Refusal, RefusedElements
from spicebridge.circuit.recognise.rewrites import plain_deck
from spicebridge.circuit.recognise.source_clusters import GROUND, drive_of, low, total
from spicebridge.drives import DC, PWL, Drive, Pulse, Sine, terms
from spicebridge.errors import NetworkError, NotANetwork
from spicebridge.laws import CurrentSource
from spicebridge.network import Network

__all__ = ["EdgeOrigin", "Recognised", "recognise", "recognise_circuit"]

_NUMBERED = re.compile(r"^(?:[a-z]\.)?[a-z_]+?(\d+)(?:\.[^.]+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class EdgeOrigin:
    """Where edge k of the network is in the deck: its elements, its state node ("" without memory)."""

    elements: tuple[str, ...]
    state: str


@dataclass(frozen=True)
class Recognised:
    """A network with its flat deck, the origin of every edge, and notes on what was left out."""

    network: Network
    deck: ir.Deck
    edges: tuple[EdgeOrigin, ...]
    notes: tuple[str, ...] = ()


def recognise(deck: ir.Deck) -> Network:
    """Return the network that a deck describes.

    Parameters
    ----------
    deck : Deck
        As `spicebridge.circuit.reader` reads it.

    Returns
    -------
    Network

    Raises
    ------
    NotANetwork
        Names the first element that prevents it, located where the deck was read from text; its `account` has all of
        them.
    """
    return recognise_circuit(deck).network


def recognise_circuit(deck: ir.Deck) -> Recognised:
    """As `recognise`, with the places of the edges in the deck."""
    flat = flatten(deck)
    account = RefusedElements(flat)
    plain, notes = plain_deck(flat, account)
    body = take_apart(plain, account)
    states = _states(body, account)
    account.settle()
    if not body.branches:
        raise NotANetwork("; ".join([_nothing(deck), *notes]))
    _count_ends(body)
    drop = _largest_drop(body)
    laws: list[EdgeLaw | None] = []
    drives: list[Drive | None] = []
    initial: list[float] = []
    for number, branch in enumerate(body.branches):
        state = states[number]
        try:
            device = reactive_device(body, branch, state)
            start, missing = _start(body, branch, state)
            laws.append(_law(deck, body, number, state, drop, start) if device is None else EdgeLaw(device, 1.0, 1.0))
            drives.append(None if isinstance(device, CurrentSource) else total(edge_parts(body, branch)))
            if missing is not None:
                raise missing
            value = initial_value(body, branch) if state is None and branch.reactive else start
            law = laws[-1]
            if law is not None and hasattr(law.device, "program_state"):
                value = float(np.asarray(law.device.program_state(np.array([value]))).item())
            initial.append(value)
        except Refusal as refusal:
            account.refuse(refusal.name, refusal.reason)
    account.settle()
    order = _order(body)
    found = [law for law in laws if law is not None]
    parts: dict[str, Any] = {
        "device": [found[k].device for k in order],
        "drive": [drives[k] for k in order],
        "initial_state": [initial[k] for k in order],
        "active": [n for n, k in enumerate(order) if found[k].P < 0],
        "polarity": [found[k].J for k in order],
        "title": deck.title,
    }
    network = _network(body, order, parts)
    edges = tuple(EdgeOrigin(body.branches[k].names, body.shown.get(states[k] or "", "")) for k in order)
    return Recognised(network, flat, edges, (*notes, *(law.note for law in found if law.note)))


def _nothing(deck: ir.Deck) -> str:
    if deck.subcircuits and not deck.elements:
        names = ", ".join(sub.name for sub in deck.subcircuits)
        return (
            f"not a memristive network: this is a library of subcircuits ({names}) with no element of its own; "
            "check-model reads it, or call one with an X card"
        )
    return "not a memristive network: no element is a resistor or memristor between two nodes"


def _largest_drop(body: CircuitParts) -> float:
    """V: the sum of all sources; no drop of a passive network is larger. 1 V for a network without any."""
    size = 0.0
    for element in body.deck.elements:
        if isinstance(element, (ir.VoltageSourceElement, ir.CurrentSourceElement)):
            factor = 1.0
            if isinstance(element, ir.CurrentSourceElement):
                factor = max((1.0 / abs(link.sense) for link in body.links if element in link.feeds), default=0.0)
            elif not body.clusters.parts(low(element.plus)) and not body.clusters.parts(low(element.minus)):
                continue
            try:
                drive = drive_of(element.name, element.wave)
            except Refusal:
                continue
            size += factor * sum(bound(term) for term in terms(drive))
    return size or 1.0


def bound(drive: Drive) -> float:
    """Largest size of a drive, in V."""
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


def _law(deck: ir.Deck, body: CircuitParts, number: int, state: str | None, drop: float, start: float) -> EdgeLaw:
    named = None
    if state is not None:
        call = instance_of(deck, body.branches[number].name)
        named = None if call is None else named_law(deck, call)
    return EdgeReader(body, number, state, drop, named, start).read()


def _states(body: CircuitParts, account: RefusedElements) -> list[str | None]:
    """The state of every branch; every state belongs to exactly one."""
    owner: dict[str, str] = {}
    out: list[str | None] = []
    for branch in body.branches:
        elements = list(branch.link.loads) if branch.link else [element for element, _ in branch.series]
        found = sorted(states_read(body, elements))
        if len(found) > 1:
            shown = ", ".join(body.shown[node] for node in found)
            account.refuse(branch.name, f"depends on several states ({shown}); an edge of a network has one")
        for node in found:
            if node in owner:
                account.refuse(
                    branch.name,
                    f"shares the state {body.shown[node]} with {owner[node]}; give every memristor a state of its own",
                )
            owner.setdefault(node, branch.name)
        out.append(found[0] if found else None)
    for node in body.capacitance:
        if node not in owner:
            name = next(e.name for e in body.touching[node] if isinstance(e, ir.CapacitorElement))
            account.refuse(name, f"integrates node {body.shown[node]}, which no resistance depends on; take it away")
    return out


def _count_ends(body: CircuitParts) -> None:
    ends: dict[str, list[tuple[int, int]]] = {}
    for number, branch in enumerate(body.branches):
        ends.setdefault(branch.tail, []).append((number, 1))
        ends.setdefault(branch.head, []).append((number, -1))
    for edge, _ in body.gyrators:
        ends.setdefault(edge, []).append((-1, 0))
    body.clusters.count_ends(ends)


def _start(body: CircuitParts, branch: Branch, state: str | None) -> tuple[float, Refusal | None]:
    """The initial state, or what is missing: the law of the edge is looked at first."""
    try:
        return (0.0 if state is None else _initial(body, branch, state)), None
    except Refusal as missing:
        return 0.5, missing


def _initial(body: CircuitParts, branch: Branch, state: str) -> float:
    """The state at t = 0: the capacitor's IC=, from its plus to its minus node, where the simulator honours it, or .ic."""
    tran = body.deck.transient
    for element in body.touching[state]:
        own = element.initial if isinstance(element, ir.CapacitorElement) else None
        if isinstance(element, ir.CapacitorElement) and isinstance(own, (int, float)) and (tran is None or tran.uic):
            return float(own) if low(element.plus) == state else -float(own)
    for node, value in body.deck.initial_conditions:
        if low(node) == state and isinstance(value, (int, float)):
            return float(value)
    if tran is not None and tran.uic:
        return 0.0
    shown = body.shown[state]
    raise Refusal(branch.name, f"has a state without initial value; add .ic v({shown})=… (IC= counts under uic only)")


def _order(body: CircuitParts) -> list[int]:
    """Branches by the number in their names (B7, R7, X7) where every one has its own; else as in the deck."""
    numbers = [_NUMBERED.match(branch.name) for branch in body.branches]
    keys = [int(match[1]) for match in numbers if match is not None]
    if len(set(keys)) == len(body.branches):
        return sorted(range(len(keys)), key=keys.__getitem__)
    place = {element.name: n for n, element in enumerate(body.deck.elements)}
    return sorted(range(len(body.branches)), key=lambda k: place[body.branches[k].name])


def _network(body: CircuitParts, order: list[int], parts: dict[str, Any]) -> Network:
    ends = [(body.clusters.of(body.branches[k].tail), body.clusters.of(body.branches[k].head)) for k in order]
    try:
        if not body.gyrators:
            shown = {root: body.shown.get(root, root) for pair in ends for root in pair}
            return Network.from_edges([(shown[a], shown[b]) for a, b in ends], **parts)
        return Network.from_loop_matrix(_loop_matrix(body, ends), **parts)
    except NetworkError as error:
        raise NotANetwork(f"not a memristive network: {error}") from None


def _loop_matrix(body: CircuitParts, ends: list[tuple[str, str]]) -> Array:
    """A of a network whose edges lead from nodes e_k to ground and whose loops are the nodes j_c."""
    terminals = {body.clusters.of(edge) for edge, _ in body.gyrators}
    used = Counter(node for pair in ends for node in pair if node != GROUND)
    column: dict[str, tuple[int, float]] = {}
    for k, (tail, head) in enumerate(ends):
        node = head if tail == GROUND else tail
        if GROUND not in (tail, head) or used[node] != 1:
            raise NotANetwork(
                "not a memristive network: controlled sources realise a loop matrix, but the edge at node "
                f"{body.shown.get(node, node)} does not lead from a node of its own to ground"
            )
        column[node] = k, 1.0 if node == tail else -1.0
    stray = terminals - set(column)
    if stray:
        raise NotANetwork(f"not a memristive network: the loop matrix has no edge at node {sorted(stray)[0]}")
    loops = sorted(body.loops, key=_natural)
    A = np.zeros((len(loops), len(ends)))
    for (edge, loop), gain in body.gyrators.items():
        k, sign = column[body.clusters.of(edge)]
        A[loops.index(loop), k] += sign * gain
    return A


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts j2 before j10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]
