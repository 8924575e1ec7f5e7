"""ngspice as a process: one private directory per run, and a verdict that ignores the exit code."""

from __future__ import annotations

import errno
import functools
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

from spicebridge.circuit.engines import probe
from spicebridge.circuit.engines.base import Job, RunRecord, Status
from spicebridge.circuit.engines.deckguard import refuse_unsafe, saved_names, silent_trap
from spicebridge.circuit.engines.judge import Samples, judge_plots, no_samples
from spicebridge.circuit.engines.ngspice_log import exhausted, judge_log
from spicebridge.circuit.engines.process import Ended, private_environment, run_in_group
from spicebridge.circuit.rawfile import read_raw
from spicebridge.errors import RawFileError, SimulatorDied, SimulatorMissing, SimulatorTooOld

EXECUTABLE_VARIABLE = "SPICEBRIDGE_NGSPICE"
OLDEST_VERSION = 36
DEFAULT_TIMEOUT = 600.0
"""Wall-clock limit of a run in s, where neither the job nor the engine sets one."""
PROBE_TIMEOUT = 20.0
"""Wall-clock limit of `--version` in s."""
LOG_LIMIT = 4 * 1024 * 1024
"""Bytes of each output channel that are kept; a longer one is itself a finding."""

_INSTALL = (
    "install it with 'apt install ngspice' or 'brew install ngspice', point "
    f"${EXECUTABLE_VARIABLE} at the program, or use another engine ('pip install neospice')"
)
_VERSION = re.compile(r"ngspice[- ](?P<version>(?P<major>\d+)[\w.+-]*)")


@dataclass(frozen=True)
class NgspiceProcess:
    """Engine that runs `ngspice -n -b -r out.raw deck.cir`.

    executable  path or name of the program; None takes $SPICEBRIDGE_NGSPICE, then PATH
    timeout     wall-clock limit of a run in s, unless the job has its own

    Results are loaded into memory; nothing outlives `run` on disk. Besides the errors that every
    `Engine` raises, a deck that ngspice would alter in silence is returned as REJECTED unrun.
    What no log and no check can see stays with the author of the deck: a divisor that becomes zero
    during the run (ngspice takes it as 1e-32), and states outside their physical range.
    """

    executable: str | os.PathLike[str] | None = None
    timeout: float = DEFAULT_TIMEOUT

    name = "ngspice"
    dialect = "ngspice"

    def path(self) -> Path:
        """The program that will run. Raises SimulatorMissing, with how to install it."""
        wanted, origin = self.executable, "executable"
        if wanted is None and os.environ.get(EXECUTABLE_VARIABLE):
            wanted, origin = os.environ[EXECUTABLE_VARIABLE], f"${EXECUTABLE_VARIABLE}"
        found = shutil.which(wanted if wanted is not None else "ngspice")
        if found is None:
            what = "ngspice is not on PATH" if wanted is None else f"{origin} {str(wanted)!r} is no program"
            raise SimulatorMissing(f"{what}: {_INSTALL}")
        return Path(found).resolve()

    def identity(self) -> Hashable:
        """Path, size and modification time of the program."""
        path = self.path()
        stat = path.stat()
        return str(path), stat.st_size, stat.st_mtime_ns

    def version(self) -> str:
        """Such as "39" or "44.2". Raises SimulatorMissing, SimulatorTooOld or SimulatorDied."""
        return _version(self.identity())

    def available(self) -> bool:
        """Whether a recent enough ngspice answers."""
        try:
            self.version()
        except (SimulatorMissing, SimulatorDied):
            return False
        return True

    def capabilities(self) -> Mapping[str, str]:
        """Measured on first use, then remembered for this program; see `probe.capabilities`."""
        return probe.capabilities(self)

    def run(self, job: Job) -> RunRecord:
        """Run one job; see `Engine` for what is raised and what is returned."""
        refuse_unsafe(job.text)
        version = self.version()
        trap = silent_trap(job.text)
        if trap is not None:
            samples = no_samples(job, Status.REJECTED, f"not run: {trap}")
            return self._record(job, version, samples, None, "", 0.0)
        limit = self.timeout if job.timeout is None else job.timeout
        try:
            with tempfile.TemporaryDirectory(prefix="spicebridge-", ignore_cleanup_errors=True) as place:
                return self._run_in(Path(place), job, version, limit)
        except OSError as error:
            remedy = "free space or point TMPDIR elsewhere" if error.errno == errno.ENOSPC else "check TMPDIR"
            raise SimulatorDied(
                f"ngspice {version}: the run could not be set up: {error}: {remedy}", deck=job.text
            ) from error

    def _run_in(self, place: Path, job: Job, version: str, limit: float) -> RunRecord:
        (place / "deck.cir").write_text(job.text, encoding="utf-8", newline="\n")
        ended = run_in_group(
            [str(self.path()), "-n", "-b", "-r", "out.raw", "deck.cir"],
            directory=place,
            environment=private_environment(place),
            timeout=limit,
            stdout=place / "stdout",
            stderr=place / "stderr",
        )
        stdout, stderr = _tail(place / "stdout"), _tail(place / "stderr")
        log = stdout + ("\n" if stdout and stderr else "") + stderr
        if death := _death(ended, limit, stdout, stderr):
            raise SimulatorDied(f"ngspice {version}: {death}", deck=job.text, log=log)
        samples = _judge(place / "out.raw", job, ended.exit_code, stdout, stderr)
        return self._record(job, version, samples, ended.exit_code, log, ended.wall_time)

    def _record(
        self, job: Job, version: str, samples: Samples, exit_code: int | None, log: str, wall: float
    ) -> RunRecord:
        return RunRecord(
            engine=self.name,
            version=version,
            status=samples.status,
            reason=samples.reason,
            exit_code=exit_code,
            log=log,
            text=job.text,
            wall_time=wall,
            time=samples.time,
            data=samples.data,
            vectors=job.vectors,
            fingerprint=probe.remembered(self),
        )


