"""What the card grammar hands over: values not yet read, parts of sources, dot-cards; and how cards are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union

from spicebridge.expressions.tokens import Token


@dataclass(frozen=True, slots=True)
class Plain:
    """A bare word where a value stands."""

    token: Token


@dataclass(frozen=True, slots=True)
class Quoted:
    """An expression where a value stands."""

    token: Token


Raw = Union[Plain, Quoted]  # noqa: UP007


@dataclass(frozen=True, slots=True)
class Assignment:
    """name = value."""

    name: Token
    value: Raw


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a source: "dc", "ac" or the waveform's name, and its values."""

    kind: str
    token: Token
    values: tuple[Raw, ...]


@dataclass(frozen=True, slots=True)
class DotCard:
    """A dot-card, its parts in order."""

    kind: str
    token: Token
    parts: tuple[Any, ...]


USAGE = {
    "R": "Rname node node value, or R='expression'",
    "C": "Cname node node value [IC=volts]",
    "L": "Lname node node value [IC=amperes]",
    "V": "Vname node node [DC value] [SIN(…) | PULSE(…) | PWL(…) | EXP(…)]",
    "I": "Iname node node [DC value] [SIN(…) | PULSE(…) | PWL(…) | EXP(…)]",
    "E": "Ename node node node node gain, VALUE={expression}, TABLE {expression} (x,y) … or POLY(n) nodes… numbers…",
    "G": "Gname node node node node gain, VALUE={expression}, TABLE {expression} (x,y) … or POLY(n) nodes… numbers…",
    "F": "Fname node node Vsource gain",
    "H": "Hname node node Vsource gain",
    "B": "Bname node node I=expression, or V=expression",
    "S": "Sname node node node node model",
    "X": "Xname nodes… subcircuit [name=value …]",
    "MODEL": ".model name type(name=value …)",
    "TRAN": ".tran step stop [start [ceiling]] [uic]",
    "OPTIONS": ".options name=value …",
    "INITIAL": ".ic v(node)=value …",
    "PARAM": ".param name=value …",
    "FUNC": ".func name(argument, …) {expression}",
    "SUBCKT": ".subckt name pins… [name=default …]",
    "ENDS": ".ends [name]",
    "END": ".end",
    "INCLUDE": ".include file",
    "LIB": ".lib file [section]",
    "SAVE": ".save v(node) i(source) …",
    "PRINT": ".print tran v(node) …",
    "SHARED": ".global node …",
}
_KEYWORDS = "DC AC WAVE BEHAVIOUR TABLE POLY PARAMS WORD EXPRESSION STRING _EQUALS _OPEN _CLOSE"
TERMINALS = (*USAGE, *_KEYWORDS.split())
