"""Paper 1, Eqs. 12-20: what the bulk dynamics conserves, and how many memories are free.

current control   B J w(t) = e^{alpha t} B J w(0)
voltage control   A w(t) = e^{alpha t} A w(0) - (1/beta) int e^{alpha (t-u)} A S(u) du
                  B ln(1 + xi w) = const for alpha = 0
Gamma = L/M = dimension of the reachable set over the number of memories
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.analysis.affine import affine
from spicebridge.analysis.memory import chord_to_tree, conserved
from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import ClaimFinding, Row
from spicebridge.atlas.circuits import (
    GRAPHS,
    K4,
    TRIANGLE,
    Edges,
    NamedCircuit,
    Standard,
    caravelli,
    circuit,
    complete,
    grid,
    matrices,
)
from spicebridge.atlas.claim import Claim
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, refuted, thinned, vanishing
from spicebridge.atlas.runs import Bench, PerNetwork
from spicebridge.laws import LinearMemristor
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results import conservation
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.waveforms import Waveforms

SHARP = 1e-6
"""Relative uncertainty that a conservation residual must not exceed."""
CURRENT = ("memory", "graph", "current", "one alpha", "tree")
VOLTAGE = ("memory", "graph", "voltage", "one alpha", "loop", "source")
GROWING = Standard(mixed=True, polarity=True, device=caravelli(alpha=0.3), stop=1.0)
BY_VOLTAGE = caravelli(control="voltage")


def _kept(network: Network, waves: Waveforms) -> Array:
    """The charges of ``analysis/memory`` against e^{a t} of their start, over the largest term."""
    law = conserved(network)
    assert law is not None
    values = law.value(waves.state)
    grown = np.exp(law.rate * waves.t)[:, None] * values[0]
    size = np.abs(law.weights).max() * np.abs(waves.state).max()
    return np.asarray((values - grown) / size)


@Claim(
    "p1.eq12",
    "Conserved node sums (Eqs. 12-13)",
    printed="B w(t) = B w(0) (Eqs. 12-13)",
    exact="exact for alpha = 0 and J = I, at every xi",
    on=Standard(mixed=True),
    mutant="one edge of B reversed",
    changed={"turned": -1.0},
    needs=(*CURRENT, "no alpha", "forward", "one beta", "source", "loop"),
)
def node_sums(bench: Bench, turned: float = 1.0) -> ClaimEvidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        moved = waves.state - waves.state[0]
        most = np.abs(moved).max(axis=0).argmax() == np.arange(network.n_edges)
        return np.asarray((moved * np.where(most, turned, 1.0)) @ matrices(network)[1].T)

    pairs = bench.pairs(bulk=True)
    shown = pairs[0]
    w, t = shown.fine.state, shown.fine.t
    sums = w @ matrices(shown.network)[1].T
    pictures = [
        Panel(title="States", x="t (s)", y="w", series=thinned(t, w, [""] * min(6, w.shape[1]))),
        Panel(title="Node sums B w", x="t (s)", y="B w", series=thinned(t, sums, [""] * min(4, sums.shape[1]))),
    ]
    numbers = {"largest change of a state": max(float(np.abs(p.fine.state - p.fine.state[0]).max()) for p in pairs)}
    rows = [pair.residual(gap) for pair in pairs]
    return vanishing("|B (w(t) - w(0))|", rows, resolution=SHARP, numbers=numbers, panels=pictures)


@Claim(
    "p1.eq14",
    "Node sums with polarity, alpha and sources",
    printed="B w(t) = B w(0) for alpha = 0, J = I (Eqs. 12-14)",
    exact="B J w(t) = e^{alpha t} B J w(0) for any P, S(t), xi under current control",
    on=GROWING,
    mutant="the polarity of the fastest memory turned in the sum",
    changed={"turned": -1.0},
    needs=(*CURRENT, "source", "loop"),
)
def node_sums_general(bench: Bench, turned: float = 1.0) -> ClaimEvidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        most = np.abs(waves.state - waves.state[0]).max(axis=0).argmax() == np.arange(network.n_edges)
        return _kept(network.with_polarity(network.J * np.where(most, turned, 1.0)), waves)

    return vanishing("|B J (w - e^{alpha t} w0)| / max |w|", bench.rows(gap, bulk=True), resolution=SHARP)


def _tree(network: Network, waves: Waveforms) -> Array:
    law = chord_to_tree(network)
    grown = np.exp(law.rate * waves.t)[:, None]
    return np.asarray(
        grown * waves.state[0, law.tree] + (waves.state - grown * waves.state[0])[:, law.chords] @ law.matrix.T
    )


def _tree_printed(network: Network, waves: Waveforms) -> Array:
    law = chord_to_tree(network)
    return np.asarray(waves.state[:, law.chords] @ law.matrix.T)


@Claim(
    "p1.eq15",
    "Tree memories from chord memories",
    printed="w_T(t) = -B_T^-1 B_C w_C(t) (Eq. 15)",
    exact="w_T(t) = w_T(0) - B_T^-1 B_C (w_C(t) - w_C(0)), with e^{alpha t} on the initial terms",
    on=GROWING,
    needs=CURRENT,
)
def tree_split(bench: Bench, corrected: PerNetwork = _tree, printed: PerNetwork = _tree_printed) -> ClaimEvidence:
    def apart(law: PerNetwork) -> list[Row]:
        return bench.rows(
            lambda network, waves: waves.state[:, chord_to_tree(network).tree] - law(network, waves), bulk=True
        )

    return refuted("|w_T - corrected|", apart(corrected), "|w_T - printed|", apart(printed), resolution=SHARP)


def _loops_printed(network: Network, waves: Waveforms) -> Array:
    law = affine(network)
    flux = waves.state * (network.J / law.g)
    grown = np.exp(law.a[0] * waves.t)[:, None] * flux[0]
    return np.asarray((flux - grown) @ matrices(network)[0].T / np.abs(flux).max())


@Claim(
    "p1.eq16",
    "Loop sums under voltage control",
    printed="A w(t) = A w(0) (Eq. 16)",
    exact="A w(t) = e^{alpha t} A w(0) - (1/beta) int_0^t e^{alpha (t-u)} A S(u) du: the drops obey A v = A S",
    on=Standard(device=caravelli(alpha=0.3, control="voltage"), stop=1.0, amplitude=0.1),
    circuits="e^{alpha t} is granted to the printed statement",
    needs=VOLTAGE,
)
def loop_sums(
    bench: Bench, corrected: PerNetwork = conservation.loop_balance, printed: PerNetwork = _loops_printed
) -> ClaimEvidence:
    exact, other = bench.rows(corrected, bulk=True), bench.rows(printed, bulk=True)
    what = "|A w - corrected| / largest term"
    return refuted(what, exact, "|A w - e^{alpha t} A w0| / largest term", other, resolution=SHARP)


def _chords(network: Network, waves: Waveforms) -> Array:
    topology = Topology.of(network)
    tree, chords, A = topology.forest.tree, topology.forest.chords, topology.A.toarray()
    flux = waves.state * (network.J / affine(network).g)
    change, given = flux - flux[0], network.bank.integral(waves.t) @ A.T
    return np.asarray((change[:, chords] + change[:, tree] @ A[:, tree].T - given) / np.abs(flux).max())


def _pseudo(network: Network, waves: Waveforms) -> Array:
    topology = Topology.of(network)
    tree, chords = topology.forest.tree, topology.forest.chords
    flux = waves.state * (network.J / affine(network).g)
    change, inverse = flux - flux[0], np.linalg.pinv(topology.A.toarray()[:, tree])
    return np.asarray((change[:, tree] + change[:, chords] @ inverse.T) / np.abs(flux).max())


@Claim(
    "p1.eq17",
    "Tree and chord split under voltage control (Eqs. 17-19)",
    printed="w_T = -A_T^-1 A_C w_C up to a constant (Eqs. 17-19)",
    exact="A_T is not square; w_C = w_C(0) - A_T (w_T - w_T(0)) - (1/beta) int A S dt, with A_C = I",
    on=Standard(names=[name for name in GRAPHS if name != "K4"], device=BY_VOLTAGE, stop=1.0, amplitude=0.15),
    circuits="A_T^-1 read as the pseudoinverse",
    needs=(*VOLTAGE, "no alpha", "tree"),
)
def chord_split(bench: Bench, corrected: PerNetwork = _chords, printed: PerNetwork = _pseudo) -> ClaimEvidence:
    exact, other = (bench.rows(law, bulk=True, steps=800) for law in (corrected, printed))
    against = "|w_T + A_T^+ A_C w_C - const| / max w"
    return refuted("|w_C - corrected| / max w", exact, against, other, resolution=SHARP)


@Claim(
    "new.log",
    "A conserved logarithm under voltage control",
    exact="B ln(1 + xi w) = const for voltage control, alpha = 0, any sources",
    on=Standard(mixed=True, device=BY_VOLTAGE, stop=1.0),
    mutant="B w in the place of B ln(1 + xi w)",
    changed={"law": lambda network, waves: (waves.state - waves.state[0]) @ matrices(network)[1].T},
    needs=(*VOLTAGE, "no alpha", "tree"),
)
def logarithm(bench: Bench, law: PerNetwork = conservation.log_balance) -> ClaimEvidence:
    return vanishing("|B ln(1 + xi w) - start| / largest term", bench.rows(law, bulk=True), resolution=SHARP)


_REACHED: dict[str, Edges] = {"triangle": TRIANGLE, "K4": K4, "K5": complete(5), "grid 4x4": grid(4, 4)}


def _reached(
    bench: Bench,
    names: Iterable[str],
    *,
    device: LinearMemristor | None = None,
    states: Callable[[int], ArrayLike] = lambda n: 0.5,
) -> list[NamedCircuit]:
    """The user's network, or complete graphs and a grid from equal or given states, over 1 s."""
    named = ((name, _REACHED[name]) for name in names)
    return bench.cases(
        circuit(name, edges, device=device, initial_state=states(len(edges)), stop=1.0) for name, edges in named
    )


