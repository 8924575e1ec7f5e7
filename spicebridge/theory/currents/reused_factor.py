"""Conjugate gradients behind an old factorisation, for Laplacians that change a little at a time.

    L p = b,    L = B G B^t,    L_0 = L D L^t factorised at an earlier G

During an integration the conductances drift, so that L_0^-1 L is near the identity: its eigenvalues lie
between the smallest and the largest g_k/g_0k. A few steps of conjugate gradients with the preconditioner
L_0 replace a factorisation, whose cost grows faster with size than that of a solve. The start is the
best combination (in energy) of earlier solutions (Fischer, Comput. Methods Appl. Mech. Eng. 163 (1998)
193). The factorisation is renewed once the steps spent since then would have paid for it; the rule counts
operations, never seconds, so that equal runs give equal numbers.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array
from spicebridge.theory.currents.factorisation import Factor
from spicebridge.theory.currents.laplacian import GroundedLaplacian

TOLERANCE = 1e-13
"""Energy norm of the error of the potentials, relative to that of the potentials: the power that the wrong
part of the currents would dissipate is below this squared part of the whole."""
BASIS = 10
"""Earlier solutions kept for the start."""
MOST_STEPS = 60
"""Steps after which the old factorisation has failed as a preconditioner."""


class LaggedSolver:
    """Potentials of a passive network from an old factorisation.

    ``factorised`` and ``steps`` count factorisations and steps of conjugate gradients.
    """

    def __init__(self, laplacian: GroundedLaplacian, factor: Factor) -> None:
        self.laplacian = laplacian
        self.factor = factor
        self.factorised = 0
        self.steps = 0
        self._fresh = False
        self._spent = 0
        self._basis = np.empty((BASIS, laplacian.n))
        self._kept = 0

    def solve(self, data: Array, load: Array) -> Array:
        """Potentials (n,) for the Laplacian with `data` of its upper triangle.

        Raises `SingularNetwork` as the factorisation does.
        """
        if self._fresh:
            potential = self._iterate(data, load)
            if potential is not None:
                return potential
        return self._renewed(data, load)

    def forget(self) -> None:
        """Take the factorisation as somebody else's."""
        self._fresh = False

    def _renewed(self, data: Array, load: Array) -> Array:
        self._fresh = False
        self.factor.update(data)
        potential = self.factor.solve(load)
        if np.isfinite(potential).all():
            self.factorised += 1
            self._fresh = True
            self._spent = 0
        return potential

    def _start(self, matrix: sp.csr_array, load: Array) -> tuple[Array, Array]:
        """The combination of the basis with the least error in energy, and its residual."""
        if self._kept == 0:
            return np.zeros_like(load), load.copy()
        basis = self._basis[: self._kept]
        image = matrix @ basis.T
        weights = np.linalg.lstsq(basis @ image, basis @ load, rcond=None)[0]
        return weights @ basis, load - image @ weights

    def _iterate(self, data: Array, load: Array) -> Array | None:
        """Conjugate gradients; None if the old factorisation no longer serves."""
        matrix = self.laplacian.full(data)
        start, residual = self._start(matrix, load)
        potential = start.copy()
        direction, rho = np.zeros(0), 0.0
        for step in range(MOST_STEPS):
            z = self.factor.solve(residual)
            before, rho = rho, float(residual @ z)
            if not np.isfinite(rho):
                return None
            if rho <= TOLERANCE**2 * float(load @ potential):
                # The last correction is at hand and costs nothing.
                potential += z
                self.steps += step + 1
                self._spent += step + 1
                self._fresh = self._spent <= self.factor.steps_per_update
                self._remember(matrix, potential - start)
                return potential
            direction = z + (rho / before) * direction if step else z
            image = matrix @ direction
            length = rho / float(direction @ image)
            potential += length * direction
            residual -= length * image
        return None

    def _remember(self, matrix: sp.csr_array, change: Array) -> None:
        """Keep the part that the basis did not know, normalised in energy; start over when it is full."""
        energy = float(change @ (matrix @ change))
        if energy > 0.0:
            self._kept = 0 if self._kept == BASIS else self._kept
            self._basis[self._kept] = change / np.sqrt(energy)
            self._kept += 1
