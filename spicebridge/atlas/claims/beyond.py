"""Beyond the papers: Omega as it is measured, and active circuits with parasitic elements.

T = di/dS = A^t (A Q A^t)^-1 A,   Ob = T Q,   Q = diag(P R)
n_-(A Q A^t) + n_-(B Q^-1 B^t) = n_-(Q)
series inductance l     l A A^t dj/dt = -A Q A^t j + A S          stable iff A Q A^t > 0
node capacitance c      c dp/dt = -B Q^-1 B^t p - B Q^-1 S         stable iff B Q^-1 B^t > 0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import Row
from spicebridge.atlas.circuits import K4, Edges, NamedCircuit, Standard, circuit, matrices
from spicebridge.atlas.claim import Claim
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, vanishing
from spicebridge.atlas.runs import Bench
from spicebridge.circuit.deck.elements import CapacitorElement, Deck, Element, InductorElement, ResistorElement
from spicebridge.drives import Pulse
from spicebridge.errors import RunFailed
from spicebridge.laws import Resistor
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.verify.trial import SOLVER_FLOOR

SHARP = 1e-9
"""Bar on the uncertainty of measured projectors."""


MIXED = Standard(mixed=True, stop=1.0)
OHMIC = ("memory", "loop")


@Claim(
    "new.omega",
    "The measured response is a projector",
    printed="Omega = A^t (A A^t)^-1 A (Eq. 4 of paper 1), from the graph",
    exact="Ob = (di/dS) P R, read one unit source after the other with frozen w, satisfies Ob^2 = Ob to 1e-9",
    on=MIXED,
    mutant="the resistances taken at w = 0",
    changed={"share": 0.0},
    needs=OHMIC,
)
def projector(bench: Bench, share: float = 1.0) -> ClaimEvidence:
    def gap(case: NamedCircuit) -> Row:
        q = case.network.P * case.network.resistance(share * case.network.initial_state)
        return bench.response_row(case.name, case.network, lambda T: (T * q) @ (T * q) - T * q)

    cases = bench.cases()
    first = cases[0]
    shown = bench.respond(first.network).Ob.tolist()
    picture = Panel(title=f"Measured Ob, {first.name}", x="driven edge", y="edge", matrix=shown)
    return vanishing("|Ob^2 - Ob|", [gap(case) for case in cases], resolution=SHARP, panels=[picture])


@Claim(
    "new.omega.trace",
    "Trace of the measured response: number of loops",
    printed="Omega projects on the space of loops (Eq. 4 of paper 1)",
    exact="trace Ob = L, the number of independent loops, for any signs and states",
    on=MIXED,
    mutant="one loop less counted",
    changed={"less": 1},
    needs=OHMIC,
)
def trace(bench: Bench, less: int = 0) -> ClaimEvidence:
    def gap(case: NamedCircuit) -> Row:
        loops, measured = Topology.of(case.network).n_loops - less, bench.respond(case.network)
        value, U = measured.value(lambda T: np.trace(T * measured.q) - loops)
        return bars.largest(f"{case.name}, L = {loops}", value, U)

    return vanishing("|trace Ob - L|", [gap(case) for case in bench.cases()], resolution=SHARP)


TWO_BLOCKS: Edges = [(0, 1), (1, 2), (2, 0), (0, 2), (2, 3), (3, 4), (4, 2), (3, 2)]
"""Two blocks of four edges that share node 2."""


@Claim(
    "new.omega.symmetric",
    "When the projector is orthogonal",
    printed="Omega is symmetric (Eq. 4 of paper 1)",
    exact="with equal R, Ob is symmetric if and only if P is constant on every block of the graph",
    circuits="two blocks at one node, all 256 sign patterns by theory; 2 + 6 patterns measured (seed 95)",
    mutant="blocks merged into one",
    changed={"second": 0},
)
def symmetric(bench: Bench, second: int = 1) -> ClaimEvidence:
    base = circuit("two blocks", TWO_BLOCKS, initial_state=0.0).network
    A = matrices(base)[0]
    blocks = np.array([0, 0, 0, 0, second, second, second, second])
    wrong, regular = 0, 0
    for code in range(256):
        P = np.array([1.0 - 2.0 * ((code >> k) & 1) for k in range(8)])
        mesh = (A * P) @ A.T
        if abs(np.linalg.det(mesh)) < 0.5:
            continue
        regular += 1
        Ob = A.T @ np.linalg.solve(mesh, A * P)
        even = bool(np.abs(Ob - Ob.T).max() < 1e-9)
        constant = all(np.ptp(P[blocks == b]) == 0.0 for b in set(blocks.tolist()))
        wrong += even != constant

    def skew(T: Array, q: Array) -> Array:
        return np.asarray(T * q - (T * q).T)

    exact: list[Row] = []
    findings = [bars.equals("sign patterns against the rule", float(wrong), 0.0, 0.0)]
    patterns = [[4, 5, 6, 7], [0, 1, 2, 3], [1], [5], [0, 4], [1, 2, 6]]
    for active in patterns[: 3 if bench.quick else None]:
        network = base.with_active(active)
        if abs(np.linalg.det((A * network.P) @ A.T)) < 0.5:
            continue
        measured = bench.respond(network)
        row = bars.largest(f"active edges {active}", *measured.value(partial(skew, q=measured.q)))
        if len(active) == 4:
            exact.append(row)
        else:
            findings.append(bars.at_least(f"|Ob - Ob^t|, {row[0]}", row[1], row[2], 0.1))
    main = bars.worst("|Ob - Ob^t|, P constant on blocks", exact, resolution=SHARP)
    return ClaimEvidence(findings=[main, *findings], rows=exact, numbers={"regular patterns": float(regular)})


@Claim(
    "new.bridge",
    "Bridges carry no current",
    exact="an edge in no loop carries no current, Omega_kk = 0, whatever its source",
    circuits="triangle, bridge and square with sources on every edge, DC (seed 96); response of the bridge measured",
    mutant="an edge of a loop read instead",
    changed={"of_a_loop": True},
    needs=("memory", "graph", "bridge", "loop", "source"),
)
def bridge(bench: Bench, of_a_loop: bool = False) -> ClaimEvidence:
    edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 6), (6, 3)]
    drive = np.random.default_rng(96).uniform(-0.3, 0.3, 8)
    own = bench.network is not None
    case = bench.own() if own else circuit("triangle, bridge, square", edges, drive=drive, initial_state=0.5)
    bridges = Topology.of(case.network).bridges
    k = np.setdiff1d(np.arange(case.network.n_edges), bridges)[:1] if of_a_loop else bridges
    measured = bench.respond(case.network)
    _, alone, U_alone = bench.pair(case).row(lambda waves: waves.current[:, k] / np.abs(waves.current).max())
    _, along, U = bars.largest(case.name, *measured.value(lambda T: T[k] * measured.q[k][:, None]))
    findings = [
        bars.vanishes("current of the bridge / largest current", alone, U_alone, resolution=1e-8),
        bars.vanishes("largest |Ob_kj| of the bridge", along, U, resolution=SHARP),
    ]
    return ClaimEvidence(findings=findings)


UNEQUAL = np.array([1.0, 2.3, 1.7, 3.1, 0.8, 1.3])
"""ohm, of the resistors of K4."""


def _k4(active: Sequence[int], r: Array) -> Network:
    return circuit("K4", K4, device=[Resistor(np.array(x)) for x in r.tolist()], active=active).network


def _sign_patterns(quick: bool) -> list[list[int]]:
    patterns = [[k for k in range(6) if code >> k & 1] for code in range(1, 64)]
    return patterns[:: 9 if quick else 1]


@Claim(
    "new.inertia",
    "The inertia identity of active circuits",
    exact="n_-(A P R A^t) + n_-(B (P R)^-1 B^t) = n_-(P)",
    circuits="K4 of unequal resistors, all 63 patterns with active edges: signs of measured responses",
    mutant="the nodal part counted on the reduced passive twin",
    changed={"twin": True},
    cost=15.0,
)
def inertia(bench: Bench, twin: bool = False) -> ClaimEvidence:
    broken, counted, closest = 0, 0, np.inf
    patterns = _sign_patterns(bench.quick)
    for active in patterns:
        network = _k4(active, UNEQUAL)
        try:
            measured = bench.respond(network)
        except RunFailed:
            continue
        T, q = measured.T, measured.q
        nodal = np.diag(q) - q[:, None] * T * q
        if twin:
            nodal = np.abs(np.diag(q)) - nodal
        # three eigenvalues of each belong to its space, three are zero
        kept = np.array([sorted(np.linalg.eigvalsh(0.5 * (M + M.T)), key=abs)[3:] for M in (T, nodal)])
        closest = min(closest, float(np.abs(kept).min()))
        broken += int((kept < 0).sum()) != len(active)
        counted += 1
    findings = [
        bars.equals("patterns that break the identity", float(broken), 0.0, 0.0),
        bars.equals("patterns measured", float(counted), 0.0, float(len(patterns))),
        bars.at_least("least eigenvalue whose sign was counted", closest, 1e-9, 1e-3),
    ]
    return ClaimEvidence(findings=findings)


PARASITIC_L, PARASITIC_C = 1e-3, 1e-3
"""H in series with every edge, F from every node to ground: rates of about 1000/s with 1 ohm."""


def with_inductance(deck: Deck, size: float = PARASITIC_L) -> Deck:
    """A readable deck of resistors with an inductor in series with each."""
    elements: list[Element] = []
    for element in deck.elements:
        if isinstance(element, ResistorElement):
            middle = f"q{element.name[1:]}"
            elements.append(InductorElement(f"LP{element.name[1:]}", element.plus, middle, size))
            elements.append(replace(element, plus=middle))
        else:
            elements.append(element)
    return replace(deck, elements=tuple(elements))


def with_capacitance(deck: Deck, size: float = PARASITIC_C) -> Deck:
    """A readable deck with a capacitor from every node of the network to ground."""
    nodes: dict[str, None] = {}
    for element in deck.elements:
        for node in (getattr(element, "plus", "0"), getattr(element, "minus", "0")):
            if node != "0" and node[0] == "n":
                nodes[node] = None
    extra = tuple(CapacitorElement(f"CP{node[1:]}", node, "0", size) for node in nodes)
    return replace(deck, elements=deck.elements + extra)


def mesh_rates(A: Array, B: Array, q: Array, size: float = PARASITIC_L) -> Array:
    """1/s, of the loop currents with series inductance."""
    return np.asarray(-np.linalg.eigvals(np.linalg.solve(A @ A.T, (A * q) @ A.T)) / size)


def node_rates(A: Array, B: Array, q: Array, size: float = PARASITIC_C) -> Array:
    """1/s, of the node potentials with capacitance to ground."""
    return np.asarray(-np.linalg.eigvals((B / q) @ B.T) / size)


def growth_rate(bench: Bench, network: Network, transform: Callable[[Deck], Deck], rate: float) -> tuple[float, float]:
    """Measured growth (1/s) of the currents after a short pulse, and U; `rate` (1/s) sets span and step.

    The pulse is over before the reading begins, so that the natural response is left.
    """
    stop = 8.0 / rate
    rng = np.random.default_rng(5)
    drives = {
        k: Pulse(0.0, float(x), 0.0, stop / 100, stop / 100, stop / 100) for k, x in enumerate(rng.normal(size=6))
    }
    probe = network.with_drive(drives)
    found = []
    for steps in (2000, 4000):
        waves = bench.run(probe, stop, stop / steps, transform=transform, form="readable")
        at = waves.resample(np.array([0.75, 1.0]) * stop).current
        size = np.linalg.norm(at, axis=1)
        found.append(float(np.log(size[1] / size[0]) / (0.25 * stop)))
    return found[1], abs(found[1] - found[0])


def _grows(
    bench: Bench,
    transform: Callable[[Deck], Deck],
    rates: Callable[[Array, Array, Array], Array],
    what: str,
    sign: float,
) -> ClaimEvidence:
    """Measured growth against the spectrum of a parasitic circuit, for sign patterns of K4."""
    A, B, _ = matrices(_k4([], UNEQUAL))
    rows: list[Row] = []
    wrong, unstable, points = 0, 0, []
    for active in [*_sign_patterns(True)[: 4 if bench.quick else None], [], [0], [1]]:
        network = _k4(active, UNEQUAL)
        spectrum = rates(A, B[1:], network.P * UNEQUAL)
        order = np.sort(spectrum.real)[::-1]
        top, next_top = float(order[0]), float(order[1])
        size = float(np.abs(spectrum).max())
        # a second mode of nearly the same rate would still be there at the reading
        if abs(top) < 0.02 * size or top - next_top < 0.15 * abs(top):
            continue
        value, U = bench.keep(f"{what} {active}", partial(growth_rate, bench, network, transform, abs(top)))
        # what is left of the second mode after six spans of the first
        U += abs(top) * float(np.exp(-6.0 * (top - next_top) / abs(top)))
        top *= sign
        rows.append((f"active edges {active}", abs(value - top) / abs(top), 2.0 * U / abs(top)))
        wrong += (value > 0.0) != (top > 0.0)
        unstable += top > 0.0
        points.append((top, value))
    findings = (
        bars.equals(f"patterns whose sign of {what} misses the growth", float(wrong), 0.0, 0.0),
        bars.at_least("unstable patterns seen", float(unstable), 0.0, 1.0),
        bars.worst("|measured rate / rate of the spectrum - 1|", rows, resolution=0.2),
    )
    known, seen = zip(*points, strict=True)
    line = [min(known), max(known)]
    picture = Panel(
        title=f"Growth with parasitics, sign of {what}",
        x="rate of the spectrum (1/s)",
        y="rate in ngspice (1/s)",
        series=[
            Series(x=known, y=seen, label="ngspice", style="points"),
            Series(x=line, y=line, label="equal", style="dashed"),
        ],
    )
    return ClaimEvidence(findings=findings, rows=rows, panels=[picture])


@Claim(
    "new.inductance",
    "Stability against series inductance",
    exact="stable against parasitic series inductance if and only if A P R A^t > 0",
    circuits="K4 of resistors, 10 sign patterns, 1 mH in series with every edge: growth of the currents after a pulse",
    mutant="the sign of the growth turned",
    changed={"sign": -1.0},
    cost=8.0,
)
def inductance(bench: Bench, sign: float = 1.0) -> ClaimEvidence:
    return _grows(bench, with_inductance, mesh_rates, "A P R A^t", sign)


@Claim(
    "new.capacitance",
    "Stability against node capacitance",
    exact="stable against parasitic node capacitance if and only if B (P R)^-1 B^t > 0",
    circuits="K4 of resistors, 10 sign patterns, 1 mF from every node to ground: growth of the currents after a pulse",
    mutant="the sign of the growth turned",
    changed={"sign": -1.0},
    cost=8.0,
)
def capacitance(bench: Bench, sign: float = 1.0) -> ClaimEvidence:
    return _grows(bench, with_capacitance, node_rates, "B (P R)^-1 B^t", sign)


@Claim(
    "new.hidden",
    "An implicit integrator hides the instability",
    exact="a circuit that grows at more than 1e5/s looks perfect at a step of 0.01 s: screen signs before the run",
    circuits="K4 with one active edge, 10 uH in series with every edge, steps of 0.01 s and of 20 ns",
    mutant="the active edge made passive",
    changed={"active": ()},
)
def hidden(bench: Bench, active: tuple[int, ...] = (0,)) -> ClaimEvidence:
    r = np.array([10.0, 2.3, 1.7, 3.1, 0.8, 1.3])
    small = 1e-5
    network = _k4(active, r)
    A, B, _ = matrices(network)
    top = float(mesh_rates(A, B, network.P * r, small).real.max())
    driven = network.with_drive({1: 1.0, 4: -0.5})
    static = bench.run(driven, 1.0, 0.01)
    parasitic = bench.run(driven, 1.0, 0.01, transform=partial(with_inductance, size=small), form="readable")
    scale = float(np.abs(static.current).max())
    gap = float(np.abs(parasitic.resample(static.t).current - static.current).max()) / scale
    rate, U = growth_rate(bench, network, partial(with_inductance, size=small), abs(top))
    findings = (
        bars.vanishes("difference from the circuit without parasitics at 0.01 s", gap, SOLVER_FLOOR, resolution=1e-8),
        bars.at_least("growth rate in 1/s at a small step", rate, U, 1e5),
        bars.equals("the same against the spectrum", rate, U, top, resolution=1e-3 * abs(top)),
    )
    return ClaimEvidence(findings=findings, numbers={"rate of the spectrum in 1/s": top})
