"""Branch currents of many trajectories at once, by an orthonormal basis of loops or of cuts.

    loop   i = Q y,           Q^t diag(q) Q y = Q^t S            range Q = range A^t,   q = P R
    cut    i = G (S - Q y),   Q^t diag(G) Q y = Q^t G S          range Q = range B^t,   G = 1/q

Both are the mesh and the nodal form in other coordinates; the one with fewer unknowns is taken.
"""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.ensembles.batched_cg import SharedBasis

LARGEST_BASIS = 80_000
"""Entries of the basis of a graph above which sparse solves, one trajectory after the other, are cheaper."""


class BatchCurrents:
    """Kirchhoff's laws of one topology. ``form`` is "loop" or "cut", ``unknowns`` the columns of the basis."""

    def __init__(self, topology: Topology) -> None:
        n_loops, n_cuts = basis_sizes(topology)
        self.form = "loop" if n_loops <= n_cuts else "cut"
        basis = np.linalg.qr((topology.A if self.form == "loop" else topology.cuts).toarray().T)[0]
        self.bridges = topology.bridges if topology.is_graph else np.zeros(0, dtype=np.intp)
        if self.form == "loop":
            basis[self.bridges] = 0.0
        self.basis = SharedBasis(basis)

    @property
    def unknowns(self) -> int:
        return int(self.basis.Q.shape[1])

    def solve(self, resistance: Array, S: Array, start: Array, tolerance: float) -> tuple[Array, Array]:
        """Currents (runs, n_e) in A and the coefficients y (runs, unknowns), a start for solves nearby.

        `resistance` (runs, n_e) is signed, in ohm; `S` (runs, n_e) in V; `tolerance` as for `SharedBasis.solve`. Rows
        of NaN where Kirchhoff's equations have no unique solution.
        """
        Q, Q_t = self.basis.Q, self.basis.Q_t
        if self.form == "loop":
            y = self.basis.solve(resistance, S @ Q, start, tolerance)
            return np.asarray(y @ Q_t), y
        G = 1.0 / resistance
        y = self.basis.solve(G, (G * S) @ Q, start, tolerance)
        current = G * (S - y @ Q_t)
        current[:, self.bridges] = 0.0
        return current, y


def basis_sizes(topology: Topology) -> tuple[int, int]:
    """Unknowns of both forms: (loops, cuts); a loop matrix is not asked for its cuts."""
    return topology.n_loops, topology.n_free if topology.is_graph else topology.n_loops


def fits(topology: Topology) -> bool:
    """Whether trajectories of this network are cheaper together than one by one."""
    return not topology.is_graph or min(basis_sizes(topology)) * topology.n_edges <= LARGEST_BASIS
