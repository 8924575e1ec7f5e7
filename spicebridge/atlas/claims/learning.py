"""Paper 1, Eqs. 40-61: the dynamics as gradient descent, and voltage control.

equal w     Ron i = Omega S/(1 + xi w)
weak        dW = -(dt/beta) Omega grad F + O(xi^2),  F = S.W - (xi/2) sum_i (Omega S)_i W_i^2
any xi      w = w0 + A^t c,   A (1 + xi w) A^t dc/dt = -(1/beta) d(S.w)/dc          (P = I)
            d(S.w)/dt = -(Ron/beta) S.i <= 0,   sum_ij (Omega_ij/2) S_j w_i^2 never increases
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from spicebridge.analysis.affine import affine
from spicebridge.analysis.lyapunov import functional
from spicebridge.arrays import Array
from spicebridge.atlas import bars
from spicebridge.atlas.bars import Row
from spicebridge.atlas.circuits import BARE, GRAPHS, NamedCircuit, Standard, caravelli, circuit, laws_of, loop, matrices
from spicebridge.atlas.claim import Claim
from spicebridge.atlas.claims.regimes import FROZEN, WEAK, with_xi
from spicebridge.atlas.evidence import ClaimEvidence, Panel, Series, never_rises, order_of, points, refuted, vanishing
from spicebridge.atlas.runs import Bench, Pair, integral, slope
from spicebridge.laws.base import changed
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

SHARP = 1e-6

EULER = [(k, (k + 1) % 5) for k in range(5)] + [(k, (k + 2) % 5) for k in range(5)]
"""K5 with as many edges in as out at every node: the vector of ones is a circulation."""
DESCENT = ("memory", "passive", "forward", "constant", "current", "no alpha", "one law", "rises", "source", "loop")


@Claim(
    "p1.eq40",
    "Currents at equal states (Eqs. 40-44)",
    printed="r* = xi w/(1 + xi w) Omega S at equal w (Eqs. 40-44)",
    exact="exact at equal w: Omega S - Ron i = xi w/(1 + xi w) Omega S",
    circuits="K4, 3x3 grid, random graph (seed 5): Omega and the response at w = 0.2, 0.5, 0.9 measured",
    mutant="1 + xi w left out",
    changed={"power": 0.0},
    needs=FROZEN,
)
def equal_states(bench: Bench, power: float = 1.0) -> ClaimEvidence:
    def gaps(name: str, network: Network) -> list[Row]:
        r_on, xi = float(affine(network).r0[0]), float(affine(network).kappa[0])
        plain = bench.respond(network.with_initial_state(0.0))
        Omega, other = r_on * plain.T, r_on * plain.value(np.asarray)[1]

        def gap(w: float) -> Row:
            factor = xi * w / (1.0 + xi * w) ** power
            here = network.with_initial_state(w)
            what, value, U = bench.response_row(f"{name}, w = {w:g}", here, lambda T: Omega - r_on * T - factor * Omega)
            return what, value, U + other

        return [gap(w) for w in (0.2, 0.5, 0.9)]

    if bench.network is not None:
        rows = gaps("the network given", bench.network)
    else:
        names = BARE[: 1 if bench.quick else 3]
        rows = [row for name in names for row in gaps(name, circuit(name, GRAPHS[name]).network)]
    return vanishing("|Omega - Ron T - xi w/(1 + xi w) Omega|", rows, resolution=1e-8)


@Claim(
    "p1.eq44",
    "When equal states stay equal",
    printed="equal w, an ansatz under which Eqs. 40-44 hold",
    exact="an ansatz that is consistent along the motion if and only if Omega S is uniform",
    circuits="loop of 4, K5 with Eulerian orientation, equal sources; K4, 3x3 grid, random graph under random DC",
    mutant="one source of the uniform circuits 5 % larger on a chord of K5",
    changed={"larger": 1.05},
)
def staying_equal(bench: Bench, larger: float = 1.0) -> ClaimEvidence:
    def spread(case: NamedCircuit) -> Row:
        return bench.pair(case).row(lambda waves: np.ptp(waves.state, axis=1))

    sources = np.where(np.arange(10) == 3, larger, 1.0) * 0.4
    uniform = [
        circuit("loop of 4, equal sources", loop(4), drive=0.4, initial_state=0.6),
        circuit("K5 with Eulerian orientation, equal sources", EULER, drive=sources, initial_state=0.6),
    ]
    other = Standard(names=BARE, quick=1, ac=False).circuits(quick=bench.quick)
    exact = [spread(case) for case in uniform]
    apart = [spread(replace(case, network=case.network.with_initial_state(0.6))) for case in other]
    findings = [
        bars.worst("spread of the states, Omega S uniform", exact, resolution=SHARP),
        bars.stands_out("spread of the states, Omega S not uniform", apart),
    ]
    return ClaimEvidence(findings=findings, rows=[*exact, *apart])


@Claim(
    "p1.eq46",
    "An identity of the projector",
    printed="Omega diag(Omega S) 1 = S (Eq. 46; so it reads by its error of 0.71 on K4, the size of a dropped "
    "projector)",
    exact="Omega diag(Omega S) 1 = Omega S",
    on=Standard(names=BARE, quick=1),
    circuits="Omega measured at w = 0, 200 random S (seed 81); on K4 the printed one is off by sqrt(1 - L/M) = 0.71",
    needs=(*FROZEN, "tree"),
)
def identity(bench: Bench, corrected: bool = True, printed: bool = False) -> ClaimEvidence:
    rows: tuple[list[Row], list[Row]] = ([], [])
    off = []
    for case in bench.cases():
        network, r_on = case.network.with_initial_state(0.0), float(affine(case.network).r0[0])
        measured = bench.respond(network)
        S = np.random.default_rng(81).normal(size=(network.n_edges, 200))
        for out, projected in zip(rows, (corrected, printed), strict=True):

            def gap(T: Array, projected: bool = projected, r_on: float = r_on, S: Array = S) -> Array:
                once = r_on * T @ S
                return np.asarray(r_on * T @ once - (once if projected else S))

            value, U = measured.value(gap)
            out.append(bars.largest(case.name, value, U))
            if case.name.startswith("K4") and not projected:
                ratio = np.sqrt((value**2).sum(axis=0) / (S**2).sum(axis=0))
                rms, spread = float(np.sqrt((ratio**2).mean())), 2.0 * float(ratio.std() / np.sqrt(ratio.size))
                what = "relative error without the projector on K4, rms over S"
                off.append(bars.equals(what, rms, spread, np.sqrt(0.5)))
    what = "|Omega diag(Omega S) 1 - Omega S|"
    return refuted(what, rows[0], "|Omega diag(Omega S) 1 - S|", rows[1], resolution=1e-8, more=off)


def _in_the_limit(rows: list[Row]) -> tuple[float, float]:
    """(error for xi -> 0, U) from a halving sequence: one step of Richardson, and how far it moved."""
    first, second, third = (row[1] for row in rows[-3:])
    before, after = 2.0 * second - first, 2.0 * third - second
    return abs(after), abs(after - before)


def _small_xi(
    bench: Bench,
    errors: Callable[[NamedCircuit, float, str], Row],
    corrected: str,
    printed: str,
    what: str,
    steep: float,
) -> ClaimEvidence:
    """Order of the error with the corrected functional, and what the printed one leaves as xi -> 0."""
    findings, rows, series = [], [], []
    for case in bench.cases():
        good, bad = ([errors(case, xi, which) for xi in WEAK] for which in (corrected, printed))
        order, U = order_of(WEAK, good)
        findings.append(bars.equals(f"order of {what} ({case.name})", order, U, 2.0, resolution=steep))
        left, U = _in_the_limit(bad)
        findings.append(bars.refutes(f"{what} as printed for xi -> 0 ({case.name})", left, U + bad[-1][2]))
        rows += [*good, *bad]
        series += [points(WEAK, good, "corrected"), points(WEAK, bad, "printed")]
    picture = Panel(title=what, x="xi", y="relative error", series=series[:2], log_x=True, log_y=True)
    return ClaimEvidence(findings=findings, rows=rows, panels=[picture])


def _slope_of(which: str, xi: float, S: Array, w: Array, Omega: Array) -> tuple[Array, Array]:
    """(F, grad F) of the printed functional -((xi - 1)/2) sum (Omega S)_i w_i^2, or of the corrected one."""
    b = Omega @ S
    if which == "printed":
        return np.asarray(-0.5 * (xi - 1.0) * w**2 @ b), np.asarray(-(xi - 1.0) * b * w)
    return np.asarray(w @ S - 0.5 * xi * w**2 @ b), np.asarray(S - xi * b * w)


@Claim(
    "p1.eq47",
    "Gradient descent at weak nonlinearity",
    printed="dW = +(dt (xi - 1)/beta) Omega diag(Omega S) W (Eq. 47)",
    exact="dW = -(dt/beta) Omega (S - xi diag(Omega S) W) + O(xi^2): the term without W dominates",
    on=Standard(names=BARE, quick=1, ac=False),
    circuits="xi = 0.1 to 0.00625: currents of frozen states",
    needs=(*FROZEN, "constant", "source", "current"),
)
def weak_gradient(bench: Bench, corrected: str = "corrected", printed: str = "printed") -> ClaimEvidence:
    def error(case: NamedCircuit, xi: float, which: str) -> Row:
        S, w, Omega = case.network.bank(0.0), case.network.initial_state, matrices(case.network)[2]
        network = with_xi(case.network, xi)
        r_on, measured = float(affine(network).r0[0]), bench.respond(network)
        known = Omega @ _slope_of(which, xi, S, w, Omega)[1]
        value, U = measured.value(lambda T: (r_on * T @ S - known) / np.linalg.norm(Omega @ S))
        return f"{case.name}, xi = {xi:g}, {which}", float(np.linalg.norm(value)), U * np.sqrt(S.size)

    return _small_xi(bench, error, corrected, printed, "error of dW", 0.1)


@Claim(
    "p1.eq48",
    "The functional that is minimised at weak nonlinearity",
    printed="dW = -(dt/beta) Omega grad F, F = -((xi - 1)/2) sum_i (Omega S)_i W_i^2 (Eq. 48)",
    exact="F = S.W - (xi/2) sum_i (Omega S)_i W_i^2 falls at the rate |Omega grad F|^2/beta + O(xi^2)",
    on=Standard(names=["K4"], ac=False, stop=1.0, amplitude=0.3),
    circuits="xi = 0.1 to 0.00625: fall of F along the run against int |Omega grad F|^2 dt/beta",
    needs=DESCENT,
)
def weak_functional(bench: Bench, corrected: str = "corrected", printed: str = "printed") -> ClaimEvidence:
    def error(case: NamedCircuit, xi: float, which: str) -> Row:
        S, Omega = case.network.bank(0.0), matrices(case.network)[2]
        gain = -float(affine(case.network).g[0])

        def balance(waves: Waveforms) -> Array:
            F, gradient = _slope_of(which, xi, S, waves.state, Omega)
            lost = gain * integral(waves.t, ((gradient @ Omega) ** 2).sum(axis=1))[-1]
            return np.asarray((F[-1] - F[0] + lost) / max(abs(F[-1] - F[0]), lost))

        small = with_xi(case.network, xi)
        twins = zip(laws_of(small), laws_of(case.network), strict=True)
        network = small.with_device([changed(law, beta=own.beta) for law, own in twins])
        pair = bench.pair(replace(case, network=network))
        return pair.row(balance, f"{case.name}, xi = {xi:g}, {which}")

    return _small_xi(bench, error, corrected, printed, "balance of F", 0.2)


@Claim(
    "p1.eq49",
    "The constraint of the descent (Eqs. 49-60)",
    printed="projected gradient descent under B W = 0 (Eqs. 49-60)",
    exact="the procedure is right; the constraint is B (W - W0) = 0",
    on=Standard(ac=False),
    needs=(*DESCENT, "graph", "tree"),
)
def constraint(bench: Bench, corrected: float = 1.0, printed: float = 0.0) -> ClaimEvidence:
    def node_sums(start: float) -> list[Row]:
        return bench.rows(
            lambda network, waves: (waves.state - start * waves.state[0]) @ matrices(network)[1].T, bulk=True
        )

    return refuted("|B (W - W0)|", node_sums(corrected), "|B W|", node_sums(printed), resolution=SHARP)


@Claim(
    "new.gradient",
    "Natural-gradient descent at every xi",
    printed="Eqs. 49-60 of paper 1, at weak nonlinearity",
    exact="w = w0 + A^t c, A (1 + xi w) A^t dc/dt = -(1/beta) d(S.w)/dc for P = J = I, alpha = 0",
    on=Standard(ac=False),
    mutant="the metric A A^t, without 1 + xi w",
    changed={"metric": 0.0},
    needs=DESCENT,
)
def natural_gradient(bench: Bench, metric: float = 1.0) -> ClaimEvidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        A, law = matrices(network)[0], affine(network)
        t = np.linspace(0.0, float(waves.t[-1]), 81)
        w = waves.resample(t).state
        rate = slope(t, np.linalg.lstsq(A.T, (w - w[0]).T, rcond=None)[0].T)
        force = np.einsum("ak,tk,bk,tb->ta", A, 1.0 + metric * law.kappa * w, A, rate)
        given = law.g[0] * (A @ network.bank(0.0))
        return np.asarray((force - given) / np.abs(given).max())[4:-4]

    rows = bench.rows(gap, bulk=True)
    return vanishing("|A (1 + xi w) A^t dc/dt + A S/beta| / max |A S/beta|", rows, resolution=1e-3)


def _half_turned(case: NamedCircuit, turned: bool, share: float = 1.0) -> NamedCircuit:
    if not turned:
        return case
    J = np.where(np.arange(case.network.n_edges) % 2, 1.0, -1.0)
    return NamedCircuit(case.name, case.network.with_polarity(J), case.stop * share)


@Claim(
    "new.descent",
    "S.w always falls",
    exact="d(S.w)/dt = -(Ron/beta) S.i <= 0 for P = J = I, alpha = 0, DC: what the sources deliver",
    on=Standard(ac=False),
    mutant="J = -1 on half of the edges",
    changed={"turned": True},
    needs=DESCENT,
)
def descent(bench: Bench, turned: bool = False) -> ClaimEvidence:
    def balance(network: Network, waves: Waveforms) -> Array:
        S, law = network.bank(0.0), affine(network)
        change = (waves.state - waves.state[0]) @ S
        return np.asarray((change - integral(waves.t, waves.current @ (S * law.g * law.r0))) / np.abs(change).max())

    def delivered(pair: Pair) -> Row:
        S = pair.network.bank(0.0)
        return pair.rise(lambda w: w @ S)

    pairs = [bench.pair(_half_turned(case, turned)) for case in bench.cases()]
    rows = [pair.residual(balance) for pair in pairs]
    rises = [delivered(pair) for pair in pairs]
    first = pairs[0]
    line = Series(x=first.fine.t[::8], y=(first.fine.state @ first.network.bank(0.0))[::8])
    picture = Panel(title=f"S.w, {first.circuit.name}", x="t (s)", y="S.w (V)", series=[line])
    main = bars.worst("|S.w + (Ron/beta) int S.i| / max |S.w|", rows, resolution=1e-5)
    return never_rises("S.w in V", rises, main, rows, [picture])


@Claim(
    "p1.eq60",
    "The functional of the learning rule never increases (after Eq. 60)",
    printed="f = sum_ij (Omega_ij/2) S_j W_i^2 is minimised (after Eq. 60)",
    exact="right at every xi for P = J = I, alpha = 0, DC, w > 0: df/dt = -(1/beta) y^t (W^-1 + xi Omega)^-1 y, y = "
    "Omega S, although the derivation by Eq. 47 does not lead to it",
    on=Standard(ac=False),
    mutant="J = -1 on half of the edges",
    changed={"turned": True},
    needs=DESCENT,
)
def learning_rule(bench: Bench, turned: bool = False) -> ClaimEvidence:
    def balance(network: Network, waves: Waveforms) -> Array:
        law, Omega = affine(network), matrices(network)[2]
        t, y = np.linspace(0.0, float(waves.t[-1]), 201), Omega @ network.bank(0.0)
        w = waves.resample(t).state
        loss = np.array([y @ np.linalg.solve(np.diag(1.0 / row) + law.kappa[0] * Omega, y) for row in w])
        f = functional(network.with_polarity(1), w)
        return np.asarray((f - f[0] - law.g[0] * integral(t, loss)) / np.ptp(f))

    pairs = [bench.pair(_half_turned(case, turned, 0.5), bulk=True) for case in bench.cases()]
    balances = [pair.residual(balance) for pair in pairs]
    rises = [pair.rise(partial(functional, pair.network.with_polarity(1))) for pair in pairs]
    main = bars.worst("|f - f(0) + int loss| / fall of f", balances, resolution=1e-4)
    return never_rises("f in V", rises, main, balances)


LINEAR = ("memory", "linear", "source", "loop")


@Claim(
    "p1.eq61",
    "Voltage control",
    printed="dW/dt = alpha W - (J/beta)(1 + xi W)(I + xi Omega W)^-1 Omega S (Eq. 61)",
    exact="exact for P = I, where |R| i is the drop",
    on=Standard(polarity=True, device=caravelli(alpha=0.2, control="voltage"), stop=1.0, amplitude=0.1),
    mutant="current control in the equation",
    changed={"control": "current"},
    needs=(*LINEAR, "passive"),
)
def voltage_control(bench: Bench, control: str = "voltage_eq61") -> ClaimEvidence:
    def apart(case: NamedCircuit) -> Row:
        truth, theory = (_controlled(case.network, how) for how in ("voltage", control))
        return bench.against_theory(replace(case, network=truth), theory, "projector")

    what = "|w - w(Eq. 61)| with the drop v in the circuit"
    return vanishing(what, [apart(case) for case in bench.cases()], resolution=1e-5)


def _controlled(network: Network, control: str) -> Network:
    return network.with_device([changed(law, control=control) for law in laws_of(network)])


@Claim(
    "p1.eq61.active",
    "Voltage control with active elements",
    printed="Eq. 61, in which |R| i is taken for the drop, for active elements too",
    exact="the true drop is P R i; the two readings are different laws, each followed by its own circuit",
    on=Standard(mixed=True, device=caravelli(control="voltage"), stop=0.5, amplitude=0.1),
    needs=(*LINEAR, "mixed"),
)
def voltage_active(bench: Bench, corrected: str = "voltage", printed: str = "voltage_eq61") -> ClaimEvidence:
    cases = bench.cases()

    def apart(case: NamedCircuit, reading: str) -> Row:
        truth = replace(case, network=_controlled(case.network, "voltage"))
        return bench.against_theory(truth, _controlled(case.network, reading))

    exact, other = ([apart(case, reading) for case in cases] for reading in (corrected, printed))
    for case in cases:
        own = _controlled(case.network, "voltage_eq61")
        exact.append(bench.against_theory(NamedCircuit(f"{case.name}, |R| i in the circuit", own, case.stop / 2), own))
    return refuted("|w - w(own reading)|", exact, "|w - w(printed reading)|", other, resolution=1e-5)
