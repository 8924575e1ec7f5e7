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
from spicebridge.atlas.circuits import BARE, GRAPHS, caravelli, circuit, laws_of, loop, matrices, standard
from spicebridge.atlas.claim import Evidence, Panel, Row, Series, Status, at_least, claim, equals, refutes
from spicebridge.atlas.claims.regimes import FROZEN, WEAK, with_xi
from spicebridge.atlas.runs import (
    Bench,
    Circuit,
    Pair,
    integral,
    largest,
    never_rises,
    order_of,
    refuted,
    residuals,
    rise_of,
    slope,
    value_of,
    vanishing,
    worst,
)
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

SHARP = 1e-6

EULER = [(k, (k + 1) % 5) for k in range(5)] + [(k, (k + 2) % 5) for k in range(5)]
"""K5 with as many edges in as out at every node: the vector of ones is a circulation."""
DESCENT = ("memory", "passive", "forward", "constant", "current", "no alpha", "one law", "rises", "source", "loop")


@claim(
    "p1.eq40",
    "Currents at equal states (Eqs. 40-44)",
    printed="r* = xi w/(1 + xi w) Omega S at equal w (Eqs. 40-44)",
    exact="exact at equal w: Omega S - Ron i = xi w/(1 + xi w) Omega S",
    circuits="K4, 3x3 grid, random graph (seed 5): Omega and the response at w = 0.2, 0.5, 0.9 measured",
    mutant="1 + xi w left out",
    changed={"power": 0.0},
    needs=FROZEN,
)
def equal_states(bench: Bench, power: float = 1.0) -> Evidence:
    rows: list[Row] = []
    own = [("the network given", bench.network)] if bench.network is not None else None
    made = [(name, circuit(name, GRAPHS[name][0]).network) for name in BARE[: 1 if bench.quick else 3]]
    for name, network in own or made:
        law = affine(network)
        r_on, xi = float(law.r0[0]), float(law.kappa[0])
        plain = bench.respond(network.with_initial_state(0.0))
        for w in (0.2, 0.5, 0.9):
            factor = xi * w / (1.0 + xi * w) ** power

            def gap(T: Array, Omega: Array = r_on * plain.T, factor: float = factor, r_on: float = r_on) -> Array:
                return np.asarray(Omega - r_on * T - factor * Omega)

            row = bench.response_row(f"{name}, w = {w:g}", network.with_initial_state(w), gap)
            rows.append((row[0], row[1], row[2] + r_on * plain.value(np.asarray)[1]))
    return vanishing("|Omega - Ron T - xi w/(1 + xi w) Omega|", rows, resolution=1e-8)


@claim(
    "p1.eq44",
    "When equal states stay equal",
    printed="equal w, an ansatz under which Eqs. 40-44 hold",
    exact="an ansatz that is consistent along the motion if and only if Omega S is uniform",
    circuits="loop of 4, K5 with Eulerian orientation, equal sources; K4, 3x3 grid, random graph under random DC",
    mutant="one source of the uniform circuits 5 % larger on a chord of K5",
    changed={"larger": 1.05},
)
def staying_equal(bench: Bench, larger: float = 1.0) -> Evidence:
    def spread(network: Network, waves: Waveforms) -> Array:
        return np.asarray(np.ptp(waves.state, axis=1))

    sources = np.where(np.arange(10) == 3, larger, 1.0) * 0.4
    uniform = [
        circuit("loop of 4, equal sources", loop(4), drive=0.4, initial_state=0.6),
        circuit("K5 with Eulerian orientation, equal sources", EULER, drive=sources, initial_state=0.6),
    ]
    other = bench.cases(standard(BARE, quick=1, ac=False))
    started = [Circuit(c.name, c.network.with_initial_state(0.6), c.stop) for c in other]
    exact, apart = (residuals([bench.pair(c) for c in cases], spread) for cases in (uniform, started))
    name, least, U = min(apart, key=lambda row: row[1])
    findings = (
        worst("spread of the states, Omega S uniform", exact, resolution=SHARP),
        at_least(f"spread of the states, Omega S not uniform ({name})", least, U, 10.0 * U),
    )
    return Evidence(findings=findings, rows=(*exact, *apart))


