"""Numbers with SPICE suffixes: "4.7k", "1meg", "10u" <-> float.

The only place that knows that m is milli, M is milli too, and meg is a million. Inside the
program every number is a plain SI float; suffixes exist at the text border alone.
"""

from __future__ import annotations

import math
import numbers
import re

from spicebridge.errors import QuantityError

_POWER = {
    "t": 12,
    "g": 9,
    "meg": 6,
    "k": 3,
    "m": -3,
    "u": -6,
    "µ": -6,
    "μ": -6,
    "n": -9,
    "p": -12,
    "f": -15,
    "a": -18,
}
_MIL = 25.4e-6
_LARGEST_EXPONENT = 6
"""Digits of an exponent that is added up exactly; one with more is out of any float's range anyway."""
_NUMBER = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+))?([a-zµμΩ/%]*)\s*\Z",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(meg|mil|[tgkmunpfaµμ])?(.*)", re.IGNORECASE)
_UNIT = re.compile(r"A|F|As|A/V|F/m|(?i:amp(s|ere|eres)?|farads?)")
"""Units that begin with the letter of a prefix; the one-letter ones in upper case only."""


def parse_quantity(text: str | float | numbers.Real, *, what: str = "quantity", units: bool = True) -> float:
    """Return `text` as a float in SI units, the double nearest to the decimal number it spells.

    Numbers pass through. Text follows SPICE: case does not matter, ``meg`` is 1e6, ``m`` and
    ``M`` are 1e-3, letters after the suffix (a unit, as in ``10uF``) are ignored. A unit is not taken
    for a prefix: ``1A`` is one ampere and ``1F`` one farad. With `units` False it is, as in a
    netlist, where ``1F`` is 1e-15.
    `what` names the thing in the error. Raises `QuantityError` for anything else, for NaN and
    for infinity.
    """
    if isinstance(text, bool) or not isinstance(text, (str, numbers.Real)):
        raise QuantityError(f"{what}: {text!r} is no number; write it as 4700, '4.7k' or '1meg'")
    if not isinstance(text, str):
        try:
            value = float(text)
        except OverflowError:
            raise QuantityError(f"{what}: a number of that many digits is too large") from None
    else:
        match = _NUMBER.match(text)
        if match is None:
            raise QuantityError(f"{what}: {text!r} is no number; write it as 4700, '4.7k' or '1meg'")
        mantissa, exponent, letters = match.groups()
        value = _scaled(mantissa, exponent or "0", "" if units and _UNIT.fullmatch(letters) else _suffix(letters))
    if not math.isfinite(value):
        raise QuantityError(f"{what}: {text!r} must be finite")
    return value


def _suffix(letters: str) -> str:
    found = _SUFFIX.match(letters)
    return (found.group(1) or "").lower() if found else ""


def _scaled(mantissa: str, exponent: str, suffix: str) -> float:
    """Correctly rounded: 20u is the double nearest to 20e-6, which 20 times 1e-6 is not."""
    if suffix == "mil":
        return float(f"{mantissa}e{exponent}") * _MIL
    digits = exponent.lstrip("+-0") or "0"
    if len(digits) > _LARGEST_EXPONENT:
        return float(f"{mantissa}e{exponent}")
    power = -int(digits) if exponent.startswith("-") else int(digits)
    return float(f"{mantissa}e{power + _POWER.get(suffix, 0)}")


def format_number(value: float) -> str:
    """Return the shortest text that reads back as exactly `value`, without any suffix."""
    number = float(value)
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number)) if number or math.copysign(1.0, number) > 0 else "0"
    return repr(number)


def format_quantity(value: float, unit: str = "", digits: int = 4) -> str:
    """Return `value` for people, as in ``format_quantity(4700, "ohm") == "4.7 kohm"``.

    For display only: rounded to `digits` significant digits, SI prefixes (M is mega here).
    """
    number = float(value)
    if not math.isfinite(number) or number == 0.0:
        return f"{number:g} {unit}".strip()
    rounded = float(f"{number:.{digits}g}")
    exponent = max(-18, min(12, 3 * math.floor(math.log10(abs(rounded)) / 3)))
    prefix = {12: "T", 9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "u", -9: "n", -12: "p"}.get(
        exponent, {-15: "f", -18: "a"}.get(exponent, "")
    )
    return f"{number / 10.0**exponent:.{digits}g} {prefix}{unit}".strip()
