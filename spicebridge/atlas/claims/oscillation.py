"""Paper 1 on oscillations: a prism that rings, what complex eigenvalues need, and their onset on the theta graph.

three parallel edges, P = + - +, w3 = w1 + w2:   alpha (2 - 1/(1 + xi mu)),   mu = w2 +- sqrt(w1 (w1 - w2))
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spicebridge.analysis.circuit_matrices import apart
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import PRISM, PRISM_W, PRISM_XI, R_ON, caravelli, circuit, fixed_point, matrices, prism
from spicebridge.atlas.claim import Evidence, Finding, Panel, Row, Series, at_least, claim, equals, vanishes
from spicebridge.atlas.claims.local_stability import jacobian, largest_imaginary, measured_jacobian
from spicebridge.atlas.runs import Bench, Circuit, worst
from spicebridge.network import Network
from spicebridge.theory.results import closed_forms


def prism_offset(offset: float, stop: float = 45.0) -> Circuit:
    """The prism started `offset` off w* along the real part of its complex mode (largest component one)."""
    star = prism(stop)
    values, vectors = np.linalg.eig(jacobian(star.network, np.array(PRISM_W), 0.0))
    mode = vectors[:, int(np.argmax(values.imag))]
    mode = (mode / mode[np.argmax(np.abs(mode))]).real
    network = star.network.with_initial_state(np.array(PRISM_W) + offset * mode)
    return Circuit(f"prism, {offset:g} off w*", network, stop)


VISIBLE = 1e-4
"""Swings below this part of the first are what noise leaves of a state that does not ring."""


def ringing(t: Array, states: Array) -> Array:
    """(period in s, amplitude ratio per period) from extrema of every state alone.

    The distance of every second extremum is a period, the ratio of every second swing the amplitude
    ratio; median and geometric mean over the states and over the second to the seventh extremum. Zeros
    where no state has that many.
    """
    from scipy.interpolate import PPoly, make_interp_spline

    periods: list[float] = []
    ratios: list[float] = []
    for k in range(states.shape[1]):
        spline: Any = make_interp_spline(t, states[:, k], k=5)
        times = PPoly.from_spline(spline.derivative()).roots(extrapolate=False)
        times = times[np.isfinite(times)][1:7]
        swing = np.abs(np.diff(spline(times)))
        if times.size < 6 or not swing.min() > VISIBLE * swing.max():
            continue
        periods += list(times[2:] - times[:-2])
        ratios += list(swing[2:] / swing[:-2])
    if not periods:
        return np.zeros(2)
    return np.array([np.median(periods), np.exp(np.mean(np.log(ratios)))])


@claim(
    "p1.oscillation",
    "A network that rings",
    printed="oscillations are possible for mixtures of active and passive memristors (after Eq. 39)",
    exact="they exist, also decaying: a prism with three active edges rings with period 7.3827 s and amplitude ratio "
    "0.510 a period at small amplitude, and as the network equation says at larger ones",
    circuits="prism, P = + + - + + - + - +, alpha = -1/s, xi = 1.2, started 0.0025, 0.01 and 0.08 off w*",
    mutant="the three active edges made passive",
    changed={"passive": True},
    cost=8.0,
)
def oscillation(bench: Bench, passive: bool = False) -> Evidence:
    from spicebridge.theory import solve

    findings: list[Finding] = []
    panels: list[Panel] = []
    for offset in (0.0025,) if bench.quick or passive else (0.0025, 0.01, 0.08):
        case = prism_offset(offset)
        tried = Circuit(case.name, case.network.with_active([]), case.stop) if passive else case
        pair = bench.pair(tried, steps=1500)
        both, other = (ringing(waves.t, waves.state) for waves in (pair.fine, pair.coarse))
        targets, digits = (7.3827, 0.510), (5e-5, 5e-4)
        if offset > 0.0025:
            # the rule of averaging matters at finite amplitude, so the equation is read by the same rule
            t = pair.fine.t
            known = ringing(t, solve(case.network, case.stop, rtol=1e-11, atol=1e-13)(t))
            targets, digits = (float(known[0]), float(known[1])), (1e-6, 1e-6)
        for j, what in enumerate(("period in s", "amplitude ratio per period")):
            # the error of the finer run is a third of the difference; it is taken off, and kept as U
            U = float(abs(both[j] - other[j])) / 3.0
            found = (float(both[j] + (both[j] - other[j]) / 3.0), U, targets[j])
            name = f"{what}, {offset:g} off w*"
            findings.append(equals(name, *found, target_uncertainty=digits[j], resolution=1e-3))
        few = slice(None, None, 6)
        away = pair.fine.state[few] - np.array(PRISM_W)
        curves = tuple(Series(x=pair.fine.t[few], y=away[:, k], label=f"edge {k}") for k in (0, 4, 6, 7))
        panels.append(Panel(title=case.name, x="t (s)", y="w - w*", series=curves))
    return Evidence(findings=tuple(findings), panels=tuple(panels))


@claim(
    "p1.oscillation.condition",
    "What oscillations need",
    printed="only mixtures of active and passive memristors can oscillate (after Eq. 37)",
    exact="complex pairs need P mixed, and A P R(W) A^t indefinite",
    circuits="prism graph, random P, w and S (60 draws, seeds 70 on), response measured; and the ringing prism",
    mutant="condition read as A P R A^t definite",
    changed={"indefinite": False},
    cost=12.0,
)
def oscillation_condition(bench: Bench, indefinite: bool = True) -> Evidence:
    draws = 10 if bench.quick else 60
    wrong, complex_pairs, real = 0, 0, 0
    for seed in range(70, 70 + draws + 1):
        network = prism().network if seed == 70 else _random_prism(seed)
        mesh = (matrices(network)[0] * network.P * network.resistance(network.initial_state)) @ matrices(network)[0].T
        if np.linalg.cond(mesh) > 100.0:
            continue
        chords = response_inverse_signs(bench, network)
        value, _, U = bench.keep(f"jacobian {seed}", lambda network=network: measured_jacobian(bench, network))  # type: ignore[misc]
        imaginary, spread = largest_imaginary(value, U)
        oscillates = imaginary > 10.0 * spread
        met = bool((chords > 0).any() and (chords < 0).any()) is indefinite
        complex_pairs += oscillates
        wrong += oscillates and not met
        real += met and not oscillates
    findings = (
        equals("complex pairs with A P R A^t definite", float(wrong), 0.0, 0.0),
        at_least("complex pairs found", float(complex_pairs), 0.0, 1.0),
    )
    numbers = {"draws": float(draws), "indefinite but real": float(real)}
    return Evidence(findings=findings, numbers=numbers)


def _random_prism(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    n = len(PRISM)
    active = np.flatnonzero(rng.random(n) < 0.35).tolist()
    device = caravelli(alpha=-1.0, r_off=R_ON * (1.0 + PRISM_XI))
    return circuit(
        "prism",
        PRISM,
        device=device,
        drive=rng.normal(0.0, 1.0, n),
        initial_state=rng.uniform(0.05, 0.95, n),
        active=active,
    ).network


def response_inverse_signs(bench: Bench, network: Network) -> Array:
    """Eigenvalues of (A P R A^t)^-1 measured at the chords, whose signs are those of A P R A^t."""
    from spicebridge.theory.currents.topology import Topology

    chords = Topology.of(network).forest.chords
    measured = bench.respond(network)
    Y = measured.T[np.ix_(chords, chords)]
    return np.asarray(np.linalg.eigvalsh(0.5 * (Y + Y.T)))


@claim(
    "new.theta",
    "Onset of oscillation on the theta graph",
    printed="(not in the papers)",
    exact="three parallel edges, P = + - +, w3 = w1 + w2: eigenvalues alpha (2 - 1/(1 + xi mu)), "
    "mu = w2 +- sqrt(w1 (w1 - w2)); complex exactly when w2 > w1",
    circuits="theta graph, alpha = -1/s, xi = 1.5, w1 = 0.3, w2 = 0.1 to 0.55: perturbed runs of 1 s",
    mutant="w1 and w2 exchanged in the formula",
    changed={"order": -1},
    cost=8.0,
)
def theta(bench: Bench, order: int = 1) -> Evidence:
    xi, w1 = 1.5, 0.3
    grid_w2 = (0.1, 0.45) if bench.quick else (0.1, 0.2, 0.27, 0.33, 0.4, 0.45, 0.55)
    rows: list[Row] = []
    seen: list[tuple[float, float]] = []
    for w2 in grid_w2:
        state = np.array([w1, w2, w1 + w2])
        case = fixed_point(f"w2 = {w2:g}", [(0, 1), (0, 1), (1, 0)], state, alpha=-1.0, xi=xi, active=(1,), stop=1.0)
        values, U = bench.transition(case).eigenvalues()
        pair = closed_forms.theta_eigenvalues(*(w1, w2)[::order], xi=xi, alpha=-1.0)
        known = np.concatenate([[-1.0 + 0.0j], pair])
        rows.append((case.name, apart(values, known), U))
        seen.append((w2, float(values.imag.max())))
    before = [U for (w2, _), (_, _, U) in zip(seen, rows, strict=True) if w2 < w1]
    calm = max(y for w2, y in seen if w2 < w1)
    loud = min(y for w2, y in seen if w2 > w1)
    findings = (
        worst("distance of the measured and the exact spectrum in 1/s", rows, resolution=1e-3),
        vanishes("imaginary part in 1/s for w2 < w1", calm, max(before), resolution=1e-3),
        at_least("imaginary part in 1/s for w2 > w1", loud, max(row[2] for row in rows), 1e-2),
    )
    curve = np.linspace(0.05, 0.6, 56)
    exact = [float(closed_forms.theta_eigenvalues(w1, x, xi=xi, alpha=-1.0).imag.max()) for x in curve]
    picture = Panel(
        title="Theta graph: onset at w2 = w1",
        x="w2",
        y="imaginary part (1/s)",
        series=(
            Series(x=curve, y=exact, label="closed form"),
            Series(x=[x for x, _ in seen], y=[y for _, y in seen], label="ngspice", style="points"),
        ),
    )
    return Evidence(findings=findings, rows=tuple(rows), panels=(picture,))
