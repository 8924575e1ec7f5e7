"""The bulk rate of a network and its change to first order, for every law.

    ds/dt = F(s, v, i),   A (v - S) = 0,   i in range A^t

An edge answers  dv = r di + m ds + n dp  with

    ohmic     v = P R(s) i      r = P R,           m = P R' i,               n = P (dR/dp) i
    general   i = i(v, s)       r = 1/(di/dv),     m = -r di/ds,             n = -r di/dp

so that with T = A^t (A diag(r) A^t)^-1 A, a symmetric matrix in A/V,

    di = T (dS - m ds - n dp)
    dF/ds = diag(F_s + F_v m) - diag(F_i + F_v r) T diag(m)
    dF/dS = diag(F_i + F_v r) T

Networks with capacitors, inductors or current sources have another structure; their dF/ds is taken by four-point
differences of the whole rate (`at` and the other parts are refused).

For paper 1's law this is alpha I + (xi/beta) J M D (Eqs. 33-35, corrected). T y is what the network's own
solver answers to sources y at the resistances r: the adjoint network of circuit theory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from spicebridge.arrays import Array, BoolArray, IntArray
from spicebridge.drives import DC, terms
from spicebridge.errors import NetworkError, RunFailed, SingularNetwork
from spicebridge.laws.base import Group, changed, parameter_names
from spicebridge.network import Network
from spicebridge.theory import Trajectory, solve
from spicebridge.theory.currents.branch import branch_solver
from spicebridge.theory.currents.solver import BranchSolver
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.time.dynamics import Branch, network_branch, sources
from spicebridge.theory.time.problem import breakpoints
from spicebridge.windows import NoWindow

SMALL = 2e-3
"""Relative step of the four-point differences of a law with respect to its parameters: the error of h^4 and
the rounding over h are both near 1e-12."""
PLACES = (1.0, -1.0, 2.0, -2.0)
"""Where four-point differences look, in steps."""

REACTIVE_SCALE = 1e-2
"""A state of a reactive network, in V, A or 1, is taken to be at least so large when it is moved."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearisedFlow:
    """A network at one state and time, with the changes of the module's header, (n_e,) each."""

    state: Array
    current: Array
    voltage: Array
    rate: Array
    r: Array
    m: Array
    by_s: Array
    by_v: Array
    by_i: Array
    answer: Callable[[Array], Array] = field(repr=False)

    def respond(self, sources: Array) -> Array:
        """T `sources` in A for sources (n_e,) in V, or (n_e, k) in columns.

        Holds until the network is linearised elsewhere.
        """
        if sources.ndim == 1:
            return self.answer(sources)
        return np.column_stack([self.answer(column) for column in sources.T])

    @property
    def diagonal(self) -> Array:
        """F_s + F_v m in 1/s."""
        return self.by_s + self.by_v * self.m

    @property
    def gain(self) -> Array:
        """F_i + F_v r in 1/(A s): the rate per ampere through the edge."""
        return self.by_i + self.by_v * self.r


