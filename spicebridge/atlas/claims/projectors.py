"""Paper 2, Eqs. 5, 15, 18, 35, 37-39: what holds for projectors and for the Jacobian of the flow, and what does not.

P = (I - chi Omega X)^-1 Omega,   dP/dx_k = chi P e_k e_k^t P,   DJ = (chi/(alpha beta)) P diag(P S) - I
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import CHI, circuit, makers, matrices, tunneling
from spicebridge.atlas.claim import (
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
from spicebridge.atlas.claims.force import loop_circuit
from spicebridge.atlas.claims.stability import lyapunov, transition
from spicebridge.atlas.ensemble import Flow, loop_matrix, mean_and_error
from spicebridge.atlas.response import response
from spicebridge.atlas.runs import Bench, Circuit, least, side_by_side, vanishing, worst
from spicebridge.network import Network
from spicebridge.theory.results.closed_forms import tunneling_fixed_points


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
        from spicebridge.atlas.circuits import GRAPHS

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
    printed="K = sup_eps alpha_eps/eps = 0.7 < 1: no perturbation grows",
    exact="impossible as stated: the supremum over all eps of alpha_eps/eps is at least 1 for every matrix",
    status=Status.WRONG,
    circuits="random A 10 x 20 and 20 x 40 (seeds 0, 1) frozen at x_-, s = 0.15 and 0.25: Jacobian from the response "
    "measured in ngspice",
    mutant="eps limited to 0.1",
)
def kreiss(bench: Bench) -> Evidence:
    from scipy.optimize import brentq

    top = 0.1 if bench.mutant else LARGE
    findings: list[Finding] = []
    rows: list[Row] = []
    for s in (0.15, 0.25):
        for N, seed in ((20, 0), (40, 1))[: 1 if bench.quick else 2]:
            case = loop_circuit(N, s, seed, stop=1.0)
            network = case.network.with_initial_state(tunneling_fixed_points(s, CHI)[0])
            measured = bench.keep(f"{s} {N}", partial(response, bench, network))

            def jacobian(T: Array, S: Array = network.bank(0.0)) -> Array:  # noqa: B008
                # DJ = (chi/(alpha beta)) P diag(P S) - I with the flow matrix P = Roff T
                return np.asarray(CHI * T * (T @ S) - np.eye(T.shape[0]))

            def ratio(T: Array, jacobian: Any = jacobian) -> Array:
                J = jacobian(T)

                def gap(z: float) -> float:
                    return float(np.linalg.svd(z * np.eye(J.shape[0]) - J, compute_uv=False)[-1]) - top

                # on the real axis sigma_min(z - J) = eps bounds the pseudospectral abscissa from below
                first = float(np.linalg.eigvals(J).real.max())
                z = brentq(gap, first, first + 2.0 * top + float(np.linalg.norm(J, 2)), xtol=1e-12, rtol=1e-14)
                return np.asarray(z / top)

            found, U = measured.value(ratio)
            # sigma_min(z - J) lies within the norm of J of z, which is all that is left of a limit of 1
            left = float(np.linalg.norm(jacobian(measured.T), 2)) / LARGE
            rows.append((f"{case.name}: alpha_eps/eps at eps = {top:g}", float(found), U))
            what = f"alpha_eps/eps for large eps, {case.name}"
            findings.append(equals(what, float(found), U, 1.0, target_uncertainty=left, resolution=1e-6))
            findings.append(refutes(f"alpha_eps/eps beyond the printed constant, {case.name}", float(found) - K, U))
    return Evidence(tuple(findings), rows=tuple(rows))


K = 0.7
"""The Kreiss constant that paper 2 prints."""
LARGE = 1e8
"""eps at which the supremum is read."""


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
