"""Where a network under constant sources rests: fixed points in the unit cube, its faces and vertices included, and of
states without bounds those from -1 to 2 at which every resistance is positive.

    free states     f_k(s*) = 0,  0 < s_k < 1
    held at 1       f_k(s*) >= 0             held at 0     f_k(s*) <= 0        (hard bounds)

Held states stay held under small perturbations where the inequality is strict, so that stability is decided by
the spectrum of the Jacobian of the free states alone. A state that touches a bound without a force on it counts as
free; unless it moves on its own, as on a bridge, the spectrum then does not decide, and the point is "marginal". In
the bulk of paper 1's law that spectrum is alpha (n - 1 times) and alpha (2 - eta), Eqs. 38-39.

Search: an ensemble is integrated from random states until its members rest (this finds what attracts, and how
much of the cube); Newton's method with an active set is started from the ends and from random states, on random
faces too; in small networks every vertex is tried. Points already known are deflated: the step d of Newton's method
becomes d/(1 - grad log M . d), M(s) = prod_j (1 + 1/|s - s_j|^2) (Brown and Gearhart, Numer. Math. 16 (1971) 334;
Farrell, Birkisson and Funke, SIAM J. Sci. Comput. 37 (2015) A2026). Completeness is not proved, except for the
vertices where all were tried; the chance that another start ends at a point not in the list is estimated by the
part of starts whose end was seen once only (Good, Biometrika 40 (1953) 237).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import overload

import numpy as np
from numpy.typing import NDArray

from spicebridge.analysis.flow import Flow, dimensionless, require_autonomous
from spicebridge.analysis.pseudospectrum import eigenvalues
from spicebridge.arrays import Array, BoolArray, ComplexArray
from spicebridge.errors import NetworkError, SingularNetwork
from spicebridge.laws.base import Device, imposes
from spicebridge.network import Network
from spicebridge.shown import brief
from spicebridge.theory.ensembles import integrate_ensemble
from spicebridge.theory.threads import one_blas_thread
from spicebridge.windows import NoWindow

SAME = 1e-6
"""Points nearer than this (largest difference of a state) are one."""
EXACT = 1e-11
"""A rate below this part of the fastest time scale is zero."""
ITERATIONS = 60
STAGES = 9
"""Spans of the ensemble, each twice as long as the one before."""
RESTING = 1e-4
"""A member whose states would move by less than this in one unit of the fastest time rests …"""
NEAR = 1e-3
"""… at a point no further away than this; so does one that has come so near to a stable point."""
EVERY_VERTEX = 10
"""Up to so many hard edges every vertex of the cube is tried."""
EVALUATIONS, EVALUATIONS_PER_EDGE = 600, 40
"""Right-hand sides of a member in one span; one that needs more is near a singular state."""
FAR = 1.5
"""A state without bounds that is so far from 1/2 has left, and no fixed point is sought there."""
OVERSHOOT = 0.2
"""How far outside [0, 1] a smooth window without exact bounds may put a point."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedPoint:
    """A state at which nothing moves.

    ``state`` (n_e,); ``held`` (n_e,) is +1 where a hard bound holds the state at 1, -1 at 0, else 0. ``spectrum`` are
    the eigenvalues in 1/s of the Jacobian of the free states, by falling real part. ``kind`` is "stable", "unstable" or
    "marginal": an eigenvalue that is zero up to rounding, or a bound that holds with no force. ``basin`` is the
    part of random starts that came to rest here. ``confirmed`` says whether a circuit rests here, too; None
    where that was not measured.
    """

    state: Array
    held: NDArray[np.int8]
    spectrum: ComplexArray
    kind: str
    basin: float = 0.0
    confirmed: bool | None = None

    __repr__ = brief

    @property
    def stable(self) -> bool:
        """Whether every perturbation small enough dies out."""
        return self.kind == "stable"


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedPoints(Sequence[FixedPoint]):
    """The points found, those with the largest basin first.

    ``starts`` random starts were integrated, a part ``unsettled`` of them had not come to rest or left the range of
    the law; ``unseen`` estimates the probability that another start rests at a point that is not in the list.
    ``every_vertex`` says whether all vertices of the cube were tried. Nothing proves that the list is complete.
    """

    points: tuple[FixedPoint, ...]
    starts: int
    unsettled: float
    unseen: float
    every_vertex: bool

    __repr__ = brief

    @overload
    def __getitem__(self, k: int) -> FixedPoint: ...
    @overload
    def __getitem__(self, k: slice) -> tuple[FixedPoint, ...]: ...
    def __getitem__(self, k: int | slice) -> FixedPoint | tuple[FixedPoint, ...]:
        return self.points[k]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def stable(self) -> tuple[FixedPoint, ...]:
        return tuple(point for point in self.points if point.stable)

    @property
    def caveat(self) -> str:
        """What the search does not prove, in one sentence."""
        vertices = "every vertex of the cube was tried" if self.every_vertex else "vertices were not tried one by one"
        return (
            f"{self.starts} random starts; completeness is not proved ({vertices}; about {self.unseen:.2g} of other "
            "starts may rest elsewhere)"
        )

    def nearest(self, state: Array) -> tuple[FixedPoint | None, float]:
        """The point nearest to `state` (n_e,), and its distance (largest difference)."""
        if not self.points:
            return None, float("inf")
        distances = [float(np.abs(point.state - state).max()) for point in self.points]
        best = int(np.argmin(distances))
        return self.points[best], distances[best]


