"""From resistances and sources to branch currents: the protocol and the choice of a form.

    A (q * i - S) = 0,   i = A^t j                q = P R(s), signed, in ohm

Three forms give the same currents: *projector* (the papers' own, dense), *nodal* (weighted Laplacian,
sparse) and *loop* (A diag(q) A^t, for loop matrices and for graphs with few loops).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, nearest
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology

METHODS = ("auto", "projector", "nodal", "loop")

FEW_LOOPS = 32
"""Graphs with at most this many loops, and fewer loops than free nodes, use the dense loop form."""


class BranchSolver(Protocol):
    """Solves Kirchhoff's equations of one topology again and again.

    `form` is "projector", "nodal" or "loop".
    """

    form: str

    def solve(self, resistance: Array, S: Array) -> Array:
        """Return the currents (n_e,) in A, tail to head.

        `resistance` (n_e,) is signed, P R in ohm, none of it zero; `S` (n_e,) the sources in V.
        Raises `SingularNetwork`. The result is a new array; the arguments are not kept.
        """
        ...

    def factor(self, resistance: Array) -> Callable[[Array], Array]:
        """`solve` for many S at one `resistance`: return the map from S (n_e,) to currents (n_e,).

        It holds until the next call of `factor` or `solve`. Raises `SingularNetwork`.
        """
        ...


@dataclass(frozen=True, eq=False)
class Operator:
    """The map from sources (n_e,) in V to currents (n_e,) in A as one `matrix` (n_e, n_e)."""

    matrix: Array

    def __call__(self, S: Array) -> Array:
        return np.asarray(self.matrix @ S)


def choose_form(topology: Topology, method: str) -> str:
    """Resolve `method`: "auto" takes the loop form for loop matrices and few loops, else the nodal one.

    Raises `NetworkError` for an unknown method, or one that a loop matrix cannot have.
    """
    if method not in METHODS:
        known = ", ".join(METHODS)
        raise NetworkError(f"method {method!r} must be one of {known}{nearest(str(method), METHODS)}")
    if not topology.is_graph:
        if method == "nodal":
            raise NetworkError("method 'nodal' needs a graph; a loop matrix has none: use 'loop' or 'auto'")
        return "loop" if method == "auto" else method
    if method != "auto":
        return method
    unknowns = topology.n_nodes - topology.n_components
    return "loop" if topology.n_loops <= min(FEW_LOOPS, unknowns) else "nodal"


def branch_solver(network: Network, method: str = "auto", *, topology: Topology | None = None) -> BranchSolver:
    """Build the solver of one network.

    Raises `NetworkError` (unknown or impossible method) and `ProjectorSingular`.
    """
    topology = topology or Topology.of(network)
    form = choose_form(topology, method)
    if form == "projector":
        from spicebridge.theory.currents.projector import ProjectorSolver

        return ProjectorSolver(network, topology)
    if form == "loop":
        from spicebridge.theory.currents.loop import LoopSolver

        return LoopSolver(topology)
    from spicebridge.theory.currents.nodal import NodalSolver

    return NodalSolver(topology, passive=bool((network.P > 0).all()))


class _Kept(threading.local):
    """Solvers of one thread by topology and whether all edges are passive: they hold their last factorisation."""

    def __init__(self) -> None:
        self.solvers: WeakKeyDictionary[Topology, dict[tuple[str, bool], BranchSolver]] = WeakKeyDictionary()


_KEPT = _Kept()


def kept_solver(network: Network, method: str = "auto") -> BranchSolver:
    """`branch_solver` for callers that leave no `factor` behind: the one of this thread, kept while the network lives,
    so that orderings and symbolic factorisations are made once.
    """
    topology = Topology.of(network)
    form = choose_form(topology, method)
    if form == "projector":
        return branch_solver(network, method)
    solvers = _KEPT.solvers.setdefault(topology, {})
    key = form, bool((network.P > 0).all())
    if key not in solvers:
        solvers[key] = branch_solver(network, method, topology=topology)
    return solvers[key]
