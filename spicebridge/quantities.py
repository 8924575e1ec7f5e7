"""Numbers with suffixes and units: "4.7k", "1.6 kohm", "90deg" <-> float.

The only place that knows that m is milli and meg a million. Inside the program every number is a plain SI float;
suffixes exist at the text border alone. There are two borders: a netlist, where SPICE's own rule holds (`M` is milli,
letters behind the suffix say nothing), and what people write in case files, on the command line and in Python,
where the unit is checked and an upper-case M is refused, since it is mega to one half of the readers.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import QuantityError

_POWER = {
    "t": 12, "g": 9, "meg": 6, "k": 3, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15, "a": -18,
}  # fmt: skip
_MIL = 25.4e-6
_LARGEST_EXPONENT = 6
"""Digits of an exponent that is added up exactly; one with more is out of any float's range anyway."""
_NETLIST = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+))?([a-zµμΩ/%]*)\s*\Z", re.IGNORECASE)
_SUFFIX = re.compile(r"(meg|mil|[tgkmunpfaµμ])?(.*)", re.IGNORECASE)
_QUANTITY = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+))?(?:[ \u00a0\u2009](?=\S))?(.*?)\s*\Z", re.DOTALL
)
_PREFIX = re.compile(r"([mM][eE][gG]|[TtGgKkmUuµμNnPpfa])(.*)", re.DOTALL)
_HOW = "write it as 4700, '4.7k' or '1meg'"

