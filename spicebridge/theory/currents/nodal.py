"""Nodal form: the currents by one weighted Laplacian solve.

    (B G B^t) p = B G S,    i = G (S - B^t p),    G = (P R)^-1

p are node potentials, one node of every component grounded. A solve assembles nothing, and the ordering
and the symbolic factorisation are computed once. Bridges get exactly zero current.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicebridge.arrays import Array
from spicebridge.theory.currents.factorisation import (
    DenseCholesky,
    Factor,
    SparseLdl,
    SuperLu,
    SupernodalCholesky,
    solved_densely,
    undetermined,
)
from spicebridge.theory.currents.fill import SHALLOW, WIDE, Levels, iterations_pay
from spicebridge.theory.currents.iterative import DiagonalCg
from spicebridge.theory.currents.laplacian import GroundedLaplacian
from spicebridge.theory.currents.solver import Operator
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.keeping import kept

DENSE_FILL = 0.5
"""Factor densely when the sparse factor would hold more than this part of a full triangle:
measured crossover, K40 to K320 gain 1.3 to 5 times, random 4-regular graphs lose 2 to 5 times."""
DENSE_NODES = 2000
"""Never factor densely above this number of unknowns."""
SMALL = 1500
"""Up to so many entries of the incidence matrix everything is dense: measured 8 instead of 15
microseconds a solve at 10 edges, equal at 1500 entries."""
PIVOTED_NODES = 64
"""Networks with active edges and at most this many unknowns use dense LU with pivoting."""
RESIDUAL_LIMIT = 1e-11
"""Largest |sum of currents at a node| / max |i| accepted from a factorisation without pivoting."""


class NodalSolver:
    """Weighted Laplacian; the factorisation is chosen by size, fill and sign.

    ``plan`` is "none" (no unknowns), "small" (all dense), "dense", "ldl", "supernodal", "superlu" or "cg" (see
    ``fill`` for the choice).
    """

    form = "nodal"

    def __init__(self, topology: Topology, *, passive: bool = True, plan: str | None = None) -> None:
        self.passive = passive
        self.bridges = topology.bridges
        self._fallback: Factor | None = None
        if topology.n_free * topology.n_edges <= SMALL and plan is None:
            self.plan = "small" if topology.n_free else "none"
            self.B = topology.cuts.toarray()
            self.B_t = np.ascontiguousarray(self.B.T)
            return
        self.laplacian = GroundedLaplacian(topology)
        self.plan, self._factor = self._choose(topology, plan)

    def _choose(self, topology: Topology, plan: str | None) -> tuple[str, Factor]:
        laplacian = self.laplacian
        n = laplacian.n
        if plan == "dense" or (plan is None and not self.passive and n <= PIVOTED_NODES):
            return "dense", DenseCholesky(laplacian, passive=self.passive)
        if plan == "superlu":
            return plan, SuperLu(laplacian)
        best = _cheapest(topology) if plan is None and self.passive and n > WIDE else plan
        if best == "cg":
            return best, DiagonalCg(laplacian)
        if best == "supernodal":
            try:
                return "supernodal", SupernodalCholesky(laplacian)
            except ImportError:
                if plan is not None:
                    raise
        try:
            ldl = SparseLdl(laplacian)
        except ImportError:
            if n <= PIVOTED_NODES:
                return "dense", DenseCholesky(laplacian, passive=self.passive)
            return "superlu", SuperLu(laplacian)
        if plan is None and n <= DENSE_NODES and ldl.fill > DENSE_FILL * max(1.0, 0.5 * n * (n - 1)):
            return "dense", DenseCholesky(laplacian, passive=self.passive)
        return "ldl", ldl

    def solve(self, resistance: Array, S: Array) -> Array:
        G = 1.0 / resistance
        if self.plan == "small":
            current = G * (S - self.B_t @ self._potentials(G, self.B @ (G * S)))
        elif self.plan == "none":
            current = G * S
        else:
            current = self._large(G, S)
        if self.bridges.size:
            current[self.bridges] = 0.0
        return current

    def factor(self, resistance: Array) -> Callable[[Array], Array]:
        G = 1.0 / resistance
        bridges = self.bridges
        if self.plan == "small":
            whole = self._operator(G)
            whole[bridges] = 0.0
            return Operator(whole)
        solve = self._factored(G)
        if not bridges.size:
            return solve

        def without_bridges(S: Array) -> Array:
            current = solve(S)
            current[bridges] = 0.0
            return current

        return without_bridges

    def _operator(self, G: Array) -> Array:
        """The map from sources to currents as one dense matrix."""
        whole: Array = (G[:, None] * self.B_t) @ -self._potentials(G, self.B * G)
        whole.ravel()[:: G.size + 1] += G
        return whole

    def _potentials(self, G: Array, load: Array) -> Array:
        try:
            return solved_densely((self.B * G) @ self.B_t, load, positive=self.passive)
        except np.linalg.LinAlgError:
            raise undetermined() from None

    def _factored(self, G: Array) -> Callable[[Array], Array]:
        if self.plan == "none":
            return lambda S: G * S
        data, _ = self.laplacian.assemble(G, G)
        self._factor.update(data)
        return lambda S: self._currents(data, self.laplacian.B @ (G * S), G, S)

    def _large(self, G: Array, S: Array) -> Array:
        data, load = self.laplacian.assemble(G, S)
        self._factor.update(data)
        return self._currents(data, load, G, S)

    def _currents(self, data: Array, load: Array, G: Array, S: Array) -> Array:
        """By the last factorisation, which was that of `data`; `load` = B G S."""
        current = self.laplacian.drop(self._factor.solve(load), S)
        current *= G
        return current if self.passive or self.plan != "ldl" else self._checked(data, load, G, S, current)

    def _checked(self, data: Array, load: Array, G: Array, S: Array, current: Array) -> Array:
        """LDL^t without pivoting may lose digits on an indefinite matrix: refine once, then verify."""
        laplacian = self.laplacian
        correction = self._factor.solve(laplacian.B @ current)
        current += G * laplacian.drop(correction, np.zeros_like(S))
        if np.abs(laplacian.B @ current).max() <= RESIDUAL_LIMIT * np.abs(current).max():
            return current
        if self._fallback is None:
            self._fallback = SuperLu(laplacian)
        self._fallback.update(data)
        return np.asarray(G * laplacian.drop(self._fallback.solve(load), S))


@kept
def _cheapest(topology: Topology) -> str:
    """The plan for a large passive network: "ldl", "supernodal" or "cg"."""
    laplacian = GroundedLaplacian(topology)
    pattern = laplacian.full(laplacian.stand_in())
    levels = Levels.of(pattern)
    if levels.width < WIDE:
        return "ldl"
    if levels.depth > SHALLOW:
        return "supernodal"
    # Steps for equal conductances and a load without pattern.
    iterative = DiagonalCg(laplacian)
    ones = np.ones(laplacian.n_edges)
    iterative.update(laplacian.assemble(ones, 0.0 * ones)[0])
    iterative.solve(np.random.default_rng(0).normal(size=laplacian.n))
    return "cg" if iterations_pay(pattern, iterative.last_steps, levels) else "supernodal"
