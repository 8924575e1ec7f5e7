"""Looks at a deck before a simulator does.

Two kinds of lines must not reach ngspice: those that run commands or read foreign files
(`refuse_unsafe`), and those it drops or reinterprets without a word while it writes a full,
plausible result (`silent_trap`). What it does complain about is left to the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from spicebridge.errors import UnsafeDeck

TITLE_LIMIT = 400
"""Bytes of title: ngspice copies it to a buffer of 512 unchecked and crashes near 500."""

_COMMAND_CARDS = (".control", ".endc", ".exec", ".shell")
_FILE_CARDS = (".inc", ".lib")
_OUTSIDE = re.compile(r"^['\"]?(?:[/\\~]|[a-z]:|.*\$|(?:.*[/\\])?\.\.(?:[/\\'\"]|$))", re.IGNORECASE)
_NAMED_FILE = re.compile(r"\bfile\s*=\s*(\S+)")
_INLINE_COMMENT = re.compile(r";|\s\$\s|\s//")
_ZERO_DIVISOR = re.compile(r"/\s*0+(?:\.0*)?(?![\w.])")
_ZERO = re.compile(r"[+-]?(?:0+\.?0*|\.0+)(?:e[+-]?\d+)?")
_INITIAL = re.compile(r"\bic\s*=")
_OPTION = re.compile(r"([^\s=,()]+)(?:\s*=\s*[^\s,()]+)?")
_SAVED = re.compile(r"[vi]\([^\s(),]+\)|[^\s(),]+")
_MEANT_NUMBERS = "rclvi"

# Options that ngspice 36 to 47 acts on, or prints by, in a transient analysis. `interp` is known
# to ngspice but writes a raw file that contradicts its own header.
_OPTION_WORDS = """
    abstol absdv acct autostop bypass chgtol convabsstep convlimit convstep copynodesets cshunt
    defad defas defl defm defw epsmin gmin gminfactor gminsteps gshunt indverbosity itl1 itl2
    itl4 itl6 keepopinfo klu klu_memgrow_factor ltereltol lteabstol ltetrtol list maxevtiter
    maxopalter maxord method minbreak newtrunc noacct nodedamping noinit nomod noopac noopalter
    noopiter nopage node numdgt oldlimit opts pivrel pivtol ramptime reldv reltol rshunt
    savecurrents seed seedinfo sparse srcsteps temp tnom trtol trytocompact vntol warn xmu
"""
_OPTIONS = frozenset(_OPTION_WORDS.split())


def refuse_unsafe(text: str) -> None:
    """Raise UnsafeDeck, with the line number, for a deck that runs commands or reads other files.

    Comments count where ngspice executes them ("*#", "*ng_script"), and so does text after ".end".
    Included files must lie in the run's own directory.
    """
    for number, line in enumerate(text.splitlines(), 1):
        start = line.lstrip(" \t\ufeff")
        if start[:1] not in ".*sS":
            continue
        low = start.lower()
        if low.startswith(_COMMAND_CARDS) or low.split(None, 1)[:1] == ["shell"]:
            _refuse(number, line, "starts commands of the simulator")
        if low.startswith("*#") or "*ng_script" in low:
            _refuse(number, line, "is a comment that ngspice executes")
    if not any(hint in text.lower() for hint in (*_FILE_CARDS, "file")):
        return
    for number, card in _cards(text):
        paths = card.split()[1:] if card.startswith(_FILE_CARDS) else _NAMED_FILE.findall(card)
        if any(_OUTSIDE.match(path) for path in paths):
            _refuse(number, card, "reads a file outside the run's own directory")


def _refuse(number: int, line: str, what: str) -> None:
    raise UnsafeDeck(
        f"deck line {number}: {line.strip()[:80]!r} {what}; "
        f"remove it, a deck for spicebridge holds only elements, models and one .tran"
    )


def silent_trap(text: str) -> str | None:
    """The first line that ngspice would drop or reinterpret in silence, as a sentence, or None."""
    title = text.split("\n", 1)[0]
    if len(title.encode("utf-8", "replace")) > TITLE_LIMIT:
        return f"line 1: the title is longer than {TITLE_LIMIT} bytes, which crashes ngspice: shorten it"
    initial: int | None = None
    uic = False
    for number, card in _cards(text):
        first = card[0]
        trap = None
        if first in _MEANT_NUMBERS:
            words = card.split()
            if len(words) < 4:
                trap = "has no value, and ngspice would make one up: give two nodes and a value"
            elif first == "r" and _ZERO.fullmatch(words[3]):
                trap = "has no resistance, which ngspice takes as 1 mOhm: join the nodes instead"
            elif first in "cl" and initial is None and _INITIAL.search(card):
                initial = number
        elif card.startswith(".opt"):
            trap = _option_trap(card)
        elif card.startswith(".tran"):
            uic = uic or "uic" in card.split()
        elif first == "@":
            trap = "makes ngspice stop reading the deck: remove it"
        if trap is None and "/" in card and first in "brevcgfhi" and _ZERO_DIVISOR.search(card):
            trap = "divides by zero, which ngspice evaluates to 0 or 1e32 without a word"
        if trap is not None:
            return f"line {number}: {card[:80]!r} {trap}"
    if initial is not None and not uic:
        return f"line {initial}: IC= is ignored without uic: set the state with .ic v(node)=value"
    return None


def _option_trap(card: str) -> str | None:
    for match in _OPTION.finditer(card.partition(" ")[2]):
        name = match[1]
        if name == "interp":
            return "asks for interp, which writes a corrupt raw file: remove it"
        if name not in _OPTIONS:
            return f"sets the unknown option {name!r}, which ngspice ignores: correct or remove it"
    return None


def saved_names(text: str) -> tuple[str, ...]:
    """Raw-file names of the signals on `.save` cards: "v(n)" and "i(v1)", nothing with "@" or "all"."""
    names: list[str] = []
    for _, card in _cards(text):
        if not card.startswith(".save"):
            continue
        for word in card.split()[1:]:
            if word in ("all", "time") or word[0] == "@" or not _SAVED.fullmatch(word):
                continue
            if word.endswith("#branch"):
                word = f"i({word.removesuffix('#branch')})"
            elif "(" not in word:
                word = f"v({word})"
            names.append(word)
    return tuple(dict.fromkeys(names))


def _cards(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines behind the title: lower case, comments dropped, "+" lines joined."""
    number, card = 0, ""
    for at, line in enumerate(text.splitlines()[1:], 2):
        line = line.strip().lower()
        if not line or line[0] == "*":
            continue
        if ";" in line or "$" in line or "//" in line:
            line = _INLINE_COMMENT.split(line, maxsplit=1)[0].rstrip()
        if line[:1] == "+":
            card += " " + line[1:]
            continue
        if card:
            yield number, card
        number, card = at, line
    if card:
        yield number, card
