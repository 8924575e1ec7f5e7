"""Waveforms for the instruments: PWL text and CSV at the generator's sample rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.drives import DC, terms
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.plan import Plan
from spicebridge.lab.design.wiring import Component

MAX_SAMPLES = 1_000_000


def samples(plan: Plan, part: Component) -> tuple[Array, Array]:
    """Times (s) and output (V) of a generator channel at the bench's sample rate, end included."""
    drive = plan.network.drives[part.edge or 0]
    if is_constant(plan, part):
        t = np.array([0.0, plan.stop])
        return t, part.number * np.asarray(drive.value(t)) if drive is not None else np.zeros(2)
    count = int(np.ceil(plan.stop * plan.bench.generator_rate)) + 1
    if count > MAX_SAMPLES:
        raise LabError(
            f"{part.reference}: {count} samples at {plan.bench.generator_rate:g}/s are more than {MAX_SAMPLES}; "
            "lower the generator's rate"
        )
    t = np.arange(count) / plan.bench.generator_rate
    value = np.zeros(count) if drive is None else part.number * drive.value(t)
    return t, value


def is_constant(plan: Plan, part: Component) -> bool:
    """Whether the channel is a setting of the generator and needs no file."""
    drive = plan.network.drives[part.edge or 0]
    return drive is None or all(isinstance(term, DC) for term in terms(drive))


RAF_TOP = 16383
"""Largest code of a Rigol arbitrary file."""


@dataclass(frozen=True)
class Setting:
    """What is set on the panel: `low` and `high` in V into an open circuit (load HighZ), `offset` and `amplitude` (peak
    to peak) of the two, `samples` a period of 1/`frequency` s."""

    low: float
    high: float
    samples: int
    frequency: float

    @property
    def amplitude(self) -> float:
        return self.high - self.low

    @property
    def offset(self) -> float:
        return 0.5 * (self.high + self.low)

    def __str__(self) -> str:
        load = "load HighZ, output through nothing but the buffer"
        if self.amplitude == 0.0:
            return f"DC {self.offset:.6g} V, {load}"
        return (
            f"arbitrary, one period of {self.samples} samples in a burst of one, frequency {self.frequency:.9g} Hz, "
            f"amplitude {self.amplitude:.6g} Vpp, offset {self.offset:.6g} V, {load}"
        )


def setting(plan: Plan, part: Component) -> Setting:
    """The settings of one channel."""
    t, v = samples(plan, part)
    low, high = float(v.min()), float(v.max())
    if is_constant(plan, part):
        return Setting(low, high, 0, 0.0)
    return Setting(low, high, t.size, plan.bench.generator_rate / t.size)


def instrument_files(plan: Plan, part: Component) -> dict[str, str | bytes]:
    """Files by suffix for arbitrary waveforms of three makers, scaled to -1 … 1 of the amplitude about the offset.

    ``_keysight.arb`` (33500 series, text, version 1.1), ``.raf`` (Rigol DG1000Z and DG4000: 14 bits in two bytes a
    sample, the lower one first, 0 the low and 16383 the high level), ``_siglent.csv`` (SDG series: header with length,
    frequency, amplitude, offset and phase, then V behind a comma).
    """
    if is_constant(plan, part):
        return {}
    t, v = samples(plan, part)
    found = setting(plan, part)
    codes = np.rint((v - found.offset) / (0.5 * found.amplitude) * 32767).astype(int)
    keysight = [
        "File Format:1.10", "Checksum:0", "Channel Count:1", f"Sample Rate:{plan.bench.generator_rate:.6f}",
        f"High Level:{found.high:.6f}", f"Low Level:{found.low:.6f}", 'Marker Point:0', 'Data Type:"short"',
        'Filter:"off"', f"Data Points:{t.size}", "Data:", *map(str, codes.tolist()),
    ]  # fmt: skip
    siglent = [
        f"data length,{t.size}", f"frequency,{found.frequency:.9f}", f"amp,{found.amplitude:.9f}",
        f"offset,{found.offset:.9f}", "phase,0.000000000", *[","] * 7, "xpos,value",
        *(f",{x:.9g}" for x in v.tolist()),
    ]  # fmt: skip
    rigol = np.rint((v - found.low) / found.amplitude * RAF_TOP).astype("<u2").tobytes()
    texts = {"_keysight.arb": keysight, "_siglent.csv": siglent}
    return {".raf": rigol} | {suffix: "\n".join(lines) + "\n" for suffix, lines in texts.items()}


def format_csv(plan: Plan, part: Component) -> str:
    """``t (s),V`` one sample a row."""
    t, v = samples(plan, part)
    rows = [f"{a:.9g},{b:.9g}" for a, b in zip(t.tolist(), v.tolist(), strict=True)]
    return "\n".join([f"t (s),{part.reference} (V)", *rows]) + "\n"


def format_pwl(plan: Plan, part: Component) -> str:
    """Time and value pairs, samples on a straight line between their neighbours left out."""
    t, v = samples(plan, part)
    keep = np.ones(t.size, dtype=bool)
    # Equal neighbours only: dropping near-collinear samples would need a tolerance.
    keep[1:-1] = (v[1:-1] != v[:-2]) | (v[1:-1] != v[2:])
    return "\n".join(f"{a:.9g} {b:.9g}" for a, b in zip(t[keep].tolist(), v[keep].tolist(), strict=True)) + "\n"
