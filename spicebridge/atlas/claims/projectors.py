"""Paper 2, Eqs. 5, 15, 18, 35, 37-39: what holds for projectors and for the Jacobian of the flow, and what does not.

P = (I - chi Omega X)^-1 Omega,   dP/dx_k = chi P e_k e_k^t P,   DJ = (chi/(alpha beta)) P diag(P S) - I
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from spicebridge.analysis.affine import affine
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import BARE, CHI, matrices, standard, tunneling
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
from spicebridge.atlas.claims.local_stability import Matrix, against_transitions, jacobian
from spicebridge.atlas.projector_ensemble import ProjectorFlow, loop_matrix, mean_and_error
from spicebridge.atlas.runs import Bench, Circuit, largest, vanishing, worst
from spicebridge.network import Network
from spicebridge.theory.results.closed_forms import tunneling_fixed_points

PASSIVE = ("memory", "passive", "current", "loop")


@claim(
    "p2.eq35",
    "Derivative of the flow matrix",
    printed="dP/dx_k = chi P e_k e_k^t P, P = (I - chi Omega X)^-1 Omega (Eq. 35)",
    exact="exact",
    on=standard([BARE[0], BARE[2]], quick=1, device=tunneling(), states=(0.2, 0.8)),
    circuits="P measured at x_k +- 0.02, 0.01 and 0.005, frozen",
    mutant="the factor chi left out",
    changed={"power": 0.0},
    needs=(*PASSIVE, "one law"),
)
def flow_derivative(bench: Bench, power: float = 1.0) -> Evidence:
    rows: list[Row] = []
    for case in bench.cases():
        law, x = affine(case.network), case.network.initial_state
        r0, kappa = float(law.r0[0]), float(law.kappa[0])

        def measure(x: Array, network: Network = case.network, r0: float = r0) -> Array:
            return r0 * bench.respond(network.with_initial_state(x)).T

        P = measure(x)
        for k in np.argsort(-np.diag(P))[:2].tolist():
            steps = [delta * (np.arange(x.size) == k) for delta in (0.02, 0.01, 0.005)]
            slopes = [(measure(x + step) - measure(x - step)) / (2.0 * step.max()) for step in steps]
            once = [(4.0 * b - a) / 3.0 for a, b in pairwise(slopes)]
            twice = (16.0 * once[1] - once[0]) / 15.0
            factor = -np.sign(kappa) * np.abs(kappa) ** power
            rows.append(largest(f"{case.name}, k = {k}", twice - factor * np.outer(P[:, k], P[k, :]),
                                float(np.abs(twice - once[1]).max())))  # fmt: skip
    return vanishing("|dP/dx_k - chi P e_k e_k^t P|", rows, resolution=1e-5)


def _as_printed(network: Network, x: Array, t: float) -> Array:
    law = affine(network)
    Omega, S = matrices(network)[2], network.bank(t)
    P = np.linalg.solve(np.eye(S.size) + law.kappa * Omega * x, Omega)
    return np.asarray(-law.kappa * law.g * (P @ P) * S)


@claim(
    "p2.eq35.text",
    "The Jacobian after Eq. 35",
    printed="DJ = P^2 S (after Eq. 35)",
    exact="DJ = (chi/(alpha beta)) P diag(P S) - I (in units of alpha)",
    status=Status.WRONG,
    on=standard(BARE[:2], quick=1, device=tunneling(), ac=False, stop=1.0),
    circuits="perturbed runs of 1 s; chi is granted to the printed statement",
    needs=(*PASSIVE, "one law", "constant", "alpha", "source", "small"),
    cost=6.0,
)
def flow_jacobian(bench: Bench, corrected: Matrix = jacobian, printed: Matrix = _as_printed) -> Evidence:
    return against_transitions(bench, corrected, printed, "DJ")


def _negative(Omega: Array) -> float:
    return float((Omega[~np.eye(len(Omega), dtype=bool)] < 0).mean())


@claim(
    "p2.eq5",
    "Signs of Omega (Eqs. 5, 15)",
    printed="(Omega x)_i = (1/N) sum_j x_j + O(1/N), an average with non-negative weights (Eqs. 5, 15)",
    exact="not for projectors: 47 % of the off-diagonal entries are negative",
    status=Status.WRONG,
    circuits="random A 10 x 20: Omega measured in ngspice (seeds 0, 1); A 100 x 200 by theory (10 seeds)",
    mutant="absolute values of Omega",
    changed={"signed": False},
    cost=10.0,
)
def signs(bench: Bench, signed: bool = True) -> Evidence:
    rows: list[Row] = []
    shown: list[Row] = []
    for seed in (0,) if bench.quick else (0, 1):
        case = loop_circuit(20, 0.15, seed, stop=1.0)
        Omega, measured = matrices(case.network)[2], bench.respond(case.network.with_initial_state(0.0))
        rows.append(largest(case.name, *measured.value(lambda T, Omega=Omega: T - Omega)))  # type: ignore[misc]
        shown.append((f"{case.name}: negative share, measured", _negative(measured.T), 0.0))
    shares = []
    for seed in range(4 if bench.quick else 10):
        flow = ProjectorFlow.of(loop_matrix(200, np.random.default_rng(seed)), 1.0)
        Omega = flow.Q @ flow.Q.T
        shares.append(_negative(Omega if signed else np.abs(Omega)))
    mean, error = mean_and_error(shares)
    findings = (
        worst("|Omega_measured - Omega|", rows, resolution=1e-8),
        equals("share of negative off-diagonals, N = 200", mean, error, 0.47, target_uncertainty=0.005),
        refutes("the same, zero as printed", mean, error),
    )
    return Evidence(findings=findings, rows=(*rows, *shown))


@claim(
    "p2.eq18",
    "No convergence to the mean field (Eq. 18)",
    printed="(Omega x)_i = xbar + O(1/N) (Eq. 18)",
    exact="not for projectors: the spread of (Omega x)_i does not fall with N (order 0, not -1)",
    status=Status.WRONG,
    circuits="A N/2 x N for N = 25 to 400 by theory (40 seeds at each N), x uniform; N = 20 measured in ngspice",
    mutant="Omega x replaced by xbar + noise of order 1/N",
    changed={"projected": False},
    cost=8.0,
)
def mean_field(bench: Bench, projected: bool = True) -> Evidence:
    sizes = (25, 50, 100, 200) if bench.quick else (25, 50, 100, 200, 400)
    seeds = 10 if bench.quick else 40
    means, spread = [], []
    for N in sizes:
        found = []
        for seed in range(seeds):
            rng = np.random.default_rng([N, seed])
            flow = ProjectorFlow.of(loop_matrix(N, rng), 1.0)
            x = rng.random(N)
            y = flow.Q @ (flow.Q.T @ x) if projected else x.mean() + rng.normal(size=N) / N
            found.append(float(y.std()))
        means.append(float(np.mean(found)))
        spread.append(float(np.std(found, ddof=1) / np.sqrt(seeds)))
    slope, cov = np.polyfit(np.log(sizes), np.log(means), 1, w=np.array(means) / np.array(spread), cov="unscaled")
    U = 2.0 * float(np.sqrt(cov[0, 0]))
    case = loop_circuit(20, 0.15, 0, stop=1.0)
    x = case.network.initial_state
    value, u = bench.respond(case.network.with_initial_state(0.0)).value(lambda T: np.asarray((T @ x).std()))
    known = float((matrices(case.network)[2] @ x).std())
    # the share of x in the loops is L/N = 1/2 of its variance 1/12, for any N
    findings = (
        equals("order of the spread of Omega x in N", float(slope[0]), U, 0.0, resolution=0.1),
        refutes("distance from order -1", abs(float(slope[0]) + 1.0), U),
        vanishes("|spread of Omega x measured - computed|, N = 20", abs(float(value) - known), u, resolution=1e-8),
    )
    curves = (
        Series(x=sizes, y=means, label="ensemble", style="points", error=[2 * e for e in spread]),
        Series(x=sizes, y=[means[0] * sizes[0] / N for N in sizes], label="1/N", style="dashed"),
    )
    picture = Panel(title="Spread of (Omega x)_i", x="N", y="standard deviation", series=curves, log_x=True, log_y=True)
    rows = tuple((f"N = {N}", m, 2 * e) for N, m, e in zip(sizes, means, spread, strict=True))
    return Evidence(findings=findings, rows=rows, panels=(picture,))


K = 0.7
"""The Kreiss constant that paper 2 prints."""
LARGE = 1e8
"""eps at which the supremum is read."""


@claim(
    "p2.eq37",
    "The Kreiss condition",
    printed="K = sup_eps alpha_eps/eps = 0.7 < 1: no perturbation grows (Eqs. 37-38)",
    exact="impossible as stated: the supremum over all eps of alpha_eps/eps is at least 1 for every matrix",
    status=Status.WRONG,
    circuits="random A 10 x 20 and 20 x 40 (seeds 0, 1) frozen at x_-, s = 0.15 and 0.25: Jacobian from the response "
    "measured in ngspice",
    mutant="eps limited to 0.1",
    changed={"eps": 0.1},
)
def kreiss(bench: Bench, eps: float = LARGE) -> Evidence:
    from scipy.optimize import brentq

    findings: list[Finding] = []
    rows: list[Row] = []
    for s in (0.15, 0.25):
        for N, seed in ((20, 0), (40, 1))[: 1 if bench.quick else 2]:
            case = loop_circuit(N, s, seed, stop=1.0)
            network = case.network.with_initial_state(tunneling_fixed_points(s, CHI)[0])
            measured, S = bench.respond(network), network.bank(0.0)

            def flow(T: Array, S: Array = S) -> Array:
                # DJ = (chi/(alpha beta)) P diag(P S) - I with the flow matrix P = Roff T
                return np.asarray(CHI * T * (T @ S) - np.eye(S.size))

            def ratio(T: Array, flow: Callable[[Array], Array] = flow) -> Array:
                J = flow(T)

                def gap(z: float) -> float:
                    return float(np.linalg.svd(z * np.eye(len(J)) - J, compute_uv=False)[-1]) - eps

                # on the real axis sigma_min(z - J) = eps bounds the pseudospectral abscissa from below
                first = float(np.linalg.eigvals(J).real.max())
                last = first + 2.0 * eps + float(np.linalg.norm(J, 2))
                return np.asarray(brentq(gap, first, last, xtol=1e-12, rtol=1e-14) / eps)

            found, U = measured.value(ratio)
            # sigma_min(z - J) lies within the norm of J of z, which is all that is left of a limit of 1
            left = float(np.linalg.norm(flow(measured.T), 2)) / LARGE
            rows.append((f"{case.name}: alpha_eps/eps at eps = {eps:g}", float(found), U))
            what = f"alpha_eps/eps for large eps, {case.name}"
            findings.append(equals(what, float(found), U, 1.0, target_uncertainty=left, resolution=1e-6))
            findings.append(refutes(f"alpha_eps/eps beyond the printed constant, {case.name}", float(found) - K, U))
    return Evidence(findings=tuple(findings), rows=tuple(rows))


@claim(
    "p2.eq39",
    "What can be said about transients (Eqs. 37-39)",
    printed="|exp(DJ t)| <= 1: no amplification of perturbations (Eq. 39)",
    exact="in the 2-norm none (numerical abscissa < 0); in the infinity norm 1.8 to 3.2",
    status=Status.WRONG,
    circuits="Jacobians at the resting point near x_-, N = 200, s = 0.24 and 0.27 (8 seeds); random A 10 x 20 at "
    "s = 0.25 by perturbed ngspice runs",
    mutant="the 2-norm and the infinity norm exchanged",
    changed={"quiet": np.inf, "loud": 2},
    cost=30.0,
)
def transients(bench: Bench, quiet: float = 2, loud: float = np.inf) -> Evidence:
    from scipy.linalg import expm

    gains: dict[float, list[float]] = {}
    numerical = -np.inf
    for s in (0.24, 0.27):
        for seed in range(5 if bench.quick else 8):
            flow = ProjectorFlow.of(loop_matrix(200, np.random.default_rng(seed)), s)
            rest = bench.keep(f"{s} {seed}", lambda flow=flow, s=s: flow.end(np.full(200, tunneling_fixed_points(s, CHI)[0]), 60.0))  # type: ignore[misc]  # fmt: skip
            J = flow.jacobian(rest)
            by_rows = np.abs(J).sum(axis=1) - np.abs(np.diag(J)) + np.diag(J)
            abscissa = np.linalg.eigvalsh(0.5 * (J + J.T)) if quiet == 2 else by_rows
            numerical = max(numerical, float(abscissa.max()))
            jump, Phi, best = expm(0.25 * J), np.eye(200), 1.0
            for _ in range(20):
                Phi = Phi @ jump
                best = max(best, float(np.linalg.norm(Phi, loud)))
            gains.setdefault(s, []).append(best)
    findings = [at_most("largest numerical abscissa in alpha", numerical, 1e-10, -1e-3)]
    for s, target in ((0.24, 1.8), (0.27, 3.2)):
        mean, error = mean_and_error(gains[s])
        findings.append(equals(f"gain in the infinity norm, s = {s:g}", mean, error, target, target_uncertainty=0.05))
        findings.append(refutes(f"amplification beyond 1 in the infinity norm, s = {s:g}", mean - 1.0, error))
    rows: list[Row] = []
    if not bench.quick:
        start = loop_circuit(20, 0.25, 1, stop=1.0)
        rest = ProjectorFlow.of(np.asarray(start.network.loop_matrix), 0.25).end(
            np.full(20, tunneling_fixed_points(0.25, CHI)[0]), 80.0
        )
        measured = bench.transition(Circuit(start.name, start.network.with_initial_state(rest), 1.0), steps=100)
        for norm, words in ((quiet, "2-norm"), (loud, "infinity norm")):
            rows.append((f"{start.name}: {words} of Phi", float(np.linalg.norm(measured.Phi, norm)), 20.0 * measured.U))
        findings.append(at_most("2-norm of Phi over 1 s, ngspice, N = 20", rows[0][1], rows[0][2], 1.0))
    return Evidence(findings=tuple(findings), rows=tuple(rows))
