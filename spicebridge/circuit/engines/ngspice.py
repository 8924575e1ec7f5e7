"""ngspice as a process: one private directory per run, and a verdict that ignores the exit code."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from spicebridge.circuit.engines.deckguard import refuse_unsafe, saved_names, silent_trap
from spicebridge.circuit.engines.door import DEFAULT_TIMEOUT, Door, Installation, find_program, is_script
from spicebridge.circuit.engines.engine import Job, RunRecord
from spicebridge.circuit.engines.ngspice_log import judge_log
from spicebridge.circuit.engines.run_program import DECK, RAW, Invocation, not_run, run_program

EXECUTABLE_VARIABLE = "SPICEBRIDGE_NGSPICE"
OLDEST_VERSION = 36

_INSTALL = (
    "install it with 'apt install ngspice' or 'brew install ngspice', point "
    f"${EXECUTABLE_VARIABLE} at the program, or use another engine ('pip install neospice')"
)
_VERSION = re.compile(r"ngspice[- ](?P<version>(?P<major>\d+)(?:\.(?P<minor>\d+))?[\w.+-]*)")


@dataclass(frozen=True)
class NgspiceProcess(Door):
    """Engine that runs `ngspice -n -b -r out.raw deck.cir`.

    executable  path or name of the program; None takes $SPICEBRIDGE_NGSPICE, then PATH
    timeout     wall-clock limit of a run in s, unless the job has its own
    name        what it is called in results, where several programs run side by side

    Results are loaded into memory; nothing outlives `run` on disk. Besides the errors that every
    `Engine` raises, a deck that ngspice would alter in silence is returned as REJECTED unrun.
    What no log and no check can see stays with the author of the deck: a divisor that becomes zero
    during the run (ngspice takes it as 1e-32), and states outside their physical range.
    """

    executable: str | os.PathLike[str] | None = None
    timeout: float = DEFAULT_TIMEOUT
    name: str = "ngspice"

    dialect = "ngspice"

    def path(self) -> Path:
        """The program that will run. Raises SimulatorMissing, with how to install it."""
        return find_program("ngspice", ("ngspice",), self.executable, EXECUTABLE_VARIABLE, _INSTALL)

    def installation(self) -> Installation:
        """The program; see `Door`."""
        path = self.path()
        ask, oldest = (str(path), "--version"), (OLDEST_VERSION, 0)
        return Installation(
            title="ngspice",
            files=ask[:1],
            ask=ask,
            pattern=_VERSION,
            oldest=oldest,
            install=_INSTALL,
            steady=not is_script(path),
        )

    def run(self, job: Job) -> RunRecord:
        """Run one job; see `Engine` for what is raised and what is returned."""
        refuse_unsafe(job.text)
        self.version()
        trap = silent_trap(job.text, generated=job.generated)
        if trap is not None:
            return not_run(self, job, trap)
        argv = [str(self.path()), "-n", "-b", "-r", RAW, DECK]
        saved = () if job.generated else saved_names(job.text)
        return run_program(self, Invocation(argv=argv, judge_log=judge_log, saved=saved), job)
