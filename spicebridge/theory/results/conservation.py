"""Exact laws of the bulk dynamics, as residuals of waveforms that a correct run makes zero.

Affine family per edge: R = r0 (1 + kappa s), ds/dt = a s + J g q (paper 1: a = alpha, g = -1/beta), and
one `a` for all edges. B i = 0 and A (v - S) = 0 integrate to

    current control   A [int v - int S] = 0,                                   Eqs. 27-28, exact for a = 0
                      int v = (P J/g) [(s - s0) + (kappa/2)(s^2 - s0^2) - a int (s + kappa s^2)]
    voltage control   A [J s/g]  = e^{a t} A [J s0/g] + int e^{a(t-u)} A S(u) du           Eq. 16 corrected
                      B [J P ln(1 + kappa s)/(g kappa r0)] = const, a = 0                 new

They hold while no state is held at a bound. Residuals are divided by the largest term of the law, so
they compare with the relative error of the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError
from spicebridge.laws import LinearMemristor
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.waveforms import Waveforms

GAUSS_POINTS = 16
"""Gauss-Legendre points per interval between output times in the convolution of the sources."""


@dataclass(frozen=True)
class _Law:
    """r0 (ohm), kappa, g (1/(V s)), each (n_e,), and the common a (1/s)."""

    r0: Array
    kappa: Array
    g: Array
    a: float


def _law(network: Network, control: str) -> _Law:
    r0, kappa, g, a = (np.empty(network.n_edges) for _ in range(4))
    for group in network.groups:
        device = group.device
        edge = network.edge_name(int(group.edges[0]))
        if not isinstance(device, LinearMemristor):
            raise NetworkError(f"{edge}: this law holds for linear memristors only, not for a {device.kind}")
        if device.control != control:
            raise NetworkError(f"{edge}: this law needs control {control!r}, not {device.control!r}")
        r0[group.edges], kappa[group.edges] = device.r0, device.kappa
        g[group.edges], a[group.edges] = device.g, device.a
    if (a != a[0]).any():
        raise NetworkError("this law needs one decay rate alpha for all edges")
    return _Law(r0, kappa, g, float(a[0]))


def _relative(residual: Array, *terms: Array) -> Array:
    scale = max(float(np.abs(term).max(initial=0.0)) for term in terms)
    return residual / scale if scale > 0.0 else residual


def flux_linkage(network: Network, waves: Waveforms) -> Array:
    """Residual (n_t, L) of A (int v - int S) = 0 with int v from the states alone; current control.

    Times A^t (A Q A^t)^-1 this is paper 1, Eqs. 27-28. For a != 0 the memory integral is taken of a
    quintic spline through the samples, whose spacing then limits the residual.
    """
    law = _law(network, "current")
    s, s0 = waves.state, waves.state[0]
    linkage = (s - s0) + 0.5 * law.kappa * (s**2 - s0**2)
    if law.a != 0.0:
        from scipy.interpolate import make_interp_spline

        memory = s + law.kappa * s**2
        spline = make_interp_spline(waves.t, memory, k=min(5, waves.t.size - 1)).antiderivative()
        linkage = linkage - law.a * (spline(waves.t) - spline(waves.t[0]))
    flux = linkage * (network.P * network.J / law.g)
    given = network.bank.integral(waves.t) - network.bank.integral(waves.t[0])
    return _relative(np.asarray((Topology.of(network).A @ (flux - given).T).T), flux, given)


def loop_balance(network: Network, waves: Waveforms) -> Array:
    """Residual (n_t, L) of A [J s/g] = e^{a t} A [J s0/g] + int e^{a(t-u)} A S(u) du; voltage control."""
    law = _law(network, "voltage")
    flux = waves.state * (network.J / law.g)
    grown = np.exp(law.a * (waves.t - waves.t[0]))[:, None] * flux[0]
    given = _convolution(network, law.a, waves.t)
    return _relative(np.asarray((Topology.of(network).A @ (flux - grown - given).T).T), flux, given)


def log_balance(network: Network, waves: Waveforms) -> Array:
    """Residual (n_t, n) of B [J P ln(1 + kappa s)/(g kappa r0)] = const; voltage control, a = 0.

    Raises `NetworkError` when alpha is not zero.
    """
    law = _law(network, "voltage")
    if law.a != 0.0:
        raise NetworkError("B ln(1 + xi w) is conserved for alpha = 0 only")
    charge = np.log1p(law.kappa * waves.state) * (network.J * network.P / (law.g * law.kappa * law.r0))
    return _relative(np.asarray((Topology.of(network).B @ (charge - charge[0]).T).T), charge)


def _convolution(network: Network, a: float, t: Array) -> Array:
    """int from t[0] of e^{a(t-u)} S(u) du, (n_t, n_e), by Gauss-Legendre between times and breakpoints."""
    if a == 0.0:
        return np.asarray(network.bank.integral(t) - network.bank.integral(t[0]))
    breaks = {time for d in network.drives if d is not None for time in d.breakpoints(float(t[-1]))}
    knots = np.union1d(t, [time for time in breaks if time > t[0]])
    points, weights = np.polynomial.legendre.leggauss(GAUSS_POINTS)
    out = np.zeros((knots.size, network.n_edges))
    for k, (left, right) in enumerate(pairwise(knots.tolist())):
        u = 0.5 * (left + right) + 0.5 * (right - left) * points
        kernel = 0.5 * (right - left) * weights * np.exp(a * (right - u))
        out[k + 1] = np.exp(a * (right - left)) * out[k] + kernel @ network.bank(u)
    return out[np.searchsorted(knots, t)]
