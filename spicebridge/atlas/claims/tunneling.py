"""Paper 2, Eqs. 1, 2, 7, 26, 29, 33: one memristor and its potential.

    dx/dt = -dV/dx,   V(x, s) = x^2/2 + (s/chi) ln(1 - chi x)        alpha = beta = 1, chi = 0.9
    x_-+ = (1 -+ sqrt(1 - 4 s chi))/(2 chi)

The potential is measured as work: along a run V falls by int (dx/dt)^2 dt, with dx/dt = Roff i - x from
the simulator's current and state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import make_interp_spline

from spicebridge.analysis.mean_field import potential_of
from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import ClaimFinding, Row
from spicebridge.atlas.circuits import CHI, K4, NamedCircuit, Standard, caravelli, circuit, laws_of, tunneling
from spicebridge.atlas.claim import Claim
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, refuted, vanishing
from spicebridge.atlas.runs import Bench, Pair, integral, mirrored
from spicebridge.laws.base import changed
from spicebridge.network import Network
from spicebridge.theory.results.closed_forms import tunneling_fixed_points
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Hard, Tanh, Window

S_CRIT = 0.2061060431
"""Where both minima are equally deep, to ten digits."""
LEAVE = 1e-5
"""Start beside an unstable point."""


def potential(x: ArrayLike, s: float) -> Array:
    """V(x, s) of the module."""
    return potential_of(-1.0, 1.0, -CHI, s)(x)


def single(s: float, x0: float, *, stop: float, window: Window | None = None, reverse: bool = False) -> NamedCircuit:
    """One memristor of paper 2 across its own source s (V); `reverse` runs its law backwards."""
    device = tunneling(alpha=-1.0 if reverse else 1.0, window=window)
    name = f"one memristor, s = {s:g}, x0 = {x0:g}"
    polarity = -1 if reverse else 1
    return circuit(name, [(0, 0)], device=device, drive=s, initial_state=x0, stop=stop, polarity=polarity)


def _rate(waves: Waveforms) -> Array:
    """dx/dt from the simulator's own current and state (Roff = 1 ohm)."""
    return np.asarray(waves.current[:, 0] - waves.state[:, 0])


def work(waves: Waveforms) -> Array:
    """int (dx/dt)^2 dt up to every time point: how far V has fallen."""
    return integral(waves.t, _rate(waves) ** 2)


@Claim(
    "p2.eq1",
    "A memristor in a potential (Eqs. 1, 6)",
    printed="dx/dt = -dV/dx, V(x, s) = x^2/2 + (s/chi) log(1 - chi x) (Eqs. 1, 2, 6)",
    exact="exact for one memristor: V(x(t)) = V(x0) - int (dx/dt)^2 dt along the run",
    circuits="one memristor, s = 0.15 and 0.25, from x0 = 0.02, 0.5 and 0.9",
    mutant="chi x instead of ln(1 - chi x)",
    changed={"V": lambda x, s: 0.5 * x**2 - s * x},
)
def in_a_potential(bench: Bench, V: Callable[[Array, float], Array] = potential) -> ClaimEvidence:
    rows: list[Row] = []
    curves: list[Series] = []
    for s, starts in ((0.15, (0.02, 0.5, 0.9)), (0.25, (0.02, 0.5))):
        for x0 in starts:

            def gap(waves: Waveforms, s: float = s) -> Array:
                x = waves.state[:, 0]
                return np.asarray(V(x, s) - V(x[0], s) + work(waves))

            pair = bench.pair(single(s, x0, stop=6.0), steps=1600)
            rows.append(pair.row(gap))
            x = pair.fine.state[::60, 0]
            measured = potential(x0, s) - work(pair.fine)[::60]
            curves.append(Series(x=x, y=measured, label=f"ngspice, s = {s:g}, x0 = {x0:g}", style="points"))
    grid = np.linspace(0.0, 1.0, 101)
    curves += [Series(x=grid, y=potential(grid, s), label=f"V(x, {s:g})") for s in (0.15, 0.25)]
    picture = Panel(title="Potential, measured as work", x="x", y="V", series=curves)
    return vanishing("|V(x) - V(x0) + int (dx/dt)^2 dt|", rows, resolution=1e-6, panels=[picture])


