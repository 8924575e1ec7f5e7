"""Random expressions of the small language that everybody types: arithmetic, powers, u(), abs, min, max, a choice."""

from __future__ import annotations

import numpy as np

from spicebridge.expressions.tree import (
    Binary,
    Call,
    Conditional,
    Expression,
    Number,
    Parameter,
    Power,
    Unary,
    children,
    with_children,
)
from spicebridge.fuzz.trees import PARAMETERS, VALUES, leaf, voltage


def grow_plain(rng: np.random.Generator, depth: int) -> Expression:
    """A random expression; `PlainTree` is all that `Spelling` can write."""
    if depth <= 0 or rng.random() < 0.15:
        return leaf(rng)

    def inner() -> Expression:
        return grow_plain(rng, depth - 1)

    match int(rng.integers(0, 9)):
        case 0 | 1 | 2:
            return Binary(str(rng.choice(("+", "-", "*", "/"))), inner(), inner())
        case 3:
            return Unary("-", inner())
        case 4:
            return Power(inner(), Number(float(rng.choice((2, 3, 5)))))
        case 5:
            return Call("u", (voltage(rng),))
        case 6:
            return Call(str(rng.choice(("min", "max"))), (inner(), inner()))
        case 7:
            a, b = (Parameter(str(n)) for n in rng.choice(PARAMETERS, size=2))
            return Binary(str(rng.choice(("*", "/"))), inner(), Binary(str(rng.choice(("+", "-"))), a, b))
        case _:
            test = Binary(str(rng.choice(("<", ">"))), voltage(rng), Number(float(rng.choice(VALUES))))
            return Conditional(test, inner(), inner())


def simpler_plain(e: Expression) -> list[Expression]:
    """Smaller expressions near `e` that have a plain spelling."""
    below = children(e)
    parts = below[1:] if isinstance(e, Conditional) else below
    found: list[Expression] = [x for x in parts if not isinstance(x, Number)]
    for k, x in enumerate(below):
        if isinstance(e, Power) and k == 1:
            found += [Power(e.base, y) for y in (Number(2.0), Number(3.0)) if y != x]
            continue
        if isinstance(e, Conditional) and k == 0:
            continue
        if isinstance(e, Call) and e.function == "u":
            continue
        for y in simpler_plain(x):
            found.append(with_children(e, (*below[:k], y, *below[k + 1 :])))
    if isinstance(e, Number) and e.value not in (1.0, 2.0, 3.0):
        found.append(Number(2.0))
    return found
