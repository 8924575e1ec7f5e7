"""Text -> tokens, for expressions and for cards. One regular expression each; linear time."""

from __future__ import annotations

import re
from typing import NamedTuple


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
    | (?P<NAME>     [A-Za-z_][A-Za-z0-9_$#\[\]%!.]*+ )
    | (?P<OPERATOR> \*\*|<=|>=|<>|==|!=|&&|\|\||[-+*/^<>!?:(),{}%\\&|=~@] )
    | (?P<SPACE>    \s++ )
    """,
    re.VERBOSE,
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


def scan_expression(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Tokens of an expression in text[start:end]; raises `ScanError`."""
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
        at = found.end()
    return tokens


_CARD = re.compile(
    r"""
      (?P<SPACE>   [\s,]++ )
    | (?P<QUOTED>  '[^']*+' )
    | (?P<STRING>  "[^"]*+" )
    | (?P<WORD>    [^\s,=(){}'"]++ )
    | (?P<SIGN>    [=(){}'"] )
    """,
    re.VERBOSE,
)
_SIGNS = {"=": "_EQUALS", "(": "_OPEN", ")": "_CLOSE"}
_BRACES = re.compile(r"[{}]")


def closing_brace(text: str, start: int) -> int:
    """Offset just behind the brace that closes the one at `start`; raises `ScanError` if none does."""
    depth = 0
    for found in _BRACES.finditer(text, start):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return found.end()
    raise ScanError(start, "this brace is never closed; add '}'")


def scan_card(text: str, start: int = 0) -> list[Token]:
    """Tokens of a card: WORD, EXPRESSION (quoted or in braces, with its marks), STRING, _EQUALS, brackets.

    Commas separate like blanks, as simulators read them. Raises `ScanError` for open quotes or braces.
    """
    tokens: list[Token] = []
    match, at, end = _CARD.match, start, len(text)
    while at < end:
        found = match(text, at)
        kind = found.lastgroup if found else None
        if kind == "WORD":
            tokens.append(Token("WORD", found.group(), at))  # type: ignore[union-attr]
        elif kind == "SIGN":
            sign = text[at]
            if sign == "{":
                stop = closing_brace(text, at)
                tokens.append(Token("EXPRESSION", text[at:stop], at))
                at = stop
                continue
            if sign not in _SIGNS:
                what = "brace is never opened" if sign == "}" else "quote is never closed"
                raise ScanError(at, f"this {what}; add the other one or remove it")
            tokens.append(Token(_SIGNS[sign], sign, at))
        elif kind == "QUOTED":
            tokens.append(Token("EXPRESSION", found.group(), at))  # type: ignore[union-attr]
        elif kind == "STRING":
            tokens.append(Token("STRING", found.group(), at))  # type: ignore[union-attr]
        at = found.end() if found else at + 1
    return tokens
