"""ngspice as a process: one private directory per run, and a verdict that ignores the exit code."""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

from spicebridge.circuit.engines import probe
from spicebridge.circuit.engines.base import Job, RunRecord
from spicebridge.circuit.engines.deckguard import refuse_unsafe, saved_names, silent_trap
from spicebridge.circuit.engines.ngspice_log import judge_log
from spicebridge.circuit.engines.process import private_environment, run_in_group
from spicebridge.circuit.engines.run_program import DECK, RAW, Program, not_run, run_program, tail
from spicebridge.errors import SimulatorDied, SimulatorMissing, SimulatorTooOld

EXECUTABLE_VARIABLE = "SPICEBRIDGE_NGSPICE"
OLDEST_VERSION = 36
DEFAULT_TIMEOUT = 600.0
"""Wall-clock limit of a run in s, where neither the job nor the engine sets one."""
PROBE_TIMEOUT = 20.0
"""Wall-clock limit of `--version` in s."""

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
        self.version()
        trap = silent_trap(job.text, generated=job.generated)
        if trap is not None:
            return not_run(self, job, trap)
        limit = self.timeout if job.timeout is None else job.timeout
        argv = [str(self.path()), "-n", "-b", "-r", RAW, DECK]
        saved = () if job.generated else saved_names(job.text)
        return run_program(self, Program(argv, judge_log, saved), job, limit)


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
        log = tail(place / "stdout") + tail(place / "stderr")
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
