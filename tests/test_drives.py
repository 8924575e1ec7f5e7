"""Source waveforms: the integral is the integral, SPICE's conventions hold, corners are announced."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import drives, numbers

import spicebridge as sb
from spicebridge.drives import DC, PWL, DriveBank, Pulse, Sine, Sum, terms
from spicebridge.errors import DriveError

STOP = 3.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def quadrature(drive, stop):
    """Gauss-Legendre between breakpoints: exact to rounding if these are all of them."""
    ends = np.array([0.0, *drive.breakpoints(stop), stop])
    half = 0.5 * np.diff(ends)[:, None]
    t = ends[:-1, None] + half * (NODES + 1.0)
    return float((half * WEIGHTS * drive.value(t)).sum())


@given(drives(), numbers(0.1, STOP))
def test_integral_is_the_integral_of_the_value(drive, stop):
    assert float(drive.integral(stop)) == pytest.approx(quadrature(drive, stop), abs=1e-12)
    assert float(drive.integral(0.0)) == pytest.approx(0.0, abs=1e-15)


@given(drives())
def test_the_value_is_smooth_between_breakpoints(drive):
    ends = np.array([0.0, *drive.breakpoints(STOP), STOP])
    for a, b in pairwise(ends):
        t = np.linspace(a, b, 201)[1:-1]
        h = t[1] - t[0]
        # the fastest sine sum has |S''| <= 3 (2 pi 5)^2; an unannounced corner has a second difference of
        # slope change / h, 100 times more
        assert np.abs(np.diff(drive.value(t), 2)).max() / h**2 < 3 * (2 * np.pi * 5) ** 2 + 1e-12 / h**2


@given(drives())
def test_breakpoints_ascend_inside_the_span(drive):
    times = drive.breakpoints(STOP)
    assert all(0.0 < t < STOP for t in times)
    assert all(b - a > 1e-13 for a, b in pairwise(times))


def test_a_pulse_without_rest_has_each_corner_once():
    # delay + k (rise + width + fall) and delay + fall end + (k - 1) period differ in the last bit
    drive = Pulse(0.0, 1.0, 0.05, 0.03, 0.08, 0.35, 0.03 + 0.35 + 0.08)
    gaps = np.diff(drive.breakpoints(5.0))
    assert gaps.min() > 0.029


@given(drives(), drives(), numbers(-3, 3))
def test_sum_and_scale_are_linear(first, second, factor):
    t = np.linspace(0.0, STOP, 50)
    both = (first + second).scaled(factor)
    np.testing.assert_allclose(both.value(t), factor * (first.value(t) + second.value(t)), atol=1e-12)
    np.testing.assert_allclose(both.integral(t), factor * (first.integral(t) + second.integral(t)), atol=1e-12)


def test_sums_are_flat():
    a, b, c = DC(1.0), Sine(1.0, 1.0), PWL((0.0, 1.0), (0.0, 1.0))
    assert a + b + c == a + (b + c) == Sum((a, Sum((b, c)))) == Sum((a, b, c))
    assert terms(a + b + c) == (a, b, c)
    assert terms(a) == (a,)
    assert terms(None) == ()


@given(st.lists(st.one_of(st.none(), drives()), min_size=1, max_size=6))
def test_the_bank_is_the_drives_side_by_side(sources):
    bank = DriveBank(sources)
    t = np.linspace(0.0, STOP, 40)
    zero = np.zeros_like(t)
    values = np.column_stack([zero if s is None else s.value(t) for s in sources])
    integrals = np.column_stack([zero if s is None else s.integral(t) for s in sources])
    np.testing.assert_allclose(bank(t), values, atol=1e-13)
    np.testing.assert_allclose(bank.integral(t), integrals, atol=1e-13)
    np.testing.assert_allclose(bank(t[7]), values[7], atol=1e-13)
    np.testing.assert_allclose(bank.integral(t[7]), integrals[7], atol=1e-13)
    assert bank.constant == all(isinstance(term, DC) for s in sources for term in terms(s))


@pytest.mark.parametrize("term", [DC(1.0), Sine(1.0, 1.0, phase=1.0), PWL((0.0, 1.0), (1.0, 2.0))])
def test_one_edge_may_carry_a_term_twice(term):
    bank = DriveBank([term + term, term])
    for t in (0.5, np.array([0.0, 0.5, 2.0])):
        np.testing.assert_allclose(bank(t)[..., 0], 2.0 * bank(t)[..., 1], rtol=1e-15)
        np.testing.assert_allclose(bank.integral(t)[..., 0], 2.0 * bank.integral(t)[..., 1], rtol=1e-15)


def test_a_sine_holds_its_value_until_its_delay():
    drive = Sine(amplitude=2.0, frequency=0.5, offset=0.25, phase=math.pi / 6, delay=1.0)
    np.testing.assert_allclose(drive.value([0.0, 0.5, 1.0]), 0.25 + 2.0 * 0.5, rtol=1e-15)
    # phase pi/6 + 2 pi 0.5 0.5 = 2 pi / 3
    assert drive.value(1.5) == pytest.approx(0.25 + 2.0 * math.sin(2 * math.pi / 3), rel=1e-14)
    assert drive.breakpoints(3.0) == (1.0,)
    assert drive.breakpoints(1.0) == ()


def test_a_slow_sine_is_a_straight_line():
    drive = Sine(amplitude=1.0, frequency=1e-9)
    # 1 - cos(x) computed literally has no correct digit at x = 6e-9
    assert drive.integral(1.0) == pytest.approx(math.pi * 1e-9, rel=1e-12)


def test_pulse_corners():
    drive = Pulse(-1.0, 2.0, 0.5, 0.1, 0.2, 0.3, 1.0)
    times = [0.0, 0.5, 0.55, 0.6, 0.9, 1.0, 1.1, 1.4, 1.5, 1.6, 2.1]
    values = [-1.0, -1.0, 0.5, 2.0, 2.0, 0.5, -1.0, -1.0, -1.0, 2.0, -1.0]
    np.testing.assert_allclose(drive.value(times), values, atol=1e-12)
    np.testing.assert_allclose(drive.breakpoints(1.6), [0.5, 0.6, 0.9, 1.1, 1.5], atol=1e-12)
    once = Pulse(-1.0, 2.0, 0.5, 0.1, 0.2, 0.3)
    np.testing.assert_allclose(once.value([0.7, 1.7]), [2.0, -1.0])


def test_straight_lines_are_held_at_both_ends():
    drive = PWL((1.0, 2.0), (3.0, 5.0))
    np.testing.assert_allclose(drive.value([0.0, 1.0, 1.5, 2.0, 9.0]), [3.0, 3.0, 4.0, 5.0, 5.0])
    np.testing.assert_allclose(drive.integral([1.0, 2.0, 3.0]), [3.0, 7.0, 12.0])
    single = PWL((1.0,), (2.0,))
    np.testing.assert_allclose(single.integral([0.5, 4.0]), [1.0, 8.0])


@pytest.mark.parametrize(
    ("drive", "scale"),
    [
        (DC(1.0), math.inf),
        (Sine(1.0, 4.0), 0.25),
        (Pulse(0.0, 1.0, 0.0, 0.1, 0.05, 1.0), 0.1),
        (PWL((0.0, 1.0, 1.5), (0.0, 1.0, 0.0)), 1.0),
        (PWL((0.0, 1.0, 1.5, 4.0), (0.0, 1.0, 1.0, 0.0)), 2.0),
        (DC(1.0) + Sine(1.0, 4.0), 0.25),
    ],
)
def test_timescale_is_the_shortest_change(drive, scale):
    assert drive.timescale() == scale


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DC(math.nan), "level = nan must be finite"),
        (lambda: DC("high"), "level: 'high' is no number"),
        (lambda: DC(True), "level = True must be a number"),
        (lambda: Sine(1.0, 0.0), "frequency = 0.0 must be positive"),
        (lambda: Sine(1.0, 1.0, delay=-1.0), "delay = -1.0 must not be negative"),
        (lambda: Sine(math.inf, 1.0), "amplitude = inf must be finite"),
        (lambda: Pulse(0, 1, 0, 0, 0.1, 1), "rise = 0 must be positive"),
        (lambda: Pulse(0, 1, 0, 0.1, -0.1, 1), "fall = -0.1 must be positive"),
        (lambda: Pulse(0, 1, -1, 0.1, 0.1, 1), "delay and width must not be negative"),
        (lambda: Pulse(0, 1, 0, 0.1, 0.1, 1, 1.0), "period = 1.0 must be at least"),
        (lambda: PWL((), ()), "at least 1"),
        (lambda: PWL((0, 1), (0,)), "2 times and 1 values"),
        (lambda: PWL((0, 1, 1), (0, 1, 2)), r"times\[2\] = .* follows"),
        (lambda: PWL((-1, 1), (0, 1)), "must not be negative"),
        (lambda: PWL((0, math.nan), (0, 1)), "finite"),
        (lambda: PWL((0, 1), (0, "x")), "is no number"),
        (lambda: Sum(()), "at least one drive"),
        (lambda: Sum((DC(1.0), 2.0)), "nothing else"),
    ],
)
def test_bad_drives_are_refused_by_field(build, message):
    with pytest.raises(DriveError, match=message):
        build()


def test_a_drive_adds_to_drives_only():
    with pytest.raises(TypeError):
        DC(1.0) + 2.0


def test_sampled_waveforms(tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text("# from the bench\ntime,volt,other\n0,1,5\n\n0.5,2,6\n2,-1,7\n")
    assert PWL.from_csv(path) == PWL((0.0, 0.5, 2.0), (1.0, 2.0, -1.0))
    assert PWL.from_csv(path, column=2) == PWL((0.0, 0.5, 2.0), (5.0, 6.0, 7.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,v\n0,1\n1,x\n", r"bad\.csv:3: '1,x' has no numbers"),
        ("t,v\nu,w\n0,1\n", r"bad\.csv:2: 'u,w'"),
        ("0,1\n1\n", r"bad\.csv:2"),
        ("0,1\n0,2\n", r"bad\.csv: PWL drive: times must increase"),
        ("", "at least 1"),
    ],
)
def test_bad_samples_are_located(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DriveError, match=message):
        PWL.from_csv(path)


def test_missing_and_binary_sample_files(tmp_path):
    with pytest.raises(DriveError, match="cannot read"):
        PWL.from_csv(tmp_path / "none.csv")
    (tmp_path / "raw.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DriveError, match="not a text file"):
        PWL.from_csv(tmp_path / "raw.csv")


def test_drives_and_devices_take_the_text_of_a_case_file():
    assert sb.Sine("100m", "2 kHz", phase="90deg") == sb.Sine(0.1, 2000.0, phase=math.pi / 2)
    assert sb.DC("1.5 V") == sb.DC(1.5)
    assert sb.PWL(("0", "1 ms"), (0, "5 V")) == sb.PWL((0.0, 1e-3), (0.0, 5.0))
    assert sb.Pulse(0, "1", "1m", "1u", "1u", "2m") == sb.Pulse(0.0, 1.0, 1e-3, 1e-6, 1e-6, 2e-3)
    assert sb.Resistor("1.6 kohm") == sb.Resistor(1600.0)
    assert sb.Resistor(["1k", 2.0]) == sb.Resistor([1000.0, 2.0])
    for wrong in (lambda: sb.Sine(1.0, "2 s"), lambda: sb.Resistor("1kV"), lambda: sb.PWL(("0 V",), (1,))):
        with pytest.raises(sb.SpiceBridgeError, match="another unit"):
            wrong()


def test_a_function_is_sampled_with_the_error_it_states():
    def bump(t):
        return math.exp(-(((t - 0.3) / 0.02) ** 2)) + 0.1 * t

    drive = PWL.from_function(bump, stop="1 s", tolerance=1e-4)
    grid = np.linspace(0.0, 1.0, 50_001)
    error = np.abs(drive.value(grid) - [bump(t) for t in grid]).max()
    assert error <= 1.05 * drive.sampling_error <= 1.05e-4 * 1.1
    assert len(drive.times) < 2_000
    assert drive.scaled(-2.0).sampling_error == 2.0 * drive.sampling_error
    for wrong, message in (
        (lambda t: 1.0 if t < 1 / 3 else 0.0, "give the jumps a rise time"),
        (lambda t: math.nan, "gives nan at t = 0 s"),
        (lambda t: "x", "no number"),
    ):
        with pytest.raises(DriveError, match=message):
            PWL.from_function(wrong, stop=1.0, most=2_000)


def test_units_and_the_place_of_the_time_in_a_sampled_file(tmp_path):
    path = tmp_path / "wave.csv"
    path.write_text("time (ms),CH1 (mV)\n0,1\n5,2\n", encoding="utf-8")
    assert PWL.from_csv(path) == PWL((0.0, 5e-3), (1e-3, 2e-3))
    for header, message in (
        ("CH1 (V),time (s)", "the time is column 1, not 0"),
        ("time (V),CH1", "this is a number in s"),
        ("time (s),CH1 (s)", "this is a number in V or A"),
        ("time (furlong),CH1", "no prefix or unit"),
    ):
        path.write_text(f"{header}\n0,1\n5,2\n", encoding="utf-8")
        with pytest.raises(DriveError, match=message):
            PWL.from_csv(path)
