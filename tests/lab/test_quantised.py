"""What a converter leaves of block means: within the bar, far less than half a step where the signal moves, nothing at its end."""

from __future__ import annotations

import numpy as np
import pytest

from spicebridge.lab.measure.channels import make_channel, without_clipped
from spicebridge.lab.measure.measurement import Measurement, parse_signal

STEP = 0.01


def signal(t: np.ndarray, shape: str) -> np.ndarray:
    match shape:
        case "ramp":
            return t
        case "sine":
            return np.sin(7.0 * t)
        case "corner":
            return np.minimum(2.0 * t, 1.0)
        case _:
            return np.where(t > 0.9, 0.51, 0.5)


@pytest.mark.parametrize("shape", ["ramp", "sine", "corner", "rest"])
@pytest.mark.parametrize("late", [0.0, 0.013, -0.019])
def test_the_bar_holds_the_error_wherever_the_signal_lies_between_two_levels(shape: str, late: float) -> None:
    t = np.linspace(0.0, 1.0, 4000)
    expected = t, signal(t, shape)
    for offset in np.linspace(0.0, STEP, 24):
        true = signal(np.clip(t - late, 0.0, 1.0), shape) + offset
        shown = Measurement(t, {"A": STEP * np.round(true / STEP)})
        channel = make_channel(shown, "A", parse_signal("p[a]"), (0.02, 0.98), expected, 0.0, 1)
        error = np.abs(channel.mean - channel.blocks(np.interp(channel.t, t, true)))
        assert (error <= channel.resolution + 1e-12).all()
        assert (channel.resolution <= 0.5 * STEP + 1e-12).all()
    # A block of a ramp passes two levels, a sine mostly ten; at rest nothing is better than half a step.
    at_most = {"ramp": 0.25, "sine": 0.15, "corner": 0.5, "rest": 0.5}[shape]
    assert np.median(channel.resolution) <= at_most * STEP + 1e-12
    if shape == "rest":
        assert np.median(channel.resolution) == pytest.approx(0.5 * STEP)


def test_noise_dithers() -> None:
    t = np.linspace(0.0, 1.0, 4000)
    rng = np.random.default_rng(1)
    noisy = STEP * np.round((t + STEP * rng.standard_normal(t.size)) / STEP)
    channel = make_channel(Measurement(t, {"A": noisy}), "A", parse_signal("p[a]"), (0.0, 1.0), (t, t), 0.0, 1)
    assert not channel.resolution.any()


def test_what_is_clipped_all_the_time_says_nothing_but_a_dead_channel_does() -> None:
    t = np.linspace(0.0, 1.0, 2000)
    theory = 1.0 + 0.2 * np.sin(7.0 * t)
    for level, clipped in ((0.7, t.size), (0.0, 0)):
        shown = Measurement(t, {"A": np.full_like(t, level)})
        channel = make_channel(shown, "A", parse_signal("p[a]"), (0.0, 1.0), (t, theory), 0.0, 1)
        found = without_clipped(channel, np.interp(channel.t, t, theory), 1)
        assert (found.clipped > 0) == (clipped > 0)
        inside = np.abs(found.blocks(np.interp(channel.t, t, theory)) - found.mean) <= found.bar
        assert inside.all() == (clipped > 0)
        assert without_clipped(found, np.interp(channel.t, t, theory), 1) is found