@claim(
    "p1.eq46",
    "An identity of the projector",
    printed="Omega diag(Omega S) 1 = S (Eq. 46; so it reads by its error of 0.71 on K4, the size of a dropped projector)",
    exact="Omega diag(Omega S) 1 = Omega S",
    status=Status.WRONG,
    on=standard(BARE, quick=1),
    circuits="Omega measured at w = 0, 200 random S (seed 81); on K4 the printed one is off by sqrt(1 - L/M) = 0.71",
    needs=(*FROZEN, "tree"),
)
def identity(bench: Bench, corrected: bool = True, printed: bool = False) -> Evidence:
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
            out.append(largest(case.name, value, U))
            if case.name.startswith("K4") and not projected:
                ratio = np.sqrt((value**2).sum(axis=0) / (S**2).sum(axis=0))
                rms, spread = float(np.sqrt((ratio**2).mean())), 2.0 * float(ratio.std() / np.sqrt(ratio.size))
                off.append(equals("relative error without the projector on K4, rms over S", rms, spread, np.sqrt(0.5)))
    what = "|Omega diag(Omega S) 1 - Omega S|"
    found = refuted(what, rows[0], "|Omega diag(Omega S) 1 - S|", rows[1], resolution=1e-8)
    return replace(found, findings=(*found.findings, *off))


def _in_the_limit(errors: list[float]) -> tuple[float, float]:
    """(error for xi -> 0, U) from a halving sequence: one step of Richardson, and how far it moved."""
    before, after = 2.0 * errors[-2] - errors[-3], 2.0 * errors[-1] - errors[-2]
    return abs(after), abs(after - before)


def _small_xi(
    bench: Bench, errors: Callable[[Circuit, float, str], Row], corrected: str, printed: str, what: str, steep: float
) -> Evidence:
    """Order of the error with the corrected functional, and what the printed one leaves as xi -> 0."""
    findings, rows, series = [], [], []
    for case in bench.cases():
        good, bad = ([errors(case, xi, which) for xi in WEAK] for which in (corrected, printed))
        order, U = order_of(WEAK, [e for _, e, _ in good], [u for _, _, u in good])
        findings.append(equals(f"order of {what} ({case.name})", order, U, 2.0, resolution=steep))
        left, U = _in_the_limit([e for _, e, _ in bad])
        findings.append(refutes(f"{what} as printed for xi -> 0 ({case.name})", left, U + bad[-1][2]))
        rows += [*good, *bad]
        series += [
            Series(x=WEAK, y=[e for _, e, _ in each], label=name, style="points")
            for each, name in ((good, "corrected"), (bad, "printed"))
        ]
    picture = Panel(title=what, x="xi", y="relative error", series=tuple(series[:2]), log_x=True, log_y=True)
    return Evidence(findings=tuple(findings), rows=tuple(rows), panels=(picture,))


def _slope_of(which: str, xi: float, S: Array, w: Array, Omega: Array) -> tuple[Array, Array]:
    """(F, grad F) of the printed functional -((xi - 1)/2) sum (Omega S)_i w_i^2, or of the corrected one."""
    b = Omega @ S
    if which == "printed":
        return np.asarray(-0.5 * (xi - 1.0) * w**2 @ b), np.asarray(-(xi - 1.0) * b * w)
    return np.asarray(w @ S - 0.5 * xi * w**2 @ b), np.asarray(S - xi * b * w)


@claim(
    "p1.eq47",
    "Gradient descent at weak nonlinearity",
    printed="dW = +(dt (xi - 1)/beta) Omega diag(Omega S) W (Eq. 47)",
    exact="dW = -(dt/beta) Omega (S - xi diag(Omega S) W) + O(xi^2): the term without W dominates",
    status=Status.WRONG,
    on=standard(BARE, quick=1, ac=False),
    circuits="xi = 0.1 to 0.00625: currents of frozen states",
    needs=(*FROZEN, "constant", "source", "current"),
)
def weak_gradient(bench: Bench, corrected: str = "corrected", printed: str = "printed") -> Evidence:
    def error(case: Circuit, xi: float, which: str) -> Row:
        S, w, Omega = case.network.bank(0.0), case.network.initial_state, matrices(case.network)[2]
        network = with_xi(case.network, xi)
        r_on, measured = float(affine(network).r0[0]), bench.respond(network)
        known = Omega @ _slope_of(which, xi, S, w, Omega)[1]
        value, U = measured.value(lambda T: (r_on * T @ S - known) / np.linalg.norm(Omega @ S))
        return f"{case.name}, xi = {xi:g}, {which}", float(np.linalg.norm(value)), U * np.sqrt(S.size)

    return _small_xi(bench, error, corrected, printed, "error of dW", 0.1)


