"""A curve the size of a word."""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array

POINTS = 40
WIDTH, HEIGHT = 120, 22


def sparkline(t: Array, values: Array) -> str:
    """The points of a polyline in a box of `WIDTH` by `HEIGHT`."""
    rows = np.unique(np.linspace(0, t.size - 1, min(t.size, POINTS)).round().astype(int))
    low, span = float(values.min()), float(np.ptp(values)) or 1.0
    x = (t[rows] - t[0]) / (float(np.ptp(t)) or 1.0) * WIDTH
    y = HEIGHT - 1 - (values[rows] - low) / span * (HEIGHT - 2)
    return " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True))