class Flow:
    """Rates and derivatives of one network; hard bounds are left to the caller (`hard`)."""

    def __init__(self, network: Network, solver: BranchSolver | None = None) -> None:
        self.network = network
        self._given = solver
        self.topology = Topology.of(network)
        self.ohmic = all(group.device.ohmic for group in network.groups)
        self.emf = sources(network)
        self.hard = np.zeros(network.n_edges, dtype=bool)
        self._laws: dict[str, list[tuple[IntArray, Array, Array, Array, list[Group]]]] = {}
        self.groups = []
        for group in network.groups:
            P, J = network.P[group.edges], network.J[group.edges]
            if group.device.stateful and group.device.window.hard:
                self.hard[group.edges] = True
                group = Group(changed(group.device, window=NoWindow()), group.edges)
            self.groups.append((group, P, J))

    @cached_property
    def branch(self) -> Branch:
        """(state, t) -> (current, voltage), of every kind of network."""
        return network_branch(self.network)[0]

    @cached_property
    def _A(self) -> Array:
        return np.asarray(self.topology.A.toarray())

    @cached_property
    def _solver(self) -> BranchSolver:
        return self._given or branch_solver(self.network, topology=self.topology)

    def factor(self, r: Array) -> Callable[[Array], Array]:
        """T as a function, for resistances r (n_e,), until the next call."""
        return self._solver.factor(r)

    def rate(self, state: Array, t: float = 0.0) -> Array:
        """f (n_e,) in 1/s, without hard bounds; 0 on memoryless edges."""
        current, voltage = self.branch(state, t)
        out = np.zeros(state.shape)
        for group, P, J in self.groups:
            edges, device = group.edges, group.device
            out[edges] = device.rate(state[edges], voltage[edges], current[edges], P, J)
        return out

    def at(self, state: Array, t: float = 0.0) -> LinearisedFlow:
        """The network at `state` (n_e,) and time `t` (s), linearised.

        Raises `SingularNetwork`, and `NetworkError` for reactive networks.
        """
        if self.network.reactive:
            raise NetworkError(
                "capacitors, inductors and current sources have no local response; this needs v = R i edges"
            )
        if self.ohmic:
            resistance = self.network.P * self.network.resistance(state)
            answer = self._solver.factor(resistance)
            current = answer(self.emf(t))
            voltage = resistance * current
        else:
            current, voltage = self.branch(state, t)
        rate, r, m, by_s, by_v, by_i = (np.zeros(state.shape) for _ in range(6))
        for group, P, J in self.groups:
            edges, device = group.edges, group.device
            s, v, i = state[edges], voltage[edges], current[edges]
            if device.ohmic:
                r[edges] = P * group.resistive.resistance(s)
                m[edges] = P * group.resistive.resistance_slope(s) * i
            else:
                by_drop, by_state = group.conductive.current_partials(J * v, s)
                r[edges] = 1.0 / by_drop
                m[edges] = -r[edges] * J * by_state
            rate[edges] = device.rate(s, v, i, P, J)
            by_s[edges], by_v[edges], by_i[edges] = group.differentiable.rate_partials(s, v, i, P, J)
        if not self.ohmic:
            answer = self._solver.factor(r)
        return LinearisedFlow(
            state=state,
            current=current,
            voltage=voltage,
            rate=rate,
            r=r,
            m=m,
            by_s=by_s,
            by_v=by_v,
            by_i=by_i,
            answer=answer,
        )

    def T(self, r: Array) -> Array:
        """T (n_e, n_e) in A/V, dense. Raises `SingularNetwork`."""
        A = self._A
        try:
            return np.asarray(A.T @ np.linalg.solve((A * r) @ A.T, A))
        except np.linalg.LinAlgError:
            raise SingularNetwork("A P R A^t is singular in this state: the currents are not determined") from None

    def jacobian(self, state: Array, t: float = 0.0) -> Array:
        """dF/ds (n_e, n_e) in 1/s, without hard bounds."""
        if not self.network.reactive:
            return self.jacobian_of(self.at(state, t))
        h = SMALL * np.maximum(np.abs(state), REACTIVE_SCALE)
        columns = [
            four_points([self.rate(state + x * way, t) for x in PLACES], step)
            for way, step in zip(np.diag(h), h, strict=True)
        ]
        return np.array(columns).T * self.network.stateful

    def jacobian_of(self, here: LinearisedFlow) -> Array:
        """dF/ds (n_e, n_e) in 1/s at a linearised point."""
        out = -(here.gain[:, None] * self.T(here.r)) * here.m
        out[np.diag_indices_from(out)] += here.diagonal
        return out

    def by_source(self, here: LinearisedFlow) -> Array:
        """dF/dS (n_e, n_e) in 1/(V s)."""
        return np.asarray(here.gain[:, None] * self.T(here.r))

    def by_parameter(self, here: LinearisedFlow, name: str) -> tuple[Array, Array]:
        """(F_p in 1/s, n in V), (n_e,) each and per unit of p, for the device parameter `name`.

        Edges without such a parameter have zeros. By four-point differences of the law alone.
        """
        rate, drop = np.zeros(here.state.shape), np.zeros(here.state.shape)
        for edges, P, J, h, shifted in self._shifted(name):
            s, v, i, r = here.state[edges], here.voltage[edges], here.current[edges], here.r[edges]
            rate[edges] = four_points([law.device.rate(s, v, i, P, J) for law in shifted], h)
            if shifted[0].device.ohmic:
                drop[edges] = P * i * four_points([law.resistive.resistance(s) for law in shifted], h)
            else:
                drop[edges] = -r * J * four_points([law.conductive.current(J * v, s) for law in shifted], h)
        return rate, drop

    def coefficients_by(self, name: str) -> tuple[Array, ...]:
        """Derivatives (n_e,) of level, slope (signed, ohm), a, b and c of affine laws with respect to a parameter."""
        out = np.zeros((5, self.network.n_edges))
        for edges, P, J, h, shifted in self._shifted(name):
            tables = []
            for device in (law.device for law in shifted):
                resistance, rate = device.affine(), device.linear_rate(P, J) if device.stateful else (0.0, 0.0, 0.0)
                assert resistance is not None
                assert rate is not None
                tables.append([np.broadcast_to(x, edges.shape) for x in (*(P * x for x in resistance), *rate)])
            for column, target in enumerate(out):
                target[edges] = four_points([table[column] for table in tables], h)
        return tuple(out)

    def _shifted(self, name: str) -> list[tuple[IntArray, Array, Array, Array, list[Group]]]:
        """(edges, P, J, h, laws at +h, -h, +2h, -2h) of every group that has the parameter."""
        if name not in self._laws:
            found = self._laws[name] = []
            for group, P, J in self.groups:
                edges, device = group.edges, group.device
                if name not in parameter_names(device):
                    continue
                own = np.broadcast_to(getattr(device, name), edges.shape)
                h = SMALL * np.where(own == 0.0, 1.0, np.abs(own))
                laws = [Group(changed(device, **{name: own + x * h}), edges) for x in PLACES]
                found.append((edges, P, J, h, laws))
        return self._laws[name]


