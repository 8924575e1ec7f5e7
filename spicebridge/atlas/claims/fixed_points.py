"""Paper 1, Eqs. 38-39: fixed points in the bulk and their spectra.

D = alpha beta J W*,   B J W* = 0,   spectrum alpha (n - 1 times) and alpha (2 - eta),
eta = eig([A P (1 + xi W*) A^t]^-1 A P A^t)
"""

from __future__ import annotations

import numpy as np

from spicebridge.analysis.transition import apart
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import BETA, K4, R_ON, fixed_point, flow_state, grid, laws, matrices, prism
from spicebridge.atlas.claim import (
    Evidence,
    Finding,
    Panel,
    Row,
    Series,
    Status,
    at_least,
    claim,
    equals,
    refutes,
)
from spicebridge.atlas.claims.stability import transition
from spicebridge.atlas.runs import Bench, Circuit, residuals, vanishing, worst
from spicebridge.network import Network
from spicebridge.theory.results import closed_forms
from spicebridge.waveforms import Waveforms


def _fixed_points(alpha: float, stop: float, *, quick: bool) -> list[Circuit]:
    named = (("K4", K4, 61), ("grid 3x3", grid(3, 3), 62))
    out = []
    for name, edges, seed in named[: 1 if quick else 2]:
        w, J = flow_state(edges, seed)
        out.append(fixed_point(f"{name} (seed {seed})", edges, w, alpha=alpha, J=J, stop=stop))
    return [*out, prism(stop, alpha)]


@claim(
    "p1.eq38",
    title="Fixed points in the bulk",
    printed="D = alpha beta J W at a fixed point",
    exact="exact; moreover B J W* = 0, and S = alpha beta P J (W* + xi W*^2) has the fixed point W*",
    status=Status.EXACT,
    circuits="K4 and 3x3 grid at random circulations (seeds 61, 62), prism, alpha = -1/s",
    mutant="W* moved off B J W* = 0 by 0.02 on one edge",
)
def fixed_points(bench: Bench) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        D = R_ON * waves.current
        alpha = float(laws(network)[2][0])
        still = waves.state - waves.state[0]
        return np.hstack([still, D - alpha * BETA * network.J * waves.state])

    pairs = []
    for case in _fixed_points(-1.0, 2.0, quick=bench.quick):
        if bench.mutant:
            w = case.network.initial_state.copy()
            w[0] += 0.02
            case = Circuit(case.name, case.network.with_initial_state(w), case.stop)
        pairs.append(bench.pair(case))
    return vanishing("|w(t) - W*| and |D - alpha beta J W*|", residuals(bench, pairs, gap), resolution=1e-6)


@claim(
    "p1.eq39",
    title="Spectrum at a fixed point",
    printed="alpha and alpha (2 - eta), eta from A P (1 + xi W*) A^t and A P A^t",
    exact="exact: alpha (n - 1 times) and alpha (2 - eta), eta = eig([A P (1 + xi W*) A^t]^-1 A P A^t)",
    status=Status.EXACT,
    circuits="K4 and 3x3 grid at random circulations (seeds 61, 62), prism, alpha = -1/s: perturbed runs of 1.5 s",
    mutant="1 - eta in the place of 2 - eta",
    cost=15.0,
)
def fixed_spectrum(bench: Bench) -> Evidence:
    rows: list[Row] = []
    series: list[Series] = []
    numbers: dict[str, float | str] = {}
    findings: list[Finding] = []
    for case in _fixed_points(-1.0, 1.5, quick=bench.quick):
        measured = bench.keep(case.name, lambda case=case: transition(bench, case))  # type: ignore[misc]
        values, U = measured.eigenvalues()
        xi = float(laws(case.network)[1][0])
        A = matrices(case.network)[0]
        known = closed_forms.fixed_point_spectrum(A, case.network.P, case.network.initial_state, xi=xi, alpha=-1.0)
        if bench.mutant:
            known = np.where(np.abs(known + 1.0) < 1e-9, known, known + 1.0)
        rows.append((case.name, apart(values, known), U))
        series.append(Series(known.real.tolist(), known.imag.tolist(), f"{case.name}: theory", "points"))
        series.append(Series(values.real.tolist(), values.imag.tolist(), f"{case.name}: ngspice", "cross"))
        if case.name == "prism":
            pair = values[int(np.argmax(values.imag))]
            findings += [
                equals("prism: real part of the complex pair in 1/s", pair.real, U, -0.091236, target_uncertainty=5e-7),
                equals("prism: imaginary part in 1/s", pair.imag, U, 0.851067, target_uncertainty=5e-7),
            ]
            numbers["real eigenvalues of the prism"] = ", ".join(f"{z.real:.4f}" for z in values if abs(z.imag) < U)
    picture = Panel("Spectrum at the fixed point", "real part (1/s)", "imaginary part (1/s)", tuple(series))
    main = worst("distance of the measured and the exact spectrum in 1/s", rows, resolution=1e-3)
    return Evidence((main, *findings), rows=tuple(rows), numbers=numbers, panels=(picture,))


@claim(
    "p1.eq39.unstable",
    title="No stable fixed point for alpha > 0",
    printed="mixtures of active and passive memristors can have stable fixed points for alpha > 0",
    exact="alpha > 0: alpha itself is an eigenvalue (n - 1 times), so none is stable; passive ones are unstable nodes; "
    "stable ones need alpha < 0",
    status=Status.WRONG,
    circuits="K4 and 3x3 grid at random circulations (seeds 61, 62), prism, alpha = +0.5/s: perturbed runs of 1 s",
    mutant="alpha = -0.5/s",
    cost=15.0,
)
def unstable(bench: Bench) -> Evidence:
    alpha = -0.5 if bench.mutant else 0.5
    findings: list[Finding] = []
    rows: list[Row] = []
    cases = _fixed_points(alpha, 1.0, quick=bench.quick)
    for case in cases[: 1 if bench.mutant else None]:
        values, U = transition(bench, case).eigenvalues()
        top, bottom = float(values.real.max()), float(values.real.min())
        findings.append(refutes(f"{case.name}: largest growth rate in 1/s", top, U))
        rows.append((f"{case.name}, largest", top, U))
        if case.name != "prism":
            findings.append(at_least(f"{case.name}: least growth rate in 1/s, passive", bottom, U, 0.0))
            rows.append((f"{case.name}, least", bottom, U))
    return Evidence(tuple(findings), rows=tuple(rows))
