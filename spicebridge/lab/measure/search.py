"""Where a fit starts: sizes that the data suggest by the units of the parameters, and many random starts around them.

    ohm  resistances seen      V, A  a part of the peak      1/s  ten in the span      V s  peak times span      …

Starts are drawn once (a fixed seed), ranked by their residual on few samples, and the best are searched on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.measure.law_fit import Fit, LeastSquares
from spicebridge.lab.measure.traces import Trace
from spicebridge.laws import Law
from spicebridge.laws.base import Device

DRAWN = 300
SEARCHED = 5
_OTHER = (-1.0, 0.5, 2.0, 10.0, 0.1)
"""What a size is multiplied by, in turn, while its law refuses it."""
COARSE = 160
"""Samples of a trace while starts are ranked and searched."""
SPREAD = 1.5
"""Standard deviation of the logarithm of a drawn parameter."""
_NAMED = re.compile(r"`(\w+)`")


def fit_law(
    law: Law,
    traces: Sequence[Trace],
    *,
    start: Mapping[str, float] | None = None,
    options: Mapping[str, object] | None = None,
    until: float | None = None,
    driven: str = "voltage",
    seed: int = 1,
) -> Fit:
    """Fit a law to responses without being told where to start.

    Parameters
    ----------
    law
        Of `LAWS`.
    traces
        Responses of the same device.
    start
        {parameter: value} to start from; a value keeps its sign.
    options
        Arguments of the law that are no numbers, such as its control or window.
    until, driven
        As in `fit_response`.
    seed
        Of the random starts.

    Raises
    ------
    LabError
        Where the law has nothing to fit or cannot be built from such values.
    """
    given = dict(start or {})
    free = tuple(name for name in law.numeric if name in law.required or name in given)
    if not free or not law.stateful:
        raise LabError("the law has no state or no parameter to fit; choose a memristor")
    sizes = {name: given.get(name, _size(law.unit(name), name, traces)) for name in free}
    device = _signed(law, sizes, dict(options or {}), fixed=tuple(given))
    coarse = tuple(_thinned(trace, until) for trace in traces)
    end = np.inf if until is None else until
    rng = np.random.default_rng(seed)
    found: list[tuple[float, Array, int]] = []
    for polarity in (1, -1):
        problem = LeastSquares(device=device, free=free, traces=coarse, driven=driven, polarity=polarity, until=end)
        starts = _drawn(problem, len(given), rng)
        cost = np.sqrt(np.mean(problem.left(starts) ** 2, axis=0))
        for k in np.argsort(cost, kind="stable")[:SEARCHED]:
            x = problem.solve(starts[k], most=60)
            found.append((float(np.sqrt(np.mean(problem.left(x[None]) ** 2))), x, polarity))
    fits = []
    for _, x, polarity in sorted(found, key=lambda entry: entry[0])[:2]:
        problem = LeastSquares(
            device=device, free=free, traces=tuple(traces), driven=driven, polarity=polarity, until=end
        )
        fits.append(problem.fit(problem.solve(x)))
    return min(fits, key=lambda fit: fit.rms)


def _size(unit: str | None, name: str, traces: Sequence[Trace]) -> float:
    """What a parameter in `unit` may be, seen from the data."""
    v = max(float(np.abs(trace.v).max()) for trace in traces)
    i = max(float(np.abs(trace.i).max()) for trace in traces)
    span = max(float(trace.t[-1]) for trace in traces)
    conducting = np.concatenate([np.abs(trace.v) > 0.3 * v for trace in traces])
    with np.errstate(divide="ignore", invalid="ignore"):
        R = np.abs(np.concatenate([trace.v / trace.i for trace in traces]))[conducting]
    R = R[np.isfinite(R) & (R > 0)]
    low, high = (float(R.min()), float(R.max())) if R.size else (v / i, v / i)
    ohms = 0.7 * low if name.endswith("on") else 2.0 * high if name.endswith("off") else float(np.sqrt(low * high))
    sizes = {
        **{"ohm": ohms, "S": 1.0 / ohms, "V": 0.3 * v, "A": 0.3 * i, "1/s": 10.0 / span, "s": 0.1 * span},
        **{"V s": 0.2 * v * span, "1/C": 10.0 / (i * span), "1/V": 2.0 / v, "1/A": 2.0 / i},
        **{"ohm/(V s)": 10.0 * max(high - low, 0.1 * high) / (v * span), "1/(V s)": 10.0 / (v * span)},
    }
    return sizes.get(unit or "1", 1.0)


def _signed(law: Law, sizes: dict[str, float], options: dict[str, object], fixed: Sequence[str]) -> Device:
    """The device of these sizes, with the signs that its law asks for."""
    tried = dict.fromkeys(sizes, 0)
    first = dict(sizes)
    for _ in range(len(_OTHER) * len(sizes)):
        try:
            return law.build(**sizes, **options)
        except DeviceError as error:
            wrong = next((n for n in _NAMED.findall(str(error)) if n in sizes and n not in fixed), None)
            if wrong is None or tried[wrong] == len(_OTHER):
                raise LabError(f"cannot start the fit: {error}; give --start NAME=VALUE") from None
            sizes[wrong] = _OTHER[tried[wrong]] * first[wrong]
            tried[wrong] += 1
    raise LabError("cannot find values to start the fit from; give --start NAME=VALUE for every parameter")


def _drawn(problem: LeastSquares, known: int, rng: np.random.Generator) -> Array:
    """Rows to start from: the guess itself at three states, and random ones that make a device."""
    n, traces = len(problem.free), len(problem.traces)
    rows = [np.append(np.zeros(n), np.full(traces, logit)) for logit in (-2.0, 0.0, 2.0)]
    while known < n and len(rows) < DRAWN:
        x = np.append(SPREAD * rng.standard_normal(n), rng.uniform(-3.0, 3.0, traces))
        try:
            problem.built(x[None])
        except DeviceError:
            x[:n] *= 0.2
            try:
                problem.built(x[None])
            except DeviceError:
                continue
        rows.append(x)
    return np.array(rows)


def _thinned(trace: Trace, until: float | None) -> Trace:
    """About `COARSE` samples of a trace, those behind `until` left out."""
    n = trace.t.size if until is None else int((trace.t <= until).sum())
    kept = np.unique(np.linspace(0, max(n - 1, 0), min(n, COARSE)).astype(int))
    return replace(trace, t=trace.t[kept], v=trace.v[kept], i=trace.i[kept])
