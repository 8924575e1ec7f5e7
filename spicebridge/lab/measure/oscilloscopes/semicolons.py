"""sigrok (PulseView) and Scopy: comments that begin with a semicolon, then columns parted by commas."""

from __future__ import annotations

import re

from spicebridge.errors import TableError
from spicebridge.tables.delimited import read_delimited
from spicebridge.tables.names import parse_unit
from spicebridge.tables.table import Table

_CHANNELS = re.compile(r"(?m)^;\s*Channels\s*\([^)]*\)\s*:\s*(.+)$")


def matches(text: str) -> bool:
    """By a comment that begins with a semicolon and names libsigrok or Scopy."""
    return bool(re.search(r"(?m)^;.*(libsigrok|sigrok|scopy)", text[:2000], re.IGNORECASE))


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    lines = ["#" + line if line.lstrip().startswith(";") else line for line in text.splitlines()]
    first = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None:
        raise TableError(f"{source}: holds comments only")
    cells = [cell.strip() for cell in lines[first].split(",")]
    if all(parse_unit(cell) is not None for cell in cells):
        # the label "units" of sigrok: its names stand in a comment
        found = _CHANNELS.search(text)
        names = [name.strip() for name in found[1].split(",")] if found else []
        if len(names) != len(cells) - 1:
            raise TableError(f"{source}: the comment 'Channels' must name the {len(cells) - 1} columns behind the time")
        lines[first] = ",".join(["time", *names])
        lines.insert(first + 1, ",".join(cells))
    return read_delimited("\n".join(lines), source)
