"""Source waveforms: the arguments of SIN, PULSE, PWL, EXP with the defaults of the dialect filled in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.reader.card_values import CardValues
from spicebridge.circuit.reader.parsed_cards import Assignment, Part, Plain, Quoted, Raw
from spicebridge.expressions.tokens import Token
from spicebridge.expressions.tree import Binary, Number, Value, as_expression

SIN_FIELDS = ("offset", "amplitude", "frequency", "delay", "damping", "phase")
PULSE_FIELDS = ("initial", "pulsed", "delay", "rise", "fall", "width", "period")
EXP_FIELDS = ("initial", "pulsed", "rise_delay", "rise_tau", "fall_delay", "fall_tau")


def read_wave(reader: CardValues, head: Token, parts: tuple[Raw | Part, ...]) -> ir.Wave:
    """Return the wave of a source card; raises located `DeckError`.

    What has no effect in a transient is left out with a note: small-signal (AC) values, and a constant beside
    a waveform, which simulators use for the plain operating point only.
    """
    direct: Value | None = None
    shape: Part | None = None
    for part in parts:
        if isinstance(part, (Plain, Quoted)):
            direct = reader.constant(part)
        elif part.kind == "ac":
            reader.note(part.token, f"{head.text}: the small-signal value was left out, a transient does not use it")
        elif part.kind == "dc":
            if direct is not None:
                reader.fail(part.token, f"{head.text}: a second constant value; keep one")
            direct = reader.constant(part.values[0])
        elif shape is not None:
            reader.fail(part.token, f"{head.text}: a second waveform; keep one")
        else:
            shape = part
    if shape is None:
        return ir.DcWave(0.0 if direct is None else direct)
    wave: ir.Wave = _SHAPES[shape.kind](reader, head, shape)
    if direct is not None:
        reader.note(
            shape.token,
            f"{head.text}: the constant beside {shape.token.text} was left out, a transient does not use it",
        )
    return wave


def _arguments(reader: CardValues, head: Token, part: Part, names: tuple[str, ...]) -> list[Value | None]:
    values: list[Value | None] = [reader.constant(raw) for raw in part.values]
    if len(values) > len(names):
        extra = part.values[len(names)].token
        reader.fail(
            extra, f"{head.text}: {part.token.text} takes {len(names)} values ({' '.join(names)}); remove the rest"
        )
    if len(values) < 2:
        reader.fail(part.token, f"{head.text}: {part.token.text} needs at least {names[0]} and {names[1]}")
    return values + [None] * (len(names) - len(values))


def _from_tran(reader: CardValues, head: Token, part: Part, name: str, which: str) -> float:
    """What ngspice puts for a time that is missing or zero: the step or the stop of .tran."""
    tran = reader.tran
    if tran is None or reader.dialect.single_pulse:
        reader.fail(part.token, f"{head.text}: {part.token.text} needs its {name}, greater than zero; write it")
    return tran.step if which == "step" else tran.stop


def _sin(reader: CardValues, head: Token, part: Part) -> ir.Wave:
    offset, amplitude, frequency, delay, damping, phase = _arguments(reader, head, part, SIN_FIELDS)
    if frequency is None or frequency == 0.0:
        frequency = 1.0 / _from_tran(reader, head, part, "frequency", "stop")
    return ir.SinWave(
        offset=offset or 0.0,
        amplitude=amplitude or 0.0,
        frequency=frequency,
        delay=delay or 0.0,
        damping=damping or 0.0,
        phase=phase or 0.0,
    )


MOST_PULSES = 10_000
"""Largest number of counted pulses."""


def _counted_pulses(reader: CardValues, head: Token, part: Part) -> ir.Wave | None:
    """LTspice's pulses that end: one without a period, a step without a width, or as many as are counted."""
    names = (*PULSE_FIELDS, "cycles")
    initial, pulsed, delay, rise, fall, width, period, cycles = _arguments(reader, head, part, names)
    count = 1.0 if not period else cycles
    if count is None or (period and cycles == 0.0):
        return None
    if not isinstance(count, float) or not 1.0 <= count <= MOST_PULSES or not count.is_integer():
        reader.fail(part.token, f"{head.text}: the number of cycles must be a whole number up to {MOST_PULSES}")
    if not rise:
        _from_tran(reader, head, part, "rise", "step")
    low, high, start = initial or 0.0, pulsed or 0.0, delay or 0.0
    points: list[tuple[Value, Value]] = []
    for number in range(int(count)):
        begin = start if number == 0 else _plus(start, _times(float(number), period or 0.0))
        top = _plus(begin, rise or 0.0)
        points += [(begin, low), (top, high)]
        if width:
            if not fall:
                _from_tran(reader, head, part, "fall", "step")
            down = _plus(top, width)
            points += [(down, high), (_plus(down, fall or 0.0), low)]
    times = [t for t, _ in points if isinstance(t, float)]
    if any(b <= a for a, b in itertools.pairwise(times)):
        reader.fail(part.token, f"{head.text}: a pulse is longer than its period")
    return ir.PwlWave(tuple(points))


