"""The laws of all edges as functions of their states, currents and drops: P R(s) and ds/dt, no per-edge Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spicebridge.arrays import Array, BoolArray, IntArray
from spicebridge.laws.base import Device, Group
from spicebridge.network import Network
from spicebridge.theory.keeping import kept
from spicebridge.windows import NoWindow

Kernel = Callable[[Array, Array, Array], Array]


class EdgeLaws:
    """Laws over the last axis (n,) of their arguments; `groups` cover n edges with signs `P` and polarities `J` (n,).

    ``hard`` (n,) marks edges whose bounds are projected: for these `rate` is the bulk rate f. ``affine`` is R = level +
    slope s in ohm, without sign, (n,) each, or None where a law is another one.
    """

    def __init__(self, groups: Sequence[Group], P: Array, J: Array) -> None:
        self.hard: BoolArray = np.zeros(P.size, dtype=bool)
        self._rates: list[tuple[slice | IntArray, Kernel]] = []
        for group in groups:
            if group.device.stateful:
                edges = group.edges
                self.hard[edges] = group.device.window.hard
                whole = slice(None) if edges.size == P.size else edges
                self._rates.append((whole, rate_kernel(group.device, P[edges], J[edges])))
        self.hard.setflags(write=False)
        self.affine = _level_and_slope(groups, P.size)
        self.resistance = _signed_resistance(groups, P, self.affine)

    @staticmethod
    @kept
    def of(network: Network) -> EdgeLaws:
        """The laws of a network; kept while it lives."""
        return EdgeLaws(network.groups, network.P, network.J)

    def rate(self, state: Array, current: Array, voltage: Array) -> Array:
        """ds/dt in 1/s; memoryless edges 0, hard edges their bulk rate."""
        if len(self._rates) == 1 and isinstance(self._rates[0][0], slice):
            return self._rates[0][1](state, voltage, current)
        out = np.zeros(state.shape)
        for edges, kernel in self._rates:
            out[..., edges] = kernel(state[..., edges], voltage[..., edges], current[..., edges])
        return out


def _level_and_slope(groups: Sequence[Group], n: int) -> tuple[Array, Array] | None:
    level, slope = np.zeros(n), np.zeros(n)
    for group in groups:
        affine = group.device.affine()
        if affine is None:
            return None
        level[group.edges], slope[group.edges] = affine
    return level, slope


def _signed_resistance(
    groups: Sequence[Group], P: Array, affine: tuple[Array, Array] | None
) -> Callable[[Array], Array]:
    """P R(s) in ohm, with constants folded in where R is affine."""

    def general(state: Array) -> Array:
        out = np.empty(state.shape)
        for group in groups:
            out[..., group.edges] = group.resistive.resistance(state[..., group.edges])
        return P * out

    if affine is None:
        return general
    level, slope = affine[0] * P, affine[1] * P

    def folded(state: Array) -> Array:
        signed = slope * state
        signed += level
        return signed

    return folded


def rate_kernel(device: Device, P: Array, J: Array) -> Kernel:
    """(s, v, i) -> ds/dt for one group, with constants folded in."""
    linear = device.linear_rate(P, J)
    if linear is not None and not (linear[1].any() and linear[2].any()):
        a, by_i, by_v = linear
        window, by_current = device.window, bool(by_i.any())
        gain = by_i if by_current else by_v
        if window.hard or isinstance(window, NoWindow):
            return lambda s, v, i: a * s + gain * (i if by_current else v)
        return lambda s, v, i: window.rate(s, a * s, gain * (i if by_current else v))
    law = device.bulk_rate if device.window.hard else device.rate
    return lambda s, v, i: np.asarray(law(s, v, i, P, J))
