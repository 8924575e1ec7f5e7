"""The choice of a form of Kirchhoff's equations; three give the same currents:

*projector* (the papers' own, dense), *nodal* (weighted Laplacian, sparse) and *loop* (A diag(q) A^t, for loop
matrices and for graphs with few loops).
"""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from spicebridge.errors import NetworkError, nearest
from spicebridge.network import Network
from spicebridge.theory.currents.loop import LoopSolver
from spicebridge.theory.currents.nodal import NodalSolver
from spicebridge.theory.currents.projector import ProjectorSolver
from spicebridge.theory.currents.solver import BranchSolver
from spicebridge.theory.currents.topology import Topology

METHODS = ("auto", "projector", "nodal", "loop")

FEW_LOOPS = 32
"""Graphs with at most this many loops, and fewer loops than free nodes, use the dense loop form."""


def choose_form(topology: Topology, method: str) -> str:
    """Resolve `method`: "auto" takes the loop form for loop matrices and few loops, else the nodal one.

    Raises `NetworkError` for an unknown method, or one that a loop matrix cannot have.
    """
    if method not in METHODS:
        known = ", ".join(METHODS)
        raise NetworkError(f"method {method!r} must be one of {known}{nearest(str(method), METHODS)}")
    if not topology.is_graph and method == "nodal":
        raise NetworkError("method 'nodal' needs a graph; a loop matrix has none: use 'loop' or 'auto'")
    if method != "auto":
        return method
    return "loop" if not topology.is_graph or topology.n_loops <= min(FEW_LOOPS, topology.n_free) else "nodal"


def branch_solver(network: Network, method: str = "auto", *, topology: Topology | None = None) -> BranchSolver:
    """Build the solver of one network.

    Raises `NetworkError` (unknown or impossible method) and `ProjectorSingular`.
    """
    topology = topology or Topology.of(network)
    form = choose_form(topology, method)
    if form == "projector":
        return ProjectorSolver(network, topology)
    if form == "loop":
        return LoopSolver(topology)
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
