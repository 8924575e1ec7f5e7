"""Paper 2's ensemble: many trajectories on random projectors, for statistics and not for waveforms.

    dx/dt = -x + Omega-flow,   flow = Q (I - chi Q^t X Q)^-1 Q^t S,    Omega = Q Q^t,   0 <= x <= 1

Q (N, L) is an orthonormal basis of the range of A^t, A (L, N) with entries uniform in [0, 1];
alpha = beta = Roff = 1. Classical Runge-Kutta steps with projected rates and clipping; a step of 0.1 s
moves no statistic of the figures by more than its own error, 0.05 s follows a trajectory to 5e-7.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dposv

from spicebridge.arrays import Array
from spicebridge.atlas.circuits import CHI

STEP = 0.1
"""s of one Runge-Kutta step."""
AT_REST = 1e-4
"""1/s: a trajectory whose rates are all below is at rest."""


def loop_matrix(N: int, rng: np.random.Generator, L: int | None = None) -> Array:
    """A (L, N) of paper 2: uniform in [0, 1], by default with N/2 loops."""
    return rng.random((max(1, N // 2) if L is None else L, N))


@dataclass(frozen=True, eq=False)
class ProjectorFlow:
    """One member of the ensemble: ``Q`` (N, L) column-ordered, the source ``s`` (V) on every edge."""

    Q: Array
    s: float

    @classmethod
    def of(cls, A: Array, s: float) -> ProjectorFlow:
        return cls(np.asfortranarray(np.linalg.qr(A.T)[0]), s)

    @cached_property
    def drive(self) -> Array:
        """Q^t S, (L,)."""
        return np.asarray(self.s * self.Q.sum(axis=0))

    @cached_property
    def weights(self) -> Array:
        """Omega 1/N, (N,): x_cg = x . weights."""
        return np.asarray(self.Q @ self.Q.mean(axis=0))

    @cached_property
    def _identity(self) -> Array:
        return np.asfortranarray(np.eye(self.Q.shape[1]))

    def current(self, x: Array) -> Array:
        """Roff i = (I - chi Omega X)^-1 Omega S, (N,)."""
        scaled = self.Q * np.sqrt(x)[:, None]
        mesh = dsyrk(-CHI, scaled, beta=1.0, c=self._identity, trans=1)
        loops: Array = dposv(mesh, self.drive)[1]
        return np.asarray(self.Q @ loops)

    def rate(self, x: Array) -> Array:
        """dx/dt with hard bounds, (N,)."""
        f = self.current(x) - x
        f[((x >= 1.0) & (f > 0.0)) | ((x <= 0.0) & (f < 0.0))] = 0.0
        return f

    def step(self, x: Array, h: float) -> tuple[Array, Array]:
        """(x after one step, dx/dt before it)."""
        k1 = self.rate(x)
        k2 = self.rate(np.clip(x + 0.5 * h * k1, 0.0, 1.0))
        k3 = self.rate(np.clip(x + 0.5 * h * k2, 0.0, 1.0))
        k4 = self.rate(np.clip(x + h * k3, 0.0, 1.0))
        return np.clip(x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), 0.0, 1.0), k1

    def path(self, x0: Array, stop: float, *, step: float = STEP, every: int = 1) -> Array:
        """States (n_t, N) at every `every`-th step from 0 to `stop`."""
        x = np.clip(x0, 0.0, 1.0)
        out = [x]
        for k in range(round(stop / step)):
            x, _ = self.step(x, step)
            if (k + 1) % every == 0:
                out.append(x)
        return np.array(out)

    def end(self, x0: Array, stop: float, *, step: float = STEP) -> Array:
        """Where a trajectory rests, or is at `stop`, (N,)."""
        x = np.clip(x0, 0.0, 1.0)
        for _ in range(round(stop / step)):
            x, rate = self.step(x, step)
            if np.abs(rate).max() < AT_REST:
                break
        return x

    def crossing(self, x0: Array, stop: float, level: float, *, step: float = STEP) -> float:
        """When the mean of the states last rose over `level`, in s; inf if it is below at rest or at `stop`."""
        x = np.clip(x0, 0.0, 1.0)
        since = 0.0 if x.mean() > level else np.inf
        for k in range(round(stop / step)):
            x, rate = self.step(x, step)
            if x.mean() <= level:
                since = np.inf
            elif since == np.inf:
                since = (k + 1) * step
            if np.abs(rate).max() < AT_REST:
                break
        return float(since)

    def flow_matrix(self, x: Array) -> Array:
        """P = (I - chi Omega X)^-1 Omega, (N, N)."""
        mesh = np.eye(self.Q.shape[1]) - CHI * (self.Q.T * x) @ self.Q
        return np.asarray(self.Q @ np.linalg.solve(mesh, self.Q.T))

    def jacobian(self, x: Array) -> Array:
        """DJ = chi P diag(P S) - I, (N, N), in the bulk."""
        P = self.flow_matrix(x)
        return np.asarray(CHI * P * (P @ np.full(x.size, self.s)) - np.eye(x.size))


def mean_and_error(values: object) -> tuple[float, float]:
    """Mean and half the width of its 95 % interval (Student's t; two standard errors for many values)."""
    from scipy.special import stdtrit

    array = np.asarray(values, float)
    factor = float(stdtrit(array.size - 1, 0.975))
    return float(array.mean()), factor * float(array.std(ddof=1) / np.sqrt(array.size))


def one_more(values: ArrayLike) -> tuple[float, float]:
    """Mean, and half the width of the 95 % interval in which one further value of the same kind lies."""
    mean, half = mean_and_error(values)
    return mean, half * float(np.sqrt(np.size(values) + 1.0))


def standard_error(probability: float, n: int) -> float:
    """Of a frequency from n trials (Agresti and Coull's shift keeps it positive at 0 and 1)."""
    p = (probability * n + 2.0) / (n + 4.0)
    return float(np.sqrt(p * (1.0 - p) / (n + 4.0)))
