"""``spicebridge analyse``: lines, JSON, page and exit status."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.cli import main, status


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A ring with chords under DC, whose nodes have hostile names."""
    device = sb.LinearMemristor.tunneling(0.1, 1.0, 1.0, 1.0, window=sb.Hard())
    names = ["a", "b", "c", "d", "<b>e"]
    edges = [(names[k], names[(k + d) % 5]) for d in (1, 2) for k in range(5)]
    network = sb.Network.from_edges(edges, device=device, drive=0.24, initial_state=np.linspace(0.1, 0.9, 10))
    path = tmp_path / "ring.case.toml"
    text = sb.Case(title="Ring <script>", what="It rests.", network=network, stop=5.0).to_toml()
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_json_and_page(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", str(case), "--quiet"]) == status.SUCCESS
    text = capsys.readouterr().out
    for words in ("independent loops", "effective memory       0.6", "s_crit 0.206106", "completeness is not proved"):
        assert words in text
    out = tmp_path / "page"
    assert main(["analyse", str(case), "--quiet", "--json", "--out", str(out)]) == status.SUCCESS
    facts = json.loads(capsys.readouterr().out)
    assert facts == json.loads((out / "analysis.json").read_text(encoding="utf-8"))
    assert facts["cycles"] == 6
    assert facts["potential"]["barrier"] == pytest.approx(0.021236, abs=5e-7)
    assert any(point["kind"] == "stable" for point in facts["fixed_points"])
    page = (out / "analysis.html").read_text(encoding="utf-8")
    assert page.count('class="plot') == 4
    assert "<script>" not in page
    assert "<b>e" not in page


def test_confirmed_numbers_decide_the_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, -1.0, 1.0)
    network = sb.Network.from_edges(
        [(0, 1), (1, 2), (2, 0)], device=device, drive=[-0.3, -0.4, -0.5], initial_state=0.3
    )
    path = tmp_path / "loop.case.toml"
    path.write_text(sb.Case(title="loop", what="It rests.", network=network, stop=1.0).to_toml(), encoding="utf-8")
    assert main(["analyse", str(path), "--confirm", "--json", "--quiet"]) == status.AGREES
    facts = json.loads(capsys.readouterr().out)
    assert [row["outcome"] for row in facts["confirmed"]] == ["agrees"] * 4
    assert [point["confirmed"] for point in facts["fixed_points"]] == [True]


def test_bad_input_is_a_located_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", str(tmp_path / "missing.case.toml")]) == status.BAD_INPUT
    assert "missing.case.toml" in capsys.readouterr().err
