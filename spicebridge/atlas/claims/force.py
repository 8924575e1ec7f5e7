"""Paper 2, Eq. 6: the Lyapunov force, its bound, and how it grows with the spread of the states.

d x_cg/dt = -dV/dx(x_cg) + alpha Lf,   x_cg = 1^t Omega x/N
Lf = (1/(alpha beta N)) 1^t (I - chi Omega X)^-1 Omega S - s/(1 - chi x_cg)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicebridge.analysis import mean_field
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import CHI, circuit, matrices, tunneling
from spicebridge.atlas.claim import Evidence, Finding, Panel, Row, Status, claim, equals
from spicebridge.atlas.projector_ensemble import loop_matrix
from spicebridge.atlas.runs import Bench, Circuit, integral, order_of, residuals, thinned, value_of, vanishing
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
MEAN_FIELD = (*mean_field.ASSUMPTIONS, "constant", "equal", "falls", "alpha", "source", "loop")


def uniform_circuit(name: str, s: float, seed: int, *, stop: float, window: object = None) -> Circuit:
    """A graph of `UNIFORM` under equal sources from random states."""
    edges = dict(UNIFORM)[name]
    rng = np.random.default_rng(seed)
    states = rng.uniform(0.05, 0.75, len(edges)) if window is None else rng.random(len(edges))
    title = f"{name}, s = {s:g}, seed {seed}"
    return circuit(title, edges, device=tunneling(window=window), drive=s, initial_state=states, stop=stop)


def loop_circuit(
    N: int, s: float, seed: int, *, stop: float, window: object = None, states: tuple[float, float] = (0.0, 1.0)
) -> Circuit:
    """A member of paper 2's ensemble as a circuit of gyrators."""
    rng = np.random.default_rng(seed)
    A = loop_matrix(N, rng)
    network = Network.from_loop_matrix(
        A, device=tunneling(window=window), drive=s, initial_state=rng.uniform(*states, N)
    )
    return Circuit(f"random A {len(A)} x {N}, s = {s:g}, seed {seed}", network, stop)


