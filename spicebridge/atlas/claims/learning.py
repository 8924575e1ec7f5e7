"""Paper 1, Eqs. 40-61: the dynamics as gradient descent, and voltage control.

equal w     Ron i = Omega S/(1 + xi w)
weak        dW = -(dt/beta) Omega grad F + O(xi^2),  F = S.W - (xi/2) sum_i (Omega S)_i W_i^2
any xi      w = w0 + A^t c,   A (1 + xi w) A^t dc/dt = -(1/beta) d(S.w)/dc          (P = I)
            d(S.w)/dt = -(Ron/beta) S.i <= 0
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import (
    BETA,
    GRAPHS,
    K4,
    R_ON,
    XI,
    caravelli,
    circuit,
    laws,
    linear_memristors,
    loop,
    makers,
    matrices,
)
from spicebridge.atlas.claim import Evidence, Panel, Row, Series, Status, at_most, claim, equals, refutes
from spicebridge.atlas.response import response
from spicebridge.atlas.runs import (
    Bench,
    Circuit,
    least,
    order_of,
    residuals,
    side_by_side,
    value_of,
    vanishing,
    worst,
)
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

SHARP = 1e-6

EULER = [(k, (k + 1) % 5) for k in range(5)] + [(k, (k + 2) % 5) for k in range(5)]
"""K5 with as many edges in as out at every node: the vector of ones is a circulation."""


def _passive_dc(network: Network) -> str | None:
    reason = linear_memristors(network, "current")
    if reason:
        return reason
    if (network.P < 0).any() or (network.J < 0).any():
        return "it needs P = I and J = I"
    if not network.bank.constant:
        return "it needs constant sources"
    r0, kappa, a, g = laws(network)
    if a.any() or (g > 0).any():
        return "it needs paper 1's law with alpha = 0"
    return None if max(np.ptp(r0), np.ptp(kappa), np.ptp(g)) == 0.0 else "it needs equal memristors"


@claim(
    "p1.eq40",
    title="Currents at equal states (Eqs. 40-44)",
    printed="r* = xi w/(1 + xi w) Omega S",
    exact="exact at equal w: Omega S - Ron i = xi w/(1 + xi w) Omega S",
    status=Status.EXACT,
    circuits="K4, 3x3 grid, random graph (seed 5): Omega and the response at w = 0.2, 0.5, 0.9 measured",
    mutant="1 + xi w left out",
)
def equal_states(bench: Bench) -> Evidence:
    rows: list[Row] = []
    for name in [n for n in GRAPHS if "parallel" not in n][: 1 if bench.quick else 3]:
        edges = GRAPHS[name][0]
        plain = response(bench, circuit(name, edges, initial_state=0.0).network)
        Omega = R_ON * plain.T
        for w in (0.2, 0.5, 0.9):
            factor = XI * w if bench.mutant else XI * w / (1.0 + XI * w)

            def gap(T: Array, Omega: Array = Omega, factor: float = factor) -> Array:
                return np.asarray(Omega - R_ON * T - factor * Omega)

            value, U = response(bench, circuit(name, edges, initial_state=w).network).value(gap)
            rows.append((f"{name}, w = {w:g}", float(np.abs(value).max()), U + R_ON * plain.value(np.asarray)[1]))
    return vanishing("|Omega - Ron T - xi w/(1 + xi w) Omega|", rows, resolution=1e-8)


@claim(
    "p1.eq44",
    title="When equal states stay equal",
    printed="the states can be taken equal along the motion",
    exact="consistent only if Omega S is uniform",
    status=Status.WRONG,
    circuits="loop of 4, K5 with Eulerian orientation, equal sources; K4, 3x3 grid, random graph under random DC",
    mutant="one source of the uniform circuits 5 % larger on a chord of K5",
)
def staying_equal(bench: Bench) -> Evidence:
    def spread(network: Network, waves: Waveforms) -> Array:
        return np.asarray(np.ptp(waves.state, axis=1))

    sources = np.full(10, 0.4)
    if bench.mutant:
        sources[3] *= 1.05
    uniform = [
        circuit("loop of 4, equal sources", loop(4), drive=0.4, initial_state=0.6),
        circuit("K5 with Eulerian orientation, equal sources", EULER, drive=sources, initial_state=0.6),
    ]
    other = [
        Circuit(c.name, c.network.with_initial_state(0.6), c.stop)
        for c in bench.circuits(makers([n for n in GRAPHS if "parallel" not in n], ac=False), quick=1)
    ]
    exact = residuals(bench, [bench.pair(c) for c in uniform], spread)
    printed = residuals(bench, [bench.pair(c) for c in other], spread)
    findings = (
        worst("spread of the states, Omega S uniform", exact, resolution=SHARP),
        least("spread of the states, Omega S not uniform", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


@claim(
    "p1.eq46",
    title="An identity of the projector",
    printed="an identity that is off by 0.71 on K4, the size of a dropped projector",
    exact="Omega diag(Omega S) 1 = Omega S",
    status=Status.WRONG,
    circuits="K4, 3x3 grid, random graph (seed 5): Omega measured, 200 random S (seed 81)",
    mutant="the inner Omega dropped as well",
)
def identity(bench: Bench) -> Evidence:
    exact: list[Row] = []
    findings = []
    rng = np.random.default_rng(81)
    for name in [n for n in GRAPHS if "parallel" not in n][: 1 if bench.quick else 3]:
        network = circuit(name, GRAPHS[name][0], initial_state=0.0).network
        measured = response(bench, network)
        S = rng.normal(size=(network.n_edges, 200))

        def gap(T: Array, S: Array = S) -> Array:
            inner = S if bench.mutant else R_ON * T @ S
            return np.asarray(R_ON * T @ inner - inner)

        value, U = measured.value(gap)
        exact.append((name, float(np.abs(value).max()), U))
        if name == "K4":
            ratio = np.sqrt(((R_ON * measured.T @ S - S) ** 2).sum(axis=0) / (S**2).sum(axis=0))
            mean, spread = float(ratio.mean()), float(ratio.std() / np.sqrt(ratio.size))
            expected = np.sqrt(1.0 - 3.0 / 6.0)
            findings = [
                refutes("relative error without the projector (K4)", mean, spread),
                equals("the same, rms over S", float(np.sqrt((ratio**2).mean())), 2.0 * spread, float(expected)),
            ]
    main = worst("|Omega diag(Omega S) 1 - Omega S|", exact, resolution=1e-8)
    note = "0.71 = sqrt(1 - L/M) on K4"
    return Evidence((main, *findings), rows=tuple(exact), note=note)


_XI_LADDER = (0.1, 0.05, 0.025, 0.0125, 0.00625)


def _weak_errors(bench: Bench, xi: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """((error with S.W, U), (error without, U)), relative, of -beta dw/dt = Omega grad F on a K4 circuit."""
    rng = np.random.default_rng(82)
    S, w = rng.uniform(-0.3, 0.3, 6), rng.uniform(0.2, 0.8, 6)
    device = caravelli(r_off=R_ON * (1.0 + xi))
    network = circuit("K4", K4, device=device, initial_state=w, drive=S).network
    measured = bench.keep(f"weak {xi}", partial(response, bench, network))
    Omega = matrices(network)[2]
    b = Omega @ S
    quadratic = -xi * b * w
    if bench.mutant:
        quadratic = quadratic * 2.0

    def error(linear: Array) -> Any:
        top = float(np.abs(b).max())
        return lambda T: np.asarray((R_ON * T @ S - Omega @ (linear + quadratic)) / top)

    found = []
    for linear in (S, np.zeros(6)):
        value, U = measured.value(error(linear))
        found.append((float(np.abs(value).max()), U))
    return found[0], found[1]


@claim(
    "p1.eq47",
    title="Gradient descent at weak nonlinearity",
    printed="dW = -(dt/beta) Omega grad F with F quadratic in W",
    exact="F = S.W - (xi/2) sum_i (Omega S)_i W_i^2: the linear term dominates; error O(xi^2)",
    status=Status.WRONG,
    circuits="K4, random states and sources (seed 82), xi = 0.1 to 0.00625: currents of frozen states",
    mutant="the quadratic term doubled",
)
def weak_gradient(bench: Bench) -> Evidence:
    pairs = [_weak_errors(bench, xi) for xi in _XI_LADDER]
    good, bad = [p[0] for p in pairs], [p[1] for p in pairs]
    order, U = order_of(_XI_LADDER, [e for e, _ in good], [u for _, u in good])
    findings = (
        equals("order of the error with S.W", order, U, 2.0, resolution=0.1),
        refutes("relative error without S.W at the smallest xi", *bad[-1]),
    )
    picture = Panel(
        "Error of dW = -(dt/beta) Omega grad F on K4",
        "xi",
        "relative error",
        (
            Series(_XI_LADDER, [e for e, _ in good], "with S.W", "points"),
            Series(_XI_LADDER, [e for e, _ in bad], "quadratic term alone", "points"),
        ),
        log_x=True,
        log_y=True,
    )
    rows = [(f"xi = {x:g}", e, u) for x, (e, u) in zip(_XI_LADDER, good, strict=True)]
    return Evidence(findings, rows=tuple(rows), panels=(picture,))


@claim(
    "p1.eq48",
    title="The functional that is minimised",
    printed="the quadratic functional of Eq. 48 is minimised",
    exact="F = S.W - (xi/2) sum_i (Omega S)_i W_i^2 falls at the rate |Omega grad F|^2/beta + O(xi^2)",
    status=Status.WRONG,
    circuits="K4, random states and DC sources (seed 82), xi = 0.1 to 0.0125, runs of 1 s",
    mutant="the sign of the quadratic term turned",
)
def functional(bench: Bench) -> Evidence:
    errors, spread = [], []
    share = (0.0, 0.0)
    for xi in _XI_LADDER[:4]:
        rng = np.random.default_rng(82)
        S, w = rng.uniform(-0.3, 0.3, 6), rng.uniform(0.4, 0.8, 6)
        case = circuit("K4", K4, device=caravelli(r_off=R_ON * (1.0 + xi)), drive=S, initial_state=w, stop=1.0)
        Omega = matrices(case.network)[2]
        b = Omega @ S

        def balance(waves: Waveforms, xi: float = xi, b: Array = b, S: Array = S, Omega: Array = Omega) -> Array:
            from scipy.interpolate import make_interp_spline

            factor = -xi if bench.mutant else xi
            F = waves.state @ S - 0.5 * factor * (waves.state**2) @ b
            slope = (S - factor * b * waves.state) @ Omega
            lost: Any = make_interp_spline(waves.t, (slope**2).sum(axis=1) / BETA, k=5).antiderivative()
            return np.asarray((F[-1] - F[0] + lost(waves.t[-1]) - lost(0.0)) / abs(F[-1] - F[0]))

        def quadratic_share(waves: Waveforms, xi: float = xi, b: Array = b, S: Array = S) -> Array:
            linear = (waves.state[-1] - waves.state[0]) @ S
            quadratic = -0.5 * xi * (waves.state[-1] ** 2 - waves.state[0] ** 2) @ b
            return np.asarray(linear / (linear + quadratic))

        pair = bench.pair(case)
        value, U = value_of(balance, pair)
        errors.append(abs(float(value)))
        spread.append(U)
        part, U = value_of(quadratic_share, pair)
        share = (float(part), U)
    order, U = order_of(_XI_LADDER[:4], errors, spread)
    findings = (
        equals("order of the balance of F", order, U, 2.0, resolution=0.2),
        refutes("share of S.W in the fall of F at the smallest xi", *share),
    )
    rows = [(f"xi = {x:g}", e, u) for x, e, u in zip(_XI_LADDER, errors, spread, strict=False)]
    return Evidence(findings, rows=tuple(rows))


@claim(
    "p1.eq49",
    title="The constraint of the descent (Eqs. 49-60)",
    printed="projected gradient descent, with the constraint applied to W itself",
    exact="the procedure is right; the constraint is B (W - W0) = 0",
    status=Status.WRONG,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5), DC (seed 11)",
    mutant="the constraint on W itself judged as the exact one",
)
def constraint(bench: Bench) -> Evidence:
    def on_change(network: Network, waves: Waveforms) -> Array:
        start = 0.0 if bench.mutant else waves.state[0]
        return np.asarray((waves.state - start) @ matrices(network)[1].T)

    def on_state(network: Network, waves: Waveforms) -> Array:
        return np.asarray(waves.state @ matrices(network)[1].T)

    pairs = [bench.pair(c, bulk=True) for c in bench.circuits(makers(ac=False))]
    exact, printed = residuals(bench, pairs, on_change), residuals(bench, pairs, on_state)
    findings = (worst("|B (W - W0)|", exact, resolution=SHARP), least("|B W|", printed))
    return Evidence(findings, rows=side_by_side(exact, printed))


@claim(
    "new.gradient",
    title="Natural-gradient descent at every xi",
    printed="Eqs. 49-60, at weak nonlinearity",
    exact="w = w0 + A^t c, A (1 + xi w) A^t dc/dt = -(1/beta) d(S.w)/dc for P = J = I, alpha = 0",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5), DC (seed 11)",
    mutant="the metric A A^t, without 1 + xi w",
    applies=_passive_dc,
)
def natural_gradient(bench: Bench) -> Evidence:
    from scipy.interpolate import make_interp_spline

    def gap(network: Network, waves: Waveforms) -> Array:
        A = matrices(network)[0]
        _, kappa, _, g = laws(network)
        t = np.linspace(0.0, float(waves.t[-1]), 81)
        w = waves.resample(t).state
        c = np.linalg.lstsq(A.T, (w - w[0]).T, rcond=None)[0].T
        rate: Any = make_interp_spline(t, c, k=5).derivative()
        weight = np.ones_like(w) if bench.mutant else 1.0 + kappa * w
        force = np.einsum("ak,tk,bk,tb->ta", A, weight, A, rate(t))
        return np.asarray(force - g[0] * (A @ network.bank(0.0)))[4:-4]

    rows = residuals(bench, [bench.pair(c, bulk=True) for c in bench.circuits(makers(ac=False))], gap)
    return vanishing("|A (1 + xi w) A^t dc/dt + A S/beta| in 1/s", rows, resolution=1e-3)


@claim(
    "new.descent",
    title="S.w always falls",
    printed="(not in the papers)",
    exact="d(S.w)/dt = -(Ron/beta) S.i <= 0 for P = J = I, alpha = 0, DC: what the sources deliver",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5), DC (seed 11)",
    mutant="J = -1 on half of the edges",
    applies=_passive_dc,
)
def descent(bench: Bench) -> Evidence:
    from scipy.interpolate import make_interp_spline

    def balance(network: Network, waves: Waveforms) -> Array:
        S = network.bank(0.0)
        r0, _, _, g = laws(network)
        given: Any = make_interp_spline(waves.t, (waves.current * S * -g * r0).sum(axis=1), k=5).antiderivative()
        change = (waves.state - waves.state[0]) @ S
        return np.asarray((change + given(waves.t) - given(0.0)) / np.abs(change).max())

    rows: list[Row] = []
    falls: list[Row] = []
    panels: tuple[Panel, ...] = ()
    for case in bench.circuits(makers(ac=False)):
        network = case.network
        if bench.mutant:
            network = network.with_polarity(np.where(np.arange(network.n_edges) % 2, 1.0, -1.0))
        pair = bench.pair(Circuit(case.name, network, case.stop))
        rows += residuals(bench, [pair], balance)

        def rise(waves: Waveforms, S: Array = network.bank(0.0)) -> Array:  # noqa: B008
            return np.asarray(np.diff(waves.resample(np.linspace(0, waves.t[-1], 101)).state @ S).max())

        value, U = value_of(rise, pair)
        falls.append((f"{case.name}, largest rise", float(value), U))
        if not panels:
            curve = pair.fine.state @ network.bank(0.0)
            line = Series(pair.fine.t[::8].tolist(), curve[::8].tolist())
            panels = (Panel(f"S.w, {case.name}", "t (s)", "S.w (V)", (line,)),)
    name, top, U = max(falls, key=lambda row: row[1])
    findings = (
        worst("|S.w + (Ron/beta) int S.i| / max |S.w|", rows, resolution=1e-5),
        at_most(f"largest rise of S.w in V ({name})", top, U, 0.0),
    )
    return Evidence(findings, rows=tuple(rows + falls), panels=panels)


@claim(
    "new.energy",
    title="A second falling quantity",
    printed="(not in the papers)",
    exact="sum_i (Omega S)_i W_i^2/2 never increases for P = J = I, alpha = 0, DC",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5), DC (seed 11), states 0.3 to 0.7",
    mutant="J = -1 on half of the edges",
    applies=_passive_dc,
)
def energy(bench: Bench) -> Evidence:
    rows: list[Row] = []
    names = list(GRAPHS)
    for case in bench.circuits(makers(names, ac=False)):
        S = case.network.bank(0.0)
        b = matrices(case.network)[2] @ S
        if bench.mutant:
            half = np.where(np.arange(S.size) % 2, 1.0, -1.0)
            case = Circuit(case.name, case.network.with_polarity(half), case.stop / 2)

        def rise(waves: Waveforms, b: Array = b) -> Array:
            at = waves.resample(np.linspace(0, waves.t[-1], 101)).state
            return np.asarray(np.diff(0.5 * at**2 @ b).max())

        value, U = value_of(rise, bench.pair(case, bulk=True))
        rows.append((case.name, float(value), U))
    name, top, U = max(rows, key=lambda row: row[1])
    return Evidence((at_most(f"largest rise of the sum in V ({name})", top, U, 0.0),), rows=tuple(rows))


@claim(
    "p1.eq61",
    title="Voltage control",
    printed="dW/dt = alpha W - (J/beta)(1 + xi W)(I + xi Omega W)^-1 Omega S",
    exact="exact for P = I, where |R| i is the drop",
    status=Status.EXACT,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5); random J, alpha = 0.2/s, AC (seed 11)",
    mutant="current control in the equation",
    applies=lambda network: linear_memristors(network, None) or (None if (network.P > 0).all() else "it needs P = I"),
)
def voltage_control(bench: Bench) -> Evidence:
    from spicebridge.atlas.claims.currents import against_theory

    rows: list[Row] = []
    device = caravelli(alpha=0.2, control="voltage_eq61")
    for case in bench.circuits(makers(polarity=True, device=device, stop=1.0, amplitude=0.1)):
        truth = case.network.with_device([_with_control(law, "voltage") for law in case.network.devices()])
        other = "current" if bench.mutant else "voltage_eq61"
        theory = case.network.with_device([_with_control(law, other) for law in case.network.devices()])
        rows.append((case.name, *against_theory(bench, Circuit(case.name, truth, case.stop), theory, "projector")))
    return vanishing("|w - w(Eq. 61)| with the drop v in the circuit", rows, resolution=1e-5)


def _with_control(law: Any, control: str) -> Any:
    from dataclasses import replace

    return replace(law, control=control)


@claim(
    "p1.eq61.active",
    title="Voltage control with active elements",
    printed="the same equation, in which |R| i is taken for the drop",
    exact="the true drop is P R i; the two readings are different laws, each followed by its own circuit",
    status=Status.WRONG,
    circuits="K4, parallel edges with a bridge, 3x3 grid, random graph (seed 5); mixed P, AC (seed 11)",
    mutant="the printed reading judged against the circuit with the true drop",
)
def voltage_active(bench: Bench) -> Evidence:
    from spicebridge.atlas.claims.currents import against_theory

    exact: list[Row] = []
    printed: list[Row] = []
    device = caravelli(control="voltage")
    for case in bench.circuits(makers(mixed=True, device=device, stop=0.5, amplitude=0.1)):
        network = case.network
        reading = network.with_device(caravelli(control="voltage_eq61"))
        theory = reading if bench.mutant else network
        exact.append((f"{case.name}, P R i", *against_theory(bench, case, theory, "auto")))
        own = Circuit(f"{case.name}, |R| i in the circuit", reading, case.stop / 2)
        exact.append((own.name, *against_theory(bench, own, reading, "auto")))
        printed.append((f"{case.name}, |R| i", *against_theory(bench, case, reading, "auto")))
    findings = (
        worst("|w - w(own reading)|", exact, resolution=1e-5),
        least("|w - w(printed reading)|", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))
