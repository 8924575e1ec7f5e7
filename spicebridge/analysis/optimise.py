"""Combinatorial optimisation by a memristive network: the vertices of the cube are the answers.

A loop matrix A = [I | M] with n memristors (law of paper 1, hard bounds) and n resistors of 1 ohm is the network
(r_on (I + xi W) + M M^t) i = S. Its Lyapunov function (``lyapunov``) with y = w^2, u = -xi beta, d = xi beta^2/r_on,
T = (r_on I + M M^t)^-1

    L = -(alpha/3) d sum w^3 - (alpha/4) u^2 y^t T y - (u/2) y^t T S

is a quadratic form on the vertices w in {0, 1}^n, where w^3 = y = w. With

    T_ij = -4 c Q_ij/(alpha u^2) (i != j),   the diagonal of T just large enough for a Cholesky factor M,
    T S = -(2/u) (c Q_kk + alpha d/3 + alpha u^2 T_kk/4)

L = c w^t Q w + const there: falling L is falling energy (paper 1, section 4). For alpha > 0 no point of the bulk is
stable, so that every run ends on a vertex. The diagonal that T needs makes L concave, hence many vertices stable
that are no good: single runs are poor, and the search restarts some states of the best vertices met so far.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array, IntArray
from spicebridge.circuit.circuit_run import simulate
from spicebridge.errors import NetworkError
from spicebridge.laws import LinearMemristor, Resistor
from spicebridge.network import Network
from spicebridge.shown import brief
from spicebridge.theory import solve
from spicebridge.theory.ensembles import integrate_ensemble
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Hard

XI = 10.0
"""Roff/Ron - 1 of the memristors."""
RANGE, WEAK_RANGE = (0.01, 0.98), (0.0005, 0.05)
"""Least and largest eigenvalue of r_on T: M M^t = T^-1 - r_on I needs them between 0 and 1. In the strong range a
vertex that no flip betters may be unstable, for the rates are G^-1 (-grad L) with G = diag(d w) + u^2 W T W, and the
optimum cannot be met; in the weak one G is nearly diagonal, but most vertices are stable, too many for large
problems."""
FEW = 10
"""Variables up to which the coupling is weak."""
SPAN = 20.0
"""Length of a run in units of 1/alpha."""
STEPS = 4000
"""Steps of the circuit that repeats the best run."""
START, SPREAD = 0.8, 0.2
"""States start at this value, give or take: small ones all fall to 0."""
FIRST = 200
"""Trajectories from random states, …"""
GENERATION = 100
"""… then so many at a time that restart states of the best vertices …"""
ELITE = 10
"""… of which so many are kept, …"""
KICKED = (1, 4)
"""… and so many of the states (least, most; more in larger networks)."""
LARGEST = 400
"""Variables; beyond, n^2 numbers a run make other methods the better choice."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Solution:
    """What a search found.

    ``state`` (n,) of 0 and 1 with the least ``energy`` met; ``spins`` 2 state - 1. ``trajectories`` were run,
    ``vertices`` counts the different answers, ``history`` the best energy after each generation. ``start`` (n_e,) leads
    to the state. ``confirmed`` says whether ngspice, run from the same start, ends at the same vertex;
    None where it was not asked.
    """

    state: IntArray
    energy: float
    trajectories: int
    vertices: int
    history: tuple[tuple[int, float], ...]
    start: Array = field(repr=False)
    network: Network = field(repr=False)
    confirmed: bool | None = None
    spice: Waveforms | None = field(default=None, repr=False)

    __repr__ = brief

    @property
    def spins(self) -> IntArray:
        return 2 * self.state - 1


