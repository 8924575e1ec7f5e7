"""Text of an expression -> tree."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from spicebridge.errors import QuantityError
from spicebridge.expressions.language import TABLES, Language, power, table_fault
from spicebridge.expressions.parse_cache import DepthError, ShapeError, ShapeParser
from spicebridge.expressions.tokens import OPERATOR_KINDS, ScanError, Token, parse_number, scan_expression
from spicebridge.expressions.tree import (
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Time,
    Unary,
    fold,
    label,
)

MAX_DEPTH = 200
"""Deepest expression tree that is read: programs that walk trees recurse, and Python's stack is finite."""

_TERMINALS = ("NUMBER", "NAME", "VOLTAGE", "CURRENT", "FUNCTION", *OPERATOR_KINDS)


@dataclass
class Spelling:
    """One spelling for names that differ in case alone: the first that was met."""

    nodes: dict[str, str] = field(default_factory=dict)
    elements: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    subcircuits: dict[str, str] = field(default_factory=dict)

    def node(self, name: str) -> str:
        """The one spelling of a node; ground is "0"."""
        folded = name.lower()
        return "0" if folded == "gnd" else self.nodes.setdefault(folded, name)


class ExpressionError(Exception):
    """What is wrong, and the offset where; the caller knows the card."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


class _Rules:
    """The meaning of the grammar's rules in one language."""

    def __init__(self, language: Language, spelling: Spelling, called: list[Token] | None) -> None:
        self.language = language
        self.spelling = spelling
        self.called = called

    def start(self, value: Expression) -> Expression:
        return value

    def number(self, token: Token) -> Expression:
        try:
            return Number(parse_number(token.text, mil=self.language.mil))
        except QuantityError as error:
            raise ExpressionError(token.offset, str(error)) from None

    def name(self, token: Token) -> Expression:
        folded = token.text.lower()
        if folded in self.language.refused:
            raise ExpressionError(token.offset, f"{token.text!r} is not read: {self.language.refused[folded]}")
        if folded == "time":
            return Time()
        if folded in self.language.constants:
            return Number(self.language.constants[folded])
        return Parameter(self.spelling.parameters.setdefault(folded, token.text))

    def voltage(self, token: Token) -> Expression:
        self._signal(token)
        plus, _, minus = token.text[token.text.index("(") + 1 : -1].partition(",")
        node = self.spelling.node
        return NodeVoltage(node(plus.strip()), node(minus.strip()) if minus else "0")

    def current(self, token: Token) -> Expression:
        self._signal(token)
        name = token.text[token.text.index("(") + 1 : -1].strip()
        return BranchCurrent(self.spelling.elements.setdefault(name.lower(), name))

    def _signal(self, token: Token) -> None:
        if not self.language.signals:
            raise ExpressionError(
                token.offset, f"{token.text} is no constant; only a behavioural value may depend on it"
            )

    def binary(self, left: Expression, sign: Token, right: Expression) -> Expression:
        return Binary(_MEANING.get(sign.text, sign.text), left, right)

    def negative(self, _sign: Token, value: Expression) -> Expression:
        return Number(-value.value) if isinstance(value, Number) else Unary("-", value)

    def positive(self, _sign: Token, value: Expression) -> Expression:
        return value

    def negation(self, _sign: Token, value: Expression) -> Expression:
        return Unary("!", self.language.truth(value) if self.language.true_above_half else value)

    def power(self, base: Expression, sign: Token, exponent: Expression) -> Expression:
        return power(base, exponent, self.language.powers[sign.kind])

    def conditional(self, test: Expression, yes: Expression, no: Expression) -> Expression:
        return Conditional(self.language.truth(test), yes, no)

    def both(self, *parts: Expression | Token) -> Expression:
        return self._chain("&&", parts)

    def any(self, *parts: Expression | Token) -> Expression:
        return self._chain("||", parts)

    def odd(self, *parts: Expression | Token) -> Expression:
        return self._chain("!=", parts)

    def _chain(self, op: str, parts: tuple[Expression | Token, ...]) -> Expression:
        truths = [self.language.truth(x) for x in parts if not isinstance(x, Token)]
        return functools.reduce(functools.partial(Binary, op), truths)

    def call(self, token: Token, *arguments: Expression) -> Expression:
        folded = token.text.lower()
        known = self.language.functions.get(folded)
        if known is None:
            if folded in ("v", "i"):
                raise ExpressionError(token.offset, "write V(node), V(node,node) or I(source)")
            if folded in self.language.refused:
                reason = self.language.refused[folded]
                raise ExpressionError(token.offset, f"function {token.text!r} is not read: {reason}")
            if self.called is not None:
                self.called.append(token)
            return Call(self.spelling.functions.setdefault(folded, token.text), arguments)
        least, most, make = known
        if not least <= len(arguments) <= most:
            count = f"{least}" if least == most else f"at least {least}"
            raise ExpressionError(
                token.offset, f"function {token.text!r} takes {count} arguments, not {len(arguments)}"
            )
        made: Expression = make(*arguments)
        fault = table_fault(arguments[1:]) if folded in TABLES else ""
        if fault:
            raise ExpressionError(token.offset, f"function {token.text!r}: {fault}")
        return made


