"""Card -> tokens of the card grammar: which word is a keyword at its place, and what is not read."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from spicebridge.circuit.reader.keywords import (
    BEHAVIOUR,
    COMMANDS,
    DIRECTIVES,
    ELEMENTS,
    HARMLESS,
    OTHER_CONTROL,
    OTHER_ELEMENTS,
    OTHER_WAVES,
    REPEATING,
    UNSAFE,
    UNSUPPORTED,
    WAVES,
)
from spicebridge.circuit.reader.lines import NetlistCard
from spicebridge.errors import UnsafeDeck, nearest
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
_FIRST = re.compile(r"\s*([^\s=(),{}'\"]+)")
_RESISTANCE = re.compile(r"\s*+\S++\s++\S++\s++\S++\s++[rR]\s*+=")
_OPTION = re.compile(
    r"(?<=[\s,})])(?:rpar|cpar|ic|tripdv|tripdt|laplace|window|nfft|mtol|vprxover)\s*=(?!=)", re.IGNORECASE
)
_BLANK = re.compile(r"""'[^']*+'|"[^"]*+"|[(){}]|\s++""")
_NAMED_VALUE = re.compile(r"""'[^']*+'|"[^"]*+"|[(){}]|(?<![^\s,])([A-Za-z_][\w.]*+)\s*+=(?!=)""")


def first_word(card: NetlistCard) -> tuple[str, int]:
    """The first word of a card, and its offset."""
    found = _FIRST.match(card.text)
    if found is None:
        start = len(card.text) - len(card.text.lstrip())
        card.fail(start, f"a card cannot start with {card.text[start : start + 1]!r}; write a comment with '*'")
    return found.group(1), found.start(1)


def directive_kind(card: NetlistCard, word: str, offset: int) -> str | None:
    """The terminal of a dot-card, or None for one that is left out with a note; raises for all others."""
    folded = word.lower()
    kind = DIRECTIVES.get(folded)
    if kind is not None:
        return kind
    if folded in HARMLESS:
        return None
    if folded in UNSAFE:
        card.fail(offset, f"{word} {UNSAFE[folded]}: decks with commands are refused; remove it", UnsafeDeck)
    if folded in UNSUPPORTED:
        card.fail(offset, f"card {word} is not read: {UNSUPPORTED[folded]}")
    card.fail(offset, f"card {word} is unknown{nearest(folded, DIRECTIVES)}; remove it if it is not needed")


def scan_element(card: NetlistCard, word: str, offset: int, *, bare_resistance: bool = False) -> list[Token]:
    """Tokens of an element card, the first one named by its letter.

    `bare_resistance`: ``R=`` may be followed by an expression without quotes or braces, as in LTspice.
    """
    letter = word[0].upper()
    if letter not in ELEMENTS:
        if word.lower() in COMMANDS or letter == "!":
            card.fail(offset, f"{word!r} is a command, not an element: decks with commands are refused", UnsafeDeck)
        if letter in OTHER_ELEMENTS:
            what = OTHER_ELEMENTS[letter]
            card.fail(offset, f"element {word} is not read: a {what} is outside R C L V I E G F H B S X")
        card.fail(offset, f"no element starts with {word[0]!r}; a comment starts with '*'")
    tokens = _scan(card, letter, bare_resistance)
    tokens[0] = Token(letter, tokens[0].text, tokens[0].offset)
    if letter in "VI":
        _name_waves(card, tokens)
    elif letter in "EGFH":
        _name_controls(card, tokens, letter)
    elif letter == "X":
        _name_params(tokens)
    elif [t.text.lower() for t in tokens[-4:-2]] == ["tc", "="]:
        tokens[-1:] = [Token("WORD", "tc2", tokens[-1].offset), tokens[-3], tokens[-1]]
    return tokens


