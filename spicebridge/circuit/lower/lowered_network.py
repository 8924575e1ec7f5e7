"""Network -> Deck: every edge becomes an ideal source in series with a memristor.

Two forms of the same circuit:

*readable*  a source V, one subcircuit of ``models/`` per memristor; for people and other simulators
*fast*      y = P kappa r0 i is itself a node voltage and the only nonlinearity is one bare product::

                y s + y / kappa = p_tail - p_head + S,     i = y / (P kappa r0)

The simulator imposes Kirchhoff's laws; no incidence or cycle matrix is formed. A loop-matrix network is
realised by controlled sources that carry its rows (node e_k holds R_k i_k - S_k in V, node j_c the
current of loop c, 1 V for 1 A). One node of every connected component is ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from spicebridge.circuit.deck.elements import Deck, Element, Subcircuit, Transient
from spicebridge.circuit.dialects.dialect import Dialect, WritesEdges
from spicebridge.circuit.lower.bounds import clamp_level, clamps_by_edge
from spicebridge.circuit.lower.corners import Clock, Corners
from spicebridge.circuit.lower.deck_nodes import wire
from spicebridge.circuit.lower.edge_elements import EdgeElements, EdgeGroup
from spicebridge.circuit.lower.forms import edge_writer
from spicebridge.circuit.lower.signals import Signals
from spicebridge.errors import DeckError, NetworkError, nearest
from spicebridge.network import Network
from spicebridge.reactive import dependent_laws, require_consistent
from spicebridge.waveforms import SIGNALS

FORMS = ("fast", "readable")

ACCURATE: tuple[tuple[str, str | float], ...] = (
    ("method", "trap"),
    ("reltol", 1e-9),
    ("vntol", 1e-12),
    ("abstol", 1e-15),
    ("trtol", 1e9),
)
"""Solver options under which the step ceiling is the step and the error is C h^2.

trtol switches step control by truncation error off; the tolerances keep Newton noise below the error
of the step (with reltol 1e-6 the refinement ladder of a correct circuit is spoiled)."""


WATCHING = (("method", "gear"), *ACCURATE[1:])
"""The same where clamps look at the rate.

