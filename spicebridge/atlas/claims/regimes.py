"""Paper 1, Eqs. 22-28: weak and strong nonlinearity, and the flux law that is exact at every xi.

weak     (I + xi Omega W)^-1 Omega = Omega - xi Omega W Omega + O(xi^2)
strong   xi (I + xi Omega W)^-1 Omega -> A^t (A W A^t)^-1 A,  O(1/xi)
exact    Ob J [(w - w0) + (xi/2)(w^2 - w0^2) - alpha int (w + xi w^2)] + (1/beta) Ob int P S = 0
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import (
    BETA,
    GRAPHS,
    K4,
    R_OFF,
    R_ON,
    XI,
    caravelli,
    circuit,
    current_flows,
    laws,
    linear_memristors,
    makers,
    matrices,
)
from spicebridge.atlas.claim import Evidence, Panel, Row, Series, Status, claim, equals, refutes
from spicebridge.atlas.response import Response, response
from spicebridge.atlas.runs import (
    Bench,
    Circuit,
    Pair,
    least,
    order_of,
    residuals,
    side_by_side,
    value_of,
    vanishing,
    worst,
)
from spicebridge.drives import DC, Sine
from spicebridge.network import Network
from spicebridge.theory.results import conservation
from spicebridge.waveforms import Waveforms

SHARP = 1e-6

_STATIC = ("K4", "grid 3x3", "random 8 nodes 14 edges (seed 5)")


def _states(name: str) -> Array:
    return np.random.default_rng(31).uniform(0.2, 0.9, len(GRAPHS[name][0]))


def _at(bench: Bench, name: str, xi: float) -> tuple[Response, Array, Array]:
    """(measured response of frozen states, A, w) of one of `GRAPHS` at a given xi."""
    w = _states(name)
    device = caravelli(r_off=R_ON * (1.0 + xi))
    network = circuit(name, GRAPHS[name][0], device=device, initial_state=w).network
    measured: Response = bench.keep(f"{name} {xi}", partial(response, bench, network))
    return measured, matrices(network)[0], w


def _order(
    bench: Bench, sizes: list[float], error: Callable[[float, str], tuple[float, float]], what: str, expected: int
) -> Evidence:
    """The exponent of an error on every graph must be `expected`."""
    findings, rows, series = [], [], []
    for name in _STATIC[: 1 if bench.quick else 3]:
        found = [error(size, name) for size in sizes]
        values, U = [e for e, _ in found], [u for _, u in found]
        order, spread = order_of(sizes, values, U)
        findings.append(equals(f"order of the error in {what} ({name})", order, spread, expected, resolution=0.1))
        rows += [(f"{name}, {what} = {size:g}", e, u) for size, (e, u) in zip(sizes, found, strict=True)]
        series.append(Series(sizes, values, name, "points"))
    guide = [series[0].y[0] * (s / sizes[0]) ** expected for s in sizes]
    series.append(Series(sizes, guide, f"order {expected}", "dashed"))
    picture = Panel("Error of the limit, measured in ngspice", what, "error", tuple(series), log_x=True, log_y=True)
    return Evidence(tuple(findings), rows=tuple(rows), panels=(picture,))


@claim(
    "p1.eq22",
    title="The parameter of nonlinearity",
    printed="xi as another ratio of the two resistances",
    exact="xi = Roff/Ron - 1, read from the circuit as R(w = 1)/R(w = 0) - 1",
    status=Status.WRONG,
    circuits="K4 with Ron = 100, Roff = 1000 ohm, states frozen at 0 and at 1; tried: 1 - Ron/Roff, Ron/Roff, Roff/Ron",
    mutant="Roff/Ron judged as the exact one",
)
def parameter(bench: Bench) -> Evidence:
    found = []
    for w in (0.0, 1.0):
        network = circuit("K4", K4, initial_state=w).network
        value, U = response(bench, network, np.array([0])).value(lambda T: np.asarray(T[0, 0]))
        found.append((float(value), U))
    xi = found[0][0] / found[1][0] - 1.0
    U = xi * (found[0][1] / found[0][0] + found[1][1] / found[1][0])
    ratio = R_OFF / R_ON
    others = {"1 - Ron/Roff": 1.0 - 1.0 / ratio, "Ron/Roff": 1.0 / ratio, "Roff/Ron": ratio}
    nearest = min(abs(xi - value) for value in others.values())
    target = ratio if bench.mutant else ratio - 1.0
    findings = (
        equals("R(1)/R(0) - 1", xi, U, target, resolution=1e-8),
        refutes("distance of xi from the nearest other ratio", nearest, U),
    )
    return Evidence(findings, numbers={f"distance from {k}": abs(xi - v) for k, v in others.items()})


@claim(
    "p1.eq23",
    title="Weakly nonlinear limit",
    printed="(I + xi Omega W)^-1 Omega S ~ (Omega - xi Omega W Omega) S",
    exact="exact to O(xi^2)",
    status=Status.APPROXIMATE,
    order=2,
    circuits="K4, 3x3 grid, random graph (seed 5), frozen random states (seed 31), xi = 0.1 to 0.00625",
    mutant="the linear term left out",
)
def weak(bench: Bench) -> Evidence:
    def error(xi: float, name: str) -> tuple[float, float]:
        measured, A, w = _at(bench, name, xi)
        Omega = A.T @ np.linalg.solve(A @ A.T, A)
        linear = 0.0 if bench.mutant else xi * (Omega * w) @ Omega
        value, U = measured.value(lambda T: np.asarray(R_ON * T - (Omega - linear)))
        return float(np.abs(value).max()), U

    return _order(bench, [0.1, 0.05, 0.025, 0.0125, 0.00625], error, "xi", 2)


@claim(
    "p1.eq24",
    title="Strongly nonlinear limit (Eqs. 24, 26)",
    printed="xi (I + xi Omega W)^-1 Omega -> A^t (A W A^t)^-1 A",
    exact="right, with an error O(1/xi)",
    status=Status.APPROXIMATE,
    order=1,
    circuits="K4, 3x3 grid, random graph (seed 5), frozen random states (seed 31), xi = 100 to 1600",
    mutant="W left out of the limit",
)
def strong(bench: Bench) -> Evidence:
    def error(inverse: float, name: str) -> tuple[float, float]:
        measured, A, w = _at(bench, name, 1.0 / inverse)
        limit = A.T @ np.linalg.solve((A * (1.0 if bench.mutant else w)) @ A.T, A)
        value, U = measured.value(lambda T: np.asarray(R_ON * T / inverse - limit))
        return float(np.abs(value).max()), U

    return _order(bench, [1 / 100, 1 / 200, 1 / 400, 1 / 800, 1 / 1600], error, "1/xi", 1)


@claim(
    "p1.eq25",
    title="Which projector the strong limit is",
    printed="the Moore-Penrose projector (Omega W)^+ (Omega W)",
    exact="the oblique spectral projector A^t (A W A^t)^-1 A W",
    status=Status.WRONG,
    circuits="K4, 3x3 grid, random graph (seed 5), frozen random states (seed 31), xi = 800 and 1600 extrapolated",
    mutant="the printed projector judged as the exact one",
)
def spectral(bench: Bench) -> Evidence:
    exact: list[Row] = []
    printed: list[Row] = []
    for name in _STATIC[: 1 if bench.quick else 3]:
        limits = []
        for xi in (400.0, 800.0, 1600.0, 3200.0):
            measured, A, w = _at(bench, name, xi)
            limits.append(R_ON * xi * measured.T * w)
        # two steps of Richardson: the error is a series in 1/xi
        once = [2.0 * b - a for a, b in pairwise(limits)]
        twice = [(4.0 * b - a) / 3.0 for a, b in pairwise(once)]
        U = float(np.abs(twice[1] - twice[0]).max())
        oblique = A.T @ np.linalg.solve((A * w) @ A.T, A * w)
        Omega_w = A.T @ np.linalg.solve(A @ A.T, A) * w
        orthogonal = np.linalg.pinv(Omega_w) @ Omega_w
        target = orthogonal if bench.mutant else oblique
        exact.append((name, float(np.abs(twice[1] - target).max()), U))
        printed.append((f"{name}, Moore-Penrose", float(np.abs(twice[1] - orthogonal).max()), U))
    findings = (
        worst("|limit - oblique projector|", exact, resolution=1e-4),
        least("|limit - Moore-Penrose projector|", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


@claim(
    "p1.eq27",
    title="The conserved quantity of the strong limit (Eqs. 27-28)",
    printed="Omega (xi/2)(w^2 - w0^2) + (1/beta) Omega int S = 0",
    exact="leading order only: the linear term is dropped, relative error 1/(xi w), 1.92/xi at w = 0.52",
    status=Status.APPROXIMATE,
    order=1,
    circuits="K4 at w0 = 0.52 with small DC sources (seed 11), xi = 100 to 1600; at w0 = 0.3 and 0.8, xi = 800, 1600",
    mutant="the linear term kept",
)
def leading_order(bench: Bench) -> Evidence:
    sizes = [1 / 100, 1 / 200, 1 / 400, 1 / 800, 1 / 1600]
    found = [_dropped_term(bench, 0.52, 1.0 / size) for size in sizes]
    errors, spread = [e for e, _, _ in found], [u for _, u, _ in found]
    order, U_order = order_of(sizes, errors, spread)
    findings = [
        equals("order of the relative error in 1/xi", order, U_order, 1.0, resolution=0.1),
        equals("relative error times xi", *_times_xi(found, sizes), 1.92, target_uncertainty=0.005, resolution=0.01),
    ]
    for start in (0.3, 0.8):
        few = [_dropped_term(bench, start, 1.0 / size) for size in sizes[-2:]]
        # the states move away from w0 while the flux is given
        moved = few[-1][2] / (2.0 * start**2)
        what = f"relative error times xi at w0 = {start:g}, 1/w0"
        findings.append(equals(what, *_times_xi(few, sizes), 1.0 / start, target_uncertainty=moved, resolution=0.05))
    rows = tuple((f"K4, xi = {1 / s:g}", e, u) for s, e, u in zip(sizes, errors, spread, strict=True))
    picture = Panel(
        "Relative error of Eq. 27 on K4",
        "xi",
        "relative error",
        (
            Series([1 / s for s in sizes], errors, "ngspice", "points"),
            Series([1 / s for s in sizes], [1.92 * s for s in sizes], "1.92/xi", "dashed"),
        ),
        log_x=True,
        log_y=True,
    )
    return Evidence(tuple(findings), rows=rows, panels=(picture,))


def _dropped_term(bench: Bench, start: float, xi: float) -> tuple[float, float, float]:
    """(relative error of Eq. 27 on K4 from equal states, U, largest change of a state)."""
    level = 1e-2 * (1.0 + start * xi) * np.random.default_rng(11).uniform(-1.0, 1.0, 6)
    device = caravelli(r_off=R_ON * (1.0 + xi))
    case = circuit("K4", K4, device=device, drive=level, initial_state=start, stop=1.0)
    Omega = matrices(case.network)[2]

    def relative(waves: Waveforms) -> Array:
        w, w0 = waves.state[-1], waves.state[0]
        given = Omega @ case.network.bank.integral(waves.t[-1]) / BETA
        kept = Omega @ (0.5 * xi * (w**2 - w0**2) + (w - w0 if bench.mutant else 0.0))
        return np.asarray(np.linalg.norm(kept + given) / np.linalg.norm(given))

    pair = bench.pair(case)
    value, U = value_of(relative, pair)
    return float(value), U, float(np.abs(pair.fine.state[-1] - pair.fine.state[0]).max())


def _times_xi(found: list[tuple[float, float, float]], sizes: list[float]) -> tuple[float, float]:
    """(error times xi for xi -> infinity, U) from the last two of `found`."""
    (first, _, _), (last, U, _) = found[-2:]
    before, after = first / sizes[-2], last / sizes[-1]
    return 2.0 * after - before, abs(after - before) + 3.0 * U / sizes[-1]


def _flux_applies(network: Network) -> str | None:
    reason = linear_memristors(network, "current")
    if reason:
        return reason
    return current_flows(network) if np.ptp(laws(network)[2]) == 0.0 else "it needs one alpha for all edges"


@claim(
    "new.flux",
    title="Flux linkage: an exact law at every xi",
    printed="Eqs. 27-28, in the limit xi -> infinity only",
    exact="alpha = 0: Ob J [(w - w0) + (xi/2)(w^2 - w0^2)] + (1/beta) Ob int P S dt = 0",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5): random J, mixed P, AC (seed 11)",
    mutant="the linear term left out, as in Eq. 27",
    applies=_flux_applies,
)
def flux_law(bench: Bench) -> Evidence:
    def without_linear(network: Network, waves: Waveforms) -> Array:
        _, kappa, _, g = laws(network)
        flux = 0.5 * kappa * (waves.state**2 - waves.state[0] ** 2) * network.P * network.J / g
        given = network.bank.integral(waves.t)
        scale = max(float(np.abs(flux).max()), float(np.abs(given).max()))
        return np.asarray((flux - given) @ matrices(network)[0].T / scale)

    cases = bench.circuits(makers(mixed=True, polarity=True))
    pairs = [bench.pair(c, bulk=True, steps=800) for c in cases]
    rows = residuals(bench, pairs, without_linear if bench.mutant else conservation.flux_linkage)
    return vanishing("|flux linkage - int S| round the loops / largest term", rows, resolution=1e-5)


@claim(
    "p1.eq27.alpha",
    title="The flux law with alpha",
    printed="Eq. 27 for alpha != 0",
    exact="a balance, not a conservation: - alpha int (w + xi w^2) dt joins the bracket",
    status=Status.WRONG,
    circuits="the graphs of new.flux with alpha = 0.3/s (seed 11)",
    mutant="the memory integral left out, as printed",
)
def flux_alpha(bench: Bench) -> Evidence:
    def printed(network: Network, waves: Waveforms) -> Array:
        plain = network.with_device(caravelli())
        return conservation.flux_linkage(plain, waves)

    device = caravelli(alpha=0.3)
    cases = bench.circuits(makers(mixed=True, polarity=True, device=device, stop=1.0))
    pairs = [bench.pair(c, bulk=True, steps=800) for c in cases]
    good = residuals(bench, pairs, printed if bench.mutant else conservation.flux_linkage)
    bad = residuals(bench, pairs, printed)
    findings = (
        worst("|flux balance| / largest term", good, resolution=1e-5),
        least("|flux law without the memory integral| / largest term", bad),
    )
    return Evidence(findings, rows=side_by_side(good, bad))


def _same_flux(case: Circuit) -> Network:
    """The same network with its mean sources, plus sines of whole periods: equal flux at the end."""
    T = case.stop
    mean = case.network.bank.integral(T) / T
    rng = np.random.default_rng(12)
    n = mean.size
    return case.network.with_drive(
        [
            DC(float(m)) + Sine(amplitude=float(a), frequency=float(f) / T)
            for m, a, f in zip(mean, rng.uniform(-0.3, 0.3, n), rng.integers(1, 4, n), strict=True)
        ]
    )


@claim(
    "new.path",
    title="Only the flux matters: path independence",
    printed="(not in the papers)",
    exact="alpha = 0: w(T) depends on int_0^T S dt alone, not on the path of S(t)",
    status=Status.EXACT,
    circuits="the graphs of new.flux under two different AC sources of equal flux (seeds 11, 12)",
    mutant="alpha = 0.3/s",
)
def path(bench: Bench) -> Evidence:
    device = caravelli(alpha=0.3 if bench.mutant else 0.0)
    rows: list[Row] = []
    panels: tuple[Panel, ...] = ()
    for case in bench.circuits(makers(polarity=True, device=device, stop=1.0)):
        first = bench.pair(case, bulk=True)
        second = bench.pair(Circuit(case.name, _same_flux(case), case.stop), bulk=True)
        gap = [a.state[-1] - b.state[-1] for a, b in zip(_both(first), _both(second), strict=True)]
        U = float(np.abs(gap[0] - gap[1]).max()) + 2e-9
        rows.append((case.name, float(np.abs(gap[1]).max()), U))
        if not panels:
            few = slice(None, None, 8)
            panels = (
                Panel(
                    f"Two paths of equal flux, {case.name}",
                    "t (s)",
                    "w",
                    tuple(Series(first.fine.t[few].tolist(), first.fine.state[few, k].tolist()) for k in range(3))
                    + tuple(
                        Series(second.fine.t[few].tolist(), second.fine.state[few, k].tolist(), "", "dashed")
                        for k in range(3)
                    ),
                ),
            )
    return vanishing("|w(T) - w'(T)| for equal flux", rows, resolution=SHARP, panels=panels)


def _both(pair: Pair) -> tuple[Waveforms, Waveforms]:
    return pair.coarse, pair.fine


@claim(
    "new.periodic",
    title="Exactly periodic under AC",
    printed="(the strong limit is said to relax)",
    exact="alpha = 0: after every period of zero-mean sources the states return exactly",
    status=Status.EXACT,
    circuits="the graphs of new.flux under sines of 1 and 2 Hz without offset, 3 s (seed 13)",
    mutant="an offset of 1 mV on edge 0",
)
def periodic(bench: Bench) -> Evidence:
    rows: list[Row] = []
    for case in bench.circuits(makers(polarity=True)):
        rng = np.random.default_rng(13)
        drives: list[Any] = [
            Sine(amplitude=float(rng.uniform(-0.4, 0.4)), frequency=float(1 + k % 2), phase=float(rng.uniform(0, 6)))
            for k in range(case.network.n_edges)
        ]
        if bench.mutant:
            drives[0] = drives[0] + DC(1e-3)
        pair = bench.pair(Circuit(case.name, case.network.with_drive(drives), 3.0), steps=1200, bulk=True)

        def gap(waves: Waveforms) -> Array:
            return np.asarray(waves.resample([1.0, 2.0, 3.0]).state - waves.state[0])

        value, U = value_of(gap, pair)
        rows.append((case.name, float(np.abs(value).max()), U))
    return vanishing("|w(n T) - w(0)|, n = 1, 2, 3", rows, resolution=1e-5)


@claim(
    "new.algebraic",
    title="The states follow from the flux by algebra",
    printed="(not in the papers)",
    exact="alpha = 0: B J (w - w0) = 0 and the flux law determine w(t) from int S without integrating",
    status=Status.EXACT,
    circuits="the graphs of new.flux, passive, random J, AC (seed 11): Newton's method on L unknowns",
    mutant="the node law B w = const (without J)",
)
def algebraic(bench: Bench) -> Evidence:
    rows: list[Row] = []
    for case in bench.circuits(makers(polarity=True)):
        pair = bench.pair(case, bulk=True)
        value, U = value_of(partial(_algebraic_gap, case.network, bench.mutant), pair)
        rows.append((case.name, float(np.abs(value).max()), U))
    return vanishing("|w - w(flux)|", rows, resolution=SHARP)


def _algebraic_gap(network: Network, mutant: bool, waves: Waveforms) -> Array:
    """w - w(flux) at 21 times, the solution followed from one time to the next."""
    A = matrices(network)[0]
    J, w0 = network.J, network.initial_state
    basis = (np.ones_like(J) if mutant else J) * A
    at = np.linspace(0.0, float(waves.t[-1]), 21)
    states = waves.resample(at).state
    given = network.bank.integral(at) @ A.T / BETA
    c, out = np.zeros(A.shape[0]), np.empty_like(states)
    for row in range(at.size):
        for _ in range(30):
            w = w0 + c @ basis
            residual = (A * J) @ ((w - w0) + 0.5 * XI * (w**2 - w0**2)) + given[row]
            step = np.linalg.solve((A * J * (1.0 + XI * w)) @ basis.T, residual)
            c = c - step
            if np.abs(step).max() < 1e-14:
                break
        out[row] = states[row] - (w0 + c @ basis)
    return out