def _scan(card: NetlistCard, letter: str, bare_resistance: bool) -> list[Token]:
    try:
        if letter == "R" and bare_resistance:
            found = _RESISTANCE.match(card.text)
            if found is not None:
                head = scan_card(card.text[: found.end() - 1].rstrip())
                return [*head, Token("_EQUALS", "=", found.end() - 1), *_rest(card, found.end())]
        if letter == "B" and "=" in card.text:
            cut = card.text.index("=")
            head = scan_card(card.text[:cut])
            option = _OPTION.search(card.text, cut) if bare_resistance else None
            end = len(card.text) if option is None else option.start()
            behind = [] if option is None else scan_card(card.text, end)
            return [*head, Token("_EQUALS", "=", cut), *_rest(card, cut + 1, end), *behind]
        return scan_card(card.text)
    except ScanError as error:
        card.fail(error.offset, error.message)


def _rest(card: NetlistCard, start: int, end: int | None = None) -> list[Token]:
    """The text from `start` on as one EXPRESSION token, if there is any."""
    piece = card.text[start:end]
    body = piece.strip(" \t,")
    return [Token("EXPRESSION", body, start + piece.index(body))] if body else []


def _name_waves(card: NetlistCard, tokens: list[Token]) -> None:
    for k in range(3, len(tokens)):
        kind, text, offset = tokens[k]
        if kind == "STRING" or text.upper() == "FILE":
            card.fail(offset, f"{tokens[0].text}: waveforms in files are not read; write the points")
        if kind != "WORD":
            continue
        folded = text.upper()
        if folded in ("DC", "AC"):
            tokens[k] = Token(folded, text, offset)
        elif folded in WAVES:
            tokens[k] = Token("WAVE", text, offset)
        elif folded in REPEATING:
            card.fail(offset, f"{tokens[0].text}: {text} of PWL is not read; write the points of all its periods")
        elif folded in OTHER_WAVES:
            card.fail(offset, f"waveform {text} is not read; SIN, PULSE, PWL and EXP are")


def _name_controls(card: NetlistCard, tokens: list[Token], letter: str) -> None:
    if len(tokens) < 4 or tokens[3].kind != "WORD":
        return
    named = {"E": "VCVS", "G": "VCCS"}.get(letter) == tokens[3].text.upper()
    if named and (len(tokens) > 6 or [t.kind for t in tokens[5:6]] == ["_EQUALS"]):
        # HSPICE may name the kind of the source; a node of this name has another card behind it.
        del tokens[3]
    _, text, offset = tokens[3]
    folded = text.upper()
    if letter in "EG" and folded in ("TABLE", "POLY") and len(tokens) > 4 and tokens[4].kind != "WORD":
        tokens[3] = Token(folded, text, offset)
        return
    if folded in OTHER_CONTROL and len(tokens) > 4 and tokens[4].kind != "WORD":
        card.fail(offset, f"{tokens[0].text}: {text} is not read: {OTHER_CONTROL[folded]}")
    behaves = len(tokens) > 4 and tokens[4].kind in ("_EQUALS", "EXPRESSION")
    if behaves and folded in BEHAVIOUR.get(letter, ()):
        tokens[3] = Token("BEHAVIOUR", text, offset)


def _name_params(tokens: list[Token]) -> None:
    for k, (kind, text, offset) in enumerate(tokens):
        if kind == "WORD" and text.lower() in ("params:", "param:"):
            tokens[k] = Token("PARAMS", text, offset)


_CALLED = re.compile(r"""'[^']*+'|"[^"]*+"|[{}]|(?<=[\s,])[A-Za-z_][\w.]*+\s*+(\([^(){}='"]*+\)\s*+)?=(?!=)""")


