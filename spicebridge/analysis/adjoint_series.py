"""The adjoint of affine networks by Taylor series, backwards: one factorisation a step, two solves an order.

With x = (t1 - t)/h, q = level + slope s (signed), m = slope i and y = (b + c q) lambda, the coefficients obey

    sum_j q_j z_(k-j) = y_k - B^t p_k,   B z_k = 0
    (k + 1) lambda_(k+1) = h [ a lambda_k + c sum_j m_j lambda_(k-j) - sum_j m_j z_(k-j) ]

beside those of states and currents (``theory/time/taylor``), which are expanded backwards from the same point with the
same factor. Densities of parameters are polynomials and are summed at Gauss points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spicebridge.analysis.flow import Flow
from spicebridge.arrays import Array
from spicebridge.errors import RunFailed
from spicebridge.theory import Trajectory
from spicebridge.theory.time.taylor.affine_law import AffineLaw
from spicebridge.theory.time.taylor.expansion import LAST, TERM, Expansion, Room
from spicebridge.theory.time.taylor.integrator import REACH, order_for
from spicebridge.theory.time.taylor.source_series import SourceSeries

GAUSS = np.polynomial.legendre.leggauss(16)
"""Points and weights on [-1, 1] for densities of parameters."""
SHORTEST = 1e-13
"""A step below this part of the span means that no step is short enough."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Stretch:
    """One step: time is ``end`` - ``length`` x, x in [0, ``x``]; coefficients (order, n_e) or (order, n_e, k)."""

    end: float
    length: float
    x: float
    state: Array
    current: Array
    lam: Array
    z: Array

    def integral(self) -> Array:
        """int z dt (n_e, k)."""
        k = np.arange(len(self.z))
        return np.asarray(np.tensordot(self.length * self.x ** (k + 1) / (k + 1), self.z, 1))

    def moment(self, left: float) -> Array:
        """int z (t - left) dt (n_e, k)."""
        k = np.arange(len(self.z))
        weight = (self.end - left) * self.x ** (k + 1) / (k + 1) - self.length * self.x ** (k + 2) / (k + 2)
        return np.asarray(np.tensordot(self.length * weight, self.z, 1))

    def points(self) -> tuple[Array, Array, tuple[Array, Array, Array, Array]]:
        """Times, weights (s) and (state, current, lambda, z) at the Gauss points."""
        x, weights = 0.5 * self.x * (GAUSS[0] + 1.0), 0.5 * self.x * self.length * GAUSS[1]
        powers = np.vander(x, len(self.lam), increasing=True)
        signals = (self.state, self.current, self.lam, self.z)
        at = tuple(np.tensordot(powers[:, : len(c)], c, 1) for c in signals)
        return self.end - self.length * x, weights, (at[0], at[1], at[2], at[3])


class SeriesAdjoint:
    """Steps of the adjoint backwards along a path; see `of` for the networks that it covers."""

    def __init__(self, flow: Flow, path: Trajectory, law: AffineLaw, sources: SourceSeries, rtol: float) -> None:
        self.flow, self.path, self.law, self.sources, self.rtol = flow, path, law, sources, rtol
        self.order = order_for(rtol)
        self.reach = math.inf
        self.solves = 0

    @classmethod
    def of(cls, flow: Flow, path: Trajectory, rtol: float) -> SeriesAdjoint | None:
        """None where a law is not affine, or a source has no series."""
        law = AffineLaw.of(flow.network)
        if law is None:
            return None
        try:
            return cls(flow, path, law, SourceSeries(flow.network), rtol)
        except TypeError:
            return None

    def march(
        self, lam: Array, start: float, stop: float, held: NDArray[np.bool_], take: Callable[[Stretch], None]
    ) -> Array:
        """lambda (n_e, k) at `stop` from `start` > `stop` (s), `held` states kept; every step is given to `take`."""
        free = (self.law.stateful & ~held)[:, None]
        lam, t, middle = np.where(free, lam, 0.0), start, 0.5 * (start + stop)
        while t > stop:
            stretch = self._expand(lam, t, stop, middle if middle < t else 0.5 * (t + stop), held, free)
            step = stretch.x * stretch.length
            if not step > SHORTEST * self.path.stop:
                raise RunFailed(f"the adjoint equation cannot be continued below t = {t:.6g} s")
            take(stretch)
            lam = np.tensordot(stretch.x ** np.arange(len(stretch.lam)), stretch.lam, 1)
            ended = stretch.x == 1.0 and stretch.length == t - stop
            if stretch.x < 1.0 or step >= self.reach:
                self.reach = step
            t = stop if ended else t - step
        return lam

    def _expand(
        self, lam: Array, t: float, stop: float, inside: float, held: NDArray[np.bool_], free: NDArray[np.bool_]
    ) -> Stretch:
        law, order = self.law, self.order
        state = self.path(t)
        q = law.level + law.slope * state
        solve = self.flow.factor(q)
        length = min(t - stop, REACH * self.reach)
        self.sources.expand(t, inside, -length, order)
        series = Expansion(law, self.sources, solve, q, state, -length, Room(state.size, order))
        series.hold(held)
        L, Z = np.empty((order + 1, *lam.shape)), np.empty((order, *lam.shape))
        L[0] = lam
        scale = self.rtol * max(float(np.abs(lam).max()), 1e-300)
        slope, a, b = law.slope[:, None], law.a[:, None], law.b[:, None]
        c = None if law.c is None else law.c[:, None]
        sizes = [math.inf] * LAST
        k = 0
        while k < order and not max(sizes[-LAST:]) <= TERM:
            series.rate()
            s, i = series.s, series.i
            y = b * L[k]
            if c is not None:
                y += c * (q[:, None] * L[k])
                if k:
                    y += c * slope * np.einsum("jn,jnc->nc", s[1 : k + 1], L[:k][::-1])
            if k:
                y -= slope * np.einsum("jn,jnc->nc", s[1 : k + 1], Z[:k][::-1])
            Z[k] = _columns(solve, y)
            f = a * L[k] - slope * np.einsum("jn,jnc->nc", i, Z[: k + 1][::-1])
            if c is not None:
                f += c * slope * np.einsum("jn,jnc->nc", i, L[: k + 1][::-1])
            L[k + 1] = np.where(free, f * (length / (k + 1)), 0.0)
            k += 1
            own = float(np.abs(series.s[k]).max()) / self.rtol
            sizes.append(max(float(np.abs(L[k]).max()) / scale, own))
            self.solves += 1 + lam.shape[1]
        ends = [
            (TERM / size) ** (1.0 / n) for n, size in zip(range(k, 0, -1), sizes[:-4:-1], strict=False) if size > TERM
        ]
        return Stretch(
            end=t,
            length=length,
            x=float(min([1.0, *ends])),
            state=series.s[:k],
            current=series.i,
            lam=L[: k + 1],
            z=Z[:k],
        )


def _columns(solve: Callable[[Array], Array], sources: Array) -> Array:
    return np.column_stack([solve(column) for column in sources.T])
