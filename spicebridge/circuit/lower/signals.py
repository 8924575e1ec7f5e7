"""Which simulator vectors carry the signals of which edge, and how to read them back.

Every signal is a known linear combination of at most two vectors, plus the edge's own source:
state = v(w), current = c vec, voltage = vec - vec (+ S).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.waveforms import SIGNALS, Waveforms


class SavedSignals(NamedTuple):
    """Vector names of some edges, one entry an edge; "" where there is none.

    current = `current_scale` times the vector `current`; voltage = `plus` - `minus`, and the source is
    added where `aided` is True (the two nodes then stand outside the source).
    """

    state: Sequence[str]
    current: Sequence[str]
    plus: Sequence[str]
    minus: Sequence[str]
    current_scale: Sequence[float]
    aided: bool


def potential(node: str) -> str:
    """The vector of a node, none for ground."""
    return "" if node == "0" else f"v({node})"


class Signals:
    """The map of a whole network, filled in `lower`.

    ``wanted`` are the signals that are saved and read back; the others are NaN, which costs no memory.
    """

    def __init__(self, network: Network, wanted: Sequence[str] = tuple(SIGNALS)) -> None:
        self.network = network
        self.wanted = frozenset(wanted)
        n_e = network.n_edges
        self._names: list[tuple[str, str, str, str]] = [("", "", "", "")] * n_e
        self._scale = np.zeros(n_e)
        self._aided = np.zeros(n_e, dtype=bool)
        self._walls: tuple[Array, Array] | None = None

    def add(self, edges: Sequence[int], signals: SavedSignals) -> None:
        """Say where the signals of some edges come back."""
        none = [""] * len(edges)
        state = signals.state if "state" in self.wanted else none
        current = signals.current if "current" in self.wanted else none
        plus, minus = (signals.plus, signals.minus) if "voltage" in self.wanted else (none, none)
        names = zip(state, current, plus, minus, strict=True)
        for k, row in zip(edges, names, strict=True):
            self._names[k] = row
        self._scale[edges] = signals.current_scale
        self._aided[edges] = signals.aided

    def reduce(self, low: Array, span: Array) -> None:
        """Say that the states of a deck run from `low` over `span`, (n_e,), where ours run from 0 to 1."""
        if (low != 0.0).any() or (span != 1.0).any():
            self._walls = low, span

    @cached_property
    def _vectors(self) -> tuple[str, ...]:
        names = dict.fromkeys(chain.from_iterable(self._names))
        names.pop("", None)
        return tuple(names)

    def vectors(self) -> tuple[str, ...]:
        """Every vector needed, once, in a fixed order; call it when every edge has been added."""
        return self._vectors

    @cached_property
    def _columns(self) -> NDArray[np.intp]:
        """Columns of state, current, plus and minus, (4, n_e); -1 where there is none."""
        column = {name: position for position, name in enumerate(self._vectors)}
        column[""] = -1
        flat = list(map(column.__getitem__, chain.from_iterable(self._names)))
        return np.array(flat, dtype=np.intp).reshape(-1, 4).T

    def waveforms(self, t: Array, data: Array, source: str, run: object = None) -> Waveforms:
        """Read (n_t, n_vectors) data in the order of `vectors` back into signals of edges."""
        index, aided = self._columns, self._aided

        def pick(row: int) -> Array:
            columns = index[row]
            out: Array = data.take(columns, axis=1, mode="wrap")
            if (columns < 0).any():
                out[:, columns < 0] = 0.0
            return out

        absent = np.broadcast_to(np.nan, (t.size, index.shape[1]))
        state = pick(0) if "state" in self.wanted else absent
        if self._walls is not None:
            state = (state - self._walls[0]) / self._walls[1]
        current = voltage = absent
        if "current" in self.wanted:
            current = pick(1)
            current *= self._scale
        if "voltage" in self.wanted:
            voltage = pick(2)
            voltage -= pick(3)
            if aided.all():
                voltage += self.network.bank(t)
            elif aided.any():
                voltage[:, aided] += self.network.bank(t)[:, aided]
        return Waveforms(
            np.asarray(t, float),
            state,
            current,
            voltage,
            labels=self.network.edge_labels,
            source=source,
            run=run,
            units=self.network.state_units,
        )
