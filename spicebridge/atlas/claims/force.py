"""Paper 2, Eqs. 6, 8-11, 27-28: the Lyapunov force on the mean, and the Lyapunov function in the bulk and at walls.

d x_cg/dt = -dV/dx(x_cg) + alpha Lf,   x_cg = 1^t Omega x/N
Lf = (1/(alpha beta N)) 1^t (I - chi Omega X)^-1 Omega S - s/(1 - chi x_cg)

L(x) = (alpha/3) sum x^3 - (alpha chi/4) (x^2)^t Omega x^2 - (1/(2 beta)) (x^2)^t Omega S
dL/dt = -(dx/dt)^t (X - chi X Omega X) dx/dt   in the bulk
(I - Omega) x(t) = e^{-alpha t} (I - Omega) x(0)

The function and its loss are those of ``analysis/lyapunov``, for any Ron, Roff, beta and polarity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from spicebridge.analysis import mean_field
from spicebridge.analysis.affine import affine
from spicebridge.analysis.lyapunov import LyapunovFunction
from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import Row
from spicebridge.atlas.circuits import BARE, CHI, NamedCircuit, Standard, circuit, matrices, tunneling
from spicebridge.atlas.claim import Claim, ClaimStatus
from spicebridge.atlas.evidence import ClaimEvidence, Panel, never_rises, order_of, thinned, vanishing
from spicebridge.atlas.projector_ensemble import loop_matrix
from spicebridge.atlas.runs import Bench, Pair, integral, rough_residuals
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Hard, Window

SHARP = 1e-5


def eulerian(n: int, strides: tuple[int, ...]) -> list[tuple[int, int]]:
    """n nodes on a ring, edges k -> k + stride: as many in as out, so that Omega S = S for equal S."""
    return [(k, (k + stride) % n) for stride in strides for k in range(n)]


UNIFORM: tuple[tuple[str, list[tuple[int, int]]], ...] = (
    ("ring of 10 with strides 1, 3", eulerian(10, (1, 3))),
    ("K5, strides 1, 2", eulerian(5, (1, 2))),
    ("ring of 9 with strides 1, 2, 4", eulerian(9, (1, 2, 4))),
)
"""Graphs on which Omega S = s 1 exactly."""
MEAN_FIELD = (*mean_field.ASSUMPTIONS, "constant", "equal", "falls", "alpha", "source", "loop")


def uniform_circuit(name: str, s: float, seed: int, *, stop: float, window: Window | None = None) -> NamedCircuit:
    """A graph of `UNIFORM` under equal sources from random states."""
    edges = dict(UNIFORM)[name]
    rng = np.random.default_rng(seed)
    states = rng.uniform(0.05, 0.75, len(edges)) if window is None else rng.random(len(edges))
    title = f"{name}, s = {s:g}, seed {seed}"
    return circuit(title, edges, device=tunneling(window=window), drive=s, initial_state=states, stop=stop)


def loop_circuit(
    N: int, s: float, seed: int, *, stop: float, window: Window | None = None, states: tuple[float, float] = (0.0, 1.0)
) -> NamedCircuit:
    """A member of paper 2's ensemble as a circuit of gyrators."""
    rng = np.random.default_rng(seed)
    A = loop_matrix(N, rng)
    network = Network.from_loop_matrix(
        A, device=tunneling(window=window), drive=s, initial_state=rng.uniform(*states, N)
    )
    return NamedCircuit(f"random A {len(A)} x {N}, s = {s:g}, seed {seed}", network, stop)


