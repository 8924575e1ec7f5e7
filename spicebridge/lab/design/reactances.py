"""Capacitors and inductors over one implicit stage of length h: resistors with sources, so that Kirchhoff's laws stay
resistive.

capacitor   C dv/dt = i     v = v0 + (h/C) i       resistance h/C, source -v0
inductor    L di/dt = v     v = (L/h)(i - i0)      resistance L/h, source (L/h) i0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.laws import Capacitor, Inductor
from spicebridge.network import Network

QUANTITIES = {"": "resistance", "voltage": "capacitance", "current": "inductance"}
"""By what a device imposes."""
AT_ONCE = 1e-6
"""Part of a step after which the currents of an instant are taken: those of capacitors in loops follow from rates."""


def conducting(network: Network) -> NDArray[np.bool_]:
    """(n_e,) edges with a resistance R(s)."""
    return np.array([not what for what in network.imposed], dtype=bool)


def memristive(network: Network) -> NDArray[np.bool_]:
    """(n_e,) edges whose resistance has a state."""
    return np.asarray(network.stateful & conducting(network))


def resistances(network: Network, state: Array) -> Array:
    """R(s) in ohm for states (..., n_e), without the sign P; 1 on capacitors and inductors."""
    s = np.asarray(state, float)
    out = np.ones_like(s)
    for group in network.groups:
        if group.device.ohmic:
            out[..., group.edges] = group.resistive.resistance(s[..., group.edges])
    return out


def amount(network: Network, k: int) -> float:
    """C in F or L in H of edge k."""
    device = network.device(k)
    assert isinstance(device, (Capacitor, Inductor))
    return float(device.c if isinstance(device, Capacitor) else device.l)


def quantity(network: Network, k: int) -> str:
    """What edge k has: a resistance, capacitance or inductance."""
    return QUANTITIES[network.imposed[k]]


def ringing(network: Network) -> float:
    """sqrt(L C) in s of the smallest of both; infinite where one is missing."""
    least = {"voltage": np.inf, "current": np.inf}
    for k, what in enumerate(network.imposed):
        if what:
            least[what] = min(least[what], amount(network, k))
    return float(np.sqrt(least["voltage"] * least["current"]))


class Reactances:
    """Those of a network, `off` (n_b, n_e) by relative errors of C and L."""

    def __init__(self, network: Network, off: Array) -> None:
        imposed = np.array(network.imposed)
        self.capacitors, self.inductors = imposed == "voltage", imposed == "current"
        self.edges = self.capacitors | self.inductors
        values = np.array([amount(network, k) if self.edges[k] else 1.0 for k in range(network.n_edges)])
        self.values = values * (1.0 + np.where(self.edges, off, 0.0))

    @property
    def none(self) -> bool:
        return not self.edges.any()

    def stage(self, R: Array, S: Array, past: Array, h: float) -> tuple[Array, Array]:
        """(ohm, V): resistances and sources (n_b, n_e) of a stage of `h` s from the states `past`."""
        if self.none:
            return R, S
        R = np.where(self.capacitors, h / self.values, np.where(self.inductors, self.values / h, R))
        return R, S - np.where(self.capacitors, past, 0.0) + np.where(self.inductors, R * past, 0.0)

    def settle(self, R: Array, i: Array, past: Array) -> tuple[Array, Array]:
        """(states, drops) at the end of a stage in which the currents `i` flowed; states of other edges as they
        were."""
        drop = R * i
        if self.none:
            return past, drop
        state = np.where(self.capacitors, past + drop, np.where(self.inductors, i, past))
        return state, np.where(self.capacitors, state, np.where(self.inductors, R * (i - past), drop))
