"""ngspice as a process: one private directory per run, and a verdict that ignores the exit code.

The error channel of a clean run is empty but for progress and the steps towards the operating
point, so every line there that is not listed as harmless is held against the run. On the other
channel, which also carries the node table, only lines that open like a complaint count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from spicebridge.circuit.engines.deckguard import saved_names, silent_trap
from spicebridge.circuit.engines.door import DECK, RAW, Invocation, ProgramDoor
from spicebridge.circuit.engines.engine import NOT_KNOWN, Job, LogFinding, Status
from spicebridge.circuit.engines.installation import Executable

EXECUTABLE_VARIABLE = "SPICEBRIDGE_NGSPICE"
OLDEST_VERSION = 36

# Progress, printed without a line end and in front of other messages.
_PROGRESS = re.compile(r"(?:Reference value\s*:\s*\S+|Trying gmin\s*=\s*\S+|Supplies reduced to\s*\S+%)\s*")

# A search for the operating point may fail one way and succeed the next. That every way failed
# shows as "Transient op", which is not in this list: its pseudo-transient loses the .ic values.
_HARMLESS = frozenset(
    {
        "Note: No compatibility mode selected!",
        "Note: can't find the initialization file spinit.",
        "Warning: can't find the initialization file spinit.",
        "Note: Starting dynamic gmin stepping",
        "Note: Starting spice3 gmin stepping",
        "Note: Starting true gmin stepping",
        "Note: Starting source stepping",
        "Note: One successful gmin step",
        "Note: One successful source step",
        "Note: Dynamic gmin stepping completed",
        "Note: spice3 gmin stepping completed",
        "Note: True gmin stepping completed",
        "Note: Source stepping completed",
        "Warning: Further gmin increment",
        "Warning: Last gmin step failed",
        "Warning: gmin step failed",
        "Warning: Dynamic gmin stepping failed",
        "Warning: spice3 gmin stepping failed",
        "Warning: True gmin stepping failed",
        "Warning: source stepping failed",
        "Using SPARSE 1.3 as Direct Linear Solver",
        "Using KLU as Direct Linear Solver",
    }
)

_COMPLAINT_WORDS = ("error", "warning", "panic:", "reducing", "failed", "aborted", "compatibility", "note:")
_STDOUT_COMPLAINT = re.compile(
    r"\s*(?:(?:fatal )?error\b.*:|warning\b.*:|panic:|reducing trtol|transient solution failed"
    r"|run simulation\(s\) aborted|compatibility modes? selected"
    r"|note: .*(?:ignored|assumed|instead|autostop))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Cause:
    """A pattern in the log, the status it stands for, and the remedy to name."""

    pattern: re.Pattern[str]
    status: Status
    remedy: str


def _cause(pattern: str, status: Status, remedy: str) -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), status, remedy)


# The first pattern found anywhere in the complaints decides.
_CAUSES = (
    _cause(
        r"^Error on line|unknown subckt|undefined parameter|cannot compute substitute|not parsed"
        r"|no such function|syntax error|can't parse|could not find (?:include|library) file"
        r"|unknown controlling source|not enough parameters|bad syntax|MIF-ERROR"
        r"|aren't any circuits|no circuit loaded|non-increasing",
        Status.REJECTED,
        "correct the deck",
    ),
    _cause(
        r"singular matrix",
        Status.NUMERICAL_FAILURE,
        "ground one node of every connected component, leave no loop of voltage sources alone, and "
        "check that active edges do not cancel the passive ones at the initial state",
    ),
    _cause(r"out of range for", Status.NUMERICAL_FAILURE, "an expression left its domain: bound its argument"),
    _cause(
        r"timestep too small",
        Status.NUMERICAL_FAILURE,
        "a resistance may have crossed zero or a state run away: bound the state or shorten the span",
    ),
    _cause(
        r"transient op (?:started|failed)|transient solution failed|operating point could not"
        r"|finding the operating point",
        Status.NUMERICAL_FAILURE,
        "no operating point honours the initial conditions: check .ic and the screen for active edges",
    ),
    _cause(
        r"doAnalyses|iteration limit|no convergence|simulation\(s\) aborted",
        Status.NUMERICAL_FAILURE,
        "look at the expression or node named in the log",
    ),
    _cause(
        r"ignored|skipped|replaced with|set to 1 mOhm|assumed|unrecogni[sz]ed|unknown|unsupported"
        r"|non-existent|not supported|bad type|used for op instead|reducing trtol"
        r"|compatibility modes? selected|interpolated raw|no such",
        Status.REJECTED,
        "the circuit that ran is not the one in the deck: correct the line",
    ),
)


@dataclass(frozen=True)
class NgspiceProcess(ProgramDoor):
    """Engine that runs `ngspice -n -b -r out.raw deck.cir`; see `ProgramDoor`.

    Results are loaded into memory; nothing outlives `run` on disk. Besides the errors that every
    `Engine` raises, a deck that ngspice would alter in silence is returned as REJECTED unrun.
    What no log and no check can see stays with the author of the deck: a divisor that becomes zero
    during the run (ngspice takes it as 1e-32), and states outside their physical range.
    """

    name: str = "ngspice"

    dialect = "ngspice"
    program = Executable(
        title="ngspice",
        names=("ngspice",),
        variable=EXECUTABLE_VARIABLE,
        ask="--version",
        pattern=re.compile(r"ngspice[- ](?P<version>(?P<major>\d+)(?:\.(?P<minor>\d+))?[\w.+-]*)"),
        oldest=(OLDEST_VERSION, 0),
        install="install it with 'apt install ngspice' or 'brew install ngspice', point "
        f"${EXECUTABLE_VARIABLE} at the program, or use another engine ('pip install neospice')",
    )

    def trap(self, job: Job) -> str | None:
        """See `Door`."""
        return silent_trap(job.text, generated=job.generated)

    def invocation(self, job: Job) -> Invocation:
        """See `Door`."""
        argv = [str(self.path()), "-n", "-b", "-r", RAW, DECK]
        return Invocation(argv=argv, judge_log=judge_log, saved=() if job.generated else saved_names(job.text))


def complaints(stdout: str, stderr: str) -> list[str]:
    """Distinct lines of both channels that a clean run does not print, in order."""
    found: dict[str, None] = {}
    for line in re.split(r"[\r\n]+", stderr):
        rest = _PROGRESS.sub("", line).strip()
        if rest and rest not in _HARMLESS:
            found[rest] = None
    low = stdout.lower()
    # The node table of a large circuit is not looked at line by line for words that are nowhere in it.
    if any(word in low for word in _COMPLAINT_WORDS):
        for line in stdout.splitlines():
            if _STDOUT_COMPLAINT.match(line):
                found[line.strip()] = None
    return list(found)


_SINGULAR = re.compile(r"singular matrix", re.IGNORECASE)
_COMPLETED = re.compile(r"(?:gmin|source) stepping completed", re.IGNORECASE)
_PSEUDO = re.compile(r"transient op started", re.IGNORECASE)


def recovered(stderr: str) -> bool:
    """Whether a singular matrix on the way to the operating point was overcome by stepping gmin or the sources.

    The pseudo-transient that ngspice tries last is no such way: it loses the initial conditions.
    """
    last = max((found.start() for found in _SINGULAR.finditer(stderr)), default=-1)
    done = max((found.start() for found in _COMPLETED.finditer(stderr)), default=-1)
    return 0 <= last < done and not _PSEUDO.search(stderr)


def judge_log(stdout: str, stderr: str) -> LogFinding | None:
    """None for a clean log; otherwise the decisive cause, quoted, with its remedy.

    A singular matrix from which the search for the operating point recovered is a note (COMPLETE): what follows it is
    judged by the data.
    """
    lines = complaints(stdout, stderr)
    if not lines:
        return None
    if recovered(stderr):
        met = next(line for line in lines if _SINGULAR.search(line))
        lines = [line for line in lines if not _SINGULAR.search(line)]
        if not lines:
            return LogFinding(Status.COMPLETE, f"ngspice says: {met}, and found the operating point by stepping")
    for cause in _CAUSES:
        for place, line in enumerate(lines):
            if cause.pattern.search(line):
                said = lines[max(place - 1, 0) :]
                return LogFinding.quoting(cause.status, "ngspice", said, f"Remedy: {cause.remedy}.")
    return LogFinding.quoting(Status.LOG_ERROR, "ngspice", lines, NOT_KNOWN)
