"""The check-up of modules alone, of states with a unit, of jumps, and of a model against what it once was."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from laws.test_verilog import MODULE

import spicebridge as sb
from spicebridge.cli import main
from spicebridge.errors import SpiceBridgeError
from spicebridge.laws import LAWS
from spicebridge.modelcheck import Grade, load_subject, questions
from spicebridge.modelcheck.check_up_page import format_html
from spicebridge.modelcheck.recorded_waveforms import compare, record
from spicebridge.modelcheck.result import CheckUp
from tests.wheels import need

pytest_plugins = ["pytester"]

JUMP = """.subckt jumpy p n
Bmem p n I='V(x) > 0.5 ? V(p,n)/100 : V(p,n)/1000'
Bx 0 x I='2*V(p,n)'
Cx x 0 1 ic=0.5
.ends
"""
RUNS_AWAY = """.subckt runs p n
Rmem q n R='100*V(x)+16k*(1-V(x))'
Vs p q 0
Bx 0 x I='1e4*I(Vs)'
Cx x 0 1 ic=0.5
.ends
"""
WARM = """.subckt warm p n
Rmem p n R='1e4*exp(-(V(T)-300)/50)'
BT 0 T I='V(p,n)^2/(1e4*exp(-(V(T)-300)/50))*1e5-(V(T)-300)*10'
CT T 0 1 ic=300
.ends
"""


def subject(tmp_path: Path, name: str, text: str, **given: object):  # type: ignore[no-untyped-def]
    (tmp_path / name).write_text(text)
    return load_subject(tmp_path / name, **given)  # type: ignore[arg-type]


def test_a_module_alone_is_its_equations_held_against_the_compiled_file(tmp_path: Path) -> None:
    found = subject(tmp_path, "memcell.va", MODULE, frequency=2.0)
    assert found.twin == tmp_path / "memcell.va"
    assert questions.branches_agree(found, "ngspice").grade is Grade.PASS
    need("openvaf_py")
    result = questions.veriloga_twin(found, "ngspice")
    assert result.grade is Grade.PASS, result.finding


def test_a_law_in_kelvin_with_capitals_and_one_without_range(tmp_path: Path) -> None:
    """Parameters are found whatever their case; what leaves the range says what 0 and 1 stand for."""
    hot = """state = { name = "T", unit = "K", range = [290, 600] }
resistance = "r_0*exp(beta*(1/T - 1/T_0))"
rate = "(v*i - kappa*(T - T_0))/c_th"
parameters = { r_0 = "1k ohm", beta = "500 K", T_0 = "300 K", kappa = "20u W/K", c_th = "10u J/K" }
"""
    found = subject(tmp_path, "hot.toml", hot)
    need("openvaf_py")
    assert questions.veriloga_twin(found, "ngspice").grade is Grade.PASS
    leak = questions.bound_leak(found, "ngspice")
    assert leak.grade is Grade.NOTE
    assert leak.finding.endswith(": 0 stands for 290 K, 1 for 600 K")
    free = """state = { name = "phi", unit = "Wb", range = "none" }
