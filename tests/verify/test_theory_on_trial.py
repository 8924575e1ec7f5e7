"""Somebody's own theory on trial: what is read, what is compared, who is believed."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.io import savemat

import spicebridge as sb
from spicebridge.cli import main
from spicebridge.errors import CandidateError
from spicebridge.theory import solve
from spicebridge.verify.candidate.candidate import read_candidate
from spicebridge.verify.candidate.integrate import integrate_rhs

R_ON, R_OFF, ALPHA, BETA = 100.0, 1600.0, 0.1, 1.0
W0 = [0.3, 0.5]
t = np.linspace(0.0, 2.0, 201)


def series(window: object = None, amplitude: float = 0.5) -> sb.Network:
    """Two memristors in a loop, with one source."""
    law = sb.LinearMemristor.caravelli2017(R_ON, R_OFF, alpha=ALPHA, beta=BETA, window=window or sb.NoWindow())
    return sb.Network.from_edges([(0, 1), (1, 0)], device=law, drive=[sb.Sine(amplitude, 2.0), None], initial_state=W0)


def rhs(t, w, amplitude=0.5):
    current = amplitude * np.sin(2 * np.pi * 2.0 * t) / np.sum(R_ON + (R_OFF - R_ON) * w)
    return ALPHA * w - R_ON / BETA * current


def euler(n: int) -> tuple[np.ndarray, np.ndarray]:
    times = np.linspace(0.0, 2.0, n + 1)
    w = [np.array(W0)]
    for a, b in pairwise(times):
        w.append(w[-1] + (b - a) * rhs(a, w[-1]))
    return times, np.array(w)


def exact(times: np.ndarray) -> np.ndarray:
    return solve_ivp(rhs, (0.0, 2.0), W0, method="DOP853", t_eval=times, rtol=1e-11, atol=1e-13).y.T


def test_a_right_equation_agrees_and_costs_no_accuracy():
    verdict, plain = sb.validate(series(), t, theory=rhs), sb.validate(series(), t)
    assert verdict
    assert verdict.signals["state"].own < 1e-8
    assert verdict.uncertainty < 1.01 * plain.signals["state"].uncertainty
    assert verdict.trial.odd_one_out == ""


@pytest.mark.parametrize(
    "times", [np.linspace(0, 2, 7), np.sort(np.r_[0, np.random.default_rng(1).uniform(0, 2, 30), 2])]
)
def test_a_coarse_grid_of_the_author_costs_nothing(times):
    """States interpolated on seven points would be wrong by 1e-2; deviations are not."""
    verdict = sb.validate(series(), t, theory=(times, exact(times)))
    assert verdict, verdict.reason
    assert verdict.uncertainty < 1e-5


def test_a_wrong_sign_is_named():
    verdict = sb.validate(series(), t, theory=lambda t, w: rhs(t, w, -0.5))
    assert verdict.outcome is sb.Outcome.DISAGREES
    assert verdict.trial.odd_one_out == "yours"
    first = verdict.diagnosis[0]
    assert first.certain
    assert first.cause == "drive_sign"
    assert first.explains > 0.999
    assert first.sentence in verdict.reason


def test_a_step_error_accuses_only_where_the_author_does_not_state_it():
    """Explicit Euler with 200 steps, error 1.9e-4: unknown, covered by a second run, and stated too small."""
    run = euler(200)
    unknown = sb.validate(series(), t, theory=run)
    assert unknown.outcome is sb.Outcome.UNRESOLVED
    assert "your own error is unknown" in unknown.reason
    assert unknown.diagnosis[0].cause == "euler_step"
    for second in (euler(400), euler(100), 3e-4):
        covered = sb.validate(series(), t, theory=run, theory_error=second)
        assert covered, covered.reason
        assert covered.max_error < covered.uncertainty < 4e-4
    small = sb.validate(series(), t, theory=run, theory_error=1e-5)
    assert small.outcome is sb.Outcome.DISAGREES
    assert small.diagnosis[0].cause == "euler_step"


def test_an_error_larger_than_all_motion_tests_nothing():
    verdict = sb.validate(series(), t, theory=euler(200), theory_error=1.0)
    assert verdict.outcome is sb.Outcome.UNRESOLVED
    assert "nothing was tested" in verdict.reason


def test_ours_or_spice_the_odd_one_out():
    """With a circuit that is not the network's, an author of the circuit's equation is with SPICE, one of ours is not."""
    other = series(amplitude=0.55)
    with_spice = sb.validate(series(), t, circuit=other, theory=lambda t, w: rhs(t, w, 0.55), tolerance=5e-5)
    assert with_spice.agrees
    assert with_spice.trial.odd_one_out == "ours"
    assert with_spice.reason.startswith("our own theory is the odd one out")
    with_us = sb.validate(series(), t, circuit=other, theory=rhs)
    assert with_us.outcome is sb.Outcome.DISAGREES
    assert with_us.trial.odd_one_out == "SPICE"
    assert with_us.diagnosis == ()


def test_currents_are_judged_at_his_own_states():
    waves = sb.integrate(series(), t)
    right = sb.validate(series(), t, theory=waves)
    assert right, right.reason
    assert set(right.signals) == {"state", "current", "voltage"}
    wrong = sb.Waveforms(t, waves.state, 1.01 * waves.current, waves.voltage)
    verdict = sb.validate(series(), t, theory=wrong, theory_error=1e-6)
    assert verdict.outcome is sb.Outcome.DISAGREES
    assert verdict.deciding == "current"
    assert verdict.max_error == pytest.approx(0.01, rel=0.02)


def test_jumps_at_the_bounds_are_met_exactly():
    """dw/dt = 1 below the bound and 0 above it: w = min(1, w0 + t), whichever way the bound is written."""
    network = series()
    for held in (lambda w: w >= 1.0, lambda w: w > 1.0):
        path, error = integrate_rhs(lambda t, w, held=held: np.where(held(w), 0.0, 1.0), network, 2.0)
        assert path.problem == ""
        assert np.abs(path(t) - np.minimum(1.0, np.array(W0) + t[:, None])).max() < 1e-9
        assert error.max() < 1e-7


def test_a_stiff_or_mad_equation_is_a_value():
    network = series()
    path, error = integrate_rhs(lambda t, w: -1e6 * (w - np.cos(t)), network, 1.0)
    assert path.problem == ""
    assert error.max() < 1e-7
    late = np.linspace(0.1, 1.0, 10)
    assert np.abs(path(late) - np.cos(late)[:, None]).max() < 1e-5
    for mad, words in (
        (lambda t, w: np.full(2, np.nan if t > 0.5 else 1.0), "is nan at t = "),
        (lambda t, w: w**2 * 5.0, "t = "),
    ):
        verdict = sb.validate(network, t, theory=mad)
        assert verdict.outcome is sb.Outcome.DISAGREES  # from what it did until it broke off
        assert words in verdict.reason
    breaks = sb.validate(network, t, theory=lambda t, w: rhs(t, w) if t < 0.5 else np.full(2, np.nan))
    assert breaks.outcome is sb.Outcome.UNRESOLVED
    assert "is nan at t = " in breaks.reason


W = np.full((t.size, 2), 0.4)
HOLE = W.copy()
HOLE[7, 1] = np.nan


@pytest.mark.parametrize(
    ("theory", "error", "words"),
    [
        ((t, W[:, :1]), None, "(201, 2)"),
        ((t, W.T), None, "transposed"),
        ((t, HOLE), None, "edge 1-0 is nan at t = 0.07 s (row 7)"),
        ((t / 2, W), None, "ends at t = 1 s, before the span of 2 s"),
        ((1e3 * t, W), None, "it is 1000 times too long"),
        ((t + 0.1, W), None, "begins at t = 0.1 s"),
        ((t[::-1], W), None, "t must increase"),
        (t, None, "nothing that can be put on trial"),
        ((t, [["a", "b"]]), None, "no array of numbers"),
        (lambda t: t, None, "raised TypeError"),
        (lambda t, w: w[:1], None, "has shape (1,)"),
        (lambda t, w: w * np.nan, None, "rhs(0.0, w) is nan for edge 0-1"),
        ("nowhere.py:rhs", None, "no such file"),
        ((t, W), -1.0, "finite and not negative"),
        ((t, W), np.zeros((3, 3)), "must be a number, or fit"),
        (None, 1e-3, "give theory="),
    ],
)
def test_what_cannot_be_tried_is_told_before_anything_runs(theory, error, words):
    with pytest.raises(CandidateError) as caught:
        sb.validate(series(), t, theory=theory, theory_error=error, engine="ngspice")
    assert words in str(caught.value)


def test_files_by_label_by_map_and_python(tmp_path: Path):
    w = exact(t)
    named = tmp_path / "named.csv"
    np.savetxt(named, np.c_[t, w[:, ::-1]], delimiter=",", header="time,w[1-0],w[0-1]", comments="", fmt="%.12g")
    assert sb.validate(series(), t, theory=named)
    plain = tmp_path / "plain.csv"
    np.savetxt(plain, np.c_[t, w], delimiter=",", header="t,x1,x2", comments="", fmt="%.12g")
    assert sb.validate(series(), t, theory=plain, theory_map={"x1": "state[0]", "x2": "w[1-0]"})
    np.savez(tmp_path / "run.npz", **{"time": t, "state[0]": w[:, 0], "state[1]": w[:, 1]})
    assert sb.validate(series(), t, theory=tmp_path / "run.npz")
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "def rhs(t, w):\n"
        "    return 0.1 * w - 100.0 * 0.5 * np.sin(4 * np.pi * t) / np.sum(100.0 + 1500.0 * w)\n"
    )
    assert sb.validate(series(), t, theory=f"{tmp_path / 'mine.py'}:rhs")
    with pytest.raises(CandidateError, match="no function 'other'; there are rhs"):
        sb.validate(series(), t, theory=f"{tmp_path / 'mine.py'}:other")


def test_a_result_of_scipy_is_read_as_it_is():
    found = solve_ivp(rhs, (0.0, 2.0), W0, method="DOP853", rtol=1e-11, atol=1e-13)
    assert sb.validate(series(), t, theory=found)


def test_columns_of_other_edges_and_matrices_find_their_places():
    """A list of edges in another order and direction, and matrices over the nodes, are the same states."""
    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("d", "b")]
    law = sb.LinearMemristor.caravelli2017(R_ON, R_OFF, alpha=ALPHA, beta=BETA)
    network = sb.Network.from_edges(edges, device=law, drive=[sb.Sine(0.3, 1.0)] + [None] * 4, initial_state=0.4)
    w = sb.integrate(network, t).state
    turned = [(b, a) for a, b in edges[::-1]]
    W = np.zeros((t.size, 4, 4))
    W[:, network.tail, network.head] = W[:, network.head, network.tail] = w
    for theory in ((t, w[:, ::-1], turned), (t, W)):
        read = read_candidate(theory, network, 2.0)
        assert np.array_equal(read.state, w)
    for theory, words in (
        ((t, w, [*edges[:4], ("x", "y")]), "edge ('x', 'y') is not in the network"),
        ((t, w[:, :4], edges[:4]), "is missing from the list of edges"),
        ((t, W[:, :3, :3]), "(n_t, 4, 4)"),
    ):
        with pytest.raises(CandidateError) as caught:
            read_candidate(theory, network, 2.0)
        assert words in str(caught.value)


def test_node_voltages_of_a_file_are_judged_without_their_reference(tmp_path: Path):
    """p0 - p1 = v - S over the first edge; the node without a column is his reference."""
    w = exact(t)
    R = R_ON + (R_OFF - R_ON) * w
    source = 0.5 * np.sin(2 * np.pi * 2.0 * t)
    p = R[:, 0] * source / R.sum(axis=1) - source
    for sign, outcome in ((1.0, sb.Outcome.AGREES), (-1.0, sb.Outcome.DISAGREES)):
        np.savetxt(
            tmp_path / "p.csv", np.c_[t, w, sign * p], delimiter=",", header="time,w[0-1],w[1-0],p[0]", comments=""
        )
        verdict = sb.validate(series(), t, theory=tmp_path / "p.csv", theory_error=1e-8)
        assert verdict.outcome is outcome, verdict.reason
        assert (verdict.deciding == "node voltage") is (sign < 0.0)
    np.savetxt(tmp_path / "p.csv", np.c_[t, w, p], delimiter=",", header="time,w[0-1],w[1-0],p[7]", comments="")
    with pytest.raises(CandidateError, match="node '7' does not exist"):
        sb.validate(series(), t, theory=tmp_path / "p.csv")


HEAD, SUM = "def rhs(t, w):\n", "    return 0.1 * w - 50.0 * np.sin(4 * np.pi * t) / np.sum(100.0 + 1500.0 * w)\n"
CASE = """
title = "two"
stop = 2
network = { edges = [[0, 1], [1, 0]], initial_state = [0.3, 0.5] }
device = { law = "caravelli2017", r_on = 100, r_off = 1600, alpha = 0.1, beta = 1 }
drive = { edges = [0], kind = "sine", amplitude = 0.5, frequency = 2 }
"""


def test_the_command_line_puts_files_on_trial_and_places_what_is_wrong_with_them(tmp_path, monkeypatch, capsys):
    """Exit status and message of every kind of file, good and bad."""
    monkeypatch.chdir(tmp_path)
    Path("two.case.toml").write_text(CASE)
    w = exact(t)
    for name, head, table in (
        ("plain.csv", "t,x1,x2", np.c_[t, w]),
        ("ms.csv", "time_ms,x1,x2", np.c_[1e3 * t, w]),
        ("minutes.csv", "t,w[0],w[1]", np.c_[t / 60, w]),
        ("one.csv", "t,w[0]", np.c_[t, w[:, 0]]),
    ):
        np.savetxt(name, table, delimiter=",", header=head, comments="", fmt="%.12g")
    savemat("run.mat", {"t": t, "w": w})
    np.savez("turned.npz", t=t, w=w.T)
    title = f"Title: x\nPlotname: x\nFlags: real\nNo. Variables: 3\nNo. Points: {t.size}\nVariables:\n"
    title += "\t0\ttime\ttime\n\t1\tV(x1)\tvoltage\n\t2\tV(x2)\tvoltage\nBinary:\n"
    Path("run.raw").write_bytes(title.encode() + np.c_[t, w].astype("<f8").tobytes())
    for name, text in (
        ("mine.py", f"import numpy as np\n{HEAD}{SUM}"),
        ("leaves.py", "raise SystemExit(3)\n"),
        ("quits.py", f"{HEAD}    raise SystemExit(3)\n"),
        ("late.py", f"import numpy as np\n{HEAD}    if t > 1.0:\n        raise SystemExit(3)\n{SUM}"),
    ):
        Path(name).write_text(text)
    both = ["--map", "x1=0-1,x2=1-0"]
    for status, words, given in (
        (0, "AGREES", ["plain.csv", *both]),
        (0, "AGREES", ["ms.csv", *both]),
        (0, "AGREES", ["run.mat"]),
        (0, "AGREES", ["run.raw", "--map", "V(x1)=0-1", "--map", "V(x2)=1-0"]),
        (0, "AGREES", ["mine.py:rhs", "--theory-error", "plain.csv", *both]),
        (4, "rhs raised SystemExit", ["late.py:rhs"]),
        (2, "on the command line --map 'x1=state[0]'", ["plain.csv"]),
        (2, "edge '9-9' does not exist", ["plain.csv", "--map", "x1=9-9,x2=1-0"]),
        (2, "it is 60 times too short", ["minutes.csv"]),
        (2, "state of edge 1-0 is missing", ["one.csv"]),
        (2, "turned.npz: w has shape (2, 201)", ["turned.npz"]),
        (2, "nowhere.nc: cannot be read: No such file", ["nowhere.nc"]),
        (2, "mine.py: which function of it? Give mine.py:rhs", ["mine.py"]),
        (2, "a map of columns is for files", ["mine.py:rhs", *both]),
        (2, "leaves.py: raised SystemExit when it was loaded", ["leaves.py:rhs"]),
        (2, "quits.py:rhs: rhs(0.0, w) raised SystemExit", ["quits.py:rhs"]),
        (2, "is the run on trial itself", ["run.mat", "--theory-error", "run.mat"]),
    ):
        assert main(["validate", "two.case.toml", "--quiet", "--against", *given]) == status, given
        said = capsys.readouterr()
        assert words in " ".join((said.out + said.err).split()), given


@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_a_time_axis_in_milliseconds_is_named(factor):
    """Also where the states without bounds have grown by 1e86 at the end of it."""
    network = series()
    w = solve(network, 2.0 * max(factor, 1.0))(factor * t)
    verdict = sb.validate(network, t, theory=(t, w))
    assert verdict.outcome is sb.Outcome.DISAGREES
    assert verdict.diagnosis[0].cause == "time_scale"
    assert verdict.diagnosis[0].value == pytest.approx(factor, rel=1e-6)
