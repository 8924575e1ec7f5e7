"""Paper 2, Eqs. 8-11 and 27-28: a Lyapunov function in the bulk and at the walls, and the part outside the loops.

L(x) = (alpha/3) sum x^3 - (alpha chi/4) (x^2)^t Omega x^2 - (1/(2 beta)) (x^2)^t Omega S
dL/dt = -(dx/dt)^t (X - chi X Omega X) dx/dt   in the bulk
(I - Omega) x(t) = e^{-alpha t} (I - Omega) x(0)
"""

from __future__ import annotations

from functools import partial

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import CHI, laws, linear_memristors, makers, matrices, tunneling
from spicebridge.atlas.claim import Evidence, Row, Status, at_most, claim
from spicebridge.atlas.claims.force import SHARP, UNIFORM, integral, loop_circuit, uniform_circuit, velocity
from spicebridge.atlas.runs import (
    Bench,
    least,
    residuals,
    rough_residuals,
    side_by_side,
    value_of,
    vanishing,
    worst,
)
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Hard


def _lyapunov_function(network: Network, x: Array) -> Array:
    Omega = matrices(network)[2]
    y = x**2
    return np.asarray(
        (x**3).sum(axis=1) / 3.0 - 0.25 * CHI * ((y @ Omega) * y).sum(axis=1) - 0.5 * y @ (Omega @ network.bank(0.0))
    )


def _loss(network: Network, x: Array, v: Array) -> Array:
    """(dx/dt)^t (X - chi X Omega X) dx/dt, (n_t,)."""
    Omega = matrices(network)[2]
    xv = x * v
    return np.asarray((xv * v).sum(axis=1) - CHI * ((xv @ Omega) * xv).sum(axis=1))


def _paper2_dc(network: Network) -> str | None:
    reason = linear_memristors(network, "current")
    if reason:
        return reason
    r0, kappa, a, g = laws(network)
    unit = np.allclose(r0, 1.0) and np.allclose(kappa, -CHI) and np.allclose(a, -1.0) and np.allclose(g, 1.0)
    if not unit or (network.P < 0).any() or (network.J < 0).any():
        return "it needs paper 2's law with Roff = 1 ohm, chi = 0.9, alpha = beta = 1, P = J = I"
    return None if network.bank.constant else "it needs constant sources"


@claim(
    "p2.eq8",
    title="A Lyapunov function in the bulk (Eqs. 8-11)",
    printed="L(x) decreases along the motion",
    exact="exact in the bulk: dL/dt = -(dx/dt)^t (X - chi X Omega X) dx/dt <= 0",
    status=Status.EXACT,
    circuits="K4, 3x3 grid, random graph (seed 5) under random DC; random A 10 x 20 at s = 0.15 (seed 1)",
    mutant="the quartic term with the other sign",
    applies=_paper2_dc,
)
def lyapunov_function(bench: Bench) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        x = waves.state
        L = _lyapunov_function(network, x)
        if bench.mutant:
            Omega = matrices(network)[2]
            L = L + 0.5 * CHI * (((x**2) @ Omega) * x**2).sum(axis=1)
        lost = integral(waves.t, _loss(network, x, velocity(waves)))
        return np.asarray((L - L[0] + lost) / np.abs(lost).max())

    names = ["K4", "grid 3x3", "random 8 nodes 14 edges (seed 5)"]
    cases = bench.circuits(makers(names, device=tunneling(), ac=False, stop=0.8, amplitude=0.1), quick=1)
    if bench.network is None:
        cases.append(loop_circuit(20, 0.15, 1, stop=2.0, states=(0.1, 0.7)))
    pairs = [bench.pair(case, bulk=True) for case in cases]
    rows = residuals(bench, pairs, gap)
    rises: list[Row] = []
    for pair in pairs:

        def rise(waves: Waveforms, network: Network = pair.network) -> Array:
            x = waves.resample(np.linspace(0, waves.t[-1], 101)).state
            return np.asarray(np.diff(_lyapunov_function(network, x)).max())

        value, U = value_of(rise, pair)
        rises.append((f"{pair.circuit.name}, largest rise of L", float(value), U))
    name, top, U = max(rises, key=lambda row: row[1])
    findings = (
        worst("|L - L(0) + int loss| / loss", rows, resolution=SHARP),
        at_most(f"largest rise of L ({name})", top, U, 0.0),
    )
    return Evidence(findings, rows=tuple(rows + rises))


