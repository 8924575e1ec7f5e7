"""Conjugate gradients with the diagonal as preconditioner, for graphs whose elimination fills up.

L p = b,    L = B G B^t > 0       (Hestenes, Stiefel, J. Res. Natl. Bur. Stand. 49 (1952) 409)
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array
from spicebridge.theory.currents.factorisation import undetermined
from spicebridge.theory.currents.laplacian import GroundedLaplacian

TOLERANCE = 1e-13
"""Residual, in the norm of the preconditioner, in parts of the largest load since the last update and of its own."""
MOST_STEPS = 1000
STALLED = 1e-9
"""A residual above this after the last step is no solution."""


class DiagonalCg:
    """A `Factor` without a factorisation. ``last_steps`` counts the steps of the last solve.

    Loads after an update are taken as terms of one series: those that are small beside the first are solved to the
    same absolute accuracy, in fewer steps.
    """

    def __init__(self, laplacian: GroundedLaplacian) -> None:
        self._laplacian = laplacian
        self._matrix = sp.csr_array((laplacian.n, laplacian.n))
        self._inverse = np.zeros(laplacian.n)
        self._largest = 0.0
        self.last_steps = 0

    def update(self, data: Array) -> None:
        self._matrix = self._laplacian.full(data)
        diagonal = self._matrix.diagonal()
        if not (diagonal > 0.0).all():
            raise undetermined()
        self._inverse = 1.0 / diagonal
        self._largest = 0.0

    def solve(self, load: Array) -> Array:
        """Potentials (n,). Raises `SingularNetwork` where the steps do not converge."""
        matrix, inverse = self._matrix, self._inverse
        p, residual = np.zeros_like(load), load.copy()
        z = inverse * residual
        rho = float(residual @ z)
        self._largest = max(self._largest, rho)
        enough, own = TOLERANCE**2 * self._largest, rho
        direction = z.copy()
        self.last_steps = 0
        while rho > enough:
            if self.last_steps == MOST_STEPS:
                if rho > STALLED**2 * own:
                    raise undetermined()
                break
            image = np.asarray(matrix @ direction)
            length = rho / float(direction @ image)
            p += length * direction
            residual -= length * image
            np.multiply(inverse, residual, out=z)
            before, rho = rho, float(residual @ z)
            if not np.isfinite(rho):
                raise undetermined()
            direction *= rho / before
            direction += z
            self.last_steps += 1
        return p
