"""The ngspice door and fake simulators: each differs from an honest one in one respect."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest

from spicebridge.circuit.engines import Job, Status, process
from spicebridge.circuit.engines.completeness import STOP_RTOL
from spicebridge.circuit.engines.ngspice import EXECUTABLE_VARIABLE, NgspiceProcess
from spicebridge.errors import SimulatorDied, SimulatorMissing, SimulatorTooOld
from tests.circuit.test_engine_ngspice import FAKES, RC_DECK, STOP, TAU, VECTORS, run


@pytest.fixture
def fake(fakes, private_tmp, tmp_path, monkeypatch):
    """Run RC_DECK on a fake simulator; afterwards nothing may be left behind."""
    monkeypatch.setenv("FAKE_HEARTBEAT", str(tmp_path / "heartbeat"))

    def run(name, **job):
        try:
            return NgspiceProcess(fakes / name).run(Job(text=RC_DECK, vectors=VECTORS, stop=STOP, **job))
        finally:
            assert list(private_tmp.iterdir()) == []

    return run


def test_the_honest_fake_passes(fake):
    record = fake("honest")
    assert record.complete, record.reason
    assert record.version == "39"
    np.testing.assert_allclose(record.data[:, 0], 1 - np.exp(-record.time / TAU), atol=1e-15)


def test_two_locks_keep_start_up_files_out(fake, monkeypatch):
    monkeypatch.setenv("SPICE_LIB_DIR", "/somewhere")
    told = dict(line.split("=", 1) for line in fake("tells").log.splitlines() if "=" in line)
    assert told["argv"] == "-n -b -r out.raw deck.cir"
    assert told["HOME"] == told["XDG_CONFIG_HOME"] == told["cwd"]
    assert told["LC_ALL"] == "C"
    assert told["OMP_NUM_THREADS"] == "1"
    assert told["SPICE_LIB_DIR"] == told["stdin"] == ""


def test_rounding_of_the_stop_time_is_no_failure(fake):
    assert 1e-11 < STOP_RTOL < 1e-8
    assert fake("stops_rounded").complete


def test_the_oldest_version_is_recent_enough(fake):
    assert fake("oldest").version == "36"


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("truncated", Status.TRUNCATED, "101 points, the file holds 61"),
        ("half_row", Status.TRUNCATED, "holds 100, and an incomplete one"),
        ("lying_zero", Status.TRUNCATED, "announces 0 points, the file holds 101"),
        ("lying_more", Status.TRUNCATED, "announces 102 points, the file holds 101"),
        ("lying_fewer", Status.TRUNCATED, "announces 100 points, the file holds 101"),
        ("early_end", Status.TRUNCATED, "last sample is at t = 0.00099 s"),
        ("stops_short", Status.TRUNCATED, "was to end at 0.001 s"),
        ("starts_late", Status.TRUNCATED, "first sample is at t = 1e-05 s"),
        ("time_repeats", Status.TRUNCATED, "does not increase from 0.00049 s to 0.00049 s in row 50"),
        ("nan", Status.NON_FINITE, r"v\(out\) is nan at t = 0.0004 s"),
        ("infinite", Status.NON_FINITE, r"i\(v1\) is inf at t = 0.001 s"),
        ("missing_vector", Status.MISSING_VECTORS, r"no signal 'i\(v1\)'"),
        ("exit_one", Status.LOG_ERROR, "exit code 1"),
        ("complains", Status.LOG_ERROR, "flux capacitor"),
        ("warns", Status.LOG_ERROR, "not understood"),
        ("chatty", Status.LOG_ERROR, "left out"),
        ("silent", Status.NO_OUTPUT, "no raw file"),
        ("empty_raw", Status.TRUNCATED, "empty"),
        ("garbage_raw", Status.TRUNCATED, "cannot be read"),
        ("header_only", Status.NO_OUTPUT, "not a single sample"),
        ("other_analysis", Status.REJECTED, "not a transient"),
        ("two_plots", Status.REJECTED, "2 plots"),
    ],
)
def test_no_lie_is_believed(fake, name, status, words):
    record = fake(name)
    assert record.status is status, record.reason
    assert re.search(words, record.reason), record.reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crash", "SIGSEGV"),
        ("killed", "SIGKILL"),
        ("full_disk", "disk is full"),
        ("no_memory", "memory ran out"),
    ],
)
def test_a_dead_simulator_raises_with_deck_and_log(fake, name, words):
    with pytest.raises(SimulatorDied, match=words) as caught:
        fake(name)
    assert caught.value.deck == RC_DECK
    assert (name in ("crash", "killed")) or "No. of Data Rows" in caught.value.log


def heart_is_still(path, patience=5.0):
    """Whether the file stops growing for 0.2 s within `patience` s, after it has grown."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = path.stat().st_size
        time.sleep(0.2)
        if path.stat().st_size == before > 0:
            return True
    return False


