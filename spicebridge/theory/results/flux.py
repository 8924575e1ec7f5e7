"""The states from the fluxes of the sources alone, without any integration in time.

Without decay (alpha = 0) and without bounds, charge and flux of an edge are functions of each other:

    ds/dt = b i:   s = s0 + b q,     f(q) = (level + slope s0) q + slope b q^2 / 2
    ds/dt = c v:   s = s0 + c f,     q(f) = ln(1 + slope c f / (level + slope s0)) / (slope c)

with q = int i, f = int v, R = level + slope s signed. Kirchhoff's laws integrate to B q = 0 and f = int S - B^t phi: a
network of nonlinear resistors for the charges, which Newton's method solves, each step by the network of resistances
R(s) reached. Times A^t (A Q A^t)^-1 this is paper 1, Eqs. 27-28, exact at every xi once the linear term is kept. The
states are a function of int S: they do not depend on the path, and are periodic under AC.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, RunFailed
from spicebridge.network import Network
from spicebridge.theory.currents.branch import branch_solver
from spicebridge.theory.time.taylor.affine_law import AffineLaw

STEPS = 50
"""Most steps of Newton's method from one time to the next."""
ENOUGH = 1e-15
"""A step that changes no state by more than this, or no longer shrinks below `STALLED`, is the last."""
STALLED = 1e-11


def flux_objection(network: Network) -> str | None:
    """Why the states do not follow from the fluxes alone, or None."""
    law = None if network.reactive else AffineLaw.of(network)
    if law is None:
        return "an edge has a window, or a law whose resistance or rate is not linear"
    if law.hard.any():
        return "an edge has hard bounds"
    if law.a.any():
        return "an edge has a decay rate (alpha is not 0)"
    return None


def flux_states(network: Network, t: ArrayLike) -> Array:
    """States (n_t, n_e) at increasing times t (n_t,) in s.

    Raises `NetworkError` where the law does not hold (see `flux_objection`), and `RunFailed` where Newton's method
    finds no state with R > 0.
    """
    objection = flux_objection(network)
    if objection is not None:
        raise NetworkError(f"the flux law needs alpha = 0 and no bounds: {objection}")
    law = AffineLaw.of(network)
    assert law is not None
    solver = branch_solver(network)
    times = np.atleast_1d(np.asarray(t, float))
    given = network.bank.integral(times)
    state = network.initial_state
    edge = _Edges(law, state)
    out = np.empty((times.size, state.size))
    for row, time in enumerate(times.tolist()):
        last = np.inf
        for _ in range(STEPS):
            resistance = law.level + law.slope * state
            if not (resistance * edge.resistance > 0.0).all():
                raise RunFailed(f"the flux law reaches a resistance of zero before t = {time:.6g} s")
            move = edge.step(solver.solve, resistance, given[row])
            before, state = state, edge.state()
            size = float(np.abs(state - before).max(initial=0.0))
            if size <= ENOUGH or (size >= last and size < STALLED):
                break
            last = size
            if not np.isfinite(move).all():
                raise RunFailed(f"the flux law finds no state at t = {time:.6g} s")
        else:
            raise RunFailed(f"Newton's method on the flux law does not converge at t = {time:.6g} s")
        out[row] = state
    return out


class _Edges:
    """Charge and flux of every edge, (n_e,) each, kept consistent with its law."""

    def __init__(self, law: AffineLaw, start: Array) -> None:
        self.law, self.start = law, start
        self.resistance = law.level + law.slope * start
        self.by_voltage = law.c != 0.0 if law.c is not None else np.zeros(start.size, dtype=bool)
        self.charge, self.flux = np.zeros(start.size), np.zeros(start.size)

    def state(self) -> Array:
        by_flux = 0.0 if self.law.c is None else self.law.c * self.flux
        return np.asarray(self.start + np.where(self.by_voltage, by_flux, self.law.b * self.charge))

    def step(self, solve: Callable[[Array, Array], Array], resistance: Array, given: Array) -> Array:
        """One step of Newton's method; returns the change of charge in C."""
        law = self.law
        # An edge carries q + (f' - f)/R after the step: a resistance in series with the source q R - f.
        charge = solve(resistance, given - self.flux + resistance * self.charge)
        change = charge - self.charge
        flux = self.flux + resistance * change
        by_charge = (self.resistance + 0.5 * law.slope * law.b * charge) * charge
        if law.c is None:
            self.charge, self.flux = charge, by_charge
            return np.asarray(change)
        gain = law.slope * law.c
        curved = np.where(gain != 0.0, gain, 1.0)
        # a flux beyond the one at which R vanishes has no charge: NaN, which the caller refuses
        with np.errstate(invalid="ignore", divide="ignore"):
            by_flux = np.where(gain != 0.0, np.log1p(gain * flux / self.resistance) / curved, flux / self.resistance)
        self.flux = np.where(self.by_voltage, flux, by_charge)
        self.charge = np.where(self.by_voltage, by_flux, charge)
        return np.asarray(change)