def _judge(raw: Path, job: Job, exit_code: int, stdout: str, stderr: str) -> Samples:
    """The log explains a failure best, so it speaks first; the data decide on success."""
    finding = judge_log(stdout, stderr)
    if not raw.exists():
        if finding is not None:
            return no_samples(job, finding.status, finding.reason)
        return no_samples(job, Status.NO_OUTPUT, "ngspice wrote no raw file: has the deck a .tran?")
    try:
        samples = judge_plots(read_raw(raw), job, saved_names(job.text))
    except RawFileError as error:
        reason = str(error).replace(str(raw), raw.name)
        samples = no_samples(job, Status.TRUNCATED, f"the raw file cannot be read: {reason}")
    if finding is not None and finding.status is not Status.LOG_ERROR:
        return Samples(finding.status, finding.reason, samples.time, samples.data)
    if samples.status is not Status.COMPLETE:
        return samples
    if finding is not None:
        return Samples(finding.status, finding.reason, samples.time, samples.data)
    if exit_code != 0:
        reason = f"exit code {exit_code} although the data are complete and the log is clean"
        return Samples(Status.LOG_ERROR, reason, samples.time, samples.data)
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


def _tail(path: Path) -> str:
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


@functools.lru_cache(maxsize=64)
def _version(identity: tuple[str, int, int]) -> str:
    """Ask the program at identity[0]; size and time in the key notice an upgrade."""
    program = identity[0]
    with tempfile.TemporaryDirectory(prefix="spicebridge-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        try:
            ended = run_in_group(
                [program, "--version"],
                directory=place,
                environment=private_environment(place),
                timeout=PROBE_TIMEOUT,
                stdout=place / "stdout",
                stderr=place / "stderr",
            )
        except OSError as error:
            raise SimulatorMissing(f"{program} cannot be started: {error}: {_INSTALL}") from error
        log = _tail(place / "stdout") + _tail(place / "stderr")
    if ended.timed_out or ended.exit_code < 0:
        raise SimulatorDied(f"{program} --version hangs or crashes: {_INSTALL}", log=log)
    match = _VERSION.search(log)
    if match is None:
        raise SimulatorMissing(
            f"{program} does not say which ngspice it is ({log.strip()[:80]!r}): {_INSTALL}", log=log
        )
    if int(match["major"]) < OLDEST_VERSION:
        raise SimulatorTooOld(
            f"{program} is ngspice {match['version']}, {OLDEST_VERSION} or later is needed: {_INSTALL}",
            log=log,
        )
    return match["version"].rstrip(".-")
