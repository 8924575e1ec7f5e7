"""Python law, subcircuit and Verilog-A module at the same points: values and derivatives.

    values        i(v, s), ds/dt(v, s)
    derivatives   di/dv, di/ds, d(ds/dt)/dv, d(ds/dt)/ds, the current eliminated

Analytic in Python and in Verilog-A (OpenVAF's automatic derivatives); fourth-order central differences of the
simulator's values for the subcircuit, at two widths, of which only points where both agree are judged: the
others straddle a kink.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import CaseError, DeckError
from spicebridge.laws.base import Device, Group, changed
from spicebridge.modelcheck import veriloga
from spicebridge.modelcheck.component import StateSubcircuit, forced
from spicebridge.modelcheck.model_under_test import Subject
from spicebridge.modelcheck.result import Curve, Grade, Result, Traces, called

Values = Mapping[str, Array]

POINTS = 60
"""Random pairs of voltage and state; the voltages leave no gap of more than two parts in so many."""
RTOL = 1e-8
"""Of values; the simulator's Newton iteration is run to 1e-9."""
SLOPE_RTOL = 1e-6
"""Of derivatives where one side is a difference: widths of 1e-3 leave 1e-9, noise of 1e-12 the same."""
FLOOR = 1e-3
"""Of the largest value: smaller ones are measured against this, so that rounding is not called a difference."""
WIDTH = 2e-3
"""Of the amplitude, and of the range of the state: the wider step of the differences."""
FEWEST = 0.5
"""Part of the points at which both widths must agree for the derivatives to be judged."""

VALUES = {"i": "current", "rate": "rate"}
SLOPES = {"i_v": "di/dv", "i_s": "di/ds", "rate_v": "dF/dv", "rate_s": "dF/ds"}


@dataclass(frozen=True)
class Points:
    """Drops v (V), states s, and the signs P and J, (n,) each."""

    v: Array
    s: Array
    signs: dict[str, Array]


def points_of(subject: Subject, part: StateSubcircuit | None = None) -> Points:
    """Points over the amplitude and the inner part of the range of the state; both signs where there are any."""
    rng = np.random.default_rng(20)
    low, high = subject.state_range
    v = (2.0 * (rng.permutation(POINTS) + rng.uniform(0.0, 1.0, POINTS)) / POINTS - 1.0) * subject.amplitude
    s = low + (high - low) * rng.uniform(0.02, 0.98, POINTS)
    names = (part or subject.component).signs
    return Points(v, s, {name: rng.choice([-1.0, 1.0], POINTS) for name in names})


def of_law(device: Device, at: Points) -> Values:
    """What the Python law says, without its window: that acts between the pins of a subcircuit."""
    windowed = "window" in {field.name for field in fields(device)}  # type: ignore[arg-type]
    law = Group(changed(device, window=None) if windowed else device, np.zeros(1, np.intp))
    one = np.ones(at.v.size)
    v, s = at.v, at.s
    P, J = at.signs.get("active", one), at.signs.get("polarity", one)
    if device.ohmic:
        R = P * law.resistive.resistance(s)
        i, i_v, i_s = v / R, 1.0 / R, -v * P * law.resistive.resistance_slope(s) / R**2
    else:
        by_v, by_s = law.conductive.current_partials(J * v, s)
        i, i_v, i_s = J * law.conductive.current(J * v, s), by_v, J * by_s
    rate = law.device.bulk_rate(s, v, i, P, J)
    by_s, by_v, by_i = law.differentiable.rate_partials(s, v, i, P, J)
    values = {"i": i, "rate": rate, "i_v": i_v, "i_s": i_s}
    return values | {"rate_v": by_v + by_i * i_v, "rate_s": by_s + by_i * i_s}


def of_subcircuit(subject: Subject, at: Points, engine: str) -> Values:
    """What the simulator makes of the subcircuit; derivatives are NaN where two widths differ."""
    low, high = subject.state_range
    offsets = np.array([-2.0, -1.0, 1.0, 2.0])
    v, s = [at.v], [at.s]
    widths = [0.5 * WIDTH * subject.amplitude, 0.5 * WIDTH * (high - low)]
    for scale in (1.0, 0.5):
        v += [at.v + scale * widths[0] * k for k in offsets] + [at.v] * 4
        s += [at.s] * 4 + [at.s + scale * widths[1] * k for k in offsets]
    blocks = len(v)
    signs = {name: np.tile(values, blocks) for name, values in at.signs.items()}
    i, rate = forced(subject.component, np.concatenate(v), np.concatenate(s), engine, signs)
    found: dict[str, Array] = {}
    for name, values in (("i", i), ("rate", rate)):
        rows = values.reshape(blocks, -1)
        found[name] = rows[0]
        for number, by in enumerate(("v", "s")):
            slopes = [
                np.array([1.0, -8.0, 8.0, -1.0]) @ rows[start : start + 4] / (12.0 * scale * widths[number])
                for start, scale in ((1 + 4 * number, 1.0), (9 + 4 * number, 0.5))
            ]
            span = (subject.amplitude, high - low)[number]
            size = max(float(np.abs(slopes[1]).max()), float(np.abs(rows[0]).max()) / span)
            same = np.abs(slopes[0] - slopes[1]) <= 0.1 * SLOPE_RTOL * (np.abs(slopes[1]) + FLOOR * size)
            found[f"{name}_{by}"] = np.where(same, slopes[1], np.nan)
    return found


