"""Numbers with SPICE suffixes: "4.7k", "1meg", "10u" <-> float.

The only place that knows that m is milli, M is milli too, and meg is a million. Inside the
program every number is a plain SI float; suffixes exist at the text border alone.
"""

from __future__ import annotations

import math
import numbers
import re

from spicebridge.errors import QuantityError

_SCALE = {
    "t": 1e12,
    "g": 1e9,
    "meg": 1e6,
    "k": 1e3,
    "mil": 25.4e-6,
    "m": 1e-3,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
    "a": 1e-18,
}
_NUMBER = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(meg|mil|[tgkmunpfaµμ])?([a-zµμΩ/%]*)\s*\Z",
    re.IGNORECASE,
)


def parse_quantity(text: str | float | numbers.Real, *, what: str = "quantity") -> float:
    """Return `text` as a float in SI units.

    Numbers pass through. Text follows SPICE: case does not matter, ``meg`` is 1e6, ``m`` and
    ``M`` are 1e-3, letters after the suffix (a unit, as in ``10uF``) are ignored.
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
        mantissa, suffix, _unit = match.groups()
        value = float(mantissa) * (_SCALE[suffix.lower()] if suffix else 1.0)
    if not math.isfinite(value):
        raise QuantityError(f"{what}: {text!r} must be finite")
    return value


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
