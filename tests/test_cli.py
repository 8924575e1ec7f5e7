"""The command line: exit statuses, clean messages, machine-readable output, real runs and lying simulators."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge import __version__
from spicebridge.batch import cases as batch
from spicebridge.case.case import load_case
from spicebridge.circuit.engines import FallbackWarning
from spicebridge.circuit.engines.engine import Meter
from spicebridge.circuit.engines.ngspice import EXECUTABLE_VARIABLE
from spicebridge.cli import commands, main, status
from spicebridge.errors import NetworkError, RunFailed, SimulatorDied, SimulatorMissing, SimulatorTooOld
from spicebridge.shown import Lines, detailed
from spicebridge.verify import Outcome, Verdict

ROOT = Path(__file__).resolve().parent.parent
FAKES = ROOT / "tests" / "fake_bin"
K4 = ROOT / "compare" / "k4.case.toml"

CASE = """\
title = "Two in a loop"
learn = "Nothing but speed."
stop = 1

[network]
edges = [[0, 1], [1, 0]]
initial_state = 0.4

[device]
law = "caravelli2017"
r_on = 100
r_off = 1000
alpha = 0.1
beta = 1

[drive]
kind = "dc"
level = 0.1
"""


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


def strict(text):
    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    return json.loads(text, parse_constant=refuse)


def program(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "spicebridge", *map(str, arguments)], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


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


def test_validate_writes_what_it_says(tmp_path, capsys):
    """The whole way on K4: the samples on disk give the error that the verdict states."""
    out = tmp_path / "out"
    assert main(["validate", str(K4), "--out", str(out), "--json"]) == 0
    row = strict(capsys.readouterr().out)
    kept = strict((out / "verdict.json").read_text())
    assert (row["outcome"], kept["outcome"], row["report"]) == ("agrees", "agrees", "report.html")
    assert kept["max_error"] == row["max_error"]
    assert 1.9 <= row["observed_order"] <= 2.1
    assert {"report.html", "deck.cir", "log.txt", "states.svg", "ladder.svg", "network.svg", "loops.svg"} <= {
        path.name for path in out.iterdir()
    }
    waves = sb.Waveforms.load(out / "waveforms.npz")
    with np.load(out / "waveforms.npz") as data:
        assert np.abs(waves.state - data["theory_state"]).max() == pytest.approx(row["signals"]["state"]["max_error"])
    assert (out / "deck.cir").read_text().rstrip().endswith(".end")
    assert main(["validate", str(K4), "--out", str(out), "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "AGREES" in text
    assert str(out / "report.html") in text


def test_overrides_reach_the_run(case, capsys):
    arguments = ["--form", "readable", "--step", "20m", "--tolerance", "1e-3", "--json", "--quiet"]
    assert main(["validate", str(case), *arguments]) == 0
    row = strict(capsys.readouterr().out)
    assert row["provenance"]["form"] == "readable"
    assert row["tolerance"] == 1e-3
    assert row["ladder"]["steps"] == [0.02, 0.01, 0.005]


def test_a_mutant_disagrees_on_the_command_line(case, capsys, monkeypatch):
    from spicebridge.verify import validate

    def mutated(network, t, **options):
        return validate(network, t, circuit=network.with_polarity([1, -1]), **options)

    monkeypatch.setattr(batch, "validate", mutated)
    assert main(["validate", str(case), "--quiet"]) == 1
    assert "DISAGREES" in capsys.readouterr().out


def test_a_folder_gets_a_folder_for_every_case(folder, says, tmp_path, capsys):
    says("agrees", "unresolved")
    out = tmp_path / "out"
    assert main(["validate", str(folder(a=CASE, b=CASE)), "--out", str(out), "--quiet"]) == 4
    assert sorted(p.name for p in out.iterdir()) == ["a", "b", "index.html", "index.json"]
    assert "a/report.html" in (out / "index.html").read_text()
    assert [row["exit_status"] for row in strict((out / "index.json").read_text())["cases"]] == [0, 4]
    assert str(out / "index.html") in capsys.readouterr().out


def test_an_output_folder_with_foreign_files_is_refused_before_any_run(case, says, tmp_path, capsys):
    says()
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["validate", str(case), "--out", str(tmp_path)]) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("branch", ["spice", "theory"])
@pytest.mark.parametrize("suffix", ["csv", "npz", "nc"])
def test_simulate_saves_a_branch(case, tmp_path, branch, suffix):
    file = tmp_path / f"x.{suffix}"
    assert main(["simulate", str(case), "--branch", branch, "-o", str(file), "--quiet", "--step", "10m"]) == 0
    made = load_case(case)
    run = sb.simulate(made.network, made.t, step=0.01) if branch == "spice" else sb.integrate(made.network, made.t)
    if suffix == "nc":
        import xarray

        with xarray.open_dataset(file, engine="scipy") as data:
            np.testing.assert_array_equal(data["state"].values, run.state)
    else:
        np.testing.assert_array_equal(sb.Waveforms.load(file).state, run.state)


@pytest.mark.parametrize(
    ("command", "place"),
    [(c, p) for c in ("simulate", "netlist") for p in ("none/x.csv", "folder.csv")]
    + [("simulate", "x.txt"), ("simulate", "x")],
)
def test_a_file_that_cannot_be_is_refused_before_any_work(case, tmp_path, capsys, monkeypatch, command, place):
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr(sb.case, "load_case", None)
    before = sorted(tmp_path.rglob("*"))
    assert main([command, str(case), "-o", str(tmp_path / place)]) == 2
    assert place in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("form", ["fast", "readable"])
def test_netlist_is_the_deck_of_the_library(case, tmp_path, capsys, form):
    made = load_case(case)
    expected = sb.netlist(made.network, made.t, dialect="ngspice", form=form, step=0.01)
    arguments = ["netlist", str(case), "--dialect", "ngspice", "--form", form, "--step", "10m"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == expected
    assert main([*arguments, "-o", str(tmp_path / "x.cir")]) == 0
    assert (tmp_path / "x.cir").read_text() == expected
    assert capsys.readouterr().out == ""


def test_an_unknown_dialect_is_two_and_leaves_no_file(case, tmp_path, capsys):
    assert main(["netlist", str(case), "--dialect", "ngspcie", "-o", str(tmp_path / "x.cir")]) == 2
    assert "ngspice" in capsys.readouterr().err
    assert not (tmp_path / "x.cir").exists()


def test_engines_tells_what_was_measured(capsys):
    assert shutil.which("ngspice"), "these tests need ngspice"
    assert main(["engines", "--json"]) == 0
    (engine,) = [e for e in strict(capsys.readouterr().out) if e["name"] == "ngspice"]
    assert engine["installed"] is True
    assert engine["capabilities"]["pwr_of_negative"] == "signed"
    assert main(["engines", "--no-probe"]) == 0
    assert f"version {engine['version']}" in capsys.readouterr().out


def test_first_files_and_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `init` and `examples` write is judged as it stands, and never over what is there."""
    assert main(["init", "--ode", "--out", str(tmp_path)]) == 0
    before = (tmp_path / "first.case.toml").read_bytes()
    assert main(["validate", str(tmp_path / "first.case.toml")]) == 0
    assert main(["init", "--out", str(tmp_path)]) == 2
    assert (tmp_path / "first.case.toml").read_bytes() == before
    assert main(["examples", "k4", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "k4.case.toml").read_bytes() == (ROOT / "compare" / "k4.case.toml").read_bytes()
    assert main(["examples", "k4", "--out", str(tmp_path)]) == 2
    assert main(["examples", "ratio", "--out", str(tmp_path)]) == 0
    assert f"spicebridge campaign {tmp_path / 'ratio.campaign.toml'}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["valdate", "x"], "no command 'valdate' (did you mean 'validate'?)"),
        (["val", "x"], "no command 'val'"),
        (["validate", "x", "--tol", "1"], "no option '--tol'"),
        (["validate", "x", "--tolerence=1"], "no option '--tolerence' (did you mean '--tolerance'?)"),
        (["netlist", "x", "--dialct", "ngspice"], "no option '--dialct' (did you mean '--dialect'?)"),
        (["simulate", "x", "-o", "y.csv", "--branch", "therory"], "(did you mean 'theory'?)"),
        (["netlist", "x", "y"], "more arguments than the command takes: y"),
        (["validate", ""], "variable unset"),
        (["validate", "compare/k4"], "(did you mean 'compare/k4.case.toml'?)"),
        (["analyse", "compare/k4"], "(did you mean 'compare/k4.case.toml'?)"),
        (["read", "compare/k4.case.toml"], "is a case, which read does not take; try 'spicebridge validate compare/k4"),
        (
            ["fit", "netlists/k4/ngspice.cir"],
            "is a netlist, which fit does not take; try 'spicebridge read netlists/k4",
        ),
        (["validate", "compare/ratio.campaign.toml"], "try 'spicebridge campaign compare/ratio.campaign.toml'"),
        (["analyse", "compare/k4.case.toml", "--out", __file__], "is a file; name a folder"),
        (["validate", "compare/k4.case.toml", "--engine", "ngspice=/bin/false"], "says nothing to"),
        (["examples", "k4", "--out", __file__], "is a file; name a folder"),
        (["examples", "k5"], "did you mean 'k4'"),
        (["check-model", "vtem"], "did you mean 'vteam'"),
    ],
)
def test_a_mistyped_line_is_answered(
    arguments: list[str], answer: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not known is named with its nearest, and nothing is taken for an abbreviation."""
    monkeypatch.chdir(ROOT)
    assert main(arguments) == (3 if "says nothing" in answer else 2)
    err = capsys.readouterr().err
    assert answer in err
    if "usage" in err:
        assert f"usage: spicebridge {arguments[0] if arguments[0] in commands() else '[-h]'}" in err


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help(command, capsys):
    """An example in each; the exit status of a verdict where there is one; -o wherever there is --out."""
    module = commands()[command]
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"example:\n  spicebridge {module.EXAMPLE}" in out
    assert ("exit status:" in out) == getattr(module, "JUDGES", False)
    assert out.count("--out") == 0 or "-o " in out


def test_a_package_of_the_same_name_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"spicebridge {__version__}\n", "")
    other = type("Other", (), {"version": "1.3.0"})()
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: other)
    assert main(["--version"]) == 0
    assert "pip uninstall spicebridge" in capsys.readouterr().err


def test_how_far_a_run_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that grows gives the fraction, also after it is gone; lines that stay are written now and then."""
    raw = tmp_path / "out.raw"
    meter = Meter(100.0, raw, row=80)
    assert meter.written == 0.0
    raw.write_bytes(bytes(80 * 25))
    assert meter.written == 25.0
    raw.unlink()
    assert meter.written == 25.0
    words = detailed("circuit", 30.0, meter.written / meter.points)
    assert words == "circuit · 25 %, 30 s, about 1 min 30 s left"
    assert detailed("circuit", 61.0, 0.0) == "circuit · 1 min 01 s"
    clock = iter([0.0, 1.0, 9.0, 12.0, 12.5])
    monkeypatch.setattr("spicebridge.shown.time.monotonic", lambda: next(clock))
    stream = io.StringIO()
    say = Lines(stream)
    for k in range(4):
        say(f"circuit · {k} %")
    say("comparing")
    assert stream.getvalue() == "circuit · 0 %\ncircuit · 3 %\ncomparing\n"
