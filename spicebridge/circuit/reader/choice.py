"""Which dialect a text is in, when nobody said: by words that one simulator alone has, or by reading it twice.

Where two readings differ in meaning nothing is guessed: the error shows the place, what each simulator makes of it,
and how to say which one is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeVar, get_args

from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.reader.rules import DIALECTS, ReadingRules, find_dialect
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Binary, Call, Expression, Number, Power, rebuild

AUTO = "auto"
SHOWN = ("LTspice", "ngspice", "HSPICE", "Xyce", "PSpice")
_SPELLED = {name.lower(): name for name in SHOWN}

_SAID = re.compile(r"\bdialect\s*[:=]\s*([A-Za-z]+(?:@[\w.+]+)?)", re.IGNORECASE)
_TIME = r"[-+.\w{}]+"
_WORDS: dict[str, str] = {
    "ltspice": (
        r"^\s*\.(?:backanno|machine|params)\b"
        rf"|^\s*\.tran\s+{_TIME}\s*(?:;.*|\buic\b.*|\bstartup\b.*)?$|^\s*\.tran\s+0\s"
        r"|^\s*\.tran\b.*\b(?:startup|nodiscard)\b"
        r"|\b(?:rser|rpar|cpar|lser|plotwinsize)\s*="
        r"|\b(?:idt|idtmod|uplim|dnlim|tbl|white|absdelay)\s*\(|[-+*/({=,]\s*(?:boltz|echarge|planck)\b"
    ),
    "ngspice": r"^\s*\.(?:control|csparam|spiceinit)\b|\b(?:u2|ternary_fcn|[engl][qte]0)\s*\(",
    "hspice": (
        r"^\s*\.(?:alter|data|malias|biaschk)\b|^\s*\.tran\b.*\bstart\s*="
        r"|^\s*\.options?\b(?!\s+(?:timeint|nonlin|linsol|output|device|parser|restart)\b)"
        r".*\b(?:post|ingold|runlvl|parhier|lvltim|delmax)\b"
        r"|\b(?:cur|vol)\s*=\s*['\"]|^\s*\.param\s+\w+\s*\([^)=]*\)\s*="
    ),
    "xyce": (
        r"^\s*\.(?:global_param|preprocess|result|hb)\b|^\s*y[a-z]+\s+\w+\s"
        r"|^\s*\.options?\s+(?:timeint|nonlin|linsol|output|device|parser|restart)\b"
        r"|^\s*\.print\s+tran\b.*\b(?:format|precision|width)\s*="
    ),
    "pspice": r"\bskipbp\b|^\s*\.(?:stimulus|aliases|endaliases|distribution|stmlib)\b|\b(?:evalue|gvalue)\b",
}
_MARKS = re.compile(
    "|".join(f"(?P<{name}>{words})" for name, words in _WORDS.items()).replace(r"\s", "[ \t]"),
    re.IGNORECASE | re.MULTILINE,
)
_SHARED = re.compile(r"(?:cur|vol)\s*=", re.IGNORECASE)
"""Words of HSPICE that ngspice has too."""
_PIECES_OF_WORDS = """
    .backanno .machine .params .tran rser rpar cpar lser plotwinsize idt uplim dnlim tbl white absdelay boltz echarge
    planck .control .csparam .spiceinit u2 ternary_fcn eq0 ne0 gt0 lt0 ge0 le0 .alter .data .malias .biaschk .option
    cur vol .global_param .preprocess .result .hb .print skipbp .stimulus aliases .distribution .stmlib evalue gvalue
