"""The dialects that are read: their two expression languages, and how their cards differ."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from spicebridge.circuit.reader.languages import HSPICE, LTSPICE, NGSPICE, NGSPICE_CONSTANT, PSPICE, XYCE, constant_form
from spicebridge.errors import DeckError, nearest
from spicebridge.expressions.language import Language, power

WHOLE_POWERS = 46
"""First version of ngspice whose B sources give x^y of a negative x its sign where y is whole, and 0 elsewhere."""


@dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """What a simulator reads.

    - `behavioural` and `constant`: expressions that may depend on signals, and those that must not.
    - `trailing`: what starts a comment behind a card.
    - `bare_expressions`: ``R=`` takes an expression without quotes or braces.
    - `bare_names`: a parameter may stand for a value without quotes or braces.
    - `grounds`: GND is node 0.
    - `every_current`: I() is known of every element, not of voltage sources alone.
    - `parasitics`: Rser, Rpar of sources, capacitors and inductors.
    - `single_pulse`: a PULSE without a period is one pulse, and one without a width stays.
    - `tran`: how .tran is written: "step" (a step is needed), "loose" (LTspice), "start=" (HSPICE).
    - `levels`: what stands between an instance and a node inside it.
    - `own_options`: .options are this simulator's own and say nothing to others.
    - `mega_x`: the suffix x is 1e6.
    """

    name: str
    behavioural: Language
    constant: Language
    trailing: re.Pattern[str]
    version: int | None = None
    bare_expressions: bool = False
    bare_names: bool = False
    grounds: bool = True
    every_current: bool = False
    parasitics: bool = False
    single_pulse: bool = False
    tran: str = "step"
    levels: str = "."
    own_options: bool = False
    mega_x: bool = False

    @property
    def label(self) -> str:
        """The word for --dialect."""
        return self.name if self.version is None else f"{self.name}@{self.version}"


_SEMICOLON = re.compile(r";")

DIALECTS = {
    "ngspice": ReadingRules(
        name="ngspice", behavioural=NGSPICE, constant=NGSPICE_CONSTANT, trailing=re.compile(r";|//|(?<=[ \t,])\$")
    ),
    "ltspice": ReadingRules(
        name="ltspice",
        behavioural=LTSPICE,
        constant=constant_form(LTSPICE),
        trailing=_SEMICOLON,
        bare_expressions=True,
        every_current=True,
        parasitics=True,
        single_pulse=True,
        tran="loose",
        levels=":",
    ),
    "hspice": ReadingRules(
        name="hspice",
        behavioural=HSPICE,
        constant=constant_form(HSPICE),
        trailing=re.compile(r"(?:(?<=[ \t,])|^)\$"),
        bare_names=True,
        every_current=True,
        tran="start=",
        own_options=True,
        mega_x=True,
    ),
    "xyce": ReadingRules(
        name="xyce",
        behavioural=XYCE,
        constant=constant_form(XYCE),
        trailing=_SEMICOLON,
        grounds=False,
        every_current=True,
        levels=":",
        own_options=True,
        mega_x=True,
    ),
    "pspice": ReadingRules(
        name="pspice",
        behavioural=PSPICE,
        constant=constant_form(PSPICE),
        trailing=_SEMICOLON,
        grounds=False,
        every_current=True,
        own_options=True,
    ),
}
"""The newest form of each; ngspice without a version is that up to 45."""


def find_dialect(name: str) -> ReadingRules:
    """The dialect of a word such as "ltspice" or "ngspice@46"; raises `DeckError`.

    A version matters where simulators changed their meaning: ngspice from `WHOLE_POWERS` on.
    """
    word, _, version = str(name).strip().lower().partition("@")
    if word not in DIALECTS:
        known = ", ".join(DIALECTS)
        raise DeckError(f"dialect {name!r} is not read, only auto, {known}{nearest(word, ['auto', *DIALECTS])}")
    found = DIALECTS[word]
    if "@" not in str(name):
        return found
    number = re.match(r"v?(\d+)(?:\.\d+)*\+?\Z", version)
    if number is None:
        raise DeckError(f"dialect {name!r}: the version is a number, as in {word}@46")
    found = replace(found, version=int(number.group(1)))
    if word == "ngspice" and int(number.group(1)) >= WHOLE_POWERS:
        functions = {**NGSPICE.functions, "pow": (2, 2, lambda x, y: power(x, y, "whole"))}
        powers = {"CARET": "whole", "DOUBLE_STAR": "whole"}
        found = replace(found, behavioural=replace(NGSPICE, functions=functions, powers=powers))
    return found
