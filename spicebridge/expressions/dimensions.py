"""Units by dimension: what a unit is in V, A, s, m and K, and whether a formula adds like to like.

    1 ohm = 1 V/A,   1 C = 1 A s,   1 J = 1 V A s,   1 S = 1 A/V, …

Every node of a tree has a dimension. Sums, comparisons and choices need equal ones, functions numbers without one;
products and powers make new ones. These rules are linear equations in the exponents, so the dimensions of
parameters that state no unit follow from them, by elimination with fractions. A literal number has no dimension,
except 0, which has any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from spicebridge.errors import DeckError, QuantityError
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tokens import parse_number
from spicebridge.expressions.tree import (
    COMPARISONS,
    Binary,
    Call,
    Conditional,
    Expression,
    Number,
    Parameter,
    Power,
    Unary,
    children,
    postorder,
)

BASE = ("V", "A", "s", "m", "K")
FORMULA = "the formula"
Dimension = tuple[Fraction, Fraction, Fraction, Fraction, Fraction]


def _dimension(**exponents: int) -> Dimension:
    v, a, s, m, k = (Fraction(exponents.get(name, 0)) for name in BASE)
    return v, a, s, m, k


NONE = _dimension()
_UNITS: dict[str, tuple[Dimension, float]] = {
    "1": (NONE, 1.0),
    "V": (_dimension(V=1), 1.0),
    "A": (_dimension(A=1), 1.0),
    "s": (_dimension(s=1), 1.0),
    "m": (_dimension(m=1), 1.0),
    "K": (_dimension(K=1), 1.0),
    "ohm": (_dimension(V=1, A=-1), 1.0),
    "Ω": (_dimension(V=1, A=-1), 1.0),
    "S": (_dimension(V=-1, A=1), 1.0),
    "C": (_dimension(A=1, s=1), 1.0),
    "Wb": (_dimension(V=1, s=1), 1.0),
    "F": (_dimension(A=1, s=1, V=-1), 1.0),
    "H": (_dimension(V=1, s=1, A=-1), 1.0),
    "W": (_dimension(V=1, A=1), 1.0),
    "J": (_dimension(V=1, A=1, s=1), 1.0),
    "eV": (_dimension(V=1, A=1, s=1), 1.602176634e-19),
    "Hz": (_dimension(s=-1), 1.0),
    "rad": (NONE, 1.0),
    "%": (NONE, 0.01),
}
_PREFIXES = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}
_PREFIXES["c"] = 1e-2
_FACTOR = re.compile(r"\s*([*/·()]|[A-Za-zΩµμ%]+|1)(?:\^([+-]?\d+)|([+-]?\d+(?![\w.])))?")


@dataclass(frozen=True)
class Unit:
    """Its text, its dimension, and how many SI units one of it is."""

    text: str
    dimension: Dimension
    factor: float = 1.0


NO_UNIT = Unit("1", NONE)


def parse_unit(text: str) -> Unit:
    """Return the unit that `text` names: "ohm", "1/(V s)", "nm^2/s", "eV". Raises `QuantityError`."""
    words = text.strip() or "1"
    exponents, factor = list(NONE), 1.0
    sign, after_slash, depth, at = 1, False, 0, 0
    while at < len(words):
        found = _FACTOR.match(words, at)
        if found is None:
            raise QuantityError(f"unit {text!r}: {words[at:]!r} is not read; write for example ohm, 1/(V s), nm^2")
        at, word = found.end(), found[1]
        power = int(found[2] or found[3] or 1)
        if word == "/":
            after_slash = True
        elif word == "(":
            depth += 1
            sign, after_slash = (-1 if after_slash else 1), False
        elif word == ")":
            depth -= 1
            sign = 1
        elif word not in ("*", "·"):
            dimension, scale = _named(word, text)
            power *= -sign if after_slash else sign
            after_slash = False
            exponents = [e + power * d for e, d in zip(exponents, dimension, strict=True)]
            factor *= scale**power
    if depth or after_slash:
        raise QuantityError(f"unit {text!r} is not complete; write for example 1/(V s)")
    v, a, s, m, k = exponents
    return Unit(words, (v, a, s, m, k), factor)


def _named(word: str, whole: str) -> tuple[Dimension, float]:
    if word in _UNITS:
        return _UNITS[word]
    if word[0] in _PREFIXES and word[1:] in _UNITS and word[1:] not in ("1", "%", "rad"):
        dimension, factor = _UNITS[word[1:]]
        return dimension, factor * _PREFIXES[word[0]]
    raise QuantityError(f"unit {whole!r}: {word!r} is unknown; known are {', '.join(_UNITS)} with a prefix")


def parse_physical(text: str) -> tuple[float, Unit]:
    """Return (value in SI, unit) of "16k ohm", "2 nm", "1e4 1/C" or a plain number. Raises `QuantityError`."""
    head, _, tail = text.strip().partition(" ")
    value = parse_number(head)
    unit = parse_unit(tail)
    return value * unit.factor, unit


def format_dimension(dimension: Dimension) -> str:
    """The dimension as a unit in SI: "ohm", "1/(V s)"."""
    for name, (known, factor) in _UNITS.items():
        if known == dimension and factor == 1.0 and name not in ("Hz", "rad"):
            return "no unit" if name == "1" else name
    above = [_factor(name, e) for name, e in zip(BASE, dimension, strict=True) if e > 0]
    below = [_factor(name, -e) for name, e in zip(BASE, dimension, strict=True) if e < 0]
    under = f"({' '.join(below)})" if len(below) > 1 else "".join(below)
    return f"{' '.join(above) or '1'}/{under}" if below else " ".join(above)


def _factor(name: str, exponent: Fraction) -> str:
    return name if exponent == 1 else f"{name}^{exponent}"


def unit_in_si(unit: Unit) -> str:
    """The unit as it was written, or its SI unit where it has a prefix."""
    return unit.text if unit.factor == 1.0 else format_dimension(unit.dimension).replace("no unit", "1")


class UnitError(DeckError):
    """A formula that adds unlike to unlike; `node` is where, `inside` whether it is wrong in itself."""

    def __init__(self, node: Expression, message: str, *, inside: bool = True) -> None:
        super().__init__(message)
        self.node = node
        self.inside = inside


Vector = dict[str, Fraction]
"""Coefficients of the unknown dimensions."""


@dataclass
class _Dim:
    """known + sum over unknowns; `free` marks a zero, which has any dimension."""

    known: Dimension
    unknown: Vector = field(default_factory=dict)
    free: bool = False


class Dimensions:
    """Checks trees one after another; the unknown dimensions of parameters are found on the way.

    Parameters
    ----------
    known : mapping of str to Dimension
        Dimension of each leaf by its name in lower case; a leaf that is missing is unknown.
    loose : bool
        Literal numbers take the dimension that the formula implies.
    """

    def __init__(self, known: Mapping[str, Dimension], *, loose: bool = False) -> None:
        self.known = known
        self.loose = loose
        self.solved: dict[str, _Dim] = {}
        self._literals = 0

    def check(self, tree: Expression, wanted: Dimension) -> None:
        """Raise `UnitError` unless `tree` can have the dimension `wanted`."""
        self._same(tree, self.of(tree), _Dim(wanted), FORMULA, f"{format_dimension(wanted)} is wanted")

    def of(self, root: Expression) -> _Dim:
        """The dimension of a tree, as far as it is known."""
        done: dict[int, _Dim] = {}
        for e, below in postorder(root, lambda e: children(e)[::-1]):
            done[id(e)] = self._node(e, [done[id(x)] for x in below[::-1]])
        return done[id(root)]

    def parameter(self, name: str) -> Dimension | None:
        """The dimension of a leaf, given or found; None where the formulas leave it open."""
        found = self.known.get(name.lower())
        if found is not None:
            return found
        d = self._resolved(_Dim(NONE, {name.lower(): Fraction(1)}))
        return None if d.unknown else d.known

    def _node(self, e: Expression, x: list[_Dim]) -> _Dim:
        match e:
            case Number(value):
                return self._literal(value)
            case Parameter(name):
                known = self.known.get(name.lower())
                return _Dim(known) if known is not None else _Dim(NONE, {name.lower(): Fraction(1)})
            case Unary("-", _):
                return x[0]
            case Binary("+" | "-" as op, _, _):
                return self._equal(e, x, f"the two sides of {op}")
            case Binary("*", _, _):
                return _combined(x[0], x[1], 1)
            case Binary("/", _, _):
                return _combined(x[0], x[1], -1)
            case Binary(op, _, _) if op in COMPARISONS:
                self._equal(e, x, f"the two sides of {op}")
                return _Dim(NONE)
            case Conditional():
                return self._equal(e, x[1:], "the two choices of ?:")
            case Power(_, exponent, _):
                return self._power(e, exponent, x)
            case Call(name, _):
                return self._call(e, name, x)
        return _Dim(NONE)

    def _literal(self, value: float) -> _Dim:
        if value == 0.0:
            return _Dim(NONE, free=True)
        if not self.loose:
            return _Dim(NONE)
        self._literals += 1
        return _Dim(NONE, {f"literal {self._literals}": Fraction(1)})

    def _power(self, e: Expression, exponent: Expression, x: list[_Dim]) -> _Dim:
        if isinstance(exponent, Number):
            times = Fraction(exponent.value).limit_denominator(1000)
            return _combined(_Dim(NONE), x[0], times)
        for d, what in zip(x, ("the base of a power with a variable exponent", "an exponent"), strict=True):
            self._same(e, d, _Dim(NONE), what, "a number without unit is wanted")
        return _Dim(NONE)

    def _call(self, e: Expression, name: str, x: list[_Dim]) -> _Dim:
        rule = FUNCTIONS[name].unit if name in FUNCTIONS else "number" if name.startswith("lim") else "none"
        match rule:
            case "kept":
                return x[0]
            case "root":
                return _combined(_Dim(NONE), x[0], Fraction(1, 2))
            case "equal" | "ratio":
                same = self._equal(e, x, f"the arguments of {name}")
                return same if rule == "equal" else _Dim(NONE)
            case "number":
                for d in x:
                    self._same(e, d, _Dim(NONE), f"the argument of {name}", "a number without unit is wanted")
        return _Dim(NONE)

    def _equal(self, e: Expression, x: list[_Dim], what: str) -> _Dim:
        fixed = [d for d in x if not d.free]
        for d in fixed[1:]:
            self._same(e, fixed[0], d, what, "they must have one unit")
        return fixed[0] if fixed else x[0]

    def _same(self, e: Expression, x: _Dim, y: _Dim, what: str, rule: str) -> None:
        if x.free or y.free:
            return
        left, right = self._resolved(x), self._resolved(y)
        gap = _combined(left, right, -1)
        unknown = {name: c for name, c in gap.unknown.items() if c}
        if unknown:
            name, c = max(unknown.items(), key=lambda item: item[0].startswith("literal"))
            rest = _Dim(gap.known, {other: f for other, f in unknown.items() if other != name})
            self.solved[name] = _combined(_Dim(NONE), rest, -1 / c)
            return
        if gap.known != NONE:
            units = f"{format_dimension(left.known)} and {format_dimension(right.known)}"
            if "must" not in rule:
                units = format_dimension(left.known)
            raise UnitError(e, f"{what} {'have' if 'must' in rule else 'has'} {units}; {rule}", inside=what != FORMULA)

    def _resolved(self, d: _Dim) -> _Dim:
        """`d` with what is found put in."""
        while any(name in self.solved for name in d.unknown):
            out = _Dim(d.known, {}, d.free)
            for name, c in d.unknown.items():
                out = _combined(out, self.solved.get(name, _Dim(NONE, {name: Fraction(1)})), c)
            d = out
        return d


def _combined(x: _Dim, y: _Dim, times: Fraction | int) -> _Dim:
    """x + times y in exponents."""
    v, a, s, m, k = (p + times * q for p, q in zip(x.known, y.known, strict=True))
    unknown = dict(x.unknown)
    for name, c in y.unknown.items():
        unknown[name] = unknown.get(name, Fraction(0)) + times * c
    return _Dim((v, a, s, m, k), {name: c for name, c in unknown.items() if c}, x.free or y.free)
