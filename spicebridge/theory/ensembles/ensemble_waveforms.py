"""The result of an ensemble: signals of every trajectory, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.errors import RunFailed
from spicebridge.shown import brief
from spicebridge.waveforms import Waveforms


@dataclass(frozen=True, eq=False, kw_only=True)
class EnsembleWaveforms:
    """Signals (n_traj, n_t, n_e) on ``t`` (n_t,) in s, in the edge order of the network.

    ``state`` is dimensionless; ``current`` in A (tail to head) and ``voltage`` in V (the drop P R i) are None
    unless they were asked for. ``reasons`` says for every trajectory why it ended before t[-1], "" where it did not;
    ``stop`` (n_traj,) is the time reached in s, and signals after it are NaN. ``rhs_count`` (n_traj,) counts
    right-hand sides; ``form`` is "loop", "cut", or "one by one" for networks that gain nothing from company.
    ``half_step`` (pilots, n_t, n_e) is how the first trajectories differ from the same with half the step, None where
    every trajectory kept its own error.
    """

    t: Array
    state: Array
    current: Array | None
    voltage: Array | None
    stop: Array
    reasons: tuple[str, ...]
    rhs_count: NDArray[np.intp]
    form: str
    labels: tuple[str, ...] = field(default=(), repr=False)
    half_step: Array | None = field(default=None, repr=False)

    __repr__ = brief

    @property
    def bias(self) -> tuple[Array, Array]:
        """(of the mean state, its standard error), (n_t,) each: what halving the step changes, on the pilots.

        Steps at walls are of second order, so that the whole bias is 4/3 of the change. Zero where every trajectory
        kept its own error.
        """
        if self.half_step is None:
            return np.zeros(self.t.size), np.zeros(self.t.size)
        change = 4.0 / 3.0 * self.half_step.mean(axis=2)
        return change.mean(axis=0), change.std(axis=0, ddof=1 if len(change) > 1 else 0) / np.sqrt(len(change))

    def strayed(self, distance: float = 0.1) -> float:
        """Part of the pilots of which a state is farther than `distance` from that with half the step at t[-1]: they
        took another way, as trajectories near a border between two do."""
        if self.half_step is None:
            return 0.0
        return float((np.abs(self.half_step[:, -1]).max(axis=1) > distance).mean())

    def __len__(self) -> int:
        return int(self.state.shape[0])

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(n_traj,) True where t[-1] was reached."""
        return np.array([not reason for reason in self.reasons])

    @property
    def failed(self) -> dict[int, str]:
        """The trajectories that ended early, with their reasons."""
        return {k: reason for k, reason in enumerate(self.reasons) if reason}

    def __getitem__(self, k: int) -> Waveforms:
        """One trajectory as `Waveforms`; signals that were not asked for are NaN.

        Raises `RunFailed` for one that ended early, `IndexError` for one that there is not.
        """
        k = range(len(self))[k]
        if self.reasons[k]:
            raise RunFailed(f"trajectory {k}: {self.reasons[k]}")
        missing = np.full(self.state.shape[1:], np.nan)
        current = missing if self.current is None else self.current[k]
        voltage = missing if self.voltage is None else self.voltage[k]
        source = f"theory, ensemble ({self.form})"
        return Waveforms(self.t, self.state[k], current, voltage, labels=self.labels, source=source)
