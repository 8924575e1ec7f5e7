"""Dotted keys into the data of a case: ``device.r_off``, ``device[1].alpha``, ``network.args[0]``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from spicebridge.case.located_toml import KeyPath
from spicebridge.errors import CampaignError

_PART = re.compile(r"([A-Za-z0-9_-]+)((?:\[\d+\])*)")
_INDEX = re.compile(r"\[(\d+)\]")


def parse_key(text: str) -> KeyPath:
    """``("device", 1, "alpha")`` of ``device[1].alpha``. Raises `CampaignError`."""
    path: list[str | int] = []
    for part in text.split("."):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise CampaignError(f"{text!r} is no key of a case; write it like device.r_off or device[0].r_off")
        path.append(match[1])
        path += [int(index) for index in _INDEX.findall(match[2])]
    return tuple(path)


def format_key(path: KeyPath) -> str:
    """The inverse of `parse_key`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def has_key(data: object, path: KeyPath) -> bool:
    """Whether there is anything at `path`."""
    for part in path:
        if isinstance(part, int):
            if not isinstance(data, list) or part >= len(data):
                return False
            data = data[part]
        elif isinstance(data, Mapping) and part in data:
            data = data[part]
        else:
            return False
    return True


def with_value(data: object, path: KeyPath, value: object) -> object:
    """A copy of `data` with `value` at `path`; what is not on the path is shared with `data`.

    Tables that are missing on the way are made. Raises `CampaignError` where a list has no such entry or
    a value has no keys.
    """
    return _with(data, path, 0, value)


def _with(data: object, path: KeyPath, depth: int, value: object) -> object:
    if depth == len(path):
        return value
    part = path[depth]
    if isinstance(part, int):
        if not isinstance(data, list):
            raise CampaignError(f"{format_key(path[:depth])} is no list in the base case; remove [{part}]")
        if part >= len(data):
            raise CampaignError(
                f"{format_key(path[: depth + 1])} does not exist: the list has {len(data)} entries, counted from 0"
            )
        return [*data[:part], _with(data[part], path, depth + 1, value), *data[part + 1 :]]
    if isinstance(data, list):
        head = format_key(path[:depth])
        raise CampaignError(f"{head} is a list of {len(data)} in the base case; write {head}[0].{part}")
    if not isinstance(data, Mapping):
        raise CampaignError(
            f"{format_key(path[:depth])} is {data!r} in the base case and has no key {part!r}; sweep it as a whole, "
            "or make it a table in the case"
        )
    return {**data, part: _with(data.get(part, {}), path, depth + 1, value)}
