"""Paper 1, section 3.1 and Eqs. 29-31: what can be changed without changing the physics.

spanning tree    Omega is one matrix, whatever tree its cycles come from
orientation      (A, S, J) -> (A D, D S, J D)
activity         (P, S) -> (-P, -S)
time             S'(t) = -S(T - t), alpha -> -alpha, from w(T)
gauge            S -> S + B^t p
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np

from spicebridge.analysis.affine import affine
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import BARE, caravelli, laws_of, matrices, standard
from spicebridge.atlas.claim import Evidence, Finding, Row, Status, claim, refutes
from spicebridge.atlas.runs import Bench, Circuit, difference, largest, refuted, vanishing, worst
from spicebridge.drives import DC, Drive, Sine, Sum
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.verify.trial import SOLVER_FLOOR

SHARP = 1e-6


@claim(
    "p1.sec3.1.tree",
    "Omega and the spanning tree",
    printed="Omega depends on the spanning tree that defines the loops (section 3.1)",
    exact="Omega does not depend on it at all: one projector for all spanning trees",
    status=Status.WRONG,
    on=standard(BARE, quick=1),
    circuits="Omega measured at w = 0; 16 trees of K4, 40 of the others (seed 17)",
    mutant="loops taken without orientation, which does depend on the tree",
    changed={"oriented": False},
    needs=("memory", "graph", "one law", "loop", "tree"),
)
def spanning_tree(bench: Bench, oriented: bool = True) -> Evidence:
    exact: list[Row] = []
    findings: list[Finding] = []
    for case in bench.cases():
        network, r0 = case.network.with_active([]).with_initial_state(0.0), float(affine(case.network).r0[0])
        measured = bench.respond(network)
        rows = []
        for tree in _some_trees(network, 40):
            A = _cycles(network, tree)
            A = A if oriented else np.abs(A)
            Omega = A.T @ np.linalg.solve(A @ A.T, A)
            rows.append(largest(case.name, *measured.value(lambda T, Omega=Omega, r0=r0: r0 * T - Omega)))  # type: ignore[misc]
        same = sum(gap <= U for _, gap, U in rows)
        exact.append(max(rows, key=lambda row: row[1] / row[2]))
        what = f"of {len(rows)} spanning trees, with the same Omega beyond the first ({case.name})"
        findings.append(refutes(what, same - 1.0, 0.0))
    return Evidence(
        findings=(worst("|Omega(tree) - Omega_measured|", exact, resolution=1e-8), *findings), rows=tuple(exact)
    )


def _some_trees(network: Network, count: int) -> list[tuple[int, ...]]:
    """All spanning trees if they are few, else `count` random ones (seed 17)."""
    m, B = network.n_edges, np.delete(matrices(network)[1], Topology.of(network).roots, axis=0)
    if m <= 7:
        return [tree for tree in combinations(range(m), len(B)) if abs(np.linalg.det(B[:, tree])) > 0.5]
    rng = np.random.default_rng(17)
    out: list[tuple[int, ...]] = []
    while len(out) < count:
        tree: list[int] = []
        for k in rng.permutation(m).tolist():
            if np.linalg.matrix_rank(B[:, [*tree, k]]) > len(tree):
                tree.append(k)
        out.append(tuple(sorted(tree)))
    return out


def _cycles(network: Network, tree: tuple[int, ...]) -> Array:
    """Fundamental cycles of a tree, from node equations: A_C = I, A_T = -(B_T^-1 B_C)^t."""
    B = np.delete(matrices(network)[1], Topology.of(network).roots, axis=0)
    chords = np.setdiff1d(np.arange(network.n_edges), tree)
    A = np.zeros((chords.size, network.n_edges))
    A[np.arange(chords.size), chords] = 1.0
    A[:, list(tree)] = -np.linalg.solve(B[:, list(tree)], B[:, chords]).T
    return A


def _turned(network: Network, D: Array) -> Network:
    """Edges with D = -1 reversed; their sources and polarities turned as well."""
    turned = D < 0
    tail = np.where(turned, network.head, network.tail)
    head = np.where(turned, network.tail, network.head)
    drives = tuple(d.scaled(-1.0) if d is not None and turned[k] else d for k, d in enumerate(network.drives))
    return network.with_ends(tail, head).with_drive(drives).with_polarity(network.J * D)


def _polarity_alone(network: Network, D: Array) -> Network:
    return network.with_polarity(network.J * D)


ANY = ("memory", "loop", "source")


@claim(
    "p1.sec3.1.orientation",
    "Turning edges round",
    printed="the orientation of the edges can be absorbed in J alone (section 3.1)",
    exact="turning the edges of D: (A, S, J) -> (A D, D S, J D); then w is unchanged and i -> D i",
    status=Status.WRONG,
    on=standard(mixed=True, polarity=True, stop=1.0),
    circuits="a quarter of the span",
    needs=(*ANY, "graph"),
)
def orientation(
    bench: Bench,
    corrected: Callable[[Network, Array], Network] = _turned,
    printed: Callable[[Network, Array], Network] = _polarity_alone,
) -> Evidence:
    rows: tuple[list[Row], list[Row]] = ([], [])
    for case in bench.cases():
        D = np.where(np.arange(case.network.n_edges) % 2, 1.0, -1.0)
        first = Circuit(case.name, case.network, case.stop / 4)
        for out, change in zip(rows, (corrected, printed), strict=True):
            second = Circuit(case.name, change(case.network, D), first.stop)
            out.append(difference(case.name, bench.pair(first), bench.pair(second), D))
    what = "|w - w'| and |i - D i'| / max |i|"
    return refuted(what, rows[0], "the same with J alone turned", rows[1], resolution=SHARP)


@claim(
    "p1.sec3.1.activity",
    "Exchanging active and passive",
    printed="P -> -P is a symmetry (section 3.1)",
    exact="at fixed S it is not; (P, S) -> (-P, -S) is",
    status=Status.WRONG,
    on=standard(mixed=True, stop=1.0),
    circuits="a quarter of the span",
    needs=(*ANY, "current"),
)
def activity(bench: Bench, corrected: float = -1.0, printed: float = 1.0) -> Evidence:
    rows: tuple[list[Row], list[Row]] = ([], [])
    for case in bench.cases():
        first = Circuit(case.name, case.network, case.stop / 4)
        flipped = case.network.with_active([int(k) for k in np.flatnonzero(case.network.P > 0)])
        for out, factor in zip(rows, (corrected, printed), strict=True):
            drives = tuple(None if d is None else d.scaled(factor) for d in case.network.drives)
            second = Circuit(case.name, flipped.with_drive(drives), first.stop)
            out.append(difference(case.name, bench.pair(first), bench.pair(second)))
    what = "|w - w'| and |i - i'| / max |i| for (-P, -S)"
    return refuted(what, rows[0], "the same for (-P, S)", rows[1], resolution=SHARP)


def reversed_drive(drive: Drive | None, stop: float) -> Drive | None:
    """-S(T - t). Raises `TypeError` for drives that have no such twin here."""
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


@claim(
    "p1.sec3.1.time",
    "Time reversal",
    printed="S'(t) = -S(T - t) runs the states back (section 3.1)",
    exact="exact with alpha -> -alpha: from w(T) the states retrace their path",
    on=standard(mixed=True, polarity=True, device=caravelli(alpha=0.3), stop=1.0),
    mutant="the first source not turned",
    changed={"turned": 1.0},
    needs=(*ANY, "linear", "current", "one alpha", "reversible"),
)
def time_reversal(bench: Bench, turned: float = -1.0) -> Evidence:
    rows: list[Row] = []
    for case in bench.cases():
        forth = bench.pair(case, bulk=True)
        laws = [replace(law, alpha=-law.alpha) for law in laws_of(case.network)]
        drives = [reversed_drive(d, case.stop) for d in case.network.drives]
        first = next(k for k, d in enumerate(drives) if d is not None)
        drives[first] = drives[first].scaled(-turned)  # type: ignore[union-attr]
        gaps = []
        for waves, h in ((forth.coarse, forth.step), (forth.fine, forth.step / 2)):
            back = case.network.with_device(laws).with_drive(tuple(drives)).with_initial_state(waves.state[-1])
            returned = bench.run(back, case.stop, h)
            at = np.linspace(0.0, case.stop, 41)
            gaps.append(returned.resample(at).state[::-1] - waves.resample(at).state)
        rows.append(largest(case.name, gaps[1], float(np.abs(gaps[0] - gaps[1]).max()) + 2.0 * SOLVER_FLOOR))
    return vanishing("|w'(T - t) - w(t)|", rows, resolution=SHARP)


@claim(
    "p1.eq30",
    "Gauge freedom of the sources (Eqs. 29-30)",
    printed="S -> S + B^t p changes nothing (Eqs. 29-30)",
    exact="exact: only A S enters, and A B^t = 0",
    on=standard(mixed=True, stop=1.0),
    mutant="the potential added without the orientation of the edges",
    changed={"oriented": False},
    needs=(*ANY, "graph", "current"),
)
def gauge(bench: Bench, oriented: bool = True) -> Evidence:
    rows: list[Row] = []
    for case in bench.cases():
        B = matrices(case.network)[1]
        size = min(0.5, float(np.abs(case.network.bank(np.linspace(0.0, case.stop, 33))).max()))
        p = np.random.default_rng(19).uniform(-size, size, B.shape[0])
        extra = p @ (B if oriented else np.abs(B))
        drives = [
            DC(float(x)) if d is None else d + DC(float(x))  # type: ignore[operator]
            for d, x in zip(case.network.drives, extra, strict=True)
        ]
        other = Circuit(case.name, case.network.with_drive(drives), case.stop)
        rows.append(difference(case.name, bench.pair(case), bench.pair(other)))
    return vanishing("|w - w'| and |i - i'| / max |i|", rows, resolution=SHARP)


@claim(
    "p1.eq31",
    "L sources on the chords suffice",
    printed="the sources can be restricted to an independent set of loops (Eq. 31)",
    exact="exact: S_C' = A S on the chords and none on the tree give the same states",
    on=standard(ac=False),
    mutant="the chords keep their own sources only",
    changed={"own": True},
    needs=(*ANY, "graph", "current", "constant"),
)
def chords(bench: Bench, own: bool = False) -> Evidence:
    rows: list[Row] = []
    for case in bench.cases():
        topology = Topology.of(case.network)
        S, where = case.network.bank(0.0), topology.forest.chords
        level = S[where] if own else topology.A @ S
        drives = {int(k): DC(float(x)) for k, x in zip(where, level, strict=True)}
        other = Circuit(case.name, case.network.with_drive(drives), case.stop)
        rows.append(difference(case.name, bench.pair(case), bench.pair(other)))
    return vanishing("|w - w'| and |i - i'| / max |i|", rows, resolution=SHARP)


@claim(
    "p1.eq31.orthogonal",
    "The split of the sources is orthogonal for P = I only",
    printed="Omega S and (I - Omega) S are orthogonal, Omega^t (I - Omega) = 0, for any P (after Eq. 31)",
    exact="for P = I; with active edges Ob is oblique and the parts are not orthogonal",
    status=Status.WRONG,
    on=standard(BARE, quick=1, mixed=True, stop=1.0),
    circuits="Ob measured at w = 0, as it is and with P = I",
    needs=("memory", "mixed", "one law", "projector"),
)
def orthogonal(bench: Bench, corrected: bool = False, printed: bool = True) -> Evidence:
    rows: tuple[list[Row], list[Row]] = ([], [])
    for out, mixed in zip(rows, (corrected, printed), strict=True):
        for case in bench.cases():
            network = case.network.with_initial_state(0.0)
            network = network if mixed else network.with_active([])
            q = network.P * affine(network).r0

            def overlap(T: Array, q: Array = q) -> Array:
                Ob = T * q
                return np.asarray(Ob.T @ (np.eye(q.size) - Ob))

            out.append(bench.response_row(case.name, network, overlap))
    return refuted("|Ob^t (I - Ob)|, passive", rows[0], "|Ob^t (I - Ob)|, mixed P", rows[1], resolution=1e-8)
