"""Nodal form with nonlinear devices: Kirchhoff's current law solved by Newton's method.

    B i(v, s) = 0,   v = S - B^t p           i_k = J i_k(J v_k, s_k)  or  v_k / (P_k R_k)
    (B diag(g) B^t) dp = B i,   g = di/dv,   p <- p + lambda dp

p are node potentials, one node of every component grounded. Where every g > 0 the residual is the gradient
of a convex function (the co-content), so there is one solution. lambda is halved until the residual falls.
The iteration starts from the potentials of the last call, which is next door during an integration.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, SingularNetwork
from spicebridge.network import Network
from spicebridge.theory.currents.factorisation import symmetric_lu
from spicebridge.theory.currents.topology import Topology

DENSE_NODES = 150
"""Up to so many free nodes a dense solve is faster than a sparse factorisation."""
CORRECTION = 1e-9
"""A correction of the potentials below this part of the largest drop is the last one: quadratic convergence
leaves an error of the order of its square."""
RESIDUAL = 1e-13
"""Sums of currents at the nodes below this part of the largest current are rounding."""
ROUNDING = 1e-17
"""Corrections below this part of the largest source met so far are rounding; it decides where all sources pass
through zero."""
ITERATIONS = 60
HALVINGS = 40


def largest(i: Array, outside: Array | None) -> float:
    """max |i| over the edges and what enters from outside, in A."""
    top = float(np.abs(i).max(initial=0.0))
    return top if outside is None else max(top, float(np.abs(outside).max(initial=0.0)))


class NewtonSolver:
    """Currents of a graph with devices of any law. Raises `NetworkError` for a loop-matrix network."""

    form = "newton"

    def __init__(self, network: Network, topology: Topology) -> None:
        if not topology.is_graph:
            k = next(int(g.edges[0]) for g in network.groups if not g.device.ohmic)
            raise NetworkError(
                f"{network.edge_name(k)}: a device that is not v = R(s) i needs a graph; "
                "a loop matrix has no nodes to solve for"
            )
        self.ohmic = [(g.edges, g.resistive, network.P[g.edges]) for g in network.groups if g.device.ohmic]
        self.general = [(g.edges, g.conductive, network.J[g.edges]) for g in network.groups if not g.device.ohmic]
        self.free = topology.free
        self.dense = topology.n_free <= DENSE_NODES
        B = topology.cuts
        self.B: Array | sp.csr_array = B.toarray() if self.dense else B
        self.B_t: Array | sp.csr_array = B.toarray().T.copy() if self.dense else sp.csr_array(B.T)
        self.bridges = topology.bridges
        self.potential = np.zeros(topology.n_free)
        self.source_scale = 0.0

    def solve(self, state: Array, S: Array, entering: Array | None = None) -> tuple[Array, Array]:
        """Return (current in A, drop in V), each (n_e,), for states (n_e,) and sources S (n_e,) in V.

        `entering` (n,) in A comes from outside into each node, or None for nothing.

        Raises `SingularNetwork` when the node potentials are not determined or Newton's method fails.
        """
        p = self.potential
        here = float(np.abs(S).max())
        self.source_scale = max(self.source_scale, here)
        v = S - self.B_t @ p
        conductance = self.conductance(state)
        i, g = self.characteristic(state, v, conductance)
        outside = None if entering is None else entering[self.free]
        residual = self._residual(i, outside)
        for _ in range(ITERATIONS):
            size = float(np.abs(residual).max(initial=0.0))
            if size <= RESIDUAL * largest(i, outside):
                break
            step = self._correction(g, residual)
            p, v, i, g, residual = self._advance(state, S, p, step, size, conductance, outside)
            if np.abs(step).max() <= max(CORRECTION * max(np.abs(v).max(), here), ROUNDING * self.source_scale):
                break
        else:
            raise SingularNetwork(
                f"Newton's method found no node potentials in {ITERATIONS} iterations; "
                "check the range of the states and the devices' exponents"
            )
        if not np.isfinite(i).all():
            raise SingularNetwork("the currents are not finite; check the range of the states")
        self.potential = p
        if outside is None:
            i[self.bridges] = 0.0
        return i, v

    def _residual(self, i: Array, outside: Array | None) -> Array:
        residual: Array = self.B @ i
        return residual if outside is None else residual + outside

    def conductance(self, state: Array) -> Array:
        """1/(P R) in S of the ohmic edges, (n_e,); zero on the others."""
        g = np.zeros(state.shape)
        for edges, device, P in self.ohmic:
            g[edges] = 1.0 / (P * device.resistance(state[edges]))
        return g

    def characteristic(self, state: Array, v: Array, conductance: Array) -> tuple[Array, Array]:
        """(i in A, g = di/dv in S), each (n_e,)."""
        i, g = conductance * v, conductance.copy()
        for edges, device, J in self.general:
            drop, s = J * v[edges], state[edges]
            i[edges] = J * device.current(drop, s)
            g[edges] = device.current_partials(drop, s)[0]
        return i, g

    def _advance(
        self, state: Array, S: Array, p: Array, step: Array, size: float, conductance: Array, outside: Array | None
    ) -> tuple[Array, Array, Array, Array, Array]:
        """The longest of the steps 1, 1/2, 1/4, … that lowers the residual; the shortest if none does."""
        fraction = 1.0
        for _ in range(HALVINGS):
            trial = p + fraction * step
            v = S - self.B_t @ trial
            i, g = self.characteristic(state, v, conductance)
            residual = self._residual(i, outside)
            if np.abs(residual).max() < size:
                break
            fraction *= 0.5
        return trial, v, i, g, residual

    def _correction(self, g: Array, residual: Array) -> Array:
        try:
            if self.dense:
                return np.asarray(np.linalg.solve(np.asarray((self.B * g) @ self.B_t), residual))
            return symmetric_lu(sp.csc_array(self.B @ sp.diags_array(g) @ self.B_t)).solve(residual)
        except (np.linalg.LinAlgError, RuntimeError):
            raise SingularNetwork(
                "the node potentials are not determined: a part of the network does not conduct in this state"
            ) from None
