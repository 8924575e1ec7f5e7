"""Simulated measurements come back with the right verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spicebridge.devices import Resistor
from spicebridge.lab.bench import LabError
from spicebridge.lab.measured import Instrument, Validation, compare_measured
from spicebridge.lab.measurement import map_channels, parse_signal, read_measurement
from spicebridge.network import Network
from spicebridge.verify.verdict import Outcome
from tests.lab.networks import plan
from tests.lab.scope import Scope, measure

BUILT = ("k4", "two_loops")


def channels(name: str) -> list[str]:
    planned = plan(name)
    nodes = [n for n in range(planned.network.n_nodes) if n != planned.gauge.ground]
    return [f"p[{planned.network.nodes[n]}]" for n in nodes] + [f"i[{k}]" for k in planned.gauge.chords]


def judge(name: str, real: Network, scope: Scope, seed: int = 0, tool: Instrument | None = None) -> Validation:
    planned = plan(name)
    names = channels(name)
    shown = measure(real, planned.stop, names, scope, ground=planned.gauge.ground, seed=seed)
    signals = {x: parse_signal(x) for x in names}
    return compare_measured(
        planned.network, planned.stop, shown, signals, ground=planned.gauge.ground, instrument=tool
    )


def wrong(network: Network, k: int, factor: float) -> Network:
    laws = network.devices()
    law = laws[k]
    laws[k] = (
        Resistor(law.r * factor)
        if isinstance(law, Resistor)
        else replace(law, r_on=law.r_on * factor, r_off=law.r_off * factor)
    )
    return network.with_device(laws)


def flipped(network: Network, k: int) -> Network:
    J = network.J.copy()
    J[k] *= -1
    return network.with_polarity(J.tolist())


@pytest.mark.parametrize("name", BUILT)
def test_true_circuits_agree(name: str) -> None:
    network = plan(name).network
    for seed in range(3):
        result = judge(name, network, Scope(), seed)
        assert result.outcome is Outcome.AGREES, result.reason
        assert result.trigger / plan(name).stop == pytest.approx(0.008, abs=0.004)
        assert all(c.lost > 50 for c in result.channels)


@pytest.mark.parametrize("name", BUILT)
def test_wrong_parts_disagree_wherever_the_report_says_they_are_seen(name: str) -> None:
    network = plan(name).network
    base = judge(name, network, Scope())
    assert len(base.blind) <= network.n_edges // 2
    for k in range(0, network.n_edges, 2 if network.n_edges > 6 else 1):
        if k not in base.blind:
            result = judge(name, wrong(network, k, 1.05), Scope())
            assert result.outcome is Outcome.DISAGREES, (k, result.reason)
        if network.stateful[k] and k not in base.unsigned:
            assert judge(name, flipped(network, k), Scope()).outcome is Outcome.DISAGREES, k


@pytest.mark.parametrize("name", BUILT)
def test_noise_leaves_it_unresolved(name: str) -> None:
    for real in (plan(name).network, wrong(plan(name).network, 0, 1.05)):
        result = judge(name, real, Scope(noise=0.5))
        assert result.outcome is Outcome.UNRESOLVED
        assert "times as many samples" in result.reason


def test_a_wide_gain_allowance_is_what_hides_a_wrong_part() -> None:
    # One loop, one resistor: a 5 % wrong resistance is a 5 % smaller current, exactly a gain error.
    network = Network.from_edges([(0, 1), (1, 0)], device=[Resistor(1e3), Resistor(1e-3)], drive={0: _sine()})
    shown = measure(wrong(network, 0, 1.05), 1.0, ["i[0]"], Scope(parts=0.0))
    signal = {"i[0]": parse_signal("i[0]")}
    strict = compare_measured(network, 1.0, shown, signal, instrument=Instrument(gain=5e-3))
    assert strict.outcome is Outcome.DISAGREES
    assert "gain of i[0]" in strict.at_limit
    loose = compare_measured(network, 1.0, shown, signal, instrument=Instrument(gain=0.08))
    assert loose.outcome is not Outcome.DISAGREES
    assert 0 in loose.blind


def _sine():  # type: ignore[no-untyped-def]
    from spicebridge.drives import Sine

    return Sine(1.0, 2.0)


def test_the_state_is_inferred_from_voltage_and_current() -> None:
    planned = plan("two_loops")
    names = ["v[0]", "i[0]"]
    shown = measure(planned.network, planned.stop, names, Scope(noise=1e-3, bits=12))
    result = compare_measured(planned.network, planned.stop, shown, {x: parse_signal(x) for x in names})
    assert len(result.inferred) == 1
    found = result.inferred[0]
    assert found.blocks > 10
    assert found.difference < found.uncertainty < 0.2


def test_files_and_channel_maps(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "scope.csv"
    rows = [f"{0.01 * n},{np.sin(n)},{'' if n % 9 == 0 else n}" for n in range(100)]
    path.write_text("# scope\nModel,X\nt (s),CH1 (V),p[a]\n" + "\n".join(rows) + "\n")
    read = read_measurement(path)
    assert set(read.values) == {"CH1", "p[a]"}
    assert np.isnan(read.values["p[a]"]).sum() == 12
    assert list(map_channels(read, None)) == ["p[a]"]
    assert map_channels(read, {"CH1": "i[3]*-82.5"})["CH1"].factor == -82.5
    with pytest.raises(LabError, match="CH2"):
        map_channels(read, {"CH2": "i[3]"})
    with pytest.raises(LabError, match="must be p"):
        parse_signal("x[1]")
    path.write_text("t,CH1\n0,1\n1,x\n")
    with pytest.raises(LabError, match=r"scope.csv:3"):
        read_measurement(path)
    path.write_text("t,CH1\n0,1\n1,2\n")
    with pytest.raises(LabError, match="too few"):
        read_measurement(path)
