"""Xyce as a process, serial or under MPI. Used where its program is on PATH.

`Xyce -r out.raw deck.cir` writes every node and branch of the circuit, with bare names: node ``w0`` for
v(w0), ``v0#branch`` for i(v0). An underscore stays, but a name that ends in ``_branch`` ends in ``#branch``
there (source: Xyce, ``N_IO_OutputterOverrideRaw.C``). Both are undone here. What Xyce 7.10 printed on our decks
is in ``tests/fake_bin/xyce_*``, with which the door is tested.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from spicebridge.circuit.engines.deckguard import refuse_unsafe
from spicebridge.circuit.engines.door import DEFAULT_TIMEOUT, Door, Installation, find_program, is_script
from spicebridge.circuit.engines.engine import TIME, Job, RunRecord
from spicebridge.circuit.engines.run_program import DECK, RAW, Invocation, run_program
from spicebridge.circuit.engines.xyce_log import judge_xyce_log
from spicebridge.circuit.raw import RawPlot
from spicebridge.errors import SimulatorDied, SimulatorMissing, SpiceBridgeError

EXECUTABLE_VARIABLE = "SPICEBRIDGE_XYCE"
LAUNCHER = "mpirun"
OLDEST_VERSION = (7, 4)
"""Earlier releases have another parser of expressions."""

_INSTALL = f"build or install Xyce (xyce.sandia.gov), point ${EXECUTABLE_VARIABLE} at it, or use the engine 'ngspice'"
_VERSION = re.compile(r"Xyce\s+(?:Release\s+|DEVELOPMENT[-\s]*)?(?P<version>(?P<major>\d+)\.(?P<minor>\d+)[\w.-]*)")


@dataclass(frozen=True)
class XyceProcess(Door):
    """Engine that runs `Xyce -r out.raw deck.cir`.

    executable  path or name of the program; None takes $SPICEBRIDGE_XYCE, then Xyce or xyce on PATH
    processes   1 runs it as it is; more run `mpirun -n processes` (an Xyce built for MPI is needed)
    timeout     wall-clock limit of a run in s, unless the job has its own
    name        what it is called in results, where several programs run side by side

    Raises SpiceBridgeError for a number of processes that is none.
    """

    executable: str | os.PathLike[str] | None = None
    processes: int = 1
    timeout: float = DEFAULT_TIMEOUT
    name: str = "xyce"

    dialect = "xyce"

    def __post_init__(self) -> None:
        if not isinstance(self.processes, int) or self.processes < 1:
            raise SpiceBridgeError(f"xyce: processes is {self.processes!r}, it must be a whole number from 1 up")

    def path(self) -> Path:
        """The program that will run. Raises SimulatorMissing, with how to install it."""
        return find_program("Xyce", ("Xyce", "xyce"), self.executable, EXECUTABLE_VARIABLE, _INSTALL)

    def installation(self) -> Installation:
        """The program, and how it is started; see `Door`."""
        path = self.path()
        program = str(path)
        ask = (program, "-v")
        how = (f"{self.processes} processes",) if self.processes > 1 else ()
        return Installation(
            title="Xyce",
            files=(program,),
            ask=ask,
            pattern=_VERSION,
            oldest=OLDEST_VERSION,
            install=_INSTALL,
            steady=not is_script(path),
            how=how,
        )

    def available(self) -> bool:
        """Whether a recent enough Xyce answers, and its launcher is there if it needs one."""
        try:
            self.version()
            self._launcher()
        except (SimulatorMissing, SimulatorDied):
            return False
        return True

    def run(self, job: Job) -> RunRecord:
        """Run one job; see `Engine` for what is raised and what is returned."""
        refuse_unsafe(job.text)
        argv = [*self._launcher(), str(self.path()), "-r", RAW, DECK]
        judge = functools.partial(judge_xyce_log, strict=self.processes == 1)
        program = Invocation(argv=argv, judge_log=judge, plots=renamed(job.vectors))
        return run_program(self, program, job)

    def _launcher(self) -> list[str]:
        if self.processes == 1:
            return []
        found = shutil.which(LAUNCHER)
        if found is None:
            raise SimulatorMissing(f"{LAUNCHER} is not on PATH: install an MPI, or run Xyce with one process")
        return [found, "-n", str(self.processes)]


def renamed(vectors: tuple[str, ...]) -> Callable[[list[RawPlot]], list[RawPlot]]:
    """Turn Xyce's bare names into v(node) and i(source); `vectors` decide where "#branch" was "_branch"."""
    meant = {f"{name[:-8]}#branch)": name for name in vectors if name.startswith("v(") and name.endswith("_branch)")}

    def one(name: str, unit: str) -> str:
        if name == TIME or "(" in name:
            return name
        bare = f"i({name.removesuffix('#branch')})" if unit == "current" else f"v({name})"
        return meant.get(bare, bare)

    def change(plots: list[RawPlot]) -> list[RawPlot]:
        return [replace(p, names=tuple(map(one, p.names, p.units))) for p in plots]

    return change
