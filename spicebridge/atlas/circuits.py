"""The circuits on which claims are tried: named graphs and random ones, every random number seeded.

Memristors of paper 1: Ron = 100 ohm, Roff = 1000 ohm (xi = 9), beta = 1 V s, and of paper 2: Roff = 1 ohm,
chi = 0.9, alpha = 1/s, beta = 1 V s. Spans and sources keep the states in the bulk unless a claim is about
bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.analysis.fixed_points import fixed_points
from spicebridge.arrays import Array, IntArray
from spicebridge.drives import DC, Drive, Sine, Sum
from spicebridge.laws import LinearMemristor
from spicebridge.laws.base import Device
from spicebridge.network import Network
from spicebridge.network.entries import Numbers, Sources
from spicebridge.theory import solve
from spicebridge.theory.currents.topology import Topology
from spicebridge.windows import Window

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


GRAPHS: dict[str, Edges] = {
    "K4": K4,
    "parallel edges, a bridge, two components": PARALLEL,
    "grid 3x3": grid(3, 3),
    "random 8 nodes 14 edges (seed 5)": random_edges(8, 14, 5),
}
"""Edges by name; the seed of a random graph stands in its name."""
BARE = tuple(name for name in GRAPHS if "parallel" not in name)
"""The connected graphs without parallel edges."""


def caravelli(
    *,
    r_on: ArrayLike = R_ON,
    r_off: ArrayLike = R_OFF,
    alpha: ArrayLike = 0.0,
    beta: ArrayLike = BETA,
    control: str = "current",
    window: Window | None = None,
) -> LinearMemristor:
    """Paper 1's law with the parameters of the module."""
    return LinearMemristor.caravelli2017(r_on, r_off, alpha, beta, control, window)


def tunneling(
    *,
    r_on: ArrayLike = 1.0 - CHI,
    r_off: ArrayLike = 1.0,
    alpha: ArrayLike = 1.0,
    beta: ArrayLike = 1.0,
    window: Window | None = None,
) -> LinearMemristor:
    """Paper 2's law with chi = 0.9, alpha = beta = 1, Roff = 1 ohm."""
    return LinearMemristor.tunneling(r_on, r_off, alpha, beta, window=window)


@dataclass(frozen=True)
class NamedCircuit:
    """A network, its name on the page (with seeds) and the span of its transient in s."""

    name: str
    network: Network
    stop: float


def circuit(
    name: str,
    edges: Edges,
    *,
    device: Device | Sequence[Device] | None = None,
    drive: Sources = None,
    initial_state: Numbers = 0.5,
    active: Sequence[int] = (),
    polarity: Numbers = 1,
    stop: float = SPAN,
) -> NamedCircuit:
    """A circuit from edges; nodes are numbered from 0."""
    network = Network.from_edges(
        edges,
        device=device or caravelli(),
        drive=drive,
        initial_state=initial_state,
        active=active,
        polarity=polarity,
        nodes=range(1 + max(max(edge) for edge in edges)),
    )
    return NamedCircuit(name, network, stop)


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Standard:
    """Several of `GRAPHS` with random sources and states; the first `quick` of them for a quick look.

    `amplitude` in V is that of the sources, which are sines on levels (`ac`) or levels; `mixed` makes some edges
    active, `polarity` draws J; `states` is the range of the initial states.
    """

    names: Sequence[str] = tuple(GRAPHS)
    quick: int = 2
    seed: int = 11
    amplitude: float = 0.2
    ac: bool = True
    mixed: bool = False
    polarity: bool = False
    device: LinearMemristor | None = None
    states: tuple[float, float] = (0.3, 0.7)
    stop: float = SPAN

    def circuits(self, *, quick: bool) -> list[NamedCircuit]:
        return [self.circuit(name) for name in self.names[: self.quick if quick else None]]

    def circuit(self, name: str) -> NamedCircuit:
        """One of the graphs.

        Active edges are drawn again until both matrices of the network stay well away from singular over the
        whole span, so that what is tested is the statement and not the conditioning.
        """
        edges, rng = GRAPHS[name], np.random.default_rng(self.seed)
        n = len(edges)
        drives = random_drives(rng, n, self.amplitude, ac=self.ac)
        start = rng.uniform(*self.states, n)
        J = rng.choice([-1, 1], n) if self.polarity else 1
        words = [word for word, on in (("mixed P", self.mixed), ("random J", self.polarity), ("AC", self.ac)) if on]
        title = ", ".join([name, *words, f"seed {self.seed}"])
        plain = circuit(title, edges, device=self.device, drive=drives, initial_state=start, polarity=J, stop=self.stop)
        return replace(plain, network=with_regular_active(plain, rng)) if self.mixed else plain

    @property
    def words(self) -> str:
        """What the page says about them."""
        parts = ["mixed P" if self.mixed else "", "random J" if self.polarity else ""]
        if (law := self.device) is not None:
            parts.append("" if law.kappa > 0.0 else "paper 2's law")
            parts.append("" if law.control == "current" else "voltage control")
            parts.append(f"alpha = {abs(law.alpha):g}/s" if law.alpha and law.kappa > 0.0 else "")
        parts.append("AC" if self.ac else "DC")
        return f"{', '.join(self.names)}: {', '.join(part for part in parts if part)} (seed {self.seed})"


