"""What Xyce prints, and what it means.

Its messages begin in the first column and go on in indented lines. Every good run ends with a summary and a table
of times, whose rows carry the words Failed and Failure with their counts: a retried step is no complaint. Of the
warnings a few leave the circuit as it is; every other one is held against the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from spicebridge.circuit.engines.engine import Status
from spicebridge.circuit.engines.ngspice_log import QUOTED_LINES, LogFinding

_COMPLAINT = re.compile(r"\b(?:warning|error|abort(?:ed|ing)?|fail(?:ed|ure)?|too small)\b", re.IGNORECASE)
_OPENING = re.compile(r"(?:netlist|user|simulation|dev(?:ice)?|internal)? ?(?:warning|error|fatal)\b", re.IGNORECASE)
# Lines of the summary that every good run prints, and rows of its table: name, count, times in two columns.
_SUMMARY = re.compile(
    r"\s*(?:Number\b.*(?:Failed|Failures).*|.*\b(?:no|0) (?:errors|warnings)\b.*"
    r"|\S.*?\s+\d+\s+[<>]?\d+(?:\.\d*)?(?:[:\d.]*)(?:\s*\(\s*<?[\d.]+%\))?(?:\s+[<>]?\d[\d.:]*(?:\s*\(\s*<?[\d.]+%\))?)?)\s*",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    # A node that only feeds an expression; its row is there, and the matrix is solvable.
    r"warning: Voltage Node \(.*\) connected to only 1 device Terminal"
    # The slopes that Newton's iteration uses are cut, not the function: it converges to the same point or fails.
    r"|warning: In device .*: Expression derivative for variable number \d+ \|.*\| exceeds .*, value reduced"
    # The raw file that -r asks for needs none.
    r"|warning: No print specified",
    re.IGNORECASE,
)
_STUCK = re.compile(
    r"time ?step too small|transient failure|operating point failed|singular|did not converge|failed to converge",
    re.IGNORECASE,
)
_STEEP = re.compile(r"Expression derivative for variable number", re.IGNORECASE)


def judge_xyce_log(stdout: str, stderr: str, *, strict: bool) -> LogFinding | None:
    """What Xyce says against the run. `strict` holds every line of the error channel against it.

    Not under MPI, where launchers talk there.
    """
    said = list(dict.fromkeys((*_messages(stderr), *_messages(stdout))))
    found = [m for m in said if _COMPLAINT.search(m) and not _HARMLESS.search(m)]
    if found:
        text = "\n".join(found)
        quoted = "; ".join(found[:QUOTED_LINES])
        if _STUCK.search(text):
            remedy = "bound the state, or check .ic and the screen for active edges"
            if any(_STEEP.search(m) for m in said):
                remedy = "a slope in the deck exceeds what Xyce works with: soften the clamp or the expression it names"
            return LogFinding(Status.NUMERICAL_FAILURE, f"Xyce says: {quoted}. Remedy: {remedy}.")
        return LogFinding(Status.REJECTED, f"Xyce says: {quoted}. Remedy: correct the deck.")
    if strict:
        rest = [m for m in dict.fromkeys(_messages(stderr)) if not _HARMLESS.search(m)]
        if rest:
            quoted = "; ".join(rest[:QUOTED_LINES])
            return LogFinding(Status.LOG_ERROR, f"Xyce says: {quoted}. Not known to be harmless: look at the log.")
    return None


def _messages(text: str) -> Iterator[str]:
    """Lines that are no part of the summary, each warning or error with the indented lines behind it."""
    held: list[str] = []
    for line in text.splitlines():
        if held and line[:1] == " " and line.strip() and not _SUMMARY.fullmatch(line):
            held.append(line.strip())
            continue
        yield from _joined(held)
        held = []
        if not line.strip() or _SUMMARY.fullmatch(line):
            continue
        if _OPENING.match(line):
            held = [line.strip()]
        else:
            yield line.strip()
    yield from _joined(held)


def _joined(parts: Iterable[str]) -> Iterator[str]:
    text = " ".join(parts)
    if text:
        yield text
