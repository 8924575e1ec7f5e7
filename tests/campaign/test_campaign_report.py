"""What people see of a sweep: page, Markdown, JSON, lists and exit statuses."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import pytest
from campaigns import SWEEP, write, written

from spicebridge.campaign.campaign_page import format_html, format_markdown
from spicebridge.campaign.campaign_pictures import draw
from spicebridge.campaign.campaign_summary import Sweep
from spicebridge.campaign.point_store import COLUMNS
from spicebridge.cli import campaign as command
from spicebridge.cli import main


def strict(text):
    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def sweep(finished):
    return Sweep.of(*finished)


def row(**cells):
    return dict.fromkeys(COLUMNS) | {"status": "done"} | cells


def failed(kind):
    return row(status="failed", failure=kind, reason="why")


@pytest.mark.parametrize(
    ("rows", "missing", "expected"),
    [
        ([row(outcome="agrees")], 0, 0),
        ([row(outcome="agrees"), row(outcome="unresolved")], 0, 4),
        ([row(outcome="agrees")], 1, 4),
        ([row(outcome="unresolved"), row(outcome="disagrees")], 3, 1),
        ([row(outcome="disagrees"), failed("simulator")], 0, 3),
        ([row(outcome="disagrees"), failed("worker")], 0, 3),
        ([row(outcome="agrees"), failed("unresolved")], 0, 4),
        ([failed("simulator"), failed("input")], 0, 2),
        ([failed("input"), failed("bug")], 0, 70),
        ([], 4, 4),
    ],
)
def test_exit_statuses(sweep, rows, missing, expected):
    assert command._status(replace(sweep, rows=tuple(rows), missing=missing)) == expected


def test_the_page_is_self_contained_and_escapes_strangers(finished, tmp_path):
    campaign, folder = finished
    bad = row(
        status="failed", failure="input", reason="<script>alert(1)</script>", log="\x1b[31m<b>", key="k",
        **{"drive.level": 0.1, "step": 0.1, "network.initial_state.seed": 1.0, "device.r_off": 1.0},
    )  # fmt: skip
    found = Sweep.of(campaign, folder)
    page = format_html(replace(found, rows=(*found.rows, bad)))
    assert "<script" not in page
    assert "\x1b" not in page
    assert "A &lt;sweep&gt; of | everything" in page
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert page.count("<svg ") == 2
    assert "&lt;script&gt;alert(1)" in page
    text = format_markdown(replace(found, rows=(*found.rows, bad)))
    assert "\\<script\\>" in text


def test_every_drawn_axis_has_a_picture(sweep):
    pictures = draw(sweep)
    assert [picture.title for picture in pictures] == [
        "Along device.r_off",
        "Along drive.level (together with step, network.initial_state.seed)",
    ]
    assert all(picture.svg.startswith("<svg") for picture in pictures)
    nothing = replace(sweep, rows=(), missing=6)
    assert len(draw(nothing)) == 2
    assert "6 not run yet" in format_html(nothing)


def test_the_worst_comes_first(sweep):
    ranks = [item["outcome"] for item in sweep.by_verdict]
    assert ranks == sorted(ranks, key=["disagrees", "unresolved", "agrees"].index)
    errors = [item["max_error"] for item in sweep.by_verdict if item["outcome"] == "agrees"]
    assert errors == sorted(errors, reverse=True)
    assert sum(sweep.counts.values()) == 6


def test_report_command(finished, tmp_path, capsys):
    campaign, folder = finished
    out = tmp_path / "out"
    shutil.copytree(folder, out)
    arguments = ["campaign", str(campaign.path), "--out", str(out), "--report"]
    assert main(arguments) == 4
    assert str(out / "report.html") in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 4
    record = strict(capsys.readouterr().out)
    assert strict((out / "results.json").read_text()) == record
    assert record["counts"] == {"failed": 0, "disagrees": 0, "unresolved": 3, "agrees": 3}
    assert record["results"][0]["point"]["device.r_off"] == 400.0
    assert (out / "report.md").read_text().startswith("# A \\<sweep\\> of \\| everything")


def test_nothing_to_report_is_said(tmp_path, capsys):
    path = write(tmp_path)
    assert main(["campaign", str(path), "--report"]) == 2
    assert "run the campaign first" in capsys.readouterr().err
    assert not (tmp_path / "x.campaign").exists()


def test_list(finished, tmp_path, capsys):
    campaign, folder = finished
    assert main(["campaign", str(campaign.path), "--out", str(folder), "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "6 points: 6 done, 0 failed, 0 to run"
    assert lines[0].split()[:2] == [campaign.points[0].key, "done"]
    assert "drive.level = 0.1" in lines[0]
    other = written(tmp_path)
    assert main(["campaign", str(other.path), "--out", str(folder), "--list", "--json"]) == 0
    record = strict(capsys.readouterr().out)
    assert [point["state"] for point in record["points"]] == ["to run"] * 4
    assert record["old"] == sorted(point.key for point in campaign.points)


def test_a_long_list_is_quick_and_runs_nothing(tmp_path, capsys):
    path = write(tmp_path, SWEEP.replace("[0.1, 0.2]", "{from = 0.1, to = 9, count = 2000}"))
    assert main(["campaign", str(path), "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4001
    assert not (tmp_path / "x.campaign").exists()


@pytest.mark.parametrize("wrong", [["--workers", "0"], ["--workers", "x"], ["--workers", "1", "--scheduler", "a"],
                                   ["--report", "--list"]], ids=" ".join)  # fmt: skip
def test_usage_errors_are_two(tmp_path, capsys, wrong):
    assert main(["campaign", str(write(tmp_path)), *wrong]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_bad_file_is_two_with_one_line(tmp_path, capsys):
    assert main(["campaign", str(write(tmp_path, SWEEP.replace("level", "lvel")))]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "x.campaign.toml:4: drive.lvel: unknown key (did you mean 'level'?)" in err


def test_progress_counts_points_and_time_left():
    from collections import Counter

    from spicebridge.campaign.execution import Tally
    from spicebridge.shown import duration

    said: list[str] = []
    show = command._telling(said.append)
    show(Tally(10, 4))
    show(Tally(10, 4, 4, Counter(agrees=3, failed=1)))
    assert said == ["4 of 10 points to run", "points · 4 of 4, 3 agrees, 1 failed, 100 %, 0 s, about 0 s left"]
    assert [duration(s) for s in (4.4, 64, 3725)] == ["4 s", "1 min 04 s", "1 h 02 min"]
