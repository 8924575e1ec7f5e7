"""GW Instek GDS: a preamble that ends in "Waveform Data", then one value a row, or a time and a value."""

from __future__ import annotations

import numpy as np

from spicebridge.errors import TableError
from spicebridge.lab.measure.oscilloscopes.preamble import evenly, part, with_times
from spicebridge.tables.delimited import samples
from spicebridge.tables.table import Table
from spicebridge.tables.text import number


def matches(text: str) -> bool:
    """By "Memory Length" and "Waveform Data"."""
    head = text[:4000].lower()
    return "memory length" in head and "waveform data" in head


def read(text: str, source: str) -> Table:
    """Raises `TableError`."""
    parted = part(text, source)
    channel = next((c for c in parted.cells("source") or () if c), "")
    unit = next((c for c in parted.cells("vertical units") or () if c), "")
    if not channel or not unit:
        raise TableError(f"{source}: the preamble must say Source and Vertical Units; save the file with its preamble")
    body = [(n, [cell for cell in row if cell.strip()]) for n, row in parted.body]
    parted = type(parted)(source, parted.meta, parted.head, body)
    if all(len(row) == 2 for _, row in body):
        data, over = samples(source, body, ["time", channel])
        step = float(np.median(np.diff(data[:, 0])))
        if abs(step - parted.value("sampling period")) > 1e-2 * step:
            raise TableError(f"{source}: samples are {step:.4g} s apart, the preamble says another Sampling Period")
        return with_times(source, data[:, 0], data[:, 1:], [channel], [unit], over)
    if all(float(number(cell) or 0.0).is_integer() for _, row in body for cell in row):
        raise TableError(
            f"{source}: holds counts of the converter (Fast CSV), whose step is not in the file; save a detailed CSV"
        )
    table = evenly(
        source, 0.0, parted.value("sampling period"), [channel], [unit], parted, parted.value("memory length")
    )
    return table.with_note("times count from the first sample: the file does not say where the trigger was")
