"""Paper 1, Eqs. 33-39: the Lyapunov matrix, networks whose spectra are real, and fixed points in the bulk.

L = alpha I + (xi/beta) J M D,   M = (I + xi Ob W)^-1 Ob,   D = diag(M P S)

at a fixed point   D = alpha beta J W*,   B J W* = 0,   spectrum alpha (n - 1 times) and alpha (2 - eta),
                   eta = eig([A P (1 + xi W*) A^t]^-1 A P A^t)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.interpolate import make_interp_spline

from spicebridge.analysis.affine import affine
from spicebridge.analysis.circuit_matrices import apart
from spicebridge.analysis.flow import Flow
from spicebridge.arrays import Array, ComplexArray
from spicebridge.atlas import bars
from spicebridge.atlas.bars import ClaimFinding, Row
from spicebridge.atlas.circuits import (
    BARE,
    K4,
    NamedCircuit,
    Standard,
    bulk_points,
    caravelli,
    fixed_point,
    flow_state,
    grid,
    matrices,
    prism,
)
from spicebridge.atlas.claim import Claim, ClaimStatus
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, refuted, vanishing
from spicebridge.atlas.runs import Bench
from spicebridge.network import Network
from spicebridge.theory.results import closed_forms
from spicebridge.waveforms import Waveforms

Matrix = Callable[[Network, Array, float], Array]


def jacobian(network: Network, w: Array, t: float) -> Array:
    """L (n_e, n_e) in 1/s by the exact formula."""
    return Flow(network).jacobian(w, t)


def _as_printed(network: Network, w: Array, t: float) -> Array:
    law = affine(network)
    return np.asarray((jacobian(network, w, t) - np.diag(law.a)) / law.g[:, None])


def propagated(network: Network, path: Waveforms, matrix: Matrix) -> Array:
    """Phi by integrating dPhi/dt = L(w(t), t) Phi along a measured path (RK4 on its spline)."""
    spline = make_interp_spline(path.t, path.state, k=5)
    n, Phi = 200, np.eye(network.n_edges)
    h = float(path.t[-1]) / n
    for k in range(n):
        first, middle, last = (matrix(network, np.asarray(spline(t)), t) for t in (k * h, (k + 0.5) * h, (k + 1) * h))
        k1 = first @ Phi
        k2 = middle @ (Phi + 0.5 * h * k1)
        k3 = middle @ (Phi + 0.5 * h * k2)
        k4 = last @ (Phi + h * k3)
        Phi = Phi + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return Phi


def against_transitions(bench: Bench, corrected: Matrix, printed: Matrix, what: str) -> ClaimEvidence:
    """Two Jacobians, carried along the path, against Phi by perturbed runs."""

    measured = [(case, bench.transition(case)) for case in bench.cases()]

    def gaps(matrix: Matrix) -> list[Row]:
        return [bars.largest(c.name, m.Phi - propagated(c.network, m.path, matrix), m.U) for c, m in measured]

    against = f"|Phi_measured - Phi(printed {what})|"
    return refuted(f"|Phi_measured - Phi({what})|", gaps(corrected), against, gaps(printed), resolution=1e-4)


@Claim(
    "p1.eq33",
    "The Lyapunov matrix (Eqs. 33-35)",
    printed="L = -xi J M D, M = (I + xi Omega W)^-1 Omega (Eqs. 33-35)",
    exact="L = alpha I + (xi/beta) J M D, M = (I + xi Ob W)^-1 Ob, D = diag(M P S)",
    on=Standard(names=BARE[::2], quick=1, mixed=True, polarity=True, device=caravelli(alpha=0.3, beta=2.0), stop=1.0),
    circuits="beta = 2 V s, perturbed runs",
    needs=("memory", "current", "loop", "source", "small"),
    cost=12.0,
)
def lyapunov_matrix(bench: Bench, corrected: Matrix = jacobian, printed: Matrix = _as_printed) -> ClaimEvidence:
    return against_transitions(bench, corrected, printed, "L")


def measured_jacobian(bench: Bench, network: Network) -> tuple[Array, Array, float]:
    """(L without alpha I on the L free directions, D, U) from the measured response of frozen states."""
    law = affine(network)
    basis = network.J[:, None] * matrices(network)[0].T
    inverse = np.linalg.pinv(basis)
    measured, S = bench.respond(network), network.bank(0.0)

    def reduced(T: Array) -> Array:
        change = -(network.J * law.g * law.r0)[:, None] * (T * (network.P * law.r0 * law.kappa * (T @ S)))
        return np.asarray(inverse @ change @ basis)

    value, U = measured.value(reduced)
    return value, np.asarray(law.r0 * (measured.T @ S)), U


def largest_imaginary(value: Array, U: float) -> tuple[float, float]:
    """(max |Im eigenvalue|, U); rounding in `value` may not move it by more than its own size times U."""
    imaginary = float(np.abs(np.linalg.eigvals(value).imag).max(initial=0.0))
    stir = U * np.random.default_rng(1).uniform(-1.0, 1.0, value.shape)
    moved = float(np.abs(np.linalg.eigvals(value + stir).imag).max(initial=0.0))
    return imaginary, abs(moved - imaginary) + U


def _states(bench: Bench, seeds: tuple[int, ...], *, ringing: bool, negative: bool) -> list[tuple[str, Network]]:
    """The user's network, the ringing prism, or the claim's graphs at random states and sources."""
    if ringing:
        return [("prism", prism().network)]
    if bench.network is not None:
        return [("the network given", bench.network)]
    out = []
    for case in bench.cases():
        everywhere = list(range(case.network.n_edges))
        for active in ([], everywhere) if negative else ([],):
            for seed in seeds[: 1 if bench.quick and negative else None]:
                rng = np.random.default_rng(seed)
                network = case.network.with_initial_state(rng.uniform(0.02, 0.98, case.network.n_edges))
                network = network.with_drive(rng.normal(0.0, 0.3, network.n_edges)).with_active(active)
                sign = f", P = {'-I' if len(active) else 'I'}" if negative else ""
                out.append((f"{case.name}{sign}, seed {seed}", network))
    return out


PASSIVE = ("memory", "current", "one sign", "loop", "constant", "source")


@Claim(
    "p1.eq36",
    "Real spectra of passive networks",
    printed="the eigenvalues of L are real for purely passive or purely active networks (Eqs. 36-37)",
    exact="for P = +I or -I the spectrum is real everywhere in the cube, for any J",
    on=Standard(polarity=True, ac=False),
    circuits="P = I and P = -I, 3 random states and sources each (seeds 41-43)",
    mutant="the prism with three active edges",
    changed={"ringing": True},
    needs=PASSIVE,
    cost=6.0,
)
def passive_spectra(bench: Bench, ringing: bool = False) -> ClaimEvidence:
    rows: list[Row] = []
    values: list[ComplexArray] = []
    for name, network in _states(bench, (41, 42, 43), ringing=ringing, negative=True):
        value, _, U = measured_jacobian(bench, network)
        values.append(np.linalg.eigvals(value).astype(complex))
        rows.append((name, *largest_imaginary(value, U)))
    z = np.concatenate(values)
    curve = Series(x=z.real, y=z.imag, label="P = I or -I", style="points")
    title = "Eigenvalues of L - alpha, measured"
    picture = Panel(title=title, x="real part (1/s)", y="imaginary part (1/s)", series=[curve])
    return vanishing("max |Im eigenvalue| in 1/s", rows, resolution=1e-6, panels=[picture])


@Claim(
    "p1.eq37",
    "The condition on D (condition 2)",
    printed="real eigenvalues need D of one sign (condition 2 after Eq. 37)",
    exact="the conclusion holds without the condition: real for any sign of D",
    status=ClaimStatus.WRONG,
    on=Standard(names=BARE, quick=1, polarity=True, ac=False),
    circuits="random states and sources with D of both signs (seeds 51, 52)",
    mutant="the prism with three active edges",
    changed={"ringing": True},
    needs=(*PASSIVE, "both signs"),
    cost=4.0,
)
def condition_two(bench: Bench, ringing: bool = False) -> ClaimEvidence:
    rows: list[Row] = []
    against = 0
    for name, network in _states(bench, (51, 52), ringing=ringing, negative=False):
        value, D, U = measured_jacobian(bench, network)
        imaginary, spread = largest_imaginary(value, U)
        against += bool((D > 0).any() and (D < 0).any() and imaginary <= spread)
        rows.append((name, imaginary, spread))
    findings = [
        bars.worst("max |Im eigenvalue| in 1/s", rows, resolution=1e-6),
        bars.refutes("states with D of both signs and a real spectrum", float(against), 0.0),
    ]
    return ClaimEvidence(findings=findings, rows=rows)


STEADY = ("memory", "current", "constant", "one alpha", "alpha", "one law", "source", "loop", "small", "steady")


def _fixed_points(bench: Bench, alpha: float, stop: float) -> list[NamedCircuit]:
    """The user's network at its fixed points in the bulk, or circuits made for one."""
    if bench.network is not None:
        size = abs(float(affine(bench.network).a[0]))
        found = bulk_points(bench.network)[: 1 if bench.quick else 3]
        at = [bench.network.with_initial_state(w) for w in found]
        return [NamedCircuit(f"point {k}", network, stop / size) for k, network in enumerate(at)]
    out = []
    for name, edges, seed in (("K4", K4, 61), ("grid 3x3", grid(3, 3), 62))[: 1 if bench.quick else 2]:
        w, J = flow_state(edges, seed)
        out.append(fixed_point(f"{name} (seed {seed})", edges, w, alpha=alpha, J=J, stop=stop))
    return [*out, prism(stop, alpha)]


