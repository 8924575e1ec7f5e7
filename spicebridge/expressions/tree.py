"""The language of behavioural sources: a tree that means one thing in every simulator.

Simulators disagree on what ``x^3`` or ``u(0)`` is, so the tree stores the *meaning* and each dialect
decides how to write it. Three powers exist: ``real`` (x*x*x, signed for odd whole exponents),
``abs`` (|x|^y, what ngspice makes of ``^``, ``**`` and ``pow``) and ``signed`` (sgn(x) |x|^y, ngspice's
``pwr``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any, Union, overload

import numpy as np

from spicebridge.errors import DeckError, nearest


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


def _table(x: Any, *points: Any) -> Any:
    # Constants may come spread over the shape of the signals.
    flat = [float(np.ravel(p)[0]) for p in points]
    return np.interp(x, flat[0::2], flat[1::2])


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "abs": (1, np.abs),
    "sqrt": (1, np.sqrt),
    "exp": (1, np.exp),
    "ln": (1, np.log),
    "log10": (1, np.log10),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tan": (1, np.tan),
    "asin": (1, np.arcsin),
    "acos": (1, np.arccos),
    "atan": (1, np.arctan),
    "sinh": (1, np.sinh),
    "cosh": (1, np.cosh),
    "tanh": (1, np.tanh),
    "asinh": (1, np.arcsinh),
    "acosh": (1, np.arccosh),
    "atanh": (1, np.arctanh),
    "sgn": (1, np.sign),
    "floor": (1, np.floor),
    "ceil": (1, np.ceil),
    "int": (1, np.trunc),
    "nint": (1, np.rint),
    "u": (1, lambda x: np.heaviside(x, 0.5)),
    "uramp": (1, lambda x: np.maximum(x, 0.0)),
    "atan2": (2, np.arctan2),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "limit": (3, lambda x, low, high: np.clip(x, low, high)),
    "table": (-1, _table),
}
"""Name -> (number of arguments, -1 for any; meaning in numpy). ``u(0)`` is one half."""


@dataclass(frozen=True)
class Environment:
    """Values for an evaluation: floats or arrays of one shape. Names are matched in lower case."""

    voltages: Mapping[str, Any]
    currents: Mapping[str, Any]
    parameters: Mapping[str, Any]
    time: Any = 0.0


def evaluate(expression: Value, environment: Environment | None = None) -> Any:
    """Return the value of `expression`: float or array, as the environment's entries. No recursion; a
    subtree that stands in several places is evaluated once.

    Raises `DeckError` for names that the environment lacks. Division by zero follows numpy
    (inf or nan), as numerical trouble is a value.
    """
    env = environment or Environment({}, {}, {})
    if isinstance(expression, (int, float)):
        return float(expression)
    done: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for e, below in postorder(expression):
            done[id(e)] = value_of_node(e, [done[id(x)] for x in below], env)
    return done[id(expression)]


def value_of_node(e: Expression, x: Sequence[Any], env: Environment) -> Any:
    """The value of one node, given those of its children; numpy's warnings are the caller's to silence."""
    match e:
        case Number(value):
            return value
        case Parameter(name):
            return _look_up(env.parameters, name, "parameter")
        case NodeVoltage(plus, minus):
            return _voltage(env, plus) - _voltage(env, minus)
        case BranchCurrent(source):
            return _look_up(env.currents, source, "current of source")
        case Time():
            return env.time
        case Unary("-", _):
            return -x[0]
        case Unary("!", _):
            return _truth(x[0] == 0)
        case Binary(op, _, _):
            return _binary(op, *x)
        case Power(_, _, kind):
            return _power(x[0], x[1], kind)
        case Call(function, _):
            if function not in FUNCTIONS:
                raise DeckError(f"function {function!r} is unknown{nearest(function, FUNCTIONS)}")
            return FUNCTIONS[function][1](*x)
        case Conditional():
            chosen = np.where(np.abs(x[0]) > 0.5, x[1], x[2])
            return float(chosen) if chosen.ndim == 0 else chosen
    raise DeckError(f"{e!r} is no expression")


def _truth(value: Any) -> object:
    return np.where(value, 1.0, 0.0) if np.ndim(value) else float(bool(value))


def _look_up(table: Mapping[str, object], name: str, what: str) -> Any:
    try:
        return table[name.lower()]
    except KeyError:
        raise DeckError(f"{what} {name!r} has no value{nearest(name.lower(), table)}") from None


def _voltage(env: Environment, node: str) -> Any:
    return 0.0 if node in ("0", "gnd") else _look_up(env.voltages, node, "node")


def _binary(op: str, x: Any, y: Any) -> object:
    match op:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return x * y
        case "/":
            return np.divide(x, y)
        case "<":
            return _truth(x < y)
        case "<=":
            return _truth(x <= y)
        case ">":
            return _truth(x > y)
        case ">=":
            return _truth(x >= y)
        case "==":
            return _truth(x == y)
        case "!=":
            return _truth(x != y)
        case "&&":
            return _truth(np.logical_and(x, y))
        case "||":
            return _truth(np.logical_or(x, y))
    raise DeckError(f"operator {op!r} is unknown")


def _power(x: Any, y: Any, kind: str) -> object:
    if kind == "abs":
        return np.power(np.abs(x), y)
    if kind == "signed":
        return np.where(np.less(x, 0.0), -1.0, 1.0) * np.power(np.abs(x), y)
    return np.power(np.asarray(x, float), y)


_CHILDREN: dict[type[Any], Callable[[Any], tuple[Expression, ...]]] = {
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
    stack: list[Any] = [expression]
    while stack:
        e = stack.pop()
        if isinstance(e, (int, float)):
            continue
        yield e
        stack.extend(children(e))


def distinct(expression: Value) -> Iterator[Expression]:
    """Every node once, parents before children of one path; a shared subtree is entered once."""
    seen: set[int] = set()
    stack: list[Any] = [expression]
    while stack:
        e = stack.pop()
        if isinstance(e, (int, float)) or id(e) in seen:
            continue
        seen.add(id(e))
        yield e
        stack.extend(children(e))


def postorder(expression: Expression) -> list[tuple[Expression, tuple[Expression, ...]]]:
    """Every node once with its children, after them, those from left to right; without recursion."""
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


@overload
def rebuild(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression: ...
@overload
def rebuild(expression: Value, change: Callable[[Expression], Value | None]) -> Value: ...
def rebuild(expression: Value, change: Callable[[Expression], Value | None]) -> Value:
    """Return the tree with `change` applied bottom up, without recursion; None keeps a node.

    A subtree that stands in several places is changed once, and stays shared.
    """
    if isinstance(expression, (int, float)):
        return expression
    done: dict[int, Any] = {}
    for e, below in postorder(expression):
        new = tuple([done[id(x)] for x in below])
        kept = e if all(map(is_, new, below)) else with_children(e, new)
        changed = change(kept)
        done[id(e)] = kept if changed is None else changed
    made: Value = done[id(expression)]
    return made


def depth(expression: Value) -> int:
    """Number of levels of the tree; 1 for a leaf."""
    deepest = 0
    stack: list[tuple[Any, int]] = [(expression, 1)]
    while stack:
        e, level = stack.pop()
        deepest = max(deepest, level)
        if not isinstance(e, (int, float)):
            stack.extend((x, level + 1) for x in children(e))
    return deepest
