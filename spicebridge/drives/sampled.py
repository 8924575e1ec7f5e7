"""Times and values of a waveform that somebody sampled, or that is a function."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spicebridge.errors import DriveError, QuantityError
from spicebridge.quantities import parse_quantity

FIRST_SAMPLES = 256
NARROWEST = 1e-7
"""Part of the span: a function that is not straight over so short a time is taken to jump."""
_UNIT = re.compile(r"(.*?)\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]\s*\Z")
_TIMES = ("t", "time")


def read_samples(path: Path, time: int, column: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(times in s, values) from the columns at these positions. Raises `DriveError`."""
    pairs: list[tuple[float, float]] = []
    scale: tuple[float, float] | None = None
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            for line, row in enumerate(csv.reader(handle), start=1):
                if not row or row[0].lstrip().startswith("#"):
                    continue
                try:
                    pairs.append((float(row[time]), float(row[column])))
                except (ValueError, IndexError):
                    if scale is None and not pairs:
                        scale = _scales(path, row, time, column)
                        continue
                    raise DriveError(
                        f"{path}:{line}: {','.join(row)!r} has no numbers in columns {time} and {column}; one sample a "
                        "row: time in s, value in V"
                    ) from None
    except OSError as error:
        raise DriveError(f"{path}: cannot read the sampled waveform: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DriveError(f"{path}: not a text file; give CSV with time and value") from None
    by_time, by_value = scale or (1.0, 1.0)
    return tuple(t * by_time for t, _ in pairs), tuple(v * by_value for _, v in pairs)


def _scales(path: Path, header: list[str], time: int, column: int) -> tuple[float, float]:
    """What the numbers of both columns are multiplied by, from the units in their headings."""
    found = [_UNIT.match(cell) for cell in header]
    names = [(match[1] if match else cell).strip().lower() for match, cell in zip(found, header, strict=True)]
    called = [k for k, name in enumerate(names) if name in _TIMES]
    if called and time not in called:
        raise DriveError(f"{path}: the time is column {called[0]}, not {time}; say time = {called[0]} and column")
    out = []
    for k, unit in ((time, "s"), (column, "V or A")):
        match = found[k] if k < len(found) else None
        try:
            out.append(parse_quantity(f"1 {match[2]}", what=f"{path}: {header[k]}", unit=unit) if match else 1.0)
        except QuantityError as error:
            raise DriveError(str(error)) from None
    return out[0], out[1]


def sample_function(
    f: Callable[[float], float], end: float, tolerance: float, most: int
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """(times, values, largest difference seen) of lines that meet f to `tolerance` of its range on [0, end]."""
    if not end > 0.0:
        raise DriveError(f"PWL.from_function: stop {end:g} must be positive")

    def at(t: float) -> float:
        value = f(t)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise DriveError(f"PWL.from_function: the function gives {value!r} at t = {t:g} s, no number") from None
        if not math.isfinite(number):
            raise DriveError(f"PWL.from_function: the function gives {number} at t = {t:g} s")
        return number

    times = np.linspace(0.0, end, FIRST_SAMPLES + 1)
    values = np.array([at(t) for t in times.tolist()])
    worst = 0.0
    unknown = np.ones(FIRST_SAMPLES, dtype=bool)
    while unknown.any():
        left = np.flatnonzero(unknown)
        quarters = times[left, None] + np.diff(times)[left, None] * np.array([0.25, 0.5, 0.75])
        seen = np.array([[at(t) for t in row] for row in quarters.tolist()])
        error = np.abs(seen - np.interp(quarters, times, values)).max(axis=1)
        limit = tolerance * (float(max(values.max(), seen.max()) - min(values.min(), seen.min())) or 1.0)
        split = error > limit
        worst = max(worst, float(error[~split].max(initial=0.0)))
        after = left[split] + 1
        times, values = np.insert(times, after, quarters[split, 1]), np.insert(values, after, seen[split, 1])
        unknown[left[~split]] = False
        unknown = np.insert(unknown, after, True)
        if times.size > most or (np.diff(times)[unknown] < NARROWEST * end).any():
            raise DriveError(
                f"PWL.from_function: {times.size} samples leave {float(error.max()):.3g} V of the function, at "
                f"t = {float(times[left[int(error.argmax())]]):.6g} s; it jumps or turns too fast: give the jumps a "
                "rise time, a larger tolerance, or PWL with your own times"
            )
    return tuple(times.tolist()), tuple(values.tolist()), worst
