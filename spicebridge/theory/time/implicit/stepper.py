"""Stepping with the collocation of ``collocation``: the drop-in for the explicit stepper on stiff networks.

Newton's method on all stages at once, in the eigenvectors of A^-1:

    (lambda_k / h - J) dW_k = -(T^-1 (A^-1 Z / h - F))_k,     dZ = Re sum w_k T_k dW_k

J is that of the start of a step and is kept while the iteration contracts fast. F is the network's own right-hand
side, the one the explicit method uses; only the linear systems are new (``currents.linearised``).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.currents.linearised import Linearised, Solver
from spicebridge.theory.time.implicit.collocation import (
    A_INVERSE,
    ERROR,
    LAMBDA,
    LAMBDA_REAL,
    STAGES,
    T_INVERSE,
    WEIGHT,
    C,
    T,
    through_stages,
)

NEWTON = 12
"""Iterations before a step is tried at half its length."""
CONVERGED = 0.02
"""A correction whose expected successor is below this part of the tolerance is the last one."""
FAST = 0.02
"""Contraction below which J is kept for the next step."""
FLOOR = 30.0
"""Corrections below this many roundings of the states are rounding."""
SAFETY, LEAST, MOST, KEEP = 0.85, 0.15, 6.0, 1.25
"""Of the step-size control; a step that would grow by less than `KEEP` keeps its length."""


class CollocationStepper:
    """One step after another from `t` to `bound`, in s; the attributes are those of SciPy's steppers.

    `field` (t, y) -> dy/dt (n,), not finite where there is none; `linearise` (t, y) -> `Linearised`. ``K`` (7, n) are
    the rates at the stages of the last step; ``f`` that at its end.
    """

    def __init__(
        self,
        field: Callable[[float, Array], Array],
        t: float,
        y: Array,
        bound: float,
        *,
        linearise: Callable[[float, Array], Linearised],
        rtol: float,
        atol: float | Array,
        max_step: float,
        first_step: float | None,
    ) -> None:
        self.field, self.linearise, self.bound = field, linearise, bound
        self.t, self.y, self.rtol, self.atol, self.max_step = t, np.array(y), rtol, atol, max_step
        self.status = "running"
        self.f = field(t, self.y)
        self.h_abs = min(first_step or self._first(), bound - t, max_step)
        self.K = np.zeros((STAGES, self.y.size))
        self._about: Linearised | None = None
        self._solvers: list[Solver] = []
        self._solved_for = math.nan
        self._last: tuple[float, float, Array] | None = None
        self._error_before = math.nan
        self._h_before = math.nan
        self._contraction = 1.0

    def _first(self) -> float:
        scale = self.atol + self.rtol * np.abs(self.y)
        rate = float(np.max(np.abs(self.f) / np.maximum(scale / self.rtol, 1e-300), initial=0.0))
        span = self.bound - self.t
        return span if rate == 0.0 else min(span, 0.01 / rate)

    def step(self) -> None:
        """Advance by one accepted step, or set ``status`` to "failed"."""
        h = min(self.h_abs, self.max_step)
        rejected = False
        while True:
            left = self.bound - self.t
            # Two steps of equal length rather than one and a splinter.
            h = left if h >= left * (1 - 1e-12) else min(h, 0.5 * left) if h > 0.7 * left else h
            if not h > 4.0 * np.spacing(max(abs(self.t), abs(self.bound))):
                self.status = "failed"
                return
            Z = self._newton(h)
            if Z is None:
                h, rejected = 0.4 * h, True
                self._about = None
                continue
            error = self._error(h, Z)
            if not error <= 1.0:
                h *= max(LEAST, SAFETY * error ** (-1.0 / (STAGES + 1))) if math.isfinite(error) else LEAST
                rejected = True
                continue
            self._accept(h, Z, error, rejected)
            return

    def _newton(self, h: float) -> Array | None:
        """Displacements (7, n) of the stages, or None where the iteration does not converge."""
        try:
            self._prepare(h)
        except SingularNetwork:
            return None
        y, n = self.y, self.y.size
        Z = self._guess(h)
        weight = self.atol + self.rtol * np.abs(y)
        floor = FLOOR * np.finfo(float).eps * float(np.max(np.abs(y) / weight, initial=0.0))
        before = math.nan
        self._contraction = 0.0
        for iteration in range(NEWTON):
            F = np.empty((STAGES, n))
            for s in range(STAGES):
                F[s] = self.field(self.t + C[s] * h, y + Z[s])
            if not np.isfinite(F).all():
                return None
            residual = T_INVERSE @ (F - A_INVERSE @ Z / h)
            dW = np.stack([solver.solve(r) for solver, r in zip(self._solvers, residual, strict=True)])
            dZ = ((T * WEIGHT) @ dW).real
            Z = Z + dZ
            self.K = F
            size = float(np.max(np.abs(dZ) / weight, initial=0.0))
            if not math.isfinite(size):
                return None
            if size <= floor or size == 0.0:
                return Z
            if iteration:
                contraction = size / before
                self._contraction = max(self._contraction, contraction)
                if contraction >= 1.0:
                    return Z if size <= CONVERGED else None
                if size * contraction / (1.0 - contraction) <= CONVERGED:
                    return Z
            elif size <= 1e-3 * CONVERGED:
                return Z
            before = size
        return None

    def _prepare(self, h: float) -> None:
        """Bring J and the factors for this step up to date."""
        if self._about is None:
            self._about = self.linearise(self.t, self.y)
            self._solved_for = math.nan
        if self._solved_for != h:
            self._solvers = [self._about.at(complex(value) / h) for value in LAMBDA]
            self._solved_for = h

    def _guess(self, h: float) -> Array:
        """The last polynomial continued, or no displacement."""
        if self._last is None or h > 3.0 * self._last[1]:
            return np.zeros((STAGES, self.y.size))
        start, length, values = self._last
        ahead = through_stages((self.t - start + C * h) / length) @ values
        return np.asarray(ahead - self.y)

    def _error(self, h: float, Z: Array) -> float:
        """Estimated error of the step in units of the tolerance."""
        weight = self.atol + self.rtol * np.maximum(np.abs(self.y), np.abs(self.y + Z[-1]))
        solver = self._solvers[0]
        # Filtered once only: a second time would hide a transient that the step jumps over.
        raw = h * self.f / LAMBDA_REAL + ERROR @ Z
        error = (LAMBDA_REAL / h) * solver.solve(raw).real
        return float(np.max(np.abs(error) / weight, initial=0.0))

    def _accept(self, h: float, Z: Array, error: float, rejected: bool) -> None:
        values = np.concatenate([self.y[None], self.y + Z])
        self._last = (self.t, h, values)
        end = self.t + h
        self.t = self.bound if abs(self.bound - end) <= 4.0 * np.spacing(self.bound) else end
        self.y = values[-1].copy()
        self.f = self.field(self.t, self.y)
        grow = SAFETY * max(error, 1e-12) ** (-1.0 / (STAGES + 1))
        if math.isfinite(self._error_before) and not rejected:
            ratio = (h / self._h_before) * (self._error_before / max(error, 1e-12)) ** (1.0 / (STAGES + 1))
            grow = min(grow, grow * ratio)
        self._error_before, self._h_before = max(error, 1e-12), h
        grow = min(1.0 if rejected else MOST, max(LEAST, grow))
        keep_length = 1.0 <= grow <= KEEP
        self.h_abs = h if keep_length else h * grow
        if not (self._contraction <= FAST and keep_length):
            self._about = None
        if self.t >= self.bound:
            self.status = "finished"

    def dense_output(self) -> Callable[[Array], Array]:
        """The last step as a function of times (n,) in s, (n_y, n)."""
        assert self._last is not None
        start, length, values = self._last
        return lambda t: np.asarray((through_stages((np.asarray(t, float) - start) / length) @ values).T)
