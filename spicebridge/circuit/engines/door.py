"""What every door to a simulator does: say which one it is, run a job in a private directory, and judge what comes out.

A door names its `Installation`; identity, version, availability and measured capabilities follow from that, here
and nowhere else. Of a run the exit code is evidence only: the log explains a failure best, so it speaks first, and the
data decide on success.
"""

from __future__ import annotations

import errno
import os
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from spicebridge.circuit.engines import probe
from spicebridge.circuit.engines.completeness import JudgedSamples, judge_plots, no_samples, start_kept
from spicebridge.circuit.engines.deckguard import refuse_unsafe
from spicebridge.circuit.engines.engine import Job, LogFinding, RunRecord, Status
from spicebridge.circuit.engines.installation import Executable, Installation
from spicebridge.circuit.engines.process import Ended, run_in_group
from spicebridge.errors import RawFileError, SimulatorDied, SimulatorMissing
from spicebridge.tables.raw_file import RawPlot, read_raw

DEFAULT_TIMEOUT = 600.0
"""Wall-clock limit of a run in s, where neither the job nor the engine sets one."""
DECK, RAW = "deck.cir", "out.raw"
"""Names, inside the private directory, of what goes in and what comes out."""
# In lower case.
_NO_SPACE = ("rawfile write error", "no space left on device", "disk quota exceeded")
_NO_MEMORY = ("can't allocate", "out of memory", "memory exhausted", "bad_alloc")


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
    again        whether a run that was refused is to be made once more
    """

    argv: Sequence[str]
    judge_log: Callable[[str, str], LogFinding | None]
    saved: tuple[str, ...] = ()
    plots: Callable[[list[RawPlot]], list[RawPlot]] = list
    environment: Mapping[str, str] = field(default_factory=dict)
    deck: str = DECK
    prepare: Callable[[Path], None] = lambda place: None
    finish: Callable[[Path], None] = lambda place: None
    again: Callable[[], bool] = lambda: False


class Door(ABC):
    """The part of `Engine` that is the same for all; `name`, `dialect` and `timeout` are the engine's own."""

    name: str
    dialect: str
    timeout: float

    @abstractmethod
    def installation(self) -> Installation:
        """What would run. Raises SimulatorMissing, with how to install it."""

    @abstractmethod
    def invocation(self, job: Job) -> Invocation:
        """How it runs a job. Raises SimulatorMissing."""

    def refuse(self, text: str) -> None:
        """Raise UnsafeDeck for a deck that asks for commands or foreign files."""
        refuse_unsafe(text)

    def trap(self, job: Job) -> str | None:
        """What the simulator would drop or alter in silence, as a sentence; such a job is returned unrun."""
        return None

    def identity(self) -> tuple[object, ...]:
        """Changes whenever the installed simulator, or the way it is started, changes."""
        found = self.installation()
        return (found.title, found.stamps(), found.how)

    def version(self) -> str:
        """Such as "39" or "44.2". Raises SimulatorMissing, SimulatorTooOld or SimulatorDied."""
        return self.installation().version()

    def available(self) -> bool:
        """Whether a recent enough simulator answers."""
        try:
            self.version()
        except (SimulatorMissing, SimulatorDied):
            return False
        return True

    def capabilities(self) -> Mapping[str, str]:
        """Measured on first use, then remembered for this simulator; see `probe.capabilities`."""
        return probe.capabilities(self)

    def run(self, job: Job) -> RunRecord:
        """Run one job; see `Engine` for what is raised and what is returned. Leaves no file."""
        self.refuse(job.text)
        trap = self.trap(job)
        if trap is not None:
            return self._record(job, no_samples(job, Status.REJECTED, f"not run: {trap}"), None, "", 0.0)
        program = self.invocation(job)
        record = self._run(program, job)
        if record.status is Status.REJECTED and program.again():
            record = self._run(program, job)
        return record

    def _run(self, program: Invocation, job: Job) -> RunRecord:
        title = f"{self.name} {self.version()}"
        try:
            with tempfile.TemporaryDirectory(prefix="spicebridge-", ignore_cleanup_errors=True) as place:
                return self._run_in(Path(place), program, job, title)
        except OSError as error:
            remedy = "free space or point TMPDIR elsewhere" if error.errno == errno.ENOSPC else "check TMPDIR"
            raise SimulatorDied(f"{title}: the run could not be set up: {error}: {remedy}", deck=job.text) from error

    def _run_in(self, place: Path, program: Invocation, job: Job, title: str) -> RunRecord:
        limit = self.timeout if job.timeout is None else job.timeout
        (place / program.deck).write_text(job.text, encoding="utf-8", newline="\n")
        program.prepare(place)
        if job.meter is not None:
            job.meter.raw, job.meter.row = place / RAW, 8 * (1 + len(job.vectors) + len(program.saved))
        ended = run_in_group(program.argv, directory=place, environment=program.environment, timeout=limit)
        stdout, stderr = ended.stdout, ended.stderr
        log = stdout + ("\n" if stdout and stderr else "") + stderr
        if death := _death(ended, limit):
            raise SimulatorDied(f"{title}: {death}", deck=job.text, log=log)
        program.finish(place)
        finding = program.judge_log(stdout, stderr)
        samples = _judge(place / RAW, self.name, program, job, ended.exit_code, finding)
        return self._record(job, samples, ended.exit_code, log, ended.wall_time)

    def _record(self, job: Job, samples: JudgedSamples, exit_code: int | None, log: str, wall: float) -> RunRecord:
        return RunRecord(
            engine=self.name,
            version=self.version(),
            status=samples.status,
            reason=samples.reason,
            exit_code=exit_code,
            log=log,
            text=job.text,
            wall_time=wall,
            time=samples.time,
            data=samples.data,
            vectors=job.vectors,
            fingerprint=dict(probe.remembered(self)),
        )


