"""Trees -> one numpy function, written once and called often.

Of several trees the parts that are alike are computed once. What depends on parameters alone is computed when the
parameters are bound; of a product all such factors are gathered, c1 x / c2 -> (c1/c2) x, so that a rate a s + g i
costs what a s + g i costs. Constants are arrays of no dimension, which numpy takes faster than numbers. The value is
that of `evaluate` but for the rounding of regrouped products.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar, cast, overload

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeckError
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import (
    ARITHMETIC,
    COMPARISONS,
    LOGIC,
    Binary,
    Call,
    Conditional,
    Expression,
    Node,
    Number,
    Parameter,
    Power,
    Unary,
    children,
    distinct,
    label,
    postorder,
    rebuild,
)

ONE = Number(1.0)
WHOLE_POWERS = 16
"""Largest whole exponent that is computed by products."""
LONGEST_LINE = 400
"""A subexpression whose text is longer gets a line of its own."""


P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Compiled(Generic[R]):
    """`constants` are the subtrees that the parameters fix; `make` puts their values into the function.

    R is an array, or a tuple of arrays where there are several trees.
    """

    constants: tuple[Expression, ...]
    make: Callable[..., Callable[..., R]]
    source: str
    risky: bool

    def bind(self, parameters: Mapping[str, Array]) -> Callable[..., R]:
        """The function of the signals for these parameters."""
        environment = Environment({}, {}, {name.lower(): value for name, value in parameters.items()})
        function = self.make(*(np.asarray(evaluate(e, environment), float) for e in self.constants))
        return _silenced(function) if self.risky else function


@overload
def compile_trees(trees: Expression, signals: tuple[str, ...], shape: int = 0) -> Compiled[Array]: ...
@overload
def compile_trees(
    trees: Sequence[Expression], signals: tuple[str, ...], shape: int = 0
) -> Compiled[tuple[Array, ...]]: ...
def compile_trees(
    trees: Expression | Sequence[Expression], signals: tuple[str, ...], shape: int = 0
) -> Compiled[Array] | Compiled[tuple[Array, ...]]:
    """Return the function of the signals whose values are those of `trees`, in order.

    Parameters
    ----------
    trees : Expression or sequence of Expression
        Their `Parameter` leaves are signals or parameters; voltages, currents and time are not known here.
    signals : tuple of str
        Names of the arguments: arrays of one shape, or of one that broadcasts to it.
    shape : int
        Which of them has the shape of every result.

    Returns
    -------
    Compiled
        Its functions return the array of one tree, and a tuple of those of several.

    Raises
    ------
    DeckError
        For leaves that are no parameters, and for unknown functions.
    """
    writer = _Writer(signals)
    results, like = [], frozenset((signals[shape].lower(),))
    for tree in [trees] if isinstance(trees, Node) else trees:
        text = writer.text(writer.gathered(tree))
        results.append(text if depends(tree, like) else f"shaped({text}, x{shape})")
    arguments = ", ".join(f"x{k}" for k in range(len(signals)))
    constants = ", ".join(f"c{k}" for k in range(len(writer.constants)))
    lines = [f"def make({constants}):", *(f"    {line}" for line in writer.bound), f"    def law({arguments}):"]
    lines += [f"        {line}" for line in writer.lines]
    lines += [f"        return {', '.join(results)}", "    return law"]
    source = "\n".join(lines) + "\n"
    scope: dict[str, Callable[..., object]] = dict(_NAMES)
    exec(compile(source, "<law>", "exec"), scope)
    make = cast(Callable[..., Callable[..., Array]], scope["make"])
    return Compiled(tuple(writer.constants), make, source, writer.risky)


def depends(e: Expression, names: frozenset[str]) -> bool:
    """Whether a parameter leaf of `e` is one of `names` (in lower case)."""
    return any(isinstance(x, Parameter) and x.name.lower() in names for x in distinct(e))


def _silenced(function: Callable[P, R]) -> Callable[P, R]:
    """The branch of a choice that is not taken may divide by zero."""

    def quiet(*arguments: P.args, **named: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*arguments, **named)

    return quiet


class _Writer:
    """Interned nodes, which of them are constant, and the lines written so far."""

    def __init__(self, signals: tuple[str, ...]) -> None:
        self.signals = {name.lower(): f"x{k}" for k, name in enumerate(signals)}
        self.lines: list[str] = []
        self.bound: list[str] = []
        self.constants: list[Expression] = []
        self.risky = False
        self._nodes: dict[tuple[object, ...], Expression] = {}
        self._varies: dict[int, bool] = {}
        self._text: dict[int, str] = {}
        self._used: dict[int, int] = {}
        self._intern(ONE)

    def gathered(self, tree: Expression) -> Expression:
        """The interned tree with the constant factors of its products in front."""
        made = rebuild(tree, self._gather)
        for e in distinct(made):
            for x in children(e):
                self._used[id(x)] = self._used.get(id(x), 0) + 1
        return made

    def _gather(self, e: Expression) -> Expression:
        match e:
            case Unary("-", x):
                c, y = self._split(x)
                return self._intern(e) if c == ONE else self._times(self._intern(Unary("-", c)), y)
            case Binary("*", x, y):
                (c, x), (d, y) = self._split(x), self._split(y)
                return self._times(self._times(c, d), self._times(x, y))
            case Binary("/", x, y):
                (c, x), (d, y) = self._split(x), self._split(y)
                ratio = c if d == ONE else self._intern(Binary("/", c, d))
                if y == ONE:
                    return self._times(ratio, x)
                return (
                    self._intern(Binary("/", ratio, y))
                    if x == ONE
                    else self._times(ratio, self._intern(Binary("/", x, y)))
                )
        return self._intern(e)

    def _split(self, e: Expression) -> tuple[Expression, Expression]:
        """(constant factor, the other factor), each 1 where there is none."""
        if not self.varies(e):
            return e, ONE
        match e:
            case Binary("*", c, x) if not self.varies(c):
                return c, x
        return ONE, e

    def _times(self, c: Expression, x: Expression) -> Expression:
        return x if c == ONE else c if x == ONE else self._intern(Binary("*", c, x))

    def _intern(self, e: Expression) -> Expression:
        below = tuple(id(x) for x in children(e))
        match e:
            case Number(value):
                key: tuple[object, ...] = (Number, np.float64(value).tobytes())
            case Parameter(name):
                key = (Parameter, name.lower())
            case _ if below:
                key = (type(e), label(e), *below)
            case _:
                raise DeckError(f"{e!r} has no value in a law: write parameters, the state, v and i")
        known = self._nodes.get(key)
        if known is None:
            known = self._nodes[key] = e
            own = isinstance(e, Parameter) and e.name.lower() in self.signals
            self._varies[id(e)] = own or any(self.varies(x) for x in children(e))
        return known

    def varies(self, e: Expression) -> bool:
        """Whether a signal is in it."""
        known = self._varies.get(id(e))
        return depends(e, frozenset(self.signals)) if known is None else known

    def text(self, root: Expression) -> str:
        """Python text of an interned tree; what is used twice or is long becomes a line before it."""
        for e, _ in postorder(root, lambda e: children(e) if self.varies(e) else ()):
            if id(e) not in self._text:
                self._text[id(e)] = self._named(e, self._formula(e))
        return self._text[id(root)]

    def _named(self, e: Expression, text: str) -> str:
        many = self._used.get(id(e), 0) > 1 or len(text) > LONGEST_LINE
        if not many or not children(e) or not self.varies(e):
            return text
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name

    def _formula(self, e: Expression) -> str:
        if not self.varies(e):
            return self._constant(e)
        x = [self._text[id(y)] for y in children(e)]
        match e:
            case Parameter(name):
                return self.signals[name.lower()]
            case Unary("-", _):
                return f"(-{x[0]})"
            case Binary(op, _, _) if op in ARITHMETIC:
                self.risky |= op == "/"
                return f"({x[0]} {op} {x[1]})"
            case Binary() | Unary():
                return f"where({self._test(e)}, 1.0, 0.0)"
            case Power(base, exponent, kind):
                return self._power(base, exponent, kind, x)
            case Call(name, arguments):
                if name not in FUNCTIONS:
                    raise DeckError(f"function {name!r} is unknown")
                if name == "table":
                    points = [float(evaluate(p)) for p in arguments[1:]]
                    return f"interp({x[0]}, {points[0::2]!r}, {points[1::2]!r})"
                self.risky |= not FUNCTIONS[name].everywhere
                return f"{name}({', '.join(x)})"
            case Conditional(test, _, _):
                self.risky = True
                return f"where({self._test(test)}, {x[1]}, {x[2]})"
        raise DeckError(f"{e!r} is no expression")

    def _test(self, e: Expression) -> str:
        """Text of a truth value."""
        if not self.varies(e):
            return f"({self._constant(e)} > 0.5)"
        match e:
            case Binary(op, x, y) if op in COMPARISONS:
                return f"({self._text[id(x)]} {op} {self._text[id(y)]})"
            case Binary(op, x, y) if op in LOGIC:
                return f"({self._test(x)} {'&' if op == '&&' else '|'} {self._test(y)})"
            case Unary("!", x):
                return f"(~{self._test(x)})"
        return f"(abs({self._text[id(e)]}) > 0.5)"

    def _power(self, base: Expression, exponent: Expression, kind: str, x: list[str]) -> str:
        if kind == "signed":
            return f"where({x[0]} < 0.0, -1.0, 1.0) * power(abs({x[0]}), {x[1]})"
        n = exponent.value if isinstance(exponent, Number) else 0.0
        if n.is_integer() and 1.0 <= n <= WHOLE_POWERS:
            text = f"whole({x[0]}, {int(n)})"
            return f"abs({text})" if kind == "abs" and n % 2.0 else text
        positive = kind == "real" or not_negative(base)
        inner = x[0] if positive else f"abs({x[0]})"
        if self.varies(exponent):
            self.risky = True
            return f"power({inner}, {x[1]})"
        self.bound.append(f"p{len(self.bound)} = raised({x[1]}, {not_negative(base) or not positive})")
        return f"p{len(self.bound) - 1}({inner})"

    def _constant(self, e: Expression) -> str:
        for k, known in enumerate(self.constants):
            if known is e:
                return f"c{k}"
        self.constants.append(e)
        return f"c{len(self.constants) - 1}"


def not_negative(e: Expression) -> bool:
    """Whether the value is known to be at least zero, however the signals move."""
    match e:
        case Number(value):
            return value >= 0.0
        case Call("max", arguments):
            return any(not_negative(x) for x in arguments)
        case Call(name, _):
            return name == "limexp" or (name in FUNCTIONS and FUNCTIONS[name].not_negative)
        case Power(_, _, "abs"):
            return True
        case Power(base, Number(n), _):
            return n % 2.0 == 0.0 or not_negative(base)
        case Binary("+" | "*" | "/", x, y):
            return (not_negative(x) and not_negative(y)) or (e.op == "*" and x == y)
    return False


def _whole(x: Array, n: int) -> Array:
    """x^n by squaring, n >= 1."""
    result = None
    while n:
        if n & 1:
            result = x if result is None else result * x
        n >>= 1
        if n:
            x = x * x
    return x if result is None else result


def _raised(exponent: Array, positive: bool) -> Callable[[Array], Array]:
    """x -> x^exponent; `positive` says that x is at least zero."""
    n = float(exponent) if exponent.ndim == 0 else 0.0
    if n.is_integer() and 1.0 <= n <= WHOLE_POWERS:
        return functools.partial(_whole, n=int(n))
    function = functools.partial(_power, y=exponent)
    return function if positive and (exponent >= 0.0).all() else _silenced(function)


def _power(x: Array, y: Array) -> Array:
    value: Array = np.power(np.asarray(x, float), y)
    return value


def _shaped(value: Array, like: Array) -> Array:
    try:
        if value.shape == like.shape:
            return value
    except AttributeError:
        pass
    return np.array(np.broadcast_to(value, np.shape(like)), dtype=float)


_NAMES: dict[str, Callable[..., object]] = {
    **{name: function.value for name, function in FUNCTIONS.items()},
    "where": np.where,
    "power": _power,
    "raised": _raised,
    "shaped": _shaped,
    "interp": np.interp,
    "whole": _whole,
}
