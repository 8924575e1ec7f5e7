"""The formulas of a law: read from text, helpers put in, every node with the place it was written at.

The language is that of the other expressions (``expressions``): + - * / ^, comparisons, && || !, ``test ? a : b``
and its functions. Beside them stand

    limexp(y), limexp(y, L)     exp(y) up to y = L (40), then its tangent: once differentiable, cannot overflow
    limsinh(y), limsinh(y, L)   sinh(y) within +-L, then its tangents
    boltzmann, charge, pi       constants: 1.380649e-23 J/K, 1.602176634e-19 C
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from spicebridge.errors import LawError, nearest
from spicebridge.expressions.compile import depends, not_negative
from spicebridge.expressions.dimensions import Dimension, parse_unit
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.language import Language, power
from spicebridge.expressions.parse import ExpressionError, Spelling, parse_expression
from spicebridge.expressions.tree import (
    Call,
    Conditional,
    Expression,
    Number,
    Parameter,
    Power,
    call,
    children,
    rebuild,
    with_children,
)

EXP_LIMIT = 40.0
"""Default L: exp(40) = 2e17 is beyond every law's use and far from overflow (709)."""
CONSTANTS: dict[str, tuple[float, Dimension]] = {
    "boltzmann": (1.380649e-23, parse_unit("J/K").dimension),
    "charge": (1.602176634e-19, parse_unit("C").dimension),
}
"""Physical constants: value in SI and dimension."""
LIMITED = ("limexp", "limsinh")


LANGUAGE = Language(
    name="law",
    grammar=("expression.lark", "ngspice_expression.lark"),
    functions={
        name: (n if n >= 0 else 5, n if n >= 0 else 100_000, functools.partial(call, name))
        for name, n in ((name, function.arguments) for name, function in FUNCTIONS.items())
    }
    | {
        "pow": (2, 2, lambda x, y: power(x, y, "real")),
        "if": (3, 3, Conditional),
        **{name: (1, 2, functools.partial(call, name)) for name in LIMITED},
    },
    refused={
        "log": "it is ln to some and log10 to others; write ln(x) or log10(x)",
        "time": "a law has no clock; drives change with time",
        "ddt": "a law's only derivative is its rate",
        "idt": "a law's only integral is its state",
        "random": "a law is no random number; give an ensemble of parameters",
    },
    constants={"pi": math.pi},
    powers={"CARET": "real", "DOUBLE_STAR": "real"},
    hints={
        "AMPERSAND": "write &&",
        "BAR": "write ||",
        "SINGLE_EQUAL": "write == to compare",
        "TILDE": "write !",
    },
)


@dataclass(frozen=True)
class Place:
    """Where a node was written: the key of the formula, its text, the offset in it."""

    key: str
    text: str
    offset: int


@dataclass(frozen=True)
class Helper:
    """`let` entry: its formal arguments (none for a value) and its formula."""

    arguments: tuple[str, ...]
    body: Expression


def signature(key: str) -> tuple[str, tuple[str, ...]]:
    """("E", ("y",)) of "E(y)". Raises `LawError`."""
    found = re.fullmatch(r"\s*([A-Za-z]\w*)\s*(?:\(([^()]*)\)\s*)?", key)
    arguments = [] if found is None or found[2] is None else [a.strip().lower() for a in found[2].split(",")]
    if found is None or not all(re.fullmatch(r"[a-z]\w*", a) for a in arguments) or len({*arguments}) < len(arguments):
        raise LawError(f"`let.{key}` is no helper; write name, or name(x, y) with different arguments")
    return found[1], tuple(arguments)


@dataclass(frozen=True, kw_only=True)
class Names:
    """What a formula may name, in lower case: helpers, `known` leaves, tables; `moving` ones change in time."""

    helpers: Mapping[str, Helper]
    known: frozenset[str]
    tables: frozenset[str]
    moving: frozenset[str]


