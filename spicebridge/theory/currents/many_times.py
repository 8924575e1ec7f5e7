"""Currents at many times at once, for small networks: stacked over time are

(A P R A^t) j = A S,     i = A^t j                 where loops are fewer than free nodes
(B G B^t) p = B G S,     i = G (S - B^t p)         elsewhere, G = 1 / (P R)
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology

MOST_UNKNOWNS = 40
"""Unknowns up to which stacked dense solves beat one sparse solve a time."""
CHUNK = 2_000_000
"""Numbers in one stack."""


def stacked_currents(network: Network, t: Array, state: Array) -> tuple[Array, Array] | None:
    """Currents (A) and drops (V), (n_t, n_e), that belong to states (n_t, n_e) at times t (n_t,) in s.

    None where the network has too many unknowns, or anything but v = P R(s) i, or where a matrix is singular.
    """
    if network.reactive or not all(group.device.ohmic for group in network.groups):
        return None
    topology = Topology.of(network)
    free = topology.n_free if topology.is_graph else 0
    by_nodes = 0 < free < topology.n_loops
    unknowns = free if by_nodes else topology.n_loops
    if unknowns > MOST_UNKNOWNS:
        return None
    R = network.P * network.resistance(state)
    S, current = network.bank(t), np.zeros_like(state)
    rows = max(1, CHUNK // max(1, unknowns * network.n_edges))
    parts = [slice(start, start + rows) for start in range(0, t.size if unknowns else 0, rows)]
    try:
        if by_nodes:
            B = topology.cuts.toarray()
            # Every edge adds to four places of the matrix.
            pairs = sp.csr_array((B[:, None] * B).reshape(-1, network.n_edges))
            for part in parts:
                G = 1.0 / R[part]
                matrix = (pairs @ G.T).T.reshape(-1, unknowns, unknowns)
                p = np.linalg.solve(matrix, ((G * S[part]) @ B.T)[..., None])[..., 0]
                current[part] = G * (S[part] - p @ B)
            current[:, topology.bridges] = 0.0
        else:
            A = topology.A.toarray()
            for part in parts:
                matrix = (A * R[part, None, :]) @ A.T
                current[part] = np.linalg.solve(matrix, (S[part] @ A.T)[..., None])[..., 0] @ A
    except np.linalg.LinAlgError:
        return None
    return current, R * current
