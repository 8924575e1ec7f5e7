"""Deck -> Network, when it is one.

=====================  ====================================  ===============
flatten                deck -> flat deck                     `flatten`
plain form             flat deck -> flat deck                `rewrites`
structure, clusters    flat deck -> parts, branches, states  `deck_structure`
promises               deck -> laws that names promise       `named_laws`
laws, sources, states  parts -> edges                        `network_edges`
network                parts, edges -> network               here
=====================  ====================================  ===============

The law of every edge is put together as expressions (`equations`) and found among the known ones or taken as it is
(`law_of_edge`), so that one reader serves both of our forms and the textbook form: a resistance or a source that a
state node controls, an integrator, and voltage sources anywhere. Sources that feed several edges are shifted into each;
nodes keep their names, and ground is "0".
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.reader import read_deck
from spicebridge.circuit.recognise.deck_structure import Branch, CircuitParts, take_apart
from spicebridge.circuit.recognise.named_laws import promises
from spicebridge.circuit.recognise.network_edges import EdgeFound, read_edges
from spicebridge.circuit.recognise.refusals import RefusedElements
from spicebridge.circuit.recognise.rewrites import plain_deck
from spicebridge.circuit.recognise.source_clusters import GROUND
from spicebridge.errors import NetworkError, NotANetwork
from spicebridge.network import Network

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


def read_netlist(source: str | Path, dialect: str = "auto") -> Network:
    """Return the network that a deck (text or path) describes.

    Parameters
    ----------
    source : str or path
        Text with line ends, or the path of a netlist or of an LTspice schematic.
    dialect : str
        "ngspice", "ltspice", "xyce", "hspice", "pspice", with a version where meanings changed ("ngspice@46"), or
        "auto": by the words that one simulator alone has. What was taken, and what was left out, is logged to the
        logger ``spicebridge``.

    Returns
    -------
    Network

    Raises
    ------
    DeckError
        With line and column for text that cannot be read, or whose meaning depends on a dialect that nobody said.
    NotANetwork
        Naming the element, for a circuit that is no memristive network.
    """
    deck = read_deck(source, dialect=dialect)
    found = recognise_circuit(deck)
    for note in (*deck.notes, *found.notes):
        logging.getLogger("spicebridge").info(note)
    return found.network


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
    account.settle()
    if not body.branches:
        raise NotANetwork("; ".join([_nothing(deck), *notes]))
    edges = read_edges(body, promises(deck, body.branches), account)
    account.settle()
    order = _order(body)
    edges = [edges[k] for k in order]
    branches = [body.branches[k] for k in order]
    network = _network(body, branches, edges, deck.title)
    origins = tuple(EdgeOrigin(branch.names, branch.state or "") for branch in branches)
    return Recognised(network, flat, origins, (*notes, *(edge.law.note for edge in edges if edge.law.note)))


def _nothing(deck: ir.Deck) -> str:
    if deck.subcircuits and not deck.elements:
        names = ", ".join(sub.name for sub in deck.subcircuits)
        return (
            f"not a memristive network: this is a library of subcircuits ({names}) with no element of its own; "
            "check-model reads it, or call one with an X card"
        )
    return "not a memristive network: no element is a resistor or memristor between two nodes"


def _order(body: CircuitParts) -> list[int]:
    """Branches by the number in their names (B7, R7, X7) where every one has its own; else as in the deck."""
    numbers = [_NUMBERED.match(branch.name) for branch in body.branches]
    keys = [int(match[1]) for match in numbers if match is not None]
    if len(set(keys)) == len(body.branches):
        return sorted(range(len(keys)), key=keys.__getitem__)
    place = {element.name: n for n, element in enumerate(body.deck.elements)}
    return sorted(range(len(body.branches)), key=lambda k: place[body.branches[k].name])


def _network(body: CircuitParts, branches: list[Branch], edges: list[EdgeFound], title: str) -> Network:
    ends = [(body.clusters.of(branch.tail), body.clusters.of(branch.head)) for branch in branches]
    try:
        build = (
            partial(Network.from_loop_matrix, _loop_matrix(body, ends))
            if body.gyrators
            else partial(Network.from_edges, ends)
        )
        return build(
            device=[edge.law.device for edge in edges],
            drive=[edge.drive for edge in edges],
            initial_state=[edge.initial for edge in edges],
            active=[k for k, edge in enumerate(edges) if edge.law.P < 0],
            polarity=[edge.law.J for edge in edges],
            title=title,
        )
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
                f"{node} does not lead from a node of its own to ground"
            )
        column[node] = k, 1.0 if node == tail else -1.0
    stray = terminals - set(column)
    if stray:
        raise NotANetwork(
            f"not a memristive network: the loop matrix has no edge at node {min(node.lower() for node in stray)}"
        )
    loops = sorted(body.loops, key=_natural)
    A = np.zeros((len(loops), len(ends)))
    for (edge, loop), gain in body.gyrators.items():
        k, sign = column[body.clusters.of(edge)]
        A[loops.index(loop), k] += sign * gain
    return A


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts j2 before j10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.lower()) if part]