def _spread(
    bench: Bench, case: NamedCircuit, of: Callable[[Array], Array] = np.asarray, *, times: tuple[float, ...] = (1.0,)
) -> tuple[Array, float]:
    """Singular values, relative to the largest, of of(w) - of(w0) over many random source vectors, and U."""
    n = case.network.n_edges
    own = float(np.abs(case.network.bank(np.linspace(0.0, case.stop, 33))).max()) if bench.network is not None else 0.35
    S = bench.rng(7).uniform(-own, own, (n + 3, n))
    at = np.array(times) * case.stop

    def moved(steps: int) -> Array:
        runs = (bench.run(case.network.with_drive(level), case.stop, case.stop / steps) for level in S)
        return np.array([of(w) - of(run.state[0]) for run in runs for w in run.resample(at).state])

    coarse, fine = (np.linalg.svd(moved(steps), compute_uv=False) for steps in (100, 200))
    noise = SOLVER_FLOOR * np.sqrt(len(S) * len(times))
    return fine / fine[0], float((np.abs(coarse - fine).max() + noise) / fine[0])


def _rank(name: str, values: Array, U: float) -> Row:
    """How many singular values stand out of U."""
    return name, float((values > 10 * U).sum()), 0.0


def _dimension(name: str, values: Array, U: float, expected: int, resolution: float) -> list[ClaimFinding]:
    """Exactly `expected` singular values stand out of U."""
    found = [
        bars.at_least(f"{name}: singular value {expected} of {values.size}", float(values[expected - 1]), U, 10 * U)
    ]
    if expected < values.size:
        what = f"{name}: singular value {expected + 1}"
        found.append(bars.vanishes(what, float(values[expected]), U, resolution=resolution))
    return found


