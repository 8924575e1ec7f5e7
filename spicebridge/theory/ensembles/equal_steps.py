"""One step of many trajectories at once by an additive Runge-Kutta method.

    past_s = y + h sum_r (a_sr  or  b_sr) k_r,     (y_s, k_s) = stage(past_s, t + c_s h, gamma h)

Weights a are those of explicit unknowns, which a stage takes as they are in `past`; b those of unknowns that it takes
implicitly, y_s = past_s + gamma h k_s. The last stage stands at the end of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from spicebridge.arrays import Array, BoolArray


class Stage(Protocol):
    """What a stage comes to: unknowns and their rates in 1/s, (runs, n) each."""

    @property
    def state(self) -> Array: ...

    @property
    def rate(self) -> Array: ...


AnyStage = TypeVar("AnyStage", bound=Stage)


@dataclass(frozen=True)
class Scheme:
    """Stages at `times` c, of which the last is the end of the step; `explicit` and `implicit` weights of the rates
    before, and the weight `gamma` of a stage's own rate in implicit unknowns."""

    times: tuple[float, ...]
    explicit: tuple[tuple[float, ...], ...]
    implicit: tuple[tuple[float, ...], ...]
    gamma: float


RK4 = Scheme(
    (0.5, 0.5, 1.0, 1.0),
    ((1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
    ((0.0,), (0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)),
    0.0,
)
"""The classical method of fourth order."""
ARS443 = Scheme(
    (1 / 2, 2 / 3, 1 / 2, 1.0),
    ((1 / 2,), (11 / 18, 1 / 18), (5 / 6, -5 / 6, 1 / 2), (1 / 4, 7 / 4, 3 / 4, -7 / 4)),
    ((0.0,), (0.0, 1 / 6), (0.0, -1 / 2, 1 / 2), (0.0, 3 / 2, -3 / 2, 1 / 2)),
    1 / 2,
)
"""Third order, L-stable, stiffly accurate: (4,4,3) of Ascher, Ruuth and Spiteri, Appl. Numer. Math. 25 (1997) 151."""


class EqualSteps:
    """Steps of unknowns of which `implicit` (n,) are taken so, and `hard` (n,) are cut to [0, 1] at every stage."""

    def __init__(self, scheme: Scheme, implicit: BoolArray, hard: BoolArray) -> None:
        self.scheme, self.hard = scheme, np.flatnonzero(hard)
        self.weights: list[list[tuple[int, float | Array]]] = []
        for a, b in zip(scheme.explicit, scheme.implicit, strict=True):
            merged: Iterable[float | Array] = a
            if implicit.any():
                merged = np.where(implicit, np.transpose([b]), np.transpose([a]))
            self.weights.append([(r, w) for r, w in enumerate(merged) if np.any(w)])

    def step(self, stage: Callable[[Array, float, float], AnyStage], now: AnyStage, t: float, h: float) -> AnyStage:
        """From the stage `now` at `t` to that at t + `h`."""
        rates = [now.rate]
        start = now.state
        for c, weights in zip(self.scheme.times, self.weights, strict=True):
            past = start + sum((h * w) * rates[r] for r, w in weights)
            if self.hard.size:
                past[:, self.hard] = np.clip(past[:, self.hard], 0.0, 1.0)
            now = stage(past, t + c * h, self.scheme.gamma * h)
            rates.append(now.rate)
        return now
