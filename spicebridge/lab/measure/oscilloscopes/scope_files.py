"""A file of an instrument -> `Table`: by the reader whose marks it has, else as any table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from spicebridge.lab.measure.oscilloscopes import by_interval, by_time
from spicebridge.tables import Table, read_table
from spicebridge.tables.delimited import read_delimited
from spicebridge.tables.file_formats import READERS as FORMATS
from spicebridge.tables.text import read_text


class Reader(NamedTuple):
    """`matches` looks at the text only, `read(text, source)` raises `TableError`."""

    name: str
    matches: Callable[[str], bool]
    read: Callable[[str, str], Table]


READERS = (
    Reader("Rigol", by_interval.is_rigol, by_interval.read_rigol),
    Reader("LeCroy", by_time.is_lecroy, by_time.read_lecroy),
    Reader("GW Instek", by_interval.is_gwinstek, by_interval.read_gwinstek),
    Reader("Hantek", by_interval.is_hantek, by_interval.read_hantek),
    Reader("sigrok, Scopy", by_time.is_sigrok, by_time.read_sigrok),
    Reader("OWON", by_interval.is_owon, by_interval.read_owon),
    Reader("Keysight Infiniium", by_interval.is_infiniium, by_interval.read_infiniium),
    Reader("PicoScope", by_time.is_picoscope, by_time.read_picoscope),
    Reader("Siglent", by_time.is_siglent, by_time.read_siglent),
    Reader("Tektronix", by_time.is_tektronix, by_time.read_tektronix),
)
"""In the order they are asked. Keysight InfiniiVision, Rohde & Schwarz, Digilent and the later Rigol name time,
channels and units in a header and need none."""


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
