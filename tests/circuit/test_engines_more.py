"""PySpice, neospice, Xyce and the choice between engines: same judgement, same numbers, nothing believed."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from spicebridge.case.case import load_case
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.engines import AUTO, FallbackWarning, Job, Status, engine_names, get_engine, probe
from spicebridge.circuit.engines import worker as worker_module
from spicebridge.circuit.engines.neospice import NeospiceWorker, judge_neospice_log
from spicebridge.circuit.engines.ngspice import EXECUTABLE_VARIABLE, NgspiceProcess
from spicebridge.circuit.engines.pyspice import LIBRARY_VARIABLE, PySpiceShared
from spicebridge.circuit.engines.xyce import EXECUTABLE_VARIABLE as XYCE_VARIABLE
from spicebridge.circuit.engines.xyce import XyceProcess
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.errors import SimulatorDied, SimulatorMissing, SimulatorTooOld, SpiceBridgeError, UnsafeDeck

FAKES = Path(__file__).parent.parent / "fake_bin"
STOP = 1e-3
WORKERS = [PySpiceShared, NeospiceWorker]
OPTIONS = ".options method=trap reltol=1e-9 vntol=1e-12 abstol=1e-15 trtol=1e9"


def deck(body, *, step=1e-5, extra=""):
    return f"t\n{body}\n{OPTIONS}\n.tran {step} {STOP} 0 {step}\n{extra}\n.end\n"


RC = deck("V1 in 0 1\nR1 in out 1k\nC1 out 0 1u\n.ic v(out)=0\n.save v(out) i(v1)")
VECTORS = ("v(out)", "i(v1)")


def k4(*, law="caravelli2017", window=None, amplitude=0.3):
    device = getattr(sb.LinearMemristor, law)(100.0, 1600.0, 0.1, 1.0, window=window)
    drive = sb.Sine(amplitude=amplitude, frequency=0.5)
    return sb.Network.from_graph(nx.complete_graph(4), device=device, drive=drive, initial_state=0.4, active=())


def hard_k4():
    """Decay of paper 2 with hard walls, strong enough that states reach them."""
    return k4(law="tunneling", window=sb.Hard(), amplitude=6.0)


def run_network(engine, network, *, form="fast", stop=2.0):
    lowered = lower(network, stop, stop / 100, form=form)
    text = get_dialect(engine.dialect).format_deck(lowered.deck)
    return engine.run(Job(text=text, vectors=lowered.signals.vectors(), stop=stop))


# The same numbers


@pytest.mark.parametrize("form", ["fast", "readable"])
@pytest.mark.parametrize("make", [k4, hard_k4])
def test_pyspice_is_the_ngspice_process_bit_for_bit(make, form):
    process, shared = (run_network(engine(), make(), form=form) for engine in (NgspiceProcess, PySpiceShared))
    assert process.complete
    assert shared.complete
    assert process.time.tobytes() == shared.time.tobytes()
    assert process.data.tobytes() == shared.data.tobytes()


def resampled(verdict, t):
    gap = verdict.spice.state - verdict.theory.state
    return np.column_stack([np.interp(t, verdict.spice.t, column) for column in gap.T])


@pytest.mark.parametrize("make", [k4, hard_k4])
def test_deviations_on_neospice_agree_within_the_sum_of_the_error_bars(make):
    network, t = make(), np.linspace(0.0, 2.0, 51)
    one = sb.validate(network, t, tolerance=1e-4)
    other = sb.validate(network, t, tolerance=1e-4, engine="neospice")
    assert one.outcome.value == other.outcome.value == "agrees"
    assert other.provenance["engine"] == "neospice"
    # Errors are against one theory, so they differ by no more than the simulators do.
    together = one.uncertainty + other.uncertainty
    assert abs(one.max_error - other.max_error) <= together
    # Deviations are interpolated, never states: between coarse steps a straight line misses what bends at a wall.
    gaps = [resampled(verdict, t) for verdict in (one, other)]
    assert np.abs(gaps[0] - gaps[1]).max() <= together
    if network.groups[0].device.window == sb.Hard():
        reached = other.spice.state
        assert min(abs(reached.max() - 1.0), abs(reached.min())) < 1e-9


def test_currents_of_neospice_are_right_from_the_first_row():
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0)
    drives = [sb.DC(0.1 * k) for k in range(6)]
    network = sb.Network.from_graph(nx.complete_graph(4), device=device, drive=drives, initial_state=0.4)
    one, other = (run_network(engine(), network, stop=1.0) for engine in (NgspiceProcess, NeospiceWorker))
    assert np.abs(one.data[0] - other.data[0]).max() < 1e-9


def test_a_mutant_circuit_is_found_on_neospice():
    network, t = k4(), np.linspace(0.0, 2.0, 51)
    wrong = k4(amplitude=0.301)
    assert sb.validate(network, t, tolerance=1e-4, engine="neospice", circuit=wrong).outcome.value == "disagrees"


# The same judgement


@pytest.mark.parametrize("engine", WORKERS)
def test_capacitor_follows_the_exponential(engine, private_tmp):
    record = engine().run(Job(text=RC, vectors=VECTORS, stop=STOP))
    assert record.complete
    assert record.engine == engine.name
    assert np.abs(record.vector("v(out)") - (1 - np.exp(-record.time / STOP))).max() < 1e-5
    np.testing.assert_allclose(record.vector("i(v1)"), -1e-3 * (1 - record.vector("v(out)")), rtol=1e-6)


@pytest.mark.parametrize("engine", WORKERS)
@pytest.mark.parametrize(
    "line", [".control\nquit\n.endc", "shell touch x", ".include /etc/passwd", "*#echo hi", ".lib ../x.lib tt"]
)
def test_unsafe_decks_never_reach_a_worker(engine, line, monkeypatch):
    monkeypatch.setattr(worker_module, "worker_command", None)
    with pytest.raises(UnsafeDeck):
        engine().run(Job(text=deck("R1 a 0 1", extra=line), vectors=("v(a)",), stop=STOP))


@pytest.mark.parametrize("engine", WORKERS)
@pytest.mark.parametrize(
    ("body", "vectors", "statuses"),
    [
        ("I1 0 a 1\nR1 a 0 1\nR2 a 0 r3 4\n", ("v(a)",), {Status.REJECTED}),
        ("I1 0 a 1\nR1 a 0 1", ("v(nowhere)",), {Status.MISSING_VECTORS}),
        ("I1 0 a 1\nR1 a 0 1\nX1 a nosuch", ("v(a)",), {Status.REJECTED}),
        ("I1 0 a 1\nR1 a 0 1\nB1 a 0 I=V(a)*nosuch", ("v(a)",), {Status.REJECTED}),
        ("Bd 0 d I=1e4*V(d)*V(d)\nCd d 0 1\n.ic v(d)=1", ("v(d)",), {Status.NUMERICAL_FAILURE}),
        ("V1 a 0 1\nV2 a 0 2\nR1 a 0 1", ("v(a)",), {Status.NUMERICAL_FAILURE, Status.REJECTED}),
        ("I1 0 a 1\nR1 a 0 1\n.options interp", ("v(a)",), {Status.REJECTED}),
        ("I1 0 a 1\nC1 a 0 1 ic=1\nR1 a 0 1", ("v(a)",), {Status.REJECTED}),
        ("I1 0 a 1\nR1 a 0 1\n.op", ("v(a)",), {Status.REJECTED}),
    ],
)
def test_nothing_wrong_is_complete(engine, body, vectors, statuses, private_tmp):
    record = engine().run(Job(text=deck(body), vectors=vectors, stop=STOP))
    assert record.status in statuses, record.reason
    assert record.reason


@pytest.mark.parametrize("engine", WORKERS)
def test_a_run_that_ends_early_is_truncated(engine):
    record = engine().run(Job(text=RC, vectors=VECTORS, stop=2 * STOP))
    assert record.status is Status.TRUNCATED


@pytest.mark.parametrize("engine", WORKERS)
def test_a_time_limit_is_a_death_and_the_session_lives(engine, private_tmp):
    engine().version()
    with pytest.raises(SimulatorDied, match=r"stopped after 0\.05 s"):
        engine().run(Job(text=RC, vectors=VECTORS, stop=STOP, timeout=0.05))


@pytest.mark.parametrize("engine", WORKERS)
def test_a_crash_of_the_worker_is_a_death(engine, private_tmp, monkeypatch):
    door = engine()
    door.version()
    where = sys.modules[type(door).__module__]
    crash = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"]
    monkeypatch.setattr(where, "worker_command", lambda *_: crash)
    monkeypatch.setattr(engine, "version", lambda self: "0")
    with pytest.raises(SimulatorDied, match="SIGSEGV"):
        door.run(Job(text=RC, vectors=VECTORS, stop=STOP))


def test_pyspice_keeps_nothing_from_the_deck_before():
    first = PySpiceShared().run(Job(text=RC, vectors=VECTORS, stop=STOP))
    loose = RC.replace(OPTIONS, ".options method=gear reltol=1e-2 abstol=1e-3")
    PySpiceShared().run(Job(text=loose, vectors=VECTORS, stop=STOP))
    again = PySpiceShared().run(Job(text=RC, vectors=VECTORS, stop=STOP))
    assert first.data.tobytes() == again.data.tobytes()


def test_neospice_refuses_the_readable_form_before_it_runs():
    record = run_network(NeospiceWorker(), k4(), form="readable")
    assert record.status is Status.REJECTED
    assert "form='fast'" in record.reason
    assert record.exit_code is None


COMPARE = Path(__file__).resolve().parents[2] / "compare"
NOT_ON_NEOSPICE = {
    "DC operating point failed to converge": (
        *("bridges", "karate_club", "loop_matrix", "multigraph", "random40", "scale_free", "small_world"),
        "voltage_control",
    ),
    "missing closing parenthesis": ("window_biolek",),
    "is a resistor given by an expression": ("muthuswamy_chua", "neuron", "relaxation_oscillator"),
}


@pytest.mark.parametrize(
    ("words", "name"), [(words, name) for words, names in NOT_ON_NEOSPICE.items() for name in names]
)
def test_the_cases_that_neospice_cannot_run_end_without_a_value(words, name):
    """The whole list of docs/engines.md: none of them gives waveforms, right or wrong."""
    case = load_case(COMPARE / f"{name}.case.toml")
    with pytest.raises(sb.SpiceBridgeError, match=words):
        sb.simulate(case.network, case.t, engine="neospice", step=case.stop / 50)


def test_every_warning_of_neospice_counts():
    assert judge_neospice_log("chatter", "") is None
    assert judge_neospice_log("", "Warning: Line 3: something").status is Status.REJECTED
    assert judge_neospice_log("", "Error: DC operating point failed to converge").status is Status.NUMERICAL_FAILURE
    both = "Warning: Line 3: skipping\nError: DC operating point failed to converge"
    assert judge_neospice_log("", both).status is Status.REJECTED


def test_neospice_follows_growth_between_walls():
    verdict = sb.validate(k4(window=sb.Hard()), [0.0, 3.0], engine="neospice")
    assert verdict.outcome is sb.Outcome.AGREES, verdict


# Missing simulators


def test_no_library(tmp_path, monkeypatch):
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "libngspice.so"))
    with pytest.raises(SimulatorMissing, match="apt install libngspice0"):
        PySpiceShared().run(Job(text=RC, vectors=VECTORS, stop=STOP))
    assert not PySpiceShared().available()


def test_a_file_that_is_no_library(tmp_path):
    fake = tmp_path / "libngspice.so"
    fake.write_text("no")
    with pytest.raises(SimulatorMissing, match="cannot be loaded"):
        PySpiceShared(fake).version()


def missing(monkeypatch, *packages):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in packages else found(name, *rest)
    )


@pytest.mark.parametrize(("engine", "package"), [(PySpiceShared, "PySpice"), (NeospiceWorker, "neospice")])
def test_no_package(engine, package, monkeypatch):
    missing(monkeypatch, package)
    with pytest.raises(SimulatorMissing, match=f"pip install {package}"):
        engine().version()
    assert not engine().available()


@pytest.fixture
def no_ngspice(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(EXECUTABLE_VARIABLE, raising=False)


def test_automatic_choice_is_ngspice_where_it_is():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get_engine(AUTO).name == "ngspice"


def test_without_ngspice_neospice_runs_the_main_job_with_a_notice(no_ngspice):
    network, t = k4(), np.linspace(0.0, 2.0, 51)
    with pytest.warns(FallbackWarning, match="neospice"):
        verdict = sb.validate(network, t, tolerance=1e-4, engine=AUTO)
    assert verdict.outcome.value == "agrees"
    assert verdict.provenance["engine"] == "neospice"
    with pytest.raises(SimulatorMissing, match="ngspice is not on PATH"):
        sb.validate(network, t, engine="ngspice")


def test_without_either_the_message_names_both(no_ngspice, monkeypatch):
    missing(monkeypatch, "neospice")
    with pytest.raises(SimulatorMissing, match=r"apt install ngspice.*pip install neospice"):
        get_engine(AUTO)


def test_names():
    assert engine_names() == ("ngspice", "pyspice", "neospice", "xyce", "vacask")
    assert [get_engine(name).name for name in engine_names()] == list(engine_names())
    with pytest.raises(SpiceBridgeError, match="did you mean 'neospice'"):
        get_engine("neospise")


# Capabilities


@pytest.mark.parametrize("name", ["ngspice", "pyspice", "neospice"])
def test_capabilities_are_measured(name):
    engine = get_engine(name)
    found = engine.capabilities()
    assert found["version"] == engine.version()
    assert found["pow_of_negative"] == "absolute"
    assert found["first_row"] == "t=0"
    assert found["ic_without_uic"] == "honoured"
    assert found["diverging_status"] == "numerical_failure"
    assert engine.run(Job(text=RC, vectors=VECTORS, stop=STOP)).fingerprint == found


def test_a_verdict_says_what_the_simulator_was_measured_to_do():
    verdict = sb.validate(k4(), np.linspace(0.0, 1.0, 11), tolerance=1e-3)
    assert verdict.provenance["capabilities"] == dict(NgspiceProcess().capabilities())
    assert verdict.run.fingerprint["u_of_zero"] == "0.5"


# Xyce, imitated: see docs/engines.md

XYCE_DECK = "t\nV1 in 0 1\nR1 in out 1k\nC1 out 0 1u\n.ic v(out)=0\n.tran 1e-5 1e-3 0 1e-5\n.end\n"
XYCE_VECTORS = ("v(out)", "v(a_b)", "v(n_branch)", "i(v1)")


@pytest.fixture
def fake_xyce(fakes, private_tmp, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{fakes}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_MPI_CALL", str(tmp_path / "call"))

    def run(name, **options):
        return XyceProcess(FAKES / name, **options).run(Job(text=XYCE_DECK, vectors=XYCE_VECTORS, stop=STOP))

    return run


def test_xyce_names_are_translated(fake_xyce):
    record = fake_xyce("xyce_honest")
    assert record.complete, record.reason
    assert record.version == "7.10.0-opensource"
    np.testing.assert_allclose(record.vector("v(out)"), 1 - np.exp(-record.time / STOP), rtol=1e-12)
    assert (record.vector("v(a_b)") == 0.5).all()
    assert (record.vector("v(n_branch)") == 0.25).all()
    np.testing.assert_allclose(record.vector("i(v1)"), -1e-3 * np.exp(-record.time / STOP), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("xyce_warns", Status.REJECTED),
        ("xyce_stops", Status.NUMERICAL_FAILURE),
        ("xyce_cut", Status.TRUNCATED),
        ("xyce_talks", Status.LOG_ERROR),
        ("xyce_retries", Status.COMPLETE),
        ("xyce_steep", Status.NUMERICAL_FAILURE),
    ],
)
def test_xyce_is_judged_like_the_others(fake_xyce, name, status):
    record = fake_xyce(name)
    assert record.status is status, record.reason
    if name == "xyce_steep":
        assert "soften the clamp" in record.reason


def test_the_probe_asks_xyce_in_its_own_words(fake_xyce):
    found = XyceProcess(FAKES / "xyce_language").capabilities()
    expected = {
        "caret_of_negative": "exclusive or",
        "double_star_of_negative": "signed",
        "pow_of_negative": "signed",
        "pwr_of_negative": "signed",
        "u_of_zero": "rejected",
        "zero_over_zero": "-1e+50",
        "brace_expansion": "parenthesised",
        "first_row": "t=0",
        "ic_without_uic": "honoured",
    }
    assert expected.items() <= found.items()


def test_a_refused_deck_is_refused_at_once(fake_xyce):
    door = XyceProcess(FAKES / "xyce_warns")
    said = []
    verdict = sb.validate(k4(), np.linspace(0.0, 1.0, 11), engine=door, progress=said.append)
    assert verdict.outcome.value == "unresolved"
    assert "Remedy: correct the deck" in verdict.reason
    assert len([line for line in said if line.startswith("circuit at steps")]) == 1


def test_xyce_under_mpi(fake_xyce, tmp_path):
    assert fake_xyce("xyce_honest", processes=3).complete
    assert (tmp_path / "call").read_text() == "-n 3"


def test_xyce_that_cannot_run(fake_xyce, tmp_path, monkeypatch):
    with pytest.raises(SimulatorTooOld, match=r"6\.12"):
        fake_xyce("xyce_old")
    with pytest.raises(SpiceBridgeError, match="whole number"):
        XyceProcess(processes=0)
    with pytest.raises(UnsafeDeck):
        XyceProcess(FAKES / "xyce_honest").run(
            Job(text=XYCE_DECK + ".include /etc/passwd\n", vectors=XYCE_VECTORS, stop=STOP)
        )
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv(XYCE_VARIABLE, raising=False)
    with pytest.raises(SimulatorMissing, match="Xyce is not on PATH"):
        XyceProcess().version()
    assert not XyceProcess().available()
    with pytest.raises(SimulatorMissing, match="mpirun is not on PATH"):
        XyceProcess(FAKES / "xyce_honest", processes=2).run(Job(text=XYCE_DECK, vectors=XYCE_VECTORS, stop=STOP))


def test_xyce_gets_its_own_dialect(fake_xyce, monkeypatch):
    monkeypatch.setenv(XYCE_VARIABLE, str(FAKES / "xyce_honest"))
    assert get_engine("xyce").available()
    text = get_dialect(get_engine("xyce").dialect).format_deck(lower(k4(), 1.0, 0.01).deck)
    assert ".options timeint" in text


def test_a_simulator_that_hangs_is_probed_once(monkeypatch):
    runs = []

    class Hangs(NgspiceProcess):
        def run(self, job):
            runs.append(job)
            raise SimulatorDied("ran out of time")

    # A crash on one construct says nothing about the others.
    assert probe._measure(Hangs())["klu"] == "no"
    assert len(runs) > 5
    runs.clear()
    monkeypatch.setattr(probe, "PROBE_TIMEOUT", 1e-9)
    with pytest.raises(SimulatorDied):
        probe._measure(Hangs())
    assert len(runs) == 1
