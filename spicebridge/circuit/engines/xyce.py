"""Xyce as a process, serial or under MPI. Used where its program is on PATH.

`Xyce -r out.raw deck.cir` writes every node and branch of the circuit, with bare names: node ``w0`` for
v(w0), ``v0#branch`` for i(v0); the last underscore of any name becomes "#" (source: Xyce,
``N_IO_OutputterOverrideRaw.C``). Both are undone here. Xyce was not available when this was written: the
door is tested with programs that imitate its messages and its raw file.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spicebridge.circuit.engines import probe
from spicebridge.circuit.engines.base import TIME, Job, RunRecord, Status
from spicebridge.circuit.engines.deckguard import refuse_unsafe
from spicebridge.circuit.engines.ngspice import DEFAULT_TIMEOUT, PROBE_TIMEOUT
from spicebridge.circuit.engines.ngspice_log import QUOTED_LINES, LogFinding
from spicebridge.circuit.engines.process import private_environment, run_in_group
from spicebridge.circuit.engines.run_program import DECK, RAW, Program, run_program, tail
from spicebridge.circuit.raw.file import RawPlot
from spicebridge.errors import SimulatorDied, SimulatorMissing, SimulatorTooOld, SpiceBridgeError

EXECUTABLE_VARIABLE = "SPICEBRIDGE_XYCE"
LAUNCHER = "mpirun"
OLDEST_VERSION = (7, 4)
"""Earlier releases have another parser of expressions."""

_INSTALL = f"build or install Xyce (xyce.sandia.gov), point ${EXECUTABLE_VARIABLE} at it, or use the engine 'ngspice'"
_VERSION = re.compile(r"Xyce\s+(?:Release\s+|DEVELOPMENT[-\s]*)?(?P<version>(?P<major>\d+)\.(?P<minor>\d+)[\w.-]*)")
_COMPLAINT = re.compile(r"\b(?:warning|error|abort(?:ed|ing)?|fail(?:ed|ure)?|too small)\b", re.IGNORECASE)
# Lines of the summary that every good run prints.
_HARMLESS = re.compile(r"^\s*(?:Number\b.*(?:Failed|Failures).*|.*\b(?:no|0) (?:errors|warnings)\b.*)$", re.IGNORECASE)
_STUCK = re.compile(
    r"time ?step too small|transient failure|operating point failed|singular|did not converge|failed to converge",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class XyceProcess:
    """Engine that runs `Xyce -r out.raw deck.cir`.

    executable  path or name of the program; None takes $SPICEBRIDGE_XYCE, then Xyce or xyce on PATH
    processes   1 runs it as it is; more run `mpirun -n processes` (an Xyce built for MPI is needed)
    timeout     wall-clock limit of a run in s, unless the job has its own

    Raises SpiceBridgeError for a number of processes that is none.
    """

    executable: str | os.PathLike[str] | None = None
    processes: int = 1
    timeout: float = DEFAULT_TIMEOUT

    name = "xyce"
    dialect = "xyce"

    def __post_init__(self) -> None:
        if not isinstance(self.processes, int) or self.processes < 1:
            raise SpiceBridgeError(f"xyce: processes is {self.processes!r}, it must be a whole number from 1 up")

    def path(self) -> Path:
        """The program that will run. Raises SimulatorMissing, with how to install it."""
        wanted = self.executable or os.environ.get(EXECUTABLE_VARIABLE)
        found = shutil.which(wanted) if wanted else shutil.which("Xyce") or shutil.which("xyce")
        if found is None:
            what = f"{str(wanted)!r} is no program" if wanted else "Xyce is not on PATH"
            raise SimulatorMissing(f"{what}: {_INSTALL}")
        return Path(found).resolve()

    def identity(self) -> Hashable:
        """Path, size and modification time of the program, and how it is started."""
        path = self.path()
        stat = path.stat()
        return str(path), stat.st_size, stat.st_mtime_ns, self.processes

    def version(self) -> str:
        """Such as "7.8-opensource". Raises SimulatorMissing, SimulatorTooOld or SimulatorDied."""
        path = self.path()
        stat = path.stat()
        return _version(str(path), stat.st_size, stat.st_mtime_ns)

    def available(self) -> bool:
        """Whether a recent enough Xyce answers."""
        try:
            self.version()
            self._launcher()
        except (SimulatorMissing, SimulatorDied):
            return False
        return True

    def capabilities(self) -> Mapping[str, str]:
        """Measured on first use, then remembered; see `probe.capabilities`."""
        return probe.capabilities(self)

    def run(self, job: Job) -> RunRecord:
        """Run one job; see `Engine` for what is raised and what is returned."""
        refuse_unsafe(job.text)
        argv = [*self._launcher(), str(self.path()), "-r", RAW, DECK]
        judge = functools.partial(judge_xyce_log, strict=self.processes == 1)
        program = Program(argv, judge, plots=renamed(job.vectors))
        return run_program(self, program, job, self.timeout if job.timeout is None else job.timeout)

    def _launcher(self) -> list[str]:
        if self.processes == 1:
            return []
        found = shutil.which(LAUNCHER)
        if found is None:
            raise SimulatorMissing(f"{LAUNCHER} is not on PATH: install an MPI, or run Xyce with one process")
        return [found, "-n", str(self.processes)]


def renamed(vectors: tuple[str, ...]) -> Callable[[list[RawPlot]], list[RawPlot]]:
    """Turn Xyce's bare names into v(node) and i(source); `vectors` decide where "#" was an underscore."""
    meant = {_mangled(name): name for name in vectors}

    def one(name: str, unit: str) -> str:
        if name == TIME or "(" in name:
            return name
        bare = f"i({name.removesuffix('#branch')})" if unit == "current" else f"v({name})"
        return meant.get(bare, bare)

    def change(plots: list[RawPlot]) -> list[RawPlot]:
        return [replace(p, names=tuple(map(one, p.names, p.units))) for p in plots]

    return change


