"""Paper 2, Eq. 6: the Lyapunov force, its bound, and how it grows with the spread of the states.

d x_cg/dt = -dV/dx(x_cg) + alpha Lf,   x_cg = 1^t Omega x/N
Lf = (1/(alpha beta N)) 1^t (I - chi Omega X)^-1 Omega S - s/(1 - chi x_cg)
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import CHI, circuit, matrices, tunneling
from spicebridge.atlas.claim import Evidence, Finding, Panel, Row, Series, Status, claim, equals
from spicebridge.atlas.ensemble import loop_matrix
from spicebridge.atlas.response import response
from spicebridge.atlas.runs import Bench, Circuit, order_of, residuals, value_of, vanishing
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Hard

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


def uniform_circuit(name: str, s: float, seed: int, *, stop: float, window: Any = None) -> Circuit:
    """A graph of `UNIFORM` under equal sources from random states."""
    edges = dict(UNIFORM)[name]
    rng = np.random.default_rng(seed)
    states = rng.uniform(0.05, 0.75, len(edges)) if window is None else rng.random(len(edges))
    title = f"{name}, s = {s:g}, seed {seed}"
    return circuit(title, edges, device=tunneling(window=window), drive=s, initial_state=states, stop=stop)


def loop_circuit(
    N: int, s: float, seed: int, *, stop: float, window: Any = None, states: tuple[float, float] = (0.0, 1.0)
) -> Circuit:
    """A member of paper 2's ensemble as a circuit of gyrators."""
    rng = np.random.default_rng(seed)
    A = loop_matrix(N, rng)
    network = Network.from_loop_matrix(
        A, device=tunneling(window=window), drive=s, initial_state=rng.uniform(*states, N)
    )
    return Circuit(f"random A {N // 2} x {N}, s = {s:g}, seed {seed}", network, stop)


def _source(network: Network) -> float:
    return float(network.bank(0.0)[0])


def velocity(waves: Waveforms) -> Array:
    """dx/dt in the bulk from the simulator's own currents (Roff = 1 ohm, alpha = beta = 1)."""
    return np.asarray(waves.current - waves.state)


def integral(t: Array, values: Array) -> Array:
    from scipy.interpolate import make_interp_spline

    spline: Any = make_interp_spline(t, values, k=5).antiderivative()
    return np.asarray(spline(t) - spline(t[0]))


def force_formula(network: Network, x: Array) -> Array:
    """Lf (n_t,) by the exact formula at states x (n_t, N)."""
    Omega = matrices(network)[2]
    N, s = x.shape[1], _source(network)
    emf = Omega @ network.bank(0.0)
    flow = np.array([np.linalg.solve(np.eye(N) - CHI * Omega * row, emf) for row in x])
    return np.asarray(flow.mean(axis=1) - s / (1.0 - CHI * (x @ Omega).mean(axis=1)))


@claim(
    "p2.eq6",
    title="The Lyapunov force",
    printed="the mean moves in V under a collective force",
    exact="exact: d x_cg/dt = -dV/dx(x_cg) + Lf, Lf = (1/N) 1^t (I - chi Omega X)^-1 Omega S - s/(1 - chi x_cg)",
    status=Status.EXACT,
    circuits="rings and K5 with Omega S = S; random A 10 x 20 and 20 x 40; s = 0.15 and 0.25 (seeds 0-3), bulk",
    mutant="x_cg replaced by the plain mean of x",
    cost=8.0,
)
def lyapunov_force(bench: Bench) -> Evidence:
    cases = [uniform_circuit(UNIFORM[0][0], 0.15, 0, stop=3.0), loop_circuit(20, 0.15, 1, stop=3.0, states=(0.1, 0.7))]
    if not bench.quick:
        cases += [
            uniform_circuit(UNIFORM[1][0], 0.25, 2, stop=1.0),
            loop_circuit(40, 0.15, 3, stop=3.0, states=(0.1, 0.7)),
        ]

    def gap(network: Network, waves: Waveforms) -> Array:
        Omega, s = matrices(network)[2], _source(network)
        t = np.linspace(0.0, float(waves.t[-1]), 121)
        x = waves.resample(t).state
        centre = x.mean(axis=1) if bench.mutant else (x @ Omega).mean(axis=1)
        slope = s / (1.0 - CHI * centre) - centre
        return np.asarray(centre - centre[0] - integral(t, slope + force_formula(network, x)))

    pairs = [bench.pair(case, bulk=True) for case in cases]
    rows = residuals(bench, pairs, gap)
    return vanishing("|x_cg - x_cg(0) - int (Lf - dV/dx) dt|", rows, resolution=SHARP)


