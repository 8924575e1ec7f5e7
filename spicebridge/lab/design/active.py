"""Active edges as negative impedance converters, and which version of them is stable.

One op-amp, two equal resistors and Z between terminal a and the output o; the converter is fed by an isolated
supply whose middle is terminal b, so that it is a two-terminal element anywhere in the network::

    short-circuit stable   a on the + input, divider o-x-b on the - input:   (1/w) do/dt = e - o/2
    open-circuit stable    a on the - input, divider on the + input:         (1/w) do/dt = o/2 - e
    i = (e - o)/Z,  e = V(a) - V(b),  w = 2 pi GBW;   at rest o = 2 e, i = -e/Z

To first order the open-circuit stable version is -Z with 4 Z/w in series, the other -1/Z with 4/(w Z) of
capacitance across it. Hence the inertia signs: A P R A^t > 0 allows all open-circuit stable, B (P R)^-1 B^t > 0
all short-circuit stable. Where neither holds a mixture with unequal bandwidths may be stable: the poles of the
whole network with its op-amps and node capacitances decide, at states along the trajectory. A simulator with
an implicit integrator and long steps would hide an unstable pole.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.equipment import Equipment, LabError
from spicebridge.lab.design.parts import OPAMPS, OpAmp
from spicebridge.lab.design.reactances import resistances
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results.stability import screen

SHORT, OPEN = "short-circuit stable", "open-circuit stable"
STATES = 5
"""States along the trajectory at which the poles are looked at."""
ASSIGNMENTS = 5000
"""Combinations of version and op-amp up to which all are tried; above, one op-amp type for all edges."""
STIFF = 1e6
INFINITE = 1e15
"""A pole faster than this, in 1/s, belongs to a node without capacitance."""


@dataclass(frozen=True)
class Converter:
    """One active edge: its `edge`, `version` and op-amp."""

    edge: int
    version: str
    part: OpAmp


@dataclass(frozen=True)
class Realisation:
    """The converters of a network; `slowest` pole's real part in 1/s (negative) over the states looked at."""

    converters: tuple[Converter, ...]
    slowest: float
    signs: str


def poles(network: Network, state: Array, converters: Sequence[Converter], capacitance: float, ground: int) -> Array:
    """Finite poles (1/s, complex) of the network with its states held at `state` (n_e,)."""
    import scipy.linalg

    B = np.delete(Topology.of(network).B.toarray(), ground, axis=0)
    G = 1.0 / resistances(network, state)
    imposed = np.array(network.imposed)
    # At the speed of op-amps capacitors hold their voltage and inductors their current.
    G = np.where(imposed == "voltage", STIFF * G.max(), np.where(imposed == "current", G.min() / STIFF, G))
    G = np.where(network.P > 0, G, np.abs(G))
    m, k = B.shape[0], len(converters)
    E, F = np.zeros((m + k, m + k)), np.zeros((m + k, m + k))
    F[:m, :m] = -(B * G) @ B.T
    E[:m, :m] = capacitance * np.eye(m)
    for j, converter in enumerate(converters):
        b = B[:, converter.edge]
        w = 2.0 * np.pi * converter.part.gbw * (1.0 if converter.version == SHORT else -1.0)
        F[:m, m + j] = -b * G[converter.edge]
        F[m + j, :m], F[m + j, m + j] = -b, -0.5
        E[m + j, m + j] = 1.0 / w
    alpha, beta = scipy.linalg.eigvals(F, E, homogeneous_eigvals=True)
    finite = np.abs(alpha) < INFINITE * np.abs(beta)
    return np.asarray(alpha[finite] / beta[finite])


def realise(network: Network, states: Array, bench: Equipment, ground: int) -> Realisation:
    """Choose version and op-amp of every active edge for `states` (n_t, n_e) passed in the run.

    Raises `LabError` with the signs and the best growth rate when nothing is stable.
    """
    edges = [int(k) for k in np.flatnonzero(network.P < 0)]
    signs = screen(network, states[0])
    if not edges:
        return Realisation((), -np.inf, signs.summary)
    picked = np.unique(np.linspace(0, len(states) - 1, STATES).astype(int))
    best: tuple[float, tuple[Converter, ...]] | None = None
    count = 0
    for converters in _assignments(edges, bench):
        count += 1
        worst = -np.inf
        for row in picked:
            found = poles(network, states[row], converters, bench.node_capacitance, ground).real
            worst = max(worst, float(found.max(initial=-np.inf)))
            if best is not None and worst >= best[0]:
                break
        if best is None or worst < best[0]:
            best = worst, converters
    if best is None:
        raise LabError(f"no op-amp of the list stands {bench.supply:g} V rails; lower the supply")
    if best[0] >= 0.0:
        names = ", ".join(network.edge_name(k) for k in edges)
        raise LabError(
            f"no stable realisation of {names}: {signs.summary}. Of {count} combinations of converter versions and "
            f"op-amps the best still grows at {best[0]:.3g}/s (node capacitance {bench.node_capacitance:g} F); "
            "change a resistance or state, or lower the impedance"
        )
    return Realisation(best[1], best[0], signs.summary)


def _assignments(edges: list[int], bench: Equipment) -> Iterator[tuple[Converter, ...]]:
    amps = [part for part in OPAMPS.values() if part.max_supply >= bench.supply]
    versions = (SHORT, OPEN)
    single = [(v, part) for v in versions for part in amps]
    if len(single) ** len(edges) <= ASSIGNMENTS:
        for picks in itertools.product(single, repeat=len(edges)):
            yield tuple(Converter(k, v, part) for k, (v, part) in zip(edges, picks, strict=True))
        return
    mixed = 2 ** len(edges) * len(amps) <= ASSIGNMENTS
    patterns = itertools.product(versions, repeat=len(edges)) if mixed else ((v,) * len(edges) for v in versions)
    for pattern in patterns:
        for part in amps:
            yield tuple(Converter(k, v, part) for k, v in zip(edges, pattern, strict=True))
