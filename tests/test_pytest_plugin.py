"""The plugin in projects of its own: what it collects, how it fails, what it refuses to let pass."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.testing import Disagreement, References, StaleReference, assert_agrees, assert_waveform

pytest_plugins = ["pytester"]

COMPARE = Path(__file__).resolve().parent.parent / "compare"
ABSENT = {"SPICEBRIDGE_NGSPICE": "/nowhere/ngspice"}


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """An empty project with one case file."""
    shutil.copy(COMPARE / "k4.case.toml", pytester.path / "k4.case.toml")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def spoil(project: pytest.Pytester) -> None:
    """Tell the circuit an r_off 1 % off what the theory uses, as a wrong model file would."""
    project.makeconftest(
        """
        import pytest
        from dataclasses import replace
        import spicebridge.batch.cases as batch

        original = batch.validate

        def wrong(network, t, **options):
            device = network.groups[0].device
            circuit = network.with_device(replace(device, r_off=device.r_off * 1.01))
            return original(network, t, circuit=circuit, **options)

        batch.validate = wrong
        """
    )


def test_one_case_file_is_one_item_with_its_numbers(project: pytest.Pytester) -> None:
    """E and U are properties in the JUnit file, and a page of the case that passed is in the index."""
    result = run(project, "--spice=required", "-v", "--junitxml=junit.xml", "--spice-report=pages")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*k4.case.toml::k4 PASSED*", "*1 cases in pages/index.html"])
    found = ElementTree.parse(project.path / "junit.xml").iter("property")
    properties = {entry.get("name"): entry.get("value") for entry in found}
    assert properties["spice_outcome"] == "agrees"
    assert 0.0 < float(properties["spice_E"]) <= float(properties["spice_U"]) < float(properties["spice_tolerance"])
    page = (project.path / "pages" / "index.html").read_text(encoding="utf-8")
    assert 'href="k4/report.html"' in page
    assert (project.path / "pages" / "k4" / "report.html").is_file()


def test_a_parameter_off_by_a_percent_fails_readably(project: pytest.Pytester) -> None:
    spoil(project)
    result = run(project, "--spice=required")
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "expected AGREES, got DISAGREES" in text
    assert re.search(r"largest on edge \S+ at t = [\d.]+ s", text)
    assert "Traceback" not in text
    assert (project.path / "out" / "pytest" / "k4" / "report.html").is_file()


def test_a_required_simulator_that_is_missing_is_an_error(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ABSENT.items():
        monkeypatch.setenv(name, value)
    shutil.copy(project.path / "k4.case.toml", project.path / "other.case.toml")
    result = run(project, "--spice=required", "--spice-report=pages")
    result.assert_outcomes(errors=2)
    assert result.ret != 0
    text = result.stdout.str()
    # pytest's own summary repeats each first line, cut to the terminal's width unless $CI is set.
    reports, _, _ = text.partition("short test summary info")
    assert reports.count("is no program: install it with") == 1, "said once"
    assert "_pytest" not in text
    assert len(text.splitlines()) < 32
    assert (project.path / "pages" / "index.html").read_text(encoding="utf-8").count("could not be run</span>") == 2
    run(project, "--spice=available").assert_outcomes(skipped=2)


def test_an_unknown_simulator_is_an_error_of_one_line(project: pytest.Pytester) -> None:
    result = run(project, "--spice-engine", "ngspcie")
    result.assert_outcomes(errors=1)
    assert "unknown engine 'ngspcie'" in result.stdout.str()
    assert "_pytest" not in result.stdout.str()


def test_several_simulators_judge_each_other(project: pytest.Pytester) -> None:
    engines = ("--spice-engine", "ngspice", "--spice-engine", "vacask")
    project.makepyfile(
        test_pair="""
        import numpy as np
        import spicebridge as sb

        def test_both(spice_case, spice_engine):
            case = spice_case("k4.case.toml")
            verdict = sb.validate(case.network, case.t, engine=spice_engine)
            assert set(verdict.engines) == {"ngspice", "vacask"}
        """
    )
    run(project, "--spice=required", *engines).assert_outcomes(passed=2)
    run(project, "--spice=required", "--spice-engine", "ngspice", "--spice-engine", "ngspice").assert_outcomes(failed=2)


LOOP = """* a memristor on its source
V1 top 0 SIN(0 1 2)
R1 top 0 R='100+1500*V(s)'
G1 s 0 top 0 1
C1 s 0 1
.ic v(s)=0.5
.options reltol=1e-9 vntol=1e-12 abstol=1e-15 trtol=1e9
.tran 0.5m 1 0 0.5m
.end
"""


def test_a_deck_is_one_item_and_counts_as_it_is_written(project: pytest.Pytester) -> None:
    """Its own options decide; a line of comment leaves it to small steps and an error bar."""
    (project.path / "k4.case.toml").unlink()
    loose = LOOP.replace("reltol=1e-9 vntol=1e-12 abstol=1e-15 trtol=1e9", "reltol=0.1").replace("0.5m", "0.1")
    refined = loose.replace("V1 top", "* judge: refined\nV1 top", 1)
    for name, text in {"good": LOOP, "loose": loose, "refined": refined}.items():
        (project.path / f"{name}.case.cir").write_text(text, encoding="utf-8")
    result = run(project, "--spice=required", "-v")
    result.assert_outcomes(passed=2, failed=1)
    text = result.stdout.str()
    assert re.search(r"loose.case.cir: loose: as written.*refined: AGREES", text)
    assert "Traceback" not in text
    several = run(project, "--spice-engine", "ngspice", "--spice-engine", "vacask", "good.case.cir")
    several.assert_outcomes(passed=1)


def test_off_skips_and_the_ini_file_decides(project: pytest.Pytester) -> None:
    run(project, "--spice=off").assert_outcomes(skipped=1)
    project.makeini("[pytest]\nspice = off\n")
    run(project).assert_outcomes(skipped=1)
    run(project, "--spice=required").assert_outcomes(passed=1)


def test_a_broken_case_names_its_line(project: pytest.Pytester) -> None:
    path = project.path / "k4.case.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("r_on", "r_onn"), encoding="utf-8")
    result = run(project, "--spice=required")
    result.assert_outcomes(failed=1)
    assert re.search(r"k4\.case\.toml:\d+: .*r_onn", result.stdout.str())


def test_fixtures_and_recorded_references(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_model="""
        import spicebridge as sb

        def test_reference(spice_case, spice_engine, spice_reference):
            case = spice_case("k4.case.toml")
            waves = sb.simulate(case.network, case.t, engine=spice_engine, step=0.01)
            spice_reference.check("k4", waves, rtol=1e-9)
        """
    )
    only = ("--spice=required", "test_model.py")
    missing = run(project, *only)
    missing.assert_outcomes(failed=1)
    assert "record it with --spice-record" in missing.stdout.str()
    recording = run(project, *only, "--spice-record")
    assert recording.ret != 0
    recording.stdout.fnmatch_lines(["*k4.npz*"])
    run(project, *only).assert_outcomes(passed=1)
    source = (project.path / "test_model.py").read_text(encoding="utf-8")
    (project.path / "test_model.py").write_text(source.replace("step=0.01", "step=0.02"), encoding="utf-8")
    changed = run(project, *only)
    changed.assert_outcomes(failed=1)
    text = changed.stdout.str()
    assert re.search(r"cards was .*\.tran 0\.01 .*is .*\.tran 0\.02", text)
    assert re.search(r"^E? *-\.tran 0\.01 .*\n^E? *\+\.tran 0\.02", text, re.MULTILINE), "the lines of the deck"


def waves(n: int = 101) -> sb.Waveforms:
    t = np.linspace(0.0, 1.0, n)
    signal = np.column_stack([np.sin(3 * t), np.cos(t)])
    return sb.Waveforms(t, signal, 1e-3 * signal, signal, labels=("a-b", "b-c"))


def test_waveforms_are_compared_between_grids() -> None:
    assert_waveform(waves(101), waves(257), rtol=1e-7)


def test_the_message_says_signal_edge_time_and_size() -> None:
    actual = waves()
    state = actual.state.copy()
    state[40, 1] += 0.02
    with pytest.raises(Disagreement, match=r"state of edge b-c: off by 0\.02 at t = 0\.4 s"):
        assert_waveform(sb.Waveforms(actual.t, state, actual.current, actual.voltage), waves(), rtol=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_is_never_equal(bad: float) -> None:
    current = waves().current.copy()
    current[3, 0] = bad
    spoiled = sb.Waveforms(waves().t, waves().state, current, waves().voltage)
    with pytest.raises(Disagreement, match="current"):
        assert_waveform(spoiled, waves(), rtol=1.0)


def test_a_shorter_span_is_a_failure() -> None:
    whole = waves()
    half = sb.Waveforms(whole.t[:50], whole.state[:50], whole.current[:50], whole.voltage[:50])
    with pytest.raises(Disagreement, match="spans differ"):
        assert_waveform(half, whole)


def test_recording_never_passes(tmp_path: Path) -> None:
    references = References(tmp_path, recording=True)
    with pytest.raises(StaleReference, match="recorded"):
        references.check("a/b c", waves())
    assert [p.name for p in tmp_path.iterdir()] == ["a_b_c.npz"]
    References(tmp_path).check("a/b c", waves())


def test_another_simulator_version_is_named(tmp_path: Path) -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive=0.1, initial_state=0.4)
    run_waves = sb.simulate(network, [0.0, 1.0], step=0.05)
    with pytest.raises(StaleReference):
        References(tmp_path, recording=True).check("loop", run_waves)
    from dataclasses import replace

    newer = replace(run_waves, run=replace(run_waves.run, version="99"), state=run_waves.state + 1e-3)
    with pytest.raises(Disagreement, match=r"version was \d+.*, is 99"):
        References(tmp_path).check("loop", newer)


def test_assert_agrees_returns_the_verdict_or_leaves_a_report(tmp_path: Path) -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0)
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive=0.1, initial_state=0.4)
    assert assert_agrees(network, [0.0, 1.0], reports=tmp_path).agrees
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Disagreement) as caught:
        assert_agrees(network, [0.0, 1.0], circuit=network.with_polarity(-1), name="a pair", reports=tmp_path)
    assert caught.value.report == tmp_path / "a_pair"
    assert (tmp_path / "a_pair" / "report.html").is_file()
