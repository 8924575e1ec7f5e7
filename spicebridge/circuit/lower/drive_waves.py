"""Drives as SPICE waveforms. A sum becomes several sources, in series or in parallel."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator
from dataclasses import fields

from spicebridge.circuit.deck import elements as ir
from spicebridge.drives import DC, PWL, Drive, Pulse, Sine, Sum
from spicebridge.errors import DeckError

SINE = tuple(field.name for field in fields(ir.SinWave))
PULSE = tuple(field.name for field in fields(ir.PulseWave))


def waves(drive: Drive | None) -> tuple[ir.Wave, ...]:
    """Return the waveforms whose sum is the drive; at least one, DC terms merged into one."""
    terms = () if drive is None else drive.terms if isinstance(drive, Sum) else (drive,)
    level = sum(term.level for term in terms if isinstance(term, DC))
    out = [wave for term in terms if not isinstance(term, DC) for wave in waves_of_term(term)]
    if level or not out:
        out.insert(0, ir.DcWave(float(level)))
    return tuple(out)


def suffix(n: int) -> str:
    """What tells the sources of one edge apart in their names."""
    return f"_{n}" if n else ""


def in_series(k: int, tail: str, drive: Drive | None, comment: str) -> list[ir.Element]:
    """The voltage sources of edge `k` from its tail to node m."""
    out: list[ir.Element] = []
    below, shapes = tail, waves(drive)
    for n, wave in enumerate(shapes):
        above = f"m{k}" if n == len(shapes) - 1 else f"m{k}_{n}"
        out.append(ir.VoltageSourceElement(f"V{k}{suffix(n)}", above, below, wave, comment if n == 0 else ""))
        below = above
    return out


def _needles(term: Pulse, period: float) -> tuple[ir.Wave, ...]:
    """A repeated pulse without a top: SPICE reads width 0 as the stop time, so its pauses are the pulses.

    A pulse from `pulsed` down to `initial` for the length of the pause, and one ramp that puts right what
    comes before its first edge.
    """
    pause = period - term.rise - term.fall
    if pause <= 0.0:
        raise DeckError(
            f"drive {term!r}: a triangle without pause and top cannot be a SPICE pulse; give it a width or a "
            "longer period, or use PWL"
        )
    top = term.delay + term.rise
    pauses = ir.PulseWave(
        initial=term.pulsed, pulsed=term.initial, delay=top, rise=term.fall, fall=term.rise, width=pause, period=period
    )
    return pauses, _points([(term.delay, term.initial - term.pulsed), (top, 0.0)])


def wave_numbers(drive: Drive | None) -> tuple[tuple[str | ir.Wave, ...], tuple[float, ...]]:
    """The waveforms of a drive as their kinds and their numbers; None has neither.

    Constants and sines are "dc" and "sine"; any other waveform is its own kind and has no numbers.
    """
    if drive is None:
        return (), ()
    if type(drive) is DC:
        return ("dc",), (float(drive.level),)
    kinds: list[str | ir.Wave] = []
    numbers: list[float] = []
    for wave in waves(drive):
        match wave:
            case ir.DcWave(float(value)):
                kinds.append("dc")
                numbers.append(value)
            case ir.SinWave():
                kinds.append("sine")
                numbers += [getattr(wave, name) for name in SINE]
            case _:
                kinds.append(wave)
    return tuple(kinds), tuple(numbers)


def waves_of(kinds: Iterable[str | ir.Wave], numbers: Iterator[float]) -> list[ir.Wave]:
    """The waveforms behind what `wave_numbers` returned; takes their numbers from the iterator."""
    out: list[ir.Wave] = []
    for kind in kinds:
        if kind == "dc":
            out.append(ir.DcWave(next(numbers)))
        elif kind == "sine":
            out.append(ir.SinWave(**{name: next(numbers) for name in SINE}))
        else:
            assert not isinstance(kind, str)
            out.append(kind)
    return out


@functools.singledispatch
def waves_of_term(term: Drive) -> tuple[ir.Wave, ...]:
    """The waveforms whose sum is one drive. A drive's type registers its own."""
    raise DeckError(
        f"drive {term!r} has no SPICE waveform; register one with waves_of_term in circuit/lower/drive_waves.py"
    )


@waves_of_term.register
def _sine(term: Sine) -> tuple[ir.Wave, ...]:
    wave = ir.SinWave(
        offset=float(term.offset),
        amplitude=float(term.amplitude),
        frequency=float(term.frequency),
        delay=float(term.delay),
        phase=math.degrees(term.phase),
    )
    return (wave,)


@waves_of_term.register
def _pulse(term: Pulse) -> tuple[ir.Wave, ...]:
    if term.period is not None and term.width == 0.0:
        return _needles(term, term.period)
    if term.period is not None:
        return (ir.PulseWave(**{name: float(getattr(term, name)) for name in PULSE}),)
    x = [term.delay, term.rise, term.width, term.fall]
    corners = [sum(x[: k + 1]) for k in range(4)]
    points = list(zip(corners, (term.initial, term.pulsed, term.pulsed, term.initial), strict=True))
    if term.width == 0.0:
        del points[2]
    return (_points(points),)


@waves_of_term.register
def _pwl(term: PWL) -> tuple[ir.Wave, ...]:
    return (_points(list(zip(term.times, term.values, strict=True))),)


def _points(points: list[tuple[float, float]]) -> ir.Wave:
    """A point at t = 0 always stands first, because simulators differ on what comes before one."""
    if points[0][0] > 0.0:
        points = [(0.0, points[0][1]), *points]
    return ir.PwlWave(tuple((float(t), float(v)) for t, v in points))
