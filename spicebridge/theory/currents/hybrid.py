"""Networks with capacitors, inductors and current sources: the resistive network of one instant.

    x = (w, v_C, i_L)         capacitors are voltage sources v_C, inductors and current sources are currents i_J
    dv_C/dt = i_C / C,   di_L/dt = v_L / L

*Contracted form.* The nodes that capacitors join become one, with offsets o: o_tail - o_head = v_C - S on the
capacitors. What conducts stays, with sources S + o_tail - o_head, and the currents i_J enter at its nodes:

    i = i_0 + T i_J,    A (q i_0 - (S + o_tail - o_head - q T i_J)) = 0,    B i_0 = 0,    q = P R(s)

T routes the forced currents through a spanning tree, so that any solver of a network of resistances serves.

*Loops and cutsets* (see ``reactive``). Kirchhoff's laws give the currents of the capacitors and the drops of
the inductors up to what circulates in loops of capacitors, and the potentials between parts that only forced
currents join. The derivatives of the laws of these loops and cutsets settle both, by two constant matrices:

    i_C = C (S' - B_C^t p'),      (B_C C B_C^t) p' = B_C C S' + b             b: current into each node
    i_L' = (u - B_L^t z) / L,     (B_L L^-1 B_L^t) z = B_L L^-1 u + B_J i_J'    u: drop for z = 0

p' is the rate of the potentials of the joined nodes, z the potential of each part.

*Projector form*, the papers' own (generalised in Barrows, Sheldon, Caravelli, arXiv:2402.16015): delete the
edges of i_J, keep the capacitors with reference resistance 0. A' is the cycle matrix of what remains,
Q = diag(P r0) with zeros, K = diag(kappa), and Omega becomes the oblique projector Ob:

    Ob = A'^t (A' Q A'^t)^-1 A' Q,     M = A'^t (A' Q A'^t)^-1 A'
    i = (I + Ob K W)^-1 M (S - v_C - P R T i_J) + T i_J

Ob projects on the cycle space of A'; a column of a capacitor is zero, as its voltage does not depend on its
current. A' Q A'^t is singular when capacitors form a loop, and this form then does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array, IntArray
from spicebridge.errors import NetworkError, ProjectorSingular
from spicebridge.laws import Capacitor, Group, Inductor, Resistor
from spicebridge.laws.base import OhmicDevice, take
from spicebridge.network import Graph, Network
from spicebridge.reactive import reductions, require_consistent
from spicebridge.theory.currents.branch import branch_solver
from spicebridge.theory.currents.factorisation import equilibrated_lu
from spicebridge.theory.currents.newton import NewtonSolver
from spicebridge.theory.currents.projector import projected, reference_resistance
from spicebridge.theory.currents.slopes import Segment, slopes
from spicebridge.theory.currents.solver import BranchSolver
from spicebridge.theory.currents.topology import SINGULAR_CONDITION, Topology

Matrix = Array | sp.csr_array

DENSE_NODES = 120
"""Up to so many nodes the constant matrices are dense: a product takes 2 microseconds, a sparse one 10."""


class HybridSolver:
    """Currents and drops of all edges from the states, at one instant.

    ``form`` is that of the conducting rest, "nodal", "loop" or "newton", or "projector". ``segment`` is the time
    between two breakpoints in which the sources' derivatives are taken (None: just before t). ``forced`` (n_e,) marks
    conducting edges in no loop of the rest: forced currents alone pass through them, whatever their resistance.
    Raises `ScreenError` for values that cannot be consistent, `NetworkError` for a method that does not fit.
    """

    def __init__(self, network: Network, method: str = "auto") -> None:
        require_consistent(network)
        self.network = network
        self.segment: Segment | None = None
        imposed = np.array(network.imposed)
        self.C, self.J, self.R = (np.flatnonzero(imposed == what) for what in ("voltage", "current", ""))
        found = reductions(network)
        self.rest = conducting_rest(network)
        self.joined = joined = found.joined
        self.tail, self.head = network.tail, network.head
        self._offsets = TreeMap(Topology(network.n_nodes, network.tail[self.C], network.head[self.C]))
        n_joined = int(joined.max()) + 1
        self.topology = Topology(n_joined, joined[network.tail[self.R]], joined[network.head[self.R]])
        self._tree = TreeMap(self.topology)
        self.forced = np.zeros(network.n_edges, dtype=bool)
        if self.R.size:
            self.forced[self.R[self.topology.bridges]] = True
        self._passed = self._passed_groups()
        self._solver: BranchSolver | LiteralProjector | NewtonSolver | None = self._choose(method)
        self.form = "none" if self._solver is None else self._solver.form
        self._capacitive = _Capacitive(network, self.C, moving=bool(found.loops))
        self._parts = _Parts(network, self.J, found.part)
        self._into_joined = _incidence(joined[self.tail[self.J]], joined[self.head[self.J]], n_joined)
        others = np.concatenate([self.R, self.J])
        self._others = others
        self._into_nodes = _incidence(self.tail[others], self.head[others], network.n_nodes)

    def _passed_groups(self) -> list[tuple[IntArray, OhmicDevice, Array, IntArray]]:
        """(places in R, device, P, edges) of the devices v = P R(s) i that only forced currents pass."""
        out = []
        for group in self.network.groups:
            inside = np.flatnonzero(self.forced[group.edges])
            if group.device.ohmic and inside.size:
                edges = group.edges[inside]
                out.append(
                    (np.searchsorted(self.R, edges), take(group.resistive, inside), self.network.P[edges], edges)
                )
        return out

    def _choose(self, method: str) -> BranchSolver | LiteralProjector | NewtonSolver | None:
        if method == "projector":
            return LiteralProjector(self.network, self.R, self.C)
        if self.rest is None:
            return None
        general = next((group for group in self.rest.groups if not group.device.ohmic), None)
        if general is None:
            return branch_solver(self.rest, method, topology=self.topology)
        if method not in ("auto", "nodal"):
            k = int(self.R[general.edges[0]])
            raise NetworkError(
                f"{self.network.edge_name(k)}: a {general.device.kind} is not v = R(s) i; "
                f"the {method} form cannot solve it, use method='nodal' or 'auto'"
            )
        return NewtonSolver(self.rest, self.topology)

    def __call__(self, state: Array, t: float) -> tuple[Array, Array]:
        """(current in A, drop in V), each (n_e,), for states (n_e,) at t in s. Raises `SingularNetwork`."""
        network, R, C, J = self.network, self.R, self.C, self.J
        S = network.bank(t)
        current = np.zeros(network.n_edges)
        voltage = np.zeros(network.n_edges)
        current[J] = np.where(network.stateful[J], state[J], network.forced(t)[J] if J.size else 0.0)
        voltage[C] = state[C]
        o = self._offsets.potentials(state[C] - S[C])
        source = S[R] + o[self.tail[R]] - o[self.head[R]]
        entering = self._into_joined @ current[J]
        if R.size:
            current[R], voltage[R] = self._conducting(state, S, source, entering, current)
        p = o + self._tree.potentials(voltage[R] - source)[self.joined]
        if C.size:
            current[C] = self._capacitive.currents(self._into_nodes @ current[self._others], t, self.segment)
        drop = p[self.tail[J]] - p[self.head[J]] + S[J]
        voltage[J] = self._parts.settled(drop, t, self.segment)
        return current, voltage

    def signature(self, state: Array) -> int:
        """Negative directions of A' P R A'^t in a state: a change between two states is a singular one between."""
        assert self.rest is not None
        q = (self.rest.P * self.rest.resistance(state[self.R]))[self._looped]
        mesh = (self._loops * q) @ self._loops.T
        return int((np.linalg.eigvalsh(mesh) < 0.0).sum()) if mesh.size else 0

    @cached_property
    def _looped(self) -> IntArray:
        return np.setdiff1d(np.arange(self.R.size), self.topology.bridges)

    @cached_property
    def _loops(self) -> Array:
        return np.asarray(self.topology.A.toarray()[:, self._looped])

    def _passed_resistance(self, state: Array, q: Array) -> None:
        """Write P R in ohm of the edges that only forced currents pass into q (n_R,)."""
        for places, device, P, edges in self._passed:
            q[places] = P * device.resistance(state[edges])

    def _conducting(
        self, state: Array, S: Array, source: Array, entering: Array, current: Array
    ) -> tuple[Array, Array]:
        """(i, v) of the conducting edges."""
        assert self.rest is not None
        own = state[self.R]
        q = np.ones(self.R.size)
        if isinstance(self._solver, NewtonSolver):
            i, v = self._solver.solve(own, source, entering)
            self._passed_resistance(state, q)
            for places, *_ in self._passed:
                v[places] = q[places] * i[places]
            return i, v
        decisive = self.rest.P * self.rest.resistance(own)
        q = decisive.copy()
        self._passed_resistance(state, q)
        routed = self._tree.route(entering)
        if isinstance(self._solver, LiteralProjector):
            i = self._solver.solve(decisive, S[self.R], state[self.C] - S[self.C], current[self.J])
        else:
            assert self._solver is not None
            i = self._solver.solve(decisive, source - decisive * routed) + routed
        return i, q * i


class _Capacitive:
    """Currents of the capacitors from what enters their nodes: the network of rates, weighted by C."""

    def __init__(self, network: Network, C: IntArray, *, moving: bool) -> None:
        topology = Topology(network.n_nodes, network.tail[C], network.head[C])
        self.value = per_edge(network, "c")[C]
        self.drives = [network.drives[k] for k in C.tolist()] if moving else None
        self.free = topology.free
        self.B: Matrix = topology.cuts.toarray() if topology.n_nodes <= DENSE_NODES else topology.cuts
        self._solve = _factor(self.B, self.value)

    def currents(self, entering: Array, t: float, segment: Segment | None) -> Array:
        """(n_C,) in A; `entering` (n,) in A comes from all other edges."""
        load, rate = entering[self.free], None
        if self.drives is not None:
            rate = slopes(self.drives, t, segment)
            load = load + self.B @ (self.value * rate)
        current = -(self.B.T @ self._solve(load))
        return np.asarray(self.value * (current if rate is None else current + rate))


class _Parts:
    """Potentials of the parts that only forced currents join, from the laws of the cutsets of inductors."""

    def __init__(self, network: Network, J: IntArray, part: IntArray) -> None:
        self.drives = [network.forcing[k] for k in J.tolist()]
        n = int(part.max()) + 1
        tail, head = part[network.tail[J]], part[network.head[J]]
        inductive = network.stateful[J]
        free = Topology(n, tail[inductive], head[inductive]).free
        self.any = free.size > 0
        if self.any:
            self.B = _incidence(tail, head, n)[free]
            self.weight = np.zeros(J.size)
            self.weight[inductive] = 1.0 / per_edge(network, "l")[J[inductive]]
            self._solve = _factor(self.B[:, np.flatnonzero(inductive)], self.weight[inductive])

    def settled(self, drop: Array, t: float, segment: Segment | None) -> Array:
        """The drops of the forced edges, from those for equal potentials of all parts."""
        if not self.any:
            return drop
        z = self._solve(self.B @ (self.weight * drop + slopes(self.drives, t, segment)))
        return np.asarray(drop - self.B.T @ z)


class TreeMap:
    """A spanning forest as two maps: forced currents to tree currents, and drops to potentials."""

    def __init__(self, topology: Topology) -> None:
        self.n_nodes, self.n_edges, self.free = topology.n_nodes, topology.n_edges, topology.free
        self.tree: IntArray = topology.forest.tree if topology.n_edges else np.zeros(0, dtype=np.intp)
        if self.tree.size:
            square = sp.csc_array(topology.cuts[:, self.tree])
            if self.free.size <= DENSE_NODES:
                inverse = np.rint(np.linalg.inv(square.toarray()))
                self._route: Callable[[Array], Array] = inverse.__matmul__
                self._lift: Callable[[Array], Array] = inverse.T.copy().__matmul__
            else:
                from scipy.sparse.linalg import splu

                lu = splu(square)
                self._route, self._lift = lu.solve, partial(lu.solve, trans="T")

    def route(self, entering: Array) -> Array:
        """T: currents (n_e,) on the tree that carry away what enters the nodes (n,), in A."""
        out = np.zeros(self.n_edges)
        if self.tree.size:
            out[self.tree] = -self._route(entering[self.free])
        return out

    def potentials(self, drop: Array) -> Array:
        """Potentials (n,) in V with p_tail - p_head = `drop` (n_e,) on the tree, 0 at its roots."""
        out = np.zeros(self.n_nodes)
        if self.tree.size:
            out[self.free] = -self._lift(drop[self.tree])
        return out


class LiteralProjector:
    """The projector form of the module, dense; edges are the conducting ones R, then the capacitors C."""

    form = "projector"

    def __init__(self, network: Network, R: IntArray, C: IntArray) -> None:
        edges = np.concatenate([R, C])
        rest = conducting_rest(network)
        r0 = reference_resistance(rest)[0] if rest is not None else np.zeros(0)
        self.n_R = R.size
        self.Q = np.concatenate([network.P[R] * r0, np.zeros(C.size)])
        topology = Topology(network.n_nodes, network.tail[edges], network.head[edges])
        A = topology.A.toarray()
        mesh = (A * self.Q) @ A.T
        if mesh.size and np.linalg.cond(mesh / np.abs(self.Q).max(initial=1e-300)) > SINGULAR_CONDITION:
            raise ProjectorSingular(
                "A' Q A'^t is singular: capacitors form a loop, or active edges cancel, so that the projector form "
                "does not exist; use method='nodal', 'loop' or 'auto'"
            )
        self.M = A.T @ np.linalg.solve(mesh, A) if mesh.size else np.zeros((edges.size, edges.size))
        self.Ob = self.M * self.Q
        J = np.flatnonzero(np.array(network.imposed) == "current")
        tree = TreeMap(topology)
        into = Topology(network.n_nodes, network.tail[J], network.head[J]).B.toarray()
        self.T = np.stack([tree.route(column) for column in into.T], axis=1) if J.size else np.zeros((edges.size, 0))

    def solve(self, q: Array, S: Array, v_less_S: Array, forced: Array) -> Array:
        """Currents of the conducting edges for signed resistances q (n_R,)."""
        routed = self.T @ forced
        emf = np.concatenate([S - q * routed[: self.n_R], -v_less_S])
        relative = np.zeros(self.Q.size)
        relative[: self.n_R] = q / self.Q[: self.n_R] - 1.0
        return (projected(self.Ob, relative, self.M @ emf) + routed)[: self.n_R]


def conducting_rest(network: Network) -> Network | None:
    """The conducting edges between the nodes that capacitors join, without sources; None when there are none.

    Where only forced currents pass a device v = R(s) i, so that R decides no current and may be zero, a resistor of
    1 ohm stands for it.
    """
    R = np.flatnonzero(np.array(network.imposed) == "")
    if R.size == 0:
        return None
    joined = reductions(network).joined
    n = int(joined.max()) + 1
    tail, head = joined[network.tail[R]], joined[network.head[R]]
    passed = np.zeros(R.size, dtype=bool)
    passed[Topology(n, tail, head).bridges] = True
    place = np.full(network.n_edges, -1, dtype=np.intp)
    place[R] = np.arange(R.size)
    groups, plain = [], np.zeros(R.size, dtype=bool)
    for group in network.groups:
        where = place[group.edges]
        if where[0] < 0:
            continue
        kept = np.flatnonzero(~(passed[where] & group.device.ohmic))
        if kept.size:
            groups.append(Group(take(group.device, kept), where[kept]))
        if group.device.ohmic:
            plain[where[passed[where]]] = True
    if plain.any():
        groups.append(Group(Resistor(np.ones(())), np.flatnonzero(plain)))
    P = np.where(plain, 1.0, network.P[R])
    state = np.where(plain, 0.0, network.initial_state[R])
    return Network(
        structure=Graph(nodes=tuple(range(n)), tail=tail, head=head),
        groups=tuple(groups),
        drives=(None,) * int(R.size),
        initial_state=state,
        P=P,
        J=network.J[R],
        title=network.title,
    )


def per_edge(network: Network, name: str) -> Array:
    """A parameter of the capacitors ("c") or inductors ("l") as (n_e,), zero elsewhere."""
    out = np.zeros(network.n_edges)
    for group in network.groups:
        if isinstance(group.device, Capacitor if name == "c" else Inductor):
            out[group.edges] = getattr(group.device, name)
    return out


def _incidence(tail: IntArray, head: IntArray, n: int) -> Matrix:
    B = Topology(n, tail, head).B
    return B.toarray() if n <= DENSE_NODES else B


def _factor(B: Matrix, weight: Array) -> Callable[[Array], Array]:
    """x -> (B diag(weight) B^t)^-1 x for a constant matrix; nothing for no unknowns."""
    if B.shape[0] == 0:
        return lambda load: load
    matrix = sp.csc_array((B * weight) @ B.T)
    if matrix.shape[0] <= DENSE_NODES:
        inverse = np.linalg.inv(matrix.toarray())
        return lambda load: np.asarray(inverse @ load)
    return equilibrated_lu(matrix)
