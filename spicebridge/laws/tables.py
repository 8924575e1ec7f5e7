"""Functions given by points: straight lines between them, constant beyond the first and the last."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from spicebridge.errors import DeviceError

Points = tuple[tuple[float, float], ...]


def read_table(path: str | Path) -> Points:
    """Read ((x, y), …) from a text file with two columns, parted by commas or blanks.

    Raises `DeviceError` with file and line for anything else.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceError(f"{path}: cannot read the table: {error}") from None
    points = []
    for number, line in enumerate(lines, start=1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            s, f = (float(word) for word in words)
        except ValueError:
            raise DeviceError(f"{path}:{number}: {line.strip()!r} must be two numbers, s and f") from None
        points.append((s, f))
    return table_points(points, str(path))


def table_points(points: object, name: str) -> Points:
    """The points as pairs of floats. Raises `DeviceError` unless there are two or more and x increases."""
    try:
        if not isinstance(points, Iterable):
            raise TypeError
        array = np.array([tuple(point) for point in points], dtype=float)
    except (TypeError, ValueError):
        raise DeviceError(f"table {name}: must be a list of pairs (s, f)") from None
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] != 2:
        raise DeviceError(f"table {name}: must be a list of at least two pairs (s, f)")
    if not np.isfinite(array).all():
        raise DeviceError(f"table {name}: entries must be finite")
    if (np.diff(array[:, 0]) <= 0.0).any():
        row = int(np.argmax(np.diff(array[:, 0]) <= 0.0)) + 1
        raise DeviceError(f"table {name}: s must increase; it does not at entry {row}")
    return tuple((float(s), float(f)) for s, f in array)
