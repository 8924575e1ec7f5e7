"""Brackets and terms of an expression that is still text."""

from __future__ import annotations

import re
from collections.abc import Iterator


def at_depth_zero(text: str) -> Iterator[tuple[int, str]]:
    """Offset and sign of everything outside of brackets."""
    depth = 0
    for k, c in enumerate(text):
        depth -= c in ")]"
        if depth == 0 and c not in "()[]":
            yield k, c
        depth += c in "(["


def closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` closes."""
    depth = 0
    for k in range(start, len(text)):
        depth += (text[k] == "(") - (text[k] == ")")
        if depth == 0:
            return k
    return len(text)


def terms(text: str) -> list[tuple[str, str]]:
    """The terms of a sum with their signs."""
    cuts = [k for k, c in at_depth_zero(text) if c in "+-" and _is_sum(text, k)]
    if not cuts or text[: cuts[0]].strip():
        cuts = [-1, *cuts]
    ends = [*cuts[1:], len(text)]
    return [(text[a] if a >= 0 else "+", text[a + 1 : b].strip()) for a, b in zip(cuts, ends, strict=True)]


def _is_sum(text: str, k: int) -> bool:
    """Whether a sign joins terms: not that of an exponent of ten, nor of a factor."""
    before = text[:k].rstrip()
    return not re.search(r"(?<![\w.])(\d+\.?\d*|\.\d+)[eE]$", text[:k]) and not before.endswith(("*", "/", "(", ","))
