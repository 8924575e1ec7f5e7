"""Errors that no step ceiling changes: corners of drives, clamps of hard bounds. Against exact solutions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.circuit.circuit_run import CircuitRun
from spicebridge.circuit.lower import corners as corners_module
from spicebridge.circuit.lower import lowered_network
from spicebridge.circuit.lower.bounds import Clamps, rate_decades
from spicebridge.circuit.lower.corners import Clock, Corners
from spicebridge.circuit.lower.deck_nodes import Wiring, wire
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.circuit.lower.steps import ladder_step
from spicebridge.errors import SimulatorDied
from spicebridge.verify.trial import Circuit

CURRENT = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.0, beta=1.0)
VOLTAGE = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.0, beta=1.0, control="voltage")


def ramps(rise: float) -> sb.PWL:
    return sb.PWL((0.0, 0.2, 0.2 + rise, 0.5, 0.5 + rise), (0.0, 0.0, 1.0, 1.0, 0.0))


def loop(drive: Any) -> sb.Network:
    """w = 0.9 - int S exactly."""
    return sb.Network.from_edges([(0, 0)], device=VOLTAGE, drive=drive, initial_state=0.9)


@pytest.mark.parametrize("rise", [1e-6, 1e-5, 1e-4, 1e-3, 1e-2])
def test_ramps_of_any_rise_time_are_inside_U(rise: float) -> None:
    verdict = sb.validate(loop(ramps(rise)), [0.0, 1.0])
    assert verdict, verdict
    assert verdict.spice is not None
    exact = 0.9 - ramps(rise).integral(verdict.spice.t)
    assert np.abs(verdict.spice.state[:, 0] - exact).max() <= verdict.signals["state"].uncertainty


def test_the_error_of_a_corner_is_of_second_order() -> None:
    """Without guards it is 5e-6 at every step: 0.005 rise dV."""
    errors = []
    for n in (50, 100, 200):
        waves = sb.simulate(loop(ramps(1e-3)), np.linspace(0, 1, 11), step=1 / n)
        errors.append(np.abs(waves.run.data[:, 0] - 0.9 + ramps(1e-3).integral(waves.run.time)).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[0] < 1e-7
    assert (orders > 1.8).all()


@pytest.mark.parametrize("drive", [sb.DC(1.0), sb.Sine(1.0, 2.0), sb.DC(0.5) + sb.Sine(1.0, 2.0)])
def test_a_deck_without_corners_has_no_guards(drive: Any) -> None:
    assert not [e for e in lower(loop(drive), 1.0, 0.01).deck.elements if e.name.startswith("VG")]


@pytest.mark.parametrize(
    "drive",
    [
        sb.Pulse(0.0, 1.0, 0.1, 1e-3, 2e-3, 0.2, 0.5),
        sb.Pulse(0.0, 1.0, 0.1, 1e-3, 2e-3, 0.2),
        sb.Pulse(0.0, 1.0, 0.1, 0.01, 0.02, 0.0, 0.5),
        sb.Sine(1.0, 2.0, delay=0.3),
        ramps(1e-2),
        sb.DC(0.5) + ramps(1e-2) + sb.Pulse(0.0, 1.0, 0.1, 1e-3, 2e-3, 0.2, 0.5),
    ],
)
def test_every_corner_is_followed_by_a_guard(drive: Any) -> None:
    """Read off the sources themselves: their own corners are where the simulator restarts."""
    stop, step = 2.0, 0.02
    found = Corners.of([drive], stop)
    assert found is not None
    points = []
    for source in found.guards(step):
        wave = source.wave  # type: ignore[union-attr]
        if hasattr(wave, "points"):
            points += [t for t, _ in wave.points]
        else:
            once = np.cumsum([wave.delay, wave.rise, wave.width, wave.fall])
            points += [float(t + n * wave.period) for n in range(6) for t in once]
    for a, b in itertools.pairwise([*drive.breakpoints(stop), stop]):
        assert any(0.0 < t - a <= 0.11 * min(step, b - a) for t in points), a


def test_guards_come_nearer_with_the_step_and_lie_elsewhere_in_a_run_of_another_kind() -> None:
    def distance(step: float, closer: bool = False) -> float:
        found = Corners.of([ramps(1e-2)], 1.0, closer=closer)
        assert found is not None
        times = [t for t, _ in found.guards(step)[0].wave.points]  # type: ignore[union-attr]
        return times[times.index(0.2) + 1] - 0.2

    assert distance(0.01) == pytest.approx(distance(0.02) / 2)
    assert distance(0.02, closer=True) != pytest.approx(distance(0.02), rel=0.1)


def test_a_clock_doubles_its_breakpoints_with_half_the_step() -> None:
    clock = Clock((0.0, 1e-3, 1.0), (0.0, 10.0, 10.0), 0.04)
    assert len(clock.times(0.04)) == 10
    assert len(clock.times(0.02)) == 20
    assert max(clock.times(0.02)) <= 1e-3


def test_dense_corners_bring_smaller_steps_and_lone_ones_do_not() -> None:
    samples = sb.PWL(tuple(np.linspace(0, 1, 101)), tuple(np.sin(np.linspace(0, 6, 101))))
    assert ladder_step(loop(ramps(1e-6)), 1.0) == 0.04
    assert ladder_step(loop(samples), 1.0) <= 0.4 * 0.01 * 4


def walls(ratio: float, **changes: Any) -> sb.Network:
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.0, beta=[1.0, ratio], window=sb.Hard())
    settings: dict[str, Any] = {"drive": {0: sb.Sine(1.0, 1.0, phase=np.pi)}, "initial_state": [1.0, 0.5]}
    return sb.Network.from_edges([(0, 0), (1, 1)], device=device, **(settings | changes))


@pytest.mark.parametrize("ratio", [1.0, 1e-2, 1e-4, 1e-5])
def test_a_slow_edge_leaves_its_wall_in_time_beside_a_fast_one(ratio: float) -> None:
    """Held at 1 until t = 0.5 s, then w + 7.5 w^2 = 8.5 - int S."""
    verdict = sb.validate(walls(ratio), [0.0, 1.0])
    assert verdict, verdict
    assert verdict.spice is not None
    t = verdict.spice.t[verdict.spice.t >= 0.5]
    flux = (1.0 + np.cos(2 * np.pi * t)) / (2 * np.pi)  # int S from 0.5 s, S = -sin(2 pi t)
    exact = (-1.0 + np.sqrt(1.0 + 30.0 * (8.5 - flux))) / 15.0
    error = np.abs(verdict.spice.state[-t.size :, 0] - exact).max()
    assert error <= verdict.signals["state"].uncertainty


def test_clamps_are_of_the_edges_own_part_and_of_what_its_neighbours_let_through() -> None:
    alone = rate_decades(wire(walls(1.0)), 1.0)[0]
    loud = sb.Network.from_edges(
        [(0, 0), (1, 2), (2, 1)],
        device=[*[walls(1.0).device(0)] * 2, sb.Resistor(1e6)],
        drive={0: sb.Sine(1.0, 1.0), 1: 1e4},
        initial_state=[0.5, 0.5, 0.0],
    )
    decades = rate_decades(wire(loud), 1.0)
    assert decades[0] == alone
    # 10 kV through 1 Mohm is 10 mA, which is what 1 V drives through 100 ohm
    assert decades[1] == alone


def kink_in_a_ramp() -> sb.Network:
    """Biolek's window changes where the current turns, in the middle of ramps shorter than most steps."""
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.0, 2.028, window=sb.Biolek(1))
    drive = sb.Pulse(-0.6026, 0.3832, 0.05764, 0.00712, 0.00712, 0.16374, 0.35596)
    edges = [(0, 1), (1, 2), (2, 0)]
    return sb.Network.from_edges(edges, device=device, drive=[drive, None, None], initial_state=0.68327)


