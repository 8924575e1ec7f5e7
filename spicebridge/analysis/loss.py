"""Losses of a run: functions of its waveforms that return their value and its derivative by every sample.

A loss is any  f(waveforms) -> (value, {signal: array (n_t, n_e)}),  signals "state", "current" and "voltage".
Losses here add with `total`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, nearest
from spicebridge.waveforms import SIGNALS, Waveforms

Loss = Callable[[Waveforms], tuple[float, Mapping[str, Array]]]


def final_state(target: ArrayLike, weight: ArrayLike = 1.0) -> Loss:
    """sum_k weight_k (s_k(T) - target_k)^2 of the last states; edges whose target is NaN are left free.

    `target` and `weight` are (n_e,), or one number for all edges.
    """
    wanted, share = np.asarray(target, float), np.asarray(weight, float)

    def loss(waves: Waveforms) -> tuple[float, Mapping[str, Array]]:
        goal, w = _per_edge(wanted, "target", waves), _per_edge(share, "weight", waves)
        apart = np.where(np.isnan(goal), 0.0, waves.state[-1] - goal)
        slope = np.zeros_like(waves.state)
        slope[-1] = 2.0 * w * apart
        return float((w * apart**2).sum()), {"state": slope}

    return loss


def squared(signal: str, target: ArrayLike, weight: ArrayLike = 1.0) -> Loss:
    """Mean over the times of sum_k weight_k (y_k(t) - target_k(t))^2, y the `signal`; NaN targets are left free.

    `target` is (n_t, n_e), (n_e,) or one number; `weight` (n_e,) or one number.
    """
    if signal not in SIGNALS:
        raise NetworkError(
            f"squared: signal {signal!r} must be one of {', '.join(SIGNALS)}{nearest(str(signal), SIGNALS)}"
        )
    wanted, share = np.asarray(target, float), np.asarray(weight, float)

    def loss(waves: Waveforms) -> tuple[float, Mapping[str, Array]]:
        y = np.asarray(getattr(waves, signal))
        try:
            goal = np.broadcast_to(wanted, y.shape)
        except ValueError:
            raise NetworkError(f"squared: target has shape {wanted.shape}; it must be (n_t, n_e) = {y.shape}") from None
        w = _per_edge(share, "weight", waves)
        apart = np.where(np.isnan(goal), 0.0, y - goal)
        return float((w * apart**2).sum() / y.shape[0]), {signal: 2.0 * w * apart / y.shape[0]}

    return loss


def total(*losses: Loss) -> Loss:
    """The sum of several losses."""

    def loss(waves: Waveforms) -> tuple[float, Mapping[str, Array]]:
        value = 0.0
        slopes: dict[str, Array] = {}
        for one in losses:
            part, slope = one(waves)
            value += part
            for signal, array in slope.items():
                slopes[signal] = slopes[signal] + array if signal in slopes else array
        return value, slopes

    return loss


def evaluate(loss: Loss, waves: Waveforms) -> tuple[float, dict[str, Array]]:
    """The loss and its slopes, checked. Raises `NetworkError` saying what a loss must return."""
    rule = "a loss returns (value, {signal: array (n_t, n_e)})"
    answer = loss(waves)
    if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], Mapping)):
        raise NetworkError(f"{rule}, not {type(answer).__name__}")
    value, given = float(answer[0]), answer[1]
    slopes: dict[str, Array] = {}
    for signal, array in given.items():
        if signal not in SIGNALS:
            raise NetworkError(f"{rule}; {signal!r} is no signal{nearest(str(signal), SIGNALS)}")
        slope = np.asarray(array, float)
        if slope.shape != waves.state.shape:
            raise NetworkError(f"{rule}; {signal!r} has shape {slope.shape}, not {waves.state.shape}")
        if not np.isfinite(slope).all():
            raise NetworkError(f"{rule}; the derivative by {signal!r} must be finite")
        slopes[signal] = slope
    if not np.isfinite(value):
        raise NetworkError(f"{rule}; the value {value!r} must be finite")
    return value, slopes


def _per_edge(values: Array, what: str, waves: Waveforms) -> Array:
    if values.ndim > 1 or (values.ndim == 1 and values.size != waves.n_edges):
        raise NetworkError(f"{what} has shape {values.shape}; give one number, or one per edge ({waves.n_edges})")
    return np.broadcast_to(values, (waves.n_edges,))
