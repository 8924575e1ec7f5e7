"""Paper 1, Eqs. 3-5: from sources to currents, and the equation of the network.

i = A^t (A P R A^t)^-1 A S,    Ron i = (I + xi Ob W)^-1 Ob P S,    Ob = A^t (A P A^t)^-1 A P
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import (
    GRAPHS,
    K4,
    R_ON,
    THETA,
    caravelli,
    circuit,
    linear_memristors,
    makers,
    matrices,
    mesh_current,
    random_circuit,
)
from spicebridge.atlas.claim import Evidence, Panel, Series, Status, claim, equals, refutes, vanishes
from spicebridge.atlas.response import response
from spicebridge.atlas.runs import Bench, Circuit, least, residuals, side_by_side, worst
from spicebridge.errors import ProjectorSingular, RunFailed
from spicebridge.laws import Resistor
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

SHARP = 1e-7
"""Relative uncertainty that an algebraic residual must not exceed."""


def _graph(network: Network) -> str | None:
    return None if network.is_graph else "it needs a graph, not a loop matrix"


@claim(
    "p1.eq3",
    title="Currents from sources",
    printed="i = - A^t (A R A^t)^-1 A S",
    exact="i = + A^t (A P R A^t)^-1 A S for sources that aid the current, as Eq. 4 has it",
    status=Status.WRONG,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5); mixed P, AC (seed 11)",
    mutant="the printed sign judged as the exact one",
    applies=lambda network: linear_memristors(network, None),
)
def sign(bench: Bench) -> Evidence:
    def against(factor: float) -> Callable[[Network, Waveforms], Array]:
        def gap(network: Network, waves: Waveforms) -> Array:
            A = matrices(network)[0]
            q = network.P * network.resistance(waves.state)
            known = factor * mesh_current(A, q, network.bank(waves.t))
            return np.asarray((waves.current - known) / np.abs(waves.current).max())

        return gap

    pairs = [bench.pair(c) for c in bench.circuits(makers(mixed=True))]
    exact = residuals(bench, pairs, against(-1.0 if bench.mutant else 1.0))
    printed = residuals(bench, pairs, against(-1.0))
    findings = (
        worst("|i - A^t (A P R A^t)^-1 A S| / max |i|", exact, resolution=SHARP),
        least("|i - printed| / max |i|", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


def spanning_tree_sum(network: Network, weights: Array) -> float:
    """Sum over spanning trees of the product of `weights` over the chords (brute force, small graphs)."""
    total, n = 0.0, network.n_nodes
    ends = list(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    for tree in combinations(range(network.n_edges), n - 1):
        parent = list(range(n))

        def root(k: int, parent: list[int] = parent) -> int:
            while parent[k] != k:
                k = parent[k]
            return k

        joined = 0
        for k in tree:
            a, b = root(ends[k][0]), root(ends[k][1])
            if a != b:
                parent[a] = b
                joined += 1
        if joined == n - 1:
            rest = np.delete(np.arange(network.n_edges), tree)
            total += float(np.prod(weights[rest]))
    return total


@claim(
    "p1.eq3.invertible",
    title="When A R A^t is invertible",
    printed="A R A^t is always invertible for non-zero R, negative R included",
    exact="det(A P R A^t) is the sum over spanning trees of the product of P R over the chords; with active "
    "edges it can vanish: a loop of two with P = (+, -) and equal R is singular",
    status=Status.WRONG,
    circuits="K4 and theta graph of resistors with one active edge; loop of 2, P = (+, -), R2 -> R1",
    mutant="signs left out of the spanning-tree sum",
)
def invertible(bench: Bench) -> Evidence:
    findings, rows = [], []
    for name, edges, r in (("K4", K4, [1.0, 2.0, 1.5, 3.0, 0.7, 1.2]), ("theta graph", THETA, [1.0, 2.0, 1.7])):
        device = [Resistor(np.array(x)) for x in r]
        case = circuit(name, edges, device=device, initial_state=0.0, active=(1,))
        from spicebridge.theory.currents.topology import Topology

        chords = Topology.of(case.network).forest.chords
        measured = response(bench, case.network, chords)
        weights = np.array(r) * (1.0 if bench.mutant else case.network.P)
        trees = spanning_tree_sum(case.network, weights)

        def determinant(T: Array, chords: Any = chords, trees: float = trees) -> Array:
            return np.asarray(1.0 / (np.linalg.det(T[np.ix_(chords, chords)]) * trees) - 1.0)

        value, U = measured.value(determinant)
        findings.append(
            vanishes(f"measured determinant / spanning-tree sum - 1 ({name})", abs(float(value)), U, resolution=1e-8)
        )
        rows.append((name, float(value), U))
    detuning = (0.5, 1e-2, 1e-4, 1e-6)
    gain = []
    for epsilon in detuning:
        device = [Resistor(np.array(x)) for x in (1.0, 1.0 - epsilon)]
        pair = circuit("loop", [(0, 1), (1, 0)], device=device, active=(1,))
        loop_response = response(bench, pair.network, np.array([0]))
        value, U = loop_response.value(lambda T: np.asarray(T[0, 0]))
        gain.append(float(value))
        rows.append((f"loop of 2, 1 - R2/R1 = {epsilon:g}", float(value), U))
    growth = gain[-1] / gain[0]
    # a rounding in R1 - R2 weighs 1/epsilon times as much
    U_growth = growth * (U / gain[-1] + float(np.finfo(float).eps) / detuning[-1])
    findings.append(refutes("growth of |(A R A^t)^-1| as R2 -> R1, against R2 = R1/2", growth, U_growth))
    refused = 0
    try:
        equal = circuit("loop", [(0, 1), (1, 0)], device=Resistor(np.array(1.0)), drive={0: 1.0}, active=(1,))
        bench.run(equal.network, 1.0, 0.1)
    except RunFailed:
        refused = 1
    findings.append(equals("ngspice refuses the loop with R2 = R1 (1 = yes)", refused, 0.0, 1.0))
    picture = Panel(
        "Loop of two, P = (+, -): current per volt",
        "1 - R2/R1",
        "i R1 / S",
        (
            Series(detuning, gain, "ngspice", "points"),
            Series(detuning, [1.0 / e for e in detuning], "R1/(R1 - R2)"),
        ),
        log_x=True,
        log_y=True,
    )
    return Evidence(tuple(findings), rows=tuple(rows), panels=(picture,))


def against_theory(
    bench: Bench, case: Circuit, theory: Network, method: str, *, steps: int = 200
) -> tuple[float, float]:
    """(max |w_spice - w_theory|, U) by the ladder of `validate`: of the states, whichever signal decides there."""
    from spicebridge.verify.comparison import validate

    verdict = bench.keep(
        f"{case.name} {case.stop:g} {theory.J.tolist()} {theory.device(0)!r} {theory.loop_matrix!r} {method}",
        lambda: validate(theory, [0.0, case.stop], circuit=case.network, method=method, step=case.stop / steps),
    )
    states = verdict.signals["state"]
    return states.error, states.uncertainty


@claim(
    "p1.eq4",
    title="The equation of the network",
    printed="dW/dt = alpha W - (1/beta) (I + xi Omega W)^-1 Omega S",
    exact="J dw/dt = alpha J w - (1/beta) (I + xi Ob W)^-1 Ob P S: exact in the bulk; W need not be invertible",
    status=Status.EXACT,
    circuits="the graphs of p1.eq3, alpha = 0.1/s, random J, mixed P, AC (seed 11); K4 with half of w at 0",
    mutant="polarity J left out of the equation",
    applies=lambda network: linear_memristors(network, "current"),
)
def network_equation(bench: Bench) -> Evidence:
    device = caravelli(alpha=0.1)
    cases = bench.circuits(makers(mixed=True, polarity=True, device=device, stop=1.0))
    if bench.network is None:
        half = random_circuit("K4", device=device, stop=1.0, ac=False)
        w = np.where(np.arange(6) % 2, half.network.initial_state, 0.0)
        S = np.where(np.arange(6) % 2, -0.1, -0.2)
        cases.append(Circuit("K4, half of w at 0", half.network.with_initial_state(w).with_drive(S), 1.0))
    rows = []
    for case in cases:
        flipped = case.network.with_polarity(-case.network.J)
        theory = flipped if bench.mutant else case.network
        rows.append((case.name, *against_theory(bench, case, theory, "projector")))
    return Evidence((worst("max |w_spice - w_projector|", rows, resolution=1e-5),), rows=tuple(rows))


@claim(
    "p1.eq4.singular",
    title="Sign patterns without a projector",
    printed="Ob = A^t (A P A^t)^-1 A P exists for every mixture of active and passive memristors",
    exact="30 of the 64 sign patterns of K4 make A P A^t singular, while the circuit itself is fine: "
    "use the mesh or nodal form",
    status=Status.WRONG,
    circuits="K4: all 64 patterns at w = 0 in ngspice, where A P R A^t = Ron A P A^t; one singular pattern at random w "
    "(seed 11)",
    mutant="K4 without its last edge",
)
def no_projector(bench: Bench) -> Evidence:
    edges = K4[:-1] if bench.mutant else K4
    drive = np.random.default_rng(11).uniform(-0.1, 0.1, len(edges))
    base = circuit("K4", edges, initial_state=0.0, drive=drive).network
    A = np.rint(matrices(base)[0])
    m = len(edges)
    signs = 1.0 - 2.0 * np.array([[(code >> k) & 1 for k in range(m)] for code in range(2**m)])
    singular = np.rint(np.linalg.det(np.einsum("ak,pk,bk->pab", A, signs, A))) == 0
    tried = range(0, 2**m, 7 if bench.quick else 1)
    failed = np.array([_refused(bench, base.with_active(np.flatnonzero(signs[code] < 0).tolist())) for code in tried])
    wrong = int((failed != singular[list(tried)]).sum())
    findings = [
        equals("sign patterns of K4 with det(A P A^t) = 0", int(singular.sum()), 0.0, 30.0),
        equals(f"of {len(tried)} patterns, refused by ngspice at w = 0 against det = 0", wrong, 0.0, 0.0),
        refutes("share of the patterns that ngspice refuses", float(failed.mean()), 0.0),
    ]
    if not bench.quick:
        findings.insert(0, equals("sign patterns that ngspice cannot solve at w = 0", int(failed.sum()), 0.0, 30.0))
    numbers: dict[str, float | str] = {}
    if not bench.mutant:
        fine = random_circuit("K4", seed=11)
        q = signs * fine.network.resistance(fine.network.initial_state)
        condition = np.linalg.cond(np.einsum("ak,pk,bk->pab", A, q, A))
        chosen = int(np.where(singular, condition, np.inf).argmin())
        active = np.flatnonzero(signs[chosen] < 0).tolist()
        case = Circuit("K4, A P A^t singular", fine.network.with_active(active), 0.5)
        no_form = 0
        try:
            from spicebridge.theory import integrate

            integrate(case.network, [0.0, 0.1], method="projector")
        except ProjectorSingular:
            no_form = 1
        error, U = against_theory(bench, case, case.network, "nodal")
        findings += [
            equals("the projector form refuses the pattern (1 = yes)", no_form, 0.0, 1.0),
            vanishes("max |w_spice - w_nodal| on it", error, U, resolution=1e-5),
        ]
        numbers["condition of A P R A^t there"] = float(condition[chosen])
    return Evidence(tuple(findings), numbers=numbers)


BEYOND = 1e6
"""Currents this many times S/Ron are what rounding makes of a singular circuit."""


def _refused(bench: Bench, network: Network) -> bool:
    """Whether ngspice finds no currents for it, or none of a size that Ron would allow."""
    try:
        waves = bench.run(network, 1e-6, 1e-6)
    except RunFailed:
        return True
    return bool(np.abs(waves.current).max() * R_ON > BEYOND * np.abs(network.bank(0.0)).max())


@claim(
    "p1.eq5",
    title="Omega from nodes",
    printed="Omega = I - B^t (B B^t)^-1 B",
    exact="I - Omega = B_r^t (B_r B_r^t)^-1 B_r with one row of B left out per component",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge and two components, 3x3 grid, random graph (seed 5): Omega measured",
    mutant="one node too many left out",
)
def from_nodes(bench: Bench) -> Evidence:
    rows = []
    for name in list(GRAPHS)[: 2 if bench.quick else None]:
        network = circuit(name, GRAPHS[name][0], initial_state=0.0).network
        from spicebridge.theory.currents.topology import Topology

        topology = Topology.of(network)
        left_out = topology.roots.tolist()
        if bench.mutant:
            left_out.append(next(k for k in range(network.n_nodes) if k not in left_out))
        B = np.delete(topology.B.toarray(), left_out, axis=0)
        projector = B.T @ np.linalg.solve(B @ B.T, B)
        measured = response(bench, network)

        def gap(T: Array, q: Array = measured.q, projector: Array = projector) -> Array:
            return np.asarray(np.eye(q.size) - T * q - projector)

        value, U = measured.value(gap)
        rows.append((name, float(np.abs(value).max()), U))
    return Evidence((worst("|I - Omega_measured - projector of B|", rows, resolution=1e-8),), rows=tuple(rows))
