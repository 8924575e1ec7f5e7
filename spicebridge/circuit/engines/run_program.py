"""One run of a simulator as a child process: private directory, log, samples, verdict.

What the engines share. The exit code is evidence only: the log explains a failure best, so it speaks
first, and the data decide on success.
"""

from __future__ import annotations

import errno
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spicebridge.circuit.engines import probe
from spicebridge.circuit.engines.completeness import JudgedSamples, judge_plots, no_samples, start_kept
from spicebridge.circuit.engines.engine import Engine, Job, RunRecord, Status
from spicebridge.circuit.engines.ngspice_log import LogFinding, exhausted
from spicebridge.circuit.engines.process import Ended, private_environment, run_in_group
from spicebridge.circuit.raw import RawPlot, read_raw
from spicebridge.errors import RawFileError, SimulatorDied

if TYPE_CHECKING:
    from spicebridge.circuit.engines.door import Door

LOG_LIMIT = 4 * 1024 * 1024
"""Bytes of each output channel that are kept; a longer one is itself a finding."""
DECK, RAW = "deck.cir", "out.raw"
"""Names, inside the private directory, of what goes in and what comes out."""


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """How one engine is started and how its output is read.

    argv         program and arguments; it reads `deck` and writes `RAW` in its working directory
    judge_log    (stdout, stderr) -> what the log says against the run, or None
    saved        names the deck saves beyond the job's vectors
    plots        turns the raw file's plots into plots with our names
    environment  variables to set beside the private ones
    deck         name of the file with the deck
    prepare      puts further files into the private directory before the run
    finish       looks into the private directory after it
    """

    argv: Sequence[str]
    judge_log: Callable[[str, str], LogFinding | None]
    saved: tuple[str, ...] = ()
    plots: Callable[[list[RawPlot]], list[RawPlot]] = list
    environment: Mapping[str, str] = field(default_factory=dict)
    deck: str = DECK
    prepare: Callable[[Path], None] = lambda place: None
    finish: Callable[[Path], None] = lambda place: None


def run_program(engine: Door, program: Invocation, job: Job) -> RunRecord:
    """Run `job` and judge it; see `Engine.run` for what is raised. Leaves no file."""
    limit = engine.timeout if job.timeout is None else job.timeout
    title = f"{engine.name} {engine.version()}"
    try:
        with tempfile.TemporaryDirectory(prefix="spicebridge-", ignore_cleanup_errors=True) as place:
            return _run_in(Path(place), engine, program, job, limit, title)
    except OSError as error:
        remedy = "free space or point TMPDIR elsewhere" if error.errno == errno.ENOSPC else "check TMPDIR"
        raise SimulatorDied(f"{title}: the run could not be set up: {error}: {remedy}", deck=job.text) from error


def not_run(engine: Engine, job: Job, reason: str) -> RunRecord:
    """A job that was turned away before it reached the simulator."""
    return _record(engine, job, no_samples(job, Status.REJECTED, f"not run: {reason}"), None, "", 0.0)


def _run_in(place: Path, engine: Engine, program: Invocation, job: Job, limit: float, title: str) -> RunRecord:
    (place / program.deck).write_text(job.text, encoding="utf-8", newline="\n")
    program.prepare(place)
    if job.meter is not None:
        job.meter.raw, job.meter.row = place / RAW, 8 * (1 + len(job.vectors) + len(program.saved))
    ended = run_in_group(
        program.argv,
        directory=place,
        environment=private_environment(place) | dict(program.environment),
        timeout=limit,
        stdout=place / "stdout",
        stderr=place / "stderr",
    )
    stdout, stderr = tail(place / "stdout"), tail(place / "stderr")
    log = stdout + ("\n" if stdout and stderr else "") + stderr
    if death := _death(ended, limit, stdout, stderr):
        raise SimulatorDied(f"{title}: {death}", deck=job.text, log=log)
    program.finish(place)
    finding = program.judge_log(stdout, stderr)
    samples = _judge(place / RAW, engine.name, program, job, ended.exit_code, finding)
    return _record(engine, job, samples, ended.exit_code, log, ended.wall_time)


def _record(
    engine: Engine, job: Job, samples: JudgedSamples, exit_code: int | None, log: str, wall: float
) -> RunRecord:
    return RunRecord(
        engine=engine.name,
        version=engine.version(),
        status=samples.status,
        reason=samples.reason,
        exit_code=exit_code,
        log=log,
        text=job.text,
        wall_time=wall,
        time=samples.time,
        data=samples.data,
        vectors=job.vectors,
        fingerprint=dict(probe.remembered(engine)),
    )


def _judge(
    raw: Path, name: str, program: Invocation, job: Job, exit_code: int, finding: LogFinding | None
) -> JudgedSamples:
    if not raw.exists():
        if finding is not None:
            return no_samples(job, finding.status, finding.reason)
        return no_samples(job, Status.NO_OUTPUT, f"{name} wrote no raw file: has the deck a .tran?")
    try:
        samples = judge_plots(program.plots(read_raw(raw)), job, program.saved)
    except RawFileError as error:
        reason = str(error).replace(str(raw), raw.name)
        samples = no_samples(job, Status.TRUNCATED, f"the raw file cannot be read: {reason}")
    if finding is not None and finding.status is Status.COMPLETE:
        return start_kept(samples, job, finding.reason) if exit_code == 0 else samples
    if finding is not None and finding.status is not Status.LOG_ERROR:
        return JudgedSamples(finding.status, finding.reason, samples.time, samples.data)
    if samples.status is not Status.COMPLETE:
        return samples
    if finding is not None:
        return JudgedSamples(finding.status, finding.reason, samples.time, samples.data)
    if exit_code != 0:
        reason = f"exit code {exit_code} although the data are complete and the log is clean"
        return JudgedSamples(Status.LOG_ERROR, reason, samples.time, samples.data)
    return samples


def _death(ended: Ended, limit: float, stdout: str, stderr: str) -> str | None:
    if ended.timed_out:
        return f"stopped after {limit:g} s: allow more time, or take a larger step or a shorter span"
    if ended.exit_code < 0:
        return f"killed by signal {_signal_name(-ended.exit_code)}: see the log, memory and limits"
    return exhausted(stdout, stderr)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def tail(path: Path) -> str:
    """Text of an output channel; beyond LOG_LIMIT only its two ends, with a line that says so."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= LOG_LIMIT:
            return file.read().decode("utf-8", "replace")
        head = file.read(LOG_LIMIT // 2)
        file.seek(size - LOG_LIMIT // 2)
        end = file.read()
    gap = f"\nWarning: {size - LOG_LIMIT} bytes of this log were left out\n"
    return head.decode("utf-8", "replace") + gap + end.decode("utf-8", "replace")
