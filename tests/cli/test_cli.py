"""The command line: exit statuses, clean messages, lying simulators, interruptions."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import warnings
from itertools import product
from pathlib import Path

import pytest
from command_lines import CASE, K4, ROOT, program, strict

from spicebridge.batch import cases as batch
from spicebridge.circuit.engines import FallbackWarning
from spicebridge.circuit.engines.ngspice import EXECUTABLE_VARIABLE
from spicebridge.cli import commands, main, status
from spicebridge.errors import NetworkError, RunFailed, SimulatorDied, SimulatorMissing, SimulatorTooOld
from spicebridge.verify import Outcome, Verdict


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("agrees", 0),
        ("disagrees", 1),
        ("unresolved", 4),
        (NetworkError("wrong"), 2),
        (SimulatorMissing("none"), 3),
        (SimulatorTooOld("old"), 3),
        (SimulatorDied("dead", log="last words"), 3),
    ],
    ids=str,
)
def test_exit_status_of_one_case(case, says, capsys, word, expected):
    says(word)
    assert main(["validate", str(case), "--quiet"]) == expected
    out, err = capsys.readouterr()
    if isinstance(word, str):
        assert word.upper() in out
        assert err == ""
    else:
        assert out == ""
        assert err == f"spicebridge: {word}\n"


@pytest.mark.parametrize("statuses", list(product(range(5), repeat=3)))
def test_several_cases_give_the_first_that_applies(statuses):
    assert status.combined(statuses) == next(s for s in (2, 3, 1, 4, 0) if s in statuses)


def test_a_bad_case_does_not_stop_the_others(folder, says, capsys):
    says("agrees", "disagrees", SimulatorDied("dead"))
    place = folder(a=CASE, b="title = 3", c=CASE, d=CASE)
    assert main(["validate", str(place), "--json", "--quiet"]) == 2
    out, err = capsys.readouterr()
    rows = strict(out)
    assert [(row["case"], row["outcome"], row["exit_status"]) for row in rows] == [
        ("a", "agrees", 0),
        ("b", None, 2),
        ("c", "disagrees", 1),
        ("d", None, 3),
    ]
    assert "b.case.toml" in rows[1]["error"]["message"]
    assert len(err.splitlines()) == 2
    says("agrees", "disagrees", SimulatorDied("dead"))
    (place / "b.case.toml").unlink()
    assert main(["validate", str(place), "--quiet"]) == 3


def test_one_case_file_is_an_object_and_a_folder_an_array(folder, says, capsys):
    place = folder(a=CASE)
    for argument, kind in ((place / "a.case.toml", dict), (place, list)):
        says("agrees")
        assert main(["validate", str(argument), "--json", "--quiet"]) == 0
        assert isinstance(strict(capsys.readouterr().out), kind)


def test_an_expectation_is_shown_and_does_not_change_the_status(folder, says, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    control = CASE + '\n[validate]\nexpect = "disagrees"\n'
    says("disagrees", "agrees")
    assert main(["validate", str(folder(met=control, missed=control)), "--quiet"]) == 1
    table = capsys.readouterr().out
    assert "disagrees (as expected)" in table
    assert "agrees (expected: disagrees)" in table


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["validate"],
        ["validate", "x", "--step", "-1"],
        ["validate", "x", "--tolerance", "nan"],
        ["validate", "x", "--form", "slow"],
        ["simulate", "x"],
        ["netlist"],
    ],
    ids=" ".join,
)
def test_usage_errors_are_two(arguments, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage" in err


@pytest.mark.parametrize("command", ["validate", "simulate", "netlist"])
@pytest.mark.parametrize(
    "wrong", ["", "title = [", "stop = 1", ("r_on", "ron"), ("0.4", "nan"), ("[1, 0]", "[1]")], ids=str
)
def test_a_bad_case_is_two_with_one_clean_line(case, capsys, command, wrong):
    case.write_text(wrong if isinstance(wrong, str) else CASE.replace(*wrong))
    options = {"validate": ["--quiet"], "simulate": ["--quiet", "-o", str(case.parent / "x.csv")], "netlist": []}
    assert main([command, str(case), *options[command]]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"spicebridge: {case}")
    assert "Traceback" not in err
    assert [p.name for p in case.parent.iterdir()] == [case.name]


@pytest.mark.parametrize(
    "arguments", [["validate", "none"], ["validate", "none.case.toml", "other"], ["netlist", "none"]]
)
def test_missing_cases_are_two(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert "none" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_engine_is_two_before_any_run(case, says, capsys):
    says()
    assert main(["validate", str(case), "--engine", "ngspcie"]) == 2
    assert "did you mean 'ngspice'" in capsys.readouterr().err


def test_a_bug_is_not_a_verdict(case, says, capsys):
    says(ZeroDivisionError("oops"))
    assert main(["validate", str(case), "--quiet"]) == 70
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "bug in spicebridge" in err


def test_a_run_that_fails_numerically_is_unresolved():
    assert status.of_error(RunFailed("step too small")) == 4


@pytest.mark.parametrize("name", ["crash", "killed", "full_disk", "no_memory", "too_old", "garbage_version", "hang"])
def test_a_dead_simulator_is_three_and_leaves_nothing(case, simulator, capsys, tmp_path, name):
    simulator(name)
    limit = ["--timeout", "1"] if name == "hang" else []
    arguments = ["validate", str(case), "--engine", "ngspice", "--out", str(tmp_path / "out"), "--quiet"]
    assert main([*arguments, *limit]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("spicebridge: ")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["silent", "truncated", "lying_more", "honest", "nan", "exit_one"])
def test_a_simulator_without_the_answer_is_unresolved_with_a_page(case, simulator, capsys, tmp_path, name):
    simulator(name)
    arguments = ["validate", str(case), "--engine", "ngspice", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--json", "--quiet"]) == 4
    row = strict(capsys.readouterr().out)
    assert (row["outcome"], row["max_error"], row["uncertainty"]) == ("unresolved", None, None)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "UNRESOLVED" in page
    assert "Two in a loop" in page
    assert (tmp_path / "out" / "deck.cir").stat().st_size > 100


def test_a_missing_simulator_is_three(case, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(tmp_path / "none"))
    for command in (["validate", str(case)], ["simulate", str(case), "-o", str(tmp_path / "x.csv")]):
        assert main([*command, "--engine", "ngspice"]) == 3
        out, err = capsys.readouterr()
        assert out == ""
        assert "apt install ngspice" in err
    main(["engines", "--json", "--no-probe"])
    (engine,) = [e for e in strict(capsys.readouterr().out) if e["name"] == "ngspice"]
    assert engine["installed"] is False
    assert not (tmp_path / "x.csv").exists()
    assert main(["simulate", str(case), "--branch", "theory", "-o", str(tmp_path / "x.csv"), "--quiet"]) == 0


def test_progress_goes_to_stderr_and_can_be_silenced(case, says, capsys):
    for quiet in ([], ["--quiet"]):
        says("agrees")
        main(["validate", str(case), "--json", *quiet])
        out, err = capsys.readouterr()
        strict(out)
        assert ("two: reading" in err) is not bool(quiet)


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_clean_line(case, capsys, monkeypatch):
    """That another simulator stands in, say."""

    def validate(network, t, **options):
        warnings.warn(FallbackWarning("another one runs\x1b[31m"), stacklevel=2)
        return Verdict(outcome=Outcome.AGREES, reason="fine", tolerance=1e-5)

    monkeypatch.setattr(batch, "validate", validate)
    assert main(["validate", str(case), "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert strict(out)["outcome"] == "agrees"
    assert len(err.splitlines()) == 1
    assert err.startswith("spicebridge: ")
    assert "another one runs\ufffd[31m" in err


def test_text_of_strangers_cannot_steer_the_terminal(folder, says, capsys):
    evil = CASE.replace("Two in a loop", r"\u001b[31mred\u0007").replace("Nothing but", r"\u202e")
    place = folder(a=evil, b=evil)
    says("agrees", NetworkError("\x1b]0;title"), "agrees", "agrees")
    main(["validate", str(place)])
    main(["validate", str(place / "a.case.toml")])
    out, err = capsys.readouterr()
    assert "red" in out
    for sign in ("\x1b", "\x07", "\u202e"):
        assert sign not in out + err


@pytest.mark.parametrize("columns", [30, 50, 80, 100, 160])
def test_tables_fit_the_terminal(folder, says, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    place = folder(short=CASE, **{"with_a_very_long_name_" * 4: CASE, "wrong": "x"})
    says("agrees", "unresolved")
    main(["validate", str(place), "--quiet"])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    assert "3 cases" in out
    assert "short" in out


def test_help_is_light():
    """No scientific library is imported before a command needs it."""
    code = (
        "import sys; from spicebridge.cli import main; code = main(['--help']); "
        "heavy = {'numpy', 'scipy', 'networkx', 'matplotlib', 'rich', 'jinja2', 'lark'} & set(sys.modules); "
        "sys.exit(f'{code} {heavy}' if code or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for word in (*commands(), "exit status", "unresolved"):
        assert word in done.stdout


def test_asking_for_simulators_loads_no_network():
    """What needs most of the time of `spicebridge engines` is loading, as long as nothing changed."""
    code = (
        "import sys; from spicebridge.cli import main; main(['engines', '--no-probe', '--engine', 'xyce']); "
        "heavy = {'scipy', 'networkx', 'matplotlib', 'spicebridge.verify', 'spicebridge.laws', 'spicebridge.network'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "xyce  " in done.stdout


def test_a_closed_pipe_is_no_accident():
    with program("netlist", K4) as running:
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_disk_under_stdout_is_an_error():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "spicebridge", "netlist", K4], stdout=full, cwd=ROOT, text=True,
                              stderr=subprocess.PIPE)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "spicebridge: output: No space left on device\n"


def test_an_interruption_ends_running_simulators_at_once(case, simulator, tmp_path):
    """In the middle of a batch: 130, simulators dead within seconds, the finished cases indexed."""
    simulator("hang")
    with program("validate", case, "--engine", "ngspice", "--out", tmp_path / "out", start_new_session=True) as running:
        for line in running.stderr:
            if "circuit at steps" in line:
                break
        heartbeat = tmp_path / "heartbeat"
        deadline = time.monotonic() + 20.0
        while not heartbeat.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30.0) == 130
        assert time.monotonic() - began < 10.0
        assert running.stderr.read() == "spicebridge: interrupted\n"
    size = heartbeat.stat().st_size
    time.sleep(0.1)
    assert heartbeat.stat().st_size == size, "a simulator outlived the command"
    assert not (tmp_path / "out").exists()


def test_an_interruption_between_runs_is_130(case, says, capsys):
    says(KeyboardInterrupt())
    assert main(["validate", str(case), "--quiet"]) == 130
    assert capsys.readouterr().err == "spicebridge: interrupted\n"