@claim(
    "p1.eq48",
    "The functional that is minimised at weak nonlinearity",
    printed="dW = -(dt/beta) Omega grad F, F = -((xi - 1)/2) sum_i (Omega S)_i W_i^2 (Eq. 48)",
    exact="F = S.W - (xi/2) sum_i (Omega S)_i W_i^2 falls at the rate |Omega grad F|^2/beta + O(xi^2)",
    status=Status.WRONG,
    on=standard(["K4"], ac=False, stop=1.0, amplitude=0.3),
    circuits="xi = 0.1 to 0.00625: fall of F along the run against int |Omega grad F|^2 dt/beta",
    needs=DESCENT,
)
def weak_functional(bench: Bench, corrected: str = "corrected", printed: str = "printed") -> Evidence:
    def error(case: Circuit, xi: float, which: str) -> Row:
        S, Omega = case.network.bank(0.0), matrices(case.network)[2]
        law = affine(case.network)
        gain = -float(law.g[0])

        def balance(waves: Waveforms) -> Array:
            F, gradient = _slope_of(which, xi, S, waves.state, Omega)
            lost = gain * integral(waves.t, ((gradient @ Omega) ** 2).sum(axis=1))[-1]
            return np.asarray((F[-1] - F[0] + lost) / max(abs(F[-1] - F[0]), lost))

        small = with_xi(case.network, xi)
        small = small.with_device(
            [replace(d, beta=b.beta) for d, b in zip(laws_of(small), laws_of(case.network), strict=True)]
        )
        return largest(
            f"{case.name}, xi = {xi:g}, {which}", *value_of(balance, bench.pair(Circuit(case.name, small, case.stop)))
        )

    return _small_xi(bench, error, corrected, printed, "balance of F", 0.2)


@claim(
    "p1.eq49",
    "The constraint of the descent (Eqs. 49-60)",
    printed="projected gradient descent under B W = 0 (Eqs. 49-60)",
    exact="the procedure is right; the constraint is B (W - W0) = 0",
    status=Status.WRONG,
    on=standard(ac=False),
    needs=(*DESCENT, "graph", "tree"),
)
def constraint(bench: Bench, corrected: float = 1.0, printed: float = 0.0) -> Evidence:
    def node_sums(start: float) -> list[Row]:
        return bench.rows(
            lambda network, waves: (waves.state - start * waves.state[0]) @ matrices(network)[1].T, bulk=True
        )

    return refuted("|B (W - W0)|", node_sums(corrected), "|B W|", node_sums(printed), resolution=SHARP)


@claim(
    "new.gradient",
    "Natural-gradient descent at every xi",
    printed="Eqs. 49-60 of paper 1, at weak nonlinearity",
    exact="w = w0 + A^t c, A (1 + xi w) A^t dc/dt = -(1/beta) d(S.w)/dc for P = J = I, alpha = 0",
    on=standard(ac=False),
    mutant="the metric A A^t, without 1 + xi w",
    changed={"metric": 0.0},
    needs=DESCENT,
)
def natural_gradient(bench: Bench, metric: float = 1.0) -> Evidence:
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


def _half_turned(network: Network, turned: bool) -> Network:
    return network.with_polarity(np.where(np.arange(network.n_edges) % 2, 1.0, -1.0)) if turned else network


@claim(
    "new.descent",
    "S.w always falls",
    printed="(not in the papers)",
    exact="d(S.w)/dt = -(Ron/beta) S.i <= 0 for P = J = I, alpha = 0, DC: what the sources deliver",
    on=standard(ac=False),
    mutant="J = -1 on half of the edges",
    changed={"turned": True},
    needs=DESCENT,
)
def descent(bench: Bench, turned: bool = False) -> Evidence:
    def balance(network: Network, waves: Waveforms) -> Array:
        S, law = network.bank(0.0), affine(network)
        change = (waves.state - waves.state[0]) @ S
        return np.asarray((change - integral(waves.t, waves.current @ (S * law.g * law.r0))) / np.abs(change).max())

    cases = [Circuit(c.name, _half_turned(c.network, turned), c.stop) for c in bench.cases()]
    pairs = [bench.pair(case) for case in cases]
    rows = residuals(pairs, balance)

    def fall(pair: Pair) -> Row:
        S = pair.network.bank(0.0)
        value, U = value_of(lambda waves: rise_of(waves, lambda w: w @ S), pair)
        return f"{pair.circuit.name}, largest rise", float(value), U

    first = pairs[0]
    curve = first.fine.state @ first.network.bank(0.0)
    line = Series(x=first.fine.t[::8], y=curve[::8])
    picture = Panel(title=f"S.w, {first.circuit.name}", x="t (s)", y="S.w (V)", series=(line,))
    main = worst("|S.w + (Ron/beta) int S.i| / max |S.w|", rows, resolution=1e-5)
    return never_rises("S.w in V", [fall(pair) for pair in pairs], main, more_rows=rows, panels=(picture,))