def definitions(card: NetlistCard, kind: str, start: int) -> list[tuple[str, NetlistCard]]:
    """A parameter card as one of values and one for each function, as in HSPICE's ``.param a=1 f(x)='a*x'``.

    Each keeps its columns: the rest is blank.
    """
    text = card.text
    if kind != "PARAM" or ")" not in text:
        return [(kind, card)]
    found, depth = [], 0
    for match in _CALLED.finditer(text, start):
        mark = match.group()
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth == 0 and mark[-1] == "=":
            found.append((match.start(), "FUNC" if match.group(1) else kind))
    if all(what == kind for _, what in found):
        return [(kind, card)]
    ends = [*(at for at, _ in found[1:]), len(text)]

    def only(*spans: tuple[int, int]) -> NetlistCard:
        kept = [" "] * len(text)
        for a, b in ((0, start), *spans):
            kept[a:b] = text[a:b]
        return replace(card, text="".join(kept))

    spans = [(what, (at, end)) for (at, what), end in zip(found, ends, strict=True)]
    values = [span for what, span in spans if what == kind]
    functions = [("FUNC", only(span)) for what, span in spans if what == "FUNC"]
    return [*([(kind, only(*values))] if values else []), *functions]


def scan_directive(
    card: NetlistCard, kind: str, word: str, offset: int, *, ngspice: bool = False, inside: bool = False
) -> list[Token]:
    """Tokens of a dot-card, the first one named `kind`.

    ngspice cuts a bare parameter value at a blank, where the card has several or stands `inside` a subcircuit.
    """
    head = Token(kind, word, offset)
    start = offset + len(word)
    try:
        if kind == "PARAM":
            return [head, *_named_values(card, start, ngspice, inside)]
        if kind == "FUNC":
            return [head, *_function(card, start)]
        tokens = [head, *scan_card(card.text, start)]
    except ScanError as error:
        card.fail(error.offset, error.message)
    if kind == "SUBCKT":
        _name_params(tokens)
    return tokens


def _named_values(card: NetlistCard, start: int, ngspice: bool, inside: bool) -> list[Token]:
    """``a = 1 b = 2*a c = {b}``: values may be bare expressions with blanks in them."""
    text = card.text
    starts: list[tuple[int, int, str]] = []
    depth = 0
    for found in _NAMED_VALUE.finditer(text, start):
        mark = found.group()
        if found.group(1):
            if depth == 0:
                starts.append((found.start(1), found.end(), found.group(1)))
        elif mark in "({":
            depth += 1
        elif mark in ")}":
            depth -= 1
    if not starts:
        return scan_card(text, start)
    tokens = scan_card(text[: starts[0][0]], start)
    for k, (at, behind, name) in enumerate(starts):
        end = starts[k + 1][0] if k + 1 < len(starts) else len(text)
        value = _rest(card, behind, end)
        if ngspice and (inside or len(starts) > 1):
            _no_blank(card, value)
        tokens += [Token("WORD", name, at), Token("_EQUALS", "=", behind - 1), *value]
    return tokens


def _no_blank(card: NetlistCard, value: list[Token]) -> None:
    for token in value:
        depth = 0
        for found in _BLANK.finditer(token.text):
            mark = found.group()
            if mark in "({":
                depth += 1
            elif mark in ")}":
                depth -= 1
            elif depth == 0 and mark[0] not in "'\"":
                card.fail(token.offset + found.start(), "ngspice ends the value at this blank; write {…} around it")


def _function(card: NetlistCard, start: int) -> list[Token]:
    cut = card.text.find(")", start) + 1
    if cut == 0:
        return scan_card(card.text, start)
    tokens = scan_card(card.text[:cut], start)
    sign = re.compile(r"\s*=").match(card.text, cut)
    if sign:
        cut = sign.end()
        tokens.append(Token("_EQUALS", "=", cut - 1))
    return [*tokens, *_rest(card, cut)]


def inner_range(card: NetlistCard, token: Token) -> tuple[int, int]:
    """Where the expression of an EXPRESSION token starts and ends, its quotes or braces left out."""
    text, start = token.text, token.offset
    quoted = text[0] == "'" and len(text) > 1 and text.find("'", 1) == len(text) - 1
    try:
        braced = text[0] == "{" and closing_brace(text, 0) == len(text)
    except ScanError as error:
        card.fail(start + error.offset, error.message)
    if quoted or braced:
        return start + 1, start + len(text) - 1
    return start, start + len(text)


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
