"""The result of an ensemble: signals of every trajectory, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.errors import RunFailed
from spicebridge.waveforms import Waveforms


@dataclass(frozen=True, eq=False)
class EnsembleWaveforms:
    """Signals (n_traj, n_t, n_e) on ``t`` (n_t,) in s, in the edge order of the network.

    ``state`` is dimensionless; ``current`` in A (tail to head) and ``voltage`` in V (the drop P R i) are None
    unless they were asked for. ``reasons`` says for every trajectory why it ended before t[-1], "" where it did not;
    ``stop`` (n_traj,) is the time reached in s, and signals after it are NaN. ``rhs_count`` (n_traj,) counts
    right-hand sides; ``form`` is "loop", "cut", or "one by one" for networks that gain nothing from company.
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
        return Waveforms(self.t, self.state[k], current, voltage, self.labels, f"theory, ensemble ({self.form})")
