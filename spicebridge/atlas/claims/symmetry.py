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
from spicebridge.atlas import bars
from spicebridge.atlas.bars import ClaimFinding, Row
from spicebridge.atlas.circuits import BARE, NamedCircuit, Standard, caravelli, laws_of, matrices, reversed_drive
from spicebridge.atlas.claim import Claim, ClaimStatus
from spicebridge.atlas.evidence import ClaimEvidence, refuted, vanishing
from spicebridge.atlas.runs import Bench, difference
from spicebridge.drives import DC, Sum
from spicebridge.drives.waves import terms
from spicebridge.laws.base import changed
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.waveforms import Waveforms

SHARP = 1e-6
Tree = tuple[int, ...]
"""Edges of a spanning tree."""


@Claim(
    "p1.sec3.1.tree",
    "Omega and the spanning tree",
    printed="Omega depends on the spanning tree that defines the loops (section 3.1)",
    exact="Omega does not depend on it at all: one projector for all spanning trees",
    status=ClaimStatus.WRONG,
    on=Standard(names=BARE, quick=1),
    circuits="Omega measured at w = 0; 16 trees of K4, 40 of the others (seed 17)",
    mutant="loops taken without orientation, which does depend on the tree",
    changed={"oriented": False},
    needs=("memory", "graph", "one law", "loop", "tree"),
)
def spanning_tree(bench: Bench, oriented: bool = True) -> ClaimEvidence:
    def by_trees(case: NamedCircuit) -> list[Row]:
        network, r0 = case.network.with_active([]).with_initial_state(0.0), float(affine(case.network).r0[0])
        measured = bench.respond(network)

        def gap(tree: Tree) -> Row:
            A = _cycles(network, tree)
            A = A if oriented else np.abs(A)
            Omega = A.T @ np.linalg.solve(A @ A.T, A)
            return bars.largest(case.name, *measured.value(lambda T: r0 * T - Omega))

        return [gap(tree) for tree in _some_trees(network, 40)]

    exact: list[Row] = []
    findings: list[ClaimFinding] = []
    for rows in map(by_trees, bench.cases()):
        same = sum(size <= U for _, size, U in rows)
        exact.append(max(rows, key=lambda row: row[1] / row[2]))
        what = f"of {len(rows)} spanning trees, with the same Omega beyond the first ({rows[0][0]})"
        findings.append(bars.refutes(what, same - 1.0, 0.0))
    main = bars.worst("|Omega(tree) - Omega_measured|", exact, resolution=1e-8)
    return ClaimEvidence(findings=[main, *findings], rows=exact)


def _some_trees(network: Network, count: int) -> list[Tree]:
    """All spanning trees if they are few, else `count` random ones (seed 17)."""
    m, B = network.n_edges, np.delete(matrices(network)[1], Topology.of(network).roots, axis=0)
    if m <= 7:
        return [tree for tree in combinations(range(m), len(B)) if abs(np.linalg.det(B[:, tree])) > 0.5]
    rng = np.random.default_rng(17)
    out: list[Tree] = []
    while len(out) < count:
        tree: list[int] = []
        for k in rng.permutation(m).tolist():
            if np.linalg.matrix_rank(B[:, [*tree, k]]) > len(tree):
                tree.append(k)
        out.append(tuple(sorted(tree)))
    return out


def _cycles(network: Network, tree: Tree) -> Array:
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


@Claim(
    "p1.sec3.1.orientation",
    "Turning edges round",
    printed="the orientation of the edges can be absorbed in J alone (section 3.1)",
    exact="turning the edges of D: (A, S, J) -> (A D, D S, J D); then w is unchanged and i -> D i",
    on=Standard(mixed=True, polarity=True, stop=1.0),
    circuits="a quarter of the span",
    needs=(*ANY, "graph"),
)
def orientation(
    bench: Bench,
    corrected: Callable[[Network, Array], Network] = _turned,
    printed: Callable[[Network, Array], Network] = _polarity_alone,
) -> ClaimEvidence:
    def apart(case: NamedCircuit, change: Callable[[Network, Array], Network]) -> Row:
        D = np.where(np.arange(case.network.n_edges) % 2, 1.0, -1.0)
        return difference(bench, replace(case, stop=case.stop / 4), change(case.network, D), D)

    exact, other = ([apart(case, change) for case in bench.cases()] for change in (corrected, printed))
    what = "|w - w'| and |i - D i'| / max |i|"
    return refuted(what, exact, "the same with J alone turned", other, resolution=SHARP)


@Claim(
    "p1.sec3.1.activity",
    "Exchanging active and passive",
    printed="P -> -P is a symmetry (section 3.1)",
    exact="at fixed S it is not; (P, S) -> (-P, -S) is",
    on=Standard(mixed=True, stop=1.0),
    circuits="a quarter of the span",
    needs=(*ANY, "current"),
)
def activity(bench: Bench, corrected: float = -1.0, printed: float = 1.0) -> ClaimEvidence:
    def apart(case: NamedCircuit, factor: float) -> Row:
        flipped = case.network.with_active([int(k) for k in np.flatnonzero(case.network.P > 0)])
        drives = tuple(None if d is None else d.scaled(factor) for d in case.network.drives)
        return difference(bench, replace(case, stop=case.stop / 4), flipped.with_drive(drives))

    exact, other = ([apart(case, factor) for case in bench.cases()] for factor in (corrected, printed))
    what = "|w - w'| and |i - i'| / max |i| for (-P, -S)"
    return refuted(what, exact, "the same for (-P, S)", other, resolution=SHARP)