def worst(
    found: Values, expected: Values, names: Mapping[str, str], spans: Mapping[str, float]
) -> tuple[dict[str, float], float]:
    """Largest relative difference of each quantity, and the least part of the points that could be judged.

    A derivative is measured against the quantity over the span of its variable, too: one that vanishes has no
    size of its own.
    """
    out, judged = {}, 1.0
    for name, shown in names.items():
        a, b = found[name], expected[name]
        known = ~(np.isnan(a) | np.isnan(b))
        judged = min(judged, float(known.mean()))
        if not known.any():
            continue
        quantity, _, by = name.partition("_")
        size = float(np.abs(b[known]).max())
        if by:
            size = max(size, float(np.abs(expected[quantity]).max()) / spans[by])
        gap, scale = np.abs(a[known] - b[known]), np.abs(b[known]) + FLOOR * size
        out[shown] = float((gap / scale).max()) if size > 0 else float(gap.max() > 0)
    return out, judged


def compare(subject: Subject, found: Values, expected: Values) -> tuple[Grade, dict[str, float], str]:
    """The grade of one pair, its numbers, and the words for them."""
    low, high = subject.state_range
    spans = {"v": subject.amplitude, "s": high - low}
    values, _ = worst(found, expected, VALUES, spans)
    slopes, judged = worst(found, expected, SLOPES, spans)
    v, d = max(values.values()), max(slopes.values(), default=np.nan)
    words = f"values differ by {v:.1e}, derivatives by {d:.1e}"
    bad = [name for name, x in values.items() if not x <= RTOL] + [n for n, x in slopes.items() if not x <= SLOPE_RTOL]
    if bad:
        return Grade.FAIL, values | slopes, f"{words}: {', '.join(bad)}"
    if judged < FEWEST:
        return Grade.NOTE, values | slopes, f"{words}; only {judged:.0%} of the points are away from kinks"
    return Grade.PASS, values | slopes, words


@called("subcircuit point by point")
def subcircuit_points(subject: Subject, engine: str) -> Result:
    """Do the subcircuit and the Python law say the same at every voltage and state?"""
    if subject.device is None:
        return Result(Grade.SKIP, f"skipped, because {subject.no_law}")
    at = points_of(subject)
    law, circuit = of_law(subject.device, at), of_subcircuit(subject, at, engine)
    grade, numbers, words = compare(subject, circuit, law)
    order = np.argsort(at.v)
    curves = (Curve(at.v[order], law["i"][order], "Python law"), Curve(at.v[order], circuit["i"][order], "subcircuit"))
    plot = Traces("voltage (V)", "current (A)", curves=curves, points=True)
    return Result(grade, f"at {POINTS} points {words}", numbers=numbers, plot=plot)


@called("Verilog-A twin")
def veriloga_twin(subject: Subject, engine: str) -> Result:
    """Does the Verilog-A twin have the residual and the Jacobian of the law and of the subcircuit?"""
    if subject.twin is None:
        return Result(Grade.SKIP, f"skipped, because {subject.no_twin}")
    if not veriloga.installed():
        remedy = "pip install openvaf-py (Linux on x86-64, Python 3.11 or 3.12)"
        return Result(Grade.SKIP, f"skipped, because openvaf-py is not installed; {remedy}")
    at = points_of(subject, subject.twin_part)
    try:
        twin = veriloga.evaluate(subject.twin, subject.twin_part or subject.component, at.v, at.s, at.signs)
    except veriloga.TwinProblem as problem:
        return Result(Grade.FAIL, f"{subject.twin.name}: {problem}")
    pairs: dict[str, Values] = {} if subject.device is None else {"Python law": of_law(subject.device, at)}
    try:
        pairs["subcircuit"] = of_subcircuit(subject, at, engine)
    except (CaseError, DeckError) as error:
        return Result(Grade.FAIL, f"the subcircuit cannot be run: {error}")
    grades: list[Grade] = []
    numbers: dict[str, float] = {}
    words: list[str] = []
    for shown, other in pairs.items():
        grade, found, said = compare(subject, twin, other)
        grades.append(grade)
        numbers |= {f"{quantity}, {shown}": x for quantity, x in found.items()}
        words.append(f"against the {shown} {said}")
    worst_grade = min(grades, key=[Grade.FAIL, Grade.NOTE, Grade.PASS].index)
    return Result(worst_grade, f"{subject.twin.name}: {'; '.join(words)}", numbers=numbers)
