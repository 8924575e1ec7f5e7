"""What a law text says about one parameter: value, unit, rules. "typical 16k ohm, > r_on"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError, LawError, QuantityError
from spicebridge.expressions.dimensions import Dimension, Unit, format_dimension, parse_physical, parse_unit

T = TypeVar("T")
_RULE = re.compile(r"(>=|<=|>|<|\+-)\s*(\S+)\s*\Z")
_HOLDS: dict[str, Callable[[Array, Array], Array]] = {
    ">": lambda x, y: np.asarray(x > y),
    ">=": lambda x, y: np.asarray(x >= y),
    "<": lambda x, y: np.asarray(x < y),
    "<=": lambda x, y: np.asarray(x <= y),
    "+-": lambda x, y: np.asarray(np.abs(x) == y),
}
_WORDS = {">": "exceed", ">=": "be at least", "<": "be below", "<=": "be at most"}
_AGAINST_ZERO = {
    ">": "must be positive",
    ">=": "must not be negative",
    "<": "must be below 0",
    "<=": "must be at most 0",
}


@dataclass(frozen=True)
class Rule:
    """`sign` is one of > >= < <= and "+-" (of that size); `bound` a number or the name of a parameter."""

    sign: str
    bound: float | str

    def say(self, bound: float) -> str:
        """The rule in words, for a bound of this value."""
        if self.sign == "+-":
            return f"must be +{bound:g} or -{bound:g}"
        if self.bound == 0.0:
            return _AGAINST_ZERO[self.sign]
        name = f"`{self.bound}` " if isinstance(self.bound, str) else ""
        return f"must {_WORDS[self.sign]} {name}{bound:g}"

    def holds(self, value: Array, bound: ArrayLike) -> Array:
        """Where `value` keeps it."""
        return _HOLDS[self.sign](value, np.asarray(bound, float))


@dataclass(frozen=True, kw_only=True)
class ParameterRule:
    """One parameter of a law.

    `default` is in SI; with `typical` it stands in model files and examples only, and a device must name its own.
    `unit` is None where none is stated: then it is what the formulas imply.
    """

    name: str
    default: float
    unit: Unit | None = None
    typical: bool = False
    rules: tuple[Rule, ...] = ()

    def value(self, given: object, implied: Callable[[str], Dimension | None]) -> object:
        """A value as the author of a network gives it, in SI: numbers stay, (16, "kohm") and "16k ohm" are read.

        `implied` gives the dimension where none is stated. Raises `DeviceError` for a unit of another dimension.
        """
        if isinstance(given, str) and " " in given.strip():
            given, unit = _read(parse_physical, given, self.name)
        elif isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], str):
            unit = _read(parse_unit, given[1], self.name)
            given = np.asarray(given[0], float) * unit.factor
        else:
            return given
        wanted = self.unit.dimension if self.unit is not None else implied(self.name)
        if wanted is not None and unit.text != "1" and unit.dimension != wanted:
            raise DeviceError(f"`{self.name}` is in {unit_text(self, wanted)}, not in {unit.text}")
        return given


def _read(read: Callable[[str], T], text: str, name: str) -> T:
    try:
        return read(text)
    except QuantityError as error:
        raise DeviceError(f"`{name}`: {error}") from None


def read_parameter(law: str, name: str, given: object) -> ParameterRule:
    """From a number, (value, "unit") or "[typical] value unit[, rule]…". Raises `LawError`."""

    def fail(why: str) -> LawError:
        return LawError(f"law {law}: parameter `{name}`: {why}")

    if not re.fullmatch(r"[A-Za-z]\w*", name):
        raise fail("a name is letters, digits and _, and begins with a letter")
    try:
        if isinstance(given, (int, float)) and not math.isfinite(given):
            raise fail(f"{given} must be finite")
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return ParameterRule(name=name, default=float(given))
        if isinstance(given, (tuple, list)) and len(given) == 2 and isinstance(given[1], str):
            unit = parse_unit(given[1])
            return ParameterRule(name=name, default=float(given[0]) * unit.factor, unit=unit)
        if not isinstance(given, str):
            raise fail(f"must be a number, (value, unit) or text such as '100 ohm, > 0', not {given!r}")
        head, *rules = (part.strip() for part in given.split(","))
        typical = head.startswith("typical ")
        value, unit = parse_physical(head.removeprefix("typical "))
        stated = " " in head.removeprefix("typical ").strip()
    except LawError:
        raise
    except (QuantityError, ValueError, TypeError) as error:
        raise fail(str(error)) from None
    return ParameterRule(
        name=name,
        default=value,
        unit=unit if stated else None,
        typical=typical,
        rules=tuple(_rule(r, fail) for r in rules),
    )


def _rule(text: str, fail: Callable[[str], LawError]) -> Rule:
    found = _RULE.match(text)
    if found is None:
        raise fail(f"{text!r} is no rule; write '> 0', '>= 1', '< 1', '> r_on' or '+- 1'")
    try:
        return Rule(found[1], float(found[2]))
    except ValueError:
        return Rule(found[1], found[2])


def check_rules(kind: str, rules: Mapping[str, ParameterRule], values: Mapping[str, Array]) -> None:
    """Raise `DeviceError` naming kind, parameter, entry and rule for the first value that breaks one."""
    for name, parameter in rules.items():
        value = values[name]
        for rule in parameter.rules:
            bound = values[rule.bound] if isinstance(rule.bound, str) else np.asarray(rule.bound)
            ok, shown, limit = np.broadcast_arrays(rule.holds(value, bound), value, bound)
            if ok.all():
                continue
            k = int(np.argmin(ok))
            entry = f", entry {k}" if ok.ndim else ""
            raise DeviceError(f"{kind}{entry}: `{name}` {shown.flat[k]:g} {rule.say(float(limit.flat[k]))}")


def unit_text(parameter: ParameterRule, implied: Dimension | None = None) -> str:
    """The unit for people: stated, else implied by the formulas, else ''."""
    if parameter.unit is not None:
        return parameter.unit.text
    return "" if implied is None else format_dimension(implied)
