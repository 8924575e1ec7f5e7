"""Exit statuses: what happened, in one number. An expectation in a case never changes it."""

from __future__ import annotations

from collections.abc import Iterable

from spicebridge.errors import RunFailed, SimulatorError, SpiceBridgeError

AGREES = 0
DISAGREES = 1
BAD_INPUT = 2
NO_SIMULATOR = 3
UNRESOLVED = 4
BUG = 70
INTERRUPTED = 130
BROKEN_PIPE = 141

SUCCESS = AGREES

EPILOG = """\
exit status:
  0  circuit and equations agree
  1  they disagree
  2  bad input or usage
  3  the simulator is missing or died
  4  unresolved: the numerical error is too large, or unknown
for several cases the first that applies of 2, 3, 1, 4, 0. The status is about the outcome: a case
that is there to disagree (expect = "disagrees") counts as 1 here, and as met in the table.
70 is a bug in spicebridge, 130 an interruption, 141 a closed pipe.
"""

_OUTCOMES = {"agrees": AGREES, "disagrees": DISAGREES, "unresolved": UNRESOLVED}
_WEIGHT = (BAD_INPUT, NO_SIMULATOR, DISAGREES, UNRESOLVED, AGREES)


def of_outcome(outcome: str) -> int:
    """The status of an outcome by its word."""
    return _OUTCOMES[outcome]


def of_error(error: SpiceBridgeError) -> int:
    """3 for a simulator that cannot run, 4 for a run that failed numerically, 2 for everything else."""
    if isinstance(error, RunFailed):
        return UNRESOLVED
    return NO_SIMULATOR if isinstance(error, SimulatorError) else BAD_INPUT


def combined(statuses: Iterable[int]) -> int:
    """The first of 2, 3, 1, 4, 0 that occurs."""
    found = set(statuses)
    return next((status for status in _WEIGHT if status in found), AGREES)
