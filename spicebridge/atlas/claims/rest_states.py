"""Paper 1, Eqs. 38-39: fixed points in the bulk and their spectra.

D = alpha beta J W*,   B J W* = 0,   spectrum alpha (n - 1 times) and alpha (2 - eta),
eta = eig([A P (1 + xi W*) A^t]^-1 A P A^t)
"""

from __future__ import annotations

import numpy as np

from spicebridge.analysis.affine import affine
from spicebridge.analysis.circuit_matrices import apart
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import K4, bulk_points, fixed_point, flow_state, grid, matrices, prism
from spicebridge.atlas.claim import Evidence, Finding, Panel, Row, Series, Status, at_least, claim, equals, refutes
from spicebridge.atlas.runs import Bench, Circuit, residuals, vanishing, worst
from spicebridge.network import Network
from spicebridge.theory.results import closed_forms
from spicebridge.waveforms import Waveforms

STEADY = ("memory", "current", "constant", "one alpha", "alpha", "one law", "source", "loop", "small", "steady")


def _fixed_points(bench: Bench, alpha: float, stop: float) -> list[Circuit]:
    """The user's network at its fixed points in the bulk, or circuits made for one."""
    if bench.network is not None:
        size = abs(float(affine(bench.network).a[0]))
        points = bulk_points(bench.network)[: 1 if bench.quick else 3]
        return [Circuit(f"point {k}", bench.network.with_initial_state(w), stop / size) for k, w in enumerate(points)]
    named = (("K4", K4, 61), ("grid 3x3", grid(3, 3), 62))
    out = []
    for name, edges, seed in named[: 1 if bench.quick else 2]:
        w, J = flow_state(edges, seed)
        out.append(fixed_point(f"{name} (seed {seed})", edges, w, alpha=alpha, J=J, stop=stop))
    return [*out, prism(stop, alpha)]


@claim(
    "p1.eq38",
    "Fixed points in the bulk",
    printed="D = alpha beta J W at a fixed point (Eq. 38)",
    exact="exact; moreover B J W* = 0, and S = alpha beta P J (W* + xi W*^2) has the fixed point W*",
    circuits="K4 and 3x3 grid at random circulations (seeds 61, 62), prism, alpha = -1/s",
    mutant="W* moved off B J W* = 0 by 0.02 on one edge",
    changed={"moved": 0.02},
    needs=STEADY,
)
def fixed_points(bench: Bench, moved: float = 0.0) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        law = affine(network)
        D = -network.J * law.g * law.r0 * waves.current
        return np.hstack([waves.state - waves.state[0], (D - law.a * waves.state) / np.abs(law.a)])

    pairs = []
    for case in _fixed_points(bench, -1.0, 2.0):
        w = case.network.initial_state + moved * (np.arange(case.network.n_edges) == 0)
        pairs.append(bench.pair(Circuit(case.name, case.network.with_initial_state(w), case.stop)))
    return vanishing("|w(t) - W*| and |D/(alpha beta) - J W*|", residuals(pairs, gap), resolution=1e-6)


@claim(
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
def fixed_spectrum(bench: Bench, two: float = 2.0) -> Evidence:
    rows: list[Row] = []
    series: list[Series] = []
    numbers: dict[str, float | str] = {}
    findings: list[Finding] = []
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
                findings.append(equals(name, number, U, target, target_uncertainty=5e-7))
            numbers["real eigenvalues of the prism"] = ", ".join(f"{z.real:.4f}" for z in values if abs(z.imag) < U)
    picture = Panel(
        title="Spectrum at the fixed point", x="real part (1/s)", y="imaginary part (1/s)", series=tuple(series)
    )
    main = worst("distance of the measured and the exact spectrum in 1/s", rows, resolution=1e-3)
    return Evidence(findings=(main, *findings), rows=tuple(rows), numbers=numbers, panels=(picture,))


@claim(
    "p1.eq39.unstable",
    "No stable fixed point for alpha > 0",
    printed="mixtures of active and passive memristors can have stable fixed points for alpha > 0 (after Eq. 39)",
    exact="alpha > 0: alpha itself is an eigenvalue (n - 1 times), so none is stable; passive ones are unstable nodes; "
    "stable ones need alpha < 0",
    status=Status.WRONG,
    circuits="K4 and 3x3 grid at random circulations (seeds 61, 62), prism, alpha = +0.5/s: perturbed runs of 1 s",
    mutant="alpha = -0.5/s",
    changed={"alpha": -0.5},
    needs=(*STEADY, "growth", "passive"),
    cost=15.0,
)
def unstable(bench: Bench, alpha: float = 0.5) -> Evidence:
    findings: list[Finding] = []
    rows: list[Row] = []
    for case in _fixed_points(bench, alpha, 1.0)[: 1 if alpha < 0.0 else None]:
        values, U = bench.transition(case).eigenvalues()
        top, bottom = float(values.real.max()), float(values.real.min())
        findings.append(refutes(f"{case.name}: largest growth rate in 1/s", top, U))
        rows.append((f"{case.name}, largest", top, U))
        if case.name != "prism":
            findings.append(at_least(f"{case.name}: least growth rate in 1/s, passive", bottom, U, 0.0))
            rows.append((f"{case.name}, least", bottom, U))
    return Evidence(findings=tuple(findings), rows=tuple(rows))
