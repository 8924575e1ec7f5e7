"""Paper 1, Eqs. 23-28: weak and strong nonlinearity, and the flux law that is exact at every xi.

weak     (I + xi Omega W)^-1 Omega = Omega - xi Omega W Omega + O(xi^2)
strong   xi (I + xi Omega W)^-1 Omega -> A^t (A W A^t)^-1 A,  O(1/xi)
exact    Ob J [(w - w0) + (xi/2)(w^2 - w0^2) - alpha int (w + xi w^2)] + (1/beta) Ob int P S = 0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from spicebridge.analysis.affine import affine
from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import Row
from spicebridge.atlas.circuits import (
    BARE,
    BETA,
    GRAPHS,
    K4,
    R_ON,
    NamedCircuit,
    Standard,
    caravelli,
    circuit,
    laws_of,
    matrices,
)
from spicebridge.atlas.claim import Claim, ClaimStatus
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, order_of, points, refuted, thinned, vanishing
from spicebridge.atlas.runs import Bench, Pair, PerNetwork
from spicebridge.drives import DC, Sine
from spicebridge.laws.base import changed
from spicebridge.network import Network
from spicebridge.network.entries import Source
from spicebridge.theory.results import conservation
from spicebridge.theory.results.flux import flux_states
from spicebridge.waveforms import Waveforms

SHARP = 1e-6
FROZEN = ("memory", "passive", "one law", "loop")


def frozen(bench: Bench) -> list[NamedCircuit]:
    """The user's network as it is, or bare graphs at random states."""
    if bench.network is not None:
        return [bench.own(stop=1.0)]

    def drawn(name: str) -> NamedCircuit:
        states = np.random.default_rng(31).uniform(0.2, 0.9, len(GRAPHS[name]))
        return circuit(name, GRAPHS[name], initial_state=states)

    return [drawn(name) for name in BARE[: 1 if bench.quick else 3]]


def with_xi(network: Network, xi: float) -> Network:
    """The same network with another ratio of its resistances."""
    r_on = float(affine(network).r0[0])
    return network.with_device(caravelli(r_on=r_on, r_off=r_on * (1.0 + xi)))


Sized = Callable[[Network, float], Callable[[Array], Array]]


def order_claim(
    bench: Bench, sizes: list[float], xi: Callable[[float], float], error: Sized, what: str, expected: int
) -> ClaimEvidence:
    """The exponent of an error of the response, with the size of the parameter, on every graph."""

    def row(case: NamedCircuit, size: float) -> Row:
        network = with_xi(case.network, xi(size))
        name = f"{case.name}, {what} = {size:g}"
        measured = bench.keep(name, lambda: bench.respond(network))
        return bars.largest(name, *measured.value(error(network, xi(size))))

    findings, rows, series = [], [], []
    for case in frozen(bench):
        found = [row(case, size) for size in sizes]
        order, U = order_of(sizes, found)
        findings.append(bars.equals(f"order of the error in {what} ({case.name})", order, U, expected, resolution=0.1))
        rows += found
        series.append(points(sizes, found, case.name))
    guide = [series[0].y[0] * (s / sizes[0]) ** expected for s in sizes]
    series.append(Series(x=sizes, y=guide, label=f"order {expected}", style="dashed"))
    title = "Error of the limit, measured in ngspice"
    picture = Panel(title=title, x=what, y="error", series=series, log_x=True, log_y=True)
    return ClaimEvidence(findings=findings, rows=rows, panels=[picture])


def _scaled(network: Network) -> tuple[float, Array, Array, Array]:
    """(Ron, A, w, Omega)."""
    A, _, Omega = matrices(network)
    return float(affine(network).r0[0]), A, network.initial_state, Omega


WEAK = [0.1, 0.05, 0.025, 0.0125, 0.00625]
STRONG = [1 / 100, 1 / 200, 1 / 400, 1 / 800, 1 / 1600]


@Claim(
    "p1.eq23",
    "Weakly nonlinear limit",
    printed="(I + xi Omega W)^-1 Omega S ~ (Omega - xi Omega W Omega) S (Eq. 23)",
    exact="exact to O(xi^2)",
    status=ClaimStatus.APPROXIMATE,
    order=2,
    circuits="K4, 3x3 grid, random graph (seed 5), frozen random states (seed 31), xi = 0.1 to 0.00625",
    mutant="the linear term left out",
    changed={"linear": 0.0},
    needs=FROZEN,
)
def weak(bench: Bench, linear: float = 1.0) -> ClaimEvidence:
    def error(network: Network, xi: float) -> Callable[[Array], Array]:
        r_on, _, w, Omega = _scaled(network)
        return lambda T: r_on * T - (Omega - linear * xi * (Omega * w) @ Omega)

    return order_claim(bench, WEAK, lambda size: size, error, "xi", 2)