current = "v*(a + b*phi^2)"
rate = "v"
parameters = { a = "1m S", b = "1 S/Wb^2" }
"""
    finding = questions.bound_leak(subject(tmp_path, "free.toml", free), "ngspice").finding
    assert finding.startswith("the law gives its state no range; it covers 0.5 to ")


def test_a_hidden_state_needs_no_partner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hidden.va"
    path.write_text(MODULE.replace("f = 0;", "vd = 0;"))
    assert main(["check-model", str(path), "--quiet"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"fail  hidden state .*line 25, column 13: variable 'f' keeps a value", printed)


def test_a_jump_in_conductance_is_named(tmp_path: Path) -> None:
    result = questions.no_jump(subject(tmp_path, "jumpy.sub", JUMP, frequency=2.0), "ngspice")
    assert result.grade is Grade.FAIL
    assert "a jump in conductance at v = -0.8 V, state 0.5: from -0.0008 to -0.008 A" in result.finding
    steep = JUMP.replace("V(x) > 0.5 ? V(p,n)/100 : V(p,n)/1000", "V(p,n)*(5.5+4.5*tanh(1e3*(V(x)-0.5)))/1000")
    assert questions.no_jump(subject(tmp_path, "steep.sub", steep, frequency=2.0), "ngspice").grade is Grade.PASS


def test_a_jump_in_the_rate_alone_is_a_note() -> None:
    law = sb.Law("kicked", resistance="100*(1 + s)", rate="v + (v > 0.2 ? 0.1 : 0)", window="hard")
    from spicebridge.modelcheck.model_under_test import law_subject

    result = questions.no_jump(law_subject("kicked", law(), 1.0, 1.0), "ngspice")
    assert result.grade is Grade.NOTE
    assert "a jump in rate at v = 0.2 V" in result.finding


def test_a_model_that_kills_the_simulator_fails(tmp_path: Path) -> None:
    result = questions.bound_leak(subject(tmp_path, "runs.sub", RUNS_AWAY, amplitude=1.0, frequency=2.0), "ngspice")
    assert result.grade is Grade.FAIL
    assert "the run ended" in result.finding


def test_states_with_a_unit_are_tried_in_their_range(tmp_path: Path) -> None:
    found = subject(tmp_path, "warm.sub", WARM, state_range=(290.0, 500.0), dialect="ngspice")
    assert found.state_range == (290.0, 500.0)
    assert questions.bound_leak(found, "ngspice").finding.startswith("the state leaves [290, 500] by 0.0e+00")
    assert questions.at_the_bounds(found, "ngspice").grade is Grade.PASS
    with pytest.raises(SpiceBridgeError, match="two finite numbers, the lower one first"):
        load_subject(tmp_path / "warm.sub", state_range=(500.0, 290.0), dialect="ngspice")
    with pytest.raises(SpiceBridgeError, match="a law states the range of its state itself"):
        load_subject("hp-joglekar", state_range=(0.0, 2.0))


def test_a_model_that_moved_is_named_with_its_text_before_and_after(tmp_path: Path) -> None:
    text = LAWS["strukov"].text
    before = subject(tmp_path, "cell.law.toml", text)
    record(before, "ngspice").write(tmp_path / "ref.npz")
    same = compare(before, "ngspice", tmp_path / "ref.npz")
    assert same.grade is Grade.PASS
    assert same.texts is None
    line = next(line for line in text.splitlines() if re.match(r"r_on = ", line))
    louder = re.sub(r"(\d+)", lambda m: str(int(m[0]) * 2), line, count=1)
    after = subject(tmp_path, "cell.law.toml", text.replace(line, louder))
    moved = compare(after, "ngspice", tmp_path / "ref.npz")
    assert moved.grade is Grade.FAIL
    assert re.search(r"moved beyond U of .*: state by .*, current by", moved.finding)
    page = html.unescape(format_html(CheckUp(after, (moved,), "ngspice")))
    assert line in page
    assert louder in page
    assert str(LAWS["strukov"].data["resistance"]) in page
    assert "<i>r_on</i> = " in page
    (tmp_path / "bad.npz").write_bytes(b"x")
    with pytest.raises(SpiceBridgeError, match="is no recorded model"):
        compare(before, "ngspice", tmp_path / "bad.npz")


def test_model_files_are_items_and_there_is_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("jumpy.sub").write_text(JUMP)
    pytester.path.joinpath("cell.law.toml").write_text(LAWS["strukov"].text)
    pytester.makepyfile(
        """
        from spicebridge.modelcheck import questions
        questions.CHECKS = (questions.no_jump,)

        def test_with_the_fixture(spice_model):
            assert spice_model("cell.law.toml").passed
        """
    )
    options = ("-p", "no:cacheprovider", "--spice=required")
    result = pytester.runpytest_inprocess(*options, "-k", "not jumpy", "--spice-record")
    result.stdout.fnmatch_lines(["*references/cell.law.toml.npz", "*a recording run never passes*"])
    result = pytester.runpytest_inprocess(*options)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*a jump in conductance at v = -0.8 V*"])