@Claim(
    "p1.eq38",
    "Fixed points in the bulk",
    printed="D = alpha beta J W at a fixed point (Eq. 38)",
    exact="exact; moreover B J W* = 0, and S = alpha beta P J (W* + xi W*^2) has the fixed point W*",
    circuits="K4 and 3x3 grid at random circulations (seeds 61, 62), prism, alpha = -1/s",
    mutant="W* moved off B J W* = 0 by 0.02 on one edge",
    changed={"moved": 0.02},
    needs=STEADY,
)
def fixed_points(bench: Bench, moved: float = 0.0) -> ClaimEvidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        law = affine(network)
        D = -network.J * law.g * law.r0 * waves.current
        return np.hstack([waves.state - waves.state[0], (D - law.a * waves.state) / np.abs(law.a)])

    def off(case: NamedCircuit) -> Row:
        w = case.network.initial_state + moved * (np.arange(case.network.n_edges) == 0)
        return bench.pair(replace(case, network=case.network.with_initial_state(w))).residual(gap)

    rows = [off(case) for case in _fixed_points(bench, -1.0, 2.0)]
    return vanishing("|w(t) - W*| and |D/(alpha beta) - J W*|", rows, resolution=1e-6)


@Claim(
    "p1.eq39",
    "Spectrum at a fixed point",
    printed="lambda = alpha and alpha (2 - eta), eta from A P (1 + xi W*) A^t and A P A^t (Eq. 39)",
    exact="exact: alpha (n - 1 times) and alpha (2 - eta), eta = eig([A P (1 + xi W*) A^t]^-1 A P A^t)",
    circuits="K4 and 3x3 grid at random circulations (seeds 61, 62), prism, alpha = -1/s: perturbed runs of 1.5 s",
    mutant="1 - eta in the place of 2 - eta",
    changed={"two": 1.0},
    needs=STEADY,
    cost=15.0,
)
def fixed_spectrum(bench: Bench, two: float = 2.0) -> ClaimEvidence:
    rows: list[Row] = []
    series: list[Series] = []
    numbers: dict[str, float | str] = {}
    findings: list[ClaimFinding] = []
    for case in _fixed_points(bench, -1.0, 1.5):
        values, U = bench.transition(case).eigenvalues()
        law, network = affine(case.network), case.network
        A, alpha, xi = matrices(network)[0], float(law.a[0]), float(law.kappa[0])
        known = closed_forms.fixed_point_spectrum(A, network.P, network.initial_state, xi=xi, alpha=alpha)
        known = np.where(np.abs(known - alpha) < 1e-9, known, known - (2.0 - two) * alpha)
        rows.append((case.name, apart(values, known), U))
        series.append(Series(x=known.real, y=known.imag, label=f"{case.name}: theory", style="points"))
        series.append(Series(x=values.real, y=values.imag, label=f"{case.name}: ngspice", style="cross"))
        if case.name == "prism":
            pair = values[int(np.argmax(values.imag))]
            for what, number, target in (("real", pair.real, -0.091236), ("imaginary", pair.imag, 0.851067)):
                name = f"prism: {what} part of the complex pair in 1/s"
                findings.append(bars.equals(name, number, U, target, target_uncertainty=5e-7))
            numbers["real eigenvalues of the prism"] = ", ".join(f"{z.real:.4f}" for z in values if abs(z.imag) < U)
    title = "Spectrum at the fixed point"
    picture = Panel(title=title, x="real part (1/s)", y="imaginary part (1/s)", series=series)
    main = bars.worst("distance of the measured and the exact spectrum in 1/s", rows, resolution=1e-3)
    return ClaimEvidence(findings=[main, *findings], rows=rows, numbers=numbers, panels=[picture])