@Claim(
    "p1.eq24",
    "Strongly nonlinear limit (Eqs. 24, 26)",
    printed="xi (I + xi Omega W)^-1 Omega -> A^t (A W A^t)^-1 A (Eqs. 24, 26)",
    exact="right, with an error O(1/xi)",
    status=ClaimStatus.APPROXIMATE,
    order=1,
    circuits="K4, 3x3 grid, random graph (seed 5), frozen random states (seed 31), xi = 100 to 1600",
    mutant="W left out of the limit",
    changed={"power": 0.0},
    needs=FROZEN,
)
def strong(bench: Bench, power: float = 1.0) -> ClaimEvidence:
    def error(network: Network, xi: float) -> Callable[[Array], Array]:
        r_on, A, w, _ = _scaled(network)
        limit = A.T @ np.linalg.solve((A * w**power) @ A.T, A)
        return lambda T: r_on * xi * T - limit

    return order_claim(bench, STRONG, lambda size: 1.0 / size, error, "1/xi", 1)


Projector = Callable[[Array, Array], Array]


def _oblique(A: Array, w: Array) -> Array:
    return np.asarray(A.T @ np.linalg.solve((A * w) @ A.T, A * w))


def _moore_penrose(A: Array, w: Array) -> Array:
    product = A.T @ np.linalg.solve(A @ A.T, A) * w
    return np.asarray(np.linalg.pinv(product) @ product)


@Claim(
    "p1.eq25",
    "Which projector the strong limit is",
    printed="the limit is the Moore-Penrose projector (Omega W)^+ (Omega W) (text of Eq. 25)",
    exact="the oblique spectral projector A^t (A W A^t)^-1 A W",
    circuits="K4, 3x3 grid, random graph (seed 5), frozen random states (seed 31), xi = 400 to 3200 extrapolated",
    needs=(*FROZEN, "tree"),
)
def spectral(bench: Bench, corrected: Projector = _oblique, printed: Projector = _moore_penrose) -> ClaimEvidence:
    rows: tuple[list[Row], list[Row]] = ([], [])
    for case in frozen(bench):
        r_on, A, w, _ = _scaled(case.network)
        limits = [r_on * xi * bench.respond(with_xi(case.network, xi)).T * w for xi in (400.0, 800.0, 1600.0, 3200.0)]
        # two steps of Richardson: the error is a series in 1/xi
        once = [2.0 * b - a for a, b in pairwise(limits)]
        twice = [(4.0 * b - a) / 3.0 for a, b in pairwise(once)]
        U = float(np.abs(twice[1] - twice[0]).max())
        for out, target in zip(rows, (corrected, printed), strict=True):
            out.append(bars.largest(case.name, twice[1] - target(A, w), U))
    what = "|limit - oblique projector|"
    return refuted(what, rows[0], "|limit - Moore-Penrose projector|", rows[1], resolution=1e-4)


@Claim(
    "p1.eq27",
    "The conserved quantity of the strong limit (Eqs. 27-28)",
    printed="Omega (xi/2)(w^2 - w0^2) + (1/beta) Omega int S = 0 (Eqs. 27-28)",
    exact="leading order only: the linear term is dropped, relative error 1/(xi w), 1.92/xi at w = 0.52",
    status=ClaimStatus.APPROXIMATE,
    order=1,
    circuits="K4 at w0 = 0.52 with small DC sources (seed 11), xi = 100 to 1600; at w0 = 0.3 and 0.8, xi = 800, 1600",
    mutant="the linear term kept",
    changed={"linear": 1.0},
)
def leading_order(bench: Bench, linear: float = 0.0) -> ClaimEvidence:
    rows = [_dropped_term(bench, 0.52, 1.0 / size, linear)[0] for size in STRONG]
    findings = [
        bars.equals("order of the relative error in 1/xi", *order_of(STRONG, rows), 1.0, resolution=0.1),
        bars.equals("relative error times xi", *_times_xi(rows), 1.92, target_uncertainty=0.005, resolution=0.01),
    ]
    for start in (0.3, 0.8):
        few, travel = zip(*(_dropped_term(bench, start, 1.0 / size, linear) for size in STRONG[-2:]), strict=True)
        # the states move away from w0 while the flux is given
        moved = travel[-1] / (2.0 * start**2)
        what = f"relative error times xi at w0 = {start:g}, 1/w0"
        findings.append(bars.equals(what, *_times_xi(few), 1.0 / start, target_uncertainty=moved, resolution=0.05))
    xi = [1 / s for s in STRONG]
    curves = [
        points(xi, rows, "ngspice"),
        Series(x=xi, y=[1.92 * s for s in STRONG], label="1.92/xi", style="dashed"),
    ]
    title = "Relative error of Eq. 27 on K4"
    picture = Panel(title=title, x="xi", y="relative error", series=curves, log_x=True, log_y=True)
    return ClaimEvidence(findings=findings, rows=rows, panels=[picture])


