"""What the trapezoidal rule makes of the network ODE at a given step: the error of a simulator's run, without one.

    u_(k+1) = u_k + (h/2) (f(u_k, t_k) + f(u_(k+1), t_(k+1))),    e_k = u_k - w(t_k)

with steps that end on every corner of a source, as simulators take them (Hairer, Norsett, Wanner, Solving ODEs I,
II.7). Where a state meets or leaves a hard bound within a step the rule says nothing of the clamp that holds it there:
the error of that edge is left out of that step.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.threads import one_blas_thread
from spicebridge.theory.time.dynamics import Dynamics
from spicebridge.theory.time.problem import breakpoints
from spicebridge.theory.time.trajectory import Trajectory

ITERATIONS = 6
"""Most iterations of a step: those of the fixed point gain the factor h L / 2 each, …"""
SETTLED = 1e-10
"""… and end at a change of a state by this much."""
CONTRACTING = 0.3
"""A change above this part of the one before asks for Newton's method in place of the fixed point."""
KRYLOV = 30
"""Most products with the Jacobian in one Newton step."""
DIFFERENCE = 1e-6
"""Length of the differences behind these products."""
INSIDE = 1e-9
"""Part of a step by which its ends are seen from within: a source may jump there."""
LOST = 1e3
"""An error beyond this many times the largest state is one of a run that no longer follows."""


def trapezoidal_error(trajectory: Trajectory, step: float) -> float:
    """Largest deviation of any state from `trajectory` in a run of the trapezoidal rule at the ceiling `step` (s).

    Infinite where such a run loses the solution. The trajectory has to be complete.
    """
    network, stop = trajectory.network, trajectory.stop
    field = _Field(Dynamics(network, trajectory.branch))
    ends = [0.0, *breakpoints(network, stop)]
    e, worst = np.zeros(network.n_edges), 0.0
    try:
        with one_blas_thread(), np.errstate(all="ignore"):
            for start, end in pairwise(ends):
                field.dynamics.enter(start, end)
                t = np.linspace(start, end, math.ceil((end - start) / step * (1.0 - INSIDE)) + 1)
                w = trajectory(t)
                lost = LOST * max(1.0, float(np.abs(w).max(initial=0.0)))
                for k in range(t.size - 1):
                    e = field.stepped(t[k : k + 2], w[k], w[k + 1], e)
                    worst = max(worst, float(np.abs(e).max(initial=0.0)))
                    if not worst < lost:
                        return math.inf
    finally:
        # The branch is the trajectory's own, which may be asked for currents afterwards.
        field.dynamics.leave()
    return worst


class _Field:
    """The rates of a network with its hard bounds, and one step of the rule in them."""

    def __init__(self, dynamics: Dynamics) -> None:
        self.dynamics = dynamics
        self.low = np.where(dynamics.hard, 0.0, -np.inf)
        self.high = np.where(dynamics.hard, 1.0, np.inf)

    def __call__(self, state: Array, t: float) -> Array:
        state = np.clip(state, self.low, self.high)
        try:
            rate = self.dynamics(state, t)
        except (SingularNetwork, np.linalg.LinAlgError):
            return np.full(state.shape, np.nan)
        resting = ((state <= self.low) & (rate < 0.0)) | ((state >= self.high) & (rate > 0.0))
        return np.where(resting, 0.0, rate)

    def stepped(self, t: Array, before: Array, after: Array, e: Array) -> Array:
        """The error after a step over `t` (2,), between states `before` and `after`, that began with the error `e`."""
        half, ends = 0.5 * (t[1] - t[0]), t + np.array([1.0, -1.0]) * INSIDE * (t[1] - t[0])
        base = before + e + half * self(before + e, ends[0])
        found = self._solved(base, after + e, half, ends[1])
        held = (before <= self.low) | (before >= self.high) | (after <= self.low) | (after >= self.high)
        return np.where(held, 0.0, found - after)

    def _solved(self, base: Array, guess: Array, half: float, t: float) -> Array:
        """u = base + half f(u, t)."""
        u, last = guess, math.inf
        for _ in range(ITERATIONS):
            better = base + half * self(u, t)
            change = float(np.abs(better - u).max(initial=0.0))
            if not change <= CONTRACTING * last:
                return self._newton(base, guess, half, t)
            u, last = better, change
            if change <= SETTLED:
                break
        return u

    def _newton(self, base: Array, guess: Array, half: float, t: float) -> Array:
        """The same where the rates are stiff, by Newton's method with products of the Jacobian only."""
        u = guess
        for _ in range(ITERATIONS):
            f = self(u, t)
            left = base + half * f - u
            if not np.isfinite(left).all() or np.abs(left).max(initial=0.0) <= SETTLED:
                break
            size = max(1.0, float(np.abs(u).max(initial=0.0)))

            def product(v: Array, u: Array = u, f: Array = f, size: float = size) -> Array:
                length = float(np.abs(v).max(initial=0.0))
                if length == 0.0:
                    return v
                d = DIFFERENCE * size / length
                return np.asarray(v - half * (self(u + d * v, t) - f) / d)

            operator = LinearOperator((u.size, u.size), matvec=product, dtype=float)
            step, _ = gmres(operator, left, rtol=1e-4, restart=KRYLOV, maxiter=1)
            u = u + step
        return u