def test_a_kink_of_a_law_in_a_short_ramp_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = sb.validate(kink_in_a_ramp(), np.linspace(0.0, 2.0, 21))
    assert verdict.outcome is sb.Outcome.AGREES, verdict.reason
    assert verdict.max_error > 0.1 * verdict.uncertainty
    monkeypatch.setattr(corners_module, "CUT", 1)
    assert sb.validate(kink_in_a_ramp(), np.linspace(0.0, 2.0, 21)).outcome is not sb.Outcome.AGREES


def test_a_disagreement_that_falls_with_the_step_is_none() -> None:
    """Where in a step a kink lies is chance: one halving of the step left E as it was here, and U fell."""
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.0, 1.0, window=sb.Biolek(2))
    drive = sb.Pulse(-2.0, 2.0, 0.0, 0.01, 0.01, 0.24, 0.5)
    edges = [(k, (k + 1) % 5) for k in range(5)]
    network = sb.Network.from_edges(edges, device=device, drive={0: drive}, initial_state=0.4)
    verdict = sb.validate(network, np.linspace(0.0, 2.0, 21))
    assert verdict.outcome is sb.Outcome.AGREES, verdict.reason


def test_an_error_that_all_rungs_share_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clamps made for rates a million times too large let go late, the same at every step."""
    right = lowered_network.clamps_by_edge

    def late(wiring: Wiring, stop: float, finer: int = 0) -> dict[int, Clamps]:
        return {k: Clamps(c.decade + 3, c.by_rate, c.suffix) for k, c in right(wiring, stop, finer).items()}

    monkeypatch.setattr(lowered_network, "clamps_by_edge", late)
    verdict = sb.validate(walls(1.0), [0.0, 1.0], max_steps=100_000)
    signal = verdict.signals["state"]
    assert verdict.outcome is sb.Outcome.UNRESOLVED, verdict
    assert signal.bound is not None
    assert signal.error > 1e-5
    assert signal.error <= signal.uncertainty


def test_corners_without_guards_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards as far away as the next corner are none: every rung errs by 0.005 rise dV."""
    monkeypatch.setattr(corners_module, "GUARD", 0.9)
    monkeypatch.setattr(corners_module, "LEAST_GUARD", 0.3)
    verdict = sb.validate(loop(ramps(0.01)), [0.0, 1.0], max_steps=2000)
    assert verdict.outcome is not sb.Outcome.DISAGREES, verdict
    assert verdict.signals["state"].error <= verdict.signals["state"].uncertainty


