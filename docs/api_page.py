"""The page of the Python interface, one entry for every public name: docs/api.md.

python docs/api_page.py > docs/api.md        (make devices)
"""

from __future__ import annotations

import sys
import types

import spicebridge

HEAD = """\
# Python interface

The names of `spicebridge` (written `sb` in the examples), as their docstrings say it. What no page names is internal and
may change.
"""


def format_api() -> str:
    """The page as Markdown, with a directive of mkdocstrings for every name."""
    parts = [HEAD]
    for name in sorted(spicebridge.__all__, key=str.lower):
        thing = getattr(spicebridge, name)
        place = thing.__name__ if isinstance(thing, types.ModuleType) else f"{thing.__module__}.{name}"
        parts.append(f"## {name}\n\n::: {place}\n    options:\n      show_root_heading: false\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(format_api())
