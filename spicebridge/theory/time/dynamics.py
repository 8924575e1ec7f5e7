"""Right-hand side of the network ODE.

    ds/dt = F(s, v, i),    (i, v) = branch(s, t),    v = P R(s) i

`branch` is the seam: anything that maps state and time to currents and drops. Edges with hard bounds
give their bulk rate f here; the integrator holds and releases them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.errors import NetworkError
from spicebridge.laws.base import imposes
from spicebridge.network import Network
from spicebridge.theory.currents.branch import choose_form, kept_solver
from spicebridge.theory.currents.hybrid import HybridSolver
from spicebridge.theory.currents.newton import NewtonSolver
from spicebridge.theory.currents.solver import BranchSolver
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.edge_laws import EdgeLaws

Branch = Callable[[Array, float], tuple[Array, Array]]


def sources(network: Network) -> Callable[[float], Array]:
    """S(t) as a function of time, (n_e,) in V; evaluated once when all sources are constant."""
    bank = network.bank
    if bank.constant:
        level = bank(0.0)
        return lambda t: level
    return bank


def network_branch(network: Network, method: str = "auto") -> tuple[Branch, str]:
    """`branch` of a network and the form of Kirchhoff's equations behind it.

    With a device that is not v = P R(s) i this is Newton's method on the nodal form, whatever the size.
    Raises `NetworkError` (a method the network cannot have) and `ProjectorSingular`.
    """
    if network.reactive:
        hybrid = HybridSolver(network, method)
        return hybrid, hybrid.form
    general = next((group for group in network.groups if not group.device.ohmic), None)
    if general is None:
        solver = kept_solver(network, method)
        return OhmicBranch(network, solver), solver.form
    topology = Topology.of(network)
    form = choose_form(topology, method)
    if method != "auto" and form != "nodal":
        raise NetworkError(
            f"{network.edge_name(int(general.edges[0]))}: a {general.device.kind} is not v = R(s) i; "
            f"the {form} form cannot solve it, use method='nodal' or 'auto'"
        )
    newton, emf = NewtonSolver(network, topology), sources(network)
    return lambda state, t: newton.solve(state, emf(t)), newton.form


class OhmicBranch:
    """`branch` for networks whose every device is v = P R(s) i, by one `solver`."""

    def __init__(self, network: Network, solver: BranchSolver) -> None:
        self.solver = solver
        self._emf = sources(network)
        self._signed_resistance = EdgeLaws.of(network).resistance

    def __call__(self, state: Array, t: float) -> tuple[Array, Array]:
        return self.under(state, self._emf(t))

    def under(self, state: Array, emf: Array) -> tuple[Array, Array]:
        """Currents in A and drops in V, (n_e,) each, under sources `emf` (n_e,) in V."""
        signed = self._signed_resistance(state)
        current = self.solver.solve(signed, emf)
        return current, signed * current


class Dynamics:
    """ds/dt of all edges from their state, current and drop; no per-edge Python.

    ``hard`` (n_e,) marks edges whose bounds are projected: for these `rate` is the bulk rate f.
    ``kinked`` says that a law has kinks or jumps in the bulk, at a threshold for example.
    """

    def __init__(self, network: Network, branch: Branch) -> None:
        self.network = network
        self.branch = branch
        self.emf = sources(network)
        self.kinked = any(not group.device.smooth for group in network.groups)
        laws = EdgeLaws.of(network)
        self.hard, self.rate, self._affine = laws.hard, laws.rate, laws.affine
        free = network.stateful & ~self.hard
        # Where only forced currents pass, a resistance may be zero.
        if isinstance(branch, HybridSolver):
            free &= ~branch.forced
        self._unbounded = [
            (np.flatnonzero(free[group.edges]), group)
            for group in network.groups
            if group.device.ohmic and free[group.edges].any()
        ]

    def enter(self, start: float, stop: float) -> None:
        """Say between which breakpoints the next states lie, for sources whose derivative counts."""
        if isinstance(self.branch, HybridSolver):
            self.branch.segment = (start, stop)

    def leave(self) -> None:
        """Say that the integration is over."""
        if isinstance(self.branch, HybridSolver):
            self.branch.segment = None

    def __call__(self, state: Array, t: float) -> Array:
        current, voltage = self.branch(state, t)
        return self.rate(state, current, voltage)

    def conductance(self, state: Array, voltage: Array) -> Array:
        """|di/dv| in S, (n_e,); zero on edges that impose a voltage or a current."""
        out = np.empty(state.shape)
        for group in self.network.groups:
            s, device = state[group.edges], group.device
            if imposes(device):
                out[group.edges] = 0.0
            elif device.ohmic:
                out[group.edges] = 1.0 / np.abs(group.resistive.resistance(s))
            else:
                J = self.network.J[group.edges]
                out[group.edges] = np.abs(group.conductive.current_partials(J * voltage[group.edges], s)[0])
        return out

    def unbounded_resistance(self, states: Array) -> tuple[IntArray, Array]:
        """Edges that nothing keeps from R <= 0, and their R in ohm for states (n, n_e)."""
        if not self._unbounded:
            return np.zeros(0, dtype=np.intp), np.zeros((states.shape[0], 0))
        edges, values = [], []
        for inside, group in self._unbounded:
            full = group.resistive.resistance(states[:, group.edges])
            edges.append(group.edges[inside])
            values.append(full[:, inside])
        return np.concatenate(edges), np.concatenate(values, axis=1)

    def surely_conducting(self, state: Array, radius: Array, end: Array) -> bool:
        """Whether R > 0 on every unbounded edge within `radius` (n_e,) of `state` and at `end`."""
        if not self._unbounded:
            return True
        if self._affine is not None and not self.hard.any():
            level, slope = self._affine
            least = slope * state
            least += level
            least -= np.abs(slope) * radius
            return bool(least.min() > 0.0 and (level + slope * end).min() > 0.0)
        R = self.unbounded_resistance(np.stack([state - radius, state + radius, end]))[1]
        return bool((R > 0.0).all())
