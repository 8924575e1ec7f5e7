"""Verilog-A twins: what OpenVAF makes of models/*.va is the law of spicebridge.laws.

At random parameters and points, on both sides of every threshold and limit: residual and Jacobian of the
compiled module against current, rate and partial derivatives of the Python law, to 1e-9 relative.
"""

from __future__ import annotations

import functools
import platform
import sys
from pathlib import Path

import numpy as np
import pytest

from spicebridge import devices
from spicebridge.circuit.lower.models import load_model, model_names
from spicebridge.windows import NoWindow

# Wheels exist for these only; there the compiler is a requirement of the suite, not an option.
HAS_WHEEL = sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 13)
if not HAS_WHEEL:
    pytest.importorskip("openvaf_py", reason="no wheel of openvaf-py for this platform")
import openvaf_py  # noqa: E402

MODELS = Path(__file__).parents[2] / "models"
RTOL = 1e-9
CANCELLATION = 1e-12
"""Of the largest entry: rounding where terms of that size cancel."""
POINTS = 60

UP = ((0.0, 0.2), (0.4, 0.9), (1.0, 1.0))
DOWN = ((0.0, 1.0), (0.5, 0.7), (1.0, 0.1))


@functools.cache
def compiled():
    return {m.name: m for file in sorted(MODELS.glob("*.va")) for m in openvaf_py.compile_va(str(file))}


def ohms(rng):
    r_on = rng.uniform(50.0, 150.0)
    return {"r_on": r_on, "r_off": r_on * rng.uniform(2.0, 50.0)}


def affine(law, control):
    def draw(rng):
        numbers = ohms(rng) | {"alpha": rng.uniform(-2.0, 2.0), "beta": rng.uniform(0.1, 3.0)}
        return getattr(devices.LinearMemristor, law)(**numbers, control=control), numbers

    return draw


def made(factory, numbers, **other):
    return factory(**numbers, window=NoWindow(), **other), numbers


def hp(rng):
    return made(devices.HPMemristor, ohms(rng) | {"k": rng.uniform(10.0, 1e4)})


def ideal(rng):
    numbers = ohms(rng) | {"k": rng.uniform(10.0, 1e4)}
    return devices.IdealMemristor(**numbers), numbers


def threshold(smooth):
    def draw(rng):
        numbers = ohms(rng) | {"v_t": rng.uniform(0.2, 1.0)}
        numbers |= {"beta": rng.uniform(10.0, 1e3), "alpha": rng.uniform(0.0, 10.0)}
        return made(devices.ThresholdMemristor, numbers | {"b": rng.uniform(0.01, 0.3) if smooth else 0.0})

    return draw


def adaptive_numbers(rng):
    numbers = ohms(rng) | {"k_on": -rng.uniform(1.0, 9.0), "k_off": rng.uniform(1.0, 9.0)}
    return numbers | {"alpha_on": rng.uniform(1.0, 4.0), "alpha_off": rng.uniform(1.0, 4.0)}


def vteam(curve):
    def draw(rng):
        numbers = adaptive_numbers(rng) | {"v_on": -rng.uniform(0.1, 1.0), "v_off": rng.uniform(0.1, 1.0)}
        return made(devices.VTEAM, numbers, curve=curve)

    return draw


def team(curve):
    def draw(rng):
        numbers = adaptive_numbers(rng) | {"i_on": -rng.uniform(1e-4, 3e-3), "i_off": rng.uniform(1e-4, 3e-3)}
        numbers |= {"a_on": rng.uniform(0.0, 0.3), "a_off": rng.uniform(0.7, 1.0), "w_c": rng.uniform(0.2, 0.5)}
        return made(devices.TEAM, numbers | {"exp_limit": rng.uniform(0.2, 3.0)}, curve=curve)

    return draw


