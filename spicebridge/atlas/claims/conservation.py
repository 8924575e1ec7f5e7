"""Paper 1, Eqs. 12-20: what the bulk dynamics conserves, and how many memories are free.

current control   B J w(t) = e^{alpha t} B J w(0)
voltage control   A w(t) = e^{alpha t} A w(0) - (1/beta) int e^{alpha (t-u)} A S(u) du
                  B ln(1 + xi w) = const for alpha = 0
Gamma = L/M = dimension of the reachable set over the number of memories
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import (
    K4,
    TRIANGLE,
    XI,
    Edges,
    caravelli,
    circuit,
    complete,
    grid,
    laws,
    linear_memristors,
    makers,
    matrices,
)
from spicebridge.atlas.claim import (
    Evidence,
    Finding,
    Panel,
    Series,
    Status,
    at_least,
    claim,
    equals,
    refutes,
    vanishes,
)
from spicebridge.atlas.runs import Bench, Circuit, least, residuals, side_by_side, vanishing, worst
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results import conservation
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.waveforms import Waveforms

SHARP = 1e-6
"""Relative uncertainty that a conservation residual must not exceed."""


def _current(network: Network) -> str | None:
    reason = linear_memristors(network, "current")
    if reason:
        return reason
    if not network.is_graph:
        return "it needs a graph: B is its incidence matrix"
    return None if np.ptp(laws(network)[2]) == 0.0 else "it needs one alpha for all edges"


def _voltage(network: Network) -> str | None:
    reason = linear_memristors(network, "voltage")
    if reason:
        return reason
    if not network.is_graph:
        return "it needs a graph"
    return None if np.ptp(laws(network)[2]) == 0.0 else "it needs one alpha for all edges"


def _weighted(network: Network, J: Array) -> Array:
    """J w/(g r0), the charge of a memory in C up to sign and a common constant."""
    r0, _, _, g = laws(network)
    return np.asarray(J / (g * r0) * np.abs(g * r0).max())


@claim(
    "p1.eq12",
    title="Conserved node sums (Eqs. 12-13)",
    printed="B w(t) = B w(0)",
    exact="exact for alpha = 0 and J = I, at every xi",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5); mixed P, AC (seed 11)",
    mutant="one edge of B reversed",
)
def node_sums(bench: Bench) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        B = matrices(network)[1].copy()
        if bench.mutant:
            B[:, 0] *= -1.0
        return np.asarray((waves.state - waves.state[0]) @ B.T)

    pairs = [bench.pair(c, bulk=True) for c in bench.circuits(makers(mixed=True))]
    moved = max(float(np.abs(p.fine.state - p.fine.state[0]).max()) for p in pairs)
    rows = residuals(bench, pairs, gap)
    shown = pairs[0]
    B = matrices(shown.network)[1]
    sums = shown.fine.state @ B.T
    few = slice(None, None, 10)
    t = shown.fine.t[few].tolist()
    picture = (
        Panel("States", "t (s)", "w", tuple(Series(t, shown.fine.state[few, k].tolist()) for k in range(6))),
        Panel("Node sums B w", "t (s)", "B w", tuple(Series(t, sums[few, k].tolist()) for k in range(4))),
    )
    numbers = {"largest change of a state": moved}
    return vanishing("|B (w(t) - w(0))|", rows, resolution=SHARP, numbers=numbers, panels=picture)


@claim(
    "p1.eq14",
    title="Node sums with polarity, alpha and sources",
    printed="B w is conserved (Eqs. 12-14 for alpha = 0, J = I)",
    exact="B J w(t) = e^{alpha t} B J w(0) for any P, S(t), xi under current control",
    status=Status.EXACT,
    circuits="the graphs of p1.eq12, alpha = 0.3/s, random J, mixed P, AC (seed 11)",
    mutant="polarity left out of the sum",
    applies=_current,
)
def node_sums_general(bench: Bench) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        J = -network.J if bench.mutant and (network.J > 0).all() else network.J
        weight = _weighted(network, np.abs(J) if bench.mutant else J)
        if bench.mutant and (network.J > 0).all():
            weight = weight * np.where(np.arange(J.size) == 0, -1.0, 1.0)
        a = float(laws(network)[2][0])
        charge = waves.state * weight
        grown = np.exp(a * waves.t)[:, None] * charge[0]
        return np.asarray((charge - grown) @ matrices(network)[1].T / np.abs(charge).max())

    device = caravelli(alpha=0.3)
    cases = bench.circuits(makers(mixed=True, polarity=True, device=device, stop=1.0))
    rows = residuals(bench, [bench.pair(c, bulk=True) for c in cases], gap)
    return vanishing("|B J (w - e^{alpha t} w0)| / max |w|", rows, resolution=SHARP)


@claim(
    "p1.eq15",
    title="Tree memories from chord memories",
    printed="w_T(t) = - B_T^-1 B_C w_C(t)",
    exact="w_T(t) = w_T(0) - B_T^-1 B_C (w_C(t) - w_C(0)), with e^{alpha t} on the initial terms",
    status=Status.WRONG,
    circuits="the graphs of p1.eq12, alpha = 0.3/s, mixed P, random J, AC (seed 11)",
    mutant="the initial terms left out, as printed",
    applies=_current,
)
def tree_split(bench: Bench) -> Evidence:
    def exact(network: Network, waves: Waveforms) -> Array:
        tree = Topology.of(network).forest.tree
        known = conservation.tree_states(network, waves)
        return np.asarray(waves.state[:, tree] - known)

    def printed(network: Network, waves: Waveforms) -> Array:
        topology = Topology.of(network)
        tree, chords = topology.forest.tree, topology.forest.chords
        weight = _weighted(network, network.J)
        charge = waves.state[:, chords] * weight[chords]
        return np.asarray(waves.state[:, tree] - charge @ topology.A.toarray()[:, tree] / weight[tree])

    device = caravelli(alpha=0.3)
    cases = bench.circuits(makers(mixed=True, polarity=True, device=device, stop=1.0))
    pairs = [bench.pair(c, bulk=True) for c in cases]
    good = residuals(bench, pairs, printed if bench.mutant else exact)
    bad = residuals(bench, pairs, printed)
    findings = (worst("|w_T - corrected|", good, resolution=SHARP), least("|w_T - printed|", bad))
    return Evidence(findings, rows=side_by_side(good, bad))


@claim(
    "p1.eq16",
    title="Loop sums under voltage control",
    printed="A w(t) = e^{alpha t} A w(0)",
    exact="A w(t) = e^{alpha t} A w(0) - (1/beta) int_0^t e^{alpha (t-u)} A S(u) du: the drops obey A v = A S",
    status=Status.WRONG,
    circuits="the graphs of p1.eq12, voltage control, alpha = 0.3/s, AC (seed 11)",
    mutant="the sources left out, as printed",
    applies=_voltage,
)
def loop_sums(bench: Bench) -> Evidence:
    def printed(network: Network, waves: Waveforms) -> Array:
        _, _, a, g = laws(network)
        flux = waves.state * (network.J / g)
        grown = np.exp(a[0] * waves.t)[:, None] * flux[0]
        return np.asarray((flux - grown) @ matrices(network)[0].T / np.abs(flux).max())

    device = caravelli(alpha=0.3, control="voltage")
    cases = bench.circuits(makers(device=device, stop=1.0, amplitude=0.1))
    pairs = [bench.pair(c, bulk=True) for c in cases]
    law = printed if bench.mutant else conservation.loop_balance
    good, bad = residuals(bench, pairs, law), residuals(bench, pairs, printed)
    findings = (
        worst("|A w - corrected| / largest term", good, resolution=SHARP),
        least("|A w - e^{alpha t} A w0| / largest term", bad),
    )
    return Evidence(findings, rows=side_by_side(good, bad))


@claim(
    "p1.eq17",
    title="Tree and chord split under voltage control (Eqs. 17-19)",
    printed="w_T = - A_T^-1 A_C w_C up to a constant",
    exact="A_T is not square; w_C = w_C(0) - A_T (w_T - w_T(0)) - (1/beta) int A S dt, with A_C = I",
    status=Status.WRONG,
    circuits="parallel edges with a bridge, 3x3 grid, random graph (seed 5): voltage control, AC (seed 11)",
    mutant="A_T of the wrong sign",
    applies=_voltage,
)
def chord_split(bench: Bench) -> Evidence:
    def split(network: Network, waves: Waveforms, pseudo: bool) -> Array:
        topology = Topology.of(network)
        tree, chords = topology.forest.tree, topology.forest.chords
        A = topology.A.toarray()
        _, _, _, g = laws(network)
        w = waves.state * (network.J / g)
        change = w - w[0]
        if pseudo:
            return np.asarray((change[:, tree] + change[:, chords] @ np.linalg.pinv(A[:, tree]).T) / np.abs(w).max())
        given = (network.bank.integral(waves.t)) @ A.T
        sign = -1.0 if bench.mutant else 1.0
        return np.asarray((change[:, chords] + sign * change[:, tree] @ A[:, tree].T - given) / np.abs(w).max())

    device = caravelli(control="voltage")
    cases = bench.circuits(makers(list(_NOT_K4), device=device, stop=1.0, amplitude=0.15))
    pairs = [bench.pair(c, bulk=True, steps=800) for c in cases]
    good = residuals(bench, pairs, partial(split, pseudo=False))
    bad = residuals(bench, pairs, partial(split, pseudo=True))
    rank = [Topology.of(p.network) for p in pairs]
    oblong = min(abs(t.n_loops - t.forest.tree.size) for t in rank)
    findings = (
        worst("|w_C - corrected| / max w", good, resolution=SHARP),
        least("|w_T + A_T^+ A_C w_C - const| / max w", bad),
    )
    numbers = {"least | rows - columns | of A_T": float(oblong)}
    return Evidence(findings, rows=side_by_side(good, bad), numbers=numbers)


_NOT_K4 = ("parallel edges, a bridge, two components", "grid 3x3", "random 8 nodes 14 edges (seed 5)")


@claim(
    "new.log",
    title="A conserved logarithm under voltage control",
    printed="(not in the papers)",
    exact="B ln(1 + xi w) = const for voltage control, alpha = 0, any sources",
    status=Status.EXACT,
    circuits="the graphs of p1.eq12, voltage control, mixed P, AC (seed 11)",
    mutant="B w in the place of B ln(1 + xi w)",
    applies=lambda network: _voltage(network) or (None if not laws(network)[2].any() else "it needs alpha = 0"),
)
def logarithm(bench: Bench) -> Evidence:
    def linear(network: Network, waves: Waveforms) -> Array:
        return np.asarray((waves.state - waves.state[0]) @ matrices(network)[1].T)

    cases = bench.circuits(makers(mixed=True, device=caravelli(control="voltage"), stop=1.0))
    pairs = [bench.pair(c, bulk=True) for c in cases]
    rows = residuals(bench, pairs, linear if bench.mutant else conservation.log_balance)
    return vanishing("|B ln(1 + xi w) - start| / largest term", rows, resolution=SHARP)


_REACHED: tuple[tuple[str, Edges], ...] = (
    ("triangle", TRIANGLE),
    ("K4", K4),
    ("K5", complete(5)),
    ("grid 4x4", grid(4, 4)),
)


def _itself(w: Array) -> Array:
    return w


def _spread(
    bench: Bench, case: Circuit, of: Callable[[Array], Array], *, times: tuple[float, ...] = (1.0,)
) -> tuple[Array, float]:
    """Singular values, relative to the largest, of of(w) - of(w0) over many random source vectors, and U."""
    n = case.network.n_edges
    rng = bench.rng(7)
    S = rng.uniform(-0.35, 0.35, (n + 3, n))
    values = []
    for steps in (100, 200):
        rows = []
        for level in S:
            waves = bench.run(case.network.with_drive(level), case.stop, case.stop / steps)
            at = waves.resample(np.array(times) * case.stop).state
            rows += [of(w) - of(waves.state[0]) for w in at]
        values.append(np.linalg.svd(np.array(rows), compute_uv=False))
    change = np.abs(values[0] - values[1]).max()
    noise = SOLVER_FLOOR * np.sqrt(len(rows))
    return values[1] / values[1][0], float((change + noise) / values[1][0])


def _dimension(name: str, values: Array, U: float, expected: int, resolution: float) -> list[Finding]:
    """Exactly `expected` singular values stand out of U."""
    found = [at_least(f"{name}: singular value {expected} of {values.size}", float(values[expected - 1]), U, 10 * U)]
    if expected < values.size:
        found.append(
            vanishes(f"{name}: singular value {expected + 1}", float(values[expected]), U, resolution=resolution)
        )
    return found


@claim(
    "p1.eq20",
    title="Effective memory: dimension of the reachable set",
    printed="Gamma = L/M, the fraction of free memories",
    exact="Gamma = L/M is the dimension of the reachable set over M for current control: triangle 1/3, K4 1/2, "
    "K5 3/5, 4x4 grid 3/8",
    status=Status.EXACT,
    circuits="triangle, K4, K5, 4x4 grid; M + 3 random DC source vectors each (seed [0, 7]), one span of 1 s",
    mutant="one loop less expected",
)
def reachable(bench: Bench) -> Evidence:
    findings, rows, series = [], [], []
    expected = {"triangle": 1 / 3, "K4": 1 / 2, "K5": 3 / 5, "grid 4x4": 3 / 8}
    for name, edges in _REACHED[: 2 if bench.quick else 4]:
        case = circuit(name, edges, initial_state=0.5, stop=1.0)
        values, U = bench.keep(name, partial(_spread, bench, case, _itself))
        L = Topology.of(case.network).n_loops - (1 if bench.mutant else 0)
        if L:
            findings += _dimension(name, values, U, L, 1e-5)
        rank = int((values > 10 * U).sum())
        gamma = (L if bench.mutant else rank) / len(edges)
        findings.append(equals(f"{name}: measured dimension / M", gamma, 0.0, expected[name]))
        rows.append((name, float(rank), 0.0))
        series.append(Series(list(range(1, values.size + 1)), np.maximum(values, 1e-17).tolist(), name, "points"))
    picture = Panel("Singular values of the responses", "number", "relative size", tuple(series), log_y=True)
    return Evidence(tuple(findings), rows=tuple(rows), panels=(picture,))


@claim(
    "p1.eq20.voltage",
    title="The reachable set under voltage control is curved",
    printed="Gamma = L/M for voltage control too",
    exact="for alpha = 0 the set has dimension L, but it is curved: ln(1 + xi w) spans L dimensions, w more",
    status=Status.EXACT,
    circuits="K4, K5: voltage control, M + 3 random DC source vectors (seed [0, 7])",
    mutant="w in the place of ln(1 + xi w)",
)
def reachable_voltage(bench: Bench) -> Evidence:
    findings: list[Finding] = []
    rows = []

    def bent(w: Array) -> Array:
        return np.asarray(np.log1p(XI * w))

    for name, edges in _REACHED[1 : 2 if bench.quick else 3]:
        case = circuit(name, edges, device=caravelli(control="voltage"), initial_state=0.5, stop=1.0)
        L = Topology.of(case.network).n_loops
        flat, U_flat = bench.keep(f"{name} flat", partial(_spread, bench, case, _itself))
        values, U = bench.keep(f"{name} log", partial(_spread, bench, case, bent))
        findings += _dimension(f"{name}, ln(1 + xi w)", *((flat, U_flat) if bench.mutant else (values, U)), L, 1e-4)
        above = float(flat[L])
        findings.append(at_least(f"{name}, w: singular value {L + 1}", above, U_flat, 10 * U_flat))
        rows += [(f"{name}, ln(1 + xi w)", float((values > 10 * U).sum()), 0.0)]
        rows += [(f"{name}, w", float((flat > 10 * U_flat).sum()), 0.0)]
    return Evidence(tuple(findings), rows=tuple(rows))


@claim(
    "p1.eq20.alpha",
    title="More memories are reachable with alpha",
    printed="Gamma = L/M without condition on alpha",
    exact="for alpha != 0 the constraint itself moves, B w = e^{alpha t} B w0: over all times L + 1 dimensions",
    status=Status.WRONG,
    circuits="triangle, K4, K5 from unequal states, alpha = 0.4/s, at 0.5 and 1 s (seed [0, 7])",
    mutant="alpha = 0",
)
def reachable_alpha(bench: Bench) -> Evidence:
    findings: list[Finding] = []
    rows = []
    for name, edges in _REACHED[: 2 if bench.quick else 3]:
        device = caravelli(alpha=0.0 if bench.mutant else 0.4)
        states = np.random.default_rng(3).uniform(0.35, 0.6, len(edges))
        case = circuit(name, edges, device=device, initial_state=states, stop=1.0)
        L = Topology.of(case.network).n_loops
        values, U = _spread(bench, case, _itself, times=(0.5, 1.0))
        findings += _dimension(name, values, U, L + 1, 1e-4)
        findings.append(refutes(f"{name}: singular value {L + 1}, zero as printed", float(values[L]), U))
        rows.append((name, float((values > 10 * U).sum()), 0.0))
    return Evidence(tuple(findings), rows=tuple(rows))
