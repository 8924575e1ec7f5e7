"""What the README shows is run: its Python, its case, its make targets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import spicebridge as sb
from spicebridge.cli import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The first fenced block of a language."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found, language
    return found.group(1)


def test_the_ten_lines_agree() -> None:
    names: dict[str, object] = {}
    exec(block("python"), names)
    verdict = names["verdict"]
    assert isinstance(verdict, sb.Verdict)
    assert verdict.outcome is sb.Outcome.AGREES
    theory, spice = names["theory"], names["spice"]
    assert isinstance(theory, sb.Waveforms)
    assert isinstance(spice, sb.Waveforms)
    assert abs(theory.state - spice.state).max() < 1e-5


def test_the_case_is_a_case() -> None:
    assert sb.Case.from_toml(block("toml")).network.n_edges == 6


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", block("sh"), re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_the_sweep_agrees_at_every_point(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    commands = re.findall(r"^spicebridge (campaign .*)", README[README.index("## Sweeps") :], re.MULTILINE)
    assert [command.split()[-1] for command in commands] == ["2", "--report"]
    for command in commands:
        assert main([*shlex.split(command), "--out", str(tmp_path / "out"), "--quiet"]) == 0
        assert capsys.readouterr().out.startswith("18 points: 18 agree\n")
    assert (tmp_path / "out" / "report.html").exists()
    shown = (ROOT / "docs" / "campaign.md").read_text(encoding="utf-8")
    assert (ROOT / "compare" / "ratio.campaign.toml").read_text(encoding="utf-8") in shown


def test_the_way_to_the_bench_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = block("console").splitlines()
    assert len(commands) == 2
    (tmp_path / "compare").symlink_to(ROOT / "compare")
    monkeypatch.chdir(tmp_path)
    for command in commands:
        assert main(command.removeprefix("spicebridge ").split()) == 0
    assert "AGREES" in (tmp_path / "validation" / "report.html").read_text(encoding="utf-8")
    guide = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
    assert all(command in guide for command in commands)
