"""Conservation laws measured on waveforms, whichever branch they come from.

    KCL        B i = 0                      (graph)      i in range A^t   (loop matrix)
    KVL        A (v - S) = 0
    device     v - P R(s) i = 0
    Tellegen   sum_k i_k (v_k - S_k) = 0    power delivered = power dissipated

Each residual is the largest over time, relative to the largest term of its own sum (currents: or to what
the largest source drives through the least resistance, whichever is more).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.laws.base import imposes
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

MOST_LOOPS = 4000
"""Loops above which KVL is checked on the first so many, to bound memory."""


@dataclass(frozen=True, kw_only=True)
class Invariants:
    """Relative residuals, and the range that the states covered."""

    kcl: float
    kvl: float
    device: float
    tellegen: float
    lowest_state: float
    highest_state: float

    def as_dict(self) -> dict[str, float]:
        return dict(self.__dict__)


def measure(network: Network, waves: Waveforms) -> Invariants:
    """Return the residuals of `waves` as signals of `network`."""
    S = network.bank(waves.t)
    drop = waves.voltage - S
    i = waves.current
    top_i, top_S = float(np.abs(i).max(initial=0.0)), float(np.abs(S).max(initial=0.0))
    V = max(float(np.abs(waves.voltage).max(initial=0.0)), top_S)
    # A source can drive at most this current; it keeps the residuals of a tree, where i = 0, meaningful.
    short = top_S / _least_resistance(network, waves)
    kcl, kvl = _kirchhoff(network, i, drop)
    power = float(np.abs((i * drop).sum(axis=1)).max(initial=0.0))
    flow = max(float(np.abs(i * S).sum(axis=1).max(initial=0.0)), top_S * short)
    states = waves.state[:, network.stateful]
    return Invariants(
        kcl=_ratio(kcl, max(top_i, short)),
        kvl=_ratio(kvl, V),
        device=_device(network, waves, V),
        tellegen=_ratio(power, flow),
        lowest_state=float(states.min()) if states.size else 0.0,
        highest_state=float(states.max()) if states.size else 0.0,
    )


def _least_resistance(network: Network, waves: Waveforms) -> float:
    least = np.inf
    for group in network.groups:
        if group.device.ohmic:
            R = np.abs(group.resistive.resistance(waves.state[:, group.edges]))
            least = min(least, float(R[R > 0].min(initial=np.inf)))
    return least


def _ratio(residual: float, scale: float) -> float:
    return residual / scale if scale > 0.0 else residual


def _kirchhoff(network: Network, i: Array, drop: Array) -> tuple[float, float]:
    if not network.is_graph:
        A = np.asarray(network.loop_matrix)
        coordinates = np.linalg.lstsq(A.T, i.T, rcond=None)[0]
        outside = i.T - A.T @ coordinates
        return float(np.abs(outside).max(initial=0.0)), float(np.abs(A @ drop.T).max(initial=0.0))
    from spicebridge.theory.currents.topology import Topology

    topology = Topology.of(network)
    loops = topology.A[:MOST_LOOPS]
    kcl = np.abs(topology.B @ i.T).max(initial=0.0)
    kvl = np.abs(loops @ drop.T).max(initial=0.0) if loops.shape[0] else 0.0
    return float(kcl), float(kvl)


def _device(network: Network, waves: Waveforms, scale: float) -> float:
    largest = 0.0
    for group in network.groups:
        if imposes(group.device):
            continue
        s, v = waves.state[:, group.edges], waves.voltage[:, group.edges]
        i = waves.current[:, group.edges]
        J = network.J[group.edges]
        if group.device.ohmic:
            gap = v - network.P[group.edges] * group.resistive.resistance(s) * i
            largest = max(largest, _ratio(float(np.abs(gap).max(initial=0.0)), scale))
        else:
            current = J * group.conductive.current(J * v, s)
            gap = i - current
            top = float(np.abs(i).max(initial=0.0))
            largest = max(largest, _ratio(float(np.abs(gap).max(initial=0.0)), top))
    return largest