@dataclass(frozen=True, eq=False)
class Qubo:
    """least x^t Q x + offset over x in {0, 1}^n, as a network: see `from_qubo`, `from_ising`, `from_portfolio`.

    ``Q`` (n, n) symmetric; ``scale`` c in J per unit of energy: L = c energy + const on the vertices.
    """

    Q: Array
    offset: float
    network: Network = field(repr=False)
    scale: float

    __repr__ = brief

    @property
    def n(self) -> int:
        return len(self.Q)

    def energy(self, state: ArrayLike) -> Array:
        """x^t Q x + offset (...,) for x (..., n)."""
        x = np.asarray(state, float)
        return np.asarray(((x @ self.Q) * x).sum(axis=-1) + self.offset)

    def solve(
        self, *, seed: int = 0, trajectories: int = 1000, confirm: bool = True, engine: str = "ngspice"
    ) -> Solution:
        """Search with at most `trajectories` runs; the best one is repeated in `engine`.

        Nothing proves that the answer is the least one. Raises `NetworkError` for fewer than one trajectory.
        """
        if not (isinstance(trajectories, (int, np.integer)) and trajectories >= 1):
            raise NetworkError(f"trajectories = {trajectories!r} must be a whole number of at least 1")
        found = _Search(self, np.random.default_rng(seed))
        found.run(found.inner((min(FIRST, trajectories), self.n)))
        while found.used < trajectories:
            found.run(found.kicked(min(GENERATION, trajectories - found.used)))
        vertex, start = found.winner()
        solution = Solution(
            state=vertex.astype(np.intp),
            energy=float(self.energy(vertex)),
            trajectories=found.used,
            vertices=len(found.energies),
            history=tuple(found.history),
            start=start,
            network=self.network.with_initial_state(start),
        )
        return _repeated(self, solution, engine) if confirm else solution


