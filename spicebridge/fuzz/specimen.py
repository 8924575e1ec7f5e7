"""What is thrown at a simulator: a small circuit, its exact answer, and ways to make it smaller.

A specimen is *ours* if its text is what a dialect writes, and *plain* if it is what a person would type. A difference
in ours is a defect of this package (or of the simulator behind it); a difference in plain is a trap of the simulator,
which the dialects have to write around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.engines import RunRecord

OURS, PLAIN = "ours", "plain"


@dataclass(frozen=True)
class WrongValue:
    """Where a simulator leaves the right value: signal, time in s, what it gave and what is right."""

    signal: str
    time: float
    found: float
    right: float

    def __str__(self) -> str:
        return f"{self.signal} = {self.found:.9g} at t = {self.time:.6g} s, right is {self.right:.9g}"


@dataclass(frozen=True)
class NoAnswer:
    """The simulator gave no answer: the status of the run and its reason."""

    status: str
    reason: str


Outcome = WrongValue | NoAnswer | None
Run = Callable[[str, tuple[str, ...], float], RunRecord | NoAnswer]
"""(text, vectors, stop) -> what one run left."""


class Specimen(Protocol):
    """One circuit."""

    @property
    def kind(self) -> str:
        """What it is and which exact answer it has."""
        ...

    @property
    def spelling(self) -> str:
        """`OURS` or `PLAIN`."""
        ...

    def check(self, run: Run) -> Outcome:
        """Run it and compare; None where every signal is right."""
        ...

    def deck(self, remark: str) -> str:
        """The text, with `remark` as its title and nothing that is not needed."""
        ...

    def smaller(self) -> Iterator[Specimen]:
        """Simpler ones of the same kind, the most drastic first; each has an exact answer of its own."""
        ...

    def repairs(self) -> Mapping[str, Specimen]:
        """Cause -> the same specimen written around it."""
        ...

    def shape(self) -> str:
        """What is left of it without its numbers, by which equal causes are folded."""
        ...


def compare(
    signals: Mapping[str, tuple[Array, Array]], time: Array, rtol: float, atol: float = 0.0
) -> WrongValue | None:
    """The worst place where found and right differ by more than `rtol` of the signal's largest, or `atol`."""
    worst: tuple[float, WrongValue] | None = None
    for name, (found, right) in signals.items():
        limit = rtol * float(np.abs(right).max(initial=0.0)) + atol
        error = np.abs(found - right)
        k = int(np.argmax(np.where(np.isfinite(error), error, np.inf)))
        excess = float(error[k]) / limit if limit > 0.0 else float("inf") if error[k] > 0.0 else 0.0
        if not excess <= 1.0 and (worst is None or excess > worst[0]):
            worst = (excess, WrongValue(name, float(time[k]), float(found[k]), float(right[k])))
    return None if worst is None else worst[1]
