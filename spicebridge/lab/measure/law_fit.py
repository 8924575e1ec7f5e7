"""Validation: how well can a law describe measured responses? A fit, kept apart from verification.

    min over parameters of  sum_k [i(v_k, s_k) - i_k]^2,     ds/dt = F(s, v, i),  v(t) straight between samples

The measured voltage drives the law and the measured current is fitted, or the other way round (`driven`), by
trust-region least squares on the logarithms of the parameters, whose signs are kept, and the logit of every trace's
s(0). Classical Runge-Kutta steps between the samples. Parameters that make no device are steps that are not taken.

Without a start, sizes are those that the data suggest by the units of the parameters,

    ohm  resistances seen      V, A  a part of the peak      1/s  ten in the span      V s  peak times span      …

and many random ones around them: drawn once (a fixed seed), ranked by their residual on few samples, and the best are
searched on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError, nearest
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.measure.traces import FEWEST, Trace
from spicebridge.laws import Law
from spicebridge.laws.base import Device, GeneralDevice, OhmicDevice, changed, parameter_names

STEP = 1e-6
"""Relative change of a parameter for its derivative."""
POOR = 0.05
"""Rms of the largest measured value that is left where a law does not describe the data."""
IMPOSSIBLE = 1e3
"""Residual, in units of the largest value, of parameters that make no device or no finite response."""
DRAWN = 300
SEARCHED = 5
_OTHER = (-1.0, 0.5, 2.0, 10.0, 0.1)
"""What a size is multiplied by, in turn, while its law refuses it."""
COARSE = 160
"""Samples of a trace while starts are ranked and searched."""
SPREAD = 1.5
"""Standard deviation of the logarithm of a drawn parameter."""
_NAMED = re.compile(r"`(\w+)`")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """`parameters`, `initial_states` (one a trace) and `polarity` as fitted; `rms` of what is left and `worst`, its
    largest, at `worst_time` (s), all over the largest measured value; `predicted` is the rms behind `until`, or None.

    `describes` is False where more than `POOR` is left: the search ended without parameters that describe the data.
    """

    law: str
    parameters: dict[str, float]
    initial_states: tuple[float, ...]
    polarity: int
    driven: str
    samples: int
    rms: float
    worst: float
    worst_time: float
    until: float | None = None
    predicted: float | None = None

    @property
    def describes(self) -> bool:
        """Whether less than `POOR` is left."""
        return self.rms <= POOR

    @property
    def initial_state(self) -> float:
        """Of the first trace."""
        return self.initial_states[0]


def respond(
    device: Device, s0: Array, t: Array, drive: Array, *, driven: str = "voltage", polarity: float = 1.0
) -> Array:
    """Currents (n_t, n) in A of n devices (one record with arrays of parameters) under one voltage `drive` (n_t,).

    With `driven` "current", the voltages in V under one current.
    """
    one = np.ones(s0.size)
    hard, J = device.window.hard, polarity * one
    ohmic, general = cast(OhmicDevice, device), cast(GeneralDevice, device)

    def both(s: Array, u: float) -> tuple[Array, Array]:
        if driven == "current":
            return np.asarray(ohmic.resistance(s) * u), u * one
        if device.ohmic:
            return u * one, np.asarray(u / ohmic.resistance(s))
        return u * one, np.asarray(J * general.current(J * u, s))

    def rate(s: Array, u: float) -> Array:
        return np.asarray(device.rate(s, *both(s, u), one, J))

    s, out = s0.astype(float), np.empty((t.size, s0.size))
    shown = 0 if driven == "current" else 1
    for k in range(t.size):
        out[k] = both(s, drive[k])[shown]
        if k + 1 < t.size:
            h, middle = t[k + 1] - t[k], 0.5 * (drive[k] + drive[k + 1])
            a = rate(s, drive[k])
            b = rate(s + 0.5 * h * a, middle)
            c = rate(s + 0.5 * h * b, middle)
            d = rate(s + h * c, drive[k + 1])
            s = s + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
            if hard:
                s = np.clip(s, 0.0, 1.0)
    return out


@dataclass(frozen=True, eq=False, kw_only=True)
class LeastSquares:
    """What a search needs: the residuals of the traces before `until` over rows of unknowns.

    A row is log(parameter / start) for every name in `free`, then the logit of s(0) of every trace.
    """

    device: Device
    free: tuple[str, ...]
    traces: tuple[Trace, ...]
    driven: str = "voltage"
    polarity: int = 1
    until: float = np.inf

    def __post_init__(self) -> None:
        known = parameter_names(self.device)
        for name in self.free:
            if name not in known:
                raise LabError(
                    f"{self.device.kind} has no parameter {name!r}{nearest(name, known)}; it has {', '.join(known)}"
                )
            if float(getattr(self.device, name)) == 0.0:
                raise LabError(f"parameter {name!r} is zero and cannot be scaled; start it elsewhere")
        if self.driven not in ("voltage", "current"):
            raise LabError(f"driven {self.driven!r} must be voltage or current")
        if self.driven == "current" and not self.device.ohmic:
            raise LabError(f"{self.device.kind} gives a current for a voltage only; fit it driven by the voltage")
        used = sum(int(mask.sum()) for mask in self.used)
        if used < FEWEST:
            raise LabError(f"{used} samples before {self.until:g} s; at least {FEWEST} are fitted")

    @property
    def used(self) -> list[NDArray[np.bool_]]:
        """Samples that are fitted, a mask a trace."""
        return [trace.t <= self.until for trace in self.traces]

    @property
    def scale(self) -> float:
        """The largest measured value."""
        return max(float(np.abs(self.shown(trace)).max()) for trace in self.traces)

    def shown(self, trace: Trace) -> Array:
        """What is fitted."""
        return trace.v if self.driven == "current" else trace.i

    def built(self, x: Array) -> Device:
        """The devices (n,) of rows x. Raises `DeviceError`."""
        values = {n: float(getattr(self.device, n)) * np.exp(x[:, k]) for k, n in enumerate(self.free)}
        return changed(self.device, **values) if values else self.device

    def left(self, x: Array, *, everything: bool = False) -> Array:
        """(n_samples, n) of residuals over `scale`; rows that make no device get `IMPOSSIBLE`."""
        try:
            return self._left(x, everything)
        except DeviceError:
            if len(x) == 1:
                masks = [np.ones(trace.t.size, bool) for trace in self.traces] if everything else self.used
                return np.full((sum(int(mask.sum()) for mask in masks), 1), IMPOSSIBLE)
        return np.hstack([self.left(x[k : k + 1], everything=everything) for k in range(len(x))])

    def _left(self, x: Array, everything: bool) -> Array:
        made, parts = self.built(x), []
        for k, (trace, mask) in enumerate(zip(self.traces, self.used, strict=True)):
            mask = np.ones_like(mask) if everything else mask
            s0 = 1.0 / (1.0 + np.exp(-x[:, len(self.free) + k]))
            drive = (trace.i if self.driven == "current" else trace.v)[mask]
            with np.errstate(all="ignore"):
                found = respond(made, s0, trace.t[mask], drive, driven=self.driven, polarity=self.polarity)
            parts.append((found - self.shown(trace)[mask][:, None]) / self.scale)
        return np.clip(np.nan_to_num(np.vstack(parts), nan=IMPOSSIBLE), -IMPOSSIBLE, IMPOSSIBLE)

    def solve(self, x0: Array, *, most: int | None = None) -> Array:
        """The row where least squares ends from x0 (n_free + n_traces,)."""
        from scipy.optimize import least_squares

        def residual(x: Array) -> Array:
            return np.asarray(self.left(x[None])[:, 0])

        def slopes(x: Array) -> Array:
            found = self.left(np.vstack([x, x + STEP * np.eye(x.size)]))
            change = found[:, 1:] - found[:, :1]
            return np.asarray(np.where(np.abs(change) < IMPOSSIBLE / 2, change / STEP, 0.0))

        # Beyond a factor of e^12 a parameter no longer acts, or makes no device.
        inside = np.clip(x0, -11.9, 11.9)
        found = least_squares(residual, inside, jac=slopes, bounds=(-12.0, 12.0), max_nfev=most)
        return np.asarray(found.x)

    def fit(self, x: Array) -> Fit:
        """What the row x means."""
        left = self.left(x[None], everything=True)[:, 0]
        used = np.concatenate(self.used)
        times = np.concatenate([trace.t for trace in self.traces])
        device = self.built(x[None])
        inside, behind = np.where(used, np.abs(left), 0.0), left[~used]
        return Fit(
            law=self.device.kind,
            parameters={name: float(np.ravel(getattr(device, name))[0]) for name in parameter_names(device)},
            initial_states=tuple((1.0 / (1.0 + np.exp(-x[len(self.free) :]))).tolist()),
            polarity=self.polarity,
            driven=self.driven,
            samples=int(used.sum()),
            rms=float(np.sqrt(np.mean(left[used] ** 2))),
            worst=float(inside.max()),
            worst_time=float(times[int(inside.argmax())]),
            until=None if np.isinf(self.until) else self.until,
            predicted=float(np.sqrt(np.mean(behind**2))) if behind.size else None,
        )


def fit_response(
    device: Device,
    initial_state: float,
    traces: Trace | Sequence[Trace],
    free: Sequence[str],
    *,
    until: float | None = None,
    driven: str = "voltage",
    polarity: int = 1,
) -> Fit:
    """Fit the parameters `free` of a law, and s(0) of every trace, to measured responses.

    Parameters
    ----------
    device, initial_state
        Where the search starts; the state inside (0, 1).
    traces
        Responses of the same device.
    free
        Names of parameters; they keep their signs.
    until
        Samples behind this time (s) are predicted, not fitted.
    driven
        "voltage": the measured voltage drives the law and its current is compared; "current": the other way round.
    polarity
        J of the device, 1 or -1.

    Returns
    -------
    Fit
        Also where the search ends without a description of the data: see `Fit.describes`.

    Raises
    ------
    LabError
        For names that are none, and for fewer than `FEWEST` samples.
    """
    if not 0.0 < initial_state < 1.0:
        raise LabError(f"the initial state {initial_state:g} to start from must lie between 0 and 1")
    several = (traces,) if isinstance(traces, Trace) else tuple(traces)
    end = np.inf if until is None else until
    problem = LeastSquares(device=device, free=tuple(free), traces=several, driven=driven, polarity=polarity, until=end)
    start = np.full(len(several), np.log(initial_state / (1.0 - initial_state)))
    return problem.fit(problem.solve(np.concatenate([np.zeros(len(free)), start])))


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
