"""A file of an instrument -> `Table`: by the reader whose marks it has, else as any table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from spicebridge.lab.measure.oscilloscopes import (
    gwinstek,
    hantek,
    infiniium,
    lecroy,
    owon,
    picoscope,
    rigol,
    semicolons,
    siglent,
    tektronix,
)
from spicebridge.tables import Table, read_table
from spicebridge.tables.delimited import read_delimited
from spicebridge.tables.read import READERS as FORMATS
from spicebridge.tables.text import read_text


class Reader(NamedTuple):
    """`matches` looks at the text only, `read(text, source)` raises `TableError`."""

    name: str
    matches: Callable[[str], bool]
    read: Callable[[str, str], Table]


READERS = (
    Reader("Rigol", rigol.matches, rigol.read),
    Reader("LeCroy", lecroy.matches, lecroy.read),
    Reader("GW Instek", gwinstek.matches, gwinstek.read),
    Reader("Hantek", hantek.matches, hantek.read),
    Reader("sigrok, Scopy", semicolons.matches, semicolons.read),
    Reader("OWON", owon.matches, owon.read),
    Reader("Keysight Infiniium", infiniium.matches, infiniium.read),
    Reader("PicoScope", picoscope.matches, picoscope.read),
    Reader("Siglent", siglent.matches, siglent.read),
    Reader("Tektronix", tektronix.matches, tektronix.read),
)
"""In the order they are asked. Keysight InfiniiVision, Rohde & Schwarz, Digilent and the later Rigol name time, channels
and units in a header and need none."""


def read_oscilloscope(path: str | Path) -> Table:
    """Read what an instrument saved. Raises `TableError`."""
    source = Path(path)
    if source.suffix.lower() in FORMATS or source.is_dir():
        return read_table(source)
    text = read_text(source)
    # a last row without its end may have been cut within a number
    rows = text.splitlines()
    usual = max((len(row) for row in rows[-50:-1]), default=0)
    ended = text.endswith(("\n", "\r")) or not rows or len(rows[-1]) >= usual
    whole = text if ended else text[: text.rfind("\n") + 1]
    read = next((reader.read for reader in READERS if reader.matches(whole)), read_delimited)
    table = read(whole, str(source))
    return table if whole is text else table.with_note("the last row has no end and is left out")