@Claim(
    "p2.eq2",
    "Minimum and maximum of the potential",
    printed="x_-+ = (1 -+ sqrt(1 - 4 s chi))/(2 chi) (Eq. 2)",
    exact="exact: 0.178759 and 0.932352 at s = 0.15, 0.379873 and 0.731238 at s = 0.25",
    circuits="one memristor run forwards (to x_-) and with its law reversed (to x_+), s = 0.15 and 0.25",
    mutant="chi = 0.89 in the formula",
    changed={"chi": 0.89},
)
def extrema(bench: Bench, chi: float = CHI) -> ClaimEvidence:
    known = {0.15: (0.178759, 0.932352), 0.25: (0.379873, 0.731238)}
    findings: list[ClaimFinding] = []
    for s, (low, high) in known.items():
        exact = tunneling_fixed_points(s, chi)
        for reverse, x0, target, printed in ((False, 0.3, exact[0], low), (True, 0.85, exact[1], high)):
            pair = bench.pair(single(s, x0, stop=60.0, reverse=reverse), steps=1500)
            value, U = pair.number(lambda waves: waves.state[-1, 0])
            name = f"x_{'+' if reverse else '-'} at s = {s:g}"
            findings.append(bars.equals(name, value, U, target, resolution=1e-7))
            findings.append(bars.equals(f"{name}, six digits", value, U, printed, target_uncertainty=5e-7))
    return ClaimEvidence(findings=findings)


@Claim(
    "p2.eq29",
    "Which root is the minimum",
    printed="x_- = (1 + sqrt(1 - 4 s chi))/(2 chi) (Eq. 29)",
    exact="x_- takes -sqrt(1 - 4 s chi); the other root is the maximum, from which runs depart",
    circuits="one memristor, s = 0.15 and 0.25, from 1e-5 below the printed root",
)
def root(bench: Bench, corrected: int = 0, printed: int = 1) -> ClaimEvidence:
    def apart(s: float, which: int) -> Row:
        roots = tunneling_fixed_points(s, CHI)
        pair = bench.pair(single(s, roots[1] - LEAVE, stop=60.0), steps=1500)
        return pair.row(lambda waves: waves.state[-1, 0] - roots[which], f"s = {s:g}")

    exact, other = ([apart(s, which) for s in (0.15, 0.25)] for which in (corrected, printed))
    return refuted("|end of the run - x_-|", exact, "|end of the run - printed root|", other, resolution=1e-7)