"""
_PIECES = (*_PIECES_OF_WORDS.split(), ".param ", "\ny")
_MEANINGS = re.compile(
    r"\*\*|\^|[?~!&|]|\b(?:pow|pwr|pwrs|u|log|int|round|sqrt|if|limit|table|nint|stp|sdt|min|max)\s*\(|\bvalue\s*[={]"
    r"|\bparams?:|\bpulse\b|\bexp\b|\$|//|:",
    re.IGNORECASE,
)
"""What two simulators may read differently; a text without any of it means the same to all."""


@dataclass(frozen=True)
class TellingWord:
    """A word that one simulator alone has, and its line, counted from 1."""

    dialect: str
    word: str
    line: int


def said(lines: Sequence[str]) -> str | None:
    """The dialect that the title or the comments right behind it name ("dialect: ltspice")."""
    for number, line in enumerate(lines):
        if number and not line.lstrip().startswith("*"):
            return None
        found = _SAID.search(line)
        if found is not None:
            return found.group(1)
    return None


def marks(lines: Sequence[str], first: int) -> list[TellingWord]:
    """The first word of each simulator that alone has it, comments left out; `first` is 1 behind a title."""
    found: dict[str, TellingWord] = {}
    for number in _suspects(lines, first):
        line = lines[number]
        if line.lstrip().startswith("*"):
            continue
        for match in _MARKS.finditer(line.split(";")[0]):
            name = match.lastgroup or ""
            found.setdefault(name, TellingWord(name, " ".join(match.group().split())[:40], number + 1))
    return list(found.values())


def _suspects(lines: Sequence[str], first: int) -> list[int]:
    """Lines that hold a piece of such a word, by plain search: a netlist has a hundred thousand others."""
    text = "\n".join(lines[first:]).lower()
    hits = [piece for piece in _PIECES if piece in text]
    if not hits:
        return []
    return [
        number
        for number in range(first, len(lines))
        if any(piece in low for low in (f"\n{lines[number].lower()}",) for piece in hits)
    ]


Read = TypeVar("Read")


def settle(
    name: str, lines: Sequence[str], file: str, first: int, read: Callable[[ReadingRules], Read]
) -> tuple[Read, ReadingRules, str]:
    """(what was read, the dialect, a sentence that says how it was found, or "").

    Raises `DeckError` for a text that no dialect reads, or that two read differently.
    """
    if str(name).strip().lower() != AUTO:
        rules = find_dialect(name)
        return read(rules), rules, ""
    spoken = said(lines)
    if spoken is not None and spoken.partition("@")[0].lower() in DIALECTS:
        rules = find_dialect(spoken)
        return read(rules), rules, f"read as {_label(rules)}, as its first lines say"
    found = marks(lines, first)
    if len(found) > 1:
        shown = ", ".join(f"{m.word!r} (line {m.line}) is {_SPELLED[m.dialect]}'s" for m in found)
        raise DeckError(f"{file}: whose netlist is it? {shown}; say which: {_remedy([m.dialect for m in found])}")
    if found:
        rules = DIALECTS[found[0].dialect]
        if _SHARED.match(found[0].word):
            return _by_reading(file, read, ("ngspice", rules.name))
        return (
            read(rules),
            rules,
            f"read as {_label(rules)}: {found[0].word!r} in line {found[0].line} is a word of that simulator alone",
        )
    rules = DIALECTS["ngspice"]
    if not _MEANINGS.search("\n".join(lines[first:])):
        return read(rules), rules, ""
    return _by_reading(file, read)


def _by_reading(
    file: str, read: Callable[[ReadingRules], Read], candidates: Sequence[str] = ("ngspice", "ltspice", "pspice")
) -> tuple[Read, ReadingRules, str]:
    """The one reading there is, or the one that all of those that there are share."""
    results: dict[str, Read] = {}
    first_error: DeckError | None = None
    for name in candidates:
        if name == "pspice" and results:
            break
        try:
            results[name] = read(DIALECTS[name])
        except DeckError as error:
            first_error = first_error or error
    if not results:
        assert first_error is not None
        raise first_error
    names = list(results)
    if len(names) == 1:
        rules = DIALECTS[names[0]]
        how = "" if names[0] == "ngspice" else f"read as {_label(rules)}: ngspice cannot read it"
        return results[names[0]], rules, how
    difference = unlike(results[names[0]], results[names[1]])
    if difference:
        raise DeckError(
            f"{file}: {difference} means one thing to {_SPELLED[names[0]]} and another to {_SPELLED[names[1]]} "
            f"(powers of negative numbers, steps at 0, truth); say which: {_remedy(names)}"
        )
    return results[names[0]], DIALECTS[names[0]], ""


def _label(rules: ReadingRules) -> str:
    return _SPELLED[rules.name] + ("" if rules.version is None else f" {rules.version}")


def _remedy(names: Sequence[str]) -> str:
    return (
        " or ".join(f"dialect={n!r}" for n in names) + f" (--dialect {names[-1]}, or 'dialect: {names[-1]}' in line 1)"
    )


def unlike(one: object, two: object, where: str = "") -> str:
    """The first part of two decks that differs in meaning, by name; "" where none does."""
    if isinstance(one, get_args(Expression)) and isinstance(two, get_args(Expression)):
        return "" if _canonical(one) == _canonical(two) else where or "an expression"
    if isinstance(one, tuple) and isinstance(two, tuple):
        if len(one) != len(two):
            return where or "the list of elements"
        return next((found for a, b in zip(one, two, strict=True) if (found := unlike(a, b, where))), "")
    if is_dataclass(one) and type(one) is type(two):
        own = getattr(one, "name", "")
        label = f"{type(one).__name__.removesuffix('Element')} {own}" if own else where
        for f in fields(one):
            if f.compare and f.name not in ("options", "header", "comment", "save"):
                found = unlike(getattr(one, f.name), getattr(two, f.name), label)
                if found:
                    return found
        return ""
    return "" if one == two else where or "a value"


def _canonical(e: Expression) -> object:
    """Even powers in one form; a step is what it is beside 0, where simulators differ on it."""

    def change(x: Expression) -> Expression | None:
        if isinstance(x, Call) and x.function == "u":
            return Binary(">", x.arguments[0], Number(0.0))
        if isinstance(x, Power) and isinstance(x.exponent, Number) and x.exponent.value % 2.0 == 0.0:
            return Power(x.base, x.exponent, "abs") if x.kind == "real" else None
        return None

    return rebuild(e, change)


def assumption(deck: Deck, read: Callable[[ReadingRules], Deck]) -> str:
    """What was taken for granted about the version of ngspice, where versions differ on this deck."""
    newer = find_dialect("ngspice@46")
    difference = unlike(replace(deck, notes=()), read(newer))
    if not difference:
        return ""
    return (
        f"{difference}: x^y of a negative x is read as |x|^y, as ngspice up to 45 has it; "
        "newer ones keep the sign (dialect ngspice@46)"
    )
