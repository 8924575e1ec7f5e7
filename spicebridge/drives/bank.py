"""All sources of a network as one function of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.drives.waves import DC, Drive, Sine, terms


class DriveBank:
    """All drives of a network, evaluated together.

    ``bank(t)`` is (n_e,) in V for a scalar t and (n_t, n_e) for an array; edges without a drive
    have 0. Constant and sine terms are vectorised over edges, other waveforms over equal drives. An edge
    may carry one term twice, hence the unbuffered additions.
    """

    def __init__(self, drives: Sequence[Drive | None]) -> None:
        self.size = len(drives)
        self._dc = np.zeros(self.size)
        sine: list[tuple[int, Sine]] = []
        other: dict[Drive, list[int]] = {}
        for k, drive in enumerate(drives):
            for term in terms(drive):
                if isinstance(term, DC):
                    self._dc[k] += term.level
                elif isinstance(term, Sine):
                    sine.append((k, term))
                else:
                    other.setdefault(term, []).append(k)
        self._sine_edges = np.array([k for k, _ in sine], dtype=np.intp)
        table = [(s.amplitude, s.frequency, s.offset, s.phase, s.delay) for _, s in sine]
        self._sine = np.array(table, float).reshape(len(sine), 5).T
        self._other = [(drive, np.array(edges)) for drive, edges in other.items()]
        self.constant = not sine and not other

    def __call__(self, t: ArrayLike) -> Array:
        t = np.asarray(t, float)
        out = np.zeros((*t.shape, self.size))
        out += self._dc
        if self._sine_edges.size:
            amplitude, frequency, offset, phase, delay = self._sine
            running = np.maximum(t[..., None] - delay, 0.0)
            wave = offset + amplitude * np.sin(2.0 * np.pi * frequency * running + phase)
            np.add.at(out.T, self._sine_edges, wave.T)
        for drive, edges in self._other:
            np.add.at(out.T, edges, drive.value(t).T)
        return out

    def integral(self, t: ArrayLike) -> Array:
        """Exact integral from 0 to t, V s, shaped like ``bank(t)``."""
        t = np.asarray(t, float)
        out = t[..., None] * self._dc
        columns = zip(self._sine_edges.tolist(), self._sine.T.tolist(), strict=True)
        for k, (amplitude, frequency, offset, phase, delay) in columns:
            out[..., k] += Sine(amplitude, frequency, offset, phase, delay).integral(t)
        for drive, edges in self._other:
            np.add.at(out.T, edges, drive.integral(t).T)
        return out
