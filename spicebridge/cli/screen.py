"""Where commands print: the width of standard output and a plain console on it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPED = 120
"""Columns where standard output is no terminal and says nothing about its width."""


def width() -> int:
    """Columns of standard output."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return max(30, shutil.get_terminal_size().columns)
    return PIPED


def console(stream: IO[str], columns: int | None = None) -> Console:
    from rich.console import Console

    return Console(file=stream, width=columns, highlight=False, markup=False, emoji=False)
