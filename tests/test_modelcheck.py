"""The check-up on sound models, and on models with one thing broken, each caught by its check."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.cli import main
from spicebridge.errors import SpiceBridgeError
from spicebridge.laws.library import Caravelli2017
from spicebridge.modelcheck import Grade, Subject, check_model, load_subject, questions, subject_names
from spicebridge.modelcheck.check_up_page import format_html, format_text


def test_every_model_of_the_library_is_named_and_loads() -> None:
    assert len(subject_names()) >= 12
    for name in subject_names():
        subject = load_subject(name)
        assert subject.network().n_edges == 1


@pytest.mark.parametrize("name", subject_names())
def test_sound_models_pass(name: str) -> None:
    up = check_model(load_subject(name))
    assert up.passed, [r for r in up.results if r.grade is Grade.FAIL]
    assert len(up.results) == len(questions.CHECKS)
    assert Grade.SKIP not in {r.grade for r in up.results}
    page = format_html(up)
    assert "PASSES" in page
    assert "http" not in page.split("</head>")[1].replace("http://www.w3.org/", "")
    assert name in format_text(up)


def test_joglekar_is_told_to_stick_at_its_bound() -> None:
    result = questions.bound_sticking(load_subject("hp-joglekar"), "ngspice")
    assert result.grade is Grade.NOTE
    assert "stick" in result.finding


def test_a_state_without_bounds_is_told_to_leak() -> None:
    assert questions.bound_leak(load_subject("tunneling"), "ngspice").grade is Grade.NOTE
    assert questions.bound_leak(load_subject("tunneling-hard"), "ngspice").grade is Grade.PASS


class WrongSlope(Caravelli2017):
    """dR/ds with the wrong sign."""

    def resistance_slope(self, s: Any) -> Any:
        return -super().resistance_slope(s)


class WrongLaw(Caravelli2017):
    """The Python side has an exponent that the subcircuit lacks."""

    def resistance(self, s: Any) -> Any:
        return np.asarray(self.r0 * (1.0 + self.kappa * s**1.01))


def mutant(kind: type) -> Subject:
    subject = load_subject("caravelli2017")
    device = kind(100.0, 1600.0, 0.0, 1.0)
    return replace(subject, device=device)


def test_a_wrong_derivative_is_caught() -> None:
    assert questions.jacobian(mutant(Caravelli2017), "ngspice").grade is Grade.PASS
    assert questions.jacobian(mutant(WrongSlope), "ngspice").grade is Grade.FAIL


def test_a_subcircuit_that_is_not_the_law_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    import spicebridge.verify.against_theory as trial

    right = trial.lower

    def wrong(network: sb.Network, *args: Any, **kwargs: Any) -> Any:
        device = replace(network.groups[0].device, r_off=1601.6)
        return right(network.with_device(device), *args, **kwargs)

    subject = load_subject("caravelli2017")
    assert questions.branches_agree(subject, "ngspice").grade is Grade.PASS
    monkeypatch.setattr(trial, "lower", wrong)
    assert questions.branches_agree(subject, "ngspice").grade is Grade.FAIL


def test_a_source_in_the_device_breaks_the_pinch(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = load_subject("caravelli2017")
    assert questions.pinched_loop(subject, "ngspice").grade is Grade.PASS
    original = questions._run

    def offset(*args: Any, **kwargs: Any) -> Any:
        waves = original(*args, **kwargs)
        return replace(waves, current=waves.current + 0.01 * np.abs(waves.current).max())

    monkeypatch.setattr(questions, "_run", offset)
    assert questions.pinched_loop(subject, "ngspice").grade is Grade.FAIL
    assert questions.zero_crossing(subject, "ngspice").grade is Grade.FAIL


def test_model_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[device]\nlaw = "hp"\nr_on = 100\nr_off = "1.6k"\nk = 1e3\nwindow = "biolek"\n'
        "[check]\namplitude = 0.5\nfrequency = 2.0\n",
        encoding="utf-8",
    )
    subject = load_subject(path)
    assert subject.frequency == 2.0
    assert subject.device.window.name == "biolek"
    path.write_text('[device]\nlaw = "hp"\nr_on = 100\nr_off = 10\nk = 1e3\n', encoding="utf-8")
    with pytest.raises(SpiceBridgeError, match="r_off"):
        load_subject(path)
    path.write_text('[device]\nlaw = "hp"\n[check]\namplitud = 1\n', encoding="utf-8")
    with pytest.raises(SpiceBridgeError, match="did you mean 'amplitude'"):
        load_subject(path)
    with pytest.raises(SpiceBridgeError, match="did you mean"):
        load_subject("vteem")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert main(["check-model", "vteam", "--json", "--quiet", "--out", str(page)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["passed"] is True
    assert page.is_file()
    assert main(["check-model", "nonsense", "--quiet"]) == 2
