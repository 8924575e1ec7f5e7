"""How perturbations grow along a run, and a function that falls along it.

Exponents: Phi' = L(s(t)) Phi from Phi(0) = I, orthonormalised now and then (Benettin et al., Meccanica 15 (1980) 9);
a state that reaches a hard bound loses its row of Phi (saltation at a transversal hit), which makes one exponent
minus infinity.

Lyapunov function for the affine family R = r0 (1 + kappa s), ds/dt = a s + J g r0 i, current control, one `a`:
with u = P kappa J/g, d = P kappa/(g^2 r0), T_0 = A^t (A P r0 A^t)^-1 A, M = diag(u) T_0 diag(u), y = s^2,

    L(s)   = -sign(kappa) [ (a/3) d . s^3 + (a/4) y . M y + (1/2) y . u T_0 S ]              joule
    dL/dt  = -loss + sign(kappa) (s v) . M (s n),   v = ds/dt,   n = v - f, the rate that hard bounds take away
    loss   = sign(kappa) [ d . (s v^2) + (s v) . M (s v) ]                                    watt

For P = I the loss is >= 0 wherever s >= 0 and R > 0, so that L falls in the bulk. Paper 2, Eqs. 8-11 are the case
kappa = -chi, a = -alpha, g = 1/beta; the functional after Eq. 60 of paper 1 is the case a = 0, kappa = xi.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.analysis.affine import require
from spicebridge.analysis.flow import Flow, carried, segments, whole_run
from spicebridge.arrays import Array, IntArray
from spicebridge.errors import NetworkError
from spicebridge.network import Network
from spicebridge.theory.currents.branch import branch_solver
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.threads import one_blas_thread

GROWTH = 4.0
"""Phi is orthonormalised after so many times the fastest rate."""
ABSORBED = 1e-13
"""A direction shorter than this after a hit lies within the others."""
RTOL = 1e-8
DENSE = 500
"""Edges up to which T_0 is held as a matrix."""


@one_blas_thread()
def lyapunov_exponents(network: Network, t: ArrayLike, *, rtol: float = RTOL) -> Array:
    """Exponents (n,) in 1/s over [0, t[-1]] from the initial state, one for each edge with memory, falling.

    Minus infinity for directions that a hard bound has absorbed. Over a finite span they depend on the start and
    on the span; the largest one times the span is the logarithm of the growth of a generic perturbation.
    Raises `RunFailed` where the run does not reach the end.
    """
    stop = float(np.atleast_1d(np.asarray(t, float))[-1])
    if not stop > 0.0:
        raise NetworkError(f"lyapunov_exponents: the span must end after 0, not at {stop:g} s")
    path = whole_run(network, stop, 1e-10)
    flow = Flow(network)
    memory = np.flatnonzero(network.stateful)
    n = memory.size
    Q, alive, logs = np.eye(n), np.arange(n), np.zeros(n)
    fastest = max(float(np.abs(flow.jacobian(path(x), x)).sum(axis=1).max()) for x in np.linspace(0.0, stop, 9))
    for segment in segments(flow, path):
        free = ~segment.held[memory]
        Q = Q * free[:, None]
        parts = max(1, int(np.ceil((segment.stop - segment.start) * fastest / GROWTH)))
        for left, right in pairwise(np.linspace(segment.start, segment.stop, parts + 1).tolist()):
            Q, alive = _orthonormal(Q, alive, logs)
            if alive.size:
                Q = carried(
                    flow, path, Q, (left, right), rtol, edges=memory, free=free[:, None], what="lyapunov_exponents"
                )
    _orthonormal(Q, alive, logs)
    return np.asarray(np.sort(logs / stop)[::-1])


def _orthonormal(Q: Array, alive: IntArray, logs: Array) -> tuple[Array, IntArray]:
    """Orthonormal columns in their order; `logs` gains their lengths, minus infinity for those that vanish."""
    if alive.size == 0:
        return Q, alive
    q, r = np.linalg.qr(Q)
    size = np.abs(np.diag(r))
    stays = size > ABSORBED
    logs[alive[stays]] += np.log(size[stays])
    logs[alive[~stays]] = -np.inf
    return q[:, stays], alive[stays]


@dataclass(frozen=True, eq=False, kw_only=True)
class LyapunovFunction:
    """L(s) of the module: value in J, loss in W; where P is mixed the loss has no sign.

    ``through(y)`` is M y for y (..., n_e).
    """

    a: float
    sign: float
    d: Array
    through: Callable[[Array], Array]
    drive: Array

    @classmethod
    def of(cls, network: Network) -> LyapunovFunction:
        """Raises `NetworkError` naming the assumption that does not hold."""
        law = require(network, "the Lyapunov function", "current", "one alpha", "constant")
        kappa = law.kappa[network.stateful]
        if kappa.size == 0 or (np.sign(kappa) != np.sign(kappa[0])).any():
            raise NetworkError(
                "the Lyapunov function needs R that rises with the state on every edge, or falls on every"
            )
        memory = network.stateful
        g = np.where(memory, law.g, 1.0)
        u = np.where(memory, network.P * law.kappa * network.J / g, 0.0)
        d = np.where(memory, network.P * law.kappa / (g**2 * law.r0), 0.0)
        T = _answer(network, network.P * law.r0)
        return cls(
            a=float(law.a[memory][0]),
            sign=float(np.sign(kappa[0])),
            d=d,
            through=lambda y: u * T(u * y),
            drive=u * T(network.bank(0.0)),
        )

    def __call__(self, state: ArrayLike) -> Array:
        """L in J for states (..., n_e)."""
        s = np.asarray(state, float)
        y = s**2
        quartic = (self.through(y) * y).sum(axis=-1)
        return np.asarray(-self.sign * (self.a / 3.0 * (s**3) @ self.d + self.a / 4.0 * quartic + 0.5 * y @ self.drive))

    def gradient(self, state: ArrayLike) -> Array:
        """dL/ds in J, (..., n_e)."""
        s = np.asarray(state, float)
        y = s**2
        return np.asarray(-self.sign * s * (self.a * s * self.d + self.a * self.through(y) + self.drive))

    def loss(self, state: ArrayLike, rate: ArrayLike) -> Array:
        """-dL/dt in the bulk in W, for states and rates ds/dt (..., n_e)."""
        s, v = np.asarray(state, float), np.asarray(rate, float)
        sv = s * v
        return np.asarray(self.sign * ((sv * v) @ self.d + (self.through(sv) * sv).sum(axis=-1)))

    def at_walls(self, state: ArrayLike, rate: ArrayLike, taken: ArrayLike) -> Array:
        """What hard bounds add to dL/dt in W; `taken` n = ds/dt - f (..., n_e), 0 on free edges."""
        sv = np.asarray(state, float) * np.asarray(rate, float)
        sn = np.asarray(state, float) * np.asarray(taken, float)
        return np.asarray(self.sign * (self.through(sv) * sn).sum(axis=-1))


def _answer(network: Network, q: Array) -> Callable[[Array], Array]:
    """T_0 y for y (..., n_e): a matrix, or for large networks one sparse solve for each y."""
    topology = Topology.of(network)
    if network.n_edges <= DENSE:
        T = topology.oblique(q) / q
        return lambda y: np.asarray(y @ T)
    solver = branch_solver(network, topology=topology)
    return lambda y: np.array([solver.solve(q, row) for row in y.reshape(-1, y.shape[-1])]).reshape(y.shape)


def functional(network: Network, state: ArrayLike) -> Array:
    """f = sum_ij (Omega_ij/2) S_j w_i^2 in V for states (..., n_e): paper 1, after Eq. 60.

    It never increases for P = J = I, alpha = 0, constant sources, w > 0 and one Ron, xi, beta:
    df/dt = -(1/beta) y^t (W^-1 + xi Omega)^-1 y with y = Omega S.
    Raises `NetworkError` naming the assumption that does not hold.
    """
    rules = ("memory", "passive", "forward", "constant", "current", "no alpha", "one law")
    law = require(network, "the functional of paper 1", *rules)
    if (law.kappa < 0.0).any():
        raise NetworkError("the functional of paper 1 needs R that rises with the state (law 'caravelli2017')")
    w = np.asarray(state, float)
    # Omega S is what the network answers at resistances of 1 ohm
    return np.asarray(0.5 * w**2 @ branch_solver(network).solve(np.ones(network.n_edges), network.bank(0.0)))
