"""Before a run with active elements: is the circuit determined, and can it be built?

    n_-(A P R A^t) + n_-(B (P R)^-1 B^t) + nullity = n_-(P)       (inertia identity)

Stable against parasitic series inductance iff A P R A^t > 0; against parasitic node capacitance iff
B (P R)^-1 B^t > 0 (reduced by one node per component). An implicit integrator hides both
instabilities, and with active elements A P R A^t may be singular, which paper 1 (after Eq. 3) denies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, ScreenError, SingularNetwork
from spicebridge.network import Network
from spicebridge.reactive import require_consistent
from spicebridge.theory.currents.hybrid import conducting_rest
from spicebridge.theory.currents.projector import reference_resistance
from spicebridge.theory.currents.topology import Topology

DENSE_SCREEN = 1500
"""Eigenvalues up to this size; above, signs of the pivots of a sparse LDL^t."""
RELATIVE_ZERO = 1e-13
"""An eigenvalue (or pivot) this small against that of the passive twin counts as zero."""
NAMED_EDGES = 12
"""At most so many edges of a singular loop are named."""


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What the signs say about a network in one state.

    ``negative_mesh`` = n_-(A P R A^t), ``negative_nodal`` = n_-(B (P R)^-1 B^t reduced), ``nullity`` of
    either; ``n_active`` = n_-(P). ``singular_edges`` carry the undetermined current when nullity > 0.
    ``projector_singular``: A Q A^t is singular, so the projector form is absent.
    """

    n_active: int
    negative_mesh: int
    negative_nodal: int
    nullity: int
    singular_edges: tuple[str, ...]
    projector_singular: bool

    @property
    def singular(self) -> bool:
        """Whether Kirchhoff's equations are not uniquely solvable."""
        return self.nullity > 0

    @property
    def stable_against_series_inductance(self) -> bool:
        """A P R A^t > 0: realise it with open-circuit stable active elements."""
        return self.negative_mesh == 0 and not self.singular

    @property
    def stable_against_node_capacitance(self) -> bool:
        """B (P R)^-1 B^t > 0: realise it with short-circuit stable active elements."""
        return self.negative_nodal == 0 and not self.singular

    @property
    def summary(self) -> str:
        if self.n_active == 0:
            return "passive: every loop and node matrix is positive definite"
        if self.singular:
            named = ", ".join(self.singular_edges)
            return f"singular: {self.nullity} loop current(s) undetermined, through {named}; change a resistance"
        parts = [f"{self.n_active} active edge(s)"]
        for stable, what in (
            (self.stable_against_series_inductance, "parasitic series inductance"),
            (self.stable_against_node_capacitance, "parasitic node capacitance"),
        ):
            parts.append(f"{'stable' if stable else 'UNSTABLE'} against {what}")
        parts[1] += f" ({self.negative_mesh} negative directions)"
        parts[2] += f" ({self.negative_nodal} negative directions)"
        if self.projector_singular:
            parts.append("A P A^t is singular, so the projector form does not exist")
        return "; ".join(parts)

    def require_solvable(self) -> None:
        """Raise `SingularNetwork` (a `ScreenError`) naming the loop when currents are undetermined."""
        if self.singular:
            raise SingularNetwork(
                f"Kirchhoff's equations have no unique solution: {self.nullity} loop current(s) "
                f"undetermined, through {', '.join(self.singular_edges)}; change a resistance or state there"
            )

    def __str__(self) -> str:
        return self.summary


def screen(network: Network, state: ArrayLike | None = None) -> Screen:
    """Screen `network` in `state` (n_e,), by default its initial state. Passive networks cost nothing.

    Raises `ScreenError` when a large network's inertia cannot be determined.
    """
    require_consistent(network)
    n_active = int((network.P < 0).sum())
    if n_active == 0:
        return Screen(
            n_active=0, negative_mesh=0, negative_nodal=0, nullity=0, singular_edges=(), projector_singular=False
        )
    s = network.initial_state if state is None else np.asarray(state, float)
    if s.shape != (network.n_edges,):
        raise NetworkError(f"screen: state has shape {s.shape}; it must be ({network.n_edges},)")
    if network.reactive:
        return _screen_rest(network, s)
    topology = Topology.of(network)
    q = signed_resistance(network, s)
    if topology.is_graph and topology.n_free < topology.n_loops:
        negative_nodal, nullity = _inertia(topology.cuts, 1.0 / q)
        negative_mesh = _partner(topology.A, q, n_active - negative_nodal - nullity)
    else:
        negative_mesh, nullity = _inertia(topology.A, q)
        rest = n_active - negative_mesh - nullity
        negative_nodal = _partner(topology.cuts, 1.0 / q, rest) if topology.is_graph else rest
    edges: tuple[str, ...] = ()
    if nullity:
        edges = _singular_edges(network, topology, q)
    return Screen(
        n_active=n_active,
        negative_mesh=negative_mesh,
        negative_nodal=negative_nodal,
        nullity=nullity,
        singular_edges=edges,
        projector_singular=_projector_singular(network, topology),
    )