@Claim(
    "p2.eq6",
    "The Lyapunov force",
    printed="d x_cg/dt = -dV/dx(x_cg) + Lf, a collective force on the mean (Eq. 6)",
    exact="exact, with Lf = (1/N) 1^t (I - chi Omega X)^-1 Omega S - s/(1 - chi x_cg) in units of alpha",
    circuits="rings and K5 with Omega S = S; random A 10 x 20 and 20 x 40; s = 0.15 and 0.25 (seeds 0-3), bulk",
    mutant="x_cg replaced by the plain mean of x",
    changed={"centre": lambda network, x: x.mean(axis=-1)},
    needs=MEAN_FIELD,
    cost=8.0,
)
def lyapunov_force(bench: Bench, centre: Callable[[Network, Array], Array] = mean_field.centre) -> ClaimEvidence:
    made = [
        uniform_circuit(UNIFORM[0][0], 0.15, 0, stop=3.0),
        loop_circuit(20, 0.15, 1, stop=3.0, states=(0.1, 0.7)),
        uniform_circuit(UNIFORM[1][0], 0.25, 2, stop=1.0),
        loop_circuit(40, 0.15, 3, stop=3.0, states=(0.1, 0.7)),
    ]

    def gap(network: Network, waves: Waveforms) -> Array:
        t = np.linspace(0.0, float(waves.t[-1]), 121)
        x = waves.resample(t).state
        potential, mean = mean_field.potential(network), centre(network, x)
        rate = -potential.slope(mean) + abs(potential.a) * mean_field.force(network, x)
        return np.asarray(mean - mean[0] - integral(t, rate))

    cases = bench.cases(made[: 2 if bench.quick else 4])
    rows = [bench.pair(case, bulk=True).residual(gap) for case in cases]
    return vanishing("|x_cg - x_cg(0) - int (Lf - dV/dx) dt|", rows, resolution=SHARP)


def _force_and_room(network: Network) -> Callable[[Waveforms], Array]:
    """(Lf, its bound - Lf) times alpha beta, (2, n_t), from currents and states."""
    kappa, s = mean_field.potential(network).kappa, mean_field.level(network)
    r0 = float(network.resistance(np.zeros(network.n_edges))[0])

    def parts(waves: Waveforms) -> Array:
        drawn, x = r0 * waves.current.mean(axis=1), waves.state
        low, bound = s / (1.0 + kappa * x.mean(axis=1)), s * (1.0 / (1.0 + kappa * x)).mean(axis=1)
        return np.array([drawn - low, bound - drawn])

    return parts


@Claim(
    "p2.eq6.bound",
    "Sign and bound of the Lyapunov force",
    printed="Lf pushes towards the global minimum (after Eq. 6)",
    exact="if Omega S = s 1: 0 <= Lf <= s [mean 1/(1 - chi x_i) - 1/(1 - chi xbar)]",
    circuits="rings with strides, K5 (Omega S = S), s = 0.15 and 0.25, random x0 (seeds 0-5); Lf from currents",
    mutant="random sources of the same mean",
    changed={"uneven": 1.5},
    needs=(*MEAN_FIELD, "uniform"),
)
def force_bound(bench: Bench, uneven: float = 0.0) -> ClaimEvidence:
    named = [(name, s) for s in (0.15, 0.25) for name, _ in UNIFORM][: 3 if bench.quick else 6]
    cases = bench.cases(uniform_circuit(name, s, k, stop=4.0, window=Hard()) for k, (name, s) in enumerate(named))

    def driven(seed: int, case: NamedCircuit) -> Pair:
        change = uneven * np.random.default_rng(seed).uniform(-1.0, 1.0, case.network.n_edges)
        level = mean_field.level(case.network) * (1.0 + change)
        return bench.pair(replace(case, network=case.network.with_drive(level)))

    def least(pair: Pair, case: NamedCircuit, k: int) -> Row:
        parts, words = _force_and_room(case.network), ("", ", bound - Lf")[k]
        return case.name + words, *pair.number(lambda waves: parts(waves)[k].min())

    pairs = [driven(seed, case) for seed, case in enumerate(cases)]
    lows, highs = ([least(pair, case, k) for pair, case in zip(pairs, cases, strict=True)] for k in (0, 1))
    findings = []
    for what, rows in (("least Lf", lows), ("least bound - Lf", highs)):
        name, measured, U = min(rows, key=lambda row: row[1])
        findings.append(replace(bars.at_least(f"{what} ({name})", measured, U, 0.0), bar=-U, resolution=1e-6))
    low, room = _force_and_room(cases[0].network)(pairs[0].fine)
    curves = thinned(pairs[0].fine.t, np.column_stack([low, low + room]), ("Lf, ngspice", "bound"))
    picture = Panel(title=cases[0].name, x="t (s)", y="force (1/s)", series=curves)
    return ClaimEvidence(findings=findings, rows=lows + highs, panels=[picture])


