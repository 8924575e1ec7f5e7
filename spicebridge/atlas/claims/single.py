"""Paper 1, Eqs. 1, 2, 6-8, 22: one memristor and one loop, against what can be solved by hand.

R = Ron (1 + xi w),   dw/dt = alpha w - (J/beta) Ron i
one loop, equal w:    (1 + xi w) dw/dt = -s/(N beta),  s = sum of the sources
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.interpolate import PchipInterpolator

from spicebridge.analysis.affine import affine
from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import Row
from spicebridge.atlas.circuits import (
    BETA,
    XI,
    NamedCircuit,
    Standard,
    caravelli,
    circuit,
    laws_of,
    loop,
    matrices,
    tunneling,
)
from spicebridge.atlas.claim import Claim, ClaimStatus
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, refuted, vanishing
from spicebridge.atlas.runs import STEPS, Bench, Pair, PerNetwork, integral, mirrored, slope
from spicebridge.drives import DC, Sine
from spicebridge.laws.base import changed
from spicebridge.network import Network
from spicebridge.theory.results import closed_forms
from spicebridge.waveforms import Waveforms

FINE = 1e-6
"""Relative uncertainty that a residual of this family must not exceed."""


def _drop(network: Network, waves: Waveforms, factor: Array) -> Array:
    """(v - P r0 factor i) / max |v|."""
    gap = waves.voltage - network.P * affine(network).r0 * factor * waves.current
    return np.asarray(gap / np.abs(waves.voltage).max())


@Claim(
    "p1.eq1",
    "Resistance linear in the state",
    printed="R(w) = Ron (1 - w) + w Roff (Eq. 1)",
    exact="R(w) = Ron (1 + xi w), xi = Roff/Ron - 1: w = 0 is Ron, w = 1 is Roff",
    status=ClaimStatus.DEFINITION,
    on=Standard(mixed=True, polarity=True),
    mutant="w and 1 - w exchanged in the resistance",
    changed={"exchanged": True},
    needs=("memory",),
)
def resistance(bench: Bench, exchanged: bool = False) -> ClaimEvidence:
    def ohm(network: Network, waves: Waveforms) -> Array:
        w = 1.0 - waves.state if exchanged else waves.state
        return _drop(network, waves, 1.0 + affine(network).kappa * w)

    return vanishing("|v - P R(w) i| / max |v|", bench.rows(ohm), resolution=FINE)


@Claim(
    "p1.eq2",
    "Law of the state",
    printed="dw/dt = alpha w - (Ron/beta) i (Eq. 2), with polarity J on the current",
    exact="w(t) = w(0) + int (alpha w - (J/beta) Ron i) dt",
    status=ClaimStatus.DEFINITION,
    on=Standard(mixed=True, polarity=True, device=caravelli(alpha=0.3), stop=1.0),
    mutant="polarity turned on the first edge",
    changed={"turned": -1.0},
    needs=("memory", "current", "source", "loop"),
)
def state_law(bench: Bench, turned: float = 1.0) -> ClaimEvidence:
    def law(network: Network, waves: Waveforms) -> Array:
        of = affine(network)
        J = network.J * np.where(np.abs(waves.current).max(axis=0).argmax() == np.arange(network.n_edges), turned, 1.0)
        rate = of.a * waves.state + J * of.g * of.r0 * waves.current
        return np.asarray(waves.state - waves.state[0] - integral(waves.t, rate))

    return vanishing("|w - w0 - int (alpha w - J Ron i/beta)|", bench.rows(law), resolution=1e-5)


@Claim(
    "p1.eq2.growth",
    "alpha > 0 is growth, not relaxation",
    printed="alpha is the rate at which the memory relaxes to w = 0, w(t) = w(0) e^{-alpha t} without current (text "
    "of Eq. 2)",
    exact="without current w(t) = w(0) e^{alpha t}: alpha > 0 carries w away from 0 to Roff, alpha < 0 relaxes to Ron",
    circuits="loop of 3 without sources, alpha = +0.7/s and -0.7/s",
    needs=("memory", "one alpha", "alpha", "no window"),
)
def growth(bench: Bench, corrected: float = 1.0, printed: float = -1.0) -> ClaimEvidence:
    if bench.network is not None:
        still = bench.network.with_drive(0.0).with_initial_state(0.5)
        alpha = float(affine(still).a[0])
        cases = {alpha: NamedCircuit(bench.network.title or "the network given", still, 0.5 / abs(alpha))}
    else:
        cases = {
            alpha: circuit(f"alpha = {alpha:+g}/s", loop(3), device=caravelli(alpha=alpha), initial_state=0.2)
            for alpha in (0.7, -0.7)
        }
    findings, rows, curves = [], [], []
    for alpha, case in cases.items():
        pair = bench.pair(case)
        rate, U = pair.number(lambda waves: np.log(waves.state[-1, 0] / waves.state[0, 0]) / waves.t[-1])
        name = f"alpha = {alpha:+g}/s"
        findings.append(bars.equals(f"d ln w/dt at {name}", rate, U, corrected * alpha, resolution=FINE * abs(alpha)))
        findings.append(bars.refutes(f"|rate - as printed| at {name}", abs(rate - printed * alpha), U))
        rows.append((case.name, rate, U))
        curves.append(Series(x=pair.fine.t, y=pair.fine.state[:, 0], label=name))
    picture = Panel(title="Memory without current", x="t (s)", y="w", series=curves)
    return ClaimEvidence(findings=findings, rows=rows, panels=[picture])


@Claim(
    "p1.eq2.reach",
    "Time to reach a state",
    printed="the memory is driven from one limit to the other in a time set by beta and the source (text of Eq. 2)",
    exact="alpha = 0: t = N beta [w + xi w^2/2] from w0 to w, over -s; no source: t = ln(w/w0)/alpha",
    circuits="loop of 3 from w = 0.8 to 0.3 under DC; the same without sources from 0.3 to 1 at alpha = 0.7/s",
    mutant="xi w^2/2 left out of the time",
    changed={"xi": 0.0},
)
def reach(bench: Bench, xi: float = XI) -> ClaimEvidence:
    def time_to(level: float) -> Callable[[Waveforms], float]:
        def first(waves: Waveforms) -> float:
            found = PchipInterpolator(waves.t, waves.state[:, 0]).solve(level, extrapolate=False)
            return float(min(found, default=np.nan))

        return first

    level, s = 0.3, 2.1
    driven = circuit("DC, 0.8 to 0.3", loop(3), drive=[1.0, 0.8, 0.3], initial_state=0.8, stop=5.0)
    known = closed_forms.reach_time(level, 0.8, kappa=xi, drift=-s / (3 * BETA))
    grown = circuit("growth, 0.3 to 1", loop(3), device=caravelli(alpha=0.7), initial_state=0.3, stop=2.0)
    findings = []
    for case, target, exact in ((driven, level, known), (grown, 1.0, np.log(1.0 / 0.3) / 0.7)):
        time, U = bench.pair(case).number(time_to(target))
        findings.append(bars.equals(f"time in s ({case.name})", time, U, float(exact), resolution=1e-4))
    return ClaimEvidence(findings=findings)


@Claim(
    "p1.eq2.swap",
    "Exchanging the two limits of the memory",
    printed="w -> 1 - w' only exchanges the polarity (text of Eq. 2)",
    exact="true for alpha = 0; otherwise alpha w becomes alpha (w' - 1), another law",
    on=Standard(stop=1.0),
    circuits="in both descriptions, alpha = 0 and 0.3/s",
    needs=("memory", "linear", "current", "rises", "free", "source", "loop"),
)
def swap(bench: Bench, corrected: float = 0.0, printed: float = 0.3) -> ClaimEvidence:
    def both(case: NamedCircuit, share: float) -> Row:
        # on a network of the user alpha and the sources move the states together
        alpha, stop = share / case.stop, case.stop / (1.0 if bench.network is None else 3.0)
        laws = [changed(law, alpha=np.asarray(alpha)) for law in laws_of(case.network)]
        twins = [
            tunneling(r_on=law.r_on, r_off=law.r_off, alpha=-alpha, beta=law.beta * law.r_off / law.r_on)
            for law in laws
        ]
        return mirrored(bench, NamedCircuit(f"{case.name}, alpha = {alpha:g}/s", case.network, stop), laws, twins)

    exact, other = ([both(case, share) for case in bench.cases()] for share in (corrected, printed))
    return refuted("|w + w' - 1| at alpha = 0", exact, "|w + w' - 1| at alpha = 0.3/s", other, resolution=FINE)


def _loops(bench: Bench, *, alpha: float = 0.0, ac: bool = True, equal: bool = True, J: bool = False) -> list[Pair]:
    """Runs of loops of 2, 3 and 5 edges with unequal sources (seed 21 + N), or of the user's own loop."""

    def drawn(n: int) -> NamedCircuit:
        rng = np.random.default_rng(21 + n)
        level = rng.uniform(0.2, 0.6, n)
        return circuit(
            f"loop of {n} (seed {21 + n})",
            loop(n),
            device=caravelli(alpha=alpha),
            drive=[DC(float(x)) + Sine(amplitude=0.5, frequency=0.7) for x in level] if ac else level,
            initial_state=0.6 if equal else rng.uniform(0.4, 0.8, n),
            polarity=rng.choice([-1, 1], n) if J else 1,
            stop=1.2,
        )

    cases = bench.cases(drawn(n) for n in (2, 3, 5)[: 2 if bench.quick else 3])
    return [bench.pair(case, steps=4 * STEPS) for case in cases]


