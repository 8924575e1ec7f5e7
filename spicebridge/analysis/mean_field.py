"""Paper 2's mean field: the centre of the states, its potential, and the collective force on it.

    x_cg = 1^t Omega x / N,       d x_cg/dt = -dV/dx(x_cg) + |a| Lf
    V(x, s) = -a x^2/2 - (g s/kappa) ln(1 + kappa x)                                       1/s
    Lf(x)   = (1/|a|) [ (g/N) 1^t (I + kappa Omega X)^-1 Omega S - g s/(1 + kappa x_cg) ]

With kappa = -chi, a = -alpha, g = 1/beta these are Eqs. 2, 6 and 7 of paper 2; for alpha = beta = 1 the barrier
is between x_- and x_+ = (1 -+ sqrt(1 - 4 s chi))/(2 chi) and s_crit = 0.2061060431 (chi = 0.9). `s` is the level
of the sources, their mean where they differ. Assumptions: P = J = I, one law, current control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from spicebridge.analysis.affine import require
from spicebridge.analysis.flow import Flow
from spicebridge.arrays import Array
from spicebridge.errors import NetworkError
from spicebridge.network import Network
from spicebridge.theory.currents.branch import branch_solver

ASSUMPTIONS = ("memory", "passive", "forward", "current", "one alpha", "one law")


def centre(network: Network, state: ArrayLike) -> Array:
    """x_cg (...,) for states (..., n_e)."""
    # Omega 1 is what the network answers to sources of 1 V at resistances of 1 ohm
    ones = np.ones(network.n_edges)
    weight = branch_solver(network).solve(ones, ones) / network.n_edges
    return np.asarray(np.asarray(state, float) @ weight)


def level(network: Network, t: float = 0.0) -> float:
    """s in V: the mean of the sources at time t (s)."""
    return float(network.bank(t).mean())


def force(network: Network, state: ArrayLike, t: float = 0.0) -> Array:
    """Lyapunov force Lf (...,), dimensionless, for states (..., n_e). Raises `NetworkError` for alpha = 0."""
    law = require(network, "the Lyapunov force", *ASSUMPTIONS)
    if law.a[0] == 0.0:
        raise NetworkError("the Lyapunov force is measured in units of alpha, which is 0 here")
    flow, states = Flow(network), np.asarray(state, float)
    rows = states.reshape(-1, network.n_edges)
    current = np.array([flow.branch(row, t)[0].mean() for row in rows]).reshape(states.shape[:-1])
    mean_field = level(network, t) / (1.0 + law.kappa[0] * centre(network, states))
    return np.asarray(law.g[0] * (law.r0[0] * current - mean_field) / abs(law.a[0]))


@dataclass(frozen=True, kw_only=True)
class Potential:
    """V(x) in 1/s of the mean state x in [0, 1].

    ``minima`` and ``maxima`` are places, ends of the interval included among the minima; ``barrier`` is the height in
    1/s of the first maximum over the minimum before it, 0 where there is none. ``s_crit`` (V) is
    the source at which the two lowest minima are level, NaN where there is no such one.
    """

    a: float
    g: float
    kappa: float
    s: float
    minima: tuple[float, ...]
    maxima: tuple[float, ...]
    barrier: float
    s_crit: float

    def __call__(self, x: ArrayLike) -> Array:
        return _value(self.a, self.g, self.kappa, self.s, np.asarray(x, float))

    def slope(self, x: ArrayLike) -> Array:
        """dV/dx in 1/s."""
        x = np.asarray(x, float)
        return np.asarray(-self.a * x - self.g * self.s / (1.0 + self.kappa * x))


def _value(a: float, g: float, kappa: float, s: float, x: Array) -> Array:
    return np.asarray(-0.5 * a * x**2 - g * s / kappa * np.log1p(kappa * x))


def potential(network: Network, s: float | None = None) -> Potential:
    """The mean-field potential of a network; `s` (V) instead of the mean of its sources.

    Raises `NetworkError` naming the assumption that does not hold.
    """
    law = require(network, "the mean-field potential", *ASSUMPTIONS)
    a, g, kappa = (float(x[0]) for x in (law.a, law.g, law.kappa))
    return potential_of(a, g, kappa, level(network) if s is None else float(s))


def potential_of(a: float, g: float, kappa: float, s: float) -> Potential:
    """The potential for given a (1/s), g (1/(V s)), kappa and s (V)."""
    minima, maxima = _extrema(a, g, kappa, s)
    barrier = 0.0
    if maxima and len(minima) > 1:
        low, top = _value(a, g, kappa, s, np.array([max(x for x in minima if x < maxima[0]), maxima[0]]))
        barrier = float(top - low)
    crit = _critical(a, g, kappa)
    return Potential(a=a, g=g, kappa=kappa, s=s, minima=minima, maxima=maxima, barrier=barrier, s_crit=crit)


def _extrema(a: float, g: float, kappa: float, s: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Minima and maxima of V on [0, 1]: roots of a kappa x^2 + a x + g s, and the ends pushed against."""
    roots = np.roots([a * kappa, a, g * s]) if a != 0.0 else np.zeros(0)
    inside = sorted(float(z.real) for z in roots if abs(z.imag) == 0.0 and 0.0 < z.real < 1.0)
    curvature = [-a + g * s * kappa / (1.0 + kappa * x) ** 2 for x in inside]
    minima = [x for x, c in zip(inside, curvature, strict=True) if c > 0.0]
    maxima = [x for x, c in zip(inside, curvature, strict=True) if c < 0.0]
    if -g * s > 0.0 or (g * s == 0.0 and a <= 0.0):
        minima.insert(0, 0.0)
    if a + g * s / (1.0 + kappa) > 0.0:
        minima.append(1.0)
    return tuple(minima), tuple(maxima)


def _critical(a: float, g: float, kappa: float) -> float:
    """s at which the inner minimum is level with that at the end 1 (a < 0, kappa < 0: paper 2)."""
    if not (a < 0.0 and -1.0 < kappa < 0.0):
        return math.nan
    unit = -a / g
    low, high = (1.0 + kappa) * unit, -unit / (4.0 * kappa)

    def gap(s: float) -> float:
        minima, _ = _extrema(a, g, kappa, s)
        inner = minima[0]
        return float(_value(a, g, kappa, s, np.array(inner)) - _value(a, g, kappa, s, np.array(1.0)))

    left, right = low + 1e-9 * (high - low), high - 1e-9 * (high - low)
    if not (kappa < -0.5 and gap(left) * gap(right) < 0.0):
        return math.nan
    return float(brentq(gap, left, right, xtol=1e-15 * high, rtol=1e-14))
