"""Networks that can be solved by hand: references for tests and for the honesty of error bars.

One loop of N edges of the affine family, R = r0 (1 + kappa s), ds/dt = a s + J g r0 i, all with the same
r0, kappa, a, g (paper 1: kappa = xi, a = alpha, g = -1/beta; paper 2: kappa = -chi, a = -alpha,
g = 1/beta), sources aiding along the loop with sum e(t) and flux Phi(t) = int_0^t e:

    equal states:  (1 + kappa s) ds/dt = a s (1 + kappa s) + g e / N                   (paper 1, Eq. 6)
    a = 0:         s + kappa s^2 / 2 = s0 + kappa s0^2 / 2 + g Phi / N                 (paper 1, Eq. 7)
    any states:    s_i = s0_i + J_i y,  (N + kappa sum s0) y + (kappa/2) (sum J) y^2 = g Phi

The last line is denied in the note on Eq. 7 of paper 1. Times in s, flux in V s, g in 1/(V s).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array, ComplexArray


def equal_loop(flux: ArrayLike, s0: float, *, kappa: float, g: float, n: int = 1) -> Array:
    """State of `n` equal memristors in a loop after flux Phi (any shape), a = 0 (paper 1, Eq. 7).

    One memristor with one source is n = 1. Not a number where R would have passed zero.
    """
    c = s0 + 0.5 * kappa * s0**2 + g * np.asarray(flux, float) / n
    with np.errstate(invalid="ignore"):
        return np.asarray(2.0 * c / (1.0 + np.sqrt(1.0 + 2.0 * kappa * c)))


def unequal_loop(flux: ArrayLike, s0: ArrayLike, J: ArrayLike, *, kappa: float, g: float) -> Array:
    """States (n_t, N) of a loop with initial states `s0` (N,) and polarities `J` (N,), flux (n_t,), a = 0."""
    start, polarity = np.asarray(s0, float), np.asarray(J, float)
    c = g * np.atleast_1d(np.asarray(flux, float))
    b = start.size + kappa * start.sum()
    y = 2.0 * c / (b + np.sqrt(b * b + 2.0 * kappa * polarity.sum() * c))
    return np.asarray(start + polarity * y[:, None])


def loop_time(s: float, s0: float, *, kappa: float, a: float, drift: float) -> float:
    """Time in s from s0 to s under DC, equal states, a != 0; `drift` = g e / N in 1/s.

    t = int ds (1 + kappa s) / q,  q = a kappa s^2 + a s + drift; q must not vanish in between.
    """
    return _antiderivative(s, kappa, a, drift) - _antiderivative(s0, kappa, a, drift)


def _antiderivative(s: float, kappa: float, a: float, drift: float) -> float:
    q = a * kappa * s * s + a * s + drift
    slope = 2.0 * a * kappa * s + a
    square = a * a - 4.0 * a * kappa * drift
    first = math.log(abs(q)) / (2.0 * a)
    if square > 0.0:
        root = math.sqrt(square)
        return first + math.log(abs((slope - root) / (slope + root))) / (2.0 * root)
    if square < 0.0:
        root = math.sqrt(-square)
        return first + math.atan(slope / root) / root
    return first - 1.0 / slope


def equal_loop_dc(t: ArrayLike, s0: float, *, kappa: float, a: float, drift: float) -> Array:
    """State at times t (n_t,) under DC, equal states, a != 0: `loop_time` inverted by bracketing.

    `drift` = g e / N in 1/s. Raises `ValueError` when the state passes R = 0 before the last time.
    """
    from scipy.optimize import brentq

    rate = (a * kappa * s0 * s0 + a * s0 + drift) / (1.0 + kappa * s0)
    times = np.atleast_1d(np.asarray(t, float))
    if rate == 0.0:
        return np.full(times.shape, s0)
    direction = math.copysign(1.0, rate)
    # The motion ends at the next fixed point, or at R = 0, or nowhere.
    fixed = np.roots([a * kappa, a, drift])
    ends = [float(z.real) for z in fixed if z.imag == 0.0 and (z.real - s0) * direction > 0.0]
    if (-1.0 / kappa - s0) * direction > 0.0:
        ends.append(-1.0 / kappa)
    limit = min(ends, key=lambda z: abs(z - s0)) if ends else math.inf * direction
    out = np.empty(times.shape)
    for k, time in enumerate(times.tolist()):
        if time == 0.0:
            out[k] = s0
            continue
        span = (limit - s0) if math.isfinite(limit) else direction
        far, factor = s0 + 0.5 * span, 0.5
        while loop_time(far, s0, kappa=kappa, a=a, drift=drift) < time:
            factor = 0.5 * (1.0 + factor) if math.isfinite(limit) else 2.0 * factor
            far = s0 + factor * span
            if far == limit:
                break
        if far == limit:
            if limit == -1.0 / kappa:
                raise ValueError(f"the state does not exist at t = {time:g} s: R = 0 is reached before")
            out[k] = limit
            continue
        out[k] = brentq(
            lambda s, goal=time: loop_time(s, s0, kappa=kappa, a=a, drift=drift) - goal,
            s0,
            far,
            xtol=4e-16 * max(1.0, abs(far)),
            rtol=1e-15,
        )
    return out


def reach_time(s: float, s0: float, *, kappa: float, drift: float) -> float:
    """Time in s in which DC carries equal states from s0 to s, a = 0; `drift` = g e / N in 1/s."""
    return (s + 0.5 * kappa * s * s - s0 - 0.5 * kappa * s0 * s0) / drift


def clipped_sine_loop(t: ArrayLike, s0: float, *, kappa: float, g: float, amplitude: float, frequency: float) -> Array:
    """One memristor with hard bounds on amplitude sin(2 pi f t), a = 0, at t (n_t,).

    c = s + kappa s^2/2 follows g Phi and stops at its bounds 0 and 1 + kappa/2. Phi is monotonic on
    half periods, so clipping c on each of them is exact; every release falls on the end of one.
    """
    times = np.atleast_1d(np.asarray(t, float))
    omega = 2.0 * math.pi * frequency
    top = 1.0 + 0.5 * kappa
    c, out = s0 + 0.5 * kappa * s0**2, np.empty(times.shape)
    swing = 2.0 * g * amplitude / omega
    half = np.floor(2.0 * frequency * times).astype(int)
    for number in range(int(half.max()) + 1):
        sign = -1.0 if number % 2 else 1.0
        here = half == number
        phase = omega * times[here] - math.pi * number
        out[here] = np.clip(c + sign * swing * 0.5 * (1.0 - np.cos(phase)), 0.0, top)
        c = min(max(c + sign * swing, 0.0), top)
    return np.asarray(2.0 * out / (1.0 + np.sqrt(1.0 + 2.0 * kappa * out)))


def tunneling_fixed_points(s: float, chi: float) -> tuple[float, float]:
    """x_- (minimum) and x_+ (maximum) of V(x, s) = x^2/2 + (s/chi) ln(1 - chi x), alpha = beta = 1.

    x_-+ = (1 -+ sqrt(1 - 4 s chi)) / (2 chi); paper 2, Eq. 29 prints the other root for x_-.
    """
    root = math.sqrt(1.0 - 4.0 * s * chi)
    return (1.0 - root) / (2.0 * chi), (1.0 + root) / (2.0 * chi)


def fixed_point_spectrum(A: ArrayLike, P: ArrayLike, w: ArrayLike, *, xi: float, alpha: float) -> ComplexArray:
    """Eigenvalues (n_e,) of the linearised network at a fixed point w* of paper 1's law, current control.

    alpha (n_e - L times) and alpha (2 - eta), eta = eig([A P (1 + xi W*) A^t]^-1 A P A^t) (Eqs. 38-39).
    """
    loops, signs = np.asarray(A, float), np.asarray(P, float)
    with_state = (loops * (signs * (1.0 + xi * np.asarray(w, float)))) @ loops.T
    eta = np.linalg.eigvals(np.linalg.solve(with_state, (loops * signs) @ loops.T))
    rest = np.full(loops.shape[1] - loops.shape[0], alpha, dtype=complex)
    return np.concatenate([rest, alpha * (2.0 - eta)])


def theta_eigenvalues(w1: float, w2: float, *, xi: float, alpha: float) -> ComplexArray:
    """The two alpha (2 - eta) of three parallel edges with P = + - + and w3 = w1 + w2.

    eta = 1/(1 + xi mu), mu = w2 +- sqrt(w1 (w1 - w2)): a complex pair when w2 > w1 > 0.
    """
    root = np.sqrt(complex(w1 * (w1 - w2)))
    mu = np.array([w2 + root, w2 - root])
    return np.asarray(alpha * (2.0 - 1.0 / (1.0 + xi * mu)))
