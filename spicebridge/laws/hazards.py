"""Whether the formulas of a law have values: divisions by zero and what is not finite, found before a run finds them.

Every node is evaluated over a grid of states in the range and of drops up to those of the examples, with i as the law
gives it, at the default parameters. Only branches that are taken count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.expressions.compile import depends
from spicebridge.expressions.evaluate import Environment, value_of_node
from spicebridge.expressions.tree import Binary, Call, Conditional, Expression, Parameter, postorder
from spicebridge.laws.formulas import CONSTANTS

STATES = 33
"""States over the range."""
ZOOMS, ZERO = 8, 1e-8
"""Steps of sixteen towards a smallest size, and what of the size beside it counts as zero."""
DROPS = (0.0, 1e-3, 0.03, 0.1, 0.3, 0.6, 1.0)
"""Drops in parts of the largest one, both signs."""


@dataclass(frozen=True)
class Hazard:
    """What is wrong at which node."""

    node: Expression
    message: str


def hazard(
    tree: Expression,
    values: Mapping[str, Array],
    names: tuple[str, ...],
    tables: Mapping[str, tuple[Array, Array]],
    *,
    everywhere: bool = False,
) -> Hazard | None:
    """The first node of `tree` that divides by zero or is not finite where it is used, or None.

    `values` (in lower case, arrays of one shape, states by drops) are those of all leaves; `names` the signals to tell
    in messages. With `everywhere` only what holds at every state counts.
    """
    order = postorder(tree)
    found: dict[int, Array] = {}
    shape = np.broadcast_shapes(*(np.shape(v) for v in values.values()))
    environment = Environment({}, {}, values)
    with np.errstate(all="ignore"):
        for e, below in order:
            value = _value(e, [found[id(x)] for x in below], environment, tables)
            found[id(e)] = np.broadcast_to(np.asarray(value, float), shape)
    used = _used(order, found, shape)
    for e, _ in order:
        mask = used[id(e)]
        if isinstance(e, Binary) and e.op == "/":
            zero = mask & _vanishes(found[id(e.right)], mask)
            if everywhere:
                zero = zero & zero.all(axis=0)
            if zero.any():
                return Hazard(e, f"divides by zero at {_where(zero, values, names)}")
            pole = None if everywhere else touches_zero(e.right, values, names[0], tables, mask)
            if pole is not None:
                return Hazard(e, f"divides by zero at {names[0]} = {pole:.6g}")
        bad = mask & ~np.isfinite(found[id(e)])
        if everywhere:
            bad = bad & bad.all(axis=0)
        if bad.any():
            what = "is not finite" if not isinstance(e, Call) else f"{e.function} has no finite value"
            return Hazard(e, f"{what} at {_where(bad, values, names)}")
    return None


def value_at(tree: Expression, values: Mapping[str, Array], tables: Mapping[str, tuple[Array, Array]]) -> Array:
    """The value of a formula as it was written, at these leaves."""
    found: dict[int, Array] = {}
    environment = Environment({}, {}, values)
    with np.errstate(all="ignore"):
        for e, below in postorder(tree):
            found[id(e)] = _value(e, [found[id(x)] for x in below], environment, tables)
    return found[id(tree)]


def _vanishes(x: Array, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a divisor is zero, or changes its sign on the way to the next state or drop."""
    out = np.asarray(x == 0.0)
    for axis in range(x.ndim):
        if x.shape[axis] > 1:
            here, there = (np.take(x, range(*span), axis=axis) for span in ((0, x.shape[axis] - 1), (1, x.shape[axis])))
            both = np.take(mask, range(0, x.shape[axis] - 1), axis=axis) & np.take(
                mask, range(1, x.shape[axis]), axis=axis
            )
            crossing = (
                (np.sign(here) * np.sign(there) < 0.0)
                & both
                & (np.minimum(np.abs(here), np.abs(there)) < 0.5 * np.abs(x).max())
            )
            pad = [(0, 0)] * x.ndim
            pad[axis] = (0, 1)
            out |= np.pad(crossing, pad)
    return out


def touches_zero(
    tree: Expression,
    values: Mapping[str, Array],
    state: str,
    tables: Mapping[str, tuple[Array, Array]],
    mask: NDArray[np.bool_],
) -> float | None:
    """A state between those of the grid where a formula of the state alone is zero without changing its sign, or None.

    Around every smallest size on the grid one zooms in sixteen times, and again; a zero falls with the distance.
    """
    name = state.lower()
    if not depends(tree, frozenset((name,))) or depends(tree, frozenset(("v", "i"))):
        return None
    states = np.asarray(values[name])[:, 0]

    def size(s: Array) -> Array:
        return np.abs(np.broadcast_to(value_at(tree, {**values, name: s}, tables), s.shape))

    along, used = size(states), np.asarray(mask.any(axis=1))
    for k in range(1, states.size - 1):
        beside = min(along[k - 1], along[k + 1])
        if used[k - 1 : k + 2].all() and along[k] <= beside:
            low, high = states[k - 1], states[k + 1]
            for _ in range(ZOOMS):
                near = np.linspace(low, high, STATES)
                at = int(np.argmin(size(near)))
                low, high = near[max(at - 1, 0)], near[min(at + 1, STATES - 1)]
            if size(near)[at] < ZERO * beside:
                return float(near[at])
    return None


def _value(
    e: Expression, below: list[Array], environment: Environment, tables: Mapping[str, tuple[Array, Array]]
) -> Array:
    match e:
        case Parameter(name) if name in CONSTANTS:
            return np.asarray(CONSTANTS[name][0])
        case Call("limexp", _):
            y, limit = below
            return np.exp(np.minimum(y, limit)) * (1.0 + np.maximum(y - limit, 0.0))
        case Call("limsinh", _):
            y, limit = below
            inner = np.clip(y, -limit, limit)
            return np.sinh(inner) + np.cosh(limit) * (y - inner)
        case Call(name, _) if name.lower() in tables:
            return np.interp(below[0], *tables[name.lower()])
    return np.asarray(value_of_node(e, below, environment), float)


def _used(
    order: list[tuple[Expression, tuple[Expression, ...]]], found: Mapping[int, Array], shape: tuple[int, ...]
) -> dict[int, NDArray[np.bool_]]:
    """Where each node's value is used: everywhere but in branches that are not taken."""
    used = {id(e): np.zeros(shape, bool) for e, _ in order}
    used[id(order[-1][0])] = np.ones(shape, bool)
    for e, below in reversed(order):
        mask = used[id(e)]
        match e:
            case Conditional(test, yes, no):
                taken = np.abs(found[id(test)]) > 0.5
                used[id(test)] |= mask
                used[id(yes)] |= mask & taken
                used[id(no)] |= mask & ~taken
            case _:
                for x in below:
                    used[id(x)] |= mask
    return used


def _where(bad: NDArray[np.bool_], values: Mapping[str, Array], names: tuple[str, ...]) -> str:
    k = np.unravel_index(int(np.argmax(bad)), bad.shape)
    return ", ".join(f"{name} = {np.broadcast_to(values[name.lower()], bad.shape)[k]:.4g}" for name in names)
