"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from spicebridge.errors import QuantityError, SpiceBridgeError

FORMS = ("fast", "readable")


def number(text: str, unit: str | None = None) -> float:
    """A number in `unit`, with a suffix if wanted ("10m" is 0.01)."""
    from spicebridge.quantities import parse_quantity

    try:
        return parse_quantity(text, what="value", unit=unit)
    except QuantityError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str, unit: str | None = None) -> float:
    """A positive number in `unit`, with a suffix if wanted."""
    value = number(text, unit)
    if value <= 0.0:
        raise argparse.ArgumentTypeError(f"value {text!r} must be positive")
    return value


def whole(text: str) -> int:
    """A whole number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return int(text)


def seconds(text: str) -> float:
    """A positive time in s."""
    return positive(text, "s")


def volts(text: str) -> float:
    """A positive voltage in V."""
    return positive(text, "V")


def hertz(text: str) -> float:
    """A positive frequency in Hz."""
    return positive(text, "Hz")


def pairs(
    option: str, example: str, text: str, parted: Callable[[str, str], tuple[str, str, str]] = str.partition
) -> dict[str, str]:
    """``A=x,B[1,2]=y`` as a mapping: commas within brackets do not separate. Raises `SpiceBridgeError`."""
    found: dict[str, str] = {}
    for item in re.split(r",(?![^\[(]*[\])])", text):
        name, _, value = (part.strip() for part in parted(item, "="))
        if not (name and value):
            raise SpiceBridgeError(f"{option}: {item!r} must be like {example}")
        if name in found:
            raise SpiceBridgeError(f"{option}: {name!r} is given twice")
        found[name] = value
    return found


def add_run(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """--engine (again for each of several), --form, --step, --tolerance and --timeout."""
    about = "simulator to use instead of the case's: a name (see engines), or KIND=FILE"
    if several:
        about += "; again for another, which is judged against the first one too"
        parser.add_argument("--engine", metavar="E", action="append", help=about)
    else:
        parser.add_argument("--engine", metavar="E", help=about)
    parser.add_argument("--form", choices=FORMS, help="form of the deck instead of the case's")
    parser.add_argument(
        "--step", type=seconds, metavar="S", help="step ceiling in s (coarsest of a ladder); default: chosen"
    )
    parser.add_argument("--tolerance", type=positive, metavar="X", help="instead of the case's tolerance")
    parser.add_argument("--timeout", type=seconds, metavar="S", help="wall-clock limit of one run in s")
    add_quiet(parser)


def add_dialect(parser: argparse.ArgumentParser) -> None:
    """--dialect of a netlist that is read."""
    parser.add_argument(
        "--dialect",
        default="auto",
        metavar="D",
        help="whose netlist it is: ngspice, ltspice, xyce, hspice, pspice, or ngspice@46 for newer ones; default: "
        "found by its words, or by 'dialect: ltspice' in its first line",
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
