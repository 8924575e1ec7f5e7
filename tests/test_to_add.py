"""What has to be touched to add one of each kind: docs/architecture.md says so, and a toy of each is added that way.

Every toy goes through the places that its row names and nothing else, and is then used like one that was always there.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

import spicebridge as sb
from spicebridge import atlas, cli, windows
from spicebridge.arrays import Array
from spicebridge.atlas import claim as claims
from spicebridge.atlas.bars import at_most
from spicebridge.atlas.claim import FAMILY, Claim
from spicebridge.atlas.evidence import ClaimEvidence
from spicebridge.atlas.runs import Bench
from spicebridge.batch import cases as batch
from spicebridge.case import schema
from spicebridge.case.case import Case, find_cases
from spicebridge.circuit import engines
from spicebridge.circuit.deck.elements import PwlWave, Wave
from spicebridge.circuit.dialects import known, ngspice
from spicebridge.circuit.dialects.spice import SpiceWriter
from spicebridge.circuit.engines import catalogue
from spicebridge.circuit.engines.ngspice import NgspiceProcess
from spicebridge.circuit.lower import bounds, drive_waves
from spicebridge.drives import PWL
from spicebridge.expressions.tree import Expression, NodeVoltage
from spicebridge.laws import registry as laws

ROOT = Path(__file__).resolve().parents[1]
T = np.linspace(0.0, 1.0, 21)
CASE = """title = "toy"
stop = 1
[network]
edges = [["a", "b"], ["b", "a"]]
initial_state = 0.4
[device]
law = "caravelli2017"
r_on = 100
r_off = 1600
alpha = 0.1
beta = 1
{device}
[drive]
{drive}
[validate]
tolerance = 1e-4
engine = "ngspice"
"""
SINE = 'kind = "sine"\namplitude = 1\nfrequency = 1'


def judged(device: str = "", drive: str = SINE) -> Case:
    """A case that was read, judged AGREES, written and read again."""
    case = Case.from_toml(CASE.format(device=device, drive=drive))
    assert Case.from_toml(case.to_toml()).network.devices() == case.network.devices()
    verdict = sb.validate(case.network, case.t, tolerance=case.tolerance)
    assert verdict.outcome.value == "agrees", verdict.reason
    return case


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """A file beside those of a room: a module that can be imported by its name."""
    made: list[str] = []

    class Maker(ModuleType):
        def at(self, name: str, **content: object) -> ModuleType:
            found = ModuleType(name)
            found.__dict__.update(content)
            sys.modules[name] = found
            made.append(name)
            return found

    yield Maker("maker")
    for name in made:
        del sys.modules[name]


def test_a_law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in laws.models_folder().glob("*.toml"):
        shutil.copy(path, tmp_path)
    (tmp_path / "toy.toml").write_text(
        'title = "A toy"\nsource = "this test"\nresistance = "r_on + (r_off - r_on)*s^2"\nrate = "c*v - s/tau"\n'
        'window = "hard"\n[parameters]\nr_on = "typical 100 ohm, > 0"\nr_off = "typical 900 ohm, > 0"\n'
        'c = "1 1/(V s)"\ntau = "1 s, > 0"\n'
    )
    monkeypatch.setattr(laws, "models_folder", lambda: tmp_path)
    known = laws.Laws()
    assert "toy" in known
    device = known["toy"].build(r_on=100.0, r_off=900.0)
    network = sb.Network.from_edges([("a", "b"), ("b", "a")], device=device, drive={0: 0.5}, initial_state=0.3)
    verdict = sb.validate(network, T, tolerance=1e-4)
    assert verdict.outcome.value == "agrees", verdict.reason
    again = sb.read_netlist(sb.netlist(network, T))
    assert sb.validate(again, T, theory=sb.integrate(network, T), tolerance=1e-4).agrees
    laws.packaged.cache_clear()


@dataclass(frozen=True)
class Square:
    """F = decay + drift 16 s^2 (1 - s)^2."""

    name: ClassVar[str] = "square"
    hard: ClassVar[bool] = False
    bounded: ClassVar[bool] = False

    def rate(self, s: Array, decay: Array, drift: Array) -> Array:
        return decay + 16.0 * (s * (1.0 - s)) ** 2 * drift

    def partials(self, s: Array, decay: Array, drift: Array) -> tuple[Array, Array, Array]:
        inside = s * (1.0 - s)
        return 32.0 * inside * (1.0 - 2.0 * s) * drift, np.ones_like(decay), 16.0 * inside**2


def test_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    def circuit(window: Square, state: str, decay: Expression | None, drift: Expression) -> Expression:
        inside = NodeVoltage(state) * (1.0 - NodeVoltage(state))
        return drift * (16.0 * (inside * inside))

    monkeypatch.setitem(windows.WINDOWS, "square", Square)
    bounds.windowed_rate.register(Square, circuit)
    case = judged('window = "square"')
    assert case.network.device(0).window == Square()


@dataclass(frozen=True)
class Stairs:
    """`height` V more at every `period` in s, over ramps of a tenth of it."""

    height: float
    period: float
    units: ClassVar[dict[str, str]] = {"height": "V or A", "period": "s"}
    STEPS: ClassVar[int] = 20

    def lines(self) -> PWL:
        corners = [
            (self.period * (n + part), self.height * (n - (part < 1.0)))
            for n in range(self.STEPS)
            for part in (0.9, 1.0)
        ]
        return PWL(tuple(t for t, _ in corners), tuple(v + self.height for _, v in corners))

    def value(self, t: Array) -> Array:
        return self.lines().value(t)

    def integral(self, t: Array) -> Array:
        return self.lines().integral(t)

    def breakpoints(self, stop: float) -> tuple[float, ...]:
        return self.lines().breakpoints(stop)

    def timescale(self) -> float:
        return self.lines().timescale()

    def scaled(self, factor: float) -> Stairs:
        return replace(self, height=self.height * factor)


def test_a_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    def circuit(drive: Stairs) -> tuple[Wave, ...]:
        lines = drive.lines()
        return (PwlWave(((0.0, lines.values[0]), *zip(lines.times, lines.values, strict=True))),)

    monkeypatch.setitem(schema.KIND_DRIVES, "stairs", Stairs)
    drive_waves.waves_of_term.register(Stairs, circuit)
    case = judged(drive='kind = "stairs"\nheight = 0.2\nperiod = 0.25')
    assert Case.from_toml(case.to_toml()).network.drives == case.network.drives


def test_a_dialect(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    style = replace(ngspice.DIALECT.style, name="toy", title="Toy", comment=" $ {0}")
    module.at("spicebridge.circuit.dialects.toy", DIALECT=SpiceWriter(style))
    monkeypatch.setattr(known, "NAMES", (*known.NAMES, "toy"))
    network = judged().network
    assert sb.netlist(network, T, dialect="toy") == re.sub(r" ; ", " $ ", sb.netlist(network, T))
    assert "toy" in known.dialect_names()


def test_an_engine(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Toy(NgspiceProcess):
        pass

    module.at("spicebridge.circuit.engines.toy", Toy=lambda: Toy(name="toy"))
    monkeypatch.setitem(catalogue._ENGINES, "toy", "spicebridge.circuit.engines.toy:Toy")
    network = judged().network
    run = sb.simulate(network, T, engine="toy", step=0.01)
    assert run.run.engine == "toy"
    assert "toy" in engines.engine_names()
    assert sb.validate(network, T, engine="toy", tolerance=1e-4).agrees


def test_a_claim(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "FAMILIES", (*claims.FAMILIES, "toy"))
    module.at("spicebridge.atlas.claims.toy")
    before = dict(FAMILY)

    @Claim(
        "new.toy",
        title="A toy",
        printed="1 = 1",
        exact="1 = 1",
        circuits="none",
        mutant="2 for 1",
        changed={"gap": 1.0},
    )
    def measure(bench: Bench, gap: float = 0.0) -> ClaimEvidence:
        return ClaimEvidence(findings=[at_most("gap", gap, 0.0, 1e-9)])

    try:
        assert "new.toy" in atlas.identifiers()
        found = atlas.run("new.toy", mutant=True)
        assert found.verdict != found.mutant_verdict
    finally:
        FAMILY.clear()
        FAMILY.update(before)


def test_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "toy_words.py").write_text(
        'HELP = "says a word"\nEXAMPLE = "toy-words hello"\n\n\n'
        'def configure(parser):\n    parser.add_argument("word")\n\n\n'
        "def run(args):\n    print(args.word)\n    return 0\n"
    )
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])
    cli.commands.cache_clear()
    try:
        assert cli.main(["toy-words", "hello"]) == 0
        assert capsys.readouterr().out == "hello\n"
        assert cli.main(["--help"]) == 0
        assert "toy-words" in capsys.readouterr().out
    finally:
        cli.commands.cache_clear()
        sys.modules.pop("spicebridge.cli.toy_words", None)


def test_a_case(tmp_path: Path) -> None:
    path = tmp_path / "toy.case.toml"
    path.write_text(CASE.format(device="", drive=SINE))
    assert find_cases(tmp_path) == [path]
    (entry,) = batch.run(batch.plan([str(tmp_path)]), batch.CaseSettings(), lambda word: None)
    assert entry.error is None
    assert entry.report is not None
    assert entry.report.verdict.agrees


def rows() -> dict[str, tuple[int, list[str]]]:
    """Kind -> (number of files, their paths) as docs/architecture.md has them."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("| to add |") :].split("\n\n")[0].splitlines()[2:]
    found = {}
    for line in table:
        kind, count, files, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        found[kind.split()[-1]] = int(count), re.findall(r"`([^`]+)`", files)
    return found


def test_the_table_is_whole() -> None:
    tried = {name.split("_")[-1] for name in globals() if re.fullmatch(r"test_an?_\w+", name)}
    assert set(rows()) == tried
    for kind, (count, files) in rows().items():
        assert count == len(files), kind
        for path in files:
            assert "<" in path or (ROOT / path).is_file(), f"{kind}: {path} is not there"
            assert (ROOT / path).parent.is_dir(), f"{kind}: {path} has no folder"
