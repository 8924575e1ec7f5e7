"""What is known of one edge on the way to its law: its characteristic as trees, the range of its state, and the law."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spicebridge.arrays import Array
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.tree import Expression
from spicebridge.laws import Device


@dataclass(frozen=True)
class EdgeLaw:
    """A device with the signs P and J, and a sentence on how it was found, or ""."""

    device: Device
    P: float
    J: float
    note: str = ""


@dataclass(frozen=True)
class Range:
    """Walls of a state, in its own unit."""

    low: float
    high: float

    @property
    def unit(self) -> bool:
        """Whether it is [0, 1]."""
        return (self.low, self.high) == (0.0, 1.0)

    @property
    def span(self) -> float:
        return self.high - self.low

    def reduced(self, s: Array) -> Array:
        """The state as a number from 0 to 1."""
        return (s - self.low) / self.span


@dataclass(frozen=True)
class Formula:
    """An expression of the state s and of one more symbol x, as a function of arrays."""

    tree: Expression
    symbol: str

    def __call__(self, s: Array, x: Array) -> Array:
        out = evaluate(self.tree, Environment({}, {}, {"s": s, self.symbol: x}))
        return np.broadcast_to(np.asarray(out, float), np.broadcast(s, x).shape)

    def turned(self, x: Array, s: Array) -> Array:
        """The same with the arguments the other way round."""
        return self(s, x)


@dataclass
class Characteristic:
    """i(s, v) and ds/dt(s, v) of an edge as trees over s and v; `resistance` is R(s) where v = R(s) i, else None."""

    current: Expression
    rate: Expression | None
    resistance: Expression | None

    @cached_property
    def trees(self) -> tuple[Expression, ...]:
        return (self.current,) if self.rate is None else (self.current, self.rate)

    def i(self, s: Array, v: Array) -> Array:
        return Formula(self.current, "v")(s, v)

    def R(self, s: Array) -> Array:
        """v/i at 1 V; of a law that is no resistance, whatever that is."""
        if self.resistance is not None:
            return Formula(self.resistance, "v")(s, np.zeros_like(s))
        with np.errstate(all="ignore"):
            return np.asarray(1.0 / self.i(s, np.ones_like(s)))

    def ds_dt(self, s: Array, v: Array) -> Array:
        assert self.rate is not None
        return Formula(self.rate, "v")(s, v)
