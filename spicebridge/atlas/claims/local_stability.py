"""Paper 1, Eqs. 33-37: the Lyapunov matrix, and networks whose spectra are real.

L = alpha I + (xi/beta) J M D,   M = (I + xi Ob W)^-1 Ob,   D = diag(M P S)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicebridge.analysis.affine import affine
from spicebridge.analysis.flow import Flow
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import BARE, caravelli, matrices, prism, standard
from spicebridge.atlas.claim import Evidence, Panel, Row, Series, Status, claim, refutes
from spicebridge.atlas.runs import Bench, largest, refuted, vanishing, worst
from spicebridge.network import Network
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
    from scipy.interpolate import make_interp_spline

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


def against_transitions(bench: Bench, corrected: Matrix, printed: Matrix, what: str) -> Evidence:
    """Two Jacobians, carried along the path, against Phi by perturbed runs."""
    rows: tuple[list[Row], list[Row]] = ([], [])
    for case in bench.cases():
        measured = bench.transition(case)
        for out, matrix in zip(rows, (corrected, printed), strict=True):
            Phi = propagated(case.network, measured.path, matrix)
            out.append(largest(case.name, measured.Phi - Phi, measured.U))
    against = f"|Phi_measured - Phi(printed {what})|"
    return refuted(f"|Phi_measured - Phi({what})|", rows[0], against, rows[1], resolution=1e-4)


@claim(
    "p1.eq33",
    "The Lyapunov matrix (Eqs. 33-35)",
    printed="L = -xi J M D, M = (I + xi Omega W)^-1 Omega (Eqs. 33-35)",
    exact="L = alpha I + (xi/beta) J M D, M = (I + xi Ob W)^-1 Ob, D = diag(M P S)",
    status=Status.WRONG,
    on=standard(
        [BARE[0], BARE[2]], quick=1, mixed=True, polarity=True, device=caravelli(alpha=0.3, beta=2.0), stop=1.0
    ),
    circuits="beta = 2 V s, perturbed runs",
    needs=("memory", "current", "loop", "source", "small"),
    cost=12.0,
)
def lyapunov_matrix(bench: Bench, corrected: Matrix = jacobian, printed: Matrix = _as_printed) -> Evidence:
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


@claim(
    "p1.eq36",
    "Real spectra of passive networks",
    printed="the eigenvalues of L are real for purely passive or purely active networks (Eqs. 36-37)",
    exact="for P = +I or -I the spectrum is real everywhere in the cube, for any J",
    on=standard(polarity=True, ac=False),
    circuits="P = I and P = -I, 3 random states and sources each (seeds 41-43)",
    mutant="the prism with three active edges",
    changed={"ringing": True},
    needs=PASSIVE,
    cost=6.0,
)
def passive_spectra(bench: Bench, ringing: bool = False) -> Evidence:
    rows: list[Row] = []
    points: list[complex] = []
    for name, network in _states(bench, (41, 42, 43), ringing=ringing, negative=True):
        value, _, U = measured_jacobian(bench, network)
        points += [complex(z) for z in np.linalg.eigvals(value)]
        rows.append((name, *largest_imaginary(value, U)))
    curve = Series(x=[z.real for z in points], y=[z.imag for z in points], label="P = I or -I", style="points")
    picture = Panel(
        title="Eigenvalues of L - alpha, measured", x="real part (1/s)", y="imaginary part (1/s)", series=(curve,)
    )
    return vanishing("max |Im eigenvalue| in 1/s", rows, resolution=1e-6, panels=(picture,))


@claim(
    "p1.eq37",
    "The condition on D (condition 2)",
    printed="real eigenvalues need D of one sign (condition 2 after Eq. 37)",
    exact="the conclusion holds without the condition: real for any sign of D",
    status=Status.WRONG,
    on=standard(BARE, quick=1, polarity=True, ac=False),
    circuits="random states and sources with D of both signs (seeds 51, 52)",
    mutant="the prism with three active edges",
    changed={"ringing": True},
    needs=(*PASSIVE, "both signs"),
    cost=4.0,
)
def condition_two(bench: Bench, ringing: bool = False) -> Evidence:
    rows: list[Row] = []
    against = 0
    for name, network in _states(bench, (51, 52), ringing=ringing, negative=False):
        value, D, U = measured_jacobian(bench, network)
        imaginary, spread = largest_imaginary(value, U)
        against += bool((D > 0).any() and (D < 0).any() and imaginary <= spread)
        rows.append((name, imaginary, spread))
    findings = (
        worst("max |Im eigenvalue| in 1/s", rows, resolution=1e-6),
        refutes("states with D of both signs and a real spectrum", float(against), 0.0),
    )
    return Evidence(findings=findings, rows=tuple(rows))