class _Search:
    """Vertices met, with their energies and a start that leads to each."""

    def __init__(self, problem: Qubo, rng: np.random.Generator) -> None:
        self.problem, self.rng = problem, rng
        self.n = problem.n
        self.energies: dict[bytes, float] = {}
        self.starts: dict[bytes, list[Array]] = {}
        self.history: list[tuple[int, float]] = []
        self.used = 0

    def inner(self, shape: int | tuple[int, int]) -> Array:
        """Random states in the bulk."""
        return np.clip(START + SPREAD * self.rng.uniform(-1.0, 1.0, shape), 0.0, 1.0)

    def kicked(self, count: int) -> Array:
        """The best vertices, with a few states of each put back into the bulk."""
        best = heapq.nsmallest(ELITE, self.energies, key=self.energies.__getitem__)
        states = np.array([np.frombuffer(best[k]) for k in self.rng.integers(len(best), size=count)])
        most = min(self.n, max(KICKED[1], self.n // 5))
        for state in states:
            chosen = self.rng.choice(self.n, self.rng.integers(min(KICKED[0], most), most + 1), replace=False)
            state[chosen] = self.inner(chosen.size)
        return states

    def run(self, states: Array) -> None:
        """Integrate from `states` (count, n) and keep the vertices."""
        padded = np.hstack([states, np.zeros_like(states)])
        out = integrate_ensemble(self.problem.network, [SPAN], initial_states=padded, rtol=1e-3, atol=1e-4)
        self.used += len(states)
        vertices = (out.state[:, -1, : self.n] > 0.5).astype(float)
        energies = self.problem.energy(vertices)
        for k in np.flatnonzero(out.complete).tolist():
            key = vertices[k].tobytes()
            self.energies[key] = float(energies[k])
            self.starts.setdefault(key, []).append(padded[k])
        if not self.energies:
            raise NetworkError(f"no trajectory reached its end: {out.reasons[0]}")
        self.history.append((self.used, min(self.energies.values())))

    def winner(self) -> tuple[Array, Array]:
        """The best vertex and a start that leads to it when it is integrated sharply."""
        key = min(self.energies, key=self.energies.__getitem__)
        vertex = np.frombuffer(key).copy()
        inward = np.concatenate([np.clip(vertex, 0.05, 0.95), np.zeros(self.n)])
        for start in [*self.starts[key][:8], inward]:
            path = solve(self.problem.network.with_initial_state(start), SPAN, rtol=1e-9, atol=1e-11)
            if path.complete and ((path(SPAN)[: self.n] > 0.5) == (vertex > 0.5)).all():
                return vertex, start
        return vertex, np.concatenate([vertex, np.zeros(self.n)])


def _repeated(problem: Qubo, solution: Solution, engine: str) -> Solution:
    """The winning run in a simulator."""
    waves = simulate(solution.network, np.linspace(0.0, SPAN, 201), engine=engine, step=SPAN / STEPS)
    end = (waves.state[-1, : problem.n] > 0.5).astype(int)
    return replace(solution, confirmed=bool((end == solution.state).all()), spice=waves)


def from_qubo(Q: ArrayLike, *, offset: float = 0.0) -> Qubo:
    """The network of: least x^t Q x + offset, x in {0, 1}^n. `Q` (n, n) need not be symmetric.

    Raises `NetworkError` for a matrix that is not square, real and finite.
    """
    try:
        matrix = np.array(Q, dtype=float)
    except (TypeError, ValueError):
        raise NetworkError("Q: entries must be real numbers") from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise NetworkError(f"Q has shape {matrix.shape}; it must be (n, n), one row and column a variable")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0].tolist()
        raise NetworkError(f"Q: entry ({row}, {column}) must be finite")
    if len(matrix) > LARGEST:
        raise NetworkError(f"Q has {len(matrix)} variables; this search takes up to {LARGEST}")
    symmetric = 0.5 * (matrix + matrix.T)
    network, scale = _network(symmetric)
    return Qubo(symmetric, float(offset), network, scale)


def from_ising(J: ArrayLike, h: ArrayLike = 0.0) -> Qubo:
    """The network of: least s^t J s + h . s over spins s in {-1, +1}^n; energies are those of the spins.

    `J` (n, n), whose diagonal only adds a constant; `h` (n,) or one number.
    """
    coupling = from_qubo(J).Q
    field_ = np.broadcast_to(np.asarray(h, float), (len(coupling),))
    # s = 2 x - 1
    linear = 2.0 * field_ - 4.0 * coupling.sum(axis=1)
    return from_qubo(4.0 * coupling + np.diag(linear), offset=float(coupling.sum() - field_.sum()))


def from_portfolio(
    mean: ArrayLike,
    covariance: ArrayLike,
    *,
    risk_aversion: float = 1.0,
    budget: int | None = None,
    penalty: float | None = None,
) -> Qubo:
    """The network of: which assets x in {0, 1}^n give most mean . x - (risk_aversion/2) x^t covariance x.

    The energy is minus that. `budget` asks for so many assets by `penalty` (sum x - budget)^2, by default with a
    penalty above the largest change that one asset makes.
    """
    mu = np.asarray(mean, float)
    risk = 0.5 * float(risk_aversion) * from_qubo(covariance).Q
    if mu.shape != (len(risk),):
        raise NetworkError(f"mean has shape {mu.shape} for a covariance of {len(risk)} assets")
    Q = risk - np.diag(mu)
    if budget is None:
        return from_qubo(Q)
    if not 0 <= budget <= len(mu):
        raise NetworkError(f"budget = {budget!r} must be a number of assets, 0 to {len(mu)}")
    price = float(np.abs(mu).max() + 2.0 * np.abs(risk).sum(axis=1).max()) if penalty is None else float(penalty)
    return from_qubo(Q + price * (np.ones_like(Q) - 2.0 * budget * np.eye(len(mu))), offset=price * budget**2)


def _network(Q: Array) -> tuple[Network, float]:
    """The network of the module's header, alpha = beta = r_on = 1, and c."""
    n, r_on, alpha, beta = len(Q), 1.0, 1.0, 1.0
    coupling = -(Q - np.diag(np.diag(Q)))
    values = np.linalg.eigvalsh(coupling)
    spread = float(values[-1] - values[0])
    low, high = WEAK_RANGE if n <= FEW else RANGE
    if n <= FEW:
        # nor may one entry of the diagonal outweigh the cubic term of L
        spread = max(spread, float(np.abs(np.diag(Q)).max()))
    share = (high - low) / (r_on * spread) if spread > 0.0 else 0.1 / max(float(np.abs(Q).max()), 1e-300)
    T = share * (coupling - values[0] * np.eye(n)) + low / r_on * np.eye(n)
    u, d = -XI * beta, XI * beta**2 / r_on
    c = share * alpha * u**2 / 4.0
    level = -2.0 / u * (c * np.diag(Q) + alpha * d / 3.0 + alpha * u**2 * np.diag(T) / 4.0)
    rest = np.linalg.inv(T) - r_on * np.eye(n)
    M = np.linalg.cholesky(0.5 * (rest + rest.T))
    device = LinearMemristor.caravelli2017(r_on, r_on * (1.0 + XI), alpha, beta, window=Hard())
    network = Network.from_loop_matrix(
        np.hstack([np.eye(n), M]),
        device=[device] * n + [Resistor(np.ones(()))] * n,
        drive=np.concatenate([np.linalg.solve(T, level), np.zeros(n)]),
        initial_state=np.concatenate([np.full(n, START), np.zeros(n)]),
        title=f"QUBO of {n} variables",
    )
    return network, c
