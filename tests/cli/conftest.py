"""A case, a folder of cases, comparisons that say what they are told, fake simulators."""

from __future__ import annotations

import os
import sys

import pytest
from command_lines import CASE, FAKES

from spicebridge.batch import cases as batch
from spicebridge.circuit.engines.ngspice import EXECUTABLE_VARIABLE
from spicebridge.verify import Outcome, Verdict


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "two.case.toml"
    path.write_text(CASE)
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder of cases; `fill(a=..., b=...)` writes them."""
    place = tmp_path / "cases"
    place.mkdir()

    def fill(**texts):
        for name, text in texts.items():
            (place / f"{name}.case.toml").write_text(text)
        return place

    return fill


@pytest.fixture
def says(monkeypatch):
    """Replace the comparison: the title of a case tells what comes of it."""

    def validate(network, t, **options):
        word = says.words.pop(0)
        if isinstance(word, BaseException):
            raise word
        return Verdict(outcome=Outcome(word), reason=f"it {word}", tolerance=options["tolerance"], network=network)

    def plan(*words):
        says.words = list(words)

    monkeypatch.setattr(batch, "validate", validate)
    return plan


@pytest.fixture
def simulator(monkeypatch, tmp_path):
    """Use a fake simulator by name."""
    shims = tmp_path / "bin"
    shims.mkdir()
    (shims / "python3").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{shims}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("FAKE_HEARTBEAT", str(tmp_path / "heartbeat"))
    return lambda name: monkeypatch.setenv(EXECUTABLE_VARIABLE, str(FAKES / name))