@Claim(
    "p2.eq6.variance",
    "The force grows with the variance",
    printed="the force comes from the spread of the states (after Eq. 6)",
    exact="Lf = s chi^2 Var(Omega x)/(1 - chi xbar)^3 to leading order in the spread",
    status=ClaimStatus.APPROXIMATE,
    order=1,
    circuits="ring of 10, strides 1 and 3 (Omega S = S), frozen states 0.4 + spread u (seed 91), spread 0.1 to 0.00625",
    mutant="Var(x) in the place of Var(Omega x)",
    changed={"projected": False},
)
def force_variance(bench: Bench, projected: bool = True) -> ClaimEvidence:
    edges = UNIFORM[0][1]
    u = np.random.default_rng(91).normal(size=len(edges))
    s, sizes = 0.2, [0.1, 0.05, 0.025, 0.0125, 0.00625]
    Omega = matrices(circuit("", edges).network)[2]

    def error(size: float) -> Row:
        x = 0.4 + size * (u - u.mean()) / np.abs(u).max()
        network = circuit("ring", edges, device=tunneling(), initial_state=x).network
        leading = s * CHI**2 * float((Omega @ x if projected else x).var()) / (1.0 - CHI * x.mean()) ** 3
        flat = s / (1.0 - CHI * x.mean())
        return bench.response_row(f"spread {size:g}", network, lambda T: (s * T.sum() / x.size - flat) / leading - 1.0)

    rows = [error(size) for size in sizes]
    main = bars.equals("order of the relative error in the spread", *order_of(sizes, rows), 1.0, resolution=0.2)
    return ClaimEvidence(findings=[main], rows=rows)


FALLING = ("memory", "passive", "current", "one alpha", "alpha", "constant", "falls", "source", "loop")


def free_rate(network: Network, waves: Waveforms) -> Array:
    """ds/dt in 1/s without bounds, from the simulator's own currents and states."""
    law = affine(network)
    return np.asarray(law.a * waves.state + network.J * law.g * law.r0 * waves.current)


def _bulk(bench: Bench) -> list[NamedCircuit]:
    cases = bench.cases()
    return cases if bench.network is not None else [*cases, loop_circuit(20, 0.15, 1, stop=2.0, states=(0.1, 0.7))]


@Claim(
    "p2.eq8",
    "A Lyapunov function in the bulk (Eqs. 8-11)",
    printed="L(x) = (alpha/3) sum x^3 - (alpha chi/4) (x^2)^t Omega x^2 - (1/(2 beta)) (x^2)^t Omega S decreases far "
    "from the boundary (Eqs. 8-11)",
    exact="exact in the bulk: dL/dt = -(dx/dt)^t (X - chi X Omega X) dx/dt <= 0",
    on=Standard(names=BARE, quick=1, device=tunneling(), ac=False, stop=0.8, amplitude=0.1),
    circuits="random A 10 x 20 at s = 0.15 (seed 1)",
    mutant="the quartic term with the other sign",
    changed={"quartic": -1.0},
    needs=FALLING,
)
def lyapunov_function(bench: Bench, quartic: float = 1.0) -> ClaimEvidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        function = LyapunovFunction.of(network)
        y = waves.state**2
        turned = function.sign * (quartic - 1.0) * function.a / 4.0 * (function.through(y) * y).sum(axis=1)
        L = function(waves.state) - turned
        lost = integral(waves.t, function.loss(waves.state, free_rate(network, waves)))
        return np.asarray((L - L[0] + lost) / np.abs(lost).max())

    pairs = [bench.pair(case, bulk=True) for case in _bulk(bench)]

    rows = [pair.residual(gap) for pair in pairs]
    rises = [pair.rise(LyapunovFunction.of(pair.network), "largest rise of L") for pair in pairs]
    main = bars.worst("|L - L(0) + int loss| / loss", rows, resolution=SHARP)
    return never_rises("largest rise of L", rises, main, rows)


