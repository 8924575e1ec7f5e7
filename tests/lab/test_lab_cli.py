"""The commands lab and compare: complete folders or none, exit statuses."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from spicebridge.circuit.dialects import dialect_names
from spicebridge.cli import main
from spicebridge.errors import OutputError
from spicebridge.lab.kit.kit import as_built, write_kit
from spicebridge.lab.measure.simulated_scope import Scope, measure
from tests.lab.networks import case, memristor


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "two.case.toml"
    place.write_text(case("two_loops").to_toml())
    return place


def test_a_kit_and_a_measurement_of_it(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kit = tmp_path / "kit"
    assert main(["lab", str(path), "--out", str(kit), "--quiet"]) == 0
    record = json.loads((kit / "kit.json").read_text())
    assert sorted(x.name for x in kit.iterdir()) == record["files"]
    assert {f"realistic_{name}" for name in dialect_names()} <= {Path(x).stem for x in record["files"]}
    built = as_built(case("two_loops"), kit)
    # The protocol's own command: currents come as the volts over their sense resistors.
    (mapping,) = re.findall(r'--channels "([^"]+)"', (kit / "protocol.md").read_text())
    names = [item.partition("=")[2] for item in mapping.split(",")]
    assert len(names) == 7
    shown = measure(built, names, Scope())
    scope = tmp_path / "scope.csv"
    with scope.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["t (s)", *(f"CH{n} (V)" for n in range(1, 8))])
        columns = [shown.t, *shown.values.values()]
        writer.writerows(["" if x != x else repr(float(x)) for x in row] for row in zip(*columns, strict=True))
    common = ["compare", str(path), "--kit", str(kit), "--measured", str(scope), "--quiet"]
    capsys.readouterr()
    assert main([*common, "--channels", mapping, "--out", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "agrees"
    assert sorted(x.name for x in (tmp_path / "out").iterdir()) == [
        "channels.svg", "report.html", "report.md", "validation.json",
    ]  # fmt: skip
    # In the units of the case the same data are wrong.
    assert main(["compare", str(path), "--measured", str(scope), "--channels", mapping]) == 1
    assert main([*common, "--channels", "CH9=p[a]"]) == 2
    assert main([*common, "--channels", "CH1=p[a],CH1=p[b]"]) == 2
    changed = case("two_loops").network.with_device(memristor(beta=0.31))
    other = replace(case("two_loops"), network=changed)
    path.write_text(other.to_toml())
    capsys.readouterr()
    assert main([*common, "--channels", mapping]) == 2
    assert "the kit is of another case" in capsys.readouterr().err


def test_an_impossible_kit_leaves_nothing(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kit = tmp_path / "kit"
    assert main(["lab", str(path), "--out", str(kit), "--amplitude", "500", "--quiet"]) == 2
    assert "too much" in capsys.readouterr().err
    assert not kit.exists()
    kit.mkdir()
    (kit / "mine.txt").write_text("keep")
    assert main(["lab", str(path), "--out", str(kit), "--quiet"]) == 2
    assert (kit / "mine.txt").read_text() == "keep"


def test_a_kit_is_complete_or_not_there(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Somebody presses Ctrl-C while the eighth file is written.
    write, count = Path.write_bytes, []

    def interrupted(self: Path, data: bytes) -> int:
        count.append(self.name)
        if len(count) == 8:
            raise KeyboardInterrupt
        return write(self, data)

    kit = tmp_path / "kit"
    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_kit(kit, case("two_loops"))
    assert [x.name for x in tmp_path.iterdir()] == [path.name]
    monkeypatch.undo()
    write_kit(kit, case("two_loops"))
    before = {x.name: x.read_bytes() for x in kit.iterdir()}
    # A disk that fills up leaves the earlier kit as it was; a good run replaces it byte by byte the same.
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match=r"No space left.*nothing was left"):
        write_kit(kit, case("two_loops"))
    monkeypatch.undo()
    assert {x.name: x.read_bytes() for x in kit.iterdir()} == before
    write_kit(kit, case("two_loops"))
    assert {x.name: x.read_bytes() for x in kit.iterdir()} == before
    assert {x.name for x in tmp_path.iterdir()} == {path.name, "kit"}


@pytest.mark.parametrize("place", ["two.case.toml", "two.case.toml/kit"])
def test_a_place_that_cannot_be_a_folder_is_refused_before_the_work(
    path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", str(path), "--out", str(path.parent / place), "--quiet"]) == 2
    assert "folder" in capsys.readouterr().err
    assert path.read_text() == case("two_loops").to_toml()