@Claim(
    "p2.minima",
    "When there are two minima",
    printed="two minima for 1 - chi < s < 1/(4 chi) (after Eq. 2)",
    exact="exact: 0.1 < s < 5/18 for chi = 0.9 (the second one at the wall x = 1)",
    circuits="one memristor: R(x) of frozen states at 5 places; ends of runs at s = 0.098, 0.102, 0.275, 0.281",
    mutant="R(x) taken at 1 - x",
    changed={"exchanged": True},
)
def two_minima(bench: Bench, exchanged: bool = False) -> ClaimEvidence:
    places = np.array([0.4, 0.5, 0.6, 0.7, 1.0])
    held, U = [], 0.0
    for x in places.tolist():
        network = single(0.2, 1.0 - x if exchanged else x, stop=1.0).network
        value, u = bench.respond(network).value(lambda T: 1.0 / T[0, 0])
        held.append(x * float(value))
        U = max(U, 10.0 * u)
    # the source that holds x is s(x) = x R(x): its parabola has its top at the upper threshold
    c = np.polyfit(places[:4], held[:4], 2)
    top = float(c[2] - c[1] ** 2 / (4.0 * c[0]))

    def end(s: float, x0: float) -> float:
        return float(bench.run(single(s, x0, stop=120.0, window=Hard()).network, 120.0, 0.05).state[-1, 0])

    findings = [
        bars.equals("lower threshold: s that holds x = 1", held[4], U, 0.1, resolution=1e-7),
        bars.equals("upper threshold: largest s that holds any x", top, U, 5.0 / 18.0, resolution=1e-7),
        bars.at_least("end at s = 0.102 from 0.999", end(0.102, 0.999), 1e-6, 0.999),
        bars.at_least("distance from the wall at s = 0.098", 1.0 - end(0.098, 0.999), 1e-6, 0.5),
        bars.at_least("distance from the wall at s = 0.275 from 0", 1.0 - end(0.275, 0.0), 1e-6, 0.4),
        bars.at_least("end at s = 0.281 from 0", end(0.281, 0.0), 1e-6, 0.999),
    ]
    return ClaimEvidence(findings=findings)


EDGE = 0.999
"""The last bit of the way to the wall x = 1, short of where the clamp begins to act."""
SLOW = 0.01
"""Near its start at x_+ a run creeps, and its work is read in time; farther on along x."""


def released(bench: Bench, s: float) -> tuple[Pair, Pair]:
    """One memristor released just below x_+ and just above it."""
    top = tunneling_fixed_points(s, CHI)[1]
    low, high = (
        bench.pair(single(s, start, stop=60.0, window=Hard()), steps=6000) for start in (top - LEAVE, top + LEAVE)
    )
    return low, high


def inside(waves: Waveforms) -> Waveforms:
    """The part of a run before `EDGE`, all of it for a run that stays below."""
    n = int(np.argmax(waves.state[:, 0] > EDGE)) or waves.t.size
    return _first(waves, n)


def _first(waves: Waveforms, n: int) -> Waveforms:
    return Waveforms(waves.t[:n], waves.state[:n], waves.current[:n], waves.voltage[:n])


def fallen(waves: Waveforms) -> Array:
    """Measured fall of V from the start of a run to where it rests, or to the wall."""
    part = inside(waves)
    if part.t.size == waves.t.size:
        return np.asarray(work(part)[-1])
    x = part.state[:, 0]
    away = int(np.argmax(x - x[0] > SLOW))
    # int v dx has no error of time in it; the measured rate is carried on over the last fraction of a step
    force = make_interp_spline(x[away:], _rate(part)[away:], k=5).antiderivative()
    return np.asarray(work(_first(part, away + 1))[-1] + force(1.0) - force(x[away]))


