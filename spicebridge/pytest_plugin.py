"""pytest: cases and decks as tests, a simulator as a fixture, references that cannot change unseen.

    pytest compare/                       one item per *.case.toml (and per *.case.cir deck)
                                          … and one per model (*.law.toml, *.sub): its check-up
    pytest --spice=required               a missing simulator is an error (use it in CI)
    pytest --spice=available              … skips what needs it, with the reason (the default)
    pytest --spice=off                    … runs nothing that needs one
    pytest --spice-report DIR             writes a page of every verdict, passing ones too, and one index of all
    pytest --spice-record                 rewrites recorded references; such a run never passes

Heavy modules are imported only when an item or a fixture needs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from spicebridge.case.case import Case
    from spicebridge.circuit.engines.engine import Engine
    from spicebridge.modelcheck import CheckUp
    from spicebridge.report import Report
    from spicebridge.testing import References
    from spicebridge.verify.user_deck import AsWritten

CASE_SUFFIX = ".case.toml"
DECK_SUFFIX = ".case.cir"
MODEL_SUFFIXES = (".law.toml", ".sub")
REFINED = re.compile(r"^\*\s*judge:\s*refined\s*$", re.MULTILINE | re.IGNORECASE)
"""The line by which a deck asks to be judged with steps and options of ours."""
TracebackStyle = Literal["long", "short", "line", "no", "native", "value", "auto"]
MARK = "spice"
RECORDER = pytest.StashKey[list[Path]]()
ROWS = pytest.StashKey[list[dict[str, object]]]()
"""Of an item: a row of the index for every verdict; of a session: all of them."""
TOLD = pytest.StashKey[set[str]]()
"""Errors of simulators that were already said in full."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("spicebridge", "memristive circuits against their equations")
    group.addoption(
        "--spice",
        choices=("required", "available", "off"),
        default=None,
        help="required: a missing simulator is an error; available: skip with the reason; off: skip all",
    )
    group.addoption(
        "--spice-engine",
        action="append",
        default=None,
        help="simulator to use instead of the cases' own; again for another, which is judged against the first one too",
    )
    group.addoption("--spice-out", default=None, help="folder for the reports of failures (out/pytest)")
    group.addoption(
        "--spice-report",
        default=None,
        metavar="DIR",
        help="a page of every verdict there, and index.html of all of them",
    )
    group.addoption("--spice-record", action="store_true", help="rewrite recorded references; the run then fails")
    parser.addini("spice", "as --spice", default="available")
    parser.addini("spice_dialect", "whose language *.case.cir are in (ngspice, ltspice, …, auto)", default="auto")
    parser.addini("spice_models", "ends of the names of model files", type="args", default=list(MODEL_SUFFIXES))
    parser.addini("spice_references", "folder of recorded references, from the root", default="references")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}: needs a circuit simulator (see --spice)")
    config.stash[RECORDER], config.stash[ROWS], config.stash[TOLD] = [], [], set()
    if config.getoption("--spice-report"):
        from spicebridge.errors import OutputError
        from spicebridge.report.writer import check_collection

        try:
            check_collection(config.getoption("--spice-report"))
        except OutputError as error:
            raise pytest.UsageError(str(error)) from None
        if not hasattr(config, "workerinput"):
            config.pluginmanager.register(_Collector(config), "spicebridge-report")


def mode(config: pytest.Config) -> str:
    """required, available or off: command line first, then the ini file."""
    chosen = str(config.getoption("--spice") or config.getini("spice"))
    if chosen not in ("required", "available", "off"):
        raise pytest.UsageError(f"spice = {chosen!r} must be required, available or off")
    return chosen


def open_engine(config: pytest.Config, name: str = "ngspice") -> Engine | tuple[Engine, ...]:
    """The simulator, a tuple of several, or the skip or error that `mode` asks for."""
    from spicebridge.circuit.engines import get_engine
    from spicebridge.errors import SimulatorMissing, SpiceBridgeError

    if mode(config) == "off":
        pytest.skip("simulators are off (--spice=off)")
    try:
        engines = tuple(get_engine(chosen) for chosen in config.getoption("--spice-engine") or [name])
        for engine in engines:
            engine.version()
        return engines if len(engines) > 1 else engines[0]
    except SpiceBridgeError as error:
        message, skipped = str(error), isinstance(error, SimulatorMissing) and mode(config) != "required"
    if skipped:
        pytest.skip(message)
    if message in config.stash[TOLD]:
        message = f"no simulator, as said in full above: {message[:60]}…"
    config.stash[TOLD].add(message)
    # In a set-up pytest prints its own frames for any other exception, hundreds of lines of them.
    pytest.fail(message, pytrace=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name.endswith(CASE_SUFFIX):
        return CaseFile.from_parent(parent, path=file_path)
    if file_path.name.endswith(DECK_SUFFIX):
        return DeckFile.from_parent(parent, path=file_path)
    if file_path.name.endswith(tuple(parent.config.getini("spice_models"))):
        return ModelFile.from_parent(parent, path=file_path)
    return None


class _Item(pytest.Item):
    engine: Engine | tuple[Engine, ...]

    def setup(self) -> None:
        self.engine = open_engine(self.config)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: TracebackStyle | None = None
    ) -> str | TerminalRepr:
        from spicebridge.errors import SpiceBridgeError

        if isinstance(excinfo.value, (AssertionError, SpiceBridgeError)):
            return f"{self.path.name}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"case {self.name}"

    @property
    def reports(self) -> Path:
        return reports_folder(self.config)