HELD = 1e-4
"""A state this near to a bound and pushed towards it is held: clamps ring by some 1e-6, a step travels 1e-3."""


def _balance(network: Network, waves: Waveforms, *, wall: float) -> Array:
    # at the simulator's own points: every rate that is cut off at a wall has a kink
    function = LyapunovFunction.of(network)
    x, f = waves.state, free_rate(network, waves)
    held = ((x >= 1.0 - HELD) & (f > 0.0)) | ((x <= HELD) & (f < 0.0))
    v = np.where(held, 0.0, f)
    lost = function.loss(x, v) - wall * function.at_walls(x, v, v - f)
    L = function(x)
    h, share = np.diff(waves.t), np.full(waves.t.size - 1, 0.5)
    for row in np.flatnonzero((held[1:] != held[:-1]).any(axis=1)):
        k = int(np.argmax(held[row + 1] != held[row]))
        # the integrand jumps inside this step, where the state meets its bound
        reach = (float(f[row, k] > 0.0) - x[row, k]) / (h[row] * f[row, k])
        share[row] = float(np.clip(reach, 0.0, 1.0)) if held[row + 1, k] else 0.5
    area = np.concatenate([[0.0], np.cumsum((share * lost[:-1] + (1.0 - share) * lost[1:]) * h)])
    return np.asarray((L - L[0] + area) / np.abs(area).max())


@Claim(
    "p2.eq11",
    "The Lyapunov function at hard bounds",
    printed="dL/dt as in Eq. 11, far from the boundary (Eqs. 8-11)",
    exact="an extension: with hard clipping one more term once some x_i = 1, dL/dt = -loss - chi (dx/dt)^t X Omega X "
    "n, n the rate the wall takes away",
    circuits="two rings with strides (seeds 0, 2) and random A 10 x 20 (seed 1) at s = 0.27, driven against the walls",
    mutant="the term of the wall with the other sign",
    changed={"wall": -1.0},
    needs=(*FALLING, "hard"),
    cost=6.0,
)
def clipped_function(bench: Bench, wall: float = 1.0) -> ClaimEvidence:
    if bench.network is not None:
        cases = [bench.own(stop=8.0 / float(np.abs(affine(bench.network).a).max()))]
    else:
        cases = [
            uniform_circuit(UNIFORM[0][0], 0.27, 0, stop=8.0, window=Hard()),
            uniform_circuit(UNIFORM[2][0], 0.27, 2, stop=8.0, window=Hard()),
            loop_circuit(20, 0.27, 1, stop=8.0, window=Hard()),
        ][: 1 if bench.quick else 3]
    exact, bare = (rough_residuals(bench, cases, partial(_balance, wall=term), steps=2400) for term in (wall, 0.0))
    findings = [bars.worst("|L - L(0) + int (loss + wall)| / total", exact, resolution=1e-3)]
    if bench.network is None:
        # on a network of the user it may be that no wall is met
        findings.append(bars.stands_out("the same without the term of the wall", bare))
    return ClaimEvidence(findings=findings, rows=[*exact, *bare])


@Claim(
    "p2.eq27",
    "Decay of the part outside the loops (Eqs. 27-28)",
    printed="x_e = (I - Omega) x decays as e^{-alpha t} (Eqs. 27-28)",
    exact="exact in the bulk",
    on=Standard(names=BARE, quick=1, device=tunneling(), stop=0.8, amplitude=0.05),
    circuits="random A 10 x 20 (seed 1)",
    mutant="Omega x in the place of (I - Omega) x",
    changed={"inside": True},
    needs=("memory", "current", "one alpha", "passive", "one law", "one J", "source", "loop", "tree"),
)
def outside(bench: Bench, inside: bool = False) -> ClaimEvidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        Omega = matrices(network)[2]
        part = waves.state @ (Omega if inside else np.eye(Omega.shape[0]) - Omega)
        return np.asarray(part - np.exp(float(affine(network).a[0]) * waves.t)[:, None] * part[0])

    rows = [bench.pair(case, bulk=True).residual(gap) for case in _bulk(bench)]
    return vanishing("|x_e(t) - e^{-alpha t} x_e(0)|", rows, resolution=SHARP)
