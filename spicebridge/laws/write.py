"""A law given by arguments as the text that says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spicebridge.errors import LawError

ORDER = (
    *("title", "kind", "source", "notes", "state", "resistance", "current", "rate", "decay", "window"),
    *("module", "veriloga"),
)
"""Keys that are no tables; `veriloga` is the text of the module `module` that is the law's circuit."""


def law_text(entries: Mapping[str, Any]) -> str:
    """The TOML text of a law: plain keys first, then its tables."""
    plain = [key for key in ORDER if key in entries]
    tables = [key for key in entries if key not in plain]
    lines = [f"{key} = {_value(entries[key])}" for key in plain]
    for key in tables:
        if not isinstance(entries[key], Mapping):
            raise LawError(f"law: `{key}` must be a mapping, not {entries[key]!r}")
        lines += ["", f"[{key}]", *(f"{_key(k)} = {_value(v)}" for k, v in entries[key].items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else _string(name)


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        raise LawError(f"law: {value!r} is no text, number, list or table") from None
