"""The figures of paper 2 about who passes the barrier: Figs. 6, 8 and 9.

A trajectory has tunnelled when its mean ends nearer to the other minimum than to the one it began at. Ensemble,
intervals and what they are held to are those of ``figures.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import ClaimFinding, Row
from spicebridge.atlas.circuits import CHI, circuit, tunneling
from spicebridge.atlas.claim import Claim
from spicebridge.atlas.claims.figures import Starts, member, on_circuits, statistical
from spicebridge.atlas.claims.force import UNIFORM
from spicebridge.atlas.claims.tunneling import S_CRIT, potential
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, points
from spicebridge.atlas.projector_ensemble import ProjectorFlow, loop_matrix, mean_and_error, standard_error
from spicebridge.atlas.runs import Bench
from spicebridge.theory.results.closed_forms import tunneling_fixed_points
from spicebridge.windows import Hard

HORIZON = 50.0
"""1/alpha in which a trajectory of Fig. 6 must have tunnelled. Near the transition some hesitate for longer."""
SETTLED = 100.0
"""1/alpha after which the fit of Fig. 8 moves no more by its own interval."""
LONG = 120.0
"""1/alpha for starts without noise, which leave slowly."""
REFERENCE_TRIALS = 50
"""Trials behind a probability that is known to two digits."""


def _tunnelled(
    name: str, N: int, s: float, sigma: float, seeds: int, stop: float = HORIZON, *, collective: bool = True
) -> Row:
    """(name, share of members that end nearer to the other minimum, half of its 95 % interval).

    They start in the wrong minimum plus sigma times noise.
    """
    low = tunneling_fixed_points(s, CHI)[0]
    start = low if s > S_CRIT else 1.0
    count = 0
    for seed in range(seeds):
        flow, _, rng = member(N, s, 1000 + seed)
        flow = flow if collective else ProjectorFlow.of(np.eye(N), s)
        end = float(flow.end(start + sigma * rng.normal(size=N), stop).mean())
        count += (end > 0.5 * (1.0 + low)) == (s > S_CRIT)
    share = count / seeds
    return name, share, 2.0 * standard_error(share, seeds)


TABLE = {0.15: 1.0, 0.17: 0.60, 0.20: 0.0, 0.22: 0.0, 0.225: 0.16, 0.23: 0.48, 0.25: 0.96, 0.26: 1.0}
"""Tunnelling probability at N = 100, sigma = 0.5."""


@Claim(
    "p2.fig6",
    "Figure 6: tunnelling probability",
    printed="P of tunnelling over s: 1 away from s_crit, 0 around it (Fig. 6a)",
    exact="sigma = 0.5, N = 100: 1 for s <= 0.15, 0.60 at 0.17, 0 at 0.20-0.22, 0.16 at 0.225, 0.48 at 0.23, 0.96 at "
    "0.25, 1 at 0.26",
    circuits="N = 100 by theory, 100 seeds at each s; pairs of runs of N = 20 at s = 0.23 and 0.25 in ngspice",
    mutant="sigma = 0.25",
    changed={"sigma": 0.25},
    cost=150.0,
)
def tunnelling(bench: Bench, sigma: float = 0.5) -> ClaimEvidence:
    plain = sigma == 0.5
    seeds = 12 if bench.quick or not plain else 100
    sources = ((0.22, 0.26) if bench.quick else tuple(TABLE)) if plain else (0.23, 0.25)
    rows = [_tunnelled(f"s = {s:g}", 100, s, sigma, seeds) for s in sources]
    findings = [
        statistical(f"probability at {name}", p, U, TABLE[s], 2.0 * standard_error(TABLE[s], REFERENCE_TRIALS))
        for s, (name, p, U) in zip(sources, rows, strict=True)
    ]
    circuits = [on_circuits(bench, s, _noisy(20)) for s in ((0.25,) if bench.quick else (0.23, 0.25)) if plain]
    seen = dict(zip(sources, rows, strict=True))
    still: dict[float, float] = {}
    if plain and not bench.quick:
        seen |= {s: _tunnelled("", 100, s, 0.5, BETWEEN) for s in (0.12, 0.16, 0.18, 0.21, 0.235, 0.24, 0.27)}
        quiet = (0.105, 0.11, 0.125, 0.15, 0.2, 0.25, 0.27, 0.2755, 0.277)
        still = {s: _tunnelled("", 100, s, 0.0, 4, LONG)[1] for s in quiet}
    where = sorted(seen)
    series = [
        points(where, [seen[s] for s in where], "σ = 0.5", bars=True),
        Series(x=list(TABLE), y=list(TABLE.values()), label="reference", style="cross"),
        Series(x=list(still), y=list(still.values()), label="σ = 0" if still else "", style="dashed"),
    ]
    note = (
        "Within 50/alpha. A longer time lets more pass near the transition: at s = 0.22 a share of 0.03 within 40, "
        "0.05 within 50, 0.09 within 60."
    )
    picture = Panel(
        title="Tunnelling probability, N = 100",
        x="s",
        y="P",
        series=series,
        x_range=(0.1, 0.285),
        y_range=(-0.04, 1.08),
        key="center",
    )
    return _with_circuits(findings, rows, circuits, picture, note)


BETWEEN = 40
"""Trials at sources between those of the table, for the picture of Fig. 6."""


def _noisy(N: int, sigma: float = 0.5) -> Starts:
    return lambda low, rng: low + sigma * rng.normal(size=N)


def _with_circuits(
    findings: list[ClaimFinding],
    rows: list[Row],
    circuits: list[tuple[ClaimFinding, Row]],
    picture: Panel,
    note: str = "",
) -> ClaimEvidence:
    """Trials by theory, and behind them pairs of runs in ngspice."""
    for finding, row in circuits:
        findings.append(finding)
        rows.append(row)
    return ClaimEvidence(findings=findings, rows=rows, panels=[picture], note=note)


@Claim(
    "p2.fig6.size",
    "Figure 6b: tunnelling against size",
    printed="P of tunnelling grows with the size N = 1 to 100 at sigma = 0.5 (Fig. 6b)",
    exact="N = 1 is noise alone, P = Q((x_+ - x_-)/sigma) = 0.241 at s = 0.25; N = 100 passes nearly always: "
    "collective",
    circuits="s = 0.25, N = 1 to 100 by theory, 200 seeds each (60 above N = 20); pairs of runs of N = 4 and 20 in "
    "ngspice",
    mutant="every state by itself, Omega = I",
    changed={"collective": False},
    cost=30.0,
)
def against_size(bench: Bench, collective: bool = True) -> ClaimEvidence:
    from scipy.special import ndtr

    s, sigma = 0.25, 0.5
    low, high = tunneling_fixed_points(s, CHI)
    alone = float(ndtr(-(high - low) / sigma))
    sizes = (1, 10, 50) if bench.quick else (1, 2, 5, 10, 20, 50, 100)

    def trials(N: int) -> int:
        return 300 if N == 1 else 20 if bench.quick else 60 if N > 20 else 200

    rows = [_tunnelled(f"N = {N}", N, s, sigma, trials(N), collective=collective) for N in sizes]
    (_, first, one), (_, last, other) = rows[0], rows[-1]
    findings = [
        bars.equals("probability at N = 1 against noise alone", first, one, alone),
        bars.at_least(f"gain from N = 1 to {sizes[-1]}", last - first, float(np.hypot(one, other)), 0.3),
    ]
    circuits = [on_circuits(bench, s, _noisy(N), N=N) for N in ((4,) if bench.quick else (4, 20)) if collective]
    curve = points(sizes, rows, "σ = 0.5", bars=True)
    line = Series(x=[1, sizes[-1]], y=[alone, alone], label="noise alone", style="dashed")
    title, shown = f"Tunnelling against size, s = {s:g}", [curve, line]
    picture = Panel(title=title, x="N", y="P", series=shown, log_x=True, y_range=(-0.04, 1.08))
    return _with_circuits(findings, rows, circuits, picture)


@Claim(
    "p2.fig6.sigma",
    "Figure 6d: tunnelling against the noise",
    printed="P of tunnelling grows with sigma at N = 100 (Fig. 6d)",
    exact="s = 0.25: 0 without noise, 0.96 at sigma = 0.5",
    circuits="N = 100, s = 0.25 by theory, sigma = 0 to 0.5, 60 seeds each; pairs of runs of N = 20 at sigma = 0.3 "
    "in ngspice",
    mutant="s = 0.21, where no noise of this size suffices",
    changed={"s": 0.21},
    cost=40.0,
)
def against_noise(bench: Bench, s: float = 0.25) -> ClaimEvidence:
    seeds = 12 if bench.quick else 60
    sizes = (0.0, 0.5) if bench.quick else (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    rows = [_tunnelled(f"sigma = {sigma:g}", 100, s, sigma, seeds if sigma else 4) for sigma in sizes]
    # without noise four trials do; the bar is that of the other points
    rows[0] = (*rows[0][:2], 2.0 * standard_error(rows[0][1], seeds))
    _, most, U = rows[-1]
    falls = [before[1] - after[1] for before, after in pairwise(rows)]
    known = 2.0 * standard_error(TABLE[0.25], REFERENCE_TRIALS)
    findings = [
        bars.equals("probability without noise", rows[0][1], 0.0, 0.0),
        statistical("probability at sigma = 0.5", most, U, TABLE[0.25], known),
        bars.at_most("largest fall from one sigma to the next", max(falls), 2.0 * U, 0.0),
    ]
    circuits = [on_circuits(bench, s, _noisy(20, 0.3))] if s == 0.25 and not bench.quick else []
    curve = points(sizes, rows, f"s = {s:g}", bars=True)
    picture = Panel(title="Tunnelling against noise, N = 100", x="σ", y="P", series=[curve], y_range=(-0.04, 1.08))
    return _with_circuits(findings, rows, circuits, picture)


@Claim(
    "p2.supp_b",
    "The ensemble of Supplement B, M = 50",
    printed="A with M = 50 rows (Supp. B)",
    exact="read as 50 x 100: at s = 0.15 it rests at the same mean 0.1785 as the 100 x 200 of the figures, and its "
    "states spread sqrt(2) as far: the spread falls as N^-1/2",
    circuits="A 50 x 100 and 100 x 200, s = 0.15, uniform starts, 40 seeds by theory",
    mutant="50 x 200 in the place of 50 x 100",
    changed={"columns": 200},
    cost=20.0,
)
def supplement(bench: Bench, columns: int = 100) -> ClaimEvidence:
    seeds, s = 10 if bench.quick else 40, 0.15
    found = []
    for M, N in ((50, columns), (100, 200)):
        rng = np.random.default_rng([M, N])
        ends = np.array([ProjectorFlow.of(loop_matrix(N, rng, M), s).end(rng.random(N), 40.0) for _ in range(seeds)])
        found.append((mean_and_error(ends.mean(axis=1)), mean_and_error(ends.std(axis=1))))
    ((mean, U), (small, u)), (_, (large, v)) = found
    ratio = small / large
    error = ratio * float(np.hypot(u / small, v / large))
    findings = [
        bars.equals("mean at rest, M = 50", mean, U, 0.1785, target_uncertainty=5e-4),
        bars.equals("spread of the states against that of 100 x 200", ratio, error, np.sqrt(2.0), resolution=0.3),
    ]
    return ClaimEvidence(findings=findings, rows=[("spread, M = 50", small, u), ("spread, A 100 x 200", large, v)])


@Claim(
    "p2.fig6.quiet",
    "Figure 6 without noise",
    printed="sigma = 0: P = 0 between the thresholds (Fig. 6)",
    exact="sigma = 0: only for s <= 0.11-0.12 and s >= 0.2755, and none at all if Omega S = s 1",
    circuits="N = 100 by theory (10 seeds): s = 0.11, 0.125, 0.27, 0.2755; ring of 10 (Omega S = S) in ngspice, 0.12 "
    "and 0.27",
    mutant="sigma = 0.5",
    changed={"sigma": 0.5},
    cost=40.0,
)
def quiet(bench: Bench, sigma: float = 0.0) -> ClaimEvidence:
    def stays(s: float, start: float) -> ClaimFinding:
        ring = circuit("ring", UNIFORM[0][1], device=tunneling(window=Hard()), drive=s, initial_state=start, stop=20.0)
        moved = bench.pair(ring).number(lambda waves: np.abs(waves.state - start).max())
        what = f"motion of the ring from the wrong minimum at s = {s:g}"
        return bars.vanishes(what, *moved, resolution=1e-7)

    seeds = 4 if bench.quick else 10
    shares = ((0.11, 1.0), (0.125, 0.0), (0.27, 0.0), (0.2755, 1.0))
    tried = [(_tunnelled(f"s = {s:g}", 100, s, sigma, seeds, LONG), expected) for s, expected in shares]
    findings = [bars.equals(f"share that tunnels at {name}", p, 0.0, expected) for (name, p, _), expected in tried]
    findings += [stays(0.12, 1.0), stays(0.27, tunneling_fixed_points(0.27, CHI)[0])]
    return ClaimEvidence(findings=findings)


Law = Callable[[Array, float, float], Array]


def _fermi(barrier: Array, mu: float, T: float) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp((barrier - mu) / T)))


def _fermi_printed(barrier: Array, mu: float, T: float) -> Array:
    return np.asarray(1.0 / (1.0 - np.exp(-barrier - mu / T)))


@Claim(
    "p2.fig8",
    "Figure 8: a Fermi function of the barrier",
    printed="P = 1/(1 - e^{-DE - mu/T}), mu = 0.036, T = 0.0048 (Fig. 8)",
    exact="P = 1/(1 + exp((DE - mu)/T)); mu = 0.036(3), T = 0.0048(15); the printed one is above 1, and rises with "
    "DE to it",
    circuits="N = 200 by theory, uniform x0, 40 seeds at 9 values of s from 0.21 to 0.25; pairs of runs of N = 20 at "
    "s = 0.225 in ngspice",
    cost=250.0,
)
def fermi(bench: Bench, corrected: Law = _fermi, printed: Law = _fermi_printed) -> ClaimEvidence:
    # near P = 1/2 a run takes long to decide, so the quick version has few of them
    N, seeds = (50, 20) if bench.quick else (200, 40)
    sources = (0.2, 0.225, 0.26) if bench.quick else (0.21, 0.2175, 0.22, 0.2225, 0.225, 0.2275, 0.23, 0.24, 0.25)
    stop = HORIZON if bench.quick else SETTLED
    times = np.array(bench.keep("times", partial(_escapes, N, sources, seeds, stop)))
    outcome = (times <= stop).astype(float)
    barrier = np.array([float(np.ptp(potential(tunneling_fixed_points(s, CHI), s))) for s in sources])
    mu, T = _fermi_fit(barrier, outcome)
    rng = np.random.default_rng(6)
    again = [_fermi_fit(barrier, outcome[rng.integers(0, seeds, seeds)]) for _ in range(40 if bench.quick else 200)]
    mu_error, T_error = 2.0 * np.std(again, axis=0, ddof=1)
    share = outcome.mean(axis=0)
    rows = [
        (f"s = {s:g}, ΔE = {b:.4f}", float(x), 2.0 * standard_error(float(x), seeds))
        for s, b, x in zip(sources, barrier, share, strict=True)
    ]
    # what the fit does not explain, over what counting leaves: least of all at the two ends, where P is 0 and 1
    spread = float(np.sqrt(np.mean([standard_error(float(p), seeds) ** 2 for p in share])))
    good, bad = (
        float(np.sqrt(np.mean((share - np.clip(law(barrier, mu, T), -9.0, 9.0)) ** 2))) for law in (corrected, printed)
    )
    findings = [
        bars.at_most("rms of P - fit", good, 0.0, 2.0 * spread),
        bars.refutes("rms of P - the printed function of the same mu and T", bad - 2.0 * spread, 0.1 * spread),
    ]
    if corrected is _fermi:
        findings.append(on_circuits(bench, 0.225, lambda low, rng: rng.random(20))[0])
    numbers: dict[str, float | str] = {}
    if not bench.quick:
        findings += [
            bars.within("mu", mu, float(mu_error), 0.036, 0.003),
            bars.within("T", T, float(T_error), 0.0048, 0.0015),
        ]
        for at in (HORIZON, 0.8 * SETTLED, SETTLED):
            early = _fermi_fit(barrier, (times <= at).astype(float))
            numbers[f"mu, T within {at:g}/alpha"] = f"{early[0]:.4f}, {early[1]:.4f}"
    grid = np.linspace(0.0, 0.06, 121)
    picture = Panel(
        title=f"Tunnelling against the barrier, N = {N}",
        x="ΔE = V(x_+) - V(x_-)",
        y="P",
        series=[
            points(barrier, rows, f"ensemble, {seeds} seeds", bars=True),
            Series(x=grid, y=_fermi(grid, mu, T), label=f"fit: μ = {mu:.4f}, T = {T:.4f}"),
            Series(x=grid, y=_fermi(grid, 0.036, 0.0048), label="μ = 0.036, T = 0.0048", style="dashed"),
        ],
        x_range=(0.0, 0.06),
        y_range=(-0.04, 1.12),
    )
    note = (
        "The paper does not say how long it waits. mu and T grow with the time allowed and then stay; see the numbers."
    )
    return ClaimEvidence(findings=findings, rows=rows, numbers=numbers, panels=[picture], note=note)


def _fermi_fit(barrier: Array, outcome: Array) -> tuple[float, float]:
    """(mu, T) of the most likely Fermi function; outcome (trials, barriers) is 1 where a trial tunnelled."""
    from scipy.optimize import minimize

    hits, trials = outcome.sum(axis=0), outcome.shape[0]

    def loss(p: Array) -> float:
        z = (barrier - p[0]) / np.exp(p[1])
        return float((hits * np.logaddexp(0.0, z) + (trials - hits) * np.logaddexp(0.0, -z)).sum())

    best = minimize(loss, [0.036, np.log(0.005)], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    return float(best.x[0]), float(np.exp(best.x[1]))


def _middle(s: float) -> float:
    """Between both minima: a mean above it has passed to the side of x = 1."""
    return 0.5 * (1.0 + tunneling_fixed_points(s, CHI)[0])


def _escapes(N: int, sources: tuple[float, ...], seeds: int, stop: float) -> list[list[float]]:
    """When a member from a uniform random start passes to the side of x = 1 for good, or inf; (seeds, sources)."""

    def passes(s: float, seed: int) -> float:
        flow, x0, _ = member(N, s, seed)
        return flow.crossing(x0, stop, _middle(s))

    return [[passes(s, seed) for s in sources] for seed in range(seeds)]


def _edge_of_escape(N: int, s: float, seed: int) -> float:
    """The equal initial state x~ above which all states go to 1, by bisection."""
    low, high = 0.4, 1.0
    for _ in range(10):
        middle = 0.5 * (low + high)
        if _ends_of_equal_starts(N, s, seed, [middle])[0] > _middle(s):
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@Claim(
    "p2.fig9",
    "Figure 9: threshold of equal initial states",
    printed="states that start equal escape above x~ = 0.5135 (Fig. 9)",
    exact="not reproduced: the threshold is 0.80, near x_+ of the potential",
    circuits="N = 200 by theory, s = 0.225, equal starts, bisection, 8 seeds; one memristor at 0.78 and 0.82 in "
    "ngspice",
    cost=40.0,
)
def threshold(bench: Bench, corrected: float = 0.80, printed: float = 0.5135) -> ClaimEvidence:
    s, seeds = 0.225, 3 if bench.quick else 8
    edges = bench.keep("edges", lambda: [_edge_of_escape(200, s, seed) for seed in range(seeds)])
    mean, error = mean_and_error(edges)

    def end(start: float) -> float:
        case = circuit("", [(0, 0)], device=tunneling(window=Hard()), drive=s, initial_state=start)
        return float(bench.run(case.network, 40.0, 0.02).state[-1, 0])

    ends = [end(0.78), end(0.82)]
    findings = [
        bars.refutes("|threshold - printed|", abs(mean - printed), error + 0.005),
        bars.equals("threshold of equal starts", mean, error, corrected, target_uncertainty=0.005),
        bars.at_most("end from 0.78, one memristor in ngspice", ends[0], 1e-9, 0.5),
        bars.at_least("end from 0.82", ends[1], 1e-9, 0.999),
    ]
    panels: list[Panel] = []
    if not bench.quick:
        starts = np.concatenate([np.arange(0.4, 0.76, 0.05), np.arange(0.76, 0.85, 0.01), [0.9, 0.95, 1.0]])
        reached = np.concatenate([_ends_of_equal_starts(200, s, seed, starts) for seed in range(3)])
        series = [
            Series(x=np.tile(starts, 3), y=reached, label="ensemble, 3 seeds", style="points"),
            Series(x=[0.78, 0.82], y=ends, label="one memristor, ngspice", style="cross"),
            Series(x=[0.5135, 0.5135], y=[0.0, 1.05], label="0.5135, printed", style="dashed"),
            Series(x=[mean, mean], y=[0.0, 1.05], label=f"{mean:.3f}", style="dashed"),
        ]
        panels = [
            Panel(
                title=f"Equal starts, N = 200, s = {s:g}",
                x="x̃, start of all states",
                y="⟨x⟩ at the end",
                series=series,
                x_range=(0.38, 1.02),
                y_range=(0.0, 1.05),
            )
        ]
    rows = [(f"seed {k}", float(x), 0.6 / 2**11) for k, x in enumerate(edges)]
    numbers = {"x_+": tunneling_fixed_points(s, CHI)[1]}
    return ClaimEvidence(findings=findings, rows=rows, numbers=numbers, panels=panels)


def _ends_of_equal_starts(N: int, s: float, seed: int, starts: Iterable[float]) -> list[float]:
    """Mean state at the end for every start common to all states."""
    flow, _, _ = member(N, s, seed)
    return [float(flow.end(np.full(N, x), 40.0).mean()) for x in starts]
