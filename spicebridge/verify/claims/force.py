"""Paper 2: the Lyapunov force, the Lyapunov function, and what holds for projectors.

    d x_cg/dt = -dV/dx(x_cg) + alpha Lf,   x_cg = 1^t Omega x/N
    Lf = (1/(alpha beta N)) 1^t (I - chi Omega X)^-1 Omega S - s/(1 - chi x_cg)
    L(x) = (alpha/3) sum x^3 - (alpha chi/4) (x^2)^t Omega x^2 - (1/(2 beta)) (x^2)^t Omega S
    dL/dt = -(dx/dt)^t (X - chi X Omega X) dx/dt   in the bulk
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spicebridge.network import Network
from spicebridge.theory.closed_forms import tunneling_fixed_points
from spicebridge.verify.claims.base import (
    Evidence,
    Finding,
    Panel,
    Row,
    Series,
    Status,
    at_most,
    claim,
    equals,
    refutes,
    vanishes,
)
from spicebridge.verify.claims.bench import (
    Bench,
    Circuit,
    least,
    order_of,
    residuals,
    rough_residuals,
    side_by_side,
    value_of,
    vanishing,
    worst,
)
from spicebridge.verify.claims.circuits import (
    CHI,
    circuit,
    laws,
    linear_memristors,
    makers,
    matrices,
    tunneling,
)
from spicebridge.verify.claims.ensemble import Flow, loop_matrix, mean_and_error
from spicebridge.verify.claims.response import response
from spicebridge.verify.claims.stability import lyapunov, transition
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Hard

Array = NDArray[np.float64]

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


def _velocity(waves: Waveforms) -> Array:
    """dx/dt in the bulk from the simulator's own currents (Roff = 1 ohm, alpha = beta = 1)."""
    return np.asarray(waves.current - waves.state)


def _integral(t: Array, values: Array) -> Array:
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
        return np.asarray(centre - centre[0] - _integral(t, slope + force_formula(network, x)))

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
    for seed, (name, s) in enumerate(
        [(n, s) for s in (0.15, 0.25) for n, _ in UNIFORM][: 3 if bench.quick else 6]
    ):
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


def _lyapunov_function(network: Network, x: Array) -> Array:
    Omega = matrices(network)[2]
    y = x**2
    return np.asarray(
        (x**3).sum(axis=1) / 3.0
        - 0.25 * CHI * ((y @ Omega) * y).sum(axis=1)
        - 0.5 * y @ (Omega @ network.bank(0.0))
    )


def _loss(network: Network, x: Array, v: Array) -> Array:
    """(dx/dt)^t (X - chi X Omega X) dx/dt, (n_t,)."""
    Omega = matrices(network)[2]
    xv = x * v
    return np.asarray((xv * v).sum(axis=1) - CHI * ((xv @ Omega) * xv).sum(axis=1))


def _paper2_dc(network: Network) -> str | None:
    reason = linear_memristors(network, "current")
    if reason:
        return reason
    r0, kappa, a, g = laws(network)
    unit = np.allclose(r0, 1.0) and np.allclose(kappa, -CHI) and np.allclose(a, -1.0) and np.allclose(g, 1.0)
    if not unit or (network.P < 0).any() or (network.J < 0).any():
        return "it needs paper 2's law with Roff = 1 ohm, chi = 0.9, alpha = beta = 1, P = J = I"
    return None if network.bank.constant else "it needs constant sources"