class CaseItem(_Item):
    """Runs a case and holds it to the outcome it expects."""

    def runtest(self) -> None:
        from spicebridge.batch.cases import CaseSettings, run_case
        from spicebridge.case.case import load_case
        from spicebridge.testing import require_outcome

        case = load_case(self.path)
        chosen = tuple(self.config.getoption("--spice-engine") or ())
        settings = CaseSettings(engine=chosen if len(chosen) > 1 else next(iter(chosen), None))
        require_outcome(run_case(case, settings), self.reports)


class DeckItem(_Item):
    """Reads a deck, recognises its network and holds the deck to its equations over its own transient.

    The deck as written decides, with its own options and steps. A comment line ``* judge: refined`` lets its circuit
    decide instead, run with small steps and an error bar; so it is where the simulator does not speak the deck's
    language. Of several simulators every one has to pass.
    """

    def runtest(self) -> None:
        for engine in self.engine if isinstance(self.engine, tuple) else (self.engine,):
            self._judge(engine)

    def _judge(self, engine: Engine) -> None:
        from spicebridge.circuit.reader import read_deck
        from spicebridge.circuit.recognise import recognise_circuit
        from spicebridge.report import Report
        from spicebridge.testing import Disagreement, require_outcome
        from spicebridge.verify.user_deck import run_as_written, validate_deck

        deck = read_deck(self.path, dialect=str(self.config.getini("spice_dialect")))
        found = recognise_circuit(deck)
        written = None
        if not REFINED.search(self.path.read_text(encoding="utf-8", errors="replace")):
            written = run_as_written(deck, found, engine=engine)
            if written.passes:
                self.user_properties += [("spice_E", f"{written.error:.6g}"), ("spice_outcome", "agrees as written")]
                self.stash.setdefault(ROWS, []).append(_row_of_written(self.name, written))
                return
        verdict = validate_deck(deck, found, engine=engine)
        if written is not None and written.error is not None:
            raise Disagreement(f"{self.name}: {written}; refined: {verdict}")
        require_outcome(Report(verdict=verdict, title=self.name, name=self.name), self.reports)


class ModelItem(_Item):
    """Checks a model up; with ``--spice-record`` its waveforms are recorded, and held against from then on."""

    def runtest(self) -> None:
        check_up(self.config, self.path)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"model {self.name}"


class _File(pytest.File):
    """A file with one item."""

    item: type[pytest.Item]

    def collect(self) -> Iterator[pytest.Item]:
        name = self.path.name.removesuffix(CASE_SUFFIX).removesuffix(DECK_SUFFIX)
        item = self.item.from_parent(self, name=name if name != self.path.name else name.partition(".")[0])
        item.add_marker(MARK)
        yield item


class CaseFile(_File):
    """A case file."""

    item = CaseItem


class DeckFile(_File):
    """A netlist of a memristive network, judged against the equations it is recognised as."""

    item = DeckItem


class ModelFile(_File):
    """A device model: its check-up, and its recorded reference where there is one."""

    item = ModelItem


def check_up(config: pytest.Config, path: Path, **given: Any) -> CheckUp:
    """The `CheckUp` of a model file; raises `Disagreement` with what fails, and `StaleReference` when recording."""
    from spicebridge.modelcheck import check_model, load_subject
    from spicebridge.modelcheck.check_up_page import format_text
    from spicebridge.modelcheck.recorded_waveforms import record
    from spicebridge.testing import Disagreement, StaleReference, slug

    engine = (config.getoption("--spice-engine") or ["ngspice"])[0]
    subject = load_subject(path, engine=engine, dialect=str(config.getini("spice_dialect")), **given)
    reference = config.rootpath / str(config.getini("spice_references")) / f"{slug(path.name)}.npz"
    if config.getoption("--spice-record"):
        record(subject, engine).write(reference)
        config.stash[RECORDER].append(reference)
        raise StaleReference(f"recorded {reference}; look at it, then run again without --spice-record")
    up = check_model(subject, engine=engine, reference=reference if reference.exists() else None)
    if not up.passed:
        raise Disagreement(format_text(up))
    return up


