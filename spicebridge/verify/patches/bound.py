"""How far a network may be off whose every patch agrees.

A patch q measures a deviation E_q, not a defect. Let w be the theory and let the circuit, put at w, move by the rate f
+ delta. Inside a patch, whose Jacobian has the norm L, abs(int delta) <= E_q (1 + L t). What the circuit's edges and
nodes do differently reaches the rates of the whole through the global solve: currents c_k = E_q I that an edge is off
add

    |P c|_2 <= (R_max/R_min)^1/2 |c|_2,        P = 1 - G B^t (B G B^t)^-1 B,     orthogonal in the norm of R,
    |G B^t (B G B^t)^-1 r|_2 <= (g_max/lambda)^1/2 |r|_2,    r = |B| c, lambda the least eigenvalue of B G B^t,

to the currents (energy: r^t (B G B^t)^-1 r = sum R j^2). With eta the sum of both over the run the error obeys

    |e(t)| <= eta (1 + L (e^(mu t) - 1)/mu),      mu >= a + (b + c R_max) g_max |dR/ds i|_max + c |dR/ds i|_max

(variation of constants, the logarithmic norm of J = a - (b + c R) P G diag(dR/ds i) - ... in the Euclidean norm, in
which walls do not expand), for all states of the tube of that radius around w. All of it is from above and generous: it
tells when local agreement is enough, and otherwise nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.theory import Topology, Trajectory
from spicebridge.theory.time.taylor.affine_law import AffineLaw
from spicebridge.verify.patches.cover import Patch
from spicebridge.verify.patches.task import PatchResult

INSTANTS = 9
"""Times at which the run is looked at."""
WIDENING = 2.0
"""The tube in which the Jacobian is bounded, in units of the bound that it is to hold; …"""
ROUNDS = 6
"""… so many times it is made wider before there is no bound."""
POWER_STEPS = 40
"""Steps of inverse iteration for the least eigenvalue, …"""
POWER_MARGIN = 0.9
"""… which comes out too large, by less than this."""


def bound_of_the_whole(
    network: Network, whole: Trajectory, cover: Sequence[Patch], results: Sequence[PatchResult]
) -> float:
    """Largest error of the states that the patches leave possible; infinite without a bound, NaN for other laws."""
    law = AffineLaw.of(network)
    if law is None or (network.P < 0).any() or whole.stop == 0.0:
        return math.nan
    off = np.zeros(network.n_edges)
    for patch, result in zip(cover, results, strict=True):
        off[patch.counted] = np.maximum(off[patch.counted], result.error + result.uncertainty + result.departure)
    waves = whole.waveforms(np.linspace(0.0, whole.stop, INSTANTS))
    resistance = law.level + law.slope * waves.state
    least = _least_eigenvalue(network, 1.0 / resistance.max(axis=0))
    tube = 0.0
    for _ in range(ROUNDS):
        found = _bound(network, law, resistance, waves.current, off, least, tube, whole.stop)
        if found <= tube or not math.isfinite(found):
            return found
        tube = WIDENING * found
    return math.inf


def _bound(
    network: Network, law: AffineLaw, R: Array, i: Array, off: Array, least: float, tube: float, stop: float
) -> float:
    """The bound for a tube of radius `tube`; `least` is lambda at the largest resistances of the run."""
    slope, largest = np.abs(law.slope), float(np.abs(i).max())
    low, high = R.min(axis=0) - slope * tube, R.max(axis=0) + slope * tube
    if not (low > 0.0).all():
        return math.inf
    g, ratio = float(1.0 / low.min()), float(high.max() / low.min())
    # states that are off by the tube move the currents by no more than this
    current = largest + g * math.sqrt(ratio) * float(slope.max()) * tube * largest
    bend = float(slope.max()) * current
    b = float(np.abs(law.b).max())
    c = 0.0 if law.c is None else float(np.abs(law.c).max())
    gain = b + c * float(high.max())
    drift = gain * g * math.sqrt(ratio) * bend + c * bend
    mu, L = float(law.a.max()) + drift, float(np.abs(law.a).max()) + drift
    currents = off * current
    nodes = np.bincount(network.tail, currents, network.n_nodes) + np.bincount(network.head, currents, network.n_nodes)
    lam = least * float((R.max(axis=0) / high).min())
    spread = math.sqrt(ratio) * float(np.linalg.norm(currents)) + math.sqrt(g / lam) * float(np.linalg.norm(nodes))
    eta = float(np.linalg.norm(off)) * (1.0 + L * stop) + gain * spread * stop
    try:
        growth = math.expm1(mu * stop) / mu if mu else stop
    except OverflowError:
        return math.inf
    return eta * (1.0 + L * growth)


def _least_eigenvalue(network: Network, g: Array) -> float:
    """Least eigenvalue of B G B^t, one node of every component grounded, from below within a part."""
    from scipy.sparse.linalg import splu

    topology = Topology.of(network)
    B = topology.B[np.setdiff1d(np.arange(network.n_nodes), topology.roots)]
    if not B.shape[0]:
        return math.inf
    solve = splu(sp.csc_array(B @ sp.diags_array(g) @ B.T)).solve
    x = np.ones(B.shape[0])
    size = 1.0
    for _ in range(POWER_STEPS):
        x = solve(x / np.linalg.norm(x))
        size = float(np.linalg.norm(x))
    return POWER_MARGIN / size
