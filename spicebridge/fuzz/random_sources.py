"""Specimens that are one source, or one first row: what stands at every time point by definition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects import get_dialect
from spicebridge.fuzz.specimen import OURS, PLAIN, NoAnswer, Outcome, Run, Specimen, WrongValue, compare

STOP, STEP = 1.0, 0.01
RTOL = 1e-9


@dataclass(frozen=True)
class FuzzedSource:
    """A voltage source of a random waveform at node a."""

    dialect: str
    wave: ir.Wave

    kind = "source"
    spelling = OURS

    def check(self, run: Run) -> Outcome:
        record = run(self.deck("source"), ("v(a)",), STOP)
        if isinstance(record, NoAnswer):
            return record
        right = wave_value(self.wave, record.time)
        return compare({"v(a)": (record.vector("v(a)"), right)}, record.time, 0.0, RTOL * 10.0)

    def deck(self, remark: str) -> str:
        # Behavioural sources follow time exactly only at the solution of an iteration.
        deck = ir.Deck(
            title=remark,
            elements=(ir.VoltageSourceElement("V1", "a", "0", self.wave), ir.ResistorElement("R1", "a", "0", 1.0)),
            options=(("reltol", 1e-9), ("vntol", 1e-12)),
            transient=ir.Transient(step=STEP, stop=STOP, start=0.0, max_step=STEP),
            save=("v(a)",),
        )
        return get_dialect(self.dialect).format_deck(deck)

    def smaller(self) -> Iterator[Specimen]:
        if isinstance(self.wave, ir.SinWave):
            for name in ("delay", "damping", "phase", "offset"):
                if getattr(self.wave, name):
                    yield replace(self, wave=replace(self.wave, **{name: 0.0}))

    def repairs(self) -> Mapping[str, Specimen]:
        return {}

    def shape(self) -> str:
        given = [f.name for f in fields(self.wave) if getattr(self.wave, f.name)]
        return f"{type(self.wave).__name__}({','.join(given)})"


def random_source(rng: np.random.Generator, dialect: str) -> FuzzedSource:
    """SIN, PULSE or EXP with random fields."""

    def number(*choices: float) -> float:
        return float(rng.choice(choices))

    wave: ir.Wave
    match int(rng.integers(0, 4)):
        case 0:
            wave = ir.PulseWave(
                initial=number(0.0, 0.5, -1.0),
                pulsed=number(1.0, 2.0),
                delay=number(0.0, 0.1),
                rise=number(0.02, 0.05),
                fall=number(0.02, 0.1),
                width=number(0.1, 0.15),
                period=number(0.4, 0.5),
            )
        case 1:
            start = number(0.0, 0.1)
            wave = ir.ExpWave(
                initial=number(0.0, 1.0),
                pulsed=number(2.0, -1.0),
                rise_delay=start,
                rise_tau=number(0.1, 0.2),
                fall_delay=start + number(0.2, 0.4),
                fall_tau=number(0.1, 0.3),
            )
        case _:
            wave = ir.SinWave(
                offset=number(0.0, 0.5),
                amplitude=number(1.0, -2.0),
                frequency=number(1.0, 2.5),
                delay=number(0.0, 0.0, 0.2),
                damping=number(0.0, 0.0, 1.5),
                phase=number(0.0, 30.0, 90.0, -120.0),
            )
    return FuzzedSource(dialect, wave)


def wave_value(wave: ir.Wave, t: Array) -> Array:
    """The waveform at times t (n_t,): a sine holds its phase before the delay, a pulse repeats."""
    given = {f.name: float(getattr(wave, f.name)) for f in fields(wave)}
    if isinstance(wave, ir.SinWave):
        return _sine(t, **given)
    return _pulse(t, **given) if isinstance(wave, ir.PulseWave) else _exponential(t, **given)


def _sine(
    t: Array, *, offset: float, amplitude: float, frequency: float, delay: float, damping: float, phase: float
) -> Array:
    since = np.maximum(t - delay, 0.0)
    turn = 2 * math.pi * frequency * since + math.radians(phase)
    return np.asarray(offset + amplitude * np.exp(-damping * since) * np.sin(turn))


def _pulse(
    t: Array, *, initial: float, pulsed: float, delay: float, rise: float, fall: float, width: float, period: float
) -> Array:
    since = np.where(t < delay, 0.0, np.mod(t - delay, period))
    # A rounding before the next period is that period's beginning.
    since = np.where(period - since < 1e-12, 0.0, since)
    corners = np.cumsum([0.0, rise, width, fall])
    return np.interp(since, corners, [initial, pulsed, pulsed, initial])


def _exponential(
    t: Array, *, initial: float, pulsed: float, rise_delay: float, rise_tau: float, fall_delay: float, fall_tau: float
) -> Array:
    rise = 1.0 - np.exp(-np.maximum(t - rise_delay, 0.0) / rise_tau)
    fall = 1.0 - np.exp(-np.maximum(t - fall_delay, 0.0) / fall_tau)
    return np.asarray(initial + (pulsed - initial) * (rise - fall))


@dataclass(frozen=True, kw_only=True)
class FirstRow:
    """A capacitor from `.ic` beside a node that follows it: both have a value at t = 0 by definition.

    With `uic`, as people write it, the question is whether there is a row at t = 0 at all.
    """

    dialect: str
    start: float
    gain: float
    uic: bool
    asked: str = "values"

    kind = "first row"
    spelling = PLAIN

    def check(self, run: Run) -> Outcome:
        record = run(self.deck("first row"), ("v(c)", "v(b)"), STOP)
        if isinstance(record, NoAnswer):
            return record
        if record.time[0] != 0.0:
            return WrongValue("time of the first row", float(record.time[0]), float(record.time[0]), 0.0)
        if self.asked == "time":
            return None
        first = record.data[0]
        for name, found, right in (("v(c)", first[0], self.start), ("v(b)", first[1], self.gain * self.start)):
            if not abs(found - right) <= 1e-6 * abs(right):
                return WrongValue(name, 0.0, float(found), right)
        return None

    def deck(self, remark: str) -> str:
        uic = " uic" if self.uic else ""
        lines = [f"* {remark}", "C1 c 0 1", "R1 c 0 1", f"E1 b 0 c 0 {self.gain!r}", "R2 b 0 1"]
        lines += [f".ic v(c)={self.start!r}", ".save v(c) v(b)", f".tran {STEP!r} {STOP!r} 0 {STEP!r}{uic}", ".end"]
        return "\n".join(lines) + "\n"

    def smaller(self) -> Iterator[Specimen]:
        for other in (replace(self, start=1.0), replace(self, gain=2.0)):
            if other != self:
                yield other

    def repairs(self) -> Mapping[str, Specimen]:
        return {"the first row under uic": replace(self, uic=False, asked="time")} if self.uic else {}

    def shape(self) -> str:
        return "at t = 0 only signals of .ic are right"
