"""Where the trajectories of a batch are, and what becomes of each."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array, IntArray


@dataclass(eq=False)
class ActiveRuns:
    """The trajectories under way; every field has one entry or row for each and is advanced in place.

    ``row`` number in the ensemble; ``t``, ``h`` time and next step in s; ``y`` (runs, n_e) unknowns, the state or, on
    held edges, the wall; ``f`` their rates; ``mode`` 0 free, +1 held at 1, -1 held at 0; ``guess`` the solution of
    Kirchhoff's equations at t; ``loudest`` largest drop met, V; ``corner`` and ``output`` index of the
    next corner of the sources and the next output time; ``count`` right-hand sides; ``grow`` largest factor of the
    step; ``event`` time in s of the first of ``chatter`` events.
    """

    row: IntArray
    t: Array
    h: Array
    y: Array
    f: Array
    mode: NDArray[np.int8]
    guess: Array
    loudest: Array
    corner: IntArray
    output: IntArray
    count: IntArray
    grow: Array
    event: Array
    chatter: IntArray

    @classmethod
    def start(cls, row: IntArray, y: Array, unknowns: int) -> ActiveRuns:
        """Trajectories at t = 0 in the states y (runs, n_e)."""
        n = row.size
        count = [np.zeros(n, dtype=np.intp) for _ in range(4)]
        return cls(
            row=row,
            t=np.zeros(n),
            h=np.zeros(n),
            y=y,
            f=np.zeros_like(y),
            mode=np.zeros(y.shape, dtype=np.int8),
            guess=np.zeros((n, unknowns)),
            loudest=np.zeros(n),
            corner=count[0],
            output=count[1],
            count=count[2],
            grow=np.ones(n),
            event=np.full(n, -np.inf),
            chatter=count[3],
        )

    def take(self, chosen: object) -> ActiveRuns:
        """A copy of some of them."""
        return ActiveRuns(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def put(self, chosen: object, other: ActiveRuns) -> None:
        """Write what `take` gave back."""
        for field in fields(self):
            getattr(self, field.name)[chosen] = getattr(other, field.name)

    def joined(self, other: ActiveRuns) -> ActiveRuns:
        parts = {f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)}
        return ActiveRuns(**parts)

    @property
    def size(self) -> int:
        return int(self.row.size)


@dataclass(eq=False)
class EnsembleRecord:
    """Results by number in the ensemble: state (count, n_t, n_e), time reached in s, reason, right-hand sides, and
    how the first of them differ from the same with half the step, (pilots, n_t, n_e), where steps are equal."""

    state: Array
    stop: Array
    reasons: list[str]
    count: IntArray
    half_step: Array | None = None

    @classmethod
    def empty(cls, count: int, n_t: int, n_e: int) -> EnsembleRecord:
        """Nothing reached by `count` trajectories."""
        state = np.full((count, n_t, n_e), np.nan)
        return cls(state, np.zeros(count), [""] * count, np.zeros(count, dtype=np.intp))