@dataclass
class _Search:
    """Points found so far, and what Newton's method needs; `inside` (n_e,) marks the states of the cube."""

    flow: Flow
    inside: BoolArray
    scale: float
    found: list[FixedPoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network = self.flow.network
        self.memory = self.network.stateful
        self.hard = self.flow.hard
        self.low, self.high = box(self.network)
        self.open = [g for g in self.network.groups if g.device.stateful and g.device.ohmic and _boundless(g.device)]

    def newton(self, state: Array, *, deflate: bool, face: Array | None = None) -> Array | None:
        """A rest point reached from `state`, or None. Raises nothing.

        `face` (n_e,) is +1 or -1 on states to be held at 1 or 0, 0 on free ones; None lets the rates choose.
        """
        s = state.copy()
        known = np.array([point.state for point in self.found]) if deflate and self.found else None
        for _ in range(ITERATIONS):
            try:
                f, J = self.flow.rate(s), self.flow.jacobian(s)
            except SingularNetwork:
                return None
            if not np.isfinite(f).all() or not np.isfinite(J).all():
                return None
            wanted = s + f / self.scale if face is None else 0.5 + face
            up, down = self.hard & (wanted >= 1.0), self.hard & (wanted <= 0.0)
            fixed = up | down
            free = self.memory & ~fixed
            move = np.where(up, 1.0 - s, np.where(down, -s, 0.0))
            residual = max(float(np.abs(f[free]).max(initial=0.0)) / self.scale, float(np.abs(move).max(initial=0.0)))
            if residual < EXACT:
                return s
            if free.any():
                right = -f[free] - J[np.ix_(free, fixed)] @ move[fixed]
                move[free] = np.linalg.lstsq(J[np.ix_(free, free)], right, rcond=1e-13)[0]
            if known is not None:
                move = move * _deflation(s, move, known)
            largest = float(np.abs(move).max())
            s = s + move * min(1.0, 0.5 / largest)
            if ((s < self.low) | (s > self.high)).any():
                return None
        return None

    def add(self, state: Array) -> int | None:
        """Index of the point at a rest state of Newton's method, new or known; None if it lies outside."""
        f = self.flow.rate(state)
        up = self.hard & (state >= 1.0 - EXACT)
        down = self.hard & (state <= EXACT)
        force = f * (up.astype(float) - down) / self.scale
        if (force[up | down] < -EXACT).any() or ((state < self.low) | (state > self.high)).any():
            return None
        if any((group.resistive.resistance(state[group.edges]) <= 0.0).any() for group in self.open):
            return None
        for k, point in enumerate(self.found):
            if float(np.abs(point.state - state).max()) < SAME:
                return k
        held = (up.astype(np.int8) - down.astype(np.int8)) * (np.abs(force) > EXACT)
        free = self.memory & (held == 0)
        J = self.flow.jacobian(state)[np.ix_(free, free)]
        spectrum = eigenvalues(J)
        touching = (up | down)[free]
        weak = bool((np.abs(J - np.diag(np.diag(J)))[touching] > 1e-12 * self.scale).any())
        top = float(spectrum.real.max(initial=-np.inf))
        zero = 1e-9 * max(self.scale, float(np.abs(spectrum).max(initial=0.0)))
        kind = "unstable" if top > zero else "marginal" if weak or top >= -zero else "stable"
        self.found.append(FixedPoint(state=state, held=held.astype(np.int8), spectrum=spectrum, kind=kind))
        return len(self.found) - 1

    def try_vertex(self, vertex: Array) -> None:
        """Add a vertex of the cube if the rates press every state against its bound."""
        try:
            f = self.flow.rate(vertex)
        except SingularNetwork:
            return
        if (f[self.memory] * (2.0 * vertex[self.memory] - 1.0) >= 0.0).all():
            self.add(vertex)

    def ending(self, state: Array) -> int | None:
        """Index of the point at which a run that has come to `state` rests, or None while it moves."""
        for k, point in enumerate(self.found):
            if point.stable and float(np.abs(point.state - state).max()) < NEAR:
                return k
        try:
            f = self.flow.rate(state)
        except SingularNetwork:
            return None
        held = self.hard & (((state >= 1.0) & (f > 0.0)) | ((state <= 0.0) & (f < 0.0)))
        if float(np.abs(np.where(held, 0.0, f)).max()) > RESTING * self.scale:
            return None
        reached = self.newton(state, deflate=False)
        if reached is None or float(np.abs(reached - state).max()) > NEAR:
            return None
        return self.add(reached)


def _deflation(s: Array, move: Array, known: Array) -> float:
    """The factor of Newton's step that keeps it away from the points (n, n_e) known already."""
    apart = s - known
    square = np.maximum((apart**2).sum(axis=1), 1e-24)
    slope = -(2.0 / (square * (1.0 + square))) @ apart
    return 1.0 / (1.0 - float(slope @ move)) if float(slope @ move) != 1.0 else 1.0


def box(network: Network) -> tuple[Array, Array]:
    """(low, high): how far the states of fixed points may lie outside [0, 1], (n_e,) each."""
    slack = np.full(network.n_edges, 1e-9)
    for group in network.groups:
        if imposes(group.device):
            slack[group.edges] = np.inf
        elif _boundless(group.device):
            slack[group.edges] = FAR - 0.5
        elif group.device.stateful and not group.device.window.bounded:
            slack[group.edges] = OVERSHOOT
    return -slack, 1.0 + slack


def _boundless(device: Device) -> bool:
    return device.stateful and not imposes(device) and isinstance(device.window, NoWindow)


def windowed_edges(network: Network) -> BoolArray:
    """(n_e,) where a window of any kind asks for initial states in [0, 1]."""
    found = np.zeros(network.n_edges, dtype=bool)
    for group in network.groups:
        found[group.edges] = group.device.stateful and not isinstance(group.device.window, NoWindow)
    return found


def time_scale(flow: Flow, states: Array) -> float:
    """A fast rate in 1/s: the median over `states` (n, n_e) of the largest one of field and Jacobian."""
    found = []
    for state in states:
        try:
            by_state = float(np.abs(flow.jacobian(state)).sum(axis=1).max())
            found.append(max(float(np.abs(flow.rate(state)).max()), by_state))
        except SingularNetwork:
            continue
    return float(np.median(found)) if found else 0.0


@one_blas_thread()
def fixed_points(network: Network, *, starts: int = 512, newton_starts: int = 128, seed: int = 0) -> FixedPoints:
    """Search the fixed points of `network` under its constant sources; see the module.

    `starts` random states are integrated, Newton's method is tried from `newton_starts` others.
    Raises `NetworkError` for sources that are not constant, or a network whose states never move.
    """
    require_autonomous(network, "fixed points")
    if starts < 1 or newton_starts < 0:
        raise NetworkError(f"fixed points: starts = {starts}, newton_starts = {newton_starts}; give at least 1 start")
    if not network.stateful.any():
        raise NetworkError("no edge has memory: there is no state, hence no fixed point")
    rng = np.random.default_rng(seed)
    flow = Flow(network)
    # voltages of capacitors and currents of inductors have no cube: they start at rest
    inside = network.stateful & dimensionless(network)
    cube = np.where(inside, rng.random((starts, network.n_edges)), 0.0)
    scale = time_scale(flow, cube[:16])
    if scale == 0.0:
        raise NetworkError("every state is a fixed point: no source, no decay; give a drive or an alpha")
    search = _Search(flow, inside, scale)
    memory = np.flatnonzero(network.stateful)
    every = bool(memory.size <= EVERY_VERTEX and flow.hard[memory].all())
    for corner in product((0.0, 1.0), repeat=memory.size) if every else ():
        vertex = np.zeros(network.n_edges)
        vertex[memory] = corner
        search.try_vertex(vertex)
    for state in np.where(inside, rng.random((newton_starts, network.n_edges)), 0.0):
        side = np.where(flow.hard & (rng.random(state.size) < rng.random()), rng.choice([-1.0, 1.0], state.size), 0.0)
        for face in (None, side) if flow.hard.any() else (None,):
            reached = search.newton(state, deflate=True, face=face)
            if reached is not None:
                search.add(reached)
    seen = _rest(search, cube)
    counted = [replace(point, basin=seen[k] / starts) for k, point in enumerate(search.found)]
    counted.sort(key=lambda point: (-point.basin, not point.stable))
    once = sum(count == 1 for count in seen.values())
    return FixedPoints(
        points=tuple(counted),
        starts=starts,
        unsettled=1.0 - seen.total() / starts,
        unseen=max(once, 1) / starts,
        every_vertex=every,
    )


def _rest(search: _Search, states: Array) -> Counter[int]:
    """Integrate `states` (n, n_e) until they rest; how many ended at each of the points, new ones added."""
    ends = states.copy()
    under_way = np.arange(states.shape[0])
    seen: Counter[int] = Counter()
    span = 10.0 / search.scale
    budget = EVALUATIONS + EVALUATIONS_PER_EDGE * search.network.n_edges
    windowed = windowed_edges(search.network)
    for _ in range(STAGES):
        if under_way.size == 0:
            break
        run = integrate_ensemble(
            search.network, [span], initial_states=ends[under_way], rtol=1e-6, atol=1e-9, max_evaluations=budget
        )
        ends[under_way] = np.where(windowed, np.clip(run.state[:, -1], 0.0, 1.0), run.state[:, -1])
        moving = []
        for row in under_way[run.complete].tolist():
            index = search.ending(ends[row])
            if index is not None:
                seen[index] += 1
            elif float(np.abs(ends[row] - 0.5)[search.inside].max(initial=0.0)) <= FAR:
                moving.append(row)
        under_way = np.array(moving, dtype=np.intp)
        span *= 2.0
    return seen
