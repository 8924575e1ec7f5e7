"""Which way of solving a Laplacian costs least, by what its graph and its elimination look like.

    qdldl     a flops + N b fill                      N solves with every factorisation
    CHOLMOD   the same with dense blocks, and so much for every node
    CG        N K steps of (matrix and vectors)       K steps to full accuracy with the diagonal as preconditioner

Planar graphs eliminate cheaply and need many steps of conjugate gradients; expanders (random, scale-free) fill up and
need few. The steps are counted by trying. The fill is read from the elimination order: column j of the factor has as
many entries as the part of {1..j} that contains j has neighbours behind j, so that a sample of columns costs a few
searches of the graph and no elimination. The rule counts operations, never seconds: equal runs take equal ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order, connected_components, reverse_cuthill_mckee

from spicebridge.arrays import IntArray

SOLVES = 16.0
"""Solves with every factorisation."""
SHALLOW = 40
"""Graphs with more levels need too many steps of conjugate gradients to try it."""
WIDE = 100
"""Levels with fewer nodes eliminate cheaply; from here on dense blocks are worth their overhead (measured: grids of
70 x 70 lose 1.5 times, 12 x 12 x 12 gain 1.5 times)."""
SAMPLES = 5
"""Columns looked at in every stratum; strata halve the rest of the columns."""
LAST_COLUMNS = 16

LDL_FLOP, LDL_ENTRY = 0.8, 1.1
BLOCK_FLOP, BLOCK_ENTRY, BLOCK_NODE, BLOCK_SOLVE = 0.12, 0.22, 160.0, 36.0
STEP, STEP_ENTRY, STEP_NODE = 8000.0, 0.8, 4.0
"""Costs in ns, measured on grids, random regular, small-world, scale-free and three-dimensional graphs of 400 to
62,000 nodes; only their ratios matter."""
LATER_STEPS = 0.6
"""Steps of a later order of a power series, in parts of those to full accuracy."""


@dataclass(frozen=True)
class Levels:
    """The nodes by distance from a peripheral one: how many levels, and how many nodes the widest has."""

    depth: int
    width: int

    @classmethod
    def of(cls, matrix: sp.csr_array) -> Levels:
        """Levels of a symmetric matrix; parts that are not connected count one after the other."""
        n = matrix.shape[0]
        label = connected_components(matrix, directed=False)[1]
        depth = width = 0
        for part in np.argsort(-np.bincount(label))[:4].tolist():
            start = int(np.argmax(label == part))
            order = breadth_first_order(matrix, start, directed=False, return_predecessors=False)
            order, before = breadth_first_order(matrix, int(order[-1]), directed=False)
            level = np.zeros(n, dtype=np.intp)
            up = np.where(before >= 0, before, np.arange(n))
            # Twice as far up in every round, and as many levels higher.
            level[order[1:]] = 1
            while True:
                further = level + level[up]
                if np.array_equal(further, level):
                    break
                level, up = further, up[up]
            count = np.bincount(level[order])
            depth, width = max(depth, count.size - 1), max(width, int(count.max()))
        return cls(depth, width)


@dataclass(frozen=True)
class Fill:
    """Entries of the factor and multiplications of its making, from a sample of columns: right to a factor of 3."""

    entries: float
    flops: float

    @classmethod
    def of(cls, matrix: sp.csr_array) -> Fill:
        """Fill of a symmetric matrix in its elimination order."""
        n = matrix.shape[0]
        order = elimination_order(matrix)
        there = sp.csr_array(matrix[order][:, order])
        rng = np.random.default_rng(0)
        entries = flops = 0.0
        first = 0
        while first < n:
            last = n if n - first <= LAST_COLUMNS else (first + n + 1) // 2
            chosen = rng.integers(first, last, SAMPLES)
            counts = np.array([_column(there, int(j)) for j in chosen], float)
            entries += float(counts.mean()) * (last - first)
            flops += float((counts**2).mean()) * (last - first)
            first = last
        return cls(entries, flops)


def elimination_order(matrix: sp.csr_array) -> IntArray:
    """Approximate minimum degree where kvxopt is installed, else by bands (which fills more)."""
    try:
        kvxopt, amd = import_module("kvxopt"), import_module("kvxopt.amd")
    except ImportError:
        return np.asarray(reverse_cuthill_mckee(matrix, symmetric_mode=True), dtype=np.intp)
    entries = matrix.tocoo()
    row, column = entries.coords
    pattern = kvxopt.spmatrix(1.0, row.tolist(), column.tolist(), matrix.shape)
    return np.array(list(amd.order(pattern)), dtype=np.intp)


def _column(matrix: sp.csr_array, j: int) -> int:
    """Entries below the diagonal in column j of the factor."""
    before = matrix[: j + 1, : j + 1]
    label = connected_components(before, directed=False)[1]
    members = np.flatnonzero(label == label[j])
    reached = np.unique(matrix[members].indices)
    return int((reached > j).sum())


def iterations_pay(matrix: sp.csr_array, steps: int, levels: Levels) -> bool:
    """Whether conjugate gradients that take `steps` cost less than the cheapest factorisation."""
    n, entries = matrix.shape[0], float(matrix.nnz)
    iterated = SOLVES * LATER_STEPS * steps * (STEP + STEP_ENTRY * entries + STEP_NODE * n)
    # Elimination level by level fills no more than this; where that is cheap, the columns need not be looked at.
    w = float(levels.width)
    return iterated < _direct(n, Fill(n * w, n * w * w)) and iterated < _direct(n, Fill.of(matrix))


def _direct(n: int, fill: Fill) -> float:
    """Cost of a factorisation and its solves."""
    plain = LDL_FLOP * fill.flops + SOLVES * LDL_ENTRY * fill.entries
    blocks = BLOCK_FLOP * fill.flops + BLOCK_NODE * n + SOLVES * (BLOCK_SOLVE * n + BLOCK_ENTRY * fill.entries)
    return min(plain, blocks)
