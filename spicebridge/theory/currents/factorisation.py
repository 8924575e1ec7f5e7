"""Factorisations of a grounded Laplacian that are renewed again and again for one pattern.

Ordering and symbolic analysis are done once where the library can keep them (qdldl). The cost of a
factorisation is told by counting operations, so that a choice made from it is the same on every machine.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

import numpy as np
from scipy.linalg import get_lapack_funcs

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.currents.laplacian import GroundedLaplacian


class Factor(Protocol):
    """One factorisation at a time; the last one is kept."""

    def update(self, data: Array) -> None:
        """Factorise for `data` of the upper triangle. Raises `SingularNetwork`."""
        ...

    def solve(self, load: Array) -> Array:
        """Return the potentials for `load` (n,)."""
        ...


class SparseLdl:
    """L D L^t by qdldl with its approximate minimum degree ordering. Raises `ImportError` without it."""

    def __init__(self, laplacian: GroundedLaplacian) -> None:
        import qdldl

        self._laplacian = laplacian
        self._solver = qdldl.Solver(laplacian.store(laplacian.stand_in()), upper=True)
        self.solve = self._solver.solve
        counts = np.diff(self._solver.factors()[0].indptr).astype(float)
        self.fill = float(counts.sum())
        self.flops = float(counts @ counts)

    def update(self, data: Array) -> None:
        self._solver.update(self._laplacian.store(data), upper=True)


class SupernodalCholesky:
    """L L^t by CHOLMOD with dense blocks, for passive networks. Raises `ImportError` without kvxopt."""

    def __init__(self, laplacian: GroundedLaplacian) -> None:
        # Its type stubs know lists where it takes arrays.
        kvxopt: Any = import_module("kvxopt")
        cholmod: Any = import_module("kvxopt.cholmod")
        self._cholmod, self._matrix = cholmod, kvxopt.matrix
        entries = laplacian.store(laplacian.stand_in()).tocoo()
        row, column = entries.coords
        n = laplacian.n
        # CHOLMOD reads the lower triangle by columns.
        self._order = np.lexsort((row, column)[::-1])
        self._lower = kvxopt.spmatrix(entries.data.tolist(), column.tolist(), row.tolist(), (n, n))
        before = dict(cholmod.options)
        cholmod.options["supernodal"] = 2
        try:
            self._factor = cholmod.symbolic(self._lower)
        finally:
            cholmod.options.clear()
            cholmod.options.update(before)

    def update(self, data: Array) -> None:
        self._lower.V = self._matrix(data[self._order])
        try:
            self._cholmod.numeric(self._lower, self._factor)
        except ArithmeticError:
            raise undetermined() from None

    def solve(self, load: Array) -> Array:
        x = self._matrix(load)
        try:
            self._cholmod.solve(self._factor, x)
        except ArithmeticError:
            raise undetermined() from None
        return np.array(x).ravel()


class SuperLu:
    """L U with pivoting by SuperLU: for indefinite matrices, and where there is no qdldl."""

    def __init__(self, laplacian: GroundedLaplacian) -> None:
        self._laplacian = laplacian
        self._factor: Any = None

    def update(self, data: Array) -> None:
        import scipy.sparse as sp
        from scipy.sparse.linalg import splu

        matrix = sp.csc_array(self._laplacian.full(data))
        try:
            self._factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        except RuntimeError:
            raise undetermined() from None

    def solve(self, load: Array) -> Array:
        return np.asarray(self._factor.solve(load))


class DenseCholesky:
    """Cholesky where the matrix is positive definite, else LU with pivoting, of the whole matrix."""

    def __init__(self, laplacian: GroundedLaplacian, *, passive: bool) -> None:
        self._laplacian = laplacian
        self.passive = passive
        lapack: Any = get_lapack_funcs(("potrf", "potrs", "getrf", "getrs"), dtype=np.float64)
        self._potrf, self._potrs, self._getrf, self._getrs = lapack
        self._factor: Any = None
        self._pivots: Any = None

    def update(self, data: Array) -> None:
        self._pivots = None
        if self.passive:
            self._factor, info = self._potrf(self._laplacian.dense(data), overwrite_a=True)
            if info == 0:
                return
        self._factor, self._pivots, info = self._getrf(self._laplacian.dense(data), overwrite_a=True)
        if info != 0:
            raise undetermined()

    def solve(self, load: Array) -> Array:
        if self._pivots is None:
            return np.asarray(self._potrs(self._factor, load)[0])
        return np.asarray(self._getrs(self._factor, self._pivots, load)[0])


def undetermined() -> SingularNetwork:
    """The error for a singular Laplacian."""
    return SingularNetwork("B G B^t is singular: the node potentials are not determined")
