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
        if self.constant:
            return
        sines = [(k, term) for k, drive in enumerate(network.drives) for term in terms(drive) if type(term) is Sine]
        self._lines = any(type(term) in (PWL, Pulse) for drive in network.waveforms_of_sources for term in terms(drive))
        self._edges = np.array([k for k, _ in sines], dtype=np.intp)
        table = [(s.amplitude, 2.0 * math.pi * s.frequency, s.offset, s.phase, s.delay) for _, s in sines]
        self._sine = np.array(table, float).reshape(len(sines), 5).T

    def expand(self, t: float, barrier: float, length: float) -> None:
        """Expand at `t` in units of `length`; nothing but sines bends before `barrier` (all in s)."""
        if self.constant:
            return
        self._level = self.bank(t)
        amplitude, omega, _, phase, delay = self._sine
        # A sine that has not begun rests until its delay, which is a breakpoint.
        begun = (t >= delay) & (barrier > delay)
        angle = omega * np.maximum(t - delay, 0.0) + phase
        self._waves = amplitude * np.sin(angle) * begun, amplitude * np.cos(angle) * begun
        self._speed = omega * length
        if self._lines:
            whole = np.zeros(self.bank.size)
            settled = np.zeros(self.bank.size)
            np.add.at(whole, self._edges, amplitude * np.sin(omega * np.maximum(barrier - delay, 0.0) + phase))
            np.add.at(settled, self._edges, amplitude * np.sin(angle))
            rise = (self.bank(barrier) - whole) - (self._level - settled)
            self._slope = rise * (length / (barrier - t))

    def coefficient(self, k: int) -> Array | None:
        """S_k in V, (n_e,); None where all are zero."""
        if k == 0:
            return self._level
        if self.constant or (k > 1 and not self._edges.size):
            return None
        out = self._slope.copy() if self._lines and k == 1 else np.zeros(self.bank.size)
        if self._edges.size:
            wave = self._waves[k % 2] * (-1.0 if k % 4 >= 2 else 1.0)
            np.add.at(out, self._edges, wave * (self._speed**k / math.factorial(k)))
        return out