def yakopcic(rng):
    numbers = {name: rng.uniform(0.05, 0.3) for name in ("a_1", "a_2", "v_p", "v_n")}
    numbers |= {"b": rng.uniform(0.5, 2.0), "a_p": rng.uniform(1.0, 9.0), "a_n": rng.uniform(1.0, 9.0)}
    numbers |= {name: rng.uniform(0.1, 0.6) for name in ("x_p", "x_n")}
    numbers |= {name: rng.uniform(1.0, 5.0) for name in ("alpha_p", "alpha_n")}
    return made(
        devices.YakopcicMemristor,
        numbers | {"eta": rng.choice([-1.0, 1.0]), "exp_limit": rng.uniform(0.3, 2.0)},
    )


def piecewise(rng):
    numbers = {name: rng.uniform(1e-5, 1e-4) for name in ("i_1", "i_2", "g_0")}
    numbers |= {name: rng.uniform(0.2, 1.0) for name in ("v_1", "v_2", "v_p")}
    numbers |= {"v_n": -rng.uniform(0.2, 1.0), "d_1": rng.uniform(1.0, 9.0), "d_2": -rng.uniform(1.0, 9.0)}
    numbers |= {"c_1": rng.uniform(1.0, 9.0), "c_2": -rng.uniform(1.0, 9.0), "exp_limit": rng.uniform(0.5, 4.0)}
    return made(devices.PiecewiseMemristor, numbers, up=UP, down=DOWN)


LAWS = {
    **{
        f"{law}_{control}": affine(law, control)
        for law in ("caravelli2017", "tunneling")
        for control in ("current", "voltage", "voltage_eq61")
    },
    "hp": hp,
    "ideal": ideal,
    "threshold": threshold(False),
    "threshold_smooth": threshold(True),
    **{f"vteam_{curve}": vteam(curve) for curve in ("linear", "exponential")},
    **{f"team_{curve}": team(curve) for curve in ("linear", "exponential")},
    "yakopcic": yakopcic,
    "piecewise": piecewise,
}


def conduction(device, s, v, P, J):
    """i, di/dv, di/ds."""
    if device.ohmic:
        R = P * device.resistance(s)
        return v / R, 1.0 / R, -v * P * device.resistance_slope(s) / R**2
    by_v, by_s = device.current_partials(J * v, s)
    return J * device.current(J * v, s), by_v, J * by_s


def rate_slopes(device, s, v, i, P, J):
    """Partial derivatives of the rate by s, v, i."""
    if not isinstance(device, devices.LinearMemristor):
        return device.rate_partials(s, v, i, P, J)
    drive = J * device.g
    by = {"current": (0.0, drive * device.r0), "voltage": (drive, 0.0), "voltage_eq61": (drive * P, 0.0)}
    return (device.a, *by[device.control])


def evaluate(module, given):
    """Residuals {node: (resistive, charge)} and Jacobian {(node, node): (resistive, charge)}."""
    missing = {n: 0.0 for n, kind in zip(module.param_names, module.param_kinds, strict=True) if n not in given}
    kinds = dict(zip(module.param_names, module.param_kinds, strict=True))
    assert {kinds[n] for n in missing} <= {"hidden_state", "current"}
    names = [node["name"] for node in module.get_dae_system()["nodes"]]
    residuals, jacobian = module.run_init_eval(missing | given)
    return dict(zip(names, residuals, strict=True)), {(names[r], names[c]): (a, b) for r, c, a, b in jacobian}


def close(found, expected):
    found, expected = np.array(found, float), np.array(expected, float)
    np.testing.assert_allclose(found, expected, rtol=RTOL, atol=CANCELLATION * np.abs(expected).max())


def point(name, rng):
    device, numbers = LAWS[name](rng)
    state = load_model(name).pins[2]
    s, v = np.array(rng.uniform(0.05, 0.95)), np.array(rng.uniform(-2.0, 2.0))
    J = rng.choice([-1.0, 1.0])
    P = rng.choice([-1.0, 1.0]) if device.ohmic else 1.0
    given = {key: float(value) for key, value in numbers.items()}
    if name == "threshold":
        del given["b"]
    given |= {"V(p,n)": float(v), f"V({state})": float(s), "polarity": float(J), "mfactor": 1.0}
    if device.ohmic:
        given["active"] = float(P)
    if name == "piecewise":
        given |= {f"V({pin})": float(np.interp(s, *np.transpose(t))) for pin, t in (("up", UP), ("down", DOWN))}
    return device, state, s, v, P, J, given


