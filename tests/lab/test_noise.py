"""Right circuits stay right under the noise that instruments have, and wrong ones stay wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from spicebridge.arrays import Array
from spicebridge.cli.compare import _offset
from spicebridge.lab.design.builds import error_limits
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.measure.calibration import Instrument
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.measured import Validation, compare_measured
from spicebridge.lab.measure.measurement import parse_signal
from spicebridge.lab.measure.simulated_scope import Scope, measure
from spicebridge.verify.verdict import Outcome
from tests.lab.networks import plan

NAMES = ("p[0]", "p[2]", "i[0]")
Disturb = Callable[[Array, Array, float, np.random.Generator], Array]


def judged(
    disturb: Disturb | None = None,
    *,
    stop: float = 2.0,
    noise: float = 1e-3,
    samples: int = 2000,
    offset: float = 0.003,
    tool: Instrument | None = None,
    wrong: dict[int, float] | None = None,
) -> Validation:
    planned = plan("k4")
    network = planned.network
    limits = error_limits(network, planned.bench, planned.gauge.driven)
    circuit = CircuitUnderTest(network=network, stop=stop, ground=planned.gauge.ground, limits=limits)
    names = tuple(x for x in NAMES if x != f"p[{network.nodes[planned.gauge.ground]}]")
    scope = Scope(
        noise=noise, bits=12, gain=0.002, offset=offset, trigger=0.005, clock=2e-5, dropouts=0.0, samples=samples
    )
    shown = measure(circuit, names, scope, seed=3, wrong=wrong)
    rng = np.random.default_rng(5)
    if disturb is not None:
        values = {k: disturb(shown.t, v, float(np.abs(v).max()), rng) for k, v in shown.values.items()}
        shown = replace(shown, values=values)
    signals = {x: parse_signal(x) for x in names}
    return compare_measured(circuit, shown, signals, instrument=tool, tolerance=0.03)


def coloured(length: int) -> Disturb:
    def add(t: Array, v: Array, size: float, rng: np.random.Generator) -> Array:
        white = rng.standard_normal(t.size + length - 1)
        return v + 5e-3 * size * np.convolve(white, np.full(length, length**-0.5), "valid")

    return add


def spikes(t: Array, v: Array, size: float, rng: np.random.Generator) -> Array:
    out = v.copy()
    out[rng.choice(v.size, 20, replace=False)] += size
    return out


def hum(t: Array, v: Array, size: float, rng: np.random.Generator) -> Array:
    return v + 0.01 * size * np.sin(2 * np.pi * 50.0 * t + rng.uniform(0, 6))


def drift(t: Array, v: Array, size: float, rng: np.random.Generator) -> Array:
    return v + 0.01 * size * t / t[-1]


@pytest.mark.parametrize("length", [1, 3, 10, 30])
def test_correlated_noise_is_no_disagreement(length: int) -> None:
    found = judged(coloured(length), noise=1e-4)
    assert found.outcome is not Outcome.DISAGREES
    assert ("noise is correlated" in found.reason) == (length >= 10) or length == 3


def test_spikes_are_left_out_and_counted() -> None:
    found = judged(spikes)
    assert found.outcome is Outcome.AGREES
    assert all(15 <= c.spikes <= 25 for c in found.channels)
    assert all(c.spikes == 0 for c in judged().channels)


def test_hum_of_a_short_run_is_fitted_and_named() -> None:
    found = judged(hum, stop=0.2)
    assert found.outcome is not Outcome.DISAGREES
    assert re.search(r"(49.[89]|50.[012]). Hz hum of up to 1", found.reason)
    # Not allowed to hum, it is a disagreement.
    assert judged(hum, stop=0.2, tool=Instrument(hum=1e-5)).outcome is not Outcome.AGREES


def test_drift_is_named_and_no_resistance_is_blamed() -> None:
    found = judged(drift)
    assert found.outcome is not Outcome.DISAGREES
    assert "drift of up to" in found.reason
    assert not found.explanations


@pytest.mark.parametrize("disturb", [None, spikes, drift, coloured(10)])
@pytest.mark.parametrize("edge", [0, 2])
def test_a_wrong_resistance_does_not_hide_behind_a_nuisance(edge: int, disturb: Disturb | None) -> None:
    found = judged(disturb, wrong={edge: 0.05})
    assert found.outcome is not Outcome.AGREES or edge in found.blind


def test_offsets_are_stated_in_volts() -> None:
    """Four millivolts on a channel of 38 mV are within what a scope states in volts, and beyond 1 % of the signal."""
    size = 0.1

    def shifted(t: Array, v: Array, peak: float, rng: np.random.Generator) -> Array:
        return v + size * peak

    assert judged(shifted).outcome is Outcome.DISAGREES
    peak = max(c.range for c in judged().channels)
    assert judged(shifted, tool=Instrument(volts=1.2 * size * peak)).outcome is not Outcome.DISAGREES
    assert _offset("5mV") == {"volts": pytest.approx(5e-3)}
    assert _offset("0.02") == {"offset": 0.02}
    for text in ("5mA", "-1", "mV", "0"):
        with pytest.raises(LabError, match="--offset"):
            _offset(text)