def reports_folder(config: pytest.Config) -> Path:
    """Where reports of failures go."""
    chosen = config.getoption("--spice-out")
    return Path(chosen) if chosen else config.rootpath / "out" / "pytest"


@pytest.fixture(scope="session")
def spice_engine(pytestconfig: pytest.Config) -> Engine | tuple[Engine, ...]:
    """The simulator (``--spice-engine``, else ngspice), or a tuple of several; skips or errors as ``--spice`` says."""
    return open_engine(pytestconfig)


@pytest.fixture
def spice_case(request: pytest.FixtureRequest) -> Callable[[str | Path], Case]:
    """A function that loads a case file, relative to the folder of the test."""
    from spicebridge.case.case import load_case

    folder = request.path.parent

    def load(path: str | Path) -> Case:
        return load_case(folder / path)

    return load


@pytest.fixture
def spice_model(request: pytest.FixtureRequest) -> Callable[..., CheckUp]:
    """A function that checks a model file up, relative to the folder of the test; arguments as of `load_subject`."""
    open_engine(request.config)

    def check(path: str | Path, **given: Any) -> CheckUp:
        return check_up(request.config, request.path.parent / path, **given)

    return check


@pytest.fixture
def spice_reference(request: pytest.FixtureRequest) -> References:
    """Recorded references: ``spice_reference.check(name, waveforms, rtol=…, atol=…)``."""
    from spicebridge.testing import References

    config = request.config
    folder = config.rootpath / str(config.getini("spice_references"))
    return References(folder, bool(config.getoption("--spice-record")), config.stash[RECORDER])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Every verdict of a test, its own or one of `assert_agrees`, becomes properties of it and a row of the index."""
    from spicebridge.shown import LISTENER

    token = LISTENER.set(lambda report: _heard(item, report))
    try:
        return (yield)
    finally:
        LISTENER.reset(token)


def _heard(item: pytest.Item, report: Report) -> Path | None:
    from spicebridge.report import record, write_report
    from spicebridge.testing import slug

    verdict = report.verdict
    rows = item.stash.setdefault(ROWS, [])
    item.user_properties += [
        ("spice_outcome", verdict.outcome.value),
        ("spice_E", f"{verdict.max_error:.6g}"),
        ("spice_U", f"{verdict.uncertainty:.6g}"),
        ("spice_tolerance", f"{verdict.tolerance:.6g}"),
    ]
    folder = item.config.getoption("--spice-report")
    if folder is None:
        return None
    name = slug(item.nodeid.replace(f"{CASE_SUFFIX}::{item.name}", "")) + (f".{len(rows)}" if rows else "")
    place = Path(folder) / name
    write_report(place, report)
    rows.append(record(report) | {"case": name, "error": None, "report": f"{name}/report.html"})
    return place


def _row_of_written(name: str, written: AsWritten) -> dict[str, object]:
    """A row for a deck that passed with its own options and steps, without a ladder and so without U."""
    return {
        "case": name,
        "title": f"{name}, as written",
        "learn": str(written),
        "outcome": "agrees",
        "expected": "agrees",
        "as_expected": True,
        "max_error": written.error,
        "uncertainty": None,
        "tolerance": written.tolerance,
        "observed_order": None,
        "network": None,
        "error": None,
        "report": None,
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Rows travel with the report of the call, from a worker of xdist too."""
    report = yield
    rows = item.stash.get(ROWS, []) if call.when == "call" else []
    if not rows and report.failed and isinstance(item, _Item):
        error = {"kind": call.excinfo.typename if call.excinfo else "", "message": report.longreprtext}
        rows = [{"case": item.name, "title": item.name, "outcome": None, "error": error, "report": None, "learn": ""}]
    report.spice_rows = rows  # type: ignore[attr-defined]
    return report


class _Collector:
    """Gathers rows in the process that writes the index."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.config.stash[ROWS] += getattr(report, "spice_rows", [])

    def pytest_sessionfinish(self) -> None:
        from spicebridge.report.writer import write_index

        rows = self.config.stash[ROWS]
        write_index(self.config.getoption("--spice-report"), rows)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        page = Path(self.config.getoption("--spice-report")) / "index.html"
        terminalreporter.line(f"spicebridge: {len(self.config.stash[ROWS])} cases in {page}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if session.config.getoption("--spice-record") and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    if not config.getoption("--spice-record"):
        return
    written = config.stash[RECORDER]
    terminalreporter.section("recorded references")
    for path in written:
        terminalreporter.line(str(path))
    terminalreporter.line(f"{len(written)} written; a recording run never passes, run again without it")