@claim(
    "p1.eq60",
    "The functional of the learning rule never increases (after Eq. 60)",
    printed="f = sum_ij (Omega_ij/2) S_j W_i^2 is minimised (after Eq. 60)",
    exact="right at every xi for P = J = I, alpha = 0, DC, w > 0: df/dt = -(1/beta) y^t (W^-1 + xi Omega)^-1 y, y = Omega S, "
    "although the derivation by Eq. 47 does not lead to it",
    on=standard(ac=False),
    mutant="J = -1 on half of the edges",
    changed={"turned": True},
    needs=DESCENT,
)
def learning_rule(bench: Bench, turned: bool = False) -> Evidence:
    def balance(network: Network, waves: Waveforms) -> Array:
        law, Omega = affine(network), matrices(network)[2]
        t, y = np.linspace(0.0, float(waves.t[-1]), 201), Omega @ network.bank(0.0)
        w = waves.resample(t).state
        loss = np.array([y @ np.linalg.solve(np.diag(1.0 / row) + law.kappa[0] * Omega, y) for row in w])
        f = functional(network.with_polarity(1), w)
        return np.asarray((f - f[0] - law.g[0] * integral(t, loss)) / np.ptp(f))

    cases = [Circuit(c.name, _half_turned(c.network, turned), c.stop / (2 if turned else 1)) for c in bench.cases()]
    pairs = [bench.pair(case, bulk=True) for case in cases]

    def fall(pair: Pair) -> Row:
        of = partial(functional, pair.network.with_polarity(1))
        value, U = value_of(lambda waves: rise_of(waves, of), pair)
        return f"{pair.circuit.name}, largest rise", float(value), U

    balances = residuals(pairs, balance)
    main = worst("|f - f(0) + int loss| / fall of f", balances, resolution=1e-4)
    return never_rises("f in V", [fall(pair) for pair in pairs], main, more_rows=balances)


LINEAR = ("memory", "linear", "source", "loop")


@claim(
    "p1.eq61",
    "Voltage control",
    printed="dW/dt = alpha W - (J/beta)(1 + xi W)(I + xi Omega W)^-1 Omega S (Eq. 61)",
    exact="exact for P = I, where |R| i is the drop",
    on=standard(polarity=True, device=caravelli(alpha=0.2, control="voltage"), stop=1.0, amplitude=0.1),
    mutant="current control in the equation",
    changed={"control": "current"},
    needs=(*LINEAR, "passive"),
)
def voltage_control(bench: Bench, control: str = "voltage_eq61") -> Evidence:
    rows = []
    for case in bench.cases():
        truth, theory = (_controlled(case.network, how) for how in ("voltage", control))
        rows.append(bench.against_theory(Circuit(case.name, truth, case.stop), theory, "projector"))
    return vanishing("|w - w(Eq. 61)| with the drop v in the circuit", rows, resolution=1e-5)


def _controlled(network: Network, control: str) -> Network:
    return network.with_device([replace(law, control=control) for law in laws_of(network)])


@claim(
    "p1.eq61.active",
    "Voltage control with active elements",
    printed="Eq. 61, in which |R| i is taken for the drop, for active elements too",
    exact="the true drop is P R i; the two readings are different laws, each followed by its own circuit",
    status=Status.WRONG,
    on=standard(mixed=True, device=caravelli(control="voltage"), stop=0.5, amplitude=0.1),
    needs=(*LINEAR, "mixed"),
)
def voltage_active(bench: Bench, corrected: str = "voltage", printed: str = "voltage_eq61") -> Evidence:
    exact, other = (
        [
            bench.against_theory(
                Circuit(case.name, _controlled(case.network, "voltage"), case.stop), _controlled(case.network, reading)
            )
            for case in bench.cases()
        ]
        for reading in (corrected, printed)
    )
    own = [_controlled(case.network, "voltage_eq61") for case in bench.cases()]
    exact += [
        bench.against_theory(Circuit(f"{case.name}, |R| i in the circuit", network, case.stop / 2), network)
        for case, network in zip(bench.cases(), own, strict=True)
    ]
    return refuted("|w - w(own reading)|", exact, "|w - w(printed reading)|", other, resolution=1e-5)
