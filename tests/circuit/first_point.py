"""Run a deck on ngspice and return the first point; for tests that ask the simulator what text means."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from spicebridge.tables.raw_file import read_raw


def first_point(text: str, folder: Path) -> dict[str, float]:
    """The first row of the transient of `text`, by lower-case vector name."""
    names, data = transient(text, folder)
    return dict(zip(names, data[0].tolist(), strict=True))


def transient(text: str, folder: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """All rows of the transient of `text`; fails the test if ngspice leaves none."""
    deck, raw = folder / "deck.cir", folder / "out.raw"
    deck.write_text(text, encoding="utf-8")
    raw.unlink(missing_ok=True)
    done = subprocess.run(
        ["ngspice", "-n", "-b", "-r", str(raw), str(deck)], capture_output=True, text=True, timeout=300
    )
    assert raw.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    plot = read_raw(raw)[-1]
    assert plot.data.shape[0] > 0, done.stdout[-2000:] + done.stderr[-2000:]
    return plot.names, np.array(plot.data)
