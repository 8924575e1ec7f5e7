"""Pseudospectrum of the Jacobian: what perturbations can do before the eigenvalues decide.

    sigma_eps(J) = { z : s_min(z I - J) < eps },   numerical abscissa omega(J) = max eig (J + J^t)/2
    Kreiss constant  K(J) = sup_{Re z > 0} Re z / s_min(z I - J) <= sup_t |e^{J t}|

Paper 2, Eqs. 37-39 asks for K < 1, which is impossible: K >= 1 always (z to infinity). What can be asked is
omega(J) < 0, that is |e^{J t}| <= 1 at all times. Trefethen and Embree, Spectra and Pseudospectra, 2005.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array, ComplexArray
from spicebridge.errors import NetworkError
from spicebridge.shown import brief


@dataclass(frozen=True, eq=False, kw_only=True)
class Pseudospectrum:
    """s_min(z I - J) in 1/s on a grid z = ``real`` (nx,) + i ``imaginary`` (ny,): ``sigma`` (ny, nx).

    ``spectrum`` (n,) the eigenvalues, ``abscissa`` their largest real part, ``numerical_abscissa`` that of the
    numerical range, all in 1/s. ``kreiss`` is a lower bound of the Kreiss constant from the grid.
    """

    real: Array
    imaginary: Array
    sigma: Array
    spectrum: ComplexArray
    abscissa: float
    numerical_abscissa: float
    kreiss: float

    __repr__ = brief

    @property
    def amplifies(self) -> bool:
        """Whether some perturbation grows at first, in the 2-norm, although all die out in the end."""
        return self.numerical_abscissa > 0.0 > self.abscissa


def eigenvalues(J: Array) -> ComplexArray:
    """Eigenvalues of J (n, n) by falling real part."""
    found = np.linalg.eigvals(J).astype(complex)
    return np.asarray(found[np.argsort(-found.real, kind="stable")])


def pseudospectrum(J: Array, *, points: int = 41, margin: float = 0.5) -> Pseudospectrum:
    """The pseudospectrum of J (n, n) in 1/s on `points` x `points` values around its spectrum.

    Raises `NetworkError` for a network without states.
    """
    if J.size == 0:
        raise NetworkError("no edge has memory: there is no state, hence no spectrum")
    spectrum = np.linalg.eigvals(J).astype(complex)
    # bounds of the numerical range: the largest and smallest of the hermitian parts
    real = np.linalg.eigvalsh(0.5 * (J + J.T))
    imaginary = float(np.abs(np.linalg.eigvalsh(0.5j * (J - J.T))).max())
    room = margin * max(float(np.ptp(real)), imaginary, 1e-3 * float(np.abs(spectrum).max()), 1e-300)
    x = np.linspace(real[0] - room, max(real[-1], 0.0) + room, points)
    y = np.linspace(-imaginary - room, imaginary + room, points)
    z = x[None, :] + 1j * y[:, None]
    eye = np.eye(J.shape[0])
    sigma = np.array([[np.linalg.svd(w * eye - J, compute_uv=False)[-1] for w in row] for row in z])
    right = z.real > 0.0
    with np.errstate(divide="ignore"):
        kreiss = float((z.real[right] / sigma[right]).max(initial=0.0))
    return Pseudospectrum(
        real=x,
        imaginary=y,
        sigma=sigma,
        spectrum=spectrum,
        abscissa=float(spectrum.real.max()),
        numerical_abscissa=float(real[-1]),
        kreiss=max(1.0, kreiss),
    )