CONDITION = 30.0
"""Worst condition number of A P R A^t and of A P A^t that a random circuit with active edges may have."""
BULK = (0.03, 0.97)
"""The states that such a circuit may visit."""


def with_regular_active(case: NamedCircuit, rng: np.random.Generator) -> Network:
    """The network with about a third of its edges active, regular and in the bulk over the whole span."""
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
) -> NamedCircuit:
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


def prism(stop: float = 3.0, alpha: float = -1.0) -> NamedCircuit:
    """The ringing prism at its fixed point w*."""
    return fixed_point("prism", PRISM, np.array(PRISM_W), alpha=alpha, xi=PRISM_XI, active=PRISM_ACTIVE, stop=stop)


def reversed_drive(drive: Drive | None, stop: float) -> Drive | None:
    """-S(T - t). Raises `TypeError` for drives that have no such twin here."""
    if drive is None:
        return None
    if isinstance(drive, DC):
        return DC(-drive.level)
    if isinstance(drive, Sine) and drive.delay == 0.0:
        angle = 2.0 * np.pi * drive.frequency * stop
        return Sine(drive.amplitude, drive.frequency, offset=-drive.offset, phase=-drive.phase - angle)
    if isinstance(drive, Sum):
        parts = [reversed_drive(term, stop) for term in drive.terms]
        return Sum(tuple(part for part in parts if part is not None))
    raise TypeError(f"{drive!r} cannot be run backwards")


def bulk_points(network: Network) -> list[Array]:
    """Fixed points of a network with 0 < w < 1 on every edge, under its constant sources."""
    found = fixed_points(network, starts=24)
    return [
        point.state for point in found if not point.held.any() and 0.0 < point.state.min() <= point.state.max() < 1.0
    ]


def matrices(network: Network) -> tuple[Array, Array, Array]:
    """(A, B, Omega) of a network, dense; B has no rows for a loop matrix."""
    topology = Topology.of(network)
    B = topology.B.toarray() if topology.is_graph else np.zeros((0, network.n_edges))
    return topology.A.toarray(), B, topology.Omega


def laws_of(network: Network) -> list[LinearMemristor]:
    """The laws of a network of linear memristors, edge by edge."""
    return cast("list[LinearMemristor]", network.devices())


def mesh_current(A: Array, q: Array, S: ArrayLike) -> Array:
    """i = A^t (A diag(q) A^t)^-1 A S for rows of q and S, (n_t, n_e)."""
    emf = np.broadcast_to(np.asarray(S, float), q.shape)
    mesh = np.einsum("ak,tk,bk->tab", A, q, A)
    return np.asarray(np.linalg.solve(mesh, (emf @ A.T)[..., None])[..., 0] @ A)
