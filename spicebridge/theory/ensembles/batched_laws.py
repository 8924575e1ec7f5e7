"""The device laws of many trajectories at once: P R(s), ds/dt and which bounds are hard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.laws.base import Group, OhmicDevice
from spicebridge.network import Network
from spicebridge.theory.time.dynamics import rate_kernel

Resistance = Callable[[Array], Array]


class BatchedLaws:
    """BatchedLaws over states (runs, n_e).

    `groups` as `Members.groups` gives them; `flattened` says that their parameters run over (runs, edges).
    ``hard`` (n_e,) marks projected bounds, ``free_resistance`` (n_e,) edges that nothing keeps from R <= 0.
    """

    def __init__(self, network: Network, groups: tuple[Group, ...], *, flattened: bool, runs: int) -> None:
        n_e = network.n_edges
        self.n_edges = n_e
        self.P = network.P
        self.hard = np.zeros(n_e, dtype=bool)
        self.free_resistance = np.zeros(n_e, dtype=bool)
        self._flattened = flattened
        self._parts: list[tuple[Any, Callable[[Array], Array], Any]] = []
        for group in groups:
            edges: slice | IntArray = slice(None) if group.edges.size == n_e else group.edges
            P, J = network.P[group.edges], network.J[group.edges]
            if flattened:
                P, J = np.tile(P, runs), np.tile(J, runs)
            kernel = rate_kernel(group.device, P, J) if group.device.stateful else None
            self._parts.append((edges, _signed_resistance(group.resistive, P), kernel))
            if group.device.stateful:
                self.hard[group.edges] = group.device.window.hard
                self.free_resistance[group.edges] = not group.device.window.hard

    def resistance(self, state: Array) -> Array:
        """P R in ohm, (runs, n_e)."""
        if len(self._parts) == 1:
            return self._one(self._parts[0][1], state)
        out = np.empty(state.shape)
        for edges, law, _ in self._parts:
            out[:, edges] = self._one(law, state[:, edges])
        return out

    def rate(self, state: Array, current: Array, voltage: Array) -> Array:
        """ds/dt in 1/s, (runs, n_e); memoryless edges 0, hard edges their bulk rate f."""
        if len(self._parts) == 1 and self._parts[0][2] is not None:
            return self._one(self._parts[0][2], state, voltage, current)
        out = np.zeros(state.shape)
        for edges, _, kernel in self._parts:
            if kernel is not None:
                out[:, edges] = self._one(kernel, state[:, edges], voltage[:, edges], current[:, edges])
        return out

    def _one(self, law: Callable[..., Array], *signals: Array) -> Array:
        if not self._flattened:
            return np.asarray(law(*signals))
        shape = signals[0].shape
        return np.asarray(law(*(signal.ravel() for signal in signals))).reshape(shape)


def _signed_resistance(device: OhmicDevice, P: Array) -> Resistance:
    found = device.affine()
    if found is None:
        return lambda state: np.asarray(P * device.resistance(state))
    level, slope = P * found[0], P * found[1]

    def affine(state: Array) -> Array:
        signed = slope * state
        signed += level
        return signed

    return affine
