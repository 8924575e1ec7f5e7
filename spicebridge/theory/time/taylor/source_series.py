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


class SourceSeries:
    """The series sources of a network, expanded at one time after another. Raises `TypeError` for unknown waveforms.

    Row k of ``table`` is S_k in V, (n_e,); the next expansion overwrites it. Constant sources have one row.
    """

    def __init__(self, network: Network) -> None:
        for drive in network.waveforms_of_sources:
            if not all(type(term) in KNOWN for term in terms(drive)):
                raise TypeError(f"no power series of {drive!r}")
        self.bank = network.bank
        self.constant = self.bank.constant
        self.table = self.bank(0.0)[None]
        if self.constant:
            return
        found = [(k, term) for k, drive in enumerate(network.drives) for term in terms(drive)]
        sines = [(k, term) for k, term in found if type(term) is Sine]
        self._lines = any(type(term) in (PWL, Pulse) for _, term in found)
        self._edges = np.array([k for k, _ in sines], dtype=np.intp)
        self._single = np.unique(self._edges).size == self._edges.size
        table = [(s.amplitude, 2.0 * math.pi * s.frequency, s.phase, s.delay) for _, s in sines]
        self._sine = np.array(table, float).reshape(len(sines), 4).T
        self._delayed = bool((self._sine[3] > 0.0).any())
        self._levels: dict[float, Array] = {}
        self._steady = np.zeros(self.bank.size)
        for k, term in found:
            self._steady[k] += term.level if type(term) is DC else term.offset if type(term) is Sine else 0.0

    def expand(self, t: float, barrier: float, length: float, order: int) -> None:
        """Expand at `t` in units of `length`, up to `order`; nothing but sines bends before `barrier` (all in s)."""
        if self.constant:
            return
        if len(self.table) != order + 1:
            self._make_room(order + 1)
        amplitude, omega, phase, delay = self._sine
        table, terms, wave = self.table, self._terms, self._wave
        angle = omega * (np.maximum(t - delay, 0.0) if self._delayed else t)
        angle += phase
        np.sin(angle, wave[0])
        np.cos(angle, wave[1])
        wave[:2] *= amplitude
        np.negative(wave[:2], wave[2:])
        # A sine that has not begun rests until its delay, which is a breakpoint.
        scale = omega * (length * ((t >= delay) & (barrier > delay)) if self._delayed else length)
        terms[0] = 1.0
        np.multiply(self._parts, scale, terms[1:])
        np.multiply.accumulate(terms, axis=0, out=terms)
        terms.reshape(len(terms) // 4, *wave.shape)[:] *= wave
        table[:2] = 0.0
        if self._single:
            table[:, self._edges] = terms[: order + 1]
        else:
            table[2:] = 0.0
            np.add.at(table.T, self._edges, terms[: order + 1].T)
        if not self._lines:
            table[0] += self._steady
            return
        sines = np.zeros((2, self.bank.size))
        end = amplitude * np.sin(omega * np.maximum(barrier - delay, 0.0) + phase)
        np.add.at(sines.T, self._edges, np.stack([wave[0], end]).T)
        table[0] = self._level(t)
        rise = (self._level(barrier) - sines[1]) - (table[0] - sines[0])
        table[1] += rise * (length / (barrier - t))

    def _level(self, t: float) -> Array:
        """All sources at t; where one segment ends the next one begins."""
        if t not in self._levels:
            self._levels = {**dict(list(self._levels.items())[-1:]), t: self.bank(t)}
        return self._levels[t]

    def _make_room(self, rows: int) -> None:
        n, turns = self._edges.size, -(-rows // 4)
        self.table, self._terms, self._wave = (
            np.zeros((rows, self.bank.size)),
            np.zeros((4 * turns, n)),
            np.zeros((4, n)),
        )
        self._parts = 1.0 / np.arange(1.0, 4.0 * turns)[:, None]

    def coefficient(self, k: int) -> Array | None:
        """S_k in V, (n_e,); None where all are zero."""
        if self.constant:
            return self.table[0] if k == 0 else None
        return self.table[k]  # type: ignore[no-any-return]