While a clamp holds a capacitor the trapezoidal rule makes its current ring at the amplitude of the hit,
undamped, and on release that current moves the state. Measured on TEAM: errors of 0.06 down to steps of
T/3000, where gear has 1e-4 and falls with h^2."""


@dataclass(eq=False)
class Lowered:
    """A circuit and the names under which its signals come back.

    `frame` is the deck, without its elements where these come from `edges`. `corners` are those of the drives, if
    they have any: their guards go with the step ceiling.
    """

    frame: Deck
    signals: Signals
    edges: EdgeElements | None = None
    corners: Corners | None = None

    @cached_property
    def _guards(self) -> tuple[Element, ...]:
        tran = self.frame.transient
        if self.corners is None or tran is None or tran.max_step is None:
            return ()
        return self.corners.guards(float(tran.max_step))

    @cached_property
    def deck(self) -> Deck:
        """The whole deck as data."""
        elements = self.frame.elements if self.edges is None else tuple(self.edges)
        return replace(self.frame, elements=(*elements, *self._guards))

    def with_step(self, step: float) -> Lowered:
        """The same circuit at another step ceiling in s."""
        tran = self.frame.transient
        assert tran is not None
        return replace(self, frame=self.frame.with_transient(replace(tran, step=step, max_step=step)))

    def format(self, dialect: Dialect) -> str:
        """The text of the deck; a dialect that can write repeated edges makes no elements."""
        if self.edges is not None and isinstance(dialect, WritesEdges):
            edges = replace(self.edges, after=(*self.edges.after, *self._guards))
            return dialect.format_edges(self.frame, edges)
        return dialect.format_deck(self.deck)


def lower(
    network: Network,
    stop: float,
    step: float,
    *,
    form: str = "fast",
    title: str = "",
    signals: Sequence[str] = tuple(SIGNALS),
    other_kind: bool = False,
    clock: Clock | None = None,
) -> Lowered:
    """Return the circuit of `network` with a transient to `stop` (s) at the step ceiling `step` (s).

    `signals` are saved by the simulator: "state", which always is, "current" and "voltage". `other_kind` changes all
    that no step ceiling does: the guards of corners stand elsewhere and the clamps of hard bounds have another
    resistance. `clock` says where the steps have to be smaller than the ceiling. Raises `DeckError` for an unknown form
    or signal and `NetworkError` for times that are none.
    """
    _check(form, signals, stop, step)
    header = _header(network, form, stop, step)
    require_consistent(network)
    dependent = dependent_laws(network)
    wiring = wire(network)
    clamps = clamps_by_edge(wiring, stop, finer=1 if other_kind else 0)
    models = tuple(model for kind in dict.fromkeys(clamps.values()) for model in kind.models())
    subcircuits: dict[str, Subcircuit] = {}
    where = Signals(network, ("state", *signals))
    groups = []
    for group in network.groups:
        writer, edges = edge_writer(network, group, form, dependent), group.edges.tolist()
        for name, sub in writer.subcircuits.items():
            if subcircuits.setdefault(name.lower(), sub) != sub:
                raise DeckError(
                    f"two laws of this network are called {group.device.kind!r} and have different formulas, but one "
                    f"deck has one subcircuit {name!r}; give one of them another name"
                )
        groups.append(EdgeGroup(writer, edges, tuple(clamps.get(k) for k in edges)))
        where.add(edges, writer.signals(edges, [wiring.tails[k] for k in edges], [wiring.heads[k] for k in edges]))
    state = network.initial_state.tolist()
    moving = (k for group in network.groups if group.device.stateful for k in group.edges.tolist())
    frame = Deck(
        title=title or network.title or "memristive network",
        header=(*header, wiring.remark),
        models=models,
        subcircuits=tuple(subcircuits.values()),
        initial_conditions=tuple((f"w{k}", state[k]) for k in moving if k not in dependent),
        options=WATCHING if any(kind.by_rate for kind in clamps.values()) else ACCURATE,
        transient=Transient(step=step, stop=stop, max_step=step),
        save=where.vectors(),
    )
    edges_of = EdgeElements(
        before=(clamp_level(),) if clamps else (),
        groups=tuple(groups),
        after=wiring.rows,
        tails=wiring.tails,
        heads=wiring.heads,
        titles=network.edge_names,
    )
    corners = Corners.of(network.waveforms_of_sources, stop, closer=other_kind, clock=clock)
    return Lowered(frame, where, edges_of, corners)


def _check(form: str, signals: Sequence[str], stop: float, step: float) -> None:
    """Raise `DeckError` for words that are not known, `NetworkError` unless 0 < step <= stop, both finite."""
    for name in signals:
        if name not in SIGNALS:
            raise DeckError(f"signal {name!r} must be one of {', '.join(SIGNALS)}{nearest(str(name), SIGNALS)}")
    if form not in FORMS:
        raise DeckError(f"form {form!r} must be one of {', '.join(FORMS)}{nearest(str(form), FORMS)}")
    for name, value in (("stop", stop), ("step", step)):
        if not np.isfinite(value) or value <= 0:
            raise NetworkError(f"{name} time {value!r} s must be positive and finite")
    if step > stop:
        raise NetworkError(f"step {step!r} s must not exceed the stop time {stop!r} s")


def _header(network: Network, form: str, stop: float, step: float) -> list[str]:
    active, A = int((network.P < 0).sum()), network.loop_matrix
    size = f"{network.n_nodes} nodes," if A is None else f"loop matrix of {len(A)} loops and"
    lines = [
        f"memristive network: {size} {network.n_edges} edges" + (f", {active} active" if active else ""),
        f"{form} form; transient to {stop:g} s, step ceiling {step:g} s",
        "units: V, A, ohm, s; node w<k> is the dimensionless state of edge k, 1 V stands for 1",
    ]
    if network.reactive:
        lines.append("on a capacitor w<k> is its voltage, on an inductor its current, 1 V for 1 A")
    if form == "fast":
        lines.append("node y<k> is proportional to the current of edge k: GE<k> makes it flow tail -> head")
    return lines
