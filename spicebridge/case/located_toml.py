"""TOML that remembers its lines: every complaint about a case names file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import CaseError, QuantityError, SpiceBridgeError, closest, nearest
from spicebridge.quantities import parse_quantity

KeyPath = tuple[str | int, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_PART}(?:[ \t]*\.[ \t]*{_PART})*)[ \t]*\]")
_KEY = re.compile(rf"[ \t]*({_PART}(?:[ \t]*\.[ \t]*{_PART})*)[ \t]*=")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' r"'''.*?'''|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'|\#[^\n]*|[\[\]{}\n]", re.DOTALL
)
_REQUIRED = object()


def key_lines(text: str) -> dict[KeyPath, int]:
    """Map ``("network", "edges")`` or ``("device", 0, "r_on")`` to its line, counted from 1.

    `text` is valid TOML. Keys inside inline tables have the line of their outermost key.
    """
    lines: dict[KeyPath, int] = {}
    tables: dict[KeyPath, int] = {}
    prefix: KeyPath = ()
    for start in _statements(text):
        line = text.count("\n", 0, start) + 1
        if header := _HEADER.match(text, start):
            brackets, parts = header.group(1), _parts(header.group(2))
            prefix = ()
            for depth, part in enumerate(parts, start=1):
                prefix = (*prefix, part)
                if brackets == "[[" and depth == len(parts):
                    lines.setdefault(prefix, line)
                    tables[prefix] = tables.get(prefix, -1) + 1
                if prefix in tables:
                    prefix = (*prefix, tables[prefix])
            lines.setdefault(prefix, line)
        elif key := _KEY.match(text, start):
            path = prefix
            for part in _parts(key.group(1)):
                path = (*path, part)
                lines.setdefault(path, line)
    return lines


def _statements(text: str) -> Iterator[int]:
    """Where a line begins that is no continuation of a string, an array or a table."""
    yield 0
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in ("[", "{"):
            depth += 1
        elif mark in ("]", "}"):
            depth -= 1
        elif mark == "\n" and depth == 0:
            yield token.end()


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_PART, dotted)]


@dataclass(frozen=True)
class CaseSource:
    """A case text and its name in messages.

    `elsewhere` holds keys whose values came from another file, such as a sweep, and their "file:line".
    """

    name: str
    text: str
    lines: Mapping[KeyPath, int]
    elsewhere: Mapping[KeyPath, str] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """``file:line`` of a key."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.elsewhere:
                return self.elsewhere[path[:length]]
        return f"{self.name}:{self.locate(path)}"

    def locate(self, path: KeyPath) -> int:
        """The line of the longest known beginning of `path`."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


def parse(text: str, name: str) -> Section:
    """Read TOML. Raises `CaseError` with file and line for broken syntax."""
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise CaseError(f"{name}: lists or tables are nested too deeply to be a case") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        reason = re.sub(r"\s*\(at [^)]*\)$", "", str(error))
        raise CaseError(f"{name}:{line}: not valid TOML: {reason}") from None
    return Section(CaseSource(name, text, key_lines(text)), data)


@dataclass(frozen=True)
class Section:
    """A table of the file with typed readers; each raises `CaseError` that names file, line and key."""

    source: CaseSource
    data: Mapping[str, object]
    path: KeyPath = field(default=())

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def fail(self, key: str | None, message: str) -> NoReturn:
        """Raise `CaseError` at `key` of this section, or at the section."""
        raise CaseError(f"{self._where(key)}{self.dotted(key)}: {message}")

    def _where(self, key: str | None) -> str:
        path = self.path if key is None else (*self.path, key)
        return f"{self.source.where(path)}: "

    def dotted(self, key: str | None = None) -> str:
        """``network.edges`` or ``device[1].r_on``."""
        name = ""
        for part in self.path if key is None else (*self.path, key):
            name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
        return name or "case"

    @contextmanager
    def located(self, key: str | None = None) -> Iterator[None]:
        """Give any `SpiceBridgeError` of the body file and line.

        Without `key`, the line is that of the first key of this section that the message mentions.
        """
        try:
            yield
        except CaseError:
            raise
        except SpiceBridgeError as error:
            self.fail(key or self._mentioned(str(error)), str(error))

    def _mentioned(self, message: str) -> str | None:
        words = re.findall(r"\w+", message)
        return next((word for word in words if word in self.data), None)

    def known(self, keys: Iterable[str], *, elsewhere: Mapping[str, Iterable[str]] | None = None) -> None:
        """Refuse any other key. `elsewhere` {table: its keys} is where a key that stands here may belong."""
        keys = tuple(keys)
        homes = {
            name: f"[{table}]" if table else "the top" for table, names in (elsewhere or {}).items() for name in names
        }
        homes = {name: home for name, home in homes.items() if name not in keys}
        for key in self.data:
            if key in keys:
                continue
            meant = closest(key, (*keys, *homes))
            if meant in homes:
                self.fail(
                    key, f"unknown key{'' if meant == key else nearest(key, [meant])}; it belongs in {homes[meant]}"
                )
            self.fail(key, f"unknown key{nearest(key, keys)}; known here: {', '.join(keys)}")

    def get(self, key: str, default: object = _REQUIRED) -> object:
        """The raw value of `key`."""
        if key in self.data:
            return self.data[key]
        if default is _REQUIRED:
            self.fail(None, f"{key!r} is missing; add {key} = …")
        return default

    def section(self, key: str) -> Section:
        """The table `key`; empty when it is absent."""
        value = self.data.get(key, {})
        if not isinstance(value, Mapping):
            self.fail(key, f"{value!r} must be a table")
        return Section(self.source, value, (*self.path, key))

    def sections(self, key: str) -> list[Section]:
        """The table `key` as a list of one, or the array of tables; empty when it is absent."""
        value = self.data.get(key, [])
        if isinstance(value, Mapping):
            return [self.section(key)]
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            self.fail(key, f"{value!r} must be a table [{key}] or tables [[{key}]]")
        return [Section(self.source, entry, (*self.path, key, k)) for k, entry in enumerate(value)]

    def word(self, key: str, default: object = _REQUIRED, *, among: Iterable[str] = ()) -> str:
        """A non-empty string, one of `among` if that is given."""
        value = self.get(key, default)
        if not isinstance(value, str) or not value.strip():
            self.fail(key, f"{value!r} must be a non-empty string")
        choices = tuple(among)
        if choices and value not in choices:
            self.fail(key, f"{value!r} must be one of {', '.join(choices)}{nearest(value, choices)}")
        return value

    def whole(self, key: str, default: object = _REQUIRED, *, least: int) -> int:
        """A whole number of at least `least`."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fail(key, f"{value!r} must be a whole number of at least {least}")
        return value

    def positive(self, key: str, default: object = _REQUIRED, *, unit: str) -> float:
        """A positive number in `unit`, or its text with a suffix."""
        value = self._quantity(key, self.get(key, default), unit)
        if value <= 0:
            self.fail(key, f"{value:g} must be positive")
        return value

    def array(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self.get(key)
        if not isinstance(value, list):
            self.fail(key, f"{value!r} must be a list")
        return value

    def numbers(self, key: str, unit: str | None = None) -> list[float]:
        """A list of numbers in `unit`."""
        return [self._quantity(key, entry, unit, k) for k, entry in enumerate(self.array(key))]

    def per_edge(self, key: str, count: int, unit: str | None = None) -> float | Array:
        """One number, `count` numbers, or ``{random = [low, high], seed = k}``: `count` uniform draws; in `unit`."""
        value = self.get(key)
        if isinstance(value, Mapping):
            inner = self.section(key)
            rng = inner.generator()
            bounds = inner.numbers("random", unit)
            if len(bounds) != 2 or bounds[0] > bounds[1]:
                inner.fail("random", f"{bounds} must be [low, high]")
            return rng.uniform(bounds[0], bounds[1], count)
        if not isinstance(value, list):
            return self._quantity(key, value, unit)
        if len(value) != count:
            remedy = "give one number, one per edge, or {random = [low, high], seed = 1}"
            self.fail(key, f"{len(value)} values for {count} edges; {remedy}")
        return np.array(self.numbers(key, unit))

    def generator(self, *keys: str) -> np.random.Generator:
        """The random numbers of a table with ``random`` (or `keys`) and a mandatory ``seed``."""
        self.known((*(keys or ("random",)), "seed"))
        if "seed" not in self:
            self.fail(None, "'seed' is missing; add seed = 1, so that every run draws the same numbers")
        return np.random.default_rng(self.whole("seed", least=0))

    def _quantity(self, key: str, value: object, unit: str | None, entry: int | None = None) -> float:
        try:
            what = self.dotted(key) + ("" if entry is None else f"[{entry}]")
            return parse_quantity(value, what=what, unit=unit)
        except QuantityError as error:
            raise CaseError(f"{self._where(key)}{error}") from None