def _dropped_term(bench: Bench, start: float, xi: float, linear: float) -> tuple[Row, float]:
    """The relative error of Eq. 27 on K4 from equal states, and the largest change of a state."""
    level = 1e-2 * (1.0 + start * xi) * np.random.default_rng(11).uniform(-1.0, 1.0, 6)
    device = caravelli(r_off=R_ON * (1.0 + xi))
    case = circuit(f"K4, xi = {xi:g}", K4, device=device, drive=level, initial_state=start, stop=1.0)
    Omega = matrices(case.network)[2]

    def relative(waves: Waveforms) -> float:
        w, w0 = waves.state[-1], waves.state[0]
        given = Omega @ case.network.bank.integral(waves.t[-1]) / BETA
        kept = Omega @ (0.5 * xi * (w**2 - w0**2) + linear * (w - w0))
        return float(np.linalg.norm(kept + given) / np.linalg.norm(given))

    pair = bench.pair(case)
    return pair.row(relative), float(np.abs(pair.fine.state[-1] - pair.fine.state[0]).max())


def _times_xi(rows: Sequence[Row]) -> tuple[float, float]:
    """(error times xi for xi -> infinity, U) from the last two rows."""
    (_, first, _), (_, last, U) = rows[-2:]
    before, after = first / STRONG[-2], last / STRONG[-1]
    return 2.0 * after - before, abs(after - before) + 3.0 * U / STRONG[-1]


FLUX = ("memory", "current", "one alpha", "loop", "source")


def _without_linear(network: Network, waves: Waveforms) -> Array:
    law = affine(network)
    flux = 0.5 * law.kappa * (waves.state**2 - waves.state[0] ** 2) * network.P * network.J / law.g
    given = network.bank.integral(waves.t)
    return np.asarray((flux - given) @ matrices(network)[0].T / max(np.abs(flux).max(), np.abs(given).max()))


@Claim(
    "new.flux",
    "Flux linkage: an exact law at every xi",
    printed="Eqs. 27-28, in the limit xi -> infinity only",
    exact="alpha = 0: Ob J [(w - w0) + (xi/2)(w^2 - w0^2)] + (1/beta) Ob int P S dt = 0",
    on=Standard(mixed=True, polarity=True),
    mutant="the linear term left out, as in Eq. 27",
    changed={"law": _without_linear},
    needs=FLUX,
)
def flux_law(bench: Bench, law: PerNetwork = conservation.flux_linkage) -> ClaimEvidence:
    rows = bench.rows(law, bulk=True, steps=800)
    return vanishing("|flux linkage - int S| round the loops / largest term", rows, resolution=1e-5)


def _without_memory(network: Network, waves: Waveforms) -> Array:
    still = [changed(law, alpha=np.zeros(())) for law in laws_of(network)]
    return conservation.flux_linkage(network.with_device(still), waves)


@Claim(
    "p1.eq27.alpha",
    "The flux law with alpha",
    printed="Omega (xi/2)(w^2 - w0^2) + (1/beta) Omega int S = 0 for alpha != 0 too (Eq. 27)",
    exact="a balance, not a conservation: - alpha int (w + xi w^2) dt joins the bracket",
    on=Standard(mixed=True, polarity=True, device=caravelli(alpha=0.3), stop=1.0),
    circuits="the linear term is granted to the printed statement",
    needs=(*FLUX, "linear", "alpha"),
)
def flux_alpha(
    bench: Bench, corrected: PerNetwork = conservation.flux_linkage, printed: PerNetwork = _without_memory
) -> ClaimEvidence:
    exact, other = (bench.rows(law, bulk=True, steps=800) for law in (corrected, printed))
    what = "|flux balance| / largest term"
    return refuted(what, exact, "|flux law without the memory integral| / largest term", other, resolution=1e-5)


def _same_flux(case: NamedCircuit) -> Network:
    """The same network with its mean sources, plus sines of whole periods: equal flux at the end."""
    T = case.stop
    mean = case.network.bank.integral(T) / T
    rng = np.random.default_rng(12)
    n, size = mean.size, min(0.3, 2.0 * float(np.abs(mean).max()))
    return case.network.with_drive(
        [
            DC(float(m)) + Sine(amplitude=float(a), frequency=float(f) / T)
            for m, a, f in zip(mean, rng.uniform(-size, size, n), rng.integers(1, 4, n), strict=True)
        ]
    )