def _loop_flux(network: Network, t: Array) -> Array:
    """int s dt, s the sum of the sources along the loop."""
    return np.asarray(network.bank.integral(t) @ matrices(network)[0][0])


@Claim(
    "p1.eq6",
    "Equal memristors in series",
    printed="(1 + xi w) dw/dt = -s/(N beta) (Eq. 6)",
    exact="exact for equal w, with s the sum of all sources of the loop",
    circuits="loops of 2, 3 and 5 with unequal AC sources (seeds 23, 24, 26)",
    mutant="s read as the mean source",
    changed={"mean": True},
)
def series(bench: Bench, mean: bool = False) -> ClaimEvidence:
    def law(network: Network, waves: Waveforms) -> Array:
        t, N = np.linspace(0.0, waves.t[-1], 81), network.n_edges
        w = waves.resample(t).state[:, 0]
        s = network.bank(t).sum(axis=1) / (N if mean else 1.0)
        return np.asarray((1.0 + XI * w) * slope(t, w) + s / (N * BETA))[4:-4]

    rows = [pair.residual(law) for pair in _loops(bench)]
    return vanishing("|(1 + xi w) dw/dt + s/(N beta)| in 1/s", rows, resolution=1e-4)


@Claim(
    "p1.eq7",
    "Integral of the series loop",
    printed="w + xi w^2/2 = w0 + xi w0^2/2 - (1/(N beta)) int s (Eq. 7)",
    exact="exact for equal w, any s(t)",
    circuits="loops of 2, 3 and 5 with unequal AC sources (seeds 23, 24, 26)",
    mutant="xi w^2 without the half",
    changed={"half": 1.0},
)
def series_integral(bench: Bench, half: float = 0.5) -> ClaimEvidence:
    def law(network: Network, waves: Waveforms) -> Array:
        w, flux = waves.state, _loop_flux(network, waves.t) / (network.n_edges * BETA)
        return np.asarray(w + half * XI * w**2 - w[0] - half * XI * w[0] ** 2 + flux[:, None])

    pairs = _loops(bench)
    shown, t = pairs[1], pairs[1].fine.t
    known = closed_forms.equal_loop(_loop_flux(shown.network, t), 0.6, kappa=XI, g=-1.0 / BETA, n=3)
    curve = Series(x=t, y=known, label="Eq. 7")
    seen = Series(x=t[::100], y=shown.fine.state[::100, 0], label="ngspice", style="points")
    picture = Panel(title=shown.circuit.name, x="t (s)", y="w", series=[curve, seen])
    rows = [pair.residual(law) for pair in pairs]
    return vanishing("|w + xi w^2/2 + flux - start|", rows, resolution=FINE, panels=[picture])