@claim(
    "p2.eq8",
    title="A Lyapunov function in the bulk (Eqs. 8-11)",
    printed="L(x) decreases along the motion",
    exact="exact in the bulk: dL/dt = -(dx/dt)^t (X - chi X Omega X) dx/dt <= 0",
    status=Status.EXACT,
    circuits="K4, 3x3 grid, random graph (seed 5) under random DC; random A 10 x 20 at s = 0.15 (seed 1)",
    mutant="the quartic term with the other sign",
    applies=_paper2_dc,
)
def lyapunov_function(bench: Bench) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        x = waves.state
        L = _lyapunov_function(network, x)
        if bench.mutant:
            Omega = matrices(network)[2]
            L = L + 0.5 * CHI * (((x**2) @ Omega) * x**2).sum(axis=1)
        lost = _integral(waves.t, _loss(network, x, _velocity(waves)))
        return np.asarray((L - L[0] + lost) / np.abs(lost).max())

    names = ["K4", "grid 3x3", "random 8 nodes 14 edges (seed 5)"]
    cases = bench.circuits(makers(names, device=tunneling(), ac=False, stop=0.8, amplitude=0.1), quick=1)
    if bench.network is None:
        cases.append(loop_circuit(20, 0.15, 1, stop=2.0, states=(0.1, 0.7)))
    pairs = [bench.pair(case, bulk=True) for case in cases]
    rows = residuals(bench, pairs, gap)
    rises: list[Row] = []
    for pair in pairs:

        def rise(waves: Waveforms, network: Network = pair.network) -> Array:
            x = waves.resample(np.linspace(0, waves.t[-1], 101)).state
            return np.asarray(np.diff(_lyapunov_function(network, x)).max())

        value, U = value_of(rise, pair)
        rises.append((f"{pair.circuit.name}, largest rise of L", float(value), U))
    name, top, U = max(rises, key=lambda row: row[1])
    findings = (
        worst("|L - L(0) + int loss| / loss", rows, resolution=SHARP),
        at_most(f"largest rise of L ({name})", top, U, 0.0),
    )
    return Evidence(findings, rows=tuple(rows + rises))