@pytest.mark.parametrize("dying", [{1}, {1, 2}])
def test_a_run_of_another_kind_that_is_given_up_is_told(monkeypatch: pytest.MonkeyPatch, dying: set[int]) -> None:
    """Another one takes its place; without any, U is not known and the verdict says so."""
    run = Circuit.run

    def mortal(self: Circuit, step: float, made: int = 0, **limits: Any) -> CircuitRun:
        if made in dying:
            raise SimulatorDied("ngspice took longer than 20 s")
        return run(self, step, made, **limits)

    monkeypatch.setattr(Circuit, "run", mortal)
    verdict = sb.validate(walls(1.0), [0.0, 1.0], tolerance=1e-3)
    if dying == {1}:
        assert verdict.agrees, verdict
        assert not verdict.unchecked
        assert verdict.signals["state"].bound is not None
    else:
        assert verdict.outcome is sb.Outcome.UNRESOLVED
        assert verdict.signals["state"].bound is None
        assert verdict.unchecked == verdict.to_dict()["unchecked"] == "ngspice took longer than 20 s"
        assert "what all rungs share was not checked: ngspice took longer" in verdict.reason


def test_a_rate_that_comes_to_rest_at_a_threshold_finds_its_steps() -> None:
    """The clamp of a bound looks at the sign of a rate; where the rate comes to rest its rounding must not move it."""
    device = sb.ThresholdMemristor(100.0, 1600.0, 0.3, 1.0, window=sb.Hard())
    edges = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    drive = sb.Sine(1.7075822497175146, 49.99773601392915)
    network = sb.Network.from_edges(edges, device=device, drive={0: drive}, initial_state=0.48932743291960196)
    verdict = sb.validate(network, np.linspace(0.0, 0.04, 21))
    assert verdict.outcome is sb.Outcome.AGREES, verdict.reason
