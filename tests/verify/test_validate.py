"""The main job on circuits that are right, on circuits with one mistake, and on failing simulators."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from bench.population import KINDS, MUTATIONS, mutate, random_network
from spicebridge.circuit.engines.ngspice import NgspiceProcess
from spicebridge.errors import NetworkError, ScreenError, SimulatorError
from spicebridge.verify import trial
from spicebridge.verify.refinement import Ladder

FAKES = Path(__file__).parent.parent / "fake_bin"


def k4(**changes: object) -> sb.Network:
    rng = np.random.default_rng(5)
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0)
    settings: dict[str, object] = {
        "device": device,
        "drive": rng.uniform(-0.1, 0.1, 6),
        "initial_state": rng.uniform(0.2, 0.45, 6),
    }
    return sb.Network.from_graph(nx.complete_graph(4), **(settings | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["fast", "readable"])
def test_k4_agrees_at_second_order_in_both_forms(form: str) -> None:
    verdict = sb.validate(k4(), [0.0, 5.0], form=form)
    assert verdict.outcome is sb.Outcome.AGREES
    assert verdict.observed_order == pytest.approx(2.0, abs=0.1)
    assert verdict.ladder is not None
    assert verdict.ladder.errors[-1] <= 1.5e-6
    assert verdict.max_error <= verdict.uncertainty <= 1e-5
    assert verdict.invariants is not None
    assert max(verdict.invariants.kcl, verdict.invariants.kvl, verdict.invariants.tellegen) < 1e-9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(100, 105))
def test_correct_circuits_never_disagree(kind: str, seed: int) -> None:
    trial = random_network(kind, seed)
    verdict = sb.validate(trial.network, [0.0, trial.stop], max_steps=20_000)
    assert verdict.outcome is not sb.Outcome.DISAGREES, verdict
    if kind in ("bulk", "voltage", "active"):
        assert verdict.outcome is sb.Outcome.AGREES, verdict


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_circuit_with_one_mistake_never_agrees(kind: str, mutation: str) -> None:
    trial = mutate(random_network(kind, 200 + MUTATIONS.index(mutation)), mutation)
    verdict = sb.validate(
        trial.network, [0.0, trial.stop], circuit=trial.circuit, transform=trial.transform, max_steps=20_000
    )
    assert verdict.outcome is not sb.Outcome.AGREES, verdict
    if kind == "bulk":
        assert verdict.outcome is sb.Outcome.DISAGREES, verdict


def test_a_tree_carries_no_current_and_agrees() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.0, beta=1.0)
    network = sb.Network.from_graph(nx.path_graph(4), device=device, drive=0.3, initial_state=0.4)
    verdict = sb.validate(network, [0.0, 2.0])
    assert verdict.outcome is sb.Outcome.AGREES
    assert verdict.observed_order is None


@pytest.mark.parametrize(("rise", "rounding"), [(2.4e-6, 1.0), (1e-3, 1.0), (1e-3, 100.0)])
def test_a_bridge_with_a_steep_source_has_no_drop_but_what_rounding_leaves(monkeypatch, rise, rounding) -> None:
    """Its drop is two nodes and a source of 1.4 V that moves by 1e-10 V in a rounding of its time, held to 1e-6 of it.

    A hundred times the rounding that is allowed for costs more than a tenth of the tolerance.
    """
    monkeypatch.setattr(trial, "VOLTAGE_ROUNDING", rounding * trial.VOLTAGE_ROUNDING)
    device = sb.LinearMemristor.caravelli2017(213.3, 3412.6, alpha=0.09, beta=[1.3, 3.2, 0.48], window=sb.Joglekar(1))
    steep = sb.Pulse(0.0, 1.4, 0.111, rise, rise, 0.0942, 0.2355)
    edges = [("a", "b"), ("b", "c"), ("c", "c")]
    network = sb.Network.from_edges(edges, device=device, drive={1: steep, 2: sb.Sine(1.0, 1.0)}, initial_state=0.3)
    verdict = sb.validate(network, [0.0, 1.1])
    assert verdict, str(verdict)
    assert (verdict.signals["voltage"].uncertainty < 1e-6) == (rounding == 1.0)


def test_the_noise_of_such_a_drop_counts_as_no_step() -> None:
    """Two differences of rungs that ngspice left in a bridge between sources of 4.2 V, held to 2.8e-6 V."""

    def rungs(part: float) -> Ladder:
        floor = trial.SOLVER_FLOOR + (trial.VOLTAGE_NOISE + part * 4.2) / 2.8e-6
        noise = dict(d1=9.7e-9, d2=1.03e-8, errors=(1e-8, 1e-8, 1e-8), richardson=1e-8, gci=1e-8)
        return Ladder(steps=(4.0, 2.0, 1.0), floor=floor, order=-0.1, **noise)  # type: ignore[arg-type]

    assert rungs(trial.VOLTAGE_ROUNDING).converging
    assert not rungs(0.0).converging


def test_a_loop_matrix_without_a_graph_agrees() -> None:
    rng = np.random.default_rng(3)
    A = rng.uniform(0, 1, (4, 9))
    device = sb.LinearMemristor.tunneling(100.0, 1000.0, alpha=1.0, beta=1.0)
    network = sb.Network.from_loop_matrix(A, device=device, drive=0.1, initial_state=rng.uniform(0.1, 0.3, 9))
    for form in ("fast", "readable"):
        verdict = sb.validate(network, [0.0, 2.0], form=form)
        assert verdict.outcome is sb.Outcome.AGREES, verdict
    wrong = A.copy()
    wrong[1, 2] *= 1.001
    other = replace(network, structure=sb.network.LoopMatrix(matrix=wrong))
    assert sb.validate(network, [0.0, 2.0], circuit=other).outcome is sb.Outcome.DISAGREES


def test_a_coarse_ladder_is_unresolved_and_names_a_step() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0)
    network = k4(device=device, drive=sb.Sine(0.3, 2.0))
    for step in (2.5, 0.5, 0.2, 0.05):
        verdict = sb.validate(network, [0.0, 5.0], step=step, tolerance=1e-6)
        assert verdict.outcome is sb.Outcome.UNRESOLVED, (step, verdict)
        assert " s" in verdict.reason
    assert sb.validate(network, [0.0, 5.0], tolerance=1e-6).outcome is sb.Outcome.AGREES


def test_the_tolerance_is_met_or_the_answer_is_unresolved() -> None:
    assert sb.validate(k4(), [0.0, 5.0], tolerance=1e-8).uncertainty <= 1e-8
    verdict = sb.validate(k4(), [0.0, 5.0], tolerance=1e-8, max_steps=500)
    assert verdict.outcome is sb.Outcome.UNRESOLVED


def test_a_resistance_that_crosses_zero_is_unresolved_with_edge_and_time() -> None:
    verdict = sb.validate(k4(drive=1.0), [0.0, 50.0])
    assert verdict.outcome is sb.Outcome.UNRESOLVED
    assert "resistance" in verdict.reason
    assert "edge" in verdict.reason


def test_a_singular_active_pattern_is_refused_and_names_its_loop() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0)
    network = sb.Network.from_edges([("a", "b"), ("b", "a")], device=device, initial_state=0.4, active=(1,), drive=0.1)
    with pytest.raises(ScreenError, match="a-b"):
        sb.validate(network, [0.0, 1.0])


@pytest.mark.parametrize("bad", [float("nan"), 0.0, -1.0])
def test_a_tolerance_must_be_positive(bad: float) -> None:
    with pytest.raises(sb.SpiceBridgeError, match="tolerance"):
        sb.validate(k4(), [0.0, 1.0], tolerance=bad)


@pytest.mark.parametrize("t", [[0.0, 0.0], [0.0, -1.0], [0.0, float("nan")], [], "soon", [[0.0, 1.0]]])
def test_times_must_be_a_span(t: object) -> None:
    with pytest.raises(NetworkError):
        sb.validate(k4(), t)  # type: ignore[arg-type]


SILENT = {"plausible.py", "honest", "warns", "chatty", "two_plots", "leaves_child", "hang_version", "__pycache__"}


@pytest.mark.parametrize("fake", sorted(p.name for p in FAKES.iterdir() if p.name not in SILENT))
def test_a_failing_simulator_never_agrees(fake: str) -> None:
    try:
        verdict = sb.validate(k4(), [0.0, 1.0], engine=NgspiceProcess(FAKES / fake), timeout=2.0)
    except SimulatorError:
        return
    assert verdict.outcome is sb.Outcome.UNRESOLVED, verdict
    assert verdict.reason


def test_fast_edges_cost_no_small_steps_and_are_met() -> None:
    pulse = sb.Pulse(-0.3, 0.3, delay=0.1, rise=1e-6, fall=1e-6, width=0.2, period=0.5)
    verdict = sb.validate(k4(drive={0: pulse}), [0.0, 2.0])
    assert verdict.outcome is sb.Outcome.AGREES, verdict
    assert verdict.spice is not None
    assert verdict.spice.t.size < 20_000


def test_a_sine_beyond_the_step_limit_is_unresolved_at_once() -> None:
    verdict = sb.validate(k4(drive=sb.Sine(0.1, 1e30)), [0.0, 1.0])
    assert verdict.outcome is sb.Outcome.UNRESOLVED
    assert "max_steps" in verdict.reason


@pytest.mark.parametrize(("level", "stop"), [(1e-9, 1.0), (0.1, 1e-8)])
def test_states_that_do_not_move_are_no_evidence(level: float, stop: float) -> None:
    network = k4(drive={0: level}, initial_state=0.0)
    mutant = network.with_drive({0: -level})
    assert sb.validate(network, [0.0, stop], circuit=mutant).outcome is not sb.Outcome.AGREES
    assert "move" in sb.validate(network, [0.0, stop]).reason
