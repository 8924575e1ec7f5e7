"""Paper 1, Eqs. 33-37: the Lyapunov matrix, and networks whose spectra are real.

L = alpha I + (xi/beta) J M D,   M = (I + xi Ob W)^-1 Ob,   D = diag(M P S)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spicebridge.analysis.flow import Flow
from spicebridge.analysis.transition import Transition, measure_transition
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import (
    caravelli,
    current_flows,
    laws,
    linear_memristors,
    makers,
    matrices,
    prism,
    random_circuit,
)
from spicebridge.atlas.claim import Evidence, Panel, Row, Series, Status, claim, refutes
from spicebridge.atlas.response import response
from spicebridge.atlas.runs import Bench, Circuit, least, side_by_side, vanishing, worst
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms


def transition(bench: Bench, case: Circuit, *, steps: int = 400) -> Transition:
    """Phi of a circuit over its span; see ``analysis/transition``."""
    return measure_transition(case.network, case.stop, bench.run, steps=steps)


def lyapunov(network: Network, w: Array, t: float, *, printed: bool = False) -> Array:
    """L (n_e, n_e) in 1/s by the exact formula, or as printed (no alpha I, no -1/beta)."""
    L = Flow(network).jacobian(w, t)
    _, _, a, g = laws(network)
    return np.asarray((L - np.diag(a)) / g[:, None]) if printed else L


def _propagated(network: Network, path: Waveforms, *, printed: bool = False) -> Array:
    """Phi by integrating dPhi/dt = L(w(t)) Phi along a measured path (RK4 on its spline)."""
    from scipy.interpolate import make_interp_spline

    spline: Any = make_interp_spline(path.t, path.state, k=5)
    n, T = 200, float(path.t[-1])
    h, Phi = T / n, np.eye(network.n_edges)

    def L(t: float) -> Array:
        return lyapunov(network, np.asarray(spline(t)), t, printed=printed)

    for k in range(n):
        t = k * h
        first, middle, last = L(t), L(t + h / 2), L(t + h)
        k1 = first @ Phi
        k2 = middle @ (Phi + 0.5 * h * k1)
        k3 = middle @ (Phi + 0.5 * h * k2)
        k4 = last @ (Phi + h * k3)
        Phi = Phi + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return Phi


@claim(
    "p1.eq33",
    title="The Lyapunov matrix (Eqs. 33-35)",
    printed="L = - xi J M D",
    exact="L = alpha I + (xi/beta) J M D, M = (I + xi Ob W)^-1 Ob, D = diag(M P S)",
    status=Status.WRONG,
    circuits="K4 and random graph (seed 5), alpha = 0.3/s, beta = 2 V s, random J, mixed P, AC (seed 11)",
    mutant="the printed matrix judged as the exact one",
    applies=lambda network: linear_memristors(network, "current"),
    cost=12.0,
)
def lyapunov_matrix(bench: Bench) -> Evidence:
    exact: list[Row] = []
    printed: list[Row] = []
    device = caravelli(alpha=0.3, beta=2.0)
    names = ["K4", "random 8 nodes 14 edges (seed 5)"]
    for case in bench.circuits(makers(names, mixed=True, polarity=True, device=device, stop=1.0), quick=1):
        measured = bench.keep(case.name, lambda case=case: transition(bench, case))  # type: ignore[misc]
        by_formula = _propagated(case.network, measured.path)
        as_printed = _propagated(case.network, measured.path, printed=True)
        target = as_printed if bench.mutant else by_formula
        exact.append((case.name, float(np.abs(measured.Phi - target).max()), measured.U))
        printed.append((f"{case.name}, printed", float(np.abs(measured.Phi - as_printed).max()), measured.U))
    findings = (
        worst("|Phi_measured - Phi(exact L)|", exact, resolution=1e-4),
        least("|Phi_measured - Phi(printed L)|", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


def measured_jacobian(bench: Bench, network: Network) -> tuple[Array, Array, float]:
    """(L without alpha I on the L free directions, D, U) from the measured response of frozen states."""
    r0, kappa, _, g = laws(network)
    A = matrices(network)[0]
    basis = network.J[:, None] * A.T
    inverse = np.linalg.pinv(basis)
    measured = response(bench, network)
    S = network.bank(0.0)

    def reduced(T: Array) -> Array:
        change = -(network.J * g * r0)[:, None] * (T * (network.P * r0 * kappa * (T @ S)))
        return np.asarray(inverse @ change @ basis)

    value, U = measured.value(reduced)
    return value, np.asarray(r0 * (measured.T @ S)), U


def largest_imaginary(value: Array, U: float) -> tuple[float, float]:
    """(max |Im eigenvalue|, U); rounding in `value` may not move it by more than its own size times U."""
    imaginary = float(np.abs(np.linalg.eigvals(value).imag).max(initial=0.0))
    stir = U * np.random.default_rng(1).uniform(-1.0, 1.0, value.shape)
    moved = float(np.abs(np.linalg.eigvals(value + stir).imag).max(initial=0.0))
    return imaginary, abs(moved - imaginary) + U


@claim(
    "p1.eq36",
    title="Real spectra of passive networks",
    printed="the eigenvalues of the Lyapunov matrix are real for purely passive or purely active networks",
    exact="for P = +I or -I the spectrum is real everywhere in the cube, for any J",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5), P = I and P = -I, random J, "
    "3 random states and sources each (seeds 41-43)",
    mutant="the prism with three active edges",
    applies=lambda network: (
        linear_memristors(network, "current")
        or (None if abs(network.P.sum()) == network.n_edges else "it needs P = I or P = -I")
        or current_flows(network)
    ),
    cost=6.0,
)
def passive_spectra(bench: Bench) -> Evidence:
    rows: list[Row] = []
    points: list[complex] = []
    if bench.mutant:
        value, _, U = measured_jacobian(bench, prism().network)
        rows.append(("prism", *largest_imaginary(value, U)))
        return vanishing("max |Im eigenvalue| in 1/s", rows, resolution=1e-6)
    for case in bench.circuits(makers(polarity=True, ac=False), quick=2):
        for sign in (1, -1) if bench.network is None else (1,):
            for seed in (41, 42, 43)[: 1 if bench.quick or bench.network is not None else 3]:
                network = case.network
                if bench.network is None:
                    rng = np.random.default_rng(seed)
                    network = network.with_initial_state(rng.uniform(0.02, 0.98, network.n_edges))
                    network = network.with_drive(rng.normal(0.0, 0.3, network.n_edges))
                    network = network.with_active([] if sign > 0 else range(network.n_edges))
                value, _, U = measured_jacobian(bench, network)
                points += [complex(z) for z in np.linalg.eigvals(value)]
                rows.append((f"{case.name}, P = {sign:+d}, seed {seed}", *largest_imaginary(value, U)))
    picture = Panel(
        "Eigenvalues of L - alpha, measured",
        "real part (1/s)",
        "imaginary part (1/s)",
        (Series([z.real for z in points], [z.imag for z in points], "P = I or -I", "points"),),
    )
    return vanishing("max |Im eigenvalue| in 1/s", rows, resolution=1e-6, panels=(picture,))


@claim(
    "p1.eq37",
    title="The condition on D (condition 2)",
    printed="real eigenvalues need D of one sign",
    exact="the conclusion holds without the condition: real for any sign of D",
    status=Status.WRONG,
    circuits="K4, 3x3 grid, random graph (seed 5), P = I, random J, D of both signs (seeds 51, 52)",
    mutant="the prism with three active edges",
    cost=4.0,
)
def condition_two(bench: Bench) -> Evidence:
    rows: list[Row] = []
    both = 0
    cases: list[tuple[str, Network]] = []
    names = ["K4", "grid 3x3", "random 8 nodes 14 edges (seed 5)"]
    for name in names[: 1 if bench.quick else 3]:
        for seed in (51, 52):
            rng = np.random.default_rng(seed)
            network = random_circuit(name, polarity=True, ac=False).network
            network = network.with_initial_state(rng.uniform(0.02, 0.98, network.n_edges))
            cases.append((f"{name}, seed {seed}", network.with_drive(rng.normal(0.0, 0.3, network.n_edges))))
    if bench.mutant:
        cases = [("prism", prism().network)]
    for name, network in cases:
        value, D, U = measured_jacobian(bench, network)
        both += bool((D > 0).any() and (D < 0).any())
        rows.append((name, *largest_imaginary(value, U)))
    findings = (
        worst("max |Im eigenvalue| in 1/s with D of both signs", rows, resolution=1e-6),
        refutes("states with D of both signs and a real spectrum", float(both), 0.0),
    )
    return Evidence(findings, rows=tuple(rows))
