"""Network -> Deck: every edge becomes an ideal source in series with a memristor.

Two forms of the same circuit:

*readable*  a source V, one subcircuit of ``models/`` per memristor; for people and other simulators
*fast*      y = r0 i is itself a node voltage and the only nonlinearity is one product::

                P (1 + kappa s) y = p_tail - p_head + S,     i = y / r0

The simulator imposes Kirchhoff's laws; no incidence or cycle matrix is formed. A loop-matrix network is
realised by controlled sources that carry its rows (node e_k holds R_k i_k - S_k in V, node j_c the
current of loop c, 1 V for 1 A). One node of every connected component is ground.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spicebridge.circuit.bounds import clamp_level, clamps_by_group
from spicebridge.circuit.deck import (
    Deck,
    Element,
    Subcircuit,
    Transient,
    VoltageControlledCurrent,
)
from spicebridge.circuit.forms import fast_edge, readable_edge
from spicebridge.circuit.signals import Signals
from spicebridge.errors import DeckError, NetworkError, nearest
from spicebridge.network import Network

FORMS = ("fast", "readable")

ACCURATE = (
    ("method", "trap"),
    ("reltol", 1e-9),
    ("vntol", 1e-12),
    ("abstol", 1e-15),
    ("trtol", 1e9),
)
"""Solver options under which the step ceiling is the step and the error is C h^2.

trtol switches step control by truncation error off; the tolerances keep Newton noise below the error
of the step (with reltol 1e-6 the refinement ladder of a correct circuit is spoiled)."""


@dataclass(frozen=True)
class Lowered:
    """A deck and the names under which its signals come back."""

    deck: Deck
    signals: Signals

    def with_step(self, step: float) -> Lowered:
        """The same circuit at another step ceiling in s."""
        tran = self.deck.transient
        assert tran is not None
        return replace(self, deck=self.deck.with_transient(replace(tran, step=step, max_step=step)))


def lower(network: Network, stop: float, step: float, *, form: str = "fast", title: str = "") -> Lowered:
    """Return the circuit of `network` with a transient to `stop` (s) at the step ceiling `step` (s).

    Raises `DeckError` for an unknown form and `NetworkError` for times that are none.
    """
    if form not in FORMS:
        raise DeckError(f"form {form!r} must be one of {', '.join(FORMS)}{nearest(str(form), FORMS)}")
    check_times(stop, step)
    nodes = node_names(network)
    elements: list[Element] = []
    subcircuits: dict[str, Subcircuit] = {}
    signals = Signals.empty(network)
    conditions: list[tuple[str, float]] = []
    if network.is_graph:
        tails = [nodes[a] for a in network.tail.tolist()]
        heads = [nodes[b] for b in network.head.tolist()]
    else:
        tails = [f"e{k}" for k in range(network.n_edges)]
        heads = ["0"] * network.n_edges
    clamps = clamps_by_group(network, stop)
    for number, group in enumerate(network.groups):
        writer = fast_edge(network, group) if form == "fast" else readable_edge(network, group)
        for name, sub in writer.subcircuits.items():
            subcircuits.setdefault(name, sub)
        for position, k in enumerate(group.edges.tolist()):
            elements += writer.elements(position, k, tails[k], heads[k])
            if number in clamps:
                elements += clamps[number].switches(k, f"w{k}")
            if group.device.stateful:
                conditions.append((f"w{k}", float(network.initial_state[k])))
            signals.add(k, writer.signals(position, k, tails[k], heads[k]))
    if not network.is_graph:
        elements += _loop_rows(network)
    if clamps:
        elements.insert(0, clamp_level())
    header = _header(network, form, stop, step)
    deck = Deck(
        title=title or network.title or "memristive network",
        elements=tuple(elements),
        header=header,
        models=tuple(model for pair in dict.fromkeys(clamps.values()) for model in pair.models()),
        subcircuits=tuple(subcircuits.values()),
        initial_conditions=tuple(conditions),
        options=ACCURATE,
        transient=Transient(step=step, stop=stop, max_step=step),
        save=signals.vectors(),
    )
    return Lowered(deck, signals)


def check_times(stop: float, step: float) -> None:
    """Raise `NetworkError` unless 0 < step <= stop, both finite."""
    for name, value in (("stop", stop), ("step", step)):
        if not np.isfinite(value) or value <= 0:
            raise NetworkError(f"{name} time {value!r} s must be positive and finite")
    if step > stop:
        raise NetworkError(f"step {step!r} s must not exceed the stop time {stop!r} s")


def node_names(network: Network) -> list[str]:
    """Deck names of the nodes: n0, n1, …, with the first node of every component as ground "0"."""
    parent = list(range(network.n_nodes))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    for a, b in zip(network.tail.tolist(), network.head.tolist(), strict=True):
        ra, rb = root(a), root(b)
        if ra != rb:
            parent[max(ra, rb)] = min(ra, rb)
    return ["0" if root(k) == k else f"n{k}" for k in range(network.n_nodes)]


def _loop_rows(network: Network) -> list[Element]:
    """The gyrator network that imposes i = A^t j and A (R i - S) = 0 (physics of paper 2, any real A)."""
    A = network.loop_matrix
    assert A is not None
    rows: list[Element] = []
    for c, k in zip(*(index.tolist() for index in np.nonzero(A)), strict=True):
        value = float(A[c, k])
        rows.append(VoltageControlledCurrent(f"GA{c}_{k}", "0", f"e{k}", f"j{c}", "0", value))
        rows.append(VoltageControlledCurrent(f"GB{c}_{k}", f"j{c}", "0", f"e{k}", "0", value))
    return rows


def _header(network: Network, form: str, stop: float, step: float) -> tuple[str, ...]:
    active = int((network.P < 0).sum())
    what = (
        f"{network.n_nodes} nodes, {network.n_edges} edges"
        if network.is_graph
        else f"loop matrix of {len(network.loop_matrix)} loops and {network.n_edges} edges"  # type: ignore[arg-type]
    )
    lines = [
        f"memristive network: {what}" + (f", {active} active" if active else ""),
        f"{form} form; transient to {stop:g} s, step ceiling {step:g} s",
        "units: V, A, ohm, s; node w<k> is the dimensionless state of edge k, 1 V stands for 1",
    ]
    if form == "fast":
        lines.append("node y<k> is r0 i of edge k in V; i = y/r0 flows tail -> head")
    if network.is_graph:
        ground = [str(n) for n, name in zip(network.nodes, node_names(network), strict=True) if name == "0"]
        shown = ", ".join(ground[:8]) + (", …" if len(ground) > 8 else "")
        lines.append(f"ground 0 is node {shown}")
    else:
        lines.append("node e<k> holds R i - S of edge k; node j<c> is the current of loop c, 1 V for 1 A")
    return tuple(lines)
