"""Records of the device library: what they refuse, what they say, and that case files know them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spicebridge as sb
from devices.laws import DOWN, EXAMPLES, PIECEWISE, TEAM, UP, VTEAM, YAKOPCIC
from spicebridge.case.case import Case, load_case
from spicebridge.circuit.lower.calls import subcircuit_call
from spicebridge.errors import DeviceError, NetworkError
from spicebridge.laws import LAWS, read_table
from spicebridge.laws.base import Differentiable, GeneralDevice, OhmicDevice, parameter_names, take
from spicebridge.network import same_parameters

HP = dict(r_on=100.0, r_off=1e4, k=1e4)
THRESHOLD = dict(r_on=1e3, r_off=1e4, v_t=1.6, beta=1e13)


@pytest.mark.parametrize("name", EXAMPLES)
def test_kind_and_card(name):
    device = EXAMPLES[name].device
    assert isinstance(device, OhmicDevice if device.ohmic else GeneralDevice)
    assert isinstance(device, Differentiable)
    for fact in ("law", "source", "units", "valid", "smoothness"):
        assert len(getattr(device.card, fact)) > 3
    named = re.findall(r"[a-z]+_[a-z0-9]+|\bb\b|\bk\b", device.card.units)
    assert set(named) <= set(parameter_names(device)) | {"exp_limit"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_subcircuit_takes_the_parameters_of_the_record(name):
    device = EXAMPLES[name].device
    call = subcircuit_call(device)
    model = call.models[0]
    assert [p for p, _ in model.parameters] == [*parameter_names(device), *call.signs]
    assert len(model.pins) == 4
    assert model.header


@pytest.mark.parametrize("name", EXAMPLES)
@given(s=st.floats(0.0, 1.0), v=st.floats(-2.0, 2.0), i=st.floats(-1e-2, 1e-2))
def test_the_other_polarity_is_the_device_turned_round(name, s, v, i):
    device = EXAMPLES[name].device
    one = np.ones(1)
    args = np.array([s]), np.array([v]), np.array([i])
    turned = args[0], -args[1], -args[2]
    assert device.rate(*args, one, -one) == device.rate(*turned, one, one)


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_call_on_many_edges_is_many_calls_on_one(name):
    device = EXAMPLES[name].device
    rng = np.random.default_rng(1)
    factor = rng.uniform(0.9, 1.1, 4)
    first = parameter_names(device)[0]
    many = replace(device, **{first: getattr(device, first) * factor})
    s, v, i = rng.uniform(0.1, 0.9, 4), rng.uniform(-2, 2, 4), rng.uniform(-1e-2, 1e-2, 4)
    J = np.array([1.0, -1.0, 1.0, -1.0])
    together = many.rate(s, v, i, np.ones(4), J)
    for k in range(4):
        single = take(many, k)
        row = slice(k, k + 1)
        assert single.rate(s[row], v[row], i[row], np.ones(1), J[row])[0] == together[k]
        if device.ohmic:
            assert single.resistance(s[row])[0] == many.resistance(s)[k]
        else:
            assert single.current(v[row], s[row])[0] == many.current(v, s)[k]
    # and along time, as waveforms have it
    table = np.tile(s, (3, 1))
    values = many.resistance(table) if device.ohmic else many.current(np.tile(v, (3, 1)), table)
    assert values.shape == (3, 4)


@pytest.mark.parametrize(
    ("build", "arguments", "change", "message"),
    [
        (sb.HPMemristor, HP, {"k": 0.0}, "`k` 0 must be positive"),
        (sb.HPMemristor, HP, {"r_off": 50.0}, "`r_off` 50 must exceed `r_on` 100"),
        (sb.HPMemristor, HP, {"window": "joglekar"}, "must be a window such as Hard"),
        (sb.ThresholdMemristor, THRESHOLD, {"v_t": -1.0}, "`v_t` -1 must be positive"),
        (sb.ThresholdMemristor, THRESHOLD, {"b": -1e-5}, "`b` -1e-05 must not be negative"),
        (sb.YakopcicMemristor, YAKOPCIC, {"x_p": 1.0}, "`x_p` 1 must be below 1"),
        (sb.YakopcicMemristor, YAKOPCIC, {"eta": 0.5}, r"`eta` 0.5 must be \+1 or -1"),
        (sb.YakopcicMemristor, YAKOPCIC, {"a_1": 0.0}, "`a_1` 0 must be positive"),
        (sb.TEAM, TEAM, {"i_on": 1e-3}, "`i_on` 0.001 must be below 0"),
        (sb.TEAM, TEAM, {"alpha_on": 0.5}, "`alpha_on` 0.5 must be at least 1"),
        (sb.TEAM, TEAM, {"w_c": 0.0}, "`w_c` 0 must be positive"),
        (sb.TEAM, TEAM, {"curve": "exponentiell"}, "did you mean 'exponential'"),
        (sb.VTEAM, VTEAM, {"k_on": 3.0}, "`k_on` 3 must be below 0"),
        (sb.VTEAM, VTEAM, {"v_off": -0.5}, "`v_off` -0.5 must be positive"),
        (sb.PiecewiseMemristor, dict(up=UP, down=DOWN, **PIECEWISE), {"g_0": 0.0}, "`g_0` 0 must be positive"),
        (sb.PiecewiseMemristor, dict(up=UP, down=DOWN, **PIECEWISE), {"up": ((0.0, 1.0),)}, "at least two pairs"),
        (sb.PiecewiseMemristor, dict(up=UP, down=DOWN, **PIECEWISE), {"down": ((0, 1), (0, 2))}, "s must increase"),
        (sb.PiecewiseMemristor, dict(up=UP, down=DOWN, **PIECEWISE), {"up": ((0, 1), (1, "x"))}, "pairs"),
        (sb.PiecewiseMemristor, dict(up=UP, down=DOWN, **PIECEWISE), {"up": ((0, 1), (1, np.inf))}, "finite"),
    ],
)
def test_bad_parameters_are_named(build, arguments, change, message):
    build(**arguments)
    with pytest.raises(DeviceError, match=message):
        build(**(arguments | change))


@pytest.mark.parametrize(
    ("name", "state", "message"),
    [
        ("threshold", 1.2, r"must lie in \[0, 1\] with the hard window"),
        ("yakopcic", -0.1, r"must lie in \[0, 1\]"),
        ("piecewise", -0.1, "must not be negative"),
        ("hp", np.nan, "must be finite"),
    ],
)
def test_bad_states_are_named(name, state, message):
    with pytest.raises(NetworkError, match=message):
        EXAMPLES[name].network(initial_state=state)


def test_an_active_edge_needs_an_ohmic_law():
    with pytest.raises(NetworkError, match="YakopcicMemristor cannot be active"):
        EXAMPLES["yakopcic"].network(active=[0])


def test_the_ideal_memristor_has_no_bounds_and_starts_where_asked():
    device = EXAMPLES["ideal"].device
    assert device.resistance(device.state_of(5e3)) == pytest.approx(5e3, rel=1e-14)
    far = device.resistance(np.array([-300.0, 300.0]))
    assert far == pytest.approx([1e4, 100.0], rel=1e-12)
    with pytest.raises(DeviceError, match="between `r_on` and `r_off`"):
        device.state_of(50.0)
    with pytest.raises(NetworkError, match="must be finite"):
        EXAMPLES["ideal"].network(initial_state=np.inf)


def test_hp_from_mobility():
    device = sb.HPMemristor.from_mobility(100.0, 16e3, mobility=1e-14, thickness=10e-9)
    assert float(device.k) == pytest.approx(1e4, rel=1e-12)


def test_team_from_lengths():
    rest = {k: v for k, v in TEAM.items() if k not in ("k_on", "k_off", "a_on", "a_off", "w_c")}
    device = sb.TEAM.from_lengths(1e-9, 4e-9, k_on=-6e-9, k_off=3e-9, a_on=1.3e-9, a_off=3.4e-9, w_c=0.3e-9, **rest)
    assert [float(getattr(device, n)) for n in ("k_on", "k_off", "a_on", "a_off", "w_c")] == pytest.approx(
        [-2.0, 1.0, 0.1, 0.8, 0.1], rel=1e-12
    )


def test_tables_from_text(tmp_path):
    for separator in (",", " ", "  \t", ", "):
        path = tmp_path / "table.csv"
        path.write_text("\n".join(f"{s}{separator}{f}" for s, f in UP) + "\n\n")
        assert read_table(path) == UP
    path.write_text("0,1\n0.5;2\n")
    with pytest.raises(DeviceError, match=r"table\.csv:2: '0\.5;2' must be two numbers"):
        read_table(path)
    with pytest.raises(DeviceError, match="cannot read the table"):
        read_table(tmp_path / "absent.csv")


def test_every_law_has_a_word():
    words = {word for word, law in LAWS.items() if law.describes(EXAMPLES["hp"].device)}
    assert words == {"hp"}
    kinds = {type(e.device) for e in EXAMPLES.values()}
    assert kinds <= {law.device for law in LAWS.values()}


def test_case_files_hold_every_law(tmp_path):
    """Reading what was written gives the same network: numbers, words, windows and tables."""
    devices = [e.device for e in EXAMPLES.values()]
    n = len(devices)
    network = sb.Network.from_edges(
        [(k, (k + 1) % n) for k in range(n)],
        device=devices,
        drive={0: sb.Sine(1.0, 2.0)},
        initial_state=[e.state for e in EXAMPLES.values()],
        polarity=[(-1) ** (k // 2) for k in range(n)],
    )
    path = tmp_path / "laws.case.toml"
    path.write_text(Case(title="laws", what="every law in one network", network=network, stop=1.0).to_toml())
    assert same_parameters(load_case(path).network, network)
