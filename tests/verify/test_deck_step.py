"""The step that a deck is written with: what the trapezoidal rule costs, before any simulator runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.case.case import load_case
from spicebridge.circuit.reader import read_deck
from spicebridge.cli.command_line import main
from spicebridge.theory import solve
from spicebridge.theory.results.trapezoid import trapezoidal_error
from spicebridge.verify.deck_step import deck_step
from spicebridge.verify.user_deck import run_as_written

COMPARE = Path(__file__).resolve().parents[2] / "compare"


@pytest.mark.parametrize("rate", [-0.8, 0.3])
def test_of_exponential_decay_the_rule_has_its_known_factor(rate: float) -> None:
    """dw/dt = a w: a step of the rule multiplies by (1 + a h / 2) / (1 - a h / 2)."""
    device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=rate, beta=1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device, initial_state=0.2)
    h, stop = 0.1, 2.0
    k = np.arange(1, 21)
    expected = 0.2 * np.abs(((1.0 + rate * h / 2.0) / (1.0 - rate * h / 2.0)) ** k - np.exp(rate * h * k)).max()
    assert trapezoidal_error(solve(network, stop), h) == pytest.approx(expected, rel=1e-5)


def test_stiff_rates_have_newtons_solution() -> None:
    """An RC far faster than the step: the implicit end of it is what it is, whatever the fixed point does."""
    edges, devices = [(0, 1), (1, 0)], [sb.Resistor(1.0), sb.Capacitor(1e-3)]
    network = sb.Network.from_edges(edges, device=devices, drive={0: 1.0})
    h, stop, q = 0.05, 1.0, 0.05 / 1e-3 / 2.0
    k = np.arange(1, 21)
    expected = np.abs(((1.0 - q) / (1.0 + q)) ** k - np.exp(-1e3 * h * k)).max()
    assert trapezoidal_error(solve(network, stop), h) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", ["k4", "resonance_series"])
def test_ngspice_is_off_by_what_the_rule_costs(name: str) -> None:
    case = load_case(COMPARE / f"{name}.case.toml")
    step = case.stop / 400
    written = run_as_written(read_deck(sb.netlist(case.network, case.t, step=step)), tolerance=case.tolerance)
    assert written.error == pytest.approx(trapezoidal_error(solve(case.network, case.stop), step), rel=0.05)


@pytest.mark.parametrize("name", ["k4", "hard_bounds"])
def test_a_deck_run_as_it_stands_is_within_the_tolerance(name: str, tmp_path: Path) -> None:
    path, made = COMPARE / f"{name}.case.toml", tmp_path / "made.cir"
    assert main(["netlist", str(path), "-o", str(made)]) == 0
    written = run_as_written(read_deck(made), tolerance=load_case(path).tolerance)
    assert written.passes, str(written)


def test_a_coarse_deck_says_which_step_would_do() -> None:
    case = load_case(COMPARE / "k4.case.toml")
    written = run_as_written(read_deck(sb.netlist(case.network, case.t, step=0.01)))
    assert written.passes is False
    assert ".tran with a ceiling of 0.006 s would do" in str(written)
    assert run_as_written(read_deck(sb.netlist(case.network, case.t, step=0.006))).passes


def test_what_no_step_reaches_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = load_case(COMPARE / "k4.case.toml").network
    chosen = deck_step(network, 2.0, 1e-14)
    assert "more than the tolerance 1e-14" in chosen.problem
    made = tmp_path / "made.cir"
    assert main(["netlist", str(COMPARE / "k4.case.toml"), "--tolerance", "1e-14", "-o", str(made)]) == 0
    assert "ask for a smaller step, a larger tolerance or a shorter span" in capsys.readouterr().err
    assert made.exists()


def test_a_run_that_is_lost_leaves_the_trajectory_as_it_was(monkeypatch) -> None:
    """A loop of capacitors takes dS/dt of the segment it is in, which is that of the rule only while it runs."""
    ramp = sb.PWL((0.0, 0.5, 1.0), (0.0, 1.0, 1.0))
    edges, devices = [(0, 1), (1, 0)], [sb.Capacitor(1e-4), sb.Capacitor(1e-4)]
    trajectory = solve(sb.Network.from_edges(edges, device=devices, drive={0: ramp}), 1.0)
    monkeypatch.setattr("spicebridge.theory.results.trapezoid.LOST", 0.0)
    assert trapezoidal_error(trajectory, 0.1) == float("inf")
    assert trajectory.branch.segment is None
