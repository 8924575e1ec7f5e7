"""What each command writes, prints and refuses, in real runs."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_lines import CASE, K4, ROOT, strict

import spicebridge as sb
from spicebridge import __version__
from spicebridge.batch import cases as batch
from spicebridge.case.case import load_case
from spicebridge.circuit.engines.engine import Meter
from spicebridge.cli import commands, main
from spicebridge.shown import Lines, detailed


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
