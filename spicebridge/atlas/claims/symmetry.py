"""Paper 1, section 3.1 and Eqs. 29-31: what can be changed without changing the physics.

spanning tree    Omega is one matrix, whatever tree its cycles come from
orientation      (A, S, J) -> (A D, D S, J D)
activity         (P, S) -> (-P, -S)
time             S'(t) = -S(T - t), alpha -> -alpha, from w(T)
gauge            S -> S + B^t p
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import GRAPHS, caravelli, circuit, linear_memristors, makers, matrices
from spicebridge.atlas.claim import Evidence, Row, Status, claim, refutes
from spicebridge.atlas.response import response
from spicebridge.atlas.runs import Bench, Circuit, Pair, least, side_by_side, vanishing, worst
from spicebridge.drives import DC, Drive, Sine, Sum
from spicebridge.laws.base import changed
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.verify.trial import SOLVER_FLOOR

SHARP = 1e-6


def _difference(name: str, first: Pair, second: Pair, sign: Any = 1.0) -> Row:
    """(name, max |w - w'| and |i - sign i'| relative, U) of two circuits that should do the same."""
    gaps = []
    for a, b in ((first.coarse, second.coarse), (first.fine, second.fine)):
        other = b.resample(a.t)
        top = float(np.abs(a.current).max())
        gaps.append((a.t, np.hstack([a.state - other.state, (a.current - sign * other.current) / top])))
    (t, coarse), (fine_t, fine) = gaps
    on_coarse = np.column_stack([np.interp(t, fine_t, column) for column in fine.T])
    return name, float(np.abs(fine).max()), float(np.abs(on_coarse - coarse).max()) + 2.0 * SOLVER_FLOOR


def _graph(network: Network) -> str | None:
    return None if network.is_graph else "it needs a graph, not a loop matrix"


@claim(
    "p1.sec3.1.tree",
    title="Omega and the spanning tree",
    printed="Omega depends on the spanning tree that defines the loops",
    exact="Omega does not depend on it at all: one projector for all spanning trees",
    status=Status.WRONG,
    circuits="K4 (16 trees), 3x3 grid and random graph (seed 5; 40 trees each, seed 17): Omega measured in ngspice",
    mutant="loops taken without orientation",
)
def spanning_tree(bench: Bench) -> Evidence:
    exact, findings = [], []
    for name in ("K4", "grid 3x3", "random 8 nodes 14 edges (seed 5)")[: 1 if bench.quick else 3]:
        network = circuit(name, GRAPHS[name][0], initial_state=0.0).network
        trees = _some_trees(network, 16 if name == "K4" else 40)
        measured = response(bench, network)
        worst_gap, worst_U, same = 0.0, 0.0, 0
        for tree in trees:
            A = _cycles(network, tree)
            if bench.mutant:
                A = np.abs(A)
            Omega = A.T @ np.linalg.solve(A @ A.T, A)
            value, U = measured.value(lambda T, Omega=Omega, q=measured.q: np.asarray(T * q - Omega))  # type: ignore[misc]
            gap = float(np.abs(value).max())
            same += gap <= U
            if gap / U >= worst_gap / max(worst_U, 1e-300):
                worst_gap, worst_U = gap, U
        exact.append((name, worst_gap, worst_U))
        findings.append(refutes(f"spanning trees beyond the first with the same Omega ({name})", same - 1.0, 0.0))
    return Evidence((worst("|Omega(tree) - Omega_measured|", exact, resolution=1e-8), *findings), rows=tuple(exact))


def _some_trees(network: Network, count: int) -> list[tuple[int, ...]]:
    """All spanning trees if they are few, else `count` random ones (seed 17)."""
    n, m = network.n_nodes, network.n_edges
    B = matrices(network)[1][1:]
    if m <= 7:
        chosen = combinations(range(m), n - 1)
        return [tree for tree in chosen if abs(np.linalg.det(B[:, tree])) > 0.5]
    rng = np.random.default_rng(17)
    out: list[tuple[int, ...]] = []
    while len(out) < count:
        parent = list(range(n))
        tree = []
        for k in rng.permutation(m).tolist():
            a, b = int(network.tail[k]), int(network.head[k])
            while parent[a] != a:
                a = parent[a]
            while parent[b] != b:
                b = parent[b]
            if a != b:
                parent[a] = b
                tree.append(k)
        out.append(tuple(sorted(tree)))
    return out


def _cycles(network: Network, tree: tuple[int, ...]) -> Array:
    """Fundamental cycles of a tree, from node equations: A_C = I, A_T = -(B_T^-1 B_C)^t."""
    B = matrices(network)[1][1:]
    chords = np.setdiff1d(np.arange(network.n_edges), tree)
    A = np.zeros((chords.size, network.n_edges))
    A[np.arange(chords.size), chords] = 1.0
    A[:, list(tree)] = -np.linalg.solve(B[:, list(tree)], B[:, chords]).T
    return A


def _reversed_edges(network: Network, D: Array, *, S: bool, J: bool) -> Network:
    """Edges with D = -1 reversed; their sources and polarities turned as well where asked."""
    turned = D < 0
    tail = np.where(turned, network.head, network.tail)
    head = np.where(turned, network.tail, network.head)
    drives = tuple(d.scaled(-1.0) if d is not None and turned[k] and S else d for k, d in enumerate(network.drives))
    return network.with_ends(tail, head).with_drive(drives).with_polarity(network.J * D if J else network.J)


@claim(
    "p1.sec3.1.orientation",
    title="Turning edges round",
    printed="orientation of the edges can be absorbed in J alone",
    exact="turning the edges of D: (A, S, J) -> (A D, D S, J D); then w is unchanged and i -> D i",
    status=Status.WRONG,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5); random J, mixed P, AC (seed 11)",
    mutant="sources not turned",
    applies=lambda network: _graph(network) or linear_memristors(network, None),
)
def orientation(bench: Bench) -> Evidence:
    exact: list[Row] = []
    printed: list[Row] = []
    for case in bench.circuits(makers(mixed=True, polarity=True, stop=1.0)):
        D = np.where(np.arange(case.network.n_edges) % 2, 1.0, -1.0)
        first = bench.pair(case)
        turned = _reversed_edges(case.network, D, S=not bench.mutant, J=True)
        exact.append(_difference(case.name, first, bench.pair(Circuit(case.name, turned, case.stop)), D))
        alone = case.network.with_polarity(case.network.J * D)
        short = Circuit(case.name, alone, case.stop / 4)
        before = bench.pair(Circuit(case.name, case.network, case.stop / 4))
        printed.append(_difference(f"{case.name}, J alone", before, bench.pair(short), D))
    findings = (
        worst("|w - w'| and |i - D i'| / max |i|", exact, resolution=SHARP),
        least("the same with J alone turned", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


@claim(
    "p1.sec3.1.activity",
    title="Exchanging active and passive",
    printed="P -> -P is a symmetry",
    exact="at fixed S it is not; (P, S) -> (-P, -S) is",
    status=Status.WRONG,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5); mixed P, AC (seed 11)",
    mutant="sources kept, as printed",
    applies=lambda network: linear_memristors(network, "current"),
)
def activity(bench: Bench) -> Evidence:
    exact: list[Row] = []
    printed: list[Row] = []
    for case in bench.circuits(makers(mixed=True, stop=1.0)):
        network = case.network
        flipped = network.with_active([int(k) for k in np.flatnonzero(network.P > 0)])
        turned = tuple(None if d is None else d.scaled(-1.0) for d in network.drives)
        both = flipped if bench.mutant else flipped.with_drive(turned)
        exact.append(_difference(case.name, bench.pair(case), bench.pair(Circuit(case.name, both, case.stop))))
        short = case.stop / 4
        first = bench.pair(Circuit(case.name, network, short))
        printed.append(_difference(f"{case.name}, P alone", first, bench.pair(Circuit(case.name, flipped, short))))
    findings = (
        worst("|w - w'| and |i - i'| / max |i| for (-P, -S)", exact, resolution=SHARP),
        least("the same for (-P, S)", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


def reversed_drive(drive: Drive | None, stop: float) -> Drive | None:
    """-S(T - t); None for drives that have no such twin here."""
    if drive is None:
        return None
    if isinstance(drive, DC):
        return DC(-drive.level)
    if isinstance(drive, Sine) and drive.delay == 0.0:
        angle = 2.0 * np.pi * drive.frequency * stop
        return Sine(drive.amplitude, drive.frequency, offset=-drive.offset, phase=-drive.phase - angle)
    if isinstance(drive, Sum):
        parts = [reversed_drive(term, stop) for term in drive.terms]
        return Sum(tuple(part for part in parts if part is not None))
    raise TypeError(f"{drive!r} cannot be run backwards")


def _reversible(network: Network) -> str | None:
    reason = linear_memristors(network, None)
    if reason:
        return reason
    try:
        for drive in network.drives:
            reversed_drive(drive, 1.0)
    except TypeError as error:
        return str(error)
    return None


@claim(
    "p1.sec3.1.time",
    title="Time reversal",
    printed="S'(t) = -S(T - t) runs the states back",
    exact="exact with alpha -> -alpha: from w(T) the states retrace their path",
    status=Status.EXACT,
    circuits="the graphs of p1.sec3.1.orientation, alpha = 0.3/s, random J, mixed P, AC (seed 11)",
    mutant="alpha kept",
    applies=_reversible,
)
def time_reversal(bench: Bench) -> Evidence:
    rows: list[Row] = []
    alpha = 0.3
    device = caravelli(alpha=alpha)
    for case in bench.circuits(makers(mixed=True, polarity=True, device=device, stop=1.0)):
        forth = bench.pair(case, bulk=True)
        laws = case.network.devices()
        if not bench.mutant:
            laws = [changed(law, alpha=-alpha) for law in laws]
        gaps = []
        for waves, steps in ((forth.coarse, 400), (forth.fine, 800)):
            drives = tuple(reversed_drive(d, case.stop) for d in case.network.drives)
            back = case.network.with_device(laws).with_drive(drives).with_initial_state(waves.state[-1])
            returned = bench.run(back, case.stop, case.stop / steps)
            at = np.linspace(0.0, case.stop, 41)
            gaps.append(returned.resample(at).state[::-1] - waves.resample(at).state)
        U = float(np.abs(gaps[0] - gaps[1]).max()) + 2.0 * SOLVER_FLOOR
        rows.append((case.name, float(np.abs(gaps[1]).max()), U))
    return vanishing("|w'(T - t) - w(t)|", rows, resolution=SHARP)


@claim(
    "p1.eq30",
    title="Gauge freedom of the sources (Eqs. 29-30)",
    printed="S -> S + B^t p changes nothing",
    exact="exact: only A S enters, and A B^t = 0",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5); mixed P, AC (seed 11)",
    mutant="the potential added without the orientation of the edges",
    applies=lambda network: _graph(network) or linear_memristors(network, "current"),
)
def gauge(bench: Bench) -> Evidence:
    rows: list[Row] = []
    for case in bench.circuits(makers(mixed=True, stop=1.0)):
        B = matrices(case.network)[1]
        p = np.random.default_rng(19).uniform(-0.5, 0.5, B.shape[0])
        extra = p @ (np.abs(B) if bench.mutant else B)
        drives = [
            DC(float(x)) if d is None else d + DC(float(x))  # type: ignore[operator]
            for d, x in zip(case.network.drives, extra, strict=True)
        ]
        other = Circuit(case.name, case.network.with_drive(drives), case.stop)
        rows.append(_difference(case.name, bench.pair(case), bench.pair(other)))
    return vanishing("|w - w'| and |i - i'| / max |i|", rows, resolution=SHARP)


@claim(
    "p1.eq31",
    title="L sources on the chords suffice",
    printed="the sources can be restricted to an independent set of loops",
    exact="exact: S_C' = A S on the chords and none on the tree give the same states",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5), DC (seed 11)",
    mutant="the chords keep their own sources only",
    applies=lambda network: (
        _graph(network)
        or linear_memristors(network, "current")
        or (None if network.bank.constant else "it is measured with DC sources")
    ),
)
def chords(bench: Bench) -> Evidence:
    rows: list[Row] = []
    for case in bench.circuits(makers(ac=False)):
        topology = Topology.of(case.network)
        S, where = case.network.bank(0.0), topology.forest.chords
        level = S[where] if bench.mutant else topology.A @ S
        drives = {int(k): DC(float(x)) for k, x in zip(where, level, strict=True)}
        other = Circuit(case.name, case.network.with_drive(drives), case.stop)
        rows.append(_difference(case.name, bench.pair(case), bench.pair(other)))
    return vanishing("|w - w'| and |i - i'| / max |i|", rows, resolution=SHARP)


@claim(
    "p1.eq31.orthogonal",
    title="The split of the sources is orthogonal for P = I only",
    printed="Omega S and (I - Omega) S are orthogonal parts",
    exact="for P = I; with active edges Ob is oblique and the parts are not orthogonal",
    status=Status.WRONG,
    circuits="K4, 3x3 grid, random graph (seed 5): Ob measured, passive and with mixed P (seed 11)",
    mutant="one resistance of the passive circuits doubled",
)
def orthogonal(bench: Bench) -> Evidence:
    exact: list[Row] = []
    printed: list[Row] = []
    for mixed in (False, True):
        names = [n for n in GRAPHS if "parallel" not in n]
        for case in bench.circuits(makers(names, mixed=mixed, stop=1.0), quick=1):
            network = case.network.with_initial_state(0.0)
            if bench.mutant and not mixed:
                network = network.with_initial_state({0: 1.0 / 9.0})
            measured = response(bench, network)

            def overlap(T: Array, q: Array = measured.q) -> Array:
                Ob = T * q
                return np.asarray(Ob.T @ (np.eye(q.size) - Ob))

            value, U = measured.value(overlap)
            row = (case.name if mixed else f"{case.name}, passive", float(np.abs(value).max()), U)
            (printed if mixed else exact).append(row)
    findings = (
        worst("|Ob^t (I - Ob)|, passive", exact, resolution=1e-8),
        least("|Ob^t (I - Ob)|, mixed P", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))