@Claim(
    "p1.sec3.1.time",
    "Time reversal",
    printed="S'(t) = -S(T - t) runs the states back (section 3.1)",
    exact="exact with alpha -> -alpha: from w(T) the states retrace their path",
    on=Standard(mixed=True, polarity=True, device=caravelli(alpha=0.3), stop=1.0),
    mutant="the first source not turned",
    changed={"turned": 1.0},
    needs=(*ANY, "linear", "current", "one alpha", "reversible"),
)
def time_reversal(bench: Bench, turned: float = -1.0) -> ClaimEvidence:
    def gap(case: NamedCircuit) -> Row:
        laws = [changed(law, alpha=-law.alpha) for law in laws_of(case.network)]
        drives = [reversed_drive(d, case.stop) for d in case.network.drives]
        first, drive = next((k, d) for k, d in enumerate(drives) if d is not None)
        drives[first] = drive.scaled(-turned)
        backwards = case.network.with_device(laws).with_drive(drives)
        at = np.linspace(0.0, case.stop, 41)

        def returned(waves: Waveforms, h: float) -> Array:
            back = bench.run(backwards.with_initial_state(waves.state[-1]), case.stop, h)
            return np.asarray(back.resample(at).state[::-1] - waves.resample(at).state)

        forth = bench.pair(case, bulk=True)
        coarse, fine = returned(forth.coarse, forth.step), returned(forth.fine, forth.step / 2)
        return bars.largest(case.name, fine, float(np.abs(coarse - fine).max()) + 2.0 * SOLVER_FLOOR)

    return vanishing("|w'(T - t) - w(t)|", [gap(case) for case in bench.cases()], resolution=SHARP)


@Claim(
    "p1.eq30",
    "Gauge freedom of the sources (Eqs. 29-30)",
    printed="S -> S + B^t p changes nothing (Eqs. 29-30)",
    exact="exact: only A S enters, and A B^t = 0",
    on=Standard(mixed=True, stop=1.0),
    mutant="the potential added without the orientation of the edges",
    changed={"oriented": False},
    needs=(*ANY, "graph", "current"),
)
def gauge(bench: Bench, oriented: bool = True) -> ClaimEvidence:
    def apart(case: NamedCircuit) -> Row:
        B = matrices(case.network)[1]
        size = min(0.5, float(np.abs(case.network.bank(np.linspace(0.0, case.stop, 33))).max()))
        p = np.random.default_rng(19).uniform(-size, size, B.shape[0])
        extra = [DC(x) for x in (p @ (B if oriented else np.abs(B))).tolist()]
        own = case.network.drives
        drives = [more if d is None else Sum((*terms(d), more)) for d, more in zip(own, extra, strict=True)]
        return difference(bench, case, case.network.with_drive(drives))

    return vanishing("|w - w'| and |i - i'| / max |i|", [apart(case) for case in bench.cases()], resolution=SHARP)


@Claim(
    "p1.eq31",
    "L sources on the chords suffice",
    printed="the sources can be restricted to an independent set of loops (Eq. 31)",
    exact="exact: S_C' = A S on the chords and none on the tree give the same states",
    on=Standard(ac=False),
    mutant="the chords keep their own sources only",
    changed={"own": True},
    needs=(*ANY, "graph", "current", "constant"),
)
def chords(bench: Bench, own: bool = False) -> ClaimEvidence:
    def apart(case: NamedCircuit) -> Row:
        topology = Topology.of(case.network)
        S, where = case.network.bank(0.0), topology.forest.chords
        level = S[where] if own else topology.A @ S
        drives = {int(k): DC(float(x)) for k, x in zip(where, level, strict=True)}
        return difference(bench, case, case.network.with_drive(drives))

    return vanishing("|w - w'| and |i - i'| / max |i|", [apart(case) for case in bench.cases()], resolution=SHARP)


@Claim(
    "p1.eq31.orthogonal",
    "The split of the sources is orthogonal for P = I only",
    printed="Omega S and (I - Omega) S are orthogonal, Omega^t (I - Omega) = 0, for any P (after Eq. 31)",
    exact="for P = I; with active edges Ob is oblique and the parts are not orthogonal",
    on=Standard(names=BARE, quick=1, mixed=True, stop=1.0),
    circuits="Ob measured at w = 0, as it is and with P = I",
    needs=("memory", "mixed", "one law", "projector"),
)
def orthogonal(bench: Bench, corrected: bool = False, printed: bool = True) -> ClaimEvidence:
    def overlap(case: NamedCircuit, mixed: bool) -> Row:
        network = case.network.with_initial_state(0.0)
        network = network if mixed else network.with_active([])
        q = network.P * affine(network).r0
        return bench.response_row(case.name, network, lambda T: (T * q).T @ (np.eye(q.size) - T * q))

    exact, other = ([overlap(case, mixed) for case in bench.cases()] for mixed in (corrected, printed))
    return refuted("|Ob^t (I - Ob)|, passive", exact, "|Ob^t (I - Ob)|, mixed P", other, resolution=1e-8)