def _plus(a: Value, b: Value) -> Value:
    return a + b if isinstance(a, float) and isinstance(b, float) else Binary("+", as_expression(a), as_expression(b))


def _times(a: float, b: Value) -> Value:
    return a * b if isinstance(b, float) else Binary("*", Number(a), b)


def _pulse(reader: CardValues, head: Token, part: Part) -> ir.Wave:
    if reader.dialect.single_pulse:
        counted = _counted_pulses(reader, head, part)
        if counted is not None:
            return counted
    values = _arguments(reader, head, part, PULSE_FIELDS)
    endless, once = not values[5], not values[6]
    for k, which in ((3, "step"), (4, "step"), (5, "stop"), (6, "stop")):
        if values[k] is None or values[k] == 0.0:
            values[k] = _from_tran(reader, head, part, PULSE_FIELDS[k], which)
    initial, pulsed, delay, rise, fall, width, period = (v or 0.0 for v in values)
    if once and endless:
        # Width and period are as long as the run: a step, whose end is never met.
        return ir.PwlWave(((delay, initial), (_plus(delay, rise), pulsed)))
    return ir.PulseWave(initial=initial, pulsed=pulsed, delay=delay, rise=rise, fall=fall, width=width, period=period)


def _exp(reader: CardValues, head: Token, part: Part) -> ir.Wave:
    values = _arguments(reader, head, part, EXP_FIELDS)
    for k in (2, 3, 5):
        # A delay of zero is one step to ngspice, and zero to LTspice.
        if values[k] is None or (values[k] == 0.0 and (k != 2 or reader.ngspice)):
            values[k] = _from_tran(reader, head, part, EXP_FIELDS[k], "step")
    if values[4] is None or (values[4] == 0.0 and reader.ngspice):
        if not isinstance(values[2], float):
            reader.fail(part.token, f"{head.text}: {part.token.text} needs its fall_delay; write it")
        values[4] = values[2] + _from_tran(reader, head, part, EXP_FIELDS[4], "step")
    initial, pulsed, rise_delay, rise_tau, fall_delay, fall_tau = (v or 0.0 for v in values)
    return ir.ExpWave(
        initial=initial,
        pulsed=pulsed,
        rise_delay=rise_delay,
        rise_tau=rise_tau,
        fall_delay=fall_delay,
        fall_tau=fall_tau,
    )


def _pwl(reader: CardValues, head: Token, part: Part) -> ir.Wave:
    if len(part.values) < 2 or len(part.values) % 2:
        reader.fail(part.token, f"{head.text}: PWL takes pairs of time and value; one is missing")
    points: list[tuple[Value, Value]] = []
    last: Value = float("-inf")
    for when, what in zip(part.values[0::2], part.values[1::2], strict=True):
        time = reader.constant(when)
        if when.token.text.startswith("+"):
            if reader.dialect.name != "ltspice":
                reader.fail(when.token, f"{head.text}: relative times are LTspice's; write times from the start")
            time = _plus(last if points else 0.0, time)
        if isinstance(time, float) and isinstance(last, float) and time <= last:
            reader.fail(when.token, f"{head.text}: PWL times must increase")
        points.append((time, reader.constant(what)))
        last = time
    return ir.PwlWave(tuple(points))


def repeated(reader: CardValues, head: Token, wave: ir.Wave, given: dict[str, Assignment]) -> ir.Wave:
    """ngspice's PWL(…) td= r=: later by td, and again from the time r on, up to the end of .tran."""
    values = {key: reader.constant(part.value) for key, part in given.items()}
    first = next(iter(given.values())).name
    numbers = [x for point in (wave.points if isinstance(wave, ir.PwlWave) else ()) for x in point]
    if not numbers or not all(isinstance(x, float) for x in (*numbers, *values.values())):
        reader.fail(first, f"{head.text}: option {first.text!r} is read behind PWL, all of it numbers")
    points = [(float(t), float(y)) for t, y in zip(numbers[::2], numbers[1::2], strict=True)]  # type: ignore[arg-type]
    delay, again = float(values.get("td", 0.0)), values.get("r", -1.0)  # type: ignore[arg-type]
    if again >= 0.0:
        stop = _from_tran(reader, head, Part("pwl", first, ()), "end", "stop")
        loop = [point for point in points if point[0] >= again]
        if len(loop) < 2 or loop[0][0] != again or loop[0][1] != loop[-1][1]:
            reader.fail(first, f"{head.text}: r= must be the time of a point, with the value that the last point has")
        period = loop[-1][0] - again
        rounds = math.ceil((stop - delay - points[-1][0]) / period)
        if rounds > MOST_PULSES:
            reader.fail(first, f"{head.text}: {rounds} repetitions up to the end of .tran; {MOST_PULSES} are the most")
        points += [(t + (k + 1) * period, y) for k in range(rounds) for t, y in loop[1:]]
    return ir.PwlWave(tuple((t + delay, y) for t, y in points))


_SHAPES: dict[str, Callable[[CardValues, Token, Part], ir.Wave]] = {
    "sin": _sin,
    "sine": _sin,
    "pulse": _pulse,
    "pwl": _pwl,
    "exp": _exp,
}
