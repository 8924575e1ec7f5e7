"""Text of an expression -> tokens, by one regular expression; linear time."""

from __future__ import annotations

import re
from typing import NamedTuple

from spicebridge.errors import QuantityError
from spicebridge.quantities import parse_netlist_number


class Token(NamedTuple):
    """`kind` is the terminal of the grammar, `offset` counts in the text that was scanned."""

    kind: str
    text: str
    offset: int


class ScanError(Exception):
    """A character that starts no token; the caller knows which card it belongs to."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


_EXPRESSION = re.compile(
    r"""
      (?P<NUMBER>   (?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[a-zA-Zµμ]*+ )
    | (?P<VOLTAGE>  [vV]\s*+\(\s*+[^\s,(){}]++(?:\s*+,\s*+[^\s,(){}]++)?+\s*+\) )
    | (?P<CURRENT>  [iI]\s*+\(\s*+[^\s,(){}]++\s*+\) )
    | (?P<FUNCTION> [A-Za-z_][A-Za-z0-9_]*+(?=\s*+\() )
    | (?P<NAME>     [A-Za-z_][A-Za-z0-9_]*+ )
    | (?P<OPERATOR> \*\*|<=|>=|<>|==|!=|&&|\|\||[-+*/^<>!?:(),{}%\\&|=~@] )
    | (?P<SPACE>    \s++ )
    """,
    re.VERBOSE | re.ASCII,
)

_OPERATORS = {
    "**": "DOUBLE_STAR",
    "^": "CARET",
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "<": "LESS",
    ">": "MORE",
    "<=": "LESS_EQUAL",
    ">=": "MORE_EQUAL",
    "==": "EQUAL",
    "=": "SINGLE_EQUAL",
    "!=": "UNEQUAL",
    "<>": "ANGLES",
    "&&": "AND",
    "||": "OR",
    "&": "AMPERSAND",
    "|": "BAR",
    "!": "NOT",
    "~": "TILDE",
    "?": "_ASK",
    ":": "_COLON",
    "(": "_OPEN",
    ")": "_CLOSE",
    "{": "_BRACE",
    "}": "_UNBRACE",
    ",": "_COMMA",
    "%": "PERCENT",
    "\\": "BACKSLASH",
    "@": "AT",
}
OPERATOR_KINDS = tuple(_OPERATORS.values())


MAX_EXPRESSION = 20_000
"""Longest expression that is read, in tokens."""


def scan_expression(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Tokens of an expression in text[start:end]; raises `ScanError`, also beyond `MAX_EXPRESSION`."""
    end = len(text) if end is None else end
    tokens: list[Token] = []
    match, at = _EXPRESSION.match, start
    while at < end:
        found = match(text, at, end)
        if found is None:
            raise ScanError(at, f"character {text[at]!r} has no meaning in an expression; remove it")
        kind = found.lastgroup
        if kind == "OPERATOR":
            sign = found.group()
            tokens.append(Token(_OPERATORS[sign], sign, at))
        elif kind != "SPACE":
            tokens.append(Token(kind or "", found.group(), at))
        if len(tokens) > MAX_EXPRESSION:
            raise ScanError(start, f"an expression of more than {MAX_EXPRESSION} tokens; split it")
        at = found.end()
    return tokens


_ATTO = re.compile(r"[0-9.][aA]")


def parse_number(text: str, *, mil: bool = True) -> float:
    """The value of a number with a suffix; raises `QuantityError`.

    The suffix ``a`` is refused: 1e-18 to some simulators, nothing to ngspice 39 and LTspice, so that 1A is
    one ampere. `mil` says whether the place knows that suffix: parameters of ngspice take 1mil for 1e-3.
    """
    if _ATTO.search(text):
        raise QuantityError(f"{text!r}: the suffix 'a' means 1e-18 or nothing, by simulator; write the number plainly")
    if not mil and "mil" in text.lower():
        raise QuantityError(
            f"{text!r}: ngspice reads 'mil' in parameters as 1e-3, elsewhere as 25.4e-6; write the number"
        )
    return parse_netlist_number(text)
