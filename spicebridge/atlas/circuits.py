"""The circuits on which claims are tried: named graphs and random ones, every random number seeded.

Memristors of paper 1: Ron = 100 ohm, Roff = 1000 ohm (xi = 9), beta = 1 V s, and of paper 2: Roff = 1 ohm,
chi = 0.9, alpha = 1/s, beta = 1 V s. Spans and sources keep the states in the bulk unless a claim is about
bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array, IntArray
from spicebridge.atlas.runs import Circuit
from spicebridge.drives import DC, Drive, Sine
from spicebridge.laws import LinearMemristor
from spicebridge.laws.base import Device
from spicebridge.network import Network
from spicebridge.network.entries import Numbers, Sources

Edges = list[tuple[int, int]]

R_ON, R_OFF, BETA = 100.0, 1000.0, 1.0
XI = R_OFF / R_ON - 1.0
CHI = 0.9
SPAN = 2.0
"""s, of most transients."""

TRIANGLE: Edges = [(0, 1), (1, 2), (2, 0)]
K4: Edges = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
THETA: Edges = [(0, 1), (0, 1), (0, 1)]
PARALLEL: Edges = [(0, 1), (1, 0), (0, 1), (1, 2), (2, 3), (3, 1), (3, 4), (5, 6), (6, 7), (7, 5), (7, 5), (5, 7)]
"""Parallel edges in both directions, a bridge (3, 4), and a second component."""
PRISM: Edges = [(1, 0), (1, 2), (2, 0), (3, 4), (5, 4), (3, 5), (0, 3), (4, 1), (2, 5)]
PRISM_ACTIVE = (2, 5, 7)
PRISM_W = (0.46, 0.42, 0.18, 0.54, 0.34, 0.10, 0.64, 0.88, 0.24)
PRISM_XI = 1.2


def grid(rows: int, columns: int) -> Edges:
    """Edges of a square grid, row by row."""
    right = [(r * columns + c, r * columns + c + 1) for r in range(rows) for c in range(columns - 1)]
    down = [(r * columns + c, (r + 1) * columns + c) for r in range(rows - 1) for c in range(columns)]
    return right + down


def complete(n: int) -> Edges:
    return [(a, b) for a in range(n) for b in range(a + 1, n)]


def loop(n: int) -> Edges:
    """One loop of n edges, all in one direction."""
    return [(k, (k + 1) % n) for k in range(n)]


def random_edges(nodes: int, edges: int, seed: int) -> Edges:
    """A connected random graph: a random tree and random chords, in random orientation."""
    rng = np.random.default_rng(seed)
    found = [(int(rng.integers(k)), k) for k in range(1, nodes)]
    while len(found) < edges:
        a, b = (int(x) for x in rng.choice(nodes, 2, replace=False))
        if (a, b) not in found and (b, a) not in found:
            found.append((a, b))
    return [(a, b) if rng.random() < 0.5 else (b, a) for a, b in found]


GRAPHS: dict[str, tuple[Edges, int]] = {
    "K4": (K4, 4),
    "parallel edges, a bridge, two components": (PARALLEL, 8),
    "grid 3x3": (grid(3, 3), 9),
    "random 8 nodes 14 edges (seed 5)": (random_edges(8, 14, 5), 8),
}
"""Name -> edges and number of nodes; the seed of a random graph stands in its name."""


def caravelli(**changes: Any) -> LinearMemristor:
    """Paper 1's law with the parameters of the module."""
    values: dict[str, Any] = {"r_on": R_ON, "r_off": R_OFF, "alpha": 0.0, "beta": BETA}
    return LinearMemristor.caravelli2017(**(values | changes))


def tunneling(**changes: Any) -> LinearMemristor:
    """Paper 2's law with chi = 0.9, alpha = beta = 1, Roff = 1 ohm."""
    values: dict[str, Any] = {"r_on": 1.0 - CHI, "r_off": 1.0, "alpha": 1.0, "beta": 1.0}
    return LinearMemristor.tunneling(**(values | changes))


