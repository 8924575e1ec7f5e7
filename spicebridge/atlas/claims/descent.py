"""Paper 2, Eqs. 8-11 and 27-28: a Lyapunov function in the bulk and at the walls, and the part outside the loops.

L(x) = (alpha/3) sum x^3 - (alpha chi/4) (x^2)^t Omega x^2 - (1/(2 beta)) (x^2)^t Omega S
dL/dt = -(dx/dt)^t (X - chi X Omega X) dx/dt   in the bulk
(I - Omega) x(t) = e^{-alpha t} (I - Omega) x(0)

The function and its loss are those of ``analysis/lyapunov``, for any Ron, Roff, beta and polarity.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from spicebridge.analysis.affine import affine
from spicebridge.analysis.lyapunov import LyapunovFunction
from spicebridge.arrays import Array
from spicebridge.atlas.circuits import BARE, matrices, standard, tunneling
from spicebridge.atlas.claim import Evidence, Row, at_least, claim
from spicebridge.atlas.claims.force import SHARP, UNIFORM, loop_circuit, uniform_circuit
from spicebridge.atlas.runs import (
    Bench,
    Circuit,
    Pair,
    integral,
    never_rises,
    residuals,
    rise_of,
    rough_residuals,
    value_of,
    vanishing,
    worst,
)
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Hard

FALLING = ("memory", "passive", "current", "one alpha", "alpha", "constant", "falls", "source", "loop")


def free_rate(network: Network, waves: Waveforms) -> Array:
    """ds/dt in 1/s without bounds, from the simulator's own currents and states."""
    law = affine(network)
    return np.asarray(law.a * waves.state + network.J * law.g * law.r0 * waves.current)


def _bulk(bench: Bench) -> list[Circuit]:
    cases = bench.cases()
    return cases if bench.network is not None else [*cases, loop_circuit(20, 0.15, 1, stop=2.0, states=(0.1, 0.7))]


@claim(
    "p2.eq8",
    "A Lyapunov function in the bulk (Eqs. 8-11)",
    printed="L(x) = (alpha/3) sum x^3 - (alpha chi/4) (x^2)^t Omega x^2 - (1/(2 beta)) (x^2)^t Omega S decreases far from "
    "the boundary (Eqs. 8-11)",
    exact="exact in the bulk: dL/dt = -(dx/dt)^t (X - chi X Omega X) dx/dt <= 0",
    on=standard(BARE, quick=1, device=tunneling(), ac=False, stop=0.8, amplitude=0.1),
    circuits="random A 10 x 20 at s = 0.15 (seed 1)",
    mutant="the quartic term with the other sign",
    changed={"quartic": -1.0},
    needs=FALLING,
)
def lyapunov_function(bench: Bench, quartic: float = 1.0) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        function = LyapunovFunction.of(network)
        y = waves.state**2
        L = function(waves.state) - function.sign * (quartic - 1.0) * function.a / 4.0 * (function.through(y) * y).sum(
            axis=1
        )
        lost = integral(waves.t, function.loss(waves.state, free_rate(network, waves)))
        return np.asarray((L - L[0] + lost) / np.abs(lost).max())

    pairs = [bench.pair(case, bulk=True) for case in _bulk(bench)]

    def rise(pair: Pair) -> Row:
        value, U = value_of(lambda waves: rise_of(waves, LyapunovFunction.of(pair.network)), pair)
        return f"{pair.circuit.name}, largest rise of L", float(value), U

    rows = residuals(pairs, gap)
    main = worst("|L - L(0) + int loss| / loss", rows, resolution=SHARP)
    return never_rises("largest rise of L", [rise(pair) for pair in pairs], main, more_rows=rows)


HELD = 1e-4
"""A state this near to a bound and pushed towards it is held: clamps ring by some 1e-6, a step travels 1e-3."""


