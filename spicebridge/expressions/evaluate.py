"""The value of a tree, node by node. Functions of many calls are compiled instead (``compile``)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import BoolArray
from spicebridge.errors import DeckError, nearest
from spicebridge.expressions.functions import FUNCTIONS, Amount
from spicebridge.expressions.tree import (
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Time,
    Unary,
    Value,
    fold,
)


@dataclass(frozen=True)
class Environment:
    """Values for an evaluation: floats or arrays of one shape. Names are matched in lower case."""

    voltages: Mapping[str, Amount]
    currents: Mapping[str, Amount]
    parameters: Mapping[str, Amount]
    time: Amount = 0.0


def evaluate(expression: Value, environment: Environment | None = None) -> Amount:
    """Return the value of `expression`: float or array, as the environment's entries. No recursion; a
    subtree that stands in several places is evaluated once.

    Raises `DeckError` for names that the environment lacks. Division by zero follows numpy
    (inf or nan), as numerical trouble is a value.
    """
    env = environment or Environment({}, {}, {})
    if isinstance(expression, (int, float)):
        return float(expression)
    with np.errstate(all="ignore"):
        return fold(expression, lambda e, x: value_of_node(e, x, env))


def value_of_node(e: Expression, x: Sequence[Amount], env: Environment) -> Amount:
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
        case Binary(op, _, _) if op in _ARITHMETIC:
            return _ARITHMETIC[op](*x)
        case Binary(op, _, _):
            if op not in _TRUTHS:
                raise DeckError(f"operator {op!r} is unknown")
            return _truth(_TRUTHS[op](*x))
        case Power(_, _, kind):
            return _power(x[0], x[1], kind)
        case Call(function, _):
            if function not in FUNCTIONS:
                raise DeckError(f"function {function!r} is unknown{nearest(function, FUNCTIONS)}")
            return FUNCTIONS[function].value(*x)
        case Conditional():
            chosen = np.where(np.abs(x[0]) > 0.5, x[1], x[2])
            return float(chosen) if chosen.ndim == 0 else chosen
    raise DeckError(f"{e!r} is no expression")


_ARITHMETIC: dict[str, Callable[..., Amount]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": np.divide,
}
_TRUTHS: dict[str, Callable[..., bool | BoolArray]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "&&": np.logical_and,
    "||": np.logical_or,
}


def _truth(value: bool | BoolArray) -> Amount:
    return np.where(value, 1.0, 0.0) if np.ndim(value) else float(bool(value))


def _look_up(table: Mapping[str, Amount], name: str, what: str) -> Amount:
    try:
        return table[name.lower()]
    except KeyError:
        raise DeckError(f"{what} {name!r} has no value{nearest(name.lower(), table)}") from None


def _voltage(env: Environment, node: str) -> Amount:
    return 0.0 if node in ("0", "gnd") else _look_up(env.voltages, node, "node")


def _power(x: Amount, y: Amount, kind: str) -> Amount:
    size: Amount = np.power(np.asarray(x, float) if kind == "real" else np.abs(x), y)
    return np.where(np.less(x, 0.0), -1.0, 1.0) * size if kind == "signed" else size