def _mangled(name: str) -> str:
    """ "v(a_b_c)" -> "v(a_b#c)"; branches already have their "#" at the end."""
    if not name.startswith("v("):
        return name
    head, underscore, end = name.rpartition("_")
    return f"{head}#{end}" if underscore else name


def judge_xyce_log(stdout: str, stderr: str, *, strict: bool) -> LogFinding | None:
    """What Xyce says against the run. `strict` holds every line of the error channel against it.

    Not under MPI, where launchers talk there.
    """
    lines = [line.strip() for line in (*stderr.splitlines(), *stdout.splitlines())]
    bad = [line for line in lines if _COMPLAINT.search(line) and not _HARMLESS.match(line)]
    found = list(dict.fromkeys(bad))
    if found:
        quoted = "; ".join(found[:QUOTED_LINES])
        if _STUCK.search("\n".join(found)):
            return LogFinding(
                Status.NUMERICAL_FAILURE,
                f"Xyce says: {quoted}. Remedy: bound the state, or check .ic and the screen for active edges.",
            )
        return LogFinding(Status.REJECTED, f"Xyce says: {quoted}. Remedy: correct the deck.")
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    if strict and said:
        quoted = "; ".join(said[:QUOTED_LINES])
        return LogFinding(Status.LOG_ERROR, f"Xyce says: {quoted}. Not known to be harmless: look at the log.")
    return None


@functools.lru_cache(maxsize=64)
def _version(program: str, size: int, modified: int) -> str:
    """Ask `program`; size and time in the key notice an upgrade."""
    with tempfile.TemporaryDirectory(prefix="spicebridge-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        try:
            ended = run_in_group(
                [program, "-v"],
                directory=place,
                environment=private_environment(place),
                timeout=PROBE_TIMEOUT,
                stdout=place / "stdout",
                stderr=place / "stderr",
            )
        except OSError as error:
            raise SimulatorMissing(f"{program} cannot be started: {error}: {_INSTALL}") from error
        log = tail(place / "stdout") + tail(place / "stderr")
    if ended.timed_out or ended.exit_code < 0:
        raise SimulatorDied(f"{program} -v hangs or crashes: {_INSTALL}", log=log)
    match = _VERSION.search(log)
    if match is None:
        raise SimulatorMissing(f"{program} does not say which Xyce it is ({log.strip()[:80]!r}): {_INSTALL}", log=log)
    if (int(match["major"]), int(match["minor"])) < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        raise SimulatorTooOld(f"{program} is Xyce {match['version']}, {oldest} or later is needed: {_INSTALL}", log=log)
    return match["version"]
