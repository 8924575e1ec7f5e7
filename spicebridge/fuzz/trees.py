"""Random expressions of constant node voltages, their values, and how well those are determined.

The value is repeated with every voltage moved by `NOISE` up and down, and with every result on the way; an expression
whose value does not stay put is not used. So rounding decides nothing (a source of -0.5 V may be -0.5 - 6e-17 V at its
node, and less than -0.5); zero alone is exact, and functions that jump there are asked there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from spicebridge.expressions.evaluate import Environment, evaluate, value_of_node
from spicebridge.expressions.tree import (
    Binary,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Unary,
    children,
    with_children,
)

NOISE = 1e-9
LARGEST, SMALLEST = 1e4, 1e-4
"""Between these in size, or zero, is every value on the way."""
VALUES = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 1.7, -1.3)
NODES = ("x", "y", "z")
PARAMETERS = ("a", "b")

_SMOOTH = ("abs", "exp", "sin", "cos", "tanh", "atan", "asinh", "sqrt", "ln", "sinh", "cosh", "log10", "tan")
_JUMPS = ("u", "sgn", "floor", "ceil", "int", "nint", "uramp")
_TESTS = ("<", "<=", ">", ">=", "==", "!=")


def environment(inputs: Mapping[str, float], parameters: Mapping[str, float]) -> Environment:
    """Values of nodes and parameters."""
    return Environment(dict(inputs), {}, dict(parameters))


def determined(tree: Expression, env: Environment) -> tuple[float, float] | None:
    """Value and how far noise moves it; None if it is not finite, of odd size, or not well determined."""
    exact = _noisy(tree, env, {})
    if exact is None:
        return None
    shifts: list[dict[str, float]] = [{n: s} for n in env.voltages for s in (NOISE, -NOISE)]
    repeated = [_noisy(tree, env, shift) for shift in (*shifts, {"": NOISE}, {n: -NOISE for n in (*env.voltages, "")})]
    moved = max(abs(value - exact) if value is not None else math.inf for value in repeated)
    return (exact, moved) if moved <= 1e-6 * abs(exact) else None


def _noisy(e: Expression, env: Environment, shift: Mapping[str, float]) -> float | None:
    """The value with nodes moved by `shift`, relative, and every result on the way by ``shift[""]``."""
    below = [value for x in children(e) if (value := _noisy(x, env, shift)) is not None]
    if len(below) < len(children(e)):
        return None
    if isinstance(e, Call) and e.function == "atan2" and below[0] == 0.0:
        return None  # the sign of a zero decides
    with np.errstate(all="ignore"):
        value = float(value_of_node(e, below, env))
    if not math.isfinite(value) or (value != 0.0 and not SMALLEST <= abs(value) <= LARGEST):
        return None
    if isinstance(e, (Number, Parameter)):
        return value
    return value * (1.0 + shift.get(e.plus if isinstance(e, NodeVoltage) else "", 0.0))


def grow(rng: np.random.Generator, depth: int) -> Expression:
    """A random expression in our own language."""
    if depth <= 0 or rng.random() < 0.15:
        return leaf(rng)
    kind = rng.integers(0, 9)

    def inner() -> Expression:
        return grow(rng, depth - 1)

    match kind:
        case 0 | 1 | 2:
            return Binary(str(rng.choice(("+", "-", "*", "/"))), inner(), inner())
        case 3:
            return Unary("-", inner())
        case 4:
            whole = Number(float(rng.choice((2, 3, 4, 5, 9, -1, -2, -3))))
            if rng.random() < 0.5:
                return Power(inner(), whole)
            # A slope that is infinite at zero volts, where iterations begin, is a question of its own.
            exponent = Number(float(rng.choice((1.5, 2.0, 2.5, 3.0))))
            return Power(inner(), exponent, str(rng.choice(("abs", "signed"))))
        case 5 | 6:
            return _called(rng, inner)
        case 7:
            return Call(str(rng.choice(_JUMPS)), (voltage(rng),))
        case _:
            return Conditional(_test(rng, 2), inner(), inner())


def _called(rng: np.random.Generator, inner: Callable[[], Expression]) -> Expression:
    pick = int(rng.integers(0, 5))
    if pick == 0:
        return Call(str(rng.choice(("min", "max", "atan2"))), (inner(), inner()))
    if pick == 1:
        low = float(rng.choice((-2.0, -1.0, 0.0)))
        return Call("limit", (inner(), Number(low), Number(low + 1.5)))
    if pick == 2:
        places = np.cumsum(rng.choice((0.5, 1.0, 1.5), size=4)) - 2.0
        points = [Number(float(v)) for pair in zip(places, rng.choice(VALUES, size=4), strict=True) for v in pair]
        return Call("table", (inner(), *points))
    name = str(rng.choice(_SMOOTH))
    x = inner()
    if name in ("sqrt", "ln", "log10"):
        x = Binary("+", Call("abs", (x,)), Number(0.5))
    if name in ("exp", "sinh", "cosh"):
        x = Call("max", (Call("min", (x, Number(4.0))), Number(-4.0)))
    return Call(name, (x,))


def _test(rng: np.random.Generator, depth: int) -> Expression:
    if depth > 0 and rng.random() < 0.3:
        if rng.random() < 0.3:
            return Unary("!", _test(rng, depth - 1))
        return Binary(str(rng.choice(("&&", "||"))), _test(rng, depth - 1), _test(rng, depth - 1))
    return Binary(str(rng.choice(_TESTS)), voltage(rng), Number(float(rng.choice(VALUES))))


def leaf(rng: np.random.Generator) -> Expression:
    """A voltage, a number or a parameter."""
    pick = rng.random()
    if pick < 0.6:
        return voltage(rng)
    return Number(float(rng.choice(VALUES))) if pick < 0.8 else Parameter(str(rng.choice(PARAMETERS)))


def voltage(rng: np.random.Generator) -> NodeVoltage:
    """The voltage of one of the nodes."""
    return NodeVoltage(str(rng.choice(NODES)))


def shape(e: Expression, env: Environment) -> str:
    """The expression with its leaves as signs: what two equal causes have in common."""
    below = children(e)
    if not below:
        value = float(evaluate(e, env))
        sign = "0" if value == 0.0 else ("-" if value < 0.0 else "+")
        kind = {Number: "", Parameter: "p"}.get(type(e), "v")
        return f"{sign}{kind}" if value == 0.0 or kind else ("n" if value.is_integer() else "r")
    parts = ",".join(shape(x, env) for x in below)
    match e:
        case Binary(op, _, _) | Unary(op, _):
            return f"{op}({parts})"
        case Power(_, _, kind):
            return f"{kind}^({parts})"
        case Call(name, _):
            return f"{name}({parts})"
    return f"?({parts})"


def simpler(e: Expression) -> list[Expression]:
    """Smaller expressions near `e`: its parts, then itself with one part simpler, then with rounder numbers."""
    below: Sequence[Expression] = children(e)
    found: list[Expression] = list(below)
    for k, x in enumerate(below):
        for y in simpler(x):
            found.append(with_children(e, (*below[:k], y, *below[k + 1 :])))
    if isinstance(e, Call) and e.function == "table" and len(e.arguments) > 5:
        found.append(Call("table", e.arguments[:5]))
    if isinstance(e, Number) and e.value not in (1.0, 2.0, 3.0):
        found += [Number(2.0), Number(3.0)]
    return found


def grow_plain(rng: np.random.Generator, depth: int) -> Expression:
    """A random expression of the small language that everybody types, all that `PlainSpelling` can write:

    arithmetic, powers, u(), abs, min, max, a choice.
    """
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
