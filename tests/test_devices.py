"""Device laws: the printed equations of both papers, and how laws are laid over edges."""

from __future__ import annotations

import dataclasses
import inspect
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import CONTROLS, memristors, numbers, resistors, windows

from spicebridge.errors import DeviceError
from spicebridge.laws import LAWS, LinearMemristor, Resistor, group_devices, law_of
from spicebridge.laws.base import Device, OhmicDevice, freeze_parameters, parameter, parameter_names, take
from spicebridge.windows import Hard, NoWindow, Tanh

ONE = np.ones(1)


def rate(device, s, i, P=1.0, J=1.0):
    """ds/dt of one edge that carries the current i."""
    s = np.array([s])
    v = P * device.resistance(s) * i
    return float(device.rate(s, v, np.array([i]), P * ONE, J * ONE)[0])


@given(memristors(), numbers(0, 1))
def test_resistance_goes_from_one_named_value_to_the_other(device, s):
    w = s if device.law == "caravelli2017" else 1.0 - s
    expected = device.r_on * (1 - w) + device.r_off * w
    assert float(device.resistance(np.array([s]))[0]) == pytest.approx(float(expected), rel=1e-12)
    assert float(device.resistance_slope(np.array([s]))[0]) == pytest.approx(
        float(device.r_off - device.r_on) * (1 if device.law == "caravelli2017" else -1), rel=1e-12
    )


@given(
    memristors(laws=["caravelli2017"]),
    numbers(0, 1),
    numbers(-0.01, 0.01),
    st.sampled_from([1, -1]),
    st.sampled_from([1, -1]),
)
def test_paper_1_equations_1_2_and_61(device, w, i, P, J):
    drop = {
        "current": device.r_on * i,
        "voltage": P * device.resistance(w) * i,
        "voltage_eq61": device.resistance(w) * i,
    }
    expected = device.alpha * w - J / device.beta * drop[device.control]
    assert rate(device, w, i, P, J) == pytest.approx(float(expected), rel=1e-12, abs=1e-15)


@given(
    memristors(laws=["tunneling"]),
    numbers(0, 1),
    numbers(-0.01, 0.01),
    st.sampled_from([1, -1]),
    st.sampled_from([1, -1]),
)
def test_paper_2_equation_of_motion(device, x, i, P, J):
    R = device.r_off * (1 - device.chi * x)
    drop = {"current": device.r_off * i, "voltage": P * R * i, "voltage_eq61": R * i}
    expected = J / device.beta * drop[device.control] - device.alpha * x
    assert rate(device, x, i, P, J) == pytest.approx(float(expected), rel=1e-12, abs=1e-15)


@given(memristors(), numbers(0, 1), numbers(-0.01, 0.01), st.sampled_from([1, -1]))
def test_turning_a_device_round_turns_its_drift(device, s, i, P):
    decay = float(device.a * s)
    assert rate(device, s, i, P, -1.0) - decay == pytest.approx(-(rate(device, s, i, P, 1.0) - decay), abs=1e-12)
    assert rate(device, s, -i, P, -1.0) == pytest.approx(rate(device, s, i, P, 1.0), abs=1e-12)


@given(numbers(10, 500), numbers(1.5, 20), numbers(0.5, 2), numbers(0, 1), numbers(-0.01, 0.01))
def test_papers_are_one_law_without_decay(r_on, ratio, beta2, x, i):
    # w = 1 - x, beta_1 = beta_2 (1 - chi): dw/dt = -dx/dt
    second = LinearMemristor.tunneling(r_on, r_on * ratio, 0.0, beta2)
    first = LinearMemristor.caravelli2017(r_on, r_on * ratio, 0.0, beta2 * (1 - float(second.chi)))
    assert float(first.xi) == pytest.approx(float(second.chi / (1 - second.chi)), rel=1e-9)
    assert rate(first, 1 - x, i) == pytest.approx(-rate(second, x, i), rel=1e-9, abs=1e-15)


