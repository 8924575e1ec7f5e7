"""Verilog-A twins: what OpenVAF makes of models/*.va is the law of spicebridge.laws.

At random parameters and points, on both sides of every threshold and limit: residual and Jacobian of the
compiled module against current, rate and partial derivatives of the Python law, to 1e-9 relative.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from spicebridge.circuit.lower.law_variants import law_variants
from spicebridge.circuit.lower.models import load_model, model_names
from spicebridge.laws import LAWS, LinearMemristor
from spicebridge.modelcheck.typical_devices import examples
from tests.wheels import need

need("openvaf_py")
import openvaf_py  # noqa: E402

MODELS = Path(__file__).parents[2] / "models"
RTOL = 1e-9
CANCELLATION = 1e-12
"""Of the largest entry: rounding where terms of that size cancel."""
POINTS = 60


@functools.cache
def compiled():
    return {m.name: m for file in sorted(MODELS.glob("*.va")) for m in openvaf_py.compile_va(str(file))}


def modules():
    """Name of every subcircuit -> its law, options and variants."""
    found = {}
    for word in LAWS.texts:
        for variant in law_variants(LAWS[word]):
            found[variant.name] = variant
    return found


MODULES = modules()


def drawn(name, rng):
    """A device of the module with parameters near those of the law's example, the limits of exponentials in reach."""
    variant = MODULES[name]
    law = variant.law
    (device, amplitude, *_), *_ = (e for e in examples(law).values())
    numbers = dict(zip(law.parameters, (float(v) for v in device.parameters.values()), strict=True))
    numbers = {key: value * rng.uniform(0.8, 1.2) for key, value in numbers.items()}
    numbers |= {key: float(numbers[key] > 0) * 2 - 1 for key in ("eta",) if key in numbers}
    numbers |= {key: rng.uniform(0.5, 3.0) for key in ("exp_limit",) if key in numbers}
    numbers |= {"b": rng.uniform(0.01, 0.3) if variant.variants["smooth"] else 0.0} if variant.variants else {}
    for key, rule in law.parameters.items():
        if any(r.sign == ">=" and r.bound == 1.0 for r in rule.rules):
            numbers[key] = rng.uniform(1.0, 4.0)
    window = {} if law.state.low is None else {"window": None}
    return law(**numbers, **law.tables, **variant.choice, **window), numbers, amplitude


def conduction(device, s, v, P, J):
    """i, di/dv, di/ds."""
    if device.ohmic:
        R = P * device.resistance(s)
        return v / R, 1.0 / R, -v * P * device.resistance_slope(s) / R**2
    by_v, by_s = device.current_partials(J * v, s)
    return J * device.current(J * v, s), by_v, J * by_s


def rate_slopes(device, s, v, i, P, J):
    """Partial derivatives of the rate by s, v, i."""
    if not isinstance(device, LinearMemristor):
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
    device, numbers, amplitude = drawn(name, rng)
    state = load_model(name).pins[2]
    s, v = np.array(rng.uniform(0.05, 0.95)), np.array(rng.uniform(-2.0, 2.0) * amplitude)
    J = rng.choice([-1.0, 1.0])
    P = rng.choice([-1.0, 1.0]) if device.ohmic else 1.0
    used = {p for p in compiled()[name].param_names}
    given = {key: float(value) for key, value in numbers.items() if key in used}
    given |= {"V(p,n)": float(v), f"V({state})": float(s), "polarity": float(J), "mfactor": 1.0}
    if device.ohmic:
        given["active"] = float(P)
    return device, state, s, v, P, J, given


def test_every_subcircuit_has_a_twin_and_a_law():
    assert set(compiled()) == set(MODULES) == set(model_names())


@pytest.mark.parametrize("name", MODULES)
def test_same_pins_parameters_and_defaults_as_the_subcircuit(name):
    module, sub = compiled()[name], load_model(name)
    assert tuple(node["name"] for node in module.get_dae_system()["nodes"]) == tuple(sub.pins)
    assert module.num_terminals == len(sub.pins)
    expected = {key: float(value) for key, value in dict(sub.parameters).items()}
    assert [p["name"] for p in module.get_osdi_descriptor()["params"]] == list(expected)
    defaults = module.get_param_defaults()
    # The compiler drops the default of what a module has no use for.
    assert defaults.items() <= expected.items()
    assert set(expected) - set(defaults) <= {"b", "active"}


@pytest.mark.parametrize("name", MODULES)
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


@pytest.mark.parametrize("name", MODULES)
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
        close([found], [-(by_s + by_i * i_s)])
        assert entry(state, state, 1) == 1.0


@pytest.mark.parametrize("name", MODULES)
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
