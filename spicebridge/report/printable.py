"""Text of strangers that is fit to be printed."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` without control characters, which could steer a terminal, and without lone surrogates.

    Titles, node names and logs come from strangers; line feeds and tabs stay.
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`printable` text on one line."""
    return " ".join(printable(text).split())
