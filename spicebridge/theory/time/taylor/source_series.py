"""Sources as power series between two breakpoints.

S(t + H x) = sum_k S_k x^k,      sine: S_k = A (w H)^k / k! sin(phi + k pi/2),      straight line: k <= 1
"""

from __future__ import annotations

import math

import numpy as np

from spicebridge.arrays import Array
from spicebridge.drives import DC, PWL, Pulse, Sine, terms
from spicebridge.network import Network

KNOWN = (DC, Sine, PWL, Pulse)
MOST_ORDER = 60
FACTORIAL = np.array([math.factorial(k) for k in range(MOST_ORDER + 1)], float)
SIGN = np.array([1.0, 1.0, -1.0, -1.0])


class SourceSeries:
    """The series sources of a network, expanded at one time after another. Raises `TypeError` for unknown waveforms."""

    def __init__(self, network: Network) -> None:
        for drive in network.waveforms_of_sources:
            if not all(type(term) in KNOWN for term in terms(drive)):
                raise TypeError(f"no power series of {drive!r}")
        self.bank = network.bank
        self.constant = self.bank.constant
        self._level = self.bank(0.0)
        self._sine = np.zeros((5, 0))
        self._edges = np.zeros(0, dtype=np.intp)
        self._lines = False
        self._table = self._level[None]
        if self.constant:
            return
        sines = [(k, term) for k, drive in enumerate(network.drives) for term in terms(drive) if type(term) is Sine]
        self._lines = any(type(term) in (PWL, Pulse) for drive in network.waveforms_of_sources for term in terms(drive))
        self._edges = np.array([k for k, _ in sines], dtype=np.intp)
        self._single = np.unique(self._edges).size == self._edges.size
        table = [(s.amplitude, 2.0 * math.pi * s.frequency, s.offset, s.phase, s.delay) for _, s in sines]
        self._sine = np.array(table, float).reshape(len(sines), 5).T

    def expand(self, t: float, barrier: float, length: float, order: int) -> None:
        """Expand at `t` in units of `length`, up to `order`; nothing but sines bends before `barrier` (all in s)."""
        if self.constant:
            return
        amplitude, omega, _, phase, delay = self._sine
        # A sine that has not begun rests until its delay, which is a breakpoint.
        begun = (t >= delay) & (barrier > delay)
        angle = omega * np.maximum(t - delay, 0.0) + phase
        wave = np.stack([amplitude * np.sin(angle), amplitude * np.cos(angle)])
        k = np.arange(order + 1)
        growth = (omega * length * begun) ** k[:, None] / FACTORIAL[: order + 1, None]
        terms = wave[k % 2] * growth * SIGN[k % 4, None]
        table = np.zeros((order + 1, self.bank.size))
        if self._single:
            table[:, self._edges] = terms
        else:
            np.add.at(table.T, self._edges, terms.T)
        table[0] = self.bank(t)
        if self._lines:
            sines = np.zeros((2, self.bank.size))
            end = amplitude * np.sin(omega * np.maximum(barrier - delay, 0.0) + phase)
            np.add.at(sines.T, self._edges, np.stack([wave[0], end]).T)
            rise = (self.bank(barrier) - sines[1]) - (table[0] - sines[0])
            table[1] += rise * (length / (barrier - t))
        self._table = table

    def coefficient(self, k: int) -> Array | None:
        """S_k in V, (n_e,); None where all are zero."""
        if self.constant:
            return self._level if k == 0 else None
        return self._table[k]  # type: ignore[no-any-return]
