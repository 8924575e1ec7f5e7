"""What every form of Kirchhoff's equations offers.

A (q * i - S) = 0,   i = A^t j                q = P R(s), signed, in ohm
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spicebridge.arrays import Array


class BranchSolver(Protocol):
    """Solves Kirchhoff's equations of one topology again and again.

    `form` is "projector", "nodal" or "loop".
    """

    form: str

    def solve(self, resistance: Array, S: Array) -> Array:
        """Return the currents (n_e,) in A, tail to head.

        `resistance` (n_e,) is signed, P R in ohm, none of it zero; `S` (n_e,) the sources in V.
        Raises `SingularNetwork`. The result is a new array; the arguments are not kept.
        """
        ...

    def factor(self, resistance: Array) -> Callable[[Array], Array]:
        """`solve` for many S at one `resistance`: return the map from S (n_e,) to currents (n_e,).

        It holds until the next call of `factor` or `solve`. Raises `SingularNetwork`.
        """
        ...


@dataclass(frozen=True, eq=False)
class Operator:
    """The map from sources (n_e,) in V to currents (n_e,) in A as one `matrix` (n_e, n_e)."""

    matrix: Array

    def __call__(self, S: Array) -> Array:
        return np.asarray(self.matrix @ S)
