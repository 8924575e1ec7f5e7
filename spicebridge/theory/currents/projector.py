"""The papers' own equation, dense and literal.

    i = (I + Ob K W)^-1 Ob Q^-1 S,      Ob = A^t (A Q A^t)^-1 A Q

Q = diag(P r0) signed reference resistances, K = diag(kappa), W = diag(s), so that P R = Q (I + K W).
With one Ron for all edges this is Ron i = (I + xi Ob W)^-1 Ob P S (paper 1, Eqs. 3-4 with aiding S) and,
with kappa = -chi, (I - chi Omega X)^-1 Omega S (paper 2, Eq. 3). A memoryless edge has kappa = 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, SingularNetwork
from spicebridge.network import Network
from spicebridge.theory.currents.solver import Operator
from spicebridge.theory.currents.topology import Topology


def reference_resistance(network: Network) -> tuple[Array, Array]:
    """Return (r0 in ohm, kappa), each (n_e,): R = r0 (1 + kappa s) on every edge.

    Raises `NetworkError` when the resistance of an edge is not affine in its state, or zero at s = 0.
    """
    r0, kappa = np.empty(network.n_edges), np.zeros(network.n_edges)
    for group in network.groups:
        affine = group.device.affine()
        if affine is None or not np.all(affine[0]):
            raise NetworkError(
                f"{network.edge_name(int(group.edges[0]))}: the projector form needs R linear in the state, "
                f"a {group.device.kind} is not; use method='nodal' or 'auto'"
            )
        r0[group.edges], kappa[group.edges] = affine[0], affine[1] / affine[0]
    return r0, kappa


class ProjectorSolver:
    """Dense projector form; O(n_e^3) a solve. Raises `ProjectorSingular` when A Q A^t is singular."""

    form = "projector"

    def __init__(self, network: Network, topology: Topology) -> None:
        r0, self.kappa = reference_resistance(network)
        self.Q = network.P * r0
        self.Ob = topology.oblique(self.Q)

    def factor(self, resistance: Array) -> Callable[[Array], Array]:
        return Operator(projected(self.Ob, resistance / self.Q - 1.0, self.Ob / self.Q))

    def solve(self, resistance: Array, S: Array) -> Array:
        return projected(self.Ob, resistance / self.Q - 1.0, self.Ob @ (S / self.Q))


def projected(Ob: Array, kappa_state: Array, load: Array) -> Array:
    """(I + Ob K W)^-1 load, K W given by its diagonal `kappa_state` (n_e,). Raises `SingularNetwork`."""
    try:
        return np.asarray(np.linalg.solve(np.eye(len(Ob)) + Ob * kappa_state, load), dtype=float)
    except np.linalg.LinAlgError:
        raise SingularNetwork("I + Ob K W is singular: the currents are not determined") from None