@claim(
    "p2.eq11",
    title="The Lyapunov function with hard bounds",
    printed="the same balance with clipping",
    exact="one more term once some x_i = 1: dL/dt = -loss - chi (dx/dt)^t X Omega X n, n the rate the wall takes away",
    status=Status.WRONG,
    circuits="two rings with strides (seeds 0, 2) and random A 10 x 20 (seed 1) at s = 0.27, driven against the walls",
    mutant="the term of the wall with the other sign",
    cost=6.0,
)
def clipped_function(bench: Bench) -> Evidence:
    def balance(network: Network, waves: Waveforms, *, wall: bool) -> Array:
        # at the simulator's own points: every rate that is cut off at a wall has a kink
        x, f = waves.state, _velocity(waves)
        held = ((x >= 1.0 - HELD) & (f > 0.0)) | ((x <= HELD) & (f < 0.0))
        v = np.where(held, 0.0, f)
        n = v - f
        lost = _loss(network, x, v)
        if wall:
            extra = CHI * (((x * v) @ matrices(network)[2]) * (x * n)).sum(axis=1)
            lost = lost - extra if bench.mutant else lost + extra
        L = _lyapunov_function(network, x)
        h, share = np.diff(waves.t), np.full(waves.t.size - 1, 0.5)
        for row in np.flatnonzero((held[1:] != held[:-1]).any(axis=1)):
            k = int(np.argmax(held[row + 1] != held[row]))
            # the integrand jumps inside this step, where the state meets its bound
            reach = (float(f[row, k] > 0.0) - x[row, k]) / (h[row] * f[row, k])
            share[row] = float(np.clip(reach, 0.0, 1.0)) if held[row + 1, k] else 0.5
        area = np.concatenate([[0.0], np.cumsum((share * lost[:-1] + (1.0 - share) * lost[1:]) * h)])
        return np.asarray((L - L[0] + area) / np.abs(area).max())

    cases = [uniform_circuit(UNIFORM[0][0], 0.27, 0, stop=8.0, window=Hard())]
    if not bench.quick:
        cases += [
            uniform_circuit(UNIFORM[2][0], 0.27, 2, stop=8.0, window=Hard()),
            loop_circuit(20, 0.27, 1, stop=8.0, window=Hard()),
        ]
    exact = rough_residuals(bench, cases, partial(balance, wall=True), steps=2400)
    printed = rough_residuals(bench, cases, partial(balance, wall=False), steps=2400)
    findings = (
        worst("|L - L(0) + int (loss + wall)| / total", exact, resolution=1e-3),
        least("the same without the term of the wall", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


HELD = 1e-4
"""A state this near to a bound and pushed towards it is held: clamps ring by some 1e-6, a step travels 1e-3."""


@claim(
    "p2.eq27",
    title="Decay of the part outside the loops (Eqs. 27-28)",
    printed="x_e = (I - Omega) x decays as e^{-alpha t}",
    exact="exact in the bulk",
    status=Status.EXACT,
    circuits="K4, 3x3 grid, random graph (seed 5) under AC; random A 10 x 20 (seed 1); alpha = 1/s",
    mutant="Omega x in the place of (I - Omega) x",
    applies=lambda network: (
        linear_memristors(network, "current")
        or (None if np.ptp(laws(network)[2]) == 0.0 and (network.P > 0).all() else "it needs one alpha and P = I")
        or (None if np.ptp(laws(network)[0]) == 0.0 and np.ptp(network.J) == 0.0 else "it needs one Roff and one J")
    ),
)
def outside(bench: Bench) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        Omega = matrices(network)[2]
        part = waves.state @ (Omega if bench.mutant else np.eye(Omega.shape[0]) - Omega)
        a = float(laws(network)[2][0])
        return np.asarray(part - np.exp(a * waves.t)[:, None] * part[0])

    names = ["K4", "grid 3x3", "random 8 nodes 14 edges (seed 5)"]
    cases = bench.circuits(makers(names, device=tunneling(), stop=0.8, amplitude=0.05), quick=1)
    if bench.network is None:
        cases.append(loop_circuit(20, 0.15, 1, stop=2.0, states=(0.1, 0.7)))
    rows = residuals(bench, [bench.pair(case, bulk=True) for case in cases], gap)
    return vanishing("|x_e(t) - e^{-alpha t} x_e(0)|", rows, resolution=SHARP)


@claim(
    "p2.eq35",
    title="Derivative of the flow matrix",
    printed="dP/dx_k = chi P e_k e_k^t P, P = (I - chi Omega X)^-1 Omega",
    exact="exact",
    status=Status.EXACT,
    circuits="K4 and random graph (seed 5): P measured at x_k +- 0.02 and +- 0.01, frozen (seed 92)",
    mutant="the factor chi left out",
)
def flow_derivative(bench: Bench) -> Evidence:
    rows: list[Row] = []
    for name in ("K4", "random 8 nodes 14 edges (seed 5)")[: 1 if bench.quick else 2]:
        from spicebridge.verify.claims.circuits import GRAPHS

        edges = GRAPHS[name][0]
        x = np.random.default_rng(92).uniform(0.2, 0.8, len(edges))

        def measure(x: Array, edges: Any = edges) -> Array:
            return response(bench, circuit("", edges, device=tunneling(), initial_state=x).network).T

        P = measure(x)
        for k in (0, 3):
            slopes = []
            for delta in (0.02, 0.01, 0.005):
                step = delta * np.eye(x.size)[k]
                slopes.append((measure(x + step) - measure(x - step)) / (2.0 * delta))
            once = [(4.0 * b - a) / 3.0 for a, b in pairwise(slopes)]
            twice = (16.0 * once[1] - once[0]) / 15.0
            U = float(np.abs(twice - once[1]).max())
            factor = 1.0 if bench.mutant else CHI
            gap = twice - factor * np.outer(P[:, k], P[k, :])
            rows.append((f"{name}, k = {k}", float(np.abs(gap).max()), U))
    return vanishing("|dP/dx_k - chi P e_k e_k^t P|", rows, resolution=1e-5)


@claim(
    "p2.eq35.text",
    title="The Jacobian after Eq. 35",
    printed="DJ = P^2 S",
    exact="DJ = (chi/(alpha beta)) P diag(P S) - I (in units of alpha)",
    status=Status.WRONG,
    circuits="K4 and 3x3 grid under random DC (seed 11): perturbed runs of 1 s",
    mutant="-I left out",
    cost=6.0,
)
def jacobian(bench: Bench) -> Evidence:
    from scipy.interpolate import make_interp_spline

    exact: list[Row] = []
    printed: list[Row] = []
    names = ["K4", "grid 3x3"]
    for case in bench.circuits(makers(names, device=tunneling(), ac=False, stop=1.0), quick=1):
        measured = bench.keep(case.name, partial(transition, bench, case))
        spline: Any = make_interp_spline(measured.path.t, measured.path.state, k=5)
        Omega, S = matrices(case.network)[2], case.network.bank(0.0)
        identity = np.eye(S.size)

        def as_printed(t: float, spline: Any = spline, Omega: Array = Omega, S: Array = S) -> Array:
            P = np.linalg.solve(np.eye(S.size) - CHI * Omega * spline(t), Omega)
            return np.asarray(P @ P * S)

        def by_formula(t: float, spline: Any = spline, network: Network = case.network) -> Array:
            return lyapunov(network, np.asarray(spline(t)), t) + (np.eye(network.n_edges) if bench.mutant else 0.0)

        for matrix, out in ((by_formula, exact), (as_printed, printed)):
            h, Phi = case.stop / 200, identity.copy()
            for k in range(200):
                a, b, c = (matrix((k + part) * h) for part in (0.0, 0.5, 1.0))
                k1 = a @ Phi
                k2 = b @ (Phi + 0.5 * h * k1)
                k3 = b @ (Phi + 0.5 * h * k2)
                k4 = c @ (Phi + h * k3)
                Phi = Phi + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
            label = case.name if out is exact else f"{case.name}, printed"
            out.append((label, float(np.abs(measured.Phi - Phi).max()), measured.U))
    findings = (
        worst("|Phi_measured - Phi(DJ)|", exact, resolution=1e-4),
        least("|Phi_measured - Phi(printed DJ)|", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


@claim(
    "p2.eq5",
    title="Signs of Omega (Eqs. 5, 15)",
    printed="Omega acts as an average with non-negative weights of order 1/N",
    exact="not for projectors: 47 % of the off-diagonal entries are negative",
    status=Status.WRONG,
    circuits="random A 10 x 20: Omega measured in ngspice (seeds 0, 1); A 100 x 200 by theory (10 seeds)",
    mutant="absolute values of Omega",
    cost=10.0,
)
def signs(bench: Bench) -> Evidence:
    rows: list[Row] = []
    for seed in (0,) if bench.quick else (0, 1):
        case = loop_circuit(20, 0.15, seed, stop=1.0)
        network = case.network.with_initial_state(0.0)
        measured = response(bench, network)
        Omega = matrices(network)[2]
        value, U = measured.value(lambda T, Omega=Omega: np.asarray(T - Omega))  # type: ignore[misc]
        rows.append((f"{case.name}: |Omega_measured - Omega|", float(np.abs(value).max()), U))
        off = measured.T[~np.eye(20, dtype=bool)]
        rows.append((f"{case.name}: negative share, measured", float((off < 0).mean()), 0.0))
    shares = []
    for seed in range(4 if bench.quick else 10):
        flow = Flow.of(loop_matrix(200, np.random.default_rng(seed)), 1.0)
        Omega = flow.Q @ flow.Q.T
        if bench.mutant:
            Omega = np.abs(Omega)
        shares.append(float((Omega[~np.eye(200, dtype=bool)] < 0).mean()))
    mean, error = mean_and_error(shares)
    findings = (
        worst("|Omega_measured - Omega|", [row for row in rows if "|" in row[0]], resolution=1e-8),
        equals("share of negative off-diagonals, N = 200", mean, error, 0.47, target_uncertainty=0.005),
        refutes("the same, zero as printed", mean, error),
    )
    return Evidence(findings, rows=tuple(rows))


@claim(
    "p2.eq18",
    title="No convergence to the mean field (Eq. 18)",
    printed="(Omega x)_i tends to the mean with corrections of order 1/N",
    exact="not for projectors: the variance of (Omega x)_i does not fall with N (order 0, not 1)",
    status=Status.WRONG,
    circuits="A N/2 x N for N = 25 to 400 by theory (40 seeds at each N), x uniform; N = 20 measured in ngspice",
    mutant="Omega replaced by the mean-field matrix 1 1^t/N + noise of order 1/N",
    cost=8.0,
)
def mean_field(bench: Bench) -> Evidence:
    sizes = (25, 50, 100, 200) if bench.quick else (25, 50, 100, 200, 400)
    seeds = 10 if bench.quick else 40
    means, spread = [], []
    for N in sizes:
        found = []
        for seed in range(seeds):
            rng = np.random.default_rng([N, seed])
            flow = Flow.of(loop_matrix(N, rng), 1.0)
            x = rng.random(N)
            y = x.mean() + rng.normal(size=N) / N if bench.mutant else flow.Q @ (flow.Q.T @ x)
            found.append(float(y.var()))
        means.append(float(np.mean(found)))
        spread.append(float(np.std(found, ddof=1) / np.sqrt(seeds)))
    slope, cov = np.polyfit(np.log(sizes), np.log(means), 1, w=np.array(means) / np.array(spread), cov="unscaled")
    U = 2.0 * float(np.sqrt(cov[0, 0]))
    case = loop_circuit(20, 0.15, 0, stop=1.0)
    measured = response(bench, case.network.with_initial_state(0.0))
    x = case.network.initial_state
    value, u = measured.value(lambda T: np.asarray((T @ x).var()))
    known = float((matrices(case.network)[2] @ x).var())
    # the share of x in the loops is L/N = 1/2 of its variance 1/12, for any N
    findings = (
        equals("order of Var(Omega x) in N", float(slope[0]), U, 0.0, resolution=0.2),
        refutes("distance from order -1", abs(float(slope[0]) + 1.0), U),
        vanishes("|Var(Omega x) measured - computed|, N = 20", abs(float(value) - known), u, resolution=1e-8),
    )
    picture = Panel(
        "Variance of (Omega x)_i",
        "N",
        "Var",
        (
            Series(sizes, means, "ensemble", "points", error=[2 * e for e in spread]),
            Series(sizes, [means[0] * sizes[0] / N for N in sizes], "1/N", "dashed"),
        ),
        log_x=True,
        log_y=True,
    )
    rows = tuple((f"N = {N}", m, 2 * e) for N, m, e in zip(sizes, means, spread, strict=True))
    return Evidence(findings, rows=rows, panels=(picture,))


@claim(
    "p2.eq37",
    title="The Kreiss condition",
    printed="transients are bounded by a Kreiss constant below one",
    exact="impossible as stated: the supremum over all eps of alpha_eps/eps is at least 1 for every matrix",
    status=Status.WRONG,
    circuits="random A 10 x 20 and 20 x 40 (seeds 0, 1) frozen at x_-, s = 0.15 and 0.25: Jacobian from the response "
    "measured in ngspice",
    mutant="eps limited to 0.1",
)
def kreiss(bench: Bench) -> Evidence:
    from scipy.optimize import brentq

    top = 0.1 if bench.mutant else 1e8
    findings: list[Finding] = []
    rows: list[Row] = []
    for s in (0.15, 0.25):
        for N, seed in ((20, 0), (40, 1))[: 1 if bench.quick else 2]:
            case = loop_circuit(N, s, seed, stop=1.0)
            network = case.network.with_initial_state(tunneling_fixed_points(s, CHI)[0])
            T = bench.keep(f"{s} {N}", partial(response, bench, network)).T
            # DJ = (chi/(alpha beta)) P diag(P S) - I with the flow matrix P = Roff T
            J = CHI * T * (T @ network.bank(0.0)) - np.eye(N)
            norm = float(np.linalg.norm(J, 2))

            def smallest(z: float, J: Array = J) -> float:
                return float(np.linalg.svd(z * np.eye(J.shape[0]) - J, compute_uv=False)[-1])

            # on the real axis sigma_min(z - J) = eps bounds the pseudospectral abscissa from below
            abscissa = float(np.linalg.eigvals(J).real.max())
            z = brentq(lambda z, smallest=smallest: smallest(z) - top, abscissa, 2.0 * top + norm)
            ratio = float(z) / top
            rows.append((f"{case.name}: alpha_eps/eps at eps = {top:g}", ratio, norm / top))
            # sigma_min(z - J) lies within the norm of J of z, which is all that is left of a limit of 1
            what = f"alpha_eps/eps for large eps, {case.name}"
            findings.append(equals(what, ratio, norm / top, 1.0, resolution=1e-6))
    counted = float(sum(abs(row[1] - 1.0) <= row[2] for row in rows))
    findings.append(refutes("Jacobians without a constant below one", counted, 0.0))
    return Evidence(tuple(findings), rows=tuple(rows))


@claim(
    "p2.eq39",
    title="What can be said about transients (Eqs. 37-39)",
    printed="no amplification of perturbations",
    exact="in the 2-norm none (numerical abscissa < 0); in the infinity norm 1.8 to 3.2",
    status=Status.WRONG,
    circuits="Jacobians at the resting point near x_-, N = 200, s = 0.24 and 0.27 (8 seeds); random A 10 x 20 at "
    "s = 0.25 by perturbed ngspice runs",
    mutant="the infinity norm in the place of the 2-norm",
    cost=30.0,
)
def transients(bench: Bench) -> Evidence:
    from scipy.linalg import expm

    gains: dict[float, list[float]] = {}
    numerical = -np.inf
    seeds = 5 if bench.quick else 8
    for s in (0.24, 0.27):
        for seed in range(seeds):
            flow = Flow.of(loop_matrix(200, np.random.default_rng(seed)), s)
            J = flow.jacobian(flow.end(np.full(200, tunneling_fixed_points(s, CHI)[0]), 60.0))
            numerical = max(numerical, float(np.linalg.eigvalsh(0.5 * (J + J.T)).max()))
            if bench.mutant:
                rows_sum = np.abs(J).sum(axis=1) - np.abs(np.diag(J)) + np.diag(J)
                numerical = max(numerical, float(rows_sum.max()))
            jump, Phi, best = expm(0.25 * J), np.eye(200), 1.0
            for _ in range(20):
                Phi = Phi @ jump
                best = max(best, float(np.abs(Phi).sum(axis=1).max()))
            gains.setdefault(s, []).append(best)
    findings = [at_most("largest numerical abscissa in alpha", numerical, 1e-10, -1e-3)]
    for s, target in ((0.24, 1.8), (0.27, 3.2)):
        mean, error = mean_and_error(gains[s])
        findings.append(equals(f"gain in the infinity norm, s = {s:g}", mean, error, target, target_uncertainty=0.05))
        findings.append(refutes(f"amplification beyond 1 in the infinity norm, s = {s:g}", mean - 1.0, error))
    rows: list[Row] = []
    if not bench.quick:
        start = loop_circuit(20, 0.25, 1, stop=1.0)
        A = np.asarray(start.network.loop_matrix)
        rest = Flow.of(A, 0.25).end(np.full(20, tunneling_fixed_points(0.25, CHI)[0]), 80.0)
        case = Circuit(start.name, start.network.with_initial_state(rest), 1.0)
        measured = bench.keep("transition", partial(transition, bench, case, steps=100))
        norm = float(np.linalg.norm(measured.Phi, 2))
        findings.append(at_most("2-norm of Phi over 1 s, ngspice, N = 20", norm, 20.0 * measured.U, 1.0))
        rows.append((f"{case.name}: 2-norm of Phi", norm, 20.0 * measured.U))
        gain = float(np.abs(measured.Phi).sum(axis=1).max())
        rows.append((f"{case.name}: infinity norm of Phi", gain, 20.0 * measured.U))
    return Evidence(tuple(findings), rows=tuple(rows))


