"""What ngspice prints, and what it means.

The error channel of a clean run is empty but for progress and the steps towards the operating
point, so every line there that is not listed as harmless is held against the run. On the other
channel, which also carries the node table, only lines that open like a complaint count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from spicebridge.circuit.engines.engine import Status

QUOTED_LINES = 4
"""Complaints quoted in a reason, from the one before the decisive one; the log holds them all."""

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

# In lower case.
_NO_SPACE = ("rawfile write error", "no space left on device", "disk quota exceeded")
_NO_MEMORY = ("can't allocate", "out of memory", "memory exhausted", "bad_alloc")


@dataclass(frozen=True)
class LogFinding:
    """The worst thing a log says: its status, and a reason that quotes it."""

    status: Status
    reason: str


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


def exhausted(stdout: str, stderr: str) -> str | None:
    """The remedy, if the log says that disk or memory ran out."""
    for text in (stderr.lower(), stdout.lower()):
        if any(words in text for words in _NO_SPACE):
            return "the disk is full: free space or point TMPDIR at a larger disk"
        if any(words in text for words in _NO_MEMORY):
            return "memory ran out: use a smaller network, a shorter span or fewer saved signals"
    return None


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
                first = max(place - 1, 0)
                quoted = "; ".join(lines[first : first + QUOTED_LINES])
                return LogFinding(cause.status, f"ngspice says: {quoted}. Remedy: {cause.remedy}.")
    quoted = "; ".join(lines[:QUOTED_LINES])
    return LogFinding(Status.LOG_ERROR, f"ngspice says: {quoted}. Not known to be harmless: look at the log.")
