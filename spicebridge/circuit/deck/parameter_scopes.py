"""Parameters and functions of a deck: scopes, cycles, expansion.

As ngspice has it: a subcircuit sees the parameters of the instance that calls it (dynamic scope), its own
defaults and local parameters hide them, and a parameter that is defined by its own name takes the outer one.
Functions are macros: names in a body that are not arguments mean what they mean where the function is used.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from itertools import islice

import numpy as np

from spicebridge.circuit.deck.elements import Function
from spicebridge.errors import DeckError, nearest
from spicebridge.expressions.evaluate import Environment, evaluate, value_of_node
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import (
    BranchCurrent,
    Call,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Time,
    Value,
    as_expression,
    children,
    depth,
    rebuild,
    walk,
)

MAX_DEPTH = 200
"""Deepest expression after functions are expanded."""
MAX_NODES = 50_000
"""Largest expression after functions are expanded."""


Macro = tuple[tuple[str, ...], Expression]
Macros = Mapping[str, Macro]
"""Functions by folded name: their arguments and body, expanded."""


class ScopeError(Exception):
    """A part of the deck that cannot be resolved; `kind` and `name` say which, for its place in the text."""

    def __init__(self, kind: str, name: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.name = name
        self.message = message


def expand(expression: Value, functions: Macros) -> Value:
    """Return the expression with every call of a user function replaced by its body.

    `functions` maps folded names to expanded `(arguments, body)`. Raises `DeckError` for unknown functions,
    wrong numbers of arguments and results beyond `MAX_NODES` or `MAX_DEPTH`.
    """
    if isinstance(expression, (int, float)):
        return expression
    if not any(isinstance(e, Call) and e.function not in FUNCTIONS for e in walk(expression)):
        return expression
    budget = MAX_NODES

    def change(e: Expression) -> Expression | None:
        nonlocal budget
        if not isinstance(e, Call) or e.function in FUNCTIONS:
            return None
        found = functions.get(e.function.lower())
        if found is None:
            hint = nearest(e.function.lower(), [*FUNCTIONS, *functions])
            raise DeckError(f"function {e.function!r} is unknown{hint}; define it with .func")
        formal, body = found
        if len(formal) != len(e.arguments):
            raise DeckError(f"function {e.function!r} takes {len(formal)} arguments, not {len(e.arguments)}")
        table: dict[str, Expression] = dict(zip(formal, e.arguments, strict=True))
        sizes = {name: sum(1 for _ in islice(walk(x), max(0, budget + 1))) for name, x in table.items()}

        def insert(x: Expression) -> Expression | None:
            nonlocal budget
            budget -= 1
            if isinstance(x, Parameter) and x.name.lower() in table:
                budget -= sizes[x.name.lower()]
                if budget < 0:
                    raise DeckError(f"function {e.function!r} expands to more than {MAX_NODES} terms; split it")
                return table[x.name.lower()]
            return None

        inserted: Expression = rebuild(body, insert)
        return inserted

    made: Expression = rebuild(expression, change)
    if any(True for _ in islice(walk(made), MAX_NODES + 1, None)):
        raise DeckError(f"an expression expands to more than {MAX_NODES} terms; split it")
    if depth(made) > MAX_DEPTH:
        raise DeckError(f"an expression expands to more than {MAX_DEPTH} levels; split it")
    return made


def expand_functions(functions: Iterable[Function], outer: Macros) -> dict[str, Macro]:
    """Return outer and own functions by folded name, bodies expanded.

    Raises `ScopeError` for cycles and unknown names.
    """
    own = {f.name.lower(): f for f in functions}
    done: dict[str, Macro] = {name: value for name, value in outer.items() if name not in own}
    if not own:
        return done
    order = dependency_order(
        {name: [e.function.lower() for e in walk(f.body) if isinstance(e, Call)] for name, f in own.items()}, "function"
    )
    for name in order:
        f = own[name]
        try:
            body = expand(f.body, done)
        except DeckError as error:
            raise ScopeError("function", name, f"function {f.name}: {error}") from None
        done[name] = (tuple(a.lower() for a in f.arguments), as_expression(body))
    return done


def dependency_order(needs: Mapping[str, Iterable[str]], kind: str) -> list[str]:
    """Names in an order in which each comes behind those it needs; names outside `needs` do not count.

    Raises `ScopeError` with the chain for a cycle. No recursion: chains may be as long as the deck.
    """
    order: list[str] = []
    state: dict[str, int] = {}
    for first in needs:
        if first in state:
            continue
        path = [(first, iter(needs[first]))]
        state[first] = 1
        while path:
            name, rest = path[-1]
            for other in rest:
                if other not in needs:
                    continue
                known = state.get(other, 0)
                if known == 1:
                    names = [n for n, _ in path]
                    chain = " -> ".join([*names[names.index(other) :], other][-12:])
                    raise ScopeError(kind, other, f"{kind} {other} is defined by itself: {chain}; break the circle")
                if known == 0:
                    state[other] = 1
                    path.append((other, iter(needs[other])))
                    break
            else:
                state[name] = 2
                order.append(name)
                path.pop()
    return order


Scope = ChainMap[str, float]
_NOTHING = Environment({}, {}, {})


def resolve(pairs: Iterable[tuple[str, Value]], outer: Scope, functions: Macros) -> Scope:
    """Return a scope inside `outer` with these parameters evaluated; raises `ScopeError`."""
    own: MutableMapping[str, float] = {}
    waiting: dict[str, Expression] = {}
    for name, value in pairs:
        folded = name.lower()
        if isinstance(value, (int, float)):
            own[folded] = float(value)
            waiting.pop(folded, None)
        else:
            try:
                waiting[folded] = expand(value, functions)  # type: ignore[assignment]
            except DeckError as error:
                raise ScopeError("parameter", folded, f"parameter {name}: {error}") from None
            own.pop(folded, None)
    inner: Scope = ChainMap(own, *outer.maps)
    if not waiting:
        return inner
    needs = {
        name: [e.name.lower() for e in walk(tree) if isinstance(e, Parameter) and e.name.lower() != name]
        for name, tree in waiting.items()
    }
    for name in dependency_order(needs, "parameter"):
        try:
            own[name] = number(waiting[name], inner)
        except DeckError as error:
            raise ScopeError("parameter", name, f"parameter {name}: {error}") from None
    return inner


def number(value: Value, scope: Mapping[str, float]) -> float:
    """The finite value of a constant (functions expanded); raises `DeckError`."""
    if isinstance(value, (int, float)):
        return float(value)
    result = float(evaluate(value, Environment({}, {}, scope)))
    if not math.isfinite(result):
        raise DeckError(f"the value is {result}; it must be finite")
    return result


def constant(
    value: Value, parameters: tuple[tuple[str, Value], ...] = (), functions: tuple[Function, ...] = ()
) -> float:
    """Return a constant by the parameters and functions given; raises `DeckError`."""
    try:
        known = expand_functions(functions, {})
        return number(expand(value, known), resolve(parameters, Scope(), known))
    except ScopeError as error:
        raise DeckError(error.message) from None


def fold(
    expression: Value, scope: Mapping[str, float], signal: Callable[[Expression], Expression] | None = None
) -> Value:
    """Parameters put in, and constant subtrees evaluated; a float if nothing varies (functions expanded).

    `signal` replaces node voltages and branch currents.
    """
    if isinstance(expression, (int, float)):
        return float(expression)
    varies = False

    def change(e: Expression) -> Expression | None:
        nonlocal varies
        kind = type(e)
        if kind is Number:
            return None
        if kind is NodeVoltage or kind is BranchCurrent:
            varies = True
            return None if signal is None else signal(e)
        if isinstance(e, Parameter):
            found = scope.get(e.name.lower())
            return Number(number(e, scope) if found is None else found)
        if kind is Time:
            varies = True
            return None
        values = []
        for x in children(e):
            if type(x) is not Number:
                return None
            values.append(x.value)
        value = float(value_of_node(e, values, _NOTHING))
        return Number(value) if math.isfinite(value) else None

    with np.errstate(all="ignore"):
        made: Expression = rebuild(expression, change)
    if isinstance(made, Number):
        return made.value
    return made if varies else number(made, {})
