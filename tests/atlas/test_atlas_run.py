"""The quick atlas from end to end: every claim as expected, every mutant caught, resumable, one page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from spicebridge import atlas
from spicebridge.atlas import atlas_page, claim_runner, record_store
from spicebridge.cli import main
from spicebridge.errors import OutputError, RunFailed


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    folder = tmp_path_factory.mktemp("atlas")
    return main(["atlas", "--quick", "--quiet", "--out", str(folder)]), folder


def records(folder: Path) -> dict[str, dict[str, Any]]:
    found = (json.loads(path.read_text(encoding="utf-8")) for path in (folder / "claims").glob("*.json"))
    return {record["identifier"]: record for record in found}


def test_every_claim_turns_out_as_expected(quick: tuple[int, Path]) -> None:
    code, folder = quick
    wrong = {name: record["verdict"] for name, record in records(folder).items() if not record["as_expected"]}
    assert wrong == {}
    assert code == 0
    assert set(records(folder)) == set(atlas.identifiers())


def test_every_mutant_turns_its_verdict_and_every_refutation_can_fail(quick: tuple[int, Path]) -> None:
    missed = [name for name, record in records(quick[1]).items() if not record["mutant_caught"]]
    assert missed == []


def test_bars_are_made_of_uncertainties(quick: tuple[int, Path]) -> None:
    for name, record in records(quick[1]).items():
        assert record["findings"], name
        for finding in record["findings"]:
            assert finding["passed"], (name, finding)
            assert finding["resolved"], (name, finding)
            if finding["direction"] == "at most" and finding["target"] == 0.0 and finding["resolution"] is not None:
                assert finding["bar"] == finding["uncertainty"], (name, finding)


def test_reference_values_hold(quick: tuple[int, Path]) -> None:
    found = records(quick[1])

    def value(name: str, what: str) -> float:
        return next(float(f["measured"]) for f in found[name]["findings"] if what in f["what"])

    assert value("p2.s_crit", "algebra") == pytest.approx(0.2061060431, abs=1e-9)
    assert value("p1.oscillation", "period") == pytest.approx(7.3827, abs=2e-4)
    assert value("p1.oscillation", "ratio") == pytest.approx(0.510, abs=1e-3)
    assert value("p1.eq27", "times xi") == pytest.approx(1.92, abs=0.01)
    assert value("p2.eq7", "s = 0.24") == pytest.approx(0.021236, abs=1e-6)


def test_a_finished_atlas_is_not_measured_again(quick: tuple[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: Any) -> Any:
        raise AssertionError("measured again")

    monkeypatch.setattr(claim_runner, "measure", never)
    again, new = claim_runner.measure_all(quick[1], quick=True)
    assert new == 0
    assert [record["identifier"] for record in again] == list(atlas.identifiers())


def test_an_interrupted_atlas_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = claim_runner.measure
    names = ["p1.eq8", "p1.eq1", "p1.eq22"]
    calls: list[str] = []

    def interrupted(identifier: str, *rest: Any) -> Any:
        calls.append(identifier)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(identifier, *rest)

    monkeypatch.setattr(claim_runner, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        claim_runner.measure_all(tmp_path, only=names, quick=True, jobs=1)
    assert len(records(tmp_path)) == 2
    done, new = claim_runner.measure_all(tmp_path, only=[*names, *names], quick=True, jobs=1)
    assert new == 1
    assert [record["identifier"] for record in done] == ["p1.eq1", "p1.eq8", "p1.eq22"]


def test_other_code_seed_or_size_is_measured_again(tmp_path: Path) -> None:
    key = record_store.key_of("ngspice 39", quick=True, seed=0)
    place = record_store.prepare(tmp_path)
    record_store.save(place, record_store.failure(atlas.get("p1.eq1"), key, "x", 0.0))
    assert record_store.load(place, "p1.eq1", key) is not None
    for other in (
        record_store.key_of("ngspice 40", quick=True, seed=0),
        record_store.key_of("ngspice 39", quick=False, seed=0),
        record_store.key_of("ngspice 39", quick=True, seed=1),
    ):
        assert record_store.load(place, "p1.eq1", other) is None
    (place / "p1.eq1.json").write_text("{", encoding="utf-8")
    assert record_store.load(place, "p1.eq1", key) is None


def test_a_run_that_fails_is_unresolved_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: Any, **more: Any) -> Any:
        raise RunFailed("ngspice: step too small <b>")

    monkeypatch.setattr(atlas, "run", failing)
    found, _ = claim_runner.measure_all(tmp_path, only=["p1.eq1"], quick=True, jobs=1)
    assert found[0]["verdict"] == "unresolved"
    assert records(tmp_path) == {}
    run = atlas_page.Run(quick=True, seed=0, jobs=1, wall_time=1.0, measured=1, simulator="ngspice 39")
    page = atlas_page.format_page(found, run)
    assert "step too small &lt;b&gt;" in page
    assert "1 NOT as expected" in atlas_page.format_twin(found, run)


def test_the_page_is_self_contained_and_small(quick: tuple[int, Path]) -> None:
    page = (quick[1] / "atlas.html").read_text(encoding="utf-8")
    assert len(page) < 15_000_000
    assert not re.search(r"""(src|href)=["'](?!data:image/png|#)""", page)
    assert page.count("<script") == 1
    assert page.count('<details class="claim"') == len(atlas.identifiers())
    assert page.count("<svg ") >= 15
    assert "'sha256-" in page


def test_the_twin_has_a_row_for_every_claim(quick: tuple[int, Path]) -> None:
    twin = (quick[1] / "RESULTS.md").read_text(encoding="utf-8")
    for name in atlas.identifiers():
        assert f"\n| {name} | " in twin
    rows = [line for line in twin.splitlines() if re.match(r"\| (p1|p2|new)\.", line)]
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 9, row


def test_the_committed_twin_is_whole() -> None:
    """compare/RESULTS.md is what `make atlas` wrote: every claim, none unexpected."""
    twin = (Path(__file__).resolve().parents[2] / "compare" / "RESULTS.md").read_text(encoding="utf-8")
    for name in atlas.identifiers():
        assert f"\n| {name} | " in twin
    assert "all as expected; every mutant turns its verdict" in twin
    assert "--quick" not in twin


def test_command_takes_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = str(Path(__file__).resolve().parents[2] / "compare" / "k4.case.toml")
    assert main(["atlas", case, "--list"]) == 0
    listed = capsys.readouterr().out
    assert "p1.eq4 " in listed
    assert "p2.fig3" not in listed
    assert main(["atlas", case, "--only", "p1.eq4", "--quiet", "--out", str(tmp_path)]) == 0
    assert "1 confirmed, all as expected; mutants were not tried" in capsys.readouterr().out
    assert main(["atlas", case, "--only", "p2.fig3", "--quiet", "--out", str(tmp_path)]) == 4
    assert "circuits of its own" in (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert main(["atlas", case.replace("k4", "rc_frozen"), "--quiet", "--out", str(tmp_path)]) == 2
    assert "no claim of the atlas suits this network: p1.eq4, say, because" in capsys.readouterr().err


def test_command_names_claims_and_refuses_unknown_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlas", "--list"]) == 0
    assert "p1.eq4 " in capsys.readouterr().out
    assert main(["atlas", "--only", "p1.eq444", "--out", str(tmp_path)]) == 2
    assert "did you mean" in capsys.readouterr().err
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    assert main(["atlas", "--only", "p1.eq1", "--quick", "--out", str(blocked)]) == 2
    with pytest.raises(OutputError):
        record_store.prepare(blocked)
