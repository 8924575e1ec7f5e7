"""Bound handling: the right-hand sides of the papers, restated point by point."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import numbers, windows

from spicebridge.errors import DeviceError
from spicebridge.windows import WINDOWS, Biolek, Hard, Joglekar, NoWindow, Prodromakis, Tanh, Zha

STATES = np.linspace(-0.1, 1.1, 25)
SMOOTH = [
    NoWindow(),
    Tanh(3.0, 0.7),
    Joglekar(1),
    Joglekar(3),
    Biolek(1),
    Biolek(2),
    Prodromakis(1.0),
    Prodromakis(2.5, 1.5),
    Zha(1.0),
    Zha(3.5, 0.8),
]


def scalar(window, s, decay, drift):
    return float(window.rate(np.array([s]), np.array([decay]), np.array([drift]))[0])


@given(windows(), numbers(0.3, 0.7), numbers(-1, 1), numbers(-1, 1))
def test_one_call_on_many_edges_is_many_calls_on_one(window, s, decay, drift):
    states = np.array([s, 0.0, 1.0, 0.5])
    decays, drifts = np.array([decay, decay, -decay, 0.0]), np.array([drift, -drift, drift, drift])
    together = window.rate(states, decays, drifts)
    apart = [scalar(window, *row) for row in zip(states, decays, drifts, strict=True)]
    np.testing.assert_array_equal(together, apart)


@given(numbers(-2, 2), numbers(-2, 2), numbers(-2, 2))
def test_no_window_is_the_sum(s, decay, drift):
    assert scalar(NoWindow(), s, decay, drift) == decay + drift


@pytest.mark.parametrize(
    ("s", "f", "moves"),
    [
        (1, 1, False),
        (1, -1, True),
        (0, -1, False),
        (0, 1, True),
        (0.5, 1, True),
        (0.5, -1, True),
        (1.2, 1, False),
    ],
)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0, 4.0])
def test_hard_bounds_look_at_the_whole_rate(s, f, moves, share):
    decay, drift = (1 - share) * f, share * f
    assert scalar(Hard(), s, decay, drift) == pytest.approx(f if moves else 0.0, abs=1e-15)


@given(numbers(-0.2, 1.2), numbers(-2, 2), st.integers(1, 6))
def test_joglekar_factor_is_one_minus_an_even_power(s, drift, p):
    assert scalar(Joglekar(p), s, 0.25, drift) == pytest.approx(0.25 + drift * (1 - (2 * s - 1) ** (2 * p)), abs=1e-12)


def test_joglekar_keeps_relative_accuracy_at_the_wall():
    # 1 - (1 - 2s)^(2p) -> 4 p s for s -> 0; computed literally it would be 0 at s = 1e-18
    for p in (1, 2, 5):
        assert scalar(Joglekar(p), 1e-18, 0.0, 1.0) == pytest.approx(4 * p * 1e-18, rel=1e-12)


@pytest.mark.parametrize("wall", [0.0, 1.0])
@pytest.mark.parametrize("drift", [-1.0, 1.0])
@pytest.mark.parametrize("p", [1, 3])
def test_joglekar_sticks_and_biolek_leaves(wall, drift, p):
    assert scalar(Joglekar(p), wall, 0.0, drift) == 0.0
    outward = (drift > 0) == (wall == 1.0)
    assert scalar(Biolek(p), wall, 0.0, drift) == (0.0 if outward else drift)


def test_windows_act_on_the_drift_alone():
    for window in (Joglekar(2), Biolek(2)):
        assert scalar(window, 1.0, -0.5, 1.0) == -0.5


@given(numbers(-0.2, 1.2), numbers(-2, 2), numbers(1, 30), numbers(0.5, 3))
def test_tanh_is_equation_33(s, f, p, scale):
    def theta(x):
        return (1 + math.tanh(x)) / 2

    expected = f * (theta(-p * f / scale) * theta(p * s) + theta(p * f / scale) * theta(p * (1 - s)))
    assert scalar(Tanh(p, scale), s, 0.25 * f, 0.75 * f) == pytest.approx(expected, abs=1e-13)


def test_steep_tanh_is_the_hard_bound_away_from_its_edges():
    steep = Tanh(1e4)
    for s in (-0.05, 0.02, 0.5, 0.98, 1.05):
        for f in (-1.0, 1.0):
            assert scalar(steep, s, 0.0, f) == pytest.approx(scalar(Hard(), s, 0.0, f), abs=1e-12)


@pytest.mark.parametrize("window", SMOOTH, ids=repr)
@pytest.mark.parametrize("drift", [-0.8, 0.6])
def test_partials_are_derivatives(window, drift):
    decay, h = 0.3, 1e-6
    s = STATES
    arguments = [s, np.full_like(s, decay), np.full_like(s, drift)]
    for which, partial in enumerate(window.partials(*arguments)):
        step = [a + h * (k == which) for k, a in enumerate(arguments)]
        back = [a - h * (k == which) for k, a in enumerate(arguments)]
        # central differences: h^2 f'''/6 + rounding/h, both below 1e-8 here
        slope = (window.rate(*step) - window.rate(*back)) / (2 * h)
        np.testing.assert_allclose(partial, slope, atol=1e-8)


def test_hard_partials_vanish_where_the_state_is_held():
    s, f = np.array([0.0, 0.0, 1.0, 1.0, 0.5]), np.array([-1.0, 1.0, 1.0, -1.0, 1.0])
    d_s, d_decay, d_drift = Hard().partials(s, f, np.zeros(5))
    np.testing.assert_array_equal(d_s, 0.0)
    np.testing.assert_array_equal(d_decay, [0, 1, 0, 1, 1])
    np.testing.assert_array_equal(d_drift, d_decay)


@pytest.mark.parametrize("bad", [0, -1, 1.5, math.nan, math.inf, True, "2", None])
@pytest.mark.parametrize("kind", [Joglekar, Biolek])
def test_orders_are_whole_and_positive(kind, bad):
    with pytest.raises(DeviceError, match="whole number of at least 1"):
        kind(bad)


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf, "2", None])
@pytest.mark.parametrize("field", ["p", "rate_scale"])
def test_tanh_parameters_are_positive(field, bad):
    with pytest.raises(DeviceError, match=f"{field} = .* must be positive"):
        Tanh(**{field: bad})


def test_only_the_projected_bound_is_discontinuous_and_keeps_the_state_inside():
    for kind in WINDOWS.values():
        window = kind()
        assert window.hard == window.bounded == isinstance(window, Hard)
        # a decaying or growing state leaves through a wall unless the window stops the whole rate
        leaves = scalar(window, 1.0, 1.0, 0.0) > 0.0
        assert leaves != window.bounded


def test_case_words_name_their_class():
    assert set(WINDOWS) == {"none", "hard", "tanh", "joglekar", "biolek", "prodromakis", "zha"}
    for word, kind in WINDOWS.items():
        assert kind().name == word
        assert kind() == kind()