@Claim(
    "p1.eq7.alpha",
    "The series loop with alpha, DC",
    printed="Eq. 7, solved for alpha = 0 only",
    exact="t = [ln|q|/(2 alpha) + ln|(q' - D)/(q' + D)|/(2D)] from w0 to w; q = alpha xi w^2 + alpha w - sigma, "
    "q' = dq/dw, D^2 = alpha^2 + 4 alpha xi sigma, sigma = s/(N beta)",
    circuits="loops of 2, 3 and 5 under unequal DC (seeds 23, 24, 26), alpha = 0.4/s and -0.4/s",
    mutant="alpha of the wrong sign",
    changed={"sign": -1.0},
)
def series_alpha(bench: Bench, sign: float = 1.0) -> ClaimEvidence:
    def late(pair: Pair, alpha: float) -> Row:
        drift = -float(pair.network.bank(0.0).sum()) / (pair.network.n_edges * BETA)

        def gap(waves: Waveforms) -> Array:
            at = np.linspace(0.0, waves.t[-1], 25)
            w = waves.resample(at).state[:, 0].tolist()
            return np.array([closed_forms.loop_time(x, 0.6, kappa=XI, a=sign * alpha, drift=drift) for x in w]) - at

        return pair.row(gap, f"{pair.circuit.name}, alpha = {alpha:+g}/s")

    rows = [late(pair, alpha) for alpha in (0.4, -0.4) for pair in _loops(bench, alpha=alpha, ac=False)]
    return vanishing("|t(w) - t| in s", rows, resolution=1e-4)


LOOP = ("one loop", "one law", "current", "no alpha", "passive", "source")


def _solved(network: Network, waves: Waveforms) -> Array:
    """States of a loop whose memories differ, in closed form."""
    law, turn = affine(network), network.J * matrices(network)[0][0]
    flux = _loop_flux(network, waves.t)
    return closed_forms.unequal_loop(flux, network.initial_state, turn, kappa=float(law.kappa[0]), g=float(law.g[0]))