@Claim(
    "p1.eq39.unstable",
    "No stable fixed point for alpha > 0",
    printed="mixtures of active and passive memristors can have stable fixed points for alpha > 0 (after Eq. 39)",
    exact="alpha > 0: alpha itself is an eigenvalue (n - 1 times), so none is stable; passive ones are unstable nodes; "
    "stable ones need alpha < 0",
    status=ClaimStatus.WRONG,
    circuits="K4 and 3x3 grid at random circulations (seeds 61, 62), prism, alpha = +0.5/s: perturbed runs of 1 s",
    mutant="alpha = -0.5/s",
    changed={"alpha": -0.5},
    needs=(*STEADY, "growth", "passive"),
    cost=15.0,
)
def unstable(bench: Bench, alpha: float = 0.5) -> ClaimEvidence:
    findings: list[ClaimFinding] = []
    rows: list[Row] = []
    for case in _fixed_points(bench, alpha, 1.0)[: 1 if alpha < 0.0 else None]:
        values, U = bench.transition(case).eigenvalues()
        top, bottom = float(values.real.max()), float(values.real.min())
        findings.append(bars.refutes(f"{case.name}: largest growth rate in 1/s", top, U))
        rows.append((f"{case.name}, largest", top, U))
        if case.name != "prism":
            findings.append(bars.at_least(f"{case.name}: least growth rate in 1/s, passive", bottom, U, 0.0))
            rows.append((f"{case.name}, least", bottom, U))
    return ClaimEvidence(findings=findings, rows=rows)
