"""Analytic partial derivatives of every law against central differences of the law itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.laws import AFFINE, EXAMPLES, WINDOWS

STEP = 1e-5
RTOL = 1e-6
"""Fourth-order differences at this step: truncation near 1e-10, rounding near 1e-11 of the largest value."""


def slope(f, x, size):
    """df/dx by the fourth-order central difference."""
    h = STEP * size
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


def near_kink(name, s, v, i):
    """Whether a difference of the widest argument would straddle a kink of the example laws."""
    margin = 4 * STEP
    places = {
        "threshold": [abs(abs(v) - 1.6)],
        "yakopcic": [abs(v), abs(v - 0.16), abs(v + 0.15), abs(s - 0.3), abs(s - 0.5)],
        "team_linear": [abs(i / 1e-3 - 1), abs(i / -1e-3 - 1)],
        "team_exponential": [abs(i / 1e-3 - 1), abs(i / -1e-3 - 1)],
        "vteam_linear": [abs(v - 0.5), abs(v + 0.6)],
        "vteam_exponential": [abs(v - 0.5), abs(v + 0.6)],
        "piecewise": [abs(v), abs(v - 0.3), abs(v + 0.2), *(abs(s - x) for x in (0, 0.3, 0.4, 0.7, 0.8, 1))],
    }.get(name, [])
    # Biolek's and Zha's windows have a kink where the drift turns, which is where v and i do.
    return min([*places, abs(v), abs(s), abs(1 - s)]) < margin or abs(i) < 1e-9


@pytest.mark.parametrize("name", [*EXAMPLES, *AFFINE])
@given(
    s=st.floats(0.02, 0.98),
    v=st.floats(-2.5, 2.5),
    share=st.floats(0.2, 2.0),
    P=st.sampled_from([1.0, -1.0]),
    J=st.sampled_from([1.0, -1.0]),
    number=st.integers(0, len(WINDOWS) - 1),
)
def test_rate_partials(name, s, v, share, P, J, number):
    device = (EXAMPLES | AFFINE)[name].device
    if name != "ideal":
        device = replace(device, window=WINDOWS[number])
    one = np.ones(1)
    current = v / device.resistance(np.array(s)) * share if device.ohmic else device.current(np.array(v), np.array(s))
    i = float(current)
    if near_kink(name, s, J * v, J * i):
        return
    args = (np.array([s]), np.array([v]), np.array([i]))
    exact = device.rate_partials(*args, P * one, J * one)
    scale = float(np.abs(device.rate(*args, P * one, J * one))[0])
    for k, size in enumerate((1.0, 1.0, abs(i))):

        def moved(x, k=k):
            changed = [*args[:k], np.array([x]), *args[k + 1 :]]
            return float(device.rate(*changed, P * one, J * one)[0])

        measured = slope(moved, float(args[k][0]), size)
        floor = 1e-9 * (scale + abs(measured)) / size + 1e-12
        assert float(exact[k][0]) == pytest.approx(measured, rel=RTOL, abs=floor)


@pytest.mark.parametrize("name", [n for n, e in EXAMPLES.items() if e.device.ohmic])
@given(s=st.floats(0.0, 1.0))
def test_resistance_slope(name, s):
    device = EXAMPLES[name].device
    measured = slope(lambda x: float(device.resistance(np.array(x))), s, 1.0)
    assert float(device.resistance_slope(np.array(s))) == pytest.approx(measured, rel=RTOL)


@pytest.mark.parametrize("name", [n for n, e in EXAMPLES.items() if not e.device.ohmic])
@given(s=st.floats(0.01, 1.0), v=st.floats(-2.0, 2.0))
def test_current_partials(name, s, v):
    if abs(v) < 4 * STEP:
        return
    device = EXAMPLES[name].device
    by_v, by_s = device.current_partials(np.array(v), np.array(s))
    assert float(by_v) == pytest.approx(slope(lambda x: float(device.current(np.array(x), s)), v, 1.0), rel=RTOL)
    assert float(by_s) == pytest.approx(slope(lambda x: float(device.current(v, np.array(x))), s, 1.0), rel=RTOL)
    assert by_v > 0


@pytest.mark.parametrize("name", ["yakopcic", "piecewise"])
@pytest.mark.parametrize("v", [-1e6, -3e3, 3e3, 1e6])
def test_huge_voltages_do_not_overflow(name, v):
    """A Newton iterate may ask for any voltage: values stay finite, i stays increasing."""
    device = replace(EXAMPLES[name].device, exp_limit=30.0)
    at = np.array([v, v * (1 + 1e-9)])
    with np.errstate(over="raise", invalid="raise"):
        i = device.current(np.sort(at), np.full(2, 0.4))
        by_v, by_s = device.current_partials(at, np.full(2, 0.4))
        rate = device.rate(np.full(2, 0.4), at, i, np.ones(2), np.ones(2))
    assert i[1] > i[0]
    assert (by_v > 0).all()
    assert np.isfinite([*by_s, *rate]).all()
