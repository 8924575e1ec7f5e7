"""Right-hand side of the network ODE.

    ds/dt = F(s, v, i),    (i, v) = branch(s, t),    v = P R(s) i

`branch` is the seam: anything that maps state and time to currents and drops. Edges with hard bounds
give their bulk rate f here; the integrator holds and releases them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError
from spicebridge.laws.base import Device, imposes
from spicebridge.network import Network
from spicebridge.theory.currents.branch import choose_form, kept_solver
from spicebridge.theory.currents.solver import BranchSolver
from spicebridge.theory.currents.topology import Topology
from spicebridge.windows import NoWindow

Branch = Callable[[Array, float], tuple[Array, Array]]
Kernel = Callable[[Array, Array, Array], Array]
_AFFINE: WeakKeyDictionary[Network, tuple[Array, Array] | None] = WeakKeyDictionary()


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
        from spicebridge.theory.currents.hybrid import HybridSolver

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
    return newton_branch(network, topology), "newton"


def newton_branch(network: Network, topology: Topology) -> Branch:
    """`branch` for devices of any law. Raises `NetworkError` for a loop-matrix network."""
    from spicebridge.theory.currents.newton import NewtonSolver

    newton, emf = NewtonSolver(network, topology), sources(network)
    return lambda state, t: newton.solve(state, emf(t))


class OhmicBranch:
    """`branch` for networks whose every device is v = P R(s) i, by one `solver`.

    Raises `NetworkError` for other devices.
    """

    def __init__(self, network: Network, solver: BranchSolver) -> None:
        for group in network.groups:
            if not group.device.ohmic:
                raise NetworkError(
                    f"{network.edge_name(int(group.edges[0]))}: a {group.device.kind} is not v = R(s) i; "
                    f"the {solver.form} form cannot solve it directly"
                )
        self.solver = solver
        self._emf = sources(network)
        self._signed_resistance = _signed_resistance(network)

    def __call__(self, state: Array, t: float) -> tuple[Array, Array]:
        return self.under(state, self._emf(t))

    def under(self, state: Array, emf: Array) -> tuple[Array, Array]:
        """Currents in A and drops in V, (n_e,) each, under sources `emf` (n_e,) in V."""
        signed = self._signed_resistance(state)
        current = self.solver.solve(signed, emf)
        return current, signed * current


def _signed_resistance(network: Network) -> Callable[[Array], Array]:
    """P R(s) in ohm as a function of the states (n_e,), with constants folded in where R is affine."""
    folded = _level_and_slope(network)
    if folded is None:
        P = network.P
        return lambda state: P * network.resistance(state)
    level, slope = folded[0] * network.P, folded[1] * network.P
    if not slope.any():
        return lambda state: level

    def affine(state: Array) -> Array:
        signed = slope * state
        signed += level
        return signed

    return affine


class Dynamics:
    """ds/dt of all edges from their state, current and drop; no per-edge Python.

    ``hard`` (n_e,) marks edges whose bounds are projected: for these `rate` is the bulk rate f.
    ``kinked`` says that a law has kinks or jumps in the bulk, at a threshold for example.
    """

    def __init__(self, network: Network, branch: Branch) -> None:
        self.network = network
        self.branch = branch
        self.emf = sources(network)
        self.hard = np.zeros(network.n_edges, dtype=bool)
        self.kinked = any(not group.device.smooth for group in network.groups)
        self._parts: list[tuple[Any, Kernel]] = []
        for group in network.groups:
            if not group.device.stateful:
                continue
            self.hard[group.edges] = group.device.window.hard
            whole = group.edges.size == network.n_edges
            kernel = rate_kernel(group.device, network.P[group.edges], network.J[group.edges])
            self._parts.append((slice(None) if whole else group.edges, kernel))
        free = network.stateful & ~self.hard
        # Where only forced currents pass, a resistance may be zero.
        free &= ~getattr(branch, "forced", np.zeros(network.n_edges, dtype=bool))
        self._unbounded = [
            (np.flatnonzero(free[group.edges]), group)
            for group in network.groups
            if group.device.ohmic and free[group.edges].any()
        ]
        self._affine = _level_and_slope(network)

    def rate(self, state: Array, current: Array, voltage: Array) -> Array:
        """ds/dt in 1/s, (n_e,); memoryless edges 0, hard edges their bulk rate."""
        if len(self._parts) == 1 and isinstance(self._parts[0][0], slice):
            return self._parts[0][1](state, voltage, current)
        out = np.zeros(state.shape)
        for edges, kernel in self._parts:
            out[edges] = kernel(state[edges], voltage[edges], current[edges])
        return out

    def enter(self, start: float, stop: float) -> None:
        """Say between which breakpoints the next states lie, for sources whose derivative counts."""
        if hasattr(self.branch, "segment"):
            self.branch.segment = (start, stop)

    def leave(self) -> None:
        """Say that the integration is over."""
        if hasattr(self.branch, "segment"):
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

    def unbounded_resistance(self, states: Array) -> tuple[NDArray[np.intp], Array]:
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


def _level_and_slope(network: Network) -> tuple[Array, Array] | None:
    """R = level + slope s in ohm, (n_e,) each; None where a law is another one. Kept while the network lives."""
    if network in _AFFINE:
        return _AFFINE[network]
    _AFFINE[network] = found = _read_level_and_slope(network)
    return found


def _read_level_and_slope(network: Network) -> tuple[Array, Array] | None:
    level, slope = np.zeros(network.n_edges), np.zeros(network.n_edges)
    for group in network.groups:
        affine = group.device.affine()
        if affine is None:
            return None
        level[group.edges], slope[group.edges] = affine
    return level, slope


def rate_kernel(device: Device, P: Array, J: Array) -> Kernel:
    """(s, v, i) -> ds/dt for one group, with constants folded in."""
    linear = device.linear_rate(P, J)
    if linear is not None and not (linear[1].any() and linear[2].any()):
        a, by_i, by_v = linear
        window, by_current = device.window, bool(by_i.any())
        gain = by_i if by_current else by_v
        if window.hard or isinstance(window, NoWindow):
            return lambda s, v, i: a * s + gain * (i if by_current else v)
        return lambda s, v, i: window.rate(s, a * s, gain * (i if by_current else v))
    law = device.bulk_rate if device.window.hard else device.rate
    return lambda s, v, i: np.asarray(law(s, v, i, P, J))