def test_every_subcircuit_has_a_twin_and_a_law():
    assert set(compiled()) == set(LAWS)
    assert set(model_names()) == set(LAWS)


@pytest.mark.parametrize("name", LAWS)
def test_same_pins_parameters_and_defaults_as_the_subcircuit(name):
    module, sub = compiled()[name], load_model(name)
    assert tuple(node["name"] for node in module.get_dae_system()["nodes"]) == tuple(sub.pins)
    assert module.num_terminals == len(sub.pins)
    expected = {key: float(value) for key, value in dict(sub.parameters).items()}
    assert [p["name"] for p in module.get_osdi_descriptor()["params"]] == list(expected)
    defaults = module.get_param_defaults()
    # The sharp threshold has no use for the width of its smooth twin, and the compiler drops its default.
    unused = {"b"} if name == "threshold" else set()
    assert defaults == {key: value for key, value in expected.items() if key not in unused}


@pytest.mark.parametrize("name", LAWS)
def test_residual_is_the_law(name):
    rng = np.random.default_rng(7)
    for _ in range(POINTS):
        device, state, s, v, P, J, given = point(name, rng)
        residual, _ = evaluate(compiled()[name], given)
        i = conduction(device, s, v, P, J)[0]
        rate = device.bulk_rate(s, v, i, P, J)
        close([residual["p"][0], residual["n"][0]], [i, -i])
        # Where no window acts the two pins are one node, and its balance is ds/dt = rate.
        close([residual["drift"][0] + residual[state][0]], [-rate])
        assert residual[state][1] == s
        assert all(charge == 0.0 for node, (_, charge) in residual.items() if node != state)


@pytest.mark.parametrize("name", LAWS)
def test_jacobian_is_the_slopes_of_the_law(name):
    rng = np.random.default_rng(11)
    for _ in range(POINTS):
        device, state, s, v, P, J, given = point(name, rng)
        _, jacobian = evaluate(compiled()[name], given)

        def entry(row, column, part=0, jacobian=jacobian):
            return jacobian.get((row, column), (0.0, 0.0))[part]

        i, i_v, i_s = conduction(device, s, v, P, J)
        by_s, by_v, by_i = rate_slopes(device, s, v, i, P, J)
        close([entry("p", "p"), entry("p", "n"), entry("n", "p"), entry("n", "n")], [i_v, -i_v, -i_v, i_v])
        close([entry("p", state), entry("n", state)], [i_s, -i_s])
        drift_v = by_v + by_i * i_v
        close([entry("drift", "p"), entry("drift", "n")], [-drift_v, drift_v])
        found = entry("drift", state) + entry(state, state)
        if name == "piecewise":
            tables = (("up", UP), ("down", DOWN))
            found += sum(entry("drift", pin) * slope(table, s) for pin, table in tables)
        close([found], [-(by_s + by_i * i_s)])
        assert entry(state, state, 1) == 1.0


def slope(table, s):
    x, y = np.transpose(table)
    k = int(np.searchsorted(x, s))
    return (y[k] - y[k - 1]) / (x[k] - x[k - 1])


@pytest.mark.parametrize("name", LAWS)
def test_no_variable_remembers(name):
    rng = np.random.default_rng(13)
    module = compiled()[name]
    kept = [n for n, kind in zip(module.param_names, module.param_kinds, strict=True) if kind == "hidden_state"]
    given = point(name, rng)[-1]
    first = module.run_init_eval(given | dict.fromkeys([*kept, "I(p,n)"], 0.0))
    again = module.run_init_eval(given | {n: rng.normal() for n in [*kept, "I(p,n)"]})
    assert first == again


def test_the_comparison_finds_a_wrong_sign():
    rng = np.random.default_rng(3)
    device, state, s, v, P, J, given = point("hp", rng)
    residual, _ = evaluate(compiled()["hp"], given | {"polarity": -float(J)})
    rate = device.bulk_rate(s, v, conduction(device, s, v, P, J)[0], P, J)
    with pytest.raises(AssertionError):
        close([residual["drift"][0] + residual[state][0]], [-rate])
