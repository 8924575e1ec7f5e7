"""Looks at a deck before a simulator does.

Two kinds of lines must not reach ngspice: those that run commands or read foreign files
(`refuse_unsafe`), and those it drops or reinterprets without a word while it writes a full,
plausible result (`silent_trap`). What it does complain about is left to the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from spicebridge.errors import UnsafeDeck

TITLE_LIMIT = 400
"""Bytes of title: ngspice copies it to a buffer of 512 unchecked and crashes near 500."""

_COMMAND_CARDS = (".control", ".endc", ".exec", ".shell")
_FILE_CARDS = (".inc", ".lib")
# Whatever `refuse_unsafe` objects to holds one of these; most decks hold none and are not looked at line by line.
_HINTS = (".control", ".endc", ".exec", "shell", "*#", "*ng_script", *_FILE_CARDS, "file")
_OUTSIDE = re.compile(r"^['\"]?(?:[/\\~]|[a-z]:|.*\$|(?:.*[/\\])?\.\.(?:[/\\'\"]|$))", re.IGNORECASE)
_NAMED_FILE = re.compile(r"\bfile\s*=\s*(\S+)")
_INLINE_COMMENT = re.compile(r";|\s\$\s|\s//")
_ZERO_DIVISOR = re.compile(r"/\s*0+(?:\.0*)?(?![\w.])")
_ZERO = re.compile(r"[+-]?(?:0+\.?0*|\.0+)(?:e[+-]?\d+)?")
_INITIAL = re.compile(r"\bic\s*=")
_OPTION = re.compile(r"([^\s=,()]+)(?:\s*=\s*[^\s,()]+)?")
_SAVED = re.compile(r"[vi]\([^\s(),]+\)|[^\s(),]+")
_LEADING_COMMENTS = re.compile(r"(?:\*[^\n]*\n)*")
_MEANT_NUMBERS = "rclvi"
_MAY_DIVIDE = "brevcgfhi"
_NO_CARD = frozenset(["+", "*", ";", "$", "/", "", " ", "\t", "\r"])
_SUSPECTS = frozenset(_MEANT_NUMBERS + _MAY_DIVIDE + ".@")

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
    low_text = text.lower()
    if not any(hint in low_text for hint in _HINTS):
        return
    for number, line in enumerate(text.splitlines(), 1):
        start = line.lstrip(" \t\ufeff")
        if start[:1] not in ".*sS":
            continue
        low = start.lower()
        if low.startswith(_COMMAND_CARDS) or low.split(None, 1)[:1] == ["shell"]:
            _refuse(number, line, "starts commands of the simulator")
        if low.startswith("*#") or "*ng_script" in low:
            _refuse(number, line, "is a comment that ngspice executes")
    for number, card in _cards(text):
        paths = card.split()[1:] if card.startswith(_FILE_CARDS) else _NAMED_FILE.findall(card)
        if any(_OUTSIDE.match(path) for path in paths):
            _refuse(number, card, "reads a file outside the run's own directory")


def _refuse(number: int, line: str, what: str) -> None:
    raise UnsafeDeck(
        f"deck line {number}: {line.strip()[:80]!r} {what}; "
        f"remove it, a deck for spicebridge holds only elements, models and one .tran"
    )


def silent_trap(text: str, *, generated: bool = False) -> str | None:
    """The first line that ngspice would drop or reinterpret in silence, as a sentence, or None.

    Of a `generated` deck (see `Job`) only the title is looked at, which is the user's.
    """
    title = text.split("\n", 1)[0]
    if len(title.encode("utf-8", "replace")) > TITLE_LIMIT:
        return f"line 1: the title is longer than {TITLE_LIMIT} bytes, which crashes ngspice: shorten it"
    if generated:
        return None
    initial: int | None = None
    uic = False
    # Only a division makes a suspect of these; the comments in front may well hold a slash.
    comments = _LEADING_COMMENTS.match(text)
    divides = text.find("/", comments.end() if comments else 0) >= 0
    suspects = _SUSPECTS if divides else _SUSPECTS - set("beghf")
    for number, card in _cards(text, suspects):
        first = card[0]
        trap = None
        if first in _MEANT_NUMBERS:
            words = card.split(None, 4)
            if len(words) < 4:
                trap = "has no value, and ngspice would make one up: give two nodes and a value"
            elif first == "r" and _ZERO.fullmatch(words[3]):
                trap = "has no resistance, which ngspice takes as 1 mOhm: join the nodes instead"
            elif first in "cl" and initial is None and "ic" in card and _INITIAL.search(card):
                initial = number
        elif card.startswith(".opt"):
            trap = _option_trap(card)
        elif card.startswith(".tran"):
            uic = uic or "uic" in card.split()
        elif first == "@":
            trap = "makes ngspice stop reading the deck: remove it"
        if trap is None and "/" in card and first in _MAY_DIVIDE and _ZERO_DIVISOR.search(card):
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
    if ".save" not in text.lower():
        return ()
    names: list[str] = []
    for _, card in _cards(text, frozenset(".")):
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


def _cards(text: str, first: frozenset[str] | None = None) -> Iterator[tuple[int, str]]:
    """Logical lines behind the title: lower case, comments dropped, "+" lines joined.

    With `first`, those alone that begin with one of these characters.
    """
    lines = text.lower().splitlines()[1:]
    if first is None:
        numbered: Iterable[tuple[int, str]] = enumerate(lines, 2)
    else:
        looked_at = first | _NO_CARD
        numbered = [(at, line) for at, line in enumerate(lines, 2) if line[:1] in looked_at]
    number, card, last = 0, "", 0
    for at, line in numbered:
        line = line.strip()
        if not line or line[0] == "*":
            last += at == last + 1
            continue
        if ";" in line or "$" in line or "//" in line:
            line = _INLINE_COMMENT.split(line, maxsplit=1)[0].rstrip()
        if line[:1] == "+":
            # It belongs to the card in hand unless a line that was not looked at came between.
            if at == last + 1:
                card += " " + line[1:]
                last = at
            continue
        if card:
            yield number, card
        number, card, last = at, line if first is None or line[:1] in first else "", at
    if card:
        yield number, card
