"""Factorisations of a symmetric matrix, most of them of a grounded Laplacian that is renewed again and again.

Ordering and symbolic analysis are done once where the library can keep them (qdldl). The cost of a
factorisation is told by counting operations, so that a choice made from it is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dgesv, dgetrf, dgetrs, dposv, dpotrf, dpotrs

from spicebridge.arrays import Array, ComplexArray
from spicebridge.errors import SingularNetwork
from spicebridge.theory.currents.laplacian import GroundedLaplacian

if TYPE_CHECKING:
    from scipy.sparse.linalg import SuperLU

V = TypeVar("V", Array, ComplexArray)


def factored_densely(matrix: Array, *, positive: bool) -> Callable[[Array], Array]:
    """b -> matrix^-1 b: by Cholesky where the matrix is `positive` definite, else, or where that fails, by pivoted LU.

    Raises `LinAlgError` for a singular matrix.
    """
    if positive:
        triangle, info = dpotrf(matrix)
        if info == 0:
            return lambda b: np.asarray(dpotrs(triangle, b)[0])
    both, pivots, info = dgetrf(matrix)
    if info != 0:
        raise np.linalg.LinAlgError
    return lambda b: np.asarray(dgetrs(both, pivots, b)[0])


def solved_densely(matrix: Array, b: Array, *, positive: bool) -> Array:
    """`factored_densely` for one `b`, in one call of LAPACK."""
    if positive:
        *_, x, info = dposv(matrix, b)
        if info == 0:
            return np.asarray(x)
    *_, x, info = dgesv(matrix, b)
    if info != 0:
        raise np.linalg.LinAlgError
    return np.asarray(x)


def symmetric_lu(matrix: sp.csc_array) -> SuperLU:
    """L U of a sparse matrix with a symmetric pattern. Raises `RuntimeError` where it is singular."""
    from scipy.sparse.linalg import splu

    return splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})


def equilibration(diagonal: Array | ComplexArray) -> Array:
    """The scales of rows and columns that make every entry of `diagonal` (n,) one in size, or leave a zero."""
    size = np.abs(diagonal)
    return np.asarray(1.0 / np.sqrt(np.where(size > 0.0, size, 1.0)))


def equilibrated_lu(matrix: sp.csc_array) -> Callable[[V], V]:
    """x -> matrix^-1 x by `symmetric_lu` of the matrix with a diagonal of ones."""
    scale = equilibration(matrix.diagonal())
    weights = sp.diags_array(scale)
    lu = symmetric_lu(sp.csc_array(weights @ matrix @ weights))

    def solve(load: V) -> V:
        return scale * lu.solve(scale * load)

    return solve


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
        kvxopt, cholmod = import_module("kvxopt"), import_module("kvxopt.cholmod")
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

    def update(self, data: Array) -> None:
        try:
            self.solve = symmetric_lu(sp.csc_array(self._laplacian.full(data))).solve
        except RuntimeError:
            raise undetermined() from None


class DenseCholesky:
    """Cholesky where the matrix is positive definite, else LU with pivoting, of the whole matrix."""

    def __init__(self, laplacian: GroundedLaplacian, *, passive: bool) -> None:
        self._laplacian = laplacian
        self.passive = passive

    def update(self, data: Array) -> None:
        try:
            self.solve = factored_densely(self._laplacian.dense(data), positive=self.passive)
        except np.linalg.LinAlgError:
            raise undetermined() from None


def undetermined() -> SingularNetwork:
    """The error for a singular Laplacian."""
    return SingularNetwork("B G B^t is singular: the node potentials are not determined")