def circuit(
    name: str,
    edges: Edges,
    *,
    device: Device | Sequence[Device] | None = None,
    drive: Sources = None,
    initial_state: Numbers = 0.5,
    stop: float = SPAN,
    **more: Any,
) -> Circuit:
    """A circuit from edges; nodes are numbered from 0."""
    nodes = range(1 + max(max(edge) for edge in edges))
    network = Network.from_edges(
        edges, device=device or caravelli(), drive=drive, initial_state=initial_state, nodes=nodes, **more
    )
    return Circuit(name, network, stop)


def random_drives(rng: np.random.Generator, n: int, amplitude: float, *, ac: bool) -> list[Drive]:
    """A level and, for `ac`, a sine of 0.3 to 1.3 Hz on every edge."""
    level = rng.uniform(-amplitude, amplitude, n)
    if not ac:
        return [DC(float(x)) for x in level]
    size, frequency, phase = rng.uniform(-amplitude, amplitude, n), rng.uniform(0.3, 1.3, n), rng.uniform(0, 6, n)
    return [
        DC(float(x)) + Sine(amplitude=float(a), frequency=float(f), phase=float(p))
        for x, a, f, p in zip(level, size, frequency, phase, strict=True)
    ]


def random_circuit(
    name: str,
    *,
    seed: int = 11,
    amplitude: float = 0.2,
    ac: bool = True,
    mixed: bool = False,
    polarity: bool = False,
    device: Device | Sequence[Device] | None = None,
    states: tuple[float, float] = (0.3, 0.7),
    stop: float = SPAN,
) -> Circuit:
    """One of `GRAPHS` with random sources, states and, if wanted, polarities and active edges.

    Active edges are drawn again until both matrices of the network stay well away from singular over the
    whole span, so that what is tested is the statement and not the conditioning.
    """
    edges, _ = GRAPHS[name]
    rng = np.random.default_rng(seed)
    n = len(edges)
    drives = random_drives(rng, n, amplitude, ac=ac)
    start = rng.uniform(*states, n)
    J = rng.choice([-1, 1], n) if polarity else 1
    words = [word for word, on in (("mixed P", mixed), ("random J", polarity), ("AC", ac)) if on]
    title = ", ".join([name, *words, f"seed {seed}"])
    plain = circuit(title, edges, device=device, drive=drives, initial_state=start, polarity=J, stop=stop)
    return replace(plain, network=with_regular_active(plain, rng)) if mixed else plain


CONDITION = 30.0
"""Worst condition number of A P R A^t and of A P A^t that a random circuit with active edges may have."""
BULK = (0.03, 0.97)
"""The states that such a circuit may visit."""


def with_regular_active(case: Circuit, rng: np.random.Generator) -> Network:
    """The network with about a third of its edges active, regular and in the bulk over the whole span."""
    from spicebridge.theory import solve

    A = matrices(case.network)[0]
    t = np.linspace(0.0, case.stop, 11)
    nearby = np.clip(case.network.initial_state + rng.uniform(-0.2, 0.2, (64, A.shape[1])), 0.0, 1.0)
    for _ in range(10_000):
        P = np.where(rng.random(case.network.n_edges) < 0.33, -1.0, 1.0)
        if (P > 0).all() or np.linalg.cond((A * P) @ A.T) > CONDITION:
            continue
        # states near the start decide at little cost; a path into a singular point is slow to integrate
        q = P * case.network.resistance(nearby)
        if np.linalg.cond(np.einsum("ak,tk,bk->tab", A, q, A)).max() > CONDITION:
            continue
        network = case.network.with_active([int(k) for k in np.flatnonzero(P < 0)])
        path = solve(network, case.stop, rtol=1e-7, atol=1e-9)
        if not path.complete or not BULK[0] < path(t).min() < path(t).max() < BULK[1]:
            continue
        meshes = np.einsum("ak,tk,bk->tab", A, P * network.resistance(path(t)), A)
        if np.linalg.cond(meshes).max() < CONDITION:
            return network
    raise AssertionError("no regular choice of active edges was found")


