"""The waveforms of a model as it once was: recorded, and held against the model as it is now.

Both carry an error bar of their own, from runs at h, h/2 and h/4:  U = max(d2, d1/4), with d1 and d2 the largest
differences of neighbouring runs. A signal moved where  max |now - then| > U(now) + U(then).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import SpiceBridgeError
from spicebridge.modelcheck.model_under_test import Subject
from spicebridge.modelcheck.result import Grade, Result
from spicebridge.waveforms import Waveforms, replacing

SIGNALS = ("state", "current", "voltage")
PERIODS, STEPS, TIMES = 2.0, 500, 401
"""Length of a recording, steps a period of its coarsest run, and its times."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Signals (TIMES,) with the error bar of each, the model's text and the drive: amplitude, frequency, start."""

    t: Array
    signals: Mapping[str, Array]
    bars: Mapping[str, float]
    text: str
    drive: Array

    def write(self, path: Path) -> None:
        """Into one .npz file, complete or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        columns: dict[str, Any] = {f"bar_{name}": np.array(value) for name, value in self.bars.items()}
        columns |= {"t": self.t, "text": np.array(self.text), "drive": self.drive, **self.signals}
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.savez_compressed(handle, **columns)


def read_recording(path: Path) -> Recording:
    """Raises `SpiceBridgeError` for a file that is none."""
    try:
        with np.load(path, allow_pickle=False) as data:
            signals = {name: np.array(data[name]) for name in SIGNALS}
            bars = {name: float(data[f"bar_{name}"]) for name in SIGNALS}
            t, drive = np.array(data["t"]), np.array(data["drive"])
            return Recording(t=t, signals=signals, bars=bars, text=str(data["text"]), drive=drive)
    except (OSError, KeyError, ValueError) as error:
        raise SpiceBridgeError(f"{path}: is no recorded model; record it again: {error}") from None


def record(subject: Subject, engine: str) -> Recording:
    """Run the model at three step ceilings. Raises `RunFailed`."""
    stop = PERIODS * subject.period
    t = np.linspace(0.0, stop, TIMES)

    def at(waves: Waveforms) -> dict[str, Array]:
        found = waves.resample(np.minimum(t, waves.t[-1]))
        return {name: np.asarray(getattr(found, name))[:, 0] for name in SIGNALS}

    rungs = [at(subject.run(engine, stop=stop, step=subject.period / (STEPS * n))) for n in (1, 2, 4)]
    bars = {}
    for name in SIGNALS:
        first, second = (float(np.abs(rungs[k][name] - rungs[k + 1][name]).max()) for k in (0, 1))
        floor = 1e-12 * float(np.abs(rungs[2][name]).max())
        bars[name] = max(second, first / 4.0) + floor
    drive = np.array([subject.amplitude, subject.frequency, subject.initial_state])
    return Recording(t=t, signals=rungs[2], bars=bars, text=subject.text, drive=drive)


def compare(subject: Subject, engine: str, path: Path) -> Result:
    """The check, under the drive of the recording: signals that moved beyond both error bars are named, the old text
    stands beside the new one."""
    then = read_recording(path)
    amplitude, frequency, initial = (float(x) for x in then.drive)
    now = record(replace(subject, amplitude=amplitude, frequency=frequency, initial_state=initial), engine)
    gaps = {s: float(np.abs(now.signals[s] - then.signals[s]).max()) for s in SIGNALS}
    bars = {s: now.bars[s] + then.bars[s] for s in SIGNALS}
    moved = [s for s in SIGNALS if gaps[s] > bars[s]]
    numbers = {f"{s}{what}": x[s] for s in SIGNALS for what, x in (("", gaps), (", U", bars))}
    texts = (then.text, now.text) if then.text != now.text else None
    if moved:
        words = ", ".join(f"{s} by {gaps[s]:.2e} (U {bars[s]:.1e})" for s in moved)
        finding = f"moved beyond U of {path}: {words}" + ("" if texts else "; its text is the same")
        return Result(Grade.FAIL, finding, numbers=numbers, texts=texts)
    words = ", ".join(f"{s} within {max(gaps[s], 0.0):.1e} (U {bars[s]:.1e})" for s in SIGNALS)
    finding = words + ("; its text has changed" if texts else "")
    return Result(Grade.PASS, finding, numbers=numbers, texts=texts)


def format_difference(texts: tuple[str, str]) -> str:
    """The lines that changed: `-` as recorded, `+` as it is."""
    old, new = (text.splitlines() for text in texts)
    lines = difflib.unified_diff(old, new, "as recorded", "as it is", lineterm="", n=1)
    return "\n".join(lines)
