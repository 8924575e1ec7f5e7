"""Source waveforms S(t) in volt: value, exact time integral, breakpoints.

A drive is an electromotive force in series with its edge that pushes current from tail to head.
Every number may be text with a suffix and a unit, as in a case file: ``Sine(amplitude="100m", frequency="2 kHz")``.
Drives add with ``+`` and scale with ``scaled(c)``. The sine follows SPICE: before `delay` it holds
its value at `phase`; here the phase is in rad, in SPICE in degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.drives.sampled import read_samples, sample_function
from spicebridge.errors import DriveError, QuantityError
from spicebridge.quantities import parse_quantities, parse_quantity

VOLT_OR_AMPERE = "V or A"
"""What a drive is in: a series source in V, a current source in A."""


@runtime_checkable
class Drive(Protocol):
    """A source waveform. `t` in s, values in V, the integral from 0 to t in V s."""

    def value(self, t: ArrayLike) -> Array: ...

    def integral(self, t: ArrayLike) -> Array: ...

    def breakpoints(self, stop: float) -> tuple[float, ...]:
        """Times in (0, stop) where a derivative jumps, ascending."""
        ...

    def timescale(self) -> float:
        """Shortest time in s over which the drive changes; infinite for DC."""
        ...

    def scaled(self, factor: float) -> Drive: ...


class _Adding:
    def __add__(self, other: Drive) -> Sum:
        if not isinstance(other, Drive):
            return NotImplemented
        return Sum((*terms(self), *terms(other)))  # type: ignore[arg-type]


def terms(drive: Drive | None) -> tuple[Drive, ...]:
    """The drives that add up to `drive`: none for None, itself unless it is a sum."""
    if drive is None:
        return ()
    return drive.terms if isinstance(drive, Sum) else (drive,)


def _take(drive: DC | Sine | Pulse, kind: str) -> None:
    """Turn text into numbers and check every field."""
    for name, unit in drive.units.items():
        value = getattr(drive, name)
        if value is None:
            continue
        if isinstance(value, str):
            try:
                value = parse_quantity(value, what=f"{kind}: {name}", unit=unit)
            except QuantityError as error:
                raise DriveError(str(error)) from None
            object.__setattr__(drive, name, value)
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise DriveError(f"{kind}: {name} = {value!r} must be a number")
        if not math.isfinite(value):
            raise DriveError(f"{kind}: {name} = {value!r} must be finite")


ROUNDING = 16 * float(np.finfo(float).eps)
"""Times closer than this fraction of the span are one time, reached by different sums."""


def _ascending(times: Iterable[float], stop: float) -> tuple[float, ...]:
    """The different times in (0, stop), ascending."""
    kept: list[float] = []
    for time in sorted(float(t) for t in times if 0.0 < t < stop):
        if not kept or time - kept[-1] > ROUNDING * stop:
            kept.append(time)
    return tuple(kept)


@dataclass(frozen=True)
class DC(_Adding):
    """A constant `level` in V."""

    level: float

    units: ClassVar[dict[str, str]] = {"level": VOLT_OR_AMPERE}

    def __post_init__(self) -> None:
        _take(self, "DC drive")

    def value(self, t: ArrayLike) -> Array:
        return np.full(np.shape(t), float(self.level))

    def integral(self, t: ArrayLike) -> Array:
        return self.level * np.asarray(t, float)

    def breakpoints(self, stop: float) -> tuple[float, ...]:
        return ()

    def timescale(self) -> float:
        return math.inf

    def scaled(self, factor: float) -> DC:
        return DC(self.level * factor)


@dataclass(frozen=True)
class Sine(_Adding):
    """offset + amplitude sin(2 pi frequency (t - delay) + phase) for t >= delay.

    V, Hz, V, rad, s. Before `delay` the value at t = delay holds.
    """

    amplitude: float
    frequency: float
    offset: float = 0.0
    phase: float = 0.0
    delay: float = 0.0

    units: ClassVar[dict[str, str]] = {
        "amplitude": VOLT_OR_AMPERE,
        "frequency": "Hz",
        "offset": VOLT_OR_AMPERE,
        "phase": "rad",
        "delay": "s",
    }

    def __post_init__(self) -> None:
        _take(self, "Sine drive")
        if self.frequency <= 0:
            raise DriveError(f"Sine drive: frequency = {self.frequency!r} must be positive; use DC for a constant")
        if self.delay < 0:
            raise DriveError(f"Sine drive: delay = {self.delay!r} must not be negative; use phase")

    def value(self, t: ArrayLike) -> Array:
        running = np.maximum(np.asarray(t, float) - self.delay, 0.0)
        angle = 2.0 * np.pi * self.frequency * running + self.phase
        return np.asarray(self.offset + self.amplitude * np.sin(angle))

    def integral(self, t: ArrayLike) -> Array:
        t = np.asarray(t, float)
        running = np.maximum(t - self.delay, 0.0)
        omega = 2.0 * np.pi * self.frequency
        held = self.amplitude * math.sin(self.phase) * np.minimum(t, self.delay)
        half = 0.5 * omega * running
        # cos(phase) - cos(phase + 2 half), written as a product: it loses no digits for slow sines
        swing = 2.0 * np.sin(half + self.phase) * np.sin(half) / omega
        return np.asarray(self.offset * t + held + self.amplitude * swing)

    def breakpoints(self, stop: float) -> tuple[float, ...]:
        return (self.delay,) if 0.0 < self.delay < stop else ()

    def timescale(self) -> float:
        return 1.0 / self.frequency

    def scaled(self, factor: float) -> Sine:
        return replace(self, amplitude=self.amplitude * factor, offset=self.offset * factor)


@dataclass(frozen=True)
class PWL(_Adding):
    """Straight lines through (times, values), constant before the first and after the last.

    `sampling_error` in V is how far a function that was sampled leaves the lines, 0 where the lines are meant.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]
    sampling_error: float = field(default=0.0, compare=False)

    def __post_init__(self) -> None:
        try:
            times = parse_quantities(self.times, what="PWL drive: times", unit="s").ravel()
            values = parse_quantities(self.values, what="PWL drive: values", unit=VOLT_OR_AMPERE).ravel()
        except QuantityError as error:
            raise DriveError(str(error)) from None
        except (TypeError, ValueError):
            raise DriveError("PWL drive: every time and value must be a number") from None
        if times.size != values.size or times.size == 0:
            raise DriveError(f"PWL drive: {times.size} times and {values.size} values must be as many, at least 1")
        if not (np.isfinite(times).all() and np.isfinite(values).all()):
            raise DriveError("PWL drive: every time and value must be finite")
        if times[0] < 0:
            raise DriveError(f"PWL drive: first time {times[0]!r} must not be negative")
        steps = np.diff(times)
        if (steps <= 0).any():
            k = int(np.argmax(steps <= 0))
            raise DriveError(
                f"PWL drive: times must increase, but times[{k + 1}] = {times[k + 1]!r} follows "
                f"{times[k]!r}; give a jump a rise time"
            )
        object.__setattr__(self, "times", tuple(times.tolist()))
        object.__setattr__(self, "values", tuple(values.tolist()))

    @classmethod
    def from_csv(cls, path: str | Path, *, time: int = 0, column: int = 1) -> PWL:
        """Read a sampled waveform: one row a sample, an optional header row first; rows that begin with # are comments.

        `time` and `column` are positions from 0. Units in the header are used, s and V where there are none; a header
        that calls another column the time is refused. Raises `DriveError`, with the line of a row that is no pair.
        """
        times, values = read_samples(Path(path), time, column)
        try:
            return cls(times, values)
        except DriveError as error:
            raise DriveError(f"{path}: {error}") from None

    @classmethod
    def from_function(
        cls, f: Callable[[float], float], *, stop: float | str, tolerance: float = 1e-4, most: int = 20_000
    ) -> PWL:
        """Sample a function of time so that the straight lines leave it by at most `tolerance` of its range.

        Intervals are halved until the function, at a quarter, the middle and three quarters of each, is met; the
        largest difference seen there is kept as `sampling_error` (V). What is narrower than a 256th of `stop` may
        be missed.

        Parameters
        ----------
        f
            S(t) in V for t in s, of one number.
        stop
            Last time in s; the value there holds on.
        tolerance
            Relative to the range of f over the span.
        most
            Samples at most.

        Raises
        ------
        DriveError
            Where f gives no finite number, or `most` samples do not reach the tolerance.
        """
        end = parse_quantity(stop, what="PWL.from_function: stop", unit="s")
        return cls(*sample_function(f, end, tolerance, most))

    def value(self, t: ArrayLike) -> Array:
        return np.asarray(np.interp(np.asarray(t, float), self.times, self.values))

    def integral(self, t: ArrayLike) -> Array:
        x, y = np.array(self.times), np.array(self.values)
        return _antiderivative(x, y, np.asarray(t, float)) - _antiderivative(x, y, np.zeros(()))

    def breakpoints(self, stop: float) -> tuple[float, ...]:
        return tuple(t for t in self.times if 0.0 < t < stop)

    def timescale(self) -> float:
        """Twice the shortest segment over which the value changes."""
        segments = np.diff(self.times)[np.not_equal(self.values[1:], self.values[:-1])]
        return 2.0 * float(segments.min(initial=math.inf))

    def scaled(self, factor: float) -> PWL:
        return PWL(self.times, tuple(v * factor for v in self.values), abs(factor) * self.sampling_error)