def fixed_point(
    name: str,
    edges: Edges,
    w: Array,
    *,
    alpha: float,
    xi: float = XI,
    J: ArrayLike = 1,
    active: tuple[int, ...] = (),
    stop: float = 2.0,
) -> Circuit:
    """A circuit whose fixed point is w (B J w = 0): S = alpha beta P J (w + xi w^2)."""
    n = len(edges)
    P = np.where(np.isin(np.arange(n), active), -1.0, 1.0)
    S = alpha * BETA * P * np.broadcast_to(J, n) * (w + xi * w**2)
    device = caravelli(alpha=alpha, r_off=R_ON * (1.0 + xi))
    return circuit(name, edges, device=device, drive=S, initial_state=w, active=active, polarity=J, stop=stop)


def flow_state(edges: Edges, seed: int, top: float = 0.7) -> tuple[Array, IntArray]:
    """A state with B J w = 0: the size of a random circulation, J its sign."""
    case = circuit("", edges)
    A = matrices(case.network)[0]
    rng = np.random.default_rng(seed)
    flow = rng.normal(size=A.shape[0]) @ A
    flow = flow / np.abs(flow).max() * top
    J = np.where(flow >= 0.0, 1, -1)
    return np.abs(flow), J


def prism(stop: float = 3.0, alpha: float = -1.0) -> Circuit:
    """The ringing prism at its fixed point w*."""
    return fixed_point("prism", PRISM, np.array(PRISM_W), alpha=alpha, xi=PRISM_XI, active=PRISM_ACTIVE, stop=stop)


@dataclass(frozen=True)
class Standard:
    """`random_circuit` on several of `GRAPHS` with the same options; the first `quick` of them for a quick look."""

    names: tuple[str, ...]
    quick: int
    options: Mapping[str, Any]

    def circuits(self, *, quick: bool) -> list[Circuit]:
        chosen = self.names[: self.quick] if quick else self.names
        return [random_circuit(name, **self.options) for name in chosen]

    @property
    def words(self) -> str:
        """What the page says about them."""
        on, device = self.options, self.options.get("device")
        parts = ["mixed P" if on.get("mixed") else "", "random J" if on.get("polarity") else ""]
        if device is not None:
            parts.append("" if device.kappa > 0.0 else "paper 2's law")
            parts.append("" if device.control == "current" else "voltage control")
            parts.append(f"alpha = {abs(device.alpha):g}/s" if device.alpha and device.kappa > 0.0 else "")
        parts.append("AC" if on.get("ac", True) else "DC")
        return f"{', '.join(self.names)}: {', '.join(part for part in parts if part)} (seed {on.get('seed', 11)})"


BARE = tuple(name for name in GRAPHS if "parallel" not in name)
"""The connected graphs without parallel edges."""


def standard(names: Sequence[str] = tuple(GRAPHS), *, quick: int = 2, **options: Any) -> Standard:
    return Standard(tuple(names), quick, options)


def bulk_points(network: Network) -> list[Array]:
    """Fixed points of a network with 0 < w < 1 on every edge, under its constant sources."""
    from spicebridge.analysis.fixed_points import fixed_points

    found = fixed_points(network, starts=24)
    return [
        point.state for point in found if not point.held.any() and 0.0 < point.state.min() <= point.state.max() < 1.0
    ]


def matrices(network: Network) -> tuple[Array, Array, Array]:
    """(A, B, Omega) of a network, dense; B has no rows for a loop matrix."""
    from spicebridge.theory.currents.topology import Topology

    topology = Topology.of(network)
    B = topology.B.toarray() if topology.is_graph else np.zeros((0, network.n_edges))
    return topology.A.toarray(), B, topology.Omega


def laws_of(network: Network) -> list[Any]:
    """The laws of a network of linear memristors, edge by edge."""
    return list(network.devices())


def mesh_current(A: Array, q: Array, S: ArrayLike) -> Array:
    """i = A^t (A diag(q) A^t)^-1 A S for rows of q and S, (n_t, n_e)."""
    emf = np.broadcast_to(np.asarray(S, float), q.shape)
    mesh = np.einsum("ak,tk,bk->tab", A, q, A)
    return np.asarray(np.linalg.solve(mesh, (emf @ A.T)[..., None])[..., 0] @ A)
