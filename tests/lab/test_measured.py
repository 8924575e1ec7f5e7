"""Simulated measurements come back with the right verdict."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bench.lab_verdicts import KINDS, TOLERANCE, circuit_of, one
from spicebridge.case.case import Case
from spicebridge.drives import DC, Sine
from spicebridge.errors import ScreenError
from spicebridge.lab.design.emulator import run_firmware
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.realistic import run_realistic
from spicebridge.lab.measure.calibration import Instrument
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest, as_given
from spicebridge.lab.measure.measured import Validation, compare_measured
from spicebridge.lab.measure.measurement import Measurement, parse_signal
from spicebridge.lab.measure.simulated_scope import Scope, measure, show
from spicebridge.laws import Resistor
from spicebridge.network import Network
from spicebridge.verify.verdict import Outcome
from tests.lab.networks import NAMES, plan


@cache
def circuit(name: str) -> CircuitUnderTest:
    return circuit_of(name)


def channels(name: str) -> list[str]:
    planned = plan(name)
    nodes = [n for n in range(planned.network.n_nodes) if n != planned.gauge.ground]
    return [f"p[{planned.network.nodes[n]}]" for n in nodes] + [f"i[{k}]" for k in planned.gauge.chords]


def judge(name: str, scope: Scope, names: list[str] | None = None, **wrong: object) -> Validation:
    names = names or channels(name)
    shown = measure(circuit(name), names, scope, **wrong)  # type: ignore[arg-type]
    return compare_measured(circuit(name), shown, {x: parse_signal(x) for x in names}, tolerance=TOLERANCE)


def loop(**instrument: float) -> tuple[CircuitUnderTest, Instrument]:
    """One resistor driven by a sine with a level; a short closes the loop."""
    network = Network.from_edges(
        [(0, 1), (1, 0)], device=[Resistor(1e3), Resistor(1e-3)], drive={0: Sine(1.0, 2.0) + DC(0.5)}
    )
    return CircuitUnderTest.of(network, 1.0), Instrument(**instrument)


def judge_loop(scope: Scope, wrong: dict[int, float] | None = None, **instrument: float) -> Validation:
    built, tool = loop(**instrument)
    shown = measure(built, ["i[0]"], scope, wrong=wrong)
    return compare_measured(built, shown, {"i[0]": parse_signal("i[0]")}, instrument=tool)


CLEAN = Scope(gain=0.0, offset=0.0, trigger=0.0, clock=0.0, parts=0.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_verdict_on_random_scopes_is_wrong(name: str, kind: str) -> None:
    rng = np.random.default_rng(NAMES.index(name))
    found = [one(circuit(name), name, kind, rng)]
    assert not any(bad for _, bad in found), [x.reason for x, bad in found if bad]


@pytest.mark.parametrize("name", NAMES)
def test_every_wrong_part_is_seen_where_the_report_says_so_and_is_named(name: str) -> None:
    scope = Scope(noise=0.001, bits=12)
    base = judge(name, scope)
    n_e = plan(name).network.n_edges
    assert base.outcome is not Outcome.DISAGREES, base.reason
    assert len(base.blind) <= n_e // 3
    for k in range(0, n_e, 5):
        result = judge(name, scope, wrong={k: 0.05})
        assert k in base.blind or result.outcome is Outcome.DISAGREES, (k, result.reason)
        # In the prism 5 % is far from a small error, and no straight line explains it.
        if name != "prism" and k not in base.blind:
            assert plan(name).network.edge_name(k) in result.explanations[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_circuit_as_it_will_be_built_agrees(name: str) -> None:
    # The truth is the sampled firmware loop, and the op-amps of the realistic deck: not the equations themselves.
    planned, signals = plan(name), {x: parse_signal(x) for x in channels(name)}
    run, loop_ = run_realistic(planned), run_firmware(planned)
    names = [str(node) for node in planned.network.nodes]
    drop = loop_.voltage - planned.network.bank(loop_.t)
    from spicebridge.lab.design.plan import node_voltages

    p = node_voltages(planned.network, planned.gauge.ground, drop)
    times, first = np.unique(run.t, return_index=True)
    parts, firmware = {}, {}
    for x, s in signals.items():
        at = names.index(s.name) if s.kind == "p" else int(s.name)
        parts[x] = (run.nodes[:, at] if s.kind == "p" else run.chord_current[at])[first]
        firmware[x] = p[:, at] if s.kind == "p" else loop_.current[:, at]
    for t, clean in ((times, parts), (loop_.t, firmware)):
        shown = show(t, clean, planned.stop, Scope(), np.random.default_rng(3))
        result = compare_measured(circuit(name), shown, signals, tolerance=0.1)
        assert result.outcome is Outcome.AGREES, result.reason


def test_a_wide_gain_allowance_is_what_hides_a_wrong_part() -> None:
    # One loop, one resistor: a 5 % wrong resistance is a 5 % smaller current, exactly a gain error.
    strict = judge_loop(CLEAN, wrong={0: 0.05}, gain=5e-3)
    assert strict.outcome is Outcome.DISAGREES
    assert "gain of i[0]" in strict.at_limit
    loose = judge_loop(CLEAN, wrong={0: 0.05}, gain=0.08)
    assert loose.outcome is not Outcome.DISAGREES
    assert 0 in loose.blind


def test_a_false_time_base_is_named() -> None:
    result = judge_loop(replace(CLEAN, clock=3e-3, noise=1e-3))
    assert result.outcome is Outcome.DISAGREES
    assert any("time base" in x for x in result.explanations)
    assert judge_loop(replace(CLEAN, clock=3e-3, noise=1e-3), clock=5e-3).outcome is Outcome.AGREES


def test_a_probe_the_wrong_way_round_is_named() -> None:
    names = channels("two_loops")
    shown = measure(circuit("two_loops"), names, Scope(noise=0.001, bits=12), seed=5)
    turned = replace(shown, values={**shown.values, names[0]: -shown.values[names[0]]})
    result = compare_measured(circuit("two_loops"), turned, {x: parse_signal(x) for x in names}, tolerance=0.1)
    assert result.outcome is Outcome.DISAGREES
    assert result.explanations == (f"the probe of {names[0]} the wrong way round",)


def test_ac_coupling_is_named_and_can_be_stated() -> None:
    built, _ = loop()
    shown = measure(built, ["i[0]"], CLEAN)
    coupled = replace(shown, values={"i[0]": shown.values["i[0]"] - np.nanmean(shown.values["i[0]"])})
    signal = {"i[0]": parse_signal("i[0]")}
    result = compare_measured(built, coupled, signal)
    assert result.outcome is Outcome.DISAGREES
    assert any("AC coupling" in x for x in result.explanations)
    assert compare_measured(built, coupled, signal, instrument=Instrument(offset=0.5)).outcome is Outcome.AGREES


def test_a_clipped_channel_is_unresolved_and_cannot_hide_a_wrong_part() -> None:
    clipped = replace(CLEAN, full_scale=0.8)
    result = judge_loop(clipped)
    assert result.outcome is Outcome.UNRESOLVED
    assert "end of its range" in result.reason
    assert result.channels[0].clipped > 100
    assert judge_loop(clipped, wrong={0: 0.05}).outcome is Outcome.DISAGREES


def test_what_the_prediction_itself_leaves_is_no_disagreement() -> None:
    network = Network.from_edges([(0, 1), (1, 0)], device=[Resistor(1e3), Resistor(1e-3)], drive={0: DC(1.0)})
    built, t = CircuitUnderTest.of(network, 1.0), np.linspace(0.0, 1.0, 2001)
    signal = {"i[0]": parse_signal("i[0]")}

    def outcome(size: float) -> Outcome:
        current = (1.0 + size * np.sin(6.0 * np.pi * t)) / 1e3
        return compare_measured(built, Measurement(t, {"i[0]": current}), signal).outcome

    assert outcome(4e-6) is not Outcome.DISAGREES
    assert outcome(1e-4) is Outcome.DISAGREES


def test_a_part_of_the_run_that_was_not_measured_is_named() -> None:
    built, _ = loop()
    shown = measure(built, ["i[0]"], CLEAN)
    signal = {"i[0]": parse_signal("i[0]")}
    assert "nothing was judged" not in compare_measured(built, shown, signal).reason
    early = shown.t < 0.4 * built.stop
    cut = replace(shown, t=shown.t[early], values={"i[0]": shown.values["i[0]"][early]})
    result = compare_measured(built, cut, signal)
    assert result.outcome is Outcome.AGREES
    assert "nothing was judged from 0.39" in result.reason


def test_a_circuit_whose_currents_are_undetermined_is_refused() -> None:
    network = Network.from_edges([(0, 1), (1, 0)], device=Resistor(100.0), drive=DC(1.0), active=[1])
    with pytest.raises(ScreenError, match=r"singular|undetermined"):
        as_given(Case(title="none", what="", network=network, stop=1.0, tolerance=1e-5))


def test_a_time_base_that_leaves_nothing_to_compare_is_refused() -> None:
    with pytest.raises(LabError, match=r"trigger = 0\.6 and clock = 0\.0001 together must stay below 0\.5"):
        Instrument(trigger=0.6)


def test_the_same_signal_on_two_channels_is_judged_twice() -> None:
    built = circuit("two_loops")
    shown = measure(built, ["p[b]", "i[1]"], Scope())
    twice = replace(shown, values={**shown.values, "again": shown.values["p[b]"]})
    signals = {"p[b]": parse_signal("p[b]"), "i[1]": parse_signal("i[1]"), "again": parse_signal("p[b]")}
    assert compare_measured(built, twice, signals, tolerance=TOLERANCE).outcome is Outcome.AGREES
    other = {**signals, "again": parse_signal("p[b]*1.05")}
    assert compare_measured(built, twice, other, tolerance=TOLERANCE).outcome is Outcome.DISAGREES


def test_fitted_calibration_is_what_the_scope_had() -> None:
    result = judge("two_loops", Scope(noise=1e-3, bits=12))
    assert result.trigger / plan("two_loops").stop == pytest.approx(0.008, abs=5e-4)
    for c in result.channels:
        assert abs(c.gain - 1.0) <= 5e-3
        assert c.lost > 50
        assert c.uncertainty == pytest.approx(c.random + c.resolution + c.circuit, rel=1e-9)


def test_the_state_is_inferred_from_voltage_and_current() -> None:
    result = judge("two_loops", Scope(noise=1e-3, bits=12), ["v[0]", "i[0]"])
    (found,) = result.inferred
    assert found.edge == 0
    assert len(found.times) > 10
    assert found.difference < found.uncertainty < 0.1
