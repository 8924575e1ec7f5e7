"""Several cases one after the other: each ends in a report or in an error, and none stops the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spicebridge.case.case import SUFFIX, Case, find_cases, load_case
from spicebridge.circuit.engines import Engine
from spicebridge.errors import CaseError, SpiceBridgeError
from spicebridge.report.json import FORMAT, plain, record
from spicebridge.report.summary import Report
from spicebridge.verify import Verdict, validate

Progress = Callable[[str], None]

LOG_TAIL = 4000
"""Characters of a dead simulator's log that are kept in the record."""


@dataclass(frozen=True, kw_only=True)
class CaseSettings:
    """What the user wants different from the cases; None keeps what the case says. `step` in s; `theory` as for
    `validate`; several names of simulators are judged against each other as well."""

    engine: str | Engine | tuple[str, ...] | None = None
    form: str | None = None
    step: float | None = None
    tolerance: float | None = None
    timeout: float | None = None
    theory: object = None
    theory_error: float | str | None = None
    theory_map: Mapping[str, str] | None = None


@dataclass(frozen=True)
class CaseJob:
    """A case to run under a name that no other job has, or the reason why there is none."""

    name: str
    path: Path
    problem: SpiceBridgeError | None = None


@dataclass(frozen=True, eq=False)
class Entry:
    """What became of one job: a report, or an error."""

    job: CaseJob
    title: str
    report: Report | None = None
    error: SpiceBridgeError | None = None

    def record(self) -> dict[str, Any]:
        """The record of the report, or the same keys as far as they exist, with the error."""
        if self.report is not None:
            return record(self.report) | {"case": self.job.name, "error": None}
        assert self.error is not None
        log = getattr(self.error, "log", "")
        facts: dict[str, Any] = plain(
            {
                "format": FORMAT,
                "case": self.job.name,
                "source": str(self.job.path),
                "title": self.title,
                "learn": "",
                "outcome": None,
                "error": {"kind": type(self.error).__name__, "message": str(self.error), "log": log[-LOG_TAIL:]},
            }
        )
        return facts


def plan(arguments: Sequence[str | Path]) -> list[CaseJob]:
    """The cases that files and folders stand for, each once, under names fit for folders."""
    jobs: list[CaseJob] = []
    seen: set[Path] = set()
    taken = {"index.html", "index.json"}
    for argument in arguments:
        if not str(argument):
            jobs.append(CaseJob("", Path(), CaseError("an empty name stands for no case; is a variable unset?")))
            continue
        try:
            found = find_cases(argument)
        except SpiceBridgeError as error:
            jobs.append(CaseJob(str(argument), Path(argument), error))
            continue
        for path in found:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                jobs.append(CaseJob(_unique(_folder_name(path), taken), path))
    return jobs


def _folder_name(path: Path) -> str:
    """The name of the case; never empty, never a way out of the folder."""
    return path.name.removesuffix(SUFFIX).removesuffix(".toml").lstrip(".") or "case"


def _unique(name: str, taken: set[str]) -> str:
    """`name`, numbered where another case has it already; capitals do not tell folders apart."""
    fresh, number = name, 1
    while fresh.casefold() in taken:
        number += 1
        fresh = f"{name}-{number}"
    taken.add(fresh.casefold())
    return fresh


def run(jobs: Sequence[CaseJob], settings: CaseSettings, progress: Progress) -> Iterator[Entry]:
    """Run the jobs in order. Errors raised on purpose become entries; anything else is a bug and passes."""
    for number, job in enumerate(jobs, 1):
        where = f"{number}/{len(jobs)} {job.name}" if len(jobs) > 1 else job.name

        def say(message: str, where: str = where) -> None:
            progress(f"{where}: {message}")

        yield _run_one(job, settings, say)


def _run_one(job: CaseJob, settings: CaseSettings, progress: Progress) -> Entry:
    if job.problem is not None:
        return Entry(job, str(job.path), error=job.problem)
    title = job.name
    try:
        progress("reading")
        case = load_case(job.path)
        title = case.title
        return Entry(job, title, report=run_case(case, settings, progress))
    except SpiceBridgeError as error:
        return Entry(job, title, error=error)


def run_case(case: Case, settings: CaseSettings, progress: Progress | None = None) -> Report:
    """Validate one case. Raises what `validate` raises."""
    began = time.monotonic()
    verdict = judge_case(case, settings, progress)
    created = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Report.of_case(case, verdict, wall_time=time.monotonic() - began, created=created)


def judge_case(case: Case, settings: CaseSettings, progress: Progress | None = None) -> Verdict:
    """The verdict on one case, with what the settings want different. Raises what `validate` raises."""
    return validate(
        case.network,
        case.t,
        tolerance=settings.tolerance or case.tolerance,
        engine=settings.engine or case.engine,
        step=settings.step,
        form=settings.form or case.form,
        timeout=settings.timeout,
        theory=settings.theory,
        theory_error=settings.theory_error,
        theory_map=settings.theory_map,
        progress=progress,
    )