class _Placed:
    """The rules, with a record of where the node that each of them makes stands in the text."""

    def __init__(self, rules: _Rules, places: dict[int, int]) -> None:
        self.rules = rules
        self.places = places
        self.language = rules.language

    def __getattr__(self, rule: str) -> object:
        make = getattr(self.rules, rule)

        def placed(*parts: object) -> object:
            node = make(*parts)
            at = next((part.offset for part in parts if isinstance(part, Token)), None)
            self.places.setdefault(id(node), self.places.get(id(parts[0]), 0) if at is None else at)
            return node

        return placed


_MEANING: Mapping[str, str] = {"<>": "!=", "=": "==", "&": "&&", "|": "||"}


@functools.cache
def _parser(grammar: tuple[str, ...]) -> ShapeParser:
    return ShapeParser(*grammar, package="spicebridge.expressions", terminals=_TERMINALS)


def parse_expression(
    text: str,
    language: Language,
    spelling: Spelling,
    start: int = 0,
    end: int | None = None,
    called: list[Token] | None = None,
    places: dict[int, int] | None = None,
) -> Expression:
    """Return the tree of text[start:end]. Raises `ExpressionError` with an offset in `text`.

    Calls of functions that the language does not know are collected in `called`; `places` receives the offset of
    every node by its id, which holds as long as the tree lives.
    """
    try:
        tokens = scan_expression(text, start, end)
    except ScanError as error:
        raise ExpressionError(error.offset, error.message) from None
    stop = len(text) if end is None else end
    if not tokens:
        raise ExpressionError(start, "an expression is missing here")
    rules = _Rules(language, spelling, called)
    if places is not None:
        return _build(tokens, _Placed(rules, places), stop)
    if not any(token[0] == "_BRACE" or token[0] == "_UNBRACE" for token in tokens):
        return _build(tokens, rules, stop)
    return _build_braced(tokens, rules, stop)


def _build_braced(tokens: list[Token], rules: _Rules, stop: int) -> Expression:
    marks = {"_BRACE": "_OPEN", "_UNBRACE": "_CLOSE"}
    grouped = [Token(marks.get(t.kind, t.kind), t.text, t.offset) for t in tokens]
    if rules.language.braces != "dropped":
        return _build(grouped, rules, stop)
    bare = [t for t in tokens if t.kind not in marks]
    dropped = _build(bare, rules, stop)
    called, rules.called = rules.called, None
    whole = _build(grouped, rules, stop)
    rules.called = called
    if dropped != whole and _chained(dropped) != _chained(whole):
        first = next(t for t in tokens if t.kind == "_BRACE")
        raise ExpressionError(
            first.offset,
            "ngspice pastes what stands in these braces without brackets, so that {a-b}*x becomes a-b*x; "
            "write ({a-b})*x if you mean (a-b)*x, else leave the braces out",
        )
    return dropped


def _chained(e: Expression) -> tuple[object, ...]:
    """The tree as tuples, with sums and products as one each, so that (2*a)*b is 2*(a*b)."""

    def tuples(e: Expression, below: list[tuple[object, ...]]) -> tuple[object, ...]:
        kind = label(e)
        if not isinstance(e, Binary) or kind not in ("+", "*"):
            return (type(e), kind, *below) if below else (e,)
        return (kind, *(term for side in below for term in (side[1:] if side[0] == kind else (side,))))

    return fold(e, tuples)


def _check_signs(tokens: list[Token]) -> None:
    """ngspice's parameters read 2*-3^2 as 2*(-3)^2, against their own -3^2 = -(3^2)."""
    for before, sign, literal, behind in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if (
            sign.kind == "MINUS"
            and literal.kind == "NUMBER"
            and behind.kind in ("CARET", "DOUBLE_STAR")
            and before.kind not in _OPERANDS
        ):
            raise ExpressionError(
                sign.offset, "ngspice reads this sign as part of the number; write brackets: (-3)^2 or -(3^2)"
            )


_OPERANDS = frozenset(("NUMBER", "NAME", "VOLTAGE", "CURRENT", "_CLOSE", "_OPEN", "_COMMA", "NOT"))


def _build(tokens: list[Token], rules: _Rules | _Placed, stop: int) -> Expression:
    if rules.language.literal_sign_first:
        _check_signs(tokens)
    try:
        return _parser(rules.language.grammar).build(tokens, rules, MAX_DEPTH)  # type: ignore[no-any-return]
    except DepthError as error:
        raise ExpressionError(
            tokens[0].offset,
            f"an expression nested {error.depth} deep; {MAX_DEPTH} is the most, "
            "split it with parameters, .func or further sources",
        ) from None
    except ShapeError as error:
        raise _misfit(tokens, error, stop, rules.language) from None


def _misfit(tokens: list[Token], error: ShapeError, stop: int, language: Language) -> ExpressionError:
    operand = "NUMBER" in error.expected
    wanted = "a number, a name, V(…) or '('" if operand else "an operator"
    if "_CLOSE" in error.expected:
        wanted += " or ')'"
    if error.index >= len(tokens):
        return ExpressionError(stop, f"the expression ends too early; {wanted} is expected")
    token = tokens[error.index]
    remedy = language.hints.get(token.kind, f"{wanted} is expected")
    return ExpressionError(token.offset, f"{token.text!r} does not fit here; {remedy}")
