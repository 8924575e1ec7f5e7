"""Beyond the papers: what their conservation laws become with capacitors, inductors and resistors.

charge     sum_k B_nk Q_k = const at every node n of memristors (current control, alpha = 0) and capacitors alone,
           Q = -(J beta / r0) w, C v_C
flux       A (F - F(0)) = int A S dt for every loop of memristors (voltage control, alpha = 0) and inductors alone,
           F = -(J beta) w, L i_L
energy     int (S.i - J.v) dt = int sum R i^2 dt + E(t) - E(0),   E = C v_C^2 / 2 + L i_L^2 / 2
descent    (beta / r0) S.w + E never increases for constant S on memristors (current control, alpha = 0)

Paper 1 (section 2.1) leaves these elements out. B w = const and d(S.w)/dt <= 0, exact without them, are lost.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from scipy.integrate import cumulative_trapezoid

from spicebridge.arrays import Array, IntArray
from spicebridge.atlas import bars
from spicebridge.atlas.circuits import NamedCircuit, matrices
from spicebridge.atlas.claim import Claim
from spicebridge.atlas.evidence import ClaimEvidence, vanishing
from spicebridge.atlas.runs import Bench
from spicebridge.drives import Sine
from spicebridge.laws import Capacitor, CurrentSource, Device, Inductor, LinearMemristor, Resistor
from spicebridge.network import Network
from spicebridge.network.entries import Source, Sources
from spicebridge.waveforms import Waveforms

SHARP = 1e-4
"""Relative uncertainty that a residual must not exceed."""
R_ON, R_OFF, BETA = 1.0, 6.0, 4.0
EDGES = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3), (1, 2), (3, 0)]
MEMRISTORS = (0, 1, 2, 4)


number = np.asarray
"""Parameters are arrays."""


def _network(control: str, *, drive: Sources) -> Network:
    """K4 with two more edges: memristors, a resistor, two capacitors, an inductor."""
    memristor = LinearMemristor.caravelli2017(R_ON, R_OFF, 0.0, BETA, control=control)
    coil, first, second, resistor = Inductor(number(0.7)), Capacitor(number(0.4)), Capacitor(number(0.2)), number(1.5)
    laws: list[Device] = [memristor, memristor, memristor, coil, memristor, first, second, Resistor(resistor)]
    state = np.array([0.4, 0.5, 0.6, 0.1, 0.5, 0.3, -0.2, 0.0])
    polarity = [1, -1, 1, 1, 1, 1, 1, 1]
    return Network.from_edges(EDGES, device=laws, drive=drive, initial_state=state, polarity=polarity)


def _circuit(control: str = "current", *, constant: bool = False) -> NamedCircuit:
    if constant:
        network = _network(control, drive={0: -0.2, 2: 0.3, 4: -0.1})
        charged = network.initial_state + np.array([0.0, 0.0, 0.0, -0.9, 0.0, -1.5, 1.2, 0.0])
        return NamedCircuit("K4 with L, C and R, DC, charged", network.with_initial_state(charged), 4.0)
    drive: dict[int, Source] = {0: Sine(0.8, 0.6), 2: 0.3, 5: Sine(0.4, 1.1)}
    return NamedCircuit("K4 with L, C and R, AC", _network(control, drive=drive), 3.0)


def _charges(network: Network, waves: Waveforms) -> Array:
    """Charge that has passed each memristor and capacitor, C; 0 on other edges."""
    factor = np.zeros(network.n_edges)
    factor[list(MEMRISTORS)] = -network.J[list(MEMRISTORS)] * BETA / R_ON
    factor[5], factor[6] = 0.4, 0.2
    return np.asarray((waves.state - waves.state[0]) * factor)


def _only(network: Network, kinds: tuple[type, ...]) -> IntArray:
    """Nodes at which elements of these kinds alone meet."""
    good = np.array([isinstance(law, kinds) for law in network.devices()])
    return np.array([n for n, row in enumerate(matrices(network)[1]) if good[row != 0].all()], dtype=np.intp)


@Claim(
    "new.rlc.charge",
    "Node sums with capacitors",
    printed="B w(t) = B w(0) (Eqs. 12-13; section 2.1 leaves R, L and C out)",
    exact="sum_k B_nk Q_k is conserved at every node of memristors and capacitors alone, Q = -(J beta/r0) w or C v_C; "
    "at nodes with a resistor or an inductor nothing of the kind holds",
    circuits="K4 with two more edges: four memristors (one of polarity -1), two capacitors, an inductor, a resistor, "
    "AC",
    mutant="the capacitors' charges left out",
    changed={"stored": 0.0},
)
def charge(bench: Bench, stored: float = 1.0) -> ClaimEvidence:
    pair = bench.pair(_circuit())
    network = pair.network
    B = matrices(network)[1]
    inner = _only(network, (LinearMemristor, Capacitor))
    outer = np.setdiff1d(np.arange(network.n_nodes), inner)

    def sums(nodes: IntArray, waves: Waveforms) -> Array:
        Q = _charges(network, waves)
        Q[:, 5:7] *= stored
        return np.asarray(Q @ B[nodes].T / np.abs(Q).max())

    what, most, U = pair.row(partial(sums, inner), "|sum of charges| at inner nodes / largest")
    findings = [
        bars.vanishes(what, most, U, resolution=SHARP),
        bars.at_least(*pair.row(partial(sums, outer), "the same at nodes with L or R"), 0.01),
    ]
    return ClaimEvidence(
        findings=findings, numbers={"inner nodes": float(inner.size), "other nodes": float(outer.size)}
    )


@Claim(
    "new.rlc.flux",
    "Loop sums with inductors",
    printed="A w(t) follows the sources (Eq. 16, voltage control; section 2.1 leaves R, L and C out)",
    exact="A (F - F(0)) = int A S dt for loops of memristors and inductors alone, F = -(J beta) w or L i_L",
    circuits="the circuit of new.rlc.charge under voltage control: the loop through edges 0, 4 and 3",
    mutant="the inductor's flux left out",
    changed={"stored": 0.0},
)
def flux(bench: Bench, stored: float = 1.0) -> ClaimEvidence:
    def loop(network: Network, waves: Waveforms) -> Array:
        moved = waves.state - waves.state[0]
        # 0 -> 1 along edge 0, 1 -> 3 along edge 4, 3 -> 0 against edge 3.
        F = -BETA * (network.J[0] * moved[:, 0] + network.J[4] * moved[:, 4])
        F -= stored * 0.7 * moved[:, 3]
        S = network.bank.integral(waves.t)
        return np.asarray(F - (S[:, 0] + S[:, 4] - S[:, 3]))

    rows = [bench.pair(_circuit("voltage")).residual(loop)]
    return vanishing("|A F - int A S dt| (V s)", rows, resolution=SHARP)


def _stored(waves: Waveforms) -> Array:
    return np.asarray(0.2 * waves.state[:, 5] ** 2 + 0.1 * waves.state[:, 6] ** 2 + 0.35 * waves.state[:, 3] ** 2)


@Claim(
    "new.rlc.energy",
    "Energy balance",
    printed="power of the sources = power dissipated (Tellegen), for memristors alone",
    exact="work of all sources, series and current, = heat in the resistances + what capacitors and inductors gain",
    circuits="the circuit of new.rlc.charge, AC, with a current source beside the resistor",
    mutant="the stored energy left out",
    changed={"stored": 0.0},
)
def energy(bench: Bench, stored: float = 1.0) -> ClaimEvidence:
    case = _circuit()
    base = case.network
    network = Network.from_edges(
        [*EDGES, (0, 3)],
        device=[*base.devices(), CurrentSource(Sine(0.2, 0.9))],
        drive=[*base.drives, None],
        initial_state=[*base.initial_state, 0.0],
        polarity=[*base.J, 1],
    )

    def balance(network: Network, waves: Waveforms) -> Array:
        i, v, t = waves.current, waves.voltage, waves.t
        work = cumulative_trapezoid((i * network.bank(t)).sum(axis=1) - i[:, 8] * v[:, 8], t, initial=0)
        heat = cumulative_trapezoid((i * v)[:, [*MEMRISTORS, 7]].sum(axis=1), t, initial=0)
        gain = stored * (_stored(waves) - _stored(waves)[0])
        return np.asarray((work - heat - gain) / heat[-1])

    pair = bench.pair(NamedCircuit("K4 with L, C, R and a current source", network, case.stop))
    return vanishing("|work - heat - gain| / heat", [pair.residual(balance)], resolution=SHARP)


@Claim(
    "new.rlc.descent",
    "What descends with capacitors and inductors",
    printed="d(S.w)/dt <= 0 for P = J = I, alpha = 0, constant S (after Eqs. 49-60)",
    exact="S.w rises where stored energy comes back; (beta/Ron) S.w + E never increases, E the stored energy",
    circuits="four memristors of polarity +1, two capacitors, an inductor, a resistor, DC on memristors",
    mutant="the stored energy left out",
    changed={"stored": 0.0},
)
def descent(bench: Bench, stored: float = 1.0) -> ClaimEvidence:
    case = _circuit(constant=True)
    pair = bench.pair(replace(case, network=case.network.with_polarity(1)))
    S = pair.network.bank(0.0)

    def rise(share: float, waves: Waveforms) -> float:
        value = (BETA / R_ON) * waves.state @ S + share * _stored(waves)
        return float(np.maximum(value - np.minimum.accumulate(value), 0.0).max())

    whole, U = pair.number(partial(rise, stored))
    findings = [
        bars.vanishes("largest rise of (beta/Ron) S.w + E (J)", whole, max(U, 1e-9), resolution=SHARP),
        bars.at_least("largest rise of (beta/Ron) S.w alone (J)", *pair.number(partial(rise, 0.0)), 1e-3),
    ]
    return ClaimEvidence(findings=findings)
