"""What a network keeps and how much of its states can be steered.

Current control, one a:   B J s/(g r0) decays as e^{a t}                     (paper 1, Eqs. 12-14; any P, S, kappa)
                          s_T - e^{a t} s_T(0) = C (s_C - e^{a t} s_C(0)),   C = D_T^-1 A_T^t D_C,  D = J/(g r0)
                                                                             (Eq. 15 with the constant corrected)
Voltage control, a = 0:   B J P ln(1 + kappa s)/(g kappa r0) stays           (new)

The reachable states then have L = M - n + c dimensions, Gamma = L/M (Eq. 20). `reachable_dimension` measures that
number: the rank of all changes of the final state that small changes of the sources make, along one run under
random sources,  ds(T) = int Phi(T, t) (dF/dS)(t) dS(t) dt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.linalg import null_space
from scipy.optimize import linprog

from spicebridge.analysis.affine import affine, missing, require
from spicebridge.analysis.fixed_points import time_scale
from spicebridge.analysis.flow import Flow
from spicebridge.arrays import Array, IntArray
from spicebridge.drives import DC, Sine
from spicebridge.errors import NetworkError, RunFailed
from spicebridge.network import Network
from spicebridge.shown import brief
from spicebridge.theory import Trajectory, solve
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.threads import one_blas_thread

RANK_GAP = 1e-9
"""Singular values below this part of the largest are rounding."""
SAMPLES = 48
"""Times at which changes of the sources are tried."""


@dataclass(frozen=True, eq=False)
class Conserved:
    """``statement`` in words; `value(s)` (..., n - c) decays as e^{rate t}, rate in 1/s, in the bulk."""

    statement: str
    rate: float
    weights: Array
    logarithmic: Array | None

    __repr__ = brief

    def value(self, state: ArrayLike) -> Array:
        """The conserved numbers for states (..., n_e), in C for either control."""
        s = np.asarray(state, float)
        quantity = s if self.logarithmic is None else np.log1p(self.logarithmic * s)
        return np.asarray(quantity @ self.weights.T)


def conserved(network: Network) -> Conserved | None:
    """The charges that a network keeps, one for every node but one of each part; None where there are none.

    None for mixed control, several alpha, edges without memory (they carry charge unseen), or voltage control with
    alpha. For a loop matrix A the rows of B are a basis of its null space. Raises `NetworkError` for laws that are not
    affine.
    """
    law = affine(network)
    if missing(network, "memory", "one alpha"):
        return None
    topology = Topology.of(network)
    if topology.is_graph:
        reduced = np.delete(topology.B.toarray(), topology.roots, axis=0)
    else:
        reduced = null_space(topology.A.toarray()).T
    a = float(law.a[0])
    if law.control == "current":
        words = "B J s/(g r0) = e^{a t} (its value at t = 0), a = alpha of the law"
        return Conserved(words, a, reduced * (network.J / (law.g * law.r0)), None)
    if law.control == "voltage" and a == 0.0:
        weights = reduced * (network.J * network.P / (law.g * law.kappa * law.r0))
        return Conserved("B J P ln(1 + kappa s)/(g kappa r0) is constant", 0.0, weights, law.kappa)
    return None


@dataclass(frozen=True, eq=False)
class ChordToTree:
    """s_T - e^{a t} s_T(0) = ``matrix`` (s_C - e^{a t} s_C(0)); ``tree`` and ``chords`` are edge indexes."""

    matrix: Array
    tree: IntArray
    chords: IntArray
    rate: float

    __repr__ = brief


def chord_to_tree(network: Network) -> ChordToTree:
    """How the chords' states determine those of the tree (Eq. 15, corrected): current control, one alpha.

    Raises `NetworkError` naming the assumption that does not hold.
    """
    law = require(network, "the chord/tree operator", "memory", "one alpha", "current")
    topology = Topology.of(network)
    if not topology.is_graph:
        raise NetworkError("the chord/tree operator needs a graph; a loop matrix has no tree")
    forest = topology.forest
    D = network.J / (law.g * law.r0)
    matrix = topology.A[:, forest.tree].T.toarray() * D[forest.chords] / D[forest.tree][:, None]
    return ChordToTree(matrix, forest.tree, forest.chords, float(law.a[0]))


@one_blas_thread()
def reachable_dimension(network: Network, *, span: float | None = None, seed: int = 0) -> int:
    """Dimension of the set of states that sources can reach from the initial state, measured; see the module.

    `span` (s) is the time given to steer; by default three times the fastest time scale. Raises `RunFailed` where
    the run leaves the range of the law.
    """
    rng = np.random.default_rng(seed)
    memory = np.flatnonzero(network.stateful)
    if memory.size == 0:
        return 0
    # V: the size of the network's own sources, or what moves a state by 1 in 1 s over one memristor
    size = float(np.abs(network.bank(0.0)).max()) or 1.0
    probe = _driven(network, rng, size, 1.0)
    Flow(probe).at(network.initial_state)
    scale = time_scale(Flow(probe), network.initial_state[None])
    if scale == 0.0:
        return 0
    stop = 3.0 / scale if span is None else float(span)
    for _ in range(12):
        driven = _driven(network, rng, size, stop)
        path = solve(driven, stop)
        if path.complete and not path.events:
            break
        size, stop = 0.5 * size, 0.5 * stop
    else:
        raise RunFailed(
            f"reachable_dimension: the states do not stay in the bulk over {stop:.3g} s "
            f"({path.reason or 'bounds are hit'}); give a shorter span or start further inside"
        )
    return _rank(Flow(driven), path, stop, memory)


def _rank(flow: Flow, path: Trajectory, stop: float, memory: IntArray) -> int:
    """Rank of the changes of s(T) that sources at `SAMPLES` times make; Phi(T, t) is integrated backwards."""
    n = memory.size

    def field(back: float, flat: Array) -> Array:
        t = min(max(stop - back, 0.0), stop)
        J = flow.jacobian(path(t), t)[np.ix_(memory, memory)]
        return np.asarray((flat.reshape(n, n) @ J).ravel())

    times = np.linspace(0.0, stop, SAMPLES)
    rows = solve_ivp(field, (0.0, stop), np.eye(n).ravel(), method="DOP853", t_eval=times, rtol=1e-12, atol=1e-13)
    if not rows.success:
        raise RunFailed(f"reachable_dimension: {rows.message}")
    found = []
    for back, flat in zip(times.tolist(), rows.y.T, strict=True):
        t = stop - back
        found.append(flat.reshape(n, n) @ flow.by_source(flow.at(path(t), t))[memory])
    values = np.linalg.svd(np.hstack(found), compute_uv=False)
    return int((values > RANK_GAP * values[0]).sum()) if values[0] > 0.0 else 0


def _driven(network: Network, rng: np.random.Generator, size: float, stop: float) -> Network:
    levels, waves = rng.uniform(-size, size, network.n_edges), rng.uniform(-size, size, network.n_edges)
    cycles = rng.uniform(0.4, 1.6, network.n_edges) / stop
    drives = [DC(float(x)) + Sine(float(y), float(f)) for x, y, f in zip(levels, waves, cycles, strict=True)]
    return network.with_drive(drives)


def projection_gap(network: Network, target: ArrayLike) -> tuple[float, Array]:
    """(distance, nearest): how far `target` (n_e,) lies from the states that the conserved charges allow.

    Current control, alpha = 0, bulk: B J (s - s(0))/(g r0) = 0. NaN entries of `target` are free. The distance is the
    least largest difference of a state (a linear program), taken at ``nearest`` (n_e,).
    Raises `NetworkError` where there is no such law.
    """
    law = conserved(network)
    if law is None or law.logarithmic is not None or law.rate != 0.0:
        raise NetworkError("the reachable set is known for current control and alpha = 0 only")
    wanted = np.asarray(target, float)
    given = np.flatnonzero(np.isfinite(wanted))
    C, start, n = law.weights / np.abs(law.weights).max(), network.initial_state, network.n_edges
    # unknowns (s, d): least d with |s - target| <= d and C s = C s(0)
    picked = np.eye(n)[given]
    ones = np.ones((given.size, 1))
    above = np.vstack([np.hstack([picked, -ones]), np.hstack([-picked, -ones])])
    out = linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=above,
        b_ub=np.concatenate([wanted[given], -wanted[given]]),
        A_eq=np.hstack([C, np.zeros((len(C), 1))]),
        b_eq=C @ start,
        bounds=[*[(None, None)] * n, (0.0, None)],
    )
    if not out.success or out.x is None:
        raise RunFailed(f"the nearest reachable state was not found: {out.message}")
    return float(out.x[-1]), np.asarray(out.x[:-1])
