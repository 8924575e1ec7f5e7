"""The language of behavioural sources: a tree that means one thing in every simulator.

Simulators disagree on what ``x^3`` or ``u(0)`` is, so the tree stores the *meaning* and each dialect
decides how to write it. Three powers exist: ``real`` (x*x*x, signed for odd whole exponents),
``abs`` (|x|^y, what ngspice makes of ``^``, ``**`` and ``pow``) and ``signed`` (sgn(x) |x|^y, ngspice's
``pwr``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import is_
from typing import TypeVar, Union, overload

import numpy as np

from spicebridge.errors import DeckError

T = TypeVar("T")


class Node:
    """Operators of every node, so that ``4 * (s * (1 - s))`` builds the tree that it looks like.

    Plain numbers may stand on either side; ``<``, ``<=``, ``>``, ``>=`` give tests; ``**`` is the power "real".
    Nothing is simplified.
    """

    __slots__ = ()
    __array_ufunc__ = None

    def __add__(self, other: Value) -> Binary:
        return _pair("+", self, other)

    def __radd__(self, other: float) -> Binary:
        return _pair("+", other, self)

    def __sub__(self, other: Value) -> Binary:
        return _pair("-", self, other)

    def __rsub__(self, other: float) -> Binary:
        return _pair("-", other, self)

    def __mul__(self, other: Value) -> Binary:
        return _pair("*", self, other)

    def __rmul__(self, other: float) -> Binary:
        return _pair("*", other, self)

    def __truediv__(self, other: Value) -> Binary:
        return _pair("/", self, other)

    def __rtruediv__(self, other: float) -> Binary:
        return _pair("/", other, self)

    def __lt__(self, other: Value) -> Binary:
        return _pair("<", self, other)

    def __le__(self, other: Value) -> Binary:
        return _pair("<=", self, other)

    def __gt__(self, other: Value) -> Binary:
        return _pair(">", self, other)

    def __ge__(self, other: Value) -> Binary:
        return _pair(">=", self, other)

    def __pow__(self, exponent: Value) -> Power:
        return Power(as_expression(self), as_expression(exponent))

    def __neg__(self) -> Unary:
        return Unary("-", as_expression(self))


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A constant in SI units."""

    value: float


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A `.param` or subcircuit parameter, or a formal argument of a `.func`."""

    name: str


@dataclass(frozen=True, slots=True)
class NodeVoltage(Node):
    """V(plus, minus) in V."""

    plus: str
    minus: str = "0"


@dataclass(frozen=True, slots=True)
class BranchCurrent(Node):
    """I(source) in A: positive from plus through the source to minus."""

    source: str


@dataclass(frozen=True, slots=True)
class Time(Node):
    """The simulation time in s."""


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`op` is "-" or "!"."""

    op: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`op` is one of + - * / < <= > >= == != && ||; comparisons give 1 or 0."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Power(Node):
    """base to the exponent; `kind` is "real", "abs" or "signed" (see the module)."""

    base: Expression
    exponent: Expression
    kind: str = "real"


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of `FUNCTIONS`, or a user function before expansion."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """test ? yes : no; the test holds where it is greater than 0.5 in size, as for a 0/1 value."""

    test: Expression
    yes: Expression
    no: Expression


Expression = Union[  # noqa: UP007 - a recursive alias must name itself as text
    Number, Parameter, NodeVoltage, BranchCurrent, Time, Unary, Binary, Power, Call, Conditional
]
Value = Union[float, "Expression"]


def as_expression(value: object) -> Expression:
    """A plain number as a `Number`, a node as it is. Raises `DeckError` for anything else."""
    if isinstance(value, Node):
        return value  # type: ignore[return-value]
    if isinstance(value, (int, float, np.number)):
        return Number(float(value))
    raise DeckError(f"{value!r} is no expression and no number")


def _pair(op: str, left: object, right: object) -> Binary:
    return Binary(op, as_expression(left), as_expression(right))


def call(function: str, *arguments: Value) -> Call:
    """`function` of expressions and plain numbers."""
    return Call(function, tuple(as_expression(x) for x in arguments))


def choose(test: Expression, yes: Value, no: Value) -> Conditional:
    """test ? yes : no."""
    return Conditional(test, as_expression(yes), as_expression(no))


ARITHMETIC = ("+", "-", "*", "/")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LOGIC = ("&&", "||")


_CHILDREN: dict[type[Node], Callable[..., tuple[Expression, ...]]] = {
    Unary: lambda e: (e.operand,),
    Binary: lambda e: (e.left, e.right),
    Power: lambda e: (e.base, e.exponent),
    Call: lambda e: e.arguments,
    Conditional: lambda e: (e.test, e.yes, e.no),
}


def children(e: Expression) -> tuple[Expression, ...]:
    """The subtrees directly below a node, in order."""
    below = _CHILDREN.get(type(e))
    return () if below is None else below(e)


def label(e: Expression) -> str:
    """What tells a node from others of its class beside its children: operator, kind of power, function."""
    match e:
        case Unary(word, _) | Binary(word, _, _) | Power(_, _, word) | Call(word, _):
            return word
    return ""


def with_children(e: Expression, new: tuple[Expression, ...]) -> Expression:
    """The node with other subtrees."""
    match e:
        case Unary(op, _):
            return Unary(op, *new)
        case Binary(op, _, _):
            return Binary(op, *new)
        case Power(_, _, kind):
            return Power(new[0], new[1], kind)
        case Call(name, _):
            return Call(name, new)
        case Conditional():
            return Conditional(*new)
    return e


def walk(expression: Value) -> Iterator[Expression]:
    """Every node of the tree, parents first, without recursion."""
    stack: list[Value] = [expression]
    while stack:
        e = stack.pop()
        if isinstance(e, (int, float)):
            continue
        yield e
        stack.extend(children(e))


def distinct(expression: Value) -> Iterator[Expression]:
    """Every node once, parents before children of one path; a shared subtree is entered once."""
    seen: set[int] = set()
    stack: list[Value] = [expression]
    while stack:
        e = stack.pop()
        if isinstance(e, (int, float)) or id(e) in seen:
            continue
        seen.add(id(e))
        yield e
        stack.extend(children(e))


def postorder(
    expression: Expression, children: Callable[[Expression], tuple[Expression, ...]] = children
) -> list[tuple[Expression, tuple[Expression, ...]]]:
    """Every node once with its children, after them, those from left to right; without recursion.

    Only what `children` gives is entered.
    """
    order: list[tuple[Expression, tuple[Expression, ...]]] = []
    seen: set[int] = set()
    stack: list[Expression | tuple[Expression, tuple[Expression, ...]]] = [expression]
    while stack:
        e = stack.pop()
        if isinstance(e, tuple):
            order.append(e)
        elif id(e) not in seen:
            seen.add(id(e))
            if below := children(e):
                stack.append((e, below))
                stack.extend(below[::-1])
            else:
                order.append((e, below))
    return order


def fold(expression: Expression, of: Callable[[Expression, list[T]], T]) -> T:
    """What `of` makes of the root, when it makes something of every node and of what it made of the node's children.

    From left to right, without recursion; a subtree that stands in several places is looked at once.
    """
    done: dict[int, T] = {}
    for e, below in postorder(expression):
        done[id(e)] = of(e, [done[id(x)] for x in below])
    return done[id(expression)]


@overload
def rebuild(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression: ...
@overload
def rebuild(expression: Value, change: Callable[[Expression], Value | None]) -> Value: ...
def rebuild(expression: Value, change: Callable[[Expression], Value | None]) -> Value:
    """Return the tree with `change` applied bottom up, without recursion; None keeps a node.

    A subtree that stands in several places is changed once, and stays shared.
    """

    def changed(e: Expression, new: list[Value]) -> Value:
        kept = e if all(map(is_, new, children(e))) else with_children(e, tuple(map(as_expression, new)))
        made = change(kept)
        return kept if made is None else made

    return expression if isinstance(expression, (int, float)) else fold(expression, changed)


def depth(expression: Value) -> int:
    """Number of levels of the tree; 1 for a leaf."""
    if isinstance(expression, (int, float)):
        return 1
    return fold(expression, lambda _, below: 1 + max(below, default=0))