def four_points(values: Sequence[ArrayLike], h: ArrayLike) -> Array:
    """Derivative from values at `PLACES` times h."""
    up, down, far, low = (np.asarray(value, float) for value in values)
    return np.asarray((8.0 * (up - down) - (far - low)) / (12.0 * np.asarray(h)))


def require_autonomous(network: Network, what: str) -> None:
    """Raise `NetworkError` unless all sources are constant."""
    if not network.bank.constant:
        changing = (any(not isinstance(term, DC) for term in terms(drive)) for drive in network.drives)
        raise NetworkError(
            f"{network.edge_name(list(changing).index(True))}: {what} are those of constant sources; freeze the drives "
            "with network.with_drive(network.bank(t0))"
        )


def dimensionless(network: Network) -> BoolArray:
    """(n_e,) where the state is no voltage and no current, that is not on capacitors and inductors."""
    return np.array([not what for what in network.imposed], dtype=bool)


def whole_run(network: Network, stop: float, rtol: float, what: str = "") -> Trajectory:
    """The network's run over [0, stop] (s). Raises `RunFailed`, its reason after `what`, where that is not reached."""
    path = solve(network, stop, rtol=rtol, atol=rtol * 1e-2)
    if not path.complete:
        raise RunFailed(f"{what}{path.reason}")
    return path


@dataclass(frozen=True, eq=False)
class Segment:
    """[start, stop] in s; ``held`` (n_e,) marks the states that hard bounds hold on it."""

    start: float
    stop: float
    held: BoolArray


def segments(flow: Flow, path: Trajectory) -> list[Segment]:
    """A run as stretches on which its equation is smooth: between corners of sources, hits and releases of bounds.

    A state is held where it stays at a bound and its rate points outward; one that rests there without a force is free.
    """
    cuts = sorted({0.0, path.stop, *breakpoints(path.network, path.stop), *(event.t for event in path.events)})
    found = []
    for left, right in pairwise(cuts):
        first, second = path(left + 0.4 * (right - left)), path(left + 0.6 * (right - left))
        at_wall = flow.hard & (first == second) & ((first == 0.0) | (first == 1.0))
        if at_wall.any():
            t = left + 0.4 * (right - left)
            at_wall &= flow.rate(first, t) * (2.0 * first - 1.0) > 0.0
        found.append(Segment(left, right, at_wall))
    return found


def carried(
    flow: Flow,
    path: Trajectory,
    Q: Array,
    span: tuple[float, float],
    rtol: float,
    *,
    edges: IntArray,
    free: ArrayLike = True,
    what: str,
) -> Array:
    """Phi Q (n, k) over `span` (s) of a run, for perturbations Q of the states of `edges` (n,).

    Rows that are not `free` (n, 1) are kept at zero. Raises `RunFailed`, its reason after `what`.
    """

    def field(t: float, flat: Array) -> Array:
        J = flow.jacobian(path(min(t, path.stop)), t)[np.ix_(edges, edges)]
        return np.asarray((np.asarray(free) * (J @ flat.reshape(Q.shape))).ravel())

    out = solve_ivp(field, span, Q.ravel(), method="DOP853", rtol=rtol, atol=rtol * 1e-2)
    if not out.success:
        raise RunFailed(f"{what}: {out.message}")
    return np.asarray(out.y[:, -1].reshape(Q.shape))
