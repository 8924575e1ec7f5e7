"""The figures of paper 2 about who passes the barrier: Figs. 6, 8 and 9.

A trajectory has tunnelled when its mean ends nearer to the other minimum than to the one it began at. Ensemble,
intervals and what they are held to are those of ``figures.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import CHI, circuit, tunneling
from spicebridge.atlas.claim import (
    Evidence,
    Finding,
    Panel,
    Row,
    Series,
    Status,
    at_least,
    at_most,
    claim,
    equals,
    refutes,
    vanishes,
    within,
)
from spicebridge.atlas.claims.figures import Starts, member, on_circuits, statistical
from spicebridge.atlas.claims.force import UNIFORM
from spicebridge.atlas.claims.tunneling import S_CRIT, potential
from spicebridge.atlas.projector_ensemble import ProjectorFlow, loop_matrix, mean_and_error, standard_error
from spicebridge.atlas.runs import Bench, value_of
from spicebridge.theory.results.closed_forms import tunneling_fixed_points
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Hard

HORIZON = 50.0
"""1/alpha in which a trajectory of Fig. 6 must have tunnelled. Near the transition some hesitate for longer."""
SETTLED = 100.0
"""1/alpha after which the fit of Fig. 8 moves no more by its own interval."""
LONG = 120.0
"""1/alpha for starts without noise, which leave slowly."""
REFERENCE_TRIALS = 50
"""Trials behind a probability that is known to two digits."""


def _tunnelled(N: int, s: float, sigma: float, seeds: int, stop: float, *, collective: bool = True) -> float:
    """Share of members that end nearer to the other minimum, from the wrong one plus sigma times noise."""
    low = tunneling_fixed_points(s, CHI)[0]
    start = low if s > S_CRIT else 1.0
    count = 0
    for seed in range(seeds):
        flow, _, rng = member(N, s, 1000 + seed)
        flow = flow if collective else ProjectorFlow.of(np.eye(N), s)
        end = float(flow.end(start + sigma * rng.normal(size=N), stop).mean())
        count += (end > 0.5 * (1.0 + low)) == (s > S_CRIT)
    return count / seeds


TABLE = {0.15: 1.0, 0.17: 0.60, 0.20: 0.0, 0.22: 0.0, 0.225: 0.16, 0.23: 0.48, 0.25: 0.96, 0.26: 1.0}
"""Tunnelling probability at N = 100, sigma = 0.5."""


@claim(
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
def tunnelling(bench: Bench, sigma: float = 0.5) -> Evidence:
    plain = sigma == 0.5
    seeds = 12 if bench.quick or not plain else 100
    sources = ((0.22, 0.26) if bench.quick else tuple(TABLE)) if plain else (0.23, 0.25)
    findings: list[Finding] = []
    rows: list[Row] = []
    for s in sources:
        p = _tunnelled(100, s, sigma, seeds, HORIZON)
        known = 2.0 * standard_error(TABLE[s], REFERENCE_TRIALS)
        rows.append((f"s = {s:g}", p, 2.0 * standard_error(p, seeds)))
        findings.append(statistical(f"probability at s = {s:g}", *rows[-1][1:], TABLE[s], known))
    circuits = [on_circuits(bench, s, _noisy(20)) for s in ((0.25,) if bench.quick else (0.23, 0.25)) if plain]
    findings += [finding for finding, _ in circuits]
    points = [(float(row[0][4:]), row[1], row[2]) for row in rows]
    still: dict[float, float] = {}
    if plain and not bench.quick:
        for s in (0.12, 0.16, 0.18, 0.21, 0.235, 0.24, 0.27):
            p = _tunnelled(100, s, 0.5, BETWEEN, HORIZON)
            points.append((s, p, 2.0 * standard_error(p, BETWEEN)))
        still = {
            s: _tunnelled(100, s, 0.0, 4, LONG) for s in (0.105, 0.11, 0.125, 0.15, 0.2, 0.25, 0.27, 0.2755, 0.277)
        }
    where, share, bars = zip(*sorted(points), strict=True)
    series = (
        Series(x=where, y=share, label="σ = 0.5", style="points", error=bars),
        Series(x=list(TABLE), y=list(TABLE.values()), label="reference", style="cross"),
        Series(x=list(still), y=list(still.values()), label="σ = 0" if still else "", style="dashed"),
    )
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
    return Evidence(findings=tuple(findings), rows=(*rows, *(row for _, row in circuits)), panels=(picture,), note=note)


BETWEEN = 40
"""Trials at sources between those of the table, for the picture of Fig. 6."""


def _noisy(N: int, sigma: float = 0.5) -> Starts:
    return lambda low, rng: low + sigma * rng.normal(size=N)


@claim(
    "p2.fig6.size",
    "Figure 6b: tunnelling against size",
    printed="P of tunnelling grows with the size N = 1 to 100 at sigma = 0.5 (Fig. 6b)",
    exact="N = 1 is noise alone, P = Q((x_+ - x_-)/sigma) = 0.241 at s = 0.25; N = 100 passes nearly always: collective",
    circuits="s = 0.25, N = 1 to 100 by theory, 200 seeds each (60 above N = 20); pairs of runs of N = 4 and 20 in ngspice",
    mutant="every state by itself, Omega = I",
    changed={"collective": False},
    cost=30.0,
)
def against_size(bench: Bench, collective: bool = True) -> Evidence:
    from scipy.special import ndtr

    s, sigma = 0.25, 0.5
    low, high = tunneling_fixed_points(s, CHI)
    alone = float(ndtr(-(high - low) / sigma))
    rows: list[Row] = []
    sizes = (1, 10, 50) if bench.quick else (1, 2, 5, 10, 20, 50, 100)
    for N in sizes:
        seeds = 300 if N == 1 else 20 if bench.quick else 60 if N > 20 else 200
        p = _tunnelled(N, s, sigma, seeds, HORIZON, collective=collective)
        rows.append((f"N = {N}", p, 2.0 * standard_error(p, seeds)))
    (_, first, one), (_, last, other) = rows[0], rows[-1]
    findings = [
        equals("probability at N = 1 against noise alone", first, one, alone),
        at_least(f"gain from N = 1 to {sizes[-1]}", last - first, float(np.hypot(one, other)), 0.3),
    ]
    circuits = [on_circuits(bench, s, _noisy(N), N=N) for N in ((4,) if bench.quick else (4, 20)) if collective]
    curve = Series(
        x=list(sizes), y=[p for _, p, _ in rows], label="σ = 0.5", style="points", error=[U for _, _, U in rows]
    )
    line = Series(x=[1, sizes[-1]], y=[alone, alone], label="noise alone", style="dashed")
    picture = Panel(
        title=f"Tunnelling against size, s = {s:g}",
        x="N",
        y="P",
        series=(curve, line),
        log_x=True,
        y_range=(-0.04, 1.08),
    )
    findings += [finding for finding, _ in circuits]
    return Evidence(findings=tuple(findings), rows=(*rows, *(row for _, row in circuits)), panels=(picture,))


@claim(
    "p2.fig6.sigma",
    "Figure 6d: tunnelling against the noise",
    printed="P of tunnelling grows with sigma at N = 100 (Fig. 6d)",
    exact="s = 0.25: 0 without noise, 0.96 at sigma = 0.5",
    circuits="N = 100, s = 0.25 by theory, sigma = 0 to 0.5, 60 seeds each; pairs of runs of N = 20 at sigma = 0.3 in ngspice",
    mutant="s = 0.21, where no noise of this size suffices",
    changed={"s": 0.21},
    cost=40.0,
)
def against_noise(bench: Bench, s: float = 0.25) -> Evidence:
    seeds = 12 if bench.quick else 60
    rows: list[Row] = []
    sizes = (0.0, 0.5) if bench.quick else (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    for sigma in sizes:
        p = _tunnelled(100, s, sigma, 4 if sigma == 0.0 else seeds, HORIZON)
        rows.append((f"sigma = {sigma:g}", p, 2.0 * standard_error(p, seeds)))
    falls = [before[1] - after[1] for before, after in pairwise(rows)]
    known = 2.0 * standard_error(TABLE[0.25], REFERENCE_TRIALS)
    findings = [
        equals("probability without noise", rows[0][1], 0.0, 0.0),
        statistical("probability at sigma = 0.5", *rows[-1][1:], TABLE[0.25], known),
        at_most("largest fall from one sigma to the next", max(falls), 2.0 * rows[-1][2], 0.0),
    ]
    circuits = [on_circuits(bench, s, _noisy(20, 0.3))] if s == 0.25 and not bench.quick else []
    findings += [finding for finding, _ in circuits]
    curve = Series(
        x=list(sizes), y=[p for _, p, _ in rows], label=f"s = {s:g}", style="points", error=[U for _, _, U in rows]
    )
    picture = Panel(title="Tunnelling against noise, N = 100", x="σ", y="P", series=(curve,), y_range=(-0.04, 1.08))
    return Evidence(findings=tuple(findings), rows=(*rows, *(row for _, row in circuits)), panels=(picture,))


@claim(
    "p2.supp_b",
    "The ensemble of Supplement B, M = 50",
    printed="A with M = 50 rows (Supp. B)",
    exact="read as 50 x 100: at s = 0.15 it rests at the same mean 0.1785 as the 100 x 200 of the figures, and its states "
    "spread sqrt(2) as far: the spread falls as N^-1/2",
    circuits="A 50 x 100 and 100 x 200, s = 0.15, uniform starts, 40 seeds by theory",
    mutant="50 x 200 in the place of 50 x 100",
    changed={"columns": 200},
    cost=20.0,
)
def supplement(bench: Bench, columns: int = 100) -> Evidence:
    seeds, s = 10 if bench.quick else 40, 0.15
    found = []
    for M, N in ((50, columns), (100, 200)):
        rng = np.random.default_rng([M, N])
        ends = np.array([ProjectorFlow.of(loop_matrix(N, rng, M), s).end(rng.random(N), 40.0) for _ in range(seeds)])
        found.append((mean_and_error(ends.mean(axis=1)), mean_and_error(ends.std(axis=1))))
    ((mean, U), (small, u)), (_, (large, v)) = found
    ratio = small / large
    error = ratio * float(np.hypot(u / small, v / large))
    findings = (
        equals("mean at rest, M = 50", mean, U, 0.1785, target_uncertainty=5e-4),
        equals("spread of the states against that of 100 x 200", ratio, error, np.sqrt(2.0), resolution=0.3),
    )
    return Evidence(findings=findings, rows=(("spread, M = 50", small, u), ("spread, A 100 x 200", large, v)))


@claim(
    "p2.fig6.quiet",
    "Figure 6 without noise",
    printed="sigma = 0: P = 0 between the thresholds (Fig. 6)",
    exact="sigma = 0: only for s <= 0.11-0.12 and s >= 0.2755, and none at all if Omega S = s 1",
    circuits="N = 100 by theory (10 seeds): s = 0.11, 0.125, 0.27, 0.2755; ring of 10 (Omega S = S) in ngspice, 0.12 and 0.27",
    mutant="sigma = 0.5",
    changed={"sigma": 0.5},
    cost=40.0,
)
def quiet(bench: Bench, sigma: float = 0.0) -> Evidence:
    seeds = 4 if bench.quick else 10
    findings: list[Finding] = []
    for s, expected in ((0.11, 1.0), (0.125, 0.0), (0.27, 0.0), (0.2755, 1.0)):
        p = _tunnelled(100, s, sigma, seeds, LONG)
        findings.append(equals(f"share that tunnels at s = {s:g}", p, 0.0, expected))
    edges = UNIFORM[0][1]
    for s in (0.12, 0.27):
        low = tunneling_fixed_points(s, CHI)[0]
        start = low if s > S_CRIT else 1.0
        case = circuit("ring", edges, device=tunneling(window=Hard()), drive=s, initial_state=start, stop=20.0)
        pair = bench.pair(case)

        def moved(waves: Waveforms, start: float = start) -> Array:
            return np.asarray(np.abs(waves.state - start).max())

        value, U = value_of(moved, pair)
        findings.append(
            vanishes(f"motion of the ring from the wrong minimum at s = {s:g}", float(value), U, resolution=1e-7)
        )
    return Evidence(findings=tuple(findings))


Law = Callable[[Array, float, float], Array]


def _fermi(barrier: Array, mu: float, T: float) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp((barrier - mu) / T)))


def _fermi_printed(barrier: Array, mu: float, T: float) -> Array:
    return np.asarray(1.0 / (1.0 - np.exp(-barrier - mu / T)))


@claim(
    "p2.fig8",
    "Figure 8: a Fermi function of the barrier",
    printed="P = 1/(1 - e^{-DE - mu/T}), mu = 0.036, T = 0.0048 (Fig. 8)",
    exact="P = 1/(1 + exp((DE - mu)/T)); mu = 0.036(3), T = 0.0048(15); the printed one is above 1, and rises with DE to it",
    status=Status.WRONG,
    circuits="N = 200 by theory, uniform x0, 40 seeds at 9 values of s from 0.21 to 0.25; pairs of runs of N = 20 at "
    "s = 0.225 in ngspice",
    cost=250.0,
)
def fermi(bench: Bench, corrected: Law = _fermi, printed: Law = _fermi_printed) -> Evidence:
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
    mu_error, T_error = (2.0 * float(np.std([row[k] for row in again], ddof=1)) for k in (0, 1))
    share = outcome.mean(axis=0)
    # what the fit does not explain, over what counting leaves: least of all at the two ends, where P is 0 and 1
    spread = float(np.sqrt(np.mean([standard_error(float(p), seeds) ** 2 for p in share])))
    good, bad = (
        float(np.sqrt(np.mean((share - np.clip(law(barrier, mu, T), -9.0, 9.0)) ** 2))) for law in (corrected, printed)
    )
    findings = [
        at_most("rms of P - fit", good, 0.0, 2.0 * spread),
        refutes("rms of P - the printed function of the same mu and T", bad - 2.0 * spread, 0.1 * spread),
    ]
    if corrected is _fermi:
        findings.append(on_circuits(bench, 0.225, lambda low, rng: rng.random(20))[0])
    numbers: dict[str, float | str] = {}
    if not bench.quick:
        findings += [within("mu", mu, mu_error, 0.036, 0.003), within("T", T, T_error, 0.0048, 0.0015)]
        for at in (HORIZON, 0.8 * SETTLED, SETTLED):
            early = _fermi_fit(barrier, (times <= at).astype(float))
            numbers[f"mu, T within {at:g}/alpha"] = f"{early[0]:.4f}, {early[1]:.4f}"
    grid = np.linspace(0.0, 0.06, 121)
    picture = Panel(
        title=f"Tunnelling against the barrier, N = {N}",
        x="ΔE = V(x_+) - V(x_-)",
        y="P",
        series=(
            Series(x=barrier, y=share, label=f"ensemble, {seeds} seeds", style="points",
                   error=[2.0 * standard_error(float(x), seeds) for x in share]),
            Series(x=grid, y=_fermi(grid, mu, T), label=f"fit: μ = {mu:.4f}, T = {T:.4f}"),
            Series(x=grid, y=_fermi(grid, 0.036, 0.0048), label="μ = 0.036, T = 0.0048", style="dashed"),
        ),
        x_range=(0.0, 0.06),
        y_range=(-0.04, 1.12)
    )  # fmt: skip
    rows = tuple(
        (f"s = {s:g}, ΔE = {b:.4f}", float(x), 2.0 * standard_error(float(x), seeds))
        for s, b, x in zip(sources, barrier, share, strict=True)
    )
    note = (
        "The paper does not say how long it waits. mu and T grow with the time allowed and then stay; see the numbers."
    )
    return Evidence(findings=tuple(findings), rows=rows, numbers=numbers, panels=(picture,), note=note)


def _fermi_fit(barrier: Array, outcome: Array) -> tuple[float, float]:
    """(mu, T) of the most likely Fermi function; outcome (trials, barriers) is 1 where a trial tunnelled."""
    from scipy.optimize import minimize

    hits, trials = outcome.sum(axis=0), outcome.shape[0]

    def loss(p: Array) -> float:
        z = (barrier - p[0]) / np.exp(p[1])
        return float((hits * np.logaddexp(0.0, z) + (trials - hits) * np.logaddexp(0.0, -z)).sum())

    best = minimize(loss, [0.036, np.log(0.005)], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    return float(best.x[0]), float(np.exp(best.x[1]))


def _escapes(N: int, sources: tuple[float, ...], seeds: int, stop: float) -> list[list[float]]:
    """When a member from a uniform random start passes to the side of x = 1 for good, or inf; (seeds, sources)."""
    out = []
    for seed in range(seeds):
        line = []
        for s in sources:
            flow, x0, _ = member(N, s, seed)
            line.append(flow.crossing(x0, stop, 0.5 * (1.0 + tunneling_fixed_points(s, CHI)[0])))
        out.append(line)
    return out


def _edge_of_escape(N: int, s: float, seed: int) -> float:
    """The equal initial state x~ above which all states go to 1, by bisection."""
    flow, _, _ = member(N, s, seed)
    low, high = 0.4, 1.0
    middle_of_ends = 0.5 * (1.0 + tunneling_fixed_points(s, CHI)[0])
    for _ in range(10):
        middle = 0.5 * (low + high)
        if flow.end(np.full(N, middle), 40.0).mean() > middle_of_ends:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@claim(
    "p2.fig9",
    "Figure 9: threshold of equal initial states",
    printed="states that start equal escape above x~ = 0.5135 (Fig. 9)",
    exact="not reproduced: the threshold is 0.80, near x_+ of the potential",
    status=Status.WRONG,
    circuits="N = 200 by theory, s = 0.225, equal starts, bisection, 8 seeds; one memristor at 0.78 and 0.82 in ngspice",
    cost=40.0,
)
def threshold(bench: Bench, corrected: float = 0.80, printed: float = 0.5135) -> Evidence:
    s, seeds = 0.225, 3 if bench.quick else 8
    edges = bench.keep("edges", lambda: [_edge_of_escape(200, s, seed) for seed in range(seeds)])
    mean, error = mean_and_error(edges)
    high = tunneling_fixed_points(s, CHI)[1]
    ends = []
    for start in (0.78, 0.82):
        case = circuit("", [(0, 0)], device=tunneling(window=Hard()), drive=s, initial_state=start, stop=40.0)
        ends.append(float(bench.run(case.network, 40.0, 0.02).state[-1, 0]))
    findings = (
        refutes("|threshold - printed|", abs(mean - printed), error + 0.005),
        equals("threshold of equal starts", mean, error, corrected, target_uncertainty=0.005),
        at_most("end from 0.78, one memristor in ngspice", ends[0], 1e-9, 0.5),
        at_least("end from 0.82", ends[1], 1e-9, 0.999),
    )
    panels: tuple[Panel, ...] = ()
    if not bench.quick:
        starts = np.concatenate([np.arange(0.4, 0.76, 0.05), np.arange(0.76, 0.85, 0.01), [0.9, 0.95, 1.0]])
        reached = [x for seed in range(3) for x in _ends_of_equal_starts(200, s, seed, starts)]
        series = [Series(x=3 * starts, y=reached, label="ensemble, 3 seeds", style="points")]
        series.append(Series(x=[0.78, 0.82], y=ends, label="one memristor, ngspice", style="cross"))
        series += [
            Series(x=[x, x], y=[0.0, 1.05], label=name, style="dashed")
            for x, name in ((0.5135, "0.5135, printed"), (mean, f"{mean:.3f}"))
        ]
        panels = (
            Panel(title=f"Equal starts, N = 200, s = {s:g}", x="x̃, start of all states", y="⟨x⟩ at the end", series=tuple(series),
                  x_range=(0.38, 1.02), y_range=(0.0, 1.05)),
        )  # fmt: skip
    numbers: dict[str, float | str] = {"x_+": high}
    rows = tuple((f"seed {k}", float(x), 0.6 / 2**11) for k, x in enumerate(edges))
    return Evidence(findings=findings, rows=rows, numbers=numbers, panels=panels)


def _ends_of_equal_starts(N: int, s: float, seed: int, starts: Array) -> list[float]:
    """Mean state at the end for every start common to all states."""
    flow, _, _ = member(N, s, seed)
    return [float(flow.end(np.full(N, x), 40.0).mean()) for x in starts]