def _edge_by_edge(network: Network, waves: Waveforms) -> Array:
    """Eq. 7 applied to every memristor by itself, as if all were equal to it."""
    law, n = affine(network), network.n_edges
    flux = _loop_flux(network, waves.t)
    kappa, g = float(law.kappa[0]), float(law.g[0])
    columns = [closed_forms.equal_loop(flux, float(w), kappa=kappa, g=g, n=n) for w in network.initial_state]
    return np.column_stack(columns)


@Claim(
    "p1.eq7.note",
    "One loop with unequal states",
    printed="a loop whose w_i differ has no closed solution; Eq. 7 is for equal ones (note on Eq. 7)",
    exact="w_i = w0_i - J_i y, (N + xi sum w0) y - (xi/2) (sum J) y^2 = (1/beta) int s",
    circuits="loops of 2, 3 and 5, unequal states, random J, AC (seeds 23, 24, 26)",
    needs=LOOP,
)
def unequal(bench: Bench, corrected: PerNetwork = _solved, printed: PerNetwork = _edge_by_edge) -> ClaimEvidence:
    pairs = _loops(bench, equal=False, J=True)

    def apart(solution: PerNetwork) -> list[Row]:
        return [pair.residual(lambda network, waves: waves.state - solution(network, waves)) for pair in pairs]

    what, against = "|w_i - closed form|", "|w_i - Eq. 7 for equal w|"
    return refuted(what, apart(corrected), against, apart(printed), resolution=FINE)


@Claim(
    "p1.eq7.mean",
    "The mean of an unequal loop",
    printed="Eq. 7 needs equal w (note on Eq. 7)",
    exact="with J = I the mean of unequal w_i obeys Eq. 7 exactly",
    circuits="loops of 2, 3 and 5, unequal states, AC (seeds 23, 24, 26)",
    mutant="root mean square in the place of the mean",
    changed={"power": 2.0},
    needs=(*LOOP, "in line"),
)
def mean(bench: Bench, power: float = 1.0) -> ClaimEvidence:
    def law(network: Network, waves: Waveforms) -> Array:
        of, turn = affine(network), float(network.J[0] * matrices(network)[0][0, 0])
        m, c = (waves.state**power).mean(axis=1) ** (1.0 / power), 0.5 * float(of.kappa[0])
        flux = turn * _loop_flux(network, waves.t) * float(of.g[0]) / network.n_edges
        return np.asarray(m + c * m**2 - m[0] - c * m[0] ** 2 - flux)

    rows = [pair.residual(law) for pair in _loops(bench, equal=False)]
    return vanishing("|m + xi m^2/2 + flux - start|", rows, resolution=FINE)


def _limits(low: str, high: str) -> PerNetwork:
    def gap(network: Network, waves: Waveforms) -> Array:
        law = affine(network)
        ends = {"on": np.ones_like(law.kappa), "off": 1.0 + law.kappa}
        return _drop(network, waves, ends[high] * waves.state + (1.0 - waves.state) * ends[low])

    return gap


@Claim(
    "p1.eq8",
    "The resistance in the middle of Eq. 8",
    printed="R = Ron w + (1 - w) Roff (middle of Eq. 8)",
    exact="Roff w + (1 - w) Ron",
    on=Standard(),
    needs=("memory", "source", "loop"),
)
def middle(
    bench: Bench, corrected: tuple[str, str] = ("on", "off"), printed: tuple[str, str] = ("off", "on")
) -> ClaimEvidence:
    exact, other = bench.rows(_limits(*corrected)), bench.rows(_limits(*printed))
    what = "|v - [Roff w + (1 - w) Ron] i| / max |v|"
    return refuted(what, exact, "|v - printed R i| / max |v|", other, resolution=FINE)


@Claim(
    "p1.eq22",
    "The parameter of nonlinearity",
    printed="xi = Ron/Roff - 1 (before Eq. 22)",
    exact="xi = Roff/Ron - 1",
    on=Standard(mixed=True),
    circuits="the drop P Ron (1 + xi w) i with either value",
    needs=("memory", "source", "loop"),
)
def parameter(bench: Bench, corrected: float = 1.0, printed: float = -1.0) -> ClaimEvidence:
    def drop(power: float) -> PerNetwork:
        return lambda network, waves: _drop(
            network, waves, 1.0 + ((1.0 + affine(network).kappa) ** power - 1.0) * waves.state
        )

    exact, other = bench.rows(drop(corrected)), bench.rows(drop(printed))
    what = "|v - P Ron (1 + xi w) i| / max |v|"
    return refuted(what, exact, f"{what} with the printed xi", other, resolution=FINE)
