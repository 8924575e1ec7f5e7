"""The checks, each one question with a measured answer.

They are what the literature reports to break memristor models: Wang and Roychowdhury (arXiv:1605.04897) on
well-posedness, Biolek, Di Ventra and Pershin (Radioengineering 22, 2013, 945) on SPICE practice, and the
fingerprints of Adhikari et al. (IEEE TCAS-I 60, 2013, 3008): a loop pinched at the origin whose area falls
with frequency. Circuit numbers come from SPICE waveforms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import spicebridge as sb
from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, RunFailed, SimulatorDied
from spicebridge.laws import LawDevice
from spicebridge.modelcheck.component import forced, held, lifted
from spicebridge.modelcheck.jumps import jumps
from spicebridge.modelcheck.model_under_test import PATIENCE, Subject
from spicebridge.modelcheck.recorded_waveforms import compare
from spicebridge.modelcheck.result import CheckUp, Curve, Grade, Result, Traces
from spicebridge.modelcheck.twins import subcircuit_points, veriloga_twin

Progress = Callable[[str], None]

POINTS = 2000
"""Step ceilings per period in the checks that measure curves."""
PINCH = 1e-3
"""Current left where the voltage crosses zero, relative to its maximum, that counts as pinched. A linear
interpolation between 2,000 points a period leaves 1e-5."""
LEAK = 1e-6
"""Overshoot of a bound that counts as held; the clamps of hard bounds overshoot by 1e-11."""
HALVINGS = 3
"""Step ceilings tried: a leak is what refinement does not remove."""
STUCK = 1e-3
"""Movement of a state in half a period that counts as having left its bound, relative to the free one."""
START = 1e-6
"""Relative error of the first current, and error of the first state, that count as none. ngspice holds a state
into which the current of a branch flows by 1e10 S only."""
FLOATING = 1e-6
"""Part of the current, or of the rate, that may depend on the potential of both terminals, or on the time."""
HELD_PERIODS, HELD_STEPS = 4, 40
"""Periods of the drive over which voltage and state are held, and the steps in them."""
SLOPE = 1e-6
"""Relative difference of analytic and numerical derivatives that counts as equal."""


def check_model(
    subject: Subject, *, engine: str = "ngspice", reference: Path | None = None, progress: Progress | None = None
) -> CheckUp:
    """Run every check, and with `reference` hold the model against what `reference.record` wrote there.

    A check whose run fails is a FAIL with the reason; a missing simulator raises.
    """
    say: Progress = progress or (lambda message: None)
    if subject.problem:
        question = "Does the model forget everything but its state?"
        return CheckUp(subject, (Result("hidden state", question, Grade.FAIL, subject.problem),), engine)
    results = []

    def recorded_reference(subject: Subject, engine: str) -> Result:
        """Does the model move as it did when its reference was recorded?"""
        assert reference is not None
        return compare(subject, engine, reference)

    for check in (*CHECKS, *(() if reference is None else (recorded_reference,))):
        say(check.__name__.replace("_", " "))
        try:
            results.append(check(subject, engine))
        except (RunFailed, SimulatorDied) as error:
            name = check.__name__.replace("_", " ")
            question = (check.__doc__ or "").splitlines()[0]
            results.append(Result(name, question, Grade.FAIL, f"the run failed: {error}"))
    return CheckUp(subject, tuple(results), engine)


def _run(
    subject: Subject,
    engine: str,
    *,
    periods: float = 2.0,
    frequency: float | None = None,
    finer: int = 1,
    **changes: Any,
) -> Any:
    f = frequency or subject.frequency
    drive = changes.pop("drive", sb.Sine(subject.amplitude, f))
    return subject.run(engine, stop=periods / f, step=1 / f / (POINTS * finer), drive=drive, **changes)


def _crossings(t: Array, x: Array, *others: Array) -> tuple[Array, list[Array]]:
    """Times of sign changes of x well inside the span, and the other signals there, by straight lines."""
    k = np.flatnonzero((x[:-1] * x[1:] < 0) & (t[1:] > 0.01 * t[-1]) & (t[1:] < 0.99 * t[-1]))
    part = x[k] / (x[k] - x[k + 1])
    return t[k] + part * (t[k + 1] - t[k]), [y[k] + part * (y[k + 1] - y[k]) for y in others]


def pinched_loop(subject: Subject, engine: str) -> Result:
    """Does the v-i loop pass through the origin, so that no voltage means no current?"""
    waves = _run(subject, engine)
    v, i = waves.voltage[:, 0], waves.current[:, 0]
    times, (left,) = _crossings(waves.t, v, i)
    if times.size == 0:
        return Result("pinched loop", _question(pinched_loop), Grade.FAIL, "the voltage never crosses zero")
    size = float(np.abs(left).max(initial=0.0) / np.abs(i).max())
    grade = Grade.PASS if size <= PINCH else Grade.FAIL
    plot = Traces("voltage (V)", "current (A)", (Curve(v, i),))
    return Result(
        "pinched loop", _question(pinched_loop), grade, f"{size:.1e} of the largest current is left at v = 0",
        {"current at v = 0": size}, plot,
    )  # fmt: skip


def zero_crossing(subject: Subject, engine: str) -> Result:
    """Do current and voltage cross zero at the same instants?"""
    waves = _run(subject, engine)
    tv, _ = _crossings(waves.t, waves.voltage[:, 0])
    ti, _ = _crossings(waves.t, waves.current[:, 0])
    if tv.size != ti.size or tv.size == 0:
        return Result(
            "zero crossing", _question(zero_crossing), Grade.FAIL,
            f"the voltage crosses zero {tv.size} times and the current {ti.size} times",
        )  # fmt: skip
    gap = float(np.abs(tv - ti).max(initial=0.0) / subject.period)
    grade = Grade.PASS if gap <= PINCH else Grade.FAIL
    finding = f"the instants differ by at most {gap:.1e} of a period"
    return Result("zero crossing", _question(zero_crossing), grade, finding, {"gap": gap})


FASTEST = 4.0**9
"""Largest multiple of the frequency at which a loop is looked at."""


def _fallen(areas: Sequence[float]) -> bool:
    """Whether the area falls from its largest on, at least twice, and to less than half."""
    top = int(np.argmax(areas))
    return bool(len(areas) >= top + 3 and (np.diff(areas[top:]) < 0).all() and areas[-1] < 0.5 * areas[top])


def loop_area(subject: Subject, engine: str) -> Result:
    """Does the area of the loop fall with frequency, until only a line is left?"""
    factors = [1.0, 4.0, 16.0, 64.0]
    areas: list[float] = []
    for factor in factors:
        waves = _run(subject, engine, periods=2.0, frequency=subject.frequency * factor)
        last = waves.t >= 0.5 * waves.t[-1]
        v, i = waves.voltage[last, 0], waves.current[last, 0]
        lobes = np.sign(v[:-1] + v[1:]) * 0.5 * (i[:-1] * v[1:] - i[1:] * v[:-1])
        areas.append(float(np.abs(lobes.sum()) / (np.ptp(v) * np.ptp(i))))
        # A fast or volatile state follows slow drives without a loop; its fall begins beyond its own rate.
        if factor == factors[-1] < FASTEST and not _fallen(areas):
            factors.append(4.0 * factor)
    area = np.array(areas)
    falling = _fallen(areas)
    plot = Traces(
        "frequency (Hz)",
        "lobe area / bounding box",
        (Curve(subject.frequency * np.array(factors), area),),
        logarithmic=True,
    )
    return Result(
        "loop area", _question(loop_area), Grade.PASS if falling else Grade.FAIL,
        f"from {area[0]:.1e} at {subject.frequency:g} Hz to {area[-1]:.1e} at {factors[-1] * subject.frequency:g} Hz",
        {f"area at {f:g} f": a for f, a in zip(factors, areas, strict=True)}, plot,
    )  # fmt: skip


def bound_sticking(subject: Subject, engine: str) -> Result:
    """Does a state that stands on a bound leave it when the drive turns inward?"""
    half = 0.5 / subject.frequency
    low, high = subject.state_range
    moved: dict[float, float] = {}
    free: dict[float, float] = {}
    died: dict[float, str] = {}
    for start in (low, high):
        best = 0.0
        for sign in (1.0, -1.0):
            for s0, table in ((start, moved), (0.5 * (low + high), free)):
                drive = sb.Sine(sign * subject.amplitude, subject.frequency)
                try:
                    waves = _run(subject, engine, periods=0.5, drive=drive, initial_state=s0)
                except NetworkError:
                    continue
                except RunFailed as error:
                    died[s0] = f"the run from {s0:g} ended: {error}".splitlines()[0]
                    continue
                inward = waves.state[:, 0] - s0 if start == low else s0 - waves.state[:, 0]
                best = float(inward.max())
                table[start] = max(table.get(start, 0.0), best)
    stuck = [s for s in moved if moved[s] < STUCK * max(free.get(s, 0.0), 1e-12)]
    refused = [s for s in (low, high) if s not in moved and s not in died]
    words = [f"{moved[s]:.2e} from {s:g} in {half:.3g} s (free: {free.get(s, 0.0):.2e})" for s in moved]
    words += [f"a start at {s:g} is not possible" for s in refused] + list(died.values())
    killed = bool(died) and not _unbounded(subject)
    grade = Grade.FAIL if killed else Grade.NOTE if stuck or refused or died else Grade.PASS
    if stuck:
        words.append("states stick at " + " and ".join(f"{s:g}" for s in stuck))
    return Result(
        "bound sticking", _question(bound_sticking), grade, "; ".join(words),
        {f"moved from {s:g}": m for s, m in moved.items()},
    )  # fmt: skip


def bound_leak(subject: Subject, engine: str) -> Result:
    """Do the bounds hold under a drive four times as strong and ten times as slow?"""
    drive = sb.Sine(4 * subject.amplitude, subject.frequency / 10)
    name, question = "bound leak", _question(bound_leak)
    low, high = subject.state_range
    words, before = [], np.inf
    for halving in range(HALVINGS):
        try:
            waves = _run(subject, engine, frequency=subject.frequency / 10, drive=drive, finer=2**halving)
        except RunFailed as error:
            ended = f"the run ended: {error}".splitlines()[0]
            if _unbounded(subject):
                return Result(name, question, Grade.NOTE, f"no window keeps R(s) from zero beyond [0, 1]; {ended}")
            return Result(name, question, Grade.FAIL, ended)
        state = waves.state[:, 0]
        over = float(max(state.max() - high, low - state.min(), 0.0)) / (high - low)
        words.append(f"{over:.1e} at {POINTS * 2**halving} steps a period")
        if over <= LEAK or (not subject.bounded and over > 0.9 * before):
            break
        before = over
    grade = Grade.PASS if over <= LEAK else Grade.FAIL if subject.bounded else Grade.NOTE
    plot = Traces("time (s)", "state", (Curve(waves.t, state),))
    covers = f"it covers {state.min():.4g} to {state.max():.4g}"
    finding = f"the state leaves [{low:g}, {high:g}] by {', '.join(words)}; {covers}"
    if isinstance(subject.device, LawDevice):
        finding += subject.device.meaning()
        if subject.device.definition.state.low is None:
            finding = f"the law gives its state no range; {covers}"
    return Result(name, question, grade, finding, {"overshoot": over}, plot)


def _unbounded(subject: Subject) -> bool:
    """Whether it is a law that says itself that nothing bounds its state, and whose resistance vanishes outside."""
    device = subject.device
    if device is None or subject.bounded or not device.ohmic:
        return False
    return bool((device.resistance(np.linspace(-2.0, 3.0, 501)) <= 0.0).any())


def step_sensitivity(subject: Subject, engine: str) -> Result:
    """How small must the step ceiling be, and does the error then fall at second order?"""
    stop = 2 * subject.period
    name, question = "step ceiling", _question(step_sensitivity)
    counts = np.array([25, 100, 400, 1600, 6400])
    if subject.device is None:
        # Without a law the finest run stands for it; it is 16 times more accurate than the next one.
        finest = subject.run(engine, stop=stop, step=subject.period / 4 / counts[-1])
        reference: Callable[[Array], Array] = lambda t: finest.resample(np.minimum(t, finest.t[-1])).state  # noqa: E731
    else:
        from spicebridge.theory import solve

        exact = solve(subject.network(), stop, rtol=1e-11, atol=1e-13)
        if not exact.complete:
            return Result(name, question, Grade.FAIL, f"theory: {exact.reason}")
        reference = exact
    errors = []
    for n in counts:
        try:
            waves = subject.run(engine, stop=stop, step=subject.period / n)
        except (RunFailed, SimulatorDied):
            errors.append(math.inf)
            continue
        errors.append(float(np.abs(waves.state - reference(waves.t)).max()))
    error = np.array(errors)
    order = float(np.log(error[-2] / error[-1]) / np.log(4.0)) if 0 < error[-1] < error[-2] < math.inf else math.nan
    enough = counts[error <= 1e-4]
    grade = Grade.PASS if enough.size and (order >= 1.0 or error[-1] < 1e-8) else Grade.FAIL
    first = f"are off by {error[0]:.1e}" if np.isfinite(error[0]) else "end in a failed run"
    need = f"{enough[0]} steps a period give 1e-4" if enough.size else "1e-4 was not reached"
    there = np.isfinite(error)
    curve = Curve(counts[there].astype(float), error[there])
    plot = Traces("steps per period", "largest error of the state", (curve,), logarithmic=True)
    return Result(
        name, question, grade, f"{need}; 25 steps a period {first}; order {order:.2f} at the end",
        {"order": order, **{f"error at {n}": e for n, e in zip(counts.tolist(), errors, strict=True)}}, plot,
    )  # fmt: skip


def operating_point(subject: Subject, engine: str) -> Result:
    """Does a constant source start at the current and the state that the model says, from the first row on?"""
    level = 0.5 * subject.amplitude
    waves = _run(subject, engine, periods=0.01, drive=sb.DC(level))
    s = np.array([subject.initial_state])
    law, _ = _law(subject, np.array([level]), s, engine)
    gap = float(np.abs(waves.current[0, 0] - law[0]) / max(abs(law[0]), 1e-300))
    start = float(np.abs(waves.state[0, 0] - s[0]))
    grade = Grade.PASS if gap <= START and start <= START else Grade.FAIL
    finding = f"the current at t = 0 is off by {gap:.1e}, the initial state by {start:.1e}"
    return Result("operating point", _question(operating_point), grade, finding, {"current": gap, "state": start})


def at_the_bounds(subject: Subject, engine: str) -> Result:
    """Are conduction and rate finite and sound at both ends of the state?"""
    problems, numbers = [], {}
    v = np.array([-1.0, -0.1, 0.1, 1.0]) * subject.amplitude
    low, high = subject.state_range
    for end in (low, high):
        i, rate = _law(subject, v, np.full(4, end), engine)
        numbers[f"i(amplitude) at {end:g}"] = float(i[-1])
        if not (np.isfinite(i).all() and np.isfinite(rate).all()):
            problems.append(f"not finite at {end:g}")
        elif (i * v < 0).any():
            problems.append(f"power is generated at {end:g}")
        elif (i == 0).all():
            problems.append(f"nothing conducts at {end:g}, so nothing can bring a current-driven state back")
        outward = (rate > 0) if end == high else (rate < 0)
        if subject.bounded and outward.any():
            problems.append(f"the rate points outward at {end:g} although the window is to hold it")
    silent = all("nothing conducts" in p for p in problems)
    grade = Grade.PASS if not problems else Grade.NOTE if silent else Grade.FAIL
    finding = "; ".join(problems) or "finite, dissipating, not pointing outward where a window holds"
    return Result("at the bounds", _question(at_the_bounds), grade, finding, numbers)


def no_jump(subject: Subject, engine: str) -> Result:
    """Do current and rate go without a jump from one value to the next?"""
    return jumps(subject, lambda v, s: _law(subject, v, s, engine), _question(no_jump))


def floating(subject: Subject, engine: str) -> Result:
    """Does only the difference between the terminals count, and does no current go to ground?"""
    v = np.array([-1.0, -0.3, 0.5, 0.9]) * subject.amplitude  # unequal, so that leaks do not cancel
    s = np.full(4, float(np.mean(subject.state_range)))
    i, rate, leak = lifted(subject.component, v, s, engine)
    other_i, other_rate, _ = lifted(subject.component, v, s, engine, lift=-subject.amplitude)
    size, speed = float(np.abs(i).max()), float(np.abs(rate).max())
    moved = max(
        float(np.abs(other_i - i).max()) / (size or 1.0),
        float(np.abs(other_rate - rate).max()) / (speed or 1.0),
    )
    lost = leak / (size or 1.0)
    grade = Grade.PASS if moved <= FLOATING and lost <= FLOATING else Grade.FAIL
    finding = f"lifting both terminals changes current or rate by {moved:.1e}; {lost:.1e} of the current goes to ground"
    return Result("floating", _question(floating), grade, finding, {"changed": moved, "lost": lost})


def autonomous(subject: Subject, engine: str) -> Result:
    """Do voltage and state alone decide, and not the time?"""
    v = np.array([-1.0, -0.3, 0.5, 0.9]) * subject.amplitude
    s = np.full(4, float(np.mean(subject.state_range)))
    i, rate = held(subject.component, v, s, engine, HELD_PERIODS * subject.period, HELD_STEPS)
    moved = max(
        float(np.abs(values - values[0]).max()) / (float(np.abs(values[0]).max()) or 1.0) for values in (i, rate)
    )
    grade = Grade.PASS if moved <= FLOATING else Grade.FAIL
    finding = f"current or rate change by {moved:.1e} over {HELD_PERIODS} periods at one voltage and state"
    return Result("no clock", _question(autonomous), grade, finding, {"changed": moved})


def jacobian(subject: Subject, engine: str) -> Result:
    """Are the analytic derivatives those of the law?"""
    device = subject.device
    if device is None:
        return Result("Jacobian", _question(jacobian), Grade.SKIP, f"skipped, because {subject.no_law}")
    rng = np.random.default_rng(1)
    n = 400
    low, high = subject.state_range
    s = low + (high - low) * rng.uniform(0.02, 0.98, n)
    v = rng.uniform(-1, 1, n) * subject.amplitude
    one = np.ones(n)
    worst: dict[str, float] = {}

    def compare(what: str, analytic: Array, f: Callable[[Array], Array], x: Array, scale: float) -> None:
        h = 1e-5 * scale
        numeric = (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)
        # Kinks of a law spoil a difference, not a derivative: the median over points is what is judged.
        size = np.abs(numeric).max() or 1.0
        worst[what] = float(np.median(np.abs(analytic - numeric)) / size)

    if device.ohmic:
        compare("dR/ds", device.resistance_slope(s), device.resistance, s, high - low)
    else:
        di_dv, di_ds = device.current_partials(v, s)
        compare("di/dv", di_dv, lambda x: device.current(x, s), v, subject.amplitude)
        compare("di/ds", di_ds, lambda x: device.current(v, x), s, high - low)
    if hasattr(device, "rate_partials"):
        i = _current(device, v, s)
        d_s, d_v, d_i = device.rate_partials(s, v, i, one, one)
        compare("dF/ds", d_s, lambda x: device.rate(x, v, i, one, one), s, high - low)
        compare("dF/dv", d_v, lambda x: device.rate(s, x, i, one, one), v, subject.amplitude)
        compare("dF/di", d_i, lambda x: device.rate(s, v, x, one, one), i, float(np.abs(i).max()))
    largest = max(worst.values())
    grade = Grade.PASS if largest <= SLOPE else Grade.FAIL
    finding = f"{', '.join(worst)} against differences: {largest:.1e}"
    return Result("Jacobian", _question(jacobian), grade, finding, worst)


def branches_agree(subject: Subject, engine: str) -> Result:
    """Do the SPICE subcircuit and the Python law give the same waveforms?"""
    name, question = "subcircuit and Python", _question(branches_agree)
    if subject.device is None:
        return Result(name, question, Grade.SKIP, f"skipped, because {subject.no_law}")
    verdict = sb.validate(
        subject.network(), [0.0, 2 * subject.period], engine=engine, form="readable", tolerance=1e-4,
        timeout=PATIENCE, transform=subject.transform,
    )  # fmt: skip
    grades = {sb.Outcome.AGREES: Grade.PASS, sb.Outcome.DISAGREES: Grade.FAIL, sb.Outcome.UNRESOLVED: Grade.NOTE}
    numbers = {"E": verdict.max_error, "U": verdict.uncertainty}
    plot = None
    if verdict.spice is not None and verdict.theory is not None:
        curves = (
            Curve(verdict.theory.t, verdict.theory.state[:, 0], "Python law"),
            Curve(verdict.spice.t, verdict.spice.state[:, 0], "subcircuit"),
        )
        plot = Traces("time (s)", "state", curves)
    return Result(name, question, grades[verdict.outcome], verdict.reason, numbers, plot)


def _law(subject: Subject, v: Array, s: Array, engine: str) -> tuple[Array, Array]:
    """i (A) and ds/dt (1/s) with bounds, of the law, or of the subcircuit where there is none."""
    if subject.device is None:
        return forced(subject.component, v, s, engine)
    one = np.ones(v.size)
    i = _current(subject.device, v, s)
    return i, np.asarray(subject.device.rate(s, v, i, one, one))


def _current(device: Any, v: Array, s: Array) -> Array:
    return np.asarray(v / device.resistance(s) if device.ohmic else device.current(v, s))


def _question(check: Callable[..., object]) -> str:
    return (check.__doc__ or "").splitlines()[0]


CHECKS: tuple[Callable[[Subject, str], Result], ...] = (
    pinched_loop,
    zero_crossing,
    loop_area,
    bound_sticking,
    bound_leak,
    step_sensitivity,
    operating_point,
    at_the_bounds,
    no_jump,
    floating,
    autonomous,
    jacobian,
    subcircuit_points,
    branches_agree,
    veriloga_twin,
)
