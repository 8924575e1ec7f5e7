"""Every law that has a name, with the examples of its text: parameters, and a drive that makes it work."""

from __future__ import annotations

from typing import Any

from spicebridge.expressions.dimensions import parse_physical
from spicebridge.laws import LAWS, Law, LawDevice
from spicebridge.windows import WINDOWS

Example = tuple[LawDevice, float, float, float]


def library() -> dict[str, Example]:
    """Name -> device, amplitude (V), frequency (Hz), initial state."""
    return {name: found for word in LAWS for name, found in examples(LAWS[word]).items()}


def examples(law: object) -> dict[str, Example]:
    """The examples of a law, or one of its defaults where it gives none."""
    if not isinstance(law, Law):
        return {}
    entries = law.examples or {law.name: {}}
    return {name: _example(law, dict(entry)) for name, entry in entries.items()}


def _example(law: Law, entry: dict[str, Any]) -> Example:
    amplitude, frequency = (_number(entry.pop(key, 1.0)) for key in ("drive", "frequency"))
    initial = float(entry.pop("initial", 0.5))
    values: dict[str, object] = {key: p.default for key, p in law.parameters.items()} | dict(law.tables)
    for key, value in entry.items():
        if key == "window":
            value = WINDOWS[value]() if isinstance(value, str) else WINDOWS[value.pop("kind")](**value)
        values[key] = value
    return law(**values), amplitude, frequency, initial


def _number(given: str | float) -> float:
    return parse_physical(given)[0] if isinstance(given, str) else float(given)