@Claim(
    "p1.eq20",
    "Effective memory: dimension of the reachable set",
    printed="Gamma = L/M (Eq. 20)",
    exact="Gamma = L/M is the dimension of the reachable set over M for current control: triangle 1/3, K4 1/2, "
    "K5 3/5, 4x4 grid 3/8",
    circuits="triangle, K4, K5, 4x4 grid; M + 3 random DC source vectors each (seed [0, 7]), one span of 1 s",
    mutant="one loop more expected",
    changed={"more": 1},
    needs=(*CURRENT, "no alpha", "source", "loop"),
)
def reachable(bench: Bench, more: int = 0) -> ClaimEvidence:
    findings, rows, series = [], [], []
    for case in _reached(bench, tuple(_REACHED)[: 2 if bench.quick else 4]):
        L, M = Topology.of(case.network).n_loops + more, case.network.n_edges
        values, U = bench.keep(case.name, partial(_spread, bench, case))
        rows.append(_rank(case.name, values, U))
        findings += _dimension(case.name, values, U, L, 1e-5)
        findings.append(bars.equals(f"{case.name}: measured dimension / M", rows[-1][1] / M, 0.0, L / M))
        places = list(range(1, values.size + 1))
        series.append(Series(x=places, y=np.maximum(values, 1e-17), label=case.name, style="points"))
    picture = Panel(title="Singular values of the responses", x="number", y="relative size", series=series, log_y=True)
    return ClaimEvidence(findings=findings, rows=rows, panels=[picture])