@claim(
    "p2.eq6.bound",
    title="Sign and bound of the Lyapunov force",
    printed="the force pushes towards the global minimum",
    exact="if Omega S = s 1: 0 <= Lf <= s [mean 1/(1 - chi x_i) - 1/(1 - chi xbar)]",
    status=Status.EXACT,
    circuits="rings with strides, K5 (Omega S = S), s = 0.15 and 0.25, random x0 (seeds 0-5); Lf from currents",
    mutant="random sources of the same mean",
)
def force_bound(bench: Bench) -> Evidence:
    lows: list[Row] = []
    highs: list[Row] = []
    panels: tuple[Panel, ...] = ()
    for seed, (name, s) in enumerate([(n, s) for s in (0.15, 0.25) for n, _ in UNIFORM][: 3 if bench.quick else 6]):
        case = uniform_circuit(name, s, seed, stop=4.0, window=Hard())
        if bench.mutant:
            level = s * (1.0 + np.random.default_rng(seed).uniform(-1.5, 1.5, case.network.n_edges))
            case = Circuit(case.name, case.network.with_drive(level), case.stop)

        def force(waves: Waveforms, s: float = s) -> Array:
            mean = waves.state.mean(axis=1)
            return np.asarray(waves.current.mean(axis=1) - s / (1.0 - CHI * mean))

        def room(waves: Waveforms, s: float = s) -> Array:
            spread = (1.0 / (1.0 - CHI * waves.state)).mean(axis=1)
            return np.asarray(s * spread - waves.current.mean(axis=1))

        pair = bench.pair(case)
        low, U = value_of(lambda waves, force=force: force(waves).min(), pair)  # type: ignore[misc]
        lows.append((case.name, float(low), U))
        high, U = value_of(lambda waves, room=room: room(waves).min(), pair)  # type: ignore[misc]
        highs.append((f"{case.name}, bound - Lf", float(high), U))
        if not panels:
            few = slice(None, None, 10)
            t = pair.fine.t[few].tolist()
            mean = pair.fine.state.mean(axis=1)
            bound = s * ((1.0 / (1.0 - CHI * pair.fine.state)).mean(axis=1) - 1.0 / (1.0 - CHI * mean))
            curves = (Series(t, force(pair.fine)[few].tolist(), "Lf, ngspice"), Series(t, bound[few].tolist(), "bound"))
            panels = (Panel(case.name, "t (s)", "force (1/s)", curves),)
    name, low_value, U_low = min(lows, key=lambda row: row[1])
    other, high_value, U_high = min(highs, key=lambda row: row[1])
    findings = (
        Finding(f"least Lf ({name})", low_value, U_low, -U_low, "at least", resolution=1e-6),
        Finding(f"least bound - Lf ({other})", high_value, U_high, -U_high, "at least", resolution=1e-6),
    )
    return Evidence(findings, rows=tuple(lows + highs), panels=panels)


@claim(
    "p2.eq6.variance",
    title="The force grows with the variance",
    printed="the force comes from the spread of the states",
    exact="Lf = s chi^2 Var(Omega x)/(1 - chi xbar)^3 to leading order in the spread",
    status=Status.APPROXIMATE,
    order=1,
    circuits="ring of 10, strides 1 and 3 (Omega S = S), frozen states 0.4 + spread u (seed 91), spread 0.1 to 0.00625",
    mutant="Var(x) in the place of Var(Omega x)",
)
def force_variance(bench: Bench) -> Evidence:
    edges = UNIFORM[0][1]
    u = np.random.default_rng(91).normal(size=len(edges))
    s, sizes = 0.2, [0.1, 0.05, 0.025, 0.0125, 0.00625]
    Omega = matrices(circuit("", edges).network)[2]
    errors, spread = [], []
    for size in sizes:
        x = 0.4 + size * (u - u.mean()) / np.abs(u).max()
        network = circuit("ring", edges, device=tunneling(), initial_state=x).network
        measured = bench.keep(f"ring {size}", partial(response, bench, network))
        moved = x - x.mean() if bench.mutant else Omega @ x - (Omega @ x).mean()
        leading = s * CHI**2 * float((moved**2).mean()) / (1.0 - CHI * x.mean()) ** 3

        def relative(T: Array, x: Array = x, leading: float = leading) -> Array:
            return np.asarray((s * T.sum() / x.size - s / (1.0 - CHI * x.mean())) / leading - 1.0)

        value, U = measured.value(relative)
        errors.append(abs(float(value)))
        spread.append(U)
    order, U = order_of(sizes, errors, spread)
    rows = tuple((f"spread {x:g}", e, u) for x, e, u in zip(sizes, errors, spread, strict=True))
    return Evidence((equals("order of the relative error in the spread", order, U, 1.0, resolution=0.2),), rows=rows)