UNITS: dict[str, dict[str, float]] = {
    "s": {"s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1},
    "Hz": {"Hz": 1, "hertz": 1},
    "V": {"V": 1, "volt": 1, "volts": 1},
    "A": {"A": 1, "amp": 1, "amps": 1, "ampere": 1, "amperes": 1},
    "ohm": {"ohm": 1, "ohms": 1, "Ω": 1, "\u2126": 1},
    "S": {"S": 1, "siemens": 1, "mho": 1},
    "F": {"F": 1, "farad": 1, "farads": 1},
    "H": {"H": 1, "henry": 1, "henries": 1},
    "V s": {"Vs": 1, "Wb": 1},
    "A s": {"As": 1, "C": 1, "coulomb": 1},
    "C": {"C": 1, "As": 1, "coulomb": 1},
    "W": {"W": 1, "watt": 1, "watts": 1},
    "m": {"m": 1, "metre": 1, "meter": 1},
    "K": {"K": 1, "kelvin": 1},
    "rad": {"rad": 1},
    "1": {"1": 1},
}
"""Unit -> its spellings, each of which may have a prefix."""
_ANY = tuple(unit for unit in UNITS if unit not in ("m", "K"))
"""What a number may have whose unit is not known: metre and kelvin are spelt as prefixes."""
_ALONE: dict[str, dict[str, float]] = {
    "s": {"min": 60.0},
    "rad": dict.fromkeys(("deg", "degree", "degrees", "°"), math.pi / 180.0),
    "1": {"%": 0.01},
}
"""Spellings that never have a prefix, and what they are worth."""


def parse_netlist_number(text: str | float | numbers.Real, *, what: str = "number") -> float:
    """Return `text` as SPICE reads it, the double nearest to the decimal number it spells.

    Case does not matter, ``meg`` is 1e6, ``m`` and ``M`` are 1e-3, letters behind the suffix are ignored; ``1F`` is
    1e-15. Raises `QuantityError` for anything else, for NaN and for infinity.
    """
    if not isinstance(text, str):
        return parse_quantity(text, what=what)
    match = _NETLIST.match(text)
    if match is None:
        raise QuantityError(f"{what}: {text!r} is no number; {_HOW}")
    found = _SUFFIX.match(match[3])
    suffix = (found.group(1) or "").lower() if found else ""
    return _finite(_scaled(match[1], match[2] or "0", suffix), text, what)


def parse_quantity(text: object, *, what: str = "quantity", unit: str | None = None) -> float:
    """Return `text` as a float in SI units, the double nearest to the decimal number it spells.

    Parameters
    ----------
    text
        A real number, which passes through, or text: a number, a prefix (``meg`` is 1e6, ``m`` 1e-3), a unit, with
        one blank before the letters if wanted: ``"1.6k"``, ``"1.6 kohm"``, ``"2 s"``, ``"90deg"``.
    what
        The name of the thing in messages.
    unit
        The unit the key has, such as ``"ohm"``, ``"V s"``, ``"V or A"`` or ``"1"`` for a pure number; None takes any
        unit that is known here.

    Raises
    ------
    QuantityError
        For what is no finite number, another unit, and an upper-case M in the place of a prefix.
    """
    if isinstance(text, bool) or not isinstance(text, (str, numbers.Real)):
        raise QuantityError(f"{what}: {text!r} is no number; {_HOW}")
    if not isinstance(text, str):
        try:
            return _finite(float(text), text, what)
        except OverflowError:
            raise QuantityError(f"{what}: a number of that many digits is too large") from None
    match = _QUANTITY.match(text)
    if match is None:
        raise QuantityError(f"{what}: {text!r} is no number; {_HOW}")
    mantissa, exponent, letters = match.groups()
    suffix, factor = _unit(letters, unit, text, what)
    value = _scaled(mantissa, exponent or "0", suffix)
    return _finite(value if factor == 1.0 else value * factor, text, what)


def parse_quantities(values: object, *, what: str = "quantity", unit: str | None = None) -> Array:
    """Numbers or text, one or nested in lists, as a float array of their shape.

    Raises `QuantityError` as `parse_quantity` does, and `ValueError` or `TypeError` where the shape is none.
    """
    if isinstance(values, str):
        return np.array(parse_quantity(values, what=what, unit=unit))
    array = np.array(values)
    if array.dtype.kind in "US" or (array.dtype.kind == "O" and any(isinstance(x, str) for x in array.flat)):
        flat = [parse_quantity(x, what=what, unit=unit) for x in np.array(values, dtype=object).flat]
        return np.array(flat).reshape(array.shape)
    return np.array(array, dtype=float)


def _finite(value: float, text: object, what: str) -> float:
    if not math.isfinite(value):
        raise QuantityError(f"{what}: {text!r} must be finite")
    return value


def _squeezed(unit: str) -> str:
    """'V s', 'V*s' and 'V·s' are one unit, and so are 's^-1' and '1/s'."""
    text = re.sub(r"[\s*·.()]", "", unit).replace("\u2126", "ohm").replace("Ω", "ohm").replace("²", "^2")
    inverse = re.fullmatch(r"/?(\w+?)(?:\^-1|⁻¹|(?<=[A-Za-z])-1)|/(\w+)", text)
    return f"1/{inverse[1] or inverse[2]}" if inverse else text


def _spellings(unit: str) -> dict[str, float]:
    return UNITS.get(unit) or {_squeezed(unit): 1.0}


def _unit(letters: str, unit: str | None, text: str, what: str) -> tuple[str, float]:
    """(suffix of SPICE, factor) that letters behind a number stand for. Raises `QuantityError`."""
    if not letters:
        return "", 1.0
    known = _ANY if unit is None else tuple(unit.split(" or "))
    found = _matched(letters, known)
    if found is not None:
        return found
    _refuse(letters, unit, text, what)


def _matched(letters: str, units: Sequence[str]) -> tuple[str, float] | None:
    squeezed = letters if letters in ("°", "%", "Ω", "\u2126") else _squeezed(letters)
    if squeezed == "m" and "m" in units:
        return None  # five metres to one, five millimetres to another
    for unit in units:
        for names in (_spellings(unit), _ALONE.get(unit, {})):
            if squeezed in names:
                return "", names[squeezed]
    prefix = _PREFIX.match(squeezed)
    for unit in units:
        folded = {name.lower() for name in _spellings(unit)}
        if prefix and (not prefix[2] or prefix[2].lower() in folded):
            return prefix[1].lower(), 1.0
    for unit in units:
        for names in (_spellings(unit), _ALONE.get(unit, {})):
            for name, factor in names.items():
                if name.lower() == squeezed.lower():
                    return "", factor
    return None


def _refuse(letters: str, unit: str | None, text: str, what: str) -> NoReturn:
    wanted = "" if unit is None else f"; this is a number in {unit}" if unit != "1" else "; this is a pure number"
    if letters.startswith("M") and _matched("m" + letters[1:], _ANY if unit is None else tuple(unit.split(" or "))):
        raise QuantityError(
            f"{what}: {text!r}: an upper-case M is mega in SI and milli in SPICE; write 'meg' (1e6) or 'm' (1e-3)"
        )
    if letters[0] == "," and letters[1:2].isdigit():
        raise QuantityError(f"{what}: {text!r} is no number; write the decimal comma as a point")
    if letters == "m":
        raise QuantityError(f"{what}: {text!r} may be metres or milli; write '5 metre', '5e-3' or '5 mm'")
    other = _matched(letters, _ANY)
    if other is not None:
        raise QuantityError(f"{what}: {text!r} has another unit{wanted}; {_HOW}" + _with(unit))
    raise QuantityError(
        f"{what}: {text!r} is no number: {letters!r} is no prefix or unit{wanted}; {_HOW}" + _with(unit)
    )


def _with(unit: str | None) -> str:
    return f", or with its unit as '4.7 k{unit}'" if unit in UNITS and unit != "1" else ""


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
    prefix = "afpnum kMGT"[exponent // 3 + 6].strip()
    return f"{number / 10.0**exponent:.{digits}g} {prefix}{unit}".strip()