@claim(
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
def lyapunov_force(bench: Bench, centre: Callable[[Network, Array], Array] = mean_field.centre) -> Evidence:
    if bench.network is not None:
        cases = [bench.own()]
    else:
        cases = [
            uniform_circuit(UNIFORM[0][0], 0.15, 0, stop=3.0),
            loop_circuit(20, 0.15, 1, stop=3.0, states=(0.1, 0.7)),
        ]
        cases += [
            uniform_circuit(UNIFORM[1][0], 0.25, 2, stop=1.0),
            loop_circuit(40, 0.15, 3, stop=3.0, states=(0.1, 0.7)),
        ][: 0 if bench.quick else 2]

    def gap(network: Network, waves: Waveforms) -> Array:
        t = np.linspace(0.0, float(waves.t[-1]), 121)
        x = waves.resample(t).state
        potential, mean = mean_field.potential(network), centre(network, x)
        rate = -potential.slope(mean) + abs(potential.a) * mean_field.force(network, x)
        return np.asarray(mean - mean[0] - integral(t, rate))

    rows = residuals([bench.pair(case, bulk=True) for case in cases], gap)
    return vanishing("|x_cg - x_cg(0) - int (Lf - dV/dx) dt|", rows, resolution=SHARP)


@claim(
    "p2.eq6.bound",
    "Sign and bound of the Lyapunov force",
    printed="Lf pushes towards the global minimum (after Eq. 6)",
    exact="if Omega S = s 1: 0 <= Lf <= s [mean 1/(1 - chi x_i) - 1/(1 - chi xbar)]",
    circuits="rings with strides, K5 (Omega S = S), s = 0.15 and 0.25, random x0 (seeds 0-5); Lf from currents",
    mutant="random sources of the same mean",
    changed={"uneven": 1.5},
    needs=(*MEAN_FIELD, "uniform"),
)
def force_bound(bench: Bench, uneven: float = 0.0) -> Evidence:
    if bench.network is not None:
        cases = [bench.own()]
    else:
        named = [(name, s) for s in (0.15, 0.25) for name, _ in UNIFORM][: 3 if bench.quick else 6]
        cases = [uniform_circuit(name, s, seed, stop=4.0, window=Hard()) for seed, (name, s) in enumerate(named)]
    lows: list[Row] = []
    highs: list[Row] = []
    panels: tuple[Panel, ...] = ()
    for seed, case in enumerate(cases):
        law, s = mean_field.potential(case.network), mean_field.level(case.network)
        r0 = float(case.network.resistance(np.zeros(case.network.n_edges))[0])
        level = s * (1.0 + uneven * np.random.default_rng(seed).uniform(-1.0, 1.0, case.network.n_edges))
        pair = bench.pair(Circuit(case.name, case.network.with_drive(level), case.stop))

        def parts(waves: Waveforms, s: float = s, kappa: float = law.kappa, r0: float = r0) -> tuple[Array, Array]:
            """(Lf, its bound - Lf) times alpha beta, from currents and states."""
            drawn = r0 * waves.current.mean(axis=1)
            x = waves.state
            return drawn - s / (1.0 + kappa * x.mean(axis=1)), s * (1.0 / (1.0 + kappa * x)).mean(axis=1) - drawn

        for out, k, words in ((lows, 0, ""), (highs, 1, ", bound - Lf")):
            value, U = value_of(lambda waves, k=k, parts=parts: parts(waves)[k].min(), pair)  # type: ignore[misc]
            out.append((case.name + words, float(value), U))
        if not panels:
            low, room = parts(pair.fine)
            curves = thinned(pair.fine.t, np.column_stack([low, low + room]), ("Lf, ngspice", "bound"))
            panels = (Panel(title=case.name, x="t (s)", y="force (1/s)", series=tuple(curves)),)
    findings = []
    for what, rows in (("least Lf", lows), ("least bound - Lf", highs)):
        name, least, U = min(rows, key=lambda row: row[1])
        findings.append(
            Finding(
                what=f"{what} ({name})", measured=least, uncertainty=U, bar=-U, direction="at least", resolution=1e-6
            )
        )
    return Evidence(findings=tuple(findings), rows=tuple(lows + highs), panels=panels)


@claim(
    "p2.eq6.variance",
    "The force grows with the variance",
    printed="the force comes from the spread of the states (after Eq. 6)",
    exact="Lf = s chi^2 Var(Omega x)/(1 - chi xbar)^3 to leading order in the spread",
    status=Status.APPROXIMATE,
    order=1,
    circuits="ring of 10, strides 1 and 3 (Omega S = S), frozen states 0.4 + spread u (seed 91), spread 0.1 to 0.00625",
    mutant="Var(x) in the place of Var(Omega x)",
    changed={"projected": False},
)
def force_variance(bench: Bench, projected: bool = True) -> Evidence:
    edges = UNIFORM[0][1]
    u = np.random.default_rng(91).normal(size=len(edges))
    s, sizes = 0.2, [0.1, 0.05, 0.025, 0.0125, 0.00625]
    Omega = matrices(circuit("", edges).network)[2]
    rows: list[Row] = []
    for size in sizes:
        x = 0.4 + size * (u - u.mean()) / np.abs(u).max()
        measured = bench.respond(circuit("ring", edges, device=tunneling(), initial_state=x).network)
        leading = s * CHI**2 * float((Omega @ x if projected else x).var()) / (1.0 - CHI * x.mean()) ** 3

        def relative(T: Array, x: Array = x, leading: float = leading) -> Array:
            return np.asarray((s * T.sum() / x.size - s / (1.0 - CHI * x.mean())) / leading - 1.0)

        value, U = measured.value(relative)
        rows.append((f"spread {size:g}", abs(float(value)), U))
    order, U = order_of(sizes, [e for _, e, _ in rows], [u for _, _, u in rows])
    main = equals("order of the relative error in the spread", order, U, 1.0, resolution=0.2)
    return Evidence(findings=(main,), rows=tuple(rows))
