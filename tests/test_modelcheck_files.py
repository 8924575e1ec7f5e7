"""The check-up of files: a law, a subcircuit, a Verilog-A module of the user's, good ones and bad ones."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.cli import main
from spicebridge.errors import SpiceBridgeError, UnsafeDeck
from spicebridge.modelcheck import (
    Grade,
    Result,
    Subject,
    check_model,
    load_subject,
    questions,
    subject_names,
    twins,
    veriloga,
)
from spicebridge.modelcheck.component import forced
from tests.wheels import needs_openvaf

MODELS = Path(__file__).parents[1] / "models"

SUB = """* Joglekar drift, state inside
.subckt mem p n r_on=100 r_off=16000
Bm p n I=V(p,n)/(r_off+(r_on-r_off)*V(x))
Bx 0 x I=1e4*V(p,n)/(r_off+(r_on-r_off)*V(x))*4*V(x)*(1-V(x))
Cx x 0 1
.ic v(x)=0.3
.ends
"""
VA = """`include "disciplines.vams"
module mem(p, n);
  inout p, n;
  electrical p, n, x;
  parameter real r_on = 100;
  parameter real r_off = 16000;
  analog begin
    V(p, n) <+ I(p, n)*(r_off + (r_on - r_off)*V(x));
    I(x) <+ ddt(V(x)) - 1e4*I(p, n)*4*V(x)*(1 - V(x));
  end
endmodule
"""
LAW = '[check]\namplitude = "1"\n[device]\nlaw = "hp"\nr_on = 100\nr_off = "16k"\nk = 2e3\n'


def write(folder: Path, **files: str) -> Path:
    """Write mem.sub, mem.va … and return the first."""
    for suffix, text in files.items():
        (folder / f"mem.{suffix}").write_text(text, encoding="utf-8")
    return folder / f"mem.{next(iter(files))}"


def results(subject: Subject) -> dict[str, Result]:
    return {r.name: r for r in check_model(subject).results}


@needs_openvaf
def test_a_subcircuit_of_ones_own_with_its_twin(tmp_path: Path) -> None:
    subject = load_subject(write(tmp_path, sub=SUB, va=VA))
    assert subject.initial_state == 0.3
    found = results(subject)
    assert found["Verilog-A twin"].grade is Grade.PASS
    assert found["pinched loop"].grade is Grade.PASS
    assert found["bound sticking"].grade is Grade.NOTE
    skipped = {name for name, r in found.items() if r.grade is Grade.SKIP}
    assert skipped == {"Jacobian", "subcircuit point by point", "subcircuit and Python"}
    assert all(found[name].finding.startswith("skipped, because a subcircuit alone") for name in skipped)


def test_the_forced_subcircuit_is_its_equations() -> None:
    subject = load_subject("hp-biolek")
    v, s = np.array([0.7, -0.2]), np.array([0.1, 0.8])
    i, rate = forced(subject.component, v, s, "ngspice")
    R = 16e3 - (16e3 - 100.0) * s
    np.testing.assert_allclose(i, v / R, rtol=1e-12)
    np.testing.assert_allclose(rate, 1e4 * v / R, rtol=1e-12)


@needs_openvaf
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("V(x)*(1 - V(x))", "V(x)*(V(x) - 1)"),
        ("(r_on - r_off)*V(x)", "(r_on - r_off)*(V(x) + 1e-6)"),
        ("(1 - V(x));", "(1 - pow(V(x), 2));"),
        ("parameter real r_on = 100;", "parameter real ron = 100;"),
        ("V(p, n) <+ I(p, n)", "V(p) <+ I(p, n)"),
        (
            "module mem(p, n);\n  inout p, n;\n  electrical p, n, x;",
            "module mem(p, n, z);\n  inout p, n, z;\n  electrical p, n, x, z;",
        ),
        ("ddt(V(x)) -", "-"),
        ("I(x) <+ ddt(V(x))", "I(x) <+ 2*ddt(V(x))"),
        ("analog begin", "analog begin garbage"),
        (VA, ""),
        (VA, "\x00\x01\ufffd binary"),
    ],
)
def test_a_wrong_twin_is_caught(tmp_path: Path, old: str, new: str) -> None:
    assert old in VA
    text = VA.replace("r_on - r_off", "ron - r_off") if "ron = " in new else VA
    subject = load_subject(write(tmp_path, sub=SUB, va=text.replace(old, new)))
    result = twins.veriloga_twin(subject, "ngspice")
    assert result.grade is Grade.FAIL, result
    assert "mem.va" in result.finding


@needs_openvaf
@pytest.mark.parametrize(
    "statement",
    [
        "seen = seen + V(p, n);",
        "if (seen > 1.0) seen = 1.0;",
        "V(p, n) <+ 0.0*seen; seen = 1.0;",
        "@(initial_step) begin seen = 1.0; end seen = seen + V(p, n);",
    ],
)
def test_a_variable_that_remembers_is_caught(tmp_path: Path, statement: str) -> None:
    """The compiled module starts every evaluation afresh, so the values agree: the text tells."""
    hidden = VA.replace("  analog begin", f"  real seen;\n  analog begin\n    {statement}").replace(
        "1e4*I(p, n)", "(1e4 + 1e-9*seen)*I(p, n)"
    )
    result = twins.veriloga_twin(load_subject(write(tmp_path, sub=SUB, va=hidden)), "ngspice")
    assert result.grade is Grade.FAIL
    assert "hidden state" in result.finding


def test_without_the_compiler_the_twin_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(veriloga, "installed", lambda: False)
    result = twins.veriloga_twin(load_subject("vteam"), "ngspice")
    assert result.grade is Grade.SKIP
    assert re.match(r"skipped, because openvaf-py is not installed; pip install", result.finding)


def test_without_a_twin_the_check_is_skipped_with_the_reason(tmp_path: Path) -> None:
    result = twins.veriloga_twin(load_subject(write(tmp_path, sub=SUB)), "ngspice")
    assert result.grade is Grade.SKIP
    assert "skipped, because there is no Verilog-A file" in result.finding


def test_a_subcircuit_of_ones_own_on_trial_against_a_law(tmp_path: Path) -> None:
    right = (MODELS / "hp.sub").read_text(encoding="utf-8")
    path = write(tmp_path, toml=LAW, sub=right)
    subject = load_subject(path)
    assert subject.own
    assert twins.subcircuit_points(subject, "ngspice").grade is Grade.PASS
    wrong = right.replace("{polarity*k}", "{polarity*1.001*k}")
    (tmp_path / "mem.sub").write_text(wrong, encoding="utf-8")
    found = results(load_subject(path))
    assert found["subcircuit point by point"].grade is Grade.FAIL
    assert found["subcircuit and Python"].grade is Grade.FAIL
    (tmp_path / "mem.sub").write_text(SUB, encoding="utf-8")
    with pytest.raises(SpiceBridgeError, match="beside a law it needs those of the library's hp"):
        load_subject(path)


@needs_openvaf
def test_a_module_brings_the_file_beside_it(tmp_path: Path) -> None:
    write(tmp_path, va=VA)
    alone = load_subject(tmp_path / "mem.va")
    assert alone.device is not None
    assert alone.component.state == "x"
    write(tmp_path, sub=SUB)
    beside = load_subject(tmp_path / "mem.va")
    assert beside.device is None
    assert beside.component.state == "x"


def test_the_drive_is_found_or_given(tmp_path: Path) -> None:
    threshold = SUB.replace("I=1e4*V(p,n)", "I=1e12*max(abs(V(p,n))-3,0)*V(p,n)")
    found = load_subject(write(tmp_path, sub=threshold))
    assert found.amplitude == 4.0
    assert found.frequency > 1e6
    moved = np.ptp(found.run("ngspice", stop=found.period, step=found.period / 400).state)
    assert 0.05 < moved < 0.7
    given = load_subject(tmp_path / "mem.sub", frequency=5.0, amplitude=2.0, initial_state=0.7)
    assert (given.amplitude, given.frequency, given.initial_state) == (2.0, 5.0, 0.7)
    with pytest.raises(SpiceBridgeError, match="frequency -1"):
        load_subject(tmp_path / "mem.sub", frequency=-1.0)


VERILOGA_MUTANTS = (
    (r"I\(drift\) <\+ -\(", "I(drift) <+ (", "sign"),
    (r"I\(p, n\) <\+ polarity", "I(p, n) <+ 1.001*polarity", "size"),
    (r"v__ = polarity\*V\(p, n\)", "v__ = polarity*V(p, n)*(1.0 + 0.001*V(p, n))", "exponent"),
)
"""Pattern, what stands there instead, and the kind of mistake; of every generated module."""

BAD = {
    "empty": ("", "holds no subcircuit"),
    "no memristor": (".subckt r p n\nR1 p n 100\n.ends\n", "no node holds a state"),
    "across": (".subckt r p n\nR1 p n 100\nC1 p n 1\nC2 n 0 1\n.ends\n", "no node holds a state"),
    "two states": (SUB.replace("Cx x 0 1", "Cx x 0 1\nCy y 0 1\nRy y 0 1"), r"several states \(x, y\)"),
    "one pin": (".subckt r p\nR1 p 0 100\nC1 x 0 1\nRx x 0 1\n.ends\n", "two terminals"),
    "odd pin": (
        SUB.replace("mem p n ", "mem p n drfit ").replace("Cx x", "Rd drfit 0 1\nCx x"),
        "did you mean 'drift'",
    ),
    "syntax": (SUB.replace("V(p,n)/(", "V(p,n)/((", 1), r"mem\.sub:3:\d+"),
    "unknown parameter": (SUB.replace("(r_off+", "(r_of+", 1), "r_of"),
    "three": ("".join(SUB.replace("mem", name) for name in "abc"), "choose one with --subcircuit a"),
    "text": ("once upon a time\n", "is not read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_subcircuits_are_refused_with_their_reason(tmp_path: Path, name: str) -> None:
    text, message = BAD[name]
    with pytest.raises(SpiceBridgeError, match=message):
        load_subject(write(tmp_path, sub=text))


def test_commands_in_a_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeDeck, match=r"mem\.sub:8"):
        load_subject(write(tmp_path, sub=f"{SUB}.shell true\n"))


def test_binary_and_absent_files_are_refused(tmp_path: Path) -> None:
    for suffix in ("sub", "toml"):
        path = tmp_path / f"mem.{suffix}"
        path.write_bytes(b"\xff\xfe\x00\x80" * 50)
        with pytest.raises(SpiceBridgeError, match="not UTF-8"):
            load_subject(path)
        with pytest.raises(SpiceBridgeError, match="cannot read the model"):
            load_subject(tmp_path / f"absent.{suffix}")


def test_several_subcircuits_of_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    helper = ".subckt law x p n r_on=100 r_off=16000\nB1 0 x I=1e4*V(p,n)/r_off\n.ends\n"
    caller = SUB.replace("Bx 0 x I=1e4*V(p,n)/(r_off+(r_on-r_off)*V(x))*4*V(x)*(1-V(x))", "X1 x p n law")
    path = write(tmp_path, sub=helper + caller)
    assert load_subject(path).component.model.name == "mem"
    assert main(["check-model", str(path), "--subcircuit", "absent", "--quiet"]) == 2
    assert "it has law, mem" in capsys.readouterr().err


def test_a_law_file_names_its_lines(tmp_path: Path) -> None:
    path = write(tmp_path, toml=LAW + "k_ = 1 # [check]\n")
    with pytest.raises(SpiceBridgeError, match=r"mem\.toml:8: device\.k_"):
        load_subject(path)
    path.write_text('[device]\nlaw = "resistor"\nr = 5\n', encoding="utf-8")
    with pytest.raises(SpiceBridgeError, match=r"mem\.toml:2: device\.law: Resistor has no state"):
        load_subject(path)


def test_not_pinched_and_not_passive_models_fail(tmp_path: Path) -> None:
    offset = SUB.replace("Bm p n I=V(p,n)/", "V0 p m 0.1\nBm m n I=V(m,n)/")
    found = results(
        load_subject(
            write(tmp_path, sub=offset),
        )
    )
    failed = {name for name, r in found.items() if r.grade is Grade.FAIL}
    assert {"pinched loop", "at the bounds"} <= failed


@pytest.mark.parametrize(
    ("old", "new"),
    [("Bm p n I=V(p,n)", "Bm p n I=V(p)"), ("Bm p n", "Bm p 0"), ("I=1e4*V(p,n)", "I=1e4*V(p)")],
)
def test_a_model_that_knows_ground_is_caught(tmp_path: Path, old: str, new: str) -> None:
    assert questions.floating(load_subject(write(tmp_path, sub=SUB), frequency=1.0), "ngspice").grade is Grade.PASS
    grounded = load_subject(write(tmp_path, sub=SUB.replace(old, new)), frequency=1.0)
    assert questions.floating(grounded, "ngspice").grade is Grade.FAIL


def test_a_voltage_that_never_crosses_zero_is_no_pinched_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = load_subject(write(tmp_path, sub=SUB), frequency=1.0)
    assert questions.pinched_loop(subject, "ngspice").grade is Grade.PASS
    run = questions._run
    monkeypatch.setattr(questions, "_run", lambda *a, **k: run(*a, drive=sb.Sine(0.2, 1.0, offset=1.0), **k))
    for check in (questions.pinched_loop, questions.zero_crossing):
        assert check(subject, "ngspice").grade is Grade.FAIL


@pytest.mark.parametrize(
    ("old", "new"), [("Bm p n I=", "Bm p n I=(1+0.3*sin(20*time))*"), ("I=1e4*", "I=1e4*(1+1e-3*time)*")]
)
def test_a_model_with_a_clock_is_caught(tmp_path: Path, old: str, new: str) -> None:
    assert questions.autonomous(load_subject(write(tmp_path, sub=SUB), frequency=1.0), "ngspice").grade is Grade.PASS
    timed = load_subject(write(tmp_path, sub=SUB.replace(old, new)), frequency=1.0)
    assert questions.autonomous(timed, "ngspice").grade is Grade.FAIL


def test_a_model_that_cannot_be_solved_fails_with_the_reason(tmp_path: Path) -> None:
    up = check_model(load_subject(write(tmp_path, sub=SUB.replace("I=V(p,n)/", "I=ln(V(x)-0.9)*V(p,n)/"))))
    assert not up.passed
    assert any("out of range for ln" in r.finding for r in up.results)


@pytest.mark.parametrize("name", subject_names())
def test_every_subcircuit_of_the_library_point_by_point(name: str) -> None:
    subject = load_subject(name)
    assert twins.subcircuit_points(subject, "ngspice").grade is Grade.PASS


@needs_openvaf
@pytest.mark.parametrize("name", subject_names())
def test_what_a_twin_of_the_library_is_worth(name: str, tmp_path: Path) -> None:
    """A sign, a factor and an exponent of every module, each seen by the check."""
    subject = load_subject(name)
    assert subject.twin is not None
    text = subject.twin.read_text(encoding="utf-8")
    for old, new, _ in VERILOGA_MUTANTS:
        assert re.search(old, text), old
        changed = tmp_path / subject.twin.name
        changed.write_text(re.sub(old, new, text), encoding="utf-8")
        result = twins.veriloga_twin(replace(subject, twin=changed), "ngspice")
        assert result.grade is Grade.FAIL, (old, new, result)


@pytest.mark.parametrize("value", ["{random = [1, 2], seed = 1}", "[1, 2]", '"x"'])
def test_a_drive_that_is_no_number_names_its_line(tmp_path: Path, value: str) -> None:
    law = LAW.replace('amplitude = "1"', f"amplitude = {value}")
    with pytest.raises(SpiceBridgeError, match=r"mem\.toml:2: check\.amplitude"):
        load_subject(write(tmp_path, toml=law))