def _screen_rest(network: Network, state: Array) -> Screen:
    """The screen of what conducts, with capacitors contracted and inductors and current sources deleted."""
    rest = conducting_rest(network)
    assert rest is not None  # an active edge conducts
    conducting = [k for k, what in enumerate(network.imposed) if not what]
    found = screen(rest, state[conducting])
    if not found.singular:
        return found
    names = {rest.edge_name(at): network.edge_name(k) for at, k in enumerate(conducting)}
    return replace(found, singular_edges=tuple(names.get(name, name) for name in found.singular_edges))


def require_regular(network: Network, state: Array) -> None:
    """Raise `SingularNetwork` (a `ScreenError`) naming the loop when the currents are undetermined."""
    screen(network, state).require_solvable()


def signed_resistance(network: Network, state: Array) -> Array:
    """P R(s) in ohm, (n_e,); for devices that are not ohmic 1 / (di/dv) at v = 0."""
    out = np.empty(network.n_edges)
    for group in network.groups:
        s = state[group.edges]
        if group.device.ohmic:
            out[group.edges] = network.P[group.edges] * group.resistive.resistance(s)
        else:
            out[group.edges] = 1.0 / group.conductive.current_partials(np.zeros_like(s), s)[0]
    return out


def _form(rows: sp.csr_array, weight: Array) -> sp.csc_array:
    """rows diag(weight) rows^t, scaled by the diagonal of its passive twin (a congruence)."""
    twin = np.sqrt(np.asarray((rows * rows) @ np.abs(weight)).ravel())
    twin[twin == 0.0] = 1.0
    scaled = sp.diags_array(1.0 / twin) @ rows
    return sp.csc_array(scaled @ sp.diags_array(weight) @ scaled.T)


def _inertia(rows: sp.csr_array, weight: Array) -> tuple[int, int]:
    """(number of negative, number of zero) eigenvalues of rows diag(weight) rows^t."""
    if rows.shape[0] == 0:
        return 0, 0
    matrix = _form(rows, weight)
    if matrix.shape[0] <= DENSE_SCREEN:
        values = np.linalg.eigvalsh(matrix.toarray())
    else:
        import qdldl

        try:
            values = np.asarray(qdldl.Solver(sp.csc_array(sp.triu(matrix)), upper=True).factors()[1])
        except RuntimeError:
            raise ScreenError(
                f"the signs of a network with {matrix.shape[0]} unknowns cannot be determined: "
                "a pivot vanishes; change the order of the edges or screen a smaller network"
            ) from None
    zero = np.abs(values) <= RELATIVE_ZERO * max(1.0, float(np.abs(values).max()))
    return int(((values < 0) & ~zero).sum()), int(zero.sum())


def _partner(rows: sp.csr_array, weight: Array, by_identity: int) -> int:
    """The other form's negative count: computed where cheap, else from the inertia identity."""
    return _inertia(rows, weight)[0] if rows.shape[0] <= DENSE_SCREEN else by_identity


def _singular_edges(network: Network, topology: Topology, q: Array) -> tuple[str, ...]:
    """Edges that carry the current A^t x of a null vector x of A P R A^t, largest first."""
    if topology.n_loops > DENSE_SCREEN:
        return ("(network too large to name the loop)",)
    A = topology.A
    twin = np.sqrt(np.asarray((A * A) @ np.abs(q)).ravel())
    values, vectors = np.linalg.eigh(_form(A, q).toarray())
    current = np.abs(A.T @ (vectors[:, int(np.abs(values).argmin())] / twin))
    carrying = np.flatnonzero(current > 1e-6 * current.max())
    chosen = carrying[np.argsort(-current[carrying], kind="stable")][:NAMED_EDGES]
    names = tuple(network.edge_name(int(k)) for k in chosen)
    return (*names, "…") if carrying.size > NAMED_EDGES else names


def _projector_singular(network: Network, topology: Topology) -> bool:
    try:
        Q = network.P * reference_resistance(network)[0]
    except NetworkError:
        Q = network.P
    if topology.is_graph and topology.n_free < topology.n_loops:
        return _inertia(topology.cuts, 1.0 / Q)[1] > 0
    return _inertia(topology.A, Q)[1] > 0
