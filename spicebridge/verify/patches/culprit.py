"""Which edge of a circuit that disagrees breaks its own law.

An error of one edge moves its neighbours, and near a held border moves them more than itself. But they obey their laws:

    v - P R(s) i = 0,      s(t) - s(0) - int F(s, v, i) dt = 0

with the signals of the circuit itself, up to what the same sums give for the theory.
"""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array
from spicebridge.laws.base import OhmicDevice
from spicebridge.network import Network
from spicebridge.verify.verdict import Verdict
from spicebridge.waveforms import Waveforms


def culprit(network: Network, verdict: Verdict) -> int | None:
    """Edge (index) of the largest breach of a law, in parts of the signals; None where none exceeds the uncertainty."""
    if verdict.spice is None or verdict.theory is None:
        return None
    ours, theirs = _breaches(network, verdict.theory), _breaches(network, verdict.spice)
    breach = np.zeros(network.n_edges)
    for mine, other, name in zip(ours, theirs, ("voltage", "state"), strict=True):
        scale = verdict.signals[name].scale if name in verdict.signals else 1.0
        breach = np.maximum(breach, np.abs(other - mine).max(axis=0) / scale)
    worst = int(breach.argmax())
    return worst if breach[worst] > verdict.uncertainty else None


def _breaches(network: Network, waves: Waveforms) -> tuple[Array, Array]:
    """Both sums (n_t, n_e), zero for edges that are not v = P R(s) i or have no state."""
    shape = waves.state.shape
    ohm, rate = np.zeros(shape), np.zeros(shape)
    for group in network.groups:
        device, edges = group.device, group.edges
        s, i, v = waves.state[:, edges], waves.current[:, edges], waves.voltage[:, edges]
        P, J = network.P[edges], network.J[edges]
        if device.ohmic and isinstance(device, OhmicDevice):
            ohm[:, edges] = v - P * device.resistance(s) * i
        if device.stateful:
            rate[:, edges] = device.rate(s, v, i, P, J)
    step = np.diff(waves.t)[:, None]
    moved = np.concatenate([np.zeros((1, shape[1])), np.cumsum(0.5 * step * (rate[1:] + rate[:-1]), axis=0)])
    return ohm, np.where(network.stateful, waves.state - waves.state[0] - moved, 0.0)