@dataclass
class Formulas:
    """Reader of all formulas of one law. `places` knows where each node stands."""

    law: str
    source: str = ""
    places: dict[int, Place] = field(default_factory=dict)
    _alive: list[Expression] = field(default_factory=list)

    def read(self, key: str, text: object) -> Expression:
        """The tree of one formula, helpers still in it. Raises `LawError` with its place."""
        if isinstance(text, (int, float)) and not isinstance(text, bool):
            text = repr(float(text))
        if not isinstance(text, str):
            raise LawError(f"law {self.law}: `{key}` must be a formula in quotes, not {text!r}")
        places: dict[int, int] = {}
        try:
            tree = parse_expression(text, LANGUAGE, Spelling(), called=[], places=places)
        except ExpressionError as error:
            raise self.error(Place(key, text, error.offset), error.message) from None
        self._alive.append(tree)
        self.places |= {node: Place(key, text, offset) for node, offset in places.items()}
        return tree

    def error(self, place: Place | None, message: str) -> LawError:
        """The error with key, column, line of the file where it is known, and a caret."""
        if place is None:
            return LawError(f"law {self.law}: {message}")
        line, column = self._line(place)
        where = f"law {self.law}, {line}column {column}: `{place.key}`: {message}"
        shown, start = _window(place.text, place.offset)
        return LawError(f"{where}\n    {shown}\n    {' ' * start}^")

    def at(self, node: Expression, message: str) -> LawError:
        """The error at a node."""
        return self.error(self.places.get(id(node)), message)

    def _line(self, place: Place) -> tuple[str, int]:
        """("line n, ", column) in the file, else the column in the formula."""
        for number, line in enumerate(self.source.splitlines(), start=1):
            at = line.find(place.text)
            if at >= 0 and "=" in line[:at]:
                return f"line {number}, ", at + place.offset + 1
        return "", place.offset + 1

    def expand(
        self, e: Expression, names: Names, formal: Mapping[str, Expression] | None = None, inside: tuple[str, ...] = ()
    ) -> Expression:
        """The tree with helpers put in; calls of tables and of limited functions stay.

        `formal` are the arguments of the helpers `inside` which it stands. Raises `LawError` for other names.
        """
        helpers, known, formal = names.helpers, names.known, formal or {}
        below = tuple(self.expand(x, names, formal, inside) for x in children(e))
        match e:
            case Parameter(name):
                folded = name.lower()
                if folded in formal:
                    return formal[folded]
                if folded in helpers and not helpers[folded].arguments:
                    return self._helper(e, folded, names, (), inside)
                if folded in CONSTANTS:
                    return self._placed(e, Parameter(folded))
                if folded not in known:
                    words = sorted({*known, *helpers, *CONSTANTS})
                    raise self.at(
                        e, f"{name!r} is not known here{nearest(folded, words)}; known are {', '.join(words)}"
                    )
                return e
            case Power(_, exponent, "real") if not (isinstance(exponent, Number) and exponent.value.is_integer()):
                if depends(below[0], names.moving) and not not_negative(below[0]):
                    raise self.at(
                        e, "this base may be negative, where the power has no value: write abs(x)^y or max(x, 0)^y"
                    )
            case Call(name, _) if name.lower() in names.tables and len(below) != 1:
                raise self.at(e, f"table {name!r} takes one argument, not {len(below)}")
            case Call(name, _) if name.lower() in helpers:
                return self._helper(e, name.lower(), names, below, inside)
            case Call(name, _) if name in LIMITED:
                return self._placed(e, Call(name, below if len(below) == 2 else (*below, Number(EXP_LIMIT))))
            case Call(name, _) if name not in FUNCTIONS and name.lower() not in names.tables:
                words = sorted({*FUNCTIONS, *LIMITED, *helpers, *names.tables})
                raise self.at(e, f"function {name!r} is unknown{nearest(name.lower(), words)}")
        made = with_children(e, below) if any(x is not y for x, y in zip(below, children(e), strict=True)) else e
        return self._placed(e, made)

    def _helper(
        self,
        e: Expression,
        name: str,
        names: Names,
        values: tuple[Expression, ...],
        inside: tuple[str, ...],
    ) -> Expression:
        helper = names.helpers[name]
        if len(values) != len(helper.arguments):
            raise self.at(e, f"helper {name!r} takes {len(helper.arguments)} arguments, not {len(values)}")
        if name in inside:
            raise self.at(e, f"helper {name!r} calls itself: {' -> '.join((*inside, name))}")
        formal = dict(zip(helper.arguments, values, strict=True))
        return self.expand(helper.body, names, formal, (*inside, name))

    def _placed(self, old: Expression, new: Expression) -> Expression:
        if new is not old:
            self._alive.append(new)
            if id(old) in self.places:
                self.places.setdefault(id(new), self.places[id(old)])
        return new


def unlimited(tree: Expression) -> Expression:
    """The tree with limexp and limsinh written out."""

    def change(e: Expression) -> Expression | None:
        match e:
            case Call("limexp", (y, limit)):
                return call("exp", call("min", y, limit)) * (1.0 + call("max", y - limit, 0.0))
            case Call("limsinh", (y, limit)):
                inner = call("min", call("max", y, -limit), limit)
                return call("sinh", inner) + call("cosh", limit) * (y - inner)
            case Parameter(name) if name in CONSTANTS:
                return Number(CONSTANTS[name][0])
        return None

    return rebuild(tree, change)


def _window(text: str, offset: int, width: int = 100) -> tuple[str, int]:
    """A part of a long formula around the place, and the place in it."""
    start = max(0, min(offset - width // 2, len(text) - width))
    return text[start : start + width], offset - start
