"""Where a law is tried: over the drops that the deck can produce, at and beyond the walls of the state, and on both
sides of every point where a formula switches.

A switching point is a zero of the difference that a comparison, a step, |x|, min, max, a limit or a table tests. They
are found along lines of constant state and of constant drop, by change of sign and bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.recognise.characteristic import Formula
from spicebridge.expressions.tree import (
    COMPARISONS,
    Binary,
    Call,
    Conditional,
    Expression,
    Number,
    Power,
    walk,
)

LINES = 9
"""Lines of constant state, and of constant drop, along which switching points are looked for."""
GRID = 257
"""Points of a line."""
SIDES = (1e-9, 1e-6, 1e-3, 1e-2)
"""How far on either side of a switching point a law is tried, relative to the range."""
BISECTIONS = 45
"""Halvings of a grid interval: to rounding."""
FEW = 16
"""Random samples in each decade of the drop."""
DECADES = (-4, -3, -2, -1, 0)
"""Powers of ten of the largest drop."""


def switches(trees: Iterable[Expression]) -> list[Expression]:
    """The expressions whose signs decide which piece of the formulas holds."""
    found: dict[Expression, None] = {}
    for tree in trees:
        for e in walk(tree):
            for x in _tests(e):
                if not isinstance(x, Number):
                    found.setdefault(x)
    return list(found)


def _tests(e: Expression) -> Sequence[Expression]:
    match e:
        case Binary(op, a, b) if op in COMPARISONS:
            return [Binary("-", a, b)]
        case Conditional(test, _, _):
            return [Binary("-", Call("abs", (test,)), Number(0.5))]
        case Call("u" | "uramp" | "sgn" | "abs", (x,)):
            return [x]
        case Call("min" | "max", (a, b)):
            return [Binary("-", a, b)]
        case Call("limit", (x, low, high)):
            return [Binary("-", x, low), Binary("-", x, high)]
        case Call("table", (x, *points)):
            return [Binary("-", x, point) for point in points[0::2]]
        case Power(base, _, "abs" | "signed"):
            return [base]
    return []


def crossings(tests: Iterable[Expression], symbol: str, s: tuple[float, float], x: float) -> tuple[Array, Array]:
    """(s, x) on both sides of the zeros of `tests`, with s in its range and x in [-x, x], and between them."""
    low, high = s
    random = np.random.default_rng(1)
    along = np.unique(np.concatenate([-np.geomspace(x, 1e-6 * x, GRID), np.linspace(-x, x, GRID),
                                      np.geomspace(1e-6 * x, x, GRID)]))  # fmt: skip
    across = np.linspace(low, high, 2 * GRID)
    fixed = np.concatenate([[0.5 * (low + high)], random.uniform(low, high, LINES)])
    at = np.concatenate([x * np.array([-0.9, -0.1, 0.1, 0.9]), random.uniform(-x, x, LINES)])
    states, drops = [np.zeros(0)], [np.zeros(0)]
    for test in tests:
        formula = Formula(test, symbol)
        still, moving = _near_zeros(formula, fixed, along, x)
        other, moved = _near_zeros(formula.turned, at, across, high - low)
        states += [still, moved]
        drops += [moving, other]
    found, size = np.concatenate(states), np.concatenate(drops)
    inside = (found >= low) & (found <= high) & (np.abs(size) <= x)
    return found[inside], size[inside]


def zeros_over_state(test: Expression, s: tuple[float, float], x: float) -> tuple[Array, Array]:
    """(s, x) where a test of a formula passes zero as the state moves, at a few drops."""
    random = np.random.default_rng(4)
    at = np.concatenate([x * np.array([-0.9, -0.1, 0.1, 0.9]), random.uniform(-x, x, LINES)])
    lines, roots = _roots(Formula(test, "v").turned, at, np.linspace(*s, 2 * GRID))
    return roots, at[lines]


def zeros_over_drop(test: Expression, s: tuple[float, float], x: float) -> tuple[Array, Array]:
    """(s, x) where a test of a formula passes zero as the drop moves, at a few states."""
    random = np.random.default_rng(5)
    at = np.concatenate([[0.5 * (s[0] + s[1])], random.uniform(*s, LINES)])
    lines, roots = _roots(Formula(test, "v"), at, np.linspace(-x, x, 2 * GRID + 1))
    return at[lines], roots


def _roots(f: Callable[[Array, Array], Array], fixed: Array, grid: Array) -> tuple[Array, Array]:
    """(number of the line, zero on it) of f(fixed, t) for t along `grid`, a few at most on each line."""
    values = f(fixed[:, None], grid[None, :])
    with np.errstate(invalid="ignore"):
        line, turn = np.nonzero(np.sign(values[:, :-1]) * np.sign(values[:, 1:]) < 0.0)
    a, b, sign = grid[turn].copy(), grid[turn + 1].copy(), np.sign(values[line, turn])
    for _ in range(BISECTIONS if line.size else 0):
        middle = 0.5 * (a + b)
        left = np.sign(f(fixed[line], middle)) == sign
        a, b = np.where(left, middle, a), np.where(left, b, middle)
    rows, columns = np.nonzero(values == 0.0)
    few = np.bincount(rows, minlength=fixed.size)[rows] < 8
    return np.concatenate([line, rows[few]]), np.concatenate([0.5 * (a + b), grid[columns[few]]])


def _near_zeros(f: Callable[[Array, Array], Array], fixed: Array, grid: Array, size: float) -> tuple[Array, Array]:
    """(fixed, t) on both sides of the zeros of f(fixed, t) for t along `grid`, and between them."""
    steps = np.array([sign * side * size for side in SIDES for sign in (-1.0, 1.0)])
    lines, roots = _roots(f, fixed, grid)
    held, found = [np.zeros(0)], [np.zeros(0)]
    for line in np.unique(lines):
        zeros = np.unique(roots[lines == line])
        near = np.unique(np.concatenate([(zeros[:, None] + steps).ravel(), 0.5 * (zeros[:-1] + zeros[1:])]))
        held.append(np.full(near.size, fixed[line]))
        found.append(near)
    return np.concatenate(held), np.concatenate(found)


@dataclass(frozen=True)
class TrialPoints:
    """States, drops in V or currents in A, and the group of each: differences are measured within one group."""

    s: Array
    x: Array
    group: Array


def samples(trees: Sequence[Expression], symbol: str, s: tuple[float, float], x: float) -> TrialPoints:
    """Random points by decades of the drop, all of them at the ends of the range of s too, and the switching points."""
    random = np.random.default_rng(0)
    low, high = s
    states, drops, groups = [], [], []
    for number, decade in enumerate(DECADES):
        at = x * 10.0**decade * np.concatenate([random.uniform(-1.0, 1.0, FEW), [-1.0, 1.0]])
        inside = np.concatenate([random.uniform(low, high, FEW), [low, high]])
        for points in (inside, np.full_like(at, low), np.full_like(at, high)):
            states.append(points)
            drops.append(at)
            groups.append(np.full(at.size, number))
    found, at = crossings(switches(trees), symbol, s, x)
    states.append(found)
    drops.append(at)
    groups.append(np.full(found.size, len(DECADES) - 1))
    return TrialPoints(np.concatenate(states), np.concatenate(drops), np.concatenate(groups))
