"""The axes of a sweep: values as lists or ranges, alone or several keys moving together."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from spicebridge.campaign.dotted import format_key, parse_key
from spicebridge.case.located_toml import KeyPath, Section
from spicebridge.errors import CampaignError, QuantityError
from spicebridge.quantities import parse_quantity

REPEAT = "repeat"
"""The axis of repetitions with fresh random draws; no key of a case."""

RUN_KEYS = ("engine", "form", "step", "tolerance")
"""Keys of a sweep that say how a point is run; all others are keys of the case."""

RANGE = ("from", "to", "count", "step", "spacing")
SPACINGS = ("linear", "log")

DIGITS = 12
"""Significant digits of the values of a range, so that a refined range meets the values of the coarse one."""

MOST_VALUES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Keys that move together, and the places they go through: ``places[k][j]`` is the value of ``keys[j]``.

    `where` are the "file:line" of the keys, `paths` where they are in the case (empty for `RUN_KEYS` and
    repetitions).
    """

    keys: tuple[str, ...]
    paths: tuple[KeyPath, ...]
    places: tuple[tuple[object, ...], ...]
    where: tuple[str, ...]
    logarithmic: bool = False

    def __len__(self) -> int:
        return len(self.places)


def read_axes(root: Section) -> tuple[Axis, ...]:
    """The axes of ``[sweep]``, one a key, and of every ``[[zip]]``, one a table."""
    axes = _columns(root.section("sweep"))
    axes += [_zipped(block) for block in root.sections("zip")]
    seen: dict[KeyPath, str] = {}
    for axis in axes:
        for key, path, where in zip(axis.keys, axis.paths, axis.where, strict=True):
            place = path or (key,)
            for other, line in seen.items():
                if place[: len(other)] == other or other[: len(place)] == place:
                    raise CampaignError(
                        f"{where}: {key}: {format_key(other)} is swept already at {line}; sweep one of them"
                    )
            seen[place] = where
    return tuple(axes)


def _zipped(block: Section) -> Axis:
    columns = _columns(block)
    if not columns:
        block.fail(None, "has no keys; name the keys that move together, each with as many values")
    first = columns[0]
    for other in columns[1:]:
        if len(other) != len(first):
            raise CampaignError(
                f"{other.where[0]}: {block.dotted()}.{other.keys[0]}: {len(other)} values, but {first.keys[0]} beside "
                f"it has {len(first)}; keys that move together need as many values each, or belong into [sweep]"
            )
    return Axis(
        keys=tuple(column.keys[0] for column in columns),
        paths=tuple(column.paths[0] for column in columns),
        places=tuple(sum(row, ()) for row in zip(*(column.places for column in columns), strict=True)),
        where=tuple(column.where[0] for column in columns),
        logarithmic=first.logarithmic,
    )


def _columns(section: Section, outer: str = "") -> list[Axis]:
    """An axis for every key; bare dotted keys arrive as nested tables."""
    out: list[Axis] = []
    for name, value in section.data.items():
        key = f"{outer}.{name}" if outer else name
        if isinstance(value, Mapping) and not set(value) & set(RANGE):
            if not value:
                section.fail(name, f"has no values; write {key} = [1, 2] or {{from = 1, to = 2, count = 2}}")
            out += _columns(section.section(name), key)
            continue
        where = section.source.where((*section.path, name))
        try:
            path = () if key in RUN_KEYS else parse_key(key)
        except CampaignError as error:
            section.fail(name, str(error))
        values, logarithmic = _values(section, name)
        places = tuple((value,) for value in values)
        out.append(Axis(keys=(key,), paths=(path,), places=places, where=(where,), logarithmic=logarithmic))
    return out


def _values(section: Section, name: str) -> tuple[list[object], bool]:
    value = section.get(name)
    if isinstance(value, Mapping):
        return _range(section.section(name))
    if not isinstance(value, list):
        section.fail(name, f"{value!r} must be a list of values, or a range {{from = 1, to = 2, count = 2}}")
    if not value:
        section.fail(name, "has no values; a sweep over nothing has no points, so give at least one")
    seen = set()
    for entry in value:
        mark = canonical(entry) if _plain(entry) else None
        if mark is None:
            section.fail(name, f"{entry!r} is no value; use finite numbers, text, true or false, lists or tables")
        if mark in seen:
            section.fail(name, f"{entry!r} is given twice; once is enough (for repetitions see [random])")
        seen.add(mark)
    return list(value), False


def _plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_plain(entry) for entry in value.values())
    if isinstance(value, list):
        return all(_plain(entry) for entry in value)
    return isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value))


def _range(section: Section) -> tuple[list[object], bool]:
    section.known(RANGE)
    spacing = section.word("spacing", "linear", among=SPACINGS)
    low, high = (_number(section, key) for key in ("from", "to"))
    if ("count" in section) == ("step" in section):
        section.fail(None, "needs count or step, and not both")
    if "step" in section:
        if spacing == "log":
            section.fail("step", "goes with linear spacing only; give count")
        step = _number(section, "step")
        if step == 0 or (high - low) / step < 0:
            section.fail("step", f"{step!r} does not lead from {low!r} to {high!r}")
        count = math.floor(float(f"{(high - low) / step:.{DIGITS}g}")) + 1
        _bound(section, "step", count)
        return [_rounded(low + k * step) for k in range(count)], False
    count = section.whole("count", least=1)
    _bound(section, "count", count)
    if count == 1:
        if low != high:
            section.fail("count", f"1 value cannot reach from {low!r} to {high!r}; give at least 2")
        return [low], False
    if low == high:
        section.fail("to", f"{high!r} equals from; {count} values cannot differ")
    if spacing == "linear":
        steps = [low + (high - low) * k / (count - 1) for k in range(count)]
        return [low, *(_rounded(value) for value in steps[1:-1]), high], False
    for key, value in (("from", low), ("to", high)):
        if value <= 0:
            section.fail(key, f"{value!r} must be positive for logarithmic spacing")
    ratio = math.log(high / low) / (count - 1)
    return [low, *(_rounded(low * math.exp(ratio * k)) for k in range(1, count - 1)), high], True


def _bound(section: Section, key: str, count: int) -> None:
    if count > MOST_VALUES:
        section.fail(key, f"makes {count} values; at most {MOST_VALUES} are taken")


def _number(section: Section, key: str) -> float:
    """A finite number; whole numbers stay whole."""
    value = section.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return parse_quantity(value, what=section.dotted(key), unit="1")
    except QuantityError as error:
        section.fail(key, str(error))


def _rounded(value: object) -> object:
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")


def canonical(value: object) -> str:
    """One text for equal values: sorted keys, whole numbers without a point."""
    return json.dumps(_whole(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _whole(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _whole(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(entry) for entry in value]
    return value


def format_value(value: object) -> str:
    """A value as people read it: 1.6k stays as it was typed, tables are one line of JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False)


def as_number(value: object) -> float | None:
    """The number that a value is, with SPICE suffixes; None for words, tables and truth values."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(parse_quantity(value, what="value"))
    except QuantityError:
        return None
