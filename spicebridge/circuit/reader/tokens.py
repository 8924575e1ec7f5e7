"""Text of a card -> tokens, by one regular expression; linear time."""

from __future__ import annotations

import re
from itertools import islice

from spicebridge.expressions.tokens import ScanError, Token

MAX_CARD = 1_000_000
"""Longest card that is read, in tokens."""

_CARD = re.compile(
    r"""
      (?P<WORD>       [^\s,=(){}'"]++ )
    | (?P<EXPRESSION> '[^']*+' )
    | (?P<STRING>     "[^"]*+" )
    | (?P<SIGN>       [=(){}'"] )
    """,
    re.VERBOSE | re.ASCII,
)
_WORDS = re.compile(r"[^\s,]++", re.ASCII)
_BEYOND_WORDS = re.compile(r"[=(){}'\"]")
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
    if not _BEYOND_WORDS.search(text, start):
        words = islice(_WORDS.finditer(text, start), MAX_CARD + 1)
        return _bounded([Token("WORD", found.group(), found.start()) for found in words], start)
    tokens: list[Token] = []
    behind = 0
    for found in islice(_CARD.finditer(text, start), MAX_CARD + 1):
        kind = found.lastgroup
        at = found.start()
        if at < behind:
            continue
        if kind != "SIGN":
            tokens.append(Token(kind or "", found.group(), at))
            continue
        sign = text[at]
        if sign == "{":
            behind = closing_brace(text, at)
            tokens.append(Token("EXPRESSION", text[at:behind], at))
        elif sign in _SIGNS:
            tokens.append(Token(_SIGNS[sign], sign, at))
        else:
            what = "brace is never opened" if sign == "}" else "quote is never closed"
            raise ScanError(at, f"this {what}; add the other one or remove it")
    return _bounded(tokens, start)


def _bounded(tokens: list[Token], start: int) -> list[Token]:
    if len(tokens) > MAX_CARD:
        raise ScanError(start, f"a card of more than {MAX_CARD} tokens; split it")
    return tokens
