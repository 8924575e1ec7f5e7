"""Fitting a law to measured responses, on data made by the theory: the parameters come back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.cli import main
from spicebridge.errors import TableError
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.measure.law_fit import LeastSquares, fit_law, fit_response, respond
from spicebridge.lab.measure.traces import Trace, read_trace
from spicebridge.laws import LAWS
from spicebridge.laws.base import take

TRUE = dict(r_on=210.0, r_off=930.0, alpha=0.4, beta=8.0)
STATE = 0.35


def device(**changes: float) -> sb.LinearMemristor:
    return sb.LinearMemristor.tunneling(**(TRUE | changes), control="voltage")


def response(law: object = None, *, n: int = 401, state: float = STATE, polarity: int = 1, peak: float = 2.0) -> Trace:
    """A pulse upon 0.1 V, and the current by the theory branch."""
    t = np.linspace(0.0, 10.0, n)
    wave = sb.PWL((0.0, 1.0, 1.025, 6.0, 6.025, 10.0), (0.1, 0.1, peak, peak, 0.1, 0.1))
    network = sb.Network.from_edges(
        [(0, 0)], device=law or device(), drive=wave, initial_state=state, polarity=polarity
    )
    waves = sb.integrate(network, t)
    return Trace(t, waves.voltage[:, 0], waves.current[:, 0])


@pytest.mark.parametrize("polarity", [1, -1])
def test_the_steps_between_samples_are_the_theory(polarity: int) -> None:
    trace = response(device(beta=80.0), polarity=polarity)
    spread, s0 = take(device(beta=80.0), 0, spread=1), np.array([STATE])
    current = respond(spread, s0, trace.t, trace.v, polarity=polarity)[:, 0]
    assert np.abs(current - trace.i).max() < 1e-9 * np.abs(trace.i).max()
    # a current is no straight line between samples where the voltage is one, hence the wider bound
    voltage = respond(spread, s0, trace.t, trace.i, driven="current", polarity=polarity)[:, 0]
    assert np.abs(voltage - trace.v).max() < 1e-5 * np.abs(trace.v).max()


def test_the_parameters_come_back() -> None:
    start = device(r_on=300.0, r_off=700.0, alpha=1.0, beta=5.0)
    found = fit_response(start, 0.5, response(), tuple(TRUE))
    # Only R and its rate are seen: x may be scaled, so the resistances are compared, not each parameter.
    assert found.rms < 1e-6
    assert found.parameters["alpha"] == pytest.approx(TRUE["alpha"], rel=1e-4)
    R = found.parameters["r_off"] - (found.parameters["r_off"] - found.parameters["r_on"]) * found.initial_state
    assert pytest.approx(930.0 - 720.0 * STATE, rel=1e-4) == R


def test_several_responses_share_the_device_and_keep_their_states() -> None:
    traces = [response(state=0.35), response(state=0.6, peak=1.0)]
    found = fit_response(device(beta=5.0), 0.5, traces, ("beta",))
    assert found.rms < 1e-6
    assert found.initial_states == pytest.approx((0.35, 0.6), rel=1e-5)
    assert found.parameters["beta"] == pytest.approx(8.0, rel=1e-5)


def test_a_law_that_does_not_fit_is_told_so() -> None:
    trace = response(n=81)
    bent = Trace(trace.t, trace.v, trace.i * (1.0 + 0.9 * np.sin(3.0 * trace.t)))
    found = fit_response(device(), 0.5, bent, tuple(TRUE))
    assert found.rms > 0.1
    assert not found.describes


def test_what_is_behind_is_predicted() -> None:
    found = fit_response(device(alpha=0.5), 0.5, response(), tuple(TRUE), until=5.0)
    assert found.samples == 201
    assert found.predicted is not None
    assert found.predicted < 1e-4


@pytest.mark.parametrize(("name", "control"), [("caravelli2017", "current")])
def test_a_law_is_found_without_a_start(name: str, control: str) -> None:
    """Both signs of the current: the polarity is found as well."""
    true = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 20.0, control=control, window=sb.Hard())
    trace = response(true, n=81, polarity=-1)
    found = fit_law(LAWS[name], [trace], options={"control": control, "window": sb.Hard()})
    assert found.rms < 1e-3
    assert found.describes
    # the data show one direction only: the mirrored device has the opposite polarity or the opposite drift
    assert found.law == "LinearMemristor"


def test_parameters_that_make_no_device_are_steps_not_taken() -> None:
    problem = LeastSquares(device=device(), free=("r_on", "r_off"), traces=(response(n=41),))
    beyond = np.array([[np.log(10.0), 0.0, 0.0], [0.0, 0.0, 0.0]])
    left = problem.left(beyond)
    assert (left[:, 0] == 1e3).all()
    assert (np.abs(left[:, 1]) < 1.0).all()


def test_a_law_text_is_fitted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """
resistance = "low + (high - low)*s"
rate = "c*v"
[parameters]
low = "typical 100 ohm, > 0"
high = "typical 1k ohm, > low"
c = "typical -1 1/(V s), < 0"
"""
    (tmp_path / "mine.toml").write_text(text)
    law = sb.Law.load(tmp_path / "mine.toml")
    trace = response(law(low=150.0, high=900.0, c=-0.03), n=81, state=0.8)
    path = tmp_path / "a.csv"
    np.savetxt(path, np.column_stack([trace.t, trace.v, trace.i]), delimiter=",", header="t,V,I")
    assert main(["fit", str(path), "--law", str(tmp_path / "mine.toml"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # the corners of the pulse lie between the samples
    assert found["rms"] < 1e-3
    assert found["parameters"]["c"] < 0.0


def rectifying() -> Trace:
    """No law here has such a current."""
    t = np.linspace(0.0, 20.0, 81)
    v = 2.0 * np.abs((t + 10.0) % 20.0 - 10.0) / 10.0 - 1.0
    return Trace(t, v, 1e-3 * np.abs(np.sin(3.0 * t)) * np.sign(v - 0.3))


def test_a_failed_search_is_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = rectifying()
    path = tmp_path / "sweep.csv"
    rows = "\n".join(f"{t},{v},{i}" for t, v, i in zip(trace.t, trace.v, trace.i, strict=True))
    path.write_text(f"# a sweep\nt,V,I\n{rows}\n")
    assert main(["fit", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["describes"] is False
    assert found["rms"] > 0.05
    assert main(["fit", str(path), "--columns", "0,1,2", "--start", "r_on=100,r_off=1.6k,alpha=0.1,beta=1"]) == 0
    assert "no parameters of this law that describe these data" in capsys.readouterr().out


def test_columns_by_name_by_position_and_sweeps(tmp_path: Path) -> None:
    trace = response(n=41)
    table = np.column_stack([trace.t, trace.i, trace.v])
    path = tmp_path / "pulse.txt"
    np.savetxt(path, table, delimiter="\t", header="time current voltage")
    for columns in (None, ["0", "2", "1"], ["time", "voltage", "current"]):
        found = read_trace(path, columns)
        np.testing.assert_allclose(np.column_stack([found.t, found.i, found.v]), table, rtol=1e-15)
    sweep = np.column_stack([[0.0, 0.5, 1.0, 0.5, 0.0, -0.5] * 4, np.arange(24.0) + 1.0])
    np.savetxt(path, sweep)
    found = read_trace(path, rate=0.1)
    assert found.t[:6].tolist() == pytest.approx([0.0, 5.0, 10.0, 15.0, 20.0, 25.0])
    path.write_text("Time (ms),CH1 (mV),CH2 (uA)\n" + "\n".join(f"{k},{k + 1},{k + 2}" for k in range(20)))
    found = read_trace(path)
    assert (found.t[1], found.v[0], found.i[0]) == pytest.approx((1e-3, 1e-3, 2e-6))


@pytest.mark.parametrize(
    ("text", "how", "message"),
    [
        ("0 1 1\n" * 20, {"columns": ["0", "1", "2"]}, "times must increase"),
        ("0 1 1\n1 1 x\n", {"columns": ["0", "1", "2"]}, r"pulse\.txt:2|rows of numbers"),
        ("0 1 1\n", {"columns": ["0", "1", "2"]}, "at least 16"),
        ("".join(f"{k} 1 0\n" for k in range(20)), {"columns": ["0", "1", "2"]}, "current is zero throughout"),
        ("".join(f"{k} 0 1\n" for k in range(20)), {"columns": ["0", "1", "2"]}, "voltage is zero throughout"),
        ("".join(f"{k} 1\n" for k in range(20)), {"columns": ["0", "1", "2"]}, "2 is none of them"),
        ("t,a,b\n" + "".join(f"{k},1,2\n" for k in range(20)), {}, "which of a, b is the voltage"),
        ("t,V,I\n" + "".join(f"{k},1,2\n" for k in range(20)), {"columns": ["t", "V"]}, "must be 3"),
    ],
)
def test_what_is_no_response_is_refused(tmp_path: Path, text: str, how: dict[str, list[str]], message: str) -> None:
    path = tmp_path / "pulse.txt"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        read_trace(path, **how)  # type: ignore[arg-type]


def test_what_cannot_be_fitted_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = response(n=41)
    with pytest.raises(LabError, match="did you mean 'r_on'"):
        fit_response(device(), 0.5, trace, ("r_onn",))
    with pytest.raises(LabError, match="between 0 and 1"):
        fit_response(device(), 1.0, trace, ("r_on",))
    with pytest.raises(LabError, match="at least 16 are fitted"):
        fit_response(device(), 0.5, trace, ("r_on",), until=0.1)
    path = tmp_path / "a.csv"
    np.savetxt(path, np.column_stack([trace.t, trace.v, trace.i]), delimiter=",", header="t,V,I")
    for arguments, message in (
        (["--law", "caravelli"], "did you mean 'caravelli2017'"),
        (["--law", "resistor"], "choose a memristor"),
        (["--law", "capacitor"], "choose a memristor"),
        (["--start", "r_on=1kV"], "another unit"),
        (["--start", "ron=1k"], "did you mean 'r_on'"),
        (["--start", "r_on"], "--start: 'r_on' must be like r_on=100"),
        (["--start", "r_on=1=2"], "'=2' is no prefix or unit"),
        (["--start", "r_on=1,r_on=2"], "--start: 'r_on' is given twice"),
        (["--window", "soft"], "must be one of"),
        (["--law", "yakopcic", "--driven", "current"], "gives a current for a voltage only"),
    ):
        assert main(["fit", str(path), *arguments]) == 2
        assert message in capsys.readouterr().err
