"""The expansion of a small network, where calls of numpy are what a step costs: one matrix takes an order to the next.

    x_k = [s_k, r_k, S_k],     r_k = sum_(1<=j<=k) s_j i_(k-j),     [i_k, (k+1) s_(k+1)] = W x_k

With M from sources to currents and p = M slope:

    W = [ 0      -p                              M           ]
        [ H a    H (slope c - (b + c q_0) p)     H (b + c q_0) M ]
"""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array
from spicebridge.theory.currents.solver import Operator
from spicebridge.theory.time.taylor.affine_law import AffineLaw
from spicebridge.theory.time.taylor.expansion import EPSILON, LAST, Expansion, Room
from spicebridge.theory.time.taylor.source_series import SourceSeries

MOST_EDGES = 64
"""Networks of more edges take one operation after the other: their numbers cost more than the calls."""


class DenseRoom(Room):
    """The room of a small network: row k holds i_(k-1), s_k, r_k, S_k."""

    def __init__(self, n: int, order: int) -> None:
        rows = np.zeros((order + 1, 4 * n))
        before, self.s, r, self.S = (rows[:, m * n : (m + 1) * n] for m in range(4))
        self.i, self.r, self.W = before[1:], r[:-1], np.zeros((2 * n, 3 * n))
        self.steps = [
            (
                self.s[1 : k + 1].T[:, None, :],
                before[k:0:-1].T[:, :, None],
                r[k][:, None, None],
                rows[k, n:],
                rows[k + 1, : 2 * n],
                self.s[k + 1],
                np.array(1.0 / (k + 1)),
            )
            for k in range(order)
        ]


class DenseExpansion(Expansion):
    """All orders that `room` has at once."""

    def __init__(
        self,
        law: AffineLaw,
        sources: SourceSeries,
        solve: Operator,
        resistance: Array,
        start: Array,
        length: float,
        room: DenseRoom,
    ) -> None:
        super().__init__(law, sources, solve, resistance, start, length, room)
        self.dense = room
        n, W, M = resistance.size, room.W, solve.matrix
        np.multiply(M, -law.slope, out=W[:n, n : 2 * n])
        W[:n, 2 * n :] = M
        gain = law.b if law.c is None else law.b + law.c * resistance
        np.multiply(W[:n, n:], (length * gain)[:, None], out=W[n:, n:])
        along = np.arange(n)
        W[n + along, along] = length * law.a
        if law.c is not None:
            W[n + along, n + along] += length * law.c * law.slope
        if not sources.constant:
            room.S[:-1] = sources.table[:-1]
        else:
            room.S[0] = sources.table[0]

    def rate(self) -> Array:
        k = self.order
        self._advance(k, k + 1)
        coefficient = self._s[k + 1]
        f: Array = coefficient * (k + 1.0)
        if self._free is not None:
            coefficient *= self._free
        return f

    def fill(self, tolerance: Array) -> list[float]:
        n, order, free = self.resistance.size, len(self._i), self._free
        if free is not None:
            self.dense.W[n:] *= free[:, None]
        self._advance(self.order, order)
        last, law = np.abs(self._s[-LAST:]), self.law
        parts = self.length / np.arange(order - LAST + 1.0, order + 1.0)[:, None]
        if free is not None:
            held = np.flatnonzero(free == 0.0)
            last[:, held] = np.abs(self.held_rates(held)[-LAST:]) * (parts / self.length)
        if law.c is not None:
            np.maximum(last, np.abs(law.c * law.slope * self.dense.r[-LAST:]) * (EPSILON * parts), out=last)
        last /= tolerance
        return [float(size) for size in last.max(axis=1)]

    def _advance(self, start: int, stop: int) -> None:
        W = self.dense.W
        for s, i, r, x, y, coefficient, part in self.dense.steps[start:stop]:
            np.matmul(s, i, r)
            W.dot(x, y)
            np.multiply(coefficient, part, coefficient)
        self.order = stop