def test_a_time_out_kills_the_grandchildren_too(fake, tmp_path):
    started = time.monotonic()
    with pytest.raises(SimulatorDied, match=r"stopped after 0\.5 s"):
        fake("hang", timeout=0.5)
    assert time.monotonic() - started < 5.0
    assert heart_is_still(tmp_path / "heartbeat")


def test_nothing_outlives_an_orderly_run(fake, tmp_path):
    assert fake("leaves_child").complete
    assert heart_is_still(tmp_path / "heartbeat")


def test_an_interrupt_leaves_nothing_behind(fake, tmp_path, monkeypatch):
    NgspiceProcess(FAKES / "hang").version()

    def interrupted(child, timeout):
        while not ((tmp_path / "heartbeat").exists() and (tmp_path / "heartbeat").stat().st_size):
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fake("hang")
    assert heart_is_still(tmp_path / "heartbeat")


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("too_old", SimulatorTooOld, r"ngspice 35\.2, 36 or later.*apt install"),
        ("garbage_version", SimulatorMissing, "what a lovely day"),
        ("no_such_program", SimulatorMissing, "is no program.*brew install.*pip install neospice"),
    ],
)
def test_a_missing_simulator_says_what_to_install(fake, name, error, words):
    with pytest.raises(error, match=words):
        fake(name)
    assert not NgspiceProcess(FAKES / name).available()


def test_a_version_that_never_comes_is_a_death(fake, monkeypatch):
    monkeypatch.setattr("spicebridge.circuit.engines.installation.PROBE_TIMEOUT", 0.3)
    with pytest.raises(SimulatorDied, match="hangs"):
        fake("hang_version")
    assert not NgspiceProcess(FAKES / "hang_version").available()


def test_no_ngspice_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(EXECUTABLE_VARIABLE, raising=False)
    with pytest.raises(SimulatorMissing, match="not on PATH"):
        NgspiceProcess().version()


def test_the_environment_names_the_program(fake, monkeypatch):
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(FAKES / "oldest"))
    assert NgspiceProcess().version() == "36"
    monkeypatch.setenv(EXECUTABLE_VARIABLE, "/no/such/program")
    with pytest.raises(SimulatorMissing, match=EXECUTABLE_VARIABLE):
        NgspiceProcess().version()


def test_an_upgrade_is_noticed(fake, tmp_path):
    program = tmp_path / "ngspice"
    for version in ("41", "42.1"):
        program.write_text(f"#!/bin/sh\necho '** ngspice-{version} : Circuit'\n")
        program.chmod(0o755)
        os.utime(program, ns=(int(version[1]), int(version[1])))
        assert NgspiceProcess(program).version() == version


def test_a_full_temporary_disk_is_a_death(private_tmp, monkeypatch):
    NgspiceProcess().version()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SimulatorDied, match="TMPDIR") as caught:
        run(RC_DECK)
    assert caught.value.deck == RC_DECK
    assert list(private_tmp.iterdir()) == []