@Claim(
    "p1.eq20.voltage",
    "The reachable set under voltage control is curved",
    printed="Gamma = L/M for voltage control too (Eq. 20)",
    exact="for alpha = 0 the set has dimension L, but it is curved: ln(1 + xi w) spans L dimensions, w more",
    circuits="K4, K5: voltage control, M + 3 random DC source vectors (seed [0, 7])",
    mutant="w in the place of ln(1 + xi w)",
    changed={"bent": False},
    needs=(*VOLTAGE, "no alpha", "one law", "passive"),
)
def reachable_voltage(bench: Bench, bent: bool = True) -> ClaimEvidence:
    findings: list[ClaimFinding] = []
    rows = []
    for case in _reached(bench, ("K4",) if bench.quick else ("K4", "K5"), device=BY_VOLTAGE):
        L, xi = Topology.of(case.network).n_loops, float(affine(case.network).kappa[0])

        def bend(w: Array, xi: float = xi) -> Array:
            return np.asarray(np.log1p(xi * w))

        flat, U_flat = bench.keep(f"{case.name} flat", partial(_spread, bench, case))
        log = bench.keep(f"{case.name} log", partial(_spread, bench, case, bend))
        findings += _dimension(f"{case.name}, ln(1 + xi w)", *(log if bent else (flat, U_flat)), L, 1e-4)
        findings.append(bars.at_least(f"{case.name}, w: singular value {L + 1}", float(flat[L]), U_flat, 10 * U_flat))
        rows += [_rank(f"{case.name}, ln(1 + xi w)", *log), _rank(f"{case.name}, w", flat, U_flat)]
    return ClaimEvidence(findings=findings, rows=rows)


@Claim(
    "p1.eq20.alpha",
    "More memories are reachable with alpha",
    printed="Gamma = L/M (Eq. 20), from Eqs. 9-10, which have no alpha",
    exact="an extension: for alpha != 0 the constraint itself moves, B w = e^{alpha t} B w0: over all times L + 1 "
    "dimensions",
    circuits="triangle, K4, K5 from unequal states, alpha = 0.4/s, at 0.5 and 1 s (seed [0, 7])",
    mutant="alpha = 0",
    changed={"alpha": 0.0},
    needs=(*CURRENT, "alpha", "source", "loop"),
)
def reachable_alpha(bench: Bench, alpha: float = 0.4) -> ClaimEvidence:
    findings: list[ClaimFinding] = []
    rows = []
    names = ("triangle", "K4") if bench.quick else ("triangle", "K4", "K5")

    def states(n: int) -> Array:
        return np.random.default_rng(3).uniform(0.35, 0.6, n)

    for case in _reached(bench, names, device=caravelli(alpha=alpha), states=states):
        values, U = _spread(bench, case, times=(0.5, 1.0))
        findings += _dimension(case.name, values, U, Topology.of(case.network).n_loops + 1, 1e-4)
        rows.append(_rank(case.name, values, U))
    return ClaimEvidence(findings=findings, rows=rows)
