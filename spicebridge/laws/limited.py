"""Functions that a Newton iteration cannot drive into overflow, the same in both branches.

    E(u)  = exp(min(u, L)) (1 + max(u - L, 0))           = exp(u)   for u <= L, then its tangent
    Sh(u) = sinh(c) + cosh(L) (u - c), c = u within +-L  = sinh(u)  for |u| <= L, then its tangent
    [u]^a = max(u, 0)^a

E and Sh are once continuously differentiable and increasing. L is a parameter of the device, `exp_limit`.
"""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array

EXP_LIMIT = 40.0
"""Default L: exp(40) = 2e17 is beyond every law's use and far from overflow (709)."""


def limited_exp(u: Array, limit: Array) -> Array:
    """E(u)."""
    return np.asarray(np.exp(np.minimum(u, limit)) * (1.0 + np.maximum(u - limit, 0.0)))


def limited_exp_slope(u: Array, limit: Array) -> Array:
    """dE/du."""
    return np.asarray(np.exp(np.minimum(u, limit)))


def limited_sinh(u: Array, limit: Array) -> Array:
    """Sh(u)."""
    inner = np.clip(u, -limit, limit)
    return np.asarray(np.sinh(inner) + np.cosh(limit) * (u - inner))


def limited_sinh_slope(u: Array, limit: Array) -> Array:
    """dSh/du."""
    return np.asarray(np.cosh(np.clip(u, -limit, limit)))


def positive_power(u: Array, exponent: Array) -> Array:
    """[u]^a."""
    return np.asarray(np.maximum(u, 0.0) ** exponent)


def positive_power_slope(u: Array, exponent: Array) -> Array:
    """d[u]^a/du for a >= 1; zero at u = 0."""
    return np.asarray(np.where(u > 0.0, exponent * np.maximum(u, 0.0) ** (exponent - 1.0), 0.0))