def _antiderivative(x: Array, y: Array, t: Array) -> Array:
    """Integral of the piecewise line from x[0] to t, constant outside."""
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (y[1:] + y[:-1]) * np.diff(x))])
    inside = np.clip(t, x[0], x[-1])
    k = np.clip(np.searchsorted(x, inside, side="right") - 1, 0, max(x.size - 2, 0))
    partial = 0.5 * (y[k] + np.interp(inside, x, y)) * (inside - x[k])
    before, after = np.minimum(t - x[0], 0.0), np.maximum(t - x[-1], 0.0)
    return np.asarray(cumulative[k] + partial + y[0] * before + y[-1] * after)


@dataclass(frozen=True)
class Pulse(_Adding):
    """SPICE's pulse: `initial` until `delay`, a ramp of `rise`, `pulsed` for `width`, a ramp of `fall`.

    V and s. `period` repeats it from `delay` on; None gives a single pulse. `rise` and `fall` must be
    positive, because SPICE replaces a zero by its own print step.
    """

    initial: float
    pulsed: float
    delay: float
    rise: float
    fall: float
    width: float
    period: float | None = None

    units: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("initial", "pulsed"), VOLT_OR_AMPERE),
        **dict.fromkeys(("delay", "rise", "fall", "width", "period"), "s"),
    }

    def __post_init__(self) -> None:
        _take(self, "Pulse drive")
        for name in ("rise", "fall"):
            if getattr(self, name) <= 0:
                raise DriveError(
                    f"Pulse drive: {name} = {getattr(self, name)!r} must be positive; a simulator "
                    "replaces a zero by its own step"
                )
        if self.delay < 0 or self.width < 0:
            raise DriveError("Pulse drive: delay and width must not be negative")
        length = self.rise + self.width + self.fall
        if self.period is not None and self.period < length:
            raise DriveError(f"Pulse drive: period = {self.period!r} must be at least rise + width + fall = {length!r}")

    def _corners(self) -> tuple[Array, Array]:
        x = np.cumsum([0.0, self.rise, self.width, self.fall])
        y = np.array([self.initial, self.pulsed, self.pulsed, self.initial])
        if self.width == 0.0:
            x, y = x[[0, 1, 3]], y[[0, 1, 3]]
        return x, y

    def _phase(self, t: Array) -> tuple[Array, Array]:
        """Whole periods passed and the time since the last began (negative before delay)."""
        since = t - self.delay
        if self.period is None:
            return np.zeros_like(since), since
        count = np.where(since >= 0.0, np.floor(since / self.period), 0.0)
        return count, since - count * self.period

    def value(self, t: ArrayLike) -> Array:
        _, since = self._phase(np.asarray(t, float))
        x, y = self._corners()
        return np.asarray(np.interp(since, x, y))

    def integral(self, t: ArrayLike) -> Array:
        t = np.asarray(t, float)
        count, since = self._phase(t)
        x, y = self._corners()
        surplus = y - self.initial
        extra = _antiderivative(x, surplus, np.maximum(since, 0.0))
        full = float(_antiderivative(x, surplus, np.asarray(x[-1])))
        return self.initial * t + count * full + extra

    def breakpoints(self, stop: float) -> tuple[float, ...]:
        corners = self.delay + self._corners()[0]
        if self.period is None:
            times = corners
        else:
            count = max(0, math.ceil((stop - self.delay) / self.period))
            times = (corners[None, :] + self.period * np.arange(count)[:, None]).ravel()
        return _ascending(times.tolist(), stop)

    def timescale(self) -> float:
        return 2.0 * min(self.rise, self.fall)

    def scaled(self, factor: float) -> Pulse:
        return replace(self, initial=self.initial * factor, pulsed=self.pulsed * factor)


@dataclass(frozen=True)
class Sum(_Adding):
    """The sum of its `terms`: sources in series. Sums among the terms are dissolved."""

    terms: tuple[Drive, ...]

    def __post_init__(self) -> None:
        if not self.terms or not all(isinstance(term, Drive) for term in self.terms):
            raise DriveError("Sum drive: needs at least one drive, and nothing else")
        object.__setattr__(self, "terms", tuple(flat for term in self.terms for flat in terms(term)))

    def value(self, t: ArrayLike) -> Array:
        return np.asarray(sum(term.value(t) for term in self.terms))

    def integral(self, t: ArrayLike) -> Array:
        return np.asarray(sum(term.integral(t) for term in self.terms))

    def breakpoints(self, stop: float) -> tuple[float, ...]:
        return _ascending((t for term in self.terms for t in term.breakpoints(stop)), stop)

    def timescale(self) -> float:
        return min(term.timescale() for term in self.terms)

    def scaled(self, factor: float) -> Sum:
        return Sum(tuple(term.scaled(factor) for term in self.terms))
