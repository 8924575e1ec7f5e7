"""Rewrite the golden and conformance decks: ``python -m netlists.regenerate``.

Read the difference before you commit it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from netlists.conformance_deck import conformance_files
from netlists.golden import HERE, golden_decks


def write_all() -> list[Path]:
    """Write every file that differs from what it must hold; return those."""
    changed = []
    for path, text in [*golden_decks(), *conformance_files()]:
        data = text.encode("utf-8")
        if path.exists() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        changed.append(path)
    return changed


if __name__ == "__main__":
    for written in write_all():
        sys.stdout.write(f"{written.relative_to(HERE)}\n")
