"""Paper 1, Eqs. 3-5: from sources to currents, and the equation of the network.

i = A^t (A P R A^t)^-1 A S,    Ron i = (I + xi Ob W)^-1 Ob P S,    Ob = A^t (A P A^t)^-1 A P
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from spicebridge.analysis.affine import affine
from spicebridge.arrays import Array, IntArray
from spicebridge.atlas import bars
from spicebridge.atlas.bars import Row
from spicebridge.atlas.circuits import (
    K4,
    R_ON,
    THETA,
    NamedCircuit,
    Standard,
    caravelli,
    circuit,
    matrices,
    mesh_current,
)
from spicebridge.atlas.claim import Claim
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, refuted, vanishing
from spicebridge.atlas.runs import Bench
from spicebridge.errors import ProjectorSingular, RunFailed
from spicebridge.laws import Device, Resistor
from spicebridge.network import Network
from spicebridge.theory import integrate
from spicebridge.theory.currents.topology import Topology
from spicebridge.waveforms import Waveforms

SHARP = 1e-7
"""Relative uncertainty that an algebraic residual must not exceed."""


@Claim(
    "p1.eq3",
    "Currents from sources",
    printed="i = -A^t (A R A^t)^-1 A S (Eq. 3)",
    exact="i = + A^t (A P R A^t)^-1 A S for sources that aid the current, as Eq. 4 has it",
    on=Standard(mixed=True),
    needs=("memory", "source", "loop"),
)
def sign(bench: Bench, corrected: float = 1.0, printed: float = -1.0) -> ClaimEvidence:
    def against(factor: float) -> list[Row]:
        def gap(network: Network, waves: Waveforms) -> Array:
            q = network.P * network.resistance(waves.state)
            known = factor * mesh_current(matrices(network)[0], q, network.bank(waves.t))
            return np.asarray((waves.current - known) / np.abs(waves.current).max())

        return bench.rows(gap)

    what = "|i - A^t (A P R A^t)^-1 A S| / max |i|"
    return refuted(what, against(corrected), "|i - printed| / max |i|", against(printed), resolution=SHARP)


def _ohms(r: Sequence[float]) -> list[Device]:
    return [Resistor(np.array(x)) for x in r]


def spanning_tree_sum(network: Network, weights: Array) -> float:
    """Sum over spanning trees of the product of `weights` over the chords (brute force, small graphs)."""
    B = matrices(network)[1][1:]
    everything = np.arange(network.n_edges)
    return sum(
        float(np.prod(np.delete(weights, tree)))
        for tree in combinations(everything, len(B))
        if abs(np.linalg.det(B[:, tree])) > 0.5
    )


@Claim(
    "p1.eq3.invertible",
    "When A R A^t is invertible",
    printed="A R A^t is always invertible for non-zero R, negative R included (text after Eq. 3)",
    exact="det(A P R A^t) is the sum over spanning trees of the product of P R over the chords; with active "
    "edges it can vanish: a loop of two with P = (+, -) and equal R is singular",
    circuits="K4 and theta graph of resistors with one active edge; loop of 2, P = (+, -), R2 -> R1; printed: the sum "
    "over trees without signs, which never vanishes",
)
def invertible(bench: Bench, corrected: bool = True, printed: bool = False) -> ClaimEvidence:
    exact: list[Row] = []
    other: list[Row] = []
    for name, edges, r in (("K4", K4, [1.0, 2.0, 1.5, 3.0, 0.7, 1.2]), ("theta graph", THETA, [1.0, 2.0, 1.7])):
        network = circuit(name, edges, device=_ohms(r), initial_state=0.0, active=(1,)).network
        chords = Topology.of(network).forest.chords
        measured = bench.respond(network, chords)
        for signed, rows in ((corrected, exact), (printed, other)):
            trees = spanning_tree_sum(network, np.array(r) * (network.P if signed else 1.0))

            def determinant(T: Array, chords: IntArray = chords, trees: float = trees) -> Array:
                return np.asarray(1.0 / (np.linalg.det(T[np.ix_(chords, chords)]) * trees) - 1.0)

            rows.append(bars.largest(name, *measured.value(determinant)))
    ring = [(0, 1), (1, 0)]
    detuning, gain, spread = (0.5, 1e-2, 1e-4, 1e-6), [], []
    for epsilon in detuning:
        pair = circuit("loop", ring, device=_ohms([1.0, 1.0 - epsilon]), active=(1,))
        value, U = bench.respond(pair.network, np.array([0])).value(lambda T: T[0, 0])
        gain.append(float(value))
        # a rounding in R1 - R2 weighs 1/epsilon times as much
        spread.append(U + float(value) * float(np.finfo(float).eps) / epsilon)
    equal = circuit("loop", ring, device=_ohms([1.0, 1.0]), drive={0: 1.0}, active=(1,))
    try:
        bench.run(equal.network, 1.0, 0.1)
        refused = 0
    except RunFailed:
        refused = 1
    picture = Panel(
        title="Loop of two, P = (+, -): current per volt",
        x="1 - R2/R1",
        y="i R1 / S",
        series=[
            Series(x=detuning, y=gain, label="ngspice", style="points"),
            Series(x=detuning, y=[1.0 / e for e in detuning], label="R1/(R1 - R2)"),
        ],
        log_x=True,
        log_y=True,
    )
    near = bars.equals("current per volt at R2 = R1 (1 - 1e-6)", gain[-1], spread[-1], 1e6, resolution=1e3)
    more = [near, bars.equals("ngspice refuses the loop with R2 = R1 (1 = yes)", refused, 0.0, 1.0)]
    what, against = "measured determinant / spanning-tree sum - 1", "measured determinant / sum without signs - 1"
    return refuted(what, exact, against, other, resolution=1e-8, more=more, panels=[picture])


@Claim(
    "p1.eq4",
    "The equation of the network",
    printed="dW/dt = alpha W - (1/beta) (I + xi Omega W)^-1 Omega S (Eq. 4)",
    exact="J dw/dt = alpha J w - (1/beta) (I + xi Ob W)^-1 Ob P S: exact in the bulk; W need not be invertible",
    on=Standard(mixed=True, polarity=True, device=caravelli(alpha=0.1), stop=1.0),
    circuits="K4 with half of w at 0",
    mutant="polarity J left out of the equation",
    changed={"turned": -1.0},
    needs=("memory", "current", "source", "loop"),
)
def network_equation(bench: Bench, turned: float = 1.0) -> ClaimEvidence:
    cases = bench.cases()
    if bench.network is None:
        half = Standard(device=caravelli(alpha=0.1), stop=1.0, ac=False).circuit("K4").network
        w = np.where(np.arange(6) % 2, half.initial_state, 0.0)
        S = np.where(np.arange(6) % 2, -0.1, -0.2)
        cases.append(NamedCircuit("K4, half of w at 0", half.with_initial_state(w).with_drive(S), 1.0))
    rows = [
        bench.against_theory(case, case.network.with_polarity(turned * case.network.J), "projector") for case in cases
    ]
    return vanishing("max |w_spice - w_projector|", rows, resolution=1e-5)


@Claim(
    "p1.eq4.singular",
    "Sign patterns without a projector",
    printed="Ob = A^t (A P A^t)^-1 A P exists for every mixture of active and passive memristors (after Eq. 4)",
    exact="30 of the 64 sign patterns of K4 make A P A^t singular, while the circuit itself is fine: "
    "use the mesh or nodal form",
    circuits="K4: all 64 patterns at w = 0 in ngspice, where A P R A^t = Ron A P A^t; one singular pattern at random w "
    "(seed 11)",
)
def no_projector(bench: Bench, corrected: bool = True, printed: bool = False) -> ClaimEvidence:
    drive = np.random.default_rng(11).uniform(-0.1, 0.1, 6)
    base = circuit("K4", K4, initial_state=0.0, drive=drive).network
    A = np.rint(matrices(base)[0])
    signs = 1.0 - 2.0 * np.array([[(code >> k) & 1 for k in range(6)] for code in range(64)])
    singular = np.rint(np.linalg.det(np.einsum("ak,pk,bk->pab", A, signs, A))) == 0
    tried = list(range(0, 64, 7 if bench.quick else 1))
    failed = np.array([_refused(bench, base.with_active(np.flatnonzero(signs[code] < 0).tolist())) for code in tried])
    wrong, missed = (int((failed != (singular[tried] & by_rule)).sum()) for by_rule in (corrected, printed))
    fine = Standard().circuit("K4").network
    condition = np.linalg.cond(np.einsum("ak,pk,bk->pab", A, signs * fine.resistance(fine.initial_state), A))
    chosen = int(np.where(singular, condition, np.inf).argmin())
    case = NamedCircuit("singular", fine.with_active(np.flatnonzero(signs[chosen] < 0).tolist()), 0.5)
    try:
        integrate(case.network, [0.0, 0.1], method="projector")
        no_form = 0
    except ProjectorSingular:
        no_form = 1
    _, gap, U = bench.against_theory(case, case.network, "nodal")
    findings = [
        bars.equals("sign patterns of K4 with det(A P A^t) = 0", int(singular.sum()), 0.0, 30.0),
        bars.equals(f"of {len(tried)} patterns, refused by ngspice at w = 0 against det = 0", wrong, 0.0, 0.0),
        bars.refutes("of these, refused by ngspice although a projector is said to exist", missed, 0.0),
        bars.equals("the projector form refuses one singular pattern at random w (1 = yes)", no_form, 0.0, 1.0),
        bars.vanishes("max |w_spice - w_nodal| on it", gap, U, resolution=1e-5),
    ]
    return ClaimEvidence(findings=findings, numbers={"condition of A P R A^t there": float(condition[chosen])})


BEYOND = 1e6
"""Currents this many times S/Ron are what rounding makes of a singular circuit."""


def _refused(bench: Bench, network: Network) -> bool:
    """Whether ngspice finds no currents for it, or none of a size that Ron would allow."""
    try:
        waves = bench.run(network, 1e-6, 1e-6)
    except RunFailed:
        return True
    return bool(np.abs(waves.current).max() * R_ON > BEYOND * np.abs(network.bank(0.0)).max())


@Claim(
    "p1.eq5",
    "Omega from nodes",
    printed="Omega = I - B^t (B B^t)^-1 B (Eq. 5)",
    exact="I - Omega = B_r^t (B_r B_r^t)^-1 B_r with one row of B left out per component",
    on=Standard(),
    circuits="Omega measured at w = 0",
    mutant="one node too many left out",
    changed={"too_many": 1},
    needs=("memory", "graph", "one law", "tree"),
)
def from_nodes(bench: Bench, too_many: int = 0) -> ClaimEvidence:
    def gap(case: NamedCircuit) -> Row:
        topology, r0 = Topology.of(case.network), float(affine(case.network).r0[0])
        roots = topology.roots.tolist()
        others = [k for k in range(case.network.n_nodes) if k not in roots]
        B = np.delete(topology.B.toarray(), [*roots, *others[:too_many]], axis=0)
        outside = B.T @ np.linalg.solve(B @ B.T, B)
        bare = case.network.with_active([]).with_initial_state(0.0)
        return bench.response_row(case.name, bare, lambda T: np.eye(len(T)) - r0 * T - outside)

    rows = [gap(case) for case in bench.cases()]
    return vanishing("|I - Omega_measured - projector of B|", rows, resolution=1e-8)
