"""Sums of terms with factors, so that a voltage that is added here and taken off there cancels exactly.

x = sum_k c_k e_k,   e_k an expression that is itself no sum, no product with a number, no number
"""

from __future__ import annotations

from collections.abc import Callable

from spicebridge.expressions.tree import Binary, Expression, Number, Parameter, Unary, children, rebuild, with_children

ONE = Number(1.0)
"""The term of constants."""

ROUNDING = 1e-12
"""Relative rest up to which waveforms cancel: their factors are rounded by whoever wrote the deck."""

Terms = dict[Expression, float]


def is_wave(e: Expression) -> bool:
    """Whether a term stands for the waveform of a source."""
    return isinstance(e, Parameter) and e.name.startswith("@")


def combined(*parts: tuple[Terms, float]) -> Terms:
    """sum_n factor_n terms_n; terms that cancel are gone."""
    out: Terms = {}
    for terms, factor in parts:
        for term, weight in terms.items():
            before = out.get(term, 0.0)
            total = before + factor * weight
            if total == 0.0 or (abs(total) <= ROUNDING * abs(before) and is_wave(term)):
                out.pop(term, None)
            else:
                out[term] = total
    return out


def divided(terms: Terms, divisor: float) -> Terms:
    """terms/divisor, each factor rounded once."""
    return {term: weight / divisor for term, weight in terms.items()}


def expression_of(terms: Terms) -> Expression:
    """The sum as a tree."""
    made: Expression | None = None
    for term, weight in terms.items():
        piece: Expression = Number(weight) if term == ONE else term if weight == 1.0 else Number(weight) * term
        made = piece if made is None else made + piece
    return Number(0.0) if made is None else made


def terms_of(e: Expression, apart: Callable[[Expression], bool] = is_wave) -> Terms:
    """A tree as a sum. Only what holds a leaf of `apart` is taken apart: elsewhere factors stay where they were
    written, because a large one drawn into a difference would drown it in rounding."""
    done: dict[int, tuple[Terms, bool]] = {}
    kept: list[object] = []

    def visit(x: Expression) -> None:
        below = [done[id(y)] for y in children(x)]
        waves = apart(x) or any(flag for _, flag in below)
        plain: Terms = {x: 1.0}
        if isinstance(x, Number):
            plain = {ONE: x.value} if x.value else {}
        done[id(x)] = (_terms(x, [terms for terms, _ in below]) if waves else plain), waves
        kept.append(x)

    rebuild(e, visit)
    return done[id(e)][0]


def _terms(e: Expression, below: list[Terms]) -> Terms:
    match e:
        case Unary("-", _):
            return combined((below[0], -1.0))
        case Binary("+", _, _):
            return combined((below[0], 1.0), (below[1], 1.0))
        case Binary("-", _, _):
            return combined((below[0], 1.0), (below[1], -1.0))
        case Binary("*", _, _):
            for one, other in (below, below[::-1]):
                if set(one) <= {ONE}:
                    return combined((other, one.get(ONE, 0.0)))
        case Binary("/", _, _) if set(below[1]) == {ONE}:
            return divided(below[0], below[1][ONE])
    if not below:
        return {e: 1.0}
    return {with_children(e, tuple(expression_of(terms) for terms in below)): 1.0}


def collected(e: Expression) -> Expression:
    """The tree with its sums collected, so that what cancels is gone."""
    return expression_of(terms_of(e))