BY_FLUX = ("memory", "no alpha", "loop", "source", "current")


@Claim(
    "new.path",
    "Only the flux matters: path independence",
    exact="alpha = 0: w(T) depends on int_0^T S dt alone, not on the path of S(t)",
    on=Standard(polarity=True, stop=1.0),
    circuits="under two different AC sources of equal flux (seed 12)",
    mutant="alpha = 0.3/s",
    changed={"alpha": 0.3},
    needs=(*BY_FLUX, "one law"),
)
def path(bench: Bench, alpha: float = 0.0) -> ClaimEvidence:
    def ways(case: NamedCircuit) -> tuple[Pair, Pair]:
        if alpha:
            case = replace(case, network=case.network.with_device(caravelli(alpha=alpha)))
        other = replace(case, network=_same_flux(case))
        return bench.pair(case, bulk=True), bench.pair(other, bulk=True)

    def apart(first: Pair, second: Pair) -> Row:
        coarse = first.coarse.state[-1] - second.coarse.state[-1]
        fine = first.fine.state[-1] - second.fine.state[-1]
        return bars.largest(first.circuit.name, fine, float(np.abs(coarse - fine).max()) + 2e-9)

    pairs = [ways(case) for case in bench.cases()]
    shown = [""] * min(3, pairs[0][0].network.n_edges)
    styled = zip(pairs[0], ("line", "dashed"), strict=True)
    curves = [curve for p, style in styled for curve in thinned(p.fine.t, p.fine.state, shown, style=style)]
    picture = Panel(title=f"Two paths of equal flux, {pairs[0][0].circuit.name}", x="t (s)", y="w", series=curves)
    rows = [apart(*ways) for ways in pairs]
    return vanishing("|w(T) - w'(T)| for equal flux", rows, resolution=SHARP, panels=[picture])


@Claim(
    "new.periodic",
    "Exactly periodic under AC",
    printed="(not in the papers: the strong limit is said to relax)",
    exact="alpha = 0: after every period of zero-mean sources the states return exactly",
    on=Standard(polarity=True),
    circuits="under sines of 1 and 2 per third of the run, without offset (seed 13)",
    mutant="an offset of 1 mV on edge 0",
    changed={"offset": 1e-3},
    needs=(*BY_FLUX, "one law"),
)
def periodic(bench: Bench, offset: float = 0.0) -> ClaimEvidence:
    def returned(case: NamedCircuit) -> Row:
        rng = np.random.default_rng(13)
        own = bench.network is not None
        size = float(np.abs(case.network.bank(np.linspace(0.0, case.stop, 33))).max()) if own else 0.4
        T = case.stop / 3.0 if own else 1.0
        sines = [
            Sine(float(rng.uniform(-size, size)), float(1 + k % 2) / T, phase=float(rng.uniform(0, 6)))
            for k in range(case.network.n_edges)
        ]
        drives: list[Source] = [sines[0] + DC(offset * size / 0.4) if offset else sines[0], *sines[1:]]
        at = [T, 2.0 * T, 3.0 * T]
        driven = NamedCircuit(case.name, case.network.with_drive(drives), 3.0 * T)
        return bench.pair(driven, steps=1200, bulk=True).row(lambda w: w.resample(at).state - w.state[0])

    rows = [returned(case) for case in bench.cases()]
    return vanishing("|w(n T) - w(0)|, n = 1, 2, 3", rows, resolution=1e-5)


@Claim(
    "new.algebraic",
    "The states follow from the flux by algebra",
    exact="alpha = 0: B J (w - w0) = 0 and the flux law determine w(t) from int S without integrating",
    on=Standard(polarity=True),
    circuits="Newton's method on the flux law (theory/results/flux)",
    mutant="polarity turned on edge 0",
    changed={"turned": -1.0},
    needs=(*BY_FLUX, "passive", "free"),
)
def algebraic(bench: Bench, turned: float = 1.0) -> ClaimEvidence:
    def gap(pair: Pair) -> Row:
        network = pair.network
        still = np.where(np.arange(network.n_edges) == 0, turned, 1.0)
        at = np.linspace(0.0, pair.circuit.stop, 21)
        known = flux_states(network.with_polarity(network.J * still), at)
        return pair.row(lambda waves: waves.resample(at).state - known)

    return vanishing("|w - w(flux)|", [gap(pair) for pair in bench.pairs(bulk=True)], resolution=SHARP)