@dataclass(frozen=True)
class ProgramDoor(Door):
    """A door to one program.

    executable  path or name of the program; None takes the one that a variable of the environment names, then PATH
    timeout     wall-clock limit of a run in s, unless the job has its own
    name        what it is called in results, where several programs run side by side
    """

    executable: str | os.PathLike[str] | None = None
    timeout: float = DEFAULT_TIMEOUT
    name: str = ""

    program: ClassVar[Executable]

    def path(self) -> Path:
        """The program that will run. Raises SimulatorMissing, with how to install it."""
        return self.program.find(self.executable)

    def installation(self) -> Installation:
        """The program; see `Door`."""
        return self.program.installed(self.path())


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
        return replace(samples, status=finding.status, reason=finding.reason)
    if samples.status is not Status.COMPLETE:
        return samples
    if finding is not None:
        return replace(samples, status=finding.status, reason=finding.reason)
    if exit_code != 0:
        reason = f"exit code {exit_code} although the data are complete and the log is clean"
        return replace(samples, status=Status.LOG_ERROR, reason=reason)
    return samples


def _death(ended: Ended, limit: float) -> str | None:
    if ended.timed_out:
        return f"stopped after {limit:g} s: allow more time, or take a larger step or a shorter span"
    if ended.exit_code < 0:
        return f"killed by signal {_signal_name(-ended.exit_code)}: see the log, memory and limits"
    return _exhausted(ended.stdout, ended.stderr)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _exhausted(stdout: str, stderr: str) -> str | None:
    """The remedy, if the log says that disk or memory ran out."""
    for text in (stderr.lower(), stdout.lower()):
        if any(words in text for words in _NO_SPACE):
            return "the disk is full: free space or point TMPDIR at a larger disk"
        if any(words in text for words in _NO_MEMORY):
            return "memory ran out: use a smaller network, a shorter span or fewer saved signals"
    return None