@given(memristors(window=windows()), numbers(0.1, 0.9), numbers(-0.01, 0.01))
def test_the_window_sees_decay_and_drift(device, s, i):
    arguments = np.array([s]), device.resistance(np.array([s])) * i, np.array([i]), ONE, ONE
    free = device.with_window(None)
    decay = np.array([float(device.a * s)])
    drift = free.rate(*arguments) - decay
    np.testing.assert_allclose(
        device.rate(*arguments), device.window.rate(np.array([s]), decay, drift), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(device.bulk_rate(*arguments), free.rate(*arguments), rtol=1e-15)


def test_a_resistor_has_no_state():
    device = Resistor([10.0, 20.0])
    s = np.zeros((3, 2))
    np.testing.assert_array_equal(device.resistance(s), [[10.0, 20.0]] * 3)
    np.testing.assert_array_equal(device.resistance_slope(s), 0.0)
    np.testing.assert_array_equal(device.rate(s, s, s, s, s), 0.0)
    assert not device.stateful
    assert device.window == NoWindow()


def test_laws_keep_their_contract():
    for device in (
        LinearMemristor.caravelli2017(1, 2, 0, 1),
        LinearMemristor.tunneling(1, 2, 0, 1),
        Resistor(1),
    ):
        assert isinstance(device, Device)
        assert isinstance(device, OhmicDevice)


def test_parameters_cannot_be_changed_afterwards():
    r_on = np.array([1.0, 2.0])
    device = LinearMemristor.caravelli2017(r_on, 10.0, 0.1, 1.0)
    r_on[0] = 99.0
    assert device.r_on[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        device.r_on[0] = 5.0
    for frozen in (device, Resistor(1.0)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            frozen.kind = "other"


@dataclasses.dataclass(frozen=True)
class Ruled:
    """A stand-in with one field per rule."""

    above: object = parameter(default=1.0)
    apart: object = parameter(default=1.0)
    least: object = parameter(default=0.0)
    any: object = parameter(default=-1.0)
    kind = "Ruled"

    def __post_init__(self) -> None:
        freeze_parameters(self, above="positive", apart="nonzero", least="nonnegative")


@pytest.mark.parametrize(
    ("field", "bad", "good", "rule"),
    [
        ("above", 0.0, 1e-300, "must be positive"),
        ("apart", 0.0, -1e-300, "must not be zero"),
        ("least", -1e-300, 0.0, "must not be negative"),
        ("any", np.inf, -7.0, "must be finite"),
    ],
)
def test_rules_for_parameters(field, bad, good, rule):
    assert getattr(Ruled(**{field: good}), field) == good
    assert getattr(Ruled(**{field: [good, good]}), field).tolist() == [good, good]
    with pytest.raises(DeviceError, match=f"Ruled: `{field}` .* {rule}"):
        Ruled(**{field: bad})
    with pytest.raises(DeviceError, match=f"Ruled, entry 1: `{field}` .* {rule}"):
        Ruled(**{field: [good, bad]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r_on": 0.0}, "`r_on` 0 must be positive"),
        ({"r_on": -1.0}, "`r_on` -1 must be positive"),
        ({"r_off": 50.0}, "`r_off` 50 must exceed `r_on` 100"),
        ({"r_off": 100.0}, "`r_off` 100 must exceed `r_on` 100"),
        ({"r_off": [200.0, 90.0]}, "entry 1: `r_off` 90 must exceed `r_on` 100"),
        ({"beta": 0.0}, "`beta` 0 must be positive"),
        ({"beta": [1.0, -2.0]}, "entry 1: `beta` -2 must be positive"),
        ({"alpha": np.nan}, "`alpha` nan must be finite"),
        ({"alpha": "fast"}, "alpha: 'fast' is no number"),
        ({"alpha": [[0.1]]}, r"alpha has shape \(1, 1\)"),
        ({"alpha": [0.1] * 3, "beta": [1.0] * 2}, "beta has 2 values, other parameters have 3"),
        ({"control": "volts"}, "control 'volts' must be one of .*did you mean"),
        ({"control": None}, "control None"),
        ({"window": "hard"}, "window 'hard' must be a window"),
    ],
)
@pytest.mark.parametrize("law", ["caravelli2017", "tunneling"])
def test_bad_parameters_are_refused_by_name(law, change, message):
    good = {"r_on": 100.0, "r_off": 1000.0, "alpha": 0.1, "beta": 1.0}
    with pytest.raises(DeviceError, match=message):
        getattr(LinearMemristor, law)(**(good | change))


def test_unknown_law_and_resistance_are_refused():
    with pytest.raises(DeviceError, match=r"take LinearMemristor.caravelli2017"):
        LinearMemristor(1, 2, 0, 1)
    with pytest.raises(DeviceError, match=r"control 'curent' must be one of .*did you mean 'current'"):
        LinearMemristor.caravelli2017(1, 2, 0, 1, control="curent")
    with pytest.raises(DeviceError, match="`r` -5 must be positive"):
        Resistor(-5)


@pytest.mark.parametrize(
    ("device", "state", "problem"),
    [
        (LinearMemristor.caravelli2017(100, 1000, 0, 1), -0.2, "zero or negative"),
        (LinearMemristor.caravelli2017(100, 1000, 0, 1), -0.05, None),
        (LinearMemristor.caravelli2017(100, 1000, 0, 1), 1.5, None),
        (
            LinearMemristor.caravelli2017(100, 1000, 0, 1, window=Hard()),
            -0.05,
            r"lie in \[0, 1\] with the hard window",
        ),
        (LinearMemristor.caravelli2017(100, 1000, 0, 1, window=Tanh()), 1.01, "tanh window"),
        (LinearMemristor.caravelli2017(100, 1000, 0, 1, window=Hard()), 1.0, None),
        (LinearMemristor.caravelli2017(100, 1000, 0, 1, window=Hard()), 0.0, None),
        (LinearMemristor.caravelli2017(100, 1000, 0, 1, window=Hard()), 0.5, None),
        (LinearMemristor.caravelli2017(0.1, 1, 0, 1), 0.5, None),
        (LinearMemristor.tunneling(100, 1000, 0, 1), 1.2, "zero or negative"),
        (LinearMemristor.tunneling(100, 1000, 0, 1), np.nan, "finite"),
        (Resistor(1.0), 7.0, None),
    ],
)
def test_initial_states(device, state, problem):
    found = device.check_state(np.array([state]))
    if problem is None:
        assert found is None
    else:
        assert found is not None
        assert re.search(problem, found)


@given(st.lists(st.one_of(memristors(window=windows()), resistors()), min_size=1, max_size=8))
def test_grouping_keeps_every_law(devices):
    groups = group_devices(devices, len(devices))
    covered = np.sort(np.concatenate([group.edges for group in groups]))
    np.testing.assert_array_equal(covered, np.arange(len(devices)))
    for group in groups:
        assert (np.diff(group.edges) > 0).all()
        for position, k in enumerate(group.edges):
            assert group.single(position) == devices[k]
            assert all(getattr(group.single(position), n).ndim == 0 for n in parameter_names(group.device))


def test_equal_laws_share_a_group_and_other_words_do_not():
    make = LinearMemristor.caravelli2017
    devices = [
        make(1, 2, 0, 1),
        make(1, 3, 0, 1),
        make(1, 2, 0, 1, "voltage"),
        make(1, 2, 0, 1, window=Hard()),
    ]
    groups = group_devices(devices, 4)
    assert [group.edges.tolist() for group in groups] == [[0, 1], [2], [3]]
    np.testing.assert_array_equal(groups[0].device.r_off, [2.0, 3.0])
    assert groups[0].device.r_on.ndim == 0


@pytest.mark.parametrize(
    ("devices", "n_e", "message"),
    [
        ([Resistor(1.0)], 2, "1 devices for 2 edges"),
        ([Resistor(1.0), 5.0], 2, "edge 1: 5.0 is no device"),
        ([Resistor(1.0), Resistor([1.0, 2.0])], 2, "edge 1: `r` has many values"),
        (Resistor([1.0, 2.0]), 3, "`r` has 2 values for 3 edges"),
    ],
)
def test_laws_that_do_not_fit_the_edges(devices, n_e, message):
    with pytest.raises(DeviceError, match=message):
        group_devices(devices, n_e)


def test_taking_entries():
    device = LinearMemristor.caravelli2017([1.0, 2.0, 3.0], 10.0, 0.1, 1.0)
    assert take(device, 1) == LinearMemristor.caravelli2017(2.0, 10.0, 0.1, 1.0)
    some = take(device, np.array([0, 2]))
    np.testing.assert_array_equal(some.r_on, [1.0, 3.0])
    assert some.r_off.ndim == 0
    np.testing.assert_array_equal(take(device, np.array([0, 2]), spread=3).r_off, [10.0, 10.0])


def test_equality_sees_every_field():
    base = LinearMemristor.caravelli2017(1, 2, 0.5, 1)
    assert base == LinearMemristor.caravelli2017(1, 2, 0.5, 1)
    others = [
        LinearMemristor.caravelli2017(1, 3, 0.5, 1),
        LinearMemristor.caravelli2017(1, 2, 0.5, 1, "voltage"),
        LinearMemristor.caravelli2017(1, 2, 0.5, 1, window=Hard()),
        LinearMemristor.tunneling(1, 2, 0.5, 1),
        Resistor(1),
        "device",
    ]
    assert all(base != other for other in others)


@given(st.one_of(memristors(window=windows()), resistors()))
def test_every_law_has_a_name_and_rebuilds_from_its_arguments(device):
    law = law_of(device)
    assert LAWS[law.name] is law
    assert law.build(**law.arguments(device)) == device


def test_the_table_of_laws_is_complete():
    for law in LAWS.values():
        names = set(parameter_names(law.device))
        assert names == set(law.numeric), "a numeric field the constructor does not take"
        assert (
            set(law.required) <= set(law.keys) == set(inspect.signature(law.build).parameters) - {"arguments", "values"}
        )
    assert LAWS["caravelli2017"].required == ("r_on", "r_off", "alpha", "beta")
    assert set(CONTROLS) == {"current", "voltage", "voltage_eq61"}


def test_a_device_without_a_law_is_named():
    with pytest.raises(DeviceError, match=r"object has no name among the laws.*register_law"):
        law_of(object())
