"""Folders of results: complete or not at all, and nobody else's files are touched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spicebridge.batch.cases import CaseJob, Entry, plan
from spicebridge.batch.results import Results
from spicebridge.errors import CaseError, OutputError
from spicebridge.report import writer
from spicebridge.report.writer import check_collection, check_folder, write_report
from spicebridge.waveforms import Waveforms


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    """Drawing is tested elsewhere and takes most of the time here."""
    monkeypatch.setattr(writer, "draw", lambda report: ())


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_report_lists_what_it_wrote_and_keeps_the_samples(make_report, tmp_path):
    report = make_report(deck="* deck é\n", log="log\x1b\n")
    names = write_report(tmp_path / "deep" / "out", report)
    out = tmp_path / "deep" / "out"
    content = json.loads((out / "verdict.json").read_text())
    assert sorted(names) == sorted(content["files"]) == sorted(p.name for p in out.iterdir())
    expected = {"verdict.json", "report.html", "report.md", "report.txt", "deck.cir", "log.txt", "waveforms.npz"}
    assert expected <= set(names)
    assert (out / "deck.cir").read_text(encoding="utf-8") == "* deck é\n"
    saved = Waveforms.load(out / "waveforms.npz")
    np.testing.assert_array_equal(saved.state, report.verdict.spice.state)
    with np.load(out / "waveforms.npz") as data:
        np.testing.assert_array_equal(data["theory_state"], report.verdict.theory.state)
    np.testing.assert_array_equal(Waveforms.load(out / "waveforms.csv").current, report.verdict.spice.current)


def test_long_waveforms_are_not_written_as_text(make_report, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "CSV_NUMBERS", 100)
    assert "waveforms.csv" not in write_report(tmp_path / "out", make_report())


def test_a_verdict_without_waveforms_is_written_too(make_report, tmp_path):
    names = write_report(tmp_path / "out", make_report("unresolved", waves=False))
    assert {"verdict.json", "report.html", "deck.cir", "log.txt"} <= set(names)
    assert "waveforms.npz" not in names


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("bug"), KeyboardInterrupt()])
def test_a_failure_leaves_the_disk_as_it_was(make_report, tmp_path, monkeypatch, before, error):
    if before:
        write_report(tmp_path / "out", make_report(title="old"))
    found = tree(tmp_path)

    def fail(*arguments):
        raise error

    monkeypatch.setattr(writer, "_write_waveforms", fail)
    kind = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(kind):
        write_report(tmp_path / "out", make_report(title="new"))
    assert tree(tmp_path) == found
    assert [p.name for p in tmp_path.iterdir()] == (["out"] if before else [])


def test_an_earlier_report_is_replaced_as_a_whole(make_report, tmp_path):
    write_report(tmp_path / "out", make_report(title="old"))
    write_report(tmp_path / "out", make_report("unresolved", title="new", waves=False))
    assert not (tmp_path / "out" / "waveforms.npz").exists()
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["title"] == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_swap_that_fails_brings_the_old_report_back(make_report, tmp_path, monkeypatch):
    write_report(tmp_path / "out", make_report(title="old"))
    found, rename = tree(tmp_path), Path.rename

    def fail(self, target):
        if ".new." in self.name:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OutputError, match="cannot write"):
        write_report(tmp_path / "out", make_report(title="new"))
    assert tree(tmp_path) == found


def stranger_beside(folder):
    (folder / "notes.txt").write_text("mine")


def stranger_instead(folder):
    for path in folder.iterdir():
        path.unlink()
    (folder / "verdict.json").write_text('{"format": "another", "files": ["verdict.json"]}')


def stranger_folder(folder):
    (folder / "log.txt").unlink()
    (folder / "log.txt").mkdir()


def stranger_link(folder):
    (folder / "log.txt").unlink()
    (folder / "log.txt").symlink_to("/etc/hostname")


@pytest.mark.parametrize("spoil", [stranger_beside, stranger_instead, stranger_folder, stranger_link])
def test_a_folder_with_anything_else_is_refused(make_report, tmp_path, spoil):
    out = tmp_path / "out"
    write_report(out, make_report())
    check_folder(out)
    spoil(out)
    names = sorted(p.name for p in out.iterdir())
    with pytest.raises(OutputError, match="which is no earlier result"):
        check_folder(out)
    with pytest.raises(OutputError):
        write_report(out, make_report())
    assert sorted(p.name for p in out.iterdir()) == names
    (tmp_path / "many").mkdir()
    out.rename(tmp_path / "many" / "case")
    with pytest.raises(OutputError, match="'case'"):
        check_collection(tmp_path / "many")


@pytest.mark.parametrize("check", [check_folder, check_collection])
def test_places_that_cannot_be_are_refused_by_name(tmp_path, monkeypatch, check):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file: is a file"):
        check(tmp_path / "file")
    with pytest.raises(OutputError, match="file: is a file"):
        check(tmp_path / "file" / "out")
    with pytest.raises(OutputError, match="name another folder"):
        check(tmp_path / ("x" * 300))

    def denied(self, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(OutputError, match=r"out: cannot be written: Permission denied"):
        check(tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_checks_leave_nothing_behind(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new", "deep/er/new"):
        check_folder(tmp_path / name)
        check_collection(tmp_path / name)
    assert [p.name for p in tmp_path.rglob("*")] == ["empty"]


def test_the_working_folder_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    for place in (".", ".."):
        with pytest.raises(OutputError):
            check_folder(place)


def entry(name, report=None, error=None):
    return Entry(CaseJob(name, Path(f"{name}.case.toml")), name, report, error)


def test_a_collection_has_a_folder_each_and_an_index(make_report, tmp_path):
    out = tmp_path / "all"
    for _ in range(2):
        with Results(out, single=False) as results:
            results.keep(entry("a", make_report()))
            results.keep(entry("b", error=CaseError("b: wrong")))
        assert sorted(p.name for p in out.iterdir()) == ["a", "index.html", "index.json"]
        assert results.page == out / "index.html"
    rows = json.loads((out / "index.json").read_text())["cases"]
    assert [(row["case"], row["outcome"], row["report"]) for row in rows] == [
        ("a", "agrees", "a/report.html"),
        ("b", None, None),
    ]
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        Results(out, single=False)


def test_an_interrupted_collection_has_an_index_of_what_was_finished(make_report, tmp_path):
    def interrupted():
        with Results(tmp_path / "all", single=False) as results:
            results.keep(entry("a", make_report()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(json.loads((tmp_path / "all" / "index.json").read_text())["cases"]) == 1


def test_a_report_that_cannot_be_written_becomes_an_error(make_report, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    with Results(tmp_path / "all", single=False) as results:
        monkeypatch.setattr(writer, "_write_waveforms", fail)
        kept = results.keep(entry("a", make_report()))
    assert isinstance(kept.error, OutputError)
    assert results.rows[0]["outcome"] is None
    assert results.page is None


def test_nothing_is_written_without_a_folder_or_without_a_report(make_report, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (None, "out"):
        with Results(place, single=False) as results:
            results.keep(entry("b", error=CaseError("b: wrong")))
        assert results.page is None
    assert list(tmp_path.iterdir()) == []


def test_names_are_unique_and_stay_in_the_folder(tmp_path):
    names = ["k4", "...", "", "index.html", "K4", "..x", "x"]
    for number, name in enumerate(names):
        (tmp_path / f"d{number}").mkdir()
        (tmp_path / f"d{number}" / f"{name}.case.toml").touch()
    jobs = plan([tmp_path / f"d{number}" for number in range(len(names))])
    assert [job.name for job in jobs] == ["k4", "case", "case-2", "index.html-2", "K4-2", "x", "x-2"]


def test_a_case_runs_once_however_often_it_is_named(tmp_path):
    (tmp_path / "a.case.toml").touch()
    jobs = plan([tmp_path, tmp_path / "a.case.toml", str(tmp_path / "." / "a.case.toml"), tmp_path / "none"])
    assert [job.problem is None for job in jobs] == [True, False]