def depths(bench: Bench, s: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Measured ((V(x_+) - V(x_-), U), (V(x_+) - V(1), U)): the work of leaving x_+ to either side."""
    left, right = ((v, U + LEAVE**2) for v, U in (pair.number(fallen) for pair in released(bench, s)))
    return left, right


def measured_potential(bench: Bench, s: float, n: int = 12) -> tuple[list[float], list[float]]:
    """Places x and V(x) - V(0), read as work on the way from x_+ to both sides (V(x_+) is taken as known)."""
    top = float(potential(tunneling_fixed_points(s, CHI)[1], s))
    places, values = [], []
    for pair in released(bench, s):
        part = inside(pair.fine)
        x, V = part.state[:, 0], top - work(part)
        at = np.linspace(x[0], x[-1], n + 1)[1:]
        order = np.argsort(x)
        places += at.tolist()
        values += np.interp(at, x[order], V[order]).tolist()
    return places, values


@Claim(
    "p2.s_crit",
    "Where both minima are equally deep",
    printed="V(x_-, s) = V(1, s) at a critical s between the two thresholds (after Eq. 2)",
    exact="s_crit = 0.2061060431 for chi = 0.9: V(x_-, s) = V(1, s)",
    circuits="algebra to 1e-9; one memristor released from x_+ to both sides at s = 0.2055, 0.2061, 0.2067",
    mutant="chi = 0.89 in the algebra",
    changed={"chi": 0.89},
)
def critical(bench: Bench, chi: float = CHI) -> ClaimEvidence:
    algebra = potential_of(-1.0, 1.0, -chi, 0.2).s_crit
    grid = (0.2055, 0.2061, 0.2067)
    found = [bench.keep(f"depths {s}", partial(depths, bench, s)) for s in grid]
    values = [right - left for (left, _), (right, _) in found]
    spread = max(u + v for (_, u), (_, v) in found)
    slope = (values[2] - values[0]) / (grid[2] - grid[0])
    # a parabola through three values; its root is where the depths agree
    roots = np.roots(np.polyfit(np.subtract(grid, grid[1]), values, 2))
    measured = grid[1] + float(min(roots[np.isreal(roots)].real, key=abs, default=np.nan))
    findings = [
        bars.equals("s_crit by algebra", algebra, 1e-13, S_CRIT, target_uncertainty=5e-11, resolution=1e-9),
        bars.equals("s_crit from measured work", measured, spread / abs(slope), algebra, resolution=1e-6),
    ]
    return ClaimEvidence(findings=findings)


@Claim(
    "p2.eq7",
    "The barrier (Eqs. 7, 26)",
    printed="DE = V(x_+) - V(x_-) between the minima (Eqs. 7, 26)",
    exact="0.040826, 0.021236, 0.013286 at s = 0.22, 0.24, 0.25",
    circuits="one memristor released just below x_+, s = 0.22, 0.24, 0.25: work until it rests at x_-",
    mutant="the work on the other side of the barrier",
    changed={"side": 1},
)
def barrier(bench: Bench, side: int = 0) -> ClaimEvidence:
    findings: list[ClaimFinding] = []
    for s, known in ((0.22, 0.040826), (0.24, 0.021236), (0.25, 0.013286)):
        value, U = bench.keep(f"depths {s}", partial(depths, bench, s))[side]
        what, formula = f"barrier at s = {s:g}", potential_of(-1.0, 1.0, -CHI, s).barrier
        findings.append(bars.equals(what, value, U, known, target_uncertainty=5e-7, resolution=1e-5))
        findings.append(bars.equals(f"{what}, by the formula", formula, 0.0, known, target_uncertainty=5e-7))
    return ClaimEvidence(findings=findings)


@Claim(
    "p2.map",
    "From paper 1 to paper 2",
    printed="w = 1 - x maps one law on the other (after Eq. 3)",
    exact="with xi = chi/(1 - chi), beta_1 = beta_2 (1 - chi) for alpha = 0 only; alpha (1 - w) against alpha w",
    on=Standard(device=tunneling(alpha=0.0), stop=0.5, amplitude=0.1),
    circuits="both laws, alpha = 0 and 0.3/s",
    needs=("memory", "linear", "current", "falls", "free", "source", "loop"),
)
def mapping(bench: Bench, corrected: float = 0.0, printed: float = 0.3) -> ClaimEvidence:
    def both(case: NamedCircuit, share: float) -> Row:
        alpha = 0.5 * share / case.stop
        laws = [changed(law, alpha=np.asarray(alpha)) for law in laws_of(case.network)]
        twins = [
            caravelli(r_on=law.r_on, r_off=law.r_off, alpha=alpha, beta=law.beta * law.r_on / law.r_off) for law in laws
        ]
        named = replace(case, name=f"{case.name}, alpha = {alpha:g}/s")
        return mirrored(bench, named, laws, twins, steps=800)

    exact, other = ([both(case, share) for case in bench.cases()] for share in (corrected, printed))
    return refuted("|w + x - 1| at alpha = 0", exact, "|w + x - 1| at alpha = 0.3/s", other, resolution=1e-6)


@Claim(
    "p2.eq33",
    "The tanh window",
    printed="dx/dt = f [th(-f) th(x) + th(f) th(1 - x)] keeps x in [0, 1] (Eq. 33)",
    exact="it is an equation of its own: the circuit follows it, and x overshoots the wall by about ln(t)/(2p)",
    circuits="one memristor and K4 under p = 100, s = 0.3, run against the wall for 4 s; printed: x <= 1 exactly",
)
def tanh_window(bench: Bench, corrected: Window = Tanh(100.0), printed: Window = Hard()) -> ClaimEvidence:  # noqa: B008
    k4 = circuit("K4", K4, device=tunneling(window=Tanh(100.0)), drive=0.3, initial_state=0.5, stop=4.0)
    alone = single(0.3, 0.9, stop=4.0, window=Tanh(100.0))

    def apart(case: NamedCircuit, window: Window) -> Row:
        return bench.against_theory(case, case.network.with_device(tunneling(window=window)), steps=800)

    cases = (alone, k4)[: 1 if bench.quick else 2]
    exact, other = ([apart(case, window) for case in cases] for window in (corrected, printed))
    top, U = bench.pair(alone, steps=1600).number(lambda waves: waves.state.max() - 1.0)
    numbers = {"overshoot of the wall": top, "its U": U, "ln(t)/(2p) at 4 s": float(np.log(4.0) / 200.0)}
    against = "|x - x(kept in [0, 1])|"
    return refuted("|x - x(tanh equation)|", exact, against, other, resolution=1e-4, numbers=numbers)


@Claim(
    "p2.eq3",
    "The network equation of paper 2 on graphs",
    printed="dx/dt = -alpha x + (1/beta) (I - chi Omega X)^-1 Omega S (Eq. 3)",
    exact="exact in the bulk",
    on=Standard(device=tunneling(), stop=1.0),
    mutant="chi = 0.89 in the equation",
    changed={"ratio": 1.1},
    needs=("memory", "linear", "current", "falls", "source", "loop"),
)
def on_graphs(bench: Bench, ratio: float = 1.0) -> ClaimEvidence:
    def scaled(network: Network) -> Network:
        return network.with_device([changed(law, r_on=ratio * law.r_on) for law in laws_of(network)])

    rows = [bench.against_theory(case, scaled(case.network), "projector") for case in bench.cases()]
    return vanishing("max |x_spice - x_projector|", rows, resolution=1e-5)


@Claim(
    "p2.eq3.loop",
    "Any real loop matrix as a circuit",
    printed="Omega = A^t (A A^t)^-1 A of a random matrix A (Eq. 3)",
    exact="exact: a network of gyrators carries A and follows the same equation, although there is no graph",
    circuits="A uniform in [0, 1], 5 x 10 and 10 x 20 (seeds 1, 2), s = 0.15, random x0, hard bounds",
    mutant="an orthonormalised A, taken without signs",
    changed={"signed": False},
)
def on_loop_matrices(bench: Bench, signed: bool = True) -> ClaimEvidence:
    def apart(seed: int, loops: int) -> Row:
        rng = np.random.default_rng(seed)
        A, start = rng.random((loops, 2 * loops)), rng.random(2 * loops)

        def network(A: Array) -> Network:
            return Network.from_loop_matrix(A, device=tunneling(window=Hard()), drive=0.15, initial_state=start)

        case = NamedCircuit(f"A {loops} x {2 * loops}, seed {seed}", network(A), 5.0)
        theory = case.network if signed else network(np.abs(np.linalg.qr(A.T)[0].T))
        return bench.against_theory(case, theory, "loop")

    rows = [apart(seed, loops) for seed, loops in ((1, 5), (2, 10))[: 1 if bench.quick else 2]]
    return vanishing("max |x_spice - x_theory|", rows, resolution=1e-4)
