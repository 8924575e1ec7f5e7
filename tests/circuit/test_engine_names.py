"""Engines by file and by one's own name, and what is remembered of them."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.circuit.engines import get_engine, installation, known_engines, measured_once, probe
from spicebridge.circuit.engines.ngspice import NgspiceProcess
from spicebridge.errors import SimulatorMissing, SpiceBridgeError
from tests.circuit.test_engines_more import k4

NGSPICE = shutil.which("ngspice")


def test_a_program_of_ones_own_is_an_engine_by_its_text(tmp_path):
    program = tmp_path / "my ngspice"
    program.symlink_to(NGSPICE)
    engine = get_engine(f"ngspice={program}")
    assert engine.name == f"ngspice={program}"
    verdict = sb.validate(k4(), np.linspace(0.0, 1.0, 11), tolerance=1e-3, engine=f"ngspice={program}")
    assert verdict.outcome.value == "agrees"
    assert verdict.provenance["engine"] == f"ngspice={program}"
    with pytest.raises(SimulatorMissing, match="'/no/such' is no program"):
        get_engine("ngspice=/no/such").version()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("neospice=/usr/bin/x", "takes no file"),
        ("ngspice=", "names no file"),
        ("ngspise=/usr/bin/ngspice", "did you mean 'ngspice'"),
        ("other", "KIND=FILE"),
    ],
)
def test_misuse_is_named(text, words):
    with pytest.raises(SpiceBridgeError, match=words):
        get_engine(text)


def test_names_of_the_users_list(tmp_path, monkeypatch):
    listed = tmp_path / "engines.toml"
    monkeypatch.setenv("SPICEBRIDGE_ENGINES", str(listed))
    with pytest.raises(SpiceBridgeError, match="No such file"):
        known_engines()
    listed.write_text(f'[engines]\nmine = "ngspice={NGSPICE}"\n')
    assert "mine" in known_engines()
    assert get_engine("mine").name == "mine"
    assert get_engine("mine").version() == get_engine("ngspice").version()
    for number, text in enumerate(
        ('[engines]\nmine = "ngspice"\n', "[engines]\nmine = 3\n", "engines = 3\n", "[engines\n")
    ):
        listed.write_text(text)
        os.utime(listed, ns=(number, number))
        with pytest.raises(SpiceBridgeError, match=r"engines\.toml"):
            get_engine("mine")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    place = tmp_path / "cache"
    monkeypatch.setenv("SPICEBRIDGE_CACHE", str(place))
    monkeypatch.setattr(probe, "_memory", {})
    installation._version.cache_clear()
    return place


def forget(monkeypatch):
    """What a new process knows: nothing."""
    monkeypatch.setattr(probe, "_memory", {})
    installation._version.cache_clear()


def test_what_was_measured_is_remembered_by_the_next_program(cache, monkeypatch):
    found = dict(get_engine("ngspice").capabilities())
    assert len(list((cache / "engines").iterdir())) == 2
    forget(monkeypatch)
    monkeypatch.setattr(NgspiceProcess, "run", None)
    monkeypatch.setattr(installation, "run_in_group", None)
    begin = time.perf_counter()
    assert get_engine("ngspice").capabilities() == found
    assert time.perf_counter() - begin < 0.2


def test_another_program_is_measured_anew(cache, monkeypatch, tmp_path):
    """The same path after an upgrade: other size or time."""
    program = tmp_path / "ngspice"
    shutil.copy(NGSPICE, program)
    engine = get_engine(f"ngspice={program}")
    engine.version()
    before = engine.identity()
    forget(monkeypatch)
    os.utime(program, ns=(1, 1))
    assert engine.identity() != before
    asked = []
    monkeypatch.setattr(installation, "_ask", lambda found: asked.append(found) or "ngspice-77")
    assert engine.version() == "77"
    assert len(asked) == 1


def test_a_script_may_start_anything_and_is_asked_every_time(cache, monkeypatch, tmp_path):
    program = tmp_path / "wrapper"
    program.write_text(f'#!/bin/sh\nexec {NGSPICE} "$@"\n')
    program.chmod(0o755)
    engine = get_engine(f"ngspice={program}")
    assert engine.version() == get_engine("ngspice").version()
    forget(monkeypatch)
    monkeypatch.setattr(installation, "_ask", lambda found: "ngspice-77")
    assert engine.version() == "77"


@pytest.mark.parametrize("harm", ["not json", '{"key": "of another", "value": {}}', "[]", '{"value": {"version": 3}}'])
def test_a_damaged_memory_is_none(cache, monkeypatch, harm):
    version = get_engine("ngspice").version()
    (kept,) = (cache / "engines").iterdir()
    assert json.loads(kept.read_text())["value"] == {"version": version}
    kept.write_text(harm)
    forget(monkeypatch)
    assert get_engine("ngspice").version() == version


def test_no_place_for_a_memory_is_no_trouble(cache, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    for place in (str(blocked), ""):
        monkeypatch.setenv("SPICEBRIDGE_CACHE", place)
        forget(monkeypatch)
        assert get_engine("ngspice").available()
    measured_once.keep("a", {"b": "c"})
    assert measured_once.recall("a") is None


@pytest.mark.skipif(sys.platform != "linux", reason="the usual folder of Linux")
def test_the_usual_folder(monkeypatch):
    monkeypatch.delenv("SPICEBRIDGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert measured_once.cache_folder() == Path("/somewhere/spicebridge")
