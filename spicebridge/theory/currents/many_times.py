"""Currents at many times at once, for networks with few loops: i = A^t (A P R A^t)^-1 A S, stacked over time."""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.theory.currents.topology import cycle_matrix

MOST_LOOPS = 40
"""Loops up to which stacked dense solves beat one sparse solve a time."""
CHUNK = 2_000_000
"""Numbers in one stack."""


def mesh_currents(network: Network, t: Array, state: Array) -> tuple[Array, Array] | None:
    """Currents (A) and drops (V), (n_t, n_e), that belong to states (n_t, n_e) at times t (n_t,) in s.

    None where the network has too many loops, or anything but v = P R(s) i, or where a matrix is singular.
    """
    if network.reactive or not all(group.device.ohmic for group in network.groups):
        return None
    if network.is_graph and network.n_edges - network.n_nodes >= MOST_LOOPS:
        return None
    A = cycle_matrix(network).toarray()
    n_loops = A.shape[0]
    if n_loops > MOST_LOOPS:
        return None
    R = np.empty_like(state)
    for group in network.groups:
        columns = state[:, group.edges]
        R[:, group.edges] = np.broadcast_to(group.resistive.resistance(columns), columns.shape)
    R *= network.P
    S = network.bank(t)
    current = np.zeros_like(state)
    rows = max(1, CHUNK // max(1, n_loops * network.n_edges))
    for start in range(0, t.size if n_loops else 0, rows):
        part = slice(start, start + rows)
        matrix = (A * R[part, None, :]) @ A.T
        try:
            mesh = np.linalg.solve(matrix, (S[part] @ A.T)[..., None])[..., 0]
        except np.linalg.LinAlgError:
            return None
        current[part] = mesh @ A
    return current, R * current
