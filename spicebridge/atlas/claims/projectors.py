"""Paper 2, Eqs. 5, 15, 18, 35, 37-39: what holds for projectors and for the Jacobian of the flow, and what does not.

P = (I - chi Omega X)^-1 Omega,   dP/dx_k = chi P e_k e_k^t P,   DJ = (chi/(alpha beta)) P diag(P S) - I
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.linalg import expm
from scipy.optimize import brentq

from spicebridge.analysis.affine import affine
from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import ClaimFinding, Row
from spicebridge.atlas.circuits import BARE, CHI, NamedCircuit, Standard, matrices, tunneling
from spicebridge.atlas.claim import Claim, ClaimStatus
from spicebridge.atlas.claims.force import loop_circuit
from spicebridge.atlas.claims.local_stability import Matrix, against_transitions, jacobian
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, points, vanishing
from spicebridge.atlas.projector_ensemble import ProjectorFlow, loop_matrix, mean_and_error
from spicebridge.atlas.runs import Bench
from spicebridge.network import Network
from spicebridge.theory.results.closed_forms import tunneling_fixed_points

PASSIVE = ("memory", "passive", "current", "loop")


@Claim(
    "p2.eq35",
    "Derivative of the flow matrix",
    printed="dP/dx_k = chi P e_k e_k^t P, P = (I - chi Omega X)^-1 Omega (Eq. 35)",
    exact="exact",
    on=Standard(names=[BARE[0], BARE[2]], quick=1, device=tunneling(), states=(0.2, 0.8)),
    circuits="P measured at x_k +- 0.02, 0.01 and 0.005, frozen",
    mutant="the factor chi left out",
    changed={"power": 0.0},
    needs=(*PASSIVE, "one law"),
)
def flow_derivative(bench: Bench, power: float = 1.0) -> ClaimEvidence:
    def rows(case: NamedCircuit) -> list[Row]:
        law, x = affine(case.network), case.network.initial_state
        r0, kappa = float(law.r0[0]), float(law.kappa[0])
        factor = -np.sign(kappa) * np.abs(kappa) ** power

        def measure(x: Array) -> Array:
            return r0 * bench.respond(case.network.with_initial_state(x)).T

        P, out = measure(x), []
        for k in np.argsort(-np.diag(P))[:2].tolist():
            steps = [delta * (np.arange(x.size) == k) for delta in (0.02, 0.01, 0.005)]
            slopes = [(measure(x + step) - measure(x - step)) / (2.0 * step.max()) for step in steps]
            once = [(4.0 * b - a) / 3.0 for a, b in pairwise(slopes)]
            twice = (16.0 * once[1] - once[0]) / 15.0
            U = float(np.abs(twice - once[1]).max())
            out.append(bars.largest(f"{case.name}, k = {k}", twice - factor * np.outer(P[:, k], P[k, :]), U))
        return out

    found = [row for case in bench.cases() for row in rows(case)]
    return vanishing("|dP/dx_k - chi P e_k e_k^t P|", found, resolution=1e-5)


def _as_printed(network: Network, x: Array, t: float) -> Array:
    law = affine(network)
    Omega, S = matrices(network)[2], network.bank(t)
    P = np.linalg.solve(np.eye(S.size) + law.kappa * Omega * x, Omega)
    return np.asarray(-law.kappa * law.g * (P @ P) * S)


@Claim(
    "p2.eq35.text",
    "The Jacobian after Eq. 35",
    printed="DJ = P^2 S (after Eq. 35)",
    exact="DJ = (chi/(alpha beta)) P diag(P S) - I (in units of alpha)",
    on=Standard(names=BARE[:2], quick=1, device=tunneling(), ac=False, stop=1.0),
    circuits="perturbed runs of 1 s; chi is granted to the printed statement",
    needs=(*PASSIVE, "one law", "constant", "alpha", "source", "small"),
    cost=6.0,
)
def flow_jacobian(bench: Bench, corrected: Matrix = jacobian, printed: Matrix = _as_printed) -> ClaimEvidence:
    return against_transitions(bench, corrected, printed, "DJ")


def _negative(Omega: Array) -> float:
    return float((Omega[~np.eye(len(Omega), dtype=bool)] < 0).mean())


@Claim(
    "p2.eq5",
    "Signs of Omega (Eqs. 5, 15)",
    printed="(Omega x)_i = (1/N) sum_j x_j + O(1/N), an average with non-negative weights (Eqs. 5, 15)",
    exact="not for projectors: 47 % of the off-diagonal entries are negative",
    status=ClaimStatus.WRONG,
    circuits="random A 10 x 20: Omega measured in ngspice (seeds 0, 1); A 100 x 200 by theory (10 seeds)",
    mutant="absolute values of Omega",
    changed={"signed": False},
    cost=10.0,
)
def signs(bench: Bench, signed: bool = True) -> ClaimEvidence:
    def measured(seed: int) -> tuple[Row, Row]:
        case = loop_circuit(20, 0.15, seed, stop=1.0)
        Omega, found = matrices(case.network)[2], bench.respond(case.network.with_initial_state(0.0))
        share = (f"{case.name}: negative share, measured", _negative(found.T), 0.0)
        return bars.largest(case.name, *found.value(lambda T: T - Omega)), share

    rows, shown = zip(*(measured(seed) for seed in ((0,) if bench.quick else (0, 1))), strict=True)
    shares = []
    for seed in range(4 if bench.quick else 10):
        flow = ProjectorFlow.of(loop_matrix(200, np.random.default_rng(seed)), 1.0)
        Omega = flow.Q @ flow.Q.T
        shares.append(_negative(Omega if signed else np.abs(Omega)))
    mean, error = mean_and_error(shares)
    findings = [
        bars.worst("|Omega_measured - Omega|", rows, resolution=1e-8),
        bars.equals("share of negative off-diagonals, N = 200", mean, error, 0.47, target_uncertainty=0.005),
        bars.refutes("the same, zero as printed", mean, error),
    ]
    return ClaimEvidence(findings=findings, rows=[*rows, *shown])


@Claim(
    "p2.eq18",
    "No convergence to the mean field (Eq. 18)",
    printed="(Omega x)_i = xbar + O(1/N) (Eq. 18)",
    exact="not for projectors: the spread of (Omega x)_i does not fall with N (order 0, not -1)",
    status=ClaimStatus.WRONG,
    circuits="A N/2 x N for N = 25 to 400 by theory (40 seeds at each N), x uniform; N = 20 measured in ngspice",
    mutant="Omega x replaced by xbar + noise of order 1/N",
    changed={"projected": False},
    cost=8.0,
)
def mean_field(bench: Bench, projected: bool = True) -> ClaimEvidence:
    sizes = (25, 50, 100, 200) if bench.quick else (25, 50, 100, 200, 400)
    seeds = 10 if bench.quick else 40

    def spread(N: int, seed: int) -> float:
        rng = np.random.default_rng([N, seed])
        flow = ProjectorFlow.of(loop_matrix(N, rng), 1.0)
        x = rng.random(N)
        y = flow.Q @ (flow.Q.T @ x) if projected else x.mean() + rng.normal(size=N) / N
        return float(y.std())

    found = np.array([[spread(N, seed) for seed in range(seeds)] for N in sizes])
    means, errors = found.mean(axis=1), found.std(axis=1, ddof=1) / np.sqrt(seeds)
    slope, cov = np.polyfit(np.log(sizes), np.log(means), 1, w=means / errors, cov="unscaled")
    U = 2.0 * float(np.sqrt(cov[0, 0]))
    case = loop_circuit(20, 0.15, 0, stop=1.0)
    x = case.network.initial_state
    value, u = bench.respond(case.network.with_initial_state(0.0)).value(lambda T: (T @ x).std())
    known = float((matrices(case.network)[2] @ x).std())
    # the share of x in the loops is L/N = 1/2 of its variance 1/12, for any N
    findings = [
        bars.equals("order of the spread of Omega x in N", float(slope[0]), U, 0.0, resolution=0.1),
        bars.refutes("distance from order -1", abs(float(slope[0]) + 1.0), U),
        bars.vanishes("|spread of Omega x measured - computed|, N = 20", abs(float(value) - known), u, resolution=1e-8),
    ]
    rows = [(f"N = {N}", float(m), 2 * float(e)) for N, m, e in zip(sizes, means, errors, strict=True)]
    curves = [
        points(sizes, rows, "ensemble", bars=True),
        Series(x=sizes, y=[means[0] * sizes[0] / N for N in sizes], label="1/N", style="dashed"),
    ]
    picture = Panel(title="Spread of (Omega x)_i", x="N", y="standard deviation", series=curves, log_x=True, log_y=True)
    return ClaimEvidence(findings=findings, rows=rows, panels=[picture])


K = 0.7
"""The Kreiss constant that paper 2 prints."""
LARGE = 1e8
"""eps at which the supremum is read."""


def _reach(T: Array, S: Array, eps: float) -> Array:
    """alpha_eps/eps of the Jacobian with the flow matrix T, on the real axis.

    There sigma_min(z - J) = eps bounds the pseudospectral abscissa from below.
    """
    J = _jacobian_of(T, S)

    def gap(z: float) -> float:
        return float(np.linalg.svd(z * np.eye(len(J)) - J, compute_uv=False)[-1]) - eps

    first = float(np.linalg.eigvals(J).real.max())
    last = first + 2.0 * eps + float(np.linalg.norm(J, 2))
    return np.asarray(brentq(gap, first, last, xtol=1e-12, rtol=1e-14) / eps)


def _jacobian_of(T: Array, S: Array) -> Array:
    """DJ = (chi/(alpha beta)) P diag(P S) - I with the flow matrix P = Roff T."""
    return np.asarray(CHI * T * (T @ S) - np.eye(S.size))


@Claim(
    "p2.eq37",
    "The Kreiss condition",
    printed="K = sup_eps alpha_eps/eps = 0.7 < 1: no perturbation grows (Eqs. 37-38)",
    exact="impossible as stated: the supremum over all eps of alpha_eps/eps is at least 1 for every matrix",
    status=ClaimStatus.WRONG,
    circuits="random A 10 x 20 and 20 x 40 (seeds 0, 1) frozen at x_-, s = 0.15 and 0.25: Jacobian from the response "
    "measured in ngspice",
    mutant="eps limited to 0.1",
    changed={"eps": 0.1},
)
def kreiss(bench: Bench, eps: float = LARGE) -> ClaimEvidence:
    findings: list[ClaimFinding] = []
    rows: list[Row] = []
    for s in (0.15, 0.25):
        for N, seed in ((20, 0), (40, 1))[: 1 if bench.quick else 2]:
            case = loop_circuit(N, s, seed, stop=1.0)
            network = case.network.with_initial_state(tunneling_fixed_points(s, CHI)[0])
            measured, S = bench.respond(network), network.bank(0.0)
            value, U = measured.value(partial(_reach, S=S, eps=eps))
            found = float(value)
            # sigma_min(z - J) lies within the norm of J of z, which is all that is left of a limit of 1
            left = float(np.linalg.norm(_jacobian_of(measured.T, S), 2)) / LARGE
            rows.append((f"{case.name}: alpha_eps/eps at eps = {eps:g}", found, U))
            what = f"alpha_eps/eps for large eps, {case.name}"
            findings.append(bars.equals(what, found, U, 1.0, target_uncertainty=left, resolution=1e-6))
            findings.append(bars.refutes(f"alpha_eps/eps beyond the printed constant, {case.name}", found - K, U))
    return ClaimEvidence(findings=findings, rows=rows)


@Claim(
    "p2.eq39",
    "What can be said about transients (Eqs. 37-39)",
    printed="|exp(DJ t)| <= 1: no amplification of perturbations (Eq. 39)",
    exact="in the 2-norm none (numerical abscissa < 0); in the infinity norm 1.8 to 3.2",
    status=ClaimStatus.WRONG,
    circuits="Jacobians at the resting point near x_-, N = 200, s = 0.24 and 0.27 (8 seeds); random A 10 x 20 at "
    "s = 0.25 by perturbed ngspice runs",
    mutant="the 2-norm and the infinity norm exchanged",
    changed={"quiet": np.inf, "loud": 2},
    cost=30.0,
)
def transients(bench: Bench, quiet: float = 2, loud: float = np.inf) -> ClaimEvidence:
    def rest(s: float, flow: ProjectorFlow, stop: float) -> Array:
        return flow.end(np.full(len(flow.Q), tunneling_fixed_points(s, CHI)[0]), stop)

    numerical = -np.inf
    findings: list[ClaimFinding] = []
    for s, target in ((0.24, 1.8), (0.27, 3.2)):
        gains = []
        for seed in range(5 if bench.quick else 8):
            flow = ProjectorFlow.of(loop_matrix(200, np.random.default_rng(seed)), s)
            J = flow.jacobian(bench.keep(f"{s} {seed}", partial(rest, s, flow, 60.0)))
            by_rows = np.abs(J).sum(axis=1) - np.abs(np.diag(J)) + np.diag(J)
            abscissa = np.linalg.eigvalsh(0.5 * (J + J.T)) if quiet == 2 else by_rows
            numerical = max(numerical, float(abscissa.max()))
            jump, Phi, best = expm(0.25 * J), np.eye(200), 1.0
            for _ in range(20):
                Phi = Phi @ jump
                best = max(best, float(np.linalg.norm(Phi, loud)))
            gains.append(best)
        mean, error = mean_and_error(gains)
        what = f"gain in the infinity norm, s = {s:g}"
        findings.append(bars.equals(what, mean, error, target, target_uncertainty=0.05))
        findings.append(bars.refutes(f"amplification beyond 1 in the infinity norm, s = {s:g}", mean - 1.0, error))
    findings.insert(0, bars.at_most("largest numerical abscissa in alpha", numerical, 1e-10, -1e-3))
    rows: list[Row] = []
    if not bench.quick:
        start = loop_circuit(20, 0.25, 1, stop=1.0)
        x = rest(0.25, ProjectorFlow.of(np.asarray(start.network.loop_matrix), 0.25), 80.0)
        measured = bench.transition(replace(start, network=start.network.with_initial_state(x)), steps=100)
        for norm, words in ((quiet, "2-norm"), (loud, "infinity norm")):
            rows.append((f"{start.name}: {words} of Phi", float(np.linalg.norm(measured.Phi, norm)), 20.0 * measured.U))
        findings.append(bars.at_most("2-norm of Phi over 1 s, ngspice, N = 20", rows[0][1], rows[0][2], 1.0))
    return ClaimEvidence(findings=findings, rows=rows)
