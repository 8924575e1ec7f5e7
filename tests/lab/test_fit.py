"""Fitting a law to a measured response, on data made by the theory: the parameters come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.cli import main
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.measure.fit import fit_response, read_response, respond
from spicebridge.laws.base import take

TRUE = dict(r_on=210.0, r_off=930.0, alpha=0.4, beta=8.0)
STATE = 0.35


def device(**changes: float) -> sb.LinearMemristor:
    return sb.LinearMemristor.tunneling(**(TRUE | changes), control="voltage")


def response(n: int = 401) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A pulse of 2 V upon 0.1 V, and the current by the theory branch."""
    t = np.linspace(0.0, 10.0, n)
    wave = sb.PWL((0.0, 1.0, 1.025, 6.0, 6.025, 10.0), (0.1, 0.1, 2.0, 2.0, 0.1, 0.1))
    network = sb.Network.from_edges([(0, 0)], device=device(), drive=wave, initial_state=STATE)
    waves = sb.integrate(network, t)
    return t, waves.voltage[:, 0], waves.current[:, 0]


def test_the_steps_between_samples_are_the_theory() -> None:
    t, v, i = response()
    single = respond(take(device(), 0, spread=1), np.array([STATE]), t, v)[:, 0]
    assert np.abs(single - i).max() < 1e-9 * np.abs(i).max()


def test_the_parameters_come_back() -> None:
    t, v, i = response()
    start = device(r_on=300.0, r_off=700.0, alpha=1.0, beta=5.0)
    found = fit_response(start, 0.5, t, v, i, tuple(TRUE))
    # Only R and its rate are seen: x may be scaled, so the resistances are compared, not each parameter.
    assert found.rms < 1e-6
    assert found.parameters["alpha"] == pytest.approx(TRUE["alpha"], rel=1e-4)
    R = found.parameters["r_off"] - (found.parameters["r_off"] - found.parameters["r_on"]) * found.initial_state
    assert pytest.approx(930.0 - 720.0 * STATE, rel=1e-4) == R


def test_a_law_that_does_not_fit_is_told_so() -> None:
    t, v, i = response()
    found = fit_response(device(), 0.5, t, v, i * (1.0 + 0.1 * np.sin(t)), tuple(TRUE))
    assert found.rms > 1e-2


def test_what_is_behind_is_predicted() -> None:
    t, v, i = response()
    found = fit_response(device(alpha=0.5), 0.5, t, v, i, tuple(TRUE), until=5.0)
    assert found.samples == 201
    assert found.predicted is not None
    assert found.predicted < 1e-4


def test_the_command_and_what_it_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    t, v, i = response()
    path = tmp_path / "pulse.txt"
    np.savetxt(path, np.column_stack([t, i, v]), delimiter="\t", header="time current voltage")
    assert main(["fit", str(path), "--columns", "0,2,1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("validation: tunneling")
    assert "verifies neither" in out
    assert main(["fit", str(path), "--columns", "0,2"]) == 2
    path.write_text("0 1 1\n" * 20, encoding="utf-8")
    with pytest.raises(LabError, match="times must increase"):
        read_response(path)
    path.write_text("0 1 1\n1 1 x\n", encoding="utf-8")
    with pytest.raises(LabError, match=r"pulse\.txt:2"):
        read_response(path)
    with pytest.raises(LabError, match="did you mean 'r_on'"):
        fit_response(device(), 0.5, t, v, i, ("r_onn",))
