"""Waveforms for the instruments: PWL text and CSV at the generator's sample rate."""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.plan import Plan
from spicebridge.lab.design.wiring import Component

MAX_SAMPLES = 1_000_000


def samples(plan: Plan, part: Component) -> tuple[Array, Array]:
    """Times (s) and output (V) of a generator channel at the bench's sample rate, end included."""
    from spicebridge.lab.design.equipment import LabError

    count = int(np.ceil(plan.stop * plan.bench.generator_rate)) + 1
    if count > MAX_SAMPLES:
        raise LabError(
            f"{part.reference}: {count} samples at {plan.bench.generator_rate:g}/s are more than {MAX_SAMPLES}; "
            "lower the generator's rate"
        )
    t = np.arange(count) / plan.bench.generator_rate
    drive = plan.network.drives[part.edge or 0]
    value = np.zeros(count) if drive is None else part.number * drive.value(t)
    return t, value


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