def _balance(network: Network, waves: Waveforms, *, wall: float) -> Array:
    # at the simulator's own points: every rate that is cut off at a wall has a kink
    function = LyapunovFunction.of(network)
    x, f = waves.state, free_rate(network, waves)
    held = ((x >= 1.0 - HELD) & (f > 0.0)) | ((x <= HELD) & (f < 0.0))
    v = np.where(held, 0.0, f)
    lost = function.loss(x, v) - wall * function.at_walls(x, v, v - f)
    L = function(x)
    h, share = np.diff(waves.t), np.full(waves.t.size - 1, 0.5)
    for row in np.flatnonzero((held[1:] != held[:-1]).any(axis=1)):
        k = int(np.argmax(held[row + 1] != held[row]))
        # the integrand jumps inside this step, where the state meets its bound
        reach = (float(f[row, k] > 0.0) - x[row, k]) / (h[row] * f[row, k])
        share[row] = float(np.clip(reach, 0.0, 1.0)) if held[row + 1, k] else 0.5
    area = np.concatenate([[0.0], np.cumsum((share * lost[:-1] + (1.0 - share) * lost[1:]) * h)])
    return np.asarray((L - L[0] + area) / np.abs(area).max())


@claim(
    "p2.eq11",
    "The Lyapunov function at hard bounds",
    printed="dL/dt as in Eq. 11, far from the boundary (Eqs. 8-11)",
    exact="an extension: with hard clipping one more term once some x_i = 1, dL/dt = -loss - chi (dx/dt)^t X Omega X n, n the "
    "rate the wall takes away",
    circuits="two rings with strides (seeds 0, 2) and random A 10 x 20 (seed 1) at s = 0.27, driven against the walls",
    mutant="the term of the wall with the other sign",
    changed={"wall": -1.0},
    needs=(*FALLING, "hard"),
    cost=6.0,
)
def clipped_function(bench: Bench, wall: float = 1.0) -> Evidence:
    if bench.network is not None:
        cases = [bench.own(stop=8.0 / float(np.abs(affine(bench.network).a).max()))]
    else:
        cases = [uniform_circuit(UNIFORM[0][0], 0.27, 0, stop=8.0, window=Hard())]
        if not bench.quick:
            cases += [
                uniform_circuit(UNIFORM[2][0], 0.27, 2, stop=8.0, window=Hard()),
                loop_circuit(20, 0.27, 1, stop=8.0, window=Hard()),
            ]
    exact, bare = (rough_residuals(bench, cases, partial(_balance, wall=term), steps=2400) for term in (wall, 0.0))
    main = worst("|L - L(0) + int (loss + wall)| / total", exact, resolution=1e-3)
    if bench.network is not None:
        # it may be that no wall is met
        return Evidence(findings=(main,), rows=(*exact, *bare))
    name, least, U = min(bare, key=lambda row: row[1])
    findings = (main, at_least(f"the same without the term of the wall ({name})", least, U, 10.0 * U))
    return Evidence(findings=findings, rows=(*exact, *bare))


@claim(
    "p2.eq27",
    "Decay of the part outside the loops (Eqs. 27-28)",
    printed="x_e = (I - Omega) x decays as e^{-alpha t} (Eqs. 27-28)",
    exact="exact in the bulk",
    on=standard(BARE, quick=1, device=tunneling(), stop=0.8, amplitude=0.05),
    circuits="random A 10 x 20 (seed 1)",
    mutant="Omega x in the place of (I - Omega) x",
    changed={"inside": True},
    needs=("memory", "current", "one alpha", "passive", "one law", "one J", "source", "loop", "tree"),
)
def outside(bench: Bench, inside: bool = False) -> Evidence:
    def gap(network: Network, waves: Waveforms) -> Array:
        Omega = matrices(network)[2]
        part = waves.state @ (Omega if inside else np.eye(Omega.shape[0]) - Omega)
        return np.asarray(part - np.exp(float(affine(network).a[0]) * waves.t)[:, None] * part[0])

    rows = residuals([bench.pair(case, bulk=True) for case in _bulk(bench)], gap)
    return vanishing("|x_e(t) - e^{-alpha t} x_e(0)|", rows, resolution=SHARP)
