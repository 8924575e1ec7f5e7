"""neospice: a simulator that pip alone installs, in a worker process of its own per run.

An independent implementation of SPICE. It warns, on its error channel only, where it skips an element or
does not know a name, and goes on with another circuit: every word there is held against the run.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.circuit.engines.deckguard import saved_names, silent_trap
from spicebridge.circuit.engines.door import DECK, DEFAULT_TIMEOUT, RAW, Door, Invocation
from spicebridge.circuit.engines.engine import TIME, Job, LogFinding, RunRecord, Status
from spicebridge.circuit.engines.installation import Installation, package_files
from spicebridge.circuit.engines.worker import worker_command, worker_environment
from spicebridge.errors import SimulatorMissing
from spicebridge.tables.raw_file import RawPlot

_SCRIPT = "neospice_run.py"
_INSTALL = "install it with 'pip install neospice', or use the engine 'ngspice'"
_VERSION = re.compile(r"neospice (?P<version>(?P<major>\d+)(?:\.(?P<minor>\d+))?\S*)")
# A resistor whose value is an expression: neospice 0.2 drops the element.
_EXPRESSION_RESISTOR = re.compile(r"^\s*r\S*\s+\S+\s+\S+\s+(?:r\s*=|['{])", re.IGNORECASE)
# neospice runs one analysis and is silent about the others.
_OTHER_ANALYSIS = re.compile(r"^\s*\.(?:op|dc|ac|noise|tf|sens|pz|disto|four|step|sp|hb)\b", re.IGNORECASE)
LEAK = "1e12"
_IC_CARD = re.compile(r"^\s*\.ic\b", re.IGNORECASE | re.MULTILINE)
_IC_NODE = re.compile(r"v\(([^\s()]+)\)\s*=")
_SET_BY_IC = re.compile(r"v\([^\s()]+\)(?=\s*=)")
_STUCK = re.compile(r"converge|singular|timestep|time step", re.IGNORECASE)


@dataclass(frozen=True)
class NeospiceWorker(Door):
    """Engine that runs neospice; only decks of the fast form.

    At t = 0 its output has only the signals set by `.ic` right; the others are extrapolated from the next
    two points.

    timeout  wall-clock limit of a run in s, unless the job has its own
    mended   add the leaks that its search for the operating point needs, and replace its first row
    """

    timeout: float = DEFAULT_TIMEOUT
    name: str = "neospice"
    mended: bool = True

    dialect = "ngspice"

    def installation(self) -> Installation:
        """The installed package; see `Door`."""
        files = package_files("neospice")
        if files is None:
            raise SimulatorMissing(f"neospice is not installed: {_INSTALL}")
        return Installation(
            title="neospice",
            files=files,
            ask=tuple(worker_command(_SCRIPT, "--version")),
            pattern=_VERSION,
            oldest=(0, 0),
            install=_INSTALL,
            environment=tuple(worker_environment().items()),
        )

    def as_it_is(self) -> NeospiceWorker:
        """The same without anything mended, to see what the simulator itself does."""
        return replace(self, mended=False)

    def trap(self, job: Job) -> str | None:
        """See `Door`."""
        return silent_trap(job.text) or _unsupported(job.text)

    def invocation(self, job: Job) -> Invocation:
        """See `Door`."""
        given = frozenset(_SET_BY_IC.findall(job.text.lower()))
        return Invocation(
            argv=worker_command(_SCRIPT, DECK, RAW),
            judge_log=judge_neospice_log,
            saved=saved_names(job.text),
            plots=functools.partial(_mend_start, given) if self.mended else list,
            environment=worker_environment(),
        )

    def _run(self, program: Invocation, job: Job) -> RunRecord:
        return super()._run(program, replace(job, text=_with_leaks(job.text)) if self.mended else job)


def _with_leaks(text: str) -> str:
    """The deck with `LEAK` ohm from every node that .ic sets to ground.

    Without it the search for the operating point ends at a node that has a capacitor and sources only.
    """
    nodes = dict.fromkeys(match[1] for match in _IC_NODE.finditer(text.lower()) if "," not in match[1])
    place = _IC_CARD.search(text)
    if place is None or "rleak0" in text.lower():
        return text
    leaks = "".join(f"Rleak{k} {node} 0 {LEAK}\n" for k, node in enumerate(nodes))
    return text[: place.start()] + leaks + text[place.start() :]


def _mend_start(given: frozenset[str], plots: list[RawPlot]) -> list[RawPlot]:
    """Replace what neospice 0.2 writes at t = 0 for signals that .ic does not set.

    There it has the given states right and everything else from an unfinished iteration. Its next three points
    are within a few hundredths of the step, so the parabola through them is far inside the error of the step.
    """
    mended = []
    for plot in plots:
        if plot.actual_points < 4 or plot.names[:1] != (TIME,):
            mended.append(plot)
            continue
        t, rows = plot.data[:4, 0], plot.data[1:4]
        if not (np.diff(t) > 0.0).all():
            mended.append(plot)
            continue
        weights = [np.prod([(t[0] - t[j]) / (t[k] - t[j]) for j in (1, 2, 3) if j != k]) for k in (1, 2, 3)]
        keep = [name in given or name == TIME for name in plot.names]
        table = plot.data.copy()
        table[0] = np.where(keep, table[0], weights @ rows)
        mended.append(replace(plot, data=table))
    return mended


def _unsupported(text: str) -> str | None:
    """The first line that neospice would skip, as a sentence."""
    for number, line in enumerate(text.splitlines(), 1):
        if _EXPRESSION_RESISTOR.match(line):
            return (
                f"line {number}: {line.strip()[:80]!r} is a resistor given by an expression, which neospice "
                "skips: use form='fast', or the engine 'ngspice'"
            )
        if _OTHER_ANALYSIS.match(line):
            return f"line {number}: {line.strip()[:80]!r}: a deck must have one .tran and no other analysis"
    return None


def judge_neospice_log(stdout: str, stderr: str) -> LogFinding | None:
    """Any line on the error channel is a finding: a failure of the solution, or a skipped line."""
    lines = list(dict.fromkeys(line.strip() for line in stderr.splitlines() if line.strip()))
    if not lines:
        return None
    if not any(line.startswith("Warning") for line in lines) and _STUCK.search(stderr):
        remedy = "take a smaller step, or run it on ngspice, whose search for the operating point goes further"
        return LogFinding.quoting(Status.NUMERICAL_FAILURE, "neospice", lines, f"Remedy: {remedy}.")
    remedy = "use form='fast' or the engine 'ngspice'; the circuit that ran is not the one in the deck"
    return LogFinding.quoting(Status.REJECTED, "neospice", lines, f"Remedy: {remedy}.")