@claim(
    "p2.eq11",
    title="The Lyapunov function with hard bounds",
    printed="the same balance with clipping",
    exact="one more term once some x_i = 1: dL/dt = -loss - chi (dx/dt)^t X Omega X n, n the rate the wall takes away",
    status=Status.WRONG,
    circuits="two rings with strides (seeds 0, 2) and random A 10 x 20 (seed 1) at s = 0.27, driven against the walls",
    mutant="the term of the wall with the other sign",
    cost=6.0,
)
def clipped_function(bench: Bench) -> Evidence:
    def balance(network: Network, waves: Waveforms, *, wall: bool) -> Array:
        # at the simulator's own points: every rate that is cut off at a wall has a kink
        x, f = waves.state, velocity(waves)
        held = ((x >= 1.0 - HELD) & (f > 0.0)) | ((x <= HELD) & (f < 0.0))
        v = np.where(held, 0.0, f)
        n = v - f
        lost = _loss(network, x, v)
        if wall:
            extra = CHI * (((x * v) @ matrices(network)[2]) * (x * n)).sum(axis=1)
            lost = lost - extra if bench.mutant else lost + extra
        L = _lyapunov_function(network, x)
        h, share = np.diff(waves.t), np.full(waves.t.size - 1, 0.5)
        for row in np.flatnonzero((held[1:] != held[:-1]).any(axis=1)):
            k = int(np.argmax(held[row + 1] != held[row]))
            # the integrand jumps inside this step, where the state meets its bound
            reach = (float(f[row, k] > 0.0) - x[row, k]) / (h[row] * f[row, k])
            share[row] = float(np.clip(reach, 0.0, 1.0)) if held[row + 1, k] else 0.5
        area = np.concatenate([[0.0], np.cumsum((share * lost[:-1] + (1.0 - share) * lost[1:]) * h)])
        return np.asarray((L - L[0] + area) / np.abs(area).max())

    cases = [uniform_circuit(UNIFORM[0][0], 0.27, 0, stop=8.0, window=Hard())]
    if not bench.quick:
        cases += [
            uniform_circuit(UNIFORM[2][0], 0.27, 2, stop=8.0, window=Hard()),
            loop_circuit(20, 0.27, 1, stop=8.0, window=Hard()),
        ]
    exact = rough_residuals(bench, cases, partial(balance, wall=True), steps=2400)
    printed = rough_residuals(bench, cases, partial(balance, wall=False), steps=2400)
    findings = (
        worst("|L - L(0) + int (loss + wall)| / total", exact, resolution=1e-3),
        least("the same without the term of the wall", printed),
    )
    return Evidence(findings, rows=side_by_side(exact, printed))


HELD = 1e-4
"""A state this near to a bound and pushed towards it is held: clamps ring by some 1e-6, a step travels 1e-3."""


@claim(
    "p2.eq27",
    title="Decay of the part outside the loops (Eqs. 27-28)",
    printed="x_e = (I - Omega) x decays as e^{-alpha t}",
    exact="exact in the bulk",
    status=Status.EXACT,
    circuits="K4, 3x3 grid, random graph (seed 5) under AC; random A 10 x 20 (seed 1); alpha = 1/s",
    mutant="Omega x in the place of (I - Omega) x",
    applies=lambda network: (
        linear_memristors(network, "current")
        or (None if np.ptp(laws(network)[2]) == 0.0 and (network.P > 0).all() else "it needs one alpha and P = I")
        or (None if np.ptp(laws(network)[0]) == 0.0 and np.ptp(network.J) == 0.0 else "it needs one Roff and one J")
    ),
)
def outside(bench: Bench) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        Omega = matrices(network)[2]
        part = waves.state @ (Omega if bench.mutant else np.eye(Omega.shape[0]) - Omega)
        a = float(laws(network)[2][0])
        return np.asarray(part - np.exp(a * waves.t)[:, None] * part[0])

    names = ["K4", "grid 3x3", "random 8 nodes 14 edges (seed 5)"]
    cases = bench.circuits(makers(names, device=tunneling(), stop=0.8, amplitude=0.05), quick=1)
    if bench.network is None:
        cases.append(loop_circuit(20, 0.15, 1, stop=2.0, states=(0.1, 0.7)))
    rows = residuals(bench, [bench.pair(case, bulk=True) for case in cases], gap)
    return vanishing("|x_e(t) - e^{-alpha t} x_e(0)|", rows, resolution=SHARP)
