"""Jumps: where a current, or a rate, does not go from one value to the other but is suddenly there.

A jump is what zooming does not remove. i(v, s) is sampled on lines of the voltage and of the state; the interval with
the largest step is sampled again, `ZOOMS` times, until it is 1e-7 of the line. A kink or a steep slope has lost its
step by then, a jump has not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicebridge.arrays import Array
from spicebridge.modelcheck.model_under_test import Subject
from spicebridge.modelcheck.result import Curve, Grade, Result, Traces

SAMPLES, ZOOMS = 41, 4
LEFT = 1e-3
"""Step that is left after zooming, relative to the range of the values on the line, that counts as a jump."""
Law = Callable[[Array, Array], tuple[Array, Array]]


def jumps(subject: Subject, law: Law) -> Result:
    """The check; `law` gives current (A) and rate (1/s) at drops and states."""
    low, high = subject.state_range
    edge = 0.02 * (high - low)
    states = np.linspace(low + edge, high - edge, 3)
    drops = np.array([-0.8, -0.3, 0.4, 0.9]) * subject.amplitude
    lines = [(np.linspace(-1.0, 1.0, SAMPLES) * subject.amplitude * 1.013, np.full(SAMPLES, s), "v") for s in states]
    lines += [(np.full(SAMPLES, v), np.linspace(low + edge, high - edge, SAMPLES), "s") for v in drops]
    sizes: list[float] = []
    for number, what in enumerate(("conductance", "rate")):
        for v, s, along in lines:
            found = _jump(law, v, s, along, number)
            sizes.append(0.0 if found is None else found[0])
            if found is None or found[0] <= LEFT:
                continue
            size, at_v, at_s, below, above = found
            unit = "A" if number == 0 else "1/s"
            finding = (
                f"a jump in {what} at v = {at_v:.6g} V, state {at_s:.6g}: from {below:.4g} to {above:.4g} {unit}; no "
                "step is small enough for it, write a steep transition"
            )
            x, x_label = (v, "voltage (V)") if along == "v" else (s, "state")
            plot = Traces(x_label, unit, curves=(Curve(x, law(v, s)[number]),))
            grade = Grade.FAIL if number == 0 else Grade.NOTE
            return Result(grade, finding, numbers={"jump": size}, plot=plot)
    finding = f"current and rate go without a jump along {len(lines)} lines; {max(sizes):.1e} is left after zooming"
    return Result(Grade.PASS, finding, numbers={"largest step left": max(sizes)})


def _jump(law: Law, v: Array, s: Array, along: str, number: int) -> tuple[float, float, float, float, float] | None:
    values = law(v, s)[number]
    span = float(np.ptp(values))
    if not np.isfinite(span) or span == 0.0:
        return None
    for _ in range(ZOOMS):
        k = int(np.argmax(np.abs(np.diff(values))))
        if along == "v":
            v = np.linspace(v[k], v[k + 1], SAMPLES)
        else:
            s = np.linspace(s[k], s[k + 1], SAMPLES)
        values = law(v, s)[number]
    k = int(np.argmax(np.abs(np.diff(values))))
    size = float(np.abs(np.diff(values))[k] / span)
    return size, float(v[k]), float(s[k]), float(values[k]), float(values[k + 1])
