"""Which simulator vectors carry the signals of which edge, and how to read them back.

Every signal is a known linear combination of at most two vectors, plus the edge's own source:
state = v(w), current = c vec, voltage = vec - vec (+ S).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EdgeSignals:
    """Vector names of one edge; "" where there is none.

    current = `current_scale` times the vector `current`; voltage = `plus` - `minus`, and the source is
    added where `aided` is True (the two nodes then stand outside the source).
    """

    state: str
    current: str
    current_scale: float
    plus: str
    minus: str
    aided: bool


class Signals:
    """The map of a whole network, filled edge by edge in `lower`."""

    def __init__(self, network: Network, edges: list[EdgeSignals | None]) -> None:
        self.network = network
        self.edges = edges

    @classmethod
    def empty(cls, network: Network) -> Signals:
        return cls(network, [None] * network.n_edges)

    def add(self, k: int, signals: EdgeSignals) -> None:
        self.edges[k] = signals

    def vectors(self) -> tuple[str, ...]:
        """Every vector needed, once, in a fixed order."""
        names: dict[str, None] = {}
        for edge in self.edges:
            assert edge is not None
            for name in (edge.state, edge.current, edge.plus, edge.minus):
                if name:
                    names[name] = None
        return tuple(names)

    def waveforms(self, t: Array, data: Array, source: str, run: Any = None) -> Waveforms:
        """Read (n_t, n_vectors) data in the order of `vectors` back into signals of edges."""
        column = {name: position for position, name in enumerate(self.vectors())}
        n_e = self.network.n_edges
        blank = len(column)
        index = np.full((4, n_e), blank)
        scale = np.zeros(n_e)
        aided = np.zeros(n_e, dtype=bool)
        for k, edge in enumerate(self.edges):
            assert edge is not None
            names = (edge.state, edge.current, edge.plus, edge.minus)
            index[:, k] = [column.get(name, blank) for name in names]
            scale[k] = edge.current_scale
            aided[k] = edge.aided

        def pick(row: int) -> Array:
            out = np.zeros((t.size, n_e))
            there = index[row] != blank
            out[:, there] = data[:, index[row][there]]
            return out

        voltage = pick(2) - pick(3)
        if aided.any():
            voltage[:, aided] += self.network.bank(t)[:, aided]
        return Waveforms(
            np.asarray(t, float), pick(0), pick(1) * scale, voltage, self.network.edge_labels, source, run
        )
