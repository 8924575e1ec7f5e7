"""The state of a law: its name, unit and range, and what a text says about them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from spicebridge.errors import LawError, QuantityError, nearest
from spicebridge.expressions.dimensions import NO_UNIT, Unit, parse_physical, parse_unit

INSIDE = ("", "range", "not negative")
"""What `inside` asks of initial states."""


@dataclass(frozen=True, kw_only=True)
class State:
    """Its name, unit, range in SI (None: no bounds) and whether it must start inside ("" or a rule in words)."""

    name: str = "s"
    unit: Unit = NO_UNIT
    low: float | None = 0.0
    high: float | None = 1.0
    inside: str = ""

    @property
    def reduced(self) -> bool:
        """Whether the program's state is another number than the law's."""
        return self.low is not None and (self.low, self.high) != (0.0, 1.0)

    @property
    def span(self) -> float:
        """high - low, 1 for a state without bounds."""
        return 1.0 if self.low is None or self.high is None else self.high - self.low


def read_state(given: object, fail: Callable[[str], LawError]) -> State:
    """The state of a name, or of a table of name, unit, range and inside; `fail` makes the error."""
    if isinstance(given, str):
        given = {"name": given}
    if not isinstance(given, Mapping) or set(given) - {"name", "unit", "range", "inside"}:
        raise fail("`state` must be a name, or a table of name, unit, range and inside")
    bounds = given.get("range", (0.0, 1.0))
    name, inside = str(given.get("name", "s")), str(given.get("inside", ""))
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        raise fail(f"`state`: name {name!r} must be letters, digits and _, and begin with a letter")
    if inside not in INSIDE:
        raise fail(f"`state`: inside {inside!r} must be one of {', '.join(INSIDE[1:])}{nearest(inside, INSIDE)}")
    if bounds != "none" and not (isinstance(bounds, (list, tuple)) and len(bounds) == 2):
        raise fail(f'`state`: range {bounds!r} must be [low, high] or "none"')
    try:
        unit = parse_unit(str(given.get("unit", "1")))
        if bounds == "none":
            return State(name=name, unit=unit, low=None, high=None, inside=inside)
        low, high = (_bound(b, unit) for b in bounds)
    except (QuantityError, TypeError, ValueError) as error:
        raise fail(f"`state`: {error}") from None
    if not (low < high and math.isfinite(high - low)):
        raise fail(f"`state`: range must be [low, high] with low < high, both finite, not {list(bounds)!r}")
    return State(name=name, unit=unit, low=low, high=high, inside=inside)


def _bound(given: str | float, unit: Unit) -> float:
    if isinstance(given, str):
        value, own = parse_physical(given)
        if own.dimension != unit.dimension:
            raise QuantityError(f"range {given!r} is not in {unit.text}")
        return value
    return float(given) * unit.factor
