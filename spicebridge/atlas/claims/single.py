"""Paper 1, Eqs. 1, 2, 6-8: one memristor and one loop, against what can be solved by hand.

R = Ron (1 + xi w),   dw/dt = alpha w - (J/beta) Ron i
one loop, equal w:    (1 + xi w) dw/dt = -s/(N beta),  s = sum of the sources
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import (
    BETA,
    R_OFF,
    R_ON,
    XI,
    caravelli,
    circuit,
    laws,
    linear_memristors,
    loop,
    makers,
    tunneling,
)
from spicebridge.atlas.claim import Evidence, Panel, Row, Series, Status, claim, equals, refutes
from spicebridge.atlas.runs import (
    STEPS,
    Bench,
    Circuit,
    Pair,
    least,
    residuals,
    side_by_side,
    value_of,
    vanishing,
    worst,
)
from spicebridge.drives import DC, Sine
from spicebridge.network import Network
from spicebridge.theory.results import closed_forms
from spicebridge.waveforms import Waveforms

FINE = 1e-6
"""Relative uncertainty that a residual of this family must not exceed."""


def _any_control(network: Network) -> str | None:
    return linear_memristors(network, None)


@claim(
    "p1.eq1",
    title="Resistance linear in the state",
    printed="R(w) = Ron (1 - w) + Roff w",
    exact="R(w) = Ron (1 + xi w), xi = Roff/Ron - 1: w = 0 is Ron, w = 1 is Roff",
    status=Status.DEFINITION,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5); random J, mixed P, AC (seed 11)",
    mutant="w and 1 - w exchanged in the resistance",
    applies=_any_control,
)
def resistance(bench: Bench) -> Evidence:
    def ohm(network: Network, waves: Waveforms) -> Array:
        r0, kappa, _, _ = laws(network)
        w = 1.0 - waves.state if bench.mutant else waves.state
        gap = waves.voltage - network.P * r0 * (1.0 + kappa * w) * waves.current
        return np.asarray(gap / np.abs(waves.voltage).max())

    pairs = [bench.pair(c) for c in bench.circuits(makers(mixed=True, polarity=True))]
    return vanishing("|v - P R(w) i| / max |v|", residuals(bench, pairs, ohm), resolution=FINE)


@claim(
    "p1.eq2",
    title="Law of the state",
    printed="dw/dt = alpha w - (Ron/beta) i, with polarity J on the current",
    exact="w(t) = w(0) + int (alpha w - (J/beta) Ron i) dt",
    status=Status.DEFINITION,
    circuits="the graphs of p1.eq1 with alpha = 0.3/s; random J, mixed P, AC (seed 11)",
    mutant="polarity left out of the law",
    applies=lambda network: linear_memristors(network),
)
def state_law(bench: Bench) -> Evidence:
    from scipy.interpolate import make_interp_spline

    def law(network: Network, waves: Waveforms) -> Array:
        r0, _, a, g = laws(network)
        J = np.ones_like(network.J) if bench.mutant else network.J
        rate = a * waves.state + J * g * r0 * waves.current
        grown: Any = make_interp_spline(waves.t, rate, k=5).antiderivative()
        return np.asarray(waves.state - waves.state[0] - grown(waves.t) + grown(0.0))

    device = caravelli(alpha=0.3)
    cases = bench.circuits(makers(mixed=True, polarity=True, device=device, stop=1.0))
    rows = residuals(bench, [bench.pair(c) for c in cases], law)
    return vanishing("|w - w0 - int (alpha w - J Ron i/beta)|", rows, resolution=1e-5)


@claim(
    "p1.eq2.growth",
    title="alpha > 0 is growth, not relaxation",
    printed="alpha is the rate at which the memory relaxes (to w = 0)",
    exact="without current w(t) = w(0) e^{alpha t}: alpha > 0 carries w away from 0 to Roff, alpha < 0 relaxes to Ron",
    status=Status.WRONG,
    circuits="loop of 3 without sources, alpha = +0.7/s and -0.7/s",
    mutant="the rate is judged against the printed sign",
)
def growth(bench: Bench) -> Evidence:
    findings, rows, panels = [], [], []
    for alpha in (0.7, -0.7):
        case = circuit(f"alpha = {alpha:+g}/s", loop(3), device=caravelli(alpha=alpha), initial_state=0.2)
        pair = bench.pair(case)
        rate, U = value_of(lambda waves: np.log(waves.state[-1, 0] / waves.state[0, 0]) / waves.t[-1], pair)
        target = -alpha if bench.mutant else alpha
        findings.append(equals(f"d ln w/dt at alpha = {alpha:+g}/s", float(rate), U, target, resolution=FINE))
        findings.append(refutes(f"|rate + alpha| at alpha = {alpha:+g}/s", abs(float(rate) + alpha), U))
        rows.append((case.name, float(rate), U))
        panels.append(Series(pair.fine.t.tolist(), pair.fine.state[:, 0].tolist(), case.name))
    picture = Panel("Memory without current", "t (s)", "w", tuple(panels))
    return Evidence(tuple(findings), rows=tuple(rows), panels=(picture,))


@claim(
    "p1.eq2.reach",
    title="Time to reach a state",
    printed="the memory is driven from one limit to the other in a time set by beta and the source",
    exact="alpha = 0: t = N beta [w + xi w^2/2] from w0 to w, over -s; no source: t = ln(w/w0)/alpha",
    status=Status.EXACT,
    circuits="loop of 3 from w = 0.8 to 0.3 under DC; the same without sources from 0.3 to 1 at alpha = 0.7/s",
    mutant="xi w^2/2 left out of the time",
)
def reach(bench: Bench) -> Evidence:
    from scipy.interpolate import PchipInterpolator

    def time_to(level: float) -> Any:
        def first(waves: Waveforms) -> float:
            found = PchipInterpolator(waves.t, waves.state[:, 0]).solve(level, extrapolate=False)
            return float(min(found, default=np.nan))

        return first

    level, s = 0.3, 2.1
    driven = circuit("DC, 0.8 to 0.3", loop(3), drive=[1.0, 0.8, 0.3], initial_state=0.8, stop=5.0)
    kappa = 0.0 if bench.mutant else XI
    known = closed_forms.reach_time(level, 0.8, kappa=kappa, drift=-s / (3 * BETA))
    grown = circuit("growth, 0.3 to 1", loop(3), device=caravelli(alpha=0.7), initial_state=0.3, stop=2.0)
    findings = []
    for case, target, exact in ((driven, level, known), (grown, 1.0, np.log(1.0 / 0.3) / 0.7)):
        time, U = value_of(time_to(target), bench.pair(case))
        findings.append(equals(f"time in s ({case.name})", float(time), U, float(exact), resolution=1e-4))
    return Evidence(tuple(findings))


@claim(
    "p1.eq2.swap",
    title="Exchanging the two limits of the memory",
    printed="w -> 1 - w' only exchanges the polarity",
    exact="true for alpha = 0; otherwise alpha w becomes alpha (w' - 1), another law",
    status=Status.WRONG,
    circuits="the graphs of p1.eq1 (seed 11), in both descriptions, alpha = 0 and 0.3/s",
    mutant="the polarity is not exchanged",
)
def swap(bench: Bench) -> Evidence:
    exact: list[Row] = []
    printed: list[Row] = []
    for alpha in (0.0, 0.3):
        first = bench.circuits(makers(device=caravelli(alpha=alpha), stop=1.0))
        for case in first:
            beta = BETA * R_OFF / R_ON
            twin = tunneling(r_on=R_ON, r_off=R_OFF, alpha=-alpha, beta=beta)
            other = case.network.with_device(twin).with_initial_state(1.0 - case.network.initial_state)
            if bench.mutant:
                other = other.with_polarity(-1)
            pair, swapped = bench.pair(case), bench.pair(Circuit(case.name, other, case.stop))
            both = Pair(case, _sum(pair.coarse, swapped.coarse), _sum(pair.fine, swapped.fine), pair.step)
            value, U = value_of(lambda waves: waves.state - 1.0, both)
            row = (f"{case.name}, alpha = {alpha:g}/s", float(np.abs(value).max()), U)
            (exact if alpha == 0.0 else printed).append(row)
    findings = (
        worst("|w + w' - 1| at alpha = 0", exact, resolution=FINE),
        least("|w + w' - 1| at alpha = 0.3/s", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


def _sum(first: Waveforms, second: Waveforms) -> Waveforms:
    """Waveforms whose state is the sum of two; both runs have the same steps."""
    other = second.resample(first.t)
    return Waveforms(first.t, first.state + other.state, first.current, first.voltage)


def _loops(bench: Bench, *, alpha: float = 0.0, ac: bool = True, equal: bool = True, J: bool = False) -> list[Circuit]:
    """Loops of 2, 3 and 5 edges with unequal sources (seed 21 + N)."""
    out = []
    for n in (2, 3, 5)[: 2 if bench.quick else 3]:
        rng = np.random.default_rng(21 + n)
        level = rng.uniform(0.2, 0.6, n)
        drives = [DC(float(x)) + Sine(amplitude=0.5, frequency=0.7) for x in level] if ac else level
        states = 0.6 if equal else rng.uniform(0.4, 0.8, n)
        polarity = rng.choice([-1, 1], n) if J else 1
        name = f"loop of {n} (seed {21 + n})"
        out.append(
            circuit(
                name,
                loop(n),
                device=caravelli(alpha=alpha),
                drive=drives,
                initial_state=states,
                polarity=polarity,
                stop=1.2,
            )
        )
    return out


def _fine_pairs(bench: Bench, cases: list[Circuit]) -> list[Pair]:
    """Loops are cheap: four times the usual number of steps."""
    return [bench.pair(case, steps=4 * STEPS) for case in cases]


def _total(network: Network, t: Any, mutant: bool) -> Array:
    """Sum of the sources, or their mean for mutants."""
    S = network.bank(t)
    return np.asarray(S.mean(axis=1) if mutant else S.sum(axis=1))


@claim(
    "p1.eq6",
    title="Equal memristors in series",
    printed="(1 + xi w) dw/dt = -s/(N beta)",
    exact="exact for equal w, with s the sum of all sources of the loop",
    status=Status.EXACT,
    circuits="loops of 2, 3 and 5 with unequal AC sources (seeds 23, 24, 26)",
    mutant="s read as the mean source",
)
def series(bench: Bench) -> Evidence:
    from scipy.interpolate import make_interp_spline

    def law(network: Network, waves: Waveforms) -> Array:
        t = np.linspace(0.0, waves.t[-1], 81)
        w = waves.resample(t).state[:, 0]
        rate: Any = make_interp_spline(t, w, k=5).derivative()
        right = _total(network, t, bench.mutant) / (network.n_edges * BETA)
        return np.asarray((1.0 + XI * w) * rate(t) + right)[4:-4]

    rows = residuals(bench, _fine_pairs(bench, _loops(bench)), law)
    return vanishing("|(1 + xi w) dw/dt + s/(N beta)| in 1/s", rows, resolution=1e-4)


@claim(
    "p1.eq7",
    title="Integral of the series loop",
    printed="w + xi w^2/2 = w0 + xi w0^2/2 - (1/(N beta)) int s",
    exact="exact for equal w, any s(t)",
    status=Status.EXACT,
    circuits="loops of 2, 3 and 5 with unequal AC sources (seeds 23, 24, 26)",
    mutant="xi w^2 without the half",
)
def series_integral(bench: Bench) -> Evidence:
    half = 1.0 if bench.mutant else 0.5

    def law(network: Network, waves: Waveforms) -> Array:
        w = waves.state
        flux = network.bank.integral(waves.t).sum(axis=1) / (network.n_edges * BETA)
        return np.asarray(w + half * XI * w**2 - w[0] - half * XI * w[0] ** 2 + flux[:, None])

    pairs = _fine_pairs(bench, _loops(bench))
    rows = residuals(bench, pairs, law)
    shown = pairs[1]
    flux = shown.network.bank.integral(shown.fine.t).sum(axis=1) / (shown.network.n_edges * BETA)
    known = closed_forms.equal_loop(3 * flux, 0.6, kappa=XI, g=-1.0 / BETA, n=3)
    picture = Panel(
        shown.circuit.name,
        "t (s)",
        "w",
        (
            Series(shown.fine.t.tolist(), known.tolist(), "Eq. 7"),
            Series(shown.fine.t[::100].tolist(), shown.fine.state[::100, 0].tolist(), "ngspice", "points"),
        ),
    )
    return vanishing("|w + xi w^2/2 + flux - start|", rows, resolution=FINE, panels=(picture,))


@claim(
    "p1.eq7.alpha",
    title="The series loop with alpha, DC",
    printed="solved for alpha = 0 only",
    exact="t = [ln|q|/(2 alpha) + ln|(q' - D)/(q' + D)|/(2D)] from w0 to w; q = alpha xi w^2 + alpha w - sigma, "
    "q' = dq/dw, D^2 = alpha^2 + 4 alpha xi sigma, sigma = s/(N beta)",
    status=Status.EXACT,
    circuits="loops of 2, 3 and 5 under unequal DC (seeds 23, 24, 26), alpha = 0.4/s and -0.4/s",
    mutant="alpha of the wrong sign",
)
def series_alpha(bench: Bench) -> Evidence:
    rows = []
    for alpha in (0.4, -0.4):
        for case in _loops(bench, alpha=alpha, ac=False):
            s = float(_total(case.network, 0.0 * np.ones(1), False)[0])
            drift = -s / (case.network.n_edges * BETA)
            a = -alpha if bench.mutant else alpha

            def late(waves: Waveforms, drift: float = drift, a: float = a) -> Array:
                at = np.linspace(0.0, waves.t[-1], 25)
                w = waves.resample(at).state[:, 0]
                times = [closed_forms.loop_time(float(x), 0.6, kappa=XI, a=a, drift=drift) for x in w]
                return np.asarray(np.array(times) - at)

            value, U = value_of(late, bench.pair(case, steps=4 * STEPS))
            rows.append((f"{case.name}, alpha = {alpha:+g}/s", float(np.abs(value).max()), U))
    return vanishing("|t(w) - t| in s", rows, resolution=1e-4)


@claim(
    "p1.eq7.note",
    title="One loop with unequal states",
    printed="a loop whose w_i differ has no closed solution",
    exact="w_i = w0_i - J_i y, (N + xi sum w0) y - (xi/2) (sum J) y^2 = (1/beta) int s",
    status=Status.WRONG,
    circuits="loops of 2, 3 and 5, unequal states, random J, AC (seeds 23, 24, 26)",
    mutant="sum J replaced by N",
)
def unequal(bench: Bench) -> Evidence:
    exact, printed = [], []
    for case in _loops(bench, equal=False, J=True):
        pair, J = bench.pair(case, steps=4 * STEPS), case.network.J
        count = np.ones_like(J) if bench.mutant and not (J > 0).all() else (-J if bench.mutant else J)

        def gap(waves: Waveforms, case: Circuit = case, J: Array = J, count: Array = count) -> Array:
            start = case.network.initial_state
            phi = case.network.bank.integral(waves.t).sum(axis=1)
            known = closed_forms.unequal_loop(phi, start, count, kappa=XI, g=-1.0 / BETA)
            return np.asarray(waves.state - start - J * (known - start) / count)

        def naive(waves: Waveforms, case: Circuit = case) -> Array:
            """Eq. 7 applied to every memristor by itself, as if all were equal to it."""
            start = case.network.initial_state
            phi = case.network.bank.integral(waves.t).sum(axis=1)
            columns = [closed_forms.equal_loop(phi, float(w), kappa=XI, g=-1.0 / BETA, n=start.size) for w in start]
            return np.asarray(waves.state - np.column_stack(columns))

        value, U = value_of(gap, pair)
        exact.append((case.name, float(np.abs(value).max()), U))
        value, U = value_of(naive, pair)
        printed.append((f"{case.name}, Eq. 7 edge by edge", float(np.abs(value).max()), U))
    findings = (
        worst("|w_i - closed form|", exact, resolution=FINE),
        least("|w_i - Eq. 7 for equal w|", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


@claim(
    "p1.eq7.mean",
    title="The mean of an unequal loop",
    printed="Eq. 7 needs equal w",
    exact="with J = I the mean of unequal w_i obeys Eq. 7 exactly",
    status=Status.EXACT,
    circuits="loops of 2, 3 and 5, unequal states, AC (seeds 23, 24, 26)",
    mutant="root mean square in the place of the mean",
)
def mean(bench: Bench) -> Evidence:
    def law(network: Network, waves: Waveforms) -> Array:
        m = np.sqrt((waves.state**2).mean(axis=1)) if bench.mutant else waves.state.mean(axis=1)
        flux = network.bank.integral(waves.t).sum(axis=1) / (network.n_edges * BETA)
        return np.asarray(m + 0.5 * XI * m**2 - m[0] - 0.5 * XI * m[0] ** 2 + flux)

    rows = residuals(bench, _fine_pairs(bench, _loops(bench, equal=False)), law)
    return vanishing("|m + xi m^2/2 + flux - start|", rows, resolution=FINE)


@claim(
    "p1.eq8",
    title="The resistance in the middle of Eq. 8",
    printed="the middle expression exchanges the limits: Ron w + (1 - w) Roff",
    exact="Roff w + (1 - w) Ron",
    status=Status.WRONG,
    circuits="the graphs of p1.eq1, random sources (seed 11)",
    mutant="the printed expression judged as the exact one",
    applies=_any_control,
)
def middle(bench: Bench) -> Evidence:
    def against(exchanged: bool) -> Any:
        def gap(network: Network, waves: Waveforms) -> Array:
            r0, kappa, _, _ = laws(network)
            low, high = r0, r0 * (1.0 + kappa)
            if exchanged:
                low, high = high, low
            drop = network.P * (high * waves.state + (1.0 - waves.state) * low) * waves.current
            return np.asarray((waves.voltage - drop) / np.abs(waves.voltage).max())

        return gap

    pairs = [bench.pair(c) for c in bench.circuits(makers())]
    exact = residuals(bench, pairs, against(bench.mutant))
    printed = residuals(bench, pairs, against(True))
    findings = (
        worst("|v - [Roff w + (1 - w) Ron] i| / max |v|", exact, resolution=FINE),
        least("|v - printed R i| / max |v|", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))
